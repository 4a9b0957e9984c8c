package export

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"osect/decode"
	"osect/detect"
	"osect/inventory"
	"osect/store"
)

// reader reads a log of Zeek's ASCII writer from what its header lines say, and nothing else:
// the separators, what stands for empty and unset, names and types of the fields.
type reader struct {
	path          string
	names, types  []string
	rows          []map[string]any
	opened, ended bool
}

// unescape undoes \x09.
func unescape(t *testing.T, s string) string {
	t.Helper()
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i+3 >= len(s) || s[i+1] != 'x' {
			t.Fatalf("a lone backslash in %q", s)
		}
		n, err := strconv.ParseUint(s[i+2:i+4], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteByte(byte(n))
		i += 3
	}
	return b.String()
}

func readLog(t *testing.T, data []byte) *reader {
	t.Helper()
	r := &reader{}
	separator, set, empty, unset := "", "", "", ""
	s := bufio.NewScanner(bytes.NewReader(data))
	for s.Scan() {
		line := s.Text()
		if head, ok := strings.CutPrefix(line, "#separator "); ok {
			separator = unescape(t, head)
			continue
		}
		if separator == "" {
			t.Fatalf("the first line is no #separator: %q", line)
		}
		f := strings.Split(line, separator)
		if !strings.HasPrefix(line, "#") {
			if len(f) != len(r.names) || r.ended {
				t.Fatalf("%d columns of %d in %q", len(f), len(r.names), line)
			}
			row := map[string]any{}
			for i, cell := range f {
				if cell == unset {
					continue
				}
				row[r.names[i]] = value(t, r.types[i], cell, set, empty)
			}
			r.rows = append(r.rows, row)
			continue
		}
		switch f[0] {
		case "#set_separator":
			set = f[1]
		case "#empty_field":
			empty = f[1]
		case "#unset_field":
			unset = f[1]
		case "#path":
			r.path = f[1]
		case "#open", "#close":
			if _, err := time.Parse("2006-01-02-15-04-05", f[1]); err != nil {
				t.Fatal(err)
			}
			r.opened, r.ended = true, f[0] == "#close"
		case "#fields":
			r.names = f[1:]
		case "#types":
			r.types = f[1:]
		default:
			t.Fatalf("no header of Zeek's: %q", line)
		}
	}
	if len(r.names) != len(r.types) || !r.opened || !r.ended {
		t.Fatalf("%d names, %d types, opened %v, closed %v", len(r.names), len(r.types), r.opened, r.ended)
	}
	return r
}

// value reads a cell of a type as JSON has it.
func value(t *testing.T, kind, cell, set, empty string) any {
	t.Helper()
	switch kind {
	case "time", "interval", "count", "int", "port":
		n, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	case "addr":
		if _, err := netip.ParseAddr(cell); err != nil {
			t.Fatal(err)
		}
		return cell
	case "bool":
		if cell != "T" && cell != "F" {
			t.Fatalf("no bool: %q", cell)
		}
		return cell == "T"
	case "string", "enum":
		if cell == empty {
			return ""
		}
		return unescape(t, cell)
	case "set[string]":
		list := []any{}
		if cell != empty {
			for _, s := range strings.Split(cell, set) {
				list = append(list, unescape(t, s))
			}
		}
		return list
	}
	t.Fatalf("no type of Zeek's: %q", kind)
	return nil
}

var (
	at    = time.Date(2026, 3, 2, 9, 1, 0, 0, time.UTC)
	first = store.Time(time.Date(2026, 3, 2, 8, 0, 0, 123456000, time.UTC).UnixNano())
)

func flow(change func(f *store.Flow)) *store.Flow {
	f := &store.Flow{Proto: "tcp", ClientIP: "192.168.3.10", ClientPort: 50000, ServerIP: "192.168.3.39", ServerPort: 502, ClientMAC: "02:00:00:00:00:10", ServerMAC: "02:00:00:00:00:39",
		Service: "modbus-tcp", PacketsOut: 5, BytesOut: 300, PacketsIn: 3, BytesIn: 200, State: "closed", Site: "default", Sensors: []string{"one"},
		FirstSeen: first, LastSeen: first + 1_500_000_000}
	if change != nil {
		change(f)
	}
	return f
}

func local(address string) bool { return strings.HasPrefix(address, "192.168.") }

func connLog(t *testing.T, asJSON bool, flows ...*store.Flow) (string, *Zeek) {
	t.Helper()
	var b bytes.Buffer
	z := NewConnLog(&b, asJSON, at, local)
	for _, f := range flows {
		if err := z.Row(f, "modbus"); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.End(); err != nil {
		t.Fatal(err)
	}
	return b.String(), z
}

func TestConnLog(t *testing.T) {
	tag := uint16(7)
	for name, c := range map[string]struct {
		change func(f *store.Flow)
		want   map[string]any // nil: unset
	}{
		"tcp": {nil, map[string]any{"ts": 1772438400.123456, "id.orig_h": "192.168.3.10", "id.orig_p": 50000.0, "id.resp_h": "192.168.3.39", "id.resp_p": 502.0, "proto": "tcp",
			"service": "modbus-tcp", "duration": 1.5, "conn_state": "SF", "local_orig": true, "orig_pkts": 5.0, "resp_pkts": 3.0, "orig_frame_bytes": 300.0, "orig_bytes": nil,
			"orig_ip_bytes": nil, "history": nil, "vlan": nil, "orig_l2_addr": "02:00:00:00:00:10", "tunnel": nil, "port_name": "modbus", "sensor": "one"}},
		"no service": {func(f *store.Flow) { f.Service = "" }, map[string]any{"service": nil}},
		"outside":    {func(f *store.Flow) { f.ServerIP = "2001:db8::1" }, map[string]any{"local_orig": true, "local_resp": false, "id.resp_h": "2001:db8::1"}},
		"attempt":    {func(f *store.Flow) { f.State = "attempt" }, map[string]any{"conn_state": "S0"}},
		"rejected":   {func(f *store.Flow) { f.State = "rejected" }, map[string]any{"conn_state": "REJ"}},
		"open":       {func(f *store.Flow) { f.State = "established" }, map[string]any{"conn_state": "S1"}},
		"mid-stream": {func(f *store.Flow) { f.State = "other" }, map[string]any{"conn_state": "OTH"}},
		"reset by whom is not known": {func(f *store.Flow) { f.State = "reset" },
			map[string]any{"conn_state": nil, "state": "reset"}},
		"udp, both ends":    {func(f *store.Flow) { f.Proto, f.State = "udp", "established" }, map[string]any{"conn_state": "SF"}},
		"udp, one end":      {func(f *store.Flow) { f.Proto, f.State, f.PacketsIn = "udp", "attempt", 0 }, map[string]any{"conn_state": "S0"}},
		"udp, the other":    {func(f *store.Flow) { f.Proto, f.State, f.PacketsOut = "udp", "attempt", 0 }, map[string]any{"conn_state": "SHR"}},
		"icmp":              {func(f *store.Flow) { f.Proto, f.ICMPType, f.ICMPCode = "icmp6", 128, 1 }, map[string]any{"proto": "icmp", "id.orig_p": 128.0, "id.resp_p": 1.0, "conn_state": "OTH"}},
		"another transport": {func(f *store.Flow) { f.Proto, f.ClientPort, f.ServerPort = "89", 0, 0 }, map[string]any{"proto": "unknown_transport", "id.resp_p": 0.0}},
		"tags":              {func(f *store.Flow) { f.VLAN, f.InnerVLAN = &tag, &tag }, map[string]any{"vlan": 7.0, "inner_vlan": 7.0}},
		"a site with odd characters": {func(f *store.Flow) { f.Site = "a\tb\\c,d\n\x01é\xff" },
			map[string]any{"site": "a\tb\\c,d\n\x01é\xff"}},
		"a site called -": {func(f *store.Flow) { f.Site, f.Sensors = "-", []string{"(empty)"} }, map[string]any{"site": "-", "sensor": "(empty)"}},
		"before 1970":     {func(f *store.Flow) { f.FirstSeen, f.LastSeen = -1_500_000_000, -1_000_000_000 }, map[string]any{"ts": -1.5, "duration": 0.5}},
	} {
		out, _ := connLog(t, false, flow(c.change))
		log := readLog(t, []byte(out))
		if log.path != "conn" || len(log.rows) != 1 {
			t.Fatalf("%s: %d rows of %s", name, len(log.rows), log.path)
		}
		for k, want := range c.want {
			got, there := log.rows[0][k]
			if !slices.Contains(log.names, k) || there != (want != nil) || got != want {
				t.Errorf("%s: %s is %v, want %v", name, k, got, want)
			}
		}
		// JSON says the same.
		out, _ = connLog(t, true, flow(c.change))
		var row map[string]any
		if err := json.Unmarshal([]byte(out), &row); err != nil || strings.Count(out, "\n") != 1 {
			t.Fatalf("%s: %v in %s", name, err, out)
		}
		for k, v := range log.rows[0] {
			if s, ok := v.(string); ok {
				v = strings.ToValidUTF8(s, "\ufffd")
			}
			if row[k] != v {
				t.Errorf("%s: %s is %v in JSON, %v in TSV", name, k, row[k], v)
			}
		}
		if len(row) != len(log.rows[0]) {
			t.Errorf("%s: %d keys in JSON, %d in TSV", name, len(row), len(log.rows[0]))
		}
	}
}

func TestConnLogLeavesOutMACs(t *testing.T) {
	out, z := connLog(t, false, flow(func(f *store.Flow) { f.ClientIP, f.ServerIP = f.ClientMAC, f.ServerMAC }), flow(nil))
	if z.Left != 1 || z.Written != 1 || len(readLog(t, []byte(out)).rows) != 1 {
		t.Errorf("left %d, written %d", z.Left, z.Written)
	}
}

func TestUIDs(t *testing.T) {
	tag := uint16(7)
	seen := map[string]string{}
	for name, change := range map[string]func(f *store.Flow){
		"": nil, "port": func(f *store.Flow) { f.ClientPort++ }, "time": func(f *store.Flow) { f.FirstSeen++ }, "vlan": func(f *store.Flow) { f.VLAN = &tag },
		"inner": func(f *store.Flow) { f.InnerVLAN = &tag }, "sensor": func(f *store.Flow) { f.Sensors = []string{"two"} }, "icmp": func(f *store.Flow) { f.ICMPCode++ },
		"tunnel": func(f *store.Flow) { f.Tunnel = "gre" }, "mac": func(f *store.Flow) { f.ClientMAC = "" },
	} {
		id := UID(flow(change))
		if was, ok := seen[id]; ok || len(id) != 18 || id[0] != 'C' || strings.Trim(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q and %q have the id %s", name, was, id)
		}
		seen[id] = name
		// What grows does not change it.
		if again := UID(flow(func(f *store.Flow) {
			if change != nil {
				change(f)
			}
			f.PacketsIn, f.LastSeen, f.State = 999, f.LastSeen+1, "reset"
		})); again != id {
			t.Errorf("%q: %s, later %s", name, id, again)
		}
	}
}

func TestKnownLogs(t *testing.T) {
	var b bytes.Buffer
	if err := WriteKnownServices(&b, false, at, []KnownService{{int64(first), "192.168.3.39", 502, "tcp", []string{"a,b", "modbus-tcp"}}, {int64(first), "fe80::1", 80, "tcp", nil}}); err != nil {
		t.Fatal(err)
	}
	log := readLog(t, b.Bytes())
	if log.path != "known_services" || fmt.Sprint(log.rows[0]["service"]) != "[a,b modbus-tcp]" || len(log.rows[0]["service"].([]any)) != 2 || len(log.rows[1]["service"].([]any)) != 0 {
		t.Errorf("%s: %v", log.path, log.rows)
	}
	b.Reset()
	if err := WriteKnownHosts(&b, false, at, []Host{{int64(first), "192.168.3.39"}}); err != nil {
		t.Fatal(err)
	}
	if log := readLog(t, b.Bytes()); log.path != "known_hosts" || log.rows[0]["host"] != "192.168.3.39" {
		t.Errorf("%v", log.rows)
	}
	b.Reset()
	if err := WriteKnownDevices(&b, false, at, []Known{{int64(first), "02:00:00:00:00:39", ""}, {int64(first), "02:00:00:00:00:10", "PC7"}}); err != nil {
		t.Fatal(err)
	}
	if log := readLog(t, b.Bytes()); log.path != "known_devices" || log.rows[0]["dhcp_host_name"] != nil || log.rows[1]["dhcp_host_name"] != "PC7" {
		t.Errorf("%v", log.rows)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("no space left") }

func TestErrorsOfTheFileAreTold(t *testing.T) {
	z := NewConnLog(full{}, false, at, local)
	z.Row(flow(nil), "")
	if z.End() == nil {
		t.Error("conn.log on a full disk")
	}
	e := NewECS(full{}, "1")
	e.Connection(flow(nil), "")
	if e.End() == nil {
		t.Error("ECS on a full disk")
	}
}

// get walks a document: "source.ip".
func get(o map[string]any, path string) any {
	var v any = o
	for k := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[k]
	}
	return v
}

func TestECS(t *testing.T) {
	tag := uint16(7)
	ip, _ := decode.ParseAddr("192.168.3.39")
	mac, _ := decode.ParseMAC("02:00:00:00:00:39")
	for name, c := range map[string]struct {
		write func(e *ECS) error
		want  map[string]any
	}{
		"connection": {func(e *ECS) error { return e.Connection(flow(func(f *store.Flow) { f.VLAN = &tag }), "modbus") }, map[string]any{
			"@timestamp": "2026-03-02T08:00:00.123456Z", "event.kind": "event", "event.category": []any{"network"}, "event.type": []any{"connection", "start", "end"},
			"event.duration": 1.5e9, "source.ip": "192.168.3.10", "source.port": 50000.0, "source.mac": "02-00-00-00-00-10", "source.bytes": 300.0, "destination.packets": 3.0,
			"network.transport": "tcp", "network.type": "ipv4", "network.protocol": "modbus-tcp", "network.bytes": 500.0, "network.vlan.id": "7", "osect.port_name": "modbus",
			"observer.name": "one", "ecs.version": ecsVersion,
		}},
		"icmp of IPv6": {func(e *ECS) error {
			return e.Connection(flow(func(f *store.Flow) {
				f.Proto, f.ClientIP, f.ServerIP, f.ClientPort, f.ServerPort, f.ICMPType = "icmp6", "fe80::1", "fe80::2", 0, 0, 135
			}), "")
		}, map[string]any{"network.transport": "ipv6-icmp", "network.type": "ipv6", "source.port": nil, "osect.icmp.type": 135.0}},
		"between MACs": {func(e *ECS) error {
			return e.Connection(flow(func(f *store.Flow) {
				f.Proto, f.ClientIP, f.ServerIP, f.ClientMAC = "0", "02:00:00:00:00:10", "02:00:00:00:00:39", ""
			}), "")
		}, map[string]any{"source.ip": nil, "source.address": "02:00:00:00:00:10", "source.mac": "02-00-00-00-00-10", "network.transport": nil, "network.type": nil}},
		"device": {func(e *ECS) error {
			return e.Device(&inventory.Device{Site: "default", MAC: mac, IPs: []decode.Addr{ip}, Vendor: "X", OS: "VxWorks", Role: "plc", FirstSeen: int64(first), LastSeen: int64(first) + 1})
		}, map[string]any{"event.kind": "asset", "host.ip": []any{"192.168.3.39"}, "host.mac": []any{"02-00-00-00-00-39"}, "host.id": "default/02:00:00:00:00:39",
			"host.hostname": nil, "host.os.full": "VxWorks", "device.manufacturer": "X", "osect.role": "plc"}},
		"alert": {func(e *ECS) error {
			return e.Alert(&Alert{Alert: store.Alert{Alert: detect.Alert{ID: "3f2a", Kind: "ot-ip", Subkind: "pair", Severity: "high", First: int64(first), Last: int64(first), Count: 3,
				SrcIP: "192.168.3.66", Technique: "T0836"}, State: "new"}, Summary: "a write", Reason: "because", Action: "ask"})
		}, map[string]any{"event.kind": "alert", "event.severity": 73.0, "event.reason": "because", "message": "a write", "rule.name": "ot-ip/pair", "source.ip": "192.168.3.66",
			"destination": nil, "threat.technique.id": []any{"T0836"}, "osect.state": "new", "event.id": "3f2a"}},
	} {
		var b bytes.Buffer
		e := NewECS(&b, "1.0")
		if err := c.write(e); err != nil {
			t.Fatal(err)
		}
		if err := e.End(); err != nil {
			t.Fatal(err)
		}
		var o map[string]any
		if err := json.Unmarshal(b.Bytes(), &o); err != nil || strings.Count(b.String(), "\n") != 1 {
			t.Fatalf("%s: %v in %s", name, err, b.String())
		}
		for k, want := range c.want {
			if got := get(o, k); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: %s is %v, want %v", name, k, got, want)
			}
		}
	}
}

// Whatever a text holds, a reader gets it back, alone and in a set.
func FuzzZeekText(f *testing.F) {
	for _, s := range []string{"", "-", "(empty)", "a\tb", "a,b", `\x09`, "#close", "é\xff\n"} {
		f.Add(s)
	}
	fields := []field{{"s", kindString}, {"set", kindSet}}
	f.Fuzz(func(t *testing.T, s string) {
		var b bytes.Buffer
		l := newZeekLog(&b, "x", fields, false, at)
		l.row(s, []string{s, "y"})
		if err := l.end(); err != nil {
			t.Fatal(err)
		}
		if b.Len() > 60_000 {
			return // the scanner's lines
		}
		row := readLog(t, b.Bytes()).rows[0]
		set := row["set"].([]any)
		if row["s"] != s || len(set) != 2 || s != "" && set[0] != s {
			t.Fatalf("%q came back as %q, %q", s, row["s"], set)
		}
	})
}
