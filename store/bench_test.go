package store

import (
	"syscall"
	"testing"

	"osect/observe"
)

// cpu is the CPU time of this process so far, in ms: what a commit costs
// whoever else uses the machine.
func cpu(b testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// BenchmarkCommit commits minutes with 2,000 new connections, 3,000 edges,
// 2,000 operations and 1,200 addresses, each in a transaction of its own.
func BenchmarkCommit(b *testing.B) {
	s := newStore(b)
	run := newRun(b, s)
	commit(b, s, &Batch{Run: run, Minutes: []*observe.Minute{full.minute(0)}})
	n := 0
	used := 0.0
	for b.Loop() {
		b.StopTimer()
		n++
		m := full.minute(n)
		before := cpu(b)
		b.StartTimer()
		commit(b, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
		b.StopTimer()
		used += cpu(b) - before
		b.StartTimer()
	}
	b.ReportMetric(used/float64(n), "cpu-ms/op")
}
