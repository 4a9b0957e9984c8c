package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"osect/detect"
	"osect/pipeline"
	"osect/store"
	"osect/text"
)

// The scenarios hold detection against the truth of synthetic plants: a clean
// part is learned, then all attacks of plantgen are made one after the other.
// go test runs one small plant of a day; OSECT_SCENARIOS=long runs plants of six weeks and more: four weeks are learned, two are
// clean, then all attacks are made, fast, and a day later slowly. It writes docs/detection/results.md. OSECT_SEED is the first seed.

// size is a plant and how many seeds of it are run.
type size struct{ devices, seeds int }

var longSizes = []size{{20, 20}, {200, 5}, {1000, 1}}

const firstSeed = 12001

// weeksArgs makes a plant of weeks; cyclic messages are stretched so that it stays small.
var weeksArgs = []string{"--duration", "1068h", "--attack-from", "672h", "--quiet", "336h", "--slow", "--pps", "1"}

// listKinds are the detectors that are lists: each attack that names one must be told by it.
var listKinds = []detect.Kind{detect.ConnectedDevice, detect.IPCommunication, detect.OTIP, detect.OTEthernet, detect.BuiltIn}

// allKinds are those and the ones that judge amounts, of which some events may be missed.
var allKinds = append(slices.Clone(listKinds), detect.IPVolume, detect.IPStatistics)

// grace is how long after an attack's last frame its alerts may begin.
const grace = time.Minute

// truth is what plantgen says of its capture, as far as it is used here.
type truth struct {
	Start          time.Time `json:"start"`
	AttackFrom     time.Time `json:"attack_from"`
	QuietTo        time.Time `json:"quiet_to"`
	Packets        int64     `json:"packets"`
	Communications []communicationTruth
	Operations     []struct {
		Src, Dst, Protocol, Direction string
		Code                          string `json:"function_code"`
		Clean                         int64  `json:"count_clean"`
	} `json:"operations"`
	Attacks []attackTruth     `json:"attacks"`
	NotMade map[string]string `json:"attacks_not_made"`
}

type communicationTruth struct {
	Client, Server, Proto string
	Port                  uint16
	SourcePort            uint16 `json:"source_port"`
	Low                   uint16 `json:"port_low"`
	High                  uint16 `json:"port_high"`
	Clean                 int64  `json:"packets_clean"`
}

type attackTruth struct {
	Kind               string
	Slow               bool
	Start, End         time.Time
	SrcIP              string `json:"src_ip"`
	SrcMAC             string `json:"src_mac"`
	DstIP              string `json:"dst_ip"`
	DstMAC             string `json:"dst_mac"`
	Others             []string
	Expected, Possible []detect.Kind
}

// slowly marks the second, slow attack of a kind.
const slowly = ", slow"

func (x *attackTruth) name() string {
	if x.Slow {
		return x.Kind + slowly
	}
	return x.Kind
}

// told is whether an alert's time touches the attack's.
func (x *attackTruth) told(a *store.Alert) bool {
	return !time.Unix(0, a.Last).Before(x.Start) && !time.Unix(0, a.First).After(x.End.Add(grace))
}

// began is whether the alert was first raised by what happened in the attack's time.
func (x *attackTruth) began(a *store.Alert) bool {
	return x.told(a) && !time.Unix(0, a.First).Before(x.Start)
}

// end is whether an end of the attack is the end of an alert. An attack on a
// network has its prefix as destination.
func end(attackIP, attackMAC, ip, mac string) bool {
	if attackMAC != "" && attackMAC == mac || attackIP != "" && attackIP == ip {
		return true
	}
	p, err := netip.ParsePrefix(attackIP)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(ip)
	return err == nil && p.Contains(a)
}

// between is whether the alert is about the attack's ends, the one who attacks as
// its source and, where both name one, the one attacked as its destination.
func (x *attackTruth) between(a *store.Alert) bool {
	if !end(x.SrcIP, x.SrcMAC, a.SrcIP, a.SrcMAC) {
		return false
	}
	if a.Kind == detect.ConnectedDevice || a.DstIP+a.DstMAC == "" || x.DstIP+x.DstMAC == "" {
		return true
	}
	return end(x.DstIP, x.DstMAC, a.DstIP, a.DstMAC)
}

// touches is whether one of the alert's ends is one of the attack's.
func (x *attackTruth) touches(a *store.Alert) bool {
	return end(x.SrcIP, x.SrcMAC, a.SrcIP, a.SrcMAC) || end(x.SrcIP, x.SrcMAC, a.DstIP, a.DstMAC) ||
		end(x.DstIP, x.DstMAC, a.SrcIP, a.SrcMAC) || end(x.DstIP, x.DstMAC, a.DstIP, a.DstMAC) ||
		slices.ContainsFunc([]string{a.SrcIP, a.SrcMAC, a.DstIP, a.DstMAC}, func(s string) bool { return slices.Contains(x.Others, s) })
}

// window is how long the windows of ip-volume and ip-statistics are: an alert begins with what else was in its window.
const window = 5 * time.Minute

// moves is whether the alert on amounts can be of what the attack carries, or no longer does, between its ends.
func (p *plant) moves(x *attackTruth, a *store.Alert) bool {
	if slices.Contains(listKinds, a.Kind) || time.Unix(0, a.Last).Before(x.Start) || time.Unix(0, a.First).After(x.End.Add(window)) ||
		time.Unix(0, a.First).Before(x.Start.Add(-window)) {
		return false
	}
	if x.touches(a) {
		return true
	}
	// Who talks to the silenced device hears nothing more.
	return x.Kind == "silent-device" && slices.ContainsFunc(p.truth.Communications, func(c communicationTruth) bool {
		return c.Client == a.SrcIP && c.Server == x.SrcIP || c.Server == a.SrcIP && c.Client == x.SrcIP
	})
}

// score is what was counted of one detector in plants of one size.
type score struct {
	expected, told int
	alerts         int // of attacks
	wrong          int // outside of attacks that may raise the kind
	clean          int // in clean time after what was learned
	delays         []time.Duration
}

// scores of a size.
type scores struct {
	size
	firstSeed int
	plants    int
	days      float64 // clean ones
	packets   int64
	attacks   int
	byKind    map[detect.Kind]*score
	byAttack  map[string]map[detect.Kind][]int // alerts in each plant
}

func TestScenarios(t *testing.T) {
	long := os.Getenv("OSECT_SCENARIOS") == "long"
	sizes, seed := []size{{20, 1}}, 1
	if long {
		sizes, seed = longSizes, firstSeed
	}
	if s := os.Getenv("OSECT_SEED"); s != "" {
		var err error
		if seed, err = strconv.Atoi(s); err != nil {
			t.Fatalf("OSECT_SEED: %v", err)
		}
	}
	plantgen := filepath.Join(t.TempDir(), "plantgen")
	if out, err := exec.Command("go", "build", "-o", plantgen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	var all []*scores
	t.Run("plants", func(t *testing.T) {
		var lock sync.Mutex
		for n, z := range sizes {
			all = append(all, newScores(z, seed+100*n))
		}
		for n, s := range slices.Backward(all) { // the longest first
			z := s.size
			for i := range z.seeds {
				seed := seed + 100*n + i
				t.Run(fmt.Sprintf("%d devices seed %d", z.devices, seed), func(t *testing.T) {
					t.Parallel()
					p := makePlant(t, plantgen, z.devices, seed, long, z.devices < 200 || z.devices == 200 && i == 0)
					own := newScores(z, seed)
					p.run(own)
					lock.Lock()
					defer lock.Unlock()
					s.add(own)
				})
			}
		}
	})
	for _, s := range all {
		if long && s.plants < s.seeds {
			t.Logf("docs/detection/results.md is left: %d of %d plants of %d devices were run", s.plants, s.seeds, s.devices)
			return
		}
		if long {
			s.check(t)
		}
	}
	if page := resultsPage(all); long && !t.Failed() {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "detection", "results.md"), []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if long {
		t.Log(page)
	}
}

func newScores(z size, seed int) *scores {
	s := &scores{size: z, firstSeed: seed, byKind: map[detect.Kind]*score{}, byAttack: map[string]map[detect.Kind][]int{}}
	for _, k := range allKinds {
		s.byKind[k] = &score{}
	}
	return s
}

// add joins what one plant gave.
func (s *scores) add(o *scores) {
	s.plants++
	s.days += o.days
	s.packets += o.packets
	s.attacks += o.attacks
	for k, x := range o.byKind {
		y := s.byKind[k]
		y.expected, y.told, y.alerts, y.wrong, y.clean = y.expected+x.expected, y.told+x.told, y.alerts+x.alerts, y.wrong+x.wrong, y.clean+x.clean
		y.delays = append(y.delays, x.delays...)
	}
	for name, by := range o.byAttack {
		if s.byAttack[name] == nil {
			s.byAttack[name] = map[detect.Kind][]int{}
		}
		for k, n := range by {
			s.byAttack[name][k] = append(s.byAttack[name][k], n...)
		}
	}
}

// check holds what plants of one size gave together against what is promised: 95 per cent of what changes amounts is told, and there
// is at most one false alert a day in a plant of 200 devices, in larger ones as many as they are larger.
func (s *scores) check(t *testing.T) {
	false := 0
	for _, k := range allKinds {
		x := s.byKind[k]
		false += x.clean
		if x.told*100 < x.expected*95 {
			t.Errorf("%d devices: %s told %d of %d", s.devices, k, x.told, x.expected)
		}
	}
	if most := s.days * max(1, float64(s.devices)/200); float64(false) > most {
		t.Errorf("%d devices: %d false alerts in %.0f clean days, more than %.0f", s.devices, false, s.days, most)
	}
}

// plant is one synthetic plant: its captures, and what it says of itself.
type plant struct {
	t               *testing.T
	dir             string
	again           bool // also over stored minutes, which reads all again
	clean, attacked string
	truth           truth
}

func makePlant(t *testing.T, plantgen string, devices, seed int, weeks, again bool) *plant {
	p := &plant{t: t, dir: t.TempDir(), again: again}
	p.clean, p.attacked = filepath.Join(p.dir, "clean.pcap"), filepath.Join(p.dir, "attacked.pcap")
	name := filepath.Join(p.dir, "truth.json")
	args := []string{"--attack-from", "16h"}
	if weeks {
		args = weeksArgs
	}
	args = append(slices.Clone(args), "--attacks", "all", "--out", p.clean, "--attacked", p.attacked, "--truth", name,
		"--devices", strconv.Itoa(devices), "--seed", strconv.Itoa(seed))
	if out, err := exec.Command(plantgen, args...).CombinedOutput(); err != nil {
		t.Fatalf("plantgen %v: %v\n%s", args, err, out)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &p.truth); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *plant) store(name string) *store.Store {
	st, err := store.Open(filepath.Join(p.dir, name), store.Options{Create: true})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { st.Close() })
	return st
}

func (p *plant) replay(st *store.Store, mode pipeline.Mode, paths ...string) {
	if _, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: paths, Mode: mode}); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) stored(st *store.Store, mode pipeline.Mode, from, to time.Time) {
	opt := pipeline.StoredOptions{Mode: mode, From: from.UnixNano(), To: to.UnixNano()}
	s, err := pipeline.Stored(context.Background(), st, opt)
	if err != nil {
		p.t.Fatal(err)
	}
	if s.Minutes < 400 {
		p.t.Errorf("%s over stored minutes took only %d", mode, s.Minutes)
	}
}

// alerts are those of the kinds given.
func (p *plant) alerts(st *store.Store, kinds []detect.Kind) []store.Alert {
	return slices.DeleteFunc(p.everyAlert(st), func(a store.Alert) bool { return !slices.Contains(kinds, a.Kind) })
}

func (p *plant) everyAlert(st *store.Store) []store.Alert {
	rows, _, err := st.Alerts(context.Background(), store.Filter{})
	if err != nil {
		p.t.Fatal(err)
	}
	return rows
}

// run makes the plant's whole scenario and adds to the scores.
func (p *plant) run(s *scores) {
	t := p.t
	if len(p.truth.NotMade) > 0 {
		t.Errorf("attacks that were not made: %v", p.truth.NotMade)
	}
	s.packets += p.truth.Packets
	s.attacks += len(p.truth.Attacks)

	s.days += p.truth.QuietTo.Sub(p.truth.AttackFrom).Hours() / 24

	st := p.store("streamed.db")
	p.replay(st, pipeline.Learn, p.clean)
	p.replay(st, pipeline.Detect, p.attacked)
	alerts := p.alerts(st, allKinds)
	p.judge(s, alerts)
	for i := range alerts {
		if slices.Contains(listKinds, alerts[i].Kind) {
			p.checkMessage(&alerts[i])
			p.checkLearned(&alerts[i])
		}
	}
	if !p.again {
		return
	}

	again := p.store("stored.db")
	p.replay(again, pipeline.Auto, p.clean)
	p.replay(again, pipeline.Auto, p.attacked)
	p.stored(again, pipeline.Learn, p.truth.Start, p.truth.AttackFrom)
	p.stored(again, pipeline.Detect, p.truth.AttackFrom, p.truth.AttackFrom.Add(1000*time.Hour))
	differ(t, "learned rows", p.rows(st), p.rows(again))
	differ(t, "alerts", alertLines(p.everyAlert(st)), alertLines(p.everyAlert(again)))

	// What was learned, detected in last: an alert on it would grow by what the attacks do.
	p.stored(again, pipeline.Detect, p.truth.Start, p.truth.AttackFrom)
	for _, a := range p.alerts(again, listKinds) {
		if a.First < p.truth.AttackFrom.UnixNano() && !slices.ContainsFunc(alerts, func(b store.Alert) bool { return a.ID == b.ID && a.First == b.First }) {
			t.Errorf("an alert on what was learned: %s", describe(&a))
		}
	}
}

// judge holds alerts against the attacks.
func (p *plant) judge(s *scores, alerts []store.Alert) {
	perAttack := map[string]map[detect.Kind]int{}
	for i := range p.truth.Attacks {
		x := &p.truth.Attacks[i]
		perAttack[x.name()] = map[detect.Kind]int{}
		for _, k := range x.Expected {
			sc := s.byKind[k]
			sc.expected++
			first := time.Time{}
			for j := range alerts {
				if a := &alerts[j]; a.Kind == k && x.told(a) && x.between(a) {
					if at := time.Unix(0, a.First); first.IsZero() || at.Before(first) {
						first = at
					}
				}
			}
			if first.IsZero() && !slices.Contains(listKinds, k) {
				p.t.Logf("%s %s: no alert of %s (%s → %s)", x.Start.Format(time.TimeOnly), x.name(), k, x.SrcIP, x.DstIP)
				continue
			}
			if first.IsZero() {
				p.t.Errorf("%s %s: no alert of %s (%s %s → %s %s)", x.Start.Format(time.TimeOnly), x.name(), k, x.SrcIP, x.SrcMAC, x.DstIP, x.DstMAC)
				continue
			}
			sc.told++
			sc.delays = append(sc.delays, max(0, first.Sub(x.Start)))
		}
	}
	for j := range alerts {
		a := &alerts[j]
		if a.First < p.truth.QuietTo.UnixNano() {
			s.byKind[a.Kind].clean++
			p.wrong(a, "an alert in clean time")
			continue
		}
		i := slices.IndexFunc(p.truth.Attacks, func(x attackTruth) bool {
			// Who talks to the silenced device only falls silent with it; such an alert begins with the last that was heard of
			// it, before the attack by as much as its longest silence of before.
			learned, _ := arg(a, "learned")
			quiet, _ := strconv.Atoi(learned)
			silent := x.Kind == "silent-device" && (a.Subkind == "silent-device" || a.Subkind == "cyclic-silent") &&
				x.told(a) && a.First >= x.Start.Add(-grace-time.Duration(quiet)*time.Minute).UnixNano()
			return p.moves(&x, a) || (silent || x.began(a) && x.touches(a)) && (slices.Contains(x.Expected, a.Kind) || slices.Contains(x.Possible, a.Kind))
		})
		if i < 0 {
			s.byKind[a.Kind].wrong++
			p.wrong(a, "false alert")
			continue
		}
		s.byKind[a.Kind].alerts++
		perAttack[p.truth.Attacks[i].name()][a.Kind]++
	}
	for kind, n := range perAttack {
		if s.byAttack[kind] == nil {
			s.byAttack[kind] = map[detect.Kind][]int{}
		}
		total := 0
		for _, k := range allKinds {
			s.byAttack[kind][k] = append(s.byAttack[kind][k], n[k])
			total += n[k]
		}
		most := cmp.Or(moreAlerts[strings.TrimSuffix(kind, slowly)], mostAlerts)
		if strings.HasSuffix(kind, slowly) && strings.HasPrefix(kind, "port-scan") {
			most += moreSlowly
		}
		if total > most {
			p.t.Errorf("%s gave %d alerts, more than %d: %v", kind, total, most, n)
		}
	}
}

// wrong says that an alert should not be there: an error of a list, which may have none; of amounts there may be some.
func (p *plant) wrong(a *store.Alert, what string) {
	say := p.t.Logf
	if slices.Contains(listKinds, a.Kind) {
		say = p.t.Errorf
	}
	say("%s: %s", what, describe(a))
}

// mostAlerts is how many alerts one attack may give: whoever is paged reads all
// of them. A scan that begins shortly before a minute's end gives more
// (docs/detection/ip-communication.md, flood rule).
const mostAlerts = 6

var moreAlerts = map[string]int{"port-scan": 5 + 5, "sweep": 20 + 5}

// A slow scan of ports goes on when the slow sweep begins, maybe of the same PC.
const moreSlowly = 20

func describe(a *store.Alert) string {
	return fmt.Sprintf("%s %s/%s %s %s → %s %s: %s %s", time.Unix(0, a.First).UTC().Format(time.TimeOnly), a.Kind, a.Subkind,
		a.SrcIP, a.SrcMAC, a.DstIP, a.DstMAC, message(text.EN, &a.Alert, "summary"), message(text.EN, &a.Alert, "reason"))
}

// checkMessage: all three parts are there in both languages, with everything filled in.
func (p *plant) checkMessage(a *store.Alert) {
	for _, lang := range []text.Lang{text.JA, text.EN} {
		for _, part := range []string{"summary", "reason", "action"} {
			key, m := a.MessageKey(part), message(lang, &a.Alert, part)
			if !text.Has(key) {
				p.t.Errorf("no text for %s", key)
			} else if m == "" || strings.ContainsAny(m, "{}") {
				p.t.Errorf("%s (%s) is not complete: %q", key, lang, m)
			}
		}
		learned, _ := arg(a, "learned")
		if learned == "–" {
			learned = text.Get(lang, "cli.word.none")
		}
		if reason := message(lang, &a.Alert, "reason"); learned == "" || !strings.Contains(reason, learned) {
			p.t.Errorf("%s (%s): the reason does not name what was learned (%q): %q", a.MessageKey("reason"), lang, learned, reason)
		}
	}
}

func arg(a *store.Alert, name string) (string, bool) {
	for _, x := range a.Args {
		if x.Name == name {
			return x.Value, true
		}
	}
	return "", false
}

// checkLearned: what a reason says was learned did occur in the clean part, and
// where it says that nothing was, nothing did.
func (p *plant) checkLearned(a *store.Alert) {
	learned, _ := arg(a, "learned")
	src, dst := a.SrcIP+"|", a.DstIP
	had := map[string]bool{}
	switch {
	case a.Kind == detect.IPCommunication && (a.Subkind == detect.SubPair || a.Subkind == detect.SubMany && a.SrcIP != ""):
		for _, c := range p.truth.Communications {
			if c.Clean > 0 && c.Client+"|" == src {
				had[ended(c.Server)] = true
			}
		}
	case a.Kind == detect.IPCommunication && (a.Subkind == detect.SubPort || a.Subkind == detect.SubManyPorts):
		for _, c := range p.truth.Communications {
			if c.Clean == 0 || c.Client+"|"+c.Server != src+dst {
				continue
			}
			switch {
			case strings.HasPrefix(c.Proto, "icmp"):
				had[c.Proto] = true
			case c.SourcePort != 0:
				had[fmt.Sprintf("%s/%d-%d ← %d", c.Proto, c.Low, c.High, c.SourcePort)] = true
			default:
				had[c.Proto+"/"+strconv.Itoa(int(c.Port))] = true
			}
		}
	case a.Kind == detect.OTIP || a.Kind == detect.OTEthernet:
		if a.Kind == detect.OTEthernet {
			src, dst = a.SrcMAC+"|", a.DstMAC
		}
		protocol, _ := arg(a, "protocol")
		for _, o := range p.truth.Operations {
			if o.Clean == 0 || o.Protocol != protocol || o.Direction != "request" && o.Direction != "none" {
				continue
			}
			switch {
			case a.Subkind == detect.SubFunction && o.Src+"|"+o.Dst == src+dst:
				had[o.Code] = true
			case a.Subkind == detect.SubPair && o.Src+"|" == src:
				had[o.Dst] = true
			case a.Subkind == detect.SubSource && o.Dst == dst:
				had[o.Src] = true
			}
			if a.Subkind == detect.SubSource && o.Src+"|" == src {
				p.t.Errorf("%s: the truth has %s by this source in the clean part", describe(a), o.Code)
			}
		}
		if a.Subkind == detect.SubResponse || a.Subkind == detect.SubMany {
			return
		}
	default:
		return
	}
	said := map[string]bool{}
	for x := range strings.SplitSeq(learned, ", ") {
		if x == "–" || x == "…" {
			continue
		}
		said[x] = true
		ok := had[x]
		if parts := strings.Split(x, ":"); a.Kind == detect.OTEthernet && len(parts) == 3 {
			// Codes of transient1: the truth has type and command, without the data type between.
			ok = ok || had[parts[0]+":"+parts[2]]
		}
		if !ok {
			p.t.Errorf("%s: %q was not in the clean part, there were %v", describe(a), x, slices.Sorted(maps.Keys(had)))
		}
	}
	if len(said) == 0 && len(had) > 0 {
		p.t.Errorf("%s: names nothing as learned, the clean part had %v", describe(a), slices.Sorted(maps.Keys(had)))
	}
}

// ended is an address as learned rows have it: the documentation's networks
// play the internet.
func ended(ip string) string {
	for _, p := range []string{"192.0.2.", "198.51.100.", "203.0.113."} {
		if strings.HasPrefix(ip, p) {
			return detect.Internet
		}
	}
	return ip
}

func (p *plant) rows(st *store.Store) []string {
	rows, err := st.LearnedRows(context.Background(), "")
	if err != nil {
		p.t.Fatal(err)
	}
	lines := make([]string, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%+v", r))
	}
	slices.Sort(lines)
	return lines
}

func alertLines(alerts []store.Alert) []string {
	lines := make([]string, 0, len(alerts))
	for _, a := range alerts {
		lines = append(lines, fmt.Sprintf("%s %s/%s %s %d–%d ×%d %s %v", a.ID, a.Kind, a.Subkind, a.Key, a.First, a.Last, a.Count, a.Severity, a.Args))
	}
	slices.Sort(lines)
	return lines
}

// differ says how two sorted lists differ: streaming and stored minutes give the same.
func differ(t *testing.T, what string, streamed, stored []string) {
	if len(streamed) == 0 {
		t.Errorf("no %s", what)
	}
	told := 0
	for _, x := range []struct {
		of, not []string
		only    string
	}{{streamed, stored, "streaming"}, {stored, streamed, "stored minutes"}} {
		for _, line := range x.of {
			if _, found := slices.BinarySearch(x.not, line); !found && told < 10 {
				t.Errorf("%s only by %s: %s", what, x.only, line)
				told++
			}
		}
	}
}

// resultsPage is docs/detection/results.md.
func resultsPage(all []*scores) string {
	var b strings.Builder
	w := func(format string, args ...any) { fmt.Fprintf(&b, format, args...) }
	w("# Detection against the truth\n\n" +
		"Written by `make detection-report`. Each plant (`plantgen`, README there) is six weeks and two and a half days of packets: shifts, weekends, holidays,\n" +
		"jitter, product changes, heavy tails, nightly backups of which one in each two weeks breaks off. Four weeks are learned, two are detected\n" +
		"in without an attack; then all attacks are made one after the other, as fast as they come, and a day later by the same devices as slowly as\n" +
		"the rules that count them still count. Statistics are at *weak*. Alerts are held against the generator's truth: an attack is *told* by a\n" +
		"detector if an alert of that kind is between the right ends and within the attack's time and a minute; an alert is *false* if no attack that\n" +
		"may raise its kind touches its ends then. Each run also requires that each message is complete in both languages, that a reason names as\n" +
		"learned only what occurred in the learned weeks, and nothing only where nothing did, and, in those of 20 devices and the first of 200, that learning and detecting over stored\n" +
		"minutes give the same rows and alerts (of all detectors) as streaming and that lists are silent on what was learned. The detectors were not tuned\n" +
		"on these seeds. Thresholds at 0.8, 1.0 and 1.5 times, and amounts of a documented size: [results-volume.md](results-volume.md).\n\n" +
		"*Delay* is packet time from the attack's first frame to the first frame of the alert (median, longest: such attacks begin with what\n" +
		"is allowed). An alert is written when its minute is over, of `ip-volume` and `ip-statistics` when its five minutes are: up to 65 s or 7 min more.\n\n" +
		"| Devices | Seeds | Packets | Attacks | Detector | Expected | Told | Missed | Alerts | False | Delay |\n" +
		"|--:|---|--:|--:|---|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range all {
		for i, k := range allKinds {
			if i == 0 {
				seeds := strconv.Itoa(s.firstSeed)
				if s.seeds > 1 {
					seeds += "–" + strconv.Itoa(s.firstSeed+s.seeds-1)
				}
				w("| %d | %s | %s | %d ", s.devices, seeds, text.Integer(s.packets), s.attacks)
			} else {
				w("| | | | ")
			}
			c := s.byKind[k]
			slices.Sort(c.delays)
			delay := "–"
			if n := len(c.delays); n > 0 {
				delay = fmt.Sprintf("%.1f s, %.1f s", c.delays[n/2].Seconds(), c.delays[n-1].Seconds())
			}
			w("| `%s` | %d | %d | %d | %d | %d | %s |\n", k, c.expected, c.told, c.expected-c.told, c.alerts, c.wrong, delay)
		}
	}
	w("\n## Clean weeks\n\n| Devices | Detector | Clean days | False alerts | A day of the plant | A device-day |\n|--:|---|--:|--:|--:|--:|\n")
	for _, s := range all {
		for _, k := range allKinds {
			n := float64(s.byKind[k].clean)
			w("| %d | `%s` | %.0f | %.0f | %.3f | %.5f |\n", s.devices, k, s.days, n, n/s.days, n/s.days/float64(s.devices))
		}
	}
	w("\n## Alerts of one attack\n\nFewest to most over all plants. A slow attack that continues an alert of the fast one gives none of its own.\n\n| Attack |")
	for _, k := range allKinds {
		w(" `%s` |", k)
	}
	w("\n|---|%s\n", strings.Repeat("--:|", len(allKinds)))
	counts := map[string]map[detect.Kind][]int{}
	for _, s := range all {
		for kind, by := range s.byAttack {
			if counts[kind] == nil {
				counts[kind] = map[detect.Kind][]int{}
			}
			for k, n := range by {
				counts[kind][k] = append(counts[kind][k], n...)
			}
		}
	}
	for _, kind := range slices.SortedFunc(maps.Keys(counts), cmp.Compare[string]) {
		name, slow := strings.CutSuffix(kind, slowly)
		w("| `%s`", name)
		if slow {
			w(slowly)
		}
		w(" |")
		for _, k := range allKinds {
			lo, hi := slices.Min(counts[kind][k]), slices.Max(counts[kind][k])
			switch {
			case hi == 0:
				w(" |")
			case lo == hi:
				w(" %d |", lo)
			default:
				w(" %d–%d |", lo, hi)
			}
		}
		w("\n")
	}
	return b.String()
}
