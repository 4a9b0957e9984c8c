package pptx

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
)

// placeholderText is text in a placeholder of the layout.
type placeholderText struct {
	pl  place
	idx int // as the deck calls it
	ps  []Paragraph
}

func (t *placeholderText) xml(w *slideWriter) { w.placeholder("Text", t.pl, t.ps, 60) }

// textBox is a rectangle with text.
type textBox struct {
	box   Box
	style BoxStyle
	ps    []Paragraph
}

func (t *textBox) xml(w *slideWriter) {
	in := t.style.Inset
	inner := Box{W: t.box.W - 2*in, H: t.box.H - 2*in}
	size, ps := t.style.Size, t.ps
	// Sizes of runs shrink with the box's own; below 8 points nobody reads.
	percent := scaleTo(ps, size, inner.W, inner.H, max(int(800/size), 40))
	ps, size = scaled(ps, percent), size*float64(percent)/100
	if percent < 100 {
		ps = cut(ps, size, inner.W, inner.H)
	}
	look := `<a:noFill/>`
	if t.style.Fill != "" {
		look = fill(t.style.Fill)
	}
	line := `<a:ln><a:noFill/></a:ln>`
	if t.style.Line != "" {
		line = `<a:ln w="9525">` + fill(t.style.Line) + `</a:ln>`
	}
	anchor := "t"
	if t.style.Middle {
		anchor = "ctr"
	}
	kind := ` txBox="1"`
	if len(t.ps) == 0 {
		kind = ""
	}
	ground := t.style.Fill
	if ground == "" {
		ground = Back1
	}
	id := w.id()
	fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="Box %d"/><p:cNvSpPr%s/><p:nvPr/></p:nvSpPr><p:spPr>%s<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>%s%s</p:spPr><p:txBody><a:bodyPr wrap="square" lIns="%d" tIns="%d" rIns="%d" bIns="%d" rtlCol="0" anchor="%s"><a:noAutofit/></a:bodyPr><a:lstStyle/>`,
		id, id, kind, xfrm("a", t.box), look, line, in, in, in, in, anchor)
	paragraphs(&w.xml, w.deck.base.readableRuns(ps, ground), size, w.deck.base.readable(t.style.Color, ground), w.deck.prop.Lang)
	w.xml.WriteString(`</p:txBody></p:sp>`)
}

// picture is a PNG.
type picture struct {
	box  Box
	data []byte
	alt  string
}

func newPicture(b Box, data []byte, alt string) (*picture, error) {
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("pptx: picture: %w", err)
	}
	if c.Width <= 0 || c.Height <= 0 {
		return nil, fmt.Errorf("pptx: picture of %d × %d", c.Width, c.Height)
	}
	w, h := b.W, b.W*EMU(c.Height)/EMU(c.Width)
	if h > b.H {
		w, h = b.H*EMU(c.Width)/EMU(c.Height), b.H
	}
	return &picture{Box{b.X + (b.W-w)/2, b.Y + (b.H-h)/2, w, h}, data, alt}, nil
}

func (p *picture) xml(w *slideWriter) {
	part := w.deck.fresh("ppt/media/image", 1, ".png")
	w.deck.put(part, "image/png", string(p.data))
	id := w.id()
	fmt.Fprintf(&w.xml, `<p:pic><p:nvPicPr><p:cNvPr id="%d" name="Picture %d" descr="%s"/><p:cNvPicPr><a:picLocks noChangeAspect="1"/></p:cNvPicPr><p:nvPr/></p:nvPicPr><p:blipFill><a:blip r:embed="%s"/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr>%s<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>`,
		id, id, esc(p.alt), w.relate("image", part), xfrm("a", p.box))
}

// Column is a column of a table. Its width is its share of the sum of all weights.
type Column struct {
	Title  string
	Weight float64
	Align  Align
}

// Cell is a cell of a table.
type Cell struct {
	Head  string // a bold line above the text
	Text  string
	Bold  bool
	Color Color // of the text
	Fill  Color // of the ground, "" for the table's
}

// Cells makes cells of plain texts.
func Cells(texts ...string) []Cell {
	out := make([]Cell, len(texts))
	for i, t := range texts {
		out[i] = Cell{Text: t}
	}
	return out
}

// Table is a native table: a header row and rows.
type Table struct {
	Columns []Column
	Rows    [][]Cell
	Size    float64 // points; 11 when 0
	Lines   int     // most lines of a cell, 0 for as many as half of the slide has
}

// Space between a cell's edge and its text.
const (
	cellX EMU = 64800
	cellY EMU = 32400
)

// rowSlack is what rows are higher than their text and insets, points: LibreOffice adds the line below, and rounds up.
const rowSlack = 1.1

// cellSlack is the part of a cell's width that lines are taken to fill: columns are narrow, and where a program breaks between a Latin and
// a Japanese word is its own choice.
const cellSlack = 0.93

// widths are those of the columns. A column at the right edge holds numbers, which must not be broken: where its share is too little for the widest
// it takes from the others, together at most half of what those have.
func (t *Table) widths(total EMU) []EMU {
	sum := 0.0
	for _, c := range t.Columns {
		sum += c.Weight
	}
	out, wanted := make([]EMU, len(t.Columns)), make([]EMU, len(t.Columns))
	more, others := 0.0, 0.0
	for i, c := range t.Columns {
		out[i] = EMU(float64(total) * c.Weight / sum)
		if c.Align == Right {
			widest := 0.0
			for _, r := range t.Rows {
				if i < len(r) {
					widest = max(widest, width(r[i].Text))
				}
			}
			wanted[i] = max(0, EMU(widest*t.Size*float64(Point)/cellSlack/0.95)+2*cellX-out[i])
		}
		if more += float64(wanted[i]); wanted[i] == 0 {
			others += float64(out[i])
		}
	}
	left := total
	given := min(more, others/2)
	for i := range out {
		if wanted[i] > 0 {
			out[i] += EMU(float64(wanted[i]) * given / more)
		} else if more > 0 {
			out[i] -= EMU(float64(out[i]) * given / others)
		}
		left -= out[i]
	}
	out[len(out)-1] += left // what rounding leaves
	return out
}

// rowHeight estimates the height of a row; most bounds the lines of a cell.
func (t *Table) rowHeight(row []Cell, widths []EMU, bold bool) EMU {
	n := 1
	for i, c := range row {
		in := float64(widths[i]-2*cellX) / float64(Point) / t.Size * cellSlack
		if bold || c.Bold {
			in *= 0.95
		}
		lines := countLines(c.Text, in)
		if c.Head != "" {
			lines += countLines(c.Head, in*0.95)
		}
		n = max(n, lines)
	}
	return 2*cellY + EMU((float64(n)*t.Size*lineHeight+rowSlack)*float64(Point))
}

func (t *Table) header() []Cell {
	out := make([]Cell, len(t.Columns))
	for i, c := range t.Columns {
		out[i] = Cell{Text: c.Title, Bold: true, Color: Back1}
	}
	return out
}

// split cuts the rows into pages that fit under a header into a box of the given size. Cells so long that
// their row would take over half of the box are cut with an ellipsis.
func (t *Table) split(box Box) [][][]Cell {
	widths := t.widths(box.W)
	room := box.H - t.rowHeight(t.header(), widths, true)
	most := max(int(float64(room/2-2*cellY)/float64(Point)/t.Size/lineHeight), 1)
	if t.Lines > 0 {
		most = min(most, t.Lines)
	}
	var pages [][][]Cell
	var page [][]Cell
	used := EMU(0)
	for _, row := range t.Rows {
		row = append([]Cell(nil), row...)
		for i := range row {
			row[i].Text = clean(row[i].Text, true)
			in := float64(widths[i]-2*cellX) / float64(Point) / t.Size * cellSlack
			for countLines(row[i].Text, in*0.95) > most {
				row[i].Text = Clip(strings.ReplaceAll(row[i].Text, "\n", " "), min(width(row[i].Text)*0.9, in*float64(most)))
			}
		}
		h := t.rowHeight(row, widths, false)
		if len(page) > 0 && used+h > room {
			pages, page, used = append(pages, page), nil, 0
		}
		page = append(page, row)
		used += h
	}
	return append(pages, page)
}

// tableBoxes returns the boxes of a lead and of the table below it.
func (d *Deck) tableBoxes(lead string) (head, box Box) {
	area := d.base.space(TitleOnly)
	if lead == "" {
		return Box{}, area
	}
	return area.Top(min(heightOf([]Paragraph{P(lead)}, leadSize, area.W), area.H/4), 90000)
}

const leadSize = 14

// RowsOn returns how many of t's rows TableSlides brings onto the given number of slides, under the given lead.
func (d *Deck) RowsOn(slides int, lead string, t Table) int {
	if t.Size == 0 {
		t.Size = 11
	}
	_, box := d.tableBoxes(lead)
	n := 0
	for i, page := range t.split(box) {
		if i < slides {
			n += len(page)
		}
	}
	return n
}

// TableSlides appends slides that show t, as many as it takes, with "(2/3)" behind the titles, and
// returns them. lead stands above the table on each; without it ("") the table fills the content of a ContentSlide.
func (d *Deck) TableSlides(title, lead string, t Table) []*Slide {
	if t.Size == 0 {
		t.Size = 11
	}
	head, box := d.tableBoxes(lead)
	layout := TitleOnly
	if box == d.textPlace().box {
		layout = ContentSlide
	}
	pages := t.split(box)
	out := make([]*Slide, len(pages))
	for i, rows := range pages {
		s := d.Add(layout, part(title, i, len(pages)))
		if lead != "" {
			s.Box(head, BoxStyle{Size: leadSize}, P(lead))
		}
		s.shapes = append(s.shapes, &tableFrame{box, t, rows})
		out[i] = s
	}
	return out
}

// Table adds as many rows of t as fit into box b and returns how many those were.
func (s *Slide) Table(b Box, t Table) int {
	if t.Size == 0 {
		t.Size = 11
	}
	rows := t.split(b)[0]
	s.shapes = append(s.shapes, &tableFrame{b, t, rows})
	return len(rows)
}

type tableFrame struct {
	box   Box
	table Table
	rows  [][]Cell
}

func (f *tableFrame) xml(w *slideWriter) {
	t := &f.table
	widths := t.widths(f.box.W)
	total := t.rowHeight(t.header(), widths, true)
	for _, r := range f.rows {
		total += t.rowHeight(r, widths, false)
	}
	id := w.id()
	fmt.Fprintf(&w.xml, `<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="%d" name="Table %d"/><p:cNvGraphicFramePr><a:graphicFrameLocks noGrp="1"/></p:cNvGraphicFramePr>%s</p:nvGraphicFramePr>%s<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/table"><a:tbl><a:tblPr firstRow="1" bandRow="1"/><a:tblGrid>`,
		id, id, w.fills(f.box, "tbl"), xfrm("p", Box{f.box.X, f.box.Y, f.box.W, total}))
	for _, width := range widths {
		fmt.Fprintf(&w.xml, `<a:gridCol w="%d"/>`, width)
	}
	w.xml.WriteString(`</a:tblGrid>`)
	f.row(w, t.header(), widths, true, false)
	for i, r := range f.rows {
		f.row(w, r, widths, false, i%2 == 1)
	}
	w.xml.WriteString(`</a:tbl></a:graphicData></a:graphic></p:graphicFrame>`)
}

func (f *tableFrame) row(w *slideWriter, cells []Cell, widths []EMU, header, band bool) {
	t := &f.table
	fmt.Fprintf(&w.xml, `<a:tr h="%d">`, t.rowHeight(cells, widths, header))
	for i, c := range cells {
		if c.Color == "" {
			c.Color = Text1
		}
		w.xml.WriteString(`<a:tc><a:txBody><a:bodyPr/><a:lstStyle/>`)
		background, ground := `<a:noFill/>`, Back1
		if header {
			ground = Text2
		} else if band {
			ground = Back2
		}
		if c.Fill != "" {
			ground = c.Fill
		}
		if ground != Back1 {
			background = fill(ground)
		}
		ps := []Paragraph{{Runs: []Run{{Text: c.Text, Bold: c.Bold}}, Align: t.Columns[i].Align}}
		if c.Head != "" {
			ps = append([]Paragraph{{Runs: []Run{{Text: clean(c.Head, false), Bold: true}}, Align: t.Columns[i].Align}}, ps...)
		}
		paragraphs(&w.xml, ps, t.Size, w.deck.base.readable(c.Color, ground), w.deck.prop.Lang)
		fmt.Fprintf(&w.xml, `</a:txBody><a:tcPr marL="%d" marR="%d" marT="%d" marB="%d" anchor="ctr"><a:lnL w="0"><a:noFill/></a:lnL><a:lnR w="0"><a:noFill/></a:lnR><a:lnT w="0"><a:noFill/></a:lnT><a:lnB w="6350"><a:solidFill><a:schemeClr val="bg1"><a:lumMod val="80000"/></a:schemeClr></a:solidFill></a:lnB>%s</a:tcPr></a:tc>`,
			cellX, cellX, cellY, cellY, background)
	}
	w.xml.WriteString(`</a:tr>`)
}
