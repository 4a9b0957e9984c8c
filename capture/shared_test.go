package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// sharedCaptures finds the captures that lie beside the project.
func sharedCaptures(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("OSECT_SHARED")
	for up := ".."; dir == ""; up = filepath.Join(up, "..") {
		abs, err := filepath.Abs(up)
		if err != nil || abs == "/" {
			t.Skip("absent")
		}
		if _, err := os.Stat(filepath.Join(abs, "shared", "captures")); err == nil {
			dir = filepath.Join(abs, "shared")
		}
	}
	dir = filepath.Join(dir, "captures")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("absent")
	}
	return dir
}

// readAll reads a set to its end and checks what must hold for every set.
func readAll(t testing.TB, s *Set, each func(*Frame)) []Info {
	t.Helper()
	var b Batch
	for {
		err := s.Read(&b)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Frames) == 0 {
			t.Fatal("empty batch")
		}
		for i := range b.Frames {
			f := &b.Frames[i]
			if int(f.WireLen) < len(f.Data) {
				t.Fatalf("frame %d of %d: %d bytes on the wire, %d captured", f.Number, f.Capture, f.WireLen, len(f.Data))
			}
			if each != nil {
				each(f)
			}
		}
	}
	for _, info := range s.Captures() {
		if info.Status == "" {
			t.Errorf("%s: no status", info.Path)
		}
	}
	return s.Captures()
}

// expectation is what tshark says of a capture.
type expectation struct {
	Capture   string           `json:"capture"`
	Packets   int64            `json:"packets"`
	MinTS     *string          `json:"min_ts"`
	MaxTS     *string          `json:"max_ts"`
	LinkTypes map[string]int64 `json:"link_types"`
}

// encapsulations are tshark's numbers (wtap.h) for LINKTYPE_ ones.
var encapsulations = map[string][]uint16{
	"1": {1}, "2": {6}, "4": {9, 50, 204}, "7": {12, 14, 101, 228, 229}, "8": {7, 129},
	"9": nil, "15": {0, 108}, "19": {50, 204}, "25": {113}, "97": {192},
	"129": {228}, "130": {229}, "210": {276},
}

func nanoseconds(t *testing.T, stamp string) (ns int64, ok bool) {
	whole, part, _ := strings.Cut(stamp, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	frac, err := strconv.ParseInt((part + "000000000")[:9], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if sec > math.MaxInt64/1_000_000_000-1 || sec < 0 {
		return 0, false
	}
	return sec*1e9 + frac, true
}

// TestSharedCaptures holds frames, link types and times of every capture
// against what tshark says of it.
func TestSharedCaptures(t *testing.T) {
	dir := sharedCaptures(t)
	compared := 0
	err := filepath.WalkDir(filepath.Join(dir, "expected"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var want expectation
		if err := json.Unmarshal(text, &want); err != nil {
			return err
		}
		compared++
		s, err := Open(context.Background(), []string{filepath.Join(dir, want.Capture)}, Options{})
		if err != nil {
			t.Errorf("%s: %v", want.Capture, err)
			return nil
		}
		var last int64
		info := readAll(t, s, func(f *Frame) {
			if last++; f.Number != last {
				t.Fatalf("%s: frame %d numbered %d", want.Capture, last, f.Number)
			}
		})[0]
		if packets := want.Packets - want.LinkTypes["?"]; info.Frames != packets {
			t.Errorf("%s: %d frames, want %d (%s, %s)", want.Capture, info.Frames, packets, info.Status, info.Reason)
		}
		left := make(map[uint16]int64)
		for _, l := range info.Links {
			left[l.Link] += l.Frames
		}
		for number, frames := range want.LinkTypes {
			types := encapsulations[number]
			if types == nil {
				continue // refused, whatever the number
			}
			var got int64
			for _, l := range types {
				got += left[l]
				delete(left, l)
			}
			if got != frames {
				t.Errorf("%s: %d frames of encapsulation %s, want %d; links %v", want.Capture, got, number, frames, info.Links)
			}
		}
		if timed := info.Frames > info.Untimed; timed != (want.MinTS != nil) {
			t.Errorf("%s: frames with a time: %v", want.Capture, timed)
		} else if timed {
			for _, c := range []struct {
				name, want string
				got        int64
			}{{"first", *want.MinTS, info.First}, {"last", *want.MaxTS, info.Last}} {
				if ns, ok := nanoseconds(t, c.want); ok && ns != c.got {
					t.Errorf("%s: %s %d, want %d", want.Capture, c.name, c.got, ns)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if compared == 0 {
		t.Error("no expectations")
	}
	t.Logf("%d captures compared", compared)
}

// TestMutatedCaptures reads copies of the shared captures in which one byte of
// fifty is another one.
func TestMutatedCaptures(t *testing.T) {
	dir := sharedCaptures(t)
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".json" {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			return err
		}
		files++
		random := rand.New(rand.NewPCG(uint64(len(content)), 1))
		for range len(content) / 50 {
			content[random.IntN(len(content))] = byte(random.Uint32())
		}
		s, err := Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(content), noSum: true})
		if err != nil {
			return err
		}
		var frames int64
		if info := readAll(t, s, func(*Frame) { frames++ })[0]; info.Frames != frames {
			t.Errorf("%s: %d frames, said %d", path, frames, info.Frames)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d captures", files)
}

// TestAllSharedCapturesAtOnce merges them: they overlap, and span decades.
func TestAllSharedCapturesAtOnce(t *testing.T) {
	s, err := Open(context.Background(), []string{sharedCaptures(t)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var frames, total int64
	last := make(map[int32]int64)
	for _, info := range readAll(t, s, func(f *Frame) {
		frames++
		if f.Number != last[f.Capture]+1 {
			t.Fatalf("capture %d: frame %d after %d", f.Capture, f.Number, last[f.Capture])
		}
		last[f.Capture] = f.Number
	}) {
		total += info.Frames
		if info.HasSum != (info.Status == StatusOK || info.Status == StatusCut) {
			t.Errorf("%s: %s, sum %v", info.Path, info.Status, info.HasSum)
		}
	}
	if frames != total || frames == 0 {
		t.Errorf("%d frames, said %d", frames, total)
	}
	t.Logf("%d frames", frames)
}
