package capture

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// fuzzRead reads any bytes as a capture and checks what must hold.
func fuzzRead(t *testing.T, file []byte) {
	s, err := Open(context.Background(), []string{"-"}, Options{Stdin: bytes.NewReader(file)})
	if err != nil {
		t.Fatal(err)
	}
	var frames, number, offset int64
	offset = -1
	info := readAll(t, s, func(f *Frame) {
		frames++
		if f.Number != number+1 || f.Offset <= offset {
			t.Fatalf("frame %d at %d after %d at %d", f.Number, f.Offset, number, offset)
		}
		number, offset = f.Number, f.Offset
		if len(f.Data) > maxFrame || cap(f.Data) != len(f.Data) {
			t.Fatalf("frame of %d bytes, room for %d", len(f.Data), cap(f.Data))
		}
	})[0]
	if info.Frames != frames || len(info.Names) > maxNames {
		t.Fatalf("%d frames, said %d", frames, info.Frames)
	}
	if (info.Status == StatusOK) != (info.Reason == "") {
		t.Fatalf("%s: %q", info.Status, info.Reason)
	}
}

// seeds adds the small ones of the shared captures.
func seeds(f *testing.F) {
	dir := os.Getenv("OSECT_SHARED")
	if dir == "" {
		return
	}
	n := 0
	_ = filepath.WalkDir(filepath.Join(dir, "captures"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) == ".json" || n > 100 {
			return nil
		}
		if b, err := os.ReadFile(path); err == nil && len(b) < 2000 {
			f.Add(b)
			n++
		}
		return nil
	})
}

func FuzzPcap(f *testing.F) {
	f.Add(stamped("a", 1, 2, 3))
	f.Add(slices.Concat(pcapHeader(big, 0xa1b2cd34, 1), pcapRecord(big, 5, 6, 4, []byte("abcd"), 0, 0, 0, 2, 0, 8, 1, 0)))
	f.Add(packGzip(stamped("a", 1)))
	f.Add(packZstd(stamped("a", 1)))
	seeds(f)
	f.Fuzz(fuzzRead)
}

func FuzzPcapng(f *testing.F) {
	for _, o := range []order{little, big} {
		f.Add(slices.Concat(ngSection(o), ngInterface(o, 1, 60, ngOption(o, 9, 9), ngOption(o, 14, 0, 0, 0, 0, 0, 0, 0, 1)),
			ngEnhanced(o, 0, 5, 4, []byte("abcd")), ngBlock(o, 3, o.AppendUint32(nil, 4), []byte("abcd")),
			ngBlock(o, 4, ngOption(o, 1, 10, 0, 0, 1, 'x', 0), ngOption(o, 0)),
			ngBlock(o, 2, make([]byte, 8), make([]byte, 4), o.AppendUint32(nil, 4), o.AppendUint32(nil, 4), []byte("abcd"))))
	}
	seeds(f)
	f.Fuzz(fuzzRead)
}
