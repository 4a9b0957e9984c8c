package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// The pcap file format: pcap-savefile(5) and draft-ietf-opsawg-pcap.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Kuznetzov's: 8 more bytes in each record header

	pcapHeaderLen         = 24
	pcapRecordLen         = 16
	pcapModifiedRecordLen = 24
)

// pcapFile is what the header of a pcap file says.
type pcapFile struct {
	format    string
	swapped   bool // big-endian
	recordLen int  // of a record header, bytes
	unit      int64
	link      uint16
	// Files older than version 2.4 have the two lengths of a record in the
	// other order: always up to 2.2, sometimes in 2.3.
	crossed, maybeCrossed bool
}

// startPcap reads the file header if this is a pcap file.
func (s *source) startPcap() bool {
	if len(s.buf) < 4 {
		return false
	}
	p := pcapFile{recordLen: pcapRecordLen, unit: 1000}
	magic := binary.LittleEndian.Uint32(s.buf)
	switch bits.ReverseBytes32(magic) {
	case magicMicro, magicNano, magicModified:
		p.swapped = true
		magic = bits.ReverseBytes32(magic)
	}
	switch magic {
	case magicMicro:
		p.format = "pcap"
	case magicNano:
		p.format, p.unit = "pcap-ns", 1
	case magicModified:
		p.format, p.recordLen = "pcap-modified", pcapModifiedRecordLen
	default:
		return false
	}
	s.pcap = p
	if !s.fill(pcapHeaderLen) {
		s.stopShort("file header", pcapHeaderLen)
		return true
	}
	h := s.buf[s.pos:]
	major, minor := p.u16(h[4:]), p.u16(h[6:])
	switch {
	case major == 2 && minor < 3 || major == 543: // 543.0: an old DG/UX tcpdump
		s.pcap.crossed = true
	case major == 2 && minor == 3:
		s.pcap.maybeCrossed = true
	case major != 2:
		s.stopBroken("pcap version %d.%d is not known: header", major, minor)
		return true
	}
	// The upper 16 bits hold the length of the FCS and reserved bits.
	s.pcap.link = uint16(p.u32(h[20:]))
	s.pos += pcapHeaderLen
	return true
}

func (p *pcapFile) u16(b []byte) uint16 {
	v := binary.LittleEndian.Uint16(b)
	if p.swapped {
		v = bits.ReverseBytes16(v)
	}
	return v
}

func (p *pcapFile) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if p.swapped {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// nextPcap parses one record.
func (s *source) nextPcap() bool {
	p := &s.pcap
	if len(s.buf)-s.pos < p.recordLen && !s.fill(p.recordLen) {
		if len(s.buf) == s.pos {
			return s.stopEnd()
		}
		return s.stopShort("packet header", int64(p.recordLen))
	}
	h := s.buf[s.pos : s.pos+pcapRecordLen]
	captured, wire := p.u32(h[8:]), p.u32(h[12:])
	if p.crossed || p.maybeCrossed && captured > wire {
		captured, wire = wire, captured
	}
	if captured > maxFrame {
		return s.stopBroken("packet %d of %d bytes (over %d) makes no sense:", s.number+1, captured, maxFrame)
	}
	n := p.recordLen + int(captured)
	if len(s.buf)-s.pos < n && !s.fill(n) {
		return s.stopShort("packet", int64(n))
	}
	// After fill: the record may have moved to another block.
	r := s.buf[s.pos : s.pos+n : s.pos+n]
	s.number++
	s.timed = true
	f := &s.ahead
	// ts_sec is unsigned. A fraction of a second or more, as broken writers
	// leave it, is added as it stands.
	f.Time = int64(p.u32(r))*1e9 + int64(p.u32(r[4:]))*p.unit
	f.Data = r[p.recordLen:]
	f.WireLen = max(wire, captured)
	f.Link = p.link
	f.Capture = s.index
	f.Number = s.number
	f.Offset = s.base + int64(s.pos)
	s.pos += n
	return true
}

// foreign are other things that lie around among captures, by how they begin.
var foreign = []struct{ magic, name string }{
	{"version https://git-lfs.github.com/", "a Git-LFS pointer: the file itself was not fetched (git lfs pull)"},
	{"PK\x03\x04", "a ZIP archive: unpack it first"},
	{"PK\x05\x06", "an empty ZIP archive"},
	{"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"},
	{"Rar!\x1a\x07", "a RAR archive: unpack it first"},
	{"\xfd7zXZ\x00", "xz-compressed: unpack it first (gzip and zstd are read as they are)"},
	{"BZh", "bzip2-compressed: unpack it first (gzip and zstd are read as they are)"},
	{"\x04\x22\x4d\x18", "lz4-compressed: unpack it first (gzip and zstd are read as they are)"},
	{"snoop\x00\x00\x00", "a snoop capture, not supported: convert it to pcapng (editcap)"},
	{"GMBU", "a Microsoft Network Monitor capture, not supported: convert it to pcapng (editcap)"},
	{"RTSS", "a Microsoft Network Monitor capture, not supported: convert it to pcapng (editcap)"},
	{"TRSNIFF data", "a Sniffer capture, not supported: convert it to pcapng (editcap)"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"%PDF-", "a PDF document"},
	{"\x7fELF", "a program"},
	{"MZ", "a Windows program"},
	{"\x89PNG", "an image"},
	{"\xff\xd8\xff", "an image"},
	{"GIF8", "an image"},
	{"\x1f\x8b", "gzip inside gzip or zstd: unpack it first"},
	{"\x28\xb5\x2f\xfd", "zstd inside gzip or zstd: unpack it first"},
}

// whatElse names what begins with b and is no capture.
func whatElse(b []byte, packs string) string {
	in := ""
	if packs != "" {
		in = " (inside " + packs + ")"
	}
	if len(b) == 0 {
		return "empty file" + in
	}
	for _, f := range foreign {
		if bytes.HasPrefix(b, []byte(f.magic)) {
			return f.name + in
		}
	}
	if len(b) > 262 && string(b[257:262]) == "ustar" {
		return "a tar archive: unpack it first" + in
	}
	b = b[:min(len(b), 512)]
	text := strings.ToLower(strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")))
	switch {
	case strings.HasPrefix(text, "<!doctype html") || strings.HasPrefix(text, "<html"):
		return "an HTML page: perhaps what a web server said in place of the file" + in
	case strings.HasPrefix(text, "<?xml"):
		return "an XML document" + in
	case isText(b):
		return "text" + in
	case len(b) < 4:
		return fmt.Sprintf("%d bytes are too few for a capture", len(b)) + in
	}
	return fmt.Sprintf("neither pcap nor pcapng: begins with % x", b[:4]) + in
}

// isText tells UTF-8 text, which may be cut within its last character.
func isText(b []byte) bool {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return len(b)-i < utf8.UTFMax && i > 0 && !utf8.FullRune(b[i:])
		}
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f' || r == 0x7f {
			return false
		}
		i += n
	}
	return true
}
