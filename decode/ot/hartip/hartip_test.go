package hartip

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are HART-IP messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"session initiate", `01 00 00 00 00 02 00 0d  01 00 00 75 30 # primary master, 30 s`,
		"request msg:0 session initiate [session]"},
	{"session initiate, accepted", `01 01 00 00 00 02 00 0d 01 00 00 ea 60`,
		"response msg:0 session initiate [session] status=00"},
	{"session refused", `01 01 00 0f 00 02 00 0d 01 00 00 ea 60`,
		"error msg:0 session initiate [session] status=0f"},
	{"keep-alive", `01 00 02 00 00 0c 00 08`,
		"request msg:2 keep-alive [session]"},
	{"session close, negative", `01 0f 01 02 00 0d 00 08`,
		"error msg:1 session close [session] status=02"},
	{"read primary variable", `01 00 03 00 00 04 00 11  82 26 4e 00 00 d2 # to the long address
01 00 39 # command 1, no data, checksum`,
		"request 1 read primary variable [read] unit=264e0000d2"},
	{"read primary variable, done", `01 01 03 00 00 04 00 18 86 26 4e 00 00 d2 01 07 00 d0 fb 00 00 00 00 11`,
		"response 1 read primary variable [read] unit=264e0000d2 status=00"},
	{"command not implemented", `01 01 03 00 00 06 00 13 86 a6 95 eb 27 b8 00 02 40 00 00`,
		"error 0 read unique identifier [identity] unit=2695eb27b8 status=40"},
	{"a warning is no error", `01 01 03 00 00 06 00 13 86 a6 95 eb 27 b8 23 02 08 00 00`,
		"response 35 write range values [write] unit=2695eb27b8 status=08"},
	{"short address, polling address 5", `01 00 03 00 00 03 00 0d 02 85 00 00 87`,
		"request 0 read unique identifier [identity] unit=5"},
	{"expansion bytes", `01 00 03 00 00 03 00 0f 42 85 aa bb 2a 00 00`,
		"request 42 device reset [control] unit=5"},
	{"device reset", `01 00 03 00 00 03 00 0d 02 80 2a 00 a8`,
		"request 42 device reset [control] unit=0"},
	{"burst", `01 02 03 00 00 03 00 10 01 80 03 03 00 40 55 00`,
		"none 3 read dynamic variables and loop current [read] unit=0 status=00"},
	{"command inside command 77", `01 00 03 00 00 05 00 15 02 80 4d 08 01 02 05 02 80 2a 01 07 00`,
		"request 77 send command to sub-device (42 device reset) [control] unit=0"},
	{"identity", `01 01 03 00 00 03 00 25 06 00 00 18 00 d0 fe 26 4e 05 07 04 01 0e 0c 00 00 d2 05 02 00 02 d0 00 26 00 26 84 de`,
		"response 0 read unique identifier [identity] unit=0 status=00\nvendor=HART manufacturer 0026\nmodel=HART device type 264e\nfirmware=1\nserial=0000d2"},
	{"packed tag", `01 01 03 00 00 09 00 15 06 00 0d 08 00 00 50 53 1f 0d 05 05 00`,
		"response 13 read tag, descriptor, date [identity] unit=0 status=00\nname=TEL_CPTE"},
	{"long tag", `01 01 03 00 00 0a 00 2f 06 00 14 22 00 d0 'FT-101 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"response 20 read long tag [identity] unit=0 status=00\nname=FT-101"},
	{"direct message with two commands", `01 00 04 00 00 04 00 11 00 00 00 2a 00 00 12 01 41`,
		"request 42 device reset [control]\nrequest 18 write tag, descriptor, date [write]"},
	{"direct response", `01 01 04 00 00 04 00 13 00 00 00 2a 01 00 00 01 02 07 27`,
		"response 42 device reset [control] status=00\nerror 1 read primary variable [read] status=07"},
	{"audit log", `01 00 05 00 00 05 00 0a 00 ff`,
		"request msg:5 read audit log [read]"},
	{"unknown message id", `01 00 09 00 00 05 00 08`,
		"request msg:9 unknown message id 9 [other]"},
	{"HART frame that does not fit", `01 00 03 00 00 04 00 0c 82 26 4e 00`,
		"request msg:3 token-passing PDU [other]"},
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
		{"keep-alive on the port", `01 00 02 00 00 0c 00 08`, true, ot.Yes, ot.Yes},
		{"keep-alive elsewhere", `01 00 02 00 00 0c 00 08`, false, ot.No, ot.No},
		{"session initiate elsewhere", `01 00 00 00 00 02 00 0d 01 00 00 75 30`, false, ot.Yes, ot.Yes},
		{"HART frame elsewhere", `01 00 03 00 00 04 00 11 82 26 4e 00 00 d2 01 00 39`, false, ot.Yes, ot.Yes},
		{"HART frame with a wrong checksum", `01 00 03 00 00 04 00 11 82 26 4e 00 00 d2 01 00 38`, false, ot.No, ot.No},
		{"length is not the datagram's", `01 00 02 00 00 0c 00 09 00 00`, true, ot.No, ot.Yes},
		{"version 3", `03 00 02 00 00 0c 00 08`, true, ot.No, ot.No},
		{"message type 4", `01 04 02 00 00 0c 00 08`, true, ot.No, ot.No},
		{"half a head on the port", `01 00`, true, ot.No, ot.More},
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
	ottest.FuzzStream(f, &Protocol, "hart-ip", seeds)
}

func FuzzDatagram(f *testing.F) {
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzDatagram(f, &Protocol, "hart-ip", seeds)
}

// TestCaptures holds totals and facts of captures.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		fact              string
	}{
		{"hart-ip-all-types-and-commands-sent.pcapng", 75, 75, ""},
		{"hart-ip.pcap", 24, 24, "serial 0000d2"},
	} {
		r := ottest.Replay(t, filepath.Join(root, "hart-ip", c.path), &Protocol)
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
