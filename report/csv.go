package report

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"osect/report/pptx"
	"osect/text"
)

// csvVersion is the version of the tables' columns. It grows when a column changes meaning or goes, not when one is added.
const csvVersion = 2

// WriteCSVZip writes every table of the assessment as a CSV file, and README.txt that says what they hold, as one ZIP.
//
// Files are UTF-8 with byte order mark, lines end with CRLF (RFC 4180), times are RFC 3339 in UTC. A text that a
// spreadsheet would take for a formula (it begins with = + - @ or their full-width forms and is no number) has an
// apostrophe before it.
func WriteCSVZip(w io.Writer, a *Assessment, lang text.Lang) error {
	z := zip.NewWriter(w)
	put := func(name string, data []byte) error {
		f, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err == nil {
			_, err = f.Write(data)
		}
		return err
	}
	tables := a.tables(lang)
	if err := put("README.txt", readme(a, tables, lang)); err != nil {
		return fmt.Errorf("report: CSV-ZIP: %w", err)
	}
	for _, t := range tables {
		var b bytes.Buffer
		b.WriteString("\uFEFF")
		c := csv.NewWriter(&b)
		c.UseCRLF = true
		err := c.Write(t.columns)
		for _, row := range t.rows {
			safe := make([]string, len(row))
			for i, cell := range row {
				safe[i] = noFormula(pptx.Clean(cell))
			}
			if err == nil {
				err = c.Write(safe)
			}
		}
		c.Flush()
		if err == nil {
			err = c.Error()
		}
		if err == nil {
			err = put(t.name+".csv", b.Bytes())
		}
		if err != nil {
			return fmt.Errorf("report: %s.csv: %w", t.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("report: CSV-ZIP: %w", err)
	}
	return nil
}

var plainNumber = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// noFormula puts an apostrophe before a cell that a spreadsheet would compute.
func noFormula(s string) string {
	r, _ := utf8.DecodeRuneInString(s)
	if s != "" && strings.ContainsRune("=+-@＝＋－＠", r) && !plainNumber.MatchString(s) {
		return "'" + s
	}
	return s
}

// readme lists the files with their columns.
func readme(a *Assessment, tables []table, lang text.Lang) []byte {
	var b strings.Builder
	b.WriteString("\uFEFF")
	line := func(s string) { b.WriteString(strings.ReplaceAll(s, "\n", "\r\n") + "\r\n") }
	line(text.Get(lang, "report.title"))
	if a.Customer != "" {
		line(a.Customer)
	}
	line(text.Get(lang, "report.readme.head", "version", csvVersion))
	for _, t := range tables {
		line("")
		line(t.name + ".csv – " + text.Get(lang, "report.file."+t.name))
		for _, c := range t.columns {
			line("  " + c + " – " + columnName(lang, c))
		}
	}
	return []byte(b.String())
}

// columnName says what a column of a CSV file holds.
func columnName(lang text.Lang, column string) string {
	for _, family := range []string{"report.column.", "column.", "ot.class.", "alert.severity."} {
		if key := family + column; text.Has(key) {
			return text.Get(lang, key)
		}
	}
	return column
}
