// Package toyopuc decodes the computer link of TOYOPUC (JTEKT, Toyoda) controllers
// over TCP and UDP.
//
// README.md says how it is recognised and where it is wrong.
package toyopuc

import (
	"encoding/binary"
	"fmt"
	"sort"

	"osect/decode/ot"
)

// Protocol describes the computer link to the registry. Its ports are set by the
// user; these are common.
var Protocol = ot.Protocol{
	Name:          "toyopuc",
	Title:         "TOYOPUC computer link",
	TCPPorts:      []uint16{1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032},
	UDPPorts:      []uint16{1035, 1025, 1026, 1027, 1028, 1029, 1030, 1031, 1032},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:    func(status uint32) string { return errorNames[byte(status)] },
	Table:         table(),
}

// A frame: type 1 (00 command, 80 response), response code 1, length 2 (of what
// follows it, little-endian), command 1, data. Fact sheet toyopuc.
const (
	headLen   = 5
	maxLength = 2048 // generous: frames hold at most 512 words
	failure   = 0x10 // response code: an error code stands in the command's place
	relay     = 0x60
	call      = 0x32
	cpuStatus = 0xa0
)

// message reads the head of a frame: its whole size, 0 where bytes are missing, -1
// where it is none.
func message(p []byte) int {
	if len(p) > 0 && p[0] != 0 && p[0] != 0x80 {
		return -1
	}
	if len(p) < headLen {
		return 0
	}
	n := int(binary.LittleEndian.Uint16(p[2:]))
	if n < 1 || n > maxLength || p[0] == 0 && p[1] != 0 {
		return -1
	}
	return 4 + n
}

// plausible says whether p is a whole command whose data fits it, or a good response
// to one. Nothing in a frame says what it is, so no more than this can be asked.
func plausible(p []byte) bool {
	n := message(p)
	if n <= 0 || n != len(p) || p[1] != 0 {
		return false
	}
	c, ok := commands[p[4]]
	if !ok {
		return false
	}
	d := p[headLen:]
	if p[0] == 0x80 {
		return c.class == ot.Write && len(d) == 0 || c.class != ot.Write && len(d) > 0
	}
	switch p[4] {
	case call:
		return len(d) >= 2 && subs[uint16(d[0])<<8|uint16(d[1])].name != ""
	case cpuStatus:
		return len(d) == 3 && d[0] == 0 && d[1] == 0x11 && d[2] == 0
	case relay:
		return len(d) > 6 && d[3] == 5
	}
	if len(d) < int(c.least) {
		return false
	}
	return c.step == 0 && len(d) == int(c.least) || c.step > 0 && (len(d)-int(c.least))%int(c.step) == 0
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	if h.Port && len(p) == h.WireLen && plausible(p) {
		return ot.Yes
	}
	return ot.No
}

// probeStream believes a whole frame on the port, behind which nothing else begins.
func probeStream(p []byte, h ot.Hint) ot.Verdict {
	if !h.Port {
		return ot.No
	}
	verdict := ot.More
	for len(p) > 0 {
		n := message(p)
		switch {
		case n < 0:
			return ot.No
		case n == 0:
			return verdict
		case n > len(p):
			if _, known := commands[p[4]]; !known {
				return ot.No
			}
			return verdict
		case !plausible(p[:n]):
			return ot.No
		}
		verdict = ot.Yes
		p = p[n:]
	}
	return verdict
}

func datagram(s *ot.Session, p []byte) {
	if n := message(p); n > 0 && n == s.WireLen {
		tell(s, p, n)
	}
}

// need is how many bytes of a frame must be there before it is told.
const need = 24

func stream(s *ot.Session, p []byte) int {
	if s.Gap {
		*stateOf(s) = state{doubtful: true}
	}
	return ot.Messages(s, p, need, ot.Whole, message, tell)
}

// state is what a connection remembers: the commands that wait for responses, the
// oldest first. Error responses do not repeat them, and there is no number to pair by.
type state struct {
	n    int
	open [8]asked
	// doubtful: a message was lost, and commands may wait whose responses were seen before
	// them or never. Until none waits, an error with several of them waiting is no one's.
	doubtful bool
}

func stateOf(s *ot.Session) *state {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st
}

// take finds the command that a response answers and forgets it with those before it:
// the oldest, or of a good response the oldest with its number.
func (st *state) take(good bool, command byte) (a asked, ok bool) {
	if !good && st.doubtful && st.n > 1 {
		*st = state{}
	}
	for i, e := range st.open[:st.n] {
		if !good || byte(e.code) == command {
			st.n = copy(st.open[:], st.open[i+1:st.n])
			a, ok = e, true
			break
		}
	}
	st.doubtful = st.doubtful && st.n > 0
	return a, ok
}

type asked struct {
	code  uint32
	class ot.Class
}

// PDU.Code is the command and above it a sub-code + 1 of command 32, or a relayed
// command.
const (
	subAt   = 8
	relayed = 1 << 28
	noMatch = 1 << 29
)

func tell(s *ot.Session, p []byte, _ int) {
	st := stateOf(s)
	if p[0] == 0 {
		code, class := codeOf(p[4], p[headLen:])
		if st.n == len(st.open) {
			copy(st.open[:], st.open[1:])
			st.n--
		}
		st.open[st.n] = asked{code, class}
		st.n++
		s.Client = ot.ClientSender
		s.Emit(ot.PDU{Code: uint64(code), Direction: ot.Request, Class: class})
		return
	}
	s.Client = ot.ClientReceiver
	a, matched := st.take(p[1] == 0, p[4])
	pdu := ot.PDU{Direction: ot.Response, HasStatus: true}
	if p[1] != 0 {
		pdu.Direction, pdu.Status = ot.Error, uint32(p[1])
		if p[1] == failure {
			pdu.Status = uint32(p[4])
		}
		pdu.Code, pdu.Class = uint64(a.code), a.class
		if !matched {
			pdu.Code = noMatch
		}
	} else if matched {
		pdu.Code, pdu.Class = uint64(a.code), a.class
	} else {
		code, class := codeOf(p[4], nil)
		pdu.Code, pdu.Class = uint64(code), class
	}
	s.Emit(pdu)
}

// codeOf is the code and the class of a command with its data.
func codeOf(command byte, d []byte) (uint32, ot.Class) {
	switch {
	case command == call && len(d) >= 2:
		key := uint16(d[0])<<8 | uint16(d[1])
		if key == scanStop && len(d) >= 3 && d[2] == 0 {
			key = scanRelease
		}
		if v, ok := subs[key]; ok {
			return call | (uint32(key)+1)<<subAt, v.class
		}
	case command == relay && len(d) > 6 && d[3] == 5:
		// Link number 1, station 2, ENQ, then the inner frame from its length on.
		inner := d[6]
		if c, ok := commands[inner]; ok {
			return relay | relayed | uint32(inner)<<subAt, c.class
		}
	}
	return uint32(command), commands[command].class
}

func function(code uint64) ot.Function {
	if code&noMatch != 0 {
		return ot.Function{Code: "", Name: "error response to an unseen command"}
	}
	command := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", command), Name: fmt.Sprintf("unknown 0x%02x", command)}
	if c, ok := commands[command]; ok {
		f.Name = c.name
	}
	above := code >> subAt & 0x1ffff
	switch {
	case code&relayed != 0:
		f.Code += fmt.Sprintf(":%02x", byte(above))
		f.Name += ": " + commands[byte(above)].name
	case above != 0:
		f.Code += fmt.Sprintf(":%04x", uint16(above-1))
		f.Name = subs[uint16(above-1)].name
	}
	return f
}

type entry struct {
	name  string
	class ot.Class
	// least and step say how long the data of a command is: least, or that
	// and a multiple of step more.
	least, step uint8
}

// commands by number: fact sheet toyopuc.
var commands = map[byte]entry{
	0x1c:      {"read words", ot.Read, 4, 0},
	0x1d:      {"write words", ot.Write, 4, 2},
	0x1e:      {"read bytes", ot.Read, 4, 0},
	0x1f:      {"write bytes", ot.Write, 3, 1},
	0x20:      {"read bit", ot.Read, 2, 0},
	0x21:      {"write bit", ot.Write, 3, 0},
	0x22:      {"multi-point word read", ot.Read, 2, 2},
	0x23:      {"multi-point word write", ot.Write, 4, 4},
	0x24:      {"multi-point byte read", ot.Read, 2, 2},
	0x25:      {"multi-point byte write", ot.Write, 3, 3},
	call:      {"function call", ot.Other, 2, 1},
	relay:     {"relay", ot.Other, 7, 1},
	0x94:      {"extended word read", ot.Read, 5, 0},
	0x95:      {"extended word write", ot.Write, 5, 2},
	0x96:      {"extended byte read", ot.Read, 5, 0},
	0x97:      {"extended byte write", ot.Write, 4, 1},
	0x98:      {"extended multi-point read", ot.Read, 3, 1},
	0x99:      {"extended multi-point write", ot.Write, 4, 1},
	cpuStatus: {"CPU status read", ot.Read, 3, 0},
	0xc2:      {"PC10 block read", ot.Read, 6, 0},
	0xc3:      {"PC10 block write", ot.Write, 5, 1},
	0xc4:      {"PC10 multi-point read", ot.Read, 4, 1},
	0xc5:      {"PC10 multi-point write", ot.Write, 5, 1},
	0xca:      {"FR register commit", ot.Write, 1, 1},
}

const (
	scanStop    = 0x0200
	scanRelease = 0x02ff // 02 00 00: no sub-code of the wire
)

// subs are the sub-codes of command 32.
var subs = map[uint16]entry{
	0x7000:      {"clock read", ot.Read, 0, 0},
	0x7100:      {"clock write", ot.Control, 0, 0},
	0x1100:      {"CPU status read", ot.Read, 0, 0},
	0x0100:      {"scan resume", ot.Control, 0, 0},
	scanStop:    {"scan stop", ot.Control, 0, 0},
	scanRelease: {"scan stop release", ot.Control, 0, 0},
}

// errorNames: fact sheet toyopuc.
var errorNames = map[byte]string{
	0: "ok", 0x11: "CPU failure", 0x20: "relay ENQ", 0x21: "transfer number", 0x23: "bad command",
	0x24: "bad sub-command", 0x25: "format", 0x31: "write prohibited while running", 0x32: "stop continuity",
	0x33: "not in debug", 0x34: "prohibited by setting", 0x35: "priority", 0x36: "priority", 0x39: "reset needed",
	0x3c: "fatal failure", 0x3d: "competing", 0x3e: "reset", 0x3f: "stop", 0x40: "address range", 0x41: "count",
	0x42: "data", 0x52: "timer or counter", 0x66: "relay: no reply", 0x70: "relay not executable",
	0x72: "relay: no reply", 0x73: "relay collision",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for command, c := range commands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", command), Name: c.name, Class: c.class})
	}
	for key, v := range subs {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("32:%04x", key), Name: v.name, Class: v.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
