package inventory

import (
	"slices"

	"osect/decode"
	"osect/observe"
)

// Ownable says whether a device can have a as its address: an IP address that
// is not unspecified (all of 0.0.0.0/8), loopback, multicast or 240.0.0.0/4 with the limited broadcast.
func Ownable(a decode.Addr) bool {
	switch {
	case a.IsMAC():
		return false
	case a.IsIPv4():
		top := a.Lo >> 24
		return top != 0 && top != 127 && top < 224
	}
	return a.Hi>>56 != 0xff && !(a.Hi == 0 && a.Lo <= 1)
}

// Public says whether a is an address of the internet: ownable and not of the blocks that
// RFC 6890 lists as not globally reachable; IPv6: 2000::/3 less Teredo and
// 6to4. The blocks for documentation (RFC 5737, RFC 3849) count as public: no
// site may use them, and in captures that were made anonymous or made up they stand for
// the internet.
func Public(a decode.Addr) bool {
	if !Ownable(a) {
		return false
	}
	if a.IsIPv4() {
		ip := uint32(a.Lo)
		for _, b := range notPublic {
			if ip>>(32-b.bits) == b.net>>(32-b.bits) {
				return false
			}
		}
		return true
	}
	top := a.Hi >> 32
	return a.Hi>>61 == 1 && top != 0x2001_0000 && top>>16 != 0x2002
}

var notPublic = [...]struct {
	net  uint32
	bits int
}{
	{10 << 24, 8}, {100<<24 | 64<<16, 10}, {169<<24 | 254<<16, 16}, {172<<24 | 16<<16, 12}, {192<<24 | 168<<16, 16},
	{192 << 24, 24}, {198<<24 | 18<<16, 15},
}

func linkLocal(a decode.Addr) bool {
	return a.IsIPv4() && a.Lo>>16 == 169<<8|254 || a.IsIPv6() && a.Hi>>54 == 0xfe80>>6
}

// Sent says whether the address sent a frame of any kind (and was not only
// sent to, or named by others).
func Sent(a *observe.Address) bool {
	return a.PacketsSent > 0 || a.Evidence&(observe.SeenIP|observe.SeenARP|observe.SeenNDP|observe.SeenEthernet) != 0
}

// Claimed says whether the MAC said itself, by ARP or NDP, that the address is its own.
func Claimed(a *observe.Address) bool { return a.Evidence&(observe.SeenARP|observe.SeenNDP) != 0 }

// VirtualRouter says whether m is a MAC of a router redundancy protocol:
// VRRP and CARP 00:00:5e:00:01/02:xx (RFC 9568), HSRP 00:00:0c:07:ac:xx and
// 00:00:0c:9f:fx:xx, GLBP 00:07:b4:00:xx:xx.
func VirtualRouter(m decode.MAC) bool {
	switch m >> 8 {
	case 0x00005e0001, 0x00005e0002, 0x00000c07ac:
		return true
	}
	return m>>12 == 0x00000c9ff || m>>16 == 0x0007b400
}

// Subnet is the /24 of an IPv4, the /64 of an IPv6 address: what this package takes
// for one subnet, as netmasks are not seen.
func Subnet(a decode.Addr) decode.Addr {
	if a.IsIPv4() {
		return decode.IPv4(uint32(a.Lo) &^ 0xff)
	}
	return decode.Addr{Hi: a.Hi}
}

// hops is how many routers a packet of this TTL has passed if it began at 64,
// 128 or 255; 0 where that says nothing (TTLs up to 32 are often set on purpose).
func hops(ttl uint8) int {
	for _, initial := range []int{64, 128, 255} {
		if int(ttl) <= initial {
			if n := initial - int(ttl); ttl > 32 && n <= 30 {
				return n
			}
			return 0
		}
	}
	return 0
}

// span is how long an address or subnet was carried, ns.
type span struct{ first, last int64 }

const spanMargin = int64(300e9)

// atOnce is the most spans that overlap at one time.
func atOnce(spans []span) int {
	if len(spans) < 2 {
		return len(spans)
	}
	type edge struct {
		at int64
		d  int
	}
	edges := make([]edge, 0, 2*len(spans))
	for _, s := range spans {
		edges = append(edges, edge{s.first - spanMargin, 1}, edge{s.last + spanMargin, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return b.d - a.d
	})
	n, most := 0, 0
	for _, e := range edges {
		n += e.d
		most = max(most, n)
	}
	return most
}

// Router applies the router rule (package comment) to one MAC. seen are all
// rows of that MAC; internal says which public addresses are used inside (nil: none).
func Router(mac decode.MAC, seen []observe.Address, internal func(decode.Addr) bool) bool {
	if mac == 0 || mac.Group() {
		return false
	}
	if VirtualRouter(mac) {
		return true
	}
	if len(seen) < 2 && (len(seen) == 0 || !Public(seen[0].IP)) {
		return false // the usual case: one address
	}
	public := func(a decode.Addr) bool { return Public(a) && (internal == nil || !internal(a)) }

	var claims []decode.Addr // subnets
	claimedIP := map[decode.Addr]bool{}
	claimed4, claimed6, private4 := false, false, false
	for i := range seen {
		a := &seen[i]
		if !Ownable(a.IP) {
			continue
		}
		if Claimed(a) {
			claimedIP[a.IP] = true
			claims = append(claims, Subnet(a.IP))
			claimed4, claimed6 = claimed4 || a.IP.IsIPv4(), claimed6 || a.IP.IsIPv6()
		}
		private4 = private4 || a.IP.IsIPv4() && !public(a.IP)
	}
	carried, nets := map[decode.Addr]span{}, map[decode.Addr]span{}
	off := map[decode.Addr]span{}
	join := func(m map[decode.Addr]span, k decode.Addr, a *observe.Address) {
		s, ok := m[k]
		if !ok {
			s = span{a.First, a.Last}
		}
		m[k] = span{min(s.first, a.First), max(s.last, a.Last)}
	}
	for i := range seen {
		a := &seen[i]
		if !Ownable(a.IP) || linkLocal(a.IP) || claimedIP[a.IP] {
			continue
		}
		outside := !slices.Contains(claims, Subnet(a.IP))
		if a.IP.IsIPv4() && public(a.IP) && (claimed4 || claimed6 || private4) {
			return true
		}
		same := claimed4
		if a.IP.IsIPv6() {
			same = claimed6
		}
		if Sent(a) && hops(a.TTL) > 0 && (public(a.IP) || same && outside) {
			return true
		}
		join(nets, Subnet(a.IP), a)
		if a.IP.IsIPv4() {
			join(carried, a.IP, a)
			if claimed4 && outside {
				join(off, a.IP, a)
			}
		}
	}
	most := func(m map[decode.Addr]span, v4 bool) int {
		var s []span
		for k, x := range m {
			if k.IsIPv4() == v4 {
				s = append(s, x)
			}
		}
		return atOnce(s)
	}
	return most(off, true) >= 2 || most(carried, true) >= 5 || most(nets, true) >= 3 || most(nets, false) >= 4
}
