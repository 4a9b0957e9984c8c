package inventory

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// OSEvidence is one fact that says which operating system a device runs, and what it is worth.
type OSEvidence struct {
	// Systems that fit, any of them: {"Windows 7 SP1", "Windows Server 2008 R2 SP1"}.
	Systems []string
	// Weight is the worth of this kind of fact (weightOf), Points what it added to or took from the accuracy.
	Weight, Points int
	// Source, Kind and Value are the fact's.
	Source, Kind, Value string
	last                int64
}

// The matches of TCP fingerprints have weights of their own.
const (
	weightSpecific = 50
	weightGeneric  = 30
	weightFuzzy    = 15
	// An answer's form depends on the question's, so it says less.
	answerPenalty = 10
	weightTTL     = 10
)

// weightOf is what a fact of a kind is worth, in one table: (source, kind). A source of "" is any other.
var weightOf = []struct {
	source, kind string
	weight       int
}{
	{"lldp", "description", 100}, {"snmp", "description", 100}, {"cdp", "description", 100}, {"ads-ams", "os-version", 100},
	{"ntlmssp", "os-version", 95}, {"rdp", "client-build", 85},
	{"browser", "os-version", 90}, {"smb", "os", 90},
	{"mdns", "os", 75}, {"mdns", "model", 75}, {"ldap", "os", 90}, {"ldap", "os-version", 90},
	{"ssh", "server-banner", 75}, {"ssh", "client-banner", 70},
	{"http", "server-banner", 70}, {"ssdp", "server-banner", 75}, {"ssdp", "user-agent", 75},
	{"ftp", "server-banner", 70}, {"telnet", "server-banner", 70}, {"smtp", "server-banner", 70}, {"rtsp", "server-banner", 70},
	{"http", "user-agent", 60}, {"rtsp", "user-agent", 60},
	{"dhcp", "vendor-class", 60}, {"dhcp", "dhcp-fingerprint", 55}, {"dhcpv6", "enterprise", 60}, {"dhcpv6", "vendor-class", 60},
	{"tcp", "tcp-syn", weightSpecific}, {"tcp", "tcp-syn-ack", weightSpecific},
}

const (
	agreeing   = 5  // points for each further kind of fact that agrees
	contradict = 20 // a fact that says otherwise and is worth at least the best one's weight less this halves the accuracy
	staleAfter = int64(30 * 24 * 3600e9)
)

func osWeight(source, kind string) int {
	for _, w := range weightOf {
		if w.source == source && w.kind == kind {
			return w.weight
		}
	}
	return 0
}

// ntVersions are Windows versions by number: major.minor → for PCs, for servers.
var ntVersions = map[string][2]string{
	"4.0": {"Windows NT 4.0", "Windows NT 4.0 Server"}, "5.0": {"Windows 2000", "Windows 2000 Server"}, "5.1": {"Windows XP", ""}, "5.2": {"Windows XP x64", "Windows Server 2003"},
	"6.0": {"Windows Vista", "Windows Server 2008"}, "6.1": {"Windows 7", "Windows Server 2008 R2"}, "6.2": {"Windows 8", "Windows Server 2012"},
	"6.3": {"Windows 8.1", "Windows Server 2012 R2"},
}

// ntBuilds are Windows versions by build, as Microsoft lists them (release information of each version).
var ntBuilds = map[int][2]string{
	1381: {"Windows NT 4.0", "Windows NT 4.0 Server"}, 2195: {"Windows 2000", "Windows 2000 Server"}, 2600: {"Windows XP", ""}, 3790: {"Windows XP x64", "Windows Server 2003"},
	6000: {"Windows Vista", ""}, 6001: {"Windows Vista SP1", "Windows Server 2008"}, 6002: {"Windows Vista SP2", "Windows Server 2008 SP2"}, 6003: {"", "Windows Server 2008 SP2"},
	7600: {"Windows 7", "Windows Server 2008 R2"}, 7601: {"Windows 7 SP1", "Windows Server 2008 R2 SP1"},
	9200: {"Windows 8", "Windows Server 2012"}, 9600: {"Windows 8.1", "Windows Server 2012 R2"},
	10240: {"Windows 10 1507", ""}, 10586: {"Windows 10 1511", ""}, 14393: {"Windows 10 1607", "Windows Server 2016"}, 15063: {"Windows 10 1703", ""},
	16299: {"Windows 10 1709", ""}, 17134: {"Windows 10 1803", ""}, 17763: {"Windows 10 1809", "Windows Server 2019"}, 18362: {"Windows 10 1903", ""}, 18363: {"Windows 10 1909", ""},
	19041: {"Windows 10 2004", ""}, 19042: {"Windows 10 20H2", ""}, 19043: {"Windows 10 21H1", ""}, 19044: {"Windows 10 21H2", ""}, 19045: {"Windows 10 22H2", ""},
	20348: {"", "Windows Server 2022"}, 22000: {"Windows 11 21H2", ""}, 22621: {"Windows 11 22H2", ""}, 22631: {"Windows 11 23H2", ""},
	26100: {"Windows 11 24H2", "Windows Server 2025"}, 26200: {"Windows 11 25H2", ""},
}

// nt10 are the systems that say 10.0 without a build.
var nt10 = []string{"Windows 10", "Windows 11", "Windows Server 2016", "Windows Server 2019", "Windows Server 2022", "Windows Server 2025"}

// sinceVista are the systems with a DHCPv6 client of Microsoft's: those before have none.
var sinceVista = append([]string{"Windows Vista", "Windows Server 2008", "Windows 7", "Windows Server 2008 R2", "Windows 8", "Windows Server 2012",
	"Windows 8.1", "Windows Server 2012 R2", "Windows CE", "Windows Phone"}, nt10...)

func both(v [2]string) (out []string) {
	for _, n := range v {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
}

// ntSystems are the systems of a version "6.1" or "6.1.7601"; nil for none that is known.
func ntSystems(v string) []string {
	p := strings.Split(v, ".")
	if len(p) < 2 {
		return nil
	}
	if len(p) == 3 {
		if n, err := strconv.Atoi(p[2]); err == nil {
			if s := both(ntBuilds[n]); s != nil {
				return s
			}
		}
	}
	if p[0] == "10" && p[1] == "0" {
		return nt10
	}
	return both(ntVersions[p[0]+"."+p[1]])
}

// token is a pattern of a text and the system that it names; $1 stands for what the pattern's group found.
type token struct {
	pattern *regexp.Regexp
	system  string
}

func tokens(pairs ...string) (out []token) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, token{regexp.MustCompile("(?i)" + pairs[i]), pairs[i+1]})
	}
	return out
}

// textTokens name systems in banners, user agents, descriptions and native OS strings; the first that fits counts.
// A system of "nt" reads the group as a Windows version number, "build" as a build.
var textTokens = tokens(
	`Windows Server \(R\) 2008 .*?(\d{4})`, "build", `Windows Server 2003 .*?(\d{4})`, "build", `Windows 2002 .*?(2600)`, "build", `Windows (?:Server )?20(?:12|16|19|22|25).*?(\d{4,5})`, "build",
	`Windows (?:7|8|8\.1|10|11|Vista) [^;()]*?(\d{4,5})\b`, "build", `Version \d+\.\d+ \(Build (\d+)`, "build", `Windows NT (1381)\b`, "build",
	`iPhone|iPad|CaptiveNetworkSupport|\biOS/\d`, "iOS", `Windows CE`, "Windows CE", `Windows Phone|IEMobile`, "Windows Phone",
	// The UPnP device host of Windows up to 8.1 says 5.1 whatever it runs on.
	`Microsoft-Windows-NT/5\.1 UPnP`, "Windows", `Microsoft-Windows(?:-NT)?/(\d+\.\d)`, "nt", `Windows NT (\d+\.\d)`, "nt", `^Windows (\d\.\d)$`, "nt", `Microsoft-CryptoAPI/(\d+\.\d)`, "nt", `Windows-Update-Agent/(10\.0)`, "nt",
	`Microsoft-WNS/(10\.0)`, "nt", `Windows Version (\d+\.\d)`, "nt",
	`OpenSSH_for_Windows|Microsoft NCSI|Windows-Update-Agent|Microsoft-IIS/10|Microsoft-HTTPAPI|Microsoft FTP Service|Microsoft ESMTP|\(Win(?:32|64)\)|MSFT 5\.0|\bWinHTTP\b`, "Windows",
	`Microsoft-IIS/5\.1`, "Windows XP", `Microsoft-IIS/6\.0`, "Windows Server 2003", `Microsoft-IIS/`, "Windows", `Windows 2000 LAN Manager`, "Windows 2000", `MSFT 98`, "Windows 98",
	`CFNetwork/[\d.]+ Darwin/\d+`, "macOS|iOS", `Mac OS X|Macintosh|macOS|CUPS/[\d.]+ \(macOS|Darwin/`, "macOS",
	`android-dhcp-(\d+)`, "Android $1", `Android (\d+)`, "Android $1", `\bAndroid\b`, "Android",
	`Cisco IOS.XE|IOS-XE (\d+\.\d+)`, "IOS-XE $1", `Cisco NX-OS`, "NX-OS", `Cisco IOS|Cisco Internetwork Operating System|\bIOS \(tm\)`, "Cisco IOS", `Adaptive Security Appliance`, "Cisco ASA",
	`AlliedWare Plus (\d[\d.]*\d)`, "AlliedWare Plus $1", `AlliedWare`, "AlliedWare", `JUNOS`, "JUNOS", `RouterOS`, "RouterOS", `ArubaOS|ProCurve|ProVision`, "ArubaOS", `FortiGate|FortiOS`, "FortiOS",
	`RICOH Network Printer`, "RICOH Network Printer", `JETDIRECT`, "HP JetDirect",
	`VxWorks`, "VxWorks", `QNX`, "QNX", `Integrity OS|INTEGRITY`, "INTEGRITY", `\blwIP\b`, "Embedded lwIP", `RTOS|ThreadX|Nucleus|eCos|uC/OS`, "Embedded RTOS",
	`Ubuntu|Debian|Raspbian|Red Hat|CentOS|Fedora|SUSE|BusyBox|udhcp|dropbear|dhcpcd|Linux`, "Linux", `\bX11; |Samba|^Unix$`, "Linux|FreeBSD",
	`FreeBSD`, "FreeBSD", `OpenBSD`, "OpenBSD", `NetBSD`, "NetBSD", `SunOS|Solaris`, "Solaris", `AIX`, "AIX", `HP-UX`, "HP-UX",
)

// texts are what textSystems said of maxTexts texts at most: many devices of a site say the same.
var texts = struct {
	sync.Mutex
	systems map[string][]string
}{systems: map[string][]string{}}

const maxTexts = 4096

// textSystems are the systems that a text names.
func textSystems(v string) []string {
	texts.Lock()
	defer texts.Unlock()
	names, ok := texts.systems[v]
	if !ok {
		names = readSystems(v)
		if len(texts.systems) >= maxTexts {
			clear(texts.systems)
		}
		texts.systems[strings.Clone(v)] = names
	}
	return names
}

func readSystems(v string) []string {
	for _, t := range textTokens {
		m := t.pattern.FindStringSubmatch(v)
		if m == nil {
			continue
		}
		group := ""
		if len(m) > 1 {
			group = m[1]
		}
		switch t.system {
		case "nt":
			if s := ntSystems(group); s != nil {
				return s
			}
			continue
		case "build":
			if n, err := strconv.Atoi(group); err == nil {
				build := ntBuilds[n]
				if strings.Contains(v, "Server") && build[1] != "" {
					return build[1:]
				}
				if s := both(build); s != nil {
					return s
				}
			}
			continue
		}
		return strings.Split(strings.TrimSpace(strings.ReplaceAll(t.system, "$1", group)), "|")
	}
	return nil
}

// dhcpLists are the options that DHCP clients ask for (option 55), whole or as an ending ("…,").
var dhcpLists = []struct{ list, systems string }{
	{"1,15,3,6,44,46,47,31,33,43", "Windows 2000"},
	{"1,15,3,6,44,46,47,31,33,249,43", "Windows XP|Windows Server 2003"},
	{"1,15,3,6,44,46,47,31,33,249,43,252", "Windows XP|Windows Server 2003"},
	{"1,15,3,6,44,46,47,31,33,121,249,43", "Windows Vista|Windows 7|Windows 8|Windows 8.1|Windows Server 2008|Windows Server 2012"},
	{"1,15,3,6,44,46,47,31,33,121,249,43,252", "Windows Vista|Windows 7|Windows 8|Windows 8.1|Windows Server 2008|Windows Server 2012"},
	{"1,3,6,15,31,33,43,44,46,47,119,121,249,252", "Windows 10|Windows 11|Windows Server 2016|Windows Server 2019|Windows Server 2022|Windows Server 2025"},
	{"1,3,6,15,31,33,43,44,46,47,121,249,252", "Windows 10|Windows 11|Windows Server 2016|Windows Server 2019|Windows Server 2022|Windows Server 2025"},
	{"1,28,2,3,15,6,119,12,44,47,26,121,42", "Linux"}, {"1,28,2,121,15,6,12,40,41,42,26,119,3,121,249,33,252,42", "Linux"}, {"1,2,6,12,15,26,28,121,3,33,40,41,42,119,249,252,17", "Linux"},
	{"1,3,6,12,15,28,42", "Linux"}, {"1,3,6,12,15,28,40,41,42", "Linux"},
	{"1,33,3,6,15,28,51,58,59", "Android"}, {"1,3,6,15,26,28,51,58,59,43", "Android"}, {"1,3,6,15,26,28,51,58,59,43,114,108", "Android"},
	{"1,121,3,6,15,119,252", "macOS|iOS"}, {"1,121,3,6,15,114,119,252", "macOS|iOS"}, {"1,3,6,15,119,95,252,44,46", "macOS"}, {"1,3,6,15,119,95,252,44,46,47", "macOS"},
	{"1,121,3,6,15,119,252,95,44,46", "macOS"}, {"1,121,3,6,15,114,119,252,95,44,46", "macOS"}, {"1,3,6,15,112,113,78,79,95", "macOS"}, {"1,3,6,15,119,252", "iOS"},
}

// systems reads a fact; weight is 0 where it says nothing of the operating system.
func (s *site) systems(f *Fact) (names []string, weight int) {
	weight = osWeight(f.Source, f.Kind)
	if weight == 0 {
		return nil, 0
	}
	switch f.Kind {
	case "os-version":
		if f.Source == "browser" {
			switch {
			case f.Value == "4.9" || f.Value == "6.1" && s.samba(f):
				return []string{"Linux", "FreeBSD"}, 40 // Samba's default; it says 6.1 as well
			case strings.HasPrefix(f.Value, "3."): // a workgroup's, of Windows for Workgroups
				return nil, 0
			}
		}
		names = ntSystems(f.Value)
	case "dhcp-fingerprint":
		for _, l := range dhcpLists {
			if l.list == f.Value {
				names = strings.Split(l.systems, "|")
			}
		}
	case "client-build":
		if n, err := strconv.Atoi(f.Value); err == nil {
			names = both(ntBuilds[n])
		}
	case "enterprise":
		if f.Value == "311" {
			names = sinceVista
		}
	case "model":
		if strings.HasPrefix(f.Value, "Mac") || strings.HasPrefix(f.Value, "iMac") {
			names = []string{"macOS"}
		} else if strings.HasPrefix(f.Value, "iPhone") || strings.HasPrefix(f.Value, "iPad") {
			names = []string{"iOS"}
		}
	case "tcp-syn", "tcp-syn-ack":
		form, err := parseForm(f.Value)
		if err != nil {
			return nil, 0
		}
		table := s.o.Fingerprints
		if table == nil {
			table = builtin()
		}
		e, how := table.find(&form, f.Kind == "tcp-syn-ack")
		if how == matchNone {
			return nil, 0
		}
		names = e.names
		weight = [...]int{0, weightFuzzy, weightGeneric, weightSpecific}[how]
		if f.Kind == "tcp-syn-ack" {
			weight -= answerPenalty
		}
	default:
		names = textSystems(f.Value)
	}
	if names == nil {
		return nil, 0
	}
	return names, weight
}

// samba says whether the fact's device runs Samba by its own word.
func (s *site) samba(f *Fact) bool {
	w := s.of(f)
	return w != nil && w.samba
}

// fits says whether two systems can be one: the same, or one is less exact ("Windows 10", "Windows 10 22H2"). Versions
// other than Windows' are not held against each other.
func fits(a, b string) bool {
	if strings.HasPrefix(a, b+" ") || strings.HasPrefix(b, a+" ") || a == b {
		return true
	}
	fa, _, _ := strings.Cut(a, " ")
	fb, _, _ := strings.Cut(b, " ")
	return fa == fb && fa != "Windows"
}

// narrow leaves of a those that fit one of b, and of two that fit the more exact one; nil where none does.
func narrow(a, b []string) (out []string) {
	take := func(n string) {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	for _, x := range a {
		found, finer := false, false
		for _, y := range b {
			if strings.HasPrefix(y, x+" ") {
				take(y)
				finer = true
			}
			found = found || fits(x, y)
		}
		if found && !finer {
			take(x)
		}
	}
	return out
}

// serverSystem says whether a name is of a Windows for servers.
func serverSystem(n string) bool {
	return strings.HasPrefix(n, "Windows") && strings.Contains(n, "Server")
}

// settleOS weighs the evidence (docs/inventory.md, "Operating system"):
//
//	accuracy = weight of the best fact
//	         + 5 for each other kind of fact that agrees
//	         halved, if one that is worth at least the best's weight - 20 says otherwise
//
// between 0 and 100. Of one kind of fact the latest of the highest weight counts; one that was not seen for 30 days
// before the device was seen last is worth half.
func (w *work) settleOS() {
	byKind := map[[2]string]OSEvidence{}
	for _, e := range w.osFacts {
		if w.LastSeen-e.last > staleAfter {
			e.Weight /= 2
		}
		k := [2]string{e.Source, e.Kind}
		old, ok := byKind[k]
		if !ok || cmp.Or(cmp.Compare(e.Weight, old.Weight), cmp.Compare(e.last, old.last), strings.Compare(old.Value, e.Value)) > 0 {
			byKind[k] = e
		}
	}
	list := make([]OSEvidence, 0, len(byKind))
	for _, e := range byKind {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b OSEvidence) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), strings.Compare(a.Source, b.Source), strings.Compare(a.Kind, b.Kind))
	})
	if len(list) == 0 {
		return
	}
	if e, ok := w.ttlSays(); ok {
		list = append(list, e)
	}
	names := list[0].Systems
	accuracy := list[0].Weight
	list[0].Points = list[0].Weight
	against := -1
	for i := 1; i < len(list); i++ {
		e := &list[i]
		if n := narrow(names, e.Systems); n != nil {
			names = n
			e.Points = min(agreeing, 100-accuracy)
			accuracy += e.Points
		} else if against < 0 && e.Weight >= list[0].Weight-contradict {
			against = i
		}
	}
	if against >= 0 {
		list[against].Points = accuracy/2 - accuracy
		accuracy /= 2
		w.OSConflict = true
	}
	w.osNames, w.OSAccuracy, w.OSEvidence = names, accuracy, list
}

// ttlSays is the evidence of the TTL that the device's packets begin with: it supports or contradicts, and never decides alone.
func (w *work) ttlSays() (OSEvidence, bool) {
	top := uint8(0)
	for i := range w.seen {
		if a := &w.seen[i]; Sent(a) && slices.Contains(w.IPs, a.IP) && !linkLocal(a.IP) {
			top = max(top, a.TTL)
		}
	}
	e := OSEvidence{Weight: weightTTL, Source: "ip", Kind: "ttl", Value: strconv.Itoa(int(top))}
	switch top {
	case 128:
		e.Systems = []string{"Windows", "Embedded"}
	case 64:
		e.Systems = []string{"Linux", "macOS", "iOS", "Android", "FreeBSD", "OpenBSD", "NetBSD", "VxWorks", "QNX", "Embedded", "AlliedWare", "RICOH", "HP"}
	default:
		return e, false
	}
	return e, true
}

// nameOS makes the one name of the systems that are left. Where PCs and servers share a build, what the device does decides.
func (w *work) nameOS() {
	names := w.osNames
	if len(names) > 1 {
		server := w.serverType&typeServer != 0 || w.serverType == 0 && slices.Contains([]string{RoleServer, RoleDC, RoleSCADA}, w.Role)
		if some := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return serverSystem(n) != server }); len(some) > 0 && (server || w.serverType != 0 || w.Role != RoleUnknown) {
			names = some
		}
	}
	switch {
	case len(names) == 0:
	case len(names) <= 2:
		w.OS = strings.Join(names, " or ")
	default:
		w.OS = commonWords(names)
	}
}

// commonWords are the words that all names begin with: "Windows Server" of the servers, "Windows" of all.
func commonWords(names []string) string {
	words := strings.Fields(names[0])
	for _, n := range names[1:] {
		f := strings.Fields(n)
		i := 0
		for i < len(words) && i < len(f) && words[i] == f[i] {
			i++
		}
		words = words[:i]
	}
	if len(words) == 0 {
		return strings.Join(names, " or ")
	}
	return strings.Join(words, " ")
}

// systemIs says whether all systems that are left fit one of these.
func (w *work) systemIs(ok func(string) bool) bool {
	return len(w.osNames) > 0 && !slices.ContainsFunc(w.osNames, func(n string) bool { return !ok(n) })
}
