package observe

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"osect/decode"
	"osect/decode/ot"
)

// toy is a protocol for these tests: messages of 0xAA, a length, that many
// bytes, the first of which is the code. Long messages (0xBB, two bytes of
// length) are skipped behind their head; those of 0xBC are wanted whole.
var toy = &ot.Protocol{
	Name: "toy", TCPPorts: []uint16{7777}, UDPPorts: []uint16{7777},
	ProbeStream: func(p []byte, h ot.Hint) ot.Verdict {
		switch {
		case p[0] != 0xAA && p[0] != 0xBB:
			return ot.No
		case len(p) < 3:
			return ot.More
		case p[0] == 0xAA && p[1] > 100:
			return ot.No
		}
		return ot.Yes
	},
	ProbeDatagram: func(p []byte, h ot.Hint) ot.Verdict {
		if p[0] == 0xAA && len(p) > 2 {
			return ot.Yes
		}
		return ot.No
	},
	Stream: func(s *ot.Session, p []byte) int {
		n := 0
		for len(p)-n >= 3 {
			switch q := p[n:]; {
			case q[0] == 0xBB:
				s.Emit(ot.PDU{Code: 0xBB, Direction: ot.Request})
				n += 3 + int(binary.BigEndian.Uint16(q[1:]))
			case q[0] == 0xBC && len(q) < 3+int(binary.BigEndian.Uint16(q[1:])):
				return n
			case q[0] == 0xBC:
				s.Emit(ot.PDU{Code: 0xBC, Direction: ot.Request})
				n += 3 + int(binary.BigEndian.Uint16(q[1:]))
			case q[0] != 0xAA:
				return -1
			case len(q) < 2+int(q[1]):
				return n
			default:
				s.Emit(ot.PDU{Code: uint64(q[2]), Direction: ot.Request})
				n += 2 + int(q[1])
			}
			if n > len(p) {
				return n
			}
		}
		return n
	},
	Datagram: func(s *ot.Session, p []byte) { s.Emit(ot.PDU{Code: uint64(p[2]), Direction: ot.Request}) },
	Function: func(code uint64) ot.Function { return ot.Function{Code: fmt.Sprintf("%02x", code), Name: "toy"} },
}

const (
	client = 0x0a000001
	server = 0x0a000002
)

// frame makes an Ethernet frame of an IPv4 packet; the MACs follow the addresses.
func frame(src, dst uint32, proto byte, id, frag uint16, l4 []byte) []byte {
	b := make([]byte, 34, 34+len(l4))
	binary.BigEndian.PutUint32(b[2:], dst)
	binary.BigEndian.PutUint32(b[8:], src)
	b[12], b[14], b[22], b[23] = 8, 0x45, 64, proto
	binary.BigEndian.PutUint16(b[16:], uint16(20+len(l4)))
	binary.BigEndian.PutUint16(b[18:], id)
	binary.BigEndian.PutUint16(b[20:], frag)
	binary.BigEndian.PutUint32(b[26:], src)
	binary.BigEndian.PutUint32(b[30:], dst)
	return append(b, l4...)
}

func tcp(src, dst uint32, sp, dp uint16, seq, ack uint32, flags byte, payload []byte) []byte {
	b := make([]byte, 20, 20+len(payload))
	binary.BigEndian.PutUint16(b, sp)
	binary.BigEndian.PutUint16(b[2:], dp)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[8:], ack)
	b[12], b[13] = 0x50, flags
	return frame(src, dst, 6, 0, 0, append(b, payload...))
}

func udp(sp, dp uint16, payload []byte) []byte {
	b := make([]byte, 8, 8+len(payload))
	binary.BigEndian.PutUint16(b, sp)
	binary.BigEndian.PutUint16(b[2:], dp)
	binary.BigEndian.PutUint16(b[4:], uint16(8+len(payload)))
	return append(b, payload...)
}

// net is a small network in one process: all shards, one goroutine.
type net struct {
	t      *testing.T
	tables *Tables
	shards [Shards]*Shard
	merger *Merger
	clock  Clock
	router Router
	now    int64
	number int64
	got    []*Minute
}

func newNet(t *testing.T) *net {
	n := &net{t: t, tables: NewTables([]*ot.Protocol{toy}), now: 1_700_000_000e9}
	for i := range n.shards {
		n.shards[i] = NewShard(n.tables)
	}
	n.merger = NewMerger(n.tables)
	return n
}

// events are those of a kind, of all minutes.
func (n *net) events(kind EventKind) (list []Event) {
	for _, m := range n.got {
		for _, e := range m.Events {
			if e.Kind == kind {
				list = append(list, e)
			}
		}
	}
	return list
}

func (n *net) frame(data []byte) { n.cut(data, len(data)) }

// cut observes a frame of which only the first snap bytes were captured.
func (n *net) cut(data []byte, snap int) {
	n.now += 1e6
	n.number++
	if cl, due := n.clock.Frame(n.now); due {
		n.end(cl)
	}
	link := uint16(decode.LinkEthernet)
	s := n.shards[n.router.Shard(link, data[:snap], uint32(len(data)))]
	s.Frame(link, n.now, data[:snap], uint32(len(data)), FrameRef{0, n.number}, n.clock.Late(n.now))
}

func (n *net) end(cl Closing) {
	cl.Services = n.merger.Services()
	parts := make([]*Part, Shards)
	for i, s := range n.shards {
		parts[i] = s.Close(&cl)
	}
	n.got = append(n.got, n.merger.Merge(&cl, parts)...)
}

// finish closes all and returns the codes counted from client to server, and all closed connections.
func (n *net) finish() (codes map[string]uint64, conns []Connection, dropped Counters) {
	n.end(n.clock.Finish())
	codes = map[string]uint64{}
	for _, m := range n.got {
		for _, o := range m.Operations {
			codes[o.Code] += o.Count
		}
		for _, c := range m.Connections {
			if c.Closed {
				conns = append(conns, c)
			}
		}
		dropped.Add(&m.Counters)
	}
	return codes, conns, dropped
}

func msg(code byte, n int) []byte {
	b := make([]byte, 2+n)
	b[0], b[1], b[2] = 0xAA, byte(n), code
	return b
}

func want(t *testing.T, codes map[string]uint64, expected map[string]uint64) {
	t.Helper()
	if fmt.Sprint(codes) != fmt.Sprint(expected) {
		t.Errorf("operations %v, expected %v", codes, expected)
	}
}

// seg is a segment from client to server with the sequence number 1000+off.
func (n *net) seg(off int, payload []byte) {
	n.frame(tcp(client, server, 40000, 7777, 1000+uint32(off), 1, decode.ACK|decode.PSH, payload))
}

func (n *net) ack(off int) {
	n.frame(tcp(server, client, 7777, 40000, 1, 1000+uint32(off), decode.ACK, nil))
}

func TestStreams(t *testing.T) {
	a, b, c, d := msg(1, 4), msg(2, 4), msg(3, 4), msg(4, 4) // 6 bytes each
	all := append(append(append(append([]byte{}, a...), b...), c...), d...)
	one := map[string]uint64{"01": 1, "02": 1, "03": 1, "04": 1}
	cases := []struct {
		name string
		send func(n *net)
		want map[string]uint64
	}{
		{"a message a segment", func(n *net) { n.seg(0, a); n.seg(6, b); n.seg(12, c); n.seg(18, d) }, one},
		{"all in one segment", func(n *net) { n.seg(0, all) }, one},
		{"byte by byte", func(n *net) {
			for i := range all {
				n.seg(i, all[i:i+1])
			}
		}, one},
		{"a message and a half", func(n *net) { n.seg(0, all[:9]); n.seg(9, all[9:]) }, one},
		{"retransmitted", func(n *net) { n.seg(0, a); n.seg(0, a); n.seg(6, all[6:]); n.seg(0, all) }, one},
		{"new bytes behind old ones", func(n *net) { n.seg(0, a); n.seg(0, all[:12]); n.seg(6, all[6:]) }, one},
		{"out of order", func(n *net) { n.seg(0, a); n.seg(18, d); n.seg(12, c); n.seg(6, b) }, one},
		{"out of order, overlapping", func(n *net) { n.seg(0, a); n.seg(12, all[12:]); n.seg(3, all[3:15]) }, one},
		{"the first segment comes last but one", func(n *net) { n.ack(0); n.seg(0, nil); n.seg(6, b); n.seg(0, a); n.seg(12, all[12:]) }, one},
		{"lost and acknowledged", func(n *net) { n.seg(0, a); n.seg(12, c); n.seg(18, d); n.seg(24, a); n.ack(30) },
			map[string]uint64{"01": 2, "03": 1, "04": 1}},
		{"lost at the end", func(n *net) { n.seg(0, a); n.seg(12, c) }, map[string]uint64{"01": 1, "03": 1}},
		{"a keep-alive of one old byte", func(n *net) { n.seg(0, a); n.seg(5, []byte{0}); n.seg(6, all[6:]) }, one},
		{"mid-stream, first an empty ACK", func(n *net) { n.seg(0, nil); n.seg(0, all) }, one},
		{"rubbish, then messages", func(n *net) { n.seg(0, []byte("hello!")); n.seg(6, all) }, one},
		{"a byte that could begin a message, then messages", func(n *net) { n.seg(0, []byte{0xAA}); n.seg(1, all) }, one},
		{"rubbish in between", func(n *net) { n.seg(0, a); n.seg(6, []byte("hello!")); n.seg(12, all[6:]) }, one},
		{"a long message whose rest need not be seen", func(n *net) {
			long := append([]byte{0xBB, 0, 200}, make([]byte, 200)...)
			n.seg(0, long[:100])
			n.seg(100, append(long[100:], a...))
		}, map[string]uint64{"bb": 1, "01": 1}},
		{"bytes lost in what need not be seen", func(n *net) {
			long := append([]byte{0xBB, 0, 200}, make([]byte, 200)...)
			n.seg(0, long[:50])
			for i := 100; i < 203; i += 10 {
				n.seg(i, long[i:min(i+10, 203)])
			}
			n.ack(203)
			n.seg(203, a)
		}, map[string]uint64{"bb": 1, "01": 1}},
		{"cut by the snap length", func(n *net) {
			f := tcp(client, server, 40000, 7777, 1000, 1, decode.ACK, all)
			n.cut(f, len(f)-7) // the last message and a byte are missing
			n.seg(24, a)
		}, map[string]uint64{"01": 2, "02": 1}},
		{"another service that never is one", func(n *net) {
			for i := range 40 {
				n.seg(i*5, []byte("GET /"))
			}
		}, map[string]uint64{}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			n := newNet(t)
			tc.send(n)
			codes, conns, _ := n.finish()
			want(t, codes, tc.want)
			if len(conns) != 1 {
				t.Errorf("%d connections, expected 1", len(conns))
			}
		})
	}
}

// TestStreamInAnyOrder: segments and acknowledgements that change places within a window, some twice, tell the same
// messages of one connection, also where the SYN comes behind the first bytes.
func TestStreamInAnyOrder(t *testing.T) {
	var all []byte
	expected := map[string]uint64{}
	for i := range 60 {
		all = append(all, msg(byte(i%5), 1+i%9)...)
		expected[fmt.Sprintf("%02x", i%5)]++
	}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		frames := [][]byte{tcp(client, server, 40000, 7777, 999, 0, decode.SYN, nil), tcp(server, client, 7777, 40000, 0, 1000, decode.SYN|decode.ACK, nil)}
		for from := 0; from < len(all); {
			to := min(len(all), from+1+r.IntN(20))
			f := tcp(client, server, 40000, 7777, 1000+uint32(from), 1, decode.ACK|decode.PSH, all[from:to])
			frames = append(frames, f, tcp(server, client, 7777, 40000, 1, 1000+uint32(to), decode.ACK, nil))
			if r.IntN(5) == 0 {
				frames = append(frames, f)
			}
			from = to
		}
		if seed%3 == 0 {
			frames[0], frames[2] = frames[2], frames[0]
		}
		for i := 3; i < len(frames); { // no frame leaves its handful, so that none is later than holeTime
			k := min(len(frames), i+1+r.IntN(8))
			r.Shuffle(k-i, func(x, y int) { frames[i+x], frames[i+y] = frames[i+y], frames[i+x] })
			i = k
		}
		n := newNet(t)
		for _, f := range frames {
			n.frame(f)
		}
		codes, conns, dropped := n.finish()
		want(t, codes, expected)
		if len(conns) != 1 || dropped.Dropped[DropSegments] != 0 {
			t.Errorf("%d connections, expected 1; %d bytes dropped", len(conns), dropped.Dropped[DropSegments])
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// TestWaitingIsBounded: bytes that wait for others, in queues or for the rest of their messages, are bounded in a shard
// whatever the number of connections; what is beyond is counted, and all is given back at the end.
func TestWaitingIsBounded(t *testing.T) {
	s := NewShard(NewTables([]*ot.Protocol{toy}))
	const start = 1_700_000_000e9
	number := int64(0)
	send := func(port uint16, seq uint32, flags byte, b []byte) {
		number++
		f := tcp(client, server, port, 7777, seq, 1, flags, b)
		s.Frame(decode.LinkEthernet, start+number, f, uint32(len(f)), FrameRef{0, number}, false)
		if s.streams.waiting > maxWaiting+maxQueuedBytes {
			t.Fatalf("%d bytes wait after frame %d", s.streams.waiting, number)
		}
	}
	rest := make([]byte, 60000)
	for i := range uint16(200) {
		port := 10000 + i
		send(port, 0, decode.SYN, nil)
		send(port, 1, decode.ACK, msg(1, 4))
		if i%2 == 0 {
			send(port, 8, decode.ACK, rest) // a byte is missing before it
		} else {
			send(port, 7, decode.ACK, append([]byte{0xBC, 0xEE, 0x60}, rest...)) // wants 61,024 bytes whole
		}
	}
	most := s.streams.waiting
	b := s.bucketFor(MinuteOf(start))
	if most < maxWaiting/2 || b.counters.Dropped[DropSegments] == 0 {
		t.Errorf("%d bytes wait, %d dropped: the test does not fill what is bounded", most, b.counters.Dropped[DropSegments])
	}
	s.Close(&Closing{Minutes: []int64{MinuteOf(start)}, Late: []bool{false}, Now: start + number, Final: true})
	if s.streams.waiting != 0 || s.streams.spared > maxSpare {
		t.Errorf("after the end %d bytes wait, %d are kept", s.streams.waiting, s.streams.spared)
	}
}

func TestConnections(t *testing.T) {
	syn := func(n *net, seq uint32) { n.frame(tcp(client, server, 40000, 80, seq, 0, decode.SYN, nil)) }
	synack := func(n *net) { n.frame(tcp(server, client, 80, 40000, 5, 2, decode.SYN|decode.ACK, nil)) }
	fin := func(n *net) {
		n.frame(tcp(client, server, 40000, 80, 2, 6, decode.FIN|decode.ACK, nil))
		n.frame(tcp(server, client, 80, 40000, 6, 3, decode.FIN|decode.ACK, nil))
	}
	rst := func(n *net) { n.frame(tcp(server, client, 80, 40000, 0, 2, decode.RST|decode.ACK, nil)) }
	cases := []struct {
		name   string
		send   func(n *net)
		states []State
	}{
		{"closed", func(n *net) { syn(n, 1); synack(n); fin(n) }, []State{StateClosed}},
		{"refused", func(n *net) { syn(n, 1); rst(n) }, []State{StateRejected}},
		{"never answered", func(n *net) { syn(n, 1); syn(n, 1) }, []State{StateAttempt}},
		{"reset", func(n *net) { syn(n, 1); synack(n); rst(n) }, []State{StateReset}},
		{"opened again after the end", func(n *net) { syn(n, 1); synack(n); fin(n); syn(n, 9); synack(n) }, []State{StateClosed, StateEstablished}},
		{"opened again without an end", func(n *net) { syn(n, 1); synack(n); syn(n, 9); synack(n) }, []State{StateEstablished, StateEstablished}},
		{"SYN and its answer swapped", func(n *net) { synack(n); syn(n, 1) }, []State{StateEstablished}},
		{"silent for over an hour", func(n *net) { syn(n, 1); synack(n); n.now += 3601e9; syn(n, 1) }, []State{StateEstablished, StateAttempt}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			n := newNet(t)
			tc.send(n)
			_, conns, _ := n.finish()
			var got []State
			for _, c := range conns {
				got = append(got, c.State)
				if c.Client != decode.IPv4(client) || c.ServerPort != 80 {
					t.Errorf("client %v, server port %d", c.Client, c.ServerPort)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tc.states) {
				t.Errorf("states %v, expected %v", got, tc.states)
			}
		})
	}
}

// TestLongConnectionIsSeenEveryMinute: a session over hours is one connection and an edge each minute.
func TestLongConnectionIsSeenEveryMinute(t *testing.T) {
	n := newNet(t)
	for i := range 180 {
		n.seg(6*i, msg(1, 4))
		n.now += 60e9
	}
	n.end(n.clock.Finish())
	minutes, rows := 0, 0
	for _, m := range n.got {
		for _, e := range m.Edges {
			if e.PacketsOut > 0 {
				minutes++
			}
		}
		rows += len(m.Connections)
	}
	if minutes != 180 {
		t.Errorf("%d minutes with traffic, expected 180", minutes)
	}
	// Opened, every 15 minutes, closed.
	if rows < 12 || rows > 14 {
		t.Errorf("%d rows, expected about 13", rows)
	}
}

func TestFragments(t *testing.T) {
	whole := udp(40000, 7777, append(msg(7, 4), make([]byte, 100)...))
	first := frame(client, server, 17, 5, 0x2000, whole[:48])
	middle := frame(client, server, 17, 5, 0x2000|6, whole[48:96])
	last := frame(client, server, 17, 5, 12, whole[96:])
	cases := []struct {
		name  string
		send  func(n *net)
		codes map[string]uint64
		later uint64
	}{
		{"in order", func(n *net) { n.frame(first); n.frame(middle); n.frame(last) }, map[string]uint64{"07": 1}, 2},
		{"last first", func(n *net) { n.frame(last); n.frame(middle); n.frame(first) }, map[string]uint64{"07": 1}, 2},
		{"one twice", func(n *net) { n.frame(first); n.frame(middle); n.frame(middle); n.frame(last) }, map[string]uint64{"07": 1}, 3},
		{"one missing", func(n *net) { n.frame(first); n.frame(last) }, map[string]uint64{}, 1},
		{"overlapping", func(n *net) {
			n.frame(first)
			n.frame(frame(client, server, 17, 5, 0x2000|5, whole[40:96]))
			n.frame(last)
		}, map[string]uint64{}, 2},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			n := newNet(t)
			tc.send(n)
			codes, conns, _ := n.finish()
			want(t, codes, tc.codes)
			if len(conns) != 1 || conns[0].PacketsOut != 1 || conns[0].FragmentsOut != tc.later {
				t.Errorf("connections %+v, expected one with 1 packet and %d later fragments", conns, tc.later)
			}
		})
	}
}

// TestConnTable holds the table against a map through random adds and removes.
func TestConnTable(t *testing.T) {
	var table connTable
	live := map[connKey]int32{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		k := connKey{a: decode.IPv4(r.Uint32N(300)), bPort: uint16(r.Uint32N(20))}
		h := k.hash() & 0xff // many collisions
		j := table.find(&k, h)
		if w, ok := live[k]; ok != (j >= 0) || ok && w != j {
			t.Fatalf("find %v: %d, expected %d %v", k, j, w, ok)
		}
		if j < 0 {
			j, _ = table.add(&k, h)
			live[k] = j
		} else if r.IntN(2) == 0 {
			table.remove(j)
			delete(live, k)
		}
	}
	n := 0
	table.each(func(int32, *conn) { n++ })
	if n != len(live) || n != table.n {
		t.Errorf("%d in the table, %d counted, expected %d", n, table.n, len(live))
	}
}

// TestFullTable: a flood of connections loses no frame: the oldest are closed early, counted.
func TestFullTable(t *testing.T) {
	n := newNet(t)
	const flood = 2 * maxConns
	for i := range flood {
		n.frame(frame(client, server, 17, 0, 0, udp(uint16(i), uint16(1000+i>>16), []byte("x"))))
		n.now -= 9e5
	}
	_, conns, c := n.finish()
	var packets uint64
	for _, x := range conns {
		packets += x.PacketsOut + x.PacketsIn
	}
	if packets != flood || c.Dropped[DropConnections] == 0 {
		t.Errorf("%d packets in connections, expected %d; %d closed early", packets, flood, c.Dropped[DropConnections])
	}
}
