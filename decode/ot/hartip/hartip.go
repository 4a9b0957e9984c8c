// Package hartip decodes HART-IP over TCP and UDP with the HART commands inside.
//
// README.md says how it is recognised and where it is wrong.
package hartip

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes HART-IP to the registry.
var Protocol = ot.Protocol{
	Name:          "hart-ip",
	Title:         "HART-IP",
	TCPPorts:      []uint16{5094},
	UDPPorts:      []uint16{5094},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:    statusName,
	Unit:          unit,
	Table:         table(),
}

// The header, big-endian: version 1, message type 1, message id 1, status 1,
// sequence 2, length 2 (with the header). Fact sheet hart-ip.
const headLen = 8

// Message types.
const (
	typeRequest  = 0
	typeResponse = 1
	typePublish  = 2
	typeNAK      = 15
)

// Message ids.
const (
	idInitiate  = 0
	idClose     = 1
	idKeepAlive = 2
	idToken     = 3 // one HART frame
	idDirect    = 4 // HART commands without frame
	idAudit     = 5
)

// message reads the head of a message: its whole size, 0 where bytes of the head
// are missing, -1 where it is none.
func message(p []byte) int {
	if len(p) < headLen {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[6:]))
	if p[0] != 1 && p[0] != 2 || n < headLen {
		return -1
	}
	if p[1] > typePublish && p[1] != typeNAK || p[2] > 15 {
		return -1
	}
	return n
}

// strict says whether p, a message of n bytes, is so much like HART-IP that no
// port is needed: session messages of their exact size, or a HART frame that fills
// the message and whose checksum is right.
func strict(p []byte, n int) bool {
	if len(p) < n || p[0] != 1 || p[1] == typeNAK {
		return false
	}
	body := p[headLen:n]
	switch p[2] {
	case idInitiate:
		return p[1] != typePublish && len(body) == 5 && body[0] <= 1
	case idToken:
		f, ok := frame(body)
		if !ok || f.sum != len(body)-1 {
			return false
		}
		x := byte(0)
		for _, b := range body {
			x ^= b
		}
		return x == 0 && f.toDevice == (p[1] == typeRequest)
	}
	return false
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	if n <= 0 || n != h.WireLen || !h.Port && !strict(p, n) {
		return ot.No
	}
	return ot.Yes
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		if h.Port && (p[0] == 1 || p[0] == 2) {
			return ot.More
		}
		return ot.No
	case strict(p, n), h.Port && (n >= len(p) || message(p[n:]) >= 0):
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	if n := message(p); n > 0 && n == s.WireLen {
		tell(s, p, n)
	}
}

// need is how many bytes of a message must be there before it is told: a HART
// frame always fits; the commands of longer direct messages are told as far as
// they are there.
const need = 512

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, need, ot.Whole, message, tell)
}

// PDU.Code is the HART command in the low 16 bits, or with messageID set a message
// id; a command inside command 77 stands above, with inner set.
const (
	messageID = 1 << 16
	inner     = 1 << 17
	innerAt   = 32
)

// shortUnit marks PDU.Unit as a polling address.
const shortUnit = 1 << 40

// statusHeader marks PDU.Status as the header's status byte.
const statusHeader = 1 << 8

// tell tells one message; p is what is at hand of its n bytes.
func tell(s *ot.Session, p []byte, n int) {
	d := ot.None
	switch p[1] {
	case typeRequest:
		d = ot.Request
		s.Client = ot.ClientSender
	case typeResponse:
		d = ot.Response
		s.Client = ot.ClientReceiver
	case typeNAK:
		d = ot.Error
		s.Client = ot.ClientReceiver
	}
	body := p[headLen:]
	if p[1] != typeNAK {
		switch {
		case p[2] == idToken:
			if f, ok := frame(body); ok {
				tellFrame(s, f, d)
				return
			}
		case p[2] == idDirect:
			if direct(s, body, d) {
				return
			}
		}
	}
	pdu := ot.PDU{Code: messageID | uint64(p[2]), Direction: d, Class: messages[p[2]].class}
	if d == ot.Response || d == ot.Error {
		pdu.Status, pdu.HasStatus = statusHeader|uint32(p[3]), true
		if p[3] != 0 && p[2] <= idKeepAlive {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
}

// hart is a HART frame: delimiter 1, address 1 or 5, expansion 0 to 3, command 1,
// byte count 1, data, checksum 1.
type hart struct {
	toDevice bool
	unit     uint64
	command  byte
	data     []byte // as far as the byte count says
	sum      int    // where the checksum stands
}

// frame reads a HART frame; ok if it is whole but for the checksum.
func frame(p []byte) (f hart, ok bool) {
	if len(p) < 4 {
		return f, false
	}
	switch p[0] & 7 {
	case 2:
		f.toDevice = true
	case 1, 6:
	default:
		return f, false
	}
	at := 2
	f.unit = shortUnit | uint64(p[1]&0x3f)
	if p[0]&0x80 != 0 {
		if len(p) < 8 {
			return f, false
		}
		at = 6
		f.unit = uint64(p[1]&0x3f)<<32 | uint64(binary.BigEndian.Uint32(p[2:]))
	}
	at += int(p[0] >> 5 & 3)
	if len(p) < at+2 || len(p) < at+2+int(p[at+1]) {
		return f, false
	}
	f.command = p[at]
	f.data = p[at+2 : at+2+int(p[at+1])]
	f.sum = at + 2 + len(f.data)
	return f, true
}

func tellFrame(s *ot.Session, f hart, d ot.Direction) {
	pdu := ot.PDU{Code: uint64(f.command), Unit: f.unit, HasUnit: true, Direction: d, Class: classOf(uint64(f.command))}
	if f.toDevice {
		if f.command == 77 {
			pdu.Code, pdu.Class = subDevice(f.data)
		}
		s.Emit(pdu)
		return
	}
	data := f.data
	if len(data) >= 2 {
		// Response code, device status.
		pdu.Status, pdu.HasStatus = uint32(data[0]), true
		if d != ot.None && failed(data[0]) {
			pdu.Direction = ot.Error
		}
		data = data[2:]
	}
	s.Emit(pdu)
	if pdu.Direction == ot.Response {
		identity(s, uint64(f.command), data)
	}
}

// subDevice reads command 77's request: I/O card 1, channel 1, preambles 1, then
// a frame from its delimiter to its data, without checksum.
func subDevice(data []byte) (code uint64, class ot.Class) {
	if len(data) > 3 {
		if f, ok := frame(data[3:]); ok {
			return 77 | inner | uint64(f.command)<<innerAt, classOf(uint64(f.command))
		}
	}
	return 77, ot.Other
}

// direct tells the commands of a direct message: device status 1, extended
// status 1, then command 2, count 1 and data, which begins with the response code in
// responses.
func direct(s *ot.Session, p []byte, d ot.Direction) (told bool) {
	if len(p) < 2 {
		return false
	}
	for p = p[2:]; len(p) >= 3; {
		n := int(p[2])
		if len(p) < 3+n {
			break
		}
		code := uint64(binary.BigEndian.Uint16(p))
		data := p[3 : 3+n]
		pdu := ot.PDU{Code: code, Direction: d, Class: classOf(code)}
		if d == ot.Request && code == 77 {
			pdu.Code, pdu.Class = subDevice(data)
		}
		if d == ot.Response && n > 0 {
			pdu.Status, pdu.HasStatus = uint32(data[0]), true
			if failed(data[0]) {
				pdu.Direction = ot.Error
			}
			data = data[1:]
		}
		s.Emit(pdu)
		if pdu.Direction == ot.Response {
			identity(s, code, data)
		}
		told = true
		p = p[3+n:]
	}
	return told
}

// failed says whether a response code is an error: bit 7 is a communication error;
// of the others some are warnings (HCF_SPEC-307, response code classes).
func failed(code byte) bool {
	switch {
	case code == 0, code == 8, code == 14, code >= 24 && code <= 27, code == 30, code == 31:
		return false
	case code >= 96 && code <= 127:
		return false
	}
	return true
}

// identity tells what a good response says of the device.
func identity(s *ot.Session, code uint64, data []byte) {
	var buf [32]byte
	switch code {
	case 0, 11, 21:
		// FE, device type 2, preambles, HART revision, device revision,
		// software revision, hardware and signalling, flags, device id 3, …,
		// manufacturer 2 at 17.
		if len(data) < 12 || data[0] != 0xfe {
			return
		}
		maker := uint64(data[1] & 0x3f)
		if len(data) >= 19 {
			maker = uint64(binary.BigEndian.Uint16(data[17:]))
		}
		s.Tell(ot.FactVendor, ot.AppendHex(append(buf[:0], "HART manufacturer "...), maker, 4))
		s.Tell(ot.FactModel, ot.AppendHex(append(buf[:0], "HART device type "...), uint64(binary.BigEndian.Uint16(data[1:])), 4))
		s.Tell(ot.FactFirmware, strconv.AppendUint(buf[:0], uint64(data[6]), 10))
		s.Tell(ot.FactSerial, ot.AppendHex(buf[:0], uint64(data[9])<<16|uint64(data[10])<<8|uint64(data[11]), 6))
	case 13:
		if len(data) >= 6 {
			s.Tell(ot.FactName, packed(buf[:0], data[:6]))
		}
	case 20:
		if len(data) < 32 {
			return
		}
		n := 0
		for n < 32 && data[n] >= 0x20 && data[n] < 0x7f {
			n++
		}
		for n > 0 && data[n-1] == ' ' {
			n--
		}
		s.Tell(ot.FactName, data[:n])
	}
}

// packed appends packed ASCII: four characters of 6 bits in three bytes, bit 6 the
// reverse of bit 5. Nothing if a character is none that a tag has.
func packed(b, p []byte) []byte {
	for ; len(p) >= 3; p = p[3:] {
		v := uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2])
		for i := 18; i >= 0; i -= 6 {
			c := byte(v >> i & 0x3f)
			b = append(b, c|(^c&0x20)<<1)
		}
	}
	blank := true
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	for _, c := range b {
		blank = blank && c == '@' // what six 00 read as
	}
	if blank {
		return nil
	}
	return b
}

func function(code uint64) ot.Function {
	if code&messageID != 0 {
		id := code & 0xffff
		f := ot.Function{Code: "msg:" + strconv.FormatUint(id, 10), Name: "unknown message id " + strconv.FormatUint(id, 10)}
		if m, ok := messages[byte(id)]; ok {
			f.Name = m.name
		}
		return f
	}
	f := ot.Function{Code: strconv.FormatUint(code&0xffff, 10), Name: name(code & 0xffff)}
	if code&inner != 0 {
		within := code >> innerAt & 0xffff
		f.Name += fmt.Sprintf(" (%d %s)", within, name(within))
	}
	return f
}

func name(command uint64) string {
	if c, ok := commands[uint16(command)]; ok {
		return c.name
	}
	switch {
	case command >= 128 && command <= 253:
		return fmt.Sprintf("device-specific command %d", command)
	default:
		return fmt.Sprintf("unknown command %d", command)
	}
}

func classOf(code uint64) ot.Class { return commands[uint16(code)].class }

func statusName(status uint32) string {
	if status&statusHeader != 0 {
		return ""
	}
	if status&0x80 != 0 {
		return "communication error"
	}
	return responseCodes[byte(status)]
}

// unit is a long address in hex or a polling address in decimal.
func unit(u uint64) string {
	if u&shortUnit != 0 {
		return strconv.FormatUint(u&0x3f, 10)
	}
	return fmt.Sprintf("%010x", u)
}
