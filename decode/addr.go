package decode

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strings"
)

// Addr is one end of a conversation: an IPv4 address, an IPv6 address or, below
// IP, a MAC. It is comparable, holds no pointer and is 16 bytes, so that tables
// of millions of them cost the garbage collector nothing.
//
// IPv6 is the plain 128 bits. The other kinds use prefixes inside ::/8, which
// RFC 4291 reserves; Decode refuses frames that carry such an IPv6 address
// (Reserved), so that no frame can pass itself off as another kind.
type Addr struct{ Hi, Lo uint64 }

const (
	prefixIPv4 = 0x00ff_6f73_6563_0004 // Lo: the address, 32 bits
	prefixMAC  = 0x00ff_6f73_6563_0002 // Lo: the MAC
)

// IPv4 makes an Addr of an IPv4 address in host order (a<<24 | b<<16 | c<<8 | d).
func IPv4(a uint32) Addr { return Addr{prefixIPv4, uint64(a)} }

// IPv6 makes an Addr of 16 bytes in network order; b must have 16 bytes.
func IPv6(b []byte) Addr {
	return Addr{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:16])}
}

// IsIPv4 says whether a is an IPv4 address.
func (a Addr) IsIPv4() bool { return a.Hi == prefixIPv4 }

// IsMAC says whether a is a MAC.
func (a Addr) IsMAC() bool { return a.Hi == prefixMAC }

// IsIPv6 says whether a is an IPv6 address; the zero Addr is ::.
func (a Addr) IsIPv6() bool { return !a.IsIPv4() && !a.IsMAC() }

// IsZero says whether a is the zero Addr: the IPv6 address ::, which is a valid
// source (duplicate address detection).
func (a Addr) IsZero() bool { return a == Addr{} }

// Reserved says whether an IPv6 address read from a frame lies in the prefixes
// that Addr uses for its other kinds.
func (a Addr) Reserved() bool { return a.IsIPv4() || a.IsMAC() }

// MAC returns the hardware address of an Addr that IsMAC.
func (a Addr) MAC() MAC { return MAC(a.Lo) }

// Multicast says whether a is a multicast or broadcast address: 224.0.0.0/4,
// 255.255.255.255, ff00::/8, or a MAC with the group bit. Directed broadcasts
// need the netmask and are not known here.
func (a Addr) Multicast() bool {
	switch {
	case a.IsIPv4():
		return a.Lo>>28 == 0xe || a.Lo == 0xffffffff
	case a.IsMAC():
		return MAC(a.Lo).Group()
	}
	return a.Hi>>56 == 0xff
}

// Less orders addresses: IPv4 before IPv6 before MAC, each by its bytes.
func (a Addr) Less(b Addr) bool { return a.Compare(b) < 0 }

// Compare is Less as -1, 0, 1.
func (a Addr) Compare(b Addr) int {
	ra, rb := a.rank(), b.rank()
	switch {
	case ra != rb:
		return cmp(uint64(ra), uint64(rb))
	case a.Hi != b.Hi:
		return cmp(a.Hi, b.Hi)
	case a.IsMAC(): // without the mark of NullMAC
		return cmp(a.Lo<<16, b.Lo<<16)
	}
	return cmp(a.Lo, b.Lo)
}

func cmp(a, b uint64) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func (a Addr) rank() int {
	switch {
	case a.IsIPv4():
		return 1
	case a.IsMAC():
		return 3
	}
	return 2
}

// Netip returns the address of an Addr that is IPv4 or IPv6; of a MAC the zero
// netip.Addr.
func (a Addr) Netip() netip.Addr {
	switch {
	case a.IsIPv4():
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.Lo))
		return netip.AddrFrom4(b)
	case a.IsMAC():
		return netip.Addr{}
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.Hi)
	binary.BigEndian.PutUint64(b[8:], a.Lo)
	return netip.AddrFrom16(b)
}

// String is the address as people write it: dotted, RFC 5952, or a MAC in lower
// case with colons.
func (a Addr) String() string {
	if a.IsMAC() {
		return a.MAC().String()
	}
	return a.Netip().String()
}

// Bytes is the shortest form for storing: 4, 16 or 6 bytes in network order,
// none for the zero Addr. FromBytes reads it.
func (a Addr) Bytes() []byte {
	switch {
	case a.IsIPv4():
		return binary.BigEndian.AppendUint32(nil, uint32(a.Lo))
	case a.IsMAC():
		return binary.BigEndian.AppendUint64(nil, a.Lo)[2:]
	}
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, a.Hi), a.Lo)
}

// FromBytes reads what Bytes wrote; any other length gives an error.
func FromBytes(b []byte) (Addr, error) {
	switch len(b) {
	case 4:
		return IPv4(binary.BigEndian.Uint32(b)), nil
	case 6:
		return MACFromBytes(b).Addr(), nil
	case 16:
		return IPv6(b), nil
	}
	return Addr{}, fmt.Errorf("an address of %d bytes: want 4, 6 or 16", len(b))
}

// ParseAddr reads what String wrote.
func ParseAddr(s string) (Addr, error) {
	if m, err := ParseMAC(s); err == nil {
		return m.Addr(), nil
	}
	ip, err := netip.ParseAddr(s)
	if err != nil || ip.Zone() != "" {
		return Addr{}, fmt.Errorf("%q is neither an IP address nor a MAC", s)
	}
	if ip.Is4() {
		b := ip.As4()
		return IPv4(binary.BigEndian.Uint32(b[:])), nil
	}
	b := ip.As16()
	return IPv6(b[:]), nil
}

// MAC is a 48-bit hardware address in the low bits, first byte on the wire
// highest. The zero MAC stands for "none"; the address 00:00:00:00:00:00, which
// loopback interfaces and test benches do send, is NullMAC.
type MAC uint64

// NullMAC is the address of six zero bytes.
const NullMAC MAC = 1 << 48

// macOf makes a MAC of 48 bits read from a frame.
func macOf(v uint64) MAC {
	if v == 0 {
		return NullMAC
	}
	return MAC(v)
}

// MACFromBytes reads 6 bytes in wire order; b must have 6 bytes.
func MACFromBytes(b []byte) MAC {
	return macOf(uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:6])))
}

// ParseMAC reads six colon-separated bytes in hex.
func ParseMAC(s string) (MAC, error) {
	colons := len(s) == 17
	for i := 2; colons && i < 17; i += 3 {
		colons = s[i] == ':'
	}
	if colons {
		if b, err := hex.DecodeString(strings.ReplaceAll(s, ":", "")); err == nil && len(b) == 6 {
			return MACFromBytes(b), nil
		}
	}
	return 0, fmt.Errorf("%q is no MAC: want six bytes as 00:11:22:aa:bb:cc", s)
}

// Addr is the MAC as an end of a conversation.
func (m MAC) Addr() Addr { return Addr{prefixMAC, uint64(m)} }

// Group says whether the group bit is set: multicast or broadcast.
func (m MAC) Group() bool { return m>>40&1 != 0 }

// Local says whether the address is locally administered (no vendor's).
func (m MAC) Local() bool { return m>>41&1 != 0 }

// String is lower-case hex with colons; "" for "none".
func (m MAC) String() string {
	if m == 0 {
		return ""
	}
	const digits = "0123456789abcdef"
	var b [17]byte
	for i := range 6 {
		x := byte(m >> (40 - 8*i))
		b[3*i], b[3*i+1] = digits[x>>4], digits[x&15]
		if i < 5 {
			b[3*i+2] = ':'
		}
	}
	return string(b[:])
}
