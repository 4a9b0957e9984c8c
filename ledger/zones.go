package ledger

import (
	"cmp"
	"regexp"
	"slices"

	"osect/decode"
	"osect/inventory"
)

// levelZone is a zone that is a level of the Purdue model (ISA-95, IEC 62443-1-1). "L2" may as well be a line.
var levelZone = regexp.MustCompile(`^(?:purdue|パデュー)?(?:level|レベル)([0-5])$`)

// Level is the Purdue level that a zone's name says ("Level 2", "Purdue level 3", "レベル２"), "" for none.
func Level(zone string) string {
	if m := levelZone.FindStringSubmatch(foldName(zone)); m != nil {
		return m[1]
	}
	return ""
}

// Crossing is a connection of one zone to another (IEC 62443-3-2: what passes between zones is a conduit, and has to be known).
type Crossing struct {
	Site                   string
	ClientZone, ServerZone string
	Client, Server         string // addresses
	ClientName, ServerName string // host names in the ledger, "" for none
	Link                   *inventory.Link
	Packets, Bytes         uint64
}

// Crossings are the links whose two ends are devices of entries with different zones, by zones and ends. Zones are the same
// whatever their letters' width and case. A link with an end without a zone is left out: it is not known whether it crosses.
func Crossings(x *Index, o *Observed, links []inventory.Link) []Crossing {
	type end struct {
		site string
		addr decode.Addr
	}
	entries := map[end]*Entry{}
	for i := range o.Devices {
		d := &o.Devices[i]
		e := x.Device(d)
		if e == nil || e.Cells[Zone] == "" {
			continue
		}
		if d.MAC != 0 {
			entries[end{d.Site, d.MAC.Addr()}] = e
		}
		for _, ip := range d.IPs {
			entries[end{d.Site, ip}] = e
		}
	}
	type key struct {
		site           string
		client, server decode.Addr
		proto          uint8
		port           uint16
		service        string
	}
	at := map[key]int{}
	var out []Crossing
	for i := range links {
		l := &links[i]
		a, b := entries[end{l.Site, l.Client}], entries[end{l.Site, l.Server}]
		if a == nil || b == nil || foldName(a.Cells[Zone]) == foldName(b.Cells[Zone]) {
			continue
		}
		k := key{l.Site, l.Client, l.Server, l.Proto, l.ServerPort, l.Service}
		n, ok := at[k]
		if !ok {
			n = len(out)
			at[k] = n
			out = append(out, Crossing{Site: l.Site, ClientZone: a.Cells[Zone], ServerZone: b.Cells[Zone], Client: l.Client.String(), Server: l.Server.String(),
				ClientName: a.Cells[Hostname], ServerName: b.Cells[Hostname], Link: l})
		}
		out[n].Packets += l.Packets
		out[n].Bytes += l.Bytes
	}
	slices.SortFunc(out, func(a, b Crossing) int {
		return cmp.Or(cmp.Compare(a.Site, b.Site), cmp.Compare(a.ClientZone, b.ClientZone), cmp.Compare(a.ServerZone, b.ServerZone),
			a.Link.Client.Compare(b.Link.Client), a.Link.Server.Compare(b.Link.Server), cmp.Compare(a.Link.Proto, b.Link.Proto), cmp.Compare(a.Link.ServerPort, b.Link.ServerPort), cmp.Compare(a.Link.Service, b.Link.Service))
	})
	return out
}
