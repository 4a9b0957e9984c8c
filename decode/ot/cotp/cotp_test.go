package cotp

import (
	"bytes"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		size       int
		ok         bool
		kind       byte
		last       bool
		data       string
	}{
		{"data", "03 00 00 09 02 f0 80 32 01", 9, true, Data, true, "\x32\x01"},
		{"a part of data", "03 00 00 08 02 f0 00 32", 8, true, Data, false, "\x32"},
		{"empty data", "03 00 00 07 02 f0 80", 7, true, Data, true, ""},
		{"connect request", "03 00 00 16 11 e0 00 00 00 01 00 c1 02 01 00 c2 02 01 02 c0 01 0a", 22, true, ConnectRequest, false, ""},
		{"parameter beyond the header", "03 00 00 0f 0a e0 00 00 00 01 00 c1 09 01 00", 15, false, 0, false, ""},
		{"error", "03 00 00 0b 06 70 00 00 01 c1 00", 11, true, Error, false, ""},
		{"unknown type", "03 00 00 07 02 30 80", 7, false, 0, false, ""},
		{"data with a subtype", "03 00 00 07 02 f1 80", 7, false, 0, false, ""},
		{"header of no length", "03 00 00 07 00 0f 80", 7, false, 0, false, ""},
		{"header longer than the packet", "03 00 00 07 09 f0 80", 7, false, 0, false, ""},
		{"too short to be one", "03 00 00 05 00 d0 80", -1, false, 0, false, ""},
		{"another version", "02 00 00 07 02 f0 80", -1, false, 0, false, ""},
		{"half a head", "03 00 00", 0, false, 0, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			size := Size(b)
			if size != c.size {
				t.Fatalf("size %d, want %d", size, c.size)
			}
			if size <= 0 {
				return
			}
			u, ok := Parse(b, size)
			if ok != c.ok || ok && (u.Type != c.kind || u.Last != c.last || string(u.Data) != c.data) {
				t.Errorf("%+v %v", u, ok)
			}
		})
	}
	u, _ := Parse(ottest.Bytes(t, "03 00 00 16 11 e0 00 00 00 01 00 c1 02 01 00 c2 02 01 02 c0 01 0a"), 22)
	if !bytes.Equal(u.SourceTSAP, []byte{1, 0}) || !bytes.Equal(u.DestinationTSAP, []byte{1, 2}) {
		t.Errorf("TSAPs %x %x", u.SourceTSAP, u.DestinationTSAP)
	}
}

func TestFirst(t *testing.T) {
	const connect = "03 00 00 0b 06 e0 00 00 00 01 00 "
	for _, c := range []struct {
		name, text string
		ok, more   bool
	}{
		{"data", "03 00 00 09 02 f0 80 32 01", true, false},
		{"data behind connect", connect + "03 00 00 09 02 f0 80 32 01", true, false},
		{"connect alone", connect, false, true},
		{"empty data", "03 00 00 07 02 f0 80", false, true},
		{"head of data", "03 00 00 19 02 f0 80", false, true},
		{"half a head", "03", false, true},
		{"something behind connect", connect + "16 03 01", false, false},
		{"no unit", "03 00 00 07 00 0f 80", false, false},
	} {
		if _, _, ok, more := First(ottest.Bytes(t, c.text)); ok != c.ok || more != c.more {
			t.Errorf("%s: ok %v, more %v", c.name, ok, more)
		}
	}
}

// TestAssembly: a unit cut into parts is handed on once, whole; one whose
// beginning may be lost is marked.
func TestAssembly(t *testing.T) {
	var got [][]byte
	use := func(_ *ot.Session, u Unit) {
		d := bytes.Clone(u.Data)
		if u.Doubtful {
			d = append([]byte{0xff}, d...)
		}
		got = append(got, d)
	}
	part := func(end, text string) []byte {
		d := ottest.Bytes(t, text)
		return append([]byte{3, 0, 0, byte(7 + len(d)), 2, 0xf0, map[string]byte{"more": 0, "last": 0x80}[end]}, d...)
	}
	s := &ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	var a Assembly
	feed := func(gap bool, chunks ...[]byte) {
		s.Gap = gap
		b := bytes.Join(chunks, nil)
		if n := a.Stream(s, b, use); n != len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		s.Gap = false
	}
	feed(false, part("more", "01 02"), part("more", "03"), part("last", "04"), part("last", "05"))
	feed(false, part("more", "06"))
	s.Src, s.Dst = s.Dst, s.Src // the other direction has its own
	feed(false, part("last", "07"))
	s.Src, s.Dst = s.Dst, s.Src
	feed(true, part("more", "08"), part("last", "09"), part("last", "0a"))
	want := "01020304 05 07 ff0809 0a"
	if text := string(bytes.Join(hexes(got), []byte(" "))); text != want {
		t.Errorf("got %s, want %s", text, want)
	}
}

func hexes(list [][]byte) (out [][]byte) {
	const digits = "0123456789abcdef"
	for _, b := range list {
		var h []byte
		for _, c := range b {
			h = append(h, digits[c>>4], digits[c&15])
		}
		out = append(out, h)
	}
	return out
}

// TestReserved: the second byte of a TPKT says nothing, but where bytes were lost.
func TestReserved(t *testing.T) {
	for _, resume := range []bool{false, true} {
		n := 0
		s := &ot.Session{Resume: resume}
		var a Assembly
		a.Stream(s, ottest.Bytes(t, "03 ff 00 08 02 f0 80 32"), func(*ot.Session, Unit) { n++ })
		if told := n == 1; told == resume {
			t.Errorf("resume %v: %d told", resume, n)
		}
	}
}

// TestAssemblyIsBounded: parts without end fill no memory.
func TestAssemblyIsBounded(t *testing.T) {
	part := append([]byte{3, 0, 0xff, 0xff, 2, 0xf0, 0}, make([]byte, 0xffff-7)...)
	var a Assembly
	s := &ot.Session{}
	for range 10 {
		a.Stream(s, part, func(*ot.Session, Unit) { t.Error("told") })
	}
	if n := cap(a.half[0].buffer) + cap(a.half[1].buffer); n > 2*maxUnit {
		t.Errorf("%d bytes kept", n)
	}
}

func FuzzStream(f *testing.F) {
	ottest.Seeds("s7comm", true, 0, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var a Assembly
		s := &ot.Session{}
		if n := a.Stream(s, b, func(*ot.Session, Unit) {}); n < -1 {
			t.Error(n)
		}
		First(b)
	})
}
