package codesys

import (
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are CODESYS messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"name service", `00 01 17 e8 14 00 00 00 c5 0b 40 03 00 10 01 4b 00 c2 00 00`,
		"request 03 name service request [identity]"},
	{"open channel", `00 01 17 e8 14 00 00 00 c5 0b 40 40 00 10 01 4b c3 00 01 01`,
		"request 40:c3 open channel request [session]"},
	{"channel opened", `00 01 17 e8 14 00 00 00 c5 0b 40 40 00 10 01 4b 83 00 01 01`,
		"response 40:83 open channel response [session]"},
	{"keep-alive", `00 01 17 e8 14 00 00 00 c5 0b 40 40 00 10 01 4b 03 00 01 01`,
		"none 40:03 keep-alive [session]"},
	{"application start", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 81 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cd 10 00 02 00 10 00`,
		"request 0002:0010 application start [control]"},
	{"application start, answered", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 81 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cd 10 00 82 00 10 00`,
		"response 0002:0010 application start [control]"},
	{"device login", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 81 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cd 10 00 01 00 02 00`,
		"request 0001:0002 device login [session]"},
	{"file command", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 81 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cd 10 00 08 00 01 00`,
		"request 0008:0001 file command 0x0001 [other]"},
	{"later block", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 80 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cd 10 00 02 00 10 00`,
		"none 40:01 block [other]"},
	{"layer 7 of another protocol", `00 01 17 e8 2c 00 00 00 c5 0b 40 40 00 10 01 4b 01 81 01 00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 55 cc 10 00 02 00 10 00`,
		"none 40:01 block [other]"},
	{"unknown service", `00 01 17 e8 10 00 00 00 c5 0b 40 55 00 10 01 4b `,
		"none 55 service 0x55 [other]"},
	{"V2, little-endian", `bb bb 01 00 00 00 01`,
		"none v2:01 V2 service 0x01 [other]"},
	{"V2, big-endian", `bb bb 00 00 00 02 01 00`,
		"none v2:01 V2 service 0x01 [other]"},
}

// datagrams are UDP messages written by hand.
var datagrams = []struct{ name, text, want string }{
	{"address notification", `c5 0b 40 01 00 10 01 4b `,
		"request 01 address notification request [identity]"},
	{"broadcast name service request", `c5 7c 40 03 00 20 12 34 00 01 4b 00 02 c2 00 04 69 69 20 04`,
		"request 03 name service request [identity]"},
	{"name service answer", `c5 0b 40 04 00 10 01 4b 80 c2 00 00`,
		"response 04 name service response [identity]"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, ottest.Bytes(t, m.text), need, m.want)
		})
	}
}

func TestDatagrams(t *testing.T) {
	for _, m := range datagrams {
		if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), ottest.Bytes(t, m.text)), "\n"); got != m.want {
			t.Errorf("%s: got %q\nwant %q", m.name, got, m.want)
		}
	}
}

// identified is an identification written by hand.
const identified = `c5 6b 40 04 00 10 01 4b 80 c2 00 04 69 69 20 04
	04 00 01 00 02 00 03 00 03 00 02 00 02 10 00 00 00 00 00 00 28 0f 05 03 00 00 00 00 04 00 05 00 00 00 00 00 00 00 00 00
	01 02
	50 00 4c 00 43 00 00 00 44 00 45 00 56 00 00 00 e5 65 2c 67 00 00 30 31 32 33 00`

func TestIdentification(t *testing.T) {
	s := new(ot.Session)
	ottest.Datagram(&Protocol, s, ottest.Bytes(t, identified))
	var got []string
	for _, f := range s.Facts {
		got = append(got, f.Kind.String()+" "+string(f.Value))
	}
	if text := strings.Join(got, ", "); text != "name PLC, model DEV, vendor 日本, firmware 3.5.15.40, serial 0123" {
		t.Error(text)
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		port             bool
		datagram, stream ot.Verdict
	}{
		{"block elsewhere", `00 01 17 e8 10 00 00 00 c5 0b 40 03 00 10 01 4b `, false, ot.No, ot.Yes},
		{"block of no length", `00 01 17 e8 07 00 00 00`, true, ot.No, ot.No},
		{"half a head", `00 01 17`, false, ot.No, ot.More},
		{"V2 elsewhere", `bb bb 01 00 00 00 01`, false, ot.No, ot.No},
		{"V2 on the port", `bb bb 01 00 00 00 01`, true, ot.No, ot.Yes},
		{"datagram on the port", `c5 0b 40 01 00 10 01 4b `, true, ot.Yes, ot.No},
		{"datagram elsewhere", `c5 0b 40 01 00 10 01 4b `, false, ot.No, ot.No},
		{"datagram of an unknown service", `c5 0b 40 55 00 10 01 4b `, true, ot.No, ot.No},
		{"addresses longer than the datagram", `c5 0b 40 01 00 ff 01 4b`, true, ot.No, ot.No},
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
	for _, m := range datagrams {
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

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
