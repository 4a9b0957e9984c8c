package store

import (
	"context"
	"database/sql/driver"
	"slices"
	"time"
)

// Retention says how long each grain is kept; 0 for ever.
type Retention struct {
	Connections, Minutes, Hours, Events time.Duration
}

// DefaultRetention is that of a sensor.
var DefaultRetention = Retention{Connections: 14 * 24 * time.Hour, Minutes: 31 * 24 * time.Hour, Hours: 365 * 24 * time.Hour, Events: 14 * 24 * time.Hour}

// Prune lets go what is older than the retention allows at the packet time now, an hour of a table in a
// transaction, so that nobody waits long for it. It returns the number of rows, those in blocks counted one by one.
// What follows from the hours (addresses' totals, alerts, learned rows, facts) stays.
func (s *Store) Prune(ctx context.Context, now int64, r Retention) (rows int64, err error) {
	before := func(d time.Duration) int64 { return floorDiv(now-int64(d), hourLength) }
	if r.Minutes > 0 {
		// Minutes go only when their hours are made.
		h := before(r.Minutes)
		err := s.transact("prune", func(w *writer) error {
			if err := w.rollUp(nil); err != nil {
				return err
			}
			return w.exec("INSERT INTO kept VALUES ('minute', ?) ON CONFLICT DO UPDATE SET hour=max(hour, excluded.hour)", h)
		})
		if err != nil {
			return rows, err
		}
		for _, t := range []string{"edge_minute", "operation_minute", "address_minute"} {
			if err := s.prune(ctx, t, "minute", h*60, 60, &rows); err != nil {
				return rows, err
			}
		}
	}
	if r.Connections > 0 {
		h := before(r.Connections)
		if err := s.prune(ctx, "connection_minute", "minute", h*60, 60, &rows); err != nil {
			return rows, err
		}
		if err := s.prune(ctx, "connection_long", "first", h*hourLength, hourLength, &rows); err != nil {
			return rows, err
		}
	}
	if r.Events > 0 {
		if err := s.prune(ctx, "event", "minute", before(r.Events)*60, 60, &rows); err != nil {
			return rows, err
		}
	}
	if r.Hours > 0 {
		h := before(r.Hours)
		for _, t := range []string{"edge_hour", "operation_hour", "address_hour"} {
			if err := s.prune(ctx, t, "hour", h, 1, &rows); err != nil {
				return rows, err
			}
		}
		for _, t := range []string{"minute", "minute_counter"} {
			if err := s.prune(ctx, t, "minute", h*60, 60, &rows); err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// blockTables are those whose rows are blocks of rows.
var blockTables = []string{"edge_minute", "edge_hour", "operation_minute", "operation_hour", "address_minute", "address_hour", "connection_minute"}

// prune deletes the rows of a table whose column is below end, step by step of the column.
func (s *Store) prune(ctx context.Context, table, column string, end, step int64, rows *int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		done := false
		err := s.transact("prune", func(w *writer) error {
			var oldest driver.Value
			err := w.query("SELECT min("+column+") FROM "+table, func(v []driver.Value) error {
				oldest = v[0]
				return nil
			})
			first, ok := oldest.(int64)
			if done = !ok || first >= end; done || err != nil {
				return err
			}
			held := "1"
			if slices.Contains(blockTables, table) {
				held = "count"
			}
			where := " FROM " + table + " WHERE " + column + "<?"
			n, _, err := w.one("SELECT sum("+held+")"+where, min(first+step, end))
			if err != nil {
				return err
			}
			*rows += n
			return w.exec("DELETE"+where, min(first+step, end))
		})
		if done || err != nil {
			return err
		}
	}
}
