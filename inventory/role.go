package inventory

import (
	"cmp"
	"maps"
	"regexp"
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
	RoleSCADA       = "scada"
	RoleEngineering = "engineering-workstation"
	RoleServer      = "server"
	RoleDC          = "domain-controller"
	RoleClient      = "client"
	RoleNetwork     = "network-equipment"
	RoleRouter      = "router"
	RoleIO          = "io-device"
	RolePrinter     = "printer"
	RoleCamera      = "camera"
	RoleExternal    = "external"
	RoleUnknown     = "unknown"
)

// Roles are all of them; where evidence is even, the earlier one wins.
var Roles = []string{RolePLC, RoleIO, RoleHMI, RoleSCADA, RoleEngineering, RoleDC, RoleServer, RoleRouter, RoleNetwork, RolePrinter, RoleCamera, RoleClient, RoleExternal, RoleUnknown}

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
	{decode.ProtoTCP, 88, RoleDC, 75, 75}, // Kerberos
	{decode.ProtoUDP, 88, RoleDC, 75, 75},
	{decode.ProtoTCP, 389, RoleDC, 35, 45},
	{decode.ProtoUDP, 389, RoleDC, 45, 55}, // what clients ask domain controllers only
	{decode.ProtoTCP, 3268, RoleDC, 60, 60},
	{decode.ProtoTCP, 21, RoleServer, 25, 35},
	{decode.ProtoTCP, 22, RoleServer, 22, 35},
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
	{decode.ProtoTCP, bgp, RoleRouter, 60, 60},
}

const bgp = 179 // TCP

// IP protocols that routers speak among themselves.
var routing = map[uint8]string{88: "EIGRP", 89: "OSPF", 112: "VRRP"}

// officePorts make a client of who uses them.
var officePorts = []uint16{25, 53, 80, 88, 110, 139, 143, 389, 443, 445, 515, 631, 993, 3128, 8080, 9100}

// How OT protocols are used: in fieldbuses the master asks and the I/O answers;
// server protocols offer what a PC offers; all others are a controller's.
var (
	fieldbus = []string{"cc-link-ie-field-basic", "cc-link-ie-field-control", "cc-link-ie-tsn", "profinet", "ethercat", "ethernet-powerlink"}
	brokers  = []string{"opc-ua", "mqtt"}
	// Only controllers answer these. Those of the others may be drives, meters, couplers, gateways as well.
	controllerOnly = []string{"s7comm", "slmp-melsec", "melsoft", "omron-fins", "ge-srtp", "toyopuc", "tristation", "fl-net"}
	// Nobody but a controller's programming software asks these.
	ofEngineers = []string{"tristation"}
	// In these, control operations and identification are the daily work of displays.
	telecontrol = []string{"dnp3", "iec-104", "iec61850", "synchrophasor", "bacnet-ip", "knxnet-ip", "lonworks-ip", "opc-ua"}
	// In these, controllers ask each other.
	building = []string{"bacnet-ip", "knxnet-ip", "lonworks-ip"}
)

// vendorRoles is evidence from a part of the vendor's name, in lower case.
var vendorRoles = []struct {
	part, role string
	weight     int
}{
	{"mitsubishi electric", RolePLC, 20}, {"omron", RolePLC, 20}, {"siemens", RolePLC, 15}, {"rockwell", RolePLC, 20},
	{"schneider", RolePLC, 15}, {"beckhoff", RolePLC, 20}, {"yokogawa", RolePLC, 15}, {"schweitzer", RolePLC, 20},
	{"keyence", RoleCamera, 30}, {"cognex", RoleCamera, 30},
	{"phoenix contact", RoleIO, 15}, {"wago", RoleIO, 20}, {"turck", RoleIO, 30}, {"festo", RoleIO, 25}, {"murrelektronik", RoleIO, 25}, {"balluff", RoleIO, 25},
	{"digital electronics", RoleHMI, 30}, {"pro-face", RoleHMI, 30}, {"weintek", RoleHMI, 30}, {"hakko", RoleHMI, 20},
	{"cisco", RoleNetwork, 25}, {"allied telesis", RoleNetwork, 30}, {"hirschmann", RoleNetwork, 30}, {"moxa", RoleNetwork, 20},
	{"juniper", RoleNetwork, 30}, {"yamaha", RoleNetwork, 25}, {"buffalo", RoleNetwork, 15}, {"fortinet", RoleNetwork, 30}, {"ruijie", RoleNetwork, 30},
	{"axis communications", RoleCamera, 40}, {"hikvision", RoleCamera, 40}, {"dahua", RoleCamera, 40},
	{"brother industries", RolePrinter, 25}, {"seiko epson", RolePrinter, 25}, {"ricoh", RolePrinter, 25}, {"kyocera", RolePrinter, 25},
	{"zebra technologies", RolePrinter, 25}, {"sato", RolePrinter, 20},
}

// productRoles is evidence from what a device says that it is: models, descriptions, banners.
var productRoles = []struct {
	pattern *regexp.Regexp
	role    string
	weight  int
}{
	{regexp.MustCompile(`(?i)\bswitch\b|SCALANCE X|\bWS-C|Catalyst|AlliedWare|ProCurve|EtherSwitch`), RoleNetwork, 60},
	{regexp.MustCompile(`(?i)\brouter\b|\bBLR-|BroadStation|gateway device|InternetGatewayDevice`), RoleRouter, 50},
	{regexp.MustCompile(`(?i)SIMATIC HMI|\bKTP\d|\bGOT\d|PanelView|Magelis`), RoleHMI, 70},
	{regexp.MustCompile(`(?i)S7-\d|\bCPU ?\d|LOGIX|MELSEC|SYSMAC|Modicon|\b1756-|\b1769-L`), RolePLC, 50},
	{regexp.MustCompile(`(?i)\bET ?200|\bIM ?15\d|I/O adapter|\b1734-|\b1794-`), RoleIO, 50},
	{regexp.MustCompile(`(?i)printer|JetDirect|LaserJet|Virata-EmWeb`), RolePrinter, 45},
	{regexp.MustCompile(`^(?:Apache|nginx|Microsoft-IIS)\b`), RoleServer, 25},
	{regexp.MustCompile(`(?i)\bcamera\b|onvif|NetworkVideoTransmitter`), RoleCamera, 50},
}

// serviceRoles is evidence from services that a device announces by mDNS and the like.
var serviceRoles = map[string]Reason{
	"_ipp._tcp": {Role: RolePrinter, Weight: 55}, "_ipps._tcp": {Role: RolePrinter, Weight: 55}, "_printer._tcp": {Role: RolePrinter, Weight: 55}, "_pdl-datastream._tcp": {Role: RolePrinter, Weight: 55},
	"print": {Role: RolePrinter, Weight: 55}, "camera": {Role: RoleCamera, Weight: 60}, "computer": {Role: RoleClient, Weight: 22},
	"InternetGatewayDevice": {Role: RoleRouter, Weight: 65}, "WLANAccessPointDevice": {Role: RoleNetwork, Weight: 60}, "Printer": {Role: RolePrinter, Weight: 55}, "DigitalSecurityCamera": {Role: RoleCamera, Weight: 60},
	"_axis-video._tcp": {Role: RoleCamera, Weight: 60}, "_rtsp._tcp": {Role: RoleCamera, Weight: 45}, "dhcp": {Role: RoleServer, Weight: 35}, "kerberos": {Role: RoleDC, Weight: 75},
}

// roleFact takes what a fact says of the role.
func (w *work) roleFact(f *Fact) {
	switch f.Kind {
	case "model", "description", "server-banner", "software", "hardware":
		for _, p := range productRoles {
			if p.pattern.MatchString(f.Value) {
				w.because(p.role, p.weight, "model", f.Value)
				break
			}
		}
	case "capabilities":
		v := strings.ToLower(f.Value)
		switch {
		case strings.Contains(v, "phone"): // with a switch in it
		case strings.Contains(v, "bridge") || strings.Contains(v, "switch") || strings.Contains(v, "wlan"):
			w.because(RoleNetwork, 60, "capabilities", f.Value)
		case strings.Contains(v, "router"):
			w.because(RoleRouter, 60, "capabilities", f.Value)
		}
	case "router":
		w.because(RoleRouter, announcedRouter, "announced-router", f.Source)
	case "service":
		if r, ok := serviceRoles[f.Value]; ok {
			w.because(r.Role, r.Weight, "announces", f.Value)
		}
	case "user-agent":
		if f.Source == "http" {
			w.because(RoleClient, 22, "browses", "")
		}
	case "client-banner":
		w.because(RoleClient, 22, "uses", "")
	case "hostname":
		switch f.Source {
		case "netbios", "netbios-ns", "browser", "llmnr", "dhcp", "mdns":
			w.because(RoleClient, 22, "names-itself", "")
		}
	case "server-type":
		t, err := strconv.ParseUint(f.Value, 0, 32)
		switch {
		case err != nil:
		case t&typeDC != 0:
			w.because(RoleDC, 85, "server-type", f.Value)
		case t&typeNTServer != 0:
			w.because(RoleServer, 55, "server-type", f.Value)
		case t&typeNT != 0:
			w.because(RoleClient, 30, "server-type", f.Value)
		}
	}
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
	kinds := map[*work]map[uint16]bool{} // ports of server programs that answered
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
		if name := routing[l.Proto]; c != nil && name != "" { // to a group, which is no device
			c.because(RoleRouter, 60, "routes", name)
		}
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
		if l.Proto == decode.ProtoTCP && l.ServerPort == bgp {
			c.because(RoleRouter, 60, "routes", "BGP")
		} else if slices.Contains(officePorts, l.ServerPort) {
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
			if p.role == RoleServer && sv.proto == decode.ProtoTCP && sv.port != 445 && sv.port != 139 {
				put(&kinds, sv.w, sv.port)
			}
		}
	}
	for w, ports := range kinds {
		if len(ports) > 2 {
			w.because(RoleServer, 45, "offers-many", strconv.Itoa(len(ports)))
		}
	}
	s.otGraph(uses)
}

// otUse is what a device does by OT protocols.
type otUse struct {
	answers  map[string]map[*work]bool       // protocol → who asked and was answered; no fieldbus
	asked    map[string]bool                 // asked, and no answer seen
	targets  map[string]map[*work]bool       // protocol → whom it asks
	cyclic   map[string]map[decode.Addr]bool // fieldbus → where its cyclic data goes
	bus      map[string]int64                // fieldbus → requests less answers: a master has more of these, a station of those
	talk     int64                           // PROFINET's requests less answers other than to connect, which both sides and tools make
	names    bool                            // sets names or addresses of PROFINET stations
	requests uint64                          // of it: to read, write, control, identify
	studies  uint64                          // of these: to control, identify
	writes   bool
	controls map[string]bool
}

func put[K, V comparable](m *map[K]map[V]bool, k K, v V) {
	if *m == nil {
		*m = map[K]map[V]bool{}
	}
	if (*m)[k] == nil {
		(*m)[k] = map[V]bool{}
	}
	(*m)[k][v] = true
}

func add(m *map[string]int64, k string, n int64) {
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[k] += n
}

// busUse counts n requests (or answers, negative) of a fieldbus. PROFINET's tell master from station only where they connect: names are asked
// for by every station and set by tools, a station's request to say that it is ready looks like a master's, and tools read.
func (w *work) busUse(u *Use, n int64) {
	switch {
	case u.Protocol != "profinet" || u.Class == ot.Connect:
		add(&w.ot.bus, u.Protocol, n)
	case u.Class == ot.Read || u.Class == ot.Write:
		w.ot.talk += n
	case u.Class == ot.Control && n > 0:
		w.ot.names = true
	}
}

// otGraph takes who asks what of whom by OT protocols.
func (s *site) otGraph(uses []Use) {
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
				dst.busUse(u, -int64(u.Count))
			case !bus && answer:
				put(&dst.ot.answers, u.Protocol, src)
			case !bus:
				if dst.ot.asked == nil {
					dst.ot.asked = map[string]bool{}
				}
				dst.ot.asked[u.Protocol] = true
			}
		}
		if src == nil {
			continue
		}
		switch {
		case bus && u.Direction == ot.Request:
			src.busUse(u, int64(u.Count))
		case u.Direction == ot.None && u.Class == ot.Cyclic:
			put(&src.ot.cyclic, u.Protocol, u.Dst)
		case u.Direction == ot.Request:
			put(&src.ot.targets, u.Protocol, dst)
			switch u.Class {
			case ot.Control:
				if src.ot.controls == nil {
					src.ot.controls = map[string]bool{}
				}
				if !slices.Contains(telecontrol, u.Protocol) {
					src.ot.controls[u.Protocol] = true
					src.ot.studies += u.Count
				}
				src.ot.requests += u.Count
			case ot.Identity:
				if !slices.Contains(telecontrol, u.Protocol) {
					src.ot.studies += u.Count
				}
				src.ot.requests += u.Count
			case ot.Write:
				src.ot.writes = true
				src.ot.requests += u.Count
			case ot.Read:
				src.ot.requests += u.Count
			}
			if dst != nil && (u.Class == ot.Write || u.Class == ot.Control) {
				src.targets[dst] = true
			}
		}
		if dst != nil && src != dst {
			src.peers[dst], dst.peers[src] = true, true
			dst.clients[src] = true
		}
	}
	for _, w := range s.work {
		w.otRoles()
	}
}

// Who controls and identifies with one request in so many is an engineer's, not a display's: of several controllers; and of one that it does not
// write to. A display asks its own controller for its state as well, some often.
const (
	studyShare    = 100
	studyShareOne = 10
)

// otRoles makes evidence of what a device does by OT protocols.
func (w *work) otRoles() {
	for protocol, clients := range w.ot.answers {
		ofControllers := len(clients) > 0 && len(w.ot.targets) == 0
		for c := range clients {
			ofControllers = ofControllers && c != nil && len(c.ot.answers) > 0
		}
		if ofControllers {
			w.because(RoleIO, 70, "ot-of-controllers", protocol)
			w.because(RolePLC, 45, "ot-server", protocol)
		} else {
			weight := 65
			if slices.Contains(controllerOnly, protocol) {
				weight = 75
			}
			w.because(RolePLC, weight, "ot-server", protocol)
		}
	}
	for protocol := range w.ot.asked {
		if w.ot.answers[protocol] == nil {
			w.because(RolePLC, 25, "ot-asked", protocol)
		}
	}
	for protocol, to := range w.ot.cyclic {
		if len(to) > 1 {
			w.because(RolePLC, 45, "cyclic-many", protocol)
		} else {
			w.because(RoleIO, 30, "cyclic", protocol)
			w.because(RolePLC, 20, "cyclic", protocol)
		}
	}
	for protocol, n := range w.ot.bus {
		if n > 0 {
			w.because(RolePLC, 65, "bus-master", protocol)
		} else {
			w.because(RoleIO, 65, "bus-slave", protocol)
		}
	}
	if _, known := w.ot.bus["profinet"]; !known {
		switch {
		case w.ot.names:
			w.because(RoleEngineering, 60, "bus-names", "profinet")
		case w.ot.talk > 0:
			w.because(RolePLC, 40, "bus-master", "profinet")
			w.because(RoleEngineering, 30, "bus-master", "profinet")
		case w.ot.talk < 0:
			w.because(RoleIO, 40, "bus-slave", "profinet")
			w.because(RolePLC, 30, "bus-slave", "profinet")
		}
	}
	if len(w.ot.targets) == 0 {
		return
	}
	targets, many := map[*work]bool{}, 0
	for protocol, t := range w.ot.targets {
		for d := range t {
			targets[d] = true
		}
		if !slices.Contains(building, protocol) {
			many = max(many, len(t))
		}
	}
	delete(targets, nil)
	controller := len(w.ot.answers) > 0
	studies := !controller && w.ot.studies > 0 && w.ot.studies*studyShare >= w.ot.requests
	several := len(targets) > 1 || len(w.ot.controls) > 0 || !w.ot.writes && w.ot.studies*studyShareOne >= w.ot.requests
	for _, protocol := range ofEngineers {
		if w.ot.targets[protocol] != nil {
			studies, several = !controller, true
		}
	}
	w.supervises = !controller && len(targets) >= manyTargets && !studies
	role, weight := RoleHMI, 60
	switch {
	case controller:
		weight = 20 // a controller that asks another
	case studies && several:
		role, weight = RoleEngineering, 50
	case w.supervises:
		role, weight = RoleSCADA, 50
		asks := 50 // a display of a larger machine asks a few as well
		if many >= 2*manyTargets {
			asks = 65
		}
		w.because(role, asks, "ot-many", strconv.Itoa(len(targets)))
	}
	w.watches = !controller && role == RoleHMI
	w.because(role, weight, "ot-client", strings.Join(slices.Sorted(maps.Keys(w.ot.targets)), ", "))
	for protocol := range w.ot.controls {
		w.because(RoleEngineering, 40, "ot-control", protocol)
	}
	if studies {
		weight := 45
		if several {
			weight = 55
		}
		w.because(RoleEngineering, weight, "ot-studies", strconv.FormatUint(w.ot.studies, 10)+"/"+strconv.FormatUint(w.ot.requests, 10))
	}
}

// manyTargets is from how many controllers on a client of OT protocols supervises a plant rather than a machine.
const manyTargets = 4

func portText(proto uint8, port uint16) string {
	name := map[uint8]string{decode.ProtoTCP: "tcp/", decode.ProtoUDP: "udp/"}[proto]
	return name + strconv.Itoa(int(port))
}

// announcedRouter is the weight of a router's announcement, and of one that a PC makes which carries nothing: by mistake, or to be asked by others.
const (
	announcedRouter   = 65
	announcedRouterPC = 20
)

// isPC says whether there are two kinds of evidence of what only PCs do.
func (w *work) isPC() bool {
	kinds := map[string]bool{}
	for _, r := range w.evidence {
		switch r.Key {
		case "device.reason.names-itself", "device.reason.browses", "device.reason.server-type":
			kinds[r.Key] = kinds[r.Key] || r.Role == RoleClient
		}
	}
	n := 0
	for _, is := range kinds {
		if is {
			n++
		}
	}
	return n > 1
}

// role sums the evidence: a role's score is its strongest piece and a
// quarter of each other, up to 100. The role is the one of the
// highest score (at least 20), its confidence that score less half of the next one's.
func (w *work) role(public func(decode.Addr) bool) {
	switch {
	case w.Internet, w.MAC == 0 && len(w.IPs) == 1 && public(w.IPs[0]):
		w.because(RoleExternal, 100, "public", "")
	case VirtualRouter(w.MAC):
		w.because(RoleRouter, 95, "virtual-router", "")
	case w.Router && !w.impostor:
		weight := 80
		if w.oneCarried {
			weight = 50
		}
		w.because(RoleRouter, weight, "router", "")
	}
	server := w.systemIs(serverSystem)
	if server {
		w.because(RoleServer, 40, "server-os", "")
	}
	if w.watches && (server || w.serverType&typeNTServer != 0) {
		w.because(RoleSCADA, 65, "ot-server-watches", "")
		w.supervises = true
	}
	vendor := strings.ToLower(w.Vendor)
	for _, v := range vendorRoles {
		if strings.Contains(vendor, v.part) {
			w.because(v.role, v.weight, "vendor", w.Vendor)
		}
	}
	dc := false
	for _, r := range w.evidence {
		dc = dc || r.Role == RoleDC && r.Weight >= 60
	}
	pc := !w.Router && w.isPC()
	for _, r := range w.evidence {
		switch {
		case pc && r.Key == "device.reason.announced-router" && r.Arg == "ndp":
			r.Weight = announcedRouterPC
		case w.supervises && r.Key == "device.reason.ot-client":
			r.Role = RoleSCADA
		case r.Role != RoleServer:
		case w.supervises:
			r.Role = RoleSCADA // it serves what it gathers
		case dc:
			r.Role = RoleDC // a server among others
		}
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

// levels are the Purdue levels (ISA-95, IEC 62443-1-1) that roles suggest, and how sure a right role makes them, percent.
// Those of servers and PCs depend on whether they deal with controllers.
var levels = map[string]struct {
	level string
	sure  int
}{
	RolePLC: {"1", 90}, RoleIO: {"1", 80}, RoleHMI: {"2", 90}, RoleSCADA: {"2", 70}, RoleEngineering: {"2", 60}, RoleCamera: {"1", 40},
	RoleServer: {"4", 50}, RoleDC: {"4", 50}, RoleClient: {"4", 70}, RolePrinter: {"4", 70}, RoleExternal: {"5", 95},
}

// level hints at the Purdue level: the role's, and 3 for servers and PCs that deal with devices of levels 1 and 2.
func (w *work) level() {
	l, ok := levels[w.Role]
	if !ok {
		return
	}
	if w.Role == RoleServer || w.Role == RoleDC || w.Role == RoleClient {
		for p := range w.peers {
			if q := levels[p.Role].level; q == "1" || q == "2" {
				l.level, l.sure = "3", 50
				break
			}
		}
	}
	w.Level, w.LevelConfidence = l.level, w.RoleConfidence*l.sure/100
}
