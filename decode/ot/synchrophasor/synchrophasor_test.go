package synchrophasor

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

// frame makes a frame of text, whose size is set and to which the checksum is added.
func frame(tb testing.TB, text string) []byte {
	tb.Helper()
	b := ottest.Bytes(tb, text)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)+2))
	return binary.BigEndian.AppendUint16(b, sum(b))
}

// sum is the checksum bit by bit, apart from the table that the decoder uses.
func sum(b []byte) uint16 {
	c := uint16(0xffff)
	for _, x := range b {
		for i := 7; i >= 0; i-- {
			bit := c>>15 ^ uint16(x>>i&1)
			c <<= 1
			if bit != 0 {
				c ^= 0x1021
			}
		}
	}
	return c
}

// head is what stands between size and content: id code 7, a time.
const head = " 00 07 5f 00 00 00 00 00 80 00 "

// frames are written by hand from the standard's tables; 00 00 stands for the size.
var frames = []struct{ name, text, want string }{
	{"data", "aa 01 00 00" + head + "00 00 12 34 56 78 00 00 00 00", "none 0 data [cyclic] unit=7"},
	{"header", "aa 11 00 00" + head + "'hello", "response 1 header [identity] unit=7"},
	{"transmission off", "aa 41 00 00" + head + "00 01", "request 4 command: turn off transmission [control] unit=7"},
	{"transmission on", "aa 41 00 00" + head + "00 02", "request 4 command: turn on transmission [control] unit=7"},
	{"send configuration 2", "aa 42 00 00" + head + "00 05", "request 4 command: send configuration 2 [identity] unit=7"},
	{"extended", "aa 42 00 00" + head + "00 08 01 02 03 04", "request 4 command: extended frame [write] unit=7"},
	{"unknown command", "aa 42 00 00" + head + "00 77", "request 4 command: unknown 0x0077 [other] unit=7"},
	{"configuration 2 of one PMU", "aa 31 00 00" + head + `
		00 0f 42 40              # time base
		00 01                    # one PMU
		'STATION 20 'A 20 20 20 20 20 20 20
		00 07 00 04 00 00 00 00 00 00 00 00 00 00 00 1e`,
		"response 3 configuration 2 [identity] unit=7\nstation=7\nname=STATION A"},
	{"configuration 1 of a concentrator", "aa 21 00 00" + head + `
		00 0f 42 40 00 02        # two PMUs
		'STATION 20 'A 20 20 20 20 20 20 20
		00 01 00 04 00 00 00 00 00 00 00 00 00 00 00 1e`,
		"response 2 configuration 1 [identity] unit=7\nstation=7"},
	{"configuration 3", "aa 52 00 00" + head + "00 00 00 0f 42 40 00 01 04 'NAME", "response 5 configuration 3 [identity] unit=7"},
	{"long data", "aa 01 00 00" + head + strings.Repeat("aa 01 ", 600), "none 0 data [cyclic] unit=7"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := frame(t, f.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			if got := strings.Join(ottest.Stream(&Protocol, b), "\n"); got != f.want {
				t.Errorf("stream: got %s\nwant %s", got, f.want)
			}
			if !checked(b) {
				t.Error("checksum")
			}
			three := bytes.Repeat(b, 3)
			ottest.SameHoweverSplit(t, &Protocol, three, len(b)+9)
			if got := ottest.Stream(&Protocol, three); len(got) < 3 {
				t.Errorf("three messages told as %q", got)
			}
			if got := ottest.Datagram(&Protocol, new(ot.Session), three); len(got) < 3 {
				t.Errorf("three messages in a datagram told as %q", got)
			}
		})
	}
}

// TestChecksum: the check value of CRC-CCITT from FFFF.
func TestChecksum(t *testing.T) {
	b := append([]byte("123456789"), 0x29, 0xb1)
	if !checked(b) {
		t.Error("check value")
	}
	b[0]++
	if checked(b) {
		t.Error("any bytes pass")
	}
}

func TestProbe(t *testing.T) {
	good := frame(t, frames[0].text)
	bad := slices.Clone(good)
	bad[len(bad)-1]++
	for _, c := range []struct {
		name        string
		b           []byte
		port        bool
		udp, stream ot.Verdict
	}{
		{"frame", good, false, ot.Yes, ot.Yes},
		{"wrong checksum on the port", bad, true, ot.Yes, ot.Yes},
		{"wrong checksum elsewhere", bad, false, ot.No, ot.No},
		{"half a frame", good[:12], false, ot.No, ot.More},
		{"start only", good[:1], true, ot.No, ot.More},
		{"reserved bit", []byte{sync, 0x81, 0, 20}, true, ot.No, ot.No},
		{"type 6", []byte{sync, 0x61, 0, 20}, true, ot.No, ot.No},
		{"version 0", []byte{sync, 0x00, 0, 20}, true, ot.No, ot.No},
		{"size under the head's", []byte{sync, 0x01, 0, 15}, true, ot.No, ot.No},
		{"command without a word", []byte{sync, 0x41, 0, 16}, true, ot.No, ot.No},
		{"long, elsewhere", []byte{sync, 0x01, 0xff, 0xff}, false, ot.No, ot.No},
	} {
		h := ot.Hint{Port: c.port, WireLen: len(c.b)}
		if v := probeDatagram(c.b, h); v != c.udp {
			t.Errorf("%s: datagram: %d, want %d", c.name, v, c.udp)
		}
		if v := probeStream(c.b, h); v != c.stream {
			t.Errorf("%s: stream: %d, want %d", c.name, v, c.stream)
		}
	}
}

// TestOnce: a station is told once a connection, also among several.
func TestOnce(t *testing.T) {
	var s ot.Session
	told := 0
	for i := range 20 {
		b := frame(t, frames[7].text)
		b[5] = byte(i % 4)
		for _, line := range ottest.Datagram(&Protocol, &s, b) {
			if strings.HasPrefix(line, "name=") {
				told++
			}
		}
	}
	if told != 4 {
		t.Errorf("told %d times", told)
	}
}

func TestDirections(t *testing.T) {
	for i, want := range map[int]ot.ClientSide{0: ot.ClientReceiver, 2: ot.ClientSender, 7: ot.ClientReceiver} {
		var s ot.Session
		ottest.Datagram(&Protocol, &s, frame(t, frames[i].text))
		if s.Client != want {
			t.Errorf("%s: client %d", frames[i].name, s.Client)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	for _, f := range frames {
		b := frame(t, f.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: stream: %v allocations", f.name, n)
		}
	}
}

func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path           string
		data, commands int
		fact           string
	}{
		{"c37-118-1pmu-udp.pcap", 356, 4, "192.168.0.60 name PMU1"},
		{"c37-118-1pmu-tcp.pcap", 252, 3, "192.168.0.241 name Blue PMU"},
		{"c37-118-4in1pmu-tcp.pcap", 1342, 8, "192.168.0.60 station 60"},
	} {
		r := ottest.Replay(t, filepath.Join(root, "synchrophasor", c.path), &Protocol)
		data := r.Sum(func(row ottest.Row) bool { return row.Code == "0" })
		commands := r.Sum(func(row ottest.Row) bool { return row.Code == "4" })
		if data != c.data || commands != c.commands || !r.Facts[c.fact] {
			t.Errorf("%s: %d data frames, %d commands, %v", c.path, data, commands, r.Facts)
		}
	}
}

// TestMidStream: a stream that is seen from the middle of a message, from one side,
// is read from the next segment that begins with one; bytes lost later cost the
// messages that they cut.
func TestMidStream(t *testing.T) {
	m := frame(t, frames[0].text)
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
	if len(Protocol.Table) != len(typeNames)+len(commands) {
		t.Errorf("%d rows", len(Protocol.Table))
	}
}

func FuzzStream(f *testing.F) {
	for _, e := range frames {
		f.Add(frame(f, e.text), 9)
	}
	ottest.Seeds("synchrophasor", true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		probeStream(b, ot.Hint{Port: cut&1 == 0})
		ottest.SameHoweverSplit(t, &Protocol, b, cut)
	})
}

func FuzzDatagram(f *testing.F) {
	for _, e := range frames {
		f.Add(frame(f, e.text), 0)
	}
	ottest.Seeds("synchrophasor", false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)
		probeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		Protocol.Datagram(&s, b)
		ottest.Told(&Protocol, &s)
	})
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
