package ledger

import (
	"bufio"
	"io"
	"strings"

	"osect/text"
)

// line is a row of a file before its cells are read.
type line struct {
	number int // of its first line, from 1
	cells  []string
	bad    Key // what is wrong with the row as such
}

// readLines splits a text into rows (RFC 4180, and what spreadsheets write beside it): the separator
// is whichever of comma, tab and semicolon the first line with any has most of; lines end in LF, CRLF or CR; a quote inside
// a cell that did not begin with one is itself. Where a quoted cell has no end, that row alone is
// bad and the next line is read anew.
func readLines(s string, row func(*line) bool) {
	sep := separator(s)
	n := 1
	for len(s) > 0 {
		l, rest, lines := readLine(s, sep)
		l.number = n
		n += lines
		s = rest
		if !row(&l) {
			return
		}
	}
}

func separator(s string) byte {
	for l := range strings.Lines(s) {
		best, most := byte(','), 0
		for _, c := range []byte{',', '\t', ';'} {
			if n := strings.Count(l, string(c)); n > most {
				best, most = c, n
			}
		}
		if most > 0 {
			return best
		}
	}
	return ','
}

// readLine reads one row, and says how many lines of the file it took.
func readLine(s string, sep byte) (l line, rest string, lines int) {
	begin := s
	lines = 1
	for {
		if strings.HasPrefix(s, `"`) {
			cell, after, broken, ok := quoted(s[1:])
			if !ok {
				// Only this line is bad: the quote swallowed what follows.
				_, rest = cutLine(begin)
				return line{bad: BadQuote}, rest, 1
			}
			lines += broken
			l.cells = append(l.cells, cell)
			s = after
			if s != "" && s[0] != sep && s[0] != '\n' && s[0] != '\r' {
				l.bad = BadAfterQuote
				_, rest = cutLine(s)
				return l, rest, lines
			}
		} else {
			end := 0
			for end < len(s) && s[end] != sep && s[end] != '\n' && s[end] != '\r' {
				end++
			}
			l.cells = append(l.cells, s[:end])
			s = s[end:]
		}
		if s == "" || s[0] != sep {
			_, rest = cutLine(s)
			return l, rest, lines
		}
		if len(l.cells) >= maxColumns {
			_, rest = cutLine(s)
			return line{bad: BadTooWide}, rest, lines
		}
		s = s[1:]
	}
}

// quoted reads a quoted cell behind its opening quote; broken counts the line breaks in it.
func quoted(s string) (cell, rest string, broken int, ok bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 || b.Len()+i > 4*maxCell+4 {
			return "", "", 0, false
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		if !strings.HasPrefix(s, `"`) {
			cell = b.String()
			return cell, s, strings.Count(strings.ReplaceAll(strings.ReplaceAll(cell, "\r\n", "\n"), "\r", "\n"), "\n"), true
		}
		b.WriteByte('"')
		s = s[1:]
	}
}

// cutLine cuts behind the next line break: LF, CRLF or CR.
func cutLine(s string) (before, after string) {
	i := strings.IndexAny(s, "\r\n")
	switch {
	case i < 0:
		return s, ""
	case s[i] == '\r' && strings.HasPrefix(s[i+1:], "\n"):
		return s[:i], s[i+2:]
	}
	return s[:i], s[i+1:]
}

// WriteCSV writes a ledger with all its columns in their order, heads in lang: UTF-8, lines ending in
// LF. A cell that a spreadsheet would compute has an apostrophe before it. What Read makes of
// the file is the same ledger, and writing that gives the same bytes.
func WriteCSV(out io.Writer, entries []Entry, lang text.Lang, bom bool) error {
	w := bufio.NewWriter(out)
	if bom {
		w.WriteString("\uFEFF") // bufio keeps the first error for Flush
	}
	var cells [Columns]string
	for c := range Columns {
		cells[c] = c.Title(lang)
	}
	writeLine(w, &cells)
	for i := range entries {
		for c, s := range entries[i].Cells {
			if formula(s) {
				s = "'" + s
			}
			cells[c] = s
		}
		writeLine(w, &cells)
	}
	return w.Flush()
}

func writeLine(w *bufio.Writer, cells *[Columns]string) {
	for i, s := range cells {
		if i > 0 {
			w.WriteByte(',')
		}
		if strings.ContainsAny(s, ",\"\r\n") || s != strings.TrimSpace(s) {
			w.WriteByte('"')
			w.WriteString(strings.ReplaceAll(s, `"`, `""`))
			w.WriteByte('"')
		} else {
			w.WriteString(s)
		}
	}
	w.WriteByte('\n')
}
