package main

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/tw"
)

// The width of → … – is told as narrow, whatever the locale: the same store prints
// the same table everywhere, and terminals draw them so unless told otherwise.
func init() { twwidth.SetEastAsian(false) }

// gap is what stands between two columns.
const gap = "  "

// roomy is the terminal's width from which tables have their columns marked wide.
const roomy = 120

// layout says how a column gives way where a table is too wide.
type layout struct {
	// min is the width down to which texts are wrapped; 0: never.
	min int
	// lines is the most lines of a wrapped text, what is beyond is cut; 0: nothing is.
	lines int
	// fold and drop are steps: step 1 is made first, then 2, until the table
	// fits. At its fold step a column may be wrapped (0: from the start), at
	// its drop step it is left out (0: never).
	fold, drop int
	wide       bool // only on a terminal of at least roomy columns
	right      bool // numbers
	front      bool // what is cut is the text's front: paths
}

// grid is a table whose cells are made.
type grid struct {
	columns []gridColumn
	rows    [][]string
	colours [][]string // an SGR code a cell, or nil
}

type gridColumn struct {
	head string
	layout
	full, tight int // width of the widest cell, and of all when wrapped at min
	floor       int // what it must have
	width       int // what it gets
	gone        bool
}

// lastStep is above every fold and drop.
const lastStep = 9

// tightest is what a wrapped column gets where nothing else helps.
const tightest = 6

// fit makes the table no wider than width: columns that may be left out and are
// empty go first, then texts are wrapped and columns left out, step by step.
func (g *grid) fit(width int) {
	for i := range g.columns {
		c := &g.columns[i]
		for _, r := range g.rows {
			c.full = max(c.full, textWidth(r[i]))
		}
		c.gone = c.drop > 0 && c.full == 0 || c.wide && width < roomy
		c.full = max(c.full, textWidth(c.head))
		c.width, c.tight = c.full, c.full
		if c.min > 0 && !c.gone {
			c.tight = g.used(i, min(c.full, max(c.min, textWidth(c.head))))
		}
	}
	for step := 0; step <= lastStep; step++ {
		for i := range g.columns {
			c := &g.columns[i]
			c.gone = c.gone || c.drop == step && step > 0
			c.floor = c.full
			if c.min > 0 && c.fold <= step {
				c.floor = c.tight
			}
		}
		if g.total(func(c *gridColumn) int { return c.floor }) <= width {
			break
		}
	}
	given := func(c *gridColumn) int { return c.width }
	for g.total(given) > width && g.shrink(func(c *gridColumn) int { return c.floor }) {
	}
	for g.total(given) > width && g.shrink(func(c *gridColumn) int { return min(tightest, c.floor) }) {
	}
	g.tighten()
	g.grow(width - g.total(given))
	g.tighten()
}

func (g *grid) total(of func(*gridColumn) int) int {
	n, shown := 0, 0
	for i := range g.columns {
		if c := &g.columns[i]; !c.gone {
			n += of(c)
			shown++
		}
	}
	return n + len(gap)*max(shown-1, 0)
}

// shrink takes one from the widest column that has more than its floor.
func (g *grid) shrink(floor func(*gridColumn) int) bool {
	var best *gridColumn
	for i := range g.columns {
		c := &g.columns[i]
		if !c.gone && c.min > 0 && c.width > floor(c) && (best == nil || c.width > best.width) {
			best = c
		}
	}
	if best != nil {
		best.width--
	}
	return best != nil
}

// tighten gives back what wrapped texts do not use.
func (g *grid) tighten() {
	for i := range g.columns {
		if c := &g.columns[i]; !c.gone && c.width < c.full {
			c.width = g.used(i, c.width)
		}
	}
}

// used is how much of width column i needs when it is wrapped at it.
func (g *grid) used(i, width int) int {
	c := &g.columns[i]
	used := min(textWidth(c.head), width)
	for _, r := range g.rows {
		if w := textWidth(r[i]); w <= width {
			used = max(used, w)
			continue
		}
		for _, line := range wrap(r[i], width, c.lines, c.front) {
			used = max(used, textWidth(line))
		}
	}
	return used
}

// grow gives room that is left to wrapped columns: whole ones first, the one that lacks
// least before others, and the rest to the one that lacks most.
func (g *grid) grow(room int) {
	var short []*gridColumn
	for i := range g.columns {
		if c := &g.columns[i]; !c.gone && c.width < c.full {
			short = append(short, c)
		}
	}
	slices.SortStableFunc(short, func(a, b *gridColumn) int { return (a.full - a.width) - (b.full - b.width) })
	for i, c := range short {
		n := min(room, c.full-c.width)
		if n < c.full-c.width && i < len(short)-1 {
			continue
		}
		c.width += n
		room -= n
	}
}

// render prints the table without lines, for the narrowest terminal.
func (g *grid) render(w io.Writer) error {
	var heads []string
	var align []tw.Align
	for _, c := range g.columns {
		if c.gone {
			continue
		}
		heads = append(heads, strings.Join(g.lines(&c, c.head), "\n"))
		if c.right {
			align = append(align, tw.AlignRight)
		} else {
			align = append(align, tw.AlignLeft)
		}
	}
	var b bytes.Buffer
	t := newTable(&b, align)
	t.Header(heads)
	for n, r := range g.rows {
		var cells []string
		for i := range g.columns {
			c := &g.columns[i]
			if c.gone {
				continue
			}
			lines := g.lines(c, r[i])
			if g.colours != nil {
				for j := range lines {
					lines[j] = coloured(g.colours[n][i], lines[j])
				}
			}
			cells = append(cells, strings.Join(lines, "\n"))
		}
		if err := t.Append(cells); err != nil {
			return err
		}
	}
	if err := t.Render(); err != nil {
		return err
	}
	return writeTrimmed(w, b.Bytes())
}

// lines is a text as it stands in column c.
func (g *grid) lines(c *gridColumn, s string) []string {
	if textWidth(s) <= c.width {
		return []string{s}
	}
	return wrap(s, c.width, c.lines, c.front)
}

func newTable(w io.Writer, align []tw.Align) *tablewriter.Table {
	cell := tw.CellConfig{
		Formatting: tw.CellFormatting{AutoWrap: tw.WrapNone, AutoFormat: tw.Off},
		Padding:    tw.CellPadding{Global: tw.Padding{Left: "", Right: gap, Overwrite: true}},
		Alignment:  tw.CellAlignment{PerColumn: align},
	}
	return tablewriter.NewTable(w,
		tablewriter.WithRendition(tw.Rendition{
			Borders: tw.BorderNone,
			Settings: tw.Settings{
				Separators: tw.SeparatorsNone,
				Lines:      tw.LinesNone,
			},
		}),
		tablewriter.WithConfig(tablewriter.Config{Header: cell, Row: cell}),
		tablewriter.WithTrimSpace(tw.Off),
	)
}

// writeTrimmed writes lines without the spaces at their ends.
func writeTrimmed(w io.Writer, b []byte) error {
	for line := range bytes.Lines(b) {
		if _, err := w.Write(append(bytes.TrimRight(line, " \n"), '\n')); err != nil {
			return err
		}
	}
	return nil
}

// textWidth is how many columns of a terminal s takes.
func textWidth(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' {
			return twwidth.Width(s)
		}
	}
	return len(s)
}

// cut shortens s to width columns of a terminal, at its end or at its front; "…" marks where.
func cut(s string, width int, front bool) string {
	if textWidth(s) <= width {
		return s
	}
	runes := []rune(s)
	i, j := 0, len(runes)
	if front {
		for room := width - 1; j > i && room >= textWidth(string(runes[j-1])); j-- {
			room -= textWidth(string(runes[j-1]))
		}
		return "…" + string(runes[j:])
	}
	for room := width - 1; i < j && room >= textWidth(string(runes[i])); i++ {
		room -= textWidth(string(runes[i]))
	}
	return string(runes[:i]) + "…"
}

// wrap breaks s into lines of at most width columns: at spaces, between the
// characters of Japanese, and words that are longer than a line after one of
// their marks (an address after its colon). Where there are more than most
// lines (0: any number) the rest, or the front, is cut.
func wrap(s string, width, most int, front bool) []string {
	lines := fill(s, width)
	if most == 0 || len(lines) <= most {
		return lines
	}
	if front {
		for n := width * most; n > width; n-- {
			if lines = fill(cut(s, n, true), width); len(lines) <= most {
				return lines
			}
		}
		return []string{cut(s, width, true)}
	}
	last := lines[most-1]
	if textWidth(last) >= width {
		last = cut(last+"…", width, false)
	} else {
		last += "…"
	}
	return append(lines[:most-1:most-1], last)
}

func fill(s string, width int) (lines []string) {
	line, room := "", width
	for word := range strings.FieldsSeq(s) {
		space := line != ""
		for _, part := range breakable(word) {
			w := textWidth(part)
			if space {
				w++
			}
			if w > room && line != "" {
				lines = append(lines, line)
				line, room, space = "", width, false
				w = textWidth(part)
			}
			for w > room {
				n := breakWord(part, width)
				lines = append(lines, part[:n])
				part = part[n:]
				w = textWidth(part)
			}
			if space {
				line += " "
			}
			line += part
			room -= w
			space = false
		}
	}
	if line != "" || lines == nil {
		lines = append(lines, line)
	}
	return lines
}

// Japanese does not begin a line with the ones, nor end it with the others (JIS X 4051).
const (
	noStart = "、。，．・：；？！)）」』】〕］｝〉》ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…,.:;!?]}%"
	noEnd   = "(（「『【〔［｛〈《[{"
)

// breakable cuts a word where Japanese may be broken.
func breakable(word string) (parts []string) {
	from, last, lastWide := 0, rune(0), false
	for i, r := range word {
		w := r >= utf8.RuneSelf && twwidth.Width(string(r)) == 2
		if i > 0 && (w || lastWide) && !strings.ContainsRune(noStart, r) && !strings.ContainsRune(noEnd, last) {
			parts = append(parts, word[from:i])
			from = i
		}
		last, lastWide = r, w
	}
	return append(parts, word[from:])
}

// breakWord says how many bytes of a word that is too long go on a line: up to a
// mark, else what there is room for; at least one character.
func breakWord(word string, width int) int {
	used, mark, end := 0, 0, 0
	for end < len(word) {
		r, n := utf8.DecodeRuneInString(word[end:])
		used += textWidth(string(r))
		if used > width && end > 0 {
			break
		}
		end += n
		if strings.ContainsRune("-/:,;._@|=&", r) && used*4 >= width && !strings.HasPrefix(word[end:], string(r)) {
			mark = end
		}
	}
	if mark > 0 {
		return mark
	}
	return end
}

// coloured puts an SGR code around s.
func coloured(code, s string) string {
	if code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
