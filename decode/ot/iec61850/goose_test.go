package iec61850

import (
	"fmt"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// gooseFrame is a GOOSE message behind its EtherType.
func gooseFrame(t *testing.T, ref string, state, count uint32) []byte {
	return ottest.Bytes(t, fmt.Sprintf("00 01 00 40 00 00 00 00 61 36 80 0f '%s 81 02 07 d0 82 02 'ds 83 01 'g 84 08 00 00 00 00 00 00 00 00 85 05 %s 86 05 %s",
		ref, number(state), number(count)))
}

func number(n uint32) string {
	return fmt.Sprintf("00 %02x %02x %02x %02x", n>>24, n>>16&255, n>>8&255, n&255)
}

// TestGOOSELines: two that number one publication by turns are told, each time the numbers go back to where they were before; one
// that starts anew, changes its data, loses messages, or whose messages come twice or late over a second path is not.
func TestGOOSELines(t *testing.T) {
	type n = numbers
	run := func(state, from, to uint32) (out []n) {
		for c := from; c <= to; c++ {
			out = append(out, n{state, c})
		}
		return out
	}
	join := func(parts ...[]n) (out []n) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	twice := func(in []n) (out []n) {
		for i, x := range in {
			out = append(out, x)
			if i >= 3 {
				out = append(out, in[i-3]) // the other path is three messages behind
			}
		}
		return out
	}
	const fast, slow = 6e6, 1e9
	for name, c := range map[string]struct {
		sent  []n
		every int64
		want  int
	}{
		"one publisher":                  {join(run(1, 0, 50), run(2, 0, 50), run(3, 0, 900)), slow, 0},
		"its data change often":          {join(run(1, 1, 2), run(2, 0, 1), run(3, 0, 0), run(4, 0, 2), run(5, 0, 0)), slow, 0},
		"starts anew":                    {join(run(7, 0, 300), run(1, 1, 20), run(2, 0, 20)), slow, 0},
		"starts anew soon":               {join(run(1, 1, 20), run(2, 0, 3), run(1, 1, 20), run(2, 0, 30)), slow, 0},
		"starts anew with the same data": {join(run(1, 1, 300), run(1, 1, 500)), slow, 0},
		"messages are lost":              {join(run(4, 0, 20), run(4, 300, 320), run(5, 40, 50)), slow, 0},
		"over two paths":                 {twice(join(run(1, 0, 50), run(2, 0, 50), run(3, 0, 50))), fast, 0},
		"over two paths, changing":       {twice(join(run(1, 0, 2), run(2, 0, 0), run(3, 0, 0), run(4, 0, 1), run(5, 0, 0), run(6, 0, 50))), fast, 0},
		"over the end of sqNum":          {[]n{{3, 1<<32 - 2}, {3, 1<<32 - 1}, {3, 1}, {3, 2}}, slow, 0},
		"an old message replayed":        {join(run(9, 100, 120), []n{{4, 7}}, run(9, 121, 130)), slow, 1},
		"an old one of the same state":   {join(run(9, 100, 120), []n{{9, 7}}, run(9, 121, 130)), slow, 1},
		"a change forged":                {join(run(9, 100, 120), []n{{10, 0}}, run(9, 121, 130)), slow, 1},
		"forged with a high state":       {join(run(9, 100, 110), []n{{999, 1}}, run(9, 111, 120), []n{{999, 1}}, run(9, 121, 130), []n{{999, 1}}, run(9, 131, 132)), slow, 3},
		"a recording replayed by turns":  {join(run(9, 100, 110), run(3, 5, 9), run(9, 111, 120), run(3, 10, 12), run(9, 121, 122)), slow, 3},
		"forged under the same state":    {join(run(9, 100, 110), run(9, 111, 140), run(9, 111, 112), run(9, 141, 142)), slow, 1},
	} {
		s := ot.Session{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr()}
		got := 0
		for _, x := range c.sent {
			s.Reset()
			s.Time += c.every
			if !frame(&s, gooseFrame(t, "IED1LD/LLN0$GO1", x.state, x.count)) || string(s.Publication) != "IED1LD/LLN0$GO1" {
				t.Fatalf("%s: publication %q", name, s.Publication)
			}
			if s.Crossed {
				got++
			}
			// Another publication between the same MACs is numbered by itself.
			s.Reset()
			frame(&s, gooseFrame(t, "IED1LD/LLN0$GO2", 1, 1))
			if s.Crossed {
				t.Errorf("%s: the other publication", name)
			}
		}
		if got != c.want {
			t.Errorf("%s: %d times, want %d", name, got, c.want)
		}
	}
}

// TestGOOSEBounded: no more publications are followed than there is room for.
func TestGOOSEBounded(t *testing.T) {
	s := ot.Session{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr()}
	for i := range 10 * maxPublications {
		s.Reset()
		frame(&s, gooseFrame(t, fmt.Sprintf("IED%04dLD/LLN0$G", i)[:15], 1, 1))
	}
	if n := len(s.State.(*published).all); n != maxPublications {
		t.Errorf("%d publications", n)
	}
}
