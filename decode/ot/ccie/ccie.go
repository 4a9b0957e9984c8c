// Package ccie decodes CC-Link IE Field and CC-Link IE Control: Ethernet frames
// of EtherType 0x890F without IP. The same EtherType carries CC-Link IE TSN;
// package ccietsn decodes that.
//
// README.md says how it is recognised and where it is wrong.
package ccie

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"

	"osect/decode/ot"
)

// EtherType of CC-Link IE Field, Control and TSN.
const EtherType = 0x890f

// Protocol describes CC-Link IE Field and Control to the registry.
var Protocol = ot.Protocol{
	Name:       "cc-link-ie-field-control",
	Title:      "CC-Link IE Field and Control",
	EtherTypes: []uint16{EtherType},
	Frame:      frame,
	Function:   function,
	Unit:       func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:      table(),
}

// HeaderLen is the length of the header that all frames share.
const HeaderLen = 14

// TSN says whether an 0x890F frame is CC-Link IE TSN's: types C0 to C5, and
// test data and its acknowledgement (11, 12) whose version byte says TSN (2) or
// TSN and Field (3). p starts behind the EtherType.
func TSN(p []byte) bool {
	switch {
	case len(p) == 0:
		return false
	case p[0] >= 0xc0 && p[0] <= 0xc5:
		return true
	case p[0] == 0x11 || p[0] == 0x12:
		return len(p) > 8 && (p[8] == 2 || p[8] == 3)
	}
	return false
}

// Frame types that are used by name.
const (
	persuasion  = 0x10
	testData    = 0x11
	testDataAck = 0x12
	myStatus    = 0x20
	transient1  = 0x22
	transient2  = 0x25
)

// versions in byte 8.
const versionControl = 0

// control says whether a frame is CC-Link IE Control's: by its type where only
// Control has it, else by the version byte.
func control(p []byte) bool {
	return types[p[0]].controlOnly || len(p) > 8 && !types[p[0]].fieldOnly && p[8] == versionControl
}

// PDU.Code: the frame type in the low byte; above it, with hasCommand, the data
// type of transient1 and the command or CT; and whether the frame is Control's.
const (
	isControl  = 1 << 32
	hasCommand = 1 << 33
)

// state is the node type and number told last, by direction.
type state struct{ told [2]uint32 }

func frame(s *ot.Session, p []byte) bool {
	if len(p) == 0 || s.WireLen < HeaderLen || TSN(p) {
		return false
	}
	t := types[p[0]]
	pdu := ot.PDU{Code: uint64(p[0]), Class: t.class, Direction: t.direction}
	if control(p) {
		pdu.Code |= isControl
	}
	if len(p) >= 8 && t.name != "" {
		pdu.Unit, pdu.HasUnit = uint64(binary.BigEndian.Uint16(p[6:])), true
		node(s, p)
	}
	switch p[0] {
	case transient1:
		tellTransient1(p, &pdu)
	case transient2:
		// CT, with bit 7 set in responses.
		if len(p) > 36 {
			ct := p[36]
			c, ok := cts[ct&0x7f]
			if ok && (!c.fieldOnly || pdu.Code&isControl == 0) {
				pdu.Class = c.class
				pdu.Direction = ot.Request
				if ct&0x80 != 0 {
					pdu.Direction = ot.Response
				}
				ct &= 0x7f
			}
			pdu.Code |= hasCommand | uint64(ct)<<8
		}
	}
	s.Emit(pdu)
	return true
}

// tellTransient1 reads what a transient1 frame of CC-Link IE Field carries:
// behind the header and a transient header of 16 bytes, by the data type in byte
// 1, an SLMP CT (05) or a command and a sub-command (07, 08).
func tellTransient1(p []byte, pdu *ot.PDU) {
	if pdu.Code&isControl != 0 || len(p) <= 31 {
		return
	}
	kind := p[1]
	var cmd byte
	switch kind {
	case 0x05:
		if len(p) <= 52 {
			return
		}
		cmd = p[52]
		pdu.Direction = ot.Request
		if cmd&0x80 != 0 {
			pdu.Direction = ot.Response
		}
		cmd &= 0x7f
	case 0x07, 0x08:
		cmd = p[30]
		switch p[31] {
		case 0x00:
			pdu.Direction = ot.Request
		case 0x80:
			pdu.Direction = ot.Response
		}
	default:
		return
	}
	pdu.Code |= hasCommand | uint64(cmd)<<8 | uint64(kind)<<16
	pdu.Class = commands[uint16(kind)<<8|uint16(cmd)].class
}

// node tells the sender's node type and station number where a frame has both.
func node(s *ot.Session, p []byte) {
	switch p[0] {
	case persuasion, testData, testDataAck, myStatus:
	default:
		return
	}
	names := fieldNodes
	if control(p) {
		names = controlNodes
	}
	name, ok := names[p[5]]
	if !ok {
		return
	}
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	d := s.Side()
	now := 1<<31 | uint32(p[5])<<16 | uint32(binary.BigEndian.Uint16(p[6:]))
	if st.told[d] == now {
		return
	}
	st.told[d] = now
	var buf [64]byte
	b := append(append(buf[:0], name...), ' ')
	s.Tell(ot.FactStation, strconv.AppendUint(b, uint64(binary.BigEndian.Uint16(p[6:])), 10))
}

func function(code uint64) ot.Function {
	t := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", t), Name: types[t].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown 0x%02x", t)
	}
	if code&hasCommand != 0 {
		kind, cmd := byte(code>>16), byte(code>>8)
		switch t {
		case transient1:
			f.Code += fmt.Sprintf(":%02x:%02x", kind, cmd)
			c, ok := commands[uint16(kind)<<8|uint16(cmd)]
			switch {
			case ok:
				f.Name += " " + c.name
			case kind == 0x05:
				f.Name += fmt.Sprintf(" unknownCt%02x", cmd)
			default:
				f.Name += fmt.Sprintf(" unknownCmd%02x", cmd)
			}
		case transient2:
			f.Code += fmt.Sprintf(":%02x", cmd)
			if c, ok := cts[cmd]; ok && (!c.fieldOnly || code&isControl == 0) {
				f.Name += " " + c.name
			} else {
				f.Name += fmt.Sprintf(" unknownCt%02x", cmd)
			}
		}
	}
	if code&isControl != 0 && !types[t].controlOnly && types[t].name != "" {
		f.Name += " (Control)"
	}
	return f
}

type frameType struct {
	name                   string
	class                  ot.Class
	direction              ot.Direction
	controlOnly, fieldOnly bool
}

// types by the first byte: fact sheet cc-link-ie-field-control, section 2.
var types = [256]frameType{
	0x00: {"connect", ot.Connect, ot.Request, true, false},
	0x01: {"connectAck", ot.Connect, ot.Response, true, false},
	0x02: {"scan", ot.Connect, ot.None, true, false},
	0x03: {"collect", ot.Connect, ot.None, true, false},
	0x04: {"select", ot.Connect, ot.None, true, false},
	0x05: {"launch", ot.Connect, ot.None, true, false},
	0x06: {"token", ot.Connect, ot.None, true, false},
	0x10: {"persuasion", ot.Connect, ot.None, false, false},
	0x11: {"testData", ot.Other, ot.Request, false, false},
	0x12: {"testDataAck", ot.Other, ot.Response, false, false},
	0x13: {"setup", ot.Connect, ot.Request, false, false},
	0x14: {"setupAck", ot.Connect, ot.Response, false, false},
	0x15: {"tokenM", ot.Connect, ot.None, false, false},
	0x1c: {"timer", ot.Other, ot.None, false, false},
	0x20: {"myStatus", ot.Connect, ot.None, false, false},
	0x22: {"transient1", ot.Other, ot.None, false, false},
	0x23: {"transientAck", ot.Other, ot.Response, false, false},
	0x24: {"dummy", ot.Connect, ot.None, true, false},
	0x25: {"transient2", ot.Other, ot.None, false, false},
	0x26: {"ipTransient", ot.Other, ot.None, false, false},
	0x28: {"paramCheck", ot.Read, ot.None, false, false},
	0x29: {"parameter", ot.Control, ot.None, false, false},
	0x2f: {"nTNTest", ot.Other, ot.None, true, false},
	0x40: {"measure", ot.Other, ot.Request, false, false},
	0x41: {"measureAck", ot.Other, ot.Response, false, false},
	0x42: {"offset", ot.Other, ot.None, false, false},
	0x43: {"update", ot.Other, ot.None, false, false},
	0x80: {"cyclicDataW", ot.Cyclic, ot.None, true, false},
	0x81: {"cyclicDataB", ot.Cyclic, ot.None, true, false},
	0x82: {"cyclicDataRWw", ot.Cyclic, ot.None, false, true},
	0x83: {"cyclicDataRY", ot.Cyclic, ot.None, false, true},
	0x84: {"cyclicDataRWr", ot.Cyclic, ot.None, false, true},
	0x85: {"cyclicDataRX", ot.Cyclic, ot.None, false, true},
	0x8c: {"cyclicDataOut1", ot.Cyclic, ot.None, true, false},
	0x8d: {"cyclicDataOut2", ot.Cyclic, ot.None, true, false},
	0x8e: {"cyclicDataIn1", ot.Cyclic, ot.None, true, false},
	0x8f: {"cyclicDataIn2", ot.Cyclic, ot.None, true, false},
}

type command struct {
	name      string
	class     ot.Class
	fieldOnly bool
}

// commands of transient1 by data type and command (for data type 05: CT
// without bit 7): section 4.
var commands = map[uint16]command{
	0x0530: {"slmpTransmit", ot.Other, true},
	0x0701: {"deliverNodeInformation", ot.Identity, true},
	0x0703: {"getStatisticalInformation", ot.Read, true},
	0x0704: {"acquiresDetailedNodeInformation", ot.Identity, true},
	0x070a: {"acquiresOptionalInformation", ot.Read, true},
	0x0801: {"communicationCycleSetting", ot.Control, true},
	0x0802: {"objectRead", ot.Read, true},
	0x0803: {"objectWrite", ot.Write, true},
}

// cts are the commands of transient2: section 5.
var cts = map[byte]command{
	0x04: {"getMemoryAccessInfo", ot.Read, false},
	0x08: {"run", ot.Control, false},
	0x09: {"stop", ot.Control, false},
	0x10: {"readMemory", ot.Read, false},
	0x12: {"writeMemory", ot.Write, false},
	0x20: {"messageTransfer", ot.Other, true},
}

// Node types in byte 5: section 3.
var (
	fieldNodes = map[byte]string{
		0x30: "master node", 0x32: "local node", 0x33: "intelligent device node",
		0x34: "remote device node", 0x35: "remote I/O node",
	}
	controlNodes = map[byte]string{
		0x00: "management node", 0x02: "normal node", 0x21: "master node (node-to-node test)",
	}
)

func table() []ot.TableRow {
	var rows []ot.TableRow
	for code, t := range types {
		if t.name != "" {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", code), Name: t.name, Class: t.class})
		}
	}
	for code, c := range commands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("22:%02x:%02x", code>>8, code&0xff), Name: "transient1 " + c.name, Class: c.class})
	}
	for ct, c := range cts {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("25:%02x", ct), Name: "transient2 " + c.name, Class: c.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
