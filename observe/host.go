package observe

import (
	"osect/decode"
	"osect/decode/host"
)

// host shows a packet that is no fragment and in no tunnel to the decoders of identity facts.
func (s *Shard) host(p *decode.Packet, c *conn, d uint8, t int64, b *bucket, ref FrameRef) {
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
	case p.TCP && c.told[d] < host.MaxPayloads && c.app == 0: // else a control protocol's
		s.hostSession(p)
		s.told.FromClient = d == c.client
		s.told.Number = int(c.told[d])
		s.told.Start = c.flags&(fSYN|fSYNACK) != 0
		c.told[d]++
		s.hosts.Payload(&s.told, p.Data[p.Payload:p.PayloadEnd])
	default:
		return
	}
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
