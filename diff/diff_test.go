package diff

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/inventory"
	"osect/observe"
	"osect/store"
)

func addr(s string) decode.Addr {
	a, err := decode.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

func macOf(s string) decode.MAC {
	if s == "" {
		return 0
	}
	m, err := decode.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

const (
	plcMAC, hmiMAC, pcMAC = "02:00:00:00:00:39", "02:00:00:00:00:10", "02:00:00:00:00:66"
	day                   = int64(24 * 3600e9)
)

// plant builds a side by hand: times count from start.
type plant struct {
	Side
	start int64
}

// seen: a MAC claimed and used an address; "" for a MAC behind a router.
func (p *plant) seen(ip, mac string) *plant {
	e := observe.SeenIP
	if mac != "" {
		e |= observe.SeenARP
	}
	p.Input.Addresses = append(p.Input.Addresses, inventory.AddressTotal{Site: "s", Sensors: []string{"one"},
		Address: observe.Address{IP: addr(ip), MAC: macOf(mac), VLAN: decode.NoVLAN, Evidence: e, PacketsSent: 5, TTL: 64, First: p.start + 1, Last: p.start + 9}})
	return p
}

func (p *plant) fact(ip, mac, kind, source, value string) *plant {
	p.Input.Facts = append(p.Input.Facts, inventory.Fact{Site: "s",
		Fact: observe.Fact{IP: addr(ip), MAC: macOf(mac), Kind: kind, Source: source, Value: value, First: p.start + 2, Last: p.start + 8}})
	return p
}

func (p *plant) edge(client, server string, port uint16, service string, answered bool) *plant {
	p.Edges = append(p.Edges, store.EdgeTotal{Site: "s", Sensor: "one", EdgeKey: observe.EdgeKey{Client: addr(client), Server: addr(server), ServerPort: port,
		Proto: decode.ProtoTCP, VLAN: decode.NoVLAN}, Service: service, Answered: answered, First: p.start + 3, Last: p.start + 7})
	return p
}

func (p *plant) op(src, dst, code, function, status string, d ot.Direction) *plant {
	p.Operations = append(p.Operations, store.OperationTotal{Site: "s", Sensor: "one", Operation: observe.Operation{Src: addr(src), Dst: addr(dst),
		Protocol: "modbus-tcp", Code: code, Function: function, Status: status, Direction: d, First: p.start + 4, Last: p.start + 6}})
	return p
}

func (p *plant) side() *Side {
	p.Devices = inventory.Devices(p.Input, inventory.Options{})
	return &p.Side
}

// line writes a row as the tests compare it.
func line(r Row) string {
	s := fmt.Sprintf("%s %s %s", r.Part, r.Change, r.Device.Address)
	if !r.Peer.Address.IsZero() {
		s += ">" + r.Peer.Address.String()
	}
	if r.Item != "" && (r.Part != Devices || r.Change == Changed) { // else the role, which is inventory's
		s += " " + r.Item
	}
	if r.Part == Services || r.Part == Connections {
		s += fmt.Sprintf(" %d/%d %s", r.Service.Proto, r.Service.Port, r.Service.Name)
	}
	return strings.TrimSpace(fmt.Sprintf("%s [%s|%s]", s, strings.Join(r.Before, ","), strings.Join(r.After, ",")))
}

func lines(rows []Row) (out []string) {
	for _, r := range rows {
		if r.Part != Devices || r.Item != "role" {
			out = append(out, line(r))
		}
	}
	return out
}

func TestWhatDiffers(t *testing.T) {
	for name, c := range map[string]struct {
		a, b func(p *plant)
		only []Part
		want []string
	}{
		"the same twice": {
			func(p *plant) { p.seen("192.0.2.39", plcMAC).edge("192.0.2.10", "192.0.2.39", 502, "modbus-tcp", true) },
			func(p *plant) { p.seen("192.0.2.39", plcMAC).edge("192.0.2.10", "192.0.2.39", 502, "modbus-tcp", true) },
			nil, nil,
		},
		"a device comes, another goes": {
			func(p *plant) { p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC) },
			func(p *plant) { p.seen("192.0.2.39", plcMAC).seen("192.0.2.66", pcMAC) },
			[]Part{Devices, Bindings},
			[]string{"devices appeared 192.0.2.66 [|192.0.2.66]", "devices vanished 192.0.2.10 [192.0.2.10|]",
				"bindings appeared 192.0.2.66 [|" + pcMAC + "]", "bindings vanished 192.0.2.10 [" + hmiMAC + "|]"},
		},
		"a device that changed its address is neither gone nor new": {
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC).edge("192.0.2.10", "192.0.2.39", 502, "modbus-tcp", true).
					op("192.0.2.10", "192.0.2.39", "03", "read", "", ot.Request)
			},
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.11", hmiMAC).edge("192.0.2.11", "192.0.2.39", 502, "modbus-tcp", true).
					op("192.0.2.11", "192.0.2.39", "03", "read", "", ot.Request)
			},
			nil,
			[]string{"devices changed 192.0.2.11 ips [192.0.2.10|192.0.2.11]",
				"bindings appeared 192.0.2.11 [|" + hmiMAC + "]", "bindings vanished 192.0.2.10 [" + hmiMAC + "|]"},
		},
		"a new network card, known by its serial number": {
			func(p *plant) { p.seen("192.0.2.39", plcMAC).fact("192.0.2.39", plcMAC, "serial", "slmp", "A1") },
			func(p *plant) { p.seen("192.0.2.39", pcMAC).fact("192.0.2.39", pcMAC, "serial", "slmp", "A1") },
			nil,
			[]string{"devices changed 192.0.2.39 mac [" + plcMAC + "|" + pcMAC + "]", "bindings changed 192.0.2.39 [" + plcMAC + "|" + pcMAC + "]"},
		},
		"behind a router, known by its host name": {
			func(p *plant) { p.seen("10.9.8.39", "").fact("10.9.8.39", "", "hostname", "netbios-ns", "PC7") },
			func(p *plant) { p.seen("10.9.8.40", "").fact("10.9.8.40", "", "hostname", "netbios-ns", "pc7") },
			[]Part{Devices},
			[]string{"devices changed 10.9.8.40 hostname [PC7|pc7]", "devices changed 10.9.8.40 ips [10.9.8.39|10.9.8.40]"},
		},
		"seen with its MAC, then behind a router": {
			func(p *plant) { p.seen("10.9.8.39", plcMAC) },
			func(p *plant) { p.seen("10.9.8.39", "") },
			nil,
			[]string{"bindings vanished 10.9.8.39 [" + plcMAC + "|]"},
		},
		"a host name that two have says nothing": {
			func(p *plant) { p.seen("192.0.2.39", plcMAC).fact("192.0.2.39", plcMAC, "hostname", "dhcp", "panel") },
			func(p *plant) {
				p.seen("192.0.2.10", hmiMAC).fact("192.0.2.10", hmiMAC, "hostname", "dhcp", "panel").
					seen("192.0.2.66", pcMAC).fact("192.0.2.66", pcMAC, "hostname", "dhcp", "panel")
			},
			[]Part{Devices},
			[]string{"devices appeared 192.0.2.10 [|192.0.2.10]", "devices appeared 192.0.2.66 [|192.0.2.66]",
				"devices vanished 192.0.2.39 [192.0.2.39|]"},
		},
		"another device took the address": {
			func(p *plant) { p.seen("192.0.2.39", plcMAC) },
			func(p *plant) { p.seen("192.0.2.39", pcMAC) },
			nil,
			[]string{"devices appeared 192.0.2.39 [|192.0.2.39]", "devices vanished 192.0.2.39 [192.0.2.39|]",
				"bindings changed 192.0.2.39 [" + plcMAC + "|" + pcMAC + "]"},
		},
		"new firmware": {
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).fact("192.0.2.39", plcMAC, "firmware", "lldp", "1.0").fact("192.0.2.39", plcMAC, "model", "lldp", "X")
			},
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).fact("192.0.2.39", plcMAC, "firmware", "lldp", "1.1").fact("192.0.2.39", plcMAC, "serial", "lldp", "7")
			},
			[]Part{Identities},
			[]string{"identities appeared 192.0.2.39 serial lldp [|7]", "identities vanished 192.0.2.39 model lldp [X|]", "identities changed 192.0.2.39 firmware lldp [1.0|1.1]"},
		},
		"services and connections": {
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC).edge("192.0.2.10", "192.0.2.39", 80, "", true).
					edge("192.0.2.10", "192.0.2.39", 102, "", true).edge("192.0.2.10", "192.0.2.39", 5007, "", true)
			},
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC).edge("192.0.2.10", "192.0.2.39", 502, "modbus-tcp", true).
					edge("192.0.2.10", "192.0.2.39", 102, "", false).edge("192.0.2.10", "192.0.2.39", 5007, "slmp-melsec", true)
			},
			[]Part{Services, Connections},
			[]string{
				"services appeared 192.0.2.39 6/502 modbus-tcp [|modbus-tcp]", "services vanished 192.0.2.39 6/80  [|]", "services vanished 192.0.2.39 6/102  [|]",
				"services changed 192.0.2.39 6/5007 slmp-melsec [|slmp-melsec]",
				"connections appeared 192.0.2.10>192.0.2.39 6/502 modbus-tcp [|answered]", "connections vanished 192.0.2.10>192.0.2.39 6/80  [answered|]",
				"connections changed 192.0.2.10>192.0.2.39 6/102  [answered|unanswered]",
			},
		},
		"functions, by who asked; answers are not functions of their own": {
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC).op("192.0.2.10", "192.0.2.39", "03", "read", "", ot.Request).
					op("192.0.2.39", "192.0.2.10", "03", "read", "", ot.Response).op("192.0.2.10", "192.0.2.39", "06", "write", "", ot.Request)
			},
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).seen("192.0.2.10", hmiMAC).op("192.0.2.39", "192.0.2.10", "03", "read", "02", ot.Error).
					op("192.0.2.39", "192.0.2.10", "10", "write many", "", ot.Response)
			},
			[]Part{OT},
			[]string{"ot appeared 192.0.2.10>192.0.2.39 modbus-tcp 10 write many [|]", "ot vanished 192.0.2.10>192.0.2.39 modbus-tcp 06 write [|]",
				"ot changed 192.0.2.10>192.0.2.39 modbus-tcp 03 read [|02]"},
		},
		"the internet is one end": {
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).edge("192.0.2.39", "8.8.8.8", 53, "", true).seen("8.8.8.8", "")
			},
			func(p *plant) {
				p.seen("192.0.2.39", plcMAC).edge("192.0.2.39", "8.8.4.4", 53, "", true).seen("8.8.4.4", "")
			},
			[]Part{Connections, Services, Devices}, nil,
		},
	} {
		a, b := &plant{}, &plant{start: day}
		c.a(a)
		c.b(b)
		b.From = day
		rows := Compare(a.side(), b.side(), c.only)
		if got := lines(rows); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n\t%s\nwant\n\t%s", name, strings.Join(got, "\n\t"), strings.Join(c.want, "\n\t"))
		}
		for _, r := range rows {
			if before := r.Time < day; before != (r.Change == Vanished) {
				t.Errorf("%s: %s at %d", name, line(r), r.Time)
			}
		}
		// What appeared one way vanishes the other way, and twice gives the same.
		again := lines(Compare(a.side(), b.side(), c.only))
		back := Compare(b.side(), a.side(), c.only)
		if !slices.Equal(again, lines(rows)) || len(back) != len(rows) {
			t.Errorf("%s: again %q, the other way round %q", name, again, lines(back))
		}
	}
}
