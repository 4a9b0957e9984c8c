package store

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"
	"sync"

	"osect/observe"
)

// joining says how the values of a column of two rows of one id become one.
type joining uint8

const (
	adding joining = iota
	oring
	highest
)

// grain is one of the things that are kept by minute and by hour, a block each of a sensor: rows of
// integers, sorted by id, each id once: the id in its dictionary, columns, first, last (ns since the
// start of the minute or hour), and in minutes the frame reference of first: capture, number.
type grain struct {
	name    string // of its dictionary
	columns []string
	joins   []joining // of the columns
	// total says that there is a table of sums of all hours; else the dictionary holds them.
	total bool
}

var (
	edgeGrain = &grain{"edge", []string{"packets_out", "bytes_out", "packets_in", "bytes_in", "opened", "failed", "answered"},
		[]joining{adding, adding, adding, adding, adding, adding, highest}, true}
	operationGrain = &grain{"operation", []string{"count"}, []joining{adding}, true}
	addressGrain   = &grain{"address", []string{"evidence", "ends", "packets_sent", "bytes_sent", "packets_received", "bytes_received", "ttl"},
		[]joining{oring, oring, adding, adding, adding, adding, highest}, false}
	grains = []*grain{edgeGrain, operationGrain, addressGrain}
)

// hourWidth and minuteWidth are the columns of a row.
func (g *grain) hourWidth() int   { return len(g.columns) + 3 }
func (g *grain) minuteWidth() int { return len(g.columns) + 5 }

// unit is the name, the length in ns and the rows' width of hours, or of minutes.
func (g *grain) unit(hours bool) (string, int64, int) {
	if hours {
		return "hour", hourLength, g.hourWidth()
	}
	return "minute", observe.MinuteLength, g.minuteWidth()
}

// join adds row b to row a of the same id and width. The frame reference is that of the earlier first.
func (g *grain) join(a, b []int64) {
	for i, how := range g.joins {
		switch x := &a[1+i]; how {
		case adding:
			*x += b[1+i]
		case oring:
			*x |= b[1+i]
		case highest:
			*x = max(*x, b[1+i])
		}
	}
	first, last := 1+len(g.joins), 2+len(g.joins)
	if b[first] < a[first] {
		a[first] = b[first]
		copy(a[last+1:], b[last+1:])
	}
	a[last] = max(a[last], b[last])
}

// merged makes rows of two lists that are sorted by id: each id once, of both the earlier list's before.
func (g *grain) merged(a, b []int64, width int) []int64 {
	out := make([]int64, 0, len(a)+len(b))
	add := func(row []int64) {
		if n := len(out) - width; n >= 0 && out[n] == row[0] {
			g.join(out[n:], row)
		} else {
			out = append(out, row...)
		}
	}
	for len(a) > 0 || len(b) > 0 {
		if len(b) == 0 || len(a) > 0 && a[0] <= b[0] {
			add(a[:width])
			a = a[width:]
		} else {
			add(b[:width])
			b = b[width:]
		}
	}
	return out
}

// block reads the rows of one block; none where there is no such block.
func (w *writer) block(g *grain, hours bool, number, sensor int64) (rows []int64, err error) {
	unit, _, width := g.unit(hours)
	err = w.query("SELECT count, rows FROM "+g.name+"_"+unit+" WHERE "+unit+"=? AND sensor=?", func(v []driver.Value) (err error) {
		rows, err = unpack(nil, v[1].([]byte), v[0].(int64), width)
		return err
	}, number, sensor)
	return rows, err
}

// putBlock writes a block in the place of the one that is there.
func (w *writer) putBlock(g *grain, hours bool, number, sensor int64, rows []int64) error {
	unit, _, width := g.unit(hours)
	w.packed = pack(w.packed[:0], rows, width)
	return w.exec("INSERT OR REPLACE INTO "+g.name+"_"+unit+" VALUES (?,?,?,?)", number, sensor, int64(len(rows)/width), w.packed)
}

// addMinute adds rows of a part of a minute, sorted by id; merge says that there may be an earlier part.
func (w *writer) addMinute(g *grain, minute, sensor int64, rows []int64, merge bool) error {
	if len(rows) == 0 {
		return nil
	}
	var before []int64
	if merge {
		var err error
		if before, err = w.block(g, false, minute, sensor); err != nil {
			return err
		}
	}
	width := g.minuteWidth()
	twice := false // an id that stands twice in a part, or in both
	for i := width; i < len(rows); i += width {
		twice = twice || rows[i] == rows[i-width]
	}
	if twice || len(before) > 0 {
		rows = g.merged(before, rows, width)
	}
	return w.putBlock(g, false, minute, sensor, rows)
}

// sums adds up rows of several blocks by id.
type sums struct {
	g    *grain
	at   map[int64]int
	rows []int64 // as those of hours; times as told to add
	next int     // where the row behind the last one is: blocks are sorted, and much alike
}

func newSums(g *grain) *sums { return &sums{g: g, at: map[int64]int{}} }

// row gives the place of an id's row; ok is false where it is new, and empty but for its id.
func (s *sums) row(id int64) (row []int64, ok bool) {
	width := s.g.hourWidth()
	at := s.next
	if ok = at < len(s.rows) && s.rows[at] == id; !ok {
		if at, ok = s.at[id]; !ok {
			at = len(s.rows)
			s.at[id] = at
			s.rows = append(s.rows, id)
			s.rows = append(s.rows, make([]int64, width-1)...)
		}
	}
	s.next = at + width
	return s.rows[at : at+width], ok
}

// add adds the rows of a block, of a width, to whose times start is added.
func (s *sums) add(rows []int64, width int, start int64) {
	n := s.g.hourWidth()
	for ; len(rows) > 0; rows = rows[width:] {
		rows[n-2] += start
		rows[n-1] += start
		if to, ok := s.row(rows[0]); ok {
			s.g.join(to, rows[:n])
		} else {
			copy(to, rows[:n])
		}
	}
}

// takeOff takes what adds up in rows of hours off the sums.
func (s *sums) takeOff(rows []int64) {
	n := s.g.hourWidth()
	for ; len(rows) > 0; rows = rows[n:] {
		to, ok := s.row(rows[0])
		if !ok {
			copy(to[n-2:], rows[n-2:n])
		}
		for i, how := range s.g.joins {
			if how == adding {
				to[1+i] -= rows[1+i]
			}
		}
	}
}

// sorted gives the rows by id.
func (s *sums) sorted() []int64 {
	n := s.g.hourWidth()
	ids := make([]int64, 0, len(s.at))
	for id := range s.at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	out := make([]int64, 0, len(s.rows))
	for _, id := range ids {
		at := s.at[id]
		out = append(out, s.rows[at:at+n]...)
	}
	return out
}

// rollUp makes the hour blocks of all pending hours but those in keep, from their minutes.
func (w *writer) rollUp(keep []int64) error {
	var pending [][2]int64
	err := w.query("SELECT hour, sensor FROM pending", func(v []driver.Value) error {
		if h := v[0].(int64); !slices.Contains(keep, h) {
			pending = append(pending, [2]int64{h, v[1].(int64)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	kept, found, err := w.one("SELECT hour FROM kept WHERE grain='minute'")
	if err != nil {
		return err
	}
	for _, p := range pending {
		for _, g := range grains {
			if err := w.rollUpHour(g, p[0], p[1], found && p[0] < kept); err != nil {
				return err
			}
		}
		if err := w.joinConnections(p[0], p[1]); err != nil {
			return err
		}
		if err := w.exec("DELETE FROM pending WHERE hour=? AND sensor=?", p[0], p[1]); err != nil {
			return err
		}
	}
	return nil
}

// rollUpHour makes an hour of its minutes. Where minutes of it were let go (cut), what came since
// adds to its rows and goes the same way.
func (w *writer) rollUpHour(g *grain, hour, sensor int64, cut bool) error {
	was, err := w.block(g, true, hour, sensor)
	if err != nil {
		return err
	}
	now := newSums(g)
	width := g.minuteWidth()
	var rows []int64
	err = w.query("SELECT minute, count, rows FROM "+g.name+"_minute WHERE minute>=? AND minute<? AND sensor=?", func(v []driver.Value) (err error) {
		if rows, err = unpack(rows, v[2].([]byte), v[1].(int64), width); err == nil {
			now.add(rows, width, (v[0].(int64)-hour*60)*observe.MinuteLength)
		}
		return err
	}, hour*60, hour*60+60, sensor)
	if err != nil {
		return err
	}
	list := now.sorted()
	if cut {
		list = g.merged(was, list, g.hourWidth())
		if err := w.exec("DELETE FROM "+g.name+"_minute WHERE minute>=? AND minute<? AND sensor=?", hour*60, hour*60+60, sensor); err != nil {
			return err
		}
	}
	if len(list) > 0 {
		err = w.putBlock(g, true, hour, sensor, list)
	} else {
		err = w.exec("DELETE FROM "+g.name+"_hour WHERE hour=? AND sensor=?", hour, sensor)
	}
	if err != nil || !g.total {
		return err
	}
	if !cut {
		now.takeOff(was) // what was added for it before
	}
	return w.addTotals(g, hour, sensor, now.sorted())
}

// addTotals adds rows of an hour, or what changed in it, to the totals.
func (w *writer) addTotals(g *grain, hour, sensor int64, rows []int64) error {
	var merge []string
	for i, c := range g.columns {
		merge = append(merge, fmt.Sprintf([]string{"%[1]s=%[1]s+excluded.%[1]s", "%[1]s=%[1]s|excluded.%[1]s", "%[1]s=max(%[1]s, excluded.%[1]s)"}[g.joins[i]], c))
	}
	n := g.hourWidth()
	t := w.table("INSERT INTO "+g.name+"_total", n+1, "ON CONFLICT DO UPDATE SET "+strings.Join(merge, ", ")+", first=min(first, excluded.first), last=max(last, excluded.last)")
	row := make([]int64, n+1)
	for ; len(rows) > 0; rows = rows[n:] {
		row[0], row[1] = rows[0], sensor
		copy(row[2:], rows[1:n])
		row[n-1] += hour * hourLength
		row[n] += hour * hourLength
		if err := t.add(row...); err != nil {
			return err
		}
	}
	return t.flush()
}

// idSet is a set of dictionary ids; nil is all of them.
type idSet []uint64

func (s idSet) has(id int64) bool {
	return s == nil || id >= 0 && id>>6 < int64(len(s)) && s[id>>6]>>(id&63)&1 != 0
}

// idSet reads the ids of a dictionary that conditions hold for; nil where there are none.
func (s *Store) idSet(ctx context.Context, dictionary string, conditions *query) (idSet, error) {
	if len(conditions.parts) == 0 {
		return nil, nil
	}
	set := idSet{}
	err := s.each(ctx, "read a dictionary", "SELECT id FROM "+dictionary+" WHERE 1 "+conditions.text(), conditions.args, func(scan func(...any) error) error {
		var id int64
		if err := scan(&id); err != nil {
			return err
		}
		if id < 0 || id > 1<<32 {
			return fmt.Errorf("%w: the id %d", ErrCorrupt, id)
		}
		for int64(len(set)) <= id>>6 {
			set = append(set, 0)
		}
		set[id>>6] |= 1 << (id & 63)
		return nil
	})
	return set, err
}

// blocks calls fn with the rows of each block of a piece and the ns at which it begins, of
// f's sensors and of the ids in only, by time and sensor. It may change the rows, but not keep them.
func (s *Store) blocks(ctx context.Context, g *grain, f *Filter, p piece, only idSet, fn func(start, sensor int64, rows []int64, width int) error) error {
	unit, length, width := g.unit(p.hours)
	q := &query{}
	q.add(fmt.Sprintf("SELECT %[1]s, sensor, count, rows FROM %[2]s_%[1]s WHERE %[1]s>=? AND %[1]s<?", unit, g.name), p.lo, p.hi)
	q.sensors(f)
	q.add("ORDER BY " + unit + ", sensor")
	var rows []int64
	var number, sensor, count int64
	var packed sql.RawBytes
	doing := "read the " + g.name + " " + unit + "s"
	return s.each(ctx, doing, q.text(), q.args, func(scan func(...any) error) error {
		err := scan(&number, &sensor, &count, &packed)
		if err == nil {
			rows, err = unpack(rows, packed, count, width)
		}
		if err != nil {
			return s.wrap(doing, err)
		}
		of := rows
		if only != nil {
			of = of[:0]
			for i := 0; i < len(rows); i += width {
				if only.has(rows[i]) {
					of = append(of, rows[i:i+width]...)
				}
			}
		}
		return fn(number*length, sensor, of, width)
	})
}

// How much of a window one statement reads: parts of it go to all processors.
const (
	chunkHours   = 24
	chunkMinutes = 60
)

// inChunks cuts pieces where they are long.
func inChunks(pieces []piece) []piece {
	var out []piece
	for _, p := range pieces {
		step := int64(chunkMinutes)
		if p.hours {
			step = chunkHours
		}
		for ; p.hi-p.lo > step; p.lo += step {
			out = append(out, piece{p.hours, p.lo, p.lo + step})
		}
		out = append(out, p)
	}
	return out
}

// scan reads pieces, on as many processors as there are, up to four: each chunk of them into a value that
// begin makes, with fn as blocks has it; join then takes the values, one at a time, in no order.
func scan[T any](ctx context.Context, s *Store, g *grain, f *Filter, pieces []piece, only idSet,
	begin func() T, fn func(t T, start, sensor int64, rows []int64, width int), join func(T)) error {
	pieces, err := s.within(ctx, g, pieces)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	return inParallel(ctx, inChunks(pieces), func(ctx context.Context, p piece) error {
		t := begin()
		err := s.blocks(ctx, g, f, p, only, func(start, sensor int64, rows []int64, width int) error {
			fn(t, start, sensor, rows, width)
			return nil
		})
		mu.Lock()
		defer mu.Unlock()
		join(t)
		return err
	})
}

// within cuts pieces to where there is data at all: windows may have no end.
func (s *Store) within(ctx context.Context, g *grain, pieces []piece) ([]piece, error) {
	var out []piece
	for _, p := range pieces {
		unit, _, _ := g.unit(p.hours)
		for _, x := range []struct {
			to   *int64
			edge string
			add  int64
		}{{&p.lo, "min", 0}, {&p.hi, "max", 1}} {
			err := s.each(ctx, "read the window", fmt.Sprintf("SELECT %[1]s(%[2]s) FROM %[3]s_%[2]s WHERE %[2]s>=? AND %[2]s<?", x.edge, unit, g.name), []any{p.lo, p.hi},
				func(scan func(...any) error) error {
					var n sql.NullInt64
					err := scan(&n)
					if *x.to = n.Int64 + x.add; !n.Valid {
						*x.to = p.lo // nothing
						p.hi = p.lo
					}
					return err
				})
			if err != nil {
				return nil, err
			}
		}
		if p.lo < p.hi {
			out = append(out, p)
		}
	}
	return out, nil
}

// windowSums gives the sums of a grain over f's window, by sensor. conditions are those on the dictionary.
func (s *Store) windowSums(ctx context.Context, g *grain, f *Filter, conditions *query) (map[int64]*sums, error) {
	only, err := s.idSet(ctx, g.name, conditions)
	if err != nil {
		return nil, err
	}
	all := map[int64]*sums{}
	of := func(m map[int64]*sums, sensor int64) *sums {
		t := m[sensor]
		if t == nil {
			t = newSums(g)
			m[sensor] = t
		}
		return t
	}
	if g.total && f.From == 0 && f.To == 0 {
		// Hours go from pending to the totals at once: all is read as of one time.
		return all, s.atOneTime(ctx, func(ctx context.Context) error {
			return s.totalSums(ctx, g, f, conditions, only, func(sensor int64) *sums { return of(all, sensor) })
		})
	}
	pieces, err := s.pieces(ctx, f)
	if err != nil {
		return nil, err
	}
	return all, scan(ctx, s, g, f, pieces, only, func() map[int64]*sums { return map[int64]*sums{} },
		func(m map[int64]*sums, start, sensor int64, rows []int64, width int) {
			of(m, sensor).add(rows, width, start)
		},
		func(m map[int64]*sums) {
			for sensor, part := range m {
				of(all, sensor).add(part.rows, g.hourWidth(), 0)
			}
		})
}

// totalSums adds to the sums of each sensor what the totals hold, with the hours that wait put right.
func (s *Store) totalSums(ctx context.Context, g *grain, f *Filter, conditions *query, only idSet, of func(sensor int64) *sums) error {
	minus, plus, err := s.totals(ctx)
	if err != nil {
		return err
	}
	q := &query{}
	q.add("SELECT sensor, " + g.name + ", " + strings.Join(g.columns, ", ") + ", first, last FROM " + g.name + "_total WHERE 1")
	q.sensors(f)
	if only != nil {
		q.add("AND "+g.name+" IN (SELECT id FROM "+g.name+" WHERE 1 "+conditions.text()+")", conditions.args...)
	}
	n := g.hourWidth()
	row := make([]int64, n)
	var sensor int64
	to := []any{&sensor}
	for i := range row {
		to = append(to, &row[i])
	}
	err = s.each(ctx, "read the totals", q.text(), q.args, func(scan func(...any) error) error {
		err := scan(to...)
		if err == nil {
			of(sensor).add(row, n, 0)
		}
		return s.wrap("read the totals", err)
	})
	for _, p := range minus {
		if err == nil {
			err = s.blocks(ctx, g, f, p, only, func(_, sensor int64, rows []int64, _ int) error {
				of(sensor).takeOff(rows)
				return nil
			})
		}
	}
	for _, p := range plus {
		if err == nil {
			err = s.blocks(ctx, g, f, p, only, func(start, sensor int64, rows []int64, width int) error {
				of(sensor).add(rows, width, start)
				return nil
			})
		}
	}
	return err
}

// idsOf are the ids in sums of sensors, sorted.
func idsOf(all map[int64]*sums) []int64 {
	var ids []int64
	for _, t := range all {
		for id := range t.at {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, cmp.Compare[int64])
	return slices.Compact(ids)
}
