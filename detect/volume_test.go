package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"osect/observe"
)

// monday is minute 0 of Monday 2026-08-03 by the clock of +09:00.
func monday(n int) int64 { return plantStart + int64(n)*observe.MinuteLength }

// transfer is a minute in which a pair exchanges bytes.
func transfer(n int, bytes uint64) *observe.Minute {
	m := &observe.Minute{Start: monday(n), Seq: uint64(n + 1)}
	m.Edges = append(m.Edges, edgeAt(m, "10.0.0.1", "10.0.0.2", bytes))
	return m
}

func edgeAt(m *observe.Minute, client, server string, bytes uint64) observe.Edge {
	e := tcp(client, server, 445)
	e.BytesOut, e.BytesIn, e.First, e.Last = bytes, 0, m.Start+1e9, m.Start+2e9
	return e
}

// steady are weeks of a pair that exchanges bytes(hour of the week) every minute.
func steady(weeks int, bytes func(hour int) uint64) []*observe.Minute {
	r := rand.New(rand.NewPCG(1, 2))
	var list []*observe.Minute
	for n := range weeks * weekMinutes {
		if b := bytes(n / 60 % (7 * 24)); b > 0 {
			list = append(list, transfer(n, uint64(float64(b)*(0.95+0.1*r.Float64()))))
		}
	}
	return list
}

// learnedBy gives the rows of one kind after learning minutes, as a store would hold them.
func learnedBy(t *testing.T, kind Kind, minutes []*observe.Minute, hand ...Row) []Row {
	t.Helper()
	for i := range hand {
		hand[i].List, hand[i].Site, hand[i].Origin = kind, "s", Hand
		if err := hand[i].Check(); err != nil {
			t.Fatal(err)
		}
	}
	e := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Learning, kind), hand, nil)
	l := &rowList{t: t, rows: map[string]Row{}}
	for _, m := range minutes {
		l.apply(e.Minute(m).Changes)
	}
	return append(l.all(), hand...)
}

// detectedBy gives the alerts of minutes, each as it is at the end.
func detectedBy(rows []Row, kind Kind, minutes []*observe.Minute) []Alert {
	e := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Detecting, kind), rows, nil)
	last := map[string]Alert{}
	for _, m := range minutes {
		for _, a := range e.Minute(m).Alerts {
			last[a.ID] = a
		}
	}
	var out []Alert
	for _, a := range last {
		out = append(out, a)
	}
	slices.SortFunc(out, func(a, b Alert) int { return compareTime(a.First, b.First) })
	return out
}

func argOf(a *Alert, name string) string {
	for _, x := range a.Args {
		if x.Name == name {
			return x.Value
		}
	}
	return ""
}

// Nights carry little and days much: each hour has its own threshold, and 0.8 of it is silent.
func TestVolumeThresholdOfTheHour(t *testing.T) {
	rows := learnedBy(t, IPVolume, steady(4, func(h int) uint64 {
		if h%24 >= 8 && h%24 < 18 {
			return 10_000_000
		}
		return 100_000
	}))
	pair := Volumes(rows)
	if len(pair) != 1 || len(pair[0].Hours) != 168 || pair[0].Hours[3].Cell != cellHourOfWeek {
		t.Fatalf("%+v", pair)
	}
	night, day := pair[0].Hours[3].Threshold, pair[0].Hours[10].Threshold
	if night < 750_000 || night > 2_500_000 || day < 75_000_000 || day > 250_000_000 {
		t.Errorf("thresholds %d at three, %d at ten: want between 1.5 and 5 times the usual", night, day)
	}
	begin := 4*weekMinutes + 3*60 // Monday, three o'clock
	for _, c := range []struct {
		name  string
		at    int
		bytes uint64
		told  bool
	}{
		{"night, 0.8 of its threshold", begin, night * 8 / 10, false},
		{"night, 1.1 of its threshold", begin, night * 11 / 10, true},
		{"night, what is usual by day", begin, 50_000_000, true},
		{"day, what is usual by day", begin + 7*60, 50_000_000, false},
		{"day, 1.1 of its threshold", begin + 7*60, day * 11 / 10, true},
	} {
		got := detectedBy(rows, IPVolume, []*observe.Minute{transfer(c.at, c.bytes)})
		if c.told != (len(got) == 1) {
			t.Errorf("%s: %d alerts", c.name, len(got))
		}
	}
	a := detectedBy(rows, IPVolume, []*observe.Minute{transfer(begin, 5_000_000), transfer(begin+1, 5_000_000), transfer(begin+6, 20_000_000)})
	if len(a) != 1 || a[0].Count != 2 || argOf(&a[0], "cell") != cellHourOfWeek || argOf(&a[0], "seen") != "20 MB" || a[0].Key != "s|x|10.0.0.1|10.0.0.2" ||
		argOf(&a[0], "at") != "2026-08-31 03:05 +09:00" {
		t.Errorf("two windows of one pair, of which the larger is told: %+v", a)
	}
}

// While an hour of the week has too few windows, coarser cells are taken, and it is said which.
func TestVolumeFallsBackToCoarserCells(t *testing.T) {
	for _, c := range []struct {
		name    string
		minutes int // learned since Monday 00:00
		cell    string
	}{
		{"under an hour", 50, ""},
		{"two hours", 130, cellAll},
		{"three hours", 200, cellDays},
		{"three days", 3 * 24 * 60, cellHourOfDay},
		{"three weeks", 3 * weekMinutes, cellHourOfWeek},
	} {
		var list []*observe.Minute
		for n := range c.minutes {
			list = append(list, transfer(n, 1_000_000))
		}
		pair := Volumes(learnedBy(t, IPVolume, list))[0]
		cell := ""
		if len(pair.Hours) == 168 {
			cell = pair.Hours[1].Cell
		}
		if c.name == "two hours" {
			cell = pair.Hours[5*24+1].Cell // no window of a weekend yet
		}
		if cell != c.cell {
			t.Errorf("%s: cell %q, want %q", c.name, cell, c.cell)
		}
	}
}

func TestVolumeByHand(t *testing.T) {
	week := steady(1, func(int) uint64 { return 1_000_000 })
	big := []*observe.Minute{transfer(weekMinutes+600, 100_000_000)}
	pair := func(item, value string) Row { return Row{Src: "10.0.0.1", Dst: "10.0.0.2", Item: item, Value: value} }
	all := func(item string) Row { return Row{Src: Any, Dst: "10.0.0.0/24", Item: item} }
	for _, c := range []struct {
		name string
		hand []Row
		told string // subkind
	}{
		{"nothing", nil, SubVolume},
		{"not watched", []Row{pair(ItemUnwatch, "")}, ""},
		{"no pair of the network is watched", []Row{all(ItemUnwatch)}, ""},
		{"only this one is", []Row{all(ItemUnwatch), pair(ItemWatch, "")}, SubVolume},
		{"a higher limit", []Row{pair(ItemLimit, "200000000")}, ""},
		{"a lower limit", []Row{pair(ItemLimit, "90000000")}, SubLimit},
		{"a limit of all", []Row{{Src: Any, Dst: Any, Item: ItemLimit, Value: "200000000"}}, ""},
	} {
		got := detectedBy(learnedBy(t, IPVolume, week, c.hand...), IPVolume, big)
		sub := ""
		if len(got) == 1 {
			sub = got[0].Subkind
		}
		if sub != c.told || len(got) > 1 {
			t.Errorf("%s: %q, want %q", c.name, sub, c.told)
		}
	}
	// A limit by hand counts below the floor of learned thresholds too.
	small := []*observe.Minute{transfer(weekMinutes+600, 3000)}
	if got := detectedBy(learnedBy(t, IPVolume, week, pair(ItemLimit, "1000")), IPVolume, small); len(got) != 1 || got[0].Subkind != SubLimit {
		t.Errorf("3,000 bytes against a limit of 1,000: %+v", got)
	}
	if got := detectedBy(learnedBy(t, IPVolume, week), IPVolume, small); len(got) > 0 {
		t.Errorf("3,000 bytes: %+v", got)
	}
	for _, bad := range []Row{
		pair(ItemLimit, ""), pair(ItemLimit, "0"), pair(ItemLimit, "-5"), pair(ItemLimit, "5 MB"), pair(ItemWatch, "x"), pair("other", ""), pair(ItemVolume, "!"),
		{Src: "2026-13-01", Item: ItemHoliday}, {Src: Any, Item: ItemZone, Value: "Tokyo"}, {Src: "00:00:5e:00:53:01", Dst: Any, Item: ItemWatch},
	} {
		bad.List, bad.Site = IPVolume, "s"
		if bad.Check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

// Accepting an alert makes one and a half times what it saw the limit.
func TestVolumeAccepted(t *testing.T) {
	rows := learnedBy(t, IPVolume, steady(1, func(int) uint64 { return 1_000_000 }))
	n := weekMinutes + 600
	big := []*observe.Minute{transfer(n, 100_000_000)}
	a := detectedBy(rows, IPVolume, big)
	if len(a) != 1 {
		t.Fatal(len(a))
	}
	more := a[0].AcceptRows()
	if len(more) != 1 || more[0].Check() != nil || more[0].Value != "150000000" {
		t.Fatalf("%+v", more)
	}
	rows = append(rows, more...)
	if got := detectedBy(rows, IPVolume, append(big, transfer(n+10, 140_000_000))); len(got) != 0 {
		t.Errorf("accepted, and told again: %+v", got)
	}
	if got := detectedBy(rows, IPVolume, []*observe.Minute{transfer(n, 160_000_000)}); len(got) != 1 {
		t.Errorf("above the accepted limit: %d", len(got))
	}
}

// A holiday is learned and judged as a Sunday, and the clock decides which hour it is.
func TestVolumeHolidayAndZone(t *testing.T) {
	list := steady(4, func(h int) uint64 {
		if h >= 5*24 {
			return 100_000
		}
		return 10_000_000
	})
	busy := []*observe.Minute{transfer(4*weekMinutes+12*60, 50_000_000)} // Monday 2026-08-31
	rows := learnedBy(t, IPVolume, list)
	if got := detectedBy(rows, IPVolume, busy); len(got) != 0 {
		t.Errorf("a working day: %+v", got)
	}
	free := append(rows, Row{List: IPVolume, Site: "s", Src: "2026-08-31", Item: ItemHoliday, Origin: Hand})
	if got := detectedBy(free, IPVolume, busy); len(got) != 1 {
		t.Errorf("as busy on a holiday: %d alerts", len(got))
	}
	d := newVolumes(&Config{})
	if h := d.hour(monday(0)); h != 0 {
		t.Errorf("Monday 00:00 +09:00 is hour %d", h)
	}
	d.load([]Row{{Src: Any, Item: ItemZone, Value: "-05:00"}})
	if h := d.hour(monday(0)); h != 6*24+10 { // Sunday 10:00
		t.Errorf("at -05:00 it is hour %d", h)
	}
}

// A transfer that comes once an hour by far, at no fixed time, is no alarm: learning saw that it overshoots.
func TestVolumeOfAPairThatBursts(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var list []*observe.Minute
	for n := range 5 * weekMinutes {
		bytes := uint64(50_000)
		if r.IntN(200) == 0 {
			bytes = uint64(20_000_000 * math.Exp(0.3*r.NormFloat64()))
		}
		list = append(list, transfer(n, bytes))
	}
	rows := learnedBy(t, IPVolume, list[:4*weekMinutes])
	if got := detectedBy(rows, IPVolume, list[4*weekMinutes:]); len(got) > 0 {
		t.Errorf("%d alerts in a week like the four before: %v", len(got), got[0].Args)
	}
	if got := detectedBy(rows, IPVolume, []*observe.Minute{transfer(5*weekMinutes, 500_000_000)}); len(got) != 1 {
		t.Errorf("five times the highest: %d alerts", len(got))
	}
}

// What was learned is the same in one run, or when the engine is made anew of the stored rows each day.
func TestVolumeAndStatisticsSurviveRestarts(t *testing.T) {
	w := newWeeks(5, 12)
	var list []*observe.Minute
	for n := range 5 * 24 * 60 {
		list = append(list, w.minute(n))
	}
	text := func(every int) string {
		l := &rowList{t: t, rows: map[string]Row{}}
		var e *Engine
		for n, m := range list {
			if n%every == 0 {
				e = NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Learning, IPVolume, IPStatistics), l.all(), nil)
				// What a resumed run does: the minutes that were committed fill the windows.
				for _, past := range list[max(0, n-60):n] {
					e.Warm(past)
				}
			}
			l.apply(e.Minute(m).Changes)
		}
		var b strings.Builder
		for _, r := range l.all() {
			if err := r.Check(); err != nil {
				t.Fatal(err)
			}
			b.WriteString(string(r.List) + r.Src + r.Dst + r.Item + r.Value + "\n")
		}
		return b.String()
	}
	whole := text(1 << 30)
	if len(whole) < 10_000 {
		t.Fatalf("%d bytes learned", len(whole))
	}
	if whole != text(24*60) {
		t.Error("learned with restarts, it is not the same")
	}
}

// A late part counts in its window while that is open; then no more, and nothing breaks.
func TestWindowsTakeLatePartsAndOddClocks(t *testing.T) {
	var w fives[int]
	fresh := func() int { return 0 }
	at := func(minute int) int64 { return monday(minute) }
	if c, over := w.add(at(3), fresh); c == nil || c.start != at(0) || over != nil {
		t.Fatalf("%+v", c)
	}
	if c, over := w.add(at(6), fresh); c.start != at(5) || len(over) != 0 {
		t.Errorf("six: the window of 0 is open for late parts, %v", over)
	}
	if c, _ := w.add(at(4), fresh); c == nil || c.start != at(0) {
		t.Errorf("a late part of 4: %+v", c)
	}
	if _, over := w.add(at(7), fresh); len(over) != 1 || over[0].start != at(0) || over[0].whole {
		t.Errorf("seven: %+v, want the window of 0, not whole", over)
	}
	if c, _ := w.add(at(4), fresh); c != nil {
		t.Errorf("a part of 4 after it was closed: %+v", c)
	}
	if _, over := w.add(at(12), fresh); len(over) != 1 || !over[0].whole {
		t.Errorf("twelve: %+v, want the window of 5, whole", over)
	}
	if _, over := w.add(at(40), fresh); len(over) != 1 || over[0].whole {
		t.Errorf("after a silence: %+v, want one that is not whole", over)
	}
	if c, _ := w.add(at(-3*24*60), fresh); c == nil {
		t.Error("days back: a clock that was wrong must not end it all")
	}
	if c, _ := w.add(-61e9, fresh); c == nil || c.start != -300e9 {
		t.Errorf("before 1970: %+v", c)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[float64]string{0: "0 B", 7: "7 B", 999: "999 B", 1000: "1 kB", 1234: "1.23 kB", 123_456: "123 kB", 999_600: "1 MB", 5e9: "5 GB", 1.25e12: "1250 GB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%g: %q, want %q", n, got, want)
		}
	}
}

func FuzzReadVolume(f *testing.F) {
	v := &volume{}
	for i := range 300 {
		v.add(i%168, 100+i%7)
	}
	f.Add(v.text())
	f.Add("")
	f.Add("AQAAAACA3AEB")
	f.Fuzz(func(t *testing.T, s string) {
		v, err := readVolume(s)
		if err != nil {
			return
		}
		again, err := readVolume(v.text())
		if err != nil || again.text() != v.text() || !slices.Equal(again.counts, v.counts) {
			t.Fatalf("%q: read, written and read it is not the same: %v", s, err)
		}
		for h := range hoursOfWeek {
			v.threshold(h)
		}
		v.add(3, 500)
	})
}
