package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/decode/ot"
	"osect/decode/ot/registry"
	"osect/store"
	"osect/text"
)

type otOptions struct {
	listOptions
	where
	deviceFilter
	sortOption
	protocol, layer string
	classes         []string
}

func newOTCommand(a *app) *cobra.Command {
	var o otOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List control operations",
		Long: `List the messages of control protocols, counted by source, destination,
protocol, function, direction and status. Sources and destinations of protocols
without IP are MACs (--layer ethernet). --vlan, --vendor and --role are of the
devices at either end.

Classes: read, write (changes data), control (changes how the device runs, its
program, its clock, its network settings), identity, session, cyclic, other.` + listHelp + exitStatusHelp,
		Example: `  osect ot list
  osect ot list --class write,control
  osect ot list --vendor mitsubishi --sort -count --limit 20
  osect ot list --protocol slmp-melsec --address 192.168.3.39
  osect ot list --layer ethernet --format json --all`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runOTList(cmd.Context(), a, o)
		},
	}
	list.Flags().StringSliceVar(&o.classes, "class", nil, "only these `classes`, separated by commas")
	list.Flags().StringVar(&o.protocol, "protocol", "", "only this `protocol`, such as modbus-tcp")
	list.Flags().StringVar(&o.layer, "layer", "", "only this `layer`: ip or ethernet")
	o.where.addFlags(list.Flags())
	o.deviceFilter.addFlags(list.Flags())
	o.sortOption.addFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("ot", "Control operations: who read, wrote, controlled what", list)
}

func runOTList(ctx context.Context, a *app, o otOptions) (err error) {
	if err := oneOf("layer", o.layer, "ip", "ethernet"); err != nil {
		return err
	}
	if err := checkProtocol(o.protocol); err != nil {
		return err
	}
	if err := o.narrow(&o.where); err != nil {
		return err
	}
	var classes []string
	for c := range ot.NumClasses {
		classes = append(classes, c.String())
	}
	for _, c := range o.classes {
		if err := oneOf("class", c, classes...); err != nil {
			return err
		}
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
	f.Protocol, f.Layer = o.protocol, o.layer
	if len(o.classes) == 1 {
		f.Class = o.classes[0]
	}
	ends, err := o.ends(ctx, a, st, f, true)
	if err != nil {
		return err
	}
	of := endSet(ends)
	return operationTable(a).print(a, &o.listOptions, func(limit int, fn func(*store.OperationRow) error) (bool, error) {
		if len(o.classes) < 2 && ends == nil && o.sort == "" {
			f.Limit = limit
			rows, more, err := st.Operations(ctx, f)
			if err != nil {
				return false, err
			}
			return more, visit(rows, fn)
		}
		rows, _, err := st.Operations(ctx, f)
		if err != nil {
			return false, err
		}
		rows = slices.DeleteFunc(rows, func(r store.OperationRow) bool {
			return len(o.classes) > 0 && !slices.Contains(o.classes, r.Class) || ends != nil && !of[[2]string{r.Site, r.Src}] && !of[[2]string{r.Site, r.Dst}]
		})
		if err := sortRows(&o.sortOption, rows); err != nil {
			return false, err
		}
		return slice(rows)(limit, fn)
	})
}

// checkProtocol refuses what is no control protocol, and names those that it may be.
func checkProtocol(name string) error {
	if name == "" || text.Has("ot.protocol."+name) {
		return nil
	}
	var near, all []string
	for _, p := range registry.Protocols {
		if p.Name == name {
			return nil
		}
		if strings.Contains(p.Name, strings.ToLower(name)) {
			near = append(near, p.Name)
		}
		all = append(all, p.Name)
	}
	if near != nil {
		return usageErrorf("there is no protocol %q: did you mean %s?", name, strings.Join(near, " or "))
	}
	return usageErrorf("there is no protocol %q: use one of %s", name, strings.Join(all, ", "))
}

func operationTable(a *app) listing[store.OperationRow] {
	type row = store.OperationRow
	return listing[row]{columns: []column[row]{
		{key: "src", layout: layout{min: 17}, cell: func(r *row) string { return r.Src }},
		{key: "dst", layout: layout{min: 17}, cell: func(r *row) string { return r.Dst }},
		{key: "protocol", layout: layout{min: 10, lines: 3}, cell: func(r *row) string { return r.Protocol }},
		{key: "function", layout: layout{min: 15, lines: 3}, cell: functionText},
		{key: "unit", layout: layout{min: 5, lines: 3, drop: 3}, cell: func(r *row) string { return r.Unit }},
		{key: "direction", layout: layout{drop: 2}, cell: func(r *row) string { return a.or("cli.direction."+r.Direction, r.Direction) }},
		{key: "class", layout: layout{drop: 4}, cell: func(r *row) string { return a.get("ot.class." + r.Class) }, colour: func(r *row) string { return classColours[r.Class] }},
		{key: "count", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Count, 10) }},
		{key: "last_seen", layout: layout{drop: 1}, cell: func(r *row) string { return a.clock(int64(r.LastSeen)) }},
	}}
}

// functionText is "06 write single register [02]": the code, the name, the end code.
func functionText(r *store.OperationRow) string {
	s := strings.TrimSpace(r.FunctionCode + " " + r.Function)
	if r.Status != "" {
		s = strings.TrimSpace(s + " [" + r.Status + "]")
	}
	return s
}
