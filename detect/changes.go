package detect

import (
	"cmp"
	"slices"
)

// Changes gathers the changes of an engine's minutes until they are saved. Most rows change in most minutes: of
// several changes to one only the last is kept, and what takes long (Row.Value, the order) is made once, of that.
type Changes struct {
	list []Change
	at   map[*Row]int // place in list
}

// Add takes what a minute changed.
func (c *Changes) Add(changes []Change) {
	if c.at == nil {
		c.at = map[*Row]int{}
	}
	for i := range changes {
		of := changes[i].of
		if of != nil {
			if at, ok := c.at[of]; ok {
				c.list[at] = changes[i]
				continue
			}
			c.at[of] = len(c.list)
		}
		c.list = append(c.list, changes[i])
	}
}

// Len is the number of changes that are kept.
func (c *Changes) Len() int { return len(c.list) }

// All gives what is kept, each row once, by list, site and key. Rows are as the engine knows them now.
func (c *Changes) All() []Change {
	order := make([]int32, len(c.list)) // a Change is large to move
	for i := range order {
		order[i] = int32(i)
	}
	compare := func(i, j int32) int {
		a, b := &c.list[i].Row, &c.list[j].Row
		if x := cmp.Compare(a.List, b.List); x != 0 {
			return x
		}
		if x := cmp.Compare(a.Site, b.Site); x != 0 {
			return x
		}
		return compareRows(a, b)
	}
	slices.SortFunc(order, func(i, j int32) int {
		if x := compare(i, j); x != 0 {
			return x
		}
		return cmp.Compare(i, j)
	})
	out := make([]Change, 0, len(order))
	for k, i := range order {
		if k+1 < len(order) && compare(i, order[k+1]) == 0 {
			continue // removed, or learned again after a removal
		}
		x := &c.list[i]
		if x.value != nil {
			x.Row.Value = x.value.text()
		}
		out = append(out, *x)
	}
	return out
}
