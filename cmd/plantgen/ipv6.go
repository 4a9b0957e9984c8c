package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

var (
	allNodes   = netip.MustParseAddr("ff02::1")
	allRouters = netip.MustParseAddr("ff02::2")
	mldRouters = netip.MustParseAddr("ff02::16")
	dhcpAgents = netip.MustParseAddr("ff02::1:2")
	llmnrGroup = netip.MustParseAddr("ff02::1:3")
)

// linkLocal is the address that a host makes of its MAC (RFC 4291, appendix A).
func linkLocal(m mac) netip.Addr {
	return netip.AddrFrom16([16]byte{0: 0xfe, 1: 0x80, 8: m[0] ^ 2, 9: m[1], 10: m[2], 11: 0xff, 12: 0xfe, 13: m[3], 14: m[4], 15: m[5]})
}

// solicited is the group that a neighbour solicitation for a goes to.
func solicited(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 11: 1, 12: 0xff, 13: b[13], 14: b[14], 15: b[15]})
}

// checksum6 is the transport checksum with the IPv6 pseudo-header (RFC 8200,
// section 8.1).
func checksum6(src, dst netip.Addr, next uint8, seg []byte) uint16 {
	s, d := src.As16(), dst.As16()
	p := cat(s[:], d[:], binary.BigEndian.AppendUint32(nil, uint32(len(seg))), []byte{0, 0, 0, next})
	return checksum(uint32(^checksum(0, p)), seg)
}

// ipv6To sends a packet to a multicast group; ext is a hop-by-hop header of
// eight bytes or nil, whose first byte is set to next.
func (w *world) ipv6To(t int64, n *node, src, dst netip.Addr, next, hops uint8, ext, seg []byte, c *communication) {
	h := make([]byte, 40)
	h[0] = 0x60
	binary.BigEndian.PutUint16(h[4:], uint16(len(ext)+len(seg)))
	h[6], h[7] = next, hops
	if ext != nil {
		h[6], ext[0] = 0, next
	}
	s, d := src.As16(), dst.As16()
	copy(h[8:], s[:])
	copy(h[24:], d[:])
	w.emit(t, ethernet(mac{0x33, 0x33, d[12], d[13], d[14], d[15]}, n.mac, 0x86dd, cat(h, ext, seg)), c)
}

func (w *world) icmp6(t int64, n *node, src, dst netip.Addr, typ uint8, hops uint8, ext, body []byte) {
	seg := append([]byte{typ, 0, 0, 0}, body...)
	binary.BigEndian.PutUint16(seg[2:], checksum6(src, dst, 58, seg))
	w.ipv6To(t, n, src, dst, 58, hops, ext, seg, w.commOf(commKey{src, dst, 58, uint16(typ), 0}))
}

func (w *world) udp6To(t int64, n *node, sport uint16, dst netip.Addr, dport uint16, payload []byte) {
	src := linkLocal(n.mac)
	seg := cat(be16(sport), be16(dport), be16(uint16(8+len(payload))), []byte{0, 0}, payload)
	binary.BigEndian.PutUint16(seg[6:], max(1, checksum6(src, dst, 17, seg)))
	w.ipv6To(t, n, src, dst, 17, 1, nil, seg, w.commOf(commKey{src, dst, 17, dport, 0}))
}

// boot6 is what a host says when IPv6 comes up: duplicate address detection,
// router solicitation (RFC 4861) and a multicast listener report (RFC 3810).
func (w *world) boot6(t int64, n *node) {
	n.v6 = linkLocal(n.mac)
	a := n.v6.As16()
	w.icmp6(t, n, netip.IPv6Unspecified(), solicited(n.v6), 135, 255, nil, cat(make([]byte, 4), a[:]))
	w.icmp6(t+second, n, n.v6, allRouters, 133, 255, nil, cat(make([]byte, 4), []byte{1, 1}, n.mac[:]))
	g := llmnrGroup.As16()
	w.icmp6(t+second+20*ms, n, n.v6, mldRouters, 143, 1, []byte{0, 0, 5, 2, 0, 0, 1, 0},
		cat([]byte{0, 0, 0, 1}, []byte{4, 0, 0, 0}, g[:]))
}

// solicit6 is a DHCPv6 Solicit (RFC 8415) as Windows sends it, which nobody
// answers here.
func (w *world) solicit6(t int64, n *node, r *rand.Rand) {
	opt := func(code uint16, d []byte) []byte { return cat(be16(code), be16(uint16(len(d))), d) }
	name := append([]byte{0, byte(len(n.name))}, n.name...)
	m := cat([]byte{1}, randomBytes(r, 3), opt(8, []byte{0, 0}), opt(1, cat([]byte{0, 3, 0, 1}, n.mac[:])),
		opt(3, make([]byte, 12)), opt(39, append(name, 0)),
		opt(16, cat([]byte{0, 0, 1, 0x37, 0, 8}, []byte("MSFT 5.0"))), opt(6, []byte{0, 17, 0, 23, 0, 24, 0, 39}))
	w.udp6To(t, n, 546, dhcpAgents, 547, m)
}

// advertise6 is a router advertisement (RFC 4861, section 4.2) with a prefix.
func (w *world) advertise6(t int64, n *node) {
	p := netip.MustParseAddr("2001:db8:bad::").As16()
	w.icmp6(t, n, linkLocal(n.mac), allNodes, 134, 255, nil, cat([]byte{64, 0, 0x07, 0x08}, make([]byte, 8),
		[]byte{3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0}, p[:]))
}
