package observe

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
)

// TestHostFacts: what identity decoders tell stands in the minute, about whom
// they say, and addresses have the evidence.
func TestHostFacts(t *testing.T) {
	ack := make([]byte, 240, 260)
	copy(ack, []byte{2, 1, 6})                      // reply, Ethernet
	copy(ack[16:], []byte{10, 0, 0, 9})             // yiaddr
	copy(ack[28:], []byte{2, 0, 0, 0, 0, 9})        // chaddr
	copy(ack[236:], []byte{0x63, 0x82, 0x53, 0x63}) // cookie
	ack = append(ack, 53, 1, 5, 12, 2, 'P', '9', 255)
	dhcp := udp(67, 68, ack)
	const target = "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07"
	ndp := func(hops byte) []byte {
		f := []byte("\x33\x33\x00\x00\x00\x01\x02\x00\x00\x00\x00\x07\x86\xdd" + // Ethernet
			"\x60\x00\x00\x00\x00\x20\x3a\x00" + target + "\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + // IPv6: 32 bytes of ICMPv6
			"\x88\x00\x00\x00\x20\x00\x00\x00" + target + "\x02\x01\x02\x00\x00\x00\x00\x07") // advertisement with its MAC
		f[21] = hops
		return f
	}
	lldp := []byte("\x01\x80\xc2\x00\x00\x0e\x02\x00\x00\x00\x00\x05\x88\xcc" +
		"\x02\x07\x04\x02\x00\x00\x00\x00\x05\x04\x03\x07p1\x06\x02\x00\x78\x0a\x02SW\x00\x00")
	cdp := []byte("\x01\x00\x0c\xcc\xcc\xcc\x02\x00\x00\x00\x00\x06\x00\x12" + // 802.3, 18 bytes
		"\xaa\xaa\x03\x00\x00\x0c\x20\x00" + "\x02\xb4\x00\x00\x00\x01\x00\x06SX")
	get := func(i int) []byte { return fmt.Appendf(nil, "GET / HTTP/1.1\r\nUser-Agent: a%02d\r\n\r\n", i) }

	for _, c := range []struct {
		name  string
		send  func(n *net)
		facts []string
		known []string
	}{
		{"DHCP acknowledgement", func(n *net) { n.frame(frame(server, client, 17, 1, 0, dhcp)) },
			[]string{"10.0.0.9 02:00:00:00:00:09 dhcp hostname P9"}, []string{"10.0.0.9 02:00:00:00:00:09 [dhcp]"}},
		{"inside a tunnel it is of another network", func(n *net) { n.frame(frame(7, 8, 4, 1, 0, frame(server, client, 17, 1, 0, dhcp)[14:])) }, nil, nil},
		{"neighbour advertisement", func(n *net) { n.frame(ndp(255)) }, nil, []string{"fd00::7 02:00:00:00:00:07 [ip ndp]"}},
		{"neighbour advertisement through a router", func(n *net) { n.frame(ndp(254)) }, nil, []string{"fd00::7 02:00:00:00:00:07 [ip]"}},
		{"LLDP", func(n *net) { n.frame(lldp) }, []string{
			"02:00:00:00:00:05 02:00:00:00:00:05 lldp chassis-id 02:00:00:00:00:05", "02:00:00:00:00:05 02:00:00:00:00:05 lldp hostname SW",
			"02:00:00:00:00:05 02:00:00:00:00:05 lldp port-id p1"}, []string{"02:00:00:00:00:05 02:00:00:00:00:05 [ethernet]"}},
		{"CDP", func(n *net) { n.frame(cdp) }, []string{"02:00:00:00:00:06 02:00:00:00:00:06 cdp hostname SX"}, []string{"02:00:00:00:00:06 02:00:00:00:00:06 [ethernet]"}},
		{"the first payloads of a connection", func(n *net) {
			seq := uint32(100)
			for i := range 12 {
				n.frame(tcp(client, server, 40000, 80, seq, 1, decode.ACK, get(i)))
				seq += uint32(len(get(i)))
			}
		}, []string{"a00", "a01", "a02", "a03", "a04", "a05", "a06", "a07"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newNet(t)
			c.send(n)
			n.finish()
			var facts, known []string
			for _, m := range n.got {
				for _, f := range m.Facts {
					facts = append(facts, fmt.Sprint(f.IP, " ", f.MAC, " ", f.Source, " ", f.Kind, " ", f.Value))
				}
				for _, a := range m.Addresses {
					known = append(known, fmt.Sprint(a.IP, " ", a.MAC, " ", a.Evidence.Names()))
				}
			}
			if !slices.EqualFunc(facts, c.facts, strings.HasSuffix) {
				t.Errorf("facts %q", facts)
			}
			for _, k := range c.known {
				if !slices.Contains(known, k) {
					t.Errorf("addresses %q, want %q", known, k)
				}
			}
		})
	}
}

// TestEvidenceAndLogs: a port is a kind of log, no evidence.
func TestEvidenceAndLogs(t *testing.T) {
	n := newNet(t)
	q := make([]byte, 17)
	binary.BigEndian.PutUint16(q[4:], 1)
	n.frame(frame(client, server, 17, 1, 0, udp(40000, 53, q)))
	n.finish()
	for _, a := range n.got[0].Addresses {
		if a.Evidence&SeenDNS == 0 {
			t.Errorf("%s is not in the log of names", a.IP)
		}
		if got := fmt.Sprint(a.Evidence.Names()); got != "[ip]" && got != "[receiver]" {
			t.Errorf("%s is known by %s", a.IP, got)
		}
	}
}

// TestSYNsAreToldOnceAMinute: each form of an address once a minute, and a flood does not take the place of other facts.
func TestSYNsAreToldOnceAMinute(t *testing.T) {
	syn := func(src, window uint16, flags byte) []byte {
		f := tcp(uint32(src), server, 40000, 502, 1, 0, flags, nil)
		binary.BigEndian.PutUint16(f[14+20+14:], window)
		return f
	}
	n := newNet(t)
	for i := range 5 {
		n.frame(syn(7, 100, decode.SYN))
		n.frame(syn(7, 200, decode.SYN))
		n.frame(syn(7, uint16(300+i), decode.ACK)) // no SYN: says nothing
	}
	n.frame(syn(8, 100, decode.SYN|decode.ACK))
	n.finish()
	got := map[string]int{}
	for _, m := range n.got {
		for _, f := range m.Facts {
			if f.Source == "tcp" && f.IP.Lo>>24 != 0x0b {
				got[f.Kind+" "+f.IP.String()+" "+f.Value]++
			}
		}
	}
	if len(got) != 3 {
		t.Errorf("told %v, want three forms", got)
	}
	for k, times := range got {
		if times != 1 {
			t.Errorf("%s: told %d times", k, times)
		}
	}
}

// TestAFloodOfSYNsLeavesRoomForFacts: forms of SYNs from forged addresses are bounded, and counted where they are not told.
func TestAFloodOfSYNsLeavesRoomForFacts(t *testing.T) {
	tables := NewTables([]*ot.Protocol{toy})
	s := NewShard(tables)
	const start = 1_700_000_000e9
	for i := range 3 * maxFacts {
		s.Frame(decode.LinkEthernet, start+int64(i), tcp(0x0b000000+uint32(i), server, 40000, 502, 1, 0, decode.SYN, nil), 54, FrameRef{0, int64(i)}, false)
	}
	b := s.bucketFor(MinuteOf(start))
	if len(b.facts) != maxSYNs || b.counters.Dropped[DropFacts] != 3*maxFacts-maxSYNs {
		t.Errorf("%d facts, %d dropped; want %d and the rest", len(b.facts), b.counters.Dropped[DropFacts], maxSYNs)
	}
}

// TestADatagramInFragmentsIsRead: an announcement over two fragments, in either order.
func TestADatagramInFragmentsIsRead(t *testing.T) {
	payload := udp(1900, 1900, []byte("NOTIFY * HTTP/1.1\r\nX: 12345678901234567890\r\nSERVER: Linux/5.4 UPnP/1.0 x/1\r\n\r\n"))
	first := frame(client, server, 17, 9, 0x2000, payload[:48])
	second := frame(client, server, 17, 9, 48/8, payload[48:])
	for name, order := range map[string][][]byte{"in order": {first, second}, "the later one first": {second, first}} {
		n := newNet(t)
		for _, f := range order {
			n.frame(f)
		}
		n.finish()
		var facts []string
		for _, m := range n.got {
			for _, f := range m.Facts {
				facts = append(facts, fmt.Sprint(f.IP, " ", f.Source, " ", f.Kind, " ", f.Value))
			}
		}
		if !slices.Equal(facts, []string{"10.0.0.1 ssdp server-banner Linux/5.4 UPnP/1.0 x/1"}) {
			t.Errorf("%s: facts %q", name, facts)
		}
	}
}
