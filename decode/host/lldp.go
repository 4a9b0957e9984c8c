package host

import (
	"encoding/binary"
	"net/netip"
)

var (
	lldp = Decoder{Name: "lldp", EtherTypes: []uint16{0x88cc}, Frame: lldpFrame}
	cdp  = Decoder{Name: "cdp", SNAPs: []SNAP{{0x00000c, 0x2000}}, Frame: cdpFrame}
)

// LLDP (IEEE 802.1AB): TLVs of type 7 bits, length 9 bits. The first three are
// the chassis, the port and the time to live, in this order.
const (
	tlvEnd          = 0
	tlvChassis      = 1
	tlvPort         = 2
	tlvTTL          = 3
	tlvName         = 5
	tlvDescription  = 6
	tlvCapabilities = 7
	tlvOrganization = 127

	ouiMED = 0x0012bb // TIA-1057; subtypes 5 … 11 are the inventory
)

var medKinds = [...]Kind{5: Hardware, 6: Firmware, 7: Software, 8: Serial, 9: Vendor, 10: Model, 11: Asset}

// lldpBits and cdpBits name the capabilities by bit.
var (
	lldpBits = [...]string{"other", "repeater", "bridge", "access-point", "router", "telephone", "docsis", "station"}
	cdpBits  = [...]string{"router", "transparent-bridge", "source-route-bridge", "switch", "host", "igmp", "repeater", "phone"}
)

func lldpFrame(s *Session, p []byte) bool {
	for i := 0; len(p) >= 2; i++ {
		h := be16(p)
		typ, n := h>>9, h&0x1ff
		if i < 3 && typ != i+1 {
			return false
		}
		if typ == tlvEnd || 2+n > len(p) {
			return i >= 3
		}
		v := p[2 : 2+n]
		p = p[2+n:]
		switch typ {
		case tlvChassis:
			// 4 MAC, 5 network address; others are names.
			s.lldpID(ChassisID, v, 4, 5)
		case tlvPort:
			// 3 MAC, 4 network address
			s.lldpID(PortID, v, 3, 4)
		case tlvTTL:
			if n != 2 {
				return false
			}
			if v[0]|v[1] == 0 {
				return true // says goodbye
			}
		case tlvName:
			s.tell("lldp", Hostname, cstring(v))
		case tlvDescription:
			s.tell("lldp", Description, cstring(v))
		case tlvCapabilities:
			if n == 4 {
				s.bits("lldp", be16(v[2:]), lldpBits[:])
			}
		case tlvOrganization:
			if n > 4 && be16(v)<<8|int(v[2]) == ouiMED && int(v[3]) < len(medKinds) && v[3] >= 5 {
				s.tell("lldp", medKinds[v[3]], cstring(v[4:]))
			}
		}
	}
	return true
}

// lldpID tells an identifier: subtype 1, then a MAC (subtype mac), an address (subtype net: family 1, address) or text.
func (s *Session) lldpID(k Kind, v []byte, mac, net byte) {
	if len(v) < 2 {
		return
	}
	sub, v := v[0], v[1:]
	switch {
	case sub == mac:
		if len(v) == 6 {
			s.buf = appendMAC(s.buf[:0], v)
			s.tell("lldp", k, s.buf)
		}
	case sub == net:
		if a, ok := netip.AddrFromSlice(v[1:]); ok && v[0] <= 2 {
			s.buf = a.AppendTo(s.buf[:0])
			s.tell("lldp", k, s.buf)
		}
	default:
		s.tell("lldp", k, cstring(v))
	}
}

// bits names the bits that are set, lowest first.
func (s *Session) bits(source string, set int, names []string) {
	s.buf = s.buf[:0]
	for i, n := range names {
		if set>>i&1 != 0 {
			if len(s.buf) > 0 {
				s.buf = append(s.buf, ' ')
			}
			s.buf = append(s.buf, n...)
		}
	}
	s.tell(source, Capabilities, s.buf)
}

// cdpFrame reads Cisco's Discovery Protocol: version 1, time to live 1, checksum 2, TLVs of
// type 2 and length 2, which counts these four bytes.
func cdpFrame(s *Session, p []byte) bool {
	const (
		device       = 1
		port         = 3
		capabilities = 4
		version      = 5
		platform     = 6
	)
	if len(p) < 8 || p[0] < 1 || p[0] > 2 {
		return false
	}
	for p = p[4:]; len(p) >= 4; {
		typ, n := be16(p), be16(p[2:])
		if n < 4 || n > len(p) {
			break
		}
		v := p[4:n]
		p = p[n:]
		switch typ {
		case device:
			s.tell("cdp", Hostname, cstring(v))
		case port:
			s.tell("cdp", PortID, cstring(v))
		case capabilities:
			if len(v) == 4 {
				s.bits("cdp", int(binary.BigEndian.Uint32(v)&0xff), cdpBits[:])
			}
		case version:
			s.tell("cdp", Description, cstring(v))
		case platform:
			s.tell("cdp", Model, cstring(v))
		}
	}
	return true
}
