package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"
)

// The protocols of an OT mix, in turn by connection.
const (
	mixModbus = iota
	mixS7
	mixSLMP
	mixCIP
	mixKinds
)

var (
	mixNames = [mixKinds]string{"modbus-tcp", "s7comm", "slmp-melsec", "ethernet-ip-cip"}
	mixPorts = [mixKinds]uint16{502, 102, 5010, 44818}
)

// mixConnections is how many connections poll; each client has four.
const mixConnections = 200

// mixConn is one connection that opens, sets its session up, and polls.
type mixConn struct {
	kind       int
	c, s       int
	cport      uint16
	cseq, sseq uint32
	polls      int
	id         uint16 // the protocol's own number of the request
	next       []mixSegment
	client     [2048]byte
	server     [2048]byte
}

// mixSegment is a segment to send; data is in one of the connection's buffers.
type mixSegment struct {
	server bool
	flags  byte
	data   []byte
}

// runMix makes a capture that is OT over TCP from end to end: Modbus, S7comm, SLMP and
// EtherNet/IP with CIP, four exchanges in five a read, in cycles of all connections.
func runMix(cfg config, stdout, stderr io.Writer) error {
	began := time.Now()
	f, closeFile, err := create(cfg.out, stdout)
	if err != nil {
		return err
	}
	out, err := newPcapWriter(f)
	if err != nil {
		return err
	}
	l := &loader{out: out, r: rand.New(rand.NewPCG(cfg.seed, 78))}
	l.noise = randomBytes(l.r, 4096)
	for i := range mixConnections + mixConnections/4 {
		l.mac = append(l.mac, mac{0x58, 0x52, 0x8a, 0x20, byte(i >> 8), byte(i)})
		l.ip = append(l.ip, ipFrom(10<<24|1<<16|uint32(i/200)<<8|uint32(i%200+1)))
	}
	conns := make([]*mixConn, mixConnections)
	for i := range conns {
		conns[i] = &mixConn{kind: i % mixKinds, c: mixConnections + i/4, s: i, cport: 49152 + uint16(l.r.IntN(16000)),
			cseq: l.r.Uint32(), sseq: l.r.Uint32(), id: uint16(l.r.IntN(60000))}
	}
	var exchanges [mixKinds]int
	n := cfg.load.packets
	start, span := cfg.start.UnixNano(), int64(cfg.load.minutes)*minute
	for i := range n {
		k := conns[i%mixConnections]
		if len(k.next) == 0 {
			if k.fill(l) {
				exchanges[k.kind]++
			}
		}
		seg := k.next[0]
		k.next = k.next[1:]
		src, dst, sport, dport, seq, ack := k.c, k.s, k.cport, mixPorts[k.kind], &k.cseq, k.sseq
		if seg.server {
			src, dst, sport, dport, seq, ack = dst, src, dport, sport, &k.sseq, k.cseq
		}
		if seg.flags == tcpSYN {
			ack = 0
		}
		copy(l.buf[54:], seg.data)
		if err := l.tcp(start+int64(float64(i)/float64(n)*float64(span)), src, dst, sport, dport, *seq, ack, seg.flags, len(seg.data)); err != nil {
			return err
		}
		if *seq += uint32(len(seg.data)); seg.flags&tcpSYN != 0 {
			*seq++
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	if err := closeFile(); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "plantgen: %d packets, mean %.1f bytes, %d connections, %.2f s; exchanges begun:",
		out.packets, float64(out.bytes)/float64(out.packets), mixConnections, time.Since(began).Seconds())
	for i, name := range mixNames {
		fmt.Fprintf(stderr, " %s %d", name, exchanges[i])
	}
	fmt.Fprintln(stderr)
	return nil
}

// fill makes what is next on a connection: the handshake, what the protocol needs before
// it polls, then exchanges; it says whether it was an exchange.
func (k *mixConn) fill(l *loader) bool {
	k.next = k.next[:0]
	k.polls++
	if k.polls == 1 {
		k.next = append(k.next, mixSegment{flags: tcpSYN}, mixSegment{server: true, flags: tcpSYN | tcpACK}, mixSegment{flags: tcpACK})
		return false
	}
	k.id++
	var req, resp []byte
	switch k.kind {
	case mixModbus:
		req, resp = k.modbus(l)
	case mixS7:
		req, resp = k.s7(l)
	case mixSLMP:
		req, resp = k.slmp(l)
	case mixCIP:
		req, resp = k.cip(l)
	}
	k.say(false, req)
	k.say(true, resp)
	k.next = append(k.next, mixSegment{flags: tcpACK})
	return true
}

// say cuts data at the MSS; the other end acknowledges with what it says next.
func (k *mixConn) say(server bool, data []byte) {
	for len(data) > 0 {
		n := min(len(data), mss)
		flags := byte(tcpACK)
		if n == len(data) {
			flags |= tcpPSH
		}
		k.next = append(k.next, mixSegment{server, flags, data[:n]})
		data = data[n:]
	}
}

// values are n bytes of process data.
func (k *mixConn) values(l *loader, n int) []byte { return l.noise[k.polls%1024:][:n] }

// writes says whether this exchange is a write: one in five.
func (k *mixConn) writes() bool { return k.polls%5 == 0 }

// modbus: 60 to 124 holding registers are read, 8 are written.
func (k *mixConn) modbus(l *loader) (req, resp []byte) {
	head := func(b []byte, fn byte) []byte {
		return append(binary.BigEndian.AppendUint16(b, k.id), 0, 0, 0, 0, 1, fn)
	}
	words := 60 + k.s%65
	if k.writes() {
		req = append(head(k.client[:0], 0x10), 0, 100, 0, 8, 16)
		req = append(req, k.values(l, 16)...)
		resp = append(head(k.server[:0], 0x10), 0, 100, 0, 8)
	} else {
		req = append(head(k.client[:0], 0x03), 0, 0, 0, byte(words))
		resp = append(append(head(k.server[:0], 0x03), byte(2*words)), k.values(l, 2*words)...)
	}
	binary.BigEndian.PutUint16(req[4:], uint16(len(req)-6))
	binary.BigEndian.PutUint16(resp[4:], uint16(len(resp)-6))
	return req, resp
}

// s7: COTP connection, set-up, then 64 to 900 bytes of a data block are read, 20 written.
func (k *mixConn) s7(l *loader) (req, resp []byte) {
	if k.polls == 2 {
		tsap := []byte{0xc1, 2, 1, 0, 0xc2, 2, 1, 2, 0xc0, 1, 0x0a}
		req = append([]byte{3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0}, tsap...)
		resp = append([]byte{3, 0, 0, 22, 17, 0xd0, 0, 1, 0, 2, 0}, tsap...)
		return req, resp
	}
	message := func(b []byte, kind byte, parameters, data int) []byte {
		b = append(b, 3, 0, 0, 0, 2, 0xf0, 0x80, 0x32, kind, 0, 0)
		b = binary.BigEndian.AppendUint16(b, k.id)
		b = binary.BigEndian.AppendUint16(b, uint16(parameters))
		b = binary.BigEndian.AppendUint16(b, uint16(data))
		if kind == 3 {
			b = append(b, 0, 0)
		}
		return b
	}
	n := 64 + k.s*17%840
	address := func(b []byte, n int) []byte { // one item: n bytes of DB1 from 0
		return append(b, 0x12, 0x0a, 0x10, 2, byte(n>>8), byte(n), 0, 1, 0x84, 0, 0, 0)
	}
	switch {
	case k.polls == 3:
		req = append(message(k.client[:0], 1, 8, 0), 0xf0, 0, 0, 1, 0, 1, 3, 0xc0)
		resp = append(message(k.server[:0], 3, 8, 0), 0xf0, 0, 0, 1, 0, 1, 3, 0xc0)
	case k.writes():
		req = address(append(message(k.client[:0], 1, 14, 24), 5, 1), 20)
		req = append(append(req, 0, 4, 0, 160), k.values(l, 20)...)
		resp = append(message(k.server[:0], 3, 2, 1), 5, 1, 0xff)
	default:
		req = address(append(message(k.client[:0], 1, 14, 0), 4, 1), n)
		resp = append(message(k.server[:0], 3, 2, 4+n), 4, 1, 0xff, 4, byte(8*n>>8), byte(8*n))
		resp = append(resp, k.values(l, n)...)
	}
	binary.BigEndian.PutUint16(req[2:], uint16(len(req)))
	binary.BigEndian.PutUint16(resp[2:], uint16(len(resp)))
	return req, resp
}

// slmp: 3E binary; 100 to 960 words of D are read (the longest in two segments), 10 written.
func (k *mixConn) slmp(l *loader) (req, resp []byte) {
	route := []byte{0, 0xff, 0xff, 3, 0, 0, 0}
	req = append(append(k.client[:0], 0x50, 0), route...)
	resp = append(append(k.server[:0], 0xd0, 0), route...)
	resp = append(resp, 0, 0)
	words := 100 + k.s*31%861
	if k.writes() {
		req = append(req, 16, 0, 0x01, 0x14, 0, 0, 100, 0, 0, 0xa8, 10, 0)
		req = append(req, k.values(l, 20)...)
	} else {
		req = append(req, 16, 0, 0x01, 0x04, 0, 0, 100, 0, 0, 0xa8, byte(words), byte(words>>8))
		resp = append(resp, k.values(l, 2*words)...)
	}
	binary.LittleEndian.PutUint16(req[7:], uint16(len(req)-9))
	binary.LittleEndian.PutUint16(resp[7:], uint16(len(resp)-9))
	return req, resp
}

// cip: a session, then tags are read (up to 480 bytes) and written without a connection.
func (k *mixConn) cip(l *loader) (req, resp []byte) {
	head := func(b []byte, command uint16) []byte {
		b = binary.LittleEndian.AppendUint16(b, command)
		b = append(b, 0, 0, byte(k.s), 1, 0, 0, 0, 0, 0, 0)
		b = binary.LittleEndian.AppendUint64(b, uint64(k.id))
		return append(b, 0, 0, 0, 0)
	}
	if k.polls == 2 {
		req = append(head(k.client[:0], 0x65), 1, 0, 0, 0)
		clear(req[4:8])
		resp = append(head(k.server[:0], 0x65), 1, 0, 0, 0)
	} else {
		carrier := []byte{0, 0, 0, 0, 10, 0, 2, 0, 0, 0, 0, 0, 0xb2, 0, 0, 0}
		req, resp = append(head(k.client[:0], 0x6f), carrier...), append(head(k.server[:0], 0x6f), carrier...)
		path := []byte{0x91, 6, 'R', 'e', 'c', 'i', 'p', 'e'} // symbolic segment
		n := 8 + k.s*13%472&^3
		if k.writes() {
			req = append(append(append(req, 0x4d, 4), path...), 0xc4, 0, 4, 0)
			req = append(req, k.values(l, 16)...)
			resp = append(resp, 0xcd, 0, 0, 0)
		} else {
			req = append(append(append(req, 0x4c, 4), path...), byte(n/4), 0)
			resp = append(append(resp, 0xcc, 0, 0, 0, 0xc4, 0), k.values(l, n)...)
		}
		binary.LittleEndian.PutUint16(req[38:], uint16(len(req)-40))
		binary.LittleEndian.PutUint16(resp[38:], uint16(len(resp)-40))
	}
	binary.LittleEndian.PutUint16(req[2:], uint16(len(req)-24))
	binary.LittleEndian.PutUint16(resp[2:], uint16(len(resp)-24))
	return req, resp
}
