package capture

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket/pcapgo"
)

// TestRing: the newest frames are there, whole and in order, within its bytes.
func TestRing(t *testing.T) {
	const most = 3 * chunkBytes
	r := NewRing[int](most)
	data := make([]byte, 1500)
	for n := 1; n <= 20_000; n++ {
		data[0], data[1] = byte(n), byte(n>>8)
		size := 60 + n*7%1400
		r.Add(&Frame{Time: int64(n), Number: int64(n), Data: data[:size], WireLen: uint32(size), Link: 1}, -n)
		if n%997 != 0 && n != 20_000 {
			continue
		}
		next, bytes := 0, 0
		r.Each(func(f *Frame, tag int) {
			if next == 0 {
				next = int(f.Number)
			}
			if int(f.Number) != next || tag != -next || f.Time != int64(next) || len(f.Data) != 60+next*7%1400 || f.Data[0] != byte(next) || f.Data[1] != byte(next>>8) {
				t.Fatalf("after %d: frame %d (tag %d, %d bytes) where %d was due", n, f.Number, tag, len(f.Data), next)
			}
			next++
			bytes += len(f.Data)
		})
		if next != n+1 {
			t.Fatalf("after %d: the newest is %d", n, next-1)
		}
		if bytes > most || n > 5000 && bytes < most/2 {
			t.Fatalf("after %d: %d bytes kept of %d", n, bytes, most)
		}
	}
	if len(r.chunks) != 3 {
		t.Errorf("%d chunks", len(r.chunks))
	}
	// Frames without a byte do not grow it either.
	for n := range 10 * chunkFrames {
		r.Add(&Frame{Number: int64(n)}, 0)
	}
	n := 0
	r.Each(func(*Frame, int) { n++ })
	if n > 3*chunkFrames {
		t.Errorf("%d empty frames kept", n)
	}
}

// TestWriteFrames: our reader reads back what was written, and gopacket's too.
func TestWriteFrames(t *testing.T) {
	frames := []Frame{
		{Time: 1_600_000_000_123_456_789, Data: []byte("0123456789abcd"), WireLen: 14, Link: 1},
		{Time: 1_600_000_000_123_456_790, Data: []byte("abc"), WireLen: 1500, Link: 276}, // SLL2: over 8 bits
		{Time: 1, Data: []byte{}, WireLen: 60, Link: 1},
	}
	path := filepath.Join(t.TempDir(), "x.pcapng")
	var file bytes.Buffer
	if err := WriteFrames(&file, frames); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := Open(context.Background(), []string{path}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var b Batch
	if err := set.Read(&b); err != nil {
		t.Fatal(err)
	}
	if len(b.Frames) != len(frames) {
		t.Fatalf("%d frames read", len(b.Frames))
	}
	for i := range b.Frames {
		got, want := &b.Frames[i], &frames[i]
		if got.Time != want.Time || got.Link != want.Link || got.WireLen != want.WireLen || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("frame %d: %+v, expected %+v", i, got, want)
		}
	}
	if err := set.Read(&b); err != io.EOF || set.Captures()[0].Status != StatusOK {
		t.Errorf("%v, %v", err, set.Captures()[0])
	}
	other, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		data, ci, err := other.ReadPacketData()
		if err != nil || !bytes.Equal(data, frames[i].Data) || ci.Timestamp.UnixNano() != frames[i].Time || ci.Length != int(frames[i].WireLen) {
			t.Errorf("gopacket, frame %d: %v %+v %q", i, err, ci, data)
		}
	}
}
