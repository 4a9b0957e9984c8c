package picture

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"osect/inventory"
	"osect/text"
)

// MatrixBy are the kinds of matrices.
var MatrixBy = []string{"vendor", "os", "role"}

// side is how many cells a grid has in a row and in a column.
const side = 16

// Matrix is grids of 16 × 16 cells, a cell a device, in the order of site, address, MAC.
type Matrix struct {
	By    string
	Title string
	Cells []Cell
	Kinds []Kind // what cells are coloured by, the most frequent first; of roles, in their order
	lang  text.Lang
}

// Cell is a device in a matrix.
type Cell struct {
	Grid     int    `json:"grid"` // from 1
	Row      int    `json:"row"`  // 0 to 15
	Column   int    `json:"column"`
	Address  string `json:"address"` // the first, "" for none
	MAC      string `json:"mac"`
	Hostname string `json:"hostname"`
	Value    string `json:"value"`    // vendor, OS or role; "" unknown
	Accuracy int    `json:"accuracy"` // of the OS, confidence of the role, 0 to 100; of vendors 0
	Sign     string `json:"sign"`     // the letter in the terminal
	Site     string `json:"site"`
	kind     int
}

// Kind is a colour of a matrix.
type Kind struct {
	Name    string
	Sign    rune
	Devices int
	Mean    int // of the accuracies
	colour  colour
}

// NewMatrix makes a matrix of devices; the row of the internet is none.
func NewMatrix(devices []inventory.Device, by string, lang text.Lang, vendor func(string) string) *Matrix {
	m := &Matrix{By: by, Title: text.Get(lang, "map.matrix."+by), lang: lang}
	order := make([]*inventory.Device, 0, len(devices))
	for i := range devices {
		if !devices[i].Internet {
			order = append(order, &devices[i])
		}
	}
	slices.SortStableFunc(order, func(x, y *inventory.Device) int {
		c := cmp.Or(cmp.Compare(x.Site, y.Site), boolCompare(len(x.IPs) == 0, len(y.IPs) == 0))
		if c == 0 && len(x.IPs) > 0 {
			c = first(x.IPs).Compare(first(y.IPs))
		}
		return cmp.Or(c, cmp.Compare(x.MAC, y.MAC))
	})
	type kind struct {
		Kind
		value string
		sum   int
	}
	kinds := map[string]*kind{}
	for i, d := range order {
		c := Cell{Grid: i/(side*side) + 1, Row: i / side % side, Column: i % side, Address: firstIP(d.IPs), Hostname: printable(d.Hostname), Site: printable(d.Site)}
		if d.MAC != 0 {
			c.MAC = d.MAC.String()
		}
		name := ""
		switch by {
		case "os":
			c.Value, c.Accuracy = printable(d.OS), d.OSAccuracy
			name = c.Value
		case "role":
			c.Value, c.Accuracy = d.Role, d.RoleConfidence
			name = text.Or(lang, "device.role."+d.Role, d.Role)
		default:
			c.Value = printable(d.Vendor)
			name = printable(vendor(d.Vendor))
		}
		k := kinds[name]
		if k == nil {
			k = &kind{Kind: Kind{Name: name}, value: c.Value}
			kinds[name] = k
		}
		k.Devices++
		k.sum += c.Accuracy
		m.Cells = append(m.Cells, c)
	}
	names := slices.SortedFunc(maps.Keys(kinds), func(x, y string) int {
		a, b := kinds[x], kinds[y]
		if by == "role" {
			return cmp.Compare(slices.Index(inventory.Roles, a.value), slices.Index(inventory.Roles, b.value))
		}
		return cmp.Or(boolCompare(x == "", y == ""), cmp.Compare(b.Devices, a.Devices), cmp.Compare(x, y))
	})
	index := map[string]int{}
	other := -1
	for i, name := range names {
		k := kinds[name]
		switch {
		case by == "role":
			k.colour, k.Sign = roleColours[k.value], roleSigns[k.value]
			if k.Sign == 0 {
				k.colour, k.Sign = unknownColour, '?'
			}
		case name == "":
			k.Name, k.Sign, k.colour = text.Get(lang, "map.matrix.unknown"), '?', unknownColour
		case i >= len(many):
			if other < 0 {
				other = len(m.Kinds)
				m.Kinds = append(m.Kinds, Kind{Name: text.Get(lang, "map.matrix.other"), Sign: '+', colour: otherColour})
			}
			index[name] = other
			o := &m.Kinds[other]
			o.Mean = (o.Mean*o.Devices + k.sum) / (o.Devices + k.Devices)
			o.Devices += k.Devices
			continue
		default:
			k.Sign, k.colour = rune('A'+i), many[i]
		}
		k.Mean = k.sum / k.Devices
		index[name] = len(m.Kinds)
		m.Kinds = append(m.Kinds, k.Kind)
	}
	for i := range m.Cells {
		c := &m.Cells[i]
		name := c.Value
		switch by {
		case "role":
			name = text.Or(lang, "device.role."+c.Value, c.Value)
		case "vendor":
			name = printable(vendor(c.Value))
		}
		c.kind = index[name]
		c.Sign = string(m.Kinds[c.kind].Sign)
	}
	return m
}

// name is what a cell is called: its address, else its MAC.
func (c *Cell) name() string { return cmp.Or(c.Address, c.MAC) }

// grids cuts the cells.
func (m *Matrix) grids() [][]Cell { return slices.Collect(slices.Chunk(m.Cells, side*side)) }

// gridTitle heads a grid.
func (m *Matrix) gridTitle(n, of int, cells []Cell) string {
	return text.Get(m.lang, "map.matrix.grid", "n", n+1, "of", of, "first", cells[0].name(), "last", cells[len(cells)-1].name())
}

// legendText is a line of the legend: the name, how many devices, and the mean accuracy of OS.
func (m *Matrix) legendText(k *Kind) string {
	s := fmt.Sprintf("%s (%d)", k.Name, k.Devices)
	if m.By == "os" && k.Sign != '?' {
		s = fmt.Sprintf("%s (%d, %s)", k.Name, k.Devices, text.Get(m.lang, "map.matrix.accuracy", "mean", k.Mean))
	}
	return s
}

// accuracyText is what stands beside the sign: two digits at most.
func (m *Matrix) accuracyText(c *Cell) string {
	if m.By != "os" || c.Value == "" {
		return ""
	}
	return strconv.Itoa(min(c.Accuracy, 99))
}

// Terminal writes the grids for a terminal, at most columns wide (80 are enough), with colours (SGR 48;5) or
// by letters alone.
func (m *Matrix) Terminal(columns int, colours bool) string {
	var b strings.Builder
	cell, head := 3, 17
	if m.By == "os" {
		cell, head = 4, 15
	}
	grids := m.grids()
	paint := func(c colour, s string) {
		if colours {
			ink := 15
			if inkOn(c.hex) == "#000000" {
				ink = 16
			}
			fmt.Fprintf(&b, "\x1b[48;5;%d;38;5;%dm%s\x1b[0m", c.sgr, ink, s)
			return
		}
		b.WriteString(s)
	}
	b.WriteString(m.Title + "\n")
	for n, cells := range grids {
		b.WriteString("\n" + m.gridTitle(n, len(grids), cells) + "\n")
		for row := range slices.Chunk(cells, side) {
			name := row[0].name()
			if len(name) > head {
				name = "…" + name[len(name)-head+1:]
			}
			fmt.Fprintf(&b, "%-*s ", head, name)
			for i := range row {
				s := fmt.Sprintf("%s%-*s", row[i].Sign, cell-2, m.accuracyText(&row[i]))
				if m.By != "os" {
					s = " " + row[i].Sign
				}
				// The cell before the gap; the last has none.
				if colours || i < len(row)-1 {
					s += " "
				} else {
					s = strings.TrimRight(s, " ")
				}
				paint(m.Kinds[row[i].kind].colour, s)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	widest := 0
	var entries []string
	for i := range m.Kinds {
		s := m.legendText(&m.Kinds[i])
		for cells(s) > columns-4 {
			s = fitCells(s, columns-4)
		}
		entries = append(entries, s)
		widest = max(widest, cells(s)+4)
	}
	across := max(1, (columns+2)/(widest+2))
	rows := (len(entries) + across - 1) / across
	for r := range rows {
		for i := r; i < len(entries); i += rows {
			paint(m.Kinds[i].colour, " "+string(m.Kinds[i].Sign)+" ")
			b.WriteString(" " + entries[i])
			if i+rows < len(entries) {
				b.WriteString(strings.Repeat(" ", widest+2-4-cells(entries[i])))
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// cells is how many columns of a terminal a text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += runeCells(r)
	}
	return n
}

func fitCells(s string, room int) string {
	n := 1
	for i, r := range s {
		if n += runeCells(r); n > room {
			return s[:i] + "…"
		}
	}
	return s
}

// Sizes of a drawn matrix.
const (
	cellW, cellH = 46.0, 26.0
	rowHead      = 130.0
	gridHead     = 30.0
	gridGap      = 30.0
	matrixHead   = 44.0
	legendRow    = 20.0
	legendW      = 290.0 // at least
)

// canvas is what a matrix is drawn on: SVG or PNG, with the origin at the upper left.
type canvas interface {
	rect(b Box, fill, title string)
	text(x, y, size float64, anchor, fill, s string)
}

// size is the size of the drawing; grids stand two in a row.
func (m *Matrix) size() (w, h float64) {
	n := len(m.grids())
	gw := rowHead + side*cellW
	across := min(max(n, 1), 2)
	w = 2*margin + float64(across)*(gw+gridGap) - gridGap
	h = matrixHead
	grids := m.grids()
	for i := 0; i < n; i += 2 {
		h += gridHead + float64(rowsOf(grids[i]))*cellH + gridGap
	}
	per := max(1, int((w-2*margin)/legendW))
	return w, h + float64((len(m.Kinds)+per-1)/per)*legendRow + margin
}

func rowsOf(cells []Cell) int { return (len(cells) + side - 1) / side }

func (m *Matrix) draw(c canvas) {
	w, _ := m.size()
	c.text(margin, 28, 16, "start", "#1d2730", fit(m.Title, 16, w-2*margin))
	grids := m.grids()
	y := matrixHead
	for n := 0; n < len(grids); n += 2 {
		for k, cells := range grids[n:min(n+2, len(grids))] {
			x := margin + float64(k)*(rowHead+side*cellW+gridGap)
			c.text(x, y+20, 12, "start", "#44525f", m.gridTitle(n+k, len(grids), cells))
			for i := range cells {
				v := &cells[i]
				cx, cy := x+rowHead+float64(v.Column)*cellW, y+gridHead+float64(v.Row)*cellH
				if v.Column == 0 {
					c.text(x+rowHead-8, cy+cellH/2+4, 11, "end", "#44525f", fit(v.name(), 11, rowHead-10))
				}
				kind := &m.Kinds[v.kind]
				title := v.name() + "\n" + kind.Name
				if a := m.accuracyText(v); a != "" {
					title += " (" + a + " %)"
				}
				if v.Hostname != "" {
					title += "\n" + v.Hostname
				}
				c.rect(Box{cx, cy, cellW - 2, cellH - 2}, kind.colour.hex, title)
				s := v.Sign
				if a := m.accuracyText(v); a != "" {
					s += " " + a
				}
				c.text(cx+(cellW-2)/2, cy+cellH/2+3, 11, "middle", inkOn(kind.colour.hex), s)
			}
		}
		y += gridHead + float64(rowsOf(grids[n]))*cellH + gridGap
	}
	per := max(1, int((w-2*margin)/legendW))
	each := (w - 2*margin) / float64(per)
	for i := range m.Kinds {
		k := &m.Kinds[i]
		x, ly := margin+float64(i%per)*each, y+float64(i/per)*legendRow
		c.rect(Box{x, ly, 24, 16}, k.colour.hex, k.Name)
		c.text(x+12, ly+12, 11, "middle", inkOn(k.colour.hex), string(k.Sign))
		c.text(x+31, ly+12, 11, "start", "#1d2730", fit(m.legendText(k), 11, each-38))
	}
}

// WriteSVG draws the matrix; hovering shows what a cell is.
func (m *Matrix) WriteSVG(w io.Writer) error {
	x := newXML(w)
	width, height := m.size()
	x.put(`<svg xmlns="http://www.w3.org/2000/svg" width="%v" height="%v" viewBox="0 0 %v %v" font-family="%v">`+"\n", width, height, width, height, fonts)
	x.put(`<title>%v</title><rect width="%v" height="%v" fill="#ffffff"/>`+"\n", m.Title, width, height)
	m.draw(svgCanvas{x})
	x.put("</svg>\n")
	return x.end()
}

type svgCanvas struct{ x *xmlWriter }

func (c svgCanvas) rect(b Box, fill, title string) {
	c.x.put(`<rect x="%v" y="%v" width="%v" height="%v" rx="3" fill="%v" stroke="#9aa7b2" stroke-width="0.5"><title>%v</title></rect>`+"\n", b.X, b.Y, b.W, b.H, fill, title)
}

func (c svgCanvas) text(x, y, size float64, anchor, fill, s string) {
	// What is drawn over a cell lets the pointer through to it.
	c.x.put(`<text x="%v" y="%v" font-size="%v" text-anchor="%v" fill="%v" pointer-events="none">%v</text>`+"\n", x, y, size, anchor, fill, s)
}
