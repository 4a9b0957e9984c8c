package dnp3

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frame makes a link frame from station 1 to 10 with the user data of text; the
// checksums are calculated.
func frame(tb testing.TB, control byte, text string) []byte {
	tb.Helper()
	u := ottest.Bytes(tb, text)
	return linkFrame(control, 10, 1, u)
}

func linkFrame(control byte, destination, source uint16, u []byte) []byte {
	b := []byte{0x05, 0x64, byte(minLength + len(u)), control}
	b = binary.LittleEndian.AppendUint16(b, destination)
	b = binary.LittleEndian.AppendUint16(b, source)
	b = binary.LittleEndian.AppendUint16(b, crc(b))
	for len(u) > 0 {
		n := min(blockLen, len(u))
		b = append(b, u[:n]...)
		b = binary.LittleEndian.AppendUint16(b, crc(u[:n]))
		u = u[n:]
	}
	return b
}

// Link controls of user data without confirmation.
const (
	master     = fromMaster | primary | userData
	outstation = primary | userData
)

// TestChecksum: the check value of this CRC is that of "123456789"; and one
// whole frame written by hand.
func TestChecksum(t *testing.T) {
	if c := crc([]byte("123456789")); c != 0xea82 {
		t.Errorf("%04x", c)
	}
	b := ottest.Bytes(t, `
		05 64        # start
		05 c0        # no user data; reset of the link, from a master
		01 00 00 04  # to 1, from 1024
		e9 21        # checksum`)
	if n := frameSize(b); n != len(b) {
		t.Errorf("size %d", n)
	}
}

// fragments are application fragments in one transport segment.
var fragments = []struct {
	name    string
	control byte
	text    string // transport header, control, function, …
	want    string
}{
	{"read class 0", master, "c0 c1 01 3c 01 06", "request 1 read [read] unit=10\nstation=1"},
	{"response", outstation, "c0 c1 81 00 00 01 01 00 00 07 55", "response 129 response [other] unit=1 status=0000\nstation=1"},
	{"response after a restart", outstation, "c0 c1 81 90 00", "response 129 response [other] unit=1 status=9000\nstation=1"},
	{"function refused", outstation, "c0 c1 81 00 01", "error 129 response [other] unit=1 status=0001\nstation=1"},
	{"parameter refused", outstation, "c0 c1 81 00 04", "error 129 response [other] unit=1 status=0004\nstation=1"},
	{"buffer overflow is no refusal", outstation, "c0 c1 81 00 08", "response 129 response [other] unit=1 status=0008\nstation=1"},
	{"unsolicited", outstation, "c0 f1 82 02 00 02 02 17 01 00 81 00 00 00 00 00 00", "none 130 unsolicited response [other] unit=1 status=0200\nstation=1"},
	{"confirm", master, "c0 d1 00", "none 0 confirm [session] unit=10\nstation=1"},
	{"select", master, "c0 c1 03 0c 01 17 01 00 03 01 64 00 00 00 64 00 00 00 00", "request 3 select [control] unit=10\nstation=1"},
	{"operate", master, "c0 c1 04 0c 01 17 01 00 03 01 64 00 00 00 64 00 00 00 00", "request 4 operate [control] unit=10\nstation=1"},
	{"direct operate", master, "c0 c1 05 0c 01 17 01 00 03 01 64 00 00 00 64 00 00 00 00", "request 5 direct operate [control] unit=10\nstation=1"},
	{"cold restart", master, "c0 c1 0d", "request 13 cold restart [control] unit=10\nstation=1"},
	{"stop application", master, "c0 c1 12 5a 01 06", "request 18 stop application [control] unit=10\nstation=1"},
	{"disable unsolicited", master, "c0 c1 15 3c 02 06", "request 21 disable unsolicited [control] unit=10\nstation=1"},
	{"delete file", master, "c0 c1 1b", "request 27 delete file [control] unit=10\nstation=1"},
	{"write time", master, "c0 c1 02 32 01 07 01 00 00 00 00 00 00", "request 2 write time and date [control] unit=10\nstation=1"},
	{"write indications", master, "c0 c1 02 50 01 00 07 07 00", "request 2 write internal indications [write] unit=10\nstation=1"},
	{"write octet string", master, "c0 c1 02 6e 01 00 00 00 41", "request 2 write [write] unit=10\nstation=1"},
	{"unknown function", master, "c0 c1 70", "request 112 unknown 0x70 [other] unit=10\nstation=1"},
	{"with link confirmation", fromMaster | primary | 0x30 | confirmedData, "c0 c1 17", "request 23 delay measurement [read] unit=10\nstation=1"},
	{"read attributes", master, "c0 c1 01 00 fe 06", "request 1 read [identity] unit=10\nstation=1"},
	{"device attributes", outstation, `c0 c1 81 00 00
		00 fc 00 00 00 01 04 'ACME      # manufacturer
		00 fa 00 00 00 01 06 'RTU_42    # model
		00 f2 00 00 00 01 03 '1.2       # software
		00 f8 00 00 00 01 04 'SN77      # serial number
		00 f7 00 00 00 01 03 'PUMP 41   # name, cut short by its length`,
		"response 129 response [other] unit=1 status=0000\nstation=1\nvendor=ACME\nmodel=RTU_42\nfirmware=1.2\nserial=SN77\nname=PUM"},
	{"attribute with an impossible length", outstation, "c0 c1 81 00 00 00 fc 00 00 00 01 09 'ACME", "response 129 response [other] unit=1 status=0000\nstation=1"},
}

func TestFragments(t *testing.T) {
	for _, f := range fragments {
		t.Run(f.name, func(t *testing.T) {
			b := frame(t, f.control, f.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			if got := strings.Join(ottest.Stream(&Protocol, b), "\n"); got != f.want {
				t.Errorf("stream: got %s\nwant %s", got, f.want)
			}
			sameHoweverSplit(t, bytes.Repeat(b, 3), len(b)+9)
			// Each byte is under a checksum or is the length: one that is wrong tells nothing.
			for i := range b {
				broken := slices.Clone(b)
				broken[i] ^= 0x10
				if got := ottest.Datagram(&Protocol, new(ot.Session), broken); len(got) != 0 {
					t.Errorf("byte %d broken: %q", i, got)
				}
			}
		})
	}
}

// TestLinkOnly: frames without user data are no messages.
func TestLinkOnly(t *testing.T) {
	for _, control := range []byte{0xc0, 0xc2, 0xc9, 0x00, 0x0b, 0x0f} {
		b := linkFrame(control, 10, 1, nil)
		if got := ottest.Stream(&Protocol, b); len(got) != 0 {
			t.Errorf("%02x: %q", control, got)
		}
		if v := probe(b); v != ot.Yes {
			t.Errorf("%02x: verdict %d", control, v)
		}
	}
	if got := ottest.Stream(&Protocol, linkFrame(0xc9, 10, 1, []byte{0xc0, 0xc1, 1})); len(got) != 0 {
		t.Errorf("user data in a status request: %q", got)
	}
}

// TestTransport: a fragment is counted once, with its last segment.
func TestTransport(t *testing.T) {
	first := frame(t, outstation, "7f c1 81 00 00 00 fc 00 00 00 01 06 'ACM") // sequence 63, then 0
	second := frame(t, outstation, "00 'E__")
	third := frame(t, outstation, "81 'X")
	other := linkFrame(outstation, 10, 2, []byte{0xc0, 0xc1, 0x81, 0, 0})
	single := frame(t, outstation, "c5 c1 81 00 00")
	told := []string{"response 129 response [other] unit=1 status=0000", "station=1", "vendor=ACME__"}
	join := func(frames ...[]byte) []byte { return bytes.Join(frames, nil) }
	for _, c := range []struct {
		name   string
		stream []byte
		want   []string
	}{
		{"three segments", join(first, second, third), told},
		{"a segment twice", join(first, second, second, third), told},
		{"another station between", join(first, other, second, third),
			[]string{"response 129 response [other] unit=2 status=0000", told[0], "station=2", "station=1", "vendor=ACME__"}},
		{"a segment missing", join(first, third), nil},
		{"the first one missing", join(second, third), nil},
		{"a new fragment before the end", join(first, single, second, third), told[:2]},
		{"noise between", join(first, []byte{0x05, 0x64, 0x07, 0xff}, second, []byte("noise"), third), told},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ottest.Stream(&Protocol, c.stream); !slices.Equal(got, c.want) {
				t.Errorf("got %q", got)
			}
			for cut := range c.stream {
				sameHoweverSplit(t, c.stream, cut)
			}
		})
	}
	// Bytes lost between the segments.
	c := ottest.Conn{Protocol: &Protocol}
	n := 0
	count := func(s *ot.Session) { n += len(s.PDUs) }
	c.Push(0, first, count)
	c.Lose(0)
	c.Push(0, second, count)
	c.Session.Gap = false
	c.Push(0, third, count)
	if n != 0 {
		t.Errorf("%d messages told over lost bytes", n)
	}
	c.Push(0, join(first, second, third), count)
	if n != 1 {
		t.Errorf("%d messages told behind lost bytes", n)
	}
}

// TestManyStations: more partners than are remembered cost the fragments of the oldest
// and no memory.
func TestManyStations(t *testing.T) {
	var s ot.Session
	for i := range uint16(1000) {
		ottest.Datagram(&Protocol, &s, linkFrame(outstation, i, 1, []byte{0x41, 0xc1, 0x81, 0, 0}))
	}
	if got := ottest.Datagram(&Protocol, &s, linkFrame(outstation, 0, 1, []byte{0x82, 0})); len(got) != 0 {
		t.Errorf("forgotten partner told %q", got)
	}
	if got := ottest.Datagram(&Protocol, &s, linkFrame(outstation, 999, 1, []byte{0x82, 0})); len(got) == 0 {
		t.Errorf("last partner told %q", got)
	}
	// A fragment without an end is kept up to its limit.
	u := append([]byte{0x40, 0xc1, 0x81, 0, 0}, make([]byte, maxUser-5)...)
	ottest.Datagram(&Protocol, &s, linkFrame(outstation, 999, 1, u))
	for i := range byte(63) {
		u[0] = i + 1
		ottest.Datagram(&Protocol, &s, linkFrame(outstation, 999, 1, u))
	}
	for _, p := range s.State.(*state).sides[0].partners {
		if len(p.data) > maxFragment {
			t.Errorf("%d bytes kept", len(p.data))
		}
	}
}

func TestProbe(t *testing.T) {
	good := linkFrame(0xc0, 10, 1, nil)
	for _, c := range []struct {
		name        string
		b           []byte
		udp, stream ot.Verdict
	}{
		{"frame", good, ot.Yes, ot.Yes},
		{"half a frame", good[:9], ot.No, ot.More},
		{"start only", good[:1], ot.No, ot.More},
		{"wrong checksum", append(slices.Clone(good[:9]), good[9]^1), ot.No, ot.No},
		{"link function that does not exist", linkFrame(0xc7, 10, 1, nil), ot.No, ot.No},
		{"length under 5", []byte{0x05, 0x64, 0x04}, ot.No, ot.No},
		{"behind the byte of a keep-alive", append([]byte{0}, good...), ot.No, ot.Yes},
		{"behind more than that", append(make([]byte, 5), good...), ot.No, ot.No},
		{"something else", []byte("GET / HTTP/1.1"), ot.No, ot.No},
	} {
		h := ot.Hint{Port: true, WireLen: len(c.b)}
		if v := probeDatagram(c.b, h); v != c.udp {
			t.Errorf("%s: datagram: %d, want %d", c.name, v, c.udp)
		}
		if v := probeStream(c.b, h); v != c.stream {
			t.Errorf("%s: stream: %d, want %d", c.name, v, c.stream)
		}
	}
}

func TestDirections(t *testing.T) {
	var s ot.Session
	ottest.Datagram(&Protocol, &s, frame(t, master, "c0 c1 01 3c 01 06"))
	if s.Client != ot.ClientSender {
		t.Errorf("master: client %d", s.Client)
	}
	ottest.Datagram(&Protocol, &s, frame(t, outstation, "c0 c1 81 00 00"))
	if s.Client != ot.ClientReceiver {
		t.Errorf("outstation: client %d", s.Client)
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	for _, f := range fragments {
		b := frame(t, f.control, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
	b := append(frame(t, outstation, "41 c1 81 00 00"), frame(t, outstation, "82 00")...)
	if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
		t.Errorf("segments: %v allocations", n)
	}
}

func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, code string
		count      int
	}{
		{"dnp3.pcap", "1", 9},
		{"dnp3dataset-capturerem-to-cite-the-paper.pcap", "129", 5021},
		{"dnp3dataset-capturerem-to-cite-the-paper.pcap", "130", 546},
		{"dnp3-link-only.pcap", "", 0},
	} {
		r := ottest.Replay(t, filepath.Join(root, "dnp3", c.path), &Protocol)
		if n := r.Sum(func(row ottest.Row) bool { return row.Code == c.code }); n != c.count {
			t.Errorf("%s: %d of %s", c.path, n, c.code)
		}
	}
}

// TestMidStream: a stream that is seen from the middle of a message, from one side,
// is read from the next segment that begins with one; bytes lost later cost the
// messages that they cut.
func TestMidStream(t *testing.T) {
	m := frame(t, master, "c0 c1 01 3c 01 06")
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
	if len(Protocol.Table) != len(functions) {
		t.Errorf("%d rows", len(Protocol.Table))
	}
	if got := statusName(0x9001); got != "need time, device restart, function code not supported" {
		t.Errorf("indications %q", got)
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
			c.Push(0, b, func(s *ot.Session) {
				told = append(told, ottest.Told(&Protocol, s)...)
			})
		}
		slices.Sort(told) // facts come behind all messages of a call
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
	for _, e := range fragments {
		f.Add(frame(f, e.control, e.text), 9)
	}
	ottest.Seeds("dnp3", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probe(b)
		sameHoweverSplit(t, b, cut)
	})
}

// FuzzUser calculates the checksums, so that what is behind them is reached.
func FuzzUser(f *testing.F) {
	for _, e := range fragments {
		f.Add(ottest.Bytes(f, e.text), e.control)
	}
	f.Fuzz(func(t *testing.T, b []byte, control byte) {
		var s ot.Session
		for len(b) > 0 {
			n := min(len(b), maxUser)
			ottest.Datagram(&Protocol, &s, linkFrame(control, 10, 1, b[:n]))
			b = b[n:]
		}
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
