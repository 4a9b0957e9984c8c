package main

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
)

// mac is a hardware address, ip4 an IPv4 address, both in wire order.
type (
	mac [6]byte
	ip4 [4]byte
)

var (
	macBroadcast = mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	ipBroadcast  = ip4{255, 255, 255, 255}
)

func (m mac) String() string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5])
}

func (a ip4) String() string { return netip.AddrFrom4(a).String() }

func (a ip4) u32() uint32 { return binary.BigEndian.Uint32(a[:]) }

func ipFrom(u uint32) (a ip4) { binary.BigEndian.PutUint32(a[:], u); return a }

// multicast reports whether a is in 224.0.0.0/4 (RFC 5771).
func (a ip4) multicast() bool { return a[0]&0xf0 == 0xe0 }

// multicastMAC maps a group to its Ethernet address (RFC 1112, section 6.4).
func multicastMAC(a ip4) mac { return mac{0x01, 0x00, 0x5e, a[1] & 0x7f, a[2], a[3]} }

// ethernet builds an Ethernet II frame, padded to the 60 bytes that the wire
// requires (IEEE 802.3 minimum of 64 less the 4-byte FCS).
func ethernet(dst, src mac, etherType uint16, payload []byte) []byte {
	n := 14 + len(payload)
	b := make([]byte, max(n, 60))
	copy(b[0:], dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], etherType)
	copy(b[14:], payload)
	return b
}

// checksum is the Internet checksum (RFC 1071) over b, started with sum.
func checksum(sum uint32, b []byte) uint16 {
	s, carry := uint64(sum), uint64(0)
	for ; len(b) >= 8; b = b[8:] {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
	}
	for ; len(b) >= 2; b = b[2:] {
		s, carry = bits.Add64(s, uint64(b[0])<<8|uint64(b[1]), carry)
	}
	if len(b) == 1 {
		s, carry = bits.Add64(s, uint64(b[0])<<8, carry)
	}
	s, carry = bits.Add64(s, 0, carry)
	s += carry
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

func pseudoSum(src, dst ip4, proto uint8, n int) uint32 {
	s := uint32(src[0])<<8 | uint32(src[1])
	s += uint32(src[2])<<8 | uint32(src[3])
	s += uint32(dst[0])<<8 | uint32(dst[1])
	s += uint32(dst[2])<<8 | uint32(dst[3])
	return s + uint32(proto) + uint32(n)
}

// ipHeader holds what differs between senders' IPv4 headers.
type ipHeader struct {
	src, dst   ip4
	proto, ttl uint8
	id         uint16
	df         bool
}

// ipv4Frame builds Ethernet + IPv4 (RFC 791, no options) around a transport
// segment whose own checksum is already right.
func ipv4Frame(dst, src mac, h ipHeader, seg []byte) []byte {
	n := 34 + len(seg)
	b := make([]byte, max(n, 60))
	copy(b[0:], dst[:])
	copy(b[6:], src[:])
	b[12] = 0x08
	ip := b[14:34]
	ip[0] = 0x45
	binary.BigEndian.PutUint16(ip[2:], uint16(20+len(seg)))
	binary.BigEndian.PutUint16(ip[4:], h.id)
	if h.df {
		ip[6] = 0x40
	}
	ip[8], ip[9] = h.ttl, h.proto
	copy(ip[12:], h.src[:])
	copy(ip[16:], h.dst[:])
	binary.BigEndian.PutUint16(ip[10:], checksum(0, ip))
	copy(b[34:], seg)
	return b
}

// udpSegment builds a UDP datagram (RFC 768) with its checksum.
func udpSegment(src, dst ip4, sport, dport uint16, payload []byte) []byte {
	b := make([]byte, 8+len(payload))
	binary.BigEndian.PutUint16(b[0:], sport)
	binary.BigEndian.PutUint16(b[2:], dport)
	binary.BigEndian.PutUint16(b[4:], uint16(len(b)))
	copy(b[8:], payload)
	c := checksum(pseudoSum(src, dst, 17, len(b)), b)
	if c == 0 {
		c = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], c)
	return b
}

// TCP flags (RFC 9293).
const (
	tcpFIN = 0x01
	tcpSYN = 0x02
	tcpRST = 0x04
	tcpPSH = 0x08
	tcpACK = 0x10
)

// tcpSegment builds a TCP segment (RFC 9293) with its checksum; options must
// be a multiple of four bytes.
func tcpSegment(src, dst ip4, sport, dport uint16, seq, ack uint32, flags uint8, win uint16, options, payload []byte) []byte {
	h := 20 + len(options)
	b := make([]byte, h+len(payload))
	binary.BigEndian.PutUint16(b[0:], sport)
	binary.BigEndian.PutUint16(b[2:], dport)
	binary.BigEndian.PutUint32(b[4:], seq)
	if flags&tcpACK != 0 {
		binary.BigEndian.PutUint32(b[8:], ack)
	}
	b[12] = uint8(h/4) << 4
	b[13] = flags
	binary.BigEndian.PutUint16(b[14:], win)
	copy(b[20:], options)
	copy(b[h:], payload)
	binary.BigEndian.PutUint16(b[16:], checksum(pseudoSum(src, dst, 6, len(b)), b))
	return b
}

// icmpMessage builds an ICMP message (RFC 792): type, code and the four bytes
// after the checksum, then data.
func icmpMessage(typ, code uint8, rest uint32, data []byte) []byte {
	b := make([]byte, 8+len(data))
	b[0], b[1] = typ, code
	binary.BigEndian.PutUint32(b[4:], rest)
	copy(b[8:], data)
	binary.BigEndian.PutUint16(b[2:], checksum(0, b))
	return b
}

// arpPacket builds an ARP packet for Ethernet and IPv4 (RFC 826); op 1 asks,
// 2 answers.
func arpPacket(op uint16, sha mac, spa ip4, tha mac, tpa ip4) []byte {
	b := make([]byte, 28)
	b[1] = 1
	b[2] = 8
	b[4], b[5] = 6, 4
	binary.BigEndian.PutUint16(b[6:], op)
	copy(b[8:], sha[:])
	copy(b[14:], spa[:])
	copy(b[18:], tha[:])
	copy(b[24:], tpa[:])
	return b
}
