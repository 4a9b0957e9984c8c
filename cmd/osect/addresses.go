package main

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/store"
)

type addressesOptions struct {
	listOptions
	where
	deviceFilter
	sortOption
	macOnly bool
	log     string // kind of log
	end     string // kind of end
}

func newAddressesCommand(a *app) *cobra.Command {
	var o addressesOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List addresses as they were seen on the wire",
		Long: `List addresses as they were seen on the wire, before they are made into
devices: one row for each IP address with each MAC and VLAN, spoofed ones,
0.0.0.0 and multicast sources included. "evidence" says by what it was seen: ip
(sent a frame with this source), arp (claimed it), and others.

MACs that sent no IP frame have rows of their own with --mac-only.

--log searches by kind of log that the address appears in: ip, name (name
resolution), arp (ARP and NDP), dhcp, http, ot, ethernet. --end searches by kind
of end: client and server are those that were that among others, both those that
were both, multicast groups. --vendor and --role are of the device that has the
address.` + listHelp + exitStatusHelp,
		Example: `  osect addresses list
  osect addresses list --log dhcp --end server
  osect addresses list --address 192.168.3.0/24
  osect addresses list --mac-only --format json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runAddressesList(cmd.Context(), a, o)
		},
	}
	list.Flags().BoolVar(&o.macOnly, "mac-only", false, "MACs without an IP address instead")
	list.Flags().StringVar(&o.log, "log", "", "only in this `kind` of log: ip, name, arp, dhcp, http, ot or ethernet")
	list.Flags().StringVar(&o.end, "end", "", "only this `kind` of end: client, server, both or multicast")
	o.where.addFlags(list.Flags())
	o.deviceFilter.addFlags(list.Flags())
	o.sortOption.addFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("addresses", "Addresses as seen on the wire", list)
}

func runAddressesList(ctx context.Context, a *app, o addressesOptions) (err error) {
	if err := oneOf("log", o.log, "ip", "name", "arp", "dhcp", "http", "ot", "ethernet"); err != nil {
		return err
	}
	if err := oneOf("end", o.end, "client", "server", "both", "multicast"); err != nil {
		return err
	}
	if err := o.narrow(&o.where); err != nil {
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
	rows, _, err := st.Addresses(ctx, f)
	if err != nil {
		return err
	}
	ends, err := o.ends(ctx, a, st, f, false)
	if err != nil {
		return err
	}
	of := endSet(ends)
	tag, err := o.tag()
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r store.AddressRow) bool {
		return (r.IP == "") != o.macOnly || o.log != "" && !slices.Contains(r.Logs, o.log) || !isEnd(r.Ends, o.end) ||
			tag != nil && *tag != tagOf(r.VLAN) || ends != nil && !of[[2]string{r.Site, cmp.Or(r.IP, r.MAC)}]
	})
	if err := sortRows(&o.sortOption, rows); err != nil {
		return err
	}
	return addressTable(a).print(a, &o.listOptions, slice(rows))
}

// isEnd says whether an address was this kind of end.
func isEnd(ends []string, kind string) bool {
	if kind == "both" {
		return slices.Contains(ends, "client") && slices.Contains(ends, "server")
	}
	return kind == "" || slices.Contains(ends, kind)
}

func tagOf(v *uint16) uint16 {
	if v == nil {
		return decode.NoVLAN
	}
	return *v
}

func addressTable(a *app) listing[store.AddressRow] {
	type row = store.AddressRow
	return listing[row]{columns: []column[row]{
		{key: "ip", layout: layout{min: 15}, cell: func(r *row) string { return r.IP }},
		{key: "mac", cell: func(r *row) string { return r.MAC }},
		{key: "vlan", layout: layout{drop: 2, right: true}, cell: func(r *row) string { return vlanText(r.VLAN) }},
		{key: "evidence", layout: layout{min: 10, lines: 4}, cell: func(r *row) string { return strings.Join(r.Evidence, " ") }},
		{key: "ends", layout: layout{drop: 3, min: 6, lines: 2}, cell: func(r *row) string { return strings.Join(r.Ends, " ") }},
		{key: "packets_sent", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(r.PacketsSent, 10) }},
		{key: "last_seen", layout: layout{min: 10, fold: 1, drop: 4}, cell: func(r *row) string { return a.clock(int64(r.LastSeen)) }},
	}}
}

func vlanText(v *uint16) string {
	if v == nil {
		return ""
	}
	return strconv.Itoa(int(*v))
}
