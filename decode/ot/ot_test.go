package ot

import (
	"strings"
	"testing"

	"osect/decode"
)

// TestTell: a fact is copied, cut, and dropped when empty.
func TestTell(t *testing.T) {
	var s Session
	value := []byte("first")
	s.Tell(FactModel, value)
	s.Tell(FactVendor, nil)
	s.Tell(FactName, []byte(strings.Repeat("x", MaxFactLen+1)))
	copy(value, "other")
	if len(s.Facts) != 2 || string(s.Facts[0].Value) != "first" || len(s.Facts[1].Value) != MaxFactLen {
		t.Errorf("%q", s.Facts)
	}
	s.Client, s.Gap = ClientSender, true
	s.Emit(PDU{})
	s.Reset()
	if len(s.PDUs)+len(s.Facts) != 0 || s.Client != ClientUnknown || s.Gap {
		t.Errorf("after Reset: %+v", s)
	}
	if n := testing.AllocsPerRun(100, func() { s.Reset(); s.Tell(FactModel, value); s.Emit(PDU{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNames: every class, direction and fact has a name of its own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for c := range NumClasses {
		seen[c.String()] = true
	}
	for d := range NumDirections {
		seen[d.String()] = true
	}
	for k := range NumFacts {
		seen[k.String()] = true
	}
	if len(seen) != int(NumClasses)+int(NumDirections)+int(NumFacts) || seen[""] {
		t.Errorf("%v", seen)
	}
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"\x00\x00":             "",
		"    ":                 "",
		"CP1L-EL20\x00\x00   ": "CP1L-EL20",
		"R04CPU          ":     "R04CPU",
		"two words  ":          "two words",
		"\x00behind":           "",
		"bell\a":               "",
		"\xc3\xa9":             "",
	} {
		if got := string(Text([]byte(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if Printable([]byte(in)) && strings.TrimRight(in, " ") != want {
			t.Errorf("%q is printable", in)
		}
	}
	if got := string(AppendHex([]byte("0x"), 0x1f, 4)); got != "0x001f" {
		t.Errorf("%s", got)
	}
}

// TestSide: a side stays a side for all payloads that go the same way, on one host and
// between MACs too.
func TestSide(t *testing.T) {
	a, b := decode.IPv4(1), decode.IPv4(2)
	for _, s := range []Session{
		{Src: a, Dst: b, SrcPort: 9, DstPort: 1}, {Src: a, Dst: a, SrcPort: 1, DstPort: 2},
		{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr()},
	} {
		back := Session{Src: s.Dst, Dst: s.Src, SrcPort: s.DstPort, DstPort: s.SrcPort}
		if s.Side() != 0 || back.Side() != 1 {
			t.Errorf("%+v: %d and %d", s, s.Side(), back.Side())
		}
	}
}

// TestMessagesCut: of a message whose rest the capture has not, the beginning is told where it is
// long enough, and what the rest would have been is counted off.
func TestMessagesCut(t *testing.T) {
	size := func(p []byte) int { return int(p[0]) } // a message is its own length
	for _, c := range []struct {
		name, p, want string
		cut           bool
		done          int
	}{
		{"whole", "\x03ab\x02c", "3ab 2c", false, 5},
		{"begun", "\x03ab\x06cd", "3ab", false, 3},
		{"cut", "\x03ab\x06cd", "3ab 6cd", true, 9},
		{"cut too short", "\x03ab\x06", "3ab", true, 3},
	} {
		var got []string
		s := Session{Cut: c.cut}
		n := Messages(&s, []byte(c.p), Whole, 2, size, func(_ *Session, m []byte, n int) {
			got = append(got, string('0'+rune(n))+string(m[1:]))
		})
		if text := strings.Join(got, " "); text != c.want || n != c.done {
			t.Errorf("%s: %q, done %d", c.name, text, n)
		}
	}
}
