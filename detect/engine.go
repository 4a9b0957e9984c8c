package detect

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
)

// Limits of memory and the flood rule (docs/detection/README.md states them).
const (
	// Life is how long (packet time, ns) an alert may be quiet and still grow;
	// the same finding after that is a new alert.
	Life = int64(24 * 3600e9)
	// maxOpen is the most alerts that are kept to grow; beyond it the ones
	// that are quiet longest are let go.
	maxOpen = 100_000
	// maxRows is the most learned rows of one list; beyond it nothing new is learned.
	maxRows = 500_000
	// floodMinute: more new findings than this of one source (or to one
	// destination) in one minute are one alert.
	floodMinute = 20
	// floodPair: more new services than this of one source at one destination in one minute are one alert.
	floodPair = 5
	// floodHold is how long after such an alert further new findings of the
	// same source go into it, ns.
	floodHold = int64(600e9)
	// sampleSize is how many of them the alert names.
	sampleSize = 5
)

// Config of an Engine.
type Config struct {
	// Site and Sensor that the minutes are of; alerts and learned rows carry them.
	Site, Sensor string
	// Force is Learning or Detecting for `learn PATH` and `detect PATH`: what all
	// built detectors do whatever their status says, which keeps its mode.
	// "" lets each detector's status decide.
	Force Mode
	// Stored says that the minutes are the store's: what an alert counts of them already is not counted again.
	Stored   bool
	Settings Settings
	// Captures are the store's ids of the run's captures, by observe.FrameRef.Capture.
	// Where it is too short, the FrameRef's own number is taken as the id.
	Captures []int64
}

// Settings that the user can change; the zero value is the default.
type Settings struct {
	// InternetEach learns and tells public addresses one by one; else all are "internet".
	InternetEach bool
	// Internal says which public addresses are used inside; nil for none.
	Internal func(decode.Addr) bool
	// Order learns and tells which control function follows which, where the minutes say it.
	Order bool
	// BuiltIn overrides built-in rules by subkind: see ParseBuiltIn.
	BuiltIn map[string]BuiltInSetting
	// Exclusions silence findings.
	Exclusions []Exclusion
	// Flags of the ledger explain findings or make them worse.
	Flags []Flag
	// EOL is the table of ends of support; nil for the one built in.
	EOL *EOL
	// AsOf is the time (ns) that support is judged at; 0 for that of the packets.
	AsOf int64
}

// Exclusion silences the findings of a detector: of one source, one subkind, or both. "" stands for any.
type Exclusion struct {
	Kind Kind
	Site string
	Src  string // an address, a MAC or a prefix
	Item string // the subkind; of signatures their id
}

// Result is what one minute gave.
type Result struct {
	// Alerts that are new or grew, each whole as it now is, by kind and key.
	Alerts []Alert
	// Changes to the learned lists, to be saved with the minute, in order: see the type Changes. They are good until
	// the engine is given another minute.
	Changes []Change
	// Statuses that changed.
	Statuses []Status
	// Dropped counts what the caps of this package let go in this minute: rows
	// not learned, alerts forgotten (they no longer grow).
	Dropped uint64
}

// Engine runs all detectors of one sensor over its minutes. It is not for
// concurrent use.
type Engine struct {
	cfg       Config
	statuses  []Status // in the order of Kinds
	detectors []detector
	devices   *devices // also a detector; others ask it which addresses are one device

	excluded map[Kind][]exclusion
	flags    map[string][]*Flag // of the ledger, by address and MAC

	open  map[openKey]*Alert
	told  map[*Alert][2]int64 // First and Last of alerts that were there before a run over stored minutes
	count map[groupKey]int    // open single alerts by kind and group
	stamp uint64              // number of minutes taken

	changes []Change // of the newest minute; the memory is used again
}

// openKey is what makes two findings the same alert.
type openKey struct {
	kind Kind
	key  string
}

// detector is one kind's learn and inspect; baseline and list are its own.
type detector interface {
	kind() Kind
	// load replaces the baseline; rows that cannot be read are left out.
	load(rows []Row)
	// learn adds what v shows to the baseline, and what of that is to be saved to changes: in any order but that a removal of
	// a row is before its addition. dropped counts what the cap kept out.
	learn(v *view, changes []Change) (_ []Change, dropped uint64)
	// inspect tells what v shows that the baseline does not have.
	inspect(v *view) []finding
	// rows is the number of rows of the baseline.
	rows() int
}

// newDetectors is the registry: one line a detector that this version has. The
// devices come first because the others ask them.
func newDetectors(cfg *Config, d *devices) []detector {
	return []detector{
		d,
		newCommunications(cfg, d),
		newFunctions(OTIP, cfg, d),
		newFunctions(OTEthernet, cfg, d),
		newVolumes(cfg),
		newBehaviour(cfg),
		newVulnerable(cfg, d),
		newBuiltin(cfg, d),
	}
}

// Built says whether this version has the detector of a kind; the others stay
// off whatever their status says.
func Built(kind Kind) bool {
	switch kind {
	case ConnectedDevice, VulnerableDevice, IPCommunication, IPVolume, IPStatistics, OTIP, OTEthernet, BuiltIn:
		return true
	}
	return false
}

// NewEngine makes an Engine. statuses are those stored (missing kinds are off),
// rows the learned rows of all lists and sites, open the stored alerts of this
// sensor whose Last is within Life of what comes next (more do no harm).
func NewEngine(cfg Config, statuses []Status, rows []Row, open []Alert) *Engine {
	e := &Engine{cfg: cfg, open: map[openKey]*Alert{}, count: map[groupKey]int{}}
	e.devices = newDevices(&e.cfg)
	e.detectors = newDetectors(&e.cfg, e.devices)
	e.SetStatuses(statuses)
	e.SetExclusions(cfg.Settings.Exclusions)
	e.SetFlags(cfg.Settings.Flags)
	for _, d := range e.detectors {
		e.Reload(d.kind(), rows)
	}
	for _, a := range open {
		if a.Site != cfg.Site || a.Sensor != cfg.Sensor {
			continue
		}
		k := openKey{a.Kind, a.Key}
		if old := e.open[k]; old == nil || old.Last < a.Last {
			e.keep(k, new(cloneAlert(&a)))
		}
	}
	if cfg.Stored {
		e.told = map[*Alert][2]int64{}
		for _, a := range e.open {
			e.told[a] = [2]int64{a.First, a.Last}
		}
	}
	return e
}

// Reload replaces the learned rows of one list: another process edited it.
// Rows of other lists and sites in rows are left out.
func (e *Engine) Reload(kind Kind, rows []Row) {
	for i, d := range e.detectors {
		if d.kind() != kind {
			continue
		}
		var own []Row
		for _, r := range rows {
			if r.List == kind && (r.Site == e.cfg.Site || r.Site == Any) {
				own = append(own, r)
			}
		}
		d.load(own)
		e.status(e.detectors[i].kind()).Rows = d.rows()
	}
}

// SetStatuses replaces the detectors' statuses: another process changed modes.
func (e *Engine) SetStatuses(statuses []Status) {
	e.statuses = e.statuses[:0]
	for _, k := range Kinds {
		s := Status{Kind: k, Mode: Off}
		for _, given := range statuses {
			if given.Kind == k && Built(k) {
				s = given
			}
		}
		if s.Mode == "" {
			s.Mode = Off
		}
		e.statuses = append(e.statuses, s)
	}
	for _, d := range e.detectors {
		e.status(d.kind()).Rows = d.rows()
	}
}

// Statuses are all nine, in the order of Kinds.
func (e *Engine) Statuses() []Status { return slices.Clone(e.statuses) }

func (e *Engine) status(k Kind) *Status { return &e.statuses[slices.Index(Kinds, k)] }

// warmer is a detector with windows longer than a minute.
type warmer interface {
	// warm takes a minute into the windows, learning and telling nothing.
	warm(v *view)
}

// Warm shows the engine a minute that only fills windows: it learns nothing and
// raises nothing.
func (e *Engine) Warm(m *observe.Minute) { e.warm(m, false) }

// Again shows the engine a minute of its own run that was committed before the run was cut
// off: as Warm, but what the minute counted towards learning counts.
func (e *Engine) Again(m *observe.Minute) { e.warm(m, true) }

func (e *Engine) warm(m *observe.Minute, again bool) {
	e.stamp++
	v := newView(m, &e.cfg, e.stamp)
	for _, d := range e.detectors {
		if w, ok := d.(warmer); ok {
			v.relearn = again && (e.cfg.Force == Learning || e.cfg.Force == "" && e.status(d.kind()).Mode == Learning)
			w.warm(v)
		}
	}
}

// Know tells the engine what devices of its site and sensor told of themselves before the first minute that it is given.
func (e *Engine) Know(facts []inventory.Fact) {
	for _, d := range e.detectors {
		if d, ok := d.(*vulnerable); ok {
			for i := range facts {
				d.before = append(d.before, facts[i].Fact)
			}
		}
	}
}

// Minute learns from or inspects one minute, as each detector's mode says. Late
// parts and older minutes are taken like others. m is not kept.
func (e *Engine) Minute(m *observe.Minute) Result {
	e.stamp++
	v := newView(m, &e.cfg, e.stamp)
	before := slices.Clone(e.statuses)
	e.changes = e.changes[:0]
	var r Result
	for _, d := range e.detectors {
		s := e.status(d.kind())
		switch e.mode(s, m.Start) {
		case Learning:
			n := len(e.changes)
			var dropped uint64
			e.changes, dropped = d.learn(v, e.changes)
			for i := range e.changes[n:] {
				row := &e.changes[n+i].Row
				row.List, row.Site = d.kind(), e.cfg.Site
			}
			r.Dropped += dropped
		case Detecting:
			r.Alerts = append(r.Alerts, e.raise(d.kind(), d.inspect(v))...)
		}
		s.Rows = d.rows()
	}
	r.Changes = e.changes
	r.Dropped += e.forget(m.Start)
	for i := range e.statuses {
		if e.statuses[i] != before[i] {
			r.Statuses = append(r.Statuses, e.statuses[i])
		}
	}
	return r
}

// mode is what the detector of s does in the minute that starts at start; it
// moves s on from learning to detecting.
func (e *Engine) mode(s *Status, start int64) Mode {
	if e.cfg.Force != "" {
		return e.cfg.Force
	}
	if s.Mode == Learning && s.Until < 0 { // that long from the first minute on
		s.Until = start - s.Until
	}
	if s.Mode == Learning && s.Until != 0 && start >= s.Until {
		s.Mode, s.Since, s.Until = Detecting, start, 0
	}
	if s.Mode != Off && s.Since == 0 {
		s.Since = start
	}
	return s.Mode
}

// finding is one thing that a detector says of one minute.
type finding struct {
	subkind                      string
	key                          string // without site and sensor
	severity                     Severity
	first, last                  int64
	count                        uint64
	srcIP, srcMAC, dstIP, dstMAC string
	technique                    string
	args                         []Arg
	ref                          observe.FrameRef
	// unless are keys (as key) of alerts that, where one is open, say this already; "" for none.
	unless [2]string
	// groups under which a flood of findings becomes one alert, tried in
	// order. A group without many is none.
	groups [3]group
}

// group is a set of findings that become one alert when there are too many.
type group struct {
	many      string   // subkind of the one alert; "" for none
	name      string   // what they have in common, with many the alert's key
	sample    string   // how this finding is named in the alert
	learned   string   // what the alert says was learned of what they have in common
	minute    int      // the most new findings in a minute that are told each
	limit     int      // open single alerts of the group from which on new ones are aggregated
	severity  Severity // of the one alert
	technique string
}

// groupKey counts open single alerts: those that carry (kind, many, name).
type groupKey struct {
	kind       Kind
	many, name string
}

// Arguments that the engine itself reads back from stored alerts.
const (
	argNumber = "number" // of an alert that stands for many: the most in one minute
	argSeen   = "seen"   // of a built-in alert: the most that was counted
	argSample = "sample"
	argGroup  = "group" // of a single alert: its groups, so that a restarted engine counts alike
)

// raise turns the findings of one minute into alerts: those of this minute,
// new or grown, in the order of their keys.
func (e *Engine) raise(kind Kind, found []finding) []Alert {
	found = e.distinct(kind, e.explain(kind, e.admit(kind, found)))
	for i := range len(finding{}.groups) {
		found = e.aggregate(kind, found, i)
	}
	touched := map[openKey]bool{}
	for i := range found {
		f := &found[i]
		k := e.openKey(kind, f.key)
		touched[k] = true
		a := e.alive(k, f.first, f.last)
		if a == nil {
			a = e.newAlert(k, f)
			e.keep(k, a)
		} else if t, ok := e.told[a]; ok && t[0] <= f.first && f.last <= t[1] {
			continue // these minutes were inspected before: it is counted
		} else {
			grow(a, f)
		}
		e.addRef(a, f)
	}
	var out []Alert
	for k := range touched {
		out = append(out, cloneAlert(e.open[k]))
	}
	slices.SortFunc(out, func(a, b Alert) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// openKey is the key of an alert in the whole store: site and sensor are in it.
func (e *Engine) openKey(kind Kind, key string) openKey {
	return openKey{kind, e.cfg.Site + "|" + e.cfg.Sensor + "|" + key}
}

// distinct sorts findings by key, joins those of one key and leaves out those
// that another alert says already.
func (e *Engine) distinct(kind Kind, found []finding) []finding {
	slices.SortStableFunc(found, func(a, b finding) int { return strings.Compare(a.key, b.key) })
	out := found[:0]
next:
	for _, f := range found {
		for _, key := range f.unless {
			if key != "" && e.alive(e.openKey(kind, key), f.first, f.last) != nil {
				continue next
			}
		}
		if n := len(out); n > 0 && out[n-1].key == f.key {
			o := &out[n-1]
			if f.first < o.first {
				o.first, o.ref = f.first, f.ref
			}
			o.last = max(o.last, f.last)
			o.count += f.count
			o.severity = worse(o.severity, f.severity)
			continue
		}
		out = append(out, f)
	}
	return out
}

// alive is the open alert of k that something seen from first to last may still join.
func (e *Engine) alive(k openKey, first, last int64) *Alert {
	a := e.open[k]
	if a == nil || !lasting(k.kind) && (first > a.Last+Life || last < a.First-Life) {
		return nil
	}
	return a
}

// lasting kinds of alert say what a device is, not what it did: told once, they stay open.
func lasting(kind Kind) bool { return kind == VulnerableDevice }

// aggregate applies the flood rule to the findings' groups[i]. A finding that
// has its alert already is left alone.
func (e *Engine) aggregate(kind Kind, found []finding, i int) []finding {
	fresh := map[groupKey]int{}
	isNew := make([]bool, len(found))
	for j := range found {
		f := &found[j]
		if f.groups[i].many == "" || e.alive(e.openKey(kind, f.key), f.first, f.last) != nil {
			continue
		}
		isNew[j] = true
		fresh[groupKey{kind, f.groups[i].many, f.groups[i].name}]++
	}
	if len(fresh) == 0 {
		return found
	}
	kept := found[:0:0]
	one := map[groupKey]*flood{}
	var order []groupKey
	for j := range found {
		f := &found[j]
		g := f.groups[i]
		gk := groupKey{kind, g.many, g.name}
		if !isNew[j] || !e.flood(gk, g, fresh[gk], f) {
			kept = append(kept, *f)
			continue
		}
		o := one[gk]
		if o == nil {
			o = &flood{src: f.end("src", f.srcIP, f.srcMAC), dst: f.end("dst", f.dstIP, f.dstMAC),
				finding: finding{subkind: g.many, key: g.many + "|" + g.name, severity: g.severity, first: f.first, last: f.last,
					srcIP: f.srcIP, srcMAC: f.srcMAC, dstIP: f.dstIP, dstMAC: f.dstMAC, technique: g.technique, ref: f.ref,
					args: []Arg{{argNumber, strconv.Itoa(fresh[gk])}, {argSample, g.sample}, {"limit", strconv.Itoa(g.minute)}, {"learned", g.learned}}}}
			one[gk] = o
			order = append(order, gk)
		} else {
			if worse(o.severity, g.severity) != o.severity {
				o.severity, o.technique = g.severity, g.technique
			}
			o.src, o.dst = same(o.src, f.end("src", f.srcIP, f.srcMAC)), same(o.dst, f.end("dst", f.dstIP, f.dstMAC))
			if n := strings.Count(o.args[1].Value, ", ") + 1; n < sampleSize {
				o.args[1].Value += ", " + g.sample
			}
			o.srcIP, o.srcMAC = same(o.srcIP, f.srcIP), same(o.srcMAC, f.srcMAC)
			o.dstIP, o.dstMAC = same(o.dstIP, f.dstIP), same(o.dstMAC, f.dstMAC)
			if f.first < o.first {
				o.first, o.ref = f.first, f.ref
			}
			o.last = max(o.last, f.last)
		}
		o.count += f.count
	}
	for _, gk := range order {
		o := one[gk]
		o.args = append(o.args, Arg{"src", or(o.src, or(o.srcIP, or(o.srcMAC, "–")))}, Arg{"dst", or(o.dst, or(o.dstIP, or(o.dstMAC, "–")))})
		kept = append(kept, o.finding)
	}
	return kept
}

// flood is the one finding that stands for many; src and dst are the ends, as
// lists know them, that all have in common.
type flood struct {
	finding
	src, dst string
}

// end is an end as the finding's own message names it, else by address.
func (f *finding) end(name, ip, mac string) string {
	for _, a := range f.args {
		if a.Name == name {
			return a.Value
		}
	}
	return or(ip, mac)
}

// same is a where both are alike, else "": the alert for many names only what all share.
func same(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

// flood says whether the new finding f of group gk is told by the group's one alert.
func (e *Engine) flood(gk groupKey, g group, fresh int, f *finding) bool {
	if fresh > g.minute || e.count[gk] >= g.limit {
		return true
	}
	a := e.open[e.openKey(gk.kind, g.many+"|"+g.name)]
	return a != nil && f.first <= a.Last+floodHold && f.last >= a.First-floodHold
}

func (e *Engine) newAlert(k openKey, f *finding) *Alert {
	a := &Alert{
		ID:   alertID(k.kind, k.key, f.first),
		Kind: k.kind, Subkind: f.subkind, Key: k.key, Severity: f.severity,
		First: f.first, Last: f.last, Count: max(f.count, 1),
		SrcIP: f.srcIP, SrcMAC: f.srcMAC, DstIP: f.dstIP, DstMAC: f.dstMAC,
		Technique: f.technique, Site: e.cfg.Site, Sensor: e.cfg.Sensor,
		Args: slices.Clone(f.args),
	}
	var groups []string
	for _, g := range f.groups {
		if g.many != "" {
			groups = append(groups, g.many+"|"+g.name)
		}
	}
	if groups != nil {
		a.Args = append(a.Args, Arg{argGroup, strings.Join(groups, " ")})
	}
	return a
}

// alertID is the first 12 hex digits of SHA-256 over kind, key and first seen.
func alertID(kind Kind, key string, first int64) string {
	sum := sha256.Sum256([]byte(string(kind) + "\n" + key + "\n" + strconv.FormatInt(first, 10)))
	return hex.EncodeToString(sum[:6])
}

// grow joins a finding to its alert. The arguments stay those of the first
// finding (what was learned then), but the number of many and what was counted are the highest, and the alert for many names
// only the ends that all share, and examples as long as it has few. The ID stays also where a late part moves First back.
func grow(a *Alert, f *finding) {
	if argument(a.Args, argNumber) != nil {
		a.SrcIP, a.SrcMAC, a.DstIP, a.DstMAC = same(a.SrcIP, f.srcIP), same(a.SrcMAC, f.srcMAC), same(a.DstIP, f.dstIP), same(a.DstMAC, f.dstMAC)
		for _, end := range []string{"src", "dst"} {
			if x, y := argument(a.Args, end), argument(f.args, end); x != nil && y != nil && x.Value != y.Value {
				x.Value = "–"
			}
		}
		if x, y := argument(a.Args, argSample), argument(f.args, argSample); x != nil && y != nil {
			examples := strings.Split(x.Value, ", ")
			for s := range strings.SplitSeq(y.Value, ", ") {
				if len(examples) < sampleSize && !slices.Contains(examples, s) {
					examples = append(examples, s)
				}
			}
			x.Value = strings.Join(examples, ", ")
		}
	}
	// Of a volume the largest window is told, whole: accepting takes its limit from there.
	if x, y := argument(a.Args, argBytes), argument(f.args, argBytes); x != nil && y != nil && amount(y) > amount(x) {
		a.Args = slices.Clone(f.args)
	}
	a.First, a.Last = min(a.First, f.first), max(a.Last, f.last)
	a.Count += f.count
	a.Severity = worse(a.Severity, f.severity)
	for _, name := range []string{argNumber, argSeen} {
		if arg, n := argument(a.Args, name), number(f.args, name); arg != nil && n > number(a.Args, name) {
			arg.Value = strconv.Itoa(n)
		}
	}
}

func amount(a *Arg) uint64 {
	n, _ := strconv.ParseUint(a.Value, 10, 64)
	return n
}

func number(args []Arg, name string) int {
	if a := argument(args, name); a != nil {
		n, _ := strconv.Atoi(a.Value)
		return n
	}
	return 0
}

// argument is the argument of a name, nil for none.
func argument(args []Arg, name string) *Arg {
	for i := range args {
		if args[i].Name == name {
			return &args[i]
		}
	}
	return nil
}

// addRef adds a frame: the first 8 and the last 2 are kept.
func (e *Engine) addRef(a *Alert, f *finding) {
	if f.ref.Number == 0 {
		return
	}
	r := Ref{Capture: int64(f.ref.Capture), Number: f.ref.Number, Time: f.first}
	if i := int(f.ref.Capture); i >= 0 && i < len(e.cfg.Captures) {
		r.Capture = e.cfg.Captures[i]
	}
	if len(a.Refs) == 10 {
		a.Refs[8], a.Refs[9] = a.Refs[9], r
		return
	}
	a.Refs = append(a.Refs, r)
}

func cloneAlert(a *Alert) Alert {
	c := *a
	c.Args, c.Refs = slices.Clone(a.Args), slices.Clone(a.Refs)
	return c
}

// keep makes a the open alert of k.
func (e *Engine) keep(k openKey, a *Alert) {
	if old := e.open[k]; old != nil {
		e.tally(old, -1)
	}
	e.open[k] = a
	e.tally(a, 1)
}

func (e *Engine) tally(a *Alert, n int) {
	for _, arg := range a.Args {
		if arg.Name != argGroup {
			continue
		}
		for g := range strings.FieldsSeq(arg.Value) {
			many, name, _ := strings.Cut(g, "|")
			gk := groupKey{a.Kind, many, name}
			if e.count[gk] += n; e.count[gk] <= 0 {
				delete(e.count, gk)
			}
		}
	}
}

// forget lets go of alerts that can no longer grow at time now, and of the
// quietest where there are too many; only the latter are counted.
func (e *Engine) forget(now int64) (dropped uint64) {
	if len(e.open) == 0 || e.stamp%60 != 0 && len(e.open) <= maxOpen {
		return 0
	}
	for k, a := range e.open {
		if a.Last+Life < now && !lasting(k.kind) {
			e.tally(a, -1)
			delete(e.open, k)
		}
	}
	if len(e.open) <= maxOpen {
		return 0
	}
	quiet := make([]openKey, 0, len(e.open))
	for k := range e.open {
		quiet = append(quiet, k)
	}
	slices.SortFunc(quiet, func(a, b openKey) int {
		x, y := e.open[a], e.open[b]
		switch {
		case x.Last < y.Last:
			return -1
		case x.Last > y.Last:
			return 1
		case a.kind != b.kind:
			return strings.Compare(string(a.kind), string(b.kind))
		}
		return strings.Compare(a.key, b.key)
	})
	// A tenth more than needed, so that a flood does not sort at every minute.
	for _, k := range quiet[:len(quiet)-maxOpen*9/10] {
		e.tally(e.open[k], -1)
		delete(e.open, k)
		dropped++
	}
	return dropped
}

// view is one minute with what several detectors derive from it.
type view struct {
	m     *observe.Minute
	cfg   *Config
	stamp uint64
	// relearn says to a warmer that the minute was learned before: Engine.Again.
	relearn bool
	// macs groups the minute's addresses by MAC (0 first), in order.
	macs []macView
	// owner is the MAC that uses an address itself (not one that carries it).
	owner map[decode.Addr]decode.MAC
	// dhcp are the MACs that asked a DHCP server for an address in this minute.
	dhcp map[decode.MAC]bool
}

type macView struct {
	mac    decode.MAC
	seen   []observe.Address
	router bool
}

func newView(m *observe.Minute, cfg *Config, stamp uint64) *view {
	v := &view{m: m, cfg: cfg, stamp: stamp, owner: make(map[decode.Addr]decode.MAC, len(m.Addresses)), dhcp: map[decode.MAC]bool{}}
	byMAC := make([]observe.Address, len(m.Addresses))
	for i, x := range orderByMAC(m.Addresses) {
		byMAC[i] = m.Addresses[x.i]
		byMAC[i].MAC = x.mac
	}
	for i := 0; i < len(byMAC); {
		j := i + 1
		for j < len(byMAC) && byMAC[j].MAC == byMAC[i].MAC {
			j++
		}
		mv := macView{mac: byMAC[i].MAC, seen: byMAC[i:j:j]}
		mv.router = inventory.Router(mv.mac, mv.seen, cfg.Settings.Internal)
		if mv.mac != 0 && !mv.router {
			for _, a := range mv.seen {
				if inventory.Sent(&a) && inventory.Ownable(a.IP) {
					v.owner[a.IP] = mv.mac
				}
			}
		}
		v.macs = append(v.macs, mv)
		i = j
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		if e.Proto == decode.ProtoUDP && e.ClientMAC != 0 && (e.ServerPort == 67 && e.Client.IsIPv4() || e.ServerPort == 547 && e.Client.IsIPv6()) {
			v.dhcp[e.ClientMAC] = true
		}
	}
	return v
}

// macPlace is the place of an address row and its MAC, 0 for a test bench's.
type macPlace struct {
	mac decode.MAC
	i   int32
}

// orderByMAC sorts addresses by MAC, IP and VLAN; a row is large to move.
func orderByMAC(all []observe.Address) []macPlace {
	order := make([]macPlace, len(all))
	for i := range all {
		order[i] = macPlace{all[i].MAC, int32(i)}
		if all[i].MAC == decode.NullMAC {
			order[i].mac = 0
		}
	}
	slices.SortFunc(order, func(x, y macPlace) int {
		if x.mac != y.mac {
			if x.mac < y.mac {
				return -1
			}
			return 1
		}
		a, b := &all[x.i], &all[y.i]
		if a.IP != b.IP {
			return a.IP.Compare(b.IP)
		}
		return int(a.VLAN) - int(b.VLAN)
	})
	return order
}

// internet says whether a is a public address.
func (c *Config) internet(a decode.Addr) bool {
	return inventory.Public(a) && (c.Settings.Internal == nil || !c.Settings.Internal(a))
}

// end is a as lists know it: public addresses are one unless told otherwise.
func (c *Config) end(a decode.Addr) decode.Addr {
	if !c.Settings.InternetEach && c.internet(a) {
		return internetEnd
	}
	return a
}
