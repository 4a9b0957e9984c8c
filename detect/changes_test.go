package detect

import (
	"fmt"
	"testing"
)

// TestChangesOfTwoWindows: a silence ends two windows at once; what is kept of each pair is the second.
func TestChangesOfTwoWindows(t *testing.T) {
	e := NewEngine(Config{Site: "s", Sensor: "x"}, onlyOf(Learning, IPVolume), nil, nil)
	var kept Changes
	next := 1 // the first minute of a window
	for at(next)%windowLength != 0 {
		next++
	}
	for _, n := range []int{next - 1, next, next + 90} {
		m := minute(n)
		for i := range 40 {
			m.Edges = append(m.Edges, edgeAt(m, fmt.Sprintf("10.0.0.%d", i+1), "10.0.1.1", 1e6))
		}
		r := e.Minute(m)
		kept.Add(r.Changes)
	}
	all := kept.All()
	if len(all) != 40 || kept.Len() != 40 {
		t.Fatalf("%d changes (%d), want 40", len(all), kept.Len())
	}
	for _, c := range all {
		v, err := readVolume(c.Row.Value)
		if err != nil || v.n != 2 || c.Row.Count != 2 {
			t.Fatalf("%s: count %d, value %q, %v: want both windows", c.Row.Src, c.Row.Count, c.Row.Value, err)
		}
	}
}

// TestChangesInOrder: a row that is removed and learned again stays; one that is learned and removed goes.
func TestChangesInOrder(t *testing.T) {
	entryOf := func(src string, n uint64) *entry {
		return &entry{Row: Row{List: IPCommunication, Site: "s", Src: src, Item: ItemPort, Lo: 80, Count: n}}
	}
	a, again, b := entryOf("10.0.0.2", 1), entryOf("10.0.0.2", 2), entryOf("10.0.0.1", 1)
	var kept Changes
	kept.Add([]Change{a.change(), b.change()})
	kept.Add([]Change{{Row: a.Row, Remove: true}, again.change()})
	again.Count = 3
	kept.Add([]Change{again.change(), {Row: b.Row, Remove: true}})
	all := kept.All()
	if len(all) != 2 || all[0].Row.Src != b.Src || !all[0].Remove || all[1].Row.Src != a.Src || all[1].Remove || all[1].Row.Count != 3 {
		t.Errorf("got %+v", all)
	}
}
