package decode

import "encoding/binary"

const (
	protoGRE  = 47
	protoIPIP = 4  // IPv4 in IP, RFC 2003
	protoIPv6 = 41 // IPv6 in IP, RFC 4213

	portVXLAN      = 4789 // RFC 7348
	portVXLANLinux = 8472 // Linux before the port was assigned

	etherBridged  = 0x6558 // transparent Ethernet bridging
	etherERSPAN   = 0x88be // types I and II
	etherERSPAN3  = 0x22eb // type III
	maxGRERouting = 16
)

// transport reads the transport header at s.off; p.Proto says which. s ends
// where the network header says, so that padding is not taken for data.
func (p *Packet) transport(s span) {
	b := p.Data[s.off:s.end]
	p.L4 = s.off
	if len(b) < 4 {
		switch p.Proto {
		case ProtoTCP, ProtoUDP, ProtoICMP, ProtoICMP6, ProtoIGMP, ProtoSCTP, protoGRE, protoIPIP, protoIPv6:
			p.L4 = 0
			p.Reason = ShortTransport
		}
		return
	}
	p.Ports = true
	switch p.Proto {
	case ProtoTCP:
		p.SrcPort = binary.BigEndian.Uint16(b)
		p.DstPort = binary.BigEndian.Uint16(b[2:])
		if len(b) < 20 {
			return
		}
		n := int(b[12]>>4) * 4
		if n < 20 || n > s.wire-s.off {
			return
		}
		p.Seq = binary.BigEndian.Uint32(b[4:])
		p.Ack = binary.BigEndian.Uint32(b[8:])
		p.Flags = b[13]
		p.Window = binary.BigEndian.Uint16(b[14:])
		if n > len(b) {
			p.TCPCut = true
			return
		}
		p.TCP = true
		p.TCPOpts = s.off + 20
		p.Payload, p.PayloadEnd, p.PayloadWire = s.off+n, s.end, s.wire-s.off-n
	case ProtoUDP:
		p.SrcPort = binary.BigEndian.Uint16(b)
		p.DstPort = binary.BigEndian.Uint16(b[2:])
		if len(b) < 8 {
			return
		}
		switch n := int(binary.BigEndian.Uint16(b[4:])); {
		case n >= 8:
			s = s.cut(n)
		case n != 0: // 0: a jumbogram (RFC 2675) or left to the network card
			return
		}
		p.Payload, p.PayloadEnd, p.PayloadWire = s.off+8, s.end, s.wire-s.off-8
		if p.DstPort == portVXLAN || p.DstPort == portVXLANLinux {
			p.vxlan(span{s.off + 8, s.end, s.wire})
		}
	case ProtoICMP, ProtoICMP6:
		p.ICMPType, p.ICMPCode = b[0], b[1]
		if len(b) >= 8 {
			p.Payload, p.PayloadEnd, p.PayloadWire = s.off+8, s.end, s.wire-s.off-8
		}
	case protoGRE:
		p.gre(s)
	case protoIPIP, protoIPv6:
		p.tunnel(IPIP, LinkRaw, s)
	}
}

// tunnel notes what lies in s as carried by kind; nothing in it is no tunnel.
func (p *Packet) tunnel(kind Tunnel, link uint16, s span) {
	if s.off >= s.end {
		return
	}
	p.Tunnel, p.InnerLink, p.InnerOff, p.InnerEnd = kind, link, s.off, s.end
	p.innerWire = uint32(s.wire - s.off)
}

// vxlan reads a VXLAN header (RFC 7348): the flag of a valid network id, the
// reserved bytes 0 on the unassigned port.
func (p *Packet) vxlan(s span) {
	b := p.Data[s.off:s.end]
	if len(b) < 8 || b[0]&0x08 == 0 {
		return
	}
	if p.DstPort == portVXLANLinux && (b[0] != 0x08 || b[1]|b[2]|b[3]|b[7] != 0) {
		return
	}
	s.off += 8
	p.tunnel(VXLAN, LinkEthernet, s)
}

// gre reads a GRE header of version 0 (RFC 2784, RFC 2890, and the routing
// field of RFC 1701). Version 1 (PPTP) carries PPP in pieces and is not looked
// into.
func (p *Packet) gre(s span) {
	b := p.Data[s.off:s.end]
	flags, t := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	if flags&7 != 0 {
		return
	}
	n := 4
	if flags&0xc000 != 0 { // checksum or routing: both words are there
		n += 4
	}
	if flags&0x2000 != 0 { // key
		n += 4
	}
	if flags&0x1000 != 0 { // sequence number
		n += 4
	}
	if flags&0x4000 != 0 { // source route entries: family, offset, length; the last is empty
		for i := 0; ; i++ {
			if i == maxGRERouting || n+4 > len(b) {
				return
			}
			size := int(b[n+3])
			last := size == 0 && binary.BigEndian.Uint16(b[n:]) == 0
			n += 4 + size
			if last {
				break
			}
		}
	}
	link := uint16(LinkEthernet)
	switch t {
	case EtherIPv4, EtherIPv6:
		link = LinkRaw
	case etherBridged:
	case etherERSPAN: // type I has no sequence number and no header
		if flags&0x1000 != 0 {
			n += 8
		}
	case etherERSPAN3:
		// 12 bytes; the frame type, 0 for Ethernet, is in byte 10; the last bit
		// says that 8 bytes more follow.
		if n+12 > len(b) || b[n+10]&0x7c != 0 {
			return
		}
		if b[n+11]&1 != 0 {
			n += 8
		}
		n += 12
	default:
		return
	}
	if n > len(b) {
		return
	}
	s.off += n
	p.tunnel(GRE, link, s)
}
