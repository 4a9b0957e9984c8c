package pipeline

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/capture"
	"osect/decode/ot/registry"
	"osect/detect"
	"osect/observe"
	"osect/store"
)

// framesOf reads a capture whole.
func framesOf(t *testing.T, path string) (list []capture.Frame) {
	t.Helper()
	set, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	var b capture.Batch
	for {
		if err := set.Read(&b); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		for _, f := range b.Frames {
			f.Data = slices.Clone(f.Data)
			list = append(list, f)
		}
	}
}

// evidenceOf is the evidence of an alert, which must be in the order of time.
func evidenceOf(t *testing.T, st *store.Store, al *detect.Alert, dir string) Slice {
	t.Helper()
	s, err := Evidence(context.Background(), st, al, dir)
	if err != nil {
		t.Fatalf("%s %s: %v", al.Kind, al.Subkind, err)
	}
	if !slices.IsSortedFunc(s.Frames, func(a, b capture.Frame) int { return int(a.Time - b.Time) }) {
		t.Errorf("%s %s: frames are not in the order of time", al.Kind, al.Subkind)
	}
	return s
}

// TestEvidence: alerts of a live capture and of the same frames replayed name the same
// frames; each is in the evidence of both, byte for byte, and nothing that was not captured.
func TestEvidence(t *testing.T) {
	alerts := 0
	for _, name := range []string{"fins/omron-part1.pcap", "scan/synscan.pcap", "attack/bruteforce.pcap", "profinet/1-click-attack.pcap", "modbus/modbus.pcap",
		"cclink/nttcom-cclink-field-cclink-control-cc-link-ief.pcap"} {
		path := shared(t, name)[0]
		file := open(t)
		replay(t, file, Options{Paths: []string{path}, Mode: Detect, Sensor: "capture"})

		k, st := keeping(t)
		const workers = 2
		for range workers {
			k.rings = append(k.rings, capture.NewRing[ends](evidenceMemory/workers))
		}
		set, err := capture.Open(context.Background(), []string{path}, capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		crank := newCrank(registry.Protocols, workers, false, []int32{livePlace(0)}, func(list []*observe.Minute) {
			for _, m := range list {
				k.minute(m)
			}
		})
		crank.rings = k.rings
		if err := crank.run(context.Background(), set); err != nil {
			t.Fatal(err)
		}
		set.Close()
		k.end()
		if k.err != nil || k.missing != 0 {
			t.Fatalf("%s: %v, %d frames missing", name, k.err, k.missing)
		}

		whole := map[string]bool{}
		for _, f := range framesOf(t, path) {
			whole[string(f.Data)] = true
		}
		want, _, err := file.Alerts(context.Background(), store.Filter{})
		if err != nil || len(want) == 0 {
			t.Fatalf("%s: %d alerts, %v", name, len(want), err)
		}
		for i := range want {
			a, err := file.Alert(context.Background(), want[i].ID)
			if err != nil {
				t.Fatal(err)
			}
			b, err := st.Alert(context.Background(), a.ID)
			if err != nil {
				t.Fatalf("%s: %s %s is not raised live: %v", name, a.Kind, a.Subkind, err)
			}
			if len(a.Refs) != len(b.Refs) {
				t.Fatalf("%s: %s %s: %d frames named replayed, %d live", name, a.Kind, a.Subkind, len(a.Refs), len(b.Refs))
			}
			if len(a.Refs) == 0 {
				continue
			}
			alerts++
			numbers := map[int64]bool{}
			for _, r := range a.Refs {
				numbers[r.Number] = true
			}
			replayed, live := evidenceOf(t, file, &a.Alert, ""), evidenceOf(t, st, &b.Alert, "")
			for how, s := range map[string]Slice{"replayed": replayed, "live": live} {
				if s.Named != len(numbers) || s.Missing != 0 {
					t.Errorf("%s: %s %s %s: of %d named frames %d found, %d missing", name, a.Kind, a.Subkind, how, len(numbers), s.Named, s.Missing)
				}
			}
			size := 0
			for _, f := range live.Frames {
				if !whole[string(f.Data)] {
					t.Errorf("%s: %s %s live: a frame that was not captured", name, a.Kind, a.Subkind)
				}
				size += len(f.Data)
			}
			if size > evidenceAlert {
				t.Errorf("%s: %s %s live: %d bytes of evidence", name, a.Kind, a.Subkind, size)
			}
			if len(replayed.Frames) < maxAround && len(live.Frames) > len(replayed.Frames) {
				t.Errorf("%s: %s %s: %d frames live, %d replayed", name, a.Kind, a.Subkind, len(live.Frames), len(replayed.Frames))
			}
		}
	}
	t.Logf("%d alerts", alerts)
}

// TestEvidenceIsOfWhatWasRead: a capture that is gone or another one is refused, and found where --captures says.
func TestEvidenceIsOfWhatWasRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.pcap")
	arp := []byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2}
	var file bytes.Buffer
	if err := capture.WriteFrames(&file, []capture.Frame{{Time: 1e18, Data: arp, WireLen: 60, Link: 1}, {Time: 1e18 + 2e9, Data: arp, WireLen: 60, Link: 1}}); err != nil {
		t.Fatal(err)
	}
	write := func(b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(file.Bytes())
	st := open(t)
	replay(t, st, Options{Paths: []string{path}, Mode: Detect})
	list, _, err := st.Alerts(context.Background(), store.Filter{})
	if err != nil || len(list) == 0 {
		t.Fatal(len(list), err)
	}
	al, err := st.Alert(context.Background(), list[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	if s := evidenceOf(t, st, &al.Alert, ""); len(s.Frames) != 2 || !bytes.Equal(s.Frames[0].Data, arp) || s.Frames[0].WireLen != 60 {
		t.Fatalf("%+v", s)
	}
	refused := func(dir, want string) {
		t.Helper()
		_, err := Evidence(context.Background(), st, &al.Alert, dir)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--captures") {
			t.Errorf("%v, expected %q", err, want)
		}
	}
	other := slices.Clone(file.Bytes())
	other[len(other)-30] ^= 1
	write(other)
	refused("", ErrOtherContent.Error())
	write(file.Bytes()[:100])
	refused("", ErrOtherContent.Error())
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refused("", "no such file")
	path = filepath.Join(t.TempDir(), "a.pcap")
	write(file.Bytes())
	if s := evidenceOf(t, st, &al.Alert, filepath.Dir(path)); len(s.Frames) != 2 || s.Missing != 0 {
		t.Errorf("where it was moved to: %+v", s)
	}
	none := detect.Alert{ID: "x"}
	if _, err := Evidence(context.Background(), st, &none, ""); !errors.Is(err, ErrNoEvidence) {
		t.Error(err)
	}
}
