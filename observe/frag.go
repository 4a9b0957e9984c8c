package observe

import (
	"osect/decode"
)

const (
	fragTimeout  = int64(30e9) // RFC 791, RFC 8200 name 15 s to 60 s
	maxTrains    = 256         // datagrams in pieces, per shard
	maxFragBytes = 2 << 20     // of all of them together, per shard
	maxPieces    = 64          // of one datagram
)

// fragTable puts fragments together: those of one (source, destination,
// identification, protocol, VLAN) are a train.
type fragTable struct {
	trains map[fragKey]*train
	bytes  int
	free   []*train // with the buffers of their pieces, for the next ones
	out    []byte   // the datagram that was put together last
}

type fragKey struct {
	src, dst    decode.Addr
	id          uint32
	vlan, inner uint16
	proto       uint8
	tunnel      decode.Tunnel
}

// train is one datagram in pieces.
type train struct {
	first  int64 // time of its first piece
	key    connKey
	d      uint8
	known  bool // the first fragment, with the ports, was seen
	total  int  // length of the whole; -1 not known yet
	have   int
	pieces []piece
	early  uint32 // later fragments seen before the first one
	done   bool
	broken bool // cut by the snap length, overlapping or too much: counted only
}

type piece struct {
	off  int
	data []byte
}

func (f *fragTable) init() { f.trains = make(map[fragKey]*train) }

func fragKeyOf(p *decode.Packet, tunnel decode.Tunnel) fragKey {
	return fragKey{p.Src, p.Dst, p.FragID, p.VLAN, p.InnerVLAN, p.Proto, tunnel}
}

// get returns the train of p, made if new; nil where there is no room.
func (f *fragTable) get(p *decode.Packet, t int64, tunnel decode.Tunnel) *train {
	k := fragKeyOf(p, tunnel)
	tr := f.trains[k]
	if tr != nil && (t-tr.first > fragTimeout || tr.done && p.FragOff == 0) {
		f.drop(k, tr)
		tr = nil
	}
	if tr == nil {
		if len(f.trains) >= maxTrains {
			return nil
		}
		if n := len(f.free); n > 0 {
			tr, f.free = f.free[n-1], f.free[:n-1]
			*tr = train{pieces: tr.pieces[:0]}
		} else {
			tr = new(train)
		}
		tr.first, tr.total = t, -1
		f.trains[k] = tr
	}
	return tr
}

func (f *fragTable) drop(k fragKey, tr *train) {
	f.empty(tr)
	delete(f.trains, k)
	if len(f.free) < 16 {
		f.free = append(f.free, tr)
	}
}

// empty lets the pieces of a train go, keeping small buffers for later ones.
func (f *fragTable) empty(tr *train) {
	for _, p := range tr.pieces {
		f.bytes -= len(p.data)
	}
	tr.pieces = tr.pieces[:0]
}

// expire drops trains that wait for longer than the time-out at now.
func (f *fragTable) expire(now int64, dropped func(uint64)) {
	for k, tr := range f.trains {
		if now-tr.first > fragTimeout {
			if !tr.done {
				dropped(1)
			}
			f.drop(k, tr)
		}
	}
}

// add puts a piece into the train and says whether it is whole now.
func (f *fragTable) add(tr *train, p *decode.Packet) bool {
	if tr.done || tr.broken {
		return false
	}
	data := p.Data[min(p.FragData, p.L3End):p.L3End]
	off := int(p.FragOff)
	if p.Truncated || len(tr.pieces) >= maxPieces || f.bytes+len(data) > maxFragBytes || off+len(data) > 65535 {
		f.breakUp(tr)
		return false
	}
	for _, q := range tr.pieces {
		if off < q.off+len(q.data) && q.off < off+len(data) {
			if off == q.off && len(data) == len(q.data) {
				return false // the same piece again
			}
			f.breakUp(tr) // overlap: no two stacks agree on what it means
			return false
		}
	}
	if !p.MoreFrags {
		tr.total = off + len(data)
	}
	if n := len(tr.pieces); n < cap(tr.pieces) {
		tr.pieces = tr.pieces[:n+1]
		q := &tr.pieces[n]
		q.off, q.data = off, append(q.data[:0], data...)
	} else {
		tr.pieces = append(tr.pieces, piece{off, append([]byte(nil), data...)})
	}
	f.bytes += len(data)
	tr.have += len(data)
	return tr.known && tr.total >= 0 && tr.have == tr.total
}

func (f *fragTable) breakUp(tr *train) {
	f.empty(tr)
	tr.broken = true
}

// whole returns the datagram, valid until the next one; the train is done.
func (f *fragTable) whole(tr *train) []byte {
	f.out = append(f.out[:0], make([]byte, tr.total)...)
	for _, q := range tr.pieces {
		if q.off+len(q.data) <= len(f.out) {
			copy(f.out[q.off:], q.data)
		}
	}
	f.empty(tr)
	tr.done = true
	return f.out
}

// firstFragment remembers the connection of a datagram in pieces.
func (s *Shard) firstFragment(p *decode.Packet, j int32, c *conn, d uint8, t int64, b *bucket, ref FrameRef, tunnel decode.Tunnel) {
	tr := s.frags.get(p, t, tunnel)
	if tr == nil {
		b.counters.Dropped[DropFragments]++
		return
	}
	if !tr.known {
		tr.known, tr.d = true, d
		tr.key = connKey{c.a, c.b, c.aPort, c.bPort, c.vlan, c.inner, c.proto, c.tunnel}
		if tr.early > 0 {
			c.frags[d] += tr.early
		}
	}
	if s.frags.add(tr, p) {
		s.reassembled(p, tr, t, b, ref)
	}
}

// laterFragment counts a later fragment for its connection.
func (s *Shard) laterFragment(p *decode.Packet, t int64, b *bucket, ref FrameRef, tunnel decode.Tunnel) {
	tr := s.frags.get(p, t, tunnel)
	if tr == nil {
		b.counters.Dropped[DropFragments]++
		return
	}
	if tr.known {
		if j := s.table.find(&tr.key, tr.key.hash()); j >= 0 {
			c := s.table.at(j)
			c.frags[tr.d]++
		}
	} else {
		tr.early++
	}
	if s.frags.add(tr, p) {
		s.reassembled(p, tr, t, b, ref)
	}
}

// reassembled hands on the payload of a datagram that has become whole.
func (s *Shard) reassembled(p *decode.Packet, tr *train, t int64, b *bucket, ref FrameRef) {
	data := s.frags.whole(tr)
	j := s.table.find(&tr.key, tr.key.hash())
	if j < 0 {
		return
	}
	c := s.table.at(j)
	if c.proto == decode.ProtoUDP && len(data) > 8 && c.app == 0 {
		s.hostWhole(p, tr, data[8:], t, b, ref)
	}
	if c.flags&fNoOT != 0 {
		return
	}
	switch {
	case c.proto == decode.ProtoUDP && len(data) > 8:
		s.datagram(j, c, tr.d, data[8:], len(data)-8, t, b, ref, p.SrcMAC)
	case c.proto == decode.ProtoTCP && len(data) >= 20:
		off := int(data[12]>>4) * 4
		if off < 20 || off > len(data) {
			return
		}
		seq := uint32(data[4])<<24 | uint32(data[5])<<16 | uint32(data[6])<<8 | uint32(data[7])
		ack := uint32(data[8])<<24 | uint32(data[9])<<16 | uint32(data[10])<<8 | uint32(data[11])
		s.segment(j, c, tr.d, seq, ack, data[13], data[off:], len(data)-off, t, b, ref, p.SrcMAC)
	}
}
