// Package melsoft decodes the MELSOFT connection: the protocol by which
// Mitsubishi Electric's engineering tools (GX Works, GX Developer) and operator
// terminals (GOT) talk to MELSEC controllers over UDP and TCP.
//
// It is not published; what is known of it is in README.md, with how it is
// recognised and where that is wrong.
package melsoft

import (
	"encoding/binary"
	"fmt"

	"osect/decode/ot"
)

// Protocol describes the MELSOFT connection to the registry.
var Protocol = ot.Protocol{
	Name:          "melsoft",
	Title:         "MELSOFT connection",
	TCPPorts:      []uint16{5007, 5562, 5002},
	UDPPorts:      []uint16{5560, 5006, 5001},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%04x", uint16(status)) },
	StatusName:    func(status uint32) string { return statusNames[uint16(status)] },
	Unit:          unit,
	Table:         table(),
}

// A request: magic 2, sequence 1, constant 00 00 11 11 07 00, network 1, unit 1,
// I/O number 2 (little-endian), 6 more, size 2 (little-endian) of what follows. A
// response has the same constant (or one with 7F) and four bytes more before the
// network, but its size at the same place. Then the command header: type 1 (1C,
// 9C), 1, size of its rest 1; behind it the command code, big-endian.
// Fact sheet melsoft.
const (
	headLen  = 21
	fixedLen = 24 // through the size of the command header's rest
	maxSize  = 16 << 10

	requestMagic  = 0x57
	responseMagic = 0xd7
	searchMagic   = 0x5a
	foundMagic    = 0xda

	searchLen   = 4
	foundLen    = 14
	identityLen = 28
	identify    = 0xff // search kind: the answer is identityLen long

	requestHead  = 0x1c
	responseHead = 0x9c
)

const (
	codeSearch = 1 << 16 // PDU.Code: the kind of a search in the low byte
	codeNone   = 1 << 17 // PDU.Code: a message whose command header is of another form

	openInitial = 0x0121
	modelAt     = 6 // from the command code of a response to the open
	modelLen    = 16
)

// size says how long the message is that p begins with: 0 where bytes are
// missing to tell, -1 where it is none.
func size(p []byte) int {
	if len(p) == 0 {
		return 0
	}
	switch p[0] {
	case searchMagic, foundMagic:
		if len(p) > 1 && p[1] != 0 || len(p) > 2 && p[2] != 0 {
			return -1
		}
		switch {
		case p[0] == searchMagic:
			return searchLen
		case len(p) < searchLen:
			return 0
		case p[3] == identify:
			return identityLen
		}
		return foundLen
	case requestMagic, responseMagic:
		if len(p) > 1 && p[1] > 1 {
			return -1
		}
		constant := [6]byte{0, 0, 0x11, 0x11, 0x07, 0}
		for i := 3; i < len(p) && i < 9; i++ {
			if p[i] != constant[i-3] && !(i == 7 && p[0] == responseMagic && p[i] == 0x7f) {
				return -1
			}
		}
		if len(p) < headLen {
			return 0
		}
		n := int(binary.LittleEndian.Uint16(p[19:]))
		if n < 2 || n > maxSize {
			return -1
		}
		return headLen + n
	}
	return -1
}

// framed says whether p is surely a message with a command header.
func framed(p []byte) bool {
	n := size(p)
	if n <= 0 || len(p) < fixedLen || n < fixedLen+2 {
		return false
	}
	switch p[0] {
	case requestMagic:
		return p[21] == requestHead && int(p[23]) <= n-fixedLen
	case responseMagic:
		return p[21] == responseHead && int(p[23]) <= n-fixedLen
	}
	return false
}

// identity says whether p is surely the answer to an identify search.
func identity(p []byte) bool {
	return len(p) >= identityLen && p[0] == foundMagic && size(p) == identityLen &&
		p[6] == 0x0c && p[7]|p[8]|p[9]|p[10]|p[11] == 0
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	n := size(p)
	switch {
	case framed(p) && h.WireLen == n, identity(p) && h.WireLen == n, h.Port && n > 0 && n <= h.WireLen:
		return ot.Yes
	}
	return ot.No
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := size(p)
	switch {
	case n < 0:
		return ot.No
	case framed(p), identity(p), h.Port && n > 0 && n <= identityLen && n == len(p):
		return ot.Yes
	case len(p) < fixedLen || n < fixedLen && len(p) < identityLen:
		return ot.More
	case p[0] == searchMagic && len(p) > searchLen:
		return probeStream(p[searchLen:], h)
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	if n := size(p); n > 0 {
		tell(s, p[:min(n, len(p), need)], n)
	}
}

// need is how many bytes of a message must be there before it is told: the
// command header and what facts are read from.
const need = 96

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, need, fixedLen+8, size, tell)
}

// tell tells the message m, which size has accepted; of a long one m may be the
// beginning only.
func tell(s *ot.Session, m []byte, _ int) {
	switch m[0] {
	case searchMagic, foundMagic:
		tellSearch(s, m)
		return
	}
	request := m[0] == requestMagic
	pdu := ot.PDU{Code: codeNone, HasUnit: true, Direction: ot.Request}
	s.Client = ot.ClientSender
	target, want := 9, byte(requestHead)
	if !request {
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
		target, want = 13, responseHead
	}
	if len(m) < target+4 {
		return // cut by the snap length
	}
	// network, unit, I/O number
	pdu.Unit = uint64(m[target])<<24 | uint64(m[target+1])<<16 | uint64(binary.LittleEndian.Uint16(m[target+2:]))
	var command []byte
	if len(m) >= fixedLen && m[21] == want {
		if at := fixedLen - 1 + int(m[23]); at+2 <= len(m) {
			command = m[at:]
			code := binary.BigEndian.Uint16(command)
			pdu.Code, pdu.Class = uint64(code), commands[code].class
		}
		if !request && len(m) >= 27 {
			status := binary.BigEndian.Uint16(m[25:])
			pdu.Status, pdu.HasStatus = uint32(status), true
			if status != 0 {
				pdu.Direction = ot.Error
			}
		}
	}
	s.Emit(pdu)
	if pdu.Direction == ot.Response && pdu.Code == openInitial && len(command) >= modelAt+modelLen {
		if model := ot.Text(command[modelAt : modelAt+modelLen]); len(model) > 0 {
			s.Tell(ot.FactVendor, vendor)
			s.Tell(ot.FactModel, model)
		}
	}
}

func tellSearch(s *ot.Session, m []byte) {
	if len(m) < searchLen {
		return
	}
	pdu := ot.PDU{Code: codeSearch | uint64(m[3]), Direction: ot.Request, Class: ot.Identity}
	s.Client = ot.ClientSender
	if m[0] == foundMagic {
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
	}
	s.Emit(pdu)
	if identity(m) {
		s.Tell(ot.FactVendor, vendor)
		s.Tell(ot.FactModel, models[binary.LittleEndian.Uint16(m[4:])])
	}
}

var vendor = []byte("Mitsubishi Electric")

func function(code uint64) ot.Function {
	switch {
	case code&codeSearch != 0:
		kind := byte(code)
		f := ot.Function{Code: fmt.Sprintf("search:%02x", kind), Name: searches[kind]}
		if f.Name == "" {
			f.Name = fmt.Sprintf("search, kind 0x%02x", kind)
		}
		return f
	case code&codeNone != 0:
		return ot.Function{Name: "message without a command"}
	}
	f := ot.Function{Code: fmt.Sprintf("%04x", uint16(code)), Name: commands[uint16(code)].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown 0x%04x", uint16(code))
	}
	return f
}

// unit is network.unit.I/O number: decimal, decimal, hexadecimal, as engineering
// tools write them.
func unit(u uint64) string {
	return fmt.Sprintf("%d.%d.%04x", byte(u>>24), byte(u>>16), uint16(u))
}
