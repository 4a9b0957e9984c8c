package store

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// someRows are rows like those of a minute, with values of all sizes among them.
func someRows(r *rand.Rand, n, width int) []int64 {
	rows := make([]int64, 0, n*width)
	id := int64(r.IntN(5)) - 2
	for range n {
		id += int64(r.IntN(3))
		rows = append(rows, id)
		for c := 1; c < width; c++ {
			var v int64
			switch c % 7 {
			case 0:
				v = int64(r.Uint64())
			case 1:
				v = r.Int64N(60e6) * 1000
			case 2:
				v = 7
			case 3:
				v = r.Int64N(300)
			case 4:
				v = r.Int64N(1 << 40)
			case 5:
				v = []int64{math.MinInt64, math.MaxInt64, 0, -1}[r.IntN(4)]
			case 6:
				v = -r.Int64N(5) * 1e9
			}
			rows = append(rows, v)
		}
	}
	return rows
}

func TestBlocksComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var into []int64
	for _, n := range []int{0, 1, 2, 3, 50, 700} {
		for _, width := range []int{1, 2, 8, 14, 16} {
			rows := someRows(r, n, width)
			b := pack(nil, rows, width)
			got, err := unpack(into, b, int64(n), width)
			if err != nil || !slices.Equal(got, rows) {
				t.Fatalf("%d rows of %d columns: %v", n, width, err)
			}
			into = got
			for i := range min(len(b), 200) {
				flipped := slices.Clone(b)
				flipped[i] ^= 1 << r.IntN(8)
				if _, err := unpack(nil, flipped, int64(n), width); !errors.Is(err, ErrCorrupt) {
					t.Errorf("%d rows of %d columns, a bit of byte %d turned: %v", n, width, i, err)
				}
			}
			inner := b[:len(b)-4]
			for _, bad := range []struct {
				b     []byte
				count int64
			}{{sum(append(slices.Clone(inner), 0), 0), int64(n)}, {sum(slices.Clone(inner[:len(inner)-1]), 0), int64(n)},
				{b, int64(n) + 1}, {b, int64(n) - 1}, {b, -1}, {b, math.MaxInt64}, {append(slices.Clone(b), 0), int64(n)}, {b[:len(b)-1], int64(n)}} {
				if _, err := unpack(nil, bad.b, bad.count, width); !errors.Is(err, ErrCorrupt) {
					t.Errorf("%d rows of %d columns told as %d in %d of %d bytes: %v", n, width, bad.count, len(bad.b), len(b), err)
				}
			}
		}
	}
}

// FuzzBlock: any bytes give rows or ErrCorrupt, and never more rows than bytes.
func FuzzBlock(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, width := range []uint8{1, 8, 14} {
		b := pack(nil, someRows(r, 20, int(width)), int(width))
		f.Add(b[:len(b)-4], int64(20), width)
	}
	f.Fuzz(func(t *testing.T, b []byte, count int64, width uint8) {
		if width == 0 {
			return
		}
		b = sum(b, 0) // what the checksum does not find
		rows, err := unpack(nil, b, count, int(width))
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		if len(rows) != int(count)*int(width) || count > int64(len(b)) {
			t.Fatalf("%d rows of %d bytes", count, len(b))
		}
	})
}

// BenchmarkBlock packs and unpacks minutes of 3,000 edges.
func BenchmarkBlock(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	const width, n = 14, 3000
	var rows []int64
	for i := range int64(n) {
		a, z := r.Int64N(60e6)*1000, r.Int64N(60e6)*1000
		rows = append(rows, i, 1+r.Int64N(300), r.Int64N(60000), r.Int64N(300), r.Int64N(60000), i%2, 0, 1, min(a, z), max(a, z), 2, r.Int64N(50000)+1e6, 0, 0)
	}
	block := pack(nil, rows, width)
	b.Run("pack", func(b *testing.B) {
		for b.Loop() {
			block = pack(block[:0], rows, width)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
		b.ReportMetric(float64(len(block))/n, "B/row")
	})
	into := rows
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			var err error
			if into, err = unpack(into, block, n, width); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/row")
	})
}
