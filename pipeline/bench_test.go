package pipeline

import (
	"os"
	"testing"
)

// BenchmarkReplay learns from $OSECT_LOAD (a capture from plantgen --load) into a store on disk.
func BenchmarkReplay(b *testing.B) {
	path := os.Getenv("OSECT_LOAD")
	if path == "" {
		b.Skip("OSECT_LOAD names no capture")
	}
	for b.Loop() {
		s := replay(b, open(b), Options{Paths: []string{path}, Mode: Learn})
		b.ReportMetric(s.PacketsPerSecond, "packets/s")
	}
}
