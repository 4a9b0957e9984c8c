package capture

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"net/netip"
	"unicode/utf8"
)

// The pcapng file format: draft-ietf-opsawg-pcapng.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockNames     = 4
	blockEnhanced  = 6

	sectionMagic = 0x1a2b3c4d

	optionEnd      = 0
	optionTsresol  = 9
	optionTsoffset = 14

	nameEnd  = 0
	nameIPv4 = 1
	nameIPv6 = 2
)

// Bounds on what a pcapng file may make us keep.
const (
	maxInterfaces = 1 << 16
	maxNames      = 10000
	maxNameLen    = 255 // bytes; a DNS name has no more
)

// pcapngFile is the state of a pcapng file between blocks.
type pcapngFile struct {
	order        binary.ByteOrder
	big          bool
	interfaces   []iface // of the section
	names        []Name
	namesDropped int64
}

// iface is what an interface description block says.
type iface struct {
	link    uint16
	snaplen uint32 // 0: no limit
	clock   clock
}

// clock turns time stamps into ns since 1970.
type clock struct {
	mul    uint64 // ns a tick, where a tick is at least a ns; else 0
	div    uint64 // ticks a ns, a power of 10; else 0
	shift  uint8  // a tick is 2^-shift s, if mul and div are 0
	offset int64  // ns to add
}

// newClock takes if_tsresol (bit 7 clear: 10^-n s; set: 2^-n s) and
// if_tsoffset in seconds.
func newClock(resolution uint8, offset int64) clock {
	c := clock{}
	hi, lo := bits.Mul64(uint64(max(offset, -offset)), 1e9)
	switch {
	case offset == math.MinInt64 || offset < 0 && (hi > 0 || lo > math.MaxInt64):
		c.offset = math.MinInt64
	case hi > 0 || lo > math.MaxInt64:
		c.offset = math.MaxInt64
	case offset < 0:
		c.offset = -int64(lo)
	default:
		c.offset = int64(lo)
	}
	n := resolution & 0x7f
	switch {
	case resolution&0x80 != 0:
		c.shift = n
	case n <= 9:
		c.mul = pow10(9 - n)
	case n <= 28:
		c.div = pow10(n - 9)
	default: // 64 bits of such ticks are less than a ns: as of 2^-127 s
		c.shift = 127
	}
	return c
}

func pow10(n uint8) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

func (c clock) ns(ticks uint64) int64 {
	var hi, lo uint64
	switch {
	case c.mul != 0:
		hi, lo = bits.Mul64(ticks, c.mul)
	case c.div != 0:
		lo = ticks / c.div
	default: // ticks * 1e9 >> shift
		hi, lo = bits.Mul64(ticks, 1e9)
		if c.shift >= 64 {
			hi, lo = 0, hi>>(c.shift-64)
		} else if c.shift > 0 {
			hi, lo = hi>>c.shift, hi<<(64-c.shift)|lo>>c.shift
		}
	}
	if hi > 0 || lo > math.MaxInt64 {
		lo = math.MaxInt64
	}
	t := int64(lo) + c.offset
	if c.offset > 0 && t < c.offset {
		return math.MaxInt64
	}
	return t
}

// startPcapng reads the first section header if this is a pcapng file.
func (s *source) startPcapng() bool {
	if len(s.buf) < 4 || binary.LittleEndian.Uint32(s.buf) != blockSection {
		return false
	}
	if s.fill(12) {
		if m := binary.LittleEndian.Uint32(s.buf[8:]); m != sectionMagic && bits.ReverseBytes32(m) != sectionMagic {
			return false
		}
	}
	s.ng = &pcapngFile{order: binary.LittleEndian}
	s.section()
	return true
}

// section reads the section header block at pos.
func (s *source) section() bool {
	if !s.fill(28) {
		return s.stopShort("section header", 28)
	}
	h := s.buf[s.pos:]
	switch uint32(sectionMagic) {
	case binary.LittleEndian.Uint32(h[8:]):
		s.ng.order, s.ng.big = binary.LittleEndian, false
	case binary.BigEndian.Uint32(h[8:]):
		s.ng.order, s.ng.big = binary.BigEndian, true
	default:
		return s.stopBroken("section header without byte order")
	}
	total := s.ng.u32(h[4:])
	if total < 28 || total%4 != 0 {
		return s.stopBroken("section header with a block length of %d", total)
	}
	if major := s.ng.order.Uint16(h[12:]); major != 1 {
		return s.stopBroken("section of pcapng version %d.%d, which is not known,", major, s.ng.order.Uint16(h[14:]))
	}
	s.ng.interfaces = s.ng.interfaces[:0]
	return s.pass(total)
}

// pass goes to the end of a block and compares its two lengths.
func (s *source) pass(total uint32) bool {
	if int64(len(s.buf)-s.pos) >= int64(total) { // the usual case
		end := s.pos + int(total)
		if s.ng.u32(s.buf[end-4:]) != total {
			return s.stopBroken("block with two different lengths (%d, %d)", total, s.ng.u32(s.buf[end-4:]))
		}
		s.pos = end
		return true
	}
	at := s.base + int64(s.pos)
	if !s.skip(int64(total)-4) || !s.fill(4) {
		there := s.base + int64(len(s.buf)) - at
		if s.err != nil {
			return s.stopShort("block", int64(total))
		}
		return s.stopAt(at, "ends in a block at byte %d: %d of %d bytes are there", at, there, total)
	}
	if again := s.ng.u32(s.buf[s.pos:]); again != total {
		return s.stopAt(at, "block with two different lengths (%d, %d) at byte %d", total, again, at)
	}
	s.pos += 4
	return true
}

func (n *pcapngFile) u32(b []byte) uint32 {
	if n.big {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// nextPcapng parses blocks up to the next one that holds a packet.
func (s *source) nextPcapng() bool {
	for {
		if s.status != "" {
			return false
		}
		if len(s.buf)-s.pos < 12 && !s.fill(12) {
			if len(s.buf) == s.pos {
				return s.stopEnd()
			}
			return s.stopShort("block header", 12)
		}
		h := s.buf[s.pos:]
		kind := s.ng.u32(h)
		if kind == blockSection { // reads the same in both byte orders
			if !s.section() {
				return false
			}
			continue
		}
		total := s.ng.u32(h[4:])
		if total < 12 || total%4 != 0 {
			return s.stopBroken("block with a length of %d", total)
		}
		var packet, ok bool
		switch kind {
		case blockEnhanced, blockSimple, blockPacket:
			packet, ok = true, s.packetBlock(kind, total)
		case blockInterface:
			ok = s.interfaceBlock(total)
		case blockNames:
			ok = s.namesBlock(total)
		default:
			ok = s.pass(total)
		}
		if !ok || packet {
			return ok
		}
	}
}

// packetBlock parses an enhanced, simple or (obsolete) packet block into ahead.
func (s *source) packetBlock(kind, total uint32) bool {
	var head uint32 = 28 // bytes before the data
	if kind == blockSimple {
		head = 12
	}
	if total < head+4 || total > largeBlock {
		return s.stopBroken("packet block with a length of %d", total)
	}
	if len(s.buf)-s.pos < int(total) && !s.fill(int(total)) {
		return s.stopShort("packet block", int64(total))
	}
	n := s.ng
	r := s.buf[s.pos : s.pos+int(total) : s.pos+int(total)]
	var index, captured, wire uint32
	switch kind {
	case blockEnhanced:
		index, captured, wire = n.u32(r[8:]), n.u32(r[20:]), n.u32(r[24:])
	case blockPacket:
		index, captured, wire = uint32(n.order.Uint16(r[8:])), n.u32(r[20:]), n.u32(r[24:])
	case blockSimple:
		wire = n.u32(r[8:])
		captured = min(wire, total-head-4)
	}
	if int64(index) >= int64(len(n.interfaces)) {
		return s.stopBroken("packet of interface %d, which is not described,", index)
	}
	from := &n.interfaces[index]
	if kind == blockSimple && from.snaplen != 0 {
		captured = min(captured, from.snaplen)
	}
	if captured > maxFrame || captured > total-head-4 {
		return s.stopBroken("packet of %d bytes in a block of %d", captured, total)
	}
	if again := n.u32(r[total-4:]); again != total {
		return s.stopBroken("block with two different lengths (%d, %d)", total, again)
	}
	s.timed = kind != blockSimple
	if s.timed {
		s.last = from.clock.ns(uint64(n.u32(r[12:]))<<32 | uint64(n.u32(r[16:])))
	}
	s.number++
	f := &s.ahead
	f.Time = s.last
	f.Data = r[head : head+captured : head+captured]
	f.WireLen = max(wire, captured)
	f.Link = from.link
	f.Capture = s.index
	f.Number = s.number
	f.Offset = s.base + int64(s.pos)
	s.pos += int(total)
	return true
}

// interfaceBlock reads an interface description block.
func (s *source) interfaceBlock(total uint32) bool {
	if total < 20 || total > largeBlock {
		return s.stopBroken("interface description with a block length of %d", total)
	}
	if !s.fill(int(total)) {
		return s.stopShort("interface description", int64(total))
	}
	if len(s.ng.interfaces) >= maxInterfaces {
		return s.stopBroken("more than %d interfaces", maxInterfaces)
	}
	n := s.ng
	b := s.buf[s.pos : s.pos+int(total)-4]
	resolution, offset := uint8(6), int64(0)
	for opts := b[16:]; len(opts) >= 4; {
		code, size := n.order.Uint16(opts), int(n.order.Uint16(opts[2:]))
		opts = opts[4:]
		if code == optionEnd || size > len(opts) {
			break
		}
		switch {
		case code == optionTsresol && size == 1:
			resolution = opts[0]
		case code == optionTsoffset && size == 8:
			offset = int64(n.order.Uint64(opts))
		}
		opts = opts[min(len(opts), (size+3)&^3):]
	}
	n.interfaces = append(n.interfaces, iface{
		link:    n.order.Uint16(b[8:]),
		snaplen: n.u32(b[12:]),
		clock:   newClock(resolution, offset),
	})
	return s.pass(total)
}

// namesBlock keeps what a name resolution block says, of a very large one the
// first part.
func (s *source) namesBlock(total uint32) bool {
	size := min(int(total)-4, largeBlock)
	if !s.peeked && s.fill(size) {
		for b := s.buf[s.pos+8 : s.pos+size]; len(b) >= 4; {
			kind, size := s.ng.order.Uint16(b), int(s.ng.order.Uint16(b[2:]))
			b = b[4:]
			if kind == nameEnd || size > len(b) {
				break
			}
			s.ng.keepNames(kind, b[:size])
			b = b[min(len(b), (size+3)&^3):]
		}
	}
	return s.pass(total)
}

// keepNames keeps the names of one record: an address and names, each ended by
// a zero byte.
func (n *pcapngFile) keepNames(kind uint16, b []byte) {
	var size int
	switch kind {
	case nameIPv4:
		size = 4
	case nameIPv6:
		size = 16
	default:
		return
	}
	if len(b) < size {
		return
	}
	addr, _ := netip.AddrFromSlice(b[:size])
	for name := range bytes.SplitSeq(b[size:], []byte{0}) {
		switch {
		case len(name) == 0:
		case len(name) > maxNameLen || !utf8.Valid(name) || len(n.names) >= maxNames:
			n.namesDropped++
		default:
			n.names = append(n.names, Name{addr, string(name)})
		}
	}
}
