package observe

import (
	"cmp"
	"slices"
	"strconv"

	"osect/decode"
	"osect/decode/host"
	"osect/decode/ot"
)

// Shard observes the frames of its part of the network. Frames come in reading
// order by Frame; Close ends minutes. A Shard is used by one goroutine at a
// time and shares nothing with other shards but immutable tables.
type Shard struct {
	protocols []*ot.Protocol
	ethertype *[65536]uint8 // 1 + index in etherProtos
	etherList [][]uint8
	ports     *knownPorts
	services  *Services
	order     bool

	table   connTable
	streams streamTable
	frags   fragTable
	session ot.Session
	hosts   *host.Table
	told    host.Session
	syns    synCache
	heads   heads

	cur  *bucket
	open []*bucket
	pool *bucketPool

	pkt   decode.Packet
	inner decode.Packet
	outer struct{ src, dst decode.Addr }

	keep bool // the frame just observed is worth keeping as evidence

	totals Totals
	last   struct {
		ethertype uint16
		n         uint64
	}
}

// Totals are counts over a whole run, for its summary.
type Totals struct {
	EtherTypes  map[uint16]uint64 // outer EtherType → frames; 0 for 802.3
	VLANs       map[uint16]uint64 // outer tag → frames
	IPProtocols [256]uint64       // outermost
	Fragments   uint64
	Truncated   uint64
}

// Tables are what all shards of a run share: immutable tables, and a pool of memory.
type Tables struct {
	protocols []*ot.Protocol
	ethertype [65536]uint8
	etherList [][]uint8
	ports     *knownPorts
	hosts     *host.Table
	pool      bucketPool

	// Order makes events of which function follows which: EventOrder. To be set before NewShard.
	Order bool
}

// NewTables prepares the tables for these protocols, in the order of probing.
func NewTables(protocols []*ot.Protocol) *Tables {
	t := &Tables{protocols: protocols, ports: newKnownPorts(protocols), hosts: host.NewTable()}
	for i, p := range protocols {
		for _, e := range p.EtherTypes {
			if t.ethertype[e] == 0 {
				t.etherList = append(t.etherList, nil)
				t.ethertype[e] = uint8(len(t.etherList))
			}
			j := t.ethertype[e] - 1
			t.etherList[j] = append(t.etherList[j], uint8(i))
		}
	}
	return t
}

// NewShard makes an empty shard.
func NewShard(t *Tables) *Shard {
	s := &Shard{protocols: t.protocols, ethertype: &t.ethertype, etherList: t.etherList, ports: t.ports, hosts: t.hosts, pool: &t.pool, order: t.Order}
	s.totals.EtherTypes = make(map[uint16]uint64)
	s.totals.VLANs = make(map[uint16]uint64)
	s.frags.init()
	return s
}

// Totals returns the run's counts so far.
func (s *Shard) Totals() *Totals {
	s.totals.EtherTypes[s.last.ethertype] += s.last.n
	s.last.n = 0
	return &s.totals
}

// bucketFor returns the bucket of the minute that starts at m.
func (s *Shard) bucketFor(m int64) *bucket {
	if s.cur != nil && s.cur.start == m {
		return s.cur
	}
	for _, b := range s.open {
		if b.start == m {
			s.cur = b
			return b
		}
	}
	b := s.pool.get()
	b.start = m
	s.open = append(s.open, b)
	s.cur = b
	return b
}

// Frame observes one frame captured at t (ns) with wireLen bytes on the wire.
// late says that its minute was closed before.
func (s *Shard) Frame(link uint16, t int64, data []byte, wireLen uint32, ref FrameRef, late bool) {
	p := &s.pkt
	p.Decode(link, data, wireLen)
	s.keep = false

	var b *bucket
	if s.cur != nil && uint64(t-s.cur.start) < uint64(MinuteLength) {
		b = s.cur
	} else {
		b = s.bucketFor(MinuteOf(t))
	}
	b.counters.Packets++
	b.counters.Bytes += uint64(wireLen)
	if late {
		b.counters.Late++
	}
	if p.Truncated {
		b.counters.Truncated++
		s.totals.Truncated++
	}
	if p.Reason == decode.Decoded {
		b.counters.Decoded++
	} else {
		b.counters.Skipped[p.Reason]++
		if p.Reason == decode.BadLinkType || p.Reason == decode.ShortLink {
			return
		}
	}
	if s.last.ethertype != p.EtherType {
		s.totals.EtherTypes[s.last.ethertype] += s.last.n
		s.last.ethertype, s.last.n = p.EtherType, 0
	}
	s.last.n++
	if p.VLAN != decode.NoVLAN {
		s.totals.VLANs[p.VLAN]++
	}
	if p.IPVersion != 0 {
		s.totals.IPProtocols[p.Proto]++
		if p.Fragment {
			b.counters.Fragments++
			s.totals.Fragments++
		}
	}
	s.outer.src, s.outer.dst = p.Src, p.Dst
	rows := len(b.events) + len(b.ops) + len(b.facts)
	s.packet(p, t, b, ref, decode.NoTunnel)

	if p.Tunnel != decode.NoTunnel && p.Reason == decode.Decoded {
		s.inner = *p
		const maxDepth = 4
		for range maxDepth {
			outer := s.inner
			s.inner.DecodeInner(&outer)
			if s.inner.Reason != decode.Decoded {
				break
			}
			s.packet(&s.inner, t, b, ref, outer.Tunnel)
			if s.inner.Tunnel == decode.NoTunnel {
				break
			}
		}
	}
	s.keep = s.keep || len(b.events)+len(b.ops)+len(b.facts) > rows
}

// evidenceBytes is how much of each direction of a connection is evidence, bytes on the wire.
const evidenceBytes = 8 << 10

// Evidence says whether the frame observed last should be kept for a while, and its facts,
// valid until the next frame. Kept are ARP, ICMP, DHCP, the first 8 KB of each direction of
// a connection, what carries a control protocol's writes and control operations, and each
// frame that a row of the minute names.
func (s *Shard) Evidence() (keep bool, p *decode.Packet) { return s.keep, &s.pkt }

// packet observes one packet, outermost or inside a tunnel.
func (s *Shard) packet(p *decode.Packet, t int64, b *bucket, ref FrameRef, tunnel decode.Tunnel) {
	switch {
	case p.IPVersion != 0 && p.Reason == decode.Decoded && (p.Ports || !p.Fragment):
		s.ip(p, t, b, ref, tunnel)
	case p.IPVersion != 0:
		// A later fragment, or a packet without a usable transport header.
		if tunnel == decode.NoTunnel && (p.Reason != decode.BadIP || p.AddrOK) {
			s.addressesOnly(p, t, b, ref)
		}
		if p.Fragment && p.FragOff != 0 && p.Reason == decode.Decoded {
			s.laterFragment(p, t, b, ref, tunnel)
		}
	case tunnel != decode.NoTunnel:
		// What a tunnel carries below IP is not of this network.
	case p.ARPOp != 0:
		s.arp(p, t, b, ref)
		s.ethernet(p, t, b, ref)
	case p.SrcMAC != 0 || p.DstMAC != 0:
		s.ethernet(p, t, b, ref)
	}
}

// addressesOnly counts the ends of a packet that belongs to no connection.
func (s *Shard) addressesOnly(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	if a := b.address(p.Src, p.SrcMAC, p.VLAN, t, ref); a != nil {
		a.Evidence |= SeenIP
		a.PacketsSent++
		a.BytesSent += uint64(p.WireLen)
		a.TTL = max(a.TTL, p.TTL)
	}
}

func (s *Shard) arp(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	s.keep = true
	mac := p.ARPSenderMAC
	if a := b.address(p.ARPSender, mac, p.VLAN, t, ref); a != nil {
		a.Evidence |= SeenARP
	}
	if p.ARPSender.Lo&0xffffffff != 0 {
		arg := uint32(p.ARPOp) & 0xff
		if p.ARPOp == 1 {
			arg |= uint32(p.ARPTarget.Lo) << 8
		}
		b.event(EventARP, p.ARPSender, mac.Addr(), arg, "", t, ref)
	}
}

// ethernet observes a frame without IP as an exchange between two MACs.
func (s *Shard) ethernet(p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	typ := p.NetType
	k := connKey{a: p.SrcMAC.Addr(), b: p.DstMAC.Addr(), aPort: typ, bPort: typ, vlan: p.VLAN, inner: p.InnerVLAN}
	d := uint8(0)
	if k.b.Lo < k.a.Lo {
		k.a, k.b = k.b, k.a
		d = 1
	}
	h := k.hash()
	j := s.table.find(&k, h)
	var c *conn
	if j >= 0 {
		c = s.table.at(j)
		if t-c.last > idleUDP {
			s.close(j, c, b)
			j = -1
		}
	}
	if j < 0 {
		_, c = s.addConn(&k, h, b)
		c.flags |= fEthernet
		c.first, c.client = t, d
		if p.DstMAC.Group() {
			c.flags |= fMulticast
		}
	}
	s.count(c, d, p, t, b, ref)
	if s.hosts.EtherType(typ) || p.HasLLC {
		s.hostFrame(p, t, b, ref)
	}

	list := s.ethertype[typ]
	if list == 0 || p.L3 <= 0 || p.L3 > p.L3End {
		return
	}
	ss := &s.session
	ss.Reset()
	ss.Src, ss.Dst = p.SrcMAC.Addr(), p.DstMAC.Addr()
	ss.SrcPort, ss.DstPort = 0, 0
	ss.FromClient = d == c.client
	ss.WireLen, ss.Time = int(p.WireLen)-p.L3, t
	var st *stream
	ss.State = nil
	if c.stream >= 0 {
		st = s.streams.at(c.stream)
		ss.State = st.state
	}
	payload := p.Data[p.L3:p.L3End]
	for _, i := range s.etherList[list-1] {
		if s.protocols[i].Frame(ss, payload) {
			c.app = i + 1
			if st == nil {
				c.stream = s.streams.add() // -1 when there are too many: then nothing is remembered
			}
			if c.stream >= 0 {
				s.streams.at(c.stream).state = ss.State
			}
			s.drain(c, c.stream, i, t, b, ref, p.SrcMAC)
			return
		}
		ss.Reset()
	}
}

// ip observes an IP packet that has (or needs no) ports.
func (s *Shard) ip(p *decode.Packet, t int64, b *bucket, ref FrameRef, tunnel decode.Tunnel) {
	sp, dp := uint16(0), uint16(0)
	switch p.Proto {
	case decode.ProtoTCP, decode.ProtoUDP, decode.ProtoSCTP:
		sp, dp = p.SrcPort, p.DstPort
	case decode.ProtoICMP, decode.ProtoICMP6:
		sp = icmpKey(p.Proto, p.ICMPType, p.ICMPCode)
		dp = sp
	}
	k := connKey{proto: p.Proto, vlan: p.VLAN, inner: p.InnerVLAN, tunnel: tunnel}
	d := uint8(0)
	// By halves: copied whole, addresses that Decode has just written in halves would have to settle in memory first.
	srcHi, srcLo, dstHi, dstLo := p.Src.Hi, p.Src.Lo, p.Dst.Hi, p.Dst.Lo
	if dstHi < srcHi || dstHi == srcHi && (dstLo < srcLo || dstLo == srcLo && dp < sp) {
		srcHi, srcLo, dstHi, dstLo = dstHi, dstLo, srcHi, srcLo
		k.aPort, k.bPort = dp, sp
		d = 1
	} else {
		k.aPort, k.bPort = sp, dp
	}
	k.a.Hi, k.a.Lo, k.b.Hi, k.b.Lo = srcHi, srcLo, dstHi, dstLo
	h := k.hash()
	j := s.table.find(&k, h)
	var c *conn
	if j >= 0 {
		c = s.table.at(j)
		if t-c.last > c.idle() || p.TCP && p.Flags&(SYNACK) == decode.SYN && reopens(c, d, p.Seq, t) {
			s.close(j, c, b)
			j = -1
		}
	}
	if j < 0 {
		j, c = s.addConn(&k, h, b)
		c.first, c.number = t, uint32(ref.Number)
		c.icmpType, c.icmpCode = p.ICMPType, p.ICMPCode
		if p.Dst.Multicast() || p.DstMAC.Group() {
			c.flags |= fMulticast
		}
		s.firstClient(c, d, sp, dp)
		if p.TCP && oddFlags(p.Flags) {
			b.event(EventFlags, p.Src, p.Dst, uint32(p.Flags), "", t, ref)
		}
	}
	s.count(c, d, p, t, b, ref)
	if p.Proto == decode.ProtoICMP && sp == echoKey || p.Proto == decode.ProtoICMP6 && sp == echo6Key {
		echo(c, d, p, t, b, ref)
	}
	if p.TCP {
		s.flagsOf(c, d, p, t, b, ref)
	}
	if tunnel == decode.NoTunnel && !p.Fragment {
		s.host(p, j, c, d, t, b, ref)
	}
	switch {
	case p.Fragment && p.MoreFrags:
		s.firstFragment(p, j, c, d, t, b, ref, tunnel)
	case p.Payload == 0:
	case p.Proto == decode.ProtoUDP:
		if c.flags&fNoOT == 0 && p.PayloadEnd > p.Payload {
			s.datagram(j, c, d, p.Data[p.Payload:p.PayloadEnd], p.PayloadWire, t, b, ref, p.SrcMAC)
		}
	case p.TCP:
		if c.flags&fNoOT == 0 {
			s.segment(j, c, d, p.Seq, p.Ack, p.Flags, p.Data[p.Payload:p.PayloadEnd], p.PayloadWire, t, b, ref, p.SrcMAC)
		}
	}
}

// echoKey is icmpKey's number of an ICMP echo and its answer; echo6Key of ICMPv6's.
const echoKey, echo6Key = 8 << 8, 128 << 8

// echo holds the data of an answer against the last request's of the same identifier and number: RFC 792 and RFC 4443 want them
// returned as they came. What is shorter is no sign: small devices cut long ones. Of the connection's fields it uses those
// that are TCP's otherwise: next, the request's identifier and number; isn, a sum of its data and 2 × its length + its direction.
func echo(c *conn, d uint8, p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	if p.Fragment || p.L4 <= 0 || p.L4+8 > p.L3End || p.Src == p.Dst {
		return
	}
	m := p.Data[p.L4:p.L3End]
	id, size := uint32(m[4])<<24|uint32(m[5])<<16|uint32(m[6])<<8|uint32(m[7]), uint32(p.L3End-p.L4)
	sum := uint32(2166136261)
	for _, x := range m[8:min(len(m), 8+echoBytes)] {
		sum = (sum ^ uint32(x)) * 16777619
	}
	if request := m[0] == 8 || m[0] == 128; request {
		c.next[0], c.isn[0], c.isn[1] = id, sum, size<<1|uint32(d)
		return
	}
	if c.isn[1] == 0 || c.next[0] != id || c.isn[1]&1 == uint32(d) {
		return
	}
	if asked := c.isn[1] >> 1; size > asked || size == asked && sum != c.isn[0] {
		b.event(EventEcho, p.Src, p.Dst, 0, "", t, ref)
	}
}

// echoBytes is how many bytes of an echo's data are compared.
const echoBytes = 64

// SYNACK is the mask of the two flags of a handshake.
const SYNACK = decode.SYN | decode.ACK

// icmpKey makes an echo and its answer one connection: the request's type and
// the code, as one number (RFC 792, RFC 4443).
func icmpKey(proto, typ, code uint8) uint16 {
	if proto == decode.ProtoICMP {
		switch typ {
		case 0: // echo reply → echo
			typ = 8
		case 14, 16, 18:
			typ--
		}
	} else {
		switch typ {
		case 129, 136: // echo reply → echo, advertisement → solicitation
			typ--
		}
	}
	return uint16(typ)<<8 | uint16(code)
}

// reopens says whether a SYN in direction d at t begins a new connection on the ports of c.
func reopens(c *conn, d uint8, seq uint32, t int64) bool {
	if c.closed() || c.flags&fRejected != 0 {
		return true
	}
	if c.flags&(fSeq0<<d) == 0 {
		return c.flags&fSYNACK == 0 // else its answer was merely seen first
	}
	if c.flags&fSYN == 0 && t-c.first <= holeTime && c.isn[d]-seq-1 < maxLateSYN {
		return false // its own SYN, come behind its first bytes
	}
	return c.isn[d] != seq
}

// maxLateSYN is how many bytes of a connection may come before its SYN, which frames do that change places on their way into a capture.
const maxLateSYN = 16 << 10

// addConn puts a new connection, making room first where the table is full.
func (s *Shard) addConn(k *connKey, h uint32, b *bucket) (int32, *conn) {
	if s.table.n >= maxConns {
		for _, j := range s.table.oldest() {
			b.counters.Dropped[DropConnections]++
			s.close(j, s.table.at(j), b)
		}
	}
	j, c := s.table.add(k, h)
	c.minute = b.start
	c.opened = true
	return j, c
}

// firstClient decides which end of a new connection is the client: the sender,
// unless its port is a service and the other's is none (or a lesser one).
func (s *Shard) firstClient(c *conn, d uint8, sp, dp uint16) {
	c.client = d
	if c.flags&fMulticast != 0 {
		return
	}
	t, ok := transport(c.proto)
	if !ok {
		return
	}
	rs, rd := s.ports.rank[t][sp], s.ports.rank[t][dp]
	if rs == 0 && rd == 0 && s.services != nil {
		src, dst := c.a, c.b
		if d == 1 {
			src, dst = dst, src
		}
		if s.services.has(src, sp, c.proto) {
			rs = 1
		}
		if s.services.has(dst, dp, c.proto) {
			rd = 1
		}
	}
	switch {
	case rd > rs:
		c.sure = sureService
	case rs > rd:
		c.client, c.sure = 1-d, sureService
	}
}

// count adds a packet to its connection.
func (s *Shard) count(c *conn, d uint8, p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	if c.minute != b.start {
		s.flush(c)
		c.minute = b.start
	}
	if c.mac[d] != p.SrcMAC {
		if c.packets[0]|c.packets[1] != 0 && c.mac[d] != 0 {
			s.flush(c) // traffic so far belongs to the MAC before
		}
		c.mac[d] = p.SrcMAC
		if c.firstMAC[d] == 0 {
			c.firstMAC[d] = p.SrcMAC
		}
	}
	if c.peer[d] != p.DstMAC {
		c.peer[d] = p.DstMAC
	}
	if c.packets[0]|c.packets[1] == 0 {
		c.minFirst, c.minLast = t, t
		c.setRef(ref)
	} else if t > c.minLast {
		c.minLast = t
	} else if t < c.minFirst {
		c.minFirst = t
		c.setRef(ref)
	}
	if c.totBytes[d]+c.bytes[d] < evidenceBytes || c.packets[0]|c.packets[1] == 0 || c.proto == decode.ProtoICMP || c.proto == decode.ProtoICMP6 ||
		c.proto == decode.ProtoUDP && isDHCP(c.aPort, c.bPort) {
		s.keep = true
	}
	c.packets[d]++
	c.bytes[d] += uint64(p.WireLen)
	if p.TTL > c.ttl[d] {
		c.ttl[d] = p.TTL
	}
	if c.flags&fBoth == 0 && c.totPackets[1-d]+uint64(c.packets[1-d]) != 0 {
		c.flags |= fBoth
	}
	if t > c.last {
		c.last = t
	} else if t < c.first && c.flags&fRowed == 0 {
		c.first = t // once a row is written its First stays: rows are known by it
	}
}

func isDHCP(a, b uint16) bool { return a == 67 || b == 67 || a == 547 || b == 547 }

// flagsOf follows the TCP flags of a packet.
func (s *Shard) flagsOf(c *conn, d uint8, p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	switch p.Flags & (decode.SYN | decode.ACK) {
	case decode.SYN:
		c.flags |= fSYN
		if c.sure < sureSYN {
			c.client, c.sure = d, sureSYN
		}
	case decode.SYN | decode.ACK:
		c.flags |= fSYNACK
		if c.sure < sureSYN {
			c.client, c.sure = 1-d, sureSYN
		}
	}
	if c.flags&(fSeq0<<d) == 0 && p.Flags&decode.RST == 0 {
		c.flags |= fSeq0 << d
		c.isn[d] = p.Seq
		c.next[d] = p.Seq
		if p.Flags&decode.SYN != 0 {
			c.next[d]++
		}
	}
	if p.Flags&decode.FIN != 0 {
		c.flags |= fFIN0 << d
	}
	if d == c.client && p.Flags&(decode.SYN|decode.RST) == 0 {
		c.flags |= fDone
	}
	if p.Flags&decode.RST != 0 && c.flags&fRST == 0 {
		c.flags |= fRST
		if d == c.client && c.flags&(fSYN|fSYNACK|fDone) == fSYN|fSYNACK {
			_, server, _, _ := c.ends()
			b.event(EventAborted, server, decode.Addr{}, 0, "", t, ref)
		}
		if c.flags&fSYN != 0 && c.flags&fSYNACK == 0 && d != c.client {
			c.flags |= fRejected
			client, server, _, port := c.ends()
			b.event(EventRefused, client, server, uint32(port), "", t, ref)
		}
	}
}

// ends returns the connection's ends, client first.
func (c *conn) ends() (client, server decode.Addr, clientPort, serverPort uint16) {
	if c.client == 0 {
		return c.a, c.b, c.aPort, c.bPort
	}
	return c.b, c.a, c.bPort, c.aPort
}

// flush adds what c did in its minute to that minute's bucket and clears it.
func (s *Shard) flush(c *conn) {
	if c.packets[0]|c.packets[1] == 0 {
		return
	}
	b := s.bucketFor(c.minute)
	if c.flags&fEthernet != 0 {
		s.flushEthernet(c, b)
	} else {
		s.flushIP(c, b)
	}
	for d := range 2 {
		c.totPackets[d] += uint64(c.packets[d])
		c.totBytes[d] += c.bytes[d]
		c.packets[d], c.bytes[d], c.ttl[d] = 0, 0, 0
	}
	c.opened = false
}

func (s *Shard) flushIP(c *conn, b *bucket) {
	out := c.client
	in := 1 - out
	client, server, cp, sp := c.ends()
	k := EdgeKey{Client: client, Server: server, VLAN: c.vlan, Proto: c.proto, Tunnel: c.tunnel}
	if t, ok := transport(c.proto); ok || c.proto == decode.ProtoSCTP {
		k.ServerPort = sp
		if c.sure < sureService && s.ports.rank[t][sp] == 0 && cp <= sp {
			k.ClientPort = cp // the client's port is what stays fixed
		}
	} else if c.proto == decode.ProtoICMP || c.proto == decode.ProtoICMP6 {
		k.ServerPort = sp // type<<8 | code
	}
	e := b.edge(k)
	s.sum(e, c, int(out), int(in))
	if c.flags&fBoth != 0 {
		e.Answered = true
	}
	if c.opened {
		e.Opened++
	}
	if c.flags&(fRejected|fCounted) == fRejected {
		c.flags |= fCounted
		e.Failed++
	}
	if c.tunnel != decode.NoTunnel {
		return // the addresses of another network
	}
	s.seen(b, c, client, int(out), true)
	s.seen(b, c, server, int(in), false)
}

// seen adds the packets that ip sent (direction d) and received to its address row.
func (s *Shard) seen(b *bucket, c *conn, ip decode.Addr, d int, isClient bool) {
	mac := c.mac[d]
	if mac == 0 {
		mac = c.peer[1-d]
	}
	if c.packets[d] == 0 && c.packets[1-d] == 0 {
		return
	}
	a := b.address(ip, mac, c.vlan, c.minFirst, c.ref())
	if a == nil {
		return
	}
	a.Last = max(a.Last, c.minLast)
	if c.packets[d] != 0 {
		a.Evidence |= SeenIP
		a.PacketsSent += uint64(c.packets[d])
		a.BytesSent += c.bytes[d]
		a.TTL = max(a.TTL, c.ttl[d])
	}
	if c.packets[1-d] != 0 {
		a.Evidence |= SeenReceiver
		a.PacketsReceived += uint64(c.packets[1-d])
		a.BytesReceived += c.bytes[1-d]
	}
	if c.app != 0 {
		a.Evidence |= SeenOT
	}
	if isClient {
		a.Client = true
	} else if c.flags&fMulticast == 0 {
		a.Server = true
	}
	switch c.aPort {
	case 53, 5353, 5355:
		a.Evidence |= SeenDNS
	case 67, 68, 546, 547:
		a.Evidence |= SeenDHCP
	case 137, 138:
		a.Evidence |= SeenNetBIOS
	case 80, 8080:
		a.Evidence |= SeenHTTP
	}
	switch c.bPort {
	case 53, 5353, 5355:
		a.Evidence |= SeenDNS
	case 67, 68, 546, 547:
		a.Evidence |= SeenDHCP
	case 137, 138:
		a.Evidence |= SeenNetBIOS
	case 80, 8080:
		a.Evidence |= SeenHTTP
	}
}

// flushEthernet makes an edge of each direction: below IP the sender is the client.
func (s *Shard) flushEthernet(c *conn, b *bucket) {
	ends := [2]decode.Addr{c.a, c.b}
	for d := range 2 {
		if c.packets[d] == 0 {
			continue
		}
		e := b.edge(EdgeKey{Client: ends[d], Server: ends[1-d], ServerPort: c.aPort, VLAN: c.vlan})
		in := c.packets[1-d]
		inBytes := c.bytes[1-d]
		c.packets[1-d], c.bytes[1-d] = 0, 0 // an edge a direction
		s.sum(e, c, d, 1-d)
		c.packets[1-d], c.bytes[1-d] = in, inBytes
		e.ClientMAC, e.ServerMAC = ends[d].MAC(), ends[1-d].MAC()
		e.Answered = c.flags&fBoth != 0
		if a := b.address(ends[d], ends[d].MAC(), c.vlan, c.minFirst, c.ref()); a != nil {
			a.Last = max(a.Last, c.minLast)
			a.Evidence |= SeenEthernet
			a.PacketsSent += uint64(c.packets[d])
			a.BytesSent += c.bytes[d]
			if c.app != 0 {
				a.Evidence |= SeenOT
			}
		}
		if !ends[1-d].Multicast() {
			if a := b.address(ends[1-d], ends[1-d].MAC(), c.vlan, c.minFirst, c.ref()); a != nil {
				a.Last = max(a.Last, c.minLast)
				a.Evidence |= SeenReceiver
				a.PacketsReceived += uint64(c.packets[d])
				a.BytesReceived += c.bytes[d]
			}
		}
	}
}

// sum adds c's minute to e.
func (s *Shard) sum(e *Edge, c *conn, out, in int) {
	fresh := e.Last == 0 && e.PacketsOut == 0 && e.PacketsIn == 0
	e.PacketsOut += uint64(c.packets[out])
	e.BytesOut += c.bytes[out]
	e.PacketsIn += uint64(c.packets[in])
	e.BytesIn += c.bytes[in]
	if fresh || c.minFirst < e.First {
		e.First, e.Ref = c.minFirst, c.ref()
	}
	if fresh || c.minLast > e.Last {
		e.Last = c.minLast
	}
	if fresh || c.mac[out] != 0 {
		e.ClientMAC = c.mac[out]
	}
	if m := c.mac[in]; m != 0 {
		e.ServerMAC = m
	} else if e.ServerMAC == 0 {
		e.ServerMAC = c.peer[out]
	}
	if e.ClientMAC == 0 {
		e.ClientMAC = c.peer[in]
	}
	if c.flags&fMulticast != 0 {
		e.Multicast = true
	}
	if c.app != 0 && e.Service == "" {
		e.Service = s.protocols[c.app-1].Name
	}
}

// row writes c's row into b.
func (s *Shard) row(c *conn, b *bucket, closed bool) {
	if c.flags&fEthernet != 0 {
		return
	}
	client, server, cp, sp := c.ends()
	out := int(c.client)
	in := 1 - out
	r := Connection{
		ConnKey: ConnKey{Client: client, Server: server, Proto: c.proto, Tunnel: c.tunnel, VLAN: c.vlan, InnerVLAN: c.inner},
		ID:      c.id(), First: c.first, Last: c.last,
		PacketsOut: c.totPackets[out] + uint64(c.packets[out]), BytesOut: c.totBytes[out] + c.bytes[out],
		PacketsIn: c.totPackets[in] + uint64(c.packets[in]), BytesIn: c.totBytes[in] + c.bytes[in],
		FragmentsOut: uint64(c.frags[out]), FragmentsIn: uint64(c.frags[in]),
		ClientMAC: c.firstMAC[out], ServerMAC: c.firstMAC[in],
		State: c.state(), Multicast: c.flags&fMulticast != 0, Closed: closed,
	}
	switch c.proto {
	case decode.ProtoICMP, decode.ProtoICMP6:
		r.ICMPType, r.ICMPCode = c.icmpType, c.icmpCode
	default:
		r.ClientPort, r.ServerPort = cp, sp
	}
	if r.ServerMAC == 0 {
		r.ServerMAC = c.peer[out]
	}
	if r.ClientMAC == 0 {
		r.ClientMAC = c.peer[in]
	}
	if c.app != 0 {
		r.Service = s.protocols[c.app-1].Name
	}
	b.conns = append(b.conns, r)
	c.lastRow = c.last
	c.flags |= fRowed
}

// id tells connections that were opened in the same nanosecond apart.
func (c *conn) id() uint64 {
	h := hashAddr(c.a, 0x6f73656374)
	h = hashAddr(c.b, h)
	h ^= uint64(c.aPort)<<48 | uint64(c.bPort)<<32 | uint64(c.vlan)<<16 | uint64(c.inner)
	// The frame's number tells two connections apart whose first frames have one
	// time, as in captures without times.
	h = mix(h^uint64(c.proto)<<8^uint64(c.tunnel)) ^ uint64(c.number)
	return mix(h) >> 1 // positive as int64
}

// close ends a connection and writes its last row; b is the bucket that gets it.
func (s *Shard) close(j int32, c *conn, b *bucket) {
	if c.stream >= 0 {
		s.endStream(j, c, b)
	}
	if (c.told[0]|c.told[1])&waits != 0 {
		s.heads.forget(j)
	}
	s.flush(c)
	if c.proto == decode.ProtoTCP && c.flags&fEthernet == 0 && c.flags&fCounted == 0 && c.state() == StateAttempt {
		c.flags |= fCounted
		client, server, _, port := c.ends()
		b.event(EventHalfOpen, client, server, uint32(port), "", c.last, c.ref())
	}
	s.row(c, b, true)
	s.table.remove(j)
}

// Close ends the minutes of the closing and returns what this shard saw in
// them, for Merger.Merge.
func (s *Shard) Close(cl *Closing) *Part {
	if cl.Services != nil {
		s.services = cl.Services
	}
	part := &Part{buckets: make([]*bucket, len(cl.Minutes))}
	if len(cl.Minutes) == 0 {
		return part
	}
	newest := cl.Minutes[len(cl.Minutes)-1]
	s.frags.expire(cl.Now, func(n uint64) { s.bucketFor(newest).counters.Dropped[DropFragments] += n })
	if s.table.n > 0 {
		held := map[heldKey]*Event{}
		s.table.each(func(j int32, c *conn) {
			if c.held() && c.first < newest+MinuteLength {
				s.hold(held, c)
			}
			if cl.Final || c.last < cl.Now && cl.Now-c.last > c.idle() {
				s.close(j, c, s.bucketFor(newest))
				return
			}
			for _, m := range cl.Minutes {
				if c.minute == m {
					s.flush(c)
				}
			}
			if c.flags&fRowed == 0 && c.first < cl.Now {
				s.row(c, s.bucketFor(newest), false)
			} else if c.last-c.lastRow >= rowEvery {
				s.row(c, s.bucketFor(newest), false)
			}
		})
		s.heldOpen(held, newest)
	}
	for i, m := range cl.Minutes {
		for x, b := range s.open {
			if b.start == m {
				part.buckets[i] = b
				s.open = append(s.open[:x], s.open[x+1:]...)
				break
			}
		}
	}
	s.cur = nil
	return part
}

// openLeast is from how many connections on it is told that they are held open.
const openLeast = 20

// smallPacket is the most bytes on the wire of a packet of TCP alone or with a few bytes of data.
const smallPacket = 80

type heldKey struct {
	client, server decode.Addr
	port           uint16
}

// fewPackets is the most packets of a server on a connection that does nothing.
const fewPackets = 20

// held says whether the handshake of c was completed, it is open and has had nothing but few and small packets of its server.
func (c *conn) held() bool {
	if c.proto != decode.ProtoTCP || c.tunnel != decode.NoTunnel || c.flags&(fSYN|fSYNACK|fDone|fEthernet) != fSYN|fSYNACK|fDone || c.closed() {
		return false
	}
	in := 1 - c.client
	n := c.totPackets[in] + uint64(c.packets[in])
	return n <= fewPackets && c.totBytes[in]+c.bytes[in] <= smallPacket*n
}

// hold counts a connection that is held open.
func (s *Shard) hold(held map[heldKey]*Event, c *conn) {
	client, server, _, port := c.ends()
	k := heldKey{client, server, port}
	e := held[k]
	if e == nil {
		e = &Event{First: c.first, Last: c.last, Ref: c.ref()}
		held[k] = e
	}
	e.Count++
	if c.first < e.First {
		e.First, e.Ref = c.first, c.ref()
	}
	e.Last = max(e.Last, c.last)
}

// heldOpen makes events of what is held open in a minute.
func (s *Shard) heldOpen(held map[heldKey]*Event, minute int64) {
	var keys []heldKey
	for k, x := range held {
		if x.Count >= openLeast {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b heldKey) int {
		return cmp.Or(a.client.Compare(b.client), a.server.Compare(b.server), cmp.Compare(a.port, b.port))
	})
	for _, k := range keys {
		x, b := held[k], s.bucketFor(minute)
		t := max(x.First, b.start)
		if e := b.event(EventOpen, k.client, k.server, uint32(k.port), "tcp "+strconv.Itoa(int(k.port)), t, x.Ref); e != nil {
			e.Count, e.Last = x.Count, min(max(t, x.Last), b.start+MinuteLength-1)
		}
	}
}

// Part is what one shard saw in the minutes of a closing.
type Part struct {
	buckets []*bucket
}

// drain takes what a decoder told in the session. i is the protocol; j the conn's
// stream for remembering, or -1.
func (s *Shard) drain(c *conn, si int32, i uint8, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	ss := &s.session
	for x := range ss.PDUs {
		p := &ss.PDUs[x]
		k := opKey{src: ss.Src, dst: ss.Dst, code: p.Code, unit: p.Unit, status: p.Status, proto: i,
			direction: p.Direction, class: p.Class, tunnel: c.tunnel, hasUnit: p.HasUnit, hasStatus: p.HasStatus}
		hint := int32(-1)
		var st *stream
		if si >= 0 {
			st = s.streams.at(si)
			if st.opStart == b.start {
				hint = st.lastOp[p.Direction&3]
			}
		}
		got := b.operation(&k, t, ref, hint)
		if st != nil {
			if st.opStart != b.start {
				st.opStart = b.start
				st.lastOp = [4]int32{-1, -1, -1, -1}
			}
			st.lastOp[p.Direction&3] = got
		}
		if s.order && st != nil && p.Direction == ot.Request {
			s.follows(st, i, p.Code, t, b, ref)
		}
		s.keep = s.keep || p.Class == ot.Control || p.Class == ot.Write
		if p.Class == ot.Control && p.Direction == ot.Request {
			b.event(EventControl, ss.Src, ss.Dst, uint32(p.Code), s.protocols[i].Name, t, ref)
		}
	}
	if len(ss.Facts) > 0 && !s.toldBefore(si, ss, b.start) {
		s.tell(i, t, b, ref, mac)
	}
	if len(ss.Publication) > 0 {
		s.published(t, b, ref)
	}
	s.learnClient(c)
}

// published makes events of what the sender publishes. Names without end must not take the place of other events.
func (s *Shard) published(t int64, b *bucket, ref FrameRef) {
	ss := &s.session
	if b.signs >= maxSignEvents {
		b.counters.Dropped[DropEvents]++
		return
	}
	arg := hashText(ss.Publication)
	if e := b.event(EventPublisher, ss.Src, ss.Dst, arg, "", t, ref); e != nil {
		e.Text = printable(ss.Publication)
		b.signs++
	}
	if !ss.Crossed {
		return
	}
	if e := b.event(EventCrossed, ss.Src, ss.Dst, arg, "", t, ref); e != nil {
		e.Text = printable(ss.Publication)
	}
}

// follows makes an event of the function of a request and that of the one before it.
func (s *Shard) follows(st *stream, i uint8, code uint64, t int64, b *bucket, ref FrameRef) {
	before, had := st.asked, st.hasAsked
	st.asked, st.hasAsked = code, true
	if !had {
		return
	}
	p := s.protocols[i]
	if e := b.event(EventOrder, s.session.Src, s.session.Dst, uint32(mix(before*0x9e3779b97f4a7c15^code)>>8)^uint32(i), "", t, ref); e != nil {
		e.Text = p.Name + " " + p.Function(before).Code + " " + p.Function(code).Code
	}
}

// toldBefore says whether the facts of this call are those that the same end
// of the connection told last, in this minute.
func (s *Shard) toldBefore(si int32, ss *ot.Session, minute int64) bool {
	if si < 0 {
		return false
	}
	h := uint64(minute)
	for x := range ss.Facts {
		f := &ss.Facts[x]
		h = mix(h ^ uint64(f.Kind)<<32 ^ uint64(len(f.Value)))
		for _, c := range f.Value {
			h = (h ^ uint64(c)) * 0x100000001b3 // FNV-1a
		}
	}
	h |= 1 // 0 is: nothing told
	st := s.streams.at(si)
	d := 0
	if ss.FromClient {
		d = 1
	}
	if st.told[d] == h {
		return true
	}
	st.told[d] = h
	return false
}

// tell keeps the facts of this call.
func (s *Shard) tell(i uint8, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	ss := &s.session
	for x := range ss.Facts {
		f := &ss.Facts[x]
		b.fact(ss.Src, mac, f.Kind.String(), s.protocols[i].Name, f.Value, t, ref)
	}
}

// learnClient takes a decoder's word on which end is the client.
func (s *Shard) learnClient(c *conn) {
	ss := &s.session
	if ss.Client != ot.ClientUnknown && c.sure < sureDecoder && c.flags&fEthernet == 0 {
		sender := uint8(0)
		if ss.FromClient != (c.client == 0) {
			sender = 1
		}
		if ss.Client == ot.ClientSender {
			c.client = sender
		} else {
			c.client = 1 - sender
		}
		c.sure = sureDecoder
	}
}
