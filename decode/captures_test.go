package decode

import (
	"bytes"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// frame is one record of a capture file.
type frame struct {
	link uint16
	wire uint32
	data []byte
}

// sharedCaptures gives the folder of captures that are not part of the project:
// $OSECT_SHARED/captures or the first ../shared/captures found going up.
func sharedCaptures(t testing.TB) string {
	t.Helper()
	var tried []string
	if s := os.Getenv("OSECT_SHARED"); s != "" {
		tried = []string{filepath.Join(s, "captures")}
	} else {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
			tried = append(tried, filepath.Join(up, "shared", "captures"))
		}
	}
	for _, c := range tried {
		if st, err := os.Stat(c); err == nil && st.IsDir() {
			return c
		}
	}
	if os.Getenv("OSECT_REQUIRE_SHARED") == "1" {
		t.Fatalf("no captures in %v", tried)
	}
	t.Skip("no-captures")
	return ""
}

// captureFiles lists the captures below dir, relative to it.
func captureFiles(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.IsDir() && (strings.HasSuffix(path, ".pcap") || strings.HasSuffix(path, ".pcapng")) {
			rel, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	return names
}

// readFrames reads a pcap or pcapng file as far as it goes: a reader for tests
// that is independent of the capture room.
func readFrames(t testing.TB, path string) []frame {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < 24 {
		return nil
	}
	if binary.BigEndian.Uint32(b) == 0x0a0d0d0a {
		return readNG(b)
	}
	var o binary.ByteOrder = binary.LittleEndian
	extra := 0
	for {
		switch o.Uint32(b) {
		case 0xa1b2cd34: // "modified": 8 bytes more a record
			extra = 8
		case 0xa1b2c3d4, 0xa1b23c4d:
		default:
			if o == binary.BigEndian {
				t.Fatalf("%s: no capture", path)
			}
			o = binary.BigEndian
			continue
		}
		break
	}
	link := uint16(o.Uint32(b[20:]))
	var out []frame
	for b = b[24:]; len(b) >= 16+extra; {
		n := int(o.Uint32(b[8:]))
		wire := o.Uint32(b[12:])
		b = b[16+extra:]
		if n > len(b) {
			break
		}
		out = append(out, frame{link, wire, b[:n:n]})
		b = b[n:]
	}
	return out
}

func readNG(b []byte) []frame {
	var o binary.ByteOrder = binary.LittleEndian
	type iface struct {
		link uint16
		snap uint32
	}
	var ifs []iface
	var out []frame
	for len(b) >= 12 {
		typ := o.Uint32(b)
		if typ == 0x0a0d0d0a {
			if bytes.Equal(b[8:12], []byte{0x1a, 0x2b, 0x3c, 0x4d}) {
				o = binary.BigEndian
			} else {
				o = binary.LittleEndian
			}
			ifs = nil
		}
		n := int(o.Uint32(b[4:]))
		if n < 12 || n > len(b) {
			break
		}
		body := b[8 : n-4]
		b = b[n:]
		switch typ {
		case 1:
			ifs = append(ifs, iface{o.Uint16(body), o.Uint32(body[4:])})
		case 6, 2: // enhanced, obsolete
			i := int(o.Uint32(body))
			if typ == 2 {
				i = int(o.Uint16(body))
			}
			size, wire := int(o.Uint32(body[12:])), o.Uint32(body[16:])
			if i >= len(ifs) || 20+size > len(body) {
				continue
			}
			out = append(out, frame{ifs[i].link, wire, body[20 : 20+size : 20+size]})
		case 3: // simple
			if len(ifs) == 0 {
				continue
			}
			wire := o.Uint32(body)
			size := min(int(wire), len(body)-4)
			if s := ifs[0].snap; s != 0 {
				size = min(size, int(s))
			}
			out = append(out, frame{ifs[0].link, wire, body[4 : 4+size : 4+size]})
		}
	}
	return out
}
