package host

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"osect/decode"
)

// h makes bytes of annotated hex: "…" in single quotes is text, # begins a comment.
func h(lines ...string) []byte {
	var out []byte
	for _, l := range lines {
		l, _, _ = strings.Cut(l, "#")
		for {
			before, quoted, ok := strings.Cut(l, "'")
			b, err := hex.DecodeString(strings.ReplaceAll(before, " ", ""))
			if err != nil {
				panic(fmt.Sprintf("%q: %v", before, err))
			}
			out = append(out, b...)
			if !ok {
				break
			}
			text, rest, _ := strings.Cut(quoted, "'")
			out = append(out, text...)
			l = rest
		}
	}
	return out
}

// wide is text in UTF-16LE.
func wide(s string) string {
	var b []byte
	for i := range len(s) {
		b = append(b, s[i], 0)
	}
	return hex.EncodeToString(b)
}

// nb is the second half of RFC 1001's encoding: 16 bytes as 32 letters with length and end.
func nb(name string, suffix byte) []byte {
	b := []byte(name + strings.Repeat(" ", 15-len(name)))
	b = append(b, suffix)
	out := []byte{32}
	for _, c := range b {
		out = append(out, 'A'+c>>4, 'A'+c&15)
	}
	return append(out, 0)
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

const (
	mac1 = decode.MAC(0x021122334455)
	mac2 = decode.MAC(0x02aabbccddee)
)

var (
	src = decode.IPv4(0xc0a80109) // 192.168.1.9
	dst = decode.IPv4(0xc0a80101) // 192.168.1.1
	ll  = decode.IPv6(h("fe80000000000000 0011 22ff fe33 4455"))
)

// bootp is a DHCP message of this op and ciaddr, yiaddr, giaddr with these options.
func bootp(op byte, ci, yi, gi string, options ...string) []byte {
	head := h(fmt.Sprintf("%02x 01 06 00 # op, Ethernet, 6 bytes, hops", op), "11223344 0000 0000 # xid, secs, flags",
		ci, yi, "00000000", gi, "021122334455 # chaddr")
	return join(head, make([]byte, 236-len(head)), h("63825363"), h(options...))
}

func TestDecoders(t *testing.T) {
	long := strings.Repeat("x", 300)
	announcement := func(op byte, data string) []byte {
		frame := h(fmt.Sprintf("%02x 00 00000000", op), "'PC7'000000000000000000000000 00 # name, 16 bytes", "06 01 # Windows 7",
			"03100000 # workstation, server, NT workstation", "0f01 55aa # browser version, signature", data)
		smb := join(h("ff'SMB'25", strings.Repeat("00", 27), "11 # 17 words", "0000 0000 0000 0000 00 00 0000 00000000 0000 0000 0000"),
			h(fmt.Sprintf("%02x00 5600 # data size, offset 86", len(frame)), "03 00 0100 0100 0200 # set-up", "0000 # byte count"),
			[]byte(browseSlot+"\x00"), frame)
		return join(h("11 02 0001 c0a80109 008a 0000 0000 # direct group datagram"), nb("PC7", 0), nb("LINE", 0x1d), smb)
	}
	ntlmType3 := join(h("'NTLMSSP'00 03000000", "0000 0000 40000000 # LM", "0000 0000 40000000 # NT"),
		h("0a00 0a00 48000000 # domain at 72, 10 bytes", "0000 0000 48000000 # user", "0600 0600 52000000 # workstation at 82"),
		h("0000 0000 48000000 # key", "01000002 # Unicode, version", "0a00 614a 000000 0f # 10.0.19041"), h(wide("PLANT")), h(wide("PC7")))
	ntlmType2 := join(h("'NTLMSSP'00 02000000", "0000 0000 38000000 # target name", "01000002 # flags", "0102030405060708 0000000000000000"),
		h("1800 1800 38000000 # target info at 56", "06 01 b11d 000000 0f # 6.1.7601"),
		h("0200 0600"+wide("DOM"), "0100 0600"+wide("SRV"), "0000 0000"))
	hello := h("16 0301 003f # record", "01 00003b 0303 # ClientHello", strings.Repeat("00", 32), "00 # session", "0002 1301", "01 00",
		"0010 # extensions", "0000 000c 000a 00 0007'mes.lan' # server name")
	for _, c := range []struct {
		name string
		with func(s *Session, p []byte) bool
		prep func(s *Session)
		p    []byte
		ok   bool
		want string // facts and bindings, one a line
	}{
		{"DHCP request from 0.0.0.0", dhcp.Datagram, func(s *Session) { s.Src = decode.IPv4(0) },
			bootp(1, "00000000", "00000000", "00000000", "35 01 03", "0c 03'PC7'", "3c 08'MSFT 5.0'", "37 03 010f06", "51 06 00 0000'PC7'", "ff"), true, `
dhcp hostname 02:11:22:33:44:55 02:11:22:33:44:55 PC7
dhcp vendor-class 02:11:22:33:44:55 02:11:22:33:44:55 MSFT 5.0
dhcp dhcp-fingerprint 02:11:22:33:44:55 02:11:22:33:44:55 1,15,6
dhcp hostname 02:11:22:33:44:55 02:11:22:33:44:55 PC7`},
		{"DHCP request through a relay: about the client, not the relay", dhcp.Datagram, nil,
			bootp(1, "00000000", "00000000", "0a000001", "35 01 01", "0c 02'P1'", "ff"), true, `
dhcp hostname 02:11:22:33:44:55 02:11:22:33:44:55 P1`},
		{"DHCP FQDN in labels", dhcp.Datagram, nil, bootp(1, "c0a80109", "00000000", "00000000", "35 01 08", "51 0b 04 0000 03'pc7'03'lan'", "ff"), true, `
dhcp hostname 192.168.1.9 02:11:22:33:44:55 pc7.lan`},
		{"DHCP acknowledgement binds", dhcp.Datagram, func(s *Session) { s.Src, s.SrcMAC = dst, mac2 },
			bootp(2, "00000000", "c0a80109", "00000000", "35 01 05", "36 04 c0a80101", "03 04 c0a80101", "0c 03'PC7'", "ff"), true, `
dhcp service 192.168.1.1 02:aa:bb:cc:dd:ee dhcp
dhcp router 192.168.1.1 02:aa:bb:cc:dd:ee default
dhcp hostname 192.168.1.9 02:11:22:33:44:55 PC7
bound 192.168.1.9 02:11:22:33:44:55 1`},
		{"DHCP offer binds nothing", dhcp.Datagram, nil, bootp(2, "00000000", "c0a80109", "00000000", "35 01 02", "ff"), true, ""},
		{"DHCP option longer than the message", dhcp.Datagram, nil, bootp(1, "c0a80109", "00000000", "00000000", "35 01 03", "0c 20'PC7'"), true, ""},
		{"DHCP without cookie", dhcp.Datagram, nil, make([]byte, 300), false, ""},

		{"DHCPv6 solicit", dhcpv6.Datagram, func(s *Session) { s.Src = ll }, h("01 000001", "0006 0004 0017 0018", "0010 000e 00000137 0008'MSFT 5.0'", "0027 0005 00 03'pc7'"), true, `
dhcpv6 dhcp-fingerprint fe80::11:22ff:fe33:4455 02:11:22:33:44:55 23,24
dhcpv6 enterprise fe80::11:22ff:fe33:4455 02:11:22:33:44:55 311
dhcpv6 vendor-class fe80::11:22ff:fe33:4455 02:11:22:33:44:55 MSFT 5.0
dhcpv6 hostname fe80::11:22ff:fe33:4455 02:11:22:33:44:55 pc7`},
		{"DHCPv6 relayed: the client's MAC is its DUID's", dhcpv6.Datagram, nil,
			h("0c 00", strings.Repeat("00", 16), "fe800000000000000000000000000007 # peer", "0009 001b # relayed", "01 000001", "0001 000a 0003 0001 02aabbccddee", "0027 0005 00 03'pc8'"), true, `
dhcpv6 hostname fe80::7 02:aa:bb:cc:dd:ee pc8`},
		{"DHCPv6 reply leases to the receiver", dhcpv6.Datagram, func(s *Session) { s.Src, s.SrcPort, s.DstPort, s.DstMAC = ll, 547, 546, mac2 },
			h("07 000001", "0003 0028 00000001 00000000 00000000", "0005 0018 fd000000000000000000000000000009 00000e10 00000e10"), true, `
dhcpv6 service fe80::11:22ff:fe33:4455 02:11:22:33:44:55 dhcpv6
bound fd00::9 02:aa:bb:cc:dd:ee 1`},
		{"DHCPv6 relays without end", dhcpv6.Datagram, nil, slices.Repeat(h("0c 00", strings.Repeat("00", 15)+"01", strings.Repeat("00", 15)+"07", "0009 ffff"), 20), false, ""},

		{"NetBIOS registration of a host", netbiosNS.Datagram, nil, join(h("0001 2910 0001 0000 0000 0001"), nb("PC7", 0), h("0020 0001 c00c 0020 0001 000493e0 0006 0000 c0a80109")), true,
			"\nnetbios-ns hostname 192.168.1.9 02:11:22:33:44:55 PC7"},
		{"NetBIOS registration of a group", netbiosNS.Datagram, nil, join(h("0001 2910 0001 0000 0000 0001"), nb("LINE", 0), h("0020 0001 c00c 0020 0001 000493e0 0006 8000 c0a80109")), true,
			"\nnetbios-ns workgroup 192.168.1.9 02:11:22:33:44:55 LINE"},
		{"NetBIOS messenger name is no host name", netbiosNS.Datagram, nil, join(h("0001 2910 0001 0000 0000 0001"), nb("ALICE", 3), h("0020 0001 c00c 0020 0001 000493e0 0006 0000 c0a80109")), true, ""},
		{"NetBIOS registration for another address", netbiosNS.Datagram, nil, join(h("0001 2910 0001 0000 0000 0001"), nb("PC8", 0), h("0020 0001 c00c 0020 0001 000493e0 0006 0000 c0a80108")), true,
			"\nnetbios-ns hostname 192.168.1.8  PC8"},
		{"NetBIOS status", netbiosNS.Datagram, func(s *Session) { s.SrcPort = 137 }, join(h("0001 8400 0000 0001 0000 0000"), nb("*", 0), h("0021 0001 00000000 0025 02", "'PC7            '00 0400", "'LINE           '00 8400")), true, `
netbios-ns hostname 192.168.1.9 02:11:22:33:44:55 PC7
netbios-ns workgroup 192.168.1.9 02:11:22:33:44:55 LINE`},
		{"NetBIOS name with letters out of range", netbiosNS.Datagram, nil, join(h("0001 2910 0001 0000 0000 0001 20"), []byte(strings.Repeat("z", 32)), h("00 0020 0001 c00c 0020 0001 000493e0 0006 0000 c0a80109")), false, ""},
		{"browser host announcement", netbiosDatagram.Datagram, nil, announcement(1, "'press line 3'00"), true, `
netbios hostname 192.168.1.9 02:11:22:33:44:55 PC7
browser hostname 192.168.1.9 02:11:22:33:44:55 PC7
browser comment 192.168.1.9 02:11:22:33:44:55 press line 3
browser server-type 192.168.1.9 02:11:22:33:44:55 0x00001003
browser os-version 192.168.1.9 02:11:22:33:44:55 6.1`},
		{"browser election tells no version", netbiosDatagram.Datagram, nil, announcement(8, "00"), true, "\nnetbios hostname 192.168.1.9 02:11:22:33:44:55 PC7"},

		{"DNS answer, name by pointer", dns.Datagram, func(s *Session) { s.SrcPort = 53 }, h("0001 8180 0001 0001 0000 0000", "03'mes'03'lan'00 0001 0001", "c00c 0001 0001 0000003c 0004 c0a80107"), true, "\ndns hostname 192.168.1.7  mes.lan"},
		{"DNS reverse answer", dns.Datagram, func(s *Session) { s.SrcPort = 53 }, h("0001 8180 0001 0001 0000 0000", "01'7'01'1'03'168'03'192'07'in-addr'04'arpa'00 000c 0001", "c00c 000c 0001 0000003c 0009 03'mes'03'lan'00"), true, "\ndns hostname 192.168.1.7  mes.lan"},
		{"DNS pointer to itself", dns.Datagram, func(s *Session) { s.SrcPort = 53 }, h("0001 8180 0001 0001 0000 0000", "c00c 0001 0001", "c00c 0001 0001 0000003c 0004 c0a80107"), false, ""},
		{"DNS pointer forward", dns.Datagram, func(s *Session) { s.SrcPort = 53 }, h("0001 8180 0001 0001 0000 0000", "c020 0001 0001", "c00c 0001 0001 0000003c 0004 c0a80107", "01'a'00"), false, ""},
		{"DNS question", dns.Datagram, nil, h("0001 0100 0001 0000 0000 0000", "03'mes'03'lan'00 0001 0001"), false, ""},
		{"DNS refusal", dns.Datagram, func(s *Session) { s.SrcPort = 53 }, h("0001 8183 0001 0000 0000 0000", "03'mes'03'lan'00 0001 0001"), false, ""},
		{"mDNS announcement", mdns.Datagram, func(s *Session) { s.SrcPort = 5353 }, h("0000 8400 0000 0003 0000 0001",
			"03'cam'05'local'00 0001 8001 00000078 0004 c0a80109", "04'_ipp'04'_tcp'c010 000c 0001 00000078 0002 c00c", "03'cam'c00c 0010 8001 00000078 000a 09'model=X5k'", "c00c 000d 8001 00000078 000c 05'ARMV7'05'LINUX'"), true, `
mdns hostname 192.168.1.9 02:11:22:33:44:55 cam
mdns service 192.168.1.9 02:11:22:33:44:55 _ipp._tcp
mdns model 192.168.1.9 02:11:22:33:44:55 X5k
mdns os 192.168.1.9 02:11:22:33:44:55 LINUX
bound 192.168.1.9 02:11:22:33:44:55 2`},
		{"LLMNR: is anyone else PC7", llmnr.Datagram, nil, h("0001 0000 0001 0000 0000 0000", "03'PC7'00 00ff 0001"), true, "\nllmnr hostname 192.168.1.9 02:11:22:33:44:55 PC7"},
		{"LLMNR: where is PC8", llmnr.Datagram, nil, h("0001 0000 0001 0000 0000 0000", "03'PC8'00 0001 0001"), true, ""},

		{"SSDP notice", ssdp.Datagram, nil, []byte("NOTIFY * HTTP/1.1 \r\nServer: OS/1 UPnP/1.0 cam/2\r\nNT: x\r\n\r\n"), true, "\nssdp server-banner 192.168.1.9 02:11:22:33:44:55 OS/1 UPnP/1.0 cam/2"},
		{"SSDP answer with its type of device", ssdp.Datagram, nil, []byte("HTTP/1.1 200 OK\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"), true, "\nssdp service 192.168.1.9 02:11:22:33:44:55 InternetGatewayDevice"},
		{"SSDP search for a type of device", ssdp.Datagram, nil, []byte("M-SEARCH * HTTP/1.1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n"), true, ""},
		{"SSDP line without end is not taken", ssdp.Datagram, nil, []byte("NOTIFY * HTTP/1.1\r\nSERVER: OS/1 UPn"), true, ""},
		{"not SSDP", ssdp.Datagram, nil, []byte("GET / HTTP/1.1\r\nServer: x\r\n\r\n"), false, ""},

		{"SNMP system group", snmp.Datagram, func(s *Session) { s.SrcPort = 161 }, h("30 3c 02 01 01 04 06'secret' a2 2f 02 01 07 02 01 00 02 01 00 30 24",
			"30 10 06 08 2b06010201010100 04 04'SW-5'", "30 10 06 08 2b06010201010500 04 04'hall'"), true, `
snmp description 192.168.1.9 02:11:22:33:44:55 SW-5
snmp hostname 192.168.1.9 02:11:22:33:44:55 hall`},
		{"SNMP object id", snmp.Datagram, func(s *Session) { s.SrcPort = 161 }, h("30 2b 02 01 00 04 01'x' a2 23 02 01 07 02 01 00 02 01 00 30 18", "30 16 06 08 2b06010201010200 06 0a 2b06010401 84ab01 02 03"), true,
			"\nsnmp object-id 192.168.1.9 02:11:22:33:44:55 1.3.6.1.4.1.71041.2.3"},
		{"SNMP question", snmp.Datagram, nil, h("30 24 02 01 01 04 06'secret' a0 17 02 01 07 02 01 00 02 01 00 30 0c", "30 0a 06 06 2b0601020101 05 00"), true, ""},
		{"SNMP length over the datagram", snmp.Datagram, func(s *Session) { s.SrcPort = 161 }, h("30 84 ff ff ff ff 02 01 01"), false, ""},

		{"LLDP", lldp.Frame, atLink, h("02 07 04 021122334455 # chassis: MAC", "04 03 07'p1' # port: local", "06 02 0078", "0a 03'SW1'", "0c 05'X 2.1'", "0e 04 0014 0004", "fe 07 0012bb 08'S77'", "0000"), true, `
lldp chassis-id 02:11:22:33:44:55 02:11:22:33:44:55 02:11:22:33:44:55
lldp port-id 02:11:22:33:44:55 02:11:22:33:44:55 p1
lldp hostname 02:11:22:33:44:55 02:11:22:33:44:55 SW1
lldp description 02:11:22:33:44:55 02:11:22:33:44:55 X 2.1
lldp capabilities 02:11:22:33:44:55 02:11:22:33:44:55 bridge
lldp serial 02:11:22:33:44:55 02:11:22:33:44:55 S77`},
		{"LLDP out of order", lldp.Frame, atLink, h("0a 03'SW1'", "02 07 04 021122334455", "0000"), false, ""},
		{"LLDP cut inside the name", lldp.Frame, atLink, h("02 07 04 021122334455", "04 03 07'p1'", "06 02 0078", "0a 10'SW1'"), true, `
lldp chassis-id 02:11:22:33:44:55 02:11:22:33:44:55 02:11:22:33:44:55
lldp port-id 02:11:22:33:44:55 02:11:22:33:44:55 p1`},
		{"CDP", cdp.Frame, atLink, h("02 b4 0000", "0001 0007'SW1'", "0003 0006'f1'", "0004 0008 00000009", "0006 0007'C29'"), true, `
cdp hostname 02:11:22:33:44:55 02:11:22:33:44:55 SW1
cdp port-id 02:11:22:33:44:55 02:11:22:33:44:55 f1
cdp capabilities 02:11:22:33:44:55 02:11:22:33:44:55 router switch
cdp model 02:11:22:33:44:55 02:11:22:33:44:55 C29`},
		{"CDP length under its own head", cdp.Frame, atLink, h("02 b4 0000", "0001 0003'SW1'"), true, ""},

		{"NDP solicitation", ndp.ICMP6, atLL, h("87 00 0000 00000000", "fe800000000000000000000000000001", "01 01 021122334455"), true, "\nbound fe80::11:22ff:fe33:4455 02:11:22:33:44:55 0"},
		{"NDP duplicate detection binds nothing", ndp.ICMP6, func(s *Session) { s.Src, s.TTL = decode.Addr{}, 255 }, h("87 00 0000 00000000", "fe800000000000000000000000000001", "01 01 021122334455"), true, ""},
		{"NDP advertisement binds its target", ndp.ICMP6, atLL, h("88 00 0000 60000000", "fd000000000000000000000000000001", "02 01 02aabbccddee"), true, "\nbound fd00::1 02:aa:bb:cc:dd:ee 0"},
		{"NDP from beyond a router", ndp.ICMP6, func(s *Session) { s.Src, s.TTL = ll, 254 }, h("88 00 0000 60000000", "fd000000000000000000000000000001", "02 01 02aabbccddee"), false, ""},
		{"NDP option of length 0", ndp.ICMP6, atLL, h("88 00 0000 60000000", "fd000000000000000000000000000001", "02 00 02aabbccddee"), false, ""},
		{"NDP router", ndp.ICMP6, atLL, h("86 00 0000 40 00 0708 00000000 00000000", "03 04 40 c0 00278d00 00093a80 00000000 fd120000000000000000000000000000"), true, `
ndp prefix fe80::11:22ff:fe33:4455 02:11:22:33:44:55 fd12::/64
ndp router fe80::11:22ff:fe33:4455 02:11:22:33:44:55 default`},

		{"HTTP request", http.First, nil, []byte("GET /a HTTP/1.1\r\nHost: mes.lan:8080\r\nUser-Agent: curl/8\r\nServer: no\r\n\r\n"), true, `
http http-host 192.168.1.1  mes.lan
http user-agent 192.168.1.9 02:11:22:33:44:55 curl/8`},
		{"HTTP request to an address", http.First, nil, []byte("GET /a HTTP/1.1\r\nhost: 192.168.1.1\r\n\r\n"), true, ""},
		{"HTTP response", http.First, nil, []byte("HTTP/1.0 200 OK\r\nServer: GoAhead\r\n\r\nUser-Agent: body"), true, "\nhttp server-banner 192.168.1.9 02:11:22:33:44:55 GoAhead"},
		{"RTSP response", http.First, nil, []byte("RTSP/1.0 200 OK\r\nServer: cam\r\n\r\n"), true, "\nrtsp server-banner 192.168.1.9 02:11:22:33:44:55 cam"},
		{"not HTTP", http.First, nil, []byte("GETTING STARTED with this\r\nServer: x\r\n\r\n"), false, ""},
		{"a long value is cut", http.First, nil, []byte("HTTP/1.0 200 OK\r\nServer: " + long + "\r\n\r\n"), true, "\nhttp server-banner 192.168.1.9 02:11:22:33:44:55 " + long[:MaxValue]},
		{"TLS server name", tls.First, nil, hello, true, `
tls sni 192.168.1.1  mes.lan
tls ja3 192.168.1.9 02:11:22:33:44:55 1e7c622032b0cb79401b0f7be3793a1a
tls ja4 192.168.1.9 02:11:22:33:44:55 t12d010100_0f2cb44170f4_000000000000`},
		{"TLS hello cut before its extensions", tls.First, nil, hello[:44], false, ""},
		{"TLS hello cut inside the name", tls.First, nil, hello[:len(hello)-3], true, ""},
		{"SSH of a server", ssh.First, nil, []byte("SSH-2.0-OpenSSH_9.6 Debian-1\r\n"), true, "\nssh server-banner 192.168.1.9 02:11:22:33:44:55 SSH-2.0-OpenSSH_9.6 Debian-1"},
		{"SSH without end of line", ssh.First, nil, []byte("SSH-2.0-OpenSSH_9.6"), false, ""},
		{"FTP greeting", ftp.First, nil, []byte("220-vsFTPd 3.0\r\n220 ok\r\n"), true, "\nftp server-banner 192.168.1.9 02:11:22:33:44:55 vsFTPd 3.0"},
		{"SMTP greeting without its date", smtp.First, nil, []byte("220 mx ESMTP Exim 4.69 #1 Mon, 05 Oct 2009 01:05:54\r\n"), true, "\nsmtp server-banner 192.168.1.9 02:11:22:33:44:55 mx ESMTP Exim 4.69 #1"},
		{"FTP other answer", ftp.First, nil, []byte("230 logged in\r\n"), false, ""},
		{"FTP greeting by the client", ftp.First, func(s *Session) { s.FromClient = true }, []byte("220 x y\r\n"), false, ""},
		{"Telnet banner behind commands", telnet.First, func(s *Session) { s.Start = true }, h("ff fd 18 ff fa 18 01 ff f0 0d0a'VxWorks login shell'0d0a'user: '"), true, "\ntelnet server-banner 192.168.1.9 02:11:22:33:44:55 VxWorks login shell"},
		{"Telnet in the middle", telnet.First, nil, []byte("total 14 files\r\n"), false, ""},

		{"NTLM challenge", ntlm.First, nil, join(h("'any head'"), ntlmType2), true, `
ntlmssp os-version 192.168.1.9 02:11:22:33:44:55 6.1.7601
ntlmssp domain 192.168.1.9 02:11:22:33:44:55 DOM
ntlmssp hostname 192.168.1.9 02:11:22:33:44:55 SRV`},
		{"NTLM authenticate tells no user", ntlm.First, nil, ntlmType3, true, `
ntlmssp os-version 192.168.1.9 02:11:22:33:44:55 10.0.19041
ntlmssp hostname 192.168.1.9 02:11:22:33:44:55 PC7
ntlmssp domain 192.168.1.9 02:11:22:33:44:55 PLANT`},
		{"NTLM offsets outside", ntlm.First, nil, join(ntlmType3[:28], h("0a00 0a00 ffffff7f"), ntlmType3[36:44], h("0600 0600 ffffffff"), ntlmType3[52:]), true,
			"\nntlmssp os-version 192.168.1.9 02:11:22:33:44:55 10.0.19041"},
		{"SMB2 negotiated", smb.First, nil, join(h("00 000080 fe'SMB'4000 0000 00000000 0000 0000 01000000"), make([]byte, 44), h("4100 0100 1103"), make([]byte, 58)), true, "\nsmb smb-dialect 192.168.1.9 02:11:22:33:44:55 3.1.1"},
		{"SMB1 client with passwords: no account", smb.First, nil, join(h("00 000059 ff'SMB'73 00000000 18 0100", strings.Repeat("00", 20),
			"0d ff000000 0410 0200 0100 00000000 0200 0100 00000000 d4000000 1c00 # passwords of 2 and 1"), h("aabb cc 'ALICE'00 'DOM'00 'Windows 4.0'00 'LM'00")), true, `
smb os 192.168.1.9 02:11:22:33:44:55 Windows 4.0
smb software 192.168.1.9 02:11:22:33:44:55 LM`},
		{"SMB1 session set up", smb.First, nil, join(h("00 000049 ff'SMB'73 00000000 98 0180", strings.Repeat("00", 20), "03 ff00 0000 0000 2000 00"), h(wide("Windows 5.1"), "0000", "5300 4200 0000")), true, `
smb os 192.168.1.9 02:11:22:33:44:55 Windows 5.1
smb software 192.168.1.9 02:11:22:33:44:55 SB`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Session{Src: src, Dst: dst, SrcMAC: mac1}
			if c.prep != nil {
				c.prep(&s)
			}
			ok := try(c.with, &s, c.p)
			if got := lines(&s); ok != c.ok || got != c.want {
				t.Errorf("%v, told:%s\nwant %v:%s", ok, got, c.ok, c.want)
			}
			// Cut anywhere it must neither fail nor tell what is not whole.
			for n := range c.p {
				s.Reset()
				try(c.with, &s, c.p[:n])
				for _, l := range strings.Split(lines(&s), "\n") {
					if !strings.Contains(c.want+"\n", l+"\n") && l != "" {
						t.Errorf("cut at %d: told %q", n, l)
					}
				}
			}
		})
	}
}

func atLink(s *Session) { s.Src, s.Dst = mac1.Addr(), decode.MAC(0x0180c200000e).Addr() }
func atLL(s *Session)   { s.Src, s.TTL = ll, 255 }

func lines(s *Session) string {
	var b strings.Builder
	for _, f := range s.Facts {
		fmt.Fprintf(&b, "\n%s %s %s %s %s", f.Source, f.Kind, f.IP, f.MAC, f.Value)
	}
	for _, x := range s.Bindings {
		fmt.Fprintf(&b, "\nbound %s %s %d", x.IP, x.MAC, x.By)
	}
	return b.String()
}

// TestBounds: one payload tells at most maxTold facts, and what is more is counted.
func TestBounds(t *testing.T) {
	p := h("0001 8180 0001 0080 0000 0000", "01'a'00 0001 0001")
	for i := range 128 {
		p = append(p, h("c00c 0001 0001 00000000 0004 0a0000", fmt.Sprintf("%02x", i+1))...)
	}
	s := Session{SrcPort: 53}
	if !dns.Datagram(&s, p) || len(s.Facts) != maxTold || s.Dropped != 128-maxTold {
		t.Errorf("%d facts, %d dropped", len(s.Facts), s.Dropped)
	}
}

// TestNoAllocation: a session that has grown reads without allocation.
func TestNoAllocation(t *testing.T) {
	table := NewTable()
	p := h("0001 8180 0001 0001 0000 0000", "03'mes'03'lan'00 0001 0001", "c00c 0001 0001 0000003c 0004 c0a80107")
	d := bootp(1, "00000000", "00000000", "00000000", "35 01 03", "0c 03'PC7'", "37 03 010f06", "ff")
	get := []byte("GET /a HTTP/1.1\r\nHost: mes.lan:8080\r\nUser-Agent: curl/8\r\n\r\n")
	s := Session{Src: src, Dst: dst, SrcMAC: mac1, SrcPort: 53}
	if n := testing.AllocsPerRun(100, func() {
		s.Reset()
		s.SrcPort = 53
		table.Datagram(&s, p)
		s.SrcPort = 68
		table.Datagram(&s, d)
		table.Payload(&s, get)
		if len(s.Facts) != 5 {
			t.Fatal(lines(&s))
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTable: names, ports and kinds are told apart.
func TestTable(t *testing.T) {
	seen := map[string]bool{}
	udp := map[uint16]string{}
	for _, d := range Decoders {
		if seen[d.Name] {
			t.Errorf("two decoders %q", d.Name)
		}
		seen[d.Name] = true
		for _, p := range d.UDPPorts {
			if udp[p] != "" {
				t.Errorf("UDP port %d is of %s and %s", p, udp[p], d.Name)
			}
			udp[p] = d.Name
		}
		if d.Datagram == nil && len(d.UDPPorts) > 0 || d.First == nil && (len(d.TCPPorts) > 0 || d.AnyPort) || d.Frame == nil && len(d.EtherTypes)+len(d.SNAPs) > 0 {
			t.Errorf("%s: no function for a port or type", d.Name)
		}
	}
	for k := range NumKinds {
		if n := k.String(); n == "" || seen["kind "+n] {
			t.Errorf("kind %d is %q", k, n)
		} else {
			seen["kind "+n] = true
		}
	}
}
