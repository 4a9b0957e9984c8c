package ottest

import (
	"testing"

	"osect/decode/ot"
)

// FuzzStream holds a protocol over TCP against hostile bytes: its probe does not crash, and a
// stream tells the same however it is split. Seeds are messages, all of them in a row,
// and what the shared captures of the folder hold.
func FuzzStream(f *testing.F, protocol *ot.Protocol, folder string, seeds [][]byte) {
	var all []byte
	for _, b := range seeds {
		f.Add(b, 9)
		all = append(all, b...)
	}
	f.Add(all, 50)
	Seeds(folder, true, 0, func(b []byte) { f.Add(b, 30) })
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		if len(b) > 0 {
			protocol.ProbeStream(b, ot.Hint{Port: cut&1 == 0})
		}
		SameHoweverSplit(t, protocol, b, cut)
	})
}

// FuzzDatagram does so with the datagrams of a protocol, whole and cut short.
func FuzzDatagram(f *testing.F, protocol *ot.Protocol, folder string, seeds [][]byte) {
	for _, b := range seeds {
		f.Add(b, 0)
	}
	Seeds(folder, false, 0, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)%65536
		protocol.ProbeDatagram(b, ot.Hint{WireLen: s.WireLen, Port: more&1 == 0})
		for range 2 {
			protocol.Datagram(&s, b)
		}
		Told(protocol, &s)
	})
}

// FuzzFrame does so with the frames of a protocol below IP, of which each is one message or none.
func FuzzFrame(f *testing.F, protocol *ot.Protocol, folder string, etherType uint16, seeds [][]byte) {
	for _, b := range seeds {
		f.Add(b, 0)
	}
	Seeds(folder, false, etherType, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		var s ot.Session
		s.WireLen = len(b) + max(more, 0)%65536
		if ok := protocol.Frame(&s, b); ok != (len(s.PDUs) == 1) {
			t.Errorf("%v with %d messages", ok, len(s.PDUs))
		}
		Told(protocol, &s)
	})
}
