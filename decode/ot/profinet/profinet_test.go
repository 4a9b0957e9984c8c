package profinet

import (
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frames are written by hand from the fact sheet. Each is what stands behind the
// EtherType.
var frames = []struct{ name, text, want string }{
	{"identify all", `
		fe fe                    # DCP identify request
		05 00 00 00 00 07        # identify, request, transaction 7
		00 01 00 04              # delay, 4 bytes of blocks
		ff ff 00 00              # all`,
		"request dcp:05 DCP identify [identity]"},
	{"identify, answer", `
		fe ff 05 01 00 00 00 07 00 00 00 2a
		02 02 00 07 00 00 'pump1 00        # name of station, padded
		02 01 00 0a 00 00 'S7-1500 20      # type of station
		02 03 00 06 00 00 00 2a 01 0d      # vendor 42, device
		05 04 00 00`, "response dcp:05 DCP identify [identity]\nname=pump1\nmodel=S7-1500\nvendor=Siemens"},
	{"get, answer of another vendor", "fe fd 03 01 00 00 00 08 00 00 00 0a 02 03 00 06 00 00 01 0c 00 01",
		"response dcp:03 DCP get [identity]\nvendor=PROFINET vendor 0x010c"},
	{"get not supported", "fe fd 03 05 00 00 00 08 00 00 00 00", "error dcp:03 DCP get [identity]"},
	{"hello", "fe fc 06 00 00 00 00 01 00 00 00 08 02 02 00 04 00 00 'p1", "request dcp:06 DCP hello [identity]\nname=p1"},
	{"set name", "fe fd 04 00 00 00 00 09 00 00 00 08 02 02 00 04 00 01 'p2", "request dcp:04 DCP set, name of station [control]"},
	{"set IP in a transaction", `
		fe fd 04 00 00 00 00 09 00 00 00 1e
		05 01 00 02 00 00                                     # start
		01 02 00 0e 00 01 c0 a8 00 05 ff ff ff 00 c0 a8 00 01 # address, mask, gateway
		05 02 00 02 00 00                                     # end`,
		"request dcp:04 DCP set, IP parameter [control]"},
	{"set signal", "fe fd 04 00 00 00 00 09 00 00 00 08 05 03 00 04 00 00 01 00", "request dcp:04 DCP set, signal [write]"},
	{"factory reset", "fe fd 04 00 00 00 00 09 00 00 00 06 05 05 00 02 00 00", "request dcp:04 DCP set, factory reset [control]"},
	{"reset to factory", "fe fd 04 00 00 00 00 09 00 00 00 06 05 06 00 02 00 02", "request dcp:04 DCP set, reset to factory [control]"},
	{"set of an option without a name", "fe fd 04 00 00 00 00 09 00 00 00 06 80 01 00 02 00 00", "request dcp:04 DCP set, option 80/01 [control]"},
	{"set done", "fe fd 04 01 00 00 00 09 00 00 00 08 05 04 00 03 02 02 00 00", "response dcp:04 DCP set [control] status=00"},
	{"set refused", "fe fd 04 01 00 00 00 09 00 00 00 08 05 04 00 03 02 02 05 00", "error dcp:04 DCP set [control] status=05"},
	{"block longer than its frame", "fe ff 05 01 00 00 00 07 00 00 00 0c 02 02 00 ff 00 00 'pump", "response dcp:05 DCP identify [identity]\nname=pump"},
	{"unknown service", "fe fd 09 00 00 00 00 09 00 00 00 00", "request dcp:09 DCP unknown 0x09 [other]"},
	{"half a DCP head", "fe fe 05 00 00 00", ""},
	{"cyclic, class 1", "c0 00 01 02 03 04 12 34 35 00", "none rt:c000 RT class 1 cyclic [cyclic]"},
	{"cyclic, class 2", "80 00 01 02 03 04 12 34 35 00", "none rt:8000 RT class 2 cyclic [cyclic]"},
	{"cyclic, class 3", "01 00 01 02 03 04 12 34 35 00", "none rt:0100 RT class 3 cyclic [cyclic]"},
	{"alarm high", "fc 01 00 01 00 02", "none rt:fc01 alarm high [other]"},
	{"alarm low", "fe 01 00 01 00 02", "none rt:fe01 alarm low [other]"},
	{"PTCP sync", "00 80 00 00", "none rt:0080 PTCP sync [cyclic]"},
	{"PTCP delay", "ff 40 00 00", "none rt:ff40 PTCP delay [cyclic]"},
	{"reserved", "fd 00 00 00", "none rt:fd00 reserved frame id [other]"},
}

func TestFrames(t *testing.T) {
	for _, f := range frames {
		t.Run(f.name, func(t *testing.T) {
			b := ottest.Bytes(t, f.text)
			var s ot.Session
			if !Protocol.Frame(&s, b) {
				t.Error("not taken for PROFINET")
			}
			if got := strings.Join(ottest.Told(&Protocol, &s), "\n"); got != f.want {
				t.Errorf("got %s\nwant %s", got, f.want)
			}
			for n := range b {
				s.Reset()
				if Protocol.Frame(&s, b[:n]) != (n >= 2) {
					t.Errorf("%d bytes: taken", n)
				}
			}
		})
	}
}

// call makes an RPC packet: type, operation number, interface, arguments and
// blocks, with the head's numbers in the given order.
func call(tb testing.TB, little bool, typ byte, op uint16, to byte, text string) []byte {
	tb.Helper()
	b := make([]byte, rpcHead)
	b[0], b[1] = rpcVersion, typ
	if little {
		b[4] = littleEndian
		copy(b[interfaceAt:], interfaceLittle)
		b[interfaceAt] = to
		binary.LittleEndian.PutUint16(b[opnumAt:], op)
	} else {
		copy(b[interfaceAt:], interfaceBig)
		b[interfaceAt+3] = to
		binary.BigEndian.PutUint16(b[opnumAt:], op)
	}
	return append(b, ottest.Bytes(tb, text)...)
}

// args are good arguments: status 0 (or the most of a request), lengths.
const args = "00 00 00 00 00 01 00 00 00 01 00 00 00 00 00 00 00 01 00 00 "

// readBlock is the block of a read in slot 0 of index AFF0.
const readBlock = `80 09 00 3c 01 00 00 01
	00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f # AR
	00 00 00 00 00 00 00 01 00 00                   # API, slot, subslot
	af f0 00 00 00 3c                               # index, length
	00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
`

const im0 = `00 20 00 38 01 00
	01 0c                                      # vendor
	'ORDER-42 20 20 20 20 20 20 20 20 20 20 20 20
	'SN0001 20 20 20 20 20 20 20 20 20 20
	00 03 56 02 01 05                          # hardware 3, software V2.1.5
	00 00 00 00 00 03 01 01 00 0e`

var calls = []struct {
	name   string
	little bool
	typ    byte
	op     uint16
	to     byte
	text   string
	want   string
}{
	{"connect", false, rpcRequest, opConnect, 1, args + `
		01 01 00 3e 01 00            # AR request
		00 01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00 01
		02 00 00 00 00 01            # initiator's MAC
		de a0 00 00 6c 97 11 d1 82 71 00 01 00 01 00 2a
		00 00 00 11 02 58 88 92
		00 08 'plc-main`, "request io:00 IO connect [session]\nname=plc-main"},
	{"connect refused", true, rpcResponse, opConnect, 1, "05 42 81 db 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
		"error io:00 IO connect [session] status=db814205"},
	{"release", true, rpcRequest, opRelease, 1, args, "request io:01 IO release [session]"},
	{"write", false, rpcRequest, opWrite, 1, args, "request io:03 IO write [write]"},
	{"control, parameter end", true, rpcRequest, opControl, 1, args + "01 10 00 1c 01 00", "request io:04 IO control, parameter end [write]"},
	{"control, answer", true, rpcResponse, opControl, 1, args + "81 10 00 1c 01 00", "response io:04 IO control, parameter end [write] status=00000000"},
	{"control of the controller", false, rpcRequest, opControl, 2, args + "01 12 00 1c 01 00", "request io:04 IO control, application ready [write]"},
	{"read of another index", false, rpcResponse, opRead, 1, args + strings.Replace(readBlock, "af f0", "80 2a", 1) + im0,
		"response io:02 IO read [read] status=00000000"},
	{"I&M0", false, rpcResponse, opRead, 1, args + readBlock + im0,
		"response io:02 IO read, I&M0 [identity] status=00000000\nvendor=PROFINET vendor 0x010c\nmodel=ORDER-42\nserial=SN0001\nfirmware=V2.1.5"},
	{"I&M0 of a module", true, rpcResponse, opReadImplicit, 1, args + strings.Replace(readBlock, "00 00 00 00 00 00 00 01", "00 00 00 00 00 02 00 01", 1) + im0,
		"response io:05 IO read implicit, I&M0 [identity] status=00000000"},
	{"unknown operation", false, rpcRequest, 9, 1, args, "request io:09 IO unknown 0x09 [other]"},
	{"no arguments", false, rpcResponse, opRead, 1, "", "response io:02 IO read [read]"},
	{"ping", false, 1, 0, 1, "", ""},
	{"fault", false, 3, 0, 1, "1c 01 00 03", ""},
}

func TestCalls(t *testing.T) {
	for _, c := range calls {
		t.Run(c.name, func(t *testing.T) {
			b := call(t, c.little, c.typ, c.op, c.to, c.text)
			if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), b), "\n"); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
			if v := probeDatagram(b, ot.Hint{}); v != ot.Yes {
				t.Errorf("verdict %d", v)
			}
			for n := range b {
				ottest.Datagram(&Protocol, new(ot.Session), b[:n])
			}
		})
	}
}

// TestFragments: a call in fragments is counted once.
func TestFragments(t *testing.T) {
	var s ot.Session
	for i := range uint16(3) {
		b := call(t, false, rpcRequest, opWrite, 1, args)
		b[2] = flagFragment
		binary.BigEndian.PutUint16(b[fragmentAt:], i)
		if got := ottest.Datagram(&Protocol, &s, b); (len(got) > 0) != (i == 0) {
			t.Errorf("fragment %d: %q", i, got)
		}
	}
}

func TestProbe(t *testing.T) {
	good := call(t, false, rpcRequest, opRead, 1, args)
	for name, change := range map[string]func([]byte) []byte{
		"version 5":          func(b []byte) []byte { b[0] = 5; return b },
		"type 11":            func(b []byte) []byte { b[1] = 11; return b },
		"another interface":  func(b []byte) []byte { b[interfaceAt+15]++; return b },
		"interface 5":        func(b []byte) []byte { b[interfaceAt+3] = 5; return b },
		"interface 0":        func(b []byte) []byte { b[interfaceAt+3] = 0; return b },
		"another byte order": func(b []byte) []byte { b[4] = littleEndian; return b },
		"short":              func(b []byte) []byte { return b[:rpcHead-1] },
	} {
		b := change(append([]byte(nil), good...))
		if v := probeDatagram(b, ot.Hint{Port: true, WireLen: len(b)}); v != ot.No {
			t.Errorf("%s: verdict %d", name, v)
		}
		if got := ottest.Datagram(&Protocol, new(ot.Session), b); len(got) > 0 {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestDirections(t *testing.T) {
	for _, c := range []struct {
		typ, to byte
		want    ot.ClientSide
	}{
		{rpcRequest, 1, ot.ClientSender}, {rpcResponse, 1, ot.ClientReceiver}, {rpcRequest, 2, ot.ClientUnknown},
	} {
		var s ot.Session
		ottest.Datagram(&Protocol, &s, call(t, false, c.typ, opControl, c.to, args))
		if s.Client != c.want {
			t.Errorf("type %d, interface %d: client %d", c.typ, c.to, s.Client)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	s.Src, s.Dst = decode.IPv4(1), decode.IPv4(2)
	for _, f := range frames {
		b := ottest.Bytes(t, f.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Frame(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", f.name, n)
		}
	}
	for _, c := range calls {
		b := call(t, c.little, c.typ, c.op, c.to, c.text)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Datagram(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path, code string
		count      int
		fact       string
	}{
		{"1-click-attack.pcap", "dcp:04", 1, "ac:64:17:21:35:cf name et200sp"},
		{"changeipusingdcp.pcap", "dcp:04", 2, "08:00:06:93:cf:32 vendor Siemens"},
		{"profinet-rt.pcap", "dcp:05", 14, ""},
		{"profinet-io-cm-connect.pcapng", "io:00", 326, ""},
		{"profinet-io-cm-mixed-1.pcap", "rt:c000", 56, ""},
	} {
		r := ottest.Replay(t, filepath.Join(root, "profinet", c.path), &Protocol)
		if n := r.Sum(func(row ottest.Row) bool { return row.Code == c.code }); n != c.count {
			t.Errorf("%s: %d of %s", c.path, n, c.code)
		}
		if c.fact != "" && !r.Facts[c.fact] {
			t.Errorf("%s: no %q in %v", c.path, c.fact, r.Facts)
		}
	}
}

func TestStatus(t *testing.T) {
	for s, want := range map[uint32][2]string{
		statusDCP | 6: {"06", "in operation, set not possible"}, 0: {"00000000", "ok"}, 0xde80b000: {"de80b000", "IO read response"},
	} {
		if got := [2]string{status(s), statusName(s)}; got != want {
			t.Errorf("%x: %q", s, got)
		}
	}
}

func FuzzFrame(f *testing.F) {
	for _, e := range frames {
		f.Add(ottest.Bytes(f, e.text))
	}
	ottest.Seeds("profinet", false, 0x8892, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var s ot.Session
		if took := Protocol.Frame(&s, b); took != (len(b) >= 2) || len(s.PDUs) > 1 {
			t.Errorf("taken %v, %d messages", took, len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}

func FuzzDatagram(f *testing.F) {
	for _, c := range calls {
		f.Add(call(f, c.little, c.typ, c.op, c.to, c.text))
	}
	ottest.Seeds("profinet", false, 0, func(b []byte) { f.Add(b) })
	f.Fuzz(func(t *testing.T, b []byte) {
		var s ot.Session
		probeDatagram(b, ot.Hint{WireLen: len(b)})
		Protocol.Datagram(&s, b)
		if len(s.PDUs) > 1 {
			t.Errorf("%d messages in a datagram", len(s.PDUs))
		}
		ottest.Told(&Protocol, &s)
	})
}
