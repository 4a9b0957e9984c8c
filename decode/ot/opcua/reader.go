package opcua

import (
	"encoding/binary"

	"osect/decode/ot"
)

// reader takes values of the binary encoding (OPC 10000-6 chapter 5) from the
// front of d. Where one is not there, ok becomes false and all that follow are
// empty.
type reader struct {
	d  []byte
	ok bool
}

func (r *reader) skip(n int) []byte {
	if !r.ok || n < 0 || n > len(r.d) {
		r.ok = false
		return nil
	}
	v := r.d[:n]
	r.d = r.d[n:]
	return v
}

func (r *reader) u8() byte {
	if v := r.skip(1); v != nil {
		return v[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if v := r.skip(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if v := r.skip(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

// str is a string or byte string; nil where it is null.
func (r *reader) str() []byte {
	n := r.u32()
	if n == null || !r.ok {
		return nil
	}
	if n > maxSize {
		r.ok = false
		return nil
	}
	return r.skip(int(n))
}

// nodeID reads a node id, also an expanded one. id is valid iff numeric.
func (r *reader) nodeID() (namespace uint16, id uint32, numeric bool) {
	form := r.u8()
	switch form & 0x3f {
	case 0:
		id, numeric = uint32(r.u8()), true
	case 1:
		namespace, id, numeric = uint16(r.u8()), uint32(r.u16()), true
	case 2:
		namespace, id, numeric = r.u16(), r.u32(), true
	case 3, 5:
		namespace = r.u16()
		r.str()
	case 4:
		namespace = r.u16()
		r.skip(16)
	default:
		r.ok = false
	}
	if form&0x80 != 0 {
		r.str()
	}
	if form&0x40 != 0 {
		r.u32()
	}
	return namespace, id, numeric && r.ok
}

// extension skips an extension object.
func (r *reader) extension() {
	r.nodeID()
	switch r.u8() {
	case 0:
	case 1, 2:
		r.str()
	default:
		r.ok = false
	}
}

// localized is the text of a localized text.
func (r *reader) localized() (text []byte) {
	mask := r.u8()
	if mask&1 != 0 {
		r.str()
	}
	if mask&2 != 0 {
		text = r.str()
	}
	return text
}

// diagnostics skips a diagnostic info, with those inside it.
func (r *reader) diagnostics() {
	for range 16 {
		mask := r.u8()
		for bit := byte(1); bit <= 8; bit <<= 1 {
			if mask&bit != 0 {
				r.u32()
			}
		}
		if mask&0x10 != 0 {
			r.str()
		}
		if mask&0x20 != 0 {
			r.u32()
		}
		if mask&0x40 == 0 || !r.ok {
			return
		}
	}
	r.ok = false
}

// requestHead skips a request header: token, time 8, handle 4, diagnostics 4, audit
// text, timeout 4, extension.
func (r *reader) requestHead() {
	r.nodeID()
	r.skip(16)
	r.str()
	r.skip(4)
	r.extension()
}

// responseHead skips a response header: time 8, handle 4, result 4, diagnostics,
// texts, extension.
func (r *reader) responseHead() {
	r.skip(16)
	r.diagnostics()
	if n := r.u32(); n != null {
		for range n {
			if r.str(); !r.ok {
				return
			}
		}
	}
	r.extension()
}

// application tells an application description: URI, product URI, name.
func (r *reader) application(s *ot.Session) {
	uri, product, name := r.str(), r.str(), r.localized()
	if !r.ok {
		return
	}
	if len(name) == 0 {
		name = uri
	}
	s.Tell(ot.FactName, name)
	s.Tell(ot.FactModel, product)
}

// endpoints tells the server of the first of a list of endpoints.
func (r *reader) endpoints(s *ot.Session) {
	if n := r.u32(); n == 0 || n == null {
		return
	}
	r.str() // URL
	r.application(s)
}

// buildInfo pairs nodes of the server's build information with facts.
var buildInfo = map[uint32]ot.FactKind{
	2261: ot.FactModel, // product name
	2263: ot.FactVendor,
	2264: ot.FactFirmware,
}

const attributeValue = 13

// readRequest remembers a read of build information.
func (r *reader) readRequest(st *state, request uint32) {
	r.requestHead()
	r.skip(12) // maximum age, timestamps
	n := r.u32()
	if n == null || !r.ok {
		return
	}
	var kinds [16]ot.FactKind
	found := false
	for i := range min(int(n), len(kinds)) {
		namespace, id, numeric := r.nodeID()
		attribute := r.u32()
		r.str() // index range
		r.u16()
		r.str() // data encoding
		if !r.ok {
			break
		}
		if kind, ok := buildInfo[id]; ok && numeric && namespace == 0 && attribute == attributeValue {
			kinds[i], found = kind+1, true
		}
	}
	if found {
		st.reads[st.at] = read{request, kinds}
		st.at = (st.at + 1) % len(st.reads)
	}
}

// readResponse tells the values of build information that were asked for.
func (r *reader) readResponse(s *ot.Session, st *state, request uint32) {
	for i := range st.reads {
		asked := &st.reads[i]
		if asked.request != request || asked.kinds == ([16]ot.FactKind{}) {
			continue
		}
		kinds := asked.kinds
		*asked = read{}
		r.responseHead()
		n := r.u32()
		if n == null || !r.ok {
			return
		}
		for j := range min(int(n), len(kinds)) {
			text := r.dataValue()
			if !r.ok {
				return
			}
			if kinds[j] > 0 {
				s.Tell(kinds[j]-1, text)
			}
		}
		return
	}
}

// scalars are the sizes of built-in types, 1 to 14.
var scalars = [15]int{0, 1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8, 0, 8, 16}

// dataValue reads a data value; text is valid where it holds one text.
func (r *reader) dataValue() (text []byte) {
	mask := r.u8()
	if mask&1 != 0 {
		switch kind := r.u8(); {
		case kind == 0:
		case kind == 12: // string
			text = r.str()
		case kind <= 14:
			r.skip(scalars[kind])
		case kind == 15, kind == 16: // byte string, XML
			r.str()
		case kind == 17, kind == 18:
			r.nodeID()
		case kind == 19:
			r.u32()
		case kind == 20: // qualified name
			r.u16()
			r.str()
		case kind == 21:
			text = r.localized()
		case kind == 22:
			r.extension()
		default: // arrays and what holds others
			r.ok = false
		}
	}
	for bit, n := range [...]int{1: 4, 2: 8, 3: 8, 4: 2, 5: 2} {
		if mask&(1<<bit) != 0 {
			r.skip(n)
		}
	}
	return text
}
