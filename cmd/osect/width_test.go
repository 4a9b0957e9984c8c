package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// tables says how a command that prints tables is run for TestEveryTableFits; one that is
// not here is run as it is. A nil entry is left out, for the reason beside it.
var tables = map[string][]string{
	"osect capture":        nil, // needs an interface
	"osect devices show":   {"192.168.3.1", "10.20.0.5"},
	"osect devices list":   {"", "--internet-each", "--protocol modbus-tcp --class write --sort -importance"},
	"osect devices matrix": {"--by vendor", "--by os", "--by role"},
	"osect addresses list": {"", "--mac-only", "--end multicast", "--log name --sort -bytes_sent"},
	"osect flows list":     {"--limit 300", "--sort -bytes --limit 300", "--role plc --limit 300"},
	"osect ot list":        {"", "--layer ethernet", "--vendor mitsubishi --sort -count"},
	"osect alerts show":    {"ALERT"},
	"osect rank":           {"devices", "devices --by peers", "devices --by importance", "services", "services --by devices", "vendors"},
	"osect traffic":        {"--bucket 1h"},
	"osect map":            {"", "--services"},
	"osect learn list":     {"", "ip-communication", "ot-ip", "connected-device"},
	"osect decode":         {"clean.pcap -n 5"},
	"osect services list":  {"--limit 2000", "--name opc"},
	"osect diff":           {"--a 2026-03-02T00:00:00Z..2026-03-02T02:00:00Z --b 2026-03-02T02:00:00Z.. --limit 300"},
	"osect alerts export":  nil, // has no table
	"osect replay":         {"clean.pcap"},
	"osect ledger import":  {"--dry-run ledger.csv"},
	"osect ledger merge":   {"--dry-run ledger.csv"},
	"osect ledger list":    {""},
	"osect ledger show":    {"192.168.3.1"},
	"osect ledger fill":    {"--dry-run --to 2026-03-02T01:00:00Z"},
}

// Every command that has --format prints tables of at most 80 columns where the
// terminal is 80 wide, in both languages, of an attacked plant.
func TestEveryTableFits(t *testing.T) {
	b := newBench(t)
	gen := filepath.Join(b.dir, "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	plant := exec.Command(gen, "--devices", "30", "--seed", "11", "--duration", "4h", "--attack-from", "2h", "--attacks", "all", "--out", "clean.pcap", "--attacked", "attacked.pcap")
	plant.Dir = b.dir
	if out, err := plant.CombinedOutput(); err != nil {
		t.Fatalf("plantgen: %v\n%s", err, out)
	}
	b.must("learn", "-q", "--db", b.db, b.path("clean.pcap"))
	b.must("detect", "-q", "--db", b.db, b.path("attacked.pcap"))
	b.must("services", "set", "--db", b.db, "502/tcp", "独自のとても長い名前のサービスABC")
	b.must("ledger", "fill", "--db", b.db)
	b.must("ledger", "set", "192.168.3.1", "ゾーン=とても長い名前の第一製造ラインの制御ゾーン", "owner=山田太郎", "vendor=オムロン", "--db", b.db)
	b.must("ledger", "set", "10.20.0.5", "ゾーン=事務", "--db", b.db)
	b.write("ledger.csv", []byte("IPアドレス,ホスト名,備考\n192.168.3.1,とても長い名前の搬送ラインのコントローラー,何行にもなる備考。何行にもなる備考。何行にもなる備考。\n192.168.3.99,,\n"))
	alert := b.rows("alerts", "list")[0]["id"].(string)
	b.env["COLUMNS"] = "80"
	n := 0
	everyCommand(func(c *cobra.Command) {
		f := c.Flags().Lookup("format")
		if f == nil || c.HasSubCommands() && c.Name() != "learn" || f.DefValue != "table" {
			return
		}
		variants, listed := tables[c.CommandPath()]
		if !listed {
			variants = []string{""}
		}
		for _, v := range variants {
			for _, lang := range []string{"en", "ja"} {
				args := strings.Fields(strings.TrimPrefix(c.CommandPath(), "osect ") + " " + v)
				for i, a := range args {
					switch {
					case a == "ALERT":
						args[i] = alert
					case strings.HasSuffix(a, ".pcap"), strings.HasSuffix(a, ".csv"):
						args[i] = b.path(a)
					}
				}
				status, out, errs := b.run(append(args, "--db", b.db, "--lang", lang, "--tz", "UTC")...)
				if status != exitOK {
					t.Errorf("%v: status %d: %s (say in tables how it is to be run)", args, status, errs)
				}
				if lang == "ja" && listed && strings.Count(out, "\n") < 2 {
					t.Errorf("%v prints nothing that could be too wide: %q", args, out)
				}
				// A path to be copied is never broken.
				out = strings.Join(slices.DeleteFunc(strings.Split(out, "\n"), func(line string) bool { return strings.Contains(line, b.dir) }), "\n")
				narrow(t, strings.Join(args, " ")+" "+lang, out, 80)
				n++
			}
		}
	})
	if n < 60 {
		t.Errorf("only %d tables", n)
	}
}
