package store

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"osect/detect"
)

func ledgerRow(n int64, cells map[string]string) LedgerRow {
	r := LedgerRow{N: n, Cells: make([]string, len(LedgerColumns))}
	for i, c := range LedgerColumns {
		r.Cells[i] = cells[c]
	}
	return r
}

func TestTheLedgerIsEditedInOneTransaction(t *testing.T) {
	ctx := context.Background()
	s, err := Open(filepath.Join(t.TempDir(), "s.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	set := func(rows ...LedgerRow) {
		t.Helper()
		if err := s.EditLedger(func([]LedgerRow) ([]LedgerRow, error) { return rows, nil }); err != nil {
			t.Fatal(err)
		}
	}
	generation := func() (n int64) {
		t.Helper()
		if err := s.db.QueryRow("SELECT n FROM generation WHERE list='ledger'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	names := func() (out []string) {
		t.Helper()
		rows, err := s.Ledger(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out = append(out, r.Cells[slices.Index(LedgerColumns, "hostname")])
		}
		return out
	}
	a := ledgerRow(1, map[string]string{"hostname": "a", "ip": "10.0.0.1 10.0.0.2", "flags": "critical scanner", "flags_until": "2026-03-02", "site": "A"})
	b := ledgerRow(2, map[string]string{"hostname": "b", "mac": "02:00:00:00:00:0b", "flags": "engineering"})
	set(a, b)
	if g := generation(); g != 2 {
		t.Errorf("generation %d after two rows", g)
	}
	set(a, b)
	if g := generation(); g != 2 {
		t.Errorf("generation %d although nothing changed", g)
	}
	set(b, ledgerRow(0, map[string]string{"hostname": "c"}))
	if got := names(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("after a removal and an addition: %v", got)
	}
	if g := generation(); g != 4 {
		t.Errorf("generation %d", g)
	}
	// An edit that fails changes nothing.
	no := errors.New("no")
	if err := s.EditLedger(func([]LedgerRow) ([]LedgerRow, error) { return nil, no }); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
	if err := s.EditLedger(func([]LedgerRow) ([]LedgerRow, error) { return []LedgerRow{{Cells: []string{"x"}}}, nil }); err == nil {
		t.Error("a row of one cell was taken")
	}
	if got := names(); !slices.Equal(got, []string{"b", "c"}) {
		t.Errorf("after edits that failed: %v", got)
	}
	set(a, b)
	flags, err := s.LedgerFlags(ctx)
	if err != nil {
		t.Fatal(err)
	}
	const endOfDay = 1772496000e9 // 2026-03-03T00:00:00Z
	want := []detect.Flag{{Site: "A", IPs: []string{"10.0.0.1", "10.0.0.2"}, Scanner: true, Critical: true, Until: endOfDay}, {MAC: "02:00:00:00:00:0b", Engineering: true}}
	if len(flags) != 2 || flags[0].Until != want[0].Until || !flags[0].Scanner || !flags[0].Critical || flags[0].Engineering || !slices.Equal(flags[0].IPs, want[0].IPs) || flags[1].MAC != want[1].MAC || !flags[1].Engineering || flags[1].Until != 0 {
		t.Errorf("flags %+v", flags)
	}
}

// A sensor learns of an edit of the ledger at its next commit.
func TestAnEditOfTheLedgerIsToldToTheSensor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	sensor, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sensor.Close()
	if _, err := sensor.BeginRun(RunSpec{Site: "A", Sensor: "x"}); err != nil {
		t.Fatal(err)
	}
	other, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.EditLedger(func([]LedgerRow) ([]LedgerRow, error) {
		return []LedgerRow{ledgerRow(0, map[string]string{"ip": "10.0.0.1"})}, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []bool{true, false} {
		e, err := sensor.Commit(&Batch{})
		if err != nil || e.Ledger != want || e.Exclusions || e.Settings || len(e.Lists) > 0 {
			t.Errorf("%+v, %v, want the ledger alone: %v", e, err, want)
		}
	}
}
