package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func testConfig(devices int, seed uint64, d, from time.Duration, attacks string) config {
	ids, err := parseAttacks(attacks)
	if err != nil {
		panic(err)
	}
	return config{devices: devices, seed: seed, start: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), duration: d, attackFrom: from, attacks: ids}
}

// seen is a frame that was written, with the attack that made it.
type seen struct {
	t      int64
	b      []byte
	attack string
	comm   *commKey
	ops    []opKey
}

func collect(t *testing.T, cfg config) (*world, []seen) {
	t.Helper()
	w := build(cfg)
	var all []seen
	w.sink = func(f *frame) error {
		s := seen{t: f.t, b: f.b}
		if f.attack != nil {
			s.attack = f.attack.kind.id
		}
		if f.comm != nil {
			s.comm = &f.comm.key
		}
		for _, o := range f.ops {
			s.ops = append(s.ops, o.key)
		}
		all = append(all, s)
		return nil
	}
	if err := w.run(); err != nil {
		t.Fatal(err)
	}
	return w, all
}

// sum16 is the test's own Internet checksum: over correct data it gives 0.
func sum16(parts ...[]byte) uint16 {
	var s uint32
	for _, b := range parts {
		for i := 0; i < len(b); i += 2 {
			s += uint32(b[i]) << 8
			if i+1 < len(b) {
				s += uint32(b[i+1])
			}
		}
	}
	for s > 0xffff {
		s = s&0xffff + s>>16
	}
	return uint16(^s)
}

// checkFrame verifies lengths and checksums of a frame.
func checkFrame(b []byte) error {
	if len(b) < 60 || len(b) > 1514 {
		return fmt.Errorf("frame of %d bytes", len(b))
	}
	switch typ := binary.BigEndian.Uint16(b[12:]); {
	case typ < 1536:
		if int(typ)+14 > len(b) {
			return fmt.Errorf("802.3 length %d", typ)
		}
	case typ == 0x0800:
		ip := b[14:]
		total := int(binary.BigEndian.Uint16(ip[2:]))
		if total > len(ip) || total < 28 || len(b) > 60 && total != len(ip) {
			return fmt.Errorf("total length %d in %d", total, len(ip))
		}
		if sum16(ip[:20]) != 0 {
			return fmt.Errorf("IP checksum")
		}
		seg := ip[20:total]
		pseudo := append(slices.Clone(ip[12:20]), 0, ip[9], byte(len(seg)>>8), byte(len(seg)))
		switch ip[9] {
		case 1:
			pseudo = nil
		case 17:
			if int(binary.BigEndian.Uint16(seg[4:])) != len(seg) {
				return fmt.Errorf("UDP length")
			}
		case 6:
			if h := int(seg[12]>>4) * 4; h < 20 || h > len(seg) {
				return fmt.Errorf("TCP header length %d", h)
			}
		default:
			return fmt.Errorf("IP protocol %d", ip[9])
		}
		if sum16(pseudo, seg) != 0 {
			return fmt.Errorf("checksum of protocol %d", ip[9])
		}
	case typ == 0x86dd:
		ip := b[14:]
		n, next, seg := int(binary.BigEndian.Uint16(ip[4:])), ip[6], ip[40:]
		if n != len(seg) {
			return fmt.Errorf("payload length %d in %d", n, len(seg))
		}
		if next == 0 {
			next, seg = seg[0], seg[8:]
		}
		if sum16(ip[8:40], []byte{0, next, byte(len(seg) >> 8), byte(len(seg))}, seg) != 0 {
			return fmt.Errorf("checksum of IPv6 protocol %d", next)
		}
	}
	return nil
}

func TestFramesAreWellFormedAndInTimeOrder(t *testing.T) {
	_, all := collect(t, testConfig(60, 3, 3*time.Hour, 2*time.Hour, "all"))
	if len(all) < 20000 {
		t.Fatalf("only %d frames", len(all))
	}
	last := int64(0)
	for i, f := range all {
		if err := checkFrame(f.b); err != nil {
			t.Fatalf("frame %d (%s): %v\n%x", i+1, f.attack, err, f.b)
		}
		if f.t < last {
			t.Fatalf("frame %d is %d ns before the one before it", i+1, last-f.t)
		}
		last = f.t
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	dir := t.TempDir()
	make := func(name string, extra ...string) (out, truth [32]byte) {
		t.Helper()
		o, j := filepath.Join(dir, name+".pcap"), filepath.Join(dir, name+".json")
		args := append([]string{"--devices", "30", "--duration", "2h", "--out", o, "--truth", j}, extra...)
		if err := run(args, &bytes.Buffer{}, &bytes.Buffer{}); err != nil {
			t.Fatal(err)
		}
		a, err := os.ReadFile(o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(j)
		if err != nil {
			t.Fatal(err)
		}
		return sha256.Sum256(a), sha256.Sum256(b)
	}
	a, at := make("a", "--attacks", "all")
	b, bt := make("b", "--attacks", "all")
	c, _ := make("c", "--attacks", "all", "--seed", "2")
	if a != b || at != bt {
		t.Error("same seed and flags, other bytes")
	}
	if a == c {
		t.Error("another seed, same bytes")
	}
	clean, _ := make("d", "--attacked", filepath.Join(dir, "d2.pcap"))
	none, _ := make("e", "--attacks", "none", "--attacked", filepath.Join(dir, "e2.pcap"))
	if clean != none {
		t.Error("the clean part depends on the attacks that follow it")
	}
	// The two parts are the one capture cut in two.
	one, _ := os.ReadFile(filepath.Join(dir, "a.pcap"))
	p1, _ := os.ReadFile(filepath.Join(dir, "d.pcap"))
	p2, _ := os.ReadFile(filepath.Join(dir, "d2.pcap"))
	if !bytes.Equal(one, append(p1, p2[24:]...)) {
		t.Error("clean and attacked part together are not the whole")
	}
}

// facts are the keys that a learner could have learned from a frame.
func facts(f *seen) map[string]string {
	m := map[string]string{}
	src := fmt.Sprintf("%x", f.b[6:12])
	m["mac "+src] = device
	switch binary.BigEndian.Uint16(f.b[12:]) {
	case 0x0806:
		if sender := f.b[28:32]; !bytes.Equal(sender, []byte{0, 0, 0, 0}) {
			m[fmt.Sprintf("bind %x %x", f.b[22:28], sender)] = device
		}
	case 0x0800:
		if ip := f.b[26:30]; ip[0] == 192 && ip[1] == 168 || ip[0] == 10 && ip[1] == 20 {
			m[fmt.Sprintf("bind %s %x", src, ip)] = device
		}
	}
	if f.comm != nil {
		m[fmt.Sprintf("comm %v", *f.comm)] = ipcomm
	}
	for _, o := range f.ops {
		kind := otIP
		if o.protocol == "cc-link-ie-field-control" {
			kind = otEth
		}
		m["op "+o.src+" "+o.dst+" "+o.protocol+" "+o.code] = kind
	}
	return m
}

// TestCleanIsClean holds the definition of clean: a key that a learner takes
// from the clean part is all that normal behaviour shows afterwards.
func TestCleanIsClean(t *testing.T) {
	for _, c := range []struct {
		devices  int
		seed     uint64
		d, clean time.Duration
	}{
		{5, 1, 24 * time.Hour, 16 * time.Hour},
		{12, 2, 24 * time.Hour, 16 * time.Hour},
		{20, 3, 24 * time.Hour, 16 * time.Hour},
		{40, 4, 24 * time.Hour, 16 * time.Hour},
		{40, 5, 20 * time.Minute, 10 * time.Minute},
		{60, 6, 60 * time.Hour, 30 * time.Hour},
		{200, 7, 6 * time.Hour, 4 * time.Hour},
	} {
		t.Run(fmt.Sprintf("%d devices seed %d", c.devices, c.seed), func(t *testing.T) {
			cfg := testConfig(c.devices, c.seed, c.d, c.clean, "all")
			cfg.pps = 1
			w, all := collect(t, cfg)
			known := map[string]bool{}
			for i := range all {
				f := &all[i]
				if f.t < w.cut {
					if f.attack != "" {
						t.Fatalf("attack %s in the clean part", f.attack)
					}
					for k := range facts(f) {
						known[k] = true
					}
					continue
				}
				if f.attack == "" {
					for k := range facts(f) {
						if !known[k] {
							t.Errorf("at %s, not an attack, never in the clean part: %s", utc(f.t), k)
							known[k] = true
						}
					}
				}
			}
		})
	}
}

// TestExpectedKindsFollowFromTheFrames holds each attack's expected kinds
// against what its own frames show that the clean part did not.
func TestExpectedKindsFollowFromTheFrames(t *testing.T) {
	for _, seed := range []uint64{11, 12, 13} {
		cfg := testConfig(40, seed, 24*time.Hour, 16*time.Hour, "all")
		cfg.pps = 1
		w, all := collect(t, cfg)
		known := map[string]bool{}
		shown := map[string]map[string]bool{}
		for i := range all {
			f := &all[i]
			for k, kind := range facts(f) {
				if f.t < w.cut {
					known[k] = true
				} else if f.attack != "" && !known[k] {
					if shown[f.attack] == nil {
						shown[f.attack] = map[string]bool{}
					}
					shown[f.attack][kind] = true
				}
			}
		}
		for _, a := range w.attacks {
			if a.reason != "" {
				t.Errorf("seed %d: %s not made: %s", seed, a.kind.id, a.reason)
			}
			for _, kind := range []string{device, ipcomm, otIP, otEth} {
				must := slices.Contains(a.kind.expected, kind)
				may := must || slices.Contains(a.kind.possible, kind)
				if got := shown[a.kind.id][kind]; got && !may || must && !got {
					t.Errorf("seed %d: %s: %s expected %v, frames show %v", seed, a.kind.id, kind, must, got)
				}
			}
		}
	}
}

// TestTruthCountsWhatIsWritten reads the capture back with a reader of its own
// and counts frames by sender and OT messages by function.
func TestTruthCountsWhatIsWritten(t *testing.T) {
	dir := t.TempDir()
	o, j := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "a.json")
	if err := run([]string{"--devices", "50", "--duration", "6h", "--seed", "21", "--pps", "20", "--attacks", "all", "--out", o, "--truth", j}, &bytes.Buffer{}, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(o)
	if err != nil {
		t.Fatal(err)
	}
	var truth truthFile
	text, err := os.ReadFile(j)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	var packets, size int64
	bySender := map[string]int64{}
	ops := map[string]int64{}
	streams := map[string]*testStream{}
	for b := raw[24:]; len(b) > 0; {
		n := binary.LittleEndian.Uint32(b[8:])
		f := b[16 : 16+n]
		b = b[16+n:]
		packets++
		size += int64(n)
		bySender[mac(f[6:12]).String()]++
		countOps(f, streams, ops)
	}
	if packets != truth.Packets || size != truth.Bytes {
		t.Errorf("file has %d packets, %d bytes; truth says %d, %d", packets, size, truth.Packets, truth.Bytes)
	}
	for _, d := range truth.Devices {
		if bySender[d.MAC] != d.Packets {
			t.Errorf("%s sent %d frames; truth says %d", d.Name, bySender[d.MAC], d.Packets)
		}
		if d.Packets == 0 {
			t.Errorf("%s never sent", d.Name)
		}
		delete(bySender, d.MAC)
	}
	if len(bySender) > 0 {
		t.Errorf("senders that the truth does not have: %v", bySender)
	}
	want := map[string]int64{}
	for _, o := range truth.Operations {
		if o.Count != o.Clean+o.Attacked {
			t.Errorf("%v: parts do not add up", o)
		}
		code := o.Code
		if o.Protocol == "slmp-melsec" && o.Direction != "request" || o.Protocol == "cc-link-ie-field-control" {
			code = code[:2] // answers carry no command; the rest of a transient is not read here
			if o.Protocol == "slmp-melsec" {
				code = ""
			}
		}
		want[fmt.Sprintf("%s %s %s %s %v", o.Src, o.Dst, o.Protocol, code, o.Direction == "request" || o.Direction == "none")] += o.Count
	}
	protocols := map[string]bool{}
	for k, n := range want {
		if o := ops[k]; n != o {
			t.Errorf("%s: read %d, truth %d", k, o, n)
		}
		delete(ops, k)
	}
	for k, n := range ops {
		t.Errorf("%s: read %d, truth none", k, n)
	}
	for _, o := range truth.Operations {
		protocols[o.Protocol] = true
	}
	if len(protocols) != 5 {
		t.Errorf("protocols: %v", protocols)
	}
}
