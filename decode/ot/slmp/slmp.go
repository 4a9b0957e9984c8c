// Package slmp decodes SLMP, the MELSEC communication protocol: 3E and 4E
// frames in binary and ASCII, LMT frames, and 1E frames, over TCP and UDP on
// any port. Its header parser also serves CC-Link IE Field Basic and TSN.
//
// README.md says how it is recognised and where it is wrong.
package slmp

import (
	"bytes"
	"encoding/binary"

	"osect/decode/ot"
)

// Protocol describes SLMP to the registry.
var Protocol = ot.Protocol{
	Name:  "slmp-melsec",
	Title: "SLMP / MELSEC communication protocol",
	TCPPorts: []uint16{1025, 1280, 2000, 3000, 4000, 5010, 5011, 5551, 6000, 8192, 10000,
		45237, 61550},
	UDPPorts: []uint16{1025, 1280, 2000, 3000, 4000, 5000, 5010, 5011, 5551, 6000, 8192, 10000,
		45237, 61451, 61550},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      Function,
	Status:        Status,
	StatusName:    StatusName,
	Unit:          Unit,
	Table:         table(),
}

// tsnManaged says whether an LMT message belongs to CC-Link IE TSN, which has
// a decoder of its own.
func tsnManaged(h *Header, src, dst uint16) bool {
	tsn := func(port uint16) bool { return port == 45238 || port == 45239 }
	return tsn(src) || tsn(dst) || h.HasCommand && h.Command >= 0x0e90 && h.Command <= 0x0e94
}

// plausible says whether a whole header is enough to take a connection for
// SLMP: a request's command must be known, a station number must exist.
func plausible(h *Header) bool {
	if h.HasCommand && !Known(h.Command) {
		return false
	}
	if !h.Response {
		// Sub-commands are small or have the bits of device commands.
		return h.Sub <= 0x00ff
	}
	// A response has less to go by: the station is the own one or one that exists.
	return h.Station <= 0x78 || h.Station >= 0x7d
}

func probeDatagram(p []byte, h ot.Hint) ot.Verdict {
	head, fit := Parse(p)
	if fit == Good {
		switch {
		case head.Size != h.WireLen, !plausible(&head), head.ASCII && !ot.Printable(p):
			return ot.No
		case head.Frame == FrameLMT && tsnManaged(&head, h.SrcPort, h.DstPort):
			return ot.No
		}
		return ot.Yes
	}
	if fit == Bad && accept1E(p, h.WireLen, h.Port) {
		return ot.Yes
	}
	return ot.No
}

// accept1E says whether a whole payload may be taken for the first 1E request
// of a connection. Only requests with a device specification say enough to be
// known on any port; the short ones (remote RUN, …) need a port of the list and
// the own station FF.
func accept1E(p []byte, wire int, port bool) bool {
	r, fit := parse1E(p, [2]int{})
	if fit != Good || r.pc != 0xff && !(r.pc >= 1 && r.pc <= 0x40) {
		return false
	}
	if r.ascii && !ot.Printable(p) {
		return false
	}
	return r.size == wire && (r.strict || port && r.pc == 0xff && r.cmd != 0x16)
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	if len(p) == 0 {
		return ot.More
	}
	head, fit := Parse(p)
	switch fit {
	case Short:
		return ot.More
	case Good:
		if !plausible(&head) || head.Frame == FrameLMT {
			return ot.No
		}
		if len(p) > head.Size {
			// What follows must be another message.
			next, fit := Parse(p[head.Size:])
			if fit == Bad || fit == Good && (next.Frame != head.Frame || next.ASCII != head.ASCII) {
				return ot.No
			}
		}
		if head.ASCII && !ot.Printable(p) {
			return ot.No
		}
		return ot.Yes
	}
	return probe1E(p, h.Port)
}

// probe1E believes a whole 1E request behind which nothing else begins. It waits for the
// rest of one whose device is known, or on the ports of the list of what may become one.
func probe1E(p []byte, port bool) ot.Verdict {
	r, fit := parse1E(p, [2]int{})
	switch {
	case fit == Bad:
		return ot.No
	case fit == Short, r.size > len(p):
		if port || r.strict {
			return ot.More
		}
		return ot.No
	case r.size > 0 && r.size < len(p):
		if _, fit := parse1E(p[r.size:], [2]int{}); fit == Bad {
			return ot.No
		}
		p = p[:r.size]
	}
	if accept1E(p, len(p), port) {
		return ot.Yes
	}
	return ot.No
}

// pending is a 3E or 4E request that waits for its response.
type pending struct {
	route    uint64
	cmd, sub uint16
	serial   uint16
	frame    Frame
	class    ot.Class
	// answer is the length of the good response's data in bytes, -1 not known.
	answer int32
}

// maxPending is how many requests of one direction are remembered; beyond it
// the oldest is forgotten.
const maxPending = 16

// queue holds the requests of one direction, the oldest first.
type queue struct {
	n    int
	list [maxPending]pending
	// doubtful: a message was lost, and requests may wait whose responses were seen before
	// them or never. Until none waits, a response that may be that of several is no one's.
	doubtful bool
}

func (q *queue) push(p pending) {
	if q.n == maxPending {
		copy(q.list[:], q.list[1:])
		q.n--
	}
	q.list[q.n] = p
	q.n++
}

// take finds the request that a response answers and forgets it, with the older
// ones of the same route that were then not answered. 4E goes by the serial
// number; 3E takes the oldest request of the route whose answer can have this
// length.
func (q *queue) take(h *Header, data int) (pending, bool) {
	found := -1
	for i := 0; i < q.n && found < 0; i++ {
		e := &q.list[i]
		switch {
		case e.frame != h.Frame || e.route != h.Route():
		case h.Frame != Frame3E:
			if e.serial == h.Serial {
				found = i
			}
		case h.HasCommand:
			if e.cmd == h.Command && e.sub == h.Sub {
				found = i
			}
		case h.End != 0 || e.answer < 0 || int(e.answer) == data:
			found = i
		}
	}
	if found >= 0 && h.Frame == Frame3E && !h.HasCommand && q.doubtful {
		for _, e := range q.list[found+1 : q.n] {
			if e.frame == h.Frame && e.route == h.Route() && (e.cmd != q.list[found].cmd || e.sub != q.list[found].sub) {
				q.n, q.doubtful = 0, false
				return pending{}, false
			}
		}
	}
	if found < 0 {
		return pending{}, false
	}
	hit := q.list[found]
	k := 0
	for i := 0; i < q.n; i++ {
		if i == found || i < found && hit.frame == Frame3E && q.list[i].route == hit.route {
			continue
		}
		q.list[k] = q.list[i]
		k++
	}
	q.n = k
	q.doubtful = q.doubtful && k > 0
	return hit, true
}

// state is what a connection remembers: the open requests of each direction.
type state struct {
	open      [2]queue
	open1E    [2]pending1E
	has1E     [2]bool
	headed    bool // 3E, 4E or LMT was seen: 1E is not tried any more
	monitored [2]int
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
	h, fit := Parse(p)
	if fit == Good && h.Size == s.WireLen && !(h.Frame == FrameLMT && tsnManaged(&h, s.SrcPort, s.DstPort)) {
		tell(s, stateOf(s), &h, p[:min(len(p), h.Size)])
		return
	}
	if fit != Bad {
		return
	}
	st := stateOf(s)
	if st.headed {
		return
	}
	tell1E(s, st, p, s.WireLen)
}

// need is how many bytes of a message must be there before it is told: the
// header and as much of the data as facts and classes are read from.
const need = 128

func stream(s *ot.Session, p []byte) int {
	st := stateOf(s)
	if s.Gap {
		st.open, st.has1E = [2]queue{{doubtful: true}, {doubtful: true}}, [2]bool{}
	}
	done := 0
	for done < len(p) {
		h, fit := Parse(p[done:])
		switch fit {
		case Short:
			if s.Resume && done == 0 {
				return -1 // it would take the next message's bytes in
			}
			return done
		case Good:
			if len(p)-done < min(h.Size, need) {
				return done
			}
			tell(s, st, &h, p[done:done+min(h.Size, need)])
			done += h.Size
		case Bad:
			if st.headed {
				return bad(done)
			}
			size, fit := tell1E(s, st, p[done:], 0)
			switch {
			case fit == Short && s.Resume && done == 0:
				return -1
			case fit == Short:
				return done
			case fit == Bad || size == 0:
				return bad(done)
			}
			done += size
		}
	}
	return done
}

// bad is Stream's answer where done bytes were good and the next are not: first
// those are taken, so that the next call begins at the bad ones.
func bad(done int) int {
	if done > 0 {
		return done
	}
	return -1
}

// tell1E tells a 1E message at the start of p. wire is the datagram's length,
// 0 in a stream, where only messages that tell their own length are read.
func tell1E(s *ot.Session, st *state, p []byte, wire int) (size int, f Fit) {
	d := s.Side()
	pdu := ot.PDU{HasUnit: true}
	if st.has1E[1-d] {
		want := st.open1E[1-d]
		status, size, fit := response1E(p, want)
		if fit == Good && wire > 0 && size != wire && size != 0 {
			fit = Bad
		}
		if fit == Good && wire == 0 && len(p) < min(size, need) {
			fit = Short
		}
		if fit == Good {
			st.has1E[1-d] = false
			pdu.Code, pdu.Class = code1E|uint64(want.cmd), commands1E[want.cmd].class
			pdu.Unit = unit1E | uint64(want.pc)
			pdu.Status, pdu.HasStatus = status, true
			pdu.Direction = ot.Response
			if status != status1E {
				pdu.Direction = ot.Error
			}
			s.Client = ot.ClientReceiver
			s.Emit(pdu)
			return size, Good
		}
		if fit == Short {
			return 0, Short
		}
	}
	r, fit := parse1E(p, st.monitored)
	switch {
	case fit != Good:
		return 0, fit
	case wire > 0 && r.size != 0 && r.size != wire:
		return 0, Bad
	case wire == 0 && r.size == 0:
		return 0, Bad
	case wire == 0 && len(p) < min(r.size, need):
		return 0, Short
	}
	st.open1E[d] = pending1E{ascii: r.ascii, cmd: r.cmd, pc: r.pc, answer: r.answer}
	st.has1E[d] = true
	if r.points > 0 {
		st.monitored[r.cmd-6] = r.points
	}
	pdu.Code, pdu.Class = code1E|uint64(r.cmd), commands1E[r.cmd].class
	pdu.Unit = unit1E | uint64(r.pc)
	pdu.Direction = ot.Request
	s.Client = ot.ClientSender
	s.Emit(pdu)
	return r.size, Good
}

// tell tells one message; p is what is there of it, at least min(Size, need)
// bytes in a stream.
func tell(s *ot.Session, st *state, h *Header, p []byte) {
	st.headed = true
	d := s.Side()
	data := p[min(h.Data, len(p)):]
	pdu := ot.PDU{Unit: h.Route(), HasUnit: true}
	if !h.Response {
		pdu.Code, pdu.Direction = Code(h.Command, h.Sub), ot.Request
		pdu.Class = classOf(h, data)
		if h.Command == 0x2101 { // sent by the device, never answered
			pdu.Direction = ot.None
			s.Emit(pdu)
			return
		}
		st.open[d].push(pending{route: h.Route(), cmd: h.Command, sub: h.Sub, serial: h.Serial,
			frame: h.Frame, class: pdu.Class, answer: int32(answerLen(h, data))})
		s.Client = ot.ClientSender
		s.Emit(pdu)
		return
	}
	s.Client = ot.ClientReceiver
	pdu.Direction, pdu.Status, pdu.HasStatus = ot.Response, uint32(h.End), true
	if h.End != 0 {
		pdu.Direction = ot.Error
	}
	req, ok := st.open[1-d].take(h, h.Size-h.Data)
	switch {
	case ok:
		pdu.Code, pdu.Class = Code(req.cmd, req.sub), req.class
	case h.HasCommand:
		pdu.Code, pdu.Class = Code(h.Command, h.Sub), ClassOf(h.Command, h.Sub)
	}
	s.Emit(pdu)
	if ok && h.End == 0 {
		identity(s, h, req.cmd, data)
	}
}

// classOf is a request's class, data included.
func classOf(h *Header, data []byte) ot.Class {
	if h.Command != 0x1827 {
		return ClassOf(h.Command, h.Sub)
	}
	// What cannot be read as "to read" counts as writing.
	if mode, ok := openMode(h, data); ok && mode == 0 {
		return ot.Read
	}
	return ot.Control
}

// openMode reads the open mode of an Open File request, 0 to read: it stands
// behind the password, which has 4 bytes, or with sub-command 0040 a length (2)
// and that many characters.
func openMode(h *Header, data []byte) (mode uint16, ok bool) {
	word := func(off int) (uint16, bool) {
		if h.ASCII {
			if len(data) < 2*off+4 {
				return 0, false
			}
			return hex(data[2*off : 2*off+4]), true
		}
		if len(data) < off+2 {
			return 0, false
		}
		return binary.LittleEndian.Uint16(data[off:]), true
	}
	if h.Sub != 0x0040 {
		return word(4)
	}
	n, ok := word(0)
	if !ok || n > 32 {
		return 0, false
	}
	return word(2 + int(n))
}

// answerLen is how many bytes of data the good response to a request has, -1
// where it is not known. It keeps 3E requests and responses in step when one of
// them was lost.
func answerLen(h *Header, data []byte) int {
	w := 1 // wire bytes for one byte of the binary form
	if h.ASCII {
		w = 2
	}
	size := h.Size - h.Data // of the whole request data, which may not all be there
	word := func(off int) int {
		if h.ASCII {
			return int(hex(data[off : off+4]))
		}
		return int(binary.LittleEndian.Uint16(data[off:]))
	}
	switch h.Command {
	case 0x0101:
		return 16 + 2*w
	case 0x0401:
		if h.Sub&^0x0003 != 0 || len(data) < size || size < 6*w {
			return -1 // extended specifications vary in length
		}
		n := word(size - 2*w)
		switch {
		case h.Sub&1 == 0:
			return 2 * n * w
		case h.ASCII:
			return n
		}
		return (n + 1) / 2
	case 0x0403:
		if len(data) < 2*w {
			return -1
		}
		if h.ASCII {
			return 4*int(hex(data[:2])) + 8*int(hex(data[2:4]))
		}
		return 2*int(data[0]) + 4*int(data[1])
	case 0x1001, 0x1002, 0x1003, 0x1005, 0x1401, 0x1402, 0x1406, 0x1601, 0x1613, 0x1617, 0x1630, 0x1631:
		return 0
	case 0x0619:
		return size
	}
	return -1
}

// identity tells what a good response says of its sender.
func identity(s *ot.Session, h *Header, cmd uint16, data []byte) {
	switch cmd {
	case 0x0101: // model name 16, padded with blanks, then the model code
		if len(data) < 16 {
			return
		}
		name := bytes.TrimRight(data[:16], " \x00")
		if len(name) > 0 && !ot.Printable(name) {
			return
		}
		if len(name) == 0 {
			name = modelByCode(h, data)
		}
		if len(name) > 0 {
			s.Tell(ot.FactVendor, vendor)
			s.Tell(ot.FactModel, name)
		}
	case 0x0e30: // node search: vendor, model and version codes behind the addresses
		// Master MAC 6, size 1 + master IP 4, own MAC 6, size 1 + own IP 4,
		// mask 4, gateway 4, host name size 1 + name, then the codes.
		if h.ASCII || len(data) < 31 || data[6] != 4 || data[17] != 4 {
			return
		}
		n := int(data[30])
		if len(data) < 31+n+8 {
			return
		}
		name := data[31 : 31+n]
		if ot.Printable(name) {
			s.Tell(ot.FactName, name)
		}
		codes := data[31+n:]
		TellCodes(s, binary.LittleEndian.Uint16(codes), binary.LittleEndian.Uint32(codes[2:]),
			binary.LittleEndian.Uint16(codes[6:]))
	}
}

var vendor = []byte("Mitsubishi Electric")

// TellCodes tells a device's CLPA vendor code, its vendor's model code and its
// equipment version, those that are not 0.
func TellCodes(s *ot.Session, vendor uint16, model uint32, version uint16) {
	var buf [32]byte
	if vendor != 0 {
		s.Tell(ot.FactVendor, ot.AppendHex(append(buf[:0], "CLPA vendor 0x"...), uint64(vendor), 4))
	}
	if model != 0 {
		s.Tell(ot.FactModel, ot.AppendHex(append(buf[:0], "model code 0x"...), uint64(model), 8))
	}
	if version != 0 {
		s.Tell(ot.FactFirmware, ot.AppendHex(append(buf[:0], "version 0x"...), uint64(version), 4))
	}
}

// models by the code that follows the model name: fact sheet slmp-melsec,
// section 7. Used only where the name is blank.
var models = map[uint16]string{
	0x0041: "Q02(H)", 0x0042: "Q06H", 0x0043: "Q12H", 0x0044: "Q25H", 0x0250: "Q00J", 0x0251: "Q00",
	0x0252: "Q01", 0x0260: "Q00UJ", 0x0261: "Q00U", 0x0262: "Q01U", 0x0263: "Q02U", 0x0266: "Q10UDH",
	0x0267: "Q20UDH", 0x0268: "Q03UD", 0x0269: "Q04UDH", 0x026a: "Q06UDH", 0x026b: "Q13UDH",
	0x026c: "Q26UDH", 0x026d: "Q50UDEH", 0x026e: "Q100UDEH", 0x0366: "Q03UDV", 0x0367: "Q04UDV",
	0x0368: "Q06UDV", 0x036a: "Q13UDV", 0x036c: "Q26UDV", 0x0541: "L02", 0x0543: "L02S",
	0x0544: "L06", 0x0545: "L26", 0x0542: "L26-BT", 0x4800: "R04", 0x4801: "R08", 0x4802: "R16",
	0x4803: "R32", 0x4804: "R120", 0x4891: "R08SF", 0x4a29: "FX5U-32MT/ES",
}

func modelByCode(h *Header, data []byte) []byte {
	switch {
	case h.ASCII && len(data) >= 20:
		return []byte(models[hex(data[16:20])])
	case !h.ASCII && len(data) >= 18:
		return []byte(models[binary.LittleEndian.Uint16(data[16:])])
	}
	return nil
}
