package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

var (
	little = binary.LittleEndian
	big    = binary.BigEndian
)

// got is a frame without the reader's own numbers.
type got struct {
	time int64
	data string
	wire uint32
	link uint16
}

// write puts files into a new directory.
func write(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func packGzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func packZstd(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func TestFormats(t *testing.T) {
	eth := []byte("abcd")
	one := slices.Concat(pcapHeader(little, 0xa1b2c3d4, 1), pcapRecord(little, 5, 6, 4, eth))
	old := func(minor byte, first, second uint32) []byte {
		h := pcapHeader(little, 0xa1b2c3d4, 1)
		h[6] = minor
		r := pcapRecord(little, 5, 6, 0, eth)
		little.PutUint32(r[8:], first)
		little.PutUint32(r[12:], second)
		return slices.Concat(h, r)
	}
	ng := func(blocks ...[]byte) []byte { return slices.Concat(blocks...) }
	simple := ngBlock(little, 3, little.AppendUint32(nil, 60), eth)
	oldBlock := ngBlock(big, 2, []byte{
		0, 1, // interface 1
		0xff, 0xff, // drops: not known
		0, 0, 0, 0, 0, 0, 0, 9, // 9 ticks
		0, 0, 0, 4, // captured
		0, 0, 0, 7, // on the wire
	}, eth)
	for _, c := range []struct {
		name   string
		file   []byte
		want   []got
		status Status
		reason string // a part of it
	}{
		{"microseconds, little-endian", one,
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"microseconds, big-endian", slices.Concat(pcapHeader(big, 0xa1b2c3d4, 113), pcapRecord(big, 5, 6, 9, eth)),
			[]got{{5_000_006_000, "abcd", 9, 113}}, StatusOK, ""},
		{"nanoseconds", slices.Concat(pcapHeader(little, 0xa1b23c4d, 1), pcapRecord(little, 5, 6, 4, eth)),
			[]got{{5_000_000_006, "abcd", 4, 1}}, StatusOK, ""},
		{"nanoseconds, big-endian", slices.Concat(pcapHeader(big, 0xa1b23c4d, 1), pcapRecord(big, 5, 6, 4, eth)),
			[]got{{5_000_000_006, "abcd", 4, 1}}, StatusOK, ""},
		{"modified", slices.Concat(pcapHeader(little, 0xa1b2cd34, 1),
			pcapRecord(little, 5, 6, 4, eth, 2, 0, 0, 0, 8, 0, 1, 0), // interface, protocol, type, padding
			pcapRecord(little, 6, 0, 4, eth, 2, 0, 0, 0, 8, 0, 1, 0)),
			[]got{{5_000_006_000, "abcd", 4, 1}, {6_000_000_000, "abcd", 4, 1}}, StatusOK, ""},
		{"version 2.2 has the lengths crossed", old(2, 100, 4), []got{{5_000_006_000, "abcd", 100, 1}}, StatusOK, ""},
		{"version 2.3, crossed", old(3, 100, 4), []got{{5_000_006_000, "abcd", 100, 1}}, StatusOK, ""},
		{"version 2.3, not crossed", old(3, 4, 100), []got{{5_000_006_000, "abcd", 100, 1}}, StatusOK, ""},
		{"FCS bits beside the link type", slices.Concat(pcapHeader(little, 0xa1b2c3d4, 0x14000001), pcapRecord(little, 5, 6, 4, eth)),
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"seconds beyond 2038, fraction beyond a second", slices.Concat(pcapHeader(little, 0xa1b2c3d4, 1), pcapRecord(little, 0xffffffff, 0xffffffff, 4, eth)),
			[]got{{0xffffffff*1e9 + 0xffffffff*1e3, "abcd", 4, 1}}, StatusOK, ""},
		{"less on the wire than captured", slices.Concat(pcapHeader(little, 0xa1b2c3d4, 1), pcapRecord(little, 5, 6, 1, eth)),
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"no packets", pcapHeader(little, 0xa1b2c3d4, 1), nil, StatusOK, ""},
		{"gzip", packGzip(one), []got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"gzip, two members", slices.Concat(packGzip(one[:30]), packGzip(one[30:])), []got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"zstd", packZstd(one), []got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},
		{"zstd after a skippable frame", slices.Concat([]byte{0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x'}, packZstd(one)),
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusOK, ""},

		{"pcapng, µs by default", ng(ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, 7, 60, eth)),
			[]got{{7000, "abcd", 60, 1}}, StatusOK, ""},
		{"padding and options behind the packet", ng(ngSection(little), ngInterface(little, 1, 0),
			ngBlock(little, 6, little.AppendUint32(nil, 0), make([]byte, 8), little.AppendUint32(nil, 3), little.AppendUint32(nil, 3),
				[]byte{'x', 'y', 'z', 0}, ngOption(little, 1, []byte("comment")...), ngOption(little, 0))),
			[]got{{0, "xyz", 3, 1}}, StatusOK, ""},
		{"clocks: 10^-9, 2^-10, 10^-12, 10^-3, offset", ng(ngSection(big),
			ngInterface(big, 1, 0, ngOption(big, 9, 9)),
			ngInterface(big, 1, 0, ngOption(big, 9, 0x80|10)),
			ngInterface(big, 1, 0, ngOption(big, 9, 12)),
			ngInterface(big, 1, 0, ngOption(big, 9, 3)),
			ngInterface(big, 1, 0, ngOption(big, 2, []byte("eth0")...), ngOption(big, 14, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe), ngOption(big, 0)),
			ngEnhanced(big, 0, 5, 4, eth), ngEnhanced(big, 1, 3*1024+512, 4, eth), ngEnhanced(big, 2, 7001, 4, eth),
			ngEnhanced(big, 3, 2, 4, eth), ngEnhanced(big, 4, 3_000_000, 4, eth)),
			[]got{{5, "abcd", 4, 1}, {3_500_000_000, "abcd", 4, 1}, {7, "abcd", 4, 1}, {2_000_000, "abcd", 4, 1}, {1_000_000_000, "abcd", 4, 1}}, StatusOK, ""},
		{"a time that int64 does not hold", ng(ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, math.MaxUint64, 4, eth)),
			[]got{{math.MaxInt64, "abcd", 4, 1}}, StatusOK, ""},
		{"interfaces of different link types", ng(ngSection(little), ngInterface(little, 1, 0), ngInterface(little, 101, 0),
			ngEnhanced(little, 1, 1, 4, eth), ngEnhanced(little, 0, 2, 4, eth)),
			[]got{{1000, "abcd", 4, 101}, {2000, "abcd", 4, 1}}, StatusOK, ""},
		{"sections of different byte order, interfaces begin anew", ng(
			ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, 1, 4, eth),
			ngSection(big), ngInterface(big, 113, 0), ngEnhanced(big, 0, 2, 4, eth)),
			[]got{{1000, "abcd", 4, 1}, {2000, "abcd", 4, 113}}, StatusOK, ""},
		{"simple packets have no time and obey the snap length", ng(ngSection(little), ngInterface(little, 1, 3),
			simple, ngEnhanced(little, 0, 8, 4, eth), simple),
			[]got{{0, "abc", 60, 1}, {8000, "abcd", 4, 1}, {8000, "abc", 60, 1}}, StatusOK, ""},
		{"obsolete packet block", ng(ngSection(big), ngInterface(big, 1, 0), ngInterface(big, 147, 0), oldBlock),
			[]got{{9000, "abcd", 7, 147}}, StatusOK, ""},
		{"unknown blocks are passed over, small and large", ng(ngSection(little), ngInterface(little, 1, 0),
			ngBlock(little, 0xbad, make([]byte, 8)), ngBlock(little, 10, make([]byte, 1<<20)), ngEnhanced(little, 0, 7, 4, eth)),
			[]got{{7000, "abcd", 4, 1}}, StatusOK, ""},

		{"cut in a packet", one[:42], nil, StatusCut, "ends in a packet at byte 24: 18 of 20 bytes"},
		{"cut in a packet header", slices.Concat(one, one[24:30]), []got{{5_000_006_000, "abcd", 4, 1}}, StatusCut, "ends in a packet header at byte 44: 6 of 16"},
		{"cut in the file header", one[:20], nil, StatusCut, "ends in a file header at byte 0: 20 of 24"},
		{"absurd length", slices.Concat(one, pcapRecord(little, 0, 0, 0, nil)[:8], []byte{1, 0, 4, 0, 1, 0, 4, 0}, make([]byte, 100)),
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusCut, "packet 2 of 262145 bytes (over 262144) makes no sense: at byte 44, the last 116 bytes are not read"},
		{"unknown version", append([]byte{0xd4, 0xc3, 0xb2, 0xa1, 9, 0, 0, 0}, make([]byte, 16)...), nil, StatusCut, "version 9.0"},
		{"gzip cut short", packGzip(one)[:40], nil, StatusCut, "gzip stream is cut short"},
		{"gzip corrupt", func() []byte { b := packGzip(one); b[len(b)-6] ^= 1; return b }(),
			[]got{{5_000_006_000, "abcd", 4, 1}}, StatusCut, "gzip stream is corrupt"},
		{"zstd corrupt", func() []byte { b := packZstd(one); b[len(b)-1] ^= 1; return b }(),
			nil, "", "zstd stream is corrupt"},
		{"zstd window too large", []byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0xa0, 1, 0, 0}, nil, StatusNotCapture, "zstd window over 32 MB"},
		{"pcapng cut in a block", ng(ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, 7, 4, eth)[:30]),
			nil, StatusCut, "ends in a packet block at byte 48: 30 of 36"},
		{"pcapng cut in an unknown block", ng(ngSection(little), ngBlock(little, 5, make([]byte, 40))[:50]),
			nil, StatusCut, "ends in a block at byte 28: 50 of 52"},
		{"two different lengths", func() []byte {
			b := ng(ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, 7, 4, eth))
			b[len(b)-4]++
			return b
		}(), nil, StatusCut, "two different lengths (36, 37) at byte 48"},
		{"a length of 0", ng(ngSection(little), make([]byte, 16)), nil, StatusCut, "block with a length of 0 at byte 28"},
		{"a length that is no multiple of 4", ng(ngSection(little), []byte{5, 0, 0, 0, 13, 0, 0, 0, 0, 13, 0, 0, 0}), nil, StatusCut, "length of 13"},
		{"packet longer than its block", func() []byte {
			b := ngEnhanced(little, 0, 7, 4, eth)
			little.PutUint32(b[20:], 5)
			return ng(ngSection(little), ngInterface(little, 1, 0), b)
		}(), nil, StatusCut, "packet of 5 bytes in a block of 36"},
		{"packet of no interface", ng(ngSection(little), ngEnhanced(little, 0, 7, 4, eth)), nil, StatusCut, "interface 0, which is not described"},
		{"absurd block", ng(ngSection(little), ngInterface(little, 1, 0), []byte{6, 0, 0, 0, 0, 0, 0, 0x80}, make([]byte, 100)), nil, StatusCut, "packet block with a length of 2147483648"},
		{"pcapng of another version", func() []byte { b := ngSection(little); b[12] = 2; return b }(), nil, StatusCut, "version 2.0"},
		{"names of half a record", ng(ngSection(little), ngBlock(little, 4, []byte{1, 0, 200, 0})), nil, StatusOK, ""},

		{"empty", nil, nil, StatusNotCapture, "empty file"},
		{"three bytes", []byte{0xd4, 0xc3, 0xb2}, nil, StatusNotCapture, "3 bytes are too few"},
		{"text", []byte("nothing here\n"), nil, StatusNotCapture, "text"},
		{"UTF-8 text", []byte("工場の構成"), nil, StatusNotCapture, "text"},
		{"HTML", []byte("\n<!DOCTYPE html><html>"), nil, StatusNotCapture, "HTML"},
		{"LFS pointer", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"), nil, StatusNotCapture, "Git-LFS pointer"},
		{"ZIP", []byte("PK\x03\x04\x14\x00"), nil, StatusNotCapture, "ZIP archive"},
		{"text inside gzip", packGzip([]byte("text")), nil, StatusNotCapture, "text (inside gzip)"},
		{"gzip inside gzip", packGzip(packGzip(one)), nil, StatusNotCapture, "gzip inside gzip"},
		{"binary", []byte{0, 1, 2, 3, 4, 5}, nil, StatusNotCapture, "begins with 00 01 02 03"},
		{"gzip header only", packGzip(one)[:8], nil, StatusNotCapture, "gzip stream is cut short"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := write(t, map[string][]byte{"f": c.file})
			for _, way := range []string{"file", "stdin", "drop by drop"} {
				opt := Options{Stdin: bytes.NewReader(c.file)}
				path := "-"
				switch way {
				case "file":
					path = filepath.Join(dir, "f")
				case "drop by drop":
					opt.Stdin = iotest.OneByteReader(opt.Stdin)
				}
				s, err := Open(context.Background(), []string{path}, opt)
				if err != nil {
					t.Fatal(err)
				}
				var frames []got
				info := readAll(t, s, func(f *Frame) {
					frames = append(frames, got{f.Time, string(f.Data), f.WireLen, f.Link})
				})[0]
				if !slices.Equal(frames, c.want) {
					t.Errorf("%s: frames %v, want %v", way, frames, c.want)
				}
				if c.status != "" && info.Status != c.status {
					t.Errorf("%s: status %s (%s), want %s", way, info.Status, info.Reason, c.status)
				}
				reason := c.reason
				if way != "file" { // how much is left is not known there
					reason, _, _ = strings.Cut(reason, ", the last")
				}
				if !strings.Contains(info.Reason, reason) || c.reason == "" && info.Reason != "" {
					t.Errorf("%s: reason %q, want %q", way, info.Reason, reason)
				}
				if want := info.Status == StatusOK || info.Status == StatusCut; info.HasSum != want {
					t.Errorf("%s: sum is there: %v", way, info.HasSum)
				} else if want && info.Sum != sha256.Sum256(c.file) {
					t.Errorf("%s: wrong sum", way)
				}
				if info.HasSum && info.Size != int64(len(c.file)) {
					t.Errorf("%s: size %d, want %d", way, info.Size, len(c.file))
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	names := ngBlock(little, 4,
		ngOption(little, 1, slices.Concat([]byte{10, 0, 0, 1}, []byte("plc-1\x00plc-one.local\x00"))...),
		ngOption(little, 2, slices.Concat(netip.MustParseAddr("fe80::1").AsSlice(), []byte("hmi\x00"), bytes.Repeat([]byte("x"), 256))...),
		ngOption(little, 1, 10, 0), // too short
		ngOption(little, 7, 1, 2, 3),
		ngOption(little, 0))
	many := make([][]byte, 0, maxNames)
	for range maxNames {
		many = append(many, ngOption(little, 1, 10, 0, 0, 2, 'n', 0))
	}
	file := slices.Concat(ngSection(little), ngInterface(little, 1, 0), names, ngBlock(little, 4, many...), ngEnhanced(little, 0, 1, 1, []byte("x")))
	s, err := Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	info := readAll(t, s, nil)[0]
	want := []Name{
		{netip.MustParseAddr("10.0.0.1"), "plc-1"}, {netip.MustParseAddr("10.0.0.1"), "plc-one.local"}, {netip.MustParseAddr("fe80::1"), "hmi"},
	}
	if len(info.Names) != maxNames || !slices.Equal(info.Names[:3], want) {
		t.Errorf("%d names, first %v", len(info.Names), info.Names[:min(4, len(info.Names))])
	}
	if info.NamesDropped != 4 { // one too long, three over the bound
		t.Errorf("%d names dropped, want 4", info.NamesDropped)
	}
	if info.Frames != 1 {
		t.Errorf("%d frames, want 1", info.Frames)
	}
}

// stamped is a capture with a frame at each of the given seconds.
func stamped(label string, seconds ...uint32) []byte {
	b := pcapHeader(little, 0xa1b2c3d4, 1)
	for i, s := range seconds {
		b = append(b, pcapRecord(little, s, 0, 100, fmt.Appendf(nil, "%s%d", label, i))...)
	}
	return b
}

func TestMerge(t *testing.T) {
	dir := write(t, map[string][]byte{
		"a.pcap":       stamped("a", 10, 30, 20, 50), // one frame goes backwards: it stays behind the one before
		"b.pcap":       stamped("b", 10, 25, 60),
		"c/d.pcap.gz":  packGzip(stamped("d", 1, 100)),
		"c/empty.pcap": stamped("e"),
		"c/notes.txt":  []byte("hello"),
		"c/z.pcap":     stamped("z", 5),
	})
	for _, batch := range []int{0, 1, 2} {
		s, err := Open(context.Background(), []string{filepath.Join(dir, "b.pcap"), dir, "-"},
			Options{BatchFrames: batch, Stdin: bytes.NewReader(stamped("s", 0, 25))})
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		infos := readAll(t, s, func(f *Frame) { order = append(order, string(f.Data)) })
		if got, want := strings.Join(order, " "), "s0 d0 z0 b0 a0 b1 s1 a1 a2 a3 b2 d1"; got != want {
			t.Errorf("batches of %d: order %s, want %s", batch, got, want)
		}
		var said []string
		for _, i := range infos {
			said = append(said, fmt.Sprintf("%s %s %d", filepath.Base(i.Path), i.Status, i.Frames))
		}
		want := []string{
			"b.pcap ok 3", "a.pcap ok 4", "b.pcap known 0", "d.pcap.gz ok 2", "empty.pcap ok 0",
			"notes.txt not-a-capture 0", "z.pcap ok 1", "- ok 2",
		}
		if !slices.Equal(said, want) {
			t.Errorf("files %q, want %q", said, want)
		}
		if done, total := s.Progress(); done < total || total == 0 {
			t.Errorf("progress %d of %d at the end", done, total)
		}
	}
}

// TestManyFiles merges more overlapping files than may be open.
func TestManyFiles(t *testing.T) {
	files := make(map[string][]byte)
	const count = maxOpenFiles + 50
	big := make([]byte, 60000)
	for i := range count {
		f := pcapHeader(little, 0xa1b2c3d4, 1)
		for j := range uint32(3) { // more than a block
			f = append(f, pcapRecord(little, j, uint32(i), 60000, big)...)
		}
		files[fmt.Sprintf("%03d.pcap", i)] = f
	}
	dir := write(t, files)
	s, err := Open(context.Background(), []string{dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	last := int64(-1)
	infos := readAll(t, s, func(f *Frame) {
		if f.Time <= last {
			t.Fatalf("%d after %d", f.Time, last)
		}
		last = f.Time
	})
	for _, i := range infos {
		if i.Frames != 3 || i.Status != StatusOK || i.Sum != sha256.Sum256(files[filepath.Base(i.Path)]) {
			t.Errorf("%s: %d frames, %s, %s", i.Path, i.Frames, i.Status, i.Reason)
		}
	}
}

// TestBatchesStay works on batches while later ones are read; run it with the
// race detector.
func TestBatchesStay(t *testing.T) {
	file := pcapHeader(little, 0xa1b2c3d4, 1)
	const frames = 20000
	for i := range frames {
		n := 40 + i*7%900
		data := bytes.Repeat([]byte{byte(i)}, n)
		little.PutUint32(data, uint32(i))
		file = append(file, pcapRecord(little, uint32(i), 0, uint32(n), data)...)
	}
	dir := write(t, map[string][]byte{"a": file, "b": packGzip(file)})
	s, err := Open(context.Background(), []string{dir}, Options{BatchFrames: 100})
	if err != nil {
		t.Fatal(err)
	}
	free, full := make(chan *Batch, 8), make(chan *Batch, 8)
	for range cap(free) {
		free <- new(Batch)
	}
	checked := make(chan int)
	go func() {
		n := 0
		for b := range full {
			for _, f := range b.Frames {
				i := int(f.Number - 1)
				ok := len(f.Data) == 40+i*7%900 && little.Uint32(f.Data) == uint32(i)
				for _, c := range f.Data[4:] {
					ok = ok && c == byte(i)
				}
				if ok {
					n++
				}
			}
			b.Release()
			free <- b
		}
		checked <- n
	}()
	for {
		b := <-free
		if err := s.Read(b); err != nil {
			if err != io.EOF {
				t.Fatal(err)
			}
			break
		}
		full <- b
	}
	close(full)
	if n := <-checked; n != 2*frames {
		t.Errorf("%d frames intact, want %d", n, 2*frames)
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	file := pcapHeader(little, 0xa1b2c3d4, 1)
	for i := range 50000 {
		file = append(file, pcapRecord(little, uint32(i), 0, 500, make([]byte, 500))...)
	}
	ng := slices.Concat(ngSection(little), ngInterface(little, 1, 0))
	for i := range 50000 {
		ng = append(ng, ngEnhanced(little, 0, uint64(i)*1e6, 500, make([]byte, 500))...)
	}
	dir := write(t, map[string][]byte{"a.pcap": file, "b.pcapng": ng})
	for _, filter := range []string{"", "not tcp port 80 and len > 50"} {
		s, err := Open(context.Background(), []string{dir}, Options{BatchFrames: 100, Filter: filter})
		if err != nil {
			t.Fatal(err)
		}
		var b Batch
		read := func() {
			if err := s.Read(&b); err != nil {
				t.Fatal(err)
			}
		}
		for range 300 { // until every block that is needed is there
			read()
		}
		// A batch is 100 frames: less than 1 means that frames cost nothing.
		if n := testing.AllocsPerRun(500, read); n >= 1 {
			t.Errorf("filter %q: %v allocations a batch", filter, n)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestKnown(t *testing.T) {
	files := map[string][]byte{
		"a.pcap": stamped("a", 1, 2), "b.pcap": stamped("b", 1, 2), "copy.pcap": stamped("b", 1, 2), "large.pcap": stamped("c", 1, 2, 3),
		"empty": nil, "empty2": nil,
	}
	dir := write(t, files)
	sums := 0
	s, err := Open(context.Background(), []string{dir}, Options{Known: func(size, first int64, sum func() ([32]byte, error)) (bool, error) {
		if size != int64(len(files["a.pcap"])) {
			return false, nil
		}
		got, err := sum()
		sums++
		return got == sha256.Sum256(files["a.pcap"]), err
	}})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, i := range readAll(t, s, nil) {
		said = append(said, fmt.Sprintf("%s %s %d", filepath.Base(i.Path), i.Status, i.Frames))
		if i.Status == StatusKnown && (!i.HasSum || i.Reason == "") {
			t.Errorf("%s: known without sum or reason", i.Path)
		}
	}
	want := []string{"a.pcap known 0", "b.pcap ok 2", "copy.pcap known 0", "empty not-a-capture 0", "empty2 not-a-capture 0", "large.pcap ok 3"}
	if !slices.Equal(said, want) {
		t.Errorf("files %q, want %q", said, want)
	}
	if sums != 3 {
		t.Errorf("%d sums asked for, want 3", sums)
	}
	own := errors.New("the store is gone")
	_, err = Open(context.Background(), []string{dir}, Options{Known: func(int64, int64, func() ([32]byte, error)) (bool, error) { return false, own }})
	if !errors.Is(err, own) {
		t.Errorf("error %v, want the caller's", err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := write(t, map[string][]byte{"a.pcap": stamped("a", 1)})
	for _, c := range []struct {
		name  string
		paths []string
		opt   Options
	}{
		{"no such path", []string{filepath.Join(dir, "a.pcap"), filepath.Join(dir, "b.pcap")}, Options{}},
		{"standard input twice", []string{"-", "-"}, Options{}},
		{"filter", []string{dir}, Options{Filter: "tcp and"}},
	} {
		if _, err := Open(context.Background(), c.paths, c.opt); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func TestFilterCounts(t *testing.T) {
	file := slices.Concat(pcapHeader(little, 0xa1b2c3d4, 1), pcapRecord(little, 1, 0, 54, tcp4(502, 1)), pcapRecord(little, 2, 0, 54, tcp4(80, 1)))
	s, err := Open(context.Background(), []string{"-"}, Options{Filter: "port 80", Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	info := readAll(t, s, func(f *Frame) {
		if f.Number != 2 || f.Offset != 24+16+54 {
			t.Errorf("frame %d at %d", f.Number, f.Offset)
		}
	})[0]
	if info.Frames != 1 || info.Filtered != 1 || info.First != 2e9 || info.Last != 2e9 {
		t.Errorf("%+v", info)
	}
}

// TestCancel ends a read that waits for bytes which never come.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	pr, pw := io.Pipe()
	s, err := Open(ctx, []string{"-"}, Options{Stdin: pr})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		pw.Write(stamped("a", 1, 2))
		cancel()
	}()
	var b Batch
	if err := s.Read(&b); err != context.Canceled || len(b.Frames) != 0 {
		t.Errorf("error %v, %d frames", err, len(b.Frames))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	pw.Close()
}

func TestRefuse(t *testing.T) {
	s, err := Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(stamped("a", 1))})
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, s, nil)
	s.Refuse(0, "link type 1 is not read")
	if i := s.Captures()[0]; i.Status != StatusRefused || i.Reason != "link type 1 is not read" || i.Frames != 1 {
		t.Errorf("%+v", i)
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct {
		resolution uint8
		offset     int64
		ticks      uint64
		want       int64
	}{
		{6, 0, 1, 1000},
		{0, 0, 3, 3e9},
		{9, 0, math.MaxUint64, math.MaxInt64},
		{28, 0, 1e19, 1},
		{29, 0, math.MaxUint64, 0}, // 10^20 does not fit into 64 bits
		{127, 0, math.MaxUint64, 0},
		{0x80, 0, 2, 2e9},
		{0x80 | 32, 0, 1<<32 | 1<<31, 1.5e9},
		{0x80 | 64, 0, 1 << 63, 5e8},
		{0x80 | 127, 0, math.MaxUint64, 0},
		{6, -1, 0, -1e9},
		{6, math.MinInt64, 0, math.MinInt64},
		{6, math.MaxInt64, 5, math.MaxInt64},
		{6, 9_223_372_036, 5_000_000, math.MaxInt64},
	} {
		if got := newClock(c.resolution, c.offset).ns(c.ticks); got != c.want {
			t.Errorf("%d ticks at %#x + %d: %d, want %d", c.ticks, c.resolution, c.offset, got, c.want)
		}
	}
}
