package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/observe"
)

// builtinRule is one rule of the built-in detector: a subkind with its
// threshold, window, severity and ATT&CK for ICS technique.
// docs/detection/builtin.md has a row for each; a test holds the two together.
type builtinRule struct {
	sub       string
	threshold int   // what the counted things must reach
	window    int64 // within which, ns; 0: within a minute as it was closed
	severity  Severity
	technique string
	// presence says that what was learned is never told again; else it is told
	// from 2.5 times its learned peak on: a window that was learned half full has twice as much in it later.
	presence bool
	// needs says that nothing is told before something was learned.
	needs bool
	// learnFrom is the count from which on learning keeps it; 0 for the threshold.
	learnFrom int
	// distinct counts different items, not how often.
	distinct bool
}

const (
	sec   = int64(1e9)
	mint  = 60 * sec
	hours = 60 * mint
)

// builtinRules are all of them. The thresholds are the defaults; Settings.BuiltIn overrides.
var builtinRules = []builtinRule{
	// Addressing.
	{sub: "arp-spoof", threshold: 1, severity: High, technique: "T0830", presence: true},
	{sub: "arp-flood", threshold: 20, window: 10 * sec, severity: Medium, technique: "T0814"},
	{sub: "ip-conflict", threshold: 2, window: 10 * mint, severity: Medium, technique: "T0849"},
	{sub: "rogue-dhcp", threshold: 1, severity: High, technique: "T0830", presence: true, needs: true},
	{sub: "dhcp-starvation", threshold: 50, window: mint, severity: Medium, technique: "T0814", distinct: true},
	{sub: "rogue-ra", threshold: 1, severity: High, technique: "T0830", presence: true, needs: true},
	{sub: "internet-out", threshold: 1, severity: Medium, technique: "T0883", presence: true, needs: true},
	{sub: "internet-in", threshold: 1, severity: High, technique: "T0883", presence: true},
	// Scans.
	{sub: "port-scan", threshold: 20, window: mint, severity: High, technique: "T0846", distinct: true},
	{sub: "port-scan-slow", threshold: 50, window: hours, severity: High, technique: "T0846", distinct: true},
	{sub: "host-sweep", threshold: 15, window: mint, severity: High, technique: "T0846", distinct: true},
	{sub: "host-sweep-slow", threshold: 40, window: hours, severity: High, technique: "T0846", distinct: true},
	{sub: "odd-flags", threshold: 3, window: mint, severity: Medium, technique: "T0846"},
	{sub: "probe", threshold: 1, severity: Medium, technique: "T0846", presence: true},
	{sub: "udp-scan", threshold: 15, window: mint, severity: Medium, technique: "T0846", distinct: true},
	{sub: "icmp-sweep", threshold: 20, window: mint, severity: Medium, technique: "T0846", distinct: true},
	{sub: "arp-sweep", threshold: 50, window: mint, severity: Medium, technique: "T0846", distinct: true},
	{sub: "ics-scan", threshold: 3, window: 10 * mint, severity: High, technique: "T0888", distinct: true, learnFrom: 1},
	{sub: "ics-protocols", threshold: 3, window: 10 * mint, severity: High, technique: "T0888", distinct: true, learnFrom: 1},
	{sub: "exception-storm", threshold: 10, window: mint, severity: Medium, technique: "T0888"},
	// Credentials.
	{sub: "brute-ssh", threshold: 10, window: 5 * mint, severity: High, technique: "T0859"},
	{sub: "ssh-burst", threshold: 5, severity: Medium, technique: "T0859"},
	{sub: "brute-rdp", threshold: 10, window: 5 * mint, severity: High, technique: "T0886"},
	{sub: "brute-telnet", threshold: 5, window: 5 * mint, severity: High, technique: "T0812"},
	{sub: "brute-smb", threshold: 10, window: 5 * mint, severity: High, technique: "T0859"},
	{sub: "brute-ftp", threshold: 5, window: 5 * mint, severity: High, technique: "T0812"},
	{sub: "brute-smb-slow", threshold: 20, window: hours, severity: Medium, technique: "T0859"},
	{sub: "brute-ftp-slow", threshold: 20, window: hours, severity: Medium, technique: "T0812"},
	{sub: "brute-http", threshold: 20, window: 5 * mint, severity: High, technique: "T0812"},
	{sub: "ics-password", threshold: 3, window: 10 * mint, severity: High, technique: "T0812"},
	{sub: "cleartext", threshold: 1, severity: Low, technique: "T0842", presence: true},
	{sub: "default-credentials", threshold: 1, severity: Medium, technique: "T0812", presence: true},
	{sub: "password-change", threshold: 1, severity: Medium, technique: "T0892", presence: true},
	// Names and Windows.
	{sub: "name-poisoning", threshold: 3, window: 10 * mint, severity: High, technique: "T0830", distinct: true},
	{sub: "smb-exploit", threshold: 1, severity: Critical, technique: "T0866", presence: true},
	{sub: "smbv1", threshold: 1, severity: Low, technique: "T0866", presence: true},
	{sub: "lateral-transfer", threshold: 1, severity: High, technique: "T0867", presence: true},
	{sub: "dns-tunnel", threshold: 50, window: 10 * mint, severity: High, technique: "T0884", distinct: true},
	{sub: "icmp-tunnel", threshold: 10, window: mint, severity: High, technique: "T0884"},
	{sub: "dga", threshold: 20, window: 10 * mint, severity: High, technique: "T0869", distinct: true},
	{sub: "beacon", threshold: 20, severity: High, technique: "T0885", presence: true},
	{sub: "remote-access", threshold: 1, severity: Medium, technique: "T0886", presence: true, needs: true},
	// Denial of service.
	{sub: "syn-flood", threshold: 200, severity: High, technique: "T0814"},
	{sub: "packet-flood", threshold: 5000, severity: High, technique: "T0814"},
	{sub: "request-flood", threshold: 500, severity: High, technique: "T0814"},
	{sub: "open-connections", threshold: 30, severity: High, technique: "T0814"},
	{sub: "malformed", threshold: 10, window: mint, severity: Medium, technique: "T0814"},
	{sub: "broadcast-storm", threshold: 1000, severity: High, technique: "T0814"},
	{sub: "silent-device", threshold: 5, severity: Medium, technique: "T0826", needs: true},
	// Controllers.
	{sub: "plc-mode", threshold: 1, severity: High, technique: "T0858", presence: true},
	{sub: "plc-restart", threshold: 1, severity: High, technique: "T0816", presence: true},
	{sub: "program-download", threshold: 1, severity: High, technique: "T0843", presence: true},
	{sub: "program-upload", threshold: 1, severity: Medium, technique: "T0845", presence: true},
	{sub: "logic-change", threshold: 1, severity: High, technique: "T0821", presence: true},
	{sub: "firmware", threshold: 1, severity: Critical, technique: "T0857", presence: true},
	{sub: "time-change", threshold: 1, severity: Medium, technique: "T0836", presence: true},
	{sub: "force", threshold: 1, severity: High, technique: "T0835", presence: true},
	{sub: "log-clear", threshold: 1, severity: Medium, technique: "T0872", presence: true},
	{sub: "network-setting", threshold: 1, severity: High, technique: "T0836", presence: true},
	{sub: "new-write", threshold: 1, severity: Medium, technique: "T0836", presence: true, needs: true},
	{sub: "new-control", threshold: 1, severity: High, technique: "T0855", presence: true, needs: true},
	{sub: "rogue-master", threshold: 1, severity: High, technique: "T0848", presence: true, needs: true},
	{sub: "goose-replay", threshold: 1, severity: High, technique: "T0856", presence: true},
	{sub: "goose-source", threshold: 1, severity: High, technique: "T0856", presence: true},
	{sub: "write-storm", threshold: 30, window: mint, severity: High, technique: "T0806", learnFrom: 1},
	{sub: "mass-read", threshold: 10, window: mint, severity: Low, technique: "T0861", presence: true, needs: true, learnFrom: 1},
	// What was told or heard before.
	{sub: "identity-change", threshold: 1, severity: High, technique: "T0857", presence: true, needs: true},
	{sub: "cyclic-pace", threshold: 50, severity: Medium, technique: "T0831", needs: true},
	{sub: "cyclic-silent", threshold: 5, severity: Medium, technique: "T0826", needs: true},
}

// SubManyBuiltIn stands for many findings of one subkind of one source.
const SubManyBuiltIn = "many-builtin"

// slowSuffix ends the name of the rule that finds over an hour what another finds in a minute.
const slowSuffix = "-slow"

// Items of built-in rows that are no subkind.
const (
	ItemHeard     = "heard"      // Src was heard in at least 60 minutes; Hi: its longest silence, minutes
	ItemIdentity  = "identity"   // Src told what Proto says
	ItemCyclicMin = "cyclic-min" // Hi: the fewest messages a minute of the channel (Src, Dst, Proto "protocol code")
	ItemCyclicMax = "cyclic-max" // Hi: the most
	ItemCyclicGap = "cyclic-gap" // Hi: its longest silence, minutes
)

// Limits of memory.
const (
	maxWindows = 65536 // windows over time, of all rules; beyond it the quietest are let go
	maxEntries = 4096  // things in one window; beyond it the oldest are let go
	maxTracked = 65536 // devices, channels, bindings, beacons, each
	builtinHi  = math.MaxUint16
)

// BuiltInSetting overrides the rule of one subkind: "" and 0 leave it.
type BuiltInSetting struct {
	Threshold int
	Window    int64 // ns
	Severity  Severity
	Off       bool
}

// BuiltInPrefix begins the keys of the store's settings for built-in rules:
// "built-in.SUBKIND" with a value such as "threshold=30 window=120s severity=low" or "off".
const BuiltInPrefix = "built-in."

// ParseBuiltIn reads the settings of built-in rules out of all settings; others are passed
// over. It names the first that is none.
func ParseBuiltIn(settings map[string]string) (map[string]BuiltInSetting, error) {
	var out map[string]BuiltInSetting
	keys := make([]string, 0, len(settings))
	for k := range settings {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		sub, ok := strings.CutPrefix(k, BuiltInPrefix)
		if !ok {
			continue
		}
		i := slices.IndexFunc(builtinRules, func(r builtinRule) bool { return r.sub == sub })
		if i < 0 {
			return out, fmt.Errorf("setting %q: there is no built-in rule %q", k, sub)
		}
		var s BuiltInSetting
		for word := range strings.FieldsSeq(settings[k]) {
			name, value, _ := strings.Cut(word, "=")
			bad := fmt.Errorf("setting %q: %q: want threshold=N, window=Ns, severity=low|medium|high|critical or off", k, word)
			switch name {
			case "off":
				s.Off = true
			case "threshold":
				n, err := strconv.Atoi(value)
				if err != nil || n < 1 {
					return out, bad
				}
				s.Threshold = n
			case "window":
				n, err := strconv.ParseInt(strings.TrimSuffix(value, "s"), 10, 32)
				if err != nil || n < 1 || n > 3600 || builtinRules[i].window == 0 {
					return out, bad
				}
				s.Window = n * sec
			case "severity":
				if !slices.Contains(Severities, Severity(value)) {
					return out, bad
				}
				s.Severity = Severity(value)
			default:
				return out, bad
			}
		}
		if out == nil {
			out = map[string]BuiltInSetting{}
		}
		out[sub] = s
	}
	return out, nil
}

// BuiltInSubkinds are the subkinds of the built-in detector, in the order of its documentation.
func BuiltInSubkinds() []string {
	out := make([]string, len(builtinRules))
	for i := range builtinRules {
		out[i] = builtinRules[i].sub
	}
	return out
}

// BuiltInRule is a rule as settings leave it.
type BuiltInRule struct {
	Subkind   string
	Threshold int
	Window    int64 // ns; 0: within a minute
	Severity  Severity
	Technique string
}

// BuiltInRules are all rules with settings applied, in the order of the documentation. A rule that is off
// has its threshold still.
func BuiltInRules(settings map[string]BuiltInSetting) []BuiltInRule {
	out := make([]BuiltInRule, len(builtinRules))
	for i, r := range builtinRules {
		r.apply(settings[r.sub])
		out[i] = BuiltInRule{r.sub, r.threshold, r.window, r.severity, r.technique}
	}
	return out
}

// apply overrides what s names.
func (r *builtinRule) apply(s BuiltInSetting) {
	if s.Threshold != 0 {
		r.threshold = s.Threshold
	}
	if s.Window != 0 {
		r.window = s.Window
	}
	if s.Severity != "" {
		r.severity = s.Severity
	}
}

// builtin is the detector of built-in rules (D1-9). It works on minutes alone;
// what it learned are the findings that came while it learned, with their peaks.
type builtin struct {
	cfg     *Config
	devices *devices
	rules   []builtinRule
	index   map[string]uint8

	known map[builtinKey]*entry
	wild  []builtinRow
	// who are the learned sources of (subkind, destination, what): alerts name them.
	who map[builtinKey][]string
	n   int

	windows map[windowKey]*window
	obs     []observation
	hits    []hit
	dropped uint64
	state   builtinState
}

// builtinKey is a learned row's key. A zero address is none.
type builtinKey struct {
	src, dst    decode.Addr
	extra, item string
}

// builtinRow is a row with patterns.
type builtinRow struct {
	src, dst    pattern
	extra, item string
	hi          uint16
}

func newBuiltin(cfg *Config, d *devices) *builtin {
	b := &builtin{cfg: cfg, devices: d, windows: map[windowKey]*window{}, index: map[string]uint8{}}
	b.state.init()
	for i := range builtinRules {
		b.index[builtinRules[i].sub] = uint8(i)
	}
	b.configure()
	b.load(nil)
	return b
}

// configure takes the settings over.
func (b *builtin) configure() {
	b.rules = slices.Clone(builtinRules)
	for i := range b.rules {
		r := &b.rules[i]
		s := b.cfg.Settings.BuiltIn[r.sub]
		r.apply(s)
		if s.Off {
			r.threshold = math.MaxInt
		}
	}
}

func (b *builtin) kind() Kind { return BuiltIn }
func (b *builtin) rows() int  { return b.n }

func parseBuiltin(r *Row) (builtinRow, error) {
	x := builtinRow{extra: r.Proto, item: r.Item, hi: r.Hi}
	known := slices.Contains([]string{ItemHeard, ItemIdentity, ItemCyclicMin, ItemCyclicMax, ItemCyclicGap}, r.Item) ||
		slices.ContainsFunc(builtinRules, func(rule builtinRule) bool { return rule.sub == r.Item })
	if !known {
		return x, fmt.Errorf("item %q is no built-in subkind", r.Item)
	}
	var err error
	one := func(s string) (pattern, error) {
		if s == "" {
			return pattern{}, nil
		}
		return parsePattern(s)
	}
	if x.src, err = one(r.Src); err != nil {
		return x, err
	}
	x.dst, err = one(r.Dst)
	return x, err
}

func (b *builtin) load(rows []Row) {
	b.known, b.who, b.wild, b.n = map[builtinKey]*entry{}, map[builtinKey][]string{}, nil, 0
	for i := range rows {
		r, err := parseBuiltin(&rows[i])
		if err != nil {
			continue
		}
		b.n++
		if !r.src.exact() || !r.dst.exact() || r.extra == Any {
			if r.hi == 0 {
				r.hi = builtinHi
			}
			b.wild = append(b.wild, r)
			continue
		}
		b.add(builtinKey{r.src.end, r.dst.end, r.extra, r.item}, &entry{Row: rows[i]})
	}
	b.state.load(b)
}

func (b *builtin) add(k builtinKey, e *entry) {
	b.known[k] = e
	w := builtinKey{dst: k.dst, extra: k.extra, item: k.item}
	if len(b.who[w]) <= sampleSize {
		b.who[w] = append(b.who[w], e.Src)
	}
}

func builtinEnd(a decode.Addr) string {
	if a.IsZero() {
		return ""
	}
	return endText(a)
}

// learned is the peak that was learned of k, -1 for none.
func (b *builtin) learned(k builtinKey) int {
	peak := -1
	if e := b.known[k]; e != nil {
		if peak = int(e.Hi); e.Origin == Hand && peak == 0 {
			peak = builtinHi // by hand, whatever its number
		}
	}
	for i := range b.wild {
		w := &b.wild[i]
		if w.item == k.item && (w.extra == Any || w.extra == "" || w.extra == k.extra) &&
			(w.src == pattern{} || w.src.match(k.src)) && (w.dst == pattern{} || w.dst.match(k.dst)) {
			peak = max(peak, int(w.hi))
		}
	}
	return peak
}

// teach keeps seen under k where it is new or a new peak.
func (b *builtin) teach(v *view, k builtinKey, seen int, changes *[]Change) {
	e := b.known[k]
	hi := uint16(min(seen, builtinHi))
	switch {
	case e == nil:
		if b.n >= maxRows {
			b.dropped++
			return
		}
		e = &entry{Row: Row{Src: builtinEnd(k.src), Dst: builtinEnd(k.dst), Proto: k.extra, Item: k.item, Origin: Learned, Hi: hi}}
		b.add(k, e)
		b.n++
	case e.Hi < hi && e.Origin != Hand:
		e.Hi = hi
	default:
		return
	}
	if e.teach(v) {
		*changes = append(*changes, e.change())
	} else if e.Origin != Hand { // again in this minute
		i := slices.IndexFunc(*changes, func(c Change) bool { return c.of == &e.Row })
		if i >= 0 {
			(*changes)[i].Row = e.Row
		}
	}
}

// observation is something that a rule counts.
type observation struct {
	windowKey
	item     uint64 // what distinct rules tell apart
	n        uint32
	t, last  int64
	ref      observe.FrameRef
	srcMAC   decode.MAC
	dstMAC   decode.MAC
	srcIP    decode.Addr // for the alert, where they are not src and dst
	dstIP    decode.Addr
	function string   // of an operation, for the alert
	severity Severity // "" for the rule's
}

type windowKey struct {
	src, dst decode.Addr
	extra    string // what is part of the alert's key besides the two
	rule     uint8
}

// hit is a rule's count that reached where learning or telling begins.
type hit struct {
	windowKey
	seen           int
	n              uint64 // of this minute
	first, last    int64
	ref            observe.FrameRef
	srcMAC, dstMAC decode.MAC
	srcIP, dstIP   decode.Addr // for the alert, where they are not src and dst
	function       string
	severity       Severity // "" for the rule's
	judged         bool     // what was learned was heeded before
	threshold      int      // where it is not the rule's
	learned        string   // "" for the peak or the learned sources
}

// see notes something to be counted.
func (b *builtin) see(sub string, src, dst decode.Addr, extra string, item uint64, n uint64, t, last int64, ref observe.FrameRef) *observation {
	b.obs = append(b.obs, observation{windowKey: windowKey{src, dst, extra, b.index[sub]}, item: item, n: uint32(min(n, math.MaxUint32)), t: t, last: last, ref: ref})
	return &b.obs[len(b.obs)-1]
}

// window counts what came within a rule's time.
type window struct {
	entries []windowEntry
	items   map[uint64]int32 // of distinct rules: entries of each
	sum     int
	newest  int64
}

type windowEntry struct {
	t    int64
	item uint64
	n    uint32
}

func (w *window) drop(n int) {
	for _, e := range w.entries[:n] {
		w.sum -= int(e.n)
		if w.items != nil {
			if w.items[e.item]--; w.items[e.item] <= 0 {
				delete(w.items, e.item)
			}
		}
	}
	w.entries = append(w.entries[:0], w.entries[n:]...)
}

// count adds o and gives what the window then holds.
func (w *window) count(o *observation, length int64, distinct bool) int {
	w.newest = max(w.newest, o.last)
	if distinct && w.items == nil {
		w.items = map[uint64]int32{}
	}
	// Entries stand in the order of t; a late part's go where they belong.
	i := len(w.entries)
	for i > 0 && w.entries[i-1].t > o.t {
		i--
	}
	w.entries = slices.Insert(w.entries, i, windowEntry{o.t, o.item, o.n})
	w.sum += int(o.n)
	if distinct {
		w.items[o.item]++
	}
	old := 0
	for old < len(w.entries) && w.entries[old].t <= w.newest-length {
		old++
	}
	w.drop(max(old, len(w.entries)-maxEntries))
	if distinct {
		return len(w.items)
	}
	return w.sum
}

// settle turns what was seen in the minute into hits.
func (b *builtin) settle() {
	order := make([]int32, len(b.obs)) // an observation is large to move
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(i, j int32) int {
		x, y := &b.obs[i], &b.obs[j]
		if x.rule != y.rule {
			return int(x.rule) - int(y.rule)
		}
		if c := x.src.Compare(y.src); c != 0 {
			return c
		}
		if c := x.dst.Compare(y.dst); c != 0 {
			return c
		}
		if c := strings.Compare(x.extra, y.extra); c != 0 {
			return c
		}
		switch {
		case x.t != y.t:
			if x.t < y.t {
				return -1
			}
			return 1
		case x.item < y.item:
			return -1
		case x.item > y.item:
			return 1
		}
		return int(i) - int(j)
	})
	obs := make([]observation, len(order))
	for k, i := range order {
		obs[k] = b.obs[i]
	}
	for i := 0; i < len(obs); {
		j := i + 1
		for j < len(obs) && obs[j].windowKey == obs[i].windowKey {
			j++
		}
		b.group(obs[i:j])
		i = j
	}
	clear(b.obs)
	b.obs = b.obs[:0]
}

// group counts what one window saw in the minute.
func (b *builtin) group(all []observation) {
	r := &b.rules[all[0].rule]
	h := hit{windowKey: all[0].windowKey, first: all[0].t, last: all[0].last, ref: all[0].ref, function: all[0].function, severity: all[0].severity,
		srcMAC: all[0].srcMAC, dstMAC: all[0].dstMAC, srcIP: all[0].srcIP, dstIP: all[0].dstIP}
	var w *window
	if r.window != 0 {
		if w = b.windows[h.windowKey]; w == nil {
			if len(b.windows) >= maxWindows {
				b.dropped++
				return
			}
			w = &window{}
			b.windows[h.windowKey] = w
		}
	}
	sum := 0
	for i := range all {
		o := &all[i]
		h.n += uint64(o.n)
		h.last = max(h.last, o.last)
		sum += int(o.n)
		got := sum
		if w != nil {
			got = w.count(o, r.window, r.distinct)
		}
		h.seen = max(h.seen, got)
	}
	b.hit(h)
}

func (b *builtin) hit(h hit) {
	r := &b.rules[h.rule]
	from := r.threshold
	if r.learnFrom != 0 {
		from = min(from, r.learnFrom)
	}
	if h.seen >= from {
		b.hits = append(b.hits, h)
	}
}

// tidy lets go of windows in which nothing can count any more.
func (b *builtin) tidy(now int64) {
	for k, w := range b.windows {
		if w.newest+b.rules[k.rule].window < now {
			delete(b.windows, k)
		}
	}
}

// look reads a minute into b.hits.
func (b *builtin) look(v *view) {
	b.hits, b.dropped = b.hits[:0], 0
	b.traffic(v)
	b.events(v)
	b.operations(v)
	b.settle()
	if v.stamp%10 == 0 {
		b.tidy(v.m.Start)
	}
}

func (b *builtin) warm(v *view) {
	b.look(v)
	b.state.track(b, v, v.relearn, nil)
	b.hits = b.hits[:0]
}

// row is the key of the row that learning makes of h.
func (b *builtin) row(h *hit) builtinKey {
	return builtinKey{h.src, h.dst, h.extra, b.rules[h.rule].sub}
}

func (b *builtin) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	b.look(v)
	b.state.track(b, v, true, &changes)
	for i := range b.hits {
		if h := &b.hits[i]; !h.judged {
			b.teach(v, b.row(h), h.seen, &changes)
		}
	}
	return changes, b.dropped
}

func (b *builtin) inspect(v *view) []finding {
	b.look(v)
	b.state.track(b, v, false, nil)
	var found []finding
	for i := range b.hits {
		h := &b.hits[i]
		r := &b.rules[h.rule]
		if h.seen < r.threshold || r.needs && b.n == 0 {
			continue
		}
		peak := -1
		if !h.judged {
			peak = b.learned(b.row(h))
		}
		usual := peak
		if peak > 0 && r.distinct { // only of rules that are learned below their threshold is it less
			usual = max(peak, r.threshold)
		}
		if peak >= 0 && (r.presence || peak >= builtinHi || 2*h.seen <= 5*usual) {
			continue
		}
		fd := b.tell(v, h, peak)
		if fast, ok := strings.CutSuffix(r.sub, slowSuffix); ok {
			// What the fast rule says is not said again.
			if slices.ContainsFunc(found, func(f finding) bool { return f.subkind == fast && f.key[len(fast):] == fd.key[len(r.sub):] }) {
				continue
			}
			fd.unless[0] = fast + fd.key[len(r.sub):]
		}
		found = append(found, fd)
	}
	return found
}

// windowText is a rule's window for people.
func windowText(ns int64) string {
	if ns == 0 {
		ns = mint
	}
	if ns%mint == 0 && ns > mint {
		return strconv.FormatInt(ns/mint, 10) + " min"
	}
	return strconv.FormatInt(ns/sec, 10) + " s"
}

// tell makes the finding of a hit.
func (b *builtin) tell(v *view, h *hit, peak int) finding {
	r := &b.rules[h.rule]
	f := finding{subkind: r.sub, severity: r.severity, technique: r.technique, first: h.first, last: h.last, count: h.n, ref: h.ref}
	if h.severity != "" {
		f.severity = h.severity
	}
	src, dst := builtinEnd(h.src), builtinEnd(h.dst)
	fill := func(a, own decode.Addr, mac decode.MAC, ip, macText *string) {
		if !own.IsZero() {
			a = own
		}
		switch {
		case a.IsMAC():
			mac = a.MAC()
		case a == internetEnd:
			*ip = ""
		case !a.IsZero():
			*ip = a.String()
			if mac == 0 {
				mac = v.owner[a]
			}
		}
		*macText = mac.String()
	}
	fill(h.src, h.srcIP, h.srcMAC, &f.srcIP, &f.srcMAC)
	fill(h.dst, h.dstIP, h.dstMAC, &f.dstIP, &f.dstMAC)
	extra := strings.ReplaceAll(h.extra, "|", "/")
	f.key = strings.Join([]string{r.sub, src, dst, extra}, "|")
	learned, threshold := or(h.learned, "–"), r.threshold
	if h.threshold != 0 {
		threshold = h.threshold
	}
	switch {
	case h.learned != "":
	case peak >= 0 && !r.presence:
		learned = strconv.Itoa(peak)
	case r.presence:
		learned = list(b.who[builtinKey{dst: h.dst, extra: h.extra, item: r.sub}], func(s string) string { return s })
	}
	if src == "" {
		src = or(f.srcIP, f.srcMAC)
	}
	whole := src // floods are of all the internet together
	// Who of the internet it was, people want to read.
	if src == Internet {
		src = or(f.srcIP, src)
	}
	if dst == Internet {
		dst = or(f.dstIP, dst)
	}
	f.args = []Arg{{"src", or(src, "–")}, {"dst", or(dst, or(f.dstIP, "–"))}, {"what", or(h.extra, "–")}, {"function", or(h.function, or(h.extra, "–"))},
		{argSeen, strconv.Itoa(h.seen)}, {"threshold", strconv.Itoa(threshold)}, {"window", windowText(r.window)}, {"learned", learned}}
	f.groups[0] = group{many: SubManyBuiltIn, name: r.sub + "~" + whole, sample: strings.TrimSpace(dst + " " + h.extra), learned: strconv.Itoa(b.n),
		minute: floodMinute, limit: floodMinute, severity: worse(r.severity, Medium), technique: r.technique}
	return f
}

// acceptBuiltin is the row that makes an alert normal, whatever its number; the parts of its key are subkind,
// source, destination and what.
func acceptBuiltin(p []string, row func(src, dst, proto, item string) Row) []Row {
	if len(p) != 4 {
		return nil
	}
	item, hi := p[0], builtinHi
	switch p[0] {
	case "identity-change":
		item = ItemIdentity
	case "silent-device":
		item = ItemHeard
	case "cyclic-silent":
		item = ItemCyclicGap
	case "cyclic-pace":
		item, hi = ItemCyclicMin, 0 // below 10 messages a minute nothing is told
	}
	r := row(p[1], p[2], p[3], item)
	r.Hi = uint16(hi)
	rows := []Row{r}
	// The slow rule says nothing while the fast one does: what is accepted of the one would be told by the other.
	if slow := item + slowSuffix; slices.Contains(BuiltInSubkinds(), slow) {
		r.Item = slow
		rows = append(rows, r)
	}
	return rows
}
