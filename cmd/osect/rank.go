package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/inventory"
	"osect/picture"
	"osect/service"
)

type rankOptions struct {
	listOptions
	where
	by string
}

// rankRow is a row of rank: a device, a service or a vendor. What does not belong to its
// kind is empty.
type rankRow struct {
	Rank       int      `json:"rank"`
	Name       string   `json:"name"` // the device's first address, the service, the vendor
	MAC        string   `json:"mac"`
	Hostname   string   `json:"hostname"`
	Role       string   `json:"role"`
	Addresses  []string `json:"addresses"` // of a vendor's devices
	Devices    int      `json:"devices"`   // of a service (both ends) or a vendor
	Peers      int      `json:"peers"`
	Importance int      `json:"importance"`
	Packets    uint64   `json:"packets"`
	Bytes      uint64   `json:"bytes"`
	Site       string   `json:"site"`
	most       uint64
}

// ranks says by what each thing can be ranked, the usual first.
var ranks = []struct {
	what string
	by   []string
}{
	{"devices", []string{"traffic", "peers", "importance"}},
	{"services", []string{"traffic", "devices"}},
	{"vendors", []string{"devices"}},
}

func newRankCommand(a *app) *cobra.Command {
	var o rankOptions
	cmd := &cobra.Command{
		Use:   "rank devices|services|vendors",
		Short: "Rank devices, services or vendors",
		Long: `Rank what is there, the most first:

  devices   --by traffic (sent and received), peers or importance
  services  --by traffic or devices (all that offer or use it)
  vendors   --by devices, with their addresses

Internet addresses are one device together. Broadcasts are in the traffic of the
sender. Ports from 32768 on without a name, where nobody answered several
clients, are one row; so is TCP that was only tried ("tcp unanswered").` + listHelp + exitStatusHelp,
		Example: `  osect rank devices --limit 10
  osect rank devices --by peers --from 24h-ago
  osect rank services --by devices --format json
  osect rank vendors`,
		ValidArgs: []string{"devices", "services", "vendors"},
		Args:      wantArgs(1, 1, "devices, services or vendors"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runRank(cmd.Context(), a, o, args[0])
		},
	}
	cmd.Flags().StringVar(&o.by, "by", "", "by this `measure`: traffic, peers, importance or devices (default traffic; vendors: devices)")
	o.timeRange.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.site, "site", "", "only this `site`")
	cmd.Flags().StringVar(&o.sensor, "sensor", "", "only what this `sensor` saw")
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

func runRank(ctx context.Context, a *app, o rankOptions, what string) (err error) {
	i := 0
	for i < len(ranks) && ranks[i].what != what {
		i++
	}
	if i == len(ranks) {
		return usageErrorf("%q cannot be ranked: use devices, services or vendors", what)
	}
	by := cmp.Or(o.by, ranks[i].by[0])
	if !slices.Contains(ranks[i].by, by) {
		return usageErrorf("--by %q: %s are ranked by %s", by, what, strings.Join(ranks[i].by, ", "))
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
	devices, in, err := a.devices(ctx, st, f, false)
	if err != nil {
		return err
	}
	var rows []rankRow
	switch what {
	case "devices":
		rows = rankDevices(a, devices)
	case "services":
		rows = rankServices(a.names, in.Links, picture.NewFinder(devices))
	case "vendors":
		rows = rankVendors(devices)
	}
	value := func(r *rankRow) uint64 {
		switch by {
		case "traffic":
			return r.Bytes
		case "peers":
			return uint64(r.Peers)
		case "importance":
			return uint64(r.Importance)
		}
		return uint64(r.Devices)
	}
	slices.SortStableFunc(rows, func(x, y rankRow) int {
		return cmp.Or(cmp.Compare(value(&y), value(&x)), cmp.Compare(x.Name, y.Name), cmp.Compare(x.MAC, y.MAC), cmp.Compare(x.Site, y.Site))
	})
	for i := range rows {
		rows[i].Rank, rows[i].most = i+1, value(&rows[0])
	}
	return rankTable(a, what, by, value).print(a, &o.listOptions, slice(rows))
}

func rankTable(a *app, what, by string, value func(*rankRow) uint64) listing[rankRow] {
	type row = rankRow
	number := column[row]{key: by, layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(value(r), 10) }}
	if by == "traffic" {
		number.key, number.cell = "bytes", func(r *row) string { return human(r.Bytes) }
	}
	columns := []column[row]{{key: "rank", layout: layout{right: true}, cell: func(r *row) string { return strconv.Itoa(r.Rank) }}}
	switch what {
	case "devices":
		columns = append(columns,
			column[row]{key: "ips", layout: layout{min: 17}, cell: func(r *row) string { return cmp.Or(r.Name, r.MAC) }},
			column[row]{key: "hostname", layout: layout{min: 8, lines: 3, drop: 2}, cell: func(r *row) string { return r.Hostname }},
			column[row]{key: "role", layout: layout{min: 12, lines: 2, drop: 3}, cell: func(r *row) string { return a.role(r.Role) }, colour: func(r *row) string { return roleColours[r.Role] }})
	case "services":
		columns = append(columns, column[row]{key: "service", layout: layout{min: 20, lines: 3}, cell: func(r *row) string { return r.Name }})
	case "vendors":
		columns = append(columns, column[row]{key: "vendor", layout: layout{min: 20, lines: 2}, cell: func(r *row) string {
			if r.Name == "" {
				return a.get("device.vendor.unknown")
			}
			return shortVendor(r.Name)
		}}, number, column[row]{key: "addresses", layout: layout{min: 20}, cell: func(r *row) string { return strings.Join(r.Addresses, " ") }})
		return listing[row]{columns: columns}
	}
	return listing[row]{columns: append(columns, number, column[row]{key: "bar", layout: layout{drop: 1}, cell: func(r *row) string { return bar(value(r), r.most) }})}
}

func rankDevices(a *app, devices []inventory.Device) []rankRow {
	var rows []rankRow
	for i := range devices {
		r := toDeviceRow(&devices[i])
		row := rankRow{MAC: r.MAC, Hostname: r.Hostname, Role: r.Role, Peers: r.Peers, Importance: r.Importance, Site: r.Site,
			Packets: r.PacketsSent + r.PacketsReceived, Bytes: r.BytesSent + r.BytesReceived, Addresses: r.IPs}
		if row.Name = firstIP(r.IPs); r.Internet {
			row.Name = a.get("device.internet")
		}
		rows = append(rows, row)
	}
	return rows
}

// ephemeral is from where on systems choose ports for themselves (Linux from here, others from 49152, RFC 6335): a port from here on
// that has no name and no protocol is a service only where a server answered several clients on it.
const ephemeral = 32768

// withoutPayload is the longest mean frame, bytes, of TCP that was only tried: a SYN with all its options, or a reset, below a VLAN tag.
const withoutPayload = 80

// serviceOf is the service that a link counts for. What was tried and neither answered nor given any data is none, nor are ports that a
// system chose for itself: of these there is one row for each protocol, or scans and data channels would hide the services.
func serviceOf(names *service.Names, l *inventory.Link, proto string, several bool) string {
	name := nameService(names, proto, l.ServerPort, l.Service)
	switch {
	case l.Service != "" || proto != "tcp" && proto != "udp":
	case proto == "tcp" && !l.Answered && l.Bytes < withoutPayload*l.Packets:
		return "tcp unanswered"
	case l.ServerPort >= ephemeral && !several && names.Name(proto, l.ServerPort) == "":
		return fmt.Sprintf("%s/%d-65535", proto, ephemeral)
	}
	return name
}

// rankServices sums links by service. Devices are those at both ends; addresses that are of none (multicast, what
// never sent) do not count.
func rankServices(names *service.Names, links []inventory.Link, find *picture.Finder) []rankRow {
	type key struct{ site, name string }
	at := map[key]int{}
	ends := map[key]map[int]bool{}
	var rows []rankRow
	type server struct {
		site string
		addr decode.Addr
		port uint16
	}
	asked := map[server]decode.Addr{} // by whom, where one was answered on a port from ephemeral on
	several := map[server]bool{}
	for i := range links {
		if l := &links[i]; l.Answered && l.ServerPort >= ephemeral {
			s := server{l.Site, l.Server, l.ServerPort}
			if by, ok := asked[s]; ok && by != l.Client {
				several[s] = true
			}
			asked[s] = l.Client
		}
	}
	for i := range links {
		l := &links[i]
		k := key{l.Site, serviceOf(names, l, protoName(l.Proto, l.Client), several[server{l.Site, l.Server, l.ServerPort}])}
		n, ok := at[k]
		if !ok {
			n = len(rows)
			at[k], ends[k] = n, map[int]bool{}
			rows = append(rows, rankRow{Name: k.name, Site: k.site, Addresses: []string{}})
		}
		rows[n].Packets += l.Packets
		rows[n].Bytes += l.Bytes
		for _, d := range []int{find.Find(l.Site, l.Client, l.ClientMAC), find.Find(l.Site, l.Server, l.ServerMAC)} {
			if d >= 0 {
				ends[k][d] = true
			}
		}
	}
	for k, n := range at {
		rows[n].Devices = len(ends[k])
	}
	return rows
}

func rankVendors(devices []inventory.Device) []rankRow {
	at := map[string]int{}
	var rows []rankRow
	for i := range devices {
		d := &devices[i]
		if d.Internet || d.MAC == 0 {
			continue
		}
		n, ok := at[d.Vendor]
		if !ok {
			n = len(rows)
			at[d.Vendor] = n
			rows = append(rows, rankRow{Name: d.Vendor, Addresses: []string{}})
		}
		r := toDeviceRow(d)
		rows[n].Devices++
		rows[n].Packets += r.PacketsSent + r.PacketsReceived
		rows[n].Bytes += r.BytesSent + r.BytesReceived
		rows[n].Addresses = append(rows[n].Addresses, cmp.Or(firstIP(r.IPs), r.MAC))
	}
	return rows
}

// firstIP is the first IPv4 address, else the first address.
func firstIP(ips []string) string {
	for _, ip := range ips {
		if !strings.Contains(ip, ":") {
			return ip
		}
	}
	if len(ips) > 0 {
		return ips[0]
	}
	return ""
}

// more writes "192.0.2.1 +2".
func more(first string, n int) string {
	if n < 1 {
		return first
	}
	return fmt.Sprintf("%s +%d", first, n)
}
