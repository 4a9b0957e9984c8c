// Package fins decodes OMRON FINS over UDP and FINS/TCP.
//
// README.md says how it is recognised and where it is wrong.
package fins

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes FINS to the registry.
var Protocol = ot.Protocol{
	Name:          "omron-fins",
	Title:         "OMRON FINS",
	TCPPorts:      []uint16{9600},
	UDPPorts:      []uint16{9600},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        status,
	StatusName:    statusName,
	Unit:          unit,
	Table:         table(),
}

// A FINS frame is a header of 10 bytes, the command code of 2 and, in
// responses, the end code of 2; all big-endian. Fact sheet omron-fins.
const (
	headLen     = 12
	responseLen = 14
)

// The FINS/TCP envelope: "FINS", length of what follows it (4), command (4),
// error code (4).
const (
	envelopeLen = 16
	// maxLength bounds the length field: a FINS frame has at most 2,012
	// bytes by UDP and TCP units; twice that is generous.
	maxLength = 4096 + 8
)

// Commands of the envelope.
const (
	tcpClientNode = 0
	tcpServerNode = 1
	tcpFrame      = 2
	tcpError      = 3
	tcpConfirm    = 6
)

const (
	codeTCP     = 1 << 16 // PDU.Code: an envelope's command in the low bytes
	codeCatalog = 1 << 17 // PDU.Code: with a first data byte that changes the name (0620, 0920)
	statusTCP   = 1 << 31 // PDU.Status: an envelope's error code in the low 16 bits
	paramShift  = 24
	cycleTime   = 0x0620
	messageRead = 0x0920
	modelRead   = 0x0501
	nameRead    = 0x2603
)

// head says whether p begins like a FINS frame: ICF with the unused bits 1 to 5
// clear, RSV 0, gateway count at most 7.
func head(p []byte) bool {
	return len(p) >= headLen && p[0]&0x3e == 0 && p[1] == 0 && p[2] <= 7
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if !head(p) {
		return ot.No
	}
	code := binary.BigEndian.Uint16(p[10:])
	c, known := commands[code]
	response := p[0]&0x40 != 0
	switch {
	case p[3] > 0x7f || p[6] > 0x7f: // network addresses end there
		return ot.No
	case p[0]&0x80 == 0: // the gateway bit, which all but few set
		if h.Port && known {
			return ot.Yes
		}
		return ot.No
	case h.Port && (known || p[10] >= 1 && p[10] <= 0x28):
		return ot.Yes
	case !known || p[2] == 0 || p[4] == 0 && p[7] == 0:
		return ot.No
	case response && len(p) < responseLen:
		return ot.No
	case response:
		// An answer is known by an end code that exists.
		if endNames[binary.BigEndian.Uint16(p[12:])&0x7f3f] == "" {
			return ot.No
		}
	case h.WireLen-headLen < int(c.least):
		return ot.No
	}
	return ot.Yes
}

func datagram(s *ot.Session, p []byte) {
	if head(p) {
		tell(s, p)
	}
}

// envelope reads the head of a FINS/TCP message: its whole size, or 0 where
// bytes are missing, or -1 where it is none.
func envelope(p []byte) int {
	magic := "FINS"
	for i := 0; i < len(p) && i < 4; i++ {
		if p[i] != magic[i] {
			return -1
		}
	}
	if len(p) < envelopeLen {
		return 0
	}
	n := binary.BigEndian.Uint32(p[4:])
	command := binary.BigEndian.Uint32(p[8:])
	if n < 8 || n > maxLength || command > 0xff {
		return -1
	}
	return 8 + int(n)
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	switch n := envelope(p); {
	case n < 0:
		return ot.No
	case n == 0:
		return ot.More
	}
	return ot.Yes
}

// need is how many bytes of a FINS frame must be there before it is told: the
// header and what facts are read from.
const need = 192

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, envelopeLen+need, envelopeLen+headLen, envelope, tellEnvelope)
}

func tellEnvelope(s *ot.Session, m []byte, _ int) {
	command := binary.BigEndian.Uint32(m[8:])
	failed := binary.BigEndian.Uint32(m[12:])
	body := m[envelopeLen:]
	if command == tcpFrame && len(body) >= headLen {
		tell(s, body)
		if failed == 0 {
			return
		}
	}
	pdu := ot.PDU{Code: codeTCP | uint64(command), Class: ot.Connect}
	switch command {
	case tcpClientNode:
		pdu.Direction = ot.Request
		s.Client = ot.ClientSender
	case tcpServerNode:
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
		if len(body) >= 8 {
			tellNode(s, stateOf(s), body[7])
		}
	case tcpFrame, tcpError:
		pdu.Direction = ot.Error
	case tcpConfirm:
		pdu.Direction = ot.None
	default:
		pdu.Class = ot.Other
	}
	if command != tcpClientNode {
		pdu.Status, pdu.HasStatus = statusTCP|min(failed, 0xffff), true
		if failed != 0 {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
}

// state is what a connection remembers: the node numbers told last, by
// direction, so that they are told once.
type state struct {
	node [2]int // node number + 1
}

func stateOf(s *ot.Session) *state {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st
}

func tellNode(s *ot.Session, st *state, node byte) {
	d := s.Side()
	if node == 0 || node == 0xff || st.node[d] == int(node)+1 {
		return
	}
	st.node[d] = int(node) + 1
	var buf [8]byte
	s.Tell(ot.FactStation, strconv.AppendUint(buf[:0], uint64(node), 10))
}

// tell tells one FINS frame, its head whole.
func tell(s *ot.Session, p []byte) {
	code := binary.BigEndian.Uint16(p[10:])
	c := commands[code]
	pdu := ot.PDU{Code: uint64(code), Class: c.class, HasUnit: true}
	if p[0]&0x40 == 0 {
		pdu.Direction = ot.Request
		pdu.Unit = uint64(p[3])<<16 | uint64(p[4])<<8 | uint64(p[5])
		if len(p) > headLen {
			pdu.Code, pdu.Class = byParameter(code, p[12], pdu.Class)
		}
		s.Client = ot.ClientSender
		tellNode(s, stateOf(s), p[7])
		s.Emit(pdu)
		return
	}
	// The device is the sender of a response.
	pdu.Direction = ot.Response
	pdu.Unit = uint64(p[6])<<16 | uint64(p[7])<<8 | uint64(p[8])
	s.Client = ot.ClientReceiver
	if len(p) >= responseLen {
		// Bit 7 of both bytes and bit 6 of the second say that a relay
		// failed or the CPU has an error; they are not part of the code.
		end := binary.BigEndian.Uint16(p[12:])
		pdu.Status, pdu.HasStatus = uint32(end&0x7f3f), true
		if end&0x7f3f != 0 || end&0x8000 != 0 {
			pdu.Direction = ot.Error
		}
	}
	tellNode(s, stateOf(s), p[7])
	s.Emit(pdu)
	if pdu.Direction == ot.Response && len(p) > responseLen {
		identity(s, code, p[responseLen:])
	}
}

// byParameter is the code and the class of the commands whose first data byte
// says what they do.
func byParameter(code uint16, param byte, class ot.Class) (uint64, ot.Class) {
	switch code {
	case cycleTime: // 00 initialises, 01 reads
		if param == 0 {
			return uint64(code) | codeCatalog, ot.Write
		}
	case messageRead: // 4x and 8x clear messages or FAL
		switch {
		case param&0xc0 == 0x40:
			return uint64(code) | codeCatalog | 1<<paramShift, ot.Write
		case param&0xc0 == 0x80:
			return uint64(code) | codeCatalog | 2<<paramShift, ot.Read
		}
	}
	return uint64(code), class
}

// identity tells what a good response says of its sender; data is what stands
// behind the end code.
func identity(s *ot.Session, code uint16, data []byte) {
	switch code {
	case modelRead:
		// Model 20, version 10, internal version 10, …; the bus unit
		// configuration alone is 67 bytes and has no model.
		if len(data) < 40 || len(data) == 67 {
			return
		}
		model := ot.Text(data[:20])
		if len(model) == 0 {
			return
		}
		s.Tell(ot.FactVendor, vendor)
		s.Tell(ot.FactModel, model)
		s.Tell(ot.FactFirmware, ot.Text(data[20:30]))
	case nameRead:
		if len(data) >= 8 {
			s.Tell(ot.FactName, ot.Text(data[:8]))
		}
	}
}

var vendor = []byte("OMRON")

func function(code uint64) ot.Function {
	if code&codeTCP != 0 {
		cmd := code & 0xff
		f := ot.Function{Code: "tcp:" + strconv.FormatUint(cmd, 10), Name: "unknown TCP command " + strconv.FormatUint(cmd, 10)}
		if name, ok := tcpNames[cmd]; ok {
			f.Name = name
		}
		return f
	}
	f := ot.Function{Code: fmt.Sprintf("%04x", uint16(code))}
	if c, ok := commands[uint16(code)]; ok {
		f.Name = c.name
	} else {
		f.Name = fmt.Sprintf("unknown 0x%04x", uint16(code))
	}
	if code&codeCatalog != 0 {
		switch {
		case uint16(code) == cycleTime:
			f.Name = "cycle_time_read (initialise)"
		case code>>paramShift == 1:
			f.Name = "message_clear"
		case code>>paramShift == 2:
			f.Name = "fal_fals_read"
		}
	}
	return f
}

func status(status uint32) string {
	if status&statusTCP != 0 {
		return fmt.Sprintf("%08x", status&0xffff)
	}
	return fmt.Sprintf("%04x", uint16(status))
}

func statusName(status uint32) string {
	if status&statusTCP != 0 {
		return tcpErrors[uint16(status)]
	}
	return endNames[uint16(status)]
}

// unit is network.node.unit in decimal.
func unit(u uint64) string {
	return fmt.Sprintf("%d.%d.%d", byte(u>>16), byte(u>>8), byte(u))
}
