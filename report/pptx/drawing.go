package pptx

import (
	"fmt"
	"math"
	"strings"
)

// Drawing is a picture made of PowerPoint's own shapes, grouped: sharp at every size, its text in the theme's fonts and open to be
// edited. Its colours are fixed (#rrggbb), as they mean something, so it lies on a white ground. Units are of its own; the origin is at the
// upper left.
type Drawing struct {
	W, H  float64
	Parts []Part
}

// Part is a rectangle, with further ones in the same look, or a Bézier curve.
type Part struct {
	X, Y, W, H float64
	Curve      *[4][2]float64
	Arrow      bool
	Fill, Line string // "" for none
	Width      float64
	Opacity    float64 // of a curve, 0 to 1
	Round      bool
	More       [][4]float64 // x, y, w, h
	Lines      []DrawingText
	Align      Align
	Inset      float64
}

// DrawingText is a line of text in a Part; it never breaks.
type DrawingText struct {
	Text, Color string
	Size        float64 // in the drawing's units
	Bold        bool
}

// Drawing adds a drawing, as large as fits into b with its proportions kept, at its top. alt says in words what it shows.
func (s *Slide) Drawing(b Box, d Drawing, alt string) *Slide {
	s.shapes = append(s.shapes, &drawingGroup{b, d, alt})
	return s
}

type drawingGroup struct {
	box Box
	d   Drawing
	alt string
}

func hexFill(hex string, opacity float64) string {
	alpha := ""
	if opacity > 0 && opacity < 1 {
		alpha = fmt.Sprintf(`<a:alpha val="%d"/>`, int(opacity*100000))
	}
	return `<a:solidFill><a:srgbClr val="` + strings.ToUpper(strings.TrimPrefix(esc(hex), "#")) + `">` + alpha + `</a:srgbClr></a:solidFill>`
}

func (g *drawingGroup) xml(w *slideWriter) {
	if g.d.W <= 0 || g.d.H <= 0 {
		return
	}
	scale := math.Min(float64(g.box.W)/g.d.W, float64(g.box.H)/g.d.H)
	left := g.box.X + EMU((float64(g.box.W)-g.d.W*scale)/2)
	at := func(x, y, w, h float64) Box {
		return Box{left + EMU(x*scale), g.box.Y + EMU(y*scale), EMU(w * scale), EMU(h * scale)}
	}
	whole := at(0, 0, g.d.W, g.d.H)
	id := w.id()
	fmt.Fprintf(&w.xml, `<p:grpSp><p:nvGrpSpPr><p:cNvPr id="%d" name="Drawing %d" descr="%s"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="%d" y="%d"/><a:ext cx="%d" cy="%d"/><a:chOff x="%d" y="%d"/><a:chExt cx="%d" cy="%d"/></a:xfrm></p:grpSpPr>`,
		id, id, esc(g.alt), whole.X, whole.Y, whole.W, whole.H, whole.X, whole.Y, whole.W, whole.H)
	shape := func(name string, b Box, geometry, look, text string) {
		id := w.id()
		kind := ""
		if look == `<a:noFill/><a:ln><a:noFill/></a:ln>` {
			kind = ` txBox="1"`
		}
		fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s %d"/><p:cNvSpPr%s/><p:nvPr/></p:nvSpPr><p:spPr>%s%s%s</p:spPr>%s</p:sp>`, id, name, id, kind, xfrm("a", b), geometry, look, text)
	}
	rect := `<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>`
	shape("Ground", whole, rect, hexFill("#ffffff", 1)+`<a:ln><a:noFill/></a:ln>`, "")
	for i := range g.d.Parts {
		p := &g.d.Parts[i]
		line := `<a:ln><a:noFill/></a:ln>`
		if p.Line != "" {
			end := ""
			if p.Arrow {
				end = `<a:tailEnd type="triangle" w="med" len="med"/>`
			}
			line = fmt.Sprintf(`<a:ln w="%d">%s%s</a:ln>`, max(int(p.Width*scale), 3175), hexFill(p.Line, p.Opacity), end)
		}
		if p.Curve != nil {
			b, path := curve(p.Curve, at)
			shape("Edge", b, path, `<a:noFill/>`+line, "")
			continue
		}
		look := `<a:noFill/>` + line
		if p.Fill != "" {
			look = hexFill(p.Fill, 1) + line
		}
		geometry := rect
		b := at(p.X, p.Y, p.W, p.H)
		switch {
		case len(p.More) > 0:
			b, geometry = rectangles(append([][4]float64{{p.X, p.Y, p.W, p.H}}, p.More...), at)
		case p.Round:
			geometry = `<a:prstGeom prst="roundRect"><a:avLst><a:gd name="adj" fmla="val 4000"/></a:avLst></a:prstGeom>`
		}
		shape("Shape", b, geometry, look, g.text(p, scale, w.deck.prop.Lang))
	}
	w.xml.WriteString(`</p:grpSp>`)
}

// text writes the lines of a part; their sizes are cut where they would be over 100 points or under 4.
func (g *drawingGroup) text(p *Part, scale float64, lang string) string {
	if len(p.Lines) == 0 {
		return ""
	}
	var b strings.Builder
	in := EMU(p.Inset * scale)
	fmt.Fprintf(&b, `<p:txBody><a:bodyPr wrap="none" lIns="%d" tIns="0" rIns="%d" bIns="0" rtlCol="0" anchor="ctr"><a:noAutofit/></a:bodyPr><a:lstStyle/>`, in, in)
	for _, l := range p.Lines {
		align := p.Align
		if align == "" {
			align = Left
		}
		bold := ""
		if l.Bold {
			bold = ` b="1"`
		}
		size := math.Round(min(max(l.Size*scale/float64(Point), 4), 100) * 100)
		fmt.Fprintf(&b, `<a:p><a:pPr marL="0" indent="0" algn="%s"><a:lnSpc><a:spcPct val="90000"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef><a:buNone/></a:pPr><a:r><a:rPr lang="%s" sz="%d"%s dirty="0">%s</a:rPr><a:t>%s</a:t></a:r></a:p>`,
			align, lang, int(size), bold, hexFill(l.Color, 1)+themeFont, esc(l.Text))
	}
	return b.String() + `</p:txBody>`
}

type placing func(x, y, w, h float64) Box

// curve makes a path of a Bézier curve, in the box around its points.
func curve(c *[4][2]float64, at placing) (Box, string) {
	x0, y0, x1, y1 := c[0][0], c[0][1], c[0][0], c[0][1]
	for _, p := range c {
		x0, y0, x1, y1 = min(x0, p[0]), min(y0, p[1]), max(x1, p[0]), max(y1, p[1])
	}
	b := at(x0, y0, x1-x0, y1-y0)
	b.W, b.H = max(b.W, 1), max(b.H, 1)
	point := func(i int) string {
		q := at(c[i][0], c[i][1], 0, 0)
		return fmt.Sprintf(`<a:pt x="%d" y="%d"/>`, min(max(q.X-b.X, 0), b.W), min(max(q.Y-b.Y, 0), b.H))
	}
	return b, fmt.Sprintf(`<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/><a:rect l="0" t="0" r="r" b="b"/><a:pathLst><a:path w="%d" h="%d" fill="none"><a:moveTo>%s</a:moveTo><a:cubicBezTo>%s%s%s</a:cubicBezTo></a:path></a:pathLst></a:custGeom>`,
		b.W, b.H, point(0), point(1), point(2), point(3))
}

// rectangles makes one path of several rectangles, in the box around them.
func rectangles(list [][4]float64, at placing) (Box, string) {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, r := range list {
		x0, y0, x1, y1 = min(x0, r[0]), min(y0, r[1]), max(x1, r[0]+r[2]), max(y1, r[1]+r[3])
	}
	b := at(x0, y0, x1-x0, y1-y0)
	b.W, b.H = max(b.W, 1), max(b.H, 1)
	var s strings.Builder
	fmt.Fprintf(&s, `<a:custGeom><a:avLst/><a:gdLst/><a:ahLst/><a:cxnLst/><a:rect l="0" t="0" r="r" b="b"/><a:pathLst><a:path w="%d" h="%d">`, b.W, b.H)
	for _, r := range list {
		q := at(r[0], r[1], r[2], r[3])
		q.X, q.Y = max(q.X-b.X, 0), max(q.Y-b.Y, 0)
		right, bottom := min(q.X+q.W, b.W), min(q.Y+q.H, b.H)
		fmt.Fprintf(&s, `<a:moveTo><a:pt x="%d" y="%d"/></a:moveTo><a:lnTo><a:pt x="%d" y="%d"/></a:lnTo><a:lnTo><a:pt x="%d" y="%d"/></a:lnTo><a:lnTo><a:pt x="%d" y="%d"/></a:lnTo><a:close/>`,
			q.X, q.Y, right, q.Y, right, bottom, q.X, bottom)
	}
	return b, s.String() + `</a:path></a:pathLst></a:custGeom>`
}
