package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"osect/ledger"
)

const ledgerCSV = `IPアドレス,MACアドレス,ホスト名,メーカー,ゾーン,重要度,管理者,導入日
192.168.3.39,,PLC1,オムロン,ライン1,高,"田中, 保全",R6.4.1
192.168.3.10,,HMI1,,操作室,２０,,2024/4
192.168.3.99,02-00-00-00-00-99,GONE,,ライン1,,,
192.168.3.300,,BAD,,,,,
`

func TestTheLedgerIsImportedLinkedAndExported(t *testing.T) {
	b := filled(t)
	for _, r := range b.rows("devices", "list") {
		if r["in_ledger"] != false {
			t.Errorf("without a ledger: %v", r)
		}
	}
	b.write("l.csv", []byte(ledgerCSV))
	path := b.path("l.csv")
	// --strict takes nothing, --dry-run neither; else the good rows are taken and the bad one is named.
	status, _, errs := b.run("ledger", "import", "--strict", path, "--db", b.db, "--lang", "en")
	if status != exitInput || !strings.Contains(errs, path+`:5:1: "192.168.3.300" is no IP address: expected`) {
		t.Errorf("--strict: %d: %s", status, errs)
	}
	if n := len(b.rows("ledger", "import", "--dry-run", path)); n != 3 {
		t.Errorf("--dry-run: %d changes", n)
	}
	if n := len(b.rows("ledger", "list")); n != 0 {
		t.Fatalf("%d entries although nothing was taken", n)
	}
	status, out, errs := b.run("ledger", "import", path, "--db", b.db, "--lang", "en")
	if status != exitOK || out != "added 3, changed 0, removed 0, bad rows 1\n" || !strings.Contains(errs, ":5:1: ") {
		t.Errorf("import: %d %s%s", status, out, errs)
	}
	e := b.rows("ledger", "list")[0]
	if e["criticality"] != 80.0 || e["installed"] != "2024-04-01" || e["owner"] != "田中, 保全" || e["state"] != "confirmed" {
		t.Errorf("%v", e)
	}
	// In the list of devices, with the criticality for the importance.
	in := map[any]any{}
	for _, r := range b.rows("devices", "list") {
		in[r["ips"].([]any)[0]] = r["in_ledger"]
		if r["ips"].([]any)[0] == "192.168.3.39" && r["importance"] != 80.0 {
			t.Errorf("importance %v, want the ledger's 80", r["importance"])
		}
	}
	if in["192.168.3.39"] != true || in["192.168.3.10"] != true || in["192.168.3.66"] != false {
		t.Errorf("in the ledger: %v", in)
	}
	var d map[string]any
	if err := json.Unmarshal([]byte(b.must("devices", "show", "192.168.3.39", "--format", "json", "--db", b.db)), &d); err != nil {
		t.Fatal(err)
	}
	if d["ledger"].(map[string]any)["hostname"] != "PLC1" {
		t.Errorf("devices show: %v", d["ledger"])
	}
	// On maps: in what hovering shows, and as the zone; a zone that is a level is the Purdue level.
	if svg := b.must("map", "--svg", "-", "--group", "zone", "--db", b.db, "--lang", "en"); !strings.Contains(svg, "In ledger: ") || !strings.Contains(svg, "PLC1 / ") {
		t.Error("the map says nothing of the ledger")
	}
	b.must("ledger", "set", "192.168.3.39", "zone=Cell 7", "--db", b.db)
	if svg := b.must("map", "--svg", "-", "--group", "zone", "--db", b.db, "--lang", "en"); !strings.Contains(svg, ">Cell 7<") {
		t.Error("no group of the ledger's zone")
	}
	b.must("ledger", "set", "192.168.3.39", "zone=レベル０", "--db", b.db)
	if out := b.must("devices", "show", "192.168.3.39", "--db", b.db, "--lang", "en"); !strings.Contains(out, "0 (100 %)") {
		t.Errorf("the ledger's level is not shown:\n%s", out)
	}
	b.must("ledger", "import", path, "--db", b.db) // its own zone again
	// In alerts: of the attacker no, after it was entered yes.
	for _, al := range b.rows("alerts", "list") {
		if al["in_ledger"] != false {
			t.Errorf("alert of %v is in the ledger", al["src_ip"])
		}
	}
	b.must("ledger", "set", "192.168.3.66", "hostname=known", "フラグ=スキャナー", "--db", b.db)
	for _, al := range b.rows("alerts", "list") {
		if al["in_ledger"] != true {
			t.Errorf("alert of %v is not in the ledger", al["src_ip"])
		}
	}
	// What differs.
	kinds := map[any]string{}
	for _, r := range b.rows("ledger", "differences") {
		kinds[r["kind"]] += r["hostname"].(string) + " "
	}
	if kinds["missing"] != "GONE " || kinds["unknown"] != "" {
		t.Errorf("differences: %v", kinds)
	}
	if rows := b.rows("ledger", "crossings"); len(rows) != 1 || rows[0]["client_zone"] != "操作室" || rows[0]["server_zone"] != "ライン1" || rows[0]["port"] != 502.0 {
		t.Errorf("crossings: %v", rows)
	}
	if out := b.must("ledger", "show", "192.168.3.39", "--db", b.db, "--lang", "ja"); !strings.Contains(out, "田中, 保全") || !strings.Contains(out, "最終観測") {
		t.Errorf("show: %s", out)
	}
	// Out and in again: the same bytes, and nothing changes.
	csv := b.must("ledger", "export", "--bom", "--lang", "ja", "--db", b.db)
	b.write("out.csv", []byte(csv))
	b.must("ledger", "export", "--xlsx", b.path("out.xlsx"), "--db", b.db)
	for _, file := range []string{"out.csv", "out.xlsx"} {
		if out := b.must("ledger", "import", b.path(file), "--db", b.db, "--lang", "en"); out != "added 0, changed 0, removed 0, bad rows 0\n" {
			t.Errorf("%s again: %s", file, out)
		}
		if again := b.must("ledger", "export", "--bom", "--lang", "ja", "--db", b.db); again != csv {
			t.Errorf("%s exported again:\n%s\nwas\n%s", file, again, csv)
		}
	}
	// Merge removes nothing, import does.
	b.write("one.csv", []byte("ip,zone\n192.168.3.39,\n192.168.3.77,x\n"))
	if out := b.must("ledger", "merge", b.path("one.csv"), "--db", b.db, "--lang", "en"); out != "added 1, changed 0, removed 0, bad rows 0\n" {
		t.Errorf("merge: %s", out)
	}
	if out := b.must("ledger", "import", b.path("one.csv"), "--db", b.db, "--lang", "en"); out != "added 0, changed 1, removed 3, bad rows 0\n" {
		t.Errorf("import: %s", out)
	}
	if out := b.must("ledger", "remove", "192.168.3.77", "--db", b.db, "--lang", "en"); out != "added 0, changed 0, removed 1, bad rows 0\n" {
		t.Errorf("remove: %s", out)
	}
	if dump := b.must("dump", "--db", b.db); !strings.Contains(dump, "\nledger\t1\t192.168.3.39\t") {
		t.Error("the ledger is not in the dump")
	}
	b.must("ledger", "remove", "--all", "--db", b.db)
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"no file":            {[]string{"import", b.path("none.csv")}, exitInput},
		"no ledger":          {[]string{"import", b.path("quiet.pcap")}, exitInput},
		"all rows bad":       {[]string{"import", b.path("bad.csv")}, exitInput},
		"set without a name": {[]string{"set", "here", "zone=x"}, exitUsage},
		"no such column":     {[]string{"set", "192.168.3.39", "colour=red"}, exitUsage},
		"a bad value":        {[]string{"set", "192.168.3.39", "criticality=999"}, exitInput},
		"no address left":    {[]string{"set", "192.168.3.39", "ip="}, exitInput},
		"not there":          {[]string{"remove", "192.168.3.39"}, exitInput},
		"show nothing":       {[]string{"show", "192.168.3.39"}, exitInput},
		"empty":              {[]string{"differences"}, exitInput},
		"remove what":        {[]string{"remove"}, exitUsage},
		"silent for ever":    {[]string{"differences", "--silent-after", "never"}, exitUsage},
	} {
		b.write("bad.csv", []byte("ip\nx\n"))
		if status, _, errs := b.run(append(append([]string{"ledger"}, c.args...), "--db", b.db)...); status != c.want || errs == "" {
			t.Errorf("%s: status %d: %s", name, status, errs)
		}
	}
}

func TestFillWritesTheLedgerNobodyHas(t *testing.T) {
	b := filled(t)
	if n := len(b.rows("ledger", "fill", "--dry-run")); n != 3 {
		t.Errorf("--dry-run: %d", n)
	}
	b.must("ledger", "fill", "--db", b.db)
	rows := b.rows("ledger", "list")
	if len(rows) != 3 {
		t.Fatalf("%v", rows)
	}
	for _, r := range rows {
		if r["state"] != ledger.SeenOnly {
			t.Errorf("%v", r)
		}
	}
	b.must("ledger", "set", "192.168.3.39", "owner=tanaka", "hostname=mine", "--db", b.db)
	if out := b.must("ledger", "fill", "--db", b.db, "--lang", "en"); out != "added 0, changed 0, removed 0, bad rows 0\n" {
		t.Errorf("again: %s", out)
	}
	if r := b.rows("ledger", "list", "--state", "confirmed"); len(r) != 1 || r[0]["hostname"] != "mine" {
		t.Errorf("confirmed: %v", r)
	}
	if r := b.rows("ledger", "differences"); len(r) != 0 {
		t.Errorf("differences of a ledger that was filled: %v", r)
	}
	if _, err := os.Stat(b.db); err != nil {
		t.Fatal(err)
	}
}

func TestFlagsOfTheLedgerExplainAlerts(t *testing.T) {
	kinds := func(flags ...string) map[string]string {
		t.Helper()
		b := newBench(t)
		b.must("learn", "--db", b.db, b.path("quiet.pcap"))
		if len(flags) > 0 {
			b.must(append([]string{"ledger", "set", "--db", b.db}, flags...)...)
		}
		b.must("detect", "--db", b.db, b.path("attacked.pcap"))
		m := map[string]string{}
		for _, al := range b.rows("alerts", "list") {
			k := al["kind"].(string)
			m[k] = al["severity"].(string)
			if strings.Contains(al["reason"].(string), "critical:") {
				m[k] += "+"
			}
		}
		return m
	}
	plain := kinds()
	if plain["ot-ip"] == "" || plain["ip-communication"] == "" {
		t.Fatalf("without flags: %v", plain)
	}
	if got := kinds("192.168.3.66", "flags=engineering"); got["ot-ip"] != "" || got["ip-communication"] != plain["ip-communication"] || got["connected-device"] == "" {
		t.Errorf("engineering: %v, without %v", got, plain)
	}
	if got := kinds("192.168.3.66", "flags=engineering", "flags_until=2026-03-01"); got["ot-ip"] != plain["ot-ip"] {
		t.Errorf("expired: %v, without %v", got, plain)
	}
	if got := kinds("192.168.3.39", "flags=critical"); !strings.HasSuffix(got["ot-ip"], "+") || got["ot-ip"] == plain["ot-ip"] {
		t.Errorf("critical: %v, without %v", got, plain)
	}
}
