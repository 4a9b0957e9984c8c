package pipeline

import (
	"context"

	"osect/detect"
	"osect/observe"
	"osect/store"
)

// Stored learns from, or detects in, the minutes that the store holds, as far
// back as it keeps minutes.
func Stored(ctx context.Context, st *store.Store, opt StoredOptions) (*StoredSummary, error) {
	s := &StoredSummary{AlertsBySeverity: map[string]int{}}
	type who struct{ site, sensor string }
	engines := map[who]*detect.Engine{}
	statuses, err := st.Statuses(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := st.LearnedRows(ctx, "")
	if err != nil {
		return nil, err
	}
	open, err := st.OpenAlerts(ctx, 0)
	if err != nil {
		return nil, err
	}
	set, err := settings(ctx, st, opt.AsOf)
	if err != nil {
		return nil, err
	}
	var all pending
	// Everything at once: a retrospective run is seen whole or not at all.
	err = st.Minutes(ctx, store.Filter{From: opt.From, To: opt.To, Site: opt.Site, Sensor: opt.Sensor},
		func(site, sensor string, m *observe.Minute) error {
			e := engines[who{site, sensor}]
			if e == nil {
				e = detect.NewEngine(detect.Config{Site: site, Sensor: sensor, Force: force(opt.Mode), Stored: true, Settings: set}, statuses, rows, open)
				engines[who{site, sensor}] = e
				if err := warm(ctx, st, e, site, sensor, m.Start, m.Start); err != nil {
					return err
				}
			}
			r := e.Minute(m)
			all.add(&r)
			if s.Minutes == 0 || store.Time(m.Start) < s.From {
				s.From = store.Time(m.Start)
			}
			s.To = max(s.To, store.Time(m.Start+observe.MinuteLength))
			s.Minutes++
			return nil
		})
	if err != nil {
		return s, err
	}
	if _, err := st.Commit(all.whole()); err != nil {
		return s, err
	}
	s.Learned, s.Alerts = len(all.batch.Changes), len(all.batch.Alerts)
	for i := range all.batch.Alerts {
		s.AlertsBySeverity[string(all.batch.Alerts[i].Severity)]++
	}
	return s, nil
}
