package ledger

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// narrow writes full-width letters, digits and signs as ASCII and half-width katakana as full-width
// (Unicode's compatibility forms), leaves out what has no shape (zero width, direction marks) and
// trims spaces of every kind.
func narrow(s string) string {
	if ascii(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimFunc(shapeless(norm.NFKC.String(s)), unicode.IsSpace)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// plain is a text of people: its letters stay as they are; line breaks and tabs become spaces.
func plain(s string) string {
	if !ascii(s) {
		s = shapeless(s)
	}
	if strings.ContainsAny(s, "\r\n\t") {
		s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\r' || r == '\n' || r == '\t' }), " ")
	}
	return strings.TrimFunc(s, unicode.IsSpace)
}

// shapeless leaves out format characters (Unicode category Cf) such as U+200B, U+FEFF and U+202E.
func shapeless(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
}

// foldName is a column's name or a word without what people write differently: width, case, spaces and signs.
func foldName(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("-_.・/()[]*※:'\"", r) {
			return -1
		}
		return unicode.ToLower(r)
	}, narrow(s))
}
