package main

import (
	"cmp"
	"context"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/picture"
	"osect/store"
	"osect/text"
)

type trafficOptions struct {
	listOptions
	where
	protocol string
	peer     string
	by       string
	top      int
	bucket   time.Duration
	svg, png string
}

func newTrafficCommand(a *app) *cobra.Command {
	var o trafficOptions
	cmd := &cobra.Command{
		Use:   "traffic",
		Short: "Show traffic over time: of all, of a device, a pair, a service",
		Long: `Show traffic over time: packets and bytes of each bucket, both ways. Without
--address and --protocol every frame counts, else those of the connections they
leave; --address with --peer is what two talked about with each other. A bucket
begins at a multiple of its length since 1970 UTC; those without traffic are
left out.

--by device, pair or service splits it: a line for each of the --top busiest,
with a chart, and one for the others. What a device exchanges with another one
is in the traffic of both; there are no others then. JSON and CSV have a row for
each bucket of each.

What several sensors saw is never added: name one with --sensor. Where minutes
are no longer kept, buckets of less than an hour have the whole hour. SVG and
PNG are labelled in English, as their fonts have no Japanese.` + listHelp + exitStatusHelp,
		Example: `  osect traffic
  osect traffic --address 192.168.3.39 --from 24h-ago --bucket 10m
  osect traffic --address 192.168.3.39 --peer 10.20.0.10 --png pair.png
  osect traffic --by service --top 8 --from 30d-ago --svg services.svg
  osect traffic --protocol slmp-melsec --bucket 1h --format csv --bom`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runTraffic(cmd.Context(), a, o)
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.bucket, "bucket", 0, "`length` of a bucket, whole minutes such as 10m or 24h (default: about 40 rows)")
	f.StringVar(&o.protocol, "protocol", "", "only this `protocol`: tcp, udp, icmp, icmp6, an IP protocol number, or a service")
	f.StringVar(&o.peer, "peer", "", "only between --address and this IP `address`, prefix or MAC")
	f.StringVar(&o.by, "by", "", "a line for each `what`: device, pair or service")
	f.IntVar(&o.top, "top", 5, "with --by: the `N` busiest")
	pictureFlags(f, &o.svg, &o.png)
	o.where.addFlags(f)
	o.listOptions.addFlags(f)
	return cmd
}

// trafficRow is a row of traffic: one bucket.
type trafficRow struct {
	store.Point
	Seconds int64 `json:"seconds"` // length of the bucket
	most    uint64
}

// maxTop is the most lines of traffic --by.
const maxTop = 24

func runTraffic(ctx context.Context, a *app, o trafficOptions) (err error) {
	if o.bucket < 0 || o.bucket%time.Minute != 0 {
		return usageErrorf("--bucket %s: want whole minutes, such as 10m or 24h", o.bucket)
	}
	if err := oneOf("by", o.by, "device", "pair", "service"); err != nil {
		return err
	}
	if o.top < 1 || o.top > maxTop {
		return usageErrorf("--top %d: want 1 to %d", o.top, maxTop)
	}
	if o.peer != "" && o.address == "" {
		return usageErrorf("--peer is the other end of --address: give both")
	}
	if err := checkAddress(o.peer); err != nil {
		return usageErrorf("--peer %q: want an IP address, a prefix such as 192.0.2.0/24, or a MAC", o.peer)
	}
	if o.svg == "-" && o.png == "-" {
		return usageErrorf("only one picture fits on standard output")
	}
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f, err := o.filter(ctx, st)
	if err != nil {
		return err
	}
	f.Protocol = o.protocol
	first, last, err := oneSensor(ctx, st, &f)
	if err != nil {
		return err
	}
	if o.bucket == 0 {
		o.bucket = bucketFor(time.Duration(max(last-first, 0)))
	}
	series, err := a.trafficSeries(ctx, st, f, &o)
	if err != nil {
		return err
	}
	drawn := false
	for _, x := range []struct{ path, format string }{{o.svg, "svg"}, {o.png, "png"}} {
		if x.path == "" {
			continue
		}
		if len(series) == 0 {
			a.note(a.get("cli.none"))
			return nil
		}
		err := a.writeOut(x.path, func(w io.Writer) error { return picture.WriteChart(w, x.format, series, o.bucket, a.zone) })
		if err != nil {
			return err
		}
		drawn = true
	}
	switch {
	case drawn:
		return nil
	case o.by != "":
		return a.printSeries(&o, series, first, last)
	}
	var points []store.Point
	if len(series) > 0 {
		points = series[0].Points
	}
	return a.printTraffic(&o, points)
}

// oneSensor gives the time of the data that f leaves, and refuses several sensors.
func oneSensor(ctx context.Context, st *store.Store, f *store.Filter) (first, last int64, err error) {
	sensors, err := st.Sensors(ctx)
	if err != nil {
		return 0, 0, err
	}
	var names []string
	for _, s := range sensors {
		if s.Minutes == 0 || f.Site != "" && s.Site != f.Site || f.Sensor != "" && s.Name != f.Sensor {
			continue
		}
		if len(names) == 0 || int64(s.First) < first {
			first = int64(s.First)
		}
		if len(names) == 0 || int64(s.Last) > last {
			last = int64(s.Last)
		}
		names = append(names, s.Site+"/"+s.Name)
	}
	if len(names) > 1 {
		return 0, 0, usageErrorf("several sensors have data (%s) and what they saw is never added: name one with --site and --sensor", strings.Join(names, ", "))
	}
	if f.From != 0 {
		first = max(first, f.From)
	}
	if f.To != 0 {
		last = min(last, f.To)
	}
	return first, last, nil
}

// trafficSeries reads what is asked for: one series, or with --by the busiest and the others; none where there is no traffic.
func (a *app) trafficSeries(ctx context.Context, st *store.Store, f store.Filter, o *trafficOptions) ([]picture.Series, error) {
	say := a.lang
	if o.svg != "" || o.png != "" {
		say = text.EN
	}
	between := func(e *store.EdgeTotal) bool {
		return o.peer == "" || endIs(e.Client, e.ClientMAC, o.address) && endIs(e.Server, e.ServerMAC, o.peer) ||
			endIs(e.Client, e.ClientMAC, o.peer) && endIs(e.Server, e.ServerMAC, o.address)
	}
	if o.by == "" {
		var points []store.Point
		var err error
		if o.peer == "" {
			points, err = st.Traffic(ctx, f, o.bucket)
		} else {
			var found map[bool][]store.Point
			found, err = store.Series(ctx, st, f, o.bucket, func(e *store.EdgeTotal) (bool, bool) { return true, between(e) })
			points = found[true]
		}
		if err != nil || len(points) == 0 {
			return nil, err
		}
		return []picture.Series{{Name: text.Get(say, "map.series.total"), Points: points}}, nil
	}
	var find *picture.Finder
	var names []string
	named := map[string]bool{}
	if o.by != "service" {
		devices, _, err := a.devices(ctx, st, store.Filter{Site: f.Site, Sensor: f.Sensor}, false)
		if err != nil {
			return nil, err
		}
		find = picture.NewFinder(devices)
		for i := range devices {
			d := toDeviceRow(&devices[i])
			name := cmp.Or(firstIP(d.IPs), d.MAC)
			if d.Internet {
				name = text.Get(say, "device.internet")
			}
			names = append(names, name)
			named[name] = true
		}
	}
	// The name of an end: of its device, else (multicast) its own.
	end := func(e *store.EdgeTotal, addr decode.Addr, mac decode.MAC) string {
		if i := find.Find(e.Site, addr, mac); i >= 0 {
			return names[i]
		}
		return addr.String()
	}
	type key [2]string
	all, err := store.Series(ctx, st, f, o.bucket, func(e *store.EdgeTotal) (key, bool) {
		if e.Tunnel != decode.NoTunnel || !between(e) {
			return key{}, false
		}
		if o.by == "service" {
			return key{a.edgeService(e)}, true
		}
		k := key{end(e, e.Client, e.ClientMAC), end(e, e.Server, e.ServerMAC)}
		if k[0] > k[1] {
			k[0], k[1] = k[1], k[0]
		}
		return k, true
	})
	if err != nil {
		return nil, err
	}
	byName := map[string][]store.Point{}
	for k, points := range all {
		switch o.by {
		case "pair":
			byName[k[0]+" ↔ "+k[1]] = points
		case "service":
			byName[k[0]] = points
		default:
			for i, name := range k {
				if named[name] && (i == 0 || name != k[0]) {
					byName[name] = addPoints(byName[name], points)
				}
			}
		}
	}
	series := make([]picture.Series, 0, len(byName))
	for name, points := range byName {
		series = append(series, picture.Series{Name: name, Points: points})
	}
	slices.SortFunc(series, func(x, y picture.Series) int {
		return cmp.Or(cmp.Compare(totalOf(y.Points).Bytes, totalOf(x.Points).Bytes), cmp.Compare(x.Name, y.Name))
	})
	if len(series) > o.top {
		// Of devices there are no others: what two exchange would count twice.
		others := picture.Series{Name: text.Get(say, "map.series.other")}
		for _, s := range series[o.top:] {
			others.Points = addPoints(others.Points, s.Points)
		}
		if series = series[:o.top]; o.by != "device" {
			series = append(series, others)
		}
	}
	return series, nil
}

// endIs says whether address (an IP, a prefix or a MAC) is an end of an edge.
func endIs(end decode.Addr, mac decode.MAC, address string) bool {
	if p, err := netip.ParsePrefix(address); err == nil {
		return !end.IsMAC() && p.Contains(end.Netip())
	}
	a, err := decode.ParseAddr(strings.ToLower(address))
	return err == nil && (end == a || a.IsMAC() && mac == a.MAC())
}

func totalOf(points []store.Point) (sum store.Point) {
	for _, p := range points {
		sum.Packets += p.Packets
		sum.Bytes += p.Bytes
	}
	return sum
}

// addPoints adds up two series in the order of time.
func addPoints(x, y []store.Point) []store.Point {
	out := make([]store.Point, 0, max(len(x), len(y)))
	for len(x) > 0 && len(y) > 0 {
		switch {
		case x[0].Time < y[0].Time:
			out, x = append(out, x[0]), x[1:]
		case y[0].Time < x[0].Time:
			out, y = append(out, y[0]), y[1:]
		default:
			out = append(out, store.Point{Time: x[0].Time, Packets: x[0].Packets + y[0].Packets, Bytes: x[0].Bytes + y[0].Bytes})
			x, y = x[1:], y[1:]
		}
	}
	return append(append(out, x...), y...)
}

func (a *app) printTraffic(o *trafficOptions, points []store.Point) error {
	most := uint64(0)
	rows := make([]trafficRow, len(points))
	for i, p := range points {
		rows[i] = trafficRow{Point: p, Seconds: int64(o.bucket / time.Second)}
		most = max(most, p.Bytes)
	}
	for i := range rows {
		rows[i].most = most
	}
	type row = trafficRow
	return listing[row]{columns: []column[row]{
		{key: "at", cell: func(r *row) string { return a.clock(int64(r.Time)) }},
		{key: "packets", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Packets, 10) }},
		{key: "bytes", layout: layout{right: true}, cell: func(r *row) string { return human(r.Bytes) }},
		{key: "bar", layout: layout{drop: 1}, cell: func(r *row) string { return bar(r.Bytes, r.most) }},
	}}.print(a, &o.listOptions, slice(rows))
}

// seriesRow is a row of traffic --by in JSON and CSV: one bucket of one series.
type seriesRow struct {
	Series string `json:"series"`
	trafficRow
}

// sparkWidth is how wide the charts of traffic --by are.
const sparkWidth = 30

// printSeries prints a line a series with its chart; JSON and CSV have all buckets.
func (a *app) printSeries(o *trafficOptions, series []picture.Series, first, last int64) error {
	if o.format != "table" {
		var rows []seriesRow
		for _, s := range series {
			for _, p := range s.Points {
				rows = append(rows, seriesRow{Series: s.Name, trafficRow: trafficRow{Point: p, Seconds: int64(o.bucket / time.Second)}})
			}
		}
		return listing[seriesRow]{}.print(a, &o.listOptions, slice(rows))
	}
	type row struct {
		Name    string `json:"name"`
		Packets uint64 `json:"packets"`
		Bytes   uint64 `json:"bytes"`
		Peak    uint64 `json:"peak"` // bytes of its highest bucket
		chart   string
	}
	length := int64(o.bucket)
	begin := first - ((first%length)+length)%length
	buckets := int((last-begin)/length) + 1
	var rows []row
	for _, s := range series {
		total := totalOf(s.Points)
		r := row{Name: s.Name, Packets: total.Packets, Bytes: total.Bytes}
		values := make([]uint64, min(max(buckets, 1), 1<<20))
		for _, p := range s.Points {
			r.Peak = max(r.Peak, p.Bytes)
			if i := (int64(p.Time) - begin) / length; i >= 0 && i < int64(len(values)) {
				values[i] = p.Bytes
			}
		}
		r.chart = picture.Sparkline(values, r.Peak, sparkWidth)
		rows = append(rows, r)
	}
	if len(rows) > 0 {
		a.note(a.get("map.series.chart", "from", a.clock(begin), "to", a.clock(begin+int64(buckets)*length), "bucket", o.bucket))
		a.note(a.get("map.series.peak"))
	}
	return listing[row]{columns: []column[row]{
		{key: "name", layout: layout{min: 18, lines: 3}, cell: func(r *row) string { return r.Name }},
		{key: "packets", layout: layout{drop: 2, right: true}, cell: func(r *row) string { return strconv.FormatUint(r.Packets, 10) }},
		{key: "bytes", layout: layout{right: true}, cell: func(r *row) string { return human(r.Bytes) }},
		{key: "peak", layout: layout{drop: 1, right: true}, cell: func(r *row) string { return human(r.Peak) }},
		{key: "bar", cell: func(r *row) string { return r.chart }},
	}}.print(a, &o.listOptions, slice(rows))
}

// bucketFor is the shortest round length that cuts a period into at most 48 buckets.
func bucketFor(period time.Duration) time.Duration {
	const day = 24 * time.Hour
	for _, d := range []time.Duration{
		time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
		time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, day, 7 * day,
	} {
		if period <= 48*d {
			return d
		}
	}
	return 28 * day
}

// barLength is how long the longest bar is.
const barLength = 20

// bar draws n of most; what is there at all has at least a thin line.
func bar(n, most uint64) string {
	if n == 0 || most == 0 {
		return ""
	}
	eighths := max(int(float64(n)/float64(most)*barLength*8+0.5), 1)
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[r-1])
	}
	return s
}
