package store

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestOneRunASensorAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "osect.db")
	openIt := func() *Store {
		s, err := Open(path, Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	one, two := openIt(), openIt()
	spec := RunSpec{Site: "plant", Sensor: "one", Captures: []CaptureRow{{Path: "a"}}}
	if _, err := one.BeginRun(spec); err != nil {
		t.Fatal(err)
	}
	if _, err := two.BeginRun(spec); !errors.Is(err, ErrTaken) {
		t.Errorf("a second run of the same sensor: %v", err)
	}
	if _, err := two.ResumeRun(spec); !errors.Is(err, ErrTaken) {
		t.Errorf("going on with a run that is not over: %v", err)
	}
	if _, err := one.ResumeRun(spec); err != nil {
		t.Errorf("the store that has the lock: %v", err)
	}
	other := spec
	other.Captures = []CaptureRow{{Path: "b"}}
	other.Sensor = "two"
	if _, err := two.BeginRun(other); err != nil {
		t.Errorf("another sensor: %v", err)
	}
	if err := two.SetSetting("a", "b"); err != nil {
		t.Errorf("an edit beside a run: %v", err)
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	// The run of the other sensor is newer, and not over.
	if r, err := two.ResumeRun(spec); err != nil || r.Sensor != "one" {
		t.Errorf("after the first was closed: %+v, %v", r, err)
	}
}
