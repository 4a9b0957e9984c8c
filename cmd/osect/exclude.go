package main

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/decode"
	"osect/detect"
	"osect/store"
)

// exclusionFlags name an exclusion.
type exclusionFlags struct{ src, item, site, note string }

func (o *exclusionFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&o.src, "src", "", "source `address`: IP, prefix or MAC; any without")
	f.StringVar(&o.item, "item", "", "only this `subkind` (signature: its id); any without")
	f.StringVar(&o.site, "site", "", "only this site; any without")
}

func (o *exclusionFlags) exclusion(kind string) (store.Exclusion, error) {
	x := store.Exclusion{Kind: detect.Kind(kind), Site: o.site, Src: o.src, Item: o.item, Note: o.note}
	if err := checkKind(kind); err != nil {
		return x, err
	}
	if o.src == "" && o.item == "" {
		return x, usageErrorf("name what to exclude: --src, --item or both (a whole detector: osect learn set %s off)", kind)
	}
	if subs := detect.Subkinds(x.Kind); subs != nil && o.item != "" && !slices.Contains(subs, o.item) {
		if x.Kind == detect.BuiltIn {
			return x, usageErrorf("there is no built-in rule %q: see osect learn rules", o.item)
		}
		return x, usageErrorf("%s has no subkind %q: use one of %s", kind, o.item, strings.Join(subs, ", "))
	}
	if m, err := decode.ParseMAC(strings.ReplaceAll(o.src, "-", ":")); err == nil {
		x.Src = m.String()
	}
	d := detect.Exclusion{Src: x.Src}
	if err := d.Check(); err != nil {
		return x, usageErrorf("--src: %w", err)
	}
	return x, nil
}

// exclusionRow is a row of exclude list.
type exclusionRow struct {
	Kind string `json:"kind"`
	Site string `json:"site"`
	Src  string `json:"src"`
	Item string `json:"item"`
	Note string `json:"note"`
}

func newExcludeCommand(a *app) *cobra.Command {
	var o listOptions
	list := &cobra.Command{
		Use:   "list [KIND]",
		Short: "List what no alert is raised for",
		Long: `List the exclusions: sources, subkinds, or both, for which a detector raises no
alert. An empty column stands for any.` + listHelp + exitStatusHelp,
		Example: `  osect exclude list
  osect exclude list built-in --format csv`,
		Args: wantArgs(0, 1, "KIND"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			kind := ""
			if len(args) == 1 {
				kind = args[0]
			}
			return runExcludeList(cmd.Context(), a, o, kind)
		},
	}
	o.addFlags(list.Flags())
	return newGroup("exclude", "Exclusions: what no alert is raised for", list, newExcludeEditCommand(a, false), newExcludeEditCommand(a, true))
}

func runExcludeList(ctx context.Context, a *app, o listOptions, kind string) (err error) {
	if err := checkKind(kind); err != nil {
		return err
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	all, err := st.Exclusions(ctx, detect.Kind(kind))
	if err != nil {
		return err
	}
	var rows []exclusionRow
	for _, x := range all {
		rows = append(rows, exclusionRow{string(x.Kind), x.Site, x.Src, x.Item, x.Note})
	}
	type row = exclusionRow
	return listing[row]{columns: []column[row]{
		{key: "kind", cell: func(r *row) string { return r.Kind }},
		{key: "src", cell: func(r *row) string { return r.Src }},
		{key: "item", cell: func(r *row) string { return r.Item }},
		{key: "site", layout: layout{min: 8, drop: 1}, cell: func(r *row) string { return r.Site }},
		{key: "note", layout: layout{min: 12, lines: 3, drop: 2}, cell: func(r *row) string { return r.Note }},
	}}.print(a, &o, slice(rows))
}

func newExcludeEditCommand(a *app, remove bool) *cobra.Command {
	var o exclusionFlags
	cmd := &cobra.Command{
		Use:   "add KIND",
		Short: "Raise no alert of a detector for a source, a subkind, or both",
		Long: `Raise no alert of a detector (KIND) for a source, a subkind, or both. A running
capture takes it by the end of the next full minute; alerts that are there
already stay. The subkind is in osect alerts list --format json.` + exitStatusHelp,
		Example: `  osect exclude add built-in --src 192.168.3.20 --item port-scan --note "inventory tool"
  osect exclude add built-in --item cleartext
  osect exclude add vulnerable-device --src 192.168.3.77`,
		Args: wantArgs(1, 1, "KIND"),
	}
	if remove {
		cmd.Use, cmd.Short = "remove KIND", "Remove an exclusion"
		cmd.Long = `Remove an exclusion. It is named by the same flags that would add it; osect
exclude list shows them.` + exitStatusHelp
		cmd.Example = `  osect exclude remove built-in --src 192.168.3.20 --item port-scan`
	} else {
		cmd.Flags().StringVar(&o.note, "note", "", "why, for the list")
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		x, err := o.exclusion(args[0])
		if err != nil {
			return err
		}
		st, err := a.openWrite(!remove)
		if err != nil {
			return err
		}
		defer closing(st, &err)
		if !remove {
			return st.AddExclusions(x)
		}
		n, err := st.RemoveExclusions(x)
		if err == nil && n == 0 {
			return inputErrorf("%s has no such exclusion: see osect exclude list %s", a.db, args[0])
		}
		return err
	}
	o.addFlags(cmd.Flags())
	return cmd
}

// newAlertsExcludeCommand excludes what an alert is about: its source and subkind.
func newAlertsExcludeCommand(a *app) *cobra.Command {
	var o struct {
		anySource bool
		note      string
	}
	cmd := &cobra.Command{
		Use:   "exclude ID...",
		Short: "Raise no more alerts like these: of the same source and subkind",
		Long: `Raise no more alerts of the same detector, subkind and source, and mark these as
excluded. osect exclude list shows what is excluded; what is normal between two
ends is better accepted (osect alerts accept).` + exitStatusHelp,
		Example: `  osect alerts exclude 3f2a91c04b7d --note "inventory tool"
  osect alerts exclude 3f2a --any-source`,
		Args: wantArgs(1, -1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachAlert(cmd.Context(), args, func(st *store.Store, al *store.Alert) error {
				x := store.Exclusion{Kind: al.Kind, Site: al.Site, Item: al.Subkind, Src: al.SrcIP, Note: o.note}
				if x.Src == "" {
					x.Src = al.SrcMAC
				}
				if o.anySource {
					x.Src = ""
				} else if x.Src == "" {
					return inputErrorf("alert %s names no source: use --any-source, or osect exclude add", al.ID)
				}
				return st.ExcludeAlert(al.ID, x)
			})
		},
	}
	cmd.Flags().BoolVar(&o.anySource, "any-source", false, "of any source")
	cmd.Flags().StringVar(&o.note, "note", "", "why, for the list")
	return cmd
}
