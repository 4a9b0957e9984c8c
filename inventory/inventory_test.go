package inventory

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

const hour = int64(3600e9)

func ip(s string) decode.Addr {
	a, err := decode.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

func mac(s string) decode.MAC {
	m, err := decode.ParseMAC(s)
	if err != nil {
		panic(err)
	}
	return m
}

const (
	sent = observe.SeenIP
	arp  = observe.SeenIP | observe.SeenARP
	ndp  = observe.SeenIP | observe.SeenNDP
	recv = observe.SeenReceiver
)

var (
	m1, m2, m3 = mac("00:1b:21:00:00:01"), mac("00:1b:21:00:00:02"), mac("00:1b:21:00:00:03")
	vrrp       = mac("00:00:5e:00:01:0a")
	random     = mac("02:aa:bb:cc:dd:ee")
)

// row is an address seen in the first hour with TTL 64; from moves it to later hours.
func row(a string, m decode.MAC, ev observe.Evidence) AddressTotal {
	t := AddressTotal{Site: "s", Sensors: []string{"x"}, Address: observe.Address{IP: ip(a), MAC: m, VLAN: decode.NoVLAN, Evidence: ev, First: 1, Last: hour}}
	if Sent(&t.Address) {
		t.PacketsSent, t.BytesSent, t.TTL = 10, 1000, 64
	}
	if ev&recv != 0 {
		t.PacketsReceived, t.BytesReceived = 7, 700
	}
	return t
}

func (t AddressTotal) in(hours int64) AddressTotal {
	t.First, t.Last = t.First+hours*hour, t.Last+hours*hour
	return t
}

func (t AddressTotal) ttl(n uint8) AddressTotal { t.TTL = n; return t }

func brief(devices []Device) []string {
	var out []string
	for _, d := range devices {
		var ips []string
		for _, a := range d.IPs {
			ips = append(ips, a.String())
		}
		s := d.MAC.String() + " " + strings.Join(ips, ",")
		if d.Internet {
			s += "internet"
		}
		if d.Router {
			s += " router"
		}
		out = append(out, strings.TrimSpace(s))
	}
	return out
}

func TestDevices(t *testing.T) {
	off := func(m decode.MAC, n int, ev observe.Evidence) (rows []AddressTotal) {
		for i := range n {
			rows = append(rows, row(fmt.Sprintf("10.%d.0.5", i), m, ev))
		}
		return rows
	}
	for _, c := range []struct {
		name string
		rows []AddressTotal
		o    Options
		want []string
	}{
		{"one host", []AddressTotal{row("192.168.1.5", m1, sent)}, Options{}, []string{"00:1b:21:00:00:01 192.168.1.5"}},
		{"a host with aliases of one subnet", []AddressTotal{row("192.168.1.5", m1, arp), row("192.168.1.6", m1, sent), row("192.168.1.7", m1, sent)}, Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.5,192.168.1.6,192.168.1.7"}},
		{"a host with an alias of another subnet", []AddressTotal{row("192.168.1.5", m1, arp), row("10.0.0.6", m1, sent)}, Options{}, []string{"00:1b:21:00:00:01 10.0.0.6,192.168.1.5"}},
		{"a host with two subnets and no ARP", []AddressTotal{row("192.168.1.5", m1, sent), row("10.0.0.6", m1, sent)}, Options{}, []string{"00:1b:21:00:00:01 10.0.0.6,192.168.1.5"}},
		{"two off-subnet addresses beside a claimed one are behind a router", append(off(m1, 2, sent), row("192.168.1.1", m1, arp)), Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.1 router", "10.0.0.5", "10.1.0.5"}},
		{"one whose packets lost a hop is too", []AddressTotal{row("192.168.1.1", m1, arp), row("10.0.0.6", m1, sent).ttl(127)}, Options{}, []string{"00:1b:21:00:00:01 192.168.1.1 router", "10.0.0.6"}},
		{"five addresses of one subnet at once are behind a router", []AddressTotal{row("10.0.0.1", m1, sent), row("10.0.0.2", m1, sent), row("10.0.0.3", m1, sent), row("10.0.0.4", m1, sent), row("10.0.0.5", m1, sent)}, Options{},
			[]string{"00:1b:21:00:00:01  router", "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"}},
		{"three subnets without ARP are behind a router", off(m1, 3, sent), Options{}, []string{"00:1b:21:00:00:01  router", "10.0.0.5", "10.1.0.5", "10.2.0.5"}},
		{"the same one after the other are leases that moved", []AddressTotal{row("10.0.0.5", m1, sent), row("10.1.0.5", m1, sent).in(2), row("10.2.0.5", m1, sent).in(4), row("10.3.0.5", m1, sent).in(6)}, Options{},
			[]string{"00:1b:21:00:00:01 10.0.0.5,10.1.0.5,10.2.0.5,10.3.0.5"}},
		{"DHCP: 0.0.0.0, then a lease", []AddressTotal{row("0.0.0.0", m1, sent|observe.SeenDHCP), row("192.168.1.50", m1, arp), row("192.168.1.51", m1, arp).in(3)}, Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.50,192.168.1.51"}},
		{"the internet behind a router is one row", []AddressTotal{row("192.168.1.1", m1, arp), row("8.8.8.8", m1, sent|recv).ttl(117), row("9.9.9.9", m1, recv), row("192.168.1.5", m2, sent)}, Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.1 router", "00:1b:21:00:00:02 192.168.1.5", "internet"}},
		{"or one by one", []AddressTotal{row("192.168.1.1", m1, arp), row("8.8.8.8", m1, sent), row("9.9.9.9", m1, sent)}, Options{InternetEach: true},
			[]string{"00:1b:21:00:00:01 192.168.1.1 router", "8.8.8.8", "9.9.9.9"}},
		{"a lone public address that lost hops is not its MAC's", []AddressTotal{row("8.8.8.8", m1, sent).ttl(50)}, Options{}, []string{"00:1b:21:00:00:01  router", "internet"}},
		{"a lone public address that lost none is", []AddressTotal{row("8.8.8.8", m1, sent)}, Options{}, []string{"00:1b:21:00:00:01 8.8.8.8"}},
		{"public addresses only, beside private hosts, are behind a router", []AddressTotal{row("8.8.8.8", m1, sent), row("192.168.1.5", m2, sent)}, Options{},
			[]string{"00:1b:21:00:00:01  router", "00:1b:21:00:00:02 192.168.1.5", "internet"}},
		{"unless claimed", []AddressTotal{row("8.8.8.8", m1, arp), row("192.168.1.5", m2, sent)}, Options{}, []string{"00:1b:21:00:00:01 8.8.8.8", "00:1b:21:00:00:02 192.168.1.5"}},
		{"all MACs zero", []AddressTotal{row("192.168.1.5", decode.NullMAC, sent), row("10.0.0.6", decode.NullMAC, sent), {Site: "s", Address: observe.Address{IP: decode.NullMAC.Addr(), MAC: decode.NullMAC, Evidence: observe.SeenEthernet}}}, Options{},
			[]string{"10.0.0.6", "192.168.1.5"}},
		{"public addresses used inside", []AddressTotal{row("150.1.1.5", m1, arp), row("150.1.2.5", m1, sent)}, Options{Internal: func(decode.Addr) bool { return true }}, []string{"00:1b:21:00:00:01 150.1.1.5,150.1.2.5"}},
		{"link-local and global IPv6 and IPv4 on one MAC", []AddressTotal{row("fe80::1", m1, ndp), row("2400:db8:1::5", m1, sent), row("192.168.1.5", m1, arp)}, Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.5,2400:db8:1::5,fe80::1"}},
		{"IPv6 only, with temporary addresses", []AddressTotal{row("fe80::1", m1, ndp), row("2400:db8::1", m1, sent), row("2400:db8::2", m1, sent), row("2400:db8::3", m1, sent), row("2400:db8::4", m1, sent), row("2400:db8::5", m1, sent), row("::", m1, sent)}, Options{},
			[]string{"00:1b:21:00:00:01 2400:db8::1,2400:db8::2,2400:db8::3,2400:db8::4,2400:db8::5,fe80::1"}},
		{"a public address of a subnet that another MAC sends from is its MAC's", []AddressTotal{row("194.250.63.170", m1, sent).ttl(60), row("194.250.63.239", m2, sent).ttl(128)}, Options{},
			[]string{"00:1b:21:00:00:01 194.250.63.170", "00:1b:21:00:00:02 194.250.63.239"}},
		{"an IPv6 router", []AddressTotal{row("fe80::1", m1, ndp), row("fd00:1::1", m1, sent), row("fd00:2::1", m1, sent), row("fd00:3::1", m1, sent), row("fd00:4::1", m1, sent)}, Options{},
			[]string{"00:1b:21:00:00:01 fe80::1 router", "fd00:1::1", "fd00:2::1", "fd00:3::1", "fd00:4::1"}},
		{"a virtual router", []AddressTotal{row("192.168.1.254", vrrp, arp), row("192.168.1.252", m1, arp), row("10.0.0.9", vrrp, sent)}, Options{},
			[]string{"00:00:5e:00:01:0a 192.168.1.254 router", "00:1b:21:00:00:01 192.168.1.252", "10.0.0.9"}},
		{"a MAC without IP", []AddressTotal{{Site: "s", Address: observe.Address{IP: m1.Addr(), MAC: m1, Evidence: observe.SeenEthernet, PacketsSent: 3}}}, Options{}, []string{"00:1b:21:00:00:01"}},
		{"0.0.0.0, ::, multicast and loopback sources belong to their MAC", []AddressTotal{row("0.0.0.0", m1, sent), row("::", m2, sent), row("224.0.0.1", m3, sent), row("127.0.0.1", random, sent)}, Options{},
			[]string{"00:1b:21:00:00:01", "00:1b:21:00:00:02", "00:1b:21:00:00:03", "02:aa:bb:cc:dd:ee"}},
		{"a locally administered MAC", []AddressTotal{row("192.168.1.5", random, arp)}, Options{}, []string{"02:aa:bb:cc:dd:ee 192.168.1.5"}},
		{"a spoofed source is not the sender's address", []AddressTotal{row("192.168.1.5", m1, arp), row("192.168.1.66", m2, arp), row("192.168.1.5", m2, sent)}, Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.5", "00:1b:21:00:00:02 192.168.1.66"}},
		{"one IP claimed by two MACs is with both", []AddressTotal{row("192.168.1.5", m1, arp), row("192.168.1.5", m2, arp)}, Options{}, []string{"00:1b:21:00:00:01 192.168.1.5", "00:1b:21:00:00:02 192.168.1.5"}},
		{"seen on both sides of a router, a host is its own MAC's", append(off(m1, 3, sent), row("192.168.1.1", m1, arp), row("10.1.0.5", m2, arp)), Options{},
			[]string{"00:1b:21:00:00:01 192.168.1.1 router", "00:1b:21:00:00:02 10.1.0.5", "10.0.0.5", "10.2.0.5"}},
		{"no link layer", []AddressTotal{row("192.168.1.5", 0, sent), row("192.168.1.6", 0, sent|recv), row("8.8.8.8", 0, sent), row("192.168.1.9", 0, recv)}, Options{}, []string{"192.168.1.5", "192.168.1.6", "internet"}},
		{"only sent to is no device", []AddressTotal{row("192.168.1.5", m1, sent), row("192.168.1.6", m2, recv)}, Options{}, []string{"00:1b:21:00:00:01 192.168.1.5"}},
		{"group MACs are no devices", []AddressTotal{row("192.168.1.5", mac("01:00:5e:00:00:01"), recv), row("192.168.1.6", mac("ff:ff:ff:ff:ff:ff"), recv)}, Options{}, nil},
		{"the same MAC at two sites is two devices", []AddressTotal{row("192.168.1.5", m1, sent), {Site: "a", Address: row("192.168.1.5", m1, sent).Address}}, Options{}, []string{"00:1b:21:00:00:01 192.168.1.5", "00:1b:21:00:00:01 192.168.1.5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := brief(Devices(Input{Addresses: c.rows}, c.o))
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
			slices.Reverse(c.rows)
			if again := brief(Devices(Input{Addresses: c.rows}, c.o)); !slices.Equal(got, again) {
				t.Errorf("the order of rows matters: %v, then %v", got, again)
			}
		})
	}
}

// TestTrafficIsCountedOnce: what a router carries is the far device's traffic; the far
// device's own MAC, where seen, has it already.
func TestTrafficIsCountedOnce(t *testing.T) {
	vlan := row("192.168.1.1", m1, arp|recv)
	vlan.VLAN, vlan.Sensors = 20, []string{"y"}
	devices := Devices(Input{Addresses: []AddressTotal{
		row("192.168.1.1", m1, arp|recv), vlan.in(3),
		row("10.0.0.5", m1, sent|recv), row("10.1.0.5", m1, sent), row("8.8.8.8", m1, sent|recv),
		row("10.1.0.5", m2, arp),
	}}, Options{})
	if got := brief(devices); len(got) != 4 {
		t.Fatalf("devices %v", got)
	}
	for i, want := range []struct{ sent, received uint64 }{{20, 14}, {10, 0}, {10, 7}, {10, 7}} { // router, 10.1.0.5, 10.0.0.5, internet
		if d := devices[i]; d.PacketsSent != want.sent || d.PacketsReceived != want.received || d.BytesSent != want.sent*100 {
			t.Errorf("%s: sent %d, received %d, want %+v", brief(devices)[i], d.PacketsSent, d.PacketsReceived, want)
		}
	}
	if d := devices[0]; !slices.Equal(d.VLANs, []uint16{20}) || !slices.Equal(d.Sensors, []string{"x", "y"}) || d.FirstSeen != 1 || d.LastSeen != 4*hour {
		t.Errorf("router: vlans %v sensors %v from %d to %d", d.VLANs, d.Sensors, d.FirstSeen, d.LastSeen)
	}
}

func TestHostnameByTrust(t *testing.T) {
	fact := func(m decode.MAC, a, kind, value, source string, last int64) Fact {
		return Fact{Site: "s", Fact: observe.Fact{MAC: m, IP: ip(a), Kind: kind, Value: value, Source: source, Last: last}}
	}
	rows := []AddressTotal{row("192.168.1.1", m1, arp), row("10.0.0.5", m1, sent), row("10.1.0.5", m1, sent), row("192.168.1.5", m2, arp)}
	for name, c := range map[string]struct {
		facts []Fact
		want  [4]string // router, 192.168.1.5, 10.0.0.5, 10.1.0.5
	}{
		"the more trusted source wins": {[]Fact{fact(m2, "192.168.1.5", "hostname", "by-dns", "dns", 9), fact(m2, "192.168.1.5", "hostname", "by-dhcp", "dhcp", 1)}, [4]string{"", "by-dhcp"}},
		"of one source the latest":     {[]Fact{fact(m2, "192.168.1.5", "hostname", "old", "dhcp", 1), fact(m2, "192.168.1.5", "hostname", "new", "dhcp", 2)}, [4]string{"", "new"}},
		"a name inside OT comes last":  {[]Fact{fact(m2, "192.168.1.5", "name", "PROGRAM", "omron-fins", 9), fact(m2, "192.168.1.5", "hostname", "plc1", "dns", 1)}, [4]string{"", "plc1"}},
		"a fact by MAC alone":          {[]Fact{{Site: "s", Fact: observe.Fact{MAC: m2, IP: m2.Addr(), Kind: "hostname", Value: "sw", Source: "lldp"}}}, [4]string{"", "sw"}},
		"behind a router by address":   {[]Fact{fact(m1, "10.1.0.5", "hostname", "far", "netbios", 1)}, [4]string{"", "", "", "far"}},
		"another site's fact":          {[]Fact{{Site: "t", Fact: observe.Fact{MAC: m2, IP: ip("192.168.1.5"), Kind: "hostname", Value: "x", Source: "dhcp"}}}, [4]string{}},
	} {
		for range 2 {
			devices := Devices(Input{Addresses: rows, Facts: c.facts}, Options{})
			for i, d := range devices {
				if d.Hostname != c.want[i] {
					t.Errorf("%s: %s is %q, want %q", name, brief(devices)[i], d.Hostname, c.want[i])
				}
			}
			slices.Reverse(c.facts)
		}
	}
}

func TestVendor(t *testing.T) {
	for m, want := range map[string]string{
		"00:00:00:12:34:56": "XEROX CORPORATION",              // MA-L
		"00:1b:21:00:00:01": "Intel Corporate",                // MA-L
		"c8:5c:e2:7a:bc:de": "SYNERGY SYSTEMS AND SOLUTIONS",  // MA-M inside an MA-L of the registry itself
		"70:b3:d5:7f:f0:01": Vendor(mac("70:b3:d5:7f:ff:ff")), // MA-S: the fourth and fifth byte count
		"02:aa:bb:cc:dd:ee": "",                               // locally administered
		"01:00:5e:00:00:01": "",                               // group
	} {
		if got := Vendor(mac(m)); got != want {
			t.Errorf("%s: %q, want %q", m, got, want)
		}
	}
	if v := Vendor(mac("70:b3:d5:7f:f0:01")); v == "" || strings.HasPrefix(v, "IEEE") {
		t.Errorf("MA-S vendor %q", v)
	}
	if Vendor(0) != "" {
		t.Error("the MAC that stands for none has a vendor")
	}
	t1 := builtinVendors().registry
	for i, want := range []int{7000, 6000, 39000} {
		if len(t1[i].entries) < want || !slices.IsSortedFunc(t1[i].entries, func(a, b prefix) int { return int(a.value) - int(b.value) }) {
			t.Errorf("registry of %d bits: %d entries, or not sorted", t1[i].bits, len(t1[i].entries))
		}
	}
	if len(ouiTable) > 600<<10 || !strings.Contains(VendorSource(), "oui-data") {
		t.Errorf("table of %d bytes, %q", len(ouiTable), VendorSource())
	}
	if n := testing.AllocsPerRun(100, func() { Vendor(m1) }); n != 0 {
		t.Errorf("a look-up allocates %v times", n)
	}
}

func TestPublic(t *testing.T) {
	for a, want := range map[string]bool{
		"8.8.8.8": true, "10.0.0.1": false, "172.15.0.1": true, "172.16.0.1": false, "172.31.255.255": false, "172.32.0.1": true, "192.168.0.1": false, "192.169.0.1": true,
		"100.63.255.255": true, "100.64.0.1": false, "100.128.0.1": true, "169.254.1.1": false, "127.0.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "239.1.1.1": false,
		"240.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "198.19.0.1": false, "198.20.0.1": true, "203.0.113.5": true, "192.0.2.1": true, "198.51.100.1": true, "192.0.0.1": false, "192.0.1.1": true,
		"2400::1": true, "2001:db8::1": true, "2001:4860::1": true, "2001::1": false, "2002:102::1": false, "fe80::1": false, "fd00::1": false, "ff02::1": false, "::": false, "::1": false, "00:1b:21:00:00:01": false,
	} {
		if got := Public(ip(a)); got != want {
			t.Errorf("Public(%s) = %v", a, got)
		}
	}
}

func TestVirtualRouter(t *testing.T) {
	for m, want := range map[string]bool{
		"00:00:5e:00:01:01": true, "00:00:5e:00:02:ff": true, "00:00:5e:00:03:01": false, "00:00:0c:07:ac:01": true, "00:00:0c:07:ad:01": false,
		"00:00:0c:9f:f0:01": true, "00:00:0c:9f:ff:ff": true, "00:00:0c:9f:e0:01": false, "00:07:b4:00:01:02": true, "00:07:b4:01:01:02": false,
	} {
		if got := VirtualRouter(mac(m)); got != want {
			t.Errorf("VirtualRouter(%s) = %v", m, got)
		}
	}
}

// TestRoles: who connects to whom with what.
func TestRoles(t *testing.T) {
	host := func(n int) decode.Addr { return decode.IPv4(192<<24 | 168<<16 | 1<<8 | uint32(n)) }
	var rows []AddressTotal
	for n := 1; n <= 30; n++ {
		a := row(host(n).String(), mac(fmt.Sprintf("02:00:00:00:00:%02x", n)), arp)
		rows = append(rows, a)
	}
	rows = append(rows, row("8.8.8.8", mac("02:00:00:00:00:01"), sent))
	link := func(c, s int, proto uint8, port uint16) Link {
		return Link{Site: "s", Client: host(c), Server: host(s), Proto: proto, ServerPort: port, Packets: 10, Answered: true}
	}
	use := func(src, dst int, protocol string, class ot.Class, d ot.Direction) Use {
		return Use{"s", host(src), host(dst), protocol, class, d, 5}
	}
	in := Input{Addresses: rows}
	// 2 and 3: PLCs, asked by HMI 4 and engineering workstation 5; 2 is bus master of the I/O 6 and 7 and reads PLC 3.
	for _, plc := range []int{2, 3} {
		in.Uses = append(in.Uses,
			use(4, plc, "slmp-melsec", ot.Read, ot.Request), use(plc, 4, "slmp-melsec", ot.Read, ot.Response), use(4, plc, "slmp-melsec", ot.Write, ot.Request),
			use(5, plc, "slmp-melsec", ot.Read, ot.Request), use(5, plc, "slmp-melsec", ot.Control, ot.Request), use(plc, 5, "slmp-melsec", ot.Control, ot.Response))
	}
	in.Uses = append(in.Uses, use(2, 3, "slmp-melsec", ot.Read, ot.Request), use(3, 2, "slmp-melsec", ot.Read, ot.Response))
	for _, io := range []int{6, 7} {
		in.Uses = append(in.Uses, use(2, io, "cc-link-ie-field-basic", ot.Cyclic, ot.Request), use(io, 2, "cc-link-ie-field-basic", ot.Cyclic, ot.Response))
	}
	in.Uses = append(in.Uses, Use{"s", host(2), ip("192.168.1.255"), "cc-link-ie-field-basic", ot.Cyclic, ot.Request, 9})
	// 8: file and directory server of the clients 10 to 14; 9: printer; 15: camera, watched by 8; 16: switch.
	for c := 10; c <= 14; c++ {
		in.Links = append(in.Links, link(c, 8, decode.ProtoTCP, 445), link(c, 8, decode.ProtoTCP, 88), link(c, 9, decode.ProtoTCP, 9100))
	}
	in.Links = append(in.Links, link(8, 15, decode.ProtoTCP, 554), link(8, 16, decode.ProtoUDP, 161))
	in.Facts = []Fact{{Site: "s", Fact: observe.Fact{IP: host(16), Kind: "capabilities", Value: "bridge", Source: "lldp"}}}
	// 17 was only tried.
	tried := link(10, 17, decode.ProtoTCP, 9100)
	tried.Answered = false
	in.Links = append(in.Links, tried)

	want := map[int]string{1: RoleRouter, 2: RolePLC, 3: RolePLC, 4: RoleHMI, 5: RoleEngineering, 6: RoleIO, 7: RoleIO, 8: RoleDC, 9: RolePrinter,
		10: RoleClient, 14: RoleClient, 15: RoleCamera, 16: RoleNetwork, 17: RoleUnknown, 20: RoleUnknown}
	devices := Devices(in, Options{})
	for n, role := range want {
		d := devices[n-1]
		if d.Role != role {
			t.Errorf("host %d: role %s (%d), want %s; %+v", n, d.Role, d.RoleConfidence, role, d.Reasons)
		}
		if (d.RoleConfidence > 0) != (role != RoleUnknown) || d.RoleConfidence > 100 {
			t.Errorf("host %d: confidence %d", n, d.RoleConfidence)
		}
	}
	if d := devices[len(devices)-1]; !d.Internet || d.Role != RoleExternal {
		t.Errorf("the internet: %+v", d)
	}
	// The formula, recomputed: PLC 2 has the clients 4 and 5 and no target (cyclic is no write).
	sum := func(d *Device) int { return d.ImportanceParts.Sum() - d.ImportanceParts.Between }
	if d := devices[1]; sum(&d) != 50+5 || d.Peers != 5 {
		t.Errorf("PLC: importance %d, peers %d", d.Importance, d.Peers)
	}
	if d := devices[3]; sum(&d) != 45+5 { // HMI: no clients, writes to two
		t.Errorf("HMI: importance %d", d.Importance)
	}
	if d := devices[7]; sum(&d) != 45+10 { // server of five
		t.Errorf("server: importance %d", d.Importance)
	}
	// The order of input does not matter.
	r := rand.New(rand.NewPCG(1, 1))
	r.Shuffle(len(in.Links), func(i, j int) { in.Links[i], in.Links[j] = in.Links[j], in.Links[i] })
	r.Shuffle(len(in.Uses), func(i, j int) { in.Uses[i], in.Uses[j] = in.Uses[j], in.Uses[i] })
	r.Shuffle(len(in.Addresses), func(i, j int) { in.Addresses[i], in.Addresses[j] = in.Addresses[j], in.Addresses[i] })
	if again := Devices(in, Options{}); !reflect.DeepEqual(devices, again) {
		t.Error("the order of input matters")
	}
}

func TestImportanceIsBounded(t *testing.T) {
	for _, c := range []struct {
		name             string
		d                Device
		targets, clients int
		between          float64
		want             int
	}{
		{"everything at its most", Device{Role: RolePLC, Router: true}, 1e6, 1e6, 1, 100},
		{"nothing", Device{Role: RoleExternal}, 0, 0, 0, 5},
		{"each term", Device{Role: RoleHMI}, 3, 1, 0.25, 45 + 10 + 5 + 7},
		{"terms have tops", Device{Role: RolePrinter}, 1000, 1000, 0, 10 + 15 + 25},
	} {
		p := importance(&c.d, c.targets, c.clients, c.between)
		if got := p.Sum(); got != c.want {
			t.Errorf("%s: %d, want %d: %+v", c.name, got, c.want, p)
		}
		p.Ledger, p.InLedger = 77, true
		if got := p.Sum(); got != 77 {
			t.Errorf("%s: %d, but the ledger says 77", c.name, got)
		}
	}
}

// TestEveryRoleHasAValue guards the tables against a role that is added in one place only.
func TestEveryRoleHasAValue(t *testing.T) {
	for _, r := range Roles {
		if importanceOf[r] == 0 {
			t.Errorf("role %s has no importance", r)
		}
	}
	if len(importanceOf) != len(Roles) {
		t.Error("importance of a role that is none")
	}
}

func BenchmarkDevices(b *testing.B) {
	var in Input
	for i := range 1400 {
		m := decode.MAC(0x001b21000000 + i)
		a := fmt.Sprintf("10.0.%d.%d", i/250, 1+i%250)
		in.Addresses = append(in.Addresses, row(a, m, arp|recv))
		for j := range 7 {
			in.Links = append(in.Links, Link{Site: "s", Client: ip(a), Server: ip(fmt.Sprintf("10.0.0.%d", 1+(i+j)%250)), Proto: 6, ServerPort: 445, Answered: true})
		}
	}
	Vendor(m1)
	for b.Loop() {
		Devices(in, Options{})
	}
}
