package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/store"
)

type addressesOptions struct {
	listOptions
	where
	macOnly bool
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

MACs that sent no IP frame have rows of their own with --mac-only.` + listHelp + exitStatusHelp,
		Example: `  osect addresses list
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
	o.where.addFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("addresses", "Addresses as seen on the wire", list)
}

func runAddressesList(ctx context.Context, a *app, o addressesOptions) (err error) {
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
	rows = slices.DeleteFunc(rows, func(r store.AddressRow) bool { return (r.IP == "") != o.macOnly })
	return addressTable(a).print(a, &o.listOptions, slice(rows))
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
