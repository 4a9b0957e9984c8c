package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// plantTruth is what plantgen says of a plant, as far as the comparison of its two parts goes.
type plantTruth struct {
	Start, End time.Time
	AttackFrom time.Time `json:"attack_from"`
	Devices    []struct {
		MAC, Attack string
		IPs         []struct{ IP string }
	}
	Communications []struct {
		Client, Server, Proto string
		Port                  uint16
		SourcePort            uint16 `json:"source_port"`
		Packets               int64
		Clean                 int64 `json:"packets_clean"`
	}
	Operations []struct {
		Src, Dst, Protocol, Direction string
		Code                          string `json:"function_code"`
		Clean                         int64  `json:"count_clean"`
		Attacked                      int64  `json:"count_attacked"`
	}
}

// builtPlant makes a plant whose second half is attacked, replays it and gives its truth.
func builtPlant(t *testing.T, devices, seed int, attacks string) (*bench, *plantTruth) {
	t.Helper()
	b := newBench(t)
	gen := filepath.Join(b.dir, "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	plant := exec.Command(gen, "--devices", strconv.Itoa(devices), "--seed", strconv.Itoa(seed), "--duration", "16h", "--attack-from", "8h", "--attacks", attacks,
		"--out", "clean.pcap", "--attacked", "attacked.pcap", "--truth", "truth.json")
	plant.Dir = b.dir
	if out, err := plant.CombinedOutput(); err != nil {
		t.Fatalf("plantgen: %v\n%s", err, out)
	}
	data, err := os.ReadFile(b.path("truth.json"))
	if err != nil {
		t.Fatal(err)
	}
	var truth plantTruth
	if err := json.Unmarshal(data, &truth); err != nil {
		t.Fatal(err)
	}
	b.must("replay", "-q", "--db", b.db, b.path("clean.pcap"), b.path("attacked.pcap"))
	return b, &truth
}

// Two halves of a plant's day differ in what the truth says, and in nothing else: devices,
// OT functions, and TCP connections. (Attacks that borrow others' addresses are left out: the truth
// names their connections by address, the comparison by device.)
func TestDiffAgreesWithTheTruth(t *testing.T) {
	for _, seed := range []int{41, 42, 44} {
		b, truth := builtPlant(t, 20, seed, "plc-stop,plc-write,slmp-program-download,slmp-read-by-stranger,fins-program-write,fins-stop,modbus-write,modbus-new-function,brute-force-telnet,ccie-stop,ccie-stranger,internet-beacon")
		mid := truth.AttackFrom.Format(time.RFC3339Nano)
		rows := b.rows("diff", "--a", ".."+mid, "--b", mid+"..")
		macs, router := map[string]string{}, ""
		for _, d := range truth.Devices {
			for _, ip := range d.IPs {
				macs[ip.IP] = d.MAC
			}
			if len(d.IPs) > 1 && router == "" {
				router = d.MAC
			}
		}
		of := func(address string) string {
			if mac := macs[address]; mac != "" {
				return mac
			}
			return address
		}
		want := map[string]bool{}
		for _, d := range truth.Devices {
			if d.Attack != "" {
				want["device appeared "+d.MAC] = true
			}
		}
		type sums struct{ clean, attacked int64 }
		decide := func(what string, all map[string]sums) {
			for k, n := range all {
				switch {
				case n.clean == 0 && n.attacked > 0:
					want[what+" appeared "+k] = true
				case n.clean > 0 && n.attacked == 0:
					want[what+" vanished "+k] = true
				}
			}
		}
		operations := map[string]sums{}
		for _, o := range truth.Operations {
			if o.Direction == "response" || o.Direction == "error" {
				o.Src, o.Dst = o.Dst, o.Src
			}
			k := fmt.Sprintf("%s>%s %s %s", of(o.Src), of(o.Dst), o.Protocol, o.Code)
			n := operations[k]
			operations[k] = sums{n.clean + o.Clean, n.attacked + o.Attacked}
		}
		decide("ot", operations)
		connections := map[string]sums{}
		for _, c := range truth.Communications {
			if c.Proto != "tcp" || public(c.Client) || public(c.Server) {
				continue
			}
			k := fmt.Sprintf("%s>%s %s/%d", of(c.Client), of(c.Server), c.Proto, c.Port)
			n := connections[k]
			connections[k] = sums{n.clean + c.Clean, n.attacked + c.Packets - c.Clean}
		}
		decide("connection", connections)
		got := map[string]bool{}
		end := func(r map[string]any, mac, address string) string {
			if m := r[mac].(string); m != "" && m != router {
				return m
			}
			return of(r[address].(string))
		}
		for _, r := range rows {
			change := r["change"].(string)
			ends := end(r, "mac", "device") + ">" + end(r, "peer_mac", "peer")
			switch r["part"] {
			case "devices":
				if change != "changed" {
					got["device "+change+" "+end(r, "mac", "device")] = true
				}
			case "ot":
				if f := strings.Fields(r["item"].(string)); change != "changed" {
					got[fmt.Sprintf("ot %s %s %s %s", change, ends, f[0], f[1])] = true
				}
			case "connections":
				if r["proto"] == "tcp" && change != "changed" && r["device"] != "internet" && r["peer"] != "internet" {
					got[fmt.Sprintf("connection %s %s tcp/%v", change, ends, r["port"])] = true
				}
			}
		}
		for _, k := range slices.Sorted(maps.Keys(want)) {
			if !got[k] {
				t.Errorf("seed %d: not told: %s", seed, k)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(got)) {
			if !want[k] {
				t.Errorf("seed %d: told, but not so: %s", seed, k)
			}
		}
		if len(want) < 20 {
			t.Errorf("seed %d: only %d differences", seed, len(want))
		}
	}
}

func TestDiffCommand(t *testing.T) {
	b := filled(t) // quiet from 08:00, at 09:00 a laptop that writes
	periods := []string{"--a", "2026-03-02T08:00:00Z..2026-03-02T08:30:00Z", "--b", "30m-ago.."}
	rows := b.rows(append([]string{"diff"}, periods...)...)
	found := map[string]bool{}
	for _, r := range rows {
		if r["part"] == "devices" {
			r["item"] = "" // the role is inventory's
		}
		found[fmt.Sprintf("%s %s %s>%s %s", r["part"], r["change"], r["device"], r["peer"], r["item"])] = true
	}
	for _, want := range []string{
		"devices appeared 192.168.3.66> ", "bindings appeared 192.168.3.66> ", "connections appeared 192.168.3.66>192.168.3.39 tcp/502 modbus-tcp",
		"ot appeared 192.168.3.66>192.168.3.39 modbus-tcp 06 write single register",
	} {
		if !found[want] {
			t.Errorf("no %q in %v", want, found)
		}
	}
	if len(rows) != 4 {
		t.Errorf("%d rows, want 4: %v", len(rows), found)
	}
	// The same twice is no difference; --only narrows what --exit-code is about.
	for _, c := range []struct {
		args []string
		want int
	}{
		{append([]string{"--exit-code"}, periods...), exitFound},
		{append([]string{"--exit-code", "--only", "identities,services"}, periods...), exitOK},
		{[]string{"--exit-code", "--a", "2026-03-02T08:00:00Z..2026-03-02T08:05:00Z", "--b", "2026-03-02T08:05:00Z..2026-03-02T08:10:00Z"}, exitOK},
		{[]string{"--exit-code", "--a", "2026-03-02", "--b", "2026-03-01..2026-03-02"}, exitOK},
		{[]string{"--exit-code", b.db}, exitOK},
		{[]string{"--a", "2026-03-02"}, exitUsage},
		{nil, exitUsage},
		{[]string{"--a", "..", "--b", "2026-03-02"}, exitUsage},
		{[]string{"--a", "24h-ago", "--b", "2026-03-02"}, exitUsage},
		{[]string{"--a", "2026-03-03..2026-03-02", "--b", "2026-03-02"}, exitUsage},
		{append([]string{"--only", "robots"}, periods...), exitUsage},
		{append([]string{"--format", "xml"}, periods...), exitUsage},
		{[]string{"--a", "2026-03-05", "--b", "2026-03-02"}, exitInput},
		{[]string{b.path("none.db")}, exitInput},
		{[]string{b.path("text.pcap")}, exitInput},
	} {
		if status, _, errs := b.run(append([]string{"diff", "--db", b.db, "--tz", "UTC"}, c.args...)...); status != c.want {
			t.Errorf("%v: status %d, want %d: %s", c.args, status, c.want, errs)
		}
	}
	// Against another store: what only that one has appeared.
	other := b.path("other.db")
	b.must("replay", "-q", "--db", other, b.path("quiet.pcap"))
	out := b.must("diff", "--db", b.db, other, "--only", "devices", "--format", "csv")
	if !strings.Contains(out, "devices,vanished,default,192.168.3.66,02:00:00:00:00:66,") {
		t.Errorf("against another store: %s", out)
	}
	// Markdown: one table a part, what would be markup is escaped.
	md := b.must(append([]string{"diff", "--db", b.db, "--lang", "en", "--format", "markdown"}, periods...)...)
	for _, want := range []string{"# Differences\n", "\n## Devices: 1 appeared, 0 vanished, 0 changed\n\n| Change |", "|---|---|", "| appeared | 192.168.3.66 |", "modbus-tcp 06 write single register"} {
		if !strings.Contains(md, want) {
			t.Errorf("no %q in\n%s", want, md)
		}
	}
	if md := b.must("diff", "--db", b.db, "--lang", "ja", "--format", "markdown", b.db); !strings.Contains(md, "差分はありません") {
		t.Errorf("no difference: %s", md)
	}
	if got := b.must(append([]string{"diff", "--db", b.db, "--lang", "en", "--tz", "UTC"}, periods...)...); !strings.HasPrefix(got, "Devices: 1 appeared, 0 vanished, 0 changed\nChange ") {
		t.Errorf("table: %s", got)
	}
}

// TestDiffThroughTheBinary: all six kinds of difference, in every form, between two periods of a store and between two stores, with the exit status of the
// program itself.
func TestDiffThroughTheBinary(t *testing.T) {
	b := newBench(t)
	exe := build(t, "osect/cmd/osect").path
	// firmware says by LLDP which one the controller has: chassis (MAC), port, time to live, MED firmware revision, end.
	firmware := func(version string) []byte {
		f := append([]byte{0x01, 0x80, 0xc2, 0, 0, 0x0e}, plc.mac[:]...)
		f = append(append(f, 0x88, 0xcc, 2, 7, 4), plc.mac[:]...)
		f = append(f, 4, 3, 7, 'p', '1', 6, 2, 0, 120, 0xfe, byte(4+len(version)), 0x00, 0x12, 0xbb, 6)
		return append(append(f, version...), 0, 0)
	}
	printer, other := host{[6]byte{2, 0, 0, 0, 0, 0x70}, [4]byte{192, 168, 3, 70}}, host{[6]byte{2, 0, 0, 0, 0, 0x71}, [4]byte{192, 168, 3, 70}}
	day := func(at time.Time, version string, who, client host, request, answer []byte) []byte {
		c := newCapture()
		c.frame(at, arp(hmi, plc))
		c.frame(at.Add(1*time.Millisecond), firmware(version))
		c.session(at.Add(time.Second), hmi, 50000, readRegisters, registers)
		c.frame(at.Add(2*time.Second), arp(who, plc))
		if client == laptop {
			c.frame(at.Add(3*time.Second), arp(laptop, plc))
			for i, f := range [][]byte{tcp(hmi, plc, 50001, 80, 9, 0, 2, nil), tcp(plc, hmi, 80, 50001, 7, 10, 18, nil), tcp(hmi, plc, 50001, 80, 10, 8, 16, nil)} {
				c.frame(at.Add(3*time.Second+time.Duration(i+1)*time.Millisecond), f)
			}
		}
		c.session(at.Add(4*time.Second), client, 50002, request, answer)
		return c.Bytes()
	}
	b.write("a.pcap", day(day0, "1.0", printer, hmi, readRegisters, registers))
	b.write("b.pcap", day(day0.Add(24*time.Hour), "1.1", other, laptop, writeRegister, wholeAnswer))
	run := func(args ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(exe, args...)
		cmd.Dir, cmd.Env = b.dir, append(os.Environ(), "OSECT_DB=", "COLUMNS=80")
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	for _, args := range [][]string{{"both.db", "a.pcap", "b.pcap"}, {"a.db", "a.pcap"}, {"b.db", "b.pcap"}} {
		if out, status := run(append([]string{"replay", "-q", "--db"}, args...)...); status != 0 {
			t.Fatalf("replay %v: status %d: %s", args, status, out)
		}
	}
	want := []string{
		"bindings appeared 192.168.3.66  [] [02:00:00:00:00:66]", "bindings changed 192.168.3.70  [02:00:00:00:00:70] [02:00:00:00:00:71]",
		"connections appeared 192.168.3.10 tcp/80 http [] [answered]", "connections appeared 192.168.3.66 tcp/502 modbus-tcp [] [answered]",
		"devices appeared 192.168.3.66", "devices appeared 192.168.3.70", "devices vanished 192.168.3.70",
		"identities changed 192.168.3.39 firmware lldp [1.0] [1.1]",
		"ot appeared 192.168.3.66 modbus-tcp 06 write single register [] []",
		"services appeared 192.168.3.39 tcp/80 http [] []",
	}
	for _, sides := range [][]string{{"--db", "both.db", "--tz", "UTC", "--a", "2026-03-02", "--b", "2026-03-03"}, {"--db", "a.db", "b.db"}} {
		out, status := run(append([]string{"diff", "--format", "json"}, sides...)...)
		if status != 0 {
			t.Errorf("%v: status %d without --exit-code", sides, status)
		}
		var got []string
		for _, r := range b.parse(out) {
			line := fmt.Sprintf("%s %s %s %s %v %v", r["part"], r["change"], r["device"], r["item"], r["before"], r["after"])
			if r["part"] == "devices" {
				line = strings.Join(strings.Fields(line)[:3], " ") // the role is inventory's
			}
			got = append(got, line)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%v:\n%s\nwant\n%s", sides, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for _, format := range []string{"table", "markdown", "csv", "json"} {
			out, status := run(append([]string{"diff", "--exit-code", "--lang", "en", "--format", format}, sides...)...)
			if status != exitFound {
				t.Errorf("%v, %s: status %d, want %d", sides, format, status, exitFound)
			}
			for _, text := range []string{"1.1", "02:00:00:00:00:71", "192.168.3.66", "tcp/80 http"} {
				if !strings.Contains(out, text) {
					t.Errorf("%v, %s: no %q in\n%s", sides, format, text, out)
				}
			}
			for line := range strings.Lines(out) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); format == "table" && n > 80 {
					t.Errorf("%d columns: %s", n, line)
				}
			}
		}
	}
	if _, status := run("diff", "--exit-code", "--db", "both.db", "--tz", "UTC", "--a", "2026-03-02", "--b", "2026-03-02"); status != exitOK {
		t.Errorf("the same day: status %d", status)
	}
	if _, status := run("diff", "--exit-code", "--db", "b.db", "b.db"); status != exitOK {
		t.Errorf("the same store: status %d", status)
	}
}

// public says whether an address of a plant is outside: documentation addresses stand for the internet.
func public(a string) bool {
	return !strings.HasPrefix(a, "10.") && !strings.HasPrefix(a, "192.168.") && !strings.HasPrefix(a, "fe80:")
}
