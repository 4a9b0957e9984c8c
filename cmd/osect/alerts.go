package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/user"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/capture"
	"osect/detect"
	"osect/pipeline"
	"osect/store"
	"osect/text"
)

// alertRow is a row of alerts list.
type alertRow struct {
	ID        string     `json:"id"`
	Kind      string     `json:"kind"`
	Subkind   string     `json:"subkind"`
	Severity  string     `json:"severity"`
	FirstSeen store.Time `json:"first_seen"`
	LastSeen  store.Time `json:"last_seen"`
	Count     uint64     `json:"count"`
	SrcIP     string     `json:"src_ip"`
	SrcMAC    string     `json:"src_mac"`
	DstIP     string     `json:"dst_ip"`
	DstMAC    string     `json:"dst_mac"`
	Summary   string     `json:"summary"`
	Reason    string     `json:"reason"`
	Action    string     `json:"action"`
	Technique string     `json:"technique"`
	InLedger  bool       `json:"in_ledger"`
	Site      string     `json:"site"`
	Sensor    string     `json:"sensor"`
	State     string     `json:"state"`
}

func toAlertRow(lang text.Lang, al *store.Alert) alertRow {
	return alertRow{
		ID: al.ID, Kind: string(al.Kind), Subkind: al.Subkind, Severity: string(al.Severity),
		FirstSeen: store.Time(al.First), LastSeen: store.Time(al.Last), Count: al.Count,
		SrcIP: al.SrcIP, SrcMAC: al.SrcMAC, DstIP: al.DstIP, DstMAC: al.DstMAC,
		Summary: message(lang, &al.Alert, "summary"), Reason: message(lang, &al.Alert, "reason"), Action: message(lang, &al.Alert, "action"),
		Technique: al.Technique, Site: al.Site, Sensor: al.Sensor, State: al.State,
	}
}

// message is a part of an alert's message in a language.
func message(lang text.Lang, al *detect.Alert, part string) string {
	var args []any
	for _, x := range al.Args {
		v := x.Value
		switch {
		case x.Name == "class":
			v = text.Or(lang, "ot.class."+v, v)
		case x.Name == "window":
			if n, unit, ok := strings.Cut(v, " "); ok {
				v = text.Get(lang, "alert.window."+unit, "n", n)
			}
		case x.Name == "cell":
			v = text.Or(lang, "alert.cell."+v, v)
		case x.Name == "source": // of an end of support
			v = text.Or(lang, "alert.source."+v, v)
		case x.Name == "mode":
			v = text.Or(lang, "cli.statistics."+v, v)
		case x.Name == "statistics":
			v = statisticNames(lang, v)
		case v == detect.Internet:
			v = text.Get(lang, "device.internet")
		case v == "–" && x.Name == "vendor":
			v = text.Get(lang, "device.vendor.unknown")
		case v == "–" && (x.Name == "learned" || x.Name == "ips" || x.Name == "mac"):
			v = text.Get(lang, "cli.word.none") // of code and function the dash stays
		case v == "yes" || v == "no":
			v = text.Get(lang, "cli.word."+v)
		default: // a protocol, or one with the code of a function
			if name, rest, _ := strings.Cut(v, " "); text.Has("ot.protocol." + name) {
				v = strings.TrimRight(text.Get(lang, "ot.protocol."+name)+" "+rest, " ")
			}
		}
		args = append(args, x.Name, v)
	}
	key := al.MessageKey(part)
	if !text.Has(key) && part != "summary" {
		return ""
	}
	s := text.Get(lang, key, args...)
	if part == "reason" && slices.ContainsFunc(al.Args, func(x detect.Arg) bool { return x.Name == "ledger" }) {
		s += text.Get(lang, "ledger.raised")
	}
	return s
}

type alertsOptions struct {
	listOptions
	where
	kind, state, severity string
}

func newAlertsCommand(a *app) *cobra.Command {
	var o alertsOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List alerts",
		Long: `List alerts, the newest last; with a limit the newest. What repeats is one alert
whose count and last time grow. Texts are in the language of --lang.` + listHelp + exitStatusHelp,
		Example: `  osect alerts list
  osect alerts list --severity critical --state new
  osect alerts list --kind ot-ip --from 24h-ago --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runAlertsList(cmd.Context(), a, o)
		},
	}
	o.addFilterFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("alerts", "Alerts: what was not normal", list, newAlertsShowCommand(a),
		newAlertsAckCommand(a), newAlertsAcceptCommand(a), newAlertsExcludeCommand(a), newAlertsNoteCommand(a), newAlertsExportCommand(a), newAlertsPcapCommand(a))
}

func (o *alertsOptions) addFilterFlags(f *pflag.FlagSet) {
	f.StringVar(&o.kind, "kind", "", "only of this detector, such as `ot-ip`")
	f.StringVar(&o.severity, "severity", "", "only this `severity`: low, medium, high or critical")
	f.StringVar(&o.state, "state", "", "only this `state`: new, acknowledged, accepted or excluded")
	o.where.addFlags(f)
}

// checkWords refuses kinds, severities and states that there are none of.
func (o *alertsOptions) checkWords() error {
	if err := checkKind(o.kind); err != nil {
		return err
	}
	if err := oneOf("severity", detect.Severity(o.severity), detect.Severities...); err != nil {
		return err
	}
	return oneOf("state", o.state, store.AlertNew, store.AlertAcknowledged, store.AlertAccepted, store.AlertExcluded)
}

// filter is that of where, and what an alert is.
func (o *alertsOptions) filter(ctx context.Context, st *store.Store) (store.Filter, error) {
	f, err := o.where.filter(ctx, st)
	f.Kind, f.State, f.Severity = o.kind, o.state, o.severity
	return f, err
}

func runAlertsList(ctx context.Context, a *app, o alertsOptions) (err error) {
	if err := o.checkWords(); err != nil {
		return err
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
	known, err := a.presence(ctx, st)
	if err != nil {
		return err
	}
	return alertTable(a).print(a, &o.listOptions, func(limit int, fn func(*alertRow) error) (bool, error) {
		f.Limit = limit
		rows, more, err := st.Alerts(ctx, f)
		for i := range rows {
			if err == nil {
				r := toAlertRow(a.lang, &rows[i])
				if r.InLedger, err = known.alert(ctx, &rows[i]); err == nil {
					err = fn(&r)
				}
			}
		}
		return more, err
	})
}

// shortID is how much of an id a table shows: enough for show, ack and the others.
const shortID = 8

func alertTable(a *app) listing[alertRow] {
	type row = alertRow
	return listing[row]{columns: []column[row]{
		{key: "id", cell: func(r *row) string { return r.ID[:min(shortID, len(r.ID))] }},
		{key: "severity", cell: func(r *row) string { return a.get("alert.severity." + r.Severity) }, colour: func(r *row) string { return severityColours[r.Severity] }},
		{key: "last_seen", layout: layout{min: 10}, cell: func(r *row) string { return a.clock(int64(r.LastSeen)) }},
		{key: "count", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Count, 10) }},
		{key: "kind", layout: layout{wide: true, drop: 2}, cell: func(r *row) string { return a.get("alert.kind." + r.Kind) }},
		{key: "state", layout: layout{wide: true, drop: 1}, cell: func(r *row) string { return a.get("alert.state." + r.State) }},
		{key: "summary", layout: layout{min: 36, lines: 4}, cell: func(r *row) string { return r.Summary }},
	}}
}

// alertExportRow is a row of alerts export: all that alerts list and alerts show have.
type alertExportRow struct {
	alertRow
	Frames []string `json:"frames"` // path:number
	Notes  []string `json:"notes"`  // time author: text
}

func newAlertsExportCommand(a *app) *cobra.Command {
	var o alertsOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all alerts with all they have, as CSV or JSON",
		Long: `Write all alerts to standard output with all they have: reason, what to do, the
frames that show them, and notes. Texts are in the language of --lang. In CSV a
text that a spreadsheet would take for a formula has an apostrophe before it.` + exitStatusHelp,
		Example: `  osect alerts export --bom > alerts.csv
  osect alerts export --format json --severity high`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFormat(o.format, "csv", "json"); err != nil {
				return err
			}
			o.all = true
			if err := o.check(false); err != nil {
				return err
			}
			return runAlertsExport(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.format, "format", "csv", "csv or json")
	cmd.Flags().BoolVar(&o.bom, "bom", false, "begin CSV with a byte order mark, for Excel")
	o.addFilterFlags(cmd.Flags())
	return cmd
}

func runAlertsExport(ctx context.Context, a *app, o alertsOptions) (err error) {
	if err := o.checkWords(); err != nil {
		return err
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
	paths, err := capturePaths(ctx, st)
	if err != nil {
		return err
	}
	alerts, _, err := st.Alerts(ctx, f)
	if err != nil {
		return err
	}
	known, err := a.presence(ctx, st)
	if err != nil {
		return err
	}
	rows := make([]alertExportRow, len(alerts))
	for i := range alerts {
		al, err := st.Alert(ctx, alerts[i].ID) // with its notes
		if err != nil {
			return err
		}
		rows[i] = alertExportRow{alertRow: toAlertRow(a.lang, &al), Frames: []string{}, Notes: []string{}}
		if rows[i].InLedger, err = known.alert(ctx, &al); err != nil {
			return err
		}
		for _, r := range al.Refs {
			rows[i].Frames = append(rows[i].Frames, paths[r.Capture]+":"+strconv.FormatInt(r.Number, 10))
		}
		for _, n := range al.Notes {
			rows[i].Notes = append(rows[i].Notes, n.At.String()+" "+n.Author+": "+n.Text)
		}
	}
	return listing[alertExportRow]{}.print(a, &o.listOptions, slice(rows))
}

// capturePaths are the captures of the store by id.
func capturePaths(ctx context.Context, st *store.Store) (map[int64]string, error) {
	captures, err := st.Captures(ctx)
	paths := map[int64]string{}
	for _, c := range captures {
		paths[c.ID] = c.Path
	}
	return paths, err
}

// alertDetail is alerts show.
type alertDetail struct {
	alertRow
	Args  []detect.Arg `json:"args"`
	Refs  []refRow     `json:"frames"`
	Notes []store.Note `json:"notes"`
}

// refRow names a frame that shows what the alert says.
type refRow struct {
	Path   string     `json:"path"`
	Number int64      `json:"number"`
	Time   store.Time `json:"time"`
}

func newAlertsShowCommand(a *app) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one alert: what, who, when, why, what to do, and the frames",
		Long: `Show one alert: what, who, when, why, what to do, the frames that show it, and
notes. ID may be cut as long as it is one alert's.` + exitStatusHelp,
		Example: `  osect alerts show 3f2a91c04b7d
  osect alerts show 3f2a --format json`,
		Args: wantArgs(1, 1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error { return runAlertsShow(cmd.Context(), a, format, args[0]) },
	}
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func runAlertsShow(ctx context.Context, a *app, format, id string) (err error) {
	if err := checkFormat(format, "table", "json"); err != nil {
		return err
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	al, err := findAlert(ctx, st, id)
	if err != nil {
		return err
	}
	paths, err := capturePaths(ctx, st)
	if err != nil {
		return err
	}
	d := alertDetail{alertRow: toAlertRow(a.lang, &al), Args: append([]detect.Arg{}, al.Args...), Refs: []refRow{}, Notes: append([]store.Note{}, al.Notes...)}
	known, err := a.presence(ctx, st)
	if err != nil {
		return err
	}
	if d.InLedger, err = known.alert(ctx, &al); err != nil {
		return err
	}
	for _, r := range al.Refs {
		d.Refs = append(d.Refs, refRow{Path: paths[r.Capture], Number: r.Number, Time: store.Time(r.Time)})
	}
	if format == "json" {
		return printJSON(a.stdout, d)
	}
	return printAlert(a, &d)
}

// findAlert gets an alert by its id or the beginning of it.
func findAlert(ctx context.Context, st *store.Store, id string) (store.Alert, error) {
	al, err := st.Alert(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return al, fmt.Errorf("%w: see osect alerts list", err)
	}
	return al, err
}

func printAlert(a *app, d *alertDetail) error {
	var rows [][2]string
	add := func(key, value string) {
		if value != "" {
			rows = append(rows, [2]string{a.get("column." + key), value})
		}
	}
	add("summary", d.Summary)
	add("severity", a.get("alert.severity."+d.Severity))
	add("reason", d.Reason)
	add("action", d.Action)
	add("src", strings.TrimSpace(d.SrcIP+" "+d.SrcMAC))
	add("dst", strings.TrimSpace(d.DstIP+" "+d.DstMAC))
	add("in_ledger", a.get("device.in-ledger."+map[bool]string{true: "yes", false: "no"}[d.InLedger]))
	add("first_seen", a.clock(int64(d.FirstSeen)))
	add("last_seen", a.clock(int64(d.LastSeen)))
	add("count", strconv.FormatUint(d.Count, 10))
	add("kind", a.get("alert.kind."+d.Kind)+" ("+d.Subkind+")")
	add("technique", d.Technique)
	add("site", d.Site)
	add("sensor", d.Sensor)
	add("state", a.get("alert.state."+d.State))
	add("id", d.ID)
	if err := a.pairs(rows); err != nil {
		return err
	}
	if len(d.Refs) > 0 {
		a.title("cli.title.frames")
		for _, r := range d.Refs {
			if r.Path == "" { // of a live capture
				fmt.Fprintf(a.stdout, "  %s  osect alerts pcap %s\n", a.clock(int64(r.Time)), d.ID)
				continue
			}
			fmt.Fprintf(a.stdout, "  %s  %s -n %d\n", a.clock(int64(r.Time)), clean(r.Path), r.Number)
		}
	}
	if len(d.Notes) > 0 {
		a.title("cli.title.notes")
		for _, n := range d.Notes {
			a.bullet("  "+a.clock(int64(n.At))+"  ", n.Author+": "+n.Text)
		}
	}
	return nil
}

func newAlertsAckCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "ack ID...",
		Short:   "Mark alerts as seen",
		Long:    `Mark alerts as seen (acknowledged). What they are about stays abnormal.` + exitStatusHelp,
		Example: `  osect alerts ack 3f2a91c04b7d 88aa`,
		Args:    wantArgs(1, -1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachAlert(cmd.Context(), args, func(st *store.Store, al *store.Alert) error { return st.AckAlert(al.ID) })
		},
	}
}

func newAlertsAcceptCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "accept ID...",
		Short: "Accept alerts: what they are about is normal from now on",
		Long: `Accept alerts: what they are about is added to the learned rows by hand and is
normal from now on. An alert that stands for many findings, or of
ip-statistics, cannot be accepted so: learn that time again (osect learn --from
--to). One of vulnerable-device can only be excluded (osect alerts exclude).
Where one of several cannot be accepted, none is.` + exitStatusHelp,
		Example: `  osect alerts accept 3f2a91c04b7d`,
		Args:    wantArgs(1, -1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			// All are looked at before one is accepted: a command does all or nothing.
			for _, do := range []func(*store.Store, *store.Alert) error{
				func(_ *store.Store, al *store.Alert) error { return acceptable(al) },
				func(st *store.Store, al *store.Alert) error { return st.AcceptAlert(al.ID, al.AcceptRows()) },
			} {
				if err := a.eachAlert(cmd.Context(), args, do); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// acceptable says why an alert cannot be accepted, and what to do then; nil where it can.
func acceptable(al *store.Alert) error {
	switch {
	case len(al.AcceptRows()) > 0:
		return nil
	case al.Kind == detect.VulnerableDevice:
		return inputErrorf("alert %s: %s learns nothing: exclude the device with osect alerts exclude %s", al.ID, al.Kind, al.ID[:min(shortID, len(al.ID))])
	}
	return inputErrorf("alert %s cannot be accepted by a row: learn that time again with osect learn --from --to", al.ID)
}

func newAlertsNoteCommand(a *app) *cobra.Command {
	var author string
	cmd := &cobra.Command{
		Use:     "note ID TEXT",
		Short:   "Write a note at an alert",
		Long:    `Write a note at an alert; osect alerts show prints it.` + exitStatusHelp,
		Example: `  osect alerts note 3f2a91c04b7d "asked the line's engineer"`,
		Args:    wantArgs(2, 2, "ID and TEXT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(args[1]) == "" {
				return usageErrorf("the note is empty")
			}
			by := author
			if u, err := user.Current(); by == "" && err == nil {
				by = cmp.Or(u.Username, u.Uid)
			}
			return a.eachAlert(cmd.Context(), args[:1], func(st *store.Store, al *store.Alert) error {
				return st.AddNote(al.ID, by, args[1])
			})
		},
	}
	cmd.Flags().StringVar(&author, "author", "", "`name` of the writer (default: the user)")
	return cmd
}

// eachAlert does something with each of the alerts; all are looked up first.
func (a *app) eachAlert(ctx context.Context, ids []string, do func(*store.Store, *store.Alert) error) (err error) {
	st, err := a.openWrite(false)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	var alerts []store.Alert
	for _, id := range ids {
		al, err := findAlert(ctx, st, id)
		if err != nil {
			return err
		}
		alerts = append(alerts, al)
	}
	for i := range alerts {
		if err := do(st, &alerts[i]); err != nil {
			return err
		}
	}
	return nil
}

func newAlertsPcapCommand(a *app) *cobra.Command {
	var out, captures string
	cmd := &cobra.Command{
		Use:   "pcap ID",
		Short: "Write the frames that show an alert as a capture",
		Long: `Write the frames that show an alert as a capture (pcapng): those that the alert
names, and others between its ends from 5 s before the first to 5 s after the
last. ID may be cut as long as it is one alert's.

Of captures in files the frames are read again from there; the file must be
what it was (size and SHA-256). Where it has been moved, name the folder that
it is in now with --captures. Of a live capture they are what was kept when
the alert was raised: at most 64 KB an alert and 256 MB in all.` + exitStatusHelp,
		Example: `  osect alerts pcap 3f2a91c04b7d
  osect alerts pcap 3f2a -o evidence.pcapng
  osect alerts pcap 3f2a --captures /mnt/case7 -o - | tshark -r -`,
		Args: wantArgs(1, 1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runAlertsPcap(cmd.Context(), a, args[0], out, captures)
		},
	}
	cmd.Flags().StringVarP(&out, "out", "o", "", "write to this `file`, - for standard output (default: ID.pcapng)")
	cmd.Flags().StringVar(&captures, "captures", "", "the `folder` that the captures are in now")
	return cmd
}

func runAlertsPcap(ctx context.Context, a *app, id, out, captures string) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	al, err := findAlert(ctx, st, id)
	if err != nil {
		return err
	}
	if out == "" {
		out = al.ID + ".pcapng"
	}
	got, err := pipeline.Evidence(ctx, st, &al.Alert, captures)
	switch {
	case errors.Is(err, pipeline.ErrNoEvidence) || errors.Is(err, pipeline.ErrOtherContent) || errors.Is(err, fs.ErrNotExist):
		return inputErrorf("alert %s: %w", al.ID, err)
	case err != nil:
		return err
	}
	if err := a.writeOut(out, func(w io.Writer) error { return capture.WriteFrames(w, got.Frames) }); err != nil {
		return err
	}
	if got.Missing > 0 {
		a.note(a.get("cli.evidence-missing", "n", got.Missing))
	}
	a.note(a.get("cli.evidence", "frames", len(got.Frames), "named", got.Named))
	return nil
}
