// Package ccietsn decodes CC-Link IE TSN: its frames of EtherType 0x890F and its
// network management, SLMP LMT frames on UDP 45238 and 45239. Its time
// synchronisation is PTP and not decoded here.
//
// README.md says how it is recognised and where it is wrong.
package ccietsn

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ccie"
	"osect/decode/ot/slmp"
)

// Protocol describes CC-Link IE TSN to the registry.
var Protocol = ot.Protocol{
	Name:          "cc-link-ie-tsn",
	Title:         "CC-Link IE TSN",
	UDPPorts:      []uint16{portA, portB},
	EtherTypes:    []uint16{ccie.EtherType},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Frame:         frame,
	Function:      function,
	Status:        slmp.Status,
	StatusName:    slmp.StatusName,
	Unit:          unit,
	Table:         table(),
}

// The UDP ports of network management.
const (
	portA = 45238
	portB = 45239
)

// management says whether an SLMP header is one of CC-Link IE TSN's: an LMT
// frame on its ports or with one of its commands, of the datagram's length.
func management(p []byte, src, dst uint16, wire int) (slmp.Header, bool) {
	h, fit := slmp.Parse(p)
	if fit != slmp.Good || h.Frame != slmp.FrameLMT || h.Size != wire {
		return h, false
	}
	ours := src == portA || src == portB || dst == portA || dst == portB
	return h, ours || h.Command >= 0x0e90 && h.Command <= 0x0e94
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if _, ok := management(p, h.SrcPort, h.DstPort, h.WireLen); ok {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	h, ok := management(p, s.SrcPort, s.DstPort, s.WireLen)
	if !ok {
		return
	}
	pdu := ot.PDU{Code: slmp.Code(h.Command, h.Sub), Class: slmp.ClassOf(h.Command, h.Sub),
		Unit: unitSLMP | h.Route(), HasUnit: true, Direction: ot.Request}
	s.Client = ot.ClientSender
	if h.Response {
		s.Client = ot.ClientReceiver
		pdu.Direction, pdu.Status, pdu.HasStatus = ot.Response, uint32(h.End), true
		if h.End != 0 {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
}

// PDU.Code of an 0x890F frame: the type, and the detection version for C1 and C2.
const (
	codeFrame  = 1 << 48
	hasVersion = 1 << 47
)

// PDU.Unit: an SLMP route, or a station number without this bit.
const unitSLMP = 1 << 48

// Frame types.
const (
	testData     = 0x11
	testDataAck  = 0x12
	priority     = 0xc0
	detection    = 0xc1
	detectionAck = 0xc2
	acyclicData  = 0xc3
	cyclicM      = 0xc4
	cyclicS      = 0xc5
)

type frameType struct {
	name      string
	class     ot.Class
	direction ot.Direction
}

// types by the first byte: fact sheet cc-link-ie-tsn, section 1.
var types = map[byte]frameType{
	testData:     {"acyclicTestData", ot.Other, ot.Request},
	testDataAck:  {"acyclicTestDataAck", ot.Other, ot.Response},
	priority:     {"acyclicPriority", ot.Connect, ot.None},
	detection:    {"acyclicDetection", ot.Identity, ot.Request},
	detectionAck: {"acyclicDetectionAck", ot.Identity, ot.Response},
	acyclicData:  {"acyclicData", ot.Other, ot.None},
	cyclicM:      {"cyclicM/cyclicMs", ot.Cyclic, ot.None},
	cyclicS:      {"cyclicS/cyclicSs", ot.Cyclic, ot.None},
}

func frame(s *ot.Session, p []byte) bool {
	if s.WireLen < ccie.HeaderLen || !ccie.TSN(p) {
		return false
	}
	t := types[p[0]]
	pdu := ot.PDU{Code: codeFrame | uint64(p[0]), Class: t.class, Direction: t.direction}
	switch p[0] {
	case testData, testDataAck: // the header of CC-Link IE Field: source station at 6
		pdu.Unit, pdu.HasUnit = uint64(binary.BigEndian.Uint16(p[6:])), true
		s.Client = ot.ClientSender
		if p[0] == testDataAck {
			s.Client = ot.ClientReceiver
		}
	case detection:
		s.Client = ot.ClientSender
		if len(p) > 4 {
			pdu.Code |= hasVersion | uint64(p[4])<<8
		}
	case detectionAck:
		s.Client = ot.ClientReceiver
		if len(p) > 3 {
			pdu.Code |= hasVersion | uint64(p[3])<<8
		}
		station(s, p)
	}
	s.Emit(pdu)
	return true
}

// state is what the last detectionAck of each direction said.
type state struct{ told [2]uint64 }

// station tells what a detectionAck says of its sender: node type (2), device
// type (128, big-endian) and what it can do (174, 182).
func station(s *ot.Session, p []byte) {
	if len(p) < 183 {
		return
	}
	// The answering station's MAC stands at 6.
	if s.Src.IsMAC() && decode.MACFromBytes(p[6:]) != s.Src.MAC() {
		return
	}
	device := binary.BigEndian.Uint16(p[128:])
	now := 1<<63 | uint64(p[2])<<32 | uint64(device)<<16 | uint64(p[174])<<8 | uint64(p[182])
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	d := s.Side()
	if st.told[d] == now {
		return
	}
	st.told[d] = now
	node, ok := nodeTypes[p[2]&0x7f]
	if !ok {
		return
	}
	var buf [128]byte
	b := append(buf[:0], node...)
	if name, ok := deviceTypes[device]; ok {
		b = append(append(b, ", "...), name...)
	}
	mark := len(b)
	b = append(b, ", functions "...)
	n := len(b)
	b = appendFunctions(b, p[174], p[182])
	if len(b) == n {
		b = b[:mark]
	}
	s.Tell(ot.FactStation, b)
}

// appendFunctions appends a letter for each function bit that is set, from the
// most significant down; the first byte's bit 7 is unused.
func appendFunctions(b []byte, first, second byte) []byte {
	const letters = "-srSbwclvtpdiImR"
	bits := uint16(first)<<8 | uint16(second)
	for i := 1; i < 16; i++ {
		if bits&(0x8000>>i) != 0 {
			b = append(b, letters[i])
		}
	}
	return b
}

func function(code uint64) ot.Function {
	if code&codeFrame == 0 {
		f := slmp.Function(code)
		if name, ok := managementNames[uint32(code)]; ok {
			f.Name = name
		}
		return f
	}
	t := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", t), Name: types[t].name}
	if code&hasVersion != 0 {
		f.Name += fmt.Sprintf(" Ver.%d", byte(code>>8))
	}
	return f
}

func unit(u uint64) string {
	if u&unitSLMP != 0 {
		return slmp.Unit(u &^ unitSLMP)
	}
	return strconv.FormatUint(u, 10)
}

// managementNames by command and sub-command: section 5.
var managementNames = map[uint32]string{
	0x0e90_0000: "networkConfigMain",
	0x0e90_0001: "networkConfigTslt",
	0x0e91_0000: "masterConfig",
	0x0e92_0000: "slaveConfig",
	0x0e93_0000: "cyclicConfigMain",
	0x0e93_0001: "cyclicConfigTrnSubPayload",
	0x0e93_0002: "cyclicConfigRcvSubPayload",
	0x0e93_0003: "cyclicConfigRcvSrcInfo",
	0x0e94_0000: "notification",
}

var nodeTypes = map[byte]string{
	0: "master station", 1: "slave station", 2: "managed switch", 4: "sub-master station",
}

// deviceTypes at 128 of a detectionAck: section 3.
var deviceTypes = map[uint16]string{
	0x01: "PLC", 0x02: "personal computer", 0x03: "digital I/O", 0x04: "analog I/O",
	0x05: "positioning controller", 0x06: "temperature controller", 0x07: "HMI", 0x08: "ID system",
	0x09: "serial conversion", 0x1d: "CC-Link to CC-Link/LT bridge", 0x1f: "converter module",
	0x20: "inverter", 0x21: "servo", 0x22: "CNC", 0x23: "robot", 0x24: "power distribution control",
	0x30: "sensor", 0x31: "actuator", 0x32: "barcode reader", 0x33: "indicator (weight)",
	0x34: "high-speed counter", 0x35: "switch", 0x36: "analyser", 0x37: "space transmission",
	0x38: "transport control", 0x39: "power supply control", 0x3b: "gas detector",
	0x3c: "solenoid valve", 0x3d: "robot (general)", 0x3e: "printer control", 0x3f: "motor control",
	0x40: "vacuum pump", 0x41: "multi-axis controller", 0x42: "VME board",
	0x43: "mass flow power supply", 0x44: "mass flow controller", 0x45: "received-power distribution",
	0x46: "control centre", 0x47: "welding control", 0x48: "indicator (general)", 0x49: "PID control",
	0x4a: "vacuum meter", 0x4b: "wireless", 0x4c: "digital/analog I/O", 0x4d: "vacuum valve",
	0x4e: "tension controller", 0x4f: "measuring machine", 0x7f: "generic device",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for _, code := range []byte{testData, testDataAck, priority, detection, detectionAck, acyclicData, cyclicM, cyclicS} {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", code), Name: types[code].name, Class: types[code].class})
	}
	for _, code := range []uint32{0x0e90_0000, 0x0e90_0001, 0x0e91_0000, 0x0e92_0000, 0x0e93_0000,
		0x0e93_0001, 0x0e93_0002, 0x0e93_0003, 0x0e94_0000} {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x:%04x", code>>16, uint16(code)),
			Name: managementNames[code], Class: slmp.ClassOf(uint16(code>>16), uint16(code))})
	}
	return rows
}
