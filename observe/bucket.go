package observe

import (
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
	start     int64
	conns     []Connection
	edges     []Edge
	edgeIndex map[EdgeKey]int32
	ops       []opCount
	opIndex   map[opKey]int32
	addrs     []Address
	addrIndex map[addrKey]int32
	facts     []Fact
	events    []Event
	factIndex map[factKey]int32
	evIndex   map[eventKey]int32
	counters  Counters
	signs     int // events of signs with an item
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
	value        string // as on the wire
}

type eventKey struct {
	kind     EventKind
	src, dst decode.Addr
	arg      uint32
	slot     int64 // first time / 10 s
}

func newBucket() *bucket {
	return &bucket{
		edgeIndex: make(map[EdgeKey]int32),
		opIndex:   make(map[opKey]int32),
		addrIndex: make(map[addrKey]int32),
		factIndex: make(map[factKey]int32),
		evIndex:   make(map[eventKey]int32),
	}
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
	return newBucket()
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
	clear(b.edgeIndex)
	clear(b.opIndex)
	clear(b.addrIndex)
	clear(b.factIndex)
	clear(b.evIndex)
	b.conns, b.edges, b.ops, b.addrs = b.conns[:0], b.edges[:0], b.ops[:0], b.addrs[:0]
	clear(b.facts)
	clear(b.events)
	b.facts, b.events = b.facts[:0], b.events[:0]
	b.counters = Counters{}
	b.start, b.signs = 0, 0
}

// edge returns the edge of k, made if new.
func (b *bucket) edge(k EdgeKey) *Edge {
	if i, ok := b.edgeIndex[k]; ok {
		return &b.edges[i]
	}
	b.edgeIndex[k] = int32(len(b.edges))
	b.edges = append(b.edges, Edge{EdgeKey: k})
	return &b.edges[len(b.edges)-1]
}

// address returns the row of (ip, mac, vlan), or nil where the cap is reached.
func (b *bucket) address(ip decode.Addr, mac decode.MAC, vlan uint16, t int64, ref FrameRef) *Address {
	k := addrKey{ip, mac, vlan}
	if i, ok := b.addrIndex[k]; ok {
		a := &b.addrs[i]
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
	b.addrIndex[k] = int32(len(b.addrs))
	b.addrs = append(b.addrs, Address{IP: ip, MAC: mac, VLAN: vlan, First: t, Last: t, Ref: ref})
	return &b.addrs[len(b.addrs)-1]
}

// operation counts one message and returns its index, or -1 over the cap. hint
// is the index the caller got for its last message.
func (b *bucket) operation(k *opKey, t int64, ref FrameRef, hint int32) int32 {
	i := hint
	if i < 0 || int(i) >= len(b.ops) || b.ops[i].opKey != *k {
		var ok bool
		if i, ok = b.opIndex[*k]; !ok {
			if len(b.ops) >= maxOperations {
				b.counters.Dropped[DropOperations]++
				return -1
			}
			i = int32(len(b.ops))
			b.opIndex[*k] = i
			b.ops = append(b.ops, opCount{opKey: *k, first: t, last: t, ref: ref})
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

// event counts an event and returns it where it is a new one.
func (b *bucket) event(kind EventKind, src, dst decode.Addr, arg uint32, text string, t int64, ref FrameRef) *Event {
	k := eventKey{kind, src, dst, arg, t / 10e9}
	if i, ok := b.evIndex[k]; ok {
		e := &b.events[i]
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
	b.evIndex[k] = int32(len(b.events))
	b.events = append(b.events, Event{Kind: kind, Src: src, Dst: dst, Arg: arg, Text: text, First: t, Last: t, Count: 1, Ref: ref})
	return &b.events[len(b.events)-1]
}

func (b *bucket) fact(ip decode.Addr, mac decode.MAC, kind, source string, value []byte, t int64, ref FrameRef) {
	if i, ok := b.factIndex[factKey{ip, mac, kind, source, string(value)}]; ok { // no allocation: the key is only looked up
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
	b.factIndex[factKey{ip, mac, kind, source, string(value)}] = int32(len(b.facts))
	b.facts = append(b.facts, Fact{IP: ip, MAC: mac, Kind: kind, Value: text, Source: source, First: t, Last: t, Ref: ref})
	b.identity(&b.facts[len(b.facts)-1])
}
