package named

import (
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// sealed appends a little-endian CRC to what it is over.
func sealed(p []byte, table *crcTable, init uint16) []byte {
	return binary.LittleEndian.AppendUint16(p, checksum(p, table, init))
}

// streams are messages written by hand; what they are sealed with is known good
// by the captures.
func streams(t testing.TB) map[*ot.Protocol]map[string]string {
	hex := func(text string) string { return string(ottest.Bytes(t, text)) }
	roc := string(sealed(ottest.Bytes(t, "01 02 03 04 07 00"), crc16, 0xffff))
	poll := string(sealed(ottest.Bytes(t, "fb 01"), crc16, 0xffff)) + "\xf6"
	escaped := string(sealed(ottest.Bytes(t, "f2 01 fb"), crc16, 0xffff))
	escaped = strings.Replace(escaped, "\xfb", "\xf0\x0b", 1) + "\xf6"
	frame := sealed(ottest.Bytes(t, "a0 07 03 21 93"), crcX25, 0xffff)
	for i := 5; i < 7; i++ {
		frame[i] = ^frame[i]
	}
	return map[*ot.Protocol]map[string]string{
		&ROC:     {roc: "request 7 operation 7 [other] unit=1"},
		&Genisys: {poll: "request fb message 0xfb [other] unit=1", escaped: "response f2 message 0xf2 [other] unit=1"},
		&DLMS:    {"\x7e" + string(frame) + "\x7e": "none hdlc HDLC frame [other]"},
		&Fox: {
			"fox a 1 -1 fox hello\n{\nstation.name=s:Site\napp.version=s:3.8\nid=i:1\n};;\n": "none hello hello [session]\nname=Site\nfirmware=3.8",
			"fox a 1 -1 fox challenge\n{\n};;\n":                                             "none challenge challenge [session]",
			"fox a 7 -1 sys ping\n{\n};;\n":                                                  "none  message [other]",
		},
		&C1222: {
			hex(`60 1e a2 08 06 06 2b 06 01 04 01 00 # called title
				a8 03 02 01 05 # invocation
				be 0d 28 0b 81 09 80 02 20 00 03 30 00 40 00 # two services`): "request 20 service 0x20 [other]\nrequest 30 service 0x30 [other]",
		},
	}
}

func TestStreams(t *testing.T) {
	for protocol, vectors := range streams(t) {
		for text, want := range vectors {
			b := []byte(text)
			if got := strings.Join(ottest.Stream(protocol, b), "\n"); got != want {
				t.Errorf("%s: %x: got %q, want %q", protocol.Name, b, got, want)
			}
			for _, port := range []bool{true, false} {
				if v := protocol.ProbeStream(b, ot.Hint{Port: port}); v != ot.Yes {
					t.Errorf("%s: %x: probe %d", protocol.Name, b, v)
				}
			}
			ottest.SameHoweverSplit(t, protocol, bytes.Repeat(b, 3), len(b)+3)
			if got := ottest.Stream(protocol, b[:len(b)-1]); len(got) != 0 {
				t.Errorf("%s: cut message told: %q", protocol.Name, got)
			}
			// One bit of the last byte that a checksum or a length covers.
			if protocol == &Fox || protocol == &C1222 {
				continue
			}
			wrong := bytes.Clone(b)
			wrong[len(b)-3] ^= 1
			if v := protocol.ProbeStream(wrong, ot.Hint{Port: true}); v == ot.Yes {
				t.Errorf("%s: %x: probe says yes", protocol.Name, wrong)
			}
		}
	}
}

// datagrams are UDP payloads.
func datagrams(t testing.TB) map[*ot.Protocol]map[string]string {
	hex := func(text string) string { return string(ottest.Bytes(t, text)) }
	bristol := sealed(ottest.Bytes(t, "01 eb 10 03"), crcX25, 0xffff)
	tri := sealed(ottest.Bytes(t, "05 00 0a 00 00 00 13 00 00 00 27 00 0a 00"), crc16, 0)
	return map[*ot.Protocol]map[string]string{
		&BSAP: {"\x10\x02\x01\xeb\x10\x10\x10\x03" + string(bristol[4:]): "none  BSAP message [other] unit=1"},
		&TriStation: {
			string(tri): "request 05:13 command 0x13 [other] unit=0",
			string(sealed([]byte{2, 0, 0, 0}, crc16, 0)): "response 02 message type 2 [session] unit=0",
		},
		&RTPS: {hex("'RTPS 02 01 01 03 00 01 02 03 04 05 06 07 08 09 0a 0b 09 01 08 00 00 00 00 00 00 00 00 00"): "none  RTPS message [cyclic]"},
		&SBus: {
			hex(`00 00 00 10 01 00 00 01 00 # 16 bytes, version 1, sequence 1, request
				0a 06 01 00 10 c6 2f       # station 10, command 6, CRC`): "request 06 command 0x06 [other] unit=10",
			hex("00 00 00 0f 01 00 00 01 01 00 00 12 34 41 a5"): "response response response [other]",
			hex("00 00 00 0d 01 00 00 02 02 00 00 6d 0d"):       "response ack acknowledgement [other]",
		},
	}
}

func TestDatagrams(t *testing.T) {
	for protocol, vectors := range datagrams(t) {
		for text, want := range vectors {
			b := []byte(text)
			if got := strings.Join(ottest.Datagram(protocol, new(ot.Session), b), "\n"); got != want {
				t.Errorf("%s: got %q, want %q", protocol.Name, got, want)
			}
			if v := protocol.ProbeDatagram(b, ot.Hint{WireLen: len(b)}); v != ot.Yes {
				t.Errorf("%s: %x: probe %d", protocol.Name, b, v)
			}
			if protocol == &RTPS {
				continue
			}
			b[len(b)-1] ^= 1
			if v := protocol.ProbeDatagram(b, ot.Hint{WireLen: len(b), Port: true}); v != ot.No {
				t.Errorf("%s: wrong checksum: probe %d", protocol.Name, v)
			}
		}
	}
	egd := ottest.Bytes(t, "0d 01 d4 f0 c0 a8 08 4d 7b 00 00 00 "+strings.Repeat("00 ", 24))
	if got := ottest.Datagram(&EGD, new(ot.Session), egd); got[0] != "none 0d data production (PDU type 0x0d) [cyclic] unit=123" {
		t.Errorf("%q", got)
	}
	if v := EGD.ProbeDatagram(egd, ot.Hint{WireLen: len(egd)}); v != ot.No {
		t.Error("EGD is known by its port only")
	}
}

// TestESIO: the connection is named, and nothing is told of it.
func TestESIO(t *testing.T) {
	b := ottest.Bytes(t, "'ESIO 00 01 00 00 00 31 76 16 00 00 00 18 00 00 00 0d 01 00 00 00")
	if v := ESIO.ProbeDatagram(b, ot.Hint{WireLen: len(b)}); v != ot.Yes {
		t.Errorf("probe %d", v)
	}
	if got := ottest.Datagram(&ESIO, new(ot.Session), b); len(got) != 0 {
		t.Errorf("told %q", got)
	}
	if v := ESIO.ProbeDatagram(b[:19], ot.Hint{WireLen: 19, Port: true}); v != ot.No {
		t.Errorf("cut: probe %d", v)
	}
	b[5] = 3
	if v := ESIO.ProbeDatagram(b, ot.Hint{WireLen: len(b), Port: true}); v != ot.No {
		t.Errorf("no type: probe %d", v)
	}
	path := filepath.Join(ottest.Shared(t), "saia/ethersio.pcap")
	if r := ottest.Replay(t, path, Protocols...); len(r.Recognised) != 1 || len(r.Rows) != 0 {
		t.Errorf("%d connections, %d rows", len(r.Recognised), len(r.Rows))
	}
}

func TestNotTaken(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"zeros", strings.Repeat("00 ", 16)},
		{"HTTP", "'GET 20 '/ 20 'HTTP/1.1 0d 0a 0d 0a"},
		{"LDAP", "30 0c 02 01 01 60 07 02 01 03 04 00 80 00"},
		{"a COSEM association", "60 1d a1 09 06 07 60 85 74 05 08 01 01 be 10 04 0e 01 00 00 00 06 5f 1f 04 00 00 1e 1d ff ff"},
		{"GENISYS acknowledgement alone", "f1 01 f6"},
		{"RTPS ping without submessage", "'RTPS 02 01 01 01 'NDDSPING"},
	} {
		b := ottest.Bytes(t, c.text)
		for _, p := range Protocols {
			if p.ProbeStream != nil && p.ProbeStream(b, ot.Hint{Port: true}) == ot.Yes ||
				p.ProbeDatagram != nil && p.ProbeDatagram(b, ot.Hint{Port: true, WireLen: len(b)}) == ot.Yes {
				t.Errorf("%s: %s says yes", c.name, p.Name)
			}
		}
	}
}

// TestGenisysIsNoROC: a GENISYS message whose data byte is the length that ROC Plus
// would have has a checksum where that looks for it.
func TestGenisysIsNoROC(t *testing.T) {
	b := append(sealed(ottest.Bytes(t, "f2 01 12 04 28 04 2a 04 2d 06"), crc16, 0xffff), 0xf6)
	if v := ROC.ProbeStream(b, ot.Hint{}); v != ot.No {
		t.Errorf("ROC Plus: %d", v)
	}
	if v := Genisys.ProbeStream(b, ot.Hint{}); v != ot.Yes {
		t.Errorf("GENISYS: %d", v)
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for protocol, vectors := range streams(t) {
		for text := range vectors {
			b := []byte(text)
			if n := testing.AllocsPerRun(50, func() { s.Reset(); protocol.Stream(&s, b) }); n != 0 {
				t.Errorf("%s: %v allocations", protocol.Name, n)
			}
		}
	}
}

// TestCaptures holds how many messages there are: every one but the bare pings of
// RTPS and the answers of C12.22.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path string
		n    int
	}{
		{"bsap/bsap-serial-example.pcapng", 2838}, {"genisys/genisys.pcap", 688}, {"tristation/malware-exec.pcapng", 896},
		{"ge/ndpi-pcap-egd.pcapng", 5}, {"fox/fox-info.pcap", 3}, {"c1222/c1222.pcapng", 6},
	} {
		r := ottest.Replay(t, filepath.Join(root, c.path), Protocols...)
		if n := r.Sum(func(ottest.Row) bool { return true }); n != c.n {
			t.Errorf("%s: %d messages, want %d", c.path, n, c.n)
		}
	}
}

func FuzzAll(f *testing.F) {
	for _, m := range []map[*ot.Protocol]map[string]string{streams(f), datagrams(f)} {
		for _, vectors := range m {
			for text := range vectors {
				f.Add([]byte(text), 5)
			}
		}
	}
	for _, folder := range []string{"roc-plus", "genisys", "dlms", "fox", "c1222"} {
		ottest.Seeds(folder, true, 0, func(b []byte) { f.Add(b, 30) })
	}
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		for _, p := range Protocols {
			h := ot.Hint{Port: cut&1 == 0, WireLen: len(b)}
			if p.ProbeStream != nil && len(b) > 0 {
				p.ProbeStream(b, h)
				ottest.SameHoweverSplit(t, p, b, cut)
			}
			if p.ProbeDatagram != nil && len(b) > 0 {
				p.ProbeDatagram(b, h)
				ottest.Datagram(p, new(ot.Session), b)
			}
		}
	})
}

func TestDialogues(t *testing.T) {
	for _, p := range Protocols {
		if p.Stream != nil {
			ottest.Dialogues(t, p, "testdata/"+p.Name+".txt")
		}
	}
}
