package store

import (
	"cmp"
	"database/sql"
	"flag"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

var grow = flag.String("grow", "", "TestYear: the store's file, which is changed")

// The rows that an hour of the year has: the strongest edges always, the others in turn; each kind of message stands in
// every second hour, each address in every third.
const (
	yearHours   = 365 * 24
	yearAlerts  = 5000
	yearEdges   = 4480
	yearSteady  = 2380
	yearMessage = 2
	yearAddress = 3
)

// TestYear makes a year of a store of a few hours, as retention leaves it: hours of edges, messages and addresses made of the sums of what
// the store holds, their totals, and the rows of minutes that are kept for a year, before its first hour. Its alerts are copied to 5,000.
// Behind scripts/report_load.py.
func TestYear(t *testing.T) {
	if *grow == "" {
		t.Skip("without -grow")
	}
	s, err := Open(*grow, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := s.db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exec := func(q string, args ...any) {
		t.Helper()
		if _, err := c.ExecContext(ctx, q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	one := func(q string, to ...any) {
		t.Helper()
		if err := c.QueryRowContext(ctx, q).Scan(to...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	var end, sensor int64 // end: the first hour that the store holds
	one("SELECT min(minute)/60, min(sensor) FROM minute", &end, &sensor)
	begin := end - yearHours + 2
	for _, g := range grains {
		byID := newSums(g)
		each(t, c, "SELECT count, rows FROM "+g.name+"_minute WHERE sensor=?", []any{sensor}, func(rows *sql.Rows) error {
			var n int64
			var packed []byte
			if err := rows.Scan(&n, &packed); err != nil {
				return err
			}
			list, err := unpack(nil, packed, n, g.minuteWidth())
			byID.add(list, g.minuteWidth(), 0)
			return err
		})
		list, width := byID.sorted(), g.hourWidth()
		slots, always := turns(g, list)
		blocks := make([][]int64, slots)
		for i := 0; i < len(list); i += width {
			row := list[i : i+width]
			for j, how := range g.joins {
				if how == adding {
					row[1+j] = (row[1+j] + 1) / 2 // the store has two hours
				}
			}
			microseconds := row[0] * 104729 % 9e8 // within the first and the last quarter of an hour
			row[width-2], row[width-1] = microseconds*1e3, hourLength-microseconds*1e3
			for slot := range slots {
				if always[row[0]] || row[0]%slots == slot {
					blocks[slot] = append(blocks[slot], row...)
				}
			}
			times := (end - begin) / slots
			if always[row[0]] {
				times = end - begin
			}
			for j, how := range g.joins {
				if how == adding {
					row[1+j] *= times
				}
			}
			row[width-2], row[width-1] = (begin-end)*hourLength, -1e9 // from the hour end on
		}
		err := s.transact("make a year", func(w *writer) error {
			for h := begin; h < end; h++ {
				if err := w.putBlock(g, true, h, sensor, blocks[h%slots]); err != nil {
					return err
				}
			}
			if g.total {
				return w.addTotals(g, end, sensor, list)
			}
			for i := 0; i < len(list); i += width {
				if err := w.exec("UPDATE address SET first=?, packets_sent=packets_sent+?, bytes_sent=bytes_sent+?, packets_received=packets_received+?, bytes_received=bytes_received+? WHERE id=?",
					begin*hourLength, list[i+3], list[i+4], list[i+5], list[i+6], list[i]); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN")
	for _, table := range []string{"minute", "minute_counter"} {
		exec("CREATE TEMP TABLE first AS SELECT * FROM " + table + " WHERE minute=(SELECT min(minute) FROM " + table + ")")
		columns := strings.Join(columnsOf(t, c, table)[1:], ", ")
		for m := begin * 60; m < end*60; m++ {
			exec("INSERT INTO "+table+" SELECT ?, "+columns+" FROM temp.first", m)
		}
		exec("DROP TABLE temp.first")
	}
	exec("UPDATE fact SET first=first-?", (end-begin)*hourLength)
	exec("INSERT OR REPLACE INTO kept (grain, hour) VALUES ('minute', ?)", end)
	var alerts, made int64
	one("SELECT count(*) FROM alert", &alerts)
	if alerts == 0 {
		t.Fatal("the store has no alert")
	}
	exec("CREATE TEMP TABLE given AS SELECT row_number() OVER (ORDER BY id)-1 AS n, * FROM alert")
	others := strings.Join(columnsOf(t, c, "alert")[7:], ", ")
	pick := rand.New(rand.NewSource(1))
	for made = 0; made < yearAlerts-alerts; made++ {
		at := (begin + pick.Int63n(end-begin)) * hourLength
		exec("INSERT INTO alert SELECT ?, kind, subkind, key||' '||?, severity, ?, ?, "+others+" FROM temp.given WHERE n=?", fmt.Sprintf("%012x", made), made, at, at+60e9, made%alerts)
	}
	exec("COMMIT")
	exec("PRAGMA wal_checkpoint(TRUNCATE)")
	fmt.Printf("%.1f GB", float64(s.Size())/1e9)
	for _, q := range []string{"count(*) FROM edge", "sum(count) FROM edge_hour", "sum(count) FROM operation_hour", "sum(count) FROM address_hour", "count(*) FROM minute", "count(*) FROM alert"} {
		var n int64
		one("SELECT "+q, &n)
		fmt.Printf(", %d %s", n, q[strings.LastIndex(q, " ")+1:])
	}
	fmt.Println()
}

// turns says in how many turns the rows of a grain take each other's place, by id, and which have none: they stand in every hour.
func turns(g *grain, list []int64) (slots int64, always map[int64]bool) {
	switch g {
	case operationGrain:
		return yearMessage, nil
	case addressGrain:
		return yearAddress, nil
	}
	width := g.hourWidth()
	var at []int
	for i := 0; i < len(list); i += width {
		at = append(at, i)
	}
	slices.SortFunc(at, func(a, b int) int {
		return cmp.Or(cmp.Compare(list[b+2]+list[b+4], list[a+2]+list[a+4]), cmp.Compare(list[a], list[b]))
	})
	always = map[int64]bool{}
	for _, i := range at[:min(yearSteady, len(at))] {
		always[list[i]] = true
	}
	return max(1, int64(len(at)-len(always))/(yearEdges-yearSteady)), always
}

func each(t *testing.T, c *sql.Conn, q string, args []any, fn func(*sql.Rows) error) {
	t.Helper()
	rows, err := c.QueryContext(ctx, q, args...)
	if err != nil {
		t.Fatalf("%s: %v", q, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(rows); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

func columnsOf(t *testing.T, c *sql.Conn, table string) (names []string) {
	each(t, c, "SELECT name FROM pragma_table_info(?)", []any{table}, func(rows *sql.Rows) error {
		var n string
		err := rows.Scan(&n)
		names = append(names, n)
		return err
	})
	return names
}
