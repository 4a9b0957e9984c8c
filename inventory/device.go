package inventory

import (
	"cmp"
	"maps"
	"slices"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// AddressTotal is one (IP, MAC, VLAN) of a site, summed over the minutes and
// sensors that saw it: evidence joined, counts added, First the earliest, Last
// the latest, TTL the highest.
type AddressTotal struct {
	observe.Address
	Site    string
	Sensors []string
}

// Fact is a fact that a device of a site told.
type Fact struct {
	observe.Fact
	Site string
}

// Link is who used which service of whom at a site, summed over time: an
// observe.Edge without VLAN and tunnel. Links inside tunnels are left out.
type Link struct {
	Site                 string
	Client, Server       decode.Addr
	ClientMAC, ServerMAC decode.MAC // last seen; 0 for none
	Proto                uint8      // IP protocol number
	ServerPort           uint16     // 0 where the protocol has none
	Service              string     // OT protocol recognised, "" for none
	Packets, Bytes       uint64     // both ways
	Answered             bool       // both ways, and not only to refuse
}

// Use is one OT function between two ends of a site, summed over time.
type Use struct {
	Site      string
	Src, Dst  decode.Addr
	Protocol  string // the sheet's name
	Class     ot.Class
	Direction ot.Direction
	Count     uint64
}

// Input is all that devices are made of, of any number of sites.
type Input struct {
	Addresses []AddressTotal
	Facts     []Fact
	Links     []Link
	Uses      []Use
}

// Options of Devices; the zero value is the default.
type Options struct {
	// InternetEach gives each public address a row of its own; else all of a site are one.
	InternetEach bool
	// Internal says which public addresses are used inside (nil: none).
	Internal func(decode.Addr) bool
	// Fingerprints of TCP stacks (nil: those built in).
	Fingerprints *Fingerprints
	// Vendors are the registries of MAC prefixes (nil: those built in).
	Vendors *Vendors
	// Criticality is what the ledger says of a device, 0 to 100; ok is false where it says nothing. nil: there is no ledger.
	Criticality func(*Device) (value int, ok bool)
	// Level is the Purdue level that the ledger says a device to be of, "0" to "5", "" where it says none. nil: there is no ledger.
	Level func(*Device) string
}

// Device is one device of a site: what `osect devices list` prints.
type Device struct {
	Site string
	// MAC is 0 for a device known by address only (then IPs has one) and for the internet row.
	MAC decode.MAC
	// Internet marks the row that stands for all public addresses (MAC 0, no IPs).
	Internet bool
	IPs      []decode.Addr // own addresses, sorted
	Vendor   string        // IEEE registry, or what the device said of itself; "" unknown
	Hostname string
	OS       string // "" unknown
	// OSAccuracy is 0 to 100, OSEvidence what it is the sum of, the best first; OSConflict says that the evidence disagrees.
	OSAccuracy int
	OSEvidence []OSEvidence
	OSConflict bool
	// Role is one of Roles; RoleConfidence 0 to 100; Reasons the evidence, strongest first.
	Role           string
	RoleConfidence int
	Reasons        []Reason
	// Level is the Purdue level that the role suggests ("1", "2", "3", "4", "5"; "" none), LevelConfidence 0 to 100.
	Level           string
	LevelConfidence int
	// Importance is 0 to 100, the sum of ImportanceParts.
	Importance      int
	ImportanceParts ImportanceParts
	// Router says that the MAC carries other devices' packets.
	Router  bool
	VLANs   []uint16 // sorted; untagged is not listed
	Sensors []string // sorted
	// FirstSeen and LastSeen in ns since 1970 UTC.
	FirstSeen, LastSeen            int64
	PacketsSent, BytesSent         uint64
	PacketsReceived, BytesReceived uint64
	// Peers is the number of other ends it exchanged packets with.
	Peers int
	// InLedger is set by the caller: the ledger is not this room's.
	InLedger bool
}

// Reason is one piece of evidence for a role.
type Reason struct {
	Role   string
	Weight int
	// Key is of text/ (device.reason.…), Arg fills {what}.
	Key, Arg string
}

// Devices makes devices of what was seen, in the order site, MAC (0 last), IP.
// See the package comment for the rules.
func Devices(in Input, o Options) []Device {
	var devices []Device
	sites := bySite(in.Addresses)
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		s := newSite(site, sites[site], &o)
		s.facts(in.Facts)
		s.graph(in.Links, in.Uses)
		devices = append(devices, s.finish()...)
	}
	return devices
}

// Count is how many devices Devices makes of addresses.
func Count(addresses []AddressTotal) int {
	n := 0
	for site, rows := range bySite(addresses) {
		n += len(newSite(site, rows, &Options{}).work)
	}
	return n
}

func bySite(addresses []AddressTotal) map[string][]AddressTotal {
	sites := map[string][]AddressTotal{}
	for _, a := range addresses {
		if a.MAC == decode.NullMAC {
			a.MAC = 0
		}
		sites[a.Site] = append(sites[a.Site], a)
	}
	return sites
}

// site makes the devices of one site.
type site struct {
	name   string
	o      *Options
	work   []*work
	byMAC  map[decode.MAC]*work
	owners map[decode.Addr][]*work // devices that have an address
	inet   *work                   // the one row for all public addresses
}

// work is a device in the making.
type work struct {
	Device
	seen     []observe.Address
	peers    map[*work]bool
	clients  map[*work]bool // use a service of it
	targets  map[*work]bool // it writes to or controls them by OT
	evidence map[reasonKey]Reason
	names    []name

	osFacts    []OSEvidence
	osNames    []string // systems that are left
	serverType uint32   // bits of CIFS browser announcements
	samba      bool
	ot         otUse
	supervises bool // asks many controllers, or is a server that asks some
	watches    bool // asks controllers, as displays do
	oneCarried bool // taken for a router by one public address that lost no hops: it may be its own
	impostor   bool // claimed addresses that others had, while they had them
}

type reasonKey struct{ role, key, arg string }

func (s *site) public(a decode.Addr) bool {
	return Public(a) && (s.o.Internal == nil || !s.o.Internal(a))
}

func (s *site) add(d Device) *work {
	d.Site = s.name
	w := &work{Device: d, peers: map[*work]bool{}, clients: map[*work]bool{}, targets: map[*work]bool{}, evidence: map[reasonKey]Reason{}}
	s.work = append(s.work, w)
	return w
}

func newSite(name string, rows []AddressTotal, o *Options) *site {
	s := &site{name: name, o: o, byMAC: map[decode.MAC]*work{}, owners: map[decode.Addr][]*work{}}
	seen := map[decode.MAC][]observe.Address{}
	sent := map[decode.MAC]bool{}
	for i := range rows {
		a := &rows[i].Address
		seen[a.MAC] = append(seen[a.MAC], *a)
		sent[a.MAC] = sent[a.MAC] || Sent(a)
	}
	private := false                        // some MAC uses a private IPv4 address
	subnets := map[decode.Addr]decode.MAC{} // public subnet → who sends from it; 0 for several
	for i := range rows {
		a := &rows[i].Address
		if net := Subnet(a.IP); a.MAC != 0 && Sent(a) && s.public(a.IP) {
			if m, ok := subnets[net]; ok && m != a.MAC {
				subnets[net] = 0
			} else {
				subnets[net] = a.MAC
			}
		}
		private = private || a.MAC != 0 && Sent(a) && a.IP.IsIPv4() && Ownable(a.IP) && !linkLocal(a.IP) && !s.public(a.IP)
	}
	// MACs first: who is a router, and who claims what.
	claims := map[decode.Addr]bool{}
	for _, mac := range slices.Sorted(maps.Keys(seen)) {
		if mac == 0 || mac.Group() || !sent[mac] {
			continue
		}
		w := s.add(Device{MAC: mac})
		a := &seen[mac][0]
		one := len(seen[mac]) == 1 && Sent(a) && s.public(a.IP) && (hops(a.TTL) == 0 || a.TTL == 60) // where some controllers begin
		if onLink := one && subnets[Subnet(a.IP)] == 0; !onLink || VirtualRouter(mac) {              // else others of its subnet are here
			w.Router = Router(mac, seen[mac], o.Internal) || private && s.onlyPublic(seen[mac])
			w.oneCarried = one
		}
		w.seen = seen[mac]
		s.byMAC[mac] = w
		for i := range w.seen {
			if a := &w.seen[i]; Claimed(a) && Ownable(a.IP) {
				claims[a.IP] = true
				s.own(w, a.IP)
			}
		}
	}
	s.impostors(rows)
	// What a MAC that is no router uses without a claim by anyone is its own.
	for _, w := range s.work {
		for i := range w.seen {
			if a := &w.seen[i]; !w.Router && Sent(a) && Ownable(a.IP) && !claims[a.IP] {
				s.own(w, a.IP)
			}
		}
		if w.Router {
			for i := range w.seen {
				if a := &w.seen[i]; Sent(a) && linkLocal(a.IP) && !claims[a.IP] {
					s.own(w, a.IP)
				}
			}
		}
	}
	// The rest: addresses behind routers or without link layer.
	for i := range rows {
		a := &rows[i].Address
		if !Ownable(a.IP) || len(s.owners[a.IP]) > 0 {
			continue
		}
		switch public := s.public(a.IP); {
		case public && !s.o.InternetEach:
			if s.inet == nil {
				s.inet = s.add(Device{Internet: true})
			}
		case public || Sent(a):
			s.own(s.add(Device{}), a.IP)
		}
	}
	for i := range rows {
		s.count(&rows[i])
	}
	return s
}

// impostors finds who claimed an address, in the VLAN and while it was in use by another MAC that had claimed it before. What it carries it carries because
// others were deceived; that makes no router of it.
func (s *site) impostors(rows []AddressTotal) {
	type place struct {
		ip   decode.Addr
		vlan uint16
	}
	first := map[place]*observe.Address{}
	claims := func(a *observe.Address) bool {
		return a.MAC != 0 && Claimed(a) && a.IP.IsIPv4() && Ownable(a.IP) && !linkLocal(a.IP) && !VirtualRouter(a.MAC)
	}
	for i := range rows {
		a := &rows[i].Address
		if k := (place{a.IP, a.VLAN}); claims(a) && (first[k] == nil || cmp.Or(cmp.Compare(a.First, first[k].First), cmp.Compare(a.MAC, first[k].MAC)) < 0) {
			first[k] = a
		}
	}
	for i := range rows {
		a := &rows[i].Address
		if !claims(a) {
			continue
		}
		if f := first[place{a.IP, a.VLAN}]; f.MAC != a.MAC && f.First < a.First && f.Last >= a.First {
			if w := s.byMAC[a.MAC]; w != nil {
				w.impostor = true
			}
		}
	}
}

// onlyPublic says whether the rows of a MAC hold a public IPv4 address and no
// claim and no other address that it could own.
func (s *site) onlyPublic(seen []observe.Address) bool {
	found := false
	for i := range seen {
		a := &seen[i]
		switch {
		case !Ownable(a.IP):
		case Claimed(a) || !a.IP.IsIPv4() || !s.public(a.IP):
			return false
		default:
			found = true
		}
	}
	return found
}

// own gives an address to a device.
func (s *site) own(w *work, ip decode.Addr) {
	if !slices.Contains(w.IPs, ip) {
		w.IPs = append(w.IPs, ip)
		s.owners[ip] = append(s.owners[ip], w)
	}
}

// count adds a row's traffic and times to the device it is of. What a router carries
// for an address is that address's traffic, once: not where its own device's MAC was seen too.
func (s *site) count(a *AddressTotal) {
	w := s.byMAC[a.MAC]
	if w != nil {
		w.time(a)
	}
	if Ownable(a.IP) && (w == nil || !slices.Contains(w.IPs, a.IP)) {
		switch owners := s.owners[a.IP]; {
		case len(owners) == 1 && (owners[0].MAC == 0 || a.MAC == 0):
			w = owners[0]
			w.time(a)
		case len(owners) == 0 && s.inet != nil && s.public(a.IP):
			w = s.inet
			w.time(a)
		default:
			return
		}
	}
	if w == nil {
		return
	}
	w.PacketsSent += a.PacketsSent
	w.BytesSent += a.BytesSent
	w.PacketsReceived += a.PacketsReceived
	w.BytesReceived += a.BytesReceived
}

// time joins a row's times, VLAN and sensors.
func (w *work) time(a *AddressTotal) {
	if w.FirstSeen == 0 || a.First < w.FirstSeen {
		w.FirstSeen = a.First
	}
	w.LastSeen = max(w.LastSeen, a.Last)
	if a.VLAN != decode.NoVLAN && !slices.Contains(w.VLANs, a.VLAN) {
		w.VLANs = append(w.VLANs, a.VLAN)
	}
	for _, n := range a.Sensors {
		if !slices.Contains(w.Sensors, n) {
			w.Sensors = append(w.Sensors, n)
		}
	}
}

// find is the device of an end, nil for none (multicast, never sent). mac helps where
// an address has several owners; 0 for unknown.
func (s *site) find(a decode.Addr, mac decode.MAC) *work {
	if a.IsMAC() {
		return s.byMAC[a.MAC()]
	}
	owners := s.owners[a]
	for _, w := range owners {
		if w.MAC == mac {
			return w
		}
	}
	switch {
	case len(owners) > 0: // who stands in the middle of others uses the addresses of several
		return slices.MinFunc(owners, func(x, y *work) int { return len(x.IPs) - len(y.IPs) })
	case s.public(a):
		return s.inet
	case !Ownable(a) && !a.Multicast():
		return s.byMAC[mac] // a DHCP client's 0.0.0.0
	}
	return nil
}

// finish settles names, operating systems, roles and importance.
func (s *site) finish() []Device {
	vendors := s.o.Vendors
	if vendors == nil {
		vendors = builtinVendors()
	}
	for _, w := range s.work {
		slices.SortFunc(w.IPs, decode.Addr.Compare)
		slices.Sort(w.VLANs)
		slices.Sort(w.Sensors)
		if v := vendors.Name(w.MAC); v != "" {
			w.Vendor = v
		}
		w.Hostname = best(w.names)
		w.Peers = len(w.peers)
		w.settleOS()
		w.role(s.public)
		w.nameOS()
	}
	for _, w := range s.work {
		w.level()
		if s.o.Level == nil {
			continue
		}
		if l := s.o.Level(&w.Device); l != "" {
			w.Level, w.LevelConfidence = l, 100
		}
	}
	between := s.betweenness()
	out := make([]Device, 0, len(s.work))
	for i, w := range s.work {
		w.ImportanceParts = importance(&w.Device, len(w.targets), len(w.clients), between[i])
		if s.o.Criticality != nil {
			if v, ok := s.o.Criticality(&w.Device); ok {
				w.ImportanceParts.Ledger, w.ImportanceParts.InLedger = v, true
			}
		}
		w.Importance = w.ImportanceParts.Sum()
		out = append(out, w.Device)
	}
	slices.SortFunc(out, compareDevices)
	return out
}

func compareDevices(a, b Device) int {
	// MAC 0 last: it wraps to the highest value.
	if c := cmp.Compare(uint64(a.MAC)-1, uint64(b.MAC)-1); c != 0 {
		return c
	}
	if a.Internet != b.Internet {
		if b.Internet {
			return -1
		}
		return 1
	}
	return slices.CompareFunc(a.IPs, b.IPs, decode.Addr.Compare)
}
