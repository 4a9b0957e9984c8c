package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"osect/detect"
)

// OriginHand is detect.Row.Origin of what a person entered.
const OriginHand = "hand"

// maxRemoved is how many removals are remembered for a Commit that did not know of them.
const maxRemoved = 100000

// AddRows adds learned rows of hand, or replaces those of the same key.
func (s *Store) AddRows(rows []detect.Row) error {
	return s.transact("add rows", func(w *writer) error { return w.addRows(rows) })
}

func (w *writer) addRows(rows []detect.Row) error {
	for _, r := range rows {
		r.Origin = OriginHand
		if err := w.exec("INSERT INTO learned VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET hi=excluded.hi, origin=excluded.origin, value=excluded.value", rowArgs(&r)...); err != nil {
			return err
		}
	}
	return nil
}

// RemoveRows removes the rows of these keys, learned or of hand, and returns how many there were.
func (s *Store) RemoveRows(rows []detect.Row) (n int, err error) {
	err = s.transact("remove rows", func(w *writer) error {
		n = 0
		for i := range rows {
			res, err := w.run("DELETE FROM learned WHERE "+rowKey, rowKeyArgs(&rows[i])...)
			if err != nil {
				return err
			}
			was, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += int(was)
			if err := w.exec("INSERT INTO removed (list, site, src, dst, proto, item, lo) VALUES (?,?,?,?,?,?,?)", rowKeyArgs(&rows[i])...); err != nil {
				return err
			}
		}
		return w.exec("DELETE FROM removed WHERE id <= (SELECT max(id) FROM removed) - ?", int64(maxRemoved))
	})
	return n, err
}

// LearnedRows of one list, or of all with "", sorted by key.
func (s *Store) LearnedRows(ctx context.Context, list detect.Kind) ([]detect.Row, error) {
	return collect(s, ctx, "read the learned rows", `SELECT list, site, src, dst, proto, item, lo, hi, origin, first, last, count, value
		FROM learned WHERE ?1='' OR list=?1 ORDER BY list, site, src, dst, proto, item, lo`, func(scan func(...any) error) (r detect.Row, err error) {
		return r, scan(&r.List, &r.Site, &r.Src, &r.Dst, &r.Proto, &r.Item, &r.Lo, &r.Hi, &r.Origin, &r.First, &r.Last, &r.Count, &r.Value)
	}, string(list))
}

// SetStatus sets detectors' modes.
func (s *Store) SetStatus(statuses ...detect.Status) error {
	return s.transact("set a detector's mode", func(w *writer) error { return w.statuses(statuses) })
}

// Statuses of the detectors that were ever set, in the order of detect.Kinds, with
// the number of rows that they learned.
func (s *Store) Statuses(ctx context.Context) ([]detect.Status, error) {
	list, err := collect(s, ctx, "read the detectors", `SELECT kind, mode, since, until, (SELECT count(*) FROM learned WHERE list=kind) FROM detector`,
		func(scan func(...any) error) (t detect.Status, err error) {
			return t, scan(&t.Kind, &t.Mode, &t.Since, &t.Until, &t.Rows)
		})
	slices.SortFunc(list, func(a, b detect.Status) int {
		return slices.Index(detect.Kinds, a.Kind) - slices.Index(detect.Kinds, b.Kind)
	})
	return list, err
}

// AckAlert marks an alert as seen. The id may be an unambiguous beginning, here and below.
func (s *Store) AckAlert(id string) error {
	return s.alert(id, "acknowledge an alert", AlertAcknowledged, func(*writer, string) error { return nil })
}

// AcceptAlert adds rows that make it normal, and marks it accepted: from alert to baseline in one step.
func (s *Store) AcceptAlert(id string, rows []detect.Row) error {
	return s.alert(id, "accept an alert", AlertAccepted, func(w *writer, _ string) error { return w.addRows(rows) })
}

// ExcludeAlert adds an exclusion that silences its kind from now on, and marks it excluded.
func (s *Store) ExcludeAlert(id string, e Exclusion) error {
	return s.alert(id, "exclude an alert", AlertExcluded, func(w *writer, _ string) error { return w.addExclusions([]Exclusion{e}) })
}

// AddNote adds a note to an alert.
func (s *Store) AddNote(id, author, text string) error {
	return s.alert(id, "add a note", "", func(w *writer, id string) error {
		return w.exec("INSERT INTO alert_note SELECT ?1, count(*), ?2, ?3, ?4 FROM alert_note WHERE alert=?1", id, time.Now().UnixNano(), author, text)
	})
}

// alert finds an alert, does something with it and sets its state unless that is "".
func (s *Store) alert(id, doing, state string, do func(w *writer, id string) error) error {
	return s.transact(doing, func(w *writer) error {
		var ids []string
		err := w.query("SELECT id FROM alert WHERE id>=?1 AND substr(id,1,length(?1))=?1 ORDER BY id LIMIT 2", func(v []driver.Value) error {
			ids = append(ids, v[0].(string))
			return nil
		}, id)
		if err != nil {
			return err
		}
		if err := oneAlert(id, ids); err != nil {
			return err
		}
		if err := do(w, ids[0]); err != nil || state == "" {
			return err
		}
		return w.exec("UPDATE alert SET state=? WHERE id=?", state, ids[0])
	})
}

// oneAlert checks that ids, sorted, name one alert: the one, or one whose id is whole.
func oneAlert(id string, ids []string) error {
	switch {
	case id == "" || len(ids) == 0:
		return fmt.Errorf("alert %q: %w", id, ErrNotFound)
	case len(ids) > 1 && ids[0] != id:
		return fmt.Errorf("alert %q: %w by so little of the id: several begin so, give more", id, ErrNotFound)
	}
	return nil
}

// AddExclusions adds to the exclusion lists; one of the same key is replaced.
func (s *Store) AddExclusions(list ...Exclusion) error {
	return s.transact("add exclusions", func(w *writer) error { return w.addExclusions(list) })
}

func (w *writer) addExclusions(list []Exclusion) error {
	for _, e := range list {
		if err := w.exec("INSERT INTO exclusion VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET note=excluded.note", string(e.Kind), e.Site, e.Src, e.Item, e.Note); err != nil {
			return err
		}
	}
	return nil
}

// RemoveExclusions removes those of these keys and returns how many there were.
func (s *Store) RemoveExclusions(list ...Exclusion) (n int, err error) {
	err = s.transact("remove exclusions", func(w *writer) error {
		n = 0
		for _, e := range list {
			res, err := w.run("DELETE FROM exclusion WHERE kind=? AND site=? AND src=? AND item=?", string(e.Kind), e.Site, e.Src, e.Item)
			if err != nil {
				return err
			}
			was, err := res.RowsAffected()
			if err != nil {
				return err
			}
			n += int(was)
		}
		return nil
	})
	return n, err
}

// Exclusions of one kind, or all with "", sorted by key.
func (s *Store) Exclusions(ctx context.Context, kind detect.Kind) ([]Exclusion, error) {
	return collect(s, ctx, "read the exclusions", "SELECT kind, site, src, item, note FROM exclusion WHERE ?1='' OR kind=?1 ORDER BY kind, site, src, item",
		func(scan func(...any) error) (e Exclusion, err error) {
			return e, scan(&e.Kind, &e.Site, &e.Src, &e.Item, &e.Note)
		}, string(kind))
}

// SetSetting sets a setting; an empty value removes it.
func (s *Store) SetSetting(key, value string) error {
	return s.transact("set a setting", func(w *writer) error {
		if value == "" {
			return w.exec("DELETE FROM setting WHERE key=?", key)
		}
		return w.exec("INSERT INTO setting VALUES (?,?) ON CONFLICT DO UPDATE SET value=excluded.value", key, value)
	})
}

// Settings as key → value.
func (s *Store) Settings(ctx context.Context) (map[string]string, error) {
	list, err := collect(s, ctx, "read the settings", "SELECT key, value FROM setting", func(scan func(...any) error) (kv [2]string, err error) {
		return kv, scan(&kv[0], &kv[1])
	})
	settings := map[string]string{}
	for _, kv := range list {
		settings[kv[0]] = kv[1]
	}
	return settings, err
}

// SetServices adds or replaces the user's names of services; an empty name removes.
func (s *Store) SetServices(list ...Service) error {
	return s.transact("set names of services", func(w *writer) error {
		for _, v := range list {
			var err error
			if v.Name == "" {
				err = w.exec("DELETE FROM service WHERE proto=? AND port=?", v.Proto, int64(v.Port))
			} else {
				err = w.exec("INSERT INTO service VALUES (?,?,?) ON CONFLICT DO UPDATE SET name=excluded.name", v.Proto, int64(v.Port), v.Name)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Services sorted by proto and port.
func (s *Store) Services(ctx context.Context) ([]Service, error) {
	return collect(s, ctx, "read the services", "SELECT proto, port, name FROM service ORDER BY proto, port", func(scan func(...any) error) (v Service, err error) {
		return v, scan(&v.Proto, &v.Port, &v.Name)
	})
}

// Log adds to the system log.
func (s *Store) Log(entries ...LogEntry) error {
	return s.transact("write the log", func(w *writer) error { return w.log(entries) })
}

// SystemLog gives the log, newest last; f's Site, Sensor, Limit (the newest),
// From and To (wall-clock times) are heeded.
func (s *Store) SystemLog(ctx context.Context, f Filter) ([]LogEntry, error) {
	q := &query{}
	q.add("SELECT at, time, level, site, sensor, key, args FROM log WHERE 1")
	q.between("at", f.From, f.To)
	q.equal("site", f.Site)
	q.equal("sensor", f.Sensor)
	q.add("ORDER BY id DESC")
	q.limit(f.Limit)
	list, err := collect(s, ctx, "read the log", q.text(), func(scan func(...any) error) (e LogEntry, err error) {
		var args []byte
		if err := scan(&e.At, &e.Time, &e.Level, &e.Site, &e.Sensor, &e.Key, &args); err != nil {
			return e, err
		}
		return e, json.Unmarshal(args, &e.Args)
	}, q.args...)
	slices.Reverse(list)
	return list, err
}
