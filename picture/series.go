package picture

import (
	"errors"
	"fmt"
	"image/color"
	"io"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	_ "gonum.org/v1/plot/vg/vgimg" // PNG
	_ "gonum.org/v1/plot/vg/vgsvg" // SVG

	"osect/store"
)

// Series is traffic over time: the points of one device, pair or service.
type Series struct {
	Name   string
	Points []store.Point
}

// WriteChart draws bytes a second over time as "svg" or "png", each bucket a step. It is labelled in
// English, as the fonts of gonum/plot have no Japanese: the axes are UTC or the zone, and bytes a second.
func WriteChart(w io.Writer, format string, series []Series, bucket time.Duration, zone *time.Location) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("Traffic, buckets of %s", lengthText(bucket))
	p.Y.Label.Text = "bytes/s"
	p.Y.Min = 0
	p.X.Tick.Marker = timeTicks{zone}
	p.Y.Tick.Marker = byteTicks{}
	p.Legend.Top = true
	p.Legend.Padding = vg.Points(2)
	p.Add(plotter.NewGrid())
	first, last := int64(0), int64(0)
	any := false
	for _, s := range series {
		for _, x := range s.Points {
			if t := int64(x.Time) / 1e9; !any || t < first {
				first, any = t, true
			}
			last = max(last, int64(x.Time)/1e9)
		}
	}
	if !any {
		return errors.New("no traffic to draw")
	}
	last += int64(bucket / time.Second)
	zoneName, _ := time.Unix(first, 0).In(zone).Zone()
	p.X.Label.Text = "time (" + latin(zoneName) + ")"
	p.X.Min, p.X.Max = float64(first), float64(last)
	for i, s := range series {
		line, err := plotter.NewLine(steps(s.Points, first, last, bucket))
		if err != nil {
			return err
		}
		line.Color = rgb(many[i%len(many)].hex)
		line.Width = vg.Points(1.5)
		if len(series) == 1 {
			c := rgb(many[0].hex).(color.RGBA)
			line.FillColor = color.NRGBA{c.R, c.G, c.B, 50}
		}
		p.Add(line)
		if len(series) > 1 {
			p.Legend.Add(latin(s.Name), line)
		}
	}
	p.Legend.ThumbnailWidth = vg.Points(14)
	p.Legend.TextStyle.Font.Size = vg.Points(9)
	if len(series) > 1 {
		// Room above the lines for the legend.
		p.Y.Max *= 1 + 0.055*float64(len(series))
	}
	for _, f := range []*font.Font{&p.X.Tick.Label.Font, &p.Y.Tick.Label.Font, &p.X.Label.TextStyle.Font, &p.Y.Label.TextStyle.Font, &p.Title.TextStyle.Font, &p.Legend.TextStyle.Font} {
		f.Variant = "Sans"
	}
	out, err := draw.NewFormattedCanvas(26*vg.Centimeter, 11*vg.Centimeter, format)
	if err != nil {
		return err
	}
	const border = 10
	p.Draw(draw.Crop(draw.New(out), border, -border, border, -border))
	_, err = out.WriteTo(w)
	return err
}

// timeTicks puts ticks at round times of a zone.
type timeTicks struct{ zone *time.Location }

func (t timeTicks) Ticks(lo, hi float64) []plot.Tick {
	const most, day = 9, 24 * time.Hour
	step := time.Minute
	for _, d := range []time.Duration{5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
		day, 2 * day, 5 * day, 10 * day, 30 * day, 91 * day, 365 * day, 3650 * day} {
		if (hi-lo)/step.Seconds() <= most {
			break
		}
		step = d
	}
	format := "01-02\n15:04"
	if step >= day {
		format = "2006-01-02"
	}
	// From midnight of the first day, so that steps of hours are round in the zone.
	first := time.Unix(int64(lo), 0).In(t.zone)
	at := time.Date(first.Year(), first.Month(), first.Day(), 0, 0, 0, 0, t.zone)
	var out []plot.Tick
	for range 4000 {
		if v := float64(at.Unix()); v > hi {
			break
		} else if v >= lo {
			out = append(out, plot.Tick{Value: v, Label: at.Format(format)})
		}
		if step >= day {
			at = at.AddDate(0, 0, int(step/day))
		} else {
			at = at.Add(step)
		}
	}
	return out
}

// mostSteps bounds what a line is made of; buckets beyond are of no width on paper.
const mostSteps = 200_000

// steps are the corners of a line: buckets without traffic are 0.
func steps(points []store.Point, first, last int64, bucket time.Duration) plotter.XYs {
	length := int64(bucket / time.Second)
	var out plotter.XYs
	at := func(t int64, v float64) { out = append(out, plotter.XY{X: float64(t), Y: v}) }
	now := first
	at(now, 0)
	for _, p := range points {
		if len(out) > mostSteps {
			break
		}
		t := int64(p.Time) / 1e9
		v := float64(p.Bytes) / float64(length)
		if t > now {
			at(now, 0)
			at(t, 0)
		}
		at(t, v)
		at(t+length, v)
		now = t + length
	}
	at(now, 0)
	at(last, 0)
	return out
}

// byteTicks writes the ticks of an axis of bytes with k, M, G.
type byteTicks struct{}

func (byteTicks) Ticks(lo, hi float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(lo, hi)
	for i := range ticks {
		if ticks[i].Label != "" {
			ticks[i].Label = strings.TrimSuffix(shortNumber(max(ticks[i].Value, 0)), "B")
		}
	}
	return ticks
}

func shortNumber(v float64) string {
	if v < 1000 {
		return fmt.Sprintf("%.3g", v)
	}
	return strings.Replace(bytesText(uint64(v+0.5)), ".0 ", " ", 1)
}

// lengthText writes the length of a bucket: 10m, 6h, 1d.
func lengthText(d time.Duration) string {
	switch {
	case d%(24*time.Hour) == 0:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}

// Sparkline draws values in so many columns of a terminal: each column is the highest of its part, in eighths
// of most; a space is 0.
func Sparkline(values []uint64, most uint64, columns int) string {
	if len(values) == 0 || columns <= 0 {
		return ""
	}
	columns = min(columns, len(values))
	out := make([]rune, columns)
	for i := range out {
		top := uint64(0)
		for _, v := range values[i*len(values)/columns : max((i+1)*len(values)/columns, i*len(values)/columns+1)] {
			top = max(top, v)
		}
		switch {
		case top == 0 || most == 0:
			out[i] = ' '
		default:
			out[i] = []rune("▁▂▃▄▅▆▇█")[min(int(float64(top)/float64(most)*7.999), 7)]
		}
	}
	return strings.TrimRight(string(out), " ")
}

// runeCells is how many columns of a terminal a character takes.
func runeCells(r rune) int {
	if unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
		return 2
	}
	return 1
}
