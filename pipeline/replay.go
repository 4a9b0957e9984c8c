package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	"osect/capture"
	"osect/decode"
	"osect/decode/ot/registry"
	"osect/detect"
	"osect/inventory"
	"osect/observe"
	"osect/store"
)

const (
	// commitEvery is how much work a replay puts into one transaction.
	commitEvery = time.Second
	// commitRows is how many rows at the most wait for it; so it also goes on
	// while more is read.
	commitRows = 25_000
	// commitChanges is how many rows more may wait for each learned row that is to be
	// written: most of those are written anew with each transaction.
	commitChanges = 10
)

// testCommitted, when a test sets it, is called after each commit; commits then
// come as often as minutes do.
var testCommitted func()

// ErrInterrupted is wrapped by the error of a Replay that its context ended.
var ErrInterrupted = errors.New("interrupted")

// Replay reads captures into the store. It returns a summary also where an
// error ended it: of what was done until then. A cancelled ctx leaves a good
// store that a later Replay of the same captures goes on with.
func Replay(ctx context.Context, st *store.Store, opt Options) (*Summary, error) {
	begin := time.Now()
	opt = withDefaults(opt)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	// Before looking at what is known: another run may be about to end.
	if err := st.Lock(opt.Site, opt.Sensor); err != nil {
		return nil, err
	}
	set, err := capture.Open(ctx, opt.Paths, capture.Options{Filter: opt.Filter, Known: known(st, opt.Again)})
	if err != nil {
		return nil, err
	}
	defer set.Close()

	toRead, place := readable(set.Captures())
	if opt.order, err = orderOf(ctx, st); err != nil {
		return nil, err
	}
	run, resumed, err := beginRun(st, toRead, opt)
	if err != nil {
		return nil, err
	}
	c := &committer{st: st, opt: opt, run: run, resumeAt: run.Seq, resumeHash: run.Hash, raised: map[string]detect.Severity{}, cancel: cancel}

	in := make(chan []*observe.Minute, 4)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := c.load(ctx); err != nil {
			c.fail(err)
		}
		for minutes := range in {
			c.take(minutes)
		}
		c.finish()
	}()
	crank := newCrank(registry.Protocols, opt.Workers, opt.order, place, func(m []*observe.Minute) { in <- m })
	stop := watch(ctx, set, opt.Progress)
	readErr := crank.run(ctx, set)
	stop()
	close(in)
	<-done

	s := &Summary{Resumed: resumed, Seconds: time.Since(begin).Seconds()}
	err = c.err
	if err == nil && readErr != nil {
		err = readErr
		if ctx.Err() != nil {
			err = fmt.Errorf("%w at frame %d: the store is good up to there; the same command goes on", ErrInterrupted, crank.frames)
		}
	}
	infos := refuseUnreadable(set)
	s.fill(infos, crank, c)
	if err != nil {
		return s, err
	}
	for i := range infos {
		if err := saveCapture(st, run, place[i], &infos[i]); err != nil {
			return s, err
		}
	}
	if err := st.EndRun(run); err != nil {
		return s, err
	}
	s.Seconds = time.Since(begin).Seconds()
	if s.Seconds > 0 {
		s.PacketsPerSecond = float64(s.Packets) / s.Seconds
	}
	// The run has ended: who stops it now is too late, and it is not said to be cut off.
	addresses, err := st.DeviceAddresses(context.WithoutCancel(ctx), store.Filter{})
	if err != nil {
		return s, err
	}
	s.Devices = inventory.Count(addresses)
	return s, nil
}

func withDefaults(opt Options) Options {
	if opt.Site == "" {
		opt.Site = "default"
	}
	if opt.Sensor == "" {
		opt.Sensor = "replay"
	}
	if opt.Workers <= 0 {
		opt.Workers = runtime.GOMAXPROCS(0)
	}
	opt.Workers = min(opt.Workers, observe.Shards)
	return opt
}

// known tells capture which files the store has had.
func known(st *store.Store, again bool) func(int64, int64, func() ([32]byte, error)) (bool, error) {
	if again {
		return nil
	}
	return func(size, first int64, sum func() ([32]byte, error)) (bool, error) {
		rows, err := st.KnownCapture(size)
		// Of another time is another capture: its content need not be read for that.
		// One that gave nothing is told once more what is wrong with it.
		rows = slices.DeleteFunc(rows, func(r store.CaptureRow) bool {
			return r.Packets == 0 || r.Status == string(capture.StatusRefused) || r.Last != 0 && (first < int64(r.First) || first > int64(r.Last))
		})
		if err != nil || len(rows) == 0 {
			return false, err
		}
		got, err := sum()
		if err != nil {
			return false, err
		}
		text := hex.EncodeToString(got[:])
		return slices.ContainsFunc(rows, func(r store.CaptureRow) bool { return r.SHA256 == text }), nil
	}
}

// readable lists the captures that are to be read, and each one's place in that
// list by its place in the set (-1 for the others).
func readable(infos []capture.Info) (list []store.CaptureRow, place []int32) {
	place = make([]int32, len(infos))
	for i := range infos {
		place[i] = -1
		if infos[i].Status == "" {
			place[i] = int32(len(list))
			list = append(list, store.CaptureRow{Path: infos[i].Path, Size: infos[i].Size})
		}
	}
	return list, place
}

// beginRun begins a run, or goes on with the one of the sensor that was cut off
// when it read the same captures. Where one was cut off that read some of them
// and others, minutes of them are in the store: reading them anew would count them twice.
func beginRun(st *store.Store, captures []store.CaptureRow, opt Options) (*store.Run, bool, error) {
	spec := store.RunSpec{Site: opt.Site, Sensor: opt.Sensor, Settings: settingsHash(opt), Captures: captures}
	runs, err := st.UnfinishedRuns()
	if err != nil {
		return nil, false, err
	}
	for _, old := range runs {
		if old.Site != opt.Site || old.Sensor != opt.Sensor || len(captures) == 0 {
			continue
		}
		if slices.EqualFunc(old.Captures, captures, store.SameCapture) {
			run, err := st.ResumeRun(spec)
			if err == nil {
				return run, true, nil
			}
			return nil, false, fmt.Errorf("the replay of these captures was cut off and cannot be gone on with: %w (take another store with --db, or read them as they were)", err)
		}
		for _, c := range captures {
			same := func(o store.CaptureRow) bool { return store.SameCapture(o, c) }
			if old.Seq > 0 && slices.ContainsFunc(old.Captures, same) {
				return nil, false, fmt.Errorf("%s was half read by a replay of %d captures, %s first, that was cut off: %w: give that command again, then this one (or take another store with --db)",
					c.Path, len(old.Captures), old.Captures[0].Path, store.ErrChanged)
			}
		}
	}
	run, err := st.BeginRun(spec)
	return run, false, err
}

// settingsHash covers what changes the content of the store.
func settingsHash(opt Options) string {
	h := sha256.New()
	fmt.Fprintf(h, "osect 1\nsite %q\nsensor %q\nmode %q\nfilter %q\n", opt.Site, opt.Sensor, opt.Mode, opt.Filter)
	for _, p := range registry.Protocols {
		fmt.Fprintln(h, p.Name)
	}
	if opt.order {
		fmt.Fprintln(h, "order")
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// watch reports progress until the returned function is called.
func watch(ctx context.Context, set *capture.Set, report func(done, total int64)) (stop func()) {
	if report == nil {
		return func() {}
	}
	end := make(chan struct{})
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-end:
				report(set.Progress())
				return
			case <-ctx.Done():
				return
			case <-tick.C:
				report(set.Progress())
			}
		}
	}()
	return func() { close(end); <-gone }
}

// refuseUnreadable marks captures in which every frame has a link type that is
// not read.
func refuseUnreadable(set *capture.Set) []capture.Info {
	infos := set.Captures()
	var p decode.Packet
	for i := range infos {
		readable := len(infos[i].Links) == 0
		for _, l := range infos[i].Links {
			p.Decode(l.Link, nil, 0)
			readable = readable || p.Reason != decode.BadLinkType
		}
		if !readable {
			set.Refuse(i, "link type "+strconv.Itoa(int(infos[i].Links[0].Link))+" is not read")
		}
	}
	return set.Captures()
}

// saveCapture records what became of a file; place is its place in the run, -1
// for one that was not read. Of those only refused captures are recorded.
func saveCapture(st *store.Store, run *store.Run, place int32, info *capture.Info) error {
	if place < 0 && info.Status != capture.StatusRefused {
		return nil
	}
	row := store.CaptureRow{Path: info.Path, Size: info.Size, Status: string(info.Status), Reason: info.Reason, Packets: uint64(info.Frames)}
	if place >= 0 {
		row.ID = run.Captures[place].ID
	}
	if info.HasSum {
		row.SHA256 = hex.EncodeToString(info.Sum[:])
	}
	// Of all frames of the file, or none: known compares them with a file's first frame.
	if info.Frames > info.Untimed && info.Filtered == 0 {
		row.First, row.Last = store.Time(info.First), store.Time(info.Last)
	}
	return st.SaveCapture(run, &row)
}

// committer learns from and inspects minutes, and commits them. It runs on one goroutine.
type committer struct {
	st      *store.Store
	opt     Options
	run     *store.Run
	engine  *detect.Engine
	cancel  context.CancelCauseFunc
	warmed  bool                  // the engine was shown the hour before
	live    bool                  // commits each minute at once, and keeps it while the store is not to be had
	rings   []*capture.Ring[ends] // live: frames that may be evidence
	taken   map[string]*taken     // live: what of it was copied for each alert
	missing int                   // live: frames that alerts name and no ring had, to be logged

	resumeAt   uint64 // minutes up to this Seq were committed before
	resumeHash []byte
	hash       [32]byte

	pending pending
	rows    int
	since   time.Time
	err     error

	minutes    uint64
	flows      int64
	operations uint64
	counters   observe.Counters
	raised     map[string]detect.Severity
	dropped    uint64 // by the detectors' caps
}

// load makes the engine of what the store holds.
func (c *committer) load(ctx context.Context) error {
	statuses, err := c.st.Statuses(ctx)
	if err != nil {
		return err
	}
	rows, err := c.st.LearnedRows(ctx, "")
	if err != nil {
		return err
	}
	open, err := c.st.OpenAlerts(ctx, 0)
	if err != nil {
		return err
	}
	cfg := detect.Config{Site: c.opt.Site, Sensor: c.opt.Sensor, Force: force(c.opt.Mode)}
	if cfg.Settings, err = settings(ctx, c.st, c.opt.AsOf); err != nil {
		return err
	}
	for _, row := range c.run.Captures {
		cfg.Captures = append(cfg.Captures, row.ID)
	}
	c.engine = detect.NewEngine(cfg, statuses, rows, open)
	return nil
}

func force(m Mode) detect.Mode {
	switch m {
	case Learn:
		return detect.Learning
	case Detect:
		return detect.Detecting
	}
	return ""
}

// take works on minutes that were closed together.
func (c *committer) take(minutes []*observe.Minute) {
	for _, m := range minutes {
		c.count(m)
		c.hash = chain(c.hash, m)
		if c.err != nil {
			continue
		}
		if !c.warmed {
			c.warmed = true
			// With the part of this minute that another run may have brought. A run that is gone on with has
			// brought its own, which it is about to see again.
			to := m.Start + 1
			if c.resumeAt > 0 {
				to = m.Start
			}
			if err := warm(context.Background(), c.st, c.engine, c.opt.Site, c.opt.Sensor, m.Start, to); err != nil {
				c.fail(err)
				continue
			}
		}
		if m.Seq <= c.resumeAt {
			if m.Seq == c.resumeAt && !slices.Equal(c.hash[:], c.resumeHash) {
				c.fail(fmt.Errorf("the captures are not those of the replay that was cut off: minute %d (%s) differs: %w",
					m.Seq, store.Time(m.Start), store.ErrChanged))
			}
			c.engine.Again(m)
			continue
		}
		r := c.engine.Minute(m)
		c.dropped += r.Dropped
		for _, a := range r.Alerts {
			c.raised[a.ID] = a.Severity
		}
		if len(c.pending.batch.Minutes) == 0 {
			c.since = time.Now()
		}
		c.pending.batch.Minutes = append(c.pending.batch.Minutes, m)
		c.pending.add(&r)
		c.evidence(r.Alerts)
		c.rows += len(m.Connections) + len(m.Edges) + len(m.Operations) + len(m.Addresses) + len(m.Events)
		if c.live || testCommitted != nil || c.rows >= commitRows+commitChanges*c.pending.changes.Len() || time.Since(c.since) >= commitEvery {
			c.commit()
		}
	}
}

func (c *committer) count(m *observe.Minute) {
	c.minutes++
	for i := range m.Connections {
		if m.Connections[i].Closed {
			c.flows++
		}
	}
	for i := range m.Operations {
		c.operations += m.Operations[i].Count
	}
	c.counters.Add(&m.Counters)
}

// commit writes what was gathered and takes over what others edited meanwhile.
func (c *committer) commit() {
	if c.err != nil || len(c.pending.batch.Minutes) == 0 {
		return
	}
	b := c.pending.whole()
	b.Run, b.Hash = c.run, c.hash[:]
	edited, err := c.st.Commit(b)
	if c.live && passing(err) {
		return
	}
	if err == nil {
		err = c.reload(edited)
	}
	if err != nil {
		c.fail(err)
	}
	c.pending, c.rows = pending{}, 0
	if testCommitted != nil {
		testCommitted()
	}
}

func (c *committer) reload(edited store.Edited) error {
	ctx := context.Background()
	for _, kind := range edited.Lists {
		rows, err := c.st.LearnedRows(ctx, kind)
		if err != nil {
			return err
		}
		c.engine.Reload(kind, rows)
	}
	if edited.Statuses {
		statuses, err := c.st.Statuses(ctx)
		if err != nil {
			return err
		}
		c.engine.SetStatuses(statuses)
	}
	if edited.Exclusions {
		list, err := exclusions(ctx, c.st)
		if err != nil {
			return err
		}
		c.engine.SetExclusions(list)
	}
	if edited.Ledger {
		flags, err := c.st.LedgerFlags(ctx)
		if err != nil {
			return err
		}
		c.engine.SetFlags(flags)
	}
	if edited.Settings {
		all, err := c.st.Settings(ctx)
		if err != nil {
			return err
		}
		var set detect.Settings
		if err := set.ParseSettings(all); err != nil {
			return fmt.Errorf("%s: %w: see osect settings", c.st.Path(), err)
		}
		c.engine.SetSettings(set)
	}
	return nil
}

func (c *committer) finish() { c.commit() }

func (c *committer) fail(err error) {
	if c.err == nil {
		c.err = err
		c.cancel(err)
	}
}

// chain is the running hash over minutes: enough of each that other input, or
// another decoder, does not pass for the same.
func chain(before [32]byte, m *observe.Minute) [32]byte {
	b := make([]byte, 0, 512)
	put := func(v uint64) { b = binary.BigEndian.AppendUint64(b, v) }
	b = append(b, before[:]...)
	put(uint64(m.Start))
	put(m.Seq)
	put(uint64(len(m.Connections)))
	put(uint64(len(m.Edges)))
	put(uint64(len(m.Operations)))
	put(uint64(len(m.Addresses)))
	put(uint64(len(m.Facts)))
	put(uint64(len(m.Events)))
	put(m.Counters.Packets)
	put(m.Counters.Bytes)
	put(m.Counters.Decoded)
	var sum [4]uint64
	for i := range m.Edges {
		e := &m.Edges[i]
		sum[0] = sum[0]*31 + e.PacketsOut + e.BytesOut<<20
		sum[1] = sum[1]*31 + e.PacketsIn + e.BytesIn<<20
		sum[2] = sum[2]*31 + uint64(e.First) ^ e.Client.Lo ^ e.Server.Lo<<16 ^ uint64(e.ServerPort)<<48
	}
	for i := range m.Operations {
		o := &m.Operations[i]
		sum[3] = sum[3]*31 + o.Count ^ uint64(o.First) ^ o.Src.Lo
	}
	for _, s := range sum {
		put(s)
	}
	return sha256.Sum256(b)
}

// fill makes the summary of what was counted.
func (s *Summary) fill(infos []capture.Info, k *crank, c *committer) {
	s.Captures = []Capture{}
	s.LinkTypes = map[string]uint64{}
	first, last := int64(0), int64(0)
	timed := false
	for i := range infos {
		in := &infos[i]
		s.Captures = append(s.Captures, Capture{Path: in.Path, Packets: in.Frames, Status: string(in.Status), Reason: in.Reason})
		for _, l := range in.Links {
			s.LinkTypes[strconv.Itoa(int(l.Link))] += uint64(l.Frames)
		}
		if in.Frames > in.Untimed {
			if !timed || in.First < first {
				first = in.First
			}
			if !timed || in.Last > last {
				last = in.Last
			}
			timed = true
		}
	}
	if timed {
		a, b := store.Time(first), store.Time(last)
		s.FirstPacket, s.LastPacket = &a, &b
	}
	n := &c.counters
	s.Packets, s.Bytes, s.Decoded = n.Packets, n.Bytes, n.Decoded
	s.Skipped, s.Dropped = map[string]uint64{}, map[string]uint64{}
	for i, v := range n.Skipped {
		if v > 0 {
			s.Skipped[decode.Reason(i).String()] = v
		}
	}
	for i, v := range n.Dropped {
		if v > 0 {
			s.Dropped[observe.Drop(i).String()] = v
		}
	}
	if c.dropped > 0 {
		s.Dropped["baseline"] = c.dropped
	}
	t := k.totals()
	s.EtherTypes, s.VLANs, s.IPProtocols = map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
	for k, v := range t.EtherTypes {
		s.EtherTypes[fmt.Sprintf("%04x", k)] = v
	}
	for k, v := range t.VLANs {
		s.VLANs[strconv.Itoa(int(k))] = v
	}
	for k, v := range t.IPProtocols {
		if v > 0 {
			s.IPProtocols[strconv.Itoa(k)] = v
		}
	}
	s.Fragments, s.Truncated, s.OutOfOrder = t.Fragments, t.Truncated, k.outOfOrder
	s.Minutes, s.Flows, s.Operations = c.minutes, c.flows, c.operations
	s.Alerts = len(c.raised)
	s.AlertsBySeverity = map[string]int{}
	for _, sev := range c.raised {
		s.AlertsBySeverity[string(sev)]++
	}
	if s.Seconds > 0 {
		s.PacketsPerSecond = float64(s.Packets) / s.Seconds
	}
}
