package main

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/export"
	"osect/inventory"
	"osect/observe"
	"osect/store"
)

type exportOptions struct {
	where
	zeek, ecs string
	json      bool
	only      []string
}

// ecsParts are what --only of export names.
var ecsParts = []string{"connections", "devices", "alerts"}

func newExportCommand(a *app) *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write connections, devices and alerts for other programs",
		Long: `Write what was seen in forms that other programs read:

  --zeek DIR  Zeek's logs conn.log, known_hosts.log, known_devices.log and
              known_services.log in this directory, as TSV, or with --json as
              one JSON object a line
  --ecs FILE  connections, devices and alerts in the Elastic Common Schema, one
              JSON document a line (- is standard output)

Files that are there are replaced. docs/exports.md lists every field, and what
is left unset because osect does not keep it. CSV of every listing is
--format csv of the listing.` + exitStatusHelp,
		Example: `  osect export --zeek logs --from 24h-ago
  osect export --zeek logs --json
  osect export --ecs - --only alerts --lang en | head -1`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runExport(cmd.Context(), a, o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.zeek, "zeek", "", "write Zeek's logs into this `directory`")
	f.BoolVar(&o.json, "json", false, "Zeek's logs as JSON")
	f.StringVar(&o.ecs, "ecs", "", "write ECS documents to this `file`")
	f.StringSliceVar(&o.only, "only", nil, "ECS: only these `kinds`, separated by commas: connections, devices, alerts")
	o.where.addFlags(f)
	return cmd
}

func runExport(ctx context.Context, a *app, o exportOptions) (err error) {
	switch {
	case o.zeek == "" && o.ecs == "":
		return usageErrorf("say what to write: --zeek DIR, --ecs FILE or both")
	case o.json && o.zeek == "":
		return usageErrorf("--json is for --zeek")
	case o.only != nil && o.ecs == "":
		return usageErrorf("--only is for --ecs")
	}
	for _, p := range o.only {
		if err := oneOf("only", p, ecsParts...); err != nil {
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
	if o.zeek != "" {
		if err := a.exportZeek(ctx, st, f, o.zeek, o.json); err != nil {
			return err
		}
	}
	switch o.ecs {
	case "":
		return nil
	case "-":
		return a.exportECS(ctx, st, f, o.only, a.stdout)
	}
	if err := writeFile(o.ecs, func(w io.Writer) error { return a.exportECS(ctx, st, f, o.only, w) }); err != nil {
		return err
	}
	a.note(a.get("cli.written", "path", o.ecs))
	return nil
}

func (a *app) exportZeek(ctx context.Context, st *store.Store, f store.Filter, dir string, asJSON bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return systemErrorf("--zeek: %w", err)
	}
	at, err := newestTime(ctx, st, f)
	if err != nil {
		return err
	}
	local := func(address string) bool {
		ip, err := decode.ParseAddr(address)
		return err == nil && !inventory.Public(ip)
	}
	write := func(name string, fill func(w io.Writer) error) error {
		path := filepath.Join(dir, name)
		if err := writeFile(path, fill); err != nil {
			return err
		}
		a.note(a.get("cli.written", "path", path))
		return nil
	}
	left := 0
	err = write("conn.log", func(w io.Writer) error {
		z := export.NewConnLog(w, asJSON, at, local)
		if err := st.EachFlow(ctx, f, func(r *store.Flow) error { return z.Row(r, a.names.Name(r.Proto, r.ServerPort)) }); err != nil {
			return err
		}
		left = z.Left
		return z.End()
	})
	if err != nil {
		return err
	}
	if left > 0 {
		a.note(a.get("cli.export.left", "n", left))
	}
	n, err := st.Snapshot(ctx, f)
	if err != nil {
		return err
	}
	hosts, devices, services := a.known(&n, f.Address)
	if err := write("known_hosts.log", func(w io.Writer) error { return export.WriteKnownHosts(w, asJSON, at, hosts) }); err != nil {
		return err
	}
	if err := write("known_devices.log", func(w io.Writer) error { return export.WriteKnownDevices(w, asJSON, at, devices) }); err != nil {
		return err
	}
	return write("known_services.log", func(w io.Writer) error { return export.WriteKnownServices(w, asJSON, at, services) })
}

// newestTime is the end of the window, else of the newest minute in the store.
func newestTime(ctx context.Context, st *store.Store, f store.Filter) (time.Time, error) {
	if f.To != 0 {
		return time.Unix(0, f.To).UTC(), nil
	}
	sensors, err := st.Sensors(ctx)
	newest := int64(0)
	for _, s := range sensors {
		if s.Minutes > 0 {
			newest = max(newest, int64(s.Last)+observe.MinuteLength)
		}
	}
	return time.Unix(0, newest).UTC(), err
}

// known makes the rows of Zeek's known_*.log: inside addresses that sent something, MACs, and
// inside ports that answered, each once, by when it was first seen.
func (a *app) known(n *store.Snapshot, address string) ([]export.Host, []export.Known, []export.KnownService) {
	devices := inventory.Devices(n.Input, inventory.Options{})
	var known []export.Known
	within := map[decode.Addr]bool{} // addresses of devices that --address leaves
	for i := range devices {
		d := &devices[i]
		if address != "" && !isDevice(d, address) {
			continue
		}
		for _, ip := range d.IPs {
			within[ip] = true
		}
		if d.MAC != 0 {
			known = append(known, export.Known{First: d.FirstSeen, MAC: d.MAC.String(), Name: d.Hostname})
		}
	}
	keep := func(ip decode.Addr) bool {
		return !inventory.Public(ip) && inventory.Ownable(ip) && (address == "" || within[ip])
	}
	first := map[decode.Addr]int64{}
	for i := range n.Input.Addresses {
		if x := &n.Input.Addresses[i].Address; inventory.Sent(x) && keep(x.IP) {
			if t, ok := first[x.IP]; !ok || x.First < t {
				first[x.IP] = x.First
			}
		}
	}
	var hosts []export.Host
	for ip, t := range first {
		hosts = append(hosts, export.Host{First: t, Address: ip.String()})
	}
	type key struct {
		ip    decode.Addr
		proto uint8
		port  uint16
	}
	services := map[key]*export.KnownService{}
	for i := range n.Edges {
		e := &n.Edges[i]
		if !e.Answered || e.Multicast || e.Tunnel != decode.NoTunnel || e.ServerPort == 0 || e.ClientPort != 0 && e.ClientPort != e.ServerPort ||
			e.Proto != decode.ProtoTCP && e.Proto != decode.ProtoUDP || !keep(e.Server) {
			continue
		}
		k := key{e.Server, e.Proto, e.ServerPort}
		s := services[k]
		if s == nil {
			s = &export.KnownService{First: e.First, Address: e.Server.String(), Port: e.ServerPort, Proto: protoName(e.Proto, e.Server), Names: []string{}}
			services[k] = s
		}
		s.First = min(s.First, e.First)
		if e.Service != "" && !slices.Contains(s.Names, e.Service) {
			s.Names = append(s.Names, e.Service)
			slices.Sort(s.Names)
		}
	}
	var offered []export.KnownService
	for _, s := range services {
		offered = append(offered, *s)
	}
	slices.SortFunc(hosts, func(x, y export.Host) int {
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Address, y.Address))
	})
	slices.SortFunc(known, func(x, y export.Known) int { return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.MAC, y.MAC)) })
	slices.SortFunc(offered, func(x, y export.KnownService) int {
		return cmp.Or(cmp.Compare(x.First, y.First), cmp.Compare(x.Address, y.Address), cmp.Compare(x.Proto, y.Proto), cmp.Compare(x.Port, y.Port))
	})
	return hosts, known, offered
}

func (a *app) exportECS(ctx context.Context, st *store.Store, f store.Filter, only []string, w io.Writer) error {
	e := export.NewECS(w, buildInfo().Version)
	want := func(part string) bool { return only == nil || slices.Contains(only, part) }
	if want("connections") {
		if err := st.EachFlow(ctx, f, func(r *store.Flow) error { return e.Connection(r, a.names.Name(r.Proto, r.ServerPort)) }); err != nil {
			return err
		}
	}
	if want("devices") {
		devices, _, err := a.devices(ctx, st, f, false)
		if err != nil {
			return err
		}
		for i := range devices {
			if err := e.Device(&devices[i]); err != nil {
				return err
			}
		}
	}
	if want("alerts") {
		alerts, _, err := st.Alerts(ctx, f)
		if err != nil {
			return err
		}
		for i := range alerts {
			al := &alerts[i]
			err := e.Alert(&export.Alert{Alert: *al, Summary: message(a.lang, &al.Alert, "summary"), Reason: message(a.lang, &al.Alert, "reason"),
				Action: message(a.lang, &al.Alert, "action")})
			if err != nil {
				return err
			}
		}
	}
	return e.End()
}
