package main

import (
	"encoding/binary"
	"math/rand/v2"
	"unicode/utf16"
)

func utf16le(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// smb2 is an SMB2 header (MS-SMB2 2.2.1) with a body, in its 4-byte NetBIOS
// session frame.
func smb2(cmd uint16, response bool, mid uint64, session uint64, status uint32, body []byte) []byte {
	h := make([]byte, 64)
	le := binary.LittleEndian
	copy(h, []byte{0xfe, 'S', 'M', 'B'})
	le.PutUint16(h[4:], 64)
	le.PutUint32(h[8:], status)
	le.PutUint16(h[12:], cmd)
	le.PutUint16(h[14:], 31)
	if response {
		h[16] = 1
	}
	le.PutUint64(h[24:], mid)
	le.PutUint64(h[40:], session)
	n := len(h) + len(body)
	return cat([]byte{0, byte(n >> 16), byte(n >> 8), byte(n)}, h, body)
}

// smbEncrypted is an SMB3 transform header around opaque bytes (2.2.41).
func smbEncrypted(session uint64, r *rand.Rand, b []byte) []byte {
	h := make([]byte, 52)
	copy(h, []byte{0xfd, 'S', 'M', 'B'})
	copy(h[4:36], randomBytes(r, 32))
	le := binary.LittleEndian
	le.PutUint32(h[36:], uint32(len(b)))
	le.PutUint16(h[42:], 1)
	le.PutUint64(h[44:], session)
	n := len(h) + len(b)
	return cat([]byte{0, byte(n >> 16), byte(n >> 8), byte(n)}, h, b)
}

// ntlm builds an NTLMSSP message with a version field (MS-NLMP 2.2.1):
// type 1 from the client, 2 from the server, 3 with the user.
func ntlm(typ byte, build uint16, domainName, user, host string) []byte {
	le := binary.LittleEndian
	version := []byte{10, 0, byte(build), byte(build >> 8), 0, 0, 0, 15}
	flags := binary.LittleEndian.AppendUint32(nil, 0xe2088297)
	sig := cat([]byte("NTLMSSP\x00"), []byte{typ, 0, 0, 0})
	switch typ {
	case 1:
		return cat(sig, flags, make([]byte, 16), version)
	case 2:
		name := utf16le(domainName)
		info := cat([]byte{2, 0}, le16(uint16(len(name))), name, []byte{1, 0}, le16(uint16(len(utf16le(host)))), utf16le(host), []byte{0, 0, 0, 0})
		b := make([]byte, 56)
		copy(b, sig)
		field := func(at int, n, off int) {
			le.PutUint16(b[at:], uint16(n))
			le.PutUint16(b[at+2:], uint16(n))
			le.PutUint32(b[at+4:], uint32(off))
		}
		field(12, len(name), 56)
		copy(b[20:], flags)
		copy(b[24:], []byte{1, 2, 3, 4, 5, 6, 7, 8})
		field(40, len(info), 56+len(name))
		copy(b[48:], version)
		return cat(b, name, info)
	}
	b := make([]byte, 72)
	copy(b, sig)
	off := 72
	var tail []byte
	field := func(at int, v []byte) {
		le.PutUint16(b[at:], uint16(len(v)))
		le.PutUint16(b[at+2:], uint16(len(v)))
		le.PutUint32(b[at+4:], uint32(off))
		tail = append(tail, v...)
		off += len(v)
	}
	field(28, utf16le(domainName))
	field(36, utf16le(user))
	field(44, utf16le(host))
	field(12, make([]byte, 24))
	field(20, make([]byte, 24))
	field(52, nil)
	copy(b[60:], flags)
	copy(b[64:], version)
	return cat(b, tail)
}

// smbSession negotiates SMB 3.1.1's predecessor dialect 0302, logs on with
// NTLMSSP, and moves up bytes to and down bytes from the server, encrypted.
func (w *world) smbSession(t int64, c, s *node, build, serverBuild uint16, user string, up, down int, r *rand.Rand) {
	k := w.newConn(c, s, 445, r)
	t = k.open(t)
	negReq := make([]byte, 36)
	negReq[0], negReq[2], negReq[4] = 36, 2, 1
	copy(negReq[12:28], randomBytes(r, 16))
	negReq = cat(negReq, le16(0x0210), le16(0x0302))
	negResp := make([]byte, 64)
	le := binary.LittleEndian
	negResp[0], negResp[2] = 65, 1
	le.PutUint16(negResp[4:], 0x0302)
	copy(negResp[8:24], []byte(s.name+"0123456789abcdef"))
	le.PutUint32(negResp[24:], 0x2f)
	le.PutUint32(negResp[28:], 8<<20)
	le.PutUint32(negResp[32:], 8<<20)
	le.PutUint32(negResp[36:], 8<<20)
	le.PutUint64(negResp[40:], uint64(t/100)+116444736000000000)
	le.PutUint16(negResp[56:], 128)
	t = k.exchange(t, smb2(0, false, 0, 0, 0, negReq), smb2(0, true, 0, 0, 0, negResp))
	session := r.Uint64() >> 8
	setupReq := func(token []byte) []byte {
		b := make([]byte, 24)
		b[0], b[3] = 25, 1
		le.PutUint16(b[12:], 64+24)
		le.PutUint16(b[14:], uint16(len(token)))
		return append(b, token...)
	}
	setupResp := func(token []byte) []byte {
		b := make([]byte, 8)
		b[0] = 9
		le.PutUint16(b[4:], 64+8)
		le.PutUint16(b[6:], uint16(len(token)))
		return append(b, token...)
	}
	t = k.exchange(t, smb2(1, false, 1, 0, 0, setupReq(ntlm(1, build, "", "", ""))),
		smb2(1, true, 1, session, 0xc0000016, setupResp(ntlm(2, serverBuild, "PLANT", "", s.name))))
	t = k.exchange(t, smb2(1, false, 2, session, 0, setupReq(ntlm(3, build, "PLANT", user, c.name))),
		smb2(1, true, 2, session, 0, setupResp(nil)))
	enc := func(b []byte) []byte { return smbEncrypted(session, r, b) }
	k.bulk(t+2*ms, true, up+200, enc, func(t int64) {
		k.bulk(t+s.think(r), false, down+200, enc, func(t int64) { k.close(t + between(r, second, 20*second)) })
	})
}
