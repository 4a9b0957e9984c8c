package observe

import (
	"bytes"
	"sync"

	"osect/decode"
	"osect/decode/ot"
)

// Caps of one shard and minute. What is over is counted in Counters.Dropped.
const (
	maxOperations = 16384
	maxAddresses  = 32768
	maxEvents     = 2048
	maxFacts      = 1024
)

// bucket gathers what one shard saw in one minute.
type bucket struct {
	start    int64
	conns    []Connection
	edges    []Edge
	ops      []opCount
	addrs    []Address
	facts    []Fact
	factKeys []factKey // of facts, in their order
	values   []byte    // of factKeys
	events   []Event
	evSlots  []int64 // slots of events, in their order
	counters Counters
	signs    int // events of signs with an item, and of publishers

	edgeIndex, opIndex, addrIndex, factIndex, evIndex index
}

type addrKey struct {
	ip   decode.Addr
	mac  decode.MAC
	vlan uint16
}

type opKey struct {
	src, dst  decode.Addr
	code      uint64
	unit      uint64
	status    uint32
	proto     uint8 // index in the registry
	direction ot.Direction
	class     ot.Class
	tunnel    decode.Tunnel
	hasUnit   bool
	hasStatus bool
}

type opCount struct {
	opKey
	count       uint64
	first, last int64
	ref         FrameRef
}

type factKey struct {
	ip           decode.Addr
	mac          decode.MAC
	kind, source string
	from, to     int32 // its value in bucket.values, as on the wire
}

type eventKey struct {
	kind     EventKind
	src, dst decode.Addr
	arg      uint32
	slot     int64 // time of its first frame / 10 s
}

// bucketPool keeps the memory of buckets that were merged.
type bucketPool struct {
	mu   sync.Mutex
	free []*bucket
}

func (p *bucketPool) get() *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b
	}
	return new(bucket)
}

// put takes a bucket back. One that a flood made big is left to the garbage collector.
func (p *bucketPool) put(b *bucket) {
	if len(b.addrs) > 2048 || len(b.ops) > 2048 || len(b.edges) > 4096 || len(b.conns) > 4096 {
		return
	}
	b.reset()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < 3*Shards {
		p.free = append(p.free, b)
	}
}

// reset makes b ready for another minute, keeping its memory.
func (b *bucket) reset() {
	for _, x := range []*index{&b.edgeIndex, &b.opIndex, &b.addrIndex, &b.factIndex, &b.evIndex} {
		x.clear()
	}
	b.conns, b.edges, b.ops, b.addrs = b.conns[:0], b.edges[:0], b.ops[:0], b.addrs[:0]
	clear(b.facts)
	clear(b.events)
	b.facts, b.events = b.facts[:0], b.events[:0]
	b.factKeys, b.values, b.evSlots = b.factKeys[:0], b.values[:0], b.evSlots[:0]
	b.counters = Counters{}
	b.start, b.signs = 0, 0
}

// edge returns the edge of k, made if new.
func (b *bucket) edge(k EdgeKey) *Edge {
	h := k.hash()
	for at, i := b.edgeIndex.find(h, h); i >= 0; at, i = b.edgeIndex.find(h, at+1) {
		if b.edges[i].EdgeKey == k {
			return &b.edges[i]
		}
	}
	b.edgeIndex.add(h, len(b.edges))
	b.edges = append(b.edges, Edge{EdgeKey: k})
	return &b.edges[len(b.edges)-1]
}

// address returns the row of (ip, mac, vlan), or nil where the cap is reached.
func (b *bucket) address(ip decode.Addr, mac decode.MAC, vlan uint16, t int64, ref FrameRef) *Address {
	k := addrKey{ip, mac, vlan}
	h := k.hash()
	for at, i := b.addrIndex.find(h, h); i >= 0; at, i = b.addrIndex.find(h, at+1) {
		a := &b.addrs[i]
		if a.IP != ip || a.MAC != mac || a.VLAN != vlan {
			continue
		}
		a.Last = max(a.Last, t)
		if t < a.First {
			a.First, a.Ref = t, ref
		}
		return a
	}
	if len(b.addrs) >= maxAddresses {
		b.counters.Dropped[DropAddresses]++
		return nil
	}
	b.addrIndex.add(h, len(b.addrs))
	b.addrs = append(b.addrs, Address{IP: ip, MAC: mac, VLAN: vlan, First: t, Last: t, Ref: ref})
	return &b.addrs[len(b.addrs)-1]
}

// operation counts one message and returns its index, or -1 over the cap. hint
// is the index the caller got for its last message.
func (b *bucket) operation(k *opKey, t int64, ref FrameRef, hint int32) int32 {
	i := hint
	if i < 0 || int(i) >= len(b.ops) || b.ops[i].opKey != *k {
		i = b.op(k, t, ref)
		if i < 0 {
			return -1
		}
	}
	o := &b.ops[i]
	o.count++
	o.last = max(o.last, t)
	if t < o.first {
		o.first, o.ref = t, ref
	}
	return i
}

// op returns the place of the messages of k, made if new; -1 over the cap.
func (b *bucket) op(k *opKey, t int64, ref FrameRef) int32 {
	h := k.hash()
	for at, i := b.opIndex.find(h, h); i >= 0; at, i = b.opIndex.find(h, at+1) {
		if b.ops[i].opKey == *k {
			return i
		}
	}
	if len(b.ops) >= maxOperations {
		b.counters.Dropped[DropOperations]++
		return -1
	}
	b.opIndex.add(h, len(b.ops))
	b.ops = append(b.ops, opCount{opKey: *k, first: t, last: t, ref: ref})
	return int32(len(b.ops) - 1)
}

// event counts an event and returns it where it is a new one.
func (b *bucket) event(kind EventKind, src, dst decode.Addr, arg uint32, text string, t int64, ref FrameRef) *Event {
	k := eventKey{kind, src, dst, arg, t / 10e9}
	if kind == EventOrder || kind == EventPublisher {
		k.slot = b.start / 10e9
	}
	h := k.hash()
	for at, i := b.evIndex.find(h, h); i >= 0; at, i = b.evIndex.find(h, at+1) {
		e := &b.events[i]
		if (eventKey{e.Kind, e.Src, e.Dst, e.Arg, b.evSlots[i]}) != k {
			continue
		}
		e.Count++
		e.Last = max(e.Last, t)
		if t < e.First {
			e.First, e.Ref = t, ref
		}
		return nil
	}
	if len(b.events) >= maxEvents {
		b.counters.Dropped[DropEvents]++
		return nil
	}
	b.evIndex.add(h, len(b.events))
	b.evSlots = append(b.evSlots, k.slot)
	b.events = append(b.events, Event{Kind: kind, Src: src, Dst: dst, Arg: arg, Text: text, First: t, Last: t, Count: 1, Ref: ref})
	return &b.events[len(b.events)-1]
}

func (b *bucket) fact(ip decode.Addr, mac decode.MAC, kind, source string, value []byte, t int64, ref FrameRef) {
	k := factKey{ip: ip, mac: mac, kind: kind, source: source}
	h := k.hash(value)
	for at, i := b.factIndex.find(h, h); i >= 0; at, i = b.factIndex.find(h, at+1) {
		o := &b.factKeys[i]
		if o.ip != ip || o.mac != mac || o.kind != kind || o.source != source || !bytes.Equal(b.values[o.from:o.to], value) {
			continue
		}
		f := &b.facts[i]
		f.Last = max(f.Last, t)
		if t < f.First {
			f.First, f.Ref = t, ref
		}
		return
	}
	text := printable(value)
	if text == "" {
		return
	}
	if len(b.facts) >= maxFacts {
		b.counters.Dropped[DropFacts]++
		return
	}
	k.from = int32(len(b.values))
	b.values = append(b.values, value...)
	k.to = int32(len(b.values))
	b.factIndex.add(h, len(b.facts))
	b.factKeys = append(b.factKeys, k)
	b.facts = append(b.facts, Fact{IP: ip, MAC: mac, Kind: kind, Value: text, Source: source, First: t, Last: t, Ref: ref})
	b.identity(&b.facts[len(b.facts)-1])
}
