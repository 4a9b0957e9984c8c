package observe

import (
	"osect/decode"
	"osect/decode/host"
	"osect/decode/sign"
)

// host shows a packet that is no fragment and in no tunnel to the decoders of identity facts.
func (s *Shard) host(p *decode.Packet, j int32, c *conn, d uint8, t int64, b *bucket, ref FrameRef) {
	if p.TCP && p.Flags&decode.SYN != 0 {
		s.syn(p, t, b, ref)
	}
	switch {
	case p.Proto == decode.ProtoICMP6:
		if p.ICMPType < 133 || p.ICMPType > 136 || p.L4 <= 0 || p.L4 >= p.L3End {
			return
		}
		s.hostSession(p)
		s.hosts.ICMP6(&s.told, p.Data[p.L4:p.L3End])
	case p.Payload <= 0 || p.PayloadEnd <= p.Payload:
		return
	case p.Proto == decode.ProtoUDP:
		payload := p.Data[p.Payload:p.PayloadEnd]
		if c.app != 0 || !s.hosts.Reads(p.SrcPort, p.DstPort, payload) {
			return
		}
		s.hostSession(p)
		s.hosts.Datagram(&s.told, payload)
		if found, ok := sign.UDP(p.SrcPort, p.DstPort, payload); ok {
			s.sign(&found, p, t, b, ref)
		}
	case p.TCP && c.app == 0 && (c.told[d] < host.MaxPayloads || c.told[d]&waits != 0): // else a control protocol's
		s.hostSession(p)
		s.told.FromClient = d == c.client
		s.told.Start = c.flags&(fSYN|fSYNACK) != 0
		payload := p.Data[p.Payload:p.PayloadEnd]
		s.tcpHead(j, c, d, p.Seq, payload, p.PayloadWire, b)
		if found, ok := sign.TCP(p.SrcPort, p.DstPort, payload); ok {
			s.sign(&found, p, t, b, ref)
		}
	default:
		return
	}
	s.hostFacts(p, t, b, ref)
}

// synCache remembers the forms of SYNs that were told last, so that the same one is told once a minute.
type synCache struct {
	slots  [256]struct{ key, minute int64 }
	minute int64
	told   int // in minute
}

// maxSYNs is the most forms of SYNs that a shard tells in a minute: a flood from forged addresses must not
// take the place of other facts.
const maxSYNs = maxFacts / 4

// syn tells the form of a SYN where its sender has not told it in this minute.
func (s *Shard) syn(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	o := p.Data[p.TCPOpts:p.Payload]
	key := (p.Src.Hi^p.Src.Lo)*0x9e3779b97f4a7c15 ^ uint64(p.TTL)<<40 ^ uint64(p.Window)<<16 ^ uint64(p.Flags)<<8 ^ uint64(len(o))
	for _, c := range o[:min(8, len(o))] { // up to the first kinds behind the MSS
		key = (key ^ uint64(c)) * 0x100000001b3
	}
	slot := &s.syns.slots[key>>56]
	if slot.key == int64(key) && slot.minute == b.start {
		return
	}
	if s.syns.minute != b.start {
		s.syns.minute, s.syns.told = b.start, 0
	}
	if s.syns.told >= maxSYNs {
		b.counters.Dropped[DropFacts]++
		return
	}
	s.syns.told++
	slot.key, slot.minute = int64(key), b.start
	if scannerSYN(p) {
		b.event(EventProbe, p.Src, p.Dst, uint32(p.DstPort), "", t, ref)
	}
	s.hostSession(p)
	s.told.SYN(p)
	s.hostFacts(p, t, b, ref)
}

// hostWhole shows a UDP payload that came in fragments; p is the fragment that made it whole.
func (s *Shard) hostWhole(p *decode.Packet, tr *train, payload []byte, t int64, b *bucket, ref FrameRef) {
	sp, dp := tr.key.aPort, tr.key.bPort
	if tr.d == 1 {
		sp, dp = dp, sp
	}
	if tr.key.tunnel != decode.NoTunnel || !s.hosts.Reads(sp, dp, payload) {
		return
	}
	s.hostSession(p)
	s.told.SrcPort, s.told.DstPort = sp, dp
	s.hosts.Datagram(&s.told, payload)
	s.hostFacts(p, t, b, ref)
}

// hostFrame shows a frame without IP to them.
func (s *Shard) hostFrame(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	if p.L3 <= 0 || p.L3 >= p.L3End {
		return
	}
	s.hostSession(p)
	s.told.Src, s.told.Dst = p.SrcMAC.Addr(), p.DstMAC.Addr()
	if payload := p.Data[p.L3:p.L3End]; p.HasLLC {
		s.hosts.SNAP(&s.told, host.SNAP{OUI: p.SNAPOUI, Type: p.SNAPType}, payload)
	} else {
		s.hosts.Frame(&s.told, p.NetType, payload)
	}
	s.hostFacts(p, t, b, ref)
}

func (s *Shard) hostSession(p *decode.Packet) {
	ss := &s.told
	ss.Reset()
	ss.Src, ss.Dst, ss.SrcMAC, ss.DstMAC = p.Src, p.Dst, p.SrcMAC, p.DstMAC
	ss.SrcPort, ss.DstPort, ss.TTL = p.SrcPort, p.DstPort, p.TTL
}

// hostFacts takes what was told.
func (s *Shard) hostFacts(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	ss := &s.told
	b.counters.Dropped[DropFacts] += ss.Dropped
	for i := range ss.Facts {
		f := &ss.Facts[i]
		b.fact(f.IP, f.MAC, f.Kind.String(), f.Source, f.Value, t, ref)
		switch {
		case f.Kind == host.Service && (f.Source == "dhcp" || f.Source == "dhcpv6"):
			b.event(EventDHCPServer, f.IP, f.MAC.Addr(), 0, f.Source, t, ref)
		case f.Kind == host.Router && f.Source == "ndp":
			b.event(EventRouter, f.IP, f.MAC.Addr(), 0, "", t, ref)
		}
	}
	for i := range ss.Bindings {
		x := &ss.Bindings[i]
		a := b.address(x.IP, x.MAC, p.VLAN, t, ref)
		if a == nil {
			continue
		}
		switch x.By {
		case host.ByNDP:
			a.Evidence |= SeenNDP
			b.event(EventARP, x.IP, x.MAC.Addr(), uint32(p.ICMPType), "", t, ref)
		case host.ByDHCP:
			a.Evidence |= BoundDHCP | SeenDHCP
		case host.ByDNS:
			a.Evidence |= BoundDNS
		}
	}
}
