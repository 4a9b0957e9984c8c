package flnet

import (
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are FL-net frames written by hand.
var vectors = []struct{ name, text, want string }{
	{"token with common memory", `'FACN 00 00 00 48 # total
00 01 00 0b 00 01 00 00 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd e8 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00`,
		"none 65000 cyclic with token [cyclic] unit=11\nstation=11"},
	{"participation", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 01 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd ea 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"none 65002 participation request [session] unit=11\nstation=11"},
	{"word block read", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd ed 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"request 65005 word block read [read] unit=2\nstation=11"},
	{"word block write", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd ee 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"request 65006 word block write [write] unit=2\nstation=11"},
	{"word block written", `'FACN 00 00 00 40 # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fe b6 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"response 65206 word block write response [write] unit=2 status=00\nstation=2"},
	{"word block write refused", `'FACN 00 00 00 40 # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 01 00 00 fe b6 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"error 65206 word block write response [write] unit=2 status=01\nstation=2"},
	{"stop", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd f1 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"request 65009 stop command [control] unit=2\nstation=11"},
	{"start, not supported", `'FACN 00 00 00 40 # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 02 00 00 fe ba 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"error 65210 start command response [control] unit=2 status=02\nstation=2"},
	{"log clear", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd f6 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"request 65014 log clear [control] unit=2\nstation=11"},
	{"transparent message", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 04 d2 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"none 1234 transparent message [other] unit=11\nstation=11"},
	{"unknown", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 02 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fa 00 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`,
		"none 64000 unknown 64000 [other] unit=11\nstation=11"},
	{"network parameters", `'FACN 00 00 00 5e # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fe b7 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
4e 4f 44 45 32 20 20 20 20 20 4f 4d 52 4f 4e 20 20 20 20 20 43 4a 31 57 2d 46 4c 4e 32 32`,
		"response 65207 network parameter read response [identity] unit=2 status=00\nstation=2\nname=NODE2\nvendor=OMRON\nmodel=CJ1W-FLN22"},
	{"profile", `'FACN 00 00 00 5f # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fe bb 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
30 20 13 06 56 45 4e 44 4f 52 13 05 41 43 4d 45 20 13 07 44 56 4d 4f 44 45 4c 13 03 58 2d 31`,
		"response 65211 profile read response [identity] unit=2 status=00\nstation=2\nvendor=ACME\nmodel=X-1"},
	{"profile that ends early", `'FACN 00 00 00 4c # total
00 01 00 02 00 01 00 0b # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fe bb 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
13 06 56 45 4e 44 4f 52 13 7f 41 43`,
		"response 65211 profile read response [identity] unit=2 status=00\nstation=2"},
}

// told gives the lines of a message by itself, as what it is carried by would.
func told(b []byte) string {
	return strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n")
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			b := ottest.Bytes(t, m.text)
			if got := told(b); got != m.want {
				t.Errorf("got %q\nwant %q", got, m.want)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text string
		port       bool
		datagram   ot.Verdict
	}{
		{"token elsewhere", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 01 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd e8 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`, false, ot.Yes},
		{"another text", `'FACM 00 00 00 40 # total
00 01 00 0b 00 01 00 01 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd e8 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`, true, ot.No},
		{"length is not the datagram's", `'FACN 00 00 00 40 # total
00 01 00 0b 00 01 00 01 # source, destination
00 00 00 01 00 00 00 01 01 00 00 00 80 00 00 00 00 00 00 00 # numbers, control, status
00 00 00 00 fd e8 00 00 # response type, transaction
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
 00`, true, ot.No},
		{"cut", `'FACN 00 00 00 40`, true, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		h := ot.Hint{Port: c.port, WireLen: len(b)}
		if v := probeDatagram(b, h); v != c.datagram {
			t.Errorf("%s: datagram: %d, want %d", c.name, v, c.datagram)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, m := range vectors {
		b := ottest.Bytes(t, m.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations in a datagram", m.name, n)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	for _, m := range vectors {
		f.Add(ottest.Bytes(f, m.text), 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)%65536
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		for range 2 {
			Protocol.Datagram(&s, b)
		}
		ottest.Told(&Protocol, &s)
	})
}

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
