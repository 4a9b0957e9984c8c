package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
)

// Subkinds of connected-device.
const (
	SubNewMAC      = "new-mac"
	SubNewIP       = "new-ip"
	SubNewBinding  = "new-binding"
	SubManyMAC     = "many-mac"
	SubManyIP      = "many-ip"
	SubManyBinding = "many-binding"
)

// devices is the detector of connected devices (D1-1): MACs, addresses and
// which MAC uses which address. docs/detection/connected-device.md states its rules.
type devices struct {
	cfg      *Config
	macs     map[decode.MAC]*entry
	routers  map[decode.MAC]*entry
	dhcp     map[decode.MAC]*entry
	ips      map[decode.Addr]*entry
	bindings map[decode.MAC]map[decode.Addr]*entry
	users    map[decode.Addr][]decode.MAC // bindings the other way
	wild     []deviceRow                  // rows with patterns
	n        int

	// leased are the subnets (of subnet) in which MACs that use DHCP have
	// bindings; derived from dhcp and bindings when stale.
	leased map[decode.Addr]bool
	stale  bool
}

// deviceRow is a Row of this list, read.
type deviceRow struct {
	item     string
	src, dst pattern
}

func parseDevice(r *Row) (deviceRow, error) {
	d := deviceRow{item: r.Item}
	var err error
	if d.src, err = parsePattern(r.Src); err != nil {
		return d, err
	}
	if r.Item != ItemBinding && r.Dst != "" {
		return d, fmt.Errorf("a row of %q has no destination", r.Item)
	}
	mac := d.src.end.IsMAC() && !d.src.prefix.IsValid()
	switch r.Item {
	case ItemMAC, ItemRouter, ItemDHCP:
		if !mac && (r.Item != ItemMAC || d.src.end != anyEnd) {
			return d, fmt.Errorf("%q is no MAC", r.Src)
		}
	case ItemIP:
		if mac {
			return d, fmt.Errorf("%q is no address", r.Src)
		}
	case ItemBinding:
		if d.dst, err = parsePattern(r.Dst); err != nil {
			return d, err
		}
		if !mac && d.src.end != anyEnd || d.src.prefix.IsValid() || d.dst.end.IsMAC() {
			return d, fmt.Errorf("a binding is of a MAC and an address, not of %q and %q", r.Src, r.Dst)
		}
	default:
		return d, fmt.Errorf("item %q: want mac, ip, binding, router or dhcp", r.Item)
	}
	return d, nil
}

func newDevices(cfg *Config) *devices {
	d := &devices{cfg: cfg}
	d.load(nil)
	return d
}

func (d *devices) kind() Kind { return ConnectedDevice }
func (d *devices) rows() int  { return d.n }

func (d *devices) load(rows []Row) {
	d.macs, d.routers, d.dhcp = map[decode.MAC]*entry{}, map[decode.MAC]*entry{}, map[decode.MAC]*entry{}
	d.ips, d.bindings, d.users = map[decode.Addr]*entry{}, map[decode.MAC]map[decode.Addr]*entry{}, map[decode.Addr][]decode.MAC{}
	d.wild, d.n, d.stale = nil, 0, true
	for i := range rows {
		r, err := parseDevice(&rows[i])
		if err != nil {
			continue
		}
		d.n++
		if !r.src.exact() || r.item == ItemBinding && !r.dst.exact() {
			d.wild = append(d.wild, r)
			continue
		}
		e := &entry{Row: rows[i]}
		switch r.item {
		case ItemMAC:
			d.macs[r.src.end.MAC()] = e
		case ItemRouter:
			d.routers[r.src.end.MAC()] = e
		case ItemDHCP:
			d.dhcp[r.src.end.MAC()] = e
		case ItemIP:
			d.ips[r.src.end] = e
		case ItemBinding:
			d.bind(r.src.end.MAC(), r.dst.end, e)
		}
	}
}

func (d *devices) bind(m decode.MAC, ip decode.Addr, e *entry) {
	if d.bindings[m] == nil {
		d.bindings[m] = map[decode.Addr]*entry{}
	}
	d.bindings[m][ip] = e
	d.users[ip] = append(d.users[ip], m)
	d.stale = true
}

func (d *devices) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	teach := func(e *entry, create func() *entry) {
		if e == nil {
			if d.n >= maxRows {
				dropped++
				return
			}
			e = create()
			e.Origin = Learned
			d.n++
		}
		if e.teach(v) {
			changes = append(changes, e.change())
		}
	}
	for _, mv := range v.macs {
		mac, text := mv.mac, mv.mac.String()
		device := mac != 0 && !mac.Group()
		router := mv.router || d.routers[mac] != nil
		sent := false
		for i := range mv.seen {
			a := &mv.seen[i]
			if !inventory.Sent(a) {
				continue
			}
			sent = true
			if !inventory.Ownable(a.IP) || d.cfg.internet(a.IP) {
				continue
			}
			teach(d.ips[a.IP], func() *entry {
				e := &entry{Row: Row{Src: a.IP.String(), Item: ItemIP}}
				d.ips[a.IP] = e
				return e
			})
			if device && (!router || inventory.Claimed(a)) {
				teach(d.bindings[mac][a.IP], func() *entry {
					e := &entry{Row: Row{Src: text, Dst: a.IP.String(), Item: ItemBinding}}
					d.bind(mac, a.IP, e)
					return e
				})
			}
		}
		if !device || !sent && !router {
			continue
		}
		add := func(set map[decode.MAC]*entry, item string) {
			teach(set[mac], func() *entry {
				e := &entry{Row: Row{Src: text, Item: item}}
				set[mac], d.stale = e, true
				return e
			})
		}
		if sent {
			add(d.macs, ItemMAC)
		}
		if router {
			add(d.routers, ItemRouter)
		}
		if v.dhcp[mac] {
			add(d.dhcp, ItemDHCP)
		}
	}
	return changes, dropped
}

func (d *devices) leasedSubnet(a decode.Addr) bool {
	if d.stale {
		d.leased, d.stale = map[decode.Addr]bool{}, false
		for mac := range d.dhcp {
			for ip := range d.bindings[mac] {
				d.leased[inventory.Subnet(ip)] = true
			}
		}
	}
	return d.leased[inventory.Subnet(a)]
}

// aliases are the other addresses under which the lists may know the device
// that uses a in this minute: those learned of its MAC, if it is one that gets
// its addresses by DHCP and a is in a leased subnet.
func (d *devices) aliases(v *view, a decode.Addr) map[decode.Addr]*entry {
	mac := v.owner[a]
	if mac == 0 || d.dhcp[mac] == nil || d.routers[mac] != nil || !d.leasedSubnet(a) {
		return nil
	}
	return d.bindings[mac]
}

func (d *devices) wildMatch(item string, src, dst decode.Addr) bool {
	for _, w := range d.wild {
		if w.item == item && w.src.match(src) && (item != ItemBinding || w.dst.match(dst)) {
			return true
		}
	}
	return false
}

func (d *devices) inspect(v *view) []finding {
	var found []finding
	for _, mv := range v.macs {
		mac := mv.mac
		if mac.Group() {
			continue
		}
		router := mv.router || d.routers[mac] != nil
		newMAC := mac != 0 && d.macs[mac] == nil && !d.wildMatch(ItemMAC, mac.Addr(), decode.Addr{})
		var all *finding // the alert for a new MAC
		var ips []string
		for i := 0; i < len(mv.seen); {
			// One address may be there once a VLAN.
			a := mv.seen[i]
			for i++; i < len(mv.seen) && mv.seen[i].IP == a.IP; i++ {
				b := &mv.seen[i]
				a.Evidence |= b.Evidence
				a.PacketsSent += b.PacketsSent
				a.First, a.Last = min(a.First, b.First), max(a.Last, b.Last)
			}
			if !inventory.Sent(&a) {
				continue
			}
			if newMAC {
				if all == nil {
					all = &finding{subkind: SubNewMAC, key: "mac|" + mac.String(), severity: Medium, technique: "T0864",
						first: a.First, last: a.Last, srcMAC: mac.String(), ref: a.Ref}
				}
				all.first, all.last = min(all.first, a.First), max(all.last, a.Last)
				all.count += max(a.PacketsSent, 1)
			}
			if !inventory.Ownable(a.IP) || d.cfg.internet(a.IP) {
				continue
			}
			own := mac != 0 && (!router || inventory.Claimed(&a))
			if own && newMAC && len(ips) < sampleSize {
				ips = append(ips, a.IP.String())
			}
			if f, ok := d.address(v, mac, &a, own, newMAC); ok {
				found = append(found, f)
			}
		}
		if all == nil {
			continue
		}
		all.args = []Arg{{"mac", mac.String()}, {"vendor", or(inventory.Vendor(mac), "–")}, {"ips", or(strings.Join(ips, ", "), "–")},
			{"random", yesNo(mac.Local())}, {"learned", strconv.Itoa(len(d.macs))}}
		if len(ips) == 1 {
			all.srcIP = ips[0]
		}
		all.groups[0] = group{many: SubManyMAC, name: "all", sample: mac.String(), learned: strconv.Itoa(len(d.macs)), minute: floodMinute, limit: 200, severity: High, technique: "T0864"}
		found = append(found, *all)
	}
	return found
}

// address inspects one address that mac sent from; own says that it is no
// router's carrying for another.
func (d *devices) address(v *view, mac decode.MAC, a *observe.Address, own, newMAC bool) (finding, bool) {
	f := finding{first: a.First, last: a.Last, count: max(a.PacketsSent, 1), srcIP: a.IP.String(), srcMAC: mac.String(), ref: a.Ref}
	if own && (d.bindings[mac][a.IP] != nil || d.wildMatch(ItemBinding, mac.Addr(), a.IP)) {
		return f, false
	}
	leased := own && d.leasedSubnet(a.IP)
	if d.ips[a.IP] == nil && !d.wildMatch(ItemIP, a.IP, decode.Addr{}) {
		switch {
		case own && newMAC: // the new MAC's own alert names it
			return f, false
		case leased && d.dhcp[mac] != nil: // a lease moved
			return f, false
		case own && a.IP.IsIPv6() && d.hasSubnet(mac, a.IP): // a temporary address (RFC 8981)
			return f, false
		}
		f.severity = Medium
		if leased && v.dhcp[mac] {
			f.severity = Low
		}
		total := strconv.Itoa(len(d.ips))
		f.subkind, f.key, f.technique = SubNewIP, "ip|"+a.IP.String(), "T0864"
		f.args = []Arg{{"ip", a.IP.String()}, {"mac", or(mac.String(), "–")}, {"learned", d.addressesOf(mac)}, {"total", total}}
		f.groups = [3]group{
			{many: SubManyIP, name: or(mac.String(), "none"), sample: a.IP.String(), learned: total, minute: floodMinute, limit: floodMinute, severity: High, technique: "T0864"},
			{many: SubManyIP, name: "all", sample: a.IP.String(), learned: total, minute: floodMinute, limit: 200, severity: High, technique: "T0864"},
		}
		return f, true
	}
	if !own {
		return f, false
	}
	// The address was learned, not as this MAC's.
	users := slices.Sorted(slices.Values(d.users[a.IP]))
	if len(users) == 0 && newMAC {
		return f, false
	}
	allDHCP, virtual := true, inventory.VirtualRouter(mac)
	var names []string
	for _, u := range users {
		allDHCP = allDHCP && d.dhcp[u] != nil
		virtual = virtual || inventory.VirtualRouter(u)
		if len(names) < sampleSize {
			names = append(names, u.String())
		}
	}
	switch {
	case leased && allDHCP && (d.dhcp[mac] != nil || newMAC && v.dhcp[mac]): // a lease given on
		return f, false
	case virtual || len(users) == 0:
		f.severity = Low
	default:
		f.severity = High
	}
	f.subkind, f.key, f.technique = SubNewBinding, "binding|"+mac.String()+"|"+a.IP.String(), "T0830"
	f.args = []Arg{{"ip", a.IP.String()}, {"mac", mac.String()}, {"vendor", or(inventory.Vendor(mac), "–")}, {"learned", or(strings.Join(names, ", "), "–")}}
	f.groups = [3]group{
		{many: SubManyBinding, name: mac.String(), sample: a.IP.String(), learned: strconv.Itoa(len(d.ips)), minute: floodMinute, limit: floodMinute, severity: High, technique: "T0830"},
		{many: SubManyBinding, name: "all", sample: a.IP.String(), learned: strconv.Itoa(len(d.ips)), minute: floodMinute, limit: 200, severity: High, technique: "T0830"},
	}
	return f, true
}

// hasSubnet says whether mac was learned with an address of ip's subnet.
func (d *devices) hasSubnet(mac decode.MAC, ip decode.Addr) bool {
	for b := range d.bindings[mac] {
		if b.IsIPv6() && inventory.Subnet(b) == inventory.Subnet(ip) {
			return true
		}
	}
	return false
}

// addressesOf names what mac was learned with.
func (d *devices) addressesOf(mac decode.MAC) string {
	var ips []decode.Addr
	for ip := range d.bindings[mac] {
		ips = append(ips, ip)
	}
	slices.SortFunc(ips, decode.Addr.Compare)
	return list(ips, decode.Addr.String)
}

// list joins the first few of all; "–" for none, "…" for more.
func list[T any](all []T, text func(T) string) string {
	if len(all) == 0 {
		return "–"
	}
	var b strings.Builder
	for i, x := range all {
		if i == sampleSize {
			b.WriteString(", …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text(x))
	}
	return b.String()
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
