package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"osect/observe"
)

// sendFrame sends a frame whose Ethernet source is 02:00:00:00:01:from and destination 02:00:00:00:00:from.
func (s *sender) sendFrame(from byte, etherType uint16, payload []byte) {
	s.l.t.Helper()
	b := []byte{2, 0, 0, 0, 0, from, 2, 0, 0, 0, 1, from}
	b = append(binary.BigEndian.AppendUint16(b, etherType), payload...)
	if len(b) < 60 {
		b = append(b, make([]byte, 60-len(b))...)
	}
	if err := unix.Sendto(s.fd, b, 0, &s.to); err != nil {
		s.l.t.Error("send:", err)
	}
}

// datagram is an IPv4 packet of UDP from 10.0.0.n to 10.0.1.n.
func datagram(n byte, port uint16, payload []byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, n, 10, 0, 1, n}
	binary.BigEndian.PutUint16(b[2:], uint16(28+len(payload)))
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	binary.BigEndian.PutUint16(b[10:], ^uint16(sum+sum>>16))
	b = binary.BigEndian.AppendUint16(b, 40000)
	b = binary.BigEndian.AppendUint16(b, port)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	return append(append(b, 0, 0), payload...)
}

// TestEveryListEditedWhileCapturing: of each list there are three things that raise an alert all the time while a capture
// detects: one gets a row by another process, which silences it; one loses the row that silenced it; one is left alone. Each
// edit holds by the end of the next full minute. ip-statistics judges windows of five minutes, two minutes after their end: its
// rows are edited in the last minutes of the second, and hold for that one.
func TestEveryListEditedWhileCapturing(t *testing.T) {
	if !long() {
		t.Skip("needs minutes: OSECT_LONG=1")
	}
	l := newLab(t)
	ip, to, mac := func(n int) string { return fmt.Sprintf("10.0.0.%d", n) }, func(n int) string { return fmt.Sprintf("10.0.1.%d", n) }, func(n int) string { return fmt.Sprintf("02:00:00:00:01:%02x", n) }
	add := func(args ...string) [2][]string {
		return [2][]string{append([]string{"learn", "add"}, args...), append([]string{"learn", "remove"}, args...)}
	}
	plain := func(n byte) (uint16, []byte) { return 0x0800, datagram(n, 2000+uint16(n), []byte("0123456789")) }
	lists := []struct {
		name, kind, sub string
		window          bool // the alert is of a window of five minutes
		slow            bool // and judged only when that is over
		frame           func(n byte) (uint16, []byte)
		edit            func(n int) [2][]string // what silences the n-th, and what takes that back
	}{
		{"devices", "connected-device", "new-mac", false, false, plain, func(n int) [2][]string { return add("connected-device", "--item", "mac", "--src", mac(n)) }},
		{"communications", "ip-communication", "pair", false, false, plain, func(n int) [2][]string {
			return add("ip-communication", "--src", ip(n), "--dst", to(n), "--proto", "udp", "--port", fmt.Sprint(2000+n))
		}},
		{"volumes", "ip-volume", "above-limit", true, false, plain, func(n int) [2][]string {
			return add("ip-volume", "--item", "unwatch", "--src", ip(n), "--dst", to(n))
		}},
		{"statistics", "ip-statistics", "unusual", true, true, plain, func(n int) [2][]string {
			return add("ip-statistics", "--item", "mode", "--src", ip(n), "--value", "off")
		}},
		{"functions", "ot-ip", "source", false, false, func(n byte) (uint16, []byte) { return 0x0800, datagram(n, 9600, finsRead) }, func(n int) [2][]string {
			return add("ot-ip", "--src", ip(n), "--dst", to(n), "--proto", "omron-fins", "--item", "0101")
		}},
		{"functions below IP", "ot-ethernet", "source", false, false, func(n byte) (uint16, []byte) { return 0x8892, dcpGet }, func(n int) [2][]string {
			return add("ot-ethernet", "--src", mac(n), "--dst", strings.Replace(mac(n), ":01:", ":00:", 1), "--proto", "profinet", "--item", "dcp:03")
		}},
		{"exclusions", "built-in", "cleartext", false, false, func(n byte) (uint16, []byte) { return 0x0800, datagram(n, 161, snmpGet) }, func(n int) [2][]string {
			return [2][]string{{"exclude", "add", "built-in", "--src", ip(n), "--item", "cleartext"}, {"exclude", "remove", "built-in", "--src", ip(n), "--item", "cleartext"}}
		}},
		{"the ledger's flags", "ip-communication", "pair", false, false, plain, func(n int) [2][]string {
			return [2][]string{{"ledger", "set", ip(n), "flags=scanner"}, {"ledger", "set", ip(n), "flags="}}
		}},
	}
	number := func(list, which int) int { return 10*list + 10 + which } // 0: gets a row, 1: loses its row, 2: left alone

	// Statistics are judged of what was learned for twelve hours: a frame in five minutes.
	var day []byte
	o := binary.LittleEndian
	day = o.AppendUint32(append(o.AppendUint16(o.AppendUint16(o.AppendUint32(nil, 0xa1b2c3d4), 2), 4), make([]byte, 8)...), 65535)
	day = o.AppendUint32(day, 1)
	before := time.Now().Add(-72 * time.Hour)
	for i := range 400 {
		for which := range 3 {
			n := byte(number(3, which))
			f := append([]byte{2, 0, 0, 0, 0, n, 2, 0, 0, 0, 1, n, 8, 0}, datagram(n, 2000+uint16(n), []byte("0123456789"))...)
			f = append(f, make([]byte, max(0, 60-len(f)))...)
			day = o.AppendUint32(o.AppendUint32(day, uint32(before.Unix()+int64(i)*300)), uint32(which))
			day = append(o.AppendUint32(o.AppendUint32(day, uint32(len(f))), uint32(len(f))), f...)
		}
	}
	file := filepath.Join(t.TempDir(), "day.pcap")
	if err := os.WriteFile(file, day, 0o600); err != nil {
		t.Fatal(err)
	}
	l.must("learn", file)
	l.must("learn", "add", "ip-statistics", "--item", "mode", "--src", "*", "--value", "strong")
	for i, x := range lists {
		if x.name == "volumes" {
			for which := range 3 {
				l.must("learn", "add", "ip-volume", "--item", "limit", "--src", ip(number(i, which)), "--dst", to(number(i, which)), "--value", "1000")
			}
		}
		l.must(x.edit(number(i, 1))[0]...)
	}

	// From a little before a window begins.
	const window = 5 * time.Minute
	start := time.Now().Add(20 * time.Second).Truncate(window).Add(window)
	time.Sleep(time.Until(start.Add(-15 * time.Second)))
	r := l.capture("-i", "in", "--detect")
	s := l.sender()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for i, x := range lists {
				for which := range 3 {
					typ, payload := x.frame(byte(number(i, which)))
					s.sendFrame(byte(number(i, which)), typ, payload)
				}
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	edited := make([]time.Time, len(lists))
	for _, slow := range []bool{false, true} {
		at := start.Add(2*time.Minute + 20*time.Second)
		if slow {
			at = start.Add(window + 3*time.Minute + 40*time.Second)
		}
		time.Sleep(time.Until(at))
		for i, x := range lists {
			if x.slow == slow {
				edited[i] = time.Now()
				l.must(x.edit(number(i, 0))[0]...)
				l.must(x.edit(number(i, 1))[1]...)
			}
		}
	}
	time.Sleep(time.Until(start.Add(2*window + 3*time.Minute + 20*time.Second)))
	close(stop)
	<-stopped
	r.stop(syscall.SIGTERM)

	out, err := exec.Command(l.osect, "alerts", "list", "--db", l.db, "--format", "json", "--all").Output()
	if err != nil {
		t.Fatal(err)
	}
	var alerts []struct {
		Kind, Subkind string
		SrcIP         string    `json:"src_ip"`
		SrcMAC        string    `json:"src_mac"`
		First         time.Time `json:"first_seen"`
		Last          time.Time `json:"last_seen"`
	}
	if err := json.Unmarshal(out, &alerts); err != nil {
		t.Fatal(err)
	}
	for i, x := range lists {
		// The end of the next full minute: what is seen from then on has the edit.
		holds := time.Unix(0, observe.MinuteOf(edited[i].UnixNano())+2*observe.MinuteLength)
		for which, name := range []string{"got a row", "lost its row", "left alone"} {
			n := number(i, which)
			var first, last time.Time
			for _, a := range alerts {
				if a.Kind != x.kind || a.Subkind != x.sub || a.SrcIP != ip(n) && a.SrcMAC != mac(n) {
					continue
				}
				if first.IsZero() || a.First.Before(first) {
					first = a.First
				}
				if a.Last.After(last) {
					last = a.Last
				}
			}
			t.Logf("%s: %s at %s: alert from %s to %s", x.name, name, edited[i].Format(time.TimeOnly), first.Local().Format(time.TimeOnly), last.Local().Format(time.TimeOnly))
			if first.IsZero() {
				t.Errorf("%s: %s: no alert", x.name, name)
				continue
			}
			// A window is told with its own times: of the second one if from its beginning on.
			second := !last.Before(start.Add(window))
			switch {
			case which == 0 && !x.slow && !last.Before(holds), which == 0 && x.slow && second:
				t.Errorf("%s: a row that was added at %s did not hold: alert until %s", x.name, edited[i], last)
			case which == 1 && !x.slow && (!first.Before(holds) || !x.window && first.Before(edited[i].Add(-70*time.Second))), which == 1 && x.slow && (!second || first.Before(start.Add(window))):
				t.Errorf("%s: a row was removed at %s: alert from %s to %s", x.name, edited[i], first, last)
			case which == 2 && (last.Before(holds) && !x.slow || x.slow && !second):
				t.Errorf("%s: left alone, and silent from %s", x.name, last)
			}
		}
	}
}
