package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"osect/inventory"
	"osect/ledger"
	"osect/store"
)

func newLedgerCommand(a *app) *cobra.Command {
	return newGroup("ledger", "The ledger: the site's own list of its devices", newLedgerImportCommand(a, false), newLedgerImportCommand(a, true),
		newLedgerListCommand(a), newLedgerShowCommand(a), newLedgerSetCommand(a), newLedgerRemoveCommand(a), newLedgerExportCommand(a),
		newLedgerFillCommand(a), newLedgerDifferencesCommand(a), newLedgerCrossingsCommand(a))
}

// readLedger is the ledger of a store, nil where it has none.
func readLedger(ctx context.Context, st *store.Store) (*ledger.Index, error) {
	rows, err := st.Ledger(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return ledger.NewIndex(ledger.FromStore(rows)), nil
}

// criticality is what the ledger says of a device's importance, for inventory.Options.
func criticality(x *ledger.Index) func(*inventory.Device) (int, bool) {
	if x == nil {
		return nil
	}
	return func(d *inventory.Device) (int, bool) {
		e := x.Device(d)
		if e == nil || e.Cells[ledger.Criticality] == "" {
			return 0, false
		}
		n, err := strconv.Atoi(e.Cells[ledger.Criticality])
		return n, err == nil
	}
}

// level makes of the ledger what inventory asks of a Purdue level: a zone that is one ("Level 2").
func level(x *ledger.Index) func(*inventory.Device) string {
	if x == nil {
		return nil
	}
	return func(d *inventory.Device) string {
		e := x.Device(d)
		if e == nil {
			return ""
		}
		return ledger.Level(e.Cells[ledger.Zone])
	}
}

// presence says of alerts whether the device that they are about is in the ledger.
type presence struct {
	a       *app
	st      *store.Store
	x       *ledger.Index
	devices map[[2]string][]*inventory.Device // by site and address; made when it is needed
}

func (a *app) presence(ctx context.Context, st *store.Store) (*presence, error) {
	x, err := readLedger(ctx, st)
	return &presence{a: a, st: st, x: x}, err
}

// use gives the devices that alerts are about, so that they need not be asked for.
func (p *presence) use(list []inventory.Device) {
	p.devices = map[[2]string][]*inventory.Device{}
	for i := range list {
		d := &list[i]
		for _, end := range deviceEnds(d) {
			k := [2]string{d.Site, end}
			p.devices[k] = append(p.devices[k], d)
		}
	}
}

// alert says whether the alert's source, or its destination where it has none, is in the ledger.
func (p *presence) alert(ctx context.Context, al *store.Alert) (bool, error) {
	mac, ip := al.SrcMAC, al.SrcIP
	if mac == "" && ip == "" {
		mac, ip = al.DstMAC, al.DstIP
	}
	e, sure := p.x.End(al.Site, mac, ip)
	if sure {
		return e != nil, nil
	}
	// The MAC may be a router's that carried the address.
	if p.devices == nil {
		list, _, err := p.a.devices(ctx, p.st, store.Filter{}, true)
		if err != nil {
			return false, err
		}
		p.use(list)
	}
	for _, d := range p.devices[[2]string{al.Site, ip}] {
		if d.MAC == 0 || d.MAC.String() == mac {
			return d.InLedger, nil
		}
	}
	for _, d := range p.devices[[2]string{al.Site, mac}] {
		return d.InLedger && !d.Router, nil
	}
	return false, nil
}

// deviceEnds are the MAC and the addresses of a device.
func deviceEnds(d *inventory.Device) []string {
	var out []string
	if d.MAC != 0 {
		out = append(out, d.MAC.String())
	}
	for _, ip := range d.IPs {
		out = append(out, ip.String())
	}
	return out
}

// ledgerRow is a row of ledger list.
type ledgerRow struct {
	IPs         []string `json:"ips"`
	MAC         string   `json:"mac"`
	Hostname    string   `json:"hostname"`
	Location    string   `json:"location"`
	Department  string   `json:"department"`
	Owner       string   `json:"owner"`
	Vendor      string   `json:"vendor"`
	Model       string   `json:"model"`
	OS          string   `json:"os"`
	Firmware    string   `json:"firmware"`
	Role        string   `json:"role"`
	Zone        string   `json:"zone"`
	Criticality *int     `json:"criticality"`
	Installed   string   `json:"installed"`
	Note        string   `json:"note"`
	Asset       string   `json:"asset"`
	Serial      string   `json:"serial"`
	Flags       []string `json:"flags"`
	FlagsUntil  string   `json:"flags_until"`
	Site        string   `json:"site"`
	State       string   `json:"state"`
}

func toLedgerRow(e *ledger.Entry) ledgerRow {
	c := &e.Cells
	r := ledgerRow{
		IPs: append([]string{}, e.IPs()...), MAC: c[ledger.MAC], Hostname: c[ledger.Hostname], Location: c[ledger.Location], Department: c[ledger.Department],
		Owner: c[ledger.Owner], Vendor: c[ledger.Vendor], Model: c[ledger.Model], OS: c[ledger.OS], Firmware: c[ledger.Firmware], Role: c[ledger.Role], Zone: c[ledger.Zone],
		Installed: c[ledger.Installed], Note: c[ledger.Note], Asset: c[ledger.Asset], Serial: c[ledger.Serial], Flags: append([]string{}, strings.Fields(c[ledger.Flags])...),
		FlagsUntil: c[ledger.FlagsUntil], Site: c[ledger.Site], State: c[ledger.State],
	}
	if n, err := strconv.Atoi(c[ledger.Criticality]); err == nil {
		r.Criticality = &n
	}
	return r
}

// ledgerLine is an entry in a line: what tells people which device it is.
func ledgerLine(r *ledgerRow) string {
	parts := []string{r.Asset, r.Hostname, r.Role, r.Zone, r.Location, r.Department, r.Owner}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " / ")
}

func ledgerTable(a *app) listing[ledgerRow] {
	type row = ledgerRow
	return listing[row]{columns: []column[row]{
		{key: "ips", layout: layout{min: 15}, cell: func(r *row) string { return firstAddress(r.IPs) }},
		{key: "mac", cell: func(r *row) string { return r.MAC }},
		{key: "hostname", layout: layout{min: 8, lines: 3}, cell: func(r *row) string { return r.Hostname }},
		{key: "vendor", layout: layout{min: 10, lines: 2, drop: 3}, cell: func(r *row) string { return shortVendor(r.Vendor) }},
		{key: "role", layout: layout{min: 8, lines: 2, drop: 5}, cell: func(r *row) string { return a.role(r.Role) }},
		{key: "zone", layout: layout{min: 6, lines: 2, drop: 6}, cell: func(r *row) string { return r.Zone }},
		{key: "location", layout: layout{min: 8, lines: 2, drop: 2}, cell: func(r *row) string { return r.Location }},
		{key: "owner", layout: layout{min: 6, lines: 2, drop: 4}, cell: func(r *row) string { return r.Owner }},
		{key: "state", layout: layout{drop: 1}, cell: func(r *row) string { return a.or("ledger.state."+r.State, r.State) }},
	}}
}

// firstAddress is the first of a list and how many more there are.
func firstAddress(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return more(firstIP(list), len(list)-1)
}

// ledgerHelp says which file is wanted.
const ledgerHelp = `

FILE is CSV (UTF-8, UTF-16, Shift_JIS) or .xlsx, - is standard input; its head
names the columns in Japanese or English (docs/ledger.md). Each bad row is named
on standard error as FILE:LINE:COLUMN: what, what was expected; the others are
taken, with --strict none. --dry-run only lists what would be added, changed
and removed.`

const ledgerExitHelp = `

EXIT STATUS
  0  done
  2  wrong usage
  3  bad input: no such file, no ledger, no good row, a bad row with --strict
  4  the system failed (disk, permission)`

type ledgerImportOptions struct {
	listOptions
	strict, dryRun bool
}

func newLedgerImportCommand(a *app, merge bool) *cobra.Command {
	var o ledgerImportOptions
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Make a file the ledger: what is not in it goes",
		Long: `Make a file the ledger: what is not in the file is removed. The store is made
where there is none.` + ledgerHelp + ledgerExitHelp,
		Example: `  osect ledger import --dry-run assets.xlsx
  osect ledger import assets.csv
  osect ledger import --strict assets.csv`,
		Args: wantArgs(1, 1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLedgerImport(cmd.Context(), a, o, merge, args[0])
		},
	}
	if merge {
		cmd.Use, cmd.Short = "merge FILE", "Add a file to the ledger: nothing goes"
		cmd.Long = `Add the devices of a file to the ledger and update those that are in it: by MAC
address, else by IP address (MAC wins over IP). Empty cells leave what is there;
nothing is removed.` + ledgerHelp + ledgerExitHelp
		cmd.Example = `  osect ledger merge --dry-run line3.xlsx
  osect ledger merge line3.csv`
	}
	f := cmd.Flags()
	f.BoolVar(&o.strict, "strict", false, "take nothing if a row is bad")
	f.BoolVar(&o.dryRun, "dry-run", false, "only list what would change")
	o.listOptions.addFlags(f)
	return cmd
}

func runLedgerImport(ctx context.Context, a *app, o ledgerImportOptions, merge bool, path string) (err error) {
	in, err := a.input(path)
	if err != nil {
		return err
	}
	defer in.Close()
	file, err := ledger.Read(in)
	if err != nil {
		return systemErrorf("%s: %w", path, err)
	}
	a.problems(path, file.Problems)
	if file.More > 0 {
		a.complain(a.get("ledger.more-problems", "n", file.More))
	}
	bad := file.Bad
	refused := func() error {
		return quietly(exitInput, "the ledger was refused")
	}
	if file.Refused {
		return refused()
	}
	st, err := a.openWrite(!o.dryRun)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	var changes []ledger.Change
	change := func(old []ledger.Entry) ([]ledger.Entry, error) {
		if !merge {
			var result []ledger.Entry
			result, changes = ledger.Replace(old, file.Entries)
			return result, a.refuse(o.strict, bad, len(file.Entries))
		}
		result, list, problems := ledger.Merge(old, file.Entries)
		changes = list
		a.problems(path, problems)
		for _, p := range problems {
			if !p.Warning {
				bad++
			}
		}
		return result, a.refuse(o.strict, bad, len(file.Entries)+file.Bad-bad)
	}
	if err := a.editLedger(ctx, st, o.dryRun, change); err != nil {
		return err
	}
	return a.printChanges(&o.listOptions, o.dryRun, changes, bad)
}

// refuse says no where rows are bad and may not be, or none is good.
func (a *app) refuse(strict bool, bad, good int) error {
	switch {
	case strict && bad > 0:
		a.complain(a.get("ledger.strict", "n", bad))
	case good == 0:
		a.complain(a.get("ledger.no-good-row"))
	default:
		return nil
	}
	return quietly(exitInput, "the ledger was refused")
}

// editLedger changes the ledger by change, which gets it as it is; with dry it is only called.
func (a *app) editLedger(ctx context.Context, st *store.Store, dry bool, change func([]ledger.Entry) ([]ledger.Entry, error)) error {
	if dry {
		rows, err := st.Ledger(ctx)
		if err != nil {
			return err
		}
		_, err = change(ledger.FromStore(rows))
		return err
	}
	var refused error // told as it is
	err := st.EditLedger(func(rows []store.LedgerRow) ([]store.LedgerRow, error) {
		var entries []ledger.Entry
		entries, refused = change(ledger.FromStore(rows))
		return ledger.ToStore(entries), refused
	})
	return cmp.Or(refused, err)
}

// problems prints what is wrong with a file, a line each; also with --quiet, as errors are.
func (a *app) problems(path string, list []ledger.Problem) {
	for i := range list {
		p := &list[i]
		word := ""
		if p.Warning {
			word = a.get("ledger.warning")
		}
		a.complain(p.Place(path) + ": " + word + p.Text(a.lang))
	}
}

// complain prints a line on standard error.
func (a *app) complain(line string) {
	if a.logFormat == "json" {
		slog.New(slog.NewJSONHandler(a.stderr, nil)).Warn(clean(line))
		return
	}
	fmt.Fprintln(a.stderr, clean(line))
}

// changeRow is a row of what an import changes.
type changeRow struct {
	Change   string   `json:"change"`
	IPs      []string `json:"ips"`
	MAC      string   `json:"mac"`
	Hostname string   `json:"hostname"`
	Cells    []string `json:"cells"` // of a changed one: "zone: A → B"
}

func (a *app) toChangeRow(c *ledger.Change) changeRow {
	e := c.Entry()
	r := changeRow{Change: c.Kind, IPs: append([]string{}, e.IPs()...), MAC: e.MAC(), Hostname: e.Cells[ledger.Hostname], Cells: []string{}}
	for _, col := range c.Columns() {
		r.Cells = append(r.Cells, fmt.Sprintf("%s: %s → %s", col.Key(), cmp.Or(c.Old.Cells[col], "–"), cmp.Or(c.New.Cells[col], "–")))
	}
	return r
}

func changeTable(a *app) listing[changeRow] {
	type row = changeRow
	return listing[row]{columns: []column[row]{
		{key: "change", cell: func(r *row) string { return a.get("ledger.change." + r.Change) }},
		{key: "ips", layout: layout{min: 15}, cell: func(r *row) string { return firstAddress(r.IPs) }},
		{key: "mac", cell: func(r *row) string { return r.MAC }},
		{key: "hostname", layout: layout{min: 8, lines: 3, drop: 1}, cell: func(r *row) string { return r.Hostname }},
		{key: "cells", layout: layout{min: 16, lines: 6}, cell: func(r *row) string { return strings.Join(r.Cells, ", ") }},
	}}
}

// printChanges lists changes where nothing was changed yet, else says how many there were.
func (a *app) printChanges(o *listOptions, dry bool, changes []ledger.Change, bad int) error {
	n := map[string]int{}
	var rows []changeRow
	for i := range changes {
		n[changes[i].Kind]++
		rows = append(rows, a.toChangeRow(&changes[i]))
	}
	sum := a.get("ledger.changed", "added", n[ledger.Added], "changed", n[ledger.Changed], "removed", n[ledger.Removed], "bad", bad)
	if !dry {
		_, err := fmt.Fprintln(a.stdout, sum)
		return err
	}
	if err := changeTable(a).print(a, o, slice(rows)); err != nil {
		return err
	}
	a.note(sum)
	return nil
}

type ledgerListOptions struct {
	listOptions
	sortOption
	address, zone, site, state, find string
}

func newLedgerListCommand(a *app) *cobra.Command {
	var o ledgerListOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the ledger",
		Long: `List the ledger in its order. What osect filled in and nobody confirmed is
marked as observed.` + listHelp + exitStatusHelp,
		Example: `  osect ledger list
  osect ledger list --zone line1 --wide
  osect ledger list --state observed --format csv`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLedgerList(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.address, "address", "", "only the entry of this IP `address` or MAC")
	f.StringVar(&o.zone, "zone", "", "only this `zone`")
	f.StringVar(&o.site, "site", "", "only this `site`")
	f.StringVar(&o.state, "state", "", "only this `state`: confirmed or observed")
	f.StringVar(&o.find, "find", "", "only entries with this `text` in a cell")
	o.sortOption.addFlags(f)
	o.listOptions.addFlags(f)
	return cmd
}

func runLedgerList(ctx context.Context, a *app, o ledgerListOptions) (err error) {
	if err := oneOf("state", o.state, ledger.Confirmed, ledger.SeenOnly); err != nil {
		return err
	}
	address := ""
	if o.address != "" {
		if address, err = ledgerAddress(o.address); err != nil {
			return err
		}
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	stored, err := st.Ledger(ctx)
	if err != nil {
		return err
	}
	var rows []ledgerRow
	entries := ledger.FromStore(stored)
	find := strings.ToLower(o.find)
	for i := range entries {
		e := &entries[i]
		if address != "" && !e.Has(address) || o.zone != "" && e.Cells[ledger.Zone] != o.zone || o.site != "" && e.Cells[ledger.Site] != o.site || o.state != "" && e.Cells[ledger.State] != o.state ||
			find != "" && !slices.ContainsFunc(e.Cells[:], func(c string) bool { return strings.Contains(strings.ToLower(c), find) }) {
			continue
		}
		rows = append(rows, toLedgerRow(e))
	}
	if err := sortRows(&o.sortOption, rows); err != nil {
		return err
	}
	return ledgerTable(a).print(a, &o.listOptions, slice(rows))
}

func ledgerAddress(s string) (string, error) {
	address, ok := ledger.ParseAddress(s)
	if !ok {
		return "", usageErrorf("%q is no IP address and no MAC", s)
	}
	return address, nil
}

// one finds the entry that lists an address; -1 for none.
func oneEntry(entries []ledger.Entry, address, site string) (int, error) {
	found := -1
	for i := range entries {
		e := &entries[i]
		if !e.Has(address) || site != "" && e.Cells[ledger.Site] != site {
			continue
		}
		if found >= 0 {
			return -1, inputErrorf("%s: several entries have this address: name one by its MAC or with --site", address)
		}
		found = i
	}
	return found, nil
}

// ledgerItem is a line of ledger show.
type ledgerItem struct {
	Item     string `json:"item"`
	Ledger   string `json:"ledger"`
	Observed string `json:"observed"`
}

// ledgerDetail is ledger show.
type ledgerDetail struct {
	Ledger      ledgerRow       `json:"ledger"`
	Observed    *deviceRow      `json:"observed"`
	Items       []ledgerItem    `json:"-"` // of the table
	Differences []differenceRow `json:"differences"`
}

type ledgerShowOptions struct {
	where
	format string
}

func newLedgerShowCommand(a *app) *cobra.Command {
	var o ledgerShowOptions
	cmd := &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show one entry beside what was observed",
		Long: `Show all columns of one entry, named by its IP address or MAC, beside what was
observed of the device.` + exitStatusHelp,
		Example: `  osect ledger show 192.168.3.39
  osect ledger show 00:00:5e:00:53:01 --format json`,
		Args: wantArgs(1, 1, "ADDRESS: an IP address or a MAC"),
		RunE: func(cmd *cobra.Command, args []string) error { return runLedgerShow(cmd.Context(), a, o, args[0]) },
	}
	cmd.Flags().StringVar(&o.format, "format", "table", "table or json")
	o.timeRange.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	return cmd
}

func runLedgerShow(ctx context.Context, a *app, o ledgerShowOptions, name string) (err error) {
	if err := checkFormat(o.format, "table", "json"); err != nil {
		return err
	}
	address, err := ledgerAddress(name)
	if err != nil {
		return err
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	x, err := readLedger(ctx, st)
	if err != nil {
		return err
	}
	at := -1
	if x != nil {
		if at, err = oneEntry(x.Entries, address, o.site); err != nil {
			return err
		}
	}
	if at < 0 {
		return inputErrorf("%s: no entry %s in the ledger of %s: see osect ledger list", name, address, a.db)
	}
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	seen, _, err := a.observed(ctx, st, f)
	if err != nil {
		return err
	}
	e := &x.Entries[at]
	d := ledgerDetail{Ledger: toLedgerRow(e), Items: []ledgerItem{}, Differences: []differenceRow{}}
	var device *inventory.Device
	for i := range seen.Devices {
		if x.Device(&seen.Devices[i]) == e && (device == nil || device.LastSeen < seen.Devices[i].LastSeen) {
			device = &seen.Devices[i]
		}
	}
	for _, diff := range ledger.Compare(x, seen, int64(defaultSilent)) {
		if diff.Entry == e {
			d.Differences = append(d.Differences, toDifferenceRow(&diff))
		}
	}
	told := map[ledger.Column]string{}
	if device != nil {
		d.Observed = new(toDeviceRow(device))
		told = ledger.Told(seen, device)
	}
	for c := range ledger.Columns {
		own := e.Cells[c]
		switch c {
		case ledger.State:
			own = a.or("ledger.state."+own, own)
		case ledger.Role:
			own, told[c] = a.role(own), a.role(told[c])
		}
		d.Items = append(d.Items, ledgerItem{c.Title(a.lang), own, told[c]})
	}
	if device != nil {
		for _, t := range []struct {
			key string
			at  int64
		}{{"first_seen", device.FirstSeen}, {"last_seen", device.LastSeen}} {
			d.Items = append(d.Items, ledgerItem{a.heading(t.key), "", a.clock(t.at)})
		}
	}
	if o.format == "json" {
		return printJSON(a.stdout, d)
	}
	type row = ledgerItem
	l := listOptions{format: "table"}
	err = listing[row]{columns: []column[row]{
		{key: "ledger_item", cell: func(r *row) string { return r.Item }},
		{key: "ledger", layout: layout{min: 10, lines: 6}, cell: func(r *row) string { return r.Ledger }},
		{key: "observed", layout: layout{min: 10, lines: 6}, cell: func(r *row) string { return r.Observed }},
	}}.print(a, &l, slice(d.Items))
	if err != nil || len(d.Differences) == 0 {
		return err
	}
	a.title("ledger.title.differences")
	for _, r := range d.Differences {
		a.bullet("  ", a.difference(&r))
	}
	return nil
}

// difference says in words what differs.
func (a *app) difference(r *differenceRow) string {
	return a.get("ledger.difference."+r.Kind) + a.get("ledger.difference-values", "ledger", cmp.Or(r.Ledger, "–"), "observed", cmp.Or(r.Observed, "–"))
}

// observed is what was seen, for the ledger's comparisons.
func (a *app) observed(ctx context.Context, st *store.Store, f store.Filter) (*ledger.Observed, []inventory.Link, error) {
	f.Address = ""
	devices, in, err := a.devices(ctx, st, f, false)
	if err != nil {
		return nil, nil, err
	}
	o := &ledger.Observed{Devices: devices, Facts: in.Facts}
	sensors, err := st.Sensors(ctx)
	for _, s := range sensors {
		if s.Minutes > 0 && (f.Site == "" || f.Site == s.Site) {
			o.Newest = max(o.Newest, int64(s.Last))
		}
	}
	if f.To != 0 {
		o.Newest = min(o.Newest, f.To)
	}
	return o, in.Links, err
}

func newLedgerSetCommand(a *app) *cobra.Command {
	var site string
	cmd := &cobra.Command{
		Use:   "set ADDRESS COLUMN=VALUE...",
		Short: "Change cells of an entry, or make one",
		Long: `Change cells of the entry with this IP address or MAC, or make one. Columns are
named as in the ledger's files, in Japanese or English; an empty value clears
the cell. The entry is confirmed by that, unless state=observed is given. The
store is made where there is none.` + exitStatusHelp,
		Example: `  osect ledger set 192.168.3.39 owner=Tanaka zone=line1
  osect ledger set 00:00:5e:00:53:01 flags=scanner flags_until=2026-12-31
  osect ledger set 192.168.3.39 note=`,
		Args: wantArgs(2, -1, "ADDRESS and COLUMN=VALUE"),
		RunE: func(cmd *cobra.Command, args []string) error { return runLedgerSet(cmd.Context(), a, site, args) },
	}
	cmd.Flags().StringVar(&site, "site", "", "the entry of this site")
	return cmd
}

func runLedgerSet(ctx context.Context, a *app, site string, args []string) (err error) {
	address, err := ledgerAddress(args[0])
	if err != nil {
		return err
	}
	cells := map[ledger.Column]string{}
	for _, s := range args[1:] {
		name, value, ok := strings.Cut(s, "=")
		c, known := ledger.ParseColumn(name)
		switch _, twice := cells[c]; {
		case !ok:
			return usageErrorf("%q: want COLUMN=VALUE", s)
		case !known:
			return usageErrorf("%q is no column of the ledger: use one of %s", name, strings.Join(store.LedgerColumns, ", "))
		case twice:
			return usageErrorf("%s is given twice", c.Key())
		}
		cells[c] = value
	}
	if _, given := cells[ledger.State]; !given {
		cells[ledger.State] = ledger.Confirmed
	}
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	var changes []ledger.Change
	err = a.editLedger(ctx, st, false, func(old []ledger.Entry) ([]ledger.Entry, error) {
		at, err := oneEntry(old, address, site)
		if err != nil {
			return nil, err
		}
		var e ledger.Entry
		if at >= 0 {
			e = old[at]
		} else {
			c := ledger.IP
			if strings.Count(address, ":") == 5 && len(address) == len("00:00:00:00:00:00") {
				c = ledger.MAC
			}
			e.Cells[c], e.Cells[ledger.Site] = address, site
		}
		if p := ledger.Set(&e, cells); p != nil {
			return nil, inputErrorf("%s: %s", address, p.Text(a.lang))
		}
		// What another entry has already is no change of this one.
		for i := range old {
			o := &old[i]
			if i == at || o.Cells[ledger.Site] != e.Cells[ledger.Site] {
				continue
			}
			if m := e.MAC(); m != "" && m == o.MAC() {
				return nil, inputErrorf("%s: the entry %s has this MAC already: remove one of them", m, o.Name())
			}
			for _, ip := range e.IPs() {
				if o.Has(ip) && (e.MAC() == "" || o.MAC() == "") {
					return nil, inputErrorf("%s: the entry %s has this address already, and one of the two has no MAC: remove one of them", ip, o.Name())
				}
			}
		}
		result := slices.Clone(old)
		if at < 0 {
			result = append(result, e)
			changes = []ledger.Change{{Kind: ledger.Added, New: &e}}
			return result, nil
		}
		result[at] = e
		if e.Cells != old[at].Cells {
			changes = []ledger.Change{{Kind: ledger.Changed, Old: &old[at], New: &e}}
		}
		return result, nil
	})
	if err != nil {
		return err
	}
	return a.printChanges(&listOptions{}, false, changes, 0)
}

func newLedgerRemoveCommand(a *app) *cobra.Command {
	var site string
	var all bool
	cmd := &cobra.Command{
		Use:   "remove ADDRESS... | --all",
		Short: "Remove entries",
		Long: `Remove the entries with these IP addresses or MACs, or the whole ledger with
--all.` + exitStatusHelp,
		Example: `  osect ledger remove 192.168.3.39 00:00:5e:00:53:01
  osect ledger remove --all`,
		Args: wantArgs(0, -1, "ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) > 0) {
				return usageErrorf("say which: ADDRESS..., or --all")
			}
			return runLedgerRemove(cmd.Context(), a, site, all, args)
		},
	}
	cmd.Flags().StringVar(&site, "site", "", "the entry of this site")
	cmd.Flags().BoolVar(&all, "all", false, "the whole ledger")
	return cmd
}

func runLedgerRemove(ctx context.Context, a *app, site string, all bool, names []string) (err error) {
	var addresses []string
	for _, s := range names {
		address, err := ledgerAddress(s)
		if err != nil {
			return err
		}
		addresses = append(addresses, address)
	}
	st, err := a.openWrite(false)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	var changes []ledger.Change
	err = a.editLedger(ctx, st, false, func(old []ledger.Entry) ([]ledger.Entry, error) {
		gone := map[int]bool{}
		for _, address := range addresses {
			at, err := oneEntry(old, address, site)
			if err != nil {
				return nil, err
			}
			if at < 0 {
				return nil, inputErrorf("%s: no such entry in the ledger of %s: see osect ledger list", address, a.db)
			}
			gone[at] = true
		}
		var kept []ledger.Entry
		for i := range old {
			if all || gone[i] {
				changes = append(changes, ledger.Change{Kind: ledger.Removed, Old: &old[i]})
			} else {
				kept = append(kept, old[i])
			}
		}
		return kept, nil
	})
	if err != nil {
		return err
	}
	return a.printChanges(&listOptions{}, false, changes, 0)
}

func newLedgerExportCommand(a *app) *cobra.Command {
	var xlsx string
	var bom bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write the ledger as CSV or as a workbook",
		Long: `Write the ledger with all its columns to standard output as CSV, or to a file as
a workbook. Heads are in the language of --lang. What import reads of it is the
same ledger, and exported again the same bytes. A cell that a spreadsheet would
take for a formula has an apostrophe before it in CSV and is a text in XLSX.` + exitStatusHelp,
		Example: `  osect ledger export --bom > ledger.csv
  osect ledger export --lang en --xlsx ledger.xlsx`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runLedgerExport(cmd.Context(), a, xlsx, bom) },
	}
	cmd.Flags().StringVar(&xlsx, "xlsx", "", "write a workbook to this `file`")
	cmd.Flags().BoolVar(&bom, "bom", false, "begin CSV with a byte order mark, for Excel")
	return cmd
}

func runLedgerExport(ctx context.Context, a *app, xlsx string, bom bool) (err error) {
	if xlsx != "" && bom {
		return usageErrorf("--bom is for CSV")
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	rows, err := st.Ledger(ctx)
	if err != nil {
		return err
	}
	entries := ledger.FromStore(rows)
	if xlsx == "" {
		if err := ledger.WriteCSV(a.stdout, entries, a.lang, bom); err != nil {
			return fmt.Errorf("standard output: %w", err)
		}
		return nil
	}
	if err := writeFile(xlsx, func(w io.Writer) error { return ledger.WriteXLSX(w, entries, a.lang) }); err != nil {
		return err
	}
	a.note(a.get("cli.written", "path", xlsx))
	return nil
}

type ledgerFillOptions struct {
	listOptions
	where
	dryRun bool
}

func newLedgerFillCommand(a *app) *cobra.Command {
	var o ledgerFillOptions
	cmd := &cobra.Command{
		Use:   "fill",
		Short: "Write entries for the devices that were observed",
		Long: `Write an entry, marked observed, for each device that was observed and is in no
entry, and bring entries that are marked so up to date. What somebody confirmed
stays as it is. An entry is confirmed by osect ledger set, import or merge.` + exitStatusHelp,
		Example: `  osect ledger fill --dry-run
  osect ledger fill
  osect ledger fill --from 7d-ago --site osaka`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLedgerFill(cmd.Context(), a, o)
		},
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only list what would change")
	o.where.addFlags(cmd.Flags())
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func runLedgerFill(ctx context.Context, a *app, o ledgerFillOptions) (err error) {
	st, err := a.openWrite(false)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	seen, _, err := a.observed(ctx, st, f)
	if err != nil {
		return err
	}
	if o.address != "" {
		seen.Devices = slices.DeleteFunc(seen.Devices, func(d inventory.Device) bool { return !isDevice(&d, o.address) })
	}
	var changes []ledger.Change
	err = a.editLedger(ctx, st, o.dryRun, func(old []ledger.Entry) (result []ledger.Entry, err error) {
		result, changes = ledger.Fill(old, seen)
		return result, nil
	})
	if err != nil {
		return err
	}
	return a.printChanges(&o.listOptions, o.dryRun, changes, 0)
}

// differenceRow is a row of ledger differences.
type differenceRow struct {
	Kind     string      `json:"kind"`
	IPs      []string    `json:"ips"`
	MAC      string      `json:"mac"`
	Hostname string      `json:"hostname"`
	Ledger   string      `json:"ledger"`
	Observed string      `json:"observed"`
	LastSeen *store.Time `json:"last_seen"`
	Site     string      `json:"site"`
}

func toDifferenceRow(d *ledger.Difference) differenceRow {
	r := differenceRow{Kind: d.Kind, IPs: []string{}, Ledger: d.Ledger, Observed: d.Observed}
	if x := d.Device; x != nil {
		at := store.Time(x.LastSeen)
		r.LastSeen, r.Site, r.Hostname = &at, x.Site, x.Hostname
		if x.MAC != 0 {
			r.MAC = x.MAC.String()
		}
		for _, ip := range x.IPs {
			r.IPs = append(r.IPs, ip.String())
		}
	}
	if e := d.Entry; e != nil {
		r.Hostname = cmp.Or(e.Cells[ledger.Hostname], r.Hostname)
		r.Site = cmp.Or(r.Site, e.Cells[ledger.Site])
		if d.Device == nil {
			r.IPs, r.MAC = append(r.IPs, e.IPs()...), e.MAC()
		}
	}
	return r
}

// defaultSilent is after which time without a packet a device of the ledger is silent.
const defaultSilent = 7 * 24 * time.Hour

type ledgerDifferencesOptions struct {
	listOptions
	where
	silent string
	kind   string
}

func newLedgerDifferencesCommand(a *app) *cobra.Command {
	var o ledgerDifferencesOptions
	cmd := &cobra.Command{
		Use:   "differences",
		Short: "List where ledger and observation differ",
		Long: `List where the ledger and what was observed differ: unknown (a device in no
entry), missing (an entry never seen), mac (another MAC uses an entry's
address), address, vendor, os, firmware (the ledger says another), silent (not
seen for long).` + listHelp + exitStatusHelp,
		Example: `  osect ledger differences
  osect ledger differences --kind unknown --format csv
  osect ledger differences --silent-after 30d`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLedgerDifferences(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.kind, "kind", "", "only this `kind`, such as unknown")
	f.StringVar(&o.silent, "silent-after", "7d", "a device is silent when it was not seen for this `time`, such as 12h or 7d")
	o.where.addFlags(f)
	o.listOptions.addFlags(f)
	return cmd
}

func runLedgerDifferences(ctx context.Context, a *app, o ledgerDifferencesOptions) (err error) {
	if err := oneOf("kind", o.kind, ledger.DiffKinds...); err != nil {
		return err
	}
	silent, ok := parseAgo(o.silent + "-ago")
	if !ok || silent <= 0 {
		return usageErrorf("--silent-after %q: want a time such as 12h or 7d", o.silent)
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	x, err := a.wantLedger(ctx, st)
	if err != nil {
		return err
	}
	if o.site != "" {
		x = ofSite(x, o.site)
	}
	seen, _, err := a.observed(ctx, st, f)
	if err != nil {
		return err
	}
	var rows []differenceRow
	for _, d := range ledger.Compare(x, seen, int64(silent)) {
		if o.kind != "" && d.Kind != o.kind || o.address != "" && !(d.Device != nil && isDevice(d.Device, o.address) || d.Entry != nil && d.Entry.Has(o.address)) {
			continue
		}
		rows = append(rows, toDifferenceRow(&d))
	}
	return differenceTable(a).print(a, &o.listOptions, slice(rows))
}

// wantLedger is the ledger of a store that has one.
func (a *app) wantLedger(ctx context.Context, st *store.Store) (*ledger.Index, error) {
	x, err := readLedger(ctx, st)
	if err == nil && x == nil {
		err = inputErrorf("%s: the ledger is empty: bring one with osect ledger import, or begin one with osect ledger fill", a.db)
	}
	return x, err
}

// ofSite is the part of a ledger that is of a site, or of any.
func ofSite(x *ledger.Index, site string) *ledger.Index {
	return ledger.NewIndex(slices.DeleteFunc(slices.Clone(x.Entries), func(e ledger.Entry) bool { return e.Cells[ledger.Site] != "" && e.Cells[ledger.Site] != site }))
}

func differenceTable(a *app) listing[differenceRow] {
	type row = differenceRow
	return listing[row]{columns: []column[row]{
		{key: "kind", layout: layout{min: 8, lines: 2}, cell: func(r *row) string { return a.get("ledger.difference." + r.Kind) }},
		{key: "ips", layout: layout{min: 15}, cell: func(r *row) string { return firstAddress(r.IPs) }},
		{key: "mac", layout: layout{drop: 3}, cell: func(r *row) string { return r.MAC }},
		{key: "hostname", layout: layout{min: 8, lines: 3, drop: 2}, cell: func(r *row) string { return r.Hostname }},
		{key: "ledger", layout: layout{min: 10, lines: 4}, cell: func(r *row) string { return r.Ledger }},
		{key: "observed", layout: layout{min: 10, lines: 4}, cell: func(r *row) string { return r.Observed }},
		{key: "last_seen", layout: layout{min: 10, lines: 2, drop: 1}, cell: func(r *row) string {
			if r.LastSeen == nil {
				return ""
			}
			return a.clock(int64(*r.LastSeen))
		}},
	}}
}

// crossingRow is a row of ledger crossings.
type crossingRow struct {
	ClientZone     string `json:"client_zone"`
	ServerZone     string `json:"server_zone"`
	Client         string `json:"client"`
	ClientHostname string `json:"client_hostname"`
	Server         string `json:"server"`
	ServerHostname string `json:"server_hostname"`
	Proto          string `json:"proto"`
	Port           uint16 `json:"port"`
	Service        string `json:"service"`
	Packets        uint64 `json:"packets"`
	Bytes          uint64 `json:"bytes"`
	Site           string `json:"site"`
}

type ledgerCrossingsOptions struct {
	listOptions
	where
}

func newLedgerCrossingsCommand(a *app) *cobra.Command {
	var o ledgerCrossingsOptions
	cmd := &cobra.Command{
		Use:   "crossings",
		Short: "List what passes between the ledger's zones",
		Long: `List what passes between devices of different zones of the ledger: what a
firewall between the zones would have to know (conduits of IEC 62443). Traffic
with a device without a zone is left out.` + listHelp + exitStatusHelp,
		Example: `  osect ledger crossings
  osect ledger crossings --from 7d-ago --format csv`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLedgerCrossings(cmd.Context(), a, o)
		},
	}
	o.where.addFlags(cmd.Flags())
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func runLedgerCrossings(ctx context.Context, a *app, o ledgerCrossingsOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	x, err := a.wantLedger(ctx, st)
	if err != nil {
		return err
	}
	seen, links, err := a.observed(ctx, st, f)
	if err != nil {
		return err
	}
	var rows []crossingRow
	for _, c := range ledger.Crossings(x, seen, links) {
		if o.address != "" && c.Client != o.address && c.Server != o.address {
			continue
		}
		rows = append(rows, crossingRow{ClientZone: c.ClientZone, ServerZone: c.ServerZone, Client: c.Client, ClientHostname: c.ClientName, Server: c.Server, ServerHostname: c.ServerName,
			Proto: protoName(c.Link.Proto, c.Link.Client), Port: c.Link.ServerPort, Service: c.Link.Service, Packets: c.Packets, Bytes: c.Bytes, Site: c.Site})
	}
	type row = crossingRow
	return listing[row]{columns: []column[row]{
		{key: "client_zone", layout: layout{min: 6, lines: 2}, cell: func(r *row) string { return r.ClientZone }},
		{key: "server_zone", layout: layout{min: 6, lines: 2}, cell: func(r *row) string { return r.ServerZone }},
		{key: "client", layout: layout{min: 15, lines: 2}, cell: func(r *row) string { return cmp.Or(r.ClientHostname, r.Client) }},
		{key: "server", layout: layout{min: 15, lines: 2}, cell: func(r *row) string { return cmp.Or(r.ServerHostname, r.Server) }},
		{key: "service", layout: layout{min: 8, lines: 3}, cell: func(r *row) string { return a.serviceText(r.Proto, r.Port, r.Service) }},
		{key: "bytes", layout: layout{right: true, drop: 1}, cell: func(r *row) string { return human(r.Bytes) }},
	}}.print(a, &o.listOptions, slice(rows))
}
