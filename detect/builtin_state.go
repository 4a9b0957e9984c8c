package detect

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// What is watched for silence was learned in this many minutes at least, and
// was never silent for longer than this many.
const (
	heardMinutes  = 60
	cyclicMinutes = 10
	maxGap        = 6
)

// builtinState is what the built-in detector remembers of minutes before.
type builtinState struct {
	bound    map[decode.Addr]*bound
	index    int   // number of minutes with data, this one included
	newest   int64 // start of the newest minute
	whole    int   // minutes in a row, up to the newest, that were taken once and without a gap before them
	heard    map[decode.Addr]*presence
	channels map[builtinKey]*channel
	beacons  map[beaconKey]*beacon
	// publishers are who publishes (Dst, name).
	publishers map[builtinKey]publisher

	// From the learned rows: what is watched, and what each device told ("protocol kind" → values).
	watched  map[decode.Addr]int
	paced    map[builtinKey]pace
	identity map[builtinKey][]string
	since    int // index when they were loaded
}

// presence says when something was heard last.
type presence struct {
	last       int // the minute by index; 0 for never
	lastT      int64
	count, gap int // while it was learned: minutes, and the longest silence
	ot, told   bool
	ref        observe.FrameRef
}

// hears counts this minute.
func (p *presence) hears(index int, t int64, ref observe.FrameRef, learning bool) {
	if p.last == index {
		p.lastT = max(p.lastT, t)
		return
	}
	if learning {
		if p.count > 0 {
			p.gap = max(p.gap, index-p.last-1)
		}
		p.count++
	}
	p.last, p.lastT, p.told, p.ref = index, t, false, ref
}

// channel is a cyclic exchange: source, destination, protocol and code.
type channel struct {
	presence
	// n are the messages of the last three minutes by index mod 3, at the index.
	n        [3]uint64
	at       [3]int
	whole    int // whole minutes counted
	low, top uint64
}

// pace is what was learned of a channel; gap is -1 where it is not watched for silence.
type pace struct {
	low, top int
	gap      int
}

func (s *builtinState) init() {
	s.bound, s.heard = map[decode.Addr]*bound{}, map[decode.Addr]*presence{}
	s.channels, s.beacons = map[builtinKey]*channel{}, map[beaconKey]*beacon{}
	s.publishers = map[builtinKey]publisher{}
}

// load derives what is watched from the rows.
func (s *builtinState) load(b *builtin) {
	s.watched, s.paced, s.identity = map[decode.Addr]int{}, map[builtinKey]pace{}, map[builtinKey][]string{}
	s.since = s.index
	for k, e := range b.known {
		s.take(k, e)
	}
	for _, v := range s.identity {
		slices.Sort(v)
	}
}

// take is load of one row.
func (s *builtinState) take(k builtinKey, e *entry) {
	switch k.item {
	case ItemHeard:
		s.watched[k.src] = int(e.Hi)
	case ItemIdentity:
		name, value, _ := strings.Cut(k.extra, "=")
		i := builtinKey{src: k.src, extra: name}
		s.identity[i] = append(s.identity[i], value)
	case ItemCyclicMin, ItemCyclicMax, ItemCyclicGap:
		c := k
		c.item = ""
		p, ok := s.paced[c]
		if !ok {
			p.gap = -1
		}
		switch k.item {
		case ItemCyclicMin:
			p.low = int(e.Hi)
		case ItemCyclicMax:
			p.top = int(e.Hi)
		default:
			p.gap = int(e.Hi)
		}
		s.paced[c] = p
	}
}

// track takes the minute into what is remembered. changes is where learning
// puts its rows; nil when nothing is to be written: then, where it does not learn, b.hits grows by what differs.
func (s *builtinState) track(b *builtin, v *view, learning bool, changes *[]Change) {
	if v.m.Late || s.newest != 0 && v.m.Start <= s.newest {
		if v.m.Start == s.newest && !v.m.Late {
			s.whole = 0 // its other part was in the run before
		}
		return // of a minute that was counted
	}
	if v.m.Start != s.newest+mint {
		s.whole = 0 // the newest may have been cut off, and this one have begun late
	}
	s.whole++
	s.newest = v.m.Start
	s.index++
	s.identities(b, v, learning, changes)
	s.devices(b, v, learning, changes)
	s.cyclic(b, v, learning, changes)
	s.beaconHits(b, v)
	if v.stamp%60 == 0 {
		s.forget(v.m.Start)
	}
}

// forget lets go of what was not seen for long.
func (s *builtinState) forget(now int64) {
	for k, x := range s.bound {
		if max(x.last, x.foreignAt)+hours < now {
			delete(s.bound, k)
		}
	}
	for k, x := range s.beacons {
		if x.last+hours < now {
			delete(s.beacons, k)
		}
	}
	for k, x := range s.publishers {
		if x.last+24*hours < now {
			delete(s.publishers, k)
		}
	}
	for k, x := range s.heard {
		if _, ok := s.watched[k]; !ok && x.lastT+24*hours < now {
			delete(s.heard, k)
		}
	}
	for k, x := range s.channels {
		if _, ok := s.paced[k]; !ok && x.lastT+24*hours < now {
			delete(s.channels, k)
		}
	}
}

// identities holds what devices tell of themselves against what they told before.
func (s *builtinState) identities(b *builtin, v *view, learning bool, changes *[]Change) {
	for i := range v.m.Events {
		x := &v.m.Events[i]
		if x.Kind != observe.EventIdentity {
			continue
		}
		k := builtinKey{src: x.Src, extra: x.Text, item: ItemIdentity}
		name, value, _ := strings.Cut(x.Text, "=")
		group := builtinKey{src: x.Src, extra: name}
		if b.learned(k) >= 0 {
			continue
		}
		if learning {
			if changes != nil {
				b.teach(v, k, 1, changes)
				s.identity[group] = append(s.identity[group], value)
			}
			continue
		}
		if before := s.identity[group]; len(before) > 0 {
			b.hits = append(b.hits, hit{windowKey: windowKey{src: x.Src, extra: x.Text, rule: b.index["identity-change"]}, seen: 1, n: uint64(x.Count),
				first: x.First, last: x.Last, ref: x.Ref, srcMAC: x.Dst.MAC(), judged: true, function: name,
				learned: list(before, func(s string) string { return s })})
		}
	}
}

// devices hears who is there and misses who is not.
func (s *builtinState) devices(b *builtin, v *view, learning bool, changes *[]Change) {
	for i := range v.m.Addresses {
		a := &v.m.Addresses[i]
		if a.PacketsSent == 0 || a.MAC == 0 || v.owner[a.IP] != a.MAC || b.cfg.internet(a.IP) {
			continue
		}
		p := s.heard[a.IP]
		if p == nil {
			if len(s.heard) >= maxTracked {
				b.dropped++
				continue
			}
			p = &presence{}
			s.heard[a.IP] = p
		}
		p.ot = p.ot || a.Evidence&observe.SeenOT != 0
		p.hears(s.index, a.Last, a.Ref, learning)
		if changes != nil && p.ot && p.count >= heardMinutes {
			b.teach(v, builtinKey{src: a.IP, item: ItemHeard}, p.gap, changes)
			s.watched[a.IP] = p.gap
		}
	}
	if learning {
		return
	}
	r := b.index["silent-device"]
	for ip, gap := range s.watched {
		last, t := s.since, s.newest
		p := s.heard[ip]
		if p != nil {
			last, t = p.last, p.lastT
		}
		limit := max(b.rules[r].threshold, 10*gap)
		if silent := s.index - last; gap <= maxGap && silent >= limit && (p == nil || !p.told) {
			h := hit{windowKey: windowKey{src: ip, rule: r}, seen: silent, n: 1, first: t, last: s.newest, judged: true, threshold: limit,
				learned: strconv.Itoa(gap)}
			if p == nil {
				p = &presence{last: last, lastT: t}
				s.heard[ip] = p
			}
			p.told, h.ref = true, p.ref
			b.hits = append(b.hits, h)
		}
	}
}

// cyclic counts the messages of cyclic channels and holds them against their learned pace.
func (s *builtinState) cyclic(b *builtin, v *view, learning bool, changes *[]Change) {
	now := s.index % 3
	for i := range v.m.Operations {
		o := &v.m.Operations[i]
		if o.Class != ot.Cyclic || o.Direction != ot.Request && o.Direction != ot.None {
			continue
		}
		k := builtinKey{src: o.Src, dst: o.Dst, extra: o.Protocol + " " + o.Code}
		c := s.channels[k]
		if c == nil {
			if len(s.channels) >= maxTracked {
				b.dropped++
				continue
			}
			c = &channel{low: math.MaxUint64}
			s.channels[k] = c
		}
		if c.at[now] != s.index {
			c.at[now], c.n[now] = s.index, 0
		}
		c.n[now] += o.Count
		c.hears(s.index, o.Last, o.Ref, learning)
	}
	keys := make([]builtinKey, 0, len(s.channels))
	for k, c := range s.channels {
		// The minute before, where the channel was there before and after it, is a whole one.
		if s.whole > 2 && c.at[now] == s.index && c.at[(now+2)%3] == s.index-1 && c.at[(now+1)%3] == s.index-2 {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y builtinKey) int {
		if c := x.src.Compare(y.src); c != 0 {
			return c
		}
		if c := x.dst.Compare(y.dst); c != 0 {
			return c
		}
		return strings.Compare(x.extra, y.extra)
	})
	for _, k := range keys {
		c := s.channels[k]
		n := c.n[(now+2)%3]
		if learning {
			s.learnPace(b, v, k, c, n, changes)
			continue
		}
		p, ok := s.paced[k]
		if !ok || p.low < 10 || p.top >= builtinHi {
			continue
		}
		// How much longer or shorter the interval is, in per cent.
		seen := 0
		if n > uint64(p.top) {
			seen = 100 - int(100*uint64(p.top)/n)
		} else if n < uint64(p.low) {
			seen = int(100*uint64(p.low)/max(n, 1)) - 100
		}
		if r := b.index["cyclic-pace"]; seen >= b.rules[r].threshold {
			b.hits = append(b.hits, hit{windowKey: windowKey{src: k.src, dst: k.dst, extra: k.extra, rule: r}, seen: seen, n: n,
				first: v.m.Start - mint, last: v.m.Start, ref: c.ref, judged: true, learned: strconv.Itoa(p.low) + "–" + strconv.Itoa(p.top) + " / min"})
		}
	}
	if learning {
		return
	}
	r := b.index["cyclic-silent"]
	for k, p := range s.paced {
		if p.gap < 0 || p.gap > maxGap {
			continue
		}
		c := s.channels[k]
		last, t := s.since, s.newest
		if c != nil {
			last, t = c.last, c.lastT
		}
		limit := max(b.rules[r].threshold, 10*p.gap)
		if silent := s.index - last; silent >= limit && (c == nil || !c.told) {
			h := hit{windowKey: windowKey{src: k.src, dst: k.dst, extra: k.extra, rule: r}, seen: silent, n: 1, first: t, last: s.newest, judged: true,
				threshold: limit, learned: strconv.Itoa(p.gap)}
			if c == nil {
				c = &channel{presence: presence{last: last, lastT: t}, low: math.MaxUint64}
				s.channels[k] = c
			}
			c.told, h.ref = true, c.ref
			b.hits = append(b.hits, h)
		}
	}
}

// learnPace learns from a whole minute of a channel; without changes it only counts.
func (s *builtinState) learnPace(b *builtin, v *view, k builtinKey, c *channel, n uint64, changes *[]Change) {
	c.whole++
	c.low, c.top = min(c.low, n), max(c.top, n)
	if c.whole < cyclicMinutes || changes == nil {
		return
	}
	row := func(item string, seen int) {
		x := k
		x.item = item
		b.teach(v, x, seen, changes)
		if e := b.known[x]; e != nil {
			s.take(x, e)
		}
	}
	row(ItemCyclicMax, int(min(c.top, builtinHi)))
	low := k
	low.item = ItemCyclicMin
	if e := b.known[low]; e != nil && e.Origin != Hand && uint64(e.Hi) > c.low {
		e.Hi = uint16(c.low)
		if e.teach(v) {
			*changes = append(*changes, e.change())
		}
		s.take(low, e)
	} else if e == nil {
		row(ItemCyclicMin, int(min(c.low, builtinHi)))
	}
	if c.count >= heardMinutes {
		row(ItemCyclicGap, c.gap)
	}
}

// beaconKey is who calls which service of the internet.
type beaconKey struct {
	src, dst decode.Addr
	port     uint16
}

// beacon are the connections of one beaconKey: how many there were before each
// minute that opened some, and when the first of that minute began.
type beacon struct {
	total  uint64
	last   int64
	before []uint64
	starts []int64
	fresh  bool
	edge   *observe.Edge
}

// maxBeats is the most minutes of a beacon that are remembered.
const maxBeats = 256

// beaconJitter is the most by which a beat may be off, in parts of the interval.
const beaconJitter = 0.1

// beacon notes a connection to the internet.
func (s *builtinState) beacon(b *builtin, e *observe.Edge) {
	if !b.cfg.internet(e.Server) || !inside(b.cfg, e.Client) {
		return
	}
	k := beaconKey{e.Client, e.Server, e.ServerPort}
	x := s.beacons[k]
	if x == nil {
		if len(s.beacons) >= maxTracked {
			b.dropped++
			return
		}
		x = &beacon{}
		s.beacons[k] = x
	}
	if x.last != 0 && e.First-x.last > hours || e.First < x.last {
		*x = beacon{}
	}
	if len(x.starts) == maxBeats {
		x.starts, x.before = slices.Delete(x.starts, 0, maxBeats/2), slices.Delete(x.before, 0, maxBeats/2)
	}
	x.starts, x.before = append(x.starts, e.First), append(x.before, x.total)
	x.total += uint64(e.Opened)
	x.last, x.fresh, x.edge = e.First, true, e
}

// regular says whether the beats come by a clock: those of all minutes or, where one goes on from the minute before, of those
// whose first packet is not at their very beginning.
func (x *beacon) regular() bool {
	return x.clocked(func(int64) bool { return true }) || x.clocked(func(start int64) bool { return start-floor(start, mint) >= 2*sec })
}

// clocked is regular of the starts that count.
func (x *beacon) clocked(counts func(start int64) bool) bool {
	first, last, n := -1, -1, 0
	for i, start := range x.starts {
		if counts(start) {
			if first < 0 {
				first = i
			}
			last = i
			n++
		}
	}
	if n < 5 {
		return false
	}
	every := float64(x.starts[last]-x.starts[first]) / float64(x.before[last]-x.before[first])
	if every < float64(sec) {
		return false
	}
	for i, start := range x.starts {
		due := float64(x.starts[first]) + float64(int64(x.before[i])-int64(x.before[first]))*every
		if counts(start) && math.Abs(float64(start)-due) > beaconJitter*every {
			return false
		}
	}
	return true
}

// beaconHits tells of connections that came by a clock.
func (s *builtinState) beaconHits(b *builtin, v *view) {
	var keys []beaconKey
	for k, x := range s.beacons {
		if x.fresh {
			x.fresh = false
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(x, y beaconKey) int {
		if c := x.src.Compare(y.src); c != 0 {
			return c
		}
		if c := x.dst.Compare(y.dst); c != 0 {
			return c
		}
		return int(x.port) - int(y.port)
	})
	for _, k := range keys {
		x := s.beacons[k]
		e := x.edge
		x.edge = nil // the minute's
		beats := int(min(x.total-x.before[0], math.MaxInt32))
		if r := b.index["beacon"]; beats >= b.rules[r].threshold && x.regular() {
			b.hit(hit{windowKey: windowKey{src: k.src, dst: b.cfg.end(k.dst), extra: "tcp " + strconv.Itoa(int(k.port)), rule: r}, seen: beats,
				n: uint64(e.Opened), first: x.starts[0], last: e.Last, ref: e.Ref, dstIP: k.dst})
		}
	}
}
