package ccief

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// A request to one station, by hand from the fact sheet: 143 bytes.
const request = `
	50 00             # request
	00 ff ff 03 00    # own network, own CPU
	86 00             # 134 bytes follow
	00 00             # no timer
	70 0e 00 00       # cyclic
	01 00 00 00       # version 1
	24 00             # the cyclic block is 36 behind the command
	00 00 00 00 00 00 00 00 00 00 00 00 00 00
	01 00             # master application runs
	00 00
	00 00 00 00 00 00 00 00 # no clock
	01 03 a8 c0       # master 192.168.3.1
	02 00             # group 2
	07 00             # frame 7
	f4 01 03 00       # time-out 500 ms, 3 losses
	0b 00             # parameter number 11
	01 00             # 1 station
	01 00 00 00       # which takes part
	02 03 a8 c0       # 192.168.3.2
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	00 00 00 00 00 00 00 00`

// Its answer: 131 bytes.
const answer = `
	d0 00
	00 ff ff 03 00
	7a 00             # 122 bytes follow
	00 00
	01 00             # version 1
	00 00             # end code
	28 00             # the cyclic block is 40 behind offset 11
	00 00 00 00 00 00 00 00 00 00 00 00 00 00
	34 12 00 00       # vendor 1234
	78 56 34 12       # model 12345678
	02 00 00 00       # version 2
	01 00             # slave application runs
	00 00 00 00 00 00
	02 03 a8 c0       # 192.168.3.2
	02 00             # group 2
	07 00             # frame 7
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
	00 00 00 00 00 00 00 00`

func with(t *testing.T, text string, off int, bytes ...byte) []byte {
	t.Helper()
	b := ottest.Bytes(t, text)
	copy(b[off:], bytes)
	return b
}

const identityLines = "\nvendor=CLPA vendor 0x1234\nmodel=model code 0x12345678\nfirmware=version 0x0002"

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name   string
		b      []byte
		want   string
		client ot.ClientSide
	}{
		{"request", with(t, request, 0), "request 0e70:0000 cyclic [cyclic] unit=group 2", ot.ClientSender},
		{"request of a stopped master", with(t, request, 35, 0),
			"request 0e70:0000 cyclic (master application stopped) [cyclic] unit=group 2", ot.ClientSender},
		{"request of a user-stopped master", with(t, request, 35, 2),
			"request 0e70:0000 cyclic (master application stopped) [cyclic] unit=group 2", ot.ClientSender},
		{"request of an unknown version", with(t, request, 19, 40),
			"request 0e70:0000 cyclic [cyclic]", ot.ClientSender},
		{"answer", with(t, answer, 0), "response 0e70:0000 cyclic [cyclic] unit=group 2 status=0000" + identityLines, ot.ClientReceiver},
		{"answer of a stopped slave", with(t, answer, 43, 0),
			"response 0e70:0000 cyclic (slave application stopped) [cyclic] unit=group 2 status=0000" + identityLines, ot.ClientReceiver},
		{"two masters", with(t, answer, 13, 0xe0, 0xcf), "error 0e70:0000 cyclic [cyclic] unit=group 2 status=cfe0" + identityLines, ot.ClientReceiver},
		{"slave disconnects", with(t, answer, 13, 0xff, 0xcf), "error 0e70:0000 cyclic [cyclic] unit=group 2 status=cfff" + identityLines, ot.ClientReceiver},
		{"error at the 3E place", with(t, "d0 00 00 ff ff 03 00 02 00 59 c0", 0), "error 0e70:0000 cyclic [cyclic] status=c059", ot.ClientReceiver},
		{"no codes set", with(t, answer, 31, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "response 0e70:0000 cyclic [cyclic] unit=group 2 status=0000", ot.ClientReceiver},
		{"another network", with(t, request, 2, 1), "", ot.ClientUnknown},
		{"another module", with(t, request, 4, 0xd0), "", ot.ClientUnknown},
		{"length", with(t, request, 7, 0x85), "", ot.ClientUnknown},
		{"4E", with(t, "54 00 01 00 00 00 00 ff ff 03 00 06 00 00 00 30 0e 00 00", 0), "", ot.ClientUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: port, DstPort: port}
			if got := strings.Join(ottest.Datagram(&Protocol, &s, c.b), "\n"); got != c.want || s.Client != c.client {
				t.Errorf("client %d, got %s\nwant %s", s.Client, got, c.want)
			}
			want := ot.No
			if c.want != "" {
				want = ot.Yes
			}
			if v := probeDatagram(c.b, ot.Hint{SrcPort: port, DstPort: port, Port: true, WireLen: len(c.b)}); v != want {
				t.Errorf("probe on the port: %d", v)
			}
			if v := probeDatagram(c.b, ot.Hint{SrcPort: 5010, DstPort: 5011, WireLen: len(c.b)}); v != ot.No {
				t.Errorf("probe elsewhere: %d", v)
			}
		})
	}
}

// TestLengths: the sheet's formulas for n stations and the header's length agree.
func TestLengths(t *testing.T) {
	if n := len(ottest.Bytes(t, request)); n != 67+76 {
		t.Errorf("request of %d bytes", n)
	}
	if n := len(ottest.Bytes(t, answer)); n != 59+72 {
		t.Errorf("answer of %d bytes", n)
	}
}

// TestCut: a frame cut by the snap length is told as far as it goes.
func TestCut(t *testing.T) {
	b := ottest.Bytes(t, request)
	s := ot.Session{WireLen: len(b)}
	Protocol.Datagram(&s, b[:48])
	if len(s.PDUs) != 1 || s.PDUs[0].HasUnit {
		t.Errorf("%+v", s.PDUs)
	}
}

// TestIdentityOnce: codes are told once, and again when they change.
func TestIdentityOnce(t *testing.T) {
	s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2)}
	b := ottest.Bytes(t, answer)
	for i, want := range []int{3, 0, 3} {
		if i == 2 {
			binary.LittleEndian.PutUint16(b[39:], 3)
		}
		ottest.Datagram(&Protocol, &s, b)
		if len(s.Facts) != want {
			t.Errorf("%d: %d facts", i, len(s.Facts))
		}
	}
	s.WireLen = len(b)
	if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCapture(t *testing.T) {
	r := ottest.Replay(t, filepath.Join(ottest.Shared(t), "cclink", "nttcom-cclink-fieldbasic-cclink-ief-basic-only.pcap"), &Protocol)
	requests := r.Sum(func(row ottest.Row) bool { return row.Direction == "request" && row.Code == "0e70:0000" })
	answers := r.Sum(func(row ottest.Row) bool { return row.Direction == "response" && row.Status == "0000" })
	if requests != 222 || answers != 222 || r.Sum(func(ottest.Row) bool { return true }) != 444 {
		t.Errorf("%d requests, %d answers: %v", requests, answers, r.Rows)
	}
}

func FuzzDatagram(f *testing.F) {
	f.Add(ottest.Bytes(f, request), 0)
	f.Add(ottest.Bytes(f, answer), 0)
	ottest.Seeds("cclink", false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), WireLen: len(b) + max(more, 0)}
		v := probeDatagram(b, ot.Hint{SrcPort: port, WireLen: s.WireLen})
		Protocol.Datagram(&s, b)
		if (v == ot.Yes) != (len(s.PDUs) == 1) {
			t.Errorf("probe %d, %d messages", v, len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}
