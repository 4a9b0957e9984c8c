// Package sign finds in single payloads what attacks show and no sum of
// traffic does: a refused log-in, a password in the clear, a name answered, a
// query of a DNS tunnel, an SMB request that only exploits send. A payload is
// looked at by itself, on the protocol's port; what does not parse is no sign.
// Passwords, user names and communities are never told.
//
// Sources: FTP RFC 959, rlogin RFC 1282, rsh and rexec as in rshd(8) and rexecd(8) of BSD, HTTP RFC 9110, POP3 RFC 1939, IMAP RFC 9051, LDAP RFC 4511, MQTT 3.1.1,
// SNMP RFC 1901, DNS RFC 1035, LLMNR RFC 4795, NetBIOS names RFC 1002, DHCP RFC 2131,
// SMB1 [MS-CIFS], SMB2 [MS-SMB2], NT status [MS-ERREF].
package sign

import (
	"bytes"
	"encoding/base64"
	"math"

	"osect/decode"
)

// Kind names a sign.
type Kind uint8

// The signs. From says which end did it.
const (
	// Refused: a server refused a log-in; Text is the service.
	Refused Kind = iota
	// Cleartext: a client sent a password or community that can be read; Text is the service.
	Cleartext
	// Default: a client sent a password or community that makers ship; Text is the service.
	Default
	// SMB1: a server agreed to speak SMB version 1.
	SMB1
	// Exploit: an SMB1 request or answer of the EternalBlue family; Text is which.
	Exploit
	// Share: a client opened an administrative share, the service control or the task
	// scheduler through SMB2; Text is which.
	Share
	// Name: the sender answered a query for a name (LLMNR, NetBIOS); Text is the name, Item its hash.
	Name
	// Tunnel: a query of DNS whose name has a label of a tunnel's form; Text is the domain, Item the name's hash.
	Tunnel
	// NoName: DNS says that a random-looking domain does not exist; Text is the domain, Item its hash.
	NoName
	// Ask: a DHCP client looks for a server; MAC is the client's.
	Ask
	NumKinds
)

// Sign is one thing found.
type Sign struct {
	Kind Kind
	// Answer says that the payload is the server's answer: who did it is its receiver.
	// Not for Name and SMB1, which are the sender's own doing.
	Answer bool
	// Item tells signs of one kind between the same ends apart: the hash of the name, else 0.
	Item uint32
	MAC  decode.MAC
	Text string // "" where name has it
	name []byte // of the payload, in labels where the kind is Tunnel or NoName
	// short is a NetBIOS name, padded with blanks or zeros.
	short   [15]byte
	isShort bool
}

// Words is Text, or the name or domain; it is made of the payload, which must still be there.
func (s *Sign) Words() string {
	if s.isShort {
		return string(bytes.TrimRight(s.short[:], " \x00"))
	}
	if s.name == nil {
		return s.Text
	}
	w := string(s.name)
	if n := int(w[0]); (s.Kind == Tunnel || s.Kind == NoName) && n+1 < len(w) {
		return w[1:n+1] + "." + w[n+2:]
	}
	return w
}

// The forms of labels (per label, as the sheet of detections says).
const (
	longLabel     = 40  // bytes
	randomLabel   = 20  // from this length on entropy is judged
	tunnelEntropy = 3.8 // bits a character
	domainEntropy = 3.5
)

// TCP looks at the payload of one segment.
func TCP(src, dst uint16, p []byte) (Sign, bool) {
	switch {
	case dst == 21 || dst == 110 || dst == 143:
		return textLogin(dst, p)
	case src == 21:
		return Sign{Kind: Refused, Answer: true, Text: "ftp"}, bytes.HasPrefix(p, []byte("530"))
	case dst == 80 || dst == 8080 || dst == 8000:
		return httpRequest(p)
	case src == 80 || src == 8080 || src == 8000:
		refused := len(p) > 12 && bytes.HasPrefix(p, []byte("HTTP/1.")) && (string(p[8:12]) == " 401" || string(p[8:12]) == " 403")
		return Sign{Kind: Refused, Answer: true, Text: "http"}, refused
	case dst >= 512 && dst <= 514:
		return remoteShell(dst, p)
	case dst == 389:
		return ldapBind(p)
	case dst == 1883:
		return mqttConnect(p)
	case src == 445 || src == 139:
		return smbAnswer(p)
	case dst == 445 || dst == 139:
		return smbRequest(p)
	}
	return Sign{}, false
}

// UDP looks at one datagram.
func UDP(src, dst uint16, p []byte) (Sign, bool) {
	switch {
	case src == 53:
		return dnsAnswer(p)
	case dst == 53:
		return dnsQuery(p)
	case src == 5355:
		return llmnrAnswer(p)
	case src == 137:
		return nbnsAnswer(p)
	case dst == 161:
		return snmp(p)
	case dst == 67:
		return dhcpAsk(p)
	}
	return Sign{}, false
}

func textLogin(port uint16, p []byte) (Sign, bool) {
	s := Sign{Kind: Cleartext}
	switch port {
	case 21, 110:
		s.Text = "ftp"
		if port == 110 {
			s.Text = "pop3"
		}
		return s, len(p) >= 6 && fold(p[:5], "PASS ")
	}
	s.Text = "imap"
	i := bytes.IndexByte(p, ' ') // tag, then the command
	return s, i > 0 && i < 16 && len(p) >= i+7 && fold(p[i+1:i+7], "LOGIN ")
}

// remoteShell finds the names that open a session of rexec (512), rlogin (513, RFC 1282) and rsh (514), which
// its server takes on trust or by a password in the clear: a port for errors in digits and a zero, then three texts, each
// closed by a zero, in one segment or two. Port 514 is that of logs over TCP too, which have no zeros.
func remoteShell(port uint16, p []byte) (Sign, bool) {
	s := Sign{Kind: Cleartext, Text: [...]string{"rexec", "rlogin", "rsh"}[port-512]}
	i := 0
	for i < len(p) && i < 5 && p[i] >= '0' && p[i] <= '9' {
		i++
	}
	if i < len(p) && p[i] == 0 {
		if i > 0 && i+1 == len(p) && port != 513 {
			return s, true // the rest follows
		}
		p = p[i+1:]
	}
	texts := 0
	for n := 0; len(p) > 0 && texts < 3; p = p[n+1:] {
		if n = bytes.IndexByte(p, 0); n < 1 {
			return s, false
		}
		for _, c := range p[:n] {
			if c < ' ' || c == 0x7f {
				return s, false
			}
		}
		texts++
	}
	return s, texts == 3
}

// fold compares ASCII without regard to case; upper is in capitals.
func fold(p []byte, upper string) bool {
	if len(p) != len(upper) {
		return false
	}
	for i, c := range p {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		if c != upper[i] {
			return false
		}
	}
	return true
}

// defaults are pairs of user and password that makers ship.
var defaults = map[string]bool{"admin:admin": true, "admin:": true, "admin:password": true, "admin:1234": true, "root:": true, "root:root": true, "USER:USER": true, "user:user": true,
	"guest:guest": true, "administrator:administrator": true}

func httpRequest(p []byte) (Sign, bool) {
	const field = "\nAUTHORIZATION: BASIC "
	i := -1
	for at := 0; ; {
		n := bytes.IndexByte(p[at:], '\n')
		if n < 0 || at+n+len(field) > len(p) {
			break
		}
		at += n
		if fold(p[at:at+len(field)], field) {
			i = at + len(field)
			break
		}
		at++
	}
	if i < 0 {
		return Sign{}, false
	}
	v := p[i:]
	if n := bytes.IndexAny(v, "\r\n "); n >= 0 {
		v = v[:n]
	}
	var pair [64]byte
	if len(v) <= 80 {
		if n, err := base64.StdEncoding.Decode(pair[:], v); err == nil && defaults[string(pair[:n])] {
			return Sign{Kind: Default, Text: "http"}, true
		}
	}
	return Sign{Kind: Cleartext, Text: "http"}, true
}

// ldapBind is a bind request with a simple password: [APPLICATION 0] {version, name, [0] password}.
func ldapBind(p []byte) (Sign, bool) {
	s := Sign{Kind: Cleartext, Text: "ldap"}
	if len(p) < 14 || p[0] != 0x30 || p[1] >= 0x80 || p[2] != 2 || p[3] == 0 || p[3] > 4 {
		return s, false
	}
	at := 4 + int(p[3])
	if at+7 > len(p) || p[at] != 0x60 || p[at+1] >= 0x80 || p[at+2] != 2 || p[at+3] != 1 || p[at+5] != 4 {
		return s, false
	}
	at += 7 + int(p[at+6])
	return s, at+1 < len(p) && p[at] == 0x80 && p[at+1] > 0
}

// mqttConnect is a CONNECT with the password flag.
func mqttConnect(p []byte) (Sign, bool) {
	s := Sign{Kind: Cleartext, Text: "mqtt"}
	if len(p) < 12 || p[0] != 0x10 {
		return s, false
	}
	at := 1
	for at < 5 && at < len(p) && p[at]&0x80 != 0 {
		at++
	}
	at++
	return s, at+8 <= len(p) && string(p[at:at+6]) == "\x00\x04MQTT" && p[at+7]&0x40 != 0
}

// snmp is a request of version 1 or 2c.
func snmp(p []byte) (Sign, bool) {
	if len(p) < 10 || p[0] != 0x30 {
		return Sign{}, false
	}
	at := 2
	if p[1] >= 0x80 {
		at += int(p[1] & 0x7f)
	}
	if at+6 > len(p) || p[at] != 2 || p[at+1] != 1 || p[at+2] > 1 || p[at+3] != 4 {
		return Sign{}, false
	}
	n, at := int(p[at+4]), at+5
	if n >= 0x80 || at+n+1 > len(p) || p[at+n] < 0xa0 || p[at+n] > 0xa8 {
		return Sign{}, false
	}
	if c := string(p[at : at+n]); c == "public" || c == "private" {
		return Sign{Kind: Default, Text: "snmp"}, true
	}
	return Sign{Kind: Cleartext, Text: "snmp"}, true
}

func le32(p []byte) uint32 {
	return uint32(p[0]) | uint32(p[1])<<8 | uint32(p[2])<<16 | uint32(p[3])<<24
}
func le16(p []byte) int { return int(p[0]) | int(p[1])<<8 }
func be16(p []byte) int { return int(p[0])<<8 | int(p[1]) }

// smbMessage is the first message of a segment, behind the NetBIOS session header.
func smbMessage(p []byte) (m []byte, version int) {
	if len(p) < 4+32 || p[0] != 0 || string(p[5:8]) != "SMB" {
		return nil, 0
	}
	switch m = p[4:]; {
	case m[0] == 0xff:
		return m, 1
	case m[0] == 0xfe && len(m) >= 64:
		return m, 2
	}
	return nil, 0
}

// refusedLogin says whether an NT status refuses a log-in: wrong password, failure, no such user, locked out.
func refusedLogin(status uint32) bool {
	return status == 0xc000006d || status == 0xc000006a || status == 0xc0000064 || status == 0xc0000234
}

func smbAnswer(p []byte) (Sign, bool) {
	m, version := smbMessage(p)
	switch {
	case version == 1 && m[9]&0x80 != 0:
		status := le32(m[5:])
		switch {
		case m[4] == 0x72 && status == 0 && len(m) >= 35 && m[32] > 1 && le16(m[33:]) != 0xffff:
			return Sign{Kind: SMB1, Text: "smb1"}, true
		case m[4] == 0x73 && refusedLogin(status):
			return Sign{Kind: Refused, Answer: true, Text: "smb"}, true
		case m[4] == 0x25 && status == 0xc0000205: // no resources: what an unpatched server says to PeekNamedPipe of file 0
			return Sign{Kind: Exploit, Answer: true, Text: "ms17-010 probe"}, true
		case m[4] == 0x32 && status == 0xc0000002 && le16(m[30:]) >= 0x41 && le16(m[30:]) <= 0x52:
			return Sign{Kind: Exploit, Answer: true, Text: "DoublePulsar"}, true
		}
	case version == 2 && m[16]&1 != 0 && le16(m[12:]) == 1 && refusedLogin(le32(m[8:])):
		return Sign{Kind: Refused, Answer: true, Text: "smb"}, true
	}
	return Sign{}, false
}

// shares are names (UTF-16, little endian, letters in either case) that administrators, and who moves sideways, open.
var shares = []struct {
	command int
	name    string // in small letters
	text    string
}{
	{3, "\\admin$", "ADMIN$"}, {3, "\\c$", "C$"},
	{5, "svcctl", "svcctl"}, {5, "atsvc", "atsvc"},
}

func smbRequest(p []byte) (Sign, bool) {
	m, version := smbMessage(p)
	switch {
	case version == 1 && m[9]&0x80 == 0 && m[4] == 0x32 && len(m) >= 65:
		// Transaction2: 15 words, the first of the set-up words is the sub-command.
		if m[32] >= 15 && le16(m[61:]) == 0x000e {
			return Sign{Kind: Exploit, Text: "Trans2 SESSION_SETUP"}, true
		}
	case version == 1 && m[9]&0x80 == 0 && m[4] == 0xa0 && len(m) >= 33+38:
		// NT Transact: the total data count is far over what is sent.
		if total := le32(m[33+7:]); m[32] >= 19 && total > 65536 && le32(m[33+27:]) < 8192 {
			return Sign{Kind: Exploit, Text: "NT Transact of oversized data"}, true
		}
	case version == 2 && m[16]&1 == 0:
		command := le16(m[12:])
		for _, s := range shares {
			if s.command == command && endsWide(m[64:], s.name) {
				return Sign{Kind: Share, Text: s.text}, true
			}
		}
	}
	return Sign{}, false
}

// endsWide says whether name in UTF-16 stands at the end of p, but for what pads it or follows a create request.
func endsWide(p []byte, name string) bool {
	for i := 0; i+2*len(name) <= len(p) && i < 1024; i++ {
		j := 0
		for ; j < len(name); j++ {
			c := p[i+2*j]
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c != name[j] || p[i+2*j+1] != 0 {
				break
			}
		}
		if j < len(name) {
			continue
		}
		// Behind a name comes no other letter.
		rest := p[i+2*j:]
		return len(rest) < 2 || rest[0] == 0 || rest[1] != 0
	}
	return false
}

// hash is FNV-1a over a name, letters in either case.
func hash(p []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range p {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// entropy of the bytes in bits a byte.
func entropy(p []byte) float64 {
	var n [256]int
	for _, c := range p {
		n[c]++
	}
	e := 0.0
	for _, k := range n {
		if k > 0 {
			f := float64(k) / float64(len(p))
			e -= f * math.Log2(f)
		}
	}
	return e
}

// names is room for where the labels of a name stand: from and to.
type names [64][2]int

// question reads the first question of a message; nil for none.
func question(p []byte, room *names) [][2]int {
	if len(p) < 17 || be16(p[4:]) == 0 {
		return nil
	}
	labels := room[:0]
	at := 12
	for at < len(p) && p[at] != 0 {
		n := int(p[at])
		if n > 63 || at+1+n >= len(p) || len(labels) == len(room) {
			return nil
		}
		labels = append(labels, [2]int{at + 1, at + 1 + n})
		at += 1 + n
	}
	if at+5 > len(p) {
		return nil
	}
	return labels
}

// domain is the last two of two labels or more, with the length before the first.
func domain(p []byte, labels [][2]int) []byte {
	return p[labels[len(labels)-2][0]-1 : labels[len(labels)-1][1]]
}

// dnsQuery is a tunnel's where a label is long or random, or the type is NULL, which nothing else asks for.
func dnsQuery(p []byte) (Sign, bool) {
	const typeNULL = 10
	var room names
	labels := question(p, &room)
	if len(labels) < 2 || p[2]&0x80 != 0 {
		return Sign{}, false
	}
	s := Sign{Kind: Tunnel, Item: hash(p[labels[0][0]:labels[len(labels)-1][1]]), name: domain(p, labels)}
	found := be16(p[labels[len(labels)-1][1]+1:]) == typeNULL
	for i, l := range labels {
		if n := l[1] - l[0]; n > longLabel || n >= randomLabel && entropy(p[l[0]:l[1]]) > tunnelEntropy {
			found = true
			if i >= len(labels)-2 {
				s.name, s.Text = nil, "*" // the server is asked straight, without a domain
			}
		}
	}
	return s, found
}

func dnsAnswer(p []byte) (Sign, bool) {
	var room names
	labels := question(p, &room)
	if len(labels) < 2 || p[2]&0x80 == 0 || p[3]&0x0f != 3 {
		return Sign{}, false
	}
	if l := labels[len(labels)-2]; entropy(p[l[0]:l[1]]) > domainEntropy {
		return Sign{Kind: NoName, Answer: true, Item: hash(p[l[0]:l[1]]), name: domain(p, labels)}, true
	}
	return Sign{}, false
}

func llmnrAnswer(p []byte) (Sign, bool) {
	var room names
	labels := question(p, &room)
	if len(labels) == 0 || p[2]&0x80 == 0 || be16(p[6:]) == 0 {
		return Sign{}, false
	}
	name := p[labels[0][0]:labels[0][1]]
	return Sign{Kind: Name, Item: hash(name), name: name}, len(name) > 0
}

// nbnsAnswer is a positive answer of a host; a name server's, which offers recursion, is passed over.
func nbnsAnswer(p []byte) (Sign, bool) {
	if len(p) < 12+34+2 || p[2]&0xf8 != 0x80 || p[3]&0x8f != 0 || be16(p[6:]) == 0 || p[12] != 32 || be16(p[46:]) != 0x20 {
		return Sign{}, false
	}
	s := Sign{Kind: Name, isShort: true}
	for i := range s.short {
		a, b := p[13+2*i]-'A', p[14+2*i]-'A'
		if a > 15 || b > 15 {
			return Sign{}, false
		}
		s.short[i] = a<<4 | b
	}
	name := bytes.TrimRight(s.short[:], " \x00")
	s.Item = hash(name)
	return s, len(name) > 0
}

// dhcpAsk is a DISCOVER: option 53 is 1.
func dhcpAsk(p []byte) (Sign, bool) {
	if len(p) < 244 || p[0] != 1 || p[1] != 1 || p[2] != 6 || string(p[236:240]) != "\x63\x82\x53\x63" {
		return Sign{}, false
	}
	for at := 240; at+1 < len(p) && p[at] != 255; {
		if p[at] == 0 {
			at++
			continue
		}
		n := int(p[at+1])
		if p[at] == 53 {
			return Sign{Kind: Ask, MAC: decode.MACFromBytes(p[28:34])}, n == 1 && at+2 < len(p) && p[at+2] == 1
		}
		at += 2 + n
	}
	return Sign{}, false
}
