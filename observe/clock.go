package observe

import (
	"math"
	"slices"
)

const (
	// Grace is how long after its end a minute stays open for frames that come
	// out of order, ns.
	Grace = int64(5e9)
	// maxLate is how many minutes older than the open ones are held back
	// until the next close.
	maxLate = 8
)

// Closing says which minutes are to be closed now. It is made by the Clock from
// the order of frames alone, and handed to every shard at the same place in
// that order, which is what keeps any number of workers at the same result.
type Closing struct {
	// Minutes are the starts of the minutes to close, ascending.
	Minutes []int64
	// Late marks those that are late parts, by index.
	Late []bool
	// Now is the end of the newest of them: what is idle is judged against it.
	Now int64
	// Final closes everything: no more frames come.
	Final bool
	// Services is the snapshot of service ports to use from here on; nil for none.
	Services *Services
}

// Clock watches the times of frames in the order of reading and says when
// minutes close. The zero Clock is ready.
type Clock struct {
	open    []int64 // regular open minutes, ascending; at most two in practice
	late    []int64 // older minutes that got frames, ascending
	closeAt int64   // a frame from this time on closes open[0]
	began   bool
}

// MinuteOf returns the start of the minute that holds t (ns since 1970 UTC).
func MinuteOf(t int64) int64 {
	m := t % MinuteLength
	if m < 0 {
		m += MinuteLength
	}
	return t - m
}

// Frame takes the time of the next frame. It returns true when minutes are to be
// closed before that frame is observed; Take says which.
func (c *Clock) Frame(t int64) (closing Closing, due bool) {
	if c.began && t < c.closeAt {
		if newest := c.open[len(c.open)-1]; t >= newest && t < saturate(newest, MinuteLength) {
			return Closing{}, false // the newest open minute: by far the most frames
		}
	}
	m := MinuteOf(t)
	if !c.began {
		c.began = true
		c.open = append(c.open, m)
		c.closeAt = saturate(m, MinuteLength+Grace)
		return Closing{}, false
	}
	if t >= c.closeAt {
		n := 0
		for n < len(c.open) && t >= saturate(c.open[n], MinuteLength+Grace) {
			n++
		}
		closing, due = c.take(n), true
		if len(c.open) == 0 || m > c.open[len(c.open)-1] {
			c.open = append(c.open, m)
		}
		c.closeAt = saturate(c.open[0], MinuteLength+Grace)
		return closing, due
	}
	if m > c.open[len(c.open)-1] { // within the grace of the minute before
		c.open = append(c.open, m)
		return Closing{}, false
	}
	if slices.Contains(c.open, m) {
		return Closing{}, false
	}
	i, found := slices.BinarySearch(c.late, m)
	if !found {
		if len(c.late) == maxLate {
			closing, due = c.take(0), true
			i = 0
		}
		c.late = slices.Insert(c.late, i, m)
	}
	return closing, due
}

// Late says whether a frame of time t, which Frame was just told, is older than
// every minute that is regularly open.
func (c *Clock) Late(t int64) bool { return t < c.open[0] }

// Finish closes all that is open.
func (c *Clock) Finish() Closing {
	closing := c.take(len(c.open))
	closing.Final = true
	c.began = false
	return closing
}

// Tick closes what the wall clock says is over, for live capture when no frames come.
func (c *Clock) Tick(now int64) (Closing, bool) {
	if !c.began || now < c.closeAt {
		return Closing{}, false
	}
	n := 0
	for n < len(c.open) && now >= saturate(c.open[n], MinuteLength+Grace) {
		n++
	}
	closing := c.take(n)
	if len(c.open) == 0 {
		c.began = false
	} else {
		c.closeAt = saturate(c.open[0], MinuteLength+Grace)
	}
	return closing, true
}

// take removes the late minutes and the first n open ones.
func (c *Clock) take(n int) Closing {
	var out Closing
	for _, m := range c.late {
		out.Minutes, out.Late = append(out.Minutes, m), append(out.Late, true)
	}
	for _, m := range c.open[:n] {
		out.Minutes, out.Late = append(out.Minutes, m), append(out.Late, false)
	}
	c.late = c.late[:0]
	c.open = slices.Delete(c.open, 0, n)
	if len(out.Minutes) > 0 {
		out.Now = saturate(out.Minutes[len(out.Minutes)-1], MinuteLength)
	}
	return out
}

// saturate adds without overflow: packet times may be anything.
func saturate(t, d int64) int64 {
	if t > math.MaxInt64-d {
		return math.MaxInt64
	}
	return t + d
}
