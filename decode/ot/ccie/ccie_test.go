package ccie

import (
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// frame14 is a frame of a type with nothing but its header: data type, node id 7,
// connection info, node type, source station 3, version, HEC.
func frame14(kind, version byte) []byte {
	return []byte{kind, 0, 0, 7, 0x13, 0x30, 0, 3, version, 0, 0xde, 0xad, 0xbe, 0xef}
}

// body is a frame of 60 bytes with some of them set.
func body(head []byte, set map[int]byte) []byte {
	b := append(head, make([]byte, 60-len(head))...)
	for off, v := range set {
		b[off] = v
	}
	return b
}

func told(t *testing.T, b []byte) string {
	t.Helper()
	s := ot.Session{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr(), WireLen: len(b)}
	ok := Protocol.Frame(&s, b)
	if ok != (len(s.PDUs) == 1) {
		t.Errorf("answer %v with %d messages", ok, len(s.PDUs))
	}
	return strings.Join(ottest.Told(&Protocol, &s), "\n")
}

// TestTypes: every frame type of the sheet by code, name, class, direction.
func TestTypes(t *testing.T) {
	const c, f = 0, 1 // byte 8: Control, Field
	for _, x := range []struct {
		kind, version byte
		want          string
	}{
		{0x00, c, "request 00 connect [session]"},
		{0x01, c, "response 01 connectAck [session]"},
		{0x02, c, "none 02 scan [session]"},
		{0x03, c, "none 03 collect [session]"},
		{0x04, c, "none 04 select [session]"},
		{0x05, c, "none 05 launch [session]"},
		{0x06, 9, "none 06 token [session]"}, // byte 8 is reserved in these
		{0x10, f, "none 10 persuasion [session]"},
		{0x11, f, "request 11 testData [other]"},
		{0x12, f, "response 12 testDataAck [other]"},
		{0x13, f, "request 13 setup [session]"},
		{0x14, f, "response 14 setupAck [session]"},
		{0x15, f, "none 15 tokenM [session]"},
		{0x15, c, "none 15 tokenM (Control) [session]"},
		{0x1c, f, "none 1c timer [other]"},
		{0x20, f, "none 20 myStatus [session]"},
		{0x22, f, "none 22 transient1 [other]"},
		{0x23, f, "response 23 transientAck [other]"},
		{0x24, c, "none 24 dummy [session]"},
		{0x25, f, "none 25 transient2 [other]"},
		{0x26, f, "none 26 ipTransient [other]"},
		{0x28, f, "none 28 paramCheck [read]"},
		{0x29, f, "none 29 parameter [control]"},
		{0x2f, c, "none 2f nTNTest [other]"},
		{0x40, f, "request 40 measure [other]"},
		{0x41, f, "response 41 measureAck [other]"},
		{0x42, f, "none 42 offset [other]"},
		{0x43, c, "none 43 update (Control) [other]"},
		{0x80, c, "none 80 cyclicDataW [cyclic]"},
		{0x81, c, "none 81 cyclicDataB [cyclic]"},
		{0x82, f, "none 82 cyclicDataRWw [cyclic]"},
		{0x83, f, "none 83 cyclicDataRY [cyclic]"},
		{0x84, f, "none 84 cyclicDataRWr [cyclic]"},
		{0x85, f, "none 85 cyclicDataRX [cyclic]"},
		{0x8c, c, "none 8c cyclicDataOut1 [cyclic]"},
		{0x8d, c, "none 8d cyclicDataOut2 [cyclic]"},
		{0x8e, c, "none 8e cyclicDataIn1 [cyclic]"},
		{0x8f, c, "none 8f cyclicDataIn2 [cyclic]"},
	} {
		got, _, _ := strings.Cut(told(t, frame14(x.kind, x.version)), "\n")
		if want := x.want + " unit=3"; got != want {
			t.Errorf("%02x: got %s, want %s", x.kind, got, want)
		}
	}
	if got, want := told(t, frame14(0x77, 1)), "none 77 unknown 0x77 [other]"; got != want {
		t.Errorf("unknown type: got %s, want %s", got, want)
	}
}

func TestTransients(t *testing.T) {
	for _, c := range []struct {
		name    string
		kind    byte
		version byte
		set     map[int]byte
		want    string
	}{
		{"SLMP request", 0x22, 1, map[int]byte{1: 5, 52: 0x30}, "request 22:05:30 transient1 slmpTransmit [other]"},
		{"SLMP response", 0x22, 1, map[int]byte{1: 5, 52: 0xb0}, "response 22:05:30 transient1 slmpTransmit [other]"},
		{"other CT", 0x22, 1, map[int]byte{1: 5, 52: 0x31}, "request 22:05:31 transient1 unknownCt31 [other]"},
		{"node information", 0x22, 1, map[int]byte{1: 7, 30: 1}, "request 22:07:01 transient1 deliverNodeInformation [identity]"},
		{"statistics response", 0x22, 1, map[int]byte{1: 7, 30: 3, 31: 0x80}, "response 22:07:03 transient1 getStatisticalInformation [read]"},
		{"detailed node information", 0x22, 1, map[int]byte{1: 7, 30: 4}, "request 22:07:04 transient1 acquiresDetailedNodeInformation [identity]"},
		{"optional information", 0x22, 1, map[int]byte{1: 7, 30: 10}, "request 22:07:0a transient1 acquiresOptionalInformation [read]"},
		{"other command", 0x22, 1, map[int]byte{1: 7, 30: 0x55}, "request 22:07:55 transient1 unknownCmd55 [other]"},
		{"cycle setting", 0x22, 1, map[int]byte{1: 8, 30: 1}, "request 22:08:01 transient1 communicationCycleSetting [control]"},
		{"object read", 0x22, 1, map[int]byte{1: 8, 30: 2}, "request 22:08:02 transient1 objectRead [read]"},
		{"object write", 0x22, 1, map[int]byte{1: 8, 30: 3}, "request 22:08:03 transient1 objectWrite [write]"},
		{"other data type", 0x22, 1, map[int]byte{1: 9, 30: 3}, "none 22 transient1 [other]"},
		{"Control has no commands", 0x22, 0, map[int]byte{1: 7, 30: 1}, "none 22 transient1 (Control) [other]"},
		{"memory access information", 0x25, 1, map[int]byte{36: 0x04}, "request 25:04 transient2 getMemoryAccessInfo [read]"},
		{"run", 0x25, 1, map[int]byte{36: 0x08}, "request 25:08 transient2 run [control]"},
		{"run answered", 0x25, 1, map[int]byte{36: 0x88}, "response 25:08 transient2 run [control]"},
		{"stop in Control", 0x25, 0, map[int]byte{36: 0x09}, "request 25:09 transient2 stop (Control) [control]"},
		{"read memory", 0x25, 1, map[int]byte{36: 0x10}, "request 25:10 transient2 readMemory [read]"},
		{"write memory", 0x25, 1, map[int]byte{36: 0x12}, "request 25:12 transient2 writeMemory [write]"},
		{"message transfer", 0x25, 1, map[int]byte{36: 0x20}, "request 25:20 transient2 messageTransfer [other]"},
		{"no message transfer in Control", 0x25, 0, map[int]byte{36: 0x20}, "none 25:20 transient2 unknownCt20 (Control) [other]"},
		{"unknown CT", 0x25, 1, map[int]byte{36: 0x99}, "none 25:99 transient2 unknownCt99 [other]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := told(t, body(frame14(c.kind, c.version), c.set)), c.want+" unit=3"; got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// TestNodes: node types are told with the station number, once.
func TestNodes(t *testing.T) {
	b := frame14(0x10, 1)
	if got := told(t, b); !strings.HasSuffix(got, "\nstation=master node 3") {
		t.Errorf("Field: %s", got)
	}
	b[8], b[5] = 0, 2
	if got := told(t, b); !strings.HasSuffix(got, "\nstation=normal node 3") {
		t.Errorf("Control: %s", got)
	}
	b[5] = 1
	if got := told(t, b); strings.Contains(got, "station=") {
		t.Errorf("unknown node type: %s", got)
	}
	s := ot.Session{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr(), WireLen: 14}
	b = frame14(0x20, 1)
	Protocol.Frame(&s, b)
	if n := testing.AllocsPerRun(100, func() {
		s.Reset()
		Protocol.Frame(&s, b)
		if len(s.Facts) != 0 {
			t.Error("told twice")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestOthers: frames of CC-Link IE TSN and frames without a whole header are
// not told.
func TestOthers(t *testing.T) {
	for _, b := range [][]byte{nil, {0x22}, frame14(0x22, 1)[:13], frame14(0x11, 2), frame14(0x12, 3),
		frame14(0xc0, 1), frame14(0xc5, 0)} {
		if got := told(t, b); got != "" {
			t.Errorf("%x: %s", b, got)
		}
	}
	// Cut by the snap length: the type is enough.
	s := ot.Session{WireLen: 60}
	if !Protocol.Frame(&s, []byte{0x25}) || len(s.PDUs) != 1 || s.PDUs[0].HasUnit {
		t.Errorf("cut: %+v", s.PDUs)
	}
}

func TestCapture(t *testing.T) {
	root := ottest.Shared(t)
	r := ottest.Replay(t, filepath.Join(root, "cclink", "nttcom-cclink-field-cclink-control-cc-link-ief.pcap"), &Protocol)
	all := func(ottest.Row) bool { return true }
	if n := r.Sum(all); n != 500 {
		t.Errorf("%d frames, want 500", n)
	}
	kinds := map[string]bool{}
	for row := range r.Rows {
		kinds[row.Code[:2]] = true
		if strings.HasPrefix(r.Names[row.Code], "unknown") || strings.Contains(r.Names[row.Code], "Control") {
			t.Errorf("%s: %s", row.Code, r.Names[row.Code])
		}
	}
	if len(kinds) != 22 {
		t.Errorf("%d frame types, want 22", len(kinds))
	}
	r = ottest.Replay(t, filepath.Join(root, "cclink", "nttcom-cclink-ie-tsn-noip-part1.pcap"), &Protocol)
	if n := r.Sum(all); n > 60 {
		t.Errorf("%d frames beside CC-Link IE TSN", n)
	}
}

func TestTable(t *testing.T) {
	if n := len(Protocol.Table); n != 38+len(commands)+len(cts)-1 {
		t.Errorf("%d rows", n)
	}
}

func FuzzFrame(f *testing.F) {
	for kind := range 256 {
		f.Add(body(frame14(byte(kind), 1), map[int]byte{1: 7}), 0)
	}
	ottest.Seeds("cclink", false, EtherType, func(b []byte) { f.Add(b, 0) })
	f.Fuzz(func(t *testing.T, b []byte, more int) {
		s := ot.Session{Src: decode.MAC(1).Addr(), Dst: decode.MAC(2).Addr(), WireLen: len(b) + max(more, 0)}
		if Protocol.Frame(&s, b) != (len(s.PDUs) == 1) {
			t.Errorf("%d messages", len(s.PDUs))
		}
		if len(s.PDUs) == 1 && TSN(b) {
			t.Error("a frame of two protocols")
		}
		ottest.Told(&Protocol, &s)
	})
}
