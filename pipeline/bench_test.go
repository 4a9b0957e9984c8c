package pipeline

import (
	"os"
	"path/filepath"
	"testing"

	"osect/store"
)

// BenchmarkReplay detects in $OSECT_LOAD (a capture from plantgen --load) with
// the baseline of $OSECT_LOAD_BEFORE (another seed), into a store on disk.
func BenchmarkReplay(b *testing.B) {
	path, before := os.Getenv("OSECT_LOAD"), os.Getenv("OSECT_LOAD_BEFORE")
	if path == "" || before == "" {
		b.Skip("OSECT_LOAD or OSECT_LOAD_BEFORE names no capture")
	}
	base := filepath.Join(b.TempDir(), "base.db")
	st, err := store.Open(base, store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	replay(b, st, Options{Paths: []string{before}, Mode: Learn})
	if err := st.Close(); err != nil {
		b.Fatal(err)
	}
	learned, err := os.ReadFile(base)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		path2 := filepath.Join(b.TempDir(), "osect.db")
		if err := os.WriteFile(path2, learned, 0o600); err != nil {
			b.Fatal(err)
		}
		st, err := store.Open(path2, store.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		s := replay(b, st, Options{Paths: []string{path}, Mode: Detect})
		b.ReportMetric(s.PacketsPerSecond, "packets/s")
		b.StopTimer()
		st.Close()
		b.StartTimer()
	}
}
