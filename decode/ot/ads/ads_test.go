package ads

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// vectors are AMS messages written by hand.
var vectors = []struct{ name, text, want string }{
	{"read device info", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 01 00 04 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `,
		"request 0001 ReadDeviceInfo [identity] unit=192.168.1.8.1.1:851"},
	{"device info", `00 00 38 00 00 00 # length
 c0 a8 01 08 01 01 01 80 # target, port
 c0 a8 01 63 01 01 53 03 # source, port
 01 00 05 00 18 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 00 00 00 00 02 0b 3b 08 'PLC 20 'Server 00 00 00 00 00 00`,
		"response 0001 ReadDeviceInfo [identity] unit=192.168.1.99.1.1:851 status=00000000\nvendor=Beckhoff\nmodel=PLC Server\nfirmware=2.11.2107"},
	{"read %M", `00 00 2c 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 02 00 04 00 0c 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 20 40 00 00 00 00 00 00 02 00 00 00`,
		"request 0002 Read (PLC memory %M) [read] unit=192.168.1.8.1.1:851"},
	{"read, done", `00 00 2a 00 00 00 # length
 c0 a8 01 08 01 01 01 80 # target, port
 c0 a8 01 63 01 01 53 03 # source, port
 02 00 05 00 0a 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 00 00 00 00 02 00 00 00 34 12`,
		"response 0002 Read [read] unit=192.168.1.99.1.1:851 status=00000000"},
	{"write by handle", `00 00 2d 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 03 00 04 00 0d 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 05 f0 00 00 01 00 00 00 01 00 00 00 01`,
		"request 0003 Write (value by handle) [write] unit=192.168.1.8.1.1:851"},
	{"write, wrong size", `00 00 24 00 00 00 # length
 c0 a8 01 08 01 01 01 80 # target, port
 c0 a8 01 63 01 01 53 03 # source, port
 03 00 05 00 04 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 05 07 00 00`,
		"error 0003 Write [write] unit=192.168.1.99.1.1:851 status=00000705"},
	{"write to the system service", `00 00 2c 00 00 00 # length
 c0 a8 01 08 01 01 10 27 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 03 00 04 00 0c 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 c8 00 00 00 01 00 00 00 00 00 00 00`,
		"request 0003 Write (registry) [control] unit=192.168.1.8.1.1:10000"},
	{"target port not found", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 01 80 # target, port
 c0 a8 01 63 01 01 53 03 # source, port
 04 00 05 00 00 00 00 00 06 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `,
		"error 0004 ReadState [read] unit=192.168.1.99.1.1:851 status=00000006"},
	{"write control: stop", `00 00 28 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 05 00 04 00 08 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 06 00 00 00 00 00 00 00`,
		"request 0005 WriteControl [control] unit=192.168.1.8.1.1:851"},
	{"add notification", `00 00 2c 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 06 00 04 00 0c 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 20 40 00 00 00 00 00 00 02 00 00 00`,
		"request 0006 AddNotification [read] unit=192.168.1.8.1.1:851"},
	{"notification", `00 00 24 00 00 00 # length
 c0 a8 01 08 01 01 01 80 # target, port
 c0 a8 01 63 01 01 53 03 # source, port
 08 00 04 00 04 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 00 00 00 00`,
		"request 0008 Notification [cyclic] unit=192.168.1.99.1.1:851"},
	{"handle by name", `00 00 34 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 09 00 04 00 14 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 03 f0 00 00 00 00 00 00 04 00 00 00 04 00 00 00 41 2e 42 00`,
		"request 0009 ReadWrite (handle by name) [read] unit=192.168.1.8.1.1:851"},
	{"sum write", `00 00 30 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 09 00 04 00 10 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 81 f0 00 00 01 00 00 00 04 00 00 00 04 00 00 00`,
		"request 0009 ReadWrite (sum write) [write] unit=192.168.1.8.1.1:851"},
	{"open a file", `00 00 30 00 00 00 # length
 c0 a8 01 08 01 01 10 27 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 09 00 04 00 10 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 78 00 00 00 01 00 00 00 04 00 00 00 04 00 00 00`,
		"request 0009 ReadWrite (file) [control] unit=192.168.1.8.1.1:10000"},
	{"120 is no file of the PLC", `00 00 30 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 09 00 04 00 10 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 78 00 00 00 01 00 00 00 04 00 00 00 04 00 00 00`,
		"request 0009 ReadWrite [read] unit=192.168.1.8.1.1:851"},
	{"unknown command", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 20 00 04 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `,
		"request 0020 unknown 0x0020 [other] unit=192.168.1.8.1.1:851"},
}

// datagrams are UDP messages written by hand.
var datagrams = []struct{ name, text, want string }{
	{"get info", `03 66 14 71 00 00 00 00 01 00 00 00 c0 a8 01 63 01 01 10 27 00 00 00 00`,
		"request udp:1 get info [identity] unit=192.168.1.99.1.1:10000"},
	{"info", `03 66 14 71 00 00 00 00 01 00 00 80 05 0d 75 60 01 01 10 27 02 00 00 00  05 00 05 00 'CX_1 00  03 00 04 00 02 0b b4 08`,
		"response udp:1 get info [identity] unit=5.13.117.96.1.1:10000\nvendor=Beckhoff\nname=CX_1\nmodel=TwinCAT\nfirmware=2.11.2228"},
	{"add route", `03 66 14 71 00 00 00 00 06 00 00 00 c0 a8 01 63 01 01 10 27 01 00 00 00 0d 00 02 00 'a 00`,
		"request udp:6 add route [control] unit=192.168.1.99.1.1:10000"},
	{"route added", `03 66 14 71 00 00 00 00 06 00 00 80 05 0d 75 60 01 01 10 27 01 00 00 00 01 00 04 00 00 00 00 00`,
		"response udp:6 add route [control] unit=5.13.117.96.1.1:10000 status=00000000"},
	{"route refused", `03 66 14 71 00 00 00 00 06 00 00 80 05 0d 75 60 01 01 10 27 01 00 00 00 01 00 04 00 04 07 00 00`,
		"error udp:6 add route [control] unit=5.13.117.96.1.1:10000 status=00000704"},
	{"tag longer than the datagram", `03 66 14 71 00 00 00 00 01 00 00 80 05 0d 75 60 01 01 10 27 ff ff ff ff 05 00 ff 00 41`,
		"response udp:1 get info [identity] unit=5.13.117.96.1.1:10000"},
	{"unknown service", `03 66 14 71 00 00 00 00 09 00 00 00 c0 a8 01 63 01 01 10 27 00 00 00 00`,
		"request udp:9 unknown service 9 [other] unit=192.168.1.99.1.1:10000"},
}

func TestMessages(t *testing.T) {
	for _, m := range vectors {
		t.Run(m.name, func(t *testing.T) {
			ottest.Message(t, &Protocol, ottest.Bytes(t, m.text), need, m.want)
		})
	}
}

func TestDatagrams(t *testing.T) {
	for _, m := range datagrams {
		if got := strings.Join(ottest.Datagram(&Protocol, new(ot.Session), ottest.Bytes(t, m.text)), "\n"); got != m.want {
			t.Errorf("%s: got %q\nwant %q", m.name, got, m.want)
		}
	}
}

func TestProbe(t *testing.T) {
	for _, c := range []struct {
		name, text       string
		port             bool
		datagram, stream ot.Verdict
	}{
		{"AMS elsewhere", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 04 00 04 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `, false, ot.No, ot.Yes},
		{"lengths disagree", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 04 00 04 00 01 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `, true, ot.No, ot.No},
		{"no ADS command", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 04 00 00 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `, true, ot.No, ot.No},
		{"unknown command elsewhere", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 20 00 04 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `, false, ot.No, ot.No},
		{"unknown command on the port", `00 00 20 00 00 00 # length
 c0 a8 01 08 01 01 53 03 # target, port
 c0 a8 01 63 01 01 01 80 # source, port
 20 00 04 00 00 00 00 00 00 00 00 00 # command, flags, data length, error
 01 00 00 00 # invoke id
 `, true, ot.No, ot.Yes},
		{"half a head", `00 00 20`, true, ot.No, ot.More},
		{"discovery", `03 66 14 71 00 00 00 00 01 00 00 00 c0 a8 01 63 01 01 10 27 00 00 00 00`, false, ot.Yes, ot.No},
		{"another magic", `03 66 14 72 00 00 00 00 01 00 00 00 c0 a8 01 63 01 01 10 27 00 00 00 00`, true, ot.No, ot.No},
	} {
		b := ottest.Bytes(t, c.text)
		h := ot.Hint{Port: c.port, WireLen: len(b)}
		if v := probeDatagram(b, h); v != c.datagram {
			t.Errorf("%s: datagram: %d, want %d", c.name, v, c.datagram)
		}
		if v := probeStream(b, h); v != c.stream {
			t.Errorf("%s: stream: %d, want %d", c.name, v, c.stream)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	var s ot.Session
	for _, m := range vectors {
		b := ottest.Bytes(t, m.text)
		s.WireLen = len(b)
		if n := testing.AllocsPerRun(100, func() { s.Reset(); Protocol.Stream(&s, b) }); n != 0 {
			t.Errorf("%s: %v allocations", m.name, n)
		}
	}
}

func FuzzStream(f *testing.F) {
	var seeds [][]byte
	for _, m := range vectors {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzStream(f, &Protocol, "ads", seeds)
}

func FuzzDatagram(f *testing.F) {
	var seeds [][]byte
	for _, m := range datagrams {
		seeds = append(seeds, ottest.Bytes(f, m.text))
	}
	ottest.FuzzDatagram(f, &Protocol, "ads", seeds)
}

// TestAnswers: an answer does what its request asked for, by the invoke id.
func TestAnswers(t *testing.T) {
	var s ot.Session
	push := func(b []byte) string {
		s.Reset()
		Protocol.Stream(&s, b)
		return ottest.Told(&Protocol, &s)[0]
	}
	request := ottest.Bytes(t, vectors[12].text) // sum write, by ReadWrite
	push(request)
	answer := ottest.Bytes(t, vectors[3].text)
	answer[22] = cmdReadWrite
	other := bytes.Clone(answer)
	other[34] = 9
	if got, want := push(other), "response 0009 ReadWrite [read] unit=192.168.1.99.1.1:851 status=00000000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := push(answer), "response 0009 ReadWrite (sum write) [write] unit=192.168.1.99.1.1:851 status=00000000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestCaptures holds totals and facts of captures.
func TestCaptures(t *testing.T) {
	root := ottest.Shared(t)
	for _, c := range []struct {
		path              string
		requests, answers int
		fact              string
	}{
		{"addroute.pcapng", 4, 3, "name CX_0D7560"},
		{"beckoffiplinktc3.pcapng", 93, 91, "firmware 2.11.2"},
	} {
		r := ottest.Replay(t, filepath.Join(root, "ads", c.path), &Protocol)
		requests := r.Sum(func(row ottest.Row) bool { return row.Direction == "request" })
		answers := r.Sum(func(row ottest.Row) bool { return row.Direction == "response" || row.Direction == "error" })
		if requests != c.requests || answers != c.answers {
			t.Errorf("%s: %d requests, %d answers", c.path, requests, answers)
		}
		found := c.fact == ""
		for fact := range r.Facts {
			found = found || strings.Contains(fact, c.fact)
		}
		if !found {
			t.Errorf("%s: no %q in %v", c.path, c.fact, r.Facts)
		}
	}
}

func TestDialogue(t *testing.T) { ottest.Dialogues(t, &Protocol, "testdata/dialogue.txt") }
