package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"osect/capture"
	"osect/pipeline"
	"osect/store"
)

// tortureMemory is the most resident memory, bytes, that a replay of a mutated
// capture may take, the test itself and the Go runtime included.
const tortureMemory = 200 << 20

// TestMutated replays copies of the shared captures in which 2 % of the bytes
// are others: of the whole file, and, since that seldom leaves more than a few
// records readable, of the frames alone. Nothing crashes or hangs, memory is
// bounded, and the counters add up. The short form takes one seed and each tenth capture.
func TestMutated(t *testing.T) {
	dir := sharedCaptures(t)
	seeds, every := 1, 10
	if torture() {
		seeds, every = 5, 1
	}
	var paths []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		switch ext := strings.ToLower(filepath.Ext(p)); {
		case err != nil:
			return err
		case ext == ".pcap" || ext == ".pcapng" || ext == ".cap" || ext == ".gz" || ext == ".zst":
			paths = append(paths, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(paths)
	tmp := t.TempDir()
	var sum struct{ replays, frames, decoded, skipped, notCaptures, cut int }
	var most, longest int64
	var mostOf, longestOf string
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(tortureMemory * 3 / 4))
	for i := 0; i < len(paths); i += every {
		original, err := os.ReadFile(paths[i])
		if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(original, []byte("version https://git-lfs")) {
			continue
		}
		frames, spans := rewritten(t, paths[i])
		for seed := range seeds {
			rng := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
			for _, how := range []string{"file", "frames"} {
				var data []byte
				if how == "file" {
					data = bytes.Clone(original)
					mutate(rng, data, [][2]int{{0, len(data)}})
				} else {
					data = bytes.Clone(frames)
					mutate(rng, data, spans)
				}
				path := filepath.Join(tmp, "mutated.pcap")
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%s, %s, seed %d", strings.TrimPrefix(paths[i], dir+"/"), how, seed)
				begin := time.Now()
				s, memory := replayMutated(t, name, path)
				if took := int64(time.Since(begin)); took > longest {
					longest, longestOf = took, name
				}
				if memory > most {
					most, mostOf = memory, name
				}
				if s == nil {
					continue
				}
				sum.replays++
				sum.frames += int(s.Packets)
				sum.decoded += int(s.Decoded)
				for _, n := range s.Skipped {
					sum.skipped += int(n)
				}
				switch s.Captures[0].Status {
				case "not-a-capture", "refused":
					sum.notCaptures++
				case "cut":
					sum.cut++
				}
				if t.Failed() {
					keep := filepath.Join(os.TempDir(), "osect-mutated.pcap")
					os.WriteFile(keep, data, 0o600)
					t.Fatalf("%s: kept as %s", name, keep)
				}
			}
		}
	}
	t.Logf("%d replays (%d of no capture any more, %d cut), %d frames = %d decoded + %d skipped; most memory %d MB (%s), longest %.1f s (%s)",
		sum.replays, sum.notCaptures, sum.cut, sum.frames, sum.decoded, sum.skipped, most>>20, mostOf, float64(longest)/1e9, longestOf)
}

// mutate changes 2 % of the bytes in spans to any others.
func mutate(rng *rand.Rand, b []byte, spans [][2]int) {
	for _, s := range spans {
		for i := s[0]; i < s[1]; i++ {
			if rng.IntN(50) == 0 {
				b[i] ^= byte(1 + rng.IntN(255))
			}
		}
	}
}

// rewritten is a capture as pcapng, an interface a link type, and where in it the frames' bytes are.
func rewritten(t *testing.T, path string) (file []byte, spans [][2]int) {
	t.Helper()
	set, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	le := binary.LittleEndian
	file = pcapngHead()[:28]
	links := map[uint16]uint32{}
	var b capture.Batch
	for {
		err := set.Read(&b)
		if errors.Is(err, io.EOF) {
			return file, spans
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range b.Frames {
			id, ok := links[f.Link]
			if !ok {
				id = uint32(len(links))
				links[f.Link] = id
				// Interface with if_tsresol 9: ns.
				file = le.AppendUint32(le.AppendUint32(file, 1), 32)
				file = le.AppendUint16(le.AppendUint16(file, f.Link), 0)
				file = append(file, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0)
			}
			padded := (len(f.Data) + 3) &^ 3
			n := uint32(32 + padded)
			file = le.AppendUint32(le.AppendUint32(le.AppendUint32(file, 6), n), id)
			file = le.AppendUint32(le.AppendUint32(file, uint32(uint64(f.Time)>>32)), uint32(f.Time))
			file = le.AppendUint32(le.AppendUint32(file, uint32(len(f.Data))), f.WireLen)
			spans = append(spans, [2]int{len(file), len(file) + len(f.Data)})
			file = append(append(file, f.Data...), make([]byte, padded-len(f.Data))...)
			file = le.AppendUint32(file, n)
		}
		b.Release()
	}
}

// replayMutated reads one capture into a new store and holds its counters.
func replayMutated(t *testing.T, name, path string) (s *pipeline.Summary, memory int64) {
	t.Helper()
	db := filepath.Join(filepath.Dir(path), "mutated.db")
	for _, suffix := range []string{"", "-wal", "-shm", "-lock"} {
		os.Remove(db + suffix)
	}
	st, err := store.Open(db, store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the highest mark begins anew
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	s, err = pipeline.Replay(ctx, st, pipeline.Options{Paths: []string{path}, Mode: pipeline.Learn, Workers: 2})
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return nil, 0
	}
	if memory = peak(t); memory > tortureMemory {
		t.Errorf("%s: %d MB", name, memory>>20)
	}
	skipped := uint64(0)
	for _, n := range s.Skipped {
		skipped += n
	}
	if s.Packets != s.Decoded+skipped || s.Packets != uint64(s.Captures[0].Packets) {
		t.Errorf("%s: %d packets (%d of the file), %d decoded, skipped %v", name, s.Packets, s.Captures[0].Packets, s.Decoded, s.Skipped)
	}
	inFlows, rows := uint64(0), int64(0)
	err = st.EachFlow(context.Background(), store.Filter{}, func(f *store.Flow) error {
		rows++
		if f.Tunnel == "" {
			inFlows += f.PacketsOut + f.PacketsIn
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if rows != s.Flows {
		t.Errorf("%s: %d connections are in the store, %d were seen", name, rows, s.Flows)
	}
	if inFlows > s.Decoded {
		t.Errorf("%s: %d packets in flows, %d decoded", name, inFlows, s.Decoded)
	}
	return s, memory
}

// peak is the most memory of this process that was resident since the mark was set back, bytes.
func peak(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("no /proc")
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	kb, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}

// TestConnectionsWhoseTimesLie: times that run back or stand still neither
// count a connection twice nor lose one.
func TestConnectionsWhoseTimesLie(t *testing.T) {
	const syn, ack = 2, 16
	b := newBench(t)
	back := newCapture()
	back.frame(day0.Add(30*time.Second), tcp(hmi, plc, 50000, 502, 100, 0, ack, nil))
	back.frame(day0.AddDate(1, 0, 0), arp(hmi, plc)) // closes the minute: a row is written
	back.frame(day0.Add(22*time.Second), tcp(hmi, plc, 50000, 502, 100, 0, ack, nil))
	still := newCapture()
	for seq := range uint32(3) {
		still.frame(day0, tcp(hmi, plc, 50000, 502, 1000*seq, 0, syn, nil)) // another connection each
	}
	for _, c := range []struct {
		name    string
		capture *captureFile
		rows    int
		packets float64
	}{{"back", back, 1, 2}, {"still", still, 3, 1}} {
		b.db = b.path(c.name + ".db")
		b.write(c.name+".pcap", c.capture.Bytes())
		b.must("replay", "--db", b.db, b.path(c.name+".pcap"))
		rows := b.rows("flows", "list")
		if len(rows) != c.rows {
			t.Errorf("%s: %d connections, want %d", c.name, len(rows), c.rows)
		}
		for _, r := range rows {
			if r["packets_out"] != c.packets {
				t.Errorf("%s: %v packets, want %v", c.name, r["packets_out"], c.packets)
			}
		}
	}
}
