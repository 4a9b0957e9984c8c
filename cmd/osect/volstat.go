package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"osect/detect"
	"osect/text"
)

// volumeRow is a row of learn volumes: L2-4.
type volumeRow struct {
	Site      string `json:"site"`
	Src       string `json:"src"`
	Dst       string `json:"dst"`
	Watched   bool   `json:"watched"`
	Origin    string `json:"origin"`
	Windows   int64  `json:"windows"`
	Usual     uint64 `json:"usual_bytes"`
	Highest   uint64 `json:"highest_bytes"`
	Lowest    uint64 `json:"threshold_lowest_bytes"` // 0: too little was learned
	Top       uint64 `json:"threshold_highest_bytes"`
	Limit     uint64 `json:"limit_bytes"` // set by hand, 0 for none
	Threshold string `json:"-"`
}

// hourRow is a row of learn volumes --src A --dst B.
type hourRow struct {
	Day       int    `json:"day"` // 0 is Monday
	Hour      int    `json:"hour"`
	Cell      string `json:"cell"`
	Windows   int    `json:"windows"`
	Usual     uint64 `json:"usual_bytes"`
	Threshold uint64 `json:"threshold_bytes"`
}

type volumesOptions struct {
	listOptions
	src, dst, site string
}

func newLearnVolumesCommand(a *app) *cobra.Command {
	var o volumesOptions
	cmd := &cobra.Command{
		Use:   "volumes",
		Short: "List the learned volumes of pairs and their thresholds",
		Long: `List the pairs whose volumes were learned by ip-volume: how many windows of five
minutes, the usual (median) and the highest volume, and the threshold, which
depends on the hour of the week. With --src and --dst, the thresholds of one
pair, an hour of the week a row, and which windows each is made of: those of the
hour of the week (hour-of-week), of that hour of all days (hour-of-day), of
working days or weekends (days), or all.

Which pairs are watched, limits, holidays and the clock: osect learn add
ip-volume. The formula stands in docs/detection/ip-volume.md.` + listHelp + exitStatusHelp,
		Example: `  osect learn volumes
  osect learn volumes --src 192.168.3.10 --dst 192.168.3.5`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runLearnVolumes(cmd.Context(), a, o)
		},
	}
	cmd.Flags().StringVar(&o.src, "src", "", "only this client (an `address`, or internet)")
	cmd.Flags().StringVar(&o.dst, "dst", "", "only this server (an `address`, or internet)")
	cmd.Flags().StringVar(&o.site, "site", "", "only this site")
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

// volumeText writes bytes for a table; "" for 0.
func volumeText(n uint64) string {
	if n == 0 {
		return ""
	}
	return detect.BytesText(n)
}

func runLearnVolumes(ctx context.Context, a *app, o volumesOptions) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	learned, err := st.LearnedRows(ctx, detect.IPVolume)
	if err != nil {
		return err
	}
	pairs := detect.Volumes(learned)
	var rows []volumeRow
	var hours []hourRow
	for i := range pairs {
		p := &pairs[i]
		if o.src != "" && p.Src != o.src || o.dst != "" && p.Dst != o.dst || o.site != "" && p.Site != o.site {
			continue
		}
		row := volumeRow{Site: p.Site, Src: p.Src, Dst: p.Dst, Watched: p.Watched, Origin: p.Origin, Windows: p.Windows, Usual: p.Usual, Highest: p.Highest,
			Lowest: p.Lowest, Top: p.Top, Limit: p.Limit}
		switch {
		case p.Limit > 0:
			row.Threshold = volumeText(p.Limit)
		case p.Lowest == p.Top:
			row.Threshold = volumeText(p.Lowest)
		default:
			row.Threshold = volumeText(p.Lowest) + " – " + volumeText(p.Top)
		}
		rows = append(rows, row)
		for _, h := range p.Hours {
			hours = append(hours, hourRow{h.Day, h.Hour, h.Cell, h.Windows, h.Usual, h.Threshold})
		}
	}
	if o.src != "" && o.dst != "" && len(rows) == 1 {
		type row = hourRow
		return listing[row]{columns: []column[row]{
			{key: "day", cell: func(r *row) string { return a.get("cli.day." + strconv.Itoa(r.Day)) }},
			{key: "hour", layout: layout{right: true}, cell: func(r *row) string { return fmt.Sprintf("%02d:00", r.Hour) }},
			{key: "usual", layout: layout{right: true}, cell: func(r *row) string { return volumeText(r.Usual) }},
			{key: "threshold", layout: layout{right: true}, cell: func(r *row) string { return volumeText(r.Threshold) }},
			{key: "cell", cell: func(r *row) string { return a.or("alert.cell."+r.Cell, r.Cell) }},
			{key: "windows", layout: layout{right: true}, cell: func(r *row) string { return strconv.Itoa(r.Windows) }},
		}}.print(a, &o.listOptions, slice(hours))
	}
	type row = volumeRow
	return listing[row]{columns: []column[row]{
		{key: "src", layout: layout{min: 15}, cell: func(r *row) string { return r.Src }},
		{key: "dst", layout: layout{min: 15}, cell: func(r *row) string { return r.Dst }},
		{key: "watched", layout: layout{drop: 2}, cell: func(r *row) string { return a.yes(r.Watched) }},
		{key: "windows", layout: layout{drop: 1, right: true}, cell: func(r *row) string { return strconv.FormatInt(r.Windows, 10) }},
		{key: "usual", layout: layout{right: true}, cell: func(r *row) string { return volumeText(r.Usual) }},
		{key: "highest", layout: layout{drop: 3, right: true}, cell: func(r *row) string { return volumeText(r.Highest) }},
		{key: "threshold", layout: layout{right: true}, cell: func(r *row) string { return r.Threshold }},
	}}.print(a, &o.listOptions, slice(rows))
}

// statisticsRow is a row of learn statistics: L2-5.
type statisticsRow struct {
	Site       string  `json:"site"`
	Device     string  `json:"device"`
	Mode       string  `json:"mode"`
	Origin     string  `json:"origin"`
	Windows    int64   `json:"windows"`
	Judged     bool    `json:"judged"`
	Components int     `json:"components"`
	T2Limit    float64 `json:"t2_limit"`
	QLimit     float64 `json:"q_limit"`
}

// intervalRow is a row of learn statistics DEVICE.
type intervalRow struct {
	Statistic string `json:"statistic"`
	Low       string `json:"low"`
	Mean      string `json:"mean"`
	High      string `json:"high"`
}

func newLearnStatisticsCommand(a *app) *cobra.Command {
	var o listOptions
	cmd := &cobra.Command{
		Use:   "statistics [DEVICE]",
		Short: "List the devices whose statistics were learned, or the intervals of one",
		Long: `List the devices whose statistics were learned by ip-statistics: the mode (off,
weak, strong), how many windows of five minutes, whether that is enough to judge
the device, how many principal components and the limits of T² and Q. With
DEVICE (an address), what is normal of each of its statistics.

The mode of a device is set by osect learn add ip-statistics --item mode. The
statistics and the formulas stand in docs/detection/ip-statistics.md.` + listHelp + exitStatusHelp,
		Example: `  osect learn statistics
  osect learn statistics 192.168.3.10`,
		Args: wantArgs(0, 1, "DEVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			device := ""
			if len(args) > 0 {
				device = args[0]
			}
			return runLearnStatistics(cmd.Context(), a, o, device)
		},
	}
	o.addFlags(cmd.Flags())
	return cmd
}

func runLearnStatistics(ctx context.Context, a *app, o listOptions, device string) (err error) {
	st, err := a.open()
	if err != nil {
		return err
	}
	defer closing(st, &err)
	learned, err := st.LearnedRows(ctx, detect.IPStatistics)
	if err != nil {
		return err
	}
	var rows []statisticsRow
	for _, d := range detect.Statistics(learned) {
		if device == "" {
			rows = append(rows, statisticsRow{d.Site, d.Device, d.Mode, d.Origin, d.Windows, d.Judged, d.Components, d.T2Limit, d.QLimit})
			continue
		}
		if d.Device != device {
			continue
		}
		var intervals []intervalRow
		for _, x := range d.Intervals {
			intervals = append(intervals, intervalRow(x))
		}
		type row = intervalRow
		return listing[row]{columns: []column[row]{
			{key: "statistic", layout: layout{min: 14, lines: 2}, cell: func(r *row) string { return a.or("alert.statistic."+r.Statistic, r.Statistic) }},
			{key: "low", layout: layout{right: true}, cell: func(r *row) string { return r.Low }},
			{key: "mean", layout: layout{right: true}, cell: func(r *row) string { return r.Mean }},
			{key: "high", layout: layout{right: true}, cell: func(r *row) string { return r.High }},
		}}.print(a, &o, slice(intervals))
	}
	if device != "" {
		return inputErrorf("%s has no statistics of %s: see osect learn statistics", a.db, device)
	}
	limit := func(x float64) string {
		if x == 0 {
			return ""
		}
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	type row = statisticsRow
	return listing[row]{columns: []column[row]{
		{key: "device", layout: layout{min: 15}, cell: func(r *row) string { return r.Device }},
		{key: "mode", cell: func(r *row) string { return a.or("cli.statistics."+r.Mode, r.Mode) }},
		{key: "windows", layout: layout{right: true}, cell: func(r *row) string { return strconv.FormatInt(r.Windows, 10) }},
		{key: "judged", cell: func(r *row) string { return a.yes(r.Judged) }},
		{key: "components", layout: layout{drop: 1, right: true}, cell: func(r *row) string { return strconv.Itoa(r.Components) }},
		{key: "t2_limit", layout: layout{drop: 2, right: true}, cell: func(r *row) string { return limit(r.T2Limit) }},
		{key: "q_limit", layout: layout{drop: 2, right: true}, cell: func(r *row) string { return limit(r.QLimit) }},
	}}.print(a, &o, slice(rows))
}

// statisticNames puts the names of statistics in a language: "peers 30 [2 – 5]; opened 9 [0 – 4]" in an alert's argument.
func statisticNames(lang text.Lang, s string) string {
	parts := strings.Split(s, "; ")
	for i, p := range parts {
		name, rest, found := strings.Cut(p, " ")
		if found {
			parts[i] = text.Or(lang, "alert.statistic."+name, name) + " " + rest
		}
	}
	return strings.Join(parts, "; ")
}

// yes writes yes or no.
func (a *app) yes(b bool) string {
	if b {
		return a.get("cli.word.yes")
	}
	return a.get("cli.word.no")
}
