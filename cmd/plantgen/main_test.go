package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	out := filepath.Join(t.TempDir(), "x.pcap")
	for _, c := range []struct {
		name string
		args string
		want string
	}{
		{"no output", "", "--out is missing"},
		{"too few devices", "--out O --devices 4", "5 to 5000"},
		{"too many devices", "--out O --devices 5001", "5 to 5000"},
		{"unknown attack", "--out O --attacks nosuch", `no attack "nosuch"`},
		{"bad start", "--out O --start monday", "--start"},
		{"attack outside", "--out O --attack-from 48h", "--attack-from"},
		{"attack neither time nor offset", "--out O --attack-from later", "neither"},
		{"unknown flag", "--out O --nope", "nope"},
		{"stray argument", "--out O what", "unexpected argument"},
		{"load without room", "--load --out O --packets 2000", "at least"},
		{"load and mix", "--load --ot-mix --out O", "one at a time"},
		{"mix too small", "--ot-mix --out O --packets 10", "at least 1000"},
		{"load too small frames", "--load --out O --mean-size 10", "64 to 1400"},
	} {
		err := run(strings.Fields(strings.ReplaceAll(c.args, "O", out)), io.Discard, io.Discard)
		if !errors.As(err, new(usageError)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if err := run([]string{"--out", filepath.Join(out, "no", "dir")}, io.Discard, io.Discard); err == nil || errors.As(err, new(usageError)) {
		t.Errorf("a file that cannot be made: %v", err)
	}
	var help bytes.Buffer
	if err := run([]string{"--help"}, &help, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	for _, s := range []string{"--attack-from", "--load", "EXAMPLES", "EXIT STATUS"} {
		if !strings.Contains(help.String(), s) {
			t.Errorf("help lacks %s", s)
		}
	}
	var list bytes.Buffer
	if err := run([]string{"--list-attacks"}, &list, io.Discard); err != nil || strings.Count(list.String(), "\n") != len(attackKinds)+1 {
		t.Errorf("list of attacks: %v\n%s", err, &list)
	}
}

// TestReadmeNamesEveryFlagAndAttack keeps the manual whole.
func TestReadmeNamesEveryFlagAndAttack(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var help bytes.Buffer
	_ = run([]string{"--help"}, &help, io.Discard)
	for line := range strings.Lines(help.String()) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(line, "  --") && !strings.Contains(string(readme), f[0]) {
			t.Errorf("README.md lacks %s", f[0])
		}
	}
	for _, k := range attackKinds {
		if !strings.Contains(string(readme), "`"+k.id+"`") {
			t.Errorf("README.md lacks the attack %s", k.id)
		}
	}
}

// TestLoad holds a load to what was asked: frames, mean length, share of
// CC-Link IE Field, connections in each minute, protocols, checksums.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		name     string
		args     string
		mean     float64
		minutes  int
		perMin   int
		nonIP    float64
		packets  int
		devices  int
		tolerate float64
	}{
		{"mixed", "--packets 200000 --minutes 5 --connections-per-minute 2000", 500, 5, 2000, 0.2, 200000, 1400, 5},
		{"small", "--packets 100000 --minutes 5 --connections-per-minute 500 --mean-size 64", 64, 5, 500, 0.2, 100000, 1400, 3},
		{"connections", "--connections 20000 --packets 160000 --minutes 4 --nonip 0.1", 390, 4, 5000, 0.1, 160000, 1400, 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "l.pcap")
			if err := run(append([]string{"--load", "--out", out}, strings.Fields(c.args)...), io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			raw, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			first := int64(0)
			var n, size, non int
			perMinute := map[int]int{}
			seenUDP := map[string]bool{}
			macs := map[mac]bool{}
			protocols := map[string]int{}
			last := int64(0)
			for b := raw[24:]; len(b) > 0; {
				at := int64(binary.LittleEndian.Uint32(b))*1e6 + int64(binary.LittleEndian.Uint32(b[4:]))
				if first == 0 {
					first = at
				}
				if at < last {
					t.Fatalf("frame %d goes back in time", n)
				}
				last = at
				l := binary.LittleEndian.Uint32(b[8:])
				f := b[16 : 16+l]
				b = b[16+l:]
				n++
				size += len(f)
				macs[mac(f[6:12])] = true
				if err := checkFrame(f); err != nil {
					t.Fatalf("frame %d: %v\n%x", n, err, f)
				}
				if binary.BigEndian.Uint16(f[12:]) == 0x890f {
					non++
					protocols["field"]++
					continue
				}
				m := int((at - first) / 60e6)
				sp, dp := binary.BigEndian.Uint16(f[34:]), binary.BigEndian.Uint16(f[36:])
				switch {
				case f[23] == 6 && f[47] == tcpSYN:
					perMinute[m]++
				case f[23] == 17 && dp == 53:
					k := string(f[26:30]) + string(f[34:36])
					if seenUDP[k] {
						t.Fatal("a UDP connection is not new")
					}
					seenUDP[k] = true
					perMinute[m]++
				}
				switch {
				case dp == 502:
					protocols["modbus"]++
				case dp == 5010:
					protocols["slmp"]++
				case dp == 9600 && sp == 9600:
					protocols["fins"]++
				case dp == 61450:
					protocols["basic"]++
				}
			}
			if n != c.packets {
				t.Errorf("%d packets", n)
			}
			if mean := float64(size) / float64(n); math.Abs(mean-c.mean) > c.tolerate {
				t.Errorf("mean length %.1f, want %.0f", mean, c.mean)
			}
			if s := float64(non) / float64(n); math.Abs(s-c.nonIP) > 0.001 {
				t.Errorf("share without IP %.3f", s)
			}
			for m := range c.minutes {
				if perMinute[m] < c.perMin {
					t.Errorf("minute %d: %d new connections", m, perMinute[m])
				}
			}
			if len(protocols) != 5 {
				t.Errorf("protocols %v", protocols)
			}
			if d := len(macs); d < c.devices*99/100 || d > c.devices {
				t.Errorf("%d senders", d)
			}
		})
	}
}
