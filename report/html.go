package report

import (
	"bufio"
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html"
	"io"
	"strconv"
	"strings"
	"time"

	"osect/text"
)

//go:embed html.css
var pageStyle string

// How much of a long list the page shows; the CSV has all of it.
const (
	pageDevices   = 150
	pagePairs     = 50
	pageFunctions = 60
	pageControls  = 100
	pageCrossings = 100
	pageAlerts    = 100
	pageChanges   = 100
	pageCaptures  = 100
	pageBars      = 12
)

// page writes the HTML page.
type page struct {
	*writer // words and names, as in the deck
	w       *bufio.Writer
}

// section is a chapter of the page.
type section struct {
	id, title string
	write     func()
	page      bool // begins a page when printed
}

// WriteHTML writes the assessment as one page: no scripts, and nothing from outside of it. It is made to be read on a screen and to be
// printed on A4. Lists are cut at 50 to 150 rows, which is said; an area without data says so.
func WriteHTML(w io.Writer, a *Assessment, lang text.Lang) error {
	p := &page{writer: &writer{Assessment: a, lang: lang}, w: bufio.NewWriterSize(w, 64<<10)}
	title := p.t("report.title")
	p.raw(`<!DOCTYPE html><html lang="`, string(lang), `"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">`)
	p.raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">`)
	head := title
	if a.Customer != "" {
		head += " - " + a.Customer
	}
	p.raw("<title>", esc(head), "</title><style>", pageStyle, "</style></head><body>\n<header><h1>", esc(title), "</h1>")
	if s := cmp.Or(a.Customer, strings.Join(a.Sites, p.t("report.comma"))); s != "" {
		p.para(s)
	}
	p.para(p.span())
	if a.Program != "" {
		p.raw(`<p class="soft">`, esc(a.Program), "</p>")
	}
	p.raw("</header>\n")
	sections := p.sections()
	p.raw("<nav>")
	for _, s := range sections {
		p.raw(`<a href="#`, s.id, `">`, esc(s.title), "</a>")
	}
	p.raw("</nav>\n")
	for _, s := range sections {
		class := ""
		if s.page {
			class = ` class="page"`
		}
		p.raw("<section", class, `><h2 id="`, s.id, `">`, esc(s.title), "</h2>\n")
		s.write()
		p.raw("</section>\n")
	}
	p.raw("</body></html>\n")
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("report: HTML: %w", err)
	}
	return nil
}

// sections are the chapters that this report has.
func (p *page) sections() []section {
	out := []section{{"summary", p.t("report.summary.title"), p.summary, false}, {"grades", p.t("report.grades.title"), p.gradeTable, true}}
	if p.Comparison != nil {
		out = append(out, section{"comparison", p.t("report.compare.title"), p.comparison, false})
	}
	if len(p.News) > 0 {
		out = append(out, section{"news", p.t("report.news.title"), func() { p.list(p.News) }, false})
	}
	out = append(out,
		section{"proposals", p.t("report.proposals.title"), p.proposals, true},
		section{"findings", p.t("report.findings.title"), p.findings, false},
		section{"scope", p.t("report.scope.title"), p.scope, true},
		section{"assets", p.t("report.assets.title"), p.assets, true})
	if p.Picture("map") != nil {
		out = append(out, section{"map", p.t("report.picture.map"), func() { p.picture("map") }, true})
	}
	out = append(out,
		section{"traffic", p.t("report.traffic.title"), p.traffic, true},
		section{"ot", p.t("report.ot.title"), p.ot, true})
	if p.HasLedger {
		out = append(out, section{"zones", p.t("report.file.conduits"), p.zones, true}, section{"ledger", p.t("report.file.ledger_differences"), p.differences, false})
	}
	return append(out,
		section{"alerts", p.t("report.alerts.title"), p.alerts, true},
		section{"appendix", p.t("report.appendix.title"), p.appendix, false})
}

func esc(s string) string { return html.EscapeString(s) }

// raw writes what is HTML already. The buffered writer keeps the first error for Flush.
func (p *page) raw(parts ...string) {
	for _, s := range parts {
		p.w.WriteString(s)
	}
}

func (p *page) para(s string) { p.raw("<p>", esc(s), "</p>\n") }
func (p *page) soft(s string) { p.raw(`<p class="soft">`, esc(s), "</p>\n") }
func (p *page) h3(s string)   { p.raw("<h3>", esc(s), "</h3>\n") }

func (p *page) list(lines []string) {
	p.raw("<ul>")
	for _, l := range lines {
		l = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(l, "- "), "・"))
		p.raw("<li>", esc(l), "</li>")
	}
	p.raw("</ul>\n")
}

// cell is a cell of a table. Its class is n for numbers, k for what is not broken, or a severity; head stands above the text, bold.
type cell struct{ text, class, head string }

func words(s string) cell           { return cell{text: s} }
func key(s string) cell             { return cell{text: s, class: "k"} }
func count(n int64) cell            { return cell{text: text.Integer(n), class: "n"} }
func (p *page) sev(s string) cell   { return cell{text: p.severity(s), class: "k " + severityClass(s)} }
func (p *page) size(n int64) cell   { return cell{text: size(n), class: "n"} }
func (p *page) at(t time.Time) cell { return cell{text: p.when(t), class: "k"} }

// table writes a table. Columns are keys of the catalogue's columns; rows beyond shown are left out, which file has and the page says.
func (p *page) table(file string, shown int, columns []string, total int, row func(i int) []cell) {
	n := min(shown, total)
	if more := p.cut(file, int64(n), int64(total)); more != "" {
		p.soft(more)
	}
	p.raw(`<div class="scroll"><table><thead><tr>`)
	var first []cell
	if n > 0 {
		first = row(0)
	}
	for i, c := range columns {
		class := ""
		if i < len(first) && first[i].class == "n" {
			class = ` class="n"`
		} else if i < len(first) && strings.HasPrefix(first[i].class, "k") {
			class = ` class="k"`
		}
		p.raw("<th", class, ">", esc(p.column(c)), "</th>")
	}
	p.raw("</tr></thead><tbody>\n")
	for i := range n {
		p.raw("<tr>")
		for _, c := range row(i) {
			p.raw("<td")
			if c.class == "" && longWord(c.text) {
				c.class = "long"
			}
			if c.class != "" {
				p.raw(` class="`, c.class, `"`)
			}
			p.raw(">")
			if c.head != "" {
				p.raw("<b>", esc(c.head), "</b>")
			}
			p.raw(esc(c.text), "</td>")
		}
		p.raw("</tr>\n")
	}
	p.raw("</tbody></table></div>\n")
}

// longWord says whether a text has a word that may be wider than its column: such a one is broken anywhere, others between words.
func longWord(s string) bool {
	n := 0
	for _, r := range s {
		if n++; r == ' ' || r >= 0x2e80 { // East Asian letters break anywhere
			n = 0
		}
		if n > 24 {
			return true
		}
	}
	return false
}

// bar is a bar of a chart, with its value as it is written.
type bar struct {
	name  string
	value int64
	text  string
}

func (p *page) bars(title string, bars []bar) {
	most := int64(1)
	for _, b := range bars {
		most = max(most, b.value)
	}
	p.raw("<div><h3>", esc(title), `</h3><div class="bars">`)
	for _, b := range bars {
		p.raw("<span>", esc(b.name), `</span><i style="width:`, strconv.FormatFloat(100*float64(b.value)/float64(most), 'f', 1, 64), `%"></i><em>`, esc(b.text), "</em>")
	}
	p.raw("</div></div>\n")
}

// shareBars are the largest shares, the rest gathered in one.
func (p *page) shareBars(shares []Share, name func(string) string) []bar {
	var out []bar
	rest := int64(0)
	for i, s := range shares {
		if i >= pageBars {
			rest += s.Count
			continue
		}
		out = append(out, bar{name(s.Name), s.Count, text.Integer(s.Count)})
	}
	if rest > 0 {
		out = append(out, bar{p.t("report.others"), rest, text.Integer(rest)})
	}
	return out
}

// picture writes a drawing as it is: an SVG without its XML declaration is HTML.
func (p *page) picture(key string) {
	x := p.Picture(key)
	if x == nil || len(x.SVG) == 0 {
		return
	}
	svg := x.SVG
	if i := bytes.Index(svg, []byte("<svg")); i > 0 {
		svg = svg[i:]
	}
	p.raw(`<div class="picture">`)
	p.w.Write(svg)
	p.raw("</div>\n")
}

func (p *page) summary() {
	p.gradeCards()
	for _, o := range p.overview() {
		for _, r := range o.Runs {
			p.para(r.Text)
		}
	}
	c := &p.Counts
	p.raw(`<div class="cards">`)
	for _, x := range []struct {
		n   int64
		key string
	}{{c.Devices, "devices"}, {c.Connections, "connections"}, {c.OTProtocols, "protocols"}, {c.Writes + c.Controls, "writes"}, {c.Alerts, "alerts"}, {c.AlertsSevere, "severe"}} {
		p.raw(`<div class="card"><b>`, text.Integer(x.n), "</b>", esc(p.t("report.card."+x.key, "n", text.Integer(x.n))), "</div>")
	}
	p.raw("</div>\n")
	p.h3(p.t("report.summary.findings"))
	if len(p.Findings) == 0 {
		p.para(p.t("report.none.findings"))
		return
	}
	const most = 6
	p.table("findings", len(p.Findings), []string{"severity", "finding", "examples"}, min(most, len(p.Findings)), func(i int) []cell {
		f := p.Findings[i]
		return []cell{p.sev(f.Severity), words(findingTitle(p.lang, f)), words(p.exampleText(f))}
	})
}

func (p *page) gradeCards() {
	p.raw(`<div class="cards">`)
	for _, g := range append([]Grade{p.Overall}, p.Grades...) {
		class, letter, score := "g-"+g.Letter, g.Letter, p.t("report.points", "n", int64(g.Score))
		if g.Letter == "" {
			class, letter, score = "g-none", "–", ""
		}
		p.raw(`<div class="card `, class, `">`, esc(p.area(g.Area)), `<b class="letter">`, letter, "</b>", esc(score), "</div>")
	}
	p.raw("</div>\n")
}

func (p *page) area(a string) string { return p.t("report.area." + a) }

// exampleText joins all of the finding's examples.
func (p *page) exampleText(f Finding) string {
	return strings.Join(exampleNames(p.lang, f), p.t("report.comma"))
}

func (p *page) gradeTable() {
	p.para(p.t("report.grades.lead"))
	all := append([]Grade{p.Overall}, p.Grades...)
	p.table("grades", len(all), []string{"area", "grade", "score", "deducted", "findings"}, len(all), func(i int) []cell {
		g := all[i]
		var costs []string
		for _, f := range p.Findings {
			if f.Area == g.Area {
				costs = append(costs, findingTitle(p.lang, f)+" −"+text.Integer(f.Points))
			}
		}
		if g.Letter == "" {
			return []cell{key(p.area(g.Area)), key("–"), {text: "–", class: "n"}, count(int64(g.Points)), words(p.t("report.ungraded." + g.Why))}
		}
		return []cell{key(p.area(g.Area)), key(g.Letter), count(int64(g.Score)), count(int64(g.Points)), words(strings.Join(costs, p.t("report.comma")))}
	})
	p.soft(p.t("report.grades.formula"))
}

func (p *page) comparison() {
	c := p.Comparison
	p.para(p.t("report.compare.lead", "from", p.when(c.From), "to", p.when(c.To)))
	if c.DataFrom.IsZero() {
		p.para(p.t("report.compare.none"))
		return
	}
	if c.DataFrom.Sub(c.From) > partial || c.To.Sub(c.DataTo) > partial {
		p.para(p.t("report.compare.partial", "from", p.when(c.DataFrom), "to", p.when(c.DataTo)))
	}
	var rows, devices []Change
	for _, x := range c.Changes {
		if x.Kind == "device" {
			devices = append(devices, x)
		} else {
			rows = append(rows, x)
		}
	}
	p.table("changes", len(rows), []string{"kind", "subject", "before", "after", "change"}, len(rows), func(i int) []cell {
		x := rows[i]
		class := "k"
		if x.How == "better" || x.How == "worse" {
			class += " " + x.How
		}
		return []cell{key(p.t("report.compare.kind." + x.Kind)), words(p.subject(x)), {text: p.amount(x, x.Before), class: "n"}, {text: p.amount(x, x.After), class: "n"}, {text: p.t("report.compare.how." + x.How), class: class}}
	})
	p.h3(p.t("report.compare.devices"))
	if len(devices) == 0 {
		p.para(p.t("report.compare.devices.none"))
		return
	}
	p.table("changes", pageChanges, []string{"change", "address", "hostname", "before", "after"}, len(devices), func(i int) []cell {
		x := devices[i]
		how := p.t("report.compare.how." + x.How)
		if x.How == "gone" {
			how = p.t("report.compare.device.gone")
		}
		return []cell{key(how), key(x.Key), words(x.Name), words(x.Before), words(x.After)}
	})
}

// subject names what a change is about.
func (p *page) subject(x Change) string {
	switch x.Kind {
	case "grade":
		return p.area(x.Key)
	case "figure":
		return p.t("report.figure." + x.Key)
	case "finding":
		n := cmp.Or(x.After, x.Before)
		if x.After == "0" {
			n = x.Before
		}
		return findingTitle(p.lang, Finding{Key: x.Key, Count: number64(n)})
	}
	return p.kind(x.Key)
}

// amount writes one side of a change.
func (p *page) amount(x Change, s string) string {
	switch {
	case s == "":
		return "–"
	case x.Key == "bytes":
		return size(number64(s))
	case x.Kind == "grade":
		return s
	}
	return text.Integer(number64(s))
}

func number64(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // our own digits
	return n
}

func (p *page) proposals() {
	if len(p.Assessment.Proposals) == 0 {
		p.para(p.t("report.none.findings"))
		return
	}
	p.para(p.t("report.proposals.order"))
	titles := map[string]string{}
	for _, f := range p.Findings {
		titles[f.Key] = findingTitle(p.lang, f)
	}
	p.table("proposals", len(p.Assessment.Proposals), []string{"priority", "proposal", "findings", "control", "guideline_step", "effect"}, len(p.Assessment.Proposals), func(i int) []cell {
		x := p.Assessment.Proposals[i]
		var of []string
		for _, k := range x.Findings {
			of = append(of, titles[k])
		}
		return []cell{count(int64(i + 1)), {text: proposalAction(p.lang, x), head: proposalTitle(p.lang, x)}, words(strings.Join(of, p.t("report.comma"))),
			key(x.Control), key(p.t("report.step." + strconv.Itoa(x.Step))), count(int64(x.Effect))}
	})
	p.soft(p.t("report.proposals.guideline"))
}

func (p *page) findings() {
	if len(p.Findings) == 0 {
		p.para(p.t("report.none.findings"))
		return
	}
	p.table("findings", len(p.Findings), []string{"severity", "finding", "examples", "action", "area", "control", "deducted"}, len(p.Findings), func(i int) []cell {
		f := p.Findings[i]
		return []cell{p.sev(f.Severity), words(findingTitle(p.lang, f)), words(p.exampleText(f)), words(findingAction(p.lang, f)), words(p.area(f.Area)), key(f.Control), count(int64(f.Points))}
	})
}

func (p *page) scope() {
	c := &p.Counts
	var names []string
	for _, s := range p.Sensors {
		names = append(names, s.Name)
	}
	ledger := p.t("report.none.ledger")
	if p.HasLedger {
		ledger = p.t("report.scope.ledger.value", "in", text.Integer(c.DevicesInLedger), "out", text.Integer(c.DevicesNotInLedger))
	}
	rows := [][2]string{
		{"period", p.span()}, {"sites", p.listed(p.Sites)}, {"sensors", p.listed(names)},
		{"captures", p.t("report.scope.captures.value", "n", text.Integer(c.Captures), "faulty", text.Integer(c.CapturesFaulty))},
		{"packets", p.t("report.scope.packets.value", "n", text.Integer(c.Packets), "decoded", text.Integer(c.Decoded), "skipped", text.Integer(c.Skipped), "bytes", size(c.Bytes))},
		{"devices", p.t("report.scope.devices.value", "n", text.Integer(c.Devices), "os", text.Integer(c.DevicesOSKnown), "vendors", text.Integer(c.Vendors))},
		{"ledger", ledger},
	}
	p.table("summary", len(rows), []string{"item", "value"}, len(rows), func(i int) []cell {
		return []cell{key(p.t("report.scope." + rows[i][0])), words(rows[i][1])}
	})
	if len(p.Assessment.Coverage) > 0 {
		p.h3(p.t("report.file.coverage"))
		p.table("coverage", pageCaptures, []string{"site", "sensor", "first_seen", "last_seen", "minutes", "gaps", "gap_minutes"}, len(p.Assessment.Coverage), func(i int) []cell {
			x := p.Assessment.Coverage[i]
			return []cell{words(x.Site), words(x.Sensor), p.at(x.First), p.at(x.Last), count(x.Minutes), count(x.Gaps), count(x.GapMinutes)}
		})
	}
	p.h3(p.t("report.limit.title"))
	var lines []string
	for _, l := range p.Limits {
		lines = append(lines, p.limitText(p.lang, l))
	}
	p.list(lines)
	var faulty []Capture
	for _, x := range p.Captures {
		if x.Status != "ok" && x.Status != "known" {
			faulty = append(faulty, x)
		}
	}
	if len(faulty) > 0 {
		p.h3(p.t("report.faulty.title"))
		p.table("captures", pageCaptures, []string{"path", "status", "reason", "packets"}, len(faulty), func(i int) []cell {
			x := faulty[i]
			return []cell{words(x.Path), key(text.Or(p.lang, "report.capture."+x.Status, x.Status)), words(x.Reason), count(x.Packets)}
		})
	}
}

func (p *page) assets() {
	if len(p.Devices) == 0 {
		p.para(p.t("report.none.devices"))
		return
	}
	p.raw(`<div class="grid">`)
	p.bars(p.t("report.assets.vendors"), p.shareBars(p.Vendors, func(v string) string { return cmp.Or(v, p.t("device.vendor.unknown")) }))
	p.bars(p.t("report.assets.roles"), p.shareBars(p.Roles, p.role))
	p.bars(p.t("report.assets.systems"), p.shareBars(p.Systems, func(v string) string { return cmp.Or(v, p.t("device.os.unknown")) }))
	p.raw("</div>\n")
	p.soft(p.t("report.systems.how"))
	for _, key := range []string{"vendors", "systems", "roles"} {
		if p.Picture(key) != nil {
			p.h3(p.t("report.picture." + key))
			p.picture(key)
		}
	}
	p.h3(p.t("report.devices.title"))
	p.soft(p.t("report.devices.lead"))
	columns := []string{"hostname", "ips", "mac", "vendor", "role", "os", "importance", "last_seen"}
	if p.HasLedger {
		columns = append(columns, "in_ledger", "zone")
	}
	p.table("devices", pageDevices, columns, len(p.Devices), func(i int) []cell {
		d := &p.Devices[i]
		ips := strings.Join(d.IPs[:min(2, len(d.IPs))], " ")
		if len(d.IPs) > 2 {
			ips += " …"
		}
		name := cmp.Or(d.Hostname, "–")
		if len(d.IPs) == 0 && d.MAC == "" {
			name = cmp.Or(d.Hostname, p.t("device.internet"))
		}
		row := []cell{words(name), words(cmp.Or(ips, "–")), key(cmp.Or(d.MAC, "–")), words(cmp.Or(d.Vendor, p.t("device.vendor.unknown"))), words(p.role(d.Role)),
			words(cmp.Or(d.OS, p.t("device.os.unknown"))), count(int64(d.Importance)), p.at(d.Last)}
		if p.HasLedger {
			switch {
			case d.Internet():
				row = append(row, key("–"))
			case d.InLedger:
				row = append(row, key(p.t("device.in-ledger.yes")))
			default:
				row = append(row, cell{text: p.t("device.in-ledger.no"), class: "k high"})
			}
			row = append(row, words(d.Zone))
		}
		return row
	})
}

func (p *page) traffic() {
	if len(p.Traffic) == 0 && len(p.Pairs) == 0 {
		p.para(p.t("report.none.traffic"))
		return
	}
	if len(p.Traffic) > 0 {
		p.h3(p.t("report.traffic.chart", "step", p.step()))
		p.trafficChart()
	}
	var talkers []bar
	for _, t := range p.Talkers[:min(pageBars, len(p.Talkers))] {
		if t.Bytes > 0 {
			talkers = append(talkers, bar{strings.TrimSpace(cmp.Or(t.Name+" "+t.Address, "")), t.Bytes, size(t.Bytes)})
		}
	}
	for i := range talkers {
		talkers[i].name = cmp.Or(talkers[i].name, p.t("device.internet"))
	}
	if len(talkers) > 0 {
		p.bars(p.t("report.talkers.chart"), talkers)
	}
	if len(p.Pairs) > 0 {
		p.h3(p.t("report.pairs.title"))
		p.table("pairs", pagePairs, []string{"client", "server", "service", "connections", "packets", "bytes"}, len(p.Pairs), func(i int) []cell {
			x := p.Pairs[i]
			return []cell{words(p.named(x.Site, x.Client)), words(p.named(x.Site, x.Server)), words(p.protocol(x.Service)), count(x.Connections), count(x.Packets), p.size(x.Bytes)}
		})
	}
}

// trafficChart draws the bytes of each bucket as a column, with the most beside and the first and last time below.
func (p *page) trafficChart() {
	const w, h, top, bottom = 1000.0, 220.0, 16.0, 22.0
	most := int64(1)
	for _, b := range p.Traffic {
		most = max(most, b.Bytes)
	}
	step := w / float64(len(p.Traffic))
	p.raw(`<div class="chart"><svg viewBox="0 0 1000 220" font-size="12" fill="#55636f">`)
	fmt.Fprintf(p.w, `<path d="M0 %g.5H1000M0 %g.5H1000" stroke="#cfd8e0"/><g fill="#2f6fa7">`, top, h-bottom)
	for i, b := range p.Traffic {
		y := (h - top - bottom) * float64(b.Bytes) / float64(most)
		fmt.Fprintf(p.w, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s  %s</title></rect>`, float64(i)*step, h-bottom-y, max(step-1, 0.5), y, p.when(b.Start), size(b.Bytes))
	}
	first, last := p.Traffic[0].Start, p.Traffic[len(p.Traffic)-1].Start
	p.raw(`</g><text x="0" y="12">`, size(most), `</text><text x="0" y="215">`, p.when(first), "</text>")
	if len(p.Traffic) > 1 {
		p.raw(`<text x="1000" y="215" text-anchor="end">`, p.when(last), "</text>")
	}
	p.raw("</svg></div>\n")
}

func (p *page) ot() {
	if len(p.Protocols) == 0 {
		p.para(p.t("report.none.ot"))
		return
	}
	p.h3(p.t("report.ot.chart"))
	p.table("ot_protocols", len(p.Protocols), []string{"protocol", "messages", "read", "write", "control", "cyclic", "errors", "sources", "targets"}, len(p.Protocols), func(i int) []cell {
		x := p.Protocols[i]
		return []cell{words(p.protocol(x.Protocol)), count(x.Messages), count(x.ByClass["read"]), count(x.ByClass["write"]), count(x.ByClass["control"]), count(x.ByClass["cyclic"]), count(x.Errors), count(x.Sources), count(x.Targets)}
	})
	p.h3(p.t("report.controls.title"))
	if len(p.Assessment.Controls) == 0 {
		p.para(p.t("report.none.controls"))
	} else {
		p.soft(p.t("report.controls.lead"))
		p.table("controls", pageControls, []string{"src", "src_role", "dst", "dst_role", "protocol", "functions", "writes", "controls", "cyclic"}, len(p.Assessment.Controls), func(i int) []cell {
			c := &p.Assessment.Controls[i]
			row := []cell{words(p.named(c.Site, c.Src)), words(p.roleOr(c.SrcRole)), words(p.named(c.Site, c.Dst)), words(p.roleOr(c.DstRole)), words(p.protocol(c.Protocol)), words(strings.Join(c.Functions, p.t("report.comma"))), count(c.Writes), count(c.Controls), count(c.Cyclic)}
			if c.Controls > 0 {
				row[7].class = "n critical"
			}
			return row
		})
	}
	if len(p.Functions) > 0 {
		p.h3(p.t("report.functions.title"))
		p.soft(p.t("report.functions.lead"))
		p.table("ot_functions", pageFunctions, []string{"protocol", "function", "function_code", "class", "messages"}, len(p.Functions), func(i int) []cell {
			f := p.Functions[i]
			class := key(p.class(f.Class))
			if f.Class == "write" || f.Class == "control" {
				class.class = "k critical"
			}
			return []cell{words(p.protocol(f.Protocol)), words(f.Function), key(cmp.Or(f.FunctionCode, "–")), class, count(f.Messages)}
		})
	}
}

func (p *page) roleOr(role string) string {
	if role == "" {
		return "–"
	}
	return p.role(role)
}

func (p *page) zones() {
	if len(p.Conduits) == 0 {
		p.para(p.t("report.none.conduits"))
		return
	}
	p.para(p.t("report.conduits.lead"))
	p.table("conduits", pageCrossings, []string{"client_zone", "server_zone", "pairs", "services", "service_count", "bytes", "operating"}, len(p.Conduits), func(i int) []cell {
		x := p.Conduits[i]
		operating := count(x.Operating)
		if x.Operating > 0 {
			operating.class = "n high"
		}
		return []cell{words(x.ClientZone), words(x.ServerZone), count(x.Pairs), words(strings.Join(x.Services, p.t("report.comma"))), count(x.ServiceCount), p.size(x.Bytes), operating}
	})
	p.h3(p.t("report.file.zone_crossings"))
	p.table("zone_crossings", pageCrossings, []string{"client_zone", "client", "server_zone", "server", "service", "packets", "bytes"}, len(p.Crossings), func(i int) []cell {
		x := p.Crossings[i]
		return []cell{words(x.ClientZone), words(named(x.Client, x.ClientHostname)), words(x.ServerZone), words(named(x.Server, x.ServerHostname)), words(x.Service), count(x.Packets), p.size(x.Bytes)}
	})
}

// named writes an address with the name that the ledger gives it.
func named(address, name string) string {
	if name == "" {
		return address
	}
	return name + " (" + address + ")"
}

func (p *page) differences() {
	if len(p.Differences) == 0 {
		p.para(p.t("report.none.differences"))
		return
	}
	p.table("ledger_differences", pageCrossings, []string{"kind", "hostname", "ips", "mac", "ledger", "observed", "last_seen"}, len(p.Differences), func(i int) []cell {
		x := p.Differences[i]
		return []cell{key(text.Or(p.lang, "ledger.difference."+x.Kind, x.Kind)), words(x.Hostname), words(strings.Join(x.IPs, " ")), key(x.MAC), words(x.Ledger), words(x.Observed), p.at(x.Last)}
	})
}

func (p *page) alerts() {
	if len(p.Alerts) == 0 {
		if len(p.Detectors) > 0 && p.Counts.Detecting == 0 {
			p.para(p.t("report.none.detecting"))
		} else {
			p.para(p.t("report.none.alerts"))
		}
		return
	}
	var kinds, severities []bar
	for _, k := range p.Kinds {
		kinds = append(kinds, bar{p.kind(k.Kind), k.Total, text.Integer(k.Total)})
	}
	for _, s := range p.AlertsBySeverity {
		severities = append(severities, bar{p.severity(s.Name), s.Count, text.Integer(s.Count)})
	}
	p.raw(`<div class="grid">`)
	p.bars(p.t("report.alerts.kinds"), kinds)
	p.bars(p.t("report.alerts.severities"), severities)
	p.raw("</div>\n")
	if len(p.Important) > 0 {
		p.h3(p.t("report.important.title"))
	}
	for _, al := range p.Important {
		p.raw(`<div class="alert `, severityClass(al.Severity), `"><b class="`, severityClass(al.Severity), `">`, esc(p.severity(al.Severity)+"  "+p.kind(al.Kind)), "</b><dl>")
		for _, x := range [][2]string{
			{"what", al.Summary}, {"who", p.ends(al)}, {"when", p.t("report.alert.times", "first", p.when(al.First), "last", p.when(al.Last), "n", text.Integer(al.Count))},
			{"why", al.Reason}, {"do", al.Action}, {"technique", al.Technique},
		} {
			if x[1] != "" {
				p.raw("<dt>", esc(p.t("report.alert."+x[0])), "</dt><dd>", esc(x[1]), "</dd>")
			}
		}
		p.raw("</dl></div>\n")
	}
	p.h3(p.t("report.alertlist.title"))
	p.soft(p.t("report.alertlist.lead"))
	p.table("alerts", pageAlerts, []string{"severity", "kind", "summary", "ends", "count", "first_seen", "last_seen"}, len(p.Alerts), func(i int) []cell {
		x := p.Alerts[i]
		return []cell{p.sev(x.Severity), words(p.kind(x.Kind)), words(x.Summary), words(p.ends(x)), count(x.Count), p.at(x.First), p.at(x.Last)}
	})
}

// severityClass is a severity as a class of the style sheet; others, which a newer store may have, are low.
func severityClass(s string) string {
	if rank(s) < len(Severities) {
		return s
	}
	return "low"
}

func (p *page) appendix() {
	if len(p.Detectors) > 0 {
		p.h3(p.t("report.detectors.title"))
		p.table("detectors", len(p.Detectors), []string{"kind", "mode", "since", "learned", "alerts"}, len(p.Detectors), func(i int) []cell {
			d := p.Detectors[i]
			return []cell{words(p.kind(d.Kind)), key(text.Or(p.lang, "alert.mode."+d.Mode, d.Mode)), p.at(d.Since), count(d.Learned), count(p.kindTotal(d.Kind))}
		})
	}
	p.h3(p.t("report.terms.title"))
	var lines []string
	for _, k := range []string{"message", "write", "cyclic", "connection", "severity", "importance"} {
		lines = append(lines, p.t("report.term."+k))
	}
	p.list(lines)
	p.soft(p.t("report.notes.title"))
}
