package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// conn is one TCP connection between a client and a server.
type conn struct {
	w          *world
	c, s       *node
	cp, sp     uint16
	cseq, sseq uint32
	comm       *communication
	r          *rand.Rand
	stamps     bool // both ends use timestamps (RFC 7323)
	last       int64
	cip, sip   ip4
	impair     bool // sometimes repeats and reorders segments
}

const mss = 1460

func synOptions(kind string, t int64, peer uint32) []byte {
	switch kind {
	case "windows":
		return []byte{2, 4, 0x05, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2}
	case "linux":
		o := []byte{2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7}
		binary.BigEndian.PutUint32(o[8:], uint32(t/ms))
		binary.BigEndian.PutUint32(o[12:], peer)
		return o
	}
	return []byte{2, 4, 0x05, 0xb4}
}

// newConn prepares a connection without sending anything.
func (w *world) newConn(c, s *node, port uint16, r *rand.Rand) *conn {
	return &conn{
		w: w, c: c, s: s, cp: c.ephemeral(), sp: port, r: r,
		cseq: r.Uint32(), sseq: r.Uint32(), cip: c.ip, sip: s.ip,
		comm:   w.comm(c.ip, s.ip, 6, port),
		stamps: c.stack.syn == "linux" && s.stack.syn == "linux",
	}
}

// segment puts one segment on the wire.
func (k *conn) segment(t int64, fromClient bool, flags uint8, opts, data []byte, ops ...*operation) int64 {
	a, b, ap, bp, seq, ack := k.c, k.s, k.cp, k.sp, k.cseq, k.sseq
	aip, bip := k.cip, k.sip
	if !fromClient {
		a, b, ap, bp, seq, ack = k.s, k.c, k.sp, k.cp, k.sseq, k.cseq
		aip, bip = k.sip, k.cip
	}
	t, src, dst := k.w.resolve(t, a, b)
	k.raw(t, a, src, dst, aip, bip, ap, bp, seq, ack, flags, opts, data, ops...)
	n := uint32(len(data))
	if flags&(tcpSYN|tcpFIN) != 0 {
		n++
	}
	if fromClient {
		k.cseq += n
	} else {
		k.sseq += n
	}
	return t
}

func (k *conn) raw(t int64, a *node, src, dst mac, aip, bip ip4, ap, bp uint16, seq, ack uint32, flags uint8, opts, data []byte, ops ...*operation) {
	if k.stamps && flags&tcpSYN == 0 {
		opts = make([]byte, 12)
		opts[0], opts[1], opts[2], opts[3] = 1, 1, 8, 10
		binary.BigEndian.PutUint32(opts[4:], uint32(t/ms))
		binary.BigEndian.PutUint32(opts[8:], uint32((k.last)/ms))
	}
	h := a.header(bip, 6)
	h.src = aip
	win := a.stack.window
	if flags&tcpRST != 0 {
		win = 0
	}
	k.w.emit(t, ipv4Frame(dst, src, h, tcpSegment(aip, bip, ap, bp, seq, ack, flags, win, opts, data)), k.comm, ops...)
	k.last = max(k.last, t)
}

// open does the handshake and returns the time at which data may follow.
func (k *conn) open(t int64) int64 {
	t = k.segment(t, true, tcpSYN, synOptions(k.c.stack.syn, t, 0), nil)
	kind := k.s.stack.syn
	if kind == "linux" && !k.stamps {
		kind = "windows"
	}
	t = k.segment(t+k.rtt(k.s), false, tcpSYN|tcpACK, synOptions(kind, t, uint32(t/ms)), nil)
	return k.segment(t+k.rtt(k.c), true, tcpACK, nil, nil) + between(k.r, 20*us, 200*us)
}

// rtt is how long a bare acknowledgement takes.
func (k *conn) rtt(n *node) int64 {
	d := between(k.r, 60*us, 300*us)
	if n.remote {
		d += between(k.r, 8*ms, 20*ms)
	}
	return d
}

// refused is a SYN answered by RST.
func (k *conn) refused(t int64) int64 {
	t = k.segment(t, true, tcpSYN, synOptions(k.c.stack.syn, t, 0), nil)
	k.sseq = 0
	return k.segment(t+k.rtt(k.s), false, tcpRST|tcpACK, nil, nil)
}

// unanswered is a SYN that is repeated twice and never answered.
func (k *conn) unanswered(t int64) int64 {
	for _, d := range []int64{0, second, 3 * second} {
		seq := k.cseq
		k.segment(t+d, true, tcpSYN, synOptions(k.c.stack.syn, t+d, 0), nil)
		k.cseq = seq
	}
	return t + 3*second
}

// send carries data one way, cut at the MSS, acknowledged every second segment.
// ops are counted on the frame that completes them. It returns the time of the
// last segment; its acknowledgement is left to what follows.
func (k *conn) send(t int64, fromClient bool, data []byte, ops ...*operation) int64 {
	for i := 0; len(data) > 0; i++ {
		n := min(len(data), mss)
		if k.stamps {
			n = min(n, mss-12)
		}
		var o []*operation
		flags := uint8(tcpACK)
		if n == len(data) {
			flags |= tcpPSH
			o = ops
		}
		seq, ack := k.cseq, k.sseq
		if !fromClient {
			seq, ack = ack, seq
		}
		t = k.segment(t, fromClient, flags, nil, data[:n], o...)
		if k.impair && k.r.IntN(400) == 0 {
			k.repeat(t+between(k.r, 200*ms, 300*ms), fromClient, seq, ack, flags, data[:n])
		}
		data = data[n:]
		if i%2 == 1 && len(data) > 0 {
			k.ack(t+between(k.r, 30*us, 90*us), !fromClient)
		}
		if len(data) > 0 {
			t += between(k.r, 100*us, 250*us)
		}
	}
	return t
}

// repeat sends a segment's payload again at its old sequence number.
func (k *conn) repeat(t int64, fromClient bool, seq, ack uint32, flags uint8, data []byte) {
	a, b, aip, bip, ap, bp := k.c, k.s, k.cip, k.sip, k.cp, k.sp
	if !fromClient {
		a, b, aip, bip, ap, bp = k.s, k.c, k.sip, k.cip, k.sp, k.cp
	}
	t, src, dst := k.w.resolve(t, a, b)
	k.raw(t, a, src, dst, aip, bip, ap, bp, seq, ack, flags, nil, data)
}

// swapped sends two halves of data so that the second is seen first.
func (k *conn) swapped(t int64, fromClient bool, data []byte, ops ...*operation) int64 {
	n := len(data) / 2
	seq, ack := &k.cseq, k.sseq
	if !fromClient {
		seq, ack = &k.sseq, k.cseq
	}
	first := *seq
	*seq += uint32(n)
	t = k.segment(t, fromClient, tcpACK|tcpPSH, nil, data[n:])
	t += between(k.r, 50*us, 400*us)
	a, b, aip, bip, ap, bp := k.c, k.s, k.cip, k.sip, k.cp, k.sp
	if !fromClient {
		a, b, aip, bip, ap, bp = k.s, k.c, k.sip, k.cip, k.sp, k.cp
	}
	t, src, dst := k.w.resolve(t, a, b)
	k.raw(t, a, src, dst, aip, bip, ap, bp, first, ack, tcpACK, nil, data[:n], ops...)
	return t
}

func (k *conn) ack(t int64, fromClient bool) int64 {
	return k.segment(t, fromClient, tcpACK, nil, nil)
}

// exchange is a request and its answer, the answer acknowledged late.
func (k *conn) exchange(t int64, req, resp []byte, ops ...*operation) int64 {
	var reqOps, respOps []*operation
	for _, o := range ops {
		if o.key.direction == "request" {
			reqOps = append(reqOps, o)
		} else {
			respOps = append(respOps, o)
		}
	}
	t = k.send(t, true, req, reqOps...)
	t = k.send(t+k.s.think(k.r), false, resp, respOps...)
	return k.ack(t+between(k.r, 40*ms, 120*ms), true)
}

// close ends the connection by FIN from the client.
func (k *conn) close(t int64) int64 {
	t = max(t, k.last+ms)
	t = k.segment(t, true, tcpFIN|tcpACK, nil, nil)
	t = k.segment(t+k.rtt(k.s), false, tcpFIN|tcpACK, nil, nil)
	return k.segment(t+k.rtt(k.c), true, tcpACK, nil, nil)
}

// reset ends the connection by RST from the client.
func (k *conn) reset(t int64) int64 {
	return k.segment(max(t, k.last+ms), true, tcpRST|tcpACK, nil, nil)
}

// bulk sends n opaque bytes in events of its own, so that a large transfer is
// never in memory at once, and calls done behind the last.
func (k *conn) bulk(t int64, fromClient bool, n int, wrap func(b []byte) []byte, done func(t int64)) {
	k.w.at(t, func(t int64) {
		const chunk = 16 << 10
		m := min(n, chunk)
		b := make([]byte, m)
		for i := 0; i+8 <= m; i += 8 {
			binary.LittleEndian.PutUint64(b[i:], k.r.Uint64())
		}
		t = k.send(t, fromClient, wrap(b))
		t = k.ack(t+between(k.r, 50*us, 150*us), !fromClient)
		if n > m {
			k.bulk(t+between(k.r, 200*us, 3*ms), fromClient, n-m, wrap, done)
			return
		}
		k.w.at(t+ms, done)
	})
}
