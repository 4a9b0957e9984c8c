package decode

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type expected struct {
	Packets   int                 `json:"packets"`
	LinkTypes map[string]int      `json:"link_types"`
	Protocols map[string]int      `json:"protocol_frames"`
	Fragments int                 `json:"ip_fragments"`
	MacIPs    map[string][]string `json:"mac_ips"`
	ARP       []struct {
		MAC    string `json:"mac"`
		IP     string `json:"ip"`
		EthSrc string `json:"eth_src"`
	} `json:"arp_senders"`
	Conversations []struct {
		Proto string `json:"proto"`
		A     string `json:"a"`
		B     string `json:"b"`
		APort uint16 `json:"a_port"`
		BPort uint16 `json:"b_port"`
		AtoB  sums   `json:"a_to_b"`
		BtoA  sums   `json:"b_to_a"`
		VLANs []int  `json:"vlans"`
	} `json:"conversations"`
}

func (k tuple) String() string {
	return fmt.Sprintf("{%d %v %d %v %d}", k.proto, k.src, k.sport, k.dst, k.dport)
}

type sums struct {
	Packets int `json:"packets"`
	Bytes   int `json:"bytes"`
}

// tuple is one direction of a conversation.
type tuple struct {
	proto        uint8
	src, dst     netip.Addr
	sport, dport uint16
}

type facts struct {
	flows   map[tuple]*sums
	vlans   map[tuple]map[int]bool // by the direction a to b
	macIPs  map[string]bool
	arp     map[string]bool
	senders map[string]bool
	reasons [NumReasons]int
	frags   int
}

// turn gives the direction from the smaller to the larger end, as the oracle
// orders them: IP version, address, port.
func turn(k tuple) tuple {
	c := k.src.Compare(k.dst)
	if c > 0 || c == 0 && k.sport > k.dport {
		k.src, k.dst, k.sport, k.dport = k.dst, k.src, k.dport, k.sport
	}
	return k
}

func factsOf(frames []frame) *facts {
	f := &facts{flows: map[tuple]*sums{}, vlans: map[tuple]map[int]bool{}, macIPs: map[string]bool{},
		arp: map[string]bool{}, senders: map[string]bool{}}
	var p Packet
	for _, fr := range frames {
		p.Decode(fr.link, fr.data, fr.wire)
		f.reasons[p.Reason]++
		if p.ARPOp != 0 {
			f.arp[p.ARPSenderMAC.String()+" "+p.ARPSender.String()] = true
		}
		if p.AddrOK {
			f.senders[p.Src.String()] = true
			if p.SrcMAC != 0 {
				f.macIPs[p.SrcMAC.String()+" "+p.Src.String()] = true
			}
		}
		if p.Fragment {
			f.frags++
		}
		if p.Ports && (p.Proto == ProtoTCP || p.Proto == ProtoUDP) {
			k := tuple{p.Proto, p.Src.Netip(), p.Dst.Netip(), p.SrcPort, p.DstPort}
			s := f.flows[k]
			if s == nil {
				s = new(sums)
				f.flows[k] = s
			}
			s.Packets++
			s.Bytes += int(fr.wire)
			if p.VLAN != NoVLAN {
				t := turn(k)
				if f.vlans[t] == nil {
					f.vlans[t] = map[int]bool{}
				}
				f.vlans[t][int(p.VLAN)] = true
			}
		}
	}
	return f
}

// links are the oracle's numbers of the link types that are read.
var links = map[string]bool{"1": true, "25": true, "210": true, "7": true, "129": true, "130": true,
	"15": true, "4": true, "19": true, "97": true}

// carriers are the oracle's names of what may carry Ethernet: ARP inside is
// not compared.
var carriers = []string{"vxlan", "capwap", "gre", "geneve", "etherip", "erspan", "gtp", "nvgre",
	"lisp", "zep", "l2tp", "mpls", "pcap_pktdata", "openflow_v1", "openflow_v6"}

// excused are differences where the oracle is wrong, with the reason.
// Keys are the capture and the beginning of the difference.
var excused = map[string]string{
	"tunnel-vlan/ipv6-mobility-dst-opts.pcap flow {17 2001:4f8:4:7:2e0:81ff:fe52:ffff": "a destination option longer than its header",
	"fuzz/fuzz-2006-06-26-2594.pcap arp 00:30:54:00:da:56 192.168.1.1":                 "ARP with a broken hardware type",
}

// TestOracle holds what Decode says of every shared capture against facts that
// an independent dissector gave: conversations with packets, bytes and VLANs
// each way, which MAC sent which IP source, ARP senders.
func TestOracle(t *testing.T) {
	dir := sharedCaptures(t)
	names := captureFiles(t, dir)
	compared, equal, refused := 0, 0, 0
	var reasons [NumReasons]int
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(dir, "expected", name+".json"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var want expected
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		read := len(want.LinkTypes) == 0
		for l := range want.LinkTypes {
			read = read || links[l]
		}
		frames := readFrames(t, filepath.Join(dir, name))
		got := factsOf(frames)
		for i, n := range got.reasons {
			reasons[i] += n
		}
		if !read {
			refused++
			if got.reasons[BadLinkType] != len(frames) {
				t.Errorf("%s: %d of %d frames refused", name, got.reasons[BadLinkType], len(frames))
			}
			continue
		}
		compared++
		diffs := differences(name, &want, got, frames)
		if len(diffs) == 0 {
			equal++
			continue
		}
		for i, d := range diffs {
			if i == 6 {
				t.Errorf("%s: and %d more", name, len(diffs)-i)
				break
			}
			t.Errorf("%s: %s", name, d)
		}
	}
	t.Logf("%d captures compared, %d equal, %d refused; frames by reason %v", compared, equal, refused, reasons)
}

func differences(name string, want *expected, got *facts, frames []frame) []string {
	var out []string
	add := func(format string, args ...any) {
		d := fmt.Sprintf(format, args...)
		for k := range excused {
			if strings.HasPrefix(name+" "+d, k) {
				return
			}
		}
		out = append(out, d)
	}
	if n := want.Packets - want.LinkTypes["?"]; n != len(frames) {
		add("%d frames, expected %d", len(frames), n)
	}
	if got.frags != want.Fragments {
		add("%d fragments, expected %d", got.frags, want.Fragments)
	}
	sent := map[string]bool{}
	seen := map[tuple]bool{}
	for _, c := range want.Conversations {
		k := tuple{ProtoTCP, parse(c.A), parse(c.B), c.APort, c.BPort}
		if c.Proto == "udp" {
			k.proto = ProtoUDP
		}
		back := tuple{k.proto, k.dst, k.src, k.dport, k.sport}
		check := func(k tuple, w sums) {
			var g sums
			if s := got.flows[k]; s != nil {
				g = *s
			}
			if g != w {
				add("flow %v: %v, expected %v", k, g, w)
			}
			seen[k] = true
			if w.Packets > 0 {
				sent[k.src.String()] = true
			}
		}
		check(k, c.AtoB)
		if back != k {
			check(back, c.BtoA)
		}
		g := slices.Sorted(maps.Keys(got.vlans[turn(k)]))
		if !slices.Equal(g, c.VLANs) {
			add("vlans of %v: %v, expected %v", k, g, c.VLANs)
		}
	}
	for k := range got.flows {
		if !seen[k] {
			add("flow not expected %v", k)
		}
	}
	if _, ok := want.Protocols["6lowpan"]; ok {
		return out
	}
	macIPs := map[string]bool{}
	for mac, ips := range want.MacIPs {
		for _, ip := range ips {
			macIPs[mac+" "+parse(ip).String()] = true
		}
	}
	diffSets(add, "mac-ip", macIPs, got.macIPs, len(want.LinkTypes) != 1 || want.LinkTypes["1"] == 0)
	tunnels := false
	for _, c := range carriers {
		tunnels = tunnels || want.Protocols[c] > 0
	}
	arp, maybe := map[string]bool{}, map[string]bool{}
	for _, a := range want.ARP {
		if len(a.MAC) == 17 && a.IP != "" {
			if tunnels && a.EthSrc != "" && a.EthSrc != a.MAC {
				maybe[a.MAC+" "+a.IP] = true
			} else {
				arp[a.MAC+" "+a.IP] = true
			}
		}
	}
	for k := range maybe {
		if !arp[k] {
			delete(got.arp, k)
		}
	}
	diffSets(add, "arp", arp, got.arp, false)
	for ip := range sent {
		if !got.senders[ip] {
			add("sender %s missing", ip)
		}
	}
	return out
}

func diffSets(add func(string, ...any), what string, want, got map[string]bool, more bool) {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if !got[k] {
			add("%s missing %s", what, k)
		}
	}
	if !more {
		for _, k := range slices.Sorted(maps.Keys(got)) {
			if !want[k] {
				add("%s %s", what, k)
			}
		}
	}
}

func parse(s string) netip.Addr {
	s, _, _ = strings.Cut(s, "%")
	return netip.MustParseAddr(s)
}
