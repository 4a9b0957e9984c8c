package inventory

import (
	"cmp"
	"slices"
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

// facts takes what devices told. A fact seen with a MAC that is no router is
// of that MAC; else of the address's owner.
func (s *site) facts(facts []Fact) {
	vendorLast := map[*work]Fact{}
	for i := range facts {
		f := &facts[i]
		if f.Site != s.name {
			continue
		}
		w := s.byMAC[f.MAC]
		if f.IP.IsMAC() {
			w = s.byMAC[f.IP.MAC()]
		} else if w == nil || w.Router {
			w = s.find(f.IP, f.MAC)
		}
		if w == nil || w.Internet {
			continue
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
				vendorLast[w] = *f
				w.Vendor = f.Value
			}
		case "model":
			if strings.Contains(strings.ToLower(f.Value), "switch") {
				w.because(RoleNetwork, 30, "model", f.Value)
			}
		case "capabilities":
			for _, is := range []string{"bridge", "router", "switch", "wlan"} {
				if strings.Contains(strings.ToLower(f.Value), is) {
					w.because(RoleNetwork, 50, "capabilities", f.Value)
					break
				}
			}
		}
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
