package host

import (
	"bytes"

	"osect/decode"
)

var (
	dns   = Decoder{Name: "dns", UDPPorts: []uint16{53}, Datagram: dnsMessage}
	mdns  = Decoder{Name: "mdns", UDPPorts: []uint16{5353}, Datagram: mdnsMessage}
	llmnr = Decoder{Name: "llmnr", UDPPorts: []uint16{5355}, Datagram: llmnrMessage}
)

// DNS (RFC 1035): id 2, flags 2, four counts 2; questions: name, type 2, class
// 2; records: name, type 2, class 2, TTL 4, length 2, data.
const (
	dnsHeader = 12

	typeA     = 1
	typePTR   = 12
	typeHINFO = 13
	typeTXT   = 16
	typeAAAA  = 28
	typeANY   = 255
	classIN   = 1

	flagQR     = 0x8000
	opcodeBits = 0x7800
	rcodeBits  = 0x000f

	maxName    = 255 // RFC 1035 2.3.4
	maxRecords = 128 // of one message; more are not read
)

// nameAt reads the name at off of message p into dst as text with dots and
// returns the offset behind it. A pointer must lead backwards, so none can loop.
// ok is false for what is cut or no name.
func nameAt(dst, p []byte, off int) (name []byte, next int, ok bool) {
	floor := off // pointers must lead below
	for {
		if off >= len(p) {
			return dst, 0, false
		}
		n := int(p[off])
		switch {
		case n == 0:
			if next == 0 {
				next = off + 1
			}
			return dst, next, true
		case n&0xc0 == 0xc0:
			if off+2 > len(p) {
				return dst, 0, false
			}
			to := be16(p[off:]) & 0x3fff
			if to >= floor {
				return dst, 0, false
			}
			if next == 0 {
				next = off + 2
			}
			off, floor = to, to
		case n < 64:
			if off+1+n > len(p) || len(dst)+n+1 > maxName {
				return dst, 0, false
			}
			if len(dst) > 0 {
				dst = append(dst, '.')
			}
			dst = append(dst, p[off+1:off+1+n]...)
			off += 1 + n
		default:
			return dst, 0, false
		}
	}
}

// labels reads a name in labels without pointers that fills p (a partial one needs
// no end).
func (s *Session) labels(p []byte) ([]byte, bool) {
	s.name = s.name[:0]
	for len(p) > 0 && p[0] != 0 {
		n := int(p[0])
		if n > 63 || 1+n > len(p) || len(s.name)+n+1 > maxName {
			return nil, false
		}
		if len(s.name) > 0 {
			s.name = append(s.name, '.')
		}
		s.name = append(s.name, p[1:1+n]...)
		p = p[1+n:]
	}
	return s.name, len(s.name) > 0
}

// message is the head of a DNS message.
type message struct {
	p         []byte
	flags     int
	questions int
	records   [3]int // answers, authorities, additional
}

func readMessage(p []byte) (m message, ok bool) {
	if len(p) < dnsHeader {
		return m, false
	}
	m = message{p, be16(p[2:]), be16(p[4:]), [3]int{be16(p[6:]), be16(p[8:]), be16(p[10:])}}
	return m, m.questions <= maxRecords
}

// record is one resource record; data are p[at:end].
type record struct {
	section    int
	typ, class int
	at, end    int
}

// walk reads questions and records, names into s.name, and calls f for the
// records. It says whether all that was read fitted; what is cut after whole records is no fault.
func (s *Session) walk(m *message, question func(typ, class int), f func(r record)) bool {
	off := dnsHeader
	for range m.questions {
		var ok bool
		if s.name, off, ok = nameAt(s.name[:0], m.p, off); !ok || off+4 > len(m.p) {
			return false
		}
		if question != nil {
			question(be16(m.p[off:]), be16(m.p[off+2:]))
		}
		off += 4
	}
	left := maxRecords
	for section, n := range m.records {
		for range n {
			if left--; left < 0 {
				return true
			}
			var ok bool
			if s.name, off, ok = nameAt(s.name[:0], m.p, off); !ok || off+10 > len(m.p) {
				return section > 0 || left < maxRecords-1
			}
			r := record{section, be16(m.p[off:]), be16(m.p[off+2:]), off + 10, off + 10 + be16(m.p[off+8:])}
			if r.end > len(m.p) {
				return section > 0 || left < maxRecords-1
			}
			f(r)
			off = r.end
		}
	}
	return true
}

// addressOf reads the address of an A or AAAA record.
func (m *message) addressOf(r record) (decode.Addr, bool) {
	switch {
	case r.typ == typeA && r.end-r.at == 4:
		a := ipv4(m.p[r.at:])
		return a, !unspecified(a) && !a.Multicast()
	case r.typ == typeAAAA && r.end-r.at == 16:
		a, ok := ipv6(m.p[r.at:])
		return a, ok && !a.Multicast()
	}
	return decode.Addr{}, false
}

// dnsMessage reads the answers of name servers: the owner of an address record
// is the host name of that address, and so is what a reverse name points to.
func dnsMessage(s *Session, p []byte) bool {
	m, ok := readMessage(p)
	if !ok || s.SrcPort != 53 || m.flags&(flagQR|opcodeBits|rcodeBits) != flagQR || m.questions != 1 || m.records[0] == 0 {
		return false
	}
	return s.walk(&m, nil, func(r record) {
		if r.section != 0 || r.class != classIN {
			return
		}
		if a, ok := m.addressOf(r); ok {
			s.address("dns", Hostname, a, s.name)
		} else if r.typ == typePTR {
			if a, ok := reverse(s.name); ok {
				if name, _, ok := nameAt(s.buf[:0], p[:r.end], r.at); ok {
					s.buf = name
					s.address("dns", Hostname, a, name)
				}
			}
		}
	})
}

// reverse reads "d.c.b.a.in-addr.arpa".
func reverse(name []byte) (decode.Addr, bool) {
	const tail = ".in-addr.arpa"
	if len(name) <= len(tail) || !is(name[len(name)-len(tail):], tail) {
		return decode.Addr{}, false
	}
	name = name[:len(name)-len(tail)]
	ip, shift := uint32(0), 0
	for ; shift < 32; shift += 8 {
		part := name
		if i := bytes.IndexByte(name, '.'); i >= 0 {
			part, name = name[:i], name[i+1:]
		} else {
			name = nil
		}
		if len(part) == 0 || len(part) > 3 {
			return decode.Addr{}, false
		}
		n := uint32(0)
		for _, c := range part {
			if c < '0' || c > '9' {
				return decode.Addr{}, false
			}
			n = n*10 + uint32(c-'0')
		}
		if n > 255 {
			return decode.Addr{}, false
		}
		ip |= n << shift
	}
	return decode.IPv4(ip), len(name) == 0 && ip != 0
}

// mdnsMessage reads what a host answers for its own names (RFC 6762, RFC 6763).
func mdnsMessage(s *Session, p []byte) bool {
	m, ok := readMessage(p)
	if !ok || s.SrcPort != 5353 || m.flags&(opcodeBits|rcodeBits) != 0 {
		return false
	}
	if m.flags&flagQR == 0 {
		return true // questions; what they carry is known from others, or not yet theirs
	}
	return s.walk(&m, nil, func(r record) {
		class := r.class & 0x7fff // the top bit says that other answers are void
		if class != classIN || r.section == 1 {
			return
		}
		a, isAddress := m.addressOf(r)
		switch {
		case isAddress:
			s.address("mdns", Hostname, a, local(s.name))
			if a == s.Src {
				s.bind(a, s.SrcMAC, ByDNS)
			}
		case r.typ == typePTR:
			if n := service(s.name); n > 0 {
				s.tell("mdns", Service, s.name[:n])
			}
		case r.typ == typeTXT:
			s.txt(p[r.at:r.end])
		case r.typ == typeHINFO: // two strings: processor, operating system
			d := p[r.at:r.end]
			if len(d) > 1 && 2+int(d[0]) <= len(d) {
				if os := d[1+int(d[0]):]; len(os) == 1+int(os[0]) {
					s.tell("mdns", OS, os[1:])
				}
			}
		}
	})
}

// local cuts ".local" off.
func local(name []byte) []byte {
	if n := len(name) - 6; n > 0 && is(name[n:], ".local") {
		return name[:n]
	}
	return name
}

// service is the length of "_ipp._tcp" in "_ipp._tcp.local"; 0 for other names
// (instances, subtypes, the list of services).
func service(name []byte) int {
	n := len(local(name))
	if n == len(name) || n < 7 || name[0] != '_' {
		return 0
	}
	if end := name[n-5 : n]; !is(end, "._tcp") && !is(end, "._udp") {
		return 0
	}
	if bytes.Count(name[:n], []byte(".")) != 1 {
		return 0
	}
	return n
}

// txt reads what makers put into TXT records: the model.
func (s *Session) txt(d []byte) {
	for len(d) > 0 && 1+int(d[0]) <= len(d) {
		e := d[1 : 1+int(d[0])]
		d = d[1+int(d[0]):]
		i := bytes.IndexByte(e, '=')
		if i < 0 {
			continue
		}
		// model: device-info; ty: printers (Bonjour Printing 1.2); md: cast devices.
		if k := e[:i]; is(k, "model") || is(k, "ty") || is(k, "md") {
			s.tell("mdns", Model, e[i+1:])
		}
	}
}

// llmnrMessage reads answers (RFC 4795), and questions for all records of a
// name: with them a host asks whether anyone else has its own name.
func llmnrMessage(s *Session, p []byte) bool {
	m, ok := readMessage(p)
	if !ok || m.flags&(opcodeBits|rcodeBits) != 0 || m.questions != 1 {
		return false
	}
	if m.flags&flagQR == 0 {
		return s.walk(&m, func(typ, class int) {
			if typ == typeANY && class == classIN {
				s.tell("llmnr", Hostname, s.name)
			}
		}, func(record) {})
	}
	if s.SrcPort != 5355 {
		return false
	}
	return s.walk(&m, nil, func(r record) {
		if a, ok := m.addressOf(r); ok && r.section == 0 && r.class == classIN {
			s.address("llmnr", Hostname, a, s.name)
			if a == s.Src {
				s.bind(a, s.SrcMAC, ByDNS)
			}
		}
	})
}
