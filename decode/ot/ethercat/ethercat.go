// Package ethercat decodes EtherCAT frames (EtherType 88A4, and UDP) to the
// datagram.
//
// README.md says how it is recognised and where it is wrong.
package ethercat

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes EtherCAT to the registry.
var Protocol = ot.Protocol{
	Name:          "ethercat",
	Title:         "EtherCAT",
	UDPPorts:      []uint16{34980},
	EtherTypes:    []uint16{0x88a4},
	ProbeDatagram: probeDatagram,
	Datagram:      func(s *ot.Session, p []byte) { frame(s, p) },
	Frame:         frame,
	Function:      function,
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

// A frame, little-endian: length (11 bits), reserved 1, type 4 bits; then
// datagrams: command 1, index 1, address 4, length 11 bits and flags (2 bytes,
// the top bit says that another datagram follows), interrupts 2, data, working
// counter 2. Fact sheet ethercat.
const (
	frameHead     = 2
	datagramHead  = 10
	counterLen    = 2
	lengthMask    = 0x07ff
	moreFollow    = 0x8000
	reservedBits  = 0x3000 // of a datagram's length word
	typeDatagrams = 1
	typeVariables = 4
	typeMailbox   = 5
)

// PDU.Code: the command in the low byte, what it writes to above.
const (
	toShift    = 8
	toALState  = 1
	toEEPROM   = 2
	toFirmware = 3 // a write request of file access over EtherCAT
	toStation  = 4
)

// next reads the head of a datagram: its command, the address as sent, its data as
// far as they are there, its whole size (0: none here) and whether more follow.
func next(p []byte) (command byte, address uint32, data []byte, size int, more bool) {
	if len(p) < datagramHead {
		return 0, 0, nil, 0, false
	}
	word := binary.LittleEndian.Uint16(p[6:])
	n := int(word & lengthMask)
	return p[0], binary.LittleEndian.Uint32(p[2:]), p[datagramHead:min(datagramHead+n, len(p))], datagramHead + n + counterLen, word&moreFollow != 0
}

// probeDatagram wants datagrams of commands that exist to the end of the frame.
func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if len(p) < frameHead || len(p) != h.WireLen {
		return ot.No
	}
	head := binary.LittleEndian.Uint16(p)
	n := int(head & lengthMask)
	if head>>12 != typeDatagrams || head&0x0800 != 0 || n < datagramHead+counterLen || n > len(p)-frameHead || !h.Port && n != len(p)-frameHead {
		return ot.No
	}
	for p = p[frameHead : frameHead+n]; ; {
		command, _, _, size, more := next(p)
		switch {
		case size == 0, size > len(p), commands[command].name == "", binary.LittleEndian.Uint16(p[6:])&reservedBits != 0:
			return ot.No
		case !more && size == len(p):
			return ot.Yes
		case !more:
			return ot.No
		}
		p = p[size:]
	}
}

// frame tells the datagrams of a frame and says whether it was one of EtherCAT.
func frame(s *ot.Session, p []byte) bool {
	if len(p) < frameHead {
		return false
	}
	head := binary.LittleEndian.Uint16(p)
	switch head >> 12 {
	case typeDatagrams:
	case typeVariables, typeMailbox:
		return true // recognised, not decoded
	default:
		return false
	}
	p = p[frameHead:min(frameHead+int(head&lengthMask), len(p))]
	told := false
	for {
		command, address, data, size, more := next(p)
		if size == 0 {
			return told
		}
		tell(s, command, address, data)
		told = true
		if !more || size > len(p) {
			return true
		}
		p = p[size:]
	}
}

// Registers that are used by name.
const (
	stationAddress = 0x0010
	alControl      = 0x0120
	eepromControl  = 0x0502 // control and status word of the slave's EEPROM
	memory         = 0x1000 // process data and mailboxes begin here
)

func tell(s *ot.Session, command byte, address uint32, data []byte) {
	c := commands[command]
	pdu := ot.PDU{Code: uint64(command), Class: c.class, Direction: ot.Request}
	switch {
	case c.class == ot.Cyclic:
		pdu.Direction = ot.None
	case s.Src.IsMAC() && s.Src.MAC().Local():
		// The first slave sets this bit in what it sends back to the master.
		pdu.Direction = ot.Response
	}
	if c.station {
		pdu.Unit, pdu.HasUnit = uint64(address&0xffff), true
	}
	if c.class == ot.Write && command != logicalWrite {
		to := uint64(0)
		switch register := uint16(address >> 16); {
		case register <= alControl && int(register)+len(data) > alControl:
			to = toALState
		case eepromWrite(register, data):
			to = toEEPROM
		case register == stationAddress:
			to = toStation
		case register >= memory && fileWrite(data):
			to = toFirmware
		}
		if to != 0 {
			pdu.Code |= to << toShift
			pdu.Class = ot.Control
		}
	}
	s.Emit(pdu)
	if c.station && pdu.Direction == ot.Response {
		identity(s, command, uint16(address), uint16(address>>16), data)
	}
}

// state is what a pair of MACs remembers: which word of whose EEPROM was asked for last.
type state struct {
	station uint16
	word    uint32
}

// Registers of the EEPROM interface.
const (
	eepromAddress = 0x0504 // word address 4
	eepromData    = 0x0508 // 4 or 8 bytes from there
)

// identity tells what comes back from a station of its EEPROM, or as an answer of CANopen
// over EtherCAT from its mailbox. Stations have no address on the network: each fact names
// its station and is the line's, under the MAC that the frames come back with.
func identity(s *ot.Session, command byte, station, register uint16, data []byte) {
	if register >= memory {
		if command != 0x05 {
			object(s, station, data)
		}
		return
	}
	word := func(at int) (uint32, bool) { // a double word of the registers
		i := at - int(register)
		if i < 0 || i+4 > len(data) {
			return 0, false
		}
		return binary.LittleEndian.Uint32(data[i:]), true
	}
	st, ok := s.State.(*state)
	if at, here := word(eepromAddress); here {
		if !ok {
			st = new(state)
			s.State = st
		}
		st.station, st.word = station, at
	}
	if command == 0x05 || st == nil || st.station != station {
		return
	}
	for i := range uint32(2) {
		v, here := word(eepromData + int(4*i))
		if !here {
			return
		}
		if what := eepromWords[st.word+2*i]; what != "" && v != 0 {
			tellNumber(s, station, what, v)
		}
	}
}

// eepromWords are the words of the EEPROM that identify, two each.
var eepromWords = map[uint32]string{0x08: " vendor ", 0x0a: " product ", 0x0c: " revision ", 0x0e: " serial "}

// object reads a mailbox that holds an SDO upload response: mailbox head 6 (type 3), CoE
// head 2 (service 3 in the top bits), command 1 (40: upload; bit 1 expedited, the data
// are in the 4 bytes behind, else their size, and they follow), index 2, sub-index 1.
func object(s *ot.Session, station uint16, p []byte) {
	if len(p) < 16 || int(binary.LittleEndian.Uint16(p)) < 10 || p[5]&0x0f != 3 || p[7]>>4 != 3 || p[8]&0xe0 != 0x40 {
		return
	}
	index, sub := binary.LittleEndian.Uint16(p[9:]), p[11]
	v := binary.LittleEndian.Uint32(p[12:])
	text := p[12:16]
	if p[8]&2 == 0 {
		text = p[16:min(16+int(min(v, ot.MaxFactLen)), len(p))]
	} else if p[8]&1 != 0 {
		text = text[:4-p[8]>>2&3]
	}
	switch {
	case index == 0x1018 && sub >= 1 && sub <= 4 && p[8]&2 != 0:
		tellNumber(s, station, eepromWords[0x06+2*uint32(sub)], v)
	case index == 0x1008:
		tellText(s, station, " name ", ot.Text(text))
	case index == 0x1009:
		tellText(s, station, " hardware ", ot.Text(text))
	case index == 0x100a:
		tellText(s, station, " firmware ", ot.Text(text))
	}
}

// tellNumber tells "1001 vendor 00000002", tellText "1001 name EL1008".
func tellNumber(s *ot.Session, station uint16, what string, v uint32) {
	var buf [32]byte
	s.Tell(ot.FactStation, ot.AppendHex(append(strconv.AppendUint(buf[:0], uint64(station), 10), what...), uint64(v), 8))
}

func tellText(s *ot.Session, station uint16, what string, text []byte) {
	if len(text) == 0 {
		return
	}
	var buf [ot.MaxFactLen]byte
	b := append(strconv.AppendUint(buf[:0], uint64(station), 10), what...)
	s.Tell(ot.FactStation, append(b, text[:min(len(text), cap(b)-len(b))]...))
}

// eepromWrite says whether data written from a register on ask the EEPROM to be
// written: bit 0 of the control word enables it, bits 8 to 10 are the command (1
// read, 2 write). Reading it takes a write to the word, too.
func eepromWrite(register uint16, data []byte) bool {
	at := eepromControl - int(register)
	if at < 0 || at+2 > len(data) {
		return false
	}
	word := binary.LittleEndian.Uint16(data[at:])
	return word&1 != 0 || word>>8&7 == 2
}

// fileWrite says whether data written to memory is a mailbox message that asks
// to write a file. Mailbox: length 2 of what follows the head, address 2, channel 1,
// type and counter 1 (low four bits: 4 file access); then opcode 1 (2 write),
// reserved 1 (0), password 4, name.
func fileWrite(data []byte) bool {
	const mailboxHead, fileAccess, opWrite = 6, 4, 2
	if len(data) < mailboxHead+6 {
		return false
	}
	n := int(binary.LittleEndian.Uint16(data))
	return n >= 6 && n <= len(data)-mailboxHead && data[4]&0x3f == 0 && data[5]&0x8f == fileAccess &&
		data[6] == opWrite && data[7] == 0
}

type commandKind struct {
	name    string
	class   ot.Class
	station bool // its address is a station's
}

// logicalWrite is the one write whose address is not a register's.
const logicalWrite = 0x0b

// commands by code: fact sheet ethercat, whose "W" is Write. LRD and LRW carry
// process data in every cycle, ARMW and FRMW spread the distributed clock.
var commands = [...]commandKind{
	0x00:         {"NOP no operation", ot.Other, false},
	0x01:         {"APRD auto increment read", ot.Read, false},
	0x02:         {"APWR auto increment write", ot.Write, false},
	0x03:         {"APRW auto increment read write", ot.Write, false},
	0x04:         {"FPRD configured address read", ot.Read, true},
	0x05:         {"FPWR configured address write", ot.Write, true},
	0x06:         {"FPRW configured address read write", ot.Write, true},
	0x07:         {"BRD broadcast read", ot.Read, false},
	0x08:         {"BWR broadcast write", ot.Write, false},
	0x09:         {"BRW broadcast read write", ot.Write, false},
	0x0a:         {"LRD logical read", ot.Cyclic, false},
	logicalWrite: {"LWR logical write", ot.Write, false},
	0x0c:         {"LRW logical read write", ot.Cyclic, false},
	0x0d:         {"ARMW auto increment read multiple write", ot.Cyclic, false},
	0x0e:         {"FRMW configured read multiple write", ot.Cyclic, true},
	0xff:         {},
}

// targets are what a write is named for besides its command.
var targets = [...]string{toALState: "AL control", toEEPROM: "EEPROM", toFirmware: "file write", toStation: "station address"}

func function(code uint64) ot.Function {
	command := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", command), Name: commands[command].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown 0x%02x", command)
	}
	if to := code >> toShift; to > 0 && to < uint64(len(targets)) {
		f.Name += ", " + targets[to]
	}
	return f
}

func table() (rows []ot.TableRow) {
	for code, c := range commands {
		if c.name == "" {
			continue
		}
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", code), Name: c.name, Class: c.class})
		if c.class == ot.Write && code != logicalWrite {
			for _, to := range targets {
				if to != "" {
					rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", code), Name: c.name + ", " + to, Class: ot.Control})
				}
			}
		}
	}
	return rows
}
