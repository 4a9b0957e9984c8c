// Package flnet decodes FL-net (JEM 1479), the token network of Japanese
// factory automation over UDP.
//
// README.md says how it is recognised and where it is wrong.
package flnet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"

	"osect/decode/ot"
)

// Protocol describes FL-net to the registry.
var Protocol = ot.Protocol{
	Name:          "fl-net",
	Title:         "FL-net",
	UDPPorts:      []uint16{55000, 55001, 55002, 55003, 55004},
	ProbeDatagram: probeDatagram,
	Datagram:      datagram,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:    func(status uint32) string { return results[byte(status)] },
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

// The header of 64 bytes, big-endian. Fact sheet fl-net.
const (
	headLen  = 64
	atTotal  = 4  // length of header and data, 4
	atSource = 8  // 0001, node 2
	atDest   = 12 // 0001 or 0002, node 2
	atResult = 37 // response type
	atCode   = 40 // transaction code 2
)

// head says whether p, of wire bytes, is an FL-net frame.
func head(p []byte, wire int) bool {
	if len(p) < headLen || string(p[:4]) != "FACN" {
		return false
	}
	n := binary.BigEndian.Uint32(p[atTotal:])
	return n >= headLen && int64(n) == int64(wire)
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if head(p, h.WireLen) {
		return ot.Yes
	}
	return ot.No
}

// state is what a connection remembers: the node numbers told, by direction.
type state struct {
	node [2]uint16
}

func datagram(s *ot.Session, p []byte) {
	if !head(p, s.WireLen) {
		return
	}
	code := binary.BigEndian.Uint16(p[atCode:])
	source, dest := binary.BigEndian.Uint16(p[atSource+2:]), binary.BigEndian.Uint16(p[atDest+2:])
	t := transaction(code)
	pdu := ot.PDU{Code: uint64(code), Unit: uint64(source), HasUnit: true, Direction: t.direction, Class: t.class}
	switch t.direction {
	case ot.Request:
		pdu.Unit = uint64(dest)
		s.Client = ot.ClientSender
	case ot.Response:
		s.Client = ot.ClientReceiver
		pdu.Status, pdu.HasStatus = uint32(p[atResult]), true
		if p[atResult] != 0 {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
	station(s, source)
	if pdu.Direction == ot.Response {
		identity(s, code, p[headLen:])
	}
}

// station tells the sender's node number, once.
func station(s *ot.Session, node uint16) {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	d := s.Side()
	if node == 0 || node > 254 || st.node[d] == node {
		return
	}
	st.node[d] = node
	var buf [4]byte
	s.Tell(ot.FactStation, strconv.AppendUint(buf[:0], uint64(node), 10))
}

// identity tells what the network parameters and the profile say of the sender.
func identity(s *ot.Session, code uint16, data []byte) {
	switch code {
	case 65207: // node name 10, vendor 10, model 10
		if len(data) >= 30 {
			s.Tell(ot.FactName, ot.Text(data[:10]))
			s.Tell(ot.FactVendor, ot.Text(data[10:20]))
			s.Tell(ot.FactModel, ot.Text(data[20:30]))
		}
	case 65211:
		s.Tell(ot.FactVendor, parameter(data, "VENDOR"))
		s.Tell(ot.FactModel, parameter(data, "DVMODEL"))
	}
}

// parameter is the value that follows a parameter's name in a profile: both are
// printable strings with their length before them, tagged 13 as in ASN.1.
func parameter(p []byte, name string) []byte {
	i := bytes.Index(p, []byte(name))
	if i < 1 || int(p[i-1]) != len(name) {
		return nil
	}
	p = p[i+len(name):]
	if len(p) >= 1 && p[0] == 0x13 {
		p = p[1:]
	}
	if len(p) < 1 || len(p) < 1+int(p[0]) {
		return nil
	}
	return ot.Text(p[1 : 1+int(p[0])])
}

type entry struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

// transactions by code: fact sheet fl-net, whose "W" is Write and "W!" Control; a
// response has its request's code + 200.
var transactions = map[uint16]entry{
	65000: {"cyclic with token", ot.None, ot.Cyclic},
	65001: {"cyclic without token", ot.None, ot.Cyclic},
	65002: {"participation request", ot.None, ot.Connect},
	65003: {"byte block read", ot.Request, ot.Read},
	65004: {"byte block write", ot.Request, ot.Write},
	65005: {"word block read", ot.Request, ot.Read},
	65006: {"word block write", ot.Request, ot.Write},
	65007: {"network parameter read", ot.Request, ot.Identity},
	65008: {"network parameter write", ot.Request, ot.Control},
	65009: {"stop command", ot.Request, ot.Control},
	65010: {"start command", ot.Request, ot.Control},
	65011: {"profile read", ot.Request, ot.Identity},
	65012: {"trigger", ot.None, ot.Cyclic},
	65013: {"log read", ot.Request, ot.Read},
	65014: {"log clear", ot.Request, ot.Control},
	65015: {"echo back", ot.Request, ot.Connect},
}

// transaction is the entry of a code, responses and transparent messages included.
func transaction(code uint16) entry {
	if t, ok := transactions[code]; ok {
		return t
	}
	if code >= 65200 {
		if t, ok := transactions[code-200]; ok && t.direction == ot.Request {
			t.direction = ot.Response
			return t
		}
	}
	return entry{}
}

func function(code uint64) ot.Function {
	f := ot.Function{Code: strconv.FormatUint(code, 10), Name: transaction(uint16(code)).name}
	switch {
	case code <= 59999:
		f.Name = "transparent message"
	case f.Name == "":
		f.Name = "unknown " + f.Code
	case code >= 65200:
		f.Name += " response"
	}
	return f
}

var results = map[byte]string{0: "normal", 1: "abnormal", 2: "not supported"}

func table() []ot.TableRow {
	rows := []ot.TableRow{{Code: "0", Name: "transparent message (0 to 59999)", Class: ot.Other}}
	for code := range transactions {
		for _, c := range []uint16{code, code + 200} {
			if t := transaction(c); t.name != "" && (c == code || t.direction == ot.Response) {
				f := function(uint64(c))
				rows = append(rows, ot.TableRow{Code: f.Code, Name: f.Name, Class: t.class})
			}
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
