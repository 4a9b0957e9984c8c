package store

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/observe"
)

// TestConnectionsOfAllLengths commits connections that are told again and again until they close, some after
// hours, by two sensors and in batches of any size, and compares listings with what was told last of each.
func TestConnectionsOfAllLengths(t *testing.T) {
	s := newStore(t)
	r := rand.New(rand.NewPCG(11, 12))
	const minutes = 300
	told := map[string]*Flow{}
	runs := []*Run{newRun(t, s)}
	two, err := s.BeginRun(RunSpec{Site: "plant", Sensor: "two"})
	if err != nil {
		t.Fatal(err)
	}
	runs = append(runs, two)
	type open struct {
		c   observe.Connection
		end int64
	}
	var going [2][]*open
	var batch [2][]*observe.Minute
	for n := range minutes {
		start := t0 + int64(n)*observe.MinuteLength
		for i, run := range runs {
			m := &observe.Minute{Start: start, Seq: uint64(n + 1)}
			for range r.IntN(8) {
				c := observe.Connection{ID: r.Uint64() >> r.IntN(64), First: start + r.Int64N(60e9), State: observe.StateEstablished, ClientMAC: mac(1)}
				c.ConnKey = observe.ConnKey{Client: ip(r.IntN(20)), Server: ip(r.IntN(5)), ClientPort: uint16(r.IntN(1 << 16)), ServerPort: 502, Proto: 6, VLAN: uint16(1 + r.IntN(3)), InnerVLAN: decode.NoVLAN}
				if r.IntN(3) == 0 {
					c.InnerVLAN = uint16(r.IntN(3))
				}
				length := r.Int64N(90e9)
				switch r.IntN(10) {
				case 0:
					length = r.Int64N(1800e9)
				case 1:
					length = r.Int64N(4 * hourLength)
				case 2:
					c.First -= min(c.First-start, r.Int64N(10)) // several of one time
				}
				going[i] = append(going[i], &open{c, c.First + length})
			}
			going[i] = slices.DeleteFunc(going[i], func(o *open) bool {
				c := &o.c
				end := start + observe.MinuteLength - 1
				c.Closed = o.end <= end
				c.Last = max(c.First, min(o.end, end-r.Int64N(1e9)))
				c.PacketsOut, c.BytesOut = c.PacketsOut+1, c.BytesOut+r.Uint64N(1e6)
				if c.First >= start || c.Closed || n%15 == 0 {
					m.Connections = append(m.Connections, *c)
					if r.IntN(3) == 0 {
						c.Service = "modbus-tcp" // recognised later: another edge
					}
					last := m.Connections[len(m.Connections)-1]
					told[fmt.Sprintf("%d %d %d", i, last.First, last.ID)] = &Flow{Sensors: []string{run.Sensor}, FirstSeen: Time(last.First), LastSeen: Time(last.Last), ClientPort: last.ClientPort,
						ClientIP: last.Client.String(), ServerIP: last.Server.String(), PacketsOut: last.PacketsOut, BytesOut: last.BytesOut, Service: last.Service, VLAN: vlan(last.VLAN), InnerVLAN: vlan(last.InnerVLAN)}
				}
				return c.Closed
			})
			if len(m.Connections) > 0 {
				batch[i] = append(batch[i], m)
			}
			if r.IntN(4) == 0 {
				commit(t, s, &Batch{Run: run, Minutes: batch[i]})
				batch[i] = nil
			}
		}
		if n == minutes/2 {
			rollUp(t, s)
		}
	}
	for i, run := range runs {
		commit(t, s, &Batch{Run: run, Minutes: batch[i]})
	}
	rows := int64(0)
	text := func(f *Flow) string {
		v := func(v *uint16) string {
			if v == nil {
				return "-"
			}
			return fmt.Sprint(*v)
		}
		return fmt.Sprint(f.FirstSeen, f.LastSeen, f.Sensors, f.ClientIP, f.ClientPort, f.ServerIP, f.PacketsOut, f.BytesOut, f.Service, v(f.VLAN), v(f.InnerVLAN))
	}
	check := func(when string) {
		t.Helper()
		for range 60 {
			f := Filter{From: t0 + r.Int64N(minutes*60e9)}
			f.To = f.From + 1 + r.Int64N([]int64{2e9, 600e9, 5 * hourLength}[r.IntN(3)])
			if r.IntN(5) == 0 {
				f.From = 0
			}
			if r.IntN(5) == 0 {
				f.To = 0
			}
			if r.IntN(4) == 0 {
				f.Sensor = "two"
			}
			if r.IntN(4) == 0 {
				f.Address = ip(r.IntN(20)).String()
			}
			if r.IntN(4) == 0 {
				f.VLAN = new(uint16)
				*f.VLAN = uint16(r.IntN(4))
			}
			var want []*Flow
			for _, w := range told {
				if f.From != 0 && int64(w.LastSeen) < f.From || f.To != 0 && int64(w.FirstSeen) >= f.To || f.Sensor != "" && w.Sensors[0] != f.Sensor ||
					f.Address != "" && w.ClientIP != f.Address && w.ServerIP != f.Address {
					continue
				}
				if f.VLAN != nil && (w.VLAN == nil || *w.VLAN != *f.VLAN) && (w.InnerVLAN == nil || *w.InnerVLAN != *f.VLAN) {
					continue
				}
				want = append(want, w)
			}
			slices.SortFunc(want, func(a, b *Flow) int { return cmp.Compare(text(a), text(b)) })
			var got []*Flow
			before := Time(0)
			err := s.EachFlow(ctx, f, func(r *Flow) error {
				if r.FirstSeen < before {
					t.Errorf("%s: %v behind %v", when, r.FirstSeen, before)
				}
				before = r.FirstSeen
				c := *r
				got = append(got, &c)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(got, func(a, b *Flow) int { return cmp.Compare(text(a), text(b)) })
			if !slices.EqualFunc(got, want, func(a, b *Flow) bool { return text(a) == text(b) }) {
				t.Fatalf("%s, %+v: %d flows, want %d", when, f, len(got), len(want))
			}
			rows += int64(len(got))

			f.Limit = 1 + r.IntN(30)
			newest, more, err := s.Flows(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			if len(newest) != min(f.Limit, len(want)) || more != (len(want) > f.Limit) {
				t.Fatalf("%s, %+v: the newest are %d of %d, more %v", when, f, len(newest), len(want), more)
			}
			for i := range newest {
				if w := got[len(got)-len(newest)+i]; newest[i].FirstSeen != w.FirstSeen {
					t.Fatalf("%s, %+v: newest %d of %v, want %v", when, f, i, newest[i].FirstSeen, w.FirstSeen)
				}
			}
			f.Order, f.Descending = "bytes", r.IntN(2) == 0
			ranked, _, err := s.Flows(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(want, func(a, b *Flow) int {
				by := cmp.Compare(a.BytesOut, b.BytesOut)
				if f.Descending {
					by = -by
				}
				return by
			})
			for i := range ranked {
				if ranked[i].BytesOut != want[i].BytesOut {
					t.Fatalf("%s, %+v: %d-th by bytes has %d, want %d", when, f, i, ranked[i].BytesOut, want[i].BytesOut)
				}
			}
		}
	}
	check("as committed")
	rollUp(t, s)
	check("joined")
	if n := s.count(t, "SELECT count(*) FROM connection_minute WHERE n>0 AND minute<?", t0/observe.MinuteLength+minutes-75); n != 0 {
		t.Errorf("%d parts of minutes were not joined", n)
	}
	if n := s.count(t, "SELECT count(*) FROM connection_long"); n == 0 || rows == 0 {
		t.Errorf("%d long connections, %d rows compared", n, rows)
	}
}

// TestTheLastMinuteOfAllTimes: captures with broken times put frames where int64 ends, in the midst of an hour and of a
// minute; what is there is listed and dumped.
func TestTheLastMinuteOfAllTimes(t *testing.T) {
	s := newStore(t)
	end := int64(math.MaxInt64)
	c := observe.Connection{ID: 7, First: end, Last: end, PacketsOut: 1, BytesOut: 60, State: observe.StateOther, Closed: true}
	c.ConnKey = observe.ConnKey{Client: ip(1), Server: ip(2), ClientPort: 1025, ServerPort: 502, Proto: 6, VLAN: decode.NoVLAN, InnerVLAN: decode.NoVLAN}
	e := observe.Edge{EdgeKey: observe.EdgeKey{Client: ip(1), Server: ip(2), ServerPort: 502, Proto: 6, VLAN: decode.NoVLAN}, PacketsOut: 1, BytesOut: 60, First: end, Last: end}
	m := &observe.Minute{Start: end / observe.MinuteLength * observe.MinuteLength, Seq: 1, Connections: []observe.Connection{c}, Edges: []observe.Edge{e}}
	if _, err := s.Commit(&Batch{Run: newRun(t, s), Minutes: []*observe.Minute{m}}); err != nil {
		t.Fatal(err)
	}
	flows, _, err := s.Flows(context.Background(), Filter{})
	if err != nil || len(flows) != 1 || int64(flows[0].LastSeen) != end {
		t.Errorf("%d flows, %v", len(flows), err)
	}
	var dump bytes.Buffer
	if err := s.Dump(context.Background(), &dump); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"\nconnection\t", "\nedge_minute\t"} {
		if !strings.Contains("\n"+dump.String(), table) {
			t.Errorf("the dump has no row of%s", table)
		}
	}
}
