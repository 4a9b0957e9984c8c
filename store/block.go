package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/bits"
)

// A block is a table of integers as one BLOB: what a minute or an hour of one kind of
// row holds, column by column, and behind them their CRC-32C, 4 bytes, little-endian: most of a block lies on
// pages of which SQLite itself would not notice that they were damaged. Each column is
//
//	length   uvarint, bytes of what follows
//	flags    one byte: bits 0–1 the unit (1, 10³, 10⁶, 10⁹), bit 2 delta, bit 3 wide
//	base     varint
//	values   one a row, or none where all are base
//
// A value is base + unit × v; v is a uvarint, or with wide 8 bytes, little-endian. With
// delta it is the value before + v, and base stands before the first. The first
// column is always delta and has a value a row: a block's bytes bound its rows.
// How many rows and columns there are is told beside.
const (
	unitMask  = 3
	flagDelta = 4
	flagWide  = 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var units = [4]uint64{1, 1e3, 1e6, 1e9}

// pack appends to b the block of rows, which have width columns each and stand one behind the
// other; the first column does not fall.
func pack(b []byte, rows []int64, width int) []byte {
	begin := len(b)
	for c := range width {
		// The length goes before what is not written yet: one byte is kept for it.
		at := len(b)
		b = append(b, 0)
		b = packColumn(b, rows, width, c)
		n := len(b) - at - 1
		if n < 0x80 {
			b[at] = byte(n)
			continue
		}
		var l [binary.MaxVarintLen64]byte
		k := binary.PutUvarint(l[:], uint64(n))
		b = append(b, l[1:k]...)
		copy(b[at+k:], b[at+1:at+1+n])
		copy(b[at:], l[:k])
	}
	return sum(b, begin)
}

// sum appends to b the checksum of what it holds from begin on.
func sum(b []byte, begin int) []byte {
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[begin:], castagnoli))
}

func packColumn(b []byte, rows []int64, width, c int) []byte {
	if len(rows) == 0 {
		return binary.AppendVarint(append(b, 0), 0)
	}
	base, top := rows[c], rows[c]
	if c == 0 {
		b = binary.AppendVarint(append(b, flagDelta), base)
		before := base
		for i := 0; i < len(rows); i += width {
			b = binary.AppendUvarint(b, uint64(rows[i]-before))
			before = rows[i]
		}
		return b
	}
	for i := c; i < len(rows); i += width {
		base, top = min(base, rows[i]), max(top, rows[i])
	}
	// The difference of two int64 is a uint64, whatever their signs.
	span := uint64(top) - uint64(base)
	if span == 0 {
		return binary.AppendVarint(append(b, 0), base)
	}
	if bits.Len64(span) > 56 {
		b = binary.AppendVarint(append(b, flagWide), base)
		for i := c; i < len(rows); i += width {
			b = binary.LittleEndian.AppendUint64(b, uint64(rows[i])-uint64(base))
		}
		return b
	}
	unit := len(units) - 1
	for i := c; i < len(rows) && unit > 0; i += width {
		for v := uint64(rows[i]) - uint64(base); v%units[unit] != 0; unit-- {
		}
	}
	b = binary.AppendVarint(append(b, byte(unit)), base)
	if unit == 0 {
		for i := c; i < len(rows); i += width {
			b = binary.AppendUvarint(b, uint64(rows[i])-uint64(base))
		}
		return b
	}
	by := units[unit]
	for i := c; i < len(rows); i += width {
		b = binary.AppendUvarint(b, (uint64(rows[i])-uint64(base))/by)
	}
	return b
}

// unpack gives the count rows of a block, in the place of into. A block that is not whole, or not as
// it was written, is ErrCorrupt.
func unpack(into []int64, block []byte, count int64, width int) ([]int64, error) {
	return unpackSome(into, block, count, width, ^uint32(0))
}

// unpackSome reads only the columns of which the bits are set; the others are left as they are.
func unpackSome(into []int64, block []byte, count int64, width int, columns uint32) ([]int64, error) {
	if count < 0 || count > int64(len(block)) || len(block) < 4 {
		return nil, fmt.Errorf("%w: a block of %d bytes for %d rows", ErrCorrupt, len(block), count)
	}
	end := len(block) - 4
	if crc32.Checksum(block[:end], castagnoli) != binary.LittleEndian.Uint32(block[end:]) {
		return nil, fmt.Errorf("%w: a block's checksum is not that of its bytes", ErrCorrupt)
	}
	block = block[:end]
	n := int(count) * width
	if cap(into) < n {
		into = make([]int64, n)
	}
	into = into[:n]
	for c := range width {
		size, k := binary.Uvarint(block)
		if k <= 0 || size > uint64(len(block)-k) {
			return nil, fmt.Errorf("%w: a block's column %d is cut", ErrCorrupt, c)
		}
		if columns>>c&1 != 0 && !unpackColumn(into, block[k:k+int(size)], width, c) {
			return nil, fmt.Errorf("%w: a block's column %d", ErrCorrupt, c)
		}
		block = block[k+int(size):]
	}
	if len(block) > 0 {
		return nil, fmt.Errorf("%w: %d bytes behind a block", ErrCorrupt, len(block))
	}
	return into, nil
}

func unpackColumn(rows []int64, b []byte, width, c int) bool {
	if len(b) == 0 {
		return false
	}
	flags := b[0]
	signed, k := binary.Varint(b[1:])
	if k <= 0 || flags&^(unitMask|flagDelta|flagWide) != 0 {
		return false
	}
	b = b[1+k:]
	base, unit := uint64(signed), units[flags&unitMask]
	switch {
	case len(rows) == 0:
		return len(b) == 0
	case len(b) == 0:
		for i := c; i < len(rows); i += width {
			rows[i] = signed
		}
		return c > 0
	case flags&flagWide != 0:
		if len(b) != len(rows)/width*8 {
			return false
		}
		for i := c; i < len(rows); i += width {
			rows[i] = int64(base + binary.LittleEndian.Uint64(b))
			b = b[8:]
		}
		return true
	}
	at := 0
	for i := c; i < len(rows); i += width {
		// Most are short: binary.Uvarint costs about three times as much.
		var v uint64
		switch {
		case at < len(b) && b[at] < 0x80:
			v = uint64(b[at])
			at++
		case at+1 < len(b) && b[at+1] < 0x80:
			v = uint64(b[at]&0x7f) | uint64(b[at+1])<<7
			at += 2
		case at+2 < len(b) && b[at+2] < 0x80:
			v = uint64(b[at]&0x7f) | uint64(b[at+1]&0x7f)<<7 | uint64(b[at+2])<<14
			at += 3
		default:
			var k int
			if v, k = binary.Uvarint(b[at:]); k <= 0 {
				return false
			}
			at += k
		}
		v = base + v*unit
		rows[i] = int64(v)
		if flags&flagDelta != 0 {
			base = v
		}
	}
	return at == len(b)
}
