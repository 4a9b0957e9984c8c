package report

import (
	"cmp"
	"slices"
	"strings"
)

// Areas are what is graded, in the order of the report.
var Areas = []string{"assets", "segmentation", "control", "threats", "monitoring"}

// areaOf says in which area a finding counts, and which proposal answers it.
var areaOf = map[string]struct{ area, proposal string }{
	"not-in-ledger":     {"assets", "inventory"},
	"ledger-outdated":   {"assets", "inventory"},
	"connected-device":  {"assets", "inventory"},
	"vulnerable-device": {"assets", "replace"},
	"internet":          {"segmentation", "boundary"},
	"zone-crossing":     {"segmentation", "boundary"},
	"ip-communication":  {"segmentation", "boundary"},
	"no-zone":           {"segmentation", "zones"},
	"zone-control":      {"control", "boundary"},
	"unexpected-writer": {"control", "writers"},
	"several-writers":   {"control", "writers"},
	"ot-behaviour":      {"control", "writers"},
	"no-authentication": {"control", "authentication"},
	"built-in":          {"threats", "investigate"},
	"signature":         {"threats", "investigate"},
	"volume":            {"threats", "investigate"},
	"coverage":          {"monitoring", "observe"},
	"gaps":              {"monitoring", "observe"},
	"not-detecting":     {"monitoring", "detect"},
}

// controls are what a proposal serves: system requirements of IEC 62443-3-3, and the step of the guideline for factories
// (Japan's Ministry of Economy, Trade and Industry, version 1.0, November 2022), 1 = what is to be protected and its
// zones, 2 = measures, 3 = operation.
var controls = map[string]struct {
	requirements string
	step         int
}{
	"inventory":      {"SR 7.8", 1},
	"zones":          {"SR 5.1", 1},
	"replace":        {"SR 5.1, SR 3.2", 2},
	"boundary":       {"SR 5.1, SR 5.2", 2},
	"writers":        {"SR 2.1", 2},
	"authentication": {"SR 1.2, SR 3.1", 2},
	"investigate":    {"SR 6.2, SR 3.2", 3},
	"detect":         {"SR 6.2", 3},
	"observe":        {"SR 6.2", 3},
}

// basePoints are what a finding costs its area by severity, before its extent.
var basePoints = map[string]int{"critical": 40, "high": 24, "medium": 12, "low": 4}

// Letters are the grades with the least score of each, best first.
var Letters = []struct {
	Letter string
	Least  int
}{{"A", 90}, {"B", 75}, {"C", 60}, {"D", 40}, {"E", 0}}

// Grade is how an area stands.
type Grade struct {
	Area   string // of Areas; overall for all of them
	Letter string // of Letters; "" where there are no data to grade by
	Score  int    // 0–100; means nothing without a letter
	Points int    // deducted, may be more than 100
	Why    string // without a letter: the text report.ungraded.<Why> says why
}

// Proposal is what to do about findings.
type Proposal struct {
	Key      string   // the texts are report.proposal.<Key>.title and .action
	Effect   int      // points that its findings cost: what doing it wins back
	Severity string   // the worst of its findings
	Findings []string // their keys, worst first
	Control  string   // system requirements of IEC 62443-3-3
	Step     int      // of the ministry's guideline for factories: 1 to 3
}

// points are what a finding costs its area: those of its severity, by half more from a tenth and twice from half of
// what it could concern; where that is not countable (of is 0), from 10 and from 100.
func points(f *Finding) int {
	base := basePoints[f.Severity]
	some, many := f.Count >= 10, f.Count >= 100
	if f.Of > 0 {
		some, many = f.Count*10 >= f.Of, f.Count*2 >= f.Of
	}
	switch {
	case many:
		return base * 2
	case some:
		return base * 3 / 2
	}
	return base
}

// ungraded says why there is nothing to grade an area by; "" when there is.
func (a *Assessment) ungraded(area string) string {
	c := &a.Counts
	switch {
	case area == "assets" && c.Devices == 0:
		return "no-devices"
	case area == "segmentation" && c.Pairs == 0:
		return "no-traffic"
	case area == "control" && c.OTProtocols == 0:
		return "no-ot"
	case area == "threats" && c.Detecting == 0 && c.Alerts == 0:
		return "not-detecting"
	case area == "monitoring" && c.Packets == 0:
		return "no-data"
	}
	return ""
}

// grades computes the grades and proposals from the findings. An area's score is 100 less the points of its
// findings, not below 0. The overall score is the mean of the graded areas, rounded down; its letter is at most one
// better than that of the worst area.
func (a *Assessment) grades() {
	proposals := map[string]*Proposal{}
	sums := map[string]int{}
	for i := range a.Findings {
		f := &a.Findings[i]
		at := areaOf[f.Key]
		f.Area, f.Points, f.Control = at.area, points(f), controls[at.proposal].requirements
		sums[f.Area] += f.Points
		p := proposals[at.proposal]
		if p == nil {
			p = &Proposal{Key: at.proposal, Severity: f.Severity, Control: f.Control, Step: controls[at.proposal].step}
			proposals[at.proposal] = p
		}
		p.Effect += f.Points
		p.Findings = append(p.Findings, f.Key) // findings are worst first
	}
	sum, n, worst := 0, 0, 0
	a.Overall = Grade{Area: "overall", Why: "no-data"}
	for _, area := range Areas {
		g := Grade{Area: area, Points: sums[area], Why: a.ungraded(area)}
		if g.Why == "" {
			g.Score = max(0, 100-g.Points)
			i := letter(g.Score)
			g.Letter = Letters[i].Letter
			sum, n, worst = sum+g.Score, n+1, max(worst, i)
		}
		a.Overall.Points += g.Points
		a.Grades = append(a.Grades, g)
	}
	if n > 0 {
		a.Overall.Score, a.Overall.Why = sum/n, ""
		a.Overall.Letter = Letters[max(letter(a.Overall.Score), worst-1)].Letter
	}
	for _, p := range proposals {
		a.Proposals = append(a.Proposals, *p)
	}
	slices.SortFunc(a.Proposals, func(x, y Proposal) int {
		return cmp.Or(cmp.Compare(y.Effect, x.Effect), cmp.Compare(rank(x.Severity), rank(y.Severity)), strings.Compare(x.Key, y.Key))
	})
}

// letter is the place of a score's grade in Letters.
func letter(score int) int {
	return slices.IndexFunc(Letters, func(l struct {
		Letter string
		Least  int
	}) bool {
		return score >= l.Least
	})
}
