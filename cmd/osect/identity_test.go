package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// found is what the tests of identities read of devices list.
type found struct {
	MAC            string   `json:"mac"`
	IPs            []string `json:"ips"`
	Role           string   `json:"role"`
	RoleConfidence int      `json:"role_confidence"`
	OS             string   `json:"os"`
	OSAccuracy     int      `json:"os_accuracy"`
	Importance     int      `json:"importance"`
}

// devicesOf replays a capture into a store of its own and returns its devices by MAC and by address.
func (b *bench) devicesOf(db, capture string) map[string]found {
	b.Helper()
	b.must("replay", "--quiet", "--db", db, capture)
	var list []found
	if err := json.Unmarshal([]byte(b.must("devices", "list", "--db", db, "--format", "json", "--all", "--internet-each")), &list); err != nil {
		b.Fatal(err)
	}
	by := map[string]found{}
	for _, d := range list {
		if d.MAC != "" {
			by[d.MAC] = d
		}
		for _, ip := range d.IPs {
			if _, ok := by[ip]; !ok {
				by[ip] = d
			}
		}
	}
	return by
}

// TestDevicesOfRealCaptures holds roles and operating systems against labels that were written from what tshark shows
// (inventory/testdata/labels.tsv): at least 80 % of the roles, none confident and wrong, and 95 % of the operating systems, none of them sure and wrong.
func TestDevicesOfRealCaptures(t *testing.T) {
	shared := sharedDir(t)
	file, err := os.Open(filepath.Join("..", "..", "inventory", "testdata", "labels.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r := csv.NewReader(file)
	r.Comma, r.Comment, r.LazyQuotes = '\t', '#', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t)
	captures := map[string]map[string]found{}
	roles, right, systems, same, labelled := 0, 0, 0, 0, map[string]bool{}
	for _, l := range rows[1:] {
		capture, address, role, system := l[0], l[1], l[2], l[3]
		if captures[capture] == nil {
			captures[capture] = b.devicesOf(b.path(strings.ReplaceAll(capture, "/", "-")+".db"), filepath.Join(shared, "captures", capture))
		}
		labelled[capture] = true
		d, ok := captures[capture][address]
		if !ok {
			t.Errorf("%s: no device %s", capture, address)
		}
		if role != "-" {
			roles++
			if slices.Contains(strings.Split(role, ","), d.Role) {
				right++
			} else {
				t.Logf("%s %s: role %s (%d), labelled %s: %s", capture, address, d.Role, d.RoleConfidence, role, l[4])
				if d.RoleConfidence >= 70 {
					t.Errorf("%s %s: confident (%d) and wrong", capture, address, d.RoleConfidence)
				}
			}
		}
		if system != "" {
			systems++
			if strings.HasPrefix(d.OS, system) {
				same++
			} else {
				t.Logf("%s %s: system %q (%d), labelled %q: %s", capture, address, d.OS, d.OSAccuracy, system, l[4])
				if d.OSAccuracy >= 70 {
					t.Errorf("%s %s: sure (%d) of the wrong system", capture, address, d.OSAccuracy)
				}
			}
		}
	}
	t.Logf("%d devices in %d captures: roles %d of %d, operating systems %d of %d", len(rows)-1, len(labelled), right, roles, same, systems)
	if roles < 60 || len(labelled) < 12 || right*100 < roles*80 {
		t.Errorf("roles: %d of %d in %d captures, want 80 %% of at least 60 in 12", right, roles, len(labelled))
	}
	if same*100 < systems*95 {
		t.Errorf("operating systems: %d of %d, want 95 %%", same, systems)
	}
	// What is behind a router does not make many devices of it: 28 and 19 addresses are so many, the internet among them.
	for _, c := range []struct {
		capture, router string
		devices         int
	}{{"mixed/iphone.pcap", "c6:2c:03:60:6a:64", 4}, {"mixed/latest.pcapng", "68:3a:1e:20:05:cc", 6}} {
		var list []found
		if err := json.Unmarshal([]byte(b.must("devices", "list", "--db", b.path(strings.ReplaceAll(c.capture, "/", "-")+".db"), "--format", "json")), &list); err != nil {
			t.Fatal(err)
		}
		if d := captures[c.capture][c.router]; len(list) != c.devices || d.Role != "router" || len(d.IPs) > 2 {
			t.Errorf("%s: %d devices, want %d; the router is %+v", c.capture, len(list), c.devices, d)
		}
	}
	// A device that changed its address is one device.
	for _, c := range [][3]string{
		{"melsec/melsoft-udp-clean-1.pcap", "192.168.3.250", "192.168.0.250"},
		{"enip/eip-ipaddresschangeattempt.pcap", "192.168.10.120", "192.168.10.125"},
	} {
		if d := captures[c[0]][c[1]]; d.MAC == "" || d.MAC != captures[c[0]][c[2]].MAC {
			t.Errorf("%s: %s and %s are not one device: %+v", c[0], c[1], c[2], d)
		}
	}
}

// sharedDir is the folder of other people's captures: $OSECT_SHARED, else the first ../shared found going up.
func sharedDir(t *testing.T) string {
	if s := os.Getenv("OSECT_SHARED"); s != "" {
		return s
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for up := filepath.Dir(dir); up != dir; dir, up = up, filepath.Dir(up) {
		if s := filepath.Join(up, "shared"); isDir(filepath.Join(s, "captures")) {
			return s
		}
	}
	t.Skip("no-captures")
	return ""
}

func isDir(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.IsDir()
}

// TestDevicesOfPlants holds roles and operating systems against the truth of synthetic plants of seeds that no rule was
// made with: at least 95 % of all devices that sent anything.
func TestDevicesOfPlants(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	b := newBench(t)
	gen := filepath.Join(b.dir, "plantgen")
	if out, err := exec.Command("go", "build", "-o", gen, "osect/cmd/plantgen").CombinedOutput(); err != nil {
		t.Fatalf("build plantgen: %v\n%s", err, out)
	}
	for _, c := range []struct{ devices, seed, duration string }{{"20", "101", "24h"}, {"20", "102", "24h"}, {"20", "103", "24h"}, {"40", "104", "24h"}, {"200", "105", "24h"}} {
		t.Run(c.devices+" devices, seed "+c.seed, func(t *testing.T) {
			capture, truth := b.path(c.seed+".pcap"), b.path(c.seed+".json")
			if out, err := exec.Command(gen, "--devices", c.devices, "--seed", c.seed, "--duration", c.duration, "--out", capture, "--truth", truth).CombinedOutput(); err != nil {
				t.Fatalf("plantgen: %v\n%s", err, out)
			}
			defer os.Remove(capture)
			data, err := os.ReadFile(truth)
			if err != nil {
				t.Fatal(err)
			}
			var plant struct {
				Devices []struct {
					MAC, Role, OS, Model, Attack string
					Packets                      int `json:"packets_sent"`
				}
			}
			if err := json.Unmarshal(data, &plant); err != nil {
				t.Fatal(err)
			}
			devices := (&bench{T: t, dir: b.dir, env: b.env}).devicesOf(b.path(c.seed+".db"), capture)
			n, roles, systems := 0, 0, 0
			for _, d := range plant.Devices {
				if d.Attack != "" || d.Packets == 0 {
					continue
				}
				n++
				got := devices[d.MAC]
				if got.Role == d.Role {
					roles++
				} else {
					t.Logf("%s %s: role %s (%d), is a %s", d.MAC, d.Model, got.Role, got.RoleConfidence, d.Role)
				}
				// Where the truth names no system it is a controller's own: nothing, or just that.
				if d.OS != "" && strings.HasPrefix(got.OS, d.OS) || d.OS == "" && (got.OS == "" || strings.HasPrefix(got.OS, "Embedded")) {
					systems++
				} else {
					t.Logf("%s %s: system %q (%d), is %q", d.MAC, d.Model, got.OS, got.OSAccuracy, d.OS)
				}
			}
			t.Logf("roles %d of %d, operating systems %d of %d", roles, n, systems, n)
			if roles*100 < n*95 || systems*100 < n*95 {
				t.Errorf("roles %d, operating systems %d of %d: want 95 %%", roles, systems, n)
			}
		})
	}
}

// TestShowAddsUp: what devices show prints of operating system and importance can be added up.
func TestShowAddsUp(t *testing.T) {
	b := filled(t)
	for _, d := range b.rows("devices", "list") {
		ips, _ := d["ips"].([]any)
		if len(ips) == 0 {
			continue
		}
		var got struct {
			Importance int
			OSAccuracy int                    `json:"os_accuracy"`
			OSEvidence []struct{ Points int } `json:"os_evidence"`
			Terms      []struct{ Points int } `json:"importance_terms"`
		}
		if err := json.Unmarshal([]byte(b.must("devices", "show", ips[0].(string), "--db", b.db, "--format", "json")), &got); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, e := range got.Terms {
			sum += e.Points
		}
		if min(100, sum) != got.Importance || len(got.Terms) < 4 {
			t.Errorf("%v: terms %+v, importance %d", ips, got.Terms, got.Importance)
		}
		sum = 0
		for _, e := range got.OSEvidence {
			sum += e.Points
		}
		if sum != got.OSAccuracy {
			t.Errorf("%v: points %+v, accuracy %d", ips, got.OSEvidence, got.OSAccuracy)
		}
		for _, lang := range []string{"ja", "en"} {
			out := b.must("devices", "show", ips[0].(string), "--db", b.db, "--lang", lang)
			if strings.Contains(out, "device.") || strings.Contains(out, "column.") {
				t.Errorf("a text is missing:\n%s", out)
			}
		}
	}
}

// TestUpdateInventoryTables: registries and fingerprints that a site brings count, until those built in are taken again.
func TestUpdateInventoryTables(t *testing.T) {
	b := filled(t)
	mac := b.rows("devices", "list")[0]["mac"].(string)
	prefix := strings.ToUpper(strings.ReplaceAll(mac[:8], ":", ""))
	b.write("oui.csv", []byte("Registry,Assignment,Organization Name,Organization Address\nMA-L,"+prefix+",Site Made,x\nMA-L,001B21,Other,x\n"))
	b.write("bad.csv", []byte("hello\n"))
	b.write("p0f.fp", []byte("[tcp:request]\nlabel = s:other:Site OS:7\nsig = *:64:0:*:*,*:*:*:*\n"))
	b.write("good.fp", []byte("[tcp:request]\nlabel = s:other:Site OS:7\nsig = *:64:0:*:8192,0:mss::0\n"))
	vendor := func() string { return b.rows("devices", "list")[0]["vendor"].(string) }
	before := vendor()
	if out := b.must("update", "oui", "--from", b.path("oui.csv"), "--db", b.db); !strings.Contains(out, "MA-L 2,") {
		t.Error(out)
	}
	want := "Site Made"
	if mac[1] == '2' || mac[1] == '6' || mac[1] == 'a' || mac[1] == 'e' {
		want = before // locally administered: no vendor's
	}
	if got := vendor(); got != want {
		t.Errorf("vendor of %s is %q, want %q", mac, got, want)
	}
	b.must("update", "oui", "--from", "built-in", "--db", b.db)
	if got := vendor(); got != before {
		t.Errorf("vendor %q, want that of the built-in table again: %q", got, before)
	}
	if out := b.must("update", "os", "--from", b.path("good.fp"), "--db", b.db); !strings.Contains(out, "1 of SYNs, 0 of answers") {
		t.Error(out)
	}
	b.must("update", "os", "--from", "built-in", "--db", b.db)
	for _, args := range [][]string{{"oui"}, {"os"}, {"oui", "--from", b.path("bad.csv")}, {"os", "--from", b.path("p0f.fp")}, {"os", "--from", b.path("bad.csv")}, {"oui", "--from", b.path("absent")}} {
		status, _, errs := b.run(append([]string{"update", "--db", b.db}, args...)...)
		want := exitUsage
		if len(args) > 1 {
			want = exitInput
		}
		if status != want || strings.Count(errs, "\n") != 1 {
			t.Errorf("update %v: status %d, %s", args, status, errs)
		}
	}
}
