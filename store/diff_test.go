package store

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"testing"

	"osect/decode"
	"osect/observe"
)

// Flows by ends, VLAN and in an order are those that the same question asked of all of
// them by hand gives, with and without a window and a limit.
func TestFlowsOfEndsAndInOrder(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	for n := range 4 {
		m := load{connections: 80, edges: 40, addresses: 20}.minute(n * 20)
		for i := range m.Connections {
			switch i % 4 {
			case 0:
				m.Connections[i].VLAN = 7
			case 1:
				m.Connections[i].VLAN, m.Connections[i].InnerVLAN = 9, 7
			}
		}
		m.Settle()
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	}
	all, _, err := s.Flows(ctx, Filter{})
	if err != nil || len(all) != 320 {
		t.Fatalf("%d flows, %v", len(all), err)
	}
	seven, untagged := uint16(7), uint16(decode.NoVLAN)
	window := Filter{From: t0 + 10*60e9, To: t0 + 45*60e9}
	bytes := func(f *Flow) uint64 { return f.BytesOut + f.BytesIn }
	for name, c := range map[string]struct {
		f    Filter
		keep func(f *Flow) bool
		by   func(a, b Flow) int // nil: by time
	}{
		"one end": {Filter{Ends: []End{{"plant", ip(3)}}}, func(f *Flow) bool { return f.ClientIP == "10.0.0.3" || f.ServerIP == "10.0.0.3" }, nil},
		"two ends": {Filter{Ends: []End{{"plant", ip(3)}, {"plant", ip(4)}}}, func(f *Flow) bool {
			return f.ClientIP == "10.0.0.3" || f.ServerIP == "10.0.0.3" || f.ClientIP == "10.0.0.4" || f.ServerIP == "10.0.0.4"
		}, nil},
		"at another site": {Filter{Ends: []End{{"office", ip(3)}}}, func(f *Flow) bool { return false }, nil},
		"no ends":         {Filter{Ends: []End{}}, func(f *Flow) bool { return false }, nil},
		"an unknown end":  {Filter{Ends: []End{{"plant", ip(1 << 22)}}}, func(f *Flow) bool { return false }, nil},
		"a VLAN, outer or inner": {Filter{VLAN: &seven}, func(f *Flow) bool {
			return f.VLAN != nil && *f.VLAN == 7 || f.InnerVLAN != nil && *f.InnerVLAN == 7
		}, nil},
		"untagged":            {Filter{VLAN: &untagged}, func(f *Flow) bool { return f.VLAN == nil }, nil},
		"by bytes":            {Filter{Order: "bytes"}, func(f *Flow) bool { return true }, func(a, b Flow) int { return cmp.Compare(bytes(&a), bytes(&b)) }},
		"most bytes":          {Filter{Order: "bytes", Descending: true}, func(f *Flow) bool { return true }, func(a, b Flow) int { return cmp.Compare(bytes(&b), bytes(&a)) }},
		"the last seen first": {Filter{Order: "last_seen", Descending: true}, func(f *Flow) bool { return true }, func(a, b Flow) int { return cmp.Compare(b.LastSeen, a.LastSeen) }},
		"last seen, of an end": {Filter{Order: "last_seen", Ends: []End{{"plant", ip(3)}}}, func(f *Flow) bool { return f.ClientIP == "10.0.0.3" || f.ServerIP == "10.0.0.3" },
			func(a, b Flow) int { return cmp.Compare(a.LastSeen, b.LastSeen) }},
	} {
		for _, in := range []Filter{{}, window} {
			want := []Flow{}
			for _, f := range all {
				if c.keep(&f) && (in.From == 0 || int64(f.LastSeen) >= in.From && int64(f.FirstSeen) < in.To) {
					want = append(want, f)
				}
			}
			if c.by != nil {
				slices.SortStableFunc(want, c.by)
			}
			for _, limit := range []int{0, 5} {
				f := c.f
				f.From, f.To, f.Limit = in.From, in.To, limit
				got, more, err := s.Flows(ctx, f)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				some := want
				if limit > 0 && len(want) > limit {
					if some = want[len(want)-limit:]; c.by != nil {
						some = want[:limit]
					}
				}
				if len(got) != len(some) || len(got) > 0 && !reflect.DeepEqual(got, some) || more != (len(some) < len(want)) {
					t.Errorf("%s, window %v, limit %d: %d flows, want %d of %d; more %v", name, in.From != 0, limit, len(got), len(some), len(want), more)
				}
			}
		}
	}
	if _, _, err := s.Flows(ctx, Filter{Order: "client_ip; DROP TABLE edge"}); !errors.Is(err, ErrFilter) {
		t.Errorf("an order that is none: %v", err)
	}
	for _, order := range FlowOrders() {
		if _, _, err := s.Flows(ctx, Filter{Order: order, From: t0, Limit: 1}); err != nil {
			t.Errorf("by %s: %v", order, err)
		}
	}
}

// A snapshot of a window holds what the listings of that window hold.
func TestSnapshot(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	for n := range 3 {
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{10, 20, 12, 15, 2}.minute(n * 45)}})
	}
	for _, f := range []Filter{{}, {From: t0 + 30*60e9, To: t0 + 60*60e9}, {From: t0 + 200*60e9}, {Sensor: "another"}} {
		n, err := s.Snapshot(ctx, f)
		if err != nil {
			t.Fatal(err)
		}
		edges, _ := s.Edges(ctx, f)
		operations, _, _ := s.Operations(ctx, f)
		in, _ := s.DeviceInput(ctx, f)
		counters, _ := s.Counters(ctx, f)
		if !reflect.DeepEqual(n.Edges, edges) || len(n.Operations) != len(operations) || !reflect.DeepEqual(n.Input, in) || n.Minutes != counters.Minutes {
			t.Errorf("%+v: %d edges of %d, %d operations of %d, %d addresses of %d, %d minutes of %d", f, len(n.Edges), len(edges), len(n.Operations), len(operations),
				len(n.Input.Addresses), len(in.Addresses), n.Minutes, counters.Minutes)
		}
	}
}

func TestReferenceDataIsKept(t *testing.T) {
	s := newStore(t)
	read := func(want string) {
		t.Helper()
		data, err := other(t, s).Reference(ctx, ReferenceServices)
		if err != nil || string(data) != want {
			t.Errorf("%q, %v; want %q", data, err, want)
		}
	}
	read("")
	for _, data := range []string{"one", "two\x00", ""} {
		if err := s.SetReference(ReferenceServices, "from a file", []byte(data)); err != nil {
			t.Fatal(err)
		}
		read(data)
	}
}
