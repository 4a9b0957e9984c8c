//go:build crashtest

package pipeline

import (
	"os"
	"strconv"
	"syscall"
	"time"
)

// This file is only in binaries that the crash tests build. The environment
// tells them when to die by SIGKILL, as by a power cut, with nothing tidied up:
//
//	OSECT_CRASH_FRAME=N    before frame N (from 1, over all captures) is routed
//	OSECT_CRASH_SETTLE=1   … after what was closed before it had 100 ms to be committed
//	OSECT_CRASH_COMMIT=N   behind the N-th commit; each minute is committed alone
//	OSECT_CRASH_MINUTES=1  each minute is committed alone
var (
	crashFrame  = crashNumber("OSECT_CRASH_FRAME")
	crashSettle = crashNumber("OSECT_CRASH_SETTLE")
)

func crashNumber(name string) uint64 {
	n, _ := strconv.ParseUint(os.Getenv(name), 10, 64)
	return n
}

func die() {
	syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}

func init() {
	last := crashNumber("OSECT_CRASH_COMMIT")
	if last == 0 && crashNumber("OSECT_CRASH_MINUTES") == 0 {
		return
	}
	n := uint64(0)
	testCommitted = func() {
		if n++; n == last {
			die()
		}
	}
}

func crashAtFrame(n uint64) {
	if n == crashFrame {
		if crashSettle > 0 {
			time.Sleep(100 * time.Millisecond)
		}
		die()
	}
}
