// Package s7comm decodes Siemens S7comm (S7-300/400 and compatible) and names
// the messages of S7comm-plus (S7-1200/1500) on ISO transport over TCP.
//
// README.md says how they are recognised and where that is wrong.
package s7comm

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"osect/decode/ot"
	"osect/decode/ot/cotp"
)

// Protocol describes S7comm to the registry.
var Protocol = ot.Protocol{
	Name:        "s7comm",
	Title:       "Siemens S7comm",
	TCPPorts:    []uint16{cotp.Port},
	ProbeStream: probeStream,
	Stream:      stream,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%04x", uint16(status)) },
	StatusName:  statusName,
	Table:       table(),
}

// The S7 header, big-endian: 32, ROSCTR 1, reserved 2 (0), PDU reference 2,
// parameter length 2, data length 2; in acks error class 1 and error code 1.
// Fact sheet s7comm.
const (
	classic = 0x32
	plus    = 0x72

	headLen    = 10
	ackHeadLen = 12
)

// ROSCTR, what kind of message it is.
const (
	job      = 1
	ack      = 2
	ackData  = 3
	userdata = 7
)

// head is the length of the header of a ROSCTR, 0 where there is none such.
func head(rosctr byte) int {
	switch rosctr {
	case job, userdata:
		return headLen
	case ack, ackData:
		return ackHeadLen
	}
	return 0
}

// header splits a message into what follows its header; of what its lengths
// promise beyond the unit there is only what is there.
func header(d []byte) (param, data []byte, ok bool) {
	if len(d) < headLen || d[0] != classic {
		return nil, nil, false
	}
	n := head(d[1])
	if n == 0 || len(d) < n {
		return nil, nil, false
	}
	end := n + int(binary.BigEndian.Uint16(d[6:]))
	if end > len(d) {
		return d[n:], nil, true
	}
	data = d[end:]
	return d[n:end], data[:min(int(binary.BigEndian.Uint16(d[8:])), len(data))], true
}

// whole says whether d is one message of S7comm by its own lengths.
func whole(d []byte) bool {
	if len(d) < headLen || d[0] != classic || d[2]|d[3] != 0 {
		return false
	}
	n := head(d[1])
	return n > 0 && n+int(binary.BigEndian.Uint16(d[6:]))+int(binary.BigEndian.Uint16(d[8:])) == len(d)
}

// S7comm-plus: 72, version 1, data length 2, [version 3: digest length 1 and digest],
// opcode 1, reserved 2, function 2.
const (
	plusHeadLen   = 4
	plusKeepAlive = 0xfe
)

func plusHeader(d []byte) bool {
	if len(d) < plusHeadLen || d[0] != plus {
		return false
	}
	switch d[1] {
	case 1, 2, 3, plusKeepAlive:
		return true
	}
	return false
}

// probeStream believes a transport unit that begins with an S7 header whose
// lengths are the unit's; on port 102 also with other lengths.
func probeStream(p []byte, h ot.Hint) ot.Verdict {
	u, size, ok, more := cotp.First(p)
	if more {
		return ot.More
	}
	if !ok {
		return ot.No
	}
	d := u.Data
	wire := size - (len(p) - len(d)) // where p holds one packet
	if len(p) >= size {
		wire = len(d)
	}
	switch d[0] {
	case classic:
		if len(d) < headLen {
			if len(d) < wire {
				return ot.More
			}
			return ot.No
		}
		n := head(d[1])
		if n == 0 {
			return ot.No
		}
		want := n + int(binary.BigEndian.Uint16(d[6:])) + int(binary.BigEndian.Uint16(d[8:]))
		if h.Port || d[2]|d[3] == 0 && (want == wire || want > wire && !u.Last) {
			return ot.Yes
		}
	case plus:
		if len(d) < plusHeadLen {
			if len(d) < wire {
				return ot.More
			}
			return ot.No
		}
		if n := int(binary.BigEndian.Uint16(d[2:])); plusHeader(d) && (d[1] == plusKeepAlive || n > 8) &&
			(plusHeadLen+n <= wire || !u.Last) {
			return ot.Yes
		}
	}
	return ot.No
}

// state is what a connection remembers.
type state struct {
	cotp.Assembly
}

func stream(s *ot.Session, p []byte) int {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st.Stream(s, p, unit)
}

// unit tells what one transport unit carries.
func unit(s *ot.Session, u cotp.Unit) {
	switch u.Type {
	case cotp.ConnectRequest:
		s.Client = ot.ClientSender
		return
	case cotp.ConnectConfirm:
		s.Client = ot.ClientReceiver
		station(s, u)
		return
	case cotp.Data:
	default:
		return
	}
	if len(u.Data) == 0 || u.Doubtful && !whole(u.Data) {
		return
	}
	switch u.Data[0] {
	case classic:
		tell(s, u.Data)
	case plus:
		tellPlus(s, u.Data)
	}
}

// station tells rack and slot from the TSAP that the client asked for: kind of
// connection (1 PG, 2 OP, 3 basic), then rack*32 + slot.
func station(s *ot.Session, u cotp.Unit) {
	t := u.DestinationTSAP
	if len(t) != 2 || t[0] < 1 || t[0] > 3 {
		return
	}
	var text [16]byte
	out := append(text[:0], "rack "...)
	out = append(out, '0'+t[1]>>5)
	out = append(out, " slot "...)
	s.Tell(ot.FactStation, append(out, digits(t[1]&31)...))
}

const decimal = "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"

// digits is v in decimal, v under 100.
func digits(v byte) string {
	v %= 100
	if v < 10 {
		return decimal[2*v+1 : 2*v+2]
	}
	return decimal[2*v : 2*v+2]
}

// PDU.Code: a kind, and below it function and sub-function.
const (
	kindFunction = iota << 32 // function in the low byte, program service above it
	kindUserdata              // group<<8 | sub-function
	kindPlus                  // function
	kindAck                   // an acknowledgement without a function

	kindMask = 0xff << 32
)

// Functions that are used by name.
const (
	fnSetup   = 0xf0
	fnControl = 0x28
	fnStop    = 0x29
)

// tell tells one S7comm message.
func tell(s *ot.Session, d []byte) {
	param, data, ok := header(d)
	if !ok {
		return
	}
	var pdu ot.PDU
	switch d[1] {
	case userdata:
		tellUserdata(s, param, data)
		return
	case job:
		pdu.Direction = ot.Request
	default:
		pdu.Direction = ot.Response
		pdu.Status, pdu.HasStatus = uint32(binary.BigEndian.Uint16(d[headLen:])), true
		if pdu.Status != 0 {
			pdu.Direction = ot.Error
		}
	}
	if len(param) == 0 || d[1] == ack { // an acknowledgement has no function
		if d[1] != job {
			pdu.Code, pdu.Class = kindAck, ot.Other
			s.Emit(pdu)
		}
		return
	}
	fn := param[0]
	pdu.Code, pdu.Class = kindFunction|uint64(fn), functions[fn].class
	if fn == fnControl && d[1] == job {
		pdu.Code |= uint64(programService(param)) << 8
	}
	s.Emit(pdu)
}

// programService reads the name of the service that function 28 asks for: 28, 7
// bytes, length 2 and parameters, length 1 and name. 0 where it is none of ours.
func programService(param []byte) byte {
	if len(param) < 10 {
		return 0
	}
	at := 10 + int(binary.BigEndian.Uint16(param[8:]))
	if len(param) <= at || len(param) < at+1+int(param[at]) {
		return 0
	}
	name := param[at+1 : at+1+int(param[at])]
	for i := range programServices {
		if string(name) == programServices[i].service {
			return byte(i + 1)
		}
	}
	return 0
}

// tellUserdata tells a message of ROSCTR 7. Parameters: 00 01 12, length 1,
// method 1, type and group 1, sub-function 1, sequence 1; with length 8 also
// data unit reference 1, last unit 1, error 2.
func tellUserdata(s *ot.Session, param, data []byte) {
	if len(param) < 8 {
		return
	}
	group, sub := param[5]&15, param[6]
	pdu := ot.PDU{Code: kindUserdata | uint64(group)<<8 | uint64(sub), Class: userdataClass(group, sub)}
	switch param[5] >> 4 {
	case 4, 7:
		pdu.Direction = ot.Request
	case 8, 0xb:
		pdu.Direction = ot.Response
	case 0, 3: // pushed by the controller
		pdu.Direction = ot.None
	}
	if len(param) >= 12 && pdu.Direction == ot.Response {
		pdu.Status, pdu.HasStatus = uint32(binary.BigEndian.Uint16(param[10:])), true
		if pdu.Status != 0 {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
	if pdu.Direction == ot.Response && group == 4 && sub == 1 {
		statusList(s, data)
	}
}

// statusList tells what a system status list says of the controller: return
// code FF, transport size 09, length 2, list 2, index 2, entry length 2, entries 2.
func statusList(s *ot.Session, d []byte) {
	if len(d) < 12 || d[0] != 0xff || d[1] != 9 {
		return
	}
	list := binary.BigEndian.Uint16(d[4:])
	size, count := int(binary.BigEndian.Uint16(d[8:])), int(binary.BigEndian.Uint16(d[10:]))
	d = d[12:]
	for range count {
		if size < 4 || len(d) < size {
			return
		}
		entry := d[:size]
		d = d[size:]
		index, text := binary.BigEndian.Uint16(entry), entry[2:]
		switch {
		case list&0xff == 0x11 && size == 28:
			switch index {
			case 1:
				order := trim(text[:20])
				if bytes.HasPrefix(order, []byte("6ES7")) || bytes.HasPrefix(order, []byte("6AG1")) {
					s.Tell(ot.FactVendor, vendor)
				}
				s.Tell(ot.FactModel, order)
			case 7:
				firmware(s, entry[24:28])
			}
		case list&0xff == 0x1c && size == 34:
			switch index {
			case 1:
				s.Tell(ot.FactName, trim(text))
			case 5:
				s.Tell(ot.FactSerial, trim(text))
			case 7:
				s.Tell(ot.FactModel, trim(text))
			}
		}
	}
}

var vendor = []byte("Siemens")

// firmware tells a version: letter V, then three numbers.
func firmware(s *ot.Session, v []byte) {
	if v[0] != 'V' || v[1] > 99 || v[2] > 99 || v[3] > 99 {
		return
	}
	var text [16]byte
	out := append(text[:0], 'V')
	for i, b := range v[1:] {
		if i > 0 {
			out = append(out, '.')
		}
		out = append(out, digits(b)...)
	}
	s.Tell(ot.FactFirmware, out)
}

// trim cuts padding; texts with other than printable bytes are none.
func trim(p []byte) []byte {
	p = bytes.Trim(p, "\x00 ")
	for _, c := range p {
		if c < 0x20 || c > 0x7e {
			return nil
		}
	}
	return p
}

// tellPlus tells one S7comm-plus message. Later parts of one that is spread over
// several units have no function that is known: their unit begins with the same
// head, so that only the table tells.
func tellPlus(s *ot.Session, d []byte) {
	if !plusHeader(d) {
		return
	}
	pdu := ot.PDU{Code: kindPlus, Class: ot.Connect}
	if d[1] == plusKeepAlive {
		pdu.Code |= 0xfe << 16
		s.Emit(pdu)
		return
	}
	body := d[plusHeadLen:]
	if d[1] == 3 {
		if len(body) < 1 || len(body) < 1+int(body[0]) {
			return
		}
		body = body[1+int(body[0]):]
	}
	if len(body) < 5 {
		return
	}
	fn := binary.BigEndian.Uint16(body[3:])
	e, known := plusFunctions[fn]
	pdu.Class = e.class
	switch body[0] {
	case 0x31:
		pdu.Direction = ot.Request
		if !known {
			return
		}
	case 0x32:
		pdu.Direction = ot.Response
		if !known {
			return
		}
	case 0x33: // no function: object id instead
		fn, pdu.Class = 0, ot.Cyclic
		pdu.Code |= 0x33 << 16
	default:
		return
	}
	pdu.Code |= uint64(fn)
	s.Emit(pdu)
	if fn == createObject && body[0] == 0x32 {
		order(s, body)
	}
}

// order tells the order number and firmware that the answer to create object
// carries as text: "1;6ES7 215-1AG40-0XB0;V4.2".
func order(s *ot.Session, d []byte) {
	at := bytes.Index(d, []byte(";6ES7 "))
	if at < 0 {
		return
	}
	text := d[at+1:]
	end := bytes.IndexByte(text, ';')
	if end < 0 || end > 24 || trim(text[:end]) == nil {
		return
	}
	s.Tell(ot.FactVendor, vendor)
	s.Tell(ot.FactModel, text[:end])
	v := text[end+1:]
	n := 0
	for n < len(v) && n < 16 && (v[n] == 'V' && n == 0 || v[n] == '.' || v[n] >= '0' && v[n] <= '9') {
		n++
	}
	if n > 1 && v[0] == 'V' {
		s.Tell(ot.FactFirmware, v[:n])
	}
}
