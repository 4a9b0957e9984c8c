// Package modbus decodes Modbus/TCP, also over UDP, with Schneider UMAS inside
// function 5A.
//
// README.md says how it is recognised and where it is wrong.
package modbus

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes Modbus/TCP to the registry.
var Protocol = ot.Protocol{
	Name:          "modbus-tcp",
	Title:         "Modbus/TCP",
	TCPPorts:      []uint16{port},
	UDPPorts:      []uint16{port},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:    func(status uint32) string { return exceptions[byte(status)] },
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

const port = 502

// The MBAP header, big-endian: transaction 2, protocol 2 (0), length 2 (of what
// follows it), unit 1; then the function code. Modbus Messaging on TCP/IP
// Implementation Guide V1.0b; fact sheet modbus-tcp.
const (
	mbapLen   = 6
	headLen   = 8 // through the function code
	maxLength = 254
	// maxUMAS is the most that the length field of a UMAS message may say: newer
	// controllers negotiate more than Modbus allows.
	maxUMAS = 2048
)

// adu reads the head of a message: its whole size, 0 where bytes of the head are
// missing, -1 where it is none. It is judged when it is whole: what is too
// short for a head waits for the next bytes.
func adu(p []byte) int {
	if len(p) < headLen {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[4:]))
	if p[2] != 0 || p[3] != 0 || n < 2 || n > maxUMAS || n > maxLength && p[7] != umas {
		return -1
	}
	return mbapLen + n
}

// Function codes that are used by name.
const (
	diagnostics = 0x08
	serverID    = 0x11
	umas        = 0x5a
	meiCarrier  = 0x2b
	errorBit    = 0x80
)

// shape says how the bytes behind a function code fit it: as a request, as a
// response. n is the number of bytes behind the function code on the wire; d
// those at hand.
func shape(fn byte, d []byte, n int) (request, response bool) {
	word := func(off int) int {
		if off+2 > len(d) {
			return -1
		}
		return int(binary.BigEndian.Uint16(d[off:]))
	}
	counted := n >= 1 && len(d) >= 1 && int(d[0]) == n-1 // byte count, then that many bytes
	switch fn {
	case 0x01, 0x02:
		q := word(2)
		return n == 4 && q >= 1 && q <= 2000, counted && n > 1
	case 0x03, 0x04:
		q := word(2)
		return n == 4 && q >= 1 && q <= 125, counted && n > 1 && n%2 == 1
	case 0x05:
		v := word(2)
		ok := n == 4 && (v == 0 || v == 0xff00)
		return ok, ok
	case 0x06:
		return n == 4, n == 4
	case 0x07:
		return n == 0, n == 1
	case 0x0b:
		return n == 0, n == 4
	case 0x0c, serverID:
		return n == 0, counted
	case diagnostics:
		ok := n >= 4 && n%2 == 0 && word(0) <= 0x15
		return ok, ok
	case 0x0f, 0x10:
		q := word(2)
		bytes := (q + 7) / 8
		if fn == 0x10 {
			bytes = 2 * q
		}
		return n > 5 && q > 0 && len(d) > 4 && int(d[4]) == n-5 && bytes == n-5, n == 4 && q > 0 && q <= 0x7b0
	case 0x14:
		return counted && n >= 8 && (n-1)%7 == 0, counted && n > 1
	case 0x15:
		return counted && n > 8, counted && n > 8
	case 0x16:
		return n == 6, n == 6
	case 0x17:
		return n > 9 && len(d) > 8 && int(d[8]) == n-9, counted && n > 1 && n%2 == 1
	case 0x18:
		return n == 2, n >= 4 && word(0) == n-2
	case meiCarrier:
		if len(d) < 1 {
			return false, false
		}
		switch d[0] {
		case 0x0e:
			return n == 3 && len(d) >= 2 && d[1] >= 1 && d[1] <= 4, n >= 6 && len(d) >= 2 && d[1] >= 1 && d[1] <= 4
		case 0x0d:
			return n > 1, n > 1
		}
	case umas:
		if n >= 2 && len(d) >= 2 {
			answer := d[1] == 0xfe || d[1] == 0xfd
			return !answer, answer
		}
	}
	return false, false
}

// fit is how far bytes are Modbus messages, each with the shape of its function: what
// it takes to be known on any port.
type fit uint8

const (
	unfit   fit = iota // they are not
	started            // so far, but no message is whole that says enough
	whole              // at least one is, and what follows it may be the next
)

// decides is how many bytes behind the function code shape may look at.
const decides = 9

// fits judges p. Exceptions alone say too little, and so do functions without a shape.
func fits(p []byte) fit {
	f := started
	for len(p) > 0 {
		n := adu(p)
		if n < 0 {
			return unfit
		}
		if n == 0 || n > len(p) {
			if n > 0 && f != whole && !begun(p, n) {
				return unfit
			}
			return f
		}
		fn, d := p[7], p[headLen:n]
		if fn&errorBit != 0 {
			if len(d) != 1 || exceptions[d[0]] == "" {
				return unfit
			}
		} else {
			request, response := shape(fn, d, len(d))
			if !request && !response || fn == umas {
				return unfit
			}
			f = whole
		}
		p = p[n:]
	}
	return f
}

// begun says whether p may be the beginning of a message of n bytes that fits its function.
func begun(p []byte, n int) bool {
	d := p[headLen:]
	request, response := shape(p[7], d, n-headLen)
	return request || response || len(d) < decides
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if n := adu(p); n > 0 && len(p) == h.WireLen && (h.Port && n == len(p) || fits(p) == whole && complete(p)) {
		return ot.Yes
	}
	return ot.No
}

// complete says whether p is whole messages to its end.
func complete(p []byte) bool {
	for len(p) > 0 {
		n := adu(p)
		if n <= 0 || n > len(p) {
			return false
		}
		p = p[n:]
	}
	return true
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := adu(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		// Elsewhere the protocol identifier and a length that can be must be there.
		if h.Port || len(p) >= mbapLen && p[2]|p[3]|p[4] == 0 && p[5] >= 2 {
			return ot.More
		}
		return ot.No
	case n > len(p) && h.Port:
		// The beginning of a message that fits its function is enough.
		request, response := shape(p[7], p[headLen:], n-headLen)
		switch {
		case request, response:
			return ot.Yes
		case len(p)-headLen < decides:
			return ot.More
		}
		return ot.No
	case h.Port && (n == len(p) || adu(p[n:]) >= 0):
		return ot.Yes // of an unknown function or with odd content too
	}
	switch fits(p) {
	case whole:
		return ot.Yes
	case started:
		if p[4] == 0 && p[7] != umas {
			return ot.More
		}
	}
	return ot.No
}

// state is what a connection remembers: the UMAS functions that wait for their
// responses, since these do not repeat them.
type state struct {
	n    int
	open [16]openUMAS
}

type openUMAS struct {
	transaction uint16
	unit, fn    byte
}

func datagram(s *ot.Session, p []byte) {
	if n := adu(p); n > 0 && n == s.WireLen {
		tell(s, p[:min(len(p), need)], n)
	}
}

// need is how many bytes of a message must be there before it is told; a whole
// Modbus message always fits.
const need = mbapLen + maxLength

func stream(s *ot.Session, p []byte) int {
	if st, ok := s.State.(*state); ok && s.Gap {
		st.n = 0
	}
	// The end of a message may look like a head: it must fit its function, or be whole.
	if s.Resume && fits(p) == unfit && !complete(p) {
		return -1
	}
	return ot.Messages(s, p, need, headLen, adu, tell)
}

// PDU.Code is the function code, and above it what tells its kinds apart:
// diagnostics' sub-function, the MEI type, the UMAS function; known says that
// it is there.
const known = 1 << 32

// tell tells one message of n bytes; p is what is at hand of it, at least the head.
func tell(s *ot.Session, p []byte, n int) {
	fn := p[7] &^ errorBit
	d := p[headLen:]
	pdu := ot.PDU{Code: uint64(fn), Unit: uint64(p[6]), HasUnit: true, Class: classOf(fn)}
	if p[7]&errorBit != 0 {
		pdu.Direction = ot.Error
		s.Client = ot.ClientReceiver
		if len(d) > 0 {
			pdu.Status, pdu.HasStatus = uint32(d[0]), true
		}
		if fn == umas {
			answered(stateOf(s), p, &pdu)
		}
		s.Emit(pdu)
		return
	}
	pdu.Direction = way(s, fn, d, n-headLen)
	switch fn {
	case diagnostics:
		if len(d) >= 2 {
			sub := binary.BigEndian.Uint16(d)
			if f, ok := subFunctions[sub]; ok {
				pdu.Code, pdu.Class = known|uint64(sub)<<8|uint64(fn), f.class
			}
		}
	case meiCarrier:
		if len(d) >= 1 && (d[0] == 0x0d || d[0] == 0x0e) {
			pdu.Code = known | uint64(d[0])<<8 | uint64(fn)
			pdu.Class = meiTypes[d[0]].class
		}
	}
	if fn == umas && len(d) >= 2 {
		tellUMAS(s, p, &pdu)
		return
	}
	s.Emit(pdu)
	if pdu.Direction == ot.Response {
		identity(s, fn, d)
	}
}

// way is the direction of a message that is no exception: by the port where one
// end alone has Modbus's own, else by what the bytes can be, else by which end
// is the client so far.
func way(s *ot.Session, fn byte, d []byte, n int) ot.Direction {
	request, response := shape(fn, d, n)
	fromServer := s.SrcPort == port
	switch {
	case fromServer != (s.DstPort == port):
	case request != response:
		fromServer = response
	default:
		if s.FromClient {
			return ot.Request
		}
		return ot.Response
	}
	if fromServer {
		s.Client = ot.ClientReceiver
		return ot.Response
	}
	s.Client = ot.ClientSender
	return ot.Request
}

func stateOf(s *ot.Session) *state {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st
}

// tellUMAS tells a UMAS message: session 1, then the UMAS function in requests,
// FE (done) or FD (failed) in responses.
func tellUMAS(s *ot.Session, p []byte, pdu *ot.PDU) {
	st := stateOf(s)
	fn := p[headLen+1]
	if pdu.Direction == ot.Request {
		pdu.Code, pdu.Class = umasCode(fn)
		if st.n == len(st.open) {
			copy(st.open[:], st.open[1:])
			st.n--
		}
		st.open[st.n] = openUMAS{binary.BigEndian.Uint16(p), p[6], fn}
		st.n++
		s.Emit(*pdu)
		return
	}
	asked, ok := answered(st, p, pdu)
	if fn == 0xfd {
		pdu.Status, pdu.HasStatus = 0xfd, true
	}
	s.Emit(*pdu)
	if ok && asked == umasReadID && fn == 0xfe {
		umasIdentity(s, p[headLen+2:])
	}
}

// answered gives a UMAS response its request's function and forgets that.
func answered(st *state, p []byte, pdu *ot.PDU) (fn byte, ok bool) {
	transaction := binary.BigEndian.Uint16(p)
	for i := range st.open[:st.n] {
		if e := st.open[i]; e.transaction == transaction && e.unit == p[6] {
			copy(st.open[i:], st.open[i+1:st.n])
			st.n--
			pdu.Code, pdu.Class = umasCode(e.fn)
			return e.fn, true
		}
	}
	return 0, false
}

func umasCode(fn byte) (uint64, ot.Class) {
	return known | uint64(fn)<<8 | umas, umasFunctions[fn].class
}

// identity tells what a response says of its sender.
func identity(s *ot.Session, fn byte, d []byte) {
	switch {
	case fn == meiCarrier && len(d) >= 6 && d[0] == 0x0e:
		// MEI type, read code, conformity, more, next object, number of
		// objects, then objects: id, length, text.
		objects := d[6:]
		for range d[5] {
			if len(objects) < 2 || len(objects) < 2+int(objects[1]) {
				return
			}
			value := objects[2 : 2+int(objects[1])]
			if ot.Printable(value) {
				switch objects[0] {
				case 0x00:
					s.Tell(ot.FactVendor, value)
				case 0x01: // product code
					s.Tell(ot.FactModel, value)
				case 0x02:
					s.Tell(ot.FactFirmware, value)
				case 0x04, 0x05: // product name, model name
					s.Tell(ot.FactModel, value)
				case 0x06:
					s.Tell(ot.FactName, value)
				}
			}
			objects = objects[2+len(value):]
		}
	case fn == serverID && len(d) >= 1 && int(d[0]) == len(d)-1:
		// Byte count, server id (device specific, mostly 1 byte), run
		// indicator 00 or FF, text.
		for i := 2; i < len(d) && i <= 3; i++ {
			if (d[i] == 0 || d[i] == 0xff) && len(d)-i > 3 && ot.Printable(d[i+1:]) {
				s.Tell(ot.FactModel, d[i+1:])
				return
			}
		}
	}
}

// umasIdentity tells the controller's name from a Read ID response: it is the
// text at the end, with its length before it.
func umasIdentity(s *ot.Session, d []byte) {
	for at := len(d) - 4; at >= 16; at-- {
		if n := int(d[at]); n == len(d)-at-1 && ot.Printable(d[at+1:]) {
			s.Tell(ot.FactVendor, vendor)
			s.Tell(ot.FactModel, d[at+1:])
			return
		}
	}
}

var vendor = []byte("Schneider Electric")
