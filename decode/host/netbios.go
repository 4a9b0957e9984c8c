package host

import (
	"bytes"
	"encoding/binary"
	"strconv"
)

var (
	netbiosNS       = Decoder{Name: "netbios-ns", UDPPorts: []uint16{137}, Datagram: nbns}
	netbiosDatagram = Decoder{Name: "netbios", UDPPorts: []uint16{138}, Datagram: nbdgm}
)

// Suffixes: the sixteenth byte of a NetBIOS name says what it names.
const (
	suffixWorkstation    = 0x00
	suffixDomainMaster   = 0x1b
	suffixDomainControl  = 0x1c
	suffixMasterBrowser  = 0x1d
	suffixElections      = 0x1e
	suffixServer         = 0x20
	nbQuery              = 0
	nbRegistration       = 5
	nbRelease            = 6
	nbRefresh            = 8
	nbRefreshAlt         = 9
	nbMultihomed         = 15
	nbTypeName           = 0x20
	nbTypeStatus         = 0x21
	nbGroup              = 0x8000
	encodedName          = 34 // length byte, 32 letters, end
	browseSlot           = `\MAILSLOT\BROWSE`
	hostAnnouncement     = 0x01
	domainAnnouncement   = 0x0c
	localMasterAnnounced = 0x0f
)

// nbName decodes 32 letters 'A'…'P', two a byte (RFC 1001 14.1), into b.
func nbName(b *[16]byte, p []byte) bool {
	if len(p) < 32 {
		return false
	}
	for i := range b {
		hi, lo := p[2*i]-'A', p[2*i+1]-'A'
		if hi > 15 || lo > 15 {
			return false
		}
		b[i] = hi<<4 | lo
	}
	return true
}

// nbLabel reads an encoded name with its length byte; p[33] ends it or begins a scope.
func nbLabel(b *[16]byte, p []byte) bool {
	return len(p) >= encodedName && p[0] == 32 && nbName(b, p[1:33])
}

// plain is the text of a NetBIOS name: without padding. Names of services
// ("IS~HOST", "INet~Services", "\x01\x02__MSBROWSE__\x02") give none.
func plain(b []byte) []byte {
	b = bytes.TrimRight(b, " \x00")
	if len(b) > 0 && (b[0] < ' ' || b[0] == '*' || bytes.IndexByte(b, '~') >= 0) {
		return nil
	}
	return b
}

// nbKind says what a name tells; ok is false for names of users and programs.
func nbKind(suffix byte, group bool) (k Kind, ok bool) {
	switch {
	case !group && (suffix == suffixWorkstation || suffix == suffixServer):
		return Hostname, true
	case group && (suffix == suffixWorkstation || suffix == suffixElections), !group && suffix == suffixMasterBrowser:
		return Workgroup, true
	case suffix == suffixDomainControl || suffix == suffixDomainMaster:
		return Domain, true
	}
	return 0, false
}

// nbns reads the NetBIOS name service (RFC 1002 4.2): who registers, renews or
// gives up a name, and answers to questions for names and for status.
func nbns(s *Session, p []byte) bool {
	m, ok := readMessage(p)
	if !ok {
		return false
	}
	opcode := m.flags >> 11 & 15
	var b [16]byte
	if m.flags&flagQR == 0 {
		switch opcode {
		case nbRegistration, nbRelease, nbRefresh, nbRefreshAlt, nbMultihomed:
		default:
			return opcode == nbQuery
		}
		if m.questions != 1 || m.records[2] != 1 || !nbLabel(&b, p[dnsHeader:]) {
			return false
		}
		name, off, ok := nameAt(s.name[:0], p, dnsHeader) // with a scope, if there is one
		s.name = name
		if !ok {
			return false
		}
		off += 4 // type, class
		if s.name, off, ok = nameAt(s.name[:0], p, off); !ok || off+16 > len(p) {
			return false
		}
		// type 2, class 2, TTL 4, length 2, flags 2, address 4
		if be16(p[off:]) != nbTypeName || be16(p[off+8:]) != 6 {
			return false
		}
		k, ok := nbKind(b[15], be16(p[off+10:])&nbGroup != 0)
		if !ok {
			return true
		}
		if ip := ipv4(p[off+12:]); unspecified(ip) {
			s.tell("netbios-ns", k, plain(b[:15]))
		} else {
			s.address("netbios-ns", k, ip, plain(b[:15]))
		}
		return true
	}
	if opcode != nbQuery || m.flags&rcodeBits != 0 || m.records[0] == 0 || m.questions != 0 || s.SrcPort != 137 {
		return opcode != nbQuery || m.flags&rcodeBits != 0
	}
	if !nbLabel(&b, p[dnsHeader:]) {
		return false
	}
	var off int
	if s.name, off, ok = nameAt(s.name[:0], p, dnsHeader); !ok || off+10 > len(p) {
		return false
	}
	typ, d := be16(p[off:]), p[off+10:]
	n := be16(p[off+8:])
	if n > len(d) {
		return false
	}
	d = d[:n]
	switch typ {
	case nbTypeName:
		for ; len(d) >= 6; d = d[6:] {
			if k, ok := nbKind(b[15], be16(d)&nbGroup != 0); ok && k == Hostname {
				s.address("netbios-ns", k, ipv4(d[2:]), plain(b[:15]))
			}
		}
	case nbTypeStatus:
		if len(d) < 1 || 1+18*int(d[0]) > len(d) {
			return false
		}
		for i := range int(d[0]) {
			e := d[1+18*i:]
			if k, ok := nbKind(e[15], be16(e[16:])&nbGroup != 0); ok {
				s.tell("netbios-ns", k, plain(e[:15]))
			}
		}
	}
	return true
}

// nbdgm reads a NetBIOS datagram (RFC 1002 4.4): type 1, flags 1, id 2, source
// address 4, port 2, length 2, offset 2, source and destination name; inside, on
// the mailslot \MAILSLOT\BROWSE, the announcements of the CIFS browser ([MS-BRWS] 2.2).
func nbdgm(s *Session, p []byte) bool {
	var b [16]byte
	if len(p) < 14+2*encodedName || p[0] < 0x10 || p[0] > 0x12 || !nbLabel(&b, p[14:]) || p[14+33] != 0 {
		return false
	}
	ip := ipv4(p[4:])
	if unspecified(ip) {
		ip = s.Src
	}
	if b[15] == suffixWorkstation || b[15] == suffixServer {
		s.address("netbios", Hostname, ip, plain(b[:15]))
	}
	if p[14+encodedName] != 32 || p[14+encodedName+33] != 0 {
		return true
	}
	if m := p[14+2*encodedName:]; ip == s.Src {
		s.browser(m)
	}
	return true
}

// browser reads the SMB of a mailslot: transaction (25) whose data offset is the
// little-endian number at 57, its size that at 55, the slot's name at 69.
func (s *Session) browser(m []byte) {
	const head, slot = 59, 69
	if len(m) < slot+len(browseSlot)+1 || string(m[:5]) != "\xffSMB\x25" || m[32] != 17 {
		return
	}
	if name := m[slot : slot+len(browseSlot)]; !bytes.EqualFold(name, []byte(browseSlot)) || m[slot+len(browseSlot)] != 0 {
		return
	}
	n, at := le16(m[head-4:]), le16(m[head-2:])
	if at < slot || at+n > len(m) || n < 33 {
		return
	}
	f := m[at : at+n]
	name, comment := cstring(f[6:22]), cstring(f[32:])
	switch f[0] {
	case hostAnnouncement, localMasterAnnounced:
		s.tell("browser", Hostname, name)
		s.tell("browser", Comment, comment)
		s.buf = append(s.buf[:0], "0x"...)
		t := binary.LittleEndian.Uint32(f[24:])
		for i := 28; i >= 0; i -= 4 {
			s.buf = append(s.buf, "0123456789abcdef"[t>>i&15])
		}
		s.tell("browser", ServerType, s.buf)
	case domainAnnouncement: // of the domain's master, which sends it
		s.tell("browser", Workgroup, name)
		s.tell("browser", Hostname, comment)
	default:
		return
	}
	s.buf = strconv.AppendUint(s.buf[:0], uint64(f[22]), 10)
	s.buf = append(s.buf, '.')
	s.buf = strconv.AppendUint(s.buf, uint64(f[23]), 10)
	s.tell("browser", OSVersion, s.buf)
}
