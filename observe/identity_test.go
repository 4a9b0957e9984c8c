package observe_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"osect/observe"
)

// told is a fact as both sides can say it: who, kind, value. Who is a MAC, or an address where
// there is none.
type told struct{ who, source, kind, value string }

// identity is one entry of "identities" in the expected facts.
type identity struct {
	Protocol, MAC, Src string
	Facts              map[string]string
}

// want makes of an entry what should be told. Kinds that only one side has are left out.
func (i *identity) want() []told {
	who := i.MAC
	if who == "" {
		who = i.Src
	}
	var w []told
	add := func(source, kind, field string) {
		if v := strings.Trim(i.Facts[field], " \t\r\n\x00"); v != "" {
			w = append(w, told{who, source, kind, v})
		}
	}
	switch i.Protocol {
	case "dhcp":
		who, _, _ = strings.Cut(i.Facts["dhcp.hw.mac_addr"], ",") // the client identifier may hold one as well
		typ := i.Facts["dhcp.option.dhcp"]
		if who == "" || !slices.Contains([]string{"1", "3", "4", "7", "8"}, typ) {
			return nil
		}
		add("dhcp", "hostname", "dhcp.option.hostname")
		add("dhcp", "vendor-class", "dhcp.option.vendor_class_id")
		if typ != "4" && typ != "7" {
			add("dhcp", "dhcp-fingerprint", "dhcp.option.request_list_item")
		}
	case "nbns":
		n, _, _ := strings.Cut(i.Facts["nbns.name"], ",")
		server, isServer := strings.CutSuffix(n, "<20>")
		station, isStation := strings.CutSuffix(n, "<00>") // a host's or a group's: not in these fields
		switch {
		case strings.Contains(n, "~"):
		case isServer:
			w = append(w, told{who, "netbios-ns", "hostname", server})
		case isStation:
			w = append(w, told{who, "netbios-ns", "either", station})
		}
	case "browser":
		switch i.Facts["browser.command"] {
		case "0x01", "0x0f":
			add("browser", "hostname", "browser.server")
		case "0x0c":
			add("browser", "workgroup", "browser.server")
		default:
			return nil
		}
		w = append(w, told{who, "browser", "os-version", i.Facts["browser.os_major"] + "." + i.Facts["browser.os_minor"]})
		if i.Facts["browser.command"] != "0x0c" {
			if n, err := strconv.ParseUint(i.Facts["browser.server_type"], 0, 32); err == nil {
				w = append(w, told{who, "browser", "server-type", fmt.Sprintf("0x%08x", n)})
			}
			add("browser", "comment", "browser.comment")
		}
	case "lldp":
		add("lldp", "hostname", "lldp.tlv.system.name")
		add("lldp", "description", "lldp.tlv.system.desc")
		add("lldp", "chassis-id", "lldp.chassis.id.mac")
		add("lldp", "port-id", "lldp.port.id")
	case "cdp":
		add("cdp", "hostname", "cdp.deviceid")
		add("cdp", "model", "cdp.platform")
	case "ssdp":
		add("ssdp", "server-banner", "http.server")
		add("ssdp", "user-agent", "http.user_agent")
	case "http":
		who = i.Src
		add("http", "server-banner", "http.server")
		add("http", "user-agent", "http.user_agent")
	}
	return w
}

// compared are the sources and kinds in which both sides must be the same; a
// kind that has other fields as well (a host name by option 81) may have more.
var compared = map[string]string{
	"dhcp vendor-class": "equal", "dhcp dhcp-fingerprint": "equal", "dhcp hostname": "more", "netbios-ns hostname": "more", "netbios-ns workgroup": "more", "netbios-ns either": "more",
	"browser hostname": "more", "browser workgroup": "equal", "browser os-version": "equal", "browser server-type": "equal", "browser comment": "equal",
	"lldp hostname": "equal", "lldp description": "equal", "lldp chassis-id": "more", "lldp port-id": "more",
	"cdp hostname": "equal", "cdp model": "equal", "ssdp server-banner": "equal", "ssdp user-agent": "equal",
	"http server-banner": "equal", "http user-agent": "equal",
}

// excuse is a number of differences of one source and kind in one capture, and why they are right.
type excuse struct {
	n   int
	why string
}

const (
	tunnelled = "inside a tunnel: of another network"
	notIP     = "browser announcements over NetBEUI and IPX, not over UDP"
	groupMAC  = "the hardware address is a group's"
	refused   = "a link type that is not read"
	unended   = "the answer never ends, so the other dissector does not show its head"
)

var excused = map[string]map[string]excuse{
	"fuzz/fuzz-2006-06-26-2594.pcap":                {"dhcp hostname": {1, groupMAC}, "dhcp vendor-class": {1, groupMAC}, "dhcp dhcp-fingerprint": {1, groupMAC}},
	"link-types/arcnet-rfc1201-arp-icmp-http.pcap":  {"http server-banner": {1, refused}, "http user-agent": {1, refused}},
	"link-types/pcapng-le-test301.pcapng":           {"http user-agent": {1, "inside TLS: the capture carries the keys"}},
	"mixed/var-services-std-ports.pcap":             {"http server-banner": {1, "behind the eighth payload of its direction"}},
	"mixed/windowsupdate-over-http.pcap":            {"http server-banner": {1, unended}},
	"netbios/lantastic1-00028-20100407020810.pcap":  {"browser os-version": {2, notIP}, "browser server-type": {8, notIP}, "browser workgroup": {2, notIP}},
	"netbios/misc-netbios-traffic.pcap":             {"browser server-type": {1, notIP}, "ssdp server-banner": {1, "quoted in an ICMP error"}},
	"os-fingerprint/accecn-handshake.pcap":          {"http server-banner": {1, unended}},
	"os-fingerprint/heuristic-tcp-ack-payload.pcap": {"http user-agent": {1, unended}},
	"tunnel-vlan/6in4tunnel.pcap":                   {"http server-banner": {1, tunnelled}, "http user-agent": {1, tunnelled}},
	"tunnel-vlan/capwap.pcap":                       {"dhcp hostname": {1, tunnelled}, "dhcp dhcp-fingerprint": {1, tunnelled}},
	"tunnel-vlan/gre-over-udp-4754.pcap":            {"http server-banner": {1, tunnelled}, "http user-agent": {1, tunnelled}},
	"tunnel-vlan/vxlan-encapsulated-http.pcap":      {"http server-banner": {1, tunnelled}, "http user-agent": {1, tunnelled}},
}

// TestIdentities holds the facts of office protocols against what another
// dissector reads from the same captures, kind by kind.
func TestIdentities(t *testing.T) {
	root := shared(t)
	type score struct{ same, missing, extra, excused int }
	scores := map[string]*score{}
	err := filepath.WalkDir(filepath.Join(root, "expected"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var exp struct {
			Capture    string
			Identities []identity
		}
		if err := json.Unmarshal(b, &exp); err != nil {
			return err
		}
		want, got := map[told]bool{}, map[told]bool{}
		for i := range exp.Identities {
			for _, w := range exp.Identities[i].want() {
				want[w] = true
			}
		}
		observeFiles(t, []string{filepath.Join(root, exp.Capture)}, func(m *observe.Minute) {
			for i := range m.Facts {
				f := &m.Facts[i]
				if compared[f.Source+" "+f.Kind] == "" {
					continue
				}
				who := f.MAC.String()
				if f.Source == "http" || who == "" {
					who = f.IP.String()
				}
				got[told{who, f.Source, f.Kind, f.Value}] = true
			}
		})
		for _, k := range slices.Sorted(maps.Keys(compared)) {
			if scores[k] == nil {
				scores[k] = &score{}
			}
		}
		differ := map[string]int{}
		note := func(w told, what string, n *int) {
			k := w.source + " " + w.kind
			differ[k]++
			if differ[k] <= excused[exp.Capture][k].n {
				scores[k].excused++
				return
			}
			*n++
			t.Errorf("%s: %s: %s %s of %s: %q", exp.Capture, what, w.source, w.kind, w.who, w.value)
		}
		for w := range want {
			either := w.kind == "either" && (got[told{w.who, w.source, "hostname", w.value}] || got[told{w.who, w.source, "workgroup", w.value}])
			if sc := scores[w.source+" "+w.kind]; got[w] || either {
				sc.same++
			} else {
				note(w, "missing", &sc.missing)
			}
		}
		for g := range got {
			if k := g.source + " " + g.kind; compared[k] == "equal" && !want[g] {
				note(g, "not expected", &scores[k].extra)
			}
		}
		for k, e := range excused[exp.Capture] {
			if differ[k] < e.n {
				t.Errorf("%s: %s: %d differences are excused (%s), there are %d", exp.Capture, k, e.n, e.why, differ[k])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range slices.Sorted(maps.Keys(scores)) {
		s := scores[k]
		t.Logf("%-24s %4d same, %d missing, %d not expected, %d excused", k, s.same, s.missing, s.extra, s.excused)
	}
}
