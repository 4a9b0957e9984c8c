package capture

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
)

// TestAgainstGopacket holds every frame of every shared capture against
// gopacket's readers, for what those can read: no modified pcap, one link type
// a file, and µs or ns.
func TestAgainstGopacket(t *testing.T) {
	dir := sharedCaptures(t)
	files, frames := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var theirs gopacket.PacketDataSource
		if r, err := pcapgo.NewReader(bytes.NewReader(content)); err == nil {
			theirs = r
		} else if r, err := pcapgo.NewNgReader(bytes.NewReader(content), pcapgo.NgReaderOptions{}); err == nil {
			theirs = r
		} else {
			return nil
		}
		files++
		s, err := Open(context.Background(), []string{path}, Options{noSum: true})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return nil
		}
		gone := false
		n := 0
		readAll(t, s, func(f *Frame) {
			if gone {
				return
			}
			data, info, err := theirs.ReadPacketData()
			if err != nil { // they gave up, we did not
				if err != io.EOF {
					t.Logf("%s: gopacket stops at frame %d: %v", path, f.Number, err)
				} else {
					t.Errorf("%s: frame %d is one too many", path, f.Number)
				}
				gone = true
				return
			}
			n++
			// gopacket keeps pcap's fraction as it is and drops what is over a
			// second in pcapng: both come to the same here.
			if !bytes.Equal(data, f.Data) || max(info.Length, info.CaptureLength) != int(f.WireLen) ||
				!info.Timestamp.IsZero() && info.Timestamp.UnixNano() != f.Time {
				t.Errorf("%s: frame %d: %d bytes of %d at %d, theirs %d of %d at %d", path, f.Number,
					len(f.Data), f.WireLen, f.Time, len(data), info.Length, info.Timestamp.UnixNano())
				gone = true
			}
		})
		if !gone {
			if _, _, err := theirs.ReadPacketData(); err == nil {
				t.Errorf("%s: gopacket reads on after frame %d", path, n)
			}
		}
		frames += n
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Error("no captures")
	}
	t.Logf("%d captures, %d frames equal", files, frames)
}
