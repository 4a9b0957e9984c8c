// Package text is the catalogue of everything osect says to people, in Japanese and English.
//
// Each language is a folder of files, one an area: ja/report.txt, en/report.txt and so on. A line is
// "key = text"; lines that are empty or begin with # are skipped; "\n" in a text is a line break, "\s" a space
// at its end. A key begins with the name of its file and a dot (report.title stands in report.txt).
//
// A text may hold named placeholders: "{src} → {dst}". English texts that count write the word's two forms
// behind the placeholder's name: "{n} {n|device|devices}" gives "1 device" and "2 devices".
//
// To add a text, add its line to the same file of both languages; the package's tests compare them.
package text

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Lang is a language of the catalogue: JA or EN.
type Lang string

// The languages. JA is the default of every command and report.
const (
	JA Lang = "ja"
	EN Lang = "en"
)

//go:embed ja/*.txt en/*.txt
var files embed.FS

var catalogue = map[Lang]map[string]string{JA: mustLoad(JA), EN: mustLoad(EN)}

// ParseLang reads a language as users write it ("ja", "en").
func ParseLang(s string) (Lang, error) {
	switch l := Lang(strings.ToLower(s)); l {
	case JA, EN:
		return l, nil
	}
	return "", fmt.Errorf("unknown language %q: use ja or en", s)
}

// Get returns the text of key in language l with its placeholders replaced. args are pairs of a placeholder's name
// and its value: Get(EN, "report.page", "n", 2, "of", 3). A placeholder without a value stays as it is; a key
// that is in no file is returned as it is; an unknown language reads as JA.
func Get(l Lang, key string, args ...any) string {
	s, ok := lookup(l)[key]
	if !ok {
		return key
	}
	return Expand(s, args...)
}

// Has says whether key is in the catalogue.
func Has(key string) bool {
	_, ok := catalogue[JA][key]
	return ok
}

// Or returns the text of key, or fallback where the catalogue has no such key. It is for names of
// open sets: a vendor's protocol, a role that a newer sensor sent.
func Or(l Lang, key, fallback string) string {
	if s, ok := lookup(l)[key]; ok {
		return s
	}
	return fallback
}

// Keys returns all keys of the catalogue, sorted.
func Keys() []string { return slices.Sorted(maps.Keys(catalogue[JA])) }

func lookup(l Lang) map[string]string {
	if m, ok := catalogue[l]; ok {
		return m
	}
	return catalogue[JA]
}

// Expand replaces the placeholders of s by the values in args (pairs of name and value), as Get does. Values
// are never searched for placeholders themselves.
func Expand(s string, args ...any) string {
	if !strings.Contains(s, "{") {
		return s
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		inner, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteString("{" + rest)
			return b.String()
		}
		name, forms, counted := strings.Cut(inner, "|")
		value, ok := argument(name, args)
		switch {
		case !ok:
			b.WriteString("{" + inner + "}")
		case counted:
			one, other, _ := strings.Cut(forms, "|")
			if value == "1" {
				b.WriteString(one)
			} else {
				b.WriteString(other)
			}
		default:
			b.WriteString(value)
		}
		s = after
	}
}

func argument(name string, args []any) (string, bool) {
	for i := 0; i+1 < len(args); i += 2 {
		if args[i] == name {
			return fmt.Sprint(args[i+1]), true
		}
	}
	return "", false
}

// Integer writes n with a comma after every third digit: 1,234,567. Both languages write it so.
func Integer[T ~int | ~int64 | ~uint64 | ~uint32](n T) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// mustLoad reads the embedded files of one language. They are part of the program: a fault in them is a programmer's.
func mustLoad(l Lang) map[string]string {
	m := map[string]string{}
	entries, err := files.ReadDir(string(l))
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		name := string(l) + "/" + e.Name()
		data, err := files.ReadFile(name)
		if err != nil {
			panic(err)
		}
		if err := parse(m, strings.TrimSuffix(e.Name(), ".txt"), string(data)); err != nil {
			panic("text/" + name + err.Error())
		}
	}
	return m
}

var escapes = strings.NewReplacer(`\n`, "\n", `\s`, " ")

// parse adds the lines of one file to m.
func parse(m map[string]string, area, data string) error {
	n := 0
	for line := range strings.Lines(data) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		if !ok || value == "" {
			return fmt.Errorf(":%d: want \"key = text\"", n)
		}
		if !strings.HasPrefix(key, area+".") {
			return fmt.Errorf(":%d: key %s does not begin with %q", n, key, area+".")
		}
		if _, twice := m[key]; twice {
			return fmt.Errorf(":%d: key %s stands twice", n, key)
		}
		m[key] = escapes.Replace(value)
	}
	return nil
}
