// Package capture reads frames from where they were captured: files,
// directories, standard input and, later, network interfaces. It knows file
// formats, filters and the order of frames; it knows no protocols.
//
// Open looks at every file once (is it a capture, when does it begin), Read
// hands out batches of frames merged by packet time. A file is open only from
// its own first frame to its last, so that thousands of captures need no more
// memory than those that overlap in time.
package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
)

// Frame is one captured frame. Its Data is valid until the batch that holds
// it is released.
type Frame struct {
	// Time of capture, ns since 1970 UTC. Times that int64 cannot hold (after
	// 2262-04-11) are its largest or smallest value. A pcapng simple packet
	// block has no time: it takes that of the frame before it in the file, 0
	// when there is none.
	Time int64
	// Data holds the bytes that were captured, from the link layer on.
	Data []byte
	// WireLen is the frame's length on the wire in bytes, ≥ len(Data) unless
	// the file lies (then len(Data)).
	WireLen uint32
	// Link is the LINKTYPE_ number (tcpdump.org/linktypes.html); for pcapng,
	// that of the packet's interface.
	Link uint16
	// Capture is the index of the file in the run, from 0, in the order that
	// Set.Captures reports.
	Capture int32
	// Number of the frame in its file, from 1 (as Wireshark counts).
	Number int64
	// Offset of the packet record in the (decompressed) file, bytes.
	Offset int64
}

// Batch is a run of frames in reading order. Their Data points into buffers
// that the batch holds until Release, so that batches can be worked on while
// the next one is read. Nothing is copied per frame. The zero value is ready
// for Set.Read and may be used again and again. A Batch must not be copied.
type Batch struct {
	Frames []Frame
	blocks []*block // that the frames point into, one reference each
	bytes  int      // of the blocks
}

// Release gives the batch's buffers back: its frames end here. A second
// Release does nothing. Any goroutine may call it, one at a time.
func (b *Batch) Release() {
	for i, blk := range b.blocks {
		blk.release()
		b.blocks[i] = nil
	}
	b.blocks, b.bytes = b.blocks[:0], 0
	b.Frames = b.Frames[:0]
}

func (b *Batch) hold(blk *block) {
	blk.refs.Add(1)
	b.blocks = append(b.blocks, blk)
	b.bytes += len(blk.buf)
}

// Options of Open. The zero value reads everything.
type Options struct {
	// BatchFrames is the most frames that Read puts into a batch; 0 is 2048.
	BatchFrames int
	// Filter is a pcap-filter(7) expression, "" for all frames. What of the
	// language is understood stands in docs/captures.md.
	Filter string
	// Known, where not nil, is asked for each regular file before it is read:
	// has a capture of this size and this SHA-256 been read before? sum reads
	// the whole file, so compare size and first, the packet time of its first
	// frame (the smallest int64 where it has none), before. Known files are skipped with
	// StatusKnown, and so is a file that repeats another one of the same Set.
	Known func(size, first int64, sum func() ([32]byte, error)) (bool, error)
	// Stdin is what the path "-" reads; nil is os.Stdin.
	Stdin io.Reader

	noSum bool // for benchmarks: what reading costs without SHA-256
}

// Status says what came of a file. Its values are those of the command line.
type Status string

const (
	// StatusOK : read to its end.
	StatusOK Status = "ok"
	// StatusCut : a capture, but cut short or broken at some place; the frames
	// before it were used, those after it (if any) are lost.
	StatusCut Status = "cut"
	// StatusRefused : a capture that cannot be used: not readable, or, as the
	// caller says by Set.Refuse, without one link type that it knows.
	StatusRefused Status = "refused"
	// StatusKnown : read before, not read again.
	StatusKnown Status = "known"
	// StatusNotCapture : something else.
	StatusNotCapture Status = "not-a-capture"
)

// Info says what a file was and what was read of it.
type Info struct {
	Path   string // as given or found; "-" is standard input
	Size   int64  // bytes, as stored (compressed where it is)
	Status Status // "" while it is still to be read
	Reason string // one line, in English; "" when there is nothing to say
	// Sum is the SHA-256 of the file as stored. Valid iff HasSum: not for
	// files that were not read to their end, nor before Read said io.EOF.
	Sum    [32]byte
	HasSum bool
	// Format is "pcap", "pcap-ns", "pcap-modified" or "pcapng", "" if none.
	Format string
	Frames int64 // handed out by Read
	// Filtered counts the frames that Options.Filter took away.
	Filtered int64
	// Untimed counts the frames among Frames that carry no time stamp.
	Untimed int64
	// First and Last are the smallest and the largest Time of the frames
	// handed out. Valid iff Frames > Untimed.
	First, Last int64
	// Links counts Frames by LINKTYPE_, in ascending order.
	Links []LinkCount
	// Names are those of pcapng name resolution blocks, at most maxNames; what
	// was over is counted in NamesDropped.
	Names        []Name
	NamesDropped int64
}

// LinkCount is a number of frames of one link type.
type LinkCount struct {
	Link   uint16 // LINKTYPE_
	Frames int64
}

// Name is one entry of a pcapng name resolution block: what the capturing
// machine called an address.
type Name struct {
	Addr netip.Addr
	Name string
}

// Set is the captures of one run. Its methods are for one goroutine, except
// Progress. What Read handed out may be used by others.
type Set struct {
	ctx     context.Context
	opt     Options
	filter  *filter
	infos   []Info
	pending []*source // peeked, by (first, index); next at the end
	active  []*source // heap by (next.Time, index)
	pool    pool
	hasher  *hasher
	summed  []*source // read to the end; their sums are there when the hasher ends
	reads   uint64    // calls of Read, marks which blocks a batch holds
	done    atomic.Int64
	total   int64
	ended   bool
}

const defaultBatch = 2048

// maxBatchBytes is how many bytes of blocks a batch of captures takes on: of large frames fewer stand in one.
const maxBatchBytes = 4 << 20

// Open finds the captures in paths: files, directories (with all that is below
// them, sorted by path) and "-" for standard input. It compiles the filter,
// asks Options.Known, and looks into each file as far as its first frame. A
// path that does not exist and a filter that does not compile are errors, and
// nothing is read; any other trouble with a file is only in its Info. When ctx
// ends, Read returns its error.
func Open(ctx context.Context, paths []string, opt Options) (*Set, error) {
	if opt.BatchFrames <= 0 {
		opt.BatchFrames = defaultBatch
	}
	if opt.Stdin == nil {
		opt.Stdin = os.Stdin
	}
	s := &Set{ctx: ctx, opt: opt}
	if opt.Filter != "" {
		var err error
		if s.filter, err = compileFilter(opt.Filter); err != nil {
			return nil, fmt.Errorf("filter %q: %w", opt.Filter, err)
		}
	}
	found, err := expand(paths)
	if err != nil {
		return nil, err
	}
	s.infos = make([]Info, len(found))
	for i, f := range found {
		s.infos[i] = Info{Path: f.path, Size: f.size, Status: f.status, Reason: f.reason}
	}
	first := make([]int64, len(found)) // packet time of each file's first frame
	var sources []*source
	for i, f := range found {
		if s.infos[i].Status != "" {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		src := &source{set: s, index: int32(i), path: f.path, size: f.size, stream: f.stream}
		if f.stream {
			src.key = math.MinInt64 // not known before it is read
		} else if !src.peek() {
			s.infos[i].Status, s.infos[i].Reason = src.status, src.reason
			continue
		}
		first[i] = src.key
		sources = append(sources, src)
	}
	if err := s.skipKnown(found, first); err != nil {
		return nil, err
	}
	for _, src := range sources {
		if s.infos[src.index].Status != "" {
			continue
		}
		if !src.stream {
			s.total += src.size
		}
		s.pending = append(s.pending, src)
	}
	slices.SortFunc(s.pending, func(a, b *source) int {
		if a.before(b) {
			return 1
		}
		return -1
	})
	return s, nil
}

// entry is a path that expand found.
type entry struct {
	path   string
	size   int64
	stream bool // not a regular file: can be read once, from front to back
	status Status
	reason string
}

func expand(paths []string) ([]entry, error) {
	var found []entry
	seen := make(map[string]bool)
	add := func(path string, info fs.FileInfo, err error) {
		e := entry{path: path}
		switch {
		case err != nil:
			e.status, e.reason = StatusRefused, "cannot be read: "+cause(err)
		case info.Mode().IsRegular():
			e.size = info.Size()
		default:
			e.stream = true
		}
		if clean := filepath.Clean(path); e.status == "" {
			if seen[clean] {
				e.status, e.reason = StatusKnown, "named twice in this run"
			}
			seen[clean] = true
		}
		found = append(found, e)
	}
	for _, path := range paths {
		if path == "-" {
			e := entry{path: path, stream: true}
			if seen[path] {
				return nil, errors.New("standard input (-) is named twice")
			}
			seen[path] = true
			found = append(found, e)
			continue
		}
		info, err := os.Stat(path)
		if err != nil && errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: no such file or directory", path)
		}
		if err != nil || !info.IsDir() {
			add(path, info, err)
			continue
		}
		var below []string
		unread := make(map[string]error)
		_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				unread[p] = err
			} else if d.IsDir() {
				return nil
			}
			below = append(below, p)
			return nil
		})
		slices.Sort(below)
		for _, p := range slices.Compact(below) {
			if err := unread[p]; err != nil {
				add(p, nil, err)
				continue
			}
			info, err := os.Stat(p) // follows a symbolic link to a file
			switch {
			case err == nil && info.IsDir(): // a link: following it could go in circles
				found = append(found, entry{path: p, status: StatusNotCapture, reason: "link to a directory, not followed"})
			case err == nil && !info.Mode().IsRegular():
				found = append(found, entry{path: p, status: StatusNotCapture, reason: "not a regular file"})
			default:
				add(p, info, err)
			}
		}
	}
	return found, nil
}

// cause is the text of a file system error without the path, which stands
// beside it anyway.
func cause(err error) string {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err.Error()
	}
	return err.Error()
}

// skipKnown marks what Options.Known has read before and what occurs twice.
func (s *Set) skipKnown(found []entry, first []int64) error {
	if s.opt.Known == nil {
		return nil
	}
	bySize := make(map[int64]int)
	for i, f := range found {
		if s.infos[i].Status == "" && !f.stream && f.size > 0 {
			bySize[f.size]++
		}
	}
	paths := make(map[[32]byte]string)
	for i, f := range found {
		if s.infos[i].Status != "" || f.stream || f.size == 0 {
			continue
		}
		info := &s.infos[i]
		var sum [32]byte
		var sumErr error
		have := false
		sumOf := func() ([32]byte, error) {
			if !have {
				sum, sumErr = sumFile(s.ctx, f.path)
				have = true
			}
			return sum, sumErr
		}
		known, err := s.opt.Known(f.size, first[i], sumOf)
		if err == nil && known {
			info.Status, info.Reason = StatusKnown, "read before"
			if have {
				info.Sum, info.HasSum = sum, true
			}
			continue
		}
		if err == nil && bySize[f.size] > 1 {
			if _, err = sumOf(); err == nil {
				if other, ok := paths[sum]; ok {
					info.Status, info.Reason = StatusKnown, "same content as "+other
					info.Sum, info.HasSum = sum, true
				} else {
					paths[sum] = f.path
				}
			}
		}
		if err != nil {
			if s.ctx.Err() != nil {
				return s.ctx.Err()
			}
			if sumErr == nil {
				return err // the caller's own
			}
			info.Status, info.Reason = StatusRefused, "cannot be read: "+cause(sumErr)
		}
	}
	return nil
}

// Read fills b with the next frames, at most Options.BatchFrames (fewer where frames are large), in the order
// of packet time over all files; frames of equal time come in the order of
// their files, and frames of one file in the order in which they stand there.
// What b held before is released. It returns io.EOF when no frame is left, and
// the context's error when that ended; then b is empty.
func (s *Set) Read(b *Batch) error {
	b.Release()
	if s.ended {
		return io.EOF
	}
	if cap(b.Frames) < s.opt.BatchFrames {
		b.Frames = make([]Frame, 0, s.opt.BatchFrames)
	}
	s.reads++
	for len(b.Frames) < s.opt.BatchFrames && b.bytes < maxBatchBytes {
		if err := s.ctx.Err(); err != nil {
			b.Release()
			return err
		}
		src := s.top()
		if src == nil {
			break
		}
		if src.emit(b, s.second()) {
			s.siftDown()
		} else {
			s.pop()
			src.finish()
		}
	}
	if err := s.ctx.Err(); err != nil {
		b.Release()
		return err
	}
	if len(b.Frames) == 0 {
		s.ended = true
		s.settleSums()
		return io.EOF
	}
	return nil
}

// top returns the source whose next frame is the next of all, after opening
// those whose turn has come; nil at the end.
func (s *Set) top() *source {
	for n := len(s.pending); n > 0; n = len(s.pending) {
		src := s.pending[n-1]
		if len(s.active) > 0 && s.active[0].before(src) {
			break
		}
		s.pending = s.pending[:n-1]
		if src.start(false) && src.advance() {
			s.push(src)
		} else {
			src.finish()
		}
	}
	if len(s.active) == 0 {
		return nil
	}
	return s.active[0]
}

// second returns the source that comes after the top one, nil if none.
func (s *Set) second() *source {
	var best *source
	for _, src := range s.active[1:min(3, len(s.active))] {
		if best == nil || src.before(best) {
			best = src
		}
	}
	if n := len(s.pending); n > 0 && (best == nil || s.pending[n-1].before(best)) {
		best = s.pending[n-1]
	}
	return best
}

func (s *Set) push(src *source) {
	s.active = append(s.active, src)
	for i := len(s.active) - 1; i > 0; {
		up := (i - 1) / 2
		if s.active[up].before(s.active[i]) {
			break
		}
		s.active[up], s.active[i] = s.active[i], s.active[up]
		i = up
	}
}

func (s *Set) pop() {
	last := len(s.active) - 1
	s.active[0] = s.active[last]
	s.active[last] = nil
	s.active = s.active[:last]
	s.siftDown()
}

func (s *Set) siftDown() {
	h := s.active
	for i := 0; ; {
		down := 2*i + 1
		if down >= len(h) {
			return
		}
		if down+1 < len(h) && h[down+1].before(h[down]) {
			down++
		}
		if h[i].before(h[down]) {
			return
		}
		h[i], h[down] = h[down], h[i]
		i = down
	}
}

// Captures reports every file of the set, in the order of the paths, those of
// a directory sorted. It is complete when Read has returned io.EOF; before,
// files still open show what was read of them so far.
func (s *Set) Captures() []Info {
	for _, src := range s.active {
		src.report()
	}
	return slices.Clone(s.infos)
}

// Refuse marks a capture that was read well, but whose frames were of no use
// to the caller, because it knows none of their link types.
func (s *Set) Refuse(capture int, reason string) {
	s.infos[capture].Status, s.infos[capture].Reason = StatusRefused, reason
}

// Progress says how many of the files' bytes (as stored) have been read. Total
// leaves out standard input and pipes, whose length is not known; done counts
// them. Any goroutine may ask.
func (s *Set) Progress() (done, total int64) {
	return s.done.Load(), s.total
}

// Close ends reading early. It is not needed after io.EOF.
func (s *Set) Close() error {
	s.ended = true
	for _, src := range s.active {
		src.report()
		src.close()
	}
	s.active, s.pending = nil, nil
	s.settleSums()
	return nil
}
