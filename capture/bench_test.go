package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

const benchFrames = 200_000

// benchFile writes a pcap file of frames of 500 bytes on average, a quarter of
// them short ones.
func benchFile(b *testing.B) (path string, size int64) {
	path = filepath.Join(b.TempDir(), "bench.pcap")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	w.Write(pcapHeader(binary.LittleEndian, magicMicro, 1))
	random := rand.New(rand.NewPCG(1, 2))
	data := make([]byte, 1500)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	for i := range benchFrames {
		n := 64
		if i%4 != 0 {
			n = 90 + random.IntN(1112)
		}
		w.Write(pcapRecord(binary.LittleEndian, uint32(i/1000), uint32(i%1000), uint32(n), data[:n]))
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return path, info.Size()
}

// BenchmarkRead reads with sums, as a replay does.
func BenchmarkRead(b *testing.B) { benchmarkRead(b, Options{}) }

// BenchmarkReadOnly leaves the sums out.
func BenchmarkReadOnly(b *testing.B) { benchmarkRead(b, Options{noSum: true}) }

func benchmarkRead(b *testing.B, opt Options) {
	path, size := benchFile(b)
	b.SetBytes(size)
	var total int64
	for b.Loop() {
		s, err := Open(context.Background(), []string{path}, opt)
		if err != nil {
			b.Fatal(err)
		}
		var batch Batch
		for {
			err := s.Read(&batch)
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			total += int64(len(batch.Frames))
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(total), "ns/frame")
}

// BenchmarkReadFiltered reads through a filter that a tenth passes or so.
func BenchmarkReadFiltered(b *testing.B) {
	path, size := benchFile(b)
	b.SetBytes(size)
	var total int64
	for b.Loop() {
		s, err := Open(context.Background(), []string{path}, Options{noSum: true, Filter: "tcp port 502 or udp port 5007 or host 10.0.0.1"})
		if err != nil {
			b.Fatal(err)
		}
		info := readAll(b, s, nil)[0]
		total += info.Frames + info.Filtered
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(total), "ns/frame")
}

// BenchmarkReference reads the same bytes and looks at none.
func BenchmarkReference(b *testing.B) {
	path, size := benchFile(b)
	b.SetBytes(size)
	buf := make([]byte, 1<<18)
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := f.Read(buf); err != nil {
				break
			}
		}
		f.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchFrames, "ns/frame")
}

// BenchmarkSum is the SHA-256 of the same bytes alone, which Read computes
// beside reading.
func BenchmarkSum(b *testing.B) {
	path, size := benchFile(b)
	b.SetBytes(size)
	for b.Loop() {
		if _, err := sumFile(context.Background(), path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchFrames, "ns/frame")
}
