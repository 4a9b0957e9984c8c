package store

import (
	"path/filepath"
	"testing"
	"time"
)

// Several sensors of one store may be started at once, before it is there: while one writes, another goes over to WAL.
func TestGoesOverToWALWhileAnotherWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "o.db")
	db, err := open(path, "mode=rwc")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA application_id=1"); err != nil {
		t.Fatal(err)
	}
	other, err := open(path, "mode=rw")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin() // immediate: the lock is taken here
	if err != nil {
		t.Fatal(err)
	}
	const wal = "PRAGMA journal_mode=WAL"
	if _, err := db.Exec(wal); err == nil {
		t.Error("SQLite waits by itself now: insist is not needed")
	}
	ended := make(chan error, 1)
	time.AfterFunc(100*time.Millisecond, func() { ended <- tx.Rollback() })
	s := &Store{path: path, db: db}
	if err := s.insist(wal); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
