// Package iec104 decodes IEC 60870-5-104: telecontrol over TCP.
//
// README.md says how it is recognised and where it is wrong.
package iec104

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes IEC 60870-5-104 to the registry.
var Protocol = ot.Protocol{
	Name:        "iec-104",
	Title:       "IEC 60870-5-104",
	TCPPorts:    []uint16{2404},
	ProbeStream: probeStream,
	Stream:      stream,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:  statusName,
	Unit:        func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:       table(),
}

// An APDU: start 68, length 1 (of what follows), control 4; in I frames an ASDU:
// type 1, SQ and count 1, cause 1, originator 1, common address 2
// (little-endian), then information objects. Fact sheet iec-104.
const (
	start      = 0x68
	apciLen    = 6
	minLength  = 4
	maxLength  = 253
	asduHead   = 6
	objectAddr = 3
)

const (
	codeU = 1 << 8 // PDU.Code: the control byte of a U frame in the low byte
	codeS = 1 << 9 // PDU.Code: an S frame
)

// apdu says how long the APDU is that p begins with: 0 where bytes are missing to
// tell, -1 where it is none.
func apdu(p []byte) int {
	if len(p) > 0 && p[0] != start || len(p) > 1 && (p[1] < minLength || p[1] > maxLength) {
		return -1
	}
	if len(p) < apciLen {
		return 0
	}
	n := int(p[1])
	switch {
	case p[2]&1 == 0: // I
		if p[4]&1 != 0 || n < minLength+asduHead {
			return -1
		}
	case p[2]&3 == 1: // S
		if n != minLength || p[2] != 1 || p[3] != 0 || p[4]&1 != 0 {
			return -1
		}
	}
	return 2 + n
}

// surelyU says whether p begins with a U frame as the standard has it. Of others the
// control byte is still told in a connection that is known: senders that are
// tested, or test others, send such.
func surelyU(p []byte) bool {
	_, ok := uFrames[p[2]]
	return ok && p[1] == minLength && p[3]|p[4]|p[5] == 0
}

// find gives the place in p where an APDU begins or may begin, len(p) if nowhere.
func find(p []byte) int {
	for i := range p {
		if p[i] == start && apdu(p[i:]) >= 0 {
			return i
		}
	}
	return len(p)
}

// surely says whether the whole ASDU a is of a known type and cause, with
// as many bytes of objects as its count says.
func surely(a []byte) bool {
	t, ok := types[a[0]]
	count := int(a[1] & 0x7f)
	if _, known := causes[a[2]&0x3f]; !ok || !known || count == 0 {
		return false
	}
	if t.size < 0 {
		return true
	}
	n := len(a) - asduHead
	if a[1]&0x80 != 0 {
		return n == objectAddr+count*t.size
	}
	return n == count*(objectAddr+t.size)
}

// maxPrefix is how many bytes before the first APDU a probe passes over on the
// protocol's port: a capture may begin with the byte of a TCP keep-alive.
const maxPrefix = 4

// likely says whether the APDU that p begins with may be believed on the protocol's port,
// which may be a client's by chance: an I frame of an unknown type only if p ends with it.
func likely(p []byte) bool {
	if p[2]&1 != 0 || len(p) == apciLen {
		return true
	}
	_, known := types[p[apciLen]]
	return known || len(p) == apdu(p)
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	if h.Port && len(p) > 1 {
		if at := find(p); at > 0 && at <= maxPrefix && apdu(p[at:]) > 0 {
			p, h.Port = p[at:], false // what follows other bytes must say more
		}
	}
	told := false
	for len(p) > 0 {
		n := apdu(p)
		switch {
		case n < 0, n > 0 && p[2]&3 == 3 && !surelyU(p):
			return ot.No
		case h.Port && n > 0 && likely(p):
			return ot.Yes
		case n == 0, len(p) < n:
			return ot.More
		}
		switch {
		case p[2]&1 == 0:
			if !surely(p[apciLen:n]) {
				return ot.No
			}
			told = true
		case p[2]&3 == 3:
			told = true
		}
		p = p[n:]
	}
	if told {
		return ot.Yes
	}
	return ot.No // S frames alone are too little
}

// stream skips what is no APDU up to the next one.
func stream(s *ot.Session, p []byte) int {
	done := 0
	for done < len(p) {
		n := apdu(p[done:])
		switch {
		case n < 0:
			skip := find(p[done:])
			if done == 0 && skip == len(p) {
				return -1
			}
			done += skip
			continue
		case n == 0, len(p)-done < min(n, apciLen+asduHead):
			return done // of a frame that the capture cut, this much says all that is told
		}
		tell(s, p[done:min(done+n, len(p))])
		done += n
	}
	return done
}

// tell tells one APDU, of which p holds the heads at least.
func tell(s *ot.Session, p []byte) {
	switch {
	case p[2]&1 == 0:
		tellASDU(s, p[apciLen:])
	case p[2]&3 == 1:
		s.Emit(ot.PDU{Code: codeS, Class: ot.Connect})
	default:
		u := uFrames[p[2]]
		if u.direction == ot.Request && p[2] != testAct {
			// Only the controlling station starts and stops data transfer.
			s.Client = ot.ClientSender
		}
		s.Emit(ot.PDU{Code: codeU | uint64(p[2]), Direction: u.direction, Class: u.class})
	}
}

// Causes of transmission that are used by name.
const (
	causeSpontaneous = 3 // and below: periodic, background
	causeRequest     = 5
	causeAct         = 6
	causeActCon      = 7
	causeDeact       = 8
	causeDeactCon    = 9
	causeActTerm     = 10
	causeUnknown     = 44 // to 47: unknown type, cause, common address, object
	negative         = 0x40
)

// Types that are used by name.
const (
	lastMonitor = 44 // types below are process information in monitor direction
	readCommand = 102
	fileCall    = 122
	fileAck     = 124
)

func tellASDU(s *ot.Session, a []byte) {
	typ, cause := a[0], a[2]&0x3f
	pdu := ot.PDU{
		Code:    uint64(typ),
		Class:   types[typ].class,
		Unit:    uint64(binary.LittleEndian.Uint16(a[4:])),
		HasUnit: true,
	}
	switch {
	case cause >= causeUnknown && cause < causeUnknown+4, a[2]&negative != 0:
		pdu.Direction = ot.Error
	case cause == causeAct, cause == causeDeact, typ == readCommand && cause == causeRequest, typ == fileCall:
		pdu.Direction = ot.Request
	case cause == causeActCon, cause == causeDeactCon, cause == causeActTerm, typ == fileAck:
		pdu.Direction = ot.Response
	case cause == causeRequest, cause >= 20 && cause <= 41: // interrogated
		pdu.Direction = ot.Response
	}
	switch pdu.Direction {
	case ot.Request:
		s.Client = ot.ClientSender
	case ot.Response, ot.Error:
		pdu.Status, pdu.HasStatus = uint32(a[2]&0x7f), true
		s.Client = ot.ClientReceiver
	default:
		if typ <= lastMonitor {
			s.Client = ot.ClientReceiver
		}
	}
	s.Emit(pdu)
}

func function(code uint64) ot.Function {
	switch {
	case code&codeS != 0:
		return ot.Function{Code: "s", Name: "supervisory"}
	case code&codeU != 0:
		f := ot.Function{Code: fmt.Sprintf("u%02x", byte(code)), Name: uFrames[byte(code)].name}
		if f.Name == "" {
			f.Name = fmt.Sprintf("unknown U frame 0x%02x", byte(code))
		}
		return f
	}
	typ := byte(code)
	f := ot.Function{Code: strconv.Itoa(int(typ)), Name: types[typ].name}
	if f.Name == "" {
		f.Name = "unknown type " + f.Code
	}
	return f
}

// statusName is the cause of transmission of an answer.
func statusName(status uint32) string {
	name := causes[byte(status)&0x3f]
	if status&negative != 0 {
		name += ", negative"
	}
	return name
}
