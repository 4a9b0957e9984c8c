package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/capture"
	"osect/detect"
	"osect/pipeline"
	"osect/store"
)

// replayOptions are the flags of replay, and of learn and detect with captures.
type replayOptions struct {
	learn, detect bool
	filter        string
	site, sensor  string
	again, strict bool
	workers       int
	format        string
	failOn, asOf  string // detect: a severity; a day
}

func (o *replayOptions) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.site, "site", "", "`name` of the site the captures are from (default \"default\")")
	f.StringVar(&o.sensor, "sensor", "", "`name` of the sensor that made them (default \"replay\")")
	f.StringVar(&o.filter, "filter", "", "only frames that match this pcap-filter `expression`")
	f.BoolVar(&o.again, "again", false, "read captures that were read before once more")
	f.BoolVar(&o.strict, "strict", false, "exit status 3 when any capture gave no frames")
	f.IntVar(&o.workers, "workers", 0, "`N` workers (default: one a CPU; the result does not depend on it)")
	f.StringVar(&o.format, "format", "table", "form of the summary: table or json")
}

func (o *replayOptions) mode() pipeline.Mode {
	switch {
	case o.learn:
		return pipeline.Learn
	case o.detect:
		return pipeline.Detect
	}
	return pipeline.Auto
}

const replayExitStatus = `

EXIT STATUS
  0  at least one capture gave frames, or all were read before
  2  wrong usage
  3  no capture gave frames; with --strict: one did not
  4  the system failed (disk, permission), or the run was stopped (Ctrl-C)`

func newReplayCommand(a *app) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay PATH...",
		Short: "Read captures into the store",
		Long: `Read captures into the store, merged by packet time, and print a summary.

PATH is a capture (pcap or pcapng, also .gz and .zst), a directory with all that
is below it, or - for standard input. A file that is no capture is said and
counted, broken frames are counted; neither ends the run. A capture that was
read before is skipped and said (--again reads it once more).

With --learn what is read is learned as normal, with --detect it is held
against what was learned; with neither each detector does what its own mode
says (osect learn status).

Ctrl-C leaves a good store; the same command goes on where it stopped.` + replayExitStatus,
		Example: `  osect replay monday.pcapng
  osect replay --learn captures/
  osect replay --detect --site osaka --sensor line1 today.pcap.zst
  osect replay --format json --strict tests/a.pcap tests/b.pcap
  tcpdump -r big.pcap -w - 'vlan 20' | osect replay -`,
		Args: wantArgs(1, -1, "PATH: a capture, a directory or -"),
		RunE: func(cmd *cobra.Command, args []string) error { return runReplay(cmd.Context(), a, o, args) },
	}
	cmd.Flags().BoolVar(&o.learn, "learn", false, "learn what is read as normal")
	cmd.Flags().BoolVar(&o.detect, "detect", false, "hold what is read against what was learned")
	o.addFlags(cmd.Flags())
	return cmd
}

func runReplay(ctx context.Context, a *app, o replayOptions, paths []string) (err error) {
	if o.learn && o.detect {
		return usageErrorf("--learn and --detect exclude each other")
	}
	if o.workers < 0 {
		return usageErrorf("--workers %d: want 1 or more, or 0 for one a CPU", o.workers)
	}
	if err := checkFormat(o.format, "table", "json"); err != nil {
		return err
	}
	if err := oneOf("fail-on", detect.Severity(o.failOn), detect.Severities...); err != nil {
		return err
	}
	if o.filter != "" {
		set, err := capture.Open(ctx, nil, capture.Options{Filter: o.filter})
		if err != nil {
			return usageErrorf("--%w", err)
		}
		set.Close()
	}
	stdin := false
	for _, p := range paths {
		if p == "-" {
			if stdin {
				return usageErrorf("standard input (-) is named twice")
			}
			stdin = true
			continue
		}
		if _, err := os.Stat(p); errors.Is(err, fs.ErrNotExist) {
			return inputErrorf("%s: no such file or directory: give captures or directories", p)
		}
	}
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	opt := pipeline.Options{
		Paths: paths, Filter: o.filter, Site: o.site, Sensor: o.sensor,
		Mode: o.mode(), Workers: o.workers, Again: o.again,
	}
	if opt.AsOf, err = asOfTime(o.asOf); err != nil {
		return err
	}
	a.detail(fmt.Sprintf("store %s, %d bytes; reading %s", st.Path(), st.Size(), strings.Join(paths, " ")))
	bar := a.progress("reading")
	if bar != nil {
		opt.Progress = func(done, total int64) {
			bar.ChangeMax64(max(total, 1))
			_ = bar.Set64(min(done, total))
		}
	}
	sum, err := pipeline.Replay(ctx, st, opt)
	if bar != nil {
		_ = bar.Clear()
	}
	stopped := errors.Is(err, pipeline.ErrInterrupted) || errors.Is(err, context.Canceled)
	if sum != nil && (err == nil || stopped && o.format == "json") {
		if e := printSummary(a, o.format, sum); err == nil {
			err = e
		}
	}
	if stopped {
		at := "before the first minute"
		if sum != nil && sum.LastPacket != nil {
			at = "at packet time " + sum.LastPacket.String()
		}
		return systemErrorf("stopped %s; %s is good and holds the minutes closed before: the same command goes on from there", at, a.db)
	}
	if err != nil {
		return err
	}
	if err := judgeReplay(a, o, sum); err != nil || o.format != "table" || sum.Packets == 0 {
		return err
	}
	// It is done: who stops it now is too late.
	return a.next(context.WithoutCancel(ctx), st, opt.Mode, sum.Alerts)
}

// next hints at the command that comes after this one.
func (a *app) next(ctx context.Context, st *store.Store, mode pipeline.Mode, alerts int) error {
	statuses, err := allStatuses(ctx, st)
	if err != nil {
		return err
	}
	rows, off := 0, true
	for _, s := range statuses {
		rows += s.Rows
		off = off && s.Mode == detect.Off
	}
	switch {
	case mode == pipeline.Learn:
		a.hint("cli.hint.learned")
	case mode == pipeline.Auto && off:
		a.hint("cli.hint.off")
	case mode == pipeline.Detect && rows == 0:
		a.hint("cli.hint.nothing-learned")
	case alerts > 0:
		a.hint("cli.hint.alerts", "n", alerts)
	case mode == pipeline.Detect:
		a.hint("cli.hint.no-alerts")
	}
	return nil
}

// progress is a bar on standard error where that is a terminal, else nil.
func (a *app) progress(what string) *progressbar.ProgressBar {
	if a.quiet || a.logFormat == "json" || !a.isTerminal(a.stderr) {
		return nil
	}
	return progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(a.stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
}

// judgeReplay turns a summary into the exit status.
func judgeReplay(a *app, o replayOptions, sum *pipeline.Summary) error {
	good, known, bad := 0, 0, ""
	for _, c := range sum.Captures {
		switch {
		case c.Status == "known":
			known++
		case c.Packets > 0 && c.Status != "refused":
			good++
		case bad == "":
			bad = c.Path
			if c.Reason != "" {
				bad += ": " + c.Reason
			}
		}
	}
	if known > 0 {
		a.note(a.get("cli.known", "n", known))
	}
	switch {
	case bad != "" && o.strict:
		return inputErrorf("a capture gave no frames: %s (--strict)", bad)
	case bad != "" && good == 0 && known == 0:
		return inputErrorf("no capture gave frames: %s", bad)
	case len(sum.Captures) == 0:
		return inputErrorf("no capture gave frames: there is no file in what was named")
	}
	return judgeAlerts(o.failOn, sum.AlertsBySeverity)
}

// judgeAlerts is --fail-on: exit status 1 where an alert is as severe as that.
func judgeAlerts(failOn string, bySeverity map[string]int) error {
	if failOn == "" {
		return nil
	}
	n := 0
	for _, s := range detect.Severities[slices.Index(detect.Severities, detect.Severity(failOn)):] {
		n += bySeverity[string(s)]
	}
	if n > 0 {
		return &exitError{status: exitFound, err: fmt.Errorf("--fail-on %s: %d alerts are as severe: see osect alerts list", failOn, n)}
	}
	return nil
}

// printSummary prints what a replay did.
func printSummary(a *app, format string, s *pipeline.Summary) error {
	if format == "json" {
		return printJSON(a.stdout, s)
	}
	if len(s.Captures) == 0 {
		return nil // the exit status and its line say it
	}
	type cap = pipeline.Capture
	o := listOptions{format: "table"}
	err := listing[cap]{columns: []column[cap]{
		{key: "path", layout: layout{min: 20, lines: 3, front: true}, cell: func(c *cap) string { return c.Path }},
		{key: "capture_status", cell: func(c *cap) string { return a.capStatus(c.Status) }},
		{key: "packets", layout: layout{right: true}, cell: func(c *cap) string { return fmt.Sprint(c.Packets) }},
		{key: "reason", layout: layout{min: 16, lines: 4}, cell: func(c *cap) string { return c.Reason }},
	}}.print(a, &o, slice(s.Captures))
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	var rows [][2]string
	add := func(key, value string) { rows = append(rows, [2]string{a.get("cli.summary." + key), value}) }
	add("packets", fmt.Sprintf("%d (%s)", s.Packets, human(s.Bytes)))
	if s.FirstPacket != nil && s.LastPacket != nil {
		add("period", a.clock(int64(*s.FirstPacket))+" – "+a.clock(int64(*s.LastPacket)))
	}
	add("minutes", fmt.Sprint(s.Minutes))
	add("devices", fmt.Sprint(s.Devices))
	add("flows", fmt.Sprint(s.Flows))
	add("operations", fmt.Sprint(s.Operations))
	add("alerts", a.alertCount(s.Alerts, s.AlertsBySeverity))
	add("skipped", counts(s.Skipped))
	add("dropped", a.dropped(s.Dropped))
	add("speed", fmt.Sprintf("%.1f s, %.0f/s", s.Seconds, s.PacketsPerSecond))
	return a.pairs(rows)
}

// dropped writes what was given up for want of room: numbers, and bytes of streams.
func (a *app) dropped(m map[string]uint64) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		switch {
		case m[k] == 0:
		case k == "segments": // counted in bytes
			out = append(out, a.get("cli.dropped.segments")+" "+human(m[k]))
		default:
			out = append(out, fmt.Sprintf("%s %d", a.or("cli.dropped."+k, k), m[k]))
		}
	}
	if out == nil {
		return "0"
	}
	return strings.Join(out, ", ")
}

func (a *app) capStatus(s string) string { return a.or("cli.capture."+s, s) }

// counts writes what was counted by reason: "bad-ip 3, link-type 1", or 0.
func counts[N uint64 | int](m map[string]N) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if m[k] > 0 {
			out = append(out, fmt.Sprintf("%s %d", k, m[k]))
		}
	}
	if out == nil {
		return "0"
	}
	return strings.Join(out, ", ")
}
