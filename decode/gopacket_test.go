package decode

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// viewOf is what both decoders are held against: the outermost addresses and
// the transport header.
type viewOf struct {
	src, dst     MAC
	vlan, inner  uint16
	ipSrc, ipDst string
	proto        uint8
	sport, dport uint16
	tcp          bool
	seq, ack     uint32
	flags        uint8
	payload      int
}

// gopacketView walks gopacket's layers down to the first transport header.
func gopacketView(link uint16, data []byte) (v viewOf, chain string) {
	v.vlan, v.inner = NoVLAN, NoVLAN
	v.payload = -1
	var first gopacket.Decoder = layers.LinkType(link)
	switch link {
	case LinkRaw12, LinkRaw14, LinkRaw, LinkIPv4, LinkIPv6: // it knows one number of these
		first = layers.LayerTypeIPv4
		if len(data) > 0 && data[0]>>4 == 6 {
			first = layers.LayerTypeIPv6
		}
	}
	pkt := gopacket.NewPacket(data, first, gopacket.DecodeOptions{Lazy: false, NoCopy: true})
	for _, l := range pkt.Layers() {
		chain += "/" + l.LayerType().String()
		switch l := l.(type) {
		case *layers.Ethernet:
			v.src, v.dst = MACFromBytes(l.SrcMAC), MACFromBytes(l.DstMAC)
		case *layers.LinuxSLL:
			if len(l.Addr) == 6 {
				v.src = MACFromBytes(l.Addr)
			}
		case *layers.Dot1Q:
			if v.vlan == NoVLAN {
				v.vlan = l.VLANIdentifier
			} else if v.inner == NoVLAN {
				v.inner = l.VLANIdentifier
			}
		case *layers.IPv4:
			if v.ipSrc != "" {
				return v, chain
			}
			v.ipSrc, v.ipDst, v.proto = l.SrcIP.String(), l.DstIP.String(), uint8(l.Protocol)
		case *layers.IPv6:
			if v.ipSrc != "" {
				return v, chain
			}
			v.ipSrc, v.ipDst, v.proto = l.SrcIP.String(), l.DstIP.String(), uint8(l.NextHeader)
		case *layers.IPv6HopByHop:
			v.proto = uint8(l.NextHeader)
		case *layers.IPv6Destination:
			v.proto = uint8(l.NextHeader)
		case *layers.IPv6Fragment:
			v.proto = uint8(l.NextHeader)
		case *layers.IPv6Routing:
			v.proto = uint8(l.NextHeader)
		case *layers.TCP:
			v.sport, v.dport, v.tcp = uint16(l.SrcPort), uint16(l.DstPort), true
			v.seq, v.ack = l.Seq, l.Ack
			v.flags = l.Contents[13]
			v.payload = len(l.Payload)
			return v, chain
		case *layers.UDP:
			v.sport, v.dport = uint16(l.SrcPort), uint16(l.DstPort)
			v.payload = len(l.Payload)
			return v, chain
		}
	}
	return v, chain
}

func viewOfPacket(p *Packet) viewOf {
	v := viewOf{src: p.SrcMAC, dst: p.DstMAC, vlan: p.VLAN, inner: p.InnerVLAN, payload: -1}
	if p.IPVersion == 0 {
		return v
	}
	v.ipSrc, v.ipDst, v.proto = p.Src.Netip().String(), p.Dst.Netip().String(), p.Proto
	if p.Ports && (p.Proto == ProtoTCP || p.Proto == ProtoUDP) {
		v.sport, v.dport = p.SrcPort, p.DstPort
	}
	if p.TCP || p.TCPCut {
		v.tcp, v.seq, v.ack, v.flags = p.TCP, p.Seq, p.Ack, p.Flags
	}
	if p.Payload > 0 && (p.TCP || p.Proto == ProtoUDP) {
		v.payload = p.PayloadEnd - p.Payload
	}
	return v
}

// TestGopacket compares every shared frame with an independent decoder. Each
// kind of difference that is accepted is named with who is right.
func TestGopacket(t *testing.T) {
	dir := sharedCaptures(t)
	accepted := map[string]int{}
	frames, equal, bad := 0, 0, 0
	var p Packet
	for _, name := range captureFiles(t, dir) {
		for i, f := range readFrames(t, filepath.Join(dir, name)) {
			p.Decode(f.link, f.data, f.wire)
			if p.Reason == BadLinkType || f.link == LinkSLL2 || f.link == LinkPPI || f.link == LinkPPP {
				continue
			}
			frames++
			g, chain := gopacketView(f.link, f.data)
			o := viewOfPacket(&p)
			if g == o {
				equal++
				continue
			}
			if why := explain(&p, o, g, chain); why != "" {
				accepted[why]++
				continue
			}
			if bad++; bad <= 20 {
				t.Errorf("%s frame %d %s\nours     %+v\ngopacket %+v", name, i+1, chain, o, g)
			}
		}
	}
	t.Logf("%d frames, %d equal, %d unexplained; explained %v", frames, equal, bad, accepted)
}

// explain says why a difference is gopacket's fault, "" if it is not known.
func explain(p *Packet, o, g viewOf, chain string) string {
	switch {
	case p.Fragment && p.FragOff == 0 && strings.HasSuffix(chain, "/Fragment"):
		// gopacket reads no transport header in a fragment, the first included.
		o.sport, o.dport, o.payload = 0, 0, -1
		o.tcp, o.seq, o.ack, o.flags = false, 0, 0, 0
		if o == g {
			return "first fragment"
		}
	case p.Reason == BadIP && p.IPVersion == 0 && strings.Contains(chain, "/IPv4"):
		// gopacket takes addresses, and ports, from a header of another version
		// or a header length under 20.
		return "impossible IPv4 header"
	case p.Reason != Decoded && p.IPVersion == 6 && strings.HasSuffix(chain, "IPv6Destination/DecodeFailure"):
		// Both refuse an option longer than its header, or a header longer than
		// the packet; they differ in the protocol that they reached.
		o.proto, g.proto = 0, 0
		if o == g {
			return "option over its header"
		}
	case p.Data[p.L3+6] == extAH && g.proto == extAH && strings.HasSuffix(chain, "/DecodeFailure"):
		// gopacket refuses an authentication header whose length field is 0.
		o.proto, g.proto = 0, 0
		if o == g {
			return "AH of length 0"
		}
	case p.TCPCut && g.tcp:
		// gopacket takes a header for whole whose options were cut.
		o.tcp, o.payload = true, 0
		if o == g {
			return "TCP options cut"
		}
	case p.Ports && p.L3End-p.L4 < 20 && p.Proto == ProtoTCP && strings.HasSuffix(chain, "/DecodeFailure"):
		// gopacket gives no ports unless 20 bytes are there.
		o.sport, o.dport = 0, 0
		if o == g {
			return "TCP header cut"
		}
	}
	return ""
}
