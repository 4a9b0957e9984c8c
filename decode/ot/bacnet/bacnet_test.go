package bacnet

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// datagrams are written by hand from ANSI/ASHRAE 135.
var datagrams = []struct{ name, text, want string }{
	{"Who-Is", `
		81 0b 00 0c             # broadcast NPDU, 12 bytes
		01 20 ff ff 00 ff 10 08 # version 1, to all networks, 255 hops; unconfirmed, service 8`,
		"none u8 who-Is [identity]"},
	{"I-Am", `
		81 0b 00 14 01 00
		10 00 c4 02 00 04 d2 22 05 c4 91 00 21 24 # device 1234, 1476 bytes, vendor 36`,
		"none u0 i-Am [identity]\nstation=1234\nvendor=Tridium"},
	{"I-Am from behind a router", `
		81 0b 00 18 01 08 00 05 01 0c
		10 00 c4 02 00 04 d2 22 05 c4 91 00 21 24`,
		"none u0 i-Am [identity]"},
	{"I-Am of no device", `81 0b 00 14 01 00 10 00 c4 00 00 04 d2 22 05 c4 91 00 21 24`,
		"none u0 i-Am [identity]"},
	{"readProperty", `81 0a 00 11 01 04 00 05 01 0c 0c 02 00 04 d2 19 79`,
		"request 12 readProperty [read]"},
	{"readProperty, answer", `
		81 0a 00 1a 01 00 30 01 0c 0c 02 00 04 d2
		19 79 3e 75 06 00 'AZBIL 3f # property 121`,
		"response 12 readProperty [read]\nvendor=AZBIL"},
	{"readProperty, answer for another object", `
		81 0a 00 1a 01 00 30 01 0c 0c 00 00 00 01 19 79 3e 75 06 00 'AZBIL 3f`,
		"response 12 readProperty [read]"},
	{"readPropertyMultiple, answer", `
		81 0a 00 34 01 00 30 01 0e 0c 02 00 04 d2 1e
		29 46 4e 75 05 00 'PX-1 4f # model
		29 2c 5e 91 02 91 20 5f    # firmware: error
		29 4d 4e 75 05 00 'AHU2 4f # name
		29 78 4e 21 11 4f 1f       # vendor 17`,
		"response 14 readPropertyMultiple [read]\nmodel=PX-1\nname=AHU2\nvendor=Honeywell"},
	{"readPropertyMultiple, answer with firmware and serial number", `
		81 0a 00 25 01 00 30 01 0e 0c 02 00 04 d2 1e
		29 2c 4e 74 00 '2.1 4f           # property 44
		2a 01 74 4e 75 05 00 'SN42 4f 1f # property 372`,
		"response 14 readPropertyMultiple [read]\nfirmware=2.1\nserial=SN42"},
	{"writeProperty", `81 0a 00 16 01 04 02 44 05 0f 0c 00 80 00 01 19 55 3e 91 01 3f 39`,
		"request 15 writeProperty [write]"},
	{"writeProperty done", `81 0a 00 09 01 00 20 05 0f`, "response 15 writeProperty [write]"},
	{"segmented request", `81 0a 00 0d 01 04 0c 44 05 01 04 07 99`, "request 7 atomicWriteFile [control]"},
	{"segmented answer", `81 0a 00 0c 01 00 3c 05 00 04 0e 0c`, "response 14 readPropertyMultiple [read]"},
	{"segment ack", `81 0a 00 0a 01 00 40 05 00 04`, "none segment-ack segment ack [session]"},
	{"error", `81 0a 00 0d 01 00 50 05 0c 91 02 91 20`, "error 12 readProperty [read] status=2:32"},
	{"error in a wrapper", `81 0a 00 0f 01 00 50 05 10 0e 91 02 91 28 0f`, "error 16 writePropertyMultiple [write] status=2:40"},
	{"reject", `81 0a 00 09 01 00 60 05 09`, "error  reject [other] status=9"},
	{"abort", `81 0a 00 09 01 00 71 05 04`, "error  abort [other] status=4"},
	{"reinitialise", `81 0a 00 0c 01 04 00 05 01 14 09 00`, "request 20 reinitializeDevice [control]"},
	{"time", `81 0b 00 12 01 00 10 06 a4 78 01 01 01 b4 00 00 00 00`, "none u6 timeSynchronization [control]"},
	{"network message", `81 0b 00 09 01 80 00 00 05`, "none net:00 Who-Is-Router-To-Network [identity]"},
	{"routing table", `81 0a 00 08 01 80 06 00`, "none net:06 Initialize-Routing-Table [control]"},
	{"foreign device", `81 05 00 06 00 3c`, "request bvlc:05 Register-Foreign-Device [session]"},
	{"result", `81 00 00 06 00 00`, "response bvlc:00 BVLC-Result [session] status=0000"},
	{"refusal", `81 00 00 06 00 30`, "error bvlc:00 BVLC-Result [session] status=0030"},
	{"distribution table", `81 01 00 0e 0a 00 00 01 ba c0 ff ff ff ff`, "request bvlc:01 Write-Broadcast-Distribution-Table [control]"},
	{"forwarded", `81 04 00 12 0a 00 00 07 ba c0 01 20 ff ff 00 ff 10 08`, "none u8 who-Is [identity]"},
	{"IPv6", `82 02 00 0f 01 02 03 01 20 ff ff 00 ff 10 08`, "none u8 who-Is [identity]"},
	{"unknown unconfirmed service", `81 0b 00 08 01 00 10 77`, "none u119 unknown 119 [other]"},
	{"length of another datagram", `81 0b 00 77 01 00 10 08`, ""},
	{"NPDU of another version", `81 0b 00 08 02 00 10 08`, ""},
	{"addresses that are cut", `81 0b 00 0a 01 20 ff ff 09 00`, ""},
	{"APDU of no type", `81 0b 00 08 01 00 90 08`, ""},
	{"APDU that is cut", `81 0a 00 08 01 04 00 05`, ""},
}

func TestDatagrams(t *testing.T) {
	for _, d := range datagrams {
		t.Run(d.name, func(t *testing.T) {
			b := ottest.Bytes(t, d.text)
			var s ot.Session
			if got := strings.Join(ottest.Datagram(&Protocol, &s, b), "\n"); got != d.want {
				t.Errorf("got %s\nwant %s", got, d.want)
			}
		})
	}
}

// TestCut: a datagram that the capture cut is told by what is there.
func TestCut(t *testing.T) {
	b := ottest.Bytes(t, datagrams[5].text)
	var s ot.Session
	s.WireLen = len(b)
	Protocol.Datagram(&s, b[:16])
	if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != "response 12 readProperty [read]" {
		t.Errorf("got %s", got)
	}
}

func TestProbe(t *testing.T) {
	for _, d := range datagrams {
		b := ottest.Bytes(t, d.text)
		want := ot.No
		if d.want != "" && !strings.Contains(d.want, "unknown") {
			want = ot.Yes
		}
		if v := probeDatagram(b, ot.Hint{WireLen: len(b)}); v != want {
			t.Errorf("%s: %d, want %d", d.name, v, want)
		}
	}
	longer := append(ottest.Bytes(t, datagrams[0].text), 0)
	for port, want := range map[bool]ot.Verdict{false: ot.No, true: ot.Yes} {
		if v := probeDatagram(longer, ot.Hint{WireLen: len(longer), Port: port}); v != want {
			t.Errorf("a byte behind, port %v: %d", port, v)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, d := range datagrams {
		b := ottest.Bytes(t, d.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", d.name, n)
		}
	}
}

// TestCaptures holds the captures that the fact sheet was verified on.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path     string
		messages int
	}{
		{"nttcom-bacnet.pcap", 708},
		{"bacnet-services.pcap", 7049},
		{"bacnet-test.pcap", 22},
	} {
		r := ottest.Replay(t, filepath.Join(root, "bacnet", c.path), &Protocol)
		if n := r.Sum(func(ottest.Row) bool { return true }); n != c.messages {
			t.Errorf("%s: %d messages", c.path, n)
		}
	}
}

func TestTexts(t *testing.T) {
	if statusName(statusError|2<<16|32) != "property error" || statusName(statusReason|9) != "" {
		t.Error("status names")
	}
	for _, row := range Protocol.Table {
		if row.Name == "" || row.Code == "" {
			t.Errorf("%+v", row)
		}
	}
}

func FuzzDatagram(f *testing.F) {
	for _, d := range datagrams {
		f.Add(ottest.Bytes(f, d.text), 0)
	}
	ottest.Seeds("bacnet", false, 0, func(b []byte) { f.Add(b, 0) })
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
