package inventory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// name is a candidate for a device's host name.
type name struct {
	value string
	rank  int // lower is trusted more
	last  int64
}

// nameTrust is the order of trust in host names, the best first: what the
// device is configured with, then what it registers, then what others or
// guesswork say. A source that is not listed comes last.
var nameTrust = []string{
	"lldp", "cdp", "snmp", "profinet", "smb", "ntlmssp", "netbios", "netbios-ns", "cifs", "browser",
	"dhcp", "dhcpv6", "mdns", "llmnr", "dns", "pcapng", "tls", "http", "ssdp",
}

// of is the device that a fact is of, nil for none: where seen with a MAC that is no router, that MAC's; else the address's owner.
func (s *site) of(f *Fact) *work {
	w := s.byMAC[f.MAC]
	if f.IP.IsMAC() {
		w = s.byMAC[f.IP.MAC()]
	} else if w == nil || w.Router {
		w = s.find(f.IP, f.MAC)
	}
	if w == nil || w.Internet {
		return nil
	}
	return w
}

// Server type bits of CIFS browser announcements ([MS-BRWS] 2.2, SV_TYPE of [MS-SRVS]).
const (
	typeDC       = 0x8 | 0x10
	typeNTServer = 0x8000
	typeServer   = typeDC | typeNTServer
	typePrint    = 0x200
	typeNT       = 0x1000
)

// facts takes what devices told.
func (s *site) facts(facts []Fact) {
	for i := range facts { // what other facts are read by
		f := &facts[i]
		if f.Site != s.name || f.Kind != "server-type" && !strings.Contains(f.Value, "Samba") {
			continue
		}
		if w := s.of(f); w != nil {
			w.samba = w.samba || f.Kind != "server-type"
			if t, err := strconv.ParseUint(f.Value, 0, 32); err == nil && f.Kind == "server-type" {
				w.serverType |= uint32(t)
			}
		}
	}
	vendorLast := map[*work]*Fact{}
	for i := range facts {
		f := &facts[i]
		if f.Site != s.name {
			continue
		}
		w := s.of(f)
		if w == nil {
			continue
		}
		if names, weight := s.systems(f); weight > 0 {
			w.osFacts = append(w.osFacts, OSEvidence{Systems: names, Weight: weight, Source: f.Source, Kind: f.Kind, Value: f.Value, last: f.Last})
		}
		switch f.Kind {
		case "hostname", "name":
			rank := slices.Index(nameTrust, f.Source)
			if rank < 0 {
				rank = len(nameTrust)
			}
			if f.Kind == "name" {
				rank += len(nameTrust) + 1 // a name inside an OT protocol may be a program's or a tag's
			}
			w.names = append(w.names, name{f.Value, rank, f.Last})
		case "vendor":
			// The latest; of the same time, the first in the alphabet.
			if old, ok := vendorLast[w]; !ok || f.Last > old.Last || f.Last == old.Last && f.Value < old.Value {
				vendorLast[w] = f
				w.Vendor = f.Value
			}
		}
		w.roleFact(f)
	}
}

// best is the most trusted name; of the same trust the latest, then the first in the alphabet.
func best(names []name) string {
	if len(names) == 0 {
		return ""
	}
	return slices.MinFunc(names, func(a, b name) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.last, a.last), strings.Compare(a.value, b.value))
	}).value
}
