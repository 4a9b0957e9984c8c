package report

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/xuri/excelize/v2"

	"osect/report/pptx"
	"osect/text"
)

// bookChart is a chart of the workbook with the rows that it is drawn of.
type bookChart struct {
	title, value string // of the chart, of the column of values
	kind         excelize.ChartType
	names        []string
	values       []int64
	format       string // of the values
}

const (
	chartRows = 18 // of a sheet, that a chart and its rows take at least
	chartBars = 14 // most bars of a chart; the others are one more
	plain     = "#,##0"
)

// severityColours are those of Severities.
var severityColours = []string{"B3261E", "D2591C", "D98200", "3C6E8F"}

// charts are what the sheet of charts shows: names in the reader's words, numbers those of the tables.
func (a *Assessment) charts(lang text.Lang) []bookChart {
	t := func(key string) string { return text.Get(lang, key) }
	or := func(family string) func(string) string {
		return func(s string) string { return text.Or(lang, family+s, s) }
	}
	unknown := func(key string) func(string) string {
		return func(s string) string { return cmp.Or(s, t(key)) }
	}
	var out []bookChart
	add := func(c bookChart) {
		if len(c.values) > 0 {
			out = append(out, c)
		}
	}
	shares := func(title, value string, list []Share, name func(string) string) {
		c := bookChart{title: t(title), value: columnName(lang, value), kind: excelize.Bar, format: plain}
		rest := int64(0)
		for i, s := range list {
			if i >= chartBars {
				rest += s.Count
				continue
			}
			c.names, c.values = append(c.names, name(s.Name)), append(c.values, s.Count)
		}
		if rest > 0 {
			c.names, c.values = append(c.names, t("report.others")), append(c.values, rest)
		}
		add(c)
	}
	grades := bookChart{title: t("report.grades.title"), value: columnName(lang, "score"), kind: excelize.Bar, format: plain}
	for _, g := range append([]Grade{a.Overall}, a.Grades...) {
		if g.Letter != "" {
			grades.names, grades.values = append(grades.names, t("report.area."+g.Area)+" "+g.Letter), append(grades.values, int64(g.Score))
		}
	}
	add(grades)
	shares("report.assets.vendors", "devices", a.Vendors, unknown("device.vendor.unknown"))
	shares("report.assets.roles", "devices", a.Roles, or("device.role."))
	shares("report.assets.systems", "devices", a.Systems, unknown("device.os.unknown"))
	talkers := bookChart{title: t("report.talkers.chart"), value: columnName(lang, "bytes"), kind: excelize.Bar, format: sizeFormat}
	for _, x := range a.Talkers[:min(chartBars, len(a.Talkers))] {
		if x.Bytes > 0 {
			name := cmp.Or(x.Address, t("device.internet"))
			if x.Name != "" {
				name = pptx.Clip(x.Name, 16) + " " + x.Address
			}
			talkers.names, talkers.values = append(talkers.names, name), append(talkers.values, x.Bytes)
		}
	}
	add(talkers)
	protocols := bookChart{title: t("report.ot.chart"), value: columnName(lang, "messages"), kind: excelize.Bar, format: plain}
	for _, x := range a.Protocols[:min(chartBars, len(a.Protocols))] {
		protocols.names, protocols.values = append(protocols.names, or("ot.protocol.")(x.Protocol)), append(protocols.values, x.Messages)
	}
	add(protocols)
	if len(a.Alerts) > 0 {
		kinds := bookChart{title: t("report.alerts.kinds"), value: columnName(lang, "alerts"), kind: excelize.Bar, format: plain}
		for _, k := range a.Kinds {
			kinds.names, kinds.values = append(kinds.names, or("alert.kind.")(k.Kind)), append(kinds.values, k.Total)
		}
		add(kinds)
		severities := bookChart{title: t("report.alerts.severities"), value: columnName(lang, "alerts"), kind: excelize.Doughnut, format: plain}
		for _, s := range a.AlertsBySeverity {
			severities.names, severities.values = append(severities.names, or("alert.severity.")(s.Name)), append(severities.values, s.Count)
		}
		add(severities)
	}
	traffic := bookChart{title: t("report.file.traffic"), value: columnName(lang, "bytes"), kind: excelize.Col, format: sizeFormat}
	for _, b := range a.Traffic {
		traffic.names, traffic.values = append(traffic.names, a.when(b.Start)), append(traffic.values, b.Bytes)
	}
	add(traffic)
	return out
}

// writeCharts writes the sheet of charts: the rows of each in columns A and B, the chart beside them.
func writeCharts(book *excelize.File, sheet string, charts []bookChart, head int) error {
	if _, err := book.NewSheet(sheet); err != nil {
		return err
	}
	if err := fitToWidth(book, sheet); err != nil {
		return err
	}
	styles := map[string]int{}
	for _, f := range []string{plain, sizeFormat} {
		id, err := book.NewStyle(&excelize.Style{CustomNumFmt: &f})
		if err != nil {
			return err
		}
		styles[f] = id
	}
	for column, width := range map[string]float64{"A": 34, "B": 16} {
		if err := book.SetColWidth(sheet, column, column, width); err != nil {
			return err
		}
	}
	row := 1
	for i := range charts {
		c := &charts[i]
		if err := writeChart(book, sheet, row, c, head, styles[c.format]); err != nil {
			return fmt.Errorf("chart %q: %w", c.title, err)
		}
		row += max(chartRows, len(c.values)+3)
	}
	return nil
}

func writeChart(book *excelize.File, sheet string, row int, c *bookChart, head, number int) error {
	set := func(column string, row int, value any, style int) error {
		at := column + strconv.Itoa(row)
		if err := book.SetCellValue(sheet, at, value); err != nil {
			return err
		}
		return book.SetCellStyle(sheet, at, at, style)
	}
	if err := set("A", row, c.title, head); err != nil {
		return err
	}
	if err := set("B", row, c.value, head); err != nil {
		return err
	}
	for i, v := range c.values {
		if err := set("A", row+1+i, pptx.Clean(c.names[i]), 0); err != nil {
			return err
		}
		if err := set("B", row+1+i, v, number); err != nil {
			return err
		}
	}
	refer := func(column string) string {
		return fmt.Sprintf("'%s'!$%s$%d:$%s$%d", sheet, column, row+1, column, row+len(c.values))
	}
	no, gap, zero, font := false, uint(40), 0.0, excelize.Font{Size: 9, Color: "44525F"}
	chart := &excelize.Chart{
		Type:      c.kind,
		Series:    []excelize.ChartSeries{{Name: fmt.Sprintf("'%s'!$B$%d", sheet, row), Categories: refer("A"), Values: refer("B"), Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"2F6FA7"}}}},
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: c.title, Font: &excelize.Font{Size: 12, Bold: true}}}},
		Legend:    excelize.ChartLegend{Position: "none"},
		Dimension: excelize.ChartDimension{Width: 720, Height: 340},
		XAxis:     excelize.ChartAxis{ReverseOrder: c.kind == excelize.Bar, Font: font}, // the first bar at the top
		YAxis:     excelize.ChartAxis{NumFmt: excelize.ChartNumFmt{CustomNumFmt: c.format}, Font: font, MajorGridLines: true, Minimum: &zero},
		PlotArea:  excelize.ChartPlotArea{ShowVal: c.kind != excelize.Col, NumFmt: excelize.ChartNumFmt{CustomNumFmt: c.format}},
		// Without it each bar gets a colour of its own.
		VaryColors: &no,
		GapWidth:   &gap,
	}
	if c.kind == excelize.Doughnut {
		yes := true
		chart.VaryColors, chart.Legend.Position, chart.HoleSize, chart.GapWidth, chart.Series[0].Fill = &yes, "right", 55, nil, excelize.Fill{}
		for i, colour := range severityColours {
			chart.Series[0].DataPoint = append(chart.Series[0].DataPoint, excelize.ChartDataPoint{Index: i, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}})
		}
	}
	if c.kind == excelize.Col {
		chart.XAxis.TickLabelSkip = max(1, len(c.values)/8)
	}
	return book.AddChart(sheet, "D"+strconv.Itoa(row), chart)
}
