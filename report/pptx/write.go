package pptx

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// slideWriter writes the parts of one slide.
type slideWriter struct {
	deck   *packer
	layout Layout
	part   string
	xml    strings.Builder
	rels   []relation
	nextID int
	err    error
}

// packer collects the parts of the file.
type packer struct {
	*Deck
	parts       map[string][]byte
	types       map[string]string // part → content type
	notesMaster string
}

func (p *packer) put(name, kind, content string) {
	p.parts[name] = []byte(content)
	p.types[name] = kind
}

// id returns the next number for p:cNvPr on the slide.
func (w *slideWriter) id() int {
	w.nextID++
	return w.nextID
}

// relate adds a relation of the slide and returns its id.
func (w *slideWriter) relate(kind, target string) string {
	id := fmt.Sprintf("rId%d", len(w.rels)+1)
	w.rels = append(w.rels, relation{id, kind, target})
	return id
}

// fresh returns the first name of a part that the base has not: before, a number from n on, after.
func (p *packer) fresh(before string, n int, after string) string {
	for {
		name := fmt.Sprintf("%s%d%s", before, n, after)
		if _, taken := p.parts[name]; !taken {
			return name
		}
		n++
	}
}

// WriteTo writes the deck as a .pptx file. A deck can be written more than once.
func (d *Deck) WriteTo(out io.Writer) (int64, error) {
	if len(d.slides) == 0 {
		return 0, fmt.Errorf("pptx: no slides")
	}
	p := &packer{Deck: d, parts: maps.Clone(d.base.parts), types: maps.Clone(d.base.types)}
	main := d.base.main
	rels := slices.Clone(d.base.relations)
	next := 0
	rel := func(kind, target string) string {
		for {
			next++
			id := fmt.Sprintf("rId%d", next)
			if !slices.ContainsFunc(rels, func(r relation) bool { return r.id == id }) {
				rels = append(rels, relation{id, kind, target})
				return id
			}
		}
	}
	var slideIDs strings.Builder
	notesMaster := d.base.notes
	if notesMaster == "" { // of the template; the built-in one has its theme beside it
		own := builtin(d.prop.Lang)
		notesMaster = p.fresh("ppt/notesMasters/notesMaster", 1, ".xml")
		theme := p.fresh("ppt/theme/theme", 1, ".xml")
		p.put(notesMaster, own.types[own.notes], string(own.parts[own.notes]))
		p.put(theme, own.types[own.theme], string(own.parts[own.theme]))
		p.parts[relsOf(notesMaster)] = relations(notesMaster, []relation{{"rId1", "theme", theme}})
	}
	p.notesMaster = notesMaster
	for i, s := range d.slides {
		part := fmt.Sprintf("ppt/slides/slide%d.xml", i+1)
		fmt.Fprintf(&slideIDs, `<p:sldId id="%d" r:id="%s"/>`, 256+i, rel("slide", part))
		if err := p.slide(s, i, part); err != nil {
			return 0, fmt.Errorf("pptx: slide %d: %w", i+1, err)
		}
	}
	space := ` xmlns:p="` + nsP + `" xmlns:r="` + nsR + `"`
	list := `<p:sldIdLst` + space + `>` + slideIDs.String() + `</p:sldIdLst>`
	notesList := func() string {
		return `<p:notesMasterIdLst` + space + `><p:notesMasterId r:id="` + rel("notesMaster", notesMaster) + `"/></p:notesMasterIdLst>`
	}
	if len(d.base.children) == 0 {
		p.put(main, typePML+"presentation.main+xml", xmlHead+`<p:presentation`+allSpace+` saveSubsetFonts="1"><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="`+rel("slideMaster", d.base.master)+`"/></p:sldMasterIdLst>`+notesList()+list+
			fmt.Sprintf(`<p:sldSz cx="%d" cy="%d"/><p:notesSz cx="6858000" cy="9144000"/><p:defaultTextStyle>`, d.base.w, d.base.h)+levels([]int{1800, 1800, 1800, 1800}, false)+`</p:defaultTextStyle></p:presentation>`)
		rel("theme", d.base.theme)
	} else {
		p.put(main, typePML+"presentation.main+xml", p.presentation(list, notesList))
	}
	rel("presProps", "ppt/presProps.xml")
	rel("viewProps", "ppt/viewProps.xml")
	p.put("ppt/presProps.xml", typePML+"presProps+xml", xmlHead+`<p:presentationPr`+allSpace+`/>`)
	p.put("ppt/viewProps.xml", typePML+"viewProps+xml", xmlHead+`<p:viewPr`+allSpace+`/>`)
	if !d.base.tableStyles {
		rel("tableStyles", "ppt/tableStyles.xml")
		p.put("ppt/tableStyles.xml", typePML+"tableStyles+xml", xmlHead+`<a:tblStyleLst xmlns:a="`+nsA+`" def="{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}"/>`)
	}
	p.parts[relsOf(main)] = relations(main, rels)
	p.properties()
	p.parts["_rels/.rels"] = relations("x", []relation{
		{"rId1", "officeDocument", main},
		{"rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml"},
		{"rId3", "extended-properties", "docProps/app.xml"},
	})
	p.parts["[Content_Types].xml"] = p.contentTypes()
	return pack(out, p.parts)
}

// presentation writes a template's presentation part with our slides: its children as they were read, without those that name its slides.
func (p *packer) presentation(list string, notesList func() string) string {
	var b strings.Builder
	b.WriteString(xmlHead + strings.TrimSuffix(p.base.open, "/>"))
	if strings.HasSuffix(p.base.open, "/>") {
		b.WriteString(">")
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(p.base.open, "<"), " ")
	for _, c := range p.base.children {
		switch c.name {
		case "sldMasterIdLst":
			b.WriteString(c.text)
			if p.base.notes == "" {
				b.WriteString(notesList())
			}
		case "sldSz":
			b.WriteString(list + c.text)
		case "notesMasterIdLst", "notesSz", "embeddedFontLst", "kinsoku", "defaultTextStyle":
			b.WriteString(c.text)
		}
	}
	return b.String() + "</" + strings.TrimRight(name, ">\r\n\t ") + ">"
}

func (p *packer) properties() {
	pr := p.prop
	var b strings.Builder
	b.WriteString(xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">`)
	for _, e := range [][2]string{{"dc:title", pr.Title}, {"dc:subject", pr.Subject}, {"dc:creator", pr.Author}, {"cp:keywords", pr.Keywords}, {"dc:language", pr.Lang}} {
		if e[1] != "" {
			fmt.Fprintf(&b, `<%s>%s</%s>`, e[0], esc(e[1]), e[0])
		}
	}
	if !pr.Created.IsZero() {
		when := pr.Created.UTC().Format("2006-01-02T15:04:05Z")
		fmt.Fprintf(&b, `<dcterms:created xsi:type="dcterms:W3CDTF">%s</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">%s</dcterms:modified>`, when, when)
	}
	b.WriteString(`</cp:coreProperties>`)
	p.put("docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml", b.String())
	company := ""
	if pr.Company != "" {
		company = `<Company>` + esc(pr.Company) + `</Company>`
	}
	p.put("docProps/app.xml", "application/vnd.openxmlformats-officedocument.extended-properties+xml", xmlHead+
		fmt.Sprintf(`<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>%s</Application><Slides>%d</Slides>%s</Properties>`, esc(pr.Program), len(p.slides), company))
}

func (p *packer) contentTypes() []byte {
	var b strings.Builder
	b.WriteString(xmlHead + `<Types xmlns="` + nsTypes + `"><Default Extension="png" ContentType="image/png"/><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xlsx" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"/><Default Extension="xml" ContentType="application/xml"/>`)
	for _, name := range slices.Sorted(maps.Keys(p.types)) {
		if p.types[name] != "" {
			fmt.Fprintf(&b, `<Override PartName="/%s" ContentType="%s"/>`, esc(name), esc(p.types[name]))
		}
	}
	b.WriteString(`</Types>`)
	return []byte(b.String())
}

// pack writes parts as a zip whose bytes depend on nothing but the parts: the list of types first, then by name.
func pack(out io.Writer, parts map[string][]byte) (int64, error) {
	count := &counter{w: out}
	z := zip.NewWriter(count)
	names := slices.Sorted(maps.Keys(parts))
	const first = "[Content_Types].xml"
	if i := slices.Index(names, first); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, first)
	}
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return count.n, err
		}
		if _, err := w.Write(parts[name]); err != nil {
			return count.n, err
		}
	}
	err := z.Close()
	return count.n, err
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// repack writes a zip again so that its bytes depend on its contents alone.
func repack(data []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			return nil, err
		}
		parts[f.Name], err = io.ReadAll(rc)
		rc.Close()
		if err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	_, err = pack(&b, parts)
	return b.Bytes(), err
}

// slide writes slide i and its notes.
func (p *packer) slide(s *Slide, i int, part string) error {
	layout := p.base.layouts[s.layout]
	w := &slideWriter{deck: p, layout: s.layout, part: part, nextID: 1}
	w.relate("slideLayout", layout.part)
	w.placeholder("Title", layout.places[titleIndex], []Paragraph{P(s.title)}, 60)
	for _, sh := range s.shapes {
		sh.xml(w)
	}
	if slices.Contains(p.contents, s) {
		p.contentsLines(s, w)
	}
	if pl, ok := layout.places[footerIndex]; ok && p.prop.Footer != "" && s.layout != TitleSlide {
		w.placeholder("Footer", pl, []Paragraph{P(Clip(p.prop.Footer, float64((pl.box.W-2*pl.insetX)/Point)/max(pl.size, 8)*0.95))}, 60)
	}
	if pl, ok := layout.places[numberIndex]; ok && s.layout != TitleSlide {
		w.field(pl, i+p.base.first)
	}
	if w.err != nil {
		return w.err
	}
	if len(s.notes) > 0 {
		p.notes(s, w, i)
	}
	p.put(part, typePML+"slide+xml", xmlHead+`<p:sld`+allSpace+`><p:cSld>`+tree(w.xml.String())+`</p:cSld><p:clrMapOvr>`+cmp.Or(layout.colorMap, `<a:masterClrMapping/>`)+`</p:clrMapOvr></p:sld>`)
	p.parts[relsOf(part)] = relations(part, w.rels)
	return nil
}

// contentsLines lists the slides with an entry and their numbers.
func (p *packer) contentsLines(s *Slide, w *slideWriter) {
	var lines []Paragraph
	for i, s := range p.slides {
		if s.entry == "" {
			continue
		}
		number := strings.ReplaceAll(fmt.Sprintf("%2d", i+p.base.first), " ", "\u2007") // a space as wide as a digit
		lines = append(lines, Paragraph{Runs: []Run{{Text: number, Bold: true, Color: p.base.readable(Accent1, Back1)}, {Text: "　" + s.entry}}, After: 5})
	}
	if pl, ok := p.base.layouts[s.layout].places[1]; ok {
		w.placeholder("Contents", pl, lines, 40)
		return
	}
	(&textBox{s.Area(), BoxStyle{Size: p.base.bodySize, Color: Text1}, lines}).xml(w)
}

func (p *packer) notes(s *Slide, w *slideWriter, i int) {
	part := fmt.Sprintf("ppt/notesSlides/notesSlide%d.xml", i+1)
	w.relate("notesSlide", part)
	var b strings.Builder
	ps := make([]Paragraph, len(s.notes))
	for i, n := range s.notes {
		ps[i] = P(n)
	}
	paragraphs(&b, ps, 0, "", p.prop.Lang)
	p.put(part, typePML+"notesSlide+xml", xmlHead+`<p:notes`+allSpace+`><p:cSld>`+tree(notesImage(2, false)+
		`<p:sp><p:nvSpPr><p:cNvPr id="3" name="Notes"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph type="body" idx="1"/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:lstStyle/>`+b.String()+`</p:txBody></p:sp>`)+
		`</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:notes>`)
	p.parts[relsOf(part)] = relations(part, []relation{{"rId1", "notesMaster", p.notesMaster}, {"rId2", "slide", w.part}})
}

// ph writes the reference to a placeholder of the layout.
func (pl place) ph() string {
	out := "<p:ph"
	if pl.kind != "" {
		out += fmt.Sprintf(` type="%s"`, esc(pl.kind))
	}
	if pl.idx != 0 {
		out += fmt.Sprintf(` idx="%d"`, pl.idx)
	}
	return out + "/>"
}

// placeholder writes text into a placeholder of the layout; where it is too long, it asks for letters down to least percent.
func (w *slideWriter) placeholder(name string, pl place, ps []Paragraph, least int) {
	fit := `<a:normAutofit/>`
	in := Box{W: pl.box.W - 2*pl.insetX, H: pl.box.H - 2*pl.insetY}
	if percent := scaleTo(ps, pl.size, in.W, in.H, least); percent < 100 {
		fit = fmt.Sprintf(`<a:normAutofit fontScale="%d"/>`, percent*1000)
		// The scale is of letters alone; what is between paragraphs is scaled here.
		ps = slices.Clone(ps)
		for i := range ps {
			ps[i].After = ps[i].After * float64(percent) / 100
		}
		ps = cut(ps, pl.size*float64(percent)/100, in.W, in.H)
	}
	fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr>%s</p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr>%s</a:bodyPr><a:lstStyle/>`, w.id(), name, pl.ph(), fit)
	paragraphs(&w.xml, ps, 0, "", w.deck.prop.Lang)
	w.xml.WriteString(`</p:txBody></p:sp>`)
}

// fills writes that a table (kind tbl) or chart in box b fills the placeholder of the layout that lies there and may hold one, so that it moves with
// the layout; "" stands for what may hold anything.
func (w *slideWriter) fills(b Box, kind string) string {
	for _, idx := range []int{1, 2} {
		if pl, ok := w.deck.base.layouts[w.layout].places[idx]; ok && pl.box == b && (pl.kind == "" || pl.kind == "obj" || pl.kind == kind) {
			return `<p:nvPr>` + pl.ph() + `</p:nvPr>`
		}
	}
	return `<p:nvPr/>`
}

// field writes the slide's number.
func (w *slideWriter) field(pl place, number int) {
	fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="Slide Number"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr>%s</p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr lang="%s"/><a:t>%d</a:t></a:fld></a:p></p:txBody></p:sp>`, w.id(), pl.ph(), w.deck.prop.Lang, number)
}
