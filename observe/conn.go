package observe

import (
	"slices"

	"osect/decode"
)

// How long a connection may be silent, ns (CONTRACT.md).
const (
	idleTCP    = int64(3600e9)
	idleClosed = int64(5e9)
	idleUDP    = int64(120e9)
	idleOther  = int64(30e9)
	// rowEvery is how often an open connection's row is written.
	rowEvery = int64(900e9)
)

// maxConns is the most connections that a shard holds. When it is reached, the
// quarter that was silent longest is closed early and counted.
const maxConns = 8192

// conn is the state of one connection, or of one pair of MACs and EtherType. a
// is the smaller end; direction 0 is from a to b. It holds no pointer, so that
// the table costs the garbage collector nothing.
//
// The fields are in the order of their use, in lines of 64 bytes: a packet needs the
// first two, of TCP the third, and of the fourth only what ends a minute.
type conn struct {
	a, b               decode.Addr
	aPort, bPort       uint16
	vlan, inner        uint16
	proto              uint8
	tunnel             decode.Tunnel
	client             uint8 // direction of the client's frames
	sure               uint8 // how the client is known: sure* constants
	flags              uint16
	app                uint8    // 1 + index of the OT protocol; 0 not known (yet)
	probes             uint8    // payloads probed without a Yes
	told               [2]uint8 // payloads of each direction that the host decoders were shown, and waits
	ttl                [2]uint8
	icmpType, icmpCode uint8
	opened             bool  // opened in the counters' minute
	used               bool  // false: this place in the table is free
	stream             int32 // index of the stream state in the shard, -1 for none
	hash               uint32

	last    int64
	minute  int64 // whose counters these are
	minLast int64
	packets [2]uint32
	bytes   [2]uint64
	mac     [2]decode.MAC // of the end that sends in this direction

	next     [2]uint32 // TCP: next sequence number in order
	isn      [2]uint32
	peer     [2]decode.MAC // destination MAC in this direction
	first    int64
	minFirst int64
	firstMAC [2]decode.MAC

	totPackets, totBytes [2]uint64
	lastRow              int64 // when the last row was written; 0 for never
	refNumber            int64 // with refCapture: the first frame of the minute
	refCapture           int32
	number               uint32 // of its first frame in the capture, cut to 32 bits
	frags                [2]uint32
}

// ref is the first frame of the minute.
func (c *conn) ref() FrameRef { return FrameRef{c.refCapture, c.refNumber} }

func (c *conn) setRef(r FrameRef) { c.refCapture, c.refNumber = r.Capture, r.Number }

// How the client of a connection is known; more overrules less.
const (
	sureFirst   = iota // it sent first
	sureService        // the other end is on a known or learned service port
	sureSYN            // it sent the SYN
	sureDecoder        // a decoder says so
)

// Flags of a conn.
const (
	fSeq0   = 1 << iota // next[0] is valid
	fSeq1               // next[1] is valid
	fSYN                // SYN seen
	fSYNACK             // SYN+ACK seen
	fFIN0               // FIN in direction 0
	fFIN1
	fRST
	fRejected  // RST answered the SYN
	fNoOT      // given up looking for an OT protocol
	fMulticast // to a group
	fBoth      // both ends sent
	fCounted   // its failure has been counted
	fEthernet  // pair of MACs
	fRowed     // a row was written
	fDone      // the client went on after its SYN
)

func (c *conn) closed() bool { return c.flags&fRST != 0 || c.flags&(fFIN0|fFIN1) == fFIN0|fFIN1 }

// idle returns how long the connection may be silent.
func (c *conn) idle() int64 {
	switch {
	case c.flags&fEthernet != 0:
		return idleUDP
	case c.proto == decode.ProtoTCP:
		if c.closed() {
			return idleClosed
		}
		return idleTCP
	case c.proto == decode.ProtoUDP:
		return idleUDP
	}
	return idleOther
}

func (c *conn) state() State {
	if c.proto == decode.ProtoTCP && c.flags&fEthernet == 0 {
		switch {
		case c.flags&fRejected != 0:
			return StateRejected
		case c.flags&fRST != 0:
			return StateReset
		case c.flags&(fFIN0|fFIN1) == fFIN0|fFIN1:
			return StateClosed
		case c.flags&fSYNACK != 0:
			return StateEstablished
		case c.flags&fSYN != 0 && c.flags&fBoth == 0:
			return StateAttempt
		}
		return StateOther
	}
	if c.flags&fBoth != 0 {
		return StateEstablished
	}
	if c.flags&fMulticast != 0 {
		return StateOther
	}
	return StateAttempt
}

// connKey is what finds a conn.
type connKey struct {
	a, b         decode.Addr
	aPort, bPort uint16
	vlan, inner  uint16
	proto        uint8
	tunnel       decode.Tunnel
}

func (k *connKey) hash() uint32 {
	return uint32(hashPair(k.a, k.b, uint64(k.aPort)<<48|uint64(k.bPort)<<32|uint64(k.vlan)<<16|uint64(k.inner), uint64(k.proto)<<8|uint64(k.tunnel)))
}

func (c *conn) is(k *connKey) bool {
	return c.a == k.a && c.b == k.b && c.aPort == k.aPort && c.bPort == k.bPort &&
		c.vlan == k.vlan && c.inner == k.inner && c.proto == k.proto && c.tunnel == k.tunnel
}

// connTable finds conns by key: open addressing with linear probing over slots
// of (hash, index), the conns in chunks that never move.
type connTable struct {
	slots  []uint64 // hash<<32 | index+1; 0 is free
	mask   uint32
	chunks [][]conn
	free   []int32
	n      int
}

const chunkSize = 128

func (t *connTable) at(i int32) *conn { return &t.chunks[i/chunkSize][i%chunkSize] }

// find returns the index of the conn with this key, or -1.
func (t *connTable) find(k *connKey, h uint32) int32 {
	if t.slots == nil {
		return -1
	}
	for i := h & t.mask; ; i = (i + 1) & t.mask {
		s := t.slots[i]
		if s == 0 {
			return -1
		}
		if uint32(s>>32) == h {
			if j := int32(uint32(s)) - 1; t.at(j).is(k) {
				return j
			}
		}
	}
}

// add puts a new zeroed conn with this key; the caller has made sure that it is not there.
func (t *connTable) add(k *connKey, h uint32) (int32, *conn) {
	if 4*(t.n+1) > 3*len(t.slots) {
		t.grow()
	}
	if len(t.free) == 0 {
		base := int32(len(t.chunks) * chunkSize)
		t.chunks = append(t.chunks, make([]conn, chunkSize))
		for i := chunkSize - 1; i >= 0; i-- {
			t.free = append(t.free, base+int32(i))
		}
	}
	j := t.free[len(t.free)-1]
	t.free = t.free[:len(t.free)-1]
	c := t.at(j)
	*c = conn{a: k.a, b: k.b, aPort: k.aPort, bPort: k.bPort, vlan: k.vlan, inner: k.inner,
		proto: k.proto, tunnel: k.tunnel, hash: h, stream: -1, used: true}
	t.put(h, j)
	t.n++
	return j, c
}

func (t *connTable) put(h uint32, j int32) {
	i := h & t.mask
	for t.slots[i] != 0 {
		i = (i + 1) & t.mask
	}
	t.slots[i] = uint64(h)<<32 | uint64(uint32(j+1))
}

func (t *connTable) grow() {
	old := t.slots
	n := max(256, 2*len(old))
	t.slots, t.mask = make([]uint64, n), uint32(n-1)
	for _, s := range old {
		if s != 0 {
			t.put(uint32(s>>32), int32(uint32(s))-1)
		}
	}
}

// remove takes conn j out; its memory may be reused by the next add.
func (t *connTable) remove(j int32) {
	c := t.at(j)
	i := c.hash & t.mask
	for int32(uint32(t.slots[i]))-1 != j {
		i = (i + 1) & t.mask
	}
	// Close the gap, so that later conns of this run are still found.
	for k := i; ; {
		t.slots[i] = 0
		for {
			k = (k + 1) & t.mask
			if t.slots[k] == 0 {
				c.used = false
				t.free = append(t.free, j)
				t.n--
				return
			}
			home := uint32(t.slots[k]>>32) & t.mask
			// May the entry at k move to i? Not if its home lies in (i, k].
			if i <= k && (home <= i || home > k) || i > k && home <= i && home > k {
				break
			}
		}
		t.slots[i] = t.slots[k]
		i = k
	}
}

// each calls f for all conns in the order of their memory, which depends on the
// frames alone.
func (t *connTable) each(f func(j int32, c *conn)) {
	for x := range t.chunks {
		chunk := t.chunks[x]
		for i := range chunk {
			if c := &chunk[i]; c.used {
				f(int32(x*chunkSize+i), c)
			}
		}
	}
}

// oldest returns the indexes of the quarter of conns that were silent longest.
func (t *connTable) oldest() []int32 {
	all := make([]int32, 0, t.n)
	t.each(func(j int32, _ *conn) { all = append(all, j) })
	slices.SortFunc(all, func(x, y int32) int {
		cx, cy := t.at(x), t.at(y)
		if cx.last != cy.last {
			if cx.last < cy.last {
				return -1
			}
			return 1
		}
		return int(x - y)
	})
	return all[:len(all)/4]
}
