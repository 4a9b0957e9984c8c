package s7comm

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// packet puts a message into a data unit and a TPKT.
func packet(tb testing.TB, text string) []byte {
	d := ottest.Bytes(tb, text)
	n := 7 + len(d)
	return append([]byte{3, 0, byte(n >> 8), byte(n), 2, 0xf0, 0x80}, d...)
}

// messages are written by hand from the fact sheet.
var messages = []struct{ name, text, want string }{
	{"read var", `
		32 01 00 00 00 01 00 0e 00 00 # job 1, 14 bytes of parameters, no data
		04 01 12 0a 10 02 00 01 00 00 84 00 00 00`,
		"request 04 read var [read]"},
	{"read var, answer", `
		32 03 00 00 00 01 00 02 00 05 00 00 # ack-data, no error
		04 01 ff 04 00 08 2a`,
		"response 04 read var [read] status=0000"},
	{"access error", `32 03 00 00 00 01 00 02 00 00 87 04 04 00`,
		"error 04 read var [read] status=8704"},
	{"write var", `
		32 01 00 00 00 02 00 0e 00 05 05 01 12 0a 10 02 00 01 00 00 84 00 00 00
		00 04 00 08 01`,
		"request 05 write var [write]"},
	{"setup communication", `32 01 00 00 00 03 00 08 00 00 f0 00 00 01 00 01 01 e0`,
		"request f0 setup communication [session]"},
	{"PLC stop", `32 01 00 00 00 04 00 10 00 00 29 00 00 00 00 00 09 'P_PROGRAM`,
		"request 29 PLC stop [control]"},
	{"PLC start", `
		32 01 00 00 00 05 00 14 00 00
		28 00 00 00 00 00 00 fd 00 00 09 'P_PROGRAM # no arguments, name of 9`,
		"request 28 PLC control: start [control]"},
	{"activate block", `32 01 00 00 00 05 00 1a 00 00 28 00 00 00 00 00 00 fd 00 0a 01 00 '0800001P 05 '_INSE`,
		"request 28 PLC control: activate block [control]"},
	{"unknown program service", `32 01 00 00 00 05 00 0f 00 00 28 00 00 00 00 00 00 fd 00 00 04 'ELSE`,
		"request 28 PLC control [control]"},
	{"program service cut", `32 01 00 00 00 05 00 0d 00 00 28 00 00 00 00 00 00 fd 00 00 09 'P_`,
		"request 28 PLC control [control]"},
	{"download block", `32 01 00 00 00 06 00 01 00 00 1b`, "request 1b download block [control]"},
	{"function of no name", `32 01 00 00 00 06 00 01 00 00 99`, "request 99 unknown 0x99 [other]"},
	{"acknowledgement that says no", `32 02 00 00 00 07 00 00 00 00 d2 0c`,
		"error  acknowledge [other] status=d20c"},
	{"read SZL", `
		32 07 00 00 00 08 00 08 00 08 # userdata
		00 01 12 04 11 44 01 00       # request, group 4, function 1
		ff 09 00 04 00 11 00 00`,
		"request 4:01 CPU: read SZL [identity]"},
	{"SZL 0011", `
		32 07 00 00 00 08 00 0c 00 44
		00 01 12 08 12 84 01 01 00 00 00 00 # response, last unit, no error
		ff 09 00 40 00 11 00 00 00 1c 00 02 # 2 entries of 28
		00 01 '6ES7 20 '315-2EH14-0AB0 20 00 c0 00 04 00 01
		00 07 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 20 00 c0 56 03 02 06`,
		"response 4:01 CPU: read SZL [identity] status=0000\nvendor=Siemens\nmodel=6ES7 315-2EH14-0AB0\nfirmware=V3.2.6"},
	{"SZL 001c, second entry cut", `
		32 07 00 00 00 08 00 0c 00 50
		00 01 12 08 12 84 01 01 00 00 00 00
		ff 09 00 4c 00 1c 00 00 00 22 00 02
		00 01 'PRESS-3 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		00 05 'S 20 'C-X`,
		"response 4:01 CPU: read SZL [identity] status=0000\nname=PRESS-3"},
	{"SZL 001c, serial number and module", `
		32 07 00 00 00 08 00 0c 00 50
		00 01 12 08 12 84 01 01 00 00 00 00
		ff 09 00 4c 00 1c 00 00 00 22 00 02
		00 05 'S 20 'C-X4U421302009 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		00 07 'CPU 20 '315-2 20 'PN/DP 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"response 4:01 CPU: read SZL [identity] status=0000\nserial=S C-X4U421302009\nmodel=CPU 315-2 PN/DP"},
	{"SZL that is not there", `
		32 07 00 00 00 08 00 0c 00 04 00 01 12 08 12 84 01 01 00 00 d4 01 0a 00 00 00`,
		"error 4:01 CPU: read SZL [identity] status=d401"},
	{"memory reset", `32 07 00 00 00 09 00 08 00 04 00 01 12 04 11 41 0c 00 0a 00 00 00`,
		"request 1:0c programmer: memory reset [control]"},
	{"set clock", `32 07 00 00 00 09 00 08 00 04 00 01 12 04 11 47 02 00 0a 00 00 00`,
		"request 7:02 time: set clock [control]"},
	{"pushed alarm", `32 07 00 00 00 09 00 0c 00 04 00 01 12 08 12 04 06 46 00 00 00 00 0a 00 00 00`,
		"none 4:06 CPU: alarm [read]"},
	{"group of no name", `32 07 00 00 00 09 00 08 00 00 00 01 12 04 11 4a 77 00`,
		"request a:77 group 0xa: unknown 0x77 [other]"},
	{"userdata without a function", `32 07 00 00 00 09 00 04 00 00 00 01 12 00`, ""},
	{"plus, keep-alive", `72 fe 00 00`, "none 0000 S7comm-plus keep-alive [session]"},
	{"plus, get multi variables", `
		72 02 00 0e                      # version 2
		31 00 00 05 4c 00 00 00 01 00 00 03 a2 34
		72 02 00 00`,
		"request 054c S7comm-plus get multi variables [read]"},
	{"plus, set multi variables behind a digest", `
		72 03 00 2e 20 00000000000000000000000000000000 00000000000000000000000000000000
		31 00 00 05 42 00 00 00 01 00 00 03 a2`,
		"request 0542 S7comm-plus set multi variables [write]"},
	{"plus, create object, answer", `
		72 01 00 30 32 00 00 04 ca 00 00 00 01 '1;6ES7 20 '215-1AG40-0XB0;V4.2 00 a2`,
		"response 04ca S7comm-plus create object [session]\nvendor=Siemens\nmodel=6ES7 215-1AG40-0XB0\nfirmware=V4.2"},
	{"plus, notification", `72 02 00 08 33 00 00 04 00 00 00 01`, "none 0000 S7comm-plus notification [cyclic]"},
	{"plus, later part", `72 02 00 08 31 41 42 43 44 00 00 01`, ""},
	{"plus, digest longer than the message", `72 03 00 08 20 00 00 05 42 00 00 00`, ""},
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, packet(t, m.text), ot.Whole, m.want)
		})
	}
}

// TestStation: rack and slot of the confirmation, and who the client is.
func TestStation(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		client           ot.ClientSide
	}{
		{"request", "03 00 00 16 11 e0 00 00 00 01 00 c1 02 01 00 c2 02 01 02 c0 01 0a", "", ot.ClientSender},
		{"confirmation", "03 00 00 16 11 d0 00 01 00 02 00 c0 01 0a c1 02 01 00 c2 02 01 02", "station=rack 0 slot 2", ot.ClientReceiver},
		{"rack 3 slot 12", "03 00 00 16 11 d0 00 01 00 02 00 c0 01 0a c1 02 01 00 c2 02 03 6c", "station=rack 3 slot 12", ot.ClientReceiver},
		{"other TSAP", "03 00 00 16 11 d0 00 01 00 02 00 c0 01 0a c1 02 01 00 c2 02 00 02", "", ot.ClientReceiver},
	} {
		var s ot.Session
		Protocol.Stream(&s, ottest.Bytes(t, c.text))
		if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != c.want || s.Client != c.client {
			t.Errorf("%s: %q, client %d", c.name, got, s.Client)
		}
	}
}

func TestProbe(t *testing.T) {
	read := "03 00 00 1f 02 f0 80 32 01 00 00 00 01 00 0e 00 00 04 01 12 0a 10 02 00 01 00 00 84 00 00 00"
	connect := "03 00 00 0b 06 e0 00 00 00 01 00 "
	for _, c := range []struct {
		name, text        string
		elsewhere, onPort ot.Verdict
	}{
		{"message", read, ot.Yes, ot.Yes},
		{"behind connect", connect + read, ot.Yes, ot.Yes},
		{"connect", connect, ot.More, ot.More},
		{"head of a message", read[:17*3], ot.Yes, ot.Yes},
		{"half a head", read[:12*3], ot.More, ot.More},
		{"lengths that are not the unit's", "03 00 00 12 02 f0 80 32 01 00 00 00 01 00 0e 00 00 04", ot.No, ot.Yes},
		{"unknown ROSCTR", "03 00 00 12 02 f0 80 32 09 00 00 00 01 00 01 00 00 04", ot.No, ot.No},
		{"plus", "03 00 00 17 02 f0 80 72 01 00 0c 31 00 00 04 ca 00 00 00 01 00 00 00", ot.Yes, ot.Yes},
		{"plus, keep-alive", "03 00 00 0b 02 f0 80 72 fe 00 00", ot.Yes, ot.Yes},
		{"plus, unknown version", "03 00 00 0f 02 f0 80 72 09 00 04 00 00 00 00", ot.No, ot.No},
		{"MMS", "03 00 00 13 02 f0 80 01 00 01 00 61 06 30 04 02 01 03 a0", ot.No, ot.No},
		{"MMS on COTP", "03 00 00 0c 02 f0 80 85 03 01 00 01", ot.No, ot.No},
		{"RDP", "03 00 00 0c 02 f0 80 7f 65 82 01 94", ot.No, ot.No},
		{"TLS", "16 03 01 00 85 01", ot.No, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		if v := probeStream(b, ot.Hint{}); v != c.elsewhere {
			t.Errorf("%s elsewhere: %d, want %d", c.name, v, c.elsewhere)
		}
		if v := probeStream(b, ot.Hint{Port: true}); v != c.onPort {
			t.Errorf("%s on the port: %d, want %d", c.name, v, c.onPort)
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
}

// TestCaptures holds the captures that the fact sheet was verified on.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, fact    string
		classic, plus int
	}{
		{"snap7.pcap", "model 6ES7 315-2EH14-0AB0", 64, 0},
		{"wincc-s400-production.pcap", "", 1658, 0},
		{"s7comm-plus.pcap", "", 34, 121},
	} {
		r := ottest.Replay(t, filepath.Join(root, "s7comm", c.path), &Protocol)
		isPlus := func(row ottest.Row) bool { return len(row.Code) == 4 && row.Code[1] != ':' }
		plus := r.Sum(isPlus)
		classic := r.Sum(func(row ottest.Row) bool { return !isPlus(row) })
		if classic != c.classic || plus != c.plus {
			t.Errorf("%s: %d classic, %d plus", c.path, classic, plus)
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

func TestTexts(t *testing.T) {
	if statusName(0) != "no error" || statusName(0x8704) != "access error" || statusName(0xd401) != "" {
		t.Error("status names")
	}
	for _, row := range Protocol.Table {
		if row.Name == "" || strings.Contains(row.Name, "unknown") {
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
	ottest.Seeds("s7comm", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

// TestLost: of a message whose end was lost nothing is told, and what comes
// behind the gap is; bytes that are no message are refused, and the next
// segment is read again.
func TestLost(t *testing.T) {
	a, b := packet(t, messages[0].text), packet(t, messages[3].text)
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
