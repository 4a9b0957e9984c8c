// Package powerlink decodes Ethernet POWERLINK.
//
// README.md says how it is recognised and where it is wrong.
package powerlink

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes POWERLINK to the registry.
var Protocol = ot.Protocol{
	Name:       "ethernet-powerlink",
	Title:      "Ethernet POWERLINK",
	EtherTypes: []uint16{0x88ab},
	Frame:      frame,
	Function:   function,
	Unit:       func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:      table(),
}

// Message types. A frame is message type 1, destination node 1, source node 1,
// body. Fact sheet ethernet-powerlink.
const (
	soC  = 1
	pReq = 3
	pRes = 4
	soA  = 5
	aSnd = 6
	amni = 7
	aInv = 13
)

// Services of ASnd.
const (
	identResponse  = 1
	statusResponse = 2
	nmtRequest     = 3
	nmtCommand     = 4
	sdo            = 5
)

// PDU.Code is the message type, and where there is one: the service + 1 above it,
// then its command + 1.
const (
	serviceAt = 8
	commandAt = 20
)

func frame(s *ot.Session, p []byte) bool {
	if len(p) < 4 {
		return false
	}
	kind := p[0] & 0x7f
	pdu := ot.PDU{Code: uint64(kind), Class: ot.Cyclic, HasUnit: true, Unit: uint64(p[2])}
	switch kind {
	case soC, amni, aInv:
	case pReq:
		pdu.Direction, pdu.Unit = ot.Request, uint64(p[1])
		s.Client = ot.ClientSender
	case pRes:
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
	case soA:
		if len(p) > 7 {
			pdu.Unit = uint64(p[7])
			service(&pdu, p[6])
			pdu.Class = ot.Cyclic
			switch p[6] {
			case identResponse:
				pdu.Class = ot.Identity
			case statusResponse:
				pdu.Class = ot.Read
			}
		}
	case aSnd:
		asyncSend(s, &pdu, p)
	default:
		return false
	}
	s.Emit(pdu)
	if kind == aSnd && p[3] == identResponse {
		identity(s, p)
	}
	return true
}

func service(pdu *ot.PDU, id byte) { pdu.Code |= (uint64(id) + 1) << serviceAt }

func command(pdu *ot.PDU, id byte) { pdu.Code |= (uint64(id) + 1) << commandAt }

func asyncSend(s *ot.Session, pdu *ot.PDU, p []byte) {
	id := p[3]
	service(pdu, id)
	pdu.Class = services[id].class
	switch id {
	case identResponse, statusResponse:
		pdu.Direction = ot.Response
	case nmtRequest:
		pdu.Direction = ot.Request
		if len(p) > 4 {
			command(pdu, p[4])
		}
	case nmtCommand:
		pdu.Direction, pdu.Unit = ot.Request, uint64(p[1])
		if len(p) > 4 {
			command(pdu, p[4])
		}
	case sdo:
		// Sequence layer 4, then reserved 1, transaction 1, flags 1 (80
		// response, 40 abort), command 1 (EPSG DS 301, section 6.3.2).
		pdu.Unit = uint64(p[1])
		pdu.Direction = ot.None
		if len(p) < 12 || p[11] == 0 {
			return // connection set-up or acknowledgement
		}
		command(pdu, p[11])
		pdu.Class = sdoCommands[p[11]].class
		pdu.Direction = ot.Request
		if p[10]&0x80 != 0 {
			pdu.Direction, pdu.Unit = ot.Response, uint64(p[2])
			if p[10]&0x40 != 0 {
				pdu.Direction = ot.Error
			}
		}
	}
}

// identity tells what an IdentResponse says. Offsets from the message type,
// little-endian: device type 26, vendor 30, product 34, revision 38, serial 42, host
// name of 32 at 82.
func identity(s *ot.Session, p []byte) {
	var buf [40]byte
	if len(p) < 46 {
		return
	}
	s.Tell(ot.FactStation, strconv.AppendUint(buf[:0], uint64(p[2]), 10))
	s.Tell(ot.FactVendor, ot.AppendHex(append(buf[:0], "POWERLINK vendor "...), uint64(binary.LittleEndian.Uint32(p[30:])), 8))
	s.Tell(ot.FactModel, ot.AppendHex(append(buf[:0], "product code "...), uint64(binary.LittleEndian.Uint32(p[34:])), 8))
	s.Tell(ot.FactFirmware, ot.AppendHex(append(buf[:0], "revision "...), uint64(binary.LittleEndian.Uint32(p[38:])), 8))
	if serial := binary.LittleEndian.Uint32(p[42:]); serial != 0 && serial != 0xffffffff {
		s.Tell(ot.FactSerial, strconv.AppendUint(buf[:0], uint64(serial), 10))
	}
	if len(p) < 114 {
		return
	}
	name := p[82:114]
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	for _, c := range name {
		if c < 0x20 || c > 0x7e {
			return
		}
	}
	s.Tell(ot.FactName, name)
}

func function(code uint64) ot.Function {
	kind := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", kind), Name: types[kind].name}
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown 0x%02x", kind)
	}
	within := int(code >> serviceAt & 0xfff)
	if within == 0 {
		return f
	}
	id := byte(within - 1)
	f.Code += fmt.Sprintf(":%02x", id)
	if kind == soA {
		f.Name += " " + requested(id)
		return f
	}
	f.Name += " " + serviceName(id)
	if c := int(code >> commandAt); c > 0 {
		f.Code += fmt.Sprintf(":%02x", byte(c-1))
		f.Name += " " + commandName(id, byte(c-1))
	}
	return f
}

func serviceName(id byte) string {
	if v, ok := services[id]; ok {
		return v.name
	}
	return fmt.Sprintf("service 0x%02x", id)
}

// requested names what SoA asks for.
func requested(id byte) string {
	switch id {
	case 0:
		return "no service"
	case identResponse:
		return "ident request"
	case statusResponse:
		return "status request"
	case nmtRequest:
		return "NMT request invite"
	case 0xff:
		return "unspecified invite"
	}
	return fmt.Sprintf("service 0x%02x", id)
}

func commandName(service, id byte) string {
	names := nmtCommands
	if service == sdo {
		names = nil
		if v, ok := sdoCommands[id]; ok {
			return v.name
		}
	}
	if name, ok := names[id]; ok {
		return name
	}
	return fmt.Sprintf("0x%02x", id)
}
