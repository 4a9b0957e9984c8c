package registry

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// perProtocol is how many kinds of payload of each TCP protocol are tried.
const perProtocol = 60

// codes are what a stream fed in pieces tells, by function code, and how many bytes
// it refused.
func codes(proto *ot.Protocol, port uint16, c *ottest.Conn, dir int, pieces ...[]byte) (told []string) {
	c.Session.Src, c.Session.Dst = decode.IPv4(1), decode.IPv4(2)
	c.Session.SrcPort, c.Session.DstPort = port, 50000
	for _, p := range pieces {
		c.Push(dir, p, func(s *ot.Session) {
			for _, pdu := range s.PDUs {
				told = append(told, proto.Function(pdu.Code).Code)
			}
		})
	}
	return told
}

// TestStreams takes segments of the captures that are whole messages of a TCP
// protocol by themselves, in each of which the connection is known from the first byte
// of one direction alone (the other is never seen), and holds what they tell against
//
//   - the same segment in three pieces, and byte by byte;
//   - two of it in one;
//   - a connection that begins in the middle of one;
//   - one behind lost bytes.
func TestStreams(t *testing.T) {
	samples := map[string][][]byte{}
	ports := map[string][]uint16{}
	for _, path := range ottest.Captures(t) {
		heads := map[string]bool{}
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) {
			key := string(p[:min(len(p), 8)])
			if !tcp || heads[key] || len(heads) > 400 || len(p) < 4 {
				return
			}
			heads[key] = true
			for _, proto := range Protocols {
				if proto.ProbeStream == nil || len(samples[proto.Name]) >= perProtocol {
					continue
				}
				h.Port = slices.Contains(proto.TCPPorts, h.SrcPort) || slices.Contains(proto.TCPPorts, h.DstPort)
				if proto.ProbeStream(p, h) != ot.Yes {
					continue
				}
				c := ottest.Conn{Protocol: proto}
				if told := codes(proto, h.SrcPort, &c, 0, p); len(told) == 0 || c.Dropped > 0 {
					continue
				}
				// Whole messages only: more of them are told the same way.
				c = ottest.Conn{Protocol: proto}
				once := codes(proto, h.SrcPort, &c, 0, p)
				if again := codes(proto, h.SrcPort, &c, 0, p); c.Dropped > 0 || !slices.Equal(once, again) {
					continue
				}
				samples[proto.Name] = append(samples[proto.Name], slices.Clone(p))
				ports[proto.Name] = append(ports[proto.Name], h.SrcPort)
				return
			}
		})
	}
	for _, proto := range Protocols {
		if proto.ProbeStream == nil {
			continue
		}
		t.Run(proto.Name, func(t *testing.T) {
			if len(samples[proto.Name]) == 0 {
				t.Skip("absent: no capture of it")
			}
			late := 0
			for i, p := range samples[proto.Name] {
				port := ports[proto.Name][i]
				want := codes(proto, port, &ottest.Conn{Protocol: proto}, 0, p)
				hold := func(what string, got, want []string) {
					if !slices.Equal(got, want) {
						t.Errorf("%x\n%s: %s\nwant %s", p[:min(len(p), 64)], what, strings.Join(got, " "), strings.Join(want, " "))
					}
				}
				a, b := len(p)/3, len(p)*2/3
				hold("in pieces", codes(proto, port, &ottest.Conn{Protocol: proto}, 0, p[:a], p[a:b], p[b:]), want)
				var single [][]byte
				for i := range p {
					single = append(single, p[i:i+1])
				}
				hold("byte by byte", codes(proto, port, &ottest.Conn{Protocol: proto}, 0, single...), want)
				hold("two in one", codes(proto, port, &ottest.Conn{Protocol: proto}, 0, append(slices.Clone(p), p...)), append(slices.Clone(want), want...))
				c := ottest.Conn{Protocol: proto}
				codes(proto, port, &c, 0, p[:len(p)-1])
				c.Lose(0)
				hold("behind lost bytes", codes(proto, port, &c, 0, p), want)
				// What stands in the middle of a message may be read as one itself, or wait
				// for more: most are back in step with the second segment.
				c = ottest.Conn{Protocol: proto}
				codes(proto, port, &c, 0, p[3:], p)
				if got := codes(proto, port, &c, 0, p); !slices.Equal(got, want) {
					late++
				}
			}
			if n := len(samples[proto.Name]); late*4 > n {
				t.Errorf("%d of %d are not read again after a beginning in the middle", late, n)
			}
			t.Log(fmt.Sprint(len(samples[proto.Name]), " kinds of segment, ", late, " not in step again"))
		})
	}
}
