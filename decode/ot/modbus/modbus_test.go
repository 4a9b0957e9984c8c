package modbus

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

// messages are written by hand from the fact sheet: header, function, data. port says which end has 502:
// "c" the receiver, "s" the sender, "" neither.
var messages = []struct{ name, port, text, want string }{
	{"read holding registers", "", `
		00 01 00 00 00 06 # transaction 1, Modbus, 6 bytes follow
		0a                # unit 10
		03 00 09 00 18    # from 9, 24 registers`,
		"request 03 read holding registers [read] unit=10"},
	{"read holding registers, answer", "", `00 01 00 00 00 07 0a 03 04 00 01 00 02`,
		"response 03 read holding registers [read] unit=10"},
	{"read coils, answer", "", `00 01 00 00 00 04 0a 01 01 00`,
		"response 01 read coils [read] unit=10"},
	{"illegal address", "", `00 01 00 00 00 03 0a 83 02`,
		"error 03 read holding registers [read] unit=10 status=02"},
	{"gateway target failed", "s", `00 01 00 00 00 03 0a 90 0b`,
		"error 10 write multiple registers [write] unit=10 status=0b"},
	{"exception without a code", "s", `00 01 00 00 00 02 0a 81`,
		"error 01 read coils [read] unit=10"},
	{"write single coil to the server", "c", `00 01 00 00 00 06 0a 05 00 02 ff 00`,
		"request 05 write single coil [write] unit=10"},
	{"the same back", "s", `00 01 00 00 00 06 0a 05 00 02 ff 00`,
		"response 05 write single coil [write] unit=10"},
	{"the same from the client by what is known", "", `00 01 00 00 00 06 0a 05 00 02 ff 00`,
		"request 05 write single coil [write] unit=10"},
	{"write multiple registers", "", `00 01 00 00 00 0b 0a 10 00 01 00 02 04 00 01 00 02`,
		"request 10 write multiple registers [write] unit=10"},
	{"write multiple registers, answer", "", `00 01 00 00 00 06 0a 10 00 01 00 02`,
		"response 10 write multiple registers [write] unit=10"},
	{"read/write multiple registers", "", `00 01 00 00 00 0d 0a 17 00 01 00 01 00 02 00 01 02 12 34`,
		"request 17 read/write multiple registers [write] unit=10"},
	{"mask write", "c", `00 01 00 00 00 08 0a 16 00 04 00 f2 00 25`,
		"request 16 mask write register [write] unit=10"},
	{"read file record", "c", `00 01 00 00 00 0a 0a 14 07 06 00 04 00 01 00 02`,
		"request 14 read file record [read] unit=10"},
	{"restart communications", "c", `00 01 00 00 00 06 0a 08 00 01 ff 00`,
		"request 08 diagnostics: restart communications [control] unit=10"},
	{"listen only", "c", `00 01 00 00 00 06 0a 08 00 04 00 00`,
		"request 08 diagnostics: force listen-only mode [control] unit=10"},
	{"diagnostic loopback", "c", `00 01 00 00 00 06 0a 08 00 00 a5 37`,
		"request 08 diagnostics: return query data [other] unit=10"},
	{"device identification", "c", `00 01 00 00 00 05 0a 2b 0e 01 00`,
		"request 2b read device identification [identity] unit=10"},
	{"device identification, answer", "s", `
		00 01 00 00 00 1c 0a
		2b 0e 01 01 00 00 03 # basic, conformity 1, no more, 3 objects
		00 05 'ACME!         # vendor
		01 04 'P-10          # product code
		02 05 'v1.20         # revision`,
		"response 2b read device identification [identity] unit=10\nvendor=ACME!\nmodel=P-10\nfirmware=v1.20"},
	{"device identification, objects cut", "s", `00 01 00 00 00 0b 0a 2b 0e 01 01 00 00 03 00 05 'A`,
		"response 2b read device identification [identity] unit=10"},
	{"CANopen", "c", `00 01 00 00 00 05 0a 2b 0d 01 00`,
		"request 2b CANopen general reference [write] unit=10"},
	{"server id", "s", `00 01 00 00 00 0b 0a 11 08 0a ff 'PM-800`,
		"response 11 report server id [identity] unit=10\nmodel=PM-800"},
	{"UMAS stop", "c", `00 01 00 00 00 06 00 5a 01 41 ff 00`,
		"request 5a UMAS stop PLC [control] unit=0"},
	{"UMAS answer to nothing", "s", `00 01 00 00 00 04 00 5a 01 fe`,
		"response 5a UMAS [other] unit=0"},
	{"UMAS failed", "s", `00 01 00 00 00 05 00 5a 01 fd 80`,
		"response 5a UMAS [other] unit=0 status=fd"},
	{"unknown function", "c", `00 01 00 00 00 02 0a 2a`,
		"request 2a unknown 0x2a [other] unit=10"},
	{"user-defined function", "c", `00 01 00 00 00 02 0a 41`,
		"request 41 user-defined 0x41 [other] unit=10"},
}

func session(side string) *ot.Session {
	s := &ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: 40000, DstPort: 50000, FromClient: true}
	switch side {
	case "c":
		s.DstPort = port
	case "s":
		s.SrcPort, s.FromClient = port, false
	}
	return s
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			b := ottest.Bytes(t, m.text)
			s := session(m.port)
			if got := strings.Join(ottest.Datagram(&Protocol, s, b), "\n"); got != m.want {
				t.Errorf("datagram: got %s\nwant %s", got, m.want)
			}
			s = session(m.port)
			if n := Protocol.Stream(s, b); n != len(b) {
				t.Errorf("stream took %d of %d", n, len(b))
			}
			if got := strings.Join(ottest.Told(&Protocol, s), "\n"); got != m.want {
				t.Errorf("stream: got %s\nwant %s", got, m.want)
			}
			ottest.SameHoweverSplit(t, &Protocol, bytes.Repeat(b, 3), len(b)+3)
			s.Reset()
			if n := Protocol.Stream(s, b[:len(b)-1]); n != 0 || len(s.PDUs) != 0 {
				t.Errorf("cut message: took %d, told %d", n, len(s.PDUs))
			}
		})
	}
}

// TestClient: content says who the client is where ports do not.
func TestClient(t *testing.T) {
	for _, c := range []struct {
		name string
		want ot.ClientSide
	}{
		{"read holding registers", ot.ClientSender},
		{"read holding registers, answer", ot.ClientReceiver},
		{"illegal address", ot.ClientReceiver},
		{"the same from the client by what is known", ot.ClientUnknown},
	} {
		for _, m := range messages {
			if m.name != c.name {
				continue
			}
			s := session("")
			Protocol.Stream(s, ottest.Bytes(t, m.text))
			if s.Client != c.want {
				t.Errorf("%s: %d, want %d", c.name, s.Client, c.want)
			}
		}
	}
}

// TestUMAS: a response is named by its request, found by transaction and unit.
func TestUMAS(t *testing.T) {
	s := session("c")
	var got []string
	say := func(text string) {
		b := ottest.Bytes(t, text)
		s.Reset()
		Protocol.Stream(s, b)
		got = append(got, ottest.Told(&Protocol, s)...)
	}
	turn := func() { s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort }
	say("00 07 00 00 00 04 00 5a 00 02 00 08 00 00 00 04 00 5a 01 40")
	turn()
	say("00 08 00 00 00 03 00 da 01")
	say(`00 07 00 00 00 1f 00 5a 00 fe 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 08 'M340-CPU`)
	say("00 07 00 00 00 04 00 5a 00 fe")
	want := []string{
		"request 5a UMAS read id [identity] unit=0", "request 5a UMAS start PLC [control] unit=0",
		"error 5a UMAS start PLC [control] unit=0 status=01",
		"response 5a UMAS read id [identity] unit=0", "vendor=Schneider Electric", "model=M340-CPU",
		"response 5a UMAS [other] unit=0"}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	turn()
	for range 1000 {
		say("00 09 00 00 00 04 00 5a 00 12")
	}
	if st := s.State.(*state); st.n != len(st.open) {
		t.Errorf("%d waiting", st.n)
	}
	s.Gap = true
	Protocol.Stream(s, nil)
	if st := s.State.(*state); st.n != 0 {
		t.Errorf("%d waiting behind a gap", st.n)
	}
}

func TestProbe(t *testing.T) {
	const read = "00 01 00 00 00 06 0a 03 00 09 00 18"
	for _, c := range []struct {
		name, text        string
		elsewhere, onPort ot.Verdict // stream
		udp               ot.Verdict // elsewhere
	}{
		{"request", read, ot.Yes, ot.Yes, ot.Yes},
		{"two", read + read, ot.Yes, ot.Yes, ot.Yes},
		{"one and a half", read + "00 01 00 00 00 06 0a 03", ot.Yes, ot.Yes, ot.No},
		{"one and a few bytes", read + "00 01", ot.Yes, ot.Yes, ot.No},
		{"one and something else", read + "16 03 01 00 00 01 02 03", ot.No, ot.No, ot.No},
		{"half a head", "00 01 00 00 00", ot.No, ot.More, ot.No},
		{"header alone", "00 01 00 00 00 06", ot.More, ot.More, ot.No},
		{"header of a long message alone", "00 01 00 00 01 06", ot.No, ot.More, ot.No},
		{"header and a byte", "00 01 00 00 00 06 0a 03 00", ot.More, ot.More, ot.No},
		{"half of one that fits", "00 01 00 00 00 0b 0a 10 00 01 00 02 04 00 01", ot.More, ot.Yes, ot.No},
		{"half of one that may fit", "00 01 00 00 00 0f 0a 17 00 01 00 01 00 02 00 02", ot.More, ot.More, ot.No},
		{"half of one that does not", "00 01 00 00 00 80 0a 10 00 01 00 02 04 00 01 00 01", ot.No, ot.No, ot.No},
		{"quantity out of range", "00 01 00 00 00 06 0a 03 00 09 00 7e", ot.No, ot.Yes, ot.No},
		{"another protocol id", "00 01 00 01 00 06 0a 03 00 09 00 18", ot.No, ot.No, ot.No},
		{"exception alone", "00 01 00 00 00 03 0a 83 02", ot.More, ot.Yes, ot.No},
		{"unknown function", "00 01 00 00 00 02 0a 2a", ot.No, ot.Yes, ot.No},
		{"too long", "00 01 00 00 00 ff 0a 03 00 09 00 18", ot.No, ot.No, ot.No},
		{"TLS on the port", "16 03 01 00 85 01 00 00 81 03 03", ot.No, ot.No, ot.No},
		{"HTTP on the port", "'GET 20 '/ 20 'HTTP/1.1", ot.No, ot.No, ot.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			if v := probeStream(b, ot.Hint{WireLen: len(b)}); v != c.elsewhere {
				t.Errorf("elsewhere: %d, want %d", v, c.elsewhere)
			}
			if v := probeStream(b, ot.Hint{WireLen: len(b), Port: true}); v != c.onPort {
				t.Errorf("on the port: %d, want %d", v, c.onPort)
			}
			if v := probeDatagram(b, ot.Hint{WireLen: len(b)}); v != c.udp {
				t.Errorf("datagram: %d, want %d", v, c.udp)
			}
		})
	}
}

func TestNoAllocations(t *testing.T) {
	for _, m := range messages {
		b, s := ottest.Bytes(t, m.text), session(m.port)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", m.name, n)
		}
	}
}

// TestCaptures holds totals of captures; counts by function are held by the
// registry's tests.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path         string
		pdus, errors int
	}{
		{"modbus.pcap", 837, 144},
		{"modbus-2.pcap", 102, 0},
		{"modbus-and-non-modbus-p502.pcap", 12, 0},
		{"modbus-encapsulated-transport.pcap", 2, 0},
	} {
		t.Run(c.path, func(t *testing.T) {
			r := ottest.Replay(t, filepath.Join(root, "modbus", c.path), &Protocol)
			pdus := r.Sum(func(ottest.Row) bool { return true })
			errors := r.Sum(func(row ottest.Row) bool { return row.Direction == "error" })
			if pdus != c.pdus || errors != c.errors {
				t.Errorf("%d messages, %d errors; want %d, %d", pdus, errors, c.pdus, c.errors)
			}
		})
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, m := range messages {
		b := ottest.Bytes(f, m.text)
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	ottest.Seeds("modbus", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) { ottest.SameHoweverSplit(t, &Protocol, b, cut) })
}

func FuzzDatagram(f *testing.F) {
	for _, m := range messages {
		f.Add(ottest.Bytes(f, m.text), 0, m.port)
	}
	ottest.Seeds("modbus", true, 0, func(b []byte) { f.Add(b, 0, "c") })
	f.Fuzz(func(t *testing.T, b []byte, more int, side string) {
		s := session(side)
		s.WireLen = len(b) + max(more, 0)
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		probeStream(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		Protocol.Datagram(s, b)
		if len(s.PDUs) > 1 {
			t.Errorf("%d messages in a datagram", len(s.PDUs))
		}
		ottest.Told(&Protocol, s)
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
