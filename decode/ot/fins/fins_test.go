package fins

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frames are FINS frames written by hand from the fact sheet.
var frames = []struct{ name, text, want string }{
	{"memory area read", `
		80 00 02       # command, response wanted; 2 gateways left
		00 01 00       # to network 0, node 1, CPU
		00 64 00       # from node 100
		55             # service id
		01 01          # memory area read
		82 00 64 00    # D100
		00 01          # 1 word`,
		"request 0101 memory_area_read [read] unit=0.1.0\nstation=100"},
	{"memory area read, done", `c0 00 02 00 64 00 00 01 00 55 01 01 00 00 12 34`,
		"response 0101 memory_area_read [read] unit=0.1.0 status=0000\nstation=1"},
	{"memory area write, protected", `c0 00 02 00 64 00 00 01 00 55 01 02 21 02`,
		"error 0102 memory_area_write [write] unit=0.1.0 status=2102\nstation=1"},
	{"the CPU's error flags are no end code", `c0 00 02 00 64 00 00 01 00 55 01 01 00 c0 12 34`,
		"response 0101 memory_area_read [read] unit=0.1.0 status=0000\nstation=1"},
	{"a relay error is an error", `c0 00 02 00 64 00 00 01 00 55 01 01 85 02 00 00`,
		"error 0101 memory_area_read [read] unit=0.1.0 status=0502\nstation=1"},
	{"run, no answer wanted", `81 00 02 00 01 00 00 64 00 01 04 01 ff ff 04`,
		"request 0401 run [control] unit=0.1.0\nstation=100"},
	{"stop over a network to a bus unit", `80 00 02 05 0a 10 03 00 00 01 04 02`,
		"request 0402 stop [control] unit=5.10.16"},
	{"cycle time read", `80 00 02 00 01 00 00 64 00 01 06 20 01`,
		"request 0620 cycle_time_read [read] unit=0.1.0\nstation=100"},
	{"cycle time initialise", `80 00 02 00 01 00 00 64 00 01 06 20 00`,
		"request 0620 cycle_time_read (initialise) [write] unit=0.1.0\nstation=100"},
	{"message clear", `80 00 02 00 01 00 00 64 00 01 09 20 40 ff`,
		"request 0920 message_clear [write] unit=0.1.0\nstation=100"},
	{"unknown command", `80 00 02 00 01 00 00 64 00 01 99 98`,
		"request 9998 unknown 0x9998 [other] unit=0.1.0\nstation=100"},
	{"response without end code", `c0 00 02 00 64 00 00 01 00 55 04 01`,
		"response 0401 run [control] unit=0.1.0\nstation=1"},
	{"model", `c0 00 02 00 64 00 00 01 00 55 05 01 00 00
		'CJ2M-CPU31 20 20 20 20 20 20 20 20 20 20
		'02.01 00 00 00 00 00
		'02.10 00 00 00 00 00
		` + strings.Repeat("00 ", 52),
		"response 0501 controller_data_read [identity] unit=0.1.0 status=0000\nstation=1\nvendor=OMRON\nmodel=CJ2M-CPU31\nfirmware=02.01"},
	{"bus units are no model", `c0 00 02 00 64 00 00 01 00 55 05 01 00 00 ` + strings.Repeat("41 ", 67),
		"response 0501 controller_data_read [identity] unit=0.1.0 status=0000\nstation=1"},
	{"name", `c0 00 02 00 64 00 00 01 00 55 26 03 00 00 'LINE1 20 20 20`,
		"response 2603 name_read [identity] unit=0.1.0 status=0000\nstation=1\nname=LINE1"},
}

// envelopes are FINS/TCP messages.
var envelopes = []struct{ name, text, want string }{
	{"client node address", `'FINS 00 00 00 0c 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request tcp:0 client node address send [session]"},
	{"server node address", `'FINS 00 00 00 10 00 00 00 01 00 00 00 00 00 00 00 fb 00 00 00 c8`,
		"response tcp:1 server node address send [session] status=00000000\nstation=200"},
	{"server refuses", `'FINS 00 00 00 10 00 00 00 01 00 00 00 20 00 00 00 00 00 00 00 00`,
		"error tcp:1 server node address send [session] status=00000020"},
	{"frame", `'FINS 00 00 00 16 00 00 00 02 00 00 00 00 80 00 02 00 c8 00 00 fb 00 01 04 02 ff ff`,
		"request 0402 stop [control] unit=0.200.0\nstation=251"},
	{"frame with an error", `'FINS 00 00 00 08 00 00 00 02 00 00 00 02`,
		"error tcp:2 FINS frame send [session] status=00000002"},
	{"error notification", `'FINS 00 00 00 08 00 00 00 03 00 00 00 03`,
		"error tcp:3 frame send error notification [session] status=00000003"},
	{"connection confirmation", `'FINS 00 00 00 08 00 00 00 06 00 00 00 00`,
		"none tcp:6 connection confirmation [session] status=00000000"},
	{"unknown command", `'FINS 00 00 00 08 00 00 00 09 00 00 00 00`,
		"none tcp:9 unknown TCP command 9 [other] status=00000000"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			// The same in a FINS/TCP envelope.
			e := append([]byte{'F', 'I', 'N', 'S', 0, 0, 0, byte(8 + len(b)), 0, 0, 0, 2, 0, 0, 0, 0}, b...)
			if got := strings.Join(ottest.Stream(&Protocol, e), "\n"); got != f.want {
				t.Errorf("stream: got %s\nwant %s", got, f.want)
			}
			ottest.SameHoweverSplit(t, &Protocol, bytes.Repeat(e, 3), len(e)+9)
		})
	}
}

func TestEnvelopes(t *testing.T) {
	for _, f := range envelopes {
		t.Run(f.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, ottest.Bytes(t, f.text), ot.Whole, f.want)
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		port        bool
		udp, stream ot.Verdict
	}{
		{"command", frames[0].text, false, ot.Yes, ot.No},
		{"response", frames[1].text, false, ot.Yes, ot.No},
		{"command without its data", "80 00 02 00 01 00 00 64 00 55 01 01 82", false, ot.No, ot.No},
		{"unknown command elsewhere", "80 00 02 00 01 00 00 64 00 01 22 98", false, ot.No, ot.No},
		{"unknown command on the port", "80 00 02 00 01 00 00 64 00 01 22 98", true, ot.Yes, ot.No},
		{"unknown end code elsewhere", "c0 00 02 00 64 00 00 01 00 55 01 01 77 77", false, ot.No, ot.No},
		{"ICF bits that are never set", "82 00 02 00 01 00 00 64 00 01 05 01", true, ot.No, ot.No},
		{"reserved byte", "80 01 02 00 01 00 00 64 00 01 05 01", true, ot.No, ot.No},
		{"gateway count", "80 00 08 00 01 00 00 64 00 01 05 01", true, ot.No, ot.No},
		{"network out of range", "80 00 02 80 01 00 00 64 00 01 05 01", true, ot.No, ot.No},
		{"short", "80 00 02 00 01 00 00 64 00 01 05", true, ot.No, ot.No},
		{"envelope", envelopes[0].text, false, ot.No, ot.Yes},
		{"half an envelope", "'FIN", false, ot.No, ot.More},
		{"envelope of impossible length", "'FINS 00 00 00 07 00 00 00 00 00 00 00 00", true, ot.No, ot.No},
		{"another text", "'FINE", true, ot.No, ot.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			h := ot.Hint{Port: c.port, WireLen: len(b)}
			if v := probeDatagram(b, h); v != c.udp {
				t.Errorf("datagram: %d, want %d", v, c.udp)
			}
			if v := probeStream(b, h); v != c.stream {
				t.Errorf("stream: %d, want %d", v, c.stream)
			}
		})
	}
}

// TestDirections: the client is who sends commands, and a station number is
// told once.
func TestDirections(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	for i := range 3 {
		got := ottest.Datagram(&Protocol, &s, ottest.Bytes(t, frames[0].text))
		if s.Client != ot.ClientSender || slices.Contains(got, "station=100") != (i == 0) {
			t.Errorf("%d: client %d, %q", i, s.Client, got)
		}
	}
	s.Src, s.Dst = s.Dst, s.Src
	ottest.Datagram(&Protocol, &s, ottest.Bytes(t, frames[1].text))
	if s.Client != ot.ClientReceiver {
		t.Errorf("client %d", s.Client)
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	for _, f := range frames {
		b := ottest.Bytes(t, f.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
	for _, f := range envelopes {
		b := ottest.Bytes(t, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

// TestCaptures holds totals of the captures that the fact sheet was verified on.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path                          string
		requests, answers, handshakes int
		fact                          string
	}{
		{"nttcom-omron-fins.pcap", 10, 10, 0, "1.1.1.1 station 100"},
		{"omron-part1.pcap", 93, 47, 0, ""},
		{"omron-test.pcap", 2, 2, 2, "model CP1L-EL20DR-D"},
		{"omron-fins-tcp-commands-responses.pcap", 8, 8, 0, "firmware"},
	} {
		t.Run(c.path, func(t *testing.T) {
			r := ottest.Replay(t, filepath.Join(root, "fins", c.path), &Protocol)
			frame := func(row ottest.Row) bool { return !strings.HasPrefix(row.Code, "tcp:") }
			requests := r.Sum(func(row ottest.Row) bool { return frame(row) && row.Direction == "request" })
			answers := r.Sum(func(row ottest.Row) bool { return frame(row) && row.Direction != "request" })
			handshakes := r.Sum(func(row ottest.Row) bool { return !frame(row) })
			if requests != c.requests || answers != c.answers || handshakes != c.handshakes {
				t.Errorf("%d requests, %d answers, %d handshakes", requests, answers, handshakes)
			}
			found := false
			for fact := range r.Facts {
				found = found || strings.Contains(fact, c.fact)
			}
			if c.fact != "" && !found {
				t.Errorf("no %q in %v", c.fact, r.Facts)
			}
		})
	}
}

func TestTable(t *testing.T) {
	if len(Protocol.Table) != len(commands)+4 {
		t.Errorf("%d rows", len(Protocol.Table))
	}
	if statusName(0x2602) != "wrong password" || statusName(statusTCP|0x22) == "" || status(statusTCP|0x22) != "00000022" {
		t.Error("status texts")
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, e := range envelopes {
		b := ottest.Bytes(f, e.text)
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	ottest.Seeds("fins", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) { ottest.SameHoweverSplit(t, &Protocol, b, cut) })
}

func FuzzDatagram(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text), 0)
	}
	ottest.Seeds("fins", false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		probeStream(b, ot.Hint{WireLen: s.WireLen})
		Protocol.Datagram(&s, b)
		if len(s.PDUs) > 1 {
			t.Errorf("%d messages in a datagram", len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
