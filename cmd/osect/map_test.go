package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"os"
	"slices"
	"strings"
	"testing"
)

// read gives a file of the bench.
func (b *bench) read(name string) []byte {
	b.Helper()
	data, err := os.ReadFile(b.path(name))
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func TestMap(t *testing.T) {
	b := filled(t)
	rows := b.rows("map")
	if len(rows) != 2 || rows[0]["client"] != "192.168.3.10" || rows[0]["server"] != "192.168.3.39" || rows[1]["client"] != "192.168.3.66" {
		t.Fatalf("edges: %v", rows)
	}
	if c := rows[1]["classes"].([]any); len(c) != 1 || c[0] != "write" {
		t.Errorf("classes: %v", c)
	}
	if s := rows[0]["services"].([]any); len(s) != 1 || s[0] != "tcp/502 modbus-tcp" {
		t.Errorf("services: %v", s)
	}
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"--protocol", "modbus-tcp"}, 2}, {[]string{"--protocol", "udp"}, 0}, {[]string{"--subnet", "192.168.3.0/26"}, 1}, {[]string{"--address", "192.168.3.66"}, 1},
		{[]string{"--vlan", "none"}, 2}, {[]string{"--vlan", "7"}, 0}, {[]string{"--role", "camera"}, 0}, {[]string{"--from", "2026-03-02T09:00:00Z"}, 2}, {[]string{"--to", "2026-03-02T08:30:00Z"}, 1},
		{[]string{"--services"}, 3},
	} {
		if got := b.rows(append([]string{"map"}, c.args...)...); len(got) != c.want {
			t.Errorf("%v: %d edges, want %d: %v", c.args, len(got), c.want, got)
		}
	}
	for _, lang := range []string{"en", "ja"} {
		narrow(t, "map "+lang, b.must("map", "--db", b.db, "--lang", lang), 80)
	}
	b.must("map", "--db", b.db, "--svg", b.path("m.svg"), "--dot", b.path("m.dot"), "--graphml", b.path("m.graphml"), "--drawio", b.path("m.drawio"), "--json", b.path("m.json"), "--group", "role")
	for _, name := range []string{"m.svg", "m.graphml", "m.drawio"} {
		if err := xml.Unmarshal(b.read(name), new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Contains(b.read(name), []byte("192.168.3.39")) {
			t.Errorf("%s: the PLC is not there", name)
		}
	}
	if !bytes.HasPrefix(b.read("m.dot"), []byte("digraph")) {
		t.Errorf("DOT: %.40s", b.read("m.dot"))
	}
	var m struct{ Nodes, Edges []map[string]any }
	if err := json.Unmarshal(b.read("m.json"), &m); err != nil || len(m.Nodes) != 3 || len(m.Edges) != 2 {
		t.Errorf("JSON: %v %v", err, m)
	}
	if out := b.must("map", "--db", b.db, "--svg", "-"); !strings.HasPrefix(out, "<svg") {
		t.Errorf("standard output: %.40s", out)
	}
	for _, args := range [][]string{{"--group", "colour"}, {"--subnet", "x"}, {"--vlan", "5000"}, {"--role", "robot"}, {"--svg", "-", "--dot", "-"}} {
		if status, _, _ := b.run(append([]string{"map", "--db", b.db}, args...)...); status != exitUsage {
			t.Errorf("%v: status %d", args, status)
		}
	}
}

func TestDevicesMatrix(t *testing.T) {
	b := filled(t)
	for _, by := range []string{"vendor", "os", "role"} {
		for _, lang := range []string{"en", "ja"} {
			out := b.must("devices", "matrix", "--db", b.db, "--by", by, "--lang", lang)
			narrow(t, "matrix "+by, out, 80)
			if !strings.Contains(out, "192.168.3.10") || strings.Contains(out, "\x1b") {
				t.Errorf("%s: %s", by, out)
			}
		}
	}
	b.terminal = true
	if out := b.must("devices", "matrix", "--db", b.db, "--by", "role"); !strings.Contains(out, "\x1b[48;5;") {
		t.Errorf("no colours on a terminal: %s", out)
	}
	b.env["NO_COLOR"] = "1"
	if out := b.must("devices", "matrix", "--db", b.db, "--by", "role"); strings.Contains(out, "\x1b") {
		t.Errorf("colours with NO_COLOR: %s", out)
	}
	b.terminal = false
	rows := b.parse(b.must("devices", "matrix", "--db", b.db, "--format", "json"))
	var got []string
	for _, r := range rows {
		got = append(got, r["address"].(string))
	}
	if !slices.Equal(got, []string{"192.168.3.10", "192.168.3.39", "192.168.3.66"}) {
		t.Errorf("cells: %v", got)
	}
	if out := b.must("devices", "matrix", "--db", b.db, "--format", "csv"); strings.Count(out, "\n") != 4 || !strings.HasPrefix(out, "grid,row,column,address,") {
		t.Errorf("CSV: %s", out)
	}
	b.must("devices", "matrix", "--db", b.db, "--svg", b.path("m.svg"), "--png", b.path("m.png"))
	if _, err := png.Decode(bytes.NewReader(b.read("m.png"))); err != nil {
		t.Error(err)
	}
	if err := xml.Unmarshal(b.read("m.svg"), new(struct{})); err != nil {
		t.Error(err)
	}
	if status, _, _ := b.run("devices", "matrix", "--db", b.db, "--by", "age"); status != exitUsage {
		t.Errorf("--by age: status %d", status)
	}
}

func TestTrafficOfPairsAndServices(t *testing.T) {
	b := filled(t)
	sum := func(args ...string) map[string]float64 {
		t.Helper()
		out := map[string]float64{}
		for _, r := range b.rows(append([]string{"traffic", "--bucket", "1h"}, args...)...) {
			name, _ := r["series"].(string)
			out[name] += r["packets"].(float64)
		}
		return out
	}
	pair := sum("--address", "192.168.3.66", "--peer", "192.168.3.39")
	if pair[""] == 0 || pair[""] != sum("--address", "192.168.3.39", "--peer", "192.168.3.66")[""] {
		t.Errorf("a pair, from both ends: %v", pair)
	}
	if none := sum("--address", "192.168.3.66", "--peer", "192.168.3.10"); len(none) != 0 {
		t.Errorf("who did not talk: %v", none)
	}
	services := sum("--by", "service")
	if len(services) != 2 || services["tcp/502 modbus-tcp"] <= services["ARP"] {
		t.Errorf("services: %v", services)
	}
	if top := sum("--by", "service", "--top", "1"); len(top) != 2 || top["others"] != services["ARP"] {
		t.Errorf("the busiest and the others: %v", top)
	}
	devices := sum("--by", "device")
	if devices["192.168.3.39"] != pair[""]+sum("--address", "192.168.3.39", "--peer", "192.168.3.10")[""] || len(devices) != 3 {
		t.Errorf("devices: %v", devices)
	}
	if pairs := sum("--by", "pair", "--protocol", "tcp"); len(pairs) != 2 || pairs["192.168.3.39 ↔ 192.168.3.66"] == 0 {
		t.Errorf("pairs: %v", pairs)
	}
	for _, lang := range []string{"en", "ja"} {
		narrow(t, "traffic --by", b.must("traffic", "--by", "pair", "--db", b.db, "--lang", lang), 80)
	}
	b.must("traffic", "--db", b.db, "--by", "service", "--top", "1", "--png", b.path("t.png"), "--svg", b.path("t.svg"), "--lang", "ja")
	if _, err := png.Decode(bytes.NewReader(b.read("t.png"))); err != nil {
		t.Error(err)
	}
	if svg := string(b.read("t.svg")); !strings.Contains(svg, "modbus-tcp") || !strings.Contains(svg, "others") {
		t.Errorf("the chart has no names")
	}
	for _, args := range [][]string{{"--by", "vendor"}, {"--peer", "192.168.3.1"}, {"--address", "192.168.3.1", "--peer", "x"}, {"--top", "0"}, {"--by", "pair", "--top", "99"}} {
		if status, _, _ := b.run(append([]string{"traffic", "--db", b.db}, args...)...); status != exitUsage {
			t.Errorf("%v: status %d", args, status)
		}
	}
}
