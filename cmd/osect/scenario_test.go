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
	"testing"
	"time"

	"osect/detect"
	"osect/pipeline"
	"osect/store"
	"osect/text"
)

// The scenarios hold detection against the truth of synthetic plants: a clean
// part is learned, then all attacks of plantgen are made one after the other.
// go test runs one small plant; OSECT_SCENARIOS=long runs them all, with a
// second clean day each, and writes docs/detection/results.md. OSECT_SEED is the first seed.

// size is a plant and how many seeds of it are run.
type size struct{ devices, seeds int }

var longSizes = []size{{20, 20}, {200, 5}, {1000, 1}}

const firstSeed = 3001

// listKinds are the detectors that are lists: each attack that names one must be told by it.
var listKinds = []detect.Kind{detect.ConnectedDevice, detect.IPCommunication, detect.OTIP, detect.OTEthernet, detect.BuiltIn}

// grace is how long after an attack's last frame its alerts may begin.
const grace = time.Minute

// truth is what plantgen says of its capture, as far as it is used here.
type truth struct {
	Start          time.Time `json:"start"`
	AttackFrom     time.Time `json:"attack_from"`
	Packets        int64     `json:"packets"`
	Communications []struct {
		Client, Server, Proto string
		Port                  uint16
		SourcePort            uint16 `json:"source_port"`
		Low                   uint16 `json:"port_low"`
		High                  uint16 `json:"port_high"`
		Clean                 int64  `json:"packets_clean"`
	} `json:"communications"`
	Operations []struct {
		Src, Dst, Protocol, Direction string
		Code                          string `json:"function_code"`
		Clean                         int64  `json:"count_clean"`
	} `json:"operations"`
	Attacks []attackTruth     `json:"attacks"`
	NotMade map[string]string `json:"attacks_not_made"`
}

type attackTruth struct {
	Kind               string
	Start, End         time.Time
	SrcIP              string `json:"src_ip"`
	SrcMAC             string `json:"src_mac"`
	DstIP              string `json:"dst_ip"`
	DstMAC             string `json:"dst_mac"`
	Expected, Possible []detect.Kind
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
		end(x.DstIP, x.DstMAC, a.SrcIP, a.SrcMAC) || end(x.DstIP, x.DstMAC, a.DstIP, a.DstMAC)
}

// score is what was counted of one detector in plants of one size.
type score struct {
	expected, told int
	alerts         int // of attacks
	wrong          int // outside of attacks that may raise the kind
	clean          int // in what was learned, and in a second clean day
	delays         []time.Duration
}

// scores of a size.
type scores struct {
	size
	firstSeed int
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
	for _, z := range sizes {
		s := &scores{size: z, firstSeed: seed, byKind: map[detect.Kind]*score{}, byAttack: map[string]map[detect.Kind][]int{}}
		for _, k := range listKinds {
			s.byKind[k] = &score{}
		}
		for i := range z.seeds {
			t.Run(fmt.Sprintf("%d devices seed %d", z.devices, seed+i), func(t *testing.T) {
				p := makePlant(t, plantgen, z.devices, seed+i, long)
				p.run(s)
			})
		}
		seed += 100
		all = append(all, s)
	}
	if long && !t.Failed() {
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "detection", "results.md"), []byte(resultsPage(all)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// plant is one synthetic plant: its captures, and what it says of itself.
type plant struct {
	t                      *testing.T
	dir                    string
	clean, attacked        string
	firstClean, otherClean string // a day and the next, without attacks; "" for none
	truth                  truth
}

func makePlant(t *testing.T, plantgen string, devices, seed int, days bool) *plant {
	p := &plant{t: t, dir: t.TempDir()}
	p.clean, p.attacked = filepath.Join(p.dir, "clean.pcap"), filepath.Join(p.dir, "attacked.pcap")
	name := filepath.Join(p.dir, "truth.json")
	generate := func(args ...string) {
		args = append(args, "--devices", strconv.Itoa(devices), "--seed", strconv.Itoa(seed))
		if out, err := exec.Command(plantgen, args...).CombinedOutput(); err != nil {
			t.Fatalf("plantgen %v: %v\n%s", args, err, out)
		}
	}
	generate("--attack-from", "16h", "--attacks", "all", "--out", p.clean, "--attacked", p.attacked, "--truth", name)
	if days {
		p.firstClean, p.otherClean = filepath.Join(p.dir, "day1.pcap"), filepath.Join(p.dir, "day2.pcap")
		generate("--duration", "48h", "--attack-from", "24h", "--attacks", "none", "--out", p.firstClean, "--attacked", p.otherClean)
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

// alerts are those of the detectors that are lists.
func (p *plant) alerts(st *store.Store) []store.Alert {
	return slices.DeleteFunc(p.everyAlert(st), func(a store.Alert) bool { return !slices.Contains(listKinds, a.Kind) })
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

	st := p.store("streamed.db")
	p.replay(st, pipeline.Learn, p.clean)
	p.replay(st, pipeline.Detect, p.attacked)
	alerts := p.alerts(st)
	p.judge(s, alerts)
	for i := range alerts {
		p.checkMessage(&alerts[i])
		p.checkLearned(&alerts[i])
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
	for _, a := range p.alerts(again) {
		if a.First < p.truth.AttackFrom.UnixNano() && !slices.ContainsFunc(alerts, func(b store.Alert) bool { return a.ID == b.ID && a.First == b.First }) {
			s.byKind[a.Kind].clean++
			t.Errorf("an alert on what was learned: %s", describe(&a))
		}
	}

	if p.otherClean != "" {
		days := p.store("days.db")
		p.replay(days, pipeline.Learn, p.firstClean)
		p.replay(days, pipeline.Detect, p.otherClean)
		for _, a := range p.alerts(days) {
			s.byKind[a.Kind].clean++
			t.Errorf("an alert on a second clean day: %s", describe(&a))
		}
	}
}

// judge holds alerts against the attacks.
func (p *plant) judge(s *scores, alerts []store.Alert) {
	perAttack := map[string]map[detect.Kind]int{}
	for i := range p.truth.Attacks {
		x := &p.truth.Attacks[i]
		perAttack[x.Kind] = map[detect.Kind]int{}
		for _, k := range x.Expected {
			if !slices.Contains(listKinds, k) {
				continue
			}
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
			if first.IsZero() {
				p.t.Errorf("%s %s: no alert of %s (%s %s → %s %s)", x.Start.Format(time.TimeOnly), x.Kind, k, x.SrcIP, x.SrcMAC, x.DstIP, x.DstMAC)
				continue
			}
			sc.told++
			sc.delays = append(sc.delays, max(0, first.Sub(x.Start)))
		}
	}
	for j := range alerts {
		a := &alerts[j]
		i := slices.IndexFunc(p.truth.Attacks, func(x attackTruth) bool {
			// Who talks to the silenced device only falls silent with it; such an alert begins with the last that was heard of
			// it, before the attack by as much as its longest silence of before.
			learned, _ := arg(a, "learned")
			quiet, _ := strconv.Atoi(learned)
			silent := x.Kind == "silent-device" && (a.Subkind == "silent-device" || a.Subkind == "cyclic-silent") &&
				x.told(a) && a.First >= x.Start.Add(-grace-time.Duration(quiet)*time.Minute).UnixNano()
			return (silent || x.began(a) && x.touches(a)) && (slices.Contains(x.Expected, a.Kind) || slices.Contains(x.Possible, a.Kind))
		})
		if i < 0 {
			s.byKind[a.Kind].wrong++
			p.t.Errorf("false alert: %s", describe(a))
			continue
		}
		s.byKind[a.Kind].alerts++
		perAttack[p.truth.Attacks[i].Kind][a.Kind]++
	}
	for kind, n := range perAttack {
		if s.byAttack[kind] == nil {
			s.byAttack[kind] = map[detect.Kind][]int{}
		}
		total := 0
		for _, k := range listKinds {
			s.byAttack[kind][k] = append(s.byAttack[kind][k], n[k])
			total += n[k]
		}
		if most := cmp.Or(moreAlerts[kind], mostAlerts); total > most {
			p.t.Errorf("%s gave %d alerts, more than %d: %v", kind, total, most, n)
		}
	}
}

// mostAlerts is how many alerts one attack may give: whoever is paged reads all
// of them. A scan that begins shortly before a minute's end gives more
// (docs/detection/ip-communication.md, flood rule).
const mostAlerts = 6

var moreAlerts = map[string]int{"port-scan": 5 + 2, "sweep": 20 + 1}

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
		"Written by `make scenarios`. Each plant (`plantgen`, README there) is 24 hours: 16 hours are learned, then all attacks\n" +
		"are made one after the other in 8 hours. Alerts are held against the generator's truth: an attack is *told* by a detector if an alert of\n" +
		"that kind is between the right ends and within the attack's time and a minute; an alert is *false* if no attack that\n" +
		"may raise its kind touches its ends then. *Clean* are alerts in the learned hours themselves and on a second day without\n" +
		"attacks after a first one was learned. Each run also requires that learning and detecting over stored minutes give the same rows and\n" +
		"alerts as streaming, that each message is complete in both languages, and that a reason names as learned\n" +
		"only what occurred in the clean part, and nothing only where nothing did. The detectors were not tuned on these seeds.\n\n" +
		"*Delay* is packet time from the attack's first frame to the first frame of the alert (median, longest: such attacks begin with what\n" +
		"is allowed). An alert is written when its minute is over: up to 65 s more.\n\n" +
		"| Devices | Seeds | Packets | Attacks | Detector | Expected | Told | Missed | Alerts | False | Clean | Delay |\n" +
		"|--:|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, s := range all {
		for i, k := range listKinds {
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
			w("| `%s` | %d | %d | %d | %d | %d | %d | %s |\n", k, c.expected, c.told, c.expected-c.told, c.alerts, c.wrong, c.clean, delay)
		}
	}
	w("\n## Alerts of one attack\n\nFewest to most over all plants. Attacks without any are for ip-volume (exfiltration).\n\n| Attack |")
	for _, k := range listKinds {
		w(" `%s` |", k)
	}
	w("\n|---|%s\n", strings.Repeat("--:|", len(listKinds)))
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
		w("| `%s` |", kind)
		for _, k := range listKinds {
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
