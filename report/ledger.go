package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"osect/report/pptx"
)

// Difference is one thing in which the ledger and what was observed disagree.
type Difference struct {
	Kind                string // docs/ledger.md
	Site, MAC, Hostname string
	IPs                 []string
	Ledger, Observed    string    // what each says, "" where the kind says it all
	Last                time.Time // when the device was last seen; zero for never
}

// Crossing is the traffic of a client with a service of a server in another zone of the ledger.
type Crossing struct {
	Site, ClientZone, ServerZone   string
	Client, Server                 string // addresses
	ClientHostname, ServerHostname string // in the ledger
	Service                        string
	Packets, Bytes                 int64
}

// Conduit is what passes from the clients of one zone of the ledger to the servers of another (IEC 62443-3-2).
type Conduit struct {
	ClientZone, ServerZone string
	Pairs                  int64    // of a client and a server
	Services               []string // by bytes, at most conduitServices
	ServiceCount           int64    // all of them
	Packets, Bytes         int64
	Operating              int64 // pairs of devices of which one writes to or controls the other
}

// ledger takes over what the ledger says.
func (a *Assessment) ledger(in Input) {
	for _, d := range in.Differences {
		for _, s := range []*string{&d.Kind, &d.Site, &d.MAC, &d.Hostname, &d.Ledger, &d.Observed} {
			*s = pptx.Clean(*s)
		}
		d.IPs = cleanAll(d.IPs)
		a.Differences = append(a.Differences, d)
	}
	slices.SortFunc(a.Differences, func(x, y Difference) int {
		return cmp.Or(strings.Compare(x.Kind, y.Kind), strings.Compare(x.Site, y.Site), strings.Compare(x.MAC, y.MAC), slices.Compare(x.IPs, y.IPs), strings.Compare(x.Hostname, y.Hostname))
	})
	for _, c := range in.Crossings {
		for _, s := range []*string{&c.Site, &c.ClientZone, &c.ServerZone, &c.Client, &c.Server, &c.ClientHostname, &c.ServerHostname, &c.Service} {
			*s = pptx.Clean(*s)
		}
		a.Crossings = append(a.Crossings, c)
	}
	slices.SortFunc(a.Crossings, func(x, y Crossing) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.Site, y.Site), strings.Compare(x.Client, y.Client), strings.Compare(x.Server, y.Server), strings.Compare(x.Service, y.Service))
	})
	a.conduits()
}

// conduitServices is how many services a conduit names: a scan across zones uses thousands.
const conduitServices = 10

// conduits gathers the crossings by pair of zones, and the relations of Controls between them.
func (a *Assessment) conduits() {
	type zones struct{ client, server string }
	type sums struct {
		c        Conduit
		pairs    map[string]bool
		services map[string]int64
	}
	by := map[zones]*sums{}
	of := func(client, server string) *sums {
		k := zones{client, server}
		if by[k] == nil {
			by[k] = &sums{Conduit{ClientZone: client, ServerZone: server}, map[string]bool{}, map[string]int64{}}
		}
		return by[k]
	}
	for _, x := range a.Crossings {
		s := of(x.ClientZone, x.ServerZone)
		s.pairs[x.Site+"\x00"+x.Client+"\x00"+x.Server] = true
		s.services[x.Service] += x.Bytes
		s.c.Packets += x.Packets
		s.c.Bytes += x.Bytes
	}
	for i := range a.Controls {
		c := &a.Controls[i]
		if src, dst := a.zoneOf(c.Site, c.Src), a.zoneOf(c.Site, c.Dst); c.Writes+c.Controls > 0 && src != "" && dst != "" && src != dst {
			of(src, dst).c.Operating++
		}
	}
	for _, s := range by {
		s.c.Pairs, s.c.ServiceCount = int64(len(s.pairs)), int64(len(s.services))
		for _, x := range shares(s.services)[:min(conduitServices, len(s.services))] {
			s.c.Services = append(s.c.Services, x.Name)
		}
		a.Conduits = append(a.Conduits, s.c)
	}
	slices.SortFunc(a.Conduits, func(x, y Conduit) int {
		return cmp.Or(cmp.Compare(y.Bytes, x.Bytes), strings.Compare(x.ClientZone, y.ClientZone), strings.Compare(x.ServerZone, y.ServerZone))
	})
}

// zoneOf is the zone that the ledger gives the device of an address, "" for none.
func (a *Assessment) zoneOf(site, address string) string {
	if d := a.device(site, address); d != nil {
		return d.Zone
	}
	return ""
}

// ledgerFindings are what follows from the ledger: traffic and operations across zones, devices without a zone, and entries that are
// not as the site is.
func (a *Assessment) ledgerFindings(add func(key, severity string, of int64, things map[siteAddress]string)) {
	across, operated, outdated, zoneless := map[siteAddress]string{}, map[siteAddress]string{}, map[siteAddress]string{}, map[siteAddress]string{}
	for _, c := range a.Crossings {
		across[siteAddress{c.Site, c.Client + " " + c.Server}] = c.ClientZone + " → " + c.ServerZone
	}
	for i := range a.Controls {
		c := &a.Controls[i]
		if src, dst := a.zoneOf(c.Site, c.Src), a.zoneOf(c.Site, c.Dst); c.Writes+c.Controls > 0 && src != "" && dst != "" && src != dst {
			operated[siteAddress{c.Site, c.Dst}] = a.label(c.Site, c.Dst) + " (" + src + " → " + dst + ")"
		}
	}
	for _, d := range a.Differences {
		// A device that is in no entry is the finding not-in-ledger.
		if address := cmp.Or(d.MAC, strings.Join(d.IPs, " ")); d.Kind != "unknown" {
			outdated[siteAddress{d.Site, address}] = cmp.Or(d.Hostname, address)
		}
	}
	zoned := slices.ContainsFunc(a.Devices, func(d Device) bool { return d.Zone != "" })
	for i := range a.Devices {
		if d := &a.Devices[i]; zoned && d.InLedger && d.Zone == "" {
			zoneless[siteAddress{d.Site, d.Address()}] = d.Name()
		}
	}
	add("zone-control", "high", 0, operated)
	add("zone-crossing", "medium", 0, across)
	add("no-zone", "low", a.Counts.DevicesInLedger, zoneless)
	add("ledger-outdated", "low", 0, outdated)
}
