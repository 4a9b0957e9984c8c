package picture

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"osect/inventory"
	"osect/text"
)

// fonts of SVG: those of systems that have Japanese first.
const fonts = "'Noto Sans CJK JP','Noto Sans JP','Yu Gothic UI','Meiryo','Hiragino Sans',sans-serif"

// edgeKind says how grave the functions are that an edge carries; the later ones are drawn above.
type edgeKind int

const (
	edgeIT edgeKind = iota
	edgeOT
	edgeWrite
	edgeControl
	numEdgeKinds
)

var edgeColours = [numEdgeKinds]string{"#8595a5", "#009e73", "#d98200", "#c8321e"}
var edgeKeys = [numEdgeKinds]string{"map.edge.it", "map.edge.ot", "map.edge.write", "map.edge.control"}

func (e *Edge) kind() edgeKind {
	for _, c := range e.Classes {
		switch c {
		case "control":
			return edgeControl
		case "write":
			return edgeWrite
		}
	}
	if e.OT {
		return edgeOT
	}
	return edgeIT
}

// thickness of an edge, px: grows with the logarithm of its bytes.
func (e *Edge) thickness() float64 {
	return min(0.8+math.Log10(1+float64(e.Bytes)/1000)*0.45, 4)
}

// xmlWriter writes XML and keeps the first error.
type xmlWriter struct {
	w   *bufio.Writer
	err error
}

func newXML(w io.Writer) *xmlWriter { return &xmlWriter{w: bufio.NewWriterSize(w, 64<<10)} }

// put writes what is XML already; texts among args are escaped.
func (x *xmlWriter) put(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case string:
			args[i] = escape(v)
		case float64:
			args[i] = number(v)
		}
	}
	if _, err := fmt.Fprintf(x.w, format, args...); err != nil && x.err == nil {
		x.err = err
	}
}

func (x *xmlWriter) end() error {
	if err := x.w.Flush(); x.err == nil {
		x.err = err
	}
	return x.err
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a Builder has no errors
	return b.String()
}

// number writes a coordinate with at most one decimal.
func number(v float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
}

// WriteSVG draws a graph as it was arranged. Hovering shows the facts of a node or edge. The file
// refers to nothing outside of it.
func WriteSVG(w io.Writer, g *Graph, l *Layout, lang text.Lang) error {
	x := newXML(w)
	legend, h := legendOf(g, l, lang)
	height := l.H + h
	x.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%v" height="%v" viewBox="0 0 %v %v" font-family="%v">`+"\n", l.W, height, l.W, height, fonts)
	x.put("<title>%v</title>\n", g.Title)
	x.put("<style>.e:hover{stroke-opacity:1;stroke-width:4}.n:hover rect{stroke:#000}</style>\n")
	x.put(`<rect width="%v" height="%v" fill="#ffffff"/>`+"\n", l.W, height)
	x.put(`<defs>`)
	arrows := len(g.Edges) <= 1500
	for k, c := range edgeColours {
		x.put(`<marker id="a%d" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0.8L8 4L0 7.2z" fill="%v"/></marker>`, k, c)
	}
	x.put("</defs>\n")
	x.put(`<text x="%v" y="%v" font-size="16" font-weight="bold" fill="#1d2730">%v</text>`+"\n", margin, margin+14.0, fit(g.Title, 16, l.W-2*margin))
	for i := range legend {
		legend[i].draw(x)
	}
	for _, b := range l.Groups {
		x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="8" fill="#f6f8fa" stroke="#cfd8e0"/>`+"\n", b.X, b.Y, b.W, b.H)
	}
	opacity := min(0.75, max(0.12, 9/math.Sqrt(float64(len(g.Edges)+1))))
	for k := range numEdgeKinds {
		first := true
		// The weakest first.
		for i := len(g.Edges) - 1; i >= 0; i-- {
			e := &g.Edges[i]
			if e.kind() != k || e.From == e.To {
				continue
			}
			if first {
				x.put(`<g fill="none" stroke="%v" stroke-opacity="%v">`+"\n", edgeColours[k], strconv.FormatFloat(opacityOf(opacity, k), 'f', 2, 64))
				first = false
			}
			c := &l.Edges[i]
			x.put(`<path class="e" d="M%v %vC%v %v %v %v %v %v" stroke-width="%v"`, c[0][0], c[0][1], c[1][0], c[1][1], c[2][0], c[2][1], c[3][0], c[3][1], e.thickness())
			if arrows {
				x.put(` marker-end="url(#a%d)"`, int(k))
			}
			x.put("><title>%v</title></path>\n", strings.Join(e.facts, "\n"))
		}
		if !first {
			x.put("</g>\n")
		}
	}
	for i := range l.GroupLabels {
		b := l.GroupLabels[i].Box
		x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="3" fill="#f6f8fa" fill-opacity="0.85"/>`, b.X-3, b.Y-1, b.W+6, b.H+2)
		label(x, &l.GroupLabels[i], "#44525f", "bold")
	}
	for i := range g.Nodes {
		node(x, &g.Nodes[i], l.Nodes[i], &l.NodeLabels[i])
	}
	for i := range l.EdgeLabels {
		if e := &l.EdgeLabels[i]; e.Text != "" {
			x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="2" fill="#ffffff" fill-opacity="0.85"/>`, e.Box.X, e.Box.Y, e.Box.W, e.Box.H)
			x.put(`<text x="%v" y="%v" font-size="%v" fill="%v" text-anchor="middle">%v</text>`+"\n", e.Box.X+e.Box.W/2, e.Box.Y+e.Size*0.95, e.Size, edgeColours[g.Edges[i].kind()], e.Text)
		}
	}
	x.put("</svg>\n")
	return x.end()
}

// opacityOf: what is grave shines through a crowd.
func opacityOf(o float64, k edgeKind) float64 {
	if k >= edgeWrite {
		return min(0.85, o*1.6)
	}
	return o
}

func label(x *xmlWriter, l *Label, fill, weight string) {
	if l.Text != "" {
		x.put(`<text x="%v" y="%v" font-size="%v" fill="%v" font-weight="%v">%v</text>`+"\n", l.Box.X, l.Box.Y+l.Size*0.95, l.Size, fill, weight, l.Text)
	}
}

func node(x *xmlWriter, n *Node, b Box, labels *[2]Label) {
	x.put(`<g class="n"><title>%v</title>`, strings.Join(n.Facts, "\n"))
	rx := 4.0
	if n.Kind == "service" {
		rx = boxH / 2
		x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="%v" fill="%v" stroke="#7d8a96"/>`, b.X, b.Y, b.W, b.H, rx, n.colour)
	} else {
		x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="%v" fill="#ffffff" stroke="#7d8a96"/>`, b.X, b.Y, b.W, b.H, rx)
		x.put(`<path d="M%v %vh-%va4 4 0 0 0 -4 4v%va4 4 0 0 0 4 4h%vz" fill="%v"/>`, b.X+stripe, b.Y, stripe-4, b.H-8, stripe-4, n.colour)
	}
	label(x, &labels[0], "#1d2730", "bold")
	label(x, &labels[1], "#55636f", "normal")
	x.put("</g>\n")
}

// legendEntry is a colour with what it says.
type legendEntry struct {
	name, colour string
	line         bool // of edges
	x, y         float64
}

// legendOf places the colours that the map has below it, in lines of the map's width.
func legendOf(g *Graph, l *Layout, lang text.Lang) (entries []legendEntry, height float64) {
	roles := map[string]bool{}
	for i := range g.Nodes {
		roles[g.Nodes[i].Role] = true
	}
	for _, r := range inventory.Roles {
		if roles[r] {
			entries = append(entries, legendEntry{name: text.Or(lang, "device.role."+r, r), colour: roleColours[r].hex})
		}
	}
	var kinds [numEdgeKinds]bool
	for i := range g.Edges {
		kinds[g.Edges[i].kind()] = true
	}
	for k, there := range kinds {
		if there {
			entries = append(entries, legendEntry{name: text.Get(lang, edgeKeys[k]), colour: edgeColours[k], line: true})
		}
	}
	const row = 18.0
	x, y := margin, l.H+8
	for i := range entries {
		e := &entries[i]
		w := 20 + textWidth(e.name, 11) + 14
		if x+w > l.W-margin && x > margin {
			x, y = margin, y+row
		}
		e.x, e.y = x, y
		x += w
	}
	return entries, y - l.H + row
}

func (e *legendEntry) draw(x *xmlWriter) {
	if e.line {
		x.put(`<path d="M%v %vh14" stroke="%v" stroke-width="2.5"/>`, e.x, e.y-4, e.colour)
	} else {
		x.put(`<rect x="%v" y="%v" width="14" height="11" rx="2" fill="%v" stroke="#7d8a96" stroke-width="0.5"/>`, e.x, e.y-10, e.colour)
	}
	x.put(`<text x="%v" y="%v" font-size="11" fill="#44525f">%v</text>`+"\n", e.x+20, e.y, e.name)
}
