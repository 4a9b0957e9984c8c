// Package pptx writes PowerPoint files (Office Open XML, ISO/IEC 29500 transitional) without any office suite: slides
// on real layouts, native tables that go on over several slides, native charts with their workbook inside, pictures,
// notes and slide numbers.
//
// A Deck takes its master, layouts and theme from a base package and puts its slides' content into the
// boxes which the layouts have; New uses the built-in base, Open a template. Nothing is read from the machine's clock: the same calls
// give the same bytes.
//
// Text from outside may be any bytes: what XML cannot hold, and characters that reorder text, become U+FFFD.
package pptx

import (
	"time"
)

// EMU is the unit of all lengths of the format: 914,400 an inch, 360,000 a centimetre, 12,700 a point.
type EMU int64

// Units of length.
const (
	Point      EMU = 12700
	Millimetre EMU = 36000
	Inch       EMU = 914400
)

// Box is a rectangle on the slide, measured from its top left corner.
type Box struct{ X, Y, W, H EMU }

// Columns cuts b into n boxes of equal width beside each other with gap between them.
func (b Box) Columns(n int, gap EMU) []Box {
	w := (b.W - gap*EMU(n-1)) / EMU(n)
	out := make([]Box, n)
	for i := range out {
		out[i] = Box{b.X + EMU(i)*(w+gap), b.Y, w, b.H}
	}
	return out
}

// Top cuts the upper part of height h off b and returns it and what is left below gap.
func (b Box) Top(h, gap EMU) (top, rest Box) {
	return Box{b.X, b.Y, b.W, h}, Box{b.X, b.Y + h + gap, b.W, b.H - h - gap}
}

// Left cuts the left part of width w off b and returns it and what is left behind gap.
func (b Box) Left(w, gap EMU) (left, rest Box) {
	return Box{b.X, b.Y, w, b.H}, Box{b.X + w + gap, b.Y, b.W - w - gap, b.H}
}

// Color is a colour of the theme, by the scheme's name, so that a deck on another theme follows it.
type Color string

// The scheme's colours. The built-in theme has red in Accent4, orange in Accent3, ochre in Accent5 and grey in Accent6.
const (
	Text1   Color = "tx1"
	Text2   Color = "tx2"
	Back1   Color = "bg1"
	Back2   Color = "bg2"
	Accent1 Color = "accent1"
	Accent2 Color = "accent2"
	Accent3 Color = "accent3"
	Accent4 Color = "accent4"
	Accent5 Color = "accent5"
	Accent6 Color = "accent6"
)

// Align is the horizontal alignment of a paragraph; the zero value is the layout's own.
type Align string

// Alignments.
const (
	Left   Align = "l"
	Center Align = "ctr"
	Right  Align = "r"
)

// Run is a piece of text in one look. Zero values take the look of the box's style.
type Run struct {
	Text  string
	Bold  bool
	Color Color
	Size  float64 // points
}

// Paragraph is one paragraph. A line break inside a run's text stays one.
type Paragraph struct {
	Runs   []Run
	Level  int // 0 to 3; used with Bullet
	Bullet bool
	Align  Align
	After  float64 // space behind, points
}

// P returns a paragraph of plain text.
func P(text string) Paragraph { return Paragraph{Runs: []Run{{Text: text}}} }

// Bullet returns a bulleted paragraph.
func Bullet(text string) Paragraph { return Paragraph{Runs: []Run{{Text: text}}, Bullet: true} }

// Layout names what a slide is for. The base package says which of its layouts serves it.
type Layout int

// The layouts a deck uses.
const (
	TitleSlide   Layout = iota // title, subtitle (1), a smaller text (2)
	SectionSlide               // heading of a part: title, text (1)
	ContentSlide               // title, content (1)
	TwoSlide                   // title, content left (1) and right (2)
	TitleOnly                  // title; the content area is that of ContentSlide
	layouts      = int(TitleOnly) + 1
)

// Properties are what the file says about itself.
type Properties struct {
	Title, Subject, Author, Company, Keywords string
	Lang                                      string    // language of the text, a BCP 47 tag: "ja-JP", "en-US"
	Footer                                    string    // stands at the bottom of every slide but the first; "" for none
	Created                                   time.Time // left out when zero
	Program                                   string    // name of the producing program
}

// Deck is a presentation in the making.
type Deck struct {
	prop     Properties
	base     *base
	slides   []*Slide
	contents []*Slide // slides whose body is filled with the list of contents when the deck is written
}

// New starts a deck on the built-in base.
func New(p Properties) *Deck {
	if p.Lang == "" {
		p.Lang = "en-US"
	}
	return &Deck{prop: p, base: builtin(p.Lang)}
}

// Slide is one slide of a deck.
type Slide struct {
	deck   *Deck
	layout Layout
	title  string
	entry  string // line in the contents; "" for none
	shapes []shape
	notes  []string
}

// shape is one object on a slide; place gives the frame for charts and pictures to refer to their parts.
type shape interface {
	xml(w *slideWriter)
}

// Add appends a slide. The title goes into the layout's title placeholder, made smaller where it is long.
func (d *Deck) Add(l Layout, title string) *Slide {
	s := &Slide{deck: d, layout: l, title: title}
	d.slides = append(d.slides, s)
	return s
}

// AddContents appends the slide that lists every slide for which Entry was called, with its number.
func (d *Deck) AddContents(title string) *Slide {
	s := d.Add(ContentSlide, title)
	d.contents = append(d.contents, s)
	return s
}

// Len returns the number of slides so far.
func (d *Deck) Len() int { return len(d.slides) }

// Entry puts the slide into the contents under the given line.
func (s *Slide) Entry(line string) *Slide {
	s.entry = line
	return s
}

// Notes adds paragraphs to the speaker's notes.
func (s *Slide) Notes(lines ...string) *Slide {
	s.notes = append(s.notes, lines...)
	return s
}

// Area returns the box that the layout has for content.
func (s *Slide) Area() Box { return s.Place(1) }

// Place returns the box of the layout's placeholder idx, 1 or 2. Where the layout has none it is a part of the room for content: all of it,
// or of a TwoSlide one of its halves.
func (s *Slide) Place(idx int) Box {
	b := s.deck.base
	places := b.layouts[s.layout].places
	p, ok := places[idx]
	if _, two := places[2]; s.layout == TwoSlide && !two {
		return b.space(TwoSlide).Columns(2, b.w/40)[max(0, min(idx-1, 1))]
	}
	if ok {
		return p.box
	}
	return b.space(s.layout)
}

// Text fills the layout's placeholder idx with paragraphs. Text too long for it is written smaller, down to
// 60 percent; TextSlides is for text of any length. Where the layout has no second placeholder, its text goes below that of the first.
func (s *Slide) Text(idx int, ps ...Paragraph) *Slide {
	places := s.deck.base.layouts[s.layout].places
	_, first := places[1]
	if _, ok := places[idx]; !ok && first && s.layout != TwoSlide {
		idx = 1
	}
	for _, sh := range s.shapes {
		if t, ok := sh.(*placeholderText); ok && t.idx == idx {
			t.ps = append(t.ps, ps...)
			return s
		}
	}
	if _, ok := places[idx]; !ok || s.layout == TwoSlide && s.Place(idx) != places[idx].box {
		return s.Box(s.Place(idx), BoxStyle{Size: s.deck.base.bodySize}, ps...)
	}
	s.shapes = append(s.shapes, &placeholderText{places[idx], idx, ps})
	return s
}

// BoxStyle is the look of a text box. The zero value is no fill, no line, 14 points, text at the top.
type BoxStyle struct {
	Fill, Line Color
	Size       float64 // points
	Color      Color   // of the text
	Middle     bool    // text in the middle of the height
	Inset      EMU     // distance of the text from the edge; 0 is none
	Bar        Color   // a bar along the left edge
}

// Box adds a text box. Text that does not fit is written smaller, down to 8 points, then cut with an ellipsis.
func (s *Slide) Box(b Box, style BoxStyle, ps ...Paragraph) *Slide {
	if style.Size == 0 {
		style.Size = 14
	}
	if style.Color == "" {
		style.Color = Text1
	}
	if style.Bar != "" {
		s.shapes = append(s.shapes, &textBox{box: Box{b.X, b.Y, 60000, b.H}, style: BoxStyle{Fill: style.Bar, Size: 8, Color: Text1}})
		b.X, b.W = b.X+60000, b.W-60000
	}
	s.shapes = append(s.shapes, &textBox{box: b, style: style, ps: ps})
	return s
}

// Chart adds a chart in box b.
func (s *Slide) Chart(b Box, c Chart) *Slide {
	s.shapes = append(s.shapes, &chartFrame{box: b, chart: c})
	return s
}

// Picture adds a PNG picture, as large as fits into b with its proportions kept. alt says in words what it shows.
func (s *Slide) Picture(b Box, png []byte, alt string) error {
	p, err := newPicture(b, png, alt)
	if err != nil {
		return err
	}
	s.shapes = append(s.shapes, p)
	return nil
}

// textPlace is where ContentSlides have their text.
func (d *Deck) textPlace() place {
	if p, ok := d.base.layouts[ContentSlide].places[1]; ok {
		return p
	}
	return place{box: d.base.space(ContentSlide), size: d.base.bodySize}
}

// TextSlides appends ContentSlides until all paragraphs have room, with "(2/3)" behind the titles, and returns them.
func (d *Deck) TextSlides(title string, ps []Paragraph) []*Slide {
	pl := d.textPlace()
	box := Box{W: pl.box.W - 2*pl.insetX, H: pl.box.H - 2*pl.insetY}
	size := pl.size
	var pages [][]Paragraph
	var page []Paragraph
	for _, p := range ps {
		if len(page) > 0 && heightOf(append(page[:len(page):len(page)], p), size, box.W) > box.H {
			pages = append(pages, page)
			page = nil
		}
		page = append(page, p)
	}
	pages = append(pages, page)
	out := make([]*Slide, len(pages))
	for i, page := range pages {
		out[i] = d.Add(ContentSlide, part(title, i, len(pages))).Text(1, page...)
	}
	return out
}
