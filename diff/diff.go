// Package diff compares two periods, or two stores: which devices, bindings of MAC and IP,
// identities, services, connections and OT functions appeared, vanished or changed (V7).
//
// # What is one device
//
// A device of A is the one of B that has, in this order, the same site and MAC;
// the same site and IP, where one of the two has no MAC; the same serial number; the same
// host name. The last two only where one device of A and one of B are left that have
// it. So a device that only changed its address is changed, and neither gone nor new; its
// services, connections and functions are compared under its new address.
//
// # What is compared
//
//   - devices: there or not; addresses, MAC, host name, vendor, OS, role, VLANs,
//     where both sides know them;
//   - bindings: for each IP address that is a device's own, the MACs that have it;
//   - identities: for each device that is on both sides, kind of fact and source, the values;
//   - services: what a device answered on, as (protocol, port), with the OT protocol
//     recognised there; outside tunnels, groups left out;
//   - connections: (client, server, protocol, service port), and of TCP whether the server
//     answered. A client's port takes the place of the service port where it is what stays
//     fixed. ARP is left out: bindings say what it tells;
//   - ot: (initiator, target, protocol, function code), and the error codes in answers.
//
// Amounts are not compared: two days never have the same.
//
// Where this is wrong: what is seldom said (a firmware that is asked for once a week) is vanished
// in a period without it; a host name that a second device takes over while the first
// is gone makes one device of two.
package diff

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/inventory"
	"osect/store"
)

// Part is what is compared.
type Part string

// The parts, in the order of rows.
const (
	Devices     Part = "devices"
	Bindings    Part = "bindings"
	Identities  Part = "identities"
	Services    Part = "services"
	Connections Part = "connections"
	OT          Part = "ot"
)

// Parts are all of them.
var Parts = []Part{Devices, Bindings, Identities, Services, Connections, OT}

// Change is what became of something between A and B.
type Change string

// The changes, in the order of rows.
const (
	Appeared Change = "appeared" // only in B
	Vanished Change = "vanished" // only in A
	Changed  Change = "changed"  // in both, but not the same
)

// Changes are all of them.
var Changes = []Change{Appeared, Vanished, Changed}

// Row is one difference.
type Row struct {
	Part   Part
	Change Change
	Site   string
	// Device is whom it is about: of connections the client, of ot the initiator. Peer is
	// the other end, zero where there is none.
	Device, Peer End
	// Item is what differs: of devices the attribute (ips, mac, hostname, vendor,
	// os, role, vlans), or the role of one that appeared or vanished; of identities the kind of fact
	// and its source ("firmware lldp"); of ot protocol, code and name of the function.
	Item string
	// Service is set for services and connections.
	Service Service
	// Before and After: the values in A and in B, of identities only those that differ.
	Before, After []string
	// Time is when it was first seen in B; of what vanished, last seen in A. ns since 1970 UTC.
	Time int64
}

// End is a device, or an address that is no device's (a group, a silent end).
type End struct {
	Address  decode.Addr // its first IPv4 address, else its first address, else its MAC
	MAC      decode.MAC  // 0 for none
	Hostname string
	Internet bool // all public addresses together
}

// Service is what a connection goes to.
type Service struct {
	Proto    uint8 // IP protocol number; 0 between MACs
	Ethernet bool  // between MACs; then Port is the EtherType
	Port     uint16
	// Source says that Port is the client's: it is what stays fixed.
	Source bool
	Tunnel decode.Tunnel
	// Name is the OT protocol recognised in B, else in A; "" for none.
	Name string
}

// Side is one of the two that are compared.
type Side struct {
	store.Snapshot
	Devices []inventory.Device
	From    int64 // of the window, 0 for no bound
}

// Load reads one side; o is how devices are made of what was seen. Heeds From, To, Site, Sensor of f.
func Load(ctx context.Context, st *store.Store, f store.Filter, o inventory.Options) (Side, error) {
	n, err := st.Snapshot(ctx, f)
	return Side{Snapshot: n, Devices: inventory.Devices(n.Input, o), From: f.From}, err
}

// Compare gives the differences from a to b in these parts (nil: all), by part, change, site,
// device, peer, item.
func Compare(a, b *Side, parts []Part) []Row {
	if parts == nil {
		parts = Parts
	}
	wa, wb := newWorld(a), newWorld(b)
	match(wa, wb)
	c := &comparison{a: wa, b: wb}
	for part, compare := range map[Part]func(){
		Devices: c.devices, Bindings: c.bindings, Identities: c.identities, Services: c.services, Connections: c.connections, OT: c.operations,
	} {
		if slices.Contains(parts, part) {
			compare()
		}
	}
	slices.SortFunc(c.rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(Parts, a.Part), slices.Index(Parts, b.Part)), cmp.Compare(slices.Index(Changes, a.Change), slices.Index(Changes, b.Change)),
			cmp.Compare(a.Site, b.Site), compareEnds(a.Device, b.Device), compareEnds(a.Peer, b.Peer), cmp.Compare(a.Item, b.Item),
			cmp.Compare(a.Service.Proto, b.Service.Proto), cmp.Compare(a.Service.Port, b.Service.Port), cmp.Compare(a.Service.Tunnel, b.Service.Tunnel),
			slices.Compare(a.Before, b.Before), slices.Compare(a.After, b.After))
	})
	return c.rows
}

func compareEnds(a, b End) int {
	return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.MAC, b.MAC))
}

type siteAddr struct {
	site string
	addr decode.Addr
}

// world is one side with its devices by address.
type world struct {
	*Side
	ids     []int // of each device: the same number as that of the same device on the other side
	byMAC   map[siteAddr]int
	byIP    map[siteAddr][]int
	inet    map[string]int
	device  map[int]int // id → index
	serials map[int][]string
}

func newWorld(s *Side) *world {
	w := &world{Side: s, byMAC: map[siteAddr]int{}, byIP: map[siteAddr][]int{}, inet: map[string]int{}, serials: map[int][]string{}}
	for i := range s.Devices {
		d := &s.Devices[i]
		if d.Internet {
			w.inet[d.Site] = i
		}
		if d.MAC != 0 {
			w.byMAC[siteAddr{d.Site, d.MAC.Addr()}] = i
		}
		for _, ip := range d.IPs {
			k := siteAddr{d.Site, ip}
			w.byIP[k] = append(w.byIP[k], i)
		}
	}
	for i := range s.Input.Facts {
		if f := &s.Input.Facts[i]; f.Kind == "serial" {
			if at := w.about(f); at >= 0 && !slices.Contains(w.serials[at], f.Value) {
				w.serials[at] = append(w.serials[at], f.Value)
			}
		}
	}
	return w
}

// about is the device that a fact is about, -1 for none: that of its MAC, unless
// this is a router's, else the owner of the address.
func (w *world) about(f *inventory.Fact) int {
	if f.MAC != 0 {
		if i, ok := w.byMAC[siteAddr{f.Site, f.MAC.Addr()}]; ok && !w.Devices[i].Router {
			return i
		}
	}
	i := w.find(f.Site, f.IP, f.MAC)
	if i >= 0 && w.Devices[i].Internet {
		return -1
	}
	return i
}

// find is the device of an end, -1 for none.
func (w *world) find(site string, a decode.Addr, mac decode.MAC) int {
	if a.IsMAC() {
		if i, ok := w.byMAC[siteAddr{site, a}]; ok {
			return i
		}
		return -1
	}
	owners := w.byIP[siteAddr{site, a}]
	for _, i := range owners {
		if w.Devices[i].MAC == mac {
			return i
		}
	}
	if len(owners) > 0 {
		return owners[0]
	}
	if i, ok := w.inet[site]; ok && inventory.Public(a) {
		return i
	}
	return -1
}

// match gives the devices of both sides their ids.
func match(a, b *world) {
	partner := make([]int, len(b.Devices)) // index in A, -1
	taken := make([]bool, len(a.Devices))
	for j := range partner {
		partner[j] = -1
	}
	pair := func(i, j int) { partner[j], taken[i] = i, true }
	for j := range b.Devices {
		d := &b.Devices[j]
		if d.Internet {
			if i, ok := a.inet[d.Site]; ok {
				pair(i, j)
			}
		} else if i, ok := a.byMAC[siteAddr{d.Site, d.MAC.Addr()}]; ok && d.MAC != 0 {
			pair(i, j)
		}
	}
	for j := range b.Devices {
		d := &b.Devices[j]
		for _, ip := range d.IPs {
			for _, i := range a.byIP[siteAddr{d.Site, ip}] {
				if partner[j] < 0 && !taken[i] && (d.MAC == 0 || a.Devices[i].MAC == 0) {
					pair(i, j)
				}
			}
		}
	}
	// Marks that only one device of each side has among those left.
	for _, marks := range []func(w *world, i int) []string{
		func(w *world, i int) []string { return w.serials[i] },
		func(w *world, i int) []string {
			if n := w.Devices[i].Hostname; n != "" {
				return []string{strings.ToLower(n)}
			}
			return nil
		},
	} {
		left := func(w *world, gone func(i int) bool) map[[2]string][]int {
			m := map[[2]string][]int{}
			for i := range w.Devices {
				if !gone(i) && !w.Devices[i].Internet {
					for _, mark := range marks(w, i) {
						k := [2]string{w.Devices[i].Site, mark}
						m[k] = append(m[k], i)
					}
				}
			}
			return m
		}
		inA := left(a, func(i int) bool { return taken[i] })
		inB := left(b, func(j int) bool { return partner[j] >= 0 })
		for j := range b.Devices { // in order, not that of a map
			for _, mark := range marks(b, j) {
				k := [2]string{b.Devices[j].Site, mark}
				if is, js := inA[k], inB[k]; len(is) == 1 && len(js) == 1 && js[0] == j && partner[j] < 0 && !taken[is[0]] {
					pair(is[0], j)
				}
			}
		}
	}
	a.ids, b.ids = make([]int, len(a.Devices)), make([]int, len(b.Devices))
	for i := range a.ids {
		a.ids[i] = i
	}
	for j := range b.ids {
		if b.ids[j] = partner[j]; partner[j] < 0 {
			b.ids[j] = len(a.Devices) + j
		}
	}
	for _, w := range []*world{a, b} {
		w.device = map[int]int{}
		for i, id := range w.ids {
			w.device[id] = i
		}
	}
}

// end says which end: a device by its id, anything else by its address.
type end struct {
	site string
	id   int // -1: addr
	addr decode.Addr
}

func (w *world) end(site string, a decode.Addr, mac decode.MAC) end {
	if i := w.find(site, a, mac); i >= 0 {
		return end{site: site, id: w.ids[i]}
	}
	return end{site: site, id: -1, addr: a}
}

type comparison struct {
	a, b *world
	rows []Row
}

// show describes an end as it is in B, else in A.
func (c *comparison) show(e end) End {
	if e.id < 0 {
		return End{Address: e.addr}
	}
	i, inA := c.a.device[e.id]
	j, inB := c.b.device[e.id]
	switch {
	case inA && inB:
		return endOf(&c.b.Devices[j], c.a.Devices[i].IPs)
	case inA:
		return endOf(&c.a.Devices[i], nil)
	}
	return endOf(&c.b.Devices[j], nil)
}

// endOf describes a device by its first IPv4 address, of those that it had on the other side
// too where there are such; else by its first address, else its MAC.
func endOf(d *inventory.Device, other []decode.Addr) End {
	e := End{MAC: d.MAC, Hostname: d.Hostname, Internet: d.Internet}
	if d.MAC != 0 {
		e.Address = d.MAC.Addr()
	}
	best := -1
	for _, ip := range d.IPs {
		n := 0
		if ip.IsIPv4() {
			n += 2
			if slices.Contains(other, ip) {
				n++
			}
		}
		if n > best {
			best, e.Address = n, ip
		}
	}
	return e
}

func (c *comparison) devices() {
	for i := range c.a.Devices {
		d := &c.a.Devices[i]
		if _, ok := c.b.device[c.a.ids[i]]; !ok {
			c.rows = append(c.rows, Row{Part: Devices, Change: Vanished, Site: d.Site, Device: endOf(d, nil), Item: d.Role, Before: addresses(d), Time: d.LastSeen})
		}
	}
	for j := range c.b.Devices {
		d := &c.b.Devices[j]
		i, ok := c.a.device[c.b.ids[j]]
		if !ok {
			c.rows = append(c.rows, Row{Part: Devices, Change: Appeared, Site: d.Site, Device: endOf(d, nil), Item: d.Role, After: addresses(d), Time: d.FirstSeen})
			continue
		}
		if d.Internet {
			continue
		}
		old := &c.a.Devices[i]
		for _, x := range []struct {
			item          string
			before, after []string
		}{
			{"ips", texts(old.IPs), texts(d.IPs)},
			{"mac", mac(old), mac(d)},
			{"hostname", one(old.Hostname), one(d.Hostname)},
			{"vendor", one(old.Vendor), one(d.Vendor)},
			{"os", one(old.OS), one(d.OS)},
			{"role", one(old.Role), one(d.Role)},
			{"vlans", numbers(old.VLANs), numbers(d.VLANs)},
		} {
			known := len(x.before) > 0 && len(x.after) > 0 && x.before[0] != inventory.RoleUnknown && x.after[0] != inventory.RoleUnknown
			if slices.Equal(x.before, x.after) || !known && x.item != "vlans" && x.item != "ips" {
				continue
			}
			c.rows = append(c.rows, Row{Part: Devices, Change: Changed, Site: d.Site, Device: endOf(d, old.IPs), Item: x.item, Before: x.before, After: x.after, Time: d.FirstSeen})
		}
	}
}

// addresses of a device: its IPs, else its MAC.
func addresses(d *inventory.Device) []string {
	if len(d.IPs) == 0 {
		return mac(d)
	}
	return texts(d.IPs)
}

func texts(list []decode.Addr) (out []string) {
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

func numbers(list []uint16) (out []string) {
	for _, n := range list {
		out = append(out, fmt.Sprint(n))
	}
	return out
}

func mac(d *inventory.Device) []string {
	if d.MAC == 0 {
		return nil
	}
	return []string{d.MAC.String()}
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// found is what one side has of a key: values, and when it was seen.
type found struct {
	values      []string
	first, last int64
	row         Row // what to say of it
}

// put adds to what was found.
func put[K comparable](m map[K]*found, k K, first, last int64, values ...string) *found {
	f := m[k]
	if f == nil {
		f = &found{first: first, last: last}
		m[k] = f
	}
	f.first, f.last = min(f.first, first), max(f.last, last)
	for _, v := range values {
		if i, ok := slices.BinarySearch(f.values, v); !ok {
			f.values = slices.Insert(f.values, i, v)
		}
	}
	return f
}

// compareSets adds a row for each key that only one side has, and for each whose values differ.
func compareSets[K comparable](c *comparison, part Part, a, b map[K]*found) {
	for k, x := range a {
		y := b[k]
		switch {
		case y == nil:
			r := x.row
			r.Part, r.Change, r.Before, r.Time = part, Vanished, x.values, x.last
			c.rows = append(c.rows, r)
		case !slices.Equal(x.values, y.values):
			r := y.row
			r.Part, r.Change, r.Before, r.After, r.Time = part, Changed, x.values, y.values, max(y.first, c.b.From)
			c.rows = append(c.rows, r)
		}
	}
	for k, y := range b {
		if a[k] == nil {
			r := y.row
			r.Part, r.Change, r.After, r.Time = part, Appeared, y.values, max(y.first, c.b.From)
			c.rows = append(c.rows, r)
		}
	}
}

func (c *comparison) bindings() {
	of := func(w *world) map[siteAddr]*found {
		m := map[siteAddr]*found{}
		for i := range w.Devices {
			d := &w.Devices[i]
			if d.MAC == 0 {
				continue
			}
			for _, ip := range d.IPs {
				f := put(m, siteAddr{d.Site, ip}, d.FirstSeen, d.LastSeen, d.MAC.String())
				f.row = Row{Site: d.Site, Device: End{Address: ip, MAC: d.MAC, Hostname: d.Hostname}}
			}
		}
		// The times of the binding itself.
		seen := map[siteAddr][2]int64{}
		for i := range w.Input.Addresses {
			a := &w.Input.Addresses[i]
			k := siteAddr{a.Site, a.IP}
			if f := m[k]; f != nil && slices.Contains(f.values, a.MAC.String()) {
				t, ok := seen[k]
				if !ok {
					t = [2]int64{a.First, a.Last}
				}
				seen[k] = [2]int64{min(t[0], a.First), max(t[1], a.Last)}
			}
		}
		for k, t := range seen {
			m[k].first, m[k].last = t[0], t[1]
		}
		return m
	}
	compareSets(c, Bindings, of(c.a), of(c.b))
}

type identityKey struct {
	id   int
	item string
}

func (c *comparison) identities() {
	of := func(w, other *world) map[identityKey]map[string]*inventory.Fact {
		m := map[identityKey]map[string]*inventory.Fact{}
		for i := range w.Input.Facts {
			f := &w.Input.Facts[i]
			at := w.about(f)
			if at < 0 {
				continue
			}
			k := identityKey{w.ids[at], f.Kind + " " + f.Source}
			if _, both := other.device[k.id]; !both {
				continue
			}
			if m[k] == nil {
				m[k] = map[string]*inventory.Fact{}
			}
			if old := m[k][f.Value]; old == nil {
				m[k][f.Value] = f
			} else if f.First < old.First || f.Last > old.Last {
				joined := *old
				joined.First, joined.Last = min(old.First, f.First), max(old.Last, f.Last)
				m[k][f.Value] = &joined
			}
		}
		return m
	}
	a, b := of(c.a, c.b), of(c.b, c.a)
	keys := map[identityKey]bool{}
	for k := range a {
		keys[k] = true
	}
	for k := range b {
		keys[k] = true
	}
	for k := range keys {
		r := Row{Part: Identities, Item: k.item, Device: c.show(end{id: k.id}), Site: c.b.Devices[c.b.device[k.id]].Site}
		var last, first int64
		for v, f := range a[k] {
			if b[k][v] == nil {
				r.Before = append(r.Before, v)
				last = max(last, f.Last)
			}
		}
		for v, f := range b[k] {
			if a[k][v] == nil {
				if r.After == nil || f.First < first {
					first = f.First
				}
				r.After = append(r.After, v)
			}
		}
		slices.Sort(r.Before)
		slices.Sort(r.After)
		r.Time = max(first, c.b.From)
		switch {
		case r.Before == nil && r.After == nil:
			continue
		case r.Before == nil:
			r.Change = Appeared
		case r.After == nil:
			r.Change, r.Time = Vanished, last
		default:
			r.Change = Changed
		}
		c.rows = append(c.rows, r)
	}
}

type serviceKey struct {
	server end
	proto  uint8
	port   uint16
}

func (c *comparison) services() {
	of := func(w *world) map[serviceKey]*found {
		m := map[serviceKey]*found{}
		for i := range w.Edges {
			e := &w.Edges[i]
			if !e.Answered || e.Multicast || e.Ethernet() || e.ServerPort == 0 || e.ClientPort != 0 && e.ClientPort != e.ServerPort || e.Tunnel != decode.NoTunnel ||
				e.Proto != decode.ProtoTCP && e.Proto != decode.ProtoUDP {
				continue
			}
			k := serviceKey{w.end(e.Site, e.Server, e.ServerMAC), e.Proto, e.ServerPort}
			f := put(m, k, e.First, e.Last, one(e.Service)...)
			if name := f.row.Service.Name; name == "" {
				f.row = Row{Site: e.Site, Device: c.show(k.server), Service: Service{Proto: e.Proto, Port: e.ServerPort, Name: e.Service}}
			}
		}
		return m
	}
	compareSets(c, Services, of(c.a), of(c.b))
}

const etherARP = 0x0806

type connectionKey struct {
	client, server end
	proto          uint8
	ethernet       bool
	port           uint16
	source         bool
	tunnel         decode.Tunnel
}

func (c *comparison) connections() {
	of := func(w *world) map[connectionKey]*found {
		m := map[connectionKey]*found{}
		answered := map[connectionKey]bool{}
		for i := range w.Edges {
			e := &w.Edges[i]
			if e.Ethernet() && e.ServerPort == etherARP {
				continue
			}
			k := connectionKey{client: w.end(e.Site, e.Client, e.ClientMAC), server: w.end(e.Site, e.Server, e.ServerMAC),
				proto: e.Proto, ethernet: e.Ethernet(), port: e.ServerPort, tunnel: e.Tunnel}
			if e.ClientPort != 0 && e.ClientPort != e.ServerPort {
				k.port, k.source = e.ClientPort, true
			}
			f := put(m, k, e.First, e.Last)
			answered[k] = answered[k] || e.Answered || e.Multicast
			if name := f.row.Service.Name; name == "" {
				f.row = Row{Site: e.Site, Device: c.show(k.client), Peer: c.show(k.server),
					Service: Service{Proto: e.Proto, Ethernet: k.ethernet, Port: k.port, Source: k.source, Tunnel: e.Tunnel, Name: e.Service}}
			}
		}
		// Only of transports where an answer is to be expected.
		for k, f := range m {
			if k.proto == decode.ProtoTCP && !k.source {
				f.values = one(map[bool]string{true: "answered", false: "unanswered"}[answered[k]])
			}
		}
		return m
	}
	compareSets(c, Connections, of(c.a), of(c.b))
}

type operationKey struct {
	from, to       end
	protocol, code string
}

func (c *comparison) operations() {
	of := func(w *world) map[operationKey]*found {
		m := map[operationKey]*found{}
		for i := range w.Operations {
			o := &w.Operations[i]
			src, dst := w.end(o.Site, o.Src, 0), w.end(o.Site, o.Dst, 0)
			if o.Direction == ot.Response || o.Direction == ot.Error {
				src, dst = dst, src
			}
			k := operationKey{src, dst, o.Protocol, o.Code}
			var status []string
			if o.Direction == ot.Error {
				status = one(cmp.Or(o.Status, "error"))
			}
			f := put(m, k, o.First, o.Last, status...)
			if item := strings.Join(strings.Fields(o.Protocol+" "+o.Code+" "+o.Function), " "); len(item) > len(f.row.Item) {
				f.row = Row{Site: o.Site, Device: c.show(src), Peer: c.show(dst), Item: item}
			}
		}
		return m
	}
	compareSets(c, OT, of(c.a), of(c.b))
}
