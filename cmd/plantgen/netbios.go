package main

import (
	"encoding/binary"
	"strings"
)

// netbiosName is the first-level encoding of a 15-character name and suffix
// (RFC 1001, section 14.1): length 32, two letters a byte, then 0.
func netbiosName(name string, suffix byte) []byte {
	raw := make([]byte, 16)
	for i := range 15 {
		raw[i] = ' '
	}
	copy(raw[:15], strings.ToUpper(name))
	raw[15] = suffix
	b := []byte{32}
	for _, c := range raw {
		b = append(b, 'A'+c>>4, 'A'+c&15)
	}
	return append(b, 0)
}

// nbnsRegister broadcasts a name registration (RFC 1002, section 4.2.2).
func (w *world) nbnsRegister(t int64, n *node, suffix byte, group bool, name string) {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b, uint16(n.r.Uint32()))
	b[2], b[3] = 0x29, 0x10
	b[5], b[11] = 1, 1
	flags := uint16(0)
	if group {
		flags = 0x8000
	}
	b = cat(b, netbiosName(name, suffix), []byte{0, 0x20, 0, 1}, []byte{0xc0, 12, 0, 0x20, 0, 1},
		binary.BigEndian.AppendUint32(nil, 300000), []byte{0, 6}, be16(flags), n.ip[:])
	w.udpTo(t, n, 137, n.net.broadcast(), 137, b)
}

// nbnsQuery broadcasts a name query.
func (w *world) nbnsQuery(t int64, n *node, name string) {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b, uint16(n.r.Uint32()))
	b[2], b[3], b[5] = 0x01, 0x10, 1
	w.udpTo(t, n, 137, n.net.broadcast(), 137, cat(b, netbiosName(name, 0x20), []byte{0, 0x20, 0, 1}))
}

// browserAnnounce broadcasts a host announcement on \MAILSLOT\BROWSE; the
// version is the Windows NT version, server adds the server bit, or a domain controller's.
func (w *world) browserAnnounce(t int64, n *node, major, minor byte, server bool) {
	typ := uint32(0x00001003)
	switch {
	case n.role == "domain-controller":
		typ = 0x0008102b
	case server:
		typ = 0x00009003
	}
	f := make([]byte, 32)
	f[0] = 1
	binary.LittleEndian.PutUint32(f[2:], 720000)
	copy(f[6:21], strings.ToUpper(n.name))
	f[22], f[23] = major, minor
	binary.LittleEndian.PutUint32(f[24:], typ)
	f[28], f[29], f[30], f[31] = 0x0f, 0x01, 0x55, 0xaa
	f = append(f, 0)

	slot := append([]byte("\\MAILSLOT\\BROWSE"), 0)
	smb := make([]byte, 32)
	copy(smb, []byte{0xff, 'S', 'M', 'B', 0x25})
	words := make([]byte, 1+34)
	words[0] = 17
	le := binary.LittleEndian
	p := words[1:]
	le.PutUint16(p[2:], uint16(len(f)))  // total data count
	le.PutUint32(p[12:], 1000)           // timeout
	le.PutUint16(p[22:], uint16(len(f))) // data count
	le.PutUint16(p[24:], 86)             // data offset from the SMB header
	p[26] = 3                            // set-up words
	le.PutUint16(p[28:], 1)              // write mail slot
	le.PutUint16(p[30:], 1)              // priority
	le.PutUint16(p[32:], 2)              // class
	smb = cat(smb, words, le16(uint16(len(slot)+len(f))), slot, f)

	d := []byte{0x11, 0x02}
	d = cat(d, be16(uint16(n.r.Uint32())), n.ip[:], be16(138))
	body := cat(netbiosName(n.name, 0x20), netbiosName("PLANT", 0x1d), smb)
	d = cat(d, be16(uint16(len(body))), []byte{0, 0}, body)
	w.udpTo(t, n, 138, n.net.broadcast(), 138, d)
}
