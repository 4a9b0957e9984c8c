package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"osect/detect"
	"osect/pipeline"
	"osect/store"
)

var updateBuiltin = flag.Bool("update-builtin", false, "write testdata/builtin.txt")

// builtinFolders are those of every run; OSECT_SCENARIOS=long takes all captures.
var builtinFolders = []string{"attack", "scan", "arp", "fins", "melsec", "s7comm"}

// TestBuiltinOnCaptures: which built-in rules are raised how severely on which shared capture, nothing being learned, is
// what testdata/builtin.txt says. It was read line by line, doubtful captures opened (docs/detection/real.md).
func TestBuiltinOnCaptures(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := filepath.Join(sharedDir(t), "captures")
	st, err := store.Open(filepath.Join(t.TempDir(), "s.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	all := *updateBuiltin || os.Getenv("OSECT_SCENARIOS") == "long"
	var paths []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		folder, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if err == nil && !d.IsDir() && strings.Contains(filepath.Ext(path), "cap") && (all || slices.Contains(builtinFolders, folder)) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		rel, _ := filepath.Rel(dir, path)
		_, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{path}, Site: rel, Mode: pipeline.Detect, Workers: 1, Again: true})
		if err != nil {
			t.Logf("%s: %v", rel, err)
		}
	}
	alerts, _, err := st.Alerts(context.Background(), store.Filter{Kind: string(detect.BuiltIn)})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, a := range alerts {
		counts[a.Site+"\t"+a.Subkind+"\t"+string(a.Severity)]++
	}
	var lines []string
	for k, n := range counts {
		lines = append(lines, fmt.Sprintf("%s\t%d", k, n))
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	file := filepath.Join("testdata", "builtin.txt")
	if *updateBuiltin {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := strings.Split(string(want), "\n")
	if !all {
		was = slices.DeleteFunc(was, func(l string) bool {
			folder, _, _ := strings.Cut(l, "/")
			return !slices.Contains(builtinFolders, folder)
		})
	}
	for _, l := range was {
		if !slices.Contains(lines, l) && l != "" {
			t.Errorf("no more: %s", l)
		}
	}
	for _, l := range lines {
		if !slices.Contains(was, l) {
			t.Errorf("new: %s", l)
		}
	}
}

// builtinRow is what the tests here read of an alert.
type builtinRow struct {
	ID, Subkind, Severity, Summary, Reason string
	First                                  time.Time `json:"first_seen"`
	Last                                   time.Time `json:"last_seen"`
	Count                                  uint64
	SrcIP                                  string `json:"src_ip"`
	SrcMAC                                 string `json:"src_mac"`
	DstIP                                  string `json:"dst_ip"`
	DstMAC                                 string `json:"dst_mac"`
}

// builtinLines are the built-in alerts of a store, a line each.
func builtinLines(b *bench, db string) (lines []string, alerts []builtinRow) {
	b.Helper()
	if err := json.Unmarshal([]byte(b.must("alerts", "list", "--db", db, "--kind", "built-in", "--all", "--format", "json")), &alerts); err != nil {
		b.Fatal(err)
	}
	for _, r := range alerts {
		lines = append(lines, fmt.Sprintf("%s %s %s %s>%s %s–%s ×%d %s", r.ID, r.Subkind, r.Severity, r.SrcIP+r.SrcMAC, r.DstIP+r.DstMAC, r.First, r.Last, r.Count, r.Reason))
	}
	slices.Sort(lines)
	return lines, alerts
}

// TestBuiltinOnPlants: a clean day after a learned one raises no built-in alert; on an attacked day each attack
// that names the detector is told, and nothing else; the stored minutes give the same alerts as streaming did.
func TestBuiltinOnPlants(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := t.TempDir()
	gen := filepath.Join(dir, "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	sizes := []size{{20, 3}, {200, 1}}
	if os.Getenv("OSECT_SCENARIOS") == "long" {
		sizes[1].seeds = 3
	}
	for _, z := range sizes {
		for seed := range z.seeds {
			t.Run(fmt.Sprintf("%d devices seed %d", z.devices, 7101+seed), func(t *testing.T) {
				b := newBench(t)
				day, clean, attacked, truthFile := b.path("day.pcap"), b.path("clean.pcap"), b.path("attacks.pcap"), b.path("truth.json")
				generate := func(second, attacks string, more ...string) {
					args := append([]string{"--devices", strconv.Itoa(z.devices), "--seed", strconv.Itoa(7101 + seed), "--duration", "40h", "--attack-from", "24h",
						"--out", day, "--attacked", second, "--attacks", attacks}, more...)
					if out, err := exec.Command(gen, args...).CombinedOutput(); err != nil {
						t.Fatalf("plantgen: %v\n%s", err, out)
					}
				}
				generate(clean, "none")
				b.must("learn", "--db", b.db, day)
				b.must("detect", "--db", b.db, clean)
				if lines, _ := builtinLines(b, b.db); len(lines) > 0 {
					t.Errorf("a clean day: %s", strings.Join(lines, "\n"))
				}
				if (z.devices > 20 || seed > 0) && os.Getenv("OSECT_SCENARIOS") != "long" {
					return // the clean days are what more seeds are for
				}

				generate(attacked, "all", "--truth", truthFile)
				db := b.path("attacked.db")
				b.must("learn", "--db", db, day)
				b.must("detect", "--db", db, attacked)
				lines, alerts := builtinLines(b, db)
				var truth truth
				data, err := os.ReadFile(truthFile)
				if err == nil {
					err = json.Unmarshal(data, &truth)
				}
				if err != nil {
					t.Fatal(err)
				}
				of := alertsOf(alerts, truth.Attacks)
				for i := range truth.Attacks {
					if a := &truth.Attacks[i]; slices.Contains(a.Expected, detect.BuiltIn) && of[i] == 0 {
						t.Errorf("%s at %s is not told", a.Kind, a.Start)
					}
				}
				for _, a := range alerts {
					if !slices.ContainsFunc(truth.Attacks, func(x attackTruth) bool { return touches(&x, &a) }) {
						t.Errorf("outside all attacks: %s %s: %s", a.First, a.Summary, a.Reason)
					}
				}

				stored := b.path("stored.db")
				b.must("learn", "--db", stored, day)
				b.must("replay", "--db", stored, attacked)
				if none, _ := builtinLines(b, stored); len(none) > 0 {
					t.Fatalf("detectors are off: %v", none)
				}
				b.must("detect", "--db", stored, "--from", truth.AttackFrom.Format(time.RFC3339Nano))
				again, _ := builtinLines(b, stored)
				if !slices.Equal(lines, again) {
					t.Errorf("stored minutes gave\n%s\nstreaming\n%s", strings.Join(again, "\n"), strings.Join(lines, "\n"))
				}
			})
		}
	}
}

// touches says whether an alert's time is an attack's.
func touches(x *attackTruth, a *builtinRow) bool {
	return !a.Last.Before(x.Start) && !a.First.After(x.End.Add(grace))
}

// alertsOf counts the alerts of each attack.
func alertsOf(alerts []builtinRow, attacks []attackTruth) []int {
	n := make([]int, len(attacks))
	for i := range attacks {
		for j := range alerts {
			if touches(&attacks[i], &alerts[j]) {
				n[i]++
			}
		}
	}
	return n
}

// TestExclusionsAreEdited: exclude add, list and remove; alerts exclude silences what comes after.
func TestExclusionsAreEdited(t *testing.T) {
	b := filled(t)
	rows := b.rows("alerts", "list")
	if len(rows) == 0 {
		t.Fatal("no alerts")
	}
	id := rows[0]["id"].(string)
	kind, subkind := rows[0]["kind"].(string), rows[0]["subkind"].(string)
	b.must("alerts", "exclude", "--db", b.db, id, "--any-source", "--note", "known")
	list := b.rows("exclude", "list")
	if len(list) != 1 || list[0]["kind"] != kind || list[0]["item"] != subkind || list[0]["note"] != "known" {
		t.Errorf("%v", list)
	}
	for _, r := range b.rows("alerts", "list") {
		if r["id"] == id && r["state"] != "excluded" {
			t.Errorf("%v", r)
		}
	}
	// The same captures in another store with the same exclusion: nothing of this kind and subkind.
	other := b.path("other.db")
	b.must("learn", "--db", other, b.path("quiet.pcap"))
	b.must("exclude", "add", kind, "--db", other, "--item", subkind)
	b.must("detect", "--db", other, b.path("attacked.pcap"))
	for _, r := range b.parse(b.must("alerts", "list", "--db", other, "--format", "json")) {
		if r["kind"] == kind && r["subkind"] == subkind {
			t.Errorf("excluded and raised: %v", r)
		}
	}
	b.must("exclude", "remove", kind, "--db", other, "--item", subkind)
	if status, _, _ := b.run("exclude", "remove", kind, "--db", other, "--item", subkind); status == exitOK {
		t.Error("what is not there was removed")
	}
	for _, bad := range [][]string{{"exclude", "add", "built-in"}, {"exclude", "add", "none", "--src", "10.0.0.1"}, {"exclude", "add", "built-in", "--src", "x"},
		{"exclude", "add", "built-in", "--item", "x"}, {"learn", "rule", "x", "off"}, {"learn", "rule", "port-scan", "x=1"}} {
		if status, _, _ := b.run(append(bad, "--db", other)...); status != exitUsage {
			t.Errorf("%v: status %d", bad, status)
		}
	}
	b.must("learn", "rule", "--db", other, "port-scan", "threshold=40", "severity=low")
	for _, r := range b.parse(b.must("learn", "rules", "--db", other, "--format", "json")) {
		if want := r["subkind"] == "port-scan"; want != r["changed"].(bool) || want && (r["threshold"] != 40.0 || r["severity"] != "low") {
			t.Errorf("%v", r)
		}
	}
}
