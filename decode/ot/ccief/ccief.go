// Package ccief decodes CC-Link IE Field Network Basic: the cyclic frames
// between a master and its slaves on UDP 61450.
//
// README.md says how it is recognised and where it is wrong.
package ccief

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
	"osect/decode/ot/slmp"
)

// Protocol describes CC-Link IE Field Basic to the registry.
var Protocol = ot.Protocol{
	Name:          "cc-link-ie-field-basic",
	Title:         "CC-Link IE Field Network Basic",
	UDPPorts:      []uint16{port},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Function:      function,
	Status:        slmp.Status,
	StatusName:    slmp.StatusName,
	Unit:          func(unit uint64) string { return "group " + strconv.FormatUint(unit, 10) },
	Table: []ot.TableRow{
		{Code: "0e70:0000", Name: nameCyclic, Class: ot.Cyclic},
		{Code: "0e70:0000", Name: nameMasterStopped, Class: ot.Cyclic},
		{Code: "0e70:0000", Name: nameSlaveStopped, Class: ot.Cyclic},
	},
}

const (
	port = 61450
	// cyclic is the only command of the protocol.
	cyclic = 0x0e70
)

const (
	nameCyclic        = "cyclic"
	nameMasterStopped = "cyclic (master application stopped)"
	nameSlaveStopped  = "cyclic (slave application stopped)"
)

// PDU.Code is slmp.Code and one of these above it.
const (
	masterStopped = 1 << 40
	slaveStopped  = 2 << 40
)

// parse reads the SLMP 3E header that every frame begins with: sub-header 50 00
// or D0 00, the own network's CPU (00 FF FF 03 00), and a length that is the
// payload's.
func parse(p []byte, wire int) (h slmp.Header, ok bool) {
	h, fit := slmp.Parse(p)
	return h, fit == slmp.Good && h.Frame == slmp.Frame3E && !h.ASCII && h.Size == wire &&
		h.Net == 0 && h.Station == 0xff && h.IO == 0x3ff && h.Multidrop == 0
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if h.SrcPort != port && h.DstPort != port {
		return ot.No
	}
	if _, ok := parse(p, h.WireLen); ok {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	h, ok := parse(p, s.WireLen)
	if !ok {
		return
	}
	if h.Response {
		response(s, &h, p)
		return
	}
	pdu := ot.PDU{Code: slmp.Code(h.Command, h.Sub), Direction: ot.Request,
		Class: slmp.ClassOf(h.Command, h.Sub)}
	// The cyclic block of 16 bytes stands at 47 in versions 1 and 2, the
	// master's state at 35; n stations follow with 76 bytes each.
	if h.Command == cyclic && len(p) >= 67 && binary.LittleEndian.Uint16(p[19:]) == 36 {
		pdu.Unit, pdu.HasUnit = uint64(p[51]), true
		if p[35]&1 == 0 {
			pdu.Code |= masterStopped
		}
	}
	s.Client = ot.ClientSender
	s.Emit(pdu)
}

// response tells a slave's answer. It carries no command, but there is only one;
// the end code stands at 13, behind the protocol version, and 0 at its 3E place.
func response(s *ot.Session, h *slmp.Header, p []byte) {
	pdu := ot.PDU{Code: slmp.Code(cyclic, 0), Direction: ot.Response, Class: ot.Cyclic}
	s.Client = ot.ClientReceiver
	end := h.End
	whole := len(p) >= 59 && binary.LittleEndian.Uint16(p[15:]) == 40
	if len(p) >= 15 && end == 0 {
		end = binary.LittleEndian.Uint16(p[13:])
	}
	pdu.Status, pdu.HasStatus = uint32(end), true
	if end != 0 {
		pdu.Direction = ot.Error
	}
	if whole {
		pdu.Unit, pdu.HasUnit = uint64(p[55]), true
		if binary.LittleEndian.Uint16(p[43:])&1 == 0 {
			pdu.Code |= slaveStopped
		}
		identity(s, p)
	}
	s.Emit(pdu)
}

// state is what was told of each direction's sender, so that it is told once.
type state struct{ told [2][8]byte }

// identity tells a slave's vendor code (31), model code (35) and equipment
// version (39), all little-endian and 0 where not set.
func identity(s *ot.Session, p []byte) {
	var now [8]byte
	copy(now[:2], p[31:33])
	copy(now[2:6], p[35:39])
	copy(now[6:], p[39:41])
	if now == [8]byte{} {
		return
	}
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
	slmp.TellCodes(s, binary.LittleEndian.Uint16(p[31:]), binary.LittleEndian.Uint32(p[35:]),
		binary.LittleEndian.Uint16(p[39:]))
}

func function(code uint64) ot.Function {
	f := slmp.Function(code &^ (masterStopped | slaveStopped))
	switch {
	case code&masterStopped != 0:
		f.Name = nameMasterStopped
	case code&slaveStopped != 0:
		f.Name = nameSlaveStopped
	case f.Code == fmt.Sprintf("%04x:0000", cyclic):
		f.Name = nameCyclic
	}
	return f
}
