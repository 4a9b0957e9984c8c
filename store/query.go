package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"osect/decode"
	"osect/decode/ot"
	"osect/detect"
	"osect/inventory"
	"osect/observe"
)

// ErrFilter: a filter's address, protocol or class is none.
var ErrFilter = errors.New("bad filter")

// query is a statement being put together.
type query struct {
	parts []string
	args  []any
}

func (q *query) add(part string, args ...any) {
	q.parts = append(q.parts, part)
	q.args = append(q.args, args...)
}

func (q *query) text() string { return strings.Join(q.parts, " ") }

func (q *query) between(column string, from, to int64) {
	if from != 0 {
		q.add("AND "+column+">=?", from)
	}
	if to != 0 {
		q.add("AND "+column+"<?", to)
	}
}

func (q *query) equal(column, value string) {
	if value != "" {
		q.add("AND "+column+"=?", value)
	}
}

func (q *query) limit(n int) {
	if n > 0 {
		q.add("LIMIT ?", n)
	}
}

// sensors narrows to f's site and sensor.
func (q *query) sensors(f *Filter) {
	if f.Site == "" && f.Sensor == "" {
		return
	}
	q.add("AND sensor IN (SELECT se.id FROM sensor se JOIN site si ON si.id=se.site WHERE 1")
	q.equal("si.name", f.Site)
	q.equal("se.name", f.Sensor)
	q.add(")")
}

// minutes narrows to the minutes that the window touches, of f's sensors.
func (q *query) minutes(f *Filter) {
	if f.From != 0 {
		q.add("AND minute>=?", floorDiv(f.From, observe.MinuteLength))
	}
	if f.To != 0 {
		q.add("AND minute<?", -floorDiv(-f.To, observe.MinuteLength))
	}
	q.sensors(f)
}

// collect runs a query and reads its rows.
func collect[T any](s *Store, ctx context.Context, doing, q string, row func(scan func(...any) error) (T, error), args ...any) ([]T, error) {
	var list []T
	err := s.each(ctx, doing, q, args, func(scan func(...any) error) error {
		v, err := row(scan)
		if err == nil {
			list = append(list, v)
		}
		return err
	})
	return list, err
}

// each runs a query and calls row for each row; an error of row ends it and is returned as it is.
func (s *Store) each(ctx context.Context, doing, q string, args []any, row func(scan func(...any) error) error) error {
	if s.seen != nil {
		s.seen(q, args)
	}
	var from interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	} = s.db
	if c, ok := ctx.Value(snapshot{}).(*sql.Conn); ok {
		from = c
	}
	rows, err := from.QueryContext(ctx, q, args...)
	if err != nil {
		return s.wrap(doing, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return s.wrap(doing, rows.Err())
}

// snapshot is the key of the connection, in a context, on which the queries of atOneTime run.
type snapshot struct{}

// atOneTime calls do with a context whose queries all see the store as it is now, whatever is committed meanwhile.
func (s *Store) atOneTime(ctx context.Context, do func(context.Context) error) error {
	c, err := s.db.Conn(ctx)
	if err != nil {
		return s.wrap("read", err)
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN DEFERRED"); err != nil {
		return s.wrap("read", err)
	}
	defer c.ExecContext(context.Background(), "ROLLBACK")
	return do(context.WithValue(ctx, snapshot{}, c))
}

// sensorName is a sensor with the name of its site.
type sensorName struct{ site, name string }

func (s *Store) sensorNames(ctx context.Context) (map[int64]sensorName, error) {
	names := map[int64]sensorName{}
	err := s.each(ctx, "read the sensors", "SELECT se.id, si.name, se.name FROM sensor se JOIN site si ON si.id=se.site", nil, func(scan func(...any) error) error {
		var id int64
		var n sensorName
		err := scan(&id, &n.site, &n.name)
		names[id] = n
		return err
	})
	return names, err
}

// ends is a condition on addresses and MACs made from Filter.Address.
type ends struct {
	lo, hi []byte // of the table end, both included
	mac    decode.MAC
}

func parseEnds(address string) (*ends, error) {
	if address == "" {
		return nil, nil
	}
	if a, err := decode.ParseAddr(address); err == nil {
		e := &ends{lo: a.Bytes(), hi: a.Bytes()}
		if a.IsMAC() {
			e.mac = a.MAC()
		}
		return e, nil
	}
	p, err := netip.ParsePrefix(address)
	if err != nil {
		return nil, fmt.Errorf("%w: %q is no IP address, prefix or MAC", ErrFilter, address)
	}
	e := &ends{lo: p.Masked().Addr().AsSlice()}
	e.hi = slices.Clone(e.lo)
	for i := p.Bits(); i < len(e.hi)*8; i++ {
		e.hi[i/8] |= 0x80 >> (i % 8)
	}
	return e, nil
}

// any is a condition that one of the columns (ids of end), or one of the MAC columns, is in e.
func (e *ends) any(q *query, before string, columns, macs []string, after string) {
	if e == nil {
		return
	}
	q.add(before + "(0")
	for _, c := range columns {
		q.add("OR "+c+" IN (SELECT id FROM end WHERE addr BETWEEN ? AND ? AND length(addr)=?)", e.lo, e.hi, len(e.lo))
	}
	if e.mac != 0 {
		for _, c := range macs {
			q.add("OR "+c+"=?", int64(e.mac))
		}
	}
	q.add(")" + after)
}

// piece is a part of a window that is read from one grain: [lo, hi) in minutes or hours.
type piece struct {
	hours  bool
	lo, hi int64
}

// totals gives the pieces of a window without bounds, where there are totals: what
// comes on top of these. Of hours that wait, what the totals hold is less than their minutes:
// minus are to be taken off, plus to be added.
func (s *Store) totals(ctx context.Context) (minus, plus []piece, err error) {
	pending, kept, err := s.waiting(ctx)
	for _, h := range pending {
		if h >= kept {
			minus = append(minus, piece{true, h, h + 1})
		}
		plus = append(plus, piece{false, h * 60, h*60 + 60})
	}
	return minus, plus, err
}

// waiting gives the hours whose rows are behind, and the first hour of which minutes are kept.
func (s *Store) waiting(ctx context.Context) (pending []int64, kept int64, err error) {
	pending, err = collect(s, ctx, "read the window", "SELECT DISTINCT hour FROM pending ORDER BY hour", func(scan func(...any) error) (h int64, err error) {
		return h, scan(&h)
	})
	if err != nil {
		return nil, 0, err
	}
	kept, err = s.keptFrom(ctx)
	return pending, kept, err
}

const never = math.MaxInt64/hourLength + 2 // an hour beyond all times, which end in the midst of one

// pieces cuts a window into what is read from hours and what from minutes:
// the parts of hours at its ends, and hours whose rows are behind.
func (s *Store) pieces(ctx context.Context, f *Filter) ([]piece, error) {
	lo, hi := -never*60, never*60
	if f.From != 0 {
		lo = floorDiv(f.From, observe.MinuteLength)
	}
	if f.To != 0 {
		hi = -floorDiv(-f.To, observe.MinuteLength)
	}
	pending, kept, err := s.waiting(ctx)
	if err != nil {
		return nil, err
	}
	// Hours that are read whole: those inside, and those that have nothing else.
	hourLo, hourHi := -floorDiv(-lo, 60), floorDiv(hi, 60)
	if h := floorDiv(lo, 60); h < kept {
		hourLo = h
	}
	if h := -floorDiv(-hi, 60); h <= kept {
		hourHi = h
	}
	if hourLo >= hourHi {
		return []piece{{false, lo, hi}}, nil
	}
	var list []piece
	add := func(hours bool, lo, hi int64) {
		if lo < hi {
			list = append(list, piece{hours, lo, hi})
		}
	}
	add(false, lo, hourLo*60)
	from := hourLo
	for _, h := range pending {
		if h >= hourLo && h < hourHi {
			add(true, from, h)
			add(false, h*60, h*60+60)
			if h < kept {
				// Its minutes come on top of what hours hold of it.
				add(true, h, h+1)
			}
			from = h + 1
		}
	}
	add(true, from, hourHi)
	add(false, hourHi*60, hi)
	return list, nil
}

// protocolNumbers are the IP protocols that have names in listings.
var protocolNumbers = map[string]uint8{"icmp": 1, "tcp": 6, "udp": 17, "icmp6": 58}

// protocolName is an IP protocol as listings write it.
func protocolName(n uint8) string {
	for name, v := range protocolNumbers {
		if v == n {
			return name
		}
	}
	return strconv.Itoa(int(n))
}

// edgeConditions are the conditions of f on the dictionary of edges.
func edgeConditions(f *Filter) (*query, error) {
	e, err := parseEnds(f.Address)
	if err != nil {
		return nil, err
	}
	q := &query{}
	e.any(q, "AND ", []string{"client", "server"}, []string{"client_mac", "server_mac"}, "")
	if f.Protocol == "" {
		return q, nil
	}
	n, ok := protocolNumbers[f.Protocol]
	if !ok {
		if v, err := strconv.ParseUint(f.Protocol, 10, 8); err == nil {
			n, ok = uint8(v), true
		}
	}
	if ok {
		q.add("AND proto=?", n)
	} else {
		q.add("AND service=(SELECT id FROM text WHERE value=?)", f.Protocol)
	}
	return q, nil
}

// addr reads an address from its bytes in the file.
func addr(b []byte) (decode.Addr, error) {
	a, err := decode.FromBytes(b)
	if err != nil {
		return a, fmt.Errorf("%w: %v", ErrCorrupt, err)
	}
	return a, nil
}

func addrs(a *decode.Addr, b []byte, c *decode.Addr, d []byte) (err error) {
	if *a, err = addr(b); err == nil {
		*c, err = addr(d)
	}
	return err
}

func vlan(v uint16) *uint16 {
	if v == decode.NoVLAN {
		return nil
	}
	return &v
}

// stateName, tunnelName, directionName and className are the names of numbers in
// the file; "?" for one that this version does not have.
func stateName(n uint8) string     { return nameOf(n, uint8(observe.NumStates), observe.State(n)) }
func tunnelName(n uint8) string    { return nameOf(n, uint8(decode.IPIP)+1, decode.Tunnel(n)) }
func directionName(n uint8) string { return nameOf(n, uint8(ot.NumDirections), ot.Direction(n)) }
func className(n uint8) string     { return nameOf(n, uint8(ot.NumClasses), ot.Class(n)) }

func nameOf(n, end uint8, v fmt.Stringer) string {
	if n >= end {
		return "?"
	}
	return v.String()
}

// flowOrders are the keys that flows can be ordered by, with the columns that they are made of.
var flowOrders = map[string]struct {
	columns uint32
	rank    func(c *connection) int64
}{
	"first_seen":  {1 << cFirst, func(c *connection) int64 { return c.v[cFirst] }},
	"last_seen":   {1<<cFirst | 1<<cDuration, (*connection).last},
	"duration":    {1 << cDuration, func(c *connection) int64 { return c.v[cDuration] }},
	"bytes":       {1<<cBytesOut | 1<<cBytesIn, func(c *connection) int64 { return c.v[cBytesOut] + c.v[cBytesIn] }},
	"packets":     {1<<cPacketsOut | 1<<cPacketsIn, func(c *connection) int64 { return c.v[cPacketsOut] + c.v[cPacketsIn] }},
	"packets_out": {1 << cPacketsOut, func(c *connection) int64 { return c.v[cPacketsOut] }},
	"bytes_out":   {1 << cBytesOut, func(c *connection) int64 { return c.v[cBytesOut] }},
	"packets_in":  {1 << cPacketsIn, func(c *connection) int64 { return c.v[cPacketsIn] }},
	"bytes_in":    {1 << cBytesIn, func(c *connection) int64 { return c.v[cBytesIn] }},
	"client_port": {1 << cClientPort, func(c *connection) int64 { return c.v[cClientPort] }},
}

// FlowOrders are the values of Filter.Order, sorted.
func FlowOrders() []string { return slices.Sorted(maps.Keys(flowOrders)) }

// flowFilter says which connections a query of flows wants, beside its window and sensors; nil for all.
func (s *Store) flowFilter(ctx context.Context, f *Filter, names map[int64]sensorName) (*choice, error) {
	conditions, err := edgeConditions(f)
	if err != nil {
		return nil, err
	}
	var all []func(*connection) bool
	if len(conditions.parts) > 0 {
		edges, err := s.idSet(ctx, "edge", conditions)
		if err != nil {
			return nil, err
		}
		all = append(all, func(c *connection) bool { return edges.has(c.v[cEdge]) })
	}
	if f.VLAN != nil {
		q := &query{}
		q.add("AND vlan=?", *f.VLAN)
		tagged, err := s.idSet(ctx, "edge", q)
		if err != nil {
			return nil, err
		}
		all = append(all, func(c *connection) bool { return tagged.has(c.v[cEdge]) || c.v[cInnerVLAN] == int64(*f.VLAN) })
	}
	if f.Ends != nil {
		bySite := map[string][]string{}
		for _, e := range f.Ends {
			bySite[e.Site] = append(bySite[e.Site], fmt.Sprintf("%x", e.Addr.Bytes()))
		}
		bySensor := map[int64]idSet{}
		for site, list := range bySite {
			text, err := json.Marshal(list)
			if err != nil {
				return nil, err
			}
			const ids = "IN (SELECT id FROM end WHERE addr IN (SELECT unhex(value) FROM json_each(?)))"
			q := &query{}
			q.add("AND (client "+ids+" OR server "+ids+")", string(text), string(text))
			edges, err := s.idSet(ctx, "edge", q)
			if err != nil {
				return nil, err
			}
			for id, n := range names {
				if n.site == site {
					bySensor[id] = edges
				}
			}
		}
		all = append(all, func(c *connection) bool {
			edges, ok := bySensor[c.sensor]
			return ok && edges.has(c.v[cEdge])
		})
	}
	if all == nil {
		return nil, nil
	}
	return &choice{1<<cEdge | 1<<cInnerVLAN, func(c *connection) bool {
		for _, wants := range all {
			if !wants(c) {
				return false
			}
		}
		return true
	}}, nil
}

// Flows gives the connections that overlap the window, by their first frame, or in f's Order. With a
// Limit the newest, or the first in that order; more says that there are others. Heeds all of f but
// Class, Layer, Kind, State, Severity.
func (s *Store) Flows(ctx context.Context, f Filter) (rows []Flow, more bool, err error) {
	limit := f.Limit
	if limit > 0 {
		limit++
	}
	err = s.eachFlow(ctx, &f, limit, func(r *Flow) error {
		rows = append(rows, *r)
		return nil
	})
	if f.Limit > 0 && len(rows) > f.Limit {
		more = true
		if f.Order == "" {
			rows = rows[1:]
		} else {
			rows = rows[:f.Limit]
		}
	}
	return rows, more, err
}

// EachFlow calls fn with each row of Flows; fn must not keep r. Without an Order it does not hold them all.
func (s *Store) EachFlow(ctx context.Context, f Filter, fn func(r *Flow) error) error {
	return s.eachFlow(ctx, &f, f.Limit, fn)
}

func (s *Store) eachFlow(ctx context.Context, f *Filter, limit int, fn func(*Flow) error) error {
	names, err := s.sensorNames(ctx)
	if err != nil {
		return err
	}
	of, err := s.flowFilter(ctx, f, names)
	if err != nil {
		return err
	}
	edges := s.edges()
	give := func(list []connection) error {
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].v[cEdge]
		}
		if err := edges.know(ctx, ids); err != nil {
			return err
		}
		for i := range list {
			r := flow(&list[i], edges.rows[list[i].v[cEdge]], names[list[i].sensor])
			if err := fn(&r); err != nil {
				return err
			}
		}
		return nil
	}
	if f.Order != "" {
		order, ok := flowOrders[f.Order]
		if !ok {
			return fmt.Errorf("%w: flows cannot be ordered by %q", ErrFilter, f.Order)
		}
		before := func(a, b *connection) int {
			by := cmp.Compare(order.rank(a), order.rank(b))
			if f.Descending {
				by = -by
			}
			return cmp.Or(by, compareConnections(a, b))
		}
		var kept []connection
		full := false // then what is behind the last one is not kept
		best := func() {
			slices.SortFunc(kept, func(a, b connection) int { return before(&a, &b) })
			if full = limit > 0 && len(kept) >= limit; full {
				kept = kept[:limit]
			}
		}
		ranked := &choice{order.columns | 1<<cID, func(c *connection) bool { return !full || before(c, &kept[limit-1]) < 0 }}
		if of != nil {
			better := ranked.wants
			ranked.columns |= of.columns
			ranked.wants = func(c *connection) bool { return better(c) && of.wants(c) }
		}
		// From the end where the first of the order are, if it is one of time: then few rows are ever kept.
		err := s.connections(ctx, f, f.Descending, ranked, func(list []connection) (bool, error) {
			kept = append(kept, list...)
			if limit > 0 && len(kept) >= 2*limit+1000 {
				best()
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		best()
		return give(kept)
	}
	if limit > 0 {
		// The newest, which are told in the order of time.
		var newest []connection
		err := s.connections(ctx, f, true, of, func(list []connection) (bool, error) {
			slices.Reverse(list)
			newest = append(newest, list...)
			return len(newest) < limit, nil
		})
		if err != nil {
			return err
		}
		newest = newest[:min(limit, len(newest))]
		slices.Reverse(newest)
		return give(newest)
	}
	return s.connections(ctx, f, false, of, func(list []connection) (bool, error) { return true, give(list) })
}

// flow makes a row of a listing of a connection.
func flow(c *connection, e *edgeKey, sensor sensorName) Flow {
	v := &c.v
	r := Flow{
		Proto: protocolName(e.Proto), ClientIP: e.Client.String(), ClientPort: uint16(v[cClientPort]), ServerIP: e.Server.String(), ServerPort: e.ServerPort,
		ICMPType: uint8(v[cICMP] >> 8), ICMPCode: uint8(v[cICMP]), ClientMAC: e.clientMAC.String(), ServerMAC: e.serverMAC.String(),
		VLAN: vlan(e.VLAN), Tunnel: tunnelName(uint8(e.Tunnel)), Service: e.service,
		PacketsOut: uint64(v[cPacketsOut]), BytesOut: uint64(v[cBytesOut]), PacketsIn: uint64(v[cPacketsIn]), BytesIn: uint64(v[cBytesIn]),
		FragmentsOut: uint64(v[cFragmentsOut]), FragmentsIn: uint64(v[cFragmentsIn]), State: stateName(uint8(v[cState])), Multicast: e.multicast,
		Site: sensor.site, Sensors: []string{sensor.name}, FirstSeen: Time(v[cFirst]), LastSeen: Time(c.last()),
	}
	if v[cInnerVLAN] >= 0 {
		r.InnerVLAN = vlan(uint16(v[cInnerVLAN]))
	}
	return r
}

// addressTotal is what one sensor saw of one (IP, MAC, VLAN) in a window.
type addressTotal struct {
	sensorName
	observe.Address
}

func (s *Store) addressTotals(ctx context.Context, f *Filter) ([]addressTotal, error) {
	e, err := parseEnds(f.Address)
	if err != nil {
		return nil, err
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	q := &query{}
	e.any(q, "AND ", []string{"ip"}, []string{"mac"}, "")
	var list []addressTotal
	if f.From == 0 && f.To == 0 {
		q.sensors(f)
		list, err = collect(s, ctx, "read the addresses", `SELECT sensor, addr, mac, vlan, evidence, ends, packets_sent, bytes_sent, packets_received, bytes_received, ttl, first, last
			FROM address JOIN end ON end.id=ip WHERE 1 `+q.text(), func(scan func(...any) error) (a addressTotal, err error) {
			var sensor int64
			var ip []byte
			var bits uint8
			if err := scan(&sensor, &ip, &a.MAC, &a.VLAN, &a.Evidence, &bits, &a.PacketsSent, &a.BytesSent, &a.PacketsReceived, &a.BytesReceived, &a.TTL, &a.First, &a.Last); err != nil {
				return a, s.wrap("read the addresses", err)
			}
			a.sensorName, a.Client, a.Server = names[sensor], bits&1 != 0, bits&2 != 0
			a.IP, err = addr(ip)
			return a, err
		}, q.args...)
	} else {
		var all map[int64]*sums
		if all, err = s.windowSums(ctx, addressGrain, f, q); err != nil {
			return nil, err
		}
		dictionary := s.addresses()
		if err := dictionary.know(ctx, idsOf(all)); err != nil {
			return nil, err
		}
		for sensor, t := range all {
			for v := t.rows; len(v) > 0; v = v[addressGrain.hourWidth():] {
				a := addressTotal{sensorName: names[sensor], Address: addressOf(v)}
				k := dictionary.rows[v[0]]
				a.IP, a.MAC, a.VLAN = k.ip, k.mac, k.vlan
				list = append(list, a)
			}
		}
	}
	slices.SortFunc(list, func(a, b addressTotal) int {
		return cmp.Or(a.IP.Compare(b.IP), cmp.Compare(a.MAC, b.MAC), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.site, b.site), cmp.Compare(a.name, b.name))
	})
	return list, err
}

// addressOf is what a row of minutes or hours says of an address.
func addressOf(v []int64) observe.Address {
	return observe.Address{Evidence: observe.Evidence(v[1]), Client: v[2]&1 != 0, Server: v[2]&2 != 0, PacketsSent: uint64(v[3]), BytesSent: uint64(v[4]),
		PacketsReceived: uint64(v[5]), BytesReceived: uint64(v[6]), TTL: uint8(v[7]), First: v[8], Last: v[9]}
}

// logs names the kinds of log that an address appears in: V1-2.
func logs(a *observe.Address) []string {
	kinds := []struct {
		name string
		of   observe.Evidence
	}{
		{"ip", observe.SeenIP | observe.SeenReceiver}, {"name", observe.SeenDNS | observe.BoundDNS | observe.SeenNetBIOS},
		{"arp", observe.SeenARP | observe.SeenNDP}, {"dhcp", observe.SeenDHCP | observe.BoundDHCP}, {"http", observe.SeenHTTP},
		{"ot", observe.SeenOT}, {"ethernet", observe.SeenEthernet},
	}
	list := []string{}
	for _, k := range kinds {
		e := a.Evidence & k.of
		if k.name == "ip" && a.IP.IsMAC() {
			e = 0
		}
		if e != 0 {
			list = append(list, k.name)
		}
	}
	return list
}

// Addresses gives what was seen on the wire, by IP, MAC, VLAN, site, sensor; with a
// Limit the first. Heeds From, To, Site, Sensor, Address, Limit.
func (s *Store) Addresses(ctx context.Context, f Filter) (rows []AddressRow, more bool, err error) {
	list, err := s.addressTotals(ctx, &f)
	if err != nil {
		return nil, false, err
	}
	if f.Limit > 0 && len(list) > f.Limit {
		list, more = list[:f.Limit], true
	}
	for i := range list {
		a := &list[i]
		r := AddressRow{MAC: a.MAC.String(), VLAN: vlan(a.VLAN), Site: a.site, Sensors: []string{a.name},
			Evidence: a.Evidence.Names(), Logs: logs(&a.Address), Ends: []string{},
			PacketsSent: a.PacketsSent, BytesSent: a.BytesSent, PacketsReceived: a.PacketsReceived, BytesReceived: a.BytesReceived,
			FirstSeen: Time(a.First), LastSeen: Time(a.Last)}
		if !a.IP.IsMAC() {
			r.IP = a.IP.String()
		}
		if r.Evidence == nil {
			r.Evidence = []string{}
		}
		if a.Client {
			r.Ends = append(r.Ends, "client")
		}
		if a.Server {
			r.Ends = append(r.Ends, "server")
		}
		if a.IP.Multicast() {
			r.Ends = append(r.Ends, "multicast")
		}
		rows = append(rows, r)
	}
	return rows, more, nil
}

// operationTotal is what one sensor saw of one kind of message in a window.
type operationTotal struct {
	sensorName
	observe.Operation
}

func (s *Store) operationTotals(ctx context.Context, f *Filter) ([]operationTotal, error) {
	e, err := parseEnds(f.Address)
	if err != nil {
		return nil, err
	}
	class := -1
	for c := range ot.NumClasses {
		if c.String() == f.Class {
			class = int(c)
		}
	}
	if class < 0 && f.Class != "" {
		return nil, fmt.Errorf("%w: no class %q", ErrFilter, f.Class)
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	q := &query{}
	e.any(q, "AND ", []string{"src", "dst"}, nil, "")
	if f.Protocol != "" {
		q.add("AND protocol=(SELECT id FROM text WHERE value=?)", f.Protocol)
	}
	if class >= 0 {
		q.add("AND class=?", class)
	}
	all, err := s.windowSums(ctx, operationGrain, f, q)
	if err != nil {
		return nil, err
	}
	dictionary := s.operations()
	if err := dictionary.know(ctx, idsOf(all)); err != nil {
		return nil, err
	}
	var list []operationTotal
	for sensor, t := range all {
		for v := t.rows; len(v) > 0; v = v[operationGrain.hourWidth():] {
			o := operationTotal{sensorName: names[sensor], Operation: dictionary.rows[v[0]].operation()}
			o.Count, o.First, o.Last = uint64(v[1]), v[2], v[3]
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b operationTotal) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), a.Src.Compare(b.Src), a.Dst.Compare(b.Dst), cmp.Compare(a.Code, b.Code),
			cmp.Compare(a.Direction, b.Direction), cmp.Compare(a.Status, b.Status), cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Class, b.Class),
			cmp.Compare(a.Tunnel, b.Tunnel), cmp.Compare(a.Function, b.Function), cmp.Compare(a.site, b.site), cmp.Compare(a.name, b.name))
	})
	return list, nil
}

// Operations by protocol, source, destination and code; with a Limit the first. Heeds From,
// To, Site, Sensor, Address, Protocol, Class, Layer, Limit.
func (s *Store) Operations(ctx context.Context, f Filter) (rows []OperationRow, more bool, err error) {
	if f.Layer != "" && f.Layer != "ip" && f.Layer != "ethernet" {
		return nil, false, fmt.Errorf("%w: layer %q: want ip or ethernet", ErrFilter, f.Layer)
	}
	list, err := s.operationTotals(ctx, &f)
	if err != nil {
		return nil, false, err
	}
	for i := range list {
		o := &list[i]
		r := o.row()
		if f.Layer != "" && f.Layer != r.Layer {
			continue
		}
		if f.Limit > 0 && len(rows) == f.Limit {
			return rows, true, nil
		}
		rows = append(rows, r)
	}
	return rows, false, nil
}

func (o *operationTotal) row() OperationRow {
	layer := "ip"
	if o.Src.IsMAC() {
		layer = "ethernet"
	}
	return OperationRow{
		Layer: layer, Src: o.Src.String(), Dst: o.Dst.String(), Protocol: o.Protocol, Function: o.Function, FunctionCode: o.Code,
		Direction: directionName(uint8(o.Direction)), Status: o.Status, Class: className(uint8(o.Class)), Unit: o.Unit,
		Tunnel: tunnelName(uint8(o.Tunnel)), Count: o.Count, Site: o.site, Sensors: []string{o.name},
		FirstSeen: Time(o.First), LastSeen: Time(o.Last),
	}
}

// Edges is the graph of who uses which service of whom in a window, by key, site
// and sensor. Heeds From, To, Site, Sensor, Address, Protocol.
func (s *Store) Edges(ctx context.Context, f Filter) ([]EdgeTotal, error) {
	conditions, err := edgeConditions(&f)
	if err != nil {
		return nil, err
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.windowSums(ctx, edgeGrain, &f, conditions)
	if err != nil {
		return nil, err
	}
	dictionary := s.edges()
	if err := dictionary.know(ctx, idsOf(all)); err != nil {
		return nil, err
	}
	var list []EdgeTotal
	for sensor, t := range all {
		for v := t.rows; len(v) > 0; v = v[edgeGrain.hourWidth():] {
			r := dictionary.rows[v[0]].total(names[sensor])
			r.PacketsOut, r.BytesOut, r.PacketsIn, r.BytesIn = uint64(v[1]), uint64(v[2]), uint64(v[3]), uint64(v[4])
			r.Opened, r.Failed, r.Answered, r.First, r.Last = uint64(v[5]), uint64(v[6]), v[7] != 0, v[8], v[9]
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b EdgeTotal) int {
		return cmp.Or(observe.CompareEdges(&a.EdgeKey, &b.EdgeKey), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Sensor, b.Sensor), cmp.Compare(a.First, b.First))
	})
	// The dictionary has a row for each MAC and service that an edge was seen with.
	return fold(list, func(a, b *EdgeTotal) bool {
		if a.EdgeKey != b.EdgeKey || a.Site != b.Site || a.Sensor != b.Sensor {
			return false
		}
		if b.Last > a.Last {
			a.Last, a.ClientMAC, a.ServerMAC = b.Last, b.ClientMAC, b.ServerMAC
		}
		if a.Service == "" {
			a.Service = b.Service
		}
		a.Multicast, a.Answered = a.Multicast || b.Multicast, a.Answered || b.Answered
		a.PacketsOut, a.BytesOut = a.PacketsOut+b.PacketsOut, a.BytesOut+b.BytesOut
		a.PacketsIn, a.BytesIn = a.PacketsIn+b.PacketsIn, a.BytesIn+b.BytesIn
		a.Opened, a.Failed = a.Opened+b.Opened, a.Failed+b.Failed
		return true
	}), nil
}

// fold joins neighbours that join says are one; it adds the second to the first.
func fold[T any](list []T, join func(a, b *T) bool) []T {
	out := list[:0]
	for i := range list {
		if n := len(out); n == 0 || !join(&out[n-1], &list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// DeviceInput is what inventory.Devices makes devices of: addresses, facts, links and
// uses in a window. Where several sensors of a site saw the same, nothing is
// added: it counts as the sensor saw it that saw most. Heeds From, To, Site, Sensor.
func (s *Store) DeviceInput(ctx context.Context, f Filter) (in inventory.Input, err error) {
	f.Address, f.Protocol, f.Class, f.Layer = "", "", "", ""
	if in.Addresses, err = s.DeviceAddresses(ctx, f); err != nil {
		return in, err
	}
	if in.Facts, err = s.Facts(ctx, f); err != nil {
		return in, err
	}
	edges, err := s.Edges(ctx, f)
	if err != nil {
		return in, err
	}
	in.Links = links(edges)
	operations, err := s.operationTotals(ctx, &f)
	if err != nil {
		return in, err
	}
	in.Uses = uses(operations)
	return in, nil
}

// siteAddresses joins what several sensors of a site saw of the same address.
func siteAddresses(addresses []addressTotal) (list []inventory.AddressTotal) {
	for i := range addresses {
		a := &addresses[i]
		list = append(list, inventory.AddressTotal{Address: a.Address, Site: a.site, Sensors: []string{a.name}})
	}
	return fold(list, func(a, b *inventory.AddressTotal) bool {
		if a.IP != b.IP || a.MAC != b.MAC || a.VLAN != b.VLAN || a.Site != b.Site {
			return false
		}
		a.Sensors = append(a.Sensors, b.Sensors...)
		a.Evidence |= b.Evidence
		a.Client, a.Server = a.Client || b.Client, a.Server || b.Server
		if b.PacketsSent+b.PacketsReceived > a.PacketsSent+a.PacketsReceived {
			a.PacketsSent, a.BytesSent, a.PacketsReceived, a.BytesReceived = b.PacketsSent, b.BytesSent, b.PacketsReceived, b.BytesReceived
		}
		a.TTL, a.First, a.Last = max(a.TTL, b.TTL), min(a.First, b.First), max(a.Last, b.Last)
		return true
	})
}

// DeviceAddresses are the addresses of DeviceInput: enough to tell how many devices there are.
func (s *Store) DeviceAddresses(ctx context.Context, f Filter) ([]inventory.AddressTotal, error) {
	f.Address, f.Protocol, f.Class, f.Layer = "", "", "", ""
	totals, err := s.addressTotals(ctx, &f)
	if err != nil {
		return nil, err
	}
	return siteAddresses(totals), nil
}

// links sums edges outside tunnels to links, of each the sensor that saw most.
func links(edges []EdgeTotal) []inventory.Link {
	type key struct {
		site, sensor   string
		client, server decode.Addr
		proto          uint8
		port           uint16
	}
	type sum struct {
		inventory.Link
		last int64
	}
	sums := map[key]*sum{}
	for i := range edges {
		e := &edges[i]
		if e.Tunnel != decode.NoTunnel {
			continue
		}
		k := key{e.Site, e.Sensor, e.Client, e.Server, e.Proto, e.ServerPort}
		l := sums[k]
		if l == nil {
			l = &sum{Link: inventory.Link{Site: e.Site, Client: e.Client, Server: e.Server, Proto: e.Proto, ServerPort: e.ServerPort}, last: math.MinInt64}
			sums[k] = l
		}
		if e.Last >= l.last {
			l.last, l.ClientMAC, l.ServerMAC = e.Last, e.ClientMAC, e.ServerMAC
		}
		if l.Service == "" {
			l.Service = e.Service
		}
		l.Packets += e.PacketsOut + e.PacketsIn
		l.Bytes += e.BytesOut + e.BytesIn
		l.Answered = l.Answered || e.Answered && (e.Failed == 0 || e.Failed < e.Opened) // a refusal is no service
	}
	list := make([]inventory.Link, 0, len(sums))
	for _, l := range sums {
		list = append(list, l.Link)
	}
	slices.SortFunc(list, func(a, b inventory.Link) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), a.Client.Compare(b.Client), a.Server.Compare(b.Server), cmp.Compare(a.Proto, b.Proto),
			cmp.Compare(a.ServerPort, b.ServerPort), cmp.Compare(b.Packets, a.Packets), cmp.Compare(b.Bytes, a.Bytes),
			cmp.Compare(a.ClientMAC, b.ClientMAC), cmp.Compare(a.ServerMAC, b.ServerMAC), cmp.Compare(a.Service, b.Service))
	})
	return fold(list, func(a, b *inventory.Link) bool {
		if a.Site != b.Site || a.Client != b.Client || a.Server != b.Server || a.Proto != b.Proto || a.ServerPort != b.ServerPort {
			return false
		}
		a.Answered = a.Answered || b.Answered
		return true
	})
}

// uses sums operations to uses, of each the sensor that saw most.
func uses(operations []operationTotal) []inventory.Use {
	type key struct {
		sensor string
		inventory.Use
	}
	sums := map[key]uint64{}
	for i := range operations {
		o := &operations[i]
		sums[key{o.name, inventory.Use{Site: o.site, Src: o.Src, Dst: o.Dst, Protocol: o.Protocol, Class: o.Class, Direction: o.Direction}}] += o.Count
	}
	most := map[inventory.Use]uint64{}
	for k, n := range sums {
		most[k.Use] = max(most[k.Use], n)
	}
	list := make([]inventory.Use, 0, len(most))
	for u, n := range most {
		u.Count = n
		list = append(list, u)
	}
	slices.SortFunc(list, func(a, b inventory.Use) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), a.Src.Compare(b.Src), a.Dst.Compare(b.Dst), cmp.Compare(a.Protocol, b.Protocol),
			cmp.Compare(a.Class, b.Class), cmp.Compare(a.Direction, b.Direction))
	})
	return list
}

// Facts that devices told of themselves in the window, each value once a site, sorted. Heeds From,
// To, Site, Sensor, Address. Ref names the capture by its id in the store.
func (s *Store) Facts(ctx context.Context, f Filter) ([]inventory.Fact, error) {
	e, err := parseEnds(f.Address)
	if err != nil {
		return nil, err
	}
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	q := &query{}
	q.add(`SELECT x.sensor, addr, mac, k.value, v.value, o.value, x.first, x.last, capture, number FROM fact x JOIN end ON end.id=ip
		JOIN text k ON k.id=kind JOIN text v ON v.id=x.value JOIN text o ON o.id=source WHERE 1`)
	if f.From != 0 {
		q.add("AND x.last>=?", f.From)
	}
	if f.To != 0 {
		q.add("AND x.first<?", f.To)
	}
	q.sensors(&f)
	e.any(q, "AND ", []string{"ip"}, []string{"mac"}, "")
	list, err := collect(s, ctx, "read the facts", q.text(), func(scan func(...any) error) (r inventory.Fact, err error) {
		var sensor int64
		var ip []byte
		err = scan(&sensor, &ip, &r.MAC, &r.Kind, &r.Value, &r.Source, &r.First, &r.Last, &r.Ref.Capture, &r.Ref.Number)
		if err != nil {
			return r, s.wrap("read the facts", err)
		}
		r.Site = names[sensor].site
		r.IP, err = addr(ip)
		return r, err
	}, q.args...)
	slices.SortFunc(list, func(a, b inventory.Fact) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), a.IP.Compare(b.IP), cmp.Compare(a.MAC, b.MAC), cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.Source, b.Source), cmp.Compare(a.Value, b.Value), cmp.Compare(a.First, b.First))
	})
	return fold(list, func(a, b *inventory.Fact) bool {
		if a.Site != b.Site || a.IP != b.IP || a.MAC != b.MAC || a.Kind != b.Kind || a.Source != b.Source || a.Value != b.Value {
			return false
		}
		a.Last = max(a.Last, b.Last)
		return true
	}), err
}

const alertColumns = "id, kind, subkind, key, severity, first, last, count, src_ip, src_mac, dst_ip, dst_mac, technique, site, sensor, args, refs, state"

func scanAlert(scan func(...any) error) (a Alert, err error) {
	var args, refs []byte
	err = scan(&a.ID, &a.Kind, &a.Subkind, &a.Key, &a.Severity, &a.First, &a.Last, &a.Count, &a.SrcIP, &a.SrcMAC, &a.DstIP, &a.DstMAC,
		&a.Technique, &a.Site, &a.Sensor, &args, &refs, &a.State)
	if err == nil {
		err = json.Unmarshal(args, &a.Args)
	}
	if err == nil {
		err = json.Unmarshal(refs, &a.Refs)
	}
	return a, err
}

// Alerts that were seen in the window, by last seen, then first seen and id; with a Limit the
// newest. Without their notes. Heeds From, To, Site, Sensor, Address, Kind, State, Severity, Limit.
func (s *Store) Alerts(ctx context.Context, f Filter) (rows []Alert, more bool, err error) {
	e, err := parseEnds(f.Address)
	if err != nil {
		return nil, false, err
	}
	q := &query{}
	q.add("SELECT " + alertColumns + " FROM alert WHERE 1")
	if f.From != 0 {
		q.add("AND last>=?", f.From)
	}
	if f.To != 0 {
		q.add("AND first<?", f.To)
	}
	q.equal("site", f.Site)
	q.equal("sensor", f.Sensor)
	q.equal("kind", f.Kind)
	q.equal("state", f.State)
	q.equal("severity", f.Severity)
	q.add("ORDER BY last DESC, first DESC, id DESC")
	stop := errors.New("enough")
	err = s.each(ctx, "read the alerts", q.text(), q.args, func(scan func(...any) error) error {
		a, err := scanAlert(scan)
		if err != nil {
			return s.wrap("read the alerts", err)
		}
		if !e.holds(a.SrcIP, a.SrcMAC, a.DstIP, a.DstMAC) {
			return nil
		}
		if f.Limit > 0 && len(rows) == f.Limit {
			more = true
			return stop
		}
		rows = append(rows, a)
		return nil
	})
	if err != nil && err != stop {
		return nil, false, err
	}
	slices.Reverse(rows)
	return rows, more, nil
}

// holds says whether one of the addresses, as texts, is in e.
func (e *ends) holds(texts ...string) bool {
	if e == nil {
		return true
	}
	for _, t := range texts {
		a, err := decode.ParseAddr(t)
		if b := a.Bytes(); err == nil && len(b) == len(e.lo) && string(b) >= string(e.lo) && string(b) <= string(e.hi) {
			return true
		}
	}
	return false
}

// Alert gives one alert with its notes, by its id or an unambiguous beginning of it.
func (s *Store) Alert(ctx context.Context, id string) (Alert, error) {
	found, err := collect(s, ctx, "read an alert", "SELECT "+alertColumns+" FROM alert WHERE id>=?1 AND substr(id,1,length(?1))=?1 ORDER BY id LIMIT 2",
		scanAlert, id)
	if err != nil {
		return Alert{}, s.wrap("read an alert", err)
	}
	var ids []string
	for i := range found {
		ids = append(ids, found[i].ID)
	}
	if err := oneAlert(id, ids); err != nil {
		return Alert{}, s.wrap("read an alert", err)
	}
	a := found[0]
	a.Notes, err = collect(s, ctx, "read an alert's notes", "SELECT at, author, text FROM alert_note WHERE alert=? ORDER BY n", func(scan func(...any) error) (n Note, err error) {
		return n, scan(&n.At, &n.Author, &n.Text)
	}, a.ID)
	return a, err
}

// OpenAlerts gives the alerts last seen at or after since, by first seen and id: what an engine goes on with.
func (s *Store) OpenAlerts(ctx context.Context, since int64) ([]detect.Alert, error) {
	return collect(s, ctx, "read the open alerts", "SELECT "+alertColumns+" FROM alert WHERE last>=? ORDER BY first, id", func(scan func(...any) error) (detect.Alert, error) {
		a, err := scanAlert(scan)
		return a.Alert, err
	}, since)
}

// TopTalkers gives the addresses by bytes sent and received, the most first; with a
// Limit the first. Where several sensors of a site saw an address, it counts as the one saw it that saw most.
// Heeds From, To, Site, Sensor, Address, Limit.
func (s *Store) TopTalkers(ctx context.Context, f Filter) ([]Talker, error) {
	limit := f.Limit
	f.Limit = 0
	addresses, err := s.addressTotals(ctx, &f)
	if err != nil {
		return nil, err
	}
	type key struct {
		sensorName
		ip decode.Addr
	}
	sums := map[key]*Talker{}
	for i := range addresses {
		a := &addresses[i]
		k := key{a.sensorName, a.IP}
		t := sums[k]
		if t == nil {
			t = &Talker{Address: a.IP.String(), Site: a.site}
			sums[k] = t
		}
		t.PacketsSent += a.PacketsSent
		t.BytesSent += a.BytesSent
		t.PacketsReceived += a.PacketsReceived
		t.BytesReceived += a.BytesReceived
	}
	list := make([]Talker, 0, len(sums))
	for _, t := range sums {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Talker) int {
		return cmp.Or(cmp.Compare(b.BytesSent+b.BytesReceived, a.BytesSent+a.BytesReceived), cmp.Compare(a.Address, b.Address),
			cmp.Compare(a.Site, b.Site), cmp.Compare(b.BytesSent, a.BytesSent))
	})
	seen := map[[2]string]bool{}
	list = slices.DeleteFunc(list, func(t Talker) bool {
		k := [2]string{t.Site, t.Address}
		was := seen[k]
		seen[k] = true
		return was
	})
	if limit > 0 && len(list) > limit {
		list = list[:limit]
	}
	return list, nil
}

// Traffic gives what was seen over time, in buckets that are whole minutes and begin at
// multiples of their length since 1970 UTC; buckets without traffic are left out. Without Address and
// Protocol it is every frame, else those of the edges, both ways. The sums of several sensors are
// not to be added: give Sensor where there are several. Heeds From, To, Site, Sensor, Address, Protocol.
func (s *Store) Traffic(ctx context.Context, f Filter, bucket time.Duration) ([]Point, error) {
	n := int64(bucket / time.Minute)
	if n <= 0 || bucket%time.Minute != 0 {
		return nil, fmt.Errorf("%w: a bucket of %v: want whole minutes", ErrFilter, bucket)
	}
	conditions, err := edgeConditions(&f)
	if err != nil {
		return nil, err
	}
	if len(conditions.parts) == 0 {
		// Rounded down also before 1970.
		q := &query{}
		q.add(fmt.Sprintf("SELECT (minute-(minute%%%[1]d+%[1]d)%%%[1]d) AS b, sum(packets), sum(bytes) FROM minute WHERE 1", n))
		q.minutes(&f)
		q.add("GROUP BY b ORDER BY b")
		return collect(s, ctx, "read the traffic", q.text(), func(scan func(...any) error) (p Point, err error) {
			err = scan(&p.Time, &p.Packets, &p.Bytes)
			p.Time *= Time(observe.MinuteLength)
			return p, err
		}, q.args...)
	}
	pieces, err := s.buckets(ctx, &f, n)
	if err != nil {
		return nil, err
	}
	only, err := s.idSet(ctx, "edge", conditions)
	if err != nil {
		return nil, err
	}
	type points map[int64]Point
	all := points{}
	err = scan(ctx, s, edgeGrain, &f, pieces, only, func() points { return points{} }, func(m points, start, _ int64, rows []int64, width int) {
		if len(rows) == 0 {
			return
		}
		b := floorDiv(start, int64(bucket))
		p := m[b]
		for ; len(rows) > 0; rows = rows[width:] {
			p.Packets += uint64(rows[1] + rows[3])
			p.Bytes += uint64(rows[2] + rows[4])
		}
		m[b] = p
	}, func(m points) {
		for b, p := range m {
			p.Packets, p.Bytes = p.Packets+all[b].Packets, p.Bytes+all[b].Bytes
			all[b] = p
		}
	})
	if err != nil {
		return nil, err
	}
	var list []Point
	for _, b := range slices.Sorted(maps.Keys(all)) {
		p := all[b]
		p.Time = Time(b * int64(bucket))
		list = append(list, p)
	}
	return list, nil
}

// buckets cuts a window as pieces does, for buckets of so many minutes: those that are not whole hours
// are read from minutes as far back as there are any.
func (s *Store) buckets(ctx context.Context, f *Filter, minutes int64) ([]piece, error) {
	pieces, err := s.pieces(ctx, f)
	if err != nil || minutes%60 == 0 {
		return pieces, err
	}
	kept, err := s.keptFrom(ctx)
	if err != nil {
		return nil, err
	}
	var fine []piece
	for _, p := range pieces {
		if p.hours && p.hi > kept {
			fine = append(fine, piece{false, max(p.lo, kept) * 60, p.hi * 60})
			p.hi = max(p.lo, kept)
		}
		if p.lo < p.hi {
			fine = append(fine, p)
		}
	}
	return fine, nil
}

// Counters summed over the minutes of the window. Heeds From, To, Site, Sensor.
func (s *Store) Counters(ctx context.Context, f Filter) (Counters, error) {
	c := Counters{Skipped: map[string]uint64{}, Dropped: map[string]uint64{}}
	where := &query{}
	where.add("WHERE 1")
	where.minutes(&f)
	err := s.each(ctx, "read the counters", `SELECT count(*), ifnull(sum(packets),0), ifnull(sum(bytes),0), ifnull(sum(decoded),0),
		ifnull(sum(fragments),0), ifnull(sum(truncated),0), ifnull(sum(late),0) FROM minute `+where.text(), where.args, func(scan func(...any) error) error {
		return scan(&c.Minutes, &c.Packets, &c.Bytes, &c.Decoded, &c.Fragments, &c.Truncated, &c.Late)
	})
	if err != nil {
		return c, err
	}
	return c, s.each(ctx, "read the counters", "SELECT value, n FROM (SELECT name, sum(count) AS n FROM minute_counter "+where.text()+" GROUP BY name) JOIN text ON text.id=name",
		where.args, func(scan func(...any) error) error {
			var name string
			var n uint64
			err := scan(&name, &n)
			if reason, ok := strings.CutPrefix(name, "skipped."); ok {
				c.Skipped[reason] = n
			} else if cause, ok := strings.CutPrefix(name, "dropped."); ok {
				c.Dropped[cause] = n
			}
			return err
		})
}

// Totals of the store. Flows are not among them: counting tens of millions takes seconds.
func (s *Store) Totals(ctx context.Context) (t Totals, err error) {
	err = s.each(ctx, "read the totals", `SELECT (SELECT count(*) FROM minute), (SELECT count(*) FROM edge),
		(SELECT count(*) FROM operation), (SELECT count(*) FROM address), (SELECT count(*) FROM alert), (SELECT count(*) FROM learned),
		(SELECT count(*) FROM capture WHERE sha256 IS NOT NULL), (SELECT ifnull(min(minute),0) FROM minute), (SELECT ifnull(max(minute),0) FROM minute)`, nil,
		func(scan func(...any) error) error {
			return scan(&t.Minutes, &t.Edges, &t.Operations, &t.Addresses, &t.Alerts, &t.LearnedRows, &t.Captures, &t.First, &t.Last)
		})
	t.First *= Time(observe.MinuteLength)
	t.Last *= Time(observe.MinuteLength)
	return t, err
}

// Sensors by site and name.
func (s *Store) Sensors(ctx context.Context) ([]Sensor, error) {
	return collect(s, ctx, "read the sensors", `SELECT se.id, si.name, se.name, count(minute), ifnull(min(minute),0), ifnull(max(minute),0)
		FROM sensor se JOIN site si ON si.id=se.site LEFT JOIN minute m ON m.sensor=se.id GROUP BY se.id ORDER BY si.name, se.name`,
		func(scan func(...any) error) (n Sensor, err error) {
			err = scan(&n.ID, &n.Site, &n.Name, &n.Minutes, &n.First, &n.Last)
			n.First *= Time(observe.MinuteLength)
			n.Last *= Time(observe.MinuteLength)
			return n, err
		})
}
