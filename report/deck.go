package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
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
	deckCaptures  = 20
	deckBars      = 10
	deckProtocols = 12
)

// writer writes the deck.
type writer struct {
	*Assessment
	lang text.Lang
	deck *pptx.Deck
}

// WriteDeck writes the assessment as a PowerPoint file. Lists too long for slides are cut, which the slide says, as
// is an area without data.
func WriteDeck(w io.Writer, a *Assessment, lang text.Lang) error {
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
	p.deck = pptx.New(pptx.Properties{
		Title: title, Subject: a.Customer, Author: a.Program, Lang: tag, Footer: footer, Created: a.To, Program: cmp.Or(a.Program, "osect"),
	})
	p.front(title)
	p.summary()
	p.scope()
	p.assets()
	p.trafficSlides()
	p.ot()
	p.alertSlides()
	p.proposals()
	p.appendix()
	if _, err := p.deck.WriteTo(w); err != nil {
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
	subtitle := cmp.Or(p.Customer, strings.Join(p.Sites, p.t("report.comma")))
	s := p.deck.Add(pptx.TitleSlide, title).Text(2, pptx.P(p.span())).Notes(p.t("report.notes.title"))
	if subtitle != "" {
		s.Text(1, pptx.P(subtitle))
	}
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

func (p *writer) summary() {
	s := p.deck.Add(pptx.TitleOnly, p.t("report.summary.title")).Entry(p.t("report.summary.title"))
	c := &p.Counts
	top, rest := s.Area().Top(1260000, 200000)
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
	for i, box := range top.Columns(len(cards), 120000) {
		const inset, bar = 90000, 60000
		s.Box(box, pptx.BoxStyle{Fill: pptx.Back2, Bar: cards[i].bar, Inset: inset, Middle: true},
			pptx.Paragraph{Runs: []pptx.Run{{Text: cards[i].value, Bold: true, Size: pptx.SizeFor(cards[i].value, box.W-bar-2*inset, 28), Color: pptx.Text2}}},
			pptx.Paragraph{Runs: []pptx.Run{{Text: cards[i].label, Size: 11}}})
	}
	facts, findings := rest.Top(1080000, 120000)
	s.Box(facts, pptx.BoxStyle{Size: 14}, p.overview()...)
	head, list := findings.Top(340000, 40000)
	s.Box(head, pptx.BoxStyle{Size: 16, Color: pptx.Accent1}, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t("report.summary.findings"), Bold: true}}})
	if len(p.Findings) == 0 {
		s.Box(list, pptx.BoxStyle{Size: 14}, pptx.P(p.t("report.none.findings")))
	} else {
		s.Table(list, p.findingTable(p.Findings[:min(6, len(p.Findings))]))
	}
	s.Notes(p.t("report.notes.summary"))
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
	t := pptx.Table{Size: 12, Columns: []pptx.Column{{Title: p.column("severity"), Weight: 1.4, Align: pptx.Center}, {Title: p.column("finding"), Weight: 7}, {Title: p.column("examples"), Weight: 4}}}
	for _, f := range fs {
		t.Rows = append(t.Rows, []pptx.Cell{
			{Text: p.severity(f.Severity), Bold: true, Color: severityColor(f.Severity)},
			{Text: findingTitle(p.lang, f)},
			{Text: p.exampleList(f, 2)},
		})
	}
	return t
}

// exampleList joins at most n of the finding's examples.
func (p *writer) exampleList(f Finding, n int) string {
	names := exampleNames(p.lang, f)
	names = names[:min(n, len(names))]
	for i := range names {
		names[i] = pptx.Clip(names[i], 24)
	}
	return strings.Join(names, p.t("report.comma"))
}

func (p *writer) scope() {
	t := pptx.Table{Columns: []pptx.Column{{Title: p.column("item"), Weight: 3}, {Title: p.column("value"), Weight: 9}}, Size: 13}
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
	for i, s := range p.deck.TableSlides(p.t("report.scope.title"), "", t) {
		if i == 0 {
			s.Entry(p.t("report.scope.title"))
		}
		s.Notes(p.t("report.notes.scope"))
	}
	limits := []string{"report.limit.passive", "report.limit.position", "report.limit.encrypted", "report.limit.silent"}
	ps := []pptx.Paragraph{}
	for _, key := range limits {
		ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t(key)}}, Bullet: true, After: 6})
	}
	if len(p.Skipped) > 0 {
		parts := make([]string, 0, 8)
		for _, s := range p.Skipped[:min(8, len(p.Skipped))] {
			parts = append(parts, p.t("report.limit.reason", "reason", text.Or(p.lang, "report.skipped."+s.Name, s.Name), "n", text.Integer(s.Count)))
		}
		ps = append(ps, pptx.Bullet(p.t("report.limit.skipped", "n", text.Integer(c.Skipped), "reasons", strings.Join(parts, p.t("report.comma")))))
	}
	p.deck.TextSlides(p.t("report.limit.title"), ps)
	if c.CapturesFaulty > 0 {
		t := pptx.Table{Columns: []pptx.Column{{Title: p.column("path"), Weight: 6}, {Title: p.column("status"), Weight: 2}, {Title: p.column("reason"), Weight: 5}, {Title: p.column("packets"), Weight: 2, Align: pptx.Right}}}
		for _, x := range p.Captures {
			if x.Status != "ok" && x.Status != "known" && len(t.Rows) < deckCaptures {
				t.Rows = append(t.Rows, pptx.Cells(x.Path, text.Or(p.lang, "report.capture."+x.Status, x.Status), x.Reason, text.Integer(x.Packets)))
			}
		}
		p.list(p.t("report.faulty.title"), "", "captures", 1, t, c.CapturesFaulty)
	}
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

func (p *writer) assets() {
	title := p.t("report.assets.title")
	if len(p.Devices) == 0 {
		p.empty(title, p.t("report.none.devices"))
		return
	}
	s := p.deck.Add(pptx.TwoSlide, title).Entry(title)
	s.Chart(s.Place(1), p.barsOf(p.t("report.assets.vendors"), p.Vendors, func(v string) string { return cmp.Or(v, p.t("device.vendor.unknown")) }))
	roles := p.barsOf(p.t("report.assets.roles"), p.Roles, p.role)
	roles.Colors = []pptx.Color{pptx.Accent2}
	s.Chart(s.Place(2), roles)
	s.Notes(p.t("report.notes.assets"))

	systems := p.deck.Add(pptx.TwoSlide, p.t("report.systems.title"))
	left, right := systems.Place(1), systems.Place(2)
	bars := p.barsOf(p.t("report.assets.systems"), p.Systems, func(v string) string { return cmp.Or(v, p.t("device.os.unknown")) })
	bars.Colors = []pptx.Color{pptx.Accent6}
	systems.Chart(left, bars)
	unknown := p.Counts.Devices - p.Counts.DevicesOSKnown
	lines := []pptx.Paragraph{
		{Runs: []pptx.Run{{Text: p.t("report.systems.known", "n", text.Integer(p.Counts.DevicesOSKnown), "unknown", text.Integer(unknown))}}, Bullet: true, After: 8},
		{Runs: []pptx.Run{{Text: p.t("report.systems.how")}}, Bullet: true, After: 8},
	}
	if n := p.kindTotal("vulnerable-device"); n > 0 {
		lines = append(lines, pptx.Bullet(p.t("report.systems.unsupported", "n", text.Integer(n))))
	} else {
		lines = append(lines, pptx.Bullet(p.t("report.systems.none")))
	}
	systems.Box(right, pptx.BoxStyle{Size: 16}, lines...)
	systems.Notes(p.t("report.notes.systems"))

	t := pptx.Table{Size: 10, Columns: []pptx.Column{
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
	for _, s := range p.list(p.t("report.devices.title"), p.t("report.devices.lead"), "devices", 3, t, p.Counts.Devices) {
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
	talkers := p.Talkers[:min(deckBars, len(p.Talkers))]
	if i := slices.IndexFunc(talkers, func(t Talker) bool { return t.Bytes == 0 }); i >= 0 {
		talkers = talkers[:i]
	}
	if len(p.Traffic) == 0 && len(talkers) == 0 && len(p.Pairs) == 0 {
		p.empty(title, p.t("report.none.traffic"))
		return
	}
	if len(p.Traffic) > 0 {
		s := p.deck.Add(pptx.TitleOnly, title).Entry(title)
		title = ""
		c := pptx.Chart{Kind: pptx.LineChart, Title: p.t("report.traffic.chart", "step", p.step()), Format: sizeFormat}
		var values []float64
		layout := "01-02 15:04"
		if p.TrafficStep >= 24*time.Hour {
			layout = "2006-01-02"
		}
		for _, b := range p.Traffic {
			c.Categories = append(c.Categories, b.Start.In(p.Zone).Format(layout))
			values = append(values, float64(b.Bytes))
		}
		c.Series = []pptx.Series{{Name: p.column("bytes"), Values: values}}
		if len(values) == 1 {
			c.Kind = pptx.ColumnChart
		}
		s.Chart(s.Area(), c)
		s.Notes(p.t("report.notes.traffic"))
	}
	if len(talkers) > 0 {
		s := p.deck.Add(pptx.TitleOnly, p.t("report.talkers.title"))
		if title != "" {
			s.Entry(title)
			title = ""
		}
		c := pptx.Chart{Kind: pptx.BarChart, Title: p.t("report.talkers.chart"), Format: sizeFormat}
		var values []float64
		for _, t := range talkers {
			name := t.Address
			if t.Name != "" {
				name = pptx.Clip(t.Name, 16) + " " + t.Address
			}
			c.Categories = append(c.Categories, name)
			values = append(values, float64(t.Bytes))
		}
		c.Series = []pptx.Series{{Name: p.column("bytes"), Values: values}}
		s.Chart(s.Area(), c)
		s.Notes(p.t("report.notes.talkers"))
	}
	if len(p.Pairs) > 0 {
		t := pptx.Table{Columns: []pptx.Column{
			{Title: p.column("client"), Weight: 4}, {Title: p.column("server"), Weight: 4}, {Title: p.column("service"), Weight: 2.4},
			{Title: p.column("connections"), Weight: 2, Align: pptx.Right}, {Title: p.column("packets"), Weight: 1.8, Align: pptx.Right}, {Title: p.column("bytes"), Weight: 1.8, Align: pptx.Right},
		}}
		for _, x := range p.Pairs[:min(deckPairs, len(p.Pairs))] {
			t.Rows = append(t.Rows, pptx.Cells(p.named(x.Site, x.Client), p.named(x.Site, x.Server), x.Service, text.Integer(x.Connections), text.Integer(x.Packets), size(x.Bytes)))
		}
		slides := p.list(p.t("report.pairs.title"), "", "pairs", 1, t, p.Counts.Pairs)
		if title != "" {
			slides[0].Entry(title)
		}
		for _, s := range slides {
			s.Notes(p.t("report.notes.pairs"))
		}
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
		{Title: p.class("control"), Weight: 1.6, Align: pptx.Right}, {Title: p.class("cyclic"), Weight: 1.8, Align: pptx.Right}, {Title: p.column("errors"), Weight: 1.7, Align: pptx.Right},
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
		for _, s := range p.list(p.t("report.functions.title"), p.t("report.functions.lead"), "ot_functions", 2, t, int64(len(p.Functions))) {
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
	t := pptx.Table{Size: 10, Columns: []pptx.Column{
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
	for i, s := range p.list(title, p.t("report.controls.lead"), "controls", 2, t, p.Counts.ControlRelations) {
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

	for i := 0; i < len(p.Important); i += 2 {
		pair := p.Important[i:min(i+2, len(p.Important))]
		page := p.t("report.important.title")
		if pages := (len(p.Important) + 1) / 2; pages > 1 {
			page = fmt.Sprintf("%s (%d/%d)", page, i/2+1, pages)
		}
		s := p.deck.Add(pptx.TitleOnly, page).Notes(p.t("report.notes.important"))
		for j, box := range s.Area().Columns(2, 300000)[:len(pair)] {
			p.alert(s, box, pair[j])
		}
	}

	t := pptx.Table{Size: 10, Columns: []pptx.Column{
		{Title: p.column("severity"), Weight: 1.4, Align: pptx.Center}, {Title: p.column("kind"), Weight: 2.3}, {Title: p.column("summary"), Weight: 6.5}, {Title: p.column("ends"), Weight: 4},
		{Title: p.column("count"), Weight: 1.2, Align: pptx.Right}, {Title: p.column("first_seen"), Weight: 2.2},
	}}
	for _, x := range p.Alerts[:min(deckAlerts, len(p.Alerts))] {
		row := pptx.Cells(p.severity(x.Severity), p.kind(x.Kind), pptx.Clip(x.Summary, 90), p.ends(x), text.Integer(x.Count), p.when(x.First))
		row[0].Bold, row[0].Color = true, severityColor(x.Severity)
		t.Rows = append(t.Rows, row)
	}
	for _, s := range p.list(p.t("report.alertlist.title"), p.t("report.alertlist.lead"), "alerts", 2, t, p.Counts.Alerts) {
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
	t := pptx.Table{Size: 11, Columns: []pptx.Column{
		{Title: p.column("priority"), Weight: 1.3, Align: pptx.Center}, {Title: p.column("severity"), Weight: 1.4, Align: pptx.Center}, {Title: p.column("finding"), Weight: 4.4}, {Title: p.column("proposal"), Weight: 6.2}, {Title: p.column("control"), Weight: 1.5},
	}}
	for i, f := range p.Findings {
		t.Rows = append(t.Rows, []pptx.Cell{
			{Text: text.Integer(i + 1)},
			{Text: p.severity(f.Severity), Bold: true, Color: severityColor(f.Severity)},
			{Text: findingTitle(p.lang, f) + "\n" + p.exampleList(f, examples)},
			{Text: findingAction(p.lang, f)},
			{Text: f.Control},
		})
	}
	for i, s := range p.deck.TableSlides(title, p.t("report.proposals.lead"), t) {
		if i == 0 {
			s.Entry(title)
		}
		s.Notes(p.t("report.notes.proposals"))
	}
}

func (p *writer) appendix() {
	title := p.t("report.appendix.title")
	if len(p.Detectors) > 0 {
		t := pptx.Table{Size: 13, Columns: []pptx.Column{{Title: p.column("kind"), Weight: 4}, {Title: p.column("mode"), Weight: 2}, {Title: p.column("since"), Weight: 3}, {Title: p.column("learned"), Weight: 2, Align: pptx.Right}, {Title: p.column("alerts"), Weight: 2, Align: pptx.Right}}}
		for _, d := range p.Detectors {
			t.Rows = append(t.Rows, pptx.Cells(p.kind(d.Kind), text.Or(p.lang, "alert.mode."+d.Mode, d.Mode), p.when(d.Since), text.Integer(d.Learned), text.Integer(p.kindTotal(d.Kind))))
		}
		for _, s := range p.deck.TableSlides(p.t("report.detectors.title"), p.t("report.detectors.lead"), t) {
			s.Entry(title)
			title = ""
		}
	}
	t := pptx.Table{Size: 9.5, Columns: []pptx.Column{{Title: p.column("file"), Weight: 3}, {Title: p.column("holds"), Weight: 9}}}
	for _, x := range p.tables(p.lang) {
		t.Rows = append(t.Rows, pptx.Cells(x.name+".csv", p.t("report.file."+x.name)))
	}
	for i, s := range p.deck.TableSlides(p.t("report.files.title"), "", t) {
		if i == 0 && title != "" {
			s.Entry(title)
		}
	}
	var ps []pptx.Paragraph
	for _, key := range []string{"report.term.message", "report.term.write", "report.term.cyclic", "report.term.connection", "report.term.severity", "report.term.importance"} {
		ps = append(ps, pptx.Paragraph{Runs: []pptx.Run{{Text: p.t(key)}}, Bullet: true, After: 6})
	}
	p.deck.TextSlides(p.t("report.terms.title"), ps)
}
