package store

import (
	"context"

	"osect/inventory"
	"osect/observe"
)

// Snapshot is what a window of a store holds, at the grain at which two windows
// are compared: no minute of its own is in it, so whole hours are read from hour rows.
type Snapshot struct {
	// Minutes of packet time that the window has data of, summed over its sensors.
	Minutes    int64
	Input      inventory.Input // what inventory.Devices makes devices of
	Edges      []EdgeTotal
	Operations []OperationTotal
}

// OperationTotal is what one sensor saw of one kind of message in a window; its Ref is not set.
type OperationTotal struct {
	Site, Sensor string
	observe.Operation
}

// Snapshot reads a window. Heeds From, To, Site, Sensor.
func (s *Store) Snapshot(ctx context.Context, f Filter) (n Snapshot, err error) {
	f = Filter{From: f.From, To: f.To, Site: f.Site, Sensor: f.Sensor}
	q := &query{}
	q.add("SELECT count(*) FROM minute WHERE 1")
	q.minutes(&f)
	err = s.each(ctx, "count the minutes", q.text(), q.args, func(scan func(...any) error) error { return scan(&n.Minutes) })
	if err != nil {
		return n, err
	}
	addresses, err := s.addressTotals(ctx, &f)
	if err != nil {
		return n, err
	}
	n.Input.Addresses = siteAddresses(addresses)
	if n.Input.Facts, err = s.Facts(ctx, f); err != nil {
		return n, err
	}
	if n.Edges, err = s.Edges(ctx, f); err != nil {
		return n, err
	}
	n.Input.Links = links(n.Edges)
	operations, err := s.operationTotals(ctx, &f)
	if err != nil {
		return n, err
	}
	n.Input.Uses = uses(operations)
	for i := range operations {
		o := &operations[i]
		n.Operations = append(n.Operations, OperationTotal{o.site, o.name, o.Operation})
	}
	return n, nil
}
