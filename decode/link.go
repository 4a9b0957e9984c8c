package decode

import "encoding/binary"

// EtherTypes, PPP protocols and bounds of the link layer.
const (
	etherCTag     = 0x8100 // IEEE 802.1Q
	etherSTag     = 0x88a8 // IEEE 802.1ad
	etherQinQ     = 0x9100 // stacked tags before 802.1ad
	etherQinQ2    = 0x9200
	etherMPLS     = 0x8847 // RFC 3032
	etherMPLSMult = 0x8848
	etherPPPoE    = 0x8864 // RFC 2516, session stage
	etherPPP      = 0x880b // RFC 7042 B.1: a PPP packet

	maxLength8023 = 1500 // IEEE 802.3: a type field up to here is a length

	pppIPv4     = 0x0021
	pppIPv6     = 0x0057
	pppMPLS     = 0x0281
	pppMPLSMult = 0x0283

	// maxLinkHeaders bounds the tags, label stacks and PPPoE headers of a frame.
	maxLinkHeaders = 8
	// maxLabels bounds one label stack.
	maxLabels = 16
)

// span is a range of the frame: off is the next header, end the offset behind
// what was captured of it, wire the offset behind what the headers so far say
// was on the wire. off <= end <= len(Data), end <= wire.
type span struct{ off, end, wire int }

// cut shortens s to n bytes from off on, where it is longer.
func (s span) cut(n int) span {
	s.end = min(s.end, s.off+n)
	s.wire = min(s.wire, s.off+n)
	return s
}

// Decode reads the frame data, captured with the LINKTYPE_ number link, whose
// length on the wire was wireLen bytes, and sets every field of p. It neither
// copies nor changes data; p points into it. What came of it is in p.Reason.
// A wireLen smaller than len(data) is taken for len(data).
func (p *Packet) Decode(link uint16, data []byte, wireLen uint32) {
	*p = Packet{}
	p.Data = data
	p.linkType = link
	p.WireLen = max(wireLen, uint32(len(data)))
	p.Truncated = uint64(len(data)) < uint64(wireLen)
	p.VLAN, p.InnerVLAN = NoVLAN, NoVLAN
	s := span{0, len(data), int(p.WireLen)}
	if link == LinkEthernet {
		p.ethernet(s)
		return
	}
	p.link(link, s)
}

// DecodeInner reads the packet that outer.Tunnel carries and sets every field
// of p. p.Data is the part of outer.Data from InnerOff to InnerEnd and the
// offsets count from there. A packet that carries no tunnel gives BadLinkType.
// The inner packet may be a tunnel again; how deep to go is the caller's. p and
// outer must not be the same.
func (p *Packet) DecodeInner(outer *Packet) {
	if outer.Tunnel == NoTunnel {
		p.Decode(noLink, nil, 0)
		return
	}
	p.Decode(outer.InnerLink, outer.Data[outer.InnerOff:outer.InnerEnd], outer.innerWire)
	if p.IPVersion != 0 && p.netWire > p.L3 {
		p.WireLen = uint32(p.netWire)
		p.Truncated = p.netWire > p.L3End
	}
}

// noLink is a link type that nothing is read from.
const noLink = 0xffff

// link reads the link header of every type but plain Ethernet.
func (p *Packet) link(link uint16, s span) {
	d := p.Data[:s.end]
	b := d[s.off:]
	switch link {
	case LinkEthernet:
		p.ethernet(s)
	case LinkRaw12, LinkRaw14, LinkRaw:
		p.rawIP(s)
	case LinkIPv4:
		p.NetType = EtherIPv4
		p.ipv4(s)
	case LinkIPv6:
		p.NetType = EtherIPv6
		p.ipv6(s)
	case LinkNull, LinkLoop:
		// The address family: for LinkNull in the byte order of the machine
		// that captured, for LinkLoop in network order. Families are small, so
		// the order shows.
		if len(b) < 4 {
			p.short()
			return
		}
		f := binary.BigEndian.Uint32(b)
		if f > 0xffff {
			f = binary.LittleEndian.Uint32(b)
		}
		s.off += 4
		switch f {
		case 2: // AF_INET everywhere
			p.NetType = EtherIPv4
			p.ipv4(s)
		case 10, 23, 24, 28, 30: // AF_INET6: Linux, Windows, NetBSD and OpenBSD, FreeBSD, Darwin
			p.NetType = EtherIPv6
			p.ipv6(s)
		default:
			p.other(0, s)
		}
	case LinkPPPDir:
		// One byte of direction, then PPP.
		if len(b) < 1 {
			p.short()
			return
		}
		s.off++
		p.pppLink(s)
	case LinkPPP, LinkPPPHDLC:
		p.pppLink(s)
	case LinkSLL:
		// Packet type, ARPHRD type, length of address, address (8), protocol.
		if len(b) < 16 {
			p.short()
			return
		}
		p.cooked(binary.BigEndian.Uint16(b[2:]), binary.BigEndian.Uint16(b[4:]), b[6:14], binary.BigEndian.Uint16(b[14:]),
			span{s.off + 16, s.end, s.wire})
	case LinkSLL2:
		// Protocol, reserved (2), interface (4), ARPHRD type, packet type (1),
		// length of address (1), address (8).
		if len(b) < 20 {
			p.short()
			return
		}
		p.cooked(binary.BigEndian.Uint16(b[8:]), uint16(b[11]), b[12:20], binary.BigEndian.Uint16(b),
			span{s.off + 20, s.end, s.wire})
	case LinkPPI:
		// Version, flags, length of the header with its fields and the DLT of
		// what follows, little-endian (CACE PPI 1.0.7).
		if len(b) < 8 {
			p.short()
			return
		}
		n, dlt := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
		if n < 8 || n > len(b) {
			p.short()
			return
		}
		if dlt == LinkPPI || dlt > 0xfffe {
			dlt = noLink
		}
		s.off += n
		p.link(uint16(dlt), s)
	default:
		p.Reason = BadLinkType
	}
}

// short gives the frame up inside its link header: nothing is taken.
func (p *Packet) short() {
	*p = Packet{Data: p.Data, WireLen: p.WireLen, Truncated: p.Truncated,
		VLAN: NoVLAN, InnerVLAN: NoVLAN, linkType: p.linkType, Reason: ShortLink}
}

// other ends the frame with a network layer that is not read.
func (p *Packet) other(netType uint16, s span) {
	p.NetType, p.L3, p.L3End = netType, s.off, s.end
}

func (p *Packet) ethernet(s span) {
	b := p.Data[s.off:s.end]
	if len(b) < 14 {
		p.short()
		return
	}
	p.DstMAC = macOf(binary.BigEndian.Uint64(b) >> 16)
	p.SrcMAC = macOf(binary.BigEndian.Uint64(b[6:14]) >> 16)
	t := binary.BigEndian.Uint16(b[12:])
	s.off += 14
	if t == EtherIPv4 {
		p.EtherType, p.NetType = t, t
		p.ipv4(s)
		return
	}
	if t > maxLength8023 {
		p.EtherType = t
	}
	p.etherType(t, s)
}

// cooked reads what both Linux "cooked" headers hold.
func (p *Packet) cooked(arphrd, addrLen uint16, addr []byte, proto uint16, s span) {
	if addrLen == 6 {
		p.SrcMAC = MACFromBytes(addr)
	}
	switch {
	case arphrd == 824: // netlink: proto is a netlink family
		p.other(0, s)
	case proto > maxLength8023:
		p.EtherType = proto
		p.etherType(proto, s)
	case proto == 4: // LINUX_SLL_P_802_2
		p.etherType(maxLength8023, s)
	default: // 1 is Novell's raw 802.3; others are no EtherTypes
		p.other(0, s)
	}
}

// etherType reads tags, label stacks, LLC and PPPoE up to the network layer.
// t is an EtherType or, up to 1500, an IEEE 802.3 length.
func (p *Packet) etherType(t uint16, s span) {
	d := p.Data
	for range maxLinkHeaders {
		switch {
		case t == EtherIPv4:
			p.NetType = t
			p.ipv4(s)
			return
		case t == EtherIPv6:
			p.NetType = t
			p.ipv6(s)
			return
		case t == EtherARP || t == EtherRARP:
			p.other(t, s)
			p.arp(d[s.off:s.end])
			return
		case t == etherCTag || t == etherSTag || t == etherQinQ || t == etherQinQ2:
			if s.end-s.off < 4 {
				p.short()
				return
			}
			id := binary.BigEndian.Uint16(d[s.off:]) & 0xfff
			t = binary.BigEndian.Uint16(d[s.off+2:])
			s.off += 4
			p.tag(id)
		case t == etherMPLS || t == etherMPLSMult:
			for i := 0; ; i++ {
				if s.end-s.off < 4 || i == maxLabels {
					p.short()
					return
				}
				bottom := d[s.off+2]&1 != 0
				s.off += 4
				if bottom {
					break
				}
			}
			t, s = underMPLS(d[:s.end], s, t)
			if t == etherMPLS || t == etherMPLSMult { // nothing that shows its kind
				p.other(t, s)
				return
			}
		case t == etherPPPoE:
			// Version and type, code, session, length, then PPP.
			if s.end-s.off < 6 {
				p.short()
				return
			}
			code, n := d[s.off+1], int(binary.BigEndian.Uint16(d[s.off+4:]))
			if code != 0 {
				p.other(t, s)
				return
			}
			s.off += 6
			t, s = p.ppp(s.cut(n))
			if t == etherPPP {
				p.other(t, s)
				return
			}
		case t <= maxLength8023 && t != 0 && !p.HasLLC:
			var ok bool
			if t, s, ok = p.llc(s.cut(int(t))); !ok {
				return
			}
		default:
			p.other(t, s)
			return
		}
	}
	p.other(t, s)
}

func (p *Packet) tag(id uint16) {
	if p.VLAN == NoVLAN {
		p.VLAN = id
	} else if p.InnerVLAN == NoVLAN {
		p.InnerVLAN = id
	}
}

// llc reads IEEE 802.2 LLC and SNAP. It says whether an EtherType follows.
func (p *Packet) llc(s span) (uint16, span, bool) {
	b := p.Data[s.off:s.end]
	if len(b) < 3 || b[0] == 0xff && b[1] == 0xff { // cut, or Novell's IPX without LLC
		p.other(0, s)
		return 0, s, false
	}
	p.LLC, p.HasLLC = binary.BigEndian.Uint16(b), true
	switch {
	case p.LLC == 0xaaaa && b[2] == 3 && len(b) >= 8:
		p.SNAPOUI = uint32(b[3])<<16 | uint32(b[4])<<8 | uint32(b[5])
		p.SNAPType = binary.BigEndian.Uint16(b[6:])
		s.off += 8
		if p.SNAPOUI == 0 || p.SNAPOUI == 0x0000f8 { // RFC 1042; IEEE 802.1H
			return p.SNAPType, s, true
		}
	case b[0] == 0x06 && b[2] == 3: // RFC 948: the SAP of IP
		s.off += 3
		return EtherIPv4, s, true
	case b[2]&3 == 3: // unnumbered: one control byte
		s.off += 3
	default: // information or supervisory: two
		s.off += min(4, len(b))
	}
	p.other(0, s)
	return 0, s, false
}

// underMPLS guesses what a label stack carries: nothing names it. The first
// four bits say IPv4 or IPv6 (RFC 4928); an Ethernet pseudowire (RFC 4448),
// with or without control word, is taken for one only where a known EtherType
// stands in its place. Else t comes back.
func underMPLS(d []byte, s span, t uint16) (uint16, span) {
	b := d[s.off:]
	if len(b) == 0 {
		return t, s
	}
	switch b[0] >> 4 {
	case 4:
		return EtherIPv4, s
	case 6:
		return EtherIPv6, s
	case 0:
		if len(b) >= 18 && pseudowire(b[4:]) {
			s.off += 18
			return binary.BigEndian.Uint16(b[16:]), s
		}
	}
	if len(b) >= 14 && pseudowire(b) {
		s.off += 14
		return binary.BigEndian.Uint16(b[12:]), s
	}
	return t, s
}

// pseudowire says whether b, of 14 bytes or more, begins like an Ethernet
// frame: a source that is no group and an EtherType that is read.
func pseudowire(b []byte) bool {
	switch binary.BigEndian.Uint16(b[12:]) {
	case EtherIPv4, EtherIPv6, EtherARP, etherCTag, etherSTag, etherPPPoE:
		return b[6]&1 == 0
	}
	return false
}

// pppLink reads PPP as a link of its own: with or without the address and
// control bytes FF 03 of HDLC, or Cisco HDLC (0F 00, 8F 00, EtherType).
func (p *Packet) pppLink(s span) {
	b := p.Data[s.off:s.end]
	switch {
	case len(b) >= 4 && (b[0] == 0x0f || b[0] == 0x8f) && b[1] == 0:
		t := binary.BigEndian.Uint16(b[2:])
		p.EtherType = t
		s.off += 4
		p.etherType(t, s)
		return
	case len(b) >= 2 && b[0] == 0xff: // no protocol number begins so
		s.off += 2
	}
	if s.off == s.end {
		p.short()
		return
	}
	t, s := p.ppp(s)
	if t == etherPPP {
		p.other(t, s)
		return
	}
	p.etherType(t, s)
}

// ppp reads a PPP protocol field of one or two bytes (RFC 1661) and gives the
// EtherType for it; etherPPP, with the offset of the field, for protocols that
// have none.
func (p *Packet) ppp(s span) (uint16, span) {
	b := p.Data[s.off:s.end]
	var proto uint16
	n := 1
	switch {
	case len(b) >= 1 && b[0]&1 != 0: // compressed
		proto = uint16(b[0])
	case len(b) >= 2:
		proto, n = binary.BigEndian.Uint16(b), 2
	}
	t := uint16(etherPPP)
	switch proto {
	case pppIPv4:
		t = EtherIPv4
	case pppIPv6:
		t = EtherIPv6
	case pppMPLS:
		t = etherMPLS
	case pppMPLSMult:
		t = etherMPLSMult
	default:
		return t, s
	}
	s.off += n
	return t, s
}

// arp reads an ARP or RARP message (RFC 826, RFC 903) of hardware type Ethernet
// (1, or 2 as experimental Ethernet) with 6-byte MACs and 4-byte IPv4 addresses.
// A message that was cut is left out.
func (p *Packet) arp(b []byte) {
	if len(b) < 28 || binary.BigEndian.Uint16(b[2:]) != EtherIPv4 || b[4] != 6 || b[5] != 4 {
		return
	}
	if h := binary.BigEndian.Uint16(b); h != 1 && h != 2 {
		return
	}
	p.ARPOp = binary.BigEndian.Uint16(b[6:])
	if p.ARPOp == 0 {
		return
	}
	p.ARPSenderMAC = MACFromBytes(b[8:])
	p.ARPSender = IPv4(binary.BigEndian.Uint32(b[14:]))
	p.ARPTarget = IPv4(binary.BigEndian.Uint32(b[24:]))
	if m := MACFromBytes(b[18:]); m != NullMAC { // zero in a question: not known yet
		p.ARPTargetMAC = m
	}
}
