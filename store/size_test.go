package store

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"osect/detect"
	"osect/observe"
)

var (
	days    = flag.Int("days", 0, "TestReferenceLoad: days of reference load to make")
	devices = flag.Int("devices", 1000, "TestReferenceLoad: devices")
	keep    = flag.String("keep", "", "TestReferenceLoad: the store's file: made where it is not there, and left")
)

// hourOfReference makes a store that holds an hour of a load.
func hourOfReference(t *testing.T, s *Store, l load) (*Store, *Run) {
	run := newRun(t, s)
	for n := range 60 {
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{l.minute(n)}})
	}
	if err := s.EndRun(run); err != nil {
		t.Fatal(err)
	}
	rollUp(t, s)
	return s, run
}

// bytesOf is what dropping a table would free: its pages and those of its indexes.
func bytesOf(t *testing.T, s *Store, table string) int64 {
	t.Helper()
	c, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var before, after, page int64
	for _, q := range []struct {
		text string
		to   *int64
	}{{"PRAGMA page_size", &page}, {"PRAGMA freelist_count", &before}, {"BEGIN IMMEDIATE", nil}, {"DROP TABLE " + table, nil}, {"PRAGMA freelist_count", &after}, {"ROLLBACK", nil}} {
		if q.to == nil {
			_, err = c.ExecContext(ctx, q.text)
		} else {
			err = c.QueryRowContext(ctx, q.text).Scan(q.to)
		}
		if err != nil {
			t.Fatalf("%s: %v", q.text, err)
		}
	}
	return (after - before) * page
}

// TestBytesPerRow prints the table of docs/store.md: bytes a row as measured, rows a year at
// the reference load with the default retention. It fails where a year is over 20 GB.
func TestBytesPerRow(t *testing.T) {
	s, _ := hourOfReference(t, newStore(t), reference)
	const (
		minutesOf14 = 14 * 24 * 60
		minutesOf31 = 31 * 24 * 60
		year        = 365 * 24 * 60
	)
	fmt.Println("| table | rows an hour | kept | rows a year | bytes a row | GB |\n|---|---|---|---|---|---|")
	total := 0.0
	for _, x := range []struct {
		table string
		kept  int64 // minutes
		text  string
	}{
		{"connection_minute", minutesOf14, "14 days"},
		{"edge_minute", minutesOf31, "31 days"}, {"operation_minute", minutesOf31, "31 days"}, {"address_minute", minutesOf31, "31 days"},
		{"event", minutesOf14, "14 days"},
		{"edge_hour", year, "365 days"}, {"operation_hour", year, "365 days"}, {"address_hour", year, "365 days"},
		{"minute", year, "365 days"}, {"minute_counter", year, "365 days"},
		{"edge", year, "always"}, {"edge_total", year, "always"}, {"operation", year, "always"}, {"operation_total", year, "always"}, {"address", year, "always"}, {"end", year, "always"},
	} {
		rows := s.count(t, "SELECT "+countOf(x.table)+" FROM "+x.table)
		bytes := float64(bytesOf(t, s, x.table)) / float64(rows)
		yearly := float64(rows) * float64(x.kept) / 60
		switch x.table {
		case "edge", "edge_total", "end":
			// The plant's own, once, and 5 new pairs a minute with an address each.
			yearly = float64(rows) + 5*year
		case "operation", "operation_total", "address":
			yearly = float64(rows)
		}
		gb := yearly * bytes / 1e9
		total += gb
		fmt.Printf("| `%s` | %d | %s | %.1f million | %.1f | %.2f |\n", x.table, rows, x.text, yearly/1e6, bytes, gb)
	}
	fmt.Printf("| all | | | | | %.1f |\n", total)
	if total > 20 {
		t.Errorf("%.1f GB a year: want 20 at most", total)
	}
}

// repeated makes days of a store that holds two hours behind t0, by repeating the second; connections and events, which are let go earlier, of the last 14.
func repeated(t *testing.T, s *Store, days int64) {
	c, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exec := func(q string, args ...any) {
		if _, err := c.ExecContext(ctx, q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	exec("PRAGMA synchronous=OFF")
	const hour1 = t0/hourLength + 1
	for h := int64(1); h < days*24-1; h++ {
		exec("BEGIN")
		tables := []string{"edge_minute", "operation_minute", "address_minute", "minute", "minute_counter", "edge_hour", "operation_hour", "address_hour"}
		if h+1 >= (days-14)*24 {
			tables = append(tables, "connection_minute", "event")
		}
		for _, t := range tables {
			columns, unit, by, begin, end := "", "minute", h*60, hour1*60, (hour1+1)*60
			rows, err := c.QueryContext(ctx, "SELECT name FROM pragma_table_info(?) WHERE cid>0", t)
			if err != nil {
				panic(err)
			}
			for rows.Next() {
				var n string
				rows.Scan(&n)
				columns += ", " + n
			}
			rows.Close()
			if strings.HasSuffix(t, "hour") {
				unit, by, begin, end = "hour", h, hour1, hour1+1
			}
			exec("INSERT INTO "+t+" SELECT "+unit+"+?1"+columns+" FROM "+t+" WHERE "+unit+">=?2 AND "+unit+"<?3", by, begin, end)
		}
		if h == days*24-2 {
			for _, g := range grains {
				if g.total { // what the hours add up to
					sums := ""
					for i, c := range g.columns {
						if g.joins[i] == adding {
							sums += fmt.Sprintf("%[1]s=%[1]s*%d, ", c, days*24)
						}
					}
					exec(fmt.Sprintf("UPDATE %s_total SET %slast=last+?", g.name, sums), h*hourLength)
				}
			}
			exec("UPDATE address SET last=last+?", h*hourLength)
		}
		exec("COMMIT")
	}
}

// TestReferenceLoad prints what each listing takes on -days of the reference load: an
// hour of it with 10,000 edges, then one as above, repeated. It fails where one takes longer than issues allow: a second for a listing of
// all or of a day, two for a month's sums.
func TestReferenceLoad(t *testing.T) {
	if *days == 0 {
		t.Skip("without -days")
	}
	s, made := newStore(t), false
	if *keep != "" {
		_, err := os.Stat(*keep)
		made = err == nil
		if s, err = Open(*keep, Options{Create: true}); err != nil {
			t.Fatal(err)
		}
		defer s.Close()
	}
	if !made {
		l := reference
		l.addresses = *devices
		// In the first hour more edges take turns, so that there are more than 10,000 of them.
		run := newRun(t, s)
		for n := range 120 {
			commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{l.minuteOf(n, []int{30, 5}[n/60])}})
		}
		if err := s.EndRun(run); err != nil {
			t.Fatal(err)
		}
		rollUp(t, s)
		var alerts []detect.Alert
		for i := range 10000 {
			alerts = append(alerts, detect.Alert{ID: fmt.Sprintf("%012x", i*7919), Kind: detect.OTIP, Severity: detect.High, First: t0 + int64(i)*60e9, Last: t0 + int64(i)*60e9, Count: 1})
		}
		commit(t, s, &Batch{Alerts: alerts})
		repeated(t, s, int64(*days))
	}
	fmt.Printf("%d days, %d devices: %.2f GB\n\n| listing | rows | first | again | CPU |\n|---|---|---|---|---|\n", *days, *devices, float64(s.Size())/1e9)
	end := t0 + int64(*days)*24*hourLength
	day := Filter{From: end - 24*hourLength, To: end, Limit: 1000}
	last := day
	last.From -= 1800e9
	last.To -= 1800e9
	all := Filter{Limit: 1000}
	one := day
	one.Address = "10.0.0.7"
	long := Filter{From: t0 + hourLength, To: end}
	oneLong := long
	oneLong.Address = "10.0.0.7"
	for _, x := range []struct {
		name string
		ask  func() (int, error)
	}{
		{"flows, all", func() (int, error) { r, _, err := s.Flows(ctx, all); return len(r), err }},
		{"flows, a day", func() (int, error) { r, _, err := s.Flows(ctx, day); return len(r), err }},
		{"flows of an address, a day", func() (int, error) { r, _, err := s.Flows(ctx, one); return len(r), err }},
		{"flows of 250 devices, a day", func() (int, error) {
			f := day
			for i := range 250 {
				f.Ends = append(f.Ends, End{"plant", ip(i)})
			}
			r, _, err := s.Flows(ctx, f)
			return len(r), err
		}},
		{"flows of a VLAN that is not there, a day", func() (int, error) {
			f := day
			f.VLAN = new(uint16)
			r, _, err := s.Flows(ctx, f)
			return len(r), err
		}},
		{"flows by bytes, a day", func() (int, error) {
			f := day
			f.Order, f.Descending = "bytes", true
			r, _, err := s.Flows(ctx, f)
			return len(r), err
		}},
		{"flows, last seen, a day", func() (int, error) {
			f := day
			f.Order, f.Descending, f.Limit = "last_seen", true, 20
			r, _, err := s.Flows(ctx, f)
			return len(r), err
		}},
		{"snapshot, all", func() (int, error) { r, err := s.Snapshot(ctx, Filter{}); return len(r.Edges), err }},
		{"snapshot, a day", func() (int, error) { r, err := s.Snapshot(ctx, day); return len(r.Edges), err }},
		{"addresses, all", func() (int, error) { r, _, err := s.Addresses(ctx, all); return len(r), err }},
		{"addresses, a day", func() (int, error) { r, _, err := s.Addresses(ctx, day); return len(r), err }},
		{"operations, all", func() (int, error) { r, _, err := s.Operations(ctx, all); return len(r), err }},
		{"operations, a day", func() (int, error) { r, _, err := s.Operations(ctx, day); return len(r), err }},
		{"operations, a day from half past", func() (int, error) { r, _, err := s.Operations(ctx, last); return len(r), err }},
		{"edges, all", func() (int, error) { r, err := s.Edges(ctx, Filter{}); return len(r), err }},
		{"edges, a day", func() (int, error) { r, err := s.Edges(ctx, day); return len(r), err }},
		{"device input, all", func() (int, error) { r, err := s.DeviceInput(ctx, Filter{}); return len(r.Addresses), err }},
		{"device input, a day", func() (int, error) { r, err := s.DeviceInput(ctx, day); return len(r.Addresses), err }},
		{"top talkers, a day", func() (int, error) { r, err := s.TopTalkers(ctx, day); return len(r), err }},
		{"traffic, all by hour", func() (int, error) { r, err := s.Traffic(ctx, Filter{}, time.Hour); return len(r), err }},
		{"traffic of an address, a day by 5 minutes", func() (int, error) { r, err := s.Traffic(ctx, one, 5*time.Minute); return len(r), err }},
		{"traffic of an address, all by hour", func() (int, error) {
			r, err := s.Traffic(ctx, Filter{Address: "10.0.0.7"}, time.Hour)
			return len(r), err
		}},
		{"device input, the whole", func() (int, error) { r, err := s.DeviceInput(ctx, long); return len(r.Addresses), err }},
		{"addresses, the whole", func() (int, error) { r, _, err := s.Addresses(ctx, long); return len(r), err }},
		{"operations, the whole", func() (int, error) { r, _, err := s.Operations(ctx, long); return len(r), err }},
		{"edges, the whole", func() (int, error) { r, err := s.Edges(ctx, long); return len(r), err }},
		{"series of services, the whole by 12 hours", func() (int, error) {
			r, err := Series(ctx, s, long, 12*time.Hour, func(e *EdgeTotal) (uint16, bool) { return e.ServerPort, true })
			return len(r), err
		}},
		{"traffic of an address, the whole by 12 hours", func() (int, error) { r, err := s.Traffic(ctx, oneLong, 12*time.Hour); return len(r), err }},
		{"alerts", func() (int, error) { r, _, err := s.Alerts(ctx, all); return len(r), err }},
		{"counters, all", func() (int, error) { _, err := s.Counters(ctx, Filter{}); return 1, err }},
		{"totals", func() (int, error) { _, err := s.Totals(ctx); return 1, err }},
		{"minutes, an hour", func() (n int, err error) {
			err = s.Minutes(ctx, Filter{From: end - hourLength}, func(string, string, *observe.Minute) error { n++; return nil })
			return n, err
		}},
	} {
		var took, used [2]float64 // s
		n := 0
		for i := range took {
			begun, before := time.Now(), cpu(t)
			var err error
			if n, err = x.ask(); err != nil {
				t.Fatalf("%s: %v", x.name, err)
			}
			took[i], used[i] = time.Since(begun).Seconds(), (cpu(t)-before)/1e3
		}
		// On a machine that is busy with other work the CPU time counts.
		most := 1.0
		if strings.Contains(x.name, "the whole") {
			most = 2
		}
		if min(took[1], used[1]) > most {
			t.Errorf("%s: %.2f s, %.2f s of CPU, want %v at most", x.name, took[1], used[1], most)
		}
		fmt.Printf("| %s | %d | %.2f s | %.2f s | %.2f s |\n", x.name, n, took[0], took[1], used[1])
	}
}
