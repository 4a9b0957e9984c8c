package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// dumped are the tables of Dump: a query whose first column is a group; rows
// come by group, and inside one they are sorted as text. Ids are resolved, wall-clock
// columns and the tables of runs, log, outbox and sessions left out. 'site/sensor' is in every
// key. Captures are named by the beginning of their SHA-256.
//
// Hour rows follow from the minute rows and are content only where those were let go. What is kept in blocks
// has no query: (*dumper).blocks and connections write it.
var dumped = []struct{ name, query string }{
	{"capture", `SELECT 0, ifnull(sha256,'') AS k, size, status, reason, packets, first, last FROM capture
		WHERE sha256 IS NOT NULL OR status<>'reading'`},
	{"minute", `SELECT m.minute, ` + atSensor + `, m.minute, parts, packets, bytes, decoded, fragments, truncated, late FROM minute m` + joinSensor("m") + ` ORDER BY 1`},
	{"minute_counter", `SELECT m.minute, ` + atSensor + `, m.minute, t.value, m.count FROM minute_counter m JOIN text t ON t.id=m.name` + joinSensor("m") + ` ORDER BY 1`},
	{"kept", `SELECT 0, grain, hour FROM kept`},
	{"connection", ""}, {"edge_minute", ""}, {"edge_hour", ""}, {"operation_minute", ""}, {"operation_hour", ""},
	{"address", `SELECT 0, ` + atSensor + `, ` + addressKeyText + `, d.evidence, d.ends, d.packets_sent, d.bytes_sent, d.packets_received, d.bytes_received, d.ttl, d.first, d.last
		FROM address d JOIN end i ON i.id=d.ip` + joinSensor("d")},
	{"address_minute", ""}, {"address_hour", ""},
	{"event", `SELECT x.minute, ` + atSensor + `, x.minute, x.kind, hex(a.addr), hex(b.addr), x.arg, t.value, x.count, x.first, x.last, ` + refText +
		` FROM event x JOIN end a ON a.id=x.src JOIN end b ON b.id=x.dst JOIN text t ON t.id=x.text` + joinCapture + joinSensor("x") + ` ORDER BY 1`},
	{"fact", `SELECT 0, ` + atSensor + `, hex(i.addr), printf('%012x', x.mac), k.value, v.value, o.value, x.first, x.last, ` + refText +
		` FROM fact x JOIN end i ON i.id=x.ip JOIN text k ON k.id=x.kind JOIN text v ON v.id=x.value JOIN text o ON o.id=x.source` + joinCapture + joinSensor("x")},
	{"learned", `SELECT 0, list, site, src, dst, proto, item, lo, hi, origin, first, last, count, value FROM learned`},
	{"detector", `SELECT 0, kind, mode, since, until FROM detector`},
	{"alert", `SELECT 0, id, kind, subkind, key, severity, x.first, x.last, count, src_ip, src_mac, dst_ip, dst_mac, technique, site, sensor, args,
		(SELECT group_concat(substr(ifnull(c.sha256,''),1,12)||':'||json_extract(r.value,'$.number')||'@'||json_extract(r.value,'$.time'), ' ')
			FROM json_each(CASE x.refs WHEN 'null' THEN '[]' ELSE x.refs END) r LEFT JOIN capture c ON c.id=json_extract(r.value,'$.capture')), state FROM alert x`},
	{"evidence", `SELECT 0, alert, time, number, link, wire, hex(data) FROM evidence`},
	{"alert_note", `SELECT 0, alert, n, author, text FROM alert_note`},
	{"exclusion", `SELECT 0, kind, site, src, item, note FROM exclusion`},
	{"setting", `SELECT 0, key, value FROM setting`},
	{"service", `SELECT 0, proto, port, name FROM service`},
	{"ledger", `SELECT 0, n, ip, mac, hostname, location, department, owner, vendor, model, os, firmware, role, zone, criticality, installed, note, asset, serial, flags, flags_until, site, state FROM ledger`},
	{"reference", `SELECT 0, name, source, length(data) FROM reference`},
}

const (
	atSensor       = `si.name, se.name`
	refText        = `substr(ifnull(cap.sha256,''),1,12)||':'||x.number`
	joinCapture    = ` LEFT JOIN capture cap ON cap.id=x.capture`
	addressKeyText = `hex(i.addr), printf('%012x', d.mac), d.vlan`
)

func joinSensor(table string) string {
	return ` JOIN sensor se ON se.id=` + table + `.sensor JOIN site si ON si.id=se.site`
}

// Dump writes the content of the store as text, a line a row: the table's name and the
// columns separated by tabs, tables in a fixed order, rows sorted. The same captures and
// settings give the same bytes, whatever the order of commits and the ids in the file.
func (s *Store) Dump(ctx context.Context, out io.Writer) error {
	d := &dumper{s: s, w: bufio.NewWriterSize(out, 1<<16), edges: s.edges(), operations: s.operations(), addresses: s.addresses()}
	if err := d.look(ctx); err != nil {
		return err
	}
	for _, t := range dumped {
		var err error
		switch name, unit, _ := strings.Cut(t.name, "_"); {
		case t.query != "":
			err = d.rows(ctx, t.name, t.query)
		case name == "connection":
			err = d.connections(ctx)
		default:
			g := grains[slices.IndexFunc(grains, func(g *grain) bool { return g.name == name })]
			err = d.blocks(ctx, t.name, g, unit == "hour")
		}
		if err != nil {
			return s.wrap("dump "+t.name, err)
		}
	}
	return d.w.Flush()
}

// dumper writes a store as text.
type dumper struct {
	s          *Store
	w          *bufio.Writer
	names      map[int64]sensorName
	captures   map[int64]string // the beginning of their SHA-256
	edges      *dictionary[edgeKey]
	operations *dictionary[operationKey]
	addresses  *dictionary[addressKey]

	line []byte
	// lines are those of the group that is being gathered.
	lines []string
}

func (d *dumper) look(ctx context.Context) (err error) {
	if d.names, err = d.s.sensorNames(ctx); err != nil {
		return err
	}
	d.captures = map[int64]string{}
	return d.s.each(ctx, "dump", "SELECT id, substr(ifnull(sha256,''),1,12) FROM capture", nil, func(scan func(...any) error) error {
		var id int64
		var sum string
		err := scan(&id, &sum)
		d.captures[id] = sum
		return err
	})
}

// begin begins a line; add adds a column to it, end ends it.
func (d *dumper) begin(table string, columns ...any) {
	d.line = append(d.line[:0], table...)
	d.add(columns...)
}

func (d *dumper) add(columns ...any) {
	for _, x := range columns {
		d.line = append(d.line, '\t')
		switch x := x.(type) {
		case int64:
			d.line = strconv.AppendInt(d.line, x, 10)
		default:
			d.line = append(d.line, dumpValue(x)...)
		}
	}
}

func (d *dumper) end() { d.lines = append(d.lines, string(append(d.line, '\n'))) }

// flush writes the lines of a group, sorted.
func (d *dumper) flush() {
	slices.Sort(d.lines)
	for _, l := range d.lines {
		d.w.WriteString(l) // bufio keeps the first error for Flush
	}
	d.lines = d.lines[:0]
}

// rows writes a table of rows.
func (d *dumper) rows(ctx context.Context, table, query string) error {
	rows, err := d.s.db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	v := make([]any, len(columns))
	to := make([]any, len(columns))
	for i := range v {
		to[i] = &v[i]
	}
	var group any
	for rows.Next() {
		if err := rows.Scan(to...); err != nil {
			return err
		}
		if v[0] != group {
			d.flush()
			group = v[0]
		}
		d.begin(table, v[1:]...)
		d.end()
	}
	d.flush()
	return rows.Err()
}

func (d *dumper) edge(id int64) {
	k := d.edges.rows[id]
	d.add(fmt.Sprintf("%X", k.Client.Bytes()), fmt.Sprintf("%X", k.Server.Bytes()), int64(k.ServerPort), int64(k.ClientPort), int64(k.Proto), int64(k.VLAN),
		int64(k.Tunnel), fmt.Sprintf("%012x %012x", uint64(k.clientMAC), uint64(k.serverMAC)), boolInt(k.multicast), k.service)
}

// key writes what an id of a grain stands for.
func (d *dumper) key(g *grain, id int64) {
	switch g {
	case edgeGrain:
		d.edge(id)
	case operationGrain:
		k := d.operations.rows[id]
		d.add(fmt.Sprintf("%X", k.src.Bytes()), fmt.Sprintf("%X", k.dst.Bytes()), k.protocol, k.code, k.function, k.status, k.unit,
			int64(k.direction), int64(k.class), int64(k.tunnel))
	case addressGrain:
		k := d.addresses.rows[id]
		d.add(fmt.Sprintf("%X", k.ip.Bytes()), fmt.Sprintf("%012x", uint64(k.mac)), int64(k.vlan))
	}
}

func (d *dumper) know(ctx context.Context, g *grain, ids []int64) error {
	switch g {
	case edgeGrain:
		return d.edges.know(ctx, ids)
	case operationGrain:
		return d.operations.know(ctx, ids)
	}
	return d.addresses.know(ctx, ids)
}

// blocks writes the rows of minutes, or of the hours whose minutes were let go.
func (d *dumper) blocks(ctx context.Context, table string, g *grain, hours bool) error {
	p := piece{hours, -never, never}
	_, length, width := g.unit(hours)
	if hours {
		kept, err := d.s.keptFrom(ctx)
		if err != nil {
			return err
		}
		p.hi = kept
	} else {
		p.lo, p.hi = -never*60, never*60
	}
	pieces, err := d.s.within(ctx, g, []piece{p})
	if err != nil {
		return err
	}
	type block struct {
		number, sensor int64
		rows           []int64
	}
	for _, p := range inChunks(pieces) {
		// Read first, as a query inside another would need a second connection.
		var list []block
		err := d.s.blocks(ctx, g, &Filter{}, p, nil, func(start, sensor int64, rows []int64, _ int) error {
			list = append(list, block{floorDiv(start, length), sensor, slices.Clone(rows)})
			return nil
		})
		if err != nil {
			return err
		}
		for i, b := range list {
			if i > 0 && b.number != list[i-1].number {
				d.flush()
			}
			if err := d.know(ctx, g, idsIn(b.rows, width)); err != nil {
				return err
			}
			for v := b.rows; len(v) > 0; v = v[width:] {
				n := d.names[b.sensor]
				d.begin(table, n.site, n.name, b.number)
				d.key(g, v[0])
				for _, x := range v[1:g.hourWidth()] {
					d.add(x)
				}
				if !hours {
					d.add(fmt.Sprintf("%s:%d", d.captures[v[width-2]], v[width-1]))
				}
				d.end()
			}
		}
		d.flush()
	}
	return nil
}

func (d *dumper) connections(ctx context.Context) error {
	return d.s.connections(ctx, &Filter{}, false, nil, func(list []connection) (bool, error) {
		ids := make([]int64, len(list))
		for i := range list {
			ids[i] = list[i].v[cEdge]
		}
		if err := d.edges.know(ctx, ids); err != nil {
			return false, err
		}
		for i := range list {
			c := &list[i]
			if i > 0 && c.v[cFirst] != list[i-1].v[cFirst] {
				d.flush()
			}
			n := d.names[c.sensor]
			d.begin("connection", n.site, n.name, c.v[cFirst], fmt.Sprintf("%016x", uint64(c.v[cID])))
			d.edge(c.v[cEdge])
			d.add(c.v[cClientPort])
			if c.v[cInnerVLAN] < 0 {
				d.add("")
			} else {
				d.add(c.v[cInnerVLAN])
			}
			for _, x := range c.v[cDuration:] {
				d.add(x)
			}
			d.end()
		}
		d.flush()
		return true, nil
	})
}

// dumpValue writes a column; what would break the line is written as in Go.
func dumpValue(x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case []byte:
		return dumpValue(string(x))
	case string:
		if strings.ContainsAny(x, "\t\n\r\\") {
			q := fmt.Sprintf("%q", x)
			return q[1 : len(q)-1]
		}
		return x
	}
	return fmt.Sprint(x)
}
