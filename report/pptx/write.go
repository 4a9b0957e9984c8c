package pptx

import (
	"archive/zip"
	"bytes"
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
	part   string
	xml    strings.Builder
	rels   []relation
	nextID int
	err    error
}

// packer collects the parts of the file.
type packer struct {
	*Deck
	parts  map[string][]byte
	types  map[string]string // part → content type
	charts int
	images int
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

// WriteTo writes the deck as a .pptx file. A deck can be written more than once.
func (d *Deck) WriteTo(out io.Writer) (int64, error) {
	if len(d.slides) == 0 {
		return 0, fmt.Errorf("pptx: no slides")
	}
	p := &packer{Deck: d, parts: maps.Clone(d.base.parts), types: maps.Clone(d.base.types)}
	var slideRels []relation
	var slideIDs strings.Builder
	for i, s := range d.slides {
		part := fmt.Sprintf("ppt/slides/slide%d.xml", i+1)
		id := fmt.Sprintf("rId%d", i+1)
		slideRels = append(slideRels, relation{id, "slide", part})
		fmt.Fprintf(&slideIDs, `<p:sldId id="%d" r:id="%s"/>`, 256+i, id)
		if err := p.slide(s, i, part); err != nil {
			return 0, fmt.Errorf("pptx: slide %d: %w", i+1, err)
		}
	}
	const main = "ppt/presentation.xml"
	next := len(slideRels)
	rel := func(kind, target string) string {
		next++
		id := fmt.Sprintf("rId%d", next)
		slideRels = append(slideRels, relation{id, kind, target})
		return id
	}
	masterID, notesID := rel("slideMaster", d.base.master), rel("notesMaster", d.base.notes)
	rel("presProps", "ppt/presProps.xml")
	rel("viewProps", "ppt/viewProps.xml")
	rel("theme", d.base.theme)
	rel("tableStyles", "ppt/tableStyles.xml")
	p.put(main, typePML+"presentation.main+xml", xmlHead+`<p:presentation`+allSpace+` saveSubsetFonts="1"><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="`+masterID+`"/></p:sldMasterIdLst><p:notesMasterIdLst><p:notesMasterId r:id="`+notesID+`"/></p:notesMasterIdLst><p:sldIdLst>`+slideIDs.String()+
		fmt.Sprintf(`</p:sldIdLst><p:sldSz cx="%d" cy="%d"/><p:notesSz cx="6858000" cy="9144000"/><p:defaultTextStyle>`, d.base.w, d.base.h)+levels([]int{1800, 1800, 1800, 1800}, false)+`</p:defaultTextStyle></p:presentation>`)
	p.parts[relsOf(main)] = relations(main, slideRels)
	p.put("ppt/presProps.xml", typePML+"presProps+xml", xmlHead+`<p:presentationPr`+allSpace+`/>`)
	p.put("ppt/viewProps.xml", typePML+"viewProps+xml", xmlHead+`<p:viewPr`+allSpace+`/>`)
	p.put("ppt/tableStyles.xml", typePML+"tableStyles+xml", xmlHead+`<a:tblStyleLst xmlns:a="`+nsA+`" def="{5C22544A-7EE6-4342-B048-85BDC9FD1C3A}"/>`)
	p.properties()
	p.parts["_rels/.rels"] = relations("x", []relation{
		{"rId1", "officeDocument", main},
		{"rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml"},
		{"rId3", "extended-properties", "docProps/app.xml"},
	})
	p.parts["[Content_Types].xml"] = p.contentTypes()
	return pack(out, p.parts)
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
		fmt.Fprintf(&b, `<Override PartName="/%s" ContentType="%s"/>`, name, p.types[name])
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
	w := &slideWriter{deck: p, part: part, nextID: 1}
	w.relate("slideLayout", layout.part)
	title := layout.places[titleIndex]
	w.placeholder("Title", fmt.Sprintf(`type="%s"`, title.kind), title, []Paragraph{P(s.title)})
	for _, sh := range s.shapes {
		sh.xml(w)
	}
	if slices.Contains(p.contents, s) {
		(&placeholderText{idx: 1, ps: p.contentsLines(layout.places[1])}).xml(w)
	}
	if pl, ok := layout.places[footerIndex]; ok && p.prop.Footer != "" {
		w.placeholder("Footer", `type="ftr" sz="quarter" idx="11"`, pl, []Paragraph{P(Clip(p.prop.Footer, float64(pl.box.W/Point)/10))})
	}
	if pl, ok := layout.places[numberIndex]; ok {
		w.field(pl, i+1)
	}
	if w.err != nil {
		return w.err
	}
	if len(s.notes) > 0 {
		p.notes(s, w, i)
	}
	p.put(part, typePML+"slide+xml", xmlHead+`<p:sld`+allSpace+`><p:cSld>`+tree(w.xml.String())+`</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>`)
	p.parts[relsOf(part)] = relations(part, w.rels)
	return nil
}

// contentsLines lists the slides with an entry and their numbers.
func (p *packer) contentsLines(pl place) []Paragraph {
	var out []Paragraph
	for i, s := range p.slides {
		if s.entry == "" {
			continue
		}
		number := strings.ReplaceAll(fmt.Sprintf("%2d", i+1), " ", "\u2007") // a space as wide as a digit
		out = append(out, Paragraph{Runs: []Run{{Text: number, Bold: true, Color: Accent1}, {Text: "　" + s.entry}}, After: 8})
	}
	return out
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
	p.parts[relsOf(part)] = relations(part, []relation{{"rId1", "notesMaster", p.base.notes}, {"rId2", "slide", w.part}})
}

// placeholder writes text into a placeholder of the layout; where it is too long, it asks for smaller letters.
func (w *slideWriter) placeholder(name, ph string, pl place, ps []Paragraph) {
	fit := ""
	percent := scaleTo(ps, pl.size, pl.box.W-2*bodyInset, pl.box.H-2*bodyInset, 60)
	if percent < 100 {
		fit = fmt.Sprintf(`<a:normAutofit fontScale="%d"/>`, percent*1000)
		ps = cut(ps, pl.size*float64(percent)/100, pl.box.W-2*bodyInset, pl.box.H-2*bodyInset)
	} else {
		fit = `<a:normAutofit/>`
	}
	fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="%s"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph %s/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr>%s</a:bodyPr><a:lstStyle/>`, w.id(), name, ph, fit)
	paragraphs(&w.xml, ps, 0, "", w.deck.prop.Lang)
	w.xml.WriteString(`</p:txBody></p:sp>`)
}

// field writes the slide's number.
func (w *slideWriter) field(pl place, number int) {
	fmt.Fprintf(&w.xml, `<p:sp><p:nvSpPr><p:cNvPr id="%d" name="Slide Number"/><p:cNvSpPr><a:spLocks noGrp="1"/></p:cNvSpPr><p:nvPr><p:ph type="sldNum" sz="quarter" idx="12"/></p:nvPr></p:nvSpPr><p:spPr/><p:txBody><a:bodyPr/><a:lstStyle/><a:p><a:fld id="{B6F15528-21DE-4FAA-801E-634DDDAF4B2B}" type="slidenum"><a:rPr lang="%s"/><a:t>%d</a:t></a:fld></a:p></p:txBody></p:sp>`, w.id(), w.deck.prop.Lang, number)
}
