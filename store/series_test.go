package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"osect/observe"
)

// graphStore holds minutes of three hours and a half; the last hours wait to be made, one of them after it was made before.
func graphStore(t *testing.T) *Store {
	s := newStore(t)
	run := newRun(t, s)
	for n := range 70 {
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{edges: 60, addresses: 20}.minute(n * 3)}})
		if n == 45 {
			rollUp(t, s)
		}
	}
	return s
}

// Series says what Traffic says, for all windows, also those that cut hours and minutes.
func TestSeriesAgreeWithTraffic(t *testing.T) {
	s := graphStore(t)
	for name, f := range map[string]Filter{
		"all":              {},
		"from":             {From: t0 + int64(95*time.Minute)},
		"to":               {To: t0 + int64(95*time.Minute+time.Second)},
		"hours":            {From: t0 + hourLength, To: t0 + 3*hourLength},
		"parts of hours":   {From: t0 + int64(7*time.Minute), To: t0 + int64(200*time.Minute)},
		"nothing":          {From: t0 + 100*hourLength, To: t0 + 101*hourLength},
		"an address":       {From: t0 + int64(7*time.Minute), Address: "10.0.0.7"},
		"a prefix, a port": {From: t0 + int64(7*time.Minute), Address: "10.0.0.0/29", Protocol: "tcp"},
		"another sensor":   {From: t0 + 1, Sensor: "none such"},
	} {
		for _, bucket := range []time.Duration{time.Minute, 7 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 24 * time.Hour} {
			f := f
			if f.Address == "" {
				f.Protocol = "tcp" // else Traffic counts frames
			}
			want, err := s.Traffic(ctx, f, bucket)
			if err != nil {
				t.Fatal(err)
			}
			all, err := Series(ctx, s, f, bucket, func(*EdgeTotal) (int, bool) { return 0, true })
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(all[0], want) {
				t.Errorf("%s by %v: %v, want %v", name, bucket, all[0], want)
			}
			if len(want) == 0 && name != "nothing" && name != "another sensor" {
				t.Errorf("%s: nothing to compare", name)
			}
		}
	}
}

// Each edge is in the series that it is named for, and in no other; those that do not count are in none.
func TestSeriesAreTold(t *testing.T) {
	s := graphStore(t)
	f := Filter{Protocol: "tcp"}
	split, err := Series(ctx, s, f, time.Hour, func(e *EdgeTotal) (uint16, bool) {
		if e.Site != "plant" || e.Sensor != "one" || !e.Client.IsIPv4() {
			t.Errorf("%+v", e)
		}
		return e.ServerPort, e.ServerPort != 401
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := split[401]; ok || len(split) < 2 {
		t.Errorf("series of %d ports, of 401: %v", len(split), ok)
	}
	edges, err := s.Edges(ctx, f)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint16]uint64{}
	for i := range edges {
		want[edges[i].ServerPort] += edges[i].BytesOut + edges[i].BytesIn
	}
	for port, points := range split {
		sum := uint64(0)
		for i, p := range points {
			sum += p.Bytes
			if i > 0 && p.Time <= points[i-1].Time {
				t.Errorf("port %d: not in order", port)
			}
		}
		if sum != want[port] {
			t.Errorf("port %d: %d bytes, want %d", port, sum, want[port])
		}
	}
	if _, err := Series(ctx, s, f, time.Second, func(*EdgeTotal) (int, bool) { return 0, true }); !errors.Is(err, ErrFilter) {
		t.Errorf("a bucket of a second: %v", err)
	}
	if _, err := s.Edges(ctx, Filter{From: 1, Address: "x"}); !errors.Is(err, ErrFilter) {
		t.Errorf("a bad address: %v", err)
	}
}

// No statement of Edges or Series reads hours or minutes whole.
func TestSeriesUseIndexes(t *testing.T) {
	s := graphStore(t)
	var mu sync.Mutex
	var asked []string
	var with [][]any
	s.seen = func(q string, args []any) {
		mu.Lock()
		defer mu.Unlock()
		asked, with = append(asked, q), append(with, args)
	}
	f := Filter{From: t0 + int64(7*time.Minute), To: t0 + int64(200*time.Minute), Address: "10.0.0.0/24", Protocol: "tcp"}
	if _, err := s.Edges(ctx, f); err != nil {
		t.Fatal(err)
	}
	if _, err := Series(ctx, s, f, time.Hour, func(*EdgeTotal) (int, bool) { return 0, true }); err != nil {
		t.Fatal(err)
	}
	s.seen = nil
	for i, q := range asked {
		if strings.HasPrefix(q, "SELECT min(") || strings.HasPrefix(q, "SELECT max(") {
			continue // the first or last row
		}
		err := s.each(ctx, "explain", "EXPLAIN QUERY PLAN "+q, with[i], func(scan func(...any) error) error {
			var id, parent, unused int
			var detail string
			if err := scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			if table, ok := strings.CutPrefix(detail, "SCAN "); ok && slices.Contains(big, strings.Fields(table)[0]) {
				t.Errorf("%s in %s", detail, q)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) < 8 {
		t.Errorf("only %d statements", len(asked))
	}
}

func TestInParallel(t *testing.T) {
	list := make([]int, 100)
	for i := range list {
		list[i] = i
	}
	var sum atomic.Int64
	if err := inParallel(ctx, list, func(_ context.Context, n int) error { sum.Add(int64(n)); return nil }); err != nil || sum.Load() != 4950 {
		t.Errorf("%d, %v", sum.Load(), err)
	}
	bad := errors.New("bad")
	if err := inParallel(ctx, list, func(_ context.Context, n int) error {
		if n == 50 {
			return bad
		}
		return nil
	}); err != bad {
		t.Errorf("an error: %v", err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := inParallel(stopped, list, func(ctx context.Context, _ int) error { return ctx.Err() }); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %v", err)
	}
	if err := inParallel(ctx, nil, func(context.Context, int) error { return bad }); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}
