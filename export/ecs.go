package export

import (
	"bufio"
	"encoding/json"
	"io"
	"strconv"
	"strings"

	"osect/inventory"
	"osect/store"
)

// ecsVersion is the version of the Elastic Common Schema that the fields are of.
const ecsVersion = "8.11.0"

// ECS writes NDJSON: a document a line.
type ECS struct {
	w       *bufio.Writer
	enc     *json.Encoder
	version string
	Written int
}

// NewECS begins on w; version is osect's own.
func NewECS(w io.Writer, version string) *ECS {
	b := bufio.NewWriterSize(w, 64<<10)
	e := &ECS{w: b, enc: json.NewEncoder(b), version: version}
	e.enc.SetEscapeHTML(false)
	return e
}

// End writes what is left; an error of any write before comes here.
func (e *ECS) End() error { return e.w.Flush() }

type object = map[string]any

// put adds a value where it says something.
func put(o object, key string, v any) {
	switch x := v.(type) {
	case string:
		if x == "" {
			return
		}
	case []string:
		if len(x) == 0 {
			return
		}
	case object:
		if len(x) == 0 {
			return
		}
	}
	o[key] = v
}

func (e *ECS) write(o object, sensor, site string) error {
	o["ecs"] = object{"version": ecsVersion}
	observer := object{"vendor": "osect", "product": "osect", "type": "sensor", "version": e.version}
	put(observer, "name", sensor)
	if site != "" {
		observer["geo"] = object{"name": site} // ECS: the user's own word for a place
	}
	o["observer"] = observer
	e.Written++
	return e.enc.Encode(o)
}

// ecsMAC is a MAC as ECS wants it (RFC 7042): capitals and hyphens.
func ecsMAC(s string) string { return strings.ToUpper(strings.ReplaceAll(s, ":", "-")) }

// isMAC says whether an end of a connection is a MAC.
func isMAC(s string) bool { return len(s) == 17 && s[2] == ':' && s[5] == ':' && s[14] == ':' }

// transports are ECS's network.transport of IP protocols that listings write as numbers.
var transports = map[string]string{"icmp6": "ipv6-icmp", "2": "igmp", "47": "gre", "50": "esp", "51": "ah", "89": "ospf", "112": "vrrp", "132": "sctp"}

// Connection writes a connection. portName is the name of the server's port, "" for none.
func (e *ECS) Connection(f *store.Flow, portName string) error {
	end := func(ip string, port uint16, mac string, packets, bytes uint64) object {
		o := object{"packets": packets, "bytes": bytes}
		put(o, "address", ip)
		if !isMAC(ip) {
			put(o, "ip", ip)
		} else if mac == "" {
			mac = ip
		}
		if port != 0 {
			o["port"] = port
		}
		put(o, "mac", ecsMAC(mac))
		return o
	}
	network := object{"bytes": f.BytesOut + f.BytesIn, "packets": f.PacketsOut + f.PacketsIn}
	switch transport := transports[f.Proto]; {
	case isMAC(f.ClientIP):
	case transport != "":
		network["transport"] = transport
	case f.Proto == "tcp" || f.Proto == "udp" || f.Proto == "icmp":
		network["transport"] = f.Proto
	default:
		network["iana_number"] = f.Proto
	}
	if !isMAC(f.ClientIP) {
		network["type"] = "ipv4"
		if strings.Contains(f.ClientIP, ":") {
			network["type"] = "ipv6"
		}
	}
	put(network, "protocol", f.Service)
	if f.VLAN != nil {
		network["vlan"] = object{"id": tagText(f.VLAN)}
	}
	if f.InnerVLAN != nil {
		network["inner"] = object{"vlan": object{"id": tagText(f.InnerVLAN)}}
	}
	types := []string{"connection"}
	switch f.State {
	case "closed", "reset":
		types = append(types, "start", "end")
	case "established":
		types = append(types, "start")
	case "rejected":
		types = append(types, "denied")
	}
	own := object{"state": f.State, "multicast": f.Multicast, "fragments_out": f.FragmentsOut, "fragments_in": f.FragmentsIn}
	put(own, "tunnel", f.Tunnel)
	put(own, "port_name", portName)
	if f.Proto == "icmp" || f.Proto == "icmp6" {
		own["icmp"] = object{"type": f.ICMPType, "code": f.ICMPCode}
	}
	return e.write(object{
		"@timestamp": f.FirstSeen.String(),
		"event": object{"kind": "event", "category": []string{"network"}, "type": types, "module": "osect", "dataset": "osect.connection",
			"id": UID(f), "start": f.FirstSeen.String(), "end": f.LastSeen.String(), "duration": int64(f.LastSeen - f.FirstSeen)},
		"source":      end(f.ClientIP, f.ClientPort, f.ClientMAC, f.PacketsOut, f.BytesOut),
		"destination": end(f.ServerIP, f.ServerPort, f.ServerMAC, f.PacketsIn, f.BytesIn),
		"network":     network,
		"osect":       own,
	}, strings.Join(f.Sensors, " "), f.Site)
}

func tagText(v *uint16) string { return strconv.Itoa(int(*v)) }

// Device writes a device.
func (e *ECS) Device(d *inventory.Device) error {
	host := object{}
	var ips []string
	for _, ip := range d.IPs {
		ips = append(ips, ip.String())
	}
	put(host, "ip", ips)
	put(host, "hostname", d.Hostname)
	put(host, "name", d.Hostname)
	id := "internet"
	if len(ips) > 0 {
		id = ips[0]
	}
	if d.MAC != 0 {
		id = d.MAC.String()
		host["mac"] = []string{ecsMAC(id)}
	}
	host["id"] = d.Site + "/" + id
	put(host, "type", d.Role)
	if d.OS != "" {
		host["os"] = object{"full": d.OS}
	}
	o := object{
		"@timestamp": store.Time(d.LastSeen).String(),
		"event": object{"kind": "asset", "category": []string{"host"}, "type": []string{"info"}, "module": "osect", "dataset": "osect.device",
			"start": store.Time(d.FirstSeen).String(), "end": store.Time(d.LastSeen).String()},
		"host": host,
		"osect": object{"role": d.Role, "role_confidence": d.RoleConfidence, "importance": d.Importance, "os_accuracy": d.OSAccuracy, "router": d.Router,
			"internet": d.Internet, "peers": d.Peers, "vlans": append([]uint16{}, d.VLANs...), "in_ledger": d.InLedger,
			"packets_sent": d.PacketsSent, "bytes_sent": d.BytesSent, "packets_received": d.PacketsReceived, "bytes_received": d.BytesReceived},
	}
	if d.Vendor != "" {
		o["device"] = object{"manufacturer": d.Vendor}
	}
	return e.write(o, strings.Join(d.Sensors, " "), d.Site)
}

// severities are ECS's event.severity: the numbers that Elastic's own rules use for these words.
var severities = map[string]int{"low": 21, "medium": 47, "high": 73, "critical": 99}

// Alert is what an alert's document holds beyond the alert: its texts in one language.
type Alert struct {
	store.Alert
	Summary, Reason, Action string
}

// Alert writes an alert.
func (e *ECS) Alert(a *Alert) error {
	end := func(ip, mac string) object {
		o := object{}
		put(o, "ip", ip)
		put(o, "address", ip)
		put(o, "mac", ecsMAC(mac))
		return o
	}
	event := object{"kind": "alert", "category": []string{"intrusion_detection"}, "type": []string{"info"}, "module": "osect", "dataset": "osect.alert",
		"id": a.ID, "severity": severities[string(a.Severity)], "start": store.Time(a.First).String(), "end": store.Time(a.Last).String()}
	put(event, "reason", a.Reason)
	o := object{
		"@timestamp": store.Time(a.Last).String(),
		"event":      event,
		"message":    a.Summary,
		"rule":       object{"name": string(a.Kind) + "/" + a.Subkind, "category": string(a.Kind)},
		"osect":      object{"severity": string(a.Severity), "count": a.Count, "state": a.State, "action": a.Action},
	}
	put(o, "source", end(a.SrcIP, a.SrcMAC))
	put(o, "destination", end(a.DstIP, a.DstMAC))
	if a.Technique != "" {
		o["threat"] = object{"framework": "MITRE ATT&CK", "technique": object{"id": []string{a.Technique}}}
	}
	return e.write(o, a.Sensor, a.Site)
}
