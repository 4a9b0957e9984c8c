package report

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"osect/report/pptx"
	"osect/text"
)

func deck(t testing.TB, in Input, lang text.Lang) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteDeck(&b, Build(in), lang, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func csvZip(t testing.TB, in Input, lang text.Lang) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteCSVZip(&b, Build(in), lang); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func unzip(t testing.TB, data []byte) map[string]string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		rc.Close()
		parts[f.Name] = string(b)
	}
	return parts
}

// readTables reads the CSV files of a ZIP, each with its header row, and checks their form.
func readTables(t testing.TB, data []byte) map[string][][]string {
	t.Helper()
	out := map[string][][]string{}
	for name, content := range unzip(t, data) {
		body, bom := strings.CutPrefix(content, "\uFEFF")
		if !bom {
			t.Errorf("%s has no byte order mark", name)
		}
		base, isCSV := strings.CutSuffix(name, ".csv")
		if !isCSV {
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, c := range rows[0] {
			if !regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(c) {
				t.Errorf("%s: column %q is not snake_case", name, c)
			}
		}
		out[base] = rows
	}
	return out
}

func column(t testing.TB, rows [][]string, name string) []string {
	t.Helper()
	i := slices.Index(rows[0], name)
	if i < 0 {
		t.Fatalf("no column %s in %v", name, rows[0])
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[i])
	}
	return out
}

// slideTexts returns the text of each paragraph of each slide, without the slide's number.
func slideTexts(t testing.TB, parts map[string]string) [][]string {
	t.Helper()
	var out [][]string
	for i := 1; parts[fmt.Sprintf("ppt/slides/slide%d.xml", i)] != ""; i++ {
		var ps []string
		dec := xml.NewDecoder(strings.NewReader(parts[fmt.Sprintf("ppt/slides/slide%d.xml", i)]))
		field, inText := false, false
		for {
			tok, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("slide %d: %v", i, err)
			}
			switch e := tok.(type) {
			case xml.StartElement:
				switch e.Name.Local {
				case "p":
					ps = append(ps, "")
				case "br":
					ps[len(ps)-1] += " "
				case "fld":
					field = true
				case "t":
					inText = true
				}
			case xml.EndElement:
				switch e.Name.Local {
				case "fld":
					field = false
				case "t":
					inText = false
				}
			case xml.CharData:
				if inText && !field {
					ps[len(ps)-1] += string(e)
				}
			}
		}
		out = append(out, ps)
	}
	return out
}

// withBefore has pictures, news and a month before.
func withBefore() Input {
	in, before := plant(40, 50, ""), plant(38, 20, "")
	before.From, before.To = epoch.AddDate(0, -1, 0), epoch
	before.Coverage = []Coverage{{Site: "第三工場", Sensor: "sensor-1", First: epoch.AddDate(0, -1, 0), Last: epoch, Minutes: 40000}}
	in.Previous, in.News = &before, "新しいラインが稼働しました。\n\n計画停止がありました。"
	in.Pictures = pictures(in, text.JA)
	return in
}

// cases are the sizes and shapes that every rendering must bear.
func cases() map[string]Input {
	unsorted := plant(30, 40, "")
	slices.Reverse(unsorted.Devices)
	slices.Reverse(unsorted.Alerts)
	slices.Reverse(unsorted.Operations)
	return map[string]Input{
		"empty":                       {},
		"20 devices, 0 alerts":        plant(20, 0, ""),
		"20 devices":                  plant(20, 30, ""),
		"1,400 devices, 5,000 alerts": plant(1400, 5000, ""),
		"names of 60 letters":         plant(40, 50, longName),
		"names that are formulas":     plant(20, 20, "=cmd|' /C calc'!A0"),
		"names of control letters":    plant(20, 20, "a\x00\x1b[31m\xff\u202e<&\">"),
		"other order":                 unsorted,
		"pictures, a month before":    withBefore(),
	}
}

// validateDeck holds a deck against the schemas of the format, where they and their tool are there.
func validateDeck(t *testing.T, name string, data []byte) {
	t.Helper()
	script := filepath.Join(shared(), "ooxml", "validate.sh")
	if _, err := exec.LookPath("xmllint"); err != nil {
		return
	}
	if _, err := os.Stat(script); err != nil {
		return
	}
	file := filepath.Join(t.TempDir(), "deck.pptx")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", script, file).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", name, err, out)
	}
}

func TestDecksAreValidInEveryShape(t *testing.T) {
	keep := os.Getenv("OSECT_KEEP_DECKS") // a folder, to look at the decks
	script := ""
	if _, err := exec.LookPath("xmllint"); err == nil {
		script = filepath.Join(shared(), "ooxml", "validate.sh")
		if _, err := os.Stat(script); err != nil {
			script = ""
		}
	}
	for name, in := range cases() {
		for _, lang := range []text.Lang{text.JA, text.EN} {
			data := deck(t, in, lang)
			inside(t, name, unzip(t, data))
			file := filepath.Join(t.TempDir(), "deck.pptx")
			if keep != "" {
				file = filepath.Join(keep, strings.ReplaceAll(name, " ", "-")+"-"+string(lang)+".pptx")
			}
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if script == "" || lang == text.EN && name != "20 devices" { // the schemas do not read the language
				continue
			}
			if out, err := exec.Command("bash", script, file).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", name, lang, err, out)
			}
		}
	}
	if script == "" {
		t.Skip("no-schemas")
	}
}

// shared returns the folder of captures, rules and schemas.
func shared() string {
	if dir := os.Getenv("OSECT_SHARED"); dir != "" {
		return dir
	}
	dir := "."
	for range 5 {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Join(dir, "..")
	}
	return filepath.Join(dir, "../shared")
}

// inside fails the test unless every shape of every slide lies on the slide.
func inside(t *testing.T, name string, parts map[string]string) {
	t.Helper()
	frame := regexp.MustCompile(`<a:off x="(-?\d+)" y="(-?\d+)"/><a:ext cx="(-?\d+)" cy="(-?\d+)"/>`)
	for part, x := range parts {
		if !strings.HasPrefix(part, "ppt/slides/slide") {
			continue
		}
		for _, m := range frame.FindAllStringSubmatch(x, -1) {
			n := make([]int, 5)
			for i := 1; i < 5; i++ {
				n[i], _ = strconv.Atoi(m[i])
			}
			if n[1] < 0 || n[2] < 0 || n[1]+n[3] > 12192000 || n[2]+n[4] > 6858000-400000 {
				t.Errorf("%s: %s: shape at %d,%d of %d × %d leaves the content", name, part, n[1], n[2], n[3], n[4])
			}
		}
	}
}

func TestSameInputGivesSameBytesInAnyOrder(t *testing.T) {
	a, b := plant(30, 40, ""), plant(30, 40, "")
	slices.Reverse(b.Devices)
	slices.Reverse(b.Alerts)
	slices.Reverse(b.Operations)
	slices.Reverse(b.Pairs)
	slices.Reverse(b.Traffic)
	slices.Reverse(b.Captures)
	slices.Reverse(b.Detectors)
	for _, lang := range []text.Lang{text.JA, text.EN} {
		if !bytes.Equal(deck(t, a, lang), deck(t, b, lang)) {
			t.Errorf("%s: decks differ", lang)
		}
		if !bytes.Equal(csvZip(t, a, lang), csvZip(t, b, lang)) {
			t.Errorf("%s: CSV-ZIPs differ", lang)
		}
	}
}

var number = regexp.MustCompile(`[0-9][0-9,]*(?:\.[0-9]+)?(?: [kMGT]?B)?`)

func TestNumbersOnSlidesAreThoseOfTheCSV(t *testing.T) {
	for name, in := range cases() {
		if in.Packets == 0 || strings.Contains(in.Customer, "\x00") {
			continue
		}
		a := Build(in)
		tables := readTables(t, csvZip(t, in, text.JA))
		known := map[string]bool{}
		learn := func(s string) {
			for _, n := range number.FindAllString(s, -1) {
				known[n] = true
			}
		}
		for _, rows := range tables {
			for _, row := range rows[1:] {
				for _, cell := range row {
					learn(cell)
					if n, err := strconv.ParseInt(cell, 10, 64); err == nil {
						learn(text.Integer(n))
						known[size(n)] = true
					}
					if when, err := time.Parse(time.RFC3339, cell); err == nil {
						learn(a.when(when))
					}
				}
			}
		}
		for _, key := range text.Keys() {
			learn(text.Get(text.JA, key))
		}
		learn(a.zone())
		for i, ps := range slideTexts(t, unzip(t, deck(t, in, text.JA))) {
			if i == 1 {
				continue // the contents: numbers of slides
			}
			for _, p := range ps {
				p = regexp.MustCompile(`\([0-9]+/[0-9]+\)$`).ReplaceAllString(p, "")     // of slides
				p = regexp.MustCompile(`(上位|重要度の高い)[0-9]+(件|台)`).ReplaceAllString(p, "") // rows and devices shown
				p = regexp.MustCompile(`^[0-9.]+/[0-9]+$`).ReplaceAllString(p, "")       // subnets of the map
				for _, n := range number.FindAllString(p, -1) {
					if !known[n] {
						t.Errorf("%s: slide %d: %q in %q is in no CSV file", name, i+1, n, p)
					}
				}
			}
		}
		summary := map[string]string{}
		for _, row := range tables["summary"][1:] {
			summary[row[0]] = row[1]
		}
		summarySlide := slideTexts(t, unzip(t, deck(t, in, text.JA)))[2]
		for key, label := range map[string]string{"devices": "devices", "connections": "connections", "ot_protocols": "protocols", "ot_writes_and_controls": "writes", "alerts": "alerts", "alerts_high_or_critical": "severe"} {
			n, err := strconv.ParseInt(summary[key], 10, 64)
			at := slices.Index(summarySlide, text.Get(text.JA, "report.card."+label, "n", text.Integer(n)))
			if err != nil || at < 1 || summarySlide[at-1] != text.Integer(n) {
				t.Errorf("%s: card %s does not say %s", name, key, summary[key])
			}
		}
		for _, g := range tables["grades"][1:] { // area, grade, score
			at := slices.Index(summarySlide, text.Get(text.JA, "report.area."+g[0]))
			if at < 0 || g[1] != "" && summarySlide[at+1] != g[1] || g[2] != "" && !strings.HasPrefix(summarySlide[at+2], g[2]) {
				t.Errorf("%s: the summary does not say %s %s %s", name, g[0], g[1], g[2])
			}
		}
	}
}

func TestChartsShowTheCSV(t *testing.T) {
	in := plant(1400, 5000, "")
	tables := readTables(t, csvZip(t, in, text.JA))
	parts := unzip(t, deck(t, in, text.JA))
	values := func(table, col string) []float64 {
		var out []float64
		for _, s := range column(t, tables[table], col) {
			v, err := strconv.ParseFloat(s, 64)
			if err != nil {
				t.Fatalf("%s.%s: %v", table, col, err)
			}
			out = append(out, v)
		}
		return out
	}
	gather := func(v []float64) []float64 {
		if len(v) <= deckBars {
			return v
		}
		rest := 0.0
		for _, x := range v[deckBars:] {
			rest += x
		}
		return append(slices.Clone(v[:deckBars]), rest)
	}
	severities := slices.DeleteFunc(values("alert_severities", "alerts"), func(v float64) bool { return v == 0 })
	want := [][]float64{
		gather(values("vendors", "devices")), gather(values("roles", "devices")), gather(values("systems", "devices")),
		values("traffic", "bytes"), values("talkers", "bytes")[:deckTalkers], values("ot_protocols", "messages"), values("alert_kinds", "alerts"), severities,
	}
	cached := regexp.MustCompile(`<c:v>([^<]*)</c:v>`)
	for i, w := range want {
		f, err := excelize.OpenReader(strings.NewReader(parts[fmt.Sprintf("ppt/embeddings/Microsoft_Excel_Sheet%d.xlsx", i+1)]))
		if err != nil {
			t.Fatal(err)
		}
		rows, err := f.GetRows("Data", excelize.Options{RawCellValue: true})
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		_, cache, _ := strings.Cut(parts[fmt.Sprintf("ppt/charts/chart%d.xml", i+1)], "<c:numCache>")
		shown := cached.FindAllStringSubmatch(cache, -1)
		if len(rows)-1 != len(w) || len(shown) != len(w) {
			t.Errorf("chart %d: %d rows in the workbook, %d shown, want %d", i+1, len(rows)-1, len(shown), len(w))
			continue
		}
		for j, v := range w {
			s := strconv.FormatFloat(v, 'f', -1, 64)
			if rows[j+1][1] != s || shown[j][1] != s {
				t.Errorf("chart %d, row %d: workbook %s, shown %s, CSV %s", i+1, j+1, rows[j+1][1], shown[j][1], s)
			}
		}
	}
	if parts[fmt.Sprintf("ppt/charts/chart%d.xml", len(want)+1)] != "" {
		t.Error("a chart that this test does not know")
	}
}

// japaneseAllows are Latin words that a Japanese reader of the field expects.
var japaneseAllows = strings.Fields("OT IP MAC OS HMI SCADA PLC CSV UTC VLAN IEC SR TCP UDP PDU DMZ ATT CK for ICS kB MB GB TB")

func TestJapaneseDeckHasNoEnglishOutsideData(t *testing.T) {
	in := plant(20, 30, "")
	allowed := map[string]bool{}
	word := regexp.MustCompile(`[A-Za-z]{2,}`)
	allow := func(s string) {
		for _, w := range word.FindAllString(s, -1) {
			allowed[w] = true
		}
	}
	for _, w := range japaneseAllows {
		allowed[w] = true
	}
	for _, key := range text.Keys() {
		if strings.HasPrefix(key, "ot.protocol.") {
			allow(text.Get(text.JA, key))
		}
	}
	for _, d := range in.Devices {
		allow(d.Hostname + " " + d.Vendor + " " + d.OS + " " + strings.Join(d.IPs, " "))
	}
	for _, o := range in.Operations {
		allow(o.Function)
	}
	for _, p := range in.Pairs {
		allow(p.Service)
	}
	for _, c := range in.Captures {
		allow(c.Path + " " + c.Reason)
	}
	for _, d := range in.Differences {
		allow(d.MAC + " " + d.Ledger + " " + d.Observed)
	}
	for _, c := range in.Crossings {
		allow(c.Service)
	}
	allow(in.Sensors[0].Name)
	file, cutWord := regexp.MustCompile(`[a-z_]+\.csv`), regexp.MustCompile(`[a-z]+…`)
	parts := unzip(t, deck(t, in, text.JA))
	check := func(where, s string) {
		for _, w := range word.FindAllString(file.ReplaceAllString(cutWord.ReplaceAllString(s, ""), ""), -1) {
			if !allowed[w] {
				t.Errorf("%s: %q in %q", where, w, s)
			}
		}
	}
	for i, ps := range slideTexts(t, parts) {
		for _, p := range ps {
			check(fmt.Sprintf("slide %d", i+1), p)
		}
	}
	shown := regexp.MustCompile(`<(?:c:v|a:t)>([^<]*)</`)
	for name, x := range parts {
		if strings.HasPrefix(name, "ppt/charts/chart") || strings.HasPrefix(name, "ppt/notesSlides/notes") {
			for _, m := range shown.FindAllStringSubmatch(x, -1) {
				check(name, m[1])
			}
		}
	}
}

func TestEnglishDeckAndCSVHaveNoJapaneseOutsideData(t *testing.T) {
	japanese := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	in := plant(20, 30, "LINE-A")
	for name, parts := range map[string]map[string]string{"deck": unzip(t, deck(t, in, text.EN)), "csv": unzip(t, csvZip(t, in, text.EN))} {
		for part, s := range parts {
			if !strings.HasSuffix(part, ".xlsx") && japanese.MatchString(s) {
				t.Errorf("%s: %s: %q", name, part, japanese.FindString(s))
			}
		}
	}
}

func TestNoTextIsAKey(t *testing.T) {
	key := regexp.MustCompile(`\b(report|alert|device|ot|column)\.[a-z]+[.a-z_-]*|\{[a-z]+[|}]`)
	for name, in := range cases() {
		for _, lang := range []text.Lang{text.JA, text.EN} {
			for i, ps := range slideTexts(t, unzip(t, deck(t, in, lang))) {
				if m := key.FindString(strings.Join(ps, "\n")); m != "" {
					t.Errorf("%s, %s: slide %d shows %q", name, lang, i+1, m)
				}
			}
			if m := key.FindString(unzip(t, csvZip(t, in, lang))["README.txt"]); m != "" {
				t.Errorf("%s, %s: README.txt shows %q", name, lang, m)
			}
		}
	}
}

// A deck is as long as can be presented: 15 to 25 slides, without news and comparison; of 4:3, in English, one more.
func TestDecksAreOfALengthToPresent(t *testing.T) {
	for _, in := range []Input{plant(20, 0, ""), plant(20, 100, longName), plant(1400, 5000, "")} {
		for _, lang := range []text.Lang{text.JA, text.EN} {
			in.Pictures = pictures(in, lang)
			decks := map[string][]byte{"own": deck(t, in, lang)}
			for name, masters := range formats {
				decks[name] = onTemplate(t, in, lang, customerTemplate(t, masters...))
			}
			for name, d := range decks {
				if n := len(slideTexts(t, unzip(t, d))); n < 15 || n > 25 && !(name == "four-by-three" && n == 26) {
					t.Errorf("%d devices, %d alerts, %s, %s: %d slides", len(in.Devices), len(in.Alerts), lang, name, n)
				}
			}
		}
	}
}

// Captures that could not be read are named on the slide of the scope, the first of them; the CSV has all.
func TestCapturesThatCouldNotBeReadAreNamed(t *testing.T) {
	in := plant(5, 0, "")
	for i := range 5 {
		in.Captures = append(in.Captures, Capture{Path: fmt.Sprintf("broken%d.pcap", i), Status: "not-a-capture"})
	}
	all := ""
	for _, s := range slideTexts(t, unzip(t, deck(t, in, text.EN))) {
		all += strings.Join(s, "\n")
	}
	for _, want := range []string{"broken0.pcap", "broken1.pcap", "captures.csv"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is not named", want)
		}
	}
	if strings.Contains(all, "broken4.pcap") {
		t.Error("all are named")
	}
}

func TestDeckSaysWhatItLeavesOut(t *testing.T) {
	all := func(in Input) string {
		var b strings.Builder
		for _, ps := range slideTexts(t, unzip(t, deck(t, in, text.JA))) {
			b.WriteString(strings.Join(ps, "\n") + "\n")
		}
		return b.String()
	}
	big := all(plant(1400, 5000, ""))
	for _, want := range []string{"全1,400件のうち上位", "全5,000件のうち上位", "devices.csv", "alerts.csv"} {
		if !strings.Contains(big, want) {
			t.Errorf("the large deck does not say %q", want)
		}
	}
	empty := all(Input{})
	for _, key := range []string{"report.none.devices", "report.none.traffic", "report.none.ot", "report.none.alerts", "report.none.findings"} {
		if want := text.Get(text.JA, key); !strings.Contains(empty, want) {
			t.Errorf("the empty deck does not say %q", want)
		}
	}
	idle := plant(20, 0, "")
	for i := range idle.Detectors {
		idle.Detectors[i].Mode = "learning"
	}
	if want := text.Get(text.JA, "report.none.detecting"); !strings.Contains(all(idle), want) {
		t.Errorf("a deck without detection does not say %q", want)
	}
}

func TestNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"":           "",
		"plain":      "plain",
		"=1+1":       "'=1+1",
		"+81-3-1234": "'+81-3-1234",
		"-5":         "-5",
		"-5.25":      "-5.25",
		"-5+cmd":     "'-5+cmd",
		"@SUM(A1)":   "'@SUM(A1)",
		"＝1":         "'＝1",
		"10.0.0.1":   "10.0.0.1",
		"a=b":        "a=b",
		"'quoted":    "'quoted",
	} {
		if got := noFormula(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for name, rows := range readTables(t, csvZip(t, plant(20, 20, "=1+1"), text.JA)) {
		for _, row := range rows {
			for _, cell := range row {
				if strings.HasPrefix(cell, "=") {
					t.Errorf("%s: %q", name, cell)
				}
			}
		}
	}
}

func TestReadmeNamesEveryFileAndColumn(t *testing.T) {
	for _, lang := range []text.Lang{text.JA, text.EN} {
		data := csvZip(t, plant(20, 20, ""), lang)
		readme := unzip(t, data)["README.txt"]
		for name, rows := range readTables(t, data) {
			if !strings.Contains(readme, name+".csv – ") {
				t.Errorf("README.txt has no %s.csv", name)
			}
			for _, c := range rows[0] {
				if columnName(lang, c) == c || !strings.Contains(readme, "  "+c+" – ") {
					t.Errorf("%s: column %s of %s is not explained", lang, c, name)
				}
			}
		}
	}
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"普通", "<a>&\"'", "\x00\x01\x1f\x7f", "\xff\xfe\xfd", "=1+1", "]]>", "\u202e\u2028\ufffe", "a\nb\r\n\"c\",d", "{n}", "–"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 400 {
			return
		}
		in := plant(6, 8, name)
		in.Operations = append(in.Operations, Operation{Layer: name, Protocol: name, Class: name, Direction: "request", Src: name, Dst: name, Count: 3})
		in.Alerts = append(in.Alerts, Alert{ID: name, Kind: name, Severity: name, State: name})
		in.Skipped[name] = 2
		in.Captures[0].Status, in.Detectors[0].Kind, in.Detectors[0].Mode = name, name, name
		for _, lang := range []text.Lang{text.JA, text.EN} {
			for part, x := range unzip(t, deck(t, in, lang)) {
				if !strings.HasSuffix(part, ".xml") && !strings.HasSuffix(part, ".rels") {
					continue
				}
				dec := xml.NewDecoder(strings.NewReader(x))
				for {
					if _, err := dec.Token(); errors.Is(err, io.EOF) {
						break
					} else if err != nil {
						t.Fatalf("%s: %v", part, err)
					}
				}
			}
			for file, rows := range readTables(t, csvZip(t, in, lang)) {
				for _, row := range rows[1:] {
					for _, cell := range row {
						if noFormula(cell) != cell || strings.ContainsFunc(cell, func(r rune) bool { return r < 0x20 }) {
							t.Fatalf("%s: cell %q", file, cell)
						}
					}
				}
			}
		}
	})
}

// FuzzCell holds the rule of CSV cells over any text.
func FuzzCell(f *testing.F) {
	for _, s := range []string{"", "=1", "-1", "＝", "+1+1", "\t=1", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := noFormula(pptx.Clean(s))
		if noFormula(got) != got || strings.HasPrefix(got, "=") || strings.HasPrefix(got, "@") {
			t.Fatalf("%q became %q", s, got)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		if err := w.Write([]string{got, "end"}); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		row, err := csv.NewReader(&b).Read()
		if err != nil || row[0] != got {
			t.Fatalf("%q came back as %q, %v", got, row, err)
		}
	})
}

// TestUniofficeTag builds what the tag unioffice adds and lets it say that it has no key.
func TestUniofficeTag(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	for _, args := range [][]string{
		{"vet", "-tags", "unioffice", "osect/report", "osect/cmd/osect"},
		{"test", "-tags", "unioffice", "-run", "^TestWithoutKey$", "-count", "1", "-v", "osect/report"},
	} {
		out, err := exec.Command("go", args...).CombinedOutput()
		if err != nil || args[0] == "test" && !strings.Contains(string(out), "--- PASS: TestWithoutKey") {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	if DeckNote() != "" {
		t.Error("a note without the tag")
	}
}
