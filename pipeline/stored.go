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
	raised := map[string]int{} // place in batch.Alerts by id: the last state of each counts
	var batch store.Batch
	// Everything at once: a retrospective run is seen whole or not at all.
	err = st.Minutes(ctx, store.Filter{From: opt.From, To: opt.To, Site: opt.Site, Sensor: opt.Sensor},
		func(site, sensor string, m *observe.Minute) error {
			e := engines[who{site, sensor}]
			if e == nil {
				e = detect.NewEngine(detect.Config{Site: site, Sensor: sensor, Force: force(opt.Mode)}, statuses, rows, open)
				engines[who{site, sensor}] = e
			}
			r := e.Minute(m)
			for _, a := range r.Alerts {
				if i, ok := raised[a.ID]; ok {
					batch.Alerts[i] = a
					continue
				}
				raised[a.ID] = len(batch.Alerts)
				batch.Alerts = append(batch.Alerts, a)
			}
			batch.Changes = append(batch.Changes, r.Changes...)
			batch.Statuses = append(batch.Statuses, r.Statuses...)
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
	if _, err := st.Commit(&batch); err != nil {
		return s, err
	}
	s.Learned, s.Alerts = len(batch.Changes), len(batch.Alerts)
	for i := range batch.Alerts {
		s.AlertsBySeverity[string(batch.Alerts[i].Severity)]++
	}
	return s, nil
}
