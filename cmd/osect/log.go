package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"osect/store"
)

// logRow is a row of the system log.
type logRow struct {
	At     store.Time  `json:"at"`   // wall-clock time
	Time   *store.Time `json:"time"` // packet time it is about, null for none
	Level  string      `json:"level"`
	Site   string      `json:"site"`
	Sensor string      `json:"sensor"`
	Key    string      `json:"key"`
	Text   string      `json:"text"`
}

type logOptions struct {
	listOptions
	where
}

func newLogCommand(a *app) *cobra.Command {
	var o logOptions
	cmd := &cobra.Command{
		Use:   "log",
		Short: "Print the system log: what arrived, what was done, what failed",
		Long:  `Print the system log, the newest last; with a limit the newest.` + listHelp + exitStatusHelp,
		Example: `  osect log
  osect log --limit 20 --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLog(cmd.Context(), a, o)
		},
	}
	o.timeRange.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	cmd.Flags().StringVar(&o.sensor, "sensor", "", "only this sensor")
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func runLog(ctx context.Context, a *app, o logOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	if o.limit > 0 {
		f.Limit = o.limit + 1 // one more tells whether there are more
	}
	entries, err := st.SystemLog(ctx, f)
	if err != nil {
		return err
	}
	more := o.limit > 0 && len(entries) > o.limit
	if more {
		entries = entries[len(entries)-o.limit:]
	}
	var rows []logRow
	for _, e := range entries {
		var args []any
		var plainArgs []string
		for _, x := range e.Args {
			args = append(args, x.Name, x.Value)
			plainArgs = append(plainArgs, x.Name+"="+x.Value)
		}
		message := strings.TrimSpace(e.Key + " " + strings.Join(plainArgs, " "))
		if s := a.get(e.Key, args...); s != e.Key {
			message = s
		}
		rows = append(rows, logRow{At: e.At, Time: noTime(int64(e.Time)), Level: e.Level, Site: e.Site, Sensor: e.Sensor, Key: e.Key, Text: message})
	}
	type row = logRow
	return listing[row]{columns: []column[row]{
		{key: "at", layout: layout{min: 10}, cell: func(r *row) string { return a.clock(int64(r.At)) }},
		{key: "level", cell: func(r *row) string { return r.Level }},
		{key: "sensor", layout: layout{drop: 1, min: 8, lines: 2}, cell: func(r *row) string { return r.Sensor }},
		{key: "text", layout: layout{min: 30}, cell: func(r *row) string { return r.Text }},
	}}.print(a, &o.listOptions, func(_ int, fn func(*row) error) (bool, error) { return more, visit(rows, fn) })
}
