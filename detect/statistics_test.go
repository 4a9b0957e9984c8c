package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// polls are minutes in which a panel asks two controllers, the same day and night.
func polls(from, minutes int, change func(n int, m *observe.Minute)) []*observe.Minute {
	r := rand.New(rand.NewPCG(uint64(from), 9))
	var list []*observe.Minute
	for n := from; n < from+minutes; n++ {
		m := &observe.Minute{Start: monday(n), Seq: uint64(n + 1)}
		for _, to := range []string{"10.0.0.2", "10.0.0.3"} {
			e := edgeAt(m, "10.0.0.1", to, 0)
			e.ServerPort, e.Service, e.Opened = 502, "modbus-tcp", 0
			e.PacketsOut = uint64(100 + r.IntN(6))
			e.PacketsIn = e.PacketsOut
			e.BytesOut, e.BytesIn = 70*e.PacketsOut, 90*e.PacketsIn
			m.Edges = append(m.Edges, e)
			m.Operations = append(m.Operations, observe.Operation{Src: e.Client, Dst: e.Server, Protocol: "modbus-tcp", Code: "03", Class: ot.Read, Count: 50})
		}
		if change != nil {
			change(n, m)
		}
		list = append(list, m)
	}
	return list
}

const twoDays = 2 * 24 * 60

// The vector of a window, worked out by hand.
func TestVectorOfAWindow(t *testing.T) {
	d := newBehaviour(&Config{})
	var got *doings
	for n := range 8 {
		m := &observe.Minute{Start: monday(n)}
		if n == 0 {
			a := edgeAt(m, "10.0.0.1", "10.0.0.2", 0)
			a.PacketsOut, a.BytesOut, a.PacketsIn, a.BytesIn, a.Opened, a.Failed, a.Service, a.ServerPort = 30, 3000, 10, 1000, 4, 1, "modbus-tcp", 502
			b := edge("10.0.0.1", "8.8.8.8", decode.ProtoUDP, 53)
			b.PacketsOut, b.BytesOut, b.PacketsIn, b.BytesIn, b.First, b.Last = 10, 1000, 10, 3000, m.Start, m.Start
			c := edgeAt(m, "10.0.0.9", "10.0.0.1", 0)
			c.PacketsOut, c.BytesOut, c.PacketsIn, c.BytesIn, c.Opened, c.ServerPort = 20, 2000, 20, 2000, 1, 80
			m.Edges = append(m.Edges, a, b, c)
			m.Operations = append(m.Operations,
				observe.Operation{Src: ip("10.0.0.1"), Dst: ip("10.0.0.2"), Class: ot.Write, Direction: ot.Request, Count: 7},
				observe.Operation{Src: ip("10.0.0.1"), Dst: ip("10.0.0.2"), Class: ot.Read, Direction: ot.Error, Count: 1})
		}
		for _, w := range d.gather(newView(m, d.cfg, uint64(n))) {
			got = w.data[ip("10.0.0.1")]
		}
	}
	if got == nil {
		t.Fatal("the window was not closed")
	}
	v := got.vector()
	log := func(x float64) int32 { return int32(math.Round(16 * math.Log2(1+x))) }
	want := map[int]int32{
		statBytesOut: log(6000), statBytesIn: log(6000), statPacketsOut: log(60), statPacketsIn: log(40), statSizeOut: log(100), statSizeIn: log(150),
		statPeers: log(3), statServers: log(2), statClients: log(1), statPortsUsed: log(2), statPortsServed: log(1), statOpened: log(5), statAccepted: log(1),
		statFailed: log(1), statRefused: 0, statMulticast: 0, statUDP: log(10), statInternet: log(1000), statOutShare: 32, statFailedShare: 13,
		statUDPShare: 21, statOTShare: 21, statTopShare: 21, statPeerEntropy: 25, statPortEntropy: 15, statOperations: log(8), statWrites: log(7), statErrors: log(1),
		statBurst: log(5), statGap: log(3000),
	}
	for i, x := range v {
		if w, ok := want[i]; !ok || w != x {
			t.Errorf("%s: %d, want %d", statistics[i].name, x, w)
		}
	}
}

// A device that does the same all the time: columns that never vary break nothing, and what changes is named.
func TestStatisticsOfASteadyDevice(t *testing.T) {
	rows := learnedBy(t, IPStatistics, polls(0, twoDays, nil))
	if got := detectedBy(rows, IPStatistics, polls(twoDays, 24*60, nil)); len(got) > 0 {
		t.Errorf("a day like those before: %v", got[0].Args)
	}
	from := twoDays + 100
	attack := func(minutes int) []*observe.Minute {
		return polls(twoDays, 240, func(n int, m *observe.Minute) {
			if n >= from && n < from+minutes {
				m.Operations = append(m.Operations, observe.Operation{Src: ip("10.0.0.1"), Dst: ip("10.0.0.2"), Class: ot.Write, Direction: ot.Request, Count: 40})
			}
		})
	}
	got := detectedBy(rows, IPStatistics, attack(15))
	if len(got) != 1 || got[0].Key != "s|x|10.0.0.1" || !strings.HasPrefix(argOf(&got[0], "statistics"), "ot-writes 196 [0 – 1]") || got[0].Technique != "T0855" || got[0].Count != 2 {
		t.Fatalf("writes for fifteen minutes: %+v", got)
	}
	if got := detectedBy(rows, IPStatistics, attack(5)); len(got) != 0 {
		t.Errorf("weak needs two windows, and one told: %v", got[0].Args)
	}
	for _, c := range []struct {
		name string
		hand []Row
		told int
	}{
		{"strong needs one", []Row{{Src: "10.0.0.1", Item: ItemMode, Value: StatisticsStrong}}, 1},
		{"off tells nothing", []Row{{Src: "10.0.0.1", Item: ItemMode, Value: StatisticsOff}}, 0},
		{"the device's own row counts more than a prefix and all", []Row{{Src: Any, Item: ItemMode, Value: StatisticsOff}, {Src: "10.0.0.0/24", Item: ItemMode, Value: StatisticsOff},
			{Src: "10.0.0.1", Item: ItemMode, Value: StatisticsStrong}}, 1},
	} {
		for i := range c.hand {
			c.hand[i].List, c.hand[i].Site, c.hand[i].Origin = IPStatistics, "s", Hand
			if err := c.hand[i].Check(); err != nil {
				t.Fatal(err)
			}
		}
		got := slices.DeleteFunc(detectedBy(append(slices.Clone(rows), c.hand...), IPStatistics, attack(5)), func(a Alert) bool { return a.Key != "s|x|10.0.0.1" })
		if len(got) != c.told {
			t.Errorf("%s: %d alerts", c.name, len(got))
		}
	}
}

// With less than half a day learned nothing is judged, and the list says so.
func TestStatisticsOfTooLittle(t *testing.T) {
	rows := learnedBy(t, IPStatistics, polls(0, 11*60, nil))
	for _, d := range Statistics(rows) {
		if d.Judged || d.Windows < 100 {
			t.Errorf("%+v", d)
		}
	}
	loud := polls(11*60, 60, func(_ int, m *observe.Minute) { m.Edges[0].BytesOut *= 1000 })
	if got := detectedBy(rows, IPStatistics, loud); len(got) > 0 {
		t.Errorf("judged by 131 windows: %v", got[0].Args)
	}
	if rows := learnedBy(t, IPStatistics, polls(0, 7, nil)); len(rows) != 0 {
		t.Errorf("a window of which the sensor saw only a part was learned: %d", len(rows))
	}
}

// The analysis finds one component where two statistics go together, and tells what leaves it.
func TestScorerOfTwoThatGoTogether(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	var m moments
	for range 2000 {
		x := int32(100 + 40*r.NormFloat64())
		m.add(&vector{statBytesOut: max(x, 0), statPacketsOut: max(x, 0)})
	}
	s := newScorer(&m)
	if len(s.axes) != 1 || math.Abs(math.Abs(s.axes[0][statBytesOut])-math.Sqrt2/2) > 0.01 {
		t.Fatalf("%d components: %v", len(s.axes), s.axes)
	}
	t2, q := s.limits(1e-3)
	if t2 < 10 || t2 > 12 || q != leastQ { // chi² with one degree of freedom: 10.8
		t.Errorf("limits %g, %g", t2, q)
	}
	for _, c := range []struct {
		name      string
		v         vector
		t2, apart bool
	}{
		{"the mean", vector{statBytesOut: 100, statPacketsOut: 100}, false, false},
		{"both, two deviations", vector{statBytesOut: 180, statPacketsOut: 180}, false, false},
		{"both, five deviations", vector{statBytesOut: 300, statPacketsOut: 300}, true, false},
		{"one up, one down", vector{statBytesOut: 200, statPacketsOut: 0}, false, true},
		{"one that never varied", vector{statBytesOut: 100, statPacketsOut: 100, statFailed: 30}, false, true},
	} {
		x, y := s.score(&c.v)
		if (x > t2) != c.t2 || (y > q) != c.apart {
			t.Errorf("%s: T² %.1f (limit %.1f), Q %.1f (limit %.1f)", c.name, x, t2, y, q)
		}
	}
	var none moments
	none.add(&vector{})
	none.add(&vector{})
	if t2, q := newScorer(&none).score(&vector{statPeers: 8}); t2 != 0 || q != 4 {
		t.Errorf("nothing varied: T² %g, Q %g", t2, q)
	}
}

// After eight weeks older windows count half, so that a change becomes normal.
func TestStatisticsForget(t *testing.T) {
	m := &model{}
	for range modelFull - 1 {
		m.learn(vector{statPeers: 32})
	}
	for range 2*modelFull + 10 {
		m.learn(vector{statPeers: 64})
	}
	if m.now.n > modelFull || float64(m.now.sum[statPeers])/float64(m.now.n) < 50 {
		t.Errorf("%d windows, mean %d", m.now.n, m.now.sum[statPeers]/m.now.n)
	}
}

func TestModelsThatAreNone(t *testing.T) {
	m := &model{}
	for range 300 {
		m.learn(vector{statPeers: 32, statOpened: 5})
	}
	good := m.text()
	if again, err := readModel(good); err != nil || again.text() != good {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"empty": "", "no base64": "!!!", "cut": good[:len(good)-4], "longer": good + "AAAA", "zeros": "AP8H", "other": "AQAAAACA3AEB"} {
		if _, err := readModel(s); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func FuzzReadModel(f *testing.F) {
	m := &model{}
	for i := range 300 {
		m.learn(vector{statPeers: int32(i % 7), statOpened: 5})
	}
	f.Add(m.text())
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		m, err := readModel(s)
		if err != nil {
			return
		}
		again, err := readModel(m.text())
		if err != nil || again.now != m.now || again.was != m.was || again.seen != m.seen {
			t.Fatalf("%q: read, written and read it is not the same: %v", s, err)
		}
		j := m.judge(&vector{statPeers: 9}, StatisticsWeak)
		if math.IsNaN(j.t2) || math.IsNaN(j.q) {
			t.Fatalf("%q: T² %g, Q %g", s, j.t2, j.q)
		}
	})
}

// TestContactsAreBounded: each role is counted to maxPeers, whatever the other has, and what is known still counts beyond.
func TestContactsAreBounded(t *testing.T) {
	var c contacts
	for i := range uint64(3 * maxPeers) {
		c.add(decode.Addr{Lo: i}, asServer, 1)
		c.add(decode.Addr{Hi: 1, Lo: i}, asClient, 2)
		c.add(decode.Addr{}, asClient, 1)
	}
	if c.counted != maxPeers || c.in != [2]int{maxPeers, maxPeers} || len(c.list) > 3*maxPeers {
		t.Errorf("%d counted, %v in, %d kept", c.counted, c.in, len(c.list))
	}
	n := c.counts()
	if len(n) != maxPeers || n[0] != 1 || n[len(n)-1] != 3*maxPeers+1 {
		t.Errorf("%d counts from %d to %d", len(n), n[0], n[len(n)-1])
	}
}
