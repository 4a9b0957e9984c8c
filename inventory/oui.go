package inventory

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Registry is organisations by MAC prefix: 6 (MA-L), 7 (MA-M) or 9 (MA-S) hex digits in lower case.
type Registry map[string]string

const (
	maxRegistry     = 500_000 // prefixes
	maxRegistryLine = 64 << 10
)

// Read adds the prefixes of a file, in one of three forms:
//
//   - IEEE's CSV of one registry (oui.csv, mam.csv, oui36.csv): registry, assignment, organisation, address;
//   - IEEE's text (oui.txt): lines "00-1B-21   (hex)   organisation";
//   - Wireshark's manuf: prefix with an optional mask (/28, /36), short name, organisation.
//
// A file without a prefix is an error.
func (r Registry) Read(in io.Reader) error {
	b := bufio.NewReaderSize(in, maxRegistryLine)
	head, err := b.Peek(64)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	before := len(r)
	if bytes.HasPrefix(bytes.TrimPrefix(head, []byte("\ufeff")), []byte("Registry,")) {
		err = r.readCSV(b)
	} else {
		err = r.readText(b)
	}
	if err == nil && len(r) == before {
		err = errors.New("no MAC prefix in it: want IEEE's oui.csv, mam.csv, oui36.csv or oui.txt, or Wireshark's manuf")
	}
	return err
}

func (r Registry) readCSV(in io.Reader) error {
	c := csv.NewReader(in)
	c.FieldsPerRecord, c.LazyQuotes, c.ReuseRecord = -1, true, true
	for n := 0; ; n++ {
		f, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if len(f) < 3 {
			return fmt.Errorf("record %d: want registry, assignment, organisation", n+1)
		}
		if err := r.set(f[1], f[2]); err != nil {
			return fmt.Errorf("record %d: %w", n+1, err)
		}
	}
}

func (r Registry) readText(in io.Reader) error {
	s := bufio.NewScanner(in)
	s.Buffer(make([]byte, 4096), maxRegistryLine)
	for n := 1; s.Scan(); n++ {
		line := strings.TrimSpace(s.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		prefix, name := "", ""
		if p, rest, ok := strings.Cut(line, "(hex)"); ok {
			prefix, name = strings.TrimSpace(p), rest
		} else if f := strings.Split(line, "\t"); len(f) >= 2 && strings.ContainsAny(f[0], ":-") {
			prefix, name = f[0], f[len(f)-1]
		} else {
			continue // addresses of organisations, headings
		}
		if err := r.set(prefix, name); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return s.Err()
}

func (r Registry) set(prefix, name string) error {
	prefix, mask, masked := strings.Cut(strings.TrimSpace(prefix), "/")
	p := strings.ToLower(strings.NewReplacer(":", "", "-", "", ".", "").Replace(prefix))
	if masked {
		digits := map[string]int{"24": 6, "28": 7, "36": 9}[mask]
		if digits == 0 || len(p) < digits {
			return nil // of no registry
		}
		p = p[:digits]
	}
	if len(p) != 6 && len(p) != 7 && len(p) != 9 || strings.Trim(p, "0123456789abcdef") != "" {
		return fmt.Errorf("%q is no prefix of 6, 7 or 9 hex digits", prefix)
	}
	name = strings.Join(strings.FieldsFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f }), " ")
	if name == "" {
		return nil
	}
	if len(r) >= maxRegistry {
		return fmt.Errorf("more than %d prefixes", maxRegistry)
	}
	r[p] = name[:min(len(name), 200)]
	return nil
}

// Count is the number of prefixes of MA-L, MA-M and MA-S.
func (r Registry) Count() (large, medium, small int) {
	for p := range r {
		switch len(p) {
		case 6:
			large++
		case 7:
			medium++
		default:
			small++
		}
	}
	return large, medium, small
}

// Fill takes each of the three registries that r has nothing of from v.
func (r Registry) Fill(v *Vendors) {
	large, medium, small := r.Count()
	has := map[int]bool{24: large > 0, 28: medium > 0, 36: small > 0}
	for _, p := range v.registry {
		if has[p.bits] {
			continue
		}
		for _, e := range p.entries {
			r[fmt.Sprintf("%0*x", p.bits/4, e.value)] = e.name
		}
	}
}

// Pack writes r as a table: a line that says what it is, then gzip of lines "name TAB prefixes". ReadVendors reads it.
func (r Registry) Pack(source string) ([]byte, error) {
	vendors := map[string][]string{}
	for p, name := range r {
		vendors[name] = append(vendors[name], p)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", strings.Join(strings.Fields(source), " "))
	w := gzip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(vendors)) {
		slices.Sort(vendors[name])
		if _, err := fmt.Fprintf(w, "%s\t%s\n", name, strings.Join(vendors[name], " ")); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// BuiltinVendors is the table that is part of the program.
func BuiltinVendors() *Vendors { return builtinVendors() }

// With is f's entries and, behind them, those that are built in.
func (f *Fingerprints) With() *Fingerprints {
	out := new(Fingerprints)
	for i := range out.entries {
		out.entries[i] = slices.Concat(f.entries[i], builtin().entries[i])
	}
	return out
}

// Count is the number of forms of SYNs and of answers.
func (f *Fingerprints) Count() (syn, answer int) { return len(f.entries[0]), len(f.entries[1]) }
