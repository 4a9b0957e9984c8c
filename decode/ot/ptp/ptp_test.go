package ptp

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are PTP messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"Sync in domain 3", `10 02 00 2c 03 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none 0 Sync [cyclic] unit=3"},
	{"Delay_Req", `01 02 00 2c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request 1 Delay_Req [cyclic] unit=0"},
	{"Pdelay_Resp", `13 02 00 36 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"response 3 Pdelay_Resp [cyclic] unit=0"},
	{"Announce, padded", `0b 02 00 40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none b Announce [cyclic] unit=0"},
	{"version 2.1", `00 12 00 2c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none 0 Sync [cyclic] unit=0"},
	{"management GET", `0d 02 00 30 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request d Management GET [read] unit=0"},
	{"management SET", `0d 02 00 30 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00`,
		"request d Management SET [control] unit=0"},
	{"management COMMAND", `0d 02 00 30 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 00`,
		"request d Management COMMAND [control] unit=0"},
	{"management without its action", `0d 02 00 22 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none d Management [other] unit=0"},
	{"reserved type", `04 02 00 22 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none 4 reserved 0x4 [other] unit=0"},
}

// told gives the lines of a message by itself, as what it is carried by would.
func told(b []byte) (string, bool) {
	var s ot.Session
	s.WireLen = len(b)
	ok := Protocol.Frame(&s, b)
	return strings.Join(ottest.Told(&Protocol, &s), "\n"), ok
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			if got, ok := told(ottest.Bytes(t, m.text)); !ok || got != m.want {
				t.Errorf("%v, got %q\nwant %q", ok, got, m.want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"version 1", `00 01 00 2c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`},
		{"longer than the frame", `00 02 00 2d 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`},
		{"shorter than its head", `00 02 00 21 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`},
		{"cut", `00 02 00 2c`},
	} {
		if got, ok := told(ottest.Bytes(t, c.text)); ok || got != "" {
			t.Errorf("%s: %v, told %q", c.name, ok, got)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, m := range vectors {
		b := ottest.Bytes(t, m.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Frame(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", m.name, n)
		}
	}
}

func FuzzFrame(f *testing.F) {
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzFrame(f, &Protocol, "timing-ptp", 0x88f7, seeds)
}

// TestPort: PTP over UDP is known by its ports only.
func TestPort(t *testing.T) {
	b := ottest.Bytes(t, vectors[0].text)
	for _, c := range []struct {
		h    ot.Hint
		want ot.Verdict
	}{{ot.Hint{Port: true, WireLen: len(b)}, ot.Yes}, {ot.Hint{WireLen: len(b)}, ot.No}, {ot.Hint{Port: true, WireLen: 20}, ot.No}} {
		if v := probeDatagram(b, c.h); v != c.want {
			t.Errorf("%+v: %d", c.h, v)
		}
	}
	if got := ottest.Datagram(&Protocol, new(ot.Session), b); len(got) != 1 || got[0] != vectors[0].want {
		t.Errorf("%q", got)
	}
}

// TestCaptures holds totals and facts of captures.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		fact              string
	}{
		{"ptp-management.pcap", 5, 5, ""},
	} {
		r := ottest.Replay(t, filepath.Join(root, "timing-ptp", c.path), &Protocol)
		requests := r.Sum(func(row ottest.Row) bool { return row.Direction == "request" })
		answers := r.Sum(func(row ottest.Row) bool { return row.Direction == "response" || row.Direction == "error" })
		if requests != c.requests || answers != c.answers {
			t.Errorf("%s: %d requests, %d answers", c.path, requests, answers)
		}
		found := c.fact == ""
		for fact := range r.Facts {
			found = found || strings.Contains(fact, c.fact)
		}
		if !found {
			t.Errorf("%s: no %q in %v", c.path, c.fact, r.Facts)
		}
	}
}
