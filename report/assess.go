package report

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"osect/report/pptx"
)

// Kinds are the kinds of detection in the order of the requirement (D1-1 to D1-9).
var Kinds = []string{"connected-device", "vulnerable-device", "ip-communication", "ip-volume", "ip-statistics", "ot-ip", "ot-ethernet", "signature", "built-in"}

// Severities are those of alerts and findings, worst first.
var Severities = []string{"critical", "high", "medium", "low"}

// Classes are those of OT operations.
var Classes = []string{"read", "write", "control", "identity", "session", "cyclic", "other"}

// Assessment is the report as data.
type Assessment struct {
	Customer, Program string
	From, To          time.Time // period of the data; zero when there are none
	Zone              *time.Location
	HasLedger         bool

	Counts   Counts
	Sites    []string
	Sensors  []Sensor
	Captures []Capture
	Skipped  []Share // frames by reason

	Devices          []Device // most important first
	Vendors          []Share  // devices by vendor; name "" where unknown
	Roles            []Share  // devices by role
	Systems          []Share  // devices by OS; name "" where unknown
	Traffic          []Traffic
	TrafficStep      time.Duration // length of the buckets of Traffic
	Talkers          []Talker      // devices by bytes sent and received
	Pairs            []Pair        // by bytes
	Protocols        []Protocol    // OT, by messages
	Functions        []Function    // what is asked for, by messages
	Operations       []Operation
	Controls         []Control // who writes to, controls or drives whom
	Alerts           []Alert   // worst first
	Kinds            []KindCount
	AlertsBySeverity []Share // in the order of Severities
	Important        []Alert // those explained in the deck
	Detectors        []Detector
	Differences      []Difference
	Crossings        []Crossing // by bytes
	Findings         []Finding  // worst first
	Conduits         []Conduit  // of the ledger's zones, by bytes
	Coverage         []Coverage
	Limits           []Limit
	DataFrom, DataTo time.Time // of the data in the period; zero when there are none
	Overall          Grade
	Grades           []Grade     // one of each of Areas
	Proposals        []Proposal  // the most effective first
	Comparison       *Comparison // nil where no period before was given
	Pictures         []Picture
	News             []string // paragraphs

	names map[siteAddress]*Device
}

// Counts are the figures of the summary.
type Counts struct {
	Sites, Sensors, Captures, CapturesFaulty                      int64
	Packets, Decoded, Skipped, Bytes                              int64
	Devices, DevicesInLedger, Vendors, DevicesOSKnown             int64
	DevicesOwn, DevicesNotInLedger                                int64 // without the internet
	Connections, Pairs                                            int64
	OTProtocols, OTDevices, Messages, Reads, Writes, Controls     int64
	ControlRelations, Alerts, AlertsSevere, AlertsOpen, Detecting int64
	Findings                                                      int64
}

// Share is a name with a count.
type Share struct {
	Name  string
	Count int64
}

// Talker is a device by its traffic. Bytes = sent + received.
type Talker struct {
	Name, Address, Role, Vendor string
	Sent, Received, Bytes       int64
}

// Protocol is an OT protocol as it was seen. Messages counts PDUs of every direction, Errors those that report one.
type Protocol struct {
	Protocol, Layer             string
	Messages, Errors            int64
	Functions, Sources, Targets int64
	ByClass                     map[string]int64
}

// Function is a function of an OT protocol with how often it was asked for, by whomever (direction request or none).
type Function struct {
	Protocol, Function, FunctionCode, Class string
	Messages                                int64
}

// Control is a relation in which Src changes the state of Dst: messages of the classes write and control, and
// cyclic exchange, each counted in requests only (direction request or none).
type Control struct {
	Site, Src, Dst, Protocol, Layer    string
	SrcName, SrcRole, DstName, DstRole string
	Functions                          []string
	Writes, Controls, Cyclic           int64
	First, Last                        time.Time
}

// KindCount counts alerts of a kind by severity, in the order of Severities.
type KindCount struct {
	Kind       string
	Total      int64
	BySeverity [4]int64
}

// Finding is a weakness that the data show. Its texts are report.finding.<Key>.title and .action.
type Finding struct {
	Key      string
	Severity string
	Count    int64    // how many things it is about
	Of       int64    // how many it could be about; 0 where that is not countable
	Examples []string // a few of them
	Control  string   // requirements of IEC 62443-3-3 that the proposal serves
	Area     string   // of Areas
	Points   int      // that it costs its area
}

type siteAddress struct{ site, address string }

// Build makes the assessment of in. in is not changed.
func Build(in Input) *Assessment {
	a := &Assessment{
		Customer: pptx.Clean(in.Customer), Program: pptx.Clean(in.Program),
		From: in.From, To: in.To, Zone: in.Zone, HasLedger: in.HasLedger,
	}
	if a.Zone == nil {
		a.Zone = time.UTC
	}
	a.Counts.Packets, a.Counts.Decoded, a.Counts.Bytes, a.Counts.Connections = in.Packets, in.Decoded, in.Bytes, in.Connections
	a.scope(in)
	a.devices(in)
	a.traffic(in)
	a.operations(in)
	a.alerts(in)
	a.ledger(in)
	a.coverage(in)
	a.findings()
	a.Counts.Findings = int64(len(a.Findings))
	a.grades()
	if in.Previous != nil {
		before := *in.Previous
		before.Previous = nil
		a.compare(Build(before))
	}
	a.Pictures = in.Pictures
	a.News = paragraphs(in.News)
	return a
}

// period widens the report's period by times of the data, where none was asked for.
func (a *Assessment) period(in Input, times ...time.Time) {
	for _, t := range times {
		if t.IsZero() {
			continue
		}
		if in.From.IsZero() && (a.From.IsZero() || t.Before(a.From)) {
			a.From = t
		}
		if in.To.IsZero() && t.After(a.To) {
			a.To = t
		}
	}
}

func (a *Assessment) scope(in Input) {
	sites := map[string]bool{}
	for _, s := range in.Sensors {
		s.Name, s.Site = pptx.Clean(s.Name), pptx.Clean(s.Site)
		a.Sensors = append(a.Sensors, s)
		sites[s.Site] = true
		a.period(in, s.First, s.Last)
	}
	slices.SortFunc(a.Sensors, func(x, y Sensor) int {
		return cmp.Or(strings.Compare(x.Site, y.Site), strings.Compare(x.Name, y.Name))
	})
	for _, d := range in.Devices {
		sites[pptx.Clean(d.Site)] = true
	}
	delete(sites, "")
	a.Sites = slices.Sorted(maps.Keys(sites))
	for _, c := range in.Captures {
		c.Path, c.Status, c.Reason = pptx.Clean(c.Path), pptx.Clean(c.Status), pptx.Clean(c.Reason)
		a.Captures = append(a.Captures, c)
		if c.Status != "ok" && c.Status != "known" {
			a.Counts.CapturesFaulty++
		}
		a.period(in, c.First, c.Last)
	}
	slices.SortFunc(a.Captures, func(x, y Capture) int {
		return cmp.Or(x.First.Compare(y.First), strings.Compare(x.Path, y.Path))
	})
	skipped := map[string]int64{}
	for reason, n := range in.Skipped {
		if n > 0 {
			skipped[pptx.Clean(reason)] += n
			a.Counts.Skipped += n
		}
	}
	a.Skipped = shares(skipped)
	a.Counts.Sites, a.Counts.Sensors, a.Counts.Captures = int64(len(a.Sites)), int64(len(a.Sensors)), int64(len(a.Captures))
}

func (a *Assessment) devices(in Input) {
	vendors, roles, systems := map[string]int64{}, map[string]int64{}, map[string]int64{}
	for _, d := range in.Devices {
		for _, s := range []*string{&d.Site, &d.MAC, &d.Vendor, &d.Hostname, &d.OS, &d.Role, &d.Zone} {
			*s = pptx.Clean(*s)
		}
		d.IPs = cleanAll(d.IPs)
		d.Sensors = cleanAll(d.Sensors)
		d.VLANs = slices.Clone(d.VLANs)
		slices.Sort(d.VLANs)
		if d.Role == "" {
			d.Role = "unknown"
		}
		a.Devices = append(a.Devices, d)
		vendors[d.Vendor]++
		roles[d.Role]++
		systems[d.OS]++
		if d.OS != "" {
			a.Counts.DevicesOSKnown++
		}
		if !d.Internet() {
			a.Counts.DevicesOwn++
			switch {
			case !in.HasLedger:
			case d.InLedger:
				a.Counts.DevicesInLedger++
			default:
				a.Counts.DevicesNotInLedger++
			}
		}
		a.period(in, d.First, d.Last)
	}
	slices.SortFunc(a.Devices, func(x, y Device) int {
		return cmp.Or(cmp.Compare(y.Importance, x.Importance), cmp.Compare(y.BytesSent+y.BytesReceived, x.BytesSent+x.BytesReceived),
			strings.Compare(x.Site, y.Site), strings.Compare(x.MAC, y.MAC), slices.Compare(x.IPs, y.IPs), strings.Compare(x.Hostname, y.Hostname))
	})
	a.names = map[siteAddress]*Device{}
	for i := range a.Devices {
		d := &a.Devices[i]
		for _, addr := range append([]string{d.MAC}, d.IPs...) {
			if k := (siteAddress{d.Site, addr}); addr != "" && a.names[k] == nil {
				a.names[k] = d
			}
			if k := (siteAddress{"", addr}); addr != "" && a.names[k] == nil {
				a.names[k] = d
			}
		}
		a.Talkers = append(a.Talkers, Talker{d.Hostname, d.Address(), d.Role, d.Vendor, d.BytesSent, d.BytesReceived, d.BytesSent + d.BytesReceived})
	}
	slices.SortStableFunc(a.Talkers, func(x, y Talker) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.Address, y.Address))
	})
	a.Vendors, a.Roles, a.Systems = shares(vendors), shares(roles), shares(systems)
	delete(vendors, "")
	a.Counts.Devices, a.Counts.Vendors = int64(len(a.Devices)), int64(len(vendors))
}

// Address returns the device's first IP address, or its MAC address where it has none.
func (d *Device) Address() string {
	if len(d.IPs) > 0 {
		return d.IPs[0]
	}
	return d.MAC
}

// Name returns the device's host name, or its address.
func (d *Device) Name() string {
	if d.Hostname != "" {
		return d.Hostname
	}
	return d.Address()
}

// device returns the device that has the address, or nil.
func (a *Assessment) device(site, address string) *Device {
	if d := a.names[siteAddress{site, address}]; d != nil {
		return d
	}
	if site == "" {
		return nil
	}
	return a.names[siteAddress{"", address}]
}

func cleanAll(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = pptx.Clean(s)
	}
	return out
}

// shares returns the counts by name, largest first.
func shares(m map[string]int64) []Share {
	var out []Share
	for name, n := range m {
		out = append(out, Share{name, n})
	}
	slices.SortFunc(out, func(x, y Share) int { return cmp.Or(cmp.Compare(y.Count, x.Count), strings.Compare(x.Name, y.Name)) })
	return out
}

// Buckets that traffic is gathered into: the smallest that gives at most maxBuckets of them.
var bucketSteps = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour, 28 * 24 * time.Hour}

const maxBuckets = 120

func (a *Assessment) traffic(in Input) {
	for _, p := range in.Pairs {
		p.Site, p.Client, p.Server, p.Service = pptx.Clean(p.Site), pptx.Clean(p.Client), pptx.Clean(p.Server), pptx.Clean(p.Service)
		a.Pairs = append(a.Pairs, p)
	}
	slices.SortFunc(a.Pairs, func(x, y Pair) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.Site, y.Site), strings.Compare(x.Client, y.Client), strings.Compare(x.Server, y.Server), strings.Compare(x.Service, y.Service))
	})
	a.Counts.Pairs = int64(len(a.Pairs))
	var first, last time.Time
	for _, t := range in.Traffic {
		if first.IsZero() || t.Start.Before(first) {
			first = t.Start
		}
		if last.IsZero() || t.Start.After(last) {
			last = t.Start
		}
		a.period(in, t.Start)
	}
	if len(in.Traffic) == 0 {
		return
	}
	a.TrafficStep = bucketSteps[len(bucketSteps)-1]
	for _, step := range bucketSteps {
		if last.Sub(first)/step < maxBuckets-1 {
			a.TrafficStep = step
			break
		}
	}
	for last.Sub(first)/a.TrafficStep >= maxBuckets {
		a.TrafficStep *= 2
	}
	start := first.UTC().Truncate(a.TrafficStep)
	a.Traffic = make([]Traffic, int(last.Sub(start)/a.TrafficStep)+1)
	for i := range a.Traffic {
		a.Traffic[i].Start = start.Add(time.Duration(i) * a.TrafficStep)
	}
	for _, t := range in.Traffic {
		b := &a.Traffic[int(t.Start.Sub(start)/a.TrafficStep)]
		b.Packets += t.Packets
		b.Bytes += t.Bytes
	}
}

func (a *Assessment) operations(in Input) {
	type protocolKey struct{ protocol, layer string }
	type end struct{ site, address string }
	type set struct {
		p                           *Protocol
		functions, sources, targets map[string]bool
	}
	protocols := map[protocolKey]*set{}
	ends := map[end]bool{}
	type relation struct{ site, src, dst, protocol, layer string }
	type control struct {
		c         *Control
		functions map[string]bool
	}
	controls := map[relation]*control{}
	functions := map[Function]int64{}
	for _, o := range in.Operations {
		for _, s := range []*string{&o.Site, &o.Layer, &o.Src, &o.Dst, &o.Protocol, &o.Function, &o.FunctionCode, &o.Direction, &o.Class} {
			*s = pptx.Clean(*s)
		}
		a.Operations = append(a.Operations, o)
		a.period(in, o.First, o.Last)
		k := protocolKey{o.Protocol, o.Layer}
		p := protocols[k]
		if p == nil {
			p = &set{&Protocol{Protocol: o.Protocol, Layer: o.Layer, ByClass: map[string]int64{}}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
			protocols[k] = p
		}
		p.p.Messages += o.Count
		p.p.ByClass[o.Class] += o.Count
		a.Counts.Messages += o.Count
		p.functions[o.Function+"\x00"+o.FunctionCode] = true
		ends[end{o.Site, o.Src}], ends[end{o.Site, o.Dst}] = true, true
		if o.Direction == "error" {
			p.p.Errors += o.Count
		}
		if o.Direction != "request" && o.Direction != "none" {
			continue
		}
		functions[Function{o.Protocol, o.Function, o.FunctionCode, o.Class, 0}] += o.Count
		p.sources[o.Src], p.targets[o.Dst] = true, true
		if o.Class == "read" {
			a.Counts.Reads += o.Count
		}
		if o.Class != "write" && o.Class != "control" && o.Class != "cyclic" {
			continue
		}
		r := relation{o.Site, o.Src, o.Dst, o.Protocol, o.Layer}
		c := controls[r]
		if c == nil {
			c = &control{&Control{Site: o.Site, Src: o.Src, Dst: o.Dst, Protocol: o.Protocol, Layer: o.Layer, First: o.First, Last: o.Last}, map[string]bool{}}
			if d := a.device(o.Site, o.Src); d != nil {
				c.c.SrcName, c.c.SrcRole = d.Hostname, d.Role
			}
			if d := a.device(o.Site, o.Dst); d != nil {
				c.c.DstName, c.c.DstRole = d.Hostname, d.Role
			}
			controls[r] = c
		}
		c.functions[o.Function] = true
		if o.First.Before(c.c.First) {
			c.c.First = o.First
		}
		if o.Last.After(c.c.Last) {
			c.c.Last = o.Last
		}
		switch o.Class {
		case "write":
			c.c.Writes += o.Count
			a.Counts.Writes += o.Count
		case "control":
			c.c.Controls += o.Count
			a.Counts.Controls += o.Count
		case "cyclic":
			c.c.Cyclic += o.Count
		}
	}
	for _, p := range protocols {
		p.p.Functions, p.p.Sources, p.p.Targets = int64(len(p.functions)), int64(len(p.sources)), int64(len(p.targets))
		a.Protocols = append(a.Protocols, *p.p)
	}
	slices.SortFunc(a.Protocols, func(x, y Protocol) int {
		return cmp.Or(cmp.Compare(y.Messages, x.Messages), strings.Compare(x.Protocol, y.Protocol), strings.Compare(x.Layer, y.Layer))
	})
	for f, n := range functions {
		f.Messages = n
		a.Functions = append(a.Functions, f)
	}
	slices.SortFunc(a.Functions, func(x, y Function) int {
		return cmp.Or(cmp.Compare(y.Messages, x.Messages), strings.Compare(x.Protocol, y.Protocol), strings.Compare(x.FunctionCode, y.FunctionCode), strings.Compare(x.Function, y.Function), strings.Compare(x.Class, y.Class))
	})
	for _, c := range controls {
		c.c.Functions = slices.Sorted(maps.Keys(c.functions))
		a.Controls = append(a.Controls, *c.c)
	}
	slices.SortFunc(a.Controls, func(x, y Control) int {
		return cmp.Or(cmp.Compare(y.Controls, x.Controls), cmp.Compare(y.Writes, x.Writes), cmp.Compare(y.Cyclic, x.Cyclic),
			strings.Compare(x.Site, y.Site), strings.Compare(x.Src, y.Src), strings.Compare(x.Dst, y.Dst), strings.Compare(x.Protocol, y.Protocol), strings.Compare(x.Layer, y.Layer))
	})
	slices.SortFunc(a.Operations, func(x, y Operation) int {
		return cmp.Or(strings.Compare(x.Layer, y.Layer), strings.Compare(x.Site, y.Site), strings.Compare(x.Protocol, y.Protocol), strings.Compare(x.Src, y.Src), strings.Compare(x.Dst, y.Dst),
			strings.Compare(x.FunctionCode, y.FunctionCode), strings.Compare(x.Function, y.Function), strings.Compare(x.Direction, y.Direction), cmp.Compare(x.Count, y.Count), x.First.Compare(y.First))
	})
	names := map[string]bool{}
	for _, p := range a.Protocols {
		names[p.Protocol] = true
	}
	a.Counts.OTProtocols, a.Counts.OTDevices, a.Counts.ControlRelations = int64(len(names)), int64(len(ends)), int64(len(a.Controls))
}

// explained is the number of alerts that the deck explains; sameKind how many of those may be of one kind and subkind.
const (
	explained = 6
	sameKind  = 2
)

func (a *Assessment) alerts(in Input) {
	counts := map[string]*KindCount{}
	for _, k := range Kinds {
		counts[k] = &KindCount{Kind: k}
	}
	severities := map[string]int64{}
	for _, al := range in.Alerts {
		for _, s := range []*string{&al.ID, &al.Site, &al.Kind, &al.Subkind, &al.Severity, &al.State, &al.SrcIP, &al.SrcMAC, &al.DstIP, &al.DstMAC, &al.Summary, &al.Reason, &al.Action, &al.Technique} {
			*s = pptx.Clean(*s)
		}
		a.Alerts = append(a.Alerts, al)
		a.period(in, al.First, al.Last)
		c := counts[al.Kind]
		if c == nil { // a kind that a newer store has
			c = &KindCount{Kind: al.Kind}
			counts[al.Kind] = c
		}
		c.Total++
		if i := slices.Index(Severities, al.Severity); i >= 0 {
			c.BySeverity[i]++
			if i < 2 {
				a.Counts.AlertsSevere++
			}
		}
		severities[al.Severity]++
		if al.State == "new" {
			a.Counts.AlertsOpen++
		}
	}
	a.Counts.Alerts = int64(len(a.Alerts))
	slices.SortFunc(a.Alerts, func(x, y Alert) int {
		return cmp.Or(cmp.Compare(rank(x.Severity), rank(y.Severity)), cmp.Compare(y.Count, x.Count), x.First.Compare(y.First), strings.Compare(x.ID, y.ID))
	})
	for _, k := range Kinds {
		a.Kinds = append(a.Kinds, *counts[k])
		delete(counts, k)
	}
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		a.Kinds = append(a.Kinds, *counts[k])
	}
	for _, s := range Severities {
		a.AlertsBySeverity = append(a.AlertsBySeverity, Share{s, severities[s]})
	}
	taken := map[string]int{}
	for _, al := range a.Alerts {
		if al.State == "excluded" || al.State == "accepted" {
			continue
		}
		if k := al.Kind + "/" + al.Subkind; len(a.Important) < explained && taken[k] < sameKind {
			taken[k]++
			a.Important = append(a.Important, al)
		}
	}
	for _, d := range in.Detectors {
		d.Kind, d.Mode = pptx.Clean(d.Kind), pptx.Clean(d.Mode)
		if d.Mode == "detecting" {
			a.Counts.Detecting++
		}
		a.Detectors = append(a.Detectors, d)
	}
	slices.SortStableFunc(a.Detectors, func(x, y Detector) int {
		return cmp.Or(cmp.Compare(kindRank(x.Kind), kindRank(y.Kind)), strings.Compare(x.Kind, y.Kind))
	})
}

// rank is a severity's place in Severities; unknown ones come last.
func rank(severity string) int {
	if i := slices.Index(Severities, severity); i >= 0 {
		return i
	}
	return len(Severities)
}

func kindRank(kind string) int {
	if i := slices.Index(Kinds, kind); i >= 0 {
		return i
	}
	return len(Kinds)
}

// internet says whether an address is one of the public internet.
func internet(address string) bool {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	ip = ip.Unmap()
	shared := netip.MustParsePrefix("100.64.0.0/10") // RFC 6598
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !shared.Contains(ip)
}
