package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// live gives every device its recurring behaviour.
func (w *world) live(p *plant) {
	w.power(p)
	for i := range p.cells {
		w.runCell(p, &p.cells[i])
	}
	w.supervise(p)
	w.engineer(p)
	w.network(p)
	w.office(p)
	w.restarts(p)
}

// clean returns the time at fraction f of the clean part.
func (w *world) clean(f float64) int64 { return w.start + int64(f*float64(w.cut-w.start)) }

// power decides when each device is first used.
func (w *world) power(p *plant) {
	r := w.rand("power")
	local := w.start + w.zone
	morning := local - local%day + 8*hour - w.zone
	if morning < w.start {
		morning += day
	}
	for i, pc := range p.pcs {
		switch {
		case i%10 == 4: // first used in the clean part
			pc.settled = w.within(r, office, w.clean(0.3), w.clean(0.6))
			w.noteAt(pc.settled, "first-used", pc.name)
		case morning+hour < w.clean(0.65) && w.level(office, morning+hour) > 0:
			pc.settled = morning - 10*minute + r.Int64N(40*minute)
		default:
			pc.settled = w.start + r.Int64N(1+(w.cut-w.start)/10)
		}
		w.boot(p, pc, i == 2)
	}
	for _, v := range p.vision {
		v.settled = w.within(r, production, w.clean(0.1), w.clean(0.5))
		w.noteAt(v.settled, "first-used", v.name)
		w.at(v.settled, func(t int64) { w.announce(t, v) })
	}
}

// boot starts an office PC each working morning; moves says that it gets
// another address by DHCP in the clean part.
func (w *world) boot(p *plant, pc *node, moves bool) {
	r := w.rand("boot %s", pc.name)
	start := func(t int64, a ip4, short bool) {
		t = w.lease(t, pc, p.dc, a, r) + 300*ms
		pc.ip = a
		w.announce(t, pc)
		w.at(t+2*second, func(t int64) { w.boot6(t, pc) })
		t += 4 * second
		for i, s := range []byte{0x00, 0x20} {
			w.at(t+int64(i)*800*ms, func(t int64) { w.nbnsRegister(t, pc, s, false, pc.name) })
		}
		w.at(t+2*second, func(t int64) { w.nbnsRegister(t, pc, 0, true, "PLANT") })
		w.at(t+3*second, func(t int64) { w.browserAnnounce(t, pc, 10, 0, false) })
		w.at(t+4*second, func(t int64) { w.llmnr(t, pc, "wpad"); w.mdns(t, pc) })
		w.at(t+5*second, func(t int64) {
			t = w.lookup(t, pc, p.dc, "dc01."+domain, p.dc.ip)
			w.ntp(t+ms, pc, p.dc)
			if !short {
				w.smbSession(t+second, pc, p.dc, 19045, 17763, strings.ToLower(pc.name), 400, 3000, r)
			}
		})
	}
	first := pc.settled
	if moves {
		old := w.lan.host(1024 + 40)
		now := pc.ip
		pc.ips = []addressSpan{{ip: old, from: first, to: first + (w.clean(0.35)-w.start)/2}, {ip: now}}
		move := first + (w.clean(0.35)-w.start)/2
		pc.ips[0].to, pc.ips[1].from = move, move
		w.noteAt(move, "address-moved", pc.name)
		w.at(first, func(t int64) { start(t, old, false) })
		w.at(move, func(t int64) { start(t, now, false) })
		pc.settled = move + minute
	} else {
		w.at(first, func(t int64) { start(t, pc.ip, false) })
		pc.settled = first + minute
	}
	local := first + w.zone
	next := local - local%day + day + 8*hour - w.zone
	w.every(next, func(t int64) int64 {
		if w.level(office, t+hour) > 0 {
			w.at(t+r.Int64N(40*minute), func(t int64) { start(t, pc.ip, false) })
		}
		return t + day
	})
}

// values makes n process values that move slowly.
func values(r *rand.Rand, n int) []uint16 {
	v := make([]uint16, n)
	for i := range v {
		v[i] = uint16(1000 + 40*i + r.IntN(50))
	}
	return v
}

// slmpPDU frames one call in the PLC's dialect with its counters.
func (w *world) slmpPDU(c, s *node, call slmpCall, serial int) pdu {
	req, resp := call.frames(s.dialect, uint16(serial))
	return pdu{req, resp, w.slmpOps(c.ip, s.ip, call.code(), call.class, call.end)}
}

func (w *world) slmp1EPDU(c, s *node, cmd uint8, head uint32, v []uint16) pdu {
	req, resp := slmp1E(cmd, head, v)
	class := "read"
	if cmd == 3 {
		class = "write"
	}
	return pdu{req, resp, w.slmpOps(c.ip, s.ip, fmt.Sprintf("%02x", cmd), class, 0)}
}

func (w *world) modbusPDU(c, s *node, m modbusCall, i int) pdu {
	req, resp := m.frames(uint16(i))
	return pdu{req, resp, w.modbusOps(c.ip, s.ip, m)}
}

func (w *world) finsTCPPDU(c, s *node, f finsCall, i int) pdu {
	req, resp := f.frames(c.ip[3], s.ip[3], uint8(i))
	return pdu{finsTCP(2, req), finsTCP(2, resp), w.finsOps(c.ip, s.ip, f)}
}

// fins is a FINS/UDP command from port 9600 to port 9600 and its answer.
func (w *world) fins(t int64, c, s *node, f finsCall, sid int) int64 {
	k := w.comm(c.ip, s.ip, 17, 9600)
	req, resp := f.frames(c.ip[3], s.ip[3], uint8(sid))
	ops := w.finsOps(c.ip, s.ip, f)
	t = w.udp(t, c, 9600, s, 9600, k, req, ops[0])
	if s.down(t) {
		return t
	}
	return w.udp(t+s.think(c.r), s, 9600, c, 9600, k, resp, ops[1])
}

// readPoll polls a PLC of any kind read-only over its own protocol.
func (w *world) readPoll(c, s *node, interval int64) *link {
	r := w.rand("values %s %s", c.name, s.name)
	switch {
	case s.port0 == 9600 && s.model == "CP1L-EL20DR-D":
		l := w.finsLink(c, s)
		l.poll(interval, func(i int) []pdu { return []pdu{w.finsTCPPDU(c, s, finsRead(100, values(r, 20)), i)} })
		return l
	case s.port0 == 9600:
		w.cyclic(c, interval, 2, "fins "+s.name, func(t int64, i int) { w.fins(t, c, s, finsRead(0, values(r, 16)), i) })
		return nil
	case s.port0 == 502:
		l := w.link(c, s, 502, nil)
		l.poll(interval, func(i int) []pdu {
			m := modbusRead(3, 0, values(r, 24))
			if r.IntN(300) == 0 {
				m.except = 6
			}
			return []pdu{w.modbusPDU(c, s, m, 2*i), w.modbusPDU(c, s, modbusCoils(1, 0, 32), 2*i+1)}
		})
		return l
	case s.dialect == "1E":
		l := w.link(c, s, s.port0, nil)
		l.poll(interval, func(i int) []pdu { return []pdu{w.slmp1EPDU(c, s, 1, 100, values(r, 12))} })
		return l
	}
	if s.datagrams && c.role == "scada" {
		w.slmpUDP(c, s, interval, r)
		return nil
	}
	l := w.link(c, s, s.port0, nil)
	l.poll(interval, func(i int) []pdu {
		call := slmpRead(1000, values(r, 24))
		if r.IntN(300) == 0 {
			call.end = 0xcee0
		}
		return []pdu{w.slmpPDU(c, s, call, 2*i), w.slmpPDU(c, s, slmpReadBits(0, 32), 2*i+1)}
	})
	return l
}

// slmpUDP polls by SLMP over UDP, from one client port for good.
func (w *world) slmpUDP(c, s *node, interval int64, r *rand.Rand) {
	k := w.comm(c.ip, s.ip, 17, s.port0)
	port := c.ephemeral()
	w.cyclic(c, interval, 2, "slmp udp "+s.name, func(t int64, i int) {
		p := w.slmpPDU(c, s, slmpRead(2000, values(r, 20)), i)
		t = w.udp(t, c, port, s, s.port0, k, p.req, p.ops[0])
		if !s.down(t) {
			w.udp(t+s.think(r), s, s.port0, c, port, k, p.resp, p.ops[1])
		}
	})
}

// writes makes the operator's writes and the product change of c on s.
func (w *world) writes(c, s *node, l *link) {
	set := func(t int64, r *rand.Rand) {
		switch {
		case s.port0 == 9600 && l == nil:
			f, id := finsWrite(200, values(r, 2)), r.IntN(256)
			if s.down(t) {
				t = s.downTo + 5*second
			}
			w.at(t, func(t int64) { w.fins(t, c, s, f, id) })
		case s.port0 == 9600:
			l.must(t, w.finsTCPPDU(c, s, finsWrite(200, values(r, 2)), r.IntN(256)))
		case s.port0 == 502:
			l.must(t, w.modbusPDU(c, s, modbusWrite(40, uint16(r.IntN(1000))), r.IntN(65536)))
		case s.dialect == "1E":
			l.must(t, w.slmp1EPDU(c, s, 3, 300, values(r, 2)))
		default:
			l.must(t, w.slmpPDU(c, s, slmpWrite(300, values(r, 2)), r.IntN(65536)))
		}
	}
	recipe := func(t int64, r *rand.Rand) {
		w.noteAt(t, "product-change", c.name+" "+s.name)
		for i := range 4 + r.IntN(5) {
			w.at(t+int64(i)*between(r, 300*ms, second), func(t int64) {
				switch {
				case s.port0 == 502:
					l.must(t, w.modbusPDU(c, s, modbusWriteMany(uint16(100+20*i), values(r, 20)), r.IntN(65536)))
				case s.dialect == "3E" || s.dialect == "4E":
					l.must(t, w.slmpPDU(c, s, slmpWriteBlocks(5000, [][]uint16{values(r, 16), values(r, 8)}), r.IntN(65536)))
				default:
					set(t, r)
				}
			})
		}
	}
	w.task(c, production, 50*minute, "set "+s.name, set)
	w.task(c, production, 3*hour, "recipe "+s.name, recipe)
}

func (w *world) finsLink(c, s *node) *link {
	return w.link(c, s, 9600, func() pdu {
		req, resp, ops := w.finsHello(c.ip, s.ip)
		return pdu{req, resp, ops}
	})
}

// runCell starts the cyclic traffic of a cell and its operator.
func (w *world) runCell(p *plant, c *cell) {
	switch c.kind {
	case "ciefb":
		w.fieldBasic(c)
	case "ccie":
		w.field(c)
	case "sensors":
		for _, v := range c.others {
			w.visionSensor(p, v)
		}
	case "modbus":
		r := w.rand("modbus %s", c.first.name)
		for _, s := range c.others {
			w.link(c.first, s, 502, nil).poll(500*ms, func(i int) []pdu {
				return []pdu{w.modbusPDU(c.first, s, modbusCoils(2, 0, 16), 2*i), w.modbusPDU(c.first, s, modbusWriteMany(10, values(r, 2)), 2*i+1)}
			})
		}
	}
	if c.hmi == nil {
		return
	}
	for _, s := range []*node{c.first, c.second, c.third} {
		if s != nil {
			w.writes(c.hmi, s, w.readPoll(c.hmi, s, second))
		}
	}
	if c.hmi.stack.syn == "windows" && p.files != nil {
		h := c.hmi
		build := uint16(19045)
		if h.os == "Windows 7" {
			build = 7601
		}
		w.task(h, production, 2*hour, "log", func(t int64, r *rand.Rand) {
			w.smbSession(t, h, p.files, build, 17763, "operator", heavy(r, 4000, 400_000), 2000, r)
		})
		w.task(h, production, 90*minute, "browser", func(t int64, r *rand.Rand) {
			w.browserAnnounce(t, h, byte(6+4*b2i(h.os == "Windows 10")), byte(b2i(h.os != "Windows 10")), false)
			w.nbnsQuery(t+second, h, "FILE01")
		})
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fieldBasic is CC-Link IE Field Network Basic: the master broadcasts a cyclic
// request, each slave answers to the master.
func (w *world) fieldBasic(c *cell) {
	if len(c.others) == 0 {
		return
	}
	m := c.first
	var ids []ip4
	for _, s := range c.others {
		ids = append(ids, s.ip)
	}
	to := c.net.broadcast()
	w.cyclic(m, 100*ms, float64(1+len(ids)), "field basic", func(t int64, i int) {
		w.fieldBasicScan(t, m, c.others, ids, to, i)
	})
	for _, s := range c.others {
		w.comm(s.ip, m.ip, 17, ciefbPort)
	}
}

func (w *world) fieldBasicScan(t int64, m *node, slaves []*node, ids []ip4, to ip4, i int) {
	req := ciefbRequest(m.ip, ids, 1, uint16(i), (t+w.zone)/ms, true, 0x0e70)
	w.udpTo(t, m, ciefbPort, to, ciefbPort, req, w.ciefbOp(m.ip, to, "0e70:0000", "request", "cyclic", ""))
	for _, s := range slaves {
		if s.down(t) {
			continue
		}
		resp := ciefbResponse(s.ip, 1, uint16(i), 0)
		w.udp(t+s.think(m.r), s, ciefbPort, m, ciefbPort, w.comm(m.ip, s.ip, 17, ciefbPort), resp,
			w.ciefbOp(s.ip, m.ip, "0e70:0000", "response", "cyclic", "0000"))
	}
}

// field is CC-Link IE Field on Ethernet: token, cyclic data both ways, status,
// and now and then a transient.
func (w *world) field(c *cell) {
	if len(c.others) == 0 {
		return
	}
	m := c.first
	n := len(c.others)
	w.cyclic(m, 200*ms, float64(1+5*n), "field", func(t int64, i int) {
		w.ccie(t, m, macBroadcast, ccieFrame(cciePersuasion, 0, 0, 0x30, make([]byte, 32)), "", "none", "session")
		for j, s := range c.others {
			t := t + int64(j+1)*300*us
			st := uint16(s.station)
			body := make([]byte, 64)
			body[0] = byte(i)
			w.ccie(t, m, s.mac, ccieFrame(ccieRWw, 0, 0, 0, body), "", "none", "cyclic")
			w.ccie(t+20*us, m, s.mac, ccieFrame(ccieRY, 0, 0, 0, body[:48]), "", "none", "cyclic")
			w.ccie(t+40*us, m, s.mac, ccieFrame(ccieTokenM, 0, 0, 0, body[:32]), "", "none", "session")
			if s.down(t) {
				continue
			}
			w.ccie(t+80*us, s, m.mac, ccieFrame(ccieRWr, 0, st, 0, body), "", "none", "cyclic")
			w.ccie(t+100*us, s, m.mac, ccieFrame(ccieRX, 0, st, 0, body[:48]), "", "none", "cyclic")
			if i%10 == 0 {
				w.ccie(t+140*us, s, m.mac, ccieFrame(ccieMyStatus, 0, st, 0x34, body[:32]), "", "none", "session")
			}
		}
	})
	for _, s := range c.others {
		w.task(m, always, 4*hour, "node information "+s.name, func(t int64, r *rand.Rand) {
			w.ccie(t, m, s.mac, ccieFrame(ccieTransient1, 0x07, 0, 0, ccieTransient1Body(4, 0)), ":04", "request", "identity")
			if !s.down(t) {
				w.ccie(t+3*ms, s, m.mac, ccieFrame(ccieTransient1, 0x07, uint16(s.station), 0, ccieTransient1Body(4, 0x80)), ":04", "response", "identity")
			}
		})
		w.task(m, always, 5*hour, "memory "+s.name, func(t int64, r *rand.Rand) {
			w.ccie(t, m, s.mac, ccieFrame(ccieTransient2, 0, 0, 0, ccieTransient2Body(0x10)), ":10", "request", "read")
		})
	}
}

// visionSensor reports results over a TCP session that it opens itself.
func (w *world) visionSensor(p *plant, v *node) {
	w.task(v, production, 25*minute, "results", func(t int64, r *rand.Rand) {
		k := w.newConn(v, p.scada, 8600, r)
		t = k.open(t)
		for range 3 + r.IntN(8) {
			t = k.exchange(t, fmt.Appendf(nil, "RESULT,OK,%06d,%04d\r\n", r.IntN(1e6), r.IntN(1e4)), []byte("ACK\r\n"))
			t += between(r, 200*ms, 3*second)
		}
		k.close(t)
	})
}

// supervise is the SCADA server and historian: polls every PLC, watches the
// network, keeps its data on the file server; and each third PLC pushes values
// by UDP from a fixed port to ports that vary.
func (w *world) supervise(p *plant) {
	sc := p.scada
	for i, s := range p.plcs {
		w.readPoll(sc, s, 2*second)
		w.task(sc, always, hour, "ping "+s.name, func(t int64, r *rand.Rand) { w.ping(t, sc, s, uint16(r.IntN(65536))) })
		if s.port0 == 502 || s.port0 == 5010 {
			w.task(s, always, 6*hour, "ntp", func(t int64, r *rand.Rand) { w.ntp(t, s, p.dc) })
		}
		if i%3 == 0 {
			w.push(s, sc)
		}
	}
	for _, n := range append(append([]*node{}, p.switches...), p.printer) {
		if n != nil {
			w.task(sc, always, 30*minute, "snmp "+n.name, func(t int64, r *rand.Rand) { w.snmpPoll(t, sc, n) })
		}
	}
	if p.files != sc && sc != p.eng {
		w.daily(sc, 2, "backup", func(t int64, r *rand.Rand) {
			w.noteAt(t, "backup", sc.name)
			size := 2_000_000 + heavy(r, 200_000, 3_000_000)
			if w.failed[(t+w.zone)/day] {
				w.noteAt(t, "backup-failed", sc.name)
				w.smbSession(t, sc, p.files, 14393, 17763, "backup", size/5, 4000, r)
				t += hour + r.Int64N(10*minute)
			}
			w.at(t, func(t int64) { w.smbSession(t, sc, p.files, 14393, 17763, "backup", size, 4000, r) })
		})
	}
	for i, h := range p.hmis {
		if h.stack.syn != "windows" || sc == p.eng {
			continue
		}
		w.task(h, production, 30*minute, "sql", func(t int64, r *rand.Rand) { w.sql(t, h, sc, r) })
		if i == 0 {
			// A service that was removed: tried again and again, refused.
			w.task(h, always, 3*hour, "gone", func(t int64, r *rand.Rand) { w.newConn(h, sc, 2222, r).refused(t) })
		}
	}
}

// sql is one batch on a TDS session (MS-TDS packet header, batch, DONE).
func (w *world) sql(t int64, c, s *node, r *rand.Rand) {
	packet := func(typ byte, b []byte) []byte {
		return cat([]byte{typ, 1}, be16(uint16(8+len(b))), []byte{0, 0, 1, 0}, b)
	}
	k := w.newConn(c, s, 1433, r)
	t = k.open(t)
	for range 1 + r.IntN(6) {
		q := fmt.Sprintf("INSERT INTO production(line,count) VALUES(%d,%d)", c.line, r.IntN(5000))
		t = k.exchange(t, packet(1, utf16le(q)), packet(4, []byte{0xfd, 0x10, 0, 0xc3, 0, 1, 0, 0, 0, 0, 0, 0, 0})) + between(r, 10*ms, second)
	}
	k.close(t)
}

// push sends values by UDP from port 6200 to ports of the dynamic range: the
// lowest and highest early, so that the range seen in the clean part is whole.
func (w *world) push(s, to *node) {
	const lo, hi = 49203, 65477
	r := w.rand("push %s", s.name)
	c := w.commOf(commKey{netip.AddrFrom4(s.ip), netip.AddrFrom4(to.ip), 17, 0, 6200})
	c.lo, c.hi = lo, hi
	gap := min(3*minute, (w.cut-w.start)/400)
	i := 0
	w.every(max(w.start, s.settled)+r.Int64N(gap), func(t int64) int64 {
		port := lo + uint16(r.IntN(hi-lo+1))
		switch i {
		case 3:
			port = lo
		case 5:
			port = hi
		}
		i++
		if !s.down(t) {
			w.udp(t, s, 6200, to, port, c, cat([]byte("LOG1"), wordsBE(values(r, 30))))
		}
		return t + jitter(r, gap, 0.1)
	})
}

// engineer is the engineering station: a few sessions a day with the PLCs of
// its care, always with the same set of functions.
func (w *world) engineer(p *plant) {
	e := p.eng
	for i, s := range p.plcs {
		if i >= 12 {
			break
		}
		w.task(e, office, 4*hour, "work "+s.name, func(t int64, r *rand.Rand) { w.engineering(t, e, s, r) })
	}
	if p.files != e {
		w.task(e, office, 2*hour, "projects", func(t int64, r *rand.Rand) {
			w.smbSession(t, e, p.files, 19045, 17763, "engineer", heavy(r, 10_000, 1_000_000), heavy(r, 10_000, 1_000_000), r)
		})
	}
}

func (w *world) engineering(t int64, e, s *node, r *rand.Rand) {
	if s.down(t) {
		w.at(s.downTo+5*second, func(t int64) { w.engineering(t, e, s, r) })
		return
	}
	reads := 5 + r.IntN(20)
	var list []pdu
	switch {
	case s.port0 == 9600 && s.model != "CP1L-EL20DR-D":
		w.fins(t, e, s, finsModel(s.model, "02.01"), 1)
		w.fins(t+100*ms, e, s, finsStatus(), 2)
		for i := range reads {
			w.fins(t+int64(i+2)*400*ms, e, s, finsRead(10, values(r, 8)), i+3)
		}
		w.fins(t+int64(reads+3)*400*ms, e, s, finsWrite(500, values(r, 1)), 200)
		return
	case s.port0 == 9600:
		list = append(list, w.finsTCPPDU(e, s, finsModel(s.model, "01.00"), 1), w.finsTCPPDU(e, s, finsStatus(), 2))
		for i := range reads {
			list = append(list, w.finsTCPPDU(e, s, finsRead(10, values(r, 8)), i+3))
		}
	case s.port0 == 502:
		list = append(list, w.modbusPDU(e, s, modbusIdentify(s.vendor, s.model, "v3.10"), 1))
		for i := range reads {
			list = append(list, w.modbusPDU(e, s, modbusRead(3, 200, values(r, 10)), i+2))
		}
		list = append(list, w.modbusPDU(e, s, modbusWrite(200, uint16(r.IntN(100))), 900))
	case s.dialect == "1E":
		for range reads {
			list = append(list, w.slmp1EPDU(e, s, 1, 0, values(r, 10)))
		}
	default:
		list = append(list, w.slmpPDU(e, s, slmpTypeName(s.model, 0x4801), 1))
		for i := range reads {
			list = append(list, w.slmpPDU(e, s, slmpRead(0, values(r, 32)), i+2))
		}
		list = append(list, w.slmpPDU(e, s, slmpWrite(9000, values(r, 1)), 900))
	}
	var hello *pdu
	if s.port0 == 9600 {
		req, resp, ops := w.finsHello(e.ip, s.ip)
		hello = &pdu{req, resp, ops}
	}
	w.session(t, e, s, list, hello, r)
}

// session runs a list of requests on a TCP connection of its own.
func (w *world) session(t int64, c, s *node, list []pdu, hello *pdu, r *rand.Rand) *conn {
	k := w.newConn(c, s, s.port0, r)
	t = k.open(t)
	if hello != nil {
		t = k.exchange(t, hello.req, hello.resp, hello.ops...)
	}
	var next func(t int64, i int)
	next = func(t int64, i int) {
		if i == len(list) {
			k.close(t)
			return
		}
		t = k.exchange(t, list[i].req, list[i].resp, list[i].ops...)
		w.at(t+between(r, 50*ms, 900*ms), func(t int64) { next(t, i+1) })
	}
	next(t, 0)
	return k
}

// network is what switches, printers and servers say by themselves.
func (w *world) network(p *plant) {
	w.every(w.start+700*ms, func(t int64) int64 { w.lldp(t, w.router); return t + 5*minute })
	for i, s := range p.switches {
		w.every(w.start+int64(i+1)*second, func(t int64) int64 { w.lldp(t, s); return t + 5*minute })
		if i == 0 {
			w.every(w.start+second/2, func(t int64) int64 { w.bpdu(t, s); return t + minute })
		}
	}
	if p.printer != nil {
		w.task(p.printer, always, 30*minute, "notify", func(t int64, r *rand.Rand) {
			w.ssdpNotify(t, p.printer, "RICOH-OS/1.0 UPnP/1.0 RICOH-IM/1.0")
			w.mdns(t+second, p.printer)
		})
	}
	servers := []*node{p.dc}
	if p.scada != p.eng {
		servers = append(servers, p.scada)
	}
	if p.files != p.dc {
		servers = append(servers, p.files)
	}
	for _, s := range servers {
		w.task(s, always, 40*minute, "browser", func(t int64, r *rand.Rand) { w.browserAnnounce(t, s, 10, 0, true) })
		if s != p.dc {
			w.task(s, always, 2*hour, "time", func(t int64, r *rand.Rand) {
				t = w.lookup(t, s, p.dc, "dc01."+domain, p.dc.ip)
				w.ntp(t+ms, s, p.dc)
			})
		}
	}
	w.task(p.dc, always, 2*hour, "upstream time", func(t int64, r *rand.Rand) { w.ntp(t, p.dc, p.sites[0]) })
	w.task(p.dc, always, 3*hour, "upstream names", func(t int64, r *rand.Rand) {
		w.lookup(t, p.dc, p.sites[0], p.sites[r.IntN(len(p.sites))].name, p.sites[1].ip)
	})
	if p.scada != p.eng {
		w.task(p.hq[2], office, 2*hour, "report", func(t int64, r *rand.Rand) {
			w.httpGet(t, p.hq[2], p.scada, 80, "/report/daily", agentWindows, "Microsoft-IIS/10.0", heavy(r, 2000, 60_000), r)
		})
	}
}

// office is people at their PCs.
func (w *world) office(p *plant) {
	for i, pc := range p.pcs {
		user := strings.ToLower(pc.name)
		var mine []*node
		r := w.rand("sites %s", pc.name)
		for _, j := range r.Perm(len(p.sites))[:2] {
			mine = append(mine, p.sites[j])
		}
		mine = append(mine, p.hq[i%2])
		for _, s := range mine {
			w.task(pc, office, 2*hour, "site "+s.name, func(t int64, r *rand.Rand) {
				t = w.lookup(t, pc, p.dc, s.name, s.ip)
				w.tlsSession(t+ms, pc, s, 443, s.name, 800+r.IntN(2000), heavy(r, 3000, 300_000), r)
			})
		}
		w.task(pc, office, 80*minute, "files", func(t int64, r *rand.Rand) {
			t = w.lookup(t, pc, p.dc, "file01."+domain, p.files.ip)
			w.smbSession(t+ms, pc, p.files, 19045, 17763, user, heavy(r, 3000, 400_000), heavy(r, 5000, 600_000), r)
		})
		if p.scada != p.eng {
			w.task(pc, office, 90*minute, "mes", func(t int64, r *rand.Rand) {
				t = w.lookup(t, pc, p.dc, "scada01."+domain, p.scada.ip)
				w.httpGet(t+ms, pc, p.scada, 80, "/mes/status", agentWindows, "Microsoft-IIS/10.0", heavy(r, 1500, 40_000), r)
			})
		}
		if p.printer != nil {
			w.task(pc, office, 4*hour, "print", func(t int64, r *rand.Rand) {
				k := w.newConn(pc, p.printer, 9100, r)
				t = k.open(t)
				k.bulk(t, true, heavy(r, 8000, 300_000), func(b []byte) []byte { return b }, func(t int64) { k.close(t) })
			})
		}
		w.task(pc, office, 100*minute, "noise", func(t int64, r *rand.Rand) {
			w.llmnr(t, pc, "fileserver")
			w.nbnsQuery(t+300*ms, pc, "FILESERVER")
			w.ssdpSearch(t+2*second, pc)
			w.mdns(t+3*second, pc)
			w.browserAnnounce(t+4*second, pc, 10, 0, false)
			w.solicit6(t+5*second, pc, r)
			w.udp6To(t+6*second, pc, pc.ephemeral(), llmnrGroup, 5355, dnsQuery(uint16(r.Uint32()), 0, "fileserver", 28))
		})
		w.task(pc, office, 3*hour, "gone name", func(t int64, r *rand.Rand) {
			w.lookup(t, pc, p.dc, "old-erp."+domain, ip4{})
		})
		w.task(pc, office, 4*hour, "renew", func(t int64, r *rand.Rand) { w.renew(t, pc, p.dc, r) })
	}
}

// restarts switches some controllers off and on again in the clean part.
func (w *world) restarts(p *plant) {
	r := w.rand("restarts")
	for i, s := range p.plcs {
		if i%4 != 1 && r.IntN(6) != 0 {
			continue
		}
		at := w.within(r, production, w.clean(0.2), w.clean(0.8))
		off := between(r, 20*second, 50*second)
		w.at(at, func(t int64) {
			s.downFrom, s.downTo = t, t+off
			w.noteAt(t, "restart", s.name)
		})
		w.at(at+off, func(t int64) { w.announce(t, s) })
	}
}

// fit chooses the scale of cyclic intervals so that the mean rate comes to pps.
func (w *world) fit(pps float64) {
	w.otherRate = 0.011*float64(w.cfg.devices)/w.human + 0.1
	w.scale = math.Max(0.2, w.cyclicRate/math.Max(pps-w.otherRate, 0.2))
}
