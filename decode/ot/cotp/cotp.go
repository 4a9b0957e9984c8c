// Package cotp reads what Siemens S7 and MMS share on TCP port 102: TPKT
// packets (RFC 1006) that hold ISO 8073 / ITU-T X.224 class 0 transport units
// (COTP), and what a fragmented unit carried before it was cut.
//
// TPKT: version 03, reserved 00, length (2, big-endian, itself included). COTP:
// length indicator (1, of the header behind it), type (1), then by type.
package cotp

import (
	"encoding/binary"

	"osect/decode/ot"
)

// Port is the TCP port of ISO transport over TCP.
const Port = 102

// Types of transport units.
const (
	ConnectRequest    = 0xe0
	ConnectConfirm    = 0xd0
	Disconnect        = 0x80
	DisconnectConfirm = 0xc0
	Data              = 0xf0
	Expedited         = 0x10
	Error             = 0x70
)

const (
	headLen = 4 // TPKT
	minimum = headLen + 3
	// Need is how many bytes of a longer packet are waited for: what decoders
	// look at stands there.
	Need = 4096
	// maxUnit bounds what is kept of a fragmented unit.
	maxUnit = 4096
)

// Size reads the head of a TPKT: the packet's whole size, 0 where bytes of the
// head are missing, -1 where p does not begin with one.
func Size(p []byte) int {
	if len(p) > 0 && p[0] != 3 || len(p) > 1 && p[1] != 0 {
		return -1
	}
	if len(p) < headLen {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	if n < minimum {
		return -1
	}
	return n
}

// Unit is one transport unit. The slices are valid as long as the bytes parsed.
type Unit struct {
	Type byte
	// Last is the end-of-unit mark; valid iff Type is Data.
	Last bool
	// SourceTSAP and DestinationTSAP as the sender writes them: in a confirmation
	// mostly, not always, the request's own order. Valid for connect
	// request and confirm.
	SourceTSAP, DestinationTSAP []byte
	// Doubtful says that bytes of this direction were lost before it while a unit was open: what
	// it carries may begin in the middle. Whoever reads it has to hold it against its own lengths.
	Doubtful bool
	// Data is what the unit carries; of a packet that is not all there, as much as is.
	Data []byte
}

// Parse reads the transport unit of a packet of size bytes, of which p holds the first.
func Parse(p []byte, size int) (u Unit, ok bool) {
	if len(p) < minimum {
		return u, false
	}
	li := int(p[4])
	head := headLen + 1 + li
	if li < 2 || li == 0xff || head > size || head > len(p) {
		return u, false
	}
	u.Type = p[5] & 0xf0
	switch u.Type {
	case Data, Expedited:
		if p[5]&0x0f != 0 {
			return u, false
		}
		u.Last = p[6]&0x80 != 0
	case ConnectRequest, ConnectConfirm:
		// destination reference 2, source reference 2, class 1, parameters
		if li < 6 || p[5]&0x0f > 1 {
			return u, false
		}
		for d := p[headLen+7 : head]; len(d) > 0; {
			if len(d) < 2 || len(d) < 2+int(d[1]) {
				return u, false
			}
			v := d[2 : 2+int(d[1])]
			switch d[0] {
			case 0xc1:
				u.SourceTSAP = v
			case 0xc2:
				u.DestinationTSAP = v
			}
			d = d[2+len(v):]
		}
	case Disconnect, DisconnectConfirm, Error:
	default:
		return u, false
	}
	u.Data = p[head:min(len(p), size)]
	return u, true
}

// First gives the first unit of p that carries data, skipping those that set up
// the connection or are empty. more says that it may still come; ok and more are
// both false where p is something else. Probes use it.
func First(p []byte) (u Unit, size int, ok, more bool) {
	for {
		size = Size(p)
		if size < 0 {
			return u, size, false, false
		}
		if size == 0 || len(p) < minimum {
			return u, size, false, true
		}
		u, ok = Parse(p, size)
		switch {
		case !ok && len(p) < size && len(p) < headLen+1+int(p[4]):
			return u, size, false, true
		case !ok:
			return u, size, false, false
		case u.Type == Data && len(u.Data) > 0:
			return u, size, true, false
		case u.Type == Data && headLen+1+int(p[4]) < size:
			return u, size, false, true // its data are to come
		case len(p) <= size:
			return u, size, false, true
		}
		p = p[size:]
	}
}

// Assembly puts the units of a connection together, both directions. The zero
// value is ready.
type Assembly struct {
	half [2]half
}

type half struct {
	buffer []byte // beginning of a fragmented unit
	open   bool   // fragments came, the last is to come
	lost   bool   // what is open may have begun in what was lost
}

// Stream is an ot.Protocol's Stream: it calls use with each unit, data units put
// together; of those over 4,096 bytes the first 4,096.
func (a *Assembly) Stream(s *ot.Session, p []byte, use func(*ot.Session, Unit)) int {
	h := &a.half[s.Side()]
	if s.Gap {
		// What was begun is void; whether the next part is a first one cannot be seen.
		h.buffer, h.lost = h.buffer[:0], h.open
	}
	done := 0
	for done < len(p) {
		rest := p[done:]
		n := size(s, rest)
		switch {
		case n < 0 && done == 0:
			return -1
		case n <= 0, len(rest) < min(n, Need) && (!s.Cut || len(rest) <= headLen || len(rest) <= headLen+1+int(rest[headLen])):
			return done
		}
		done += n
		u, ok := Parse(rest[:min(n, len(rest))], n)
		if !ok {
			continue
		}
		if u.Type != Data {
			use(s, u)
			continue
		}
		h.unit(s, u, use)
	}
	return done
}

// size is Size, but for the reserved byte: in a stream that is known it may be anything, as RFC 1006
// has it; where bytes were lost it is one of the few that tell a head.
func size(s *ot.Session, p []byte) int {
	if !s.Resume && len(p) > 1 {
		head := [headLen]byte{p[0]}
		copy(head[2:], p[min(2, len(p)):])
		p = head[:min(headLen, len(p))]
	}
	return Size(p)
}

func (h *half) unit(s *ot.Session, u Unit, use func(*ot.Session, Unit)) {
	if u.Last && !h.open {
		use(s, u)
		return
	}
	h.buffer = append(h.buffer, u.Data[:min(len(u.Data), maxUnit-len(h.buffer))]...)
	h.open = !u.Last
	if u.Last {
		u.Data, u.Doubtful = h.buffer, h.lost
		use(s, u)
		h.buffer, h.lost = h.buffer[:0], false
	}
}
