package mqtt

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are MQTT packets written by hand.
var vectors = []struct{ name, text, want string }{
	{"CONNECT 3.1.1", `10 0f 00 04 'MQTT 04 02 00 3c 00 03 'cl1`,
		"request 1 CONNECT [session]\nname=cl1"},
	{"CONNECT 3.1 with password", `10 17 00 06 'MQIsdp 03 c0 00 3c 00 01 'c 00 01 'u 00 03 'pwd`,
		"request 1 CONNECT [session]\nname=c"},
	{"CONNECT 5, properties before the client id", `10 13 00 04 'MQTT 05 02 00 3c 03 21 00 14 00 03 'cl5`,
		"request 1 CONNECT [session]\nname=cl5"},
	{"CONNACK", `20 02 00 00`,
		"response 2 CONNACK [session] status=00"},
	{"CONNACK, bad password", `20 02 00 04`,
		"error 2 CONNACK [session] status=04"},
	{"CONNACK 5, not authorised", `20 03 00 87 00`,
		"error 2 CONNACK [session] status=87"},
	{"PUBLISH", `30 07 00 03 'a/b 'hi`,
		"none 3 PUBLISH [cyclic]"},
	{"PUBLISH with packet id, retained", `33 09 00 03 'a/b 00 01 'hi`,
		"none 3 PUBLISH [cyclic]"},
	{"Sparkplug command to a device", `30 13 00 11 'spBv1.0/g/DCMD/n/`,
		"none 3 PUBLISH DCMD [write]"},
	{"Sparkplug data", `30 13 00 11 'spBv1.0/g/DDATA/n`,
		"none 3 PUBLISH DDATA [cyclic]"},
	{"command topic", `30 0a 00 06 'l1/set 'hi`,
		"none 3 PUBLISH (command topic) [write]"},
	{"topic longer than the packet", `30 03 00 09 41`,
		"none 3 PUBLISH [cyclic]"},
	{"PUBACK", `40 02 00 01`,
		"response 4 PUBACK [cyclic]"},
	{"PUBREL", `62 02 00 01`,
		"request 6 PUBREL [cyclic]"},
	{"SUBSCRIBE", `82 06 00 01 00 01 't 00`,
		"request 8 SUBSCRIBE [read]"},
	{"SUBACK", `90 03 00 01 00`,
		"response 9 SUBACK [read] status=00"},
	{"SUBACK, refused", `90 03 00 01 80`,
		"error 9 SUBACK [read] status=80"},
	{"UNSUBSCRIBE", `a2 05 00 01 00 01 't`,
		"request 10 UNSUBSCRIBE [read]"},
	{"UNSUBACK", `b0 02 00 01`,
		"response 11 UNSUBACK [read]"},
	{"PINGREQ", `c0 00`,
		"request 12 PINGREQ [session]"},
	{"PINGRESP", `d0 00`,
		"response 13 PINGRESP [session]"},
	{"DISCONNECT", `e0 00`,
		"none 14 DISCONNECT [session]"},
	{"DISCONNECT 5 with a reason", `e0 01 8b`,
		"none 14 DISCONNECT [session] status=8b"},
	{"AUTH", `f0 00`,
		"none 15 AUTH [session]"},
	{"length in two bytes", `30 80 01 00 01 't 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"none 3 PUBLISH [cyclic]"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, ottest.Bytes(t, m.text), need, m.want)
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text string
		port       bool
		stream     ot.Verdict
	}{
		{"CONNECT elsewhere", `10 0f 00 04 'MQTT 04 02 00 3c 00 03 'cl1`, false, ot.Yes},
		{"half a CONNECT elsewhere", `10 0f 00 04 'MQ`, false, ot.More},
		{"another protocol's name", `10 0f 00 04 'MQTX 04 02 00 3c 00 03 'cl1`, true, ot.No},
		{"level 9", `10 0f 00 04 'MQTT 09 02 00 3c 00 03 'cl1`, true, ot.No},
		{"PUBLISH elsewhere", `30 07 00 03 'a/b 'hi`, false, ot.No},
		{"PUBLISH on the port", `30 07 00 03 'a/b 'hi`, true, ot.Yes},
		{"PUBLISH with qos 3", `36 07 00 03 'a/b 'hi`, true, ot.No},
		{"PUBLISH without topic", `30 07 00 00 'a/b 'hi`, true, ot.No},
		{"two packets, the second none", `c0 00 c1 00`, true, ot.No},
		{"type 0", `00 00`, true, ot.No},
		{"SUBSCRIBE without its flag", `80 06 00 01 00 01 't 00`, true, ot.No},
		{"length of five bytes", `30 ff ff ff ff 01`, true, ot.No},
		{"text", `'GET 20 '/ 0d 0a`, true, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		h := ot.Hint{Port: c.port, WireLen: len(b)}
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
	}
}

func FuzzStream(f *testing.F) {
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzStream(f, &Protocol, "iiot", seeds)
}

// TestVersion5: reasons of acknowledgements are read where CONNECT said version 5.
func TestVersion5(t *testing.T) {
	for i, want := range map[int]string{0: "response 4 PUBACK [cyclic]", 2: "error 4 PUBACK [cyclic] status=87"} {
		b := append(ottest.Bytes(t, vectors[i].text), ottest.Bytes(t, "40 03 00 01 87")...)
		if got := ottest.Stream(&Protocol, b)[1]; got != want {
			t.Errorf("%s: %q, want %q", vectors[i].name, got, want)
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
		{"mqtt-big.pcap", 5, 9, ""},
	} {
		r := ottest.Replay(t, filepath.Join(root, "iiot", c.path), &Protocol)
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
