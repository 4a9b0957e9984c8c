package pipeline

import (
	"os"
	"testing"
)

// BenchmarkReplay detects in $OSECT_LOAD (a capture from plantgen --load) with
// the baseline of $OSECT_LOAD_BEFORE (another seed), into a store on disk.
func BenchmarkReplay(b *testing.B) {
	path, before := os.Getenv("OSECT_LOAD"), os.Getenv("OSECT_LOAD_BEFORE")
	if path == "" || before == "" {
		b.Skip("OSECT_LOAD or OSECT_LOAD_BEFORE names no capture")
	}
	for b.Loop() {
		b.StopTimer()
		st := open(b)
		replay(b, st, Options{Paths: []string{before}, Mode: Learn})
		b.StartTimer()
		s := replay(b, st, Options{Paths: []string{path}, Mode: Detect})
		b.ReportMetric(s.PacketsPerSecond, "packets/s")
	}
}
