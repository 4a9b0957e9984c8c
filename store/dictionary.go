package store

import (
	"context"
	"encoding/json"
	"fmt"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// maxKnown bounds the memory for dictionary rows that a reader keeps.
const maxKnown = 1 << 18

// dictionary gives what ids in blocks stand for.
type dictionary[K any] struct {
	s    *Store
	rows map[int64]*K
	// q reads the rows with ids in the JSON array ?1, the id first; row the columns behind it.
	q   string
	row func(scan func(to ...any) error, k *K) error
}

// know reads rows that are not known; one that is not there is ErrCorrupt. Those that were known before may be let go.
func (d *dictionary[K]) know(ctx context.Context, ids []int64) error {
	ask := func(ids []int64) []int64 {
		var unknown []int64
		for _, id := range ids {
			if d.rows[id] == nil {
				unknown = append(unknown, id)
			}
		}
		return unknown
	}
	unknown := ask(ids)
	if len(unknown) == 0 {
		return nil
	}
	if len(d.rows)+len(unknown) > maxKnown {
		clear(d.rows)
		unknown = ids
	}
	list, err := json.Marshal(unknown)
	if err != nil {
		return err
	}
	err = d.s.each(ctx, "read a dictionary", d.q, []any{string(list)}, func(scan func(...any) error) error {
		var id int64
		k := new(K)
		err := d.row(func(to ...any) error { return scan(append([]any{&id}, to...)...) }, k)
		d.rows[id] = k
		return d.s.wrap("read a dictionary", err)
	})
	if err != nil {
		return err
	}
	if missing := ask(ids); len(missing) > 0 {
		return d.s.wrap("read a dictionary", fmt.Errorf("%w: no row %d", ErrCorrupt, missing[0]))
	}
	return nil
}

func (s *Store) edges() *dictionary[edgeKey] {
	return &dictionary[edgeKey]{s, map[int64]*edgeKey{}, `SELECT d.id, c.addr, s.addr, d.server_port, d.client_port, d.vlan, d.proto, d.tunnel, d.client_mac, d.server_mac, d.multicast, t.value
		FROM json_each(?) j JOIN edge d ON d.id=j.value JOIN end c ON c.id=d.client JOIN end s ON s.id=d.server JOIN text t ON t.id=d.service`,
		func(scan func(...any) error, k *edgeKey) error {
			var client, server []byte
			err := scan(&client, &server, &k.ServerPort, &k.ClientPort, &k.VLAN, &k.Proto, &k.Tunnel, &k.clientMAC, &k.serverMAC, &k.multicast, &k.service)
			if err != nil {
				return err
			}
			return addrs(&k.Client, client, &k.Server, server)
		}}
}

// total begins the sums of an edge as a sensor saw it.
func (k *edgeKey) total(sensor sensorName) EdgeTotal {
	return EdgeTotal{Site: sensor.site, Sensor: sensor.name, EdgeKey: k.EdgeKey, ClientMAC: k.clientMAC, ServerMAC: k.serverMAC, Multicast: k.multicast, Service: k.service}
}

func (s *Store) operations() *dictionary[operationKey] {
	return &dictionary[operationKey]{s, map[int64]*operationKey{}, `SELECT d.id, a.addr, b.addr, p.value, c.value, f.value, st.value, u.value, d.direction, d.class, d.tunnel
		FROM json_each(?) j JOIN operation d ON d.id=j.value JOIN end a ON a.id=d.src JOIN end b ON b.id=d.dst JOIN text p ON p.id=d.protocol
		JOIN text c ON c.id=d.code JOIN text f ON f.id=d.function JOIN text st ON st.id=d.status JOIN text u ON u.id=d.unit`,
		func(scan func(...any) error, k *operationKey) error {
			var src, dst []byte
			if err := scan(&src, &dst, &k.protocol, &k.code, &k.function, &k.status, &k.unit, &k.direction, &k.class, &k.tunnel); err != nil {
				return err
			}
			return addrs(&k.src, src, &k.dst, dst)
		}}
}

// operation begins the sums of a kind of message.
func (k *operationKey) operation() observe.Operation {
	return observe.Operation{Src: k.src, Dst: k.dst, Protocol: k.protocol, Code: k.code, Function: k.function, Status: k.status, Unit: k.unit,
		Direction: ot.Direction(k.direction), Class: ot.Class(k.class), Tunnel: decode.Tunnel(k.tunnel)}
}

func (s *Store) addresses() *dictionary[addressKey] {
	return &dictionary[addressKey]{s, map[int64]*addressKey{}, `SELECT d.id, e.addr, d.mac, d.vlan, d.sensor FROM json_each(?) j JOIN address d ON d.id=j.value JOIN end e ON e.id=d.ip`,
		func(scan func(...any) error, k *addressKey) (err error) {
			var ip []byte
			if err = scan(&ip, &k.mac, &k.vlan, &k.sensor); err == nil {
				k.ip, err = addr(ip)
			}
			return err
		}}
}
