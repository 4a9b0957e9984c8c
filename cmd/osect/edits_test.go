package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"osect/detect"
	"osect/text"
)

// TestModesAndRowsBeforeTheFirstCapture: a sensor's detectors, rows and exclusions can be set before it has captured anything.
func TestModesAndRowsBeforeTheFirstCapture(t *testing.T) {
	for i, args := range [][]string{
		{"learn", "set", "all", "learning"},
		{"learn", "add", "connected-device", "--item", "ip", "--src", "192.168.3.0/24"},
		{"exclude", "add", "built-in", "--item", "cleartext"},
		{"learn", "rule", "cleartext", "off"},
	} {
		b := newBench(t)
		b.must(append(args, "--db", b.db)...)
		for _, r := range b.rows("learn", "status") {
			if want := map[bool]string{true: "learning", false: "off"}[i == 0 && r["kind"] != "signature"]; r["mode"] != want {
				t.Errorf("%v: %v is %v, want %s", args, r["kind"], r["mode"], want)
			}
		}
	}
	b := newBench(t)
	if status, _, errs := b.run("learn", "remove", "connected-device", "--item", "ip", "--src", "192.168.3.0/24", "--db", b.db); status != 3 {
		t.Errorf("remove without a store: status %d: %s", status, errs)
	}
}

// TestRowsAsTyped: one thing is one row however a hand writes it, and what can have no effect is refused.
func TestRowsAsTyped(t *testing.T) {
	b := filled(t)
	for _, src := range []string{"00-1B-21-00-00-09", "00:1B:21:00:00:09"} {
		b.must("learn", "add", "connected-device", "--item", "mac", "--src", src, "--db", b.db)
	}
	b.must("learn", "add", "connected-device", "--item", "ip", "--src", "10.1.1.1/24", "--db", b.db)
	var got []string
	for _, r := range b.rows("learn", "list", "connected-device") {
		if r["origin"] == "hand" {
			got = append(got, r["src"].(string))
		}
	}
	slices.Sort(got)
	if want := []string{"00:1b:21:00:00:09", "10.1.1.0/24"}; !slices.Equal(got, want) {
		t.Errorf("rows by hand: %q, want %q", got, want)
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"learn", "add", "ot-ip", "--src", "*", "--dst", "*", "--proto", "modbus", "--item", "03"}, "did you mean modbus-tcp?"},
		{[]string{"exclude", "add", "connected-device", "--item", "new-mca"}, "use one of new-mac, "},
	} {
		if status, _, errs := b.run(append(c.args, "--db", b.db)...); status != 2 || !strings.Contains(errs, c.says) || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d: %s", c.args, status, errs)
		}
	}
}

// TestValuesOfHandAreListed: the table shows a limit, a zone and a mode, not only that there is one.
func TestValuesOfHandAreListed(t *testing.T) {
	b := filled(t)
	b.must("learn", "add", "ip-volume", "--item", "limit", "--src", "192.168.3.10", "--dst", "192.168.3.5", "--value", "50000000", "--db", b.db)
	b.must("learn", "add", "ip-volume", "--item", "zone", "--src", "*", "--value", "+09:00", "--db", b.db)
	b.must("learn", "add", "ip-statistics", "--item", "mode", "--src", "192.168.3.10", "--value", "strong", "--db", b.db)
	for kind, want := range map[string][]string{"ip-volume": {"50000000", "+09:00"}, "ip-statistics": {"strong"}} {
		out := b.must("learn", "list", kind, "--db", b.db)
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s without %s:\n%s", kind, w, out)
			}
		}
	}
}

// TestBaselinesOfHandsAreChecked: what an editor or a spreadsheet makes of a baseline is read, or refused in one line that
// names the line.
func TestBaselinesOfHandsAreChecked(t *testing.T) {
	b := newBench(t)
	head := strings.Join(baselineColumns, ",") + "\n"
	const one = "ip-communication,default,10.0.0.1,10.0.0.2,tcp,dport,80,"
	for _, c := range []struct {
		name, file string
		status     int
		says       string
	}{
		{"no last port", head + one + ",\n", 0, ""},
		{"twice", head + one + "80,\n" + one + "80,\n", 0, ""},
		{"twice, another range", head + one + "80,\n" + one + "90,\n", 3, "line 3: the row is in an earlier line with another port_to"},
		{"twice, another mode", head + "ip-statistics,default,10.0.0.1,,,mode,,,weak\nip-statistics,default,10.0.0.1,,,mode,,,off\n", 3, "with another value"},
		{"Shift_JIS", head + "connected-device,\x91\xe5\x8d\xe3,00:1b:21:00:00:02,,,mac,,,\n", 3, "not UTF-8"},
		{"MACs of another system", head + "connected-device,default,00-1B-21-00-00-02,,,mac,,,\n", 0, ""},
		{"no such protocol", head + "ot-ip,default,10.0.0.1,10.0.0.2,modbus,03,,,\n", 3, "line 2: there is no protocol"},
	} {
		b.write("b.csv", []byte(c.file))
		status, _, errs := b.run("learn", "import", b.path("b.csv"), "--db", b.db)
		if status != c.status || !strings.Contains(errs, c.says) || status != 0 && strings.Count(errs, "\n") != 1 {
			t.Errorf("%s: status %d: %s", c.name, status, errs)
		}
	}
	rows := b.rows("learn", "list", "ip-communication")
	if len(rows) != 1 || rows[0]["port_to"] != 80.0 {
		t.Errorf("rows: %v", rows)
	}
}

// TestDetectedTwiceCountsOnce: detection over stored minutes that were inspected before, while they came or by the same
// command, changes no alert.
func TestDetectedTwiceCountsOnce(t *testing.T) {
	b := newBench(t)
	b.must("learn", "--db", b.db, b.path("quiet.pcap"))
	b.must("detect", "--db", b.db, b.path("attacked.pcap"))
	want := b.must("alerts", "export", "--db", b.db)
	for range 2 {
		b.must("detect", "--db", b.db)
		if got := b.must("alerts", "export", "--db", b.db); got != want {
			t.Fatalf("alerts:\n%s\nwere:\n%s", got, want)
		}
	}
}

// TestSourceOfASupportIsNamed: an alert names who says that a support is over, not the table's word for it.
func TestSourceOfASupportIsNamed(t *testing.T) {
	al := detect.Alert{Kind: detect.VulnerableDevice, Subkind: detect.SubEnded, Args: []detect.Arg{{Name: "source", Value: "ms"}}}
	for _, lang := range []text.Lang{text.EN, text.JA} {
		if s := message(lang, &al, "reason"); !strings.Contains(s, "Microsoft") {
			t.Errorf("%s", s)
		}
	}
}

// TestLearningForATime: learning that ends so long after its first minute is counted from there, by packet time.
func TestLearningForATime(t *testing.T) {
	b := newBench(t)
	b.must("learn", "set", "ot-ip", "learning", "--until", "+2h", "--db", b.db)
	status := func() map[string]any {
		for _, r := range b.rows("learn", "status") {
			if r["kind"] == "ot-ip" {
				return r
			}
		}
		return nil
	}
	if r := status(); r["until_after"] != 7200.0 || r["until"] != nil || !strings.Contains(b.must("learn", "status", "--db", b.db), "+2h") {
		t.Errorf("before the first minute: %v", r)
	}
	b.must("replay", "--db", b.db, b.path("quiet.pcap"))
	r := status()
	since, err1 := time.Parse(time.RFC3339, fmt.Sprint(r["since"]))
	until, err2 := time.Parse(time.RFC3339, fmt.Sprint(r["until"]))
	if err1 != nil || err2 != nil || until.Sub(since) != 2*time.Hour || r["until_after"] != 0.0 {
		t.Errorf("after it: %v", r)
	}
	for _, bad := range []string{"+0d", "2h", "+x", "1960-01-01T00:00:00Z"} {
		if status, _, _ := b.run("learn", "set", "ot-ip", "learning", "--until", bad, "--db", b.db); status != 2 {
			t.Errorf("--until %s: status %d", bad, status)
		}
	}
}
