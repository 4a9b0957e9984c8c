package ledger

import (
	"slices"
	"strings"

	"osect/inventory"
)

// Fill writes a ledger from what was observed: a device that is in no entry gets one, marked observed; entries that are
// marked so are brought up to date; what a person confirmed stays as it is. The internet is no device.
func Fill(old []Entry, o *Observed) (result []Entry, changes []Change) {
	x := NewIndex(old)
	told := newTold(o.Facts)
	result = slices.Clone(old)
	fresh := map[int]bool{}
	sites := sitesOf(o.Devices)
	for i := range o.Devices {
		d := &o.Devices[i]
		if d.Internet {
			continue
		}
		mac, ips := ends(d)
		at := x.find(d.Site, mac, ips)
		if at >= 0 && (old[at].Cells[State] != SeenOnly || fresh[at]) {
			continue
		}
		seen := Entry{}
		if at >= 0 {
			seen = old[at]
		}
		set := func(c Column, s string) {
			v, f := parseCell(c, s)
			if f == nil && v != "" {
				seen.Cells[c] = v
			}
		}
		var own []string
		for _, ip := range ips {
			if !linkLocal(ip) || len(ips) == 1 {
				own = append(own, ip)
			}
		}
		set(IP, strings.Join(own[:min(len(own), maxIPs)], " "))
		set(MAC, mac)
		set(Hostname, d.Hostname)
		set(Vendor, d.Vendor)
		if d.OSAccuracy >= minOSAccuracy {
			set(OS, d.OS)
		}
		if d.Role != "unknown" {
			set(Role, d.Role)
		}
		for c, kind := range map[Column]string{Firmware: "firmware", Model: "model", Serial: "serial"} {
			if list := told.of(d, kind); len(list) > 0 {
				set(c, list[0])
			}
		}
		if len(sites) > 1 {
			set(Site, d.Site)
		}
		seen.Cells[State] = SeenOnly
		if seen.Name() == "" {
			continue // a MAC of zeros
		}
		if at >= 0 {
			result[at], fresh[at] = seen, true
		} else {
			result = append(result, seen)
		}
	}
	for i := range result {
		switch {
		case i >= len(old):
			changes = append(changes, Change{Added, nil, &result[i]})
		case result[i].Cells != old[i].Cells:
			changes = append(changes, Change{Changed, &old[i], &result[i]})
		}
	}
	return result, changes
}

func sitesOf(devices []inventory.Device) []string {
	var out []string
	for i := range devices {
		if !slices.Contains(out, devices[i].Site) {
			out = append(out, devices[i].Site)
		}
	}
	return out
}
