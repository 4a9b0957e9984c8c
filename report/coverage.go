package report

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"osect/report/pptx"
)

// Limit is something that the data cannot say. Its text is report.limit.<Key> with the arguments n, from and to.
type Limit struct {
	Key      string
	N        int64     // 0 where nothing is counted
	From, To time.Time // zero where no time is meant
}

// partial is how much of the period may lack at either end before it is said.
const partial = time.Hour

// coverage takes over of which time there are data, and says what the sensors could not see.
func (a *Assessment) coverage(in Input) {
	gaps, minutes := int64(0), int64(0)
	for _, c := range in.Coverage {
		c.Site, c.Sensor = pptx.Clean(c.Site), pptx.Clean(c.Sensor)
		a.Coverage = append(a.Coverage, c)
		if c.Minutes > 0 && (a.DataFrom.IsZero() || c.First.Before(a.DataFrom)) {
			a.DataFrom = c.First
		}
		if c.Last.After(a.DataTo) {
			a.DataTo = c.Last
		}
		gaps += c.Gaps
		minutes += c.GapMinutes
	}
	slices.SortFunc(a.Coverage, func(x, y Coverage) int {
		return cmp.Or(strings.Compare(x.Site, y.Site), strings.Compare(x.Sensor, y.Sensor))
	})
	limit := func(key string, n int64) { a.Limits = append(a.Limits, Limit{Key: key, N: n}) }
	for _, key := range []string{"passive", "position", "encrypted", "silent"} {
		limit(key, 0)
	}
	some := func(key string, n int64) {
		if n > 0 {
			limit(key, n)
		}
	}
	if !a.DataFrom.IsZero() {
		if !in.From.IsZero() && a.DataFrom.Sub(in.From) > partial {
			a.Limits = append(a.Limits, Limit{"begins-late", 0, in.From, a.DataFrom})
		}
		if !in.To.IsZero() && in.To.Sub(a.DataTo) > partial {
			a.Limits = append(a.Limits, Limit{"ends-early", 0, a.DataTo, in.To})
		}
	}
	if gaps > 0 {
		some("gaps", gaps)
		some("gap-minutes", minutes)
	}
	some("skipped", a.Counts.Skipped)
	some("truncated", in.Truncated)
	some("dropped", in.Dropped)
	some("faulty", a.Counts.CapturesFaulty)
	if !a.HasLedger {
		limit("no-ledger", 0)
	}
	some("not-detecting", a.idle())
}

// paragraphs cuts a text where it has empty lines. Lines of a paragraph are joined unless they begin as items do ("- ", "・").
func paragraphs(s string) []string {
	var out []string
	open := false
	for line := range strings.Lines(strings.TrimPrefix(s, "\uFEFF")) {
		line = strings.TrimSpace(pptx.Clean(strings.TrimRight(line, "\r\n")))
		switch {
		case line == "":
			open = false
		case open && !strings.HasPrefix(line, "- ") && !strings.HasPrefix(line, "・"):
			last := &out[len(out)-1]
			// Between East Asian letters a line break is no space.
			if r, _ := utf8.DecodeLastRuneInString(*last); r < 0x1100 {
				*last += " "
			}
			*last += line
		default:
			out = append(out, line)
			open = true
		}
	}
	return out
}
