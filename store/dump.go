package store

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
)

// dumped are the tables of Dump: a query whose first column is a group; rows
// come by group, and inside one they are sorted as text. Ids are resolved, wall-clock
// columns and the tables of runs, log, outbox and sessions left out. 'site/sensor' is in every
// key. Captures are named by the beginning of their SHA-256.
//
// Hour rows follow from the minute rows and are content only where those were let go.
var dumped = []struct{ name, query string }{
	{"capture", `SELECT 0, ifnull(sha256,'') AS k, size, status, reason, packets, first, last FROM capture
		WHERE sha256 IS NOT NULL OR status<>'reading'`},
	{"minute", `SELECT m.minute, ` + atSensor + `, m.minute, parts, packets, bytes, decoded, fragments, truncated, late FROM minute m` + joinSensor("m") + ` ORDER BY 1`},
	{"minute_counter", `SELECT m.minute, ` + atSensor + `, m.minute, t.value, m.count FROM minute_counter m JOIN text t ON t.id=m.name` + joinSensor("m") + ` ORDER BY 1`},
	{"kept", `SELECT 0, grain, hour FROM kept`},
	{"connection", `SELECT x.first, ` + atSensor + `, x.first, printf('%016x', x.id), ` + edgeKeyText + `, x.client_port, ifnull(x.inner_vlan,''), x.duration,
		x.packets_out, x.bytes_out, x.packets_in, x.bytes_in, x.fragments_out, x.fragments_in, x.icmp, x.state, x.closed FROM connection x` + joinEdge + joinSensor("x") + ` ORDER BY 1`},
	{"edge_minute", `SELECT x.minute, ` + atSensor + `, x.minute, ` + edgeKeyText + `, x.packets_out, x.bytes_out, x.packets_in, x.bytes_in, x.opened, x.failed,
		x.answered, x.first, x.last, ` + refText + ` FROM edge_minute x` + joinEdge + joinCapture + joinSensor("x") + ` ORDER BY 1`},
	{"edge_hour", `SELECT x.hour, ` + atSensor + `, x.hour, ` + edgeKeyText + `, x.packets_out, x.bytes_out, x.packets_in, x.bytes_in, x.opened, x.failed,
		x.answered, x.first, x.last FROM edge_hour x` + joinEdge + joinSensor("x") + alone + ` ORDER BY 1`},
	{"operation_minute", `SELECT x.minute, ` + atSensor + `, x.minute, ` + operationKeyText + `, x.count, x.first, x.last, ` + refText +
		` FROM operation_minute x` + joinOperation + joinCapture + joinSensor("x") + ` ORDER BY 1`},
	{"operation_hour", `SELECT x.hour, ` + atSensor + `, x.hour, ` + operationKeyText + `, x.count, x.first, x.last FROM operation_hour x` + joinOperation + joinSensor("x") + alone + ` ORDER BY 1`},
	{"address", `SELECT 0, ` + atSensor + `, ` + addressKeyText + `, d.evidence, d.ends, d.packets_sent, d.bytes_sent, d.packets_received, d.bytes_received, d.ttl, d.first, d.last
		FROM address d JOIN end i ON i.id=d.ip` + joinSensor("d")},
	{"address_minute", `SELECT x.minute, ` + atSensor + `, x.minute, ` + addressKeyText + `, x.evidence, x.ends, x.packets_sent, x.bytes_sent, x.packets_received,
		x.bytes_received, x.ttl, x.first, x.last, ` + refText + ` FROM address_minute x JOIN address d ON d.id=x.address JOIN end i ON i.id=d.ip` + joinCapture + joinSensor("x") + ` ORDER BY 1`},
	{"address_hour", `SELECT x.hour, ` + atSensor + `, x.hour, ` + addressKeyText + `, x.evidence, x.ends, x.packets_sent, x.bytes_sent, x.packets_received,
		x.bytes_received, x.ttl, x.first, x.last FROM address_hour x JOIN address d ON d.id=x.address JOIN end i ON i.id=d.ip` + joinSensor("x") + alone + ` ORDER BY 1`},
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
	atSensor         = `si.name, se.name`
	refText          = `substr(ifnull(cap.sha256,''),1,12)||':'||x.number`
	joinCapture      = ` LEFT JOIN capture cap ON cap.id=x.capture`
	edgeKeyText      = `hex(ca.addr), hex(sa.addr), d.server_port, d.client_port, d.proto, d.vlan, d.tunnel, printf('%012x %012x', d.client_mac, d.server_mac), d.multicast, sv.value`
	joinEdge         = ` JOIN edge d ON d.id=x.edge JOIN end ca ON ca.id=d.client JOIN end sa ON sa.id=d.server JOIN text sv ON sv.id=d.service`
	operationKeyText = `hex(a.addr), hex(b.addr), p.value, c.value, f.value, st.value, u.value, d.direction, d.class, d.tunnel`
	joinOperation    = ` JOIN operation d ON d.id=x.operation JOIN end a ON a.id=d.src JOIN end b ON b.id=d.dst JOIN text p ON p.id=d.protocol
		JOIN text c ON c.id=d.code JOIN text f ON f.id=d.function JOIN text st ON st.id=d.status JOIN text u ON u.id=d.unit`
	addressKeyText = `hex(i.addr), printf('%012x', d.mac), d.vlan`
	alone          = ` WHERE x.hour<(SELECT hour FROM kept WHERE grain='minute')`
)

func joinSensor(table string) string {
	return ` JOIN sensor se ON se.id=` + table + `.sensor JOIN site si ON si.id=se.site`
}

// Dump writes the content of the store as text, a line a row: the table's name and the
// columns separated by tabs, tables in a fixed order, rows sorted. The same captures and
// settings give the same bytes, whatever the order of commits and the ids in the file.
func (s *Store) Dump(ctx context.Context, out io.Writer) error {
	w := bufio.NewWriterSize(out, 1<<16)
	for _, t := range dumped {
		rows, err := s.db.QueryContext(ctx, t.query)
		if err != nil {
			return s.wrap("dump "+t.name, err)
		}
		columns, err := rows.Columns()
		if err != nil {
			rows.Close()
			return s.wrap("dump "+t.name, err)
		}
		v := make([]any, len(columns))
		to := make([]any, len(columns))
		for i := range v {
			to[i] = &v[i]
		}
		var lines []string
		var group any
		flush := func() {
			slices.Sort(lines)
			for _, l := range lines {
				w.WriteString(l) // bufio keeps the first error for Flush
			}
			lines = lines[:0]
		}
		for rows.Next() {
			if err := rows.Scan(to...); err != nil {
				rows.Close()
				return s.wrap("dump "+t.name, err)
			}
			if v[0] != group {
				flush()
				group = v[0]
			}
			var b strings.Builder
			b.WriteString(t.name)
			for _, x := range v[1:] {
				b.WriteByte('\t')
				b.WriteString(dumpValue(x))
			}
			b.WriteByte('\n')
			lines = append(lines, b.String())
		}
		flush()
		err = rows.Err()
		rows.Close()
		if err != nil {
			return s.wrap("dump "+t.name, err)
		}
	}
	return w.Flush()
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
