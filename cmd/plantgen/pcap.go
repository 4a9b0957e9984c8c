package main

import (
	"bufio"
	"encoding/binary"
	"io"
)

// pcapWriter writes a classic libpcap file: magic 0xA1B2C3D4 little-endian,
// microseconds, link type 1 (Ethernet), snap length 262144. Times are cut to
// the microsecond, so frames given in time order stay in time order.
type pcapWriter struct {
	w       *bufio.Writer
	packets int64
	bytes   int64
	hdr     [16]byte
}

func newPcapWriter(w io.Writer) (*pcapWriter, error) {
	p := &pcapWriter{w: bufio.NewWriterSize(w, 1<<20)}
	var h [24]byte
	binary.LittleEndian.PutUint32(h[0:], 0xa1b2c3d4)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], 262144)
	binary.LittleEndian.PutUint32(h[20:], 1)
	_, err := p.w.Write(h[:])
	return p, err
}

// write appends one frame seen at t (ns since 1970 UTC).
func (p *pcapWriter) write(t int64, b []byte) error {
	binary.LittleEndian.PutUint32(p.hdr[0:], uint32(t/1e9))
	binary.LittleEndian.PutUint32(p.hdr[4:], uint32(t%1e9/1e3))
	binary.LittleEndian.PutUint32(p.hdr[8:], uint32(len(b)))
	binary.LittleEndian.PutUint32(p.hdr[12:], uint32(len(b)))
	if _, err := p.w.Write(p.hdr[:]); err != nil {
		return err
	}
	_, err := p.w.Write(b)
	p.packets++
	p.bytes += int64(len(b))
	return err
}

func (p *pcapWriter) flush() error { return p.w.Flush() }
