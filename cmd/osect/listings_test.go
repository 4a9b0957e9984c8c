package main

import (
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"osect/decode"
	"osect/inventory"
	"osect/picture"
	"osect/service"
)

var update = flag.Bool("update", false, "write the golden files of this package anew")

// goldens are the listings whose look is held: file name → command line.
var goldens = map[string]string{
	"devices": "devices list --limit 20", "addresses": "addresses list --limit 12", "flows": "flows list --limit 12",
	"ot": "ot list --class write,control --limit 12", "alerts": "alerts list --limit 12", "learned": "learn list ip-communication --limit 12",
	"status": "learn status", "traffic": "traffic --bucket 15m", "rank-services": "rank services --limit 10", "rank-vendors": "rank vendors",
}

// The main listings of a small synthetic plant look as they were last looked at. After a
// change that is meant: go test ./cmd/osect -run TestListingsLook -update, then look at the difference.
func TestListingsLookAsTheyDid(t *testing.T) {
	b := newBench(t)
	gen := filepath.Join(b.dir, "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	plant := exec.Command(gen, "--devices", "14", "--seed", "7", "--duration", "3h", "--attack-from", "2h", "--attacks", "all", "--out", "clean.pcap", "--attacked", "attack.pcap")
	plant.Dir = b.dir
	if out, err := plant.CombinedOutput(); err != nil {
		t.Fatalf("plantgen: %v\n%s", err, out)
	}
	b.must("learn", "--db", b.db, b.path("clean.pcap"))
	b.must("detect", "--db", b.db, b.path("attack.pcap"))
	for name, command := range goldens {
		for _, env := range []string{"en", "ja", "en-140"} {
			lang, columns, _ := strings.Cut(env, "-")
			b.env["COLUMNS"] = columns
			got := b.must(append(strings.Fields(command), "--db", b.db, "--lang", lang, "--tz", "UTC")...)
			width := 80
			if columns != "" {
				width = 140
			}
			narrow(t, name, got, width)
			path := filepath.Join("testdata", "listings", name+"."+env+".txt")
			if *update {
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s is not as in %s (-update, where that is meant):\n%s", command, path, got)
			}
		}
	}
}

func TestNamesOfNumbers(t *testing.T) {
	for _, c := range []struct {
		proto   string
		port    uint16
		service string
		want    string
	}{
		{"tcp", 445, "", "tcp/445 smb"},
		{"udp", 53, "", "udp/53 dns"},
		{"tcp", 502, "modbus-tcp", "tcp/502 modbus-tcp"},
		{"tcp", 51234, "", "tcp/51234"},
		{"icmp", 2048, "", "icmp echo"},
		{"icmp", 3<<8 | 3, "", "icmp unreachable (port)"},
		{"icmp", 11<<8 | 1, "", "icmp time exceeded (1)"},
		{"icmp", 42<<8 | 1, "", "icmp 42/1"},
		{"icmp6", 135 << 8, "", "icmp6 neighbor solicitation"},
		{"icmp6", 1<<8 | 4, "", "icmp6 unreachable (port)"},
		{"ethernet", 0x0806, "", "ARP"},
		{"ethernet", 0x890f, "", "CC-Link IE"},
		{"ethernet", 0x890f, "cc-link-ie-field-control", "cc-link-ie-field-control"},
		{"ethernet", 0x88b8, "", "GOOSE"},
		{"ethernet", 0x1234, "", "0x1234"},
		{"ethernet", 0, "", "LLC"},
		{"47", 0, "", "gre"},
		{"253", 0, "", "IP protocol 253"},
	} {
		if got := nameService(nil, c.proto, c.port, c.service); got != c.want {
			t.Errorf("%s %d %s: %q, want %q", c.proto, c.port, c.service, got, c.want)
		}
	}
	for in, want := range map[string]string{
		"Siemens AG,": "Siemens", "Mitsubishi Electric Corporation": "Mitsubishi Electric", "Keyence Corporation": "Keyence", "Dell Inc.": "Dell",
		"Moxa Technologies Co.,Ltd.": "Moxa Technologies", "Hirschmann Automation and Control GmbH": "Hirschmann Automation and Control",
		"": "", "Inc.": "Inc.", "Co-op": "Co-op", "CO.": "CO.",
	} {
		if got := shortVendor(in); got != want {
			t.Errorf("vendor %q: %q, want %q", in, got, want)
		}
	}
}

func TestWhatWasGivenUpHasItsUnit(t *testing.T) {
	a, _ := page("en")
	for want, m := range map[string]map[string]uint64{
		"0":                          {"segments": 0},
		"stream bytes 12.3 kB":       {"segments": 12_345},
		"connections 3, new-cause 1": {"connections": 3, "new-cause": 1},
	} {
		if got := a.dropped(m); got != want {
			t.Errorf("%v: %q, want %q", m, got, want)
		}
	}
}

func TestHintsAreForPeople(t *testing.T) {
	b := newBench(t)
	steps := func() {
		t.Helper()
		for _, c := range []struct {
			want string
			args []string
		}{
			{"Detectors are off", []string{"replay", b.path("quiet.pcap")}},
			{"Nothing was learned before", []string{"detect"}},
			{"osect detect PATH", []string{"learn"}},
			{"No alerts", []string{"detect"}},
			{"see osect alerts list", []string{"detect", b.path("attacked.pcap")}},
		} {
			_, _, errs := b.run(append(c.args, "--db", b.db)...)
			if said := strings.Contains(errs, c.want); said != b.terminal {
				t.Errorf("%v on a terminal (%v): %q", c.args, b.terminal, errs)
			}
		}
	}
	steps()
	b.db = b.path("other.db")
	b.terminal = true
	steps()
	for _, args := range [][]string{{"-q"}, {"--format", "json"}, {"--log-format", "json"}} {
		if _, _, errs := b.run(append([]string{"learn", "--db", b.db}, args...)...); errs != "" {
			t.Errorf("%v: %q", args, errs)
		}
	}
}

func TestABaselineIsCarriedToAnotherStore(t *testing.T) {
	b := filled(t)
	b.must("learn", "add", "ip-communication", "--src", "192.168.3.0/24", "--dst", "*", "--proto", "udp", "--sport", "61450", "--port", "49203-65477", "--site", "=1+1", "--db", b.db)
	first := b.must("learn", "export", "--db", b.db)
	if lines := strings.Split(strings.TrimSpace(first), "\n"); len(lines) != 1+len(b.rows("learn", "list")) || lines[0] != strings.Join(baselineColumns, ",") {
		t.Fatalf("export: %s", first)
	}
	if !strings.Contains(first, ",'=1+1,192.168.3.0/24,*,udp,sport:61450,49203,65477,\n") {
		t.Errorf("the row by hand is not there, or its site is a formula:\n%s", first)
	}
	b.write("baseline.csv", []byte("\uFEFF"+strings.ReplaceAll(first, "\n", "\r\n"))) // as Excel saves it
	other := b.path("other.db")
	if out := b.must("learn", "import", b.path("baseline.csv"), "--db", other); !strings.Contains(out, "removed 0, there already 0") {
		t.Errorf("import: %s", out)
	}
	if again := b.must("learn", "export", "--db", other); again != first {
		t.Errorf("export of what was imported:\n%s\nwant\n%s", again, first)
	}
	if out := b.must("learn", "import", b.path("baseline.csv"), "--db", b.db); !strings.HasPrefix(out, "added 0, removed 0") {
		t.Errorf("import of what is there: %s", out)
	}
	// What was imported is what detection compares with.
	b.must("detect", "--db", other, b.path("quiet.pcap"))
	b.db = other
	if alerts := b.rows("alerts", "list"); len(alerts) != 0 {
		t.Errorf("alerts on what was imported: %v", alerts)
	}
	// --replace removes, from the lists in the file only.
	b.write("short.csv", []byte("list,site,src,dst,proto,item,port_from,port_to\nip-communication,default,192.168.3.10,192.168.3.39,tcp,dport,502,502\n"))
	devices := len(b.rows("learn", "list", "connected-device"))
	b.must("learn", "import", "--replace", "--dry-run", b.path("short.csv"), "--db", b.db)
	if n := len(b.rows("learn", "list", "ip-communication")); n < 2 {
		t.Errorf("--dry-run left %d rows", n)
	}
	b.must("learn", "import", "--replace", b.path("short.csv"), "--db", b.db)
	if n := len(b.rows("learn", "list", "ip-communication")); n != 1 || len(b.rows("learn", "list", "connected-device")) != devices {
		t.Errorf("--replace: %d rows, %d devices", n, len(b.rows("learn", "list", "connected-device")))
	}
}

func TestBadBaselinesAreRefused(t *testing.T) {
	head := strings.Join(baselineColumns, ",") + "\n"
	b := filled(t)
	before := b.must("learn", "export", "--db", b.db)
	for name, c := range map[string]struct{ data, want string }{
		"empty":           {"", "line 1"},
		"another CSV":     {"a,b\n1,2\n", "line 1"},
		"no such list":    {head + "bogus,default,192.0.2.1,,,ip,,\n", "line 2"},
		"no address":      {head + "connected-device,default,192.0.2.1,,,ip,,\nconnected-device,default,plc,,,ip,,\n", "line 3"},
		"port":            {head + "ip-communication,default,192.0.2.1,192.0.2.2,tcp,dport,70000,70000\n", "line 2: port_from"},
		"ports reversed":  {head + "ip-communication,default,192.0.2.1,192.0.2.2,tcp,dport,20,10\n", "above"},
		"no site":         {head + "connected-device,,192.0.2.1,,,ip,,\n", "site"},
		"too few columns": {head + "connected-device,default\n", "line 2"},
		"open quote":      {head + "\"connected-device\n", "line"},
	} {
		b.write("bad.csv", []byte(c.data))
		status, _, errs := b.run("learn", "import", b.path("bad.csv"), "--db", b.db)
		if status != exitInput || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d, %q, want %q", name, status, errs, c.want)
		}
	}
	if b.must("learn", "export", "--db", b.db) != before {
		t.Error("a bad file changed the store")
	}
}

func FuzzReadBaseline(f *testing.F) {
	head := strings.Join(baselineColumns, ",") + "\n"
	f.Add(head + "connected-device,default,192.0.2.1,,,ip,,\n")
	f.Add(head + "ip-communication,'=x,192.0.2.0/24,*,gre/udp,sport:1,2,3\r\n")
	f.Add("\uFEFF" + head + "ot-ip,default,\"192.0.2.1\",internet,modbus-tcp,resp:03,,\n")
	f.Fuzz(func(t *testing.T, s string) {
		rows, err := readBaseline(strings.NewReader(s))
		if err != nil {
			return
		}
		if add, remove := compareBaselines(rows, rows); add != nil || remove != nil {
			t.Fatalf("a baseline is not equal to itself: %v %v", add, remove)
		}
		if add, _ := compareBaselines(nil, rows); len(add) != len(rows) {
			t.Fatalf("%d of %d rows are new to an empty store", len(add), len(rows))
		}
	})
}

func TestTraffic(t *testing.T) {
	b := filled(t) // ten minutes from 08:00, one at 09:00
	rows := b.rows("traffic", "--bucket", "1h")
	if len(rows) != 2 || rows[0]["time"] != "2026-03-02T08:00:00Z" || rows[0]["packets"] != 90.0 || rows[1]["packets"] != 17.0 || rows[0]["seconds"] != 3600.0 {
		t.Errorf("an hour a row: %v", rows)
	}
	if rows := b.rows("traffic", "--address", "192.168.3.66", "--protocol", "modbus-tcp"); len(rows) != 1 || rows[0]["packets"] != 8.0 || rows[0]["seconds"] != 300.0 {
		t.Errorf("of one device and service: %v", rows)
	}
	b.must("replay", "--again", "--sensor", "second", "--db", b.db, b.path("quiet.pcap"))
	if status, _, errs := b.run("traffic", "--db", b.db); status != exitUsage || !strings.Contains(errs, "default/second") {
		t.Errorf("two sensors: %d %s", status, errs)
	}
	if rows := b.rows("traffic", "--sensor", "second", "--bucket", "1h"); len(rows) != 1 {
		t.Errorf("one of two sensors: %v", rows)
	}
}

func TestRanks(t *testing.T) {
	b := filled(t)
	for _, by := range []string{"traffic", "peers", "importance"} {
		rows := b.rows("rank", "devices", "--by", by)
		key := map[string]string{"traffic": "bytes", "peers": "peers", "importance": "importance"}[by]
		if len(rows) != 3 || rows[0]["name"] != "192.168.3.39" || rows[0]["rank"] != 1.0 {
			t.Errorf("devices by %s: %v", by, rows)
		}
		for i := range rows[1:] {
			if rows[i][key].(float64) < rows[i+1][key].(float64) {
				t.Errorf("devices by %s: %v before %v", by, rows[i], rows[i+1])
			}
		}
	}
	rows := b.rows("rank", "services")
	if len(rows) != 2 || rows[0]["name"] != "tcp/502 modbus-tcp" || rows[0]["devices"] != 3.0 || rows[1]["name"] != "ARP" {
		t.Errorf("services: %v", rows)
	}
	rows = b.rows("rank", "vendors")
	if len(rows) != 1 || rows[0]["devices"] != 3.0 || len(rows[0]["addresses"].([]any)) != 3 {
		t.Errorf("vendors: %v", rows)
	}
	for _, args := range [][]string{{"rank", "robots"}, {"rank", "vendors", "--by", "peers"}, {"rank"}} {
		if status, _, _ := b.run(append(args, "--db", b.db)...); status != exitUsage {
			t.Errorf("%v: status %d", args, status)
		}
	}
	two := rankServices(nil, []inventory.Link{
		{Site: "a", Client: decode.MAC(1).Addr(), Server: decode.MAC(2).Addr(), ServerPort: 0x0806, Bytes: 5},
		{Site: "b", Client: decode.MAC(1).Addr(), Server: decode.MAC(2).Addr(), ServerPort: 0x0806, Bytes: 7},
	}, picture.NewFinder(nil))
	if len(two) != 2 {
		t.Errorf("services of two sites are one: %v", two)
	}
}

// TestRankServicesByTheServersPort: scans and the ports that systems choose for themselves are not listed as services one by one.
func TestRankServicesByTheServersPort(t *testing.T) {
	link := func(c, s uint32, proto uint8, port uint16, packets, bytes uint64, answered bool) inventory.Link {
		return inventory.Link{Site: "s", Client: decode.IPv4(c), Server: decode.IPv4(s), Proto: proto, ServerPort: port, Packets: packets, Bytes: bytes, Answered: answered}
	}
	links := []inventory.Link{
		link(10<<24|1, 10<<24|2, decode.ProtoTCP, 443, 10, 5000, true),
		link(10<<24|1, 10<<24|3, decode.ProtoTCP, 443, 2, 120, false),   // tried only
		link(10<<24|1, 10<<24|2, decode.ProtoTCP, 1433, 9, 4000, false), // one way only was captured
		link(10<<24|7, 10<<24|2, decode.ProtoUDP, 514, 4, 600, false),   // nobody answers syslog
		link(10<<24|7, 10<<24|2, decode.ProtoUDP, 49203, 1, 106, false), // to ports of the moment
		link(10<<24|8, 10<<24|2, decode.ProtoUDP, 61000, 2, 212, true),  //
		link(10<<24|1, 10<<24|9, decode.ProtoTCP, 55001, 10, 900, true), // several are answered
		link(10<<24|4, 10<<24|9, decode.ProtoTCP, 55001, 10, 800, true), //
		link(10<<24|4, 10<<24|9, decode.ProtoTCP, 44818, 10, 700, true), // has a name
		link(10<<24|5, 10<<24|9, decode.ProtoUDP, 50001, 10, 650, true), // has a protocol
	}
	links[len(links)-1].Service = "modbus-tcp"
	for port := range uint16(500) { // a scan
		links = append(links, link(10<<24|6, 10<<24|2, decode.ProtoTCP, 1+port, 2, 114, false))
	}
	got := map[string]uint64{}
	for _, r := range rankServices(service.New(nil, nil), links, picture.NewFinder(nil)) {
		got[r.Name] = r.Bytes
	}
	want := map[string]uint64{"tcp/443 https": 5000, "tcp/1433 ms-sql": 4000, "udp/514 syslog": 600, "udp/32768-65535": 318, "tcp/55001": 1700, "tcp/44818 ethernet-ip": 700,
		"udp/50001 modbus-tcp": 650, "tcp unanswered": 120 + 500*114}
	if !maps.Equal(got, want) {
		t.Errorf("services %v, want %v", got, want)
	}
}

func TestAlertsExportHasAll(t *testing.T) {
	b := filled(t)
	list := b.rows("alerts", "list")
	id := list[0]["id"].(string)
	b.must("alerts", "note", id, "asked the engineer", "--author", "tanaka", "--db", b.db)
	var export []map[string]any
	for _, r := range b.parse(b.must("alerts", "export", "--format", "json", "--db", b.db)) {
		export = append(export, r)
		for k := range list[0] {
			if _, ok := r[k]; !ok {
				t.Errorf("export lacks %s", k)
			}
		}
		if len(r["frames"].([]any)) == 0 {
			t.Errorf("no frames: %v", r)
		}
	}
	if len(export) != len(list) {
		t.Fatalf("%d of %d alerts", len(export), len(list))
	}
	if n := export[0]["notes"].([]any); len(n) != 1 || !strings.HasSuffix(n[0].(string), " tanaka: asked the engineer") {
		t.Errorf("notes: %v", n)
	}
	out := b.must("alerts", "export", "--bom", "--db", b.db)
	if !strings.HasPrefix(out, "\uFEFFid,kind,") || !strings.Contains(out, ",state,frames,notes\n") || strings.Count(out, "\n") != 1+len(list) {
		t.Errorf("CSV: %s", out)
	}
	if got := b.parse(b.must("alerts", "export", "--format", "json", "--severity", "high", "--db", b.db)); len(got) == 0 || len(got) == len(list) {
		t.Errorf("--severity high: %d of %d", len(got), len(list))
	}
	if status, _, _ := b.run("alerts", "export", "--format", "table", "--db", b.db); status != exitUsage {
		t.Errorf("--format table: status %d", status)
	}
}
