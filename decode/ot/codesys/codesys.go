// Package codesys names CODESYS V3 (UDP and TCP) and V2 (TCP) messages.
//
// README.md says how it is recognised and where it is wrong.
package codesys

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode"
	"unicode/utf8"

	"osect/decode/ot"
)

// Protocol describes CODESYS to the registry.
var Protocol = ot.Protocol{
	Name:          "codesys",
	Title:         "CODESYS V2/V3",
	TCPPorts:      []uint16{11740, 11741, 11742, 11743, 1200, 2455},
	UDPPorts:      []uint16{1740, 1741, 1742, 1743},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Table:         table(),
}

// The V3 block on TCP: magic 4, length 4 (with these 8 bytes), little-endian. The
// V2 one: BB BB, length 4 of what follows in the controller's byte order. Fact
// sheet codesys; V2's length as the discovery script of Digital Bond sends it.
const (
	blockLen  = 8
	blockHead = "\x00\x01\x17\xe8"
	v2Len     = 6
	maxLength = 64 << 10
)

// message reads the head of a message on TCP: its whole size, 0 where bytes are
// missing, -1 where it is none.
func message(p []byte) int {
	if len(p) > 0 && p[0] == 0xbb {
		if len(p) > 1 && p[1] != 0xbb {
			return -1
		}
		if len(p) < v2Len {
			return 0
		}
		n := binary.LittleEndian.Uint32(p[2:])
		if big := binary.BigEndian.Uint32(p[2:]); big < n {
			n = big
		}
		if n < 1 || n > maxLength {
			return -1
		}
		return v2Len + int(n)
	}
	for i := 0; i < len(p) && i < 4; i++ {
		if p[i] != blockHead[i] {
			return -1
		}
	}
	if len(p) < blockLen {
		return 0
	}
	n := binary.LittleEndian.Uint32(p[4:])
	if n < blockLen || n > maxLength {
		return -1
	}
	return int(n)
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	switch {
	case n < 0, p[0] == 0xbb && !h.Port:
		return ot.No
	case n == 0:
		return ot.More
	}
	return ot.Yes
}

// layer is what is used of a V3 datagram.
type layer struct {
	service byte
	body    []byte // behind the addresses
}

// magic begins every V3 datagram.
const magic = 0xc5

// Services.
const (
	addressRequest = 1
	addressAnswer  = 2
	nameServer     = 3
	nameClient     = 4
	channels       = 0x40
)

// read takes a V3 datagram apart: C5 1, hops 1 (count 5 bits, header length 3 bits,
// in 2 bytes), packet info 1, service 1, message id 1, lengths of the two addresses
// 1 (4 bits each, in 2 bytes), in broadcasts an id 2, addresses, filled to a multiple of 4.
func read(p []byte) (l layer, ok bool) {
	if len(p) < 6 || p[0] != magic || p[1]&7 < 3 || p[1]&7 > 4 {
		return l, false
	}
	at := 2*int(p[1]&7) + 2*int(p[5]>>4) + 2*int(p[5]&15)
	at = (at + 3) &^ 3
	l.service = p[3]
	if at > len(p) {
		return l, false
	}
	l.body = p[at:]
	return l, true
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	l, ok := read(p)
	if !h.Port || !ok {
		return ot.No
	}
	if _, known := services[l.service]; known {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	if l, ok := read(p); ok {
		tell(s, l)
	}
}

// need is how many bytes of a message must be there before it is told: through the
// application layer's head behind the longest addresses.
const need = blockLen + 6 + 64 + 64

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, need, v2Len+1, message, func(s *ot.Session, m []byte, _ int) {
		if m[0] == 0xbb {
			tellV2(s, m[v2Len:])
		} else if l, ok := read(m[blockLen:]); ok {
			tell(s, l)
		}
	})
}

// PDU.Code is the service, and above it with hasChannel the channel package's
// type, or with hasCommand the command group and the command of layer 7. v2 marks V2.
const (
	hasChannel = 1 << 8
	hasCommand = 1 << 9
	v2         = 1 << 10
	channelAt  = 16
	groupAt    = 16
	commandAt  = 32
)

func tellV2(s *ot.Session, p []byte) {
	pdu := ot.PDU{Code: v2 | uint64(p[0])}
	switch {
	case s.DstPort == 1200 || s.DstPort == 2455:
		pdu.Direction, s.Client = ot.Request, ot.ClientSender
	case s.SrcPort == 1200 || s.SrcPort == 2455:
		pdu.Direction, s.Client = ot.Response, ot.ClientReceiver
	}
	s.Emit(pdu)
}

func tell(s *ot.Session, l layer) {
	v := services[l.service]
	pdu := ot.PDU{Code: uint64(l.service), Direction: v.direction, Class: v.class}
	if l.service == channels && len(l.body) >= 1 {
		kind := l.body[0]
		pdu.Code |= hasChannel | uint64(kind)<<channelAt
		c := packages[kind]
		pdu.Direction, pdu.Class = c.direction, c.class
		// A block: type 1, flags 1 (1: the first of a message), channel 2, block
		// 4, acknowledged 4; the first: rest 4, checksum 4; then layer 7.
		if kind == blockPackage && len(l.body) >= 20+8 && l.body[1]&1 != 0 {
			layer7(s, &pdu, l.body[20:])
		}
	}
	s.Emit(pdu)
	if l.service == nameClient {
		identification(s, l.body)
	}
}

// identification tells what a controller says of itself to who searches: package type C280,
// version 4.00 (2), request 4, channels 2, byte order 1, address difference 1, sizes of parent
// address, node, device and vendor name 2 each, target type 4, target 4, target version 4, flags
// 4, sizes of serial number and vendor's data 1 each, driver 1, 9 more; then those in that order,
// names in UTF-16 and the serial number with a NUL behind; all little-endian.
func identification(s *ot.Session, p []byte) {
	const fixed = 48
	if len(p) < fixed || binary.LittleEndian.Uint16(p) != 0xc280 || binary.LittleEndian.Uint16(p[2:]) != 0x0400 {
		return
	}
	at := fixed + int(binary.LittleEndian.Uint16(p[12:]))
	var text [3 * ot.MaxFactLen]byte
	for i, kind := range [3]ot.FactKind{ot.FactName, ot.FactModel, ot.FactVendor} {
		n := 2 * int(binary.LittleEndian.Uint16(p[14+2*i:]))
		if at+n > len(p) {
			return
		}
		s.Tell(kind, wide(text[:0], p[at:at+n]))
		at += n + 2
	}
	v := binary.LittleEndian.Uint32(p[28:])
	version := text[:0]
	for shift := 24; shift >= 0; shift -= 8 {
		version = strconv.AppendUint(version, uint64(byte(v>>shift)), 10)
		if shift > 0 {
			version = append(version, '.')
		}
	}
	s.Tell(ot.FactFirmware, version)
	if n := int(p[36]); n > 0 && at+n <= len(p) {
		s.Tell(ot.FactSerial, ot.Text(p[at:at+n]))
	}
}

// wide appends the UTF-16 text p to b, up to MaxFactLen characters; none where it has others than
// such that can be shown.
func wide(b, p []byte) []byte {
	for i := 0; i+1 < len(p) && i < 2*ot.MaxFactLen; i += 2 {
		r := rune(binary.LittleEndian.Uint16(p[i:]))
		if !unicode.IsPrint(r) {
			return nil
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// layer7 reads the application layer's head: protocol 2, head size 2, command group
// 2 (80: answer), command 2; little-endian.
func layer7(s *ot.Session, pdu *ot.PDU, p []byte) {
	if id := binary.LittleEndian.Uint16(p); id != 0xcd55 && id != 0x7557 {
		return
	}
	group, command := binary.LittleEndian.Uint16(p[4:]), binary.LittleEndian.Uint16(p[6:])
	pdu.Code = channels | hasCommand | uint64(group&^0x80)<<groupAt | uint64(command)<<commandAt
	pdu.Class = commands[[2]uint16{group &^ 0x80, command}].class
	pdu.Direction, s.Client = ot.Request, ot.ClientSender
	if group&0x80 != 0 {
		pdu.Direction, s.Client = ot.Response, ot.ClientReceiver
	}
}

type entry struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

// services of V3: fact sheet codesys.
var services = map[byte]entry{
	addressRequest: {"address notification request", ot.Request, ot.Identity},
	addressAnswer:  {"address notification response", ot.Response, ot.Identity},
	nameServer:     {"name service request", ot.Request, ot.Identity},
	nameClient:     {"name service response", ot.Response, ot.Identity},
	channels:       {"channel manager", ot.None, ot.Other},
}

const blockPackage = 1

// packages of channels by type.
var packages = map[byte]entry{
	blockPackage: {"block", ot.None, ot.Other},
	0x02:         {"acknowledgement", ot.None, ot.Connect},
	0x03:         {"keep-alive", ot.None, ot.Connect},
	0xc3:         {"open channel request", ot.Request, ot.Connect},
	0x83:         {"open channel response", ot.Response, ot.Connect},
	0xc4:         {"close channel", ot.None, ot.Connect},
}

// groups of layer 7, and the commands that the sheet names.
var (
	groups   = map[uint16]string{1: "device", 2: "application", 8: "file", 9: "PLC logic"}
	commands = map[[2]uint16]entry{
		{1, 2}:    {"login", ot.Request, ot.Connect},
		{2, 0x10}: {"start", ot.Request, ot.Control}, {2, 0x11}: {"stop", ot.Request, ot.Control},
		{2, 0x12}: {"reset", ot.Request, ot.Control},
	}
)

func function(code uint64) ot.Function {
	id := byte(code)
	switch {
	case code&v2 != 0:
		return ot.Function{Code: fmt.Sprintf("v2:%02x", id), Name: fmt.Sprintf("V2 service 0x%02x", id)}
	case code&hasCommand != 0:
		group, command := uint16(code>>groupAt), uint16(code>>commandAt)
		f := ot.Function{Code: fmt.Sprintf("%04x:%04x", group, command)}
		f.Name = groups[group]
		if f.Name == "" {
			f.Name = fmt.Sprintf("group 0x%04x", group)
		}
		if c, ok := commands[[2]uint16{group, command}]; ok {
			f.Name += " " + c.name
		} else {
			f.Name += fmt.Sprintf(" command 0x%04x", command)
		}
		return f
	case code&hasChannel != 0:
		kind := byte(code >> channelAt)
		f := ot.Function{Code: fmt.Sprintf("%02x:%02x", id, kind), Name: packages[kind].name}
		if f.Name == "" {
			f.Name = fmt.Sprintf("channel package 0x%02x", kind)
		}
		return f
	}
	f := ot.Function{Code: fmt.Sprintf("%02x", id), Name: services[id].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("service 0x%02x", id)
	}
	return f
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for _, id := range []byte{addressRequest, addressAnswer, nameServer, nameClient, channels} {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", id), Name: services[id].name, Class: services[id].class})
	}
	for _, kind := range []byte{1, 2, 3, 0xc3, 0x83, 0xc4} {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("40:%02x", kind), Name: packages[kind].name, Class: packages[kind].class})
	}
	for _, c := range [][2]uint16{{1, 2}, {2, 0x10}, {2, 0x11}, {2, 0x12}} {
		f := function(channels | hasCommand | uint64(c[0])<<groupAt | uint64(c[1])<<commandAt)
		rows = append(rows, ot.TableRow{Code: f.Code, Name: f.Name, Class: commands[c].class})
	}
	return append(rows, ot.TableRow{Code: "v2:01", Name: "V2 service 0x01"})
}
