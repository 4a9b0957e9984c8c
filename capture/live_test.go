package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"testing"
	"time"
)

// ringFrameOf is one frame as the kernel puts it into a block.
type ringFrameOf struct {
	at     int64 // ns
	data   []byte
	wire   uint32
	status uint32
	tci    uint32
	tpid   uint16
}

// ringBytes lays frames out in a TPACKET_V3 block, with the room before the link
// layer that a socket with PACKET_RESERVE 4 gets: the MACs are at 86.
func ringBytes(frames ...ringFrameOf) []byte {
	const mac = 86
	o := binary.NativeEndian
	b := make([]byte, blockHeader)
	o.PutUint32(b[blockStatus:], 1)
	o.PutUint32(b[blockCount:], uint32(len(frames)))
	o.PutUint32(b[blockFirst:], blockHeader)
	for i, f := range frames {
		size := (mac + len(f.data) + 15) &^ 15
		h := make([]byte, size)
		if i < len(frames)-1 {
			o.PutUint32(h[0:], uint32(size))
		}
		o.PutUint32(h[4:], uint32(f.at/1e9))
		o.PutUint32(h[8:], uint32(f.at%1e9))
		o.PutUint32(h[12:], uint32(len(f.data)))
		o.PutUint32(h[16:], f.wire)
		o.PutUint32(h[20:], f.status)
		o.PutUint16(h[24:], mac)
		o.PutUint32(h[32:], f.tci)
		o.PutUint16(h[36:], f.tpid)
		copy(h[mac:], f.data)
		b = append(b, h...)
	}
	return b
}

// ethernet is a frame between two MACs with what follows them.
func ethernet(rest ...byte) []byte {
	return append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, rest...)
}

func TestRingBlock(t *testing.T) {
	payload := []byte{0x08, 0x00, 0x45, 0xaa}
	for _, c := range []struct {
		name string
		in   ringFrameOf
		data []byte
		wire uint32
	}{
		{"plain", ringFrameOf{at: 1_700_000_000_123_456_789, data: ethernet(payload...), wire: 16}, ethernet(payload...), 16},
		{"cut by the snap length", ringFrameOf{data: ethernet(payload...), wire: 1500}, ethernet(payload...), 1500},
		{"a tag apart, 802.1Q", ringFrameOf{data: ethernet(payload...), wire: 16, status: statusVLAN | statusTPID, tci: 0x2064, tpid: 0x8100},
			ethernet(0x81, 0x00, 0x20, 0x64, 0x08, 0x00, 0x45, 0xaa), 20},
		{"a tag apart, 802.1ad", ringFrameOf{data: ethernet(payload...), wire: 16, status: statusVLAN | statusTPID, tci: 7, tpid: 0x88a8},
			ethernet(0x88, 0xa8, 0, 7, 0x08, 0x00, 0x45, 0xaa), 20},
		{"a tag of priority only: VLAN 0", ringFrameOf{data: ethernet(payload...), wire: 16, status: statusVLAN | statusTPID, tci: 0, tpid: 0x8100},
			ethernet(0x81, 0x00, 0, 0, 0x08, 0x00, 0x45, 0xaa), 20},
		{"a kernel that does not tell the type of the tag", ringFrameOf{data: ethernet(payload...), wire: 16, status: statusVLAN, tci: 9, tpid: 0xdead},
			ethernet(0x81, 0x00, 0, 9, 0x08, 0x00, 0x45, 0xaa), 20},
		{"a tag field that is not valid", ringFrameOf{data: ethernet(payload...), wire: 16, tci: 9, tpid: 0x8100}, ethernet(payload...), 16},
		{"too short for a tag", ringFrameOf{data: []byte{1, 2, 3}, wire: 3, status: statusVLAN, tci: 9}, []byte{1, 2, 3}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			after := ringFrameOf{at: 5, data: ethernet(9), wire: 13}
			w := walkBlock(ringBytes(c.in, after))
			var f Frame
			if !w.next(&f) {
				t.Fatal("no frame")
			}
			if f.Time != c.in.at || !bytes.Equal(f.Data, c.data) || f.WireLen != c.wire || f.Link != linkEthernet {
				t.Errorf("time %d, % x, %d on the wire\nwant %d, % x, %d", f.Time, f.Data, f.WireLen, c.in.at, c.data, c.wire)
			}
			if !w.next(&f) || !bytes.Equal(f.Data, after.data) {
				t.Errorf("the frame behind it: % x", f.Data)
			}
			if w.next(&f) {
				t.Error("a third frame")
			}
		})
	}
}

func TestRingBlockThatMakesNoSense(t *testing.T) {
	good := func() []byte {
		return ringBytes(ringFrameOf{data: ethernet(1), wire: 13}, ringFrameOf{data: ethernet(2), wire: 13})
	}
	for _, c := range []struct {
		name string
		make func() []byte
		want int
	}{
		{"empty", func() []byte { return nil }, 0},
		{"first frame outside", func() []byte {
			b := good()
			binary.NativeEndian.PutUint32(b[blockFirst:], math.MaxUint32)
			return b
		}, 0},
		{"more frames said than there are", func() []byte {
			b := good()
			binary.NativeEndian.PutUint32(b[blockCount:], 1000)
			return b
		}, 2},
		{"a length over the block", func() []byte {
			b := good()
			binary.NativeEndian.PutUint32(b[blockHeader+12:], math.MaxUint32)
			return b
		}, 0},
		{"the link layer inside the header", func() []byte {
			b := good()
			binary.NativeEndian.PutUint16(b[blockHeader+24:], 3)
			return b
		}, 0},
		{"the next frame outside", func() []byte {
			b := good()
			binary.NativeEndian.PutUint32(b[blockHeader:], 1<<30)
			return b
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := walkBlock(c.make())
			n := 0
			for f := (Frame{}); w.next(&f); n++ {
			}
			if n != c.want {
				t.Errorf("%d frames, want %d", n, c.want)
			}
		})
	}
}

func FuzzRingBlock(f *testing.F) {
	f.Add(ringBytes(ringFrameOf{data: ethernet(1), wire: 13}, ringFrameOf{data: ethernet(2, 3, 4), wire: 15, status: statusVLAN | statusTPID, tci: 5, tpid: 0x8100}))
	f.Add(ringBytes(ringFrameOf{data: ethernet(1), wire: math.MaxUint32, status: statusVLAN}))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := walkBlock(b)
		var fr Frame
		for n := 0; w.next(&fr); n++ {
			if n > len(b)*(math.MaxUint8+1) {
				t.Fatal("no end")
			}
			if int(fr.WireLen) < len(fr.Data) {
				t.Fatalf("%d bytes, %d on the wire", len(fr.Data), fr.WireLen)
			}
		}
	})
}

// testRing is a ring that a test fills.
type testRing struct {
	blocks []*block
	given  int // blocks that came back
	drop   Drops
	down   bool
	gone   error
}

func (r *testRing) fill(frames ...ringFrameOf) {
	b := &block{buf: ringBytes(frames...)}
	b.free = func() { r.given++ }
	r.blocks = append(r.blocks, b)
}

func (r *testRing) block() *block {
	if len(r.blocks) == 0 {
		return nil
	}
	b := r.blocks[0]
	r.blocks = r.blocks[1:]
	b.refs.Store(1)
	return b
}

func (r *testRing) drops() (Drops, error) {
	d := r.drop
	r.drop = Drops{}
	return d, nil
}

func (r *testRing) link() (bool, error) { return !r.down, r.gone }
func (r *testRing) close() error        { return nil }

// at is a frame of one byte behind its MACs.
func at(t int64, mark byte) ringFrameOf { return ringFrameOf{at: t, data: ethernet(mark), wire: 13} }

func marks(b *Batch) (list []byte) {
	for _, f := range b.Frames {
		list = append(list, f.Data[12])
	}
	return list
}

// TestLiveMerge: frames of two interfaces come by time, each one's own order is
// kept, and none is handed out while the other may still have an older one.
func TestLiveMerge(t *testing.T) {
	l := newLive(LiveOptions{}, nil)
	one, two := &testRing{}, &testRing{}
	l.add("one", one)
	l.add("two", two)
	now := time.Now().UnixNano()
	old := now - int64(time.Second)
	one.fill(at(old, 1), at(old+30, 4), at(old+20, 5)) // its clock goes back: the order stays
	two.fill(at(old+10, 2), at(old+10, 3))
	var b Batch
	if err := l.Read(&b); err != nil {
		t.Fatal(err)
	}
	if got := marks(&b); !slices.Equal(got, []byte{1, 2, 3, 4, 5}) {
		t.Errorf("order %v", got)
	}
	for _, f := range b.Frames {
		if want := map[byte]int32{1: 0, 4: 0, 5: 0, 2: 1, 3: 1}[f.Data[12]]; f.Capture != want {
			t.Errorf("frame %d is of interface %d", f.Data[12], f.Capture)
		}
	}
	if one.given+two.given != 0 {
		t.Error("a block was given back while the batch holds it")
	}
	b.Release()
	if one.given != 1 || two.given != 1 {
		t.Errorf("blocks given back: %d, %d", one.given, two.given)
	}

	future := now + int64(time.Hour) // certainly within the window
	one.fill(at(future+1, 7))
	if err := l.Read(&b); err != nil || len(b.Frames) != 0 {
		t.Fatalf("%v, %v: the other interface may have an older one", marks(&b), err)
	}
	two.fill(at(future, 6), at(future+2, 8))
	if err := l.Read(&b); err != nil {
		t.Fatal(err)
	}
	if got := marks(&b); !slices.Equal(got, []byte{6, 7}) {
		t.Errorf("order %v: want 6 7, and 8 to wait", got)
	}
	if got := l.Now(); got > future+2 {
		t.Errorf("Now is %d, a frame of %d is still to come", got, future+2)
	}
	b.Release()
}

// TestLiveBatches: a batch ends when it is full, and a block goes back when its
// last batch does.
func TestLiveBatches(t *testing.T) {
	l := newLive(LiveOptions{BatchFrames: 2}, nil)
	r := &testRing{}
	l.add("one", r)
	r.fill(at(1, 1), at(2, 2), at(3, 3))
	var b, c Batch
	if l.Read(&b) != nil || l.Read(&c) != nil || len(b.Frames) != 2 || len(c.Frames) != 1 || c.Frames[0].Number != 3 {
		t.Fatalf("%v, %v", marks(&b), marks(&c))
	}
	b.Release()
	if r.given != 0 {
		t.Error("given back while a batch holds it")
	}
	c.Release()
	if r.given != 1 {
		t.Error("not given back")
	}
}

// TestLiveStop: what came before the stop is handed out, what came after is not.
func TestLiveStop(t *testing.T) {
	l := newLive(LiveOptions{}, nil)
	one, two := &testRing{}, &testRing{}
	l.add("one", one)
	l.add("two", two) // silent
	now := time.Now().UnixNano()
	one.fill(at(now-3, 1), at(now-2, 2), at(now+int64(time.Hour), 3))
	l.Stop()
	var got []byte
	var b Batch
	var err error
	for err == nil {
		err = l.Read(&b)
		got = append(got, marks(&b)...)
	}
	if !errors.Is(err, io.EOF) || !slices.Equal(got, []byte{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if err := l.Read(&b); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
	if err := l.Close(); err != nil || one.given != 1 {
		t.Errorf("close: %v, blocks given back: %d", err, one.given)
	}
}

// TestLiveDropsByMinute: drops are of the minute in which the kernel was asked.
func TestLiveDropsByMinute(t *testing.T) {
	l := newLive(LiveOptions{}, nil)
	r := &testRing{}
	l.add("one", r)
	minute := time.Date(2026, 5, 4, 12, 30, 0, 0, time.UTC)
	for i, n := range []uint64{3, 4, 10} {
		r.drop = Drops{Kernel: n, Freezes: 1}
		if err := l.ask(minute.Add(time.Duration(i)*25*time.Second), true); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	r.drop = Drops{Kernel: 100}
	if err := l.ask(minute.Add(time.Minute), true); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	end := minute.Add(time.Minute).UnixNano()
	if d := l.TakeDrops(end); d != (Drops{17, 3}) {
		t.Errorf("first minute: %+v", d)
	}
	if d := l.TakeDrops(end); d != (Drops{}) {
		t.Errorf("taken twice: %+v", d)
	}
	if d := l.TakeDrops(end + 1); d != (Drops{100, 0}) {
		t.Errorf("next minute: %+v", d)
	}
	if d := l.Dropped(); d != (Drops{117, 3}) {
		t.Errorf("all: %+v", d)
	}
}

func TestLiveLink(t *testing.T) {
	l := newLive(LiveOptions{}, nil)
	r := &testRing{}
	l.add("one", r)
	var said []bool
	l.OnLink(func(_ string, up bool) { said = append(said, up) })
	now := time.Now()
	for i, down := range []bool{false, true, true, false} {
		r.down = down
		if err := l.ask(now.Add(time.Duration(i+1)*2*healthEvery), false); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(said, []bool{false, true}) {
		t.Errorf("said %v: want down, then up", said)
	}
	r.gone = errors.New("gone")
	if err := l.ask(now.Add(time.Minute), false); err == nil {
		t.Error("an interface that is gone is no error")
	}
}

// TestLiveFilterBehindTheTag: a frame whose tag was apart passes the kernel's
// program; here it is filtered with the tag in its place.
func TestLiveFilterBehindTheTag(t *testing.T) {
	for _, c := range []struct {
		expr string
		want []byte
	}{
		{"vlan 100", []byte{1}},
		{"vlan", []byte{1, 2}},
		{"not vlan", nil},
		{"ip", nil},
		{"vlan and ip", []byte{1, 2}},
	} {
		f, err := compileFilter(c.expr)
		if err != nil {
			t.Fatal(err)
		}
		l := newLive(LiveOptions{}, f)
		r := &testRing{}
		l.add("one", r)
		tagged := func(t int64, vlan uint32, mark byte) ringFrameOf {
			return ringFrameOf{at: t, data: ethernet(0x08, 0x00, mark), wire: 15, status: statusVLAN | statusTPID, tci: vlan, tpid: 0x8100}
		}
		r.fill(tagged(1, 100, 1), tagged(2, 200, 2))
		var b Batch
		if err := l.Read(&b); err != nil {
			t.Fatal(err)
		}
		var got []byte
		for _, f := range b.Frames {
			got = append(got, f.Data[18])
		}
		if !slices.Equal(got, c.want) || l.Interfaces()[0].Filtered != int64(2-len(c.want)) {
			t.Errorf("%s: frames %v, want %v", c.expr, got, c.want)
		}
		b.Release()
	}
}
