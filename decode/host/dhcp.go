package host

import (
	"bytes"
	"strconv"

	"osect/decode"
)

var dhcp = Decoder{Name: "dhcp", UDPPorts: []uint16{67, 68}, Datagram: dhcpMessage}

// BOOTP and DHCP (RFC 951, RFC 2131): op 1, htype 1, hlen 1, hops 1, xid 4, secs 2, flags
// 2, ciaddr 4, yiaddr 4, siaddr 4, giaddr 4, chaddr 16, sname 64, file 128, then
// the cookie and options (RFC 2132: code 1, length 1).
const (
	bootpLen = 236

	bootRequest = 1
	bootReply   = 2

	dhcpPad         = 0
	dhcpRouter      = 3
	dhcpHostname    = 12
	dhcpDomain      = 15
	dhcpType        = 53
	dhcpServer      = 54
	dhcpList        = 55
	dhcpVendorClass = 60
	dhcpFQDN        = 81 // RFC 4702
	dhcpEnd         = 255
)

// Message types, option 53.
const (
	dhcpDiscover = 1
	dhcpOffer    = 2
	dhcpRequest  = 3
	dhcpDecline  = 4
	dhcpACK      = 5
	dhcpRelease  = 7
	dhcpInform   = 8
)

var dhcpCookie = []byte{0x63, 0x82, 0x53, 0x63}

func dhcpMessage(s *Session, p []byte) bool {
	if len(p) < bootpLen+4 || !bytes.Equal(p[bootpLen:bootpLen+4], dhcpCookie) || p[0] != bootRequest && p[0] != bootReply {
		return false
	}
	var opt [256][]byte // the first of each; what is cut is left out
	for o := p[bootpLen+4:]; len(o) > 0 && o[0] != dhcpEnd; {
		if o[0] == dhcpPad {
			o = o[1:]
			continue
		}
		if len(o) < 2 || len(o) < 2+int(o[1]) {
			break
		}
		if opt[o[0]] == nil {
			opt[o[0]] = o[2 : 2+int(o[1])]
		}
		o = o[2+int(o[1]):]
	}
	if len(opt[dhcpType]) != 1 || p[1] != 1 || p[2] != 6 {
		return len(opt[dhcpType]) == 1
	}
	mac := decode.MACFromBytes(p[28:34])
	if mac.Group() || mac == decode.NullMAC {
		return true
	}
	ciaddr, yiaddr, relayed := ipv4(p[12:]), ipv4(p[16:]), !unspecified(ipv4(p[24:]))

	typ := opt[dhcpType][0]
	switch {
	case p[0] == bootRequest && (typ == dhcpDiscover || typ == dhcpRequest || typ == dhcpDecline || typ == dhcpRelease || typ == dhcpInform):
		ip := mac.Addr()
		if !unspecified(ciaddr) {
			ip = ciaddr
		} else if !relayed && !unspecified(s.Src) && mac == s.SrcMAC {
			ip = s.Src
		}
		s.about("dhcp", Hostname, ip, mac, cstring(opt[dhcpHostname]))
		s.about("dhcp", VendorClass, ip, mac, cstring(opt[dhcpVendorClass]))
		if typ == dhcpDiscover || typ == dhcpRequest || typ == dhcpInform {
			s.buf = s.buf[:0]
			for i, c := range opt[dhcpList] {
				if i > 0 {
					s.buf = append(s.buf, ',')
				}
				s.buf = strconv.AppendUint(s.buf, uint64(c), 10)
			}
			s.about("dhcp", Fingerprint, ip, mac, s.buf)
		}
		if f := opt[dhcpFQDN]; len(f) > 3 {
			if f[0]&4 == 0 { // plain text
				s.about("dhcp", Hostname, ip, mac, bytes.TrimRight(cstring(f[3:]), "."))
			} else if name, ok := s.labels(f[3:]); ok {
				s.about("dhcp", Hostname, ip, mac, name)
			}
		}
	case p[0] == bootReply && (typ == dhcpOffer || typ == dhcpACK):
		server := opt[dhcpServer]
		if len(server) == 4 && !unspecified(ipv4(server)) {
			s.address("dhcp", Service, ipv4(server), []byte("dhcp"))
		}
		if r := opt[dhcpRouter]; len(r) >= 4 && !unspecified(ipv4(r)) {
			s.address("dhcp", Router, ipv4(r), []byte("default"))
		}
		if typ != dhcpACK {
			break
		}
		ip := yiaddr
		if unspecified(yiaddr) { // the answer to an Inform leases nothing
			if ip = ciaddr; unspecified(ip) {
				ip = mac.Addr()
			}
		} else {
			s.bind(yiaddr, mac, ByDHCP)
		}
		s.about("dhcp", Hostname, ip, mac, cstring(opt[dhcpHostname]))
		s.about("dhcp", Domain, ip, mac, cstring(opt[dhcpDomain]))
	}
	return true
}
