package registry

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// everywhere gives p to every probe and decoder of a protocol, fresh, as if its port
// were and were not there, from either side.
func everywhere(proto *ot.Protocol, p []byte, wire int) {
	for _, port := range []bool{false, true} {
		h := ot.Hint{Port: port, WireLen: wire, SrcPort: 50000, DstPort: 50001}
		if port {
			if len(proto.UDPPorts) > 0 {
				h.DstPort = proto.UDPPorts[0]
			}
			if len(proto.TCPPorts) > 0 {
				h.DstPort = proto.TCPPorts[0]
			}
		}
		if proto.ProbeDatagram != nil && len(p) > 0 {
			proto.ProbeDatagram(p, h)
		}
		if proto.ProbeStream != nil && len(p) > 0 {
			proto.ProbeStream(p, h)
		}
		s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: h.SrcPort, DstPort: h.DstPort, WireLen: wire, FromClient: port}
		if proto.Datagram != nil && len(p) > 0 {
			proto.Datagram(&s, p)
			texts(proto, &s)
		}
		if proto.Frame != nil {
			s.Src, s.Dst, s.State = decode.MAC(1).Addr(), decode.MAC(2).Addr(), nil
			proto.Frame(&s, p)
			texts(proto, &s)
		}
		if proto.Stream != nil && len(p) > 0 {
			c := ottest.Conn{Protocol: proto}
			c.Session.SrcPort, c.Session.DstPort = h.SrcPort, h.DstPort
			c.Push(0, p, func(s *ot.Session) { texts(proto, s) })
			c.Push(1, p, func(s *ot.Session) { texts(proto, s) })
			s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: h.SrcPort, DstPort: h.DstPort, FromClient: port}
			for range 2 { // the second time with what the first left
				s.Cut = true
				proto.Stream(&s, p)
				texts(proto, &s)
			}
		}
	}
}

// texts makes all texts of what was told.
func texts(proto *ot.Protocol, s *ot.Session) {
	for _, pdu := range s.PDUs {
		_ = proto.Function(pdu.Code)
		_ = pdu.Class.String() + pdu.Direction.String()
		if pdu.HasStatus {
			_ = proto.Status(pdu.Status)
			if proto.StatusName != nil {
				_ = proto.StatusName(pdu.Status)
			}
		}
		if pdu.HasUnit {
			_ = proto.Unit(pdu.Unit)
		}
	}
	s.Reset()
}

// TestShort: nothing at all, each single byte, and each pair of equal bytes harm
// no decoder.
func TestShort(t *testing.T) {
	for _, proto := range Protocols {
		everywhere(proto, nil, 0)
		everywhere(proto, nil, 1400)
		for b := range 256 {
			p := []byte{byte(b), byte(b)}
			everywhere(proto, p[:1], 1)
			everywhere(proto, p, 1400)
		}
	}
}

// TestCut: the payloads of all captures, cut anywhere in their first bytes and with
// lengths that promise more, harm no decoder, whichever protocol they are of.
func TestCut(t *testing.T) {
	seen := map[string]bool{}
	for _, path := range ottest.Captures(t) {
		folder := filepath.Base(filepath.Dir(path))
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) {
			// The beginning stands for the kind of message; a thousand and some of them do.
			key := fmt.Sprintf("%s %x", folder, p[:min(len(p), 6)])
			if seen[key] || len(seen) >= 1500 {
				return
			}
			seen[key] = true
			for _, proto := range Protocols {
				for n := 1; n <= min(len(p), 72); n += 1 + n/24 {
					everywhere(proto, p[:n:n], len(p))
				}
				everywhere(proto, p[:len(p):len(p)], len(p))
			}
		})
	}
	t.Logf("%d payloads", len(seen))
}

// TestShardsShareNothing: several workers decode at once; what a decoder remembers
// belongs to its session. (The race detector says more: go test -race.)
func TestShardsShareNothing(t *testing.T) {
	type sample struct {
		p   []byte
		tcp bool
	}
	var samples []sample
	seen := map[string]bool{}
	for _, path := range ottest.Captures(t, "enip", "modbus", "s7comm", "bacnet", "opcua", "iiot", "ads", "hart-ip", "fins", "knx") {
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) {
			if key := string(p[:min(len(p), 12)]); !seen[key] && len(samples) < 3000 {
				seen[key] = true
				samples = append(samples, sample{p, tcp})
			}
		})
	}
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for _, s := range samples {
				for _, proto := range Protocols {
					everywhere(proto, s.p, len(s.p))
				}
			}
		})
	}
	wg.Wait()
}
