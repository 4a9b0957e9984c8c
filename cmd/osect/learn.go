package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/detect"
	"osect/pipeline"
	"osect/store"
)

func newLearnCommand(a *app) *cobra.Command {
	cmd := newStoredCommand(a, pipeline.Learn, &cobra.Command{
		Use:   "learn [PATH...]",
		Short: "Learn what is normal; see and edit what was learned",
		Long: `Learn captures as normal, in addition to what was learned before. Without PATH,
learn from what the store holds (--from, --to).

See osect replay --help for what PATH may be. A capture that is called like a
sub-command needs its directory: ./list` + replayExitStatus,
		Example: `  osect learn monday.pcap
  osect learn --from 7d-ago --to 1d-ago
  osect learn status
  osect learn list ip-communication
  osect learn add ip-communication --src 192.168.3.10 --dst 192.168.3.39 --proto tcp --port 5007
  osect learn set all detecting`,
	})
	cmd.AddCommand(newLearnStatusCommand(a), newLearnListCommand(a), newLearnEditCommand(a, false), newLearnEditCommand(a, true), newLearnSetCommand(a),
		newLearnExportCommand(a), newLearnImportCommand(a), newLearnRulesCommand(a), newLearnRuleCommand(a), newLearnVolumesCommand(a), newLearnStatisticsCommand(a))
	return cmd
}

// statusRow is a row of learn status: L2-10.
type statusRow struct {
	Kind  string      `json:"kind"`
	Mode  string      `json:"mode"`
	Since *store.Time `json:"since"`
	Until *store.Time `json:"until"`
	// After is how many seconds from its first minute on it learns, until that minute came; then Until says it.
	After int64 `json:"until_after"`
	Rows  int   `json:"learned_rows"`
	// Built says whether this version has the detector.
	Built bool `json:"built"`
}

func newLearnStatusCommand(a *app) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show each detector's mode, since when, until when, and how much it learned",
		Long: `Show each detector's mode (off, learning, detecting), since and until when in
packet time, and how many rows it learned.` + exitStatusHelp,
		Example: `  osect learn status
  osect learn status --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLearnStatus(cmd.Context(), a, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runLearnStatus(ctx context.Context, a *app, o listOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	statuses, err := allStatuses(ctx, st)
	if err != nil {
		return err
	}
	var rows []statusRow
	for _, s := range statuses {
		rows = append(rows, statusRow{
			Kind: string(s.Kind), Mode: string(s.Mode), Since: noTime(s.Since), Until: noTime(max(0, s.Until)), After: max(0, -s.Until/int64(time.Second)), Rows: s.Rows, Built: detect.Built(s.Kind),
		})
	}
	type row = statusRow
	at := func(t *store.Time) string {
		if t == nil {
			return ""
		}
		return a.clock(int64(*t))
	}
	return listing[row]{columns: []column[row]{
		{key: "kind", cell: func(r *row) string { return r.Kind }},
		{key: "name", layout: layout{drop: 2, min: 8}, cell: func(r *row) string { return a.get("alert.kind." + r.Kind) }},
		{key: "mode", cell: func(r *row) string {
			if !r.Built {
				return a.get("cli.mode.not-built")
			}
			return a.get("alert.mode." + r.Mode)
		}},
		{key: "since", layout: layout{min: 10, fold: 1}, cell: func(r *row) string { return at(r.Since) }},
		{key: "until", layout: layout{drop: 3, min: 10}, cell: func(r *row) string {
			if r.After > 0 {
				if days := r.After / (24 * 60 * 60); days*24*60*60 == r.After {
					return fmt.Sprintf("+%dd", days)
				}
				return "+" + strings.TrimSuffix(strings.TrimSuffix((time.Duration(r.After)*time.Second).String(), "0s"), "0m")
			}
			return at(r.Until)
		}},
		{key: "learned_rows", layout: layout{right: true}, cell: func(r *row) string { return strconv.Itoa(r.Rows) }},
	}}.print(a, &o, slice(rows))
}

// allStatuses are the statuses of all kinds; those without one are off.
func allStatuses(ctx context.Context, st *store.Store) ([]detect.Status, error) {
	stored, err := st.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	var out []detect.Status
	for _, k := range detect.Kinds {
		s := detect.Status{Kind: k, Mode: detect.Off}
		if i := slices.IndexFunc(stored, func(s detect.Status) bool { return s.Kind == k }); i >= 0 {
			s = stored[i]
		}
		out = append(out, s)
	}
	return out, nil
}

// learnedRow is a row of learn list.
type learnedRow struct {
	List      string      `json:"list"`
	Site      string      `json:"site"`
	Src       string      `json:"src"`
	Dst       string      `json:"dst"`
	Proto     string      `json:"proto"`
	Item      string      `json:"item"`
	PortFrom  uint16      `json:"port_from"`
	PortTo    uint16      `json:"port_to"`
	Origin    string      `json:"origin"`
	Minutes   uint64      `json:"minutes"`
	FirstSeen *store.Time `json:"first_seen"`
	LastSeen  *store.Time `json:"last_seen"`
	Value     string      `json:"value"`
}

type learnListOptions struct {
	listOptions
	address, site string
}

func newLearnListCommand(a *app) *cobra.Command {
	var o learnListOptions
	cmd := &cobra.Command{
		Use:   "list [KIND]",
		Short: "List what was learned, or added by hand",
		Long: `List what was learned, or added by hand. KIND is connected-device,
ip-communication, ip-volume, ip-statistics, ot-ip, ot-ethernet or built-in; all
without.

item says what a row is about: mac, ip, binding (MAC src uses address dst),
router, dhcp; volume, model (osect learn volumes and osect learn statistics read
them); dport (ports of the server), sport:N (the client's fixed port N;
the ports are then the server's); a function code of a control protocol; a
built-in rule (the second port is the highest number that was learned of it).` + listHelp + exitStatusHelp,
		Example: `  osect learn list
  osect learn list ip-communication --address 192.168.3.39
  osect learn list ot-ip --format csv`,
		Args: wantArgs(0, 1, "KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			kind := ""
			if len(args) == 1 {
				kind = args[0]
			}
			return runLearnList(cmd.Context(), a, o, kind)
		},
	}
	cmd.Flags().StringVar(&o.address, "address", "", "only rows with this source or destination `address`")
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func checkKind(kind string) error {
	if kind == "" || slices.Contains(detect.Kinds, detect.Kind(kind)) {
		return nil
	}
	var names []string
	for _, k := range detect.Kinds {
		names = append(names, string(k))
	}
	return usageErrorf("there is no detector %q: use one of %s", kind, strings.Join(names, ", "))
}

func runLearnList(ctx context.Context, a *app, o learnListOptions, kind string) (err error) {
	if err := checkKind(kind); err != nil {
		return err
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	learned, err := st.LearnedRows(ctx, detect.Kind(kind))
	if err != nil {
		return err
	}
	var rows []learnedRow
	for _, r := range learned {
		if o.address != "" && r.Src != o.address && r.Dst != o.address || o.site != "" && r.Site != o.site {
			continue
		}
		rows = append(rows, learnedRow{
			List: string(r.List), Site: r.Site, Src: r.Src, Dst: r.Dst, Proto: r.Proto, Item: r.Item, PortFrom: r.Lo, PortTo: r.Hi,
			Origin: r.Origin, Minutes: r.Count, FirstSeen: noTime(r.First), LastSeen: noTime(r.Last), Value: r.Value,
		})
	}
	return learnedTable(a).print(a, &o.listOptions, slice(rows))
}

func learnedTable(a *app) listing[learnedRow] {
	type row = learnedRow
	return listing[row]{columns: []column[row]{
		{key: "list", layout: layout{drop: 2}, cell: func(r *row) string { return r.List }},
		{key: "src", layout: layout{min: 17}, cell: func(r *row) string { return r.Src }},
		{key: "dst", layout: layout{min: 17}, cell: func(r *row) string { return r.Dst }},
		{key: "proto", layout: layout{min: 10, lines: 3}, cell: func(r *row) string { return r.Proto }},
		{key: "item", layout: layout{min: 11, lines: 2}, cell: func(r *row) string { return r.Item }},
		{key: "ports", layout: layout{min: 11, lines: 2}, cell: func(r *row) string { return portRange(r.PortFrom, r.PortTo) }},
		{key: "value", layout: layout{min: 9}, cell: func(r *row) string {
			if r.Origin != detect.Hand {
				return "" // of volumes and models: bytes that only a program reads
			}
			return r.Value
		}},
		{key: "origin", layout: layout{drop: 1}, cell: func(r *row) string { return a.or("cli.origin."+r.Origin, r.Origin) }},
		{key: "minutes", layout: layout{drop: 3, right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Minutes, 10) }},
	}}
}

func portRange(lo, hi uint16) string {
	switch {
	case lo == 0 && hi == 0:
		return ""
	case lo == hi:
		return strconv.Itoa(int(lo))
	}
	return fmt.Sprintf("%d-%d", lo, hi)
}

// rowOptions are the flags that describe one row of a list.
type rowOptions struct {
	site, src, dst, proto, port, item, value string
	sport                                    int
}

func (o *rowOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.src, "src", "", "source: an address, a prefix, a MAC, internet or *")
	f.StringVar(&o.dst, "dst", "", "destination, likewise")
	f.StringVar(&o.proto, "proto", "", "tcp, udp, icmp, icmp6, an IP protocol number, or a control protocol's name, or *")
	f.StringVar(&o.port, "port", "", "ip-communication: the server's port or `ports` (502, 49203-65477)")
	f.IntVar(&o.sport, "sport", 0, "ip-communication: the client's `port` where that is what stays fixed")
	f.StringVar(&o.item, "item", "", "connected-device: mac, ip or binding; ot-ip, ot-ethernet: the function code, or *; ip-volume: watch, unwatch, limit, holiday or zone; ip-statistics: mode")
	f.StringVar(&o.value, "value", "", "ip-volume: bytes in five minutes of a limit, +09:00 of a zone; ip-statistics: the mode off, weak or strong")
	f.StringVar(&o.site, "site", "default", "`name` of the site")
}

// row makes the row that the flags describe.
func (o *rowOptions) row(kind detect.Kind) (detect.Row, error) {
	r := detect.Row{List: kind, Site: o.site, Src: o.src, Dst: o.dst, Proto: o.proto, Item: o.item, Origin: detect.Hand, Value: o.value}
	if kind == detect.IPCommunication {
		if o.item != "" {
			return r, usageErrorf("--item is not for ip-communication: use --port and --sport")
		}
		switch {
		case o.sport < 0 || o.sport > math.MaxUint16:
			return r, usageErrorf("--sport %d: want a port from 1 to 65535", o.sport)
		case o.sport > 0:
			r.Item = fmt.Sprintf("sport:%d", o.sport)
		case o.port == "":
			r.Item = detect.ItemAny
		default:
			r.Item = detect.ItemPort
		}
		if o.port != "" {
			lo, hi, dash := strings.Cut(o.port, "-")
			if !dash {
				hi = lo
			}
			from, err1 := strconv.ParseUint(lo, 10, 16)
			to, err2 := strconv.ParseUint(hi, 10, 16)
			if err1 != nil || err2 != nil || from > to {
				return r, usageErrorf("--port %q: want a port or a range such as 49203-65477", o.port)
			}
			r.Lo, r.Hi = uint16(from), uint16(to)
		}
	} else if o.port != "" || o.sport != 0 {
		return r, usageErrorf("--port and --sport are for ip-communication")
	}
	if err := checkRow(&r); err != nil {
		return r, usageErrorf("%w", err)
	}
	return r, nil
}

// checkRow writes the ends of a row that a hand made as learned rows have them, and says what is wrong with it.
func checkRow(r *detect.Row) error {
	r.Normalize()
	if err := r.Check(); err != nil {
		return err
	}
	if r.List != detect.OTIP && r.List != detect.OTEthernet || r.Proto == detect.Any {
		return nil
	}
	return checkProtocol(r.Proto)
}

func newLearnEditCommand(a *app, remove bool) *cobra.Command {
	var o rowOptions
	cmd := &cobra.Command{
		Use:   "add KIND",
		Short: "Add a row by hand",
		Long: `Add a row by hand: what it describes is normal from now on. Learning never
changes it. A running capture takes it by the end of the next full minute.

KIND is connected-device, ip-communication, ip-volume, ip-statistics, ot-ip,
ot-ethernet or built-in (docs/detection/builtin.md).` + exitStatusHelp,
		Example: `  osect learn add connected-device --item mac --src 00:00:5e:00:53:01
  osect learn add connected-device --item ip --src 192.168.3.0/24
  osect learn add ip-communication --src 192.168.3.10 --dst 192.168.3.39 --proto tcp --port 5007
  osect learn add ip-communication --src 10.0.0.3 --dst 10.0.0.1 --proto udp --sport 61450 --port 49203-65477
  osect learn add ot-ip --src 192.168.3.10 --dst 192.168.3.39 --proto modbus-tcp --item 03
  osect learn add ip-volume --item unwatch --src 192.168.3.0/24 --dst '*'
  osect learn add ip-volume --item limit --src 192.168.3.10 --dst 192.168.3.5 --value 50000000
  osect learn add ip-volume --item holiday --src 2026-12-29
  osect learn add ip-statistics --item mode --src 192.168.3.10 --value strong`,
		Args: wantArgs(1, 1, "KIND"),
	}
	if remove {
		cmd.Use, cmd.Short = "remove KIND", "Remove a row, learned or added by hand"
		cmd.Long = `Remove a row, learned or added by hand. It is named by the same flags that
would add it; osect learn list shows them.` + exitStatusHelp
		cmd.Example = `  osect learn remove connected-device --item mac --src 00:00:5e:00:53:01
  osect learn remove ip-communication --src 192.168.3.10 --dst 192.168.3.39 --proto tcp --port 5007`
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return runLearnEdit(a, o, args[0], remove) }
	o.addFlags(cmd.Flags())
	return cmd
}

func runLearnEdit(a *app, o rowOptions, kind string, remove bool) (err error) {
	if err := checkKind(kind); err != nil {
		return err
	}
	row, err := o.row(detect.Kind(kind))
	if err != nil {
		return err
	}
	st, err := a.openWrite(!remove)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	if !remove {
		return st.AddRows([]detect.Row{row})
	}
	n, err := st.RemoveRows([]detect.Row{row})
	if err == nil && n == 0 {
		return inputErrorf("%s has no such row in %s: see osect learn list %s", a.db, kind, kind)
	}
	return err
}

func newLearnSetCommand(a *app) *cobra.Command {
	var until string
	cmd := &cobra.Command{
		Use:   "set KIND MODE",
		Short: "Set a detector to off, learning or detecting",
		Long: `Set a detector, or all of them, to off, learning or detecting. A detector that
learns until a time (packet time) detects from then on. It keeps its mode over
restarts. The store is made where there is none: a sensor can be set before its
first capture.` + exitStatusHelp,
		Example: `  osect learn set all learning --until 2026-12-01T00:00:00+09:00
  osect learn set all learning --until +14d
  osect learn set ot-ip detecting
  osect learn set connected-device off`,
		Args: wantArgs(2, 2, "KIND and MODE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runLearnSet(cmd.Context(), a, args[0], args[1], until)
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "learning ends at this `time` (RFC 3339), or so long after the first minute that is learned (+14d, +36h)")
	return cmd
}

func runLearnSet(ctx context.Context, a *app, kind, mode, until string) (err error) {
	kinds := []detect.Kind{detect.Kind(kind)}
	if kind == "all" {
		kinds = slices.DeleteFunc(slices.Clone(detect.Kinds), func(k detect.Kind) bool { return !detect.Built(k) })
	} else if err := checkKind(kind); err != nil {
		return err
	} else if !detect.Built(kinds[0]) {
		return usageErrorf("this version has no detector %s yet", kind)
	}
	m := detect.Mode(mode)
	if m != detect.Off && m != detect.Learning && m != detect.Detecting {
		return usageErrorf("mode %q: use off, learning or detecting", mode)
	}
	var end int64
	if until != "" {
		if m != detect.Learning {
			return usageErrorf("--until is for learning")
		}
		t, err := time.Parse(time.RFC3339Nano, until)
		after, plus := strings.CutPrefix(until, "+")
		length, ok := parseAgo("-" + after)
		switch {
		case err == nil && t.UnixNano() > 0:
			end = t.UnixNano()
		case plus && ok && length > 0:
			end = -int64(length)
		default:
			return usageErrorf("--until %q: want a time such as 2026-12-01T00:00:00+09:00, or +14d for so long from the first minute that is learned", until)
		}
	}
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	statuses, err := allStatuses(ctx, st)
	if err != nil {
		return err
	}
	var set []detect.Status
	for _, s := range statuses {
		if !slices.Contains(kinds, s.Kind) {
			continue
		}
		if s.Mode != m {
			s.Since = 0 // the first minute in the new mode sets it
		}
		s.Mode, s.Until = m, end
		set = append(set, s)
	}
	return st.SetStatus(set...)
}
