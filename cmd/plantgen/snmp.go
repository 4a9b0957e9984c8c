package main

// ber is a BER element: tag, definite length, content (X.690).
func ber(tag byte, parts ...[]byte) []byte {
	c := cat(parts...)
	switch {
	case len(c) < 128:
		return cat([]byte{tag, byte(len(c))}, c)
	case len(c) < 256:
		return cat([]byte{tag, 0x81, byte(len(c))}, c)
	}
	return cat([]byte{tag, 0x82, byte(len(c) >> 8), byte(len(c))}, c)
}

// snmpMessage is an SNMPv2c (RFC 3416) get (A0) or response (A2) of sysDescr,
// sysObjectID left out, and sysName.
func snmpMessage(pdu byte, id uint16, community, descr, name string) []byte {
	oid := func(last byte) []byte { return ber(6, []byte{0x2b, 6, 1, 2, 1, 1, last, 0}) }
	value := func(s string) []byte {
		if pdu == 0xa0 {
			return []byte{5, 0}
		}
		return ber(4, []byte(s))
	}
	return ber(0x30, []byte{2, 1, 1}, ber(4, []byte(community)),
		ber(pdu, []byte{2, 3, 0, byte(id >> 8), byte(id)}, []byte{2, 1, 0}, []byte{2, 1, 0},
			ber(0x30, ber(0x30, oid(1), value(descr)), ber(0x30, oid(5), value(name)))))
}

// snmpPoll reads the description of an agent.
func (w *world) snmpPoll(t int64, a, b *node) int64 {
	id := uint16(a.r.Uint32())
	return w.ask(t, a, b, 161, snmpMessage(0xa0, id, "public", "", ""),
		snmpMessage(0xa2, id, "public", b.vendor+" "+b.model+" "+b.os, b.name))
}
