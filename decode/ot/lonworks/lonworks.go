// Package lonworks decodes LonWorks over IP (EIA/CEA-852) with the LonTalk packets
// inside.
//
// README.md says how it is recognised and where it is wrong.
package lonworks

import (
	"encoding/binary"
	"fmt"
	"sort"

	"osect/decode/ot"
)

// Protocol describes LonWorks/IP to the registry.
var Protocol = ot.Protocol{
	Name:          "lonworks-ip",
	Title:         "LonWorks/IP (CEA-852)",
	UDPPorts:      []uint16{1628, 1629},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Function:      function,
	Unit:          func(unit uint64) string { return fmt.Sprintf("%d/%d", byte(unit>>8), byte(unit)) },
	Table:         table(),
}

// The header of 20 bytes, big-endian: length 2, version 1, packet type 1,
// extension header 1 (in 4 bytes), protocol flags 1, vendor 2, session 4, sequence 4,
// time stamp 4. Fact sheet lonworks-ip.
const (
	headLen  = 20
	typeData = 1
)

// head says whether p, of wire bytes, is a CEA-852 packet and where its body begins.
func head(p []byte, wire int) (body int, ok bool) {
	if len(p) < headLen || int(binary.BigEndian.Uint16(p)) != wire || p[2] != 1 {
		return 0, false
	}
	if _, known := packets[p[3]]; !known {
		return 0, false
	}
	body = headLen + 4*int(p[4])
	return body, body <= wire
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	body, ok := head(p, h.WireLen)
	switch {
	case !ok:
		return ot.No
	case h.Port:
		return ot.Yes
	}
	// Elsewhere: a data packet without extensions and flags, with a LonTalk packet.
	if p[3] == typeData && p[4] == 0 && p[5] == 0 && p[6] == 0 && p[7] == 0 && len(p) >= h.WireLen {
		if _, ok := lonTalk(p[body:]); ok {
			return ot.Yes
		}
	}
	return ot.No
}

// talk is what is used of a LonTalk packet.
type talk struct {
	kind        byte // what it is, see kinds
	transaction byte
	apdu        byte
	variable    bool // the APDU is a network variable's
	hasAPDU     bool
	unit        uint64
	hasUnit     bool
}

// Kinds of a LonTalk packet.
const (
	kindMessage   = iota // TPDU or APDU with data
	kindRequest          // SPDU
	kindResponse         // SPDU
	kindAck              // TPDU
	kindReminder         // TPDU, SPDU
	kindChallenge        // AuthPDU
	kindReply            // AuthPDU
)

// lonTalk reads a LonTalk packet: PPDU 1, NPDU 1 (version 2 bits, format 2,
// address format 2, domain length 2), address, domain, then by format.
func lonTalk(p []byte) (t talk, ok bool) {
	if len(p) < 2 || p[1]>>6 != 0 {
		return t, false
	}
	format, addressing, domain := p[1]>>4&3, p[1]>>2&3, [4]int{0, 1, 3, 6}[p[1]&3]
	p = p[2:]
	n := [4]int{3, 3, 4, 9}[addressing]
	if addressing == 2 && len(p) > 1 && p[1]&0x80 == 0 {
		n = 6 // an acknowledged multicast: the group and the member follow
	}
	if len(p) < n+domain+1 {
		return t, false
	}
	if addressing == 2 {
		t.unit, t.hasUnit = uint64(p[2])<<8|uint64(p[3]&0x7f), true
	}
	p = p[n+domain:]
	first := p[0]
	t.transaction = first & 15
	switch format {
	case 0:
		switch first >> 4 & 7 {
		case 0, 1:
			p = p[1:]
		case 2:
			t.kind = kindAck
			return t, true
		case 4:
			t.kind = kindReminder
			return t, true
		case 5: // reminder with message: a list of members, then the message
			t.kind = kindMessage
			if len(p) < 2 || len(p) < 2+int(p[1]) {
				return t, false
			}
			p = p[2+int(p[1]):]
		default:
			return t, false
		}
	case 1:
		switch first >> 4 & 7 {
		case 0:
			t.kind = kindRequest
			p = p[1:]
		case 2:
			t.kind = kindResponse
			p = p[1:]
		case 4, 5:
			t.kind = kindReminder
			return t, true
		default:
			return t, false
		}
	case 2:
		switch first >> 4 & 3 {
		case 0:
			t.kind = kindChallenge
		case 2:
			t.kind = kindReply
		default:
			return t, false
		}
		return t, true
	}
	if len(p) < 1 {
		return t, false
	}
	t.apdu, t.hasAPDU, t.variable = p[0], true, p[0]&0x80 != 0
	return t, true
}

// state is what a connection remembers: the request of each transaction number,
// + 1, since responses do not repeat it.
type state struct {
	asked [16]uint16
}

// PDU.Code is the packet type, and for data: hasTalk, the kind above it and the
// APDU's first byte above that; variables are all one.
const (
	hasTalk  = 1 << 8
	hasAPDU  = 1 << 9
	variable = 1 << 10
	kindAt   = 12
	apduAt   = 16
)

func datagram(s *ot.Session, p []byte) {
	at, ok := head(p, s.WireLen)
	if !ok {
		return
	}
	v := packets[p[3]]
	pdu := ot.PDU{Code: uint64(p[3]), Direction: v.direction, Class: v.class}
	if p[3] == typeData && p[5]&0x1f == 0 && at < len(p) {
		if t, ok := lonTalk(p[at:]); ok {
			tellTalk(s, &pdu, t)
		}
	}
	s.Emit(pdu)
}

func tellTalk(s *ot.Session, pdu *ot.PDU, t talk) {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	pdu.Unit, pdu.HasUnit = t.unit, t.hasUnit
	pdu.Code |= hasTalk | uint64(t.kind)<<kindAt
	pdu.Class = ot.Other
	switch t.kind {
	case kindAck, kindReply:
		pdu.Direction = ot.Response
		return
	case kindReminder, kindChallenge:
		return
	case kindResponse:
		pdu.Direction = ot.Response
		asked := st.asked[t.transaction]
		st.asked[t.transaction] = 0
		if asked == 0 {
			return
		}
		code := byte(asked - 1)
		pdu.Code |= hasAPDU | apduCode(code)
		pdu.Class = classOf(code, kindRequest)
		// Management and diagnostics: 2x or 3x success, 0x or 1x failure.
		if code >= 0x50 && code < 0x80 && t.apdu&0x20 == 0 && !t.variable {
			pdu.Direction = ot.Error
		}
		return
	case kindRequest:
		pdu.Direction = ot.Request
		st.asked[t.transaction] = uint16(t.apdu) + 1
	case kindMessage:
		if t.apdu >= 0x50 && !t.variable {
			pdu.Direction = ot.Request
		}
	}
	pdu.Code |= hasAPDU | apduCode(t.apdu)
	pdu.Class = classOf(t.apdu, int(t.kind))
}

// apduCode is the part of the code that an APDU's first byte gives.
func apduCode(b byte) uint64 {
	if b&0x80 != 0 {
		return variable
	}
	return uint64(b) << apduAt
}

// classOf says what an APDU does.
func classOf(b byte, kind int) ot.Class {
	switch {
	case b&0x80 != 0 && kind == kindRequest:
		return ot.Read // a poll
	case b&0x80 != 0:
		return ot.Cyclic
	}
	return management[b].class
}

func function(code uint64) ot.Function {
	kind := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", kind), Name: packets[kind].name}
	if code&hasTalk == 0 {
		return f
	}
	k := int(code >> kindAt & 7)
	if code&hasAPDU == 0 {
		f.Code += ":" + kinds[k].code
		f.Name = kinds[k].name
		return f
	}
	b := byte(code >> apduAt)
	switch {
	case code&variable != 0 && (k == kindRequest || k == kindResponse):
		f.Code, f.Name = f.Code+":nv-poll", "network variable poll"
	case code&variable != 0:
		f.Code, f.Name = f.Code+":nv", "network variable update"
	default:
		f.Code += fmt.Sprintf(":%02x", b)
		f.Name = apduName(b)
	}
	return f
}

func apduName(b byte) string {
	if v, ok := management[b]; ok {
		return v.name
	}
	switch {
	case b < 0x40:
		return fmt.Sprintf("application message 0x%02x", b)
	case b < 0x50:
		return fmt.Sprintf("foreign frame 0x%02x", b)
	case b < 0x60:
		return fmt.Sprintf("diagnostics 0x%02x", b)
	}
	return fmt.Sprintf("network management 0x%02x", b)
}

type entry struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

// packets by packet type: fact sheet lonworks-ip.
var packets = map[byte]entry{
	0x01: {"data", ot.None, ot.Other},
	0x03: {"device registration", ot.None, ot.Connect},
	0x04: {"channel membership", ot.None, ot.Connect},
	0x06: {"send list", ot.None, ot.Connect},
	0x07: {"ack", ot.Response, ot.Connect},
	0x08: {"channel routing", ot.None, ot.Connect},
	0x60: {"status request", ot.Request, ot.Read},
	0x63: {"device configuration request", ot.Request, ot.Read},
	0x64: {"channel membership request", ot.Request, ot.Read},
	0x66: {"send list request", ot.Request, ot.Read},
	0x68: {"channel routing request", ot.Request, ot.Read},
	0x70: {"status response", ot.Response, ot.Read},
	0x71: {"device configuration", ot.None, ot.Control},
	0x7f: {"segment", ot.None, ot.Other},
}

// kinds name the LonTalk packets that carry no APDU of their own.
var kinds = [...]struct{ code, name string }{
	kindMessage:   {"message", "message"},
	kindRequest:   {"request", "request"},
	kindResponse:  {"response", "response to an unseen request"},
	kindAck:       {"ack", "acknowledgement"},
	kindReminder:  {"reminder", "reminder"},
	kindChallenge: {"challenge", "authentication challenge"},
	kindReply:     {"reply", "authentication reply"},
}

// management are the diagnostics and network management messages.
var management = map[byte]struct {
	name  string
	class ot.Class
}{
	0x51: {"query status", ot.Read},
	0x52: {"proxy", ot.Other},
	0x53: {"clear status", ot.Write},
	0x54: {"query transceiver status", ot.Read},
	0x61: {"query id", ot.Identity},
	0x63: {"update domain", ot.Control},
	0x64: {"leave domain", ot.Control},
	0x65: {"update key", ot.Control},
	0x66: {"update address", ot.Control},
	0x6b: {"update network variable configuration", ot.Control},
	0x6c: {"set node mode", ot.Control},
	0x6d: {"read memory", ot.Read},
	0x6e: {"write memory", ot.Control},
	0x6f: {"checksum recalculate", ot.Control},
	0x70: {"wink", ot.Other},
	0x71: {"memory refresh", ot.Control},
	0x72: {"query SNVT", ot.Identity},
	0x73: {"network variable fetch", ot.Read},
	0x7f: {"service pin", ot.Identity},
}

func table() []ot.TableRow {
	rows := []ot.TableRow{
		{Code: "01:nv", Name: "network variable update", Class: ot.Cyclic},
		{Code: "01:nv-poll", Name: "network variable poll", Class: ot.Read},
	}
	for kind, v := range packets {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", kind), Name: v.name, Class: v.class})
	}
	for _, k := range kinds[kindResponse:] {
		rows = append(rows, ot.TableRow{Code: "01:" + k.code, Name: k.name, Class: ot.Other})
	}
	for b, v := range management {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("01:%02x", b), Name: v.name, Class: v.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
