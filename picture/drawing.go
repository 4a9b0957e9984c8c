package picture

import (
	"fmt"
	"math"

	"osect/text"
)

// Drawing is a picture as shapes, for formats that have shapes of their own, such as slides: the later ones lie above. Units are
// pixels, the origin is at the upper left.
type Drawing struct {
	W, H   float64
	Shapes []Shape
}

// Shape is a rectangle, with text or without, or a curve.
type Shape struct {
	Box
	Curve      *Curve // when set, the shape is a curve and not a box
	Arrow      bool   // at the curve's end
	Fill, Line string // #rrggbb, "" for none
	Width      float64
	Opacity    float64 // of the line, 0 to 1
	Round      bool
	Text       []Label // lines, their boxes not used; in the middle of the height
	Ink        string
	Bold       bool    // the first line
	Align      string  // of the text: start, middle, end
	Inset      float64 // between the text and the left and right edge
	Cells      []Box   // further rectangles in the same look
}

// DrawMap is WriteSVG as shapes, without the title. Its legend stands below.
func DrawMap(g *Graph, l *Layout, lang text.Lang) *Drawing {
	legend, h := legendOf(g, l, lang)
	d := &Drawing{W: l.W, H: l.H + h - headH}
	add := func(s Shape) {
		s.Y -= headH
		d.Shapes = append(d.Shapes, s)
	}
	for _, b := range l.Groups {
		add(Shape{Box: b, Fill: "#f6f8fa", Line: "#cfd8e0", Width: 1, Round: true})
	}
	opacity := min(0.75, max(0.25, 9/math.Sqrt(float64(len(g.Edges)+1))))
	for k := range numEdgeKinds {
		for i := len(g.Edges) - 1; i >= 0; i-- { // the weakest first
			e := &g.Edges[i]
			if e.kind() != k || e.From == e.To {
				continue
			}
			c := l.Edges[i]
			for j := range c {
				c[j][1] -= headH
			}
			add(Shape{Curve: &c, Line: edgeColours[k], Width: e.thickness(), Opacity: opacityOf(opacity, k), Arrow: len(g.Edges) <= 400})
		}
	}
	for i := range l.GroupLabels {
		b := l.GroupLabels[i]
		add(Shape{Box: b.Box, Fill: "#f6f8fa", Text: []Label{b}, Ink: "#44525f", Bold: true, Align: "start"}) // over edges
	}
	for i := range g.Nodes {
		n, b := &g.Nodes[i], l.Nodes[i]
		s := Shape{Box: b, Fill: "#ffffff", Line: "#7d8a96", Width: 1, Ink: "#1d2730", Bold: true, Align: "start", Inset: stripe + 4}
		if n.Kind == "service" {
			s.Fill, s.Round = n.colour, true
		}
		for _, t := range l.NodeLabels[i] {
			if t.Text != "" {
				s.Text = append(s.Text, t)
			}
		}
		add(s)
		if n.Kind != "service" {
			add(Shape{Box: Box{b.X, b.Y, stripe, b.H}, Fill: n.colour})
		}
	}
	for i := range legend {
		e := &legend[i]
		mark := Box{e.x, e.y - 10, 14, 11}
		if e.line {
			mark = Box{e.x, e.y - 5, 14, 2.5}
		}
		add(Shape{Box: mark, Fill: e.colour})
		add(Shape{Box: Box{e.x + 20, e.y - 12, textWidth(e.name, 11) + 8, 16}, Text: []Label{{Text: e.name, Size: 11}}, Ink: "#44525f", Align: "start"})
	}
	return d
}

// Draw draws the matrix into at most the given size: its grids beside and below each other, as large as they can be, and what the colours
// mean at the right, without numbers: they are in the chart beside. Cells have their letters where these are large enough to be read.
func (m *Matrix) Draw(w, h float64) *Drawing {
	const (
		pad, headSize, keySize, least = 6.0, 9.0, 9.0, 11.0
		head                          = 15.0
	)
	d := &Drawing{W: w, H: h}
	grids := m.grids()
	legend := min(w*0.42, 210)
	room := w - legend - pad
	// As many beside each other as make the cells largest.
	across, cell := 1, 0.0
	for n := 1; n <= max(1, len(grids)); n++ {
		down := (len(grids) + n - 1) / n
		rows := side
		if len(grids) == 1 {
			rows = max(rowsOf(grids[0]), 4)
		}
		size := min((room-float64(n)*pad)/float64(n*side), (h-float64(down)*(head+pad))/float64(down*rows))
		if size > cell {
			across, cell = n, size
		}
	}
	for n, cells := range grids {
		x := float64(n%across) * (float64(side)*cell + pad)
		y := float64(n/across) * (float64(side)*cell + head + pad)
		title := fmt.Sprintf("%s – %s", cells[0].name(), cells[len(cells)-1].name())
		d.Shapes = append(d.Shapes, Shape{Box: Box{x, y, side * cell, head}, Text: []Label{{Text: fit(title, headSize, side*cell), Size: headSize}}, Ink: "#44525f", Align: "start"})
		by := make([][]Box, len(m.Kinds))
		for i := range cells {
			c := &cells[i]
			b := Box{x + float64(c.Column)*cell, y + head + float64(c.Row)*cell, cell * 0.94, cell * 0.94}
			if cell < least {
				by[c.kind] = append(by[c.kind], b)
				continue
			}
			k := &m.Kinds[c.kind]
			d.Shapes = append(d.Shapes, Shape{Box: b, Fill: k.colour.hex, Text: []Label{{Text: c.Sign, Size: min(cell*0.5, 10)}}, Ink: inkOn(k.colour.hex), Align: "middle"})
		}
		for i, boxes := range by {
			if len(boxes) > 0 {
				d.Shapes = append(d.Shapes, Shape{Box: boxes[0], Cells: boxes[1:], Fill: m.Kinds[i].colour.hex})
			}
		}
	}
	d.H = 0
	row := min(16, h/float64(max(1, len(m.Kinds))))
	x := float64(across)*(side*cell+pad) + pad
	size := min(keySize, row*0.75)
	for i := range m.Kinds {
		k := &m.Kinds[i]
		y := float64(i) * row
		d.Shapes = append(d.Shapes,
			Shape{Box: Box{x, y + row*0.1, 14, row * 0.8}, Fill: k.colour.hex, Text: []Label{{Text: string(k.Sign), Size: size}}, Ink: inkOn(k.colour.hex), Align: "middle"},
			Shape{Box: Box{x + 18, y, w - x - 18, row}, Text: []Label{{Text: fit(k.Name, size, w-x-20), Size: size}}, Ink: "#1d2730", Align: "start"})
	}
	for i := range d.Shapes {
		d.H = max(d.H, d.Shapes[i].Y+d.Shapes[i].H+2)
		for _, b := range d.Shapes[i].Cells {
			d.H = max(d.H, b.Y+b.H+2)
		}
	}
	return d
}
