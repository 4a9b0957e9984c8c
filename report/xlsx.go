package report

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"osect/report/pptx"
	"osect/text"
)

// WriteXLSX writes every table of the assessment as a sheet of one workbook, under the names of the CSV files, behind a
// sheet that says what they hold and one of charts. Heads are frozen and have filters. Counts are numbers; everything else, times (RFC 3339 in UTC)
// too, is text: nothing is computed, whatever it begins with.
func WriteXLSX(w io.Writer, a *Assessment, lang text.Lang) error {
	book := excelize.NewFile()
	defer book.Close()
	if err := writeBook(book, a, lang); err != nil {
		return fmt.Errorf("report: XLSX: %w", err)
	}
	packed, err := book.WriteToBuffer()
	if err == nil {
		err = inOrder(w, packed.Bytes())
	}
	if err != nil {
		return fmt.Errorf("report: XLSX: %w", err)
	}
	return nil
}

// override is an element of the part that says what the others are.
var override = regexp.MustCompile(`<(?:Override|Default) [^>]*>(?:</(?:Override|Default)>)?`)

// inOrder writes a ZIP anew with its parts in the order of their names, so that the same content gives the same
// bytes. The part that says what the others are comes first, as readers expect; its elements are sorted too.
func inOrder(w io.Writer, packed []byte) error {
	in, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		return err
	}
	const types = "[Content_Types].xml"
	slices.SortFunc(in.File, func(a, b *zip.File) int {
		switch {
		case a.Name == b.Name:
			return 0
		case a.Name == types:
			return -1
		case b.Name == types:
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	out := zip.NewWriter(w)
	for _, f := range in.File {
		if f.Name != types {
			if err := out.Copy(f); err != nil {
				return err
			}
			continue
		}
		r, err := f.Open()
		if err != nil {
			return err
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		list := override.FindAllString(string(b), -1)
		slices.Sort(list)
		n := 0
		b = override.ReplaceAllFunc(b, func([]byte) []byte { n++; return []byte(list[n-1]) })
		w, err := out.CreateHeader(&zip.FileHeader{Name: types, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return out.Close()
}

func writeBook(book *excelize.File, a *Assessment, lang text.Lang) error {
	head, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F3864"}}})
	if err != nil {
		return err
	}
	asText, err := book.NewStyle(&excelize.Style{NumFmt: 49}) // "@"
	if err != nil {
		return err
	}
	tables := a.tables(lang)
	contents := table{name: text.Get(lang, "report.contents"), columns: []string{"file", "holds"}}
	for _, t := range tables {
		contents.add(t.name, text.Get(lang, "report.file."+t.name))
	}
	for i, t := range slices.Insert(slices.Clone(tables), 0, contents) {
		if i == 0 {
			err = book.SetSheetName("Sheet1", t.name)
		} else {
			_, err = book.NewSheet(t.name)
		}
		if err == nil {
			err = writeSheet(book, &t, lang, head, asText)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
		if charts := a.charts(lang); i == 0 && len(charts) > 0 {
			if err := writeCharts(book, text.Get(lang, "report.charts"), charts, head); err != nil {
				return err
			}
		}
	}
	return nil
}

func writeSheet(book *excelize.File, t *table, lang text.Lang, head, asText int) error {
	// Before the rows: behind them it would all be read again.
	last, err := excelize.CoordinatesToCellName(len(t.columns), max(len(t.rows)+1, 2))
	if err != nil {
		return err
	}
	if err := book.AutoFilter(t.name, "A1:"+last, nil); err != nil {
		return err
	}
	if err := fitToWidth(book, t.name); err != nil {
		return err
	}
	w, err := book.NewStreamWriter(t.name)
	if err != nil {
		return err
	}
	const least, most = 10, 50
	for c, name := range t.columns {
		width := cellWidth(columnName(lang, name)) + 3 // for the filter's button
		for _, row := range t.rows[:min(len(t.rows), 200)] {
			width = max(width, cellWidth(row[c])+1)
		}
		if err := w.SetColWidth(c+1, c+1, float64(min(max(width, least), most))); err != nil {
			return err
		}
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	cells := make([]any, len(t.columns))
	for c, name := range t.columns {
		cells[c] = excelize.Cell{StyleID: head, Value: columnName(lang, name)}
	}
	if err := w.SetRow("A1", cells); err != nil {
		return err
	}
	for r, row := range t.rows {
		for c, s := range row {
			cells[c] = excelize.Cell{StyleID: asText, Value: pptx.Clean(s)}
			if t.number[c] {
				if n, err := strconv.ParseInt(s, 10, 64); err == nil {
					cells[c] = n
				}
			}
		}
		if err := w.SetRow("A"+strconv.Itoa(r+2), cells); err != nil {
			return err
		}
	}
	return w.Flush()
}

// fitToWidth has a sheet printed on its side, as wide as a page.
func fitToWidth(book *excelize.File, sheet string) error {
	yes, orientation, wide, high := true, "landscape", 1, 0
	if err := book.SetSheetProps(sheet, &excelize.SheetPropsOptions{FitToPage: &yes}); err != nil {
		return err
	}
	return book.SetPageLayout(sheet, &excelize.PageLayoutOptions{Orientation: &orientation, FitToWidth: &wide, FitToHeight: &high})
}

// cellWidth is the number of columns of a fixed font that s takes: East Asian letters take two.
func cellWidth(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x1100 {
			n++
		}
	}
	return n
}
