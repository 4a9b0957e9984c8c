package picture

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"golang.org/x/text/width"
)

// Sizes of a map, in pixels.
const (
	boxW, boxH     = 148.0, 38.0 // of a node
	gapX, gapY     = 20.0, 36.0  // between nodes of a group; edges bend in gapY
	padX, padY     = 16.0, 20.0  // inside a group's box
	titleH         = 26.0        // of a group, above its nodes
	groupGap       = 36.0
	margin         = 24.0
	headH          = 34.0 // of the map: its title
	aspect         = 1.5  // of the map, width to height, as far as groups allow, unless Options says another
	labelSize      = 12.0 // font sizes
	noteSize       = 10.5
	titleSize      = 13.0
	edgeLabelSize  = 10.0
	mostEdgeLabels = 60 // a map of more edges has them in their titles only
	stripe         = 6.0
)

// Box is a rectangle: its upper left corner and its size.
type Box struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

func (b Box) mid() (x, y float64) { return b.X + b.W/2, b.Y + b.H/2 }

// Overlaps says whether two boxes share an area.
func (b Box) Overlaps(c Box) bool {
	return b.X < c.X+c.W && c.X < b.X+b.W && b.Y < c.Y+c.H && c.Y < b.Y+b.H
}

// Label is a text with the place that it takes.
type Label struct {
	Text string
	Size float64 // of the font
	Box  Box
}

// Curve is a cubic Bézier curve: begin, two control points, end.
type Curve [4][2]float64

func (c *Curve) at(t float64) (x, y float64) {
	u := 1 - t
	for i, w := range [4]float64{u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t} {
		x += w * c[i][0]
		y += w * c[i][1]
	}
	return x, y
}

// Layout says where all parts of a Graph stand. Slices run as those of the Graph.
type Layout struct {
	W, H float64
	// Nodes are boxes that do not overlap; NodeLabels are inside of them, Label then Note (Text "" for none).
	Nodes      []Box
	NodeLabels [][2]Label
	// Groups are boxes around their nodes; GroupLabels are inside, above the nodes.
	Groups      []Box
	GroupLabels []Label
	// Edges run from one box's border to the other's. A Label of an edge (small maps only) is over no box and no
	// other label; Text "" where there was no such place.
	Edges      []Curve
	EdgeLabels []Label
}

// Arrange lays a graph out. Groups are boxes; in each, nodes stand in rows by role (what is outside above, what moves things
// below), ordered so that edges are short. The same graph gives the same layout.
func Arrange(g *Graph) *Layout {
	a := &arranger{g: g, l: &Layout{Nodes: make([]Box, len(g.Nodes)), Groups: make([]Box, len(g.Groups))}}
	a.index()
	a.tiers()
	a.pack()
	a.order()
	a.labels()
	a.curves()
	a.edgeLabels()
	return a.l
}

type link struct {
	to     int
	weight float64
}

// tier is a row, or several, of a group: nodes of one kind of role.
type tier struct{ nodes []int }

type arranger struct {
	g     *Graph
	l     *Layout
	links [][]link // of each node, both ways
	tier  []tier
	of    []int   // tier of a node
	group [][]int // tiers of a group, top first
	cols  []int   // nodes in a row of a group
	seat  []int   // place of a node in its tier
}

// aspect is the width of the map to its height.
func (a *arranger) aspect() float64 {
	if a.g.aspect > 0 {
		return a.g.aspect
	}
	return aspect
}

// index makes the links: a pair of nodes weighs one and a little more with traffic.
func (a *arranger) index() {
	a.links = make([][]link, len(a.g.Nodes))
	for i := range a.g.Edges {
		e := &a.g.Edges[i]
		if e.From == e.To {
			continue
		}
		w := 1 + math.Log10(1+float64(e.Packets))/10
		a.links[e.From] = append(a.links[e.From], link{e.To, w})
		a.links[e.To] = append(a.links[e.To], link{e.From, w})
	}
}

// tiers makes rows of each group's nodes.
func (a *arranger) tiers() {
	members := make([][]int, len(a.g.Groups))
	for i := range a.g.Nodes {
		members[a.g.Nodes[i].Group] = append(members[a.g.Nodes[i].Group], i)
	}
	a.of, a.seat = make([]int, len(a.g.Nodes)), make([]int, len(a.g.Nodes))
	a.group, a.cols = make([][]int, len(members)), make([]int, len(members))
	for n, list := range members {
		slices.SortStableFunc(list, func(x, y int) int { return cmp.Compare(a.g.Nodes[y].row, a.g.Nodes[x].row) })
		cell := (boxH + gapY) / (boxW + gapX)
		a.cols[n] = max(1, int(math.Ceil(math.Sqrt(float64(len(list))*a.aspect()*cell))))
		for i, x := range list {
			if i == 0 || a.g.Nodes[list[i-1]].row != a.g.Nodes[x].row {
				a.group[n] = append(a.group[n], len(a.tier))
				a.tier = append(a.tier, tier{})
			}
			t := len(a.tier) - 1
			a.of[x], a.seat[x] = t, len(a.tier[t].nodes)
			a.tier[t].nodes = append(a.tier[t].nodes, x)
		}
	}
}

// size is the size of a group's box.
func (a *arranger) size(n int) (w, h float64) {
	rows, cols := 0, 0
	for _, t := range a.group[n] {
		k := len(a.tier[t].nodes)
		rows += (k + a.cols[n] - 1) / a.cols[n]
		cols = max(cols, min(k, a.cols[n]))
	}
	w = float64(cols)*(boxW+gapX) - gapX
	h = float64(rows)*(boxH+gapY) - gapY
	return max(w, min(textWidth(a.g.Groups[n].Name, titleSize), 2*boxW)) + 2*padX, h + 2*padY + titleH
}

// pack places the groups: in shelves, in the order that makes the edges between them shortest.
func (a *arranger) pack() {
	n := len(a.g.Groups)
	order := make([]int, n)
	w, h := make([]float64, n), make([]float64, n)
	area, widest := 0.0, 0.0
	for i := range order {
		order[i] = i
		w[i], h[i] = a.size(i)
		area += (w[i] + groupGap) * (h[i] + groupGap)
		widest = max(widest, w[i])
	}
	room := max(widest, math.Sqrt(area*a.aspect())*1.08)
	place := func(order []int) []Box {
		boxes := make([]Box, n)
		x, y, shelf := 0.0, 0.0, 0.0 // of the shelf: where the next column begins, its top, its height
		from := 0
		column, used := -1, 0.0 // the group at the top of the last column, and how high that is
		centre := func(to int) {
			for _, i := range order[from:to] {
				boxes[i].X += (room - (x - groupGap)) / 2
			}
			from = to
		}
		for at, i := range order {
			// Below another one, where a higher one stands beside.
			if column >= 0 && w[i] <= w[column] && used+groupGap+h[i] <= shelf {
				boxes[i] = Box{boxes[column].X + (w[column]-w[i])/2, y + used + groupGap, w[i], h[i]}
				used += groupGap + h[i]
				continue
			}
			if x > 0 && x+w[i] > room {
				centre(at)
				x, y, shelf = 0, y+shelf+groupGap, 0
			}
			boxes[i] = Box{x, y, w[i], h[i]}
			column, used = i, h[i]
			x += w[i] + groupGap
			shelf = max(shelf, h[i])
		}
		centre(n)
		return boxes
	}
	boxes := a.untangle(order, place)
	left, right, bottom := math.Inf(1), 0.0, 0.0
	for _, b := range boxes {
		left, right, bottom = min(left, b.X), max(right, b.X+b.W), max(bottom, b.Y+b.H)
	}
	if n == 0 {
		left = 0
	}
	for i, b := range boxes {
		a.l.Groups[i] = Box{b.X - left + margin, b.Y + margin + headH, b.W, b.H}
		a.seatAll(i)
	}
	a.l.W, a.l.H = max(right-left, 860)+2*margin, bottom+2*margin+headH
}

// untangle swaps groups as long as that shortens the edges between them; what is outside stays first.
func (a *arranger) untangle(order []int, place func([]int) []Box) []Box {
	n := len(order)
	weight := map[[2]int]float64{}
	for i := range a.g.Edges {
		x, y := a.g.Nodes[a.g.Edges[i].From].Group, a.g.Nodes[a.g.Edges[i].To].Group
		if x != y {
			weight[[2]int{min(x, y), max(x, y)}]++
		}
	}
	type bond struct {
		x, y int
		w    float64
	}
	var bonds []bond
	for k, w := range weight {
		bonds = append(bonds, bond{k[0], k[1], 1 + math.Log(w)})
	}
	slices.SortFunc(bonds, func(p, q bond) int { return cmp.Or(cmp.Compare(p.x, q.x), cmp.Compare(p.y, q.y)) })
	length := func(boxes []Box) (sum float64) {
		for _, b := range bonds {
			x0, y0 := boxes[b.x].mid()
			x1, y1 := boxes[b.y].mid()
			sum += b.w * math.Hypot(x1-x0, y1-y0)
		}
		// The lower its row, the lower on the map.
		for i, b := range boxes {
			_, y := b.mid()
			sum += y * a.g.Groups[i].row * 0.12
		}
		return sum
	}
	boxes := place(order)
	best := length(boxes)
	// Bounded: groups are many only where each is small.
	for budget := 400_000 / max(1, n+len(bonds)); budget > 0; {
		better := false
		for i := 0; i < n && budget > 0; i++ {
			for j := i + 1; j < n && budget > 0; j++ {
				if a.g.Groups[order[i]].first || a.g.Groups[order[j]].first {
					continue
				}
				budget--
				order[i], order[j] = order[j], order[i]
				b := place(order)
				if l := length(b); l < best-1e-6 {
					best, boxes, better = l, b, true
				} else {
					order[i], order[j] = order[j], order[i]
				}
			}
		}
		if !better {
			break
		}
	}
	return boxes
}

// seatAll gives each node of a group its box: rows are centred.
func (a *arranger) seatAll(n int) {
	y := a.l.Groups[n].Y + titleH + padY
	for _, t := range a.group[n] {
		nodes := a.tier[t].nodes
		// Rows of a tier are of even length, but the last.
		rows := (len(nodes) + a.cols[n] - 1) / a.cols[n]
		for row := (len(nodes) + rows - 1) / rows; len(nodes) > 0; {
			k := min(len(nodes), row)
			x := a.l.Groups[n].X + (a.l.Groups[n].W-float64(k)*(boxW+gapX)+gapX)/2
			for i, v := range nodes[:k] {
				a.l.Nodes[v] = Box{x + float64(i)*(boxW+gapX), y, boxW, boxH}
			}
			nodes = nodes[k:]
			y += boxH + gapY
		}
	}
}

// order swaps nodes within their tiers as long as that shortens edges: each goes where the middle of those is that it
// talks to, if the one that stands there loses less.
func (a *arranger) order() {
	cost := func(v int, at Box, other int, otherAt Box) (sum float64) {
		x, y := at.mid()
		for _, l := range a.links[v] {
			b := a.l.Nodes[l.to]
			if l.to == other {
				b = otherAt
			}
			x1, y1 := b.mid()
			sum += l.weight * (math.Abs(x1-x) + math.Abs(y1-y))
		}
		return sum
	}
	const rounds = 16
	for range rounds {
		better := false
		for v := range a.g.Nodes {
			nodes := a.tier[a.of[v]].nodes
			if len(a.links[v]) == 0 || len(nodes) < 2 {
				continue
			}
			var x, y, w float64
			for _, l := range a.links[v] {
				x1, y1 := a.l.Nodes[l.to].mid()
				x, y, w = x+x1*l.weight, y+y1*l.weight, w+l.weight
			}
			x, y = x/w, y/w
			for _, u := range a.near(nodes, x, y) {
				if u == v {
					continue
				}
				bv, bu := a.l.Nodes[v], a.l.Nodes[u]
				if len(a.links[u]) > 200 && len(a.links[v]) < len(a.links[u])/4 {
					continue // what all talk to is moved by itself
				}
				if cost(v, bu, u, bv)+cost(u, bv, v, bu) < cost(v, bv, u, bu)+cost(u, bu, v, bv)-1e-6 {
					a.l.Nodes[v], a.l.Nodes[u] = bu, bv
					t := &a.tier[a.of[v]]
					sv, su := a.seat[v], a.seat[u]
					t.nodes[sv], t.nodes[su] = u, v
					a.seat[v], a.seat[u] = su, sv
					better = true
				}
			}
		}
		if !better {
			break
		}
	}
}

// near gives the nodes of a tier whose boxes are nearest to a place, at most four.
func (a *arranger) near(nodes []int, x, y float64) []int {
	// A tier is a grid, so the seat can be computed from its first and second row.
	row := 1
	y0 := a.l.Nodes[nodes[0]].Y
	for row < len(nodes) && a.l.Nodes[nodes[row]].Y == y0 {
		row++
	}
	rows := (len(nodes) + row - 1) / row
	r := min(max(int(math.Round((y-boxH/2-y0)/(boxH+gapY))), 0), rows-1)
	var out []int
	for _, r := range []int{r, r - 1} {
		if r < 0 {
			continue
		}
		k := min(len(nodes)-r*row, row)
		x0 := a.l.Nodes[nodes[r*row]].X
		c := int(math.Round((x - boxW/2 - x0) / (boxW + gapX)))
		for _, c := range []int{c, c + 1} {
			out = append(out, nodes[r*row+min(max(c, 0), k-1)])
		}
	}
	return out
}

// labels cuts the texts of nodes and groups to their boxes.
func (a *arranger) labels() {
	a.l.NodeLabels = make([][2]Label, len(a.g.Nodes))
	for i := range a.g.Nodes {
		b, n := a.l.Nodes[i], &a.g.Nodes[i]
		room := boxW - stripe - 10
		line := func(s string, size, y, h float64) Label {
			s = fit(s, size, room)
			return Label{s, size, Box{b.X + stripe + 5, y, min(textWidth(s, size), room), h}}
		}
		if n.Note == "" {
			a.l.NodeLabels[i][0] = line(n.Label, labelSize, b.Y+(boxH-labelSize-2)/2, labelSize+2)
			continue
		}
		a.l.NodeLabels[i] = [2]Label{line(n.Label, labelSize, b.Y+5, labelSize+2), line(n.Note, noteSize, b.Y+boxH-noteSize-7, noteSize+2)}
	}
	for i, b := range a.l.Groups {
		s := fit(a.g.Groups[i].Name, titleSize, b.W-2*10)
		a.l.GroupLabels = append(a.l.GroupLabels, Label{s, titleSize, Box{b.X + 10, b.Y + 6, textWidth(s, titleSize), titleSize + 4}})
	}
}

// curves draws the edges: from the lower side of the upper node to the upper side of the lower one, between nodes of one row
// in the gap above it. Ends are spread along a side, in the order of where they go.
func (a *arranger) curves() {
	a.l.Edges = make([]Curve, len(a.g.Edges))
	type end struct {
		edge, n int     // n: 0 begin, 1 end of the edge
		far     float64 // x of the other end
	}
	sides := make([][2][]end, len(a.g.Nodes)) // of a node: upper, lower
	for i := range a.g.Edges {
		e := &a.g.Edges[i]
		b, c := a.l.Nodes[e.From], a.l.Nodes[e.To]
		x0, y0 := b.mid()
		x1, y1 := c.mid()
		s0, s1 := 0, 0
		switch {
		case y1-y0 > boxH:
			s0 = 1
		case y0-y1 > boxH:
			s1 = 1
		}
		sides[e.From][s0] = append(sides[e.From][s0], end{i, 0, x1})
		sides[e.To][s1] = append(sides[e.To][s1], end{i, 1, x0})
	}
	for v := range sides {
		for s, list := range sides[v] {
			slices.SortStableFunc(list, func(x, y end) int { return cmp.Compare(x.far, y.far) })
			b := a.l.Nodes[v]
			y := b.Y
			if s == 1 {
				y += b.H
			}
			for k, e := range list {
				// Few ends stand near the middle.
				span := b.W - 24
				if len(list) < 8 {
					span = span * float64(len(list)) / 8
				}
				x, _ := b.mid()
				x += span * ((float64(k)+0.5)/float64(len(list)) - 0.5)
				a.l.Edges[e.edge][3*e.n] = [2]float64{x, y}
			}
		}
	}
	for i := range a.l.Edges {
		c := &a.l.Edges[i]
		d := (c[3][1] - c[0][1]) / 2
		up := c[3][1]-c[0][1] < boxH && c[0][1]-c[3][1] < boxH && a.sameRow(i)
		if up {
			h := min(gapY*1.1, 14+math.Abs(c[3][0]-c[0][0])*0.08)
			top := min(c[0][1], c[3][1]) - h
			c[1], c[2] = [2]float64{c[0][0], top}, [2]float64{c[3][0], top}
			continue
		}
		if math.Abs(d) < gapY/2 {
			d = math.Copysign(gapY/2, d)
		}
		c[1], c[2] = [2]float64{c[0][0], c[0][1] + d}, [2]float64{c[3][0], c[3][1] - d}
	}
}

func (a *arranger) sameRow(i int) bool {
	e := &a.g.Edges[i]
	_, y0 := a.l.Nodes[e.From].mid()
	_, y1 := a.l.Nodes[e.To].mid()
	return math.Abs(y1-y0) <= boxH
}

// edgeLabels writes services at the edges of a small map, where there is room.
func (a *arranger) edgeLabels() {
	a.l.EdgeLabels = make([]Label, len(a.g.Edges))
	if len(a.g.Edges) > mostEdgeLabels {
		return
	}
	taken := slices.Clone(a.l.Nodes)
	for i := range a.l.GroupLabels {
		taken = append(taken, a.l.GroupLabels[i].Box)
	}
	for i := range a.g.Edges {
		e := &a.g.Edges[i]
		if len(e.Services) == 0 || a.g.Nodes[e.From].Kind == "service" || a.g.Nodes[e.To].Kind == "service" {
			continue
		}
		s := e.Services[0]
		if len(e.Services) > 1 {
			s = listOf(e.Services, 1)
		}
		s = fit(s, edgeLabelSize, 150)
		w := textWidth(s, edgeLabelSize) + 4
		for _, t := range []float64{0.5, 0.4, 0.6, 0.3, 0.7, 0.22, 0.78} {
			x, y := a.l.Edges[i].at(t)
			b := Box{x - w/2, y - edgeLabelSize/2 - 1, w, edgeLabelSize + 2}
			if b.X >= 0 && b.X+b.W <= a.l.W && !slices.ContainsFunc(taken, b.Overlaps) {
				taken = append(taken, b)
				a.l.EdgeLabels[i] = Label{s, edgeLabelSize, b}
				break
			}
		}
	}
}

// textWidth is at least how wide a text of this font size is drawn: letters of sans-serif
// fonts are up to 0.62 em on the average of an address or name, wide ones (Japanese) 1 em.
func textWidth(s string, size float64) float64 {
	em := 0.0
	for _, r := range s {
		switch {
		case r < 0x80 && strings.ContainsRune(".,:;|!il'/ ", r):
			em += 0.36
		case r < 0x80 && strings.ContainsRune("mwMW@%", r):
			em += 0.95
		case r >= 'A' && r <= 'Z':
			em += 0.72
		case r < 0x80:
			em += 0.62
		default:
			switch width.LookupRune(r).Kind() {
			case width.EastAsianWide, width.EastAsianFullwidth, width.EastAsianAmbiguous:
				em += 1
			default:
				em += 0.72
			}
		}
	}
	return em * size
}

// fit shortens a text to a width: addresses of many parts lose their front, others their end.
func fit(s string, size, room float64) string {
	if textWidth(s, size) <= room {
		return s
	}
	runes := []rune(s)
	front := strings.Count(s, ":") > 3
	for len(runes) > 0 {
		if front {
			runes = runes[1:]
			s = "…" + string(runes)
		} else {
			runes = runes[:len(runes)-1]
			s = string(runes) + "…"
		}
		if textWidth(s, size) <= room {
			break
		}
	}
	return s
}
