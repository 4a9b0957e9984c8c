// Package ot holds what all decoders of control protocols share: how a
// protocol describes itself, how a connection is recognised as its, and how
// messages (PDUs) are told. Each protocol is a package below this one; the
// registry package lists them.
//
// # What a decoder is
//
// A Protocol is a value of tables and functions, no interface. observe calls
//
//   - ProbeDatagram or ProbeStream on the first payloads of a connection, until
//     one protocol says Yes; content decides, the port is a hint;
//   - Datagram for each UDP payload, Stream for the bytes of each direction of a
//     TCP connection in order, Frame for each Ethernet frame of its EtherTypes.
//
// A decoder tells each message by Session.Emit with numbers only; texts are made
// once a minute by Function, Status and Unit. Nothing is allocated a
// message; what a connection must remember is allocated once, as Session.State.
//
// # What every decoder must cope with
//
// Several messages in one segment; one message over several segments; streams
// seen from the middle, one-sided, with bytes missing; datagrams cut by the snap
// length; requests without answers and answers without requests; any bytes at
// all. What does not fit the protocol is not told, and never guessed.
package ot

import (
	"math"

	"osect/decode"
)

// Class says what a message does to the device: the question behind all
// allow lists.
type Class uint8

// The classes. Write changes data; Control changes how the device runs, its
// program, its passwords, its clock or its network settings.
const (
	Other Class = iota
	Read
	Write
	Control
	Identity
	Connect // session set-up and keep-alive; printed "session"
	Cyclic
	NumClasses
)

var classNames = [NumClasses]string{"other", "read", "write", "control", "identity", "session", "cyclic"}

// String is the class as listings print it.
func (c Class) String() string { return classNames[c] }

// Direction says which way a message goes.
type Direction uint8

// The directions. Error is a response that says the request failed; None is a
// message without a counterpart (cyclic data, notifications).
const (
	None Direction = iota
	Request
	Response
	Error
	NumDirections
)

var directionNames = [NumDirections]string{"none", "request", "response", "error"}

// String is the direction as listings print it.
func (d Direction) String() string { return directionNames[d] }

// PDU is one message. Code, Status and Unit are numbers packed as the protocol
// likes; its Function, Status and Unit turn them into text.
type PDU struct {
	Code      uint64
	Unit      uint64
	Status    uint32
	HasUnit   bool
	HasStatus bool
	Direction Direction
	Class     Class
}

// Function is what people are shown of a code.
type Function struct {
	// Code is the function code as ORACLE.md writes it.
	Code string
	// Name as the sheet and the standard write it; for codes that are not
	// in the table "unknown 0x…" or what the standard calls the range.
	Name string
}

// Verdict is a probe's answer.
type Verdict uint8

// Verdicts. More asks for more bytes of the stream; of a datagram it means No.
const (
	No Verdict = iota
	More
	Yes
)

// Hint is what a probe may use besides the bytes.
type Hint struct {
	SrcPort, DstPort uint16
	// Port says that one of the two is among the protocol's own ports.
	Port bool
	// WireLen is the payload's length on the wire; more than len(p) when the frame
	// was cut (datagrams only).
	WireLen int
}

// Protocol describes one control protocol to observe, to listings and to the
// generated docs.
type Protocol struct {
	// Name is that of its fact sheet: "modbus-tcp". Listings and stores use it.
	Name string
	// Title is what people call it: "Modbus/TCP".
	Title string
	// TCPPorts and UDPPorts are hints where to look first.
	TCPPorts, UDPPorts []uint16
	// EtherTypes of its frames without IP.
	EtherTypes []uint16

	// ProbeDatagram and ProbeStream say whether a connection's first payload is
	// this protocol. Without Hint.Port they must be strict: a false Yes is
	// worse than a late one. nil: not carried so. p is never empty, nor is it for
	// Datagram and Stream; for Frame it may be.
	ProbeDatagram func(p []byte, h Hint) Verdict
	ProbeStream   func(p []byte, h Hint) Verdict

	// Datagram tells the messages of one UDP payload.
	Datagram func(s *Session, p []byte)
	// Stream tells the whole messages at the start of p, the bytes of one
	// direction in order, and returns how many bytes it is done with. The rest is
	// shown again with more behind it. A return over len(p) says that this many bytes
	// from the start of p need not be seen (the rest of a long message whose head was enough). A
	// negative return says that p does not begin with a message: the bytes at
	// hand are dropped and counted, and the stream is tried again from the next segment.
	// p is shown again only up to MaxBuffer bytes; what is longer is dropped and counted.
	Stream func(s *Session, p []byte) int
	// Frame tells the message of an Ethernet frame (p starts behind the
	// EtherType) and says whether it was this protocol's.
	Frame func(s *Session, p []byte) bool

	// Function, Status and Unit make text of what a PDU carries, once a
	// minute and distinct value. Status and Unit may be nil where unused.
	Function func(code uint64) Function
	Status   func(status uint32) string
	Unit     func(unit uint64) string
	// StatusName says in words what a status means, "" where the sheet does
	// not; nil where the protocol has no status.
	StatusName func(status uint32) string

	// Table lists the functions by code for the docs, in the sheet's order.
	Table []TableRow
}

// TableRow is one line of a protocol's function table in the docs.
type TableRow struct {
	Code, Name string
	Class      Class
}

// MaxBuffer is the most bytes of one direction that wait for the rest of a message.
const MaxBuffer = 64 << 10

// FactKind names what a device says of itself inside a protocol.
type FactKind uint8

// The facts. Whom a fact is about is the sender of the message, unless the
// decoder says otherwise.
const (
	FactVendor FactKind = iota
	FactModel
	FactFirmware
	FactSerial
	FactName
	FactStation // station, node or unit number
	NumFacts
)

var factNames = [NumFacts]string{"vendor", "model", "firmware", "serial", "name", "station"}

// String is the fact's name in listings.
func (k FactKind) String() string { return factNames[k] }

// Fact is one thing a device said of itself. Value is valid until the next call of the decoder.
type Fact struct {
	Kind  FactKind
	Value []byte
}

// MaxFactLen is the most bytes of a fact's value that are kept.
const MaxFactLen = 128

// Session is a decoder's view of one connection (or pair of MACs) while it
// handles one payload. observe sets the exported fields before each call.
type Session struct {
	// State is the decoder's own memory of this connection; nil at first.
	State any
	// Src, Dst are the outermost addresses of this payload (MACs for Frame).
	Src, Dst         decode.Addr
	SrcPort, DstPort uint16
	// FromClient says that the payload comes from the connection's client as
	// known so far.
	FromClient bool
	// Time (Frame) is when the payload was captured, ns.
	Time int64
	// WireLen is the payload's length on the wire (Datagram and Frame), more than len(p) when cut.
	WireLen int
	// Gap says (Stream) that bytes were lost before p: what was remembered of this direction is void.
	Gap bool
	// Resume says (Stream) that bytes before p were lost or refused: p may begin anywhere in
	// a message.
	Resume bool
	// Cut says (Stream) that the capture holds no more of the frame that p ends in: what
	// misses of p's last message will not come, so that it is told as far as it says what it is.
	Cut bool

	// PDUs, Facts and Client are what the decoder told; observe takes and
	// clears them after each call.
	PDUs   []PDU
	Facts  []Fact
	Client ClientSide
	// Publication (Frame) names what the sender publishes, where a protocol has names for that; valid until the next
	// call. Crossed says that two senders number it by turns.
	Publication []byte
	Crossed     bool
	arena       []byte
}

// Messages is the Stream of a protocol whose messages tell their size at their head: it
// gives tell each message of p, with its size, as soon as need bytes of it or all are there.
// size says how long the message is that its argument begins with, 0 where bytes are
// missing to say so, -1 where it is none. Whole asks for all bytes. Behind lost bytes p must
// begin with the head of a message: too few bytes to be one would take the next message's in.
// Of a message that the capture cut, least bytes are enough (Whole: none is told).
func Messages(s *Session, p []byte, need, least int, size func(p []byte) int, tell func(s *Session, m []byte, n int)) int {
	done := 0
	for done < len(p) {
		n := size(p[done:])
		switch {
		case n < 0 && done == 0, n == 0 && s.Resume && done == 0:
			return -1
		case n <= 0, len(p)-done < min(n, need) && (!s.Cut || len(p)-done < least):
			return done
		}
		tell(s, p[done:min(done+min(n, need), len(p))], n)
		done += n
	}
	return done
}

// Whole is Messages' need of whole messages, which MaxBuffer bounds.
const Whole = math.MaxInt

// ClientSide is a decoder's word on which end is the client (the master).
type ClientSide uint8

// The sides.
const (
	ClientUnknown ClientSide = iota
	ClientSender             // the sender of this payload is the client
	ClientReceiver
)

// Emit tells one message.
func (s *Session) Emit(p PDU) { s.PDUs = append(s.PDUs, p) }

// Tell tells one fact about the sender; value is copied, cut to MaxFactLen.
// Empty values are dropped.
func (s *Session) Tell(kind FactKind, value []byte) {
	if len(value) == 0 {
		return
	}
	if len(value) > MaxFactLen {
		value = value[:MaxFactLen]
	}
	start := len(s.arena)
	s.arena = append(s.arena, value...)
	s.Facts = append(s.Facts, Fact{kind, s.arena[start:len(s.arena):len(s.arena)]})
}

// Side is 0 or 1 by the direction of this payload: the same for all payloads of a
// connection that go the same way. Which of them is which says nothing.
func (s *Session) Side() int {
	if c := s.Src.Compare(s.Dst); c > 0 || c == 0 && s.SrcPort > s.DstPort {
		return 1
	}
	return 0
}

// Reset clears what the last call told, keeping the buffers.
func (s *Session) Reset() {
	s.PDUs, s.Facts, s.arena, s.Client = s.PDUs[:0], s.Facts[:0], s.arena[:0], ClientUnknown
	s.Publication, s.Crossed = nil, false
	s.Gap, s.Resume, s.Cut = false, false, false
}
