package observe_test

import (
	"os"
	"testing"

	"osect/observe"
)

// BenchmarkObserve reads and observes $OSECT_LOAD (a capture from plantgen --load) on one goroutine.
func BenchmarkObserve(b *testing.B) {
	path := os.Getenv("OSECT_LOAD")
	if path == "" {
		b.Skip("OSECT_LOAD names no capture")
	}
	for b.Loop() {
		var c observe.Counters
		observeFiles(b, []string{path}, func(m *observe.Minute) { c.Add(&m.Counters) })
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.Packets), "ns/packet")
	}
}
