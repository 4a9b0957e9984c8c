package ot

import "bytes"

// Printable says whether p is printable ASCII, at least one character.
func Printable(p []byte) bool {
	for _, c := range p {
		if c < 0x20 || c > 0x7e {
			return false
		}
	}
	return len(p) > 0
}

// Text is what a field of fixed size says: up to its first 00, without the blanks
// behind; none where that is not printable ASCII.
func Text(field []byte) []byte {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	if field = bytes.TrimRight(field, " "); !Printable(field) {
		return nil
	}
	return field
}

// AppendHex appends v in hexadecimal with so many digits, lower case.
func AppendHex(b []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		b = append(b, "0123456789abcdef"[v>>(4*i)&15])
	}
	return b
}
