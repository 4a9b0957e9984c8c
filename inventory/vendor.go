package inventory

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // for the table of vendors
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

// vendors unpacks the table at the first use (about 20 ms), longest prefixes first.
var vendors = sync.OnceValue(func() [3]prefixes {
	_, packed, _ := bytes.Cut(ouiTable, []byte("\n"))
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic("inventory/oui.dat: " + err.Error()) // part of the program: a fault in it is a programmer's
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic("inventory/oui.dat: " + err.Error())
	}
	out := [3]prefixes{{bits: 36}, {bits: 28}, {bits: 24}}
	for line := range strings.Lines(string(text)) {
		name, list, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		for p := range strings.FieldsSeq(list) {
			v, err := strconv.ParseUint(p, 16, 36)
			if err != nil {
				panic("inventory/oui.dat: " + err.Error())
			}
			for i := range out {
				if out[i].bits == 4*len(p) {
					out[i].entries = append(out[i].entries, prefix{v, name})
				}
			}
		}
	}
	for _, p := range out {
		slices.SortFunc(p.entries, func(a, b prefix) int { return cmp.Compare(a.value, b.value) })
	}
	return out
})

// Vendor is the name of the organisation that IEEE gave the MAC's prefix to,
// the longest prefix first; "" for none, for group and for locally
// administered MACs, for 0 and NullMAC.
func Vendor(m decode.MAC) string {
	if m == 0 || m == decode.NullMAC || m.Group() || m.Local() {
		return ""
	}
	for _, p := range vendors() {
		v := uint64(m) >> (48 - p.bits)
		if i, ok := slices.BinarySearchFunc(p.entries, v, func(e prefix, v uint64) int { return cmp.Compare(e.value, v) }); ok {
			return p.entries[i].name
		}
	}
	return ""
}
