package ledger

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// decodeText makes UTF-8 of a file's bytes: by its byte order mark; else UTF-16 where every second of its
// first bytes is 0; else UTF-8 where all of it is valid, or more letters beyond ASCII are than bytes are not; else CP932
// (Shift_JIS as Windows writes it). What is no text in the encoding becomes U+FFFD.
func decodeText(data []byte) (string, Key) {
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return string(bytes.ToValidUTF8(data[3:], []byte("\uFFFD"))), ""
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		e = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case zeros(data, 1):
		e = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zeros(data, 0):
		e = unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case bytes.Contains(data, []byte("\x1b$B")) || bytes.Contains(data, []byte("\x1b$@")):
		return "", BadJIS
	case bytes.IndexByte(data, 0) >= 0:
		return "", BadBinary
	case utf8.Valid(data):
		return string(data), ""
	case mostlyUTF8(data):
		return string(bytes.ToValidUTF8(data, []byte("\uFFFD"))), ""
	default:
		e = japanese.ShiftJIS
	}
	out, err := e.NewDecoder().Bytes(data)
	if err != nil {
		return "", BadBinary
	}
	return string(out), ""
}

// mostlyUTF8 says whether data has more valid letters beyond ASCII than bytes that are none: of CP932 hardly any are.
func mostlyUTF8(data []byte) bool {
	letters, broken := 0, 0
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			broken++
		case n > 1:
			letters++
		}
		data = data[n:]
	}
	return letters > broken
}

// zeros says whether, of the first characters that UTF-16 writes with a byte 0, most have it at
// the place of parity, and none at the other.
func zeros(data []byte, parity int) bool {
	var n [2]int
	for i, b := range data[:min(len(data), 512)&^1] {
		if b == 0 {
			n[i&1]++
		}
	}
	return n[parity] >= 4 && n[1-parity] == 0
}
