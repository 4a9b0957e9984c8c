package report

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"osect/text"
)

// render makes PDFs of decks with LibreOffice, all in one start of it, and returns their paths by name.
func render(t *testing.T, decks map[string][]byte) map[string]string {
	t.Helper()
	for _, tool := range []string{"soffice", "pdftotext"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("OSECT_REQUIRE_OFFICE") != "" {
				t.Fatalf("%s is missing: scripts/setup test installs it", tool)
			}
			t.Skip("no-" + tool)
		}
	}
	dir := os.Getenv("OSECT_KEEP_DECKS") // a folder, to look at the decks
	if dir == "" {
		dir = t.TempDir()
	}
	args := []string{"-env:UserInstallation=file://" + t.TempDir(), "--headless", "--convert-to", "pdf", "--outdir", dir}
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(decks)) {
		file := filepath.Join(dir, name+".pptx")
		if err := os.WriteFile(file, decks[name], 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
		out[name] = filepath.Join(dir, name+".pdf")
	}
	cmd := exec.Command("soffice", args...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("soffice: %v\n%s", err, b)
	}
	for name, pdf := range out {
		if _, err := os.Stat(pdf); err != nil {
			t.Fatalf("%s: LibreOffice made no PDF of it", name)
		}
	}
	return out
}

// area is a rectangle in points.
type area struct{ x0, y0, x1, y1 float64 }

func (a area) holds(b area, slack float64) bool {
	return b.x0 >= a.x0-slack && b.x1 <= a.x1+slack && b.y0 >= a.y0-slack && b.y1 <= a.y1+slack
}

func (a area) middle(b area) bool {
	x, y := (b.x0+b.x1)/2, (b.y0+b.y1)/2
	return x >= a.x0 && x <= a.x1 && y >= a.y0 && y <= a.y1
}

type word struct {
	area
	text string
}

// pdfWords returns the words of each page with their boxes.
func pdfWords(t *testing.T, pdf string) (pages [][]word, size area) {
	t.Helper()
	b, err := exec.Command("pdftotext", "-bbox", pdf, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	var doc struct {
		Pages []struct {
			W     float64 `xml:"width,attr"`
			H     float64 `xml:"height,attr"`
			Words []struct {
				X0   float64 `xml:"xMin,attr"`
				Y0   float64 `xml:"yMin,attr"`
				X1   float64 `xml:"xMax,attr"`
				Y1   float64 `xml:"yMax,attr"`
				Text string  `xml:",chardata"`
			} `xml:"word"`
		} `xml:"body>doc>page"`
	}
	if err := xml.Unmarshal(bytes.Map(func(r rune) rune { // control letters in names
		if r < ' ' && r != '\n' {
			return -1
		}
		return r
	}, b), &doc); err != nil {
		t.Fatal(err)
	}
	for _, p := range doc.Pages {
		var ws []word
		for _, w := range p.Words {
			ws = append(ws, word{area{w.X0, w.Y0, w.X1, w.Y1}, w.Text})
		}
		pages = append(pages, ws)
		size = area{0, 0, p.W, p.H}
	}
	return pages, size
}

type frame struct {
	area
	name string
}

type xmlFrame struct {
	Name string `xml:"cNvPr>name"`
	Off  *struct {
		X float64 `xml:"x,attr"`
		Y float64 `xml:"y,attr"`
	} `xml:"off"`
	Ext *struct {
		X float64 `xml:"cx,attr"`
		Y float64 `xml:"cy,attr"`
	} `xml:"ext"`
}

func (x *xmlFrame) area() (area, bool) {
	const point = 12700
	if x == nil || x.Off == nil || x.Ext == nil {
		return area{}, false
	}
	return area{x.Off.X / point, x.Off.Y / point, (x.Off.X + x.Ext.X) / point, (x.Off.Y + x.Ext.Y) / point}, true
}

type xmlTree struct {
	Shapes []struct {
		Name struct {
			Name string `xml:"name,attr"`
		} `xml:"nvSpPr>cNvPr"`
		Ph *struct {
			Type string `xml:"type,attr"`
			Idx  string `xml:"idx,attr"`
		} `xml:"nvSpPr>nvPr>ph"`
		At   *xmlFrame `xml:"spPr>xfrm"`
		Text []string  `xml:"txBody>p>r>t"`
	} `xml:"cSld>spTree>sp"`
	Frames []struct {
		Name struct {
			Name string `xml:"name,attr"`
		} `xml:"nvGraphicFramePr>cNvPr"`
		At *xmlFrame `xml:"xfrm"`
	} `xml:"cSld>spTree>graphicFrame"`
	Groups []struct {
		Name struct {
			Name string `xml:"name,attr"`
		} `xml:"nvGrpSpPr>cNvPr"`
		At *xmlFrame `xml:"grpSpPr>xfrm"`
	} `xml:"cSld>spTree>grpSp"`
}

func related(t *testing.T, parts map[string]string, part, kind string) string {
	t.Helper()
	m := regexp.MustCompile(`Type="[^"]*/` + kind + `" Target="([^"]*)"`).FindStringSubmatch(parts[path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")])
	if m == nil {
		t.Fatalf("%s has no %s", part, kind)
	}
	if strings.HasPrefix(m[1], "/") {
		return m[1][1:]
	}
	return path.Join(path.Dir(part), m[1])
}

// frames returns where the shapes of a slide with text are: boxes, placeholders (where its layout or master has them), tables, charts, drawings.
func frames(t *testing.T, parts map[string]string, n int) []frame {
	t.Helper()
	read := func(part string) (x xmlTree) {
		if err := xml.Unmarshal([]byte(parts[part]), &x); err != nil {
			t.Fatalf("%s: %v", part, err)
		}
		return x
	}
	part := fmt.Sprintf("ppt/slides/slide%d.xml", n)
	layoutPart := related(t, parts, part, "slideLayout")
	slide, layout, master := read(part), read(layoutPart), read(related(t, parts, layoutPart, "slideMaster"))
	var out []frame
	for _, s := range slide.Shapes {
		if len(s.Text) == 0 && s.Ph == nil {
			continue
		}
		a, ok := s.At.area()
		if !ok && s.Ph != nil {
			for _, l := range layout.Shapes {
				if l.Ph != nil && l.Ph.Idx == s.Ph.Idx && (l.Ph.Type == s.Ph.Type || l.Ph.Idx != "") {
					a, ok = l.At.area()
				}
			}
			for _, m := range master.Shapes {
				if !ok && m.Ph != nil && (m.Ph.Type == s.Ph.Type || m.Ph.Type == "body" && (s.Ph.Type == "" || s.Ph.Type == "subTitle") || m.Ph.Type == "title" && s.Ph.Type == "ctrTitle") {
					a, ok = m.At.area()
				}
			}
		}
		if !ok {
			t.Fatalf("%s: where is %s?", part, s.Name.Name)
		}
		out = append(out, frame{a, s.Name.Name})
	}
	for _, f := range slide.Frames {
		if a, ok := f.At.area(); ok {
			out = append(out, frame{a, f.Name.Name})
		}
	}
	for _, g := range slide.Groups {
		if a, ok := g.At.area(); ok {
			out = append(out, frame{a, g.Name.Name})
		}
	}
	return out
}

// laidOut fails the test where a word of the rendered deck lies outside of the slide, of every shape, or over another word, or
// shapes overlap each other or leave the slide.
func laidOut(t *testing.T, name string, deck []byte, pdf string) {
	t.Helper()
	const slack = 3.0 // points: what fonts put outside of their line
	parts := unzip(t, deck)
	pages, size := pdfWords(t, pdf)
	slides := 0
	for parts[fmt.Sprintf("ppt/slides/slide%d.xml", slides+1)] != "" {
		slides++
	}
	if len(pages) != slides {
		t.Fatalf("%s: %d pages of %d slides", name, len(pages), slides)
	}
	faults := 0
	fault := func(format string, args ...any) {
		if faults++; faults <= 25 {
			t.Errorf("%s: "+format, append([]any{name}, args...)...)
		}
	}
	for i, words := range pages {
		list := frames(t, parts, i+1)
		for j, f := range list {
			if !size.holds(f.area, 0.5) {
				fault("slide %d: %s leaves the slide: %.0f", i+1, f.name, f.area)
			}
			for _, g := range list[:j] {
				if w, h := min(f.x1, g.x1)-max(f.x0, g.x0), min(f.y1, g.y1)-max(f.y0, g.y0); w > 1 && h > 1 {
					fault("slide %d: %s and %s overlap by %.0f × %.0f points", i+1, f.name, g.name, w, h)
				}
			}
		}
		for j, w := range words {
			if !size.holds(w.area, 0) {
				fault("slide %d: %q leaves the slide: %.0f", i+1, w.text, w.area)
				continue
			}
			in := slices.IndexFunc(list, func(f frame) bool { return f.middle(w.area) })
			if in < 0 {
				fault("slide %d: %q is in no shape: %.0f", i+1, w.text, w.area)
			} else if !list[in].holds(w.area, slack) {
				fault("slide %d: %q leaves %s: %.0f of %.0f", i+1, w.text, list[in].name, w.area, list[in].area)
			}
			if in >= 0 && strings.HasPrefix(list[in].name, "Chart") {
				continue // slanted labels have boxes that overlap where their letters do not
			}
			for _, v := range words[:j] {
				// Boxes are as tall as the font's ascent and descent: those of lines of different size overlap a little.
				x, y := min(w.x1, v.x1)-max(w.x0, v.x0), min(w.y1, v.y1)-max(w.y0, v.y0)
				if x > 2 && y > 0.5*min(w.y1-w.y0, v.y1-v.y0) {
					fault("slide %d: %q lies over %q: %.0f and %.0f", i+1, w.text, v.text, w.area, v.area)
				}
			}
		}
	}
	if faults > 25 {
		t.Errorf("%s: and %d more", name, faults-25)
	}
}

// Latin words that Japanese decks may have: names, abbreviations, units and what is written so in every language.
var latinInJapanese = regexp.MustCompile(`^(OT|OS|IP|MAC|CSV|csv|ICS|ATT|CK|IEC|SR|TCP|tcp|UDP|PDU|DMZ|UTC|JST|for|HMI|PLC|SCADA|I|O|IO|GB|MB|kB|TB|[A-Z]|T\d*|Modbus|SLMP|FINS|CC|Link|IE|Field|Basic|Control|Network|Controller|FL|Windows|Linux|XP|VLAN|modbus|http|slmp|https|smb|fe80|[0-9a-f]{1,4})$`)

var latinWord = regexp.MustCompile(`[A-Za-z][A-Za-z0-9]*`)

func TestRenderedDecks(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	ascii := strings.Repeat("Line-3 ", 8) + "unit"
	withPrevious := plant(40, 50, longName)
	before := plant(38, 20, longName)
	before.From, before.To = epoch.AddDate(0, -1, 0), epoch
	before.Coverage = []Coverage{{Site: longName, Sensor: longName, First: epoch.AddDate(0, -1, 0), Last: epoch, Minutes: 40000}}
	withPrevious.Previous, withPrevious.News = &before, strings.Repeat(longName+"。\n\n", 12)
	inputs := map[string]struct {
		in   Input
		lang text.Lang
	}{
		"20-0-ja":      {plant(20, 0, ""), text.JA},
		"20-0-en":      {plant(20, 0, ""), text.EN},
		"1400-5000-ja": {plant(1400, 5000, ""), text.JA},
		"1400-5000-en": {plant(1400, 5000, ""), text.EN},
		"long-ja":      {withPrevious, text.JA},
		"long-en":      {plant(40, 50, ascii), text.EN},
		"empty-ja":     {Input{}, text.JA},
	}
	decks := map[string][]byte{}
	for name, x := range inputs {
		if len(x.in.Devices) > 0 {
			x.in.Pictures = pictures(x.in, x.lang)
			inputs[name] = x
		}
		decks[name] = deck(t, x.in, x.lang)
	}
	for name, masters := range formats {
		decks["template-"+name] = onTemplate(t, inputs["long-ja"].in, text.JA, customerTemplate(t, masters...))
	}
	started := time.Now()
	pdfs := render(t, decks)
	t.Logf("rendered %d decks in %s", len(decks), time.Since(started).Round(time.Second))
	for _, name := range slices.Sorted(maps.Keys(decks)) {
		laidOut(t, name, decks[name], pdfs[name])
		n := strconv.Itoa(len(slideTexts(t, unzip(t, decks[name]))))
		t.Logf("%s: %s slides", name, n)
	}
	pages, _ := pdfWords(t, pdfs["long-ja"])
	for i, words := range pages {
		for _, w := range words {
			for _, latin := range latinWord.FindAllString(strings.NewReplacer(longName, "", ".csv", "").Replace(w.text), -1) {
				if !latinInJapanese.MatchString(latin) && !regexp.MustCompile(`^[a-z_]+\.csv`).MatchString(w.text) {
					t.Errorf("Japanese deck, slide %d: %q in %q", i+1, latin, w.text)
				}
			}
		}
	}
	pages, _ = pdfWords(t, pdfs["long-en"])
	for i, words := range pages {
		for _, w := range words {
			if strings.IndexFunc(w.text, func(r rune) bool {
				return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || r >= 0x3001 && r <= 0x303f || r >= 0xff01 && r <= 0xff60
			}) >= 0 {
				t.Errorf("English deck, slide %d: %q", i+1, w.text)
			}
		}
	}
}
