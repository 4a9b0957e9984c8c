package bacnet

import (
	"encoding/binary"
	"strconv"

	"osect/decode/ot"
)

// tag is one tagged value: clause 20.2. number is the tag's, or the data type
// where it is not a context tag.
type tag struct {
	number             byte
	context, open, end bool
	data               []byte
}

// next reads the tag at the start of d: number (high half; F: next byte), context
// bit 3, length (low 3 bits; 5: next byte, 254: 2 bytes, 255: 4 bytes; 6 opens, 7 closes).
func next(d []byte) (t tag, rest []byte, ok bool) {
	if len(d) < 1 {
		return t, nil, false
	}
	head := d[0]
	d = d[1:]
	t.number, t.context = head>>4, head&8 != 0
	if t.number == 15 {
		if len(d) < 1 {
			return t, nil, false
		}
		t.number = d[0]
		d = d[1:]
	}
	n := int(head & 7)
	switch {
	case t.context && n == 6:
		t.open = true
		return t, d, true
	case t.context && n == 7:
		t.end = true
		return t, d, true
	case !t.context && t.number == 1: // a Boolean's value is its length
		return t, d, n < 2
	case n == 5:
		if len(d) < 1 {
			return t, nil, false
		}
		n = int(d[0])
		d = d[1:]
		switch n {
		case 254:
			if len(d) < 2 {
				return t, nil, false
			}
			n = int(binary.BigEndian.Uint16(d))
			d = d[2:]
		case 255:
			if len(d) < 4 {
				return t, nil, false
			}
			if binary.BigEndian.Uint32(d) > 1<<16 {
				return t, nil, false
			}
			n = int(binary.BigEndian.Uint32(d))
			d = d[4:]
		}
	case n > 5:
		return t, nil, false
	}
	if n > len(d) {
		return t, nil, false
	}
	t.data = d[:n]
	return t, d[n:], true
}

// value is an unsigned or enumerated value of at most 4 bytes.
func (t tag) value() (v uint32) {
	for _, b := range t.data[:min(len(t.data), 4)] {
		v = v<<8 | uint32(b)
	}
	return v
}

// Types of application tags.
const (
	typeUnsigned = 2
	typeText     = 7
	typeObject   = 12
)

// Object identifiers: type in 10 bits, instance in 22.
const objectDevice = 8

func device(id uint32) (instance uint32, ok bool) {
	return id & 0x3fffff, id>>22 == objectDevice
}

// iAm tells device number and vendor: object, maximum APDU, segmentation, vendor id.
func iAm(s *ot.Session, d []byte) {
	object, d, ok := next(d)
	if !ok || object.context || object.number != typeObject || len(object.data) != 4 {
		return
	}
	instance, ok := device(object.value())
	if !ok {
		return
	}
	station(s, instance)
	for i := range 3 {
		var t tag
		if t, d, ok = next(d); !ok || t.context {
			return
		}
		if i == 2 && t.number == typeUnsigned {
			vendor(s, t.value())
		}
	}
}

func station(s *ot.Session, instance uint32) {
	var text [12]byte
	s.Tell(ot.FactStation, strconv.AppendUint(text[:0], uint64(instance), 10))
}

func vendor(s *ot.Session, id uint32) {
	if name := vendors[id]; name != "" {
		var text [32]byte
		s.Tell(ot.FactVendor, append(text[:0], name...))
		return
	}
	var text [32]byte
	s.Tell(ot.FactVendor, strconv.AppendUint(append(text[:0], "BACnet vendor "...), uint64(id), 10))
}

// fact tells a property of the device object.
func fact(s *ot.Session, property uint32, t tag) {
	if property == 120 && !t.context && t.number == typeUnsigned {
		vendor(s, t.value())
		return
	}
	kind, ok := identity[property]
	if !ok || t.context || t.number != typeText || len(t.data) < 2 || t.data[0] != 0 { // UTF-8 only
		return
	}
	s.Tell(kind, t.data[1:])
}

// property tells the answer to a read of one property: context 0 object, 1
// property, [2 index], opening 3, value, closing 3.
func property(s *ot.Session, d []byte) {
	object, d, ok := next(d)
	if !ok || !object.context || object.number != 0 || len(object.data) != 4 {
		return
	}
	if _, ok := device(object.value()); !ok {
		return
	}
	p, d, ok := next(d)
	if !ok || !p.context || p.number != 1 {
		return
	}
	if t, rest, ok := next(d); ok && t.open && t.number == 3 {
		if v, _, ok := next(rest); ok {
			fact(s, p.value(), v)
		}
	}
}

// properties tells the answer to a read of several: for each object context 0,
// opening 1, then context 2 property, [3 index], opening 4 value closing 4 or
// opening 5 error closing 5; closing 1.
func properties(s *ot.Session, d []byte) {
	isDevice, indexed, depth := false, false, 0
	var p uint32
	for len(d) > 0 {
		t, rest, ok := next(d)
		if !ok {
			return
		}
		d = rest
		switch {
		case t.open:
			depth++
			if depth == 2 && t.number == 4 && isDevice && !indexed {
				if v, _, ok := next(d); ok {
					fact(s, p, v)
				}
			}
		case t.end:
			depth--
			if depth < 0 {
				return
			}
		case depth == 0 && t.context && t.number == 0 && len(t.data) == 4:
			_, isDevice = device(t.value())
		case depth == 1 && t.context && t.number == 2:
			p, indexed = t.value(), false
		case depth == 1 && t.context && t.number == 3:
			indexed = true
		}
	}
}
