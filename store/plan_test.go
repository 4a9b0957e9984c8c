package store

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"osect/decode"
	"osect/observe"
)

// big are the tables that grow with time: no listing of a window may read one whole.
var big = []string{"connection_minute", "connection_long", "edge_minute", "edge_hour", "operation_minute", "operation_hour", "address_minute", "address_hour", "event", "minute", "minute_counter"}

// TestListingsUseIndexes asks SQLite how it would answer each listing of a day, and refuses
// plans that read a big table whole.
func TestListingsUseIndexes(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	for n := range 3 {
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{50, 50, 50, 50, 5}.minute(n * 70)}})
	}
	aliases := regexp.MustCompile(`(?i)(?:FROM|JOIN) (\w+) (\w+)`)
	now := ""
	s.seen = func(q string, args []any) {
		rows, err := s.db.Query("EXPLAIN QUERY PLAN "+q, args...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", now, err, q)
		}
		defer rows.Close()
		names := map[string]string{}
		for _, m := range aliases.FindAllStringSubmatch(q, -1) {
			names[m[2]] = m[1]
		}
		plan := ""
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			plan += "\t" + detail + "\n"
			table, ok := strings.CutPrefix(detail, "SCAN ")
			table, _, _ = strings.Cut(table, " ")
			if n := names[table]; n != "" {
				table = n
			}
			for _, b := range big {
				if ok && table == b {
					t.Errorf("%s reads all of %s\n%s", now, table, q)
				}
			}
		}
		t.Logf("%s:\n%s", now, plan)
	}
	day := Filter{From: t0 + int64(30*time.Minute), To: t0 + int64(24*time.Hour+30*time.Minute), Limit: 1000}
	by := day
	by.Address, by.Protocol, by.Sensor = "10.0.0.0/24", "tcp", "one"
	for _, x := range []struct {
		name string
		ask  func(f Filter) error
	}{
		{"flows", func(f Filter) error { _, _, err := s.Flows(ctx, f); return err }},
		{"each flow", func(f Filter) error { f.Limit = 0; return s.EachFlow(ctx, f, func(*Flow) error { return nil }) }},
		{"flows of ends and a VLAN, in order", func(f Filter) error {
			tag := uint16(7)
			f.Ends, f.VLAN, f.Order = []End{{"default", decode.IPv4(0x0a000007)}}, &tag, "bytes"
			_, _, err := s.Flows(ctx, f)
			return err
		}},
		{"snapshot", func(f Filter) error { _, err := s.Snapshot(ctx, f); return err }},
		{"addresses", func(f Filter) error { _, _, err := s.Addresses(ctx, f); return err }},
		{"operations", func(f Filter) error { _, _, err := s.Operations(ctx, f); return err }},
		{"edges", func(f Filter) error { _, err := s.Edges(ctx, f); return err }},
		{"devices", func(f Filter) error { _, err := s.DeviceInput(ctx, f); return err }},
		{"talkers", func(f Filter) error { _, err := s.TopTalkers(ctx, f); return err }},
		{"traffic", func(f Filter) error { _, err := s.Traffic(ctx, f, time.Hour); return err }},
		{"traffic by minute", func(f Filter) error { _, err := s.Traffic(ctx, f, time.Minute); return err }},
		{"alerts", func(f Filter) error { _, _, err := s.Alerts(ctx, f); return err }},
		{"counters", func(f Filter) error { _, err := s.Counters(ctx, f); return err }},
		{"coverage", func(f Filter) error { _, err := s.Coverage(ctx, f); return err }},
		{"seen", func(f Filter) error { _, err := s.Seen(ctx, f); return err }},
		{"log", func(f Filter) error { _, err := s.SystemLog(ctx, f); return err }},
		{"minutes", func(f Filter) error {
			return s.Minutes(ctx, f, func(_, _ string, m *observe.Minute) error { return nil })
		}},
	} {
		for name, f := range map[string]Filter{"": day, " of an address": by} {
			now = x.name + name
			if err := x.ask(f); err != nil {
				t.Fatalf("%s: %v", now, err)
			}
		}
	}
}
