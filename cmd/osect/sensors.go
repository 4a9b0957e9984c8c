package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"osect/store"
)

func newSensorsCommand(a *app) *cobra.Command {
	var o listOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List sensors with their first and last data",
		Long:  `List sensors with their first and last data.` + listHelp + exitStatusHelp,
		Example: `  osect sensors list
  osect sensors list --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runSensorsList(cmd.Context(), a, o)
		},
	}
	o.addFlags(list.Flags())
	return newGroup("sensors", "Sensors: where data is from", list)
}

// sensorRow is a row of sensors list.
type sensorRow struct {
	Site    string      `json:"site"`
	Name    string      `json:"sensor"`
	Minutes int64       `json:"minutes"`
	First   *store.Time `json:"first_seen"` // start of its oldest minute, null without data
	Last    *store.Time `json:"last_seen"`  // start of its newest minute
}

func runSensorsList(ctx context.Context, a *app, o listOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	sensors, err := st.Sensors(ctx)
	if err != nil {
		return err
	}
	var rows []sensorRow
	for _, s := range sensors {
		r := sensorRow{Site: s.Site, Name: s.Name, Minutes: s.Minutes}
		if s.Minutes > 0 {
			r.First, r.Last = &s.First, &s.Last
		}
		rows = append(rows, r)
	}
	type row = sensorRow
	at := func(t *store.Time) string {
		if t == nil {
			return ""
		}
		return a.clock(int64(*t))
	}
	return listing[row]{columns: []column[row]{
		{key: "site", layout: layout{min: 8, lines: 2}, cell: func(r *row) string { return r.Site }},
		{key: "sensor", layout: layout{min: 8, lines: 2}, cell: func(r *row) string { return r.Name }},
		{key: "minutes", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatInt(r.Minutes, 10) }},
		{key: "first_seen", cell: func(r *row) string { return at(r.First) }},
		{key: "last_seen", cell: func(r *row) string { return at(r.Last) }},
	}}.print(a, &o, slice(rows))
}
