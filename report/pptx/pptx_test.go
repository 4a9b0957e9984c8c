package pptx

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

const longName = "第三工場東棟溶接ライン主制御盤内蔵シーケンサー親局予備系統保守端末兼用計測収集装置壱号機更新予定機器名称試験用六十文字丁度"

// sample makes a deck that uses everything the package can write, with name wherever text can come from outside.
func sample(name string) *Deck {
	d := New(Properties{Title: name, Author: name, Company: name, Lang: "ja-JP", Footer: name, Program: "osect", Created: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)})
	d.Add(TitleSlide, name).Text(1, P(name)).Text(2, P("2026年10月"))
	d.AddContents("目次")
	d.Add(SectionSlide, "資産").Text(1, P("説明")).Entry("資産 " + name)
	s := d.Add(TwoSlide, name).Entry(name).Notes("出典: "+name, "二行目")
	s.Chart(s.Place(1), Chart{Kind: BarChart, Title: name, Categories: []string{name, "乙", "丙"}, Series: []Series{{name, []float64{3, 2, 1}}}})
	s.Chart(s.Place(2), Chart{Kind: DoughnutChart, Categories: []string{"甲", name}, Series: []Series{{"件数", []float64{3, 2.5}}}})
	s = d.Add(TitleOnly, "推移と箱")
	box, rest := s.Area().Top(1200000, 100000)
	for _, b := range box.Columns(4, 120000) {
		s.Box(b, BoxStyle{Fill: Back2, Bar: Accent4, Inset: 90000, Middle: true}, Paragraph{Runs: []Run{{Text: "1,234", Bold: true, Size: 28, Color: Accent1}}}, P(name))
	}
	left, right := rest.Left(rest.W/2, 100000)
	s.Chart(left, Chart{Kind: LineChart, Categories: []string{"1", "2", "3"}, Series: []Series{{"a", []float64{1, 5, 2}}, {name, []float64{2, 3, 4}}}})
	var img bytes.Buffer
	if err := png.Encode(&img, image.NewGray(image.Rect(0, 0, 30, 20))); err != nil {
		panic(err)
	}
	if err := s.Picture(right, img.Bytes(), name); err != nil {
		panic(err)
	}
	var rows [][]Cell
	for i := range 45 {
		rows = append(rows, Cells(fmt.Sprint(i+1), name, "10.0.0."+fmt.Sprint(i)))
	}
	d.TableSlides("表 "+name, "導入文 "+name, Table{Columns: []Column{{"番号", 1, Right}, {"名前", 4, ""}, {"アドレス", 3, ""}}, Rows: rows})
	d.TableSlides("空の表", "", Table{Columns: []Column{{"番号", 1, ""}}})
	var ps []Paragraph
	for range 40 {
		ps = append(ps, Bullet(name))
	}
	d.TextSlides("箇条書き", ps)
	s = d.Add(TitleOnly, "柱")
	s.Chart(s.Area(), Chart{Kind: ColumnChart, Categories: []string{"1", "2"}, Series: []Series{{"a", []float64{1, 5}}, {"b", []float64{2, 3}}}})
	return d
}

func write(t testing.TB, d *Deck) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := d.WriteTo(&b)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(b.Len()) {
		t.Fatalf("WriteTo says %d bytes, wrote %d", n, b.Len())
	}
	return b.Bytes()
}

func unzip(t testing.TB, data []byte) map[string][]byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(rc); err != nil {
			t.Fatal(err)
		}
		rc.Close()
	}
	return parts
}

// wellFormed fails the test unless all XML parts parse and every relation's target is a part of the package.
func wellFormed(t testing.TB, parts map[string][]byte) {
	t.Helper()
	for name, data := range parts {
		if !strings.HasSuffix(name, ".xml") && !strings.HasSuffix(name, ".rels") {
			continue
		}
		dec := xml.NewDecoder(bytes.NewReader(data))
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			el, ok := tok.(xml.StartElement)
			if !ok || el.Name.Local != "Relationship" {
				continue
			}
			for _, a := range el.Attr {
				if a.Name.Local == "Target" {
					dir := strings.TrimSuffix(filepath.Dir(name), "_rels")
					target := filepath.Join(dir, a.Value)
					if strings.HasPrefix(a.Value, "/") {
						target = a.Value[1:]
					}
					if parts[target] == nil {
						t.Fatalf("%s: no part %s", name, target)
					}
				}
			}
		}
	}
}

// validate holds the deck against the OOXML schemas, where the script and its tools are there.
func validate(t *testing.T, data []byte) {
	t.Helper()
	shared := os.Getenv("OSECT_SHARED")
	for dir := "."; shared == ""; dir = filepath.Join(dir, "..") {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			shared = filepath.Join(dir, "../shared")
		}
	}
	script := filepath.Join(shared, "ooxml", "validate.sh")
	if _, err := os.Stat(script); err != nil {
		t.Skip("no-schemas")
	}
	if _, err := exec.LookPath("xmllint"); err != nil {
		t.Skip("no-xmllint")
	}
	file := filepath.Join(t.TempDir(), "deck.pptx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", script, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func TestEverythingIsValid(t *testing.T) {
	data := write(t, sample(longName))
	if name := os.Getenv("OSECT_KEEP_DECK"); name != "" {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wellFormed(t, unzip(t, data))
	validate(t, data)
}

func TestSameCallsGiveSameBytes(t *testing.T) {
	a, b := write(t, sample("名前")), write(t, sample("名前"))
	if !bytes.Equal(a, b) {
		t.Fatal("two decks of the same calls differ")
	}
	d := sample("名前")
	if !bytes.Equal(write(t, d), write(t, d)) {
		t.Fatal("writing a deck twice gives other bytes")
	}
	r, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if want := time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC); !f.Modified.Equal(want) {
			t.Fatalf("%s has the time %v", f.Name, f.Modified)
		}
	}
}

func TestTablesGoOnOverSlidesWithAllRows(t *testing.T) {
	for name, c := range map[string]struct {
		rows int
		text string
	}{"no rows": {0, ""}, "one": {1, "a"}, "many short": {300, "a"}, "many long": {60, longName}, "one huge": {2, strings.Repeat(longName, 60)}} {
		d := New(Properties{})
		var rows [][]Cell
		for i := range c.rows {
			rows = append(rows, Cells(fmt.Sprintf("row%d", i), c.text))
		}
		slides := d.TableSlides("T", "lead", Table{Columns: []Column{{"A", 1, ""}, {"B", 3, ""}}, Rows: rows})
		got := 0
		for i, s := range slides {
			f := s.shapes[len(s.shapes)-1].(*tableFrame)
			widths := f.table.widths(f.box.W)
			h := f.table.rowHeight(f.table.header(), widths, true)
			for _, r := range f.rows {
				if want := fmt.Sprintf("row%d", got); r[0].Text != want {
					t.Fatalf("%s: row %q, want %q", name, r[0].Text, want)
				}
				got++
				h += f.table.rowHeight(r, widths, false)
			}
			if h > f.box.H {
				t.Errorf("%s: slide %d: table of %d in a box of %d", name, i+1, h, f.box.H)
			}
			if want := fmt.Sprintf("(%d/%d)", i+1, len(slides)); len(slides) > 1 && !strings.HasSuffix(s.title, want) {
				t.Errorf("%s: title %q, want suffix %s", name, s.title, want)
			}
		}
		if got != c.rows {
			t.Errorf("%s: %d of %d rows", name, got, c.rows)
		}
	}
}

// Charts and tables that have a placeholder's whole box fill it; others, and what holds text alone, are left alone.
func TestChartsAndTablesFillPlaceholders(t *testing.T) {
	d := New(Properties{})
	chart := Chart{Kind: BarChart, Categories: []string{"1"}, Series: []Series{{"a", []float64{1}}}}
	table := Table{Columns: []Column{{"A", 1, ""}}, Rows: [][]Cell{Cells("x")}}
	s := d.Add(TwoSlide, "both")
	s.Chart(s.Place(1), chart)
	s.Table(s.Place(2), table)
	d.TableSlides("whole", "", table)
	d.TableSlides("below a lead", "lead", table)
	s = d.Add(TitleOnly, "part")
	left, _ := s.Area().Left(s.Area().W/3, 0)
	s.Chart(left, chart)
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	parts := unzip(t, b.Bytes())
	for i, want := range []string{"1 2", "1", "", ""} {
		var got []string
		for _, f := range strings.Split(string(parts[fmt.Sprintf("ppt/slides/slide%d.xml", i+1)]), "<p:graphicFrame>")[1:] {
			head, _, _ := strings.Cut(f, "</p:nvGraphicFramePr>")
			if m := regexp.MustCompile(`<p:ph [^>]*idx="(\d+)"`).FindStringSubmatch(head); m != nil {
				got = append(got, m[1])
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("slide %d: placeholders %q, want %q", i+1, got, want)
		}
	}
	for i, s := range d.slides[:2] {
		pl := d.base.layouts[s.layout].places[1]
		pl.kind = "body"
		d.base.layouts[s.layout].places[1] = pl
		w := &slideWriter{deck: &packer{Deck: d}, layout: s.layout}
		if got := w.fills(pl.box, "tbl"); got != "<p:nvPr/>" {
			t.Errorf("slide %d: a table in a placeholder for text: %s", i+1, got)
		}
	}
}

// Numbers are not broken, however little their column's share is; nor is there more than the table's width.
func TestNumbersAreNotBroken(t *testing.T) {
	table := Table{Size: 10, Columns: []Column{{"name", 8, ""}, {"n", 0.5, Right}, {"m", 1, Right}}, Rows: [][]Cell{Cells("CC-Link IE Field Basic", "1,107,246,880", "0")}}
	for _, total := range []EMU{3 * Inch, Inch / 2} {
		widths := table.widths(total)
		sum := EMU(0)
		for _, w := range widths {
			if sum += w; w <= 0 {
				t.Errorf("%d: widths %d", total, widths)
			}
		}
		if sum != total {
			t.Errorf("%d: widths %d are %d", total, widths, sum)
		}
		if in := float64(widths[1]-2*cellX) / float64(Point) / table.Size * cellSlack; total > Inch && countLines("1,107,246,880", in) != 1 {
			t.Errorf("%d: broken at %.1f ems", total, in)
		}
	}
}

func TestTextSlidesKeepEveryParagraphInsideTheBox(t *testing.T) {
	d := New(Properties{})
	var ps []Paragraph
	for i := range 50 {
		ps = append(ps, Bullet(fmt.Sprintf("%d %s", i, longName)))
	}
	n := 0
	for _, s := range d.TextSlides("T", ps) {
		txt := s.shapes[0].(*placeholderText)
		n += len(txt.ps)
		if h := heightOf(txt.ps, 18, s.Area().W-2*bodyInset); h > s.Area().H {
			t.Errorf("%d high in %d", h, s.Area().H)
		}
	}
	if n != len(ps) {
		t.Errorf("%d of %d paragraphs", n, len(ps))
	}
}

func TestChartsCarryTheirWorkbook(t *testing.T) {
	d := New(Properties{})
	s := d.Add(TitleOnly, "T")
	s.Chart(s.Area(), Chart{Categories: []string{"=1+1", "-2", "plain"}, Series: []Series{{"@name", []float64{1 << 40, 2.5, 0}}}})
	parts := unzip(t, write(t, d))
	f, err := excelize.OpenReader(bytes.NewReader(parts["ppt/embeddings/Microsoft_Excel_Sheet1.xlsx"]))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{"B1": "@name", "A2": "=1+1", "A3": "-2", "B2": "1099511627776", "B3": "2.5", "B4": "0"} {
		got, err := f.GetCellValue("Data", cell, excelize.Options{RawCellValue: true})
		if err != nil || got != want {
			t.Errorf("%s: %q %v, want %q", cell, got, err, want)
		}
		if formula, _ := f.GetCellFormula("Data", cell); formula != "" {
			t.Errorf("%s is a formula: %s", cell, formula)
		}
		if strings.HasPrefix(cell, "A") {
			if kind, _ := f.GetCellType("Data", cell); kind != excelize.CellTypeSharedString && kind != excelize.CellTypeInlineString {
				t.Errorf("%s is no text cell: %v", cell, kind)
			}
		}
	}
	x := string(parts["ppt/charts/chart1.xml"])
	for _, want := range []string{"Data!$B$2:$B$4", "<c:v>1099511627776</c:v>", "externalData"} {
		if !strings.Contains(x, want) {
			t.Errorf("chart has no %s", want)
		}
	}
}

func TestFaultsAreErrors(t *testing.T) {
	var b bytes.Buffer
	if _, err := New(Properties{}).WriteTo(&b); err == nil {
		t.Error("a deck without slides was written")
	}
	d := New(Properties{})
	s := d.Add(TitleOnly, "T")
	s.Chart(s.Area(), Chart{Title: "short", Categories: []string{"a", "b"}, Series: []Series{{"s", []float64{1}}}})
	if _, err := d.WriteTo(&b); err == nil || !strings.Contains(err.Error(), "short") {
		t.Errorf("chart with a missing value: %v", err)
	}
	if err := s.Picture(s.Area(), []byte("not a picture"), ""); err == nil {
		t.Error("a picture that is none was taken")
	}
}

func TestCountLines(t *testing.T) {
	for _, c := range []struct {
		text string
		max  float64
		want int
	}{
		{"", 10, 1},
		{"日本語", 3, 1},
		{"日本語", 2, 2},
		{strings.Repeat("字", 60), 11, 6},
		{"nnnn nnnn", 3, 2},
		{"nnnnnnnnnn", 3, 3},
		{"a\nb\nc", 9, 3},
		{"日本", 0, 2},
	} {
		if got := countLines(c.text, c.max); got != c.want {
			t.Errorf("%q at %v: %d lines, want %d", c.text, c.max, got, c.want)
		}
	}
}

func TestClip(t *testing.T) {
	for in, want := range map[string]string{"短い": "短い", "とても長い名前です": "とても長…", "": ""} {
		if got := Clip(in, 5); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"普通 text":     "普通 text",
		"a\x00b\x1bc": "a\uFFFDb\uFFFDc",
		"\xff\xfe":    "\uFFFD\uFFFD",
		"a\tb\r\nc":   "a b  c",
		"\u202Eexe":   "\uFFFDexe",
		"\uFFFE":      "\uFFFD",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "普通", "<a>&\"'", "\x00\x01\x1f\x7f", "\xff\xfe\xfd", "=cmd|' /C calc'!A0", "]]>", "\u202e\u2028\ufffe", "a\nb", longName, "_x0000_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 500 {
			return
		}
		parts := unzip(t, write(t, sample(name)))
		wellFormed(t, parts)
		for part, data := range parts {
			if strings.HasSuffix(part, ".xlsx") {
				wellFormed(t, unzip(t, data))
			}
		}
	})
}

// FuzzText writes the XML that holds foreign text without packing it: many more tries than FuzzNames has time for.
func FuzzText(f *testing.F) {
	for _, s := range []string{"普通", "<a>&\"'", "\x00\x0b\x1f\x7f\u0085", "\xed\xa0\x80\xff", "]]>", "\u202e\u2028\ufffe\U0010ffff", "a\nb\n\n", "\u0301\u0301", strings.Repeat("長", 300)} {
		f.Add(s)
	}
	d := New(Properties{Lang: "ja-JP"})
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 2000 {
			return
		}
		p := &packer{Deck: d, parts: map[string][]byte{}, types: map[string]string{}}
		w := &slideWriter{deck: p, part: "ppt/slides/slide1.xml", nextID: 1}
		pl := d.base.layouts[ContentSlide].places[1]
		w.placeholder("Text", pl, []Paragraph{Bullet(s), P(s)}, 60)
		(&textBox{box: Box{0, 0, 2000000, 1000000}, style: BoxStyle{Size: 14, Color: Text1}, ps: []Paragraph{P(s), P(s)}}).xml(w)
		table := Table{Columns: []Column{{s, 1, ""}, {"b", 2, Right}}, Rows: [][]Cell{Cells(s, s), Cells(s, "")}, Size: 11}
		rows := 0
		for _, page := range table.split(pl.box) {
			rows += len(page)
			(&tableFrame{pl.box, table, page}).xml(w)
		}
		if rows != 2 {
			t.Fatalf("%d rows of 2", rows)
		}
		chart := Chart{Kind: BarChart, Title: s, Categories: []string{s}, Series: []Series{{s, []float64{1}}}}
		wellFormed(t, map[string][]byte{
			"slide.xml": []byte(`<p xmlns:a="a" xmlns:p="p">` + w.xml.String() + `</p>`),
			"chart.xml": []byte(chartXML(chart, "ja-JP", d.base)),
		})
		if c := Clean(s); c != Clean(c) || strings.ContainsAny(c, "\n\r\t\x00") {
			t.Fatalf("Clean(%q) = %q", s, c)
		}
	})
}
