package picture

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
	"osect/store"
	"osect/text"
)

// plant makes devices in subnets of twelve around a few servers, and edges between them; the same each time.
func plant(devices, edges int) ([]inventory.Device, []store.EdgeTotal) {
	r := rand.New(rand.NewPCG(5, uint64(devices)))
	roles := []string{inventory.RolePLC, inventory.RolePLC, inventory.RoleIO, inventory.RoleHMI, inventory.RoleClient, inventory.RoleUnknown}
	var list []inventory.Device
	for i := range devices {
		d := inventory.Device{Site: "plant", MAC: decode.MAC(0x00005e005300 + uint64(i)), Role: roles[i%len(roles)], RoleConfidence: 80, Vendor: "Mitsubishi Electric Corporation",
			IPs: []decode.Addr{decode.IPv4(192<<24 | 168<<16 | uint32(i/12)<<8 | uint32(i%12+1))}, Hostname: []string{"", "LINE-PLC", "制御盤12号機のタッチパネル端末"}[i%3]}
		if i < 6 {
			d.Role = inventory.RoleServer
		}
		list = append(list, d)
	}
	var totals []store.EdgeTotal
	for i := range edges {
		from, to := r.IntN(devices), r.IntN(min(6, devices))
		if i%3 == 0 {
			to = from/12*12 + r.IntN(12)
		}
		if to >= devices || from == to {
			continue
		}
		totals = append(totals, store.EdgeTotal{Site: "plant", Sensor: "one", EdgeKey: observe.EdgeKey{Client: list[from].IPs[0], Server: list[to].IPs[0], Proto: 6, ServerPort: uint16(502 + i%7), VLAN: decode.NoVLAN},
			ClientMAC: list[from].MAC, ServerMAC: list[to].MAC, PacketsOut: uint64(i), BytesOut: uint64(r.IntN(1e6)), Service: []string{"", "modbus-tcp"}[i%2]})
	}
	return list, totals
}

func options() Options {
	return Options{Lang: text.EN, Service: func(e *store.EdgeTotal) string { return fmt.Sprintf("tcp/%d %s", e.ServerPort, e.Service) }, Vendor: func(s string) string { return s }}
}

// At 200 devices (and at 20 and 1,400) no two node boxes overlap, all are inside of their group's box, and all labels
// are uncovered: inside of their own box, or over none.
func TestNothingCoversAnything(t *testing.T) {
	for _, c := range []struct {
		devices, edges int
		group          string
		services       bool
	}{
		{20, 40, "subnet", false}, {200, 400, "subnet", false}, {200, 400, "role", false}, {200, 400, "vlan", false}, {200, 400, "zone", false},
		{200, 400, "subnet", true}, {1400, 10000, "subnet", false}, {1, 0, "subnet", false}, {0, 0, "subnet", false},
	} {
		name := fmt.Sprintf("%d devices by %s, services %v", c.devices, c.group, c.services)
		devices, edges := plant(c.devices, c.edges)
		o := options()
		o.Group, o.Services = c.group, c.services
		g := NewGraph(devices, edges, nil, o)
		if !c.services && len(g.Nodes) != c.devices {
			t.Errorf("%s: %d nodes", name, len(g.Nodes))
		}
		l := Arrange(g)
		page := Box{0, 0, l.W, l.H}
		for i, b := range l.Nodes {
			if !inside(b, l.Groups[g.Nodes[i].Group]) || !inside(b, page) {
				t.Errorf("%s: node %d %v is not inside its group %v", name, i, b, l.Groups[g.Nodes[i].Group])
			}
			for j := range i {
				if b.Overlaps(l.Nodes[j]) {
					t.Errorf("%s: nodes %d and %d overlap", name, i, j)
				}
			}
			for _, label := range l.NodeLabels[i] {
				if label.Text != "" && !inside(label.Box, b) {
					t.Errorf("%s: label %q %v leaves its box %v", name, label.Text, label.Box, b)
				}
			}
			if l.NodeLabels[i][1].Text != "" && l.NodeLabels[i][0].Box.Overlaps(l.NodeLabels[i][1].Box) {
				t.Errorf("%s: lines of node %d overlap", name, i)
			}
		}
		for i, b := range l.Groups {
			for j := range i {
				if b.Overlaps(l.Groups[j]) {
					t.Errorf("%s: groups %d and %d overlap", name, i, j)
				}
			}
			if !inside(l.GroupLabels[i].Box, b) {
				t.Errorf("%s: title %v leaves its group %v", name, l.GroupLabels[i].Box, b)
			}
		}
		// The share of labels that nothing covers: no box but their own, no other label.
		type placed struct {
			Label
			own int // node, or -1
		}
		var all []placed
		for i := range l.NodeLabels {
			for _, x := range l.NodeLabels[i] {
				all = append(all, placed{x, i})
			}
		}
		for _, x := range slices.Concat(l.GroupLabels, l.EdgeLabels) {
			all = append(all, placed{x, -1})
		}
		all = slices.DeleteFunc(all, func(p placed) bool { return p.Text == "" })
		covered := 0
		for i := range all {
			hit := false
			for n, b := range l.Nodes {
				hit = hit || n != all[i].own && b.Overlaps(all[i].Box)
			}
			for j := range all {
				hit = hit || j != i && all[i].Box.Overlaps(all[j].Box)
			}
			if hit {
				covered++
			}
		}
		if covered > 0 {
			t.Errorf("%s: %d of %d labels are covered", name, covered, len(all))
		}
	}
}

func inside(b, outer Box) bool {
	return b.X >= outer.X && b.Y >= outer.Y && b.X+b.W <= outer.X+outer.W+0.01 && b.Y+b.H <= outer.Y+outer.H+0.01
}

// Ordering shortens edges: a chain that is given shuffled gets shorter.
func TestOrderShortensEdges(t *testing.T) {
	devices, edges := plant(200, 400)
	g := NewGraph(devices, edges, nil, options())
	length := func(a *arranger) (sum float64) {
		for _, e := range g.Edges {
			x0, y0 := a.l.Nodes[e.From].mid()
			x1, y1 := a.l.Nodes[e.To].mid()
			sum += max(x1-x0, x0-x1) + max(y1-y0, y0-y1)
		}
		return sum
	}
	a := &arranger{g: g, l: &Layout{Nodes: make([]Box, len(g.Nodes)), Groups: make([]Box, len(g.Groups))}}
	a.index()
	a.tiers()
	a.pack()
	before := length(a)
	a.order()
	if after := length(a); after > before*0.97 {
		t.Errorf("%.0f px of edges before, %.0f after", before, after)
	}
}

func TestTheSameGraphGivesTheSameBytes(t *testing.T) {
	draw := func() []byte {
		devices, edges := plant(200, 600)
		slices.Reverse(edges)
		g := NewGraph(devices, edges, nil, options())
		var b bytes.Buffer
		if err := WriteSVG(&b, g, Arrange(g), text.JA); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	if !bytes.Equal(draw(), draw()) {
		t.Error("two maps of the same differ")
	}
}

// hostile has names that would break out of each format.
func hostile() *Graph {
	devices, edges := plant(20, 60)
	for i, s := range []string{`"]; evil [label="x`, `</text><script>alert(1)</script>`, "a\x1b[31mb\u202ec", `back\`, `<img src=x onerror=alert(1)>`, "\xff\xfe", strings.Repeat("長", 300), "]]>", "&amp;"} {
		devices[i].Hostname, devices[i].Vendor, devices[i].OS = s, s, s
	}
	devices = append(devices, inventory.Device{Site: "plant", Internet: true, Role: inventory.RoleExternal})
	o := options()
	o.Service = func(e *store.EdgeTotal) string { return `"><script>` + "\x07" }
	return NewGraph(devices, edges, []store.OperationRow{{Src: "192.168.0.2", Dst: "192.168.0.1", Class: "write", Direction: "request", Site: "plant"}}, o)
}

// Every XML format is well-formed, has as many parts as the graph, and no script; DOT has balanced quotes.
func TestFormatsHoldHostileNames(t *testing.T) {
	g := hostile()
	l := Arrange(g)
	for _, c := range []struct {
		name  string
		write func(io.Writer) error
		nodes string // the element of a node
		of    func(xml.StartElement) bool
	}{
		{"SVG", func(w io.Writer) error { return WriteSVG(w, g, l, text.EN) }, "g", func(e xml.StartElement) bool { return attr(e, "class") == "n" }},
		{"GraphML", func(w io.Writer) error { return WriteGraphML(w, g, l) }, "node", func(xml.StartElement) bool { return true }},
		{"draw.io", func(w io.Writer) error { return WriteDrawIO(w, g, l) }, "object", func(e xml.StartElement) bool { return strings.HasPrefix(attr(e, "id"), "n") }},
	} {
		var b bytes.Buffer
		if err := c.write(&b); err != nil {
			t.Fatal(err)
		}
		n, ids := 0, map[string]bool{}
		d := xml.NewDecoder(bytes.NewReader(b.Bytes()))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			e, ok := token.(xml.StartElement)
			if !ok {
				continue
			}
			if e.Name.Local == "script" || e.Name.Local == "img" {
				t.Errorf("%s: <%s>", c.name, e.Name.Local)
			}
			if e.Name.Local == c.nodes && c.of(e) {
				n++
			}
			if id := attr(e, "id"); id != "" {
				if ids[id] {
					t.Errorf("%s: two %s", c.name, id)
				}
				ids[id] = true
			}
			for _, end := range []string{"source", "target", "parent"} {
				if id := attr(e, end); id != "" && !ids[id] {
					t.Errorf("%s: %s %s is nothing before it", c.name, end, id)
				}
			}
			if strings.Contains(attr(e, "style"), "html=1") {
				t.Errorf("%s: labels are HTML", c.name)
			}
		}
		if n != len(g.Nodes) {
			t.Errorf("%s: %d nodes of %d", c.name, n, len(g.Nodes))
		}
		clean(t, c.name, b.String())
	}
	var b bytes.Buffer
	if err := WriteDOT(&b, g, l); err != nil {
		t.Fatal(err)
	}
	clean(t, "DOT", b.String())
	nodes := 0
	for line := range strings.Lines(b.String()) {
		quoted, escaped := false, false
		bare := ""
		for _, r := range line {
			switch {
			case escaped:
				escaped = false
			case quoted && r == '\\':
				escaped = true
			case r == '"':
				quoted = !quoted
			case !quoted:
				bare += string(r)
			}
		}
		if quoted || strings.Contains(bare, "evil") {
			t.Errorf("DOT: a name breaks out: %s", line)
		}
		if strings.Contains(bare, "label=") && strings.Contains(bare, "pos=") {
			nodes++
		}
	}
	if nodes != len(g.Nodes) {
		t.Errorf("DOT: %d nodes of %d", nodes, len(g.Nodes))
	}
	b.Reset()
	if err := WriteJSON(&b, g, l); err != nil {
		t.Fatal(err)
	}
	var back struct{ Nodes, Edges, Groups []map[string]any }
	if err := json.Unmarshal(b.Bytes(), &back); err != nil || len(back.Nodes) != len(g.Nodes) || len(back.Edges) != len(g.Edges) || len(back.Groups) != len(g.Groups) {
		t.Errorf("JSON: %v, %d nodes, %d edges", err, len(back.Nodes), len(back.Edges))
	}
	if _, ok := back.Nodes[0]["box"]; !ok {
		t.Error("JSON: a node has no box")
	}
	clean(t, "JSON", b.String())
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func clean(t *testing.T, name, s string) {
	t.Helper()
	for _, r := range s {
		if r != '\n' && r != utf8.RuneError && !unicode.IsPrint(r) {
			t.Errorf("%s has %U", name, r)
			return
		}
	}
}

func end(a byte) decode.Addr { return decode.IPv4(10<<24 | uint32(a)) }

// small is a plant of four: an HMI and a PLC, a client, the internet.
func small() ([]inventory.Device, []store.EdgeTotal) {
	devices := []inventory.Device{
		{Site: "s", MAC: 1, IPs: []decode.Addr{end(1)}, Role: inventory.RoleHMI},
		{Site: "s", MAC: 2, IPs: []decode.Addr{end(2)}, Role: inventory.RolePLC, VLANs: []uint16{7}},
		{Site: "s", MAC: 3, IPs: []decode.Addr{end(3), decode.IPv4(192<<24 | 168<<16 | 9)}, Role: inventory.RoleClient},
		{Site: "s", Internet: true, Role: inventory.RoleExternal},
		{Site: "s", MAC: 5, Role: inventory.RoleUnknown},
	}
	e := func(sensor string, client, server decode.Addr, port uint16, bytes uint64) store.EdgeTotal {
		return store.EdgeTotal{Site: "s", Sensor: sensor, EdgeKey: observe.EdgeKey{Client: client, Server: server, Proto: 6, ServerPort: port, VLAN: decode.NoVLAN}, BytesOut: bytes, PacketsOut: 1}
	}
	edges := []store.EdgeTotal{
		e("one", end(1), end(2), 502, 100), e("two", end(1), end(2), 502, 90), // seen twice
		e("one", end(1), end(2), 80, 10),
		e("one", end(3), decode.IPv4(8<<24|8), 443, 50), e("one", end(3), decode.IPv4(8<<24|9), 443, 5), // two internet addresses
		e("one", end(1), decode.IPv4(224<<24|1), 5000, 1e6),  // multicast
		e("one", end(1), decode.IPv4(10<<24|255), 5000, 1e6), // nobody
		e("one", decode.MAC(1).Addr(), decode.MAC(2).Addr(), etherARP, 60),
		e("one", end(2), end(3), 21, 7),
	}
	edges[0].Service = "modbus-tcp"
	edges[8].VLAN = 7
	inner := e("one", end(2), end(1), 1, 1e6)
	inner.Tunnel = decode.NoTunnel + 1
	return devices, append(edges, inner)
}

func TestGraphOfDevices(t *testing.T) {
	vlan := func(n uint16) *uint16 { return &n }
	for name, c := range map[string]struct {
		set   func(*Options)
		nodes int
		want  string // of edges: labels, bytes, services
	}{
		"all":            {func(*Options) {}, 5, "10.0.0.1>10.0.0.2 110 2; 10.0.0.3>Internet 55 1; 10.0.0.2>10.0.0.3 7 1"},
		"role":           {func(o *Options) { o.Role = "plc" }, 3, "10.0.0.1>10.0.0.2 110 2; 10.0.0.2>10.0.0.3 7 1"},
		"VLAN":           {func(o *Options) { o.VLAN = vlan(7) }, 2, "10.0.0.2>10.0.0.3 7 1"},
		"no tag":         {func(o *Options) { o.VLAN = vlan(decode.NoVLAN) }, 4, "10.0.0.1>10.0.0.2 110 2; 10.0.0.3>Internet 55 1"},
		"subnet":         {func(o *Options) { o.Subnet = netip.MustParsePrefix("10.0.0.0/30") }, 3, "10.0.0.1>10.0.0.2 110 2; 10.0.0.2>10.0.0.3 7 1"},
		"second address": {func(o *Options) { o.Subnet = netip.MustParsePrefix("192.168.0.0/24") }, 1, ""},
		"connected":      {func(o *Options) { o.Connected = true }, 4, "10.0.0.1>10.0.0.2 110 2; 10.0.0.3>Internet 55 1; 10.0.0.2>10.0.0.3 7 1"},
	} {
		devices, edges := small()
		o := options()
		c.set(&o)
		g := NewGraph(devices, edges, nil, o)
		var got []string
		for _, e := range g.Edges {
			got = append(got, fmt.Sprintf("%s>%s %d %d", g.Nodes[e.From].Label, g.Nodes[e.To].Label, e.Bytes, len(e.Services)))
		}
		if s := strings.Join(got, "; "); s != c.want || len(g.Nodes) != c.nodes {
			t.Errorf("%s: %d nodes, %s, want %d nodes, %s", name, len(g.Nodes), s, c.nodes, c.want)
		}
	}
}

func TestClassesAreOfTheEdge(t *testing.T) {
	devices, edges := small()
	op := func(src, dst, class, direction string) store.OperationRow {
		return store.OperationRow{Site: "s", Src: src, Dst: dst, Class: class, Direction: direction}
	}
	g := NewGraph(devices, edges, []store.OperationRow{
		op("10.0.0.1", "10.0.0.2", "read", "request"), op("10.0.0.2", "10.0.0.1", "control", "response"), op("10.0.0.2", "10.0.0.1", "cyclic", "none"),
		op("10.0.0.1", "10.0.0.3", "write", "request"), // no edge
		op("not an address", "10.0.0.2", "write", "request"),
	}, options())
	if e := g.Edges[0]; !slices.Equal(e.Classes, []string{"control", "read", "cyclic"}) || !e.OT || e.kind() != edgeControl {
		t.Errorf("%+v", e)
	}
	for _, e := range g.Edges[1:] {
		if len(e.Classes) > 0 || e.OT {
			t.Errorf("%+v", e)
		}
	}
}

func TestGraphOfServices(t *testing.T) {
	devices, edges := small()
	o := options()
	o.Services = true
	o.Service = func(e *store.EdgeTotal) string { return fmt.Sprint(e.ServerPort) }
	g := NewGraph(devices, edges, nil, o)
	var got []string
	for _, e := range g.Edges {
		got = append(got, g.Nodes[e.From].Label+">"+g.Nodes[e.To].Label)
	}
	slices.Sort(got)
	if s := strings.Join(got, " "); s != "10.0.0.1>502 10.0.0.1>80 10.0.0.2>21 10.0.0.3>443 21>10.0.0.3 443>Internet 502>10.0.0.2 80>10.0.0.2" {
		t.Error(s)
	}
	// More services than there is room for are one.
	var many []store.EdgeTotal
	for i := range maxServices + 10 {
		e := edges[0]
		e.ServerPort = uint16(1000 + i)
		many = append(many, e)
	}
	g = NewGraph(devices, many, nil, o)
	n := 0
	for i := range g.Nodes {
		if g.Nodes[i].Kind == "service" {
			n++
		}
	}
	if n != maxServices+1 {
		t.Errorf("%d services", n)
	}
}

func TestGroups(t *testing.T) {
	devices, edges := small()
	devices[0].Level, devices[1].Level = "2", "1"
	for by, want := range map[string]string{
		"subnet": "Internet, 10.0.0.0/24, No IP address",
		"role":   "External, Client, Unknown, HMI, PLC/controller",
		"vlan":   "Internet, Untagged, VLAN 7",
		"zone":   "Internet, Level unknown, Level 2: supervision, Level 1: control",
	} {
		o := options()
		o.Group = by
		g := NewGraph(devices, edges, nil, o)
		var names []string
		for _, x := range g.Groups {
			names = append(names, x.Name)
		}
		if s := strings.Join(names, ", "); s != want {
			t.Errorf("by %s: %s, want %s", by, s, want)
		}
		last := 0
		for i := range g.Nodes {
			if g.Nodes[i].Group < last {
				t.Errorf("by %s: nodes are not in the order of groups", by)
			}
			last = g.Nodes[i].Group
		}
	}
}

func TestBoundsOfAMap(t *testing.T) {
	devices, edges := plant(MaxNodes+50, MaxEdges*2)
	g := NewGraph(devices, edges, nil, options())
	if len(g.Nodes) != MaxNodes || g.LeftOut.Nodes != 50 {
		t.Errorf("%d nodes, %+v", len(g.Nodes), g.LeftOut)
	}
	if len(g.Edges) > MaxEdges || g.LeftOut.Edges == 0 {
		t.Errorf("%d edges, %+v", len(g.Edges), g.LeftOut)
	}
	for i := range g.Edges {
		if e := &g.Edges[i]; e.From >= len(g.Nodes) || e.To >= len(g.Nodes) {
			t.Fatalf("edge %d is to node %d and %d of %d", i, e.From, e.To, len(g.Nodes))
		}
	}
}

func TestFit(t *testing.T) {
	for in, want := range map[string]string{
		"short": "short", "a very long name of a device": "a very long n…", "fe80::1:2:3:4:5:6:7:8": "…1:2:3:4:5:6:7:8", "制御盤十二号機のパネル": "制御盤十二号機…", "": "",
	} {
		if got := fit(in, 10, 86); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if w := textWidth(fit(in, 10, 86), 10); w > 86 {
			t.Errorf("%q: %.1f px", in, w)
		}
	}
	if got := fit("wide", 10, 1); textWidth(got, 10) > 11 {
		t.Errorf("no room: %q", got)
	}
}

func TestMatrix(t *testing.T) {
	var devices []inventory.Device
	for i := range 300 {
		devices = append(devices, inventory.Device{Site: "s", MAC: decode.MAC(1000 - i), IPs: []decode.Addr{decode.IPv4(10<<24 | uint32(299-i))},
			Vendor: []string{"Siemens AG", "Omron", "", fmt.Sprintf("Rare %02d", i%30)}[min(i%6, 3)], OS: []string{"Windows 10", ""}[i%2], OSAccuracy: 100 - i%2*100, Role: inventory.Roles[i%len(inventory.Roles)]})
	}
	devices = append(devices, inventory.Device{Site: "s", Internet: true}, inventory.Device{Site: "s", MAC: 7})
	vendor := func(s string) string { return strings.TrimSuffix(s, " AG") }
	m := NewMatrix(devices, "vendor", text.EN, vendor)
	if n := len(m.Cells); n != 301 || m.Cells[0].Address != "10.0.0.0" || m.Cells[n-1].MAC != "00:00:00:00:00:07" {
		t.Fatalf("%d cells from %v", n, m.Cells[0])
	}
	if c := m.Cells[256+17]; c.Grid != 2 || c.Row != 1 || c.Column != 1 {
		t.Errorf("the 274th cell: %+v", c)
	}
	sum := 0
	for i, k := range m.Kinds {
		sum += k.Devices
		if i > 0 && k.Sign != '+' && k.Sign != '?' && k.Devices > m.Kinds[i-1].Devices {
			t.Errorf("%s after %s", k.Name, m.Kinds[i-1].Name)
		}
	}
	if sum != 301 {
		t.Errorf("the legend has %d devices", sum)
	}
	for _, by := range MatrixBy {
		for _, lang := range []text.Lang{text.EN, text.JA} {
			m := NewMatrix(devices, by, lang, vendor)
			for _, colours := range []bool{false, true} {
				out := m.Terminal(80, colours)
				plain := sgr(out)
				if colours == (plain == out) {
					t.Errorf("%s: colours %v", by, colours)
				}
				for line := range strings.Lines(plain) {
					if n := cells(strings.TrimRight(line, "\n")); n > 80 {
						t.Errorf("%s %s: %d columns: %s", by, lang, n, line)
					}
				}
			}
			var b bytes.Buffer
			if err := m.WriteSVG(&b); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(b.String(), "<title>"); n != 1+len(m.Cells)+len(m.Kinds) {
				t.Errorf("%s: SVG has %d titles", by, n)
			}
			if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
				t.Errorf("%s: %v", by, err)
			}
		}
	}
	os := NewMatrix(devices, "os", text.EN, vendor)
	if !strings.Contains(os.Terminal(80, false), "A99") || !strings.Contains(os.Terminal(80, false), "Windows 10 (150, accuracy 100)") {
		t.Errorf("no accuracy:\n%s", os.Terminal(80, false))
	}
	var b bytes.Buffer
	if err := os.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	w, h := os.size()
	if got := img.Bounds(); got.Dx() != int(w*2) || got.Dy() != int(h*2) {
		t.Errorf("PNG of %v for %v × %v", got, w, h)
	}
	empty := NewMatrix(nil, "role", text.EN, vendor)
	if err := empty.WriteSVG(io.Discard); err != nil {
		t.Error(err)
	}
	if err := empty.WritePNG(io.Discard); err != nil {
		t.Error(err)
	}
}

// sgr takes the colours out.
func sgr(s string) string {
	for {
		i := strings.IndexByte(s, 0x1b)
		if i < 0 {
			return s
		}
		j := strings.IndexByte(s[i:], 'm')
		s = s[:i] + s[i+j+1:]
	}
}

// Every role has a colour, a letter of its own and a row.
func TestEveryRoleIsDrawn(t *testing.T) {
	signs := map[rune]string{}
	for _, r := range inventory.Roles {
		if _, ok := rows[r]; !ok || roleColours[r].hex == "" || roleSigns[r] == 0 {
			t.Errorf("%s has no row, colour or letter", r)
		}
		if other := signs[roleSigns[r]]; other != "" {
			t.Errorf("%s and %s have one letter", r, other)
		}
		signs[roleSigns[r]] = r
	}
}

func TestCharts(t *testing.T) {
	var points []store.Point
	for i := range 48 {
		if i%5 > 0 {
			points = append(points, store.Point{Time: store.Time(int64(i) * 3600e9), Packets: 1, Bytes: uint64(i * 1000)})
		}
	}
	series := []Series{{"modbus", points}, {"日本語", points[:10]}}
	var b bytes.Buffer
	if err := WriteChart(&b, "png", series, time.Hour, time.UTC); err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(&b); err != nil {
		t.Error(err)
	}
	b.Reset()
	if err := WriteChart(&b, "svg", series, time.Hour, time.UTC); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"modbus", "???", "bytes/s", "01-02", "06:00"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("SVG has no %q", want)
		}
	}
	if err := WriteChart(io.Discard, "svg", nil, time.Hour, time.UTC); err == nil {
		t.Error("a chart of nothing")
	}
	if err := WriteChart(io.Discard, "gif", series, time.Hour, time.UTC); err == nil {
		t.Error("a chart as gif")
	}
	line := steps([]store.Point{{Time: 0, Bytes: 60}, {Time: 180e9, Bytes: 120}}, 0, 240, time.Minute)
	want := []float64{0, 1, 1, 0, 0, 2, 2, 0, 0}
	if len(line) != len(want) {
		t.Fatalf("%v", line)
	}
	for i := range want {
		if line[i].Y != want[i] {
			t.Errorf("corner %d: %v, want %v", i, line[i], want[i])
		}
	}
}

func TestSparkline(t *testing.T) {
	for _, c := range []struct {
		values  []uint64
		most    uint64
		columns int
		want    string
	}{
		{[]uint64{0, 1, 4, 8}, 8, 4, " ▁▄█"},
		{[]uint64{1, 8, 0, 0, 4, 0}, 8, 3, "█ ▄"},
		{[]uint64{8}, 8, 30, "█"},
		{[]uint64{0, 0}, 0, 2, ""},
		{nil, 8, 5, ""},
	} {
		if got := Sparkline(c.values, c.most, c.columns); got != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

func TestFinder(t *testing.T) {
	devices, _ := small()
	devices = append(devices, inventory.Device{Site: "s", MAC: 9, IPs: []decode.Addr{end(1)}}, inventory.Device{Site: "other", MAC: 1})
	f := NewFinder(devices)
	for _, c := range []struct {
		name string
		site string
		addr decode.Addr
		mac  decode.MAC
		want int
	}{
		{"by address", "s", end(2), 0, 1},
		{"of two owners the first", "s", end(1), 0, 0},
		{"of two owners that of the MAC", "s", end(1), 9, 5},
		{"by MAC", "s", decode.MAC(5).Addr(), 0, 4},
		{"at another site", "other", decode.MAC(1).Addr(), 0, 6},
		{"internet", "s", decode.IPv4(8<<24 | 8), 2, 3},
		{"no internet there", "other", decode.IPv4(8<<24 | 8), 1, -1},
		{"multicast", "s", decode.IPv4(224<<24 | 1), 1, -1},
		{"0.0.0.0", "s", decode.IPv4(0), 2, 1},
		{"nobody", "s", end(77), 2, -1},
	} {
		if got := f.Find(c.site, c.addr, c.mac); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func FuzzFormats(f *testing.F) {
	f.Add("name", "service")
	f.Add(`"\`, "]]>\x00")
	f.Add("\xed\xa0\x80", "<!--")
	f.Fuzz(func(t *testing.T, name, service string) {
		devices, edges := small()
		devices[0].Hostname, devices[1].Vendor, devices[2].Site = name, name, "s"
		o := options()
		o.Service = func(*store.EdgeTotal) string { return service }
		g := NewGraph(devices, edges, nil, o)
		l := Arrange(g)
		for i, b := range l.Nodes {
			for _, x := range l.NodeLabels[i] {
				if x.Text != "" && !inside(x.Box, b) {
					t.Fatalf("%q leaves its box", x.Text)
				}
			}
		}
		for _, write := range []func(io.Writer) error{
			func(w io.Writer) error { return WriteSVG(w, g, l, text.JA) },
			func(w io.Writer) error { return WriteGraphML(w, g, l) },
			func(w io.Writer) error { return WriteDrawIO(w, g, l) },
		} {
			var b bytes.Buffer
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
				t.Fatalf("%v in %s", err, b.String())
			}
			clean(t, "XML", b.String())
		}
		var b bytes.Buffer
		if err := WriteJSON(&b, g, l); err != nil || !json.Valid(b.Bytes()) {
			t.Fatalf("%v in %s", err, b.String())
		}
	})
}

func BenchmarkMapOf1400(b *testing.B) {
	devices, edges := plant(1400, 15000)
	for b.Loop() {
		g := NewGraph(devices, edges, nil, options())
		l := Arrange(g)
		if err := WriteSVG(io.Discard, g, l, text.EN); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(g.Edges)), "edges")
	}
}
