package pptx

import (
	"encoding/xml"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// base is the package a deck is built on: its parts are written as they are, and its layouts say where content goes.
// The built-in one is made by builtin; any package of the same shape would do.
type base struct {
	parts    map[string][]byte // name without leading slash → bytes; masters, layouts, themes and their relations
	types    map[string]string // part → content type
	master   string            // the slide master's part
	notes    string            // the notes master's part
	theme    string            // the master's theme
	w, h     EMU               // size of a slide
	layouts  [layouts]baseLayout
	bodySize float64 // points of the first level of body text
	title    float64 // points of titles
}

type baseLayout struct {
	part   string
	places map[int]place // placeholder index → where it is; titleIndex is the title's
}

type place struct {
	kind string // value of p:ph/@type, "" for content
	box  Box
	size float64 // points the layout or master gives; 0 unknown
}

// Indices of placeholders that every layout of the built-in base shares.
const (
	titleIndex  = -1
	footerIndex = 11
	numberIndex = 12
)

// What readBase needs of the XML of masters and layouts.
type xmlSlide struct {
	Name   string `xml:"-"`
	Shapes []struct {
		Ph *struct {
			Type string `xml:"type,attr"`
			Idx  int    `xml:"idx,attr"`
		} `xml:"nvSpPr>nvPr>ph"`
		Off *struct {
			X int64 `xml:"x,attr"`
			Y int64 `xml:"y,attr"`
		} `xml:"spPr>xfrm>off"`
		Ext *struct {
			X int64 `xml:"cx,attr"`
			Y int64 `xml:"cy,attr"`
		} `xml:"spPr>xfrm>ext"`
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
}

// readBase fills in where the layouts of b have their placeholders. A layout's placeholder without a box of
// its own takes that of the master's placeholder of the same type.
func readBase(b *base) (*base, error) {
	var master xmlSlide
	if err := xml.Unmarshal(b.parts[b.master], &master); err != nil {
		return nil, fmt.Errorf("%s: %w", b.master, err)
	}
	b.title, b.bodySize = float64(master.Title.Size)/100, float64(master.Body.Size)/100
	if b.title == 0 {
		b.title = 28
	}
	if b.bodySize == 0 {
		b.bodySize = 18
	}
	inherited := map[string]Box{}
	for _, s := range master.Shapes {
		if s.Ph != nil && s.Off != nil && s.Ext != nil {
			inherited[s.Ph.Type] = Box{EMU(s.Off.X), EMU(s.Off.Y), EMU(s.Ext.X), EMU(s.Ext.Y)}
		}
	}
	for i := range b.layouts {
		l := &b.layouts[i]
		var x xmlSlide
		if err := xml.Unmarshal(b.parts[l.part], &x); err != nil {
			return nil, fmt.Errorf("%s: %w", l.part, err)
		}
		l.places = map[int]place{}
		for _, s := range x.Shapes {
			if s.Ph == nil {
				continue
			}
			p := place{kind: s.Ph.Type, size: float64(s.Own.Size) / 100}
			idx := s.Ph.Idx
			role := s.Ph.Type
			switch role {
			case "title", "ctrTitle":
				idx, role = titleIndex, "title"
				if p.size == 0 {
					p.size = b.title
				}
			case "", "subTitle", "obj":
				role = "body"
			}
			if p.size == 0 {
				p.size = b.bodySize
			}
			if s.Off != nil && s.Ext != nil {
				p.box = Box{EMU(s.Off.X), EMU(s.Off.Y), EMU(s.Ext.X), EMU(s.Ext.Y)}
			} else {
				p.box = inherited[role]
			}
			l.places[idx] = p
		}
		if _, ok := l.places[titleIndex]; !ok {
			return nil, fmt.Errorf("%s: no title placeholder", l.part)
		}
	}
	if _, ok := b.layouts[ContentSlide].places[1]; !ok {
		return nil, fmt.Errorf("%s: no content placeholder", b.layouts[ContentSlide].part)
	}
	return b, nil
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
	b := &base{
		parts: map[string][]byte{}, types: map[string]string{},
		master: "ppt/slideMasters/slideMaster1.xml", notes: "ppt/notesMasters/notesMaster1.xml", theme: "ppt/theme/theme1.xml",
		w: slideW, h: slideH,
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
		b.layouts[l].part = part
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
	for i := range b.layouts {
		id := fmt.Sprintf("rId%d", i+1)
		fmt.Fprintf(&ids, `<p:sldLayoutId id="%d" r:id="%s"/>`, 2147483649+i, id)
		rels = append(rels, relation{id, "slideLayout", b.layouts[i].part})
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
