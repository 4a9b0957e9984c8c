package store

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"
)

// inParallel calls do for each of the list, on as many processors as there are, up to four; the
// first error ends it.
func inParallel[T any](ctx context.Context, list []T, do func(context.Context, T) error) error {
	workers := min(runtime.GOMAXPROCS(0), 4, len(list))
	if workers <= 1 {
		for _, x := range list {
			if err := do(ctx, x); err != nil {
				return err
			}
		}
		return nil
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	todo := make(chan T)
	var wg sync.WaitGroup
	var once sync.Once
	var first error
	for range workers {
		wg.Go(func() {
			for x := range todo {
				if err := do(ctx, x); err != nil {
					once.Do(func() { first = err; stop() })
					return
				}
			}
		})
	}
send:
	for _, x := range list {
		select {
		case todo <- x:
		case <-ctx.Done():
			break send
		}
	}
	close(todo)
	wg.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return first
}

// maxSeries bounds what Series holds: the edges, and buckets of all series together.
const maxSeries = 4 << 20

// Series gives what edges exchanged over time, both ways, in buckets as Traffic has them. name says which
// series an edge belongs to, by its key, MACs and service (its sums are not set, its
// Site and Sensor are), and whether it counts at all; it is called once for each row of the
// dictionary and sensor. Points are in the order of time. What several sensors saw is not to be
// added: give Sensor where there are several. Heeds From, To, Site, Sensor, Address, Protocol.
func Series[K comparable](ctx context.Context, s *Store, f Filter, bucket time.Duration, name func(*EdgeTotal) (K, bool)) (map[K][]Point, error) {
	n := int64(bucket / time.Minute)
	if n <= 0 || bucket%time.Minute != 0 {
		return nil, fmt.Errorf("%w: a bucket of %v: want whole minutes", ErrFilter, bucket)
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	conditions, err := edgeConditions(&f)
	if err != nil {
		return nil, err
	}
	only, err := s.idSet(ctx, "edge", conditions)
	if err != nil {
		return nil, err
	}
	pieces, err := s.buckets(ctx, &f, n)
	if err != nil {
		return nil, err
	}
	// First by dictionary row, as their names are looked up together at the end.
	type cell struct{ bucket, sensor int64 }
	type totals struct {
		at   map[int64]int
		rows [][3]uint64 // edge, packets, bytes
		next int         // where the row behind the last one is: blocks are sorted, and much alike
	}
	add := func(t *totals, edge int64, packets, bytes uint64) {
		i := t.next
		if i >= len(t.rows) || t.rows[i][0] != uint64(edge) {
			var ok bool
			if i, ok = t.at[edge]; !ok {
				i = len(t.rows)
				t.at[edge] = i
				t.rows = append(t.rows, [3]uint64{uint64(edge)})
			}
		}
		t.next = i + 1
		t.rows[i][1] += packets
		t.rows[i][2] += bytes
	}
	of := func(m map[cell]*totals, c cell) *totals {
		t := m[c]
		if t == nil {
			t = &totals{at: map[int64]int{}}
			m[c] = t
		}
		return t
	}
	cells, held := map[cell]*totals{}, 0
	err = scan(ctx, s, edgeGrain, &f, pieces, only, func() map[cell]*totals { return map[cell]*totals{} },
		func(m map[cell]*totals, start, sensor int64, rows []int64, width int) {
			t := of(m, cell{floorDiv(start, int64(bucket)), sensor})
			for ; len(rows) > 0; rows = rows[width:] {
				add(t, rows[0], uint64(rows[1]+rows[3]), uint64(rows[2]+rows[4]))
			}
		}, func(m map[cell]*totals) {
			for c, part := range m {
				t := of(cells, c)
				held -= len(t.rows)
				for _, r := range part.rows {
					if held+len(t.rows) > maxSeries {
						break
					}
					add(t, int64(r[0]), r[1], r[2])
				}
				held += len(t.rows)
			}
		})
	if err != nil {
		return nil, err
	}
	if held > maxSeries {
		return nil, fmt.Errorf("%w: over %d buckets of edges: give a longer bucket, a shorter window or an address", ErrFilter, maxSeries)
	}
	var ids []int64
	for _, t := range cells {
		for edge := range t.at {
			ids = append(ids, edge)
		}
	}
	slices.Sort(ids)
	dictionary := s.edges()
	if err := dictionary.know(ctx, slices.Compact(ids)); err != nil {
		return nil, err
	}
	type key struct{ edge, sensor int64 }
	type at struct {
		series int
		bucket int64
	}
	series, numbers := map[key]int{}, map[K]int{}
	var keys []K
	sums := map[at][2]uint64{}
	for c, t := range cells {
		for _, r := range t.rows {
			of := key{int64(r[0]), c.sensor}
			i, ok := series[of]
			if !ok {
				i = -1
				e := dictionary.rows[of.edge].total(names[c.sensor])
				if k, counts := name(&e); counts {
					if i, ok = numbers[k]; !ok {
						i = len(keys)
						numbers[k] = i
						keys = append(keys, k)
					}
				}
				series[of] = i
			}
			if i >= 0 {
				a := at{i, c.bucket}
				sums[a] = [2]uint64{sums[a][0] + r[1], sums[a][1] + r[2]}
			}
		}
	}
	out := map[K][]Point{}
	for a, v := range sums {
		k := keys[a.series]
		out[k] = append(out[k], Point{Time: Time(a.bucket * int64(bucket)), Packets: v[0], Bytes: v[1]})
	}
	for _, points := range out {
		slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.Time, b.Time) })
	}
	return out, nil
}
