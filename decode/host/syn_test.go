package host

import (
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot/ottest"
)

// syn4 is a frame with an IPv4 header (TOS, ID, flags, TTL) and a TCP header (flags, window, urgent pointer) with options.
func syn4(tos, id, frag, ttl, flags, window, urgent, options string) []byte {
	o := h(options)
	b := h("02aabbccddee 021122334455 0800", "45", tos, "0000", id, frag, ttl, "06 0000 c0a80109 c0a80101", "c000 01f6 00000005 00000000 00", flags, window, "0000", urgent)
	b = append(b, o...)
	b[14+3] = byte(len(b) - 14) // total length
	b[14+20+12] = byte(5+len(o)/4) << 4
	return b
}

func TestSYN(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		kind  Kind
		want  string
	}{
		{"Windows", syn4("00", "1234", "4000", "7d", "02", "faf0", "0000", "020405b4 01 030308 01 01 0402"), TCPSyn, "4:128+3:0:1460:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0"},
		{"an answer", syn4("00", "0000", "4000", "40", "12", "7210", "0000", "020405b4 0402 080a 00000001 00000009 01 030307"), TCPSynAck, "4:64+0:0:1460:29200,7:mss,sok,ts,nop,ws:df,ack-:0"},
		{"a controller", syn4("00", "0007", "0000", "ff", "02", "2000", "0000", "02040218"), TCPSyn, "4:255+0:0:536:8192,0:mss::0"},
		{"no options", syn4("00", "0000", "0000", "1e", "02", "0400", "0000", ""), TCPSyn, "4:32+2:0:0:1024,0::id-:0"},
		{"explicit congestion, timestamps of 0 and of the other", syn4("02", "0001", "4000", "40", "c2", "ffff", "0000", "0402 080a 00000000 00000001"), TCPSyn, "4:64+0:0:0:65535,0:sok,ts:df,id+,ecn,ts1-,ts2+:0"},
		{"odd flags and urgent pointer", syn4("00", "0001", "c000", "40", "2a", "0001", "0001", "03030f 00"), TCPSyn, "4:64+0:0:0:1,15:ws,eol+0:df,id+,0+,urgf+,pushf+,exws:0"},
		{"an urgent pointer without its flag, bytes behind the end", syn4("00", "0001", "0000", "40", "02", "0001", "0005", "020405b4 00 000001"), TCPSyn, "4:64+0:0:1460:1,0:mss,eol+3:uptr+,opt+:0"},
		{"an option that nobody knows and one that is too long", syn4("00", "0001", "0000", "40", "02", "0001", "0000", "1e02 0114"), TCPSyn, "4:64+0:0:0:1,0:?30,nop:bad:0"},
		{"an MSS of one byte", syn4("00", "0001", "0000", "40", "02", "0001", "0000", "020305 00"), TCPSyn, "4:64+0:0:0:1,0:mss,eol+0:bad:0"},
		{"IPv6 with a flow label", h("02aabbccddee 021122334455 86dd", "6000beef 0018 06 80", "fd000000000000000000000000000001 fd000000000000000000000000000002", "c000 01f6 00000005 00000000 60 02 fd20 0000 0000 020405a0"), TCPSyn, "6:128+0:0:1440:64800,0:mss:flow:0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p decode.Packet
			p.Decode(decode.LinkEthernet, c.frame, uint32(len(c.frame)))
			if !p.TCP {
				t.Fatalf("no TCP in it: %v", p.Reason)
			}
			s := Session{Src: p.Src, SrcMAC: p.SrcMAC}
			s.SYN(&p)
			if len(s.Facts) != 1 || s.Facts[0].Kind != c.kind || s.Facts[0].Source != "tcp" || string(s.Facts[0].Value) != c.want {
				t.Errorf("told %q\nwant %s", lines(&s), c.want)
			}
			if n := testing.AllocsPerRun(50, func() { s.Reset(); s.SYN(&p) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

// FuzzSYN shows any options and headers.
func FuzzSYN(f *testing.F) {
	ottest.Seeds("os-fingerprint", true, 0, func(p []byte) { f.Add(p[:min(len(p), 40)], uint16(64240), byte(2)) })
	f.Add(h("020405b4 01 030308 01 01 0402"), uint16(64240), byte(2))
	f.Add(h("0101010101010101010101010101010101010101 0101010101010101010101010101010101010101"), uint16(0), byte(0xff))
	f.Add(h("ff02 fe02 fd02 fc02 fb02 fa02 f902 f802 f702 f602 f502 f402 f302 f202 f102 f002 ef02 ee02 ed02 ec02"), uint16(1), byte(0x12))
	f.Fuzz(func(t *testing.T, options []byte, window uint16, flags byte) {
		options = options[:min(len(options), 40)&^3]
		b := syn4("03", "0001", "c000", "40", "02", "0000", "0101", "")
		b = append(b, options...)
		b[14+3], b[14+20+12], b[14+20+13] = byte(len(b)-14), byte(5+len(options)/4)<<4, flags|2
		b[14+20+14], b[14+20+15] = byte(window>>8), byte(window)
		var p decode.Packet
		p.Decode(decode.LinkEthernet, b, uint32(len(b)))
		if !p.TCP {
			t.Fatal("no TCP")
		}
		s := Session{Src: p.Src, SrcMAC: p.SrcMAC}
		s.SYN(&p)
		check(t, &s)
		if v := string(s.Facts[0].Value); strings.Count(v, ":") != 7 && len(v) < MaxValue {
			t.Fatal(v)
		}
	})
}

func TestLogins(t *testing.T) {
	// AS-REQ: realm PLANT.LAN, address of type 20 "PC7", a machine's name.
	name := join(h("30 19 # {type 20, name}", "a0 03 020114", "a1 12 04 10"), []byte("PC7            \x20"))
	addresses := join(h("a9 1d 30 1b"), name)
	realm := h("a2 0b 1b 09'PLANT.LAN'")
	machine := h("a1 12 30 10 a0 03 020101 a1 09 30 07 1b 05'PLC9$'")
	body := join(h("a0 07 03 05 00 40800010"), machine, realm, addresses)
	request := join([]byte{0xa1, 3, 2, 1, 5, 0xa2, 3, 2, 1, 10, 0xa4, byte(len(body) + 2), 0x30, byte(len(body))}, body)
	asReq := join([]byte{0x6a, byte(len(request) + 2), 0x30, byte(len(request))}, request)
	asRep := h("6b 1b 30 19 a0 03 020105 a1 03 02010b a3 0b 1b 09'PLANT.LAN'", "a4 00")
	core := join(h("01c0 d800 # client core data", "04000800 0004 0003 01ca 03aa 11040000 65 4a 00 00 # build 19045"), h(wide("PC7")), make([]byte, 26), make([]byte, 160))
	settings := join(h("0300 00f0 02 f0 80 7f65"), core)
	entry := join(h("30 56 02 01 01 64 51 04 00 30 4d", "30 1b 04 0b'dnsHostName' 31 0c 04 0a'dc1.plant.'", "30 2e 04 14'defaultNamingContext' 31 16 04 14'DC=plant,DC=examples'"))
	match := `<?xml version="1.0"?><s:Envelope xmlns:s="x"><d:ProbeMatches><d:Types>dn:NetworkVideoTransmitter tds:Device</d:Types>` +
		`<d:Scopes>onvif://www.onvif.org/name/CAM7 onvif://www.onvif.org/hardware/M3045 </d:Scopes></d:ProbeMatches></s:Envelope>`
	const me = " 192.168.1.9 02:11:22:33:44:55 "
	for _, c := range []struct {
		name string
		with func(s *Session, p []byte) bool
		prep func(s *Session)
		p    []byte
		ok   bool
		want string
	}{
		{"Kerberos request", kerberos.Datagram, nil, asReq, true, "\nkerberos domain" + me + "PLANT.LAN\nkerberos hostname" + me + "PLC9\nkerberos hostname" + me + "PC7"},
		{"Kerberos over TCP", kerberos.First, nil, join(h("000000", "70"), asRep), true, "\nkerberos domain" + me + "PLANT.LAN\nkerberos service" + me + "kerberos"},
		{"Kerberos answer", kerberos.Datagram, nil, asRep, true, "\nkerberos domain" + me + "PLANT.LAN\nkerberos service" + me + "kerberos"},
		{"another version", kerberos.Datagram, nil, h("6b 1b 30 19 a0 03 020104 a1 03 02010b a3 0b 1b 09'PLANT.LAN'", "a4 00"), false, ""},
		{"no Kerberos", kerberos.Datagram, nil, []byte("hello, world"), false, ""},
		{"RDP settings of a client", rdp.First, func(s *Session) { s.FromClient = true }, settings, true, "\nrdp client-build" + me + "19045\nrdp hostname" + me + "PC7"},
		{"RDP confirmed", rdp.First, nil, h("0300 0013 0e d0 0000 1234 00 02 00 0800 01000000"), true, "\nrdp service" + me + "rdp"},
		{"RDP's cookie tells no user", rdp.First, func(s *Session) { s.FromClient = true }, h("0300 002b 26 e0 0000 0000 00'Cookie: mstshash=alice'0d0a"), true, ""},
		{"root DSE", ldap.First, nil, entry, true, "\nldap service" + me + "ldap\nldap hostname" + me + "dc1.plant.\nldap domain" + me + "DC=plant,DC=examples"},
		{"an ONVIF camera", wsd.Datagram, nil, []byte(match), true, "\nwsd service" + me + "camera\nwsd model" + me + "M3045\nwsd hostname" + me + "CAM7"},
		{"a probe tells nothing", wsd.Datagram, nil, []byte(`<?xml version="1.0"?><s:Envelope><s:Action>http://x/Probe</s:Action><d:Types>dn:NetworkVideoTransmitter</d:Types></s:Envelope>`), true, ""},
		{"HSRP", hsrp.Datagram, func(s *Session) { s.Dst, s.SrcPort, s.DstPort = decode.IPv4(0xe0000002), 1985, 1985 }, h("00 00 10 03 0a 64 01 00", "'cisco'000000", "ac100a01"), true, "\nhsrp router" + me + "hsrp"},
		{"HSRP to a host", hsrp.Datagram, func(s *Session) { s.SrcPort, s.DstPort = 1985, 1985 }, h("00 00 10 03 0a 64 01 00", "'cisco'000000", "ac100a01"), false, ""},
		{"spanning tree", stp.Frame, func(s *Session) { s.DstMAC = 0x0180c2000000 }, h("0000 00 00 00 8000"), true, "\nstp capabilities" + me + "bridge"},
		{"LLC to others", stp.Frame, func(s *Session) { s.DstMAC = 0x0180c200000e }, h("0000 00 00 00 8000"), false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Session{Src: src, Dst: dst, SrcMAC: mac1}
			if c.prep != nil {
				c.prep(&s)
			}
			if ok, got := try(c.with, &s, c.p), lines(&s); ok != c.ok || got != c.want {
				t.Errorf("%v, told:%s\nwant %v:%s", ok, got, c.ok, c.want)
			}
			for n := range c.p { // cut anywhere it must not fail
				s.Reset()
				try(c.with, &s, c.p[:n])
				check(t, &s)
			}
		})
	}
}

// TestTLSServer: JA3S of the hello, and the names in a certificate that the segment carries in part.
func TestTLSServer(t *testing.T) {
	cn := func(s string) []byte { // a name with one common name
		v := join([]byte{0x0c, byte(len(s))}, []byte(s))
		pair := join(h("06 03 55 04 03"), v)
		set := join([]byte{0x30, byte(len(pair))}, pair)
		rdn := join([]byte{0x31, byte(len(set))}, set)
		return join([]byte{0x30, byte(len(rdn))}, rdn)
	}
	tbs := join(h("a0 03 020102", "02 01 07", "30 00"), cn("Plant CA"), h("30 00"), cn("mes.lan"), make([]byte, 60))
	tbs = join([]byte{0x30, 0x81, byte(len(tbs) + 100)}, tbs)
	cert := join([]byte{0x30, 0x82, 1, 0}, tbs)
	message := join(h("0b 000200 0001fd 0001fa"), cert)
	hello := join(h("02 000028 0303"), make([]byte, 32), h("00 c02f 00 0000"))
	record := join(h("16 0303 0230"), hello, message)
	s := Session{Src: src, Dst: dst, SrcMAC: mac1}
	if !try(tls.First, &s, record) {
		t.Error("not read")
	}
	// MD5 of "771,49199,"
	want := "\ntls ja3s 192.168.1.9 02:11:22:33:44:55 WANT\ntls certificate 192.168.1.9 02:11:22:33:44:55 mes.lan\ntls issuer 192.168.1.9 02:11:22:33:44:55 Plant CA"
	if got := lines(&s); got != strings.Replace(want, "WANT", "174e7e4992a63f6d419626d97363adb8", 1) {
		t.Errorf("told:%s\nwant:%s", got, want)
	}
	for n := range record {
		s.Reset()
		try(tls.First, &s, record[:n])
		check(t, &s)
	}
}
