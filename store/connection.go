package store

import (
	"cmp"
	"context"
	"database/sql/driver"
	"math"
	"slices"

	"osect/observe"
)

// The columns of a connection, in blocks and, with the sensor behind cFirst, in connection_long.
const (
	cFirst = iota // ns since 1970; in blocks since the minute's start
	cID           // tells connections with the same first apart
	cEdge         // its ends, MACs, VLAN and service; with client_port 0
	cClientPort
	cInnerVLAN // -1: none
	cDuration  // last - first
	cPacketsOut
	cBytesOut
	cPacketsIn
	cBytesIn
	cFragmentsOut
	cFragmentsIn
	cICMP // type * 256 + code
	cState
	cClosed
	cWidth
)

const longColumns = "sensor, first, id, edge, client_port, inner_vlan, duration, packets_out, bytes_out, packets_in, bytes_in, fragments_out, fragments_in, icmp, state, closed"

// longFlow is the duration, ns, over which connections are rows of connection_long.
const longFlow = int64(900e9)

// connection is one of a sensor, its columns as above; times since 1970.
type connection struct {
	sensor int64
	v      [cWidth]int64
}

func (c *connection) last() int64 { return c.v[cFirst] + c.v[cDuration] }

func compareConnections(a, b *connection) int {
	return cmp.Or(cmp.Compare(a.v[cFirst], b.v[cFirst]), cmp.Compare(a.sensor, b.sensor), cmp.Compare(a.v[cID], b.v[cID]))
}

// sortKey is a row of a block with its place.
type sortKey struct {
	first, id int64
	at        int
}

// sortConnections sorts rows of a block by first and id; of rows of one connection only the last stays. What it
// gives is the writer's until the next call.
func (w *writer) sortConnections(rows []int64) []int64 {
	keys := w.keys[:0]
	sorted := true
	for i := range len(rows) / cWidth {
		r := rows[i*cWidth:]
		keys = append(keys, sortKey{r[cFirst], r[cID], i})
		sorted = sorted && (i == 0 || cmp.Or(cmp.Compare(keys[i-1].first, keys[i].first), cmp.Compare(keys[i-1].id, keys[i].id)) < 0)
	}
	w.keys = keys
	if sorted {
		return rows
	}
	slices.SortFunc(keys, func(a, b sortKey) int {
		return cmp.Or(cmp.Compare(a.first, b.first), cmp.Compare(a.id, b.id), cmp.Compare(a.at, b.at))
	})
	out := w.rows[:0]
	for i, k := range keys {
		if i+1 == len(keys) || keys[i+1].first != k.first || keys[i+1].id != k.id {
			out = append(out, rows[k.at*cWidth:(k.at+1)*cWidth]...)
		}
	}
	w.rows = out
	return out
}

// addConnections writes rows of a sensor, by the minute that they began in: as a further part of that minute. It empties minutes.
func (w *writer) addConnections(sensor int64, minutes map[int64][]int64) error {
	for minute, rows := range minutes {
		n, _, err := w.one("SELECT ifnull(max(n)+1, 0) FROM connection_minute WHERE minute=? AND sensor=?", minute, sensor)
		if err != nil {
			return err
		}
		if err := w.putConnections(minute, sensor, n, w.sortConnections(rows)); err != nil {
			return err
		}
		if delete(minutes, minute); len(w.spare) < maxSpare {
			w.spare = append(w.spare, rows[:0])
		}
	}
	return nil
}

func (w *writer) putConnections(minute, sensor, n int64, rows []int64) error {
	w.packed = pack(w.packed[:0], rows, cWidth)
	return w.exec("INSERT INTO connection_minute VALUES (?,?,?,?,?)", minute, sensor, n, int64(len(rows)/cWidth), w.packed)
}

// joinConnections makes one part of several, of the minutes of an hour; or rather of those whose connections
// have mostly ended when the hour has: from a quarter of an hour before.
func (w *writer) joinConnections(hour, sensor int64) error {
	quarter := longFlow / observe.MinuteLength
	var minutes []int64
	err := w.query("SELECT DISTINCT minute FROM connection_minute WHERE minute>=? AND minute<? AND sensor=? AND n>0", func(v []driver.Value) error {
		minutes = append(minutes, v[0].(int64))
		return nil
	}, hour*60-quarter, hour*60+60-quarter, sensor)
	if err != nil {
		return err
	}
	var part, rows []int64 // one minute at a time: an hour of connections is a lot
	for _, minute := range minutes {
		rows = rows[:0]
		err := w.query("SELECT count, rows FROM connection_minute WHERE minute=? AND sensor=? ORDER BY n", func(v []driver.Value) (err error) {
			part, err = unpack(part, v[1].([]byte), v[0].(int64), cWidth)
			rows = append(rows, part...)
			return err
		}, minute, sensor)
		if err != nil {
			return err
		}
		if err := w.exec("DELETE FROM connection_minute WHERE minute=? AND sensor=?", minute, sensor); err != nil {
			return err
		}
		if err := w.putConnections(minute, sensor, 0, w.sortConnections(rows)); err != nil {
			return err
		}
	}
	return nil
}

// atOnce is how many minutes of connections one statement reads.
const atOnce = 16

// part is what connection_minute holds in a row.
type connectionPart struct {
	minute, sensor int64
	count          int64
	packed         []byte
}

// choice says which connections are wanted; nil for all. wants looks at the columns of which the bits are set.
type choice struct {
	columns uint32
	wants   func(*connection) bool
}

// connections calls fn with the connections that overlap f's window and are chosen, those that began in one minute at
// a time: sorted by first, sensor and id, the minutes rising, or falling. It goes on while fn says more. fn must
// not keep the list. Heeds From, To, Site, Sensor.
func (s *Store) connections(ctx context.Context, f *Filter, falling bool, of *choice, fn func(list []connection) (more bool, err error)) error {
	lo, hi := int64(-never*60), int64(never*60)
	from := int64(math.MinInt64)
	if f.From != 0 {
		// Those that began earlier are in long.
		from, lo = f.From, floorDiv(f.From-longFlow, observe.MinuteLength)
	}
	if f.To != 0 {
		hi = -floorDiv(-f.To, observe.MinuteLength)
	}
	long, err := s.longConnections(ctx, f)
	if err != nil {
		return err
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return err
	}
	wanted := func(sensor int64) bool {
		n := names[sensor]
		return (f.Site == "" || f.Site == n.site) && (f.Sensor == "" || f.Sensor == n.name)
	}
	isLong := map[connection]bool{} // by first, sensor, id
	key := func(c *connection) (k connection) {
		k.sensor, k.v[cFirst], k.v[cID] = c.sensor, c.v[cFirst], c.v[cID]
		return k
	}
	for i := range long {
		isLong[key(&long[i])] = true
	}
	if of != nil {
		long = slices.DeleteFunc(long, func(c connection) bool { return !of.wants(&c) })
	}
	var list []connection
	var rows []int64
	holds := func(c *connection) bool {
		return (f.To == 0 || c.v[cFirst] < f.To) && c.last() >= from && (of == nil || of.wants(c))
	}
	var chosenBy []int // the columns that holds looks at
	if of != nil {
		for k := range cWidth {
			if (of.columns|1<<cFirst|1<<cDuration)>>k&1 != 0 {
				chosenBy = append(chosenBy, k)
			}
		}
	}
	// minute puts together what began in a minute, of its parts and long, and passes it on.
	minute := func(n int64, parts []connectionPart) (more bool, err error) {
		list = list[:0]
		start := n * observe.MinuteLength
		for _, p := range parts {
			if !wanted(p.sensor) {
				continue
			}
			// Of one part alone, the columns that it is chosen by are read first; most minutes of a window have
			// nothing of an address.
			columns := ^uint32(0)
			if len(parts) == 1 && of != nil {
				columns = of.columns | 1<<cFirst | 1<<cDuration
			}
			if rows, err = unpackSome(rows, p.packed, p.count, cWidth, columns); err != nil {
				return false, s.wrap("read the flows", err)
			}
			some := columns == ^uint32(0)
			c := connection{sensor: p.sensor}
			for i := 0; i < len(rows) && !some; i += cWidth {
				// Not all of the row: this is what a day of connections is searched by.
				v := rows[i : i+cWidth]
				for _, k := range chosenBy {
					c.v[k] = v[k]
				}
				c.v[cFirst] += start
				some = holds(&c)
			}
			if !some {
				continue
			}
			if columns != ^uint32(0) {
				if rows, err = unpack(rows, p.packed, p.count, cWidth); err != nil {
					return false, s.wrap("read the flows", err)
				}
			}
			for i := 0; i < len(rows); i += cWidth {
				c := connection{p.sensor, [cWidth]int64(rows[i:])}
				c.v[cFirst] += start
				if len(parts) > 1 || holds(&c) {
					list = append(list, c)
				}
			}
		}
		if len(parts) > 1 {
			slices.SortStableFunc(list, func(a, b connection) int { return compareConnections(&a, &b) })
			out := list[:0]
			for i := range list {
				// Of two of one connection the later part's.
				if c := &list[i]; (i+1 == len(list) || compareConnections(c, &list[i+1]) != 0) && holds(c) {
					out = append(out, *c)
				}
			}
			list = out
		}
		if len(isLong) > 0 {
			list = slices.DeleteFunc(list, func(c connection) bool { return isLong[key(&c)] })
		}
		short := len(list)
		if falling {
			for len(long) > 0 && floorDiv(long[len(long)-1].v[cFirst], observe.MinuteLength) == n {
				list, long = append(list, long[len(long)-1]), long[:len(long)-1]
			}
		} else {
			for len(long) > 0 && floorDiv(long[0].v[cFirst], observe.MinuteLength) == n {
				list, long = append(list, long[0]), long[1:]
			}
		}
		if len(list) > short {
			slices.SortFunc(list, func(a, b connection) int { return compareConnections(&a, &b) })
		}
		if len(list) == 0 {
			return true, nil
		}
		return fn(list)
	}
	// before passes on the minutes that only long has, up to the minute n.
	before := func(n int64) (more bool, err error) {
		for more = true; more && err == nil && len(long) > 0; {
			m := floorDiv(long[0].v[cFirst], observe.MinuteLength)
			if falling {
				m = floorDiv(long[len(long)-1].v[cFirst], observe.MinuteLength)
			}
			if !falling && m >= n || falling && m <= n {
				break
			}
			more, err = minute(m, nil)
		}
		return more, err
	}
	for {
		parts, err := s.connectionParts(ctx, f, lo, hi, falling)
		if err != nil {
			return err
		}
		if len(parts) == 0 {
			end := int64(math.MaxInt64)
			if falling {
				end = math.MinInt64
			}
			_, err := before(end)
			return err
		}
		for len(parts) > 0 {
			n := parts[0].minute
			k := 1
			for k < len(parts) && parts[k].minute == n {
				k++
			}
			more, err := before(n)
			if more && err == nil {
				more, err = minute(n, parts[:k])
			}
			if err != nil || !more {
				return err
			}
			parts = parts[k:]
			if falling {
				hi = n
			} else {
				lo = n + 1
			}
		}
	}
}

// connectionParts reads the parts of the first minutes in [lo, hi), or the last.
func (s *Store) connectionParts(ctx context.Context, f *Filter, lo, hi int64, falling bool) ([]connectionPart, error) {
	end, order := "min", "minute"
	if falling {
		end, order = "max", "minute DESC"
	}
	var at *int64
	err := s.each(ctx, "read the flows", "SELECT "+end+"(minute) FROM connection_minute WHERE minute>=? AND minute<?", []any{lo, hi}, func(scan func(...any) error) error { return scan(&at) })
	if err != nil || at == nil {
		return nil, err
	}
	if falling {
		lo = max(lo, *at+1-atOnce)
	} else {
		hi = min(hi, *at+atOnce)
	}
	// All sensors: where there are none of f's in these minutes, there may be some behind.
	q := &query{}
	q.add("SELECT minute, sensor, count, rows FROM connection_minute WHERE minute>=? AND minute<? ORDER BY "+order+", sensor, n", lo, hi)
	return collect(s, ctx, "read the flows", q.text(), func(scan func(...any) error) (p connectionPart, err error) {
		return p, scan(&p.minute, &p.sensor, &p.count, &p.packed)
	}, q.args...)
}

// longConnections are those over a quarter of an hour that overlap f's window, of its sensors, sorted.
func (s *Store) longConnections(ctx context.Context, f *Filter) ([]connection, error) {
	q := &query{}
	q.add("SELECT " + longColumns + " FROM connection_long WHERE 1")
	if f.From != 0 {
		q.add("AND first+duration>=?", f.From)
	}
	if f.To != 0 {
		q.add("AND first<?", f.To)
	}
	q.sensors(f)
	list, err := collect(s, ctx, "read the flows", q.text(), func(scan func(...any) error) (c connection, err error) {
		to := []any{&c.sensor}
		for i := range c.v {
			to = append(to, &c.v[i])
		}
		return c, scan(to...)
	}, q.args...)
	slices.SortFunc(list, func(a, b connection) int { return compareConnections(&a, &b) })
	return list, err
}
