package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"io"
	"strings"

	"osect/decode"
	"osect/observe"
	"osect/store/bulk"

	"github.com/mattn/go-sqlite3"
)

// maxCached is the most entries of half of a dictionary's cache.
const maxCached = 1 << 15

// maxSpare is how many minutes' rows of connections are kept to be used again.
const maxSpare = 8

// writer is the one connection that writes minutes: its statements stay
// prepared and its dictionaries cached. It talks to the driver directly: what
// database/sql adds a value costs as much as SQLite's insert of it.
type writer struct {
	hold  *sql.Conn // keeps c out of the pool
	c     *sqlite3.SQLiteConn
	stmts map[string]*sqlite3.SQLiteStmt
	bound []driver.NamedValue // args as the driver wants them; used again

	rows   []int64 // of a block being made; used again, as all of these
	packed []byte  // the block
	ids    []byID
	keys   []sortKey
	spare  [][]int64 // rows of connections

	ends       cache[decode.Addr]
	texts      cache[string]
	edges      cache[edgeKey]
	operations cache[operationKey]
	addresses  cache[addressKey]
	toldBy     int64 // the sensor of told
	told       map[factKey]knownFact

	evidenceBytes int64 // in the table evidence; -1 where it is not known

	// seen are the lists' generations, removed the last removal, that the caller knows.
	seen    map[string]int64
	removed int64
}

// edgeKey, operationKey and addressKey are the rows of the dictionaries.
type edgeKey struct {
	observe.EdgeKey
	clientMAC, serverMAC decode.MAC
	multicast            bool
	service              string
}

type operationKey struct {
	src, dst                               decode.Addr
	protocol, code, function, status, unit string
	direction, class, tunnel               uint8
}

type addressKey struct {
	ip     decode.Addr
	mac    decode.MAC
	vlan   uint16
	sensor int64
}

// cache maps keys to ids; the half that was not asked for lately is let go when it is full.
type cache[K comparable] struct{ young, old map[K]int64 }

func (c *cache[K]) get(k K) (int64, bool) {
	id, ok := c.young[k]
	if !ok {
		if id, ok = c.old[k]; ok {
			c.put(k, id)
		}
	}
	return id, ok
}

func (c *cache[K]) put(k K, id int64) {
	if len(c.young) >= maxCached {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = map[K]int64{}
	}
	c.young[k] = id
}

// writer gives the writing connection; s.mu is held.
func (s *Store) writer() (*writer, error) {
	if err := s.gone(); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	if s.w != nil {
		return s.w, nil
	}
	hold, err := s.db.Conn(context.Background())
	if err != nil {
		return nil, s.wrap("write", err)
	}
	w := &writer{hold: hold, evidenceBytes: -1, stmts: map[string]*sqlite3.SQLiteStmt{}}
	err = hold.Raw(func(c any) error {
		w.c = c.(*sqlite3.SQLiteConn)
		return nil
	})
	if err == nil {
		// A checkpoint each 16 MiB of WAL.
		err = w.exec(fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", 16<<20/pageSize))
	}
	if err != nil {
		hold.Close()
		return nil, s.wrap("write", err)
	}
	s.w = w
	return w, nil
}

func (w *writer) close() {
	for _, s := range w.stmts {
		s.Close()
	}
	w.hold.Close()
}

// forget empties the caches: after a rollback their ids may not exist.
func (w *writer) forget() {
	w.ends, w.texts = cache[decode.Addr]{}, cache[string]{}
	w.edges, w.operations, w.addresses = cache[edgeKey]{}, cache[operationKey]{}, cache[addressKey]{}
	w.evidenceBytes = -1
	w.told = nil
}

// transact runs do in one BEGIN IMMEDIATE transaction.
func (s *Store) transact(doing string, do func(w *writer) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.writer()
	if err != nil {
		return err
	}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return s.wrap(doing, err)
	}
	if err = do(w); err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil {
		w.forget()
		if !w.c.AutoCommit() {
			w.exec("ROLLBACK") // the first error is the one to tell
		}
		return s.wrap(doing, err)
	}
	return nil
}

func (w *writer) stmt(q string) (*sqlite3.SQLiteStmt, error) {
	if s, ok := w.stmts[q]; ok {
		return s, nil
	}
	s, err := w.c.Prepare(q)
	if err != nil {
		return nil, err
	}
	w.stmts[q] = s.(*sqlite3.SQLiteStmt)
	return w.stmts[q], nil
}

func (w *writer) bind(args []driver.Value) []driver.NamedValue {
	w.bound = w.bound[:0]
	for i, v := range args {
		w.bound = append(w.bound, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return w.bound
}

// exec runs a statement that stays prepared.
func (w *writer) exec(q string, args ...driver.Value) error {
	_, err := w.run(q, args...)
	return err
}

func (w *writer) run(q string, args ...driver.Value) (driver.Result, error) {
	s, err := w.stmt(q)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), w.bind(args))
}

// query calls row for each row; its slice is used again.
func (w *writer) query(q string, row func(v []driver.Value) error, args ...driver.Value) error {
	s, err := w.stmt(q)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), w.bind(args))
	if err != nil {
		return err
	}
	defer rows.Close()
	v := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(v); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		if err := row(v); err != nil {
			return err
		}
	}
}

// one reads the first column of the first row as an integer; found is false without a row.
func (w *writer) one(q string, args ...driver.Value) (n int64, found bool, err error) {
	err = w.query(q, func(v []driver.Value) error {
		if !found {
			n, found = v[0].(int64), true
		}
		return nil
	}, args...)
	return n, found, err
}

// bulkRows is how many rows go to SQLite at once.
const bulkRows = 8192

// table collects rows of integers for one statement, which is run for each of them.
type table struct {
	w    *writer
	q    string
	cols int
	rows []int64
}

// table begins a bulk insert of rows with cols columns.
func (w *writer) table(head string, cols int, tail string) *table {
	return w.statement(head+" VALUES ("+strings.TrimSuffix(strings.Repeat("?,", cols), ",")+") "+tail, cols)
}

// statement begins a run of the statement q with cols parameters for each row.
func (w *writer) statement(q string, cols int) *table { return &table{w: w, q: q, cols: cols} }

func (t *table) add(v ...int64) error {
	t.rows = append(t.rows, v...)
	if len(t.rows) >= t.cols*bulkRows {
		return t.flush()
	}
	return nil
}

func (t *table) flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	err := t.w.exec("SELECT bulk(?,?,?)", t.q, int64(t.cols), bulk.Rows(t.rows))
	t.rows = t.rows[:0]
	return err
}

// end gives the id of an address.
func (w *writer) end(a decode.Addr) (int64, error) {
	if id, ok := w.ends.get(a); ok {
		return id, nil
	}
	id, err := w.entry("SELECT id FROM end WHERE addr=?", "INSERT INTO end (addr) VALUES (?)", a.Bytes())
	if err == nil {
		w.ends.put(a, id)
	}
	return id, err
}

// text gives the id of a text.
func (w *writer) text(t string) (int64, error) {
	if id, ok := w.texts.get(t); ok {
		return id, nil
	}
	id, err := w.entry("SELECT id FROM text WHERE value=?", "INSERT INTO text (value) VALUES (?)", t)
	if err == nil {
		w.texts.put(t, id)
	}
	return id, err
}

// entry finds a dictionary's row or makes it.
func (w *writer) entry(find, make string, args ...driver.Value) (int64, error) {
	id, found, err := w.one(find, args...)
	if found || err != nil {
		return id, err
	}
	res, err := w.run(make, args...)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

// all resolves several ends and texts; the first error ends it.
func (w *writer) resolve(ends []decode.Addr, texts []string) ([]int64, error) {
	ids := make([]int64, 0, 8)
	for _, a := range ends {
		id, err := w.end(a)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	for _, t := range texts {
		id, err := w.text(t)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (w *writer) edge(k edgeKey) (int64, error) {
	if id, ok := w.edges.get(k); ok {
		return id, nil
	}
	ids, err := w.resolve([]decode.Addr{k.Client, k.Server}, []string{k.service})
	if err != nil {
		return 0, err
	}
	id, err := w.entry(`SELECT id FROM edge WHERE client=? AND server=? AND server_port=? AND client_port=? AND proto=?
		AND vlan=? AND tunnel=? AND client_mac=? AND server_mac=? AND multicast=? AND service=?`,
		`INSERT INTO edge (client, server, server_port, client_port, proto, vlan, tunnel, client_mac, server_mac, multicast, service)
		VALUES (?,?,?,?,?,?,?,?,?,?,?)`,
		ids[0], ids[1], int64(k.ServerPort), int64(k.ClientPort), int64(k.Proto), int64(k.VLAN), int64(k.Tunnel),
		int64(k.clientMAC), int64(k.serverMAC), boolInt(k.multicast), ids[2])
	if err == nil {
		w.edges.put(k, id)
	}
	return id, err
}

func (w *writer) operation(k operationKey) (int64, error) {
	if id, ok := w.operations.get(k); ok {
		return id, nil
	}
	ids, err := w.resolve([]decode.Addr{k.src, k.dst}, []string{k.protocol, k.code, k.function, k.status, k.unit})
	if err != nil {
		return 0, err
	}
	ids = append(ids, int64(k.direction), int64(k.class), int64(k.tunnel))
	id, err := w.entry(`SELECT id FROM operation WHERE src=? AND dst=? AND protocol=? AND code=? AND function=? AND status=?
		AND unit=? AND direction=? AND class=? AND tunnel=?`,
		`INSERT INTO operation (src, dst, protocol, code, function, status, unit, direction, class, tunnel)
		VALUES (?,?,?,?,?,?,?,?,?,?)`, values(ids)...)
	if err == nil {
		w.operations.put(k, id)
	}
	return id, err
}

// address gives the id of an address's totals; a new row's are those of nothing seen at the time first.
func (w *writer) address(k addressKey, first int64) (int64, error) {
	if id, ok := w.addresses.get(k); ok {
		return id, nil
	}
	ip, err := w.end(k.ip)
	if err != nil {
		return 0, err
	}
	id, found, err := w.one("SELECT id FROM address WHERE ip=? AND mac=? AND vlan=? AND sensor=?", ip, int64(k.mac), int64(k.vlan), k.sensor)
	if !found && err == nil {
		var res driver.Result
		res, err = w.run(`INSERT INTO address (ip, mac, vlan, sensor, evidence, ends, packets_sent, bytes_sent,
			packets_received, bytes_received, ttl, first, last) VALUES (?,?,?,?,0,0,0,0,0,0,0,?,?)`,
			ip, int64(k.mac), int64(k.vlan), k.sensor, first, first)
		if err == nil {
			id, err = res.LastInsertId()
		}
	}
	if err == nil {
		w.addresses.put(k, id)
	}
	return id, err
}

func values(ids []int64) []driver.Value {
	v := make([]driver.Value, len(ids))
	for i, id := range ids {
		v[i] = id
	}
	return v
}

// sensor gives the id of a sensor and makes it known.
func (w *writer) sensor(site, name string) (int64, error) {
	s, err := w.entry("SELECT id FROM site WHERE name=?", "INSERT INTO site (name) VALUES (?)", site)
	if err != nil {
		return 0, err
	}
	return w.entry("SELECT id FROM sensor WHERE site=? AND name=?", "INSERT INTO sensor (site, name) VALUES (?,?)", s, name)
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
