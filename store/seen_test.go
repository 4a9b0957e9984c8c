package store

import (
	"reflect"
	"testing"
	"time"

	"osect/observe"
)

// Seen is what its parts give one by one.
func TestSeenIsWhatItsPartsGive(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	for n := range 4 {
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{20, 20, 20, 20, 5}.minute(n * 50)}})
	}
	for name, f := range map[string]Filter{"all": {}, "a window": {From: t0 + int64(7*time.Minute), To: t0 + int64(200*time.Minute)}, "a site that is not there": {Site: "x"}} {
		seen, err := s.Seen(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		input, err := s.DeviceInput(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		edges, err := s.Edges(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		operations, _, err := s.Operations(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(seen, Seen{input, edges, operations}) {
			t.Errorf("%s: another than DeviceInput, Edges and Operations", name)
		}
		if name != "a site that is not there" && (len(edges) == 0 || len(operations) == 0) {
			t.Errorf("%s: nothing to compare", name)
		}
	}
}

func TestCoverage(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	for _, n := range []int{0, 1, 61, 121, 122, 400} { // 59, 59, then 277 minutes without
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{5, 5, 5, 5, 1}.minute(n)}})
	}
	at := func(n int) Time { return Time(t0 + int64(n)*observe.MinuteLength) }
	got, err := s.Coverage(ctx, Filter{})
	if err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	want := Coverage{Site: got[0].Site, Sensor: got[0].Sensor, Minutes: 6, First: at(0), Last: at(400), Gaps: 1, GapTime: 277 * observe.MinuteLength, GapStart: at(123), GapEnd: at(400)}
	if got[0] != want {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
	// An hour is a gap, a minute less is none; a window begins with its first minute.
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{5, 5, 5, 5, 1}.minute(461)}})
	if got, err = s.Coverage(ctx, Filter{From: int64(at(200))}); err != nil || len(got) != 1 || got[0].Minutes != 2 || got[0].First != at(400) || got[0].Gaps != 1 || got[0].GapTime != 60*observe.MinuteLength {
		t.Errorf("%+v %v", got, err)
	}
	if got, err = s.Coverage(ctx, Filter{From: int64(at(1000))}); err != nil || len(got) != 0 {
		t.Errorf("%+v %v", got, err)
	}
}
