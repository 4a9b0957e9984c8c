package detect

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/inventory"
	"osect/observe"
)

// Subkind of ip-statistics.
const SubUnusual = "unusual"

// Items and values of the rows of ip-statistics.
const (
	ItemModel = "model" // learned: the statistics of a device
	ItemMode  = "mode"  // by hand: Src is a device (or a prefix, or *), Value one of the modes

	StatisticsOff    = "off"
	StatisticsWeak   = "weak" // what a device without a row has
	StatisticsStrong = "strong"
)

// The constants of ip-statistics; docs/detection/ip-statistics.md states them.
const (
	modelLeast  = 144   // windows (12 h of traffic) from which on a device is judged; a power of two times it begins an epoch
	modelWeek   = 2016  // windows of a week
	modelFull   = 16128 // windows (8 weeks) at which what was learned counts half
	maxModels   = 5000  // devices of a site
	maxTop      = 1 << 30
	maxPeers    = 4096 // of a device in a window; beyond it they are not told apart
	driverCount = 4    // statistics that an alert names
	wide        = 4    // least deviations beyond its interval (a doubling) at which one count is enough
)

// statistic is one number of a device's vector.
type statistic struct {
	name  string
	scale scale
}

// scale says how a statistic becomes an integer, so that sums are exact.
type scale uint8

const (
	counted scale = iota // 16·log2(1+x)
	sized                // bytes: as counted, shown as bytes
	shared               // 64·x, x from 0 to 1
	bits                 // 16·x, an entropy in bits
)

// The statistics, in the order of the vector. Their meaning stands in docs/detection/ip-statistics.md.
const (
	statBytesOut = iota
	statBytesIn
	statPacketsOut
	statPacketsIn
	statSizeOut
	statSizeIn
	statPeers
	statServers
	statClients
	statPortsUsed
	statPortsServed
	statOpened
	statAccepted
	statFailed
	statRefused
	statMulticast
	statUDP
	statInternet
	statOutShare
	statFailedShare
	statUDPShare
	statOTShare
	statTopShare
	statPeerEntropy
	statPortEntropy
	statOperations
	statWrites
	statErrors
	statBurst
	statGap
	numStatistics
)

var statistics = [numStatistics]statistic{
	statBytesOut: {"bytes-out", sized}, statBytesIn: {"bytes-in", sized}, statPacketsOut: {"packets-out", counted}, statPacketsIn: {"packets-in", counted},
	statSizeOut: {"size-out", sized}, statSizeIn: {"size-in", sized}, statPeers: {"peers", counted}, statServers: {"servers", counted}, statClients: {"clients", counted},
	statPortsUsed: {"ports-used", counted}, statPortsServed: {"ports-served", counted}, statOpened: {"opened", counted}, statAccepted: {"accepted", counted},
	statFailed: {"failed", counted}, statRefused: {"failed-by-others", counted}, statMulticast: {"multicast", counted}, statUDP: {"udp-out", counted}, statInternet: {"internet", sized},
	statOutShare: {"share-out", shared}, statFailedShare: {"share-failed", shared}, statUDPShare: {"share-udp", shared}, statOTShare: {"share-ot", shared},
	statTopShare: {"share-top-peer", shared}, statPeerEntropy: {"entropy-peers", bits}, statPortEntropy: {"entropy-ports", bits},
	statOperations: {"ot-operations", counted}, statWrites: {"ot-writes", counted}, statErrors: {"ot-errors", counted}, statBurst: {"burst", counted}, statGap: {"gap", counted},
}

// least is the smallest standard deviation that is believed: a quarter of a doubling, a twentieth, a quarter of a bit.
func (s scale) least() float64 {
	if s == shared {
		return 64. / 20
	}
	return 4
}

func (s scale) integer(x float64) int32 {
	switch s {
	case shared:
		return int32(math.Round(64 * x))
	case bits:
		return int32(math.Round(16 * x))
	}
	return int32(math.Round(16 * math.Log2(1+x)))
}

// text writes the value of an integer of the scale as people read it.
func (s scale) text(x float64) string {
	switch s {
	case shared:
		return strconv.FormatFloat(max(0, min(100, 100*x/64)), 'f', 0, 64) + " %"
	case bits:
		return strconv.FormatFloat(max(0, x/16), 'f', 1, 64)
	}
	v := max(0, math.Exp2(x/16)-1)
	if s == sized {
		return bytesText(math.Round(v))
	}
	return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
}

// vector is what a device did in a window.
type vector [numStatistics]int32

// behaviour is the detector of devices' statistics (D1-5).
// docs/detection/ip-statistics.md states its rules.
type behaviour struct {
	cfg   *Config
	known map[decode.Addr]*model
	modes []modeRule
	n     int
	w     fives[map[decode.Addr]*doings]
	// before is the start of the window in which a device was outside its limits.
	before map[decode.Addr]int64
}

type modeRule struct {
	src  pattern
	mode string
}

// doings is what a device did in an open window.
type doings struct {
	bytesOut, bytesIn, packetsOut, packetsIn  uint64
	opened, accepted, failed, refused         uint64
	multicast, internet, udp, udpOut, control uint64
	operations, writes, errors                uint64
	peers                                     contacts // bytes
	ports, served                             contacts // services: packets of those used; those offered
	minute, minuteBytes, topMinute            uint64
	first, last                               int64
	ref                                       observe.FrameRef
}

func newBehaviour(cfg *Config) *behaviour {
	d := &behaviour{cfg: cfg, before: map[decode.Addr]int64{}}
	d.load(nil)
	return d
}

func (d *behaviour) kind() Kind { return IPStatistics }
func (d *behaviour) rows() int  { return d.n }

// parseStatistics reads a row of this list.
func parseStatistics(r *Row) (rule modeRule, m *model, err error) {
	if r.Dst != "" {
		return rule, nil, errors.New("statistics are of one device: a row has no destination")
	}
	if rule.src, err = parsePattern(r.Src); err != nil {
		return rule, nil, err
	}
	if rule.src.end.IsMAC() || rule.src.end == internetEnd {
		return rule, nil, fmt.Errorf("%q is no address, prefix or %q", r.Src, Any)
	}
	switch r.Item {
	case ItemMode:
		if rule.mode = r.Value; rule.mode != StatisticsOff && rule.mode != StatisticsWeak && rule.mode != StatisticsStrong {
			return rule, nil, fmt.Errorf("value %q: want off, weak or strong", r.Value)
		}
	case ItemModel:
		if !rule.src.exact() {
			return rule, nil, errors.New("a model is of one device")
		}
		m, err = readModel(r.Value)
	default:
		err = fmt.Errorf("item %q: want mode or model", r.Item)
	}
	return rule, m, err
}

func (d *behaviour) load(rows []Row) {
	d.known, d.modes, d.n = map[decode.Addr]*model{}, nil, 0
	for i := range rows {
		rule, m, err := parseStatistics(&rows[i])
		if err != nil {
			continue
		}
		d.n++
		if m == nil {
			d.modes = append(d.modes, rule)
			continue
		}
		m.Row = rows[i]
		m.Row.Value = ""
		d.known[rule.src.end] = m
	}
	// The row that says most of a device comes first: the device itself, then longer prefixes, then *.
	slices.SortStableFunc(d.modes, func(a, b modeRule) int { return cmp.Compare(b.src.width(), a.src.width()) })
}

// width is how much of an address a pattern says.
func (p pattern) width() int {
	switch {
	case p.prefix.IsValid():
		return p.prefix.Bits()
	case p.end == anyEnd:
		return -1
	}
	return 129
}

func (d *behaviour) mode(a decode.Addr) string {
	for i := range d.modes {
		if d.modes[i].src.match(a) {
			return d.modes[i].mode
		}
	}
	return StatisticsWeak
}

// device says whether statistics are kept of an address: one of the plant's own.
func (d *behaviour) device(a decode.Addr) bool { return inventory.Ownable(a) && !d.cfg.internet(a) }

// gather adds a minute to its window and returns the windows that are over.
func (d *behaviour) gather(v *view) (over []*five[map[decode.Addr]*doings]) {
	current, over := d.w.add(v.m.Start, func() map[decode.Addr]*doings { return map[decode.Addr]*doings{} })
	if current == nil {
		return over
	}
	minute := uint64(v.m.Start-current.start)/uint64(observe.MinuteLength) + 1
	get := func(a decode.Addr) *doings {
		if !d.device(a) {
			return nil
		}
		x := current.data[a]
		if x == nil {
			if len(current.data) >= maxModels {
				return nil
			}
			x = &doings{}
			current.data[a] = x
		}
		if x.minute != minute {
			x.minute, x.minuteBytes = minute, 0
		}
		return x
	}
	for i := range v.m.Edges {
		e := &v.m.Edges[i]
		if e.Ethernet() || e.Tunnel != decode.NoTunnel {
			continue
		}
		service := decode.Addr{Hi: uint64(e.Proto), Lo: uint64(e.ServerPort)}
		if c := get(e.Client); c != nil {
			c.edge(e, e.Server, asServer, e.PacketsOut, e.BytesOut, e.PacketsIn, e.BytesIn)
			c.ports.add(service, asServer, e.PacketsOut+e.PacketsIn)
			c.opened += uint64(e.Opened)
			c.failed += uint64(e.Failed)
			if e.Multicast || e.Server.Multicast() {
				c.multicast += e.PacketsOut
			}
			if d.cfg.internet(e.Server) {
				c.internet += e.BytesOut
			}
		}
		if e.Multicast { // nobody is a group, or the broadcast address of a net
			continue
		}
		if s := get(e.Server); s != nil {
			s.edge(e, e.Client, asClient, e.PacketsIn, e.BytesIn, e.PacketsOut, e.BytesOut)
			s.served.add(service, asClient, 0)
			s.accepted += uint64(e.Opened)
			s.refused += uint64(e.Failed)
			if d.cfg.internet(e.Client) {
				s.internet += e.BytesIn
			}
		}
	}
	for i := range v.m.Operations {
		o := &v.m.Operations[i]
		if x := current.data[o.Src]; x != nil {
			x.operations += o.Count
			switch {
			case o.Direction == ot.Error:
				x.errors += o.Count
			case o.Direction != ot.Response && (o.Class == ot.Write || o.Class == ot.Control):
				x.writes += o.Count
			}
		}
	}
	return over
}

// edge adds what an edge carried, as the device sees it.
func (x *doings) edge(e *observe.Edge, peer decode.Addr, as int, packetsOut, bytesOut, packetsIn, bytesIn uint64) {
	all := bytesOut + bytesIn
	x.packetsOut, x.bytesOut, x.packetsIn, x.bytesIn = x.packetsOut+packetsOut, x.bytesOut+bytesOut, x.packetsIn+packetsIn, x.bytesIn+bytesIn
	x.peers.add(peer, as, all)
	if e.Proto == decode.ProtoUDP {
		x.udp += all
		x.udpOut += packetsOut
	}
	if e.Service != "" {
		x.control += all
	}
	x.minuteBytes += all
	x.topMinute = max(x.topMinute, x.minuteBytes)
	if x.first == 0 || e.First < x.first {
		x.first, x.ref = e.First, e.Ref
	}
	x.last = max(x.last, e.Last)
}

// What an end of a device's edges is to it.
const (
	asServer = iota
	asClient
)

// contacts are the ends that a device had to do with, with a count of each, and how many there are in each role: no more
// than maxPeers.
type contacts struct {
	list []contact
	at   map[decode.Addr]int32 // place in list; nil while that is short
	// counted of the list have a count, in of them each role.
	counted int
	in      [2]int
}

type contact struct {
	addr    decode.Addr
	n       uint64
	counted bool
	as      [2]bool
}

// fewContacts are looked through faster than a map.
const fewContacts = 8

// add counts n for a in a role.
func (c *contacts) add(a decode.Addr, as int, n uint64) {
	x := c.find(a)
	if x == nil {
		if c.counted >= maxPeers && c.in[as] >= maxPeers {
			return
		}
		x = c.place(a)
	}
	if !x.counted && c.counted < maxPeers {
		x.counted = true
		c.counted++
	}
	if x.counted {
		x.n += n
	}
	if !x.as[as] && c.in[as] < maxPeers {
		x.as[as] = true
		c.in[as]++
	}
}

func (c *contacts) find(a decode.Addr) *contact {
	if c.at != nil {
		if i, ok := c.at[a]; ok {
			return &c.list[i]
		}
		return nil
	}
	for i := range c.list {
		if c.list[i].addr == a {
			return &c.list[i]
		}
	}
	return nil
}

func (c *contacts) place(a decode.Addr) *contact {
	c.list = append(c.list, contact{addr: a})
	switch n := len(c.list); {
	case c.at != nil:
		c.at[a] = int32(n - 1)
	case n > fewContacts:
		c.at = make(map[decode.Addr]int32, 2*n)
		for i := range c.list {
			c.at[c.list[i].addr] = int32(i)
		}
	}
	return &c.list[len(c.list)-1]
}

// counts are those of the list in order.
func (c *contacts) counts() []uint64 {
	out := make([]uint64, 0, c.counted)
	for i := range c.list {
		if c.list[i].counted {
			out = append(out, c.list[i].n)
		}
	}
	slices.Sort(out)
	return out
}

// vector makes the statistics of a window.
func (x *doings) vector() vector {
	var v vector
	put := func(i int, f float64) { v[i] = statistics[i].scale.integer(f) }
	n := func(i int, u uint64) { put(i, float64(u)) }
	ratio := func(a, b uint64) float64 {
		if b == 0 {
			return 0
		}
		return min(float64(a)/float64(b), 1)
	}
	mean := func(a, b uint64) float64 { return float64(a) / float64(max(b, 1)) }
	all := x.bytesOut + x.bytesIn
	n(statBytesOut, x.bytesOut)
	n(statBytesIn, x.bytesIn)
	n(statPacketsOut, x.packetsOut)
	n(statPacketsIn, x.packetsIn)
	put(statSizeOut, mean(x.bytesOut, x.packetsOut))
	put(statSizeIn, mean(x.bytesIn, x.packetsIn))
	n(statPeers, uint64(x.peers.counted))
	n(statServers, uint64(x.peers.in[asServer]))
	n(statClients, uint64(x.peers.in[asClient]))
	n(statPortsUsed, uint64(x.ports.counted))
	n(statPortsServed, uint64(x.served.counted))
	n(statOpened, x.opened)
	n(statAccepted, x.accepted)
	n(statFailed, x.failed)
	n(statRefused, x.refused)
	n(statMulticast, x.multicast)
	n(statUDP, x.udpOut)
	n(statInternet, x.internet)
	put(statOutShare, ratio(x.bytesOut, all))
	put(statFailedShare, ratio(x.failed, x.opened))
	put(statUDPShare, ratio(x.udp, all))
	put(statOTShare, ratio(x.control, all))
	peers, top := x.peers.counts(), uint64(0)
	if len(peers) > 0 {
		top = peers[len(peers)-1]
	}
	put(statTopShare, ratio(top, all))
	put(statPeerEntropy, entropy(peers))
	put(statPortEntropy, entropy(x.ports.counts()))
	n(statOperations, x.operations)
	n(statWrites, x.writes)
	n(statErrors, x.errors)
	put(statBurst, mean(5*x.topMinute, all))
	// The mean time between packets, ms.
	put(statGap, 300_000/float64(max(x.packetsOut+x.packetsIn, 1)))
	return v
}

// entropy of a distribution, bits. The counts are sorted: it is summed in that order.
func entropy(counts []uint64) float64 {
	sum, h := 0., 0.
	for _, c := range counts {
		sum += float64(c)
	}
	for _, c := range counts {
		if c > 0 {
			p := float64(c) / sum
			h -= p * math.Log2(p)
		}
	}
	return h
}

func (d *behaviour) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	for _, w := range d.gather(v) {
		if !w.whole {
			continue
		}
		for _, a := range slices.SortedFunc(maps.Keys(w.data), decode.Addr.Compare) {
			m := d.known[a]
			if m == nil {
				if len(d.known) >= maxModels || d.n >= maxRows {
					dropped++
					continue
				}
				m = &model{Row: Row{Src: a.String(), Item: ItemModel, Origin: Learned}}
				d.known[a] = m
				d.n++
			}
			if m.Origin == Hand {
				continue
			}
			m.learn(w.data[a].vector())
			if m.Count == 0 || w.start < m.First {
				m.First = w.start
			}
			m.Last = max(m.Last, w.start)
			m.Count++
			changes = append(changes, Change{Row: m.Row, of: &m.Row, value: m})
		}
	}
	return changes, dropped
}

// warm fills windows and remembers who was outside the limits, as inspect does, but tells nothing.
func (d *behaviour) warm(v *view) { d.inspect(v) }

func (d *behaviour) inspect(v *view) []finding {
	var found []finding
	for _, w := range d.gather(v) {
		if !w.whole {
			continue
		}
		for _, a := range slices.SortedFunc(maps.Keys(w.data), decode.Addr.Compare) {
			m, mode := d.known[a], d.mode(a)
			if m == nil || mode == StatisticsOff || m.now.n < modelLeast {
				continue
			}
			x := w.data[a]
			y := x.vector()
			j := m.judge(&y, mode)
			if !j.outside {
				delete(d.before, a)
				continue
			}
			before, ok := d.before[a]
			d.before[a] = w.start
			if mode == StatisticsWeak && (!ok || before != w.start-windowLength) {
				continue
			}
			found = append(found, j.finding(a, m, x, mode, w.start))
		}
	}
	return found
}

// judgement is what a model says of a vector.
type judgement struct {
	t2, q           float64
	t2Limit, qLimit float64
	outside         bool
	drivers         []driver
}

// driver is a statistic that is outside its interval.
type driver struct {
	i            int
	x, low, high float64
	far          float64 // standard deviations beyond the interval
}

func (j *judgement) finding(a decode.Addr, m *model, x *doings, mode string, start int64) finding {
	f := finding{subkind: SubUnusual, key: a.String(), severity: Medium, first: x.first, last: x.last, count: 1, srcIP: a.String(), ref: x.ref}
	if mode == StatisticsStrong {
		f.severity = Low
	}
	if j.t2 > 4*j.t2Limit || j.q > 4*j.qLimit {
		f.severity = High
	}
	var names []string
	for _, dr := range j.drivers[:min(len(j.drivers), driverCount)] {
		s := statistics[dr.i]
		names = append(names, fmt.Sprintf("%s %s [%s – %s]", s.name, s.scale.text(dr.x), s.scale.text(dr.low), s.scale.text(dr.high)))
	}
	if len(j.drivers) > 0 {
		switch j.drivers[0].i {
		case statPeers, statServers, statPortsUsed, statFailed, statFailedShare, statPortEntropy, statPeerEntropy, statOpened:
			f.technique = "T0846"
		case statBytesOut, statInternet, statOutShare, statSizeOut:
			f.technique = "T0882"
		case statWrites:
			f.technique = "T0855"
		}
	}
	score := func(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }
	f.args = []Arg{{"src", a.String()}, {"mode", mode}, {"statistics", or(strings.Join(names, "; "), "–")}, {"tsquare", score(j.t2)}, {"tlimit", score(j.t2Limit)},
		{"q", score(j.q)}, {"qlimit", score(j.qLimit)}, {"windows", strconv.FormatInt(m.now.n, 10)}, {"at", clockText(start, 0)}}
	return f
}

// moments are exact sums over vectors.
type moments struct {
	n     int64
	sum   [numStatistics]int64
	cross [numStatistics * (numStatistics + 1) / 2]int64 // of i, j ≤ i, by i
}

func (m *moments) add(v *vector) {
	m.n++
	k := 0
	for i := range v {
		m.sum[i] += int64(v[i])
		for j := 0; j <= i; j++ {
			m.cross[k] += int64(v[i]) * int64(v[j])
			k++
		}
	}
}

// extremes are the two highest scores, and the two lowest and highest values of each statistic, of the
// windows of one epoch.
type extremes struct {
	n         int64
	t2, q     [2]int64 // in eighths
	low, high [numStatistics][2]int32
}

func (x *extremes) add(v *vector, t2, q float64) {
	top := func(a *[2]int64, f float64) {
		s := int64(math.Round(8 * min(f, maxTop)))
		switch {
		case s > a[0]:
			a[0], a[1] = s, a[0]
		case s > a[1]:
			a[1] = s
		}
	}
	top(&x.t2, t2)
	top(&x.q, q)
	for i, y := range v {
		lo, hi := &x.low[i], &x.high[i]
		switch {
		case x.n == 0:
			*lo, *hi = [2]int32{y, y}, [2]int32{y, y}
		case x.n == 1:
			*lo, *hi = [2]int32{min(lo[0], y), max(lo[0], y)}, [2]int32{max(lo[0], y), min(lo[0], y)}
		default:
			if y < lo[0] {
				lo[0], lo[1] = y, lo[0]
			} else if y < lo[1] {
				lo[1] = y
			}
			if y > hi[0] {
				hi[0], hi[1] = y, hi[0]
			} else if y > hi[1] {
				hi[1] = y
			}
		}
	}
	x.n++
}

// model is what was learned of a device.
type model struct {
	Row
	now    moments
	was    moments     // now at the last epoch's beginning: what the epoch's windows were held against
	seen   [2]extremes // of this epoch and of the one before
	scorer *scorer     // of now, nil until it is asked for
	past   *scorer     // of was
	old    []byte      // was, written
}

// epoch says whether one begins at n windows: at modelLeast, and each time that n has doubled.
func epoch(n int64) bool {
	if n%modelLeast != 0 {
		return false
	}
	n /= modelLeast
	return n > 0 && n&(n-1) == 0
}

func (m *model) learn(v vector) {
	if m.was.n > 0 {
		if m.past == nil {
			m.past = newScorer(&m.was)
		}
		t2, q := m.past.score(&v)
		m.seen[0].add(&v, t2, q)
	}
	m.now.add(&v)
	m.scorer = nil
	if m.now.n >= modelFull {
		// Older windows count half from now on. was is what now is, so that the next epoch is held against it.
		m.now.n /= 2
		for i := range m.now.sum {
			m.now.sum[i] /= 2
		}
		for i := range m.now.cross {
			m.now.cross[i] /= 2
		}
		m.begin()
	} else if epoch(m.now.n) {
		m.begin()
	}
}

func (m *model) begin() {
	m.was, m.past, m.old = m.now, nil, nil
	m.seen[1], m.seen[0] = m.seen[0], extremes{}
}

// judge holds a vector against the model.
func (m *model) judge(v *vector, mode string) judgement {
	if m.scorer == nil {
		m.scorer = newScorer(&m.now)
	}
	s := m.scorer
	var j judgement
	j.t2, j.q = s.score(v)
	strong := mode == StatisticsStrong
	alpha, margin := 1e-4, 1.3
	if strong {
		alpha, margin = 1e-3, 1.1
	}
	if m.now.n < modelWeek {
		margin *= 1.5 // what a week holds was not seen yet
	}
	j.t2Limit, j.qLimit = s.limits(alpha)
	second := func(a, b [2]int64) float64 {
		all := []int64{a[0], a[1], b[0], b[1]}
		slices.Sort(all)
		return float64(all[2]) / 8
	}
	j.t2Limit = max(j.t2Limit, margin*second(m.seen[0].t2, m.seen[1].t2))
	j.qLimit = max(j.qLimit, margin*second(m.seen[0].q, m.seen[1].q))
	far := false
	for i := range v {
		dr := driver{i: i, x: float64(v[i])}
		dr.low, dr.high = m.interval(i, mode)
		beyond := max(dr.low-dr.x, dr.x-dr.high)
		if dr.far = beyond / s.dev[i]; dr.far > 0 {
			j.drivers = append(j.drivers, dr)
		}
		far = far || beyond >= wide*statistics[i].scale.least() && statistics[i].scale <= sized
	}
	slices.SortStableFunc(j.drivers, func(a, b driver) int { return cmp.Compare(b.far, a.far) })
	over := j.t2 > j.t2Limit || j.q > j.qLimit
	j.outside = over && len(j.drivers) > 0 || far
	if strong {
		j.outside = over || len(j.drivers) > 0
	}
	return j
}

// interval is what is normal of a statistic: while less than a week was learned, mean ± 4 deviations (3 for strong) and
// what was seen; then what was seen alone, which says more than a normal distribution would. What was seen is the second lowest
// and second highest value of the last two epochs, widened by a quarter of the deviation. It needs m.scorer.
func (m *model) interval(i int, mode string) (low, high float64) {
	z, s := 4., m.scorer
	if mode == StatisticsStrong {
		z = 3
	}
	low, high = s.mean[i]-z*s.dev[i], s.mean[i]+z*s.dev[i]
	if m.now.n >= modelWeek && m.seen[0].n+m.seen[1].n >= 2*modelLeast {
		low, high = math.Inf(1), math.Inf(-1)
	}
	margin := max(statistics[i].scale.least(), s.dev[i]/4)
	for k := range m.seen {
		if x := &m.seen[k]; x.n > 1 {
			low, high = min(low, float64(x.low[i][1])-margin), max(high, float64(x.high[i][1])+margin)
		}
	}
	return low, high
}

// text writes a model: numbers as varints, in base64 without padding: the moments of the last epoch's
// beginning, those of now, the extremes. Zeros are a zero and how many more follow.
func (m *model) text() string {
	if m.old == nil {
		m.old = m.was.append(nil)
	}
	b := m.now.append(append(make([]byte, 0, len(m.old)*5/4+1024), m.old...))
	var z zeros
	for k := range m.seen {
		m.seen[k].numbers(func(x *int64) { b = z.put(b, *x) }, func(x *int32) { b = z.put(b, int64(*x)) })
	}
	return base64.RawStdEncoding.EncodeToString(z.end(b))
}

// zeros counts zeros that are not written yet.
type zeros int

func (z *zeros) put(b []byte, x int64) []byte {
	if x == 0 {
		*z++
		return b
	}
	if *z > 0 {
		b = z.end(b)
	}
	return binary.AppendUvarint(b, uint64(x))
}

func (z *zeros) end(b []byte) []byte {
	if *z > 0 {
		b = binary.AppendUvarint(append(b, 0), uint64(*z-1))
		*z = 0
	}
	return b
}

func (m *moments) append(b []byte) []byte {
	var z zeros
	b = z.put(b, m.n)
	for _, x := range m.sum {
		b = z.put(b, x)
	}
	for _, x := range m.cross {
		b = z.put(b, x)
	}
	return z.end(b)
}

// numbers visits all numbers in the order that they are written.
func (x *extremes) numbers(wide func(*int64), narrow func(*int32)) {
	wide(&x.n)
	for i := range 2 {
		wide(&x.t2[i])
		wide(&x.q[i])
	}
	for i := range x.low {
		for k := range 2 {
			narrow(&x.low[i][k])
			narrow(&x.high[i][k])
		}
	}
}

var errModel = errors.New("value: not what a device's statistics are written as")

func readModel(s string) (*model, error) {
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errModel
	}
	bad, zero := false, uint64(0)
	uvarint := func() uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 {
			bad, b = true, nil
			return 0
		}
		b = b[n:]
		return x
	}
	next := func(most uint64) int64 {
		if zero > 0 {
			zero--
			return 0
		}
		x := uvarint()
		if x > most {
			bad = true
		}
		if x == 0 && !bad {
			zero = uvarint()
		}
		return int64(x)
	}
	m := &model{}
	for _, s := range []*moments{&m.was, &m.now} {
		s.n = next(modelFull)
		for i := range s.sum {
			s.sum[i] = next(1 << 40)
		}
		for i := range s.cross {
			s.cross[i] = next(1 << 50)
		}
	}
	for k := range m.seen {
		m.seen[k].numbers(func(x *int64) { *x = next(1 << 40) }, func(x *int32) { *x = int32(next(1 << 20)) })
	}
	if bad || zero > 0 || len(b) > 0 || m.now.n == 0 {
		return nil, errModel
	}
	return m, nil
}
