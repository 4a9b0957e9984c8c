package report

import (
	"bytes"
	"encoding/xml"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"osect/text"
)

func pageOf(t testing.TB, in Input, lang text.Lang) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteHTML(&b, Build(in), lang); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// full is a plant with everything that a month's report can have.
func full() Input {
	in := plant(40, 60, "")
	in.From, in.To = epoch.Add(-48*time.Hour), epoch.Add(30*24*time.Hour)
	in.Coverage = []Coverage{{"第三工場", "sensor-1", epoch, epoch.Add(24 * time.Hour), 1300, 2, 140, epoch.Add(time.Hour), epoch.Add(3 * time.Hour)}}
	for i := range in.Devices {
		in.Devices[i].Zone = []string{"第1ライン", "事務所", ""}[i%3]
	}
	before := plant(38, 20, "")
	before.Coverage = []Coverage{{"第三工場", "sensor-1", epoch.Add(-720 * time.Hour), epoch.Add(-700 * time.Hour), 1200, 0, 0, time.Time{}, time.Time{}}}
	before.From, before.To = epoch.Add(-31*24*time.Hour), epoch.Add(-48*time.Hour)
	in.Previous = &before
	in.News = "今月は2件の注意喚起がありました。\n詳細は次のとおりです。\n\n- 更新1\n- 更新2\n"
	in.Pictures = []Picture{{Key: "map", SVG: []byte("<?xml version=\"1.0\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1 1\"><title>x</title></svg>\n")}}
	in.Truncated, in.Dropped = 7, 3
	return in
}

var (
	tag   = regexp.MustCompile(`(?s)<style>.*?</style>|<[^>]*>`)
	drawn = regexp.MustCompile(`(?s)<div class="picture">.*?</svg>`)
	ended = regexp.MustCompile(`</(p|td|th|li|h[123]|dd|dt|div|em|text|span|title|b|a)>`)
)

// linesOf is the text that a page shows, without what pictures hold.
func linesOf(page string) []string {
	page = drawn.ReplaceAllString(page, "")
	return strings.Split(html.UnescapeString(tag.ReplaceAllString(ended.ReplaceAllString(page, "\n"), " ")), "\n")
}

func allCases() map[string]Input {
	all := cases()
	all["a month"] = full()
	return all
}

func TestNumbersOnThePageAreThoseOfTheCSV(t *testing.T) {
	cut := regexp.MustCompile(`上位[0-9,]+件`)
	for name, in := range allCases() {
		if strings.Contains(in.Customer, "\x00") {
			continue
		}
		a := Build(in)
		known := map[string]bool{}
		learn := func(s string) {
			for _, n := range number.FindAllString(s, -1) {
				known[n] = true
			}
		}
		for _, rows := range readTables(t, csvZip(t, in, text.JA)) {
			for _, row := range rows[1:] {
				for _, c := range row {
					learn(c)
					if n, err := strconv.ParseInt(c, 10, 64); err == nil {
						learn(text.Integer(n))
						known[size(n)] = true
					}
					if when, err := time.Parse(time.RFC3339, c); err == nil {
						learn(a.when(when))
					}
				}
			}
		}
		for _, key := range text.Keys() {
			learn(text.Get(text.JA, key))
		}
		learn(a.zone())
		learn(in.Program)
		checked := 0
		for _, line := range linesOf(pageOf(t, in, text.JA)) {
			line = cut.ReplaceAllString(line, "")
			for _, n := range number.FindAllString(line, -1) {
				checked++
				if !known[n] {
					t.Errorf("%s: %q in %q is in no CSV file", name, n, line)
				}
			}
		}
		if checked < 100 && in.Packets > 0 {
			t.Errorf("%s: only %d numbers", name, checked)
		}
	}
}

// The page is XML but for what HTML leaves open, refers to nothing, and runs nothing, whatever the names are.
func TestThePageStandsAlone(t *testing.T) {
	bad := regexp.MustCompile(`(?i)<script|javascript:|\son[a-z]+\s*=|<link|<iframe|<object|<embed|@import|url\(|\ssrc\s*=|href="[^#]|=cmd\b.*<script`)
	hostile := full()
	hostile.Customer = `"><script>alert(1)</script>`
	hostile.Devices[0].Hostname = `<img src=x onerror=alert(1)>`
	hostile.News = "<script>x</script>\n\njavascript:alert(1)"
	all := allCases()
	all["hostile"] = hostile
	for name, in := range all {
		for _, lang := range []text.Lang{text.JA, text.EN} {
			page := pageOf(t, in, lang)
			// What stands in texts is no markup.
			markup := ""
			for _, m := range tag.FindAllString(page, -1) {
				markup += m + "\n"
			}
			if m := bad.FindString(markup); m != "" {
				t.Errorf("%s, %s: %q", name, lang, m)
			}
			for _, void := range []string{"meta"} {
				page = regexp.MustCompile("<"+void+"[^>]*>").ReplaceAllString(page, "")
			}
			d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!DOCTYPE html>")))
			for {
				if _, err := d.Token(); err != nil {
					if err.Error() != "EOF" {
						t.Errorf("%s, %s: %v", name, lang, err)
					}
					break
				}
			}
		}
	}
}

func TestThePageIsInItsLanguage(t *testing.T) {
	in := full()
	key := regexp.MustCompile(`\b(report|alert|device|ot|column|ledger)\.[a-z]+[.a-z_-]*|\{[a-z]+[|}]`)
	for _, lang := range []text.Lang{text.JA, text.EN} {
		for name, in := range allCases() {
			if m := key.FindString(strings.Join(linesOf(pageOf(t, in, lang)), "\n")); m != "" && !strings.HasSuffix(m, ".csv") {
				t.Errorf("%s, %s: %q", name, lang, m)
			}
		}
	}
	japanese := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	english := plant(40, 60, "LINE-A")
	before := plant(30, 9, "LINE-B")
	before.Coverage = []Coverage{{"LINE-B", "s", epoch, epoch.Add(time.Hour), 60, 0, 0, time.Time{}, time.Time{}}}
	english.Previous, english.Pictures, english.Coverage = &before, in.Pictures, before.Coverage
	if m := japanese.FindString(pageOf(t, english, text.EN)); m != "" {
		t.Errorf("the English page has %q", m)
	}
	page := pageOf(t, in, text.JA)
	for _, want := range []string{`<html lang="ja">`, "今月は2件の注意喚起がありました。詳細は次のとおりです。", "更新2", "前の期間との比較", "改善提案", "<svg xmlns"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	empty := strings.Join(linesOf(pageOf(t, Input{}, text.JA)), "\n")
	for _, key := range []string{"report.none.devices", "report.none.traffic", "report.none.ot", "report.none.alerts", "report.none.findings", "report.ungraded.no-devices"} {
		if want := text.Get(text.JA, key); !strings.Contains(empty, want) {
			t.Errorf("the empty page does not say %q", want)
		}
	}
}

// The same input, in whatever order, gives the same bytes, of all renderings.
func TestThePageAndTheWorkbookAreTheSameBytes(t *testing.T) {
	a, b := full(), full()
	slices.Reverse(b.Devices)
	slices.Reverse(b.Alerts)
	slices.Reverse(b.Operations)
	slices.Reverse(b.Pairs)
	slices.Reverse(b.Crossings)
	slices.Reverse(b.Previous.Devices)
	slices.Reverse(b.Previous.Alerts)
	book := func(in Input) []byte {
		var w bytes.Buffer
		if err := WriteXLSX(&w, Build(in), text.JA); err != nil {
			t.Fatal(err)
		}
		return w.Bytes()
	}
	if pageOf(t, a, text.JA) != pageOf(t, b, text.JA) {
		t.Error("pages differ")
	}
	if !bytes.Equal(csvZip(t, a, text.JA), csvZip(t, b, text.JA)) {
		t.Error("CSV-ZIPs differ")
	}
	if !bytes.Equal(book(a), book(b)) {
		t.Error("workbooks differ")
	}
}

// Each chart of the workbook is drawn of rows beside it, and their numbers are those of the CSV. All sheets of tables have filters.
func TestChartsOfTheWorkbookShowTheCSV(t *testing.T) {
	in := full()
	var w bytes.Buffer
	if err := WriteXLSX(&w, Build(in), text.JA); err != nil {
		t.Fatal(err)
	}
	parts := unzip(t, w.Bytes())
	filters, charts := 0, 0
	for name, x := range parts {
		if strings.HasPrefix(name, "xl/worksheets/sheet") && strings.Contains(x, "<autoFilter ") && strings.Contains(x, `state="frozen"`) {
			filters++
		}
		if strings.HasPrefix(name, "xl/charts/chart") {
			charts++
		}
	}
	tables := readTables(t, csvZip(t, in, text.JA))
	if filters != len(tables)+1 {
		t.Errorf("%d sheets with filter and frozen head, want %d", filters, len(tables)+1)
	}
	book, err := excelize.OpenReader(&w)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows(text.Get(text.JA, "report.charts"), excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	var blocks [][]string // the values of each chart
	for _, r := range rows {
		switch {
		case len(r) < 2 || r[1] == "":
		case !regexp.MustCompile(`^[0-9]+$`).MatchString(r[1]):
			blocks = append(blocks, nil)
		default:
			blocks[len(blocks)-1] = append(blocks[len(blocks)-1], r[1])
		}
	}
	gather := func(v []string) []string {
		if len(v) <= chartBars {
			return v
		}
		rest := int64(0)
		for _, x := range v[chartBars:] {
			rest += number64(x)
		}
		return append(slices.Clone(v[:chartBars]), strconv.FormatInt(rest, 10))
	}
	col := func(table, name string) []string { return column(t, tables[table], name) }
	want := [][]string{col("grades", "score"), gather(col("vendors", "devices")), gather(col("roles", "devices")), gather(col("systems", "devices")),
		col("talkers", "bytes")[:chartBars], col("ot_protocols", "messages"), col("alert_kinds", "alerts"), col("alert_severities", "alerts"), col("traffic", "bytes")}
	if len(blocks) != len(want) || charts != len(want) {
		t.Fatalf("%d blocks of rows and %d charts, want %d", len(blocks), charts, len(want))
	}
	for i := range want {
		if !slices.Equal(blocks[i], want[i]) {
			t.Errorf("chart %d: %v, the CSV has %v", i+1, blocks[i], want[i])
		}
	}
}
