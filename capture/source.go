package capture

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds on what files may ask for.
const (
	maxFrame       = 256 << 10 // captured bytes of one frame, as in libpcap and Wireshark
	maxZstdWindow  = 32 << 20  // bytes; zstd -1 to -20
	maxOpenFiles   = 256       // beyond, a file is opened for each block
	blocksInMemory = 64 << 20  // bytes that the current blocks of all open files share
)

// source reads one file: its bytes into blocks, and frames out of them.
type source struct {
	set    *Set
	index  int32
	path   string
	size   int64
	stream bool // can be read once only
	peeked bool // this opening only looks for the first frame

	key   int64 // time of the next frame, for the merge
	ahead Frame // the next frame, parsed, its Data in blk
	timed bool  // ahead has a time of its own

	raw   rawReader
	in    io.Reader // the content: &raw, or a decompressor over it
	zstd  *zstd.Decoder
	packs string // "gzip" or "zstd", "" for neither
	blk   *block
	buf   []byte // the part of blk that is filled
	pos   int    // of the next record in buf
	base  int64  // place of buf[0] in the content
	end   bool   // in has no more
	err   error  // why in ended, nil for a plain end
	held  uint64 // Set.reads of the last batch that got blk

	pcap   pcapFile
	ng     *pcapngFile // nil for pcap
	number int64       // of frames
	last   int64       // time of the frame before

	status  Status // set at the end only
	reason  string
	frames  int64
	dropped int64 // by the filter
	untimed int64
	min     int64
	max     int64
	links   []LinkCount
	sum     [32]byte
}

func (s *source) before(o *source) bool {
	return s.key < o.key || s.key == o.key && s.index < o.index
}

// rawReader reads the stored bytes, counts them, and passes them to the hasher
// where a decompressor reads them (else source.fill does, without a copy).
type rawReader struct {
	src    *source
	r      io.Reader
	file   *os.File // nil for standard input and between blocks
	offset int64    // bytes read
	hash   hash.Hash
	copies bool // hash here
}

func (r *rawReader) Read(b []byte) (int, error) {
	if err := r.src.set.ctx.Err(); err != nil {
		return 0, err
	}
	if r.r == nil {
		f, err := os.Open(r.src.path)
		if err != nil {
			return 0, err
		}
		r.r, r.file = f, f
		if _, err := f.Seek(r.offset, io.SeekStart); err != nil {
			return 0, err
		}
	}
	n, err := r.r.Read(b)
	r.offset += int64(n)
	if !r.src.peeked {
		r.src.set.done.Add(int64(n))
	}
	if r.copies && n > 0 && r.hash != nil {
		for part := b[:n]; len(part) > 0; {
			blk := r.src.set.pool.get(min(len(part), largeBlock))
			k := copy(blk.buf, part)
			r.src.set.hasher.pieces <- piece{sum: r.hash, blk: blk, data: blk.buf[:k]}
			part = part[k:]
		}
	}
	return n, err
}

// park closes the file until the next block.
func (r *rawReader) park() {
	if r.file != nil {
		r.file.Close()
		r.r, r.file = nil, nil
	}
}

// peek looks for the first frame and closes the file again. It reports whether
// the file is worth reading; if not, status and reason say why.
func (s *source) peek() bool {
	ok := s.start(true) && s.next()
	first := s.ahead.Time
	s.close()
	status, reason := s.status, s.reason
	*s = source{set: s.set, index: s.index, path: s.path, size: s.size}
	if status == StatusNotCapture || status == StatusRefused {
		s.status, s.reason = status, reason
		return false
	}
	s.key = math.MinInt64
	if ok {
		s.key = first
	}
	return true // also an empty or at once broken capture: read it for its sum
}

// start opens the file and reads its header. It reports whether frames can
// follow; if not, status and reason say why.
func (s *source) start(peek bool) bool {
	s.peeked = peek
	s.raw = rawReader{src: s}
	if s.stream {
		if err := s.openStream(); err != nil {
			s.stop(StatusRefused, "cannot be read: "+cause(err))
			return false
		}
	}
	if !peek && !s.set.opt.noSum {
		if s.set.hasher == nil {
			s.set.hasher = newHasher()
		}
		s.raw.hash = sha256.New()
	}
	s.in = &s.raw
	s.fill(4)
	if s.err != nil && s.raw.offset == 0 {
		s.stop(StatusRefused, "cannot be read: "+cause(s.err))
		return false
	}
	if bytes.HasPrefix(s.buf, []byte{0x1f, 0x8b}) || bytes.HasPrefix(s.buf, []byte{0x28, 0xb5, 0x2f, 0xfd}) ||
		len(s.buf) >= 4 && s.buf[0]&0xf0 == 0x50 && bytes.Equal(s.buf[1:4], []byte{0x2a, 0x4d, 0x18}) {
		s.unpack()
		s.fill(4)
	}
	if s.startPcap() || s.startPcapng() {
		return s.status == ""
	}
	if s.status == "" {
		s.fill(512)
		if len(s.buf) == 0 && s.err != nil {
			s.stop(StatusNotCapture, s.trouble())
		} else {
			s.stop(StatusNotCapture, whatElse(s.buf, s.packs))
		}
	}
	return false
}

// openStream opens what can be read only once, so that the end of the context
// ends reading even while no bytes come.
func (s *source) openStream() error {
	in := s.set.opt.Stdin
	var file *os.File
	if s.path != "-" {
		f, err := os.Open(s.path)
		if err != nil {
			return err
		}
		in, file = f, f
	}
	pr, pw := io.Pipe()
	context.AfterFunc(s.set.ctx, func() { pr.CloseWithError(s.set.ctx.Err()) })
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{pw}, struct{ io.Reader }{in}, make([]byte, 1<<18))
		pw.CloseWithError(err)
		if file != nil {
			file.Close()
		}
	}()
	s.raw.r = pr
	return nil
}

// unpack puts a decompressor between the file and its content. The bytes read
// so far are its first.
func (s *source) unpack() {
	head := bytes.Clone(s.buf)
	s.buf, s.pos, s.base = s.buf[:0], 0, 0
	s.blk.release()
	s.blk, s.buf = nil, nil
	s.raw.copies = true
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(head), &s.raw), 1<<17)
	s.end = false
	var err error
	if head[0] == 0x1f {
		s.packs = "gzip"
		s.in, err = gzip.NewReader(r)
	} else {
		s.packs = "zstd"
		s.zstd, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow))
		s.in = s.zstd
	}
	if err != nil {
		s.in, s.end, s.err = &s.raw, true, err
	}
}

// trouble says in one line why the content ended early.
func (s *source) trouble() string {
	switch {
	case errors.Is(s.err, zstd.ErrWindowSizeExceeded):
		return fmt.Sprintf("zstd window over %d MB: compress again without --long", maxZstdWindow>>20)
	case s.packs != "" && errors.Is(s.err, io.ErrUnexpectedEOF):
		return s.packs + " stream is cut short"
	case s.packs != "" && !errors.As(s.err, new(*fs.PathError)):
		return s.packs + " stream is corrupt: " + cause(s.err)
	}
	return "cannot be read further: " + cause(s.err)
}

// blockSize is what the next block should hold.
func (s *source) blockSize() int {
	size := largeBlock
	if s.peeked {
		size = smallBlock
	}
	for size > smallBlock && size*len(s.set.active) > blocksInMemory {
		size >>= 2
	}
	if !s.stream && s.packs == "" {
		for size > smallBlock && int64(size>>2) > s.size-s.raw.offset {
			size >>= 2
		}
	}
	return size
}

// fill makes n bytes (≤ largeBlock) stand at pos, or as many as there are. It
// reports whether there are n. What was handed out of the block before stays
// as it is.
func (s *source) fill(n int) bool {
	have := len(s.buf) - s.pos
	if have >= n {
		return true
	}
	if s.end {
		return false
	}
	if s.blk == nil || len(s.blk.buf)-len(s.buf) < max(n-have, 1<<12) {
		blk := s.set.pool.get(max(n, s.blockSize()))
		copy(blk.buf, s.buf[s.pos:])
		if s.blk != nil {
			s.blk.release()
		}
		s.base += int64(s.pos)
		s.blk, s.buf, s.pos, s.held = blk, blk.buf[:have], 0, 0
	}
	from := len(s.buf)
	for len(s.buf)-s.pos < n && !s.end {
		k, err := s.in.Read(s.blk.buf[len(s.buf):])
		s.buf = s.blk.buf[:len(s.buf)+k]
		if err != nil {
			s.end = true
			if err != io.EOF {
				s.err = err
			}
		}
	}
	if s.raw.hash != nil && !s.raw.copies && len(s.buf) > from {
		s.blk.refs.Add(1)
		s.set.hasher.pieces <- piece{sum: s.raw.hash, blk: s.blk, data: s.buf[from:]}
	}
	if !s.stream && s.packs == "" && len(s.set.active) > maxOpenFiles {
		s.raw.park()
	}
	return len(s.buf)-s.pos >= n
}

// skip passes over n bytes that nobody needs. It reports whether they were
// there.
func (s *source) skip(n int64) bool {
	for n > 0 {
		if s.pos == len(s.buf) && !s.fill(1) {
			return false
		}
		k := min(n, int64(len(s.buf)-s.pos))
		s.pos += int(k)
		n -= k
	}
	return true
}

// next parses the next frame into ahead. It reports false at the end, with
// status and reason set.
func (s *source) next() bool {
	if s.ng != nil {
		return s.nextPcapng()
	}
	return s.nextPcap()
}

// advance parses the next frame that the filter lets pass.
func (s *source) advance() bool {
	for s.next() {
		if s.set.filter == nil || s.set.filter.match(s.ahead.Link, s.ahead.Data, s.ahead.WireLen) {
			s.key = s.ahead.Time
			return true
		}
		s.dropped++
	}
	return false
}

// emit puts frames into b until it is full or another source's turn has come.
// It reports whether the source has more.
func (s *source) emit(b *Batch, other *source) bool {
	for {
		if s.held != s.set.reads {
			b.hold(s.blk)
			s.held = s.set.reads
		}
		// All of Frame's fields, one by one: what nextPcap has just written in parts would have to settle in memory before
		// it could be copied in larger ones (30 ns a frame).
		n := len(b.Frames)
		b.Frames = b.Frames[:n+1]
		f, a := &b.Frames[n], &s.ahead
		f.Time, f.Data, f.WireLen, f.Link = a.Time, a.Data, a.WireLen, a.Link
		f.Capture, f.Number, f.Offset = a.Capture, a.Number, a.Offset
		s.count()
		if !s.advance() {
			return false
		}
		if len(b.Frames) == s.set.opt.BatchFrames || b.bytes >= maxBatchBytes || other != nil && other.before(s) {
			return true
		}
	}
}

// count adds ahead to what is said of the file.
func (s *source) count() {
	if !s.timed {
		s.untimed++
	} else if s.frames == s.untimed {
		s.min, s.max = s.ahead.Time, s.ahead.Time
	} else {
		s.min, s.max = min(s.min, s.ahead.Time), max(s.max, s.ahead.Time)
	}
	s.frames++
	for i := range s.links {
		if s.links[i].Link == s.ahead.Link {
			s.links[i].Frames++
			return
		}
	}
	s.links = append(s.links, LinkCount{s.ahead.Link, 1})
}

// stop ends the file where it is.
func (s *source) stop(status Status, reason string) {
	if s.status == "" {
		s.status, s.reason = status, reason
	}
}

// stopShort ends a file in the midst of what ("packet header", ...), of which
// need bytes should be there.
func (s *source) stopShort(what string, need int64) bool {
	at := s.base + int64(s.pos)
	switch left := len(s.buf) - s.pos; {
	case s.err != nil:
		s.stop(StatusCut, fmt.Sprintf("%s (at byte %d)", s.trouble(), at))
	default:
		s.stop(StatusCut, fmt.Sprintf("ends in a %s at byte %d: %d of %d bytes are there", what, at, left, need))
	}
	return false
}

// stopBroken ends a file at a record that makes no sense.
func (s *source) stopBroken(format string, args ...any) bool {
	at := s.base + int64(s.pos)
	return s.stopAt(at, "%s at byte %d", fmt.Sprintf(format, args...), at)
}

// stopAt ends a file at a record that begins at byte at.
func (s *source) stopAt(at int64, format string, args ...any) bool {
	reason := fmt.Sprintf(format, args...)
	if !s.stream && s.packs == "" {
		reason += fmt.Sprintf(", the last %d bytes are not read", max(0, s.size-at))
	}
	s.stop(StatusCut, reason)
	return false
}

// stopEnd ends a file where a record could begin and none does.
func (s *source) stopEnd() bool {
	if s.err != nil {
		return s.stopShort("", 0)
	}
	s.stop(StatusOK, "")
	return false
}

// report writes what was read so far into the set's list.
func (s *source) report() {
	info := &s.set.infos[s.index]
	info.Status, info.Reason = s.status, s.reason
	if s.ng != nil {
		info.Format = "pcapng"
		info.Names, info.NamesDropped = s.ng.names, s.ng.namesDropped
	} else {
		info.Format = s.pcap.format
	}
	info.Frames, info.Filtered, info.Untimed = s.frames, s.dropped, s.untimed
	info.First, info.Last = s.min, s.max
	info.Links = slices.SortedFunc(slices.Values(s.links), func(a, b LinkCount) int { return int(a.Link) - int(b.Link) })
	if s.stream {
		info.Size = s.raw.offset
	}
}

// finish reads what is left for the sum alone, reports and closes.
func (s *source) finish() {
	if s.raw.hash != nil && (s.status == StatusOK || s.status == StatusCut) {
		if s.drain() {
			s.set.hasher.pieces <- piece{sum: s.raw.hash, into: &s.sum}
			s.set.summed = append(s.set.summed, s)
		}
	}
	s.report()
	s.close()
}

// drain reads the stored bytes to their end, past the parser.
func (s *source) drain() bool {
	if s.packs == "" && s.err != nil {
		return false
	}
	s.raw.copies = true
	blk := s.set.pool.get(1 << 16)
	defer blk.release()
	for {
		_, err := s.raw.Read(blk.buf)
		if err == io.EOF {
			return true
		}
		if err != nil {
			return false
		}
	}
}

func (s *source) close() {
	if s.zstd != nil {
		s.zstd.Close()
		s.zstd = nil
	}
	if s.blk != nil {
		s.blk.release()
		s.blk, s.buf = nil, nil
	}
	if pr, ok := s.raw.r.(*io.PipeReader); ok {
		pr.Close()
	}
	s.raw.park()
	s.in = nil
	s.ahead = Frame{}
}
