// Package store keeps what osect saw, learned and raised in one SQLite file.
//
// It knows the schema, its migrations, transactions and queries by name, and
// nothing of what the rows mean. The pipeline writes minutes (Commit); any
// other process edits lists by short transactions (AddRows, SetStatus, …) and
// reads by the queries.
//
// # What survives what
//
// The file is in WAL mode with synchronous=FULL: a commit returns after its
// pages were synced. So what was committed survives kill -9, a full disk and
// the plug being pulled (synchronous=NORMAL survives the first two, not the
// third, and a factory cabinet has no shutdown button; one sync a minute live,
// or one per grouped commit of a replay, costs nothing that can be measured). An
// upgrade of the schema is one transaction a step, after a copy was kept beside.
//
// # Numbers in the file
//
// Times are ns since 1970 UTC; inside minute and hour rows, ns since the start
// of that minute or hour. Minutes and hours are numbered since 1970 UTC.
// Counters are integers. Addresses and texts are ids of the tables end and text.
// observe.State, observe.EventKind, observe.Evidence, decode.Tunnel,
// ot.Direction and ot.Class are stored as their numbers: their order is part of
// the format, and a test holds it.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"osect/store/bulk"

	"github.com/mattn/go-sqlite3"
)

// applicationID is SQLite's application_id of a store: "osec".
const applicationID = 0x6f736563

// pageSize of a new store, bytes. A block is a chain of pages, of some 30 to 100 KB: of large pages it takes a few.
const pageSize = 16384

// busyTimeout is how long an access waits for another process's transaction, ms.
const busyTimeout = 5000

// The kinds of failure that callers tell apart with errors.Is. ErrNotAStore,
// ErrNewer, ErrOlder, ErrCorrupt and ErrMissing mean bad input (exit status 3);
// ErrBusy, ErrTaken, ErrFull and everything else that the system failed (4).
var (
	ErrMissing   = errors.New("there is no store")
	ErrNotAStore = errors.New("not an osect store")
	ErrNewer     = errors.New("the store was written by a newer osect")
	ErrOlder     = errors.New("the store was written by an older osect and can only be upgraded when opened for writing")
	ErrCorrupt   = errors.New("the store is damaged")
	ErrBusy      = errors.New("the store is in use by another process")
	// ErrTaken: another process writes as the same sensor (Lock).
	ErrTaken    = errors.New("another osect is writing into it")
	ErrFull     = errors.New("no space left for the store")
	ErrReadOnly = errors.New("the store cannot be written")
	// ErrGone: the file was removed, replaced or cut under the process.
	ErrGone = errors.New("the store's file was removed, replaced or cut while in use")
	// ErrNotFound: no such alert, row, run, sensor.
	ErrNotFound = errors.New("not found")
	// ErrChanged: a run cannot be resumed with other captures or settings.
	ErrChanged = errors.New("changed since the run began")
)

// BadInput says whether err is about what the user gave (exit status 3) and
// not about the system (4).
func BadInput(err error) bool {
	for _, e := range []error{ErrMissing, ErrNotAStore, ErrNewer, ErrOlder, ErrCorrupt, ErrNotFound, ErrChanged} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Options for Open. The zero value opens an existing store for reading and writing.
type Options struct {
	// ReadOnly changes nothing: no upgrade, no edits. It works in a directory
	// that cannot be written.
	ReadOnly bool
	// Create makes the store where there is none (or an empty file).
	Create bool
}

// Store is an open store. Its methods may be called from several goroutines; one
// transaction writes at a time.
type Store struct {
	path string
	db   *sql.DB
	info os.FileInfo  // of the file that was opened
	size atomic.Int64 // the most bytes that the file was seen with: it never shrinks
	// Upgraded names the copy that was kept of an older store, "" where
	// nothing was upgraded.
	Upgraded string

	seen func(q string, args []any) // a test's view of the queries

	mu    sync.Mutex // held by writers
	w     *writer    // nil until the first write
	locks locks
}

// Open opens the store at path.
func Open(path string, o Options) (*Store, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !o.Create:
		return nil, fmt.Errorf("%s: %w: give --db or make one with osect replay", path, ErrMissing)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("store: %w", err)
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: %w: it is no regular file", path, ErrNotAStore)
	case err == nil && info.Size() == 0 && !o.Create:
		return nil, fmt.Errorf("%s: %w: the file is empty", path, ErrNotAStore)
	}
	fresh := err != nil || info.Size() == 0
	if !fresh {
		if err := sniff(path); err != nil {
			return nil, err
		}
	}
	s := &Store{path: path}
	mode := "rw"
	switch {
	case o.ReadOnly:
		// Not mode=ro: such a connection makes WAL files that it cannot clear away.
		mode = "rw&_query_only=1"
	case fresh:
		mode = "rwc"
	}
	if s.db, err = open(path, "mode="+mode); err != nil {
		return nil, s.wrap("open", err)
	}
	if err := s.prepare(o, fresh); err != nil {
		s.db.Close()
		return nil, err
	}
	if s.info, err = os.Stat(path); err != nil {
		s.db.Close()
		return nil, s.wrap("open", err)
	}
	s.size.Store(s.info.Size())
	return s, nil
}

// sniff says early and plainly that a file is no SQLite file.
func sniff(path string) error {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%s: no permission to read the store: %w", path, err)
		}
		return fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	const magic = "SQLite format 3\x00"
	b := make([]byte, len(magic))
	if n, _ := f.ReadAt(b, 0); string(b[:n]) != magic {
		return fmt.Errorf("%s: %w: its first bytes are none of SQLite's", path, ErrNotAStore)
	}
	return nil
}

// open returns a pool whose connections have the pragmas of this package.
func open(path, query string) (*sql.DB, error) {
	if err := bulk.Register(); err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	u.RawQuery = fmt.Sprintf("%s&_busy_timeout=%d&_synchronous=FULL&_txlock=immediate&_cache_size=-4000", query, busyTimeout)
	db, err := sql.Open("sqlite3", u.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

// prepare checks what was opened, and creates or upgrades the schema.
func (s *Store) prepare(o Options, fresh bool) error {
	if fresh {
		// The page size must be set before the file has pages, WAL after.
		for _, q := range []string{fmt.Sprintf("PRAGMA page_size=%d", pageSize),
			fmt.Sprintf("PRAGMA application_id=%d", applicationID), "PRAGMA journal_mode=WAL"} {
			if err := s.insist(q); err != nil {
				return s.wrap("create", err)
			}
		}
	}
	var app, version int
	if err := s.db.QueryRow("PRAGMA application_id").Scan(&app); err != nil {
		if o.ReadOnly && cantOpen(err) {
			// A WAL database in a directory that cannot be written: without a WAL file it
			// holds everything itself, and nobody can change it.
			if wal, e := os.Stat(s.path + "-wal"); e != nil || wal.Size() == 0 {
				s.db.Close()
				if s.db, err = open(s.path, "mode=ro&immutable=1"); err != nil {
					return s.wrap("open", err)
				}
				err = s.db.QueryRow("PRAGMA application_id").Scan(&app)
			}
		}
		if err != nil {
			return s.wrap("open", err)
		}
	}
	if app != applicationID {
		return fmt.Errorf("%s: %w: an SQLite file of something else", s.path, ErrNotAStore)
	}
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return s.wrap("open", err)
	}
	steps, err := migrations()
	if err != nil {
		return err
	}
	switch {
	case version > len(steps):
		return fmt.Errorf("%s: %w: its version is %d, this osect knows up to %d: use the newer osect", s.path, ErrNewer, version, len(steps))
	case version < len(steps) && o.ReadOnly:
		return fmt.Errorf("%s: %w (version %d, now %d)", s.path, ErrOlder, version, len(steps))
	case version < len(steps):
		if err := s.migrate(version, steps); err != nil || !fresh {
			return err
		}
		// The steps leave pages of tables that they dropped. Only to be tidy: where another process has opened it, they stay.
		s.db.Exec("VACUUM")
	}
	return nil
}

// insist runs a statement as long as another process is in the way, busyTimeout at most: SQLite does not wait for one that
// has a write begun while it goes over to WAL.
func (s *Store) insist(statement string) error {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err := s.db.Exec(statement)
		var e sqlite3.Error
		if err == nil || !errors.As(err, &e) || e.Code != sqlite3.ErrBusy || time.Since(begin) > busyTimeout*time.Millisecond {
			return err
		}
	}
}

// Path is the path that the store was opened with.
func (s *Store) Path() string { return s.path }

// Size is the number of bytes of the store's files.
func (s *Store) Size() int64 {
	var n int64
	for _, suffix := range []string{"", "-wal"} {
		if i, err := os.Stat(s.path + suffix); err == nil {
			n += i.Size()
		}
	}
	return n
}

// Close closes the store; the last one to close it folds the WAL into the file.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.w != nil {
		s.w.close()
		s.w = nil
	}
	err := s.wrap("close", s.db.Close())
	s.locks.close()
	return err
}

// Check reads every page and says what is wrong, for osect doctor.
func (s *Store) Check(ctx context.Context) error {
	rows, err := s.db.QueryContext(ctx, "PRAGMA integrity_check(10)")
	if err != nil {
		return s.wrap("check", err)
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return s.wrap("check", err)
		}
		if line != "ok" {
			wrong = append(wrong, line)
		}
	}
	if err := rows.Err(); err != nil {
		return s.wrap("check", err)
	}
	if wrong != nil {
		return fmt.Errorf("%s: %w: %s", s.path, ErrCorrupt, strings.Join(wrong, "; "))
	}
	return s.checkBlocks(ctx)
}

// checkBlocks reads every block: SQLite does not see what is wrong inside one.
func (s *Store) checkBlocks(ctx context.Context) error {
	check := func(table string, width int) error {
		var rows []int64
		var count int64
		var packed sql.RawBytes
		return s.each(ctx, "check "+table, "SELECT count, rows FROM "+table, nil, func(scan func(...any) error) error {
			err := scan(&count, &packed)
			if err == nil {
				rows, err = unpack(rows, packed, count, width)
			}
			return s.wrap("check "+table, err)
		})
	}
	for _, g := range grains {
		for _, hours := range []bool{false, true} {
			unit, _, width := g.unit(hours)
			if err := check(g.name+"_"+unit, width); err != nil {
				return err
			}
		}
	}
	return check("connection_minute", cWidth)
}

// Copy writes a compact copy of the store to a new file, while others go on
// reading and writing it.
func (s *Store) Copy(ctx context.Context, path string) error {
	_, err := s.db.ExecContext(ctx, "VACUUM INTO ?", path)
	return s.wrap("copy to "+path, err)
}

// isFull says whether a system error means that there is no room.
func isFull(e syscall.Errno) bool { return e == syscall.ENOSPC || e == syscall.EDQUOT }

func cantOpen(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && (e.Code == sqlite3.ErrCantOpen || e.Code == sqlite3.ErrReadonly)
}

// wrap names the store and turns SQLite's codes into this package's errors.
func (s *Store) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("%s: %s: %w", s.path, doing, err)
	}
	if e.Code == sqlite3.ErrIoErr || e.Code == sqlite3.ErrCorrupt || e.Code == sqlite3.ErrNotADB || e.Code == sqlite3.ErrReadonly {
		if gone := s.gone(); gone != nil {
			return fmt.Errorf("%s: %s: %w (%v)", s.path, doing, gone, err)
		}
	}
	kind := map[sqlite3.ErrNo]error{
		sqlite3.ErrCorrupt: ErrCorrupt, sqlite3.ErrNotADB: ErrNotAStore,
		sqlite3.ErrBusy: ErrBusy, sqlite3.ErrLocked: ErrBusy,
		sqlite3.ErrFull: ErrFull, sqlite3.ErrReadonly: ErrReadOnly, sqlite3.ErrPerm: ErrReadOnly,
	}[e.Code]
	switch {
	case kind != nil:
		return fmt.Errorf("%s: %s: %w (%v)", s.path, doing, kind, err)
	case e.Code == sqlite3.ErrIoErr && e.SystemErrno != 0:
		if isFull(e.SystemErrno) {
			return fmt.Errorf("%s: %s: %w (%v)", s.path, doing, ErrFull, err)
		}
		return fmt.Errorf("%s: %s: %w (%w)", s.path, doing, err, e.SystemErrno)
	case e.Code == sqlite3.ErrCantOpen:
		return fmt.Errorf("%s: %s: the file or its directory %s cannot be opened or written (%w)", s.path, doing, filepath.Dir(s.path), err)
	}
	return fmt.Errorf("%s: %s: %w", s.path, doing, err)
}

// gone says whether the file that was opened is no longer what the path names, or was cut.
func (s *Store) gone() error {
	if s.info == nil {
		return nil
	}
	now, err := os.Stat(s.path)
	if err != nil || !os.SameFile(now, s.info) || now.Size() < s.size.Load() {
		return ErrGone
	}
	s.size.Store(now.Size())
	return nil
}
