package opcua

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

// chunkOf builds a chunk of a type and kind ("MSGF") with its size.
func chunkOf(tb testing.TB, letters, text string) []byte {
	d := ottest.Bytes(tb, text)
	b := append([]byte(letters), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(b[4:], uint32(headLen+len(d)))
	return append(b, d...)
}

// message is a MSG chunk of request id with a body.
func message(tb testing.TB, kind string, id byte, body string) []byte {
	b := chunkOf(tb, "MSG"+kind, "01 00 00 00 01 00 00 00 33 00 00 00 00 00 00 00 "+body)
	b[20] = id
	return b
}

// Parts of messages, by hand from the fact sheet and OPC 10000-4 and -6.
const (
	requestHead  = "00 00 00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 ff ff ff ff e8 03 00 00 00 00 00 "
	responseHead = "00 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 "
	application  = "05 00 00 00 'urn:x 06 00 00 00 'urn:pr 02 04 00 00 00 'ACME 00 00 00 00 " // URI, product, name without locale, type
	none         = "2f 00 00 00 'http://opcfoundation.org/UA/SecurityPolicy 23 'None "
)

func chunks(tb testing.TB) []struct {
	name, want string
	chunk      []byte
} {
	return []struct {
		name, want string
		chunk      []byte
	}{
		{"hello", "request hel Hello [session]",
			chunkOf(tb, "HELF", "00 00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 00 00 05 00 00 00 'opc:x")},
		{"acknowledge", "response ack Acknowledge [session]",
			chunkOf(tb, "ACKF", "00 00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 00 00")},
		{"error", "error err Error [session] status=80020000", chunkOf(tb, "ERRF", "00 00 02 80 ff ff ff ff")},
		{"reverse hello", "none rhe ReverseHello [session]", chunkOf(tb, "RHEF", "02 00 00 00 'ab 02 00 00 00 'cd")},
		{"open", "request 446 OpenSecureChannel [session]",
			chunkOf(tb, "OPNF", "00 00 00 00 "+none+"ff ff ff ff ff ff ff ff 01 00 00 00 01 00 00 00 01 00 be 01 "+requestHead)},
		{"open, secured", "none opn OpenSecureChannel (secured) [session]",
			chunkOf(tb, "OPNF", "00 00 00 00 04 00 00 00 'x 23 'ab ff ff ff ff ff ff ff ff 01 00 00 00 01 00 00 00 01 00 be 01 00 00 00 00")},
		{"read", "request 631 Read [read]", message(tb, "F", 1, "01 00 77 02 "+requestHead)},
		{"read, answer", "response 634 Read [read] status=00000000", message(tb, "F", 1, "01 00 7a 02 "+responseHead)},
		{"read, denied", "error 634 Read [read] status=801f0000",
			message(tb, "F", 1, "01 00 7a 02 00 00 00 00 00 00 00 00 01 00 00 00 00 00 1f 80 00 00 00 00 00 00 00 00")},
		{"write", "request 673 Write [write]", message(tb, "F", 1, "01 00 a1 02 "+requestHead)},
		{"call", "request 712 Call [control]", message(tb, "F", 1, "01 00 c8 02 "+requestHead)},
		{"fault", "error 397 ServiceFault [other] status=800b0000",
			message(tb, "F", 1, "01 00 8d 01 00 00 00 00 00 00 00 00 01 00 00 00 00 00 0b 80 00 00 00 00 00 00 00 00")},
		{"numeric node id", "request 12211 RegisterServer2 [session]", message(tb, "F", 1, "02 00 00 b3 2f 00 00 "+requestHead)},
		{"close", "request 452 CloseSecureChannel [session]",
			chunkOf(tb, "CLOF", "01 00 00 00 01 00 00 00 33 00 00 00 05 00 00 00 01 00 c4 01 "+requestHead)},
		{"endpoints", "response 431 GetEndpoints [identity] status=00000000\nname=ACME\nmodel=urn:pr",
			message(tb, "F", 1, "01 00 af 01 "+responseHead+"01 00 00 00 05 00 00 00 'opc:x "+application)},
		{"create session", "request 461 CreateSession [session]\nname=ACME\nmodel=urn:pr",
			message(tb, "F", 1, "01 00 cd 01 "+requestHead+application)},
		{"create session, answer", "response 464 CreateSession [session] status=00000000\nname=ACME\nmodel=urn:pr",
			message(tb, "F", 1, "01 00 d0 01 "+responseHead+
				"02 01 00 07 00 00 00 04 01 00 00112233445566778899aabbccddeeff 00 00 00 00 00 00 00 00 ff ff ff ff 02 00 00 00 aa bb "+
				"01 00 00 00 05 00 00 00 'opc:x "+application)},
		{"endpoints that are cut", "response 431 GetEndpoints [identity] status=00000000",
			message(tb, "F", 1, "01 00 af 01 "+responseHead+"01 00 00 00 05 00 00 00 'opc:x ff 00 00 00")},
		{"encrypted", "", message(tb, "F", 1, "9c 11 5a 70 81 23 99 00 12 5e 67 10")},
		{"service of no name, channel unknown", "", message(tb, "F", 1, "01 00 e7 03 "+requestHead)},
		{"another namespace", "", message(tb, "F", 1, "01 01 77 02 "+requestHead)},
		{"text as node id", "", message(tb, "F", 1, "03 00 00 01 00 00 00 61")},
		{"aborted", "error msg message aborted [session]", message(tb, "A", 1, "00 00 0b 80 ff ff ff ff")},
		{"beginning of a chunked one", "", message(tb, "C", 1, "01 00 77 02 "+requestHead)},
	}
}

func TestChunks(t *testing.T) {
	for _, c := range chunks(t) {
		t.Run(c.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, c.chunk, ot.Whole, c.want)
		})
	}
}

func TestStreams(t *testing.T) {
	open := chunks(t)[4].chunk
	read := "01 00 77 02 " + requestHead
	for _, c := range []struct {
		name   string
		chunks [][]byte
		want   string
	}{
		{"chunked counts once", [][]byte{message(t, "C", 1, read), message(t, "C", 1, read), message(t, "F", 1, read)},
			"request 631 Read [read]"},
		{"two chunked ones at a time", [][]byte{message(t, "C", 1, read), message(t, "C", 2, "01 00 a1 02 "+requestHead),
			message(t, "F", 1, "ff"), message(t, "F", 2, "ff")},
			"request 631 Read [read]\nrequest 673 Write [write]"},
		{"chunked, aborted", [][]byte{message(t, "C", 1, read), message(t, "A", 1, "00 00 00 80"), message(t, "F", 1, read)},
			"error msg message aborted [session]\nrequest 631 Read [read]"},
		{"service of no name on an open channel", [][]byte{open, message(t, "F", 1, "01 00 e7 03 "+requestHead)},
			"request 446 OpenSecureChannel [session]\nrequest 999 unknown 999 [other]"},
		{"many chunked ones without end", [][]byte{message(t, "C", 1, read), message(t, "C", 2, read), message(t, "C", 3, read),
			message(t, "C", 4, read), message(t, "C", 5, read), message(t, "F", 5, "ff")},
			"request 631 Read [read]"},
	} {
		if got := strings.Join(ottest.Stream(&Protocol, bytes.Join(c.chunks, nil)), "\n"); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestLargeChunk: of a chunk larger than the buffer the head is enough, and the
// rest is skipped.
func TestLargeChunk(t *testing.T) {
	b := append(message(t, "F", 1, "01 00 77 02 "+requestHead), make([]byte, 300<<10)...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)))
	next := message(t, "F", 2, "01 00 a1 02 "+requestHead)
	if got := strings.Join(ottest.Stream(&Protocol, b[:5000], b[5000:], next), "\n"); got != "request 631 Read [read]\nrequest 673 Write [write]" {
		t.Errorf("got %s", got)
	}
}

// TestBuildInfo: the values that a read of the server's build information gives.
func TestBuildInfo(t *testing.T) {
	value := func(node string) string { return "01 00 " + node + " 0d 00 00 00 ff ff ff ff 00 00 ff ff ff ff " }
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	Protocol.Stream(&s, message(t, "F", 9, "01 00 77 02 "+requestHead+"00 00 00 00 00 00 00 00 00 00 00 00 03 00 00 00 "+
		value("d3 08")+value("d7 08")+value("d8 08"))) // 2259 state, 2263 manufacturer, 2264 version
	s.Reset()
	s.Src, s.Dst = s.Dst, s.Src
	Protocol.Stream(&s, message(t, "F", 9, "01 00 7a 02 "+responseHead+
		"03 00 00 00 05 06 00 00 00 00 00 00 00 00 00 00 00 00 01 0c 04 00 00 00 'ACME 01 0c 03 00 00 00 '1.2 00 00 00 00"))
	if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != "response 634 Read [read] status=00000000\nvendor=ACME\nfirmware=1.2" {
		t.Errorf("got %s", got)
	}
}

func TestProbe(t *testing.T) {
	for _, c := range chunks(t) {
		if c.name == "open, secured" { // a policy that is none
			continue
		}
		if v := probeStream(c.chunk, ot.Hint{}); v != ot.Yes {
			t.Errorf("%s: %d", c.name, v)
		}
	}
	for _, c := range []struct {
		name, text string
		want       ot.Verdict
	}{
		{"head", "'HELF 38 00", ot.More},
		{"letters", "'MS", ot.More},
		{"another text", "'HELP 20 00 00 00", ot.No},
		{"SMTP", "'HELO 20 'there", ot.No},
		{"chunk kind that hello has not", "'HELC 20 00 00 00", ot.No},
		{"too small", "'MSGF 10 00 00 00", ot.No},
		{"too large", "'MSGF 00 00 00 7f", ot.No},
		{"hello of another version", "'HELF 20 00 00 00 77 00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 00 00 ff ff ff ff", ot.No},
		{"hello whose URL is longer", "'HELF 20 00 00 00 00 00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 00 00 09 00 00 00", ot.No},
		{"open without a policy's URI", "'OPNF 40 00 00 00 00 00 00 00 04 00 00 00 'abcd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00", ot.No},
		{"error that is good", "'ERRF 10 00 00 00 00 00 00 00 ff ff ff ff", ot.No},
	} {
		if v := probeStream(ottest.Bytes(t, c.text), ot.Hint{Port: true}); v != c.want {
			t.Errorf("%s: %d, want %d", c.name, v, c.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	for _, c := range chunks(t) {
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, c.chunk) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

// TestCaptures: what is encrypted has no services, and servers say who they are.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, fact string
		services   int
	}{
		{"open62541-client-server-encrypted.pcapng", "name", 5},
		{"open62541-client-server-minimal.pcap", "name open62541", 64},
	} {
		r := ottest.Replay(t, filepath.Join(root, "opcua", c.path), &Protocol)
		if n := r.Sum(func(row ottest.Row) bool { return row.Code[0] >= '0' && row.Code[0] <= '9' }); n != c.services {
			t.Errorf("%s: %d services", c.path, n)
		}
		found := false
		for fact := range r.Facts {
			found = found || strings.Contains(fact, c.fact)
		}
		if !found {
			t.Errorf("%s: no %q in %v", c.path, c.fact, r.Facts)
		}
	}
}

func TestTexts(t *testing.T) {
	if function(1<<40|kindMessage|0xff).Name == "" || function(0xffff).Name != "unknown 65535" {
		t.Error("names")
	}
	for _, row := range Protocol.Table {
		if row.Name == "" || row.Code == "" {
			t.Errorf("%+v", row)
		}
	}
}

func FuzzStream(f *testing.F) {
	var all []byte
	for _, c := range chunks(f) {
		f.Add(c.chunk, 9)
		all = append(all, c.chunk...)
	}
	f.Add(all, 50)
	ottest.Seeds("opcua", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

// TestLost: of a message whose end was lost nothing is told, and what comes
// behind the gap is; bytes that are no message are refused, and the next
// segment is read again.
func TestLost(t *testing.T) {
	a, b := chunks(t)[0].chunk, chunks(t)[6].chunk
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
