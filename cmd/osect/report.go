package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"osect/decode"
	"osect/inventory"
	"osect/ledger"
	"osect/observe"
	"osect/picture"
	"osect/report"
	"osect/report/pptx"
	"osect/store"
	"osect/text"
)

type reportOptions struct {
	timeRange
	pptx, csvZip, xlsx, month, customer, site string
	html, news, template                      string
}

func newReportCommand(a *app) *cobra.Command {
	var o reportOptions
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Write the assessment as a deck, a page, a workbook and CSV files",
		Long: `Write the assessment of what was seen and detected: --pptx a PowerPoint deck,
--html a page to read and print that needs no other file, --csv-zip all its data
as CSV files in a ZIP, --xlsx the same as a workbook with charts. At least one
of them is needed; a file that is there is replaced. docs/report.md has the
columns and the formula of the grades.

--month compares with the month before, and says of which part of each there are
data. --news FILE adds a text (UTF-8, paragraphs between empty lines).

Reports are in Japanese unless --lang or OSECT_LANG says en.` + exitStatusHelp,
		Example: `  osect report --pptx report.pptx --csv-zip report.zip
  osect report --pptx report.pptx --lang en --customer "Example Foods"
  osect report --csv-zip week.zip --from 7d-ago
  osect report --html october.html --xlsx october.xlsx --month 2026-10
  osect report --html october.html --month 2026-10 --news news.txt`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return runReport(cmd.Context(), a, o) },
	}
	cmd.Flags().StringVar(&o.pptx, "pptx", "", "write the deck to this `file`")
	cmd.Flags().StringVar(&o.template, "template", "", "give the deck the look of this .pptx or .potx `file`")
	cmd.Flags().StringVar(&o.csvZip, "csv-zip", "", "write the CSV files to this ZIP `file`")
	cmd.Flags().StringVar(&o.xlsx, "xlsx", "", "write the tables to this workbook `file`")
	cmd.Flags().StringVar(&o.html, "html", "", "write the page to this `file`")
	cmd.Flags().StringVar(&o.news, "news", "", "add the text of this `file`: the month's news")
	cmd.Flags().StringVar(&o.month, "month", "", "of this `month`, such as 2026-10 (in --tz), beside the one before")
	cmd.Flags().StringVar(&o.customer, "customer", "", "`name` of whose network it is, for the title")
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	o.timeRange.addFlags(cmd.Flags())
	return cmd
}

func runReport(ctx context.Context, a *app, o reportOptions) (err error) {
	if o.pptx == "" && o.csvZip == "" && o.xlsx == "" && o.html == "" {
		return usageErrorf("say what to write: --pptx FILE, --html FILE, --csv-zip FILE, --xlsx FILE or several")
	}
	if o.template != "" && o.pptx == "" {
		return usageErrorf("--template is for --pptx FILE: give both")
	}
	news, err := readNews(o.news)
	if err != nil {
		return err
	}
	template, err := readTemplate(o.template)
	if err != nil {
		return err
	}
	if o.month != "" {
		if err := o.timeRange.month(o.month, a.zone); err != nil {
			return err
		}
	}
	lang := text.JA
	if a.langSet {
		lang = a.lang
	}
	// All of a large plant is held at once; the collector's default lets as much again lie about.
	defer debug.SetGCPercent(debug.SetGCPercent(40))
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	f := store.Filter{Site: o.site}
	if f.From, f.To, err = o.bounds(ctx, st); err != nil {
		return err
	}
	in, err := a.reportInput(ctx, st, f, lang, o.pptx != "" || o.html != "")
	if err != nil {
		return err
	}
	in.Customer, in.News = o.customer, news
	if o.month != "" {
		if in.Previous, err = a.previous(ctx, st, f, lang, o.month); err != nil {
			return err
		}
		a.sayPartial(&in, o.month)
	}
	assessment := report.Build(in)
	for _, x := range []struct {
		path  string
		write func(io.Writer, *report.Assessment, text.Lang) error
	}{{o.pptx, func(w io.Writer, a *report.Assessment, lang text.Lang) error {
		return report.WriteDeck(w, a, lang, template)
	}}, {o.csvZip, report.WriteCSVZip}, {o.xlsx, report.WriteXLSX}, {o.html, report.WriteHTML}} {
		if x.path == "" {
			continue
		}
		if err := writeFile(x.path, func(w io.Writer) error { return x.write(w, assessment, lang) }); err != nil {
			return err
		}
		a.note(a.get("cli.written", "path", x.path))
		if key := report.DeckNote(); key != "" && x.path == o.pptx {
			a.note(a.get(key))
		}
	}
	return nil
}

// month sets the range to a month of a zone.
func (r *timeRange) month(s string, zone *time.Location) error {
	begin, err := time.ParseInLocation("2006-01", s, zone)
	switch {
	case err != nil:
		return usageErrorf("--month %q: want such as 2026-10", s)
	case r.from != "" || r.to != "":
		return usageErrorf("--month and --from, --to exclude each other")
	}
	r.from, r.to = begin.Format(time.RFC3339), begin.AddDate(0, 1, 0).Format(time.RFC3339)
	return nil
}

// sayPartial says where the data of a month begin late or end early: an hour without any is no gap yet.
func (a *app) sayPartial(in *report.Input, month string) {
	var first, last time.Time
	for _, s := range in.Coverage {
		if first.IsZero() || s.First.Before(first) {
			first = s.First
		}
		if s.Last.After(last) {
			last = s.Last
		}
	}
	if !first.IsZero() && (first.After(in.From.Add(time.Hour)) || last.Before(in.To.Add(-time.Hour))) {
		a.note(a.get("report.partial-month", "month", month, "from", a.clock(first.UnixNano()), "to", a.clock(last.UnixNano())))
	}
}

// reportLedger takes in what the ledger says of what was seen.
func (a *app) reportLedger(x *ledger.Index, seen *ledger.Observed, links []inventory.Link, in *report.Input) {
	if in.HasLedger = x != nil; x == nil {
		return
	}
	for _, d := range ledger.Compare(x, seen, int64(defaultSilent)) {
		r := toDifferenceRow(&d)
		y := report.Difference{Kind: r.Kind, Site: r.Site, MAC: r.MAC, Hostname: r.Hostname, IPs: r.IPs, Ledger: r.Ledger, Observed: r.Observed}
		if r.LastSeen != nil {
			y.Last = timeOf(*r.LastSeen)
		}
		in.Differences = append(in.Differences, y)
	}
	for _, c := range ledger.Crossings(x, seen, links) {
		in.Crossings = append(in.Crossings, report.Crossing{Site: c.Site, ClientZone: c.ClientZone, ServerZone: c.ServerZone, Client: c.Client, Server: c.Server,
			ClientHostname: c.ClientName, ServerHostname: c.ServerName, Packets: int64(c.Packets), Bytes: int64(c.Bytes),
			Service: a.serviceText(protoName(c.Link.Proto, c.Link.Client), c.Link.ServerPort, c.Link.Service)})
	}
}

// writeFile writes a file as a whole: at the end it is there as it should be,
// or what was there before.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".osect-*")
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return systemErrorf("%s cannot be written: %w: give a file in a directory that is there and yours to write", path, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		return systemErrorf("%s: %w", path, err)
	}
	const mode = 0o644
	if err := f.Chmod(mode); err != nil {
		return systemErrorf("%s: %w", path, err)
	}
	if err := f.Close(); err != nil {
		return systemErrorf("%s: %w", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return systemErrorf("%s: %w", path, err)
	}
	return nil
}

func timeOf(t store.Time) time.Time { return time.Unix(0, int64(t)).UTC() }

// maybe is the time of ns, zero for 0.
func maybe(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}

// reportInput reads from the store what the report is built of.
func (a *app) reportInput(ctx context.Context, st *store.Store, f store.Filter, lang text.Lang, pictures bool) (in report.Input, err error) {
	in = report.Input{Program: buildInfo().program(), From: maybe(f.From), To: maybe(f.To), Zone: a.zone, Skipped: map[string]int64{}}
	sensors, err := st.Sensors(ctx)
	if err != nil {
		return in, err
	}
	newest := int64(0)
	whole := true // all that there is lies in the window: sums need not be made of hours
	for _, s := range sensors {
		if s.Minutes == 0 || f.Site != "" && f.Site != s.Site {
			continue
		}
		in.Sensors = append(in.Sensors, report.Sensor{Name: s.Name, Site: s.Site, First: timeOf(s.First), Last: timeOf(s.Last)})
		newest = max(newest, int64(s.Last))
		whole = whole && int64(s.First) >= f.From && (f.To == 0 || int64(s.Last)+observe.MinuteLength <= f.To)
	}
	if f.To != 0 {
		newest = min(newest, f.To)
	}
	if whole {
		f.From, f.To = 0, 0
	}
	if err := a.reportCoverage(ctx, st, f, &in); err != nil {
		return in, err
	}
	seen, err := st.Seen(ctx, f)
	if err != nil {
		return in, err
	}
	known, err := a.presence(ctx, st)
	if err != nil {
		return in, err
	}
	devices, err := devicesOf(ctx, st, seen.Input, known.x, false)
	if err != nil {
		return in, err
	}
	for i := range devices {
		in.Devices = append(in.Devices, reportDevice(&devices[i], known.x))
	}
	for _, r := range seen.Operations {
		in.Operations = append(in.Operations, report.Operation{
			Site: r.Site, Layer: r.Layer, Src: r.Src, Dst: r.Dst, Protocol: r.Protocol, Function: r.Function, FunctionCode: r.FunctionCode,
			Direction: r.Direction, Class: r.Class, Count: int64(r.Count), First: timeOf(r.FirstSeen), Last: timeOf(r.LastSeen),
		})
	}
	in.Pairs = a.pairsOf(seen.Edges)
	for _, p := range in.Pairs {
		in.Connections += p.Connections
	}
	x := known.x
	if x != nil && f.Site != "" {
		x = ofSite(x, f.Site)
	}
	a.reportLedger(x, &ledger.Observed{Devices: devices, Facts: seen.Input.Facts, Newest: newest}, seen.Input.Links, &in)
	known.use(devices)
	if err := a.reportAlerts(ctx, st, f, lang, known, &in); err != nil {
		return in, err
	}
	if in.Traffic, err = reportTraffic(ctx, st, f, sensors, bucketOf(in.Coverage)); err != nil {
		return in, err
	}
	statuses, err := allStatuses(ctx, st)
	for _, s := range statuses {
		in.Detectors = append(in.Detectors, report.Detector{Kind: string(s.Kind), Mode: string(s.Mode), Since: maybe(s.Since), Learned: int64(s.Rows)})
	}
	if err == nil && pictures {
		in.Pictures, err = a.reportPictures(devices, &seen, lang)
	}
	return in, err
}

// reportCoverage takes in what was read: captures, counters, and of which time there are data.
func (a *app) reportCoverage(ctx context.Context, st *store.Store, f store.Filter, in *report.Input) error {
	captures, err := st.Captures(ctx)
	if err != nil {
		return err
	}
	for _, c := range captures {
		if c.First != 0 && (f.To != 0 && int64(c.First) >= f.To || int64(c.Last) < f.From) {
			continue
		}
		in.Captures = append(in.Captures, report.Capture{
			Path: c.Path, Packets: int64(c.Packets), Status: c.Status, Reason: c.Reason, First: maybe(int64(c.First)), Last: maybe(int64(c.Last)),
		})
	}
	counters, err := st.Counters(ctx, f)
	if err != nil {
		return err
	}
	in.Packets, in.Decoded, in.Bytes, in.Truncated = int64(counters.Packets), int64(counters.Decoded), int64(counters.Bytes), int64(counters.Truncated)
	for reason, n := range counters.Skipped {
		in.Skipped[reason] = int64(n)
	}
	for cause, n := range counters.Dropped {
		if cause != observe.DropSegments.String() { // bytes, not records
			in.Dropped += int64(n)
		}
	}
	coverage, err := st.Coverage(ctx, f)
	for _, c := range coverage {
		x := report.Coverage{Site: c.Site, Sensor: c.Sensor, First: timeOf(c.First), Last: timeOf(c.Last + store.Time(observe.MinuteLength)), Minutes: c.Minutes, Gaps: c.Gaps, GapMinutes: c.GapTime / observe.MinuteLength}
		if c.Gaps > 0 {
			x.LongestStart, x.LongestEnd = timeOf(c.GapStart), timeOf(c.GapEnd)
		}
		in.Coverage = append(in.Coverage, x)
	}
	return err
}

// reportAlerts takes in the alerts.
func (a *app) reportAlerts(ctx context.Context, st *store.Store, f store.Filter, lang text.Lang, known *presence, in *report.Input) error {
	alerts, _, err := st.Alerts(ctx, f)
	if err != nil {
		return err
	}
	for i := range alerts {
		r := toAlertRow(lang, &alerts[i])
		if r.InLedger, err = known.alert(ctx, &alerts[i]); err != nil {
			return err
		}
		in.Alerts = append(in.Alerts, report.Alert{
			ID: r.ID, Site: r.Site, Kind: r.Kind, Subkind: r.Subkind, Severity: r.Severity, State: r.State,
			SrcIP: r.SrcIP, SrcMAC: r.SrcMAC, DstIP: r.DstIP, DstMAC: r.DstMAC,
			Summary: r.Summary, Reason: r.Reason, Action: r.Action, Technique: r.Technique,
			Count: int64(r.Count), First: timeOf(r.FirstSeen), Last: timeOf(r.LastSeen), InLedger: r.InLedger,
		})
	}
	return nil
}

// reportDevice is a device with what the ledger x says of its zone.
func reportDevice(dev *inventory.Device, x *ledger.Index) report.Device {
	r := toDeviceRow(dev)
	d := report.Device{
		Site: r.Site, MAC: r.MAC, Vendor: r.Vendor, Hostname: r.Hostname, OS: r.OS, Role: r.Role, IPs: r.IPs, Sensors: r.Sensors,
		OSAccuracy: r.OSAccuracy, Importance: r.Importance, First: timeOf(r.FirstSeen), Last: timeOf(r.LastSeen),
		PacketsSent: int64(r.PacketsSent), BytesSent: int64(r.BytesSent),
		PacketsReceived: int64(r.PacketsReceived), BytesReceived: int64(r.BytesReceived), InLedger: r.InLedger,
	}
	if e := x.Device(dev); e != nil {
		d.Zone = e.Cells[ledger.Zone]
	}
	for _, v := range r.VLANs {
		d.VLANs = append(d.VLANs, int(v))
	}
	return d
}

// What a slide has room for: points of its content, and devices of a map whose names can be read.
const (
	slideW, slideH = 870.0, 380.0
	slideDevices   = 32
)

// reportPictures draws the map and the matrices.
func (a *app) reportPictures(devices []inventory.Device, seen *store.Seen, lang text.Lang) (out []report.Picture, err error) {
	draw := func(key string, write func(io.Writer) error) {
		var b bytes.Buffer
		if err == nil {
			err = write(&b)
		}
		out = append(out, report.Picture{Key: key, SVG: b.Bytes()})
	}
	if len(devices) == 0 {
		return nil, nil
	}
	g := picture.NewGraph(devices, seen.Edges, seen.Operations, picture.Options{Lang: lang, Service: a.edgeService, Vendor: shortVendor})
	draw("map", func(w io.Writer) error { return picture.WriteSVG(w, g, picture.Arrange(g), lang) })
	// Of a whole plant nothing could be read on a slide.
	core := slices.SortedStableFunc(slices.Values(devices), func(x, y inventory.Device) int {
		return cmp.Compare(y.Importance, x.Importance)
	})
	core = core[:min(slideDevices, len(core))]
	scale := 0.0
	for _, aspect := range []float64{1, 1.5, 2, 2.5, 3.2, 4.5} { // groups have their own forms: what comes of it is seen only then
		o := picture.Options{Lang: lang, Service: a.edgeService, Vendor: shortVendor, Aspect: aspect}
		c := picture.NewGraph(core, seen.Edges, seen.Operations, o)
		d := picture.DrawMap(c, picture.Arrange(c), lang)
		if s := min(slideW/d.W, slideH/d.H); s > scale {
			scale, out[0].Drawing, out[0].Shown = s, d, len(core)
		}
	}
	for key, by := range map[string]string{"vendors": "vendor", "systems": "os", "roles": "role"} {
		m := picture.NewMatrix(devices, by, lang, shortVendor)
		draw(key, m.WriteSVG)
		out[len(out)-1].Drawing = m.Draw(slideW*0.48, slideH)
	}
	slices.SortFunc(out, func(x, y report.Picture) int { return cmp.Compare(x.Key, y.Key) })
	return out, err
}

// previous is the month before f's, of which month is the name.
func (a *app) previous(ctx context.Context, st *store.Store, f store.Filter, lang text.Lang, month string) (*report.Input, error) {
	begin, err := time.ParseInLocation("2006-01", month, a.zone)
	if err != nil {
		return nil, err
	}
	f.From, f.To = begin.AddDate(0, -1, 0).UnixNano(), begin.UnixNano()
	in, err := a.reportInput(ctx, st, f, lang, false)
	return &in, err
}

// maxNews bounds the text of --news, bytes.
const maxNews = 64 << 10

// readNews reads the text of --news; "" for none.
func readNews(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	f, err := os.Open(path)
	if err != nil {
		return "", inputErrorf("--news: %w: give a text file in UTF-8", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxNews+1))
	switch {
	case err != nil:
		return "", inputErrorf("--news: %w: give a text file in UTF-8", err)
	case len(b) > maxNews:
		return "", inputErrorf("--news: %s has over %d bytes: give a shorter text", path, maxNews)
	case !utf8.Valid(b):
		return "", inputErrorf("--news: %s is not UTF-8: save it as UTF-8", path)
	}
	return string(b), nil
}

// readTemplate reads the file of --template; nil for none.
func readTemplate(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, inputErrorf("--template: %w: give a .pptx or .potx", err)
	}
	if _, err := pptx.Open(pptx.Properties{}, data); err != nil {
		return nil, inputErrorf("--template %s: %w", path, err)
	}
	return data, nil
}

// pairsOf sums edges by site, client, server and service. What several sensors
// of a site saw of the same is never added: the one that saw most counts. What
// tunnels carry is left out, since it is in the tunnel's own traffic.
func (a *app) pairsOf(edges []store.EdgeTotal) []report.Pair {
	type key struct{ site, client, server, service string }
	sums := map[key]map[string]report.Pair{}
	for i := range edges {
		e := &edges[i]
		if e.Tunnel != decode.NoTunnel {
			continue
		}
		k := key{e.Site, e.Client.String(), e.Server.String(), a.pairService(e)}
		if sums[k] == nil {
			sums[k] = map[string]report.Pair{}
		}
		p := sums[k][e.Sensor]
		p.Site, p.Client, p.Server, p.Service = k.site, k.client, k.server, k.service
		p.Connections += int64(e.Opened)
		p.Packets += int64(e.PacketsOut + e.PacketsIn)
		p.Bytes += int64(e.BytesOut + e.BytesIn)
		sums[k][e.Sensor] = p
	}
	var out []report.Pair
	for _, bySensor := range sums {
		names := slices.Sorted(maps.Keys(bySensor))
		most := bySensor[names[0]]
		for _, n := range names[1:] {
			if bySensor[n].Bytes > most.Bytes {
				most = bySensor[n]
			}
		}
		out = append(out, most)
	}
	slices.SortFunc(out, func(x, y report.Pair) int {
		return cmp.Or(strings.Compare(x.Site, y.Site), strings.Compare(x.Client, y.Client), strings.Compare(x.Server, y.Server), strings.Compare(x.Service, y.Service))
	})
	return out
}

// pairService names the service of an edge as the conduits do; a control protocol by its own name, which the report has in its language.
func (a *app) pairService(e *store.EdgeTotal) string {
	if e.Service != "" {
		return e.Service
	}
	return a.edgeService(e)
}

// bucketOf is how finely traffic is read: the report gathers it into at most 120 buckets, of hours from five days on.
func bucketOf(coverage []report.Coverage) time.Duration {
	var first, last time.Time
	for _, c := range coverage {
		if first.IsZero() || c.First.Before(first) {
			first = c.First
		}
		if c.Last.After(last) {
			last = c.Last
		}
	}
	if last.Sub(first) > 5*24*time.Hour {
		return time.Hour
	}
	return time.Minute
}

// reportTraffic is what passed over time: summed over the sites, and of each
// site that sensor's which saw most.
func reportTraffic(ctx context.Context, st *store.Store, f store.Filter, sensors []store.Sensor, bucket time.Duration) ([]report.Traffic, error) {
	type series struct {
		points []store.Point
		bytes  uint64
	}
	most := map[string]series{}
	for _, s := range sensors {
		if f.Site != "" && f.Site != s.Site {
			continue
		}
		q := f
		q.Site, q.Sensor = s.Site, s.Name
		points, err := st.Traffic(ctx, q, bucket)
		if err != nil {
			return nil, err
		}
		now := series{points: points}
		for _, p := range points {
			now.bytes += p.Bytes
		}
		if old, ok := most[s.Site]; !ok || now.bytes > old.bytes {
			most[s.Site] = now
		}
	}
	sum := map[store.Time]report.Traffic{}
	for _, s := range most {
		for _, p := range s.points {
			t := sum[p.Time]
			t.Start = timeOf(p.Time)
			t.Packets += int64(p.Packets)
			t.Bytes += int64(p.Bytes)
			sum[p.Time] = t
		}
	}
	var out []report.Traffic
	for _, at := range slices.Sorted(maps.Keys(sum)) {
		out = append(out, sum[at])
	}
	return out, nil
}
