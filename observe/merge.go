package observe

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"osect/decode"
	"osect/decode/ot"
)

// Merger puts the parts of all shards together to minutes. It runs in the order of the closings.
type Merger struct {
	protocols []*ot.Protocol
	seq       uint64
	services  *Services
	texts     map[textKey]text
	pool      *bucketPool
	gather    Minute // rows of all shards; its memory is used again
}

type textKey struct {
	code, unit uint64
	status     uint32
	proto      uint8
	hasUnit    bool
	hasStatus  bool
}

type text struct{ code, function, status, unit string }

// maxTexts bounds the memory for texts; it is emptied when full.
const maxTexts = 65536

// NewMerger makes a merger for shards with these tables.
func NewMerger(t *Tables) *Merger {
	return &Merger{protocols: t.protocols, pool: &t.pool, texts: make(map[textKey]text)}
}

// Merge makes the minutes of one closing from the parts of all shards, in the
// order of shards; the parts are used up. Minutes in which nothing was seen are left out.
func (m *Merger) Merge(cl *Closing, parts []*Part) []*Minute {
	var out []*Minute
	for i, start := range cl.Minutes {
		m.gather.clear()
		for _, p := range parts {
			if b := p.buckets[i]; b != nil {
				m.add(&m.gather, b)
				m.pool.put(b)
			}
		}
		if m.gather.empty() {
			continue
		}
		m.seq++
		min := new(Minute)
		*min = m.gather
		min.Start, min.Late, min.Seq = start, cl.Late[i], m.seq
		min.Settle() // its rows are copies
		m.services = m.services.with(min)
		out = append(out, min)
	}
	return out
}

// Services returns the service ports learned so far, for the Closing after next.
func (m *Merger) Services() *Services { return m.services }

// clear forgets the rows but keeps their memory, unless a flood made it big.
func (m *Minute) clear() {
	if len(m.Connections)+len(m.Edges)+len(m.Addresses)+len(m.Operations) > 1<<17 {
		*m = Minute{}
	}
	clear(m.Facts)
	clear(m.Events)
	*m = Minute{Connections: m.Connections[:0], Edges: m.Edges[:0], Operations: m.Operations[:0],
		Addresses: m.Addresses[:0], Facts: m.Facts[:0], Events: m.Events[:0]}
}

func (m *Minute) empty() bool {
	return m.Counters.Packets == 0 && len(m.Connections) == 0 && len(m.Edges) == 0 && len(m.Operations) == 0 && m.Counters == (Counters{})
}

// add appends what one shard saw.
func (m *Merger) add(min *Minute, b *bucket) {
	min.Connections = append(min.Connections, b.conns...)
	min.Edges = append(min.Edges, b.edges...)
	min.Addresses = append(min.Addresses, b.addrs...)
	min.Facts = append(min.Facts, b.facts...)
	min.Events = append(min.Events, b.events...)
	for i := range b.ops {
		o := &b.ops[i]
		t := m.text(&o.opKey)
		min.Operations = append(min.Operations, Operation{
			Src: o.src, Dst: o.dst, Protocol: m.protocols[o.proto].Name,
			Code: t.code, Function: t.function, Status: t.status, Unit: t.unit,
			Direction: o.direction, Class: o.class, Tunnel: o.tunnel,
			Count: o.count, First: o.first, Last: o.last, Ref: o.ref,
		})
	}
	min.Counters.Add(&b.counters)
}

// Add adds the counts of o.
func (c *Counters) Add(o *Counters) {
	c.Packets += o.Packets
	c.Bytes += o.Bytes
	c.Decoded += o.Decoded
	c.Fragments += o.Fragments
	c.Truncated += o.Truncated
	c.Late += o.Late
	for i := range c.Skipped {
		c.Skipped[i] += o.Skipped[i]
	}
	for i := range c.Dropped {
		c.Dropped[i] += o.Dropped[i]
	}
}

func (m *Merger) text(k *opKey) text {
	tk := textKey{k.code, k.unit, k.status, k.proto, k.hasUnit, k.hasStatus}
	if t, ok := m.texts[tk]; ok {
		return t
	}
	p := m.protocols[k.proto]
	f := p.Function(k.code)
	t := text{code: f.Code, function: f.Name}
	if k.hasStatus && p.Status != nil {
		t.status = p.Status(k.status)
	}
	if k.hasUnit && p.Unit != nil {
		t.unit = p.Unit(k.unit)
	}
	if len(m.texts) >= maxTexts {
		clear(m.texts)
	}
	m.texts[tk] = t
	return t
}

// Settle brings everything into its canonical order and folds rows of the same
// key, as it is in every Minute that was closed.
func (m *Minute) Settle() {
	var o sorter
	// Of one connection the last row stands.
	m.Connections = settle(&o, m.Connections, func(c *Connection) uint64 { return uint64(c.First) ^ 1<<63 }, (*Connection).compare,
		func(a, b *Connection) bool {
			if a.First != b.First || a.ID != b.ID {
				return false
			}
			*a = *b
			return true
		})
	m.Edges = settle(&o, m.Edges, func(e *Edge) uint64 { return pair(e.Client, e.Server) },
		func(a, b *Edge) int {
			if c := CompareEdges(&a.EdgeKey, &b.EdgeKey); c != 0 {
				return c
			}
			return first(a.First, b.First, &a.Ref, &b.Ref)
		},
		func(a, b *Edge) bool {
			if a.EdgeKey != b.EdgeKey {
				return false
			}
			a.add(b)
			return true
		})
	m.Operations = settle(&o, m.Operations, func(o *Operation) uint64 { return pair(o.Src, o.Dst) },
		func(a, b *Operation) int {
			if c := a.compareKey(b); c != 0 {
				return c
			}
			return first(a.First, b.First, &a.Ref, &b.Ref)
		},
		func(a, b *Operation) bool {
			if a.compareKey(b) != 0 {
				return false
			}
			a.Count += b.Count
			a.Last = max(a.Last, b.Last)
			return true
		})
	m.Addresses = settle(&o, m.Addresses, func(a *Address) uint64 { return pair(a.IP, a.MAC.Addr()) },
		func(a, b *Address) int {
			if c := a.compareKey(b); c != 0 {
				return c
			}
			return first(a.First, b.First, &a.Ref, &b.Ref)
		},
		func(a, b *Address) bool {
			if a.compareKey(b) != 0 {
				return false
			}
			a.Add(b)
			return true
		})
	m.Facts = settle(&o, m.Facts, func(f *Fact) uint64 { return pair(f.IP, f.MAC.Addr()) },
		func(a, b *Fact) int {
			if c := a.compareKey(b); c != 0 {
				return c
			}
			return first(a.First, b.First, &a.Ref, &b.Ref)
		},
		func(a, b *Fact) bool {
			if a.compareKey(b) != 0 {
				return false
			}
			a.Last = max(a.Last, b.Last)
			return true
		})
	m.Events = settle(&o, m.Events, func(e *Event) uint64 { return uint64(e.First) ^ 1<<63 },
		func(a, b *Event) int {
			return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Kind, b.Kind), a.Src.Compare(b.Src), a.Dst.Compare(b.Dst),
				cmp.Compare(a.Arg, b.Arg), strings.Compare(a.Text, b.Text), first(0, 0, &a.Ref, &b.Ref))
		},
		func(*Event, *Event) bool { return false })
}

// pair is a number that most pairs of ends are told apart by: the low halves of both.
func pair(a, b decode.Addr) uint64 { return a.Lo<<32 | b.Lo&0xffffffff }

// sorter is memory for sorting.
type sorter struct{ order []place }

// place is a row by its place, and the number that it is sorted by first.
type place struct {
	key uint64
	i   int32
}

// settle gives rows sorted by key and then by compare, neighbours that join says are
// one made one (it adds the second to the first). Rows are large: their places
// are sorted, then each is copied once.
func settle[T any](o *sorter, rows []T, key func(*T) uint64, compare func(a, b *T) int, join func(a, b *T) bool) []T {
	if len(rows) == 0 {
		return nil
	}
	o.order = o.order[:0]
	for i := range rows {
		o.order = append(o.order, place{key(&rows[i]), int32(i)})
	}
	slices.SortFunc(o.order, func(a, b place) int {
		if a.key != b.key {
			return cmp.Compare(a.key, b.key)
		}
		return compare(&rows[a.i], &rows[b.i])
	})
	out := make([]T, 0, len(rows))
	for _, p := range o.order {
		if r := &rows[p.i]; len(out) == 0 || !join(&out[len(out)-1], r) {
			out = append(out, *r)
		}
	}
	return out
}

// The comparisons below go from field to field and stop at the first that
// differs; with hundreds of thousands of rows a minute that is what sorting costs.

func first(a, b int64, ra, rb *FrameRef) int {
	if a != b {
		return cmp.Compare(a, b)
	}
	if ra.Capture != rb.Capture {
		return cmp.Compare(ra.Capture, rb.Capture)
	}
	return cmp.Compare(ra.Number, rb.Number)
}

func (a *Connection) compare(b *Connection) int {
	switch {
	case a.First != b.First:
		return cmp.Compare(a.First, b.First)
	case a.ID != b.ID:
		return cmp.Compare(a.ID, b.ID)
	case a.Last != b.Last:
		return cmp.Compare(a.Last, b.Last)
	}
	return cmp.Compare(a.PacketsOut+a.PacketsIn, b.PacketsOut+b.PacketsIn)
}

// CompareEdges orders edges: by client, server, protocol, service, ….
func CompareEdges(a, b *EdgeKey) int {
	switch {
	case a.Client != b.Client:
		return a.Client.Compare(b.Client)
	case a.Server != b.Server:
		return a.Server.Compare(b.Server)
	case a.Proto != b.Proto:
		return cmp.Compare(a.Proto, b.Proto)
	case a.ServerPort != b.ServerPort:
		return cmp.Compare(a.ServerPort, b.ServerPort)
	case a.ClientPort != b.ClientPort:
		return cmp.Compare(a.ClientPort, b.ClientPort)
	case a.VLAN != b.VLAN:
		return cmp.Compare(a.VLAN, b.VLAN)
	}
	return cmp.Compare(a.Tunnel, b.Tunnel)
}

func (a *Edge) add(b *Edge) {
	a.PacketsOut += b.PacketsOut
	a.BytesOut += b.BytesOut
	a.PacketsIn += b.PacketsIn
	a.BytesIn += b.BytesIn
	a.Opened += b.Opened
	a.Failed += b.Failed
	if b.Last > a.Last {
		a.Last, a.ClientMAC, a.ServerMAC = b.Last, b.ClientMAC, b.ServerMAC
	}
	a.Multicast = a.Multicast || b.Multicast
	a.Answered = a.Answered || b.Answered
	if a.Service == "" {
		a.Service = b.Service
	}
}

func (a *Operation) compareKey(b *Operation) int {
	switch {
	case a.Src != b.Src:
		return a.Src.Compare(b.Src)
	case a.Dst != b.Dst:
		return a.Dst.Compare(b.Dst)
	case a.Protocol != b.Protocol:
		return strings.Compare(a.Protocol, b.Protocol)
	case a.Code != b.Code:
		return strings.Compare(a.Code, b.Code)
	case a.Direction != b.Direction:
		return cmp.Compare(a.Direction, b.Direction)
	case a.Status != b.Status:
		return strings.Compare(a.Status, b.Status)
	case a.Class != b.Class:
		return cmp.Compare(a.Class, b.Class)
	case a.Unit != b.Unit:
		return strings.Compare(a.Unit, b.Unit)
	case a.Tunnel != b.Tunnel:
		return cmp.Compare(a.Tunnel, b.Tunnel)
	}
	return strings.Compare(a.Function, b.Function)
}

func (a *Address) compareKey(b *Address) int {
	switch {
	case a.IP != b.IP:
		return a.IP.Compare(b.IP)
	case a.MAC != b.MAC:
		return cmp.Compare(a.MAC, b.MAC)
	}
	return cmp.Compare(a.VLAN, b.VLAN)
}

// Add adds what b counts of the same address, the times' end with it; b is the later one.
func (a *Address) Add(b *Address) {
	a.Evidence |= b.Evidence
	a.Client = a.Client || b.Client
	a.Server = a.Server || b.Server
	a.PacketsSent += b.PacketsSent
	a.BytesSent += b.BytesSent
	a.PacketsReceived += b.PacketsReceived
	a.BytesReceived += b.BytesReceived
	a.TTL = max(a.TTL, b.TTL)
	a.Last = max(a.Last, b.Last)
}

func (a *Fact) compareKey(b *Fact) int {
	switch {
	case a.IP != b.IP:
		return a.IP.Compare(b.IP)
	case a.MAC != b.MAC:
		return cmp.Compare(a.MAC, b.MAC)
	case a.Kind != b.Kind:
		return strings.Compare(a.Kind, b.Kind)
	case a.Source != b.Source:
		return strings.Compare(a.Source, b.Source)
	}
	return strings.Compare(a.Value, b.Value)
}

// printable makes text of what a device says: UTF-8 without control
// characters; other bytes are written \xNN, and what surrounds the text (spaces, NULs) is cut.
func printable(v []byte) string {
	v = bytes.Trim(v, " \x00\t\r\n")
	clean := true
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && n == 1 || r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			clean = false
			break
		}
		i += n
	}
	if clean {
		return string(v)
	}
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(v); {
		r, n := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && n == 1 || r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			for _, c := range v[i : i+n] {
				b.WriteString(`\x`)
				b.WriteByte(digits[c>>4])
				b.WriteByte(digits[c&15])
			}
		} else {
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}
