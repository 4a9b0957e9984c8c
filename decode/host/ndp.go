package host

import (
	"net/netip"

	"osect/decode"
)

var ndp = Decoder{Name: "ndp", ICMP6: ndpMessage}

// Neighbour discovery (RFC 4861): type 1, code 1, checksum 2, then
// router advertisement: hop limit 1, flags 1, lifetime 2, timers 8, options;
// solicitation: reserved 4, target 16, options; advertisement: flags 4, target
// 16, options. An option is type 1, length 1 in units of 8 bytes.
const (
	ndpRouterSolicitation = 133
	ndpRouterAdvert       = 134
	ndpSolicitation       = 135
	ndpAdvertisement      = 136

	optSourceMAC = 1
	optTargetMAC = 2
	optPrefix    = 3 // length 1, flags 1, lifetimes 8, reserved 4, prefix 16
)

func ndpMessage(s *Session, p []byte) bool {
	// A packet that a router has passed on is not valid (RFC 4861 7.1).
	if len(p) < 8 || p[1] != 0 || s.TTL != 255 {
		return false
	}
	owner, options, want := s.Src, 0, byte(optSourceMAC)
	switch p[0] {
	case ndpRouterSolicitation:
		options = 8
	case ndpRouterAdvert:
		options = 16
	case ndpSolicitation:
		options = 24
	case ndpAdvertisement:
		options, want = 24, optTargetMAC
		if len(p) < options {
			return false
		}
		var ok bool
		if owner, ok = ipv6(p[8:24]); !ok {
			return false
		}
	default:
		return false
	}
	if len(p) < options {
		return false
	}
	mac := decode.MAC(0)
	for o := p[options:]; len(o) >= 2; {
		n := int(o[1]) * 8
		if n == 0 {
			return false
		}
		if n > len(o) {
			break // cut
		}
		switch {
		case o[0] == want && n == 8:
			mac = decode.MACFromBytes(o[2:8])
		case o[0] == optPrefix && n == 32 && p[0] == ndpRouterAdvert && o[2] <= 128:
			a, _ := netip.AddrFromSlice(o[16:32])
			s.buf = netip.PrefixFrom(a, int(o[2])).Masked().AppendTo(s.buf[:0])
			s.tell("ndp", Prefix, s.buf)
		}
		o = o[n:]
	}
	if p[0] == ndpRouterAdvert && be16(p[6:]) != 0 { // lifetime as a default router, s
		s.tell("ndp", Router, []byte("default"))
	}
	if mac != 0 && !mac.Group() && !unspecified(owner) && !owner.Multicast() && !owner.IsIPv4() {
		s.bind(owner, mac, ByNDP)
	}
	return true
}
