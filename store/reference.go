package store

import (
	"context"
)

// ReferenceServices is the name of the registry of services among the reference data.
const ReferenceServices = "services"

// ReferenceEOL is the name of the table of ends of support.
const ReferenceEOL = "eol"

// SetReference keeps reference data in place of what is built in; without data
// it is removed, and what is built in counts again. source is one line that says
// where it is from.
func (s *Store) SetReference(name, source string, data []byte) error {
	return s.transact("keep reference data", func(w *writer) error {
		if len(data) == 0 {
			return w.exec("DELETE FROM reference WHERE name=?", name)
		}
		return w.exec("INSERT INTO reference VALUES (?,?,?) ON CONFLICT DO UPDATE SET source=excluded.source, data=excluded.data", name, source, data)
	})
}

// Reference gives reference data that was brought, nil for none.
func (s *Store) Reference(ctx context.Context, name string) (data []byte, err error) {
	err = s.each(ctx, "read reference data", "SELECT data FROM reference WHERE name=?", []any{name}, func(scan func(...any) error) error {
		return scan(&data)
	})
	return data, err
}
