package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The tests' own little plant: an HMI that polls a controller by Modbus/TCP,
// and, in the second capture, a laptop that nobody knows and that writes.

var (
	hmi    = host{mac: [6]byte{0x02, 0, 0, 0, 0, 0x10}, ip: [4]byte{192, 168, 3, 10}}
	plc    = host{mac: [6]byte{0x02, 0, 0, 0, 0, 0x39}, ip: [4]byte{192, 168, 3, 39}}
	laptop = host{mac: [6]byte{0x02, 0, 0, 0, 0, 0x66}, ip: [4]byte{192, 168, 3, 66}}
)

type host struct {
	mac [6]byte
	ip  [4]byte
}

// day0 is the time of the first frame.
var day0 = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

type captureFile struct{ bytes.Buffer }

func newCapture() *captureFile {
	c := &captureFile{}
	// pcap, microseconds, little-endian, version 2.4, snap length 65535, Ethernet
	for _, v := range []any{uint32(0xa1b2c3d4), uint16(2), uint16(4), uint32(0), uint32(0), uint32(65535), uint32(1)} {
		binary.Write(&c.Buffer, binary.LittleEndian, v)
	}
	return c
}

func (c *captureFile) frame(at time.Time, data []byte) {
	for _, v := range []uint32{uint32(at.Unix()), uint32(at.Nanosecond() / 1000), uint32(len(data)), uint32(len(data))} {
		binary.Write(&c.Buffer, binary.LittleEndian, v)
	}
	c.Write(data)
}

// tcp makes an Ethernet frame with a TCP segment; checksums are left 0.
func tcp(src, dst host, sport, dport uint16, seq, ack uint32, flags byte, payload []byte) []byte {
	var b []byte
	b = append(b, dst.mac[:]...)
	b = append(b, src.mac[:]...)
	b = append(b, 0x08, 0x00)                                                         // IPv4
	b = append(b, 0x45, 0)                                                            // version 4, header 20
	b = binary.BigEndian.AppendUint16(b, uint16(40+len(payload)))                     // total length
	b = append(b, 0, 1, 0x40, 0, 64, 6, 0, 0)                                         // id 1, don't fragment, TTL 64, TCP, checksum
	b = append(append(b, src.ip[:]...), dst.ip[:]...)                                 // addresses
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, sport), dport) // ports
	b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, seq), ack)     // numbers
	b = append(b, 0x50, flags, 0x20, 0, 0, 0, 0, 0)                                   // header 20, flags, window, checksum, urgent
	return append(b, payload...)
}

// arp makes a question of src for the address of dst.
func arp(src, dst host) []byte {
	b := bytes.Repeat([]byte{0xff}, 6)
	b = append(b, src.mac[:]...)
	b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1) // ARP, Ethernet, IPv4, sizes, request
	b = append(append(b, src.mac[:]...), src.ip[:]...)
	return append(append(b, 0, 0, 0, 0, 0, 0), dst.ip[:]...)
}

// session is a connection from client to the controller that sends one request
// and gets its answer; MBAP: transaction 1, protocol 0, length, unit 1.
func (c *captureFile) session(at time.Time, client host, port uint16, request, answer []byte) {
	const syn, ack, psh, fin = 2, 16, 8, 1
	mbap := func(pdu []byte) []byte {
		return append([]byte{0, 1, 0, 0, 0, byte(len(pdu) + 1), 1}, pdu...)
	}
	q, r := mbap(request), mbap(answer)
	step := func(i int) time.Time { return at.Add(time.Duration(i) * time.Millisecond) }
	nq, nr := 101+uint32(len(q)), 501+uint32(len(r))
	c.frame(step(0), tcp(client, plc, port, 502, 100, 0, syn, nil))
	c.frame(step(1), tcp(plc, client, 502, port, 500, 101, syn|ack, nil))
	c.frame(step(2), tcp(client, plc, port, 502, 101, 501, ack, nil))
	c.frame(step(3), tcp(client, plc, port, 502, 101, 501, psh|ack, q))
	c.frame(step(4), tcp(plc, client, 502, port, 501, nq, psh|ack, r))
	c.frame(step(5), tcp(client, plc, port, 502, nq, nr, fin|ack, nil))
	c.frame(step(6), tcp(plc, client, 502, port, nr, nq+1, fin|ack, nil))
	c.frame(step(7), tcp(client, plc, port, 502, nq+1, nr+1, ack, nil))
}

var (
	readRegisters = []byte{3, 0, 0, 0, 1} // read holding registers from 0, one
	registers     = []byte{3, 2, 0, 7}    // two bytes: 7
	writeRegister = []byte{6, 0, 0, 0, 9} // write single register 0: 9
	wholeAnswer   = []byte{6, 0, 0, 0, 9} // echoes the request
)

// quiet is ten minutes of the plant as it should be.
func quiet() []byte {
	c := newCapture()
	for m := range 10 {
		at := day0.Add(time.Duration(m) * time.Minute)
		c.frame(at, arp(hmi, plc))
		c.session(at.Add(time.Second), hmi, uint16(50000+m), []byte{3, 0, 0, 0, 1}, registers)
	}
	return c.Bytes()
}

// attacked has, an hour later, a laptop that writes.
func attacked() []byte {
	c := newCapture()
	at := day0.Add(time.Hour)
	c.session(at, hmi, 50100, readRegisters, registers)
	c.frame(at.Add(time.Second), arp(laptop, plc))
	c.session(at.Add(2*time.Second), laptop, 40000, writeRegister, wholeAnswer)
	return c.Bytes()
}

// bench is a directory with the captures, and a store in it.
type bench struct {
	*testing.T
	dir, db  string
	env      map[string]string
	terminal bool // what osect is told of its outputs
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir(), env: map[string]string{}}
	b.db = filepath.Join(b.dir, "osect.db")
	b.write("quiet.pcap", quiet())
	b.write("attacked.pcap", attacked())
	b.write("text.pcap", []byte("this is no capture\n"))
	return b
}

// filled has learned the quiet capture and held the other against it.
func filled(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.must("learn", "--db", b.db, b.path("quiet.pcap"))
	b.must("detect", "--db", b.db, b.path("attacked.pcap"))
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, name) }

func (b *bench) write(name string, data []byte) {
	b.Helper()
	if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
		b.Fatal(err)
	}
}

// run executes a command line.
func (b *bench) run(args ...string) (status int, stdout, stderr string) {
	return b.runContext(context.Background(), args...)
}

func (b *bench) runContext(ctx context.Context, args ...string) (status int, stdout, stderr string) {
	var out, errs bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(k string) string { return b.env[k] },
		isTerminal: func(io.Writer) bool { return b.terminal }}
	status = a.run(ctx, args)
	return status, out.String(), errs.String()
}

// must runs a command line that has to succeed, and returns its output.
func (b *bench) must(args ...string) string {
	b.Helper()
	status, out, errs := b.run(args...)
	if status != 0 {
		b.Fatalf("osect %s: status %d: %s", strings.Join(args, " "), status, errs)
	}
	return out
}

// rows runs a listing and returns its JSON.
func (b *bench) rows(args ...string) []map[string]any {
	b.Helper()
	return b.parse(b.must(append(args, "--db", b.db, "--format", "json", "--all")...))
}

// parse reads an array of JSON.
func (b *bench) parse(out string) []map[string]any {
	b.Helper()
	var rows []map[string]any
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		b.Fatalf("%v in %s", err, out)
	}
	return rows
}
