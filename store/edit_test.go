package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"osect/detect"
	"osect/observe"
)

func row(src string, lo, hi uint16, origin string) detect.Row {
	return detect.Row{List: detect.IPCommunication, Site: "plant", Src: src, Dst: "10.0.0.2", Proto: "tcp", Item: "dport", Lo: lo, Hi: hi, Origin: origin, First: t0, Last: t0 + 1, Count: 3}
}

func changes(rows ...detect.Row) *Batch {
	b := &Batch{}
	for _, r := range rows {
		b.Changes = append(b.Changes, detect.Change{Row: r})
	}
	return b
}

func learned(t *testing.T, s *Store, want ...detect.Row) {
	t.Helper()
	got, err := s.LearnedRows(ctx, detect.IPCommunication)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("learned (%v)\n%+v\nwant\n%+v", err, got, want)
	}
}

// other opens the same store as another process would.
func other(t *testing.T, s *Store) *Store {
	t.Helper()
	o, err := Open(s.path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func TestEditsOfAnotherProcessWin(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	o := other(t, s)
	a, b, c := row("10.0.0.1", 80, 80, "learned"), row("10.0.0.1", 443, 443, "learned"), row("10.0.0.3", 502, 502, "learned")
	if e := commit(t, s, changes(a, b)); e.Any() {
		t.Errorf("nobody edited: %+v", e)
	}
	learned(t, s, b2(b, a)...)

	hand := row("10.0.0.1", 80, 90, "hand")
	if n, err := o.RemoveRows([]detect.Row{b, c}); n != 1 || err != nil {
		t.Fatalf("%d rows removed, %v", n, err)
	}
	if err := o.AddRows([]detect.Row{hand}); err != nil {
		t.Fatal(err)
	}
	// The pipeline, which knows of neither, teaches all three again.
	grown := a
	grown.Count = 4
	e := commit(t, s, changes(grown, b, c))
	if !reflect.DeepEqual(e, Edited{Lists: []detect.Kind{detect.IPCommunication}}) {
		t.Errorf("edited: %+v", e)
	}
	hand.Count = 3
	learned(t, s, hand)
	// Now it knows: what is learned from here on counts.
	if e := commit(t, s, changes(c)); e.Any() {
		t.Errorf("told twice: %+v", e)
	}
	learned(t, s, hand, c)
	if e := commit(t, s, &Batch{Changes: []detect.Change{{Row: hand, Remove: true}, {Row: c, Remove: true}}}); e.Any() {
		t.Errorf("its own changes: %+v", e)
	}
	learned(t, s, hand)

	for _, x := range []struct {
		name string
		edit func() error
		want Edited
	}{
		{"status", func() error {
			return o.SetStatus(detect.Status{Kind: detect.OTIP, Mode: detect.Learning, Until: 5})
		}, Edited{Statuses: true}},
		{"setting", func() error { return o.SetSetting("internet", "each") }, Edited{Settings: true}},
		{"setting removed", func() error { return o.SetSetting("internet", "") }, Edited{Settings: true}},
		{"service", func() error { return o.SetServices(Service{"tcp", 502, "plc"}) }, Edited{Services: true}},
		{"exclusion", func() error { return o.AddExclusions(Exclusion{Kind: detect.Signature, Src: "10.0.0.1", Item: "7"}) }, Edited{Exclusions: true}},
		{"note", func() error { return o.Log(LogEntry{Key: "x"}) }, Edited{}},
	} {
		if err := x.edit(); err != nil {
			t.Fatalf("%s: %v", x.name, err)
		}
		// The batch's own word on modes does not undo the person's.
		if e := commit(t, s, &Batch{Run: run, Statuses: nil}); !reflect.DeepEqual(e, x.want) {
			t.Errorf("%s: %+v", x.name, e)
		}
	}
	if err := o.SetStatus(detect.Status{Kind: detect.OTIP, Mode: detect.Off}); err != nil {
		t.Fatal(err)
	}
	commit(t, s, &Batch{Statuses: []detect.Status{{Kind: detect.OTIP, Mode: detect.Detecting}}})
	if st, err := s.Statuses(ctx); err != nil || len(st) != 1 || st[0].Mode != detect.Off {
		t.Errorf("%+v %v", st, err)
	}
	commit(t, s, &Batch{Statuses: []detect.Status{{Kind: detect.OTIP, Mode: detect.Detecting}, {Kind: detect.IPCommunication, Mode: detect.Learning}}})
	if st, err := s.Statuses(ctx); err != nil || len(st) != 2 || st[0].Kind != detect.IPCommunication || st[0].Rows != 1 || st[1].Mode != detect.Detecting {
		t.Errorf("%+v %v", st, err)
	}
}

func b2(b, a detect.Row) []detect.Row { return []detect.Row{a, b} }

func TestAlerts(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	alert := func(id string, first, last int64) detect.Alert {
		return detect.Alert{ID: id, Kind: detect.OTIP, Subkind: "new", Key: "k" + id, Severity: detect.High, First: first, Last: last, Count: 1, SrcIP: "10.0.0.1", DstIP: "10.0.0.2",
			Site: "plant", Sensor: "one", Args: []detect.Arg{{Name: "function", Value: "05"}}, Refs: []detect.Ref{{Capture: run.Captures[0].ID, Number: 5, Time: first}}}
	}
	commit(t, s, &Batch{Alerts: []detect.Alert{alert("aa11", t0, t0+5), alert("aa22", t0+1, t0+9), alert("bb33", t0+2, t0+3)}})
	for _, x := range []struct {
		name string
		do   func() error
		want error
	}{
		{"acknowledge", func() error { return s.AckAlert("aa11") }, nil},
		{"ambiguous", func() error { return s.AckAlert("aa") }, ErrNotFound},
		{"unknown", func() error { return s.AckAlert("cc") }, ErrNotFound},
		{"empty", func() error { return s.AckAlert("") }, ErrNotFound},
		{"accept by the id's beginning", func() error { return s.AcceptAlert("b", []detect.Row{row("10.0.0.1", 502, 502, "")}) }, nil},
		{"exclude", func() error { return s.ExcludeAlert("aa22", Exclusion{Kind: detect.OTIP, Src: "10.0.0.1"}) }, nil},
		{"note", func() error { return s.AddNote("aa22", "me", "planned work") }, nil},
		{"note", func() error { return s.AddNote("aa22", "you", "really?") }, nil},
		{"note on nothing", func() error { return s.AddNote("zz", "you", "x") }, ErrNotFound},
	} {
		if err := x.do(); !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
	}
	// It grows: what people did stays.
	grown := alert("aa22", t0+1, t0+100)
	grown.Count = 7
	commit(t, s, &Batch{Alerts: []detect.Alert{grown}})
	a, err := s.Alert(ctx, "aa2")
	if err != nil || a.State != AlertExcluded || len(a.Notes) != 2 || a.Notes[1].Text != "really?" || !reflect.DeepEqual(a.Alert, grown) {
		t.Errorf("%+v %v", a, err)
	}
	if rows, _ := s.LearnedRows(ctx, ""); len(rows) != 1 || rows[0].Origin != OriginHand {
		t.Errorf("accepted: %+v", rows)
	}
	if x, _ := s.Exclusions(ctx, detect.OTIP); len(x) != 1 || x[0].Src != "10.0.0.1" {
		t.Errorf("excluded: %+v", x)
	}
	for _, x := range []struct {
		name string
		f    Filter
		want string
		more bool
	}{
		{"all", Filter{}, "bb33 aa11 aa22 ", false},
		{"newest", Filter{Limit: 1}, "aa22 ", true},
		{"state", Filter{State: AlertAccepted}, "bb33 ", false},
		{"window", Filter{From: t0 + 4, To: t0 + 6}, "aa11 aa22 ", false},
		{"address", Filter{Address: "10.0.0.2"}, "bb33 aa11 aa22 ", false},
		{"no such address", Filter{Address: "10.0.0.7"}, "", false},
		{"kind", Filter{Kind: "signature"}, "", false},
	} {
		rows, more, err := s.Alerts(ctx, x.f)
		got := ""
		for _, r := range rows {
			got += r.ID + " "
		}
		if err != nil || got != x.want || more != x.more {
			t.Errorf("%s: %q more %v, %v", x.name, got, more, err)
		}
	}
	open, err := s.OpenAlerts(ctx, t0+5)
	if err != nil || len(open) != 2 || open[0].ID != "aa11" {
		t.Errorf("open: %+v %v", open, err)
	}
}

func TestRuns(t *testing.T) {
	s := newStore(t)
	if r, err := s.UnfinishedRun(); r != nil || err != nil {
		t.Fatal(r, err)
	}
	spec := RunSpec{Site: "plant", Sensor: "one", Settings: "abc", Captures: []CaptureRow{{Path: "/x/a.pcap", Size: 10}, {Path: "/x/b.pcap", Size: 20}}}
	run, err := s.BeginRun(spec)
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{load{}.minute(0), load{}.minute(4)}, Hash: []byte("h")})
	c := run.Captures[0]
	c.SHA256, c.Status, c.Packets, c.First, c.Last = "00ff", "ok", 5, 1, 2
	if err := s.SaveCapture(run, &c); err != nil {
		t.Fatal(err)
	}
	if known, err := s.KnownCapture(10); err != nil || len(known) != 0 {
		t.Errorf("known before the run ended: %+v %v", known, err)
	}
	for _, x := range []struct {
		name   string
		change func(r *RunSpec)
		want   error
	}{
		{"same", func(r *RunSpec) {}, nil},
		{"moved", func(r *RunSpec) { r.Captures[0].Path = "/y/a.pcap" }, nil},
		{"settings", func(r *RunSpec) { r.Settings = "x" }, ErrChanged},
		{"sensor", func(r *RunSpec) { r.Sensor = "two" }, ErrChanged},
		{"size", func(r *RunSpec) { r.Captures[1].Size++ }, ErrChanged},
		{"fewer", func(r *RunSpec) { r.Captures = r.Captures[:1] }, ErrChanged},
	} {
		changed := spec
		changed.Captures = append([]CaptureRow{}, spec.Captures...)
		x.change(&changed)
		r, err := s.ResumeRun(changed)
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v", x.name, err)
		}
		if err == nil && (r.ID != run.ID || r.Seq != 5 || string(r.Hash) != "h" || len(r.Captures) != 2 || r.Captures[0].SHA256 != "00ff" || r.sensor != run.sensor) {
			t.Errorf("%s: %+v", x.name, r)
		}
	}
	refused := CaptureRow{Path: "c.txt", Size: 3, Status: "refused", Reason: "text"}
	if err := s.SaveCapture(run, &refused); err != nil || refused.ID == 0 {
		t.Fatal(refused, err)
	}
	if err := s.EndRun(run); err != nil {
		t.Fatal(err)
	}
	if known, err := s.KnownCapture(10); err != nil || len(known) != 1 || known[0] != c {
		t.Errorf("known: %+v %v", known, err)
	}
	if known, err := s.KnownCapture(20); err != nil || len(known) != 0 {
		t.Errorf("known without a sum: %+v %v", known, err)
	}
	if _, err := s.ResumeRun(spec); !errors.Is(err, ErrNotFound) {
		t.Errorf("resume of an ended run: %v", err)
	}
	if all, err := s.Captures(ctx); err != nil || len(all) != 3 || all[2].Reason != "text" {
		t.Errorf("%+v %v", all, err)
	}
	if _, err := s.BeginRun(RunSpec{Sensor: "live"}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.UnfinishedRun(); r != nil || err != nil {
		t.Errorf("a live run is given to be resumed: %+v %v", r, err)
	}
}

func TestSystemLog(t *testing.T) {
	s := newStore(t)
	if err := s.Log(LogEntry{At: 1, Level: "info", Key: "a"}, LogEntry{At: 2, Level: "warn", Key: "b", Sensor: "one", Args: []detect.Arg{{Name: "n", Value: "1"}}}, LogEntry{Key: "c"}); err != nil {
		t.Fatal(err)
	}
	list, err := s.SystemLog(ctx, Filter{Limit: 2})
	if err != nil || len(list) != 2 || list[0].Key != "b" || list[0].Args[0].Value != "1" || list[1].At < Time(t0) {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := s.SystemLog(ctx, Filter{Sensor: "one", To: 3}); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}

// TestWritersOfBothKindsMeet: many edits of another connection while minutes are committed; none is lost.
func TestWritersOfBothKindsMeet(t *testing.T) {
	s := newStore(t)
	run := newRun(t, s)
	o := other(t, s)
	done := make(chan error)
	go func() {
		for i := range 50 {
			if err := o.AddRows([]detect.Row{row("10.0.0.9", uint16(i), uint16(i), "")}); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	told := 0
	l := load{connections: 20, edges: 20, operations: 10, addresses: 10}
	n := 0
	for finished := false; !finished; n++ {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			finished = true
		default:
		}
		if e := commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{l.minute(n)}}); e.Any() {
			told++
		}
		time.Sleep(20 * time.Millisecond) // between two commits a pipeline reads frames
	}
	rows, err := s.LearnedRows(ctx, detect.IPCommunication)
	if err != nil || len(rows) != 50 || told == 0 {
		t.Errorf("%d rows, told %d times, %v", len(rows), told, err)
	}
	if got := s.count(t, "SELECT count(*) FROM minute"); got != int64(n) {
		t.Errorf("%d minutes of %d", got, n)
	}
}
