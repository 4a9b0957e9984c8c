// Package synchrophasor decodes IEEE C37.118 (C37.118.2-2011 and 2005):
// measurements of phasor measurement units over TCP and UDP.
//
// README.md says how it is recognised and where it is wrong.
package synchrophasor

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes IEEE C37.118 to the registry.
var Protocol = ot.Protocol{
	Name:          "synchrophasor",
	Title:         "IEEE C37.118 synchrophasor",
	TCPPorts:      []uint16{4712},
	UDPPorts:      []uint16{4713, 4712},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

// A frame, big-endian: sync AA, frame type and version 1, size of the frame 2,
// id code 2, seconds since 1970 4, fraction 4, content, checksum 2. IEEE C37.118.2-2011,
// table 2.
const (
	sync    = 0xaa
	headLen = 14
	minSize = headLen + 2
)

// Frame types.
const (
	typeData    = 0
	typeHeader  = 1
	typeConfig1 = 2
	typeConfig2 = 3
	typeCommand = 4
	typeConfig3 = 5
)

const commandShift = 8 // PDU.Code: the command word of a command frame, above the type

// size says how long the frame is that p begins with: 0 where bytes are missing to
// tell, -1 where it is none.
func size(p []byte) int {
	if len(p) > 0 && p[0] != sync {
		return -1
	}
	if len(p) > 1 {
		if v := p[1] & 0x0f; p[1]&0x80 != 0 || p[1]>>4 > typeConfig3 || v < 1 || v > 3 {
			return -1
		}
	}
	if len(p) < 4 {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	if n < minSize || p[1]>>4 == typeCommand && n < minSize+2 {
		return -1
	}
	return n
}

// crcTable is of CRC-CCITT, polynomial 1021.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// checked says whether a whole frame ends with its checksum: CRC-CCITT from
// FFFF of all before it. IEEE C37.118.2-2011, annex B.
func checked(p []byte) bool {
	c := uint16(0xffff)
	body := p[:len(p)-2]
	for _, b := range body {
		c = c<<8 ^ crcTable[byte(c>>8)^b]
	}
	return binary.BigEndian.Uint16(p[len(body):]) == c
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	n := size(p)
	switch {
	case n <= 0 || n > h.WireLen:
		return ot.No
	case n <= len(p) && checked(p[:n]), h.Port && n == h.WireLen:
		return ot.Yes
	}
	return ot.No
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := size(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		return ot.More
	case h.Port, n <= len(p) && checked(p[:n]):
		return ot.Yes
	case n <= len(p), n > maxWait:
		return ot.No
	}
	return ot.More
}

// maxWait is the longest frame that is waited for elsewhere than on the
// protocol's ports.
const maxWait = 8 << 10

func datagram(s *ot.Session, p []byte) {
	for len(p) > 0 {
		n := size(p)
		if n <= 0 {
			return
		}
		tell(s, p[:min(n, len(p), need)], n)
		p = p[min(n, len(p)):]
	}
}

// need is how many bytes of a frame must be there before it is told: those that
// commands and facts are read from.
const need = 64

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, need, headLen, size, tell)
}

// state is what a connection remembers: the stations told last.
type state struct {
	ids  [8]uint16
	used int
}

// fresh says whether a station's name has not been told in this connection, or
// only before those of seven others.
func (st *state) fresh(id uint16) bool {
	for i := range min(st.used, len(st.ids)) {
		if st.ids[i] == id {
			return false
		}
	}
	st.ids[st.used%len(st.ids)] = id
	st.used++
	return true
}

// Places in a configuration frame 1 or 2: behind the head the time base 4, the
// number of PMUs 2, then for each its station name 16 and id code 2.
const (
	numPMUAt = headLen + 4
	nameAt   = numPMUAt + 2
	nameLen  = 16
)

// tell tells one frame, of which p may be the beginning only.
func tell(s *ot.Session, p []byte, _ int) {
	if len(p) < headLen {
		return // cut by the snap length
	}
	typ := p[1] >> 4
	id := binary.BigEndian.Uint16(p[4:])
	pdu := ot.PDU{Code: uint64(typ), Unit: uint64(id), HasUnit: true, Class: ot.Identity, Direction: ot.Response}
	s.Client = ot.ClientReceiver
	switch typ {
	case typeData:
		pdu.Class, pdu.Direction = ot.Cyclic, ot.None
	case typeCommand:
		pdu.Direction = ot.Request
		s.Client = ot.ClientSender
		if len(p) >= headLen+2 {
			command := binary.BigEndian.Uint16(p[headLen:])
			pdu.Code |= uint64(command) << commandShift
			pdu.Class = commands[command].class
		}
	}
	s.Emit(pdu)
	if typ != typeConfig1 && typ != typeConfig2 || len(p) < nameAt+nameLen+2 {
		return
	}
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	if !st.fresh(id) {
		return
	}
	var buf [8]byte
	s.Tell(ot.FactStation, strconv.AppendUint(buf[:0], uint64(id), 10))
	// A concentrator's frame holds the names of others.
	if binary.BigEndian.Uint16(p[numPMUAt:]) == 1 {
		s.Tell(ot.FactName, ot.Text(p[nameAt:nameAt+nameLen]))
	}
}

type command struct {
	name  string
	class ot.Class
}

var typeNames = [...]string{
	typeData: "data", typeHeader: "header", typeConfig1: "configuration 1", typeConfig2: "configuration 2",
	typeCommand: "command", typeConfig3: "configuration 3",
}

// commands by command word: IEEE C37.118.2-2011, table 15. Switching the data off
// blinds whoever relies on them: control.
var commands = map[uint16]command{
	1: {"turn off transmission", ot.Control},
	2: {"turn on transmission", ot.Control},
	3: {"send header", ot.Identity},
	4: {"send configuration 1", ot.Identity},
	5: {"send configuration 2", ot.Identity},
	6: {"send configuration 3", ot.Identity},
	8: {"extended frame", ot.Write},
}

func function(code uint64) ot.Function {
	typ := code & (1<<commandShift - 1)
	f := ot.Function{Code: strconv.FormatUint(typ, 10)}
	if typ < uint64(len(typeNames)) {
		f.Name = typeNames[typ]
	}
	if typ == typeCommand && code != typ {
		word := uint16(code >> commandShift)
		name := commands[word].name
		if name == "" {
			name = fmt.Sprintf("unknown 0x%04x", word)
		}
		f.Name += ": " + name
	}
	return f
}

func table() (rows []ot.TableRow) {
	classes := [...]ot.Class{typeData: ot.Cyclic, typeHeader: ot.Identity, typeConfig1: ot.Identity,
		typeConfig2: ot.Identity, typeCommand: ot.Other, typeConfig3: ot.Identity}
	for typ, name := range typeNames {
		rows = append(rows, ot.TableRow{Code: strconv.Itoa(typ), Name: name, Class: classes[typ]})
		if typ == typeCommand {
			for word := range uint16(16) {
				if c, ok := commands[word]; ok {
					rows = append(rows, ot.TableRow{Code: "4", Name: name + ": " + c.name, Class: c.class})
				}
			}
		}
	}
	return rows
}
