package toyopuc

import (
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are computer link frames written by hand.
var vectors = []struct{ name, text, want string }{
	{"read words", `00 00 05 00 1c 00 10 02 00`,
		"request 1c read words [read]"},
	{"write words", `00 00 07 00 1d 00 10 34 12 78 56`,
		"request 1d write words [write]"},
	{"words read, command not seen", `80 00 05 00 1c 34 12 78 56`,
		"response 1c read words [read] status=00"},
	{"error, command not seen", `80 10 01 00 40`,
		"error  error response to an unseen command [other] status=40"},
	{"write bit", `00 00 04 00 21 00 10 01`,
		"request 21 write bit [write]"},
	{"extended word write", `00 00 08 00 95 01 00 10 34 12 00 00`,
		"request 95 extended word write [write]"},
	{"clock write", `00 00 0a 00 32 71 00 00 00 00 00 00 00 00`,
		"request 32:7100 clock write [control]"},
	{"scan stop", `00 00 04 00 32 02 00 01`,
		"request 32:0200 scan stop [control]"},
	{"scan stop release", `00 00 04 00 32 02 00 00`,
		"request 32:02ff scan stop release [control]"},
	{"scan resume", `00 00 03 00 32 01 00`,
		"request 32:0100 scan resume [control]"},
	{"CPU status", `00 00 04 00 a0 00 11 00`,
		"request a0 CPU status read [read]"},
	{"PC10 block write", `00 00 08 00 c3 00 00 00 00 02 34 12`,
		"request c3 PC10 block write [write]"},
	{"relayed write", `00 00 0c 00 60 01 02 00 05 05 00 1d 00 10 34 12`,
		"request 60:1d relay: write words [write]"},
	{"unknown", `00 00 01 00 77`,
		"request 77 unknown 0x77 [other]"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			b := ottest.Bytes(t, m.text)
			ottest.Message(t, &Protocol, b, need, m.want)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != m.want {
				t.Errorf("datagram: got %q\nwant %q", got, m.want)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		port             bool
		datagram, stream ot.Verdict
	}{
		{"read words on a port", `00 00 05 00 1c 00 10 02 00`, true, ot.Yes, ot.Yes},
		{"read words elsewhere", `00 00 05 00 1c 00 10 02 00`, false, ot.No, ot.No},
		{"data that do not fit", `00 00 06 00 1c 00 10 02 00 00`, true, ot.No, ot.No},
		{"unknown command", `00 00 01 00 77`, true, ot.No, ot.No},
		{"longer than it says", `00 00 05 00 1c 00 10 02 00 01`, true, ot.No, ot.No},
		{"one and the first byte of another", `00 00 05 00 1c 00 10 02 00 00`, true, ot.No, ot.Yes},
		{"half a frame", `00 00 05 00 1c 00 10`, true, ot.No, ot.More},
		{"half a head", `00 00`, true, ot.No, ot.More},
		{"half a frame elsewhere", `00 00 05 00 1c 00 10`, false, ot.No, ot.No},
		{"half a frame of an unknown command", `00 00 05 00 77 00 10`, true, ot.No, ot.No},
		{"good response", `80 00 03 00 1c 34 12`, true, ot.Yes, ot.Yes},
		{"response with an error", `80 10 01 00 40`, true, ot.No, ot.No},
		{"session service", `00 00 00 44 81 00`, true, ot.No, ot.No},
		{"call of no sub-code", `00 00 03 00 32 55 00`, true, ot.No, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		h := ot.Hint{Port: c.port, WireLen: len(b)}
		if v := probeDatagram(b, h); v != c.datagram {
			t.Errorf("%s: datagram: %d, want %d", c.name, v, c.datagram)
		}
		if v := probeStream(b, h); v != c.stream {
			t.Errorf("%s: stream: %d, want %d", c.name, v, c.stream)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, m := range vectors {
		b := ottest.Bytes(t, m.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", m.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations in a datagram", m.name, n)
		}
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, m := range vectors {
		b := ottest.Bytes(f, m.text)
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if len(b) > 0 {
			probeStream(b, ot.Hint{Port: cut&1 == 0})
		}
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
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

// TestResponses: responses are the oldest command's; an error does not say which.
func TestResponses(t *testing.T) {
	var s ot.Session
	push := func(i int) string {
		s.Reset()
		Protocol.Stream(&s, ottest.Bytes(t, vectors[i].text))
		return ottest.Told(&Protocol, &s)[0]
	}
	push(0)
	push(7)
	if got, want := push(2), "response 1c read words [read] status=00"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := push(3), "error 32:0200 scan stop [control] status=40"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for range 20 {
		push(1)
	}
	s.Gap = true
	s.Reset()
	s.Gap = true
	Protocol.Stream(&s, ottest.Bytes(t, vectors[3].text))
	if got := ottest.Told(&Protocol, &s)[0]; got != vectors[3].want {
		t.Errorf("behind lost bytes: %q", got)
	}
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
