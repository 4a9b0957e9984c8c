// Package bacnet decodes BACnet/IP: the virtual link layer, network messages and
// application services on UDP 47808.
//
// README.md says how it is recognised and where it is wrong.
package bacnet

import (
	"encoding/binary"

	"osect/decode/ot"
)

// Protocol describes BACnet/IP to the registry.
var Protocol = ot.Protocol{
	Name:          "bacnet-ip",
	Title:         "BACnet/IP",
	UDPPorts:      []uint16{47808},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Function:      function,
	Status:        status,
	StatusName:    statusName,
	Table:         table(),
}

// BVLC functions: fact sheet bacnet-ip; ANSI/ASHRAE 135 annex J.
const (
	bvlcResult    = 0x00
	bvlcWriteBDT  = 0x01
	bvlcForwarded = 0x04
	bvlcRegister  = 0x05
	bvlcDelete    = 0x08
	bvlcDistrib   = 0x09
	bvlcUnicast   = 0x0a
	bvlcBroadcast = 0x0b
	bvlcSecure    = 0x0c
)

// APDU types, the high half of the first byte.
const (
	confirmedRequest = iota
	unconfirmedRequest
	simpleAck
	complexAck
	segmentAck
	errorPDU
	reject
	abort
)

// PDU.Code: a kind, and below it the service, function or message type.
const (
	kindConfirmed = iota << 8
	kindUnconfirmed
	kindBVLC
	kindNetwork
	kindSegmentAck
	kindReject
	kindAbort
)

// What a PDU.Status is.
const (
	statusError  = iota << 30 // error class<<16 | code
	statusBVLC                // result code
	statusReason              // reject or abort reason
	statusMask   = 3 << 30
)

// Layout of what a BVLC carries.
type frame struct {
	function byte
	body     []byte // behind the BVLC header
	npdu     []byte // valid iff carries
	carries  bool
	exact    bool // the length is the payload's
}

// ipv6 finds the NPDU in a BVLC of IPv6; what carries none is not told.
func (f *frame) ipv6() bool {
	skip := 0
	switch f.function {
	case 0x01: // original unicast: source and destination
		skip = 6
	case 0x02, 0x0c: // original and distributed broadcast: source
		skip = 3
	case 0x08: // forwarded: source, its address 16 and port 2
		skip, f.function = 21, bvlcForwarded
	default:
		return false
	}
	if len(f.body) < skip {
		return false
	}
	f.npdu, f.carries = f.body[skip:], true
	return true
}

// link reads the BVLC header, big-endian: 81, function 1, length 2 (of the whole
// payload); 04 has the original sender's address and port (6) before the NPDU.
//
// On IPv6 (annex U) it begins with 82, and carriers have virtual addresses (3
// each) before the NPDU.
func link(p []byte, wire int) (f frame, ok bool) {
	if len(p) < 4 {
		return f, false
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	if n < 4 || n > wire {
		return f, false
	}
	f.exact = n == wire
	f.function, f.body = p[1], p[4:min(n, len(p))]
	if p[0] == 0x82 {
		return f, f.ipv6()
	}
	if p[0] != 0x81 {
		return f, false
	}
	switch f.function {
	case bvlcForwarded:
		if len(f.body) < 6 {
			return f, false
		}
		f.npdu, f.carries = f.body[6:], true
	case bvlcDistrib, bvlcUnicast, bvlcBroadcast:
		f.npdu, f.carries = f.body, true
	}
	return f, true
}

// network is what an NPDU says.
type network struct {
	message bool   // body begins with a network message type, else with an APDU
	source  bool   // a source network is given: the sender is a router
	body    []byte // may be empty
}

// npdu reads version 01, control, and the addresses that control names:
// destination network 2, length 1, address; source likewise; hop count 1.
// ANSI/ASHRAE 135 clause 6.2.
func npdu(d []byte) (n network, ok bool) {
	if len(d) < 2 || d[0] != 1 {
		return n, false
	}
	control := d[1]
	d = d[2:]
	n.message, n.source = control&0x80 != 0, control&0x08 != 0
	for _, bit := range [2]byte{0x20, 0x08} {
		if control&bit == 0 {
			continue
		}
		if len(d) < 3 || len(d) < 3+int(d[2]) {
			return n, false
		}
		d = d[3+int(d[2]):]
	}
	if control&0x20 != 0 {
		if len(d) < 1 {
			return n, false
		}
		d = d[1:]
	}
	n.body = d
	return n, true
}

// exact says whether the length of what is no carrier is its function's.
func exact(f frame, n int) bool {
	switch f.function {
	case bvlcResult, bvlcRegister:
		return n == 2
	case bvlcWriteBDT, 0x03, 0x07:
		return n%10 == 0
	case 0x02, 0x06:
		return n == 0
	case bvlcDelete:
		return n == 6
	}
	return false
}

// probeDatagram believes a BVLC whose length is the payload's and whose content is
// whole: nothing depends on the port.
func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	f, ok := link(p, h.WireLen)
	if !ok || !f.exact && !h.Port {
		return ot.No
	}
	if !f.carries {
		if exact(f, h.WireLen-4) || h.Port && (f.exact || f.function <= bvlcSecure) {
			return ot.Yes
		}
		return ot.No
	}
	n, ok := npdu(f.npdu)
	if !ok || len(n.body) == 0 {
		return ot.No
	}
	if n.message || h.Port {
		return ot.Yes
	}
	if kind := n.body[0] >> 4; kind <= abort {
		if a, ok := apdu(n.body); ok && (!a.service || kind == unconfirmedRequest && int(a.number) < len(unconfirmed) ||
			kind != unconfirmedRequest && int(a.number) < len(confirmed)) {
			return ot.Yes
		}
	}
	return ot.No
}

// application is what an APDU's head says.
type application struct {
	kind, invoke, number byte
	service              bool // number is a service
	first                bool // not a later segment
	data                 []byte
}

// apdu reads the head of an APDU: clause 20.1.
func apdu(d []byte) (a application, ok bool) {
	if len(d) < 2 {
		return a, false
	}
	a.kind, a.first = d[0]>>4, true
	at := 0
	switch a.kind {
	case confirmedRequest: // maximum size, invoke id, [sequence, window], service
		at = 3
		if len(d) > 2 {
			a.invoke = d[2]
		}
	case unconfirmedRequest:
		at = 1
	case simpleAck, errorPDU, reject, abort:
		a.invoke, at = d[1], 2
	case complexAck: // invoke id, [sequence, window], service
		a.invoke, at = d[1], 2
	case segmentAck:
		a.invoke = d[1]
		return a, len(d) >= 4
	default:
		return a, false
	}
	if (a.kind == confirmedRequest || a.kind == complexAck) && d[0]&8 != 0 {
		if len(d) > at {
			a.first = d[at] == 0
		}
		at += 2
	}
	if len(d) <= at {
		return a, false
	}
	a.number, a.data = d[at], d[at+1:]
	a.service = a.kind != reject && a.kind != abort
	return a, true
}

func datagram(s *ot.Session, p []byte) {
	f, ok := link(p, s.WireLen)
	if !ok {
		return
	}
	if !f.carries {
		pdu := ot.PDU{Code: kindBVLC | uint64(f.function), Direction: ot.Request}
		if int(f.function) < len(bvlc) {
			pdu.Class = bvlc[f.function].class
		}
		switch f.function {
		case bvlcResult:
			pdu.Direction = ot.Response
			if len(f.body) >= 2 {
				code := binary.BigEndian.Uint16(f.body)
				pdu.Status, pdu.HasStatus = statusBVLC|uint32(code), true
				if code != 0 {
					pdu.Direction = ot.Error
				}
			}
		case 0x03, 0x07:
			pdu.Direction = ot.Response
		case bvlcSecure:
			pdu.Direction = ot.None
		}
		s.Emit(pdu)
		return
	}
	n, ok := npdu(f.npdu)
	if !ok || len(n.body) == 0 {
		return
	}
	if n.message {
		s.Emit(ot.PDU{Code: kindNetwork | uint64(n.body[0]), Class: networkMessages[n.body[0]].class})
		return
	}
	tell(s, n, f.function != bvlcForwarded && !n.source)
}

// tell tells an APDU. direct says that the sender is the device that speaks.
func tell(s *ot.Session, n network, direct bool) {
	a, ok := apdu(n.body)
	if !ok {
		return
	}
	var pdu ot.PDU
	switch a.kind {
	case confirmedRequest:
		pdu = ot.PDU{Code: kindConfirmed | uint64(a.number), Direction: ot.Request, Class: service(a.number).class}
	case unconfirmedRequest:
		pdu = ot.PDU{Code: kindUnconfirmed | uint64(a.number), Class: unconfirmedService(a.number).class}
	case simpleAck, complexAck:
		pdu = ot.PDU{Code: kindConfirmed | uint64(a.number), Direction: ot.Response, Class: service(a.number).class}
	case segmentAck:
		pdu = ot.PDU{Code: kindSegmentAck, Class: ot.Connect}
	case errorPDU:
		pdu = ot.PDU{Code: kindConfirmed | uint64(a.number), Direction: ot.Error, Class: service(a.number).class}
		if class, code, ok := errorOf(a.data); ok {
			pdu.Status, pdu.HasStatus = statusError|uint32(class&0xff)<<16|uint32(code&0xffff), true
		}
	case reject:
		pdu = ot.PDU{Code: kindReject, Direction: ot.Error, Status: statusReason | uint32(a.number), HasStatus: true}
	case abort:
		pdu = ot.PDU{Code: kindAbort, Direction: ot.Error, Status: statusReason | uint32(a.number), HasStatus: true}
	}
	s.Emit(pdu)
	if !direct || !a.first {
		return
	}
	switch {
	case a.kind == unconfirmedRequest && a.number == serviceIAm:
		iAm(s, a.data)
	case a.kind == complexAck && a.number == readProperty:
		property(s, a.data)
	case a.kind == complexAck && a.number == readMultiple:
		properties(s, a.data)
	}
}

// errorOf reads error class and code, enumerated (91), also where they stand in a
// wrapper (opening tag).
func errorOf(d []byte) (class, code uint32, ok bool) {
	for range 4 {
		t, rest, ok := next(d)
		if !ok {
			return 0, 0, false
		}
		if t.open {
			d = rest
			continue
		}
		second, _, ok := next(rest)
		return t.value(), second.value(), ok && t.number == 9 && second.number == 9 && !t.context
	}
	return 0, 0, false
}
