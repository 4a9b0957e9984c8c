package store

import (
	"testing"

	"osect/detect"
	"osect/observe"
)

// The value of a learned row is kept, grows by commits, is replaced by hand, and a change of it by another process is noticed.
func TestValuesOfLearnedRows(t *testing.T) {
	s := newStore(t)
	row := detect.Row{List: detect.IPVolume, Site: "plant", Src: "10.0.0.1", Dst: "10.0.0.2", Item: "volume", Origin: detect.Learned, First: t0, Last: t0, Count: 1, Value: "AAA"}
	commit(t, s, &Batch{Changes: []detect.Change{{Row: row}}})
	row.Value, row.Count = "BBB", 2
	commit(t, s, &Batch{Changes: []detect.Change{{Row: row}}})
	value := func() string {
		t.Helper()
		rows, err := s.LearnedRows(ctx, detect.IPVolume)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		return rows[0].Value
	}
	if v := value(); v != "BBB" {
		t.Errorf("after two commits: %q", v)
	}
	other, err := Open(s.Path(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	commit(t, s, &Batch{})
	row.Value = "CCC"
	if err := other.AddRows([]detect.Row{row}); err != nil {
		t.Fatal(err)
	}
	if e := commit(t, s, &Batch{Changes: []detect.Change{{Row: detect.Row{List: detect.IPVolume, Site: "plant", Src: "10.0.0.1", Dst: "10.0.0.2", Item: "volume", Origin: detect.Learned, Value: "DDD"}}}}); len(e.Lists) != 1 || e.Lists[0] != detect.IPVolume {
		t.Errorf("the edit was not noticed: %+v", e)
	}
	if v := value(); v != "CCC" {
		t.Errorf("a row by hand was changed by learning: %q", v)
	}
}

// Stored minutes have the facts that were seen first in them; the first one also those seen before and after.
func TestMinutesHaveTheirFacts(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	fact := func(value string, at int64) observe.Fact {
		return observe.Fact{IP: ip(1), MAC: mac(1), Kind: "os-version", Value: value, Source: "ntlmssp", First: at, Last: at, Ref: observe.FrameRef{Number: 4}}
	}
	minute := func(n int64, facts ...observe.Fact) *observe.Minute {
		return &observe.Minute{Start: t0 + n*60e9, Seq: uint64(n + 1), Facts: facts}
	}
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{
		minute(0, fact("6.1.7601", t0+1), fact("gone", t0+2)),
		minute(1, fact("6.1.7601", t0+61e9)),
		minute(2, fact("10.0.19045", t0+121e9), fact("6.1.7601", t0+122e9)),
	}})
	for _, c := range []struct {
		name string
		from int64
		want [][]string // values by minute
	}{
		{"all", 0, [][]string{{"6.1.7601", "gone"}, {}, {"10.0.19045"}}},
		{"from the second", t0 + 60e9, [][]string{{"6.1.7601"}, {"10.0.19045"}}},
	} {
		i := 0
		err := s.Minutes(ctx, Filter{From: c.from}, func(_, _ string, m *observe.Minute) error {
			var got []string
			for _, f := range m.Facts {
				got = append(got, f.Value)
				if f.First < m.Start || f.Last >= m.Start+observe.MinuteLength || f.First > f.Last || f.Ref.Number != 4 {
					t.Errorf("%s: %+v in the minute of %d", c.name, f, m.Start)
				}
			}
			if len(got) != len(c.want[i]) {
				t.Errorf("%s: minute %d has %v, want %v", c.name, i, got, c.want[i])
			} else {
				for k := range got {
					if got[k] != c.want[i][k] {
						t.Errorf("%s: minute %d has %v, want %v", c.name, i, got, c.want[i])
					}
				}
			}
			i++
			return nil
		})
		if err != nil || i != len(c.want) {
			t.Errorf("%s: %d minutes, %v", c.name, i, err)
		}
	}
}
