package pptx

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// ChartKind is the form of a chart.
type ChartKind int

// Forms of charts.
const (
	BarChart      ChartKind = iota // horizontal bars, the first category at the top
	ColumnChart                    // upright bars
	LineChart                      // one line a series
	DoughnutChart                  // shares of the first series
)

// Chart is a native chart. Its data lie in a workbook inside the file, so that the reader can edit them.
type Chart struct {
	Kind       ChartKind
	Title      string // "" for none
	Categories []string
	Series     []Series
	Format     string  // number format of values, in the spreadsheet's language; "#,##0" when ""
	Colors     []Color // of categories (one series) or of series; the theme's accents in turn when nil
	NoLabels   bool    // no values beside bars and points
	Size       float64 // points of the chart's text; 11 when 0
}

// Series is a row of values, one a category.
type Series struct {
	Name   string
	Values []float64
}

type chartFrame struct {
	box   Box
	chart Chart
}

const sheet = "Data"

func (f *chartFrame) xml(w *slideWriter) {
	c := f.chart
	if c.Format == "" {
		c.Format = "#,##0"
	}
	if c.Size == 0 {
		c.Size = 11
	}
	book, err := workbook(c)
	if err != nil {
		w.err = fmt.Errorf("chart %q: %w", c.Title, err)
		return
	}
	part := w.deck.fresh("ppt/charts/chart", 1, ".xml")
	bookPart := w.deck.fresh("ppt/embeddings/Microsoft_Excel_Sheet", 1, ".xlsx")
	w.deck.put(bookPart, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", string(book))
	w.deck.put(part, typeDML+"chart+xml", chartXML(c, w.deck.prop.Lang, w.deck.base))
	w.deck.parts[relsOf(part)] = relations(part, []relation{{"rId1", "package", bookPart}})
	id := w.id()
	fmt.Fprintf(&w.xml, `<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="%d" name="Chart %d" descr="%s"/><p:cNvGraphicFramePr><a:graphicFrameLocks noGrp="1"/></p:cNvGraphicFramePr>%s</p:nvGraphicFramePr>%s<a:graphic><a:graphicData uri="%s"><c:chart xmlns:c="%s" r:id="%s"/></a:graphicData></a:graphic></p:graphicFrame>`,
		id, id, esc(c.Title), w.fills(f.box, "chart"), xfrm("p", f.box), nsC, nsC, w.relate("chart", part))
}

// workbook makes the chart's data sheet: categories in column A, a series a column. Categories and names are
// written as text cells, never as formulas, whatever they begin with.
func workbook(c Chart) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return nil, err
	}
	style, err := f.NewStyle(&excelize.Style{CustomNumFmt: &c.Format})
	if err != nil {
		return nil, err
	}
	set := func(col, row int, v any) {
		cell, e := excelize.CoordinatesToCellName(col, row)
		if e == nil {
			if s, ok := v.(string); ok {
				e = f.SetCellStr(sheet, cell, Clean(s))
			} else {
				e = f.SetCellValue(sheet, cell, v)
			}
		}
		if e == nil && col > 1 && row > 1 {
			e = f.SetCellStyle(sheet, cell, cell, style)
		}
		if err == nil {
			err = e
		}
	}
	for i, name := range c.Categories {
		set(1, i+2, name)
	}
	for j, s := range c.Series {
		set(j+2, 1, s.Name)
		if len(s.Values) != len(c.Categories) {
			return nil, fmt.Errorf("series %q has %d values for %d categories", s.Name, len(s.Values), len(c.Categories))
		}
		for i, v := range s.Values {
			switch {
			case math.IsNaN(v) || math.IsInf(v, 0):
				return nil, fmt.Errorf("series %q: value %d is not a number", s.Name, i+1)
			case v == math.Trunc(v) && math.Abs(v) < 1<<53:
				set(j+2, i+2, int64(v))
			default:
				set(j+2, i+2, v)
			}
		}
	}
	if err == nil {
		err = f.SetColWidth(sheet, "A", "A", 36)
	}
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		return nil, err
	}
	return repack(b.Bytes())
}

// chartXML writes the chart part. Its text takes the scheme's tx1, which the master's colour map turns light on dark grounds.
func chartXML(c Chart, lang string, base *base) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<c:chartSpace xmlns:c="` + nsC + `" xmlns:a="` + nsA + `" xmlns:r="` + nsR + `"><c:date1904 val="0"/><c:roundedCorners val="0"/><c:chart>`)
	if c.Title != "" {
		fmt.Fprintf(&b, `<c:title><c:tx><c:rich><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="1400" b="1"/></a:pPr><a:r><a:rPr lang="%s" sz="1400" b="1">%s</a:rPr><a:t>%s</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title>`, lang, fill(base.readable(Text2, Back1)), esc(c.Title))
	}
	fmt.Fprintf(&b, `<c:autoTitleDeleted val="%d"/><c:plotArea><c:layout/>`, map[bool]int{true: 0, false: 1}[c.Title != ""])
	accents := []Color{Accent1, Accent2, Accent3, Accent4, Accent5, Accent6}
	color := func(i int) Color {
		if len(c.Colors) > 0 {
			return c.Colors[i%len(c.Colors)]
		}
		return accents[i%len(accents)]
	}
	labels := func(position string) string {
		if c.NoLabels {
			return `<c:dLbls><c:showLegendKey val="0"/><c:showVal val="0"/><c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>`
		}
		look := func(ink Color) string {
			return fmt.Sprintf(`<c:spPr><a:noFill/><a:ln><a:noFill/></a:ln></c:spPr><c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="%d">%s</a:defRPr></a:pPr><a:endParaRPr lang="%s"/></a:p></c:txPr>`, int(c.Size*100), fill(ink), lang)
		}
		const shows = `<c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/><c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/>`
		format := fmt.Sprintf(`<c:numFmt formatCode="%s" sourceLinked="0"/>`, esc(c.Format))
		out, own := `<c:dLbls>`, Text1
		if c.Kind == DoughnutChart { // labels lie on the parts
			own = Back1
			for i := range c.Categories {
				if r := base.readable(Back1, color(i)); r != Back1 {
					out += fmt.Sprintf(`<c:dLbl><c:idx val="%d"/>`, i) + format + look(r) + shows + `</c:dLbl>`
				}
			}
		}
		return out + format + look(own) + position + shows + `</c:dLbls>`
	}
	pointColors := func() string {
		var p strings.Builder
		for i := range c.Categories {
			fmt.Fprintf(&p, `<c:dPt><c:idx val="%d"/>`, i)
			if c.Kind != DoughnutChart {
				p.WriteString(`<c:invertIfNegative val="0"/>`)
			}
			p.WriteString(`<c:bubble3D val="0"/><c:spPr>` + fill(color(i)) + `<a:ln w="12700">` + fill(Back1) + `</a:ln></c:spPr></c:dPt>`)
		}
		return p.String()
	}
	data := func(j int, s Series) string {
		column := excelColumn(j + 2)
		var d strings.Builder
		last := len(c.Categories) + 1
		fmt.Fprintf(&d, `<c:cat><c:strRef><c:f>%s!$A$2:$A$%d</c:f><c:strCache><c:ptCount val="%d"/>`, sheet, last, len(c.Categories))
		for i, name := range c.Categories {
			fmt.Fprintf(&d, `<c:pt idx="%d"><c:v>%s</c:v></c:pt>`, i, esc(name))
		}
		fmt.Fprintf(&d, `</c:strCache></c:strRef></c:cat><c:val><c:numRef><c:f>%s!$%s$2:$%s$%d</c:f><c:numCache><c:formatCode>%s</c:formatCode><c:ptCount val="%d"/>`, sheet, column, column, last, esc(c.Format), len(s.Values))
		for i, v := range s.Values {
			fmt.Fprintf(&d, `<c:pt idx="%d"><c:v>%s</c:v></c:pt>`, i, strconv.FormatFloat(v, 'f', -1, 64))
		}
		d.WriteString(`</c:numCache></c:numRef></c:val>`)
		return d.String()
	}
	head := func(j int, s Series) string {
		return fmt.Sprintf(`<c:ser><c:idx val="%d"/><c:order val="%d"/><c:tx><c:strRef><c:f>%s!$%s$1</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>%s</c:v></c:pt></c:strCache></c:strRef></c:tx>`, j, j, sheet, excelColumn(j+2), esc(s.Name))
	}
	legend := len(c.Series) > 1
	switch c.Kind {
	case BarChart, ColumnChart:
		dir := map[ChartKind]string{BarChart: "bar", ColumnChart: "col"}[c.Kind]
		fmt.Fprintf(&b, `<c:barChart><c:barDir val="%s"/><c:grouping val="clustered"/><c:varyColors val="0"/>`, dir)
		for j, s := range c.Series {
			b.WriteString(head(j, s) + `<c:spPr>` + fill(color(j)) + `</c:spPr><c:invertIfNegative val="0"/>`)
			if len(c.Series) == 1 && len(c.Colors) > 1 {
				b.WriteString(pointColors())
			}
			b.WriteString(labels(`<c:dLblPos val="outEnd"/>`) + data(j, s) + `</c:ser>`)
		}
		b.WriteString(`<c:gapWidth val="50"/><c:axId val="111"/><c:axId val="112"/></c:barChart>`)
	case LineChart:
		b.WriteString(`<c:lineChart><c:grouping val="standard"/><c:varyColors val="0"/>`)
		for j, s := range c.Series {
			b.WriteString(head(j, s) + `<c:spPr><a:ln w="25400" cap="rnd">` + fill(color(j)) + `<a:round/></a:ln></c:spPr><c:marker><c:symbol val="none"/></c:marker>` + data(j, s) + `<c:smooth val="0"/></c:ser>`)
		}
		b.WriteString(`<c:marker val="1"/><c:axId val="111"/><c:axId val="112"/></c:lineChart>`)
	case DoughnutChart:
		legend = true
		b.WriteString(`<c:doughnutChart><c:varyColors val="1"/>`)
		for j, s := range c.Series[:min(1, len(c.Series))] {
			b.WriteString(head(j, s) + pointColors() + labels("") + data(j, s) + `</c:ser>`)
		}
		b.WriteString(`<c:firstSliceAng val="0"/><c:holeSize val="55"/></c:doughnutChart>`)
	}
	text := func(size float64) string {
		return fmt.Sprintf(`<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="%d">%s</a:defRPr></a:pPr><a:endParaRPr lang="%s"/></a:p></c:txPr>`, int(size*100), fill(Text1), lang)
	}
	if c.Kind != DoughnutChart {
		grey := `<c:spPr><a:ln w="9525">` + fill(Accent6) + `</a:ln></c:spPr>`
		soft := `<a:ln w="6350"><a:solidFill><a:schemeClr val="bg1"><a:lumMod val="85000"/></a:schemeClr></a:solidFill></a:ln>`
		order, catSide, valSide := "minMax", "b", "l"
		if c.Kind == BarChart {
			order, catSide, valSide = "maxMin", "l", "t"
		}
		hide, grid := 1, ""
		if c.Kind == LineChart || c.NoLabels {
			hide, grid = 0, `<c:majorGridlines><c:spPr>`+soft+`</c:spPr></c:majorGridlines>`
		}
		skip := ""
		if n := len(c.Categories); c.Kind == LineChart && n > 12 {
			skip = fmt.Sprintf(`<c:tickLblSkip val="%d"/>`, (n+11)/12)
		}
		fmt.Fprintf(&b, `<c:catAx><c:axId val="111"/><c:scaling><c:orientation val="%s"/></c:scaling><c:delete val="0"/><c:axPos val="%s"/><c:numFmt formatCode="General" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>%s%s<c:crossAx val="112"/><c:crosses val="autoZero"/><c:auto val="0"/><c:lblAlgn val="ctr"/><c:lblOffset val="100"/>%s<c:noMultiLvlLbl val="1"/></c:catAx>`, order, catSide, grey, text(c.Size), skip)
		fmt.Fprintf(&b, `<c:valAx><c:axId val="112"/><c:scaling><c:orientation val="minMax"/><c:min val="0"/></c:scaling><c:delete val="%d"/><c:axPos val="%s"/>%s<c:numFmt formatCode="%s" sourceLinked="0"/><c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/><c:spPr><a:ln><a:noFill/></a:ln></c:spPr>%s<c:crossAx val="111"/><c:crosses val="autoZero"/><c:crossBetween val="%s"/></c:valAx>`,
			hide, valSide, grid, esc(c.Format), text(c.Size), map[bool]string{true: "midCat", false: "between"}[c.Kind == LineChart])
	}
	b.WriteString(`</c:plotArea>`)
	if legend {
		side := map[bool]string{true: "r", false: "b"}[c.Kind == DoughnutChart]
		b.WriteString(`<c:legend><c:legendPos val="` + side + `"/><c:overlay val="0"/>` + text(c.Size) + `</c:legend>`)
	}
	b.WriteString(`<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart>` + text(c.Size) + `<c:externalData r:id="rId1"><c:autoUpdate val="0"/></c:externalData></c:chartSpace>`)
	return b.String()
}

// excelColumn returns the letters of column n, from 1.
func excelColumn(n int) string {
	s, err := excelize.ColumnNumberToName(n)
	if err != nil {
		return "A"
	}
	return s
}
