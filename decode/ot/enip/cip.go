package enip

import (
	"encoding/binary"

	"osect/decode/ot"
)

// Services that are used by name.
const (
	svcGetAll       = 0x01
	svcMultiple     = 0x0a
	svcPCCC         = 0x4b
	svcForwardClose = 0x4e
	svcUnconnected  = 0x52 // of the connection manager; a tag's fragmented read elsewhere
	responseBit     = 0x80
)

// Object classes that are used by number.
const (
	objIdentity   = 0x01
	objRouter     = 0x02
	objConnection = 0x06
	objFile       = 0x37
	objTime       = 0x43
	objController = 0x64
	objPCCC       = 0x67
	objWallClock  = 0x8b
	objMode       = 0x8e
	objFirmware   = 0xa1
	objTCPIP      = 0xf5
)

// maxDepth bounds messages within messages.
const maxDepth = 4

// context is where an explicit message was found.
type context struct {
	st     *state
	key    uint64
	depth  int
	routed bool // inside an unconnected send: another device answers
	// of is what the enclosing multiple service packet's request said, for
	// its index-th member.
	within *pending
	index  int
}

// path is what a request is for.
type path struct {
	object    byte // class number; 0 where there is none or it is over FF
	instance  uint32
	attribute uint32
}

// parsePath reads a padded path. Volume 1 appendix C: port segments, logical
// segments (class 20 21, instance 24 25 26, member 28, connection point 2C,
// attribute 30, key 34, service 38), network segments, symbols (91).
func parsePath(d []byte) (p path) {
	for len(d) >= 2 {
		n := 0
		switch seg := d[0]; seg >> 5 {
		case 0: // port
			n = 2
			if seg&0x10 != 0 {
				n = 2 + int(d[1])
			}
			if seg&0x0f == 0x0f {
				n += 2
			}
			n += n & 1
		case 1: // logical
			var v uint32
			switch seg & 3 {
			case 0:
				n, v = 2, uint32(d[1])
			case 1:
				if n = 4; len(d) >= n {
					v = uint32(binary.LittleEndian.Uint16(d[2:]))
				}
			case 2:
				if n = 6; len(d) >= n {
					v = binary.LittleEndian.Uint32(d[2:])
				}
			default:
				return p
			}
			switch seg & 0x1c {
			case 0x00:
				p.object = 0
				if v <= 0xff {
					p.object = byte(v)
				}
			case 0x04:
				p.instance = v
			case 0x10:
				p.attribute = v
			case 0x14: // electronic key: format, then 8 bytes
				n = 10
			}
		case 2: // network
			n = 2
			if seg&0x10 != 0 {
				n = 2 + 2*int(d[1])
			}
		case 3: // symbol of up to 31 letters
			if seg&0x1f == 0 {
				return p
			}
			n = 1 + int(seg&0x1f)
			n += n & 1
		case 4: // data: simple 80 (length in words), symbol 91 (in bytes)
			switch seg {
			case 0x80:
				n = 2 + 2*int(d[1])
			case 0x91:
				n = 2 + int(d[1])
				n += n & 1
			default:
				return p
			}
		default:
			return p
		}
		if n > len(d) {
			return p
		}
		d = d[n:]
	}
	return p
}

// explicit tells one CIP message and those in it.
func (c context) explicit(s *ot.Session, d []byte) {
	if len(d) < 2 || c.depth >= maxDepth {
		return
	}
	if d[0]&responseBit != 0 {
		c.response(s, d)
	} else {
		c.request(s, d)
	}
}

// request: service 1, path size in words 1, path, data.
func (c context) request(s *ot.Session, d []byte) {
	service := d[0]
	end := 2 + 2*int(d[1])
	if len(d) < end {
		return
	}
	p, data := parsePath(d[2:end]), d[end:]
	object := p.object
	if !objects[object].known {
		object = 0
	}
	pdu := ot.PDU{Code: kindCIP | uint64(object)<<objectShift | uint64(service), Direction: ot.Request}
	pdu.Class = classOf(service, object, p.attribute)
	if service == svcPCCC && object == objPCCC {
		var code uint64
		if code, pdu.Class = pccc(data); code != 0 {
			pdu.Code |= code
		}
	}
	var own *pending
	if c.depth == 0 {
		s.Client = ot.ClientSender
	}
	if c.within == nil {
		own = c.st.add(pending{key: c.key, service: service, code: pdu.Code, class: pdu.Class,
			identity: service == svcGetAll && object == objIdentity && p.instance == 1 && !c.routed})
	} else if c.within != &none && c.index < maxMembers {
		c.within.inside[c.index] = member{service, pdu.Class, object}
		c.within.members = max(c.within.members, c.index+1)
	}
	s.Emit(pdu)
	switch {
	case service == svcUnconnected && object == objConnection:
		// priority 1, ticks 1, size 2, request, [pad], route
		if len(data) < 4 {
			return
		}
		n := int(binary.LittleEndian.Uint16(data[2:]))
		if n > len(data)-4 {
			return
		}
		c.depth++
		c.routed = true
		c.explicit(s, data[4:4+n])
	case service == svcMultiple:
		c.members(s, data, own)
	}
}

// members tells the messages of a multiple service packet: count 2, offsets 2
// each from the count on, messages.
func (c context) members(s *ot.Session, d []byte, of *pending) {
	if len(d) < 2 {
		return
	}
	n := int(binary.LittleEndian.Uint16(d))
	if len(d) < 2+2*n {
		return
	}
	c.depth++
	c.within = of
	if of == nil {
		c.within = &none
	}
	for i := range n {
		from, to := int(binary.LittleEndian.Uint16(d[2+2*i:])), len(d)
		if i+1 < n {
			to = int(binary.LittleEndian.Uint16(d[4+2*i:]))
		}
		if from < 2+2*n || from > to || to > len(d) {
			return
		}
		c.index = i
		c.explicit(s, d[from:to])
	}
}

// response: service with bit 7, 00, general status 1, words of additional status
// 1, additional status, data.
func (c context) response(s *ot.Session, d []byte) {
	if len(d) < 4 {
		return
	}
	end := 4 + 2*int(d[3])
	if len(d) < end {
		return
	}
	service, data := d[0]&^responseBit, d[end:]
	pdu := ot.PDU{Code: kindCIP | uint64(service), Direction: ot.Response, Status: uint32(d[2]), HasStatus: true,
		Class: classOf(service, 0, 0)}
	if d[2] != 0 {
		pdu.Direction = ot.Error
	}
	if d[3] > 0 {
		pdu.Status |= uint32(binary.LittleEndian.Uint16(d[4:])) << 8
	}
	var own *pending
	var asked pending
	switch {
	case c.within == nil:
		if c.st.take(c.key, service, &asked) {
			own = &asked
			pdu.Code, pdu.Class = asked.code, asked.class
		}
		s.Client = ot.ClientReceiver
	case c.index < c.within.members && c.within.inside[c.index].service == service:
		m := c.within.inside[c.index]
		pdu.Code |= uint64(m.object) << objectShift
		pdu.Class = m.class
	}
	s.Emit(pdu)
	switch {
	case service == svcMultiple:
		c.members(s, data, own)
	case own == nil || d[2] != 0:
	case own.identity:
		identity(s, data)
	case own.code&pcccKnown != 0:
		processor(s, own.code, data)
	}
}

// none stands for the request of a multiple service packet that was not seen, or that
// is itself a member. It has no members, and none are added: all connections share it.
var none pending

// add remembers a request; the oldest is forgotten where there are too many.
func (st *state) add(p pending) *pending {
	if st.n == len(st.open) {
		copy(st.open[:], st.open[1:])
		st.n--
	}
	st.open[st.n] = p
	st.n++
	return &st.open[st.n-1]
}

// take gives the oldest request that a response can be to.
func (st *state) take(key uint64, service byte, into *pending) bool {
	for i := range st.open[:st.n] {
		if p := &st.open[i]; p.key == key && p.service == service {
			*into = *p
			copy(st.open[i:], st.open[i+1:st.n])
			st.n--
			return true
		}
	}
	return false
}

// pccc reads the command in a PCCC request: length of the requestor's id 1
// (itself included), id, command 1, status 1, transaction 2, function 1.
func pccc(d []byte) (code uint64, class ot.Class) {
	if len(d) < 1 || d[0] < 1 || len(d) < int(d[0])+4 {
		return 0, ot.Other
	}
	d = d[d[0]:]
	cmd, fn := d[0], byte(0)
	if len(d) >= 5 && (cmd == 0x06 || cmd == 0x07 || cmd == 0x0f) {
		fn = d[4]
	}
	e, ok := pcccFunctions[uint16(cmd)<<8|uint16(fn)]
	if !ok {
		return 0, ot.Other
	}
	return pcccKnown | (uint64(cmd)<<8|uint64(fn))<<pcccShift, e.class
}

// processor tells the controller's name from the answer to PCCC's diagnostic
// status (06 03): behind the head mode 1, EE 1, interface 1, type 1, series and
// revision 1, name 11. DF1 Protocol and Command Set, 1770-RM516.
func processor(s *ot.Session, code uint64, d []byte) {
	if code>>pcccShift&0xffff != 0x0603 || len(d) < 1 || len(d) < int(d[0])+4+16 {
		return
	}
	d = d[int(d[0])+4:]
	if d[1] != 0xee {
		return
	}
	name := d[5:16]
	for len(name) > 0 && (name[len(name)-1] == ' ' || name[len(name)-1] == 0) {
		name = name[:len(name)-1]
	}
	if ot.Printable(name) {
		s.Tell(ot.FactModel, name)
	}
}
