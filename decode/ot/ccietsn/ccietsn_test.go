package ccietsn

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ccie"
	"osect/decode/ot/ottest"
)

func frameOf(kind byte, n int, set map[int]byte) []byte {
	b := make([]byte, n)
	b[0] = kind
	for off, v := range set {
		b[off] = v
	}
	return b
}

// ack is a detectionAck of station 02:00:00:00:00:05 (fact sheet, section 3).
func ack(version, node, device, bits1, bits2 byte) []byte {
	n := 186
	if version == 1 {
		n = 202
	}
	return frameOf(detectionAck, n, map[int]byte{2: node, 3: version, 6: 2, 11: 5, 129: device, 174: bits1, 182: bits2})
}

func TestFrames(t *testing.T) {
	for _, c := range []struct {
		name   string
		b      []byte
		want   string
		client ot.ClientSide
	}{
		{"priority", frameOf(priority, 46, nil), "none c0 acyclicPriority [session]", ot.ClientUnknown},
		{"detection", frameOf(detection, 46, nil), "request c1 acyclicDetection Ver.0 [identity]", ot.ClientSender},
		{"detection, version 1", frameOf(detection, 46, map[int]byte{4: 1}), "request c1 acyclicDetection Ver.1 [identity]", ot.ClientSender},
		{"answer", ack(0, 1, 2, 0x67, 0), "response c2 acyclicDetectionAck Ver.0 [identity]\nstation=slave station, personal computer, functions srwcl", ot.ClientReceiver},
		{"answer, version 1, flag in the node type", ack(1, 0x81, 3, 0x66, 0xbd),
			"response c2 acyclicDetectionAck Ver.1 [identity]\nstation=slave station, digital I/O, functions srwcvpdiIR", ot.ClientReceiver},
		{"answer of an unknown device type", ack(0, 0, 0x99, 0, 0), "response c2 acyclicDetectionAck Ver.0 [identity]\nstation=master station", ot.ClientReceiver},
		{"answer of a prohibited node type", ack(0, 3, 1, 0, 0), "response c2 acyclicDetectionAck Ver.0 [identity]", ot.ClientReceiver},
		{"answer cut", ack(0, 1, 2, 0x67, 0)[:182], "response c2 acyclicDetectionAck Ver.0 [identity]", ot.ClientReceiver},
		{"data", frameOf(acyclicData, 46, nil), "none c3 acyclicData [other]", ot.ClientUnknown},
		{"cyclic of the master", frameOf(cyclicM, 46, nil), "none c4 cyclicM/cyclicMs [cyclic]", ot.ClientUnknown},
		{"cyclic of a slave", frameOf(cyclicS, 46, nil), "none c5 cyclicS/cyclicSs [cyclic]", ot.ClientUnknown},
		{"test data", frameOf(testData, 46, map[int]byte{7: 4, 8: 2}), "request 11 acyclicTestData [other] unit=4", ot.ClientSender},
		{"test data, TSN and Field", frameOf(testDataAck, 46, map[int]byte{7: 4, 8: 3}), "response 12 acyclicTestDataAck [other] unit=4", ot.ClientReceiver},
		{"test data of Field", frameOf(testData, 46, map[int]byte{8: 1}), "", ot.ClientUnknown},
		{"Field", frameOf(0x22, 46, map[int]byte{8: 2}), "", ot.ClientUnknown},
		{"beyond the types", frameOf(0xc6, 46, nil), "", ot.ClientUnknown},
		{"short", frameOf(cyclicM, 13, nil), "", ot.ClientUnknown},
		{"empty", nil, "", ot.ClientUnknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := ot.Session{Src: decode.MAC(0x020000000005).Addr(), Dst: decode.MAC(2).Addr(), WireLen: len(c.b)}
			ok := Protocol.Frame(&s, c.b)
			if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != c.want || ok != (c.want != "") || s.Client != c.client {
				t.Errorf("client %d, got %s\nwant %s", s.Client, got, c.want)
			}
			if n := testing.AllocsPerRun(10, func() { s.Reset(); Protocol.Frame(&s, c.b) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// TestAckOfAnother: identity is told only where the answer names its sender.
func TestAckOfAnother(t *testing.T) {
	b := ack(0, 1, 2, 0x67, 0)
	s := ot.Session{Src: decode.MAC(9).Addr(), Dst: decode.MAC(2).Addr(), WireLen: len(b)}
	if !Protocol.Frame(&s, b) || len(s.Facts) != 0 {
		t.Errorf("%d facts", len(s.Facts))
	}
}

func TestManagement(t *testing.T) {
	const head = "00 01 00 00 00 00 ff ff 03 00 00 00 00 06 00 "
	for _, c := range []struct{ name, text, want string }{
		{"network", "68" + head + "00 00 90 0e 00 00", "request 0e90:0000 networkConfigMain [control]"},
		{"network, answer", "e8" + head + "00 00 90 0e 00 00", "response 0e90:0000 networkConfigMain [control]"},
		{"time slots", "68" + head + "00 00 90 0e 01 00", "request 0e90:0001 networkConfigTslt [control]"},
		{"master", "68" + head + "00 00 91 0e 00 00", "request 0e91:0000 masterConfig [control]"},
		{"slave refuses", "e8" + head + "59 c0 92 0e 00 00", "error 0e92:0000 slaveConfig [control]"},
		{"cyclic", "68" + head + "00 00 93 0e 00 00", "request 0e93:0000 cyclicConfigMain [control]"},
		{"cyclic, transmit", "68" + head + "00 00 93 0e 01 00", "request 0e93:0001 cyclicConfigTrnSubPayload [control]"},
		{"cyclic, receive", "68" + head + "00 00 93 0e 02 00", "request 0e93:0002 cyclicConfigRcvSubPayload [control]"},
		{"cyclic, source", "68" + head + "00 00 93 0e 03 00", "request 0e93:0003 cyclicConfigRcvSrcInfo [control]"},
		{"notification", "e8" + head + "00 00 94 0e 00 00", "response 0e94:0000 notification [other]"},
		{"another command", "68" + head + "00 00 30 0e 00 00", "request 0e30:0000 Node Search [identity]"},
		{"length", "68" + head + "00 00 90 0e 00 00 00", ""},
		{"4E", "54 00 01 00 00 00 00 ff ff 03 00 06 00 00 00 90 0e 00 00", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := ottest.Bytes(t, c.text)
			s := ot.Session{SrcPort: 45239, DstPort: 45238}
			got := strings.Join(ottest.Datagram(&Protocol, &s, b), "\n")
			switch {
			case c.want == "" && got != "":
				t.Errorf("got %s", got)
			case !strings.HasPrefix(got, c.want):
				t.Errorf("got %s, want %s", got, c.want)
			case strings.HasPrefix(c.want, "error") && !strings.HasSuffix(got, "status=c059"):
				t.Errorf("got %s", got)
			}
			// Elsewhere only its own commands are.
			elsewhere := probeDatagram(b, ot.Hint{WireLen: len(b)}) == ot.Yes
			if want := c.want != "" && c.name != "another command"; elsewhere != want {
				t.Errorf("elsewhere: %v", elsewhere)
			}
			s.WireLen = len(b)
			if n := testing.AllocsPerRun(10, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	r := ottest.Replay(t, filepath.Join(root, "cclink", "nttcom-cclink-tsn-slmp-part1.pcap"), &Protocol)
	requests := r.Sum(func(row ottest.Row) bool { return row.Direction == "request" })
	answers := r.Sum(func(row ottest.Row) bool { return row.Direction == "response" })
	if requests != 3762 || answers != 538 {
		t.Errorf("%d requests, %d answers; want 3762, 538", requests, answers)
	}
	// Types 11 and 12 are shared with Field and Control.
	r = ottest.Replay(t, filepath.Join(root, "cclink", "nttcom-cclink-ie-tsn-noip-part1.pcap"), &Protocol, &ccie.Protocol)
	if n := r.Sum(func(ottest.Row) bool { return true }); n != 240 {
		t.Errorf("%d frames, want 240", n)
	}
	if n := r.Sum(func(row ottest.Row) bool { return row.Protocol == Protocol.Name }); n != 180 {
		t.Errorf("%d frames of CC-Link IE TSN, want 180", n)
	}
	facts := ""
	for fact := range r.Facts {
		facts += fact + "\n"
	}
	if !strings.Contains(facts, "slave station, digital I/O, functions srwcvpdiIR") {
		t.Errorf("facts: %s", facts)
	}
}

func TestTable(t *testing.T) {
	if len(Protocol.Table) != len(types)+len(managementNames) {
		t.Errorf("%d rows", len(Protocol.Table))
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(ack(1, 1, 2, 0x67, 0xbd), 0)
	f.Add(frameOf(testData, 46, map[int]byte{8: 2}), 0)
	ottest.Seeds("cclink", false, ccie.EtherType, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		s := ot.Session{Src: decode.MAC(0x020000000005).Addr(), Dst: decode.MAC(2).Addr(), WireLen: len(b) + max(more, 0)}
		if Protocol.Frame(&s, b) != (len(s.PDUs) == 1) {
			t.Errorf("%d messages", len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}

func FuzzDatagram(f *testing.F) {
	f.Add(ottest.Bytes(f, "68 00 01 00 00 00 00 ff ff 03 00 00 00 00 06 00 00 00 90 0e 00 00"), uint16(45238))
	ottest.Seeds("cclink", false, 0, func(b []byte) { f.Add(b, uint16(45239)) })
	f.Fuzz(func(t *testing.T, b []byte, port uint16) {
		s := ot.Session{SrcPort: port, WireLen: len(b)}
		v := probeDatagram(b, ot.Hint{SrcPort: port, WireLen: len(b)})
		Protocol.Datagram(&s, b)
		if (v == ot.Yes) != (len(s.PDUs) == 1) {
			t.Errorf("probe %d, %d messages", v, len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}
