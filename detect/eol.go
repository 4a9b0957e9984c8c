package detect

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
)

//go:embed eol.txt
var builtinEOL string

// EOL is a table of ends of support.
type EOL struct {
	systems map[string][]supportLine
	rows    int
}

// supportLine is one line of a system: all of it ("-"), an edition, a channel, or a paid extension.
type supportLine struct {
	name   string
	end    int64 // the day after the last of support, ns
	last   string
	source string
}

// generalLine is the line that a system has without more being known.
const generalLine = "-"

// maxEOL is the most rows of a table.
const maxEOL = 20_000

// ParseEOL reads a table of ends of support: text in UTF-8, a row a line, columns separated by tabs: system, line, last
// day of support (2026-10-13), source. Lines that are empty or begin with # are skipped. The error names the
// line and what was expected.
func ParseEOL(r io.Reader) (*EOL, error) {
	t := &EOL{systems: map[string][]supportLine{}}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 4096), 64<<10)
	for n := 1; in.Scan(); n++ {
		line := strings.TrimRight(strings.TrimPrefix(in.Text(), "\uFEFF"), "\r ")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		c := strings.Split(line, "\t")
		if len(c) != 4 || slices.Contains(c, "") {
			return nil, fmt.Errorf("line %d: want four columns separated by tabs: system, line, last day, source", n)
		}
		day, err := time.Parse(time.DateOnly, c[2])
		if err != nil || day.Year() < 1980 || day.Year() > 2200 {
			return nil, fmt.Errorf("line %d: %q is no day such as 2026-10-13", n, c[2])
		}
		for _, l := range t.systems[c[0]] {
			if l.name == c[1] {
				return nil, fmt.Errorf("line %d: %s, line %s is there twice", n, c[0], c[1])
			}
		}
		if t.rows++; t.rows > maxEOL {
			return nil, fmt.Errorf("line %d: over %d rows", n, maxEOL)
		}
		t.systems[c[0]] = append(t.systems[c[0]], supportLine{c[1], day.AddDate(0, 0, 1).UnixNano(), c[2], c[3]})
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	for name, lines := range t.systems {
		if !slices.ContainsFunc(lines, func(l supportLine) bool { return l.name == generalLine }) {
			return nil, fmt.Errorf("%s: no row with the line %q", name, generalLine)
		}
	}
	return t, nil
}

// Count gives how many systems and rows a table has.
func (t *EOL) Count() (systems, rows int) { return len(t.systems), t.rows }

// With is t with the systems of the built-in table that it does not have.
func (t *EOL) With() *EOL {
	for name, lines := range builtinTable().systems {
		if _, ok := t.systems[name]; !ok {
			t.systems[name] = lines
			t.rows += len(lines)
		}
	}
	return t
}

var builtinTable = sync.OnceValue(func() *EOL {
	t, err := ParseEOL(strings.NewReader(builtinEOL))
	if err != nil {
		panic("eol.txt: " + err.Error())
	}
	return t
})

// find is the entry of a system, or of the one that it is a finer name of ("Windows 7 SP1": "Windows 7").
func (t *EOL) find(system string) []supportLine {
	for name := system; name != ""; {
		if lines := t.systems[name]; lines != nil {
			return lines
		}
		i := strings.LastIndexByte(name, ' ')
		name = name[:max(i, 0)]
	}
	return nil
}

// lineOf picks the line that what a device said of itself names: the one of which most words are in one
// of the values, all but the numbers. nil where none is.
func lineOf(lines []supportLine, values []string) *supportLine {
	var best *supportLine
	most := 0
	for i := range lines {
		words := 0
		for _, v := range values {
			n, all := 0, lines[i].name != generalLine
			for w := range strings.FieldsSeq(lines[i].name) {
				if w[0] >= '0' && w[0] <= '9' {
					continue
				}
				all = all && hasWord(v, w)
				n++
			}
			if all {
				words = max(words, n)
			}
		}
		if words > most {
			best, most = &lines[i], words
		}
	}
	return best
}

// hasWord says whether a word is in a text, in whatever case.
func hasWord(text, word string) bool {
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	return false
}

// releaseTokens name releases of distributions in what devices say; $1 is the group. What OpenSSH and Apache packages
// a release came with is known from its package lists.
var releaseTokens = []struct {
	pattern *regexp.Regexp
	release string
	of      map[string]string
}{
	{regexp.MustCompile(`Ubuntu[ /-](\d\d\.\d\d)`), "Ubuntu $1", nil},
	{regexp.MustCompile(`(?:Debian|Raspbian)-\S*deb(\d+)u`), "Debian $1", nil},
	{regexp.MustCompile(`Debian GNU/Linux (\d+)`), "Debian $1", nil},
	{regexp.MustCompile(`OpenSSH_([\w.]+) Ubuntu`), "Ubuntu $1", map[string]string{"5.3p1": "10.04", "5.9p1": "12.04", "6.6.1p1": "14.04", "6.6p1": "14.04",
		"7.2p2": "16.04", "7.6p1": "18.04", "8.2p1": "20.04", "8.9p1": "22.04", "9.6p1": "24.04"}},
	{regexp.MustCompile(`OpenSSH_([\w.]+) (?:Debian|Raspbian)`), "Debian $1", map[string]string{"5.5p1": "6", "6.0p1": "7", "6.7p1": "8", "7.4p1": "9", "7.9p1": "10",
		"8.4p1": "11", "9.2p1": "12"}},
	{regexp.MustCompile(`Apache/(2\.\d+\.\d+) \(Ubuntu\)`), "Ubuntu $1", map[string]string{"2.2.14": "10.04", "2.2.22": "12.04", "2.4.7": "14.04", "2.4.18": "16.04",
		"2.4.29": "18.04", "2.4.41": "20.04", "2.4.52": "22.04", "2.4.58": "24.04"}},
	{regexp.MustCompile(`CentOS(?: Linux)?(?: release)? (\d)`), "CentOS $1", nil},
	{regexp.MustCompile(`Red Hat Enterprise Linux(?: Server)?(?: release)? (\d)`), "Red Hat Enterprise Linux $1", nil},
	{regexp.MustCompile(`^Linux .*\.el(\d)[._]`), "Red Hat Enterprise Linux $1", nil},
	{regexp.MustCompile(`SUSE Linux Enterprise Server (\d+)`), "SUSE Linux Enterprise Server $1", nil},
	{regexp.MustCompile(`FreeBSD[ /-](\d+)`), "FreeBSD $1", nil},
}

// releaseOf is the release that a value names, "" for none.
func releaseOf(value string) string {
	for _, t := range releaseTokens {
		m := t.pattern.FindStringSubmatch(value)
		if m == nil {
			continue
		}
		v := m[1]
		if t.of != nil {
			if v = t.of[v]; v == "" {
				continue
			}
		}
		return strings.Replace(t.release, "$1", v, 1)
	}
	return ""
}
