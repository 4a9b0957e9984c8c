package report

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"osect/text"
)

// The workbook holds what the CSV files hold, sheet by sheet and cell by cell; counts are numbers, all else text.
func TestTheWorkbookIsTheCSV(t *testing.T) {
	for name, in := range map[string]Input{"a plant": plant(40, 60, ""), "nothing": plant(0, 0, ""), "formulas": plant(5, 5, "=cmd|' /C calc'!A0")} {
		a := Build(in)
		var first, second bytes.Buffer
		if err := WriteXLSX(&first, a, text.JA); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := WriteXLSX(&second, a, text.JA); err != nil || !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: the same assessment gives other bytes (%v)", name, err)
		}
		book, err := excelize.OpenReader(&first)
		if err != nil {
			t.Fatal(err)
		}
		tables := readTables(t, csvZip(t, in, text.JA))
		sheets := book.GetSheetList()
		charts := 0
		if len(a.charts(text.JA)) > 0 {
			charts = 1
		}
		if len(sheets) != len(tables)+1+charts || sheets[0] != text.Get(text.JA, "report.contents") {
			t.Errorf("%s: sheets %v", name, sheets)
		}
		for file, want := range tables {
			sheet := strings.TrimSuffix(file, ".csv")
			got, err := book.GetRows(sheet)
			if err != nil {
				t.Fatal(err)
			}
			for r := range want {
				for c := range want[r] {
					cell := ""
					if r < len(got) && c < len(got[r]) {
						cell = got[r][c]
					}
					expect := want[r][c]
					if r == 0 {
						expect = columnName(text.JA, expect)
					} else if rest, ok := strings.CutPrefix(expect, "'"); ok && noFormula(rest) == expect {
						expect = rest
					}
					if cell != expect {
						t.Fatalf("%s: %s row %d column %d: %q, the CSV has %q", name, sheet, r+1, c+1, cell, expect)
					}
				}
			}
			panes, err := book.GetPanes(sheet)
			if err != nil || !panes.Freeze || panes.YSplit != 1 {
				t.Errorf("%s: %s: panes %+v, %v", name, sheet, panes, err)
			}
			at, _ := excelize.CoordinatesToCellName(slices.Index(want[0], "packets")+1, 2)
			if slices.Contains(want[0], "packets") && len(want) > 1 {
				if kind, err := book.GetCellType(sheet, at); err != nil || kind != excelize.CellTypeNumber && kind != excelize.CellTypeUnset {
					t.Errorf("%s: %s %s is no number: %v, %v", name, sheet, at, kind, err)
				}
			}
			if f, err := book.GetCellFormula(sheet, "A2"); err != nil || f != "" {
				t.Errorf("%s: %s has a formula: %q, %v", name, sheet, f, err)
			}
		}
		book.Close()
	}
}

func TestTheLedgersFindings(t *testing.T) {
	in := plant(40, 0, "")
	find := func(a *Assessment, key string) int64 {
		for _, f := range a.Findings {
			if f.Key == key {
				return f.Count
			}
		}
		return 0
	}
	a := Build(in)
	if z, o := find(a, "zone-crossing"), find(a, "ledger-outdated"); z != 1 || o != 2 {
		t.Errorf("%d pairs across zones, %d outdated entries, want 1 and 2", z, o)
	}
	if a.Crossings[0].Bytes < a.Crossings[1].Bytes {
		t.Error("crossings are not by bytes")
	}
	in.HasLedger = false
	if a = Build(in); find(a, "zone-crossing") != 0 {
		t.Error("findings on a ledger that there is not")
	}
}
