package pipeline

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"osect/store"
)

// shared returns captures of the shared folder, or skips.
func shared(t testing.TB, rel ...string) []string {
	dir := os.Getenv("OSECT_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(dir, "captures")); err != nil {
		if os.Getenv("OSECT_REQUIRE_SHARED") == "1" {
			t.Fatal("no shared captures")
		}
		t.Skip("no shared captures")
	}
	var paths []string
	for _, r := range rel {
		paths = append(paths, filepath.Join(dir, "captures", r))
	}
	return paths
}

func open(t testing.TB) *store.Store {
	st, err := store.Open(filepath.Join(t.TempDir(), "osect.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	return st
}

func dump(t testing.TB, st *store.Store) []byte {
	var b bytes.Buffer
	if err := st.Dump(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func replay(t testing.TB, st *store.Store, opt Options) *Summary {
	s, err := Replay(context.Background(), st, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// firstDifference shows where two dumps part.
func firstDifference(a, b []byte) string {
	la, lb := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(la), len(lb)) {
		if !bytes.Equal(la[i], lb[i]) {
			return string(la[i]) + "\n" + string(lb[i])
		}
	}
	return "one is longer"
}

// TestSameBytes: the number of workers does not show in the store.
func TestSameBytes(t *testing.T) {
	paths := shared(t, "mixed-ot", "modbus", "tunnel-vlan", "cclink", "fuzz")
	var first []byte
	for _, workers := range []int{1, 2, 3, 8, 2} {
		st := open(t)
		s := replay(t, st, Options{Paths: paths, Mode: Learn, Workers: workers})
		if s.Packets < 10_000 || s.Flows == 0 || s.Operations == 0 {
			t.Fatalf("summary %+v", s)
		}
		d := dump(t, st)
		if first == nil {
			first = d
		} else if !bytes.Equal(first, d) {
			t.Errorf("%d workers: another store:\n%s", workers, firstDifference(first, d))
		}
	}
}

// TestResume: a replay that is interrupted at any place, and then gone on with,
// ends with the same store as one that is not.
func TestResume(t *testing.T) {
	paths := shared(t, "mixed-ot", "modbus")
	whole := open(t)
	replay(t, whole, Options{Paths: paths, Mode: Learn})
	expected := dump(t, whole)
	resumed := 0
	for _, after := range []int{0, 1, 3, 7} {
		st := open(t)
		interrupted := 0
		for {
			ctx, cancel := context.WithCancel(context.Background())
			n := 0
			testCommitted = func() {
				if n++; n > after && interrupted < 5 {
					cancel()
				}
			}
			s, err := Replay(ctx, st, Options{Paths: paths, Mode: Learn, Workers: 1 + after%2})
			cancel()
			testCommitted = nil
			if err == nil {
				if s.Resumed {
					resumed++
				}
				break
			}
			if !errors.Is(err, ErrInterrupted) && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			interrupted++
		}
		if d := dump(t, st); !bytes.Equal(expected, d) {
			t.Errorf("interrupted after %d commits, %d times: another store:\n%s", after, interrupted, firstDifference(expected, d))
		}
	}
	if resumed == 0 {
		t.Error("no replay was interrupted")
	}
}

// TestKnown: what was read is not read again, unless told so.
func TestKnown(t *testing.T) {
	paths := shared(t, "modbus/modbus.pcap")
	if _, err := os.Stat(paths[0]); err != nil {
		paths = shared(t, "modbus")
	}
	st := open(t)
	first := replay(t, st, Options{Paths: paths})
	before := dump(t, st)
	second := replay(t, st, Options{Paths: paths})
	if first.Packets == 0 || second.Packets != 0 || second.Captures[0].Status != "known" {
		t.Errorf("first %d packets, then %d with status %s", first.Packets, second.Packets, second.Captures[0].Status)
	}
	if !bytes.Equal(before, dump(t, st)) {
		t.Error("reading known captures changed the store")
	}
	if again := replay(t, st, Options{Paths: paths, Again: true}); again.Packets != first.Packets {
		t.Errorf("--again read %d packets of %d", again.Packets, first.Packets)
	}
}
