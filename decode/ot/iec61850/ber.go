package iec61850

// element is one tag, length and value of the basic encoding rules (X.690).
type element struct {
	// tag is the first identifier octet: class, constructed, number (31: more octets).
	tag byte
	// number of the tag.
	number int
	// body is the value as far as it is there; n its length as written.
	body []byte
	n    int
	// open says that the length is indefinite: body is all that follows.
	open bool
}

// whole says that all bytes of the value are there.
func (e element) whole() bool { return e.open || len(e.body) == e.n }

// next reads the element at the start of d and gives what follows it.
func next(d []byte) (e element, rest []byte, ok bool) {
	if len(d) < 2 {
		return e, nil, false
	}
	e.tag, e.number = d[0], int(d[0]&31)
	d = d[1:]
	if e.number == 31 {
		e.number = 0
		for i := 0; ; i++ {
			if i == 3 || len(d) == 0 {
				return e, nil, false
			}
			b := d[0]
			d = d[1:]
			e.number = e.number<<7 | int(b&0x7f)
			if b&0x80 == 0 {
				break
			}
		}
	}
	if len(d) == 0 {
		return e, nil, false
	}
	length := d[0]
	d = d[1:]
	switch {
	case length == 0x80:
		e.open, e.n, e.body = true, len(d), d
		return e, nil, true
	case length < 0x80:
		e.n = int(length)
	default:
		octets := int(length & 0x7f)
		if octets > 4 || octets > len(d) {
			return e, nil, false
		}
		for _, b := range d[:octets] {
			e.n = e.n<<8 | int(b)
		}
		if e.n > 1<<24 {
			return e, nil, false
		}
		d = d[octets:]
	}
	have := min(e.n, len(d))
	e.body = d[:have]
	return e, d[have:], true
}

// child finds the first element with a tag among those of d.
func child(d []byte, tag byte) (e element, ok bool) {
	for len(d) > 0 {
		if e, d, ok = next(d); !ok {
			return e, false
		}
		if e.tag == tag {
			return e, true
		}
	}
	return e, false
}

// integer reads an unsigned value of at most 4 significant octets.
func integer(d []byte) (v uint32, ok bool) {
	if len(d) == 0 || len(d) > 5 || len(d) == 5 && d[0] != 0 {
		return 0, false
	}
	for _, b := range d {
		v = v<<8 | uint32(b)
	}
	return v, true
}
