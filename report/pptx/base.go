package pptx

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
)

// base is the package a deck is built on: its parts are written as they are, and its layouts say where content goes.
// The built-in one is made by builtin, others are read from templates.
type base struct {
	parts    map[string][]byte // name without leading slash → bytes; masters, layouts, themes and their relations
	types    map[string]string // part → content type
	master   string            // the slide master's part
	notes    string            // the notes master's part, "" for none
	theme    string            // the master's theme
	w, h     EMU               // size of a slide
	layouts  [layouts]baseLayout
	area     Box     // for content: that of ContentSlide, else the master's, else what the title leaves
	bodySize float64 // points of the first level of body text
	title    float64 // points of titles
	colors   map[Color]rgb
	first    int // number of the first slide

	// Of a template only:
	main        string    // the presentation's part, as are its
	open        string    // start tag, and
	children    []element // children
	order       []string  // relations of masters in its order
	relations   []relation
	tableStyles bool
	served      int // kinds of slides that have a layout of their own
}

// element is a piece of XML as it was read.
type element struct{ name, text string }

type baseLayout struct {
	part     string
	places   map[int]place // by what a deck calls them: 1, 2, titleIndex, footerIndex, numberIndex
	colorMap string        // the layout's own, "" for the master's
}

type place struct {
	kind         string // value of p:ph/@type, "" for content
	idx          int    // value of p:ph/@idx, 0 for none
	box          Box
	size         float64 // points the layout or master gives
	insetX       EMU     // distance of the text from the left and right edge, both
	insetY       EMU     // from top and bottom, both
	small, stand bool    // sz is quarter; the text is turned
}

// Indices under which a deck asks for what every layout may have.
const (
	titleIndex  = -1
	footerIndex = -2
	numberIndex = -3
)

// What is needed of the XML of masters and layouts.
type xmlSlide struct {
	Type   string `xml:"type,attr"`
	Shapes []struct {
		Ph *struct {
			Type   string `xml:"type,attr"`
			Idx    int    `xml:"idx,attr"`
			Size   string `xml:"sz,attr"`
			Orient string `xml:"orient,attr"`
		} `xml:"nvSpPr>nvPr>ph"`
		Off *struct {
			X int64 `xml:"x,attr"`
			Y int64 `xml:"y,attr"`
		} `xml:"spPr>xfrm>off"`
		Ext *struct {
			X int64 `xml:"cx,attr"`
			Y int64 `xml:"cy,attr"`
		} `xml:"spPr>xfrm>ext"`
		Body struct {
			LIns string `xml:"lIns,attr"`
			RIns string `xml:"rIns,attr"`
			TIns string `xml:"tIns,attr"`
			BIns string `xml:"bIns,attr"`
			Vert string `xml:"vert,attr"`
		} `xml:"txBody>bodyPr"`
		Own struct {
			Size int `xml:"sz,attr"`
		} `xml:"txBody>lstStyle>lvl1pPr>defRPr"`
	} `xml:"cSld>spTree>sp"`
	Title struct {
		Size int `xml:"sz,attr"`
	} `xml:"txStyles>titleStyle>lvl1pPr>defRPr"`
	Body struct {
		Size int `xml:"sz,attr"`
	} `xml:"txStyles>bodyStyle>lvl1pPr>defRPr"`
	ColorMap xmlColorMap  `xml:"clrMap"`
	Override *xmlColorMap `xml:"clrMapOvr>overrideClrMapping"`
}

type xmlColorMap struct {
	Attrs []xml.Attr `xml:",any,attr"`
}

// readPlaces reads where a master or layout has its placeholders, in its order. What one has no box, size or insets of its own for
// comes from the master's of the same kind.
func readPlaces(x *xmlSlide, master map[string]place) []place {
	var out []place
	for _, s := range x.Shapes {
		if s.Ph == nil {
			continue
		}
		p := place{kind: s.Ph.Type, idx: s.Ph.Idx, small: s.Ph.Size == "quarter"}
		from, inherits := master[roleOf(p.kind)]
		if !inherits {
			from = place{insetX: 91440, insetY: 45720}
		}
		p.size, p.box, p.insetX, p.insetY, p.stand = from.size, from.box, from.insetX, from.insetY, from.stand
		if s.Own.Size > 0 {
			p.size = float64(s.Own.Size) / 100
		}
		if s.Off != nil && s.Ext != nil {
			p.box = Box{EMU(s.Off.X), EMU(s.Off.Y), EMU(s.Ext.X), EMU(s.Ext.Y)}
		}
		inset := func(in EMU, sides ...string) EMU {
			for i, side := range sides {
				if n, err := strconv.Atoi(side); err == nil && n >= 0 {
					if in = max(in, EMU(n)); i == 0 {
						in = EMU(n)
					}
				}
			}
			return in
		}
		p.insetX, p.insetY = inset(p.insetX, s.Body.LIns, s.Body.RIns), inset(p.insetY, s.Body.TIns, s.Body.BIns)
		if v := s.Body.Vert; v != "" {
			p.stand = v != "horz"
		}
		p.stand = p.stand || s.Ph.Orient == "vert"
		out = append(out, p)
	}
	return out
}

// roleOf is the kind of a master's placeholder that one of a layout takes after.
func roleOf(kind string) string {
	switch kind {
	case "title", "ctrTitle":
		return "title"
	case "dt", "ftr", "sldNum", "hdr":
		return kind
	}
	return "body"
}

// choose finds, among the layouts of b.master, that for each kind of slide. It says how many kinds have one made for them, plus
// one; 0 where no layout has a title.
func (b *base) choose(list []string) (served int, err error) {
	var master xmlSlide
	if err := parse(b.master, b.parts[b.master], &master); err != nil {
		return 0, err
	}
	b.title, b.bodySize = float64(master.Title.Size)/100, float64(master.Body.Size)/100
	if b.title == 0 {
		b.title = 28
	}
	if b.bodySize == 0 {
		b.bodySize = 18
	}
	inherited := map[string]place{"title": {size: b.title}, "body": {size: b.bodySize}}
	for role, p := range inherited {
		p.insetX, p.insetY = 91440, 45720
		inherited[role] = p
	}
	for _, p := range readPlaces(&master, inherited) {
		if p.size == 0 {
			p.size = 12
		}
		inherited[roleOf(p.kind)] = p
	}
	type candidate struct {
		baseLayout
		kind    string
		content []place // left to right, top to bottom
	}
	var all []candidate
	for _, part := range list {
		var x xmlSlide
		if err := parse(part, b.parts[part], &x); err != nil {
			return 0, err
		}
		c := candidate{baseLayout: baseLayout{part: part, places: map[int]place{}}, kind: x.Type}
		if x.Override != nil {
			c.colorMap = x.Override.write()
		}
		turned := false
		for _, p := range readPlaces(&x, inherited) {
			switch p.kind {
			case "title", "ctrTitle":
				c.places[titleIndex] = p
				turned = turned || p.stand
			case "ftr":
				c.places[footerIndex] = p
			case "sldNum":
				c.places[numberIndex] = p
			case "", "obj", "body", "subTitle", "tbl", "chart":
				turned = turned || p.stand
				if p.box.W > 0 && p.box.H > 0 {
					c.content = append(c.content, p)
				}
			}
		}
		if t, ok := c.places[titleIndex]; !ok || turned || t.box.W <= 0 || t.box.H <= 0 {
			continue
		}
		slices.SortStableFunc(c.content, func(x, y place) int {
			return cmp.Or(boolFirst(x.kind == "subTitle", y.kind == "subTitle"), cmp.Compare(x.box.Y*4/b.h, y.box.Y*4/b.h), cmp.Compare(x.box.X, y.box.X))
		})
		all = append(all, c)
	}
	if len(all) == 0 {
		return 0, nil
	}
	served = 1
	large := func(c *candidate) (out []place) {
		for _, p := range c.content {
			if p.kind != "subTitle" && p.box.W >= b.w/4 && p.box.H >= b.h/4 {
				out = append(out, p)
			}
		}
		return out
	}
	// The first layout for which one of the tests holds, the earlier tests before the later.
	find := func(l Layout, tests ...func(*candidate) bool) bool {
		for _, test := range tests {
			for i := range all {
				if !test(&all[i]) {
					continue
				}
				b.layouts[l] = baseLayout{all[i].part, maps.Clone(all[i].places), all[i].colorMap}
				content := all[i].content
				if l == ContentSlide || l == TwoSlide {
					content = large(&all[i])
				}
				if l == TitleOnly {
					content = nil
				}
				for n, p := range content[:min(2, len(content))] {
					b.layouts[l].places[n+1] = p
				}
				return true
			}
		}
		return false
	}
	kind := func(kinds ...string) func(*candidate) bool {
		return func(c *candidate) bool { return slices.Contains(kinds, c.kind) }
	}
	holds := func(n int) func(*candidate) bool {
		return func(c *candidate) bool { return len(large(c)) == n && len(c.content) == n }
	}
	// What is made for it counts; instead takes what also does.
	made := func(l Layout, tests ...func(*candidate) bool) (instead func(...func(*candidate) bool)) {
		if find(l, tests...) {
			served++
			return func(...func(*candidate) bool) {}
		}
		return func(tests ...func(*candidate) bool) {
			find(l, append(tests, func(*candidate) bool { return true })...)
		}
	}
	both := func(x, y func(*candidate) bool) func(*candidate) bool {
		return func(c *candidate) bool { return x(c) && y(c) }
	}
	made(ContentSlide, both(kind("obj", "tx"), holds(1)), holds(1))()
	made(TwoSlide, both(kind("twoObj", "twoColTx"), holds(2)), func(c *candidate) bool {
		l := large(c)
		return len(l) == 2 && len(c.content) == 2 && l[0].box.X+l[0].box.W <= l[1].box.X && l[0].box.Y == l[1].box.Y
	})(holds(1))
	made(TitleOnly, kind("titleOnly"), func(c *candidate) bool { return len(c.content) == 0 && c.kind != "title" && c.kind != "secHead" })(holds(1))
	made(TitleSlide, kind("title"), func(c *candidate) bool { return c.places[titleIndex].kind == "ctrTitle" })()
	made(SectionSlide, kind("secHead"))(kind("title"))

	b.readColors(&master)
	b.area = inherited["body"].box
	if p, ok := b.layouts[ContentSlide].places[1]; ok {
		b.area = p.box
	}
	if b.area.W < 3*Inch || b.area.H < 2*Inch {
		title := b.layouts[ContentSlide].places[titleIndex].box
		y := min(title.Y+title.H+b.h/40, b.h/2)
		b.area = Box{title.X, y, min(title.W, b.w-title.X), b.h - y - b.h/10}
	}
	return served, nil
}

// space is where a layout has room for content: b.area, below the layout's title and above its footer.
func (b *base) space(l Layout) Box {
	box := b.area
	if t := b.layouts[l].places[titleIndex].box; t.Y < box.Y+box.H/3 && t.Y+t.H > box.Y && t.Y+t.H < box.Y+box.H/2 {
		box.H -= t.Y + t.H - box.Y
		box.Y = t.Y + t.H
	}
	for _, idx := range []int{footerIndex, numberIndex} {
		if f, ok := b.layouts[l].places[idx]; ok && f.box.Y > box.Y+box.H/2 && f.box.Y < box.Y+box.H {
			box.H = f.box.Y - box.Y
		}
	}
	return box
}

// write writes an override of the master's colours as a slide must repeat it.
func (m *xmlColorMap) write() string {
	var s strings.Builder
	s.WriteString(`<a:overrideClrMapping`)
	for _, a := range m.Attrs {
		if a.Name.Space == "" {
			fmt.Fprintf(&s, ` %s="%s"`, a.Name.Local, esc(a.Value))
		}
	}
	return s.String() + `/>`
}

// Namespaces of the format.
const (
	nsA      = "http://schemas.openxmlformats.org/drawingml/2006/main"
	nsP      = "http://schemas.openxmlformats.org/presentationml/2006/main"
	nsR      = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	nsC      = "http://schemas.openxmlformats.org/drawingml/2006/chart"
	nsRels   = "http://schemas.openxmlformats.org/package/2006/relationships"
	nsTypes  = "http://schemas.openxmlformats.org/package/2006/content-types"
	relBase  = nsR + "/"
	typePML  = "application/vnd.openxmlformats-officedocument.presentationml."
	typeDML  = "application/vnd.openxmlformats-officedocument.drawingml."
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	allSpace = ` xmlns:a="` + nsA + `" xmlns:r="` + nsR + `" xmlns:p="` + nsP + `"`
)

// relation is one line of a .rels part.
type relation struct{ id, kind, target string }

// relations writes a .rels part. Targets are parts of the package; they are written relative to the source part.
func relations(source string, rs []relation) []byte {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="` + nsRels + `">`)
	for _, r := range rs {
		kind := r.kind
		if !strings.HasPrefix(kind, "http") {
			kind = relBase + kind
		}
		fmt.Fprintf(&b, `<Relationship Id="%s" Type="%s" Target="%s"/>`, r.id, kind, relative(path.Dir(source), r.target))
	}
	b.WriteString(`</Relationships>`)
	return []byte(b.String())
}

// relative returns the path of target as seen from the folder dir ("." for the package's root).
func relative(dir, target string) string {
	if dir == "." {
		return target
	}
	up := strings.Split(dir, "/")
	to := strings.Split(target, "/")
	for len(up) > 0 && len(to) > 1 && up[0] == to[0] {
		up, to = up[1:], to[1:]
	}
	return strings.Repeat("../", len(up)) + strings.Join(to, "/")
}

// relsOf returns the name of the part that holds the relations of part.
func relsOf(part string) string {
	return path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
}

// Geometry of the built-in base: 13.333 × 7.5 inches.
const (
	slideW EMU = 12192000
	slideH EMU = 6858000
	margin EMU = 540000
	bodyY  EMU = 1260000
	bodyH  EMU = 5080000
	footY  EMU = 6444000
	footH  EMU = 288000
)

// builtin makes the built-in base.
func builtin(lang string) *base {
	list := make([]string, layouts)
	b := &base{
		parts: map[string][]byte{}, types: map[string]string{},
		master: "ppt/slideMasters/slideMaster1.xml", notes: "ppt/notesMasters/notesMaster1.xml", theme: "ppt/theme/theme1.xml",
		w: slideW, h: slideH, first: 1, main: "ppt/presentation.xml",
	}
	put := func(name, kind, content string) {
		b.parts[name] = []byte(content)
		b.types[name] = kind
	}
	put(b.theme, "application/vnd.openxmlformats-officedocument.theme+xml", builtinTheme(lang))
	put("ppt/theme/theme2.xml", "application/vnd.openxmlformats-officedocument.theme+xml", builtinTheme(lang))

	full := slideW - 2*margin
	title := placeholder(2, "Title", `type="title"`, Box{margin, 396000, full, 720000}, "", "")
	foot := placeholder(8, "Footer", `type="ftr" sz="quarter" idx="11"`, Box{margin, footY, full - 1440000, footH}, `<a:lvl1pPr marL="0" indent="0" algn="l"><a:buNone/><a:defRPr sz="1000">`+fill(Accent6)+`</a:defRPr></a:lvl1pPr>`, "") +
		placeholder(9, "Slide Number", `type="sldNum" sz="quarter" idx="12"`, Box{slideW - margin - 1080000, footY, 1080000, footH}, `<a:lvl1pPr marL="0" indent="0" algn="r"><a:buNone/><a:defRPr sz="1000">`+fill(Accent6)+`</a:defRPr></a:lvl1pPr>`, `<a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr lang="en-US"/><a:t>‹#›</a:t></a:fld>`)
	rule := rectangle(20, "Title rule", Box{margin, 1136000, full, 19050}, Accent1)
	mark := rectangle(21, "Mark", Box{0, 396000, 162000, 720000}, Accent1)
	body := func(idx int, name string, box Box) string {
		return placeholder(2+idx, name, fmt.Sprintf(`idx="%d"`, idx), box, "", "")
	}
	half := (full - 360000) / 2
	layout := func(l Layout, kind, name, background, shapes string) {
		part := fmt.Sprintf("ppt/slideLayouts/slideLayout%d.xml", l+1)
		list[l] = part
		attr := ""
		if kind != "" {
			attr = fmt.Sprintf(` type="%s"`, kind)
		}
		hide := ""
		if background != "" {
			hide = ` showMasterSp="0"`
			background = `<p:bg><p:bgPr>` + background + `<a:effectLst/></p:bgPr></p:bg>`
		}
		put(part, typePML+"slideLayout+xml", xmlHead+`<p:sldLayout`+allSpace+attr+` preserve="1"`+hide+`><p:cSld name="`+name+`">`+background+tree(shapes)+
			`</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>`)
		b.parts[relsOf(part)] = relations(part, []relation{{"rId1", "slideMaster", b.master}})
	}
	white := func(size int, bold bool) string {
		on := ""
		if bold {
			on = ` b="1"`
		}
		return fmt.Sprintf(`<a:lvl1pPr marL="0" indent="0" algn="l"><a:buNone/><a:defRPr sz="%d"%s>%s</a:defRPr></a:lvl1pPr>`, size, on, fill(Back1))
	}
	layout(TitleSlide, "title", "Title Slide", fill(Text2),
		rectangle(20, "Band", Box{0, 5220000, slideW, 1638000}, Accent1)+
			placeholder(2, "Title", `type="ctrTitle"`, Box{900000, 1620000, slideW - 1800000, 1620000}, white(4000, true), "")+
			placeholder(3, "Subtitle", `type="subTitle" idx="1"`, Box{900000, 3420000, slideW - 1800000, 1260000}, white(2200, false), "")+
			placeholder(4, "Text", `type="body" sz="quarter" idx="2"`, Box{900000, 5400000, slideW - 1800000, 1080000}, white(1600, false), ""))
	layout(SectionSlide, "secHead", "Section Header", fill(Text2),
		placeholder(2, "Title", `type="title"`, Box{900000, 2340000, slideW - 1800000, 1080000}, white(3400, true), "")+
			placeholder(3, "Text", `type="body" idx="1"`, Box{900000, 3600000, slideW - 1800000, 1440000}, white(1800, false), "")+foot)
	layout(ContentSlide, "obj", "Title and Content", "", title+body(1, "Content", Box{margin, bodyY, full, bodyH})+foot)
	layout(TwoSlide, "twoObj", "Two Content", "", title+body(1, "Content left", Box{margin, bodyY, half, bodyH})+
		placeholder(4, "Content right", `sz="half" idx="2"`, Box{slideW - margin - half, bodyY, half, bodyH}, "", "")+foot)
	layout(TitleOnly, "titleOnly", "Title Only", "", title+foot)

	var ids strings.Builder
	rels := []relation{}
	for i, part := range list {
		id := fmt.Sprintf("rId%d", i+1)
		fmt.Fprintf(&ids, `<p:sldLayoutId id="%d" r:id="%s"/>`, 2147483649+i, id)
		rels = append(rels, relation{id, "slideLayout", part})
	}
	rels = append(rels, relation{fmt.Sprintf("rId%d", len(rels)+1), "theme", b.theme})
	b.parts[relsOf(b.master)] = relations(b.master, rels)
	put(b.master, typePML+"slideMaster+xml", xmlHead+`<p:sldMaster`+allSpace+`><p:cSld><p:bg><p:bgPr>`+fill(Back1)+`<a:effectLst/></p:bgPr></p:bg>`+
		tree(mark+rule+title+placeholder(3, "Body", `type="body" idx="1"`, Box{margin, bodyY, full, bodyH}, "", "")+foot)+
		`</p:cSld><p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/>`+
		`<p:sldLayoutIdLst>`+ids.String()+`</p:sldLayoutIdLst><p:hf hdr="0" dt="0"/><p:txStyles><p:titleStyle>`+
		`<a:lvl1pPr algn="l"><a:lnSpc><a:spcPct val="95000"/></a:lnSpc><a:spcBef><a:spcPct val="0"/></a:spcBef><a:buNone/><a:defRPr sz="2600" b="1" kern="1200">`+fill(Text2)+
		`<a:latin typeface="+mj-lt"/><a:ea typeface="+mj-ea"/><a:cs typeface="+mj-cs"/></a:defRPr></a:lvl1pPr></p:titleStyle><p:bodyStyle>`+
		levels([]int{1800, 1600, 1400, 1400}, true)+`</p:bodyStyle><p:otherStyle>`+levels([]int{1400, 1400, 1400, 1400}, false)+`</p:otherStyle></p:txStyles></p:sldMaster>`)

	put(b.notes, typePML+"notesMaster+xml", xmlHead+`<p:notesMaster`+allSpace+`><p:cSld><p:bg><p:bgPr>`+fill(Back1)+`<a:effectLst/></p:bgPr></p:bg>`+
		tree(notesImage(2, true)+placeholder(3, "Notes", `type="body" sz="quarter" idx="1"`, notesBox, "", ""))+
		`</p:cSld><p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/><p:notesStyle>`+
		levels([]int{1200, 1200, 1200, 1200}, false)+`</p:notesStyle></p:notesMaster>`)
	b.parts[relsOf(b.notes)] = relations(b.notes, []relation{{"rId1", "theme", "ppt/theme/theme2.xml"}})
	if n, err := b.choose(list); err != nil || n != layouts+1 {
		panic(fmt.Sprintf("pptx: built-in base: %d layouts, %v", n, err)) // our own bytes: a fault of this package
	}
	return b
}

var (
	notesBox = Box{685800, 4400550, 5486400, 3600450}
	imageBox = Box{685800, 1143000, 5486400, 3086100}
)

// notesImage writes the placeholder that shows the slide on its notes page.
func notesImage(id int, own bool) string {
	place := ""
	if own {
		place = xfrm("a", imageBox) + `<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>`
	}
	return fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="%d" name="Slide Image"/><p:cNvSpPr><a:spLocks noGrp="1" noRot="1" noChangeAspect="1"/></p:cNvSpPr><p:nvPr><p:ph type="sldImg"/></p:nvPr></p:nvSpPr><p:spPr>%s</p:spPr></p:sp>`, id, place)
}

func levels(sizes []int, bullets bool) string {
	var b strings.Builder
	for i, size := range sizes {
		bullet := `<a:buNone/>`
		margin, in := 0, 0
		if bullets {
			margin, in = int(indent)*(i+1), -int(indent)
			bullet = `<a:buFont typeface="Arial"/><a:buChar char="•"/>`
		}
		fmt.Fprintf(&b, `<a:lvl%dpPr marL="%d" indent="%d" algn="l"><a:lnSpc><a:spcPct val="100000"/></a:lnSpc><a:spcBef><a:spcPts val="0"/></a:spcBef>%s<a:defRPr sz="%d" kern="1200">%s<a:latin typeface="+mn-lt"/><a:ea typeface="+mn-ea"/><a:cs typeface="+mn-cs"/></a:defRPr></a:lvl%dpPr>`,
			i+1, margin, in, bullet, size, fill(Text1), i+1)
	}
	return b.String()
}

func tree(shapes string) string {
	return `<p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="0" cy="0"/><a:chOff x="0" y="0"/><a:chExt cx="0" cy="0"/></a:xfrm></p:grpSpPr>` + shapes + `</p:spTree>`
}

func xfrm(ns string, b Box) string {
	return fmt.Sprintf(`<%s:xfrm><a:off x="%d" y="%d"/><a:ext cx="%d" cy="%d"/></%s:xfrm>`, ns, b.X, b.Y, max(b.W, 0), max(b.H, 0), ns)
}

// placeholder writes a placeholder of a master or layout.
func placeholder(id int, name, ph string, b Box, style, field string) string {
	content := field
	if content == "" {
		content = `<a:endParaRPr lang="en-US"/>`
	}
	anchor := "t"
	switch {
	case strings.Contains(ph, "itle"):
		anchor = "ctr"
	case strings.Contains(ph, "sldNum"), strings.Contains(ph, "ftr"):
		anchor = "ctr"
	}
	if strings.Contains(ph, "subTitle") {
		anchor = "t"
	}
	return fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph %s/></p:nvPr></p:nvSpPr><p:spPr>%s<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr><p:txBody><a:bodyPr vert="horz" lIns="%d" tIns="%d" rIns="%d" bIns="%d" rtlCol="0" anchor="%s"><a:normAutofit/></a:bodyPr><a:lstStyle>%s</a:lstStyle><a:p>%s</a:p></p:txBody></p:sp>`,
		id, name, ph, xfrm("a", b), bodyInset, bodyInset, bodyInset, bodyInset, anchor, style, content)
}

func rectangle(id int, name string, b Box, c Color) string {
	return fmt.Sprintf(`<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s"/><p:cNvSpPr/><p:nvPr userDrawn="1"/></p:nvSpPr><p:spPr>%s<a:prstGeom prst="rect"><a:avLst/></a:prstGeom>%s<a:ln><a:noFill/></a:ln></p:spPr><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:endParaRPr lang="en-US"/></a:p></p:txBody></p:sp>`,
		id, name, xfrm("a", b), fill(c))
}

// builtinTheme writes the theme: colours, fonts (Japanese decks use one family for both scripts, so that digits
// and Latin words sit in Japanese text) and the plain effects that the format requires.
func builtinTheme(lang string) string {
	colours := map[string]string{
		"dk1": "1F2933", "lt1": "FFFFFF", "dk2": "17324D", "lt2": "EEF2F6",
		"accent1": "1F6FB2", "accent2": "2A9D8F", "accent3": "B85C00", "accent4": "C23B3B", "accent5": "8A7414", "accent6": "66788A",
		"hlink": "1F6FB2", "folHlink": "7A5BA6",
	}
	order := []string{"dk1", "lt1", "dk2", "lt2", "accent1", "accent2", "accent3", "accent4", "accent5", "accent6", "hlink", "folHlink"}
	if len(order) != len(slices.Collect(maps.Keys(colours))) {
		panic("pptx: theme colours")
	}
	var b strings.Builder
	b.WriteString(xmlHead + `<a:theme xmlns:a="` + nsA + `" name="Assessment"><a:themeElements><a:clrScheme name="Assessment">`)
	for _, c := range order {
		fmt.Fprintf(&b, `<a:%s><a:srgbClr val="%s"/></a:%s>`, c, colours[c], c)
	}
	latin := "Segoe UI"
	if strings.HasPrefix(lang, "ja") {
		latin = "Meiryo UI"
	}
	font := fmt.Sprintf(`<a:latin typeface="%s"/><a:ea typeface="Meiryo UI"/><a:cs typeface=""/><a:font script="Jpan" typeface="Meiryo UI"/>`, latin)
	b.WriteString(`</a:clrScheme><a:fontScheme name="Assessment"><a:majorFont>` + font + `</a:majorFont><a:minorFont>` + font + `</a:minorFont></a:fontScheme><a:fmtScheme name="Assessment">`)
	solid := `<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>`
	b.WriteString(`<a:fillStyleLst>` + strings.Repeat(solid, 3) + `</a:fillStyleLst><a:lnStyleLst>`)
	for _, w := range []int{6350, 12700, 19050} {
		fmt.Fprintf(&b, `<a:ln w="%d">%s<a:prstDash val="solid"/></a:ln>`, w, solid)
	}
	b.WriteString(`</a:lnStyleLst><a:effectStyleLst>` + strings.Repeat(`<a:effectStyle><a:effectLst/></a:effectStyle>`, 3) +
		`</a:effectStyleLst><a:bgFillStyleLst>` + strings.Repeat(solid, 3) + `</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`)
	return b.String()
}

// boolFirst orders what holds before what does not.
func boolFirst(x, y bool) int {
	switch {
	case x == y:
		return 0
	case x:
		return -1
	}
	return 1
}

// rgb is a colour as light as it is seen: each part 0 to 255.
type rgb [3]uint8

// readColors reads the theme's colours, under the names by which the master's map makes them known to slides.
func (b *base) readColors(master *xmlSlide) {
	type colour struct {
		Srgb struct {
			Val string `xml:"val,attr"`
		} `xml:"srgbClr"`
		Sys struct {
			Last string `xml:"lastClr,attr"`
		} `xml:"sysClr"`
	}
	var theme struct {
		Colors struct {
			All []struct {
				XMLName xml.Name
				colour
			} `xml:",any"`
		} `xml:"themeElements>clrScheme"`
	}
	b.colors = map[Color]rgb{}
	if parse(b.theme, b.parts[b.theme], &theme) != nil {
		return // nothing is known of its colours then, and none is replaced
	}
	scheme := map[string]rgb{}
	for _, c := range theme.Colors.All {
		if n, err := strconv.ParseUint(cmp.Or(c.Srgb.Val, c.Sys.Last), 16, 32); err == nil {
			scheme[c.XMLName.Local] = rgb{uint8(n >> 16), uint8(n >> 8), uint8(n)}
		}
	}
	for _, a := range master.ColorMap.Attrs {
		if c, ok := scheme[a.Value]; ok {
			b.colors[Color(a.Name.Local)] = c
		}
	}
}

// luminance is the relative luminance of WCAG 2, 0 to 1.
func (c rgb) luminance() float64 {
	part := func(v uint8) float64 {
		x := float64(v) / 255
		if x <= 0.04045 {
			return x / 12.92
		}
		return math.Pow((x+0.055)/1.055, 2.4)
	}
	return 0.2126*part(c[0]) + 0.7152*part(c[1]) + 0.0722*part(c[2])
}

// contrast is the ratio of WCAG 2, 1 to 21; 21 where a colour is not known.
func (b *base) contrast(x, y Color) float64 {
	c, ok := b.colors[x]
	d, also := b.colors[y]
	if !ok || !also {
		return 21
	}
	l, m := c.luminance(), d.luminance()
	return (max(l, m) + 0.05) / (min(l, m) + 0.05)
}

// readable is text's colour on a ground: the one asked for where it can be read there (3 : 1, large or bold letters of WCAG 2), else that of
// the text or of the background which can be read better.
func (b *base) readable(c, ground Color) Color {
	if b.contrast(c, ground) >= 3 {
		return c
	}
	if b.contrast(Text1, ground) >= b.contrast(Back1, ground) {
		return Text1
	}
	return Back1
}

// readableRuns is paragraphs with the colours of runs readable on a ground.
func (b *base) readableRuns(ps []Paragraph, ground Color) []Paragraph {
	out := slices.Clone(ps)
	for i := range out {
		out[i].Runs = slices.Clone(out[i].Runs)
		for j := range out[i].Runs {
			if r := &out[i].Runs[j]; r.Color != "" {
				r.Color = b.readable(r.Color, ground)
			}
		}
	}
	return out
}
