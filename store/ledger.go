package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"
	"time"

	"osect/detect"
)

// LedgerColumns are the columns of the ledger, in their order: what ledger.Column numbers.
var LedgerColumns = []string{"ip", "mac", "hostname", "location", "department", "owner", "vendor", "model", "os", "firmware",
	"role", "zone", "criticality", "installed", "note", "asset", "serial", "flags", "flags_until", "site", "state"}

// LedgerRow is a row of the ledger: a text in canonical form for each of LedgerColumns.
type LedgerRow struct {
	N     int64 // its place in the list
	Cells []string
}

// Ledger gives the ledger in its order.
func (s *Store) Ledger(ctx context.Context) ([]LedgerRow, error) {
	return collect(s, ctx, "read the ledger", "SELECT n, "+strings.Join(LedgerColumns, ", ")+" FROM ledger ORDER BY n", func(scan func(...any) error) (LedgerRow, error) {
		r := LedgerRow{Cells: make([]string, len(LedgerColumns))}
		to := []any{&r.N}
		for i := range r.Cells {
			to = append(to, &r.Cells[i])
		}
		return r, scan(to...)
	})
}

// EditLedger changes the ledger in one transaction: edit is given the rows as they then are and
// returns those that are to be; those with N 0 are new, and come last in their order. What did
// not change is not written.
func (s *Store) EditLedger(edit func(rows []LedgerRow) ([]LedgerRow, error)) error {
	return s.transact("edit the ledger", func(w *writer) error {
		var rows []LedgerRow
		old := map[int64]LedgerRow{}
		last := int64(0)
		err := w.query("SELECT n, "+strings.Join(LedgerColumns, ", ")+" FROM ledger ORDER BY n", func(v []driver.Value) error {
			r := LedgerRow{N: v[0].(int64), Cells: make([]string, len(LedgerColumns))}
			for i := range r.Cells {
				r.Cells[i] = v[i+1].(string)
			}
			rows = append(rows, LedgerRow{N: r.N, Cells: append([]string(nil), r.Cells...)})
			old[r.N] = r
			last = r.N
			return nil
		})
		if err != nil {
			return err
		}
		if rows, err = edit(rows); err != nil {
			return err
		}
		kept := map[int64]bool{}
		for _, r := range rows {
			kept[r.N] = true
		}
		for n := range old {
			if !kept[n] {
				if err := w.exec("DELETE FROM ledger WHERE n=?", n); err != nil {
					return err
				}
			}
		}
		for _, r := range rows {
			if len(r.Cells) != len(LedgerColumns) {
				return fmt.Errorf("a row of the ledger has %d cells, want %d", len(r.Cells), len(LedgerColumns))
			}
			if r.N == 0 {
				last++
				r.N = last
			} else if was, ok := old[r.N]; ok && equalCells(was.Cells, r.Cells) {
				continue
			}
			args := []driver.Value{r.N}
			for _, c := range r.Cells {
				args = append(args, c)
			}
			if err := w.exec("REPLACE INTO ledger VALUES (?"+strings.Repeat(",?", len(LedgerColumns))+")", args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// LedgerFlags gives the entries with flags, as detectors take them. What is no flag or no day is passed over.
func (s *Store) LedgerFlags(ctx context.Context) ([]detect.Flag, error) {
	return collect(s, ctx, "read the ledger's flags", "SELECT site, mac, ip, flags, flags_until FROM ledger WHERE flags<>'' ORDER BY n", func(scan func(...any) error) (f detect.Flag, err error) {
		var ips, flags, until string
		if err := scan(&f.Site, &f.MAC, &ips, &flags, &until); err != nil {
			return f, err
		}
		f.IPs = strings.Fields(ips)
		for _, w := range strings.Fields(flags) {
			f.Scanner, f.Engineering, f.Critical = f.Scanner || w == "scanner", f.Engineering || w == "engineering", f.Critical || w == "critical"
		}
		if day, err := time.Parse(time.DateOnly, until); err == nil {
			f.Until = day.AddDate(0, 0, 1).UnixNano()
		}
		return f, nil
	})
}

func equalCells(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
