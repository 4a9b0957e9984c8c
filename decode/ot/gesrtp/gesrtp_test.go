package gesrtp

import (
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are SRTP messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"initialise", `00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 00 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
00 00 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"request init:00 initialise [session]"},
	{"initialise, answered", `01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 00 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
00 00 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"response init:01 initialise answer [session]"},
	{"read %R", `02 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 04 08 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"request 04 read system memory [read]"},
	{"write with text", `02 00 07 00 04 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 07 80 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 07 08 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 01 02 03 04`,
		"request 07 write system memory [write]"},
	{"stop", `02 00 08 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 08 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 23 02 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"request 23 set PLC run or stop [control]"},
	{"download", `02 00 09 00 02 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 09 80 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 40 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 aa bb`,
		"request 40 program load (download to PLC) [control]"},
	{"controller type", `02 00 0a 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 0a c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 43 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"request 43 return controller type and id [identity]"},
	{"unknown service", `02 00 0b 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 0b c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 7e 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"request 7e unknown 0x7e [other]"},
	{"reply to an unseen request", `03 00 05 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 d4 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
01 01 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"response  reply to an unseen request [other] status=0000"},
	{"refused", `03 00 05 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 d1 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
01 01 02 fe 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `,
		"error  reply to an unseen request [other] status=02fe"},
	{"reply with text", `03 00 06 00 02 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 94 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
01 01 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 01 00`,
		"response  reply to an unseen request [other] status=0000"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, ottest.Bytes(t, m.text), headLen+1, m.want)
		})
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text string
		port       bool
		stream     ot.Verdict
	}{
		{"read on the port", `02 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 04 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, true, ot.Yes},
		{"read elsewhere", `02 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 04 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, false, ot.Yes},
		{"unknown service elsewhere", `02 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 7e 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, false, ot.No},
		{"reply elsewhere", `03 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 d4 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
01 01 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, false, ot.No},
		{"initialise elsewhere", `00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 00 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
00 00 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, false, ot.No},
		{"initialise on the port", `00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 00 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
00 00 00 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, true, ot.Yes},
		{"text without its message type", `02 00 06 00 04 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 c0 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 04 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 00 00 00 00`, true, ot.No},
		{"message type of a reply", `02 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 06 d4 # time, sequence, message type
00 00 00 00 10 0e 00 00 # mailboxes
01 01 04 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, true, ot.No},
		{"type 4", `04 00 06 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 # type, sequence, text length
00 00 00 00 00 c0 # time, sequence, message type
00 00 00 00 00 00 00 00 # mailboxes
01 01 04 00 00 00 # packet, service
00 00 00 00 00 00 00 00 00 00 `, true, ot.No},
		{"half a head", `02 00 06`, true, ot.More},
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
	var all []byte
	for _, m := range vectors {
		b := ottest.Bytes(f, m.text)
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if len(b) > 0 {
			probeStream(b, ot.Hint{Port: cut&1 == 0})
		}
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

// TestReplies: a reply has no service of its own but that of the request with its
// sequence, once; what the connection remembers is bounded.
func TestReplies(t *testing.T) {
	var s ot.Session
	push := func(i int) string {
		s.Reset()
		Protocol.Stream(&s, ottest.Bytes(t, vectors[i].text))
		return ottest.Told(&Protocol, &s)[0]
	}
	for range 20 {
		push(2)
	}
	push(3)
	if got, want := push(10), "response 04 read system memory [read] status=0000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	push(4) // sequence 8: none answers it
	if got, want := push(8), vectors[8].want; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }

// TestVectors: every frame kind and every line of the table.
func TestVectors(t *testing.T) { ottest.Vectors(t, &Protocol, "testdata/frames.vectors") }
