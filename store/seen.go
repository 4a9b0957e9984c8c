package store

import (
	"cmp"
	"context"
	"slices"

	"osect/inventory"
	"osect/observe"
)

// Seen is what a window has of devices, each table read once: DeviceInput, Edges and Operations.
type Seen struct {
	Input      inventory.Input
	Edges      []EdgeTotal
	Operations []OperationRow
}

// Seen reads the window of f. Heeds From, To, Site, Sensor.
func (s *Store) Seen(ctx context.Context, f Filter) (seen Seen, err error) {
	f = Filter{From: f.From, To: f.To, Site: f.Site, Sensor: f.Sensor}
	if seen.Input.Addresses, err = s.DeviceAddresses(ctx, f); err != nil {
		return seen, err
	}
	if seen.Input.Facts, err = s.Facts(ctx, f); err != nil {
		return seen, err
	}
	if seen.Edges, err = s.Edges(ctx, f); err != nil {
		return seen, err
	}
	seen.Input.Links = links(seen.Edges)
	operations, err := s.operationTotals(ctx, &f)
	if err != nil {
		return seen, err
	}
	seen.Input.Uses = uses(operations)
	for i := range operations {
		seen.Operations = append(seen.Operations, operations[i].row())
	}
	return seen, nil
}

// Coverage is of which time in a window a sensor has data.
type Coverage struct {
	Site, Sensor string
	Minutes      int64 // with data
	First, Last  Time  // start of the first and of the last of them; 0 without any
	// Gaps are those of an hour or longer between First and Last: from the end of a minute to the start of the next one.
	Gaps     int64
	GapTime  int64 // of all of them, ns
	GapStart Time  // of the longest, the first of equal ones
	GapEnd   Time
}

// Coverage of each sensor that has data in the window, by site and name. Heeds From, To, Site, Sensor.
func (s *Store) Coverage(ctx context.Context, f Filter) ([]Coverage, error) {
	names, err := s.sensorNames(ctx)
	if err != nil {
		return nil, err
	}
	q := &query{}
	q.add("SELECT sensor, minute FROM minute WHERE 1")
	q.minutes(&f)
	q.add("ORDER BY minute")
	bySensor := map[int64]*Coverage{}
	var order []int64
	err = s.each(ctx, "read the minutes", q.text(), q.args, func(scan func(...any) error) error {
		var sensor, minute int64
		if err := scan(&sensor, &minute); err != nil {
			return s.wrap("read the minutes", err)
		}
		c := bySensor[sensor]
		at := Time(minute * observe.MinuteLength)
		if c == nil {
			c = &Coverage{Site: names[sensor].site, Sensor: names[sensor].name, First: at}
			bySensor[sensor] = c
			order = append(order, sensor)
		} else if gap := int64(at-c.Last) - observe.MinuteLength; gap >= hourLength {
			c.Gaps++
			c.GapTime += gap
			if gap > int64(c.GapEnd-c.GapStart) {
				c.GapStart, c.GapEnd = c.Last+Time(observe.MinuteLength), at
			}
		}
		c.Minutes++
		c.Last = at
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out []Coverage
	for _, id := range order {
		out = append(out, *bySensor[id])
	}
	slices.SortFunc(out, func(a, b Coverage) int { return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.Sensor, b.Sensor)) })
	return out, nil
}
