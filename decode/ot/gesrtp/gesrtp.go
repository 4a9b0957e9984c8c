// Package gesrtp decodes GE-SRTP (Service Request Transfer Protocol) of GE and
// Emerson PACSystems controllers.
//
// README.md says how it is recognised and where it is wrong.
package gesrtp

import (
	"encoding/binary"
	"fmt"
	"sort"

	"osect/decode/ot"
)

// Protocol describes GE-SRTP to the registry.
var Protocol = ot.Protocol{
	Name:        "ge-srtp",
	Title:       "GE-SRTP",
	TCPPorts:    []uint16{18245},
	ProbeStream: probeStream,
	Stream:      stream,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%04x", uint16(status)) },
	StatusName:  statusName,
	Table:       table(),
}

// The header of 56 bytes, little-endian; text follows it. Fact sheet ge-srtp.
const (
	headLen  = 56
	atSeq    = 2
	atText   = 4
	atCopy   = 30 // sequence again, in requests
	atKind   = 31
	atPacket = 40
	atTotal  = 41
	atCode   = 42 // service request; in replies major status
	atMinor  = 43
)

// Types of the first byte.
const (
	typeInit       = 0
	typeInitAnswer = 1
	typeRequest    = 2
	typeReply      = 3
)

// Message types.
const (
	kindRequest = 0xc0
	kindText    = 0x80 // request with text
	kindAck     = 0xd4
	kindAckText = 0x94
	kindError   = 0xd1
	kindNone    = 0x00 // initialisation
)

// Above the service in PDU.Code.
const (
	codeInit    = 1 << 8 // an initialisation: the low bit says which way
	codeNoMatch = 1 << 9 // a reply whose request was not seen
)

// message reads the head of a message: its whole size, 0 where bytes are missing,
// -1 where it is none.
func message(p []byte) int {
	if len(p) > 0 && p[0] > typeReply || len(p) > 1 && p[1] != 0 {
		return -1
	}
	if len(p) < headLen {
		return 0
	}
	text := int(binary.LittleEndian.Uint16(p[atText:]))
	switch p[0] {
	case typeInit, typeInitAnswer:
		if text != 0 || p[atKind] != kindNone || p[atCode] != 0 {
			return -1
		}
	case typeRequest:
		switch p[atKind] {
		case kindRequest:
			if text != 0 {
				return -1
			}
		case kindText:
		default:
			return -1
		}
	case typeReply:
		switch p[atKind] {
		case kindAck, kindAckText, kindError:
		default:
			return -1
		}
	}
	return headLen + text
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		if h.Port {
			return ot.More
		}
		return ot.No
	case h.Port:
		return ot.Yes
	}
	// Elsewhere a request of the table, first and only packet, with its sequence twice.
	_, known := services[p[atCode]]
	if p[0] == typeRequest && known && p[atPacket] >= 1 && p[atPacket] <= p[atTotal] && p[atSeq] == p[atCopy] &&
		binary.LittleEndian.Uint32(p[36:]) != 0 && n >= len(p) {
		return ot.Yes
	}
	return ot.No
}

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, headLen, ot.Whole, message, tell)
}

// state is what a connection remembers: requests that wait for their replies, which
// do not repeat the service.
type state struct {
	next int
	open [8]asked
}

type asked struct {
	waits         bool
	sequence, srv byte
}

func tell(s *ot.Session, p []byte, _ int) {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	switch p[0] {
	case typeInit, typeInitAnswer:
		pdu := ot.PDU{Code: codeInit | uint64(p[0]), Direction: ot.Request, Class: ot.Connect}
		s.Client = ot.ClientSender
		if p[0] == typeInitAnswer {
			pdu.Direction = ot.Response
			s.Client = ot.ClientReceiver
		}
		s.Emit(pdu)
	case typeRequest:
		code := p[atCode]
		st.open[st.next] = asked{true, p[atSeq], code}
		st.next = (st.next + 1) % len(st.open)
		s.Client = ot.ClientSender
		s.Emit(ot.PDU{Code: uint64(code), Direction: ot.Request, Class: services[code].class})
	case typeReply:
		pdu := ot.PDU{Code: codeNoMatch, Direction: ot.Response, HasStatus: true}
		pdu.Status = uint32(p[atCode])<<8 | uint32(p[atMinor])
		if p[atKind] == kindError || p[atCode] != 0 {
			pdu.Direction = ot.Error
		}
		s.Client = ot.ClientReceiver
		for i := range st.open {
			if a := &st.open[i]; a.waits && a.sequence == p[atSeq] {
				a.waits = false
				pdu.Code, pdu.Class = uint64(a.srv), services[a.srv].class
				break
			}
		}
		s.Emit(pdu)
	}
}

type entry struct {
	name  string
	class ot.Class
}

// services by service request code: fact sheet ge-srtp, whose "W" is Write and "W!"
// Control.
var services = map[byte]entry{
	0x00: {"PLC short status", ot.Read},
	0x03: {"return control program names", ot.Read},
	0x04: {"read system memory", ot.Read},
	0x05: {"read task memory", ot.Read},
	0x06: {"read program memory", ot.Read},
	0x07: {"write system memory", ot.Write},
	0x08: {"write task memory", ot.Write},
	0x09: {"write program block memory", ot.Write},
	0x20: {"programmer logon", ot.Control},
	0x21: {"change PLC CPU privilege level", ot.Control},
	0x22: {"set control id", ot.Write},
	0x23: {"set PLC run or stop", ot.Control},
	0x24: {"set PLC time and date", ot.Control},
	0x25: {"return PLC time and date", ot.Read},
	0x38: {"return fault table", ot.Read},
	0x39: {"clear fault table", ot.Write},
	0x3f: {"program store (upload from PLC)", ot.Read},
	0x40: {"program load (download to PLC)", ot.Control},
	0x43: {"return controller type and id", ot.Identity},
	0x44: {"toggle force system memory", ot.Control},
}

func function(code uint64) ot.Function {
	switch {
	case code&codeInit != 0 && code&1 == 0:
		return ot.Function{Code: "init:00", Name: "initialise"}
	case code&codeInit != 0:
		return ot.Function{Code: "init:01", Name: "initialise answer"}
	case code&codeNoMatch != 0:
		return ot.Function{Code: "", Name: "reply to an unseen request"}
	}
	f := ot.Function{Code: fmt.Sprintf("%02x", byte(code)), Name: fmt.Sprintf("unknown 0x%02x", byte(code))}
	if v, ok := services[byte(code)]; ok {
		f.Name = v.name
	}
	return f
}

func statusName(status uint32) string {
	switch major, minor := byte(status>>8), byte(status); {
	case status == 0:
		return "ok"
	case minor == 0xf5:
		return "invalid password"
	case minor == 0xfe:
		return "no privilege"
	case major == 0x01:
		return "illegal service"
	case major == 0x02:
		return "privilege level too low"
	case major == 0x04:
		return "sequence error"
	case major == 0x05:
		return "service request error"
	case major == 0x07:
		return "service request queue full"
	}
	return ""
}

func table() []ot.TableRow {
	rows := []ot.TableRow{
		{Code: "init:00", Name: "initialise", Class: ot.Connect},
		{Code: "init:01", Name: "initialise answer", Class: ot.Connect},
	}
	for code, v := range services {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", code), Name: v.name, Class: v.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
