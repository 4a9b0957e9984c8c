package inventory

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // for the table of vendors
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"osect/decode"
)

// The table of MAC vendors as ouigen writes it: one line that says what it is,
// then gzip of lines "name TAB prefixes", prefixes of 6 (MA-L), 7 (MA-M) or 9
// (MA-S) hex digits with spaces between.
//
//go:embed oui.dat
var ouiTable []byte

// VendorSource says which table of vendors is built in: registries, source, version, date.
func VendorSource() string {
	line, _, _ := bytes.Cut(ouiTable, []byte("\n"))
	return strings.TrimPrefix(string(line), "# ")
}

// prefixes is one registry: sorted prefixes of one length.
type prefixes struct {
	bits    int
	entries []prefix
}

type prefix struct {
	value uint64 // the prefix's bits, right-aligned
	name  string
}

// Vendors are the registries of MAC prefixes, longest prefixes first.
type Vendors struct {
	source   string
	registry [3]prefixes
}

// maxVendorTable is the most bytes of a table, unpacked.
const maxVendorTable = 64 << 20

// ReadVendors reads a table as ouigen and `osect update oui` write it.
func ReadVendors(table []byte) (*Vendors, error) {
	head, packed, _ := bytes.Cut(table, []byte("\n"))
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("table of vendors: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxVendorTable+1))
	if err != nil {
		return nil, fmt.Errorf("table of vendors: %w", err)
	}
	if len(text) > maxVendorTable {
		return nil, fmt.Errorf("table of vendors: over %d bytes", maxVendorTable)
	}
	v := &Vendors{source: strings.TrimPrefix(string(head), "# "), registry: [3]prefixes{{bits: 36}, {bits: 28}, {bits: 24}}}
	for line := range strings.Lines(string(text)) {
		name, list, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		for p := range strings.FieldsSeq(list) {
			n, err := strconv.ParseUint(p, 16, 36)
			if err != nil {
				return nil, fmt.Errorf("table of vendors: prefix %q", p)
			}
			for i := range v.registry {
				if r := &v.registry[i]; r.bits == 4*len(p) {
					r.entries = append(r.entries, prefix{n, name})
				}
			}
		}
	}
	for _, p := range v.registry {
		slices.SortFunc(p.entries, func(a, b prefix) int { return cmp.Compare(a.value, b.value) })
	}
	return v, nil
}

// builtinVendors unpacks the built-in table at the first use (about 20 ms).
var builtinVendors = sync.OnceValue(func() *Vendors {
	v, err := ReadVendors(ouiTable)
	if err != nil {
		panic("inventory/oui.dat: " + err.Error()) // part of the program: a fault in it is a programmer's
	}
	return v
})

// Vendor is Vendors.Name of the built-in table.
func Vendor(m decode.MAC) string { return builtinVendors().Name(m) }

// Source says which table it is: registries, source, version, date.
func (v *Vendors) Source() string { return v.source }

// Count is the number of prefixes of 24, 28 and 36 bits.
func (v *Vendors) Count() (large, medium, small int) {
	return len(v.registry[2].entries), len(v.registry[1].entries), len(v.registry[0].entries)
}

// Name is the name of the organisation that IEEE gave the MAC's prefix to,
// the longest prefix first; "" for none, for group and for locally
// administered MACs, for 0 and NullMAC.
func (v *Vendors) Name(m decode.MAC) string {
	if m == 0 || m == decode.NullMAC || m.Group() || m.Local() {
		return ""
	}
	for i := range v.registry {
		p := &v.registry[i]
		x := uint64(m) >> (48 - p.bits)
		if i, ok := slices.BinarySearchFunc(p.entries, x, func(e prefix, v uint64) int { return cmp.Compare(e.value, v) }); ok {
			return p.entries[i].name
		}
	}
	return ""
}
