package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"osect/report/pptx"
	"osect/text"
)

// How much of a long list the deck shows; the CSV has all of it.
const (
	deckDevices   = 45
	deckPairs     = 20
	deckFunctions = 40
	deckControls  = 30
	deckAlerts    = 30
	deckChanges   = 60
	deckImportant = 3
	deckCaptures  = 3
	deckBars      = 10
	deckTalkers   = 8
	deckProtocols = 12
)

// defaultSite is the site of those who name none: nobody wants it on a title.
const defaultSite = "default"

// writer writes the deck.
type writer struct {
	*Assessment
	lang text.Lang
	deck *pptx.Deck
}

// WriteDeck writes the assessment as a PowerPoint file. Lists too long for slides are cut, which the slide says, as
// is an area without data. template is a .pptx or .potx whose look the deck takes over, nil for none; an error begins with
// "report: template" when it is refused.
func WriteDeck(w io.Writer, a *Assessment, lang text.Lang, template []byte) (err error) {
	p := &writer{Assessment: a, lang: lang}
	title := p.t("report.title")
	footer := title
	if a.Customer != "" {
		footer += "  |  " + a.Customer
	}
	tag := "ja-JP"
	if lang == text.EN {
		tag = "en-US"
	}
	properties := pptx.Properties{
		Title: title, Subject: a.Customer, Author: a.Program, Lang: tag, Footer: footer, Created: a.To, Program: cmp.Or(a.Program, "osect"),
	}
	p.deck = pptx.New(properties)
	if template != nil {
		if p.deck, err = pptx.Open(properties, template); err != nil {
			return fmt.Errorf("report: template: %w", err)
		}
	}
	p.front(title)
	p.summary()
	p.news()
	p.scope()
	p.gradeSlides()
	p.assets()
	p.trafficSlides()
	p.ot()
	p.boundary()
	p.vulnerable()
	p.alertSlides()
	p.ledgerSlides()
	p.proposals()
	p.comparison()
	p.appendix()
	if err := save(w, p.deck); err != nil {
		return fmt.Errorf("report: deck: %w", err)
	}
	return nil
}

func (p *writer) t(key string, args ...any) string { return text.Get(p.lang, key, args...) }

func (p *writer) role(r string) string { return text.Or(p.lang, "device.role."+r, r) }
func (p *writer) kind(k string) string { return text.Or(p.lang, "alert.kind."+k, k) }
func (p *writer) severity(s string) string {
	return text.Or(p.lang, "alert.severity."+s, s)
}
func (p *writer) protocol(s string) string { return text.Or(p.lang, "ot.protocol."+s, s) }
func (p *writer) class(s string) string    { return text.Or(p.lang, "ot.class."+s, s) }
func (p *writer) column(s string) string   { return columnName(p.lang, s) }

// span writes the report's period.
func (p *writer) span() string {
	if p.From.IsZero() {
		return p.t("report.none.period")
	}
	return p.t("report.period", "from", p.when(p.From), "to", p.when(p.To), "zone", p.zone())
}

func (p *writer) front(title string) {
	subtitle := p.Customer
	if subtitle == "" && !slices.Equal(p.Sites, []string{defaultSite}) {
		subtitle = p.listed(p.Sites)
	}
	s := p.deck.Add(pptx.TitleSlide, title).Notes(p.t("report.notes.title"))
	if subtitle != "" {
		s.Text(1, pptx.P(subtitle))
	}
	s.Text(2, pptx.P(p.span()))
	p.deck.AddContents(p.t("report.contents"))
}

func severityColor(s string) pptx.Color {
	switch s {
	case "critical":
		return pptx.Accent4
	case "high":
		return pptx.Accent3
	case "medium":
		return pptx.Accent5
	}
	return pptx.Accent6
}

func gradeColor(letter string) pptx.Color {
	switch letter {
	case "A", "B":
		return pptx.Accent2
	case "C":
		return pptx.Accent5
	case "D":
		return pptx.Accent3
	case "E":
		return pptx.Accent4
	}
	return pptx.Accent6
}

// summary is what a reader of one page sees: grades at the left, figures and the gravest findings at the right.
func (p *writer) summary() {
	s := p.deck.Add(pptx.TitleOnly, p.t("report.summary.title")).Entry(p.t("report.summary.title"))
	c := &p.Counts
	area := s.Area()
	left, right := area.Left(area.W*31/100, 220000)
	overall, list := left.Top(left.H*34/100, 100000)
	score := p.t("report.ungraded." + p.Overall.Why)
	if p.Overall.Letter != "" {
		score = p.t("report.points", "n", int64(p.Overall.Score))
	}
	s.Box(overall, pptx.BoxStyle{Fill: gradeColor(p.Overall.Letter), Color: pptx.Back1, Size: 14, Inset: 90000, Middle: true},
		pptx.Paragraph{Runs: []pptx.Run{{Text: p.t("report.area.overall"), Bold: true}}, Align: pptx.Center},
		pptx.Paragraph{Runs: []pptx.Run{{Text: cmp.Or(p.Overall.Letter, "–"), Bold: true, Size: 48}}, Align: pptx.Center},
		pptx.Paragraph{Runs: []pptx.Run{{Text: score}}, Align: pptx.Center})
	t := pptx.Table{Size: 12, Columns: []pptx.Column{{Title: p.column("area"), Weight: 5.6}, {Title: p.column("grade"), Weight: 2, Align: pptx.Center}, {Title: p.column("score"), Weight: 2, Align: pptx.Right}}}
	for _, g := range p.Grades {
		score := "–"
		if g.Letter != "" {
			score = text.Integer(g.Score)
		}
		t.Rows = append(t.Rows, []pptx.Cell{{Text: p.t("report.area." + g.Area)}, {Text: cmp.Or(g.Letter, "–"), Bold: true, Color: pptx.Back1, Fill: gradeColor(g.Letter)}, {Text: score}})
	}
	s.Table(list, t)

	cards := []struct {
		value, label string
		bar          pptx.Color
	}{
		{text.Integer(c.Devices), p.t("report.card.devices", "n", text.Integer(c.Devices)), pptx.Accent1},
		{text.Integer(c.Connections), p.t("report.card.connections", "n", text.Integer(c.Connections)), pptx.Accent1},
		{text.Integer(c.OTProtocols), p.t("report.card.protocols", "n", text.Integer(c.OTProtocols)), pptx.Accent2},
		{text.Integer(c.Writes + c.Controls), p.t("report.card.writes", "n", text.Integer(c.Writes+c.Controls)), pptx.Accent2},
		{text.Integer(c.Alerts), p.t("report.card.alerts", "n", text.Integer(c.Alerts)), pptx.Accent3},
		{text.Integer(c.AlertsSevere), p.t("report.card.severe", "n", text.Integer(c.AlertsSevere)), pptx.Accent4},
	}
	top, rest := right.Top(area.H*16/100, 110000)
	for i, box := range top.Columns(len(cards), 80000) {
		const inset, bar = 60000, 60000
		s.Box(box, pptx.BoxStyle{Fill: pptx.Back2, Bar: cards[i].bar, Inset: inset, Middle: true},
			pptx.Paragraph{Runs: []pptx.Run{{Text: cards[i].value, Bold: true, Size: pptx.SizeFor(cards[i].value, box.W-bar-2*inset, 24), Color: pptx.Text2}}},
			pptx.Paragraph{Runs: []pptx.Run{{Text: cards[i].label, Size: 10}}})
	}
	facts, findings := rest.Top(area.H*27/100, 90000)
	s.Box(facts, pptx.BoxStyle{Size: 13}, p.overview()...)
	head, worst := findings.Top(300000, 30000)
	s.Box(head, pptx.BoxStyle{Size: 14, Color: pptx.Accent1}, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t("report.summary.findings"), Bold: true}}})
	if len(p.Findings) == 0 {
		s.Box(worst, pptx.BoxStyle{Size: 13}, pptx.P(p.t("report.none.findings")))
	} else {
		s.Table(worst, p.findingTable(p.Findings[:min(6, len(p.Findings))]))
	}
	s.Notes(p.t("report.notes.summary"))
}

// news is the text on the month's news.
func (p *writer) news() {
	if len(p.News) == 0 {
		return
	}
	title := p.t("report.news.title")
	var ps []pptx.Paragraph
	for _, n := range p.News {
		ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: n}}, After: 8})
	}
	p.deck.TextSlides(title, ps)[0].Entry(title)
}

// gradeSlides say where each deduction comes from.
func (p *writer) gradeSlides() {
	title := p.t("report.deductions.title")
	t := pptx.Table{Size: 10, Columns: []pptx.Column{
		{Title: p.column("area"), Weight: 3}, {Title: p.column("grade"), Weight: 1.2, Align: pptx.Center}, {Title: p.column("finding"), Weight: 7}, {Title: p.column("severity"), Weight: 1.4, Align: pptx.Center},
		{Title: p.column("count"), Weight: 1.3, Align: pptx.Right}, {Title: p.column("of"), Weight: 1.3, Align: pptx.Right}, {Title: p.column("deducted"), Weight: 1.5, Align: pptx.Right},
	}}
	for _, g := range p.Grades {
		area := []pptx.Cell{{Text: p.t("report.area." + g.Area), Bold: true}, {Text: cmp.Or(g.Letter, "–"), Bold: true, Color: pptx.Back1, Fill: gradeColor(g.Letter)}}
		first := len(t.Rows)
		if g.Letter == "" {
			t.Rows = append(t.Rows, append(area, pptx.Cells(p.t("report.ungraded."+g.Why), "", "", "", "")...))
			area = pptx.Cells("", "")
		}
		for _, f := range p.Findings {
			if f.Area != g.Area {
				continue
			}
			of := "–"
			if f.Of > 0 {
				of = text.Integer(f.Of)
			}
			t.Rows = append(t.Rows, append(slices.Clone(area), pptx.Cell{Text: findingTitle(p.lang, f)}, pptx.Cell{Text: p.severity(f.Severity), Bold: true, Color: severityColor(f.Severity)},
				pptx.Cell{Text: text.Integer(f.Count)}, pptx.Cell{Text: of}, pptx.Cell{Text: text.Integer(f.Points)}))
			area = pptx.Cells("", "")
		}
		if len(t.Rows) == first {
			t.Rows = append(t.Rows, append(area, pptx.Cells(p.t("report.deductions.none"), "", "", "", text.Integer(0))...))
		}
	}
	for i, s := range p.deck.TableSlides(title, p.t("report.grades.lead"), t) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.grades.formula"), p.t("report.notes.grades"))
	}
}

// overview says in two or three sentences what was seen.
func (p *writer) overview() []pptx.Paragraph {
	c := &p.Counts
	if p.From.IsZero() && c.Packets == 0 && c.Devices == 0 {
		return []pptx.Paragraph{pptx.P(p.t("report.none.data"))}
	}
	lines := []string{p.t("report.summary.seen", "period", p.span(), "packets", text.Integer(c.Packets), "devices", text.Integer(c.Devices), "connections", text.Integer(c.Connections))}
	if c.OTProtocols > 0 {
		lines = append(lines, p.t("report.summary.ot", "protocols", text.Integer(c.OTProtocols), "messages", text.Integer(c.Messages), "writes", text.Integer(c.Writes), "controls", text.Integer(c.Controls), "relations", text.Integer(c.ControlRelations)))
	} else {
		lines = append(lines, p.t("report.none.ot"))
	}
	switch {
	case c.Alerts > 0:
		lines = append(lines, p.t("report.summary.alerts", "alerts", text.Integer(c.Alerts), "severe", text.Integer(c.AlertsSevere)))
	case len(p.Detectors) > 0 && c.Detecting == 0:
		lines = append(lines, p.t("report.none.detecting"))
	default:
		lines = append(lines, p.t("report.none.alerts"))
	}
	out := make([]pptx.Paragraph, len(lines))
	for i, l := range lines {
		out[i] = pptx.Bullet(l)
	}
	return out
}

func (p *writer) findingTable(fs []Finding) pptx.Table {
	t := pptx.Table{Size: 12, Columns: []pptx.Column{{Title: p.column("severity"), Weight: 1.8, Align: pptx.Center}, {Title: p.column("finding"), Weight: 6.4}, {Title: p.column("examples"), Weight: 4.2}}}
	for _, f := range fs {
		t.Rows = append(t.Rows, []pptx.Cell{
			{Text: p.severity(f.Severity), Bold: true, Color: severityColor(f.Severity)},
			{Text: findingTitle(p.lang, f)},
			{Text: p.exampleList(f, 2)},
		})
	}
	return t
}

// exampleList gives at most n of the finding's examples, a line each.
func (p *writer) exampleList(f Finding, n int) string {
	names := exampleNames(p.lang, f)
	names = names[:min(n, len(names))]
	for i := range names {
		names[i] = pptx.Clip(names[i], 24)
	}
	return strings.Join(names, "\n")
}

func (p *writer) scope() {
	t := pptx.Table{Columns: []pptx.Column{{Title: p.column("item"), Weight: 3}, {Title: p.column("value"), Weight: 8}}, Size: 12}
	c := &p.Counts
	row := func(key, value string) {
		t.Rows = append(t.Rows, []pptx.Cell{{Text: p.t(key), Bold: true}, {Text: value}})
	}
	sensors := make([]string, len(p.Sensors))
	for i, s := range p.Sensors {
		sensors[i] = s.Name
	}
	row("report.scope.period", p.span())
	row("report.scope.sites", p.listed(p.Sites))
	row("report.scope.sensors", p.listed(sensors))
	row("report.scope.captures", p.t("report.scope.captures.value", "n", text.Integer(c.Captures), "faulty", text.Integer(c.CapturesFaulty)))
	row("report.scope.packets", p.t("report.scope.packets.value", "n", text.Integer(c.Packets), "decoded", text.Integer(c.Decoded), "skipped", text.Integer(c.Skipped), "bytes", size(c.Bytes)))
	row("report.scope.devices", p.t("report.scope.devices.value", "n", text.Integer(c.Devices), "os", text.Integer(c.DevicesOSKnown), "vendors", text.Integer(c.Vendors)))
	if p.HasLedger {
		row("report.scope.ledger", p.t("report.scope.ledger.value", "in", text.Integer(c.DevicesInLedger), "out", text.Integer(c.DevicesNotInLedger)))
	} else {
		row("report.scope.ledger", p.t("report.none.ledger"))
	}
	s := p.deck.Add(pptx.TitleOnly, p.t("report.scope.title")).Entry(p.t("report.scope.title"))
	left, right := s.Area().Left(s.Area().W*52/100, 300000)
	s.Table(left, t)
	head, list := right.Top(340000, 30000)
	s.Box(head, pptx.BoxStyle{Size: 14, Color: pptx.Accent1}, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t("report.limit.title"), Bold: true}}})
	var ps []pptx.Paragraph
	for _, l := range p.Limits {
		said := p.limitText(p.lang, l)
		if l.Key == "faulty" {
			said = p.faulty(said)
		}
		ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: said}}, Bullet: true, After: 4})
	}
	s.Box(list, pptx.BoxStyle{Size: 12}, ps...)
	s.Notes(p.t("report.notes.scope"))
}

// faulty adds to what is said of captures that could not be read in whole the names of the first, and where all of them are.
func (p *writer) faulty(said string) string {
	var names []string
	for _, x := range p.Captures {
		if x.Status == "ok" || x.Status == "known" {
			continue
		}
		if len(names) == deckCaptures {
			names = append(names, "…")
			break
		}
		names = append(names, p.t("report.faulty.one", "file", pptx.Clip(x.Path, 40), "status", text.Or(p.lang, "report.capture."+x.Status, x.Status)))
	}
	return p.t("report.faulty.names", "said", said, "names", strings.Join(names, p.t("report.comma")))
}

// listed joins names; "–" when there are none.
func (p *writer) listed(names []string) string {
	const most = 12
	shown := make([]string, 0, most)
	for _, n := range names[:min(most, len(names))] {
		shown = append(shown, pptx.Clip(n, 30))
	}
	s := strings.Join(shown, p.t("report.comma"))
	if len(names) > most {
		s += " …"
	}
	return cmp.Or(s, "–")
}

// list adds the slides of a table of which the deck shows the first rows: as many as came in t and fit onto the given number
// of slides. When that is fewer than total, the lead says so; file has the rest.
func (p *writer) list(title, lead, file string, slides int, t pptx.Table, total int64) []*pptx.Slide {
	if n := p.deck.RowsOn(slides, lead, t); int64(n) < total {
		long := p.cut(file, total-1, total) // as long as the line that will stand there
		t.Rows = t.Rows[:p.deck.RowsOn(slides, long, t)]
		lead = p.cut(file, int64(len(t.Rows)), total)
	}
	return p.deck.TableSlides(title, lead, t)
}

// cut says that a list shows a part, and where the rest is; "" when it shows all.
func (p *writer) cut(file string, shown, total int64) string {
	if shown >= total {
		return ""
	}
	return p.t("report.cut", "shown", text.Integer(shown), "total", text.Integer(total), "file", file+".csv")
}

// empty adds a slide that says that there are no data for an area.
func (p *writer) empty(title, why string) {
	p.deck.Add(pptx.ContentSlide, title).Entry(title).Text(1, pptx.P(why))
}

// barsOf makes a bar chart of the largest shares, the rest gathered in one bar.
func (p *writer) barsOf(title string, shares []Share, name func(string) string) pptx.Chart {
	c := pptx.Chart{Kind: pptx.BarChart, Title: title}
	var values []float64
	rest := int64(0)
	for i, s := range shares {
		if i >= deckBars {
			rest += s.Count
			continue
		}
		c.Categories = append(c.Categories, pptx.Clip(name(s.Name), 16))
		values = append(values, float64(s.Count))
	}
	if rest > 0 {
		c.Categories = append(c.Categories, p.t("report.others"))
		values = append(values, float64(rest))
	}
	c.Series = []pptx.Series{{Name: p.column("devices"), Values: values}}
	return c
}

// drawing brings a picture of the assessment onto the slide.
func (p *writer) drawing(s *pptx.Slide, box pptx.Box, picture *Picture) {
	s.Drawing(box, shapesOf(picture.Drawing), p.t("report.picture."+picture.Key))
}

// shares adds a slide of devices by something: their numbers as a chart beside the matrix of all devices, above which stands what is to be said of them.
func (p *writer) shares(title, key, lead string, shares []Share, name func(string) string, color pptx.Color) *pptx.Slide {
	bars := p.barsOf("", shares, name)
	bars.Colors = []pptx.Color{color}
	picture := p.Picture(key)
	if picture == nil || picture.Drawing == nil {
		s := p.deck.Add(pptx.ContentSlide, title)
		s.Chart(s.Area(), bars)
		if lead != "" {
			s.Notes(lead)
		}
		return s
	}
	s := p.deck.Add(pptx.TwoSlide, title)
	s.Chart(s.Place(1), bars)
	box := s.Place(2)
	if lead != "" {
		var head pptx.Box
		head, box = box.Top(box.H*18/100, 60000)
		s.Box(head, pptx.BoxStyle{Size: 12}, pptx.P(lead))
	}
	p.drawing(s, box, picture)
	return s
}

func (p *writer) assets() {
	title := p.t("report.assets.title")
	if len(p.Devices) == 0 {
		p.empty(title, p.t("report.none.devices"))
		return
	}
	p.shares(p.t("report.assets.vendors"), "vendors", "", p.Vendors, func(v string) string { return cmp.Or(v, p.t("device.vendor.unknown")) }, pptx.Accent1).
		Entry(title).Notes(p.t("report.notes.assets"), p.t("report.notes.matrix"))
	p.shares(p.t("report.assets.roles"), "roles", "", p.Roles, p.role, pptx.Accent2).Notes(p.t("report.notes.assets"), p.t("report.notes.matrix"))
	unknown := p.Counts.Devices - p.Counts.DevicesOSKnown
	p.shares(p.t("report.assets.systems"), "systems", p.t("report.systems.known", "n", text.Integer(p.Counts.DevicesOSKnown), "unknown", text.Integer(unknown))+"\n"+p.t("report.systems.how"),
		p.Systems, func(v string) string { return cmp.Or(v, p.t("device.os.unknown")) }, pptx.Accent6).Notes(p.t("report.notes.systems"), p.t("report.notes.matrix"))

	if picture := p.Picture("map"); picture != nil && picture.Drawing != nil {
		title := p.t("report.picture.map")
		s := p.deck.Add(pptx.TitleOnly, title).Entry(title).Notes(p.t("report.notes.map"))
		box := s.Area()
		if int64(picture.Shown) < p.Counts.Devices {
			var head pptx.Box
			head, box = box.Top(300000, 40000)
			s.Box(head, pptx.BoxStyle{Size: 12}, pptx.P(p.t("report.map.part", "shown", text.Integer(picture.Shown), "total", text.Integer(p.Counts.Devices))))
		}
		p.drawing(s, box, picture)
	}

	t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{
		{Title: p.column("hostname"), Weight: 15}, {Title: p.column("ips"), Weight: 12}, {Title: p.column("mac"), Weight: 15}, {Title: p.column("vendor"), Weight: 13},
		{Title: p.column("role"), Weight: 14}, {Title: p.column("os"), Weight: 10}, {Title: p.column("importance"), Weight: 11, Align: pptx.Center}, {Title: p.column("last_seen"), Weight: 13.5},
	}}
	if p.HasLedger {
		t.Columns = append(t.Columns, pptx.Column{Title: p.column("in_ledger"), Weight: 8, Align: pptx.Center})
	}
	for _, d := range p.Devices[:min(deckDevices, len(p.Devices))] {
		ips := strings.Join(d.IPs[:min(2, len(d.IPs))], "\n")
		if len(d.IPs) > 2 {
			ips += " …"
		}
		row := pptx.Cells(cmp.Or(d.Hostname, "–"), cmp.Or(ips, "–"), cmp.Or(d.MAC, "–"), cmp.Or(d.Vendor, p.t("device.vendor.unknown")), p.role(d.Role), cmp.Or(d.OS, p.t("device.os.unknown")), text.Integer(d.Importance), p.when(d.Last))
		if p.HasLedger {
			if d.InLedger {
				row = append(row, pptx.Cell{Text: p.t("device.in-ledger.yes")})
			} else {
				row = append(row, pptx.Cell{Text: p.t("device.in-ledger.no"), Bold: true, Color: pptx.Accent4})
			}
		}
		t.Rows = append(t.Rows, row)
	}
	for _, s := range p.list(p.t("report.devices.title"), p.t("report.devices.lead"), "devices", 1, t, p.Counts.Devices) {
		s.Notes(p.t("report.notes.devices"))
	}
}

func (p *writer) kindTotal(kind string) int64 {
	for _, k := range p.Kinds {
		if k.Kind == kind {
			return k.Total
		}
	}
	return 0
}

func (p *writer) trafficSlides() {
	title := p.t("report.traffic.title")
	talkers := p.Talkers[:min(deckTalkers, len(p.Talkers))]
	if i := slices.IndexFunc(talkers, func(t Talker) bool { return t.Bytes == 0 }); i >= 0 {
		talkers = talkers[:i]
	}
	if len(p.Traffic) == 0 && len(talkers) == 0 && len(p.Pairs) == 0 {
		p.empty(title, p.t("report.none.traffic"))
		return
	}
	s := p.deck.Add(pptx.TitleOnly, title).Entry(title)
	box := s.Area()
	if len(p.Traffic) > 0 {
		c := pptx.Chart{Kind: pptx.LineChart, Title: p.t("report.traffic.chart", "step", p.step()) + "  " + p.span(), Format: sizeFormat}
		var values []float64
		// As short as can be told apart: long ones are slanted, and take half of the chart. The title says from when to when.
		layout := "01-02 15:04"
		switch whole := p.Traffic[len(p.Traffic)-1].Start.Sub(p.Traffic[0].Start); {
		case whole < 24*time.Hour:
			layout = "15:04"
		case whole > 380*24*time.Hour:
			layout = "2006-01-02"
		case p.TrafficStep >= 24*time.Hour:
			layout = "01-02"
		}
		for _, b := range p.Traffic {
			c.Categories = append(c.Categories, b.Start.In(p.Zone).Format(layout))
			values = append(values, float64(b.Bytes))
		}
		c.Series = []pptx.Series{{Name: p.column("bytes"), Values: values}}
		if len(values) == 1 {
			c.Kind = pptx.ColumnChart
		}
		over := box
		if len(talkers) > 0 || len(p.Pairs) > 0 {
			over, box = box.Top(box.H*40/100, 120000)
		}
		s.Chart(over, c)
		s.Notes(p.t("report.notes.traffic"))
	}
	left, right := box.Left(box.W*42/100, 240000)
	if len(talkers) > 0 {
		c := pptx.Chart{Kind: pptx.BarChart, Title: p.t("report.talkers.chart"), Format: sizeFormat}
		var values []float64
		for _, t := range talkers {
			name := t.Address
			if t.Name != "" {
				name = pptx.Clip(t.Name, 12)
			} else if name == "" { // all of the outside
				name = p.role(t.Role)
			}
			c.Categories = append(c.Categories, name)
			values = append(values, float64(t.Bytes))
		}
		c.Series = []pptx.Series{{Name: p.column("bytes"), Values: values}}
		s.Chart(left, c)
		s.Notes(p.t("report.notes.talkers"))
	}
	if len(p.Pairs) > 0 {
		t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{
			{Title: p.column("client"), Weight: 4}, {Title: p.column("server"), Weight: 4}, {Title: p.column("service"), Weight: 3}, {Title: p.column("bytes"), Weight: 2, Align: pptx.Right},
		}}
		for _, x := range p.Pairs[:min(deckPairs, len(p.Pairs))] {
			t.Rows = append(t.Rows, pptx.Cells(p.named(x.Site, x.Client), p.named(x.Site, x.Server), p.protocol(x.Service), size(x.Bytes)))
		}
		p.part(s, right, p.t("report.pairs.title"), "pairs", t, p.Counts.Pairs)
		s.Notes(p.t("report.notes.pairs"))
	}
}

// part puts the first rows of a table into a part of a slide, with a heading; below it stands how many of the total these are.
func (p *writer) part(s *pptx.Slide, box pptx.Box, head, file string, t pptx.Table, total int64) {
	top, rest := box.Top(300000, 30000)
	s.Box(top, pptx.BoxStyle{Size: 14, Color: pptx.Accent1}, pptx.Paragraph{Runs: []pptx.Run{{Text: head, Bold: true}}})
	foot := pptx.Box{X: rest.X, Y: rest.Y + rest.H - 420000, W: rest.W, H: 420000}
	rest.H -= foot.H + 30000
	if len(t.Rows) == 0 {
		return
	}
	if n := s.Table(rest, t); int64(n) < total {
		s.Box(foot, pptx.BoxStyle{Size: 10}, pptx.P(p.cut(file, int64(n), total)))
	}
}

// boundary is what leaves the site or a zone.
func (p *writer) boundary() {
	title := p.t("report.boundary.title")
	s := p.deck.Add(pptx.TitleOnly, title).Entry(title).Notes(p.t("report.notes.boundary"))
	boxes := s.Area().Columns(2, 300000)
	say := func(box pptx.Box, head, why string) {
		p.part(s, box, head, "", pptx.Table{}, 0)
		_, rest := box.Top(300000, 30000)
		s.Box(rest, pptx.BoxStyle{Size: 13}, pptx.P(why))
	}
	t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{{Title: p.column("client"), Weight: 4}, {Title: p.column("server"), Weight: 4}, {Title: p.column("service"), Weight: 3}, {Title: p.column("bytes"), Weight: 2, Align: pptx.Right}}}
	total := int64(0)
	for _, x := range p.Pairs {
		if internet(x.Client) == internet(x.Server) {
			continue
		}
		if total++; len(t.Rows) < deckPairs {
			t.Rows = append(t.Rows, pptx.Cells(p.named(x.Site, x.Client), p.named(x.Site, x.Server), p.protocol(x.Service), size(x.Bytes)))
		}
	}
	if total == 0 {
		say(boxes[0], p.t("report.internet.title"), p.t("report.none.internet"))
	} else {
		p.part(s, boxes[0], p.t("report.internet.title"), "pairs", t, total)
	}
	switch {
	case !p.HasLedger:
		say(boxes[1], p.t("report.conduits.title"), p.t("report.limit.no-ledger"))
	case len(p.Conduits) == 0:
		say(boxes[1], p.t("report.conduits.title"), p.t("report.none.conduits"))
	default:
		t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{{Title: p.column("client_zone"), Weight: 2.5}, {Title: p.column("server_zone"), Weight: 2.5}, {Title: p.column("pairs"), Weight: 2, Align: pptx.Right}, {Title: p.column("services"), Weight: 4.4}, {Title: p.column("bytes"), Weight: 2, Align: pptx.Right}, {Title: p.column("operating"), Weight: 2.6, Align: pptx.Right}}}
		for _, x := range p.Conduits[:min(deckPairs, len(p.Conduits))] {
			row := pptx.Cells(x.ClientZone, x.ServerZone, text.Integer(x.Pairs), services(x), size(x.Bytes), text.Integer(x.Operating))
			if x.Operating > 0 {
				row[5].Bold, row[5].Color = true, pptx.Accent4
			}
			t.Rows = append(t.Rows, row)
		}
		p.part(s, boxes[1], p.t("report.conduits.title"), "conduits", t, int64(len(p.Conduits)))
	}
}

// services gives the two services of a conduit that move most, a line each.
func services(c Conduit) string {
	var out []string
	for _, s := range c.Services[:min(2, len(c.Services))] {
		out = append(out, pptx.Clip(s, 14))
	}
	if c.ServiceCount > int64(len(out)) {
		out = append(out, "…")
	}
	return strings.Join(out, "\n")
}

// vulnerable lists the devices whose system is out of support.
func (p *writer) vulnerable() {
	title := p.t("report.vulnerable.title")
	t := pptx.Table{Lines: 3, Size: 11, Columns: []pptx.Column{{Title: p.column("severity"), Weight: 1.4, Align: pptx.Center}, {Title: p.column("device"), Weight: 4}, {Title: p.column("role"), Weight: 2.4}, {Title: p.column("os"), Weight: 2.6}, {Title: p.column("summary"), Weight: 6}}}
	for _, x := range p.Alerts {
		if x.Kind != "vulnerable-device" || len(t.Rows) >= deckAlerts {
			continue
		}
		address := cmp.Or(x.SrcIP, x.SrcMAC, x.DstIP, x.DstMAC)
		role, system := "–", "–"
		if d := p.device(x.Site, address); d != nil {
			role, system = p.role(d.Role), cmp.Or(d.OS, p.t("device.os.unknown"))
		}
		t.Rows = append(t.Rows, []pptx.Cell{{Text: p.severity(x.Severity), Bold: true, Color: severityColor(x.Severity)}, {Text: p.named(x.Site, address)}, {Text: role}, {Text: system}, {Text: pptx.Clip(x.Summary, 90)}})
	}
	if len(t.Rows) == 0 {
		why := p.t("report.systems.none")
		if i := slices.IndexFunc(p.Detectors, func(d Detector) bool { return d.Kind == "vulnerable-device" }); i < 0 || p.Detectors[i].Mode != "detecting" {
			why = p.t("report.none.vulnerable")
		}
		p.empty(title, why)
		return
	}
	for i, s := range p.list(title, p.t("report.vulnerable.lead"), "alerts", 1, t, p.kindTotal("vulnerable-device")) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.notes.vulnerable"))
	}
}

// ledgerSlides say where the ledger and the site differ.
func (p *writer) ledgerSlides() {
	title := p.t("report.ledger.title")
	switch {
	case !p.HasLedger:
		p.empty(title, p.t("report.limit.no-ledger"))
		return
	case len(p.Differences) == 0:
		p.empty(title, p.t("report.none.differences"))
		return
	}
	t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{{Title: p.column("kind"), Weight: 3}, {Title: p.column("hostname"), Weight: 3}, {Title: p.column("ips"), Weight: 2.6}, {Title: p.column("mac"), Weight: 2.8}, {Title: p.column("ledger"), Weight: 3}, {Title: p.column("observed"), Weight: 3}, {Title: p.column("last_seen"), Weight: 2.4}}}
	for _, x := range p.Differences[:min(deckDevices, len(p.Differences))] {
		t.Rows = append(t.Rows, pptx.Cells(text.Or(p.lang, "ledger.difference."+x.Kind, x.Kind), cmp.Or(x.Hostname, "–"), cmp.Or(strings.Join(x.IPs[:min(2, len(x.IPs))], " "), "–"), cmp.Or(x.MAC, "–"), cmp.Or(x.Ledger, "–"), cmp.Or(x.Observed, "–"), p.when(x.Last)))
	}
	lead := p.t("report.scope.ledger.value", "in", text.Integer(p.Counts.DevicesInLedger), "out", text.Integer(p.Counts.DevicesNotInLedger))
	for i, s := range p.list(title, lead, "ledger_differences", 1, t, int64(len(p.Differences))) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.notes.ledger"))
	}
}

// comparison sets the period before beside this one.
func (p *writer) comparison() {
	c := p.Comparison
	if c == nil {
		return
	}
	title := p.t("report.compare.title")
	if c.DataFrom.IsZero() {
		p.empty(title, p.t("report.compare.none"))
		return
	}
	s := p.deck.Add(pptx.TitleOnly, title).Entry(title).Notes(p.t("report.notes.compare"))
	head, box := s.Area().Top(340000, 60000)
	lead := p.t("report.compare.lead", "from", p.when(c.From), "to", p.when(c.To))
	if c.DataFrom.Sub(c.From) > partial || c.To.Sub(c.DataTo) > partial {
		lead += "\n" + p.t("report.compare.partial", "from", p.when(c.DataFrom), "to", p.when(c.DataTo))
	}
	s.Box(head, pptx.BoxStyle{Size: 13}, pptx.P(lead))
	boxes := box.Columns(2, 300000)
	columns := func(subject string) pptx.Table {
		return pptx.Table{Lines: 3, Size: 11, Columns: []pptx.Column{{Title: p.column(subject), Weight: 5}, {Title: p.column("before"), Weight: 2.2, Align: pptx.Right}, {Title: p.column("after"), Weight: 2.2, Align: pptx.Right}, {Title: p.column("change"), Weight: 2, Align: pptx.Center}}}
	}
	figures, others, devices := columns("item"), columns("finding"), int64(0)
	number := func(kind, key, s string) string {
		n, err := strconv.ParseInt(s, 10, 64)
		switch {
		case kind == "grade":
			return cmp.Or(s, "–")
		case err != nil:
			return s
		case key == "bytes":
			return size(n)
		}
		return text.Integer(n)
	}
	changed := columns("device")
	for _, x := range c.Changes {
		how := pptx.Cell{Text: p.t("report.compare.how." + x.How)}
		switch {
		case x.How == "worse" || x.How == "more" && x.Kind != "figure":
			how.Bold, how.Color = true, pptx.Accent4
		case x.How == "better" || x.How == "fewer" && x.Kind != "figure":
			how.Bold, how.Color = true, pptx.Accent2
		}
		row := func(name string) []pptx.Cell {
			return append(pptx.Cells(name, number(x.Kind, x.Key, x.Before), number(x.Kind, x.Key, x.After)), how)
		}
		switch x.Kind {
		case "grade":
			figures.Rows = append(figures.Rows, row(p.t("report.compare.grade", "area", p.t("report.area."+x.Key))))
		case "figure":
			figures.Rows = append(figures.Rows, row(p.t("report.figure."+x.Key)))
		case "finding":
			n, _ := strconv.ParseInt(cmp.Or(strings.TrimPrefix(x.After, "0"), x.Before), 10, 64) // Build wrote it
			others.Rows = append(others.Rows, row(findingTitle(p.lang, Finding{Key: x.Key, Count: n})))
		case "device":
			if devices++; len(changed.Rows) < deckChanges {
				name := x.Key
				if x.Name != "" {
					name = x.Name + " (" + x.Key + ")"
				}
				changed.Rows = append(changed.Rows, append(pptx.Cells(name, cmp.Or(x.Before, "–"), cmp.Or(x.After, "–")), how))
			}
		}
	}
	p.part(s, boxes[0], p.t("report.compare.kind.figure"), "changes", figures, int64(len(figures.Rows)))
	p.part(s, boxes[1], p.t("report.compare.kind.finding"), "changes", others, int64(len(others.Rows)))
	if len(others.Rows) == 0 {
		_, rest := boxes[1].Top(300000, 30000)
		s.Box(rest, pptx.BoxStyle{Size: 13}, pptx.P(p.t("report.none.findings")))
	}
	if devices == 0 {
		return
	}
	for i := range changed.Columns {
		changed.Columns[i].Align = ""
	}
	for _, s := range p.list(p.t("report.compare.devices"), "", "changes", 1, changed, devices) {
		s.Notes(p.t("report.notes.compare"))
	}
}

// named writes an address with its device's host name.
func (p *writer) named(site, address string) string {
	if name := p.label(site, address); name != address {
		return name + " (" + address + ")"
	}
	return address
}

// step writes the length of a bucket of traffic.
func (p *writer) step() string {
	switch d := p.TrafficStep; {
	case d >= 24*time.Hour:
		return p.t("report.step.days", "n", int64(d/(24*time.Hour)))
	case d >= time.Hour:
		return p.t("report.step.hours", "n", int64(d/time.Hour))
	default:
		return p.t("report.step.minutes", "n", int64(d/time.Minute))
	}
}

func (p *writer) ot() {
	title := p.t("report.ot.title")
	if len(p.Protocols) == 0 {
		p.empty(title, p.t("report.none.ot"))
		return
	}
	s := p.deck.Add(pptx.TwoSlide, title).Entry(title)
	c := pptx.Chart{Kind: pptx.BarChart, Title: p.t("report.ot.chart")}
	var values []float64
	t := pptx.Table{Size: 10, Columns: []pptx.Column{
		{Title: p.column("protocol"), Weight: 3.2}, {Title: p.column("messages"), Weight: 1.9, Align: pptx.Right}, {Title: p.class("read"), Weight: 1.7, Align: pptx.Right}, {Title: p.class("write"), Weight: 1.7, Align: pptx.Right},
		{Title: p.class("control"), Weight: 1.6, Align: pptx.Right}, {Title: p.class("cyclic"), Weight: 1.8, Align: pptx.Right}, {Title: p.column("errors"), Weight: 1.9, Align: pptx.Right},
	}}
	for _, x := range p.Protocols[:min(deckProtocols, len(p.Protocols))] {
		name := p.protocol(x.Protocol)
		c.Categories = append(c.Categories, pptx.Clip(name, 16))
		values = append(values, float64(x.Messages))
		t.Rows = append(t.Rows, pptx.Cells(name, text.Integer(x.Messages), text.Integer(x.ByClass["read"]), text.Integer(x.ByClass["write"]), text.Integer(x.ByClass["control"]), text.Integer(x.ByClass["cyclic"]), text.Integer(x.Errors)))
	}
	c.Series = []pptx.Series{{Name: p.column("messages"), Values: values}}
	c.Colors = []pptx.Color{pptx.Accent2}
	area := pptx.Box{X: s.Place(1).X, Y: s.Place(1).Y, W: s.Place(2).X + s.Place(2).W - s.Place(1).X, H: s.Place(1).H}
	left, right := area.Left(area.W*36/100, 240000)
	s.Chart(left, c)
	s.Table(right, t)
	s.Notes(p.t("report.notes.ot"))
	if more := p.cut("ot_protocols", int64(len(t.Rows)), int64(len(p.Protocols))); more != "" {
		s.Notes(more)
	}

	if len(p.Functions) > 0 {
		t := pptx.Table{Columns: []pptx.Column{{Title: p.column("protocol"), Weight: 3}, {Title: p.column("function"), Weight: 5}, {Title: p.column("function_code"), Weight: 2}, {Title: p.column("class"), Weight: 2}, {Title: p.column("messages"), Weight: 2, Align: pptx.Right}}}
		for _, f := range p.Functions[:min(deckFunctions, len(p.Functions))] {
			row := pptx.Cells(p.protocol(f.Protocol), f.Function, cmp.Or(f.FunctionCode, "–"), p.class(f.Class), text.Integer(f.Messages))
			if f.Class == "write" || f.Class == "control" {
				row[3].Bold, row[3].Color = true, pptx.Accent4
			}
			t.Rows = append(t.Rows, row)
		}
		for _, s := range p.list(p.t("report.functions.title"), p.t("report.functions.lead"), "ot_functions", 1, t, int64(len(p.Functions))) {
			s.Notes(p.t("report.notes.functions"))
		}
	}
	p.controlSlides()
}

func (p *writer) controlSlides() {
	title := p.t("report.controls.title")
	if len(p.Assessment.Controls) == 0 {
		p.empty(title, p.t("report.none.controls"))
		return
	}
	t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{
		{Title: p.column("src"), Weight: 3.4}, {Title: p.column("src_role"), Weight: 2.2}, {Title: p.column("dst"), Weight: 3.4}, {Title: p.column("protocol"), Weight: 2.4},
		{Title: p.column("functions"), Weight: 4}, {Title: p.column("writes"), Weight: 1.4, Align: pptx.Right}, {Title: p.column("controls"), Weight: 1.5, Align: pptx.Right}, {Title: p.column("cyclic"), Weight: 1.6, Align: pptx.Right},
	}}
	for _, c := range p.Assessment.Controls[:min(deckControls, len(p.Assessment.Controls))] {
		role := "–"
		if c.SrcRole != "" {
			role = p.role(c.SrcRole)
		}
		row := pptx.Cells(p.named(c.Site, c.Src), role, p.named(c.Site, c.Dst), p.protocol(c.Protocol), pptx.Clip(strings.Join(c.Functions, p.t("report.comma")), 60), text.Integer(c.Writes), text.Integer(c.Controls), text.Integer(c.Cyclic))
		if c.Controls > 0 {
			row[6].Bold, row[6].Color = true, pptx.Accent4
		}
		t.Rows = append(t.Rows, row)
	}
	for i, s := range p.list(title, p.t("report.controls.lead"), "controls", 1, t, p.Counts.ControlRelations) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.notes.controls"))
	}
}

func (p *writer) alertSlides() {
	title := p.t("report.alerts.title")
	if len(p.Alerts) == 0 {
		why := p.t("report.none.alerts")
		if len(p.Detectors) > 0 && p.Counts.Detecting == 0 {
			why = p.t("report.none.detecting")
		}
		p.empty(title, why)
		return
	}
	s := p.deck.Add(pptx.TwoSlide, title).Entry(title)
	kinds := pptx.Chart{Kind: pptx.BarChart, Title: p.t("report.alerts.kinds"), Colors: []pptx.Color{pptx.Accent1}}
	var values []float64
	for _, k := range p.Kinds {
		kinds.Categories = append(kinds.Categories, p.kind(k.Kind))
		values = append(values, float64(k.Total))
	}
	kinds.Series = []pptx.Series{{Name: p.column("alerts"), Values: values}}
	s.Chart(s.Place(1), kinds)
	severities := pptx.Chart{Kind: pptx.DoughnutChart, Title: p.t("report.alerts.severities"), Size: 12}
	values = nil
	for _, x := range p.AlertsBySeverity {
		if x.Count > 0 {
			severities.Categories = append(severities.Categories, p.severity(x.Name))
			severities.Colors = append(severities.Colors, severityColor(x.Name))
			values = append(values, float64(x.Count))
		}
	}
	severities.Series = []pptx.Series{{Name: p.column("alerts"), Values: values}}
	if len(values) > 0 {
		s.Chart(s.Place(2), severities)
	}
	s.Notes(p.t("report.notes.alerts"))

	if important := p.Important[:min(deckImportant, len(p.Important))]; len(important) > 0 {
		s := p.deck.Add(pptx.TitleOnly, p.t("report.important.title")).Notes(p.t("report.notes.important"))
		for i, box := range s.Area().Columns(len(important), 200000) {
			p.alert(s, box, important[i])
		}
	}

	t := pptx.Table{Lines: 3, Size: 10, Columns: []pptx.Column{
		{Title: p.column("severity"), Weight: 1.4, Align: pptx.Center}, {Title: p.column("kind"), Weight: 2.3}, {Title: p.column("summary"), Weight: 6.5}, {Title: p.column("ends"), Weight: 4},
		{Title: p.column("count"), Weight: 1.2, Align: pptx.Right}, {Title: p.column("first_seen"), Weight: 2.2},
	}}
	for _, x := range p.Alerts[:min(deckAlerts, len(p.Alerts))] {
		row := pptx.Cells(p.severity(x.Severity), p.kind(x.Kind), pptx.Clip(x.Summary, 90), p.ends(x), text.Integer(x.Count), p.when(x.First))
		row[0].Bold, row[0].Color = true, severityColor(x.Severity)
		t.Rows = append(t.Rows, row)
	}
	for _, s := range p.list(p.t("report.alertlist.title"), p.t("report.alertlist.lead"), "alerts", 1, t, p.Counts.Alerts) {
		s.Notes(p.t("report.notes.alertlist"))
	}
}

// alert explains one alert: what, who, when, why, what to do.
func (p *writer) alert(s *pptx.Slide, box pptx.Box, al Alert) {
	head, rest := box.Top(720000, 0)
	s.Box(head, pptx.BoxStyle{Fill: severityColor(al.Severity), Color: pptx.Back1, Size: 16, Inset: 108000, Middle: true},
		pptx.Paragraph{Runs: []pptx.Run{{Text: p.severity(al.Severity) + "  " + p.kind(al.Kind), Bold: true}}})
	var ps []pptx.Paragraph
	line := func(key, value string) {
		if value != "" {
			ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t(key), Bold: true, Color: pptx.Accent1, Size: 11}}},
				pptx.Paragraph{Runs: []pptx.Run{{Text: value}}, After: 6})
		}
	}
	line("report.alert.what", al.Summary)
	line("report.alert.who", p.ends(al))
	line("report.alert.when", p.t("report.alert.times", "first", p.when(al.First), "last", p.when(al.Last), "n", text.Integer(al.Count)))
	line("report.alert.why", al.Reason)
	line("report.alert.do", al.Action)
	line("report.alert.technique", al.Technique)
	s.Box(rest, pptx.BoxStyle{Fill: pptx.Back2, Size: 13, Inset: 108000}, ps...)
}

func (p *writer) proposals() {
	title := p.t("report.proposals.title")
	if len(p.Findings) == 0 {
		p.empty(title, p.t("report.none.findings"))
		return
	}
	t := pptx.Table{Size: 10, Columns: []pptx.Column{
		{Title: p.column("priority"), Weight: 1.1, Align: pptx.Center}, {Title: p.column("proposal"), Weight: 8.6}, {Title: p.column("findings"), Weight: 6}, {Title: p.column("effect"), Weight: 1.5, Align: pptx.Right}, {Title: p.column("control"), Weight: 1.9},
	}}
	for i, x := range p.Proposals {
		var names []string
		for _, key := range x.Findings {
			for _, f := range p.Findings {
				if f.Key == key {
					names = append(names, p.t("report.proposals.finding", "severity", p.severity(f.Severity), "finding", findingTitle(p.lang, f)))
				}
			}
		}
		t.Rows = append(t.Rows, []pptx.Cell{
			{Text: text.Integer(i + 1)},
			{Head: proposalTitle(p.lang, x), Text: proposalAction(p.lang, x)},
			{Text: strings.Join(names, "\n")},
			{Text: text.Integer(x.Effect)},
			{Text: x.Control + "\n" + p.t(fmt.Sprintf("report.step.%d", x.Step))},
		})
	}
	for i, s := range p.deck.TableSlides(title, p.t("report.proposals.lead"), t) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.proposals.guideline"), p.t("report.notes.proposals"))
	}
}

func (p *writer) appendix() {
	title := p.t("report.appendix.title")
	s := p.deck.Add(pptx.TitleOnly, p.t("report.terms.title")).Entry(title).Notes(p.t("report.notes.detectors"))
	box := s.Area()
	if len(p.Detectors) > 0 {
		var left pptx.Box
		left, box = box.Left(box.W*55/100, 300000)
		t := pptx.Table{Size: 10, Columns: []pptx.Column{{Title: p.column("kind"), Weight: 3.8}, {Title: p.column("mode"), Weight: 3.2}, {Title: p.column("since"), Weight: 3.2}, {Title: p.column("learned"), Weight: 1.8, Align: pptx.Right}, {Title: p.column("alerts"), Weight: 1.5, Align: pptx.Right}}}
		for _, d := range p.Detectors {
			mode := text.Or(p.lang, "alert.mode."+d.Mode, d.Mode)
			if d.Mode == "off" && p.kindTotal(d.Kind) > 0 {
				mode = p.t("report.mode.once") // on captures, which leaves the mode as it is
			}
			t.Rows = append(t.Rows, pptx.Cells(p.kind(d.Kind), mode, p.when(d.Since), text.Integer(d.Learned), text.Integer(p.kindTotal(d.Kind))))
		}
		p.part(s, left, p.t("report.detectors.title"), "detectors", t, int64(len(t.Rows)))
	}
	var ps []pptx.Paragraph
	for _, key := range []string{"report.term.message", "report.term.write", "report.term.cyclic", "report.term.connection", "report.term.severity", "report.term.importance"} {
		ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t(key)}}, Bullet: true, After: 6})
	}
	s.Box(box, pptx.BoxStyle{Size: 13}, ps...)
}
