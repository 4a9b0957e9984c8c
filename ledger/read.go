package ledger

import (
	"bytes"
	"io"
	"strings"
)

// Limits of a file.
const (
	maxFile     = 64 << 20 // bytes
	maxRows     = 100_000
	maxColumns  = 256
	headRows    = 20   // among the first of which the head is looked for
	maxProblems = 1000 // that are told each
)

// File is what was read of a ledger file.
type File struct {
	Entries  []Entry   // of the good rows, in their order
	Problems []Problem // by line
	// Bad is the number of rows that were refused; More the number of problems that are not in Problems.
	Bad, More int
	// Refused: the file as a whole; Problems says why.
	Refused bool
}

// problem notes one, up to a number of them.
func (f *File) problem(p Problem) {
	if len(f.Problems) >= maxProblems {
		f.More++
		return
	}
	f.Problems = append(f.Problems, p)
}

func (f *File) refuse(p Problem) *File {
	f.Refused, f.Entries = true, nil
	f.problem(p)
	return f
}

// Read reads a ledger: CSV (comma, tab or semicolon; UTF-8, UTF-16 or CP932) or an .xlsx workbook, told
// apart by their bytes. err is that of r; what is wrong with the content is in File.Problems.
//
// The head is the first row, of the first 20, that names the IP or the MAC column; what stands above it is passed
// over. Columns are found by their names. Without a head the fixed order holds.
func Read(r io.Reader) (*File, error) {
	f := &File{}
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	switch {
	case len(data) > maxFile:
		return f.refuse(Problem{Key: BadTooBig, Args: []any{"most", maxFile >> 20}}), nil
	case bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0")):
		return f.refuse(Problem{Key: BadXLS}), nil
	case bytes.HasPrefix(data, []byte("PK\x03\x04")), bytes.HasPrefix(data, []byte("PK\x05\x06")):
		return f.readXLSX(data), nil
	}
	s, bad := decodeText(data)
	if bad != "" {
		return f.refuse(Problem{Key: bad}), nil
	}
	t := table{f: f}
	readLines(s, t.row)
	return t.end(), nil
}

// table takes rows of a file one after the other.
type table struct {
	f       *File
	head    []line   // rows before the head was found
	columns []Column // by cell, -1 for none; nil before the head
	names   []string // cells of the head, folded
	rows    int
	stop    bool
}

func empty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" && narrow(c) != "" {
			return false
		}
	}
	return true
}

// row takes a row; false: no more is wanted.
func (t *table) row(l *line) bool {
	if l.bad == "" && empty(l.cells) {
		return true
	}
	if t.columns == nil {
		if t.isHead(l) {
			return !t.stop
		}
		t.head = append(t.head, *l)
		if len(t.head) < headRows {
			return true
		}
		t.begin()
		return !t.stop
	}
	t.data(l)
	return !t.stop
}

// begin settles that there is no head: the rows so far are data in the fixed order, if the first is data.
func (t *table) begin() {
	if len(t.head) == 0 || t.columns != nil {
		return
	}
	first := t.head[0]
	isData := false
	for i, parse := range []func(string) (string, *fail){parseIPs, parseMAC} {
		if i < len(first.cells) {
			v, f := parse(first.cells[i])
			isData = isData || f == nil && v != ""
		}
	}
	if !isData {
		t.stop = true
		t.f.refuse(Problem{Line: first.number, Key: BadHeader})
		return
	}
	t.columns = make([]Column, Columns)
	for c := range Columns {
		t.columns[c] = c
	}
	for i := range t.head {
		if !t.stop {
			t.data(&t.head[i])
		}
	}
}

// isHead takes the row for the head if it is one.
func (t *table) isHead(l *line) bool {
	if l.bad != "" {
		return false
	}
	keyed := false
	for _, s := range l.cells {
		c, ok := ParseColumn(s)
		keyed = keyed || ok && (c == IP || c == MAC)
	}
	if !keyed {
		return false
	}
	t.columns = []Column{}
	at := map[Column]int{}
	for i, s := range l.cells {
		name := foldName(s)
		t.names = append(t.names, name)
		c, ok := ParseColumn(s)
		switch first, twice := at[c]; {
		case name == "":
			c = -1
		case !ok:
			t.f.problem(Problem{Line: l.number, Column: i + 1, Key: WarnColumn, Args: []any{"value", short(narrow(s))}, Warning: true})
			c = -1
		case twice:
			t.f.refuse(Problem{Line: l.number, Column: i + 1, Key: BadTwice, Args: []any{"value", short(narrow(s)), "column", c.Key(), "first", first}})
			t.stop = true
			return true
		default:
			at[c] = i + 1
		}
		t.columns = append(t.columns, c)
	}
	return true
}

// again says whether the row is the head once more, as on each page of a print.
func (t *table) again(l *line) bool {
	if len(t.names) == 0 || len(l.cells) < len(t.names) {
		return false
	}
	for i, n := range t.names {
		if foldName(l.cells[i]) != n {
			return false
		}
	}
	return true
}

// data takes a row of data.
func (t *table) data(l *line) {
	f := t.f
	if t.rows++; t.rows > maxRows {
		t.stop = true
		f.refuse(Problem{Line: l.number, Key: BadTooMany, Args: []any{"most", maxRows}})
		return
	}
	if l.bad != "" {
		f.Bad++
		args := []any{}
		if l.bad == BadTooWide {
			args = []any{"most", maxColumns}
		}
		f.problem(Problem{Line: l.number, Column: max(len(l.cells), 1), Key: l.bad, Args: args})
		return
	}
	if t.again(l) {
		return
	}
	e := Entry{Line: l.number}
	e.Cells[State] = Confirmed
	good := true
	bad := func(column int, x *fail) {
		good = false
		f.problem(Problem{Line: l.number, Column: column, Key: x.key, Args: x.args})
	}
	for i, s := range l.cells {
		c := Column(-1)
		if i < len(t.columns) {
			c = t.columns[i]
		} else if narrow(s) != "" {
			bad(i+1, failed(BadCells, "n", len(t.columns)))
			break
		}
		if c < 0 {
			continue
		}
		v, x := parseCell(c, s)
		if x != nil {
			bad(i+1, x)
			continue
		}
		e.Cells[c] = v
	}
	if good && e.Name() == "" {
		bad(0, failed(BadNoAddress))
	}
	if !good {
		f.Bad++
		return
	}
	f.Entries = append(f.Entries, e)
}

// end finishes: rows that are there twice go.
func (t *table) end() *File {
	f := t.f
	if !t.stop {
		t.begin()
	}
	switch {
	case f.Refused:
		return f
	case t.columns == nil:
		return f.refuse(Problem{Key: BadEmpty})
	case t.rows == 0:
		return f.refuse(Problem{Key: BadNoRows})
	}
	f.distinct()
	return f
}

// overlap says whether two sites, "" for any, may be one.
func overlap(a, b string) bool { return a == b || a == "" || b == "" }

// distinct refuses rows that say what another row says already: of two rows with one MAC the
// later; of two with one address that which has no MAC (MAC wins over IP), else the later. Two
// MACs with one address stand, with a warning.
func (f *File) distinct() {
	drop := make([]bool, len(f.Entries))
	refuse := func(i int, key Key, value string, other *Entry) {
		if !drop[i] {
			drop[i] = true
			f.Bad++
			f.problem(Problem{Line: f.Entries[i].Line, Key: key, Args: []any{"value", value, "line", other.Line}})
		}
	}
	first := map[string][]int{} // by MAC
	for i := range f.Entries {
		e := &f.Entries[i]
		m := e.Cells[MAC]
		if m == "" {
			continue
		}
		for _, j := range first[m] {
			if f.Entries[j].Cells[Site] == e.Cells[Site] {
				refuse(i, BadSameMAC, m, &f.Entries[j])
			}
		}
		if !drop[i] {
			first[m] = append(first[m], i)
		}
	}
	const look = 16 // of an address that stands more often only the first are looked at
	byIP := map[string][]int{}
	for i := range f.Entries {
		e := &f.Entries[i]
		if drop[i] {
			continue
		}
		for _, ip := range e.IPs() {
			for _, j := range byIP[ip] {
				o := &f.Entries[j]
				switch {
				case drop[i] || drop[j] || !overlap(o.Cells[Site], e.Cells[Site]):
				case e.Cells[MAC] == "":
					refuse(i, BadSameIP, ip, o)
				case o.Cells[MAC] == "":
					refuse(j, BadSameIP, ip, e)
				case o.Cells[MAC] != e.Cells[MAC]:
					f.problem(Problem{Line: e.Line, Key: WarnIP, Args: []any{"value", ip, "line", o.Line, "mac", o.Cells[MAC]}, Warning: true})
				}
			}
			if len(byIP[ip]) < look {
				byIP[ip] = append(byIP[ip], i)
			}
		}
	}
	kept := f.Entries[:0]
	for i, e := range f.Entries {
		if !drop[i] {
			kept = append(kept, e)
		}
	}
	f.Entries = kept
	f.sort()
}
