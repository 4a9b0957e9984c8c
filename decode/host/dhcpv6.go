package host

import (
	"strconv"

	"osect/decode"
)

var dhcpv6 = Decoder{Name: "dhcpv6", UDPPorts: []uint16{546, 547}, Datagram: dhcpv6Message}

// DHCPv6 (RFC 8415): type 1, transaction 3, options (code 2, length 2). Relayed messages: type
// 1, hops 1, link address 16, peer address 16, options.
const (
	v6Reply        = 7
	v6RelayForward = 12
	v6RelayReply   = 13

	v6ClientID    = 1
	v6IANA        = 3
	v6IAAddr      = 5
	v6List        = 6
	v6RelayMsg    = 9
	v6VendorClass = 16
	v6ClientFQDN  = 39 // RFC 4704

	maxRelays = 8 // RFC 8415, HOP_COUNT_LIMIT
)

// v6Options calls f with each whole option until it returns false.
func v6Options(p []byte, f func(code int, v []byte) bool) {
	for len(p) >= 4 {
		n := be16(p[2:])
		if 4+n > len(p) || !f(be16(p), p[4:4+n]) {
			return
		}
		p = p[4+n:]
	}
}

func v6Option(p []byte, want int) (found []byte) {
	v6Options(p, func(code int, v []byte) bool {
		if code == want {
			found = v
		}
		return code != want
	})
	return found
}

// duidMAC is the MAC in a DUID of type 1 (with time) or 3, on Ethernet; 0 for none.
func duidMAC(d []byte) decode.MAC {
	if len(d) < 4 || be16(d[2:]) != 1 {
		return 0
	}
	switch {
	case be16(d) == 1 && len(d) == 14:
		return decode.MACFromBytes(d[8:])
	case be16(d) == 3 && len(d) == 10:
		return decode.MACFromBytes(d[4:])
	}
	return 0
}

func dhcpv6Message(s *Session, p []byte) bool {
	ip, mac := s.Src, s.SrcMAC
	relayed := false
	for range maxRelays {
		if len(p) < 34 || p[0] != v6RelayForward && p[0] != v6RelayReply {
			break
		}
		peer, ok := ipv6(p[18:34])
		if !ok {
			return false
		}
		ip, mac, relayed = peer, 0, true
		if p = v6Option(p[34:], v6RelayMsg); p == nil {
			return false
		}
	}
	if len(p) < 8 || p[0] == 0 || p[0] > 11 {
		return false
	}
	typ, options := p[0], p[4:]
	if relayed {
		if mac = duidMAC(v6Option(options, v6ClientID)); mac.Group() {
			mac = 0
		}
	}
	switch typ {
	case 1, 3, 4, 5, 6, 8, 9, 11: // Solicit, Request, Confirm, Renew, Rebind, Release, Decline, Information-request
		s.v6Client(ip, mac, options)
	case v6Reply, 2:
		if relayed || s.DstPort != 546 {
			break // the client's MAC is not that of the frame
		}
		s.tell("dhcpv6", Service, []byte("dhcpv6"))
		if typ != v6Reply || s.DstMAC == 0 || s.DstMAC.Group() {
			break
		}
		v6Options(options, func(code int, v []byte) bool {
			if code == v6IANA && len(v) >= 12 { // IAID, T1, T2
				v6Options(v[12:], func(code int, v []byte) bool {
					if code == v6IAAddr && len(v) >= 24 && be16(v[20:])|be16(v[22:]) != 0 { // valid lifetime
						if a, ok := ipv6(v); ok {
							s.bind(a, s.DstMAC, ByDHCP)
						}
					}
					return true
				})
			}
			return true
		})
	}
	return true
}

func (s *Session) v6Client(ip decode.Addr, mac decode.MAC, options []byte) {
	v6Options(options, func(code int, v []byte) bool {
		switch {
		case code == v6List && len(v) >= 2:
			s.buf = s.buf[:0]
			for i := 0; i+2 <= len(v) && len(s.buf) < MaxValue; i += 2 {
				if i > 0 {
					s.buf = append(s.buf, ',')
				}
				s.buf = strconv.AppendInt(s.buf, int64(be16(v[i:])), 10)
			}
			s.about("dhcpv6", Fingerprint, ip, mac, s.buf)
		case code == v6VendorClass && len(v) >= 4:
			s.buf = strconv.AppendInt(s.buf[:0], int64(be16(v))<<16|int64(be16(v[2:])), 10)
			s.about("dhcpv6", EnterpriseClass, ip, mac, s.buf)
			if len(v) >= 6 && 6+be16(v[4:]) <= len(v) {
				s.about("dhcpv6", VendorClass, ip, mac, v[6:6+be16(v[4:])])
			}
		case code == v6ClientFQDN && len(v) > 1:
			if name, ok := s.labels(v[1:]); ok {
				s.about("dhcpv6", Hostname, ip, mac, name)
			}
		}
		return true
	})
}
