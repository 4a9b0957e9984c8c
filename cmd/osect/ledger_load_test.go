//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An import of 10,000 rows, as a command, takes at most 2 s of CPU time: into an empty store, and in place of a ledger of as many
// entries that all differ; from CSV and from a workbook.
func TestImportOfTenThousandRows(t *testing.T) {
	b := newBench(t)
	var csv strings.Builder
	csv.WriteString("IPアドレス,MACアドレス,ホスト名,設置場所,部署,管理者,メーカー,型番,OS,ファームウェア,役割,ゾーン,重要度,導入日,備考,資産番号,製造番号\n")
	for i := range 10000 {
		fmt.Fprintf(&csv, "10.1.%d.%d,02:00:00:00:%02x:%02x,ＬＩＮＥ%d-PLC%05d,第%d工場 %d番盤,製造%d課,担当%d,三菱電機,R%02dCPU,,%d.%d,plc,第%dライン,%c,2024/%d/%d,備考 %d,A%06d,S%08d\n",
			i>>8, i&255, i>>8, i&255, i%7, i, i%9+1, i%30, i%5, i%40, i%100, i%9, i%10, i%4+1, []rune("高中低")[i%3], i%12+1, i%28+1, i, i, i)
	}
	for name, data := range map[string]string{"a.csv": csv.String(), "b.csv": strings.ReplaceAll(csv.String(), "三菱電機", "オムロン")} {
		if err := os.WriteFile(b.path(name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cpu := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	b.db = b.path("ledger.db")
	for _, file := range []string{"a.csv", "b.csv", "a.xlsx"} {
		if file == "a.xlsx" {
			b.must("ledger", "export", "--xlsx", b.path(file), "--db", b.db)
		}
		before := cpu()
		b.must("ledger", "import", b.path(file), "--db", b.db)
		took := cpu() - before
		t.Logf("%s: %.2f s of CPU time", file, took.Seconds())
		if took > 2*time.Second {
			t.Errorf("%s: %v of CPU time, want 2 s at most", file, took)
		}
	}
	if n := len(b.rows("ledger", "list", "--all")); n != 10000 {
		t.Errorf("%d entries", n)
	}
}
