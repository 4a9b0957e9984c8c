package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"osect/store"
)

type trafficOptions struct {
	listOptions
	where
	protocol string
	bucket   time.Duration
}

func newTrafficCommand(a *app) *cobra.Command {
	var o trafficOptions
	cmd := &cobra.Command{
		Use:   "traffic",
		Short: "Show traffic over time, of all, of one device or of one service",
		Long: `Show traffic over time: packets and bytes of each bucket, both ways. Without
--address and --protocol every frame counts, else those of the connections they
leave. A bucket begins at a multiple of its length since 1970 UTC; those without
traffic are left out.

What several sensors saw is never added: name one with --sensor. Where minutes
are no longer kept, buckets of less than an hour have the whole hour.` + listHelp + exitStatusHelp,
		Example: `  osect traffic
  osect traffic --address 192.168.3.39 --from 24h-ago --bucket 10m
  osect traffic --protocol slmp-melsec --bucket 1h --format csv --bom`,
		Args: wantArgs(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags().Changed("limit")); err != nil {
				return err
			}
			return runTraffic(cmd.Context(), a, o)
		},
	}
	cmd.Flags().DurationVar(&o.bucket, "bucket", 0, "`length` of a bucket, whole minutes such as 10m or 24h (default: about 40 rows)")
	cmd.Flags().StringVar(&o.protocol, "protocol", "", "only this `protocol`: tcp, udp, icmp, icmp6, an IP protocol number, or a service")
	o.where.addFlags(cmd.Flags())
	o.listOptions.addFlags(cmd.Flags())
	return cmd
}

// trafficRow is a row of traffic: one bucket.
type trafficRow struct {
	store.Point
	Seconds int64 `json:"seconds"` // length of the bucket
	most    uint64
}

func runTraffic(ctx context.Context, a *app, o trafficOptions) (err error) {
	if o.bucket < 0 || o.bucket%time.Minute != 0 {
		return usageErrorf("--bucket %s: want whole minutes, such as 10m or 24h", o.bucket)
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
	var names []string
	sensors, err := st.Sensors(ctx)
	if err != nil {
		return err
	}
	first, last := int64(0), int64(0)
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
		return usageErrorf("several sensors have data (%s) and what they saw is never added: name one with --site and --sensor", strings.Join(names, ", "))
	}
	if o.bucket == 0 {
		if f.From != 0 {
			first = max(first, f.From)
		}
		if f.To != 0 {
			last = min(last, f.To)
		}
		o.bucket = bucketFor(time.Duration(max(last-first, 0)))
	}
	points, err := st.Traffic(ctx, f, o.bucket)
	if err != nil {
		return err
	}
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
