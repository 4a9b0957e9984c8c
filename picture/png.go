package picture

import (
	"image/color"
	"io"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// WritePNG draws the matrix with the fonts of gonum/plot, which have Latin letters only: others are
// written as "?". Make the matrix in English for it.
func (m *Matrix) WritePNG(w io.Writer) error {
	width, height := m.size()
	c := &pngCanvas{vgimg.NewWith(vgimg.UseWH(vg.Length(width), vg.Length(height)), vgimg.UseDPI(144)), height}
	c.Canvas.SetColor(color.White)
	var all vg.Path
	box(&all, 0, 0, vg.Length(width), vg.Length(height))
	c.Canvas.Fill(all)
	m.draw(c)
	_, err := vgimg.PngCanvas{Canvas: c.Canvas}.WriteTo(w)
	return err
}

// pngCanvas draws with y downwards, 1 px a point.
type pngCanvas struct {
	*vgimg.Canvas
	h float64
}

func box(p *vg.Path, x, y, w, h vg.Length) {
	p.Move(vg.Point{X: x, Y: y})
	p.Line(vg.Point{X: x + w, Y: y})
	p.Line(vg.Point{X: x + w, Y: y + h})
	p.Line(vg.Point{X: x, Y: y + h})
	p.Close()
}

func (c *pngCanvas) rect(b Box, fill, _ string) {
	var p vg.Path
	box(&p, vg.Length(b.X), vg.Length(c.h-b.Y-b.H), vg.Length(b.W), vg.Length(b.H))
	c.SetColor(rgb(fill))
	c.Fill(p)
}

func (c *pngCanvas) text(x, y, size float64, anchor, fill, s string) {
	f := plot.DefaultFont
	f.Variant = "Sans"
	if size > 14 {
		f.Weight = xfont.WeightBold
	}
	face := font.DefaultCache.Lookup(f, vg.Length(size))
	s = latin(s)
	w := face.Width(s)
	at := vg.Length(x)
	switch anchor {
	case "middle":
		at -= w / 2
	case "end":
		at -= w
	}
	c.SetColor(rgb(fill))
	c.FillString(face, vg.Point{X: at, Y: vg.Length(c.h - y)}, s)
}

// rgb reads #rrggbb.
func rgb(hex string) color.Color {
	v := func(i int) uint8 { return uint8(16*nibble(hex[i]) + nibble(hex[i+1])) }
	return color.RGBA{v(1), v(3), v(5), 255}
}

// latin is a text in the letters that the fonts of gonum/plot have.
func latin(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= ' ' && r < 0x7f, r >= 0xa0 && r < 0x180:
			return r
		case r == '…', r == '→', r == '↔':
			return r
		}
		return '?'
	}, s)
}
