package ledger

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"osect/inventory"
)

// The kinds of Difference, in the order of Compare.
const (
	DiffUnknown  = "unknown"  // a device that is in no entry
	DiffMissing  = "missing"  // an entry whose device was not seen
	DiffMAC      = "mac"      // another MAC, which is in no entry, uses an address of an entry whose own MAC was not seen
	DiffAddress  = "address"  // the device of an entry uses addresses that are not listed, or none that is
	DiffVendor   = "vendor"   // the device is another maker's
	DiffOS       = "os"       // the device runs something else
	DiffFirmware = "firmware" // the device says another version
	DiffSilent   = "silent"   // the device was not seen for a while
)

// DiffKinds in their order.
var DiffKinds = []string{DiffUnknown, DiffMissing, DiffMAC, DiffAddress, DiffVendor, DiffOS, DiffFirmware, DiffSilent}

// Difference is one thing in which ledger and observation disagree.
type Difference struct {
	Kind     string
	Entry    *Entry            // nil for DiffUnknown
	Device   *inventory.Device // nil for DiffMissing
	Ledger   string            // what the ledger says, "" where the kind says it all
	Observed string
}

// Observed is what was seen: of one store or a part of it.
type Observed struct {
	Devices []inventory.Device
	Facts   []inventory.Fact
	// Newest is the time of the newest data, ns.
	Newest int64
}

// minOSAccuracy is from which accuracy (0 to 100) an operating system counts.
const minOSAccuracy = 50

// Compare holds the ledger against what was observed. A device that was last seen more than silentAfter ns before the
// newest data is silent. The internet is no device.
func Compare(x *Index, o *Observed, silentAfter int64) []Difference {
	var out []Difference
	told := newTold(o.Facts)
	of := map[int][]*inventory.Device{} // by entry
	var unknown []*inventory.Device
	for i := range o.Devices {
		d := &o.Devices[i]
		if d.Internet {
			continue
		}
		mac, ips := ends(d)
		if at := x.find(d.Site, mac, ips); at >= 0 {
			of[at] = append(of[at], d)
		} else {
			unknown = append(unknown, d)
		}
	}
	// Addresses of devices in no entry, by site, for DiffMAC.
	users := map[[2]string]*inventory.Device{}
	for _, d := range unknown {
		if _, ips := ends(d); d.MAC != 0 {
			for _, ip := range ips {
				if k := [2]string{d.Site, ip}; users[k] == nil {
					users[k] = d
				}
			}
		}
	}
	taken := map[*inventory.Device]bool{}
	sites := sitesOf(o.Devices)
	for i := range x.Entries {
		e := &x.Entries[i]
		devices := of[i]
		if len(devices) == 0 {
			if d := e.user(users, sites); d != nil && !taken[d] {
				taken[d] = true
				out = append(out, Difference{DiffMAC, e, d, e.Cells[MAC], d.MAC.String()})
			} else {
				out = append(out, Difference{Kind: DiffMissing, Entry: e, Ledger: words(e.Cells[Role], e.Cells[Zone], e.Cells[Location], e.Cells[Owner])})
			}
			continue
		}
		// The device with the entry's MAC, else the one seen last, speaks for the entry.
		d := slices.MaxFunc(devices, func(a, b *inventory.Device) int {
			own := func(d *inventory.Device) int {
				if d.MAC != 0 && d.MAC.String() == e.Cells[MAC] {
					return 1
				}
				return 0
			}
			return cmp.Or(own(a)-own(b), cmp.Compare(a.LastSeen, b.LastSeen))
		})
		out = append(out, e.compare(d, told)...)
		if silentAfter > 0 && d.LastSeen < o.Newest-silentAfter {
			out = append(out, Difference{Kind: DiffSilent, Entry: e, Device: d})
		}
	}
	for _, d := range unknown {
		if !taken[d] {
			out = append(out, Difference{Kind: DiffUnknown, Device: d, Observed: words(d.Vendor, d.OS)})
		}
	}
	slices.SortStableFunc(out, func(a, b Difference) int { return slices.Index(DiffKinds, a.Kind) - slices.Index(DiffKinds, b.Kind) })
	return out
}

// user is the device in no entry that uses an address of the entry, which has a MAC; users are by site and address.
func (e *Entry) user(users map[[2]string]*inventory.Device, sites []string) *inventory.Device {
	if e.Cells[MAC] == "" {
		return nil
	}
	for _, ip := range e.IPs() {
		for _, s := range sites {
			if d := users[[2]string{s, ip}]; d != nil && overlap(e.Cells[Site], s) {
				return d
			}
		}
	}
	return nil
}

// words joins what is not empty.
func words(list ...string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), " / ")
}

func (e *Entry) compare(d *inventory.Device, told *told) (out []Difference) {
	add := func(kind, ledger, observed string) {
		out = append(out, Difference{kind, e, d, ledger, observed})
	}
	if seen, listed := d.IPs, e.IPs(); len(listed) > 0 {
		lists6 := strings.Contains(e.Cells[IP], ":")
		var own []string
		strange := false
		for _, ip := range seen {
			s := ip.String()
			if linkLocal(s) || strings.Contains(s, ":") && !lists6 {
				continue
			}
			own = append(own, s)
			strange = strange || !slices.Contains(listed, s)
		}
		if strange {
			add(DiffAddress, e.Cells[IP], strings.Join(own, " "))
		}
	}
	if v := e.Cells[Vendor]; v != "" && d.Vendor != "" && !sameVendor(v, d.Vendor) {
		add(DiffVendor, v, d.Vendor)
	}
	if v := e.Cells[OS]; v != "" && d.OS != "" && d.OSAccuracy >= minOSAccuracy && !sameOS(v, d.OS) {
		add(DiffOS, v, d.OS)
	}
	if v := e.Cells[Firmware]; v != "" {
		if list := told.of(d, "firmware"); len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return sameVersion(v, s) }) {
			add(DiffFirmware, v, strings.Join(list[:min(len(list), 3)], ", "))
		}
	}
	return out
}

func linkLocal(ip string) bool {
	return strings.HasPrefix(ip, "169.254.") || strings.HasPrefix(ip, "fe8") || strings.HasPrefix(ip, "fe9") || strings.HasPrefix(ip, "fea") || strings.HasPrefix(ip, "feb")
}

// told finds what devices told of themselves.
type told struct{ by map[toldKey][]*inventory.Fact }

type toldKey struct{ site, end, kind string }

func newTold(facts []inventory.Fact) *told {
	t := &told{map[toldKey][]*inventory.Fact{}}
	for i := range facts {
		f := &facts[i]
		if f.Kind != "firmware" && f.Kind != "model" && f.Kind != "serial" {
			continue
		}
		if f.MAC != 0 {
			k := toldKey{f.Site, f.MAC.String(), f.Kind}
			t.by[k] = append(t.by[k], f)
		}
		if !f.IP.IsMAC() {
			k := toldKey{f.Site, f.IP.String(), f.Kind}
			t.by[k] = append(t.by[k], f)
		}
	}
	return t
}

// of are the values of a kind that a device told, the latest first. Of a router only those told from its own addresses.
func (t *told) of(d *inventory.Device, kind string) []string {
	mac, ips := ends(d)
	var list []*inventory.Fact
	if mac != "" && !d.Router {
		list = append(list, t.by[toldKey{d.Site, mac, kind}]...)
	}
	for _, ip := range ips {
		list = append(list, t.by[toldKey{d.Site, ip, kind}]...)
	}
	slices.SortStableFunc(list, func(a, b *inventory.Fact) int {
		return cmp.Or(cmp.Compare(b.Last, a.Last), cmp.Compare(a.Value, b.Value))
	})
	var out []string
	for _, f := range list {
		if v := plain(f.Value); v != "" && !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// makers are names under which Japanese ledgers know makers, and the first word of the registry's name.
var makers = strings.NewReplacer(
	"三菱電機", "mitsubishi", "三菱", "mitsubishi", "オムロン", "omron", "キーエンス", "keyence", "横河電機", "yokogawa", "横河", "yokogawa", "富士電機", "fuji electric",
	"安川電機", "yaskawa", "安川", "yaskawa", "日立", "hitachi", "東芝", "toshiba", "パナソニック", "panasonic", "松下", "panasonic", "シーメンス", "siemens", "ファナック", "fanuc", "ジェイテクト", "jtekt",
	"日本電気", "nec", "富士通", "fujitsu", "デル", "dell", "シスコ", "cisco", "バッファロー", "buffalo", "ロックウェル", "rockwell", "アレンブラッドリー", "rockwell", "allen-bradley", "rockwell", "シュナイダー", "schneider",
	"ヤマハ", "yamaha", "アライドテレシス", "allied", "エプソン", "epson", "キヤノン", "canon", "キャノン", "canon", "リコー", "ricoh", "ブラザー", "brother", "コンテック", "contec", "アドバンテック", "advantech",
	"プロフェイス", "digital", "pro-face", "digital", "デジタル", "digital", "ベッコフ", "beckhoff", "フエニックス", "phoenix", "フェニックス", "phoenix", "ヒルシュマン", "hirschmann", "モクサ", "moxa",
	"エイチピー", "hp", "hewlett packard", "hp", "hewlett-packard", "hp", "ヒューレット", "hp", "レノボ", "lenovo", "インテル", "intel", "村田機械", "murata", "山武", "azbil", "アズビル", "azbil", "島津", "shimadzu", "ifm", "ifm",
)

// groups are makers whose names stand for one house: what one says of itself and the registry of the other.
var groups = map[string]string{"digital": "schneider", "hirschmann": "belden", "allen": "rockwell", "melco": "buffalo", "matsushita": "panasonic", "vmware": "vmware"}

// sameVendor says whether two makers' names mean one: they share their first word, or a whole word of one is all of the
// other. In doubt (a name in Japanese letters that is not known) they are the same.
func sameVendor(a, b string) bool {
	x, y := makerWords(a), makerWords(b)
	if len(x) == 0 || len(y) == 0 || !ascii(x[0]) || !ascii(y[0]) {
		return true
	}
	if groups[x[0]] != "" {
		x = append(x, groups[x[0]])
	}
	if groups[y[0]] != "" {
		y = append(y, groups[y[0]])
	}
	return slices.Contains(y, x[0]) || slices.Contains(x, y[0]) || strings.HasPrefix(x[0], y[0]) && len(y[0]) > 3 || strings.HasPrefix(y[0], x[0]) && len(x[0]) > 3
}

var corporate = strings.NewReplacer("株式会社", " ", "(株)", " ", "㈱", " ", "有限会社", " ", "製", " ")

func makerWords(s string) []string {
	s = makers.Replace(corporate.Replace(strings.ToLower(narrow(corporate.Replace(s)))))
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" ,.()/&・", r) })
}

var (
	windows      = regexp.MustCompile(`\bwin(?:dows)?\s*(nt|server)?\s*(xp|vista|ce|me|9[58]|\d{4}|\d+(?:\.\d+)?)?\s*(r2)?`)
	linuxes      = []string{"linux", "ubuntu", "debian", "centos", "redhat", "red hat", "rhel", "fedora", "suse", "raspbian", "alma", "rocky", "yocto"}
	alternatives = regexp.MustCompile(`\s+or\s+|\s*/\s*|[|,;]`)
	anyDigit     = regexp.MustCompile(`\d+(?:[._]\d+)*`)
)

// sameOS says whether two names of operating systems may mean one: the same family, and of Windows the same version where
// both say it. What was observed may name several ("Windows 10 or 11"): one of them is enough.
func sameOS(ledger, observed string) bool {
	want, wantVersion := system(ledger)
	for _, part := range alternatives.Split(strings.ToLower(observed), -1) {
		got, version := system(part)
		if got == "" && version == "" {
			continue
		}
		if got == "" || want == "" || got == want && (wantVersion == "" || version == "" || version == wantVersion) {
			return true
		}
		// "Windows 10, 11": the second names the version only.
		if want == "windows" && got != "linux" && strings.TrimSpace(part) == wantVersion {
			return true
		}
	}
	return false
}

func system(s string) (family, version string) {
	s = strings.ToLower(narrow(s))
	s = strings.NewReplacer("ウィンドウズ", "windows", "ウインドウズ", "windows", "リナックス", "linux", "microsoft", "").Replace(s)
	if m := windows.FindStringSubmatch(s); m != nil {
		v := strings.Join(strings.Fields(m[2]+" "+m[3]), " ")
		return "windows", v
	}
	for _, l := range linuxes {
		if strings.Contains(s, l) {
			return "linux", ""
		}
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(" -/(),", r) })
	if len(words) == 0 {
		return "", ""
	}
	return strings.TrimRight(words[0], "0123456789."), ""
}

// sameVersion says whether two texts name one version: the digits of one, with their dots, stand in the other.
func sameVersion(a, b string) bool {
	x, y := versions(a), versions(b)
	if len(x) == 0 || len(y) == 0 {
		return foldName(a) == foldName(b)
	}
	return slices.ContainsFunc(x, func(v string) bool { return slices.Contains(y, v) })
}

func versions(s string) []string {
	var out []string
	for _, v := range anyDigit.FindAllString(strings.ToLower(narrow(s)), -1) {
		parts := strings.FieldsFunc(v, func(r rune) bool { return r == '.' || r == '_' })
		for i, p := range parts {
			if p = strings.TrimLeft(p, "0"); p == "" {
				p = "0"
			}
			parts[i] = p
		}
		// A single number beside a dotted one is part of a name ("S7-1200 V4.2").
		out = append(out, strings.Join(parts, "."))
	}
	dotted := slices.DeleteFunc(slices.Clone(out), func(v string) bool { return !strings.Contains(v, ".") })
	if len(dotted) > 0 {
		return dotted
	}
	return out
}

// Told is what was observed of a device, by the ledger's columns.
func Told(o *Observed, d *inventory.Device) map[Column]string {
	told := newTold(o.Facts)
	mac, ips := ends(d)
	m := map[Column]string{IP: strings.Join(ips, " "), MAC: mac, Hostname: d.Hostname, Vendor: d.Vendor, OS: d.OS, Role: d.Role, Site: d.Site}
	for c, kind := range map[Column]string{Firmware: "firmware", Model: "model", Serial: "serial"} {
		m[c] = strings.Join(told.of(d, kind), ", ")
	}
	return m
}
