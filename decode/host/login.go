package host

import "bytes"

var (
	kerberos = Decoder{Name: "kerberos", UDPPorts: []uint16{88}, TCPPorts: []uint16{88}, Datagram: kerberosMessage, First: kerberosSegment}
	rdp      = Decoder{Name: "rdp", TCPPorts: []uint16{3389}, First: rdpMessage}
	ldap     = Decoder{Name: "ldap", UDPPorts: []uint16{389}, TCPPorts: []uint16{389, 3268}, Datagram: ldapMessage, First: ldapMessage}
	wsd      = Decoder{Name: "wsd", UDPPorts: []uint16{3702}, Datagram: wsdMessage}
)

// kerberosSegment reads a message over TCP: its length 4 stands before it (RFC 4120 7.2.2).
func kerberosSegment(s *Session, p []byte) bool {
	return len(p) > 4 && p[0] == 0 && kerberosMessage(s, p[4:])
}

// Kerberos messages are [APPLICATION n] (RFC 4120 5.4).
const (
	krbASReq  = 0x6a
	krbASRep  = 0x6b
	krbTGSReq = 0x6c
	krbTGSRep = 0x6d
	krbError  = 0x7e
)

// field is the content of the element [n] (explicit context tag) of a sequence; nil for none.
func field(seq []byte, n byte) []byte {
	for range 32 {
		e, rest := element(seq)
		if e == nil {
			if _, _, ok := derHead(seq); ok && seq[0] == 0xa0|n {
				return inside(seq) // cut at its end
			}
			return nil
		}
		if e[0] == 0xa0|n {
			return inside(e)
		}
		seq = rest
	}
	return nil
}

// kerberosMessage reads the realm, the client's NetBIOS name where a request has it among its addresses, and the names of
// machines (they end in "$"). Names of people are not told.
func kerberosMessage(s *Session, p []byte) bool {
	if len(p) < 10 {
		return false
	}
	body := inside(inside(p))
	switch p[0] {
	case krbASReq, krbTGSReq: // pvno [1], msg-type [2], padata [3], req-body [4]
		if v := field(body, 1); len(v) != 3 || v[2] != 5 {
			return false
		}
		req := inside(field(body, 4))
		s.krbRealm(field(req, 2))
		s.krbMachine(field(req, 1))
		addresses := inside(field(req, 9))
		for range 16 { // {type [0], address [1]}; type 20 is a NetBIOS name of 15 letters and a suffix
			e, rest := element(addresses)
			if e == nil {
				break
			}
			addresses = rest
			if a := inside(field(inside(e), 1)); string(field(inside(e), 0)) == "\x02\x01\x14" && len(a) == 16 {
				if name := plain(a[:15]); text(name) {
					s.tell("kerberos", Hostname, name)
				}
			}
		}
	case krbASRep, krbTGSRep: // pvno [0], msg-type [1], padata [2], crealm [3], cname [4]
		if v := field(body, 0); len(v) != 3 || v[2] != 5 {
			return false
		}
		s.krbRealm(field(body, 3))
		s.tell("kerberos", Service, []byte("kerberos"))
	case krbError: // pvno [0], msg-type [1], …, realm [9]
		if v := field(body, 0); len(v) != 3 || v[2] != 5 {
			return false
		}
		s.krbRealm(field(body, 9))
		s.tell("kerberos", Service, []byte("kerberos"))
	default:
		return false
	}
	return true
}

func (s *Session) krbRealm(v []byte) {
	if r := inside(v); len(r) > 0 && text(r) {
		s.tell("kerberos", Domain, r)
	}
}

// krbMachine tells a principal name (type [0], strings [1]) that is a machine's.
func (s *Session) krbMachine(v []byte) {
	name := inside(inside(field(inside(v), 1)))
	if n := len(name); n > 1 && name[n-1] == '$' && text(name) {
		s.tell("kerberos", Hostname, name[:n-1])
	}
}

// rdpMessage reads what a client of the Remote Desktop Protocol tells before encryption: TPKT (RFC 1006), X.224 data, and in the
// settings exchange the client core data (type c001, length 2; [MS-RDPBCGR] 2.2.1.3.2): version 4, width 2, height 2, depth 2,
// SAS 2, keyboard 4, build 4, name 32 in UTF-16. The cookie's user is not told.
func rdpMessage(s *Session, p []byte) bool {
	if len(p) < 7 || p[0] != 3 || p[1] != 0 || be16(p[2:]) < 7 {
		return false
	}
	switch p[5] & 0xf0 {
	case 0xe0: // connection request
		return true
	case 0xd0: // confirm
		s.tell("rdp", Service, []byte("rdp"))
		return true
	case 0xf0:
	default:
		return false
	}
	i := bytes.Index(p, []byte("\x01\xc0"))
	if !s.FromClient || i < 0 || len(p)-i < 4+20+32 || le16(p[i+2:]) < 4+20+32 {
		return true
	}
	c := p[i+4:]
	if v := le32(c); v>>16 != 0x0008 { // RDP 4.0 is 00080001, later ones 00080004 and up
		return true
	}
	if build := le32(c[16:]); build > 0 && build < 1<<16 {
		s.buf = dotted(s.buf[:0], build)
		s.tell("rdp", ClientBuild, s.buf)
	}
	s.buf, _ = utf16le(s.buf[:0], c[20:52])
	s.tell("rdp", Hostname, s.buf)
	return true
}

// ldapMessage reads what a directory tells of itself: a search result (RFC 4511 4.5.2) for the empty name, the root DSE.
// Attributes dnsHostName, operatingSystem and operatingSystemVersion; the naming context as the domain.
func ldapMessage(s *Session, p []byte) bool {
	const searchResult = 0x64
	if len(p) < 12 || p[0] != 0x30 {
		return false
	}
	m := inside(p)
	_, m = element(m) // message id
	if len(m) == 0 {
		return false
	}
	if m[0] != searchResult {
		return m[0]>>6 == 1 // another operation
	}
	name, list := element(inside(m))
	if name == nil || len(name) != 2 || len(list) == 0 {
		return name != nil
	}
	s.tell("ldap", Service, []byte("ldap"))
	attributes := inside(list)
	for range 64 { // {type, set of values}
		e, rest := element(attributes)
		if e == nil {
			break
		}
		attributes = rest
		typ, values := element(inside(e))
		if typ == nil {
			continue
		}
		v := inside(inside(values))
		if len(v) == 0 || !text(v) {
			continue
		}
		switch a := inside(typ); {
		case is(a, "dnshostname"):
			s.tell("ldap", Hostname, v)
		case is(a, "operatingsystem"):
			s.tell("ldap", OS, v)
		case is(a, "defaultnamingcontext"):
			s.tell("ldap", Domain, v)
		}
	}
	return true
}

// wsdMessage reads WS-Discovery (OASIS 1.1, section 5): the types that a device says it is, and ONVIF's scopes with its name and hardware.
func wsdMessage(s *Session, p []byte) bool {
	if len(p) < 64 || !bytes.Contains(p[:64], []byte("<?xml")) && !bytes.Contains(p[:64], []byte("Envelope")) {
		return false
	}
	if bytes.Contains(p, []byte("/Probe<")) || bytes.Contains(p, []byte("/Resolve<")) {
		return true // what it looks for, not what it is
	}
	for _, t := range [...]struct{ word, service string }{{":Computer", "computer"}, {"PrintDeviceType", "print"}, {"NetworkVideoTransmitter", "camera"}} {
		if i := bytes.Index(p, []byte("Types>")); i >= 0 {
			types := p[i+6:]
			if end := bytes.IndexByte(types, '<'); end > 0 && bytes.Contains(types[:end], []byte(t.word)) {
				s.tell("wsd", Service, []byte(t.service))
			}
		}
	}
	for _, t := range [...]struct {
		word string
		k    Kind
	}{{"onvif://www.onvif.org/hardware/", Model}, {"onvif://www.onvif.org/name/", Hostname}} {
		if i := bytes.Index(p, []byte(t.word)); i >= 0 {
			v := p[i+len(t.word):]
			if end := bytes.IndexAny(v, " <\r\n\t"); end > 0 && text(v[:end]) {
				s.tell("wsd", t.k, v[:end])
			}
		}
	}
	return true
}
