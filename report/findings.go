package report

import (
	"cmp"
	"maps"
	"slices"
)

// withoutAuthentication are protocols in which a writer need not prove who it is, as they are commonly run.
var withoutAuthentication = []string{"ads-ams", "bacnet-ip", "cc-link-ie-field-basic", "cc-link-ie-field-control", "dnp3", "ethernet-ip-cip", "fl-net", "ge-srtp", "iec-104", "melsoft", "modbus-tcp", "omron-fins", "profinet", "s7comm", "slmp-melsec", "toyopuc"}

// controllers are the roles from which writing and controlling is expected.
var controllers = []string{"plc", "hmi", "scada", "engineering-workstation", "server", "domain-controller", "io-device", "unknown", ""}

const examples = 4

// findings derives what the report proposes from what is there. Each finding counts distinct things, named beside it.
func (a *Assessment) findings() {
	add := func(key, severity, control string, things map[siteAddress]string) {
		if len(things) == 0 {
			return
		}
		names := slices.Compact(slices.Sorted(maps.Values(things)))
		a.Findings = append(a.Findings, Finding{key, severity, int64(len(things)), names[:min(examples, len(names))], control})
	}
	mark := func(things map[siteAddress]string, site, address string) {
		things[siteAddress{site, address}] = a.label(site, address)
	}
	// Alerts of each kind, as far as nobody accepted or excluded them: counted by alert, named by source.
	byKind := func(key, control string, kinds ...string) {
		worst, n, names := len(Severities)-1, int64(0), map[string]bool{}
		for _, al := range a.Alerts {
			if !slices.Contains(kinds, al.Kind) || al.State == "accepted" || al.State == "excluded" {
				continue
			}
			n++
			worst = min(worst, rank(al.Severity))
			if s := a.label(al.Site, cmp.Or(al.SrcIP, al.SrcMAC)); s != "" {
				names[s] = true
			}
		}
		if n > 0 {
			list := slices.Sorted(maps.Keys(names))
			a.Findings = append(a.Findings, Finding{key, Severities[worst], n, list[:min(examples, len(list))], control})
		}
	}
	byKind("built-in", "SR 6.2", "built-in")
	byKind("signature", "SR 6.2", "signature")
	byKind("ot-behaviour", "SR 2.1", "ot-ip", "ot-ethernet")
	byKind("connected-device", "SR 7.8", "connected-device")
	byKind("vulnerable-device", "SR 7.8", "vulnerable-device")
	byKind("ip-communication", "SR 5.1", "ip-communication")
	byKind("volume", "SR 6.2", "ip-volume", "ip-statistics")

	things := map[siteAddress]string{}
	for _, p := range a.Pairs {
		switch {
		case internet(p.Server) && !internet(p.Client):
			mark(things, p.Site, p.Client)
		case internet(p.Client) && !internet(p.Server):
			mark(things, p.Site, p.Server)
		}
	}
	add("internet", "high", "SR 5.2", things)

	writers := map[siteAddress]map[string]bool{}
	office, open := map[siteAddress]string{}, map[siteAddress]string{}
	for _, c := range a.Controls {
		if c.Writes+c.Controls == 0 {
			continue
		}
		k := siteAddress{c.Site, c.Dst}
		if writers[k] == nil {
			writers[k] = map[string]bool{}
		}
		writers[k][c.Src] = true
		if !slices.Contains(controllers, c.SrcRole) {
			mark(office, c.Site, c.Src)
		}
		if slices.Contains(withoutAuthentication, c.Protocol) {
			open[siteAddress{"", c.Protocol}] = c.Protocol
		}
	}
	add("unexpected-writer", "high", "SR 2.1", office)
	several := map[siteAddress]string{}
	for k, by := range writers {
		if len(by) > 1 {
			mark(several, k.site, k.address)
		}
	}
	add("several-writers", "medium", "SR 2.1", several)
	add("no-authentication", "medium", "SR 1.2", open)

	if a.HasLedger {
		missing := map[siteAddress]string{}
		for i := range a.Devices {
			if d := &a.Devices[i]; !d.InLedger && !internet(d.Address()) {
				missing[siteAddress{d.Site, d.Address()}] = d.Name()
			}
		}
		add("not-in-ledger", "medium", "SR 7.8", missing)
		a.ledgerFindings(add)
	}
	faulty := map[siteAddress]string{}
	for _, c := range a.Captures {
		if c.Status != "ok" && c.Status != "known" {
			faulty[siteAddress{"", c.Path}] = c.Path
		}
	}
	add("coverage", "low", "SR 6.2", faulty)
	if len(a.Detectors) > 0 {
		idle := map[siteAddress]string{}
		for _, d := range a.Detectors {
			if d.Mode != "detecting" {
				idle[siteAddress{"", d.Kind}] = d.Kind
			}
		}
		add("not-detecting", "low", "SR 6.2", idle)
	}
	slices.SortStableFunc(a.Findings, func(x, y Finding) int { return cmp.Compare(rank(x.Severity), rank(y.Severity)) })
}

// label names an address: the host name where one is known.
func (a *Assessment) label(site, address string) string {
	if d := a.device(site, address); d != nil && d.Hostname != "" {
		return d.Hostname
	}
	return address
}
