package inventory

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"osect/observe"
)

func TestFingerprintOfASyn(t *testing.T) {
	for _, c := range []struct {
		name, form string
		answer     bool
		want       string
		how        int
	}{
		{"Windows 10, its window in segments", "4:128+0:0:1460:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0", false, "Windows 10", matchSpecific},
		{"the same with a smaller segment", "4:128+3:0:1360:59840,8:mss,nop,ws,nop,nop,sok:df,id+:0", false, "Windows 10", matchSpecific},
		{"Windows XP", "4:128+0:0:1460:65535,0:mss,nop,nop,sok:df,id+:0", false, "Windows XP", matchSpecific},
		{"Windows with a window of its own", "4:128+0:0:1460:12345,3:mss,nop,ws,nop,nop,sok:df,id+:0", false, "Windows", matchGeneric},
		{"IPv6 has no DF and no ID", "6:128+0:0:1440:64800,8:mss,nop,ws,nop,nop,sok:flow:0", false, "Windows 10", matchSpecific},
		{"Linux, window in segments less timestamps", "4:64+0:0:1460:28960,7:mss,sok,ts,nop,ws:df,id+:0", false, "Linux 3.11 and newer", matchSpecific},
		{"DF was taken off on the way", "4:64+0:0:1460:29200,7:mss,sok,ts,nop,ws:id-:0", false, "Linux 3.11 and newer", matchFuzzy},
		{"too many hops for its TTL", "4:32+12:0:1460:29200,7:mss,sok,ts,nop,ws:df,id+:0", false, "Linux 3.11 and newer", matchFuzzy},
		{"a controller", "4:64+0:0:1460:8192,0:mss::0", false, "Embedded", matchGeneric},
		{"lwIP", "4:255+0:0:1460:5840,0:mss::0", false, "Embedded lwIP", matchSpecific},
		{"a scanner is no system", "4:64+9:0:1460:1024,0:mss::0", false, "", matchSpecific},
		{"an order that nobody has", "4:64+0:0:1460:8192,0:sok,mss::0", false, "", matchNone},
		{"an odd flag is not overlooked", "4:64+0:0:1460:29200,7:mss,sok,ts,nop,ws:df,id+,urgf+:0", false, "", matchNone},
		{"an answer is looked up among answers", "4:128+0:0:1460:8192,8:mss,nop,ws,nop,nop,sok:df,id+:0", true, "Windows Vista", matchSpecific},
	} {
		f, err := parseForm(c.form)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		e, how := builtin().find(&f, c.answer)
		got := ""
		if e != nil && len(e.names) > 0 {
			got = e.names[0]
		}
		if got != c.want || how != c.how {
			t.Errorf("%s: %q (%d), want %q (%d)", c.name, got, how, c.want, c.how)
		}
	}
}

// sample has what p0f's files have: classes, other sections, both kinds of comments, all forms of windows and TTLs.
const sample = `; a comment
classes = win,unix,other
[mtu]
label = Ethernet
sig   = 1500
[tcp:request]
label = s:unix:Linux:3.x
sys   = Linux
sig   = *:64:0:*:mss*10,4:mss,sok,ts,nop,ws:df,id+:0
label = g:win:Windows:NT kernel 6.x
sig   = *:128:0:*:8192,*:mss,nop,nop,sok:df,id+:0
label = s:!:scanner:one
sig   = *:64-:0:1460:%1024,0:mss::0
label = s:other:Mac OS X:10.x
sig   = 4:64:0:*:mtu*2,1:mss,nop,ws:df:*
[http:request]
label = s:!:curl:
sig   = *:Host:::
[tcp:response]
label = s:win:Windows:7 or 8
sig   = *:128:0:*:8192,0:mss,nop,nop,sok:df,id+:0
`

func TestFingerprintsInP0fsForm(t *testing.T) {
	f, err := ParseFingerprints(strings.NewReader(sample))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := f.Count(); a != 4 || b != 1 {
		t.Errorf("%d and %d entries, want 4 and 1", a, b)
	}
	for form, want := range map[string]string{
		"4:64+1:0:1460:14600,4:mss,sok,ts,nop,ws:df,id+:0": "Linux 3.x", "4:128+0:0:1460:8192,0:mss,nop,nop,sok:df,id+:0": "Windows Vista",
		"4:64+20:0:1460:3072,0:mss::0": "", "4:64+0:0:1460:3000,1:mss,nop,ws:df:+": "macOS 10.x",
	} {
		p, err := parseForm(form)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := f.find(&p, false)
		if e == nil || (len(e.names) > 0) != (want != "") || want != "" && e.names[0] != want {
			t.Errorf("%s: %+v, want %q", form, e, want)
		}
	}
	if got := f.entries[1][0].names; !slices.Equal(got, []string{"Windows 7", "Windows 8"}) {
		t.Errorf("flavours: %q", got)
	}
	for name, text := range map[string]string{
		"a sig before its label": "[tcp:request]\nsig = *:64:0:*:*,0:mss::0\n", "a field too few": "[tcp:request]\nlabel = s:x:y:z\nsig = *:64:0:*:*,0:mss:\n",
		"an unknown quirk": "[tcp:request]\nlabel = s:x:y:z\nsig = *:64:0:*:*,0:mss:odd:0\n", "a number too large": "[tcp:request]\nlabel = s:x:y:z\nsig = *:300:0:*:*,0:mss::0\n",
		"a multiple of nothing": "[tcp:request]\nlabel = s:x:y:z\nsig = *:64:0:*:%0,0:mss::0\n", "a label without a name": "[tcp:request]\nlabel = s:x::z\n", "no window scale": "[tcp:request]\nlabel = s:x:y:z\nsig = *:64:0:*:5:mss::0\n",
		"no value": "[tcp:request]\nlabel\n",
	} {
		if _, err := ParseFingerprints(strings.NewReader(text)); err == nil || !strings.HasPrefix(err.Error(), "line ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSystemsInTexts(t *testing.T) {
	for text, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko": "Windows 7", "Microsoft-CryptoAPI/10.0": "Windows 10", "Microsoft-Windows-NT/5.1 UPnP/1.0 UPnP-Device-Host/1.0": "Windows", "Microsoft-Windows/6.3 UPnP/1.0": "Windows 8.1",
		"Windows Server (R) 2008 Standard 6002 Service Pack 2": "Windows Server 2008 SP2", "Windows Server 2003 R2 3790 Service Pack 2": "Windows Server 2003", "Windows 2002 Service Pack 3 2600": "Windows XP",
		"Windows 7 Professional 7601 Service Pack 1": "Windows 7 SP1", "Windows 5.1": "Windows XP", "Windows 2000 LAN Manager": "Windows 2000",
		"SSH-2.0-OpenSSH_9.6 Debian-1": "Linux", "SSH-2.0-OpenSSH_for_Windows_8.1": "Windows", "udhcp 1.24.1": "Linux", "android-dhcp-11": "Android 11",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X)": "iOS", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_6_8)": "macOS", "Unix": "Linux",
		"Cisco IOS Software, C3560 Software": "Cisco IOS", "Allied Telesis AT-x530 AlliedWare Plus 5.5.1": "AlliedWare Plus 5.5.1", "VxWorks login shell": "VxWorks",
		"Dell Inc. OptiPlex 990": "", "SSH-2.0-OpenSSH_9.6": "", "Apache": "", "": "",
	} {
		got := textSystems(text)
		if len(got) == 0 != (want == "") || want != "" && got[0] != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestOSSum: the best fact counts, others add or take away, and what is printed adds up.
func TestOSSum(t *testing.T) {
	const day = 24 * hour
	fact := func(source, kind, value string) Fact {
		return Fact{Site: "s", Fact: observe.Fact{MAC: m2, IP: ip("192.168.1.5"), Kind: kind, Value: value, Source: source, Last: hour}}
	}
	old := func(f Fact) Fact { f.Last = hour - 40*day; return f }
	const win7, win10, linux = "4:128+0:0:1460:8192,2:mss,nop,ws,nop,nop,sok:df,id+:0", "4:128+0:0:1460:64240,8:mss,nop,ws,nop,nop,sok:df,id+:0", "4:64+0:0:1460:29200,7:mss,sok,ts,nop,ws:df,id+:0"
	for _, c := range []struct {
		name     string
		ttl      uint8
		facts    []Fact
		os       string
		accuracy int
		conflict bool
	}{
		{"nothing", 128, nil, "", 0, false},
		{"a build that PCs and servers share", 255, []Fact{fact("ntlmssp", "os-version", "10.0.17763")}, "Windows 10 1809 or Windows Server 2019", 95, false},
		{"and the browser's server bit", 255, []Fact{fact("ntlmssp", "os-version", "10.0.17763"), fact("browser", "server-type", "0x00009003"), fact("browser", "os-version", "10.0")}, "Windows Server 2019", 100, false},
		{"or that of a PC", 255, []Fact{fact("ntlmssp", "os-version", "6.1.7601"), fact("browser", "server-type", "0x00001003")}, "Windows 7 SP1", 95, false},
		{"weaker kinds add 5 each", 128, []Fact{fact("tcp", "tcp-syn", win7), fact("dhcp", "vendor-class", "MSFT 5.0")}, "Windows", 60 + 5 + 5, false},
		{"and narrow", 255, []Fact{fact("http", "user-agent", "Windows NT 6.1"), fact("browser", "server-type", "0x00001003"), fact("dhcp", "vendor-class", "MSFT 5.0")}, "Windows 7", 65, false},
		{"a contradiction of like weight halves", 255, []Fact{fact("http", "user-agent", "Windows NT 6.1"), fact("tcp", "tcp-syn", linux)}, "Windows 7", 30, true},
		{"one of far less weight does not", 255, []Fact{fact("ntlmssp", "os-version", "6.1.7601"), fact("browser", "server-type", "0x00001003"), fact("tcp", "tcp-syn", linux)}, "Windows 7 SP1", 95, false},
		{"the TTL supports", 64, []Fact{fact("tcp", "tcp-syn", linux)}, "Linux 3.11 and newer", 55, false},
		{"the TTL alone says nothing", 128, []Fact{fact("dhcp", "hostname", "x")}, "", 0, false},
		{"the latest of a kind", 255, []Fact{old(fact("ntlmssp", "os-version", "6.1.7601")), fact("ntlmssp", "os-version", "10.0.19045")}, "Windows 10 22H2", 95, false},
		{"what was not seen for a month is worth half", 255, []Fact{old(fact("ssh", "server-banner", "SSH-2.0-x Ubuntu-1"))}, "Linux", 37, false},
		{"Samba is no Windows", 255, []Fact{fact("browser", "os-version", "6.1"), fact("smb", "software", "Samba 4.1")}, "Linux or FreeBSD", 40, false},
		{"a workgroup's version is nobody's", 255, []Fact{fact("browser", "os-version", "3.10")}, "", 0, false},
		{"10.0 is more than 3.10", 255, []Fact{fact("browser", "os-version", "10.0"), fact("browser", "server-type", "0x00001003")}, "Windows 10 or Windows 11", 90, false},
		{"a DHCPv6 client of Microsoft's", 128, []Fact{fact("dhcpv6", "enterprise", "311")}, "Windows", 65, false},
		{"and a version", 255, []Fact{fact("dhcpv6", "enterprise", "311"), fact("http", "user-agent", "Windows NT 6.1"), fact("browser", "server-type", "0x00001003")}, "Windows 7", 65, false},
		{"Windows XP has none, whatever its SYN", 128, []Fact{fact("dhcpv6", "enterprise", "311"), fact("dhcpv6", "vendor-class", "MSFT 5.0"),
			fact("tcp", "tcp-syn", "4:128+0:0:1460:65535,0:mss,nop,ws,nop,nop,sok:df,id+:0")}, "Windows", 35, true},
		{"and with a SYN of Windows 10", 255, []Fact{fact("tcp", "tcp-syn", win10), fact("http", "user-agent", "Windows NT 6.3")}, "Windows 8.1", 30, true},
	} {
		for range 2 {
			d := Devices(Input{Addresses: []AddressTotal{row("192.168.1.5", m2, arp).ttl(c.ttl)}, Facts: c.facts}, Options{})[0]
			sum := 0
			for _, e := range d.OSEvidence {
				sum += e.Points
			}
			if d.OS != c.os || d.OSAccuracy != c.accuracy || d.OSConflict != c.conflict || sum != d.OSAccuracy {
				t.Errorf("%s: %q %d (conflict %v, points add up to %d), want %q %d: %+v", c.name, d.OS, d.OSAccuracy, d.OSConflict, sum, c.os, c.accuracy, d.OSEvidence)
			}
			slices.Reverse(c.facts)
		}
	}
}

// TestEveryOSWeightIsOfAKindThatIsTold guards the table of weights against misspelled sources and values out of range.
func TestEveryOSWeightIsInRange(t *testing.T) {
	seen := map[[2]string]bool{}
	for _, w := range weightOf {
		if w.weight < 1 || w.weight > 100 || seen[[2]string{w.source, w.kind}] {
			t.Errorf("%+v", w)
		}
		seen[[2]string{w.source, w.kind}] = true
	}
}

func TestRegistriesOfVendors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       map[string]string
		fails      string
	}{
		{"IEEE's CSV", "\ufeffRegistry,Assignment,Organization Name,Organization Address\r\nMA-L,001B21,\"ACME, Inc.\",\"1 Road\nTown\"\r\nMA-S,70B3D57FF,Small  One,x\r\n", map[string]string{"001b21": "ACME, Inc.", "70b3d57ff": "Small One"}, ""},
		{"IEEE's text", "OUI/MA-L\t\tOrganization\n\n00-1B-21   (hex)\t\tACME\n001B21     (base 16)\t\tACME\n\t\t\t\t1 Road\n", map[string]string{"001b21": "ACME"}, ""},
		{"manuf with masks", "# a comment\n00:1B:21\tAcme\tACME Corp\n70:B3:D5:7F:F0:00/36\tSmall\tSmall One\n", map[string]string{"001b21": "ACME Corp", "70b3d57ff": "Small One"}, ""},
		{"an odd prefix", "Registry,Assignment,Organization Name\nMA-L,00ZZ21,x\n", nil, "record 2"},
		{"a record too short", "Registry,Assignment,Organization Name\nMA-L\n", nil, "record 2"},
		{"something else", "hello\nworld\n", nil, "no MAC prefix"},
		{"nothing", "", nil, "no MAC prefix"},
	} {
		r := Registry{}
		err := r.Read(strings.NewReader(c.file))
		if c.fails != "" {
			if err == nil || !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%s: %v, want %q", c.name, err, c.fails)
			}
			continue
		}
		if err != nil || len(r) != len(c.want) {
			t.Errorf("%s: %v, %v", c.name, r, err)
		}
		for p, n := range c.want {
			if r[p] != n {
				t.Errorf("%s: %s is %q, want %q", c.name, p, r[p], n)
			}
		}
	}
}

// TestVendorsOfASite: the longest prefix wins, what no file has stays, and a table survives packing.
func TestVendorsOfASite(t *testing.T) {
	r := Registry{"001b21": "Large", "001b215": "Medium", "001b21500": "Small"}
	r.Fill(builtinVendors())
	table, err := r.Pack("test\nof three")
	if err != nil {
		t.Fatal(err)
	}
	v, err := ReadVendors(table)
	if err != nil || v.Source() != "test of three" {
		t.Fatalf("%v, %v", v.Source(), err)
	}
	for m, want := range map[string]string{"00:1b:21:00:00:01": "Large", "00:1b:21:5f:00:01": "Medium", "00:1b:21:50:0f:ff": "Small", "00:00:00:00:00:01": ""} {
		if got := v.Name(mac(m)); got != want {
			t.Errorf("%s: %q, want %q", m, got, want)
		}
	}
	large, medium, small := v.Count()
	if large != 1 || medium != 1 || small != 1 {
		t.Errorf("%d %d %d: a registry that the files have must not be filled up", large, medium, small)
	}
	only := Registry{"001b21": "Large"}
	only.Fill(builtinVendors())
	if _, medium, small := only.Count(); medium < 6000 || small < 7000 {
		t.Errorf("MA-M %d, MA-S %d: those built in must stay", medium, small)
	}
	d := Devices(Input{Addresses: []AddressTotal{row("192.168.1.5", m2, arp)}}, Options{Vendors: v})
	if d[0].Vendor != "Large" {
		t.Errorf("device of %q", d[0].Vendor)
	}
	for name, b := range map[string][]byte{"no table": []byte("x"), "cut": table[:len(table)/2], "empty": nil} {
		if _, err := ReadVendors(b); err == nil {
			t.Errorf("%s: read", name)
		}
	}
}

// FuzzFingerprints reads any text as a table, and any line as a signature: no crash, and what is read can be matched.
func FuzzFingerprints(f *testing.F) {
	f.Add(sample, "4:64+1:0:1460:14600,4:mss,sok,ts,nop,ws:df,id+:0")
	f.Add("[tcp:request]\nlabel = s:a:b:c\nsig = *:64-:0:*:%3,*:?9,eol+2:seq-:*", "6:255+?:40:0:0,0::flow,bad:+")
	f.Fuzz(func(t *testing.T, table, sig string) {
		list, err := ParseFingerprints(strings.NewReader(table))
		p, err2 := parseForm(sig)
		if err == nil && err2 == nil {
			list.find(&p, false)
			list.find(&p, true)
		}
	})
}

// FuzzRegistry reads any bytes as a registry of vendors.
func FuzzRegistry(f *testing.F) {
	f.Add([]byte("Registry,Assignment,Organization Name\nMA-L,001B21,x\n"))
	f.Add([]byte("00:1B:21\tA\tB\n70:B3:D5:7F:F0:00/36\tS\tT\n00-1B-21   (hex)\t\tACME\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Registry{}
		if r.Read(bytes.NewReader(b)) != nil {
			return
		}
		table, err := r.Pack("x")
		if err != nil {
			t.Fatal(err)
		}
		v, err := ReadVendors(table)
		if err != nil {
			t.Fatalf("%v: %v", err, r)
		}
		if a, b, c := v.Count(); a+b+c != len(r) {
			t.Fatalf("%d prefixes of %d", a+b+c, len(r))
		}
	})
}
