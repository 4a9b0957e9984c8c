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
	"time"

	"osect/decode"
	"osect/observe"
)

// Subkinds of ip-volume.
const (
	SubVolume = "above"       // more than was learned
	SubLimit  = "above-limit" // more than the limit that a hand set
)

// Items of the rows of ip-volume.
const (
	ItemVolume  = "volume"  // learned: the volumes of a pair
	ItemWatch   = "watch"   // by hand: the pair is watched whatever ItemUnwatch rows say
	ItemUnwatch = "unwatch" // by hand: the pair is not watched
	ItemLimit   = "limit"   // by hand: Value is the most bytes in five minutes
	ItemHoliday = "holiday" // by hand: Src is a date (2026-12-29) that counts as a Sunday
	ItemZone    = "zone"    // by hand: Value is the clock's distance from UTC (+09:00)
)

// The formula of ip-volume; docs/detection/ip-volume.md states it.
const (
	volumeStep     = 8       // steps of a volume's scale in a doubling
	volumeFloor    = 100_000 // bytes in five minutes below which nothing is told without a limit by hand
	volumeSpread   = 5.0     // spreads above the median
	volumeLeast    = 0.2     // the least spread, doublings
	volumeMargin   = 1.5     // doublings above what learning itself overshot
	volumeEver     = 2.0     // doublings above the most that was ever learned: no threshold is higher
	volumeCell     = 24      // windows that an hour of the week needs to be judged by its own; also hour of day, days
	volumeAll      = 12      // windows that a pair needs at all
	volumeFew      = 256     // windows (21 hours of traffic) below which what was highest says little of what may come
	volumeYet      = 4.0     // doublings above the most learned: no threshold is higher while windows are that few
	volumeYetLeast = 500_000 // bytes below which nothing is told while windows are that few
	volumeTail     = 6.5     // mean excesses above the median that a few windows may reach: one in 1,300 of an exponential tail
	volumeEpoch    = 64      // a power of two: overshoots are taken from the windows since the last doubling of this number, and the one before
	volumeFull     = 96      // windows of a cell at which its counts are halved
	maxVolumes     = 20_000  // pairs of a site
	defaultZone    = 9 * 3600
	hoursOfWeek    = 7 * 24
	volumeBuckets  = 512
)

// Cells that a threshold may come from, as Alert arg "cell" names them.
const (
	cellHourOfWeek = "hour-of-week"
	cellHourOfDay  = "hour-of-day"
	cellDays       = "days" // working days or weekends
	cellAll        = "all"
)

// volumes is the detector of traffic volumes of pairs (D1-4).
// docs/detection/ip-volume.md states its rules.
type volumes struct {
	cfg   *Config
	known map[ends]*volume
	rules []volumeRule
	limit map[ends]uint64 // by hand
	free  map[int64]bool  // holidays: days since 1970
	zone  int64           // s east of UTC
	n     int
	w     fives[map[ends]*flow]
}

// ends are client and server as the list knows them.
type ends struct{ client, server decode.Addr }

func (k ends) compare(o ends) int {
	return cmp.Or(k.client.Compare(o.client), k.server.Compare(o.server))
}

// flow is what a pair did in a window.
type flow struct {
	// client and server as first seen: where the internet is one end, its first address.
	client, server decode.Addr
	bytes          uint64
	first, last    int64
	told           bool
	stamp          uint64 // Engine.stamp of the newest minute
	ref            observe.FrameRef
}

// volumeRule is a row by hand with patterns.
type volumeRule struct {
	src, dst pattern
	item     string
	bytes    uint64
}

// volume is what was learned of a pair.
type volume struct {
	entry
	// counts are packed, sorted: hour of the week (local) << 24 | bucket << 15 | windows.
	counts []uint32
	// over are the two highest overshoots, in steps, of the windows since the last epoch and of the epoch before.
	over [2][2]uint16
	n    uint64 // windows learned
}

func newVolumes(cfg *Config) *volumes {
	d := &volumes{cfg: cfg}
	d.load(nil)
	return d
}

func (d *volumes) kind() Kind { return IPVolume }
func (d *volumes) rows() int  { return d.n }

// bucket is a volume's place on the scale: 8 steps a doubling.
func bucket(bytes uint64) int {
	return min(int(math.Round(volumeStep*math.Log2(float64(max(bytes, 1))))), volumeBuckets-1)
}

// ofBucket is the volume at a place on the scale.
func ofBucket(b float64) uint64 { return uint64(math.Exp2(min(b, 62*volumeStep) / volumeStep)) }

// parseVolume reads a row of this list.
func parseVolume(r *Row) (rule volumeRule, v *volume, err error) {
	rule.item = r.Item
	value := func(wanted bool) error {
		if wanted == (r.Value == "") {
			return fmt.Errorf("item %q: value %q", r.Item, r.Value)
		}
		return nil
	}
	switch r.Item {
	case ItemHoliday:
		if _, err := time.Parse(time.DateOnly, r.Src); err != nil {
			return rule, nil, fmt.Errorf("%q is no date such as 2026-12-29", r.Src)
		}
		return rule, nil, value(false)
	case ItemZone:
		_, err := parseZone(r.Value)
		return rule, nil, err
	case ItemVolume, ItemWatch, ItemUnwatch, ItemLimit:
	default:
		return rule, nil, fmt.Errorf("item %q: want volume, watch, unwatch, limit, holiday or zone", r.Item)
	}
	if rule.src, err = parsePattern(r.Src); err != nil {
		return rule, nil, err
	}
	if rule.dst, err = parsePattern(r.Dst); err != nil {
		return rule, nil, err
	}
	if rule.src.end.IsMAC() || rule.dst.end.IsMAC() {
		return rule, nil, errors.New("a pair is of addresses, not of MACs")
	}
	switch r.Item {
	case ItemLimit:
		rule.bytes, err = strconv.ParseUint(r.Value, 10, 63)
		if err != nil || rule.bytes == 0 {
			return rule, nil, fmt.Errorf("value %q: want a number of bytes in five minutes", r.Value)
		}
	case ItemVolume:
		if !rule.src.exact() || !rule.dst.exact() {
			return rule, nil, errors.New("volumes are of one pair")
		}
		v, err = readVolume(r.Value)
	default:
		err = value(false)
	}
	return rule, v, err
}

// parseZone reads "+09:00" as seconds.
func parseZone(s string) (int64, error) {
	t, err := time.Parse("-07:00", s)
	if err != nil {
		return 0, fmt.Errorf("value %q: want a distance from UTC such as +09:00", s)
	}
	_, sec := t.Zone()
	return int64(sec), nil
}

// text writes what was learned: numbers as varints, in base64 without padding. In order: windows, the four
// overshoots, then the counts, each as its difference in (hour, bucket) to the one before and its number.
func (v *volume) text() string {
	b := binary.AppendUvarint(make([]byte, 0, 16+4*len(v.counts)), v.n)
	for _, o := range v.over {
		for _, x := range o {
			b = binary.AppendUvarint(b, uint64(x))
		}
	}
	last := uint32(0)
	for _, c := range v.counts {
		b = binary.AppendUvarint(b, uint64(c>>15-last))
		b = binary.AppendUvarint(b, uint64(c&0x7fff))
		last = c >> 15
	}
	return base64.RawStdEncoding.EncodeToString(b)
}

var errVolume = errors.New("value: not what a pair's volumes are written as")

func readVolume(s string) (*volume, error) {
	b, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errVolume
	}
	bad := false
	next := func(most uint64) uint64 {
		x, n := binary.Uvarint(b)
		if n <= 0 || x > most {
			bad, b = true, nil
			return 0
		}
		b = b[n:]
		return x
	}
	v := &volume{n: next(1 << 40)}
	for i := range v.over {
		for j := range v.over[i] {
			v.over[i][j] = uint16(next(volumeBuckets))
		}
	}
	place := uint64(0)
	for first := true; len(b) > 0 && !bad; first = false {
		step := next(hoursOfWeek * volumeBuckets)
		place += step
		n := next(2 * volumeFull)
		if bad || step == 0 && !first || place >= hoursOfWeek*volumeBuckets || n == 0 {
			return nil, errVolume
		}
		v.counts = append(v.counts, uint32(place<<15|n))
	}
	if bad {
		return nil, errVolume
	}
	return v, nil
}

func (d *volumes) load(rows []Row) {
	d.known, d.rules, d.limit, d.free, d.zone, d.n = map[ends]*volume{}, nil, map[ends]uint64{}, map[int64]bool{}, defaultZone, 0
	for i := range rows {
		r := &rows[i]
		rule, v, err := parseVolume(r)
		if err != nil {
			continue
		}
		d.n++
		switch r.Item {
		case ItemHoliday:
			t, _ := time.Parse(time.DateOnly, r.Src)
			d.free[t.Unix()/86400] = true
		case ItemZone:
			d.zone, _ = parseZone(r.Value)
		case ItemVolume:
			v.Row = *r
			v.Row.Value = "" // made anew when it is needed
			d.known[ends{rule.src.end, rule.dst.end}] = v
		case ItemLimit:
			if rule.src.exact() && rule.dst.exact() {
				d.limit[ends{rule.src.end, rule.dst.end}] = rule.bytes
				continue
			}
			d.rules = append(d.rules, rule)
		default:
			d.rules = append(d.rules, rule)
		}
	}
}

// watched says whether a pair is: rows "watch" win over rows "unwatch".
func (d *volumes) watched(k ends) bool {
	on := true
	for i := range d.rules {
		r := &d.rules[i]
		if r.item == ItemLimit || !r.src.match(k.client) || !r.dst.match(k.server) {
			continue
		}
		if r.item == ItemWatch {
			return true
		}
		on = false
	}
	return on
}

// limited is the limit that a hand gave a pair; 0 for none. Of several the highest counts.
func (d *volumes) limited(k ends) uint64 {
	if n, ok := d.limit[k]; ok {
		return n
	}
	n := uint64(0)
	for i := range d.rules {
		if r := &d.rules[i]; r.item == ItemLimit && r.src.match(k.client) && r.dst.match(k.server) {
			n = max(n, r.bytes)
		}
	}
	return n
}

// gather adds a minute to its window. touched are the pairs of the minute.
func (d *volumes) gather(v *view) (current *five[map[ends]*flow], over []*five[map[ends]*flow], touched []ends) {
	current, over = d.w.add(v.m.Start, func() map[ends]*flow { return map[ends]*flow{} })
	if current == nil {
		return nil, over, nil
	}
	for i := range v.m.Edges {
		e := &v.m.Edges[i]
		if e.Ethernet() || e.Tunnel != decode.NoTunnel { // what a tunnel carries is counted by the tunnel's own row
			continue
		}
		k := ends{d.cfg.end(e.Client), d.cfg.end(e.Server)}
		f := current.data[k]
		if f == nil {
			if len(current.data) >= maxVolumes {
				continue
			}
			f = &flow{client: e.Client, server: e.Server, first: e.First, ref: e.Ref}
			current.data[k] = f
		}
		f.bytes += e.BytesOut + e.BytesIn
		f.first, f.last = min(f.first, e.First), max(f.last, e.Last)
		if f.stamp != v.stamp {
			f.stamp = v.stamp
			touched = append(touched, k)
		}
	}
	return current, over, touched
}

func (d *volumes) warm(v *view) { d.gather(v) }

// hour is the hour of the week that t is in, from Monday 00:00 by the local clock; a holiday is a Sunday.
func (d *volumes) hour(t int64) int {
	s := floor(t, 1e9)/1e9 + d.zone
	day := floor(s, 86400) / 86400
	weekday := int(day + 3 - floor(day+3, 7)) // 1970-01-01 was a Thursday
	if d.free[day] {
		weekday = 6
	}
	return weekday*24 + int(s-day*86400)/3600
}

func (d *volumes) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	_, over, _ := d.gather(v)
	for _, w := range over {
		for _, k := range slices.SortedFunc(maps.Keys(w.data), ends.compare) {
			p, f := d.known[k], w.data[k]
			if p == nil {
				if len(d.known) >= maxVolumes || d.n >= maxRows {
					dropped++
					continue
				}
				p = &volume{entry: entry{Row: Row{Src: endText(k.client), Dst: endText(k.server), Item: ItemVolume, Origin: Learned}}}
				d.known[k] = p
				d.n++
			}
			if p.Origin == Hand {
				continue
			}
			p.add(d.hour(w.start), bucket(f.bytes))
			if p.Count == 0 || w.start < p.First {
				p.First = w.start
			}
			p.Last = max(p.Last, w.start)
			p.Count++
			changes = append(changes, Change{Row: p.Row, of: &p.Row, value: p})
		}
	}
	return changes, dropped
}

// add learns a window. Before, it takes down by how much the window is above what was learned so far.
func (p *volume) add(hour, b int) {
	if p.n >= volumeEpoch && p.n&(p.n-1) == 0 {
		p.over[1], p.over[0] = p.over[0], [2]uint16{}
	}
	if base, ok := p.base(hour); ok {
		if o := float64(b) - base.top; o > 0 {
			x, top := uint16(min(math.Ceil(o), volumeBuckets)), &p.over[0]
			switch {
			case x > top[0]:
				top[0], top[1] = x, top[0]
			case x > top[1]:
				top[1] = x
			}
		}
	}
	p.n++
	key := uint32(hour)<<9 | uint32(b)
	i, found := slices.BinarySearchFunc(p.counts, key, func(c, k uint32) int { return int(c>>15) - int(k) })
	if !found {
		p.counts = slices.Insert(p.counts, i, key<<15)
	}
	p.counts[i]++
	lo, hi, n := i, i, uint32(0)
	for lo > 0 && p.counts[lo-1]>>24 == uint32(hour) {
		lo--
	}
	for hi < len(p.counts) && p.counts[hi]>>24 == uint32(hour) {
		hi++
	}
	for _, c := range p.counts[lo:hi] {
		n += c & 0x7fff
	}
	if n < volumeFull {
		return
	}
	// Older windows count half from now on.
	kept := p.counts[:lo]
	for _, c := range p.counts[lo:hi] {
		if n := c & 0x7fff / 2; n > 0 {
			kept = append(kept, c&^0x7fff|n)
		}
	}
	p.counts = append(kept, p.counts[hi:]...)
}

// base is what a threshold is made of: a median and a spread (in steps), and of which cell they are.
type base struct {
	cell           string
	windows        uint32
	median, spread float64
	top            float64 // median + volumeSpread spreads
}

// base takes the finest cell that has enough windows; ok is false while the pair has too few at all.
func (p *volume) base(hour int) (base, bool) {
	weekend := func(h uint32) bool { return h >= 5*24 }
	for _, c := range []struct {
		name  string
		least uint32
		in    func(h uint32) bool
	}{
		{cellHourOfWeek, volumeCell, func(h uint32) bool { return h == uint32(hour) }},
		{cellHourOfDay, volumeCell, func(h uint32) bool { return h%24 == uint32(hour%24) }},
		{cellDays, volumeCell, func(h uint32) bool { return weekend(h) == weekend(uint32(hour)) }},
		{cellAll, volumeAll, func(uint32) bool { return true }},
	} {
		var at [volumeBuckets]uint32
		n := uint32(0)
		for _, x := range p.counts {
			if c.in(x >> 24) {
				at[x>>15&(volumeBuckets-1)] += x & 0x7fff
				n += x & 0x7fff
			}
		}
		if n < c.least {
			continue
		}
		b := base{cell: c.name, windows: n, median: float64(middle(at[:], n))}
		var off [volumeBuckets]uint32
		for i, k := range at {
			off[int(math.Abs(float64(i)-b.median))] += k
		}
		b.spread = max(1.4826*float64(max(middle(off[:], n), p.pooled())), volumeLeast*volumeStep)
		b.top = b.median + volumeSpread*b.spread
		return b, true
	}
	return base{}, false
}

// pooled is the median distance of all windows to the median of their hour of the week: one hour alone has few.
func (p *volume) pooled() int {
	var off [volumeBuckets]uint32
	all := uint32(0)
	for i := 0; i < len(p.counts); {
		j, n := i, uint32(0)
		for j < len(p.counts) && p.counts[j]>>24 == p.counts[i]>>24 {
			n += p.counts[j] & 0x7fff
			j++
		}
		median, before := -1, uint32(0)
		for _, c := range p.counts[i:j] {
			if before += c & 0x7fff; 2*before >= n {
				median = int(c >> 15 & (volumeBuckets - 1))
				break
			}
		}
		for _, c := range p.counts[i:j] {
			d := int(c>>15&(volumeBuckets-1)) - median
			off[max(d, -d)] += c & 0x7fff
		}
		all += n
		i = j
	}
	return middle(off[:], all)
}

// middle is the lower median of n values counted by bucket.
func middle(at []uint32, n uint32) int {
	before := uint32(0)
	for i, k := range at {
		if before += k; 2*before >= n {
			return i
		}
	}
	return 0
}

// threshold is the most bytes in a window that is normal for the pair at that hour of the week.
func (p *volume) threshold(hour int) (bytes uint64, b base, ok bool) {
	b, ok = p.base(hour)
	if !ok {
		return 0, b, false
	}
	top, highest := b.top+p.beyond(), float64(p.highest())
	if p.n < volumeFew {
		top = min(max(p.tail(), highest+volumeEver*volumeStep), highest+volumeYet*volumeStep)
		return max(ofBucket(top), volumeYetLeast), b, true
	}
	top = min(top, highest+volumeEver*volumeStep)
	return max(ofBucket(top), volumeFloor), b, true
}

// highest is the largest volume learned, as a bucket.
func (p *volume) highest() (b uint32) {
	for _, c := range p.counts {
		b = max(b, c>>15&(volumeBuckets-1))
	}
	return b
}

// overshot is by how many steps learning itself was above what it had learned: the second highest
// since the epoch before the last, so that one odd window does not blind the detector.
func (p *volume) overshot() uint16 {
	all := []uint16{p.over[0][0], p.over[0][1], p.over[1][0], p.over[1][1]}
	slices.Sort(all)
	return all[2]
}

// tail is how far, in steps, the volumes of all hours may reach if their logarithms fall off exponentially above the median: as heavy-tailed
// (Pareto) volumes do, whose spread about the median says too little.
func (p *volume) tail() float64 {
	var at [volumeBuckets]uint32
	n := uint32(0)
	for _, c := range p.counts {
		at[c>>15&(volumeBuckets-1)] += c & 0x7fff
		n += c & 0x7fff
	}
	median, excess := middle(at[:], n), 0
	for b := median + 1; b < len(at); b++ {
		excess += (b - median) * int(at[b])
	}
	return float64(median) + volumeTail*float64(excess)/(float64(max(n, 1))/2)
}

// beyond is what overshoots add to the base, in steps.
func (p *volume) beyond() float64 {
	if o := p.overshot(); o > 0 {
		return float64(o) + volumeMargin*volumeStep
	}
	return 0
}

func (d *volumes) inspect(v *view) []finding {
	current, _, touched := d.gather(v)
	if current == nil {
		return nil
	}
	hour := d.hour(current.start)
	var found []finding
	for _, k := range touched {
		f := current.data[k]
		limit := d.limited(k)
		if limit == 0 && f.bytes <= volumeFloor {
			continue
		}
		p := d.known[k]
		var b base
		if limit == 0 {
			var ok bool
			if p == nil {
				continue // who talks to whom is for ip-communication
			}
			if limit, b, ok = p.threshold(hour); !ok {
				continue
			}
		} else {
			b.cell = ItemLimit
		}
		if f.bytes <= limit || !d.watched(k) {
			continue
		}
		fd := finding{subkind: SubVolume, key: endText(k.client) + "|" + endText(k.server), severity: Medium, first: f.first, last: f.last, ref: f.ref,
			srcIP: f.client.String(), dstIP: f.server.String(), technique: "T0882", count: 1}
		if f.bytes >= 10*limit {
			fd.severity = High
		}
		if f.told { // the same five minutes go on
			fd.count = 0
		}
		f.told = true
		usual := "–"
		if b.cell == ItemLimit {
			fd.subkind = SubLimit
		}
		if b.windows > 0 {
			usual = bytesText(float64(ofBucket(b.median)))
		}
		fd.args = []Arg{{"src", endText(k.client)}, {"dst", endText(k.server)}, {"seen", bytesText(float64(f.bytes))}, {argBytes, strconv.FormatUint(f.bytes, 10)},
			{"limit", bytesText(float64(limit))}, {"usual", usual}, {"cell", b.cell}, {"windows", strconv.Itoa(int(b.windows))},
			{"at", clockText(current.start, d.zone)}}
		found = append(found, fd)
	}
	return found
}

// BytesText writes a number of bytes with three digits: "1.23 MB" (a MB is 10^6 bytes).
func BytesText(n uint64) string { return bytesText(float64(n)) }

// bytesText writes a number of bytes with three digits: "1.23 MB" (a MB is 10^6 bytes).
func bytesText(n float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if n < 999.5 || unit == "GB" {
			return strings.TrimSuffix(strconv.FormatFloat(n, 'g', max(3, len(strconv.Itoa(int(min(n, 1e15))))), 64), ".0") + " " + unit
		}
		n /= 1000
	}
	return ""
}

// clockText writes a time by the plant's clock.
func clockText(t, zone int64) string {
	return time.Unix(floor(t, 1e9)/1e9, 0).In(time.FixedZone("", int(zone))).Format("2006-01-02 15:04 -07:00")
}

// argBytes is the argument of an alert that has the bytes of the window as a number.
const argBytes = "bytes"

// acceptVolume makes what an alert saw, and half as much again, the limit of its pair.
func acceptVolume(a *Alert, r Row) []Row {
	for _, x := range a.Args {
		if x.Name == argBytes {
			n, err := strconv.ParseUint(x.Value, 10, 62)
			if err != nil {
				return nil
			}
			r.Value = strconv.FormatUint(n+n/2, 10)
			return []Row{r}
		}
	}
	return nil
}
