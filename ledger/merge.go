package ledger

import (
	"slices"
	"strings"
)

// The kinds of Change.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
)

// Change is what an import, a merge or a fill does to one entry.
type Change struct {
	Kind string
	Old  *Entry // nil for Added
	New  *Entry // nil for Removed
}

// Columns that differ between Old and New; nil unless the kind is Changed.
func (c *Change) Columns() []Column {
	if c.Old == nil || c.New == nil {
		return nil
	}
	var out []Column
	for i := range Columns {
		if c.Old.Cells[i] != c.New.Cells[i] {
			out = append(out, i)
		}
	}
	return out
}

// Entry is the entry that the change is about, as it will be, or was.
func (c *Change) Entry() *Entry {
	if c.New != nil {
		return c.New
	}
	return c.Old
}

// places finds entries by MAC and by address.
type places struct {
	byMAC, byIP map[string][]int
}

func placesOf(entries []Entry) *places {
	p := &places{map[string][]int{}, map[string][]int{}}
	for i := range entries {
		p.add(i, &entries[i])
	}
	return p
}

func (p *places) add(i int, e *Entry) {
	if m := e.Cells[MAC]; m != "" {
		p.byMAC[m] = append(p.byMAC[m], i)
	}
	for _, ip := range e.IPs() {
		p.byIP[ip] = append(p.byIP[ip], i)
	}
}

// Replace makes entries the ledger: the result is entries in their order, and the changes say what that
// does to old, those removed last. Rows and old entries belong together by MAC; where either has none, by an address.
func Replace(old, entries []Entry) (result []Entry, changes []Change) {
	p := placesOf(old)
	used := make([]bool, len(old))
	match := make([]int, len(entries))
	// MACs first: an address must not take an entry away from the row with its MAC.
	for i := range entries {
		match[i] = -1
		for _, j := range p.byMAC[entries[i].Cells[MAC]] {
			if !used[j] && old[j].Cells[Site] == entries[i].Cells[Site] {
				match[i], used[j] = j, true
				break
			}
		}
	}
	for i := range entries {
		e := &entries[i]
		for _, j := range p.byMAC[e.Cells[MAC]] {
			if match[i] < 0 && !used[j] && overlap(old[j].Cells[Site], e.Cells[Site]) {
				match[i], used[j] = j, true
			}
		}
		if match[i] >= 0 {
			continue
		}
	ips:
		for _, ip := range e.IPs() {
			for _, j := range p.byIP[ip] {
				if !used[j] && overlap(old[j].Cells[Site], e.Cells[Site]) && (e.Cells[MAC] == "" || old[j].Cells[MAC] == "") {
					match[i], used[j] = j, true
					break ips
				}
			}
		}
	}
	result = slices.Clone(entries)
	for i := range result {
		e := &result[i]
		e.N = int64(i) + 1
		switch {
		case match[i] < 0:
			changes = append(changes, Change{Added, nil, e})
		case old[match[i]].Cells != e.Cells:
			changes = append(changes, Change{Changed, &old[match[i]], e})
		}
	}
	for j := range old {
		if !used[j] {
			changes = append(changes, Change{Removed, &old[j], nil})
		}
	}
	return result, changes
}

// Merge adds entries to old and updates those that are there; it removes none, and an empty cell leaves what is there
// as it is. Which entry a row is of:
//
//   - that with its MAC at its site;
//   - else, if the row has a MAC, the one that has none and lists one of its addresses: it gets the MAC;
//   - else, if the row has no MAC, the one that lists one of its addresses; several are a problem;
//   - else a new one. Another entry that lists the same address stays as it is, with a warning.
//
// A second row for the same entry is a problem. Entries of old that were observed only become confirmed.
func Merge(old, entries []Entry) (result []Entry, changes []Change, problems []Problem) {
	result = slices.Clone(old)
	p := placesOf(old)
	line := map[int]int{} // by entry, the row that updated it
	added := map[int]bool{}
	for i := range entries {
		e := &entries[i]
		at, bad := p.find(old, e)
		if bad != nil {
			bad.Line = e.Line
			problems = append(problems, *bad)
			continue
		}
		if at >= 0 {
			if l, twice := line[at]; twice {
				problems = append(problems, Problem{Line: e.Line, Key: BadSameRow, Args: []any{"value", old[at].Name(), "line", l}})
				continue
			}
			line[at] = e.Line
			for c := range Columns {
				if e.Cells[c] != "" {
					result[at].Cells[c] = e.Cells[c]
				}
			}
		} else {
			at = len(result)
			n := *e
			n.N = 0
			result = append(result, n)
			added[at] = true
		}
		for _, ip := range e.IPs() {
			for _, j := range p.byIP[ip] {
				if j != at && overlap(old[j].Cells[Site], e.Cells[Site]) {
					problems = append(problems, Problem{Line: e.Line, Key: WarnLedgerIP, Args: []any{"value", ip, "entry", old[j].Name()}, Warning: true})
				}
			}
		}
	}
	for i := range result {
		switch {
		case added[i]:
			changes = append(changes, Change{Added, nil, &result[i]})
		case result[i].Cells != old[i].Cells:
			changes = append(changes, Change{Changed, &old[i], &result[i]})
		}
	}
	return result, changes, problems
}

// find is the place of the entry that a row is of, -1 for none.
func (p *places) find(old []Entry, e *Entry) (int, *Problem) {
	if m := e.Cells[MAC]; m != "" {
		for _, j := range p.byMAC[m] {
			if old[j].Cells[Site] == e.Cells[Site] {
				return j, nil
			}
		}
		// A row that leaves the site open means the one entry with its MAC.
		if l := p.byMAC[m]; len(l) == 1 && overlap(old[l[0]].Cells[Site], e.Cells[Site]) {
			return l[0], nil
		}
	}
	var found []int
	var by string
	for _, ip := range e.IPs() {
		for _, j := range p.byIP[ip] {
			if overlap(old[j].Cells[Site], e.Cells[Site]) && (e.Cells[MAC] == "" || old[j].Cells[MAC] == "") && !slices.Contains(found, j) {
				found, by = append(found, j), ip
			}
		}
	}
	switch len(found) {
	case 0:
		return -1, nil
	case 1:
		return found[0], nil
	}
	var names []string
	for _, j := range found[:min(len(found), 4)] {
		names = append(names, old[j].Name())
	}
	return -1, &Problem{Key: BadAmbiguous, Args: []any{"value", by, "entries", strings.Join(names, ", ")}}
}

// Set changes cells of an entry as a person gave them; what is wrong is a problem whose Column is the column's place from 1.
func Set(e *Entry, cells map[Column]string) *Problem {
	for c := range Columns {
		s, ok := cells[c]
		if !ok {
			continue
		}
		v, f := parseCell(c, s)
		if f != nil {
			return &Problem{Column: int(c) + 1, Key: f.key, Args: f.args}
		}
		e.Cells[c] = v
	}
	if e.Name() == "" {
		return &Problem{Key: BadNoAddress}
	}
	return nil
}

// ParseAddress reads an address or a MAC as a person gives it to name an entry, into its canonical form.
func ParseAddress(s string) (string, bool) {
	if v, f := parseMAC(s); f == nil && v != "" {
		return v, true
	}
	if v, f := parseIPs(s); f == nil && v != "" && !strings.Contains(v, " ") {
		return v, true
	}
	return "", false
}
