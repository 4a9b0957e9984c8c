package observe

import (
	"testing"

	"osect/decode"
)

// count is how many things the events of a kind count, in all minutes.
func (n *net) count(kind EventKind) (got int) {
	for _, e := range n.events(kind) {
		got += int(e.Count)
	}
	return got
}

// TestHeldOpen: connections that were accepted and left open are counted with their client and server, from openLeast on; those
// that are closed, refused, or answered with more than a few bytes are not.
func TestHeldOpen(t *testing.T) {
	const syn, ack, fin, rst = decode.SYN, decode.ACK, decode.FIN, decode.RST
	for name, c := range map[string]struct {
		n, want int
		more    func(out, in func(flags byte, payload int) []byte) [][]byte
	}{
		"open":            {40, 40, nil},
		"few":             {openLeast - 1, 0, nil},
		"never completed": {40, 0, nil},
		"closed": {40, 0, func(out, in func(byte, int) []byte) [][]byte {
			return [][]byte{out(fin|ack, 0), in(fin|ack, 0)}
		}},
		"reset":    {40, 0, func(out, in func(byte, int) []byte) [][]byte { return [][]byte{in(rst, 0)} }},
		"answered": {40, 0, func(out, in func(byte, int) []byte) [][]byte { return [][]byte{out(ack, 10), in(ack, 400)} }},
		"a little": {40, 40, func(out, in func(byte, int) []byte) [][]byte { return [][]byte{out(ack, 10), in(ack, 4)} }},
	} {
		n := newNet(t)
		for i := range c.n {
			port := uint16(40000 + i)
			a, b := uint32(1), uint32(1)
			out := func(flags byte, payload int) []byte {
				f := tcp(client, server, port, 80, a, b, flags, make([]byte, payload))
				a += uint32(payload)
				return f
			}
			in := func(flags byte, payload int) []byte {
				f := tcp(server, client, 80, port, b, a, flags, make([]byte, payload))
				b += uint32(payload)
				return f
			}
			frames := [][]byte{out(syn, 0), in(syn|ack, 0)}
			a, b = 2, 2
			if name != "never completed" {
				frames = append(frames, out(ack, 0))
			}
			if c.more != nil {
				frames = append(frames, c.more(out, in)...)
			}
			for _, f := range frames {
				n.frame(f)
			}
		}
		n.finish()
		if got := n.count(EventOpen); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestMalformed: what begins no message on a connection of a control protocol is an event of its sender; behind lost bytes, and on a
// connection that was not seen from its SYN, it is none.
func TestMalformed(t *testing.T) {
	good, bad := []byte{0xaa, 3, 1, 2, 3}, []byte{0x11, 3, 1, 2, 3}
	for name, c := range map[string]struct {
		syn  bool
		gap  uint32
		want int
	}{"from its SYN": {true, 0, 1}, "from the middle": {false, 0, 0}, "behind lost bytes": {true, 50, 0}} {
		n := newNet(t)
		if c.syn {
			n.frame(tcp(client, server, 4000, 7777, 99, 0, decode.SYN, nil))
			n.frame(tcp(server, client, 7777, 4000, 4, 100, decode.SYN|decode.ACK, nil))
		}
		seq := uint32(100)
		for _, p := range [][]byte{good, good, bad} {
			if p[0] == bad[0] {
				seq += c.gap
				n.frame(tcp(server, client, 7777, 4000, 5, seq, decode.ACK, nil))
			}
			n.frame(tcp(client, server, 4000, 7777, seq, 5, decode.ACK, p))
			seq += uint32(len(p))
		}
		n.finish()
		if got := n.count(EventMalformed); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
