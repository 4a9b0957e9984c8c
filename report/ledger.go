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
}

// ledgerFindings are what follows from the ledger: pairs of devices across zones, and entries that are not as the site is.
func (a *Assessment) ledgerFindings(add func(key, severity, control string, things map[siteAddress]string)) {
	across, outdated := map[siteAddress]string{}, map[siteAddress]string{}
	for _, c := range a.Crossings {
		across[siteAddress{c.Site, c.Client + " " + c.Server}] = c.ClientZone + " → " + c.ServerZone
	}
	for _, d := range a.Differences {
		// A device that is in no entry is the finding not-in-ledger.
		if address := cmp.Or(d.MAC, strings.Join(d.IPs, " ")); d.Kind != "unknown" {
			outdated[siteAddress{d.Site, address}] = cmp.Or(d.Hostname, address)
		}
	}
	add("zone-crossing", "medium", "SR 5.2", across)
	add("ledger-outdated", "low", "SR 7.8", outdated)
}
