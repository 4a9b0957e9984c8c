package observe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestClock: which minutes a sequence of frames closes, in seconds for reading.
func TestClock(t *testing.T) {
	cases := []struct {
		name   string
		frames []int64 // seconds
		closed []string
	}{
		{"nothing before the grace is over", []int64{10, 59, 61, 64}, []string{"final [0 60]"}},
		{"after the grace", []int64{10, 66}, []string{"[0]", "final [60]"}},
		{"out of order within the grace", []int64{10, 61, 59, 65}, []string{"[0]", "final [60]"}},
		{"a late frame waits for the next close", []int64{10, 70, 30, 130}, []string{"[0]", "[0 late 60]", "final [120]"}},
		{"a jump over years", []int64{10, 4e8 + 20}, []string{"[0]", "final [400000020]"}},
		{"a clock that was ahead once", []int64{4e8, 10, 20, 70}, []string{"final [0 late 60 late 399999960]"}},
		{"many late minutes", []int64{6000, 0, 60, 120, 180, 240, 300, 360, 420, 480, 481},
			[]string{"[0 late 60 late 120 late 180 late 240 late 300 late 360 late 420 late]", "final [480 late 6000]"}},
		{"one frame", []int64{5}, []string{"final [0]"}},
		{"before 1970", []int64{-10, 5}, []string{"[-60]", "final [0]"}},
	}
	show := func(cl Closing) string {
		s := ""
		if cl.Final {
			s = "final "
		}
		s += "["
		for i, m := range cl.Minutes {
			if i > 0 {
				s += " "
			}
			s += fmt.Sprint(m / 1e9)
			if cl.Late[i] {
				s += " late"
			}
		}
		return s + "]"
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var c Clock
			var got []string
			for _, s := range tc.frames {
				if cl, due := c.Frame(s * 1e9); due {
					got = append(got, show(cl))
				}
			}
			got = append(got, show(c.Finish()))
			if !slices.Equal(got, tc.closed) {
				t.Errorf("closed %q, expected %q", got, tc.closed)
			}
		})
	}
}

// TestClockClosesEveryMinute: whatever the times, each minute that had a frame is closed after it.
func TestClockClosesEveryMinute(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 7))
		var c Clock
		open := map[int64]bool{}
		take := func(cl Closing) {
			for _, m := range cl.Minutes {
				if !open[m] {
					t.Fatalf("seed %d: minute %d closed without a frame", seed, m)
				}
				delete(open, m)
			}
		}
		now := int64(1e18)
		for range 2000 {
			switch r.IntN(20) {
			case 0:
				now += r.Int64N(600e9) - 300e9
			case 1:
				now += r.Int64N(2e15) - 1e15
			default:
				now += r.Int64N(5e9)
			}
			if cl, due := c.Frame(now); due {
				take(cl)
			}
			open[MinuteOf(now)] = true
			c.Late(now)
		}
		take(c.Finish())
		if len(open) != 0 {
			t.Fatalf("seed %d: %d minutes were never closed", seed, len(open))
		}
	}
}
