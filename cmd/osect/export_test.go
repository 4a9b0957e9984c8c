package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// logRows reads a log of Zeek's by its header: name of the field → text.
func logRows(t *testing.T, path string) []map[string]string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var rows []map[string]string
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if f[0] == "#fields" {
			names = f[1:]
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(f) != len(names) {
			t.Fatalf("%s: %d columns of %d: %s", path, len(f), len(names), line)
		}
		row := map[string]string{}
		for i := range f {
			row[names[i]] = f[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// What is exported is what the listings hold.
func TestExportAgreesWithTheListings(t *testing.T) {
	b := filled(t)
	b.must("export", "--zeek", b.path("logs"), "--ecs", b.path("ecs.ndjson"), "--lang", "en", "--db", b.db)
	conn := logRows(t, b.path("logs/conn.log"))
	flows := slices.DeleteFunc(b.rows("flows", "list"), func(r map[string]any) bool { return len(r["client_ip"].(string)) == 17 })
	if len(conn) != len(flows) || len(conn) < 10 {
		t.Fatalf("%d rows of conn.log, %d flows", len(conn), len(flows))
	}
	for i, r := range conn {
		if f := flows[i]; r["id.orig_h"] != f["client_ip"] || r["id.resp_h"] != f["server_ip"] || r["service"] != f["service"] || r["conn_state"] != "SF" || r["local_orig"] != "T" {
			t.Errorf("row %d: %v, the listing has %v", i, r, f)
		}
	}
	if hosts := logRows(t, b.path("logs/known_hosts.log")); len(hosts) != 3 || hosts[0]["ts"] != "1772438400.000000" {
		t.Errorf("hosts: %v", hosts)
	}
	if devices := logRows(t, b.path("logs/known_devices.log")); len(devices) != 3 {
		t.Errorf("devices: %v", devices)
	}
	if s := logRows(t, b.path("logs/known_services.log")); len(s) != 1 || s[0]["host"] != "192.168.3.39" || s[0]["port_num"] != "502" || s[0]["service"] != "modbus-tcp" {
		t.Errorf("services: %v", s)
	}
	data, err := os.ReadFile(b.path("ecs.ndjson"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[any]int{}
	for line := range strings.Lines(string(data)) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatal(err)
		}
		kinds[o["event"].(map[string]any)["dataset"]]++
	}
	if kinds["osect.connection"] != len(b.rows("flows", "list")) || kinds["osect.device"] != len(b.rows("devices", "list")) || kinds["osect.alert"] != len(b.rows("alerts", "list")) {
		t.Errorf("%v", kinds)
	}
	// Again gives the same bytes; narrowed it is less.
	again := b.must("export", "--ecs", "-", "--lang", "en", "--db", b.db)
	if again != string(data) {
		t.Error("another export is another")
	}
	if out := b.must("export", "--ecs", "-", "--only", "devices", "--address", "192.168.3.66", "--db", b.db); strings.Count(out, "\n") != 1 || !strings.Contains(out, `"02-00-00-00-00-66"`) {
		t.Errorf("one device: %s", out)
	}
	b.must("export", "--zeek", b.path("json"), "--json", "--from", "30m-ago", "--address", "192.168.3.66", "--db", b.db)
	data, err = os.ReadFile(b.path("json/conn.log"))
	if err != nil || strings.Count(string(data), "\n") != 1 || !strings.Contains(string(data), `"id.orig_h":"192.168.3.66"`) {
		t.Errorf("JSON: %s %v", data, err)
	}
	for name, args := range map[string][]string{
		"nothing to write": {}, "--json alone": {"--ecs", "-", "--json"}, "--only alone": {"--zeek", b.path("x"), "--only", "alerts"},
		"no such kind": {"--ecs", "-", "--only", "robots"}, "no address": {"--ecs", "-", "--address", "plc"},
	} {
		if status, _, errs := b.run(append(append([]string{"export"}, args...), "--db", b.db)...); status != exitUsage {
			t.Errorf("%s: status %d: %s", name, status, errs)
		}
	}
	b.write("file", nil)
	if status, _, _ := b.run("export", "--zeek", b.path("file/logs"), "--db", b.db); status != exitSystem {
		t.Errorf("a directory below a file: status %d", status)
	}
}
