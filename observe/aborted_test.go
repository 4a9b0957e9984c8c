package observe

import (
	"testing"

	"osect/decode"
)

// TestAborted: a connection that is accepted and then reset by its client is an event of the server; one that is refused, reset
// by the server, completed first, or seen from its middle is none.
func TestAborted(t *testing.T) {
	const syn, ack, rst = decode.SYN, decode.ACK, decode.RST
	out := func(flags uint8) []byte { return tcp(client, server, 4000, 502, 1, 1, flags, nil) }
	in := func(flags uint8) []byte { return tcp(server, client, 502, 4000, 1, 1, flags, nil) }
	for name, c := range map[string]struct {
		frames [][]byte
		want   int
	}{
		"reset":             {[][]byte{out(syn), in(syn | ack), out(rst)}, 1},
		"reset again":       {[][]byte{out(syn), in(syn | ack), out(rst | ack), in(syn | ack), out(rst | ack)}, 1},
		"refused":           {[][]byte{out(syn), in(rst | ack)}, 0},
		"by the server":     {[][]byte{out(syn), in(syn | ack), in(rst)}, 0},
		"after a handshake": {[][]byte{out(syn), in(syn | ack), out(ack), out(rst)}, 0},
		"from the middle":   {[][]byte{in(syn | ack), out(rst)}, 0},
	} {
		n := newNet(t)
		for _, f := range c.frames {
			n.frame(f)
		}
		n.finish()
		for _, e := range n.events(EventAborted) {
			if e.Src != decode.IPv4(server) {
				t.Errorf("%s: of %v", name, e.Src)
			}
		}
		if got := n.count(EventAborted); got != c.want {
			t.Errorf("%s: %d events, want %d", name, got, c.want)
		}
	}
}
