// Package ptp decodes PTP version 2 (IEEE 1588-2008, gPTP) on Ethernet and UDP.
//
// README.md says how it is recognised and where it is wrong.
package ptp

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes PTP to the registry.
var Protocol = ot.Protocol{
	Name:          "ptp",
	Title:         "PTP (IEEE 1588)",
	UDPPorts:      []uint16{319, 320},
	EtherTypes:    []uint16{0x88f7},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Frame:         frame,
	Function:      function,
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

// The common header of 34 bytes, big-endian: transport 4 bits and message type 4
// bits, version (low 4 bits), message length 2, domain 1, … IEEE 1588-2008,
// section 13.3.
const (
	headLen    = 34
	management = 0xd
	// actionAt is where a management message has its action: behind the header, target port
	// identity 10, and two hop counts.
	actionAt = headLen + 12
)

// head says whether p, of wire bytes, is a PTP version 2 message; the frame may be
// padded.
func head(p []byte, wire int) bool {
	if len(p) < headLen || p[1]&15 != 2 {
		return false
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	return n >= headLen && n <= wire
}

// probeDatagram: the ports belong to PTP alone, and the header says little by
// itself.
func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if h.Port && head(p, h.WireLen) {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) { frame(s, p) }

func frame(s *ot.Session, p []byte) bool {
	if !head(p, s.WireLen) {
		return false
	}
	kind := p[0] & 15
	pdu := ot.PDU{Code: uint64(kind), Unit: uint64(p[4]), HasUnit: true, Direction: types[kind].direction, Class: types[kind].class}
	if kind == management && len(p) > actionAt && int(binary.BigEndian.Uint16(p[2:])) > actionAt {
		a := p[actionAt] & 15
		if int(a) < len(actions) {
			pdu.Code |= uint64(a+1) << 8
			pdu.Direction, pdu.Class = actions[a].direction, actions[a].class
		}
	}
	s.Emit(pdu)
	return true
}

func function(code uint64) ot.Function {
	kind := code & 15
	f := ot.Function{Code: strconv.FormatUint(kind, 16), Name: types[kind].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("reserved 0x%x", kind)
	}
	if a := int(code >> 8); a > 0 && a <= len(actions) {
		f.Name += " " + actions[a-1].name
	}
	return f
}

type entry struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

// types by message type: IEEE 1588-2008, table 19.
var types = [16]entry{
	0x0: {"Sync", ot.None, ot.Cyclic},
	0x1: {"Delay_Req", ot.Request, ot.Cyclic},
	0x2: {"Pdelay_Req", ot.Request, ot.Cyclic},
	0x3: {"Pdelay_Resp", ot.Response, ot.Cyclic},
	0x8: {"Follow_Up", ot.None, ot.Cyclic},
	0x9: {"Delay_Resp", ot.Response, ot.Cyclic},
	0xa: {"Pdelay_Resp_Follow_Up", ot.None, ot.Cyclic},
	0xb: {"Announce", ot.None, ot.Cyclic},
	0xc: {"Signaling", ot.None, ot.Connect},
	0xd: {"Management", ot.None, ot.Other},
}

// actions of management messages: IEEE 1588-2008, table 38.
var actions = [...]entry{
	{"GET", ot.Request, ot.Read},
	{"SET", ot.Request, ot.Control},
	{"RESPONSE", ot.Response, ot.Other},
	{"COMMAND", ot.Request, ot.Control},
	{"ACKNOWLEDGE", ot.Response, ot.Other},
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for kind, v := range types {
		if v.name != "" {
			rows = append(rows, ot.TableRow{Code: strconv.FormatInt(int64(kind), 16), Name: v.name, Class: v.class})
		}
	}
	for _, a := range actions {
		rows = append(rows, ot.TableRow{Code: "d", Name: "Management " + a.name, Class: a.class})
	}
	return rows
}
