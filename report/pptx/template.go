package pptx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a template: what is beyond is refused, whatever the file says of itself.
const (
	maxTemplate = 100 << 20 // of the file
	maxUnpacked = 400 << 20 // of all its parts
	maxParts    = 5000
	maxPart     = 16 << 20 // of a part that is read as XML
)

// What a file is refused for. Each is one line that says what to do.
var (
	errOLE     = errors.New("it is a file of PowerPoint 97–2003 (.ppt) or protected by a password: save it in PowerPoint as .pptx or .potx without a password")
	errNoZip   = errors.New("it is no PowerPoint file: give a .pptx or .potx")
	errOther   = errors.New("it is no presentation: give a .pptx or .potx")
	errMacros  = errors.New("it has macros: save it in PowerPoint as .pptx or .potx")
	errStrict  = errors.New("it is Strict Open XML: save it in PowerPoint as .pptx (not strict) or .potx")
	errTooBig  = fmt.Errorf("it unpacks to over %d MB or %d parts: give a smaller template", maxUnpacked>>20, maxParts)
	errNoTitle = errors.New("no slide master has a layout with a title: give a template with layouts")
)

// Open starts a deck on a template: a .pptx or .potx of which the masters, layouts, themes, fonts and media are taken over
// byte for byte, and the slides, notes and comments left out. Of several masters the deck uses the first that has a layout for each of
// its kinds of slides, else that which has most of them. An error says in one line why the file is refused and what to do.
func Open(p Properties, template []byte) (*Deck, error) {
	if p.Lang == "" {
		p.Lang = "en-US"
	}
	b, err := readTemplate(template)
	if err != nil {
		return nil, err
	}
	return &Deck{prop: p, base: b}, nil
}

// source is a template as it was read.
type source struct {
	files    map[string]*zip.File
	defaults map[string]string // extension → content type
	types    map[string]string // part → content type
	left     int64             // bytes that may still be unpacked
}

func openPackage(data []byte) (*source, error) {
	if bytes.HasPrefix(data, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")) {
		return nil, errOLE
	}
	if len(data) > maxTemplate {
		return nil, errTooBig
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, errNoZip
	}
	if len(z.File) > maxParts {
		return nil, errTooBig
	}
	s := &source{files: map[string]*zip.File{}, defaults: map[string]string{}, types: map[string]string{}, left: maxUnpacked}
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if f.Flags&1 != 0 {
			return nil, errOLE
		}
		if name := path.Clean(f.Name); name != f.Name || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "..") || strings.Contains(name, `\`) || s.files[name] != nil {
			return nil, fmt.Errorf("it has a part with the name %q: save it again in PowerPoint", f.Name)
		}
		s.files[f.Name] = f
	}
	var types struct {
		Default []struct {
			Extension   string `xml:"Extension,attr"`
			ContentType string `xml:"ContentType,attr"`
		}
		Override []struct {
			PartName    string `xml:"PartName,attr"`
			ContentType string `xml:"ContentType,attr"`
		}
	}
	if s.files["[Content_Types].xml"] == nil {
		return nil, errNoZip
	}
	if err := s.xml("[Content_Types].xml", &types); err != nil {
		return nil, err
	}
	for _, d := range types.Default {
		s.defaults[strings.ToLower(d.Extension)] = d.ContentType
	}
	for _, o := range types.Override {
		s.types[strings.TrimPrefix(o.PartName, "/")] = o.ContentType
	}
	return s, nil
}

// read unpacks a part.
func (s *source) read(name string) ([]byte, error) {
	f := s.files[name]
	if f == nil {
		return nil, fmt.Errorf("its part %s is missing: save it again in PowerPoint", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("its part %s cannot be unpacked: save it again in PowerPoint", name)
	}
	defer r.Close()
	// The size in the directory is the file's own claim.
	data, err := io.ReadAll(io.LimitReader(r, s.left+1))
	if s.left -= int64(len(data)); s.left < 0 {
		return nil, errTooBig
	}
	if err != nil {
		return nil, fmt.Errorf("its part %s cannot be unpacked: save it again in PowerPoint", name)
	}
	return data, nil
}

func (s *source) xml(name string, v any) error {
	data, err := s.read(name)
	if err != nil {
		return err
	}
	return parse(name, data, v)
}

func parse(name string, data []byte, v any) error {
	if len(data) > maxPart {
		return errTooBig
	}
	if err := xml.Unmarshal(data, v); err != nil {
		return fmt.Errorf("its part %s is no XML: save it again in PowerPoint", name)
	}
	return nil
}

// contentType of a part, "" unknown.
func (s *source) contentType(part string) string {
	if t, ok := s.types[part]; ok {
		return t
	}
	return s.defaults[strings.ToLower(strings.TrimPrefix(path.Ext(part), "."))]
}

// reference is a relation as it was read: kind is the last part of its type, target a part, "" outside of the file.
type reference struct {
	id, kind, target string
}

func (s *source) references(part string) ([]reference, error) {
	name := relsOf(part)
	if part == "" {
		name = "_rels/.rels"
	}
	if s.files[name] == nil {
		return nil, nil
	}
	var x struct {
		Relationship []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
			Mode   string `xml:"TargetMode,attr"`
		}
	}
	if err := s.xml(name, &x); err != nil {
		return nil, err
	}
	out := make([]reference, 0, len(x.Relationship))
	for _, r := range x.Relationship {
		if strings.HasPrefix(r.Type, "http://purl.oclc.org/ooxml/") {
			return nil, errStrict
		}
		y := reference{id: r.ID, kind: path.Base(r.Type)}
		if r.Mode != "External" {
			if y.target = path.Join(path.Dir(part), r.Target); strings.HasPrefix(r.Target, "/") {
				y.target = path.Clean(r.Target[1:])
			}
		}
		out = append(out, y)
	}
	return out, nil
}

// left out of a template: what is of its slides and its makers and not of its look.
var leftOut = []string{"slide", "notesSlide", "comments", "commentAuthors", "customXml", "handoutMaster", "viewProps", "presProps", "printerSettings", "tags", "vbaProject", "officeDocument"}

// take copies a part and what it refers to into b.
func (s *source) take(b *base, part string) error {
	if _, done := b.parts[part]; done {
		return nil
	}
	data, err := s.read(part)
	if err != nil {
		return err
	}
	b.parts[part], b.types[part] = data, s.contentType(part)
	refs, err := s.references(part)
	if err != nil || refs == nil {
		return err
	}
	if b.parts[relsOf(part)], err = s.read(relsOf(part)); err != nil {
		return err
	}
	for _, r := range refs {
		if slices.Contains(leftOut, r.kind) && r.target != "" {
			return fmt.Errorf("its part %s refers to %s, which is not of the look: take that link away and save it again", part, r.target)
		}
		if r.target != "" {
			if err := s.take(b, r.target); err != nil {
				return err
			}
		}
	}
	return nil
}

// readTemplate makes a base of a .pptx or .potx.
func readTemplate(data []byte) (*base, error) {
	s, err := openPackage(data)
	if err != nil {
		return nil, err
	}
	top, err := s.references("")
	if err != nil {
		return nil, err
	}
	main := ""
	for _, r := range top {
		if r.kind == "officeDocument" {
			main = r.target
		}
	}
	switch t := s.contentType(main); {
	case strings.Contains(t, "macroEnabled"):
		return nil, errMacros
	case t != typePML+"presentation.main+xml" && t != typePML+"template.main+xml" && t != typePML+"slideshow.main+xml":
		return nil, errOther
	}
	text, err := s.read(main)
	if err != nil {
		return nil, err
	}
	refs, err := s.references(main)
	if err != nil {
		return nil, err
	}
	b := &base{parts: map[string][]byte{}, types: map[string]string{}, main: main, first: 1}
	if err := b.presentation(text); err != nil {
		return nil, err
	}
	var masters []string
	for _, r := range refs {
		switch r.kind {
		case "slideMaster", "notesMaster", "theme", "tableStyles", "font":
			if r.target == "" {
				continue
			}
			if err := s.take(b, r.target); err != nil {
				return nil, err
			}
			b.relations = append(b.relations, relation(r))
		}
		switch r.kind {
		case "slideMaster":
			masters = append(masters, r.target)
		case "notesMaster":
			b.notes = r.target
		case "tableStyles":
			b.tableStyles = true
		}
	}
	slices.SortStableFunc(masters, func(x, y string) int { return b.rank(x) - b.rank(y) })
	var best *base
	for _, master := range masters {
		c, n, err := s.useMaster(b, master)
		if err != nil {
			return nil, err
		}
		if c != nil && (best == nil || n > best.served) {
			c.served = n
			best = c
		}
	}
	if best == nil {
		return nil, errNoTitle
	}
	return best, nil
}

// presentation takes over the presentation's own part: its children as they are, but for those which list slides
// and what belongs to them.
func (b *base) presentation(data []byte) error {
	var x struct {
		XMLName xml.Name
		First   string `xml:"firstSlideNum,attr"`
		SldSz   struct {
			X int64 `xml:"cx,attr"`
			Y int64 `xml:"cy,attr"`
		} `xml:"sldSz"`
	}
	if err := parse("presentation.xml", data, &x); err != nil {
		return err
	}
	if x.XMLName.Space != nsP {
		return errStrict
	}
	// 1 to 142 cm, the format's bounds.
	if b.w, b.h = EMU(x.SldSz.X), EMU(x.SldSz.Y); b.w < Inch || b.h < Inch || b.w > 56*Inch || b.h > 56*Inch {
		return fmt.Errorf("its slides are of no usable size: save it again in PowerPoint")
	}
	if n, err := strconv.Atoi(x.First); err == nil && n >= 0 && n < 10000 {
		b.first = n
	}
	dec := xml.NewDecoder(bytes.NewReader(data))
	depth, from := 0, int64(0)
	for {
		before := dec.InputOffset()
		tok, err := dec.RawToken()
		if err != nil {
			return nil // it parsed as a whole
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if depth++; depth == 1 {
				b.open = string(data[before:dec.InputOffset()])
			}
			if depth == 2 {
				from = before
				b.children = append(b.children, element{name: e.Name.Local})
			}
			if depth == 3 && b.children[len(b.children)-1].name == "sldMasterIdLst" {
				for _, a := range e.Attr {
					if a.Name.Local == "id" && a.Name.Space != "" {
						b.order = append(b.order, a.Value)
					}
				}
			}
		case xml.EndElement:
			if depth == 2 {
				b.children[len(b.children)-1].text = string(data[from:dec.InputOffset()])
			}
			depth--
		}
	}
}

// rank is the place of a master in the presentation's list.
func (b *base) rank(master string) int {
	for _, r := range b.relations {
		if r.target == master {
			if i := slices.Index(b.order, r.id); i >= 0 {
				return i
			}
		}
	}
	return len(b.order)
}

// useMaster makes a base that uses one of the masters, and says how many of the kinds of slides it has layouts for; nil where
// none of them has a title.
func (s *source) useMaster(b *base, master string) (*base, int, error) {
	c := *b
	c.master = master
	refs, err := s.references(master)
	if err != nil {
		return nil, 0, err
	}
	var ids struct {
		IDs []struct {
			ID string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sldLayoutIdLst>sldLayoutId"`
	}
	if err := parse(master, b.parts[master], &ids); err != nil {
		return nil, 0, err
	}
	byID := map[string]string{}
	for _, r := range refs {
		switch r.kind {
		case "slideLayout":
			byID[r.id] = r.target
		case "theme":
			c.theme = r.target
		}
	}
	var list []string
	for _, id := range ids.IDs {
		if part := byID[id.ID]; part != "" {
			list = append(list, part)
		}
	}
	served, err := c.choose(list)
	if err != nil || served == 0 {
		return nil, 0, err
	}
	return &c, served, nil
}
