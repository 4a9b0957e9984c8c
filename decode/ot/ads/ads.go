// Package ads decodes Beckhoff ADS over AMS/TCP, and the discovery and route
// service on UDP.
//
// README.md says how it is recognised and where it is wrong.
package ads

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes ADS to the registry.
var Protocol = ot.Protocol{
	Name:          "ads-ams",
	Title:         "Beckhoff ADS/AMS",
	TCPPorts:      []uint16{48898},
	UDPPorts:      []uint16{48899},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%08x", status) },
	StatusName:    func(status uint32) string { return errorNames[status] },
	Unit:          unit,
	Table:         table(),
}

// The AMS/TCP header: 00 00, length 4 of what follows it; then the AMS header,
// little-endian: target NetId 6 and port 2, source NetId 6 and port 2, command 2,
// state flags 2, data length 4, error 4, invoke id 4. Fact sheet ads-ams.
const (
	tcpLen  = 6
	amsLen  = 32
	headLen = tcpLen + amsLen
	// maxLength bounds the length field: routers have 16 MiB at most for messages.
	maxLength = 16 << 20
)

// Commands used by name.
const (
	cmdDeviceInfo = 1
	cmdRead       = 2
	cmdWrite      = 3
	cmdControl    = 5
	cmdNotify     = 8
	cmdReadWrite  = 9
)

const (
	flagResponse = 1
	flagADS      = 4
)

// message reads the heads of a message: its whole size, 0 where bytes are missing,
// -1 where it is none: the lengths of both headers must agree.
func message(p []byte) int {
	for i := 0; i < len(p) && i < 2; i++ {
		if p[i] != 0 {
			return -1
		}
	}
	if len(p) < headLen {
		return 0
	}
	n := binary.LittleEndian.Uint32(p[2:])
	data := binary.LittleEndian.Uint32(p[26:])
	if n < amsLen || n > maxLength || data != n-amsLen {
		return -1
	}
	return tcpLen + int(n)
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		if h.Port {
			return ot.More
		}
		return ot.No
	case binary.LittleEndian.Uint16(p[24:])&flagADS == 0:
		return ot.No
	case h.Port:
		return ot.Yes
	}
	// Elsewhere: a command that exists, flags that exist, ports that are set.
	command, flags := binary.LittleEndian.Uint16(p[22:]), binary.LittleEndian.Uint16(p[24:])
	if command >= 1 && command <= cmdReadWrite && flags&^0x145 == 0 &&
		binary.LittleEndian.Uint16(p[12:]) != 0 && binary.LittleEndian.Uint16(p[20:]) != 0 {
		return ot.Yes
	}
	return ot.No
}

// need is how many bytes of a message must be there before it is told: through
// the device name of ReadDeviceInfo.
const need = headLen + 24

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, need, headLen, message, tell)
}

// state is what a connection remembers: requests that wait for their answers, since
// these do not say what was read or written.
type state struct {
	next int
	open [16]asked
}

type asked struct {
	invoke uint32
	code   uint64
	class  ot.Class
}

// PDU.Code is the command in the low 16 bits and above it the number of the group's
// name + 1, or with discovery set a UDP service.
const (
	groupAt   = 16
	discovery = 1 << 31
)

const systemService = 10000 // the AMS port that files, registry and processes are behind

// tell tells one message, of which at least the head is there.
func tell(s *ot.Session, p []byte, _ int) {
	command := binary.LittleEndian.Uint16(p[22:])
	flags := binary.LittleEndian.Uint16(p[24:])
	failed := binary.LittleEndian.Uint32(p[30:])
	invoke := binary.LittleEndian.Uint32(p[34:])
	data := p[headLen:]
	pdu := ot.PDU{Code: uint64(command), HasUnit: true, Class: ot.Other}
	if int(command) < len(commands) {
		pdu.Class = commands[command].class
	}
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	if flags&flagResponse == 0 {
		pdu.Direction = ot.Request
		pdu.Unit = address(p[6:])
		if command == cmdNotify { // sent by the device
			pdu.Unit = address(p[14:])
			s.Client = ot.ClientReceiver
			s.Emit(pdu)
			return
		}
		s.Client = ot.ClientSender
		if failed != 0 {
			pdu.Status, pdu.HasStatus = failed, true
		}
		if len(data) >= 4 && (command == cmdRead || command == cmdWrite || command == cmdReadWrite) {
			group(&pdu, command, binary.LittleEndian.Uint16(p[12:]), binary.LittleEndian.Uint32(data))
		}
		st.open[st.next] = asked{invoke, pdu.Code, pdu.Class}
		st.next = (st.next + 1) % len(st.open)
		s.Emit(pdu)
		return
	}
	s.Client = ot.ClientReceiver
	pdu.Direction = ot.Response
	pdu.Unit = address(p[14:])
	for i := range st.open {
		if a := &st.open[i]; a.code != 0 && a.invoke == invoke && uint16(a.code) == command {
			pdu.Code, pdu.Class = a.code, a.class
			*a = asked{}
			break
		}
	}
	if failed == 0 && len(data) >= 4 {
		failed = binary.LittleEndian.Uint32(data)
	}
	pdu.Status, pdu.HasStatus = failed, true
	if failed != 0 {
		pdu.Direction = ot.Error
	}
	s.Emit(pdu)
	// Result 4, major 1, minor 1, build 2, name 16. Each AMS port has its own
	// name and version; those of the PLC stand for the device.
	port := binary.LittleEndian.Uint16(p[20:])
	if command == cmdDeviceInfo && failed == 0 && len(data) >= 24 && port >= 801 && port <= 899 {
		s.Tell(ot.FactVendor, vendor)
		s.Tell(ot.FactModel, ot.Text(data[8:24]))
		version(s, data[4:])
	}
}

var vendor = []byte("Beckhoff")

// version tells major 1, minor 1, build 2.
func version(s *ot.Session, p []byte) {
	var buf [16]byte
	b := strconv.AppendUint(buf[:0], uint64(p[0]), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(p[1]), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(binary.LittleEndian.Uint16(p[2:])), 10)
	s.Tell(ot.FactFirmware, b)
}

// address is NetId and port in one number.
func address(p []byte) uint64 {
	return uint64(binary.BigEndian.Uint32(p))<<32 | uint64(binary.BigEndian.Uint16(p[4:]))<<16 |
		uint64(binary.LittleEndian.Uint16(p[6:]))
}

// group names what a command reads or writes and says by it what it does.
func group(pdu *ot.PDU, command, port uint16, index uint32) {
	if command == cmdWrite && port == systemService {
		pdu.Class = ot.Control
	}
	for i, g := range groups {
		if index < g.first || index > g.last || g.system != (port == systemService) {
			continue
		}
		pdu.Code |= uint64(i+1) << groupAt
		if command == cmdReadWrite {
			pdu.Class = g.class
		}
		return
	}
}

// UDP: magic 4, invoke id 4, service 4 (bit 31: answer), NetId 6, port 2, number of
// tags 4, then tags of id 2, length 2, value; little-endian.
const udpLen = 24

func discover(p []byte) bool {
	if len(p) < udpLen || binary.BigEndian.Uint32(p) != 0x03661471 {
		return false
	}
	return binary.LittleEndian.Uint32(p[8:])&^(1<<31) <= 0xffff
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if discover(p) {
		return ot.Yes
	}
	return ot.No
}

// maxTags bounds the tags that are read of a datagram.
const maxTags = 32

func datagram(s *ot.Session, p []byte) {
	if !discover(p) {
		return
	}
	service := binary.LittleEndian.Uint32(p[8:])
	answer := service>>31 != 0
	pdu := ot.PDU{Code: discovery | uint64(service&0xffff), Direction: ot.Request, Unit: address(p[12:]), HasUnit: true}
	pdu.Class = services[service&0xffff].class
	s.Client = ot.ClientSender
	if answer {
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
	}
	tags := min(binary.LittleEndian.Uint32(p[20:]), maxTags)
	for p = p[udpLen:]; tags > 0; tags-- {
		id, value, rest := tag(p)
		if value == nil {
			break
		}
		if id == 1 && answer && len(value) >= 4 {
			pdu.Status, pdu.HasStatus = binary.LittleEndian.Uint32(value), true
			if pdu.Status != 0 {
				pdu.Direction = ot.Error
			}
		}
		if id == 5 && answer {
			s.Tell(ot.FactVendor, vendor)
			s.Tell(ot.FactName, ot.Text(value))
		}
		if id == 3 && answer && len(value) >= 4 {
			s.Tell(ot.FactModel, twinCAT)
			version(s, value)
		}
		p = rest
	}
	s.Emit(pdu)
}

var twinCAT = []byte("TwinCAT")

// tag takes one tag off p; nil where there is none.
func tag(p []byte) (id uint16, value, rest []byte) {
	if len(p) < 4 {
		return 0, nil, nil
	}
	n := int(binary.LittleEndian.Uint16(p[2:]))
	if len(p) < 4+n {
		return 0, nil, nil
	}
	return binary.LittleEndian.Uint16(p), p[4 : 4+n : 4+n], p[4+n:]
}

func function(code uint64) ot.Function {
	if code&discovery != 0 {
		id := uint32(code & 0xffff)
		f := ot.Function{Code: "udp:" + strconv.Itoa(int(id)), Name: services[id].name}
		if f.Name == "" {
			f.Name = fmt.Sprintf("unknown service %d", id)
		}
		return f
	}
	command := code & 0xffff
	f := ot.Function{Code: fmt.Sprintf("%04x", command), Name: fmt.Sprintf("unknown 0x%04x", command)}
	if command < uint64(len(commands)) && commands[command].name != "" {
		f.Name = commands[command].name
	}
	if i := int(code >> groupAt & 0xff); i > 0 && i <= len(groups) {
		f.Name += " (" + groups[i-1].name + ")"
	}
	return f
}

// unit is the device's NetId and AMS port.
func unit(u uint64) string {
	return fmt.Sprintf("%d.%d.%d.%d.%d.%d:%d", byte(u>>56), byte(u>>48), byte(u>>40), byte(u>>32), byte(u>>24), byte(u>>16), uint16(u))
}
