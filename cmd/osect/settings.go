package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"osect/detect"
)

// settingRow is a row of settings list.
type settingRow struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Default string `json:"default"`
}

func newSettingsCommand(a *app) *cobra.Command {
	return newGroup("settings", "Settings of the store", newSettingsListCommand(a), newSettingsSetCommand(a), newSettingsUnsetCommand(a))
}

const settingsHelp = `

  internal   public prefixes that are used inside, separated by spaces: their
             addresses are devices of the site, not the internet
  internet   one: all public addresses are learned, told and listed as one end;
             each: one by one
  ot-order   on: which control function follows which on a connection is learned
             and told (ot-ip, ot-ethernet); taken by the next replay or capture

Built-in rules have settings of their own: osect learn rules.`

func newSettingsListCommand(a *app) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the settings",
		Long:  `List the settings of the store.` + settingsHelp + "\n" + listHelp + exitStatusHelp,
		Example: `  osect settings list
  osect settings list --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runSettingsList(cmd.Context(), a, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runSettingsList(ctx context.Context, a *app, o listOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	all, err := st.Settings(ctx)
	if err != nil {
		return err
	}
	type row = settingRow
	var rows []row
	for _, s := range detect.SettingList {
		r := row{s.Key, s.Default, s.Default}
		if v := all[s.Key]; v != "" {
			r.Value = v
		}
		rows = append(rows, r)
	}
	return listing[row]{columns: []column[row]{
		{key: "key", cell: func(r *row) string { return r.Key }},
		{key: "value", cell: func(r *row) string { return r.Value }},
		{key: "default", cell: func(r *row) string { return r.Default }},
	}}.print(a, &o, slice(rows))
}

func newSettingsSetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set KEY VALUE...",
		Short: "Change a setting",
		Long:  `Change a setting. A running capture takes it by the end of the next full minute.` + settingsHelp + "\n" + exitStatusHelp,
		Example: `  osect settings set internet each
  osect settings set internal 203.0.113.0/24 2001:db8:7::/48
  osect settings set ot-order on`,
		Args: wantArgs(2, -1, "KEY and VALUE"),
		RunE: func(_ *cobra.Command, args []string) error {
			value := strings.Join(args[1:], " ")
			if err := detect.CheckSetting(args[0], value); err != nil {
				return usageErrorf("%w", err)
			}
			return a.setSetting(args[0], value)
		},
	}
}

func newSettingsUnsetCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "unset KEY",
		Short:   "Put a setting back to its default",
		Long:    `Put a setting back to its default.` + settingsHelp + "\n" + exitStatusHelp,
		Example: `  osect settings unset internet`,
		Args:    wantArgs(1, 1, "KEY"),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, s := range detect.SettingList {
				if s.Key == args[0] {
					return a.setSetting(args[0], "")
				}
			}
			return usageErrorf("%w", detect.CheckSetting(args[0], ""))
		},
	}
}

// setSetting sets a setting of the store, which is made where there is none; "" takes it away.
func (a *app) setSetting(key, value string) (err error) {
	st, err := a.openWrite(true)
	if err != nil {
		return err
	}
	defer closing(st, &err)
	return st.SetSetting(key, value)
}
