package pipeline

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"

	"osect/capture"
	"osect/decode/ot"
	"osect/observe"
)

// crank takes frames in reading order through the shards to minutes. With one
// worker everything happens on the calling goroutine but the commits; with
// more, the caller reads and routes, worker w runs the shards s with s % workers
// == w, and a goroutine merges. The order of frames within a shard, and the
// place of each closing in it, is the same in both.
type crank struct {
	shards [observe.Shards]*observe.Shard
	merger *observe.Merger
	clock  observe.Clock
	router observe.Router

	workers int
	queues  []chan work
	merge   chan *closing
	working sync.WaitGroup // workers
	merging sync.WaitGroup // the merging goroutine
	last    *closing       // the closing before, whose services the next one takes

	// minutes takes what was closed, in order, on one goroutine.
	minutes func([]*observe.Minute)
	// now, of a live source, is the time up to which it has handed out frames; it
	// closes minutes when none come. nil for captures.
	now func() int64

	place []int32 // of a capture in the run, by its place in the set
	// rings, one a worker, take the frames that are evidence; nil for captures, which can be read again.
	rings []*capture.Ring[ends]

	before     int64 // time of the frame before
	frames     uint64
	outOfOrder uint64
}

// work is what a worker takes from its queue: frames of a batch, or a closing.
type work struct {
	batch   *flight
	list    []routed
	closing *closing
}

// routed is one frame of a batch and where it goes.
type routed struct {
	frame int32
	shard uint8
	late  bool
}

// flight is a batch that workers are busy with.
type flight struct {
	batch capture.Batch
	refs  atomic.Int32
	home  chan *flight
	lists [][]routed // of each worker, reused
	sent  []int      // how much of each list its worker has
}

func (f *flight) release() {
	if f.refs.Add(-1) == 0 {
		f.batch.Release()
		f.home <- f
	}
}

// closing is an observe.Closing on its way through the workers.
type closing struct {
	observe.Closing
	parts    [observe.Shards]*observe.Part
	left     atomic.Int32
	merged   chan struct{}
	services *observe.Services
}

// inFlight is how many batches may be between reader and workers.
const inFlight = 6

// newCrank makes a crank at its beginning. order makes events of which control function follows which.
func newCrank(protocols []*ot.Protocol, workers int, order bool, place []int32, minutes func([]*observe.Minute)) *crank {
	t := observe.NewTables(protocols)
	t.Order = order
	c := &crank{workers: workers, merger: observe.NewMerger(t), place: place, minutes: minutes, before: -1 << 63}
	for i := range c.shards {
		c.shards[i] = observe.NewShard(t)
	}
	return c
}

// source gives frames in reading order until io.EOF: a capture.Set, or a capture.Live.
type source interface {
	Read(*capture.Batch) error
}

// run reads src to its end, or until ctx ends; then what is still open is not closed.
func (c *crank) run(ctx context.Context, src source) error {
	home := make(chan *flight, inFlight)
	for range inFlight {
		home <- &flight{home: home, lists: make([][]routed, c.workers), sent: make([]int, c.workers)}
	}
	if c.workers > 1 {
		c.start()
		defer c.stop()
	}
	for {
		f := <-home
		for w := range f.lists {
			f.lists[w], f.sent[w] = f.lists[w][:0], 0
		}
		err := src.Read(&f.batch)
		if errors.Is(err, io.EOF) {
			c.close(c.clock.Finish())
			return nil
		}
		if err != nil {
			return err
		}
		f.refs.Store(1)
		c.batch(f)
		f.release()
		if c.now != nil {
			if cl, due := c.clock.Tick(c.now()); due {
				c.close(cl)
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// batch routes the frames of a batch, closing minutes at their places.
func (c *crank) batch(f *flight) {
	frames := f.batch.Frames
	for i := range frames {
		fr := &frames[i]
		if fr.Time < c.before {
			c.outOfOrder++
		}
		c.before = fr.Time
		c.frames++
		crashAtFrame(c.frames)
		if cl, due := c.clock.Frame(fr.Time); due {
			c.hand(f)
			c.close(cl)
		}
		late := c.clock.Late(fr.Time)
		shard := c.router.Shard(fr.Link, fr.Data, fr.WireLen)
		if c.workers == 1 {
			c.frame(0, shard, fr, late)
			continue
		}
		w := shard % c.workers
		f.lists[w] = append(f.lists[w], routed{int32(i), uint8(shard), late})
	}
	c.hand(f)
}

// frame gives a frame to its shard, which worker w runs.
func (c *crank) frame(w, shard int, fr *capture.Frame, late bool) {
	s := c.shards[shard]
	s.Frame(fr.Link, fr.Time, fr.Data, fr.WireLen, observe.FrameRef{Capture: c.place[fr.Capture], Number: fr.Number}, late)
	if c.rings != nil {
		if keep, p := s.Evidence(); keep {
			c.rings[w].Add(fr, endsOf(p))
		}
	}
}

// hand gives the lists gathered so far to the workers.
func (c *crank) hand(f *flight) {
	for w, list := range f.lists {
		if len(list) > f.sent[w] {
			f.refs.Add(1)
			c.queues[w] <- work{batch: f, list: list[f.sent[w]:]}
			f.sent[w] = len(list)
		}
	}
}

// close sends a closing to all shards. It waits until the closing before has
// been merged, whose services it carries.
func (c *crank) close(cl observe.Closing) {
	next := &closing{Closing: cl, merged: make(chan struct{})}
	if c.last != nil {
		<-c.last.merged
		next.Services = c.last.services
	}
	c.last = next
	if c.workers == 1 {
		for i, s := range c.shards {
			next.parts[i] = s.Close(&next.Closing)
		}
		c.settle(next)
		return
	}
	next.left.Store(int32(c.workers))
	for _, q := range c.queues {
		q <- work{closing: next}
	}
}

// settle merges the parts of a closing and passes the minutes on.
func (c *crank) settle(cl *closing) {
	minutes := c.merger.Merge(&cl.Closing, cl.parts[:])
	cl.services = c.merger.Services()
	close(cl.merged)
	if len(minutes) > 0 {
		c.minutes(minutes)
	}
}

func (c *crank) start() {
	c.merge = make(chan *closing, 4)
	c.queues = make([]chan work, c.workers)
	for w := range c.queues {
		c.queues[w] = make(chan work, 4)
		c.working.Add(1)
		go c.work(w)
	}
	c.merging.Add(1)
	go func() {
		defer c.merging.Done()
		for cl := range c.merge {
			c.settle(cl)
		}
	}()
}

func (c *crank) work(w int) {
	defer c.working.Done()
	for x := range c.queues[w] {
		if cl := x.closing; cl != nil {
			for i := w; i < len(c.shards); i += c.workers {
				cl.parts[i] = c.shards[i].Close(&cl.Closing)
			}
			if cl.left.Add(-1) == 0 {
				c.merge <- cl // in order: nobody ends the next closing before this one's last part
			}
			continue
		}
		frames := x.batch.batch.Frames
		for _, r := range x.list {
			c.frame(w, int(r.shard), &frames[r.frame], r.late)
		}
		x.batch.release()
	}
}

// stop ends the workers, then the merging, when all that was sent is done.
func (c *crank) stop() {
	for _, q := range c.queues {
		close(q)
	}
	c.working.Wait()
	close(c.merge)
	c.merging.Wait()
}

// totals are the sums over all shards.
func (c *crank) totals() observe.Totals {
	sum := observe.Totals{EtherTypes: map[uint16]uint64{}, VLANs: map[uint16]uint64{}}
	for _, s := range c.shards {
		t := s.Totals()
		for k, n := range t.EtherTypes {
			if n > 0 {
				sum.EtherTypes[k] += n
			}
		}
		for k, n := range t.VLANs {
			sum.VLANs[k] += n
		}
		for i, n := range t.IPProtocols {
			sum.IPProtocols[i] += n
		}
		sum.Fragments += t.Fragments
		sum.Truncated += t.Truncated
	}
	return sum
}
