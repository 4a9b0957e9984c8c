package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/diff"
	"osect/store"
)

type diffOptions struct {
	listOptions
	a, b         string
	site, sensor string
	only         []string
	exitCode     bool
}

func newDiffCommand(a *app) *cobra.Command {
	var o diffOptions
	cmd := &cobra.Command{
		Use:   "diff [OTHER.db]",
		Short: "Compare two periods, or two stores: what appeared, vanished, changed",
		Long: `Compare two periods of the store (--a before, --b after), or the store (before)
with another one (after): devices, bindings of MAC and IP, identities such as
firmware, services, connections, and OT functions that appeared, vanished or
changed. A device that only changed its address is one that changed.

A period is FROM..TO: times (RFC 3339, or before the newest data: 24h-ago), or
days (2026-03-02, the whole day in --tz). An end may be left out; one day alone
is that day. With OTHER.db, --a is of the store and --b of OTHER.db, both if
wanted.

Amounts are not compared. docs/diff.md says what is one device, and where this
is wrong. Markdown is for tickets and reports.` + listHelp + `

EXIT STATUS
  0  done; with --exit-code: no difference
  1  with --exit-code: a difference
  2  wrong usage
  3  bad input (no such store, not a store, no data in a period)
  4  the system failed (disk, permission)`,
		Example: `  osect diff --a 2026-03-02 --b 2026-03-03
  osect diff --a 14d-ago..7d-ago --b 7d-ago.. --only devices,identities
  osect diff --format markdown after-maintenance.db
  osect diff --exit-code --only ot baseline.db`,
		Args: wantArgs(0, 1, "OTHER.db"),
		RunE: func(cmd *cobra.Command, args []string) error {
			markdown := o.format == "markdown"
			if markdown {
				o.format = "table"
			}
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return usageErrorf("%s", strings.Replace(err.Error(), "use table, json, csv", "use table, json, csv, markdown", 1))
			}
			return runDiff(cmd.Context(), a, o, markdown, strings.Join(args, ""))
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.a, "a", "", "the `period` before: FROM..TO, or a day")
	f.StringVar(&o.b, "b", "", "the `period` after")
	f.StringSliceVar(&o.only, "only", nil, "only these `parts`, separated by commas: devices, bindings, identities, services, connections, ot")
	f.BoolVar(&o.exitCode, "exit-code", false, "exit with 1 when there is a difference")
	f.StringVar(&o.site, "site", "", "only this `site`")
	f.StringVar(&o.sensor, "sensor", "", "only what this `sensor` saw")
	o.listOptions.addFlags(f)
	f.Lookup("format").Usage = "`form`: table, json, csv or markdown"
	return cmd
}

// diffRow is a row of diff.
type diffRow struct {
	Part         diff.Part   `json:"part"`
	Change       diff.Change `json:"change"`
	Site         string      `json:"site"`
	Device       string      `json:"device"`
	MAC          string      `json:"mac"`
	Hostname     string      `json:"hostname"`
	Peer         string      `json:"peer"`
	PeerMAC      string      `json:"peer_mac"`
	PeerHostname string      `json:"peer_hostname"`
	Item         string      `json:"item"`
	Proto        string      `json:"proto"`
	Port         uint16      `json:"port"`
	Before       []string    `json:"before"`
	After        []string    `json:"after"`
	Time         store.Time  `json:"time"`
}

func (a *app) toDiffRow(d *diff.Row) diffRow {
	r := diffRow{Part: d.Part, Change: d.Change, Site: d.Site, Item: d.Item, Time: store.Time(d.Time),
		Before: append([]string{}, d.Before...), After: append([]string{}, d.After...)}
	r.Device, r.MAC, r.Hostname = diffEnd(&d.Device)
	r.Peer, r.PeerMAC, r.PeerHostname = diffEnd(&d.Peer)
	if s := &d.Service; d.Part == diff.Services || d.Part == diff.Connections {
		var below decode.Addr
		if s.Ethernet {
			below = decode.MAC(0).Addr()
		}
		r.Proto, r.Port = protoName(s.Proto, below), s.Port
		r.Item = a.serviceText(r.Proto, s.Port, s.Name)
		if s.Source {
			r.Item = strings.TrimSpace(fmt.Sprintf("%s/%d→* %s", transportName(r.Proto), s.Port, s.Name))
		}
		if s.Tunnel != decode.NoTunnel {
			r.Item = s.Tunnel.String() + ":" + r.Item
		}
	}
	return r
}

// diffEnd writes an end; "internet" stands for all public addresses.
func diffEnd(e *diff.End) (address, mac, name string) {
	switch {
	case e.Internet:
		return "internet", "", ""
	case e.Address.IsZero():
		return "", "", ""
	case e.MAC != 0:
		mac = e.MAC.String()
	}
	return e.Address.String(), mac, e.Hostname
}

// period reads FROM..TO or a day into ns, 0 for no bound.
func (a *app) period(ctx context.Context, st *store.Store, flag, s string) (from, to int64, err error) {
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	day := func(s string, next int) (string, bool) {
		t, err := time.ParseInLocation(time.DateOnly, s, a.zone)
		if err != nil {
			return s, false
		}
		return t.AddDate(0, 0, next).Format(time.RFC3339Nano), true
	}
	var isDay bool
	r := timeRange{}
	r.from, isDay = day(first, 0)
	r.to, _ = day(last, 1)
	if !isRange && !isDay || first == "" && last == "" {
		return 0, 0, usageErrorf("--%s %q: want FROM..TO, or a day such as 2026-03-02", flag, s)
	}
	if from, to, err = r.bounds(ctx, st); err != nil {
		var e *exitError
		if errors.As(err, &e) {
			err = usageErrorf("--%s %q: %w", flag, s, err)
		}
	}
	return from, to, err
}

func runDiff(ctx context.Context, a *app, o diffOptions, markdown bool, other string) (err error) {
	var parts []diff.Part
	for _, p := range o.only {
		if err := oneOf("only", diff.Part(p), diff.Parts...); err != nil {
			return err
		}
		parts = append(parts, diff.Part(p))
	}
	if other == "" && (o.a == "" || o.b == "") {
		return usageErrorf("give two periods (--a FROM..TO --b FROM..TO) or another store")
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	after := st
	if other != "" {
		after, err = store.Open(other, store.Options{ReadOnly: true})
		if errors.Is(err, store.ErrOlder) {
			after, err = store.Open(other, store.Options{})
		}
		if err != nil {
			return err
		}
		defer closing(after, &err)
	}
	load := func(st *store.Store, flag, period string) (diff.Side, error) {
		f := store.Filter{Site: o.site, Sensor: o.sensor}
		if period != "" {
			if f.From, f.To, err = a.period(ctx, st, flag, period); err != nil {
				return diff.Side{}, err
			}
		}
		made, err := inventoryOptions(ctx, st)
		if err != nil {
			return diff.Side{}, err
		}
		side, err := diff.Load(ctx, st, f, made)
		if err == nil && side.Minutes == 0 {
			err = inputErrorf("%s: no data in the period --%s %s", st.Path(), flag, period)
		}
		return side, err
	}
	sideA, err := load(st, "a", o.a)
	if err != nil {
		return err
	}
	sideB, err := load(after, "b", o.b)
	if err != nil {
		return err
	}
	var rows []diffRow
	for _, d := range diff.Compare(&sideA, &sideB, parts) {
		rows = append(rows, a.toDiffRow(&d))
	}
	switch {
	case markdown:
		err = a.diffMarkdown(&o, rows)
	case o.format != "table" || o.wide || len(rows) == 0:
		err = diffTable(a, diff.Connections).print(a, &o.listOptions, slice(rows))
	default:
		err = a.diffTables(&o, rows)
	}
	if err == nil && o.exitCode && len(rows) > 0 {
		return quietly(exitFound, "there are differences")
	}
	return err
}

// ofPart are the rows of a part.
func ofPart(rows []diffRow, p diff.Part) []diffRow {
	return slices.DeleteFunc(slices.Clone(rows), func(r diffRow) bool { return r.Part != p })
}

// partTitle is "Devices: 2 appeared, 1 vanished, 0 changed".
func (a *app) partTitle(p diff.Part, rows []diffRow) string {
	n := map[diff.Change]int{}
	for i := range rows {
		n[rows[i].Change]++
	}
	return a.get("diff.title", "part", a.get("diff.part."+string(p)), "appeared", n[diff.Appeared], "vanished", n[diff.Vanished], "changed", n[diff.Changed])
}

func (a *app) diffTables(o *diffOptions, rows []diffRow) error {
	head := ""
	for _, p := range diff.Parts {
		of := ofPart(rows, p)
		if len(of) == 0 {
			continue
		}
		if _, err := fmt.Fprintf(a.stdout, "%s%s\n", head, a.partTitle(p, of)); err != nil {
			return err
		}
		head = "\n"
		if err := diffTable(a, p).print(a, &o.listOptions, slice(of)); err != nil {
			return err
		}
	}
	return nil
}

var changeColours = map[diff.Change]string{diff.Appeared: "32", diff.Vanished: "31", diff.Changed: "33"}

// diffTable is the table of one part.
func diffTable(a *app, p diff.Part) listing[diffRow] {
	type row = diffRow
	columns := []column[row]{
		{key: "change", cell: func(r *row) string { return a.get("diff.change." + string(r.Change)) }, colour: func(r *row) string { return changeColours[r.Change] }},
		{key: "device", layout: layout{min: 15}, cell: func(r *row) string { return a.endText(r.Device) }},
	}
	if p == diff.Connections || p == diff.OT {
		columns = append(columns, column[row]{key: "peer", layout: layout{min: 15}, cell: func(r *row) string { return a.endText(r.Peer) }})
	} else {
		columns = append(columns, column[row]{key: "hostname", layout: layout{min: 8, drop: 2, lines: 3}, cell: func(r *row) string { return r.Hostname }})
	}
	if p != diff.Bindings { // their item would be empty
		columns = append(columns, column[row]{key: "item", layout: layout{min: 12, lines: 4}, cell: a.diffItem})
	}
	columns = append(columns,
		column[row]{key: "values", layout: layout{min: 12, lines: 4, drop: 8}, cell: a.diffValues},
		column[row]{key: "at", layout: layout{min: 10, drop: 1}, cell: func(r *row) string { return a.clock(int64(r.Time)) }})
	return listing[row]{columns: columns}
}

// endText is an address, or the internet in the command's language.
func (a *app) endText(s string) string {
	if s == "internet" {
		return a.get("device.internet")
	}
	return s
}

// diffItem is what differs, in words.
func (a *app) diffItem(r *diffRow) string {
	switch {
	case r.Part == diff.Devices && r.Change == diff.Changed:
		return a.get("column." + r.Item)
	case r.Part == diff.Devices:
		return a.role(r.Item)
	}
	return r.Item
}

// diffValues is "1.0 → 1.1", of lists that have some in common what left and what came ("−x +y");
// of what is on one side only, its values.
func (a *app) diffValues(r *diffRow) string {
	if r.Change == diff.Changed && slices.ContainsFunc(r.Before, func(s string) bool { return slices.Contains(r.After, s) }) {
		var out []string
		for _, s := range r.Before {
			if !slices.Contains(r.After, s) {
				out = append(out, "−"+s)
			}
		}
		for _, s := range r.After {
			if !slices.Contains(r.Before, s) {
				out = append(out, "+"+s)
			}
		}
		return strings.Join(out, " ")
	}
	word := func(list []string) string {
		if len(list) == 0 {
			return a.get("cli.word.none")
		}
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = s
			switch {
			case r.Part == diff.Devices && r.Item == "role":
				out[i] = a.role(s)
			case r.Part == diff.Connections:
				out[i] = a.or("diff.answer."+s, s)
			}
		}
		return strings.Join(out, " ")
	}
	switch {
	case r.Change == diff.Changed:
		return word(r.Before) + " → " + word(r.After)
	case r.Part == diff.Connections:
		return ""
	case len(r.Before)+len(r.After) == 0:
		return ""
	}
	return word(append(slices.Clone(r.Before), r.After...))
}

// diffMarkdown writes a heading and a table a part (GitHub Flavored Markdown).
func (a *app) diffMarkdown(o *diffOptions, rows []diffRow) error {
	out := bufio.NewWriter(a.stdout)
	cell := func(s string) string {
		s = clean(s)
		for _, c := range []string{`\`, "|", "<", ">", "*", "_", "`", "[", "]", "#", "~", "&"} {
			s = strings.ReplaceAll(s, c, `\`+c)
		}
		return s
	}
	fmt.Fprintf(out, "# %s\n", a.get("diff.heading"))
	if len(rows) == 0 {
		fmt.Fprintf(out, "\n%s\n", a.get("diff.none"))
	}
	left := len(rows)
	if o.limit > 0 {
		left = min(left, o.limit)
	}
	cut := left < len(rows)
	for _, p := range diff.Parts {
		of := ofPart(rows, p)
		if len(of) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n## %s\n\n", a.partTitle(p, of))
		columns := diffTable(a, p).columns
		rule := "|"
		line := "|"
		for _, c := range columns {
			line += " " + cell(a.heading(c.key)) + " |"
			rule += "---|"
		}
		fmt.Fprintf(out, "%s\n%s\n", line, rule)
		for i := range of {
			if left == 0 {
				break
			}
			left--
			line := "|"
			for _, c := range columns {
				line += " " + cell(c.cell(&of[i])) + " |"
			}
			fmt.Fprintln(out, line)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	if cut {
		a.note(a.get("cli.more", "n", o.limit))
	}
	return nil
}
