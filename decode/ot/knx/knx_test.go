package knx

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are KNXnet/IP messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"search request", `06 10 02 01 00 0e 08 01 c0 a8 58 e7 a1 7f`,
		"request 0201 search request [identity]"},
	{"connect response", `06 10 02 06 00 14 01 00 08 01 c0 a8 01 0a 0e 57 04 04 11 01`,
		"response 0206 connect response [session] status=00"},
	{"connect response, no more connections", `06 10 02 06 00 08 00 24`,
		"error 0206 connect response [session] status=24"},
	{"disconnect request", `06 10 02 09 00 10 01 00 08 01 c0 a8 01 0a 0e 57`,
		"request 0209 disconnect request [session]"},
	{"tunnelling: group write of 1 to 1/2/3", `06 10 04 20 00 15 04 01 00 00  # connection header
11 00 bc e0 00 00 0a 03 # L_Data.req from 0.0.0 to 1/2/3
01 00 81`,
		"request 0420 tunnelling request: group write [write] unit=1/2/3"},
	{"tunnelling: group read", `06 10 04 20 00 15 04 01 00 00 11 00 bc e0 00 00 0a 03 01 00 00`,
		"request 0420 tunnelling request: group read [read] unit=1/2/3"},
	{"tunnelling: restart of 1.1.5", `06 10 04 20 00 15 04 01 00 00 11 00 b0 60 00 00 11 05 01 03 80`,
		"request 0420 tunnelling request: restart [control] unit=1.1.5"},
	{"tunnelling: connect of the transport layer", `06 10 04 20 00 14 04 01 00 00 11 00 b0 60 00 00 11 05 00 80`,
		"request 0420 tunnelling request [other] unit=1.1.5"},
	{"additional information before the frame", `06 10 05 30 00 13 29 02 aa bb bc e0 11 05 0a 03 01 00 80`,
		"none 0530 routing indication: group write [write] unit=1/2/3"},
	{"additional information longer than the frame", `06 10 05 30 00 0b 29 ff bc e0 11`,
		"none 0530 routing indication [other]"},
	{"tunnelling ack", `06 10 04 21 00 0a 04 01 00 00`,
		"response 0421 tunnelling ack [other] status=00"},
	{"tunnelling ack, connection id", `06 10 04 21 00 0a 04 01 00 21`,
		"error 0421 tunnelling ack [other] status=21"},
	{"property write", `06 10 03 10 00 11 04 01 00 00 f6 00 0b 01 34 10 01`,
		"request 0310 device configuration request: property write [write]"},
	{"reset", `06 10 03 10 00 0b 04 01 00 00 f1`,
		"request 0310 device configuration request: reset [control]"},
	{"remote reset", `06 10 07 43 00 08 01 00`,
		"request 0743 remote reset request [control]"},
	{"unknown service", `06 10 02 7f 00 06`,
		"none 027f unknown service 0x027f [other]"},
	{"description response", `06 10 02 04 00 3c  36 01 02 00 11 01 00 00 # block 01: medium, status, 1.1.1, project
 00 c5 01 02 d8 5b # serial
 e0 00 17 0c 00 01 02 03 04 05 'Gateway 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"response 0204 description response [identity]\nstation=1.1.1\nserial=00c50102d85b\nname=Gateway"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			b := ottest.Bytes(t, m.text)
			ottest.Message(t, &Protocol, b, maxLength, m.want)
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
		{"search elsewhere", `06 10 02 01 00 0e 08 01 c0 a8 58 e7 a1 7f`, false, ot.Yes, ot.Yes},
		{"length is not the datagram's", `06 10 02 01 00 0d 08 01 c0 a8 58 e7 a1 7f`, true, ot.No, ot.No},
		{"unknown service elsewhere", `06 10 02 7f 00 06`, false, ot.No, ot.No},
		{"service outside the ranges", `06 10 06 01 00 06`, true, ot.No, ot.No},
		{"version 2", `06 20 02 01 00 06`, true, ot.No, ot.No},
		{"half a head", `06 10 02`, true, ot.No, ot.More},
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
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzStream(f, &Protocol, "knx", seeds)
}

func FuzzDatagram(f *testing.F) {
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzDatagram(f, &Protocol, "knx", seeds)
}

// TestCaptures holds totals and facts of captures.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		fact              string
	}{
		{"knxip.pcapng", 2, 1, ""},
	} {
		r := ottest.Replay(t, filepath.Join(root, "knx", c.path), &Protocol)
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

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
