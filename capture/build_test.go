package capture

import (
	"encoding/binary"
	"slices"
)

// The helpers of this file put capture files together for the tests; they
// share nothing with the readers.

// order is a byte order that can append.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// pcapHeader is a file header of version 2.4 with a snap length of 65,535.
func pcapHeader(o order, magic uint32, network uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, 2)          // major version
	b = o.AppendUint16(b, 4)          // minor version
	b = o.AppendUint32(b, 0)          // time zone, never used
	b = o.AppendUint32(b, 0)          // accuracy, never used
	b = o.AppendUint32(b, 65535)      // snap length
	return o.AppendUint32(b, network) // FCS bits and LINKTYPE_
}

// pcapRecord is a packet record; extra stands between its header and its data.
func pcapRecord(o order, sec, frac, wire uint32, data []byte, extra ...byte) []byte {
	b := o.AppendUint32(nil, sec)
	b = o.AppendUint32(b, frac)
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, wire)
	return append(append(b, extra...), data...)
}

// ngBlock is a pcapng block around a body, which it pads to 4 bytes.
func ngBlock(o order, kind uint32, body ...[]byte) []byte {
	inside := slices.Concat(body...)
	for len(inside)%4 != 0 {
		inside = append(inside, 0)
	}
	total := uint32(len(inside) + 12)
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, total)
	b = append(b, inside...)
	return o.AppendUint32(b, total)
}

// ngSection is a section header block, of unknown section length.
func ngSection(o order) []byte {
	b := o.AppendUint32(nil, 0x1a2b3c4d)
	b = o.AppendUint16(b, 1) // major version
	b = o.AppendUint16(b, 0) // minor version
	return ngBlock(o, 0x0a0d0d0a, o.AppendUint64(b, 0xffffffffffffffff))
}

// ngInterface is an interface description block.
func ngInterface(o order, link uint16, snaplen uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0) // reserved
	b = o.AppendUint32(b, snaplen)
	return ngBlock(o, 1, append([][]byte{b}, options...)...)
}

// ngOption is an option, padded to 4 bytes.
func ngOption(o order, code uint16, value ...byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// ngEnhanced is an enhanced packet block.
func ngEnhanced(o order, iface uint32, ticks uint64, wire uint32, data []byte) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint32(b, uint32(ticks>>32))
	b = o.AppendUint32(b, uint32(ticks))
	b = o.AppendUint32(b, uint32(len(data)))
	b = o.AppendUint32(b, wire)
	return ngBlock(o, 6, b, data)
}
