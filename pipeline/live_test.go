package pipeline

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"strings"
	"testing"

	"osect/capture"
	"osect/decode"
	"osect/decode/ot/registry"
	"osect/detect"
	"osect/observe"
	"osect/store"
)

// scripted is a live source of a test: what comes, and what its clock says after it.
type scripted struct {
	steps []step
	clock int64
}

type step struct {
	frames []int64 // times
	clock  int64
}

func (s *scripted) Read(b *capture.Batch) error {
	b.Release()
	if len(s.steps) == 0 {
		return io.EOF
	}
	for i, t := range s.steps[0].frames {
		// An ARP request.
		data := []byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2}
		b.Frames = append(b.Frames, capture.Frame{Time: t, Data: data, WireLen: uint32(len(data)), Link: 1, Number: int64(i) + 1})
	}
	s.clock = s.steps[0].clock
	s.steps = s.steps[1:]
	return nil
}

// TestClockClosesMinutes: without further frames a minute closes 5 s after its
// end, by the source's clock; with any number of workers.
func TestClockClosesMinutes(t *testing.T) {
	const sec = int64(1e9)
	m := 1000 * observe.MinuteLength
	for _, workers := range []int{1, 3} {
		var closed []*observe.Minute
		var after []int // minutes closed when each step had been taken in
		src := &scripted{steps: []step{
			{[]int64{m + 10*sec, m + 11*sec}, m + 11*sec},
			{nil, m + 64*sec},
			{nil, m + 65*sec}, // closes m
			{nil, m + 300*sec},
			{[]int64{m + 301*sec}, m + 301*sec},
			{[]int64{m + 302*sec}, m + 302*sec},
		}}
		merged := make(chan []*observe.Minute, 10)
		c := newCrank(registry.Protocols, workers, false, []int32{-1}, func(list []*observe.Minute) { merged <- list })
		c.now = func() int64 {
			for c.last != nil { // wait for the merge, so that the count is not a race
				<-c.last.merged
				break
			}
			after = append(after, c.clockClosings(merged, &closed))
			return src.clock
		}
		if err := c.run(context.Background(), src); err != nil {
			t.Fatal(err)
		}
		c.clockClosings(merged, &closed)
		if len(closed) != 2 || closed[0].Start != m || closed[1].Start != m+300*sec || closed[0].Counters.Packets != 2 || closed[1].Counters.Packets != 2 {
			t.Fatalf("%d workers: minutes %+v", workers, closed)
		}
		if after[1] != 0 || after[2] != 0 || after[4] != 1 {
			t.Errorf("%d workers: closed before each step: %v", workers, after)
		}
	}
}

// clockClosings takes what was closed until now.
func (c *crank) clockClosings(merged chan []*observe.Minute, closed *[]*observe.Minute) int {
	for {
		select {
		case list := <-merged:
			*closed = append(*closed, list...)
		default:
			return len(*closed)
		}
	}
}

// talk is the n-th minute of two ends that talk by TCP.
func talk(n int) *observe.Minute {
	start := (1000 + int64(n)) * observe.MinuteLength
	key := observe.EdgeKey{Client: decode.IPv4(0x0a000001), Server: decode.IPv4(0x0a000002), ServerPort: 502, VLAN: decode.NoVLAN, Proto: 6}
	return &observe.Minute{
		Start: start, Seq: uint64(n),
		Edges:    []observe.Edge{{EdgeKey: key, PacketsOut: 5, BytesOut: 500, PacketsIn: 5, BytesIn: 500, Opened: 1, First: start + 1, Last: start + 2, Answered: true}},
		Counters: observe.Counters{Packets: 10, Bytes: 1000, Decoded: 10},
	}
}

// keeping is a keeper over a store of its own, detecting.
func keeping(t *testing.T) (k *keeper, st *store.Store) {
	st = open(t)
	opt := withDefaults(Options{Sensor: "capture", Mode: Detect})
	run, err := st.BeginRun(store.RunSpec{Site: opt.Site, Sensor: opt.Sensor})
	if err != nil {
		t.Fatal(err)
	}
	k = &keeper{in: make(chan []*observe.Minute, 1)}
	k.committer = committer{st: st, opt: opt, run: run, live: true, raised: map[string]detect.Severity{}, cancel: func(error) {}}
	if err := k.load(context.Background()); err != nil {
		t.Fatal(err)
	}
	return k, st
}

func keptMinutes(t *testing.T, st *store.Store) (list []*observe.Minute) {
	err := st.Minutes(context.Background(), store.Filter{}, func(_, _ string, m *observe.Minute) error {
		list = append(list, m)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestEditHoldsFromTheOpenMinute: what another process edits while a minute is
// open holds for that minute when it closes.
func TestEditHoldsFromTheOpenMinute(t *testing.T) {
	k, st := keeping(t)
	other, err := store.Open(st.Path(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	ctx := context.Background()
	last := func() (at int64) {
		alerts, err := st.OpenAlerts(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range alerts {
			if a.Kind == "ip-communication" {
				at = max(at, a.Last)
			}
		}
		return at
	}
	k.minute(talk(1))
	if got := last(); got < talk(1).Start {
		t.Fatalf("no alert on what is not learned (%d)", got)
	}
	row := detect.Row{List: "ip-communication", Site: "default", Src: "10.0.0.1", Dst: "10.0.0.2", Proto: "tcp", Item: detect.ItemPort, Lo: 502, Hi: 502}
	if err := other.AddRows([]detect.Row{row}); err != nil {
		t.Fatal(err)
	}
	k.minute(talk(2)) // was open when the row was added
	if got := last(); got >= talk(2).Start {
		t.Errorf("the row that was added does not hold for the minute that was open: alert until %s", store.Time(got))
	}
	if n, err := other.RemoveRows([]detect.Row{row}); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	k.minute(talk(3))
	if got := last(); got < talk(3).Start {
		t.Errorf("the row that was removed still holds: alert until %s", store.Time(got))
	}
	if err := other.SetStatus(detect.Status{Kind: "ip-communication", Mode: detect.Off}); err != nil {
		t.Fatal(err)
	}
	if got := len(keptMinutes(t, st)); got != 3 || k.err != nil {
		t.Errorf("%d minutes kept, want 3; %v", got, k.err)
	}
}

// TestMinutesWaitForTheStore: while another process holds the store minutes
// wait in memory, at most maxWaiting; what is over is counted in the next one.
func TestMinutesWaitForTheStore(t *testing.T) {
	k, st := keeping(t)
	var said []string
	k.tell = func(e store.LogEntry) { said = append(said, strings.TrimPrefix(e.Key, "cli.log.capture-")) }
	k.minute(talk(1))
	hold, err := sql.Open("sqlite3", "file:"+st.Path()+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	tx, err := hold.Begin()
	if err != nil {
		t.Fatal(err)
	}
	k.minute(talk(2)) // waits as long as a commit does, then is kept in memory
	if n := len(k.pending.batch.Minutes); n != 1 || k.err != nil {
		t.Fatalf("%d minutes wait, %v", n, k.err)
	}
	for n := 3; n < maxWaiting+2; n++ { // as if these had been tried too
		k.pending.batch.Minutes = append(k.pending.batch.Minutes, talk(n))
	}
	k.minute(talk(100))
	k.minute(talk(101))
	if n := len(k.pending.batch.Minutes); n != maxWaiting || k.lost != 20 {
		t.Fatalf("%d minutes wait, %d frames let go", n, k.lost)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	k.try()
	k.minute(talk(102))
	k.writeNotes()
	kept := keptMinutes(t, st)
	if len(kept) != maxWaiting+2 || k.err != nil {
		t.Fatalf("%d minutes kept, want %d; %v", len(kept), maxWaiting+2, k.err)
	}
	for _, m := range kept {
		want := uint64(0)
		if m.Start == talk(102).Start {
			want = 20
		}
		if got := m.Counters.Dropped[observe.DropQueue]; got != want {
			t.Errorf("minute %s: %d frames told as dropped, want %d", store.Time(m.Start), got, want)
		}
	}
	if got := strings.Join(said, " "); got != "waits lost lost goes-on" {
		t.Errorf("said: %s", got)
	}
	log, err := st.SystemLog(context.Background(), store.Filter{})
	if err != nil || len(log) != len(said) {
		t.Errorf("%d entries in the log, %v", len(log), err)
	}
}

// TestLostAtTheEndIsAnError: what cannot be committed at the end is not passed over.
func TestLostAtTheEndIsAnError(t *testing.T) {
	k, st := keeping(t)
	hold, err := sql.Open("sqlite3", "file:"+st.Path()+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer hold.Close()
	tx, err := hold.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	k.pending.batch.Minutes = []*observe.Minute{talk(1)}
	k.end()
	if !errors.Is(k.err, store.ErrBusy) || k.lostTotal != 10 {
		t.Errorf("%v, %d frames lost", k.err, k.lostTotal)
	}
}

// TestKernelDropsAreKept: they are stored with their minute, by cause.
func TestKernelDropsAreKept(t *testing.T) {
	if observe.DropKernel.String() != "kernel" || observe.DropQueue.String() != "queue" {
		t.Error("the causes are stored by these names")
	}
	k, st := keeping(t)
	m := talk(1)
	m.Counters.Dropped[observe.DropKernel] = 7
	k.minute(m)
	kept := keptMinutes(t, st)
	if len(kept) != 1 || kept[0].Counters.Dropped[observe.DropKernel] != 7 {
		t.Errorf("%d minutes; %+v", len(kept), kept[0].Counters)
	}
}
