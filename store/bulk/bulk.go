// Package bulk gives SQLite a function that runs one statement over many rows of
// integers at once:
//
//	SELECT bulk('INSERT INTO t VALUES (?,?,?)', 3, :rows)
//
// rows is a blob of 64-bit integers in the machine's byte order, row by row;
// Null stands for NULL. Binding value by value from Go costs more than SQLite's
// insert of the row: a call from Go into C for each value, an interface for each,
// and a copy (docs/performance.md has the figures). Here one call takes all rows.
//
// The function may not be used by triggers or views, so that a file from
// elsewhere cannot call it. An error is the failing statement's own, with its
// text and extended code; the rows before it stand until the transaction is rolled back.
package bulk

/*
// The library is the driver's, in the same program; it is not there when this package alone is linked.
#cgo linux LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#cgo darwin LDFLAGS: -Wl,-undefined,dynamic_lookup
int osect_bulk_register(void);
*/
import "C"

import (
	"errors"
	"math"
	"sync"
	"unsafe"
)

// Null is what stands for NULL in a row.
const Null = math.MinInt64

// Register makes the function known to every connection that is opened from then on.
var Register = sync.OnceValue(func() error {
	if C.osect_bulk_register() != 0 {
		return errors.New("bulk: SQLite did not take the function")
	}
	return nil
})

// Rows gives the bytes of a table, as the function takes them; they are those of table.
func Rows(table []int64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), 8*len(table))
}
