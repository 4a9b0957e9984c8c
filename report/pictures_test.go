package report

import (
	"net/netip"
	"strconv"
	"strings"

	"osect/decode"
	"osect/inventory"
	"osect/picture"
	"osect/store"
	"osect/text"
)

// pictures draws what cmd/osect draws of a store, of an input.
func pictures(in Input, lang text.Lang) []Picture {
	var devices []inventory.Device
	for _, d := range in.Devices {
		x := inventory.Device{Site: d.Site, Vendor: d.Vendor, Hostname: d.Hostname, OS: d.OS, Role: d.Role, Importance: d.Importance, OSAccuracy: d.OSAccuracy, MAC: mac(d.MAC)}
		for _, ip := range d.IPs {
			x.IPs = append(x.IPs, address(ip))
		}
		devices = append(devices, x)
	}
	var edges []store.EdgeTotal
	for _, p := range in.Pairs[:min(120, len(in.Pairs))] {
		var e store.EdgeTotal
		e.Site, e.Sensor = p.Site, "s"
		e.Client, e.Server = address(p.Client), address(p.Server)
		e.BytesOut, e.PacketsOut, e.Service = uint64(p.Bytes), uint64(p.Packets), p.Service
		edges = append(edges, e)
	}
	o := picture.Options{Lang: lang, Aspect: 2.3, Service: func(e *store.EdgeTotal) string { return e.Service }, Vendor: strings.TrimSpace}
	g := picture.NewGraph(devices[:min(32, len(devices))], edges, nil, o)
	out := []Picture{{Key: "map", Shown: min(32, len(devices)), Drawing: picture.DrawMap(g, picture.Arrange(g), lang)}}
	for key, by := range map[string]string{"vendors": "vendor", "systems": "os", "roles": "role"} {
		out = append(out, Picture{Key: key, Drawing: picture.NewMatrix(devices, by, lang, strings.TrimSpace).Draw(418, 380)})
	}
	return out
}

func address(s string) decode.Addr {
	a := netip.MustParseAddr(s)
	b := a.As16()
	if a.Is4() {
		return decode.IPv4(uint32(b[12])<<24 | uint32(b[13])<<16 | uint32(b[14])<<8 | uint32(b[15]))
	}
	return decode.IPv6(b[:])
}

func mac(s string) (m decode.MAC) {
	for _, part := range strings.Split(s, ":") {
		n, err := strconv.ParseUint(part, 16, 8)
		if err != nil {
			return 0
		}
		m = m<<8 | decode.MAC(n)
	}
	return m
}
