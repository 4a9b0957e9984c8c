package store

import (
	"context"
	"database/sql/driver"
	"strconv"

	"osect/detect"
)

// maxEvidence is the most bytes of frames that are kept as evidence; beyond it those of
// the alerts that were raised longest ago go.
const maxEvidence = 256 << 20

// Frame is a frame that shows an alert.
type Frame struct {
	Time    int64 // ns
	Number  int64 // on its interface, from 1
	Link    uint16
	WireLen uint32
	Data    []byte
}

// Evidence are frames of one alert.
type Evidence struct {
	Alert  string
	Frames []Frame
}

// evidence adds frames; those that are there stay.
func (w *writer) evidence(list []Evidence, most int64) error {
	if len(list) == 0 {
		return nil
	}
	if w.evidenceBytes < 0 {
		n, _, err := w.one("SELECT ifnull(sum(length(data)), 0) FROM evidence")
		if err != nil {
			return err
		}
		w.evidenceBytes = n
	}
	for i := range list {
		for _, f := range list[i].Frames {
			r, err := w.run("INSERT OR IGNORE INTO evidence VALUES (?,?,?,?,?,?)", list[i].Alert, f.Time, f.Number, int64(f.Link), int64(f.WireLen), f.Data)
			if err != nil {
				return err
			}
			if n, err := r.RowsAffected(); err == nil && n > 0 {
				w.evidenceBytes += int64(len(f.Data))
			}
		}
	}
	if w.evidenceBytes <= most {
		return nil
	}
	// An eighth more than must be, so that this is not done each minute.
	type old struct {
		alert string
		bytes int64
	}
	var gone []old
	left := w.evidenceBytes
	err := w.query(`SELECT e.alert, sum(length(e.data)) FROM evidence e JOIN alert a ON a.id=e.alert GROUP BY e.alert ORDER BY a.last, a.id`, func(v []driver.Value) error {
		if left > most-most/8 {
			gone = append(gone, old{v[0].(string), v[1].(int64)})
			left -= v[1].(int64)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, x := range gone {
		if err := w.exec("DELETE FROM evidence WHERE alert=?", x.alert); err != nil {
			return err
		}
	}
	w.evidenceBytes = left
	return w.log([]LogEntry{{Level: "warn", Key: "cli.log.evidence-gone", Args: []detect.Arg{{Name: "n", Value: strconv.Itoa(len(gone))}}}})
}

// Evidence returns the frames that were kept for an alert of a live capture, by time.
func (s *Store) Evidence(ctx context.Context, alert string) ([]Frame, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT time, number, link, wire, data FROM evidence WHERE alert=? ORDER BY time, number", alert)
	if err != nil {
		return nil, s.wrap("read evidence", err)
	}
	defer rows.Close()
	var list []Frame
	for rows.Next() {
		var f Frame
		if err := rows.Scan(&f.Time, &f.Number, &f.Link, &f.WireLen, &f.Data); err != nil {
			return nil, s.wrap("read evidence", err)
		}
		list = append(list, f)
	}
	return list, s.wrap("read evidence", rows.Err())
}
