package observe

import (
	"osect/decode"
	"osect/decode/ot"
)

const (
	// maxProbes is how many payloads of a connection are tried before it is
	// taken for none of the OT protocols.
	maxProbes = 12
	// maxProbeBytes is how much of a direction is gathered while a probe asks for more.
	maxProbeBytes = 512
	// maxQueued and maxQueuedBytes bound the segments of one direction that
	// wait for one before them.
	maxQueued      = 32
	maxQueuedBytes = 256 << 10 // captures of a host hold what its network card cuts up and puts together, up to 64 KB a frame
	// ackedHole is how many later segments must have come before a hole that
	// the other end has acknowledged is taken for a frame the capture missed,
	// and holeTime (ns) how long the first of them must have waited: of frames that changed
	// places on their way into the capture the missing one is close behind. ackedLong later ones are enough alone.
	ackedHole = 3
	holeTime  = 20e6
	ackedLong = 12
	// maxStreams is the most streams that a shard keeps state for.
	maxStreams = 4096
	// maxWaiting bounds the bytes that wait in a shard, in all queues and for the rest of their messages.
	maxWaiting = 1 << 20
	// leastBuffer is what waiting bytes have at the least, and maxSpare bounds the bytes of buffers that a shard keeps for others.
	leastBuffer = 1536
	maxSpare    = 256 << 10
)

// stream is what a connection with an OT protocol (or one that may become such)
// keeps besides its conn.
type stream struct {
	app   uint8 // as conn.app
	state any   // the decoder's
	half  [2]half
	// outer are the outermost source and destination per direction, for
	// connections inside a tunnel.
	outer   [2][2]decode.Addr
	opStart int64
	lastOp  [4]int32
	told    [2]uint64 // hash of the facts told last, per direction
	// asked is the function of the last request; valid iff hasAsked, which it is only with Tables.Order.
	asked    uint64
	hasAsked bool
}

// half is one direction of a TCP stream.
type half struct {
	buf    []byte // the beginning of a message that waits for its rest, a buffer of streamTable; nil for nothing
	skip   int    // bytes to come that need not be seen
	gap    bool   // bytes were lost before what comes next
	resume bool   // bytes were lost or refused before it
	queue  []queued
	queued int // bytes in queue
}

// queued is a segment that came before the one it follows.
type queued struct {
	seq  uint32
	wire int
	at   int64 // when it came, ns
	data []byte
}

// streamTable keeps streams by index with their buffers reused.
type streamTable struct {
	all    []*stream
	free   []int32
	spare  [][]byte // buffers for the next bytes that have to wait
	spared int      // bytes of them
	gather []byte   // for what probes gathered

	waiting int // bytes in queues and buffers, each buffer with leastBuffer at the least
}

// hold copies bytes that have to wait into a buffer of their own.
func (t *streamTable) hold(p []byte) []byte { return t.append(nil, p) }

// append puts p behind the waiting bytes of b.
func (t *streamTable) append(b, p []byte) []byte {
	if b == nil {
		if n := len(t.spare); n > 0 {
			b = t.spare[n-1]
			t.spare = t.spare[:n-1]
			t.spared -= cap(b)
		} else {
			b = make([]byte, 0, max(leastBuffer, len(p)))
		}
	} else {
		t.waiting -= max(leastBuffer, len(b))
	}
	b = append(b, p...)
	t.waiting += max(leastBuffer, len(b))
	return b
}

// keep leaves only the first n of the waiting bytes of b.
func (t *streamTable) keep(b []byte, n int) []byte {
	if n == 0 {
		t.release(b)
		return nil
	}
	t.waiting += max(leastBuffer, n) - max(leastBuffer, len(b))
	return b[:n]
}

// release gives back a buffer; nil is none.
func (t *streamTable) release(b []byte) {
	if b == nil {
		return
	}
	t.waiting -= max(leastBuffer, len(b))
	if t.spared+cap(b) <= maxSpare {
		t.spare = append(t.spare, b[:0])
		t.spared += cap(b)
	}
}

// room is how many bytes more may wait behind those of b.
func (t *streamTable) room(b []byte) int {
	return min(ot.MaxBuffer-len(b), max(0, maxWaiting-t.waiting))
}

func (t *streamTable) at(i int32) *stream { return t.all[i] }

func (t *streamTable) add() int32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	if len(t.all) >= maxStreams {
		return -1
	}
	t.all = append(t.all, &stream{})
	return int32(len(t.all) - 1)
}

func (t *streamTable) remove(i int32) {
	st := t.all[i]
	st.app, st.state, st.opStart = 0, nil, 0
	st.lastOp, st.told, st.hasAsked = [4]int32{}, [2]uint64{}, false
	for d := range st.half {
		h := &st.half[d]
		t.release(h.buf)
		for i := range h.queue {
			t.release(h.queue[i].data)
			h.queue[i] = queued{}
		}
		*h = half{queue: h.queue[:0]}
	}
	t.free = append(t.free, i)
}

// prepare sets the session up for a payload of c in direction d.
func (s *Shard) prepare(c *conn, d uint8) *ot.Session {
	ss := &s.session
	ss.Reset()
	ss.Src, ss.Dst, ss.SrcPort, ss.DstPort = c.a, c.b, c.aPort, c.bPort
	if d == 1 {
		ss.Src, ss.Dst, ss.SrcPort, ss.DstPort = c.b, c.a, c.bPort, c.aPort
	}
	if c.tunnel != decode.NoTunnel {
		ss.Src, ss.Dst = s.outer.src, s.outer.dst
		if c.stream >= 0 {
			if o := s.streams.at(c.stream).outer[d]; o[0] != (decode.Addr{}) {
				ss.Src, ss.Dst = o[0], o[1]
			}
		}
	}
	ss.FromClient = d == c.client
	ss.WireLen = 0
	return ss
}

// startStream gives c a stream; without room it is given up for OT.
func (s *Shard) startStream(c *conn, app uint8, b *bucket) *stream {
	i := s.streams.add()
	if i < 0 {
		c.flags |= fNoOT
		b.counters.Dropped[DropSegments]++
		return nil
	}
	c.stream = i
	st := s.streams.at(i)
	st.app = app
	if app != 0 {
		c.app = app
	}
	return st
}

// probe asks the protocols about a payload: those of the ports first.
func (s *Shard) probe(c *conn, d uint8, p []byte, wire int, t int) (app uint8, v ot.Verdict) {
	sp, dp := c.aPort, c.bPort
	if d == 1 {
		sp, dp = dp, sp
	}
	more := false
	var tried uint64
	h := ot.Hint{SrcPort: sp, DstPort: dp, Port: true, WireLen: wire}
	for _, port := range [2]uint16{dp, sp} {
		for _, i := range s.ports.hint[t][port] {
			if tried&(1<<(i&63)) != 0 {
				continue
			}
			tried |= 1 << (i & 63)
			switch s.ask(i, p, h, t) {
			case ot.Yes:
				return i + 1, ot.Yes
			case ot.More:
				more = true
			}
		}
	}
	h.Port = false
	for i := range s.protocols {
		if tried&(1<<(i&63)) != 0 {
			continue
		}
		switch s.ask(uint8(i), p, h, t) {
		case ot.Yes:
			return uint8(i) + 1, ot.Yes
		case ot.More:
			more = true
		}
	}
	if more {
		return 0, ot.More
	}
	return 0, ot.No
}

func (s *Shard) ask(i uint8, p []byte, h ot.Hint, t int) ot.Verdict {
	probe := s.protocols[i].ProbeStream
	if t == overUDP {
		probe = s.protocols[i].ProbeDatagram
	}
	if probe == nil {
		return ot.No
	}
	return probe(p, h)
}

// datagram handles the payload of a UDP packet in direction d.
func (s *Shard) datagram(j int32, c *conn, d uint8, p []byte, wire int, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	if c.app == 0 {
		app, v := s.probe(c, d, p, wire, overUDP)
		if v != ot.Yes {
			if c.probes++; c.probes >= maxProbes {
				c.flags |= fNoOT
			}
			return
		}
		if s.startStream(c, app, b) == nil {
			return
		}
	}
	if c.stream < 0 {
		return
	}
	st := s.streams.at(c.stream)
	ss := s.prepare(c, d)
	ss.State, ss.WireLen = st.state, wire
	s.protocols[st.app-1].Datagram(ss, p)
	st.state = ss.State
	s.drain(c, c.stream, st.app-1, t, b, ref, mac)
}

// segment handles the payload of a TCP segment in direction d: puts it in order
// and hands it on. wire is the payload's length on the wire, more than len(p)
// when the frame was cut.
func (s *Shard) segment(j int32, c *conn, d uint8, seq, ack uint32, flags uint8, p []byte, wire int, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	if flags&decode.SYN != 0 || c.flags&(fSeq0<<d) == 0 {
		return
	}
	if c.stream >= 0 {
		st := s.streams.at(c.stream)
		if c.tunnel != decode.NoTunnel {
			st.outer[d] = [2]decode.Addr{s.outer.src, s.outer.dst}
		}
		// What the other end acknowledges has been sent, seen here or not.
		if flags&decode.ACK != 0 {
			s.fillHole(c, st, 1-d, ack, t, b, ref, 0)
			if c.stream < 0 {
				return
			}
		}
	}
	if wire == 0 {
		return
	}
	diff := int32(seq - c.next[d])
	if diff < 0 {
		old := -int(diff)
		if old >= wire {
			return // all seen before
		}
		p = p[min(old, len(p)):]
		wire -= old
		seq = c.next[d]
		diff = 0
	}
	if diff == 0 {
		c.next[d] = seq + uint32(wire)
		s.inOrder(c, d, p, wire, t, b, ref, mac)
		if c.stream >= 0 {
			s.unqueue(c, s.streams.at(c.stream), d, t, b, ref, mac)
		}
		return
	}
	var st *stream
	if c.stream < 0 {
		if st = s.startStream(c, 0, b); st == nil {
			return
		}
		if c.tunnel != decode.NoTunnel {
			st.outer[d] = [2]decode.Addr{s.outer.src, s.outer.dst}
		}
	} else {
		st = s.streams.at(c.stream)
	}
	h := &st.half[d]
	// Kept in the order of sequence numbers; the same one only once.
	x := len(h.queue)
	for x > 0 && int32(h.queue[x-1].seq-seq) > 0 {
		x--
	}
	if x > 0 && h.queue[x-1].seq == seq && h.queue[x-1].wire >= wire {
		return
	}
	h.queue = append(h.queue, queued{})
	copy(h.queue[x+1:], h.queue[x:])
	h.queue[x] = queued{seq, wire, t, s.streams.hold(p)}
	h.queued += len(p)
	if len(h.queue) >= maxQueued || h.queued >= maxQueuedBytes || s.streams.waiting > maxWaiting {
		s.jump(c, st, d, t, b, ref, mac)
	}
}

// fillHole gives up waiting for bytes of direction d that the other end has acknowledged.
func (s *Shard) fillHole(c *conn, st *stream, d uint8, ack uint32, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	h := &st.half[d]
	if n := len(h.queue); n >= ackedHole && int32(ack-h.queue[0].seq) >= 0 && (n >= ackedLong || t-h.queue[0].at >= holeTime) {
		s.jump(c, st, d, t, b, ref, mac)
	}
}

// jump goes on behind a hole.
func (s *Shard) jump(c *conn, st *stream, d uint8, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	h := &st.half[d]
	missing := int(int32(h.queue[0].seq - c.next[d]))
	s.lose(h, missing, b)
	c.next[d] = h.queue[0].seq
	s.unqueue(c, st, d, t, b, ref, mac)
}

// lose notes that n bytes of a direction will not be seen.
func (s *Shard) lose(h *half, n int, b *bucket) {
	if n <= 0 {
		return
	}
	if len(h.buf) == 0 && h.skip >= n {
		h.skip -= n // they need not be seen
		return
	}
	b.counters.Dropped[DropSegments] += uint64(len(h.buf)) + uint64(n)
	s.streams.release(h.buf)
	h.buf, h.skip, h.gap, h.resume = nil, 0, true, true
}

// unqueue hands on what has come into order.
func (s *Shard) unqueue(c *conn, st *stream, d uint8, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	h := &st.half[d]
	for len(h.queue) > 0 {
		q := h.queue[0]
		diff := int32(q.seq - c.next[d])
		if diff > 0 {
			return
		}
		copy(h.queue, h.queue[1:])
		h.queue[len(h.queue)-1] = queued{}
		h.queue = h.queue[:len(h.queue)-1]
		h.queued -= len(q.data)
		old := -int(diff)
		if old < q.wire {
			c.next[d] = q.seq + uint32(q.wire)
			s.inOrder(c, d, q.data[min(old, len(q.data)):], q.wire-old, t, b, ref, mac)
		}
		s.streams.release(q.data)
		if c.stream < 0 {
			return // given up
		}
	}
}

// inOrder hands the next bytes of direction d to the decoder, or to the probes.
func (s *Shard) inOrder(c *conn, d uint8, p []byte, wire int, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	if c.app == 0 {
		s.inOrderUnknown(c, d, p, wire, t, b, ref, mac)
		return
	}
	if c.stream < 0 {
		return
	}
	s.feed(c, s.streams.at(c.stream), d, p, wire, t, b, ref, mac)
}

func (s *Shard) inOrderUnknown(c *conn, d uint8, p []byte, wire int, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	head := p
	if c.stream >= 0 {
		h := &s.streams.at(c.stream).half[d]
		if len(h.buf) > 0 {
			h.buf = s.streams.append(h.buf, p[:min(len(p), maxProbeBytes)])
			head = h.buf
		}
	}
	if len(head) == 0 {
		return
	}
	app, v := s.probe(c, d, head, 0, overTCP)
	if v == ot.No && len(head) > len(p) {
		// What was gathered (a keep-alive's byte, say) began nothing: does p by itself?
		h := &s.streams.at(c.stream).half[d]
		s.streams.release(h.buf)
		h.buf = s.streams.hold(p[:min(len(p), maxProbeBytes)])
		head = h.buf
		app, v = s.probe(c, d, p, 0, overTCP)
	}
	switch {
	case v == ot.Yes:
		st := (*stream)(nil)
		if c.stream < 0 {
			if st = s.startStream(c, app, b); st == nil {
				return
			}
			if c.tunnel != decode.NoTunnel {
				st.outer[d] = [2]decode.Addr{s.outer.src, s.outer.dst}
			}
		} else {
			st = s.streams.at(c.stream)
			st.app, c.app = app, app
		}
		if o := &st.half[1-d]; c.flags&(fSYN|fSYNACK) == 0 {
			// The other direction begins anywhere: what was gathered of it may be a message's end.
			if o.resume = true; len(o.buf) > 0 {
				s.streams.gather = append(s.streams.gather[:0], o.buf...)
				o.buf = s.streams.keep(o.buf, 0)
				s.feed(c, st, 1-d, s.streams.gather, len(s.streams.gather), t, b, ref, c.mac[1-d])
			}
		}
		h := &st.half[d]
		if len(h.buf) > 0 {
			// Bytes gathered while probing come first; p is behind them.
			whole := len(h.buf) - min(len(p), maxProbeBytes)
			s.streams.gather = append(s.streams.gather[:0], h.buf[:whole]...)
			first := s.streams.gather
			h.buf = s.streams.keep(h.buf, 0)
			s.feed(c, st, d, first, len(first), t, b, ref, mac)
		}
		s.feed(c, st, d, p, wire, t, b, ref, mac)
	case v == ot.More && len(head) < maxProbeBytes && len(p) == wire:
		st := (*stream)(nil)
		if c.stream < 0 {
			if st = s.startStream(c, 0, b); st == nil {
				return
			}
		} else {
			st = s.streams.at(c.stream)
		}
		h := &st.half[d]
		if n := min(len(p), maxProbeBytes); len(h.buf) == 0 && n <= s.streams.room(nil) {
			h.buf = s.streams.hold(p[:n])
		}
	default:
		if c.stream >= 0 {
			h := &s.streams.at(c.stream).half[d]
			h.buf = s.streams.keep(h.buf, 0)
		}
		if c.probes++; c.probes >= maxProbes {
			c.flags |= fNoOT
			if c.stream >= 0 {
				s.streams.remove(c.stream)
				c.stream = -1
			}
		}
	}
}

// feed gives bytes in order to the decoder of a recognised stream, until it takes no more of them.
func (s *Shard) feed(c *conn, st *stream, d uint8, p []byte, wire int, t int64, b *bucket, ref FrameRef, mac decode.MAC) {
	h := &st.half[d]
	cut := wire - len(p) // bytes that the snap length cut off
	short := cut > 0
	if h.skip > 0 {
		n := min(h.skip, len(p))
		h.skip -= n
		p = p[n:]
	}
	if len(p) == 0 {
		s.lose(h, cut, b)
		return
	}
	waited := len(h.buf) > 0
	if waited {
		if room := s.streams.room(h.buf); len(p) > room {
			b.counters.Dropped[DropSegments] += uint64(len(p) - room)
			cut += len(p) - room
			p = p[:room]
		}
		h.buf = s.streams.append(h.buf, p)
		p = h.buf
	}
	for n := 1; n > 0 && len(p) > 0; {
		clean := c.flags&fSYN != 0 && !h.gap && !h.resume && !short
		n = s.stream(c, st, d, p, short, t, b, ref, mac)
		switch {
		case n < 0: // it is none of the protocol's
			b.counters.Dropped[DropSegments] += uint64(len(p))
			h.resume = true
			if clean && c.tunnel == decode.NoTunnel {
				s.malformed(c, st, d, t, b, ref)
			}
			p = nil
		case n > len(p):
			h.skip = n - len(p)
			p = nil
		default:
			p = p[n:]
		}
	}
	// What is left begins a message.
	if len(p) >= ot.MaxBuffer {
		b.counters.Dropped[DropSegments] += uint64(len(p))
		p = nil
	}
	switch {
	case waited:
		h.buf = s.streams.keep(h.buf, copy(h.buf, p))
	case len(p) > s.streams.room(nil):
		s.lose(h, len(p), b)
	case len(p) > 0:
		h.buf = s.streams.hold(p)
	}
	s.lose(h, cut, b)
}

// malformed makes an event of bytes that begin no message.
func (s *Shard) malformed(c *conn, st *stream, d uint8, t int64, b *bucket, ref FrameRef) {
	src, dst := c.a, c.b
	if d == 1 {
		src, dst = dst, src
	}
	b.event(EventMalformed, src, dst, uint32(st.app), s.protocols[st.app-1].Name, t, ref)
}

// stream calls the decoder and takes what it tells.
func (s *Shard) stream(c *conn, st *stream, d uint8, p []byte, short bool, t int64, b *bucket, ref FrameRef, mac decode.MAC) int {
	h := &st.half[d]
	ss := s.prepare(c, d)
	ss.State, ss.Gap, ss.Resume, ss.Cut = st.state, h.gap, h.resume, short
	if h.gap {
		st.hasAsked = false // what was asked in between is not known
	}
	h.gap, h.resume = false, false
	n := s.protocols[st.app-1].Stream(ss, p)
	st.state = ss.State
	s.drain(c, c.stream, st.app-1, t, b, ref, mac)
	return n
}

// endStream hands on what still waits in the queues and frees the stream.
func (s *Shard) endStream(j int32, c *conn, b *bucket) {
	st := s.streams.at(c.stream)
	if c.proto == decode.ProtoTCP {
		t := min(max(c.last, b.start), b.start+MinuteLength-1)
		for d := range uint8(2) {
			for c.stream >= 0 && len(st.half[d].queue) > 0 {
				s.jump(c, st, d, t, b, c.ref(), c.mac[d])
			}
		}
	}
	if c.stream >= 0 {
		s.streams.remove(c.stream)
		c.stream = -1
	}
}
