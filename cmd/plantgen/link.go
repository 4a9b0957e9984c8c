package main

import (
	"math/rand/v2"
)

// pdu is one request with its answer and their counters.
type pdu struct {
	req, resp []byte
	ops       []*operation
}

// link is a long-lived TCP session that carries request and answer: it lives
// through restarts of its server, is sometimes opened anew, and sometimes shows
// pipelined, split, repeated and reordered messages.
type link struct {
	w     *world
	c, s  *node
	port  uint16
	r     *rand.Rand
	k     *conn
	hello func() pdu
	until int64 // the session is opened anew after this
	from  int64 // no traffic before
}

// link prepares a session between c and s. Without hello, some sessions were
// open before the capture began.
func (w *world) link(c, s *node, port uint16, hello func() pdu) *link {
	l := &link{w: w, c: c, s: s, port: port, r: w.rand("link %s %s %d", c.name, s.name, port), hello: hello}
	l.from = max(w.start, c.settled, s.settled) + second
	return l
}

// ready makes sure that there is a session, and returns when it can be used;
// false when the server does not answer.
func (l *link) ready(t int64) (int64, bool) {
	if l.k != nil {
		t = max(t, l.k.last+ms)
	}
	if l.k != nil && t > l.until {
		if l.r.IntN(4) == 0 {
			t = l.k.reset(t)
		} else {
			t = l.k.close(t)
		}
		l.k = nil
		t += between(l.r, 100*ms, second)
	}
	if l.k != nil {
		return t, true
	}
	fresh := l.until == 0
	l.until = t + int64((2+22*l.r.Float64())*float64(hour))
	if l.r.IntN(3) == 0 {
		l.until = l.w.end + day // open for good
	}
	k := l.w.newConn(l.c, l.s, l.port, l.r)
	k.impair = true
	if l.s.down(t) {
		k.unanswered(t)
		return t, false
	}
	l.k = k
	if fresh && l.hello == nil && l.r.IntN(3) == 0 {
		return t, true // was open before
	}
	t = k.open(t)
	if l.hello != nil {
		h := l.hello()
		t = k.exchange(t, h.req, h.resp, h.ops...) + ms
	}
	return t, true
}

// must is send for what has to happen: put off while the server restarts.
func (l *link) must(t int64, list ...pdu) {
	if l.s.down(t) {
		l.w.at(l.s.downTo+5*second, func(t int64) { l.must(t, list...) })
		return
	}
	l.send(t, list...)
}

// send carries requests and answers now, or as soon as the session allows.
func (l *link) send(t int64, list ...pdu) {
	if l.c.down(t) {
		l.k = nil
		return
	}
	t, ok := l.ready(t)
	if !ok {
		return
	}
	k := l.k
	if l.s.down(t) {
		p := list[0]
		seq, ack := k.cseq, k.sseq
		t = k.send(t, true, p.req, p.ops[:1]...)
		for _, d := range []int64{300 * ms, 900 * ms} {
			k.repeat(t+d, true, seq, ack, tcpACK|tcpPSH, p.req)
		}
		l.k, l.until = nil, 1
		return
	}
	if len(list) > 1 && l.r.IntN(3) == 0 { // pipelined: both in a segment
		var req, resp []byte
		var qo, ro []*operation
		for _, p := range list {
			req, resp = append(req, p.req...), append(resp, p.resp...)
			qo, ro = append(qo, p.ops[0]), append(ro, p.ops[1:]...)
		}
		t = k.send(t, true, req, qo...)
		t = k.send(t+l.s.think(l.r), false, resp, ro...)
		k.ack(t+between(l.r, 40*ms, 120*ms), true)
		return
	}
	for _, p := range list {
		t = k.send(t, true, p.req, p.ops[0])
		t += l.s.think(l.r)
		switch x := l.r.IntN(100); {
		case x == 0 && len(p.resp) > 8:
			t = k.swapped(t, false, p.resp, p.ops[1:]...)
		case x < 3 && len(p.resp) > 8: // split inside the header
			n := 1 + l.r.IntN(7)
			t = k.send(t, false, p.resp[:n])
			t = k.send(t+between(l.r, 100*us, 2*ms), false, p.resp[n:], p.ops[1:]...)
		default:
			t = k.send(t, false, p.resp, p.ops[1:]...)
		}
		t = k.ack(t+between(l.r, 20*ms, 60*ms), true) + ms
	}
}

// poll sends what make says every interval (scaled to the wanted packet rate).
func (l *link) poll(interval int64, make func(i int) []pdu) {
	l.w.cyclicRate += 3.3 * float64(second) / float64(interval)
	first := l.from + l.r.Int64N(min(interval*8, 20*second))
	i := 0
	l.w.at(first, func(t int64) {
		l.w.every(t, func(t int64) int64 {
			if t < l.from {
				return l.from
			}
			l.send(t, make(i)...)
			i++
			return t + jitter(l.r, l.w.cycle(interval), 0.02)
		})
	})
}

// cycle scales a cyclic interval: up to a minute in a plant of 200 devices, up
// to five in one of 1,000 and more.
func (w *world) cycle(interval int64) int64 {
	return max(min(int64(float64(interval)*w.scale), w.longestCycle()), 2*ms)
}

func (w *world) longestCycle() int64 { return minute * int64(max(1, min(5, w.cfg.devices/200))) }

// cyclic runs fn every interval, scaled likewise; packets is how many frames
// a run makes.
func (w *world) cyclic(n *node, interval int64, packets float64, name string, fn func(t int64, i int)) {
	r := w.rand("cyclic %s %s", n.name, name)
	w.cyclicRate += packets * float64(second) / float64(interval)
	i := 0
	w.every(max(w.start, n.settled)+r.Int64N(2*second), func(t int64) int64 {
		if !n.down(t) {
			fn(t, i)
			i++
		}
		return t + jitter(r, w.cycle(interval), 0.02)
	})
}
