package detect

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
)

// Subkinds of vulnerable-device.
const (
	SubEnded     = "ended"      // whatever line of the system it is, its support is over
	SubEndedLine = "ended-line" // over, unless the device has a line that lives longer
)

const (
	// leastAccuracy of the operating system for a device to be judged: the form of TCP packets alone has 55.
	leastAccuracy = 60
	// maxJudged bounds the devices, maxTold the facts of one that are remembered.
	maxJudged = 20_000
	maxTold   = 32
)

// osFacts are the kinds of facts that may say which operating system a device runs.
var osFacts = map[string]bool{"description": true, "os-version": true, "client-build": true, "os": true, "model": true, "software": true,
	"server-banner": true, "client-banner": true, "user-agent": true, "vendor-class": true, "dhcp-fingerprint": true,
	"enterprise": true, "tcp-syn": true, "tcp-syn-ack": true, "server-type": true}

// vulnerable is the detector of systems without support (D1-2). It learns nothing.
// docs/detection/vulnerable-device.md states its rules.
type vulnerable struct {
	cfg     *Config
	devices *devices
	known   map[decode.Addr]*judged
	day     int64 // the last one that all devices were judged at
	// before are facts that were told before the first minute; waiting are the devices that they are of, until they are heard.
	before  []observe.Fact
	waiting map[decode.Addr]*judged
}

// judged is a device as far as this detector knows it.
type judged struct {
	ip, mac  decode.Addr // mac is zero where it is not its own
	facts    []inventory.Fact
	systems  []string // one of these
	accuracy int
	evidence string
	last     observe.Fact // the fact that was new last
}

func newVulnerable(cfg *Config, d *devices) *vulnerable {
	return &vulnerable{cfg: cfg, devices: d, known: map[decode.Addr]*judged{}, waiting: map[decode.Addr]*judged{}}
}

func (d *vulnerable) kind() Kind                                         { return VulnerableDevice }
func (d *vulnerable) rows() int                                          { return 0 }
func (d *vulnerable) load([]Row)                                         {}
func (d *vulnerable) learn(_ *view, changes []Change) ([]Change, uint64) { return changes, 0 }
func (d *vulnerable) table() *EOL {
	if t := d.cfg.Settings.EOL; t != nil {
		return t
	}
	return builtinTable()
}

// device is whom a fact is about: a MAC, or an address where the MAC is a router's; ok is false for neither.
func (d *vulnerable) device(f *observe.Fact, routers map[decode.MAC]bool) (key, mac decode.Addr, ok bool) {
	if f.MAC != 0 && f.MAC != decode.NullMAC && !f.MAC.Group() && !routers[f.MAC] && d.devices.routers[f.MAC] == nil {
		return f.MAC.Addr(), f.MAC.Addr(), true
	}
	return f.IP, decode.Addr{}, inventory.Ownable(f.IP) && !d.cfg.internet(f.IP)
}

// told keeps a fact; j is nil where it says nothing new of a device.
func (d *vulnerable) told(f *observe.Fact, routers map[decode.MAC]bool) (key decode.Addr, j *judged) {
	if !osFacts[f.Kind] {
		return key, nil
	}
	key, mac, ok := d.device(f, routers)
	if !ok {
		return key, nil
	}
	j = d.known[key]
	if j == nil {
		if len(d.known) >= maxJudged {
			return key, nil
		}
		j = &judged{ip: f.IP, mac: mac}
		d.known[key] = j
	}
	if len(j.facts) >= maxTold {
		return key, nil
	}
	for i := range j.facts { // a fact is large to move
		if o := &j.facts[i]; o.Kind == f.Kind && o.Value == f.Value && o.Source == f.Source {
			return key, nil
		}
	}
	j.facts = append(j.facts, inventory.Fact{Fact: *f, Site: d.cfg.Site})
	if f.IP.IsIPv4() && !j.ip.IsIPv4() || j.ip.IsMAC() {
		j.ip = f.IP
	}
	return key, j
}

func (d *vulnerable) inspect(v *view) []finding {
	routers := map[decode.MAC]bool{}
	for i := range v.macs {
		if v.macs[i].router {
			routers[v.macs[i].mac] = true
		}
	}
	for i := range d.before {
		f := &d.before[i]
		f.First, f.Last = v.m.Start, v.m.Start // when they were told last depends on what was read since
		if key, j := d.told(f, routers); j != nil {
			d.waiting[key] = j
		}
	}
	d.before = nil
	fresh := map[decode.Addr]*judged{}
	if len(d.waiting) > 0 {
		for i := range v.m.Addresses {
			x := &v.m.Addresses[i]
			if !inventory.Sent(x) {
				continue
			}
			for _, key := range []decode.Addr{x.MAC.Addr(), x.IP} {
				j := d.waiting[key]
				if j == nil {
					continue
				}
				if fresh[key] == nil || x.First < j.last.First {
					j.last.First, j.last.Last, j.last.Ref = x.First, x.Last, x.Ref
				}
				fresh[key] = j
			}
		}
		for key := range fresh {
			delete(d.waiting, key)
		}
	}
	for i := range v.m.Facts {
		f := &v.m.Facts[i]
		key, j := d.told(f, routers)
		if j == nil {
			continue
		}
		if fresh[key] == nil || f.First < j.last.First {
			j.last = *f
		}
		fresh[key] = j
		delete(d.waiting, key)
	}
	now := v.m.Start
	if d.cfg.Settings.AsOf != 0 {
		now = d.cfg.Settings.AsOf
	}
	seen := map[decode.Addr][]*observe.Address{} // of the fresh
	for _, j := range fresh {
		seen[j.ip] = nil
	}
	for i := 0; i < len(v.m.Addresses) && len(seen) > 0; i++ {
		a := &v.m.Addresses[i]
		if list, ok := seen[a.IP]; ok {
			seen[a.IP] = append(list, a)
		}
	}
	var found []finding
	for _, key := range slices.SortedFunc(maps.Keys(fresh), decode.Addr.Compare) {
		j := fresh[key]
		j.identify(seen[j.ip])
		if f, ok := d.judge(key, j, now); ok {
			f.first, f.last, f.ref = j.last.First, j.last.First, j.last.Ref
			found = append(found, f)
		}
	}
	// A day later the support of any of them may be over.
	if day := floor(now, 24*3600e9); day != d.day {
		d.day = day
		for _, key := range slices.SortedFunc(maps.Keys(d.known), decode.Addr.Compare) {
			if d.waiting[key] != nil {
				continue
			}
			if f, ok := d.judge(key, d.known[key], now); ok && fresh[key] == nil {
				f.first, f.last = v.m.Start, v.m.Start
				found = append(found, f)
			}
		}
	}
	return found
}

// yearOfLine is the year in "LTSC 2019" and "2016 LTSB": not a build, which the inventory looks for.
var yearOfLine = regexp.MustCompile(`(LTS[BC]) 20\d\d\b|\b20\d\d (LTS[BC])`)

// namesPC is a text that names a Windows for PCs.
var namesPC = regexp.MustCompile(`\bWindows (?:XP|Vista|7|8|8\.1|10|11) [A-Z]`)

// identify asks the inventory what the device runs; seen are the minute's addresses with its IP.
func (j *judged) identify(seen []*observe.Address) {
	// Most devices of a plant show nothing but the form of their TCP packets, which is never enough.
	if !slices.ContainsFunc(j.facts, func(f inventory.Fact) bool { return f.Kind != "tcp-syn" && f.Kind != "tcp-syn-ack" }) {
		return
	}
	a := observe.Address{IP: j.ip, VLAN: decode.NoVLAN, Evidence: observe.SeenIP, PacketsSent: 1}
	facts := slices.Clone(j.facts)
	for i := range facts {
		facts[i].MAC = 0
		if strings.Contains(facts[i].Value, "LTS") {
			facts[i].Value = yearOfLine.ReplaceAllString(facts[i].Value, "$1$2")
		}
		if j.mac.IsMAC() {
			facts[i].MAC = j.mac.MAC()
		}
	}
	if j.mac.IsMAC() {
		a.MAC = j.mac.MAC()
	}
	for _, s := range seen {
		if (a.MAC == 0 || s.MAC == a.MAC) && inventory.Sent(s) {
			a.TTL = max(a.TTL, s.TTL)
		}
		a.First, a.Last = s.First, s.Last
	}
	if a.Last == 0 {
		a.First, a.Last = j.last.First, j.last.Last
	}
	j.systems, j.accuracy, j.evidence = nil, 0, ""
	site := ""
	if len(facts) > 0 {
		site = facts[0].Site
	}
	list := inventory.Devices(inventory.Input{Addresses: []inventory.AddressTotal{{Address: a, Site: site}}, Facts: facts}, inventory.Options{})
	if len(list) != 1 || list[0].OS == "" || list[0].OSAccuracy < leastAccuracy {
		return
	}
	dev := &list[0]
	j.systems, j.accuracy = strings.Split(dev.OS, " or "), dev.OSAccuracy
	// Builds are shared by PCs and servers; a device that names itself one is none of the other.
	if slices.ContainsFunc(facts, func(f inventory.Fact) bool {
		return strings.Contains(f.Value, "Windows ") && namesPC.MatchString(f.Value)
	}) {
		pc := slices.DeleteFunc(slices.Clone(j.systems), func(s string) bool { return strings.Contains(s, "Server") })
		if len(pc) > 0 {
			j.systems = pc
		}
	}
	if len(dev.OSEvidence) > 0 {
		e := &dev.OSEvidence[0]
		j.evidence = e.Source + " " + e.Kind + " " + e.Value
	}
	if !strings.HasPrefix(dev.OS, "Linux") && !strings.HasPrefix(dev.OS, "FreeBSD") {
		return
	}
	// The latest release that it names: an older one may be a program's that was carried over.
	best := -1
	for i := range facts {
		if r := releaseOf(facts[i].Value); r != "" && (best < 0 || cmp.Or(cmp.Compare(facts[i].Last, facts[best].Last), strings.Compare(r, j.systems[0])) > 0) {
			best, j.systems = i, []string{r}
			j.evidence = facts[i].Source + " " + facts[i].Kind + " " + facts[i].Value
		}
	}
}

// judge says whether the support of all systems that the device may run is over at a time.
func (d *vulnerable) judge(key decode.Addr, j *judged, now int64) (finding, bool) {
	if len(j.systems) == 0 {
		return finding{}, false
	}
	var values []string
	for i := range j.facts {
		values = append(values, j.facts[i].Value)
	}
	var ended, longer *supportLine // what is over last of all; the line that lives longest
	for _, system := range j.systems {
		lines := d.table().find(system)
		if lines == nil {
			return finding{}, false
		}
		told := lineOf(lines, values)
		for i := range lines {
			l := &lines[i]
			if told != nil && l != told {
				continue
			}
			switch {
			case told != nil || l.name == generalLine:
				if l.end > now {
					return finding{}, false
				}
				if ended == nil || l.end > ended.end {
					ended = l
				}
			case l.end > now && (longer == nil || l.end > longer.end):
				longer = l
			}
		}
	}
	if ended == nil {
		return finding{}, false
	}
	os := strings.Join(j.systems, " / ")
	f := finding{subkind: SubEnded, severity: High, count: 1, srcIP: j.ip.String(), technique: "T0866"}
	if j.ip.IsMAC() {
		f.srcIP = ""
	}
	if j.mac.IsMAC() {
		f.srcMAC = j.mac.String()
	}
	f.args = []Arg{{"device", or(f.srcIP, key.String())}, {"os", os}, {"accuracy", strconv.Itoa(j.accuracy)}, {"evidence", j.evidence},
		{"line", or(strings.Trim(ended.name, generalLine), "–")}, {"ended", ended.last}, {"source", ended.source}, {"day", time.Unix(0, now).UTC().Format(time.DateOnly)}}
	if longer != nil {
		f.subkind, f.severity = SubEndedLine, Medium
		f.args = append(f.args, Arg{"longer", longer.name}, Arg{"until", longer.last})
	}
	f.key = strings.Join([]string{f.subkind, key.String(), os}, "|")
	f.unless[0] = f.key // told once, and not again while its alert is there
	return f, true
}
