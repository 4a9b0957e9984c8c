package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The keys that CONTRACT.md promises; more may be there.
var promised = map[string]string{
	"devices list":   "mac ips vendor hostname os os_accuracy role importance vlans site sensors first_seen last_seen packets_sent bytes_sent packets_received bytes_received in_ledger",
	"addresses list": "ip mac vlan site evidence logs ends packets_sent first_seen last_seen",
	"flows list":     "proto client_ip client_port server_ip server_port icmp_type icmp_code client_mac server_mac vlan inner_vlan tunnel service packets_out bytes_out packets_in bytes_in fragments_out fragments_in state multicast site sensors first_seen last_seen",
	"ot list":        "layer src dst protocol function function_code direction status class unit tunnel count first_seen last_seen",
	"alerts list":    "id kind subkind severity first_seen last_seen count src_ip src_mac dst_ip dst_mac summary reason action technique in_ledger site state",
}

const promisedReplay = "captures packets decoded skipped bytes link_types ethertypes vlans ip_protocols fragments truncated out_of_order first_packet last_packet seconds packets_per_second devices flows operations alerts"

func TestListingsHaveThePromisedKeys(t *testing.T) {
	b := filled(t)
	for command, keys := range promised {
		rows := b.rows(strings.Fields(command)...)
		if len(rows) == 0 {
			t.Errorf("%s: no rows", command)
		}
		for _, r := range rows {
			for _, k := range strings.Fields(keys) {
				if _, ok := r[k]; !ok {
					t.Errorf("%s: a row lacks %q", command, k)
				}
			}
		}
		// CSV has the same keys as JSON, in a header.
		out := b.must(append(strings.Fields(command), "--db", b.db, "--format", "csv")...)
		records, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if len(records) != len(rows)+1 {
			t.Errorf("%s: %d lines of CSV for %d rows", command, len(records), len(rows))
		}
		if len(records[0]) != len(rows[0]) {
			t.Errorf("%s: CSV has %v, JSON %v", command, records[0], rows[0])
		}
		for _, k := range records[0] {
			if _, ok := rows[0][k]; !ok {
				t.Errorf("%s: CSV has the key %q, JSON has not", command, k)
			}
		}
	}
}

func TestReplayPrintsThePromisedObject(t *testing.T) {
	b := newBench(t)
	status, out, errs := b.run("replay", "--db", b.db, "--format", "json", b.path("quiet.pcap"), b.path("text.pcap"))
	if status != exitOK {
		t.Fatalf("status %d: %s", status, errs)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	for _, k := range strings.Fields(promisedReplay) {
		if _, ok := got[k]; !ok {
			t.Errorf("lacks %q", k)
		}
	}
	if got["packets"] != 90.0 || got["first_packet"] != "2026-03-02T08:00:00Z" || got["devices"] != 2.0 || got["flows"] != 10.0 {
		t.Errorf("packets %v, first_packet %v, devices %v, flows %v: want 90, 08:00, 2, 10", got["packets"], got["first_packet"], got["devices"], got["flows"])
	}
	captures := got["captures"].([]any)
	if len(captures) != 2 || captures[1].(map[string]any)["status"] != "not-a-capture" {
		t.Errorf("captures: %v", captures)
	}
}

func TestTheMainJob(t *testing.T) {
	b := filled(t)
	flows := b.rows("flows", "list")
	if len(flows) != 12 {
		t.Errorf("%d flows, want 12", len(flows))
	}
	f := flows[0]
	if f["client_ip"] != "192.168.3.10" || f["server_port"] != 502.0 || f["service"] != "modbus-tcp" || f["packets_out"] != 5.0 || f["packets_in"] != 3.0 || f["vlan"] != nil {
		t.Errorf("first flow: %v", f)
	}
	writes := b.rows("ot", "list", "--class", "write,control")
	if len(writes) != 2 { // the request and its answer
		t.Fatalf("writes: %v", writes)
	}
	for _, w := range writes {
		if w["function_code"] != "06" || w["count"] != 1.0 {
			t.Errorf("write: %v", w)
		}
	}
	if n := len(b.rows("ot", "list", "--class", "read")); n != 2 {
		t.Errorf("%d kinds of reads, want 2", n)
	}
	kinds := map[any]bool{}
	for _, al := range b.rows("alerts", "list") {
		kinds[al["kind"]] = true
		if al["src_ip"] != "192.168.3.66" {
			t.Errorf("an alert on what was learned: %v", al)
		}
		if s := al["summary"].(string); s == "" || strings.HasPrefix(s, "alert.") || strings.Contains(s, "{") {
			t.Errorf("summary %q", s)
		}
	}
	for _, k := range []string{"connected-device", "ip-communication", "ot-ip"} {
		if !kinds[k] {
			t.Errorf("no alert of %s", k)
		}
	}
	if n := len(b.rows("devices", "list")); n != 3 {
		t.Errorf("%d devices, want 3", n)
	}
	if n := len(b.rows("devices", "list", "--address", "192.168.3.32/27")); n != 1 {
		t.Errorf("%d devices in 192.168.3.32/27, want the controller", n)
	}
	for _, r := range b.rows("addresses", "list") {
		if r["ip"] == "" {
			t.Errorf("addresses list without --mac-only has %v", r)
		}
	}
	if b.must("dump", "--db", b.db) == "" {
		t.Error("dump is empty")
	}
}

func TestRangesCountFromTheNewestData(t *testing.T) {
	b := filled(t) // the newest minute ends at 09:01
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"--from", "30m-ago"}, 2},
		{[]string{"--from=-30m"}, 2},
		{[]string{"--to", "30m-ago"}, 10},
		{[]string{"--from", "2026-03-02T08:05:00Z", "--to", "2026-03-02T17:08:00+09:00"}, 3},
		{[]string{"--from", "7d-ago"}, 12},
	} {
		if got := len(b.rows(append([]string{"flows", "list"}, c.args...)...)); got != c.want {
			t.Errorf("%v: %d flows, want %d", c.args, got, c.want)
		}
	}
}

func TestTablesFitEightyColumns(t *testing.T) {
	b := filled(t)
	for _, lang := range []string{"en", "ja"} {
		for _, command := range []string{
			"devices list", "addresses list", "addresses list --mac-only", "flows list", "ot list", "alerts list",
			"learn status", "learn list", "sensors list", "log", "devices show 192.168.3.39",
		} {
			status, out, errs := b.run(append(strings.Fields(command), "--db", b.db, "--lang", lang)...)
			if status != exitOK {
				t.Errorf("%s: status %d: %s", command, status, errs)
			}
			for line := range strings.Lines(out) {
				if w := twwidth.Width(strings.TrimSuffix(line, "\n")); w > 80 {
					t.Errorf("%s (%s) is %d wide: %s", command, lang, w, line)
				}
			}
		}
	}
}

func TestWireBytesNeverReachTheTerminal(t *testing.T) {
	evil := "a\x1b[31m\x07\u202e\u009b2J\xff=\n"
	if got, want := clean(evil), `a\x1b[31m\x07\u202e\u009b2J\xff=\x0a`; got != want {
		t.Errorf("clean: %s, want %s", got, want)
	}
	for _, s := range []string{"plain", "日本語 テキスト", "", "é"} {
		if clean(s) != s {
			t.Errorf("clean(%q) = %q", s, clean(s))
		}
	}
	for _, format := range []string{"table", "json", "csv"} {
		var out bytes.Buffer
		a := &app{stdout: &out, stderr: io.Discard, zone: time.UTC, lang: "en", getenv: func(string) string { return "" }}
		row := deviceRow{IPs: []string{"192.0.2.1"}, Hostname: evil, Vendor: "=cmd|' /C calc'!A0"}
		if err := deviceTable(a).print(a, &listOptions{format: format, wide: true}, slice([]deviceRow{row})); err != nil {
			t.Fatal(err)
		}
		for _, r := range strings.TrimRight(out.String(), "\n") {
			if r != '\n' && (r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x202e) {
				t.Errorf("%s: %U in %q", format, r, out.String())
			}
		}
		if format == "csv" && !strings.Contains(out.String(), ",'=cmd") {
			t.Errorf("a formula in CSV: %s", out.String())
		}
		if format == "json" {
			var got []map[string]any
			if err := json.Unmarshal(out.Bytes(), &got); err != nil || got[0]["vendor"] != row.Vendor || got[0]["hostname"] != strings.ToValidUTF8(evil, "\ufffd") {
				t.Errorf("JSON changed the texts: %v %q", err, out.String())
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u009b\u202e\xff\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range clean(s) {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e {
				t.Fatalf("clean(%q) has %U", s, r)
			}
		}
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		e := escapeJSON(b)
		var before, after string
		if json.Unmarshal(b, &before) != nil || json.Unmarshal(e, &after) != nil || before != after {
			t.Fatalf("%q became %q", b, e)
		}
		if strings.ContainsAny(string(e), "\x1b\x7f\u009b\u202e") {
			t.Fatalf("escapeJSON left %q", e)
		}
		for _, front := range []bool{false, true} {
			if w := twwidth.Width(cut(clean(s), 5, front)); w > 5 {
				t.Fatalf("cut to 5 is %d wide", w)
			}
			for most := range 3 {
				lines := wrap(clean(s), 7, most, front)
				if most > 0 && len(lines) > most {
					t.Fatalf("%d lines, at most %d are wanted", len(lines), most)
				}
				for _, line := range lines {
					if w := twwidth.Width(line); w > 7 {
						t.Fatalf("wrapped at 7 it is %d wide", w)
					}
				}
				if got := strings.Join(lines, ""); most == 0 && strings.Join(strings.Fields(got), "") != strings.Join(strings.Fields(clean(s)), "") {
					t.Fatalf("wrap lost something: %q of %q", got, s)
				}
			}
		}
	})
}

func TestCellsThatLookLikeFormulas(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd": "'+cmd", "-x": "'-x", "＝1": "'＝1",
		"-5": "-5", "+3.2": "+3.2", "plain": "plain", "": "", "a=b": "a=b",
	} {
		if got := noFormula(in); got != want {
			t.Errorf("noFormula(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestLimits(t *testing.T) {
	b := filled(t)
	count := func(args ...string) (lines int, stderr string) {
		status, out, errs := b.run(append([]string{"flows", "list", "--db", b.db}, args...)...)
		if status != exitOK {
			t.Fatalf("%v: %s", args, errs)
		}
		return strings.Count(out, "\n"), errs
	}
	for _, c := range []struct {
		name string
		args []string
		want int
		said bool
	}{
		{"a table that is cut says so", []string{"--limit", "3"}, 1 + 3, true},
		{"a JSON array too", []string{"--limit", "3", "--format", "json"}, 2 + 3, true},
		{"CSV too, when asked", []string{"--limit", "3", "--format", "csv"}, 1 + 3, true},
		{"all", []string{"--limit", "3", "--all"}, 1 + 12, false},
		{"exactly all", []string{"--limit", "12"}, 1 + 12, false},
		{"quiet", []string{"--limit", "3", "--quiet"}, 1 + 3, false},
	} {
		if n, said := count(c.args...); n != c.want || (said != "") != c.said {
			t.Errorf("%s: %d lines, said %q; want %d, %v", c.name, n, said, c.want, c.said)
		}
	}
	// With a limit the newest stay, oldest first.
	out := b.must("flows", "list", "--db", b.db, "--limit", "1", "--format", "csv")
	if !strings.Contains(out, "192.168.3.66") {
		t.Errorf("limit 1 is not the newest: %s", out)
	}
	bom := b.must("flows", "list", "--db", b.db, "--format", "csv", "--bom")
	if !strings.HasPrefix(bom, "\uFEFFproto,") {
		t.Errorf("--bom: %.20q", bom)
	}
}

func TestExitStatus(t *testing.T) {
	b := filled(t)
	b.write("nostore", []byte("something else"))
	b.write("bad.yaml", []byte("dbx: 1\n"))
	db := func(args ...string) []string { return append(args, "--db", b.db) }
	other := b.path("other.db")
	for _, c := range []struct {
		name string
		args []string
		want int
	}{
		{"no command is help", nil, 0},
		{"unknown command", []string{"bogus"}, 2},
		{"group alone", []string{"flows"}, 2},
		{"unknown sub-command", []string{"flows", "bogus"}, 2},
		{"unknown flag", []string{"flows", "list", "--bogus"}, 2},
		{"format", db("flows", "list", "--format", "xml"), 2},
		{"limit", db("flows", "list", "--limit", "0"), 2},
		{"bom without csv", db("flows", "list", "--bom"), 2},
		{"address", db("flows", "list", "--address", "1.2.3"), 2},
		{"time", db("flows", "list", "--from", "yesterday"), 2},
		{"range", db("flows", "list", "--from", "1h-ago", "--to", "2h-ago"), 2},
		{"class", db("ot", "list", "--class", "wirte"), 2},
		{"protocol", db("ot", "list", "--protocol", "modbus"), 2},
		{"severity", db("alerts", "list", "--severity", "bad"), 2},
		{"role", db("devices", "list", "--role", "robot"), 2},
		{"too many arguments", db("flows", "list", "x"), 2},
		{"language", db("flows", "list", "--lang", "fr"), 2},
		{"zone", db("flows", "list", "--tz", "Mars/Base"), 2},
		{"quiet and verbose", db("flows", "list", "-q", "-v"), 2},
		{"no store", []string{"flows", "list", "--db", b.path("none.db")}, 3},
		{"not a store", []string{"flows", "list", "--db", b.path("nostore")}, 3},
		{"config with an unknown key", db("flows", "list", "--config", b.path("bad.yaml")), 3},
		{"no config", db("flows", "list", "--config", b.path("none.yaml")), 3},
		{"replay nothing", db("replay"), 2},
		{"replay what is not there", db("replay", b.path("none.pcap")), 3},
		{"replay learn and detect", db("replay", "--learn", "--detect", b.path("quiet.pcap")), 2},
		{"replay filter", db("replay", "--filter", "(((", b.path("quiet.pcap")), 2},
		{"replay no capture", []string{"replay", "--db", other, b.path("text.pcap")}, 3},
		{"replay known", db("replay", b.path("quiet.pcap")), 0},
		{"replay one bad", []string{"replay", "--db", other, b.path("text.pcap"), b.path("quiet.pcap")}, 0},
		{"replay one bad, strict", []string{"replay", "--db", other, "--strict", b.path("text.pcap"), b.path("attacked.pcap")}, 3},
		{"detect, bad enough", db("detect", "--again", "--fail-on", "low", b.path("attacked.pcap")), 1},
		{"detect, fail-on", db("detect", "--fail-on", "worst", b.path("attacked.pcap")), 2},
		{"detect stored with a flag of replay", db("detect", "--again"), 2},
		{"learn captures with a range", db("learn", "--from", "1h-ago", b.path("quiet.pcap")), 2},
		{"learn set kind", db("learn", "set", "bogus", "off"), 2},
		{"learn set mode", db("learn", "set", "ot-ip", "on"), 2},
		{"learn set what is not built", db("learn", "set", "signature", "detecting"), 2},
		{"learn add nothing", db("learn", "add", "ot-ip"), 2},
		{"learn remove what is not there", db("learn", "remove", "connected-device", "--item", "mac", "--src", "02:00:00:00:00:99"), 3},
		{"no evidence of an alert that is not there", db("alerts", "pcap", "ffffffffffff"), 3},
		{"setting not there", db("settings", "set", "colour", "red"), 2},
		{"setting of another value", db("settings", "set", "internet", "some"), 2},
		{"alert not there", db("alerts", "show", "ffffffffffff"), 3},
		{"device not there", db("devices", "show", "203.0.113.1"), 3},
		{"device of no address", db("devices", "show", "plc"), 2},
		{"report of nothing", db("report"), 2},
		{"report into nowhere", db("report", "--csv-zip", b.path("none/x.zip")), 4},
		{"decode what is not there", []string{"decode", b.path("none.pcap")}, 3},
		{"decode no capture", []string{"decode", b.path("text.pcap")}, 3},
		{"decode a directory", []string{"decode", b.dir}, 2},
		{"decode behind the end", []string{"decode", b.path("quiet.pcap"), "-n", "91"}, 3},
		{"decode frame 0", []string{"decode", b.path("quiet.pcap"), "-n", "0"}, 2},
		{"doctor", db("doctor"), 0},
		{"doctor on no store", []string{"doctor", "--db", b.path("nostore")}, 1},
		{"version", []string{"version"}, 0},
		{"help on a command", []string{"help", "flows", "list"}, 0},
		{"help on a topic", []string{"help", "environment"}, 0},
		{"help on nothing", []string{"help", "bogus"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, out, errs := b.run(c.args...)
			if got != c.want {
				t.Fatalf("status %d, want %d: %s", got, c.want, errs)
			}
			if got >= 2 {
				if n := strings.Count(errs, "\n"); !strings.HasSuffix(errs, "\n") || n != 1 || !strings.HasPrefix(errs, "osect: ") {
					t.Errorf("not one line on standard error: %q", errs)
				}
			}
			if got == exitUsage && (!strings.Contains(errs, "--help)") || out != "") {
				t.Errorf("wrong usage without a hint, or with output: %q, %q", errs, out)
			}
		})
	}
}

func TestTyposAreAnswered(t *testing.T) {
	b := filled(t)
	for want, args := range map[string][]string{
		"did you mean devices?":    {"device", "list"},
		"did you mean list?":       {"flows", "lst"},
		"it has addresses, alerts": {"frobnicate"},
		"did you mean modbus-tcp?": {"ot", "list", "--protocol", "Modbus", "--db", b.db},
		"use one of ":              {"ot", "list", "--protocol", "telepathy", "--db", b.db},
	} {
		if status, _, errs := b.run(args...); status != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: status %d, %q, want %q", args, status, errs, want)
		}
	}
}

func TestErrorsAsJSON(t *testing.T) {
	b := newBench(t)
	status, _, errs := b.run("flows", "list", "--db", b.path("none.db"), "--log-format", "json")
	var line map[string]any
	if err := json.Unmarshal([]byte(errs), &line); err != nil || status != exitInput || line["level"] != "ERROR" || line["exit_status"] != 3.0 {
		t.Errorf("status %d, %v: %s", status, err, errs)
	}
}

func TestAStoppedReplayLeavesAGoodStore(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	status, _, errs := b.runContext(ctx, "replay", "--db", b.db, b.path("quiet.pcap"))
	if status != exitSystem || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "same command goes on") {
		t.Fatalf("status %d: %q", status, errs)
	}
	b.must("replay", "--db", b.db, b.path("quiet.pcap"))
	if n := len(b.rows("flows", "list")); n != 10 {
		t.Errorf("%d flows after going on, want 10", n)
	}
}

func TestSettings(t *testing.T) {
	b := filled(t)
	b.write("config.yaml", []byte("db: "+b.db+"\nlang: ja\nformat: csv\nclass: [write, control]\nfail-on: high\n"))
	config := b.path("config.yaml")
	if out := b.must("ot", "list", "--config", config); !strings.HasPrefix(out, "layer,") || strings.Count(out, "\n") != 3 {
		t.Errorf("the config file does not count: %s", out)
	}
	b.env["OSECT_FORMAT"] = "json"
	b.env["OSECT_CONFIG"] = config
	if out := b.must("ot", "list"); !strings.HasPrefix(out, "[") {
		t.Errorf("the environment does not overrule the config file: %.20s", out)
	}
	if out := b.must("ot", "list", "--format", "table"); !strings.Contains(out, "送信元") {
		t.Errorf("a flag does not overrule the environment, or lang of the config file is lost: %s", out)
	}
	if out := b.must("ot", "list", "--format", "table", "--lang", "en"); !strings.Contains(out, "Source") {
		t.Errorf("--lang en: %s", out)
	}
	b.env = map[string]string{"OSECT_DB": b.db, "LANG": "ja_JP.UTF-8"}
	if out := b.must("ot", "list"); !strings.Contains(out, "送信元") {
		t.Errorf("LANG=ja_JP: %s", out)
	}
	b.env["LC_ALL"] = "C"
	if out := b.must("ot", "list"); !strings.Contains(out, "Source") {
		t.Errorf("LC_ALL=C: %s", out)
	}
	b.env["OSECT_LIMIT"] = "x"
	if status, _, errs := b.run("ot", "list"); status != exitUsage || !strings.Contains(errs, "OSECT_LIMIT") {
		t.Errorf("OSECT_LIMIT=x: %d %s", status, errs)
	}
}

func TestTablesShowTheZone(t *testing.T) {
	b := filled(t)
	if out := b.must("flows", "list", "--db", b.db, "--wide", "--tz", "Asia/Tokyo"); !strings.Contains(out, "2026-03-02 17:00:01") {
		t.Errorf("--tz Asia/Tokyo: %s", out)
	}
	if rows := b.rows("flows", "list", "--tz", "Asia/Tokyo"); rows[0]["first_seen"] != "2026-03-02T08:00:01Z" {
		t.Errorf("JSON is not in UTC: %v", rows[0]["first_seen"])
	}
}

func TestLearnedRowsAreEdited(t *testing.T) {
	b := filled(t)
	args := []string{"ip-communication", "--db", b.db, "--src", "192.168.3.30", "--dst", "192.168.3.1", "--proto", "udp", "--sport", "61450", "--port", "49203-65477"}
	find := func() map[string]any {
		for _, r := range b.rows("learn", "list", "ip-communication") {
			if r["item"] == "sport:61450" {
				return r
			}
		}
		return nil
	}
	b.must(append([]string{"learn", "add"}, args...)...)
	r := find()
	if r == nil || r["port_from"] != 49203.0 || r["port_to"] != 65477.0 || r["origin"] != "hand" {
		t.Fatalf("added: %v", r)
	}
	b.must(append([]string{"learn", "remove"}, args...)...)
	if r := find(); r != nil {
		t.Errorf("still there: %v", r)
	}
	b.must("learn", "set", "all", "learning", "--until", "2026-04-01T00:00:00Z", "--db", b.db)
	b.must("learn", "set", "ot-ip", "detecting", "--db", b.db)
	modes := map[any]any{}
	for _, s := range b.rows("learn", "status") {
		modes[s["kind"]] = s["mode"]
		if s["kind"] == "connected-device" && s["until"] != "2026-04-01T00:00:00Z" {
			t.Errorf("until: %v", s)
		}
	}
	if len(modes) != 9 || modes["connected-device"] != "learning" || modes["ot-ip"] != "detecting" || modes["signature"] != "off" {
		t.Errorf("modes: %v", modes)
	}
}

func TestAlertsAreHandled(t *testing.T) {
	b := filled(t)
	var id string
	for _, al := range b.rows("alerts", "list") {
		if al["kind"] == "ot-ip" {
			id = al["id"].(string)
		}
	}
	slice := b.path("evidence.pcapng")
	b.must("alerts", "pcap", id, "-o", slice, "--db", b.db)
	b.must("replay", slice, "--db", b.path("evidence.db")) // a capture as any
	b.must("alerts", "note", id, "asked the line's engineer", "--author", "tanaka", "--db", b.db)
	b.must("alerts", "ack", id, "--db", b.db)
	var al map[string]any
	if err := json.Unmarshal([]byte(b.must("alerts", "show", id, "--format", "json", "--db", b.db)), &al); err != nil {
		t.Fatal(err)
	}
	notes, frames := al["notes"].([]any), al["frames"].([]any)
	if al["state"] != "acknowledged" || len(notes) != 1 || len(frames) == 0 {
		t.Errorf("alert: %v", al)
	}
	for _, yes := range []string{"No", "Yes"} {
		if out := b.must("alerts", "show", id, "--lang", "en", "--db", b.db); !strings.Contains(out, "In ledger         "+yes+"\n") {
			t.Errorf("not in ledger %s: %s", yes, out)
		}
		b.must("ledger", "set", al["src_ip"].(string), "owner=tanaka", "--db", b.db)
	}
	// The frame that is named shows the write.
	f := frames[0].(map[string]any)
	out := b.must("decode", f["path"].(string), "-n", strings.TrimSuffix(jsonText(f["number"]), ".0"))
	if !strings.Contains(out, "06 write single register") {
		t.Errorf("the frame of the alert: %s", out)
	}
	b.must("alerts", "accept", id, "--db", b.db)
	accepted := b.rows("alerts", "list", "--state", "accepted")
	if len(accepted) != 1 || accepted[0]["id"] != id {
		t.Errorf("accepted: %v", accepted)
	}
	hand := slices.DeleteFunc(b.rows("learn", "list", "ot-ip"), func(r map[string]any) bool { return r["origin"] != "hand" })
	if len(hand) != 1 || hand[0]["src"] != "192.168.3.66" || hand[0]["item"] != "06" {
		t.Errorf("rows by hand: %v", hand)
	}
}

func jsonText(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func TestStoredMinutesCanBeLearnedAndDetectedAgain(t *testing.T) {
	b := newBench(t)
	b.must("replay", "--db", b.db, b.path("quiet.pcap"), b.path("attacked.pcap"))
	if n := len(b.rows("alerts", "list")); n != 0 {
		t.Fatalf("%d alerts although detectors are off", n)
	}
	b.must("learn", "--db", b.db, "--to", "30m-ago")
	status, out, errs := b.run("detect", "--db", b.db, "--from", "30m-ago", "--format", "json", "--fail-on", "medium")
	if status != exitFound {
		t.Errorf("status %d: %s%s", status, out, errs)
	}
	if n := len(b.rows("alerts", "list")); n == 0 {
		t.Error("no alerts")
	}
}

func TestDecodeExplainsAFrame(t *testing.T) {
	b := newBench(t)
	// Frame 1 is ARP, 2 to 4 the handshake, 5 the request.
	var e struct {
		Protocol string
		Messages []messageRow
		Layers   []layerRow
	}
	if err := json.Unmarshal([]byte(b.must("decode", b.path("quiet.pcap"), "-n", "5", "--format", "json")), &e); err != nil {
		t.Fatal(err)
	}
	want := messageRow{FunctionCode: "03", Function: "read holding registers", Direction: "request", Class: "read", Unit: "1"}
	if e.Protocol != "modbus-tcp" || len(e.Messages) != 1 || e.Messages[0] != want {
		t.Errorf("frame 5: %+v", e)
	}
	var names []string
	for _, l := range e.Layers {
		names = append(names, l.Name)
	}
	if got := strings.Join(names, " "); got != "Ethernet IPv4 TCP Data" {
		t.Errorf("layers: %s", got)
	}
	if out := b.must("decode", b.path("quiet.pcap"), "--lang", "ja"); !strings.Contains(out, "ARP") {
		t.Errorf("frame 1: %s", out)
	}
}

func TestReportWritesBothFiles(t *testing.T) {
	b := filled(t)
	b.must("report", "--db", b.db, "--pptx", b.path("r.pptx"), "--csv-zip", b.path("r.zip"), "--customer", "Example")
	for name, want := range map[string]string{"r.pptx": "ppt/presentation.xml", "r.zip": "devices.csv"} {
		z, err := zip.OpenReader(b.path(name))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == want }) {
			t.Errorf("%s has no %s", name, want)
		}
		z.Close()
	}
}

// everyCommand visits all commands with what they are called.
func everyCommand(visit func(c *cobra.Command)) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		visit(c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRoot(&app{getenv: func(string) string { return "" }}))
}

func TestEveryCommandIsExplained(t *testing.T) {
	everyCommand(func(c *cobra.Command) {
		if c.HasSubCommands() && c.Name() != "learn" || !c.Runnable() {
			return
		}
		for part, ok := range map[string]bool{
			"no EXIT STATUS": strings.Contains(c.Long, "EXIT STATUS"), "no example": c.Example != "", "no short text": c.Short != "",
		} {
			if !ok {
				t.Errorf("%s: %s", c.CommandPath(), part)
			}
		}
		for _, line := range strings.Split(c.Long, "\n") {
			if len(line) > 80 {
				t.Errorf("%s: %d columns: %s", c.CommandPath(), len(line), line)
			}
		}
		seen := map[string]bool{}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || seen[envName(f.Name)] {
				t.Errorf("%s: --%s", c.CommandPath(), f.Name)
			}
			seen[envName(f.Name)] = true
		})
	})
}

func TestEveryExampleParses(t *testing.T) {
	n := 0
	everyCommand(func(c *cobra.Command) {
		for line := range strings.Lines(c.Example) {
			for _, part := range strings.Split(line, "|") {
				part, _, _ = strings.Cut(part, ">")
				args := words(strings.TrimSpace(part))
				if len(args) == 0 || args[0] != "osect" {
					continue
				}
				n++
				root := newRoot(&app{getenv: func(string) string { return "" }})
				cmd, rest, err := root.Find(args[1:])
				if err == nil {
					err = cmd.ParseFlags(rest)
				}
				if err == nil {
					err = cmd.ValidateArgs(cmd.Flags().Args())
				}
				if err != nil {
					t.Errorf("%s: %v", part, err)
				} else if cmd.CommandPath() != c.CommandPath() && !strings.HasPrefix(cmd.CommandPath(), c.CommandPath()) {
					t.Errorf("%s is an example of %s", part, c.CommandPath())
				}
			}
		}
	})
	if n < 40 {
		t.Errorf("only %d examples", n)
	}
}

// words splits a line as a shell does, as far as quotes go.
func words(line string) []string {
	var out []string
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimSpace(line) {
		end := " "
		if line[0] == '"' || line[0] == '\'' {
			end, line = line[:1], line[1:]
		}
		word, rest, _ := strings.Cut(line, end)
		out, line = append(out, word), rest
	}
	return out
}

func TestAgo(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"24h-ago": 24 * time.Hour, "-24h": 24 * time.Hour, "7d-ago": 168 * time.Hour, "-2w": 336 * time.Hour, "90m-ago": 90 * time.Minute, "1h30m-ago": 90 * time.Minute,
	} {
		if got, ok := parseAgo(in); !ok || got != want {
			t.Errorf("%s: %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "-", "24h", "ago", "-ago", "--24h", "d-ago", "1.5d-ago", "70000d-ago", "-+1h"} {
		if got, ok := parseAgo(in); ok {
			t.Errorf("%s: %v", in, got)
		}
	}
}

func TestBytesForPeople(t *testing.T) {
	for in, want := range map[uint64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_234_567: "1.2 MB", 999_949: "999.9 kB", 999_950: "1.0 MB", 1 << 63: "9.2 EB", 1e15: "1.0 PB",
	} {
		if got := human(in); got != want {
			t.Errorf("human(%d) = %s, want %s", in, got, want)
		}
	}
}
