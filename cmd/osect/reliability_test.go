package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"osect/store"
)

// What the tests of reliability share: the real program as a process, captures,
// and stores to compare. docs/reliability.md says what they prove.

// torture says whether the long form of a test was asked for (make torture).
func torture() bool { return os.Getenv("OSECT_TORTURE") != "" }

// program is a built binary.
type program struct{ path string }

// built are the binaries of this run of the tests, by how they were built.
var built = map[string]program{}

// TestMain takes the binaries away in the end.
func TestMain(m *testing.M) {
	status := m.Run()
	for _, p := range built {
		os.RemoveAll(filepath.Dir(p.path))
	}
	os.Exit(status)
}

// build builds a command of this module.
func build(t *testing.T, pkg string, flags ...string) program {
	t.Helper()
	key := pkg + strings.Join(flags, " ")
	if p, ok := built[key]; ok {
		return p
	}
	dir, err := os.MkdirTemp("", "osect-test-")
	if err != nil {
		t.Fatal(err)
	}
	p := program{filepath.Join(dir, filepath.Base(pkg))}
	args := append([]string{"build", "-o", p.path}, flags...)
	if out, err := exec.Command("go", append(args, pkg)...).CombinedOutput(); err != nil {
		os.RemoveAll(dir)
		t.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	built[key] = p
	return p
}

// outcome is how a process ended.
type outcome struct {
	status      int // -1 when a signal ended it
	signal      syscall.Signal
	out, errOut string
}

// start starts the program; the returned function waits for its end.
func (p program) start(t *testing.T, env []string, args ...string) (*exec.Cmd, func() outcome) {
	t.Helper()
	var out, errOut bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // a hang, not slowness
	c := exec.CommandContext(ctx, p.path, args...)
	c.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "OSECT_") }), env...)
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, func() outcome {
		defer cancel()
		err := c.Wait()
		if ctx.Err() != nil {
			t.Errorf("osect %s: it hangs", strings.Join(args, " "))
		}
		if err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Fatal(err)
		}
		e := outcome{status: c.ProcessState.ExitCode(), out: out.String(), errOut: errOut.String()}
		if ws := c.ProcessState.Sys().(syscall.WaitStatus); ws.Signaled() {
			e.signal = ws.Signal()
		}
		return e
	}
}

func (p program) run(t *testing.T, env []string, args ...string) outcome {
	t.Helper()
	_, wait := p.start(t, env, args...)
	return wait()
}

// must runs a command line that has to succeed.
func (p program) must(t *testing.T, args ...string) outcome {
	t.Helper()
	e := p.run(t, nil, args...)
	if e.status != 0 {
		t.Fatalf("%s %s: status %d, %s", filepath.Base(p.path), strings.Join(args, " "), e.status, e.errOut)
	}
	return e
}

// oneLine holds that a command failed with a status and one line that has each of the words.
func (e outcome) oneLine(t *testing.T, status int, words ...string) {
	t.Helper()
	if e.status != status || strings.Count(e.errOut, "\n") != 1 || !strings.HasSuffix(e.errOut, "\n") {
		t.Errorf("status %d (signal %d), want %d with one line on standard error: %q", e.status, e.signal, status, e.errOut)
	}
	for _, w := range words {
		if !strings.Contains(e.errOut, w) {
			t.Errorf("standard error does not say %q: %q", w, e.errOut)
		}
	}
}

// dump is what osect dump prints of a store, after a look at all its pages.
func dump(t *testing.T, db string) []byte {
	t.Helper()
	st, err := store.Open(db, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if err := st.Check(context.Background()); err != nil {
		t.Errorf("%s: %v", db, err)
	}
	var b bytes.Buffer
	if err := st.Dump(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// progress is the number of minutes that the store's unfinished run has
// committed; false when there is no such run.
func progress(t *testing.T, db string) (uint64, bool) {
	t.Helper()
	st, err := store.Open(db, store.Options{})
	if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrNotAStore) {
		return 0, false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	run, err := st.UnfinishedRun()
	if err != nil {
		t.Fatal(err)
	}
	if run == nil {
		return 0, false
	}
	return run.Seq, true
}

// sameDump holds that two dumps are the same bytes.
func sameDump(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	a, b := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range min(len(a), len(b)) {
		if !bytes.Equal(a[i], b[i]) {
			t.Errorf("%s: another store, from line %d of the dump on:\n got %s\nwant %s", what, i+1, a[i], b[i])
			return
		}
	}
	t.Errorf("%s: another store: a dump of %d lines, want %d", what, len(a), len(b))
}

// copyStore copies a store that nobody has open; from "" makes none.
func copyStore(t *testing.T, from, to string) {
	t.Helper()
	if from == "" {
		return
	}
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// summary reads what replay --format json printed.
func (e outcome) summary(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(e.out), &m); err != nil {
		t.Fatalf("summary: %v in %q", err, e.out)
	}
	return m
}

func sharedCaptures(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("OSECT_SHARED")
	if dir == "" || !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", "..", "shared") // beside the module's root
	}
	dir = filepath.Join(dir, "captures")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("OSECT_REQUIRE_SHARED") == "1" {
			t.Fatal("no shared captures")
		}
		t.Skip("no shared captures")
	}
	return dir
}

// factory makes a synthetic plant with plantgen: a quiet and an attacked part.
func factory(t *testing.T, args ...string) (clean, attacked string) {
	t.Helper()
	gen := build(t, "osect/cmd/plantgen")
	dir := t.TempDir()
	clean, attacked = filepath.Join(dir, "clean.pcap"), filepath.Join(dir, "attacked.pcap")
	gen.must(t, append([]string{"--out", clean, "--attacked", attacked}, args...)...)
	return clean, attacked
}

// The edges: a capture in which what belongs together lies on both sides of the
// end of each minute, so that a process that dies there holds half of
// everything.

const edgeMinutes = 12

// edges makes it, and gives the frame numbers, from 1, before which to die, each with its name.
func edges() (capture []byte, points map[string][]uint64) {
	const syn, ack, psh = 2, 16, 8
	c := newCapture()
	points = map[string][]uint64{}
	n := uint64(0)
	put := func(at time.Time, b []byte) {
		n++
		c.frame(at, b)
	}
	die := func(name string) { points[name] = append(points[name], n+1) }
	mbap := func(pdu []byte) []byte { return append([]byte{0, 1, 0, 0, 0, byte(len(pdu) + 1), 1}, pdu...) }
	request, answer := mbap([]byte{16, 0, 0, 0, 2, 4, 0, 1, 0, 2}), mbap([]byte{16, 0, 0, 0, 2}) // write two registers
	// Two connections that stay: of the first each request is cut by the end of
	// the minute, of the second each answer comes in the next minute.
	type conn struct {
		port     uint16
		seq, ack uint32
	}
	cut, late := &conn{50001, 101, 501}, &conn{50002, 101, 501}
	for i, k := range []*conn{cut, late} {
		at := day0.Add(time.Duration(i) * time.Second)
		put(at, tcp(hmi, plc, k.port, 502, 100, 0, syn, nil))
		put(at.Add(time.Millisecond), tcp(plc, hmi, 502, k.port, 500, 101, syn|ack, nil))
		put(at.Add(2*time.Millisecond), tcp(hmi, plc, k.port, 502, 101, 501, ack, nil))
	}
	ask := func(k *conn, at time.Time, b []byte) {
		put(at, tcp(hmi, plc, k.port, 502, k.seq, k.ack, psh|ack, b))
		k.seq += uint32(len(b))
	}
	reply := func(k *conn, at time.Time, b []byte) {
		put(at, tcp(plc, hmi, 502, k.port, k.ack, k.seq, psh|ack, b))
		k.ack += uint32(len(b))
	}
	ask(cut, day0.Add(2*time.Second), request)
	reply(cut, day0.Add(3*time.Second), answer)
	for m := range edgeMinutes {
		end := day0.Add(time.Duration(m+1) * time.Minute)
		ms := func(n int) time.Time { return end.Add(time.Duration(n) * time.Millisecond) }
		pieces := fragments(hmi, plc, uint16(m+1), finsWrite())
		c.session(end.Add(-20*time.Second), laptop, uint16(40000+m), writeRegister, wholeAnswer) // of one alert, which grows
		n += 8
		die("in the middle of an alert that grows")
		put(ms(-300), pieces[0])
		die("inside a fragment train")
		ask(cut, ms(-200), request[:9])
		die("inside a TCP message")
		ask(late, ms(-100), request)
		die("between request and answer")
		put(ms(-50), pieces[1])
		die("before the end of a minute")
		reply(late, ms(100), answer)
		ask(cut, ms(200), request[9:])
		die("between request and answer, behind the minute")
		reply(cut, ms(300), answer)
		put(ms(400), pieces[2])
		die("behind a fragment train")
	}
	return c.Bytes(), points
}

// finsWrite is a FINS/UDP command, memory area write (0102) of 1,500 words to D0
// (area 82), which is too long for one frame.
func finsWrite() []byte {
	b := []byte{0x80, 0, 2, 0, 39, 0, 0, 10, 0, 7, 0x01, 0x02, 0x82, 0, 0, 0, 1500 >> 8, 1500 & 0xff}
	return append(b, make([]byte, 3000)...)
}

// fragments makes the three IPv4 fragments of a UDP datagram from and to port 9600.
func fragments(src, dst host, id uint16, payload []byte) [3][]byte {
	d := []byte{0x25, 0x80, 0x25, 0x80, 0, 0, 0, 0} // ports 9600, length, no checksum
	binary.BigEndian.PutUint16(d[4:], uint16(8+len(payload)))
	d = append(d, payload...)
	const size = 1480
	var out [3][]byte
	for i := range out {
		piece := d[i*size : min((i+1)*size, len(d))]
		b := append(append(bytes.Clone(dst.mac[:]), src.mac[:]...), 0x08, 0x00, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(20+len(piece)))
		b = binary.BigEndian.AppendUint16(b, id)
		offset := uint16(i * size / 8)
		if i < len(out)-1 {
			offset |= 0x2000 // more fragments
		}
		b = binary.BigEndian.AppendUint16(b, offset)
		b = append(b, 64, 17, 0, 0) // TTL, UDP, checksum
		b = append(append(b, src.ip[:]...), dst.ip[:]...)
		out[i] = append(b, piece...)
	}
	return out
}

// TestTheEdgesAreWhatTheySay: each of the things that are cut is seen whole by a
// replay that nobody disturbs.
func TestTheEdgesAreWhatTheySay(t *testing.T) {
	b := newBench(t)
	capture, points := edges()
	b.write("edges.pcap", capture)
	b.must("learn", "--db", b.db, b.path("quiet.pcap"))
	b.must("detect", "--db", b.db, b.path("edges.pcap"))
	want := map[string]float64{"10 request": 2*edgeMinutes + 1, "10 response": 2*edgeMinutes + 1, "0102 request": edgeMinutes, "06 request": edgeMinutes}
	for _, r := range b.rows("ot", "list") {
		k := r["function_code"].(string) + " " + r["direction"].(string)
		if n, ok := want[k]; ok && n != r["count"] {
			t.Errorf("%s: %v, want %v", k, r["count"], n)
		}
		delete(want, k)
	}
	if len(want) > 0 {
		t.Errorf("not seen: %v", want)
	}
	grown := false
	for _, a := range b.rows("alerts", "list") {
		grown = grown || a["count"].(float64) >= edgeMinutes
	}
	if !grown {
		t.Error("no alert grew over the minutes")
	}
	if len(points) != 7 {
		t.Errorf("%d kinds of places", len(points))
	}
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
