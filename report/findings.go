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
	c := &a.Counts
	add := func(key, severity string, of int64, things map[siteAddress]string) {
		if len(things) == 0 {
			return
		}
		names := slices.Compact(slices.Sorted(maps.Values(things)))
		a.Findings = append(a.Findings, Finding{Key: key, Severity: severity, Count: int64(len(things)), Of: of, Examples: names[:min(examples, len(names))]})
	}
	mark := func(things map[siteAddress]string, site, address string) {
		things[siteAddress{site, address}] = a.label(site, address)
	}
	// Alerts of each kind, as far as nobody accepted or excluded them: counted by alert, named by source.
	byKind := func(key string, kinds ...string) {
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
			a.Findings = append(a.Findings, Finding{Key: key, Severity: Severities[worst], Count: n, Examples: list[:min(examples, len(list))]})
		}
	}
	byKind("built-in", "built-in")
	byKind("signature", "signature")
	byKind("ot-behaviour", "ot-ip", "ot-ethernet")
	byKind("connected-device", "connected-device")
	byKind("vulnerable-device", "vulnerable-device")
	byKind("ip-communication", "ip-communication")
	byKind("volume", "ip-volume", "ip-statistics")

	things := map[siteAddress]string{}
	for _, p := range a.Pairs {
		switch {
		case internet(p.Server) && !internet(p.Client):
			mark(things, p.Site, p.Client)
		case internet(p.Client) && !internet(p.Server):
			mark(things, p.Site, p.Server)
		}
	}
	add("internet", "high", c.DevicesOwn, things)

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
	add("unexpected-writer", "high", c.DevicesOwn, office)
	several := map[siteAddress]string{}
	for k, by := range writers {
		if len(by) > 1 {
			mark(several, k.site, k.address)
		}
	}
	add("several-writers", "medium", c.DevicesOwn, several)
	add("no-authentication", "medium", 0, open)

	if a.HasLedger {
		missing := map[siteAddress]string{}
		for i := range a.Devices {
			if d := &a.Devices[i]; !d.InLedger && !d.Internet() {
				missing[siteAddress{d.Site, d.Address()}] = d.Name()
			}
		}
		add("not-in-ledger", "medium", c.DevicesOwn, missing)
		a.ledgerFindings(add)
	}
	faulty := map[siteAddress]string{}
	for _, c := range a.Captures {
		if c.Status != "ok" && c.Status != "known" {
			faulty[siteAddress{"", c.Path}] = c.Path
		}
	}
	add("coverage", "low", c.Captures, faulty)
	gaps := map[siteAddress]string{}
	for _, x := range a.Coverage {
		if x.Gaps > 0 {
			gaps[siteAddress{x.Site, x.Sensor}] = x.Sensor
		}
	}
	add("gaps", "low", c.Sensors, gaps)
	if a.idle() > 0 {
		idle := map[siteAddress]string{}
		for _, d := range a.Detectors {
			if d.Mode != "detecting" {
				idle[siteAddress{"", d.Kind}] = d.Kind
			}
		}
		add("not-detecting", "low", int64(len(a.Detectors)), idle)
	}
	slices.SortStableFunc(a.Findings, func(x, y Finding) int { return cmp.Compare(rank(x.Severity), rank(y.Severity)) })
}

// idle counts the detectors that do not detect. Where none is set to but there are alerts, captures were given to a command that
// detects, whatever the detectors are set to.
func (a *Assessment) idle() int64 {
	if a.Counts.Detecting == 0 && a.Counts.Alerts > 0 {
		return 0
	}
	return int64(len(a.Detectors)) - a.Counts.Detecting
}

// label names an address: the host name where one is known.
func (a *Assessment) label(site, address string) string {
	if d := a.device(site, address); d != nil && d.Hostname != "" {
		return d.Hostname
	}
	return address
}
