package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"osect/capture"
	"osect/decode"
	"osect/decode/ot/registry"
	"osect/detect"
	"osect/observe"
	"osect/store"
)

const (
	// maxWaiting minutes, of maxWaitingRows rows at most, wait in memory while the
	// store is not to be had. Later ones are let go and counted.
	maxWaiting     = 60
	maxWaitingRows = 1_000_000
	// tryEvery is how often a commit that waits is tried again.
	tryEvery = time.Second
	// maxNotes is how many entries wait for the system log.
	maxNotes = 100
)

// LiveOptions of Live. The zero value is usable.
type LiveOptions struct {
	// Filter as given to capture.OpenLive, for the system log.
	Filter string
	// Site and Sensor names; "" means "default" and "capture".
	Site, Sensor string
	Mode         Mode
	// Workers run the shards; 0 for as many as there are CPUs. The result does not depend on it.
	Workers int
	// Note is called with what goes into the system log, nil for none. It is
	// called from several goroutines, one at a time.
	Note func(store.LogEntry)
}

// Interface is what came from one network interface.
type Interface struct {
	Name    string `json:"name"`
	Packets int64  `json:"packets"`
	// Filtered are the tagged frames that the filter took away outside the kernel.
	Filtered int64 `json:"filtered"`
}

// LiveSummary is the result of a live capture: the object that `osect capture --format json` prints.
type LiveSummary struct {
	Interfaces       []Interface       `json:"interfaces"`
	Packets          uint64            `json:"packets"`
	Decoded          uint64            `json:"decoded"`
	Skipped          map[string]uint64 `json:"skipped"`
	Dropped          map[string]uint64 `json:"dropped"` // kernel, queue: frames that were never read or kept
	Freezes          uint64            `json:"freezes"` // how often a ring was full
	Bytes            uint64            `json:"bytes"`
	FirstPacket      *store.Time       `json:"first_packet"` // null without packets
	LastPacket       *store.Time       `json:"last_packet"`
	Seconds          float64           `json:"seconds"`
	Minutes          uint64            `json:"minutes"`
	Flows            int64             `json:"flows"`
	Operations       uint64            `json:"operations"`
	Alerts           int               `json:"alerts"`
	AlertsBySeverity map[string]int    `json:"alerts_by_severity"`
}

// Live captures into the store until ctx ends; then the minutes that are open
// are closed and committed too. Each minute is committed as it closes, 5 s
// after its end. What another process edited is read before a minute is
// inspected: it holds from that minute on that is open when it is edited.
//
// The summary is there also with an error, of what was done until then. live is
// closed when Live returns.
func Live(ctx context.Context, st *store.Store, live *capture.Live, opt LiveOptions) (*LiveSummary, error) {
	defer live.Close()
	begin := time.Now()
	if opt.Sensor == "" {
		opt.Sensor = "capture"
	}
	ro := withDefaults(Options{Filter: opt.Filter, Site: opt.Site, Sensor: opt.Sensor, Mode: opt.Mode, Workers: opt.Workers})
	var err error
	if ro.order, err = orderOf(ctx, st); err != nil {
		return nil, err
	}
	run, err := st.BeginRun(store.RunSpec{Site: ro.Site, Sensor: ro.Sensor, Settings: settingsHash(ro)})
	if err != nil {
		return nil, err
	}
	k := &keeper{live: live, tell: opt.Note, in: make(chan []*observe.Minute, maxWaiting)}
	k.committer = committer{st: st, opt: ro, run: run, live: true, raised: map[string]detect.Severity{},
		cancel: func(error) { live.Stop() }}
	for range ro.Workers {
		k.rings = append(k.rings, capture.NewRing[ends](evidenceMemory/ro.Workers))
	}
	if err := k.load(context.Background()); err != nil {
		return nil, err
	}
	var names []string
	var place []int32
	for _, in := range live.Interfaces() {
		names = append(names, in.Path)
		place = append(place, livePlace(len(place)))
	}
	k.log("info", "cli.log.capture-begun", "interfaces", strings.Join(names, ", "), "filter", cmp.Or(opt.Filter, "-"))

	done := make(chan struct{})
	go func() {
		defer close(done)
		k.keep()
	}()
	crank := newCrank(registry.Protocols, ro.Workers, ro.order, place, k.closed)
	crank.now = live.Now
	crank.rings = k.rings
	live.OnLink(k.link)
	stop := context.AfterFunc(ctx, live.Stop)
	defer stop()
	src := &ending{Live: live}
	readErr := crank.run(context.Background(), src)
	if readErr == nil {
		readErr = src.err
	}
	close(k.in)
	<-done

	s := k.summary(time.Since(begin).Seconds())
	k.log("info", "cli.log.capture-ended", "packets", strconv.FormatUint(s.Packets, 10), "minutes", strconv.FormatUint(s.Minutes, 10),
		"kernel", strconv.FormatUint(s.Dropped["kernel"], 10), "queue", strconv.FormatUint(s.Dropped["queue"], 10))
	k.writeNotes()
	if k.err != nil {
		return s, k.err
	}
	if readErr != nil {
		return s, readErr
	}
	return s, st.EndRun(run)
}

// ending turns an error of the interfaces into the end of the capture, so that
// what was captured before is closed and kept.
type ending struct {
	*capture.Live
	err error
}

func (e *ending) Read(b *capture.Batch) error {
	err := e.Live.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err, err = err, io.EOF
	}
	return err
}

// passing says whether err, of a commit, is one that goes by: another process
// holds the store, or the disk is full.
func passing(err error) bool {
	return errors.Is(err, store.ErrBusy) || errors.Is(err, store.ErrFull)
}

// keeper is the committer of a live capture: it commits minutes as they close,
// keeps them in memory while the store is not to be had, and writes the system
// log. Its methods but closed, link and log are for one goroutine.
type keeper struct {
	committer
	live *capture.Live
	in   chan []*observe.Minute
	tell func(store.LogEntry)

	waiting   bool   // the store was not to be had when it was tried last
	lost      uint64 // frames of minutes let go, not told in a minute yet
	lostTotal uint64

	mu    sync.Mutex
	notes []store.LogEntry // for the system log
}

// closed takes minutes from the crank and tells them what the kernel dropped.
func (k *keeper) closed(minutes []*observe.Minute) {
	for _, m := range minutes {
		if m.Late {
			continue
		}
		d := k.live.TakeDrops(m.Start + observe.MinuteLength)
		if d == (capture.Drops{}) {
			continue
		}
		m.Counters.Dropped[observe.DropKernel] += d.Kernel
		k.logAt(m.Start, "warn", "cli.log.capture-dropped", "n", strconv.FormatUint(d.Kernel, 10), "freezes", strconv.FormatUint(d.Freezes, 10))
	}
	k.in <- minutes
}

// link says that an interface went down or came up.
func (k *keeper) link(name string, up bool) {
	if up {
		k.log("info", "cli.log.capture-up", "interface", name)
	} else {
		k.log("warn", "cli.log.capture-down", "interface", name)
	}
}

// keep runs until the crank has ended.
func (k *keeper) keep() {
	tick := time.NewTicker(tryEvery)
	defer tick.Stop()
	for {
		select {
		case minutes, more := <-k.in:
			if !more {
				k.end()
				return
			}
			for _, m := range minutes {
				k.minute(m)
			}
		case <-tick.C:
			k.try()
			k.writeNotes()
		}
	}
}

// minute learns from or inspects a minute and commits it, or lets it go where too much waits.
func (k *keeper) minute(m *observe.Minute) {
	b := &k.pending.batch
	switch {
	case len(b.Minutes) == 0:
		k.look()
	case len(b.Minutes) >= maxWaiting || k.rows >= maxWaitingRows:
		k.lost += m.Counters.Packets
		k.lostTotal += m.Counters.Packets
		k.logAt(m.Start, "error", "cli.log.capture-lost", "n", strconv.FormatUint(m.Counters.Packets, 10))
		return
	}
	m.Counters.Dropped[observe.DropQueue] += k.lost
	k.lost = 0
	k.take([]*observe.Minute{m})
	k.say()
	if k.missing > 0 {
		k.logAt(m.Start, "warn", "cli.log.evidence-missing", "n", strconv.Itoa(k.missing))
		k.missing = 0
	}
}

// look takes over what others have edited, before a minute is inspected.
func (k *keeper) look() {
	if k.err != nil {
		return
	}
	edited, err := k.st.Commit(&store.Batch{})
	if err == nil {
		err = k.reload(edited)
	}
	if err != nil && !passing(err) {
		k.fail(err)
	}
}

// try commits what waits.
func (k *keeper) try() {
	k.commit()
	k.say()
}

// say logs when the store begins and ends not to be had.
func (k *keeper) say() {
	n := len(k.pending.batch.Minutes)
	if k.err != nil || k.waiting == (n > 0) {
		return
	}
	k.waiting = n > 0
	if k.waiting {
		k.log("warn", "cli.log.capture-waits", "most", strconv.Itoa(maxWaiting))
	} else {
		k.log("info", "cli.log.capture-goes-on")
	}
}

// end commits what is left.
func (k *keeper) end() {
	k.try()
	b := &k.pending.batch
	if k.err != nil || len(b.Minutes) == 0 {
		return
	}
	n := uint64(0)
	for _, m := range b.Minutes {
		n += m.Counters.Packets
	}
	k.lostTotal += n
	k.fail(fmt.Errorf("%d minutes with %d frames could not be kept at the end: %w", len(b.Minutes), n, store.ErrBusy))
}

func (k *keeper) log(level, key string, args ...string) { k.logAt(0, level, key, args...) }

// logAt makes an entry of the system log about the minute of that start, 0 for
// none; args are names and values. What is over while the log cannot be written is only told.
func (k *keeper) logAt(minute int64, level, key string, args ...string) {
	e := store.LogEntry{At: store.Time(time.Now().UnixNano()), Time: store.Time(minute), Level: level,
		Site: k.opt.Site, Sensor: k.opt.Sensor, Key: key, Args: []detect.Arg{}}
	for i := 0; i+1 < len(args); i += 2 {
		e.Args = append(e.Args, detect.Arg{Name: args[i], Value: args[i+1]})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.notes) < maxNotes {
		k.notes = append(k.notes, e)
	}
	if k.tell != nil {
		k.tell(e)
	}
}

func (k *keeper) writeNotes() {
	k.mu.Lock()
	notes := k.notes
	k.notes = nil
	k.mu.Unlock()
	if len(notes) == 0 {
		return
	}
	if err := k.st.Log(notes...); passing(err) {
		k.mu.Lock()
		k.notes = append(notes, k.notes...)
		k.mu.Unlock()
	} else if err != nil {
		k.fail(err)
	}
}

func (k *keeper) summary(seconds float64) *LiveSummary {
	n := &k.counters
	s := &LiveSummary{
		Interfaces: []Interface{}, Skipped: map[string]uint64{}, Dropped: map[string]uint64{}, AlertsBySeverity: map[string]int{},
		Packets: n.Packets, Decoded: n.Decoded, Bytes: n.Bytes, Seconds: seconds,
		Minutes: k.minutes, Flows: k.flows, Operations: k.operations, Alerts: len(k.raised),
	}
	for _, in := range k.live.Interfaces() {
		s.Interfaces = append(s.Interfaces, Interface{Name: in.Path, Packets: in.Frames, Filtered: in.Filtered})
		if in.Frames == 0 {
			continue
		}
		first, last := store.Time(in.First), store.Time(in.Last)
		if s.FirstPacket == nil || first < *s.FirstPacket {
			s.FirstPacket = &first
		}
		if s.LastPacket == nil || last > *s.LastPacket {
			s.LastPacket = &last
		}
	}
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
	if k.dropped > 0 {
		s.Dropped["baseline"] = k.dropped
	}
	d := k.live.Dropped()
	s.Dropped["kernel"], s.Dropped["queue"], s.Freezes = d.Kernel, k.lostTotal, d.Freezes
	for _, sev := range k.raised {
		s.AlertsBySeverity[string(sev)]++
	}
	return s
}
