package pipeline

import (
	"bytes"
	"context"
	"fmt"

	"osect/detect"
	"osect/observe"
	"osect/store"
)

// settings are what the detectors take from the store beside their lists. asOf as in Options.
func settings(ctx context.Context, st *store.Store, asOf int64) (s detect.Settings, err error) {
	s.AsOf = asOf
	if s.Exclusions, err = exclusions(ctx, st); err != nil {
		return s, err
	}
	if s.Flags, err = st.LedgerFlags(ctx); err != nil {
		return s, err
	}
	all, err := st.Settings(ctx)
	if err != nil {
		return s, err
	}
	if err := s.ParseSettings(all); err != nil {
		return s, fmt.Errorf("%s: %w: see osect settings", st.Path(), err)
	}
	data, err := st.Reference(ctx, store.ReferenceEOL)
	if err != nil || data == nil {
		return s, err
	}
	t, err := detect.ParseEOL(bytes.NewReader(data))
	if err != nil {
		return s, fmt.Errorf("%s: the ends of support in it: %w: bring them again with osect update eol --from", st.Path(), err)
	}
	s.EOL = t.With()
	return s, nil
}

// exclusions are the store's exclusion lists.
func exclusions(ctx context.Context, st *store.Store) ([]detect.Exclusion, error) {
	rows, err := st.Exclusions(ctx, "")
	out := make([]detect.Exclusion, len(rows))
	for i, x := range rows {
		out[i] = detect.Exclusion{Kind: x.Kind, Site: x.Site, Src: x.Src, Item: x.Item}
	}
	return out, err
}

// orderOf says whether the store wants the order of control functions.
func orderOf(ctx context.Context, st *store.Store) (bool, error) {
	all, err := st.Settings(ctx)
	return all[detect.SettingOrder] == "on", err
}

// warmHour is how far back windows look.
const warmHour = int64(3600e9)

// warm shows the engine the stored minutes that begin in the hour before to, which fills its windows, and what devices
// told of themselves before the minute that starts at start.
func warm(ctx context.Context, st *store.Store, e *detect.Engine, site, sensor string, start, to int64) error {
	facts, err := st.Facts(ctx, store.Filter{To: start, Site: site, Sensor: sensor})
	if err != nil {
		return err
	}
	e.Know(facts)
	return st.Minutes(ctx, store.Filter{From: to - warmHour, To: to, Site: site, Sensor: sensor}, func(_, _ string, m *observe.Minute) error {
		if m.Start < to {
			e.Warm(m)
		}
		return nil
	})
}
