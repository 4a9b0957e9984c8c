package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// TestSameOnEveryMachine: neither the number of workers nor that of CPUs shows in
// the store, and twice is like once. In the long form on all shared captures as
// one run, on a plant's day and on a load, learned and detected; the short form
// takes a part of each.
func TestSameOnEveryMachine(t *testing.T) {
	osect := build(t, "osect/cmd/osect")
	type job struct {
		name, mode string
		base       string
		paths      []string
	}
	var jobs []job
	plantArgs := []string{"--devices", "15", "--seed", "5", "--duration", "2h", "--attack-from", "1h", "--attacks", "all"}
	loadArgs := []string{"--load", "--packets", "60000", "--minutes", "4", "--devices", "300", "--connections-per-minute", "500"}
	parts := []string{"mixed-ot", "fuzz", "tunnel-vlan", "timing-ptp"}
	if torture() {
		plantArgs = []string{"--devices", "40", "--seed", "5", "--duration", "24h", "--attack-from", "16h", "--attacks", "all"}
		loadArgs = []string{"--load"}
		parts = []string{""}
	}
	dir := t.TempDir()
	learned := func(name, capture string) string {
		db := filepath.Join(dir, name+".base.db")
		osect.must(t, "learn", "--db", db, capture)
		return db
	}
	clean, attacked := factory(t, plantArgs...)
	jobs = append(jobs, job{"plant", "learn", "", []string{clean}}, job{"plant", "detect", learned("plant", clean), []string{attacked}})
	gen := build(t, "osect/cmd/plantgen")
	before, load := filepath.Join(dir, "before.pcap"), filepath.Join(dir, "load.pcap")
	gen.must(t, append(loadArgs, "--seed", "1", "--out", before)...)
	gen.must(t, append(loadArgs, "--seed", "2", "--out", load)...)
	jobs = append(jobs, job{"load", "learn", "", []string{load}}, job{"load", "detect", learned("load", before), []string{load}})

	measure := func(t *testing.T, j job) {
		var first []byte
		n := 0
		for _, workers := range []int{1, 2, 3, 8} {
			for cpus := 1; cpus <= 2; cpus++ {
				for range 2 {
					if n++; !torture() && n%5 != 1 { // 1 worker on 1 CPU, 2 on 1, 3 on 2, 8 on 2
						continue
					}
					db := filepath.Join(dir, "same.db")
					for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
						os.Remove(db + suffix)
					}
					copyStore(t, j.base, db)
					args := append([]string{j.mode, "--db", db, "--format", "json", "--workers", strconv.Itoa(workers)}, j.paths...)
					e := osect.run(t, []string{"GOMAXPROCS=" + strconv.Itoa(cpus)}, args...)
					if e.status != 0 {
						t.Fatalf("status %d: %s", e.status, e.errOut)
					}
					d := dump(t, db)
					if first == nil {
						first = d
						s := e.summary(t)
						t.Logf("%s, %s: %.0f packets, %.0f alerts, dump of %d lines, SHA-256 %x…", j.name, j.mode, s["packets"], s["alerts"],
							bytes.Count(d, []byte("\n")), sha256.Sum256(d))
						continue
					}
					sameDump(t, fmt.Sprintf("%s, %s, %d workers on %d CPUs", j.name, j.mode, workers, cpus), d, first)
				}
			}
		}
	}
	for _, j := range jobs {
		t.Run(j.name+" "+j.mode, func(t *testing.T) { measure(t, j) })
	}
	t.Run("shared", func(t *testing.T) {
		var paths []string
		for _, p := range parts {
			paths = append(paths, filepath.Join(sharedCaptures(t), p))
		}
		measure(t, job{"shared captures", "learn", "", paths})
		quiet := filepath.Join(dir, "quiet.pcap")
		if err := os.WriteFile(quiet, edgesOnly(), 0o600); err != nil {
			t.Fatal(err)
		}
		measure(t, job{"shared captures", "detect", learned("shared", quiet), paths})
	})
}

func edgesOnly() []byte {
	b, _ := edges()
	return b
}
