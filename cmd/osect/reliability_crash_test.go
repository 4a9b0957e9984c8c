package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// crashRun is a command line that is killed and gone on with.
type crashRun struct {
	name    string
	mode    string // learn or detect
	base    string // the store before, "" for none
	capture string
	frames  int
	want    []byte // the dump when nobody disturbs
}

// TestCrash kills the program with SIGKILL at frames chosen uniformly over all that
// are read, and at the places where most is half done; then the same command
// is given until it ends. The store must be that of an undisturbed run.
// OSECT_CRASH is the number of uniform points, 8 when unset; with more, the
// named places come with all modes and numbers of workers.
func TestCrash(t *testing.T) {
	uniform := 8
	if s := os.Getenv("OSECT_CRASH"); s != "" {
		uniform = atoi(t, s)
	}
	long := uniform > 8
	osect, deadly := build(t, "osect/cmd/osect"), build(t, "osect/cmd/osect", "-tags", "crashtest")
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }

	clean, attacked := factory(t, "--devices", "15", "--seed", "3", "--duration", "2h", "--attack-from", "1h", "--attacks", "all")
	edge, places := edges()
	for name, b := range map[string][]byte{"quiet.pcap": quiet(), "edges.pcap": edge} {
		if err := os.WriteFile(path(name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	osect.must(t, "learn", "--db", path("plant.db"), clean)
	osect.must(t, "learn", "--db", path("edges.db"), path("quiet.pcap"))
	// Detectors that learn on, and go over to detecting half way.
	copyStore(t, path("plant.db"), path("until.db"))
	osect.must(t, "learn", "set", "all", "learning", "--until", "2026-03-02T01:20:00Z", "--db", path("until.db"))
	runs := []*crashRun{
		{name: "plant", mode: "detect", base: path("plant.db"), capture: attacked},
		{name: "plant", mode: "learn", capture: clean},
		{name: "edges", mode: "detect", base: path("edges.db"), capture: path("edges.pcap")},
		{name: "edges", mode: "learn", capture: path("edges.pcap")},
		{name: "plant", mode: "replay", base: path("until.db"), capture: attacked},
	}
	for i, r := range runs {
		db := path(fmt.Sprintf("whole%d.db", i))
		copyStore(t, r.base, db)
		s := osect.must(t, r.mode, "--db", db, "--format", "json", r.capture).summary(t)
		r.frames = int(s["packets"].(float64))
		r.want = dump(t, db)
		if r.mode != "learn" && s["alerts"].(float64) == 0 {
			t.Fatalf("%s: no alert to grow", r.name)
		}
	}

	rng := rand.New(rand.NewPCG(2026, 3))
	total := 0
	for _, r := range runs {
		total += r.frames
	}
	t.Logf("%d points, uniform over %d frames of %d runs", uniform, total, len(runs))
	stat := map[string]int{}
	kill := func(what string, r *crashRun, frame uint64, workers int) {
		t.Helper()
		db := path("crash.db")
		for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
			os.Remove(db + suffix)
		}
		copyStore(t, r.base, db)
		args := []string{r.mode, "--db", db, "--format", "json", "--workers", strconv.Itoa(workers), r.capture}
		what = fmt.Sprintf("%s, %s, %d workers, killed at frame %d of %d, %s", r.name, r.mode, workers, frame, r.frames, what)
		env := []string{"OSECT_CRASH_FRAME=" + strconv.FormatUint(frame, 10)}
		// Three of four commit each minute, two of three let it happen before they die.
		if rng.IntN(4) > 0 {
			env = append(env, "OSECT_CRASH_MINUTES=1")
		}
		if rng.IntN(3) > 0 {
			env = append(env, "OSECT_CRASH_SETTLE=1")
		}
		if e := deadly.run(t, env, args...); e.signal != syscall.SIGKILL {
			t.Errorf("%s: not killed: status %d, %s", what, e.status, e.errOut)
			return
		}
		seq, begun := progress(t, db)
		// One of three is killed again on its way, at any frame.
		if rng.IntN(3) == 0 {
			env[0] = "OSECT_CRASH_FRAME=" + strconv.Itoa(1+rng.IntN(r.frames))
			if e := deadly.run(t, env, args...); e.signal != syscall.SIGKILL {
				t.Errorf("%s, then %v: not killed: status %d, %s", what, env, e.status, e.errOut)
				return
			}
			again, _ := progress(t, db)
			if again < seq {
				t.Errorf("%s, then %v: %d minutes are committed, before %d", what, env, again, seq)
			}
			seq = again
			stat["killed twice"]++
		}
		args[6] = strconv.Itoa(3 - workers)
		e := osect.run(t, nil, args...)
		if e.status != 0 {
			t.Errorf("%s: gone on with, status %d: %s", what, e.status, e.errOut)
			return
		}
		if begun && e.summary(t)["resumed"] != true {
			t.Errorf("%s: was not gone on with but begun again", what)
		}
		sameDump(t, what, dump(t, db), r.want)
		stat["points"]++
		if seq > 0 {
			stat["with minutes committed before"]++
		}
	}

	for i := range uniform {
		at := rng.IntN(total)
		for _, r := range runs {
			if at < r.frames {
				kill("a uniform point", r, uint64(at+1), 1+i%2)
				break
			}
			at -= r.frames
		}
	}
	uniformStat := maps.Clone(stat)
	clear(stat)
	for i, name := range slices.Sorted(maps.Keys(places)) {
		at := places[name]
		if !long {
			kill(name, runs[2+i%2], at[len(at)/2], 1+i%2)
			continue
		}
		for _, r := range runs[2:4] {
			for workers := 1; workers <= 2; workers++ {
				kill(name, r, at[rng.IntN(len(at))], workers)
			}
		}
	}
	t.Logf("uniform points: %v; named places: %v", uniformStat, stat)
}

// TestKill ends the program as it is delivered by an external kill -9 after a random time.
func TestKill(t *testing.T) {
	times := 5
	if os.Getenv("OSECT_CRASH") != "" {
		times = 40
	}
	osect := build(t, "osect/cmd/osect")
	clean, attacked := factory(t, "--devices", "15", "--seed", "4", "--duration", "6h", "--attack-from", "2h", "--attacks", "all")
	dir := t.TempDir()
	base, whole, db := filepath.Join(dir, "base.db"), filepath.Join(dir, "whole.db"), filepath.Join(dir, "killed.db")
	osect.must(t, "learn", "--db", base, clean)
	copyStore(t, base, whole)
	begin := time.Now()
	osect.must(t, "detect", "--db", whole, attacked)
	takes := time.Since(begin)
	want := dump(t, whole)
	rng := rand.New(rand.NewPCG(2026, 4))
	killed, kills := 0, 0
	for range times {
		for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
			os.Remove(db + suffix)
		}
		copyStore(t, base, db)
		for {
			c, wait := osect.start(t, nil, "detect", "--db", db, attacked)
			if kills < 3*times {
				time.Sleep(time.Duration(rng.Int64N(int64(takes))))
				c.Process.Kill()
			}
			e := wait()
			if e.signal != syscall.SIGKILL {
				if e.status != 0 {
					t.Fatalf("gone on with: status %d, %s", e.status, e.errOut)
				}
				break
			}
			kills++
		}
		sameDump(t, "after kill -9", dump(t, db), want)
		killed++
	}
	t.Logf("%d replays, killed %d times in all", killed, kills)
}
