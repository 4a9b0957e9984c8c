package observe_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"osect/capture"
	"osect/decode/ot/registry"
	"osect/observe"
)

// shared returns the folder of shared captures, or skips.
func shared(t testing.TB) string {
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

// observeFiles runs captures through all shards on one goroutine.
// It returns how many frames there were.
func observeFiles(t testing.TB, paths []string, each func(*observe.Minute)) (frames uint64) {
	set, err := capture.Open(context.Background(), paths, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	tables := observe.NewTables(registry.Protocols)
	var shards [observe.Shards]*observe.Shard
	for i := range shards {
		shards[i] = observe.NewShard(tables)
	}
	merger := observe.NewMerger(tables)
	var clock observe.Clock
	var router observe.Router
	end := func(cl observe.Closing) {
		parts := make([]*observe.Part, len(shards))
		for i, s := range shards {
			parts[i] = s.Close(&cl)
		}
		for _, m := range merger.Merge(&cl, parts) {
			each(m)
		}
	}
	var b capture.Batch
	for {
		err := set.Read(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Frames {
			f := &b.Frames[i]
			frames++
			if cl, due := clock.Frame(f.Time); due {
				end(cl)
			}
			shards[router.Shard(f.Link, f.Data, f.WireLen)].Frame(f.Link, f.Time, f.Data, f.WireLen,
				observe.FrameRef{Capture: f.Capture, Number: f.Number}, clock.Late(f.Time))
		}
	}
	end(clock.Finish())
	return frames
}

// TestCountersAddUp: every frame that was read is decoded or skipped, and every
// frame of a connection is in exactly one minute's edges, over all captures as one run.
func TestCountersAddUp(t *testing.T) {
	var c observe.Counters
	var edges, conns, ops uint64
	minutes := 0
	frames := observeFiles(t, []string{shared(t)}, func(m *observe.Minute) {
		minutes++
		c.Add(&m.Counters)
		for i := range m.Edges {
			edges += m.Edges[i].PacketsOut + m.Edges[i].PacketsIn
		}
		for i := range m.Connections {
			if m.Connections[i].Closed {
				conns += m.Connections[i].PacketsOut + m.Connections[i].PacketsIn
			}
		}
		for i := range m.Operations {
			ops += m.Operations[i].Count
		}
	})
	var skipped uint64
	for _, n := range c.Skipped {
		skipped += n
	}
	if c.Packets != frames {
		t.Errorf("%d frames were read, %d are in minutes", frames, c.Packets)
	}
	if c.Packets != c.Decoded+skipped {
		t.Errorf("%d frames, %d decoded, %d skipped", c.Packets, c.Decoded, skipped)
	}
	if c.Packets < 100_000 {
		t.Errorf("only %d frames", c.Packets)
	}
	t.Logf("%d minutes, %d frames, %d decoded, %v skipped, %d in connections, %d in edges, %d operations, dropped %v",
		minutes, c.Packets, c.Decoded, c.Skipped, conns, edges, ops, c.Dropped)
}
