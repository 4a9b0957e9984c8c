package sign

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// x joins hexadecimal text; blanks are for reading.
func x(parts ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// label is a label of a DNS name.
func label(s string) string { return string(rune(len(s))) + s }

// dns is a message with one question.
func dns(flags string, answers byte, typ byte, labels ...string) []byte {
	b := append(x("1234", flags, "0001 00"), answers, 0, 0, 0, 0)
	for _, l := range labels {
		b = append(b, label(l)...)
	}
	return append(b, 0, 0, typ, 0, 1)
}

// wide is UTF-16, little endian.
func wide(s string) []byte {
	var b []byte
	for _, c := range []byte(s) {
		b = append(b, c, 0)
	}
	return b
}

// smb1 is a message of SMB1 behind its session header: command, status, flags, then words and bytes.
func smb1(command, status, flags string, body ...byte) []byte {
	m := append(x("ff534d42", command, status, flags, "00 00", strings.Repeat("00", 20)), body...)
	return append([]byte{0, 0, byte(len(m) >> 8), byte(len(m))}, m...)
}

// smb2 is one of SMB2.
func smb2(command, status, flags string, body ...byte) []byte {
	m := append(x("fe534d42 4000 0000", status, command, "0100", flags, "000000", strings.Repeat("00", 44)), body...)
	return append([]byte{0, 0, byte(len(m) >> 8), byte(len(m))}, m...)
}

// zeros with some bytes set.
func zeros(n int, at map[int]byte) []byte {
	b := make([]byte, n)
	for i, v := range at {
		b[i] = v
	}
	return b
}

// snmpGet is a request: SEQUENCE, version, community, GetRequest.
func snmpGet(version byte, community string) []byte {
	b := append([]byte{2, 1, version, 4, byte(len(community))}, community...)
	b = append(b, 0xa0, 2, 5, 0)
	return append([]byte{0x30, byte(len(b))}, b...)
}

// discover is a DHCP message of a type.
func discover(typ byte) []byte {
	b := zeros(236, map[int]byte{0: 1, 1: 1, 2: 6, 28: 0, 29: 0x1b, 33: 7})
	return append(append(b, x("63825363")...), 12, 1, 'h', 53, 1, typ, 255)
}

const random52 = "abcdefghij234567klmnopqrstuvwxyz234567abcdefghij2345"

func TestSigns(t *testing.T) {
	nbns := func(flags string) []byte {
		// FILESRV with blanks and suffix 20, in half-bytes from 'A'.
		return append(append(x("0001", flags, "0000 0001 0000 0000 20"), "EGEJEMEFFDFCFGCACACACACACACACACA"...), x("00 0020 0001")...)
	}
	for _, c := range []struct {
		name     string
		udp      bool
		src, dst uint16
		p        []byte
		want     Kind // NumKinds for none
		words    string
		answer   bool
	}{
		{"FTP password", false, 40000, 21, []byte("PASS secret\r\n"), Cleartext, "ftp", false},
		{"FTP, small letters", false, 40000, 21, []byte("pass x\r\n"), Cleartext, "ftp", false},
		{"FTP user is no password", false, 40000, 21, []byte("USER admin\r\n"), NumKinds, "", false},
		{"FTP refused", false, 21, 40000, []byte("530 Login incorrect.\r\n"), Refused, "ftp", true},
		{"FTP accepted", false, 21, 40000, []byte("230 ok\r\n"), NumKinds, "", false},
		{"POP3 password", false, 40000, 110, []byte("PASS secret\r\n"), Cleartext, "pop3", false},
		{"IMAP login", false, 40000, 143, []byte("a1 LOGIN bob secret\r\n"), Cleartext, "imap", false},
		{"IMAP other", false, 40000, 143, []byte("a1 CAPABILITY\r\n"), NumKinds, "", false},
		{"HTTP Basic", false, 40000, 80, []byte("GET / HTTP/1.1\r\nHost: h\r\nAuthorization: Basic Ym9iOnNlY3JldA==\r\n\r\n"), Cleartext, "http", false},
		{"HTTP Basic, makers' pair", false, 40000, 8080, []byte("GET / HTTP/1.1\r\nauthorization: basic YWRtaW46YWRtaW4=\r\n\r\n"), Default, "http", false},
		{"HTTP Digest", false, 40000, 80, []byte("GET / HTTP/1.1\r\nAuthorization: Digest x\r\n\r\n"), NumKinds, "", false},
		{"HTTP 401", false, 80, 40000, []byte("HTTP/1.1 401 Unauthorized\r\n\r\n"), Refused, "http", true},
		{"HTTP 403", false, 8080, 40000, []byte("HTTP/1.0 403 Forbidden\r\n\r\n"), Refused, "http", true},
		{"HTTP 200", false, 80, 40000, []byte("HTTP/1.1 200 OK\r\n\r\n401 403"), NumKinds, "", false},
		{"rsh, the port for errors", false, 1023, 514, []byte("1022\x00"), Cleartext, "rsh", false},
		{"rsh, all at once", false, 1023, 514, []byte("1022\x00secretary\x00root\x00id\x00"), Cleartext, "rsh", false},
		{"rsh, names only", false, 1023, 514, []byte("bob\x00root\x00uname -a\x00"), Cleartext, "rsh", false},
		{"rsh, no port for errors", false, 1023, 514, []byte("\x00"), NumKinds, "", false},
		{"a log over TCP", false, 40000, 514, []byte("<30>1 2026-08-03T00:00:00Z plc app - - - started\n"), NumKinds, "", false},
		{"a log of a length", false, 40000, 514, []byte("83 <30>1 2026-08-03T00:00:00Z plc app - - - started"), NumKinds, "", false},
		{"rlogin", false, 1023, 513, []byte("\x00bob\x00root\x00xterm/38400\x00"), Cleartext, "rlogin", false},
		{"rexec", false, 40000, 512, []byte("0\x00root\x00secret\x00id\x00"), Cleartext, "rexec", false},
		{"LDAP simple bind", false, 40000, 389, x("30 14 020101 60 0f 020103 04 03 636e3d 80 05 7365637265"), Cleartext, "ldap", false},
		{"LDAP bind without a password", false, 40000, 389, x("30 0c 020101 60 07 020103 04 00 80 00 00"), NumKinds, "", false},
		{"MQTT with a password", false, 40000, 1883, x("10 12 0004 4d515454 04 c2 003c 0001 61 0001 62 0001 63"), Cleartext, "mqtt", false},
		{"MQTT without", false, 40000, 1883, x("10 0d 0004 4d515454 04 02 003c 0001 61"), NumKinds, "", false},
		{"SNMP public", true, 40000, 161, snmpGet(1, "public"), Default, "snmp", false},
		{"SNMP own community", true, 40000, 161, snmpGet(0, "pl4nt"), Cleartext, "snmp", false},
		{"SNMP version 3", true, 40000, 161, snmpGet(3, "public"), NumKinds, "", false},
		{"SMB1 agreed", false, 445, 40000, smb1("72", "00000000", "80", 17, 5, 0, 0), SMB1, "smb1", false},
		{"SMB1 refused", false, 445, 40000, smb1("72", "00000000", "80", 1, 0xff, 0xff, 0), NumKinds, "", false},
		{"SMB1 log-in refused", false, 445, 40000, smb1("73", "6d0000c0", "80", 0, 0, 0), Refused, "smb", true},
		{"SMB1 probe of a patch", false, 445, 40000, smb1("25", "050200c0", "80", 0, 0, 0), Exploit, "ms17-010 probe", true},
		{"SMB1 Trans2 SESSION_SETUP", false, 40000, 445, smb1("32", "00000000", "18", zeros(40, map[int]byte{0: 15, 29: 0x0e})...), Exploit, "Trans2 SESSION_SETUP", false},
		{"SMB1 Trans2 query", false, 40000, 445, smb1("32", "00000000", "18", zeros(40, map[int]byte{0: 15, 29: 0x05})...), NumKinds, "", false},
		{"SMB1 NT Transact oversized", false, 40000, 445, smb1("a0", "00000000", "18", zeros(45, map[int]byte{0: 20, 8: 0xd0, 9: 0x03, 10: 0x01, 28: 0xd0, 29: 0x03})...), Exploit, "NT Transact of oversized data", false},
		{"SMB2 log-in refused", false, 445, 40000, smb2("0100", "6d0000c0", "01"), Refused, "smb", true},
		{"SMB2 log-in goes on", false, 445, 40000, smb2("0100", "160000c0", "01"), NumKinds, "", false},
		{"SMB2 ADMIN$", false, 40000, 445, smb2("0300", "00000000", "00", append(x("0900 0000 4800 2600"), wide(`\\srv\ADMIN$`)...)...), Share, "ADMIN$", false},
		{"SMB2 IPC$", false, 40000, 445, smb2("0300", "00000000", "00", append(x("0900 0000 4800 2600"), wide(`\\srv\IPC$`)...)...), NumKinds, "", false},
		{"SMB2 share that begins so", false, 40000, 445, smb2("0300", "00000000", "00", append(x("0900 0000 4800 2600"), wide(`\\srv\c$x`)...)...), NumKinds, "", false},
		{"SMB2 svcctl", false, 40000, 445, smb2("0500", "00000000", "00", wide("svcctl")...), Share, "svcctl", false},
		{"LLMNR answer", true, 5355, 40000, dns("8000", 1, 1, "wpad"), Name, "wpad", false},
		{"LLMNR question", true, 5355, 40000, dns("0000", 0, 1, "wpad"), NumKinds, "", false},
		{"NetBIOS answer", true, 137, 137, nbns("8500"), Name, "FILESRV", false},
		{"NetBIOS name server's answer", true, 137, 137, nbns("8580"), NumKinds, "", false},
		{"DNS, long label", true, 40000, 53, dns("0100", 0, 16, random52, "t", "example"), Tunnel, "t.example", false},
		{"DNS, random label", true, 40000, 53, dns("0100", 0, 1, "a1b2c3d4e5f6g7h8i9j0", "t", "example"), Tunnel, "t.example", false},
		{"DNS, type NULL", true, 40000, 53, dns("0100", 0, 10, "v", "t", "example"), Tunnel, "t.example", false},
		{"DNS, no domain", true, 40000, 53, dns("0100", 0, 1, "cat", random52, random52), Tunnel, "*", false},
		{"DNS, ordinary", true, 40000, 53, dns("0100", 0, 1, "www", "example", "com"), NumKinds, "", false},
		{"DNS, long but plain", true, 40000, 53, dns("0100", 0, 1, "aaaaaaaaaaaaaaaaaaaaaaaa", "example", "com"), NumKinds, "", false},
		{"DNS, no such random domain", true, 53, 40000, dns("8183", 0, 1, "q7x2kd9zvb4mw1", "example"), NoName, "q7x2kd9zvb4mw1.example", true},
		{"DNS, no such plain domain", true, 53, 40000, dns("8183", 0, 1, "fileserver", "local"), NumKinds, "", false},
		{"DHCP discover", true, 68, 67, discover(1), Ask, "", false},
		{"DHCP request", true, 68, 67, discover(3), NumKinds, "", false},
		{"other port", false, 40000, 4000, []byte("PASS secret\r\n"), NumKinds, "", false},
	} {
		f := TCP
		if c.udp {
			f = UDP
		}
		s, ok := f(c.src, c.dst, c.p)
		if ok != (c.want != NumKinds) || ok && (s.Kind != c.want || s.Words() != c.words || s.Answer != c.answer) {
			t.Errorf("%s: %v %v %q answer %v", c.name, ok, s.Kind, s.Words(), s.Answer)
		}
		if ok && strings.Contains(s.Words(), "secret") {
			t.Errorf("%s: a password is told", c.name)
		}
		// Cut anywhere: no sign that the whole is not, and no panic.
		for n := range c.p {
			if s, ok := f(c.src, c.dst, c.p[:n]); ok && s.Kind != c.want && c.want != NumKinds && c.want != Default { // of a pair that is cut it is a password
				t.Errorf("%s cut to %d: %v", c.name, n, s.Kind)
			}
		}
	}
	if s, _ := UDP(68, 67, discover(1)); s.MAC != 0x001b00000007 {
		t.Errorf("client %s", s.MAC)
	}
}

// TestSignsAllocateNothing: only Words makes text.
func TestSignsAllocateNothing(t *testing.T) {
	q, h := dns("0100", 0, 16, random52, "t", "example"), []byte("GET / HTTP/1.1\r\nauthorization: basic YWRtaW46YWRtaW4=\r\n\r\n")
	g := snmpGet(1, "public")
	if n := testing.AllocsPerRun(100, func() { UDP(40000, 53, q); TCP(40000, 80, h); UDP(40000, 161, g) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestDifferentNames: names differ in Item, letters in either case do not.
func TestDifferentNames(t *testing.T) {
	item := func(name string) uint32 {
		s, _ := UDP(5355, 40000, dns("8000", 1, 1, name))
		return s.Item
	}
	if item("wpad") != item("WPAD") || item("wpad") == item("wpae") || item("wpad") == 0 {
		t.Error(item("wpad"), item("WPAD"), item("wpae"))
	}
}

func FuzzSigns(f *testing.F) {
	ports := []uint16{21, 53, 67, 80, 110, 137, 139, 143, 161, 389, 445, 1883, 5355}
	f.Add([]byte("PASS secret\r\n"), uint8(0), false)
	f.Add(dns("0100", 0, 16, random52, "t", "example"), uint8(1), true)
	f.Add(smb1("32", "00000000", "18", zeros(40, map[int]byte{0: 15, 29: 0x0e})...), uint8(10), false)
	f.Add(smb2("0300", "00000000", "00", wide(`\\srv\ADMIN$`)...), uint8(10), false)
	f.Add(snmpGet(1, "public"), uint8(8), true)
	f.Add(discover(1), uint8(2), true)
	if dir := os.Getenv("OSECT_SHARED"); dir != "" {
		for _, name := range []string{"attack/bad-dns-traffic.pcap", "netbios/smbv1.pcap"} {
			if b, err := os.ReadFile(filepath.Join(dir, "captures", name)); err == nil {
				f.Add(b[:min(len(b), 1500)], uint8(10), false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, p []byte, port uint8, udp bool) {
		before := bytes.Clone(p)
		n := ports[int(port)%len(ports)]
		for _, c := range [][2]uint16{{n, 40000}, {40000, n}} {
			look := TCP
			if udp {
				look = UDP
			}
			if s, ok := look(c[0], c[1], p); ok {
				if s.Kind >= NumKinds || len(s.Words()) > 255 {
					t.Errorf("%+v", s)
				}
			}
		}
		if !bytes.Equal(p, before) {
			t.Error("the payload was changed")
		}
	})
}
