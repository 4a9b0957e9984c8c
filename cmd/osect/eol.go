package main

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"osect/detect"
	"osect/store"
)

// maxEOLFile is the most bytes of a table of ends of support.
const maxEOLFile = 4 << 20

// newUpdateEOLCommand is osect update eol.
func newUpdateEOLCommand(a *app) *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "eol --from FILE",
		Short: "Bring a newer table of ends of support",
		Long: `Bring a table of operating systems and the last days of their support. Its
systems replace those of the same name that are built in; the others stay. It is
kept in the store. --from built-in goes back to what is built in.

The file is UTF-8 text, a row a line, four columns separated by tabs: the system
as osect devices list names it (or a release such as Debian 12), the line (- for
the one that everybody has, else an edition or a paid extension), the last day
of support, and the source. Lines that begin with # are skipped. What is built
in and how it is used stands in docs/detection/vulnerable-device.md.` + exitStatusHelp,
		Example: `  osect update eol --from eol.txt
  osect update eol --from built-in`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runUpdateEOL(a, from) },
	}
	cmd.Flags().StringVar(&from, "from", "", "the `file`, - for standard input, or built-in")
	return cmd
}

func runUpdateEOL(a *app, from string) error {
	if from == "" {
		return usageErrorf("--from is missing: a file, - for standard input, or built-in")
	}
	source := "ends of support: those built in"
	var data []byte
	if from != "built-in" {
		in, err := a.input(from)
		if err != nil {
			return err
		}
		defer in.Close()
		if data, err = io.ReadAll(io.LimitReader(in, maxEOLFile+1)); err != nil {
			return systemErrorf("%s: %w", from, err)
		}
		if len(data) > maxEOLFile {
			return inputErrorf("%s: over 4 MiB: this is no table of ends of support", from)
		}
		t, err := detect.ParseEOL(bytes.NewReader(data))
		if err != nil {
			return inputErrorf("%s: %w", from, err)
		}
		systems, rows := t.Count()
		if systems == 0 {
			return inputErrorf("%s: no row in it: want system, line, last day and source, separated by tabs", from)
		}
		source = fmt.Sprintf("ends of support: %d systems, %d rows; %s", systems, rows, filepath.Base(from))
	}
	return a.keepReference(store.ReferenceEOL, source, data)
}

// asOfTime reads --as-of: a day, or a time; 0 for "".
func asOfTime(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	for _, form := range []string{time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(form, s); err == nil && t.Year() >= 1980 && t.Year() < 2200 {
			return t.UnixNano(), nil
		}
	}
	return 0, usageErrorf("--as-of %q: want a day such as 2026-10-14", s)
}
