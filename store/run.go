package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"slices"
	"time"
)

// RunSpec says what a run reads.
type RunSpec struct {
	Site, Sensor string
	// Captures in the order of observe.FrameRef.Capture; Path and Size are used. None for live.
	Captures []CaptureRow
	// Settings is a hash of all settings that change what is stored.
	Settings string
}

// Run is a replay or a live capture into the store, from its begin to its end.
type Run struct {
	ID           int64
	Site, Sensor string
	// Captures with the ids that the store gave, in the order of the spec.
	Captures []CaptureRow
	Settings string
	// Seq is the last committed minute's Seq, 0 for none; Hash is the running
	// hash that was committed with it.
	Seq  uint64
	Hash []byte

	sensor int64
}

// BeginRun begins a run. Its captures get ids and are not known to
// KnownCapture until they were saved and the run ended. ErrTaken: another
// process writes as this sensor.
func (s *Store) BeginRun(spec RunSpec) (*Run, error) {
	if err := s.Lock(spec.Site, spec.Sensor); err != nil {
		return nil, err
	}
	r := &Run{Site: spec.Site, Sensor: spec.Sensor, Settings: spec.Settings, Hash: []byte{}}
	err := s.transact("begin a run", func(w *writer) (err error) {
		if r.sensor, err = w.sensor(spec.Site, spec.Sensor); err != nil {
			return err
		}
		res, err := w.run("INSERT INTO run (sensor, settings, begun, seq, hash) VALUES (?,?,?,0,?)",
			r.sensor, spec.Settings, time.Now().UnixNano(), r.Hash)
		if err != nil {
			return err
		}
		if r.ID, err = res.LastInsertId(); err != nil {
			return err
		}
		for i, c := range spec.Captures {
			c.SHA256, c.Status, c.Reason = "", "reading", ""
			if err := w.addCapture(r.ID, i, &c); err != nil {
				return err
			}
			r.Captures = append(r.Captures, c)
		}
		return w.look()
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// addCapture inserts a capture as the n-th of a run and sets its ID.
func (w *writer) addCapture(run int64, n int, c *CaptureRow) error {
	res, err := w.run("INSERT INTO capture (path, size, sha256, status, reason, packets, first, last) VALUES (?,?,?,?,?,?,?,?)",
		c.Path, c.Size, null(c.SHA256), c.Status, c.Reason, int64(c.Packets), int64(c.First), int64(c.Last))
	if err != nil {
		return err
	}
	if c.ID, err = res.LastInsertId(); err != nil {
		return err
	}
	return w.exec("INSERT INTO run_capture VALUES (?,?,?)", run, int64(n), c.ID)
}

func null(s string) driver.Value {
	if s == "" {
		return nil
	}
	return s
}

// UnfinishedRuns gives the runs of captures that have not ended, the newest
// first. A run without captures (live) cannot be resumed and is not given.
func (s *Store) UnfinishedRuns() ([]*Run, error) {
	rows, err := s.db.Query(`SELECT r.id, r.sensor, si.name, se.name, r.settings, r.seq, r.hash
		FROM run r JOIN sensor se ON se.id=r.sensor JOIN site si ON si.id=se.site
		WHERE r.ended IS NULL AND EXISTS (SELECT 1 FROM run_capture WHERE run=r.id) ORDER BY r.id DESC`)
	if err != nil {
		return nil, s.wrap("read the runs", err)
	}
	defer rows.Close()
	var runs []*Run
	for rows.Next() {
		r := &Run{}
		if err := rows.Scan(&r.ID, &r.sensor, &r.Site, &r.Sensor, &r.Settings, &r.Seq, &r.Hash); err != nil {
			return nil, s.wrap("read the runs", err)
		}
		runs = append(runs, r)
	}
	if err := rows.Err(); err != nil {
		return nil, s.wrap("read the runs", err)
	}
	for _, r := range runs {
		if r.Captures, err = s.captures("JOIN run_capture rc ON rc.capture=c.id WHERE rc.run=? ORDER BY rc.n", r.ID); err != nil {
			return nil, err
		}
	}
	return runs, nil
}

// UnfinishedRun gives the newest of them; nil for none.
func (s *Store) UnfinishedRun() (*Run, error) {
	runs, err := s.UnfinishedRuns()
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	return runs[0], nil
}

// SameCapture says whether two rows mean the same file, as far as can be known
// before it is read: the path, or what it is called and its size.
func SameCapture(a, b CaptureRow) bool {
	return a.Path == b.Path || a.Size == b.Size && a.Size > 0 && filepath.Base(a.Path) == filepath.Base(b.Path)
}

// of says whether the run is one of the spec's sensor over the same captures.
func (r *Run) of(spec *RunSpec) bool {
	return r.Site == spec.Site && r.Sensor == spec.Sensor && slices.EqualFunc(r.Captures, spec.Captures, SameCapture)
}

// ResumeRun goes on with the newest unfinished run of these captures, else of any: what is
// read again up to Run.Seq is not to be committed again. ErrNotFound: there is none; ErrChanged: sensor,
// settings or captures are not those it began with, and the error names which.
func (s *Store) ResumeRun(spec RunSpec) (*Run, error) {
	if err := s.Lock(spec.Site, spec.Sensor); err != nil {
		return nil, err
	}
	runs, err := s.UnfinishedRuns()
	if err != nil {
		return nil, err
	}
	if len(runs) == 0 {
		return nil, fmt.Errorf("%s: no unfinished run to resume: %w", s.path, ErrNotFound)
	}
	r := runs[max(0, slices.IndexFunc(runs, func(r *Run) bool { return r.of(&spec) }))]
	changed := ""
	switch {
	case spec.Site != r.Site || spec.Sensor != r.Sensor:
		changed = fmt.Sprintf("sensor %q of site %q: the run was of %q of %q", spec.Sensor, spec.Site, r.Sensor, r.Site)
	case spec.Settings != r.Settings:
		changed = "the settings"
	case len(spec.Captures) != len(r.Captures):
		changed = fmt.Sprintf("%d captures: the run had %d", len(spec.Captures), len(r.Captures))
	default:
		for i, c := range spec.Captures {
			// The size of a stream is 0 until it was read.
			if was := r.Captures[i]; c.Size != was.Size && c.Size != 0 || filepath.Base(c.Path) != filepath.Base(was.Path) {
				changed = fmt.Sprintf("capture %d, %s of %d bytes: the run had %s of %d bytes", i+1, c.Path, c.Size, was.Path, was.Size)
				break
			}
		}
	}
	if changed != "" {
		return nil, fmt.Errorf("%s: run %d: %w: %s", s.path, r.ID, ErrChanged, changed)
	}
	if err := s.transact("resume a run", (*writer).look); err != nil {
		return nil, err
	}
	return r, nil
}

// look takes the lists as they are now for what the caller knows.
func (w *writer) look() (err error) {
	w.seen, w.removed, err = w.generations()
	return err
}

// SaveCapture records what became of a capture of the run: all fields but Path, by
// ID. A capture without an ID is added to the run and gets one.
func (s *Store) SaveCapture(run *Run, c *CaptureRow) error {
	return s.transact("save a capture", func(w *writer) error {
		if c.ID != 0 {
			return w.exec("UPDATE capture SET size=?, sha256=?, status=?, reason=?, packets=?, first=?, last=? WHERE id=?",
				c.Size, null(c.SHA256), c.Status, c.Reason, int64(c.Packets), int64(c.First), int64(c.Last), c.ID)
		}
		n, _, err := w.one("SELECT count(*) FROM run_capture WHERE run=?", run.ID)
		if err != nil {
			return err
		}
		return w.addCapture(run.ID, int(n), c)
	})
}

// EndRun ends a run: the hour grain is brought up to date and its captures are known from now on.
func (s *Store) EndRun(run *Run) error {
	return s.transact("end a run", func(w *writer) error {
		return w.exec("UPDATE run SET ended=? WHERE id=?", time.Now().UnixNano(), run.ID)
	})
}

// KnownCapture gives the captures of this size that ended runs have read, with
// their SHA-256: no match, and the content need not be hashed before it is read.
func (s *Store) KnownCapture(size int64) ([]CaptureRow, error) {
	return s.captures(`WHERE c.size=? AND c.sha256 IS NOT NULL AND EXISTS
		(SELECT 1 FROM run_capture rc JOIN run r ON r.id=rc.run WHERE rc.capture=c.id AND r.ended IS NOT NULL) ORDER BY c.id`, size)
}

// Captures in the order of their ids.
func (s *Store) Captures(context.Context) ([]CaptureRow, error) {
	return s.captures("ORDER BY c.id")
}

func (s *Store) captures(where string, args ...any) ([]CaptureRow, error) {
	rows, err := s.db.Query("SELECT c.id, c.path, c.size, ifnull(c.sha256,''), c.status, c.reason, c.packets, c.first, c.last FROM capture c "+where, args...)
	if err != nil {
		return nil, s.wrap("read the captures", err)
	}
	defer rows.Close()
	var list []CaptureRow
	for rows.Next() {
		var c CaptureRow
		if err := rows.Scan(&c.ID, &c.Path, &c.Size, &c.SHA256, &c.Status, &c.Reason, &c.Packets, &c.First, &c.Last); err != nil {
			return nil, s.wrap("read the captures", err)
		}
		list = append(list, c)
	}
	return list, s.wrap("read the captures", rows.Err())
}
