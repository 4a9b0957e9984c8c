package picture

import (
	"osect/decode"
	"osect/inventory"
)

// Finder tells of which device an end of a connection is.
type Finder struct {
	devices  []inventory.Device
	byMAC    map[siteMAC]int
	owners   map[siteAddr][]int
	internet map[string]int
}

type siteMAC struct {
	site string
	mac  decode.MAC
}

type siteAddr struct {
	site string
	addr decode.Addr
}

// NewFinder makes a Finder of devices; they must not change while it is used.
func NewFinder(devices []inventory.Device) *Finder {
	f := &Finder{devices: devices, byMAC: map[siteMAC]int{}, owners: map[siteAddr][]int{}, internet: map[string]int{}}
	for i := range devices {
		d := &devices[i]
		if d.Internet {
			f.internet[d.Site] = i
			continue
		}
		if d.MAC != 0 {
			f.byMAC[siteMAC{d.Site, d.MAC}] = i
		}
		for _, ip := range d.IPs {
			k := siteAddr{d.Site, ip}
			f.owners[k] = append(f.owners[k], i)
		}
	}
	return f
}

// Find gives the index of the device that has an address at a site, -1 for none: multicast, broadcast, what
// never sent. mac is the MAC that was seen with it, 0 for unknown: it decides where an address has several
// owners. The rules are those by which inventory counts peers.
func (f *Finder) Find(site string, a decode.Addr, mac decode.MAC) int {
	if a.IsMAC() {
		return f.mac(site, a.MAC())
	}
	owners := f.owners[siteAddr{site, a}]
	for _, i := range owners {
		if f.devices[i].MAC == mac {
			return i
		}
	}
	switch {
	case len(owners) > 0:
		return owners[0]
	case inventory.Public(a):
		if i, ok := f.internet[site]; ok {
			return i
		}
	case !inventory.Ownable(a) && !a.Multicast():
		return f.mac(site, mac) // a DHCP client's 0.0.0.0
	}
	return -1
}

func (f *Finder) mac(site string, m decode.MAC) int {
	if i, ok := f.byMAC[siteMAC{site, m}]; ok && m != 0 {
		return i
	}
	return -1
}
