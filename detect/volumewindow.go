package detect

import (
	"slices"

	"osect/observe"
)

// Windows of ip-volume and ip-statistics: five minutes, aligned to the hour in UTC. Packet time
// decides when one is over, and it stays open a little longer for late parts of its minutes.
const (
	windowLength = 5 * observe.MinuteLength
	windowGrace  = 2 * observe.MinuteLength
	// windowGap: a silence of the whole sensor after which the window that it cuts is not whole.
	windowGap = 10 * observe.MinuteLength
	// windowBack: a minute this much older than the newest window that was closed begins anew: the
	// clock of the frames went back.
	windowBack = int64(24 * 3600e9)
)

// fives are the open windows of one detector, oldest first; T is what one gathers.
type fives[T any] struct {
	open  []*five[T]
	begun bool
	mark  int64 // windows that start before it are closed
	since int64 // start of the first minute since the sensor was silent
	last  int64 // start of the newest minute
}

// five is one of them.
type five[T any] struct {
	start int64
	// whole: the sensor saw minutes before its start and after its end.
	whole bool
	data  T
}

// add tells of a minute. It returns the window that the minute belongs to (nil: closed already), made by
// fresh where it is new, and the windows that are over.
func (w *fives[T]) add(start int64, fresh func() T) (current *five[T], over []*five[T]) {
	at := floor(start, windowLength)
	if !w.begun || start < w.mark-windowBack {
		*w = fives[T]{begun: true, mark: at, since: start, last: start}
	}
	gap := start-w.last > windowGap
	for len(w.open) > 0 && (w.open[0].start+windowLength+windowGrace <= start || gap) {
		o := w.open[0]
		o.whole = !gap && o.start > w.since
		over = append(over, o)
		w.open = w.open[1:]
		w.mark = o.start + windowLength
	}
	if gap {
		w.since = start
	}
	w.last = max(w.last, start)
	if at < w.mark {
		return nil, over
	}
	for _, o := range w.open {
		if o.start == at {
			return o, over
		}
	}
	o := &five[T]{start: at, data: fresh()}
	w.open = append(w.open, o)
	slices.SortFunc(w.open, func(a, b *five[T]) int { return compareTime(a.start, b.start) })
	return o, over
}

func compareTime(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// floor is t rounded down to a multiple of n.
func floor(t, n int64) int64 {
	r := t % n
	if r < 0 {
		r += n
	}
	return t - r
}
