package main

import (
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"

	"osect/decode"
	"osect/observe"
	"osect/service"
	"osect/store"
)

func TestReportOfAMonthAsAWorkbook(t *testing.T) {
	b := filled(t)
	b.must("ledger", "set", "192.168.3.39", "zone=line", "--db", b.db)
	b.must("ledger", "set", "192.168.3.10", "zone=office", "--db", b.db)
	b.must("ledger", "set", "192.168.3.99", "hostname=GONE", "--db", b.db)
	sheet := func(name string, args ...string) (rows [][]string, said string) {
		t.Helper()
		status, _, errs := b.run(append([]string{"report", "--xlsx", b.path("r.xlsx"), "--db", b.db, "--tz", "UTC", "--lang", "en"}, args...)...)
		if status != exitOK {
			t.Fatalf("%v: %d %s", args, status, errs)
		}
		book, err := excelize.OpenFile(b.path("r.xlsx"))
		if err != nil {
			t.Fatal(err)
		}
		defer book.Close()
		if rows, err = book.GetRows(name); err != nil {
			t.Fatal(err)
		}
		return rows, errs
	}
	devices, said := sheet("devices", "--month", "2026-03")
	if len(devices) != 4 || !strings.Contains(said, "a part of the month: 2026-03-02 08:00:00") {
		t.Errorf("%d rows of devices; said: %s", len(devices), said)
	}
	if empty, _ := sheet("devices", "--month", "2026-04"); len(empty) != 1 {
		t.Errorf("another month has %d rows", len(empty))
	}
	if rows, _ := sheet("zone_crossings"); len(rows) != 2 || rows[1][1] != "office" || rows[1][2] != "line" {
		t.Errorf("crossings: %v", rows)
	}
	if rows, _ := sheet("ledger_differences"); len(rows) < 2 || !strings.Contains(rows[1][4]+rows[len(rows)-1][4], "GONE") {
		t.Errorf("differences: %v", rows)
	}
	for _, args := range [][]string{{"--month", "2026"}, {"--month", "2026-03", "--from", "24h-ago"}, {"--month", "march"}} {
		if status, _, errs := b.run(append([]string{"report", "--xlsx", b.path("r.xlsx"), "--db", b.db}, args...)...); status != exitUsage {
			t.Errorf("%v: %d %s", args, status, errs)
		}
	}
}

// Pairs and conduits name a service alike; a control protocol has its own name, which the report writes in its language.
func TestPairsNameServicesAsConduitsDo(t *testing.T) {
	a := &app{names: service.New(nil, nil)}
	for want, e := range map[string]store.EdgeTotal{
		"tcp/445 smb": {EdgeKey: observe.EdgeKey{Client: decode.IPv4(1), Proto: 6, ServerPort: 445}},
		"modbus-tcp":  {EdgeKey: observe.EdgeKey{Client: decode.IPv4(1), Proto: 6, ServerPort: 502}, Service: "modbus-tcp"},
	} {
		if got := a.pairService(&e); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
