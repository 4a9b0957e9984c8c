package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
	"osect/store"
	"osect/text"
)

func TestEveryNameMeansOneColumn(t *testing.T) {
	if len(store.LedgerColumns) != int(Columns) {
		t.Fatalf("the store has %d columns, this room %d", len(store.LedgerColumns), Columns)
	}
	of := map[string]Column{}
	add := func(c Column, name string) {
		if was, ok := of[foldName(name)]; ok && was != c {
			t.Errorf("%q means %s and %s", name, was.Key(), c.Key())
		}
		of[foldName(name)] = c
		if got, ok := ParseColumn(name); !ok || got != c {
			t.Errorf("%q is read as %v, %v", name, got, ok)
		}
	}
	for c := range Columns {
		add(c, c.Key())
		for _, l := range []text.Lang{text.JA, text.EN} {
			if !text.Has("ledger.column." + c.Key()) {
				t.Errorf("%s has no title", c.Key())
			}
			add(c, c.Title(l))
		}
		for _, n := range names[c] {
			add(c, n)
		}
	}
}

// ledgerOf reads a ledger of good rows.
func ledgerOf(t *testing.T, s string) []Entry {
	t.Helper()
	f, err := Read(strings.NewReader(s))
	if err != nil || f.Refused || f.Bad > 0 {
		t.Fatalf("%v %+v", err, f)
	}
	for i := range f.Entries {
		f.Entries[i].N = int64(i) + 1
	}
	return f.Entries
}

func say(changes []Change) string {
	var out []string
	for _, c := range changes {
		s := c.Kind + " " + c.Entry().Name()
		for _, col := range c.Columns() {
			s += fmt.Sprintf(" %s:%s>%s", col.Key(), c.Old.Cells[col], c.New.Cells[col])
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

func TestReplaceAndMerge(t *testing.T) {
	const head = "IP,MAC,zone,owner,site\n"
	const a, b, c = "02:00:00:00:00:0a", "02:00:00:00:00:0b", "02:00:00:00:00:0c"
	for name, x := range map[string]struct{ old, file, replaced, merged, problems string }{
		"the same":                       {"10.0.0.1," + a + ",z,o,", "10.0.0.1," + a + ",z,o,", "", "", ""},
		"another":                        {"10.0.0.1," + a + ",z,o,", "10.0.0.2," + b + ",z,o,", "added " + b + "; removed " + a, "added " + b, ""},
		"a cell changes":                 {"10.0.0.1," + a + ",z,o,", "10.0.0.1," + a + ",y,o,", "changed " + a + " zone:z>y", "changed " + a + " zone:z>y", ""},
		"an empty cell":                  {"10.0.0.1," + a + ",z,o,", "10.0.0.1," + a + ",,o,", "changed " + a + " zone:z>", "", ""},
		"the MAC wins: new address":      {"10.0.0.1," + a + ",z,o,", "10.0.0.9," + a + ",z,o,", "changed " + a + " ip:10.0.0.1>10.0.0.9", "changed " + a + " ip:10.0.0.1>10.0.0.9", ""},
		"the MAC becomes known":          {"10.0.0.1,,z,o,", "10.0.0.1," + a + ",z,o,", "changed " + a + " mac:>" + a, "changed " + a + " mac:>" + a, ""},
		"by address, the MAC stays":      {"10.0.0.1," + a + ",z,o,", "10.0.0.1,,y,o,", "changed 10.0.0.1 mac:" + a + "> zone:z>y", "changed " + a + " zone:z>y", ""},
		"the address of another MAC":     {"10.0.0.1," + a + ",z,o,", "10.0.0.1," + b + ",z,o,", "added " + b + "; removed " + a, "added " + b, "~ip-elsewhere"},
		"MACs swap their addresses":      {"10.0.0.1," + a + ",z,o,\n10.0.0.2," + b + ",z,o,", "10.0.0.2," + a + ",z,o,\n10.0.0.1," + b + ",z,o,", "changed " + a + " ip:10.0.0.1>10.0.0.2; changed " + b + " ip:10.0.0.2>10.0.0.1", "changed " + a + " ip:10.0.0.1>10.0.0.2; changed " + b + " ip:10.0.0.2>10.0.0.1", "~ip-elsewhere ~ip-elsewhere"},
		"two rows for one entry":         {"10.0.0.1 10.0.0.2," + a + ",z,o,", "10.0.0.1,,z,p,\n10.0.0.2,,z,q,", "changed 10.0.0.1 ip:10.0.0.1 10.0.0.2>10.0.0.1 mac:" + a + "> owner:o>p; added 10.0.0.2", "changed " + a + " ip:10.0.0.1 10.0.0.2>10.0.0.1 owner:o>p", "same-row"},
		"an address of two entries":      {"10.0.0.1," + a + ",z,o,\n10.0.0.1," + b + ",z,o,", "10.0.0.1,,z,q,", "changed 10.0.0.1 mac:" + a + "> owner:o>q; removed " + b, "", "ambiguous"},
		"another site":                   {"10.0.0.1," + a + ",z,o,osaka", "10.0.0.1," + a + ",z,o,tokyo", "added " + a + "; removed " + a, "added " + a, ""},
		"the site is left open":          {"10.0.0.1," + a + ",z,o,osaka", "10.0.0.1," + a + ",y,o,", "changed " + a + " zone:z>y site:osaka>", "changed " + a + " zone:z>y", ""},
		"a MAC at last for one of three": {"10.0.0.1," + a + ",z,o,\n10.0.0.2,,z,o,\n10.0.0.3," + c + ",z,o,", "10.0.0.2," + b + ",z,o,", "changed " + b + " mac:>" + b + "; removed " + a + "; removed " + c, "changed " + b + " mac:>" + b, ""},
	} {
		t.Run(name, func(t *testing.T) {
			old := ledgerOf(t, head+x.old)
			file := ledgerOf(t, head+x.file)
			result, changes := Replace(old, file)
			if got := say(changes); strings.ReplaceAll(got, "removed "+a+"; added", "added") != x.replaced && got != x.replaced {
				t.Errorf("replaced: %s\nwant: %s", got, x.replaced)
			}
			if len(result) != len(file) {
				t.Errorf("%d entries of %d", len(result), len(file))
			}
			before := say([]Change{{Removed, &old[0], nil}})
			merged, changes, problems := Merge(old, file)
			if got := say(changes); got != x.merged {
				t.Errorf("merged: %s\nwant: %s", got, x.merged)
			}
			var keys []string
			for _, p := range problems {
				k := string(p.Key)
				if p.Warning {
					k = "~" + k
				}
				keys = append(keys, k)
			}
			if got := strings.Join(keys, " "); got != x.problems {
				t.Errorf("problems: %s, want %s", got, x.problems)
			}
			if len(merged) < len(old) {
				t.Error("merge removed an entry")
			}
			if say([]Change{{Removed, &old[0], nil}}) != before {
				t.Error("merge changed what it was given")
			}
		})
	}
}

func addrOf(t *testing.T, s string) decode.Addr {
	t.Helper()
	a, err := decode.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func device(t *testing.T, mac string, ips ...string) inventory.Device {
	t.Helper()
	d := inventory.Device{Site: "A", LastSeen: int64(100 * time.Hour)}
	if mac != "" {
		d.MAC = addrOf(t, mac).MAC()
	}
	for _, ip := range ips {
		d.IPs = append(d.IPs, addrOf(t, ip))
	}
	return d
}

func TestAnEntryIsFoundByMACBeforeAddress(t *testing.T) {
	x := NewIndex(ledgerOf(t, "IP,MAC,host,site\n10.0.0.1,02:00:00:00:00:0a,both,\n10.0.0.2,,address only,\n,02:00:00:00:00:0c,mac only,\n10.0.0.4,02:00:00:00:00:0d,any site,\n10.0.0.4,02:00:00:00:00:0d,site A,A\n10.0.0.5,,elsewhere,B\n"))
	for _, c := range []struct{ name, mac, ips, want string }{
		{"MAC and address", "02:00:00:00:00:0a", "10.0.0.1", "both"},
		{"the MAC with another address", "02:00:00:00:00:0a", "10.0.0.2", "both"},
		{"another MAC with the address", "02:00:00:00:00:ff", "10.0.0.1", ""},
		{"a MAC that the entry does not say", "02:00:00:00:00:ff", "10.0.0.2", "address only"},
		{"behind a router", "", "10.0.0.1", "both"},
		{"MAC alone", "02:00:00:00:00:0c", "", "mac only"},
		{"its own site first", "02:00:00:00:00:0d", "10.0.0.4", "site A"},
		{"another site's", "", "10.0.0.5", ""},
		{"none", "02:00:00:00:00:ff", "10.0.0.99", ""},
	} {
		d := device(t, c.mac, strings.Fields(c.ips)...)
		got := ""
		if e := x.Device(&d); e != nil {
			got = e.Cells[Hostname]
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	inet := inventory.Device{Site: "A", Internet: true}
	if x.Device(&inet) != nil {
		t.Error("the internet is in the ledger")
	}
	if (*Index)(nil).Device(&inet) != nil {
		t.Error("without a ledger something is in it")
	}
}

func TestTheEndOfAnAlert(t *testing.T) {
	x := NewIndex(ledgerOf(t, "IP,MAC,host\n10.0.0.1,02:00:00:00:00:0a,router\n10.0.9.9,,behind it\n,02:00:00:00:00:0c,mac only\n10.0.0.4,02:00:00:00:00:0d,other\n"))
	for _, c := range []struct {
		name, mac, ip, want string
		sure                bool
	}{
		{"its own address", "02:00:00:00:00:0a", "10.0.0.1", "router", true},
		{"carried by the router, in the ledger", "02:00:00:00:00:0a", "10.0.9.9", "behind it", true},
		{"carried by the router, or a new address of it", "02:00:00:00:00:0a", "10.0.9.10", "", false},
		{"an entry without addresses", "02:00:00:00:00:0c", "10.0.0.77", "mac only", true},
		{"unknown", "02:00:00:00:00:ff", "10.0.0.77", "", true},
		{"an address that is another MAC's", "02:00:00:00:00:ff", "10.0.0.4", "", false},
		{"MAC only", "02:00:00:00:00:0d", "", "other", true},
		{"address only", "", "10.0.0.4", "other", true},
	} {
		e, sure := x.End("A", c.mac, c.ip)
		got := ""
		if e != nil {
			got = e.Cells[Hostname]
		}
		if got != c.want || sure != c.sure {
			t.Errorf("%s: %q, %v, want %q, %v", c.name, got, sure, c.want, c.sure)
		}
	}
}

func TestCompare(t *testing.T) {
	x := NewIndex(ledgerOf(t, "IP,MAC,host,vendor,OS,firmware\n"+
		"10.0.0.1,02:00:00:00:00:0a,same,三菱電機,Windows 10 Pro,V1.20\n"+
		"10.0.0.2,02:00:00:00:00:0b,other,キーエンス,Windows 7,2.0\n"+
		"10.0.0.3,02:00:00:00:00:0c,gone,,,\n"+
		"10.0.0.4,02:00:00:00:00:0d,replaced,,,\n"+
		"10.0.0.5,,silent,,,\n"))
	same, other := device(t, "02:00:00:00:00:0a", "10.0.0.1", "fe80::1", "169.254.1.1"), device(t, "02:00:00:00:00:0b", "10.0.0.22")
	same.Vendor, same.OS, same.OSAccuracy = "Mitsubishi Electric Corporation", "Windows 10 22H2 or Windows 11 22H2", 90
	other.Vendor, other.OS, other.OSAccuracy = "Siemens AG", "Windows 10", 80
	silent := device(t, "", "10.0.0.5")
	silent.LastSeen = int64(time.Hour)
	unknown := device(t, "02:00:00:00:00:ef", "10.0.0.99")
	unknown.Vendor, unknown.OS = "Moxa", "Linux"
	o := &Observed{Newest: int64(100 * time.Hour), Devices: []inventory.Device{same, other, silent, device(t, "02:00:00:00:00:ee", "10.0.0.4"), unknown, {Site: "A", Internet: true}},
		Facts: []inventory.Fact{
			{Site: "A", Fact: observe.Fact{IP: addrOf(t, "10.0.0.1"), MAC: addrOf(t, "02:00:00:00:00:0a").MAC(), Kind: "firmware", Value: "01.20"}},
			{Site: "A", Fact: observe.Fact{IP: addrOf(t, "10.0.0.22"), MAC: addrOf(t, "02:00:00:00:00:0b").MAC(), Kind: "firmware", Value: "3.1"}},
		}}
	var got []string
	for _, d := range Compare(x, o, int64(24*time.Hour)) {
		name := "-"
		if d.Entry != nil {
			name = d.Entry.Cells[Hostname]
		}
		got = append(got, fmt.Sprintf("%s %s: %s > %s", d.Kind, name, d.Ledger, d.Observed))
	}
	want := []string{
		"unknown -:  > Moxa / Linux",
		"missing gone:  > ",
		"mac replaced: 02:00:00:00:00:0d > 02:00:00:00:00:ee",
		"address other: 10.0.0.2 > 10.0.0.22",
		"vendor other: キーエンス > Siemens AG",
		"os other: Windows 7 > Windows 10",
		"firmware other: 2.0 > 3.1",
		"silent silent:  > ",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
}

func TestSameVendorSystemVersion(t *testing.T) {
	for _, c := range []struct {
		same func(a, b string) bool
		a, b string
		want bool
	}{
		{sameVendor, "三菱電機(株)", "Mitsubishi Electric Corporation", true},
		{sameVendor, "オムロン", "OMRON TATEISI ELECTRONICS CO.", true},
		{sameVendor, "HP", "Hewlett Packard", true},
		{sameVendor, "株式会社キーエンス", "KEYENCE CORPORATION", true},
		{sameVendor, "ＤＥＬＬ", "Dell Inc.", true},
		{sameVendor, "町工場製作所", "Realtek", true}, // not known: no difference is claimed
		{sameVendor, "オムロン", "Siemens AG", false},
		{sameVendor, "Cisco", "Dell Inc.", false},
		{sameOS, "Windows 10 Pro", "Windows 10", true},
		{sameOS, "Win10", "Windows 10 22H2", true},
		{sameOS, "ウィンドウズ７", "Windows 7 SP1", true},
		{sameOS, "Windows XP", "Windows 10", false},
		{sameOS, "Windows", "Windows 10", true},
		{sameOS, "Windows Server 2008 R2", "Windows 7 SP1 or Windows Server 2008 R2 SP1", true},
		{sameOS, "Windows Server 2008", "Windows Server 2008 R2", false},
		{sameOS, "Ubuntu 22.04", "Linux", true},
		{sameOS, "VxWorks 6.8", "VxWorks", true},
		{sameOS, "VxWorks 6.8", "Linux", false},
		{sameVersion, "V1.20", "01.20", true},
		{sameVersion, "Ver.2.8", "S7-1200 V2.8", true},
		{sameVersion, "2.8", "2.8.1", false},
		{sameVersion, "12", "12", true},
		{sameVersion, "12", "13", false},
		{sameVersion, "rev B", "REV-B", true},
	} {
		if got := c.same(c.a, c.b); got != c.want {
			t.Errorf("%q and %q: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}

func TestFillMarksWhatWasObserved(t *testing.T) {
	old := ledgerOf(t, "IP,MAC,host,state\n10.0.0.1,02:00:00:00:00:0a,confirmed,\n10.0.0.2,02:00:00:00:00:0b,was,observed\n")
	a, b, c := device(t, "02:00:00:00:00:0a", "10.0.0.77"), device(t, "02:00:00:00:00:0b", "10.0.0.22"), device(t, "", "10.0.0.3")
	b.Hostname, c.Role, c.OS, c.OSAccuracy = "is", "plc", "guess", 10
	o := &Observed{Devices: []inventory.Device{a, b, c, {Site: "A", Internet: true}}}
	result, changes := Fill(old, o)
	if got, want := say(changes), "changed 02:00:00:00:00:0b ip:10.0.0.2>10.0.0.22 hostname:was>is; added 10.0.0.3"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	n := result[2]
	if n.Cells[State] != SeenOnly || n.Cells[Role] != "plc" || n.Cells[OS] != "" || n.Cells[Site] != "" {
		t.Errorf("%q", n.Cells)
	}
	if _, again := Fill(result, o); len(again) != 0 {
		t.Errorf("again: %s", say(again))
	}
	roundTrip(t, result, true)
}

func TestCrossings(t *testing.T) {
	x := NewIndex(ledgerOf(t, "IP,MAC,zone\n10.0.0.1,,ライン1\n10.0.0.2,,ﾗｲﾝ1\n10.0.0.3,02:00:00:00:00:0c,事務所\n10.0.0.4,,\n"))
	o := &Observed{Devices: []inventory.Device{device(t, "02:00:00:00:00:01", "10.0.0.1"), device(t, "", "10.0.0.2"), device(t, "02:00:00:00:00:0c", "10.0.0.30"), device(t, "", "10.0.0.4")}}
	link := func(c, s string, port uint16) inventory.Link {
		return inventory.Link{Site: "A", Client: addrOf(t, c), Server: addrOf(t, s), Proto: 6, ServerPort: port, Packets: 2, Bytes: 100}
	}
	got := Crossings(x, o, []inventory.Link{link("10.0.0.1", "10.0.0.2", 502), link("10.0.0.30", "10.0.0.1", 445), link("10.0.0.30", "10.0.0.1", 445), link("10.0.0.1", "10.0.0.4", 80), link("10.0.0.1", "10.0.0.30", 80)})
	if len(got) != 2 || got[0].ClientZone != "ライン1" || got[0].Link.ServerPort != 80 || got[1].ClientZone != "事務所" || got[1].ServerZone != "ライン1" || got[1].Bytes != 200 {
		t.Errorf("%+v", got)
	}
}

func TestFlagsHoldUntilTheirDay(t *testing.T) {
	e := ledgerOf(t, "IP,flags,flags_until\n10.0.0.1,scanner critical,2026-03-02\n10.0.0.2,scanner,\n")
	for _, c := range []struct {
		e    int
		flag string
		day  string
		want bool
	}{{0, FlagScanner, "2026-03-02", true}, {0, FlagScanner, "2026-03-03", false}, {0, FlagEngineering, "2026-01-01", false}, {0, FlagCritical, "2026-01-01", true}, {1, FlagScanner, "2099-01-01", true}} {
		if got := e[c.e].Flagged(c.flag, c.day); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// big is a ledger of n devices as a site would have it.
func big(n int) []byte {
	r := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	b.WriteString("\uFEFFIPアドレス,MACアドレス,ホスト名,設置場所,部署,管理者,メーカー,型番,OS,ファームウェア,役割,ゾーン,重要度,導入日,備考\r\n")
	for i := range n {
		fmt.Fprintf(&b, "１０.%d.%d.%d,02-00-5E-%02X-%02X-%02X,PLC%05d,第%d工場 盤%d,製造%d課,田中,三菱電機,Q03UDECPU,,V1.%d,PLC,ライン%d,%d,R6.%d.1,\"備考, %d\"\r\n",
			i>>16, i>>8&255, i&255|1, i>>16, i>>8&255, i&255, i, r.IntN(3), r.IntN(40), r.IntN(5), r.IntN(9), r.IntN(20), r.IntN(101), r.IntN(12)+1, i)
	}
	return b.Bytes()
}

func BenchmarkRead10000(b *testing.B) {
	data := big(10000)
	for b.Loop() {
		f, err := Read(bytes.NewReader(data))
		if err != nil || len(f.Entries) < 9000 {
			b.Fatal(err, len(f.Entries))
		}
	}
}

// Import10000 is all of an import: reading, holding against a ledger of the same size, writing to a store.
func BenchmarkImport10000(b *testing.B) {
	data := big(10000)
	path := b.TempDir() + "/s.db"
	s, err := store.Open(path, store.Options{Create: true})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	n := 0
	for b.Loop() {
		n++
		f, err := Read(bytes.NewReader(bytes.ReplaceAll(data, []byte("田中"), fmt.Appendf(nil, "田中%d", n))))
		if err != nil {
			b.Fatal(err)
		}
		err = s.EditLedger(func(rows []store.LedgerRow) ([]store.LedgerRow, error) {
			result, _ := Replace(FromStore(rows), f.Entries)
			return ToStore(result), nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, n := range nastyLedgers {
		if len(n.data) < 4096 {
			f.Add(n.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if file.Refused && (len(file.Entries) > 0 || len(file.Problems) == 0) {
			t.Fatalf("refused: %d entries, %d problems", len(file.Entries), len(file.Problems))
		}
		for i := range file.Entries {
			e := &file.Entries[i]
			if e.Name() == "" || e.Line < 1 {
				t.Fatalf("%q", e.Cells)
			}
		}
		if len(file.Entries) > 200 {
			return
		}
		roundTrip(t, file.Entries, false)
		if _, changes := Replace(file.Entries, file.Entries); len(changes) > 0 {
			t.Fatalf("an import of itself changes %s", say(changes))
		}
		merged, _, _ := Merge(nil, file.Entries)
		if len(merged) != len(file.Entries) {
			t.Fatalf("merged into nothing: %d of %d", len(merged), len(file.Entries))
		}
	})
}

// TestLevel: a zone that is a level of the Purdue model, and some that look like it.
func TestLevel(t *testing.T) {
	for zone, want := range map[string]string{"Level 2": "2", "レベル３": "3", "Purdue level 0": "0", "purdue-level-4": "4",
		"L2": "", "2": "", "Level 9": "", "Level 2 DMZ": "", "": "", "line1": ""} {
		if got := Level(zone); got != want {
			t.Errorf("%q: %q, want %q", zone, got, want)
		}
	}
}
