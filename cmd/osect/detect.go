package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"osect/detect"
	"osect/pipeline"
	"osect/store"
)

// storedOptions are the flags of learn and detect without captures.
type storedOptions struct {
	timeRange
	replay replayOptions
}

// addFlags adds those of replay too: with captures they are what counts.
func newStoredCommand(a *app, mode pipeline.Mode, cmd *cobra.Command) *cobra.Command {
	var o storedOptions
	o.replay.learn, o.replay.detect = mode == pipeline.Learn, mode == pipeline.Detect
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			for _, name := range []string{"filter", "again", "strict", "workers"} {
				if cmd.Flags().Changed(name) {
					return usageErrorf("--%s is for reading captures: name one", name)
				}
			}
			return runStored(cmd.Context(), a, mode, o)
		}
		if o.from != "" || o.to != "" {
			return usageErrorf("--from and --to are for what the store holds: captures are read whole")
		}
		return runReplay(cmd.Context(), a, o.replay, args)
	}
	cmd.Args = cobra.ArbitraryArgs
	o.timeRange.addFlags(cmd.Flags())
	o.replay.addFlags(cmd.Flags())
	if mode == pipeline.Detect {
		cmd.Flags().StringVar(&o.replay.asOf, "as-of", "", "judge the support of operating systems at this `day` (2026-10-14) instead of the packets'")
		cmd.Flags().StringVar(&o.replay.failOn, "fail-on", "", "exit status 1 when an alert of this `severity` or worse was raised: low, medium, high, critical")
	}
	return cmd
}

func newDetectCommand(a *app) *cobra.Command {
	return newStoredCommand(a, pipeline.Detect, &cobra.Command{
		Use:   "detect [PATH...]",
		Short: "Hold captures, or the store, against what was learned",
		Long: `Hold captures against what was learned and raise alerts on the rest. Nothing is
learned by it. Without PATH, do so over what the store holds (--from, --to).

See osect replay --help for what PATH may be, and osect alerts list for the
alerts.

EXIT STATUS
  0  done, whether alerts were raised or not
  1  an alert as severe as --fail-on says was raised in this run; captures that
     the store has already are not read again, and raise none, without --again
  2  wrong usage
  3  no capture gave frames; with --strict: one did not; or no store
  4  the system failed (disk, permission), or the run was stopped (Ctrl-C)`,
		Example: `  osect detect tuesday.pcap
  osect detect --fail-on high --format json tests/plant.pcap
  osect detect --from 24h-ago`,
	})
}

func runStored(ctx context.Context, a *app, mode pipeline.Mode, o storedOptions) (err error) {
	if err := checkFormat(o.replay.format, "table", "json"); err != nil {
		return err
	}
	if err := oneOf("fail-on", detect.Severity(o.replay.failOn), detect.Severities...); err != nil {
		return err
	}
	st, err := a.openWrite(false)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	opt := pipeline.StoredOptions{Mode: mode, Site: o.replay.site, Sensor: o.replay.sensor}
	if opt.AsOf, err = asOfTime(o.replay.asOf); err != nil {
		return err
	}
	if opt.From, opt.To, err = o.bounds(ctx, st); err != nil {
		return err
	}
	sum, err := pipeline.Stored(ctx, st, opt)
	if err != nil {
		return err
	}
	if err := printStored(a, o.replay.format, sum); err != nil {
		return err
	}
	if sum.Minutes == 0 {
		a.note(a.get("cli.no-minutes"))
	}
	if err := judgeAlerts(o.replay.failOn, sum.AlertsBySeverity); err != nil || o.replay.format != "table" || sum.Minutes == 0 {
		return err
	}
	return a.next(ctx, st, mode, sum.Alerts)
}

func printStored(a *app, format string, s *pipeline.StoredSummary) error {
	if format == "json" {
		return printJSON(a.stdout, s)
	}
	rows := [][2]string{{a.get("cli.summary.minutes"), fmt.Sprint(s.Minutes)}}
	if s.Minutes > 0 {
		rows = append(rows, [2]string{a.get("cli.summary.period"), a.clock(int64(s.From)) + " – " + a.clock(int64(s.To))})
	}
	return a.pairs(append(rows,
		[2]string{a.get("cli.summary.learned"), fmt.Sprint(s.Learned)},
		[2]string{a.get("cli.summary.alerts"), a.alertCount(s.Alerts, s.AlertsBySeverity)}))
}

// alertCount writes "5 (critical 2, low 3)".
func (a *app) alertCount(n int, bySeverity map[string]int) string {
	var by []string
	for _, sev := range slices.Backward(detect.Severities) {
		if n := bySeverity[string(sev)]; n > 0 {
			by = append(by, fmt.Sprintf("%s %d", a.get("alert.severity."+string(sev)), n))
		}
	}
	if by == nil {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d (%s)", n, strings.Join(by, ", "))
}

// noTime is a time that may not be there: null in JSON.
func noTime(t int64) *store.Time {
	if t == 0 {
		return nil
	}
	x := store.Time(t)
	return &x
}
