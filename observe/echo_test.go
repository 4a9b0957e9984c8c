package observe

import (
	"encoding/binary"
	"testing"
)

// TestEcho: an echo answer that is longer than its request, or as long with other data, is an event; what comes back as it
// was sent or shorter, another number's, or without a request, is none.
func TestEcho(t *testing.T) {
	echo := func(typ byte, seq uint16, data string) []byte {
		b := []byte{typ, 0, 0, 0, 0, 7, 0, 0}
		binary.BigEndian.PutUint16(b[6:], seq)
		b = append(b, data...)
		if typ == 0 {
			return frame(server, client, 1, 0, 0, b)
		}
		return frame(client, server, 1, 0, 0, b)
	}
	for name, c := range map[string]struct {
		frames [][]byte
		want   int
	}{
		"as it was sent":        {[][]byte{echo(8, 1, "abcdefgh"), echo(0, 1, "abcdefgh"), echo(8, 2, "ijkl"), echo(0, 2, "ijkl")}, 0},
		"other data":            {[][]byte{echo(8, 1, "abcdefgh"), echo(0, 1, "abcdefgX")}, 1},
		"longer":                {[][]byte{echo(8, 1, "abcdefgh"), echo(0, 1, "abcdefghi"), echo(0, 1, "abcdefghij")}, 2},
		"shorter":               {[][]byte{echo(8, 1, "abcdefgh"), echo(0, 1, "abcd")}, 0},
		"another number":        {[][]byte{echo(8, 1, "abcdefgh"), echo(8, 2, "ijklmnop"), echo(0, 1, "abcdefgh")}, 0},
		"no request":            {[][]byte{echo(0, 1, "abcdefgh"), echo(0, 1, "xxxxxxxx")}, 0},
		"the same request back": {[][]byte{echo(8, 1, "abcdefgh"), frame(server, client, 1, 0, 0, echo(8, 1, "abcdefgh")[34:])}, 0},
	} {
		n := newNet(t)
		for _, f := range c.frames {
			n.frame(f)
		}
		n.finish()
		if got := n.count(EventEcho); got != c.want {
			t.Errorf("%s: %d events, want %d", name, got, c.want)
		}
	}
}
