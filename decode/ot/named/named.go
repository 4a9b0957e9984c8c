// Package named recognises control protocols that are counted by message but not
// decoded: BSAP, C12.22, GENISYS, ROC Plus, DLMS/COSEM, Niagara Fox, TriStation, EGD,
// RTPS, Saia S-Bus and Ether-S-I/O.
//
// README.md says how each is recognised and where that is wrong.
package named

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"osect/decode/ot"
)

// Protocols are all of them.
var Protocols = []*ot.Protocol{
	&Fox, &C1222, &DLMS, &ROC, &Genisys, &TriStation, &RTPS, &BSAP, &EGD, &SBus, &ESIO,
}

// counted is the table of what is counted by message only.
var counted = []ot.TableRow{{Code: "any", Name: "counted by message only", Class: ot.Other}}

// checksum is a reflected CRC-16, by the table of its polynomial, started with init.
func checksum(p []byte, table *crcTable, init uint16) uint16 {
	for _, b := range p {
		init = table.step(init, b)
	}
	return init
}

// crcTable has what each byte makes of a checksum of 0.
type crcTable [256]uint16

func (t *crcTable) step(c uint16, b byte) uint16 { return c>>8 ^ t[byte(c)^b] }

func newCRC(poly uint16) *crcTable {
	t := new(crcTable)
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ poly
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}

// The checksums by their reflected polynomials.
var (
	crc16  = newCRC(0xa001)
	crcX25 = newCRC(0x8408)
)

// framed makes the Stream of a protocol whose messages say their size: size is 0 where
// bytes are missing, -1 where p begins with no message. tell is given whole messages.
func framed(size func([]byte) int, tell func(*ot.Session, []byte)) func(*ot.Session, []byte) int {
	whole := func(s *ot.Session, m []byte, _ int) { tell(s, m) }
	return func(s *ot.Session, p []byte) int { return ot.Messages(s, p, ot.Whole, ot.Whole, size, whole) }
}

// chained makes a probe: whole messages that check accepts, and behind them the beginning
// of another at most. Where none is whole yet it waits on the protocol's own port, and
// elsewhere where the head says enough (marked).
func chained(size func([]byte) int, check func([]byte) bool, marked bool) func([]byte, ot.Hint) ot.Verdict {
	return func(p []byte, h ot.Hint) ot.Verdict {
		whole := false
		for len(p) > 0 {
			n := size(p)
			if n < 0 {
				return ot.No
			}
			if n == 0 || n > len(p) {
				break
			}
			if !check(p[:n]) {
				return ot.No
			}
			whole = true
			p = p[n:]
		}
		switch {
		case whole:
			return ot.Yes
		case h.Port, marked:
			return ot.More
		}
		return ot.No
	}
}

// one tells the message of a datagram, if p is it.
func one(size func([]byte) int, tell func(*ot.Session, []byte)) func(*ot.Session, []byte) {
	return func(s *ot.Session, p []byte) {
		if n := size(p); n > 0 && n <= len(p) {
			tell(s, p[:n])
		}
	}
}

func code(format, name string) func(uint64) ot.Function {
	return func(c uint64) ot.Function {
		return ot.Function{Code: fmt.Sprintf(format, c), Name: fmt.Sprintf(name, c)}
	}
}

func request(s *ot.Session, pdu ot.PDU, fromServer bool) {
	pdu.Direction, s.Client = ot.Request, ot.ClientSender
	if fromServer {
		pdu.Direction, s.Client = ot.Response, ot.ClientReceiver
	}
	s.Emit(pdu)
}

// BSAP is Bristol's protocol in its serial framing, carried by UDP.
var BSAP = ot.Protocol{
	Name: "bsap", Title: "BSAP",
	Table:         counted,
	UDPPorts:      []uint16{1234, 1235},
	ProbeDatagram: probeBSAP,
	Datagram: func(s *ot.Session, p []byte) {
		if bsap(p) {
			s.Emit(ot.PDU{Unit: uint64(p[2] & 0x7f), HasUnit: true})
		}
	},
	Function: func(uint64) ot.Function { return ot.Function{Code: "", Name: "BSAP message"} },
	Unit:     func(u uint64) string { return fmt.Sprint(u) },
}

// bsap: DLE STX, a message with each DLE doubled, DLE ETX, CRC 2.
func bsap(p []byte) bool {
	n := len(p)
	return n >= 8 && p[0] == 0x10 && p[1] == 2 && p[n-4] == 0x10 && p[n-3] == 3
}

func probeBSAP(p []byte, h ot.Hint) ot.Verdict {
	if !bsap(p) || len(p) != h.WireLen {
		return ot.No
	}
	// The CRC is over the message and ETX, without the DLEs of the framing.
	c, n := uint16(0xffff), len(p)
	for i := 2; i < n-4; i++ {
		if p[i] == 0x10 {
			i++
		}
		c = crcX25.step(c, p[i])
	}
	if crcX25.step(c, 3) != binary.LittleEndian.Uint16(p[n-2:]) {
		return ot.No
	}
	return ot.Yes
}

// C1222 is ANSI C12.22, metering over TCP and UDP.
var C1222 = ot.Protocol{
	Name: "c1222", Title: "ANSI C12.22",
	Table:    counted,
	TCPPorts: []uint16{1153}, UDPPorts: []uint16{1153},
	ProbeStream: chained(acse, func(p []byte) bool { return epsem(p, nil) >= 0 }, true),
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if n := acse(p); n > 0 && n == h.WireLen && n == len(p) && epsem(p, nil) >= 0 {
			return ot.Yes
		}
		return ot.No
	},
	Stream:   framed(acse, tellC1222),
	Datagram: one(acse, tellC1222),
	Function: code("%02x", "service 0x%02x"),
}

func tellC1222(s *ot.Session, p []byte) {
	epsem(p, func(service byte) {
		s.Emit(ot.PDU{Code: uint64(service), Direction: ot.Request})
	})
}

// tlv is the value of the BER element that p begins with, and its whole size; size is 0
// where bytes of its head are missing, -1 where it is none of definite length under 64 KiB.
func tlv(p []byte) (at, size int) {
	if len(p) < 2 {
		return 0, 0
	}
	n := int(p[1])
	switch {
	case n < 0x80:
		return 2, 2 + n
	case n == 0x81:
		if len(p) < 3 {
			return 0, 0
		}
		return 3, 3 + int(p[2])
	case n == 0x82:
		if len(p) < 4 {
			return 0, 0
		}
		return 4, 4 + int(binary.BigEndian.Uint16(p[2:]))
	}
	return 0, -1
}

// acse is the size of an ACSE message: APPLICATION 0 with a called or calling title
// or invocation first.
func acse(p []byte) int {
	if p[0] != 0x60 {
		return -1
	}
	at, n := tlv(p)
	if n > 0 && len(p) > at && p[at] != 0xa2 && p[at] != 0xa4 && p[at] != 0xa6 && p[at] != 0xa8 {
		return -1
	}
	if n > 0 && n < 8 {
		return -1
	}
	return n
}

// epsem goes through the elements of an ACSE message to its user information
// (BE 28 81) and gives each service of plain EPSEM that is a request (20 and above).
// It is how many there are; -1 where p is no C12.22.
func epsem(p []byte, tell func(byte)) int {
	at, n := tlv(p)
	if n <= 0 || n > len(p) {
		return -1
	}
	for p = p[at:n]; len(p) > 0; {
		at, n = tlv(p)
		if n <= 0 || n > len(p) {
			return -1
		}
		if p[0] == 0xbe {
			return services(p[at:n], n == len(p), tell)
		}
		if p[0] < 0xa2 || p[0] > 0xac {
			return -1
		}
		p = p[n:]
	}
	return -1
}

func services(p []byte, last bool, tell func(byte)) int {
	if !last || len(p) < 2 || p[0] != 0x28 {
		return -1
	}
	for _, tag := range [2]byte{0x28, 0x81} {
		at, n := tlv(p)
		if n <= 0 || n != len(p) || p[0] != tag {
			return -1
		}
		p = p[at:]
	}
	if len(p) < 1 || p[0]&0xc0 != 0x80 {
		return -1
	}
	count := 0
	if p[0]&0x0c != 0 {
		return 0 // encrypted or authenticated
	}
	skip := 1
	if p[0]&0x10 != 0 {
		skip += 4 // device class
	}
	// Control 1, then services with their length before them.
	for p = p[min(skip, len(p)):]; len(p) > 0; {
		n := int(p[0])
		if n > 127 || len(p) < 1+n {
			break
		}
		if n > 0 && p[1] >= 0x20 {
			if tell != nil {
				tell(p[1])
			}
			count++
		}
		p = p[1+n:]
	}
	return count
}

// Genisys is GENISYS of railway signalling over TCP.
var Genisys = ot.Protocol{
	Name: "genisys", Title: "GENISYS",
	Table:       counted,
	TCPPorts:    []uint16{10001},
	ProbeStream: chained(genisys, genisysCRC, false),
	Stream: framed(genisys, func(s *ot.Session, p []byte) {
		if genisysShape(p) {
			request(s, ot.PDU{Code: uint64(p[0]), Unit: uint64(p[1]), HasUnit: true}, p[0] < 0xf4)
		}
	}),
	Function: code("%02x", "message 0x%02x"),
	Unit:     func(u uint64) string { return fmt.Sprint(u) },
}

// genisys is the size of a frame: control F1 to F3 or F9 to FE, station, data with F0
// before what is escaped, CRC 2, F6.
func genisys(p []byte) int {
	if p[0] < 0xf1 || p[0] > 0xf3 && p[0] < 0xf9 || p[0] == 0xff {
		return -1
	}
	i := bytes.IndexByte(p[:min(len(p), 1024)], 0xf6)
	switch {
	case i < 0 && len(p) >= 1024:
		return -1
	case i < 0:
		return 0
	}
	return i + 1
}

// genisysShape: an acknowledgement and a poll without CRC have 3 bytes, all others at
// least 5.
func genisysShape(p []byte) bool {
	return len(p) == 3 && (p[0] == 0xf1 || p[0] == 0xfb) && p[1] < 0xf0 || len(p) >= 5
}

// genisysCRC: what carries a CRC carries the right one; an acknowledgement alone says
// too little.
func genisysCRC(p []byte) bool {
	if len(p) < 5 {
		return false
	}
	var plain [1024]byte
	n := 0
	for i := 0; i < len(p)-1; i++ {
		b := p[i]
		if b == 0xf0 && i+1 < len(p)-1 {
			i++
			b = 0xf0 | p[i]
		}
		plain[n] = b
		n++
	}
	return n >= 4 && checksum(plain[:n-2], crc16, 0xffff) == binary.LittleEndian.Uint16(plain[n-2:n])
}

// ROC is Emerson's ROC Plus over TCP.
var ROC = ot.Protocol{
	Name: "roc-plus", Title: "ROC Plus",
	Table:    counted,
	TCPPorts: []uint16{4000},
	ProbeStream: func(p []byte, h ot.Hint) ot.Verdict {
		v := chained(rocSize, rocCRC, false)(p, h)
		// Elsewhere nothing may be left behind the last message: GENISYS has the
		// same checksum before its end.
		if v == ot.Yes && !h.Port {
			for rest := p; len(rest) > 0; rest = rest[rocSize(rest):] {
				if n := rocSize(rest); n <= 0 || n > len(rest) || rest[0] == 0 && rest[2] == 0 {
					return ot.No
				}
			}
		}
		return v
	},
	Stream:   streamROC,
	Function: code("%d", "operation %d"),
	Unit:     func(u uint64) string { return fmt.Sprint(u) },
}

// streamROC: behind lost bytes only a message that is whole, with its checksum, begins one.
func streamROC(s *ot.Session, p []byte) int {
	if s.Resume && rocWhole(p) > len(p) {
		return -1
	}
	return messagesROC(s, p)
}

var messagesROC = framed(rocWhole, func(s *ot.Session, p []byte) {
	// Destination unit, group; source unit, group; operation code.
	pdu := ot.PDU{Code: uint64(p[4]), Unit: uint64(p[0]), HasUnit: true}
	server := s.SrcPort == 4000 && s.DstPort != 4000
	if server {
		pdu.Unit = uint64(p[2])
	}
	request(s, pdu, server || s.DstPort != 4000 && !s.FromClient)
})

// rocSize: 6 bytes of head of which the last is the length of the data; CRC 2.
func rocSize(p []byte) int {
	if len(p) < 6 {
		return 0
	}
	if p[4] == 0 && p[5] == 0 {
		return -1
	}
	return 6 + int(p[5]) + 2
}

// rocWhole is rocSize with the checksum of what is whole: nothing else marks where a
// message begins.
func rocWhole(p []byte) int {
	n := rocSize(p)
	if n > 0 && n <= len(p) && !rocCRC(p[:n]) {
		return -1
	}
	return n
}

func rocCRC(p []byte) bool {
	n := len(p) - 2
	return checksum(p[:n], crc16, 0xffff) == binary.LittleEndian.Uint16(p[n:])
}

// DLMS is DLMS/COSEM in HDLC frames, over TCP and UDP.
var DLMS = ot.Protocol{
	Name: "dlms-cosem", Title: "DLMS/COSEM",
	Table:    counted,
	TCPPorts: []uint16{4059, 4060}, UDPPorts: []uint16{4059, 4060},
	ProbeStream: chained(hdlc, hdlcFCS, true),
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if n := hdlc(p); n > 0 && n == len(p) && n == h.WireLen && hdlcFCS(p) {
			return ot.Yes
		}
		return ot.No
	},
	Stream:   framed(hdlc, tellHDLC),
	Datagram: one(hdlc, tellHDLC),
	Function: func(uint64) ot.Function { return ot.Function{Code: "hdlc", Name: "HDLC frame"} },
}

func tellHDLC(s *ot.Session, p []byte) { s.Emit(ot.PDU{}) }

// hdlc is the size of an HDLC frame of format type 3: 7E, format 2 (A, segmentation,
// length of what stands between the flags), …, FCS 2, 7E.
func hdlc(p []byte) int {
	if p[0] != 0x7e || len(p) > 1 && p[1]&0xf0 != 0xa0 {
		return -1
	}
	if len(p) < 3 {
		return 0
	}
	n := int(binary.BigEndian.Uint16(p[1:])&0x7ff) + 2
	if n < 9 || len(p) >= n && p[n-1] != 0x7e {
		return -1
	}
	return n
}

func hdlcFCS(p []byte) bool {
	n := len(p) - 3
	return ^checksum(p[1:n], crcX25, 0xffff) == binary.LittleEndian.Uint16(p[n:])
}

// Fox is Tridium's Niagara Fox over TCP.
var Fox = ot.Protocol{
	Name: "niagara-fox", Title: "Niagara Fox",
	Table:    counted,
	TCPPorts: []uint16{1911},
	ProbeStream: func(p []byte, _ ot.Hint) ot.Verdict {
		switch {
		case bytes.HasPrefix(p, foxHead):
			return ot.Yes
		case bytes.HasPrefix(foxHead, p):
			return ot.More
		}
		return ot.No
	},
	Stream: framed(foxSize, tellFox),
	Function: func(c uint64) ot.Function {
		f := [...]ot.Function{{Code: "", Name: "message"}, {Code: "hello", Name: "hello"},
			{Code: "challenge", Name: "challenge"}, {Code: "login", Name: "login"}}
		return f[min(c, uint64(len(f)-1))]
	},
}

var (
	foxHead = []byte("fox a ")
	foxEnd  = []byte("\n};;\n")
)

// maxFox bounds a message of Fox: each piece that comes is searched for its end.
const maxFox = 8 << 10

// foxSize: a line "fox a ID REPLY CHANNEL COMMAND", then properties between braces.
func foxSize(p []byte) int {
	if !bytes.HasPrefix(p, foxHead) {
		if bytes.HasPrefix(foxHead, p) {
			return 0
		}
		return -1
	}
	if i := bytes.Index(p[:min(len(p), maxFox)], foxEnd); i >= 0 {
		return i + len(foxEnd)
	}
	if len(p) >= maxFox {
		return -1
	}
	return 0
}

func tellFox(s *ot.Session, p []byte) {
	line, rest, _ := bytes.Cut(p, newline)
	pdu := ot.PDU{Class: ot.Other}
	command := line[bytes.LastIndexByte(line, ' ')+1:]
	switch string(command) {
	case "hello":
		pdu.Code, pdu.Class = 1, ot.Connect
	case "challenge":
		pdu.Code, pdu.Class = 2, ot.Connect
	case "login":
		pdu.Code, pdu.Class = 3, ot.Connect
	}
	s.Emit(pdu)
	if pdu.Code != 1 {
		return
	}
	for len(rest) > 0 {
		line, rest, _ = bytes.Cut(rest, newline)
		key, value, ok := bytes.Cut(line, equals)
		if !ok || len(value) < 2 || value[0] != 's' || value[1] != ':' {
			continue
		}
		if !printable(value) {
			continue
		}
		switch string(key) {
		case "station.name":
			s.Tell(ot.FactName, value[2:])
		case "app.name":
			s.Tell(ot.FactModel, value[2:])
		case "app.version":
			s.Tell(ot.FactFirmware, value[2:])
		case "brandId":
			s.Tell(ot.FactVendor, value[2:])
		case "hostId":
			s.Tell(ot.FactSerial, value[2:])
		}
	}
}

var newline, equals = []byte("\n"), []byte("=")

func printable(p []byte) bool {
	for _, c := range p {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}

// TriStation is the protocol of Triconex safety controllers over UDP.
var TriStation = ot.Protocol{
	Name: "tristation", Title: "TriStation",
	Table:    counted,
	UDPPorts: []uint16{1502},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		n := len(p) - 2
		if !tristation(p, h.WireLen) || len(p) != h.WireLen || checksum(p[:n], crc16, 0) != binary.LittleEndian.Uint16(p[n:]) {
			return ot.No
		}
		return ot.Yes
	},
	Datagram: func(s *ot.Session, p []byte) {
		if !tristation(p, s.WireLen) {
			return
		}
		pdu := ot.PDU{Code: uint64(p[0]), Unit: uint64(p[1]), HasUnit: true, Class: ot.Connect}
		server := p[0] == 2 || s.SrcPort == 1502 && s.DstPort != 1502
		if p[0] == 5 && len(p) >= 9 {
			pdu.Code, pdu.Class = 0x500|uint64(p[6]), ot.Other
			server = p[4] == 1
		}
		request(s, pdu, server)
	},
	Function: func(c uint64) ot.Function {
		if c < 0x100 {
			return ot.Function{Code: fmt.Sprintf("%02x", c), Name: fmt.Sprintf("message type %d", c)}
		}
		return ot.Function{Code: fmt.Sprintf("05:%02x", byte(c)), Name: fmt.Sprintf("command 0x%02x", byte(c))}
	},
	Unit: func(u uint64) string { return fmt.Sprint(u) },
}

// tristation: type 1, channel 1, length 2 little-endian, data, CRC 2.
func tristation(p []byte, wire int) bool {
	return len(p) >= 6 && p[0] >= 1 && p[0] <= 6 && int(binary.LittleEndian.Uint16(p[2:])) == wire-6
}

// EGD is GE's Ethernet Global Data over UDP.
var EGD = ot.Protocol{
	Name: "egd", Title: "GE Ethernet Global Data",
	Table:    counted,
	UDPPorts: []uint16{18246},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if h.Port && egd(p, h.WireLen) {
			return ot.Yes
		}
		return ot.No
	},
	Datagram: func(s *ot.Session, p []byte) {
		if egd(p, s.WireLen) {
			s.Emit(ot.PDU{Code: uint64(p[0]), Class: ot.Cyclic, Unit: uint64(binary.LittleEndian.Uint32(p[8:])), HasUnit: true})
		}
	},
	Function: code("%02x", "data production (PDU type 0x%02x)"),
	Unit:     func(u uint64) string { return fmt.Sprint(u) }, // exchange
}

// egd: PDU type 0D, version 01, request 2, producer 4, exchange 4, …: 32 bytes and data of at most 1,400.
func egd(p []byte, wire int) bool {
	return len(p) >= 32 && p[0] == 0x0d && p[1] == 1 && wire <= 1432
}

// RTPS is the wire protocol of DDS over UDP.
var RTPS = ot.Protocol{
	Name: "rtps", Title: "RTPS (DDS)",
	Table:    counted,
	UDPPorts: []uint16{7400, 7401, 7410, 7411},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if rtps(p) {
			return ot.Yes
		}
		return ot.No
	},
	Datagram: func(s *ot.Session, p []byte) {
		if rtps(p) {
			s.Emit(ot.PDU{Class: ot.Cyclic})
		}
	},
	Function: func(uint64) ot.Function { return ot.Function{Code: "", Name: "RTPS message"} },
}

// rtps: "RTPS", version 1 or 2, vendor, GUID prefix of 8 (version 1) or 12 bytes, then
// a submessage.
func rtps(p []byte) bool {
	if len(p) < 20 || string(p[:4]) != "RTPS" {
		return false
	}
	at := 20
	switch p[4] {
	case 1:
		at = 16
	case 2:
	default:
		return false
	}
	return len(p) >= at+4 && (p[at] >= 1 && p[at] <= 0x34 || p[at] >= 0x80)
}

// SBus is Saia-Burgess's S-Bus over UDP (Ether-S-Bus).
var SBus = ot.Protocol{
	Name: "saia-s-bus", Title: "Saia S-Bus",
	Table:    counted,
	UDPPorts: []uint16{5050},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if len(p) == h.WireLen && sbus(p, h.WireLen) && sbusCRC(p) {
			return ot.Yes
		}
		return ot.No
	},
	Datagram: func(s *ot.Session, p []byte) {
		if !sbus(p, s.WireLen) {
			return
		}
		switch p[8] {
		case 0:
			request(s, ot.PDU{Code: 0x100 | uint64(p[10]), Unit: uint64(p[9]), HasUnit: true}, false)
		default:
			request(s, ot.PDU{Code: uint64(p[8])}, true)
		}
	},
	Function: func(c uint64) ot.Function {
		switch {
		case c >= 0x100:
			return ot.Function{Code: fmt.Sprintf("%02x", byte(c)), Name: fmt.Sprintf("command 0x%02x", byte(c))}
		case c == 1:
			return ot.Function{Code: "response", Name: "response"}
		}
		return ot.Function{Code: "ack", Name: "acknowledgement"}
	},
	Unit: func(u uint64) string { return fmt.Sprint(u) }, // station
}

// sbus: length 4 of all, version 1 (0 or 1), type 1 (0 or 1), sequence 2, attribute 1 (0 request, 1
// response, 2 acknowledgement); a request goes on with station 1 and command 1, an
// acknowledgement with 2 bytes; CRC 2.
func sbus(p []byte, wire int) bool {
	if len(p) < 11 || int(binary.BigEndian.Uint32(p)) != wire || p[4] > 1 || p[5] > 1 {
		return false
	}
	return p[8] == 0 && wire >= 13 || p[8] == 1 && wire > 11 || p[8] == 2 && wire == 13
}

// sbusCRC: CRC-16 of ITU-T V.41, started with 0, over all before it, big-endian.
func sbusCRC(p []byte) bool {
	c := uint16(0)
	n := len(p) - 2
	for _, b := range p[:n] {
		c ^= uint16(b) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
	}
	return c == binary.BigEndian.Uint16(p[n:])
}

// ESIO is Saia-Burgess's Ether-S-I/O over UDP: cyclic transfers to and from remote
// inputs and outputs. The connection is named; its telegrams are the connection's packets
// and no operations of their own.
var ESIO = ot.Protocol{
	Name: "saia-ether-s-io", Title: "Saia Ether-S-I/O",
	Table:    []ot.TableRow{{Code: "any", Name: "connection recognised by name", Class: ot.Other}},
	UDPPorts: []uint16{6060},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if esio(p) {
			return ot.Yes
		}
		return ot.No
	},
	Datagram: func(*ot.Session, []byte) {},
	Function: func(uint64) ot.Function { return ot.Function{} },
}

// esio: "ESIO", type 2 (0 request, 1 data, 2 status).
func esio(p []byte) bool {
	return len(p) >= 20 && string(p[:4]) == "ESIO" && p[4] == 0 && p[5] <= 2
}
