package decode

import "encoding/binary"

// IPv6 extension headers (IANA, "IPv6 Extension Header Types").
const (
	extHopByHop    = 0
	extRouting     = 43
	extFragment    = 44
	extAH          = 51
	extDestination = 60
	extShim6       = 140

	// maxExtHeaders bounds the chain; senders use one or two.
	maxExtHeaders = 64
)

// rawIP reads IP without a header that says which.
func (p *Packet) rawIP(s span) {
	if s.off == s.end {
		p.L3, p.L3End = s.off, s.end
		p.Reason = ShortIP
		return
	}
	switch p.Data[s.off] >> 4 {
	case 4:
		p.NetType = EtherIPv4
		p.ipv4(s)
	case 6:
		p.NetType = EtherIPv6
		p.ipv6(s)
	default:
		p.L3, p.L3End = s.off, s.end
		p.Reason = BadIP
	}
}

// ipv4 reads an IPv4 header (RFC 791).
func (p *Packet) ipv4(s span) {
	b := p.Data[s.off:s.end]
	p.L3, p.L3End = s.off, s.end
	if len(b) < 20 {
		p.Reason = ShortIP
		return
	}
	hl := int(b[0]&15) * 4
	if hl < 20 || b[0]>>4 != 4 {
		p.Reason = BadIP
		return
	}
	if hl > len(b) && s.wire-s.off >= hl {
		p.Reason = ShortIP
		return
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	frag := binary.BigEndian.Uint16(b[6:])
	if total == 0 { // left to the network card (segmentation offload): all there is
		total = s.wire - s.off
	}
	if total < hl || hl > len(b) {
		p.Reason = BadIP
		return
	}
	p.IPVersion = 4
	p.TTL = b[8]
	p.Proto = b[9]
	p.Src = IPv4(binary.BigEndian.Uint32(b[12:]))
	p.Dst = IPv4(binary.BigEndian.Uint32(b[16:]))
	p.AddrOK = true
	s = s.cut(total)
	p.L3End = s.end
	p.netWire = s.wire
	s.off += hl
	if frag&0x3fff != 0 {
		p.Fragment = true
		p.MoreFrags = frag&0x2000 != 0
		p.FragOff = frag << 3
		p.FragID = uint32(binary.BigEndian.Uint16(b[4:]))
		p.FragData = s.off
		if p.FragOff != 0 {
			return
		}
	}
	if p.Proto == extAH {
		p.extensions(extAH, s)
		return
	}
	p.transport(s)
}

// ipv6 reads an IPv6 header (RFC 8200) and what follows it.
func (p *Packet) ipv6(s span) {
	b := p.Data[s.off:s.end]
	p.L3, p.L3End = s.off, s.end
	if len(b) < 40 {
		p.Reason = ShortIP
		return
	}
	src, dst := IPv6(b[8:24]), IPv6(b[24:40])
	if b[0]>>4 != 6 || src.Reserved() || dst.Reserved() {
		p.Reason = BadIP
		return
	}
	p.IPVersion = 6
	p.Proto = b[6]
	p.TTL = b[7]
	p.Src, p.Dst = src, dst
	p.AddrOK = true
	n := int(binary.BigEndian.Uint16(b[4:]))
	s.off += 40
	if n != 0 || p.Proto != extHopByHop {
		s = s.cut(n)
	} else if j := jumbo(p.Data[s.off:s.end]); j != 0 {
		s = s.cut(j)
	} else {
		s = s.cut(0)
	}
	p.L3End = s.end
	p.netWire = s.wire
	p.extensions(p.Proto, s)
}

// jumbo looks for the jumbo payload option (RFC 2675) in a hop-by-hop header
// and gives the payload's length in bytes, 0 for none.
func jumbo(b []byte) int {
	if len(b) < 8 {
		return 0
	}
	b = b[:min(len(b), int(b[1])*8+8)]
	for i := 2; i+1 < len(b); {
		if b[i] == 0 { // Pad1
			i++
			continue
		}
		if b[i] == 0xc2 && b[i+1] == 4 && i+6 <= len(b) {
			if n := binary.BigEndian.Uint32(b[i+2:]); n > 0xffff && n <= 1<<31-1 {
				return int(n)
			}
			return 0
		}
		i += 2 + int(b[i+1])
	}
	return 0
}

// extensions follows the chain of extension headers from one of number next at
// s.off to the transport header.
func (p *Packet) extensions(next uint8, s span) {
	for range maxExtHeaders {
		b := p.Data[s.off:s.end]
		p.Proto = next
		var n int
		switch next {
		case extHopByHop, extDestination, extRouting, extShim6:
			if len(b) < 8 {
				p.Reason = ShortTransport
				return
			}
			n = int(b[1])*8 + 8
			if next == extHopByHop || next == extDestination {
				if !optionsFit(b, n) {
					p.Reason = BadIP
					return
				}
			}
		case extAH: // RFC 4302
			if len(b) < 8 {
				p.Reason = ShortTransport
				return
			}
			n = int(b[1])*4 + 8
		case extFragment:
			if len(b) < 8 {
				p.Reason = ShortTransport
				return
			}
			n = 8
			f := binary.BigEndian.Uint16(b[2:])
			p.Fragment = true
			p.MoreFrags = f&1 != 0
			p.FragOff = f &^ 7
			p.FragID = binary.BigEndian.Uint32(b[4:])
			p.FragData = s.off + n
			if p.FragOff != 0 {
				p.Proto = b[0]
				return
			}
		default:
			p.transport(s)
			return
		}
		if n > len(b) {
			p.Reason = ShortTransport
			return
		}
		next = b[0]
		s.off += n
	}
	p.Reason = BadIP
}

// optionsFit says whether the options of a hop-by-hop or destination header of
// n bytes, as far as they were captured in b, end inside it.
func optionsFit(b []byte, n int) bool {
	for i := 2; i < n; {
		if i >= len(b) {
			return true // cut: not known
		}
		if b[i] == 0 { // Pad1
			i++
			continue
		}
		if i+1 >= n {
			return false
		}
		if i+1 >= len(b) {
			return true
		}
		i += 2 + int(b[i+1])
		if i > n {
			return false
		}
	}
	return true
}
