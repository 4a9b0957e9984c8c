package detect

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// at is the start of minute n.
func at(n int) int64 { return 1_700_000_040e9 + int64(n)*observe.MinuteLength }

func ip(s string) decode.Addr {
	a, err := decode.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// mac is 00:1b:21:00:00:n (a vendor's MAC).
func mac(n int) decode.MAC { return 0x001b21000000 + decode.MAC(n) }

func addr(a string, m decode.MAC, ev observe.Evidence) observe.Address {
	return observe.Address{IP: ip(a), MAC: m, VLAN: decode.NoVLAN, Evidence: ev, PacketsSent: 5, TTL: 64, First: at(0), Last: at(0) + 1, Ref: observe.FrameRef{Number: 1}}
}

func edge(client, server string, proto uint8, port uint16) observe.Edge {
	return observe.Edge{EdgeKey: observe.EdgeKey{Client: ip(client), Server: ip(server), ServerPort: port, Proto: proto, VLAN: decode.NoVLAN},
		PacketsOut: 6, PacketsIn: 5, Opened: 1, Answered: true, First: at(0), Last: at(0) + 1, Ref: observe.FrameRef{Number: 2}}
}

func tcp(client, server string, port uint16) observe.Edge {
	return edge(client, server, decode.ProtoTCP, port)
}

func op(src, dst, code string, class ot.Class, dir ot.Direction) observe.Operation {
	return observe.Operation{Src: ip(src), Dst: ip(dst), Protocol: "modbus-tcp", Code: code, Function: "f" + code, Class: class, Direction: dir,
		Count: 3, First: at(0), Last: at(0) + 1, Ref: observe.FrameRef{Number: 3}}
}

// minute puts things into minute n, their times moved there.
func minute(n int, things ...any) *observe.Minute {
	m := &observe.Minute{Start: at(n), Seq: uint64(n + 1)}
	move := at(n) - at(0)
	for _, x := range things {
		switch x := x.(type) {
		case observe.Address:
			x.First, x.Last = x.First+move, x.Last+move
			m.Addresses = append(m.Addresses, x)
		case observe.Edge:
			x.First, x.Last = x.First+move, x.Last+move
			m.Edges = append(m.Edges, x)
		case observe.Operation:
			x.First, x.Last = x.First+move, x.Last+move
			m.Operations = append(m.Operations, x)
		default:
			panic(fmt.Sprintf("%T", x))
		}
	}
	return m
}

// list plays the store: it applies changes.
type rowList struct {
	t    *testing.T
	rows map[string]Row
}

func (l *rowList) apply(changes []Change) {
	for _, c := range changes {
		if c.value != nil {
			c.Row.Value = c.value.text()
		}
		r := c.Row
		k := fmt.Sprint(r.List, "|", r.Site, "|", r.Src, "|", r.Dst, "|", r.Proto, "|", r.Item, "|", r.Lo)
		if c.Remove {
			if _, ok := l.rows[k]; !ok {
				l.t.Errorf("removal of a row that is not stored: %s", k)
			}
			delete(l.rows, k)
			continue
		}
		if r.Count == 0 || r.First == 0 || r.Origin != Learned {
			l.t.Errorf("change without count, time or origin: %+v", r)
		}
		l.rows[k] = r
	}
}

func (l *rowList) all() []Row {
	var rows []Row
	for _, r := range l.rows {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b Row) int { return compareRows(&a, &b) })
	return rows
}

// learned learns the minutes, plus hand rows, as a store would hold it.
func learned(t *testing.T, minutes []*observe.Minute, hand ...Row) []Row {
	t.Helper()
	for i := range hand {
		hand[i].Site, hand[i].Origin = "s", Hand
		if err := hand[i].Check(); err != nil {
			t.Fatal(err)
		}
	}
	e := NewEngine(Config{Site: "s", Sensor: "x", Force: Learning}, nil, hand, nil)
	l := &rowList{t: t, rows: map[string]Row{}}
	for _, m := range minutes {
		r := e.Minute(m)
		if len(r.Alerts) > 0 {
			t.Errorf("learning raised %v", r.Alerts)
		}
		l.apply(r.Changes)
	}
	rows := append(l.all(), hand...)
	total := 0
	for _, s := range e.Statuses() {
		total += s.Rows
	}
	if total != len(rows) {
		t.Errorf("status says %d rows, the store holds %d", total, len(rows))
	}
	return rows
}

// detected are the alerts of the minutes against rows, each at its last value, in the order raised.
func detected(t *testing.T, cfg Config, rows []Row, minutes []*observe.Minute) []Alert {
	t.Helper()
	cfg.Site, cfg.Sensor, cfg.Force = "s", "x", Detecting
	e := NewEngine(cfg, nil, rows, nil)
	var ids []string
	last := map[string]Alert{}
	for _, m := range minutes {
		r := e.Minute(m)
		if len(r.Changes) > 0 {
			t.Errorf("detecting changed lists: %v", r.Changes)
		}
		for _, a := range r.Alerts {
			if _, ok := last[a.ID]; !ok {
				ids = append(ids, a.ID)
			}
			last[a.ID] = a
		}
	}
	var out []Alert
	for _, id := range ids {
		out = append(out, last[id])
	}
	return out
}

// lists are the changes to the lists that this file tests; built-in rules and volumes have tests of their own.
func lists(changes []Change) []Change {
	return slices.DeleteFunc(slices.Clone(changes), func(c Change) bool { return c.Row.List == BuiltIn || c.Row.List == IPVolume })
}

// brief is "kind subkind severity key", without site and sensor, of all but built-in rules.
func brief(alerts []Alert) []string {
	var out []string
	for _, a := range alerts {
		if a.Kind == BuiltIn {
			continue
		}
		out = append(out, fmt.Sprintf("%s %s %s %s", a.Kind, a.Subkind, a.Severity, strings.TrimPrefix(a.Key, "s|x|")))
	}
	return out
}

const arp = observe.SeenARP | observe.SeenIP

func TestRules(t *testing.T) {
	type ms = []*observe.Minute
	router := []any{
		addr("192.168.1.1", mac(99), arp), addr("10.9.1.1", mac(99), observe.SeenIP), addr("10.9.2.1", mac(99), observe.SeenIP), addr("10.9.3.1", mac(99), observe.SeenIP),
	}
	dhcp := func(m decode.MAC) observe.Edge {
		e := edge("0.0.0.0", "255.255.255.255", decode.ProtoUDP, 67)
		e.ClientMAC = m
		return e
	}
	from := func(e observe.Edge, m decode.MAC) observe.Edge { e.ClientMAC = m; return e }
	fixed := func(client string, sport uint16, server string, port uint16) observe.Edge {
		e := edge(client, server, decode.ProtoUDP, port)
		e.ClientPort = sport
		return e
	}
	tunnelled := func(e observe.Edge) observe.Edge { e.Tunnel = decode.GRE; return e }
	syn := func(e observe.Edge) observe.Edge { e.PacketsIn, e.Answered, e.Failed = 0, false, 1; return e }
	multicast := func(e observe.Edge) observe.Edge { e.Multicast, e.Answered, e.PacketsIn = true, false, 0; return e }
	refused := func(e observe.Edge) observe.Edge {
		e.PacketsOut, e.PacketsIn, e.BytesIn, e.Failed = 1, 1, 60, 1
		return e
	}
	ports := func(n int, failed bool) (things []any) {
		for i := range n {
			e := tcp("192.168.1.5", "192.168.1.6", uint16(80+i))
			if failed {
				e = refused(e)
			}
			things = append(things, e)
		}
		return things
	}
	comm := func(src, dst, proto, item string, lo, hi uint16) Row {
		return Row{List: IPCommunication, Src: src, Dst: dst, Proto: proto, Item: item, Lo: lo, Hi: hi}
	}
	each := Config{Settings: Settings{InternetEach: true}}
	inside := Config{Settings: Settings{Internal: func(a decode.Addr) bool { return a == ip("8.8.8.8") }}}

	for _, c := range []struct {
		name   string
		cfg    Config
		learn  ms
		hand   []Row
		detect ms
		want   []string
	}{
		// Connected devices.
		{"the same device again is silent", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil, ms{minute(1, addr("192.168.1.5", mac(1), arp))}, nil},
		{"a new MAC with its address is one alert", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil, ms{minute(1, addr("192.168.1.6", mac(2), arp))},
			[]string{"connected-device new-mac medium mac|00:1b:21:00:00:02"}},
		{"a MAC without IP", Config{}, nil, nil, ms{minute(1, observe.Address{IP: mac(7).Addr(), MAC: mac(7), Evidence: observe.SeenEthernet, PacketsSent: 1})},
			[]string{"connected-device new-mac medium mac|00:1b:21:00:00:07"}},
		{"a known MAC with a new address", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil, ms{minute(1, addr("192.168.1.6", mac(1), arp))},
			[]string{"connected-device new-ip medium ip|192.168.1.6"}},
		{"an address taken over by a new MAC", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil, ms{minute(1, addr("192.168.1.5", mac(2), arp))},
			[]string{"connected-device new-binding high binding|00:1b:21:00:00:02|192.168.1.5", "connected-device new-mac medium mac|00:1b:21:00:00:02"}},
		{"an address taken over by a known MAC", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp), addr("192.168.1.6", mac(2), arp))}, nil, ms{minute(1, addr("192.168.1.5", mac(2), arp))},
			[]string{"connected-device new-binding high binding|00:1b:21:00:00:02|192.168.1.5"}},
		{"a virtual router changing over is low", Config{}, ms{minute(0, addr("192.168.1.1", 0x00005e000101, arp), addr("192.168.1.6", mac(2), arp))}, nil, ms{minute(1, addr("192.168.1.1", mac(2), arp))},
			[]string{"connected-device new-binding low binding|00:1b:21:00:00:02|192.168.1.1"}},
		{"0.0.0.0, multicast, loopback and internet sources never count", Config{}, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil,
			ms{minute(1, addr("0.0.0.0", mac(1), observe.SeenIP), addr("224.0.0.5", mac(1), observe.SeenIP), addr("127.0.0.1", mac(1), observe.SeenIP), addr("8.8.8.8", mac(1), observe.SeenIP), addr("::", mac(1), observe.SeenIP))}, nil},
		{"a public address used inside counts", inside, ms{minute(0, addr("192.168.1.5", mac(1), arp))}, nil, ms{minute(1, addr("8.8.8.8", mac(1), arp))},
			[]string{"connected-device new-ip medium ip|8.8.8.8"}},
		{"the MAC of zeros is none", Config{}, nil, nil, ms{minute(1, addr("192.168.1.9", decode.NullMAC, arp))}, []string{"connected-device new-ip medium ip|192.168.1.9"}},
		{"only sent to is not connected", Config{}, nil, nil, ms{minute(1, observe.Address{IP: ip("192.168.1.9"), MAC: mac(9), Evidence: observe.SeenReceiver, PacketsReceived: 1})}, nil},
		{"what a learned router carries has no binding", Config{}, ms{minute(0, router...)}, nil, ms{minute(1, addr("10.9.1.1", mac(99), observe.SeenIP))}, nil},
		{"a new address behind a router", Config{}, ms{minute(0, router...)}, nil, ms{minute(1, addr("10.9.4.1", mac(99), observe.SeenIP))},
			[]string{"connected-device new-ip medium ip|10.9.4.1"}},
		{"a lease that moves inside the leased subnet is silent", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)))}, nil, ms{minute(1, addr("192.168.1.51", mac(1), arp))}, nil},
		{"a lease given on to another client is silent", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), addr("192.168.1.52", mac(2), arp), dhcp(mac(2)))}, nil,
			ms{minute(1, addr("192.168.1.50", mac(2), arp))}, nil},
		{"a static device that begins DHCP inside the leased subnet is low", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), addr("192.168.1.5", mac(2), arp)), minute(1, dhcp(mac(1)))}, nil,
			ms{minute(2, addr("192.168.1.60", mac(2), arp))},
			[]string{"connected-device new-ip medium ip|192.168.1.60"}},
		{"a DHCP client that takes a static device's address is high", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), addr("192.168.1.5", mac(2), arp))}, nil,
			ms{minute(1, addr("192.168.1.5", mac(1), arp))}, []string{"connected-device new-binding high binding|00:1b:21:00:00:01|192.168.1.5"}},
		{"a temporary IPv6 address in a learned subnet is silent", Config{}, ms{minute(0, addr("fd00::1", mac(1), observe.SeenIP|observe.SeenNDP))}, nil, ms{minute(1, addr("fd00::abcd", mac(1), observe.SeenIP))}, nil},
		{"a hand's prefix allows addresses, not the MAC", Config{}, nil, []Row{{List: ConnectedDevice, Src: "192.168.7.0/24", Item: ItemIP}, {List: ConnectedDevice, Src: "*", Item: ItemMAC}, {List: ConnectedDevice, Src: "*", Dst: "192.168.7.0/24", Item: ItemBinding}},
			ms{minute(1, addr("192.168.7.3", mac(3), arp))}, nil},

		// IP communication.
		{"the same service from another client port is silent", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tcp("192.168.1.5", "192.168.1.6", 502))}, nil},
		{"another port of a known pair", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tcp("192.168.1.5", "192.168.1.6", 80))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.6|tcp|dport|80"}},
		{"UDP is not TCP", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, edge("192.168.1.5", "192.168.1.6", decode.ProtoUDP, 502))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.6|udp|dport|502"}},
		{"a new pair", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tcp("192.168.1.5", "192.168.1.7", 502))},
			[]string{"ip-communication pair medium 192.168.1.5|192.168.1.7|tcp|dport|502"}},
		{"the other direction of a learned service is its own", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tcp("192.168.1.6", "192.168.1.5", 502))},
			[]string{"ip-communication pair medium 192.168.1.6|192.168.1.5|tcp|dport|502"}},
		{"read the other way round, but of another protocol, is not", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 5007))}, nil, ms{minute(1, fixed("192.168.1.6", 5007, "192.168.1.5", 61000))},
			[]string{"ip-communication pair medium 192.168.1.6|192.168.1.5|udp|sport:5007|61000"}},
		{"mid-stream UDP read the other way round is known", Config{}, ms{minute(0, edge("192.168.1.5", "192.168.1.6", decode.ProtoUDP, 5007))}, nil, ms{minute(1, fixed("192.168.1.6", 5007, "192.168.1.5", 61000))}, nil},
		{"remote access is high", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tcp("192.168.1.5", "192.168.1.6", 3389))},
			[]string{"ip-communication port high 192.168.1.5|192.168.1.6|tcp|dport|3389"}},
		{"an attempt is low and its own alert", Config{}, nil, nil, ms{minute(1, syn(tcp("192.168.1.5", "192.168.1.6", 502))), minute(2, tcp("192.168.1.5", "192.168.1.6", 502))},
			[]string{"ip-communication attempt low attempt|192.168.1.5|192.168.1.6|tcp|dport|502", "ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|502"}},
		{"internet addresses are one", Config{}, ms{minute(0, tcp("192.168.1.5", "8.8.8.8", 443))}, nil, ms{minute(1, tcp("192.168.1.5", "9.9.9.9", 443))}, nil},
		{"internet addresses one by one", each, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 443))}, nil, ms{minute(1, tcp("192.168.1.5", "9.9.9.9", 443))},
			[]string{"ip-communication pair high 192.168.1.5|9.9.9.9|tcp|dport|443"}},
		{"the internet coming in is high", Config{}, nil, nil, ms{minute(1, tcp("9.9.9.9", "192.168.1.5", 502))}, []string{"ip-communication pair high internet|192.168.1.5|tcp|dport|502"}},
		{"a multicast group is a destination", Config{}, nil, nil, ms{minute(1, multicast(edge("192.168.1.5", "239.255.255.250", decode.ProtoUDP, 1900)))},
			[]string{"ip-communication pair low 192.168.1.5|239.255.255.250|udp|dport|1900"}},
		{"ICMP has no ports", Config{}, ms{minute(0, edge("192.168.1.5", "192.168.1.6", decode.ProtoICMP, 0))}, nil, ms{minute(1, edge("192.168.1.5", "192.168.1.6", decode.ProtoICMP, 0), edge("192.168.1.5", "192.168.1.7", decode.ProtoICMP, 0))},
			[]string{"ip-communication pair medium 192.168.1.5|192.168.1.7|icmp|any|0"}},
		{"ICMP types are not told apart, but errors are no communication", Config{}, ms{minute(0, edge("192.168.1.5", "192.168.1.6", decode.ProtoICMP, 8<<8))}, nil,
			ms{minute(1, edge("192.168.1.5", "192.168.1.6", decode.ProtoICMP, 13<<8), edge("192.168.1.6", "192.168.1.5", decode.ProtoICMP, 3<<8|3), edge("fd00::1", "fd00::2", decode.ProtoICMP6, 1<<8|4), edge("192.168.1.1", "192.168.1.5", decode.ProtoICMP, 5<<8))},
			[]string{"ip-communication pair medium 192.168.1.1|192.168.1.5|icmp|any|0"}},
		{"a refused connection is an attempt", Config{}, nil, nil, ms{minute(1, refused(tcp("192.168.1.5", "192.168.1.6", 502)))},
			[]string{"ip-communication attempt low attempt|192.168.1.5|192.168.1.6|tcp|dport|502"}},
		{"five new services of one pair are five alerts", Config{}, nil, nil, ms{minute(1, ports(floodPair, false)...)},
			[]string{"ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|80", "ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|81", "ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|82",
				"ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|83", "ip-communication pair medium 192.168.1.5|192.168.1.6|tcp|dport|84"}},
		{"six are one", Config{}, nil, nil, ms{minute(1, ports(floodPair+1, false)...)},
			[]string{"ip-communication many-ports medium many-ports|192.168.1.5|192.168.1.6"}},
		{"six that failed are a scan, what follows joins it", Config{}, nil, nil, ms{minute(1, ports(floodPair+1, true)...), minute(2, ports(2*floodPair, true)...)},
			[]string{"ip-communication many-ports high many-ports|192.168.1.5|192.168.1.6"}},
		{"what a tunnel carries is named", Config{}, ms{minute(0, tcp("192.168.1.5", "192.168.1.6", 502))}, nil, ms{minute(1, tunnelled(tcp("192.168.1.5", "192.168.1.6", 502)))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.6|gre/tcp|dport|502"}},
		{"two ports of a fixed source port are no range", Config{}, ms{minute(0, fixed("192.168.1.5", 2222, "192.168.1.6", 50000)), minute(1, fixed("192.168.1.5", 2222, "192.168.1.6", 60000))}, nil,
			ms{minute(2, fixed("192.168.1.5", 2222, "192.168.1.6", 55000))}, []string{"ip-communication port medium 192.168.1.5|192.168.1.6|udp|sport:2222|55000"}},
		{"three are: inside is silent, outside is not", Config{}, ms{minute(0, fixed("192.168.1.5", 2222, "192.168.1.6", 50000), fixed("192.168.1.5", 2222, "192.168.1.6", 49203)), minute(1, fixed("192.168.1.5", 2222, "192.168.1.6", 65477))}, nil,
			ms{minute(2, fixed("192.168.1.5", 2222, "192.168.1.6", 49203), fixed("192.168.1.5", 2222, "192.168.1.6", 60000), fixed("192.168.1.5", 2222, "192.168.1.6", 49202), fixed("192.168.1.5", 2222, "192.168.1.6", 65478), fixed("192.168.1.5", 2223, "192.168.1.6", 50000))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.6|udp|sport:2222|49202", "ip-communication port medium 192.168.1.5|192.168.1.6|udp|sport:2222|65478", "ip-communication port medium 192.168.1.5|192.168.1.6|udp|sport:2223|50000"}},
		{"a destination inside the range that is a known service has no client port", Config{}, ms{minute(0, fixed("192.168.1.5", 2222, "192.168.1.6", 49203), fixed("192.168.1.5", 2222, "192.168.1.6", 50001), fixed("192.168.1.5", 2222, "192.168.1.6", 65477))}, nil,
			ms{minute(2, edge("192.168.1.5", "192.168.1.6", decode.ProtoUDP, 55003), edge("192.168.1.5", "192.168.1.6", decode.ProtoUDP, 49000))}, []string{"ip-communication port medium 192.168.1.5|192.168.1.6|udp|dport|49000"}},
		{"a DHCP client that leaves the leased subnet has learned nothing", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), from(tcp("192.168.1.50", "192.168.1.6", 445), mac(1)))}, nil,
			ms{minute(1, addr("192.168.9.51", mac(1), arp), from(tcp("192.168.9.51", "192.168.1.6", 445), mac(1)))},
			[]string{"connected-device new-ip medium ip|192.168.9.51", "ip-communication pair medium 192.168.9.51|192.168.1.6|tcp|dport|445"}},
		{"a lease renewed at a learned server is silent", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), edge("192.168.1.3", "255.255.255.255", decode.ProtoUDP, 68))}, nil,
			ms{minute(1, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), from(edge("192.168.1.50", "192.168.1.3", decode.ProtoUDP, 67), mac(1)))}, nil},
		{"at another server it is told", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), edge("192.168.1.3", "255.255.255.255", decode.ProtoUDP, 68))}, nil,
			ms{minute(1, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), from(edge("192.168.1.50", "192.168.1.4", decode.ProtoUDP, 67), mac(1)))},
			[]string{"ip-communication pair medium 192.168.1.50|192.168.1.4|udp|dport|67"}},
		{"and of one that never asked by DHCP", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), edge("192.168.1.3", "255.255.255.255", decode.ProtoUDP, 68))}, nil,
			ms{minute(1, addr("192.168.1.50", mac(1), arp), from(edge("192.168.1.50", "192.168.1.3", decode.ProtoUDP, 67), mac(1)))},
			[]string{"ip-communication pair medium 192.168.1.50|192.168.1.3|udp|dport|67"}},
		{"a hand's range", Config{}, nil, []Row{comm("192.168.1.5", "192.168.1.6", "tcp", ItemPort, 500, 510)}, ms{minute(1, tcp("192.168.1.5", "192.168.1.6", 510), tcp("192.168.1.5", "192.168.1.6", 511))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.6|tcp|dport|511"}},
		{"a hand's wildcards", Config{}, nil, []Row{comm("192.168.1.0/24", "*", "*", "*", 0, 0)}, ms{minute(1, tcp("192.168.1.5", "10.0.0.1", 510), tcp("192.168.2.5", "192.168.1.5", 510))},
			[]string{"ip-communication pair medium 192.168.2.5|192.168.1.5|tcp|dport|510"}},
		{"a hand that names no port means all, also fixed ones", Config{}, nil, []Row{comm("192.168.1.5", "192.168.1.6", "udp", ItemAny, 0, 0), comm("192.168.1.5", "192.168.1.7", "udp", "sport:2222", 0, 0)},
			ms{minute(1, fixed("192.168.1.5", 2222, "192.168.1.6", 50000), edge("192.168.1.5", "192.168.1.6", decode.ProtoUDP, 53), fixed("192.168.1.5", 2222, "192.168.1.7", 50000), fixed("192.168.1.5", 2223, "192.168.1.7", 50000))},
			[]string{"ip-communication port medium 192.168.1.5|192.168.1.7|udp|sport:2223|50000"}},
		{"a DHCP client keeps what it learned", Config{}, ms{minute(0, addr("192.168.1.50", mac(1), arp), dhcp(mac(1)), from(tcp("192.168.1.50", "192.168.1.6", 445), mac(1)))}, nil,
			ms{minute(1, addr("192.168.1.51", mac(1), arp), from(tcp("192.168.1.51", "192.168.1.6", 445), mac(1)))}, nil},

		// OT behaviour.
		{"a learned function and its answer are silent", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))}, nil,
			ms{minute(1, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request), op("192.168.1.6", "192.168.1.5", "03", ot.Read, ot.Response), op("192.168.1.6", "192.168.1.5", "", ot.Other, ot.Error))}, nil},
		{"an answer without a code to a learned pair is silent", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))}, nil,
			ms{minute(1, op("192.168.1.6", "192.168.1.5", "", ot.Other, ot.Error))}, nil},
		{"a new write of a known pair", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))}, nil,
			ms{minute(1, op("192.168.1.5", "192.168.1.6", "10", ot.Write, ot.Request), op("192.168.1.6", "192.168.1.5", "10", ot.Write, ot.Response))},
			[]string{"ot-ip function medium 192.168.1.5|192.168.1.6|modbus-tcp|10"}},
		{"the answer a minute later is no second alert", Config{}, nil, nil,
			ms{minute(1, op("192.168.1.5", "192.168.1.6", "10", ot.Write, ot.Request)), minute(2, op("192.168.1.6", "192.168.1.5", "10", ot.Write, ot.Response))},
			[]string{"ot-ip source high 192.168.1.5|192.168.1.6|modbus-tcp|10"}},
		{"a write to a new destination is high", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "10", ot.Write, ot.Request))}, nil, ms{minute(1, op("192.168.1.5", "192.168.1.7", "10", ot.Write, ot.Request))},
			[]string{"ot-ip pair high 192.168.1.5|192.168.1.7|modbus-tcp|10"}},
		{"control by a new source is critical", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))}, nil, ms{minute(1, op("192.168.1.66", "192.168.1.6", "08", ot.Control, ot.Request))},
			[]string{"ot-ip source critical 192.168.1.66|192.168.1.6|modbus-tcp|08"}},
		{"an answer that nobody asked for", Config{}, ms{minute(0, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))}, nil, ms{minute(1, op("192.168.1.6", "192.168.1.5", "04", ot.Read, ot.Response))},
			[]string{"ot-ip response low 192.168.1.6|192.168.1.5|modbus-tcp|resp:04"}},
		{"answers learned without requests are silent", Config{}, ms{minute(0, op("192.168.1.6", "192.168.1.5", "04", ot.Read, ot.Response))}, nil, ms{minute(1, op("192.168.1.6", "192.168.1.5", "04", ot.Read, ot.Response))}, nil},
		{"answers to a question to all are no alerts of their own", Config{}, nil, nil,
			ms{minute(1, multicast(edge("192.168.1.66", "192.168.1.255", decode.ProtoUDP, 61450)), op("192.168.1.66", "192.168.1.255", "0e70", ot.Cyclic, ot.Request), op("192.168.1.6", "192.168.1.66", "0e70", ot.Cyclic, ot.Response))},
			[]string{"ip-communication pair low 192.168.1.66|192.168.1.255|udp|dport|61450", "ot-ip source high 192.168.1.66|192.168.1.255|modbus-tcp|0e70"}},
		{"an answer from another than the one asked is told", Config{}, nil, []Row{{List: OTIP, Src: "192.168.1.5", Dst: "192.168.1.6", Proto: "modbus-tcp", Item: "03"}},
			ms{minute(1, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request), op("192.168.1.66", "192.168.1.5", "03", ot.Read, ot.Response))},
			[]string{"ot-ip response low 192.168.1.66|192.168.1.5|modbus-tcp|resp:03"}},
		{"MACs are the Ethernet detector's", Config{}, ms{minute(0, op("00:1b:21:00:00:01", "00:1b:21:00:00:02", "cyclic", ot.Cyclic, ot.None))}, nil,
			ms{minute(1, op("00:1b:21:00:00:01", "00:1b:21:00:00:02", "cyclic", ot.Cyclic, ot.None), op("00:1b:21:00:00:03", "00:1b:21:00:00:02", "cyclic", ot.Cyclic, ot.None))},
			[]string{"ot-ethernet source high 00:1b:21:00:00:03|00:1b:21:00:00:02|modbus-tcp|cyclic"}},
		{"a hand's allow list with wildcards", Config{}, nil, []Row{{List: OTIP, Src: "*", Dst: "192.168.1.0/24", Proto: "modbus-tcp", Item: "03"}, {List: OTIP, Src: "192.168.1.9", Dst: "*", Proto: "*", Item: "*"}},
			ms{minute(1, op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request), op("192.168.1.9", "10.0.0.1", "08", ot.Control, ot.Request), op("192.168.1.5", "192.168.1.6", "04", ot.Read, ot.Request))},
			[]string{"ot-ip source medium 192.168.1.5|192.168.1.6|modbus-tcp|04"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Connected devices are learned in every case but their own, or each new
			// address would be told beside what the case is about.
			got := brief(detected(t, c.cfg, learned(t, c.learn, c.hand...), c.detect))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}

// TestAlertsNameWhatWasLearned: the reason's arguments, and the ends as addresses.
func TestAlertsNameWhatWasLearned(t *testing.T) {
	rows := learned(t, []*observe.Minute{minute(0,
		addr("10.0.0.1", mac(1), arp), addr("10.0.0.6", mac(6), arp),
		tcp("10.0.0.1", "10.0.0.6", 502), tcp("10.0.0.7", "10.0.0.6", 502),
		op("10.0.0.1", "10.0.0.6", "03", ot.Read, ot.Request), op("10.0.0.7", "10.0.0.6", "03", ot.Read, ot.Request))})
	flood := func(other func(i int) observe.Edge) []any {
		var things []any
		for i := range floodMinute + 1 {
			things = append(things, other(i))
		}
		return things
	}
	for _, c := range []struct {
		name         string
		things       []any
		subkind      string
		learned      string
		src, mac     string
		dst          string
		what, answer string // another argument
	}{
		{"new source: who operates the destination", []any{addr("10.0.0.9", mac(9), arp), op("10.0.0.9", "10.0.0.6", "10", ot.Write, ot.Request)},
			SubSource, "10.0.0.1, 10.0.0.7", "10.0.0.9", mac(9).String(), "10.0.0.6", "function", "f10"},
		{"new destination: those of the source", []any{op("10.0.0.1", "10.0.0.8", "10", ot.Write, ot.Request)},
			SubPair, "10.0.0.6", "10.0.0.1", "", "10.0.0.8", "class", "write"},
		{"the internet: the address that was seen", []any{tcp("10.0.0.1", "9.9.9.9", 443)},
			SubPair, "10.0.0.6", "10.0.0.1", "", "9.9.9.9", "dst", Internet},
		{"many of one source: its destinations", flood(func(i int) observe.Edge { return tcp("10.0.0.1", fmt.Sprintf("10.0.1.%d", i), 80) }),
			SubMany, "10.0.0.6", "10.0.0.1", "", "", "src", "10.0.0.1"},
		{"many to one destination: its sources", flood(func(i int) observe.Edge { return tcp(fmt.Sprintf("10.0.1.%d", i), "10.0.0.6", 80) }),
			SubManySources, "10.0.0.1, 10.0.0.7", "", "", "10.0.0.6", "dst", "10.0.0.6"},
		{"many of the internet", flood(func(i int) observe.Edge { return tcp(fmt.Sprintf("9.9.9.%d", i), "10.0.0.1", uint16(80+i)) }),
			SubMany, "–", "", "", "10.0.0.1", "src", Internet},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := NewEngine(Config{Site: "s", Force: Detecting}, nil, rows, nil)
			for _, a := range e.Minute(minute(1, c.things...)).Alerts {
				if a.Subkind != c.subkind {
					continue
				}
				args := map[string]string{}
				for _, x := range a.Args {
					args[x.Name] = x.Value
				}
				if args["learned"] != c.learned || a.SrcIP != c.src || a.SrcMAC != c.mac || a.DstIP != c.dst || args[c.what] != c.answer {
					t.Errorf("%+v", a)
				}
				return
			}
			t.Errorf("no alert %s", c.subkind)
		})
	}
}

func TestHandRowsAreNeverChanged(t *testing.T) {
	hand := []Row{
		{List: IPCommunication, Src: "192.168.1.5", Dst: "192.168.1.6", Proto: "tcp", Item: ItemPort, Lo: 2000, Hi: 3000, Site: "s", Origin: Hand},
		{List: OTIP, Src: "192.168.1.5", Dst: "192.168.1.6", Proto: "modbus-tcp", Item: "03", Site: "s", Origin: Hand},
		{List: ConnectedDevice, Src: mac(1).String(), Item: ItemMAC, Site: "s", Origin: Hand},
	}
	e := NewEngine(Config{Site: "s", Force: Learning}, nil, hand, nil)
	things := []any{op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request), observe.Address{IP: mac(1).Addr(), MAC: mac(1), Evidence: observe.SeenEthernet}}
	for port := uint16(2000); port < 3000; port += 7 {
		things = append(things, tcp("192.168.1.5", "192.168.1.6", port))
	}
	if c := lists(e.Minute(minute(0, things...)).Changes); len(c) > 0 {
		t.Errorf("what a hand allows was learned: %+v", c)
	}
	// Ports around the hand's range become a learned range beside it.
	things = nil
	for port := uint16(1990); port < 2000; port++ {
		things = append(things, tcp("192.168.1.5", "192.168.1.6", port))
	}
	c := lists(e.Minute(minute(1, things...)).Changes)
	if len(c) != 1 || c[0].Row.Lo != 1990 || c[0].Row.Hi != 1999 || c[0].Remove {
		t.Errorf("got %+v, want one range 1990-1999", c)
	}
}

func TestRangeReplacesItsPorts(t *testing.T) {
	e := NewEngine(Config{Site: "s"}, onlyOf(Learning, IPCommunication), nil, nil)
	l := &rowList{t: t, rows: map[string]Row{}}
	for i := range RangeDynamic {
		l.apply(lists(e.Minute(minute(i, tcp("10.0.0.1", "10.0.0.2", uint16(50000+10*i)), tcp("10.0.0.1", "10.0.0.2", 135))).Changes))
	}
	if len(l.rows) != RangeDynamic+1 {
		t.Fatalf("%d rows before the range, want %d: %+v", len(l.rows), RangeDynamic+1, l.all())
	}
	l.apply(lists(e.Minute(minute(9, tcp("10.0.0.1", "10.0.0.2", 50001))).Changes))
	rows := l.all()
	if len(rows) != 2 || rows[0].Lo != 135 || rows[1].Lo != 50000 || rows[1].Hi != 50070 {
		t.Errorf("got %+v, want port 135 and the range 50000-50070", rows)
	}
	fixed := func(port uint16) observe.Edge {
		e := edge("10.0.0.1", "10.0.0.3", decode.ProtoUDP, port)
		e.ClientPort = 2222
		return e
	}
	for i, port := range []uint16{50000, 60000, 55000, 40000, 50001, 30000} {
		l.apply(e.Minute(minute(10+i, fixed(port))).Changes)
	}
	rows = l.all()[2:]
	if len(rows) != 1 || rows[0].Lo != 30000 || rows[0].Hi != 60000 {
		t.Errorf("got %+v, want the range 30000-60000", rows)
	}
}

func TestAlertGrowsAndEnds(t *testing.T) {
	e := NewEngine(Config{Site: "s", Force: Detecting, Captures: []int64{42}}, nil, nil, nil)
	var a Alert
	for i := range 20 {
		r := e.Minute(minute(i, tcp("10.0.0.1", "10.0.0.2", 80)))
		if len(r.Alerts) != 1 {
			t.Fatalf("minute %d: %d alerts", i, len(r.Alerts))
		}
		if i > 0 && r.Alerts[0].ID != a.ID {
			t.Fatalf("minute %d made a new alert", i)
		}
		a = r.Alerts[0]
	}
	if a.Count != 20*11 || a.First != at(0) || a.Last != at(19)+1 {
		t.Errorf("count %d first %d last %d", a.Count, a.First, a.Last)
	}
	if len(a.Refs) != 10 || a.Refs[7].Time != at(7) || a.Refs[8].Time != at(18) || a.Refs[9].Time != at(19) || a.Refs[0].Capture != 42 {
		t.Errorf("refs %+v: want the first 8 and the last 2, of capture 42", a.Refs)
	}
	if want := alertID(a.Kind, a.Key, a.First); a.ID != want || len(a.ID) != 12 {
		t.Errorf("id %s, want %s", a.ID, want)
	}
	// A late part may come before the first.
	late := minute(-1, tcp("10.0.0.1", "10.0.0.2", 80))
	late.Late = true
	if r := e.Minute(late); r.Alerts[0].ID != a.ID || r.Alerts[0].First != at(-1) {
		t.Errorf("late part: %+v", r.Alerts[0])
	}
	// Within a day it grows, after a quiet day it is new; also in a restarted engine.
	day := int(Life / observe.MinuteLength)
	e2 := NewEngine(Config{Site: "s", Force: Detecting}, nil, nil, []Alert{a})
	if r := e2.Minute(minute(19+day, tcp("10.0.0.1", "10.0.0.2", 80))); r.Alerts[0].ID != a.ID || r.Alerts[0].Count != a.Count+11 {
		t.Errorf("a day later: %+v", r.Alerts[0])
	}
	if r := e2.Minute(minute(19+2*day+1, tcp("10.0.0.1", "10.0.0.2", 80))); r.Alerts[0].ID == a.ID || r.Alerts[0].Count != 11 {
		t.Errorf("after a quiet day: %+v", r.Alerts[0])
	}
}

func TestFloodsBecomeOneAlert(t *testing.T) {
	scan := func(n, first int) []any {
		var things []any
		for i := range n {
			things = append(things, tcp("10.0.0.66", fmt.Sprintf("10.0.%d.%d", (first+i)/250, 1+(first+i)%250), 502))
		}
		return things
	}
	run := func(minutes ...*observe.Minute) []Alert { return detected(t, Config{}, nil, minutes) }

	if got := run(minute(0, scan(floodMinute, 0)...)); len(got) != floodMinute {
		t.Errorf("%d destinations: %d alerts, want each its own", floodMinute, len(got))
	}
	got := run(minute(0, scan(floodMinute+1, 0)...))
	if len(got) != 1 || got[0].Subkind != SubMany || got[0].Severity != High || got[0].SrcIP != "10.0.0.66" || got[0].DstIP != "" || number(got[0].Args, argNumber) != 21 || got[0].Count != 21*11 {
		t.Errorf("%d destinations: %+v", floodMinute+1, got)
	}
	// The tail of a scan joins it; the number is the highest.
	if got = run(minute(0, scan(200, 0)...), minute(1, scan(5, 200)...)); len(got) != 1 || number(got[0].Args, argNumber) != 200 || got[0].Count != 205*11 {
		t.Errorf("tail: %v", brief(got))
	}
	// A slow scan: 20 alerts, then one.
	var slow []*observe.Minute
	for i := range 30 {
		slow = append(slow, minute(i, scan(1, i)...))
	}
	if got = run(slow...); len(got) != floodMinute+1 {
		t.Errorf("slow scan: %d alerts, want %d and one for many", len(got), floodMinute)
	}
	// Which names only what all of it shares, and examples of it.
	for _, a := range got {
		if a.Subkind != SubMany {
			continue
		}
		if examples := strings.Count(argOf(&a, argSample), "tcp/502"); a.SrcIP != "10.0.0.66" || a.DstIP != "" || argOf(&a, "dst") != "–" || examples != sampleSize {
			t.Errorf("slow scan: %s → %q, %v", a.SrcIP, a.DstIP, a.Args)
		}
	}
	// The restarted engine counts alike.
	e := NewEngine(Config{Site: "s", Sensor: "x", Force: Detecting}, nil, nil, got[:floodMinute])
	if r := e.Minute(minute(31, scan(3, 200)...)); len(r.Alerts) != 1 || r.Alerts[0].Subkind != SubMany {
		t.Errorf("restarted: %v", brief(r.Alerts))
	}
	// Forged sources to one destination.
	var forged []any
	for i := range 300 {
		forged = append(forged, tcp(fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250), "10.0.0.2", 80))
	}
	if got = run(minute(0, forged...)); len(got) != 1 || got[0].Subkind != SubManySources || got[0].DstIP != "10.0.0.2" || got[0].SrcIP != "" {
		t.Errorf("forged sources: %v", brief(got))
	}
	// Forged MACs.
	forged = nil
	for i := range 5000 {
		forged = append(forged, observe.Address{IP: mac(i).Addr(), MAC: mac(i), Evidence: observe.SeenEthernet, PacketsSent: 1})
	}
	if got = run(minute(0, forged...)); len(got) != 1 || got[0].Subkind != SubManyMAC || number(got[0].Args, argNumber) != 5000 {
		t.Errorf("forged MACs: %v", brief(got))
	}
}

func TestOpenAlertsAreBounded(t *testing.T) {
	e := NewEngine(Config{Site: "s", Force: Detecting}, nil, nil, nil)
	var dropped uint64
	for m := range 105 {
		var things []any
		for i := range 1000 {
			things = append(things, op(fmt.Sprintf("10.%d.%d.%d", m, i/250, i%250), "10.255.0.1", "03", ot.Read, ot.Request))
		}
		r := e.Minute(minute(m, things...))
		dropped += r.Dropped
		if len(e.open) > maxOpen {
			t.Fatalf("%d open alerts", len(e.open))
		}
	}
	if dropped == 0 {
		t.Error("nothing was let go")
	}
}

// TestLatePartIsNoMinute: what a late part teaches again is not counted twice.
func TestLatePartIsNoMinute(t *testing.T) {
	e := NewEngine(Config{Site: "s", Force: Learning}, nil, nil, nil)
	e.Minute(minute(0, tcp("10.0.0.1", "10.0.0.2", 80)))
	late := minute(0, tcp("10.0.0.1", "10.0.0.2", 80), tcp("10.0.0.1", "10.0.0.2", 81))
	late.Late = true
	r := e.Minute(late)
	if len(r.Changes) != 2 || r.Changes[0].Row.Count != 1 || r.Changes[1].Row.Count != 1 {
		t.Errorf("got %+v, want both ports with a count of 1", r.Changes)
	}
}

func TestModes(t *testing.T) {
	edgeMinute := func(n int) *observe.Minute { return minute(n, tcp("10.0.0.1", "10.0.0.2", uint16(80+n))) }
	e := NewEngine(Config{Site: "s"}, []Status{{Kind: IPCommunication, Mode: Learning, Until: at(2)}, {Kind: Signature, Mode: Detecting}}, nil, nil)
	if r := e.Minute(edgeMinute(0)); len(r.Changes) != 1 || len(r.Statuses) != 1 || r.Statuses[0].Since != at(0) || r.Statuses[0].Rows != 1 {
		t.Errorf("learning: %+v", r)
	}
	if r := e.Minute(edgeMinute(1)); len(r.Changes) != 1 || len(r.Alerts) != 0 {
		t.Errorf("learning: %+v", r)
	}
	r := e.Minute(edgeMinute(2))
	if len(r.Changes) != 0 || len(r.Alerts) != 1 || len(r.Statuses) != 1 || r.Statuses[0] != (Status{IPCommunication, Detecting, at(2), 0, 2}) {
		t.Errorf("learning ends at Until: %+v", r)
	}
	all := e.Statuses()
	if len(all) != 9 {
		t.Fatalf("%d statuses, want all nine", len(all))
	}
	for i, s := range all {
		if s.Kind != Kinds[i] || !Built(s.Kind) && s.Mode != Off {
			t.Errorf("status %+v: a kind that is not built must be off", s)
		}
	}
	// Another process edits the list and switches off.
	e.Reload(IPCommunication, []Row{{List: IPCommunication, Site: "s", Src: "*", Dst: "*", Proto: "*", Item: "*", Origin: Hand}, {List: IPCommunication, Site: "other", Src: "10.0.0.1", Dst: "10.0.0.2", Proto: "tcp", Item: ItemPort}})
	if r := e.Minute(edgeMinute(3)); len(r.Alerts) != 0 || e.Statuses()[2].Rows != 1 {
		t.Errorf("after the edit: %+v, %d rows", r.Alerts, e.Statuses()[2].Rows)
	}
	e.SetStatuses([]Status{{Kind: IPCommunication, Mode: Off}})
	e.Reload(IPCommunication, nil)
	if r := e.Minute(edgeMinute(4)); len(r.Alerts) != 0 || len(r.Changes) != 0 {
		t.Errorf("off: %+v", r)
	}
}

// TestAcceptedAlertIsSilent holds for every subkind that accepting has rows for.
func TestAcceptedAlertIsSilent(t *testing.T) {
	base := minute(0, addr("192.168.1.5", mac(1), arp), addr("192.168.1.8", mac(8), arp), tcp("192.168.1.5", "192.168.1.6", 502), op("192.168.1.5", "192.168.1.6", "03", ot.Read, ot.Request))
	failed := tcp("192.168.1.5", "192.168.1.7", 80)
	failed.Failed, failed.Answered = 1, false
	attack := minute(1, addr("192.168.1.6", mac(2), arp), addr("192.168.1.66", mac(1), arp), addr("192.168.1.8", mac(1), arp),
		tcp("192.168.1.5", "192.168.1.6", 80), tcp("192.168.1.5", "8.8.8.8", 443), failed,
		op("192.168.1.5", "192.168.1.6", "10", ot.Write, ot.Request), op("192.168.1.7", "192.168.1.6", "04", ot.Read, ot.Response),
		op("00:1b:21:00:00:03", "00:1b:21:00:00:02", "c", ot.Cyclic, ot.None))
	rows := learned(t, []*observe.Minute{base})
	alerts := detected(t, Config{}, rows, []*observe.Minute{attack})
	if len(brief(alerts)) != 9 || len(alerts) != 12 {
		t.Fatalf("%d alerts: %v", len(alerts), brief(alerts))
	}
	for _, a := range alerts {
		accept := a.AcceptRows()
		if len(accept) == 0 {
			t.Errorf("%s %s: no rows", a.Kind, a.Subkind)
		}
		for _, r := range accept {
			if err := r.Check(); err != nil {
				t.Errorf("%s %s: %v", a.Kind, a.Subkind, err)
			}
		}
		rows = append(rows, accept...)
	}
	if left := detected(t, Config{}, rows, []*observe.Minute{attack}); len(left) > 0 {
		t.Errorf("still alerted: %v", left)
	}
	many := Alert{Kind: IPCommunication, Subkind: SubMany, Key: "||many|10.0.0.1"}
	if many.AcceptRows() != nil {
		t.Error("an alert for many has no rows to accept")
	}
}

func TestCheckNamesTheFault(t *testing.T) {
	for name, c := range map[string]struct {
		row  Row
		want string // "" for a good row
	}{
		"good port":        {Row{List: IPCommunication, Src: "10.0.0.1", Dst: "internet", Proto: "tcp", Item: "dport", Lo: 1, Hi: 2}, ""},
		"good fixed":       {Row{List: IPCommunication, Src: "*", Dst: "fd00::/64", Proto: "gre/udp", Item: "sport:2222", Lo: 1, Hi: 2}, ""},
		"good number":      {Row{List: IPCommunication, Src: "*", Dst: "10.0.0.1", Proto: "47", Item: "any"}, ""},
		"good OT":          {Row{List: OTEthernet, Src: "*", Dst: "00:00:00:00:00:01", Proto: "profinet", Item: "dcp:05"}, ""},
		"bad address":      {Row{List: IPCommunication, Src: "10.0.0.256", Dst: "*", Proto: "tcp", Item: "dport"}, "10.0.0.256"},
		"bad protocol":     {Row{List: IPCommunication, Src: "*", Dst: "*", Proto: "tpc", Item: "dport"}, "tpc"},
		"bad tunnel":       {Row{List: IPCommunication, Src: "*", Dst: "*", Proto: "gro/tcp", Item: "dport"}, "gro"},
		"bad item":         {Row{List: IPCommunication, Src: "*", Dst: "*", Proto: "tcp", Item: "port"}, "port"},
		"bad fixed port":   {Row{List: IPCommunication, Src: "*", Dst: "*", Proto: "tcp", Item: "sport:70000"}, "70000"},
		"ports reversed":   {Row{List: IPCommunication, Src: "*", Dst: "*", Proto: "tcp", Item: "dport", Lo: 9, Hi: 8}, "below"},
		"MAC in IP list":   {Row{List: IPCommunication, Src: "00:00:00:00:00:01", Dst: "*", Proto: "tcp", Item: "dport"}, "MAC"},
		"IP in MAC list":   {Row{List: OTEthernet, Src: "10.0.0.1", Dst: "*", Proto: "x", Item: "1"}, "MACs"},
		"OT without code":  {Row{List: OTIP, Src: "10.0.0.1", Dst: "*", Proto: "x"}, "code"},
		"binding reversed": {Row{List: ConnectedDevice, Src: "10.0.0.1", Dst: "00:00:00:00:00:01", Item: "binding"}, "binding"},
		"unknown item":     {Row{List: ConnectedDevice, Src: "10.0.0.1", Item: "x"}, "item"},
		"no such list":     {Row{List: "x"}, "no rows"},
	} {
		c.row.Origin = Hand
		err := c.row.Check()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// plant makes n minutes of a plant with PLCs, HMIs, DHCP clients, a router, the internet and OT traffic.
func plant(r *rand.Rand, n int) []*observe.Minute {
	host := func(i int) string { return fmt.Sprintf("192.168.%d.%d", 1+i/100, 1+i%100) }
	var minutes []*observe.Minute
	for m := range n {
		var things []any
		for i := range 60 {
			if r.IntN(3) == 0 {
				continue
			}
			things = append(things, addr(host(i), mac(i), []observe.Evidence{observe.SeenIP, arp}[r.IntN(2)]))
		}
		for i := range 8 {
			if r.IntN(2) == 0 {
				things = append(things, addr(fmt.Sprintf("10.%d.0.7", i), mac(200), observe.SeenIP))
			}
		}
		things = append(things, addr("192.168.1.254", mac(200), arp), addr("8.8.4.4", mac(200), observe.SeenIP))
		seen := map[string]bool{}
		once := func(k string, x any) {
			if !seen[k] {
				seen[k] = true
				things = append(things, x)
			}
		}
		for range 80 {
			c, s := host(r.IntN(10)), host(10+r.IntN(50))
			port := []uint16{502, 80, 5007, 445}[r.IntN(4)]
			once(fmt.Sprint(c, s, port), tcp(c, s, port))
			code := []string{"03", "04", "10"}[r.IntN(3)]
			once(fmt.Sprint("op", c, s, code), op(c, s, code, ot.Read, ot.Request))
			if r.IntN(2) == 0 {
				once(fmt.Sprint("re", c, s, code), op(s, c, code, ot.Read, ot.Response))
			}
		}
		minutes = append(minutes, minute(m, things...))
	}
	return minutes
}

// TestLearnedMinutesAreSilentInAnyOrder is the property behind all list-based
// detectors; and one thing changed gives exactly that alert.
func TestLearnedMinutesAreSilentInAnyOrder(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		minutes := plant(r, 12)
		shuffled := slices.Clone(minutes)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		rows := learned(t, shuffled)
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := detected(t, Config{}, rows, shuffled); len(got) > 0 {
			t.Fatalf("seed %d: %v", seed, brief(got))
		}
		at := r.IntN(len(minutes))
		m := *minutes[at]
		m.Edges = slices.Clone(m.Edges)
		e := &m.Edges[r.IntN(len(m.Edges))]
		e.ServerPort = 44818
		want := []string{fmt.Sprintf("ip-communication port medium %s|%s|tcp|dport|44818", e.Client, e.Server)}
		if got := brief(detected(t, Config{}, rows, []*observe.Minute{&m})); !slices.Equal(got, want) {
			t.Fatalf("seed %d: one edge changed: got %v, want %v", seed, got, want)
		}
	}
}

// TestSameMinutesSameResult: two engines, also one started anew in the middle from
// what a store holds, give the same alerts.
func TestSameMinutesSameResult(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	rows := learned(t, plant(r, 4)[:1])
	minutes := plant(r, 12)
	want := detected(t, Config{}, rows, minutes)
	if len(want) < 20 {
		t.Fatalf("only %d alerts", len(want))
	}
	cfg := Config{Site: "s", Sensor: "x", Force: Detecting}
	stored := map[string]Alert{}
	e := NewEngine(cfg, nil, rows, nil)
	for i, m := range minutes {
		if i == 6 {
			var open []Alert
			for _, a := range stored {
				open = append(open, a)
			}
			slices.Reverse(rows)
			e = NewEngine(cfg, nil, rows, open)
		}
		for _, a := range e.Minute(m).Alerts {
			stored[a.ID] = a
		}
	}
	if len(stored) != len(want) {
		t.Fatalf("%d alerts, want %d", len(stored), len(want))
	}
	for _, a := range want {
		if !reflect.DeepEqual(stored[a.ID], a) {
			t.Errorf("got\n %+v\nwant\n %+v", stored[a.ID], a)
		}
	}
}

func BenchmarkMinute(b *testing.B) {
	var things []any
	for i := range 1000 {
		things = append(things, addr(fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250), mac(i), arp))
	}
	for i := range 2000 {
		things = append(things, tcp(fmt.Sprintf("10.0.%d.%d", i%1000/250, 1+i%250), fmt.Sprintf("10.0.0.%d", 1+i/10), 502))
		things = append(things, op(fmt.Sprintf("10.0.%d.%d", i%1000/250, 1+i%250), fmt.Sprintf("10.0.0.%d", 1+i/10), "03", ot.Read, ot.Request))
	}
	m := minute(0, things...)
	b.Run("learn", func(b *testing.B) {
		e := NewEngine(Config{Site: "s", Force: Learning}, nil, nil, nil)
		for b.Loop() {
			m.Start += observe.MinuteLength
			e.Minute(m)
		}
	})
	b.Run("detect-known", func(b *testing.B) {
		e := NewEngine(Config{Site: "s", Force: Learning}, nil, nil, nil)
		e.Minute(m)
		e.cfg.Force = Detecting
		b.ResetTimer()
		for b.Loop() {
			if r := e.Minute(m); len(r.Alerts) > 0 {
				b.Fatal(r.Alerts[0])
			}
		}
	})
	b.Run("detect-unknown", func(b *testing.B) {
		for b.Loop() {
			NewEngine(Config{Site: "s", Force: Detecting}, nil, nil, nil).Minute(m)
		}
	})
}

// TestAcceptedSweepIsNotToldSlowly: what is accepted of a rule that finds within a minute is not told by the one that finds the
// same over an hour.
func TestAcceptedSweepIsNotToldSlowly(t *testing.T) {
	for sub, want := range map[string][]string{"host-sweep": {"host-sweep", "host-sweep-slow"}, "port-scan": {"port-scan", "port-scan-slow"}, "host-sweep-slow": {"host-sweep-slow"}, "syn-flood": {"syn-flood"}} {
		a := Alert{Kind: BuiltIn, Subkind: sub, Site: "plant", Sensor: "s", Key: "plant|s|" + sub + "|10.0.0.1||tcp 102"}
		var items []string
		for _, r := range a.AcceptRows() {
			items = append(items, r.Item)
		}
		if !slices.Equal(items, want) {
			t.Errorf("%s: rows of %q, want %q", sub, items, want)
		}
	}
}

// TestAnAlertOfAVolumeTellsItsLargestWindow: the alert is raised in the minute in which the threshold is passed; what it says,
// and the limit that accepting it makes, are of the whole window.
func TestAnAlertOfAVolumeTellsItsLargestWindow(t *testing.T) {
	seen := func(n string) *finding { return &finding{count: 1, args: []Arg{{"seen", n + " B"}, {argBytes, n}}} }
	a := Alert{Kind: IPVolume, Subkind: SubVolume, Site: "plant", Sensor: "s", Key: "plant|s|10.0.0.1|10.0.0.2", Args: seen("1000").args}
	grow(&a, seen("5000"))
	grow(&a, seen("2000"))
	if rows := a.AcceptRows(); a.Args[0].Value != "5000 B" || len(rows) != 1 || rows[0].Value != "7500" {
		t.Errorf("%v %v", a.Args, a.AcceptRows())
	}
}
