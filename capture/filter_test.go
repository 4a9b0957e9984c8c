package capture

import (
	"context"
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// expressions that tcpdump is asked as well.
var expressions = []string{
	"tcp", "udp", "ip", "ip6", "arp", "icmp", "icmp6", "igmp", "ip proto 17", "ip6 proto 58", "proto \\udp", "ether proto 0x88cc",
	"ether proto \\arp", "port 53", "tcp port 502", "src port 502", "dst port 502 or 80", "udp port (53 or 67)",
	"portrange 1-1023", "tcp src portrange 1024-65535", "not port 53", "not (tcp or udp)", "tcp or udp and port 53",
	"not tcp and not udp", "host 10.0.0.1", "net 192.168.0.0/16", "src net 10", "dst net 10.0.0.0 mask 255.0.0.0",
	"src net 172.16.0.0/12 or dst net 192.168", "ip6 net fe80::/10", "net ff02::/16", "ether multicast", "ether broadcast",
	"ip multicast", "ip6 multicast", "less 100", "greater 200", "len > 60 and len <= 200", "vlan", "vlan and ip", "vlan and vlan",
	"vlan and not ip", "vlan and tcp port 502", "ip or vlan and ip", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
	"tcp[13] = 0x12", "ip[8] < 64", "ip[2:2] - ((ip[0] & 0xf) << 2) > 100", "udp[4:2] % 3 = 1", "icmp[icmptype] = icmp-echo",
	"ether[0] & 1 = 0", "ether[12:2] > 0x600", "tcp[((tcp[12] >> 4) << 2):2] != 0", "ip6[6] = 17", "arp[7] = 1",
	"tcp src port 80 or dst port 80", "src or dst port 502", "src and dst net 192.168.0.0/16", "ip[6:2] & 0x1fff != 0",
	"arp host 10.0.0.1", "ip host 192.168.1.1 && !tcp", "ip[0] - -ip[8] > 150", "ip[0] / 16 * 16 | 2 & 0x40 != 0", "((ip[0] / 16 * 16) ^ 0x40) % 3 = 0", "ip[8] << 1 + 1 > 100", "ether src 00:00:00:00:00:00",
}

// TestFilterAgainstTcpdump counts what passes, here and with libpcap.
func TestFilterAgainstTcpdump(t *testing.T) {
	dir := sharedCaptures(t)
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		t.Skip("no tcpdump")
	}
	if testing.Short() {
		t.Skip("short")
	}
	for _, path := range []string{
		"arp/icmp-dot1q.pcap", "arp/802-1ad-qinq.pcap", "arp/arp-who-has.pcap", "bacnet/q-in-q.pcap",
	} {
		compareWithTcpdump(t, tcpdump, filepath.Join(dir, path))
	}
	// and the first files of each link type and topic
	found, err := filepath.Glob(filepath.Join(dir, "*", "*.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	for _, path := range found {
		s, err := Open(context.Background(), []string{path}, Options{noSum: true})
		if err != nil {
			t.Fatal(err)
		}
		info := readAll(t, s, nil)[0]
		if info.Status != StatusOK || len(info.Links) != 1 || info.Frames < 50 || info.Frames > 5000 {
			continue
		}
		link := info.Links[0].Link
		if _, ok := shapes[link]; !ok {
			continue
		}
		key := string(rune(link))
		if link == linkEthernet {
			key = filepath.Base(filepath.Dir(path))
			if !strings.Contains(" mixed tunnel-vlan scan iiot dhcp profinet ", " "+key+" ") {
				continue
			}
		}
		if seen[key]++; seen[key] > 1 {
			continue
		}
		compareWithTcpdump(t, tcpdump, path)
	}
}

func compareWithTcpdump(t *testing.T, tcpdump, path string) {
	for _, expr := range expressions {
		out, err := exec.Command(tcpdump, "-r", path, "-w", "-", expr).Output()
		if err != nil {
			continue // not for this link type
		}
		theirs, err := Open(context.Background(), []string{"-"}, Options{Stdin: strings.NewReader(string(out)), noSum: true})
		if err != nil {
			t.Fatal(err)
		}
		want := readAll(t, theirs, nil)[0].Frames
		ours, err := Open(context.Background(), []string{path}, Options{Filter: expr, noSum: true})
		if err != nil {
			t.Errorf("%v", err)
			return
		}
		info := readAll(t, ours, nil)[0]
		if info.Frames != want {
			t.Errorf("%s: %q passes %d frames, tcpdump's %d", path, expr, info.Frames, want)
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for _, c := range []struct{ expr, says string }{
		{"", "empty"},
		{"  ", "empty"},
		{"and", "primitive"},
		{"tcp and", "ends where"},
		{"(tcp", `")"`},
		{"tcp)", "and, or"},
		{"tcp udp", "and, or"},
		{"10.0.0.1", "primitive"},
		{"host plc-7", "names are not looked up"},
		{"host 10.0.0.300", "no IP address"},
		{"port 70000", "no port"},
		{"port modbus", "no port"},
		{"portrange 5-x", "no portrange"},
		{"icmp port 5", "has no ports"},
		{"net 10.0.0.1/8", "bits set behind"},
		{"net 10.0.0.0/33", "0 to 32"},
		{"net 10.0.0.0 mask 255.0.255.0", "gaps"},
		{"ether host 1.2.3.4", "no MAC"},
		{"ether proto 5", "no EtherType"},
		{"ip host ::1", "belongs to ip6"},
		{"vlan 5000", "no VLAN number"},
		{"tcp[0", "ends where"},
		{"tcp[0:3] = 1", "1, 2 or 4"},
		{"ip[0] / 0 = 1", "division by zero"},
		{"ip[0] = ", "a number"},
		{"gateway router", "not supported"},
		{"mpls 5", "not supported"},
		{"ip broadcast", "not supported"},
		{"tcp ; udp", "no meaning"},
		{strings.Repeat("(", 1000), "nested"},
		{strings.Repeat("not ", 1000) + "tcp", "nested"},
		{strings.Repeat("host ::1 or ", 1000) + "tcp", "too long"},
	} {
		_, err := Open(context.Background(), nil, Options{Filter: c.expr + " "})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.30q: error %v, want one that says %q", c.expr, err, c.says)
		}
	}
}

// tcp4 is an Ethernet frame with an IPv4 TCP segment between two ports.
func tcp4(src, dst uint16) []byte {
	b := make([]byte, 54)
	b[12], b[13] = 0x08, 0x00 // EtherType
	b[14] = 0x45              // IPv4, header of 5 words
	b[23] = 6                 // TCP
	copy(b[26:], []byte{10, 0, 0, 1, 192, 168, 0, 2})
	binary.BigEndian.PutUint16(b[34:], src)
	binary.BigEndian.PutUint16(b[36:], dst)
	return b
}

func TestFilterVectors(t *testing.T) {
	frame := tcp4(502, 40000)
	tagged := append(append(append([]byte{}, frame[:12]...), 0x81, 0, 0x20, 7), frame[12:]...)
	for _, c := range []struct {
		name string
		expr string
		link uint16
		data []byte
		want bool
	}{
		{"port", "tcp src port mbap", linkEthernet, frame, true},
		{"other side", "tcp dst port 502", linkEthernet, frame, false},
		{"inherited qualifiers", "dst port 502 or 40000", linkEthernet, frame, true},
		{"raw IP", "src host 10.0.0.1", linkRaw, frame[14:], true},
		{"raw IP of one version", "ip6", linkIPv4, frame[14:], false},
		{"loopback, little-endian family", "dst net 192.168", linkNull, append([]byte{2, 0, 0, 0}, frame[14:]...), true},
		{"loopback, big-endian family", "dst net 192.168", linkNull, append([]byte{0, 0, 0, 2}, frame[14:]...), true},
		{"PPP", "tcp", linkPPP, append([]byte{0xff, 3, 0, 0x21}, frame[14:]...), true},
		{"tag hides", "tcp", linkEthernet, tagged, false},
		{"tag and number", "vlan 7 and tcp", linkEthernet, tagged, true},
		{"other tag", "vlan 8", linkEthernet, tagged, false},
		{"too short is no match", "not tcp port 80", linkEthernet, frame[:30], false},
		{"no such link type", "tcp", 999, frame, false},
		{"wire length counts", "greater 1000", linkEthernet, frame, true},
		{"no MACs", "not ether broadcast", linkRaw, frame[14:], true},
		{"equal precedence", "tcp or udp and port 1", linkEthernet, frame, false},
		{"far jumps", strings.Repeat("host 1.2.3.4 or ", 60) + "tcp", linkEthernet, frame, true},
	} {
		f, err := compileFilter(c.expr)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := f.match(c.link, c.data, 1000); got != c.want {
			t.Errorf("%s: %q is %v, want %v", c.name, c.expr, got, c.want)
		}
	}
}

// FuzzFilter compiles any text, runs it over any bytes, and holds the result
// against the BPF machine of golang.org/x/net.
func FuzzFilter(f *testing.F) {
	for _, e := range expressions {
		f.Add(e, tcp4(502, 80))
	}
	f.Fuzz(func(t *testing.T, expr string, data []byte) {
		parsed, err := compileFilter(expr)
		if err != nil {
			return
		}
		for link := range shapes {
			program, err := parsed.compile(link)
			if err != nil {
				return
			}
			ins, ok := bpf.Disassemble(program)
			if !ok {
				t.Fatalf("%q: not decodable", expr)
			}
			vm, err := bpf.NewVM(ins)
			if err != nil {
				if strings.Contains(err.Error(), "division by zero") {
					return
				}
				t.Fatalf("%q: %v", expr, err)
			}
			n, err := vm.Run(data)
			if err != nil {
				t.Fatalf("%q: %v", expr, err)
			}
			if got := parsed.match(link, data, uint32(len(data))); got != (n > 0) {
				t.Errorf("%q on link type %d: %v, the other machine %v", expr, link, got, n > 0)
			}
		}
	})
}
