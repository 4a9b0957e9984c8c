package main

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestEncodersMakeTheBytesOfTheSheets holds encoders against frames written
// out by hand, field by field.
func TestEncodersMakeTheBytesOfTheSheets(t *testing.T) {
	slmp := func(c slmpCall, dialect string) [2][]byte { q, a := c.frames(dialect, 0x1234); return [2][]byte{q, a} }
	pair := func(q, a []byte) [2][]byte { return [2][]byte{q, a} }
	read := slmpRead(100, []uint16{0x1122, 0x3344})
	bad := read
	bad.end = 0xc059
	for _, c := range []struct {
		name      string
		got       [2][]byte
		req, resp string
		text      bool
	}{
		{"3E read D100 x2", slmp(read, "3E"),
			// sub-header, route, length 12, timer 16, 0401, 0000, head 100, D, points 2
			"5000 00ffff0300 0c00 1000 0104 0000 640000 a8 0200",
			"d000 00ffff0300 0600 0000 2211 4433", false},
		{"3E error repeats route and command", slmp(bad, "3E"),
			"5000 00ffff0300 0c00 1000 0104 0000 640000 a8 0200",
			"d000 00ffff0300 0b00 59c0 00ffff0300 0104 0000", false},
		{"4E carries the serial number", slmp(read, "4E"),
			"5400 3412 0000 00ffff0300 0c00 1000 0104 0000 640000 a8 0200",
			"d400 3412 0000 00ffff0300 0600 0000 2211 4433", false},
		{"3E ASCII", slmp(read, "3E-ascii"),
			"500000FF03FF000018001004010000D*0001000002", "D00000FF03FF00000C000011223344", true},
		{"3E remote STOP", slmp(slmpRemote(0x1002), "3E"),
			"5000 00ffff0300 0800 1000 0210 0000 0100", "d000 00ffff0300 0200 0000", false},
		{"1E read words", pair(slmp1E(1, 100, []uint16{0x1122})),
			"01 ff 1000 64000000 2044 01 00", "81 00 2211", false},
		{"1E write words", pair(slmp1E(3, 100, []uint16{0x1122})),
			"03 ff 1000 64000000 2044 01 00 2211", "83 00", false},
		{"FINS read DM 5 x1", pair(finsRead(5, []uint16{0x1122}).frames(10, 20, 7)),
			"80 00 02 00 14 00 00 0a 00 07 0101 82 0005 00 0001",
			"c0 00 02 00 0a 00 00 14 00 07 0101 0000 1122", false},
		{"FINS/TCP envelope", pair(finsTCP(0, []byte{0, 0, 0, 0}), finsTCP(2, []byte{1, 2, 3})),
			"46494e53 0000000c 00000000 00000000 00000000", "46494e53 0000000b 00000002 00000000 010203", false},
		{"Modbus read", pair(modbusRead(3, 16, []uint16{7}).frames(2)),
			"0002 0000 0006 01 03 0010 0001", "0002 0000 0005 01 03 02 0007", false},
		{"Modbus exception", pair(modbusCall{fn: 3, unit: 1, data: []byte{0, 0, 0, 1}, except: 2}.frames(3)),
			"0003 0000 0006 01 03 0000 0001", "0003 0000 0003 01 83 02", false},
	} {
		for i, want := range []string{c.req, c.resp} {
			w := []byte(want)
			if !c.text {
				w = unhex(t, want)
			}
			if !bytes.Equal(c.got[i], w) {
				t.Errorf("%s [%d]:\n got %x\nwant %x", c.name, i, c.got[i], w)
			}
		}
	}
}

// TestFieldBasicLengths holds the two length rules: 67+76n and 131 bytes.
func TestFieldBasicLengths(t *testing.T) {
	for n := 1; n <= 16; n++ {
		ids := make([]ip4, n)
		for i := range ids {
			ids[i] = ip4{192, 168, 3, byte(10 + i)}
		}
		b := ciefbRequest(ip4{192, 168, 3, 39}, ids, 1, 0x0201, 0, true, 0x0e70)
		if len(b) != 67+76*n || int(b[7])|int(b[8])<<8 != len(b)-9 {
			t.Errorf("n=%d: %d bytes, length field %d", n, len(b), int(b[7])|int(b[8])<<8)
		}
		if !bytes.Equal(b[11:13], []byte{0x70, 0x0e}) || !bytes.Equal(b[47:51], []byte{39, 3, 168, 192}) || !bytes.Equal(b[67:71], []byte{10, 3, 168, 192}) || b[53] != 1 || b[54] != 2 {
			t.Errorf("n=%d: command, master, slave or sequence in the wrong place: %x", n, b[:71])
		}
	}
	if b := ciefbResponse(ip4{192, 168, 3, 10}, 1, 5, 0xcfe0); len(b) != 131 || b[13] != 0xe0 || b[14] != 0xcf || b[57] != 5 {
		t.Errorf("response: %x", b)
	}
}

func TestChecksumOfTheRFCsExample(t *testing.T) {
	// RFC 1071, section 3: 00 01 f2 03 f4 f5 f6 f7 sums to ddf2.
	if c := checksum(0, []byte{0, 1, 0xf2, 3, 0xf4, 0xf5, 0xf6, 0xf7}); c != ^uint16(0xddf2) {
		t.Errorf("%04x", c)
	}
	for n := range 70 {
		b := bytes.Repeat([]byte{0xff, 0xfe, 3}, 30)[:n]
		if checksum(0xffff, b) != sum16([]byte{0xff, 0xff}, b) {
			t.Errorf("%d bytes", n)
		}
	}
}
