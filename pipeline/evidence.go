package pipeline

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"osect/capture"
	"osect/decode"
	"osect/detect"
	"osect/store"
)

const (
	// evidenceMemory is the most that a live capture keeps in memory of frames
	// that may be evidence, bytes over all workers.
	evidenceMemory = 64 << 20
	// evidenceAlert is the most that is kept for one alert of a live capture, bytes.
	evidenceAlert = 64 << 10
	// evidenceWaiting is the most evidence that waits in memory while the store is not to be had.
	evidenceWaiting = 16 << 20
	// around is how long before its first frame and behind its last one other frames
	// between an alert's ends are evidence too.
	around = int64(5 * time.Second)
	// maxAround is the most such frames that are taken out of captures.
	maxAround = 1000
)

// livePlace is what stands in observe.FrameRef.Capture for frames of the i-th interface
// of a live capture: no capture of the run.
func livePlace(i int) int32 { return int32(-1 - i) }

// frameName is a frame as an alert names it.
type frameName struct{ capture, number int64 }

// ends are the outermost ends of a frame; addresses are zero without IP, MACs on links without them.
type ends struct {
	ip  [2]decode.Addr
	mac [2]decode.MAC
}

func endsOf(p *decode.Packet) ends {
	e := ends{mac: [2]decode.MAC{p.SrcMAC, p.DstMAC}}
	if p.IPVersion != 0 {
		e.ip = [2]decode.Addr{p.Src, p.Dst}
	} else if p.ARPOp != 0 {
		e.ip = [2]decode.Addr{p.ARPSender, p.ARPTarget}
	}
	return e
}

// sides are the ends that an alert names, addresses before MACs where it has as many.
func sides(a *detect.Alert) []decode.Addr {
	var best []decode.Addr
	for _, names := range [2][2]string{{a.SrcIP, a.DstIP}, {a.SrcMAC, a.DstMAC}} {
		var list []decode.Addr
		for _, name := range names {
			if x, err := decode.ParseAddr(name); err == nil {
				list = append(list, x)
			}
		}
		if len(list) > len(best) {
			best = list
		}
	}
	return best
}

// goes says whether a frame goes between the ends of an alert; where that names one
// only, to or from it.
func (e *ends) goes(sides []decode.Addr) bool {
	if len(sides) == 0 {
		return false
	}
	at := func(x decode.Addr, i int) bool {
		if x.IsMAC() {
			return e.mac[i].Addr() == x
		}
		return e.ip[i] == x
	}
	if len(sides) == 1 {
		return at(sides[0], 0) || at(sides[0], 1)
	}
	return at(sides[0], 0) && at(sides[1], 1) || at(sides[0], 1) && at(sides[1], 0)
}

// taken is what was copied out of the rings for an alert so far.
type taken struct {
	bytes int
	refs  []detect.Ref // that were looked for
	until int64        // frames up to this time were looked at
}

// evidence copies the frames that show alerts of a live capture out of the rings:
// those that they name, then others between their ends around them.
func (c *committer) evidence(alerts []detect.Alert) {
	if c.rings == nil || len(alerts) == 0 {
		return
	}
	if c.taken == nil || len(c.taken) > 100_000 {
		c.taken = map[string]*taken{}
	}
	waiting := 0
	for _, e := range c.pending.batch.Evidence {
		for i := range e.Frames {
			waiting += len(e.Frames[i].Data)
		}
	}
	list := make([]store.Evidence, len(alerts))
	so := make([]*taken, len(alerts))
	named, found := map[frameName][]int{}, map[frameName]bool{}
	of := map[decode.Addr][]int{} // alerts by the first end that they name
	all := make([][]decode.Addr, len(alerts))
	for i := range alerts {
		a := &alerts[i]
		list[i].Alert = a.ID
		if c.taken[a.ID] == nil {
			c.taken[a.ID] = &taken{until: a.First - around - 1}
		}
		so[i] = c.taken[a.ID]
		for _, r := range a.Refs {
			if r.Capture < 0 && !slices.Contains(so[i].refs, r) {
				n := frameName{r.Capture, r.Number}
				named[n] = append(named[n], i)
			}
		}
		so[i].refs = slices.Clone(a.Refs)
		if all[i] = sides(a); len(all[i]) > 0 {
			of[all[i][0]] = append(of[all[i][0]], i)
		}
	}
	take := func(i int, f *capture.Frame) {
		if so[i].bytes+len(f.Data) > evidenceAlert || waiting+len(f.Data) > evidenceWaiting {
			return
		}
		so[i].bytes += len(f.Data)
		waiting += len(f.Data)
		list[i].Frames = append(list[i].Frames, store.Frame{Time: f.Time, Number: f.Number, Link: f.Link, WireLen: f.WireLen, Data: slices.Clone(f.Data)})
	}
	for _, ring := range c.rings {
		ring.Each(func(f *capture.Frame, _ ends) {
			n := frameName{int64(livePlace(int(f.Capture))), f.Number}
			if list := named[n]; list != nil {
				found[n] = true
				for _, i := range list {
					take(i, f)
				}
			}
		})
	}
	newest := int64(math.MinInt64)
	for _, ring := range c.rings {
		ring.Each(func(f *capture.Frame, e ends) {
			newest = max(newest, f.Time)
			for _, end := range [4]decode.Addr{e.ip[0], e.ip[1], e.mac[0].Addr(), e.mac[1].Addr()} {
				for _, i := range of[end] {
					a := &alerts[i]
					if f.Time > so[i].until && f.Time <= a.Last+around && e.goes(all[i]) &&
						!slices.Contains(named[frameName{int64(livePlace(int(f.Capture))), f.Number}], i) {
						take(i, f)
					}
				}
			}
		})
	}
	c.missing += len(named) - len(found)
	for i := range alerts {
		so[i].until = max(so[i].until, min(newest, alerts[i].Last+around))
		if len(list[i].Frames) > 0 {
			c.pending.batch.Evidence = append(c.pending.batch.Evidence, list[i])
		}
	}
}

// Slice is the evidence of an alert.
type Slice struct {
	Frames  []capture.Frame // by time
	Named   int             // that the alert names, among them
	Missing int             // that it names and that are not there any more
}

// Evidence finds the frames that show an alert: those that it names and others
// between its ends around them. Of captures they are read again from
// the file, which must be what it was: in dir, where that is not "", else where it was
// read from. Of live captures they are what was kept then.
func Evidence(ctx context.Context, st *store.Store, al *detect.Alert, dir string) (Slice, error) {
	var s Slice
	kept, err := st.Evidence(ctx, al.ID)
	if err != nil {
		return s, err
	}
	named := map[int64]map[int64]bool{} // numbers by capture
	for _, r := range al.Refs {
		if named[r.Capture] == nil {
			named[r.Capture] = map[int64]bool{}
		}
		named[r.Capture][r.Number] = true
	}
	live := map[int64]bool{}
	for _, r := range al.Refs {
		if r.Capture < 0 && !live[r.Number] {
			live[r.Number] = true
			s.Missing++
		}
	}
	for _, f := range kept {
		if live[f.Number] && s.Missing > 0 {
			s.Named++
			s.Missing--
		}
		s.Frames = append(s.Frames, capture.Frame{Time: f.Time, Number: f.Number, Data: f.Data, WireLen: f.WireLen, Link: f.Link})
	}
	rows, err := st.Captures(ctx)
	if err != nil {
		return s, err
	}
	two := sides(al)
	for i := range rows {
		numbers := named[rows[i].ID]
		if numbers == nil {
			continue
		}
		got, err := cut(ctx, &rows[i], dir, func(f *capture.Frame) (isNamed, between bool) {
			if numbers[f.Number] {
				return true, false
			}
			if len(two) == 0 || f.Time < al.First-around || f.Time > al.Last+around {
				return false, false
			}
			var p decode.Packet
			p.Decode(f.Link, f.Data, f.WireLen)
			e := endsOf(&p)
			return false, e.goes(two)
		})
		if err != nil {
			return s, err
		}
		s.Named += got.named
		s.Missing += len(numbers) - got.named
		s.Frames = append(s.Frames, got.frames...)
	}
	slices.SortStableFunc(s.Frames, func(a, b capture.Frame) int { return cmp.Compare(a.Time, b.Time) })
	if len(s.Frames) == 0 {
		return s, ErrNoEvidence
	}
	return s, nil
}

var (
	// ErrNoEvidence says that an alert names no frame, or none that is still there.
	ErrNoEvidence = errors.New("it names no frame that is still there")
	// ErrOtherContent says that a capture is not the one that was read.
	ErrOtherContent = errors.New("its content is not what was read")
)

type piece struct {
	frames []capture.Frame
	named  int
}

// cut reads a capture again for the frames that want wants, and holds its content against what was read.
func cut(ctx context.Context, row *store.CaptureRow, dir string, want func(*capture.Frame) (named, between bool)) (piece, error) {
	var got piece
	path := row.Path
	if dir != "" {
		path = filepath.Join(dir, filepath.Base(path))
	}
	if row.Path == "-" && dir == "" {
		return got, fmt.Errorf("the capture was read from standard input: %w: name the folder that holds it as the file \"-\" with --captures", ErrNoEvidence)
	}
	info, err := os.Stat(path)
	if err != nil {
		return got, fmt.Errorf("the capture %s cannot be read: %w: name the folder that it is in now with --captures", path, errors.Unwrap(err))
	}
	changed := fmt.Errorf("%s: %w: bring back the file of SHA-256 %.12s…, or name its folder with --captures", path, ErrOtherContent, row.SHA256)
	if info.Size() != row.Size {
		return got, changed
	}
	set, err := capture.Open(ctx, []string{path}, capture.Options{})
	if err != nil {
		return got, err
	}
	defer set.Close()
	var b capture.Batch
	defer b.Release()
	for {
		err := set.Read(&b)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return got, err
		}
		for i := range b.Frames {
			f := &b.Frames[i]
			named, between := want(f)
			if named {
				got.named++
			} else if !between || len(got.frames) >= maxAround {
				continue
			}
			f.Data = slices.Clone(f.Data)
			got.frames = append(got.frames, *f)
		}
	}
	if now := set.Captures()[0]; row.SHA256 != "" && (!now.HasSum || hex.EncodeToString(now.Sum[:]) != row.SHA256) {
		return piece{}, changed
	}
	return got, nil
}
