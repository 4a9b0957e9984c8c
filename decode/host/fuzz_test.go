package host

import (
	"testing"

	"osect/decode/ot/ottest"
)

// check looks at what a payload told: bounded, about somebody, and the same again.
func check(t *testing.T, s *Session) {
	if len(s.Facts) > maxTold || len(s.Bindings) > maxTold {
		t.Fatalf("%d facts, %d bindings", len(s.Facts), len(s.Bindings))
	}
	for _, f := range s.Facts {
		if len(f.Value) == 0 || len(f.Value) > MaxValue || f.Source == "" || f.Kind >= NumKinds {
			t.Fatalf("%s %v: a value of %d bytes", f.Source, f.Kind, len(f.Value))
		}
	}
	for _, b := range s.Bindings {
		if b.MAC == 0 || b.IP.IsMAC() {
			t.Fatalf("%s is bound to %s", b.IP, b.MAC)
		}
	}
}

// FuzzDatagram shows any bytes to the decoder of a UDP port, from and to it.
func FuzzDatagram(f *testing.F) {
	for _, folder := range []string{"dhcp", "netbios", "discovery", "attack"} {
		ottest.Seeds(folder, false, 0, func(p []byte) {
			for port := range uint16(18) {
				f.Add(port, p)
			}
		})
	}
	ports := []uint16{67, 68, 546, 547, 137, 138, 5355, 5353, 53, 1900, 161, 162, 40000, 0, 88, 389, 3702, 1985}
	table := NewTable()
	f.Fuzz(func(t *testing.T, port uint16, p []byte) {
		if len(p) == 0 {
			return
		}
		x := ports[int(port)%len(ports)]
		for _, s := range []*Session{
			{Src: src, Dst: dst, SrcMAC: mac1, DstMAC: mac2, SrcPort: x, DstPort: x},
			{Src: ll, Dst: ll, SrcMAC: mac1, DstMAC: mac2, SrcPort: 547, DstPort: x},
		} {
			table.Datagram(s, p)
			check(t, s)
		}
	})
}

// FuzzPayload shows any bytes to the decoders of TCP ports.
func FuzzPayload(f *testing.F) {
	for _, folder := range []string{"netbios", "mixed", "attack", "os-fingerprint"} {
		ottest.Seeds(folder, true, 0, func(p []byte) { f.Add(uint16(445), true, p) })
	}
	ports := []uint16{21, 23, 25, 135, 139, 445, 80, 88, 389, 3389}
	table := NewTable()
	f.Fuzz(func(t *testing.T, port uint16, client bool, p []byte) {
		s := &Session{Src: src, Dst: dst, SrcMAC: mac1, DstPort: ports[int(port)%len(ports)], SrcPort: 1025, FromClient: client, Start: true}
		table.Payload(s, p)
		check(t, s)
		if n := Missing(p); n != 0 && n <= len(p) {
			t.Fatalf("%d bytes are missing of %d", n, len(p))
		}
	})
}

// FuzzFrame shows any bytes as LLDP, CDP and neighbour discovery.
func FuzzFrame(f *testing.F) {
	ottest.Seeds("discovery", false, 0x88cc, func(p []byte) { f.Add(uint8(0), p) })
	f.Add(uint8(1), h("02 b4 0000", "0001 0007'SW1'", "0006 0007'C29'"))
	f.Add(uint8(2), h("88 00 0000 60000000", "fd000000000000000000000000000001", "02 01 02aabbccddee"))
	f.Add(uint8(2), h("86 00 0000 40 00 0708 00000000 00000000", "03 04 40 c0 00278d00 00093a80 00000000 fd120000000000000000000000000000"))
	table := NewTable()
	f.Fuzz(func(t *testing.T, which uint8, p []byte) {
		s := &Session{Src: ll, Dst: ll, SrcMAC: mac1, TTL: 255}
		switch which % 3 {
		case 0:
			s.Src = mac1.Addr()
			table.Frame(s, 0x88cc, p)
		case 1:
			s.Src = mac1.Addr()
			table.SNAP(s, SNAP{0x00000c, 0x2000}, p)
		case 2:
			table.ICMP6(s, p)
		}
		check(t, s)
	})
}

// FuzzName reads any bytes as a DNS name: it ends, and within its bounds.
func FuzzName(f *testing.F) {
	f.Add([]byte("\x03mes\x03lan\x00\xc0\x00"), uint16(0))
	f.Add([]byte("\xc0\x02\xc0\x00"), uint16(2))
	f.Fuzz(func(t *testing.T, p []byte, off uint16) {
		name, next, ok := nameAt(nil, p, int(off))
		if len(name) > maxName || ok && (next <= int(off) || next > len(p)) {
			t.Fatalf("%d bytes, next %d", len(name), next)
		}
	})
}
