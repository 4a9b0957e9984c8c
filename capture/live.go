package capture

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/bpf"
)

const (
	// mergeWindow is how long a frame of one interface waits for older ones of
	// the others. It is twice retireAfter, which is how long the kernel may keep a
	// frame before it shows it.
	mergeWindow = 50 * time.Millisecond
	retireAfter = 25 * time.Millisecond
	// lookEvery is how often an idle interface is looked at.
	lookEvery = 5 * time.Millisecond
	// idleAfter is when Read returns without frames.
	idleAfter = 100 * time.Millisecond
	// drainFor bounds how long Read goes on after the end, with what came before it.
	drainFor = 2 * time.Second
	// healthEvery is how often the kernel is asked for drops and the state of the link.
	healthEvery = time.Second
)

// LiveOptions of OpenLive. The zero value captures everything.
type LiveOptions struct {
	// BatchFrames is the most frames that Read puts into a batch; 0 is 2048.
	BatchFrames int
	// Filter is a pcap-filter(7) expression, "" for all frames. It is attached
	// before the first frame can come. Frames whose VLAN tag the kernel keeps
	// apart pass it there and are filtered when the tag is back in its place, so
	// that an expression means what it means for files.
	Filter string
}

// Drops counts what a network interface delivered and nobody could take.
type Drops struct {
	// Kernel counts the frames that found no room in the ring.
	Kernel uint64
	// Freezes counts how often the ring was full.
	Freezes uint64
}

func (d *Drops) add(o Drops) {
	d.Kernel += o.Kernel
	d.Freezes += o.Freezes
}

// Live captures from network interfaces. Its frames point into the rings that
// the kernel fills: nothing is copied. A batch that is not released keeps its
// part of the ring from being filled again, and what then finds no room is
// dropped by the kernel and counted. Its methods are for one goroutine, except
// Stop, TakeDrops and Dropped.
//
// It never sends: no code of this package writes to a socket.
type Live struct {
	opt    LiveOptions
	filter *filter
	ports  []*port
	link   func(name string, up bool)
	reads  uint64 // calls of Read, marks which blocks a batch holds

	health time.Time    // when the kernel was asked last
	stop   atomic.Int64 // ns; the end of the capture, 0 before
	ended  bool

	mu    sync.Mutex
	drops map[int64]Drops // by the start of the minute, ns
	total Drops
}

// port is one interface.
type port struct {
	name  string
	place int32 // among the interfaces
	ring  ring
	up    bool

	blk  *block // being read; nil for none
	walk walk
	held uint64 // the Read whose batch holds blk

	next Frame // the next one to hand out, where has is true
	has  bool
	// clear: where has is false, every frame before this time (ns) has been seen.
	clear int64

	info Info
}

// ring is where the kernel leaves the frames of an interface: a socket, or
// what a test puts in its place.
type ring interface {
	// block returns the next filled block with one reference, nil for none yet.
	block() *block
	// drops since the last call.
	drops() (Drops, error)
	// link says whether the interface is up; an error when it is gone for good.
	link() (up bool, err error)
	close() error
}

// newLive is OpenLive over rings that are open already.
func newLive(opt LiveOptions, f *filter) *Live {
	if opt.BatchFrames <= 0 {
		opt.BatchFrames = defaultBatch
	}
	return &Live{opt: opt, filter: f, drops: map[int64]Drops{}, health: time.Now()}
}

func (l *Live) add(name string, r ring) {
	p := &port{name: name, place: int32(len(l.ports)), ring: r, up: true, clear: math.MinInt64}
	p.info = Info{Path: name, Status: StatusOK, Links: []LinkCount{{Link: linkEthernet}}}
	l.ports = append(l.ports, p)
}

// Read fills b with the next frames, at most LiveOptions.BatchFrames, merged by
// time over the interfaces within 50 ms; frames of one interface keep their
// order. What b held before is released. Without traffic it returns an empty
// batch ten times a second. After Stop it hands out what came before that and
// then returns io.EOF. An interface that is removed is an error.
func (l *Live) Read(b *Batch) error {
	b.Release()
	if cap(b.Frames) < l.opt.BatchFrames {
		b.Frames = make([]Frame, 0, l.opt.BatchFrames)
	}
	l.reads++
	begin := time.Now()
	for {
		now := time.Now()
		if l.ended {
			return io.EOF
		}
		if err := l.ask(now, false); err != nil {
			return err
		}
		stop := l.stop.Load()
		l.emit(b, stop)
		switch {
		case len(b.Frames) > 0:
			return nil
		case stop != 0 && l.drained(now.UnixNano(), stop):
			l.ended = true
			return l.ask(now, true)
		case now.Sub(begin) >= idleAfter:
			return nil
		}
		time.Sleep(lookEvery)
	}
}

// OnLink makes Read call f when an interface goes down or comes up again.
func (l *Live) OnLink(f func(name string, up bool)) { l.link = f }

// Stop ends the capture: what comes from now on is not read any more.
func (l *Live) Stop() { l.stop.CompareAndSwap(0, time.Now().UnixNano()) }

// drained says whether everything from before the stop has been handed out.
func (l *Live) drained(now, stop int64) bool {
	if now-stop > int64(drainFor) {
		return true
	}
	if now-stop <= int64(mergeWindow) {
		return false
	}
	for _, p := range l.ports {
		if p.has && p.next.Time <= stop {
			return false
		}
	}
	return true
}

// emit puts frames into b as far as they are there and nothing older can come,
// up to the time stop where it is not 0.
func (l *Live) emit(b *Batch, stop int64) {
	for _, p := range l.ports {
		if !p.has {
			p.advance(l)
		}
	}
	for len(b.Frames) < l.opt.BatchFrames {
		var first *port
		for _, p := range l.ports {
			if p.has && (first == nil || p.next.Time < first.next.Time) {
				first = p
			}
		}
		if first == nil || stop != 0 && first.next.Time > stop {
			return
		}
		for _, p := range l.ports {
			if !p.has && p != first && p.clear < first.next.Time {
				return // an older one may come
			}
		}
		if first.held != l.reads {
			b.hold(first.blk)
			first.held = l.reads
		}
		b.Frames = append(b.Frames, first.next)
		first.count()
		first.advance(l)
	}
}

func (p *port) count() {
	in, f := &p.info, &p.next
	if in.Frames == 0 || f.Time < in.First {
		in.First = f.Time
	}
	if in.Frames == 0 || f.Time > in.Last {
		in.Last = f.Time
	}
	in.Frames++
	in.Links[0].Frames++
}

// advance takes the next frame of the ring, if there is one.
func (p *port) advance(l *Live) {
	p.has = false
	for {
		if p.blk != nil {
			for p.walk.next(&p.next) {
				if p.walk.tagged && l.filter != nil && !l.filter.match(linkEthernet, p.next.Data, p.next.WireLen) {
					p.info.Filtered++
					continue
				}
				p.next.Number = p.info.Frames + 1
				p.next.Capture = p.place
				p.has = true
				return
			}
			p.blk.release()
			p.blk = nil
		}
		looked := time.Now().UnixNano()
		if p.blk = p.ring.block(); p.blk == nil {
			p.clear = looked - int64(mergeWindow)
			return
		}
		p.held = 0
		p.walk = walkBlock(p.blk.buf)
	}
}

// ask asks the kernel, once a second or now, what it dropped and how the links are.
func (l *Live) ask(now time.Time, atEnd bool) error {
	if !atEnd && now.Sub(l.health) < healthEvery {
		return nil
	}
	l.health = now
	var failed error
	if atEnd {
		failed = io.EOF
	}
	for _, p := range l.ports {
		d, err := p.ring.drops()
		if err != nil && !atEnd {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if d != (Drops{}) {
			l.mu.Lock()
			m := now.UnixNano() / int64(time.Minute) * int64(time.Minute)
			sum := l.drops[m]
			sum.add(d)
			l.drops[m] = sum
			l.total.add(d)
			l.mu.Unlock()
		}
		up, err := p.ring.link()
		if err != nil && !atEnd {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if err == nil && up != p.up {
			p.up = up
			if l.link != nil {
				l.link(p.name, up)
			}
		}
	}
	return failed
}

// Now is the time, ns since 1970 UTC, up to which frames have been handed out:
// older ones do not come. It follows the clock at 50 ms, or the frames where
// they are behind.
func (l *Live) Now() int64 {
	now := int64(math.MaxInt64)
	for _, p := range l.ports {
		if p.has {
			now = min(now, p.next.Time)
		} else {
			now = min(now, p.clear)
		}
	}
	return now
}

// TakeDrops returns what was dropped before the time t (ns since 1970 UTC) and
// not taken yet. The kernel is asked once a second and says only how many: a
// drop belongs to the minute in which that was.
func (l *Live) TakeDrops(t int64) Drops {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum Drops
	for m, d := range l.drops {
		if m < t {
			sum.add(d)
			delete(l.drops, m)
		}
	}
	return sum
}

// Dropped is everything dropped since OpenLive.
func (l *Live) Dropped() Drops {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// Interfaces reports each interface as Set.Captures reports files: Path is its name.
func (l *Live) Interfaces() []Info {
	infos := make([]Info, len(l.ports))
	for i, p := range l.ports {
		infos[i] = p.info
	}
	return infos
}

// Close ends the capture and gives the rings back. All batches must have been
// released before: their frames are gone with it.
func (l *Live) Close() error {
	l.ended = true
	var first error
	for _, p := range l.ports {
		if p.blk != nil {
			p.blk.release()
			p.blk, p.has = nil, false
		}
		if err := p.ring.close(); err != nil && first == nil {
			first = fmt.Errorf("%s: %w", p.name, err)
		}
	}
	l.ports = nil
	return first
}

// Offsets in the structures of TPACKET_V3 (Linux include/uapi/linux/if_packet.h),
// in the machine's byte order. A block begins with a descriptor:
//
//	 8 block_status, 4 bytes: 1 when the block is ours, 0 the kernel's
//	12 num_pkts, 4 bytes
//	16 offset_to_first_pkt, 4 bytes, from the block's beginning
//
// and each frame with tpacket3_hdr, offsets from its own beginning:
//
//	 0 tp_next_offset, 4 bytes: to the next header, 0 in the last
//	 4 tp_sec, 8 tp_nsec, 4 bytes each
//	12 tp_snaplen, 4 bytes: captured
//	16 tp_len, 4 bytes: on the wire
//	20 tp_status, 4 bytes
//	24 tp_mac, 2 bytes: to the link layer header
//	32 tp_vlan_tci, 4 bytes
//	36 tp_vlan_tpid, 2 bytes
const (
	blockStatus = 8
	blockCount  = 12
	blockFirst  = 16
	blockHeader = 48
	frameHeader = 48

	statusVLAN = 1 << 4 // tp_vlan_tci is valid
	statusTPID = 1 << 6 // tp_vlan_tpid is valid

	tagLength  = 4
	macsLength = 12
)

// walk goes over the frames of a block.
type walk struct {
	buf  []byte
	at   uint64 // of the next header
	left uint32
	// tagged: the frame that next gave had its outer VLAN tag apart.
	tagged bool
}

func walkBlock(buf []byte) walk {
	if len(buf) < blockHeader {
		return walk{}
	}
	return walk{
		buf:  buf,
		at:   uint64(binary.NativeEndian.Uint32(buf[blockFirst:])),
		left: binary.NativeEndian.Uint32(buf[blockCount:]),
	}
}

// next sets f to the next frame: Time, Data, WireLen and Link. It returns false
// at the end, and for a block that makes no sense.
//
// The kernel takes the outer VLAN tag (802.1Q, 802.1ad) out of the frame. It is
// put back in its place: the MACs are moved by its length into the room that
// the socket reserved before them, and tp_len grows by it.
func (w *walk) next(f *Frame) bool {
	if w.left == 0 || w.at+frameHeader > uint64(len(w.buf)) {
		return false
	}
	h := w.buf[w.at:]
	u32 := func(off int) uint32 { return binary.NativeEndian.Uint32(h[off:]) }
	mac, n := uint64(binary.NativeEndian.Uint16(h[24:])), uint64(u32(12))
	if mac < frameHeader || mac+n > uint64(len(h)) {
		w.left = 0
		return false
	}
	*f = Frame{
		Time:    int64(u32(4))*1e9 + int64(u32(8)),
		Data:    h[mac : mac+n : mac+n],
		WireLen: max(min(u32(16), math.MaxUint32-tagLength), uint32(n)), // room for the tag
		Link:    linkEthernet,
	}
	w.tagged = false
	if status := u32(20); status&statusVLAN != 0 && n >= macsLength && mac >= frameHeader+tagLength {
		tpid := uint16(0x8100)
		if status&statusTPID != 0 {
			tpid = binary.NativeEndian.Uint16(h[36:])
		}
		w.tagged = true
		f.Data = h[mac-tagLength : mac+n : mac+n]
		copy(f.Data, f.Data[tagLength:tagLength+macsLength])
		binary.BigEndian.PutUint16(f.Data[macsLength:], tpid)
		binary.BigEndian.PutUint16(f.Data[macsLength+2:], uint16(u32(32)))
		f.WireLen += tagLength
	}
	w.left--
	step := uint64(u32(0))
	if step == 0 {
		w.left = 0
	}
	w.at += step
	return true
}

// kernelFilter is the program for the socket: frames with a tag apart pass it
// (the program looks for the tag in the frame), the others as filter says.
func kernelFilter(f *filter) ([]bpf.RawInstruction, error) {
	program, err := f.compile(linkEthernet)
	if err != nil {
		return nil, err
	}
	before, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadExtension{Num: bpf.ExtVLANTagPresent},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: maxFrame},
	})
	if err != nil {
		return nil, err
	}
	if len(before)+len(program) > 4096 {
		return nil, fmt.Errorf("the expression is too long for the kernel (%d instructions, at most 4096)", len(before)+len(program))
	}
	return append(before, program...), nil
}
