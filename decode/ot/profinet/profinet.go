// Package profinet decodes PROFINET: DCP and real-time frames (EtherType 8892)
// and the context management of PROFINET IO (DCE/RPC over UDP).
//
// README.md says how it is recognised and where it is wrong.
package profinet

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes PROFINET to the registry.
var Protocol = ot.Protocol{
	Name:          "profinet",
	Title:         "PROFINET",
	UDPPorts:      []uint16{34964},
	EtherTypes:    []uint16{0x8892},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Frame:         frame,
	Function:      function,
	Status:        status,
	StatusName:    statusName,
	Table:         table(),
}

// PDU.Code: what layer it is of, the number in the low 16 bits, and above
// them what makes its name more exact (a DCP option, a block type, an index).
const (
	codeDCP     = 1 << 16
	codeRT      = 1 << 17
	codeIO      = 1 << 18
	detailShift = 32
)

// PDU.Status: a DCP block error, or else a PNIO status of four bytes, whose first
// byte is never this one.
const statusDCP = 1 << 24

// Frame ids of DCP.
const (
	dcpHello    = 0xfefc
	dcpResponse = 0xfeff
	alarmHigh   = 0xfc01
	alarmLow    = 0xfe01
)

// frame: frame id 2, then by it.
func frame(s *ot.Session, p []byte) bool {
	if len(p) < 2 {
		return false
	}
	id := binary.BigEndian.Uint16(p)
	if id >= dcpHello && id <= dcpResponse {
		dcp(s, p[2:])
		return true
	}
	s.Emit(ot.PDU{Code: codeRT | uint64(id), Class: rangeOf(id).class})
	return true
}

// DCP, big-endian: service 1, service type 1 (bit 0 response, bit 2 not
// supported), transaction 4, delay or reserved 2, length of the blocks 2, blocks.
// Block: option 1, suboption 1, length 2, value padded to even.
const (
	dcpHead = 10

	serviceGet      = 3
	serviceSet      = 4
	serviceIdentify = 5
	serviceHello    = 6

	typeResponse     = 1
	typeNotSupported = 4
)

// Options and suboptions that are used by name.
const (
	optionIP       = 0x0102
	optionIPSuite  = 0x0103
	optionStation  = 0x0201
	optionName     = 0x0202
	optionDevice   = 0x0203
	optionStart    = 0x0501
	optionEnd      = 0x0502
	optionSignal   = 0x0503
	optionResponse = 0x0504
	optionReset    = 0x0505
	optionFactory  = 0x0506
)

// block reads the first block of p: its value as far as it is there, and
// what is behind it.
func block(p []byte) (option uint16, value, rest []byte) {
	if len(p) < 4 {
		return 0, nil, nil
	}
	n := int(binary.BigEndian.Uint16(p[2:]))
	value = p[4:min(4+n, len(p))]
	return binary.BigEndian.Uint16(p), value, p[min(4+(n+1)&^1, len(p)):]
}

func dcp(s *ot.Session, p []byte) {
	if len(p) < dcpHead {
		return
	}
	service, typ := p[0], p[1]
	pdu := ot.PDU{Code: codeDCP | uint64(service), Class: ot.Identity, Direction: ot.Request}
	if service == serviceSet {
		pdu.Class = ot.Control
	} else if service < serviceGet || service > serviceHello {
		pdu.Class = ot.Other
	}
	blocks := p[dcpHead:]
	blocks = blocks[:min(int(binary.BigEndian.Uint16(p[8:])), len(blocks))]
	if typ != 0 {
		pdu.Direction = ot.Response
		if typ&typeNotSupported != 0 {
			pdu.Direction = ot.Error
		}
	}
	facts := service == serviceHello || typ == typeResponse && (service == serviceGet || service == serviceIdentify)
	told := false
	for b := blocks; len(b) >= 4; {
		option, value, rest := block(b)
		b = rest
		switch {
		case service == serviceSet && typ == 0 && !told && option != optionStart && option != optionEnd:
			told = true
			pdu.Code |= uint64(option) << detailShift
			if option == optionSignal {
				pdu.Class = ot.Write
			}
		case typ != 0 && option == optionResponse && len(value) >= 3 && !told:
			// option, suboption, error
			pdu.Status, pdu.HasStatus = statusDCP|uint32(value[2]), true
			if value[2] != 0 {
				pdu.Direction, told = ot.Error, true
			}
		case facts && len(value) > 2:
			identity(s, option, value[2:]) // behind the block info
		}
	}
	s.Emit(pdu)
}

// identity tells what a block says of its sender.
func identity(s *ot.Session, option uint16, value []byte) {
	switch option {
	case optionStation:
		s.Tell(ot.FactModel, ot.Text(value))
	case optionName:
		s.Tell(ot.FactName, ot.Text(value))
	case optionDevice:
		if len(value) >= 4 {
			tellVendor(s, binary.BigEndian.Uint16(value))
		}
	}
}

// tellVendor tells a vendor by its number: only Siemens' is known to the fact
// sheet, of others the number is told.
func tellVendor(s *ot.Session, id uint16) {
	if id == 0x002a {
		s.Tell(ot.FactVendor, siemens)
		return
	}
	var buf [24]byte
	s.Tell(ot.FactVendor, ot.AppendHex(append(buf[:0], "PROFINET vendor 0x"...), uint64(id), 4))
}

var siemens = []byte("Siemens")

// revision writes a software revision: V1.2.3.
func revision(b, p []byte) []byte {
	if p[0] >= 'A' && p[0] <= 'Z' {
		b = append(b, p[0])
	}
	b = strconv.AppendUint(b, uint64(p[1]), 10)
	b = strconv.AppendUint(append(b, '.'), uint64(p[2]), 10)
	return strconv.AppendUint(append(b, '.'), uint64(p[3]), 10)
}

func function(code uint64) ot.Function {
	n, detail := uint16(code), uint16(code>>detailShift)
	switch {
	case code&codeDCP != 0:
		f := ot.Function{Code: fmt.Sprintf("dcp:%02x", n), Name: fmt.Sprintf("DCP unknown 0x%02x", n)}
		if int(n) < len(services) && services[n] != "" {
			f.Name = services[n]
		}
		if detail != 0 {
			name := options[detail]
			if name == "" {
				name = fmt.Sprintf("option %02x/%02x", detail>>8, detail&0xff)
			}
			f.Name += ", " + name
		}
		return f
	case code&codeIO != 0:
		f := ot.Function{Code: fmt.Sprintf("io:%02x", n), Name: fmt.Sprintf("IO unknown 0x%02x", n)}
		if int(n) < len(operations) {
			f.Name = operations[n].name
		}
		switch {
		case detail == 0:
		case n == opControl:
			f.Name += ", " + controls[detail]
		case detail == realIM:
			f.Name += ", real I&M data"
		default:
			f.Name += fmt.Sprintf(", I&M%d", detail-firstIM)
		}
		return f
	}
	return ot.Function{Code: fmt.Sprintf("rt:%04x", n), Name: rangeOf(n).name}
}

func status(status uint32) string {
	if status>>24 == statusDCP>>24 {
		return fmt.Sprintf("%02x", byte(status))
	}
	return fmt.Sprintf("%08x", status)
}

func statusName(status uint32) string {
	if status>>24 == statusDCP>>24 {
		return blockErrors[byte(status)]
	}
	return errorCodes[byte(status>>24)]
}
