package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// leastMemory is what the collector lets the program grow to before it works harder, bytes: the
// mixed load of make bench needs no more.
const leastMemory = 112 << 20

// paceMemory keeps the program at 1.5 times what it holds, once that is much, where the
// collector alone would let it grow to twice as much: a capture ten times as long shall not
// need more. What GOGC or GOMEMLIMIT say in the environment holds instead.
func paceMemory() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	pace := func() {
		metrics.Read(live)
		debug.SetMemoryLimit(max(leastMemory, int64(live[0].Value.Uint64())*3/2+10<<20))
	}
	pace()
	go func() {
		for range time.Tick(200 * time.Millisecond) {
			pace()
		}
	}()
}
