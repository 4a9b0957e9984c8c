package ledger

import (
	"strings"

	"osect/inventory"
)

// Index finds the entry of a device.
type Index struct {
	Entries []Entry
	places  *places
}

// NewIndex makes the index of a ledger.
func NewIndex(entries []Entry) *Index { return &Index{Entries: entries, places: placesOf(entries)} }

// at prefers, among places, an entry of the site to one of any site; -1 for none that passes.
func (x *Index) at(list []int, site string, pass func(*Entry) bool) int {
	found := -1
	for _, i := range list {
		e := &x.Entries[i]
		if !overlap(e.Cells[Site], site) || !pass(e) {
			continue
		}
		if found < 0 || x.Entries[found].Cells[Site] == "" && e.Cells[Site] != "" {
			found = i
		}
	}
	return found
}

// find is the place of the entry of (site, mac, ips), texts in canonical form: MAC wins over IP. With a MAC it
// is the entry with that MAC, else one without a MAC that lists one of the addresses; an entry with another MAC
// is another device's. Without a MAC (behind a router) it is the entry that lists one of the addresses.
func (x *Index) find(site, mac string, ips []string) int {
	if mac != "" {
		if i := x.at(x.places.byMAC[mac], site, func(*Entry) bool { return true }); i >= 0 {
			return i
		}
	}
	for _, ip := range ips {
		if i := x.at(x.places.byIP[ip], site, func(e *Entry) bool { return mac == "" || e.Cells[MAC] == "" }); i >= 0 {
			return i
		}
	}
	return -1
}

func ends(d *inventory.Device) (mac string, ips []string) {
	if d.MAC != 0 {
		mac = d.MAC.String()
	}
	for _, ip := range d.IPs {
		ips = append(ips, ip.String())
	}
	return mac, ips
}

// Device is the entry of a device, nil for none.
func (x *Index) Device(d *inventory.Device) *Entry {
	if x == nil || d.Internet {
		return nil
	}
	mac, ips := ends(d)
	return x.entry(x.find(d.Site, mac, ips))
}

func (x *Index) entry(i int) *Entry {
	if i < 0 {
		return nil
	}
	return &x.Entries[i]
}

// End is the entry of an end of an alert: an address and the MAC that sent it, either "" for none. The MAC
// may be a router's that carried the address, so an entry that lists the address is asked first, and the
// MAC's entry counts only where it says nothing of addresses. sure is false where the entry by MAC lists
// other addresses: only the list of devices tells whether the address is the MAC's own.
func (x *Index) End(site, mac, ip string) (e *Entry, sure bool) {
	if x == nil {
		return nil, true
	}
	byMAC := -1
	if mac != "" {
		byMAC = x.at(x.places.byMAC[mac], site, func(*Entry) bool { return true })
	}
	if ip == "" {
		return x.entry(byMAC), true
	}
	if byMAC >= 0 && (x.Entries[byMAC].Cells[IP] == "" || x.Entries[byMAC].Has(ip)) {
		return &x.Entries[byMAC], true
	}
	byIP := x.at(x.places.byIP[ip], site, func(e *Entry) bool { return true })
	switch {
	case byIP >= 0 && (mac == "" || x.Entries[byIP].Cells[MAC] == ""):
		return &x.Entries[byIP], true
	case byIP >= 0, byMAC >= 0:
		return nil, false
	}
	return nil, true
}

// Flagged says whether the entry has a flag that holds on a day (YYYY-MM-DD).
func (e *Entry) Flagged(flag, day string) bool {
	until := e.Cells[FlagsUntil]
	return strings.Contains(" "+e.Cells[Flags]+" ", " "+flag+" ") && (until == "" || day <= until)
}
