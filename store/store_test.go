package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"osect/decode"
	"osect/decode/ot"
	"osect/detect"
	"osect/observe"
)

var ctx = context.Background()

// t0 is the start of the tests' first minute: 2024-01-01T00:00:00Z, the start of an hour.
const t0 = int64(1704067200e9)

func newStore(t testing.TB) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "osect.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func newRun(t testing.TB, s *Store) *Run {
	t.Helper()
	run, err := s.BeginRun(RunSpec{Site: "plant", Sensor: "one", Captures: []CaptureRow{{Path: "a.pcap", Size: 10}, {Path: "b.pcap", Size: 20}}})
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func commit(t testing.TB, s *Store, b *Batch) Edited {
	t.Helper()
	e, err := s.Commit(b)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// load says how much a made minute holds. The edges, operations and addresses are the
// same from minute to minute but for what New says.
type load struct{ connections, edges, operations, addresses, events int }

// reference is a plant at the reference load of C2: 1,000 devices that send each minute,
// 2,000 new connections a minute, and steady PLC sessions: 250 controllers polled with 3
// functions, requests and responses apart. 1,700 of its 2,000 edges are there each minute, 300 are of
// another 300 that take turns for 5 minutes; 5 pairs a minute are new.
var reference = load{connections: 2000, edges: 2000, operations: 1500, addresses: 1000, events: 100}

// full is what the benchmark commits.
var full = load{connections: 2000, edges: 3000, operations: 2000, addresses: 1200, events: 100}

func ip(n int) decode.Addr { return decode.IPv4(0x0a000000 + uint32(n)) }
func mac(n int) decode.MAC { return decode.MAC(0x000102000000 + uint64(n)) }

// minute makes minute n of a plant, in canonical order.
func (l load) minute(n int) *observe.Minute { return l.minuteOf(n, 5) }

// minuteOf is minute where the edges that take turns come back after turns minutes.
func (l load) minuteOf(n, turns int) *observe.Minute {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	m := &observe.Minute{Start: t0 + int64(n)*observe.MinuteLength, Seq: uint64(n + 1)}
	at := func() (first, last int64) {
		a, b := r.Int64N(60e9), r.Int64N(60e9)
		return m.Start + min(a, b), m.Start + max(a, b)
	}
	number := int64(n) * 50000
	ref := func() observe.FrameRef {
		number++
		return observe.FrameRef{Capture: int32(n % 2), Number: number}
	}
	devices := max(l.addresses, 2)
	for range l.connections {
		// One of the minute's edges; few are new pairs.
		i := r.IntN(max(l.edges, 1))
		c, s, port := i%devices, (i*7+i/devices)%devices, 400+i/devices
		if r.IntN(400) == 0 {
			s = 100000 + r.IntN(1<<20)
		}
		first, last := at()
		m.Connections = append(m.Connections, observe.Connection{
			ConnKey: observe.ConnKey{Client: ip(c), Server: ip(s), ClientPort: uint16(49152 + r.IntN(16000)), ServerPort: uint16(port), Proto: 6, VLAN: decode.NoVLAN, InnerVLAN: decode.NoVLAN},
			ID:      r.Uint64(), First: first, Last: last, PacketsOut: uint64(r.IntN(100)), BytesOut: uint64(r.IntN(20000)), PacketsIn: uint64(r.IntN(100)), BytesIn: uint64(r.IntN(90000)),
			ClientMAC: mac(c), ServerMAC: mac(s), State: observe.StateClosed, Closed: true,
		})
	}
	for i := range l.edges {
		if i >= l.edges*85/100 {
			i += l.edges * (n % turns) // those that take turns
		}
		c, s := i%devices, (i*7+i/devices)%devices
		first, last := at()
		m.Edges = append(m.Edges, observe.Edge{
			EdgeKey:    observe.EdgeKey{Client: ip(c), Server: ip(s), ServerPort: uint16(400 + i/devices), VLAN: decode.NoVLAN, Proto: 6},
			PacketsOut: uint64(1 + r.IntN(300)), BytesOut: uint64(r.IntN(60000)), PacketsIn: uint64(r.IntN(300)), BytesIn: uint64(r.IntN(60000)),
			Opened: uint32(i % 2), First: first, Last: last, ClientMAC: mac(c), ServerMAC: mac(s), Answered: true, Ref: ref(),
		})
	}
	for i := range l.operations {
		first, last := at()
		o := observe.Operation{Src: ip(1 + i/6), Dst: ip(5000 + i/6), Protocol: "modbus-tcp", Code: fmt.Sprintf("%02x", 1+i%3), Function: fmt.Sprintf("Read %d", i%3), Unit: "1",
			Direction: ot.Request, Class: ot.Read, Count: uint64(1 + r.IntN(120)), First: first, Last: last, Ref: ref()}
		if i%6 >= 3 {
			o.Src, o.Dst, o.Direction = o.Dst, o.Src, ot.Response
		}
		m.Operations = append(m.Operations, o)
	}
	for i := range l.addresses {
		first, last := at()
		m.Addresses = append(m.Addresses, observe.Address{IP: ip(i), MAC: mac(i), VLAN: decode.NoVLAN, Evidence: observe.SeenIP | observe.SeenReceiver, Client: true, Server: i%10 == 0,
			PacketsSent: uint64(r.IntN(1000)), BytesSent: uint64(r.IntN(200000)), PacketsReceived: uint64(r.IntN(1000)), BytesReceived: uint64(r.IntN(200000)),
			TTL: 64, First: first, Last: last, Ref: ref()})
	}
	for i := range l.events {
		first, _ := at()
		m.Events = append(m.Events, observe.Event{Kind: observe.EventARP, Src: ip(i), Dst: mac(i).Addr(), First: first, Last: first, Count: 1, Ref: ref()})
	}
	m.Counters = observe.Counters{Packets: 50000, Bytes: 25e6, Decoded: 49990}
	m.Counters.Skipped[decode.BadIP] = 10
	m.Settle()
	return m
}

// stored is m as Minutes gives it back.
func stored(m *observe.Minute, run *Run, seq uint64) *observe.Minute {
	c := *m
	c.Connections, c.Facts, c.Seq, c.Late = nil, nil, seq, false
	ref := func(r *observe.FrameRef) { r.Capture = int32(run.Captures[r.Capture].ID) }
	c.Edges, c.Operations, c.Addresses, c.Events = slices.Clone(m.Edges), slices.Clone(m.Operations), slices.Clone(m.Addresses), slices.Clone(m.Events)
	for i := range c.Edges {
		ref(&c.Edges[i].Ref)
	}
	for i := range c.Operations {
		ref(&c.Operations[i].Ref)
	}
	for i := range c.Addresses {
		ref(&c.Addresses[i].Ref)
	}
	for i := range c.Events {
		ref(&c.Events[i].Ref)
	}
	return &c
}

func TestMinutesComeBackAsTheyPassed(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	var want []*observe.Minute
	for i, n := range []int{0, 1, 2, 61, 1500} {
		m := load{50, 300, 200, 100, 40}.minute(n)
		want = append(want, stored(m, run, uint64(i+1)))
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}, Hash: []byte{byte(n)}})
	}
	i := 0
	err := s.Minutes(ctx, Filter{}, func(site, sensor string, m *observe.Minute) error {
		if site != "plant" || sensor != "one" || !reflect.DeepEqual(m, want[i]) {
			t.Errorf("minute %d of %s/%s differs", i, site, sensor)
		}
		i++
		return nil
	})
	if err != nil || i != len(want) {
		t.Fatalf("%d minutes, %v", i, err)
	}
	if run.Seq != 1501 || !bytes.Equal(run.Hash, []byte{1500 & 255}) {
		t.Errorf("progress %d %x", run.Seq, run.Hash)
	}
}

func TestPartsOfAMinuteAddUp(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	a := load{edges: 10, operations: 6, addresses: 5, events: 3}.minute(0)
	b := load{edges: 10, operations: 6, addresses: 5, events: 3}.minute(0)
	b.Late, b.Seq = true, 2
	for i := range b.Edges {
		b.Edges[i].First -= min(b.Edges[i].First-b.Start, 5)
		b.Edges[i].Ref = observe.FrameRef{Capture: 1, Number: 7}
	}
	b.Edges[3].Last, b.Edges[3].ServerMAC, b.Edges[3].Service = b.Edges[3].Last+1, mac(77), "modbus-tcp"
	b.Addresses[2].Evidence, b.Addresses[2].TTL = observe.SeenARP, 128
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{a}})
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{b}})
	n := 0
	err := s.Minutes(ctx, Filter{}, func(_, _ string, m *observe.Minute) error {
		n++
		if len(m.Edges) != 10 || len(m.Operations) != 6 || len(m.Addresses) != 5 || len(m.Events) != 6 {
			t.Fatalf("%d edges, %d operations, %d addresses, %d events", len(m.Edges), len(m.Operations), len(m.Addresses), len(m.Events))
		}
		for i, e := range m.Edges {
			if e.PacketsOut != 2*a.Edges[i].PacketsOut || e.First != b.Edges[i].First || e.Last != b.Edges[i].Last || e.Opened != 2*a.Edges[i].Opened {
				t.Errorf("edge %d: %+v", i, e)
			}
			if e.Ref.Number != 7 || e.Ref.Capture != int32(run.Captures[1].ID) {
				t.Errorf("edge %d: its first frame is %+v, not the earlier one", i, e.Ref)
			}
		}
		if e := m.Edges[3]; e.ServerMAC != mac(77) || e.Service != "modbus-tcp" {
			t.Errorf("edge 3: MAC %v service %q are not the last seen", e.ServerMAC, e.Service)
		}
		if x := m.Addresses[2]; x.Evidence != a.Addresses[2].Evidence|observe.SeenARP || x.TTL != 128 {
			t.Errorf("address: %+v", x)
		}
		if m.Counters.Packets != 2*a.Counters.Packets || m.Counters.Skipped[decode.BadIP] != 20 {
			t.Errorf("counters: %+v", m.Counters)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Fatal(n, err)
	}
}

// TestWindowsAddUp holds every way of cutting a window into hours and minutes against sums
// made here, with hours that were made and hours that wait.
func TestWindowsAddUp(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	var all []*observe.Minute
	l := load{connections: 5, edges: 20, operations: 12, addresses: 8}
	for _, n := range []int{0, 1, 59, 60, 61, 119, 121, 180, 200, 239, 240, 300, 301} {
		m := l.minute(n)
		all = append(all, m)
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	}
	check := func(name string) {
		for _, w := range [][2]int{{0, 0}, {0, 60}, {1, 60}, {59, 61}, {60, 300}, {61, 239}, {30, 301}, {119, 120}, {500, 600}, {240, 0}, {0, 241}} {
			f := Filter{}
			if w[0] != 0 {
				f.From = t0 + int64(w[0])*observe.MinuteLength
			}
			if w[1] != 0 {
				f.To = t0 + int64(w[1])*observe.MinuteLength
			}
			var packets, count, sent, first, last uint64
			for _, m := range all {
				if m.Start < f.From || f.To != 0 && m.Start >= f.To {
					continue
				}
				for _, e := range m.Edges {
					packets += e.PacketsOut
					if first == 0 || uint64(e.First) < first {
						first = uint64(e.First)
					}
					last = max(last, uint64(e.Last))
				}
				for _, o := range m.Operations {
					count += o.Count
				}
				for _, a := range m.Addresses {
					sent += a.BytesSent
				}
			}
			edges, err := s.Edges(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range edges {
				packets -= e.PacketsOut
				first = max(first, min(first, uint64(e.First))) // no edge begins before the first
				if uint64(e.First) == first {
					first = 0
				}
				if uint64(e.Last) == last {
					last = 0
				}
			}
			operations, _, err := s.Operations(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range operations {
				count -= o.Count
			}
			addresses, _, err := s.Addresses(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range addresses {
				sent -= a.BytesSent
			}
			points, err := s.Traffic(ctx, f, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			one, err := s.Traffic(ctx, Filter{From: f.From, To: f.To, Protocol: "tcp"}, 7*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			var a, b uint64
			for _, e := range edges {
				a += e.PacketsOut + e.PacketsIn
			}
			for _, p := range one {
				b += p.Packets
			}
			if packets != 0 || count != 0 || sent != 0 || first != 0 || last != 0 || a != b || len(edges) > 0 && len(points) == 0 {
				t.Errorf("%s, minutes %d to %d: off by %d packets, %d operations, %d bytes; first %d, last %d; traffic %d of %d", name, w[0], w[1], packets, count, sent, first, last, b, a)
			}
		}
	}
	check("while two hours wait")
	if n := s.count(t, "SELECT count(*) FROM pending"); n == 0 || n > maxPending+1 {
		t.Errorf("%d hours wait", n)
	}
	if err := s.EndRun(run); err != nil {
		t.Fatal(err)
	}
	check("behind the end")
	rollUp(t, s)
	if n := s.count(t, "SELECT count(*) FROM pending"); n != 0 {
		t.Errorf("%d hours wait still", n)
	}
	check("with all hours made")
	// A late part makes its hour wait again.
	m := l.minute(59)
	m.Late, m.Seq = true, 1000
	all = append(all, m)
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	check("with a late part")

	// Without its minutes an hour still counts, and late parts of it add.
	now := t0 + 180*observe.MinuteLength
	if _, err := s.Prune(ctx, now, Retention{Minutes: time.Nanosecond}); err != nil {
		t.Fatal(err)
	}
	if n := s.count(t, "SELECT ifnull(sum(count),0) FROM edge_minute WHERE minute<?", t0/observe.MinuteLength+120); n != 0 {
		t.Errorf("%d rows of pruned minutes", n)
	}
	total := func() (n uint64) {
		edges, err := s.Edges(ctx, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range edges {
			n += e.PacketsOut
		}
		return n
	}
	var want uint64
	for _, m := range all {
		for _, e := range m.Edges {
			want += e.PacketsOut
		}
	}
	if got := total(); got != want {
		t.Errorf("pruned: %d packets, want %d", got, want)
	}
	m = l.minute(10)
	m.Late, m.Seq = true, 1001
	for _, e := range m.Edges {
		want += e.PacketsOut
	}
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	if got := total(); got != want {
		t.Errorf("a late part of a pruned minute, waiting: %d packets, want %d", got, want)
	}
	if err := s.EndRun(run); err != nil {
		t.Fatal(err)
	}
	if got := total(); got != want {
		t.Errorf("a late part of a pruned minute: %d packets, want %d", got, want)
	}
}

func (s *Store) count(t testing.TB, q string, args ...any) (n int64) {
	t.Helper()
	if err := s.db.QueryRow(q, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFlows(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	at := func(minute int64) int64 { return t0 + minute*observe.MinuteLength }
	c := func(id uint64, first, last int64) observe.Connection {
		return observe.Connection{ConnKey: observe.ConnKey{Client: ip(1), Server: ip(2), ClientPort: 50000, ServerPort: 502, Proto: 6, VLAN: 10, InnerVLAN: decode.NoVLAN},
			ID: id, First: first, Last: last, PacketsOut: 1, ClientMAC: mac(1), State: observe.StateEstablished, Service: "modbus-tcp"}
	}
	udp := c(4, at(100), at(101))
	udp.Client, udp.Proto, udp.InnerVLAN, udp.Tunnel, udp.ICMPType, udp.ICMPCode = ip(0x20003), 17, 7, decode.VXLAN, 3, 1
	long := c(1, at(0), at(90))
	longer := long
	longer.Last, longer.PacketsOut, longer.State = at(200), 9, observe.StateClosed
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{
		{Start: t0, Seq: 1, Connections: []observe.Connection{long, c(2, at(10), at(20)), c(3, at(95), at(96)), udp}},
		{Start: at(1), Seq: 2, Connections: []observe.Connection{longer}},
	}})
	for _, x := range []struct {
		name string
		f    Filter
		want string
		more bool
	}{
		{"all", Filter{}, "1 2 3 4", false},
		{"a long one reaches in", Filter{From: at(50)}, "1 3 4", false},
		{"a short one reaches in", Filter{From: at(20), To: at(50)}, "1 2", false},
		{"before", Filter{To: at(10)}, "1", false},
		{"the newest", Filter{Limit: 2}, "3 4", true},
		{"just all", Filter{Limit: 4}, "1 2 3 4", false},
		{"IP", Filter{Address: "10.2.0.3"}, "4", false},
		{"prefix", Filter{Address: "10.2.0.0/16"}, "4", false},
		{"MAC", Filter{Address: mac(1).String()}, "1 2 3 4", false},
		{"other MAC", Filter{Address: mac(9).String()}, "", false},
		{"udp", Filter{Protocol: "udp"}, "4", false},
		{"service", Filter{Protocol: "modbus-tcp", From: at(50), To: at(60)}, "1", false},
		{"sensor", Filter{Sensor: "two"}, "", false},
		{"site", Filter{Site: "plant", Sensor: "one", Limit: 1}, "4", true},
	} {
		rows, more, err := s.Flows(ctx, x.f)
		if err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, map[Time]string{Time(at(0)): "1", Time(at(10)): "2", Time(at(95)): "3", Time(at(100)): "4"}[r.FirstSeen])
		}
		if strings.Join(got, " ") != x.want || more != x.more {
			t.Errorf("%s: %v more=%v, want %s", x.name, got, more, x.want)
		}
	}
	rows, _, err := s.Flows(ctx, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if rows[0].PacketsOut != 9 || rows[0].State != "closed" || rows[0].LastSeen != Time(at(200)) {
		t.Errorf("the later row of a connection did not replace: %+v", rows[0])
	}
	b, err := json.Marshal(rows[3])
	const want = `{"proto":"udp","client_ip":"10.2.0.3","client_port":50000,"server_ip":"10.0.0.2","server_port":502,"icmp_type":3,"icmp_code":1,` +
		`"client_mac":"00:01:02:00:00:01","server_mac":"","vlan":10,"inner_vlan":7,"tunnel":"vxlan","service":"modbus-tcp","packets_out":1,"bytes_out":0,` +
		`"packets_in":0,"bytes_in":0,"fragments_out":0,"fragments_in":0,"state":"established","multicast":false,"site":"plant","sensors":["one"],` +
		`"first_seen":"2024-01-01T01:40:00Z","last_seen":"2024-01-01T01:41:00Z"}`
	if err != nil || string(b) != want {
		t.Errorf("%v\n%s\n%s", err, b, want)
	}
	for _, bad := range []Filter{{Address: "10.0.0"}, {Address: "10.0.0.0/33"}, {Address: "fe80::1%eth0"}} {
		if _, _, err := s.Flows(ctx, bad); !errors.Is(err, ErrFilter) {
			t.Errorf("%q: %v", bad.Address, err)
		}
	}
}

func TestListings(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	v6 := decode.IPv6(netip.MustParseAddr("2001:db8::5").AsSlice())
	m := &observe.Minute{Start: t0, Seq: 1,
		Addresses: []observe.Address{
			{IP: ip(1), MAC: mac(1), VLAN: 5, Evidence: observe.SeenIP | observe.SeenARP, Client: true, Server: true, PacketsSent: 3, BytesSent: 300, PacketsReceived: 2, BytesReceived: 40, First: t0 + 1, Last: t0 + 9},
			{IP: decode.IPv4(0xe0000001), VLAN: decode.NoVLAN, Evidence: observe.SeenReceiver, First: t0, Last: t0},
			{IP: v6, MAC: mac(1), VLAN: decode.NoVLAN, Evidence: observe.SeenNDP, First: t0, Last: t0},
			{IP: mac(9).Addr(), MAC: mac(9), VLAN: decode.NoVLAN, Evidence: observe.SeenEthernet | observe.SeenOT, PacketsSent: 1, First: t0, Last: t0},
		},
		Operations: []observe.Operation{
			{Src: ip(1), Dst: ip(2), Protocol: "modbus-tcp", Code: "03", Function: "Read Holding Registers", Status: "02", Unit: "1", Direction: ot.Error, Class: ot.Read, Tunnel: decode.GRE, Count: 7, First: t0, Last: t0 + 5},
			{Src: mac(9).Addr(), Dst: mac(8).Addr(), Protocol: "cc-link-ie-field-control", Code: "01", Function: "x", Direction: ot.None, Class: ot.Cyclic, Count: 1, First: t0, Last: t0},
		},
		Edges: []observe.Edge{
			{EdgeKey: observe.EdgeKey{Client: ip(1), Server: ip(2), ServerPort: 502, VLAN: 5, Proto: 6}, PacketsOut: 3, BytesOut: 300, PacketsIn: 2, BytesIn: 40, First: t0, Last: t0 + 5, ClientMAC: mac(1), ServerMAC: mac(2), Answered: true, Service: "modbus-tcp"},
			{EdgeKey: observe.EdgeKey{Client: ip(1), Server: ip(2), ServerPort: 502, VLAN: 6, Proto: 6}, PacketsOut: 1, First: t0, Last: t0 + 6, ClientMAC: mac(3), ServerMAC: mac(2)},
			{EdgeKey: observe.EdgeKey{Client: ip(1), Server: ip(2), ServerPort: 80, VLAN: 6, Proto: 6, Tunnel: decode.GRE}, PacketsOut: 1, First: t0, Last: t0},
		},
		Facts: []observe.Fact{{IP: ip(1), MAC: mac(1), Kind: "model", Value: "FX5U\t", Source: "slmp-melsec", First: t0 + 3, Last: t0 + 3, Ref: observe.FrameRef{Capture: 1, Number: 4}}},
	}
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	again := *m
	again.Start, again.Seq = t0+observe.MinuteLength, 2
	again.Addresses, again.Edges, again.Operations = nil, nil, nil
	again.Facts = []observe.Fact{m.Facts[0]}
	again.Facts[0].First, again.Facts[0].Last = t0+70e9, t0+70e9
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{&again}})

	addresses, more, err := s.Addresses(ctx, Filter{})
	if err != nil || more || len(addresses) != 4 {
		t.Fatal(len(addresses), more, err)
	}
	b, _ := json.Marshal(addresses[0])
	if want := `{"ip":"10.0.0.1","mac":"00:01:02:00:00:01","vlan":5,"site":"plant","sensors":["one"],"evidence":["ip","arp"],"logs":["ip","arp"],"ends":["client","server"],` +
		`"packets_sent":3,"bytes_sent":300,"packets_received":2,"bytes_received":40,"first_seen":"2024-01-01T00:00:00.000000001Z","last_seen":"2024-01-01T00:00:00.000000009Z"}`; string(b) != want {
		t.Errorf("%s\n%s", b, want)
	}
	if a := addresses[1]; a.IP != "224.0.0.1" || a.VLAN != nil || !slices.Equal(a.Ends, []string{"multicast"}) {
		t.Errorf("%+v", a)
	}
	if a := addresses[3]; a.IP != "" || a.MAC != mac(9).String() || !slices.Equal(a.Logs, []string{"ot", "ethernet"}) {
		t.Errorf("%+v", a)
	}
	if a, _, err := s.Addresses(ctx, Filter{Address: "2001:db8::/32"}); err != nil || len(a) != 1 || a[0].IP != "2001:db8::5" {
		t.Errorf("prefix: %v %v", a, err)
	}

	operations, _, err := s.Operations(ctx, Filter{Layer: "ip"})
	if err != nil || len(operations) != 1 {
		t.Fatal(operations, err)
	}
	b, _ = json.Marshal(operations[0])
	if want := `{"layer":"ip","src":"10.0.0.1","dst":"10.0.0.2","protocol":"modbus-tcp","function":"Read Holding Registers","function_code":"03","direction":"error","status":"02",` +
		`"class":"read","unit":"1","tunnel":"gre","count":7,"site":"plant","sensors":["one"],"first_seen":"2024-01-01T00:00:00Z","last_seen":"2024-01-01T00:00:00.000000005Z"}`; string(b) != want {
		t.Errorf("%s\n%s", b, want)
	}
	for _, x := range []struct {
		f    Filter
		want int
	}{{Filter{}, 2}, {Filter{Class: "cyclic"}, 1}, {Filter{Protocol: "modbus-tcp"}, 1}, {Filter{Protocol: "fins"}, 0}, {Filter{Address: mac(8).String()}, 1}, {Filter{Limit: 1}, 1}, {Filter{Layer: "ethernet"}, 1}} {
		if rows, more, err := s.Operations(ctx, x.f); err != nil || len(rows) != x.want || more != (x.f.Limit == 1) {
			t.Errorf("%+v: %d rows, more %v, %v", x.f, len(rows), more, err)
		}
	}
	if _, _, err := s.Operations(ctx, Filter{Class: "reed"}); !errors.Is(err, ErrFilter) {
		t.Errorf("class: %v", err)
	}

	in, err := s.DeviceInput(ctx, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Addresses) != 4 || len(in.Uses) != 2 || len(in.Links) != 1 || len(in.Facts) != 1 {
		t.Fatalf("%+v", in)
	}
	if l := in.Links[0]; l.Packets != 6 || l.ClientMAC != mac(3) || l.Service != "modbus-tcp" || !l.Answered {
		t.Errorf("link: %+v", l)
	}
	if f := in.Facts[0]; f.First != t0+3 || f.Last != t0+70e9 || f.Ref.Capture != int32(run.Captures[1].ID) || f.Value != "FX5U\t" {
		t.Errorf("fact: %+v", f)
	}

	talkers, err := s.TopTalkers(ctx, Filter{Limit: 1})
	if err != nil || len(talkers) != 1 || talkers[0].Address != "10.0.0.1" || talkers[0].BytesSent != 300 {
		t.Errorf("%v %v", talkers, err)
	}
	totals, err := s.Totals(ctx)
	if err != nil || totals.Minutes != 2 || totals.Addresses != 4 || totals.First != Time(t0) || totals.Last != Time(t0+observe.MinuteLength) {
		t.Errorf("%+v %v", totals, err)
	}
	sensors, err := s.Sensors(ctx)
	if err != nil || len(sensors) != 1 || sensors[0].Site != "plant" || sensors[0].Minutes != 2 {
		t.Errorf("%+v %v", sensors, err)
	}
}

// TestTwoSensorsAreNeverAdded: what two sensors of a site saw counts once.
func TestTwoSensorsAreNeverAdded(t *testing.T) {
	s := newStore(t)
	one := newRun(t, s)
	two, err := s.BeginRun(RunSpec{Site: "plant", Sensor: "two"})
	if err != nil {
		t.Fatal(err)
	}
	l := load{connections: 5, edges: 6, operations: 6, addresses: 4}
	m := l.minute(0)
	commit(t, s, &Batch{Run: one, Minutes: []*observe.Minute{m}})
	before, err := s.DeviceInput(ctx, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, &Batch{Run: two, Minutes: []*observe.Minute{m}})
	after, err := s.DeviceInput(ctx, Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range before.Addresses {
		before.Addresses[i].Sensors = []string{"one", "two"}
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("%+v\n%+v", before, after)
	}
	flows, _, err := s.Flows(ctx, Filter{})
	if err != nil || len(flows) != 10 {
		t.Errorf("%d flows, %v: want a row a sensor", len(flows), err)
	}
	if edges, err := s.Edges(ctx, Filter{Sensor: "two"}); err != nil || len(edges) != 6 {
		t.Errorf("%d edges of the second sensor, %v", len(edges), err)
	}
}

// TestStoredNumbers: these numbers are in the files that people have.
func TestStoredNumbers(t *testing.T) {
	for _, x := range []struct {
		got  fmt.Stringer
		want string
	}{
		{observe.State(0), "other"}, {observe.State(1), "attempt"}, {observe.State(2), "rejected"}, {observe.State(3), "established"}, {observe.State(4), "closed"}, {observe.State(5), "reset"},
		{observe.EventKind(0), "arp"}, {observe.EventKind(1), "refused"}, {observe.EventKind(2), "half-open"}, {observe.EventKind(3), "control"},
		{decode.Tunnel(0), ""}, {decode.Tunnel(1), "gre"}, {decode.Tunnel(2), "vxlan"}, {decode.Tunnel(3), "ipip"},
		{ot.Direction(0), "none"}, {ot.Direction(1), "request"}, {ot.Direction(2), "response"}, {ot.Direction(3), "error"},
		{ot.Class(0), "other"}, {ot.Class(1), "read"}, {ot.Class(2), "write"}, {ot.Class(3), "control"}, {ot.Class(4), "identity"}, {ot.Class(5), "session"}, {ot.Class(6), "cyclic"},
	} {
		if x.got.String() != x.want {
			t.Errorf("%T %d is %q: want %q", x.got, x.got, x.got, x.want)
		}
	}
	if got := observe.Evidence(0xfff).Names(); !slices.Equal(got, []string{"ip", "arp", "ndp", "dhcp", "dns", "receiver", "ethernet"}) {
		t.Errorf("evidence: %v", got)
	}
	for i, e := range []observe.Evidence{observe.SeenIP, observe.SeenARP, observe.SeenNDP, observe.SeenDHCP, observe.SeenDNS, observe.SeenReceiver,
		observe.SeenEthernet, observe.SeenNetBIOS, observe.SeenHTTP, observe.SeenOT, observe.BoundDHCP, observe.BoundDNS} {
		if e != 1<<i {
			t.Errorf("evidence %d is bit %#x", i, e)
		}
	}
}

// TestDumpIsCanonical: other commits, another order of ids, the same text.
func TestDumpIsCanonical(t *testing.T) {
	l := load{connections: 20, edges: 40, operations: 30, addresses: 20, events: 5}
	var minutes []*observe.Minute
	for n := range 130 {
		minutes = append(minutes, l.minute(n))
	}
	dump := func(order []int, group int) (*Store, string) {
		s := newStore(t)
		run := newRun(t, s)
		for i, c := range run.Captures {
			c.SHA256 = strings.Repeat(fmt.Sprint(i), 64)
			if err := s.SaveCapture(run, &c); err != nil {
				t.Fatal(err)
			}
		}
		var b Batch
		for i, n := range order {
			b.Minutes = append(b.Minutes, minutes[n])
			if len(b.Minutes) == group || i == len(order)-1 {
				b.Run = run
				commit(t, s, &b)
				b = Batch{}
			}
		}
		commit(t, s, &Batch{Alerts: []detect.Alert{{ID: "ab", Kind: detect.OTIP, Args: []detect.Arg{{Name: "x", Value: "a\tb"}}, Refs: []detect.Ref{{Capture: run.Captures[0].ID, Number: 5, Time: 6}}}}})
		var out bytes.Buffer
		if err := s.Dump(ctx, &out); err != nil {
			t.Fatal(err)
		}
		return s, out.String()
	}
	forward := make([]int, len(minutes))
	for i := range forward {
		forward[i] = i
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	s, want := dump(forward, 1)
	if n := strings.Count(want, "\n"); n < 130*(40+30+20+5+20) {
		t.Fatalf("%d lines", n)
	}
	if !strings.Contains(want, "000000000000:5@6") {
		t.Error("the alert's frame is not named by its capture's content")
	}
	if _, got := dump(backward, 7); got != want {
		t.Error("backward, 7 minutes a commit: another dump")
	}
	if _, got := dump(forward[1:], 1); got == want {
		t.Error("a minute less: the same dump")
	}
	// Wall clock, runs and the log are no content.
	run := newRun(t, s)
	if err := s.Log(LogEntry{Key: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := s.EndRun(run); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := s.Dump(ctx, &out); err != nil || out.String() != want {
		t.Errorf("run and log are in the dump (%v)", err)
	}
}

func FuzzFilterAddress(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "10.0.0.0/8", "2001:db8::/32", "00:11:22:33:44:55", "::ffff:1.2.3.4/100", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseEnds(s)
		if err != nil {
			if !errors.Is(err, ErrFilter) {
				t.Error(err)
			}
			return
		}
		if s == "" {
			return
		}
		if len(e.lo) != len(e.hi) || bytes.Compare(e.lo, e.hi) > 0 {
			t.Errorf("%q: %x to %x", s, e.lo, e.hi)
		}
		if a, err := decode.ParseAddr(s); err == nil && (!bytes.Equal(e.lo, a.Bytes()) || !bytes.Equal(e.hi, a.Bytes())) {
			t.Errorf("%q: %x to %x is not the address itself", s, e.lo, e.hi)
		}
	})
}

// rollUp makes the hour rows of all hours that wait.
func rollUp(t *testing.T, s *Store) {
	t.Helper()
	if err := s.transact("roll up", func(w *writer) error { return w.rollUp(nil) }); err != nil {
		t.Fatal(err)
	}
}

// Totals are asked for while hours are made: each answer is that of some commit, of no half of one.
func TestTotalsWhileHoursAreMade(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	const commits = 150
	var list []*observe.Minute
	sums := map[uint64]int{0: 0} // what may be answered, and behind which commit
	var sum uint64
	for n := range commits {
		m := load{edges: 40, operations: 3, addresses: 5}.minute(n * 25)
		m.Seq = uint64(n + 1)
		for i := range m.Edges {
			sum += m.Edges[i].PacketsOut
		}
		list, sums[sum] = append(list, m), n+1
	}
	done := make(chan error)
	go func() {
		for _, m := range list {
			if _, err := s.Commit(&Batch{Run: run, Minutes: []*observe.Minute{m}}); err != nil {
				done <- err
				return
			}
		}
		close(done)
	}()
	for asked, last := 0, 0; ; asked++ {
		edges, err := s.Edges(ctx, Filter{})
		if err != nil {
			t.Fatal(err)
		}
		var got uint64
		for i := range edges {
			got += edges[i].PacketsOut
		}
		n, ok := sums[got]
		if !ok || n < last {
			t.Fatalf("answer %d, behind commit %d: %d packets are those of no commit", asked, last, got)
		}
		last = n
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			if asked < 20 {
				t.Errorf("only %d answers", asked)
			}
			return
		default:
		}
	}
}
