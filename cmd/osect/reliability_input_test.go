package main

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pcapngHead is a section header and one Ethernet interface, little-endian.
func pcapngHead() []byte {
	b := []byte{0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 28, 0, 0, 0}
	return append(b, 1, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 20, 0, 0, 0) // LINKTYPE 1, snap length 262144
}

// pcapngPacket is an enhanced packet block with a given length before and behind, 0 for the right one.
func pcapngPacket(data []byte, head, tail uint32) []byte {
	le := binary.LittleEndian
	padded := (len(data) + 3) &^ 3
	n := uint32(32 + padded)
	if head == 0 {
		head = n
	}
	if tail == 0 {
		tail = n
	}
	b := le.AppendUint32(le.AppendUint32(nil, 6), head)
	b = append(b, make([]byte, 12)...) // interface 0, time 0
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(data))), uint32(len(data)))
	b = append(append(b, data...), make([]byte, padded-len(data))...)
	return le.AppendUint32(b, tail)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// zipped is b by gzip.
func zipped(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// patched is b with v, little-endian, at the byte at.
func patched(b []byte, at int, v uint32) []byte {
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint32(b[at:], v)
	return b
}

// TestBadCaptures: each kind of broken capture is told in one line or in its
// status, frames before the break count, and what was in the store stays.
func TestBadCaptures(t *testing.T) {
	good := quiet()
	frame := arp(hmi, plc)
	const first = 24 // of the first record, after the file header
	second := first + 16 + len(frame)
	ng := join(pcapngHead(), pcapngPacket(frame, 0, 0))
	for _, c := range []struct {
		name    string
		data    []byte
		status  string // of the capture
		packets float64
		says    string // in its reason
	}{
		{"empty", nil, "not-a-capture", 0, "empty"},
		{"text", []byte("Messwerte vom Montag\n"), "not-a-capture", 0, "text"},
		{"html", []byte("<!DOCTYPE html>\n<html><body>404</body></html>\n"), "not-a-capture", 0, "HTML"},
		{"lfs", []byte("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"), "not-a-capture", 0, "Git-LFS"},
		{"one byte", []byte{0xd4}, "not-a-capture", 0, "too few"},
		{"cut in the file header", good[:10], "cut", 0, "file header"},
		{"nothing but a file header", good[:first], "ok", 0, ""},
		{"cut in a packet header", good[:second+7], "cut", 1, "packet header"},
		{"cut in a packet", good[:second+20], "cut", 1, "ends in a packet"},
		{"absurd length at once", patched(good, first+8, 0x7fffffff), "cut", 0, "makes no sense"},
		{"absurd length later", patched(good, second+8, 0xffffffff), "cut", 1, "makes no sense"},
		{"longest wire length", patched(good, first+12, 0xffffffff), "ok", 90, ""},
		{"unknown link type", patched(good, 20, 250), "refused", 90, "link type 250"},
		{"version from the future", patched(good, 4, 9), "cut", 0, "version"},
		{"pcapng", ng, "ok", 1, ""},
		{"pcapng, no interface", join(ng[:28], pcapngPacket(frame, 0, 0)), "cut", 0, "interface"},
		{"pcapng, length no multiple of 4", join(ng, pcapngPacket(frame, 75, 75)), "cut", 1, ""},
		{"pcapng, length under 12", join(ng, pcapngPacket(frame, 8, 8)), "cut", 1, ""},
		{"pcapng, length 0", join(pcapngHead(), patched(pcapngPacket(frame, 0, 0), 4, 0)), "cut", 0, ""},
		{"pcapng, length over the file", join(ng, pcapngPacket(frame, 0x10000, 0)), "cut", 1, ""},
		{"pcapng, length over all bounds", join(ng, pcapngPacket(frame, 0xfffffffc, 0)), "cut", 1, ""},
		{"pcapng, lengths differ", join(ng, pcapngPacket(frame, 0, 72)), "cut", 1, ""},
		{"pcapng, packet longer than its block", join(ng, patched(pcapngPacket(frame, 0, 0), 20, 5000)), "cut", 1, ""},
		{"gzip cut short", zipped(t, good)[:200], "cut", -1, "cut short"},
		{"gzip cut in its header", zipped(t, good)[:5], "not-a-capture", 0, "gzip"},
		{"gzip with wrong bytes at once", patched(zipped(t, good), 60, 0xffffffff), "not-a-capture", 0, "gzip stream is corrupt"},
		{"gzip with a wrong sum", patched(zipped(t, good), len(zipped(t, good))-8, 7), "cut", 90, "gzip stream is corrupt"},
		{"gzip of text", zipped(t, []byte("text, not frames\n")), "not-a-capture", 0, "inside gzip"},
		{"a store", nil, "not-a-capture", 0, "SQLite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.must("learn", "--db", b.db, b.path("attacked.pcap"))
			before := b.rows("flows", "list")
			name := strings.ReplaceAll(c.name, " ", "-") + ".bin"
			b.write(name, c.data)
			if c.name == "a store" {
				copyStore(t, b.db, b.path(name))
			}
			// Alone.
			status, out, errs := b.run("replay", "--db", b.db, "--format", "json", b.path(name))
			var s struct {
				Captures []struct {
					Status, Reason string
					Packets        float64
				}
			}
			if err := json.Unmarshal([]byte(out), &s); err != nil || len(s.Captures) != 1 {
				t.Fatalf("summary: %v, %q", err, out)
			}
			got := s.Captures[0]
			if got.Status != c.status || c.packets >= 0 && got.Packets != c.packets || !strings.Contains(got.Reason, c.says) || c.status != "ok" && got.Reason == "" {
				t.Errorf("%+v, want %s with %v packets, saying %q", got, c.status, c.packets, c.says)
			}
			usable := got.Packets > 0 && got.Status != "refused"
			want := exitInput
			if usable {
				want = exitOK
			}
			if status != want || !usable && (strings.Count(errs, "\n") != 1 || !strings.Contains(errs, name)) || usable && errs != "" {
				t.Errorf("alone: status %d, want %d: %q", status, want, errs)
			}
			if usable {
				return
			}
			if after := b.rows("flows", "list"); len(after) != len(before) {
				t.Errorf("%d flows, before %d", len(after), len(before))
			}
			// Again it is no better.
			if status, _, errs := b.run("replay", "--db", b.db, b.path(name)); status != exitInput || strings.Count(errs, "\n") != 1 {
				t.Errorf("again: status %d: %q", status, errs)
			}
			// Beside a good one.
			if status, _, errs := b.run("replay", "--db", b.db, b.path(name), b.path("quiet.pcap")); status != exitOK || errs != "" {
				t.Errorf("beside a good one: status %d: %q", status, errs)
			}
			if status, _, errs := b.run("replay", "--db", b.db, "--again", "--strict", b.path(name), b.path("quiet.pcap")); status != exitInput || strings.Count(errs, "\n") != 1 {
				t.Errorf("--strict: status %d: %q", status, errs)
			}
		})
	}
}

func TestBadPaths(t *testing.T) {
	b := newBench(t)
	b.must("learn", "--db", b.db, b.path("quiet.pcap"))
	if err := os.Mkdir(b.path("none"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(b.path("sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	b.write("sub/notes.txt", []byte("notes\n"))
	before := dump(t, b.db)
	for _, c := range []struct {
		name   string
		args   []string
		status int
		says   string
	}{
		{"no such file", []string{"replay", b.path("absent.pcap")}, exitInput, "absent.pcap"},
		{"an empty directory", []string{"replay", b.path("none")}, exitInput, "no capture gave frames"},
		{"a directory without captures", []string{"replay", b.path("sub")}, exitInput, "notes.txt"},
		{"no path", []string{"replay"}, exitUsage, "PATH"},
		{"a filter that is none", []string{"replay", "--filter", "port (", b.path("quiet.pcap")}, exitUsage, "filter"},
		{"nothing on standard input", []string{"replay", "-"}, exitInput, "empty"},
		{"standard input twice", []string{"replay", "-", "-"}, exitUsage, "twice"},
	} {
		status, _, errs := b.run(append(c.args, "--db", b.db)...)
		if status != c.status || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.says) {
			t.Errorf("%s: status %d, want %d: %q", c.name, status, c.status, errs)
		}
	}
	// Named twice, by two names, and again later: each is counted once and said.
	b.write("copy.pcap", quiet())
	for _, args := range [][]string{
		{b.path("quiet.pcap")}, {b.path("quiet.pcap"), b.path("quiet.pcap")}, {b.path("copy.pcap")},
	} {
		if status, _, errs := b.run(append([]string{"replay", "--db", b.db}, args...)...); status != exitOK || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v again: status %d, %q", args, status, errs)
		}
	}
	sameDump(t, "after all that", noCaptures(dump(t, b.db)), noCaptures(before))
	twice := b.path("twice.db")
	b.must("replay", "--db", twice, b.path("quiet.pcap"), b.path("quiet.pcap"), b.path("copy.pcap"))
	once := b.path("once.db")
	b.must("replay", "--db", once, b.path("quiet.pcap"))
	sameDump(t, "named three times", noCaptures(dump(t, twice)), noCaptures(dump(t, once)))
}

// TestBadStores: what is no store, or no sound one, is refused in one line and not changed.
func TestBadStores(t *testing.T) {
	b := filled(t)
	whole, err := os.ReadFile(b.db)
	if err != nil {
		t.Fatal(err)
	}
	sqlite := func(name, q string) string {
		db, err := sql.Open("sqlite3", b.path(name))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
		return b.path(name)
	}
	b.write("text.db", []byte("no store, but notes of somebody\n"))
	b.write("empty.db", nil)
	b.write("short.db", whole[:700])
	b.write("half.db", whole[:len(whole)/2])
	b.write("newer.db", whole)
	sqlite("newer.db", "PRAGMA user_version=999")
	if err := os.Mkdir(b.path("dir.db"), 0o755); err != nil {
		t.Fatal(err)
	}
	foreign := sqlite("foreign.db", "CREATE TABLE t (x); INSERT INTO t VALUES (1)")
	for _, c := range []struct{ path, says string }{
		{b.path("absent.db"), "no store"},
		{b.path("text.db"), "not an osect store"},
		{b.path("empty.db"), "not an osect store"},
		{b.path("short.db"), ""},
		{b.path("half.db"), "damaged"},
		{b.path("newer.db"), "newer"},
		{b.path("dir.db"), "not an osect store"},
		{foreign, "not an osect store"},
	} {
		name := filepath.Base(c.path)
		before, _ := os.ReadFile(c.path)
		for _, args := range [][]string{{"dump"}, {"flows", "list"}, {"devices", "list"}, {"learn", "set", "all", "detecting"}, {"replay", b.path("quiet.pcap"), "--again"}} {
			if (args[0] == "replay" || args[0] == "learn") && (name == "absent.db" || name == "empty.db") {
				continue // makes one
			}
			status, _, errs := b.run(append(args, "--db", c.path)...)
			if status != exitInput || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.says) || !strings.Contains(errs, c.path) {
				t.Errorf("%s, %s: status %d: %q", args[0], name, status, errs)
			}
		}
		if after, _ := os.ReadFile(c.path); name != "half.db" && !bytes.Equal(before, after) {
			t.Errorf("%s was changed", name)
		}
	}

	// Each page in turn: a command does its work or says in one line that the
	// store is damaged; doctor finds what the others do not meet.
	const page = 16384 // bytes, as the store makes them
	refused, found := 0, 0
	for at := page; at < len(whole); at += page {
		bad := bytes.Clone(whole)
		for i := range page {
			bad[at+i] = byte(i * 7)
		}
		b.write("bad.db", bad)
		os.Remove(b.path("bad.db-wal"))
		for _, args := range [][]string{{"dump"}, {"devices", "list"}, {"replay", b.path("quiet.pcap"), "--again"}} {
			b.write("bad.db", bad)
			status, _, errs := b.run(append(args, "--db", b.path("bad.db"), "--quiet")...)
			switch {
			case status == exitOK && errs == "":
			case status == exitInput && strings.Count(errs, "\n") == 1 && strings.Contains(errs, b.path("bad.db")):
				refused++
			default:
				t.Errorf("page %d, %s: status %d: %q", at/page+1, args[0], status, errs)
			}
		}
		b.write("bad.db", bad)
		if status, _, _ := b.run("doctor", "--db", b.path("bad.db")); status == exitFound {
			found++
		}
	}
	pages := len(whole)/page - 1
	t.Logf("%d damaged pages: doctor found %d, three commands refused %d times", pages, found, refused)
	if found != pages {
		t.Errorf("doctor found %d of %d damaged pages", found, pages)
	}
}
