package main

import (
	"encoding/binary"
	"strings"
)

const domain = "plant.example"

// dnsName encodes a domain name as labels (RFC 1035, section 3.1).
func dnsName(s string) []byte {
	var b []byte
	for l := range strings.SplitSeq(s, ".") {
		if l != "" {
			b = append(append(b, byte(len(l))), l...)
		}
	}
	return append(b, 0)
}

// dnsQuery asks one question.
func dnsQuery(id, flags uint16, name string, typ uint16) []byte {
	b := make([]byte, 12)
	binary.BigEndian.PutUint16(b, id)
	binary.BigEndian.PutUint16(b[2:], flags)
	b[5] = 1
	return cat(b, dnsName(name), be16(typ), []byte{0, 1})
}

// dnsAnswer answers one question with one record, or NXDOMAIN when data is nil.
func dnsAnswer(id uint16, name string, typ uint16, data []byte) []byte {
	b := dnsQuery(id, 0x8180, name, typ)
	if data == nil {
		b[3] |= 3
		return b
	}
	b[7] = 1
	return cat(b, []byte{0xc0, 12}, be16(typ), []byte{0, 1, 0, 0, 0x0e, 0x10}, be16(uint16(len(data))), data)
}

// lookup asks the name server for an A record.
func (w *world) lookup(t int64, n, server *node, name string, a ip4) int64 {
	id := uint16(n.r.Uint32())
	var data []byte
	if a != (ip4{}) {
		data = a[:]
	}
	return w.ask(t, n, server, 53, dnsQuery(id, 0x0100, name, 1), dnsAnswer(id, name, 1, data))
}

// llmnr asks the link for a short name (RFC 4795), UDP 5355 to 224.0.0.252.
func (w *world) llmnr(t int64, n *node, name string) {
	w.udpTo(t, n, n.ephemeral(), ip4{224, 0, 0, 252}, 5355, dnsQuery(uint16(n.r.Uint32()), 0, name, 1))
}

// mdns announces a host's own address (RFC 6762): an unsolicited answer.
func (w *world) mdns(t int64, n *node) {
	b := make([]byte, 12)
	b[2] = 0x84
	b[7] = 1
	b = cat(b, dnsName(strings.ToLower(n.name)+".local"), []byte{0, 1, 0x80, 1, 0, 0, 0, 120, 0, 4}, n.ip[:])
	w.udpTo(t, n, 5353, ip4{224, 0, 0, 251}, 5353, b)
}
