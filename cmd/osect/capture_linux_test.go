package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"osect/observe"
)

// These tests capture with the built program from one end of a veth pair, whose
// ends stand in network namespaces of their own, while frames are sent from the
// other end. Nothing leaves the namespaces.

// long says whether the tests that need minutes of packet time run (make live).
func long() bool { return os.Getenv("OSECT_LONG") != "" }

// lab is two namespaces: a sends through "out", b captures from "in".
type lab struct {
	t       *testing.T
	osect   string
	a, b    string
	db      string
	txStart int64
}

func newLab(t *testing.T) *lab {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	for _, tool := range []string{"ip", "tcpreplay"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s", tool)
		}
	}
	l := &lab{t: t, osect: build(t, "osect/cmd/osect").path, db: filepath.Join(t.TempDir(), "live.db")}
	l.a, l.b = fmt.Sprintf("osect-test-%d-a", os.Getpid()), fmt.Sprintf("osect-test-%d-b", os.Getpid())
	if out, err := exec.Command("ip", "netns", "add", l.a).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %s", out)
	}
	t.Cleanup(func() { exec.Command("ip", "netns", "del", l.a).Run() })
	l.ip("netns", "add", l.b)
	t.Cleanup(func() { exec.Command("ip", "netns", "del", l.b).Run() })
	l.ip("link", "add", "out", "netns", l.a, "type", "veth", "peer", "name", "in", "netns", l.b)
	for ns, dev := range map[string]string{l.a: "out", l.b: "in"} {
		// Without IPv6 the system itself sends nothing.
		l.in(ns, "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set "+dev+" mtu 9000 up")
	}
	l.txStart = l.sent()
	return l
}

func (l *lab) ip(args ...string) {
	l.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// in runs a command in a namespace and returns its output.
func (l *lab) in(ns string, args ...string) string {
	l.t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", ns}, args...)...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// sent is how many frames have left the capturing interface.
func (l *lab) sent() int64 {
	l.t.Helper()
	return l.counter("tx_packets")
}

func (l *lab) counter(name string) int64 {
	l.t.Helper()
	n, err := strconv.ParseInt(strings.TrimSpace(l.in(l.b, "cat", "/sys/class/net/in/statistics/"+name)), 10, 64)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// sharedBuffer is a buffer that a process writes while the test reads.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// running is a capture that runs.
type running struct {
	l           *lab
	cmd         *exec.Cmd
	out, errOut sharedBuffer
	done        chan struct{}
}

// capture starts osect capture and waits until it captures.
func (l *lab) capture(args ...string) *running {
	l.t.Helper()
	// "ip netns exec" becomes the program: signals reach it.
	args = append([]string{"netns", "exec", l.b, l.osect, "capture", "-v", "--lang", "en", "--db", l.db, "--format", "json"}, args...)
	r := &running{l: l, cmd: exec.Command("ip", args...), done: make(chan struct{})}
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.errOut
	if err := r.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	go func() {
		r.cmd.Wait()
		close(r.done)
	}()
	l.t.Cleanup(func() {
		select {
		case <-r.done:
		default:
			r.cmd.Process.Kill()
			<-r.done
		}
	})
	for range 1000 {
		if strings.Contains(r.errOut.String(), "capture began") {
			return r
		}
		select {
		case <-r.done:
			l.t.Fatalf("capture ended: %s", r.errOut.String())
		case <-time.After(10 * time.Millisecond):
		}
	}
	l.t.Fatalf("capture did not begin: %s", r.errOut.String())
	return nil
}

// liveResult is what osect capture --format json prints.
type liveResult struct {
	Packets uint64            `json:"packets"`
	Minutes uint64            `json:"minutes"`
	Dropped map[string]uint64 `json:"dropped"`
	Skipped map[string]uint64 `json:"skipped"`
}

// stop ends it by a signal; it must be done within 5 s, with status 0, and have sent nothing.
func (r *running) stop(sig syscall.Signal) (s liveResult) {
	t := r.l.t
	t.Helper()
	begin := time.Now()
	r.cmd.Process.Signal(sig)
	<-r.done
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("it ended %s after the signal", took)
	}
	if status := r.cmd.ProcessState.ExitCode(); status != 0 {
		t.Fatalf("exit status %d: %s", status, r.errOut.String())
	}
	if err := json.Unmarshal([]byte(r.out.String()), &s); err != nil {
		t.Fatalf("%v: %s", err, r.out.String())
	}
	if n := r.l.sent() - r.l.txStart; n != 0 {
		t.Errorf("%d frames were sent from the capturing interface", n)
	}
	return s
}

// list runs osect and gives its JSON rows without what depends on the clock
// and the sensor, sorted.
func (l *lab) list(db string, args ...string) []string {
	l.t.Helper()
	out, err := exec.Command(l.osect, append(args, "--db", db, "--format", "json", "--all")...).Output()
	if err != nil {
		l.t.Fatalf("%v: %v", args, err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(out, &rows); err != nil {
		l.t.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		for _, k := range []string{"first_seen", "last_seen", "sensors"} {
			delete(r, k)
		}
		b, err := json.Marshal(r)
		if err != nil {
			l.t.Fatal(err)
		}
		list = append(list, string(b))
	}
	slices.Sort(list)
	return list
}

// same compares a listing of the live store with one of the replayed.
func (l *lab) same(replayed string, args ...string) int {
	l.t.Helper()
	live, file := l.list(l.db, args...), l.list(replayed, args...)
	for _, row := range live {
		if !slices.Contains(file, row) {
			l.t.Errorf("%s: only live: %s", strings.Join(args, " "), row)
		}
	}
	for _, row := range file {
		if !slices.Contains(live, row) {
			l.t.Errorf("%s: only replayed: %s", strings.Join(args, " "), row)
		}
	}
	if len(live) != len(file) {
		l.t.Errorf("%s: %d rows live, %d replayed", strings.Join(args, " "), len(live), len(file))
	}
	return len(file)
}

// TestLiveIsLikeReplay: the same capture sent over a wire and captured gives the
// same connections, devices, addresses and operations as the file.
func TestLiveIsLikeReplay(t *testing.T) {
	shared := sharedCaptures(t)
	for _, c := range []struct {
		path, filter string
		speed        string // of tcpreplay; times of the captures are bounded, so that nothing idles out
	}{
		{"enip/ethernetip.pcap", "", "1"},
		{"fins/omron-part1.pcap", "", "1"},
		{"s7comm/2-s7comm-varservice-cyclicdata-1s.pcap", "", "4"},
		{"cclink/nttcom-cclink-field-cclink-control-cc-link-ief.pcap", "", "1"}, // below IP
		{"powerlink/eplexample.pcap", "", "10"},                                 // below IP
		{"profinet/1-click-attack.pcap", "", "10"},                              // tags of priority only
		{"tunnel-vlan/vlan-collisions.pcap", "", "1"},                           // one address in two VLANs
		{"tunnel-vlan/pppoe-double-vlan-tagging.pcap", "", "10"},                // two tags
		{"arp/802-1ad-qinq.pcap", "", "1"},                                      // 0x88a8
		{"tunnel-vlan/vlan-collisions.pcap", "vlan 42", "1"},
		{"tunnel-vlan/vlan-collisions.pcap", "ip", "1"},
		{"enip/ethernetip.pcap", "udp or tcp port 44818", "1"},
	} {
		t.Run(strings.TrimSpace(filepath.Base(c.path)+" "+c.filter), func(t *testing.T) {
			l := newLab(t)
			path := filepath.Join(shared, c.path)
			r := l.capture("-i", "in", "--filter", c.filter)
			out := l.in(l.a, "tcpreplay", "--intf1=out", "--multiplier="+c.speed, path)
			live := r.stop(syscall.SIGINT)

			replayed := filepath.Join(t.TempDir(), "replayed.db")
			text, err := exec.Command(l.osect, "replay", "--db", replayed, "--format", "json", "--filter", c.filter, path).Output()
			if err != nil {
				t.Fatal(err)
			}
			var file liveResult
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			if live.Packets != file.Packets || file.Packets == 0 {
				t.Errorf("%d packets live, %d replayed\n%s", live.Packets, file.Packets, out)
			}
			for cause, n := range live.Dropped {
				if n != 0 {
					t.Errorf("%d dropped: %s", n, cause)
				}
			}
			rows := 0
			for _, listing := range []string{"flows list", "ot list", "devices list", "addresses list"} {
				rows += l.same(replayed, strings.Fields(listing)...)
			}
			if rows == 0 && !strings.Contains(c.path, "qinq") {
				t.Error("nothing to compare")
			}
			if file.Skipped != nil && fmt.Sprint(live.Skipped) != fmt.Sprint(file.Skipped) {
				t.Errorf("skipped live %v, replayed %v", live.Skipped, file.Skipped)
			}
		})
	}
}

// TestLiveVLANTags: the trap of TPACKET_V3, which shows frames without them.
func TestLiveVLANTags(t *testing.T) {
	shared := sharedCaptures(t)
	l := newLab(t)
	r := l.capture("-i", "in")
	l.in(l.a, "tcpreplay", "--intf1=out", "--topspeed", filepath.Join(shared, "tunnel-vlan", "vlan-collisions.pcap"))
	r.stop(syscall.SIGTERM)
	rows := strings.Join(l.list(l.db, "flows", "list"), "\n")
	for _, want := range []string{`"vlan":10`, `"vlan":42`} {
		if !strings.Contains(rows, want) {
			t.Errorf("no connection with %s:\n%s", want, rows)
		}
	}
}

// TestCaptureRefusals: one line, exit status 4, and no store made.
func TestCaptureRefusals(t *testing.T) {
	l := newLab(t)
	l.in(l.b, "ip", "tuntap", "add", "mode", "tun", "name", "tun0")
	l.in(l.b, "ip", "link", "set", "tun0", "up")
	l.in(l.b, "ip", "link", "add", "dark", "type", "veth", "peer", "name", "dark-peer")
	for _, c := range []struct {
		name, dev string
		args      []string
		user      uint32
		want      string
		status    int
	}{
		{"no such interface", "nosuch0", nil, 0, `no network interface "nosuch0"`, 4},
		{"not Ethernet", "tun0", nil, 0, "is not Ethernet", 4},
		{"down", "dark", nil, 0, "is down", 4},
		{"no permission", "in", nil, 65534, "no permission to capture on in: run as root", 4},
		{"a filter that is none", "in", []string{"--filter", "ip and"}, 0, "filter", 2},
		{"a length of time below 0", "in", []string{"--duration", "-1s"}, 0, "duration", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			db := filepath.Join(dir, "none.db")
			args := append([]string{"netns", "exec", l.b}, withUser(c.user)...)
			args = append(args, l.osect, "capture", "-i", c.dev, "--db", db)
			if c.user != 0 {
				for p := l.osect; p != "/" && p != os.TempDir(); p = filepath.Dir(p) {
					os.Chmod(p, 0o755)
				}
			}
			cmd := exec.Command("ip", append(args, c.args...)...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != c.status || !strings.Contains(string(out), c.want) || strings.Count(string(out), "\n") != 1 {
				t.Errorf("%v: %s", err, out)
			}
			if _, err := os.Stat(db); err == nil {
				t.Error("a store was made")
			}
		})
	}
}

// withUser are the words before a command that make it run as another user.
func withUser(id uint32) []string {
	if id == 0 {
		return nil
	}
	n := strconv.Itoa(int(id))
	return []string{"setpriv", "--reuid", n, "--regid", n, "--clear-groups"}
}

// TestCaptureOutlivesTheLink: an interface that goes down and comes up again
// goes on; one that is removed ends the capture, and what came before is kept.
func TestCaptureOutlivesTheLink(t *testing.T) {
	l := newLab(t)
	r := l.capture("-i", "in")
	s := l.sender()
	s.send(1, 1)
	said := func(what string) {
		t.Helper()
		for range 500 {
			if strings.Contains(r.errOut.String(), what) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%q was not said: %s", what, r.errOut.String())
	}
	l.in(l.b, "ip", "link", "set", "in", "down")
	said("is down")
	l.in(l.b, "ip", "link", "set", "in", "up")
	said("is up again")
	s.send(2, 1)
	time.Sleep(200 * time.Millisecond)
	l.in(l.b, "ip", "link", "del", "in")
	<-r.done
	if status := r.cmd.ProcessState.ExitCode(); status != 4 || !strings.Contains(r.errOut.String(), "in: the interface is gone") {
		t.Errorf("exit status %d: %s", status, r.errOut.String())
	}
	if rows := l.list(l.db, "flows", "list"); len(rows) != 2 {
		t.Errorf("kept: %v", rows)
	}
	log, err := exec.Command(l.osect, "log", "--db", l.db, "--lang", "ja", "--format", "json").CombinedOutput()
	if err != nil || strings.Contains(string(log), `"text": "cli.log`) || strings.Count(string(log), "cli.log.capture-") != 4 {
		t.Errorf("%v: %s", err, log)
	}
}

// sender sends frames of its own making from the namespace a.
type sender struct {
	l  *lab
	fd int
	to unix.SockaddrLinklayer
}

func (l *lab) sender() *sender {
	l.t.Helper()
	type opened struct {
		fd  int
		err error
	}
	ch := make(chan opened)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends, its namespace with it
		fd, err := func() (int, error) {
			ns, err := os.Open("/run/netns/" + l.a)
			if err != nil {
				return 0, err
			}
			defer ns.Close()
			if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
				return 0, err
			}
			return unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		}()
		ch <- opened{fd, err}
	}()
	o := <-ch
	if o.err != nil {
		l.t.Fatal(o.err)
	}
	l.t.Cleanup(func() { unix.Close(o.fd) })
	index, err := strconv.Atoi(strings.TrimSpace(l.in(l.a, "cat", "/sys/class/net/out/ifindex")))
	if err != nil {
		l.t.Fatal(err)
	}
	return &sender{l, o.fd, unix.SockaddrLinklayer{Ifindex: index}}
}

// send sends a datagram from 10.0.0.n to 10.0.1.n port 2000+n, and its answer.
func (s *sender) send(n, times int) {
	s.l.t.Helper()
	for range times {
		for _, back := range []bool{false, true} {
			b := make([]byte, 60)
			copy(b, []byte{2, 0, 0, 0, 1, byte(n), 2, 0, 0, 0, 0, byte(n), 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, byte(n), 10, 0, 1, byte(n)})
			binary.BigEndian.PutUint16(b[34:], 40000)
			binary.BigEndian.PutUint16(b[36:], uint16(2000+n))
			binary.BigEndian.PutUint16(b[38:], 26)
			if back {
				b[4], b[10] = 0, 1
				b[28], b[32] = 1, 0
				binary.BigEndian.PutUint16(b[34:], uint16(2000+n))
				binary.BigEndian.PutUint16(b[36:], 40000)
			}
			sum := uint32(0)
			for i := 14; i < 34; i += 2 {
				sum += uint32(binary.BigEndian.Uint16(b[i:]))
			}
			binary.BigEndian.PutUint16(b[24:], ^uint16(sum+sum>>16))
			if err := unix.Sendto(s.fd, b, 0, &s.to); err != nil {
				s.l.t.Error("send:", err)
			}
		}
	}
}

// TestEditsWhileCapturing: 50 edits by other processes while a capture detects.
// Each must be done within 1 s and hold by the end of the next full minute, and
// no frame may be lost. It takes five minutes.
func TestEditsWhileCapturing(t *testing.T) {
	if !long() {
		t.Skip("needs minutes: OSECT_LONG=1")
	}
	const pairs = 50 // the first half gets rows, the other half loses them
	l := newLab(t)
	l.capture("-i", "in").stop(syscall.SIGINT) // makes the store
	edit := func(what string, n int) time.Duration {
		begin := time.Now()
		out, err := exec.Command(l.osect, "learn", what, "ip-communication", "--db", l.db, "--src", fmt.Sprintf("10.0.0.%d", n),
			"--dst", fmt.Sprintf("10.0.1.%d", n), "--proto", "udp", "--port", strconv.Itoa(2000+n)).CombinedOutput()
		if err != nil {
			t.Errorf("edit %d: %v: %s", n, err, out)
		}
		return time.Since(begin)
	}
	for n := pairs/2 + 1; n <= pairs; n++ {
		edit("add", n)
	}
	r := l.capture("-i", "in", "--detect")
	s := l.sender()
	sent := uint64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for n := 1; n <= pairs; n++ {
				s.send(n, 1)
				sent += 2
			}
			select {
			case <-stop:
				return
			case <-time.After(2 * time.Second):
			}
		}
	}()
	edited := make([]time.Time, pairs+1)
	slowest := time.Duration(0)
	// minute is the start of the n-th minute after that of a time; 1 is the next full one.
	minute := func(at time.Time, n int64) int64 {
		return observe.MinuteOf(at.UnixNano()) + n*observe.MinuteLength
	}
	// The first minute is inspected before the first edit: the first half has alerts.
	time.Sleep(time.Until(time.Unix(0, minute(time.Now(), 1)+int64(10*time.Second))))
	for i := range pairs {
		n, what := i/2+1, "add"
		if i%2 == 1 {
			n, what = n+pairs/2, "remove"
		}
		edited[n] = time.Now()
		took := edit(what, n)
		slowest = max(slowest, took)
		if took > time.Second {
			t.Errorf("edit %d took %s", i+1, took)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(time.Until(time.Unix(0, minute(time.Now(), 3)+int64(2*time.Second))))
	close(stop)
	<-stopped
	live := r.stop(syscall.SIGTERM)
	if live.Packets != sent {
		t.Errorf("%d frames sent, %d kept", sent, live.Packets)
	}
	out, err := exec.Command(l.osect, "alerts", "list", "--db", l.db, "--format", "json", "--all").Output()
	if err != nil {
		t.Fatal(err)
	}
	var alerts []struct {
		Kind, Subkind string
		SrcIP         string    `json:"src_ip"`
		First         time.Time `json:"first_seen"`
		Last          time.Time `json:"last_seen"`
	}
	if err := json.Unmarshal(out, &alerts); err != nil {
		t.Fatal(err)
	}
	late := [2]int64{}
	for n := 1; n <= pairs; n++ {
		found := false
		next := time.Unix(0, minute(edited[n], 2)) // the end of the next full minute
		for _, a := range alerts {
			if a.Kind != "ip-communication" || a.SrcIP != fmt.Sprintf("10.0.0.%d", n) {
				continue
			}
			found = true
			if n <= pairs/2 && !a.Last.Before(next) {
				t.Errorf("row %d was added at %s and did not hold at %s", n, edited[n], a.Last)
			}
			// A minute is open until 5 s after its end, and may be a little late.
			open := observe.MinuteOf(edited[n].UnixNano() - observe.Grace - 2e9)
			if n > pairs/2 && (!a.First.Before(next) || a.First.UnixNano() < open) {
				t.Errorf("row %d was removed at %s, the alert begins at %s", n, edited[n], a.First)
			}
			if n <= pairs/2 && a.Last.UnixNano() >= minute(edited[n], 0) || n > pairs/2 && a.First.UnixNano() >= minute(edited[n], 1) {
				late[1]++
			} else {
				late[0]++
			}
		}
		if !found {
			t.Errorf("no alert on pair %d", n)
		}
	}
	t.Logf("%d edits, the slowest took %s; %d held for the minute that was open, %d from the next; %d frames in %d minutes, none lost",
		pairs, slowest.Round(time.Millisecond), late[0], late[1], live.Packets, live.Minutes)
}

// TestLiveLoad: at 0.7 × the highest rate that tcpreplay reaches alone, nothing
// is dropped. It prints the figures of docs/live.md.
func TestLiveLoad(t *testing.T) {
	if os.Getenv("OSECT_LOAD") == "" {
		t.Skip("measures the machine: OSECT_LOAD=1 (make live-load)")
	}
	l := newLab(t)
	path := os.Getenv("OSECT_LOAD_CAPTURE")
	if path == "" {
		path = filepath.Join(t.TempDir(), "load.pcap")
		writeLoad(t, path, 200_000)
	}
	rated := func(args ...string) (pps, mbps float64, packets uint64) {
		out := l.in(l.a, append([]string{"tcpreplay", "--intf1=out", "--preload-pcap"}, append(args, path)...)...)
		for _, line := range strings.Split(out, "\n") {
			var bps float64
			if _, err := fmt.Sscanf(strings.TrimSpace(line), "Rated: %f Bps, %f Mbps, %f pps", &bps, &mbps, &pps); err == nil {
				continue
			}
			fmt.Sscanf(strings.TrimSpace(line), "Successful packets: %d", &packets)
		}
		if pps == 0 || packets == 0 {
			t.Fatalf("tcpreplay: %s", out)
		}
		return pps, mbps, packets
	}
	highest := 0.0
	for range 3 {
		pps, _, _ := rated("--topspeed", "--loop=2")
		highest = max(highest, pps)
	}
	r := l.capture("-i", "in")
	pps, mbps, sent := rated(fmt.Sprintf("--pps=%.0f", 0.7*highest), "--loop=10")
	live := r.stop(syscall.SIGINT)
	cpu := r.cmd.ProcessState.UserTime() + r.cmd.ProcessState.SystemTime()
	rss := r.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	t.Logf("tcpreplay alone %.0f packets/s; sent %d at %.0f packets/s (%.0f Mbit/s), captured %d; %.0f ns CPU a packet; dropped: kernel %d, osect %d; %d MB resident",
		highest, sent, pps, mbps, live.Packets, float64(cpu.Nanoseconds())/float64(live.Packets), live.Dropped["kernel"], live.Dropped["queue"], rss>>10)
	if live.Packets != sent || live.Dropped["kernel"] != 0 || live.Dropped["queue"] != 0 {
		t.Errorf("%d sent, %d captured, dropped %v", sent, live.Packets, live.Dropped)
	}
}

// writeLoad makes a capture of n UDP frames of 64 to 936 bytes (500 in the mean)
// between 1,000 clients and 400 servers.
func writeLoad(t *testing.T, path string, n int) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	o := binary.LittleEndian
	head := o.AppendUint32(nil, 0xa1b2c3d4) // microseconds
	head = o.AppendUint16(head, 2)
	head = o.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = o.AppendUint32(head, 65535)
	w.Write(o.AppendUint32(head, 1)) // Ethernet
	for i := range n {
		client, server := i%1000, i*7%400
		size := 64 + i*37%873
		rec := o.AppendUint32(nil, uint32(1_700_000_000+i/100_000))
		rec = o.AppendUint32(rec, uint32(i%100_000*10))
		rec = o.AppendUint32(rec, uint32(size))
		w.Write(o.AppendUint32(rec, uint32(size)))
		b := make([]byte, size)
		copy(b, []byte{2, 0, 0, 1, byte(server >> 8), byte(server), 2, 0, 0, 0, byte(client >> 8), byte(client), 8, 0, 0x45})
		binary.BigEndian.PutUint16(b[16:], uint16(size-14))
		copy(b[22:], []byte{64, 17, 0, 0, 10, 0, byte(client >> 8), byte(client), 10, 1, byte(server >> 8), byte(server)})
		binary.BigEndian.PutUint16(b[34:], uint16(40000+client))
		binary.BigEndian.PutUint16(b[36:], 5000)
		binary.BigEndian.PutUint16(b[38:], uint16(size-34))
		w.Write(b)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}
