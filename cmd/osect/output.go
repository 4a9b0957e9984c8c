package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"osect/store"
	"osect/text"
)

// defaultLimit is how many rows a table or a JSON array has when nothing is said.
const defaultLimit = 1000

// listOptions are the flags of every listing.
type listOptions struct {
	format string
	bom    bool
	limit  int
	all    bool
	wide   bool
}

func (o *listOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.format, "format", "table", "`form`: table, json or csv")
	f.BoolVar(&o.bom, "bom", false, "begin CSV with a byte order mark, for Excel")
	f.IntVar(&o.limit, "limit", defaultLimit, "at most `N` rows (CSV: all, unless this is given)")
	f.BoolVar(&o.all, "all", false, "all rows")
	f.BoolVar(&o.wide, "wide", false, "table: all columns, however wide")
}

// check completes the options: afterwards limit is the most rows, 0 for all.
func (o *listOptions) check(limitGiven bool) error {
	if err := checkFormat(o.format, "table", "json", "csv"); err != nil {
		return err
	}
	switch {
	case o.bom && o.format != "csv":
		return usageErrorf("--bom is for --format csv")
	case o.limit <= 0 && limitGiven && !o.all:
		return usageErrorf("--limit %d: want a number of rows above 0, or --all", o.limit)
	case o.all, o.format == "csv" && !limitGiven:
		o.limit = 0
	}
	return nil
}

func checkFormat(format string, allowed ...string) error {
	if !slices.Contains(allowed, format) {
		return usageErrorf("--format %q: use %s", format, strings.Join(allowed, ", "))
	}
	return nil
}

// oneOf checks the value of a flag against a list; "" is always allowed.
func oneOf[S ~string](flag string, value S, allowed ...S) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	var b strings.Builder
	for i, s := range allowed {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return usageErrorf("--%s %q: use one of %s", flag, value, b.String())
}

// column is a column of a table for people.
type column[T any] struct {
	key  string // heads it: cli.column.<key>, else column.<key> of the catalogue
	cell func(r *T) string
	layout
	colour func(r *T) string // an SGR code, "" for none; used on terminals only
}

// listing prints rows of one kind. The fields of T with their json tags are the
// keys of JSON and CSV and the columns of --wide; columns are those of the
// table that fits 80 columns.
type listing[T any] struct {
	columns []column[T]
}

// print asks each for rows and prints them as o says. each calls fn for at most
// limit rows (0: all) and says whether there are more.
func (l listing[T]) print(a *app, o *listOptions, each func(limit int, fn func(*T) error) (more bool, err error)) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	var w rowWriter[T]
	switch o.format {
	case "json":
		w = newJSONRows[T](out)
	case "csv":
		w = newCSVRows[T](out, o.bom)
	default:
		w = &tableRows[T]{a: a, w: out, columns: l.columns, wide: o.wide}
	}
	n := 0
	more, err := each(o.limit, func(r *T) error { n++; return w.row(r) })
	if err == nil {
		err = w.end()
	}
	if e := out.Flush(); err == nil && e != nil {
		err = fmt.Errorf("standard output: %w", e)
	}
	if err == nil && more {
		a.note(a.get("cli.more", "n", n))
	}
	return err
}

// slice is the each of rows that are in memory: the first of them.
func slice[T any](rows []T) func(limit int, fn func(*T) error) (bool, error) {
	return func(limit int, fn func(*T) error) (bool, error) {
		n := len(rows)
		if limit > 0 {
			n = min(n, limit)
		}
		return n < len(rows), visit(rows[:n], fn)
	}
}

func visit[T any](rows []T, fn func(*T) error) error {
	for i := range rows {
		if err := fn(&rows[i]); err != nil {
			return err
		}
	}
	return nil
}

type rowWriter[T any] interface {
	row(r *T) error
	end() error
}

// jsonRows writes an array, one row a line.
type jsonRows[T any] struct {
	w   *bufio.Writer
	buf bytes.Buffer
	enc *json.Encoder
	n   int
}

func newJSONRows[T any](w *bufio.Writer) *jsonRows[T] {
	j := &jsonRows[T]{w: w}
	j.enc = json.NewEncoder(&j.buf)
	j.enc.SetEscapeHTML(false)
	return j
}

func (j *jsonRows[T]) row(r *T) error {
	j.buf.Reset()
	if err := j.enc.Encode(r); err != nil {
		return err
	}
	sep := ",\n"
	if j.n == 0 {
		sep = "[\n"
	}
	j.n++
	j.w.WriteString(sep)
	_, err := j.w.Write(escapeJSON(bytes.TrimSuffix(j.buf.Bytes(), []byte("\n"))))
	return err
}

func (j *jsonRows[T]) end() error {
	s := "\n]\n"
	if j.n == 0 {
		s = "[]\n"
	}
	_, err := j.w.WriteString(s)
	return err
}

// printJSON writes one object, indented.
func printJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	if err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// escapeJSON escapes what encoding/json leaves as it is although a terminal
// would act on it: DEL, C1 controls, direction marks.
func escapeJSON(b []byte) []byte {
	plain := true
	for _, c := range b {
		if c >= 0x7f {
			plain = false
			break
		}
	}
	if plain {
		return b
	}
	out := make([]byte, 0, len(b)+16)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r < 0x7f || unicode.IsPrint(r) {
			out = append(out, b[i:i+n]...)
		} else if r <= 0xffff {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		i += n
	}
	return out
}

// field is a field of a row that has a json tag.
type field struct {
	key   string
	index []int
	typ   reflect.Type
}

func fieldsOf(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" && key != "-" {
			out = append(out, field{key, f.Index, f.Type})
		}
	}
	return out
}

// csvRows writes a header and rows with the same keys as JSON.
type csvRows[T any] struct {
	w      *csv.Writer
	fields []field
	cells  []string
}

func newCSVRows[T any](w *bufio.Writer, bom bool) *csvRows[T] {
	if bom {
		w.WriteString("\uFEFF")
	}
	c := &csvRows[T]{w: csv.NewWriter(w), fields: fieldsOf(reflect.TypeFor[T]())}
	c.cells = make([]string, len(c.fields))
	for i, f := range c.fields {
		c.cells[i] = f.key
	}
	c.w.Write(c.cells) // its error comes again at Flush
	return c
}

func (c *csvRows[T]) row(r *T) error {
	v := reflect.ValueOf(r).Elem()
	for i, f := range c.fields {
		c.cells[i] = noFormula(plain(v.FieldByIndex(f.index)))
	}
	return c.w.Write(c.cells)
}

func (c *csvRows[T]) end() error {
	c.w.Flush()
	return c.w.Error()
}

// plain is a value of a row as text: a list separated by spaces, nothing for null.
func plain(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return clean(x)
	case store.Time:
		return x.String()
	case []string:
		return clean(strings.Join(x, " "))
	}
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return strconv.FormatUint(v.Uint(), 10)
	case reflect.String:
		return clean(v.String())
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return plain(v.Elem())
	case reflect.Slice:
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = plain(v.Index(i))
		}
		return strings.Join(parts, " ")
	}
	return clean(fmt.Sprint(v.Interface()))
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// noFormula puts an apostrophe before a cell that a spreadsheet would compute:
// one that begins with = + - @ or their full-width forms and is no number.
// This is the rule of the report's CSV files too.
func noFormula(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	if s != "" && strings.ContainsRune("=+-@＝＋－＠", r) && !plainNumber.MatchString(s) {
		return "'" + s
	}
	return s
}

// clean makes a text from wire or file safe for a terminal: what is not
// printable is written as \x1b or \u202e.
func clean(s string) string {
	ok := true
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			ok = false
			break
		}
	}
	if ok {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1, r < 0x80 && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.String()
}

// tableChunk is how many rows make a table of their own, so that --all of very
// many rows needs little memory.
const tableChunk = 5000

type tableRows[T any] struct {
	a       *app
	w       io.Writer
	columns []column[T]
	wide    bool
	cells   [][]string
	colours [][]string // as cells, nil without colour
	n       int
}

// wideColumns are the columns of --wide: all fields.
func (t *tableRows[T]) wideColumns() []column[T] {
	var out []column[T]
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		right := false
		switch f.typ.Kind() {
		case reflect.Int, reflect.Uint64, reflect.Uint16, reflect.Uint8, reflect.Int64:
			right = f.typ != reflect.TypeFor[store.Time]()
		}
		out = append(out, column[T]{key: f.key, layout: layout{right: right}, cell: func(r *T) string {
			v := reflect.ValueOf(r).Elem().FieldByIndex(f.index)
			if at, ok := v.Interface().(store.Time); ok {
				return t.a.clock(int64(at))
			}
			return plain(v)
		}})
	}
	return out
}

func (t *tableRows[T]) row(r *T) error {
	if t.n == 0 && t.wide {
		t.columns = t.wideColumns()
	}
	cells := make([]string, len(t.columns))
	for i, c := range t.columns {
		cells[i] = clean(c.cell(r))
	}
	t.cells = append(t.cells, cells)
	if t.a.colour {
		colours := make([]string, len(t.columns))
		for i, c := range t.columns {
			if c.colour != nil {
				colours[i] = c.colour(r)
			}
		}
		t.colours = append(t.colours, colours)
	}
	t.n++
	if len(t.cells) == tableChunk {
		return t.flush()
	}
	return nil
}

func (t *tableRows[T]) end() error {
	if t.n == 0 {
		t.a.note(t.a.get("cli.none"))
		return nil
	}
	if len(t.cells) == 0 {
		return nil
	}
	return t.flush()
}

func (t *tableRows[T]) flush() error {
	g := grid{rows: t.cells, colours: t.colours}
	for _, c := range t.columns {
		g.columns = append(g.columns, gridColumn{head: t.a.heading(c.key), layout: c.layout})
	}
	width := math.MaxInt
	if !t.wide {
		width = t.a.columns()
	}
	g.fit(width)
	t.cells, t.colours = t.cells[:0], t.colours[:0]
	return g.render(t.w)
}

// heading is the head of a column in a table.
func (a *app) heading(key string) string {
	return text.Or(a.lang, "cli.column."+key, text.Or(a.lang, "column."+key, key))
}

// pairs prints names and values below each other, long values on several lines.
func (a *app) pairs(rows [][2]string) error {
	width := 0
	for _, r := range rows {
		width = max(width, textWidth(r[0]))
	}
	room := max(a.columns()-width-len(gap), 20)
	for _, r := range rows {
		for i, line := range wrap(clean(r[1]), room, 0, false) {
			name := ""
			if i == 0 {
				name = clean(r[0])
			}
			line = strings.TrimRight(name+strings.Repeat(" ", width-textWidth(name))+gap+line, " ")
			if _, err := fmt.Fprintln(a.stdout, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// bullet prints a text behind a short head, on several lines where it is wider than the terminal.
func (a *app) bullet(head, text string) {
	room := max(a.columns()-textWidth(head), 20)
	for i, line := range wrap(clean(text), room, 0, false) {
		if i > 0 {
			head = strings.Repeat(" ", textWidth(head))
		}
		fmt.Fprintln(a.stdout, strings.TrimRight(head+line, " "))
	}
}
