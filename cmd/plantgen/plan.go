package main

import (
	"fmt"
)

// Organisationally unique identifiers (IEEE registry).
var ouis = map[string][]mac{
	"Mitsubishi Electric": {{0x00, 0x26, 0x92}, {0x58, 0x52, 0x8a}},
	"OMRON":               {{0x00, 0x00, 0x0a}},
	"Schneider Electric":  {{0x00, 0x80, 0xf4}},
	"Siemens":             {{0x00, 0x1b, 0x1b}},
	"Dell":                {{0x00, 0x14, 0x22}},
	"HP":                  {{0x00, 0x1b, 0x78}},
	"Cisco":               {{0x00, 0x1b, 0x54}},
	"Allied Telesis":      {{0x00, 0x1a, 0xeb}},
	"Moxa":                {{0x00, 0x90, 0xe8}},
	"Keyence":             {{0x00, 0x01, 0xfc}},
	"Ricoh":               {{0x00, 0x26, 0x73}},
	"Digital Electronics": {{0x00, 0x01, 0x23}},
	"Realtek":             {{0x00, 0xe0, 0x4c}},
}

// add makes a node with an address of its own.
func (w *world) add(name, role, vendor, model, os string, st stack, net *subnet, a ip4) *node {
	n := &node{
		name: name, role: role, vendor: vendor, model: model, os: os,
		stack: st, net: net, ip: a, arp: map[ip4]int64{},
		delayLo: 200 * us, delayHi: 2 * ms, arpLife: 20 * minute,
		r: w.rand("node %s", name),
	}
	if st.syn == "mss" {
		n.delayLo, n.delayHi, n.arpLife = ms, 6*ms, 30*minute
	}
	n.port = 49152 + uint16(n.r.IntN(8000))
	n.ipid = uint16(n.r.Uint32())
	if o := ouis[vendor]; o != nil {
		for n.mac == (mac{}) || w.byMAC[n.mac] != nil {
			n.mac = o[n.r.IntN(len(o))]
			v := n.r.Uint32()
			n.mac[3], n.mac[4], n.mac[5] = byte(v>>16), byte(v>>8), byte(v)
		}
		w.byMAC[n.mac] = n
	}
	if a != (ip4{}) {
		n.ips = []addressSpan{{ip: a}}
		w.byIP[a] = n
	}
	w.nodes = append(w.nodes, n)
	return n
}

// external makes an address behind the router.
func (w *world) external(name, role string, a ip4) *node {
	n := w.add(name, role, "", "", "", linuxStack, nil, a)
	n.remote = true
	n.delayLo, n.delayHi = 8*ms, 40*ms
	return n
}

// lineNet is the /24 of production line k: 192.168.3.0 and up, then 172.16.0.0 and up.
func lineNet(k int) *subnet {
	var b uint32
	if k < 250 {
		b = 192<<24 | 168<<16 | uint32(3+k)<<8
	} else {
		k -= 250
		b = 172<<24 | uint32(16+k/250)<<16 | uint32(k%250)<<8
	}
	return &subnet{base: b, bits: 24, gateway: ipFrom(b | 254)}
}

// plant is the cast by role.
type plant struct {
	dc, scada, files, eng, core, printer *node
	pcs, hmis, plcs, switches, vision    []*node
	sites, hq                            []*node
	cells                                []cell
}

// cell is a group of devices of one line that work together.
type cell struct {
	kind   string
	line   int
	net    *subnet
	first  *node // controller or master
	second *node
	third  *node
	hmi    *node
	others []*node
	sw     *node
}

// cellKinds is the order in which a plant is furnished; members counts devices.
var cellKinds = []struct {
	kind    string
	members int
}{
	{"slmp", 2}, {"ciefb", 3}, {"fins", 2}, {"modbus", 2}, {"ccie", 2},
	{"fins-tcp", 2}, {"sensors", 2}, {"slmp-mix", 4}, {"modbus", 3}, {"ciefb", 4}, {"ccie", 3}, {"slmp", 2},
}

// furnish makes the devices: servers and network first, then lines and office
// in the proportion 2 to 1.
func (w *world) furnish() *plant {
	p := &plant{}
	n := w.cfg.devices
	base := uint32(10)<<24 | 20<<16
	w.lan = &subnet{base: base, bits: 19, gateway: ipFrom(base | 254)}
	w.subnets = []*subnet{w.lan}
	left := n
	take := func() bool { left--; return left >= 0 }

	take()
	w.router = w.add("ROUTER1", "router", "Cisco", "ISR4331", "IOS-XE 17.6", linuxStack, w.lan, w.lan.gateway)
	w.router.ips2 = []ip4{w.lan.gateway}
	take()
	p.dc = w.add("DC01", "domain-controller", "Dell", "PowerEdge R440", "Windows Server 2019", winStack, w.lan, w.lan.host(5))
	take()
	p.eng = w.add("ENG01", "engineering-workstation", "Dell", "Precision 3650", "Windows 10", winStack, w.lan, w.lan.host(30))
	p.scada = p.eng
	p.files = p.dc
	if n >= 9 {
		take()
		p.scada = w.add("SCADA01", "scada", "HP", "ProLiant DL360", "Windows Server 2016", winStack, w.lan, w.lan.host(10))
	}
	if n >= 12 {
		take()
		p.files = w.add("FILE01", "server", "Dell", "PowerEdge T340", "Windows Server 2019", winStack, w.lan, w.lan.host(6))
	}
	if n >= 16 {
		take()
		p.core = w.add("SW-CORE", "network-equipment", "Allied Telesis", "AT-x530-28GTXm", "AlliedWare Plus 5.5.1", linuxStack, w.lan, w.lan.host(250))
		p.switches = append(p.switches, p.core)
	}
	if n >= 24 {
		take()
		p.printer = w.add("PRN01", "printer", "Ricoh", "IM C3000", "RICOH Network Printer", linuxStack, w.lan, w.lan.host(60))
	}
	pcs := left / 3
	if n < 30 {
		pcs = left / 4
	}
	if n >= 7 {
		pcs = max(pcs, 1)
	}
	lineDevices := left - pcs

	line, inLine := -1, 99
	var net *subnet
	host := 0
	for i := 0; lineDevices > 0; i++ {
		ck := cellKinds[i%len(cellKinds)]
		if inLine+ck.members > 14 {
			line++
			net = lineNet(line)
			w.subnets = append(w.subnets, net)
			w.router.ips2 = append(w.router.ips2, net.gateway)
			w.router.ips = append(w.router.ips, addressSpan{ip: net.gateway})
			inLine, host = 0, 0
		}
		m := min(ck.members, lineDevices)
		lineDevices -= m
		inLine += m
		w.cell(p, ck.kind, m, line, net, &host, i)
	}
	for i := range pcs {
		a := w.lan.host(1024 + 64 + i)
		v := []string{"Dell", "HP"}[i%2]
		pc := w.add(fmt.Sprintf("PC%04d", i+1), "client", v, "OptiPlex", "Windows 10", winStack, w.lan, a)
		p.pcs = append(p.pcs, pc)
	}
	for i, name := range []string{"updates.vendor.example", "mail.cloud.example", "portal.supplier.example", "cdn.news.example", "maps.example", "files.partner.example"} {
		p.sites = append(p.sites, w.external(name, "external", ip4{198, 51, 100, byte(10 + 7*i)}))
	}
	for i, name := range []string{"hq-mail", "hq-erp", "hq-report"} {
		p.hq = append(p.hq, w.external(name, "remote-site", ip4{10, 1, 0, byte(25 + i)}))
	}
	return p
}

// cell furnishes one cell with m devices.
func (w *world) cell(p *plant, kind string, m, line int, net *subnet, host *int, i int) {
	c := cell{kind: kind, line: line + 1, net: net}
	addr := func() ip4 { *host++; return net.host(*host) }
	made := 0
	add := func(tag, role, vendor, model, os string, st stack, withIP bool) *node {
		if made == m {
			return nil
		}
		made++
		var a ip4
		if withIP {
			a = addr()
		}
		n := w.add(fmt.Sprintf("L%d-%s%d", line+1, tag, i), role, vendor, model, os, st, net, a)
		n.line = line + 1
		return n
	}
	winHMI := func() *node {
		if i%2 == 0 {
			return add("GOT", "hmi", "Mitsubishi Electric", "GT2710", "", plcStack, true)
		}
		return add("HMI", "hmi", "HP", "ProDesk 400", "Windows 7", winStack, true)
	}
	switch kind {
	case "slmp":
		c.first = add("PLC", "plc", "Mitsubishi Electric", "R08CPU", "", plcStack, true)
		c.first.port0, c.first.dialect = 5010, "3E"
		c.hmi = winHMI()
	case "slmp-mix":
		for j, d := range []string{"4E", "3E-ascii", "1E"} {
			n := add("PLC"+string(rune('A'+j)), "plc", "Mitsubishi Electric", []string{"Q26UDEHCPU", "L02CPU", "A2USHCPU-S1"}[j], "", plcStack, true)
			if n == nil {
				break
			}
			n.dialect, n.port0 = d, []uint16{5011, 5551, 1280}[j]
			switch j {
			case 0:
				c.first = n
			case 1:
				c.second = n
			case 2:
				c.third = n
			}
		}
		c.hmi = winHMI()
	case "ciefb":
		c.first = add("CPU", "plc", "Mitsubishi Electric", "R16CPU", "", plcStack, true)
		c.first.port0, c.first.dialect, c.first.datagrams = 5010, "3E", true
		for j := range m - 1 {
			s := add(fmt.Sprintf("RIO%c", 'A'+j), "io-device", "Mitsubishi Electric", "NZ2MFB1-32DT", "", plcStack, true)
			s.station = j + 1
			c.others = append(c.others, s)
		}
	case "fins":
		c.first = add("PLC", "plc", "OMRON", "CJ2M-CPU33", "", plcStack2, true)
		c.first.port0 = 9600
		c.hmi = add("NB", "hmi", "OMRON", "NB10W-TW01B", "", plcStack, true)
	case "fins-tcp":
		c.first = add("PLC", "plc", "OMRON", "CP1L-EL20DR-D", "", plcStack2, true)
		c.first.port0 = 9600
		c.hmi = add("GP", "hmi", "Digital Electronics", "GP-4501TW", "", plcStack, true)
	case "modbus":
		c.first = add("M340", "plc", "Schneider Electric", "BMX P34 2020", "", plcStack, true)
		c.first.port0 = 502
		if s := add("RIOM", "io-device", "Moxa", "ioLogik E1212", "", plcStack, true); s != nil {
			c.others = append(c.others, s)
		}
		c.hmi = add("HMI", "hmi", "Dell", "OptiPlex 3070", "Windows 10", winStack, true)
	case "ccie":
		c.first = add("CIEM", "plc", "Mitsubishi Electric", "RJ71GF11-T2", "", plcStack, false)
		for j := range m - 1 {
			s := add(fmt.Sprintf("CIER%c", 'A'+j), "io-device", "Mitsubishi Electric", "NZ2GF2B1-16D", "", plcStack, false)
			s.station = j + 1
			c.others = append(c.others, s)
		}
	case "sensors":
		c.sw = add("SW", "network-equipment", "Allied Telesis", "AT-IE210L-10GP", "AlliedWare Plus 5.4.9", linuxStack, true)
		if v := add("VIS", "camera", "Keyence", "CV-X480F", "", plcStack, true); v != nil {
			c.others = append(c.others, v)
			p.vision = append(p.vision, v)
		}
		p.switches = append(p.switches, c.sw)
	}
	if c.first != nil && c.first.ip != (ip4{}) {
		p.plcs = append(p.plcs, c.first)
	}
	for _, n := range []*node{c.second, c.third} {
		if n != nil {
			p.plcs = append(p.plcs, n)
		}
	}
	if c.hmi != nil {
		p.hmis = append(p.hmis, c.hmi)
	}
	p.cells = append(p.cells, c)
}
