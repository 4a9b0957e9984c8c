package main

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"osect/inventory"
	"osect/store"
)

// Each filter of a listing leaves the rows that the same question asked of all rows leaves.
func TestFiltersOfListings(t *testing.T) {
	b, _ := builtPlant(t, 25, 5, "plc-stop,rogue-dhcp,internet-beacon,ccie-stop")
	devices := b.rows("devices", "list", "--internet-each")
	// The devices by address: role and vendor of either end.
	of := map[string]map[string]any{}
	for _, d := range devices {
		of[d["mac"].(string)] = d
		for _, ip := range d["ips"].([]any) {
			of[ip.(string)] = d
		}
	}
	is := func(key, want string, addresses ...string) bool {
		return slices.ContainsFunc(addresses, func(a string) bool {
			d := of[a]
			return d != nil && strings.Contains(strings.ToLower(fmt.Sprint(d[key])), want)
		})
	}
	in := func(prefix string, addresses ...string) bool {
		p := netip.MustParsePrefix(prefix)
		return slices.ContainsFunc(addresses, func(a string) bool { ip, err := netip.ParseAddr(a); return err == nil && p.Contains(ip) })
	}
	text := func(r map[string]any, k string) string { s, _ := r[k].(string); return s }
	has := func(r map[string]any, k, v string) bool { return slices.Contains(r[k].([]any), any(v)) }
	flowEnds := func(r map[string]any) []string { return []string{text(r, "client_ip"), text(r, "server_ip")} }
	otEnds := func(r map[string]any) []string { return []string{text(r, "src"), text(r, "dst")} }
	for _, c := range []struct {
		listing, filter string
		keep            func(r map[string]any) bool
	}{
		{"flows list", "--role plc", func(r map[string]any) bool { return is("role", "plc", flowEnds(r)...) }},
		{"flows list", "--vendor OMRON", func(r map[string]any) bool { return is("vendor", "omron", flowEnds(r)...) }},
		{"flows list", "--subnet 10.20.0.0/24", func(r map[string]any) bool { return in("10.20.0.0/24", flowEnds(r)...) }},
		{"flows list", "--vlan none --protocol udp", func(r map[string]any) bool { return r["proto"] == "udp" }},
		{"flows list", "--vlan 5", func(r map[string]any) bool { return false }},
		{"flows list", "--role external", func(r map[string]any) bool { return is("role", "external", flowEnds(r)...) }},
		{"ot list", "--role plc --class read", func(r map[string]any) bool { return is("role", "plc", otEnds(r)...) && r["class"] == "read" }},
		{"ot list", "--vendor mitsubishi", func(r map[string]any) bool { return is("vendor", "mitsubishi", otEnds(r)...) }},
		{"ot list", "--subnet 192.168.3.0/30", func(r map[string]any) bool { return in("192.168.3.0/30", otEnds(r)...) }},
		{"ot list", "--vlan 5", func(r map[string]any) bool { return false }},
		{"addresses list", "--log dhcp", func(r map[string]any) bool { return has(r, "logs", "dhcp") }},
		{"addresses list", "--log name --end server", func(r map[string]any) bool { return has(r, "logs", "name") && has(r, "ends", "server") }},
		{"addresses list", "--end both", func(r map[string]any) bool { return has(r, "ends", "client") && has(r, "ends", "server") }},
		{"addresses list", "--end multicast", func(r map[string]any) bool { return has(r, "ends", "multicast") }},
		{"addresses list", "--vlan none --subnet 10.20.0.0/24", func(r map[string]any) bool { return in("10.20.0.0/24", text(r, "ip")) }},
		{"addresses list", "--vlan 5", func(r map[string]any) bool { return false }},
		{"addresses list", "--vendor cisco", func(r map[string]any) bool { return is("vendor", "cisco", text(r, "ip")) }},
		{"devices list", "--vendor cisco", func(r map[string]any) bool { return strings.Contains(strings.ToLower(text(r, "vendor")), "cisco") }},
		{"devices list", "--subnet 10.20.0.0/24", func(r map[string]any) bool {
			return slices.ContainsFunc(r["ips"].([]any), func(ip any) bool { return in("10.20.0.0/24", ip.(string)) })
		}},
		{"devices list", "--role plc --vlan none", func(r map[string]any) bool { return r["role"] == "plc" }},
		{"devices list", "--vlan 5", func(r map[string]any) bool { return false }},
	} {
		all := b.rows(strings.Fields(c.listing)...)
		var want []string
		for _, r := range all {
			if c.keep(r) {
				want = append(want, jsonText(r))
			}
		}
		var got []string
		for _, r := range b.rows(strings.Fields(c.listing + " " + c.filter)...) {
			got = append(got, jsonText(r))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s %s: %d rows, want %d of %d", c.listing, c.filter, len(got), len(want), len(all))
		}
		if len(want) == 0 && !strings.Contains(c.filter, "--vlan 5") || len(want) == len(all) {
			t.Errorf("%s %s proves nothing: %d of %d", c.listing, c.filter, len(want), len(all))
		}
	}
	// Devices by what they do: those that the operations name.
	want := map[string]bool{}
	for _, r := range b.rows("ot", "list", "--class", "write") {
		for _, end := range otEnds(r) {
			if d := of[end]; d != nil {
				want[d["mac"].(string)] = true
			}
		}
	}
	got := b.rows("devices", "list", "--class", "write")
	for _, d := range got {
		if !want[d["mac"].(string)] {
			t.Errorf("--class write: %v", d["ips"])
		}
	}
	if len(got) != len(want) || len(got) == 0 {
		t.Errorf("--class write: %d devices, want %d", len(got), len(want))
	}
	if rows := b.rows("devices", "list", "--protocol", "omron-fins"); len(rows) < 2 || len(rows) == len(devices) {
		t.Errorf("--protocol omron-fins: %d devices", len(rows))
	}
	for _, args := range []string{"flows list --subnet 192.168.3.7", "flows list --subnet 10.0.0.0/8 --address 10.0.0.1", "flows list --vlan x", "flows list --vlan 4096", "ot list --role robot",
		"flows list --sort client_ip", "ot list --sort robots", "addresses list --log robots", "addresses list --end robots", "devices list --class robots", "devices list --sort robots"} {
		if status, _, errs := b.run(append(strings.Fields(args), "--db", b.db)...); status != exitUsage {
			t.Errorf("%s: status %d: %s", args, status, errs)
		}
	}
	// Orders, before the limit.
	for _, c := range []struct {
		listing, sort, key string
		down               bool
	}{
		{"flows list", "bytes_out", "bytes_out", false}, {"flows list", "-packets_in", "packets_in", true}, {"ot list", "-count", "count", true}, {"ot list", "count", "count", false},
		{"addresses list", "-bytes_sent", "bytes_sent", true}, {"devices list", "-importance", "importance", true}, {"devices list", "packets_sent", "packets_sent", false},
	} {
		all := b.rows(append(strings.Fields(c.listing), "--sort", c.sort)...)
		few := b.parse(b.must(append(strings.Fields(c.listing), "--sort", c.sort, "--limit", "3", "--format", "json", "--db", b.db)...))
		for i := range all[1:] {
			if d := cmp.Compare(all[i][c.key].(float64), all[i+1][c.key].(float64)); d > 0 != c.down && d != 0 {
				t.Errorf("%s --sort %s: %v before %v", c.listing, c.sort, all[i][c.key], all[i+1][c.key])
				break
			}
		}
		if len(few) != 3 || jsonText(few) != jsonText(all[:3]) {
			t.Errorf("%s --sort %s --limit 3: %s", c.listing, c.sort, jsonText(few))
		}
	}
}

func TestOrderOfValues(t *testing.T) {
	tag := func(n uint16) *uint16 { return &n }
	rows := []store.AddressRow{
		{IP: "10.0.0.10", VLAN: tag(9), Ends: []string{"server"}, LastSeen: 5}, {IP: "10.0.0.9", Ends: []string{"client", "server"}, LastSeen: 7}, {IP: "10.0.0.100", VLAN: tag(10), LastSeen: 6},
	}
	for key, want := range map[string]string{
		"ip": "9 10 100", "-ip": "100 10 9", "vlan": "9 10 100", "-vlan": "100 10 9", "last_seen": "10 100 9", "ends": "100 9 10", "site": "10 9 100", "-site": "10 9 100",
	} {
		got := slices.Clone(rows)
		if err := sortRows(&sortOption{key}, got); err != nil {
			t.Fatal(err)
		}
		var order []string
		for _, r := range got {
			order = append(order, strings.TrimPrefix(r.IP, "10.0.0."))
		}
		if strings.Join(order, " ") != want {
			t.Errorf("by %s: %v, want %s", key, order, want)
		}
	}
}

func TestDevicesByVLANAndVendor(t *testing.T) {
	tagged, plain := inventory.Device{VLANs: []uint16{5, 7}, Vendor: "Omron Corporation"}, inventory.Device{}
	for _, c := range []struct {
		f             deviceFilter
		tagged, plain bool
	}{
		{deviceFilter{}, true, true}, {deviceFilter{vlan: "5"}, true, false}, {deviceFilter{vlan: "6"}, false, false}, {deviceFilter{vlan: "none"}, false, true},
		{deviceFilter{vendor: "OMRON"}, true, false}, {deviceFilter{vendor: "omron", vlan: "6"}, false, false},
	} {
		if a, b := c.f.holds(&tagged, true), c.f.holds(&plain, true); a != c.tagged || b != c.plain {
			t.Errorf("%+v: %v, %v; want %v, %v", c.f, a, b, c.tagged, c.plain)
		}
	}
}

// An alert that has nothing to name says so in words.
func TestNothingLearnedIsSaidInWords(t *testing.T) {
	b := filled(t)
	for lang, word := range map[string]string{"en": "none", "ja": "なし"} {
		out := b.must("alerts", "list", "--format", "json", "--lang", lang, "--db", b.db)
		if strings.Contains(out, "–") || !strings.Contains(out, word) {
			t.Errorf("%s: %s", lang, out)
		}
	}
}
