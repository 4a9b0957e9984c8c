// Package knx decodes KNXnet/IP over UDP and TCP with the cEMI frames inside.
//
// README.md says how it is recognised and where it is wrong.
package knx

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes KNXnet/IP to the registry.
var Protocol = ot.Protocol{
	Name:          "knxnet-ip",
	Title:         "KNXnet/IP",
	TCPPorts:      []uint16{3671},
	UDPPorts:      []uint16{3671},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:    func(status uint32) string { return statusNames[byte(status)] },
	Unit:          unit,
	Table:         table(),
}

// The header: its length 06, version 10, service 2, total length 2; big-endian.
// Fact sheet knxnet-ip.
const (
	headLen   = 6
	maxLength = 1024 // generous: the largest service is a secure wrapper of some hundred bytes
)

// message reads the head of a message: its whole size, 0 where bytes are missing,
// -1 where it is none.
func message(p []byte) int {
	if len(p) > 0 && p[0] != 0x06 || len(p) > 1 && p[1] != 0x10 {
		return -1
	}
	if len(p) < headLen {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[4:]))
	switch p[2] {
	case 2, 3, 4, 5, 7, 9:
	default:
		return -1
	}
	if n < headLen || n > maxLength {
		return -1
	}
	return n
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	if n <= 0 || n != h.WireLen {
		return ot.No
	}
	if _, ok := services[binary.BigEndian.Uint16(p[2:])]; ok || h.Port {
		return ot.Yes
	}
	return ot.No
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	n := message(p)
	switch {
	case n < 0:
		return ot.No
	case n == 0:
		return ot.More
	}
	if _, ok := services[binary.BigEndian.Uint16(p[2:])]; ok && (n >= len(p) || message(p[n:]) >= 0) {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	if n := message(p); n > 0 && n <= s.WireLen {
		tell(s, p[:min(n, len(p))], n)
	}
}

func stream(s *ot.Session, p []byte) int {
	return ot.Messages(s, p, ot.Whole, headLen, message, tell)
}

// PDU.Code is the service in the low 16 bits and above it what the cEMI frame
// does, an index of actions.
const actionAt = 16

// PDU.Unit is a group or individual address and which of the two.
const individual = 1 << 16

func tell(s *ot.Session, p []byte, _ int) {
	id := binary.BigEndian.Uint16(p[2:])
	v := services[id]
	pdu := ot.PDU{Code: uint64(id), Direction: v.direction, Class: v.class}
	body := p[headLen:]
	switch id {
	case 0x0420, 0x0310: // connection header of its own length
		if len(body) > 0 && len(body) > int(body[0]) {
			cemi(&pdu, body[body[0]:])
		}
	case 0x0530:
		cemi(&pdu, body)
	case 0x0206, 0x0208, 0x020a:
		failure(&pdu, body, 1)
	case 0x0421, 0x0311:
		failure(&pdu, body, 3)
	}
	switch v.direction {
	case ot.Request:
		if id>>8 == 2 {
			s.Client = ot.ClientSender
		}
	case ot.Response:
		if id>>8 == 2 {
			s.Client = ot.ClientReceiver
		}
	}
	s.Emit(pdu)
	switch id {
	case 0x0202, 0x020c: // end point of 8 bytes first
		if len(body) > 8 && body[0] == 8 {
			identity(s, body[8:])
		}
	case 0x0204:
		identity(s, body)
	}
}

func failure(pdu *ot.PDU, body []byte, i int) {
	if i < len(body) {
		pdu.Status, pdu.HasStatus = uint32(body[i]), true
		if body[i] != 0 {
			pdu.Direction = ot.Error
		}
	}
}

// cemi reads a cEMI frame: message code 1, length of additional information 1 and
// that, control 2, source 2, destination 2, length 1, TPCI and APCI.
func cemi(pdu *ot.PDU, p []byte) {
	if len(p) < 1 {
		return
	}
	switch p[0] {
	case 0x11, 0x29, 0x2e:
		if len(p) < 2 {
			return
		}
		p = p[min(2+int(p[1]), len(p)):]
		if len(p) < 8 {
			return
		}
		pdu.Unit, pdu.HasUnit = uint64(binary.BigEndian.Uint16(p[4:])), true
		if p[1]&0x80 == 0 {
			pdu.Unit |= individual
		}
		if p[6] == 0 || p[7]&0x80 != 0 || len(p) < 9 {
			return // connection control of the transport layer, no data
		}
		action(pdu, apci(uint16(p[7]&3)<<8|uint16(p[8])))
	case 0xfc, 0xfb:
		action(pdu, propertyRead)
	case 0xf6, 0xf5:
		action(pdu, propertyWrite)
	case 0xf1, 0xf0:
		action(pdu, reset)
	}
}

func action(pdu *ot.PDU, a int) {
	if a != 0 {
		pdu.Code |= uint64(a) << actionAt
		pdu.Class = actions[a].class
	}
}

// identity reads description blocks: length 1, type 1. Block 01 of 54 bytes:
// medium 1, status 1, individual address 2, project 2, serial 6, multicast 4, MAC 6,
// name 30.
func identity(s *ot.Session, p []byte) {
	var buf [24]byte
	for len(p) >= 2 && int(p[0]) >= 2 && int(p[0]) <= len(p) {
		if b := p[:p[0]]; b[1] == 1 && len(b) == 54 {
			s.Tell(ot.FactStation, address(buf[:0], binary.BigEndian.Uint16(b[4:])))
			serial := buf[:0]
			for _, c := range b[8:14] {
				serial = append(serial, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			}
			s.Tell(ot.FactSerial, serial)
			name := b[24:54]
			if i := bytes.IndexByte(name, 0); i >= 0 {
				name = name[:i]
			}
			for _, c := range name {
				if c < 0x20 || c == 0x7f {
					return
				}
			}
			s.Tell(ot.FactName, name)
		}
		p = p[p[0]:]
	}
}

// address is area.line.device.
func address(b []byte, a uint16) []byte {
	b = append(strconv.AppendUint(b, uint64(a>>12), 10), '.')
	b = append(strconv.AppendUint(b, uint64(a>>8&15), 10), '.')
	return strconv.AppendUint(b, uint64(a&0xff), 10)
}

func function(code uint64) ot.Function {
	id := uint16(code)
	f := ot.Function{Code: fmt.Sprintf("%04x", id), Name: services[id].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown service 0x%04x", id)
	}
	if a := int(code >> actionAt); a > 0 && a < len(actions) {
		f.Name += ": " + actions[a].name
	}
	return f
}

// unit is main/middle/sub of a group, area.line.device of a device.
func unit(u uint64) string {
	if u&individual != 0 {
		return string(address(nil, uint16(u)))
	}
	return fmt.Sprintf("%d/%d/%d", uint16(u)>>11, u>>8&7, byte(u))
}
