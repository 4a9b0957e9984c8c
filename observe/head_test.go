package observe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
)

// longHello is a TLS ClientHello with a server name behind a key share of n bytes, as post-quantum ones have.
func longHello(n int) []byte {
	be := binary.BigEndian.AppendUint16
	ext := func(b []byte, typ int, e []byte) []byte { return append(be(be(b, uint16(typ)), uint16(len(e))), e...) }
	e := ext(nil, 51, make([]byte, n))
	name := "plant.example"
	e = ext(e, 0, append(be(append(be(nil, uint16(len(name)+3)), 0), uint16(len(name))), name...))
	m := append([]byte{3, 3}, make([]byte, 33)...)                  // version, random, no session
	m = append(m, 0, 2, 0x13, 0x01, 1, 0)                           // one cipher suite, no compression
	m = append(be(m, uint16(len(e))), e...)                         // extensions
	m = append([]byte{1, 0, byte(len(m) >> 8), byte(len(m))}, m...) // ClientHello
	return append(be([]byte{22, 3, 1}, uint16(len(m))), m...)
}

// TestHeadsOverSegments: a hello, and the head of HTTP, that one segment does not end are read when their rest has come.
func TestHeadsOverSegments(t *testing.T) {
	hello := longHello(1700)
	get := []byte("GET /" + strings.Repeat("a", 1500) + " HTTP/1.1\r\nHost: plc.example\r\nUser-Agent: Panel/1\r\n\r\n")
	tls := []string{"ja3", "ja4", "sni plant.example"}
	web := []string{"http-host plc.example", "user-agent Panel/1"}
	type piece struct{ from, to int }
	for _, c := range []struct {
		name   string
		b      []byte
		pieces []piece
		want   []string
	}{
		{"hello in one", hello, []piece{{0, len(hello)}}, tls},
		{"hello in two", hello, []piece{{0, 1448}, {1448, len(hello)}}, tls},
		{"hello behind an alert, in two", append([]byte{21, 3, 3, 0, 2, 1, 112}, hello...), []piece{{0, 1448}, {1448, 7 + len(hello)}}, tls},
		{"hello, the record's head by itself", hello, []piece{{0, 5}, {5, 1000}, {1000, len(hello)}}, tls},
		{"hello, a segment sent again", hello, []piece{{0, 1448}, {0, 1448}, {1000, len(hello)}}, tls},
		{"hello, a hole", hello, []piece{{0, 1000}, {1448, len(hello)}}, nil},
		{"hello, never ended", hello, []piece{{0, 1448}}, nil},
		{"hello in too many", hello, func() (p []piece) {
			for i := 0; i < len(hello); i += 100 {
				p = append(p, piece{i, min(i+100, len(hello))})
			}
			return p
		}(), nil},
		{"hello that is too long", longHello(maxHead), []piece{{0, 1448}, {1448, maxHead}, {maxHead, maxHead + 100}}, nil},
		{"request in two", get, []piece{{0, 1448}, {1448, len(get)}}, web},
		{"request, cut in a line", get, []piece{{0, len(get) - 8}, {len(get) - 8, len(get)}}, web},
		{"no request", bytes.ReplaceAll(get, []byte("GET /"), []byte("GETS/")), []piece{{0, 1448}, {1448, len(get)}}, nil},
	} {
		n := newNet(t)
		for _, p := range c.pieces {
			n.frame(tcp(client, server, 40000, 8888, 100+uint32(p.from), 1, decode.ACK, c.b[p.from:p.to]))
		}
		n.finish()
		var got []string
		for _, m := range n.got {
			for _, f := range m.Facts {
				if f.Kind == "ja3" || f.Kind == "ja4" {
					f.Value = ""
				}
				got = append(got, strings.TrimSpace(fmt.Sprint(f.Kind, " ", f.Value)))
			}
		}
		if slices.Sort(got); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestHeadsAreBounded: connections that begin hellos and never end them take the place of each other, counted; one that comes
// later on the same ports begins anew.
func TestHeadsAreBounded(t *testing.T) {
	s := NewShard(NewTables([]*ot.Protocol{toy}))
	const start = 1_700_000_000e9
	hello := longHello(1700)
	send := func(i int, seq uint32, flags byte, b []byte) {
		s.Frame(decode.LinkEthernet, start+int64(i), tcp(client, server, uint16(20000+i), 8888, seq, 1, flags, b), uint32(54+len(b)), FrameRef{0, int64(i)}, false)
	}
	for i := range 3 * maxHeads {
		send(i, 100, decode.ACK, hello[:1448])
	}
	b := s.bucketFor(MinuteOf(start))
	if len(s.heads.all) != maxHeads || b.counters.Dropped[DropFacts] != 2*maxHeads {
		t.Errorf("%d wait, %d dropped; want %d and %d", len(s.heads.all), b.counters.Dropped[DropFacts], maxHeads, 2*maxHeads)
	}
	last := 3*maxHeads - 1
	send(last, 1<<30, decode.SYN, nil) // closes the connection before
	send(last, 1<<30+1449, decode.ACK, hello[1448:])
	if len(b.facts) != 1 || b.facts[0].Kind != "tcp-syn" {
		t.Errorf("the rest of a hello of another connection was joined: %v", b.facts)
	}
	send(last-1, 100+1448, decode.ACK, hello[1448:])
	if len(b.facts) != 4 {
		t.Errorf("a hello that still waited: %v", b.facts)
	}
}
