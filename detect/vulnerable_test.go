package detect

import (
	"strings"
	"testing"
	"time"

	"osect/observe"
)

func day(s string) int64 {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.UnixNano()
}

// told is a minute of a day in which a device tells facts: source, kind, value each.
func told(at int64, facts ...[3]string) *observe.Minute {
	m := &observe.Minute{Start: at}
	for _, f := range facts {
		m.Facts = append(m.Facts, observe.Fact{IP: ip("10.0.0.7"), MAC: mac(7), Source: f[0], Kind: f[1], Value: f[2], First: at + 5e9, Last: at + 6e9, Ref: observe.FrameRef{Number: 9}})
	}
	a := addr("10.0.0.7", mac(7), observe.SeenIP)
	a.First, a.Last = at, at+1
	m.Addresses = append(m.Addresses, a)
	return m
}

func TestVulnerableDevices(t *testing.T) {
	ntlm := func(v string) [3]string { return [3]string{"ntlmssp", "os-version", v} }
	ssh := func(v string) [3]string { return [3]string{"ssh", "server-banner", v} }
	for _, c := range []struct {
		name  string
		day   string
		facts [][3]string
		sub   string // "" for silence
		args  string // in the arguments
	}{
		{"Windows 7, the last day", "2020-01-14", [][3]string{ntlm("6.1.7601")}, "", ""},
		{"Windows 7, the day after: ESU may have been bought", "2020-01-15", [][3]string{ntlm("6.1.7601")}, SubEndedLine, "longer ESU|until 2023-01-10"},
		{"Windows 7 or Server 2008 R2, both over", "2024-01-01", [][3]string{ntlm("6.1.7601")}, SubEnded, "os Windows 7 SP1 / Windows Server 2008 R2 SP1|ended 2020-01-14"},
		{"Windows 10 1809 or Server 2019: one is in support", "2021-06-01", [][3]string{ntlm("10.0.17763")}, "", ""},
		{"Windows 10 1809, unless it is LTSC", "2021-06-01", [][3]string{{"smb", "os", "Windows 10 Pro 17763"}}, SubEndedLine, "os Windows 10 1809|longer Enterprise LTSC 2019|until 2029-01-09"},
		{"LTSB 2016 says so", "2026-10-14", [][3]string{{"smb", "os", "Windows 10 Enterprise 2016 LTSB 14393"}}, SubEnded, "line Enterprise LTSB 2016|ended 2026-10-13"},
		{"Windows 10 22H2", "2025-10-15", [][3]string{ntlm("10.0.19045")}, SubEndedLine, "longer ESU"},
		{"Windows 10 22H2 before", "2025-10-14", [][3]string{ntlm("10.0.19045")}, "", ""},
		{"Windows 10 21H2: what it may be lives to 2032", "2024-07-01", [][3]string{ntlm("10.0.19044")}, SubEndedLine, "longer IoT Enterprise LTSC 2021|until 2032-01-13"},
		{"Windows 10 LTSC 2021 says so", "2026-11-23", [][3]string{{"smb", "os", "Windows 10 Enterprise LTSC 2021 19044"}}, "", ""},
		{"and is over in its turn", "2027-02-01", [][3]string{{"smb", "os", "Windows 10 Enterprise LTSC 2021 19044"}}, SubEnded, "line Enterprise LTSC 2021|ended 2027-01-12"},
		{"Windows Server 2003 by its text", "2020-01-01", [][3]string{{"smb", "os", "Windows Server 2003 R2 3790 Service Pack 2"}}, SubEnded, "ended 2015-07-14"},
		{"Windows, no more known", "2026-01-01", [][3]string{{"ssh", "server-banner", "SSH-2.0-OpenSSH_for_Windows_8.1"}}, "", ""},
		{"Debian 9 by its package", "2026-01-01", [][3]string{ssh("SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7")}, SubEnded, "os Debian 9|ended 2020-07-18"},
		{"Debian 11, LTS still", "2026-01-01", [][3]string{ssh("SSH-2.0-OpenSSH_8.4p1 Debian-5+deb11u3")}, SubEndedLine, "longer LTS|until 2026-08-31"},
		{"Ubuntu 24.04", "2026-01-01", [][3]string{ssh("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5")}, "", ""},
		{"Ubuntu 16.04 by Apache", "2026-11-01", [][3]string{{"http", "server-banner", "Apache/2.4.18 (Ubuntu)"}}, SubEnded, "os Ubuntu 16.04"},
		{"RHEL 6 by its kernel", "2026-01-01", [][3]string{{"snmp", "description", "Linux plc7 2.6.32-754.el6.x86_64 #1 SMP x86_64"}}, SubEnded, "os Red Hat Enterprise Linux 6"},
		{"Linux, no more known", "2026-01-01", [][3]string{ssh("SSH-2.0-dropbear_2012.55")}, "", ""},
		{"a fact that says nothing", "2026-01-01", [][3]string{{"dhcp", "hostname", "windows7"}}, "", ""},
	} {
		got := detectedBy(nil, VulnerableDevice, []*observe.Minute{told(day(c.day), c.facts...)})
		if c.sub == "" {
			if len(got) > 0 {
				t.Errorf("%s: told %v", c.name, got[0].Args)
			}
			continue
		}
		if len(got) != 1 || got[0].Subkind != c.sub {
			t.Errorf("%s: %+v, want %s", c.name, got, c.sub)
			continue
		}
		a := &got[0]
		if a.SrcMAC != mac(7).String() || a.SrcIP != "10.0.0.7" || a.First != day(c.day)+5e9 || len(a.Refs) != 1 {
			t.Errorf("%s: %+v", c.name, a)
		}
		for want := range strings.SplitSeq(c.args, "|") {
			if name, value, _ := strings.Cut(want, " "); argOf(a, name) != value {
				t.Errorf("%s: %s is %q, want %q", c.name, name, argOf(a, name), value)
			}
		}
	}
}

// Told once: not again by the same fact, nor by an engine that knows the alert, nor weeks later.
func TestVulnerableIsToldOnce(t *testing.T) {
	xp := [3]string{"ntlmssp", "os-version", "5.1.2600"}
	at := day("2020-01-01")
	e := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Detecting, VulnerableDevice), nil, nil)
	first := e.Minute(told(at, xp)).Alerts
	if len(first) != 1 {
		t.Fatalf("%+v", first)
	}
	for n := range 100 {
		if r := e.Minute(told(at+int64(n+1)*24*3600e9, xp)); len(r.Alerts) > 0 {
			t.Fatalf("day %d: told again", n)
		}
	}
	again := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Detecting, VulnerableDevice), nil, first)
	if r := again.Minute(told(at+60*24*3600e9, xp)); len(r.Alerts) > 0 {
		t.Error("told again after a restart")
	}
}

// A device that is known is told when the day comes; --as-of judges at another day.
func TestVulnerableWhenTheDayComes(t *testing.T) {
	e := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Detecting, VulnerableDevice), nil, nil)
	fact := [3]string{"ntlmssp", "os-version", "6.3.9600"} // Windows 8.1 or Server 2012 R2
	if r := e.Minute(told(day("2023-10-10"), fact)); len(r.Alerts) > 0 {
		t.Errorf("on the last day: %v", r.Alerts)
	}
	if r := e.Minute(&observe.Minute{Start: day("2023-10-11")}); len(r.Alerts) != 1 || r.Alerts[0].First != day("2023-10-11") {
		t.Errorf("the day after, in silence: %+v", r.Alerts)
	}
	asOf := NewEngine(Config{Site: "s", Sensor: "x", Settings: Settings{AsOf: day("2030-01-01")}}, onlyOf(Detecting, VulnerableDevice), nil, nil)
	if r := asOf.Minute(told(day("2019-01-01"), fact)); len(r.Alerts) != 1 || r.Alerts[0].Subkind != SubEnded || argOf(&r.Alerts[0], "day") != "2030-01-01" {
		t.Errorf("as of 2030: %+v", r.Alerts)
	}
}

func TestBuiltinEOL(t *testing.T) {
	systems, rows := builtinTable().Count()
	if systems < 70 || rows < 110 {
		t.Errorf("%d systems, %d rows", systems, rows)
	}
	for system, lines := range builtinTable().systems {
		for _, l := range lines {
			if l.name != generalLine && l.end < lines[0].end {
				t.Errorf("%s: %s ends before the general line", system, l.name)
			}
		}
	}
}

func TestParseEOL(t *testing.T) {
	for _, c := range []struct{ name, in, err string }{
		{"good", "\uFEFF# own\r\nPlantOS 3\t-\t2026-12-31\tmaker\r\n\r\nPlantOS 3\tplus\t2030-12-31\tmaker", ""},
		{"three columns", "PlantOS\t-\t2026-12-31", "line 1: want four columns"},
		{"spaces for tabs", "PlantOS - 2026-12-31 maker", "line 1"},
		{"an empty column", "PlantOS\t\t2026-12-31\tmaker", "line 1"},
		{"no day", "# x\nPlantOS\t-\t31.12.2026\tmaker", "line 2: \"31.12.2026\" is no day"},
		{"a year beyond", "PlantOS\t-\t9999-12-31\tmaker", "is no day"},
		{"twice", "PlantOS\t-\t2026-12-31\tm\nPlantOS\t-\t2027-12-31\tm", "line 2: PlantOS, line - is there twice"},
		{"without a general line", "PlantOS\tplus\t2026-12-31\tm", "no row with the line"},
	} {
		_, err := ParseEOL(strings.NewReader(c.in))
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.name, err, c.err)
		}
	}
	own, err := ParseEOL(strings.NewReader("Windows 10 22H2\t-\t2030-01-01\town"))
	if err != nil {
		t.Fatal(err)
	}
	if l := own.With().find("Windows 10 22H2"); len(l) != 1 || l[0].last != "2030-01-01" {
		t.Errorf("own row: %+v", l)
	}
	if l := own.find("Windows 7 SP1"); len(l) == 0 {
		t.Error("the built-in systems are gone")
	}
}

func FuzzParseEOL(f *testing.F) {
	f.Add("PlantOS 3\t-\t2026-12-31\tmaker\n")
	f.Add(builtinEOL[:800])
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := ParseEOL(strings.NewReader(s)); err == nil {
			e.find("PlantOS 3 x")
		}
	})
}

// Microsoft ends support on a Tuesday since 2006.
func TestEndsOfSupportAreTuesdays(t *testing.T) {
	n := 0
	for line := range strings.Lines(builtinEOL) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 4 || f[3] != "ms" || f[2] < "2006" {
			continue
		}
		n++
		if d, err := time.Parse(time.DateOnly, f[2]); err != nil || d.Weekday() != time.Tuesday {
			t.Errorf("%s is a %s", strings.TrimSpace(line), d.Weekday())
		}
	}
	if n < 70 {
		t.Errorf("%d rows", n)
	}
}
