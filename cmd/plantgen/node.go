package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// subnet is one IPv4 network with the router's address in it.
type subnet struct {
	base    uint32
	bits    int
	gateway ip4
}

func (s *subnet) contains(a ip4) bool {
	return a.u32()>>(32-s.bits) == s.base>>(32-s.bits)
}

func (s *subnet) host(n int) ip4 { return ipFrom(s.base + uint32(n)) }

func (s *subnet) broadcast() ip4 { return ipFrom(s.base | (1<<(32-s.bits) - 1)) }

// stack is what a sender's operating system shows in its headers.
type stack struct {
	ttl    uint8
	window uint16
	df     bool
	id     int // 0 constant zero, 1 counter, 2 random
	syn    string
}

// Header shapes after the SYN table of the asset-facts sheet: Windows 10,
// Linux 3.11+, and a small controller (mss only, no DF).
var (
	winStack   = stack{128, 64240, true, 1, "windows"}
	linuxStack = stack{64, 29200, true, 2, "linux"}
	plcStack   = stack{64, 8192, false, 1, "mss"}
	plcStack2  = stack{128, 4096, false, 1, "mss"}
)

// node is an end of communication: a device of the plant, or an address
// behind the router (remote).
type node struct {
	name, role, vendor, model, os string
	mac                           mac
	ip                            ip4
	net                           *subnet
	remote                        bool
	attack                        string // made by this attack only
	stack                         stack
	delayLo, delayHi              int64 // time to answer
	ipid                          uint16
	port                          uint16
	arp                           map[ip4]int64 // neighbour -> valid until
	arpLife                       int64
	settled                       int64 // nothing recurring before this time
	downFrom, downTo              int64
	r                             *rand.Rand
	ips                           []addressSpan
	line                          int
	station                       int
	port0                         uint16 // port of the PLC's own service
	dialect                       string // SLMP frame kind
	datagrams                     bool   // SLMP over UDP for the SCADA server
	ips2                          []ip4  // further addresses (router)
	v6                            netip.Addr
}

type addressSpan struct {
	ip       ip4
	from, to int64 // to 0: still
}

func (n *node) down(t int64) bool { return t >= n.downFrom && t < n.downTo }

// ephemeral returns the next client port: rolling over 49152-65535 as Windows
// does (RFC 6335's dynamic range).
func (n *node) ephemeral() uint16 {
	n.port += 1 + uint16(n.r.IntN(3))
	if n.port < 49152 {
		n.port = 49152 + uint16(n.r.IntN(64))
	}
	return n.port
}

func (n *node) header(dst ip4, proto uint8) ipHeader {
	h := ipHeader{src: n.ip, dst: dst, proto: proto, ttl: n.stack.ttl, df: n.stack.df}
	switch n.stack.id {
	case 1:
		n.ipid++
		h.id = n.ipid
	case 2:
		h.id = uint16(n.r.Uint32())
	}
	if n.remote {
		h.ttl -= 9
	}
	return h
}

func (n *node) think(r *rand.Rand) int64 { return between(r, n.delayLo, n.delayHi) }

// resolve returns the MAC addresses of a frame from a to b as a sensor sees it
// that mirrors what enters each switch port: the sender's own (the router's
// for an address behind it), and the next hop's. Where the next hop is not
// known, ARP goes before, and the frame's time moves behind the answer.
func (w *world) resolve(t int64, a, b *node) (int64, mac, mac) {
	from, to := a, b
	fromIP, toIP := a.ip, b.ip
	switch {
	case a.remote && b.remote:
		return t, w.router.mac, w.router.mac
	case a.remote:
		from, fromIP = w.router, b.net.gateway
	case b.remote || !a.net.contains(b.ip):
		to, toIP = w.router, a.net.gateway
	}
	if from.arp[toIP] <= t {
		req := arpPacket(1, from.mac, fromIP, mac{}, toIP)
		dst := macBroadcast
		if from.arp[toIP] > 0 && from.r.IntN(2) == 0 {
			dst = to.mac // refreshed by unicast, as newer systems do
		}
		w.emit(t, ethernet(dst, from.mac, 0x0806, req), nil)
		if to.down(t) {
			return t + ms, from.mac, to.mac
		}
		t += between(from.r, 80*us, 400*us)
		w.emit(t, ethernet(from.mac, to.mac, 0x0806, arpPacket(2, to.mac, toIP, from.mac, fromIP)), nil)
		t += between(from.r, 40*us, 100*us)
		from.arp[toIP] = t + jitter(from.r, from.arpLife, 0.2)
		to.arp[fromIP] = t + jitter(from.r, to.arpLife, 0.2)
	}
	return t, from.mac, to.mac
}

// announce sends gratuitous ARP (RFC 5227, section 3): a probe, then the
// address claimed.
func (w *world) announce(t int64, n *node) {
	probe := arpPacket(1, n.mac, ip4{}, mac{}, n.ip)
	claim := arpPacket(1, n.mac, n.ip, mac{}, n.ip)
	w.emit(t, ethernet(macBroadcast, n.mac, 0x0806, probe), nil)
	w.emit(t+second, ethernet(macBroadcast, n.mac, 0x0806, claim), nil)
	w.emit(t+3*second, ethernet(macBroadcast, n.mac, 0x0806, claim), nil)
	n.arp = map[ip4]int64{}
}

// udp sends one datagram from a to b and returns when it was on the wire.
func (w *world) udp(t int64, a *node, sport uint16, b *node, dport uint16, c *communication, payload []byte, ops ...*operation) int64 {
	t, src, dst := w.resolve(t, a, b)
	w.emit(t, ipv4Frame(dst, src, a.header(b.ip, 17), udpSegment(a.ip, b.ip, sport, dport, payload)), c, ops...)
	return t
}

// udpTo sends a datagram to a broadcast or multicast address.
func (w *world) udpTo(t int64, a *node, sport uint16, to ip4, dport uint16, payload []byte, ops ...*operation) {
	dst := macBroadcast
	h := a.header(to, 17)
	if to.multicast() {
		dst, h.ttl, h.df = multicastMAC(to), 1, false
		if to[3] >= 251 && to[1] == 0 {
			h.ttl = 255 // mDNS and LLMNR (RFC 6762 section 11, RFC 4795 section 2.5)
		}
	}
	c := w.comm(a.ip, to, 17, dport)
	w.emit(t, ipv4Frame(dst, a.mac, h, udpSegment(a.ip, to, sport, dport, payload)), c, ops...)
}

// ask is a UDP request from a fresh client port and its answer (nil: none).
func (w *world) ask(t int64, a *node, b *node, dport uint16, req, resp []byte) int64 {
	c := w.comm(a.ip, b.ip, 17, dport)
	sport := a.ephemeral()
	t = w.udp(t, a, sport, b, dport, c, req)
	if resp == nil || b.down(t) {
		return t
	}
	return w.udp(t+b.think(a.r), b, dport, a, sport, c, resp)
}

// ping is an ICMP echo and its answer; the communication's port is the type.
func (w *world) ping(t int64, a, b *node, seq uint16) int64 {
	data := []byte("abcdefghijklmnopqrstuvwabcdefghi")
	return w.echo(t, a, b, seq, data, data)
}

// echo is an ICMP echo and what is answered.
func (w *world) echo(t int64, a, b *node, seq uint16, data, answer []byte) int64 {
	c := w.comm(a.ip, b.ip, 1, 8)
	rest := uint32(1)<<16 | uint32(seq)
	t, src, dst := w.resolve(t, a, b)
	w.emit(t, ipv4Frame(dst, src, a.header(b.ip, 1), icmpMessage(8, 0, rest, data)), c)
	if b.down(t) {
		return t
	}
	t, src, dst = w.resolve(t+b.think(a.r), b, a)
	w.emit(t, ipv4Frame(dst, src, b.header(a.ip, 1), icmpMessage(0, 0, rest, answer)), c)
	return t
}

func be16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func le16(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }

// cat joins byte strings.
func cat(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}
