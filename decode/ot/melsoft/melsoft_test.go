package melsoft

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

// frames are messages written by hand from the fact sheet.
var frames = []struct{ name, text, want string }{
	{"connection test", `5a 00 00 01`, "request search:01 connection test [identity]"},
	{"connection test, answer", `da 00 00 01 14 00 c0 a8 03 0a c0 a8 03 14`, "response search:01 connection test [identity]"},
	{"search of a kind without a name", `5a 00 00 22`, "request search:22 search, kind 0x22 [identity]"},
	{"identify", `5a 00 00 ff`, "request search:ff identify [identity]"},
	{"identify, answer", `
		da 00 00 ff
		29 4a                    # model code of an FX5U-32MT/ES
		0c 00 00 00 00 00 10 02 00 f0 c0 a8 03 14 01 02 03 04 05 06 07 08`,
		"response search:ff identify [identity]\nvendor=Mitsubishi Electric\nmodel=FX5U-32MT/ES"},
	{"identify, answer of a model that is not known", `
		da 00 00 ff ff ff 0c 00 00 00 00 00 10 02 00 f0 c0 a8 03 14 01 02 03 04 05 06 07 08`,
		"response search:ff identify [identity]\nvendor=Mitsubishi Electric"},
	{"open", `
		57 01 05                 # request, sequence 5
		00 00 11 11 07 00        # constant
		00 ff ff 03              # network 0, unit 255, I/O 03FF
		00 00 fe 03 00 00
		20 00                    # 32 bytes follow
		1c 0a 16 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		01 21                    # open initial
		00 00 00 00 00 01`,
		"request 0121 open initial [identity] unit=0.255.03ff"},
	{"open, answer", `
		d7 01 05 00 00 11 11 7f 00
		00 00 a8 03              # the sender's own I/O
		00 ff ff 03 00 00        # network 0, unit 255, I/O 03FF
		38 00
		9c 0a 18 14
		00 00                    # status: ok
		00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		01 21 01 00 00 00
		'FX5U-32MT/ES 00 00 00 00
		29 4a 00 08 00 00 00 00`,
		"response 0121 open initial [identity] unit=0.255.03ff status=0000\nvendor=Mitsubishi Electric\nmodel=FX5U-32MT/ES"},
	{"password login, refused", `
		d7 00 09 00 00 11 11 07 00 00 00 a8 03 01 7d e0 03 00 00
		20 00
		9c 02 18 14
		09 44                    # wrong password
		00 00 02 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		01 32 01 00 00 00`,
		"error 0132 password login [session] unit=1.125.03e0 status=0944"},
	{"remote stop", request("10 02"), "request 1002 remote stop [control] unit=0.255.03ff"},
	{"remote run", request("10 01"), "request 1001 remote run [control] unit=0.255.03ff"},
	{"remote reset", request("10 06"), "request 1006 remote reset [control] unit=0.255.03ff"},
	{"monitor", request("04 10"), "request 0410 monitor read 0410 [read] unit=0.255.03ff"},
	{"write", request("14 10"), "request 1410 write 1410 [write] unit=0.255.03ff"},
	{"file write", request("18 69"), "request 1869 file write [control] unit=0.255.03ff"},
	{"user registration", request("11 33"), "request 1133 user information registration [control] unit=0.255.03ff"},
	{"unknown command", request("99 98"), "request 9998 unknown 0x9998 [other] unit=0.255.03ff"},
	{"command header of another form", `
		57 00 05 00 00 11 11 07 00 00 ff ff 03 00 00 fe 03 00 00 04 00 1d 02 03 04`,
		"request  message without a command [other] unit=0.255.03ff"},
	{"long message", `
		57 00 05 00 00 11 11 07 00 00 ff ff 03 00 00 fe 03 00 00
		20 03                    # 800 bytes follow
		1c 02 16 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		18 68 01 00 00 00` + strings.Repeat(" 57", 770),
		"request 1868 file read [read] unit=0.255.03ff"},
}

// request is a message with a command code and no data.
func request(code string) string {
	return `57 00 05 00 00 11 11 07 00 00 ff ff 03 00 00 fe 03 00 00 1a 00
		1c 02 16 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 ` + code
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			if got := strings.Join(ottest.Stream(&Protocol, b), "\n"); got != f.want {
				t.Errorf("stream: got %s\nwant %s", got, f.want)
			}
			ottest.SameHoweverSplit(t, &Protocol, bytes.Repeat(b, 3), len(b)+9)
			if got := ottest.Stream(&Protocol, bytes.Repeat(b, 3)); len(got) < 3 {
				t.Errorf("three messages told as %q", got)
			}
		})
	}
}

// TestCutDatagram: of a datagram cut by the snap length what is there is told.
func TestCutDatagram(t *testing.T) {
	b := ottest.Bytes(t, request("10 02"))
	for n := range b {
		got := ottest.Datagram(&Protocol, new(ot.Session), b[:n])
		if n < headLen && len(got) != 0 || n >= headLen && len(got) != 1 {
			t.Errorf("%d bytes: %q", n, got)
		}
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		port        bool
		udp, stream ot.Verdict
	}{
		{"request anywhere", request("04 10"), false, ot.Yes, ot.Yes},
		{"identify answer anywhere", frames[4].text, false, ot.Yes, ot.Yes},
		{"search on the port", "5a 00 00 ff", true, ot.Yes, ot.Yes},
		{"search elsewhere", "5a 00 00 ff", false, ot.No, ot.More},
		{"search and request elsewhere", "5a 00 00 ff" + request("01 21"), false, ot.No, ot.Yes},
		{"search and something else", "5a 00 00 ff 01" + strings.Repeat(" 02", 40), false, ot.No, ot.No},
		{"connection test answer elsewhere", frames[1].text, false, ot.No, ot.More},
		{"half a head", "57 00 05 00 00 11 11", false, ot.No, ot.More},
		{"another constant", "57 00 05 00 00 11 12 07 00 00 ff ff 03 00 00 fe 03 00 00 1a 00 1c 02 16 14 00 00 00", true, ot.No, ot.No},
		{"7f in a request", "57 00 05 00 00 11 11 7f 00", true, ot.No, ot.No},
		{"text", "5a 65 62 72 61", true, ot.No, ot.No},
		{"SLMP request", "50 00 00 ff ff 03 00 0c 00 10 00 01 04 00 00 00 00 00 a8 01 00", true, ot.No, ot.No},
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

func TestDirections(t *testing.T) {
	for _, f := range frames {
		var s ot.Session
		got := ottest.Datagram(&Protocol, &s, ottest.Bytes(t, f.text))
		want := ot.ClientReceiver
		if strings.HasPrefix(got[0], "request") {
			want = ot.ClientSender
		}
		if s.Client != want {
			t.Errorf("%s: client %d", f.name, s.Client)
		}
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
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: stream: %v allocations", f.name, n)
		}
	}
}

// TestCaptures holds totals of the captures that the fact sheet was verified on.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		code, fact        string
	}{
		{"melsoft-udp-clean-1.pcap", 607, 607, "1002", "192.168.3.250 model FX5U-32MT/ES"},
		{"melsoft-udp-clean-2.pcap", 216, 216, "1869", "192.168.3.250 model FX5U-32MT/ES"},
		{"melsoft-variant-clean.pcap", 5521, 5521, "1410", ""},
		{"legitimate-user-addition-plc-stop-test.pcapng", 747, 747, "1133", "model R08SFCPU"},
	} {
		t.Run(c.path, func(t *testing.T) {
			r := ottest.Replay(t, filepath.Join(root, "melsec", c.path), &Protocol)
			requests := r.Sum(func(row ottest.Row) bool { return row.Direction == "request" })
			answers := r.Sum(func(row ottest.Row) bool { return row.Direction != "request" })
			if requests != c.requests || answers != c.answers {
				t.Errorf("%d requests, %d answers", requests, answers)
			}
			if r.Names[c.code] == "" {
				t.Errorf("no %s", c.code)
			}
			if !slices.ContainsFunc(facts(r), func(f string) bool { return strings.Contains(f, c.fact) }) && c.fact != "" {
				t.Errorf("no %q in %v", c.fact, r.Facts)
			}
		})
	}
}

func facts(r *ottest.Result) (list []string) {
	for f := range r.Facts {
		list = append(list, f)
	}
	return list
}

// TestMidStream: a stream that is seen from the middle of a message, from one side,
// is read from the next segment that begins with one; bytes lost later cost the
// messages that they cut.
func TestMidStream(t *testing.T) {
	m := ottest.Bytes(t, request("10 02"))
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
	if len(Protocol.Table) != len(commands)+len(searches) {
		t.Errorf("%d rows", len(Protocol.Table))
	}
	if Protocol.StatusName(0x0e44) != "locked out" || Protocol.StatusName(1) != "" {
		t.Error("status names")
	}
}

func FuzzStream(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text), 9)
	}
	ottest.Seeds("melsec", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

func FuzzDatagram(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text), 0)
	}
	ottest.Seeds("melsec", false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		Protocol.Datagram(&s, b)
		if len(s.PDUs) > 1 {
			t.Errorf("%d messages in a datagram", len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
