package store

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrations gives the steps in order; step i makes version i+1.
func migrations() ([]string, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var steps []string
	for i, name := range names {
		if want := fmt.Sprintf("migrations/%04d.sql", i+1); name != want {
			return nil, fmt.Errorf("store: migration %s: want %s", name, want)
		}
		b, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		steps = append(steps, string(b))
	}
	return steps, nil
}

// migrate takes the steps behind version from, each in a transaction of its own.
// Of a store that holds something a copy is kept beside first: PATH.v1 of a store of version 1.
func (s *Store) migrate(from int, steps []string) error {
	if from > 0 {
		copied := fmt.Sprintf("%s.v%d", s.path, from)
		if _, err := os.Lstat(copied); err == nil {
			// An upgrade that was broken off left its copy: the older state, complete or not.
			if err := os.Remove(copied); err != nil {
				return fmt.Errorf("%s: upgrade: %w", s.path, err)
			}
		}
		if _, err := s.db.Exec("VACUUM INTO ?", copied); err != nil {
			os.Remove(copied)
			return s.wrap("copy before the upgrade to "+copied, err)
		}
		s.Upgraded = copied
	}
	for v := from; v < len(steps); v++ {
		tx, err := s.db.Begin()
		if err != nil {
			return s.wrap("upgrade", err)
		}
		var now int
		// Another process may have been faster.
		if err = tx.QueryRow("PRAGMA user_version").Scan(&now); err == nil && now <= v {
			if _, err = tx.Exec(steps[v]); err == nil {
				_, err = tx.Exec(fmt.Sprintf("PRAGMA user_version=%d", v+1))
			}
		}
		if err != nil {
			tx.Rollback()
			return s.wrap(fmt.Sprintf("upgrade to version %d", v+1), err)
		}
		if err := tx.Commit(); err != nil {
			return s.wrap(fmt.Sprintf("upgrade to version %d", v+1), err)
		}
	}
	return nil
}
