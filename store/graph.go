package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"osect/observe"
)

// Chunk lengths of edgeSums: what one statement sorts should stay small, as SQLite
// sorts a day of hours much faster than a month at once.
const (
	chunkHours   = 24
	chunkMinutes = 60
)

// edgeSums calls fn with sums (columns, read by fields; UNIT is minute or hour, LENGTH its ns) of each edge and sensor in the window of f, a bucket
// of so many minutes at a time (0: the whole window is one; else it is told by its first minute). It may call it several
// times for the same one: the sums are to be added. Calls come one at a time, in no order;
// fn must not keep r.
func edgeSums[T any](ctx context.Context, s *Store, f *Filter, bucket int64, columns string, fields func(*T) []any, fn func(bucket, edge, sensor int64, r *T)) error {
	e, err := parseEnds(f.Address)
	if err != nil {
		return err
	}
	chunks, err := s.chunks(ctx, f, bucket)
	if err != nil {
		return err
	}
	type row struct {
		bucket, edge, sensor int64
		sums                 T
	}
	var mu sync.Mutex
	return inParallel(ctx, chunks, func(ctx context.Context, p piece) error {
		unit, minutes, length := "minute", int64(1), observe.MinuteLength
		if p.hours {
			unit, minutes, length = "hour", 60, hourLength
		}
		b, group := "0", "edge, sensor"
		if bucket > 0 {
			if first := floorDiv(p.lo*minutes, bucket); first == floorDiv(p.hi*minutes-1, bucket) {
				b = strconv.FormatInt(first*bucket, 10)
			} else {
				// Rounded down also before 1970.
				b, group = fmt.Sprintf("(%[1]s*%[3]d-(%[1]s*%[3]d%%%[2]d+%[2]d)%%%[2]d)", unit, bucket, minutes), "b, edge, sensor"
			}
		}
		q := &query{}
		q.add(fmt.Sprintf("SELECT %s AS b, edge, sensor, %s FROM edge_%[3]s WHERE %[3]s>=? AND %[3]s<?", b, strings.NewReplacer("UNIT", unit, "LENGTH", strconv.FormatInt(length, 10)).Replace(columns), unit), p.lo, p.hi)
		q.sensors(f)
		e.any(q, "AND edge IN (SELECT id FROM edge WHERE ", []string{"client", "server"}, []string{"client_mac", "server_mac"}, ")")
		q.protocol(f.Protocol)
		q.add("GROUP BY " + group)
		var r row
		var part []row
		to := append([]any{&r.bucket, &r.edge, &r.sensor}, fields(&r.sums)...)
		err := s.each(ctx, "read the edges", q.text(), q.args, func(scan func(...any) error) error {
			err := scan(to...)
			part = append(part, r)
			return s.wrap("read the edges", err)
		})
		mu.Lock()
		defer mu.Unlock()
		for i := range part {
			fn(part[i].bucket, part[i].edge, part[i].sensor, &part[i].sums)
		}
		return err
	})
}

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

// chunks cuts the window of f into what one statement reads of edges. Buckets that are not
// whole hours are read from minutes as far back as there are any.
func (s *Store) chunks(ctx context.Context, f *Filter, bucket int64) ([]piece, error) {
	pieces, err := s.pieces(ctx, f)
	if err != nil {
		return nil, err
	}
	kept, err := s.keptFrom(ctx)
	if err != nil {
		return nil, err
	}
	// Where there is data at all: windows may have no end.
	first, last, err := s.edgeHours(ctx)
	if err != nil {
		return nil, err
	}
	var out []piece
	cut := func(p piece, step, from, to int64) {
		p.lo, p.hi = max(p.lo, from), min(p.hi, to)
		for lo := p.lo; lo < p.hi; {
			hi := min((floorDiv(lo, step)+1)*step, p.hi)
			out = append(out, piece{p.hours, lo, hi})
			lo = hi
		}
	}
	hours := int64(chunkHours)
	if n := bucket / 60; bucket%60 == 0 && n > chunkHours/8 && n < chunkHours {
		hours = n // then a chunk is one bucket
	}
	for _, p := range pieces {
		if p.hours && bucket%60 != 0 && p.hi > kept {
			from := max(p.lo, kept, first)
			cut(piece{false, from * 60, min(p.hi, last) * 60}, chunkMinutes, first*60, last*60)
			p.hi = max(p.lo, kept)
		}
		if p.hours {
			cut(p, hours, first, last)
		} else {
			cut(p, chunkMinutes, first*60, last*60)
		}
	}
	return out, nil
}

// edgeHours gives the hours [first, last) in which there may be edges.
func (s *Store) edgeHours(ctx context.Context) (first, last int64, err error) {
	first, last = math.MaxInt64, math.MinInt64
	for _, x := range []struct {
		from  string
		hours int64
	}{{"SELECT min(hour) FROM edge_hour", 1}, {"SELECT max(hour) FROM edge_hour", 1}, {"SELECT min(minute) FROM edge_minute", 60}, {"SELECT max(minute) FROM edge_minute", 60}} {
		err := s.each(ctx, "read the window", x.from, nil, func(scan func(...any) error) error {
			var n *int64
			if err := scan(&n); err != nil {
				return s.wrap("read the window", err)
			}
			if n != nil {
				first, last = min(first, floorDiv(*n, x.hours)), max(last, floorDiv(*n, x.hours)+1)
			}
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
	}
	if first > last {
		return 0, 0, nil
	}
	return first, last, nil
}

// edgesByID reads rows of the dictionary, without sums.
func (s *Store) edgesByID(ctx context.Context, ids []int64) (map[int64]*EdgeTotal, error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows := make(map[int64]*EdgeTotal, len(ids))
	err = s.each(ctx, "read the edges", `SELECT d.id, c.addr, s.addr, d.server_port, d.client_port, d.vlan, d.proto, d.tunnel, d.client_mac, d.server_mac, d.multicast, t.value
		FROM json_each(?) j JOIN edge d ON d.id=j.value JOIN end c ON c.id=d.client JOIN end s ON s.id=d.server JOIN text t ON t.id=d.service`, []any{string(list)},
		func(scan func(...any) error) error {
			var r EdgeTotal
			var id int64
			var client, server []byte
			err := scan(&id, &client, &server, &r.ServerPort, &r.ClientPort, &r.VLAN, &r.Proto, &r.Tunnel, &r.ClientMAC, &r.ServerMAC, &r.Multicast, &r.Service)
			if err != nil {
				return s.wrap("read the edges", err)
			}
			rows[id] = &r
			return addrs(&r.Client, client, &r.Server, server)
		})
	return rows, err
}

// Graph is who talked to whom in a window: what Edges gives, by key, site and sensor, but
// for Opened, Failed and First, which are not set. It is made for long windows: hours are read in
// parts, as many at once as there are processors.
// Heeds From, To, Site, Sensor, Address, Protocol.
func (s *Store) Graph(ctx context.Context, f Filter) ([]EdgeTotal, error) {
	if f.From == 0 && f.To == 0 {
		return s.Edges(ctx, f) // there are totals
	}
	type key struct{ edge, sensor int64 }
	type sum struct {
		packetsOut, bytesOut uint64
		packetsIn, bytesIn   uint64
		answered             bool
		last                 int64
	}
	sums := map[key]*sum{}
	err := edgeSums(ctx, s, &f, 0, "sum(packets_out), sum(bytes_out), sum(packets_in), sum(bytes_in), max(answered), max(UNIT*LENGTH+last)",
		func(r *sum) []any {
			return []any{&r.packetsOut, &r.bytesOut, &r.packetsIn, &r.bytesIn, &r.answered, &r.last}
		}, func(_, edge, sensor int64, r *sum) {
			k := key{edge, sensor}
			t := sums[k]
			if t == nil {
				t = &sum{last: math.MinInt64}
				sums[k] = t
			}
			t.packetsOut, t.bytesOut = t.packetsOut+r.packetsOut, t.bytesOut+r.bytesOut
			t.packetsIn, t.bytesIn = t.packetsIn+r.packetsIn, t.bytesIn+r.bytesIn
			t.answered, t.last = t.answered || r.answered, max(t.last, r.last)
		})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, 0, len(sums))
	for k := range sums {
		ids = append(ids, k.edge)
	}
	slices.Sort(ids)
	rows, err := s.edgesByID(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]EdgeTotal, 0, len(sums))
	for k, t := range sums {
		row := rows[k.edge]
		if row == nil {
			return nil, s.wrap("read the edges", fmt.Errorf("%w: no edge %d", ErrCorrupt, k.edge))
		}
		e := *row
		e.Site, e.Sensor = names[k.sensor].site, names[k.sensor].name
		e.PacketsOut, e.BytesOut, e.PacketsIn, e.BytesIn = t.packetsOut, t.bytesOut, t.packetsIn, t.bytesIn
		e.Answered, e.Last = t.answered, t.last
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b EdgeTotal) int {
		return cmp.Or(observe.CompareEdges(&a.EdgeKey, &b.EdgeKey), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Sensor, b.Sensor), cmp.Compare(a.Last, b.Last),
			cmp.Compare(a.ClientMAC, b.ClientMAC), cmp.Compare(a.ServerMAC, b.ServerMAC), cmp.Compare(a.Service, b.Service))
	})
	return fold(list, func(a, b *EdgeTotal) bool {
		if a.EdgeKey != b.EdgeKey || a.Site != b.Site || a.Sensor != b.Sensor {
			return false
		}
		a.Last, a.ClientMAC, a.ServerMAC = b.Last, b.ClientMAC, b.ServerMAC // sorted: b is not earlier
		if a.Service == "" {
			a.Service = b.Service
		}
		a.Multicast, a.Answered = a.Multicast || b.Multicast, a.Answered || b.Answered
		a.PacketsOut, a.BytesOut = a.PacketsOut+b.PacketsOut, a.BytesOut+b.BytesOut
		a.PacketsIn, a.BytesIn = a.PacketsIn+b.PacketsIn, a.BytesIn+b.BytesIn
		return true
	}), nil
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
	type key struct{ edge, sensor int64 }
	type at struct {
		series int
		bucket int64
	}
	// First by dictionary row, as their names are looked up together at the end.
	type cell struct {
		key
		bucket int64
	}
	cells := map[cell][2]uint64{}
	full := false
	type sum struct{ packets, bytes uint64 }
	err = edgeSums(ctx, s, &f, n, "sum(packets_out+packets_in), sum(bytes_out+bytes_in)", func(r *sum) []any { return []any{&r.packets, &r.bytes} },
		func(bucket, edge, sensor int64, r *sum) {
			c := cell{key{edge, sensor}, bucket}
			v, ok := cells[c]
			if full = full || !ok && len(cells) >= maxSeries; !full {
				cells[c] = [2]uint64{v[0] + r.packets, v[1] + r.bytes}
			}
		})
	if err != nil {
		return nil, err
	}
	if full {
		return nil, fmt.Errorf("%w: over %d buckets of edges: give a longer bucket, a shorter window or an address", ErrFilter, maxSeries)
	}
	var ids []int64
	for c := range cells {
		ids = append(ids, c.edge)
	}
	slices.Sort(ids)
	rows, err := s.edgesByID(ctx, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	series, numbers := map[key]int{}, map[K]int{}
	var keys []K
	sums := map[at][2]uint64{}
	for c, v := range cells {
		i, ok := series[c.key]
		if !ok {
			i = -1
			row := rows[c.edge]
			if row == nil {
				return nil, s.wrap("read the edges", fmt.Errorf("%w: no edge %d", ErrCorrupt, c.edge))
			}
			e := *row
			e.Site, e.Sensor = names[c.sensor].site, names[c.sensor].name
			if k, counts := name(&e); counts {
				if i, ok = numbers[k]; !ok {
					i = len(keys)
					numbers[k] = i
					keys = append(keys, k)
				}
			}
			series[c.key] = i
		}
		if i >= 0 {
			a := at{i, c.bucket}
			sums[a] = [2]uint64{sums[a][0] + v[0], sums[a][1] + v[1]}
		}
	}
	out := map[K][]Point{}
	for a, v := range sums {
		k := keys[a.series]
		out[k] = append(out[k], Point{Time: Time(a.bucket * observe.MinuteLength), Packets: v[0], Bytes: v[1]})
	}
	for _, points := range out {
		slices.SortFunc(points, func(a, b Point) int { return cmp.Compare(a.Time, b.Time) })
	}
	return out, nil
}
