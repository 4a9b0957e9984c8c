package inventory

import (
	"fmt"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// TestRoleRules: each rule of roles by the least that shows it. Host 1 is the one in question.
func TestRoleRules(t *testing.T) {
	host := func(n int) decode.Addr { return decode.IPv4(192<<24 | 168<<16 | 1<<8 | uint32(n)) }
	hw := func(n int) decode.MAC { return mac(fmt.Sprintf("02:00:00:00:00:%02x", n)) }
	use := func(src, dst int, protocol string, class ot.Class, d ot.Direction, count uint64) Use {
		return Use{"s", host(src), host(dst), protocol, class, d, count}
	}
	ask := func(src, dst int, protocol string, class ot.Class, count uint64) []Use {
		return []Use{use(src, dst, protocol, class, ot.Request, count), use(dst, src, protocol, class, ot.Response, count)}
	}
	fact := func(kind, source, value string) Fact {
		return Fact{Site: "s", Fact: observe.Fact{IP: host(1), MAC: hw(1), Kind: kind, Source: source, Value: value, Last: hour}}
	}
	link := func(c, s int, proto uint8, port uint16) Link {
		return Link{Site: "s", Client: host(c), Server: host(s), Proto: proto, ServerPort: port, Packets: 10, Answered: true}
	}
	join := func(u ...[]Use) (out []Use) {
		for _, x := range u {
			out = append(out, x...)
		}
		return out
	}
	reads := func(n int) (out []Use) {
		for i := range n {
			out = append(out, ask(1, 2+i, "slmp-melsec", ot.Read, 1000)...)
		}
		return out
	}
	for _, c := range []struct {
		name  string
		uses  []Use
		facts []Fact
		links []Link
		want  string
		level string
	}{
		{"answers requests: a controller", ask(2, 1, "modbus-tcp", ot.Read, 9), nil, nil, RolePLC, "1"},
		{"answers controllers only: I/O", join(ask(3, 2, "modbus-tcp", ot.Read, 9), ask(2, 1, "modbus-tcp", ot.Read, 9)), nil, nil, RoleIO, "1"},
		{"asks a controller and is one", join(ask(3, 1, "modbus-tcp", ot.Read, 9), ask(1, 2, "modbus-tcp", ot.Read, 9)), nil, nil, RolePLC, "1"},
		{"asks one controller: a display", reads(1), nil, nil, RoleHMI, "2"},
		{"asks four: supervises", reads(4), nil, nil, RoleSCADA, "2"},
		{"a server that asks one supervises", reads(1), []Fact{fact("server-type", "browser", "0x00009003")}, []Link{link(9, 1, decode.ProtoTCP, 1433)}, RoleSCADA, "2"},
		{"identifies several: an engineer", join(reads(2), ask(1, 2, "slmp-melsec", ot.Identity, 30)), nil, nil, RoleEngineering, "2"},
		{"identifies its one controller now and then: a display", join(reads(1), ask(1, 2, "slmp-melsec", ot.Identity, 30)), nil, nil, RoleHMI, "2"},
		{"once in a thousand is no study", join(reads(4), ask(1, 2, "slmp-melsec", ot.Identity, 3)), nil, nil, RoleSCADA, "2"},
		{"controls: an engineer", join(ask(1, 2, "slmp-melsec", ot.Read, 50), ask(1, 2, "slmp-melsec", ot.Control, 2)), nil, nil, RoleEngineering, "2"},
		{"in telecontrol controlling is daily work", join(ask(1, 2, "dnp3", ot.Read, 50), ask(1, 2, "dnp3", ot.Control, 50)), nil, nil, RoleHMI, "2"},
		{"PROFINET's controller is asked as well", join(ask(1, 2, "profinet", ot.Write, 9), ask(2, 1, "profinet", ot.Write, 1)), nil, nil, RolePLC, "1"},
		{"PROFINET's station asks as well", join(ask(2, 1, "profinet", ot.Write, 9), ask(1, 2, "profinet", ot.Write, 1)), nil, nil, RoleIO, "1"},
		{"PROFINET's tool sets a name", ask(1, 2, "profinet", ot.Control, 1), nil, nil, RoleEngineering, "2"},
		{"a station that is given a name may be anything", ask(2, 1, "profinet", ot.Control, 1), nil, nil, RoleUnknown, ""},
		{"PROFINET's station says that it is ready", join(ask(2, 1, "profinet", ot.Connect, 1), ask(1, 2, "profinet", ot.Write, 9)), nil, nil, RoleIO, "1"},
		{"identifies its one controller often and never writes: an engineer", join(reads(1), ask(1, 2, "slmp-melsec", ot.Identity, 300)), nil, nil, RoleEngineering, "2"},
		{"writes as well: a display", join(reads(1), ask(1, 2, "slmp-melsec", ot.Identity, 300), ask(1, 2, "slmp-melsec", ot.Write, 1)), nil, nil, RoleHMI, "2"},
		{"TriStation is programming software's", ask(1, 2, "tristation", ot.Other, 9), nil, nil, RoleEngineering, "2"},
		{"calls methods by OPC UA: no engineer", ask(1, 2, "opc-ua", ot.Control, 9), nil, nil, RoleHMI, "2"},
		{"speaks BGP", nil, nil, []Link{link(1, 2, decode.ProtoTCP, 179)}, RoleRouter, ""},
		{"sends OSPF to the group", nil, nil, []Link{{Site: "s", Client: host(1), Server: decode.IPv4(224<<24 | 5), Proto: 89, Packets: 9}}, RoleRouter, ""},
		{"an Apache that few use", nil, []Fact{fact("server-banner", "http", "Apache/2.4.7 (Ubuntu)")}, []Link{link(2, 1, decode.ProtoTCP, 80)}, RoleServer, "4"},
		{"a telephone has a bridge", nil, []Fact{fact("capabilities", "lldp", "bridge telephone")}, nil, RoleUnknown, ""},
		{"says that it is the gateway", nil, []Fact{fact("service", "ssdp", "InternetGatewayDevice")}, nil, RoleRouter, ""},
		{"asking for names is no mastery", ask(1, 2, "profinet", ot.Identity, 9), nil, nil, RoleUnknown, ""},
		{"answers Kerberos", nil, nil, []Link{link(2, 1, decode.ProtoUDP, 88)}, RoleDC, "4"},
		{"a domain controller serves files too", nil, []Fact{fact("server-type", "browser", "0x0008102b")}, []Link{link(2, 1, decode.ProtoTCP, 445), link(2, 1, decode.ProtoTCP, 1433), link(3, 1, decode.ProtoUDP, 53)}, RoleDC, "4"},
		{"a refused port is no service", nil, nil, []Link{{Site: "s", Client: host(2), Server: host(1), Proto: decode.ProtoTCP, ServerPort: 1433, Packets: 2}}, RoleUnknown, ""},
		{"a server that HMIs use is of level 3", ask(3, 4, "modbus-tcp", ot.Read, 5), nil, []Link{link(3, 1, decode.ProtoTCP, 1433)}, RoleServer, "3"},
		{"many kinds of programs: a server", nil, nil, []Link{link(2, 1, decode.ProtoTCP, 21), link(2, 1, decode.ProtoTCP, 22), link(2, 1, decode.ProtoTCP, 80), link(1, 2, decode.ProtoTCP, 80)}, RoleServer, "4"},
		{"a bridge by spanning tree", nil, []Fact{fact("capabilities", "stp", "bridge")}, nil, RoleNetwork, ""},
		{"announced by DHCP as the router", nil, []Fact{fact("router", "dhcp", "default")}, nil, RoleRouter, ""},
		{"announced by NDP as the router", nil, []Fact{fact("router", "ndp", "default")}, nil, RoleRouter, ""},
		{"a PC that announces itself as a router and carries nothing", nil, []Fact{fact("router", "ndp", "default"), fact("hostname", "dhcp", "PC9"), fact("server-type", "browser", "0x00001003")}, []Link{link(1, 2, decode.ProtoTCP, 443)}, RoleClient, "4"},
		{"says that it is a panel", nil, []Fact{fact("description", "lldp", "Siemens, SIMATIC HMI, KTP700 Basic")}, nil, RoleHMI, "2"},
		{"announces that it prints", nil, []Fact{fact("service", "mdns", "_ipp._tcp")}, nil, RolePrinter, "4"},
		{"an ONVIF camera", nil, []Fact{fact("service", "wsd", "camera")}, nil, RoleCamera, "1"},
		{"nothing is known", nil, nil, nil, RoleUnknown, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := Input{Facts: c.facts, Links: c.links, Uses: c.uses}
			for n := 1; n <= 9; n++ {
				in.Addresses = append(in.Addresses, row(host(n).String(), hw(n), arp))
			}
			d := Devices(in, Options{})[0]
			if d.Role != c.want || d.Level != c.level {
				t.Errorf("role %s (%d), level %q; want %s, %q: %+v", d.Role, d.RoleConfidence, d.Level, c.want, c.level, d.Reasons)
			}
			if (d.Role == RoleUnknown) != (d.RoleConfidence == 0) || d.LevelConfidence > d.RoleConfidence {
				t.Errorf("confidence %d, of the level %d", d.RoleConfidence, d.LevelConfidence)
			}
			for _, r := range d.Reasons {
				if !strings.HasPrefix(r.Key, "device.reason.") || r.Weight < 1 || r.Weight > 100 {
					t.Errorf("reason %+v", r)
				}
			}
		})
	}
}

// TestWhoStandsBetweenIsNoRouter: host 3 claims the gateway's and a server's address while they have them, and carries what was meant for them. The
// gateway that was deceived about stays a router; a gateway that takes over from another one is one.
func TestWhoStandsBetweenIsNoRouter(t *testing.T) {
	gateway, server, attacker := mac("02:00:00:00:00:01"), mac("02:00:00:00:00:02"), mac("02:00:00:00:00:03")
	carries := func(m decode.MAC, hours int64) (rows []AddressTotal) {
		for _, a := range []string{"93.184.216.34", "93.184.217.34", "10.9.1.1", "10.9.2.1", "10.9.3.1"} {
			rows = append(rows, row(a, m, observe.SeenIP).ttl(60).in(hours))
		}
		return rows
	}
	roles := func(rows []AddressTotal, facts ...Fact) map[decode.MAC]string {
		got := map[decode.MAC]string{}
		for _, d := range Devices(Input{Addresses: rows, Facts: facts}, Options{}) {
			got[d.MAC] = d.Role
		}
		return got
	}
	late := func(t AddressTotal) AddressTotal { t.First += hour / 2; return t }
	rows := append(carries(gateway, 0), row("192.168.1.1", gateway, arp), row("192.168.1.2", server, arp), row("192.168.1.3", attacker, arp),
		late(row("192.168.1.1", attacker, arp)), late(row("192.168.1.2", attacker, arp)))
	rows = append(rows, carries(attacker, 0)...)
	if got := roles(rows); got[gateway] != RoleRouter || got[server] == RoleRouter || got[attacker] == RoleRouter {
		t.Errorf("in the middle: %v", got)
	}
	rows = append(carries(gateway, 0), row("192.168.1.1", gateway, arp), row("192.168.1.1", attacker, arp).in(2))
	rows = append(rows, carries(attacker, 2)...)
	if got := roles(rows); got[gateway] != RoleRouter || got[attacker] != RoleRouter {
		t.Errorf("one after the other: %v", got)
	}
}

// TestTheLedgerDecides: what the ledger says of a device is its importance.
func TestTheLedgerDecides(t *testing.T) {
	d := Devices(Input{Addresses: []AddressTotal{row("192.168.1.5", m2, arp)}}, Options{Criticality: func(d *Device) (int, bool) { return 88, d.MAC == m2 }})[0]
	if d.Importance != 88 || !d.ImportanceParts.InLedger {
		t.Errorf("importance %d, %+v", d.Importance, d.ImportanceParts)
	}
}
