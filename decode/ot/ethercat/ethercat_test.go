package ethercat

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frames are written by hand from the fact sheet. Each is what stands behind
// the EtherType.
var frames = []struct{ name, text, want string }{
	{"broadcast read", `
		0e 10                   # 14 bytes, type 1
		07 02                   # BRD, index 2
		00 00 30 01             # position 0, register 0130
		02 00 00 00 00 00 00 00 # 2 bytes, no interrupts, data, working counter`,
		"request 07 BRD broadcast read [read]"},
	{"two datagrams", `
		1e 10
		0c 01 00 00 00 01 04 80 00 00 01 02 03 04 03 00  # LRW, another follows
		04 02 e9 03 30 01 02 00 00 00 08 00 01 00        # FPRD of station 1001`,
		"none 0c LRW logical read write [cyclic]\nrequest 04 FPRD configured address read [read] unit=1001"},
	{"state request", "0e 10 05 01 e9 03 20 01 02 00 00 00 03 00 00 00", "request 05 FPWR configured address write, AL control [control] unit=1001"},
	{"station address", "0e 10 02 01 ff ff 10 00 02 00 00 00 e9 03 00 00", "request 02 APWR auto increment write, station address [control]"},
	{"EEPROM read command", "12 10 05 01 e9 03 02 05 06 00 00 00 00 01 08 00 00 00 00 00", "request 05 FPWR configured address write [write] unit=1001"},
	{"EEPROM write command", "12 10 05 01 e9 03 02 05 06 00 00 00 01 02 08 00 00 00 00 00", "request 05 FPWR configured address write, EEPROM [control] unit=1001"},
	{"file write request", `
		1c 10
		05 01 e9 03 00 10 10 00 00 00  # FPWR, mailbox at 1000, 16 bytes
		0a 00 00 00 00 14              # mailbox: 10 bytes, file access, counter 1
		02 00 00 00 00 00 'fw.x        # write, password 0, name
		00 00`, "request 05 FPWR configured address write, file write [control] unit=1001"},
	{"distributed clock", "10 10 0e 01 e9 03 10 09 04 00 00 00 00 00 00 00 00 00", "none 0e FRMW configured read multiple write [cyclic] unit=1001"},
	{"logical write, whose address is no register's", "0e 10 0b 01 00 00 20 01 02 00 00 00 03 00 00 00", "request 0b LWR logical write [write]"},
	{"unknown command", "0c 10 1f 01 00 00 00 00 00 00 00 00 00 00", "request 1f unknown 0x1f [other]"},
	{"padding is not read", "0c 10 00 01 00 00 00 00 00 00 00 00 00 00 07 00 00 00 00 00 00 00 00 00 00 00 00 00", "request 00 NOP no operation [other]"},
	{"cut data", "20 10 05 01 e9 03 20 01 14 80 00 00 03", "request 05 FPWR configured address write, AL control [control] unit=1001"},
	{"network variables", "0c 40 00 01 00 00 00 00 00 00 00 00 00 00", ""},
}

// TestStations: what comes back from the EEPROM and the mailbox of a station.
func TestStations(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"EEPROM, vendor and product asked for and read", `
			2a 10
			05 01 e9 03 02 05 06 80 00 00 00 01 08 00 00 00 01 00  # FPWR 0502: read, word 0008
			04 02 e9 03 08 05 08 00 00 00 02 00 00 00 52 2c 4c 04 01 00  # FPRD 0508: 8 bytes`,
			"1001 vendor 00000002, 1001 product 044c2c52"},
		{"EEPROM, all registers at once", `
			1a 10 04 01 ea 03 02 05 0e 00 00 00 00 00 0c 00 00 00 00 00 11 00 07 00 00 00 01 00`,
			"1002 revision 00110000, 1002 serial 00000007"},
		{"EEPROM, data of another station", `
			26 10
			05 01 e9 03 02 05 06 80 00 00 00 01 08 00 00 00 01 00
			04 02 ea 03 08 05 04 00 00 00 02 00 00 00 01 00`, ""},
		{"EEPROM, a word that identifies nothing", `
			26 10
			05 01 e9 03 02 05 06 80 00 00 00 01 40 00 00 00 01 00
			04 02 e9 03 08 05 04 00 00 00 02 00 00 00 01 00`, ""},
		{"SDO 1018:4, expedited", `
			1c 10 04 01 e9 03 80 10 10 00 00 00
			0a 00 00 00 00 13 # mailbox: 10 bytes, CoE
			00 30 43 18 10 04 # SDO response, upload, expedited with size
			39 30 00 00 01 00`, "1001 serial 00003039"},
		{"SDO 1008, text behind its size", `
			22 10 04 01 e9 03 80 10 16 00 00 00
			10 00 00 00 00 13
			00 30 41 08 10 00 06 00 00 00 'EL1008
			01 00`, "1001 name EL1008"},
		{"SDO 100A, text of four, expedited", `
			1c 10 04 01 e9 03 80 10 10 00 00 00 0a 00 00 00 00 13 00 30 43 0a 10 00 '02.1 01 00`, "1001 firmware 02.1"},
		{"SDO 1008, size over the mailbox", `
			1c 10 04 01 e9 03 80 10 10 00 00 00 0a 00 00 00 00 13 00 30 41 08 10 00 ff ff ff ff 01 00`, ""},
		{"SDO request", `
			1c 10 04 01 e9 03 80 10 10 00 00 00 0a 00 00 00 00 13 00 20 40 18 10 04 00 00 00 00 01 00`, ""},
		{"mailbox cut", `1c 10 04 01 e9 03 80 10 10 00 00 00 0a 00 00 00 00 13 00 30 43 18 10`, ""},
	} {
		b := ottest.Bytes(t, c.text)
		b[0] = byte(len(b) - 2)
		facts := func(src decode.MAC) string {
			s := session(src)
			Protocol.Frame(s, b)
			var told []string
			for _, f := range s.Facts {
				told = append(told, string(f.Value))
			}
			return strings.Join(told, ", ")
		}
		if got := facts(0x02144f000001); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if got := facts(0x00144f000001); got != "" {
			t.Errorf("%s: the master's frame tells %q", c.name, got)
		}
	}
}

func session(src decode.MAC) *ot.Session {
	s := new(ot.Session)
	s.Src, s.Dst = src.Addr(), decode.MAC(0xffffffffffff).Addr()
	return s
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			s := session(0x00144f000001)
			if !Protocol.Frame(s, b) {
				t.Error("not taken for EtherCAT")
			}
			if got := strings.Join(ottest.Told(&Protocol, s), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			// The same, back from the slaves: their mark is in the source's address.
			s = session(0x02144f000001)
			Protocol.Frame(s, b)
			if got := strings.Join(ottest.Told(&Protocol, s), "\n"); got != strings.ReplaceAll(f.want, "request", "response") {
				t.Errorf("back: got %s", got)
			}
			for n := range b {
				Protocol.Frame(session(1), b[:n])
			}
		})
	}
}

func TestNoFrames(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "one byte": "0e", "type 0": "0e 00 07 02 00 00 30 01 02 00 00 00 00 00 00 00",
		"no datagram": "00 10", "half a datagram": "0e 10 07 02 00 00",
	} {
		s := session(1)
		if Protocol.Frame(s, ottest.Bytes(t, text)) || len(s.PDUs) > 0 {
			t.Errorf("%s: taken for EtherCAT", name)
		}
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text string
		port       bool
		want       ot.Verdict
	}{
		{"frame", frames[0].text, false, ot.Yes},
		{"two datagrams", frames[1].text, false, ot.Yes},
		{"unknown command", frames[9].text, true, ot.No},
		{"padding on the port", frames[10].text, true, ot.Yes},
		{"padding elsewhere", frames[10].text, false, ot.No},
		{"network variables", frames[12].text, true, ot.No},
		{"length over the datagram", "0f 10 07 02 00 00 30 01 02 00 00 00 00 00 00 00", true, ot.No},
		{"datagram over the length", "0e 10 07 02 00 00 30 01 03 00 00 00 00 00 00 00", true, ot.No},
		{"another announced that is not there", "0e 10 07 02 00 00 30 01 02 80 00 00 00 00 00 00", true, ot.No},
		{"reserved bits", "0e 10 07 02 00 00 30 01 02 10 00 00 00 00 00 00", true, ot.No},
		{"short", "0e", true, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		if v := probeDatagram(b, ot.Hint{Port: c.port, WireLen: len(b)}); v != c.want {
			t.Errorf("%s: %d, want %d", c.name, v, c.want)
		}
	}
	b := ottest.Bytes(t, frames[0].text)
	if v := probeDatagram(b, ot.Hint{Port: true, WireLen: len(b) + 1}); v != ot.No {
		t.Errorf("cut datagram: %d", v)
	}
	if got := ottest.Datagram(&Protocol, new(ot.Session), b); !slices.Equal(got, []string{frames[0].want}) {
		t.Errorf("datagram: %q", got)
	}
}

func TestNoAllocations(t *testing.T) {
	s := session(1)
	for _, f := range frames {
		b := ottest.Bytes(t, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Frame(s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
}

func TestCaptures(t *testing.T) {
	r := ottest.Replay(t, filepath.Join(ottest.Shared(t), "ethercat", "ethercat-part1.pcap"), &Protocol)
	n := r.Sum(func(row ottest.Row) bool { return row.Code == "07" })
	answers := r.Sum(func(row ottest.Row) bool { return row.Direction == "response" })
	if n != 602 || answers != 2580 {
		t.Errorf("%d broadcast reads, %d answers", n, answers)
	}
}

func TestTable(t *testing.T) {
	if len(Protocol.Table) != 15+6*4 {
		t.Errorf("%d rows", len(Protocol.Table))
	}
}

func FuzzFrame(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text))
	}
	ottest.Seeds("ethercat", false, 0x88a4, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		s := session(1)
		probeDatagram(b, ot.Hint{WireLen: len(b)})
		if took := Protocol.Frame(s, b); !took && len(s.PDUs) > 0 {
			t.Error("told without being taken")
		}
		if len(s.PDUs) > len(b)/(datagramHead+counterLen)+1 {
			t.Errorf("%d messages in %d bytes", len(s.PDUs), len(b))
		}
		ottest.Told(&Protocol, s)
	})
}
