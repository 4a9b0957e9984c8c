package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"time"
)

// loadConfig describes a load for benchmarks.
type loadConfig struct {
	packets                                   int64
	meanSize, minutes, perMinute, connections int
	nonIP                                     float64
}

// packetsPerConnection is the mean of a short connection: two of three are TCP
// with 8 packets, one is UDP with 2.
const packetsPerConnection = 6

func (l *loadConfig) check(devices int) error {
	switch {
	case devices < 100 || devices > 50000:
		return usageError("--devices of a load must be 100 to 50000")
	case l.packets < 1000:
		return usageError("--packets must be at least 1000")
	case l.meanSize < 64 || l.meanSize > 1400:
		return usageError("--mean-size must be 64 to 1400")
	case l.minutes < 1:
		return usageError("--minutes must be at least 1")
	case l.nonIP < 0 || l.nonIP > 0.9:
		return usageError("--nonip must be 0 to 0.9")
	case l.perMinute < 0 || l.connections < 0:
		return usageError("connections cannot be negative")
	}
	if l.connections == 0 {
		l.connections = l.perMinute * l.minutes
	}
	if ip := float64(l.packets) * (1 - l.nonIP); float64(l.connections)*packetsPerConnection > 0.9*ip {
		return usageError(fmt.Sprintf("%d connections need at least %d packets", l.connections,
			int64(math.Ceil(float64(l.connections)*packetsPerConnection/0.9/(1-l.nonIP)))))
	}
	return nil
}

// loader makes a load: frames at even gaps, each built in one buffer. Devices
// and pairs depend on the number of devices only, so that a load with another
// seed or start has the same ones and can be learned from.
type loader struct {
	out   *pcapWriter
	mac   []mac
	ip    []ip4
	buf   [1514]byte
	noise []byte
	r     *rand.Rand
	small bool
	want  int // wanted mean frame length
	total int64
	n     int64
}

// shortConn is a connection that opens, asks, is answered and closes.
type shortConn struct {
	c, s       int
	cport      uint16
	kind       uint8
	step       uint8
	cseq, sseq uint32
}

// steady is a session of an OT protocol that lasts the whole load.
type steady struct {
	kind       uint8 // 0 Modbus, 1 SLMP, 2 FINS/UDP, 3 Field Basic
	c, s       int
	cport      uint16
	cseq, sseq uint32
	id         uint16
	phase      int
	slaves     []int
	words      int
}

func runLoad(cfg config, stdout, stderr io.Writer) error {
	began := time.Now()
	f, closeFile, err := create(cfg.out, stdout)
	if err != nil {
		return err
	}
	out, err := newPcapWriter(f)
	if err != nil {
		return err
	}
	l := &loader{out: out, want: cfg.load.meanSize, small: cfg.load.meanSize <= 100}
	l.r = rand.New(rand.NewPCG(cfg.seed, 77))
	l.noise = randomBytes(l.r, 4096)
	if err := l.run(cfg); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	if err := closeFile(); err != nil {
		return err
	}
	s := time.Since(began).Seconds()
	fmt.Fprintf(stderr, "plantgen: %d packets, mean %.1f bytes, %d new connections, %d devices, %.2f s, %.0f packets/s\n",
		out.packets, float64(out.bytes)/float64(out.packets), cfg.load.connections, cfg.devices, s, float64(out.packets)/s)
	return nil
}

// room returns a payload length for a frame of variable size: long while the
// mean is below the wanted one, short otherwise.
func (l *loader) room(lo, hi int) int {
	if !l.small && l.total < l.n*int64(l.want) {
		return hi
	}
	return lo
}

func (l *loader) run(cfg config) error {
	d := cfg.devices
	vendors := []mac{{0x00, 0x26, 0x92}, {0x58, 0x52, 0x8a}, {0x00, 0x00, 0x0a}, {0x00, 0x80, 0xf4}, {0x00, 0x14, 0x22}, {0x00, 0x1b, 0x78}}
	for i := range d {
		m := vendors[i%len(vendors)]
		m[3], m[4], m[5] = byte(i>>16)|0x10, byte(i>>8), byte(i)
		l.mac = append(l.mac, m)
		l.ip = append(l.ip, ipFrom(10<<24|uint32(i/250)<<8|uint32(i%250+1)))
	}
	// Devices: stations without IP, controllers, servers, then clients.
	stations := d / 10
	ctl0, ctlN := stations, d/5
	srv0, srvN := ctl0+ctlN, max(d/20, 3)
	cli0 := srv0 + srvN
	cliN := d - cli0

	var ot []*steady
	for i := 0; i < ctlN; i++ {
		s := &steady{kind: uint8(i % 4), c: cli0 + i%cliN, s: ctl0 + i, cport: 49000 + uint16(i%100), cseq: l.r.Uint32(), sseq: l.r.Uint32(), phase: -3}
		if s.kind == 3 {
			for j := 1; j <= 4 && i+j < ctlN; j++ {
				s.slaves = append(s.slaves, ctl0+i+j)
			}
			s.c = s.s
			i += len(s.slaves)
			if len(s.slaves) == 0 {
				continue
			}
		}
		ot = append(ot, s)
	}

	n := cfg.load.packets
	start := cfg.start.UnixNano()
	span := int64(cfg.load.minutes) * minute
	ipPackets := int64(float64(n) * (1 - cfg.load.nonIP))
	conns := int64(cfg.load.connections)
	share := float64(conns) * packetsPerConnection / float64(max(ipPackets, 1))

	var active []shortConn // a ring: taken at head, put at tail
	head := 0
	var made, ipDone, nonDone int64
	shortDone := 0.0
	otNext, station, basic := 0, 0, 0
	for i := range n {
		t := start + int64(float64(i)/float64(n)*float64(span))
		if float64(nonDone) < float64(i+1)*cfg.load.nonIP {
			nonDone++
			if err := l.field(t, station, stations, i); err != nil {
				return err
			}
			station++
			continue
		}
		ipDone++
		var err error
		switch {
		case made < conns && made*ipPackets <= (ipDone-1)*conns:
			c := l.newShort(made, cli0, cliN, srv0, srvN)
			made++
			shortDone++
			if err = l.short(t, &c); err == nil && !c.done() {
				active = append(active, c)
			}
		case head < len(active) && shortDone < share*float64(ipDone):
			c := active[head]
			head++
			shortDone++
			if err = l.short(t, &c); err == nil && !c.done() {
				active = append(active, c)
			}
			if head > 4096 && head*2 > len(active) {
				active = append(active[:0], active[head:]...)
				head = 0
			}
		default:
			s := ot[otNext%len(ot)]
			for l.small && s.kind == 3 { // long frames: one in 31 of its turns
				if basic++; basic%31 == 0 {
					break
				}
				otNext++
				s = ot[otNext%len(ot)]
			}
			otNext++
			err = l.steady(t, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write finishes the frame of n bytes in the buffer.
func (l *loader) write(t int64, n int) error {
	for ; n < 60; n++ {
		l.buf[n] = 0
	}
	l.n++
	l.total += int64(n)
	return l.out.write(t, l.buf[:n])
}

// field is a CC-Link IE Field frame between a master and one of the nine
// stations that belong to it.
func (l *loader) field(t int64, k, stations int, i int64) error {
	groups := max(stations/10, 1)
	g := k % groups
	member := 1 + (k/groups/2)%9
	master, slave := g*10, min(g*10+member, stations-1)
	src, dst := master, slave
	typ := byte(ccieRWw)
	if (k/groups)%2 == 1 {
		src, dst, typ = slave, master, ccieRWr
	}
	b := l.buf[:]
	copy(b, l.mac[dst][:])
	copy(b[6:], l.mac[src][:])
	binary.BigEndian.PutUint16(b[12:], ccieEtherType)
	n := l.room(32, 1400)
	h := b[14:28]
	clear(h)
	h[0], h[7], h[8], h[9] = typ, byte(src-master), 1, 1
	copy(b[28:], l.noise[i%1024:][:n])
	return l.write(t, 28+n)
}

// ipv4 fills Ethernet and IPv4 headers for a segment of n bytes at offset 34.
func (l *loader) ipv4(src, dst int, proto byte, n int) {
	b := l.buf[:]
	copy(b, l.mac[dst][:])
	copy(b[6:], l.mac[src][:])
	l.ipTo(l.ip[src], l.ip[dst], proto, n)
}

func (l *loader) ipTo(src, dst ip4, proto byte, n int) {
	b := l.buf[12:34]
	b[0], b[1] = 0x08, 0
	h := b[2:]
	h[0], h[1] = 0x45, 0
	binary.BigEndian.PutUint16(h[2:], uint16(20+n))
	binary.BigEndian.PutUint16(h[4:], uint16(l.n))
	h[6], h[7], h[8], h[9], h[10], h[11] = 0x40, 0, 64, proto, 0, 0
	copy(h[12:], src[:])
	copy(h[16:], dst[:])
	binary.BigEndian.PutUint16(h[10:], checksum(0, h[:20]))
}

// tcp sends a segment whose payload of n bytes is already at offset 54.
func (l *loader) tcp(t int64, src, dst int, sport, dport uint16, seq, ack uint32, flags byte, n int) error {
	h := l.buf[34:54]
	be := binary.BigEndian
	be.PutUint16(h[0:], sport)
	be.PutUint16(h[2:], dport)
	be.PutUint32(h[4:], seq)
	be.PutUint32(h[8:], ack)
	h[12], h[13] = 0x50, flags
	be.PutUint16(h[14:], 64240)
	h[16], h[17], h[18], h[19] = 0, 0, 0, 0
	be.PutUint16(h[16:], checksum(pseudoSum(l.ip[src], l.ip[dst], 6, 20+n), l.buf[34:54+n]))
	l.ipv4(src, dst, 6, 20+n)
	return l.write(t, 54+n)
}

// udp sends a datagram whose payload of n bytes is already at offset 42; dst
// < 0 is a broadcast.
func (l *loader) udp(t int64, src, dst int, sport, dport uint16, n int) error {
	to, m := ip4{10, 255, 255, 255}, macBroadcast
	if dst >= 0 {
		to, m = l.ip[dst], l.mac[dst]
	}
	h := l.buf[34:42]
	be := binary.BigEndian
	be.PutUint16(h[0:], sport)
	be.PutUint16(h[2:], dport)
	be.PutUint16(h[4:], uint16(8+n))
	h[6], h[7] = 0, 0
	c := checksum(pseudoSum(l.ip[src], to, 17, 8+n), l.buf[34:42+n])
	if c == 0 {
		c = 0xffff
	}
	be.PutUint16(h[6:], c)
	copy(l.buf[:], m[:])
	copy(l.buf[6:], l.mac[src][:])
	l.ipTo(l.ip[src], to, 17, 8+n)
	return l.write(t, 42+n)
}

// newShort is the j-th short connection: each client has three servers, two by
// TCP (ports 80 and 443) and one by UDP (53), in turn.
func (l *loader) newShort(j int64, cli0, cliN, srv0, srvN int) shortConn {
	c := int(j % int64(cliN))
	round := j / int64(cliN)
	kind := uint8(round % 3)
	return shortConn{
		c: cli0 + c, s: srv0 + (c*3+int(kind))%srvN, kind: kind,
		cport: 49152 + uint16(round%16384), cseq: l.r.Uint32(), sseq: l.r.Uint32(),
	}
}

func (c *shortConn) done() bool { return c.kind == 2 && c.step == 2 || c.step == 8 }

var loadQuery = dnsQuery(0, 0x0100, "mes.plant.example", 1)

// short sends the next packet of a short connection.
func (l *loader) short(t int64, c *shortConn) error {
	step := c.step
	c.step++
	if c.kind == 2 {
		b := l.buf[42:]
		n := copy(b, loadQuery)
		binary.BigEndian.PutUint16(b, uint16(c.cseq))
		if step == 0 {
			return l.udp(t, c.c, c.s, c.cport, 53, n)
		}
		b[2], b[3], b[7] = 0x81, 0x80, 1
		n += copy(b[n:], []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 9})
		return l.udp(t, c.s, c.c, 53, c.cport, n)
	}
	port := [2]uint16{80, 443}[c.kind]
	out := func(flags byte, n int) error {
		err := l.tcp(t, c.c, c.s, c.cport, port, c.cseq, c.sseq, flags, n)
		c.cseq += uint32(n)
		if flags&(tcpSYN|tcpFIN) != 0 {
			c.cseq++
		}
		return err
	}
	in := func(flags byte, n int) error {
		err := l.tcp(t, c.s, c.c, port, c.cport, c.sseq, c.cseq, flags, n)
		c.sseq += uint32(n)
		if flags&(tcpSYN|tcpFIN) != 0 {
			c.sseq++
		}
		return err
	}
	b := l.buf[54:]
	switch step {
	case 0:
		err := l.tcp(t, c.c, c.s, c.cport, port, c.cseq, 0, tcpSYN, 0)
		c.cseq++
		return err
	case 1:
		return in(tcpSYN|tcpACK, 0)
	case 2:
		return out(tcpACK, 0)
	case 3:
		if l.small {
			return out(tcpACK|tcpPSH, copy(b, "HEAD"))
		}
		if c.kind == 0 {
			return out(tcpACK|tcpPSH, copy(b, "GET /mes/status HTTP/1.1\r\nHost: mes.plant.example\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64)\r\n\r\n"))
		}
		return out(tcpACK|tcpPSH, l.record(b, 200))
	case 4:
		if l.small {
			return in(tcpACK|tcpPSH, copy(b, "200 "))
		}
		body := l.room(100, 1300)
		if c.kind == 0 {
			n := copy(b, fmt.Appendf(b[:0], "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: %d\r\n\r\n", body))
			for i := range body {
				b[n+i] = 'a' + byte(i%23)
			}
			return in(tcpACK|tcpPSH, n+body)
		}
		return in(tcpACK|tcpPSH, l.record(b, body))
	case 5:
		return out(tcpFIN|tcpACK, 0)
	case 6:
		return in(tcpFIN|tcpACK, 0)
	}
	return out(tcpACK, 0)
}

// record is a TLS application data record with n opaque bytes.
func (l *loader) record(b []byte, n int) int {
	b[0], b[1], b[2] = 23, 3, 3
	binary.BigEndian.PutUint16(b[3:], uint16(n))
	copy(b[5:], l.noise[l.n%1024:][:n])
	return 5 + n
}

// steady sends the next packet of an OT session. TCP ones begin with a
// handshake (phases -3 to -1); then request and answer follow each other.
func (l *loader) steady(t int64, s *steady) error {
	be, le := binary.BigEndian, binary.LittleEndian
	if s.kind <= 1 && s.phase < 0 {
		s.phase++
		port := [2]uint16{502, 5010}[s.kind]
		switch s.phase {
		case -2:
			err := l.tcp(t, s.c, s.s, s.cport, port, s.cseq, 0, tcpSYN, 0)
			s.cseq++
			return err
		case -1:
			err := l.tcp(t, s.s, s.c, port, s.cport, s.sseq, s.cseq, tcpSYN|tcpACK, 0)
			s.sseq++
			return err
		}
		return l.tcp(t, s.c, s.s, s.cport, port, s.cseq, s.sseq, tcpACK, 0)
	}
	s.phase = max(s.phase, 0)
	switch s.kind {
	case 0:
		b := l.buf[54:]
		if s.phase == 0 {
			s.phase = 1
			s.id++
			s.words = l.room(1, 125)
			be.PutUint16(b[0:], s.id)
			copy(b[2:], []byte{0, 0, 0, 6, 1, 3, 0, 0, 0, byte(s.words)})
			err := l.tcp(t, s.c, s.s, s.cport, 502, s.cseq, s.sseq, tcpACK|tcpPSH, 12)
			s.cseq += 12
			return err
		}
		s.phase = 0
		n := 2 * s.words
		be.PutUint16(b[0:], s.id)
		be.PutUint16(b[2:], 0)
		be.PutUint16(b[4:], uint16(3+n))
		b[6], b[7], b[8] = 1, 3, byte(n)
		copy(b[9:], l.noise[s.id%1024:][:n])
		err := l.tcp(t, s.s, s.c, 502, s.cport, s.sseq, s.cseq, tcpACK|tcpPSH, 9+n)
		s.sseq += uint32(9 + n)
		return err
	case 1:
		b := l.buf[54:]
		if s.phase == 0 {
			s.phase = 1
			s.words = l.room(1, 700)
			copy(b, []byte{0x50, 0, 0, 0xff, 0xff, 0x03, 0, 12, 0, 16, 0, 0x01, 0x04, 0, 0, 0, 0, 0, 0xa8})
			le.PutUint16(b[19:], uint16(s.words))
			err := l.tcp(t, s.c, s.s, s.cport, 5010, s.cseq, s.sseq, tcpACK|tcpPSH, 21)
			s.cseq += 21
			return err
		}
		s.phase = 0
		n := 2 * s.words
		copy(b, []byte{0xd0, 0, 0, 0xff, 0xff, 0x03, 0})
		le.PutUint16(b[7:], uint16(2+n))
		le.PutUint16(b[9:], 0)
		copy(b[11:], l.noise[l.n%1024:][:n])
		err := l.tcp(t, s.s, s.c, 5010, s.cport, s.sseq, s.cseq, tcpACK|tcpPSH, 11+n)
		s.sseq += uint32(11 + n)
		return err
	case 2:
		b := l.buf[42:]
		c, d := l.ip[s.c][3], l.ip[s.s][3]
		if s.phase == 0 {
			s.phase = 1
			s.id++
			s.words = l.room(1, 600)
			copy(b, []byte{0x80, 0, 2, 0, d, 0, 0, c, 0, byte(s.id), 0x01, 0x01, 0x82, 0, 0, 0})
			be.PutUint16(b[16:], uint16(s.words))
			return l.udp(t, s.c, s.s, 9600, 9600, 18)
		}
		s.phase = 0
		n := 2 * s.words
		copy(b, []byte{0xc0, 0, 2, 0, c, 0, 0, d, 0, byte(s.id), 0x01, 0x01, 0, 0})
		copy(b[14:], l.noise[l.n%1024:][:n])
		return l.udp(t, s.s, s.c, 9600, 9600, 14+n)
	}
	if s.phase == 0 {
		s.id++
		var ids []ip4
		for _, k := range s.slaves {
			ids = append(ids, l.ip[k])
		}
		n := copy(l.buf[42:], ciefbRequest(l.ip[s.s], ids, 1, s.id, t/ms, true, 0x0e70))
		s.phase = len(s.slaves)
		return l.udp(t, s.s, -1, ciefbPort, ciefbPort, n)
	}
	k := s.slaves[len(s.slaves)-s.phase]
	s.phase--
	n := copy(l.buf[42:], ciefbResponse(l.ip[k], 1, s.id, 0))
	return l.udp(t, k, s.s, ciefbPort, ciefbPort, n)
}
