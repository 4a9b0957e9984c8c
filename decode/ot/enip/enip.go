// Package enip decodes EtherNet/IP and the CIP messages in it, with PCCC inside
// CIP: explicit messages on TCP and UDP 44818, implicit I/O on UDP 2222.
//
// README.md says how it is recognised and where it is wrong.
package enip

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes EtherNet/IP to the registry.
var Protocol = ot.Protocol{
	Name:          "ethernet-ip-cip",
	Title:         "EtherNet/IP and CIP",
	TCPPorts:      []uint16{port},
	UDPPorts:      []uint16{port, portIO},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        status,
	StatusName:    statusName,
	Table:         table(),
}

const (
	port   = 44818
	portIO = 2222
)

// The encapsulation header, little-endian: command 2, length 2 (of what follows
// the header), session 4, status 4, sender context 8, options 4. Fact sheet
// ethernet-ip-cip; CIP volume 2 chapter 2.
const (
	headLen   = 24
	maxLength = 65511
)

// Commands of the encapsulation.
const (
	cmdNOP          = 0x0000
	cmdListTargets  = 0x0001
	cmdListServices = 0x0004
	cmdListIdentity = 0x0063
	cmdListIface    = 0x0064
	cmdRegister     = 0x0065
	cmdUnregister   = 0x0066
	cmdSendRR       = 0x006f
	cmdSendUnit     = 0x0070
)

// Items of the common packet format.
const (
	itemNull         = 0x0000
	itemIdentity     = 0x000c
	itemConnected    = 0x00a1
	itemData         = 0x00b1
	itemUnconnected  = 0x00b2
	itemSequencedAdr = 0x8002
	maxItems         = 8
)

// size reads the head of an encapsulated message: its whole size, 0 where bytes of
// the head are missing, -1 where it is none.
func size(p []byte) int {
	if len(p) >= 2 {
		if commandOf(binary.LittleEndian.Uint16(p)).name == "" {
			return -1
		}
	}
	if len(p) < headLen {
		return 0
	}
	n := int(binary.LittleEndian.Uint16(p[2:]))
	if n > maxLength {
		return -1
	}
	if p[0]|p[1] == cmdNOP && n != 0 && binary.LittleEndian.Uint32(p[4:]) != 0 {
		return -1 // zeros are what the middle of a message looks like; a NOP needs no session
	}
	return headLen + n
}

// typical says whether a whole or partial message (n bytes, at least its head in
// p) has the shape of its command: what it takes to be known on any port.
func typical(p []byte, n int, port bool) bool {
	if binary.LittleEndian.Uint32(p[20:]) != 0 {
		return false
	}
	if status := binary.LittleEndian.Uint32(p[8:]); status != 0 && encapsulationStatus[uint16(status)] == "" || status>>16 != 0 {
		return false
	}
	body, n := p[headLen:min(n, len(p))], n-headLen
	session := binary.LittleEndian.Uint32(p[4:])
	switch cmd := binary.LittleEndian.Uint16(p); cmd {
	case cmdRegister:
		return n == 4 && (len(body) < 4 || binary.LittleEndian.Uint32(body) == 1) || n == 0 && binary.LittleEndian.Uint32(p[8:]) != 0
	case cmdUnregister:
		return n == 0 && session != 0
	case cmdListServices, cmdListIdentity, cmdListIface, cmdListTargets:
		if cmd == cmdListTargets && !port {
			return false // a number too common to be believed elsewhere
		}
		if n == 0 {
			return session == 0 || port // which targets ignore
		}
		// items: their lengths add up to the message's
		if len(body) < n {
			return len(body) < 2 || body[0] <= maxItems && body[1] == 0
		}
		_, rest, ok := items(body)
		return ok && rest == 0
	case cmdSendRR, cmdSendUnit:
		if n < 16 || len(body) < 10 {
			return n == 0 && binary.LittleEndian.Uint32(p[8:]) != 0
		}
		if binary.LittleEndian.Uint32(body) != 0 || body[6] < 2 || body[6] > maxItems || body[7] != 0 {
			return false
		}
		first := binary.LittleEndian.Uint16(body[8:])
		if first != itemNull && first != itemConnected {
			return false
		}
		if len(body) < n {
			return true
		}
		_, _, ok := items(body[6:])
		return ok
	}
	return false
}

// item is one of the common packet format: type 2, length 2, data.
type item struct {
	kind uint16
	data []byte
}

// items reads a count (2) and so many items. rest is how many bytes follow them.
func items(d []byte) (list [maxItems]item, rest int, ok bool) {
	if len(d) < 2 {
		return list, 0, false
	}
	n := int(binary.LittleEndian.Uint16(d))
	if n > maxItems {
		return list, 0, false
	}
	d = d[2:]
	for i := range n {
		if len(d) < 4 {
			return list, 0, false
		}
		length := int(binary.LittleEndian.Uint16(d[2:]))
		if len(d) < 4+length {
			return list, 0, false
		}
		list[i] = item{binary.LittleEndian.Uint16(d), d[4 : 4+length]}
		d = d[4+length:]
	}
	return list, len(d), true
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if io(p, h.WireLen) {
		return ot.Yes
	}
	if n := size(p); n > 0 && n == h.WireLen && typical(p, n, h.Port) {
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
		if h.Port || len(p) >= 4 && p[0] == cmdRegister && p[2] == 4 {
			return ot.More
		}
		return ot.No
	case !typical(p, n, h.Port):
		return ot.No
	case n < len(p) && size(p[n:]) < 0:
		return ot.No
	}
	return ot.Yes
}

// io says whether p is an implicit message: two items or more, sequenced address
// (connection 4, sequence 4), then connected data to the end.
func io(p []byte, wire int) bool {
	return len(p) >= 18 && p[1] == 0 && p[0] >= 2 && p[0] <= 4 &&
		binary.LittleEndian.Uint16(p[2:]) == itemSequencedAdr && binary.LittleEndian.Uint16(p[4:]) == 8 &&
		binary.LittleEndian.Uint16(p[14:]) == itemData &&
		(18+int(binary.LittleEndian.Uint16(p[16:])) == wire || p[0] > 2 && 18+int(binary.LittleEndian.Uint16(p[16:])) < wire)
}

// state is what a connection remembers: explicit requests that wait.
type state struct {
	n       int
	open    [16]pending
	session uint32 // of the last SendRRData, SendUnitData or answer to RegisterSession
}

// maxMembers is of how many members of a multiple service packet the classes are kept.
const maxMembers = 48

type pending struct {
	key      uint64 // sender context, or sequence count with bit 63
	service  byte
	identity bool // asks for the identity object of the receiver itself
	code     uint64
	class    ot.Class
	members  int
	inside   [maxMembers]member
}

// member is a request inside a multiple service packet.
type member struct {
	service byte
	class   ot.Class
	object  byte
}

func stateOf(s *ot.Session) *state {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st
}

func datagram(s *ot.Session, p []byte) {
	if io(p, s.WireLen) {
		s.Emit(ot.PDU{Code: kindIO, Class: ot.Cyclic})
		return
	}
	if n := size(p); n > 0 && n <= s.WireLen {
		message(s, p[:min(n, len(p))], n)
	}
}

func stream(s *ot.Session, p []byte) int {
	st := stateOf(s)
	if s.Gap {
		st.n = 0
	}
	// The end of a message may look like a head: it must be a typical one too.
	if s.Resume && probeStream(p, ot.Hint{Port: true}) == ot.No {
		return -1
	}
	return ot.Messages(s, p, ot.Whole, ot.Whole, func(p []byte) int {
		n := size(p)
		if n < 0 && st.session != 0 && !s.Resume && len(p) >= headLen &&
			binary.LittleEndian.Uint32(p[4:]) == st.session && binary.LittleEndian.Uint32(p[20:]) == 0 {
			n = headLen + int(binary.LittleEndian.Uint16(p[2:])) // a command that is not known, in a session that is
		}
		return n
	}, message)
}

// PDU.Code: a kind, and below it the command, or service, object and PCCC
// command and function.
const (
	kindCIP = iota << 48
	kindEncapsulation
	kindIO
	kindMask = 0xff << 48

	objectShift = 8
	pcccShift   = 16      // command, function
	pcccKnown   = 1 << 32 // a PCCC command is there
)

const statusEncapsulation = 1 << 31 // PDU.Status: an encapsulation's

// message tells one encapsulated message, its head whole.
func message(s *ot.Session, p []byte, _ int) {
	st := stateOf(s)
	cmd := binary.LittleEndian.Uint16(p)
	e := commandOf(cmd)
	body := p[headLen:]
	switch session := binary.LittleEndian.Uint32(p[4:]); cmd {
	case cmdRegister, cmdSendRR, cmdSendUnit:
		if session != 0 {
			st.session = session
		}
	}
	pdu := ot.PDU{Code: kindEncapsulation | uint64(cmd), Class: e.class, Direction: ot.Request}
	status := binary.LittleEndian.Uint32(p[8:])
	if answer(s, cmd, p) {
		pdu.Direction = ot.Response
		pdu.Status, pdu.HasStatus = statusEncapsulation|status&0xffff, true
		if status != 0 {
			pdu.Direction = ot.Error
		}
	}
	if cmd != cmdSendRR && cmd != cmdSendUnit {
		if pdu.Direction == ot.Request && cmd != cmdNOP {
			s.Client = ot.ClientSender
		}
		s.Emit(pdu)
		if cmd == cmdListIdentity && len(body) > 0 {
			listIdentity(s, body)
		}
		return
	}
	if status != 0 || len(body) < 6 {
		s.Emit(pdu) // a carrier that carries nothing
		return
	}
	list, _, ok := items(body[6:])
	if !ok {
		return
	}
	c := context{st: st, key: binary.LittleEndian.Uint64(p[12:]) &^ sequenced}
	for _, it := range list {
		switch {
		case it.kind == itemUnconnected && len(it.data) > 0:
			c.explicit(s, it.data)
		case it.kind == itemData && len(it.data) > 2:
			c.key = sequenced | uint64(binary.LittleEndian.Uint16(it.data))
			c.explicit(s, it.data[2:])
		}
	}
}

const sequenced = 1 << 63

// answer says whether a message comes from the server: by the port where one end
// alone has EtherNet/IP's own, else by what it says.
func answer(s *ot.Session, cmd uint16, p []byte) bool {
	if (s.SrcPort == port) != (s.DstPort == port) {
		if s.SrcPort != port {
			return false
		}
		return cmd != cmdNOP && cmd != cmdUnregister
	}
	switch cmd {
	case cmdListIdentity, cmdListIface, cmdListServices, cmdListTargets:
		return len(p) > headLen
	case cmdRegister:
		return binary.LittleEndian.Uint32(p[4:]) != 0 || binary.LittleEndian.Uint32(p[8:]) != 0
	case cmdNOP, cmdUnregister:
		return false
	}
	return !s.FromClient
}

// listIdentity tells what an identity item says: version 2, socket address 16
// (big-endian), then the identity as the identity object has it, state 1.
func listIdentity(s *ot.Session, body []byte) {
	list, _, ok := items(body)
	if !ok {
		return
	}
	for _, it := range list {
		if it.kind == itemIdentity && len(it.data) > 18 {
			identity(s, it.data[18:])
		}
	}
}

// identity tells vendor 2, device type 2, product code 2, revision 2, status 2,
// serial 4, name length 1 and name.
func identity(s *ot.Session, d []byte) {
	if len(d) < 15 {
		return
	}
	name := d[15:min(len(d), 15+int(d[14]))]
	if len(name) != int(d[14]) || !ot.Printable(name) {
		return
	}
	var text [24]byte
	vendor := binary.LittleEndian.Uint16(d)
	if v := vendors[vendor]; v != "" {
		s.Tell(ot.FactVendor, append(text[:0], v...))
	} else {
		s.Tell(ot.FactVendor, strconv.AppendUint(append(text[:0], "CIP vendor "...), uint64(vendor), 10))
	}
	s.Tell(ot.FactModel, name)
	s.Tell(ot.FactFirmware, strconv.AppendUint(append(strconv.AppendUint(text[:0], uint64(d[6]), 10), '.'), uint64(d[7]), 10))
	s.Tell(ot.FactSerial, ot.AppendHex(text[:0], uint64(binary.LittleEndian.Uint32(d[10:])), 8))
}

func status(v uint32) string {
	if v&statusEncapsulation != 0 {
		return fmt.Sprintf("%04x", uint16(v))
	}
	if ext := v >> 8 & 0xffff; ext != 0 {
		return fmt.Sprintf("%02x:%04x", byte(v), ext)
	}
	return fmt.Sprintf("%02x", byte(v))
}

func statusName(v uint32) string {
	if v&statusEncapsulation != 0 {
		return encapsulationStatus[uint16(v)]
	}
	return generalStatus[byte(v)]
}
