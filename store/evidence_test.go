package store

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"osect/detect"
)

// TestEvidenceIsBounded: beyond the bound the evidence of the alerts raised longest ago goes, and is told.
func TestEvidenceIsBounded(t *testing.T) {
	s, err := Open(t.TempDir()+"/x.db", Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	data := bytes.Repeat([]byte{7}, 1000)
	add := func(i, times int) {
		t.Helper()
		id := fmt.Sprintf("alert%02d", i)
		// Lower numbers were raised later.
		a := detect.Alert{ID: id, Kind: "built-in", First: int64(100 - i), Last: int64(100 - i), Count: 1}
		if _, err := s.Commit(&Batch{Alerts: []detect.Alert{a}}); err != nil {
			t.Fatal(err)
		}
		frames := []Frame{{Time: 1, Number: 1, Link: 276, WireLen: 2000, Data: data}, {Time: 2, Number: 1, Link: 1, WireLen: 1000, Data: data}}
		for range times { // the second time they are there
			err := s.transact("test", func(w *writer) error { return w.evidence([]Evidence{{id, frames}}, 16_000) })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 8 {
		add(i, 2)
	}
	got, err := s.Evidence(ctx, "alert00")
	if err != nil || len(got) != 2 || got[0].Link != 276 || got[0].WireLen != 2000 || !bytes.Equal(got[0].Data, data) {
		t.Fatal(len(got), err)
	}
	add(8, 1)
	left := ""
	for i := range 9 {
		if got, err := s.Evidence(ctx, fmt.Sprintf("alert%02d", i)); err != nil {
			t.Fatal(err)
		} else if len(got) > 0 {
			left += fmt.Sprint(i)
		}
	}
	if left != "0123456" {
		t.Errorf("left is the evidence of alerts %s", left)
	}
	log, err := s.SystemLog(ctx, Filter{})
	if err != nil || len(log) != 1 || log[0].Key != "cli.log.evidence-gone" || log[0].Args[0].Value != "2" {
		t.Errorf("%+v %v", log, err)
	}
}
