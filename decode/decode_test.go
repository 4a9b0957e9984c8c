package decode

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// summary is what the table tests compare: the facts of a packet in one line.
func summary(p *Packet) string {
	var b strings.Builder
	add := func(format string, args ...any) { fmt.Fprintf(&b, " "+format, args...) }
	if p.Reason != Decoded {
		add("%s", p.Reason)
	}
	if p.VLAN != NoVLAN {
		add("vlan=%d", p.VLAN)
	}
	if p.InnerVLAN != NoVLAN {
		add("inner=%d", p.InnerVLAN)
	}
	if p.HasLLC {
		add("llc=%04x", p.LLC)
	}
	if p.SNAPOUI != 0 {
		add("snap=%06x/%04x", p.SNAPOUI, p.SNAPType)
	}
	if p.NetType != 0 {
		add("%04x", p.NetType)
	}
	if p.IPVersion != 0 {
		add("%s>%s proto=%d", p.Src, p.Dst, p.Proto)
	}
	if p.AddrOK && p.Reason == BadIP {
		add("addrok")
	}
	if p.Fragment {
		add("frag=%d/%v/%d", p.FragOff, p.MoreFrags, p.FragID)
	}
	if p.Ports && (p.Proto == ProtoTCP || p.Proto == ProtoUDP) {
		add("%d>%d", p.SrcPort, p.DstPort)
	}
	if p.Ports && (p.Proto == ProtoICMP || p.Proto == ProtoICMP6) {
		add("icmp=%d/%d", p.ICMPType, p.ICMPCode)
	}
	if p.TCPCut {
		add("cut seq=%d ack=%d flags=%02x", p.Seq, p.Ack, p.Flags)
	}
	if p.TCP {
		add("seq=%d ack=%d flags=%02x", p.Seq, p.Ack, p.Flags)
	}
	if p.Payload > 0 {
		add("data=%d..%d/%d", p.Payload, p.PayloadEnd, p.PayloadWire)
	}
	if p.ARPOp != 0 {
		add("arp=%d %s %s > %s %s", p.ARPOp, p.ARPSenderMAC, p.ARPSender, p.ARPTargetMAC, p.ARPTarget)
	}
	if p.Tunnel != NoTunnel {
		add("%s=%d..%d", p.Tunnel, p.InnerOff, p.InnerEnd)
	}
	if p.L3End > 0 && p.L3End < len(p.Data) {
		add("l3=%d..%d", p.L3, p.L3End)
	}
	if p.Truncated {
		add("truncated")
	}
	return strings.TrimSpace(b.String())
}

const ips = "10.0.0.1>10.0.0.2"
const ips6 = "2001:db8::1>2001:db8::2"

var arpAsk = x("0001 0800 06 04 0001 02000000000a 0a000001 000000000000 0a000002")

func TestDecode(t *testing.T) {
	udp4 := join(ipv4(32, 17), udp(12), x("61626364"))
	udp6 := join(ipv6(12, 17), udp(12), x("61626364"))
	for _, c := range []struct {
		name string
		link uint16
		data []byte
		wire uint32 // 0: all of data
		want string
	}{
		// Ethernet and what stands between it and IP.
		{"plain TCP", LinkEthernet, join(eth("0800"), ipv4(44, 6), tcp(), x("61626364")), 0,
			"0800 " + ips + " proto=6 1000>502 seq=1 ack=2 flags=18 data=54..58/4"},
		// A minimal frame is padded to 60 bytes: the padding is no payload.
		{"padding", LinkEthernet, join(eth("0800"), ipv4(40, 6), tcp(), make([]byte, 6)), 0,
			"0800 " + ips + " proto=6 1000>502 seq=1 ack=2 flags=18 data=54..54/0 l3=14..54"},
		{"802.1Q", LinkEthernet, join(eth("8100 6064 0800"), udp4), 0,
			"vlan=100 0800 " + ips + " proto=17 1000>2000 data=46..50/4"},
		// Priority tag: id 0 is a tag, not the absence of one.
		{"VLAN 0", LinkEthernet, join(eth("8100 e000 0800"), udp4), 0,
			"vlan=0 0800 " + ips + " proto=17 1000>2000 data=46..50/4"},
		{"QinQ", LinkEthernet, join(eth("88a8 000a 8100 0014 0800"), udp4), 0,
			"vlan=10 inner=20 0800 " + ips + " proto=17 1000>2000 data=50..54/4"},
		// Three tags: the first two are kept.
		{"three tags", LinkEthernet, join(eth("9100 000a 9200 0014 8100 001e 0800"), udp4), 0,
			"vlan=10 inner=20 0800 " + ips + " proto=17 1000>2000 data=54..58/4"},
		{"cut in a tag", LinkEthernet, eth("8100 00"), 60, "short-link truncated"},
		{"cut in the MACs", LinkEthernet, x("02000000000b 0200"), 60, "short-link truncated"},
		// More tags than any network has: the network layer stays unknown.
		{"endless tags", LinkEthernet, join(eth("8100"), x(strings.Repeat("0001 8100 ", 20))), 0, "vlan=1 inner=1 8100"},
		// LLC without SNAP: spanning tree. The 802.3 length (38) cuts the padding.
		{"STP", LinkEthernet, join(eth("0026 42 42 03"), make([]byte, 35), make([]byte, 8)), 0, "llc=4242 l3=17..52"},
		// SNAP with an EtherType, here IP with a trailer behind the length.
		{"SNAP IP", LinkEthernet, join(eth("0028 aa aa 03 000000 0800"), udp4, x("ffffffff")), 0,
			"llc=aaaa 0800 " + ips + " proto=17 1000>2000 data=50..54/4 l3=22..54"},
		{"SNAP in a tag", LinkEthernet, join(eth("8100 0005 0028 aa aa 03 000000 0800"), udp4), 0,
			"vlan=5 llc=aaaa 0800 " + ips + " proto=17 1000>2000 data=54..58/4"},
		// CDP: the protocol 0x2000 is Cisco's, not an EtherType.
		{"SNAP of Cisco", LinkEthernet, eth("0008 aa aa 03 00000c 2000"), 0, "llc=aaaa snap=00000c/2000"},
		// 802.1H: bridged Ethernet types.
		{"SNAP 0000f8", LinkEthernet, join(eth("0024 aa aa 03 0000f8 0806"), arpAsk), 0,
			"llc=aaaa snap=0000f8/0806 0806 arp=1 02:00:00:00:00:0a 10.0.0.1 >  10.0.0.2"},
		// Novell: IPX directly behind the length, no LLC.
		{"raw IPX", LinkEthernet, eth("0004 ffff 0004"), 0, ""},
		{"IP by its SAP", LinkEthernet, join(eth("0023 06 06 03"), udp4), 0,
			"llc=0606 0800 " + ips + " proto=17 1000>2000 data=45..49/4"},
		// Between 1501 and 1535 a type field is neither.
		{"type 0x05dd", LinkEthernet, join(eth("05dd"), make([]byte, 8)), 0, "05dd"},
		{"MPLS", LinkEthernet, join(eth("8847 00064 0ff 00065 1ff"), udp4), 0,
			"0800 " + ips + " proto=17 1000>2000 data=50..54/4"},
		{"MPLS IPv6", LinkEthernet, join(eth("8847 00064 1ff"), udp6), 0,
			"86dd " + ips6 + " proto=17 1000>2000 data=66..70/4"},
		// A pseudowire without control word: a second Ethernet header under the label.
		{"MPLS Ethernet", LinkEthernet, join(eth("8847 00064 1ff"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=17 1000>2000 data=60..64/4"},
		{"MPLS control word", LinkEthernet, join(eth("8847 00064 1ff 00000000"), eth("8100 0007 0800"), udp4), 0,
			"vlan=7 0800 " + ips + " proto=17 1000>2000 data=68..72/4"},
		// Nothing that shows what it is: not guessed at.
		{"MPLS unknown", LinkEthernet, join(eth("8847 00064 1ff"), make([]byte, 40)), 0, "8847"},
		{"MPLS without bottom", LinkEthernet, eth("8847 00064 0ff 00065 0ff"), 0, "short-link"},
		{"PPPoE", LinkEthernet, join(eth("8864 11 00 0001 0022 0021"), udp4, x("0000")), 0,
			"0800 " + ips + " proto=17 1000>2000 data=50..54/4 l3=22..54"},
		{"PPPoE IPv6", LinkEthernet, join(eth("8864 11 00 0001 0036 0057"), udp6), 0,
			"86dd " + ips6 + " proto=17 1000>2000 data=70..74/4"},
		{"PPPoE LCP", LinkEthernet, eth("8864 11 00 0001 0006 c021 09 00 0004"), 0, "880b"},
		{"ARP", LinkEthernet, join(eth("0806"), arpAsk), 0,
			"0806 arp=1 02:00:00:00:00:0a 10.0.0.1 >  10.0.0.2"},
		// The all-zero address is one, unlike a link without MACs.
		{"ARP from MAC zero", LinkEthernet, join(eth("0806"), x("0001 0800 06 04 0002 000000000000 0a000001 02000000000a 0a000002")), 0,
			"0806 arp=2 00:00:00:00:00:00 10.0.0.1 > 02:00:00:00:00:0a 10.0.0.2"},
		{"ARP of 8-byte addresses", LinkEthernet, join(eth("0806"), x("0001 0800 08 04 0001"), make([]byte, 24)), 0, "0806"},
		{"ARP cut", LinkEthernet, join(eth("0806"), arpAsk[:27]), 0, "0806"},

		// IPv4.
		{"IPv4 options", LinkEthernet, join(eth("0800"), x("4600 0024 0000 0000 40 11 0000 0a000001 0a000002 01010101"), udp(12), x("61626364")), 0,
			"0800 " + ips + " proto=17 1000>2000 data=46..50/4"},
		// Segmentation offload leaves the total length to the card.
		{"total length 0", LinkEthernet, join(eth("0800"), ipv4(0, 6), tcp(), x("61626364")), 100,
			"0800 " + ips + " proto=6 1000>502 seq=1 ack=2 flags=18 data=54..58/46 truncated"},
		{"version 5", LinkEthernet, join(eth("0800"), x("55"), udp4[1:]), 0, "bad-ip 0800"},
		{"header length 16", LinkEthernet, join(eth("0800"), x("44"), udp4[1:]), 0, "bad-ip 0800"},
		{"header over total", LinkEthernet, join(eth("0800"), ipv4(19, 17), udp(8)), 0, "bad-ip 0800"},
		// The header says 60 bytes, the wire had 34: not cut, impossible.
		{"header over frame", LinkEthernet, join(eth("0800"), x("4f"), ipv4(60, 17)[1:]), 0, "bad-ip 0800"},
		{"IPv4 cut", LinkEthernet, join(eth("0800"), ipv4(40, 6)[:19]), 60, "short-ip 0800 truncated"},
		{"options cut", LinkEthernet, join(eth("0800"), x("4f"), ipv4(100, 6)[1:]), 114, "short-ip 0800 truncated"},
		{"first fragment", LinkEthernet, join(eth("0800"), x("4500 0020 1234 2000 40 11 0000 0a000001 0a000002"), udp(1000), x("61626364")), 0,
			"0800 " + ips + " proto=17 frag=0/true/4660 1000>2000 data=42..46/4"},
		// Later fragments begin in the middle of data: no ports.
		{"later fragment", LinkEthernet, join(eth("0800"), x("4500 0020 1234 2001 40 11 0000 0a000001 0a000002"), udp(12), x("61626364")), 0,
			"0800 " + ips + " proto=17 frag=8/true/4660"},
		// A first fragment of 3 bytes: the ports are split on purpose.
		{"tiny fragment", LinkEthernet, join(eth("0800"), x("4500 0017 1234 2000 40 06 0000 0a000001 0a000002 03e801")), 0,
			"short-transport 0800 " + ips + " proto=6 frag=0/true/4660"},
		{"AH", LinkEthernet, join(eth("0800"), ipv4(40, 51), x("11 01 0000 00000001 00000001"), udp(8)), 0,
			"0800 " + ips + " proto=17 1000>2000 data=54..54/0"},

		// Transport.
		{"TCP cut behind the ports", LinkEthernet, join(eth("0800"), ipv4(60, 6), tcp()[:4]), 74,
			"0800 " + ips + " proto=6 1000>502 truncated"},
		{"TCP cut in the ports", LinkEthernet, join(eth("0800"), ipv4(60, 6), tcp()[:3]), 74,
			"short-transport 0800 " + ips + " proto=6 truncated"},
		// Four bytes are there, but the IP header claims only two of them.
		{"ports behind the claim", LinkEthernet, join(eth("0800"), ipv4(22, 6), tcp()), 0,
			"short-transport 0800 " + ips + " proto=6 l3=14..36"},
		// Snap length 64: options of 12 bytes, 10 captured. The flags are still good.
		{"TCP options cut", LinkEthernet, join(eth("0800"), ipv4(52, 6), x("03e8 01f6 00000001 00000000 8002 2000 0000 0000 020405b401030308 0402")), 66,
			"0800 " + ips + " proto=6 1000>502 cut seq=1 ack=0 flags=02 truncated"},
		{"TCP header of 16", LinkEthernet, join(eth("0800"), ipv4(40, 6), x("03e8 01f6 00000001 00000002 4018 2000 0000 0000")), 0,
			"0800 " + ips + " proto=6 1000>502"},
		{"TCP options behind the packet", LinkEthernet, join(eth("0800"), ipv4(40, 6), x("03e8 01f6 00000001 00000002 6018 2000 0000 0000")), 0,
			"0800 " + ips + " proto=6 1000>502"},
		{"UDP shorter than IP says", LinkEthernet, join(eth("0800"), ipv4(32, 17), udp(10), x("61626364")), 0,
			"0800 " + ips + " proto=17 1000>2000 data=42..44/2"},
		{"UDP longer than IP says", LinkEthernet, join(eth("0800"), ipv4(32, 17), udp(500), x("61626364")), 0,
			"0800 " + ips + " proto=17 1000>2000 data=42..46/4"},
		{"UDP length 7", LinkEthernet, join(eth("0800"), ipv4(32, 17), udp(7), x("61626364")), 0,
			"0800 " + ips + " proto=17 1000>2000"},
		{"ICMP", LinkEthernet, join(eth("0800"), ipv4(28, 1), x("03 01 0000 00000000")), 0,
			"0800 " + ips + " proto=1 icmp=3/1 data=42..42/0"},
		// A protocol without ports may be shorter than four bytes.
		{"protocol 253", LinkEthernet, join(eth("0800"), ipv4(22, 253), x("6162")), 0, "0800 " + ips + " proto=253"},

		// IPv6.
		{"IPv6", LinkEthernet, join(eth("86dd"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=62..66/4"},
		{"IPv6 version 4", LinkEthernet, join(eth("86dd"), x("40"), udp6[1:]), 0, "bad-ip 86dd"},
		{"IPv6 cut", LinkEthernet, join(eth("86dd"), udp6[:39]), 66, "short-ip 86dd truncated"},
		// An address in the prefix that Addr uses for MACs would pass itself off as one.
		{"IPv6 reserved", LinkEthernet, join(eth("86dd"), x("60000000 0000 3b 40 00ff6f7365630002 0000020000000001 20010db8000000000000000000000002")), 0,
			"bad-ip 86dd"},
		{"extension chain", LinkEthernet, join(eth("86dd"), ipv6(44, 0), x("3c 00 0104 00000000"), x("2b 00 0104 00000000"), x("2c 00 0000 00000000"),
			x("11 00 0000 0000002a"), udp(12), x("61626364")), 0,
			"86dd " + ips6 + " proto=17 frag=0/false/42 1000>2000 data=94..98/4"},
		{"IPv6 later fragment", LinkEthernet, join(eth("86dd"), ipv6(20, 44), x("11 00 0599 0000002a"), udp(12), x("61626364")), 0,
			"86dd " + ips6 + " proto=17 frag=1432/true/42"},
		{"IPv6 AH", LinkEthernet, join(eth("86dd"), ipv6(24, 51), x("11 02 0000 00000001 00000001 00000000"), udp(8)), 0,
			"86dd " + ips6 + " proto=17 1000>2000 data=78..78/0"},
		// An option of 6 bytes in a header with room for 4.
		{"option over its header", LinkEthernet, join(eth("86dd"), ipv6(16, 60), x("11 00 c906 00000000"), udp(8)), 0,
			"bad-ip 86dd " + ips6 + " proto=60 addrok"},
		// Hop-by-hop says 16 bytes, the packet ends after 8.
		{"header behind the packet", LinkEthernet, join(eth("86dd"), ipv6(8, 0), x("11 01 0104 00000000")), 0,
			"short-transport 86dd " + ips6 + " proto=0"},
		{"endless chain", LinkEthernet, join(eth("86dd"), ipv6(800, 60), x(strings.Repeat("3c 00 0104 00000000", 100))), 0,
			"bad-ip 86dd " + ips6 + " proto=60 addrok"},
		{"no next header", LinkEthernet, join(eth("86dd"), ipv6(0, 59)), 0, "86dd " + ips6 + " proto=59"},
		// Jumbo: the length is in a hop-by-hop option, 70,000 bytes; most was not captured.
		{"jumbo", LinkEthernet, join(eth("86dd"), ipv6(0, 0), x("11 00 c204 00011170"), udp(0), x("61626364")), 70054,
			"86dd " + ips6 + " proto=17 1000>2000 data=70..74/69984 truncated"},
		{"ICMPv6", LinkEthernet, join(eth("86dd"), ipv6(8, 58), x("87 00 0000 00000000")), 0,
			"86dd " + ips6 + " proto=58 icmp=135/0 data=62..62/0"},

		// Tunnels.
		{"GRE", LinkEthernet, join(eth("0800"), ipv4(56, 47), x("0000 0800"), udp4), 0, "0800 " + ips + " proto=47 gre=38..70"},
		// Checksum, key and sequence number: 12 bytes more.
		{"GRE with all words", LinkEthernet, join(eth("0800"), ipv4(68, 47), x("b000 0800 00000000 00000001 00000002"), udp4), 0,
			"0800 " + ips + " proto=47 gre=50..82"},
		// RFC 1701 routing: one entry of 4 bytes, then the empty one.
		{"GRE with routing", LinkEthernet, join(eth("0800"), ipv4(72, 47), x("4000 0800 00000000 0800 00 04 0a000003 0000 00 00"), udp4), 0,
			"0800 " + ips + " proto=47 gre=54..86"},
		{"GRE bridging", LinkEthernet, join(eth("0800"), ipv4(70, 47), x("0000 6558"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=47 gre=38..84"},
		{"ERSPAN II", LinkEthernet, join(eth("0800"), ipv4(82, 47), x("1000 88be 00000001"), x("1001 0001 00000000"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=47 gre=50..96"},
		{"PPTP", LinkEthernet, join(eth("0800"), ipv4(40, 47), x("3001 880b 0004 0001 00000001"), make([]byte, 8)), 0, "0800 " + ips + " proto=47"},
		{"VXLAN", LinkEthernet, join(eth("0800"), ipv4(82, 17), x("c000 12b5 003e 0000"), x("08 000000 000064 00"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=17 49152>4789 data=42..96/54 vxlan=50..96"},
		// On 8472 other things run too: reserved bits set, so not VXLAN.
		{"8472 without VXLAN", LinkEthernet, join(eth("0800"), ipv4(82, 17), x("c000 2118 003e 0000"), x("0c 000000 000064 00"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=17 49152>8472 data=42..96/54"},
		{"IP in IP", LinkEthernet, join(eth("0800"), ipv4(52, 4), udp4), 0, "0800 " + ips + " proto=4 ipip=34..66"},
		{"6in4", LinkEthernet, join(eth("0800"), ipv4(72, 41), udp6), 0, "0800 " + ips + " proto=41 ipip=34..86"},
		{"4in6", LinkEthernet, join(eth("86dd"), ipv6(32, 4), udp4), 0, "86dd " + ips6 + " proto=4 ipip=54..86"},

		// Link types.
		{"raw", LinkRaw, udp4, 0, "0800 " + ips + " proto=17 1000>2000 data=28..32/4"},
		{"raw 12", LinkRaw12, udp6, 0, "86dd " + ips6 + " proto=17 1000>2000 data=48..52/4"},
		{"raw 14", LinkRaw14, udp4, 0, "0800 " + ips + " proto=17 1000>2000 data=28..32/4"},
		{"raw of no version", LinkRaw, x("00000000"), 0, "bad-ip"},
		{"raw, empty", LinkRaw, nil, 40, "short-ip truncated"},
		{"IPv4 only", LinkIPv4, udp4, 0, "0800 " + ips + " proto=17 1000>2000 data=28..32/4"},
		{"IPv6 in IPv4 only", LinkIPv4, udp6, 0, "bad-ip 0800"},
		{"IPv6 only", LinkIPv6, udp6, 0, "86dd " + ips6 + " proto=17 1000>2000 data=48..52/4"},
		// The family in the byte order of the capturing machine.
		{"null, little-endian", LinkNull, join(x("02000000"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=32..36/4"},
		{"null, big-endian", LinkNull, join(x("00000002"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=32..36/4"},
		{"null, Darwin IPv6", LinkNull, join(x("1e000000"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=52..56/4"},
		{"null, FreeBSD IPv6", LinkNull, join(x("1c000000"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=52..56/4"},
		{"null, OpenBSD IPv6", LinkNull, join(x("00000018"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=52..56/4"},
		{"null, Windows IPv6", LinkNull, join(x("17000000"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=52..56/4"},
		{"null, AppleTalk", LinkNull, x("10000000 0000"), 0, ""},
		{"loop", LinkLoop, join(x("00000002"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=32..36/4"},
		{"null, cut", LinkNull, x("0200"), 40, "short-link truncated"},
		{"PPP", LinkPPP, join(x("0021"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=30..34/4"},
		{"PPP with HDLC", LinkPPP, join(x("ff03 0057"), udp6), 0, "86dd " + ips6 + " proto=17 1000>2000 data=52..56/4"},
		{"PPP, short protocol", LinkPPPHDLC, join(x("ff03 21"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=31..35/4"},
		{"Cisco HDLC", LinkPPPHDLC, join(x("0f00 0800"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=32..36/4"},
		{"PPP with direction", LinkPPPDir, join(x("01 ff03 0021"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=33..37/4"},
		{"PPP IPCP", LinkPPP, x("8021 01000004"), 0, "880b"},
		{"PPP, empty", LinkPPP, x("ff03"), 0, "short-link"},
		{"SLL", LinkSLL, join(x("0000 0001 0006 02000000000a0000 0800"), udp4), 0, "0800 " + ips + " proto=17 1000>2000 data=44..48/4"},
		{"SLL with a tag", LinkSLL, join(x("0000 0001 0006 02000000000a0000 8100 0009 0800"), udp4), 0,
			"vlan=9 0800 " + ips + " proto=17 1000>2000 data=48..52/4"},
		{"SLL LLC", LinkSLL, x("0000 0001 0006 02000000000a0000 0004 424203 00"), 0, "llc=4242"},
		{"SLL cut", LinkSLL, x("0000 0001 0006 02000000000a0000 08"), 40, "short-link truncated"},
		{"SLL2", LinkSLL2, join(x("0806 0000 00000002 0001 00 06 02000000000a0000"), arpAsk), 0,
			"0806 arp=1 02:00:00:00:00:0a 10.0.0.1 >  10.0.0.2"},
		{"PPI with Ethernet", LinkPPI, join(x("00 00 0c00 01000000 02000000"), eth("0800"), udp4), 0,
			"0800 " + ips + " proto=17 1000>2000 data=54..58/4"},
		{"PPI in PPI", LinkPPI, x("00 00 0800 c0000000 00 00 0800 01000000"), 0, "link-type"},
		{"PPI with 802.11", LinkPPI, x("00 00 0800 69000000 0000"), 0, "link-type"},
		{"PPI header behind the frame", LinkPPI, x("00 00 2000 01000000 0000"), 0, "short-link"},
		{"802.11", 105, x("0800"), 0, "link-type"},
		{"Ethernet, empty", LinkEthernet, nil, 0, "short-link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := c.wire
			if wire == 0 {
				wire = uint32(len(c.data))
			}
			// A reused packet: nothing may be left of what was in it.
			p := Packet{VLAN: 77, Proto: 77, Ports: true, TCP: true, Fragment: true, ARPOp: 7, Tunnel: GRE, Payload: 7, Reason: BadIP}
			p.Decode(c.link, c.data, wire)
			if got := summary(&p); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if err := invariants(&p); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMACs: what the link layer says of senders, and what it cannot say.
func TestMACs(t *testing.T) {
	for _, c := range []struct {
		name     string
		link     uint16
		data     []byte
		src, dst string
	}{
		{"Ethernet", LinkEthernet, eth("0800"), "02:00:00:00:00:0a", "02:00:00:00:00:0b"},
		{"Ethernet from zero", LinkEthernet, x("ffffffffffff 000000000000 9000"), "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"},
		{"raw", LinkRaw, ipv4(20, 6), "", ""},
		{"SLL", LinkSLL, x("0000 0001 0006 02000000000a0000 9000"), "02:00:00:00:00:0a", ""},
		// A tunnel interface has addresses of 4 bytes: no MAC.
		{"SLL without MAC", LinkSLL, x("0000 0300 0004 0a00000100000000 9000"), "", ""},
		{"SLL2", LinkSLL2, x("9000 0000 00000002 0001 00 06 02000000000a0000"), "02:00:00:00:00:0a", ""},
		{"cut in a tag", LinkEthernet, eth("8100 00"), "", ""},
	} {
		var p Packet
		p.Decode(c.link, c.data, uint32(len(c.data)))
		if p.SrcMAC.String() != c.src || p.DstMAC.String() != c.dst {
			t.Errorf("%s: %q > %q, want %q > %q", c.name, p.SrcMAC, p.DstMAC, c.src, c.dst)
		}
	}
}

// TestInner: the packet inside a tunnel counts its offsets from its own start
// and takes its length from its own headers.
func TestInner(t *testing.T) {
	udp4 := join(ipv4(32, 17), udp(12), x("61626364"))
	inner := "0800 " + ips + " proto=17 1000>2000"
	for _, c := range []struct {
		name string
		data []byte
		wire uint32
		want string
		len  uint32
	}{
		{"GRE", join(ipv4(56, 47), x("0000 0800"), udp4), 0, inner + " data=28..32/4", 32},
		{"IP in IP", join(ipv4(52, 4), udp4), 0, inner + " data=28..32/4", 32},
		{"VXLAN", join(ipv4(82, 17), x("c000 12b5 003e 0000"), x("08 000000 000064 00"), eth("0800"), udp4), 0, inner + " data=42..46/4", 46},
		// The inner tag is the inner packet's own.
		{"VXLAN with a tag", join(ipv4(86, 17), x("c000 12b5 0042 0000"), x("08 000000 000064 00"), eth("8100 0021 0800"), udp4), 0,
			"vlan=33 " + inner + " data=46..50/4", 50},
		{"ERSPAN III", join(ipv4(82, 47), x("0000 22eb"), x("2001 0001 00000000 0000 0000"), eth("0800"), udp4), 0, inner + " data=42..46/4", 46},
		// Cut by the snap length inside the inner payload.
		{"cut", join(ipv4(52, 4), udp4[:30]), 52, inner + " data=28..30/4 truncated", 32},
		{"GRE in GRE", join(ipv4(80, 47), x("0000 0800"), ipv4(56, 47), x("0000 0800"), udp4), 0, "0800 " + ips + " proto=47 gre=24..56", 56},
		{"cut in the inner header", join(ipv4(52, 4), udp4[:10]), 52, "short-ip 0800 truncated", 32},
	} {
		t.Run(c.name, func(t *testing.T) {
			wire := c.wire
			if wire == 0 {
				wire = uint32(len(c.data))
			}
			var out, in Packet
			out.Decode(LinkRaw, c.data, wire)
			in.DecodeInner(&out)
			if got := summary(&in); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if in.WireLen != c.len {
				t.Errorf("length on the wire %d, want %d", in.WireLen, c.len)
			}
			if err := invariants(&in); err != nil {
				t.Error(err)
			}
		})
	}
	var out, in Packet
	out.Decode(LinkRaw, udp4, 32)
	in.DecodeInner(&out)
	if in.Reason != BadLinkType {
		t.Errorf("the inside of no tunnel: %v", in.Reason)
	}
}

// invariants checks what Packet promises of its offsets, whatever was decoded.
func invariants(p *Packet) error {
	n := len(p.Data)
	within := func(what string, off int) error {
		if off < 0 || off > n {
			return fmt.Errorf("%s %d outside of %d bytes", what, off, n)
		}
		return nil
	}
	for _, c := range []struct {
		what string
		off  int
	}{{"L3", p.L3}, {"L3End", p.L3End}, {"L4", p.L4}, {"FragData", p.FragData}, {"Payload", p.Payload},
		{"PayloadEnd", p.PayloadEnd}, {"InnerOff", p.InnerOff}, {"InnerEnd", p.InnerEnd}, {"TCPOpts", p.TCPOpts}} {
		if err := within(c.what, c.off); err != nil {
			return err
		}
	}
	switch {
	case p.Reason >= Reason(NumReasons):
		return fmt.Errorf("reason %d", p.Reason)
	case p.L3 > p.L3End:
		return fmt.Errorf("L3 %d behind L3End %d", p.L3, p.L3End)
	case p.Payload > 0 && (p.Payload > p.PayloadEnd || p.PayloadEnd > p.L3End || p.PayloadWire < p.PayloadEnd-p.Payload || p.L4 >= p.Payload):
		return fmt.Errorf("payload %d..%d/%d, L4 %d, L3End %d", p.Payload, p.PayloadEnd, p.PayloadWire, p.L4, p.L3End)
	case p.Ports && (p.IPVersion == 0 || p.L4+4 > p.L3End || p.Reason != Decoded || p.L4 <= p.L3):
		return fmt.Errorf("ports at %d..%d, %v", p.L4, p.L3End, p.Reason)
	case p.TCP && (!p.Ports || p.TCPCut || p.Proto != ProtoTCP || p.TCPOpts > p.Payload || p.TCPOpts != p.L4+20):
		return fmt.Errorf("TCP of protocol %d, options at %d", p.Proto, p.TCPOpts)
	case p.Fragment && (p.IPVersion == 0 || p.FragData == 0 || p.FragData > p.L3End || p.FragOff > 0 && p.Ports):
		return fmt.Errorf("fragment data at %d", p.FragData)
	case p.Tunnel != NoTunnel && (p.InnerOff >= p.InnerEnd || p.InnerEnd > p.L3End || p.InnerLink != LinkEthernet && p.InnerLink != LinkRaw):
		return fmt.Errorf("%v %d..%d, link %d", p.Tunnel, p.InnerOff, p.InnerEnd, p.InnerLink)
	case p.AddrOK != (p.IPVersion != 0):
		return fmt.Errorf("AddrOK %v with IP version %d", p.AddrOK, p.IPVersion)
	case p.IPVersion == 6 && (p.Src.Reserved() || p.Dst.Reserved()), p.IPVersion == 4 && (!p.Src.IsIPv4() || !p.Dst.IsIPv4()):
		return fmt.Errorf("addresses %v, %v in IPv%d", p.Src, p.Dst, p.IPVersion)
	case p.Truncated && p.WireLen <= uint32(n):
		return fmt.Errorf("truncated: %d bytes, %d on the wire", n, p.WireLen)
	case (p.Reason == ShortLink || p.Reason == BadLinkType) && (p.SrcMAC != 0 || p.IPVersion != 0 || p.ARPOp != 0 || p.VLAN != NoVLAN):
		return fmt.Errorf("%v, but something was taken", p.Reason)
	case p.InnerVLAN != NoVLAN && p.VLAN == NoVLAN:
		return fmt.Errorf("an inner tag without outer")
	}
	return nil
}

// checkLayers holds that Layers stays inside the frame and goes forward.
func checkLayers(p *Packet) error {
	for _, l := range p.Layers() {
		if l.Offset < 0 || l.Length < 0 || l.Offset+l.Length > len(p.Data) {
			return fmt.Errorf("layer %s %d+%d outside of %d bytes", l.Name, l.Offset, l.Length, len(p.Data))
		}
	}
	return nil
}

var allLinks = []uint16{LinkNull, LinkEthernet, LinkPPP, LinkRaw12, LinkPPPHDLC, LinkRaw, LinkLoop, LinkSLL, LinkPPI,
	LinkPPPDir, LinkIPv4, LinkIPv6, LinkSLL2, 105}

// FuzzDecode reads any bytes as every link type, tunnels inside included.
func FuzzDecode(f *testing.F) {
	udp4 := join(ipv4(32, 17), udp(12), x("61626364"))
	for _, s := range [][]byte{
		join(eth("8100 6064 0800"), ipv4(44, 6), tcp(), x("61626364")),
		join(eth("86dd"), ipv6(44, 0), x("3c 00 0104 00000000"), x("2b 00 0104 00000000"), x("2c 00 0000 00000000"), x("11 00 0000 0000002a"), udp(12), x("61626364")),
		join(eth("0800"), ipv4(82, 17), x("c000 12b5 003e 0000"), x("08 000000 000064 00"), eth("0800"), udp4),
		join(eth("0800"), ipv4(72, 47), x("4000 0800 00000000 0800 00 04 0a000003 0000 00 00"), udp4),
		join(eth("8847 00064 1ff 00000000"), eth("8100 0007 0800"), udp4),
		join(eth("8864 11 00 0001 0022 0021"), udp4),
		join(eth("0028 aa aa 03 000000 0800"), udp4),
		join(eth("0806"), arpAsk),
		join(x("00 00 0c00 01000000 02000000"), eth("0800"), udp4),
		join(eth("86dd"), ipv6(0, 0), x("11 00 c204 00011170"), udp(0), x("61626364")),
	} {
		f.Add(s, uint32(len(s)))
	}
	f.Fuzz(func(t *testing.T, data []byte, wire uint32) {
		var p, in Packet
		for _, link := range allLinks {
			p.Decode(link, data, wire)
			if err := invariants(&p); err != nil {
				t.Fatalf("link %d: %v", link, err)
			}
			if err := checkLayers(&p); err != nil {
				t.Fatalf("link %d: %v", link, err)
			}
			out := p
			for range 4 {
				if out.Tunnel == NoTunnel {
					break
				}
				in.DecodeInner(&out)
				if err := invariants(&in); err != nil {
					t.Fatalf("inside link %d: %v", link, err)
				}
				out = in
			}
		}
	})
}

// TestCutEverywhere shortens every shared frame at every byte of its headers:
// what was cut may be missing, never misread past the end.
func TestCutEverywhere(t *testing.T) {
	dir := sharedCaptures(t)
	var p Packet
	for _, name := range captureFiles(t, dir) {
		for i, f := range readFrames(t, filepath.Join(dir, name)) {
			if i == 50 {
				break
			}
			for n := range min(len(f.data), 120) {
				p.Decode(f.link, f.data[:n:n], f.wire)
				if err := invariants(&p); err != nil {
					t.Fatalf("%s frame %d cut to %d: %v", name, i+1, n, err)
				}
			}
		}
	}
}

// TestNoAllocation: not one frame of the shared captures, nor what is inside
// it, costs an allocation.
func TestNoAllocation(t *testing.T) {
	dir := sharedCaptures(t)
	var p, in Packet
	for _, name := range captureFiles(t, dir) {
		frames := readFrames(t, filepath.Join(dir, name))
		if n := testing.AllocsPerRun(1, func() {
			for i := range frames {
				p.Decode(frames[i].link, frames[i].data, frames[i].wire)
				if p.Tunnel != NoTunnel {
					in.DecodeInner(&p)
				}
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations in %d frames", name, n, len(frames))
		}
	}
}

// TestInvariantsOnCaptures also goes through Layers for every frame.
func TestInvariantsOnCaptures(t *testing.T) {
	dir := sharedCaptures(t)
	var p Packet
	for _, name := range captureFiles(t, dir) {
		for i, f := range readFrames(t, filepath.Join(dir, name)) {
			p.Decode(f.link, f.data, f.wire)
			err := invariants(&p)
			if err == nil && (i < 200 || p.Tunnel != NoTunnel) {
				err = checkLayers(&p)
			}
			if err != nil {
				t.Fatalf("%s frame %d: %v", name, i+1, err)
			}
		}
	}
}

// TestLayers: header by header, with offsets that leave no gap.
func TestLayers(t *testing.T) {
	udp4 := join(ipv4(32, 17), udp(12), x("61626364"))
	for _, c := range []struct {
		name string
		link uint16
		data []byte
		want string
	}{
		{"tagged TCP", LinkEthernet, join(eth("8100 6064 0800"), ipv4(44, 6), tcp(), x("61626364"), x("0000")),
			"Ethernet 0+14, 802.1Q 14+4, IPv4 18+20, TCP 38+20, Data 58+4, Trailer 62+2"},
		{"SNAP", LinkEthernet, join(eth("0028 aa aa 03 000000 0800"), udp4),
			"Ethernet 0+14, LLC 14+3, SNAP 17+5, IPv4 22+20, UDP 42+8, Data 50+4"},
		{"PPPoE", LinkEthernet, join(eth("8864 11 00 0001 0022 0021"), udp4),
			"Ethernet 0+14, PPPoE 14+6, PPP 20+2, IPv4 22+20, UDP 42+8, Data 50+4"},
		{"pseudowire", LinkEthernet, join(eth("8847 00064 0ff 00065 1ff"), eth("0800"), udp4),
			"Ethernet 0+14, MPLS 14+4, MPLS 18+4, Ethernet pseudowire 22+14, IPv4 36+20, UDP 56+8, Data 64+4"},
		{"VXLAN", LinkRaw, join(ipv4(82, 17), x("c000 12b5 003e 0000"), x("08 000000 000064 00"), eth("0800"), udp4),
			"IPv4 0+20, UDP 20+8, VXLAN 28+8, Ethernet 36+14, IPv4 50+20, UDP 70+8, Data 78+4"},
		{"IPv6 with a fragment", LinkEthernet, join(eth("86dd"), ipv6(28, 0), x("2c 00 0104 00000000"), x("11 00 0001 0000002a"), udp(100), x("61626364")),
			"Ethernet 0+14, IPv6 14+40, Hop-by-hop options 54+8, Fragment 62+8, UDP 70+8, Data 78+4"},
		{"ARP", LinkEthernet, join(eth("0806"), arpAsk), "Ethernet 0+14, ARP 14+28"},
		{"bad IP", LinkEthernet, join(eth("0800"), x("55"), udp4[1:]), "Ethernet 0+14, Data 14+32 (skipped bad-ip)"},
		{"refused", 105, x("0800"), "Frame 0+2 (skipped link-type)"},
		{"PPP", LinkPPPDir, join(x("01 ff03 0021"), udp4), "Direction 0+1, HDLC 1+2, PPP 3+2, IPv4 5+20, UDP 25+8, Data 33+4"},
		{"SLL2", LinkSLL2, join(x("0806 0000 00000002 0001 00 06 02000000000a0000"), arpAsk), "Linux cooked v2 0+20, ARP 20+28"},
	} {
		var p Packet
		p.Decode(c.link, c.data, uint32(len(c.data)))
		var parts []string
		for _, l := range p.Layers() {
			s := fmt.Sprintf("%s %d+%d", l.Name, l.Offset, l.Length)
			for _, f := range l.Fields {
				if f.Name == "skipped" {
					s += " (skipped " + f.Value + ")"
				}
			}
			parts = append(parts, s)
		}
		if got := strings.Join(parts, ", "); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	// The values are the header's, in the field's words.
	var p Packet
	p.Decode(LinkEthernet, join(eth("0800"), ipv4(40, 6), tcp()), 54)
	got := map[string]string{}
	for _, l := range p.Layers() {
		for _, f := range l.Fields {
			got[l.Name+" "+f.Name] = f.Value
		}
	}
	for k, want := range map[string]string{"Ethernet source": "02:00:00:00:00:0a", "IPv4 identification": "0x1234", "IPv4 TTL": "64",
		"IPv4 source": "10.0.0.1", "TCP destination port": "502", "TCP flags": "PSH,ACK", "TCP window": "8192", "TCP sequence number": "1"} {
		if got[k] != want {
			t.Errorf("%s: %q, want %q", k, got[k], want)
		}
	}
}

// TestAddrRoundTrip: bytes, text and order of every kind of address.
func TestAddrRoundTrip(t *testing.T) {
	in := []string{"0.0.0.0", "10.0.0.2", "255.255.255.255", "::", "2001:db8::1", "ff02::1", "00:00:00:00:00:00", "02:00:00:00:00:0a", "ff:ff:ff:ff:ff:ff"}
	var last Addr
	for i, s := range in {
		a, err := ParseAddr(s)
		if err != nil || a.String() != s {
			t.Fatalf("%s: %v, %v", s, a, err)
		}
		b, err := FromBytes(a.Bytes())
		if err != nil || b != a {
			t.Errorf("%s: bytes give %v, %v", s, b, err)
		}
		if i > 0 && (!last.Less(a) || a.Less(last) || a.Compare(a) != 0) {
			t.Errorf("%v is not before %v", last, a)
		}
		last = a
	}
	for _, s := range []string{"", "10.0.0", "fe80::1%eth0", "02:00:00:00:00", "02:00:00:00:00:zz", "0200:0000:000a"} {
		if a, err := ParseAddr(s); err == nil {
			t.Errorf("%q gave %v", s, a)
		}
	}
	if _, err := FromBytes(make([]byte, 5)); err == nil {
		t.Error("5 bytes gave an address")
	}
	var none MAC
	if none.String() != "" || NullMAC.String() != "00:00:00:00:00:00" || NullMAC.Group() || NullMAC.Local() {
		t.Error("the address of zeros and none at all")
	}
	b := make([]byte, 16)
	binary.BigEndian.PutUint64(b, prefixMAC)
	if !IPv6(b).Reserved() {
		t.Error("an IPv6 address in the prefix of MACs is not reserved")
	}
}
