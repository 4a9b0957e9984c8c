package picture

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/inventory"
	"osect/store"
	"osect/text"
)

// Graph is a map: nodes in groups, and edges between them.
type Graph struct {
	Title  string  `json:"title"`
	Groups []Group `json:"groups"`
	Nodes  []Node  `json:"nodes"` // in the order of their groups, then by address
	Edges  []Edge  `json:"edges"` // the strongest first
	// LeftOut counts what the bounds of Options left out.
	LeftOut LeftOut `json:"left_out"`
	aspect  float64
}

// LeftOut is what a map has no room for.
type LeftOut struct {
	Nodes int `json:"nodes"`
	Edges int `json:"edges"`
}

// Group is nodes that belong together.
type Group struct {
	Name  string  `json:"name"`
	row   float64 // see rows
	first bool    // before all others, whatever shortens edges
}

// Node is a device, the internet, or a service.
type Node struct {
	ID    string `json:"id"`
	Kind  string `json:"kind"` // device, internet or service
	Group int    `json:"group"`
	// Label is its first address or name, Note what stands below: the host name, else the vendor, else the role.
	Label      string   `json:"label"`
	Note       string   `json:"note"`
	IPs        []string `json:"ips"`
	MAC        string   `json:"mac"`
	Hostname   string   `json:"hostname"`
	Vendor     string   `json:"vendor"`
	OS         string   `json:"os"`
	OSAccuracy int      `json:"os_accuracy"`
	Role       string   `json:"role"`
	Confidence int      `json:"role_confidence"`
	Level      string   `json:"level"` // of Purdue, "" unknown
	Importance int      `json:"importance"`
	VLANs      []uint16 `json:"vlans"`
	Site       string   `json:"site"`
	InLedger   bool     `json:"in_ledger"`
	// Peers, Packets and Bytes are of the edges that the map has.
	Peers   int    `json:"peers"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
	// Facts are lines for people: what is shown when the pointer rests on it.
	Facts []string `json:"-"`

	colour string
	row    int // see rows
}

// Edge is who used services of whom. From and To are indexes of nodes: client and server; on a map of
// services From uses the service To, or the service From is offered by To.
type Edge struct {
	From     int      `json:"from"`
	To       int      `json:"to"`
	Services []string `json:"services"` // by traffic, the most first
	// Classes of OT functions between the two, the gravest first; OT also where no function was counted.
	Classes []string `json:"classes"`
	OT      bool     `json:"ot"`
	Packets uint64   `json:"packets"`
	Bytes   uint64   `json:"bytes"` // both ways
	facts   []string
}

// GroupBy are the ways to group a map.
var GroupBy = []string{"subnet", "role", "vlan", "zone"}

// Options of a map; the zero value is the map of all devices by subnet.
type Options struct {
	Services bool   // the map of services
	Group    string // one of GroupBy, "" for subnet
	Lang     text.Lang
	// Subnet keeps only devices with an address in it, and edges of which both ends are.
	Subnet netip.Prefix
	// VLAN keeps only edges seen with this tag, and their ends; nil: all.
	VLAN *uint16
	// Role keeps only edges of which one end has it, and their ends.
	Role string
	// Period is written behind the title, "" for none.
	Period string
	// Connected keeps only devices that have an edge: the edges were narrowed before.
	Connected bool
	// Aspect is the width that the map should have to its height, 0 for that of a page.
	Aspect float64
	// Service names the service of an edge; Vendor shortens a vendor's name.
	Service func(*store.EdgeTotal) string
	Vendor  func(string) string
	// Ledger is what the ledger says of a device, in a line, and its zone; nil: there is no ledger.
	Ledger func(*inventory.Device) (line, zone string)
}

// The bounds of a map: what a browser still draws. What is beyond is left out, the weakest first, and counted.
const (
	MaxNodes    = 5000
	MaxEdges    = 30000
	maxServices = 60 // of a map of services, others are one
	maxNames    = 40 // of services at an edge
)

// pair is a direction between two devices.
type pair struct{ from, to int }

// talk is what two devices exchanged by one service.
type talk struct {
	pair
	service        string
	ot             bool
	packets, bytes uint64
}

// etherARP is the EtherType of ARP, as the port of an edge between MACs: who asks for an address has not yet
// talked to it.
const etherARP = 0x0806

// NewGraph makes a map of devices and edges (store.Store.Graph). Operations give the classes of OT functions.
// What several sensors of a site saw is not added: of each two devices and service it is what the
// sensor saw that saw most. Edges in tunnels, ARP, and edges to no device (multicast, broadcast, addresses that
// never sent) are not on the map.
func NewGraph(devices []inventory.Device, edges []store.EdgeTotal, operations []store.OperationRow, o Options) *Graph {
	o.Group = cmp.Or(o.Group, GroupBy[0])
	b := &builder{o: &o, devices: devices, find: NewFinder(devices)}
	talks := b.talks(edges)
	classes := b.classes(operations, talks)
	keep := b.keep(talks)
	if o.Services {
		return b.serviceGraph(talks, keep)
	}
	return b.deviceGraph(talks, classes, keep)
}

type builder struct {
	o       *Options
	devices []inventory.Device
	find    *Finder
}

func (b *builder) get(key string, args ...any) string { return text.Get(b.o.Lang, key, args...) }

// talks sums edges, by the client, the server and the service.
func (b *builder) talks(edges []store.EdgeTotal) []talk {
	type key struct {
		pair
		proto       uint8
		server, fix uint16 // ports
		ethernet    bool
	}
	type seen struct {
		packets, bytes map[string]uint64 // by sensor
		edge           *store.EdgeTotal  // that names the service: one with an OT protocol, if there is
	}
	sums := map[key]*seen{}
	for i := range edges {
		e := &edges[i]
		if e.Tunnel != decode.NoTunnel || b.o.VLAN != nil && e.VLAN != *b.o.VLAN || e.Ethernet() && e.ServerPort == etherARP {
			continue
		}
		p := pair{b.find.Find(e.Site, e.Client, e.ClientMAC), b.find.Find(e.Site, e.Server, e.ServerMAC)}
		if p.from < 0 || p.to < 0 || p.from == p.to || !b.wanted(p) {
			continue
		}
		k := key{p, e.Proto, e.ServerPort, e.ClientPort, e.Ethernet()}
		t := sums[k]
		if t == nil {
			t = &seen{map[string]uint64{}, map[string]uint64{}, e}
			sums[k] = t
		}
		if t.edge.Service == "" || e.Service != "" && e.Service < t.edge.Service {
			t.edge = e
		}
		t.packets[e.Sensor] += e.PacketsOut + e.PacketsIn
		t.bytes[e.Sensor] += e.BytesOut + e.BytesIn
	}
	type named struct {
		pair
		service string
	}
	folded := map[named]*talk{}
	for k, v := range sums {
		n := named{k.pair, printable(b.o.Service(v.edge))}
		t := folded[n]
		if t == nil {
			t = &talk{pair: k.pair, service: n.service}
			folded[n] = t
		}
		sensors := slices.Sorted(maps.Keys(v.bytes))
		most := sensors[0]
		for _, name := range sensors[1:] {
			if v.bytes[name] > v.bytes[most] {
				most = name
			}
		}
		t.ot = t.ot || v.edge.Service != ""
		t.packets += v.packets[most]
		t.bytes += v.bytes[most]
	}
	list := make([]talk, 0, len(folded))
	for _, t := range folded {
		list = append(list, *t)
	}
	slices.SortFunc(list, func(x, y talk) int {
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.packets, x.packets), cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to), cmp.Compare(x.service, y.service))
	})
	return list
}

// wanted says whether subnet and role leave an edge between two devices.
func (b *builder) wanted(p pair) bool {
	from, to := &b.devices[p.from], &b.devices[p.to]
	if b.o.Subnet.IsValid() && !(b.inside(from) && b.inside(to)) {
		return false
	}
	return b.o.Role == "" || from.Role == b.o.Role || to.Role == b.o.Role
}

func (b *builder) inside(d *inventory.Device) bool {
	return slices.ContainsFunc(d.IPs, func(ip decode.Addr) bool { return b.o.Subnet.Contains(ip.Netip()) })
}

// keep says which devices are on the map: those of the edges and, where nothing narrows the edges, all others.
func (b *builder) keep(talks []talk) []bool {
	keep := make([]bool, len(b.devices))
	for i := range talks {
		keep[talks[i].from], keep[talks[i].to] = true, true
	}
	if b.o.Connected || b.o.VLAN != nil || b.o.Services {
		return keep
	}
	for i := range b.devices {
		d := &b.devices[i]
		keep[i] = keep[i] || (!b.o.Subnet.IsValid() || b.inside(d)) && (b.o.Role == "" || d.Role == b.o.Role)
	}
	return keep
}

// gravity orders classes of OT functions.
var gravity = []string{ot.Control.String(), ot.Write.String(), ot.Read.String(), ot.Cyclic.String(), ot.Identity.String(), ot.Connect.String(), ot.Other.String()}

// classes gives the classes of the operations between the ends of talks.
func (b *builder) classes(operations []store.OperationRow, talks []talk) map[pair]map[string]bool {
	out := map[pair]map[string]bool{}
	for i := range talks {
		out[talks[i].pair] = nil
	}
	for i := range operations {
		op := &operations[i]
		src, e1 := decode.ParseAddr(op.Src)
		dst, e2 := decode.ParseAddr(op.Dst)
		if e1 != nil || e2 != nil {
			continue
		}
		p := pair{b.find.Find(op.Site, src, 0), b.find.Find(op.Site, dst, 0)}
		if op.Direction == ot.Response.String() || op.Direction == ot.Error.String() {
			p.from, p.to = p.to, p.from
		}
		set, ok := out[p]
		if !ok {
			p.from, p.to = p.to, p.from
			if set, ok = out[p]; !ok {
				continue
			}
		}
		if set == nil {
			set = map[string]bool{}
			out[p] = set
		}
		set[op.Class] = true
	}
	return out
}

// deviceGraph makes the map of devices.
func (b *builder) deviceGraph(talks []talk, classes map[pair]map[string]bool, keep []bool) *Graph {
	at := map[pair]int{}
	var edges []Edge
	for i := range talks { // by traffic, so that services are
		t := &talks[i]
		n, ok := at[t.pair]
		if !ok {
			n = len(edges)
			at[t.pair] = n
			e := Edge{From: t.from, To: t.to, Services: []string{}, Classes: []string{}}
			for _, c := range gravity {
				if classes[t.pair][c] {
					e.Classes = append(e.Classes, c)
				}
			}
			e.OT = len(e.Classes) > 0
			edges = append(edges, e)
		}
		e := &edges[n]
		if len(e.Services) < maxNames {
			e.Services = append(e.Services, t.service)
		}
		e.OT = e.OT || t.ot
		e.Packets += t.packets
		e.Bytes += t.bytes
	}
	var nodes []Node
	index := make([]int, len(b.devices))
	for i := range b.devices {
		index[i] = -1
		if keep[i] {
			index[i] = len(nodes)
			nodes = append(nodes, b.device(&b.devices[i]))
		}
	}
	for i := range edges {
		edges[i].From, edges[i].To = index[edges[i].From], index[edges[i].To]
	}
	groups := make([]groupKey, len(nodes))
	for i, n := range index {
		if n >= 0 {
			groups[n] = b.group(&b.devices[i])
		}
	}
	return b.finish("map.title.devices", nodes, groups, edges)
}

// serviceGraph makes the map of services: clients, services, servers.
func (b *builder) serviceGraph(talks []talk, keep []bool) *Graph {
	sums := map[string]*Node{}
	anyOT := map[string]bool{}
	for i := range talks {
		t := &talks[i]
		n := sums[t.service]
		if n == nil {
			n = &Node{ID: "service:" + t.service, Kind: "service", Label: t.service, IPs: []string{}, VLANs: []uint16{}}
			sums[t.service] = n
		}
		n.Bytes += t.bytes
		anyOT[t.service] = anyOT[t.service] || t.ot
	}
	names := slices.SortedFunc(maps.Keys(sums), func(x, y string) int {
		return cmp.Or(cmp.Compare(sums[y].Bytes, sums[x].Bytes), cmp.Compare(x, y))
	})
	var nodes []Node
	var groups []groupKey
	index := make([]int, len(b.devices))
	for i := range b.devices {
		if keep[i] {
			index[i] = len(nodes)
			nodes = append(nodes, b.device(&b.devices[i]))
			groups = append(groups, b.group(&b.devices[i]))
		}
	}
	of := map[string]int{}
	other := -1
	for i, name := range names {
		if i >= maxServices {
			if other < 0 {
				other = len(nodes)
				nodes = append(nodes, Node{ID: "service:", Kind: "service", Label: b.get("map.service.other", "n", len(names)-maxServices), IPs: []string{}, VLANs: []uint16{}, colour: serviceColour})
				groups = append(groups, groupKey{name: b.get("map.group.services"), row: serviceRow})
			}
			of[name] = other
			continue
		}
		of[name] = len(nodes)
		n := *sums[name]
		n.Bytes = 0
		if n.colour = serviceColour; anyOT[name] {
			n.colour = otServiceColour
		}
		nodes = append(nodes, n)
		groups = append(groups, groupKey{name: b.get("map.group.services"), row: serviceRow})
	}
	at := map[pair]int{}
	var edges []Edge
	add := func(from, to int, t *talk) {
		n, ok := at[pair{from, to}]
		if !ok {
			n = len(edges)
			at[pair{from, to}] = n
			edges = append(edges, Edge{From: from, To: to, Services: []string{nodes[of[t.service]].Label}, Classes: []string{}})
		}
		edges[n].OT = edges[n].OT || t.ot
		edges[n].Packets += t.packets
		edges[n].Bytes += t.bytes
	}
	for i := range talks {
		t := &talks[i]
		add(index[t.from], of[t.service], t)
		add(of[t.service], index[t.to], t)
	}
	return b.finish("map.title.services", nodes, groups, edges)
}

const (
	serviceColour   = "#e8edf3"
	otServiceColour = "#c9ead9"
)

// device makes a node of a device.
func (b *builder) device(d *inventory.Device) Node {
	n := Node{Kind: "device", IPs: []string{}, Vendor: printable(d.Vendor), Hostname: printable(d.Hostname), OS: printable(d.OS), OSAccuracy: d.OSAccuracy,
		Role: d.Role, Confidence: d.RoleConfidence, Importance: d.Importance, VLANs: append([]uint16{}, d.VLANs...), Site: printable(d.Site), InLedger: d.InLedger,
		row: rows[d.Role], Level: d.Level, colour: roleColours[d.Role].hex}
	if n.colour == "" {
		n.colour = unknownColour.hex
	}
	for _, ip := range d.IPs {
		n.IPs = append(n.IPs, ip.String())
	}
	if d.MAC != 0 {
		n.MAC = d.MAC.String()
	}
	role := text.Or(b.o.Lang, "device.role."+d.Role, d.Role)
	switch {
	case d.Internet:
		n.Kind, n.Label, n.ID = "internet", b.get("device.internet"), n.Site+"/internet"
		n.row, n.colour = rows[inventory.RoleExternal], roleColours[inventory.RoleExternal].hex
	case len(n.IPs) > 0:
		n.Label = firstIP(d.IPs)
		n.ID = n.Site + "/" + cmp.Or(n.MAC, n.Label)
	default:
		n.Label, n.ID = n.MAC, n.Site+"/"+n.MAC
	}
	if !d.Internet {
		n.Note = cmp.Or(n.Hostname, printable(b.o.Vendor(d.Vendor)), role)
	}
	fact := func(key, value string) {
		if value != "" {
			n.Facts = append(n.Facts, b.get("column."+key)+": "+value)
		}
	}
	fact("ips", listOf(n.IPs, 6))
	fact("mac", n.MAC)
	fact("hostname", n.Hostname)
	fact("vendor", n.Vendor)
	if n.OS != "" {
		fact("os", fmt.Sprintf("%s (%d %%)", n.OS, n.OSAccuracy))
	}
	if !d.Internet {
		fact("role", fmt.Sprintf("%s (%d %%)", role, n.Confidence))
		fact("importance", strconv.Itoa(n.Importance))
	}
	var tags []string
	for _, v := range n.VLANs {
		tags = append(tags, strconv.Itoa(int(v)))
	}
	fact("vlans", listOf(tags, 12))
	if d.InLedger && b.o.Ledger != nil {
		line, _ := b.o.Ledger(d)
		fact("in_ledger", printable(line))
	}
	return n
}

// listOf writes the first of a list and how many more there are.
func listOf(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return fmt.Sprintf("%s, +%d", strings.Join(list[:most], ", "), len(list)-most)
}

// firstIP is the first IPv4 address, else the first address, "" for none.
func firstIP(ips []decode.Addr) string {
	if len(ips) == 0 {
		return ""
	}
	return first(ips).String()
}

func first(ips []decode.Addr) decode.Addr {
	for _, ip := range ips {
		if ip.IsIPv4() {
			return ip
		}
	}
	return ips[0]
}

// groupKey names and orders groups: by row from high to low, then by addr, num, name.
type groupKey struct {
	site, name string
	addr       decode.Addr
	num        int
	row        float64
	first      bool
}

// group is the group of a device.
func (b *builder) group(d *inventory.Device) groupKey {
	k := groupKey{site: printable(d.Site)}
	external := d.Internet || d.MAC == 0 && len(d.IPs) > 0 && inventory.Public(first(d.IPs))
	if external && b.o.Group != "role" {
		k.name, k.first, k.row = b.get("device.internet"), true, 7
		return k
	}
	switch b.o.Group {
	case "role":
		k.name, k.row = text.Or(b.o.Lang, "device.role."+d.Role, d.Role), float64(rows[d.Role])
		k.num = slices.Index(inventory.Roles, d.Role)
	case "vlan":
		if k.name, k.num = b.get("map.group.untagged"), -1; len(d.VLANs) > 0 {
			k.num = int(d.VLANs[0])
			k.name = "VLAN " + strconv.Itoa(k.num)
		}
	case "zone":
		k.name, k.row = b.get("map.zone.unknown"), 3.5
		if n, err := strconv.Atoi(d.Level); err == nil {
			k.name, k.row = text.Or(b.o.Lang, "map.zone."+d.Level, d.Level), float64(n)
		}
		if d.InLedger && b.o.Ledger != nil {
			if _, zone := b.o.Ledger(d); zone != "" {
				k.name, k.row = printable(zone), 3.5
			}
		}
	default:
		if k.name = b.get("map.group.no-ip"); len(d.IPs) > 0 {
			ip := first(d.IPs)
			k.addr = inventory.Subnet(ip)
			bits := 24
			if !ip.IsIPv4() {
				bits = 64
			}
			k.name = k.addr.String() + "/" + strconv.Itoa(bits)
		}
	}
	return k
}

// finish puts nodes into groups, cuts what is beyond the bounds and counts.
func (b *builder) finish(title string, nodes []Node, keys []groupKey, edges []Edge) *Graph {
	g := &Graph{aspect: b.o.Aspect, Groups: []Group{}, Nodes: []Node{}, Edges: []Edge{}}
	slices.SortStableFunc(edges, func(x, y Edge) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), cmp.Compare(y.Packets, x.Packets), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	})
	if len(edges) > MaxEdges {
		g.LeftOut.Edges = len(edges) - MaxEdges
		edges = edges[:MaxEdges]
	}
	for i := range edges {
		for _, n := range []*Node{&nodes[edges[i].From], &nodes[edges[i].To]} {
			n.Packets += edges[i].Packets
			n.Bytes += edges[i].Bytes
		}
	}
	order := make([]int, len(nodes))
	for i := range order {
		order[i] = i
	}
	if len(nodes) > MaxNodes {
		g.LeftOut.Nodes = len(nodes) - MaxNodes
		slices.SortStableFunc(order, func(x, y int) int { return cmp.Compare(nodes[y].Bytes, nodes[x].Bytes) })
		order = order[:MaxNodes]
	}
	sites := map[string]bool{}
	level := map[groupKey][2]float64{}
	for _, i := range order {
		if keys[i].site != "" {
			sites[keys[i].site] = true
		}
		k := keys[i]
		level[k] = [2]float64{level[k][0] + float64(nodes[i].row), level[k][1] + 1}
	}
	compare := func(x, y groupKey) int {
		return cmp.Or(boolCompare(y.first, x.first), cmp.Compare(y.row, x.row), cmp.Compare(x.site, y.site), x.addr.Compare(y.addr), cmp.Compare(x.num, y.num), cmp.Compare(x.name, y.name))
	}
	slices.SortStableFunc(order, func(x, y int) int { return compare(keys[x], keys[y]) })
	index := make([]int, len(nodes))
	for i := range index {
		index[i] = -1
	}
	for at, i := range order {
		k := keys[i]
		if at == 0 || keys[order[at-1]] != k {
			name := k.name
			if len(sites) > 1 && k.site != "" {
				name = k.site + ": " + name
			}
			l := k.row
			if l == 0 && b.o.Group != "role" && b.o.Group != "zone" {
				l = level[k][0] / level[k][1]
			}
			g.Groups = append(g.Groups, Group{Name: name, row: l, first: k.first})
		}
		nodes[i].Group = len(g.Groups) - 1
		index[i] = len(g.Nodes)
		g.Nodes = append(g.Nodes, nodes[i])
	}
	peers := make([]map[int]bool, len(g.Nodes))
	for i := range edges {
		e := edges[i]
		if e.From, e.To = index[e.From], index[e.To]; e.From < 0 || e.To < 0 {
			g.LeftOut.Edges++
			continue
		}
		for _, x := range [][2]int{{e.From, e.To}, {e.To, e.From}} {
			if peers[x[0]] == nil {
				peers[x[0]] = map[int]bool{}
			}
			peers[x[0]][x[1]] = true
		}
		g.Edges = append(g.Edges, e)
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		n.Peers = len(peers[i])
		if n.Kind == "service" {
			n.Note = b.get("map.service.devices", "n", n.Peers)
		}
		n.Facts = append(n.Facts, b.get("map.fact.peers", "n", n.Peers), b.get("column.bytes")+": "+bytesText(n.Bytes))
	}
	for i := range g.Edges {
		e := &g.Edges[i]
		e.facts = []string{g.Nodes[e.From].Label + " → " + g.Nodes[e.To].Label}
		if !b.o.Services {
			e.facts = append(e.facts, listOf(e.Services, 8))
		}
		if len(e.Classes) > 0 {
			var names []string
			for _, c := range e.Classes {
				names = append(names, text.Or(b.o.Lang, "ot.class."+c, c))
			}
			e.facts = append(e.facts, b.get("column.class")+": "+strings.Join(names, ", "))
		}
		e.facts = append(e.facts, b.get("map.fact.traffic", "packets", text.Integer(e.Packets), "bytes", bytesText(e.Bytes)))
	}
	g.Title = b.get(title, "nodes", text.Integer(int64(len(g.Nodes))), "edges", text.Integer(int64(len(g.Edges))))
	if b.o.Period != "" {
		g.Title += " (" + b.o.Period + ")"
	}
	return g
}

func boolCompare(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// bytesText writes a number of bytes for people: 999 B, 1.2 kB, 3.4 GB (powers of 1000).
func bytesText(n uint64) string {
	if n < 1000 {
		return strconv.FormatUint(n, 10) + " B"
	}
	e := min(int(math.Log10(float64(n)))/3, 6)
	v := float64(n) / math.Pow(1000, float64(e))
	if v >= 999.95 && e < 6 {
		v, e = v/1000, e+1
	}
	return strconv.FormatFloat(v, 'f', 1, 64) + " " + " kMGTPE"[e:e+1] + "B"
}
