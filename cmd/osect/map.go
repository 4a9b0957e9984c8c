package main

import (
	"context"
	"io"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"osect/decode"
	"osect/inventory"
	"osect/ledger"
	"osect/picture"
	"osect/store"
)

type mapOptions struct {
	listOptions
	where
	services     bool
	internetEach bool
	protocol     string
	subnet       string
	vlan         string
	role         string
	group        string
	files        [5]string // of mapFiles
}

// mapFiles are the forms in which a map is written.
var mapFiles = [5]struct {
	flag, usage string
	write       func(a *app, w io.Writer, g *picture.Graph, l *picture.Layout) error
}{
	{"svg", "write the map as SVG into this `file`", func(a *app, w io.Writer, g *picture.Graph, l *picture.Layout) error {
		return picture.WriteSVG(w, g, l, a.lang)
	}},
	{"dot", "write it for Graphviz into this `file`", func(_ *app, w io.Writer, g *picture.Graph, l *picture.Layout) error { return picture.WriteDOT(w, g, l) }},
	{"graphml", "write it as GraphML into this `file`", func(_ *app, w io.Writer, g *picture.Graph, l *picture.Layout) error {
		return picture.WriteGraphML(w, g, l)
	}},
	{"drawio", "write it for draw.io into this `file`", func(_ *app, w io.Writer, g *picture.Graph, l *picture.Layout) error {
		return picture.WriteDrawIO(w, g, l)
	}},
	{"json", "write it as JSON into this `file`", func(_ *app, w io.Writer, g *picture.Graph, l *picture.Layout) error {
		return picture.WriteJSON(w, g, l)
	}},
}

func newMapCommand(a *app) *cobra.Command {
	var o mapOptions
	cmd := &cobra.Command{
		Use:   "map",
		Short: "Draw who talks to whom: a map of devices or of services",
		Long: `Draw who talks to whom: nodes are devices, edges go from client to server. With
--services, services are nodes between those who use and those who offer them.
Internet addresses are one node, unless --internet-each. What is sent to all
(multicast, broadcast), ARP, and what is inside tunnels is not on a map.

Without a file it lists the edges, the strongest first. A file - is standard
output. See docs/maps.md for the formats and for what the colours say.

--address keeps a device and its peers, --subnet only what is inside, --role the
devices of a role and their peers. With --from and --to the edges are of that
time; what a device is, is told by all that was ever seen of it.` + listHelp + exitStatusHelp,
		Example: `  osect map
  osect map --svg map.svg --group role
  osect map --services --svg services.svg --from 24h-ago
  osect map --protocol modbus-tcp --subnet 192.168.3.0/24 --dot - > map.dot
  osect map --drawio map.drawio --graphml map.graphml --json map.json`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runMap(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.services, "services", false, "the map of services")
	f.StringVar(&o.group, "group", "subnet", "boxes on the map by `what`: subnet, role, vlan or zone")
	for i, x := range mapFiles {
		f.StringVar(&o.files[i], x.flag, "", x.usage)
	}
	f.StringVar(&o.protocol, "protocol", "", "only this `protocol`: tcp, udp, icmp, icmp6, an IP protocol number, or a service")
	f.StringVar(&o.subnet, "subnet", "", "only what is inside this `prefix`, such as 192.168.3.0/24")
	f.StringVar(&o.vlan, "vlan", "", "only edges seen in this `VLAN`, a number or none")
	f.StringVar(&o.role, "role", "", "only edges of devices of this `role`, such as plc")
	f.BoolVar(&o.internetEach, "internet-each", false, "a node for each internet address")
	o.where.addFlags(f)
	o.listOptions.addFlags(f)
	return cmd
}

func runMap(ctx context.Context, a *app, o mapOptions) (err error) {
	if err := oneOf("group", o.group, picture.GroupBy...); err != nil {
		return err
	}
	if err := oneOf("role", o.role, inventory.Roles...); err != nil {
		return err
	}
	p := picture.Options{Services: o.services, Group: o.group, Lang: a.lang, Role: o.role, Connected: o.protocol != "" || o.address != "",
		Service: a.edgeService, Vendor: shortVendor}
	if o.subnet != "" {
		if p.Subnet, err = netip.ParsePrefix(o.subnet); err != nil {
			return usageErrorf("--subnet %q: want a prefix such as 192.168.3.0/24", o.subnet)
		}
	}
	if p.VLAN, err = parseVLAN(o.vlan); err != nil {
		return err
	}
	outputs := 0
	for _, name := range o.files {
		if name == "-" {
			outputs++
		}
	}
	if outputs > 1 {
		return usageErrorf("only one form fits on standard output")
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
	p.Period = a.mapPeriod(f)
	g, err := a.graph(ctx, st, f, o.protocol, o.internetEach, p)
	if err != nil {
		return err
	}
	if g.LeftOut != (picture.LeftOut{}) {
		a.note(a.get("map.left-out", "nodes", g.LeftOut.Nodes, "edges", g.LeftOut.Edges))
	}
	var layout *picture.Layout
	for i, x := range mapFiles {
		if o.files[i] == "" {
			continue
		}
		if layout == nil {
			layout = picture.Arrange(g)
		}
		if err := a.writeOut(o.files[i], func(w io.Writer) error { return x.write(a, w, g, layout) }); err != nil {
			return err
		}
	}
	if layout != nil {
		return nil
	}
	return a.printEdges(&o, g)
}

// writeOut writes a file, or standard output where the path is -, and says so.
func (a *app) writeOut(path string, write func(io.Writer) error) error {
	if path == "-" {
		return write(a.stdout)
	}
	if err := writeFile(path, write); err != nil {
		return err
	}
	a.note(a.get("cli.written", "path", path))
	return nil
}

// parseVLAN reads --vlan: a number, or none for what has no tag.
func parseVLAN(s string) (*uint16, error) {
	if s == "" {
		return nil, nil
	}
	v := uint16(decode.NoVLAN)
	if s != "none" {
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil || n > 4095 {
			return nil, usageErrorf("--vlan %q: want 0 to 4095, or none", s)
		}
		v = uint16(n)
	}
	return &v, nil
}

// edgeService names the service of an edge as listings do, by the port that stays fixed.
func (a *app) edgeService(e *store.EdgeTotal) string {
	port := e.ServerPort
	if e.ClientPort != 0 {
		port = e.ClientPort
	}
	return a.serviceText(protoName(e.Proto, e.Client), port, e.Service)
}

// mapPeriod writes the window of a filter for people, "" for none.
func (a *app) mapPeriod(f store.Filter) string {
	if f.From == 0 && f.To == 0 {
		return ""
	}
	at := func(t int64) string {
		if t == 0 {
			return ""
		}
		return a.clock(t)
	}
	return strings.TrimSpace(at(f.From) + " – " + at(f.To))
}

// graph makes the map of what f leaves. What devices are is told by all that was seen of them; those
// that were not seen in f's time are not on it.
func (a *app) graph(ctx context.Context, st *store.Store, f store.Filter, protocol string, internetEach bool, p picture.Options) (*picture.Graph, error) {
	devices, _, err := a.devices(ctx, st, store.Filter{Site: f.Site, Sensor: f.Sensor}, internetEach)
	if err != nil {
		return nil, err
	}
	x, err := readLedger(ctx, st)
	if err != nil {
		return nil, err
	}
	p.Ledger = func(d *inventory.Device) (line, zone string) {
		if e := x.Device(d); e != nil {
			line, zone = ledgerLine(new(toLedgerRow(e))), e.Cells[ledger.Zone]
		}
		return line, zone
	}
	devices = seenIn(devices, f)
	operations, _, err := st.Operations(ctx, f)
	if err != nil {
		return nil, err
	}
	f.Protocol = protocol
	edges, err := st.Edges(ctx, f)
	if err != nil {
		return nil, err
	}
	return picture.NewGraph(devices, edges, operations, p), nil
}

// seenIn leaves the devices that were there in the window of f: first seen before its end and last seen after its begin.
func seenIn(devices []inventory.Device, f store.Filter) []inventory.Device {
	to := f.To
	if to == 0 {
		to = math.MaxInt64
	}
	return slices.DeleteFunc(devices, func(d inventory.Device) bool { return d.LastSeen < f.From && f.From != 0 || d.FirstSeen >= to })
}

// mapRow is a row of map: an edge.
type mapRow struct {
	Client   string   `json:"client"`
	Server   string   `json:"server"`
	Services []string `json:"services"`
	Classes  []string `json:"classes"`
	Packets  uint64   `json:"packets"`
	Bytes    uint64   `json:"bytes"`
	Site     string   `json:"site"`
}

func (a *app) printEdges(o *mapOptions, g *picture.Graph) error {
	rows := make([]mapRow, len(g.Edges))
	for i := range g.Edges {
		e := &g.Edges[i]
		from, to := &g.Nodes[e.From], &g.Nodes[e.To]
		rows[i] = mapRow{Client: from.Label, Server: to.Label, Services: e.Services, Classes: e.Classes, Packets: e.Packets, Bytes: e.Bytes, Site: from.Site}
		if rows[i].Site == "" {
			rows[i].Site = to.Site
		}
	}
	type row = mapRow
	columns := []column[row]{
		{key: "client", layout: layout{min: 15}, cell: func(r *row) string { return r.Client }},
		{key: "server", layout: layout{min: 15}, cell: func(r *row) string { return r.Server }},
	}
	if !o.services {
		columns = append(columns,
			column[row]{key: "service", layout: layout{min: 12, lines: 3}, cell: func(r *row) string { return firstFew(r.Services, 4) }},
			column[row]{key: "class", layout: layout{min: 7, lines: 2, drop: 2}, cell: func(r *row) string {
				var names []string
				for _, c := range r.Classes {
					names = append(names, a.or("ot.class."+c, c))
				}
				return strings.Join(names, ", ")
			}, colour: func(r *row) string {
				if len(r.Classes) > 0 {
					return classColours[r.Classes[0]]
				}
				return ""
			}})
	} else {
		columns[0].key, columns[1].key = "src", "dst"
	}
	columns = append(columns,
		column[row]{key: "packets", layout: layout{drop: 1, right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Packets, 10) }},
		column[row]{key: "bytes", layout: layout{right: true}, cell: func(r *row) string { return human(r.Bytes) }})
	return listing[row]{columns: columns}.print(a, &o.listOptions, slice(rows))
}

// firstFew joins the first of a list and says how many more there are.
func firstFew(list []string, most int) string {
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + " +" + strconv.Itoa(len(list)-most)
}

// pictureFlags are the files of matrices and charts.
func pictureFlags(f *pflag.FlagSet, svg, png *string) {
	f.StringVar(svg, "svg", "", "draw it as SVG into this `file`")
	f.StringVar(png, "png", "", "draw it as PNG into this `file`")
}
