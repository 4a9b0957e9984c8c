package detect

import (
	"maps"
	"slices"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
)

// stillActive is how long ago the owner of an address may have been seen so that another's
// claim is no replacement, ns.
const stillActive = 5 * mint

// bound is who has an address.
type bound struct {
	owner     decode.MAC
	claimed   bool // the owner claimed it, or was learned with it; else it is only known to have sent from it
	last      int64
	claimant  decode.MAC // last one that claimed it, the owner or another
	claimedAt int64
	foreign   decode.MAC // one that claimed it and is not the owner
	foreignAt int64
	ref       observe.FrameRef
}

// sighting says that a MAC used or claimed an address.
type sighting struct {
	ip          decode.Addr
	mac         decode.MAC
	first, last int64
	claim       bool
	ref         observe.FrameRef
}

// arp reads the minute's ARP and NDP events: who claims which address, who asks for many.
func (b *builtin) arp(v *view) {
	const (
		low     = 1<<24 - 1
		request = 1
		reply   = 2
	)
	var asked map[uint32]uint32 // by the address' low 24 bits
	var seen []sighting
	for i := range v.m.Events {
		x := &v.m.Events[i]
		if x.Kind != observe.EventARP {
			continue
		}
		seen = append(seen, sighting{x.Src, x.Dst.MAC(), x.First, x.Last, true, x.Ref})
		if x.Arg&0xff == request && x.Src.IsIPv4() && x.Arg>>8 != uint32(x.Src.Lo)&low {
			if asked == nil {
				asked = map[uint32]uint32{}
			}
			asked[x.Arg>>8] += x.Count
		}
	}
	here := map[uint32]bool{}
	for i := range v.m.Addresses {
		a := &v.m.Addresses[i]
		if !a.IP.IsIPv4() || a.Evidence&(observe.SeenIP|observe.SeenARP) == 0 {
			continue
		}
		here[uint32(a.IP.Lo)&low] = true
		if a.MAC != 0 && v.owner[a.IP] == a.MAC && a.Evidence&observe.SeenIP != 0 {
			seen = append(seen, sighting{a.IP, a.MAC, a.First, a.Last, false, a.Ref})
		}
	}
	left := asked
	for i := range v.m.Events {
		x := &v.m.Events[i]
		if x.Kind != observe.EventARP || !x.Src.IsIPv4() {
			continue
		}
		own, target := uint32(x.Src.Lo)&low, x.Arg>>8
		switch {
		case x.Arg&0xff == request && target != own:
			if !here[target] {
				o := b.see("arp-sweep", x.Src, decode.Addr{}, "", uint64(target), 1, x.First, x.First, x.Ref)
				o.srcMAC = x.Dst.MAC()
			}
		case x.Arg&0xff == request || x.Arg&0xff == reply:
			n := x.Count
			if used := min(n, left[own]); used > 0 {
				left[own] -= used
				n -= used
			}
			if n > 0 {
				b.see("arp-flood", x.Dst, decode.Addr{}, "", 0, uint64(n), x.First, x.Last, x.Ref)
			}
		}
	}
	slices.SortStableFunc(seen, func(x, y sighting) int {
		switch {
		case x.first < y.first:
			return -1
		case x.first > y.first:
			return 1
		case x.ip != y.ip:
			return x.ip.Compare(y.ip)
		}
		return x.mac.Addr().Compare(y.mac.Addr())
	})
	// foreign are the claims of the minute to addresses of other owners.
	foreign := map[decode.MAC][]decode.Addr{}
	for i := range seen {
		s := &seen[i]
		b.claimed(v, s)
		x, learned := b.state.bound[s.ip], b.devices.users[s.ip]
		if s.claim && x != nil && x.owner != s.mac && !slices.Contains(learned, s.mac) && (x.claimed || slices.Contains(learned, x.owner)) && !slices.Contains(foreign[s.mac], s.ip) {
			foreign[s.mac] = append(foreign[s.mac], s.ip)
		}
	}
	// Who takes over from one device may be its replacement; who takes the addresses of two stands between them.
	for _, mac := range slices.Sorted(maps.Keys(foreign)) {
		all := foreign[mac]
		if slices.ContainsFunc(all, func(ip decode.Addr) bool { return b.state.bound[ip].owner != b.state.bound[all[0]].owner }) {
			for _, ip := range all {
				if x := b.state.bound[ip]; x.foreign == mac { // else it is told already
					b.spoof(v, ip, x)
				}
			}
		}
	}
}

// claimed takes one sighting.
func (b *builtin) claimed(v *view, s *sighting) {
	if s.mac == 0 || s.mac.Group() || inventory.VirtualRouter(s.mac) || !inventory.Ownable(s.ip) {
		return
	}
	x := b.state.bound[s.ip]
	learned := b.devices.users[s.ip]
	if x == nil {
		if len(b.state.bound) >= maxTracked {
			b.dropped++
			return
		}
		x = &bound{owner: s.mac, last: s.last, claimant: s.mac, claimedAt: s.first - hours}
		if len(learned) > 0 && !slices.Contains(learned, s.mac) {
			x.owner, x.claimed, x.last = learned[0], true, s.first-stillActive-1
		}
		b.state.bound[s.ip] = x
	}
	if s.mac == x.owner {
		x.claimed = x.claimed || s.claim || slices.Contains(learned, s.mac)
		x.last = max(x.last, s.last)
		if x.foreign != 0 && s.first-x.foreignAt <= stillActive {
			b.spoof(v, s.ip, x)
		}
	} else if !s.claim {
		return
	}
	if s.claim {
		if s.mac != x.claimant && s.first-x.claimedAt <= mint {
			b.see("ip-conflict", decode.Addr{}, s.ip, "", 0, 1, s.first, s.first, s.ref).srcMAC = s.mac
		}
		x.claimant, x.claimedAt = s.mac, s.last
	}
	switch {
	case s.mac == x.owner || slices.Contains(learned, s.mac):
	case s.first-x.last > stillActive && !slices.Contains(learned, x.owner):
		x.owner, x.claimed, x.last, x.foreign = s.mac, true, s.last, 0 // replaced
	default:
		x.foreign, x.foreignAt, x.ref = s.mac, s.last, s.ref
		if s.first-x.last <= stillActive {
			b.spoof(v, s.ip, x)
		}
	}
}

// spoof tells that x.foreign claims ip while its owner is active.
func (b *builtin) spoof(v *view, ip decode.Addr, x *bound) {
	o := b.see("arp-spoof", x.foreign.Addr(), ip, "", 0, 1, x.foreignAt, x.foreignAt, x.ref)
	o.srcMAC, o.dstMAC = x.foreign, x.owner
	if !x.claimed {
		o.severity = Medium // a gateway may answer ARP with one MAC and send with another
	}
	// Its own address: one that it was learned with, else one that it sends from.
	own := slices.SortedFunc(maps.Keys(b.devices.bindings[x.foreign]), decode.Addr.Compare)
	for i := range v.m.Addresses {
		if a := &v.m.Addresses[i]; a.MAC == x.foreign && v.owner[a.IP] == a.MAC && a.Evidence&observe.SeenIP != 0 {
			own = append(own, a.IP)
		}
	}
	if i := slices.IndexFunc(own, func(a decode.Addr) bool { return a != ip && inventory.Ownable(a) }); i >= 0 {
		o.srcIP = own[i]
	}
	x.foreign = 0
}
