package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/detect"
)

// ruleRow is a row of learn rules.
type ruleRow struct {
	Subkind   string `json:"subkind"`
	Threshold int    `json:"threshold"`
	Window    int64  `json:"window_seconds"` // 0: within a minute
	Severity  string `json:"severity"`
	Technique string `json:"technique"`
	Off       bool   `json:"off"`
	Changed   bool   `json:"changed"`
}

func newLearnRulesCommand(a *app) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "List the built-in rules with their thresholds",
		Long: `List the rules of the built-in detector: threshold, window in seconds (0: within
a minute), severity, ATT&CK for ICS technique, and whether they were changed.` + listHelp + exitStatusHelp,
		Example: `  osect learn rules
  osect learn rules --format csv`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLearnRules(cmd.Context(), a, o)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runLearnRules(ctx context.Context, a *app, o listOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	settings, err := st.Settings(ctx)
	if err != nil {
		return err
	}
	changed, err := detect.ParseBuiltIn(settings)
	if err != nil {
		return err
	}
	var rows []ruleRow
	for _, r := range detect.BuiltInRules(changed) {
		_, ok := changed[r.Subkind]
		rows = append(rows, ruleRow{r.Subkind, r.Threshold, r.Window / 1e9, string(r.Severity), r.Technique, changed[r.Subkind].Off, ok})
	}
	type row = ruleRow
	return listing[row]{columns: []column[row]{
		{key: "subkind", cell: func(r *row) string { return r.Subkind }},
		{key: "threshold", layout: layout{right: true}, cell: func(r *row) string {
			if r.Off {
				return a.get("alert.mode.off")
			}
			return strconv.Itoa(r.Threshold)
		}},
		{key: "window_seconds", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatInt(r.Window, 10) }},
		{key: "severity", cell: func(r *row) string { return a.get("alert.severity." + r.Severity) }, colour: func(r *row) string { return severityColours[r.Severity] }},
		{key: "technique", layout: layout{drop: 1}, cell: func(r *row) string { return r.Technique }},
		{key: "changed", layout: layout{drop: 2}, cell: func(r *row) string {
			if r.Changed {
				return a.get("cli.word.yes")
			}
			return ""
		}},
	}}.print(a, &o, slice(rows))
}

func newLearnRuleCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rule SUBKIND WORD...",
		Short: "Change a built-in rule: threshold, window, severity, or off",
		Long: `Change a rule of the built-in detector. Each WORD is threshold=N, window=Ns (for
rules with a window), severity=low, medium, high or critical, or off; what is
not named is the default, and "default" alone puts all back. A running capture
takes it by the end of the next full minute.` + exitStatusHelp,
		Example: `  osect learn rule port-scan threshold=40 window=120s
  osect learn rule cleartext off
  osect learn rule port-scan default`,
		Args: wantArgs(2, -1, "SUBKIND and WORD"),
		RunE: func(_ *cobra.Command, args []string) (err error) {
			if !slices.Contains(detect.BuiltInSubkinds(), args[0]) {
				return usageErrorf("there is no built-in rule %q: see osect learn rules", args[0])
			}
			key, value := detect.BuiltInPrefix+args[0], strings.Join(args[1:], " ")
			if value == "default" {
				value = ""
			} else if _, err := detect.ParseBuiltIn(map[string]string{key: value}); err != nil {
				return usageErrorf("%w", err)
			}
			st, err := a.openWrite(true)
			if err != nil {
				return err
			}
			defer closing(st, &err)
			return st.SetSetting(key, value)
		},
	}
}
