package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"osect/text"
)

// table is one table of the report as data: every cell as text, in the form of the CSV.
type table struct {
	name    string // file name without .csv; report.file.<name> says what it is
	columns []string
	rows    [][]string
	number  map[int]bool   // columns whose cells are counts
	kinds   map[int]string // of the cells of columns, as docs/report.md names them
}

func (t *table) add(cells ...any) {
	row := make([]string, len(cells))
	if t.number == nil {
		t.number, t.kinds = map[int]bool{}, map[int]string{}
	}
	for i, c := range cells {
		switch c := c.(type) {
		case string:
			row[i] = c
		case int64:
			t.number[i] = true
			row[i] = strconv.FormatInt(c, 10)
		case int:
			t.number[i] = true
			row[i] = strconv.Itoa(c)
		case bool:
			t.kinds[i] = "true, false"
			row[i] = strconv.FormatBool(c)
		case time.Time:
			t.kinds[i] = "time"
			if !c.IsZero() {
				row[i] = c.UTC().Format(time.RFC3339Nano)
			}
		}
	}
	t.rows = append(t.rows, row)
}

// tables returns all tables of the assessment. lang is for the texts of findings; everything else is data.
func (a *Assessment) tables(lang text.Lang) []table {
	var out []table
	next := func(name string, columns ...string) *table {
		out = append(out, table{name: name, columns: columns})
		return &out[len(out)-1]
	}
	t := next("summary", "key", "value")
	c := &a.Counts
	t.add("from", a.From)
	t.add("to", a.To)
	for _, f := range []struct {
		key string
		n   int64
	}{
		{"sites", c.Sites}, {"sensors", c.Sensors}, {"captures", c.Captures}, {"captures_faulty", c.CapturesFaulty},
		{"packets", c.Packets}, {"packets_decoded", c.Decoded}, {"packets_skipped", c.Skipped}, {"bytes", c.Bytes},
		{"devices", c.Devices}, {"devices_os_known", c.DevicesOSKnown}, {"devices_os_unknown", c.Devices - c.DevicesOSKnown}, {"vendors", c.Vendors},
		{"connections", c.Connections}, {"pairs", c.Pairs},
		{"ot_protocols", c.OTProtocols}, {"ot_devices", c.OTDevices}, {"ot_messages", c.Messages}, {"ot_reads", c.Reads}, {"ot_writes", c.Writes}, {"ot_controls", c.Controls}, {"ot_writes_and_controls", c.Writes + c.Controls}, {"control_relations", c.ControlRelations},
		{"alerts", c.Alerts}, {"alerts_high_or_critical", c.AlertsSevere}, {"alerts_new", c.AlertsOpen}, {"detectors_detecting", c.Detecting}, {"findings", c.Findings},
	} {
		t.add(f.key, f.n)
	}
	if a.HasLedger {
		t.add("devices_own", c.DevicesOwn)
		t.add("devices_in_ledger", c.DevicesInLedger)
		t.add("devices_not_in_ledger", c.DevicesNotInLedger)
	}
	t.add("traffic_bucket_seconds", int64(a.TrafficStep/time.Second))
	t.add("time_zone_of_the_deck", a.zone())
	t.add("data_from", a.DataFrom)
	t.add("data_to", a.DataTo)
	t.add("ledger", a.HasLedger)

	t = next("grades", "area", "grade", "score", "deducted", "why_none")
	for _, g := range append([]Grade{a.Overall}, a.Grades...) {
		if g.Letter == "" {
			t.add(g.Area, "", "", g.Points, text.Get(lang, "report.ungraded."+g.Why))
			continue
		}
		t.add(g.Area, g.Letter, g.Score, g.Points, "")
	}
	t = next("coverage", "site", "sensor", "first_seen", "last_seen", "minutes", "gaps", "gap_minutes", "longest_gap_from", "longest_gap_to")
	for _, x := range a.Coverage {
		t.add(x.Site, x.Sensor, x.First, x.Last, x.Minutes, x.Gaps, x.GapMinutes, x.LongestStart, x.LongestEnd)
	}
	t = next("limits", "limit", "n", "from", "to", "text")
	for _, x := range a.Limits {
		t.add(x.Key, x.N, x.From, x.To, a.limitText(lang, x))
	}

	t = next("sensors", "site", "sensor", "first_seen", "last_seen")
	for _, s := range a.Sensors {
		t.add(s.Site, s.Name, s.First, s.Last)
	}
	t = next("captures", "path", "packets", "status", "reason", "first_packet", "last_packet")
	for _, x := range a.Captures {
		t.add(x.Path, x.Packets, x.Status, x.Reason, x.First, x.Last)
	}
	t = next("skipped", "reason", "packets")
	for _, s := range a.Skipped {
		t.add(s.Name, s.Count)
	}
	t = next("devices", "site", "mac", "ips", "vendor", "hostname", "os", "os_accuracy", "role", "importance", "vlans", "sensors", "first_seen", "last_seen", "packets_sent", "bytes_sent", "packets_received", "bytes_received", "in_ledger", "zone")
	for _, d := range a.Devices {
		ledger := ""
		if a.HasLedger {
			ledger = strconv.FormatBool(d.InLedger)
		}
		vlans := make([]string, len(d.VLANs))
		for i, v := range d.VLANs {
			vlans[i] = strconv.Itoa(v)
		}
		t.add(d.Site, d.MAC, strings.Join(d.IPs, " "), d.Vendor, d.Hostname, d.OS, d.OSAccuracy, d.Role, d.Importance, strings.Join(vlans, " "), strings.Join(d.Sensors, " "),
			d.First, d.Last, d.PacketsSent, d.BytesSent, d.PacketsReceived, d.BytesReceived, ledger, d.Zone)
	}
	for _, s := range []struct {
		name, column string
		shares       []Share
	}{{"vendors", "vendor", a.Vendors}, {"roles", "role", a.Roles}, {"systems", "os", a.Systems}} {
		t = next(s.name, s.column, "devices")
		for _, x := range s.shares {
			t.add(x.Name, x.Count)
		}
	}
	t = next("traffic", "start", "packets", "bytes")
	for _, x := range a.Traffic {
		t.add(x.Start, x.Packets, x.Bytes)
	}
	t = next("talkers", "hostname", "address", "role", "vendor", "bytes_sent", "bytes_received", "bytes")
	for _, x := range a.Talkers {
		t.add(x.Name, x.Address, x.Role, x.Vendor, x.Sent, x.Received, x.Bytes)
	}
	t = next("pairs", "site", "client", "server", "service", "connections", "packets", "bytes")
	for _, x := range a.Pairs {
		t.add(x.Site, x.Client, x.Server, x.Service, x.Connections, x.Packets, x.Bytes)
	}
	t = next("ot_protocols", append([]string{"protocol", "layer", "messages", "errors", "functions", "sources", "targets"}, Classes...)...)
	for _, x := range a.Protocols {
		cells := []any{x.Protocol, x.Layer, x.Messages, x.Errors, x.Functions, x.Sources, x.Targets}
		for _, class := range Classes {
			cells = append(cells, x.ByClass[class])
		}
		t.add(cells...)
	}
	t = next("ot_functions", "protocol", "function", "function_code", "class", "messages")
	for _, x := range a.Functions {
		t.add(x.Protocol, x.Function, x.FunctionCode, x.Class, x.Messages)
	}
	t = next("ot_operations", "site", "layer", "src", "dst", "protocol", "function", "function_code", "direction", "class", "count", "first_seen", "last_seen")
	for _, x := range a.Operations {
		t.add(x.Site, x.Layer, x.Src, x.Dst, x.Protocol, x.Function, x.FunctionCode, x.Direction, x.Class, x.Count, x.First, x.Last)
	}
	t = next("controls", "site", "src", "src_hostname", "src_role", "dst", "dst_hostname", "dst_role", "protocol", "layer", "functions", "writes", "controls", "cyclic", "first_seen", "last_seen")
	for _, x := range a.Controls {
		t.add(x.Site, x.Src, x.SrcName, x.SrcRole, x.Dst, x.DstName, x.DstRole, x.Protocol, x.Layer, strings.Join(x.Functions, "; "), x.Writes, x.Controls, x.Cyclic, x.First, x.Last)
	}
	t = next("alerts", "id", "kind", "subkind", "severity", "state", "first_seen", "last_seen", "count", "src_ip", "src_mac", "dst_ip", "dst_mac", "summary", "reason", "action", "technique", "in_ledger", "site")
	for _, x := range a.Alerts {
		t.add(x.ID, x.Kind, x.Subkind, x.Severity, x.State, x.First, x.Last, x.Count, x.SrcIP, x.SrcMAC, x.DstIP, x.DstMAC, x.Summary, x.Reason, x.Action, x.Technique, x.InLedger, x.Site)
	}
	t = next("alert_kinds", append([]string{"kind", "alerts"}, Severities...)...)
	for _, x := range a.Kinds {
		t.add(x.Kind, x.Total, x.BySeverity[0], x.BySeverity[1], x.BySeverity[2], x.BySeverity[3])
	}
	t = next("alert_severities", "severity", "alerts")
	for _, x := range a.AlertsBySeverity {
		t.add(x.Name, x.Count)
	}
	t = next("detectors", "kind", "mode", "since", "learned")
	for _, x := range a.Detectors {
		t.add(x.Kind, x.Mode, x.Since, x.Learned)
	}
	t = next("ledger_differences", "kind", "site", "mac", "ips", "hostname", "ledger", "observed", "last_seen")
	for _, x := range a.Differences {
		t.add(text.Or(lang, "ledger.difference."+x.Kind, x.Kind), x.Site, x.MAC, strings.Join(x.IPs, " "), x.Hostname, x.Ledger, x.Observed, x.Last)
	}
	t = next("zone_crossings", "site", "client_zone", "server_zone", "client", "client_hostname", "server", "server_hostname", "service", "packets", "bytes")
	for _, x := range a.Crossings {
		t.add(x.Site, x.ClientZone, x.ServerZone, x.Client, x.ClientHostname, x.Server, x.ServerHostname, x.Service, x.Packets, x.Bytes)
	}
	t = next("conduits", "client_zone", "server_zone", "pairs", "services", "service_count", "packets", "bytes", "operating")
	for _, x := range a.Conduits {
		t.add(x.ClientZone, x.ServerZone, x.Pairs, strings.Join(x.Services, "; "), x.ServiceCount, x.Packets, x.Bytes, x.Operating)
	}
	t = next("findings", "priority", "finding", "severity", "count", "title", "action", "control", "examples", "area", "of", "deducted")
	for i, x := range a.Findings {
		t.add(i+1, x.Key, x.Severity, x.Count, findingTitle(lang, x), findingAction(lang, x), x.Control, strings.Join(exampleNames(lang, x), "; "), x.Area, x.Of, x.Points)
	}
	t = next("proposals", "priority", "proposal", "effect", "severity", "title", "action", "findings", "control", "guideline_step")
	for i, x := range a.Proposals {
		t.add(i+1, x.Key, x.Effect, x.Severity, proposalTitle(lang, x), proposalAction(lang, x), strings.Join(x.Findings, "; "), x.Control, x.Step)
	}
	if c := a.Comparison; c != nil {
		t = next("comparison", "from", "to", "data_from", "data_to")
		t.add(c.From, c.To, c.DataFrom, c.DataTo)
		t = next("changes", "kind", "subject", "hostname", "change", "before", "after")
		for _, x := range c.Changes {
			t.add(x.Kind, x.Key, x.Name, x.How, x.Before, x.After)
		}
	}
	if len(a.News) > 0 {
		t = next("news", "paragraph", "text")
		for i, x := range a.News {
			t.add(i+1, x)
		}
	}
	return out
}

func proposalTitle(lang text.Lang, p Proposal) string {
	return text.Get(lang, "report.proposal."+p.Key+".title")
}

func proposalAction(lang text.Lang, p Proposal) string {
	return text.Get(lang, "report.proposal."+p.Key+".action")
}

// limitText says what the data cannot say.
func (a *Assessment) limitText(lang text.Lang, l Limit) string {
	var reasons []string
	for _, s := range a.Skipped[:min(8, len(a.Skipped))] {
		reasons = append(reasons, text.Get(lang, "report.limit.reason", "reason", text.Or(lang, "report.skipped."+s.Name, s.Name), "n", text.Integer(s.Count)))
	}
	return text.Get(lang, "report.limit."+l.Key, "n", text.Integer(l.N), "from", a.when(l.From), "to", a.when(l.To), "reasons", strings.Join(reasons, text.Get(lang, "report.comma")))
}

func findingTitle(lang text.Lang, f Finding) string {
	return text.Get(lang, "report.finding."+f.Key+".title", "n", text.Integer(f.Count))
}

func findingAction(lang text.Lang, f Finding) string {
	return text.Get(lang, "report.finding."+f.Key+".action")
}

// exampleNames returns the finding's examples in the reader's words: slugs of protocols and kinds become names.
func exampleNames(lang text.Lang, f Finding) []string {
	out := slices.Clone(f.Examples)
	for i, e := range out {
		switch f.Key {
		case "no-authentication":
			out[i] = text.Or(lang, "ot.protocol."+e, e)
		case "not-detecting":
			out[i] = text.Or(lang, "alert.kind."+e, e)
		}
	}
	return out
}

// size writes a number of bytes for people: decimal units, one digit behind the point.
func size(n int64) string {
	units := []struct {
		one  int64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}}
	for _, u := range units {
		if n >= u.one {
			return strconv.FormatFloat(float64(n)/float64(u.one), 'f', 1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

// sizeFormat is size as a number format of charts.
const sizeFormat = `[>=1000000000]#,##0.0,,," GB";[>=1000000]0.0,," MB";0.0," kB"`

// zone names the report's time zone by its distance from UTC at the period's start.
func (a *Assessment) zone() string {
	at := a.From.In(a.Zone)
	if _, seconds := at.Zone(); seconds == 0 {
		return "UTC"
	}
	return at.Format("UTC-07:00")
}

// when writes a time for people, in the report's zone; "–" for none.
func (a *Assessment) when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.In(a.Zone).Format("2006-01-02 15:04")
}

// ends writes who an alert is about: source → destination, with host names where known.
func (a *Assessment) ends(al Alert) string {
	one := func(ip, mac string) string {
		address := cmp.Or(ip, mac)
		if name := a.label(al.Site, address); name != address {
			return name + " (" + address + ")"
		}
		return address
	}
	src, dst := one(al.SrcIP, al.SrcMAC), one(al.DstIP, al.DstMAC)
	switch {
	case src != "" && dst != "":
		return src + " → " + dst
	case dst != "":
		return "→ " + dst
	}
	return cmp.Or(src, "–")
}
