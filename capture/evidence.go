package capture

import (
	"bufio"
	"encoding/binary"
	"io"
	"sync"
)

const (
	// chunkBytes and chunkFrames are the most that a chunk of a Ring holds.
	chunkBytes  = 1 << 20
	chunkFrames = 8192
)

// Ring keeps the frames that were added last, each with a tag of the caller's, in
// memory, up to a number of bytes. What is over takes the place of the oldest. Its
// methods may be called from several goroutines.
type Ring[Tag any] struct {
	mu     sync.Mutex
	chunks []*chunk[Tag] // the oldest first
	most   int
}

// chunk holds frames one behind the other. A Ring lets go of whole chunks.
type chunk[Tag any] struct {
	data   []byte
	frames []keptFrame[Tag]
}

type keptFrame[Tag any] struct {
	time, number int64
	tag          Tag
	wire         uint32
	off, end     int32 // in chunk.data
	capture      int32
	link         uint16
}

// NewRing makes a ring of so many bytes, taken as they are needed; two chunks of 1 MB at least.
func NewRing[Tag any](bytes int) *Ring[Tag] { return &Ring[Tag]{most: max(2, bytes/chunkBytes)} }

// Add copies a frame.
func (r *Ring[Tag]) Add(f *Frame, tag Tag) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var c *chunk[Tag]
	if n := len(r.chunks); n > 0 {
		c = r.chunks[n-1]
	}
	if c == nil || len(c.data)+len(f.Data) > chunkBytes || len(c.frames) == chunkFrames {
		if len(r.chunks) < r.most {
			c = &chunk[Tag]{data: make([]byte, 0, chunkBytes)}
		} else {
			c = r.chunks[0]
			r.chunks = append(r.chunks[:0], r.chunks[1:]...)
			c.data, c.frames = c.data[:0], c.frames[:0]
		}
		r.chunks = append(r.chunks, c)
	}
	off := int32(len(c.data))
	c.data = append(c.data, f.Data...)
	c.frames = append(c.frames, keptFrame[Tag]{f.Time, f.Number, tag, f.WireLen, off, int32(len(c.data)), f.Capture, f.Link})
}

// Each calls see with each frame that is still there, in the order in which they were
// added. The frame and its Data are valid during the call only, in which the ring must not be used.
func (r *Ring[Tag]) Each(see func(f *Frame, tag Tag)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.chunks {
		for i := range c.frames {
			k := &c.frames[i]
			see(&Frame{Time: k.time, Number: k.number, Data: c.data[k.off:k.end:k.end], WireLen: k.wire, Link: k.link, Capture: k.capture}, k.tag)
		}
	}
}

// WriteFrames writes frames as pcapng (draft-ietf-opsawg-pcapng), little-endian, in the
// order given, with times in ns and an interface for each link type. The same frames
// give the same bytes. gopacket's writer holds a link type in 8 bits: SLL2 is 276.
func WriteFrames(out io.Writer, frames []Frame) error {
	const (
		sectionHeader, interfaceDescription, enhancedPacket = 0x0a0d0d0a, 1, 6
		anyLength                                           = ^uint64(0) // of the section
		userApplication, tsResolution                       = 4, 9       // codes of options
	)
	le := binary.LittleEndian
	w := bufio.NewWriterSize(out, 1<<16)
	var b []byte
	block := func(kind uint32, body []byte) {
		n := uint32(12 + (len(body)+3)&^3)
		b = le.AppendUint32(le.AppendUint32(b[:0], kind), n)
		b = append(b, body...)
		b = append(b, make([]byte, int(n)-4-len(b))...)
		w.Write(le.AppendUint32(b, n)) // Flush tells an error
	}
	option := func(p []byte, code uint16, value string) []byte {
		p = le.AppendUint16(le.AppendUint16(p, code), uint16(len(value)))
		return append(append(p, value...), make([]byte, -len(value)&3)...)
	}
	p := le.AppendUint32(nil, 0x1a2b3c4d)
	p = le.AppendUint64(le.AppendUint16(le.AppendUint16(p, 1), 0), anyLength)
	block(sectionHeader, option(option(p, userApplication, "osect"), 0, ""))
	interfaces := map[uint16]uint32{}
	for i := range frames {
		f := &frames[i]
		place, ok := interfaces[f.Link]
		if !ok {
			place = uint32(len(interfaces))
			interfaces[f.Link] = place
			p = le.AppendUint32(le.AppendUint32(p[:0], uint32(f.Link)), 0) // no snap length
			block(interfaceDescription, option(option(p, tsResolution, "\x09"), 0, ""))
		}
		p = le.AppendUint32(p[:0], place)
		p = le.AppendUint32(le.AppendUint32(p, uint32(uint64(f.Time)>>32)), uint32(f.Time))
		p = le.AppendUint32(le.AppendUint32(p, uint32(len(f.Data))), f.WireLen)
		block(enhancedPacket, append(p, f.Data...))
	}
	return w.Flush()
}
