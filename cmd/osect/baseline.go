package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"osect/detect"
)

// baselineColumns are those of an exported baseline: what is normal, without when it was learned.
var baselineColumns = []string{"list", "site", "src", "dst", "proto", "item", "port_from", "port_to", "value"}

// maxBaseline is the most bytes of a baseline file.
const maxBaseline = 256 << 20

func newLearnExportCommand(a *app) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use:   "export [KIND]",
		Short: "Write what was learned as CSV, for review and version control",
		Long: `Write the learned rows, of all detectors or of KIND, as sorted CSV to standard
output: what is normal, one row a line. The same rows give the same bytes, so
that two exports can be compared by diff. When a row was learned, and from how
many minutes, is left out (osect learn list --format csv has it).

osect learn import reads the file. A text that a spreadsheet would take for a
formula has an apostrophe before it there and here.` + exitStatusHelp,
		Example: `  osect learn export > baseline.csv
  osect learn export ot-ip --site osaka`,
		Args: wantArgs(0, 1, "KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLearnExport(cmd.Context(), a, strings.Join(args, ""), site)
		},
	}
	cmd.Flags().StringVar(&site, "site", "", "only this site")
	return cmd
}

func runLearnExport(ctx context.Context, a *app, kind, site string) (err error) {
	if err := checkKind(kind); err != nil {
		return err
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	rows, err := st.LearnedRows(ctx, detect.Kind(kind))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(baselineColumns)
	for i := range rows {
		if r := &rows[i]; site == "" || r.Site == site {
			cells := []string{string(r.List), r.Site, r.Src, r.Dst, r.Proto, r.Item, port(r.Lo), port(r.Hi), r.Value}
			for j := range cells {
				cells[j] = noFormula(cells[j])
			}
			w.Write(cells)
		}
	}
	if w.Flush(); w.Error() != nil {
		return w.Error()
	}
	_, err = a.stdout.Write(b.Bytes())
	return err
}

func port(n uint16) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(int(n))
}

type importOptions struct{ replace, dryRun bool }

func newLearnImportCommand(a *app) *cobra.Command {
	var o importOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read learned rows from CSV, as osect learn export writes it",
		Long: `Read rows from CSV, as osect learn export writes it (- is standard input), and
add those that the store does not have. What is added counts as entered by hand:
learning never changes it. With --replace rows that are not in the file are
removed from the lists that are in it.

The whole file is checked before anything is changed. The store is made where
there is none, so that a baseline can be carried to a new one.` + exitStatusHelp,
		Example: `  osect learn import baseline.csv
  osect learn import --replace --dry-run baseline.csv`,
		Args: wantArgs(1, 1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error { return runLearnImport(cmd.Context(), a, o, args[0]) },
	}
	cmd.Flags().BoolVar(&o.replace, "replace", false, "remove what is not in the file, from the lists that are in it")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only say what would change")
	return cmd
}

func runLearnImport(ctx context.Context, a *app, o importOptions, path string) (err error) {
	in := a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return inputErrorf("%s: no such file", path)
		}
		if err != nil {
			return systemErrorf("%w", err)
		}
		defer f.Close()
		in = f
	}
	rows, err := readBaseline(in)
	if err != nil {
		return inputErrorf("%s: %w", path, err)
	}
	st, err := a.openWrite(!o.dryRun)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	old, err := st.LearnedRows(ctx, "")
	if err != nil {
		return err
	}
	add, remove := compareBaselines(old, rows)
	if !o.replace {
		remove = nil
	}
	if !o.dryRun {
		if err := st.AddRows(add); err != nil {
			return err
		}
		if _, err := st.RemoveRows(remove); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintln(a.stdout, a.get("cli.imported", "added", len(add), "removed", len(remove), "same", len(rows)-len(add)))
	return err
}

// readBaseline reads and checks a whole file; a row that is there twice counts once.
func readBaseline(in io.Reader) ([]detect.Row, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxBaseline+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBaseline {
		return nil, errors.New("over 256 MiB: this is no baseline")
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\uFEFF"))))
	r.FieldsPerRecord = -1
	r.ReuseRecord = true
	head, err := r.Read()
	// Files of before ip-volume and ip-statistics have no column for values.
	if err != nil || !slices.Equal(head, baselineColumns) && !slices.Equal(head, baselineColumns[:8]) {
		return nil, fmt.Errorf("line 1 is not %q: want a file of osect learn export", strings.Join(baselineColumns, ","))
	}
	if !utf8.Valid(data) {
		return nil, errors.New("not UTF-8: save it as \"CSV UTF-8\"")
	}
	var rows []detect.Row
	lines := map[detect.Row]int{} // by key
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err // names the line
		}
		line, _ := r.FieldPos(0)
		if n := len(cells); n != len(baselineColumns) && n != 8 {
			return nil, fmt.Errorf("line %d: %d columns, want %d", line, n, len(baselineColumns))
		}
		row, err := baselineRow(cells)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		key := row
		key.Hi, key.Value = 0, ""
		if first := lines[key]; first == 0 {
			lines[key] = len(rows) + 1
		} else if r := &rows[first-1]; r.Hi != row.Hi || r.Value != row.Value {
			return nil, fmt.Errorf("line %d: the row is in an earlier line with another %s: keep one of the two", line,
				map[bool]string{true: "value", false: "port_to"}[r.Hi == row.Hi])
		} else {
			continue
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, compareKeys)
	return rows, nil
}

func baselineRow(cells []string) (detect.Row, error) {
	c := make([]string, len(cells))
	for i, s := range cells {
		if rest, quoted := strings.CutPrefix(s, "'"); quoted && noFormula(rest) == s {
			s = rest
		}
		c[i] = strings.Clone(s)
	}
	row := detect.Row{List: detect.Kind(c[0]), Site: c[1], Src: c[2], Dst: c[3], Proto: c[4], Item: c[5], Origin: detect.Hand}
	if row.Site == "" {
		return row, errors.New("a row without a site")
	}
	for i, to := range []*uint16{&row.Lo, &row.Hi} {
		if c[6+i] == "" {
			continue
		}
		n, err := strconv.ParseUint(c[6+i], 10, 16)
		if err != nil {
			return row, fmt.Errorf("%s %q: want a port from 0 to 65535", baselineColumns[6+i], c[6+i])
		}
		*to = uint16(n)
	}
	if c[7] == "" {
		row.Hi = row.Lo // a hand that names one port
	}
	if row.Lo > row.Hi {
		return row, fmt.Errorf("ports %d-%d: the first is above the last", row.Lo, row.Hi)
	}
	if len(c) > 8 {
		row.Value = c[8]
	}
	return row, checkRow(&row)
}

// compareKeys orders rows as the store does.
func compareKeys(a, b detect.Row) int {
	return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dst, b.Dst),
		cmp.Compare(a.Proto, b.Proto), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Lo, b.Lo))
}

// compareBaselines says what a file has beyond the store, and, in the file's lists, the store beyond the file.
func compareBaselines(old, file []detect.Row) (add, remove []detect.Row) {
	lists := map[detect.Kind]bool{}
	for _, r := range file {
		lists[r.List] = true
	}
	old = slices.SortedFunc(slices.Values(old), compareKeys)
	for len(old) > 0 || len(file) > 0 {
		switch c := func() int {
			if len(old) == 0 {
				return 1
			}
			if len(file) == 0 {
				return -1
			}
			return compareKeys(old[0], file[0])
		}(); {
		case c < 0:
			if lists[old[0].List] {
				remove = append(remove, old[0])
			}
			old = old[1:]
		case c > 0:
			add = append(add, file[0])
			file = file[1:]
		default:
			if old[0].Hi != file[0].Hi || old[0].Value != file[0].Value {
				add = append(add, file[0])
			}
			old, file = old[1:], file[1:]
		}
	}
	return add, remove
}
