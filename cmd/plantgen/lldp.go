package main

// lldp sends one LLDP frame (IEEE 802.1AB) of a switch or the router.
func (w *world) lldp(t int64, n *node) {
	can := []byte{0, 4, 0, 4} // bridge
	if n == w.router {
		can = []byte{0, 0x10, 0, 0x10}
	}
	tlv := func(typ byte, v []byte) []byte {
		h := uint16(typ)<<9 | uint16(len(v))
		return cat(be16(h), v)
	}
	b := cat(
		tlv(1, cat([]byte{4}, n.mac[:])),
		tlv(2, append([]byte{5}, "port1"...)),
		tlv(3, be16(120)),
		tlv(5, []byte(n.name)),
		tlv(6, []byte(n.vendor+" "+n.model+" "+n.os)),
		tlv(7, can),
		tlv(8, cat([]byte{5, 1}, n.ip[:], []byte{2, 0, 0, 0, 1, 0})),
		tlv(0, nil),
	)
	w.emit(t, ethernet(mac{0x01, 0x80, 0xc2, 0, 0, 0x0e}, n.mac, 0x88cc, b), nil)
}

// bpdu sends an STP configuration BPDU (IEEE 802.1D) of the root bridge in an
// 802.3 frame with LLC 42 42 03.
func (w *world) bpdu(t int64, n *node) {
	id := cat([]byte{0x80, 0}, n.mac[:])
	body := cat([]byte{0x42, 0x42, 0x03, 0, 0, 0, 0, 0}, id, []byte{0, 0, 0, 0}, id,
		[]byte{0x80, 1, 0, 0, 20, 0, 2, 0, 15, 0})
	w.emit(t, ethernet(mac{0x01, 0x80, 0xc2, 0, 0, 0}, n.mac, uint16(len(body)), body), nil)
}
