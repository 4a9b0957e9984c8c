package store

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"osect/decode"
	"osect/observe"
)

// keptFrom is the first hour of which minute grain is whole.
func (s *Store) keptFrom(ctx context.Context) (int64, error) {
	kept := -never
	err := s.each(ctx, "read what is kept", "SELECT hour FROM kept WHERE grain='minute'", nil, func(scan func(...any) error) error { return scan(&kept) })
	return kept, err
}

// MinutesFrom says from which packet time on minutes are kept; math.MinInt64 for all.
func (s *Store) MinutesFrom(ctx context.Context) (int64, error) {
	kept, err := s.keptFrom(ctx)
	if err != nil || kept == -never {
		return math.MinInt64, err
	}
	return kept * hourLength, nil
}

// Minutes calls fn with each stored minute of the window, oldest first, then by site
// and sensor, as it was committed: counters, edges, operations, addresses and events in
// their canonical order, the parts of a minute as one. Not in it: Connections. A fact is in the
// minute in which its sensor saw it first; the first minute of each sensor has
// also those that were seen before and after its start. Seq numbers the calls from 1. Refs name captures by their id in the store.
// Heeds From, To, Site, Sensor; minutes that the window cuts are whole.
func (s *Store) Minutes(ctx context.Context, f Filter, fn func(site, sensor string, m *observe.Minute) error) error {
	names, err := s.sensorNames(ctx)
	if err != nil {
		return err
	}
	type key struct{ minute, sensor int64 }
	q := &query{}
	q.add("SELECT minute, sensor FROM minute WHERE 1")
	q.minutes(&f)
	list, err := collect(s, ctx, "read the minutes", q.text(), func(scan func(...any) error) (k key, err error) {
		return k, scan(&k.minute, &k.sensor)
	}, q.args...)
	if err != nil {
		return err
	}
	slices.SortStableFunc(list, func(a, b key) int {
		x, y := names[a.sensor], names[b.sensor]
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(x.site, y.site), cmp.Compare(x.name, y.name))
	})
	r := &reader{s, s.edges(), s.operations(), s.addresses()}
	begun := map[int64]bool{}
	for i, k := range list {
		m := &observe.Minute{Start: k.minute * observe.MinuteLength, Seq: uint64(i + 1)}
		if err := r.minute(ctx, m, k.minute, k.sensor); err != nil {
			return err
		}
		if err := r.facts(ctx, m, k.sensor, !begun[k.sensor]); err != nil {
			return err
		}
		begun[k.sensor] = true
		n := names[k.sensor]
		if err := fn(n.site, n.name, m); err != nil {
			return err
		}
	}
	return nil
}

// reader reads minutes; it remembers dictionary rows.
type reader struct {
	s          *Store
	edges      *dictionary[edgeKey]
	operations *dictionary[operationKey]
	addresses  *dictionary[addressKey]
}

func (r *reader) minute(ctx context.Context, m *observe.Minute, minute, sensor int64) error {
	of := []any{minute, sensor}
	const where = " WHERE minute=? AND sensor=?"
	each := func(q string, row func(scan func(...any) error) error) error {
		return r.s.each(ctx, "read a minute", q+where, of, row)
	}
	c := &m.Counters
	err := each("SELECT packets, bytes, decoded, fragments, truncated, late FROM minute", func(scan func(...any) error) error {
		return scan(&c.Packets, &c.Bytes, &c.Decoded, &c.Fragments, &c.Truncated, &c.Late)
	})
	if err != nil {
		return err
	}
	err = each("SELECT value, count FROM minute_counter JOIN text ON text.id=name", func(scan func(...any) error) error {
		var name string
		var n uint64
		if err := scan(&name, &n); err != nil {
			return err
		}
		for i := range c.Skipped {
			if name == "skipped."+decode.Reason(i).String() {
				c.Skipped[i] = n
			}
		}
		for i := range c.Dropped {
			if name == "dropped."+observe.Drop(i).String() {
				c.Dropped[i] = n
			}
		}
		return nil
	})
	if err != nil {
		return err
	}

	rows, err := r.block(ctx, edgeGrain, minute, sensor)
	if err != nil {
		return err
	}
	width := edgeGrain.minuteWidth()
	if err := r.edges.know(ctx, idsIn(rows, width)); err != nil {
		return err
	}
	for v := rows; len(v) > 0; v = v[width:] {
		k := r.edges.rows[v[0]]
		m.Edges = append(m.Edges, observe.Edge{EdgeKey: k.EdgeKey, ClientMAC: k.clientMAC, ServerMAC: k.serverMAC, Multicast: k.multicast, Service: k.service,
			PacketsOut: uint64(v[1]), BytesOut: uint64(v[2]), PacketsIn: uint64(v[3]), BytesIn: uint64(v[4]), Opened: uint32(v[5]), Failed: uint32(v[6]),
			Answered: v[7] != 0, First: m.Start + v[8], Last: m.Start + v[9], Ref: frame(v[10:])})
	}

	if rows, err = r.block(ctx, operationGrain, minute, sensor); err != nil {
		return err
	}
	width = operationGrain.minuteWidth()
	if err := r.operations.know(ctx, idsIn(rows, width)); err != nil {
		return err
	}
	for v := rows; len(v) > 0; v = v[width:] {
		o := r.operations.rows[v[0]].operation()
		o.Count, o.First, o.Last, o.Ref = uint64(v[1]), m.Start+v[2], m.Start+v[3], frame(v[4:])
		m.Operations = append(m.Operations, o)
	}

	if rows, err = r.block(ctx, addressGrain, minute, sensor); err != nil {
		return err
	}
	width = addressGrain.minuteWidth()
	if err := r.addresses.know(ctx, idsIn(rows, width)); err != nil {
		return err
	}
	for v := rows; len(v) > 0; v = v[width:] {
		a, k := addressOf(v), r.addresses.rows[v[0]]
		a.IP, a.MAC, a.VLAN = k.ip, k.mac, k.vlan
		a.First, a.Last, a.Ref = m.Start+a.First, m.Start+a.Last, frame(v[10:])
		m.Addresses = append(m.Addresses, a)
	}

	err = r.s.each(ctx, "read a minute", `SELECT kind, a.addr, b.addr, arg, value, count, first, last, capture, number FROM event x
		JOIN end a ON a.id=src JOIN end b ON b.id=dst JOIN text ON text.id=x.text WHERE minute=? AND sensor=? ORDER BY n`, of, func(scan func(...any) error) error {
		var e observe.Event
		var src, dst []byte
		if err := scan(&e.Kind, &src, &dst, &e.Arg, &e.Text, &e.Count, &e.First, &e.Last, &e.Ref.Capture, &e.Ref.Number); err != nil {
			return err
		}
		e.First, e.Last = e.First+m.Start, e.Last+m.Start
		m.Events = append(m.Events, e)
		return addrs(&m.Events[len(m.Events)-1].Src, src, &m.Events[len(m.Events)-1].Dst, dst)
	})
	m.Settle() // also joins the rows of one edge that the dictionary holds apart (another MAC in a late part)
	return err
}

// facts adds the facts that were seen first in m and, with before, those that had been seen and were seen again.
func (r *reader) facts(ctx context.Context, m *observe.Minute, sensor int64, before bool) error {
	end := m.Start + observe.MinuteLength
	from, last := m.Start, int64(math.MinInt64)
	if before {
		from, last = math.MinInt64, m.Start
	}
	err := r.s.each(ctx, "read a minute", `SELECT i.addr, x.mac, k.value, v.value, o.value, x.first, x.last, x.capture, x.number
		FROM fact x JOIN end i ON i.id=x.ip JOIN text k ON k.id=x.kind JOIN text v ON v.id=x.value JOIN text o ON o.id=x.source
		WHERE x.sensor=? AND x.first>=? AND x.first<? AND x.last>=?`, []any{sensor, from, end, last}, func(scan func(...any) error) error {
		var f observe.Fact
		var b []byte
		if err := scan(&b, &f.MAC, &f.Kind, &f.Value, &f.Source, &f.First, &f.Last, &f.Ref.Capture, &f.Ref.Number); err != nil {
			return err
		}
		var err error
		f.IP, err = addr(b)
		f.First, f.Last = max(f.First, m.Start), min(f.Last, end-1)
		m.Facts = append(m.Facts, f)
		return err
	})
	slices.SortFunc(m.Facts, func(a, b observe.Fact) int {
		return cmp.Or(a.IP.Compare(b.IP), cmp.Compare(a.MAC, b.MAC), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Source, b.Source))
	})
	return err
}

// block reads the rows of one block of a minute.
func (r *reader) block(ctx context.Context, g *grain, minute, sensor int64) (rows []int64, err error) {
	err = r.s.each(ctx, "read a minute", "SELECT count, rows FROM "+g.name+"_minute WHERE minute=? AND sensor=?", []any{minute, sensor}, func(scan func(...any) error) error {
		var count int64
		var packed sql.RawBytes
		err := scan(&count, &packed)
		if err == nil {
			rows, err = unpack(nil, packed, count, g.minuteWidth())
		}
		return r.s.wrap("read a minute", err)
	})
	return rows, err
}

func idsIn(rows []int64, width int) []int64 {
	var ids []int64
	for ; len(rows) > 0; rows = rows[width:] {
		ids = append(ids, rows[0])
	}
	return ids
}

// frame is a frame reference as it stands in rows.
func frame(v []int64) observe.FrameRef { return observe.FrameRef{Capture: int32(v[0]), Number: v[1]} }
