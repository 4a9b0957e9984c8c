package main

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/decode"
	"osect/store"
)

// where are the flags by which most listings are narrowed.
type where struct {
	timeRange
	address, site, sensor string
}

func (w *where) addFlags(f *pflag.FlagSet) {
	f.StringVar(&w.address, "address", "", "only this IP `address`, prefix (192.0.2.0/24) or MAC")
	w.timeRange.addFlags(f)
	f.StringVar(&w.site, "site", "", "only this `site`")
	f.StringVar(&w.sensor, "sensor", "", "only what this `sensor` saw")
}

func (w *where) filter(ctx context.Context, st *store.Store) (store.Filter, error) {
	f := store.Filter{Address: w.address, Site: w.site, Sensor: w.sensor}
	if err := checkAddress(w.address); err != nil {
		return f, err
	}
	var err error
	f.From, f.To, err = w.bounds(ctx, st)
	return f, err
}

// checkAddress refuses what is no address, prefix or MAC.
func checkAddress(s string) error {
	if s == "" {
		return nil
	}
	if _, _, err := net.ParseCIDR(s); err == nil {
		return nil
	}
	if _, err := decode.ParseAddr(s); err == nil {
		return nil
	}
	if _, err := decode.ParseMAC(s); err == nil {
		return nil
	}
	return usageErrorf("--address %q: want an IP address, a prefix such as 192.0.2.0/24, or a MAC", s)
}

type flowsOptions struct {
	listOptions
	where
	deviceFilter
	sortOption
	protocol string
}

// flowRow is a row of flows list: a connection, and the name of its server's port.
type flowRow struct {
	store.Flow
	ServiceName string `json:"service_name"`
}

func newFlowsCommand(a *app) *cobra.Command {
	var o flowsOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List connections",
		Long: `List connections, one row each, by the time of their first packet; with a limit
the newest. "out" is from client to server. A row of what a tunnel carries names
the tunnel and stands beside the row of the tunnel itself. --vlan is of the
connection (outer or inner tag); --vendor and --role are of either end.

--sort takes ` + strings.Join(wrap(strings.Join(store.FlowOrders(), ", "), 67, 0, false), "\n") + `.` + listHelp + exitStatusHelp,
		Example: `  osect flows list
  osect flows list --address 192.168.3.0/24 --from 1h-ago
  osect flows list --role plc --from 24h-ago --sort -bytes --limit 20
  osect flows list --protocol modbus-tcp --wide
  osect flows list --all --format csv --bom`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runFlowsList(cmd.Context(), a, o)
		},
	}
	list.Flags().StringVar(&o.protocol, "protocol", "", "only this `protocol`: tcp, udp, icmp, icmp6, an IP protocol number, or a service")
	o.where.addFlags(list.Flags())
	o.deviceFilter.addFlags(list.Flags())
	o.sortOption.addFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("flows", "Connections: who talked to whom", list)
}

// listHelp tells what all listings have in common.
const listHelp = `

JSON and CSV have all keys, whatever the table shows, and do not change with the
language. Times are UTC there and in --tz in tables. In CSV, a text that a
spreadsheet would take for a formula has an apostrophe before it; control
characters are written as \x1b everywhere.`

func runFlowsList(ctx context.Context, a *app, o flowsOptions) (err error) {
	if err := o.narrow(&o.where); err != nil {
		return err
	}
	order, down := o.sortOption.key()
	if err := oneOf("sort", order, store.FlowOrders()...); err != nil {
		return err
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
	f.Protocol, f.Order, f.Descending = o.protocol, order, down
	if f.VLAN, err = o.tag(); err != nil {
		return err
	}
	if f.Ends, err = o.ends(ctx, a, st, f, false); err != nil {
		return err
	}
	named := func(fn func(*flowRow) error) func(*store.Flow) error {
		return func(r *store.Flow) error { return fn(&flowRow{*r, a.names.Name(r.Proto, r.ServerPort)}) }
	}
	return flowTable(a).print(a, &o.listOptions, func(limit int, fn func(*flowRow) error) (bool, error) {
		f.Limit = limit
		if limit == 0 {
			return false, st.EachFlow(ctx, f, named(fn))
		}
		rows, more, err := st.Flows(ctx, f)
		if err != nil {
			return false, err
		}
		return more, visit(rows, named(fn))
	})
}

func flowTable(a *app) listing[flowRow] {
	type row = flowRow
	return listing[row]{columns: []column[row]{
		{key: "first_seen", layout: layout{min: 10, fold: 4, drop: 5}, cell: func(r *row) string { return a.clock(int64(r.FirstSeen)) }},
		{key: "client", layout: layout{min: 21}, cell: func(r *row) string { return endPoint(r.ClientIP, r.ClientPort) }},
		{key: "server", layout: layout{min: 21}, cell: func(r *row) string { return endPoint(r.ServerIP, r.ServerPort) }},
		{key: "proto", layout: layout{min: 8, lines: 5}, cell: func(r *row) string { return a.flowService(&r.Flow) }},
		{key: "vlan", layout: layout{wide: true, drop: 1, right: true}, cell: func(r *row) string { return vlanText(r.VLAN) }},
		{key: "packets", layout: layout{drop: 3, right: true}, cell: func(r *row) string { return strconv.FormatUint(r.PacketsOut+r.PacketsIn, 10) }},
		{key: "bytes", layout: layout{right: true}, cell: func(r *row) string { return human(r.BytesOut + r.BytesIn) }},
		{key: "state", layout: layout{drop: 2}, cell: func(r *row) string { return a.or("cli.flow."+r.State, r.State) }},
	}}
}

// flowService is what a connection is: the control protocol that was recognised,
// "icmp echo", "tcp smb" (smb by its port), or the transport alone.
func (a *app) flowService(r *store.Flow) string {
	s := transportName(r.Proto)
	switch {
	case r.Service != "":
		s = r.Service
	case r.Proto == "icmp" || r.Proto == "icmp6":
		s = icmpName(r.Proto, r.ICMPType, r.ICMPCode)
	case a.names.Name(r.Proto, r.ServerPort) != "":
		s += " " + a.names.Name(r.Proto, r.ServerPort)
	}
	if r.Tunnel != "" {
		s = r.Tunnel + ":" + s
	}
	return s
}

// endPoint writes an address with its port, if it has one.
func endPoint(ip string, port uint16) string {
	if port == 0 {
		return ip
	}
	if strings.Contains(ip, ":") {
		return "[" + ip + "]:" + strconv.Itoa(int(port))
	}
	return ip + ":" + strconv.Itoa(int(port))
}
