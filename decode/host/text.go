package host

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"osect/decode"
)

// be16, be32, le16 and le32 read numbers; the caller has checked that they are there.
func be16(p []byte) int { return int(binary.BigEndian.Uint16(p)) }
func be32(p []byte) int { return int(binary.BigEndian.Uint32(p)) }
func le16(p []byte) int { return int(binary.LittleEndian.Uint16(p)) }
func le32(p []byte) int { return int(binary.LittleEndian.Uint32(p)) }

func ipv4(p []byte) decode.Addr { return decode.IPv4(binary.BigEndian.Uint32(p)) }

// ipv6 reads 16 bytes; ok is false for :: and for what decode.Addr keeps for other kinds.
func ipv6(p []byte) (a decode.Addr, ok bool) {
	a = decode.IPv6(p)
	return a, !a.IsZero() && !a.Reserved()
}

// unspecified says whether a is 0.0.0.0 or ::.
func unspecified(a decode.Addr) bool { return a.Lo == 0 && (a.Hi == 0 || a.IsIPv4()) }

// utf16le appends the UTF-16LE text of p to dst as UTF-8, up to a NUL. It
// returns how many bytes of p the text and its NUL took.
func utf16le(dst, p []byte) ([]byte, int) {
	for i := 0; i+2 <= len(p); i += 2 {
		r := rune(binary.LittleEndian.Uint16(p[i:]))
		if r == 0 {
			return dst, i + 2
		}
		if utf16.IsSurrogate(r) && i+4 <= len(p) {
			if both := utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(p[i+2:]))); both != utf8.RuneError {
				r = both
				i += 2
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, len(p)
}

// cstring is the text of p up to a NUL.
func cstring(p []byte) []byte {
	if i := bytes.IndexByte(p, 0); i >= 0 {
		return p[:i]
	}
	return p
}

// line cuts the first line off p, without its LF or CR LF; ok is false where none ends.
func line(p []byte) (first, rest []byte, ok bool) {
	i := bytes.IndexByte(p, '\n')
	if i < 0 {
		return nil, p, false
	}
	first, rest = p[:i], p[i+1:]
	if n := len(first); n > 0 && first[n-1] == '\r' {
		first = first[:n-1]
	}
	return first, rest, true
}

// header splits "Name: value" and trims the value.
func header(l []byte) (name, value []byte) {
	i := bytes.IndexByte(l, ':')
	if i <= 0 {
		return nil, nil
	}
	return l[:i], bytes.Trim(l[i+1:], " \t")
}

// is compares a header's name to a word in lower case.
func is(name []byte, word string) bool {
	if len(name) != len(word) {
		return false
	}
	for i := range word {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// appendMAC writes six bytes in lower-case hex with colons.
func appendMAC(dst, p []byte) []byte {
	const digits = "0123456789abcdef"
	for i, c := range p[:6] {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// dotted writes numbers in decimal with dots.
func dotted(dst []byte, n ...int) []byte {
	for i, x := range n {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = strconv.AppendInt(dst, int64(x), 10)
	}
	return dst
}

// text says whether p is text in ASCII: no control characters but tab, no byte over 7e.
func text(p []byte) bool {
	for _, c := range p {
		if c < ' ' && c != '\t' || c > '~' {
			return false
		}
	}
	return true
}
