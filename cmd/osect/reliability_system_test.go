package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"osect/store"
)

// scene is a store with a baseline and a capture to detect in, read by a process
// that commits each minute, so that trouble finds it half way.
type scene struct {
	*testing.T
	osect    program // commits each minute
	base     string
	attacked string
	capture  []byte
	whole    []byte // the dump when nothing happens
	env      []string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{T: t, osect: build(t, "osect/cmd/osect", "-tags", "crashtest"), env: []string{"OSECT_CRASH_MINUTES=1"}}
	clean, attacked := factory(t, "--devices", "12", "--seed", "6", "--duration", "80m", "--attack-from", "40m", "--attacks", "all")
	s.attacked = attacked
	dir := t.TempDir()
	s.base = filepath.Join(dir, "base.db")
	s.osect.must(t, "learn", "--db", s.base, clean)
	db := filepath.Join(dir, "whole.db")
	copyStore(t, s.base, db)
	s.osect.must(t, "detect", "--db", db, attacked)
	s.whole = dump(t, db)
	var err error
	if s.capture, err = os.ReadFile(attacked); err != nil {
		t.Fatal(err)
	}
	return s
}

// in gives the scene to a subtest.
func (s *scene) in(t *testing.T) *scene {
	c := *s
	c.T = t
	return &c
}

// store makes a store with the baseline in dir.
func (s *scene) store(dir string) string {
	db := filepath.Join(dir, "osect.db")
	copyStore(s.T, s.base, db)
	return db
}

// reached is the dump of a store in which detect was killed behind the commit of minute seq.
func (s *scene) reached(seq uint64, capture string) []byte {
	s.Helper()
	db := filepath.Join(s.TempDir(), "reached.db")
	copyStore(s.T, s.base, db)
	args := []string{"detect", "--db", db, capture}
	env := []string{"OSECT_CRASH_COMMIT=" + strconv.FormatUint(seq, 10)}
	if seq == 0 {
		env = []string{"OSECT_CRASH_FRAME=1"}
	}
	c, wait := s.osect.start(s.T, env, args...)
	_ = c
	if e := wait(); e.signal != syscall.SIGKILL {
		s.Fatalf("not killed behind commit %d: %s", seq, e.errOut)
	}
	return dump(s.T, db)
}

// committed waits until n minutes are committed.
func (s *scene) committed(db string, n uint64) {
	s.Helper()
	for range 600 {
		st, err := store.Open(db, store.Options{ReadOnly: true})
		if err != nil {
			s.Fatal(err)
		}
		run, err := st.UnfinishedRun()
		st.Close()
		if err != nil {
			s.Fatal(err)
		}
		if run != nil && run.Seq >= n {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	s.Fatalf("%d minutes are not committed within a minute", n)
}

// halfway starts detect on standard input, gives it half of the capture, waits
// for commits, lets do something happen, and gives it the rest.
func (s *scene) halfway(db string, happens func(p *os.Process)) outcome {
	s.Helper()
	var out, errOut bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, s.osect.path, "detect", "--db", db, "-")
	c.Env = append(os.Environ(), s.env...)
	c.Stdout, c.Stderr = &out, &errOut
	in, err := c.StdinPipe()
	if err != nil {
		s.Fatal(err)
	}
	if err := c.Start(); err != nil {
		s.Fatal(err)
	}
	if _, err := in.Write(s.capture[:len(s.capture)/2]); err != nil {
		s.Fatal(err)
	}
	s.committed(db, 8)
	happens(c.Process)
	in.Write(s.capture[len(s.capture)/2:]) // the process may be gone
	in.Close()
	if err := c.Wait(); ctx.Err() != nil {
		s.Fatalf("it hangs: %v", err)
	}
	return outcome{status: c.ProcessState.ExitCode(), out: out.String(), errOut: errOut.String()}
}

// goOn gives the same command until it ends, and holds the store against that of an undisturbed run.
func (s *scene) goOn(db, capture string) {
	s.Helper()
	if e := s.osect.run(s.T, s.env, "detect", "--db", db, capture); e.status != 0 {
		s.Errorf("the same command again: status %d, %s", e.status, e.errOut)
		return
	}
	sameDump(s.T, "gone on with", dump(s.T, db), s.whole)
}

// TestSystem: what the system may do to a process that writes.
func TestSystem(t *testing.T) {
	all := newScene(t)

	t.Run("disk full", func(t *testing.T) {
		s := all.in(t)
		stopped := map[uint64]bool{}
		room := []int{150, 700, 1400} // KiB beside the store
		if torture() {
			room = []int{100, 150, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1400, 1600, 1800, 2000}
		}
		base, err := os.Stat(s.base)
		if err != nil {
			t.Fatal(err)
		}
		for _, kib := range room {
			dir, remount := tmpfs(t, fmt.Sprintf("size=%dk", int(base.Size()>>10)+kib))
			db := s.store(dir)
			e := s.osect.run(t, s.env, "detect", "--db", db, s.attacked)
			if e.status == 0 {
				t.Logf("%d KiB of room are enough", kib)
				sameDump(t, "on a small disk", dump(t, db), s.whole)
				continue
			}
			e.oneLine(t, exitSystem, "no space left", db)
			remount("size=64m")
			seq, _ := progress(t, db)
			stopped[seq] = true
			t.Logf("%d KiB of room: stopped with %d minutes committed: %s", kib, seq, strings.TrimSpace(e.errOut))
			if _, begun := progress(t, db); begun {
				sameDump(t, fmt.Sprintf("full with %d minutes", seq), dump(t, db), s.reached(seq, s.attacked))
			}
			s.goOn(db, s.attacked)
		}
		if len(stopped) < 3 {
			t.Errorf("the disk was full at %d different places only", len(stopped))
		}
	})

	t.Run("full disk before there is a store", func(t *testing.T) {
		s := all.in(t)
		dir, remount := tmpfs(t, "size=64k")
		db := filepath.Join(dir, "osect.db")
		s.osect.run(t, s.env, "detect", "--db", db, s.attacked).oneLine(t, exitSystem, "no space left")
		remount("size=64m")
		if e := s.osect.run(t, s.env, "detect", "--db", db, s.attacked); e.status != 0 {
			t.Errorf("with room again: status %d, %s", e.status, e.errOut)
		}
	})

	t.Run("read-only directory", func(t *testing.T) {
		s := all.in(t)
		dir, remount := tmpfs(t, "size=64m")
		db := s.store(dir)
		before := dump(t, db)
		remount("ro")
		s.osect.run(t, s.env, "detect", "--db", db, s.attacked).oneLine(t, exitSystem, db)
		s.osect.run(t, s.env, "detect", "--db", filepath.Join(dir, "new.db"), s.attacked).oneLine(t, exitSystem, "new.db")
		if e := s.osect.run(t, nil, "dump", "--db", db); e.status != 0 || e.out != string(before) {
			t.Errorf("it cannot be read: status %d, %s", e.status, e.errOut)
		}
	})

	t.Run("no permission", func(t *testing.T) {
		s := all.in(t)
		if os.Getuid() != 0 {
			t.Skip("only root can become somebody else")
		}
		dir, err := os.MkdirTemp("", "osect-nobody-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		bin := filepath.Join(dir, "osect")
		b, err := os.ReadFile(s.osect.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(bin, b, 0o755); err != nil {
			t.Fatal(err)
		}
		copyStore(t, s.attacked, filepath.Join(dir, "secret.pcap")) // mode 0600
		if err := os.WriteFile(filepath.Join(dir, "open.pcap"), quiet(), 0o644); err != nil {
			t.Fatal(err)
		}
		db := s.store(dir) // mode 0600
		mine := filepath.Join(dir, "mine")
		if err := os.Mkdir(mine, 0o777); err != nil {
			t.Fatal(err)
		}
		os.Chmod(mine, 0o777)
		nobody := func(args ...string) outcome {
			var out, errOut bytes.Buffer
			c := exec.Command(bin, args...)
			c.Env, c.Dir = []string{"PATH=/bin"}, mine
			c.Stdout, c.Stderr = &out, &errOut
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			c.Run()
			return outcome{status: c.ProcessState.ExitCode(), out: out.String(), errOut: errOut.String()}
		}
		own := filepath.Join(mine, "own.db")
		nobody("detect", "--db", db, filepath.Join(dir, "open.pcap")).oneLine(t, exitSystem, "permission", db)
		nobody("dump", "--db", db).oneLine(t, exitSystem, "permission", db)
		nobody("learn", "--db", filepath.Join(dir, "new.db"), filepath.Join(dir, "open.pcap")).oneLine(t, exitSystem, "new.db")
		nobody("learn", "-q", "--db", own, filepath.Join(dir, "secret.pcap")).oneLine(t, exitInput, "permission", "secret.pcap")
		if e := nobody("learn", "--db", own, filepath.Join(dir, "open.pcap"), filepath.Join(dir, "secret.pcap")); e.status != 0 {
			t.Errorf("one of two captures can be read: status %d, %s", e.status, e.errOut)
		}
	})

	t.Run("the store is removed", func(t *testing.T) {
		s := all.in(t)
		db := s.store(t.TempDir())
		s.halfway(db, func(*os.Process) { os.Remove(db) }).oneLine(t, exitSystem, db, "removed")
		if _, err := os.Stat(db); err == nil {
			t.Error("there is a store again, without what was in it")
		}
	})

	t.Run("the store is cut to nothing", func(t *testing.T) {
		s := all.in(t)
		db := s.store(t.TempDir())
		s.halfway(db, func(*os.Process) { os.Truncate(db, 0) }).oneLine(t, exitSystem, db, "cut")
	})

	t.Run("the store is cut to half", func(t *testing.T) {
		s := all.in(t)
		db := s.store(t.TempDir())
		s.halfway(db, func(*os.Process) {
			info, err := os.Stat(db)
			if err != nil {
				t.Fatal(err)
			}
			os.Truncate(db, info.Size()/2)
		}).oneLine(t, exitSystem, db, "cut")
	})

	t.Run("another store is put in its place", func(t *testing.T) {
		s := all.in(t)
		db := s.store(t.TempDir())
		other := s.store(t.TempDir())
		before := dump(t, other)
		s.halfway(db, func(*os.Process) {
			if err := os.Rename(other, db); err != nil {
				t.Fatal(err)
			}
		}).oneLine(t, exitSystem, db, "removed")
		for _, suffix := range []string{"-wal", "-shm"} {
			os.Remove(db + suffix) // of the store before
		}
		sameDump(t, "the other store", dump(t, db), before)
	})

	t.Run("SIGINT", func(t *testing.T) {
		s := all.in(t)
		// On standard input, so that it comes half way for certain.
		piped := filepath.Join(t.TempDir(), "piped.db")
		copyStore(t, s.base, piped)
		e := s.halfway(piped, func(p *os.Process) {
			p.Signal(syscall.SIGINT)
			time.Sleep(300 * time.Millisecond)
		})
		e.oneLine(t, exitSystem, "stopped at packet time 2026-", "the same command goes on")
		seq, begun := progress(t, piped)
		if !begun || seq < 8 {
			t.Errorf("%d minutes are committed, at least 8 were", seq)
		}
		t.Logf("stopped with %d minutes committed: %s", seq, strings.TrimSpace(e.errOut))
		// On a file, until it comes half way.
		for try := 1; ; try++ {
			db := s.store(t.TempDir())
			c, wait := s.osect.start(t, s.env, "detect", "--db", db, s.attacked)
			s.committed(db, 3)
			c.Process.Signal(syscall.SIGINT)
			e := wait()
			if e.status == 0 {
				if try < 20 {
					continue // it was faster
				}
				t.Logf("each of %d runs on the file was done before the signal", try)
				break
			}
			e.oneLine(t, exitSystem, "stopped", db)
			seq, begun := progress(t, db)
			if !begun || seq < 3 {
				t.Errorf("%d minutes are committed, at least 3 were", seq)
			}
			t.Logf("stopped with %d minutes committed: %s", seq, strings.TrimSpace(e.errOut))
			sameDump(t, "interrupted", dump(t, db), s.reached(seq, s.attacked))
			s.goOn(db, s.attacked)
			break
		}
	})

	t.Run("the same command twice at once", func(t *testing.T) {
		s := all.in(t)
		db := s.store(t.TempDir())
		e := s.halfway(db, func(*os.Process) {
			s.osect.run(t, s.env, "detect", "--db", db, s.attacked).oneLine(t, exitSystem, db, "another osect", "--sensor")
		})
		if e.status != 0 {
			t.Errorf("the first: status %d, %s", e.status, e.errOut)
		}
		// The capture came by standard input: it is known by its content.
		sameDump(t, "beside another", noCaptures(dump(t, db)), noCaptures(s.whole))
		if e := s.osect.run(t, s.env, "detect", "--db", db, s.attacked); e.status != 0 || !strings.Contains(e.errOut, "1") {
			t.Errorf("read before: status %d, %s", e.status, e.errOut)
		}
		sameDump(t, "read before", noCaptures(dump(t, db)), noCaptures(s.whole))
	})

	t.Run("other commands before the same one again", func(t *testing.T) {
		s := all.in(t)
		dir := t.TempDir()
		db := s.store(dir)
		env := []string{"OSECT_CRASH_COMMIT=5"}
		other, both := filepath.Join(dir, "other.pcap"), filepath.Join(dir, "both.db")
		if err := os.WriteFile(other, edgesOnly(), 0o600); err != nil {
			t.Fatal(err)
		}
		if e := s.osect.run(t, env, "detect", "--db", db, s.attacked); e.signal != syscall.SIGKILL {
			t.Fatal("not killed")
		}
		// Minutes of it are in the store: with another capture beside it would count twice.
		s.osect.run(t, env, "detect", "--db", db, s.attacked, other).oneLine(t, exitInput, "attacked.pcap was half read")
		// So with other settings.
		s.osect.run(t, env, "learn", "--db", db, s.attacked).oneLine(t, exitInput, "settings")
		// Another capture begins its own run, is killed too, and both are gone on with.
		if e := s.osect.run(t, env, "detect", "--db", db, other); e.signal != syscall.SIGKILL {
			t.Fatal("not killed")
		}
		copyStore(t, s.base, both)
		for _, capture := range []string{s.attacked, other} {
			if e := s.osect.run(t, s.env, "detect", "--db", db, capture); e.status != 0 {
				t.Errorf("gone on with: status %d, %s", e.status, e.errOut)
			}
			s.osect.must(t, "detect", "--db", both, capture)
		}
		tables := func(d []byte) []byte { // alerts may have met in another order
			var out []byte
			for line := range bytes.Lines(d) {
				if !bytes.HasPrefix(line, []byte("alert\t")) {
					out = append(out, line...)
				}
			}
			return out
		}
		sameDump(t, "both", tables(dump(t, db)), tables(dump(t, both)))
	})

	t.Run("several sensors at once", func(t *testing.T) {
		s := all.in(t)
		one, beside := filepath.Join(t.TempDir(), "one.db"), filepath.Join(t.TempDir(), "beside.db")
		sensors := []string{"a", "b", "c", "d"}
		args := func(db, sensor string) []string {
			return []string{"replay", "--again", "--db", db, "--sensor", sensor, s.attacked}
		}
		for _, sensor := range sensors {
			if e := s.osect.run(t, s.env, args(one, sensor)...); e.status != 0 {
				t.Fatalf("status %d, %s", e.status, e.errOut)
			}
		}
		var waits []func() outcome
		for _, sensor := range sensors { // all make the store, too
			_, wait := s.osect.start(t, s.env, args(beside, sensor)...)
			waits = append(waits, wait)
		}
		for i, wait := range waits {
			if e := wait(); e.status != 0 {
				t.Errorf("sensor %s: status %d, %s", sensors[i], e.status, e.errOut)
			}
		}
		sameDump(t, "at once", dump(t, beside), dump(t, one))
	})
}

// noCaptures leaves out the lines of captures, which name their files.
func noCaptures(dump []byte) []byte {
	var out []byte
	for line := range bytes.Lines(dump) {
		if !bytes.HasPrefix(line, []byte("capture\t")) {
			out = append(out, line...)
		}
	}
	return out
}

// tmpfs mounts a file system of its own, which can be mounted again with other
// options, and skips where that is not allowed.
func tmpfs(t *testing.T, options string) (dir string, remount func(options string)) {
	t.Helper()
	dir = t.TempDir()
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("no small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir, func(options string) {
		flags := uintptr(syscall.MS_REMOUNT)
		if options == "ro" {
			flags, options = flags|syscall.MS_RDONLY, ""
		}
		if err := syscall.Mount("tmpfs", dir, "tmpfs", flags, options); err != nil {
			t.Fatalf("remount: %v", err)
		}
	}
}
