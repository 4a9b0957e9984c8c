package enip

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// rr puts a CIP message into an unconnected item and SendRRData with session 1;
// context is the sender context's first byte.
func rr(tb testing.TB, context byte, text string) []byte {
	d := ottest.Bytes(tb, text)
	b := ottest.Bytes(tb, `
		6f 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		00 00 00 00 05 00 02 00 # interface CIP, time-out 5, 2 items
		00 00 00 00             # null address
		b2 00 00 00`)
	b[12] = context
	binary.LittleEndian.PutUint16(b[2:], uint16(16+len(d)))
	binary.LittleEndian.PutUint16(b[38:], uint16(len(d)))
	return append(b, d...)
}

// unit puts a CIP message into a connected item and SendUnitData.
func unit(tb testing.TB, sequence byte, text string) []byte {
	d := ottest.Bytes(tb, text)
	b := ottest.Bytes(tb, `
		70 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		00 00 00 00 00 00 02 00
		a1 00 04 00 78 56 34 12 # connection
		b1 00 00 00 00 00       # sequence count`)
	b[44] = sequence
	binary.LittleEndian.PutUint16(b[2:], uint16(22+len(d)))
	binary.LittleEndian.PutUint16(b[42:], uint16(2+len(d)))
	return append(b, d...)
}

// encapsulation messages are written by hand from the fact sheet.
var encapsulations = []struct{ name, text, want string }{
	{"register session", `
		65 00 04 00 00 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00
		01 00 00 00`,
		"request 0065 RegisterSession [session]"},
	{"register session, answer", `
		65 00 04 00 09 00 00 00 00 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00
		01 00 00 00`,
		"response 0065 RegisterSession [session] status=0000"},
	{"register session, refused", `65 00 00 00 00 00 00 00 69 00 00 00 01 02 03 04 05 06 07 08 00 00 00 00`,
		"error 0065 RegisterSession [session] status=0069"},
	{"list identity", `63 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request 0063 ListIdentity [identity]"},
	{"list identity, answer", `
		63 00 2d 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		01 00 0c 00 27 00                                  # one item, identity
		01 00 00 02 af 12 0a 00 00 01 00 00 00 00 00 00 00 00 # version 1, address
		01 00 0c 00 3a 00 04 03 30 00 8e 4d 52 00          # vendor 1, revision 4.3, serial
		05 'ENBT1 03`,
		"response 0063 ListIdentity [identity] status=0000\nvendor=Rockwell Automation\nmodel=ENBT1\nfirmware=4.3\nserial=00524d8e"},
	{"list identity, another vendor, name cut", `
		63 00 28 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
		01 00 0c 00 22 00
		01 00 00 02 af 12 0a 00 00 01 00 00 00 00 00 00 00 00
		ff 0f 0c 00 3a 00 04 03 30 00 8e 4d 52 00 09 'E`,
		""},
	{"unregister session", `66 00 00 00 09 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request 0066 UnRegisterSession [session]"},
	{"carrier that carries nothing", `70 00 00 00 09 00 00 00 64 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00`,
		"request 0070 SendUnitData [other]"},
}

func TestEncapsulation(t *testing.T) {
	for _, m := range encapsulations {
		t.Run(m.name, func(t *testing.T) {
			b := ottest.Bytes(t, m.text)
			got := strings.Join(ottest.Stream(&Protocol, b), "\n")
			if m.want != "" && got != m.want {
				t.Errorf("got %s\nwant %s", got, m.want)
			}
			ottest.SameHoweverSplit(t, &Protocol, bytes.Repeat(b, 3), len(b)+9)
		})
	}
}

// messages are CIP messages, written by hand.
var messages = []struct{ name, text, want string }{
	{"read tag", `
		4c 04 91 05 'Level 00 28 02 # symbol of 5 letters, pad, member 2
		01 00`,
		"request 4c Read Tag [read]"},
	{"write tag", `4d 02 91 02 'a1 c4 00 01 00 2a 00 00 00`, "request 4d Write Tag [write]"},
	{"identity object", `01 02 20 01 24 01`, "request 01 Get_Attributes_All: Identity [identity]"},
	{"reset", `05 02 20 01 24 01 00`, "request 05 Reset: Identity [control]"},
	{"reset, 16 bit path", `05 04 21 00 01 00 25 00 01 00`, "request 05 Reset: Identity [control]"},
	{"set address", `10 03 20 f5 24 01 30 05 0a 00 00 01`, "request 10 Set_Attribute_Single: TCP/IP Interface [control]"},
	{"set time", `04 02 20 8b 24 01 01 00 06 00`, "request 04 Set_Attribute_List: Wall-Clock Time [control]"},
	{"set time zone", `10 03 20 8b 24 01 30 0b 00 00`, "request 10 Set_Attribute_Single: Wall-Clock Time [write]"},
	{"set attribute of another class", `10 03 20 7a 24 01 30 01 00`, "request 10 Set_Attribute_Single [write]"},
	{"through a port", `0e 05 01 02 20 01 24 01 30 07 00 00`, "request 0e Get_Attribute_Single: Identity [identity]"},
	{"with an electronic key", `54 07 34 04 00 00 00 00 00 00 00 00 20 06 24 01 00 00`, "request 54 Forward_Open [session]"},
	{"path that is cut", `0e 09 20 01`, ""},
	{"forward close", `4e 02 20 06 24 01 05 9d`, "request 4e Forward_Close [session]"},
	{"download", `4c 02 20 37 24 c8 00`, "request 4c Initiate_Download: File [control]"},
	{"service of no name", `3e 02 20 06 24 01`, "request 3e unknown 0x3e [other]"},
	{"answer", `cc 00 00 00 c4 00 2a 00 00 00`, "response 4c Read Tag [read] status=00"},
	{"error", `cc 00 05 01 00 00`, "error 4c Read Tag [read] status=05"},
	{"error with more status", `d4 00 01 01 06 01`, "error 54 Forward_Open [session] status=01:0106"},
	{"unconnected send", `
		52 02 20 06 24 01 05 9d 0a 00       # 10 bytes
		0e 03 20 01 24 01 30 07 00 00
		01 00 01 00`,
		"request 52 Unconnected_Send [other]\nrequest 0e Get_Attribute_Single: Identity [identity]"},
	{"unconnected send, longer than it is", `52 02 20 06 24 01 05 9d 0b 00 0e 03 20 01`,
		"request 52 Unconnected_Send [other]"},
	{"multiple service packet", `
		0a 02 20 02 24 01 02 00 06 00 0e 00 # at 6 and 14
		4c 02 91 02 'a1 01 00
		4d 02 91 02 'a1 c1 00 01 00 01`,
		"request 0a Multiple_Service_Packet [other]\nrequest 4c Read Tag [read]\nrequest 4d Write Tag [write]"},
	{"multiple service packet, answer", `
		8a 00 00 00 02 00 06 00 0d 00
		cc 00 00 00 c1 00 01
		cd 00 00 00`,
		"response 0a Multiple_Service_Packet [other] status=00\nresponse 4c Read Tag [read] status=00\nresponse 4d Write Tag [write] status=00"},
	{"offsets beyond the message", `0a 02 20 02 24 01 02 00 06 00 ff 00 4c 02 91 02 'a1 01 00`,
		"request 0a Multiple_Service_Packet [other]"},
	{"offsets that point into themselves", `0a 02 20 02 24 01 01 00 00 00 4c 02 91 02 'a1 01 00`,
		"request 0a Multiple_Service_Packet [other]"},
	{"PCCC write", `4b 02 20 67 24 01 07 4d 00 01 02 03 04 0f 00 34 12 aa 02 07 89 00 00 2a 00`,
		"request 4b PCCC protected typed logical write [write]"},
	{"PCCC change mode", `4b 02 20 67 24 01 07 4d 00 01 02 03 04 0f 00 34 12 80 06`,
		"request 4b PCCC change mode [control]"},
	{"PCCC unknown", `4b 02 20 67 24 01 07 4d 00 01 02 03 04 0f 00 34 12 99`, "request 4b Execute PCCC [other]"},
	{"PCCC cut", `4b 02 20 67 24 01 07 4d`, "request 4b Execute PCCC [other]"},
}

func TestMessages(t *testing.T) {
	for _, m := range messages {
		t.Run(m.name, func(t *testing.T) {
			for _, b := range [][]byte{rr(t, 1, m.text), unit(t, 1, m.text)} {
				ottest.Message(t, &Protocol, b, ot.Whole, m.want)
			}
		})
	}
}

// TestDepth: messages in messages end somewhere.
func TestDepth(t *testing.T) {
	inner := ottest.Bytes(t, "0e 03 20 01 24 01 30 07")
	for range 20 {
		b := ottest.Bytes(t, "52 02 20 06 24 01 05 9d")
		b = binary.LittleEndian.AppendUint16(b, uint16(len(inner)))
		inner = append(b, inner...)
	}
	b := rr(t, 1, "")
	binary.LittleEndian.PutUint16(b[2:], uint16(16+len(inner)))
	binary.LittleEndian.PutUint16(b[38:], uint16(len(inner)))
	if got := ottest.Stream(&Protocol, append(b, inner...)); len(got) != maxDepth {
		t.Errorf("%d messages", len(got))
	}
}

// TestPairs: an answer has its request's object, and the identity object of the
// device itself tells what it is.
func TestPairs(t *testing.T) {
	identity := "81 00 00 00 2f 00 0c 00 3a 00 02 01 30 00 01 00 00 00 05 'NX102"
	for _, c := range []struct {
		name   string
		chunks [][]byte
		want   string
	}{
		{"identity", [][]byte{rr(t, 1, "01 02 20 01 24 01"), rr(t, 1, identity)},
			"response 01 Get_Attributes_All: Identity [identity] status=00\nvendor=Omron\nmodel=NX102\nfirmware=2.1\nserial=00000001"},
		{"identity of a module behind it", [][]byte{
			rr(t, 1, "52 02 20 06 24 01 05 9d 06 00 01 02 20 01 24 01 01 00 01 03"), rr(t, 1, identity)},
			"response 01 Get_Attributes_All: Identity [identity] status=00"},
		{"another context", [][]byte{rr(t, 1, "01 02 20 01 24 01"), rr(t, 2, identity)},
			"response 01 Get_Attributes_All [read] status=00"},
		{"connected", [][]byte{unit(t, 7, "4e 02 20 6b 24 01"), unit(t, 7, "ce 00 00 00")},
			"response 4e Read-Modify-Write Tag: Symbol [write] status=00"},
		{"members", [][]byte{
			unit(t, 8, "0a 02 20 02 24 01 01 00 04 00 10 03 20 f5 24 01 30 05 00 00"),
			unit(t, 8, "8a 00 00 00 01 00 04 00 90 00 00 00")},
			"response 0a Multiple_Service_Packet [other] status=00\nresponse 10 Set_Attribute_Single: TCP/IP Interface [control] status=00"},
		{"PCCC", [][]byte{
			rr(t, 1, "4b 02 20 67 24 01 07 4d 00 01 02 03 04 06 00 34 12 03"),
			rr(t, 1, "cb 00 00 00 07 4d 00 01 02 03 04 46 00 34 12 00 ee 31 5b 23 '5/04 20 20 20 20 20 20 20 00 00")},
			"response 4b PCCC diagnostic status [identity] status=00\nmodel=5/04"},
	} {
		s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: 50000, DstPort: port}
		var got string
		for _, b := range c.chunks {
			s.Reset()
			Protocol.Stream(&s, b)
			got = strings.Join(ottest.Told(&Protocol, &s), "\n")
			s.Src, s.Dst, s.SrcPort, s.DstPort = s.Dst, s.Src, s.DstPort, s.SrcPort
		}
		if got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

const implicit = `
	02 00 02 80 08 00 11 22 33 44 01 00 00 00 # sequenced address
	b1 00 04 00 01 00 2a 00`

func TestDatagram(t *testing.T) {
	var s ot.Session
	if got := ottest.Datagram(&Protocol, &s, ottest.Bytes(t, implicit)); strings.Join(got, "\n") != "none io implicit I/O [cyclic]" {
		t.Errorf("%q", got)
	}
	if got := ottest.Datagram(&Protocol, &s, ottest.Bytes(t, encapsulations[3].text)); strings.Join(got, "\n") != encapsulations[3].want {
		t.Errorf("%q", got)
	}
}

func TestProbe(t *testing.T) {
	register := encapsulations[0].text
	for _, c := range []struct {
		name, text             string
		elsewhere, onPort, udp ot.Verdict
	}{
		{"register session", register, ot.Yes, ot.Yes, ot.Yes},
		{"head of register session", register[:3*11], ot.More, ot.More, ot.No},
		{"list identity", encapsulations[3].text, ot.Yes, ot.Yes, ot.Yes},
		{"list identity, answer", encapsulations[4].text, ot.Yes, ot.Yes, ot.Yes},
		{"list targets", "01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", ot.No, ot.Yes, ot.No},
		{"zeros", "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", ot.No, ot.No, ot.No},
		{"options", "63 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00", ot.No, ot.No, ot.No},
		{"unknown status", "63 00 00 00 00 00 00 00 77 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", ot.No, ot.No, ot.No},
		{"unknown command", "77 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", ot.No, ot.No, ot.No},
		{"carrier of nothing", "6f 00 10 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 b2 00 00 00", ot.No, ot.No, ot.No},
		{"something behind", register + " 16 03 01 00", ot.No, ot.No, ot.No},
		{"implicit", implicit, ot.No, ot.No, ot.Yes},
		{"implicit of another length", implicit + " 00", ot.No, ot.No, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		if v := probeStream(b, ot.Hint{WireLen: len(b)}); v != c.elsewhere {
			t.Errorf("%s elsewhere: %d, want %d", c.name, v, c.elsewhere)
		}
		if v := probeStream(b, ot.Hint{WireLen: len(b), Port: true}); v != c.onPort {
			t.Errorf("%s on the port: %d, want %d", c.name, v, c.onPort)
		}
		if v := probeDatagram(b, ot.Hint{WireLen: len(b)}); v != c.udp {
			t.Errorf("%s as a datagram: %d, want %d", c.name, v, c.udp)
		}
	}
	if v := probeStream(rr(t, 1, messages[0].text), ot.Hint{}); v != ot.Yes {
		t.Errorf("SendRRData: %d", v)
	}
	if v := probeStream(unit(t, 1, messages[0].text), ot.Hint{}); v != ot.Yes {
		t.Errorf("SendUnitData: %d", v)
	}
}

func TestNoAllocations(t *testing.T) {
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	var all [][]byte
	for _, m := range messages {
		all = append(all, rr(t, 1, m.text), unit(t, 1, m.text))
	}
	for _, m := range encapsulations {
		all = append(all, ottest.Bytes(t, m.text))
	}
	for _, b := range all {
		if n := testing.AllocsPerRun(50, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%x: %v allocations", b, n)
		}
	}
	if len(s.State.(*state).open) != 16 {
		t.Error("requests that wait are not bounded")
	}
}

// TestCaptures holds the captures that the fact sheet was verified on.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, fact string
		messages   int
	}{
		{"enip-test.pcap", "model 1756-ENBT/A", 2},
		{"ethernetip-cip.pcap", "", 74046},
		{"cip-io.pcap", "", 4},
	} {
		r := ottest.Replay(t, filepath.Join(root, "enip", c.path), &Protocol)
		if n := r.Sum(func(ottest.Row) bool { return true }); n != c.messages {
			t.Errorf("%s: %d messages", c.path, n)
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
	if statusName(statusEncapsulation|0x64) != "invalid session handle" || statusName(0x010601) != "connection failure" {
		t.Error("status names")
	}
	for _, row := range Protocol.Table {
		if row.Name == "" || row.Code == "" {
			t.Errorf("%+v", row)
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, m := range messages {
		f.Add(rr(f, 1, m.text), 9)
		f.Add(unit(f, 1, m.text), 40)
	}
	for _, m := range encapsulations {
		f.Add(ottest.Bytes(f, m.text), 9)
	}
	ottest.Seeds("enip", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add(ottest.Bytes(f, implicit), 0)
	ottest.Seeds("enip", false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		Protocol.Datagram(&s, b)
		ottest.Told(&Protocol, &s)
	})
}

// TestLost: of a message whose end was lost nothing is told, and what comes
// behind the gap is; bytes that are no message are refused, and the next
// segment is read again.
func TestLost(t *testing.T) {
	a, b := rr(t, 1, messages[0].text), unit(t, 1, messages[1].text)
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

// TestNestedMultiple: a multiple service packet inside another has no place of its own
// to remember its members; what one connection asked there must not name what
// another is answered.
func TestNestedMultiple(t *testing.T) {
	request := `
		0a 02 20 02 24 01 01 00 04 00 # one member, at 4
		0a 02 20 02 24 01 01 00 04 00 # which has one
		10 03 20 f5 24 01 30 05 0a 00 00 01`
	answer := `
		8a 00 00 00 01 00 04 00
		8a 00 00 00 01 00 04 00
		90 00 00 00`
	asks := ottest.Stream(&Protocol, rr(t, 1, request))
	if len(asks) != 3 || asks[2] != "request 10 Set_Attribute_Single: TCP/IP Interface [control]" {
		t.Fatalf("%q", asks)
	}
	told := ottest.Stream(&Protocol, rr(t, 1, answer)) // another connection
	if len(told) != 3 || told[2] != "response 10 Set_Attribute_Single [write] status=00" {
		t.Errorf("%q", told)
	}
	if none.members != 0 || none.inside[0] != (member{}) {
		t.Error("what all connections share was written to")
	}
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
