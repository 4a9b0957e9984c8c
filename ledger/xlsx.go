package ledger

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"

	"osect/text"
)

// Limits of a workbook's parts when they are unpacked, bytes.
const (
	unzipLimit = 256 << 20
	sheetLimit = 128 << 20
)

// readXLSX reads the first visible sheet that has a head, else the first visible one.
func (f *File) readXLSX(data []byte) *File {
	book, err := excelize.OpenReader(bytes.NewReader(data), excelize.Options{UnzipSizeLimit: unzipLimit, UnzipXMLSizeLimit: sheetLimit})
	if err != nil {
		key := BadXLSX
		if errors.Is(err, excelize.ErrWorkbookFileFormat) {
			key = BadXLS
		}
		return f.refuse(Problem{Key: key, Args: []any{"why", oneLine(err)}})
	}
	defer book.Close()
	var sheets []string
	for _, name := range book.GetSheetList() {
		if visible, err := book.GetSheetVisible(name); err == nil && visible {
			sheets = append(sheets, name)
		}
	}
	if len(sheets) == 0 {
		return f.refuse(Problem{Key: BadEmpty})
	}
	var found *File
	for _, name := range sheets {
		t := table{f: &File{}}
		if err := t.sheet(book, name); err != nil {
			return f.refuse(Problem{Key: BadXLSX, Args: []any{"why", oneLine(err)}})
		}
		if g := t.end(); !g.Refused || t.columns != nil {
			return g
		} else if found == nil {
			found = g
		}
	}
	return found
}

func oneLine(err error) string { return short(strings.Join(strings.Fields(err.Error()), " ")) }

// sheet reads the rows of a sheet. Cells are taken as they are shown; dates that are shown in a way that
// does not say which day it is, as their number of days.
func (t *table) sheet(book *excelize.File, name string) error {
	var lines []line
	err := eachRow(book, name, func(n int, cells []string) bool {
		switch {
		case len(cells) > maxColumns:
			lines = append(lines, line{number: n, bad: BadTooWide})
		case !empty(cells):
			lines = append(lines, line{number: n, cells: cells})
		}
		return len(lines) <= maxRows+headRows
	})
	if err != nil {
		return err
	}
	// The head, for which columns hold dates.
	head := table{f: &File{}}
	for i := range lines {
		if head.row(&lines[i]); head.columns != nil || head.stop || i == headRows {
			break
		}
	}
	unclear := map[int]*line{} // by row
	last := 0
	for i := range lines {
		for j, s := range lines[i].cells {
			if j < len(head.columns) && (head.columns[j] == Installed || head.columns[j] == FlagsUntil) {
				if _, f := parseDate(s); f != nil {
					unclear[lines[i].number], last = &lines[i], lines[i].number
				}
			}
		}
	}
	if len(unclear) > 0 {
		err := eachRow(book, name, func(n int, values []string) bool {
			for j, s := range values {
				l := unclear[n]
				if l == nil || j >= len(head.columns) || j >= len(l.cells) || head.columns[j] != Installed && head.columns[j] != FlagsUntil {
					continue
				}
				if day, ok := excelDay(s); ok {
					l.cells[j] = day
				}
			}
			return n < last
		}, excelize.Options{RawCellValue: true})
		if err != nil {
			return err
		}
	}
	for i := range lines {
		if !t.row(&lines[i]) {
			break
		}
	}
	return nil
}

// eachRow calls row for the rows of a sheet until it says no; rows that are not in the file are counted too.
func eachRow(book *excelize.File, name string, row func(n int, cells []string) bool, o ...excelize.Options) error {
	rows, err := book.Rows(name)
	if err != nil {
		return err
	}
	defer rows.Close()
	const maxRow = 1 << 20 // what a workbook can have
	for n := 1; n <= maxRow && rows.Next(); n++ {
		cells, err := rows.Columns(o...)
		if err != nil {
			return err
		}
		if !row(n, cells) {
			return nil
		}
	}
	return rows.Error()
}

// excelDay turns a workbook's number of days (since 1899-12-30) of the years 1954 to 2118 into a date; what is below is a year, or none.
func excelDay(s string) (string, bool) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 20000 || v >= 80000 {
		return "", false
	}
	at, err := excelize.ExcelDateToTime(float64(int(v)), false)
	if err != nil {
		return "", false
	}
	return at.Format(time.DateOnly), true
}

// sort puts the problems in the order of the file.
func (f *File) sort() {
	slices.SortStableFunc(f.Problems, func(a, b Problem) int { return cmp.Or(a.Line-b.Line, a.Column-b.Column) })
}

// widths of the columns in a workbook, characters; 14 where none is said.
var widths = map[Column]float64{IP: 18, MAC: 19, Hostname: 20, Vendor: 20, Model: 20, OS: 20, Location: 20, Note: 40}

// WriteXLSX writes a ledger as a workbook: one sheet, every cell a text, the head frozen, filters on.
func WriteXLSX(out io.Writer, entries []Entry, lang text.Lang) error {
	book := excelize.NewFile()
	defer book.Close()
	sheet := text.Get(lang, "ledger.sheet")
	if err := book.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	head, err := book.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"1F3864"}}})
	if err != nil {
		return err
	}
	asText, err := book.NewStyle(&excelize.Style{NumFmt: 49}) // "@"
	if err != nil {
		return err
	}
	w, err := book.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	for c := range Columns {
		width := widths[c]
		if width == 0 {
			width = 14
		}
		if err := w.SetColWidth(int(c)+1, int(c)+1, width); err != nil {
			return err
		}
	}
	if err := w.SetPanes(&excelize.Panes{Freeze: true, XSplit: 2, YSplit: 1, TopLeftCell: "C2", ActivePane: "bottomRight"}); err != nil {
		return err
	}
	row := make([]any, Columns)
	for c := range Columns {
		row[c] = excelize.Cell{StyleID: head, Value: c.Title(lang)}
	}
	if err := w.SetRow("A1", row); err != nil {
		return err
	}
	for i := range entries {
		for c, s := range entries[i].Cells {
			row[c] = excelize.Cell{StyleID: asText, Value: s}
		}
		if err := w.SetRow("A"+strconv.Itoa(i+2), row); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	last, err := excelize.CoordinatesToCellName(int(Columns), len(entries)+1)
	if err != nil {
		return err
	}
	if err := book.AutoFilter(sheet, "A1:"+last, nil); err != nil {
		return err
	}
	_, err = book.WriteTo(out)
	return err
}
