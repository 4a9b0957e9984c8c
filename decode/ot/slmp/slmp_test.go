package slmp

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frames are one message a kind, written by hand from the fact sheet. want is
// what is told of them by themselves.
var frames = []struct {
	name, text string
	want       string
}{
	{"3E binary request, device read", `
		50 00        # sub-header
		00 ff        # own network, own station
		ff 03 00     # module I/O 03FF, multidrop 0
		0c 00        # 12 bytes follow
		10 00        # timer 4 s
		01 04 00 00  # device read, word
		64 00 00 a8  # D100
		03 00        # 3 points`,
		"request 0401:0000 Device Read (word) [read] unit=00/ff/03ff/00"},
	{"3E binary response without a request", `
		d0 00 00 ff ff 03 00
		08 00        # end code and 6 bytes
		00 00
		01 00 02 00 03 00`,
		"response  response to an unseen request [other] unit=00/ff/03ff/00 status=0000"},
	{"3E binary error with its request's code", `
		d0 00 00 ff ff 03 00
		0b 00
		59 c0        # not supported
		00 ff ff 03 00 # route once more
		01 10 00 00  # remote RUN`,
		"error 1001:0000 Remote RUN [control] unit=00/ff/03ff/00 status=c059"},
	{"3E binary error, end code alone", `
		d0 00 00 ff ff 03 00 02 00 01 c2`,
		"error  response to an unseen request [other] unit=00/ff/03ff/00 status=c201"},
	{"4E binary request, remote stop", `
		54 00 34 12 00 00 # serial 1234
		00 ff ff 03 00
		08 00 00 00       # length, timer
		02 10 00 00 01 00`,
		"request 1002:0000 Remote STOP [control] unit=00/ff/03ff/00"},
	{"4E binary response", `
		d4 00 34 12 00 00 00 ff ff 03 00 02 00 00 00`,
		"response  response to an unseen request [other] unit=00/ff/03ff/00 status=0000"},
	{"4E binary error", `
		d4 00 34 12 00 00 00 ff ff 03 00 0b 00 5b c0 00 ff ff 03 00 01 14 01 00`,
		"error 1401:0001 Device Write (bit) [write] unit=00/ff/03ff/00 status=c05b"},
	{"3E ASCII request, device write", `
		'5000 '00FF '03FF00
		'0020          # 32 characters follow
		'0010
		'1401 '0000
		'D*000100 '0002
		'00110022`,
		"request 1401:0000 Device Write (word) [write] unit=00/ff/03ff/00"},
	{"3E ASCII response", `'D000 '00FF '03FF00 '000C '0000 '00110022`,
		"response  response to an unseen request [other] unit=00/ff/03ff/00 status=0000"},
	{"3E ASCII error", `'D000 '00FF '03FF00 '0016 'C051 '00FF03FF00 '0401 '0000`,
		"error 0401:0000 Device Read (word) [read] unit=00/ff/03ff/00 status=c051"},
	{"4E ASCII request", `'5400 '1234 '0000 '00FF03FF00 '000C '0000 '0101 '0000`,
		"request 0101:0000 Read Type Name [identity] unit=00/ff/03ff/00"},
	{"4E ASCII response", `'D400 '1234 '0000 '00FF03FF00 '0004 '0000`,
		"response  response to an unseen request [other] unit=00/ff/03ff/00 status=0000"},
	{"4E ASCII error", `'D400 '1234 '0000 '00FF03FF00 '0016 'C200 '00FF03FF00 '1630 '0000`,
		"error 1630:0000 Remote Password Unlock [control] unit=00/ff/03ff/00 status=c200"},
	{"LMT request", `
		68 00 01 00 00 00
		00 ff ff 03 00 00 00 00
		06 00 00 00 30 0e 00 00 # node search`,
		"request 0e30:0000 Node Search [identity] unit=00/ff/03ff/00"},
	{"LMT response repeats the command", `
		e8 00 01 00 00 00 00 ff ff 03 00 00 00 00
		06 00 00 00 30 0e 00 00`,
		"response 0e30:0000 Node Search [identity] unit=00/ff/03ff/00 status=0000"},
	{"other station behind a gateway", `
		50 00 01 05 d1 03 02 06 00 00 00 06 10 00 00`,
		"request 1006:0000 Remote RESET [control] unit=01/05/03d1/02"},
	{"open file to read", `
		50 00 00 ff ff 03 00 0e 00 00 00 27 18 00 00
		00 00 00 00 # no password
		00 00       # to read
		00 00`,
		"request 1827:0000 Open File [read] unit=00/ff/03ff/00"},
	{"open file to write", `
		50 00 00 ff ff 03 00 0e 00 00 00 27 18 00 00
		00 00 00 00
		00 01       # any mode but 0
		00 00`,
		"request 1827:0000 Open File [control] unit=00/ff/03ff/00"},
	{"CAN object write", `50 00 00 ff ff 03 00 06 00 00 00 20 40 02 00`,
		"request 4020:0002 CAN Application Object Access (write) [write] unit=00/ff/03ff/00"},
	{"on-demand has no answer", `50 00 00 ff ff 03 00 06 00 00 00 01 21 00 00`,
		"none 2101:0000 On-demand [other] unit=00/ff/03ff/00"},
	{"unknown command", `50 00 00 ff ff 03 00 06 00 00 00 aa 77 00 00`,
		"request 77aa:0000 unknown 0x77aa:0000 [other] unit=00/ff/03ff/00"},
	{"1E binary read, words", `
		01 ff 0a 00       # batch read in words, own station, 2.5 s
		64 00 00 00 20 44 # number 100, "D "
		03 00             # 3 points`,
		"request 01 1E Batch Read (word) [read] unit=ff"},
	{"1E binary write, bits", `
		02 ff 0a 00 32 00 00 00 20 4d 04 00 11 00`,
		"request 02 1E Batch Write (bit) [write] unit=ff"},
	{"1E binary test, words", `
		05 ff 0a 00 01 00 08 00 00 00 20 44 34 12`,
		"request 05 1E Test (word) [write] unit=ff"},
	{"1E binary remote RUN", `13 ff 0a 00`, "request 13 1E Remote RUN [control] unit=ff"},
	{"1E binary remote STOP", `14 ff 0a 00`, "request 14 1E Remote STOP [control] unit=ff"},
	{"1E binary loopback", `16 ff 0a 00 03 'ABC`, "request 16 1E Loopback Test [other] unit=ff"},
	{"1E ASCII read, bits", `'00FF000A '4D20 '00000032 '0C '00`,
		"request 00 1E Batch Read (bit) [read] unit=ff"},
	{"1E ASCII write, words", `'03FF000A '4420 '00000064 '02 '00 '12345678`,
		"request 03 1E Batch Write (word) [write] unit=ff"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != f.want {
				t.Errorf("datagram:\n got %s\nwant %s", got, f.want)
			}
			if got := strings.Join(ottest.Stream(&Protocol, b), "\n"); got != f.want {
				t.Errorf("stream:\n got %s\nwant %s", got, f.want)
			}
			ottest.SameHoweverSplit(t, &Protocol, bytes.Repeat(b, 3), len(b)+5)
			// Two in a row are two, and one that is cut off is none.
			if got := ottest.Stream(&Protocol, b, b[:len(b)-1]); len(got) != 1 {
				t.Errorf("cut message told: %q", got)
			}
		})
	}
}

// TestDamaged: what is not quite SLMP is not told.
func TestDamaged(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"empty", ""},
		{"sub-header's second byte", "50 01 00 ff ff 03 00 06 00 00 00 01 04 00 00"},
		{"module I/O that does not exist", "50 00 00 ff 00 04 00 06 00 00 00 01 04 00 00"},
		{"length below the fixed part", "50 00 00 ff ff 03 00 05 00 00 00 01 04 00"},
		{"length over the datagram", "50 00 00 ff ff 03 00 07 00 00 00 01 04 00 00"},
		{"length under the datagram", "50 00 00 ff ff 03 00 06 00 00 00 01 04 00 00 00"},
		{"4E reserved not 0", "54 00 34 12 01 00 00 ff ff 03 00 06 00 00 00 01 04 00 00"},
		{"ASCII with a letter in the header", "'5000 '00FG '03FF00 '000C '0000 '0101 '0000"},
		{"1E with an unknown device", "01 ff 0a 00 64 00 00 00 20 5a 03 00"},
		{"1E cut", "01 ff 0a 00 64 00 00 00 20 44 03"},
		{"1E command that does not exist", "10 ff 0a 00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			if got := ottest.Datagram(&Protocol, new(ot.Session), b); len(got) != 0 {
				t.Errorf("told %q", got)
			}
			if v := probeDatagram(b, ot.Hint{Port: true, WireLen: len(b)}); v == ot.Yes {
				t.Error("recognised")
			}
		})
	}
}

// conversation gives payloads to one session, those beginning with "<" from the
// server, and says what was told.
func conversation(t *testing.T, payloads ...string) []string {
	t.Helper()
	var s ot.Session
	var told []string
	for _, text := range payloads {
		s.Src, s.Dst, s.SrcPort, s.DstPort = decode.IPv4(1), decode.IPv4(2), 50000, 5010
		text, answer := strings.CutPrefix(text, "<")
		if answer {
			s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort
		}
		told = append(told, ottest.Datagram(&Protocol, &s, ottest.Bytes(t, text))...)
		if want := map[bool]ot.ClientSide{true: ot.ClientReceiver, false: ot.ClientSender}[answer]; len(s.PDUs) > 0 && s.Client != want {
			t.Errorf("%s: client is %d, want %d", text, s.Client, want)
		}
	}
	return told
}

const own = " 00 ff ff 03 00 "

func TestMatching(t *testing.T) {
	read := func(points int) string {
		return fmt.Sprintf("50 00"+own+"0c 00 00 00 01 04 00 00 00 00 00 a8 %02x 00", points)
	}
	answer := func(points int) string {
		return fmt.Sprintf("< d0 00"+own+"%02x 00 00 00", 2+2*points) + strings.Repeat(" 00 00", points)
	}
	const write = "50 00" + own + "0e 00 00 00 01 14 00 00 00 00 00 a8 01 00 34 12"
	const done = "< d0 00" + own + "02 00 00 00"
	serial := func(n int, cmd string) string {
		return fmt.Sprintf("54 00 %02x 00 00 00"+own+"06 00 00 00 %s 00 00", n, cmd)
	}
	serialDone := func(n int) string { return fmt.Sprintf("< d4 00 %02x 00 00 00"+own+"02 00 00 00", n) }
	for _, c := range []struct {
		name     string
		payloads []string
		want     string // the codes of the responses
	}{
		{"one after the other", []string{read(1), answer(1), write, done}, "0401:0000 1401:0000"},
		{"two under way", []string{read(1), write, answer(1), done}, "0401:0000 1401:0000"},
		{"a lost response is passed over by length", []string{read(1), write, done, read(2), answer(2)}, "1401:0000 0401:0000"},
		{"one request answers one response", []string{write, done, done}, "1401:0000 -"},
		{"responses alone", []string{answer(1), done}, "- -"},
		{"routes are apart", []string{
			"50 00 01 02 ff 03 00 06 00 00 00 01 10 00 00", "50 00 01 03 ff 03 00 06 00 00 00 02 10 00 00",
			"< d0 00 01 03 ff 03 00 02 00 00 00", "< d0 00 01 02 ff 03 00 02 00 00 00"}, "1002:0000 1001:0000"},
		{"4E by serial", []string{serial(1, "01 10"), serial(2, "02 10"), serialDone(2), serialDone(1)}, "1002:0000 1001:0000"},
		{"4E with another serial", []string{serial(1, "01 10"), serialDone(3)}, "-"},
		{"an error tells its request", []string{read(1), write, "< d0 00" + own + "0b 00 59 c0" + own + "01 14 00 00", answer(1)}, "1401:0000 -"},
		{"1E by order", []string{"13 ff 0a 00", "< 93 00", "01 ff 0a 00 00 00 00 00 20 44 02 00", "< 81 00 01 00 02 00"}, "13 01"},
		{"1E error", []string{"14 ff 0a 00", "< 94 5b 10 00"}, "14"},
		{"1E answer of another length", []string{"01 ff 0a 00 00 00 00 00 20 44 02 00", "< 81 00 01 00 02"}, ""},
		{"1E answer to another command", []string{"01 ff 0a 00 00 00 00 00 20 44 02 00", "< 80 00 01 00 02 00"}, ""},
		{"1E monitor by its registration", []string{
			"07 ff 0a 00 01 00 64 00 00 00 20 44", "< 87 00", "09 ff 0a 00", "< 89 00 34 12"}, "07 09"},
		{"1E buffer read, of unknown length", []string{"0e ff 0a 00 00 00 00 04 13 00", "< 8e 00 01 02 03 04"}, "0e"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, line := range conversation(t, c.payloads...) {
				words := strings.Split(line, " ")
				if words[0] == "request" || strings.Contains(words[0], "=") {
					continue
				}
				got = append(got, map[bool]string{true: "-", false: words[1]}[words[1] == ""])
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestMatchingIsBounded: requests without answers do not add up.
func TestMatchingIsBounded(t *testing.T) {
	var q queue
	for i := range 1000 {
		q.push(pending{serial: uint16(i), frame: Frame4E})
	}
	if q.n != maxPending || q.list[0].serial != 1000-maxPending {
		t.Errorf("%d waiting, the oldest %d", q.n, q.list[0].serial)
	}
}

func TestIdentity(t *testing.T) {
	for _, c := range []struct {
		name     string
		payloads []string
		want     []string
	}{
		{"type name, binary", []string{
			"50 00" + own + "06 00 00 00 01 01 00 00",
			"< d0 00" + own + "14 00 00 00 'R08CPU 20 20 20 20 20 20 20 20 20 20 01 48"},
			[]string{"vendor=Mitsubishi Electric", "model=R08CPU"}},
		{"type name, ASCII", []string{
			"'500000FF03FF00000C000001010000",
			"< 'D00000FF03FF0000180000 'Q03UDVCPU 20 20 20 20 20 20 20 '0366"},
			[]string{"vendor=Mitsubishi Electric", "model=Q03UDVCPU"}},
		{"no name, known code", []string{
			"50 00" + own + "06 00 00 00 01 01 00 00",
			"< d0 00" + own + "14 00 00 00 " + strings.Repeat("20 ", 16) + "29 4a"},
			[]string{"vendor=Mitsubishi Electric", "model=FX5U-32MT/ES"}},
		{"an answer to nothing says nothing", []string{
			"< d0 00" + own + "14 00 00 00 'R08CPU 20 20 20 20 20 20 20 20 20 20 01 48"}, nil},
		{"node search", []string{
			"54 00 01 00 00 00" + own + "11 00 00 00 30 0e 00 00 01 02 03 04 05 06 04 01 03 a8 c0",
			`< d4 00 01 00 00 00` + own + `35 00 00 00
				01 02 03 04 05 06 04 01 03 a8 c0 # master
				11 12 13 14 15 16 04 02 03 a8 c0 # slave
				00 ff ff ff ff ff ff ff 00       # mask, gateway, no host name
				34 12 78 56 34 12 02 00          # vendor, model, version
				04 01 03 a8 c0 0b f0 00 00 0b f0 01`},
			[]string{"vendor=CLPA vendor 0x1234", "model=model code 0x12345678", "firmware=version 0x0002"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, line := range conversation(t, c.payloads...) {
				if !strings.Contains(line, " [") {
					got = append(got, line)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text  string
		port        bool
		udp, stream ot.Verdict
	}{
		{"3E request", "50 00" + own + "06 00 00 00 01 01 00 00", false, ot.Yes, ot.Yes},
		{"3E request, unknown command", "50 00" + own + "06 00 00 00 aa 77 00 00", true, ot.No, ot.No},
		{"3E response", "d0 00" + own + "02 00 00 00", false, ot.Yes, ot.Yes},
		{"half a header", "50 00" + own, false, ot.No, ot.More},
		{"3E and half of another", "50 00" + own + "06 00 00 00 01 01 00 00 50 00", false, ot.No, ot.Yes},
		{"3E and something else", "50 00" + own + "06 00 00 00 01 01 00 00 47 45", false, ot.No, ot.No},
		{"1E read", "01 ff 0a 00 64 00 00 00 20 44 03 00", false, ot.Yes, ot.Yes},
		{"half a 1E read", "01 ff 0a 00 64 00", false, ot.No, ot.No},
		{"half a 1E read on a port of the list", "01 ff 0a 00 64 00", true, ot.No, ot.More},
		{"half a 1E write", "03 ff 0a 00 64 00 00 00 20 44 03 00 34 12", false, ot.No, ot.More},
		{"1E read and half of another", "01 ff 0a 00 64 00 00 00 20 44 03 00 01 ff 0a", false, ot.No, ot.Yes},
		{"1E remote RUN on any port", "13 ff 0a 00", false, ot.No, ot.No},
		{"1E remote RUN on a port of the list", "13 ff 0a 00", true, ot.Yes, ot.Yes},
		{"TSN management is another's", "68 00 01 00 00 00 00 ff ff 03 00 00 00 00 06 00 00 00 94 0e 00 00", false, ot.No, ot.No},
		{"text that begins with 5000", "'5000 '" + strings.Repeat("x", 40), true, ot.No, ot.No},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			if v := probeDatagram(b, ot.Hint{Port: c.port, WireLen: len(b)}); v != c.udp {
				t.Errorf("datagram: %d, want %d", v, c.udp)
			}
			if v := probeStream(b, ot.Hint{Port: c.port, WireLen: len(b)}); v != c.stream {
				t.Errorf("stream: %d, want %d", v, c.stream)
			}
		})
	}
}

// TestGap: what was asked before lost bytes is forgotten.
func TestGap(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	Protocol.Stream(&s, ottest.Bytes(t, "50 00"+own+"06 00 00 00 01 10 00 00"))
	s.Reset()
	s.Src, s.Dst, s.Gap = s.Dst, s.Src, true
	Protocol.Stream(&s, ottest.Bytes(t, "d0 00"+own+"02 00 00 00"))
	if got := ottest.Told(&Protocol, &s); len(got) != 1 || !strings.HasPrefix(got[0], "response  ") {
		t.Errorf("told %q", got)
	}
}

// TestLongMessage: of a long message only the head is waited for.
func TestLongMessage(t *testing.T) {
	b := append(ottest.Bytes(t, "50 00"+own+"06 80 00 00 29 18 00 00"), make([]byte, 0x8000)...)
	b = append(b, ottest.Bytes(t, "50 00"+own+"06 00 00 00 2a 18 00 00")...)
	want := []string{"request 1829:0000 Write File [control] unit=00/ff/03ff/00", "request 182a:0000 Close File [other] unit=00/ff/03ff/00"}
	if got := ottest.Stream(&Protocol, b[:1000], b[1000:]); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	ottest.SameHoweverSplit(t, &Protocol, b, 500)
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	request := ottest.Bytes(t, "50 00"+own+"06 00 00 00 01 01 00 00")
	response := ottest.Bytes(t, "d0 00"+own+"14 00 00 00 'R08CPU 20 20 20 20 20 20 20 20 20 20 01 48")
	allocs := testing.AllocsPerRun(100, func() {
		s.Reset()
		Protocol.Stream(&s, request)
		s.Src, s.Dst = s.Dst, s.Src
		Protocol.Stream(&s, response)
		s.Src, s.Dst = s.Dst, s.Src
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

// TestTable: every command has a name and a class that says what it does; texts
// are made for any code.
func TestTable(t *testing.T) {
	if len(Protocol.Table) != len(commands)+23 {
		t.Errorf("%d rows", len(Protocol.Table))
	}
	for _, c := range []struct {
		cmd, sub uint16
		want     string
	}{
		{0x0401, 0x0083, "Device Read (bit, iQ-R, extended)"},
		{0x0403, 0x0040, "Device Read Random (word, with condition)"},
		{0x0808, 0x0001, "File Lock/Unlock (lock)"},
		{0x1617, 0x0001, "Clear Error Code / LED (LED)"},
		{0x1829, 0x0004, "Write File (with password)"},
		{0x0101, 0x0009, "Read Type Name (sub-command 0x0009)"},
	} {
		if got := Name(c.cmd, c.sub); got != c.want {
			t.Errorf("%04x:%04x: %q, want %q", c.cmd, c.sub, got, c.want)
		}
	}
	if StatusName(0xc059) == "" || StatusName(0x4031) == "" || StatusName(0xccf0) == "" || StatusName(0x9999) != "" {
		t.Error("end code names")
	}
	if got := Status(status1E | 0x5b10); got != "5b:10" {
		t.Errorf("1E status %q", got)
	}
}

// TestMelsecCaptures: MELSOFT on the same devices is not taken for SLMP.
func TestMelsecCaptures(t *testing.T) {
	for _, path := range ottest.Captures(t, "melsec") {
		if r := ottest.Replay(t, path, &Protocol); len(r.Rows) != 0 {
			t.Errorf("%s: %v", path, r.Recognised)
		}
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, frame := range frames {
		b := ottest.Bytes(f, frame.text)
		f.Add(b, 7)
		all = append(all, b...)
	}
	f.Add(all, 100)
	ottest.Seeds("melsec", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) { ottest.SameHoweverSplit(t, &Protocol, b, cut) })
}

func FuzzDatagram(f *testing.F) {
	for _, frame := range frames {
		f.Add(ottest.Bytes(f, frame.text), ottest.Bytes(f, "d0 00"+own+"02 00 00 00"), 0)
	}
	ottest.Seeds("cclink", false, 0, func(b []byte) { f.Add(b, b, 0) })
	f.Fuzz(func(t *testing.T, a, b []byte, more int) {
		var s ot.Session
		s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
		for _, p := range [][]byte{a, b, b, a} {
			s.WireLen = len(p) + max(more, 0)
			probeDatagram(p, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
			probeStream(p, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
			s.Src, s.Dst = s.Dst, s.Src
			s.Reset()
			Protocol.Datagram(&s, p)
			if len(s.PDUs) > 1 {
				t.Errorf("%d messages in a datagram", len(s.PDUs))
			}
			ottest.Told(&Protocol, &s)
		}
	})
}

func TestDialogues(t *testing.T) {
	ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt", "testdata/dialogue-4e-ascii.txt", "testdata/dialogue-1e.txt")
}

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
