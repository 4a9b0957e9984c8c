package store

import "fmt"

// Lock keeps other processes from writing what the same sensor saw until the
// store is closed: two runs of one sensor at once would count frames twice and
// each would lose how the other's alerts grew. It does not wait: where another
// process has the lock, the error is ErrTaken. BeginRun and ResumeRun take it;
// who decides by what the store holds whether to begin takes it before.
//
// Edits of lists need no lock. A process that dies leaves none.
func (s *Store) Lock(site, sensor string) error {
	var id int64
	err := s.transact("lock", func(w *writer) (err error) {
		id, err = w.sensor(site, sensor)
		return err
	})
	if err != nil {
		return err
	}
	return s.lock(id, site, sensor)
}

// lock is Lock for the sensor's id.
func (s *Store) lock(id int64, site, sensor string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken, err := s.locks.take(s.path+"-lock", id)
	switch {
	case err != nil:
		return fmt.Errorf("%s: lock: %w", s.path, err)
	case taken:
		return fmt.Errorf("%s: %w as sensor %q of site %q: let it end, or give this one another name with --sensor", s.path, ErrTaken, sensor, site)
	}
	return nil
}
