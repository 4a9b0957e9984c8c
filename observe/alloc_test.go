package observe

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"unsafe"

	"osect/capture"
	"osect/decode/ot/registry"
)

// sharedCaptures returns the folder of shared captures, or skips.
func sharedCaptures(t testing.TB) string {
	dir := os.Getenv("OSECT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	dir = filepath.Join(dir, "captures")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("OSECT_REQUIRE_SHARED") == "1" {
			t.Fatal("no shared captures")
		}
		t.Skip("no shared captures")
	}
	return dir
}

// TestNoAllocation: frames that open no connection and show no new device cost
// no allocation. Every shared capture is observed, and then the same frames
// again and again: all connections, operations and addresses are known by then.
func TestNoAllocation(t *testing.T) {
	files, frames := 0, 0
	err := filepath.WalkDir(sharedCaptures(t), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		set, err := capture.Open(context.Background(), []string{path}, capture.Options{BatchFrames: 1 << 20})
		if err != nil {
			return err
		}
		defer set.Close()
		var b capture.Batch
		if err := set.Read(&b); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		tables := NewTables(registry.Protocols)
		var shards [Shards]*Shard
		var router Router
		for i := range shards {
			shards[i] = NewShard(tables)
		}
		// All in the first frame's minute, so that nothing is closed and no connection ends of idleness.
		start := b.Frames[0].Time
		pass := func() {
			for i := range b.Frames {
				f := &b.Frames[i]
				shards[router.Shard(f.Link, f.Data, f.WireLen)].Frame(f.Link, start, f.Data, f.WireLen,
					FrameRef{Capture: f.Capture, Number: f.Number}, false)
			}
		}
		for range 4 {
			pass()
		}
		files++
		frames += len(b.Frames)
		// Not testing.AllocsPerRun, which rounds an average down.
		rows := func() (n int) {
			for _, s := range shards {
				if s.cur != nil {
					n += len(s.cur.conns)
				}
			}
			return n
		}
		// The runtime itself allocates now and then: the best of three passes counts.
		best, opened := 1<<30, 0
		for range 3 {
			closed := rows()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			pass()
			runtime.ReadMemStats(&after)
			best = min(best, int(after.Mallocs-before.Mallocs))
			opened = rows() - closed
		}
		// A SYN on the ports of a closed connection opens one: what that costs is allowed.
		if best > 8*opened {
			t.Errorf("%s: %d allocations in %d frames that opened %d connections", path, best, len(b.Frames), opened)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d captures, %d frames", files, frames)
}

// A conn fills four lines of the cache, and the lines are where its comment says.
func TestConnLines(t *testing.T) {
	var c conn
	for name, at := range map[string][2]uintptr{
		"last": {unsafe.Offsetof(c.last), 64}, "next": {unsafe.Offsetof(c.next), 128},
		"totPackets": {unsafe.Offsetof(c.totPackets), 192}, "size": {unsafe.Sizeof(c), 256},
	} {
		if at[0] != at[1] {
			t.Errorf("%s is at %d, want %d", name, at[0], at[1])
		}
	}
}
