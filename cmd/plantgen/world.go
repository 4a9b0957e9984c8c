package main

import (
	"container/heap"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
)

const (
	us     = int64(1e3)
	ms     = int64(1e6)
	second = int64(1e9)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// event is something that a generator does at packet time t.
type event struct {
	t      int64
	seq    uint64
	attack *attack
	fn     func(t int64)
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].t < q[j].t || q[i].t == q[j].t && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any {
	old := *q
	n := len(old) - 1
	x := old[n]
	old[n] = event{}
	*q = old[:n]
	return x
}

// frame waits in the output queue until no earlier one can be made. Its ops
// are the OT operations whose last byte it carries.
type frame struct {
	t      int64
	seq    uint64
	b      []byte
	comm   *communication
	attack *attack
	ops    []*operation
}

// frameQueue is a binary heap by (time, order of making); written out by hand
// because every frame passes through it.
type frameQueue []frame

func (q frameQueue) less(i, j int) bool {
	return q[i].t < q[j].t || q[i].t == q[j].t && q[i].seq < q[j].seq
}

func (q *frameQueue) push(f frame) {
	*q = append(*q, f)
	h := *q
	for i := len(h) - 1; i > 0; {
		p := (i - 1) / 2
		if !h.less(i, p) {
			break
		}
		h[i], h[p] = h[p], h[i]
		i = p
	}
}

func (q *frameQueue) pop() frame {
	h := *q
	top := h[0]
	n := len(h) - 1
	h[0] = h[n]
	h[n] = frame{}
	h = h[:n]
	*q = h
	for i := 0; ; {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && h.less(c+1, c) {
			c++
		}
		if !h.less(c, i) {
			break
		}
		h[i], h[c] = h[c], h[i]
		i = c
	}
	return top
}

// world is the plant in motion: an event queue in packet time whose events
// make frames, which leave in time order. Nothing in it depends on the wall
// clock or on map order, so that a seed and flags give the same bytes.
type world struct {
	cfg   config
	start int64 // ns since 1970 UTC
	cut   int64 // the attacked part begins
	end   int64
	zone  int64 // offset of the plant's wall time from UTC, ns
	scale float64
	human float64 // people's tasks are this much rarer in a large plant
	// holidays are days, counted from 1970 by the plant's clock, on which nobody works; on failed, the nightly backup breaks off.
	holidays, failed map[int64]bool
	queue            eventQueue
	frames           frameQueue
	seq              uint64
	active           *attack // what is being made belongs to this attack

	nodes   []*node
	subnets []*subnet
	lan     *subnet
	router  *node
	byMAC   map[mac]*node
	byIP    map[ip4]*node

	comms   map[commKey]*communication
	ops     map[opKey]*operation
	attacks []*attack
	noted   []note

	cyclicRate, otherRate float64 // packets/s at scale 1, for choosing scale
	unused                func(r *rand.Rand, src, dst []*node) (*node, *node)

	sink func(f *frame) error
	err  error
}

func newWorld(cfg config) *world {
	w := &world{
		cfg: cfg, start: cfg.start.UnixNano(), scale: 1, human: 1,
		byMAC: map[mac]*node{}, byIP: map[ip4]*node{},
		comms: map[commKey]*communication{}, ops: map[opKey]*operation{},
	}
	w.end = w.start + int64(cfg.duration)
	w.cut = min(w.start+int64(cfg.attackFrom), w.end)
	_, off := cfg.start.Zone()
	w.zone = int64(off) * second
	if cfg.devices > 200 {
		w.human = math.Sqrt(float64(cfg.devices) / 200)
	}
	w.unusual()
	return w
}

// unusual marks the days of a plant of weeks that are not like the others: a holiday in the second week and each third one
// after it, and a night in the fourth week and each second one after it whose backup breaks off and is made again.
func (w *world) unusual() {
	r := w.rand("unusual days")
	w.holidays, w.failed = map[int64]bool{}, map[int64]bool{}
	first := (w.start + w.zone) / day
	for week := int64(0); (w.start+w.zone)+(week+1)*7*day <= w.end+w.zone; week++ {
		holiday, failed := first+7*week+r.Int64N(7), first+7*week+r.Int64N(7)
		if week%3 == 1 {
			for (holiday+4)%7 == 0 || (holiday+4)%7 == 6 { // 1970-01-01 was a Thursday
				holiday = first + 7*week + r.Int64N(7)
			}
			w.holidays[holiday] = true
			w.noteAt(holiday*day-w.zone, "holiday", "")
		}
		if week >= 3 && week%2 == 1 {
			w.failed[failed] = true
		}
	}
}

// rand returns a generator of its own for a named actor, so that switching one
// actor on or off leaves the others as they were.
func (w *world) rand(format string, args ...any) *rand.Rand {
	h := fnv.New64a()
	fmt.Fprintf(h, format, args...)
	return rand.New(rand.NewPCG(w.cfg.seed, h.Sum64()))
}

// at runs fn at packet time t, on behalf of the attack now active, if any.
func (w *world) at(t int64, fn func(t int64)) {
	if t >= w.end {
		return
	}
	w.seq++
	heap.Push(&w.queue, event{t, w.seq, w.active, fn})
}

// every runs fn at first and then whenever fn says next; next <= t ends it.
func (w *world) every(first int64, fn func(t int64) int64) {
	w.at(first, func(t int64) {
		if next := fn(t); next > t {
			w.every(next, fn)
		}
	})
}

// emit queues a frame.
func (w *world) emit(t int64, b []byte, c *communication, ops ...*operation) {
	if t >= w.end || t < w.start {
		return
	}
	w.seq++
	w.frames.push(frame{t, w.seq, b, c, w.active, ops})
}

// run turns the event queue until the end of the capture.
func (w *world) run() error {
	for len(w.queue) > 0 && w.err == nil {
		e := heap.Pop(&w.queue).(event)
		w.release(e.t)
		w.active = e.attack
		e.fn(e.t)
		w.active = nil
	}
	w.release(w.end)
	return w.err
}

// release writes the frames that no later event can precede.
func (w *world) release(t int64) {
	for len(w.frames) > 0 && w.frames[0].t < t && w.err == nil {
		f := w.frames.pop()
		w.count(&f)
		w.err = w.sink(&f)
	}
}

// --- time of day -----------------------------------------------------------

// calendar says how busy a kind of work is at a time.
type calendar int

const (
	always     calendar = iota
	office              // Mon-Fri 08:00-18:00, quiet at lunch
	production          // Mon-Sat two shifts 06:00-22:00 with breaks
)

// level is 0..1.
func (w *world) level(c calendar, t int64) float64 {
	if c == always {
		return 1
	}
	local := t + w.zone
	d := local / day // 1970-01-01 was a Thursday
	wd := (d + 4) % 7
	if w.holidays[d] {
		wd = 0
	}
	h := float64(local%day) / float64(hour)
	switch c {
	case office:
		if wd == 0 || wd == 6 || h < 8 || h >= 18 {
			return 0
		}
		if h >= 12 && h < 13 {
			return 0.15
		}
		return 1
	default:
		if wd == 0 || wd == 6 && h >= 14 || h < 6 || h >= 22 {
			return 0
		}
		if h >= 12 && h < 12.75 || h >= 10 && h < 10.25 || h >= 18 && h < 18.75 {
			return 0.2
		}
		return 1
	}
}

// within picks a time in [lo, hi), in working hours where there are any.
func (w *world) within(r *rand.Rand, c calendar, lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	var t int64
	for range 200 {
		t = lo + r.Int64N(hi-lo)
		if w.level(c, t) > 0.5 {
			return t
		}
	}
	return t
}

// first picks when a recurring behaviour is seen for the first time: always in
// the clean part, with enough of it left for what the behaviour starts.
func (w *world) first(r *rand.Rand, c calendar, n *node) int64 {
	lo := w.start
	if n != nil && n.settled > lo {
		lo = n.settled
	}
	hi := w.start + int64(float64(w.cut-w.start)*0.9)
	return w.within(r, c, lo, hi)
}

// task is a recurring behaviour of node n: once in the clean part for sure,
// then at random with the given mean gap during its hours.
func (w *world) task(n *node, c calendar, mean int64, name string, fn func(t int64, r *rand.Rand)) {
	r := w.rand("task %s %s", n.name, name)
	mean = int64(float64(mean) * w.human)
	w.every(w.first(r, c, n), func(t int64) int64 {
		if n.down(t) {
			return n.downTo + 5*second
		}
		fn(t, r)
		next := t
		for range 10000 {
			next += int64(r.ExpFloat64()*float64(mean)) + second
			if w.level(c, next) >= 0.99 || r.Float64() < w.level(c, next) {
				break
			}
		}
		return next
	})
}

// daily runs fn once a day at the given local hour with jitter, and once in
// the clean part in any case.
func (w *world) daily(n *node, at float64, name string, fn func(t int64, r *rand.Rand)) {
	r := w.rand("daily %s %s", n.name, name)
	limit := w.start + int64(float64(w.cut-w.start)*0.9)
	local := w.start + w.zone
	t := local - local%day + int64(at*float64(hour)) - w.zone
	if t < w.start {
		t += day
	}
	if t > limit {
		f := w.first(r, always, n)
		w.at(f, func(t int64) { fn(t, r) })
	}
	w.every(t, func(t int64) int64 {
		w.at(t+r.Int64N(10*minute), func(t int64) { fn(t, r) })
		return t + day
	})
}

// jitter spreads d by +-f.
func jitter(r *rand.Rand, d int64, f float64) int64 {
	return int64(float64(d) * (1 + f*(2*r.Float64()-1)))
}

// between picks a duration in [lo, hi).
func between(r *rand.Rand, lo, hi int64) int64 { return lo + r.Int64N(hi-lo) }

// heavy draws a volume from a Pareto distribution (shape 1.2) with minimum lo,
// cut at hi.
func heavy(r *rand.Rand, lo, hi int) int {
	v := float64(lo) / math.Pow(1-r.Float64(), 1/1.2)
	return int(min(v, float64(hi)))
}
