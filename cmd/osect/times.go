package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"osect/observe"
	"osect/store"
)

// timeRange is --from and --to.
type timeRange struct{ from, to string }

func (r *timeRange) addFlags(f *pflag.FlagSet) {
	f.StringVar(&r.from, "from", "", "only from this `time` on: RFC 3339 or before the newest data (24h-ago, 7d-ago, -90m)")
	f.StringVar(&r.to, "to", "", "only before this `time`, in the same form")
}

// bounds gives the range in ns, 0 for no bound. Relative times count from the
// end of the newest minute in the store.
func (r *timeRange) bounds(ctx context.Context, st *store.Store) (from, to int64, err error) {
	if r.from == "" && r.to == "" {
		return 0, 0, nil
	}
	newest := int64(-1)
	read := func(flag, s string) (int64, error) {
		if s == "" {
			return 0, nil
		}
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.UnixNano(), nil
		}
		ago, ok := parseAgo(s)
		if !ok {
			return 0, usageErrorf("--%s %q: want a time such as 2026-11-22T09:00:00+09:00, or 24h-ago", flag, s)
		}
		if newest < 0 {
			sensors, err := st.Sensors(ctx)
			if err != nil {
				return 0, err
			}
			newest = 0
			for _, x := range sensors {
				if x.Minutes > 0 {
					newest = max(newest, int64(x.Last)+observe.MinuteLength)
				}
			}
		}
		return newest - int64(ago), nil
	}
	if from, err = read("from", r.from); err != nil {
		return 0, 0, err
	}
	if to, err = read("to", r.to); err != nil {
		return 0, 0, err
	}
	if from != 0 && to != 0 && from >= to {
		return 0, 0, usageErrorf("--from %s is not before --to %s", r.from, r.to)
	}
	return from, to, nil
}

// parseAgo reads "24h-ago" or "-24h"; besides Go's units, d is 24 hours and w 7 days.
func parseAgo(s string) (time.Duration, bool) {
	rest, ago := strings.CutSuffix(s, "-ago")
	if !ago {
		var minus bool
		if rest, minus = strings.CutPrefix(s, "-"); !minus {
			return 0, false
		}
	}
	if rest == "" || rest[0] == '-' || rest[0] == '+' {
		return 0, false
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[rest[len(rest)-1]]
	if unit != 0 {
		n, err := strconv.ParseUint(rest[:len(rest)-1], 10, 16)
		if err != nil {
			return 0, false
		}
		d := time.Duration(n) * unit
		return d, d/unit == time.Duration(n)
	}
	d, err := time.ParseDuration(rest)
	return d, err == nil
}
