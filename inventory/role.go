package inventory

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/decode/ot"
)

// The roles; text/ has device.role.ROLE.
const (
	RolePLC         = "plc"
	RoleHMI         = "hmi"
	RoleEngineering = "engineering-workstation"
	RoleServer      = "server"
	RoleClient      = "client"
	RoleNetwork     = "network-equipment"
	RoleIO          = "io-device"
	RolePrinter     = "printer"
	RoleCamera      = "camera"
	RoleExternal    = "external"
	RoleUnknown     = "unknown"
)

// Roles are all of them; where evidence is even, the earlier one wins.
var Roles = []string{RolePLC, RoleIO, RoleHMI, RoleEngineering, RoleServer, RoleNetwork, RolePrinter, RoleCamera, RoleClient, RoleExternal, RoleUnknown}

// portRole is evidence from a service that a device offers and that answered.
// few is the weight with one or two clients, many with more.
type portRole struct {
	proto     uint8
	port      uint16
	role      string
	few, many int
}

var portRoles = []portRole{
	{decode.ProtoTCP, 9100, RolePrinter, 60, 70},
	{decode.ProtoTCP, 515, RolePrinter, 50, 60},
	{decode.ProtoTCP, 631, RolePrinter, 40, 50},
	{decode.ProtoTCP, 554, RoleCamera, 60, 60},
	{decode.ProtoTCP, 88, RoleServer, 60, 60}, // Kerberos
	{decode.ProtoTCP, 389, RoleServer, 60, 60},
	{decode.ProtoTCP, 445, RoleServer, 25, 50},
	{decode.ProtoTCP, 139, RoleServer, 20, 40},
	{decode.ProtoTCP, 1433, RoleServer, 55, 65}, // databases
	{decode.ProtoTCP, 1521, RoleServer, 55, 65},
	{decode.ProtoTCP, 3306, RoleServer, 55, 65},
	{decode.ProtoTCP, 5432, RoleServer, 55, 65},
	{decode.ProtoTCP, 25, RoleServer, 45, 55}, // mail
	{decode.ProtoTCP, 143, RoleServer, 45, 55},
	{decode.ProtoTCP, 53, RoleServer, 45, 55},
	{decode.ProtoUDP, 53, RoleServer, 45, 55},
	{decode.ProtoUDP, 67, RoleServer, 35, 45},
	{decode.ProtoUDP, 123, RoleServer, 20, 35},
	{decode.ProtoUDP, 514, RoleServer, 30, 40},
	{decode.ProtoTCP, 80, RoleServer, 10, 35},
	{decode.ProtoTCP, 443, RoleServer, 10, 35},
	{decode.ProtoTCP, 1883, RoleServer, 40, 50}, // MQTT broker
	{decode.ProtoTCP, 8883, RoleServer, 40, 50},
	{decode.ProtoUDP, 161, RoleNetwork, 30, 30},
}

// officePorts make a client of who uses them.
var officePorts = []uint16{25, 53, 80, 88, 110, 139, 143, 389, 443, 445, 515, 631, 993, 3128, 8080, 9100}

// How OT protocols are used: in fieldbuses the master asks and the I/O answers;
// server protocols offer what a PC offers; all others are a controller's.
var (
	fieldbus = []string{"cc-link-ie-field-basic", "cc-link-ie-field-control", "cc-link-ie-tsn", "profinet", "ethercat", "ethernet-powerlink"}
	brokers  = []string{"opc-ua", "mqtt"}
)

// vendorRoles is evidence from a part of the vendor's name, in lower case.
var vendorRoles = []struct {
	part, role string
	weight     int
}{
	{"mitsubishi electric", RolePLC, 20}, {"omron", RolePLC, 20}, {"siemens", RolePLC, 15}, {"rockwell", RolePLC, 20},
	{"schneider", RolePLC, 15}, {"keyence", RolePLC, 15}, {"beckhoff", RolePLC, 15}, {"yokogawa", RolePLC, 15},
	{"phoenix contact", RoleIO, 15}, {"wago", RoleIO, 15}, {"turck", RoleIO, 15}, {"festo", RoleIO, 15},
	{"cisco", RoleNetwork, 25}, {"allied telesis", RoleNetwork, 30}, {"hirschmann", RoleNetwork, 30}, {"moxa", RoleNetwork, 20},
	{"juniper", RoleNetwork, 30}, {"yamaha", RoleNetwork, 25}, {"buffalo", RoleNetwork, 15}, {"fortinet", RoleNetwork, 30},
	{"axis communications", RoleCamera, 40}, {"hikvision", RoleCamera, 40}, {"dahua", RoleCamera, 40},
	{"brother industries", RolePrinter, 25}, {"seiko epson", RolePrinter, 25}, {"ricoh", RolePrinter, 25}, {"kyocera", RolePrinter, 25},
	{"zebra technologies", RolePrinter, 25}, {"sato", RolePrinter, 20},
}

// because adds evidence; the same evidence counts once, with its highest weight.
func (w *work) because(role string, weight int, key, arg string) {
	k := reasonKey{role, key, arg}
	if old, ok := w.evidence[k]; !ok || old.Weight < weight {
		w.evidence[k] = Reason{Role: role, Weight: weight, Key: "device.reason." + key, Arg: arg}
	}
}

// graph takes who uses what of whom: peers, and evidence for roles.
func (s *site) graph(links []Link, uses []Use) {
	type service struct {
		w     *work
		proto uint8
		port  uint16
	}
	clients := map[service]map[*work]bool{}
	for i := range links {
		l := &links[i]
		if l.Site != s.name {
			continue
		}
		c, d := s.find(l.Client, l.ClientMAC), s.find(l.Server, l.ServerMAC)
		if c == nil || d == nil || c == d {
			continue
		}
		c.peers[d], d.peers[c] = true, true
		if !l.Answered {
			continue
		}
		d.clients[c] = true
		sv := service{d, l.Proto, l.ServerPort}
		if clients[sv] == nil {
			clients[sv] = map[*work]bool{}
		}
		clients[sv][c] = true
		if slices.Contains(officePorts, l.ServerPort) {
			c.because(RoleClient, 35, "uses-office", "")
		} else if l.Service == "" {
			c.because(RoleClient, 20, "uses", "")
		}
	}
	for sv, cs := range clients {
		for _, p := range portRoles {
			if p.proto != sv.proto || p.port != sv.port {
				continue
			}
			weight := p.few
			if len(cs) > 2 {
				weight = p.many
			}
			sv.w.because(p.role, weight, "offers", portText(sv.proto, sv.port))
		}
	}
	type asked struct {
		w        *work
		protocol string
	}
	targets := map[asked]map[*work]bool{}
	for i := range uses {
		u := &uses[i]
		if u.Site != s.name {
			continue
		}
		src, dst := s.find(u.Src, 0), s.find(u.Dst, 0)
		bus, broker := slices.Contains(fieldbus, u.Protocol), slices.Contains(brokers, u.Protocol)
		answer := u.Direction == ot.Response || u.Direction == ot.Error
		if answer {
			src, dst = dst, src // who asked, who was asked
		}
		if dst != nil && (answer || src != nil) && u.Direction != ot.None {
			switch {
			case broker:
				dst.because(RoleServer, 35, "ot-server", u.Protocol)
				dst.because(RolePLC, 25, "ot-server", u.Protocol)
			case bus && answer:
				dst.because(RoleIO, 65, "bus-slave", u.Protocol)
			case !bus && answer:
				dst.because(RolePLC, 70, "ot-server", u.Protocol)
			case !bus: // asked, and no answer seen
				dst.because(RolePLC, 25, "ot-asked", u.Protocol)
			}
		}
		if src == nil {
			continue
		}
		switch {
		case bus && u.Direction == ot.Request:
			src.because(RolePLC, 75, "bus-master", u.Protocol)
		case u.Direction == ot.None && u.Class == ot.Cyclic:
			src.because(RoleIO, 25, "cyclic", u.Protocol)
			src.because(RolePLC, 20, "cyclic", u.Protocol)
		case u.Direction == ot.Request:
			src.because(RoleHMI, 50, "ot-client", u.Protocol)
			if u.Class == ot.Control {
				src.because(RoleEngineering, 60, "ot-control", u.Protocol)
			}
			if dst != nil {
				k := asked{src, u.Protocol}
				if targets[k] == nil {
					targets[k] = map[*work]bool{}
				}
				targets[k][dst] = true
				if u.Class == ot.Write || u.Class == ot.Control {
					src.targets[dst] = true
				}
			}
		}
		if dst != nil && src != dst {
			src.peers[dst], dst.peers[src] = true, true
			dst.clients[src] = true
		}
	}
	for k, t := range targets {
		if len(t) > 1 {
			k.w.because(RoleHMI, 10, "ot-many", k.protocol)
		}
	}
}

func portText(proto uint8, port uint16) string {
	name := map[uint8]string{decode.ProtoTCP: "tcp/", decode.ProtoUDP: "udp/"}[proto]
	return name + strconv.Itoa(int(port))
}

// role sums the evidence: a role's score is its strongest piece and a
// quarter of each other, up to 100. The role is the one of the
// highest score (at least 20), its confidence that score less half of the next one's.
func (w *work) role(public func(decode.Addr) bool) {
	switch {
	case w.Internet, w.MAC == 0 && len(w.IPs) == 1 && public(w.IPs[0]):
		w.because(RoleExternal, 100, "public", "")
	case VirtualRouter(w.MAC):
		w.because(RoleNetwork, 95, "virtual-router", "")
	case w.Router:
		w.because(RoleNetwork, 80, "router", "")
	}
	vendor := strings.ToLower(w.Vendor)
	for _, v := range vendorRoles {
		if strings.Contains(vendor, v.part) {
			w.because(v.role, v.weight, "vendor", w.Vendor)
		}
	}
	for _, r := range w.evidence {
		w.Reasons = append(w.Reasons, r)
	}
	slices.SortFunc(w.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(slices.Index(Roles, a.Role), slices.Index(Roles, b.Role)),
			strings.Compare(a.Key, b.Key), strings.Compare(a.Arg, b.Arg))
	})
	score := map[string]int{}
	for _, r := range w.Reasons { // strongest first
		if score[r.Role] == 0 {
			score[r.Role] = r.Weight
		} else {
			score[r.Role] = min(100, score[r.Role]+r.Weight/4)
		}
	}
	first, second := RoleUnknown, 0
	for _, role := range Roles {
		if score[role] > score[first] {
			first, second = role, max(second, score[first])
		} else if role != first {
			second = max(second, score[role])
		}
	}
	if score[first] < 20 {
		first = RoleUnknown
	}
	w.Role = first
	if first != RoleUnknown {
		w.RoleConfidence = max(0, score[first]-second/2)
	}
}
