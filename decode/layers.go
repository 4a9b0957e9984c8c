package decode

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Layer is one header, or the data behind the last one, as people read it.
type Layer struct {
	// Name of the layer: "Ethernet", "802.1Q", "IPv4", "TCP", "Data", ….
	Name string
	// Offset from the start of the frame and Length, bytes.
	Offset, Length int
	// Fields in the order of the header.
	Fields []Field
}

// Field is one field of a header with its value as text: numbers in decimal
// unless they start with 0x, addresses as Addr and MAC write them.
type Field struct{ Name, Value string }

// maxShownTunnels bounds the tunnels in tunnels that Layers goes into.
const maxShownTunnels = 4

// Layers explains a decoded packet header by header, those inside tunnels
// included. It allocates: it is for people, not for every frame. Where the
// packet was given up, the last layer is what could not be read, with the
// reason.
func (p *Packet) Layers() []Layer {
	return p.layers(0, 0)
}

func (p *Packet) layers(base, depth int) []Layer {
	l := &lister{p: p, base: base}
	if p.Reason == BadLinkType || p.Reason == ShortLink {
		l.add("Frame", 0, len(p.Data), "link type", p.linkType, "skipped", p.Reason)
		return l.out
	}
	l.link(p.linkType, 0)
	l.network()
	if p.Tunnel != NoTunnel && depth < maxShownTunnels {
		var inner Packet
		inner.DecodeInner(p)
		return append(l.out, inner.layers(base+p.InnerOff, depth+1)...)
	}
	return l.out
}

// lister collects layers; every offset it is given lies within p.Data, since
// Decode came as far.
type lister struct {
	p    *Packet
	base int
	out  []Layer
}

// add appends a layer; fields are names and values in turn.
func (l *lister) add(name string, off, length int, fields ...any) {
	layer := Layer{Name: name, Offset: l.base + off, Length: length}
	for i := 0; i+1 < len(fields); i += 2 {
		layer.Fields = append(layer.Fields, Field{fields[i].(string), fmt.Sprint(fields[i+1])})
	}
	l.out = append(l.out, layer)
}

func (l *lister) u16(off int) uint16 { return binary.BigEndian.Uint16(l.p.Data[off:]) }

func hex16(v uint16) string { return fmt.Sprintf("0x%04x", v) }

// link lists the headers in front of the network layer.
func (l *lister) link(link uint16, off int) {
	d, end := l.p.Data, l.p.L3
	switch link {
	case LinkEthernet:
		t := l.u16(off + 12)
		name := "type"
		if t <= maxLength8023 {
			name = "length"
		}
		l.add("Ethernet", off, 14, "destination", MACFromBytes(d[off:]), "source", MACFromBytes(d[off+6:]), name, typeText(t))
		l.etherType(t, off+14)
	case LinkNull, LinkLoop:
		l.add("Loopback", off, 4, "address family", fmt.Sprintf("% x", d[off:off+4]))
	case LinkPPPDir:
		l.add("Direction", off, 1, "direction", d[off])
		l.pppLink(off + 1)
	case LinkPPP, LinkPPPHDLC:
		l.pppLink(off)
	case LinkSLL:
		l.add("Linux cooked", off, 16, "packet type", l.u16(off), "ARPHRD type", l.u16(off+2),
			"source", l.p.SrcMAC, "protocol", hex16(l.u16(off+14)))
		l.etherType(cookedType(l.u16(off+14)), off+16)
	case LinkSLL2:
		l.add("Linux cooked v2", off, 20, "protocol", hex16(l.u16(off)), "interface", binary.BigEndian.Uint32(d[off+4:]),
			"ARPHRD type", l.u16(off+8), "packet type", d[off+10], "source", l.p.SrcMAC)
		l.etherType(cookedType(l.u16(off)), off+20)
	case LinkPPI:
		n, dlt := int(binary.LittleEndian.Uint16(d[off+2:])), binary.LittleEndian.Uint32(d[off+4:])
		l.add("PPI", off, n, "link type", dlt)
		if off+n < end || dlt == LinkEthernet {
			l.link(uint16(dlt), off+n)
		}
	}
}

func cookedType(proto uint16) uint16 {
	if proto == 4 {
		return maxLength8023
	}
	return proto
}

func typeText(t uint16) string {
	if t <= maxLength8023 {
		return strconv.Itoa(int(t))
	}
	return hex16(t)
}

func (l *lister) pppLink(off int) {
	b := l.p.Data[off:]
	switch {
	case len(b) >= 4 && (b[0] == 0x0f || b[0] == 0x8f) && b[1] == 0:
		l.add("Cisco HDLC", off, 4, "address", b[0], "type", hex16(l.u16(off+2)))
		l.etherType(l.u16(off+2), off+4)
		return
	case len(b) >= 2 && b[0] == 0xff:
		l.add("HDLC", off, 2, "address", "0xff", "control", fmt.Sprintf("0x%02x", b[1]))
		off += 2
	}
	l.ppp(off)
}

func (l *lister) ppp(off int) {
	n := min(2, len(l.p.Data)-off)
	if n > 0 && l.p.Data[off]&1 != 0 {
		n = 1
	}
	l.add("PPP", off, n, "protocol", fmt.Sprintf("0x%x", l.p.Data[off:off+n]))
	if off+n < l.p.L3 && n == 2 {
		l.etherType(etherMPLS, off+n)
	}
}

// etherType lists tags, labels, PPPoE and LLC up to the network layer.
func (l *lister) etherType(t uint16, off int) {
	d, end := l.p.Data, l.p.L3
	for off < end {
		switch {
		case t == etherCTag || t == etherSTag || t == etherQinQ || t == etherQinQ2:
			name := "802.1Q"
			if t == etherSTag {
				name = "802.1ad"
			}
			tci, next := l.u16(off), l.u16(off+2)
			l.add(name, off, 4, "priority", tci>>13, "drop eligible", tci>>12&1, "VLAN", tci&0xfff, "type", typeText(next))
			t = next
			off += 4
		case t == etherMPLS || t == etherMPLSMult:
			bottom := false
			for !bottom && off+4 <= end {
				v := binary.BigEndian.Uint32(d[off:])
				bottom = v>>8&1 != 0
				l.add("MPLS", off, 4, "label", v>>12, "class", v>>9&7, "bottom of stack", bottom, "TTL", v&0xff)
				off += 4
			}
			if off >= end {
				return
			}
			next, s := underMPLS(d, span{off, len(d), len(d)}, t)
			if s.off == off {
				return
			}
			l.add("Ethernet pseudowire", off, s.off-off, "destination", MACFromBytes(d[s.off-14:]),
				"source", MACFromBytes(d[s.off-8:]), "type", hex16(next))
			t, off = next, s.off
		case t == etherPPPoE:
			l.add("PPPoE", off, 6, "code", d[off+1], "session", hex16(l.u16(off+2)), "length", l.u16(off+4))
			l.ppp(off + 6)
			return
		case t <= maxLength8023 && t != 0 && off+3 <= end:
			n := 3
			if d[off+2]&3 != 3 {
				n = min(4, end-off)
			}
			l.add("LLC", off, n, "DSAP", fmt.Sprintf("0x%02x", d[off]), "SSAP", fmt.Sprintf("0x%02x", d[off+1]),
				"control", fmt.Sprintf("0x%x", d[off+2:off+n]))
			if l.p.LLC != 0xaaaa || end-off < 8 {
				return
			}
			l.add("SNAP", off+3, 5, "OUI", fmt.Sprintf("%06x", l.p.SNAPOUI), "type", hex16(l.p.SNAPType))
			t = l.p.SNAPType
			off += 8
		default:
			return
		}
	}
}

// data lists what is behind the headers, with the reason where the packet was
// given up.
func (l *lister) data(off, end int) {
	if off >= end && l.p.Reason == Decoded {
		return
	}
	off = min(off, end)
	if l.p.Reason != Decoded {
		l.add("Data", off, end-off, "skipped", l.p.Reason)
		return
	}
	l.add("Data", off, end-off)
}

// network lists the network layer and what is above it.
func (l *lister) network() {
	p := l.p
	d := p.Data
	at := p.L3
	switch {
	case p.IPVersion == 4:
		b := d[at:]
		n := int(b[0]&15) * 4
		fields := []any{"header length", n, "DSCP", b[1] >> 2, "ECN", b[1] & 3, "total length", l.u16(at + 2),
			"identification", hex16(l.u16(at + 4)), "don't fragment", b[6] >> 6 & 1, "more fragments", b[6] >> 5 & 1,
			"fragment offset", l.u16(at+6) & 0x1fff * 8, "TTL", b[8], "protocol", b[9], "checksum", hex16(l.u16(at + 10)),
			"source", p.Src, "destination", p.Dst}
		if n > 20 {
			fields = append(fields, "options", fmt.Sprintf("%x", b[20:n]))
		}
		l.add("IPv4", at, n, fields...)
		if b[9] == extAH {
			l.extensions(b[9], at+n)
			return
		}
		l.transport(at + n)
	case p.IPVersion == 6:
		b := d[at:]
		l.add("IPv6", at, 40, "traffic class", binary.BigEndian.Uint16(b)>>4&0xff, "flow label", fmt.Sprintf("0x%05x", binary.BigEndian.Uint32(b)&0xfffff),
			"payload length", l.u16(at+4), "next header", b[6], "hop limit", b[7], "source", p.Src, "destination", p.Dst)
		l.extensions(b[6], at+40)
	case p.ARPOp != 0:
		name := "ARP"
		if p.NetType == EtherRARP {
			name = "RARP"
		}
		l.add(name, at, 28, "operation", p.ARPOp, "sender MAC", p.ARPSenderMAC, "sender", p.ARPSender,
			"target MAC", MACFromBytes(d[at+18:]), "target", p.ARPTarget)
		l.data(at+28, p.L3End)
	default:
		l.data(at, p.L3End)
	}
	if p.L3End < len(d) {
		l.add("Trailer", p.L3End, len(d)-p.L3End)
	}
}

var extNames = map[uint8]string{extHopByHop: "Hop-by-hop options", extRouting: "Routing", extFragment: "Fragment",
	extAH: "Authentication header", extDestination: "Destination options", extShim6: "Shim6"}

func (l *lister) extensions(next uint8, off int) {
	p := l.p
	for extNames[next] != "" && off+8 <= p.L3End {
		b := p.Data[off:p.L3End]
		n := int(b[1])*8 + 8
		switch next {
		case extAH:
			n = int(b[1])*4 + 8
		case extFragment:
			n = 8
		}
		if n > len(b) || next == p.Proto && p.Reason == BadIP {
			break
		}
		fields := []any{"next header", b[0]}
		if next == extFragment {
			f := binary.BigEndian.Uint16(b[2:])
			fields = append(fields, "fragment offset", f&^7, "more fragments", f&1, "identification", binary.BigEndian.Uint32(b[4:]))
		}
		l.add(extNames[next], off, n, fields...)
		later := next == extFragment && p.FragOff != 0
		next = b[0]
		off += n
		if later {
			break
		}
	}
	l.transport(off)
}

// transport lists the header at off, where there is one, and the data.
func (l *lister) transport(off int) {
	p := l.p
	if !p.Ports {
		l.data(off, p.L3End)
		return
	}
	b := p.Data[off:p.L3End]
	switch {
	case p.Proto == ProtoTCP && p.TCP:
		n := p.Payload - off
		fields := []any{"source port", p.SrcPort, "destination port", p.DstPort, "sequence number", p.Seq,
			"acknowledgment number", p.Ack, "header length", n, "flags", flagText(p.Flags), "window", p.Window,
			"checksum", hex16(l.u16(off + 16)), "urgent pointer", l.u16(off + 18)}
		if n > 20 {
			fields = append(fields, "options", fmt.Sprintf("%x", b[20:n]))
		}
		l.add("TCP", off, n, fields...)
		l.data(p.Payload, p.PayloadEnd)
	case p.Proto == ProtoTCP:
		fields := []any{"source port", p.SrcPort, "destination port", p.DstPort, "header", "not whole"}
		if p.TCPCut {
			fields = append(fields, "sequence number", p.Seq, "acknowledgment number", p.Ack, "flags", flagText(p.Flags), "window", p.Window)
		}
		l.add("TCP", off, len(b), fields...)
	case p.Proto == ProtoUDP && p.Payload > 0:
		l.add("UDP", off, 8, "source port", p.SrcPort, "destination port", p.DstPort, "length", l.u16(off+4), "checksum", hex16(l.u16(off+6)))
		if p.Tunnel == VXLAN {
			l.add("VXLAN", off+8, p.InnerOff-off-8, "flags", fmt.Sprintf("0x%02x", b[8]), "network id", binary.BigEndian.Uint32(b[12:])>>8)
			return
		}
		l.data(p.Payload, p.PayloadEnd)
	case p.Proto == ProtoUDP:
		l.add("UDP", off, len(b), "source port", p.SrcPort, "destination port", p.DstPort, "header", "not whole")
	case p.Proto == ProtoICMP || p.Proto == ProtoICMP6:
		name := "ICMP"
		if p.Proto == ProtoICMP6 {
			name = "ICMPv6"
		}
		n := min(8, len(b))
		l.add(name, off, n, "type", p.ICMPType, "code", p.ICMPCode, "checksum", hex16(l.u16(off+2)))
		l.data(off+n, p.L3End)
	case p.Tunnel == GRE:
		l.add("GRE", off, p.InnerOff-off, "flags", hex16(l.u16(off)), "type", hex16(l.u16(off+2)))
	case p.Tunnel == IPIP:
	default:
		l.add("Protocol "+strconv.Itoa(int(p.Proto)), off, len(b))
	}
}

func flagText(f uint8) string {
	var out []string
	for i, name := range [...]string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"} {
		if f>>i&1 != 0 {
			out = append(out, name)
		}
	}
	return strings.Join(out, ",")
}
