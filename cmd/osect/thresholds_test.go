package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"osect/detect"
)

// countedAttacks are the attacks of plantgen that a built-in rule counts, and the rule.
var countedAttacks = map[string]string{
	"internet-beacon": "beacon", "slmp-password": "ics-password", "slmp-read-by-stranger": "mass-read", "port-scan": "port-scan", "sweep": "host-sweep",
	"arp-sweep": "arp-sweep", "brute-force-telnet": "brute-telnet", "brute-force-ssh": "ssh-burst", "icmp-tunnel": "icmp-tunnel", "dns-tunnel": "dns-tunnel",
	"llmnr-poison": "name-poisoning", "syn-flood": "syn-flood", "exception-storm": "exception-storm", "write-storm": "write-storm", "silent-device": "silent-device",
}

// TestThresholdsThroughTheProgram: attacks that are made 0.8, 1.0 and 1.5 times as often as their rule's default threshold, in packets
// of a plant whose clean day was learned: silent at 0.8, told at 1.0 and 1.5. OSECT_SCENARIOS=long takes more plants.
func TestThresholdsThroughTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	gen := filepath.Join(t.TempDir(), "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	sizes := []size{{20, 1}}
	if os.Getenv("OSECT_SCENARIOS") == "long" {
		sizes = []size{{20, 5}, {200, 2}}
	}
	told := map[float64]int{}
	made := 0
	for _, z := range sizes {
		for seed := range z.seeds {
			b := newBench(t)
			for _, scale := range []float64{0.8, 1, 1.5} {
				name := fmt.Sprintf("%d devices, seed %d, %.1f ×", z.devices, 9101+seed, scale)
				day, attacked, truthFile := b.path("day.pcap"), b.path("attacked.pcap"), b.path("truth.json")
				out, err := exec.Command(gen, "--devices", fmt.Sprint(z.devices), "--seed", fmt.Sprint(9101+seed), "--duration", "34h", "--attack-from", "24h", "--scale", fmt.Sprint(scale),
					"--out", day, "--attacked", attacked, "--truth", truthFile, "--attacks", "all").CombinedOutput()
				if err != nil {
					t.Fatalf("plantgen: %v\n%s", err, out)
				}
				var truth truth
				data, err := os.ReadFile(truthFile)
				if err == nil {
					err = json.Unmarshal(data, &truth)
				}
				if err != nil {
					t.Fatal(err)
				}
				db := b.path(fmt.Sprintf("%d-%.1f.db", seed, scale))
				b.must("learn", "--db", db, day)
				b.must("detect", "--db", db, attacked)
				_, alerts := builtinLines(b, db)
				for i := range truth.Attacks {
					a := &truth.Attacks[i]
					sub := countedAttacks[a.Kind]
					if sub == "" {
						continue
					}
					if !slices.Contains(detect.BuiltInSubkinds(), sub) {
						t.Fatalf("no rule %s", sub)
					}
					was := slices.ContainsFunc(alerts, func(x builtinRow) bool { return x.Subkind == sub && touches(a, &x) })
					if was {
						told[scale]++
					}
					if made++; was != (scale >= 1) {
						t.Errorf("%s: %s: %s told: %v", name, a.Kind, sub, was)
					}
				}
			}
		}
	}
	t.Logf("%d attacks at each factor; told: %d at 0.8 ×, %d at 1.0 ×, %d at 1.5 ×", made/3, told[0.8], told[1], told[1.5])
	if made < 3*(len(countedAttacks)-1) {
		t.Errorf("only %d attacks were made", made)
	}
}
