package store

import (
	"cmp"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"osect/decode"
	"osect/detect"
	"osect/observe"
)

// hourLength is the length of an hour in ns.
const hourLength = 60 * observe.MinuteLength

// maxPending is how many hours may wait with their minute rows only before
// their hour rows are made; the newest waits always, as it still grows.
const maxPending = 2

// Batch is what one transaction commits.
type Batch struct {
	Run *Run
	// Minutes in the order of their Seq.
	Minutes  []*observe.Minute
	Alerts   []detect.Alert  // new or grown, whole
	Changes  []detect.Change // in order
	Statuses []detect.Status
	Log      []LogEntry
	Evidence []Evidence
	// Hash is the running hash behind the last minute.
	Hash []byte
}

// Edited says which lists another process has edited since the last Commit, or
// since BeginRun or ResumeRun: read the lists after that.
type Edited struct {
	Lists      []detect.Kind // learned rows of these
	Statuses   bool
	Settings   bool
	Exclusions bool
	Services   bool
	Ledger     bool
}

// Any says whether anything was edited.
func (e *Edited) Any() bool {
	return len(e.Lists) > 0 || e.Statuses || e.Settings || e.Exclusions || e.Services || e.Ledger
}

// Commit writes a batch in one transaction: all of it or nothing. Parts of one
// minute are added up; a later row of a connection replaces the earlier one.
//
// What another process edited meanwhile wins over the batch: rows it removed
// are not brought back, rows of hand are not touched, and where it set a
// detector's mode the batch's statuses are left out. Edited names these lists, to be read again.
func (s *Store) Commit(b *Batch) (edited Edited, err error) {
	if len(b.Minutes) > 0 && b.Run == nil {
		return edited, errors.New("store: minutes without a run")
	}
	err = s.transact("commit", func(w *writer) error {
		edited = Edited{}
		before, _, err := w.generations()
		if err != nil {
			return err
		}
		edited.since(w.seen, before)
		hours, err := w.minutes(b.Run, b.Minutes)
		if err != nil {
			return err
		}
		if err := w.alerts(b.Alerts); err != nil {
			return err
		}
		if err := w.changes(b.Changes, edited.Lists); err != nil {
			return err
		}
		if !edited.Statuses {
			if err := w.statuses(b.Statuses); err != nil {
				return err
			}
		}
		if err := w.log(b.Log); err != nil {
			return err
		}
		if err := w.evidence(b.Evidence, maxEvidence); err != nil {
			return err
		}
		if n := len(b.Minutes); n > 0 {
			hash := b.Hash
			if hash == nil {
				hash = []byte{}
			}
			if err := w.exec("UPDATE run SET seq=?, hash=? WHERE id=?", int64(b.Minutes[n-1].Seq), hash, b.Run.ID); err != nil {
				return err
			}
		}
		if n, _, err := w.one("SELECT count(*) FROM pending"); err != nil {
			return err
		} else if n > maxPending {
			if err := w.rollUp(hours); err != nil {
				return err
			}
		}
		return w.look()
	})
	if err == nil && len(b.Minutes) > 0 {
		b.Run.Seq, b.Run.Hash = b.Minutes[len(b.Minutes)-1].Seq, b.Hash
	}
	return edited, err
}

// generations reads the number of each list and the id of the last removal.
func (w *writer) generations() (map[string]int64, int64, error) {
	g := map[string]int64{}
	err := w.query("SELECT list, n FROM generation", func(v []driver.Value) error {
		g[v[0].(string)] = v[1].(int64)
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	removed, _, err := w.one("SELECT ifnull(max(id), 0) FROM removed")
	return g, removed, err
}

// since sets what differs between two states of the generations; nothing when there is no earlier one.
func (e *Edited) since(seen, now map[string]int64) {
	if seen == nil {
		return
	}
	for _, k := range detect.Kinds {
		if seen[string(k)] != now[string(k)] {
			e.Lists = append(e.Lists, k)
		}
	}
	e.Statuses = seen["detector"] != now["detector"]
	e.Settings = seen["setting"] != now["setting"]
	e.Exclusions = seen["exclusion"] != now["exclusion"]
	e.Services = seen["service"] != now["service"]
	e.Ledger = seen["ledger"] != now["ledger"]
}

// minutes writes parts of minutes and gives their hours.
func (w *writer) minutes(run *Run, list []*observe.Minute) (hours []int64, err error) {
	if len(list) == 0 {
		return nil, nil
	}
	b := &batch{connections: map[int64][]int64{}, long: w.table("INSERT OR REPLACE INTO connection_long ("+longColumns+")", cWidth+1, ""),
		totals: map[int64]*observe.Address{}, told: map[factKey]*factTimes{}}
	for _, m := range list {
		n := floorDiv(m.Start, observe.MinuteLength)
		p := part{batch: b, w: w, run: run, minute: n, start: n * observe.MinuteLength, sensor: run.sensor}
		if _, p.merge, err = w.one("SELECT parts FROM minute WHERE minute=? AND sensor=?", n, run.sensor); err != nil {
			return nil, err
		}
		for _, write := range []func(*observe.Minute) error{
			p.counters, p.connections, p.edges, p.operations, p.addresses, p.facts, p.events,
		} {
			if err := write(m); err != nil {
				return nil, err
			}
		}
		hour := floorDiv(m.Start, hourLength)
		if err := w.exec("INSERT OR IGNORE INTO pending VALUES (?,?)", hour, run.sensor); err != nil {
			return nil, err
		}
		hours = append(hours, hour)
	}
	if err := w.addConnections(run.sensor, b.connections); err != nil {
		return nil, err
	}
	if err := b.long.flush(); err != nil {
		return nil, err
	}
	if err := w.addressTotals(b.totals); err != nil {
		return nil, err
	}
	return hours, w.facts(run.sensor, b.told)
}

// batch is what the minutes of one transaction have in common: connections by the minute that they began in; what an
// address did is added up before it is added to its totals, and what a device told is written once.
type batch struct {
	connections map[int64][]int64 // of a minute: rows of a block, the later of one connection behind
	long        *table

	totals map[int64]*observe.Address // by the id of the address: its counts, evidence, ends, times
	told   map[factKey]*factTimes
}

// part is one part of a minute being written.
type part struct {
	*batch
	w             *writer
	run           *Run
	minute, start int64
	sensor        int64
	merge         bool // an earlier part of the minute was committed
}

// ref turns a frame reference into the capture's id in the store and the frame's
// number; 0 for a capture that is not of the run (live).
func (p *part) ref(r observe.FrameRef) (capture, number int64) {
	if r.Capture >= 0 && int(r.Capture) < len(p.run.Captures) {
		capture = p.run.Captures[r.Capture].ID
	}
	return capture, r.Number
}

// counted is a counter of a minute that is kept by name.
type counted struct {
	name string
	n    uint64
}

func named(c *observe.Counters) []counted {
	var list []counted
	for r, n := range c.Skipped {
		if n != 0 {
			list = append(list, counted{"skipped." + decode.Reason(r).String(), n})
		}
	}
	for d, n := range c.Dropped {
		if n != 0 {
			list = append(list, counted{"dropped." + observe.Drop(d).String(), n})
		}
	}
	return list
}

func (p *part) counters(m *observe.Minute) error {
	c := &m.Counters
	err := p.w.exec(`INSERT INTO minute VALUES (?,?,1,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET parts=parts+1,
		packets=packets+excluded.packets, bytes=bytes+excluded.bytes, decoded=decoded+excluded.decoded,
		fragments=fragments+excluded.fragments, truncated=truncated+excluded.truncated, late=late+excluded.late`,
		p.minute, p.sensor, int64(c.Packets), int64(c.Bytes), int64(c.Decoded), int64(c.Fragments), int64(c.Truncated), int64(c.Late))
	for _, k := range named(c) {
		if err != nil {
			return err
		}
		var id int64
		if id, err = p.w.text(k.name); err == nil {
			err = p.w.exec(`INSERT INTO minute_counter VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET count=count+excluded.count`,
				p.minute, p.sensor, id, int64(k.n))
		}
	}
	return err
}

func (p *part) connections(m *observe.Minute) error {
	for i := range m.Connections {
		c := &m.Connections[i]
		edge, err := p.w.edge(edgeKey{
			EdgeKey:   observe.EdgeKey{Client: c.Client, Server: c.Server, ServerPort: c.ServerPort, VLAN: c.VLAN, Proto: c.Proto, Tunnel: c.Tunnel},
			clientMAC: c.ClientMAC, serverMAC: c.ServerMAC, multicast: c.Multicast, service: c.Service,
		})
		if err != nil {
			return err
		}
		inner := int64(-1)
		if c.InnerVLAN != decode.NoVLAN {
			inner = int64(c.InnerVLAN)
		}
		first := floorDiv(c.First, observe.MinuteLength)
		row := [cWidth]int64{c.First - first*observe.MinuteLength, int64(c.ID), edge, int64(c.ClientPort), inner, c.Last - c.First,
			int64(c.PacketsOut), int64(c.BytesOut), int64(c.PacketsIn), int64(c.BytesIn), int64(c.FragmentsOut), int64(c.FragmentsIn),
			int64(c.ICMPType)<<8 | int64(c.ICMPCode), int64(c.State), boolInt(c.Closed)}
		if row[cDuration] <= longFlow {
			rows, ok := p.batch.connections[first]
			if n := len(p.w.spare); !ok && n > 0 {
				rows, p.w.spare = p.w.spare[n-1], p.w.spare[:n-1]
			}
			p.batch.connections[first] = append(rows, row[:]...)
			continue
		}
		row[cFirst] = c.First
		if err := p.long.add(append([]int64{p.sensor}, row[:]...)...); err != nil {
			return err
		}
	}
	return nil
}

// byID is an index into a minute's slice with its dictionary id; blocks are sorted by it.
type byID struct {
	id int64
	i  int
}

func sortByID(l []byID) { slices.SortFunc(l, func(a, b byID) int { return cmp.Compare(a.id, b.id) }) }

func (p *part) edges(m *observe.Minute) error {
	ids := slices.Grow(p.w.ids[:0], len(m.Edges))[:len(m.Edges)]
	p.w.ids = ids
	for i := range m.Edges {
		e := &m.Edges[i]
		id, err := p.w.edge(edgeKey{e.EdgeKey, e.ClientMAC, e.ServerMAC, e.Multicast, e.Service})
		if err != nil {
			return err
		}
		ids[i] = byID{id, i}
	}
	sortByID(ids)
	rows := p.w.rows[:0]
	for _, x := range ids {
		e := &m.Edges[x.i]
		capture, number := p.ref(e.Ref)
		rows = append(rows, x.id, int64(e.PacketsOut), int64(e.BytesOut), int64(e.PacketsIn), int64(e.BytesIn),
			int64(e.Opened), int64(e.Failed), boolInt(e.Answered), e.First-p.start, e.Last-p.start, capture, number)
	}
	p.w.rows = rows
	return p.w.addMinute(edgeGrain, p.minute, p.sensor, rows, p.merge)
}

func (p *part) operations(m *observe.Minute) error {
	ids := slices.Grow(p.w.ids[:0], len(m.Operations))[:len(m.Operations)]
	p.w.ids = ids
	for i := range m.Operations {
		o := &m.Operations[i]
		id, err := p.w.operation(operationKey{o.Src, o.Dst, o.Protocol, o.Code, o.Function, o.Status, o.Unit,
			uint8(o.Direction), uint8(o.Class), uint8(o.Tunnel)})
		if err != nil {
			return err
		}
		ids[i] = byID{id, i}
	}
	sortByID(ids)
	rows := p.w.rows[:0]
	for _, x := range ids {
		o := &m.Operations[x.i]
		capture, number := p.ref(o.Ref)
		rows = append(rows, x.id, int64(o.Count), o.First-p.start, o.Last-p.start, capture, number)
	}
	p.w.rows = rows
	return p.w.addMinute(operationGrain, p.minute, p.sensor, rows, p.merge)
}

func (p *part) addresses(m *observe.Minute) error {
	ids := slices.Grow(p.w.ids[:0], len(m.Addresses))[:len(m.Addresses)]
	p.w.ids = ids
	for i := range m.Addresses {
		a := &m.Addresses[i]
		id, err := p.w.address(addressKey{a.IP, a.MAC, a.VLAN, p.sensor}, a.First)
		if err != nil {
			return err
		}
		ids[i] = byID{id, i}
	}
	sortByID(ids)
	rows := p.w.rows[:0]
	for _, x := range ids {
		a := &m.Addresses[x.i]
		capture, number := p.ref(a.Ref)
		if t := p.totals[x.id]; t == nil {
			first := *a
			p.totals[x.id] = &first
		} else {
			t.Add(a)
			t.First = min(t.First, a.First)
		}
		rows = append(rows, x.id, int64(a.Evidence), endBits(a), int64(a.PacketsSent), int64(a.BytesSent),
			int64(a.PacketsReceived), int64(a.BytesReceived), int64(a.TTL), a.First-p.start, a.Last-p.start, capture, number)
	}
	p.w.rows = rows
	return p.w.addMinute(addressGrain, p.minute, p.sensor, rows, p.merge)
}

// endBits are an address's ends as bits: 1 client, 2 server.
func endBits(a *observe.Address) int64 { return boolInt(a.Client) | boolInt(a.Server)<<1 }

// addressTotals adds what addresses did to their totals.
func (w *writer) addressTotals(totals map[int64]*observe.Address) error {
	t := w.statement(`UPDATE address SET evidence=evidence|?, ends=ends|?, packets_sent=packets_sent+?, bytes_sent=bytes_sent+?,
		packets_received=packets_received+?, bytes_received=bytes_received+?, ttl=max(ttl,?), first=min(first,?), last=max(last,?)
		WHERE id=?`, 10)
	for _, id := range slices.Sorted(maps.Keys(totals)) {
		a := totals[id]
		err := t.add(int64(a.Evidence), endBits(a), int64(a.PacketsSent), int64(a.BytesSent),
			int64(a.PacketsReceived), int64(a.BytesReceived), int64(a.TTL), a.First, a.Last, id)
		if err != nil {
			return err
		}
	}
	return t.flush()
}

func (p *part) facts(m *observe.Minute) error {
	for i := range m.Facts {
		f := &m.Facts[i]
		ids, err := p.w.resolve([]decode.Addr{f.IP}, []string{f.Kind, f.Value, f.Source})
		if err != nil {
			return err
		}
		k := factKey{ids[0], int64(f.MAC), ids[1], ids[2], ids[3]}
		capture, number := p.ref(f.Ref)
		told := p.told[k]
		if told == nil {
			p.told[k] = &factTimes{f.First, f.Last, capture, number}
			continue
		}
		if f.First < told.first {
			told.first, told.capture, told.number = f.First, capture, number
		}
		told.last = max(told.last, f.Last)
	}
	return nil
}

// factKey are the ids of a fact.
type factKey struct{ ip, mac, kind, value, source int64 }

type factTimes struct{ first, last, capture, number int64 }

// knownFact is a row of fact: its id, and its first.
type knownFact struct{ id, first int64 }

// facts writes what was told. Of a fact that was told before, first and last are widened, and the frame
// reference is that of the earlier frame.
func (w *writer) facts(sensor int64, told map[factKey]*factTimes) error {
	if w.told == nil || w.toldBy != sensor || len(w.told) > maxCached {
		w.toldBy, w.told = sensor, map[factKey]knownFact{}
	}
	again := w.statement("UPDATE fact SET last=max(last,?) WHERE id=?", 2)
	keys := slices.SortedFunc(maps.Keys(told), func(a, b factKey) int {
		return cmp.Or(cmp.Compare(a.ip, b.ip), cmp.Compare(a.mac, b.mac), cmp.Compare(a.kind, b.kind),
			cmp.Compare(a.value, b.value), cmp.Compare(a.source, b.source))
	})
	for _, k := range keys {
		f := told[k]
		known, ok := w.told[k]
		if !ok {
			err := w.query("SELECT id, first FROM fact WHERE sensor=? AND ip=? AND mac=? AND kind=? AND value=? AND source=?", func(v []driver.Value) error {
				known, ok = knownFact{v[0].(int64), v[1].(int64)}, true
				return nil
			}, sensor, k.ip, k.mac, k.kind, k.value, k.source)
			if err != nil {
				return err
			}
		}
		switch {
		case !ok:
			res, err := w.run("INSERT INTO fact (sensor, ip, mac, kind, value, source, first, last, capture, number) VALUES (?,?,?,?,?,?,?,?,?,?)",
				sensor, k.ip, k.mac, k.kind, k.value, k.source, f.first, f.last, f.capture, f.number)
			if err != nil {
				return err
			}
			known.first = f.first
			if known.id, err = res.LastInsertId(); err != nil {
				return err
			}
		case f.first < known.first:
			known.first = f.first
			if err := w.exec("UPDATE fact SET first=?, capture=?, number=? WHERE id=?", f.first, f.capture, f.number, known.id); err != nil {
				return err
			}
			fallthrough
		default:
			if err := again.add(f.last, known.id); err != nil {
				return err
			}
		}
		w.told[k] = known
	}
	return again.flush()
}

func (p *part) events(m *observe.Minute) error {
	var n int64
	if p.merge {
		var err error
		if n, _, err = p.w.one("SELECT ifnull(max(n)+1, 0) FROM event WHERE minute=? AND sensor=?", p.minute, p.sensor); err != nil {
			return err
		}
	}
	t := p.w.table("INSERT INTO event", 13, "")
	for i := range m.Events {
		e := &m.Events[i]
		ids, err := p.w.resolve([]decode.Addr{e.Src, e.Dst}, []string{e.Text})
		if err != nil {
			return err
		}
		capture, number := p.ref(e.Ref)
		err = t.add(p.minute, p.sensor, n+int64(i), int64(e.Kind), ids[0], ids[1], int64(e.Arg), ids[2], int64(e.Count),
			e.First-p.start, e.Last-p.start, capture, number)
		if err != nil {
			return err
		}
	}
	return t.flush()
}

func (w *writer) alerts(list []detect.Alert) error {
	for i := range list {
		a := &list[i]
		args, refs, err := alertJSON(a)
		if err != nil {
			return err
		}
		err = w.exec(`INSERT INTO alert VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,'new') ON CONFLICT DO UPDATE SET
			kind=excluded.kind, subkind=excluded.subkind, key=excluded.key, severity=excluded.severity, first=excluded.first,
			last=excluded.last, count=excluded.count, src_ip=excluded.src_ip, src_mac=excluded.src_mac, dst_ip=excluded.dst_ip,
			dst_mac=excluded.dst_mac, technique=excluded.technique, site=excluded.site, sensor=excluded.sensor,
			args=excluded.args, refs=excluded.refs`,
			a.ID, string(a.Kind), a.Subkind, a.Key, string(a.Severity), a.First, a.Last, int64(a.Count),
			a.SrcIP, a.SrcMAC, a.DstIP, a.DstMAC, a.Technique, a.Site, a.Sensor, args, refs)
		if err != nil {
			return err
		}
	}
	return nil
}

func alertJSON(a *detect.Alert) (args, refs string, err error) {
	x, err := json.Marshal(a.Args)
	if err != nil {
		return "", "", err
	}
	y, err := json.Marshal(a.Refs)
	return string(x), string(y), err
}

// changes applies what was learned; in the lists that were edited meanwhile, not what was removed there.
func (w *writer) changes(list []detect.Change, edited []detect.Kind) error {
	type key struct {
		list                        detect.Kind
		site, src, dst, proto, item string
		lo                          int64
	}
	removed := map[key]bool{}
	if len(edited) > 0 {
		err := w.query("SELECT list, site, src, dst, proto, item, lo FROM removed WHERE id>?", func(v []driver.Value) error {
			removed[key{detect.Kind(v[0].(string)), v[1].(string), v[2].(string), v[3].(string), v[4].(string), v[5].(string), v[6].(int64)}] = true
			return nil
		}, w.removed)
		if err != nil {
			return err
		}
	}
	for i := range list {
		r := &list[i].Row
		var err error
		switch {
		case list[i].Remove:
			err = w.exec("DELETE FROM learned WHERE "+rowKey+" AND origin='learned'", rowKeyArgs(r)...)
		case !removed[key{r.List, r.Site, r.Src, r.Dst, r.Proto, r.Item, int64(r.Lo)}]:
			err = w.exec(`INSERT INTO learned VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET
				hi=excluded.hi, origin=excluded.origin, first=excluded.first, last=excluded.last, count=excluded.count, value=excluded.value
				WHERE learned.origin='learned'`, rowArgs(r)...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

const rowKey = "list=? AND site=? AND src=? AND dst=? AND proto=? AND item=? AND lo=?"

func rowKeyArgs(r *detect.Row) []driver.Value {
	return []driver.Value{string(r.List), r.Site, r.Src, r.Dst, r.Proto, r.Item, int64(r.Lo)}
}

func rowArgs(r *detect.Row) []driver.Value {
	return append(rowKeyArgs(r), int64(r.Hi), r.Origin, r.First, r.Last, int64(r.Count), r.Value)
}

func (w *writer) statuses(list []detect.Status) error {
	for _, s := range list {
		err := w.exec("INSERT INTO detector VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET mode=excluded.mode, since=excluded.since, until=excluded.until",
			string(s.Kind), string(s.Mode), s.Since, s.Until)
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) log(list []LogEntry) error {
	for _, e := range list {
		args, err := json.Marshal(e.Args)
		if err != nil {
			return err
		}
		if e.At == 0 {
			e.At = Time(time.Now().UnixNano())
		}
		err = w.exec("INSERT INTO log (at, time, level, site, sensor, key, args) VALUES (?,?,?,?,?,?,?)",
			int64(e.At), int64(e.Time), e.Level, e.Site, e.Sensor, e.Key, string(args))
		if err != nil {
			return err
		}
	}
	return nil
}

// floorDiv is a/b rounded down; b > 0.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
