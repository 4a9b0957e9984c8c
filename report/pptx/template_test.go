package pptx

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"hash/crc32"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// changed packs the parts of a deck of ours again, after change.
func changed(t testing.TB, change func(parts map[string][]byte)) []byte {
	t.Helper()
	parts := unzip(t, write(t, sample("名前")))
	change(parts)
	var b bytes.Buffer
	if _, err := pack(&b, parts); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func replaceIn(part, old, by string) func(map[string][]byte) {
	return func(parts map[string][]byte) {
		if !bytes.Contains(parts[part], []byte(old)) {
			panic(part + " has no " + old)
		}
		parts[part] = bytes.ReplaceAll(parts[part], []byte(old), []byte(by))
	}
}

// bomb is a template with a part that unpacks to size bytes of zeros, which the directory says to be few.
func bomb(t testing.TB, size int64) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range unzip(t, write(t, sample("x"))) {
		if name == "ppt/slideMasters/slideMaster1.xml" {
			continue
		}
		f, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	f, err := z.Create("ppt/slideMasters/slideMaster1.xml")
	if err != nil {
		t.Fatal(err)
	}
	zeros := make([]byte, 1<<20)
	for range size >> 20 {
		if _, err := f.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRefusedTemplates(t *testing.T) {
	const main, types, master = "ppt/presentation.xml", "[Content_Types].xml", "ppt/slideMasters/slideMaster1.xml"
	ole := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 4096)...)
	var book bytes.Buffer
	if err := excelize.NewFile().Write(&book); err != nil {
		t.Fatal(err)
	}
	whole := write(t, sample("x"))
	plain := typePML + "presentation.main+xml"
	locked := bytes.Clone(whole)
	binary.LittleEndian.PutUint16(locked[bytes.LastIndex(locked, []byte("PK\x01\x02"))+8:], 1)
	for name, x := range map[string]struct {
		data []byte
		want error // or a part of the line
		part string
	}{
		"97-2003 or protected":  {data: ole, want: errOLE},
		"a locked entry":        {data: locked, want: errOLE},
		"nothing":               {data: nil, want: errNoZip},
		"text":                  {data: []byte("logo"), want: errNoZip},
		"half":                  {data: whole[:len(whole)/2], want: errNoZip},
		"a workbook":            {data: book.Bytes(), want: errOther},
		"a zip":                 {data: changed(t, func(p map[string][]byte) { clear(p); p["a.txt"] = nil }), want: errNoZip},
		"macros":                {data: changed(t, replaceIn(types, plain, "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml")), want: errMacros},
		"strict":                {data: changed(t, replaceIn(main, nsP, "http://purl.oclc.org/ooxml/presentationml/main")), want: errStrict},
		"strict relations":      {data: changed(t, replaceIn(relsOf(main), relBase, "http://purl.oclc.org/ooxml/officeDocument/relationships/")), want: errStrict},
		"no relations":          {data: changed(t, func(p map[string][]byte) { delete(p, relsOf(main)) }), want: errNoTitle},
		"no master":             {data: changed(t, func(p map[string][]byte) { delete(p, master) }), part: "is missing"},
		"no layout":             {data: changed(t, func(p map[string][]byte) { delete(p, "ppt/slideLayouts/slideLayout3.xml") }), part: "is missing"},
		"a master that is text": {data: changed(t, func(p map[string][]byte) { p[master] = []byte("hello") }), part: "is no XML"},
		"no titles":             {data: changed(t, noTitles), want: errNoTitle},
		"no size":               {data: changed(t, replaceIn(main, "<p:sldSz ", "<p:sldSx ")), part: "no usable size"},
		"another folder":        {data: changed(t, func(p map[string][]byte) { p["../../etc/passwd"] = []byte("x") }), part: "has a part with the name"},
		"a master with a slide": {data: changed(t, replaceIn(relsOf(master), `relationships/theme" Target="../theme/theme1.xml"`, `relationships/slide" Target="../slides/slide1.xml"`)), part: "not of the look"},
		"a part of 500 MB":      {data: bomb(t, 500<<20), want: errTooBig},
		"XML of 20 MB":          {data: bomb(t, 20<<20), want: errTooBig},
		"6,000 parts":           {data: changed(t, func(p map[string][]byte) { many(p, 6000) }), want: errTooBig},
		"over 100 MB":           {data: make([]byte, maxTemplate+1), want: errTooBig},
	} {
		d, err := Open(Properties{}, x.data)
		switch {
		case err == nil || d != nil:
			t.Errorf("%s: taken", name)
		case x.want != nil && err != x.want, !strings.Contains(err.Error(), x.part), strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: %v", name, err)
		case len(err.Error()) > 200:
			t.Errorf("%s: a long line: %v", name, err)
		}
	}
}

func noTitles(p map[string][]byte) {
	for name := range p {
		if strings.HasPrefix(name, "ppt/slideLayouts/slide") {
			p[name] = bytes.ReplaceAll(bytes.ReplaceAll(p[name], []byte(`type="title"`), []byte(`type="body"`)), []byte(`type="ctrTitle"`), []byte(`type="body"`))
		}
	}
}

func many(p map[string][]byte, n int) {
	for i := range n {
		p["ppt/media/x"+strings.Repeat("0", i%7)+string(rune('a'+i%26))+strings.Repeat("1", i/182)] = nil
	}
	for i := 0; len(p) <= maxParts; i++ {
		p["y"+strings.Repeat("z", i)] = nil
	}
}

// TestOurDeckAsTemplate: a deck on a deck of ours has the bytes that it has without.
func TestOurDeckAsTemplate(t *testing.T) {
	first := sample("名前")
	second, err := Open(first.prop, write(t, first))
	if err != nil {
		t.Fatal(err)
	}
	own := unzip(t, write(t, first))
	second.slides, second.contents = first.slides, first.contents
	for _, s := range second.slides {
		s.deck = second
	}
	parts := unzip(t, write(t, second))
	wellFormed(t, parts)
	for name, data := range own {
		if strings.HasPrefix(name, "ppt/slides/") && !bytes.Equal(parts[name], data) {
			t.Errorf("%s differs", name)
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(own)), slices.Sorted(maps.Keys(parts))) {
		t.Errorf("other parts: %v and %v", slices.Sorted(maps.Keys(own)), slices.Sorted(maps.Keys(parts)))
	}
}

func TestContrast(t *testing.T) {
	b := builtin("ja-JP")
	if c := b.contrast(Text1, Back1); c < 12 || c > 21 {
		t.Errorf("text on ground: %.1f", c)
	}
	if c := (&base{colors: map[Color]rgb{Text1: {0, 0, 0}, Back1: {255, 255, 255}}}).contrast(Text1, Back1); c < 20.99 || c > 21.01 {
		t.Errorf("black on white: %.2f", c) // 21 : 1 in WCAG 2
	}
	for _, c := range []Color{Text2, Accent1, Accent2, Accent3, Accent4, Accent5, Accent6} {
		if b.readable(c, Back1) != c || b.readable(Back1, c) != Back1 {
			t.Errorf("%s and the ground have %.1f", c, b.contrast(c, Back1))
		}
	}
	pale := &base{colors: map[Color]rgb{Text1: {0, 0, 0}, Back1: {255, 255, 255}, Accent3: {255, 224, 138}}}
	if c := pale.readable(Accent3, Back1); c != Text1 {
		t.Errorf("pale on white: %s", c)
	}
	if c := pale.readable(Back1, Accent3); c != Text1 {
		t.Errorf("white on pale: %s", c)
	}
}

// FuzzTemplate: whatever the bytes of a template's parts are, it is refused in a line, or a deck on it is well-formed.
func FuzzTemplate(f *testing.F) {
	names := []string{"ppt/presentation.xml", "ppt/_rels/presentation.xml.rels", "ppt/slideMasters/slideMaster1.xml", "ppt/slideMasters/_rels/slideMaster1.xml.rels", "ppt/slideLayouts/slideLayout3.xml", "ppt/theme/theme1.xml", "[Content_Types].xml", "_rels/.rels"}
	whole := unzip(f, write(f, New(Properties{Lang: "ja-JP"}).Add(TitleOnly, "x").deck))
	for i, name := range names {
		f.Add(uint8(i), whole[name])
		f.Add(uint8(i), whole[name][:len(whole[name])*2/3])
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for range 20 {
			b := bytes.Clone(whole[name])
			for range 3 {
				b[r.IntN(len(b))] = byte(r.IntN(128))
			}
			f.Add(uint8(i), b)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		parts := maps.Clone(whole)
		parts[names[int(which)%len(names)]] = data
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(parts)) { // stored: deflating is what would take time
			w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Store, CompressedSize64: uint64(len(parts[name])), UncompressedSize64: uint64(len(parts[name])), CRC32: crc32.ChecksumIEEE(parts[name])})
			if err == nil {
				_, err = w.Write(parts[name])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := Open(Properties{Lang: "ja-JP"}, b.Bytes())
		if err != nil {
			return
		}
		d.Add(TitleSlide, "a").Text(1, P("b")).Text(2, P("c"))
		d.AddContents("d")
		s := d.Add(TwoSlide, "e").Entry("e")
		s.Box(s.Place(1), BoxStyle{}, P("f"))
		s.Text(2, P("g"))
		d.TableSlides("h", "i", Table{Columns: []Column{{"j", 1, ""}}, Rows: [][]Cell{Cells("k"), Cells("l")}})
		d.TextSlides("m", []Paragraph{P("n"), Bullet("o")})
		var out bytes.Buffer
		if _, err := d.WriteTo(&out); err != nil {
			t.Fatal(err)
		}
		made := unzip(t, out.Bytes())
		for name := range made { // the template's own parts are as they were
			if !strings.HasPrefix(name, "ppt/slides/") && name != d.base.main && name != "[Content_Types].xml" {
				delete(made, name)
			}
		}
		for name, data := range made {
			dec := xml.NewDecoder(bytes.NewReader(data))
			for {
				if _, err := dec.Token(); err == io.EOF {
					break
				} else if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
		}
	})
}
