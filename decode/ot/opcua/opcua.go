// Package opcua decodes OPC UA over its own binary transport (UA TCP).
//
// README.md says how it is recognised and where it is wrong.
package opcua

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"osect/decode/ot"
)

// Protocol describes OPC UA to the registry.
var Protocol = ot.Protocol{
	Name:        "opc-ua",
	Title:       "OPC UA",
	TCPPorts:    []uint16{4840},
	ProbeStream: probeStream,
	Stream:      stream,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%08x", status) },
	StatusName:  func(status uint32) string { return statuses[status] },
	Table:       table(),
}

// A chunk, little-endian: type 3 letters, F (final), C (more follow) or A
// (aborted), size 4 of the whole chunk; MSG, OPN and CLO have a secure channel
// 4 next. Fact sheet opc-ua; OPC 10000-6 chapters 6 and 7.
const (
	headLen    = 8
	symmetric  = 24 // MSG, CLO: head, channel, token 4, sequence 4, request 4
	maxSize    = 64 << 20
	wholeUpTo  = 32 << 10 // larger chunks are judged by their first headEnough bytes
	headEnough = 4 << 10
)

// Messages by their three letters.
const (
	hel = iota
	ack
	errMsg
	rhe
	opn
	msg
	clo
	numMessages
)

var letters = [numMessages]string{"HEL", "ACK", "ERR", "RHE", "OPN", "MSG", "CLO"}

// least is the smallest size of each message.
var least = [numMessages]int{32, 28, 16, 16, 24, symmetric, symmetric}

// chunk reads the head of a chunk: its kind and whole size; size is 0 where bytes
// of the head are missing, -1 where p does not begin with one.
func chunk(p []byte) (kind, size int) {
	kind = -1
	for i, name := range letters {
		n := min(len(p), 3)
		if string(p[:n]) == name[:n] {
			kind = i
			break
		}
	}
	if kind < 0 || len(p) > 3 && p[3] != 'F' && (p[3] != 'C' && p[3] != 'A' || kind < opn) {
		return -1, -1
	}
	if len(p) < headLen {
		return -1, 0
	}
	n := binary.LittleEndian.Uint32(p[4:])
	if n > maxSize || int(n) < least[kind] {
		return -1, -1
	}
	return kind, int(n)
}

// probeStream believes the head of a chunk and what follows it.
func probeStream(p []byte, _ ot.Hint) ot.Verdict {
	kind, size := chunk(p)
	if size < 0 {
		return ot.No
	}
	if size == 0 {
		return ot.More
	}
	d := p[:min(len(p), size)]
	switch kind {
	case hel, ack:
		if len(d) < least[kind] {
			return ot.More
		}
		// version 4, receive 4, send 4 (both at least 8,192), maximum message 4,
		// chunks 4; in HEL the endpoint's URL
		if binary.LittleEndian.Uint32(d[8:]) > 16 || binary.LittleEndian.Uint32(d[12:]) < 1024 {
			return ot.No
		}
		if kind == ack && size != least[ack] {
			return ot.No
		}
		if n := binary.LittleEndian.Uint32(d[least[kind]-4:]); kind == hel && n != null && int64(n) != int64(size-least[hel]) {
			return ot.No
		}
		return ot.Yes
	case errMsg:
		if len(d) < 16 {
			return ot.More
		}
		n := binary.LittleEndian.Uint32(d[12:])
		if d[11]&0x80 != 0 && (n == null && size == 16 || int64(n) == int64(size-16)) {
			return ot.Yes
		}
	case rhe:
		r := reader{d: d[8:], ok: true}
		r.str()
		r.str()
		if r.ok && len(r.d) == 0 {
			return ot.Yes
		}
		if len(d) < size && len(d) < 300 {
			return ot.More
		}
	case opn:
		if len(d) < 16 {
			return ot.More
		}
		n := binary.LittleEndian.Uint32(d[12:])
		have := d[16:min(len(d), 16+len(policyRoot))]
		switch {
		case n == null:
			return ot.Yes
		case int64(n) < int64(len(policyRoot)) || n > 255 || !bytes.HasPrefix(policyRoot, have):
			return ot.No
		case len(have) == len(policyRoot):
			return ot.Yes
		}
		return ot.More
	case msg, clo:
		return ot.Yes // letters, kind and size
	}
	return ot.No
}

var policyRoot = []byte("http://opcfoundation.org/UA/SecurityPolicy#")

const null = 0xffffffff // length of a string that is not there

// state is what a connection remembers.
type state struct {
	half  [2]half
	plain bool // the channel was opened without security
	reads [4]read
	at    int
}

// half is one direction: chunked messages whose last chunk is to come.
type half struct {
	open [4]chunked
}

type chunked struct {
	used    bool
	known   bool
	request uint32
	pdu     ot.PDU
}

// read is a read request that asks for the server's build information: of its
// first variables the fact + 1.
type read struct {
	request uint32
	kinds   [16]ot.FactKind
}

func stream(s *ot.Session, p []byte) int {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	h := &st.half[s.Side()]
	if s.Gap {
		*h = half{}
	}
	done := 0
	for done < len(p) {
		rest := p[done:]
		kind, size := chunk(rest)
		need := size
		if size > wholeUpTo {
			need = headEnough
		}
		switch {
		case size < 0 && done == 0:
			return -1
		case size <= 0, len(rest) < need && (!s.Cut || len(rest) < least[kind]):
			return done
		}
		need = min(need, len(rest))
		tell(s, st, h, kind, rest[:need])
		done += size
	}
	return done
}

// PDU.Code: a service's node id, or a kind of message with kindMessage.
const kindMessage = 1 << 32

// tell tells one chunk; d is as much of it as is looked at.
func tell(s *ot.Session, st *state, h *half, kind int, d []byte) {
	pdu := ot.PDU{Code: kindMessage | uint64(kind), Class: ot.Connect}
	switch kind {
	case hel:
		pdu.Direction = ot.Request
		s.Client = ot.ClientSender
		s.Emit(pdu)
		return
	case ack:
		pdu.Direction = ot.Response
		s.Client = ot.ClientReceiver
		s.Emit(pdu)
		return
	case rhe: // from the server, which opened the connection
		s.Client = ot.ClientReceiver
		s.Emit(pdu)
		return
	case errMsg:
		pdu.Direction = ot.Error
		pdu.Status, pdu.HasStatus = binary.LittleEndian.Uint32(d[8:]), true
		s.Emit(pdu)
		return
	}
	body := d[symmetric:]
	request := binary.LittleEndian.Uint32(d[20:])
	if kind == opn {
		// channel 4, policy, certificate, thumbprint, sequence 4, request 4
		r := reader{d: d[12:], ok: true}
		policy := r.str()
		r.str()
		r.str()
		r.u32()
		request = r.u32()
		if !r.ok {
			return
		}
		body = r.d
		st.plain = len(policy) == 0 || bytes.HasSuffix(policy, []byte("#None"))
		if !st.plain {
			// What is asked stands in the encrypted part; whose it is the policy says.
			pdu.Direction = ot.None
			s.Emit(pdu)
			return
		}
	}
	c := h.find(request)
	switch {
	case d[3] == 'A':
		if c != nil {
			c.used = false
		}
		pdu.Direction = ot.Error
		if len(body) >= 4 && st.plain {
			pdu.Status, pdu.HasStatus = binary.LittleEndian.Uint32(body), true
		}
		s.Emit(pdu)
		return
	case c != nil: // a later chunk
		if d[3] == 'F' {
			if c.used = false; c.known {
				s.Emit(c.pdu)
			}
		}
		return
	}
	pdu, known := service(s, st, request, body)
	if d[3] == 'C' {
		h.add(chunked{used: true, known: known, request: request, pdu: pdu})
		return
	}
	if known {
		s.Emit(pdu)
	}
}

func (h *half) find(request uint32) *chunked {
	for i := range h.open {
		if h.open[i].used && h.open[i].request == request {
			return &h.open[i]
		}
	}
	return nil
}

func (h *half) add(c chunked) {
	at := 0
	for i := range h.open {
		if !h.open[i].used {
			at = i
			break
		}
	}
	h.open[at] = c
}

// Services that are used by node id.
const (
	serviceFault      = 397
	getEndpointsReply = 431
	createSession     = 461
	createSessionRply = 464
	readRequest       = 631
	readResponse      = 634
)

// service reads which service a body is of, and its result. What is encrypted
// has none: the type must be in the table, or the channel open without security.
func service(s *ot.Session, st *state, request uint32, body []byte) (pdu ot.PDU, ok bool) {
	r := reader{d: body, ok: true}
	namespace, id, numeric := r.nodeID()
	if !r.ok || !numeric || namespace != 0 {
		return pdu, false
	}
	e, known := services[id]
	if !known && !st.plain || id == 0 {
		return pdu, false
	}
	pdu.Code, pdu.Class = uint64(id), e.class
	switch {
	case id == serviceFault:
		pdu.Direction = ot.Error
	case known && e.answer:
		pdu.Direction = ot.Response
	case known, s.FromClient:
		pdu.Direction = ot.Request
	default:
		pdu.Direction = ot.Response
	}
	if known && e.answer {
		s.Client = ot.ClientReceiver
		head := r
		head.skip(12) // time, handle
		if result := head.u32(); head.ok {
			pdu.Status, pdu.HasStatus = result, true
			if result>>30 >= 2 {
				pdu.Direction = ot.Error
			}
		}
	} else if known {
		s.Client = ot.ClientSender
	}
	switch id {
	case createSession:
		r.requestHead()
		r.application(s)
	case getEndpointsReply:
		r.responseHead()
		r.endpoints(s)
	case createSessionRply:
		r.responseHead()
		r.nodeID() // session
		r.nodeID() // authentication token
		r.skip(8)  // timeout
		r.str()    // nonce
		r.str()    // certificate
		r.endpoints(s)
	case readRequest:
		r.readRequest(st, request)
	case readResponse:
		r.readResponse(s, st, request)
	}
	return pdu, true
}
