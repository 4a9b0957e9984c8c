package store

import (
	"bufio"
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"osect/detect"
	"osect/observe"
)

// TestMain lets the test binary be the other process: told by the environment, it
// commits to a store until it is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("OSECT_TEST_COMMIT"); path != "" {
		if err := commitForEver(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

var small = load{connections: 40, edges: 60, operations: 30, addresses: 20, events: 5}

// commitForEver commits minutes, two a transaction with an alert each, and prints the last one's number behind each.
func commitForEver(path string) error {
	s, err := Open(path, Options{Create: true})
	if err != nil {
		return err
	}
	run, err := s.BeginRun(RunSpec{Site: "plant", Sensor: "one", Captures: []CaptureRow{{Path: "a"}, {Path: "b"}}})
	if err != nil {
		return err
	}
	for n := 0; ; n += 2 {
		b := &Batch{Run: run, Minutes: []*observe.Minute{small.minute(n), small.minute(n + 1)}, Hash: fmt.Append(nil, n+2),
			Alerts: []detect.Alert{{ID: fmt.Sprintf("%012d", n), Kind: detect.OTIP}, {ID: fmt.Sprintf("%012d", n+1), Kind: detect.OTIP}}}
		if _, err := s.Commit(b); err != nil {
			return err
		}
		fmt.Println(n + 2)
	}
}

// countOf counts the rows of a table, those in blocks one by one.
func countOf(table string) string {
	if slices.Contains(blockTables, table) {
		return "ifnull(sum(count), 0)"
	}
	return "count(*)"
}

func TestKillLeavesACommitBoundary(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 2, 5, 17, 40} {
		path := filepath.Join(t.TempDir(), "osect.db")
		c := exec.Command(self)
		c.Env = append(os.Environ(), "OSECT_TEST_COMMIT="+path)
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		told := 0
		for lines := bufio.NewScanner(out); told/2 < after && lines.Scan(); {
			fmt.Sscan(lines.Text(), &told)
		}
		// Somewhere in the next transaction.
		c.Process.Signal(syscall.SIGKILL)
		c.Wait()

		s, err := Open(path, Options{})
		if err != nil {
			t.Fatalf("after %d commits: %v", after, err)
		}
		if err := s.Check(ctx); err != nil {
			t.Errorf("after %d commits: %v", after, err)
		}
		run, err := s.UnfinishedRun()
		if err != nil || run == nil {
			t.Fatalf("after %d commits: run %v, %v", after, run, err)
		}
		if int(run.Seq) < told || run.Seq%2 != 0 || string(run.Hash) != fmt.Sprint(run.Seq) {
			t.Errorf("after %d commits: progress %d (%s), told %d", after, run.Seq, run.Hash, told)
		}
		n := s.count(t, "SELECT count(*) FROM alert")
		for table, each := range map[string]int64{"minute": 1, "connection_minute": 40, "edge_minute": 60, "operation_minute": 30, "address_minute": 20, "event": 5, "alert": 1} {
			if got := s.count(t, "SELECT "+countOf(table)+" FROM "+table); got != each*int64(run.Seq) {
				t.Errorf("after %d commits: %d rows of %s, %d minutes, %d alerts", after, got, table, run.Seq, n)
			}
		}
		// And it goes on where it was.
		m := small.minute(int(run.Seq))
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{m}})
		s.Close()
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := newStore(t)
	run := newRun(t, good)
	commit(t, good, &Batch{Run: run, Minutes: []*observe.Minute{full.minute(0)}})
	good.Close()
	b, err := os.ReadFile(good.path)
	if err != nil {
		t.Fatal(err)
	}
	sqliteFile := func(name string, statements ...string) string {
		path := filepath.Join(dir, name)
		db, err := sql.Open("sqlite3", path)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, q := range statements {
			if _, err := db.Exec(q); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	for _, x := range []struct {
		name, path string
		want       error
	}{
		{"missing", filepath.Join(dir, "none.db"), ErrMissing},
		{"empty", write("empty.db", nil), ErrNotAStore},
		{"text", write("text.db", []byte("this is no store\n")), ErrNotAStore},
		{"directory", dir, ErrNotAStore},
		{"another program's SQLite file", sqliteFile("other.db", "CREATE TABLE x (a)"), ErrNotAStore},
		{"newer", sqliteFile("newer.db", fmt.Sprintf("PRAGMA application_id=%d", applicationID), "PRAGMA user_version=1000", "CREATE TABLE x (a)"), ErrNewer},
		{"header only", write("cut.db", b[:100]), nil},
		{"noise behind the header", write("noise.db", append(bytes.Clone(b[:100]), bytes.Repeat([]byte{0x5a}, len(b)-100)...)), ErrCorrupt},
	} {
		s, err := Open(x.path, Options{})
		if err == nil {
			s.Close()
			t.Errorf("%s: opened", x.name)
			continue
		}
		if x.want != nil && !errors.Is(err, x.want) || !BadInput(err) && x.want != nil {
			t.Errorf("%s: %v: want %v", x.name, err, x.want)
		}
		if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), x.path) {
			t.Errorf("%s: no clear line: %v", x.name, err)
		}
		if after, err := os.ReadFile(x.path); x.name == "text" && (err != nil || string(after) != "this is no store\n") {
			t.Errorf("%s: the file was changed", x.name)
		}
	}

	// Corrupt pages: whatever is read of it, an error or right rows, never a panic; Check tells.
	for _, page := range []int{1, 5, 20, len(b)/pageSize - 2} {
		bad := bytes.Clone(b)
		copy(bad[page*pageSize:], bytes.Repeat([]byte{0xee}, pageSize))
		s, err := Open(write(fmt.Sprintf("page%d.db", page), bad), Options{})
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Errorf("page %d: %v", page, err)
			}
			continue
		}
		if err := s.Check(ctx); !errors.Is(err, ErrCorrupt) {
			t.Errorf("page %d: check says %v", page, err)
		}
		failed := 0
		for _, ask := range []func() error{
			func() error { _, _, err := s.Flows(ctx, Filter{}); return err },
			func() error { _, err := s.DeviceInput(ctx, Filter{}); return err },
			func() error { return s.Dump(ctx, io.Discard) },
			func() error {
				return s.Minutes(ctx, Filter{}, func(string, string, *observe.Minute) error { return nil })
			},
		} {
			if err := ask(); err != nil {
				failed++
				if !errors.Is(err, ErrCorrupt) {
					t.Errorf("page %d: %v", page, err)
				}
			}
		}
		t.Logf("page %d: %d of 4 queries met it", page, failed)
		s.Close()
	}
}

func TestGoneUnderTheProcess(t *testing.T) {
	for name, break_ := range map[string]func(path string) error{
		"removed": os.Remove,
		"cut":     func(path string) error { return os.Truncate(path, 0) },
		"replaced": func(path string) error {
			if err := os.Rename(path, path+".old"); err != nil {
				return err
			}
			return os.WriteFile(path, []byte("x"), 0o600)
		},
	} {
		s := newStore(t)
		run := newRun(t, s)
		commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{small.minute(0)}})
		if err := break_(s.path); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Commit(&Batch{Run: run, Minutes: []*observe.Minute{small.minute(1)}}); !errors.Is(err, ErrGone) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// mount mounts a small tmpfs and skips where that cannot be done.
func mount(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if os.Geteuid() != 0 {
		t.Skip("unprivileged")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("unmountable")
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(mount(t, "6m"), "osect.db")
	s, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	run := newRun(t, s)
	n := 0
	for ; n < 1000; n++ {
		if _, err = s.Commit(&Batch{Run: run, Minutes: []*observe.Minute{full.minute(n)}}); err != nil {
			break
		}
	}
	if !errors.Is(err, ErrFull) {
		t.Fatalf("minute %d: %v", n, err)
	}
	if BadInput(err) {
		t.Error("a full disk is no bad input")
	}
	check := func(s *Store) {
		t.Helper()
		if got := s.count(t, "SELECT count(*) FROM minute"); n == 0 || got != int64(n) {
			t.Errorf("%d minutes, %d were committed", got, n)
		}
		if err := s.Check(ctx); err != nil {
			t.Error(err)
		}
	}
	check(s)
	if _, err = s.Commit(&Batch{Run: run, Minutes: []*observe.Minute{full.minute(n)}}); !errors.Is(err, ErrFull) {
		t.Errorf("again: %v", err)
	}
	// With room again it goes on.
	if err := syscall.Mount("tmpfs", filepath.Dir(path), "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{full.minute(n)}})
	n++
	check(s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyDirectory(t *testing.T) {
	dir := mount(t, "16m")
	path := filepath.Join(dir, "osect.db")
	s, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	run := newRun(t, s)
	commit(t, s, &Batch{Run: run, Minutes: []*observe.Minute{small.minute(0)}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	r, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if flows, _, err := r.Flows(ctx, Filter{}); err != nil || len(flows) != 40 {
		t.Errorf("%d flows, %v", len(flows), err)
	}
	if err := r.SetSetting("a", "b"); err == nil || BadInput(err) {
		t.Errorf("written: %v", err)
	}
	r.Close()
	if _, err := Open(filepath.Join(dir, "new.db"), Options{Create: true}); err == nil || BadInput(err) {
		t.Errorf("created in a read-only directory: %v", err)
	}
}

func TestReadOnlyNeverWrites(t *testing.T) {
	s := newStore(t)
	r, err := Open(s.path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.SetSetting("a", "b"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("written: %v", err)
	}
	// What another process writes is seen.
	if err := s.SetSetting("a", "b"); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Settings(ctx); err != nil || got["a"] != "b" {
		t.Errorf("%v %v", got, err)
	}
	// The last one to close, a reader too, leaves one file.
	if err := errors.Join(s.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	if files, err := filepath.Glob(s.path + "*"); err != nil || len(files) != 1 {
		t.Errorf("left: %v %v", files, err)
	}
}

func TestBusy(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	t.Parallel()
	s := newStore(t)
	o := other(t, s)
	tx, err := o.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetSetting("a", "b"); !errors.Is(err, ErrBusy) || BadInput(err) {
		t.Errorf("while another writes: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.SetSetting("a", "b"); err != nil {
		t.Error(err)
	}
}

// TestUpgradeFromEachVersion makes a store of each earlier version by its own
// steps, and one of this version that a coming step upgrades.
func TestUpgradeFromEachVersion(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	next := append(append([]string{}, steps...), "CREATE TABLE later (a); INSERT INTO later SELECT count(*) FROM minute;")
	for version := 1; version <= len(steps); version++ {
		path := filepath.Join(t.TempDir(), "old #1?.db") // a path that is no plain URI
		old := &Store{path: path}
		if old.db, err = open(path, "mode=rwc"); err != nil {
			t.Fatal(err)
		}
		if _, err := old.db.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA journal_mode=WAL", applicationID)); err != nil {
			t.Fatal(err)
		}
		if err := old.migrate(0, steps[:version]); err != nil {
			t.Fatal(err)
		}
		if old.Upgraded != "" {
			t.Error("a copy of a new store was kept")
		}
		if _, err := old.db.Exec("INSERT INTO minute VALUES (1,1,1,5,6,7,0,0,0)"); err != nil {
			t.Fatal(err)
		}
		if err := old.Close(); err != nil {
			t.Fatal(err)
		}
		if version < len(steps) {
			if _, err := Open(path, Options{ReadOnly: true}); !errors.Is(err, ErrOlder) {
				t.Errorf("version %d, read only: %v", version, err)
			}
		}
		s, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.migrate(len(steps), next); err != nil {
			t.Fatal(err)
		}
		if got := s.count(t, "SELECT a FROM later"); got != 1 {
			t.Errorf("version %d: upgraded to %d", version, got)
		}
		kept, err := Open(s.Upgraded, Options{})
		if err != nil {
			t.Fatalf("the copy: %v", err)
		}
		if got := kept.count(t, "SELECT packets FROM minute"); got != 5 {
			t.Errorf("the copy holds %d", got)
		}
		kept.Close()
		// A step that fails leaves the version before.
		bad := append(append([]string{}, next...), "CREATE TABLE half (a); INSERT INTO none VALUES (1);")
		if err := s.migrate(len(next), bad); err == nil {
			t.Error("a bad step went through")
		}
		if got := s.count(t, "PRAGMA user_version"); got != int64(len(next)) {
			t.Errorf("behind a bad step the version is %d", got)
		}
		if got := s.count(t, "SELECT count(*) FROM sqlite_schema WHERE name='half'"); got != 0 {
			t.Error("half a step was kept")
		}
		// To this osect it is newer now.
		s.Close()
		if _, err := Open(path, Options{}); !errors.Is(err, ErrNewer) {
			t.Errorf("newer: %v", err)
		}
	}
}

// TestUpgradeToBlocks: a store of version 4, whose minutes, hours and connections are rows, says the same behind the upgrade.
func TestUpgradeToBlocks(t *testing.T) {
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	now := newStore(t)
	run := newRun(t, now)
	for _, n := range []int{-1, 0, 1, 59, 60, 61, 200, 300, 301} {
		m := load{30, 40, 30, 20, 5}.minute(n)
		for i := range m.Connections[:3] {
			m.Connections[i].Last += 2 * longFlow
		}
		m.Connections[4].InnerVLAN = 7
		m.Facts = []observe.Fact{{IP: ip(n & 3), Kind: "hostname", Value: "x", Source: "dhcp", First: m.Start, Last: m.Start + 1}}
		commit(t, now, &Batch{Run: run, Minutes: []*observe.Minute{m}})
	}
	if _, err := now.Prune(ctx, t0+2*hourLength, Retention{Minutes: 1}); err != nil { // some hours without minutes
		t.Fatal(err)
	}

	path := filepath.Join(t.TempDir(), "old.db")
	old := &Store{path: path}
	if old.db, err = open(path, "mode=rwc"); err != nil {
		t.Fatal(err)
	}
	if _, err := old.db.Exec(fmt.Sprintf("PRAGMA application_id=%d; PRAGMA journal_mode=WAL", applicationID)); err != nil {
		t.Fatal(err)
	}
	if err := old.migrate(0, steps[:blocksVersion-1]); err != nil {
		t.Fatal(err)
	}
	exec := func(q string, args ...any) {
		if _, err := old.db.Exec(q, args...); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	old.db.SetMaxOpenConns(1)
	exec("ATTACH ? AS n", now.path)
	for _, table := range []string{"site", "sensor", "end", "text", "edge", "operation", "address", "minute", "minute_counter", "pending", "kept", "event", "edge_total", "operation_total", "capture", "run", "run_capture"} {
		exec("INSERT INTO main." + table + " SELECT * FROM n." + table)
	}
	exec("INSERT INTO main.fact SELECT sensor, ip, mac, kind, value, source, first, last, capture, number FROM n.fact")
	exec("DETACH n")
	exec("BEGIN")
	insert := func(table string, v ...int64) {
		args := make([]any, len(v))
		for i := range v {
			args[i] = v[i]
		}
		exec("INSERT INTO "+table+" VALUES ("+strings.TrimSuffix(strings.Repeat("?,", len(v)), ",")+")", args...)
	}
	counted := 0
	for _, g := range grains {
		for _, hours := range []bool{false, true} {
			unit, length, _ := g.unit(hours)
			err := now.blocks(ctx, g, &Filter{}, piece{hours, -never * 60, never * 60}, nil, func(start, sensor int64, rows []int64, width int) error {
				for ; len(rows) > 0; rows = rows[width:] {
					insert(g.name+"_"+unit, append([]int64{floorDiv(start, length), sensor}, rows[:width]...)...)
					counted++
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	err = now.connections(ctx, &Filter{}, false, nil, func(list []connection) (bool, error) {
		for _, c := range list {
			insert("connection", append([]int64{c.v[cFirst], c.sensor}, c.v[cID:]...)...)
			counted++
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	exec("UPDATE connection SET inner_vlan=NULL WHERE inner_vlan=-1")
	exec("COMMIT")
	if counted < 500 {
		t.Fatalf("only %d rows", counted)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	var want, got bytes.Buffer
	if err := now.Dump(ctx, &want); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Dump(ctx, &got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("the upgraded store's dump differs: %d bytes, want %d", got.Len(), want.Len())
	}
	if n := s.count(t, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'old%'"); n != 0 {
		t.Errorf("%d old tables are left", n)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
}
