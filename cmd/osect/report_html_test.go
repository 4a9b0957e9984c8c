package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The same store gives the same bytes in every form, whenever the report is made.
func TestReportsOfTheSameStoreAreTheSameBytes(t *testing.T) {
	b := filled(t)
	b.must("ledger", "set", "192.168.3.39", "zone=line", "--db", b.db)
	files := map[string]string{"--pptx": "pptx", "--html": "html", "--xlsx": "xlsx", "--csv-zip": "zip"}
	var made [2]map[string][]byte
	for i := range made {
		args := []string{"report", "--db", b.db, "--tz", "UTC", "--month", "2026-03"}
		for flag, ext := range files {
			args = append(args, flag, b.path("r."+ext))
		}
		b.must(args...)
		made[i] = map[string][]byte{}
		for _, ext := range files {
			data, err := os.ReadFile(b.path("r." + ext))
			if err != nil {
				t.Fatal(err)
			}
			made[i][ext] = data
		}
	}
	for _, ext := range files {
		if len(made[0][ext]) == 0 || !bytes.Equal(made[0][ext], made[1][ext]) {
			t.Errorf("%s: other bytes the second time", ext)
		}
	}
	page := string(made[0]["html"])
	for _, want := range []string{`<html lang="ja">`, "ネットワークマップ", "<svg xmlns", "前の期間との比較", "比較できる前の期間のデータがありません", "2026-03-02 08:00"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// A month beside the one before: what came with it is said.
func TestTheMonthBeforeIsCompared(t *testing.T) {
	b := filled(t)
	page := func(args ...string) string {
		t.Helper()
		b.must(append([]string{"report", "--db", b.db, "--tz", "UTC", "--lang", "en", "--html", b.path("r.html")}, args...)...)
		data, err := os.ReadFile(b.path("r.html"))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	april := page("--month", "2026-04") // nothing in it, all in the month before
	for _, want := range []string{"Compared with 2026-03-01 00:00 to 2026-04-01 00:00.", "Its data are of a part of it: 2026-03-02 08:00 to", "not seen", "192.168.3.39", "No device was observed."} {
		if !strings.Contains(april, want) {
			t.Errorf("the page of April lacks %q", want)
		}
	}
	if p := page(); strings.Contains(p, "previous period") {
		t.Error("a comparison that nobody asked for")
	}
	if err := os.WriteFile(b.path("news.txt"), []byte("First.\nGoes on.\n\n- An item <b>\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if p := page("--news", b.path("news.txt")); !strings.Contains(p, "News of the month") || !strings.Contains(p, "<li>First. Goes on.</li><li>An item &lt;b&gt;</li>") {
		t.Error("the news are not on the page")
	}
	for name, data := range map[string][]byte{"latin.txt": {0xff}, "big.txt": bytes.Repeat([]byte("x"), maxNews+1)} {
		if err := os.WriteFile(b.path(name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"none.txt", "latin.txt", "big.txt", ""} {
		status, _, errs := b.run("report", "--db", b.db, "--html", b.path("x.html"), "--news", b.path(name))
		if status != exitInput || strings.Count(errs, "\n") != 1 {
			t.Errorf("--news %s: %d %s", name, status, errs)
		}
	}
}
