package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/inventory"
	"osect/ledger"
	"osect/store"
)

// deviceRow is a row of devices list.
type deviceRow struct {
	MAC             string     `json:"mac"`
	IPs             []string   `json:"ips"`
	Vendor          string     `json:"vendor"`
	Hostname        string     `json:"hostname"`
	OS              string     `json:"os"`
	OSAccuracy      int        `json:"os_accuracy"`
	Role            string     `json:"role"`
	RoleConfidence  int        `json:"role_confidence"`
	Level           string     `json:"purdue_level"`
	LevelConfidence int        `json:"purdue_confidence"`
	Importance      int        `json:"importance"`
	Router          bool       `json:"router"`
	Internet        bool       `json:"internet"`
	Peers           int        `json:"peers"`
	VLANs           []uint16   `json:"vlans"`
	Site            string     `json:"site"`
	Sensors         []string   `json:"sensors"`
	FirstSeen       store.Time `json:"first_seen"`
	LastSeen        store.Time `json:"last_seen"`
	PacketsSent     uint64     `json:"packets_sent"`
	BytesSent       uint64     `json:"bytes_sent"`
	PacketsReceived uint64     `json:"packets_received"`
	BytesReceived   uint64     `json:"bytes_received"`
	InLedger        bool       `json:"in_ledger"`
}

func toDeviceRow(d *inventory.Device) deviceRow {
	r := deviceRow{
		IPs: []string{}, Vendor: d.Vendor, Hostname: d.Hostname, OS: d.OS, OSAccuracy: d.OSAccuracy,
		Role: d.Role, RoleConfidence: d.RoleConfidence, Level: d.Level, LevelConfidence: d.LevelConfidence, Importance: d.Importance, Router: d.Router, Internet: d.Internet, Peers: d.Peers,
		VLANs: append([]uint16{}, d.VLANs...), Site: d.Site, Sensors: append([]string{}, d.Sensors...),
		FirstSeen: store.Time(d.FirstSeen), LastSeen: store.Time(d.LastSeen),
		PacketsSent: d.PacketsSent, BytesSent: d.BytesSent, PacketsReceived: d.PacketsReceived, BytesReceived: d.BytesReceived,
		InLedger: d.InLedger,
	}
	if d.MAC != 0 {
		r.MAC = d.MAC.String()
	}
	for _, ip := range d.IPs {
		r.IPs = append(r.IPs, ip.String())
	}
	return r
}

type devicesOptions struct {
	listOptions
	where
	internetEach bool
	role         string
	kind         deviceKind
}

func newDevicesCommand(a *app) *cobra.Command {
	var o devicesOptions
	list := &cobra.Command{
		Use:   "list",
		Short: "List devices",
		Long: `List devices: one row for each MAC of a site, or for each IP address where no
MAC of its own is seen (behind a router). Internet addresses are one row
together, unless --internet-each.` + listHelp + exitStatusHelp,
		Example: `  osect devices list
  osect devices list --role plc
  osect devices list --protocol modbus-tcp --class write --sort -importance
  osect devices list --address 192.168.3.0/24 --wide
  osect devices list --all --format csv --bom`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runDevicesList(cmd.Context(), a, o)
		},
	}
	list.Flags().BoolVar(&o.internetEach, "internet-each", false, "a row for each internet address")
	list.Flags().StringVar(&o.role, "role", "", "only this `role`, such as plc or hmi")
	o.where.addFlags(list.Flags())
	o.kind.addFlags(list.Flags())
	o.listOptions.addFlags(list.Flags())
	return newGroup("devices", "Devices: what is there", list, newDevicesShowCommand(a), newMatrixCommand(a))
}

// devices makes the devices of the store that the filter leaves.
func (a *app) devices(ctx context.Context, st *store.Store, f store.Filter, internetEach bool) ([]inventory.Device, inventory.Input, error) {
	address := f.Address
	f.Address = ""
	in, err := st.DeviceInput(ctx, f)
	if err != nil {
		return nil, in, err
	}
	x, err := readLedger(ctx, st)
	if err != nil {
		return nil, in, err
	}
	devices, err := devicesOf(ctx, st, in, x, internetEach)
	if err != nil {
		return nil, in, err
	}
	if address != "" {
		devices = slices.DeleteFunc(devices, func(d inventory.Device) bool { return !isDevice(&d, address) })
	}
	return devices, in, nil
}

// devicesOf makes devices of what was seen of them, with the ledger x.
func devicesOf(ctx context.Context, st *store.Store, in inventory.Input, x *ledger.Index, internetEach bool) ([]inventory.Device, error) {
	o, err := inventoryOptions(ctx, st)
	if err != nil {
		return nil, err
	}
	o.InternetEach, o.Criticality = o.InternetEach || internetEach, criticality(x)
	o.Level = level(x)
	devices := inventory.Devices(in, o)
	for i := range devices {
		devices[i].InLedger = x.Device(&devices[i]) != nil
	}
	return devices, nil
}

// isDevice says whether address (an IP, a prefix or a MAC) is one of the device's.
func isDevice(d *inventory.Device, address string) bool {
	if p, err := netip.ParsePrefix(address); err == nil {
		return slices.ContainsFunc(d.IPs, func(ip decode.Addr) bool { return p.Contains(ip.Netip()) })
	}
	if m, err := decode.ParseMAC(strings.ToLower(address)); err == nil {
		return d.MAC == m
	}
	ip, err := decode.ParseAddr(address)
	return err == nil && slices.Contains(d.IPs, ip)
}

func runDevicesList(ctx context.Context, a *app, o devicesOptions) (err error) {
	if err := oneOf("role", o.role, inventory.Roles...); err != nil {
		return err
	}
	if err := o.kind.check(&o.where); err != nil {
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
	devices, in, err := a.devices(ctx, st, f, o.internetEach)
	if err != nil {
		return err
	}
	var rows []deviceRow
	for i := range devices {
		if (o.role == "" || devices[i].Role == o.role) && o.kind.keep(&devices[i], &in) {
			rows = append(rows, toDeviceRow(&devices[i]))
		}
	}
	if err := sortRows(&o.kind.sortOption, rows); err != nil {
		return err
	}
	return deviceTable(a).print(a, &o.listOptions, slice(rows))
}

func deviceTable(a *app) listing[deviceRow] {
	type row = deviceRow
	return listing[row]{columns: []column[row]{
		{key: "ips", layout: layout{min: 15}, cell: func(r *row) string { return a.deviceIPs(r) }},
		{key: "mac", cell: func(r *row) string { return r.MAC }},
		{key: "vendor", layout: layout{min: 12, lines: 2, drop: 5}, cell: func(r *row) string { return shortVendor(r.Vendor) }},
		{key: "hostname", layout: layout{min: 8, lines: 3, drop: 6}, cell: func(r *row) string { return r.Hostname }},
		{key: "role", layout: layout{min: 12, lines: 2}, cell: func(r *row) string { return a.role(r.Role) }, colour: func(r *row) string { return roleColours[r.Role] }},
		{key: "importance", layout: layout{drop: 4, right: true}, cell: func(r *row) string { return strconv.Itoa(r.Importance) }},
		{key: "os", layout: layout{min: 12, lines: 2, drop: 3, wide: true}, cell: func(r *row) string { return r.OS }},
		{key: "os_accuracy", layout: layout{drop: 2, wide: true, right: true}, cell: func(r *row) string {
			if r.OS == "" {
				return ""
			}
			return strconv.Itoa(r.OSAccuracy)
		}},
		{key: "bytes", layout: layout{drop: 1, wide: true, right: true}, cell: func(r *row) string { return human(r.BytesSent + r.BytesReceived) }},
		{key: "last_seen", layout: layout{drop: 2}, cell: func(r *row) string { return a.clock(int64(r.LastSeen)) }},
	}}
}

// deviceIPs is the first IPv4 address, else the first address, and how many more there are.
func (a *app) deviceIPs(r *deviceRow) string {
	if r.Internet {
		return a.get("device.internet")
	}
	if len(r.IPs) == 0 {
		return ""
	}
	return more(firstIP(r.IPs), len(r.IPs)-1)
}

// deviceDetail is devices show.
type deviceDetail struct {
	deviceRow
	OSEvidence []evidenceRow        `json:"os_evidence"`
	OSConflict bool                 `json:"os_conflict"`
	Reasons    []reasonRow          `json:"reasons"`
	Terms      []termRow            `json:"importance_terms"`
	Facts      []toldRow            `json:"facts"`
	Peers      []peerRow            `json:"peer_list"`
	Operations []store.OperationRow `json:"operations"`
	Alerts     []alertRow           `json:"alerts"`
	Ledger     *ledgerRow           `json:"ledger"` // its entry, null for none
}

type reasonRow struct {
	Role   string `json:"role"`
	Weight int    `json:"weight"`
	Reason string `json:"reason"`
}

// evidenceRow is one kind of fact about the operating system: the points add up to os_accuracy.
type evidenceRow struct {
	Points  int      `json:"points"`
	Weight  int      `json:"weight"`
	Source  string   `json:"source"`
	Kind    string   `json:"kind"`
	Value   string   `json:"value"`
	Systems []string `json:"systems"`
}

// termRow is one term of the importance: the points add up to it (at most 100).
type termRow struct {
	Term   string  `json:"term"` // role, control, dependents, between, router, ledger
	Points int     `json:"points"`
	Of     float64 `json:"of"` // what it was reckoned from: a number of devices, the betweenness
}

// toldRow is one thing that the device told of itself.
type toldRow struct {
	Kind      string     `json:"kind"`
	Value     string     `json:"value"`
	Source    string     `json:"source"`
	FirstSeen store.Time `json:"first_seen"`
	LastSeen  store.Time `json:"last_seen"`
}

func evidenceRows(d *inventory.Device) []evidenceRow {
	rows := []evidenceRow{}
	for _, e := range d.OSEvidence {
		rows = append(rows, evidenceRow{e.Points, e.Weight, e.Source, e.Kind, e.Value, e.Systems})
	}
	return rows
}

func termRows(p *inventory.ImportanceParts) []termRow {
	if p.InLedger {
		return []termRow{{"ledger", p.Ledger, float64(p.Ledger)}}
	}
	rows := []termRow{{"role", p.Role, float64(p.Role)}, {"control", p.Control, float64(p.Targets)}, {"dependents", p.Dependents, float64(p.Clients)}, {"between", p.Between, p.Betweenness}}
	if p.Router > 0 {
		rows = append(rows, termRow{"router", p.Router, 1})
	}
	return rows
}

// toldRows are the facts of a device, those last seen first; those of an address behind a router by the address.
func toldRows(d *inventory.Device, facts []inventory.Fact) []toldRow {
	rows := []toldRow{}
	for i := range facts {
		f := &facts[i]
		byMAC := d.MAC != 0 && f.MAC == d.MAC && (!d.Router || f.IP.IsMAC() || slices.Contains(d.IPs, f.IP))
		if f.Site == d.Site && (byMAC || slices.Contains(d.IPs, f.IP)) {
			rows = append(rows, toldRow{f.Kind, f.Value, f.Source, store.Time(f.First), store.Time(f.Last)})
		}
	}
	slices.SortStableFunc(rows, func(x, y toldRow) int {
		return cmp.Or(cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Source, y.Source), cmp.Compare(y.LastSeen, x.LastSeen), cmp.Compare(x.Value, y.Value))
	})
	return slices.CompactFunc(rows, func(x, y toldRow) bool { return x.Kind == y.Kind && x.Source == y.Source && x.Value == y.Value })
}

// peerRow is one service between the device and another end.
type peerRow struct {
	Peer    string `json:"peer"`
	Side    string `json:"side"` // of the device: client or server
	Proto   string `json:"proto"`
	Port    uint16 `json:"port"`
	Service string `json:"service"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

type devicesShowOptions struct {
	where
	format string
}

func newDevicesShowCommand(a *app) *cobra.Command {
	var o devicesShowOptions
	cmd := &cobra.Command{
		Use:   "show ADDRESS",
		Short: "Show one device: what it is and why, its peers, operations and alerts",
		Long: `Show one device, named by an IP address or a MAC: what it is and by which
evidence, whom it talks to, its control operations and its alerts.` + exitStatusHelp,
		Example: `  osect devices show 192.168.3.39
  osect devices show 00:00:5e:00:53:01 --format json`,
		Args: wantArgs(1, 1, "ADDRESS: an IP address or a MAC"),
		RunE: func(cmd *cobra.Command, args []string) error { return runDevicesShow(cmd.Context(), a, o, args[0]) },
	}
	cmd.Flags().StringVar(&o.format, "format", "table", "table or json")
	o.timeRange.addFlags(cmd.Flags())
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	return cmd
}

func runDevicesShow(ctx context.Context, a *app, o devicesShowOptions, address string) (err error) {
	if err := checkFormat(o.format, "table", "json"); err != nil {
		return err
	}
	if strings.Contains(address, "/") || checkAddress(address) != nil {
		return usageErrorf("%q is no IP address and no MAC", address)
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	o.address = address
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	found, in, err := a.devices(ctx, st, f, true)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return inputErrorf("%s: no device %s in %s: see osect devices list", address, address, a.db)
	}
	if len(found) > 1 {
		return inputErrorf("%s: %d devices have this address: name one by its MAC or with --site", address, len(found))
	}
	d := &found[0]
	detail := deviceDetail{deviceRow: toDeviceRow(d), OSEvidence: evidenceRows(d), OSConflict: d.OSConflict, Terms: termRows(&d.ImportanceParts), Facts: toldRows(d, in.Facts), Reasons: []reasonRow{}, Peers: peersOf(d, in.Links), Operations: []store.OperationRow{}, Alerts: []alertRow{}}
	known, err := a.presence(ctx, st)
	if err != nil {
		return err
	}
	if e := known.x.Device(d); e != nil {
		detail.Ledger = new(toLedgerRow(e))
	}
	for _, r := range d.Reasons {
		detail.Reasons = append(detail.Reasons, reasonRow{Role: r.Role, Weight: r.Weight, Reason: a.get(r.Key, "what", r.Arg)})
	}
	ends := make([]string, 0, len(d.IPs)+1)
	if d.MAC != 0 {
		ends = append(ends, d.MAC.String())
	}
	for _, ip := range d.IPs {
		ends = append(ends, ip.String())
	}
	seen := map[string]bool{}
	for _, end := range ends {
		q := f
		q.Address, q.Site = end, d.Site
		ops, _, err := st.Operations(ctx, q)
		if err != nil {
			return err
		}
		for _, op := range ops {
			if op.Src == end || !slices.Contains(ends, op.Src) {
				detail.Operations = append(detail.Operations, op)
			}
		}
		alerts, _, err := st.Alerts(ctx, q)
		if err != nil {
			return err
		}
		for i := range alerts {
			if !seen[alerts[i].ID] {
				seen[alerts[i].ID] = true
				r := toAlertRow(a.lang, &alerts[i])
				if r.InLedger, err = known.alert(ctx, &alerts[i]); err != nil {
					return err
				}
				detail.Alerts = append(detail.Alerts, r)
			}
		}
	}
	if o.format == "json" {
		return printJSON(a.stdout, detail)
	}
	return printDevice(a, &detail)
}

// peersOf are the links of a device, the busiest first.
func peersOf(d *inventory.Device, links []inventory.Link) []peerRow {
	own := func(end decode.Addr, mac decode.MAC) bool {
		if end.IsMAC() {
			return d.MAC != 0 && end == d.MAC.Addr()
		}
		return slices.Contains(d.IPs, end)
	}
	out := []peerRow{}
	for _, l := range links {
		if l.Site != d.Site {
			continue
		}
		r := peerRow{Proto: protoName(l.Proto, l.Client), Port: l.ServerPort, Service: l.Service, Packets: l.Packets, Bytes: l.Bytes}
		switch {
		case own(l.Client, l.ClientMAC):
			r.Side, r.Peer = "client", l.Server.String()
		case own(l.Server, l.ServerMAC):
			r.Side, r.Peer = "server", l.Client.String()
		default:
			continue
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(x, y peerRow) int { return cmp.Compare(y.Bytes, x.Bytes) })
	return out
}

// shown is how many rows of each part devices show prints; JSON has all.
const shown = 20

func printDevice(a *app, d *deviceDetail) error {
	rows := [][2]string{}
	add := func(key, value string) {
		if value != "" && value != "0" {
			rows = append(rows, [2]string{a.get("column." + key), value})
		}
	}
	add("ips", strings.Join(d.IPs, " "))
	add("mac", d.MAC)
	add("vendor", d.Vendor)
	add("hostname", d.Hostname)
	if d.OS != "" {
		add("os", fmt.Sprintf("%s (%d %%)", d.OS, d.OSAccuracy))
	}
	add("role", fmt.Sprintf("%s (%d %%)", a.role(d.Role), d.RoleConfidence))
	if d.Level != "" {
		add("purdue_level", fmt.Sprintf("%s (%d %%)", d.Level, d.LevelConfidence))
	}
	add("importance", strconv.Itoa(d.Importance))
	if d.Ledger != nil {
		add("in_ledger", ledgerLine(d.Ledger))
	}
	add("site", d.Site)
	add("sensors", strings.Join(d.Sensors, " "))
	add("first_seen", a.clock(int64(d.FirstSeen)))
	add("last_seen", a.clock(int64(d.LastSeen)))
	add("packets_sent", fmt.Sprintf("%d (%s)", d.PacketsSent, human(d.BytesSent)))
	add("packets_received", fmt.Sprintf("%d (%s)", d.PacketsReceived, human(d.BytesReceived)))
	if err := a.pairs(rows); err != nil {
		return err
	}
	if len(d.Reasons) > 0 {
		a.title("cli.title.reasons")
		for _, r := range d.Reasons {
			a.bullet(fmt.Sprintf("  %+4d ", r.Weight), a.role(r.Role)+": "+r.Reason)
		}
	}
	if len(d.OSEvidence) > 0 {
		a.title("device.title.os")
		for _, e := range d.OSEvidence {
			a.bullet(fmt.Sprintf("  %+4d ", e.Points), a.get("device.os-evidence", "source", e.Source, "kind", e.Kind, "value", e.Value, "weight", e.Weight, "systems", strings.Join(e.Systems, ", ")))
		}
		key := "device.os-sum"
		if d.OSConflict {
			key = "device.os-conflict"
		}
		a.bullet(fmt.Sprintf("  %4d ", d.OSAccuracy), a.get(key))
	}
	a.title("device.title.importance")
	for _, t := range d.Terms {
		a.bullet(fmt.Sprintf("  %+4d ", t.Points), a.get("device.importance."+t.Term, "of", strconv.FormatFloat(t.Of, 'f', -1, 64), "role", a.role(d.Role)))
	}
	a.bullet(fmt.Sprintf("  %4d ", d.Importance), a.get("device.importance-sum"))
	o := listOptions{format: "table", limit: shown}
	if len(d.Facts) > 0 {
		a.title("device.title.facts")
		if err := toldTable(a).print(a, &o, slice(d.Facts)); err != nil {
			return err
		}
	}
	if len(d.Peers) > 0 {
		a.title("cli.title.peers")
		err := peerTable(a).print(a, &o, slice(d.Peers))
		if err != nil {
			return err
		}
	}
	if len(d.Operations) > 0 {
		a.title("cli.title.operations")
		if err := operationTable(a).print(a, &o, slice(d.Operations)); err != nil {
			return err
		}
	}
	if len(d.Alerts) > 0 {
		a.title("cli.title.alerts")
		return alertTable(a).print(a, &o, slice(d.Alerts))
	}
	return nil
}

func toldTable(a *app) listing[toldRow] {
	type row = toldRow
	return listing[row]{columns: []column[row]{
		{key: "fact", layout: layout{min: 12}, cell: func(r *row) string { return r.Kind }},
		{key: "value", layout: layout{min: 20, lines: 3}, cell: func(r *row) string { return r.Value }},
		{key: "source", layout: layout{min: 6}, cell: func(r *row) string { return r.Source }},
		{key: "last_seen", layout: layout{drop: 1}, cell: func(r *row) string { return a.clock(int64(r.LastSeen)) }},
	}}
}

func peerTable(a *app) listing[peerRow] {
	type row = peerRow
	return listing[row]{columns: []column[row]{
		{key: "peer", layout: layout{min: 17}, cell: func(r *row) string { return r.Peer }},
		{key: "side", cell: func(r *row) string { return a.get("cli.side." + r.Side) }},
		{key: "service", layout: layout{min: 10, lines: 3}, cell: func(r *row) string { return a.serviceText(r.Proto, r.Port, r.Service) }},
		{key: "packets", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Packets, 10) }},
		{key: "bytes", layout: layout{right: true}, cell: func(r *row) string { return human(r.Bytes) }},
	}}
}

// title prints the head of a part of a page.
func (a *app) title(key string) { fmt.Fprintf(a.stdout, "\n%s\n", a.get(key)) }
