package store

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"osect/store/bulk"

	"github.com/mattn/go-sqlite3"
)

// TestBulk: rows arrive as they were packed, and what is wrong is the statement's own error.
func TestBulk(t *testing.T) {
	s := newStore(t)
	if _, err := s.db.Exec("CREATE TABLE x (a INTEGER PRIMARY KEY, b)"); err != nil {
		t.Fatal(err)
	}
	run := func(q string, cols int, rows ...int64) error {
		return s.transact("bulk", func(w *writer) error {
			b := w.statement(q, cols)
			if err := b.add(rows...); err != nil {
				return err
			}
			return b.flush()
		})
	}
	want := []int64{1, math.MaxInt64, 2, math.MinInt64 + 1, 3, bulk.Null}
	if err := run("INSERT INTO x VALUES (?,?)", 2, want...); err != nil {
		t.Fatal(err)
	}
	got, err := collect(s, t.Context(), "read", "SELECT a, ifnull(b, -9223372036854775808) FROM x ORDER BY a", func(scan func(...any) error) (r [2]int64, err error) {
		return r, scan(&r[0], &r[1])
	})
	if err != nil || !slices.Equal(slices.Concat(got[0][:], got[1][:], got[2][:]), want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
	if n := s.count(t, "SELECT count(*) FROM x WHERE b IS NULL"); n != 1 {
		t.Errorf("%d NULLs", n)
	}

	// The row before the failing one is rolled back with it.
	err = run("INSERT INTO x VALUES (?,?)", 2, 4, 0, 1, 0)
	var e sqlite3.Error
	if !errors.As(err, &e) || e.Code != sqlite3.ErrConstraint {
		t.Errorf("a key twice: %v", err)
	}
	if n := s.count(t, "SELECT count(*) FROM x"); n != 3 {
		t.Errorf("%d rows behind a failed transaction", n)
	}
	for name, c := range map[string]struct {
		q    string
		cols int
		rows []int64
		says string
	}{
		"fewer columns than parameters": {"INSERT INTO x VALUES (?,?)", 1, []int64{5}, "columns"},
		"half a row":                    {"INSERT INTO x VALUES (?,?)", 2, []int64{5, 0, 6}, "arguments"},
		"no statement":                  {"INSERT INTO y VALUES (?,?)", 2, []int64{5, 0}, "no such table"},
	} {
		if err := run(c.q, c.cols, c.rows...); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}

	// A file from elsewhere cannot call it.
	if _, err := s.db.Exec("CREATE VIEW v AS SELECT bulk('DELETE FROM x WHERE a=?', 1, x'0100000000000000')"); err == nil {
		if _, err := s.db.Exec("SELECT * FROM v"); err == nil || s.count(t, "SELECT count(*) FROM x") != 3 {
			t.Errorf("a view called it: %v", err)
		}
	}
}
