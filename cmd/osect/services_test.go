package main

import (
	"os"
	"strings"
	"testing"
)

func TestServicesAreNamed(t *testing.T) {
	b := filled(t)
	find := func(args ...string) map[string]any {
		t.Helper()
		rows := b.rows(append([]string{"services", "list"}, args...)...)
		if len(rows) == 0 {
			return nil
		}
		return rows[0]
	}
	if r := find("--port", "502"); r["proto"] != "tcp" || r["name"] != "modbus" || r["origin"] != "field" || r["description"] == "" {
		t.Errorf("502: %v", r)
	}
	if r := find("--port", "5355"); r["name"] != "llmnr" || r["origin"] != "iana" {
		t.Errorf("5355: %v", r)
	}
	if n := len(b.rows("services", "list")); n < 11000 {
		t.Errorf("%d names", n)
	}
	// One of your own wins, here and in listings.
	b.must("services", "set", "502/tcp", "=line3", "--db", b.db)
	b.must("services", "set", "udp/5007", "melsec", "--db", b.db)
	if r := find("--own", "--port", "502"); r["name"] != "=line3" || r["origin"] != "own" {
		t.Errorf("own: %v", r)
	}
	if r := b.rows("flows", "list")[0]; r["service_name"] != "=line3" || r["service"] != "modbus-tcp" {
		t.Errorf("flows list: %v, %v", r["service_name"], r["service"])
	}
	// Export, import elsewhere: the same names, and a formula is none.
	own := b.must("services", "list", "--own", "--format", "csv", "--db", b.db)
	if !strings.Contains(own, "tcp,502,'=line3,own,") {
		t.Errorf("CSV: %s", own)
	}
	b.write("own.csv", []byte("\uFEFF"+own))
	first, other := b.db, b.path("other.db")
	if out := b.must("services", "import", b.path("own.csv"), "--db", other); !strings.HasPrefix(out, "added 2, removed 0") {
		t.Errorf("import: %s", out)
	}
	b.db = other
	if again := b.must("services", "list", "--own", "--format", "csv", "--db", b.db); again != own {
		t.Errorf("imported: %s", again)
	}
	b.write("one.csv", []byte("port,name,proto\n502,line4,tcp\n"))
	if out := b.must("services", "import", "--replace", "--dry-run", b.path("one.csv"), "--db", b.db); !strings.HasPrefix(out, "added 1, removed 1") || len(b.rows("services", "list", "--own")) != 2 {
		t.Errorf("--dry-run: %s", out)
	}
	b.must("services", "import", "--replace", b.path("one.csv"), "--db", b.db)
	if rows := b.rows("services", "list", "--own"); len(rows) != 1 || rows[0]["name"] != "line4" {
		t.Errorf("--replace: %v", rows)
	}
	b.db = first
	b.must("services", "remove", "502/tcp", "--db", b.db)
	if r := find("--port", "502"); r["name"] != "modbus" {
		t.Errorf("removed: %v", r)
	}
	for name, c := range map[string]struct {
		args []string
		want int
	}{
		"no port":          {[]string{"set", "modbus", "x"}, exitUsage},
		"no name":          {[]string{"set", "502/tcp", " "}, exitUsage},
		"a hostile name":   {[]string{"set", "502/tcp", "\x1b[31m"}, exitUsage},
		"not there":        {[]string{"remove", "9/tcp"}, exitInput},
		"no file":          {[]string{"import", b.path("none.csv")}, exitInput},
		"port 0":           {[]string{"list", "--port", "0"}, exitUsage},
		"another CSV":      {[]string{"import", b.path("quiet.pcap")}, exitInput},
		"a list of robots": {[]string{"robots"}, exitUsage},
	} {
		if status, _, errs := b.run(append(append([]string{"services"}, c.args...), "--db", b.db)...); status != c.want {
			t.Errorf("%s: status %d: %s", name, status, errs)
		}
	}
	b.db = b.path("not-made.db")
	if r := find("--port", "502"); r["name"] != "modbus" {
		t.Errorf("without a store: %v", r)
	}
	if _, err := os.Stat(b.db); err == nil {
		t.Error("services list made a store")
	}
}

func TestARegistryIsBrought(t *testing.T) {
	b := filled(t)
	b.write("iana.csv", []byte("Service Name,Port Number,Transport Protocol,Description\nfour,4,tcp,The fourth\nx,445,tcp,\n"))
	if out := b.must("update", "services", "--from", b.path("iana.csv"), "--db", b.db); !strings.Contains(out, "2 of iana.csv") {
		t.Errorf("%s", out)
	}
	if r := b.rows("services", "list", "--port", "4"); len(r) != 1 || r[0]["name"] != "four" || r[0]["description"] != "The fourth" {
		t.Errorf("brought: %v", r)
	}
	if r := b.rows("services", "list", "--port", "5355"); len(r) != 1 || r[0]["origin"] != "field" {
		t.Errorf("of the built-in registry: %v", r)
	}
	b.must("update", "services", "--from", "built-in", "--db", b.db)
	if r := b.rows("services", "list", "--port", "4"); len(r) != 0 {
		t.Errorf("built-in again: %v", r)
	}
	for _, from := range []string{"", b.path("none.csv"), b.path("quiet.pcap")} {
		want := exitInput
		if from == "" {
			want = exitUsage
		}
		if status, _, errs := b.run("update", "services", "--from", from, "--db", b.db); status != want || strings.Count(errs, "\n") != 1 {
			t.Errorf("%q: status %d: %s", from, status, errs)
		}
	}
}

func FuzzReadOwnServices(f *testing.F) {
	f.Add("proto,port,name\ntcp,502,line3\n")
	f.Add("\uFEFFname,x,port,proto\r\n'=1,,5007,udp\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		list, err := readOwnServices(strings.NewReader(s))
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, e := range list {
			k := e.Proto + string(rune(e.Port))
			if e.Port == 0 || e.Proto != "tcp" && e.Proto != "udp" || strings.TrimSpace(e.Name) == "" || seen[k] {
				t.Fatalf("%+v", e)
			}
			seen[k] = true
		}
	})
}
