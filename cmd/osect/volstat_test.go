package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// transfers is a capture in which the HMI sends the controller frames of 1,000 bytes on one connection, so many in
// each of the minutes from begin on.
func transfers(begin time.Time, frames ...int) []byte {
	c := newCapture()
	seq := uint32(1)
	for m, n := range frames {
		for i := range n {
			at := begin.Add(time.Duration(m)*time.Minute + time.Duration(i)*50*time.Millisecond)
			c.frame(at, tcp(hmi, plc, 50000, 445, seq, 1, 24, bytes.Repeat([]byte{0x55}, 946)))
			seq += 946
		}
	}
	return c.Bytes()
}

func minutesOf(minutes, frames int) []int {
	list := make([]int, minutes)
	for i := range list {
		list[i] = frames
	}
	return list
}

// sshBanner is a capture in which the controller answers on port 22 with a banner.
func sshBanner(at time.Time, banner string) []byte {
	c := newCapture()
	c.frame(at, tcp(hmi, plc, 51000, 22, 100, 0, 2, nil))
	c.frame(at.Add(time.Millisecond), tcp(plc, hmi, 22, 51000, 500, 101, 18, nil))
	c.frame(at.Add(2*time.Millisecond), tcp(hmi, plc, 51000, 22, 101, 501, 16, nil))
	c.frame(at.Add(3*time.Millisecond), tcp(plc, hmi, 22, 51000, 501, 101, 24, []byte(banner+"\r\n")))
	return c.Bytes()
}

func TestVolumesFromLearningToAccepting(t *testing.T) {
	b := newBench(t)
	b.write("learn.pcap", transfers(day0, minutesOf(200, 60)...))
	b.write("attack.pcap", transfers(day0.Add(24*time.Hour), append(minutesOf(20, 60), 6000)...))
	b.must("learn", "--db", b.db, b.path("learn.pcap"))
	pairs := b.rows("learn", "volumes")
	if len(pairs) != 1 || pairs[0]["src"] != "192.168.3.10" || pairs[0]["windows"] != 39.0 || pairs[0]["watched"] != true {
		t.Fatalf("%v", pairs)
	}
	if usual := pairs[0]["usual_bytes"].(float64); usual < 280_000 || usual > 320_000 {
		t.Errorf("usual %v of 300,000", usual)
	}
	hours := b.rows("learn", "volumes", "--src", "192.168.3.10", "--dst", "192.168.3.39")
	if len(hours) != 168 || hours[0]["cell"] != "days" {
		t.Errorf("%d hours, the first %v", len(hours), hours[0])
	}
	for _, lang := range []string{"en", "ja"} {
		for _, command := range []string{"learn volumes", "learn volumes --src 192.168.3.10 --dst 192.168.3.39", "learn statistics", "learn statistics 192.168.3.10"} {
			out := b.must(append(strings.Fields(command), "--db", b.db, "--lang", lang)...)
			narrow(t, command, out, 80)
			if strings.Contains(out, "alert.") || strings.Contains(out, "cli.") {
				t.Errorf("%s (%s) has a key without a text:\n%s", command, lang, out)
			}
		}
	}

	b.must("detect", "--db", b.db, b.path("attack.pcap"))
	alerts := b.rows("alerts", "list", "--kind", "ip-volume", "--lang", "en")
	if len(alerts) != 1 || alerts[0]["subkind"] != "above" || alerts[0]["src_ip"] != "192.168.3.10" {
		t.Fatalf("%v", alerts)
	}
	for _, lang := range []string{"en", "ja"} {
		a := b.rows("alerts", "list", "--kind", "ip-volume", "--lang", lang)[0]
		for _, part := range []string{"summary", "reason", "action"} {
			if s := a[part].(string); s == "" || strings.Contains(s, "{") || strings.Contains(s, "alert.") {
				t.Errorf("%s (%s): %q", part, lang, s)
			}
		}
	}
	b.must("alerts", "accept", alerts[0]["id"].(string), "--db", b.db)
	rows := b.rows("learn", "list", "ip-volume")
	if len(rows) != 2 || rows[0]["item"] != "limit" && rows[1]["item"] != "limit" {
		t.Fatalf("%v", rows)
	}
	b.must("learn", "remove", "ip-volume", "--item", "limit", "--src", "192.168.3.10", "--dst", "192.168.3.39", "--value", "1", "--db", b.db)
	b.must("learn", "add", "ip-volume", "--item", "unwatch", "--src", "192.168.3.0/24", "--dst", "*", "--db", b.db)
	b.must("learn", "add", "ip-volume", "--item", "holiday", "--src", "2026-12-29", "--db", b.db)
	b.must("learn", "add", "ip-volume", "--item", "zone", "--src", "*", "--value", "+09:00", "--db", b.db)
	b.must("learn", "add", "ip-statistics", "--item", "mode", "--src", "192.168.3.10", "--value", "strong", "--db", b.db)
	if pairs := b.rows("learn", "volumes"); len(pairs) != 1 || pairs[0]["watched"] != false || pairs[0]["limit_bytes"] != 0.0 {
		t.Errorf("after unwatch: %v", pairs)
	}
	modes := map[any]any{}
	for _, r := range b.rows("learn", "statistics") {
		modes[r["device"]] = r["mode"]
	}
	if modes["192.168.3.10"] != "strong" || modes["192.168.3.39"] != "weak" {
		t.Errorf("modes %v", modes)
	}
	for _, args := range [][]string{
		{"--item", "limit", "--src", "192.168.3.10", "--dst", "192.168.3.39", "--value", "much"},
		{"--item", "holiday", "--src", "tomorrow"},
	} {
		if status, _, errs := b.run(append([]string{"learn", "add", "ip-volume", "--db", b.db}, args...)...); status != exitUsage || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: status %d, %q", args, status, errs)
		}
	}
	if status, _, _ := b.run("learn", "statistics", "192.0.2.1", "--db", b.db); status != exitInput {
		t.Errorf("statistics of nobody: status %d", status)
	}
}

func TestVulnerableDevicesAsOf(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		own  string // a table for update eol
		want int
	}{
		{"by the packets' day", nil, "", 1},
		{"before the end", []string{"--as-of", "2019-01-01"}, "", 0},
		{"a newer table", nil, "Debian 9\t-\t2030-01-01\town", 0},
		{"a newer table, later", []string{"--as-of", "2030-01-02"}, "Debian 9\t-\t2030-01-01\town", 1},
	} {
		b := newBench(t)
		b.write("ssh.pcap", sshBanner(day0, "SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7"))
		if c.own != "" {
			b.write("eol.txt", []byte(c.own))
			b.must("update", "eol", "--from", b.path("eol.txt"), "--db", b.db)
		}
		b.must(append([]string{"detect", "--db", b.db, b.path("ssh.pcap")}, c.args...)...)
		alerts := b.rows("alerts", "list", "--kind", "vulnerable-device", "--lang", "en")
		if len(alerts) != c.want {
			t.Errorf("%s: %v", c.name, alerts)
			continue
		}
		if c.want == 1 && (!strings.Contains(alerts[0]["summary"].(string), "192.168.3.39 runs Debian 9") || alerts[0]["src_mac"] != "02:00:00:00:00:39") {
			t.Errorf("%s: %v", c.name, alerts[0])
		}
	}
	b := newBench(t)
	b.write("bad.txt", []byte("Debian 9 - 2030-01-01 own"))
	if status, _, errs := b.run("update", "eol", "--from", b.path("bad.txt"), "--db", b.db); status != exitInput || !strings.Contains(errs, "line 1") {
		t.Errorf("a bad table: %d %q", status, errs)
	}
	if status, _, errs := b.run("detect", "--as-of", "tomorrow", "--db", b.db, b.path("quiet.pcap")); status != exitUsage {
		t.Errorf("a bad day: %d %q", status, errs)
	}
}

// Learning from and detecting in stored minutes gives what streaming gives, of these three detectors.
func TestVolumesStatisticsAndSupportFromStoredMinutes(t *testing.T) {
	learn := transfers(day0, minutesOf(13*60, 60)...)
	loud := transfers(day0.Add(24*time.Hour), append(append(minutesOf(30, 60), minutesOf(20, 1000)...), minutesOf(20, 60)...)...)
	ssh := sshBanner(day0.Add(24*time.Hour+15*time.Minute), "SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7")
	outcome := func(b *bench) (rows, alerts string) {
		rows = b.must("learn", "export", "--db", b.db)
		for _, kind := range []string{"ip-volume", "ip-statistics", "vulnerable-device"} {
			alerts += b.must("alerts", "list", "--kind", kind, "--db", b.db, "--format", "json", "--all", "--lang", "en")
		}
		return rows, alerts
	}
	write := func(b *bench) {
		b.write("learn.pcap", learn)
		b.write("loud.pcap", loud)
		b.write("ssh.pcap", ssh)
		b.write("ssh0.pcap", sshBanner(day0.Add(15*time.Minute), "SSH-2.0-OpenSSH_7.4p1 Debian-10+deb9u7"))
	}
	paths := func(b *bench, names []string) (out []string) {
		for _, n := range names {
			out = append(out, b.path(n))
		}
		return out
	}
	// Also where the device told its system before the first detected minute, and again later.
	for _, before := range []bool{false, true} {
		first := []string{"learn.pcap"}
		if before {
			first = append(first, "ssh0.pcap")
		}
		streamed := newBench(t)
		write(streamed)
		streamed.must(append([]string{"learn", "--db", streamed.db}, paths(streamed, first)...)...)
		streamed.must("detect", "--db", streamed.db, streamed.path("loud.pcap"), streamed.path("ssh.pcap"))
		rows, alerts := outcome(streamed)
		for _, want := range []string{"ip-volume", "ip-statistics", "vulnerable-device"} {
			if !strings.Contains(alerts, `"kind": "`+want+`"`) && !strings.Contains(alerts, `"kind":"`+want+`"`) {
				t.Errorf("no alert of %s: %s", want, alerts)
			}
		}
		stored := newBench(t)
		write(stored)
		stored.must(append([]string{"replay", "--db", stored.db}, paths(stored, first)...)...)
		stored.must("replay", "--db", stored.db, stored.path("loud.pcap"), stored.path("ssh.pcap"))
		stored.must("learn", "--db", stored.db, "--to", "2026-03-03T00:00:00Z")
		stored.must("detect", "--db", stored.db, "--from", "2026-03-03T00:00:00Z")
		again, also := outcome(stored)
		if again != rows {
			t.Errorf("learned from stored minutes:\n%s\nstreaming:\n%s", again, rows)
		}
		if also != alerts {
			t.Errorf("alerts from stored minutes:\n%s\nstreaming:\n%s", also, alerts)
		}
	}
}
