package store

import (
	"cmp"
	"context"
	"math"
	"slices"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// maxResolved bounds the memory for dictionary rows while minutes are read.
const maxResolved = 1 << 18

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
	r := &reader{s: s, edges: map[int64]edgeKey{}, operations: map[int64]operationKey{}, addresses: map[int64]addressKey{}}
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
	edges      map[int64]edgeKey
	operations map[int64]operationKey
	addresses  map[int64]addressKey
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

	// Ids first, then what the dictionaries say of them: a query inside another would need a second connection.
	var ids []int64
	err = each("SELECT edge, packets_out, bytes_out, packets_in, bytes_in, opened, failed, answered, first, last, capture, number FROM edge_minute",
		func(scan func(...any) error) error {
			var e observe.Edge
			var id int64
			err := scan(&id, &e.PacketsOut, &e.BytesOut, &e.PacketsIn, &e.BytesIn, &e.Opened, &e.Failed, &e.Answered, &e.First, &e.Last, &e.Ref.Capture, &e.Ref.Number)
			e.First, e.Last = e.First+m.Start, e.Last+m.Start
			m.Edges, ids = append(m.Edges, e), append(ids, id)
			return err
		})
	if err != nil {
		return err
	}
	for i, id := range ids {
		k, err := r.edge(ctx, id)
		if err != nil {
			return err
		}
		e := &m.Edges[i]
		e.EdgeKey, e.ClientMAC, e.ServerMAC, e.Multicast, e.Service = k.EdgeKey, k.clientMAC, k.serverMAC, k.multicast, k.service
	}

	ids = ids[:0]
	err = each("SELECT operation, count, first, last, capture, number FROM operation_minute", func(scan func(...any) error) error {
		var o observe.Operation
		var id int64
		err := scan(&id, &o.Count, &o.First, &o.Last, &o.Ref.Capture, &o.Ref.Number)
		o.First, o.Last = o.First+m.Start, o.Last+m.Start
		m.Operations, ids = append(m.Operations, o), append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	for i, id := range ids {
		k, err := r.operation(ctx, id)
		if err != nil {
			return err
		}
		o := &m.Operations[i]
		o.Src, o.Dst, o.Protocol, o.Code, o.Function, o.Status, o.Unit = k.src, k.dst, k.protocol, k.code, k.function, k.status, k.unit
		o.Direction, o.Class, o.Tunnel = ot.Direction(k.direction), ot.Class(k.class), decode.Tunnel(k.tunnel)
	}

	ids = ids[:0]
	err = each(`SELECT address, evidence, ends, packets_sent, bytes_sent, packets_received, bytes_received, ttl, first, last, capture, number
		FROM address_minute`, func(scan func(...any) error) error {
		var a observe.Address
		var id int64
		var bits uint8
		err := scan(&id, &a.Evidence, &bits, &a.PacketsSent, &a.BytesSent, &a.PacketsReceived, &a.BytesReceived, &a.TTL, &a.First, &a.Last, &a.Ref.Capture, &a.Ref.Number)
		a.Client, a.Server = bits&1 != 0, bits&2 != 0
		a.First, a.Last = a.First+m.Start, a.Last+m.Start
		m.Addresses, ids = append(m.Addresses, a), append(ids, id)
		return err
	})
	if err != nil {
		return err
	}
	for i, id := range ids {
		k, err := r.address(ctx, id)
		if err != nil {
			return err
		}
		a := &m.Addresses[i]
		a.IP, a.MAC, a.VLAN = k.ip, k.mac, k.vlan
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

// resolved gives a dictionary row from the memory or the file.
func resolved[K any](ctx context.Context, s *Store, memory map[int64]K, id int64, q string, row func(scan func(...any) error) (K, error)) (K, error) {
	if k, ok := memory[id]; ok {
		return k, nil
	}
	list, err := collect(s, ctx, "read a dictionary", q, row, id)
	if err == nil && len(list) == 0 {
		err = s.wrap("read a dictionary", ErrCorrupt)
	}
	if err != nil {
		var none K
		return none, err
	}
	if len(memory) >= maxResolved {
		clear(memory)
	}
	memory[id] = list[0]
	return list[0], nil
}

func (r *reader) edge(ctx context.Context, id int64) (edgeKey, error) {
	return resolved(ctx, r.s, r.edges, id, `SELECT c.addr, s.addr, server_port, client_port, vlan, proto, tunnel, client_mac, server_mac, multicast, value
		FROM edge e JOIN end c ON c.id=client JOIN end s ON s.id=server JOIN text ON text.id=service WHERE e.id=?`, func(scan func(...any) error) (k edgeKey, err error) {
		var client, server []byte
		err = scan(&client, &server, &k.ServerPort, &k.ClientPort, &k.VLAN, &k.Proto, &k.Tunnel, &k.clientMAC, &k.serverMAC, &k.multicast, &k.service)
		if err != nil {
			return k, err
		}
		return k, addrs(&k.Client, client, &k.Server, server)
	})
}

func (r *reader) operation(ctx context.Context, id int64) (operationKey, error) {
	return resolved(ctx, r.s, r.operations, id, `SELECT a.addr, b.addr, p.value, c.value, f.value, st.value, u.value, direction, class, tunnel
		FROM operation o JOIN end a ON a.id=src JOIN end b ON b.id=dst JOIN text p ON p.id=protocol JOIN text c ON c.id=code
		JOIN text f ON f.id=function JOIN text st ON st.id=status JOIN text u ON u.id=unit WHERE o.id=?`, func(scan func(...any) error) (k operationKey, err error) {
		var src, dst []byte
		if err = scan(&src, &dst, &k.protocol, &k.code, &k.function, &k.status, &k.unit, &k.direction, &k.class, &k.tunnel); err != nil {
			return k, err
		}
		return k, addrs(&k.src, src, &k.dst, dst)
	})
}

func (r *reader) address(ctx context.Context, id int64) (addressKey, error) {
	return resolved(ctx, r.s, r.addresses, id, "SELECT addr, mac, vlan, sensor FROM address a JOIN end ON end.id=ip WHERE a.id=?", func(scan func(...any) error) (k addressKey, err error) {
		var ip []byte
		if err = scan(&ip, &k.mac, &k.vlan, &k.sensor); err != nil {
			return k, err
		}
		k.ip, err = addr(ip)
		return k, err
	})
}
