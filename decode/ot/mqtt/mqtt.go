// Package mqtt decodes MQTT 3.1, 3.1.1 and 5.
//
// README.md says how it is recognised and where it is wrong.
package mqtt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"unicode/utf8"

	"osect/decode/ot"
)

// Protocol describes MQTT to the registry.
var Protocol = ot.Protocol{
	Name:        "mqtt",
	Title:       "MQTT",
	TCPPorts:    []uint16{1883},
	ProbeStream: probeStream,
	Stream:      stream,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%02x", byte(status)) },
	StatusName:  func(status uint32) string { return reasons[byte(status)] },
	Table:       table(),
}

// Packet types.
const (
	connect    = 1
	connack    = 2
	publish    = 3
	puback     = 4
	pubrec     = 5
	pubrel     = 6
	pubcomp    = 7
	subscribe  = 8
	suback     = 9
	unsubscr   = 10
	unsuback   = 11
	pingreq    = 12
	pingresp   = 13
	disconnect = 14
	auth       = 15
)

// packet reads the fixed header: type and flags 1, remaining length 1 to 4, base
// 128 with the low digits first. It gives the header's and the packet's size; size is
// 0 where bytes are missing, -1 where it is no packet.
func packet(p []byte) (head, size int) {
	n := 0
	for i := 1; i < len(p) && i <= 4; i++ {
		n |= int(p[i]&0x7f) << (7 * (i - 1))
		if p[i]&0x80 == 0 {
			if !legal(p[0], n) {
				return 0, -1
			}
			return i + 1, i + 1 + n
		}
		if i == 4 {
			return 0, -1
		}
	}
	return 0, 0
}

// size is the size of the packet that p begins with, as packet gives it.
func size(p []byte) int {
	_, n := packet(p)
	return n
}

// legal says whether a packet may have these flags and this remaining length.
func legal(first byte, n int) bool {
	flags := first & 15
	switch first >> 4 {
	case 0:
		return false
	case connect:
		return flags == 0 && n >= 10
	case connack, puback, pubrec, pubcomp, unsuback:
		return flags == 0 && n >= 2
	case publish:
		return flags&6 != 6 && n >= 2
	case pubrel:
		return flags == 2 && n >= 2
	case subscribe, unsubscr:
		return flags == 2 && n >= 5
	case suback:
		return flags == 0 && n >= 3
	case pingreq, pingresp:
		return flags == 0 && n == 0
	}
	return flags == 0 // DISCONNECT, AUTH
}

// greeting says whether the variable header is that of CONNECT: protocol name and
// level. More where bytes are missing.
func greeting(p []byte) ot.Verdict {
	for _, name := range [2]string{"\x00\x04MQTT", "\x00\x06MQIsdp"} {
		if len(p) <= len(name) {
			if bytes.HasPrefix([]byte(name), p) {
				return ot.More
			}
		} else if string(p[:len(name)]) == name {
			if level := p[len(name)] & 0x7f; level >= 3 && level <= 5 {
				return ot.Yes
			}
		}
	}
	return ot.No
}

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	head, size := packet(p)
	switch {
	case size < 0:
		return ot.No
	case size == 0:
		if h.Port || p[0] == connect<<4 {
			return ot.More
		}
		return ot.No
	case p[0] == connect<<4:
		return greeting(p[head:])
	case !h.Port:
		return ot.No
	}
	// On the port a stream may be seen from the middle: whole packets that fit, of
	// which the last may be cut. The port may be a client's by chance.
	verdict := ot.More
	for len(p) > 0 {
		head, size = packet(p)
		if size < 0 || size > 0 && !fits(p[:min(size, len(p))], head, size) {
			return ot.No
		}
		if size == 0 || size > len(p) {
			return verdict
		}
		verdict = ot.Yes
		p = p[size:]
	}
	return verdict
}

// fits says whether a packet's variable header can be what its type says, as far as
// it is there.
func fits(p []byte, head, size int) bool {
	n := size - head
	// rest says whether properties from i on, their length before them, end the packet;
	// longer ones than 127 bytes are believed.
	rest := func(i int) bool {
		return n == i || head+i >= len(p) || p[head+i]&0x80 != 0 && n-i > 128 || int(p[head+i]) == n-i-1
	}
	switch p[0] >> 4 {
	case publish:
		topic, ok := topicOf(p, head, size)
		return !ok || len(topic) > 0 && !bytes.ContainsFunc(topic, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError })
	case connack: // flags, reason, [properties]
		return head >= len(p) || p[head] <= 1 && rest(2)
	case puback, pubrec, pubrel, pubcomp: // packet, [reason, [properties]]
		return n == 2 || rest(3)
	case disconnect, auth: // [reason, [properties]]
		return n == 0 || rest(1)
	case subscribe, unsubscr, suback, unsuback: // packet, not 0
		return head+2 > len(p) || p[head]|p[head+1] != 0
	}
	return true
}

// topicOf is the topic of a PUBLISH, as far as it is there; ok if its length is
// there. A length that is too long gives no topic.
func topicOf(p []byte, head, size int) (topic []byte, ok bool) {
	if len(p) < head+2 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(p[head:]))
	if head+2+n > size {
		return nil, true
	}
	return p[head+2 : min(head+2+n, len(p))], true
}

// need is how many bytes of a packet must be there before it is told: topics and
// client ids of the usual length.
const need = 300

func stream(s *ot.Session, p []byte) int {
	// The end of a packet may look like a head: what stands behind it must fit too.
	if s.Resume && probeStream(p, ot.Hint{Port: true}) == ot.No {
		return -1
	}
	return ot.Messages(s, p, need, 2, size, tell)
}

// state is what a connection remembers.
type state struct {
	level byte // the protocol's level by CONNECT; 0: not seen
}

// PDU.Code is the packet type, and above it what a PUBLISH's topic says.
const kindAt = 8

func tell(s *ot.Session, p []byte, size int) {
	head, _ := packet(p)
	kind := p[0] >> 4
	body := p[head:]
	pdu := ot.PDU{Code: uint64(kind), Direction: types[kind].direction, Class: types[kind].class}
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	switch kind {
	case connect, subscribe, unsubscr, pingreq:
		s.Client = ot.ClientSender
	case connack, suback, unsuback, pingresp:
		s.Client = ot.ClientReceiver
	}
	reason := -1
	switch kind {
	case connect:
		st.level = level(body)
	case publish:
		if topic, ok := topicOf(p, head, size); ok {
			if k := topicKind(topic); k != 0 {
				pdu.Code |= uint64(k) << kindAt
				if topics[k].command {
					pdu.Class = ot.Write
				}
			}
		}
	case connack:
		reason = int(at(body, 1))
	case puback, pubrec, pubcomp, pubrel:
		if st.level == 5 && size-head > 2 {
			reason = int(at(body, 2))
		}
	case suback:
		if st.level != 5 { // else properties come first
			reason = 0
			for _, code := range body[min(2, len(body)):] {
				reason = max(reason, int(code))
			}
		}
	case disconnect:
		if size > head {
			reason = int(at(body, 0))
		}
	}
	if reason >= 0 {
		pdu.Status, pdu.HasStatus = uint32(reason), true
		if pdu.Direction == ot.Response && (reason >= 0x80 || kind == connack && reason != 0) {
			pdu.Direction = ot.Error
		}
	}
	s.Emit(pdu)
	if kind == connect {
		clientID(s, body)
	}
}

func at(p []byte, i int) byte {
	if i < len(p) {
		return p[i]
	}
	return 0
}

// level is that of CONNECT: behind the protocol name.
func level(p []byte) byte {
	if len(p) < 2 {
		return 0
	}
	return at(p, 2+int(binary.BigEndian.Uint16(p))) & 0x7f
}

// clientID tells the name that a client gives itself: behind protocol name, level
// 1, flags 1, keep-alive 2 and, from version 5 on, properties.
func clientID(s *ot.Session, p []byte) {
	if len(p) < 2 {
		return
	}
	skip := 2 + int(binary.BigEndian.Uint16(p)) + 4
	v := level(p)
	if len(p) < skip {
		return
	}
	p = p[skip:]
	if v == 5 {
		n := 0
		for i := 0; ; i++ {
			if i == 4 || i >= len(p) {
				return
			}
			n |= int(p[i]&0x7f) << (7 * i)
			if p[i]&0x80 == 0 {
				n += i + 1
				break
			}
		}
		if n > len(p) {
			return
		}
		p = p[n:]
	}
	if len(p) < 2 {
		return
	}
	n := int(binary.BigEndian.Uint16(p))
	if len(p) < 2+n {
		return
	}
	for _, c := range p[2 : 2+n] {
		if c < 0x20 || c == 0x7f {
			return
		}
	}
	s.Tell(ot.FactName, p[2:2+n])
}

// topicKind says what a topic is by convention: 0 none, else an index of topics.
func topicKind(topic []byte) int {
	if rest, ok := bytes.CutPrefix(topic, []byte("spBv1.0/")); ok {
		// group / message type / node [/ device]
		_, rest, _ = bytes.Cut(rest, []byte("/"))
		kind, _, _ := bytes.Cut(rest, []byte("/"))
		for i := 1; i < len(topics); i++ {
			if string(kind) == topics[i].name {
				return i
			}
		}
		return 0
	}
	if bytes.HasSuffix(topic, []byte("/set")) || bytes.HasSuffix(topic, []byte("/cmd")) {
		return commandTopic
	}
	return 0
}

func function(code uint64) ot.Function {
	kind := byte(code)
	f := ot.Function{Code: strconv.Itoa(int(kind)), Name: types[kind&15].name}
	if k := int(code >> kindAt); k > 0 && k < len(topics) {
		f.Name += " " + topics[k].name
	}
	return f
}
