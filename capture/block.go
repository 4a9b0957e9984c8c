package capture

import (
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// Block sizes, in bytes. The largest is also the largest record that is read.
const (
	smallBlock = 1 << 14
	largeBlock = 1 << 20
)

var blockSizes = [...]int{smallBlock, 1 << 16, 1 << 18, largeBlock}

// block is a piece of a file that frames point into. It goes back to the pool
// when the source that fills it, the hasher and every batch have let go of it.
type block struct {
	buf  []byte
	refs atomic.Int32
	pool *pool
	free func() // of a ring: gives the block back to the kernel; nil for one of the pool
}

func (b *block) release() {
	if b.refs.Add(-1) > 0 {
		return
	}
	if b.free != nil {
		b.free()
		return
	}
	b.pool.put(b)
}

// pool keeps blocks for use again, by size.
type pool struct {
	mu   sync.Mutex
	free [len(blockSizes)][]*block
}

// keptBytes bounds what the pool keeps of one size.
const keptBytes = 32 << 20

// get returns a block of at least n bytes (n ≤ largeBlock) with one reference.
func (p *pool) get(n int) *block {
	class := 0
	for blockSizes[class] < n {
		class++
	}
	p.mu.Lock()
	var b *block
	if list := p.free[class]; len(list) > 0 {
		b = list[len(list)-1]
		p.free[class] = list[:len(list)-1]
	}
	p.mu.Unlock()
	if b == nil {
		b = &block{buf: make([]byte, blockSizes[class]), pool: p}
	}
	b.refs.Store(1)
	return b
}

func (p *pool) put(b *block) {
	class := 0
	for blockSizes[class] < len(b.buf) {
		class++
	}
	p.mu.Lock()
	if len(p.free[class])*len(b.buf) < keptBytes {
		p.free[class] = append(p.free[class], b)
	}
	p.mu.Unlock()
}

// hasher computes the SHA-256 of files as they are read, in a goroutine of its
// own. Each piece keeps its block until it is hashed.
type hasher struct {
	pieces chan piece
	done   chan struct{}
}

type piece struct {
	sum  hash.Hash
	blk  *block
	data []byte
	into *[32]byte // where not nil, the file ends here: the sum goes there
}

// hashQueue bounds how far reading may run ahead of hashing, in blocks.
const hashQueue = 8

func newHasher() *hasher {
	h := &hasher{pieces: make(chan piece, hashQueue), done: make(chan struct{})}
	go func() {
		defer close(h.done)
		for p := range h.pieces {
			if p.blk != nil {
				p.sum.Write(p.data)
				p.blk.release()
			}
			if p.into != nil {
				p.sum.Sum(p.into[:0])
			}
		}
	}()
	return h
}

// settleSums waits until every sum is where it belongs.
func (s *Set) settleSums() {
	if s.hasher != nil {
		close(s.hasher.pieces)
		<-s.hasher.done
		s.hasher = nil
	}
	for _, src := range s.summed {
		s.infos[src.index].Sum, s.infos[src.index].HasSum = src.sum, true
	}
	s.summed = nil
}

// sumFile computes the SHA-256 of a file.
func sumFile(ctx context.Context, path string) (sum [32]byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	buf := make([]byte, 1<<18)
	for {
		if err := ctx.Err(); err != nil {
			return sum, err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		if err == io.EOF {
			h.Sum(sum[:0])
			return sum, nil
		}
		if err != nil {
			return sum, err
		}
	}
}
