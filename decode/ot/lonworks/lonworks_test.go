package lonworks

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are CEA-852 packets written by hand.
var vectors = []struct{ name, text, want string }{
	{"network variable update, acknowledged service", `00 20 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 09 01 aa 01 a9 01 03 81 0d 00 ca`,
		"none 01:nv network variable update [cyclic] unit=1/41"},
	{"acknowledgement", `00 1c 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 00 09 01 a9 01 aa 01 23`,
		"response 01:ack acknowledgement [other] unit=1/42"},
	{"network variable poll", `00 1e 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 19 01 aa 01 a9 01 04 c1 0d`,
		"request 01:nv-poll network variable poll [read] unit=1/41"},
	{"response to an unseen request", `00 1d 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 19 01 a9 01 aa 01 25 21`,
		"response 01:response response to an unseen request [other] unit=1/42"},
	{"write memory", `00 1e 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 19 01 aa 01 a9 01 05 6e 00`,
		"request 01:6e write memory [control] unit=1/41"},
	{"update domain to a Neuron id", `00 23 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 1d 01 aa 00 01 02 03 04 05 06 01 05 63 00`,
		"request 01:63 update domain [control]"},
	{"broadcast service pin", `00 21 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 31 01 aa 00 01 7f 01 02 03 04 05 06`,
		"request 01:7f service pin [identity]"},
	{"challenge", `00 1c 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 29 01 aa 01 a9 01 05`,
		"none 01:challenge authentication challenge [other] unit=1/41"},
	{"application message", `00 1d 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 39 01 aa 01 a9 01 12 34`,
		"none 01:12 application message 0x12 [other] unit=1/41"},
	{"LonTalk cut", `00 17 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 09 01`,
		"none 01 data [other]"},
	{"device registration", `00 14 01 03 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `,
		"none 03 device registration [session]"},
	{"device configuration", `00 16 01 71 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 00 01`,
		"none 71 device configuration [control]"},
	{"configuration request", `00 14 01 63 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `,
		"request 63 device configuration request [read]"},
	{"acknowledged packet", `00 14 01 07 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `,
		"response 07 ack [session]"},
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
		{"data elsewhere", `00 20 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 09 01 aa 01 a9 01 03 81 0d 00 ca`, false, ot.Yes},
		{"registration elsewhere", `00 14 01 03 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `, false, ot.No},
		{"registration on the port", `00 14 01 03 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `, true, ot.Yes},
		{"unknown type", `00 14 01 02 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `, true, ot.No},
		{"length is not the datagram's", `00 14 01 03 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00  00`, true, ot.No},
		{"version 2", `00 14 02 03 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `, true, ot.No},
		{"extension longer than the packet", `00 14 01 03 09 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 `, true, ot.No},
		{"data without LonTalk elsewhere", `00 1c 01 01 00 00 00 00 6b 8b 45 67 00 00 00 01 00 00 00 00 01 c9 01 aa 01 a9 01 03`, false, ot.No},
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
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzDatagram(f, &Protocol, "lonworks", seeds)
}

// TestResponses: a response does what the request of its transaction asked for; in
// management bit 5 says whether it worked.
func TestResponses(t *testing.T) {
	for code, want := range map[byte]string{
		0x2e: "response 01:6e write memory [control] unit=1/42",
		0x0e: "error 01:6e write memory [control] unit=1/42",
	} {
		var s ot.Session
		ottest.Datagram(&Protocol, &s, ottest.Bytes(t, vectors[4].text))
		b := ottest.Bytes(t, vectors[3].text)
		b[len(b)-1] = code
		if got := ottest.Datagram(&Protocol, &s, b); got[0] != want {
			t.Errorf("%02x: %q, want %q", code, got, want)
		}
		if got := ottest.Datagram(&Protocol, &s, b); got[0] != vectors[3].want {
			t.Errorf("again: %q", got)
		}
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
		{"ics-lontalk-lon.pcap", 20, 5693, ""},
	} {
		r := ottest.Replay(t, filepath.Join(root, "lonworks", c.path), &Protocol)
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
