package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"osect/text"
)

// The grades of small, as a reader would compute them by docs/report.md.
func TestGradesCanBeRecomputed(t *testing.T) {
	a := Build(small())
	var got []string
	for _, f := range a.Findings {
		got = append(got, fmt.Sprint(f.Area, " ", f.Key, " ", f.Count, "/", f.Of, " ", f.Points))
	}
	want := []string{
		"control ot-behaviour 3/0 24",      // high
		"segmentation internet 1/3 36",     // high, a third of the devices: 24 × 1.5
		"control unexpected-writer 1/3 36", // the same
		"control several-writers 1/3 18",   // medium, a third: 12 × 1.5
		"control no-authentication 2/0 12", // medium
		"assets not-in-ledger 1/3 18",      // medium, a third
		"assets connected-device 1/0 4",    // low
		"monitoring coverage 1/3 6",        // low, a third
		"monitoring not-detecting 1/2 8",   // low, half
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	got = nil
	for _, g := range append([]Grade{a.Overall}, a.Grades...) {
		got = append(got, fmt.Sprint(g.Area, " ", g.Letter, " ", g.Score, " -", g.Points))
	}
	// The mean of 78, 64, 10, 100, 86 is 67, a C; the worst area is an E, so that it is a D.
	want = []string{"overall D 67 -162", "assets B 78 -22", "segmentation C 64 -36", "control E 10 -90", "threats A 100 -0", "monitoring B 86 -14"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if p := a.Proposals[0]; p.Key != "writers" || p.Effect != 78 || !slices.Equal(p.Findings, []string{"ot-behaviour", "unexpected-writer", "several-writers"}) || p.Control != "SR 2.1" {
		t.Errorf("the first proposal is %+v", p)
	}
}

func TestPointsGrowWithExtent(t *testing.T) {
	for _, c := range []struct {
		severity  string
		count, of int64
		want      int
	}{
		{"critical", 1, 0, 40}, {"critical", 9, 0, 40}, {"critical", 10, 0, 60}, {"critical", 99, 0, 60}, {"critical", 100, 0, 80},
		{"low", 9, 100, 4}, {"low", 10, 100, 6}, {"low", 49, 100, 6}, {"low", 50, 100, 8}, {"medium", 1, 1, 24}, {"high", 0, 0, 24}, {"unheard of", 5, 0, 0},
	} {
		if got := points(&Finding{Severity: c.severity, Count: c.count, Of: c.of}); got != c.want {
			t.Errorf("%+v: %d points", c, got)
		}
	}
}

// An area without data has no grade and does not count; every finding has an area, a proposal and a control.
func TestAreasWithoutDataHaveNoGrade(t *testing.T) {
	a := Build(Input{})
	for _, g := range append([]Grade{a.Overall}, a.Grades...) {
		if g.Letter != "" || !text.Has("report.ungraded."+g.Why) {
			t.Errorf("without data: %+v", g)
		}
	}
	only := Build(Input{Packets: 1, Devices: []Device{{IPs: []string{"10.0.0.1"}}}})
	if only.Overall.Letter != "A" || only.Grades[0].Letter != "A" || only.Grades[1].Letter != "" || only.Grades[2].Why != "no-ot" {
		t.Errorf("only devices: %+v %+v", only.Overall, only.Grades)
	}
	for key, at := range areaOf {
		if !slices.Contains(Areas, at.area) || controls[at.proposal].requirements == "" || controls[at.proposal].step == 0 {
			t.Errorf("%s: %+v", key, at)
		}
		for _, k := range []string{"report.finding." + key + ".title", "report.finding." + key + ".action", "report.proposal." + at.proposal + ".title", "report.proposal." + at.proposal + ".action"} {
			if !text.Has(k) {
				t.Errorf("no text %s", k)
			}
		}
	}
	for _, f := range Build(full()).Findings {
		if f.Area == "" || f.Points == 0 || f.Control == "" {
			t.Errorf("%+v", f)
		}
	}
}

func TestComparison(t *testing.T) {
	before, now := small(), small()
	before.Devices = append(before.Devices, Device{Site: "A", MAC: "02:00:00:00:00:09", IPs: []string{"10.0.0.9"}, Hostname: "OLD"})
	before.Devices[1].IPs = []string{"10.0.0.22"}
	before.Devices[0].Hostname = ""
	before.Alerts = before.Alerts[:1]
	now.Devices = append(now.Devices, Device{Site: "A", MAC: "02:00:00:00:00:08", IPs: []string{"10.0.0.8"}})
	now.Previous = &before
	a := Build(now)
	var got []string
	for _, c := range a.Comparison.Changes {
		if c.Kind == "device" || c.Kind == "finding" && c.How != "same" || c.Kind == "alerts" {
			got = append(got, strings.Join([]string{c.Kind, c.Key, c.Name, c.How, c.Before, c.After}, "|"))
		}
	}
	want := []string{
		"finding|ot-behaviour||more|1|3", "finding|connected-device||more|0|1",
		"alerts|connected-device||more|0|1", "alerts|ot-ip||more|1|4", "alerts|new-kind||more|0|1",
		"device|10.0.0.8||new||", "device|10.0.0.9|OLD|gone||", "device|10.0.0.2||changed|10.0.0.22|10.0.0.2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if Build(small()).Comparison != nil {
		t.Error("a comparison with nothing")
	}
}

func TestLimitsOfTheData(t *testing.T) {
	in := full()
	var got []string
	a := Build(in)
	for _, l := range a.Limits {
		got = append(got, fmt.Sprint(l.Key, " ", l.N))
		if s := a.limitText(text.JA, l); s == "" || strings.Contains(s, "{") {
			t.Errorf("%s: %q", l.Key, s)
		}
	}
	want := []string{"passive 0", "position 0", "encrypted 0", "silent 0", "begins-late 0", "ends-early 0", "gaps 2", "gap-minutes 140", "skipped 45", "truncated 7", "dropped 3", "faulty 1", "not-detecting 1"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	in.From, in.To = epoch.Add(-30*time.Minute), epoch.Add(24*time.Hour)
	for _, l := range Build(in).Limits {
		if l.Key == "begins-late" || l.Key == "ends-early" {
			t.Errorf("half an hour is said: %+v", l)
		}
	}
}

// What is operated across zones is told apart from what only talks.
func TestZonesAndConduits(t *testing.T) {
	in := small()
	in.Devices[0].Zone, in.Devices[1].Zone, in.Devices[2].Zone = "line", "line", "office"
	in.Crossings = []Crossing{
		{Site: "A", ClientZone: "office", ServerZone: "line", Client: "10.0.0.3", Server: "10.0.0.1", Service: "SLMP", Packets: 2, Bytes: 100},
		{Site: "A", ClientZone: "office", ServerZone: "line", Client: "10.0.0.3", Server: "10.0.0.1", Service: "HTTP", Packets: 1, Bytes: 900},
	}
	a := Build(in)
	if len(a.Conduits) != 1 || fmt.Sprint(a.Conduits[0]) != "{office line 1 [HTTP SLMP] 2 3 1000 1}" {
		t.Errorf("conduits: %v", a.Conduits)
	}
	i := slices.IndexFunc(a.Findings, func(f Finding) bool { return f.Key == "zone-control" })
	if i < 0 || a.Findings[i].Severity != "high" || !slices.Equal(a.Findings[i].Examples, []string{"PLC1 (office → line)"}) {
		t.Errorf("findings: %+v", a.Findings)
	}
	in.Devices[1].Zone = ""
	if !slices.ContainsFunc(Build(in).Findings, func(f Finding) bool { return f.Key == "no-zone" && f.Count == 1 }) {
		t.Error("a device without a zone is not said")
	}
	for j := range in.Devices {
		in.Devices[j].Zone = ""
	}
	if slices.ContainsFunc(Build(in).Findings, func(f Finding) bool { return f.Key == "no-zone" }) {
		t.Error("a ledger without zones has devices without zones")
	}
}

func TestParagraphs(t *testing.T) {
	for in, want := range map[string][]string{
		"": nil,
		"\uFEFF一行目\r\n二行目\r\n\r\n\r\n次の段落":    {"一行目二行目", "次の段落"},
		"one\ntwo\n\n- a\n- b\n・c\nrest":      {"one two", "- a", "- b", "・c rest"},
		"a\x00b\x1b[31m":                      {"a\uFFFDb\uFFFD[31m"},
		strings.Repeat(" \n", 5) + "x" + "\n": {"x"},
	} {
		if got := paragraphs(in); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
