package main

import (
	"context"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"osect/capture"
	"osect/pipeline"
	"osect/store"
)

type captureOptions struct {
	interfaces    []string
	learn, detect bool
	filter        string
	site, sensor  string
	duration      time.Duration
	workers       int
	format        string
}

func newCaptureCommand(a *app) *cobra.Command {
	var o captureOptions
	cmd := &cobra.Command{
		Use:   "capture -i INTERFACE...",
		Short: "Capture from network interfaces into the store, until stopped",
		Long: `Capture from network interfaces into the store, until stopped (Ctrl-C, SIGTERM)
or for --duration, and print one line: what was captured, what was dropped.

Nothing is ever sent. The interfaces must be up; give them no addresses, so
that the system does not send by itself. Frames of several are merged by time,
VLAN tags are kept. Needs Linux, and root or the capability CAP_NET_RAW.

A minute is committed 5 s after its end, also when no frames come. What is
added to or removed from the learned rows meanwhile holds from the minute on
that is open then. While another process holds the store, up to 60 minutes
wait in memory. What is dropped is counted in its minute and told in the system
log (osect log).

With --learn what is captured is learned as normal, with --detect it is held
against what was learned; with neither each detector does what its own mode
says (osect learn status).

EXIT STATUS
  0  captured until it was stopped
  2  wrong usage
  3  the store is bad input (not a store, made by a newer osect)
  4  the system failed: no such interface, no permission, disk`,
		Example: `  osect capture -i eth1
  osect capture -i eth1 -i eth2 --site osaka --sensor line1
  osect capture -i eth1 --filter 'not port 22' --detect
  osect capture -i lo --duration 10m --learn --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runCapture(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.StringSliceVarP(&o.interfaces, "interface", "i", nil, "capture from this `interface`; more than once for several")
	f.BoolVar(&o.learn, "learn", false, "learn what is captured as normal")
	f.BoolVar(&o.detect, "detect", false, "hold what is captured against what was learned")
	f.StringVar(&o.site, "site", "", "`name` of the site (default \"default\")")
	f.StringVar(&o.sensor, "sensor", "", "`name` of the sensor (default: this machine's name)")
	f.StringVar(&o.filter, "filter", "", "only frames that match this pcap-filter `expression`")
	f.DurationVar(&o.duration, "duration", 0, "stop after this `time`, such as 90s, 10m or 24h (default: when stopped)")
	f.IntVar(&o.workers, "workers", 0, "`N` workers (default: one a CPU; the result does not depend on it)")
	f.StringVar(&o.format, "format", "table", "form of the summary: table (one line) or json")
	return cmd
}

func runCapture(ctx context.Context, a *app, o captureOptions) (err error) {
	switch {
	case len(o.interfaces) == 0:
		return usageErrorf("osect capture needs an interface: -i INTERFACE")
	case o.learn && o.detect:
		return usageErrorf("--learn and --detect exclude each other")
	case o.workers < 0:
		return usageErrorf("--workers %d: want 1 or more, or 0 for one a CPU", o.workers)
	case o.duration < 0:
		return usageErrorf("--duration %s: want more than 0", o.duration)
	}
	if err := checkFormat(o.format, "table", "json"); err != nil {
		return err
	}
	if o.filter != "" {
		set, err := capture.Open(ctx, nil, capture.Options{Filter: o.filter})
		if err != nil {
			return usageErrorf("--%w", err)
		}
		set.Close()
	}
	if o.sensor == "" {
		o.sensor, _ = os.Hostname() // without a name pipeline.Live has one
	}
	// Before the store: without the interface none is made.
	live, err := capture.OpenLive(o.interfaces, capture.LiveOptions{Filter: o.filter})
	if err != nil {
		return systemErrorf("%w", err)
	}
	defer live.Close()
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	if o.duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.duration)
		defer cancel()
	}
	opt := pipeline.LiveOptions{
		Filter: o.filter, Site: o.site, Sensor: o.sensor, Workers: o.workers,
		Mode: (&replayOptions{learn: o.learn, detect: o.detect}).mode(),
		Note: func(e store.LogEntry) {
			var args []any
			for _, x := range e.Args {
				args = append(args, x.Name, x.Value)
			}
			if e.Level == "info" {
				a.detail(a.get(e.Key, args...))
			} else {
				a.note(a.get(e.Key, args...))
			}
		},
	}
	sum, err := pipeline.Live(ctx, st, live, opt)
	if sum != nil {
		if e := printCapture(a, o.format, sum); err == nil {
			err = e
		}
	}
	return err
}

func printCapture(a *app, format string, s *pipeline.LiveSummary) error {
	if format == "json" {
		return printJSON(a.stdout, s)
	}
	_, err := a.stdout.Write([]byte(a.get("cli.captured",
		"packets", strconv.FormatUint(s.Packets, 10), "bytes", human(s.Bytes), "n", s.Minutes, "flows", s.Flows,
		"operations", s.Operations, "alerts", a.alertCount(s.Alerts, s.AlertsBySeverity), "dropped", counts(s.Dropped)) + "\n"))
	return err
}
