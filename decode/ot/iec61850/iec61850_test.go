package iec61850

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// packet puts session, presentation or MMS bytes into a data unit and a TPKT.
func packet(tb testing.TB, text string) []byte {
	d := ottest.Bytes(tb, text)
	n := 7 + len(d)
	return append([]byte{3, 0, byte(n >> 8), byte(n), 2, 0xf0, 0x80}, d...)
}

// messages are written by hand from ISO 9506, X.225, X.226 and X.227.
var messages = []struct{ name, text, want string }{
	{"association", `
		0d 7d 05 06 13 01 00 16 01 02 14 02 00 02 # session connect, its items
		c1 71 31 6f a0 03 80 01 01                # user data: presentation connect, normal mode
		a2 68 81 04 00 00 00 01 82 04 00 00 00 01
		a4 23 30 0f 02 01 01 06 04 52 01 00 01 30 04 06 02 51 01
		30 10 02 01 03 06 05 28 ca 22 02 01 30 04 06 02 51 01
		61 35 30 33 02 01 01 a0 2e 60 2c          # data: association request
		be 2a 28 28 06 02 51 01 02 01 03 a0 1f    # user information
		a8 1d 80 01 64 81 01 05 82 01 05 83 01 0a a4 0f 80 01 01 81 03 05 f1 00 82 05 03 ee 1c 00 00`,
		"request mms:initiate MMS initiate [session]"},
	{"read", `
		01 00 01 00 61 17 30 15 02 01 03 a0 10 # data transfer, context 3
		a0 0e 02 01 01 a4 09 a1 07 a0 05 30 03 a0 01 00`,
		"request mms:4 MMS read [read]"},
	{"read, answer", `01 00 01 00 61 11 30 0f 02 01 03 a0 0a a1 08 02 01 01 a4 03 a1 01 00`,
		"response mms:4 MMS read [read]"},
	{"two in a list", `
		01 00 01 00 61 16
		30 09 02 01 03 a0 04 85 02 00 01
		30 09 02 01 03 a0 04 86 02 00 01`,
		"request mms:cancel MMS cancel [other]\nresponse mms:cancel MMS cancel [other]"},
	{"octet aligned, whole", `01 00 01 00 61 09 30 07 02 01 03 81 02 8b 00`, "request mms:conclude MMS conclude [session]"},
	{"directly on COTP", `a0 08 02 01 05 a4 03 a1 01 00`, "request mms:4 MMS read [read]"},
	{"write to a control object", `
		a0 2a 02 01 07 a5 25
		a0 1e 30 1c a0 1a a1 18 1a 04 'IED1 1a 10 'CSWI1$CO$Pos$Ope 72
		a0 03 83 01 01`,
		"request mms:5 MMS write control object [control]"},
	{"write to a setting", `a0 1a 02 01 07 a5 15 a0 0e 30 0c a0 0a 80 08 '$SP$TmMs a0 03 85 01 05`,
		"request mms:5 MMS write setting [write]"},
	{"write to a report control", `a0 1a 02 01 07 a5 15 a0 0e 30 0c a0 0a 80 08 '$RP$urcb a0 03 83 01 01`,
		"request mms:5 MMS write report control [write]"},
	{"identify, answer", `
		a1 18 02 01 02 a2 13
		80 04 'ACME 81 05 'RX-10 82 04 'v2.1`,
		"response mms:2 MMS identify [identity]\nvendor=ACME\nmodel=RX-10\nfirmware=v2.1"},
	{"stop", `a0 0b 02 01 09 bf 29 05 80 03 'abc`, "request mms:41 MMS stop [control]"},
	{"file open", `a0 0c 02 01 09 bf 48 06 a0 04 19 02 'x1`, "request mms:72 MMS fileOpen [read]"},
	{"status", `a0 06 02 01 01 80 01 ff`, "request mms:0 MMS status [read]"},
	{"with modifiers", `a0 08 02 01 01 30 00 80 01 ff`, "request mms:0 MMS status [read]"},
	{"unknown service", `a0 08 02 01 01 bf 7b 02 05 00`, "request mms:123 MMS unknown 123 [other]"},
	{"report", `a3 06 a0 04 80 02 'rp`, "none mms:unconfirmed MMS report [cyclic]"},
	{"error", `a2 0a 80 01 06 a2 05 a0 03 87 01 02`, "error mms:error MMS error [other] status=0702"},
	{"reject", `a4 06 80 01 06 85 01 04`, "error mms:reject MMS reject [other] status=0504"},
	{"conclude", `8b 00`, "request mms:conclude MMS conclude [session]"},
	{"conclude, answer", `8c 00`, "response mms:conclude MMS conclude [session]"},
	{"initiate refused", `aa 05 a0 03 88 01 02`, "error mms:initiate MMS initiate [session]"},
	{"indefinite length", `01 00 01 00 61 80 30 80 02 01 03 a0 80 a0 06 02 01 01 80 01 ff 00 00 00 00 00 00`,
		"request mms:0 MMS status [read]"},
	{"no invoke id", `a0 05 a4 03 a1 01 00`, ""},
	{"session abort", `19 03 11 01 03`, ""},
	{"release", `09 10 c1 0e 61 0c 30 0a 02 01 01 a0 05 62 03 80 01 00`, ""},
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, packet(t, m.text), ot.Whole, m.want)
		})
	}
}

// exchange feeds messages by turns from the client and the server.
func exchange(t *testing.T, texts ...string) (told []string) {
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: 50000, DstPort: 102}
	for _, text := range texts {
		s.Reset()
		Protocol.Stream(&s, packet(t, text))
		told = append(told, ottest.Told(&Protocol, &s)...)
		s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort
	}
	return told
}

// TestPairs: what an answer does not say comes from its request.
func TestPairs(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"error of a write", []string{
			"a0 1a 02 01 07 a5 15 a0 0e 30 0c a0 0a 80 08 '$CO$Oper a0 03 83 01 01",
			"a2 0a 80 01 07 a2 05 a0 03 87 01 03"},
			"request mms:5 MMS write control object [control]\nerror mms:error MMS error of write [control] status=0703"},
		{"answer to a write", []string{
			"a0 1a 02 01 07 a5 15 a0 0e 30 0c a0 0a 80 08 '$CO$Oper a0 03 83 01 01",
			"a1 07 02 01 07 a5 02 81 00"},
			"request mms:5 MMS write control object [control]\nresponse mms:5 MMS write control object [control]"},
		{"another invoke id", []string{
			"a0 1a 02 01 07 a5 15 a0 0e 30 0c a0 0a 80 08 '$CO$Oper a0 03 83 01 01",
			"a1 07 02 01 08 a5 02 81 00"},
			"request mms:5 MMS write control object [control]\nresponse mms:5 MMS write [write]"},
		{"name plate", []string{
			`a0 2e 02 01 03 a4 29 a1 27 a0 25
			 30 0a a0 08 80 06 'LLN0$x
			 30 17 a0 15 80 13 'LPHD1$PhyNam$vendor`,
			"a1 11 02 01 03 a4 0c a1 0a 8a 02 'no 8a 04 'ACME"},
			"request mms:4 MMS read [read]\nresponse mms:4 MMS read [read]\nvendor=ACME"},
		{"TASE.2", []string{
			"a0 1c 02 01 03 a4 17 a1 15 a0 13 30 11 a0 0f 80 0d 'TASE2_Version",
			"a1 08 02 01 03 a4 03 a1 01 00",
			"a0 18 02 01 07 a5 13 a0 0c 30 0a a0 08 80 06 'Device a0 03 83 01 01"},
			"request mms:4 MMS read (TASE.2) [read]\nresponse mms:4 MMS read (TASE.2) [read]\nrequest mms:5 MMS write (TASE.2) [control]"},
	} {
		if got := strings.Join(exchange(t, c.messages...), "\n"); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

var frames = []struct{ name, text, want string }{
	{"GOOSE", `
		00 01 00 1d 00 00 00 00 # APPID 1, 29 bytes
		61 13 80 0e 'IED1/LLN0$GO$1 81 01 64`,
		"none goose GOOSE [cyclic]\nname=IED1"},
	{"GOOSE without a reference", `00 01 00 0d 00 00 00 00 61 03 81 01 64`, "none goose GOOSE [cyclic]"},
	{"GOOSE of broken content", `00 01 00 0d 00 00 00 00 61 ff 81 01 64`, "none goose GOOSE [cyclic]"},
	{"GSE management", `00 01 00 0d 00 00 00 00 60 03 a0 01 00`, "none goose-management GSE management [other]"},
	{"sampled values", `
		40 00 00 21 00 00 00 00
		60 17 80 01 01 a2 12 30 10 80 04 'MU01 82 02 00 40 83 04 00 00 00 01 # sample 64`,
		"none sv sampled values [cyclic]\nname=MU01"},
	{"sampled values, a sample between", `
		40 00 00 21 00 00 00 00
		60 17 80 01 01 a2 12 30 10 80 04 'MU01 82 02 00 41 83 04 00 00 00 01`,
		"none sv sampled values [cyclic]"},
	{"short", `00 01 00 1d 00 00 00`, ""},
	{"impossible length", `00 01 00 07 00 00 00 00 61 00`, ""},
	{"no APDU", `00 01 00 08 00 00 00 00`, "none goose GOOSE [cyclic]"},
	{"no APDU, APPID of SV", `40 01 00 08 00 00 00 00`, "none sv sampled values [cyclic]"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		var s ot.Session
		ok := Protocol.Frame(&s, ottest.Bytes(t, f.text))
		if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != f.want || ok != (f.want != "") {
			t.Errorf("%s: %v %q, want %q", f.name, ok, got, f.want)
		}
	}
}

func TestProbe(t *testing.T) {
	connect := "03 00 00 0b 06 e0 00 00 00 01 00 "
	for _, c := range []struct {
		name, text string
		want       ot.Verdict
	}{
		{"connect", connect, ot.More},
		{"association with MMS", "03 00 00 12 02 f0 80 0d 09 c1 07 31 05 28 ca 22 02 01", ot.Yes},
		{"association without", "03 00 00 12 02 f0 80 0d 09 c1 07 31 05 28 ca 22 02 02", ot.No},
		{"association, its beginning", "03 00 00 40 02 f0 80 0d 37 c1 35", ot.More},
		{"data", connect + "03 00 00 21 02 f0 80 01 00 01 00 61 14 30 12 02 01 03 a0 0d a0 0b 02 01 01 a4 06 a1 04 a0 02 30 00", ot.Yes},
		{"data of another application", "03 00 00 16 02 f0 80 01 00 01 00 61 09 30 07 02 01 03 a0 02 30 00", ot.No},
		{"initiate on COTP", "03 00 00 1f 02 f0 80 a8 16 80 01 64 81 01 05 82 01 05 83 01 0a a4 08 80 01 01 81 03 05 f1 00", ot.Yes},
		{"request on COTP", "03 00 00 0f 02 f0 80 a0 06 02 01 01 80 01 ff", ot.Yes},
		{"request with bytes behind", "03 00 00 10 02 f0 80 a0 06 02 01 01 80 01 ff 00", ot.No},
		{"request without an invoke id", "03 00 00 0f 02 f0 80 a0 06 04 01 01 80 01 ff", ot.No},
		{"S7", "03 00 00 12 02 f0 80 32 01 00 00 00 01 00 01 00 00 04", ot.No},
		{"RDP", "03 00 00 0c 02 f0 80 7f 65 82 01 94", ot.No},
		{"HTTP", "'GET 20 '/", ot.No},
	} {
		if v := probeStream(ottest.Bytes(t, c.text), ot.Hint{}); v != c.want {
			t.Errorf("%s: %d, want %d", c.name, v, c.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	for _, m := range messages {
		b := packet(t, m.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", m.name, n)
		}
	}
	for _, f := range frames {
		b := ottest.Bytes(t, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Frame(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

// TestCaptures holds totals that the fact sheet and another dissector give.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, code string
		want       int
	}{
		{"sample-file-goose.pcap", "goose", 451},
		{"goose-malformed-asn1.pcap", "goose", 1},
		{"sv-normal-traffic.pcap", "sv", 10161},
		{"piccolo.pcap", "mms:", 5},
		{"mms-killrequest.pcap", "mms:44", 1},
	} {
		r := ottest.Replay(t, filepath.Join(root, "iec61850", c.path), &Protocol)
		if n := r.Sum(func(row ottest.Row) bool { return strings.HasPrefix(row.Code, c.code) }); n != c.want {
			t.Errorf("%s: %d %s, want %d", c.path, n, c.code, c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	if statusName(0x0702) != "access" || statusName(statusReject|0x0504) != "" || statusName(0xff00) != "" {
		t.Error("status names")
	}
	for _, row := range Protocol.Table {
		if row.Name == "" || row.Code == "" {
			t.Errorf("%+v", row)
		}
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, m := range messages {
		b := packet(f, m.text)
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	ottest.Seeds("iec61850", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

func FuzzFrame(f *testing.F) {
	for _, c := range frames {
		f.Add(ottest.Bytes(f, c.text))
	}
	ottest.Seeds("iec61850", false, etherGOOSE, func(b []byte) { f.Add(b) })
	ottest.Seeds("iec61850", false, etherSV, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var s ot.Session
		if Protocol.Frame(&s, b) != (len(s.PDUs) == 1) {
			t.Errorf("%d messages", len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}

// TestLost: of a message whose end was lost nothing is told, and what comes
// behind the gap is; bytes that are no message are refused, and the next
// segment is read again.
func TestLost(t *testing.T) {
	a, b := packet(t, messages[0].text), packet(t, messages[1].text)
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: 50000, DstPort: 40000, FromClient: true}
	if n := Protocol.Stream(&s, a[:len(a)-3]); n != 0 || len(s.PDUs) != 0 {
		t.Fatalf("half a message: %d, %d told", n, len(s.PDUs))
	}
	s.Gap = true
	if n := Protocol.Stream(&s, []byte("not a message, its rest")); n != -1 || len(s.PDUs) != 0 {
		t.Fatalf("a rest: %d, %d told", n, len(s.PDUs))
	}
	if n := Protocol.Stream(&s, b); n != len(b) || len(s.PDUs) != 1 {
		t.Fatalf("a whole one: %d of %d, %d told", n, len(b), len(s.PDUs))
	}
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
