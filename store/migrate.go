package store

import (
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"osect/observe"
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

// migrate takes the steps behind version from, each in a transaction of its own; those of a new store in one, so
// that another process, which opens it meanwhile, never finds an older version. Of a store that holds something a copy is kept beside first: PATH.v1 of a store of version 1.
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
	for v := from; v < len(steps); {
		to := v + 1
		if from == 0 {
			to = len(steps)
		}
		if err := s.upgrade(steps, to); err != nil {
			return s.wrap(fmt.Sprintf("upgrade to version %d", to), err)
		}
		v = to
	}
	return nil
}

// upgrade takes the steps up to the version to that are not taken yet: another process may have been faster.
func (s *Store) upgrade(steps []string, to int) error {
	tx, err := s.db.Begin()
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var now int
	if err := tx.QueryRow("PRAGMA user_version").Scan(&now); err != nil {
		return err
	}
	for v := now; v < to; v++ {
		if _, err := tx.Exec(steps[v]); err != nil {
			return err
		}
		if v+1 == blocksVersion {
			if err := packOld(tx); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(fmt.Sprintf("PRAGMA user_version=%d", v+1)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// blocksVersion is the version whose step begins the blocks.
const blocksVersion = 6

// packOld packs the rows of the tables of the version before, which the step has renamed, and drops these.
func packOld(tx *sql.Tx) error {
	for _, g := range grains {
		for _, hours := range []bool{false, true} {
			unit, _, width := g.unit(hours)
			columns := g.name + ", " + strings.Join(g.columns, ", ") + ", first, last"
			if !hours {
				columns += ", capture, number"
			}
			table := g.name + "_" + unit
			query := "SELECT " + unit + ", sensor, " + columns + " FROM old_" + table + " ORDER BY " + unit + ", sensor, " + g.name
			if err := packTable(tx, query, width, nil, "INSERT INTO "+table+" VALUES (?,?,?,?)"); err != nil {
				return err
			}
			if _, err := tx.Exec("DROP TABLE old_" + table); err != nil {
				return err
			}
		}
	}
	columns := strings.Replace(longColumns, "inner_vlan", "ifnull(inner_vlan,-1)", 1)
	if _, err := tx.Exec("INSERT INTO connection_long ("+longColumns+") SELECT "+columns+" FROM old_connection WHERE duration>?", longFlow); err != nil {
		return err
	}
	err := packTable(tx, fmt.Sprintf("SELECT first, %s FROM old_connection WHERE duration<=%d ORDER BY first, sensor, id", columns, longFlow), cWidth,
		func(number *int64, row []int64) {
			*number = floorDiv(*number, observe.MinuteLength)
			row[cFirst] -= *number * observe.MinuteLength
		}, "INSERT INTO connection_minute VALUES (?,?,0,?,?)")
	if err == nil {
		_, err = tx.Exec("DROP TABLE old_connection")
	}
	return err
}

// packTable makes blocks of the rows that query gives, (number, sensor, columns), sorted. adjust may change a row's
// number and columns. insert takes a block: number, sensor, count, rows.
func packTable(tx *sql.Tx, query string, width int, adjust func(number *int64, row []int64), insert string) error {
	rows, err := tx.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	var number, sensor, now int64
	bySensor := map[int64][]int64{}
	flush := func() error {
		for sensor, list := range bySensor {
			if _, err := tx.Exec(insert, now, sensor, int64(len(list)/width), pack(nil, list, width)); err != nil {
				return err
			}
		}
		clear(bySensor)
		return nil
	}
	row := make([]int64, width)
	to := []any{&number, &sensor}
	for i := range row {
		to = append(to, &row[i])
	}
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if adjust != nil {
			adjust(&number, row)
		}
		if number != now {
			if err := flush(); err != nil {
				return err
			}
			now = number
		}
		bySensor[sensor] = append(bySensor[sensor], row...)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flush()
}
