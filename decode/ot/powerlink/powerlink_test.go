package powerlink

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are POWERLINK frames written by hand.
var vectors = []struct{ name, text, want string }{
	{"SoC", `01 ff f0 60 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none 01 SoC [cyclic] unit=240"},
	{"PReq to node 1", `03 01 f0 00 01 00 00 00 24 00`,
		"request 03 PReq [cyclic] unit=1"},
	{"PRes of node 1", `04 ff 01 fd 01 00 00 00 24 00`,
		"response 04 PRes [cyclic] unit=1"},
	{"SoA, nobody", `05 ff f0 1d 00 00 00 00`,
		"none 05:00 SoA no service [cyclic] unit=0"},
	{"SoA, ident request to node 17", `05 ff f0 1d 02 00 01 11 02`,
		"none 05:01 SoA ident request [identity] unit=17"},
	{"SoA, status request", `05 ff f0 1d 02 00 02 11 02`,
		"none 05:02 SoA status request [read] unit=17"},
	{"AMNI", `07 ff f0 00`,
		"none 07 AMNI [cyclic] unit=240"},
	{"NMT command: start node", `06 11 f0 04 21 00`,
		"request 06:04:21 ASnd NMTCommand start node [control] unit=17"},
	{"NMT command: reset node, all", `06 ff f0 04 28 00`,
		"request 06:04:28 ASnd NMTCommand reset node [control] unit=255"},
	{"NMT request", `06 f0 11 03 28 11`,
		"request 06:03:28 ASnd NMTRequest reset node [control] unit=17"},
	{"status response", `06 f0 11 02 00 00 fd 00`,
		"response 06:02 ASnd StatusResponse [read] unit=17"},
	{"SDO read", `06 01 f0 05 02 06 00 00 00 00 00 02 04 00 00 00 00 10 00 00`,
		"request 06:05:02 ASnd SDO read by index [read] unit=1"},
	{"SDO write refused", `06 f0 01 05 02 06 00 00 00 00 c0 01 04 00 00 00 00 00 00 00`,
		"error 06:05:01 ASnd SDO write by index [write] unit=1"},
	{"SDO set-up", `06 01 f0 05 00 01 00 00`,
		"none 06:05 ASnd SDO [other] unit=1"},
	{"ident response", `06 ff 11 01 08 00 1d 00 20 00 c7 00 00 00 dc 05 00 01 00 01 d0 07 00 00 00 00 91 01 07 01
 6c 00 00 01 # vendor
 37 1e 00 00 # product
 02 00 01 00 # revision
 15 cd 5b 07 # serial
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
'EPL_034 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"response 06:01 ASnd IdentResponse [identity] unit=17\nstation=17\nvendor=POWERLINK vendor 0100006c\nmodel=product code 00001e37\nfirmware=revision 00010002\nserial=123456789\nname=EPL_034"},
	{"ident response without serial, cut", `06 ff 11 01 08 00 1d 00 20 00 c7 00 00 00 dc 05 00 01 00 01 d0 07 00 00 00 00 91 01 07 01 6c 00 00 01 37 1e 00 00 00 00 00 00 ff ff ff ff`,
		"response 06:01 ASnd IdentResponse [identity] unit=17\nstation=17\nvendor=POWERLINK vendor 0100006c\nmodel=product code 00001e37\nfirmware=revision 00000000"},
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
		{"unknown type", `02 ff f0 00`},
		{"short", `01 ff f0`},
		{"empty", ``},
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
	ottest.FuzzFrame(f, &Protocol, "powerlink", 0x88ab, seeds)
}

// TestCaptures holds totals and facts of captures.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		fact              string
	}{
		{"eplexample.pcap", 244, 251, "name EPL_034"},
	} {
		r := ottest.Replay(t, filepath.Join(root, "powerlink", c.path), &Protocol)
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
