package main

import (
	"encoding/binary"
	"fmt"
)

// ---- CC-Link IE Field Network Basic: UDP 61450 ----

const ciefbPort = 61450

func reversed(a ip4) []byte { return []byte{a[3], a[2], a[1], a[0]} }

// ciefbRequest is the cyclic request of a master to a group of slaves with one
// occupied station each: 67 + 76n bytes. clock is the master's wall time in ms.
func ciefbRequest(master ip4, slaves []ip4, group uint8, seq uint16, clock int64, running bool, command uint16) []byte {
	n := len(slaves)
	b := make([]byte, 67+76*n)
	copy(b, []byte{0x50, 0, 0, 0xff, 0xff, 0x03, 0})
	le := binary.LittleEndian
	le.PutUint16(b[7:], uint16(len(b)-9))
	le.PutUint16(b[11:], command)
	le.PutUint16(b[15:], 1)
	le.PutUint16(b[19:], 36)
	if running {
		b[35] = 1
	}
	le.PutUint64(b[39:], uint64(clock))
	copy(b[47:], reversed(master))
	b[51] = group
	le.PutUint16(b[53:], seq)
	le.PutUint16(b[55:], 500)
	le.PutUint16(b[57:], 3)
	le.PutUint16(b[59:], 11)
	le.PutUint16(b[61:], uint16(n))
	le.PutUint16(b[63:], 1<<n-1)
	for i, s := range slaves {
		copy(b[67+4*i:], reversed(s))
	}
	for i := 67 + 4*n; i < len(b); i += 7 {
		b[i] = byte(seq) + byte(i)
	}
	return b
}

// ciefbResponse is a slave's unicast answer with one occupied station: 131 bytes.
func ciefbResponse(slave ip4, group uint8, seq uint16, end uint16) []byte {
	b := make([]byte, 59+72)
	copy(b, []byte{0xd0, 0, 0, 0xff, 0xff, 0x03, 0})
	le := binary.LittleEndian
	le.PutUint16(b[7:], uint16(len(b)-9))
	le.PutUint16(b[11:], 1)
	le.PutUint16(b[13:], end)
	le.PutUint16(b[15:], 40)
	le.PutUint16(b[31:], 0x0000)
	le.PutUint16(b[43:], 1)
	copy(b[51:], reversed(slave))
	b[55] = group
	le.PutUint16(b[57:], seq)
	for i := 59; i < len(b); i += 5 {
		b[i] = byte(seq) ^ byte(i)
	}
	return b
}

// ---- CC-Link IE Field: EtherType 0x890F ----

const ccieEtherType = 0x890f

// Frame types of CC-Link IE Field used here.
const (
	cciePersuasion = 0x10
	ccieTokenM     = 0x15
	ccieMyStatus   = 0x20
	ccieTransient1 = 0x22
	ccieTransient2 = 0x25
	ccieParameter  = 0x29
	ccieRWw        = 0x82
	ccieRY         = 0x83
	ccieRWr        = 0x84
	ccieRX         = 0x85
)

// ccieFrame builds the payload after the EtherType: the 14-byte header of
// CC-Link IE Field (byte 8 = 1) and a body of n bytes. The header check (HEC)
// of the published captures is zero, and so it is here.
func ccieFrame(typ, dataType uint8, station uint16, nodeType uint8, body []byte) []byte {
	b := make([]byte, 14, 14+len(body))
	b[0], b[1] = typ, dataType
	switch typ {
	case cciePersuasion:
		b[5] = nodeType
	case ccieTransient1, ccieTransient2:
		b[4] = 0x13
	case ccieMyStatus:
		b[5] = nodeType
	}
	binary.BigEndian.PutUint16(b[6:], station)
	b[8], b[9] = 1, 1
	return append(b, body...)
}

// ccieTransient2Body puts CT at offset 36 of the frame payload.
func ccieTransient2Body(ct uint8) []byte {
	b := make([]byte, 32)
	b[22] = ct
	return b
}

// ccieTransient1Body puts command and sub-command at offsets 30 and 31.
func ccieTransient1Body(cmd, sub uint8) []byte {
	b := make([]byte, 40)
	b[16], b[17] = cmd, sub
	return b
}

// ccie sends one frame and counts it.
func (w *world) ccie(t int64, src *node, dst mac, payload []byte, suffix, direction, class string) {
	code := fmt.Sprintf("%02x", payload[0]) + suffix
	o := w.op(src.mac.String(), dst.String(), "cc-link-ie-field-control", code, direction, class, "")
	w.emit(t, ethernet(dst, src.mac, ccieEtherType, payload), nil, o)
}

// ciefbOp counts a Field Basic frame.
func (w *world) ciefbOp(src, dst ip4, code, direction, class, status string) *operation {
	return w.op(src.String(), dst.String(), "cc-link-ie-field-basic", code, direction, class, status)
}
