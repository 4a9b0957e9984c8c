package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
)

// attack is one attack in one capture.
type attack struct {
	ID                           string
	kind                         *attackKind
	at, span                     int64 // planned start, and how long it may last
	slow                         bool  // as slowly as the rule that counts it still counts
	until                        int64 // when a silence is to end
	first, last                  int64 // of the frames written
	packets                      int64
	silent                       int64  // a silence that began then, made of no frames
	reason                       string // why it was not made
	srcIP, srcMAC, dstIP, dstMAC string
	others                       []string // further addresses and MACs that it is about
}

// attackKind is one kind of attack that can be switched on. expected are the
// kinds of alert that must come of it, possible those that may come besides.
type attackKind struct {
	id, technique, description string
	expected, possible         []string
	run                        func(w *world, p *plant, a *attack, r *rand.Rand)
}

const (
	device  = "connected-device"
	ipcomm  = "ip-communication"
	otIP    = "ot-ip"
	otEth   = "ot-ethernet"
	builtin = "built-in"
	volume  = "ip-volume"
	stats   = "ip-statistics"
)

// attackKinds in the order in which they are made. silent-device is last,
// because its device does not come back.
var attackKinds = []*attackKind{
	{"new-device", "T0864", "an unknown laptop on a line announces itself and pings a controller", []string{device, ipcomm}, []string{builtin}, attackNewDevice},
	{"rogue-device-known-ip", "T0830", "an unknown adapter takes the address of a known PC and asks the name server as that PC did", []string{device}, []string{builtin}, attackKnownIP},
	{"mac-new-ip", "T0849", "a known PC changes to a static address that nobody had", []string{device, ipcomm}, []string{builtin}, attackNewIP},
	{"mac-only-device", "T0864", "an unknown switch without address announces itself by LLDP", []string{device}, nil, attackMACOnly},
	{"new-communication", "T0886", "a known PC opens a remote desktop service on a known server", []string{ipcomm}, []string{builtin, stats}, attackNewCommunication},
	{"new-peer", "T0886", "a known PC uses the database service, which others use, for the first time", []string{ipcomm}, []string{stats}, attackNewPeer},
	{"new-udp", "T0885", "a known PC sends UDP to a port of a known server that nobody used", []string{ipcomm}, []string{stats}, attackNewUDP},
	{"smb-lateral", "T0886", "one PC logs on to another by SMB", []string{ipcomm}, []string{builtin}, attackSMB},
	{"internet-beacon", "T0885", "a controller calls an internet address at a fixed interval", []string{ipcomm}, []string{builtin, device, stats}, attackBeacon},
	{"internet-inbound", "T0883", "an internet address opens remote desktop on a server", []string{ipcomm}, []string{builtin, device, stats}, attackInbound},
	{"plc-stop", "T0858", "the engineering station stops a controller by SLMP and starts it again: known pair, new functions 1002 and 1001", []string{otIP}, []string{builtin}, attackPLCStop},
	{"plc-write", "T0836", "an office PC writes devices of a controller by SLMP", []string{ipcomm, otIP}, []string{builtin}, attackPLCWrite},
	{"slmp-program-download", "T0843", "the engineering station writes a file of a controller by SLMP: known pair, new functions 1827 1829 182A", []string{otIP}, []string{builtin}, attackDownload},
	{"slmp-log-clear", "T0872", "the engineering station clears a controller's event history by SLMP (161A)", []string{otIP}, []string{builtin}, attackLogClear},
	{"slmp-password", "T0859", "remote passwords are tried on a controller by SLMP (1630 answered C200)", []string{otIP}, []string{builtin}, attackPassword},
	{"slmp-read-by-stranger", "T0861", "an unknown laptop reads devices of a controller by SLMP", []string{device, ipcomm, otIP}, []string{builtin}, attackStrangerRead},
	{"fins-program-write", "T0843", "the engineering station writes a program area by FINS/UDP (0307): known pair, new function", []string{otIP}, []string{builtin}, attackFINSProgram},
	{"fins-stop", "T0858", "the operator terminal sends FINS stop and run (0402, 0401): known pair, new functions", []string{otIP}, []string{builtin}, attackFINSStop},
	{"fins-force", "T0835", "an office PC forces bits by FINS/UDP (2301)", []string{ipcomm, otIP}, []string{builtin}, attackFINSForce},
	{"modbus-write", "T0836", "an office PC writes a register by Modbus", []string{ipcomm, otIP}, []string{builtin}, attackModbusWrite},
	{"modbus-new-function", "T0888", "the SCADA server sends Modbus diagnostics (08) on a session that only ever read", []string{otIP}, []string{builtin}, attackModbusFunction},
	{"ccief-second-master", "T0848", "an unknown device sends cyclic requests of CC-Link IE Field Basic as a second master", []string{device, ipcomm, otIP}, []string{builtin}, attackSecondMaster},
	{"ccie-stop", "T0858", "the master's adapter sends remote STOP to a station of CC-Link IE Field (transient2 CT 09): known pair, new function", []string{otEth}, []string{builtin}, attackCCIEStop},
	{"ccie-object-write", "T0836", "the master's adapter writes an object of a station of CC-Link IE Field (transient1 objectWrite)", []string{otEth}, []string{builtin}, attackCCIEObject},
	{"ccie-stranger", "T0848", "an unknown adapter sends parameter frames of CC-Link IE Field to a station", []string{device, otEth}, []string{builtin}, attackCCIEStranger},
	{"arp-spoof", "T0830", "a known PC claims the addresses of the gateway and of a server", []string{device, builtin}, nil, attackARPSpoof},
	{"rogue-dhcp", "T0830", "an unknown router answers DHCP", []string{device, builtin}, []string{ipcomm}, attackRogueDHCP},
	{"rogue-ra", "T0830", "a known PC advertises itself as an IPv6 router", []string{builtin}, []string{ipcomm}, attackRogueRA},
	{"port-scan", "T0846", "a known PC tries ports of a controller", []string{ipcomm, builtin}, []string{stats, otIP}, attackPortScan},
	{"sweep", "T0846", "a known PC tries one port on every address of a line", []string{builtin}, []string{ipcomm, stats}, attackSweep},
	{"arp-sweep", "T0846", "a known operator terminal asks by ARP for every address of its line", []string{builtin}, nil, attackARPSweep},
	{"brute-force-telnet", "T0812", "a known PC tries passwords on a switch by Telnet", []string{ipcomm, builtin}, []string{stats}, attackTelnet},
	{"brute-force-ssh", "T0859", "a known PC tries passwords on a switch by SSH, several connections at once", []string{ipcomm, builtin}, []string{stats}, attackSSH},
	{"icmp-tunnel", "T0884", "a known PC carries data to another inside pings and their answers", []string{ipcomm, builtin}, []string{stats}, attackICMPTunnel},
	{"dns-tunnel", "T0884", "a known PC asks its name server for hundreds of random names of one domain", []string{builtin}, []string{stats, volume}, attackDNSTunnel},
	{"llmnr-poison", "T0830", "a known PC answers other hosts' LLMNR queries", []string{builtin}, []string{ipcomm}, attackLLMNR},
	{"syn-flood", "T0814", "a known PC opens connections to a service that it uses, by the hundred, and never completes them", []string{builtin}, []string{stats, volume}, attackSYNFlood},
	{"exception-storm", "T0888", "the SCADA server reads registers that do not exist: learned pair and function, exceptions by the dozen", []string{builtin}, []string{stats}, attackExceptions},
	{"write-storm", "T0806", "the operator terminal writes one value again and again: learned pair and function", []string{builtin}, []string{stats, volume}, attackWriteStorm},
	{"identity-change", "T0857", "a controller answers the identity request that it always had with another model name", []string{builtin}, nil, attackIdentity},
	{"exfiltration", "T0882", "a known PC uploads megabytes to a site that it knows", []string{volume}, []string{stats}, attackExfiltration},
	{"silent-device", "T0826", "a controller that was always heard falls silent", []string{builtin}, []string{stats, volume}, attackSilent},
}

// times is how often an attack does what a built-in rule counts: all, or with --scale so many times the rule's threshold,
// rounded down below 1 and up above.
func (w *world) times(all, threshold int) int {
	switch x := w.cfg.scale * float64(threshold); {
	case w.cfg.scale == 0:
		return all
	case w.cfg.scale < 1:
		return int(x + 1e-9)
	default:
		return int(math.Ceil(x - 1e-9))
	}
}

// slowly is how often, within which time, the built-in rule wants what it counts of an attack; where it has a companion
// for slow attacks, that one's numbers.
var slowly = map[string]struct {
	threshold int
	window    int64
}{
	"slmp-password": {3, 10 * minute}, "port-scan": {50, hour}, "sweep": {40, hour}, "arp-sweep": {50, minute},
	"brute-force-telnet": {5, 5 * minute}, "brute-force-ssh": {10, 5 * minute}, "icmp-tunnel": {10, minute},
	"dns-tunnel": {50, 10 * minute}, "llmnr-poison": {3, 10 * minute}, "exception-storm": {10, minute},
	"write-storm": {60, minute}, // twice 30: the terminal's own product changes were learned, and the rule wants 2.5 times as many
}

// steps is how often an attack does what a built-in rule counts, and how far apart: all of it with the gap given, with --scale
// as times says, made slowly as often as the rule wants over nine tenths of its window.
func (w *world) steps(a *attack, all, threshold int, gap int64) (n int, apart int64) {
	if s, ok := slowly[a.kind.id]; a.slow && ok {
		return s.threshold, s.window * 9 / 10 / int64(s.threshold)
	}
	return w.times(all, threshold), gap
}

// attackByID finds a kind.
func attackByID(id string) *attackKind {
	i := slices.IndexFunc(attackKinds, func(k *attackKind) bool { return k.id == id })
	if i < 0 {
		return nil
	}
	return attackKinds[i]
}

// schedule spreads the switched-on attacks over the attacked part.
func (w *world) schedule(p *plant) {
	var on []*attackKind
	for _, k := range attackKinds {
		if slices.Contains(w.cfg.attacks, k.id) {
			on = append(on, k)
		}
	}
	if len(on) == 0 {
		return
	}
	used := map[[2]*node]bool{}
	w.unused = func(r *rand.Rand, src, dst []*node) (*node, *node) {
		for _, i := range r.Perm(len(src)) {
			for _, j := range r.Perm(len(dst)) {
				s, d := src[i], dst[j]
				if s != d && s != nil && d != nil && !used[[2]*node{s, d}] {
					used[[2]*node{s, d}] = true
					return s, d
				}
			}
		}
		return nil, nil
	}
	begin := w.quietTo()
	if !w.cfg.slow {
		w.spread(p, on, begin, w.end, false)
		return
	}
	w.spread(p, on, begin, begin+(w.end-begin)/6, false)
	clear(used) // slowly, the same two do it again
	w.spread(p, on, w.end-(w.end-begin)/3, w.end, true)
}

// quietTo is when the attacks begin.
func (w *world) quietTo() int64 { return min(w.cut+int64(w.cfg.quiet), w.end) }

// spread makes attacks one after the other from begin to end.
func (w *world) spread(p *plant, on []*attackKind, begin, end int64, slow bool) {
	lo := begin + (end-begin)/50
	hi := end - (end-begin)/30
	if longest := w.longestCycle(); longest > minute {
		// The last attack is a silence: who is heard each few minutes is missed after ten times as long.
		hi = min(hi, end-min(10*longest, (end-begin)/6))
	}
	slot := (hi - lo) / int64(len(on))
	for _, k := range on {
		number := len(w.attacks) + 1
		r := w.rand("attack %s", k.id)
		a := &attack{ID: fmt.Sprintf("%02d-%s", number, k.id), kind: k, first: math.MaxInt64, slow: slow, until: end + day}
		if end < w.end {
			a.until = end // it is wanted again
		}
		a.at = lo + r.Int64N(max(1, slot/4))
		lo += slot
		a.span = min(10*minute, slot/2)
		w.attacks = append(w.attacks, a)
		w.active = a
		k.run(w, p, a, r)
		w.active = nil
		if a.reason == "" && a.at >= end {
			a.reason = "no time left"
		}
	}
}

// between notes who does it to whom.
func (a *attack) between(s, d *node) {
	if s != nil {
		a.srcIP, a.srcMAC = ipText(s.ip), s.mac.String()
		if s.remote {
			a.srcMAC = ""
		}
	}
	if d != nil {
		a.dstIP, a.dstMAC = ipText(d.ip), d.mac.String()
		if d.remote {
			a.dstMAC = ""
		}
	}
}

func ipText(a ip4) string {
	if a == (ip4{}) {
		return ""
	}
	return a.String()
}

// intruder makes a device that only this attack knows.
func (w *world) intruder(a *attack, vendor string, st stack, net *subnet, host int) *node {
	var ip ip4
	if host > 0 {
		ip = net.host(host)
	}
	n := w.add("X-"+a.ID, "unknown", vendor, "", "", st, net, ip)
	n.attack = a.ID
	return n
}

// find returns the first PLC that matches.
func (p *plant) find(r *rand.Rand, ok func(n *node) bool) *node {
	for _, i := range r.Perm(len(p.plcs)) {
		if ok(p.plcs[i]) {
			return p.plcs[i]
		}
	}
	return nil
}

func (p *plant) where(ok func(n *node) bool) []*node {
	var l []*node
	for _, n := range p.plcs {
		if ok(n) {
			l = append(l, n)
		}
	}
	return l
}

func isSLMP(n *node) bool    { return n.dialect == "3E" || n.dialect == "4E" || n.dialect == "3E-ascii" }
func isFINSUDP(n *node) bool { return n.port0 == 9600 && n.model != "CP1L-EL20DR-D" }
func isModbus(n *node) bool  { return n.port0 == 502 }

// cared returns those PLCs that the engineering station works on.
func (p *plant) cared(ok func(n *node) bool) []*node {
	var l []*node
	for i, n := range p.plcs {
		if i < 12 && ok(n) {
			l = append(l, n)
		}
	}
	return l
}

func (p *plant) servers() []*node {
	l := []*node{p.dc}
	if p.files != p.dc {
		l = append(l, p.files)
	}
	if p.scada != p.eng {
		l = append(l, p.scada)
	}
	return l
}

func (p *plant) cell(kind string, ok func(c *cell) bool) *cell {
	for i := range p.cells {
		if c := &p.cells[i]; c.kind == kind && ok(c) {
			return c
		}
	}
	return nil
}

func attackNewDevice(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.plcs) == 0 {
		a.reason = "no controller"
		return
	}
	d := p.plcs[r.IntN(len(p.plcs))]
	x := w.intruder(a, "Realtek", winStack, d.net, 201)
	a.between(x, d)
	w.at(a.at, func(t int64) {
		w.announce(t, x)
		for i := range 8 {
			w.at(t+5*second+int64(i)*second, func(t int64) { w.ping(t, x, d, uint16(i)) })
		}
		w.at(t+20*second, func(t int64) { w.nbnsQuery(t, x, "WORKGROUP") })
	})
}

func attackKnownIP(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	v := p.pcs[r.IntN(len(p.pcs))]
	x := w.intruder(a, "Realtek", linuxStack, v.net, 0)
	x.ip = v.ip
	x.ips = []addressSpan{{ip: v.ip, from: a.at}}
	a.between(x, p.dc)
	w.at(a.at, func(t int64) {
		w.announce(t, x)
		for i := range 6 {
			w.at(t+5*second+int64(i)*4*second, func(t int64) { w.lookup(t, x, p.dc, "file01."+domain, p.files.ip) })
		}
	})
}

func attackNewIP(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	v := p.pcs[r.IntN(len(p.pcs))]
	x := *v
	x.ip = w.lan.host(77)
	x.arp = map[ip4]int64{}
	x.downFrom, x.downTo = 0, 0
	a.between(&x, p.dc)
	v.ips = append(v.ips, addressSpan{ip: x.ip, from: a.at, to: a.at + a.span})
	w.at(a.at, func(t int64) {
		w.announce(t, &x)
		for i := range 6 {
			w.at(t+5*second+int64(i)*5*second, func(t int64) { w.lookup(t, &x, p.dc, "file01."+domain, p.files.ip) })
		}
	})
}

func attackMACOnly(w *world, p *plant, a *attack, r *rand.Rand) {
	x := w.intruder(a, "Cisco", linuxStack, w.lan, 0)
	x.name, x.model, x.os = "Switch", "SG250", "2.5"
	a.between(x, nil)
	for i := range 10 {
		w.at(a.at+int64(i)*30*second, func(t int64) { w.lldp(t, x) })
	}
}

// talk is a plain session of text lines.
func (w *world) talk(t int64, s, d *node, port uint16, lines int, r *rand.Rand) {
	k := w.newConn(s, d, port, r)
	t = k.open(t)
	for range lines {
		t = k.exchange(t, randomBytes(r, 60+r.IntN(200)), randomBytes(r, 200+r.IntN(1000))) + between(r, 200*ms, 2*second)
	}
	k.close(t)
}

func attackNewCommunication(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.servers())
	if s == nil {
		a.reason = "no unused pair of a PC and a server"
		return
	}
	a.between(s, d)
	w.at(a.at, func(t int64) { w.talk(t, s, d, 5938, 12, r) })
}

func attackNewPeer(w *world, p *plant, a *attack, r *rand.Rand) {
	if p.scada == p.eng || len(p.pcs) == 0 {
		a.reason = "no PC and database"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	a.between(s, p.scada)
	for i := range 3 {
		w.at(a.at+int64(i)*20*second, func(t int64) { w.sql(t, s, p.scada, r) })
	}
}

func attackNewUDP(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.servers())
	if s == nil {
		a.reason = "no unused pair of a PC and a server"
		return
	}
	a.between(s, d)
	for i := range 10 {
		w.at(a.at+int64(i)*3*second, func(t int64) { w.ask(t, s, d, 40444, randomBytes(r, 90), randomBytes(r, 150)) })
	}
}

func attackSMB(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.pcs)
	if s == nil {
		a.reason = "fewer than two PCs"
		return
	}
	a.between(s, d)
	w.at(a.at, func(t int64) { w.smbSession(t, s, d, 19045, 19045, "administrator", 40_000, 4000, r) })
}

func attackBeacon(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.plcs) == 0 {
		a.reason = "no controller"
		return
	}
	s := p.plcs[r.IntN(len(p.plcs))]
	x := w.external("c2.invalid", "external", ip4{203, 0, 113, 66})
	x.attack = a.ID
	a.between(s, x)
	for i := range int64(w.times(24, 20)) {
		w.at(a.at+i*(a.span/24), func(t int64) {
			k := w.newConn(s, x, 8443, r)
			t = k.open(t)
			t = k.exchange(t, randomBytes(r, 48), randomBytes(r, 32))
			k.close(t)
		})
	}
}

func attackInbound(w *world, p *plant, a *attack, r *rand.Rand) {
	d := p.servers()[r.IntN(len(p.servers()))]
	x := w.external("scanner.invalid", "external", ip4{192, 0, 2, 99})
	x.attack = a.ID
	a.between(x, d)
	w.at(a.at, func(t int64) { w.talk(t, x, d, 3389, 10, r) })
}

// slmpByEngineer is a session of the engineering station with an SLMP controller, or, with calls so far apart, one for each.
func (w *world) slmpByEngineer(p *plant, a *attack, r *rand.Rand, apart int64, calls ...slmpCall) {
	l := p.cared(isSLMP)
	if len(l) == 0 {
		a.reason = "no SLMP controller"
		return
	}
	d := l[r.IntN(len(l))]
	a.between(p.eng, d)
	var list []pdu
	for i, c := range calls {
		list = append(list, w.slmpPDU(p.eng, d, c, i+1))
	}
	w.sessions(a, p.eng, d, list, apart, r)
}

// sessions runs the requests on one connection, or, where they are apart, each on its own.
func (w *world) sessions(a *attack, s, d *node, list []pdu, apart int64, r *rand.Rand) {
	if apart == 0 {
		w.at(a.at, func(t int64) { w.session(t, s, d, list, nil, r) })
		return
	}
	for i := range list {
		w.at(a.at+int64(i)*apart, func(t int64) { w.session(t, s, d, list[i:i+1], nil, r) })
	}
}

func attackPLCStop(w *world, p *plant, a *attack, r *rand.Rand) {
	w.slmpByEngineer(p, a, r, 0, slmpRead(0, values(r, 4)), slmpRemote(0x1002), slmpRead(0, values(r, 4)), slmpRemote(0x1001))
}

func attackDownload(w *world, p *plant, a *attack, r *rand.Rand) {
	name := utf16le("MAIN.PRG")
	calls := []slmpCall{{cmd: 0x1827, class: "control", data: cat(le16(0), le16(1), le16(4), le16(8), name), answer: le16(1)}}
	for i := range 8 {
		calls = append(calls, slmpCall{cmd: 0x1829, class: "control",
			data: cat(le16(1), []byte{0, byte(i), 0, 0}, le16(256), randomBytes(r, 256)), answer: le16(256)})
	}
	calls = append(calls, slmpCall{cmd: 0x182a, class: "control", data: cat(le16(1), le16(0))})
	w.slmpByEngineer(p, a, r, 0, calls...)
}

func attackLogClear(w *world, p *plant, a *attack, r *rand.Rand) {
	w.slmpByEngineer(p, a, r, 0, slmpCall{cmd: 0x161a, class: "control"})
}

func attackPassword(w *world, p *plant, a *attack, r *rand.Rand) {
	var calls []slmpCall
	all := []string{"1234", "melsec", "password", "admin", "0000", "mitsubishi", "factory", "plc1"}
	n, apart := w.steps(a, len(all), 3, 0)
	for _, pw := range all[:n] {
		calls = append(calls, slmpPassword(pw, 0xc200))
	}
	w.slmpByEngineer(p, a, r, apart, calls...)
}

func attackPLCWrite(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.where(isSLMP))
	if s == nil {
		a.reason = "no unused pair of a PC and an SLMP controller"
		return
	}
	a.between(s, d)
	w.at(a.at, func(t int64) {
		w.session(t, s, d, []pdu{w.slmpPDU(s, d, slmpRead(300, values(r, 4)), 1), w.slmpPDU(s, d, slmpWrite(300, values(r, 4)), 2)}, nil, r)
	})
}

func attackStrangerRead(w *world, p *plant, a *attack, r *rand.Rand) {
	d := p.find(r, isSLMP)
	if d == nil {
		a.reason = "no SLMP controller"
		return
	}
	x := w.intruder(a, "Realtek", linuxStack, d.net, 207)
	a.between(x, d)
	w.at(a.at, func(t int64) {
		w.announce(t, x)
		var list []pdu
		for i := range w.times(20, 10) {
			list = append(list, w.slmpPDU(x, d, slmpRead(uint32(100*i), values(r, 60)), i+1))
		}
		w.session(t+5*second, x, d, list, nil, r)
	})
}

func attackFINSProgram(w *world, p *plant, a *attack, r *rand.Rand) {
	l := p.cared(isFINSUDP)
	if len(l) == 0 {
		a.reason = "no FINS/UDP controller"
		return
	}
	d := l[r.IntN(len(l))]
	a.between(p.eng, d)
	for i := range 6 {
		w.at(a.at+int64(i)*second, func(t int64) {
			w.fins(t, p.eng, d, finsCall{code: 0x0307, class: "control",
				data:   cat([]byte{0xff, 0xff, 0, 0, byte(i), 0, 0x80, 0x80}, randomBytes(r, 128)),
				answer: []byte{0xff, 0xff, 0, 0, byte(i), 0, 0x80, 0x80}}, i)
		})
	}
}

func attackFINSStop(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.cell("fins", func(c *cell) bool { return c.hmi != nil })
	if c == nil {
		a.reason = "no FINS terminal"
		return
	}
	a.between(c.hmi, c.first)
	w.at(a.at, func(t int64) {
		w.fins(t, c.hmi, c.first, finsCall{code: 0x0402, class: "control"}, 9)
	})
	w.at(a.at+30*second, func(t int64) {
		w.fins(t, c.hmi, c.first, finsCall{code: 0x0401, class: "control", data: []byte{0xff, 0xff, 4}}, 10)
	})
}

func attackFINSForce(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.where(isFINSUDP))
	if s == nil {
		a.reason = "no unused pair of a PC and a FINS/UDP controller"
		return
	}
	a.between(s, d)
	for i := range 3 {
		w.at(a.at+int64(i)*2*second, func(t int64) {
			w.fins(t, s, d, finsCall{code: 0x2301, class: "control", data: []byte{0, 1, 0, 1, 0x30, 0, 10, byte(i)}}, i)
		})
	}
}

func attackModbusWrite(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.where(isModbus))
	if s == nil {
		a.reason = "no unused pair of a PC and a Modbus controller"
		return
	}
	a.between(s, d)
	w.at(a.at, func(t int64) {
		w.session(t, s, d, []pdu{w.modbusPDU(s, d, modbusRead(3, 40, values(r, 4)), 1), w.modbusPDU(s, d, modbusWrite(40, 0), 2)}, nil, r)
	})
}

func attackModbusFunction(w *world, p *plant, a *attack, r *rand.Rand) {
	d := p.find(r, isModbus)
	if d == nil || p.scada == p.eng {
		a.reason = "no Modbus controller"
		return
	}
	a.between(p.scada, d)
	w.at(a.at, func(t int64) {
		w.session(t, p.scada, d, []pdu{
			w.modbusPDU(p.scada, d, modbusCall{fn: 8, class: "control", unit: 1, data: []byte{0, 1, 0, 0}, answer: []byte{0, 1, 0, 0}}, 1),
			w.modbusPDU(p.scada, d, modbusIdentify(d.vendor, d.model, "v3.10"), 2),
		}, nil, r)
	})
}

func attackSecondMaster(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.cell("ciefb", func(c *cell) bool { return len(c.others) > 0 })
	if c == nil {
		a.reason = "no CC-Link IE Field Basic network"
		return
	}
	x := w.intruder(a, "Realtek", linuxStack, c.net, 213)
	a.between(x, c.first)
	a.dstIP, a.dstMAC = c.net.broadcast().String(), macBroadcast.String()
	w.at(a.at, func(t int64) {
		w.announce(t, x)
		for i := range 20 {
			w.at(t+5*second+int64(i)*500*ms, func(t int64) {
				ids := []ip4{c.others[0].ip}
				to := c.net.broadcast()
				w.udpTo(t, x, ciefbPort, to, ciefbPort, ciefbRequest(x.ip, ids, 1, uint16(i), (t+w.zone)/ms, true, 0x0e70),
					w.ciefbOp(x.ip, to, "0e70:0000", "request", "cyclic", ""))
				s := c.others[0]
				w.udp(t+2*ms, s, ciefbPort, x, ciefbPort, w.comm(x.ip, s.ip, 17, ciefbPort), ciefbResponse(s.ip, 1, uint16(i), 0xcfe0),
					w.ciefbOp(s.ip, x.ip, "0e70:0000", "error", "cyclic", "cfe0"))
			})
		}
	})
}

func (p *plant) field() *cell { return p.cell("ccie", func(c *cell) bool { return len(c.others) > 0 }) }

func attackCCIEStop(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.field()
	if c == nil {
		a.reason = "no CC-Link IE Field network"
		return
	}
	s := c.others[0]
	a.between(c.first, s)
	w.at(a.at, func(t int64) {
		w.ccie(t, c.first, s.mac, ccieFrame(ccieTransient2, 0, 0, 0, ccieTransient2Body(0x09)), ":09", "request", "control")
		w.ccie(t+20*second, c.first, s.mac, ccieFrame(ccieTransient2, 0, 0, 0, ccieTransient2Body(0x08)), ":08", "request", "control")
	})
}

func attackCCIEObject(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.field()
	if c == nil {
		a.reason = "no CC-Link IE Field network"
		return
	}
	s := c.others[len(c.others)-1]
	a.between(c.first, s)
	for i := range 4 {
		w.at(a.at+int64(i)*3*second, func(t int64) {
			w.ccie(t, c.first, s.mac, ccieFrame(ccieTransient1, 0x08, 0, 0, ccieTransient1Body(3, 0)), ":03", "request", "write")
		})
	}
}

func attackCCIEStranger(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.field()
	if c == nil {
		a.reason = "no CC-Link IE Field network"
		return
	}
	x := w.intruder(a, "Siemens", plcStack, c.net, 0)
	s := c.others[0]
	a.between(x, s)
	for i := range 12 {
		w.at(a.at+int64(i)*10*second, func(t int64) {
			w.ccie(t, x, s.mac, ccieFrame(ccieParameter, 0, 0, 0, make([]byte, 96)), "", "none", "control")
		})
	}
}

func attackARPSpoof(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	v := p.files
	a.between(s, v)
	a.others = []string{ipText(v.ip), v.mac.String()}
	a.dstIP = s.net.gateway.String()
	a.dstMAC = w.router.mac.String()
	for i := range 30 {
		w.at(a.at+int64(i)*2*second, func(t int64) {
			w.emit(t, ethernet(v.mac, s.mac, 0x0806, arpPacket(2, s.mac, s.net.gateway, v.mac, v.ip)), nil)
			w.emit(t+5*ms, ethernet(w.router.mac, s.mac, 0x0806, arpPacket(2, s.mac, v.ip, w.router.mac, s.net.gateway)), nil)
		})
	}
}

func attackRogueDHCP(w *world, p *plant, a *attack, r *rand.Rand) {
	x := w.intruder(a, "Realtek", linuxStack, w.lan, 190)
	a.between(x, nil)
	a.dstIP, a.dstMAC = ipBroadcast.String(), macBroadcast.String()
	w.at(a.at, func(t int64) {
		w.announce(t, x)
		for i := range 6 {
			w.at(t+5*second+int64(i)*15*second, func(t int64) {
				m := mac{0x00, 0x14, 0x22, 0x99, 0, byte(i)}
				if len(p.pcs) > 0 {
					m = p.pcs[i%len(p.pcs)].mac
				}
				w.emit(t, ipv4Frame(macBroadcast, x.mac, x.header(ipBroadcast, 17), udpSegment(x.ip, ipBroadcast, 67, 68,
					dhcpMessage(dhcpOffer, r.Uint32(), m, ip4{}, w.lan.host(2000+i), dhcpServerOptions(x, w.lan, 600)))),
					w.comm(x.ip, ipBroadcast, 17, 68))
			})
		}
	})
}

func attackRogueRA(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	a.srcIP, a.srcMAC, a.dstIP, a.dstMAC = linkLocal(s.mac).String(), s.mac.String(), allNodes.String(), "33:33:00:00:00:01"
	for i := range 5 {
		w.at(a.at+int64(i)*10*second, func(t int64) { w.advertise6(t, s) })
	}
}

func attackPortScan(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.where(func(n *node) bool { return isSLMP(n) || isModbus(n) }))
	if s == nil {
		a.reason = "no unused pair of a PC and a controller"
		return
	}
	a.between(s, d)
	ports := []uint16{21, 22, 23, 25, 53, 80, 102, 110, 111, 135, 139, 143, 443, 445, 587, 993, 1025, 1433, 1521, 1962, 2000, 2222, 2404, 3000, 3306, 3389, 4840, 5000, 5001, 5007, 5432, 5900, 6000, 7000, 8000, 8080, 8443, 9600, 10000, 20000, 44818, 47808, d.port0}
	if a.slow {
		ports = append([]uint16{7, 9, 13, 17, 19, 37, 49, 79, 88, 106}, ports...)
		ports = slices.DeleteFunc(ports, func(port uint16) bool { return port == d.port0 }) // it answers there: that is not counted
	}
	n, apart := w.steps(a, len(ports), 20, min(a.span/int64(len(ports)), 500*ms))
	for i, port := range ports[:n] {
		w.at(a.at+int64(i)*apart, func(t int64) {
			k := w.newConn(s, d, port, r)
			if port != d.port0 {
				k.refused(t)
				return
			}
			k.reset(k.open(t))
		})
	}
}

func attackSweep(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 || len(w.subnets) < 2 {
		a.reason = "no PC and line"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	net := w.subnets[1]
	a.between(s, nil)
	a.dstIP = fmt.Sprintf("%s/24", ipFrom(net.base))
	n, apart := w.steps(a, 60, 15, 300*ms)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			d := w.byIP[net.host(i+1)]
			if d == nil || d.down(t) {
				d = &node{name: "none", ip: net.host(i + 1), net: net, stack: plcStack, arp: map[ip4]int64{}, arpLife: hour, r: r}
				k := w.newConn(s, d, 102, r)
				k.segment(t, true, tcpSYN, synOptions("windows", t, 0), nil)
				return
			}
			w.newConn(s, d, 102, r).refused(t)
		})
	}
}

func attackARPSweep(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.hmis) == 0 {
		a.reason = "no operator terminal"
		return
	}
	s := p.hmis[r.IntN(len(p.hmis))]
	a.between(s, nil)
	a.dstIP = fmt.Sprintf("%s/24", ipFrom(s.net.base))
	from := 1
	if w.cfg.scale != 0 || a.slow {
		from = 100 // where nobody is: what is there is not counted
	}
	n, apart := w.steps(a, 200, 50, 100*ms)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			ip := s.net.host(from + i)
			if ip == s.ip {
				return
			}
			w.emit(t, ethernet(macBroadcast, s.mac, 0x0806, arpPacket(1, s.mac, s.ip, mac{}, ip)), nil)
			if d := w.byIP[ip]; d != nil && !d.down(t) && d.attack == "" {
				w.emit(t+300*us, ethernet(s.mac, d.mac, 0x0806, arpPacket(2, d.mac, ip, s.mac, s.ip)), nil)
			}
		})
	}
}

func attackTelnet(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.switches)
	if s == nil {
		a.reason = "no unused pair of a PC and a switch"
		return
	}
	a.between(s, d)
	n, apart := w.steps(a, 14, 5, min(a.span/14, 10*second))
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			k := w.newConn(s, d, 23, r)
			t = k.open(t)
			t = k.send(t+5*ms, false, []byte("login: "))
			t = k.exchange(t+ms, []byte("admin\r\n"), []byte("Password: "))
			t = k.exchange(t, fmt.Appendf(nil, "pass%04d\r\n", i), []byte("\r\nLogin incorrect\r\nlogin: "))
			k.close(t)
		})
	}
}

func attackSSH(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.switches)
	if s == nil {
		a.reason = "no unused pair of a PC and a switch"
		return
	}
	a.between(s, d)
	n, apart := w.steps(a, 8, 5, 200*ms)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			k := w.newConn(s, d, 22, r)
			t = k.open(t)
			t = k.exchange(t, []byte("SSH-2.0-libssh_0.8.1\r\n"), []byte("SSH-2.0-dropbear_2019.78\r\n"))
			for range 5 { // keys, then two passwords
				t = k.exchange(t, randomBytes(r, 140), randomBytes(r, 220))
			}
			k.close(t)
		})
	}
}

func attackICMPTunnel(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.pcs)
	if s == nil {
		a.reason = "fewer than two PCs"
		return
	}
	a.between(s, d)
	n, apart := w.steps(a, 60, 10, 500*ms)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			asked := randomBytes(r, 60)
			w.echo(t, s, d, uint16(i), asked, append(randomBytes(r, 30+r.IntN(400)), asked...))
		})
	}
}

func attackDNSTunnel(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	a.between(s, p.dc)
	n, apart := w.steps(a, 300, 50, a.span/300)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) {
			var b strings.Builder
			for range 52 {
				b.WriteByte("abcdefghijklmnopqrstuvwxyz234567"[r.IntN(32)])
			}
			name := b.String() + ".t.tunnel.example"
			id := uint16(r.Uint32())
			txt := randomBytes(r, 80)
			w.ask(t, s, p.dc, 53, dnsQuery(id, 0x0100, name, 16), dnsAnswer(id, name, 16, append([]byte{80}, txt...)))
		})
	}
}

func attackLLMNR(w *world, p *plant, a *attack, r *rand.Rand) {
	s, d := w.unused(r, p.pcs, p.pcs)
	if s == nil {
		a.reason = "fewer than two PCs"
		return
	}
	a.between(s, d)
	names := []string{"wpad", "fileserver", "printsrv", "oldnas", "mailhost"}
	n, apart := w.steps(a, len(names), 3, 10*second)
	if w.cfg.scale != 0 || a.slow {
		names = append(names[1:], "backup")[:n] // wpad alone is enough
	}
	for i, name := range names {
		w.at(a.at+int64(i)*apart, func(t int64) {
			id, port := uint16(r.Uint32()), d.ephemeral()
			w.udpTo(t, d, port, ip4{224, 0, 0, 252}, 5355, dnsQuery(id, 0, name, 1))
			b := dnsAnswer(id, name, 1, s.ip[:])
			b[2], b[3] = 0x80, 0
			w.udp(t+2*ms, s, 5355, d, port, w.comm(d.ip, s.ip, 17, 5355), b)
		})
	}
}

func attackSYNFlood(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	s := p.pcs[r.IntN(len(p.pcs))]
	a.between(s, p.files)
	for i := range w.times(1500, 200) {
		w.at(a.at+int64(i)*10*ms, func(t int64) {
			k := w.newConn(s, p.files, 445, r)
			t = k.segment(t, true, tcpSYN, synOptions("windows", t, 0), nil)
			k.segment(t+100*us, false, tcpSYN|tcpACK, synOptions("windows", t, 0), nil)
		})
	}
}

func attackExceptions(w *world, p *plant, a *attack, r *rand.Rand) {
	d := p.find(r, isModbus)
	if d == nil || p.scada == p.eng {
		a.reason = "no Modbus controller"
		return
	}
	a.between(p.scada, d)
	var list []pdu
	n, apart := w.steps(a, 60, 10, 0)
	for i := range n {
		m := modbusRead(3, uint16(20000+100*i), values(r, 100))
		m.except = 2
		list = append(list, w.modbusPDU(p.scada, d, m, i))
	}
	w.sessions(a, p.scada, d, list, apart, r)
}

func attackWriteStorm(w *world, p *plant, a *attack, r *rand.Rand) {
	c := p.cell("fins", func(c *cell) bool { return c.hmi != nil })
	if c == nil {
		a.reason = "no FINS terminal"
		return
	}
	a.between(c.hmi, c.first)
	n, apart := w.steps(a, 240, 30, 250*ms)
	for i := range n {
		w.at(a.at+int64(i)*apart, func(t int64) { w.fins(t, c.hmi, c.first, finsWrite(200, []uint16{uint16(i % 2 * 100), 0}), i) })
	}
}

func attackIdentity(w *world, p *plant, a *attack, r *rand.Rand) {
	l := p.cared(func(n *node) bool { return isSLMP(n) })
	if len(l) == 0 {
		a.reason = "no SLMP controller"
		return
	}
	d := l[r.IntN(len(l))]
	a.between(d, p.eng)
	w.at(a.at, func(t int64) {
		w.session(t, p.eng, d, []pdu{w.slmpPDU(p.eng, d, slmpTypeName("R120PCPU", 0x4804), 1)}, nil, r)
	})
}

func attackExfiltration(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.pcs) == 0 {
		a.reason = "no PC"
		return
	}
	w.at(a.at, func(t int64) {
		// The PC that used its site most.
		most := func(i int) int64 { return w.comm(p.pcs[i].ip, p.hq[i%2].ip, 6, 443).clean }
		i := 0
		for k := range p.pcs {
			if most(k) > most(i) {
				i = k
			}
		}
		s, d := p.pcs[i], p.hq[i%2]
		a.between(s, d)
		w.tlsSession(t, s, d, 443, d.name, 20_000_000, 3000, r)
	})
}

func attackSilent(w *world, p *plant, a *attack, r *rand.Rand) {
	if len(p.plcs) == 0 {
		a.reason = "no controller"
		return
	}
	d := p.plcs[r.IntN(len(p.plcs))]
	a.between(d, nil)
	w.at(a.at, func(t int64) {
		a.silent = t
		d.downFrom, d.downTo = t, a.until
		if w.cfg.scale != 0 { // whole minutes without a frame
			d.downFrom = (t/minute + 1) * minute
			d.downTo = d.downFrom + int64(w.times(0, 5))*minute
		}
	})
}
