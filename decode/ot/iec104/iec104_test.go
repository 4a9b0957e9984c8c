package iec104

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

// frames are APDUs written by hand from the fact sheet.
var frames = []struct{ name, text, want string }{
	{"start of data transfer", "68 04 07 00 00 00", "request u07 STARTDT act [control]"},
	{"start confirmed", "68 04 0b 00 00 00", "response u0b STARTDT con [control]"},
	{"stop of data transfer", "68 04 13 00 00 00", "request u13 STOPDT act [control]"},
	{"stop confirmed", "68 04 23 00 00 00", "response u23 STOPDT con [control]"},
	{"test", "68 04 43 00 00 00", "request u43 TESTFR act [session]"},
	{"test confirmed", "68 04 83 00 00 00", "response u83 TESTFR con [session]"},
	{"supervisory", "68 04 01 00 12 00", "none s supervisory [session]"},
	{"two U bits at once", "68 05 17 17 17 17 17", "none u17 unknown U frame 0x17 [other]"},
	{"interrogation", `
		68 0e 00 00 00 00  # I frame, numbers 0 and 0
		64 01 06 00 0a 00  # type 100, one object, activation, station 10
		00 00 00 14`, "request 100 C_IC_NA interrogation [read] unit=10"},
	{"interrogation confirmed", "68 0e 00 00 02 00 64 01 07 00 0a 00 00 00 00 14", "response 100 C_IC_NA interrogation [read] unit=10 status=07"},
	{"interrogation ended", "68 0e 00 00 02 00 64 01 0a 00 0a 00 00 00 00 14", "response 100 C_IC_NA interrogation [read] unit=10 status=0a"},
	{"interrogation refused", "68 0e 00 00 02 00 64 01 47 00 0a 00 00 00 00 14", "error 100 C_IC_NA interrogation [read] unit=10 status=47"},
	{"unknown station", "68 0e 00 00 02 00 64 01 2e 00 0b 01 00 00 00 14", "error 100 C_IC_NA interrogation [read] unit=267 status=2e"},
	{"single command", "68 0e 04 00 02 00 2d 01 06 00 0a 00 88 13 00 01", "request 45 C_SC_NA single command [control] unit=10"},
	{"command deactivated", "68 0e 04 00 02 00 2d 01 08 00 0a 00 88 13 00 01", "request 45 C_SC_NA single command [control] unit=10"},
	{"set point, float", "68 12 04 00 02 00 32 01 06 00 0a 00 88 13 00 00 00 80 3f 00", "request 50 C_SE_NC set point, float [control] unit=10"},
	{"clock", "68 14 04 00 02 00 67 01 06 00 0a 00 00 00 00 00 00 00 0c 01 01 18", "request 103 C_CS_NA clock synchronisation [control] unit=10"},
	{"reset", "68 0e 04 00 02 00 69 01 06 00 0a 00 00 00 00 01", "request 105 C_RP_NA reset process [control] unit=10"},
	{"read", "68 0d 04 00 02 00 66 01 05 00 0a 00 01 00 00", "request 102 C_RD_NA read [read] unit=10"},
	{"read answered", "68 0e 04 00 02 00 01 01 05 00 0a 00 01 00 00 01", "response 1 M_SP_NA single point [cyclic] unit=10 status=05"},
	{"spontaneous", "68 0e 04 00 02 00 01 01 03 00 0a 00 01 00 00 01", "none 1 M_SP_NA single point [cyclic] unit=10"},
	{"sequence of interrogated points", "68 10 04 00 02 00 01 83 14 00 0a 00 01 00 00 01 00 01", "response 1 M_SP_NA single point [cyclic] unit=10 status=14"},
	{"file called", "68 11 04 00 02 00 7a 01 0d 00 0a 00 01 00 00 01 00 00 02", "request 122 F_SC_NA call directory, select or call file [control] unit=10"},
	{"end of initialisation", "68 0e 00 00 00 00 46 01 04 00 0a 00 00 00 00 00", "none 70 M_EI_NA end of initialisation [other] unit=10"},
	{"unknown type", "68 0e 00 00 00 00 c8 01 06 00 0a 00 00 00 00 00", "request 200 unknown type 200 [other] unit=10"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			if got := strings.Join(ottest.Stream(&Protocol, b), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			three := bytes.Repeat(b, 3)
			if got := ottest.Stream(&Protocol, three); len(got) != 3 {
				t.Errorf("three messages told as %q", got)
			}
			sameHoweverSplit(t, three, len(b)+3)
			head := min(len(b), apciLen+asduHead)
			if got := ottest.Stream(&Protocol, b[:head-1]); len(got) != 0 {
				t.Errorf("message without its heads told: %q", got)
			}
			if got := strings.Join(ottest.Stream(&Protocol, b[:head]), "\n"); got != f.want {
				t.Errorf("heads: got %s", got)
			}
			noise := slices.Concat([]byte{7, 7, 0x68, 2}, b)
			if got := strings.Join(ottest.Stream(&Protocol, noise), "\n"); got != f.want {
				t.Errorf("behind noise: got %s", got)
			}
			sameHoweverSplit(t, noise, 3)
		})
	}
}

// TestNoFrames are bytes that tell nothing.
func TestNoFrames(t *testing.T) {
	for name, text := range map[string]string{
		"length under 4":              "68 03 13 13 13 13 13",
		"length over 253":             "68 fe 00 00 00 00",
		"I frame without an ASDU":     "68 04 04 00 02 00",
		"I frame with half a head":    "68 08 04 00 02 00 64 01 06 00",
		"S frame with more":           "68 06 01 00 02 00 00 00",
		"I frame, odd receive number": "68 0e 00 00 01 00 64 01 06 00 0a 00 00 00 00 14",
		"text":                        "'hello",
	} {
		if got := ottest.Stream(&Protocol, ottest.Bytes(t, text)); len(got) != 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		there, elsewhere ot.Verdict
	}{
		{"U frame", frames[0].text, ot.Yes, ot.Yes},
		{"interrogation", frames[8].text, ot.Yes, ot.Yes},
		{"interrogation in part", "68 0e 00 00 00 00 64", ot.Yes, ot.More},
		{"S frame", frames[6].text, ot.Yes, ot.No},
		{"S and U frame", frames[6].text + frames[0].text, ot.Yes, ot.Yes},
		{"objects do not fit the count", "68 0e 00 00 00 00 64 02 06 00 0a 00 00 00 00 14", ot.Yes, ot.No},
		{"unknown type", "68 0e 00 00 00 00 c8 01 06 00 0a 00 00 00 00 00", ot.Yes, ot.No},
		{"unknown cause", "68 0e 00 00 00 00 64 01 3f 00 0a 00 00 00 00 14", ot.Yes, ot.No},
		{"U frame that does not exist", "68 04 17 00 00 00", ot.No, ot.No},
		{"start only", "68", ot.More, ot.More},
		{"behind the byte of a keep-alive", "00 68 04 43 00 00 00", ot.Yes, ot.No},
		{"behind more than that", "00 00 00 00 00 68 04 43 00 00 00", ot.No, ot.No},
		{"text", "'hello 20 'world", ot.No, ot.No},
		{"meter bus frame", "68 03 03 68 53 fe a6", ot.No, ot.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			if v := probeStream(b, ot.Hint{Port: true}); v != c.there {
				t.Errorf("on the port: %d, want %d", v, c.there)
			}
			if v := probeStream(b, ot.Hint{}); v != c.elsewhere {
				t.Errorf("elsewhere: %d, want %d", v, c.elsewhere)
			}
		})
	}
}

func TestDirections(t *testing.T) {
	for text, want := range map[string]ot.ClientSide{
		frames[0].text: ot.ClientSender, frames[4].text: ot.ClientUnknown, frames[8].text: ot.ClientSender,
		frames[9].text: ot.ClientReceiver, frames[20].text: ot.ClientReceiver,
	} {
		var s ot.Session
		Protocol.Stream(&s, ottest.Bytes(t, text))
		if s.Client != want {
			t.Errorf("%s: client %d, want %d", text, s.Client, want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, f := range frames {
		b := ottest.Bytes(t, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, code string
		count      int
	}{
		{"ics-iec60870-104-61.pcap", "61", 21},
		{"testdissectiec104.pcap", "u17", 1},
		{"testdissectiec104.pcap", "45", 7},
	} {
		r := ottest.Replay(t, filepath.Join(root, "iec104", c.path), &Protocol)
		if n := r.Sum(func(row ottest.Row) bool { return row.Code == c.code }); n != c.count {
			t.Errorf("%s: %d of %s", c.path, n, c.code)
		}
	}
}

// TestMidStream: a stream that is seen from the middle of a message, from one side,
// is read from the next segment that begins with one; bytes lost later cost the
// messages that they cut.
func TestMidStream(t *testing.T) {
	m := ottest.Bytes(t, frames[8].text)
	c := ottest.Conn{Protocol: &Protocol}
	told := 0
	count := func(s *ot.Session) { told += len(s.PDUs) }
	for _, segment := range [][]byte{m[5:], m, m[:9]} {
		c.Push(0, segment, count)
	}
	if told != 1 || c.Dropped != len(m)-5 {
		t.Errorf("%d messages told, %d bytes dropped", told, c.Dropped)
	}
	c.Lose(0)
	for _, segment := range [][]byte{m[6:], append(slices.Clone(m), m...)} {
		c.Push(0, segment, count)
	}
	if told != 3 {
		t.Errorf("%d messages told behind lost bytes", told)
	}
}

func TestTable(t *testing.T) {
	if len(Protocol.Table) != len(types)+len(uFrames)+1 {
		t.Errorf("%d rows", len(Protocol.Table))
	}
	if got := statusName(0x47); got != "activation confirmed, negative" {
		t.Errorf("status %q", got)
	}
}

// sameHoweverSplit fails where a stream fed at once, byte by byte or in two pieces
// tells other messages, also behind noise.
func sameHoweverSplit(tb testing.TB, data []byte, cut int) {
	tb.Helper()
	feed := func(chunks ...[]byte) (told []string) {
		c := ottest.Conn{Protocol: &Protocol}
		c.Session.Src, c.Session.Dst = decode.IPv4(1), decode.IPv4(2)
		for _, b := range chunks {
			c.Push(0, b, func(s *ot.Session) { told = append(told, ottest.Told(&Protocol, s)...) })
		}
		return told
	}
	whole := feed(data)
	var single [][]byte
	for i := range data {
		single = append(single, data[i:i+1])
	}
	if got := feed(single...); !slices.Equal(got, whole) {
		tb.Fatalf("%x\nat once: %q\nbyte by byte: %q", data, whole, got)
	}
	cut = min(max(cut, 0), len(data))
	if got := feed(data[:cut], data[cut:]); !slices.Equal(got, whole) {
		tb.Fatalf("%x\nat once: %q\ncut at %d: %q", data, whole, cut, got)
	}
}

func FuzzStream(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text), 9)
	}
	ottest.Seeds("iec104", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		sameHoweverSplit(t, b, cut)
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
