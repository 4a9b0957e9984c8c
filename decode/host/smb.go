package host

import "bytes"

var (
	smb  = Decoder{Name: "smb", TCPPorts: []uint16{139, 445}, First: smbMessages}
	ntlm = Decoder{Name: "ntlmssp", TCPPorts: []uint16{135, 139, 389, 445, 1433, 3268}, First: ntlmMessage}
)

// maxSMB is the most messages of one segment that are read.
const maxSMB = 16

// smbMessages reads the messages of a segment: NetBIOS session header (0, length 3),
// then SMB1 ([MS-CIFS]) or SMB2 ([MS-SMB2]).
func smbMessages(s *Session, p []byte) bool {
	found := false
	for range maxSMB {
		if len(p) < 4+64 || p[0] != 0 || string(p[5:8]) != "SMB" {
			break
		}
		n := int(p[1])<<16 | be16(p[2:])
		m := p[4:min(len(p), 4+n)]
		switch {
		case len(m) < 32:
		case m[0] == 0xff:
			found = true
			s.smb1(m)
		case m[0] == 0xfe:
			found = true
			s.smb2(m)
		}
		if 4+n >= len(p) {
			break
		}
		p = p[4+n:]
	}
	return found
}

// smb1 reads the strings behind a session set-up: the system and the LAN manager
// of the server (answer) or the client (request; with passwords, account and domain before them).
func (s *Session) smb1(m []byte) {
	const (
		sessionSetup = 0x73
		fromServer   = 0x80   // of flags, at 9
		unicode      = 0x8000 // of flags2, at 10
	)
	if m[4] != sessionSetup || len(m) < 35 {
		return
	}
	words := int(m[32])
	if 33+2*words+2 > len(m) {
		return
	}
	w, at := m[33:33+2*words], 33+2*words+2
	blob, skip := 0, 0
	switch answer := m[9]&fromServer != 0; {
	case answer && words == 3:
	case answer && words == 4:
		blob = le16(w[6:])
	case !answer && words == 12:
		blob = le16(w[14:])
	case !answer && words == 13:
		blob, skip = le16(w[14:])+le16(w[16:]), 2
	default:
		return
	}
	if le32(m[5:]) != 0 && le32(m[5:]) != 0xc0000016 { // more processing required
		return
	}
	end := min(len(m), at+le16(m[at-2:]))
	if at += blob; at >= end {
		return
	}
	if le16(m[10:])&unicode == 0 {
		os := m[at:end]
		for range skip {
			os = os[min(len(os), len(cstring(os))+1):]
		}
		i := bytes.IndexByte(os, 0)
		if i < 0 || !text(os[:i]) {
			return
		}
		s.tell("smb", OS, os[:i])
		if lm := os[i+1:]; bytes.IndexByte(lm, 0) > 0 && text(cstring(lm)) {
			s.tell("smb", Software, cstring(lm))
		}
		return
	}
	at += at & 1 // strings of two bytes begin at an even offset
	for i := range skip + 2 {
		if at >= end {
			return
		}
		var n int
		s.buf, n = utf16le(s.buf[:0], m[at:end])
		if n < 2 || at+n > end || m[at+n-1] != 0 || m[at+n-2] != 0 {
			return // no end: cut
		}
		if i >= skip {
			s.tell("smb", [2]Kind{OS, Software}[i-skip], s.buf)
		}
		at += n
	}
}

// smb2 reads the dialect out of the answer to a negotiation.
func (s *Session) smb2(m []byte) {
	const answer = 1 // of flags, at 16
	if len(m) < 64+6 || le16(m[12:]) != 0 || m[16]&answer == 0 || le32(m[8:]) != 0 || le16(m[64:]) != 65 {
		return
	}
	name := ""
	switch le16(m[68:]) {
	case 0x0202:
		name = "2.0.2"
	case 0x0210:
		name = "2.1"
	case 0x0300:
		name = "3.0"
	case 0x0302:
		name = "3.0.2"
	case 0x0311:
		name = "3.1.1"
	}
	s.buf = append(s.buf[:0], name...)
	s.tell("smb", Dialect, s.buf)
}

// NTLMSSP messages ([MS-NLMP] 2.2.1): signature 8, type 4. Fields of text are
// length 2, room 2, offset 4.
const (
	ntNegotiate    = 1
	ntChallenge    = 2
	ntAuthenticate = 3

	ntUnicode = 0x00000001
	ntVersion = 0x02000000

	avComputer = 1
	avDomain   = 2
)

var ntSignature = []byte("NTLMSSP\x00")

// ntlmMessage finds an NTLMSSP message anywhere in a payload: its version is
// that of the sender's own system.
func ntlmMessage(s *Session, p []byte) bool {
	i := bytes.Index(p, ntSignature)
	if i < 0 || len(p)-i < 32 {
		return false
	}
	m := p[i:]
	flagsAt, versionAt := 0, 0
	typ := le32(m[8:])
	switch typ {
	case ntNegotiate:
		flagsAt, versionAt = 12, 32
	case ntChallenge:
		flagsAt, versionAt = 20, 48
	case ntAuthenticate:
		flagsAt, versionAt = 60, 64
	default:
		return false
	}
	if flagsAt+4 > len(m) {
		return false
	}
	flags := le32(m[flagsAt:])
	if flags&ntVersion != 0 && versionAt+8 <= len(m) {
		// major 1, minor 1, build 2, reserved 3, revision 0f
		if v := m[versionAt : versionAt+8]; v[7] == 0x0f && v[0] != 0 && le16(v[2:]) != 0 {
			s.buf = dotted(s.buf[:0], int(v[0]), int(v[1]), le16(v[2:]))
			s.tell("ntlmssp", OSVersion, s.buf)
		}
	}
	field := func(at int) []byte {
		if at+8 > len(m) {
			return nil
		}
		n, off := le16(m[at:]), le32(m[at+4:])
		if off < 32 || off > len(m) || n > len(m)-off {
			return nil
		}
		return m[off : off+n]
	}
	switch {
	case typ == ntChallenge && versionAt <= len(m):
		for av := field(40); len(av) >= 4; { // pairs: id 2, length 2, text
			id, n := le16(av), le16(av[2:])
			if id == 0 || 4+n > len(av) {
				break
			}
			s.buf, _ = utf16le(s.buf[:0], av[4:4+n])
			switch id {
			case avComputer:
				s.tell("ntlmssp", Hostname, s.buf)
			case avDomain:
				s.tell("ntlmssp", Domain, s.buf)
			}
			av = av[4+n:]
		}
	case typ == ntAuthenticate:
		for _, f := range [2]struct {
			at int
			k  Kind
		}{{44, Hostname}, {28, Domain}} {
			v := field(f.at)
			if flags&ntUnicode != 0 {
				s.buf, _ = utf16le(s.buf[:0], v)
				v = s.buf
			}
			if f.k == Domain && len(v) == 1 && v[0] == '.' {
				continue // the machine itself
			}
			s.tell("ntlmssp", f.k, v)
		}
	}
	return true
}
