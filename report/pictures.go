package report

import (
	"osect/picture"
	"osect/report/pptx"
)

// Picture is a drawing that renderings show as it is. Whoever makes the Input draws it: nothing here draws.
type Picture struct {
	Key string // map, vendors, systems or roles; the text report.picture.<Key> is its title
	SVG []byte // a whole document that refers to nothing outside of it; nil where there is none
	PNG []byte // the same in pixels; nil where there is none

	// Drawing is for slides, where a whole plant has no room: Shown devices of it, the most important ones.
	Drawing *picture.Drawing
	Shown   int
}

// Picture returns the drawing of that key, or nil.
func (a *Assessment) Picture(key string) *Picture {
	for i := range a.Pictures {
		if a.Pictures[i].Key == key {
			return &a.Pictures[i]
		}
	}
	return nil
}

// shapesOf brings a drawing onto slides.
func shapesOf(d *picture.Drawing) pptx.Drawing {
	out := pptx.Drawing{W: d.W, H: d.H}
	for i := range d.Shapes {
		x := &d.Shapes[i]
		p := pptx.Part{X: x.X, Y: x.Y, W: x.W, H: x.H, Curve: (*[4][2]float64)(x.Curve), Arrow: x.Arrow, Fill: x.Fill, Line: x.Line, Width: x.Width, Opacity: x.Opacity, Round: x.Round, Inset: x.Inset}
		for _, b := range x.Cells {
			p.More = append(p.More, [4]float64{b.X, b.Y, b.W, b.H})
		}
		for n, l := range x.Text {
			p.Lines = append(p.Lines, pptx.DrawingText{Text: l.Text, Color: x.Ink, Size: l.Size, Bold: x.Bold && n == 0})
		}
		switch x.Align {
		case "middle":
			p.Align = pptx.Center
		case "end":
			p.Align = pptx.Right
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}
