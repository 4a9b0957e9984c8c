package detect

import (
	"math"
	"math/rand/v2"
	"slices"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// weeks renders the traffic of a made-up plant straight to minutes: shifts, jitter, weekends, a holiday, product changes,
// heavy tails, a nightly backup that fails once; cyclic
// data and messages below IP. The same seed gives the same minutes.
type weeks struct {
	rng     *rand.Rand
	below   *rand.Rand // of what is below IP
	start   int64      // Monday 00:00 by the plant's clock, ns
	holiday map[int]bool
	failed  int // the day whose backup breaks off and is made again
	hosts   []decode.Addr
	talks   []talk
	fields  []field
}

// field is a master and a slave that talk below IP.
type field struct{ master, slave decode.Addr }

// talk is one edge and how much it carries.
type talk struct {
	client, server decode.Addr
	port           uint16
	proto          uint8
	service        string
	kind           talkKind
	packets, size  float64 // a minute; bytes a packet
	phase          int
	on             int // minutes left of something under way
}

type talkKind int

const (
	polling  talkKind = iota // the same every minute, day and night
	shift                    // polling with writes while the line runs
	office                   // bursts with a heavy tail in office hours
	backup                   // big, at two o'clock
	now                      // now and then: time, names
	recipe                   // product changes: at any hour of a shift, a few times a day
	cloud                    // to the internet, office hours
	announce                 // broadcasts every twelve minutes
)

// What the plant speaks below IP: the name of a protocol, and codes of no rule of the built-in detector.
const fieldbus, fieldRead, fieldWrite = "cc-link-ie-field-control", "71", "72"

const weekMinutes = 7 * 24 * 60

// plantStart is Monday 2026-08-03 00:00 at +09:00.
const plantStart = int64(1785682800e9)

func newWeeks(seed uint64, devices int) *weeks {
	w := &weeks{rng: rand.New(rand.NewPCG(seed, 77)), below: rand.New(rand.NewPCG(seed, 78)), start: plantStart, holiday: map[int]bool{}}
	w.holiday[7+w.rng.IntN(5)] = true
	w.holiday[28+7+w.rng.IntN(5)] = true // one in the second of the weeks that are detected in
	w.failed = 28 + w.rng.IntN(12)
	for i := range devices {
		w.hosts = append(w.hosts, decode.IPv4(10<<24|20<<16|uint32(i/200)<<8|uint32(10+i%200)))
	}
	r := w.rng
	pick := func(lo, hi int) decode.Addr { return w.hosts[lo+r.IntN(max(hi-lo, 1))] }
	// The first are servers, then PCs, panels, controllers.
	servers, pcs := max(2, devices/20), max(4, devices/4)
	panels := max(3, devices/5)
	plc := servers + pcs + panels
	files, names := w.hosts[0], w.hosts[1]
	add := func(t talk) {
		t.phase = r.IntN(60)
		t.packets *= math.Exp(0.4 * r.NormFloat64())
		w.talks = append(w.talks, t)
	}
	for i := servers + pcs; i < plc; i++ {
		for range 3 {
			to := pick(plc, devices)
			add(talk{client: w.hosts[i], server: to, port: 502, proto: 6, service: "modbus-tcp", kind: shift, packets: 120, size: 75})
			add(talk{client: w.hosts[i], server: to, port: 502, proto: 6, service: "modbus-tcp", kind: recipe, packets: 400, size: 200})
		}
		add(talk{client: w.hosts[i], server: files, port: 1433, proto: 6, kind: polling, packets: 30, size: 220})
	}
	for i := plc; i < devices; i++ {
		add(talk{client: pick(0, servers), server: w.hosts[i], port: 5007, proto: 6, service: "slmp", kind: polling, packets: 40, size: 90})
		add(talk{client: w.hosts[i], server: names, port: 123, proto: 17, kind: now, packets: 1, size: 90})
	}
	for i := servers; i < servers+pcs; i++ {
		add(talk{client: w.hosts[i], server: files, port: 445, proto: 6, kind: office, packets: 300, size: 500})
		add(talk{client: w.hosts[i], server: names, port: 53, proto: 17, kind: office, packets: 6, size: 110})
		add(talk{client: w.hosts[i], server: decode.IPv4(8<<24 | uint32(r.IntN(1<<16))), port: 443, proto: 6, kind: cloud, packets: 120, size: 700})
		add(talk{client: w.hosts[i], server: decode.IPv4(10<<24 | 20<<16 | 255), port: 138, proto: 17, kind: announce, packets: 1, size: 240})
		if r.IntN(3) == 0 {
			add(talk{client: w.hosts[i], server: pick(plc, devices), port: 502, proto: 6, service: "modbus-tcp", kind: now, packets: 300, size: 120})
		}
	}
	for i := 1; i < servers; i++ {
		add(talk{client: files, server: w.hosts[i], port: 445, proto: 6, kind: backup, packets: 60_000, size: 1000})
	}
	slices.SortStableFunc(w.talks, func(a, b talk) int { return a.client.Compare(b.client) })
	for i := plc; i+2 < devices; i += 3 {
		for k := 1; k < 3; k++ {
			w.fields = append(w.fields, field{w.mac(w.hosts[i]).Addr(), w.mac(w.hosts[i+k]).Addr()})
		}
	}
	return w
}

// minute renders minute n since the start. It must be called once for each, in order.
func (w *weeks) minute(n int) *observe.Minute {
	m := &observe.Minute{Start: w.start + int64(n)*observe.MinuteLength, Seq: uint64(n + 1)}
	day, hour := n/(24*60), n/60%24
	workday := day%7 < 5 && !w.holiday[day]
	r := w.rng
	for i := range w.talks {
		t := &w.talks[i]
		packets, size, opened, writes := 0., t.size, uint32(0), 0
		switch t.kind {
		case polling, shift:
			packets = t.packets * (1 + 0.04*r.NormFloat64())
			if r.IntN(400) == 0 { // a restart of the connection
				opened = 1
			}
			if t.kind == shift && workday && hour >= 6 && hour < 22 && hour != 12 {
				packets *= 1.15
				writes = 2 + r.IntN(4)
			}
		case office:
			rate := 0.05
			if workday && hour >= 8 && hour < 19 && hour != 12 {
				rate = 1
			}
			if r.Float64() < 0.35*rate {
				packets = t.packets * math.Exp(1.3*r.NormFloat64())
				opened = uint32(1 + r.IntN(3))
				size *= math.Exp(0.3 * r.NormFloat64())
			}
		case cloud:
			if workday && hour >= 8 && hour < 19 && r.IntN(3) == 0 {
				packets, opened = t.packets*math.Exp(1.1*r.NormFloat64()), 1
			}
		case now:
			if t.on > 0 {
				t.on--
				packets = t.packets * (0.5 + r.Float64())
			} else if t.proto == 17 && n%17 == t.phase%17 {
				packets = 2
			} else if t.proto == 6 && workday && hour >= 9 && hour < 17 && r.IntN(8*60*2) == 0 {
				t.on = 20 + r.IntN(30)
				packets, opened = t.packets, 1
			}
		case announce:
			if n%12 == t.phase%12 && (r.IntN(20) > 0) {
				packets = 1
			}
		case recipe:
			switch {
			case t.on > 0:
				t.on--
				packets, writes = t.packets*(0.8+0.4*r.Float64()), 60
			case workday && hour >= 6 && hour < 22 && r.IntN(4*60) == 0:
				t.on = 2 + r.IntN(3)
			}
		case backup:
			fails := day == w.failed
			length := 40 + t.phase/6 + r.IntN(2)
			if hour == 2 && n%60 < length && (!fails || n%60 < 9) || day == w.failed+1 && hour == 3 && n%60 < length {
				packets = t.packets * (0.85 + 0.3*r.Float64())
				if n%60 == 0 {
					opened = 1
				}
			}
		}
		out := uint64(math.Round(packets))
		if out == 0 {
			continue
		}
		in := uint64(math.Round(packets * (0.8 + 0.2*r.Float64())))
		at := m.Start + int64(r.IntN(1000))*1e6
		e := observe.Edge{EdgeKey: observe.EdgeKey{Client: t.client, Server: t.server, ServerPort: t.port, Proto: t.proto, VLAN: decode.NoVLAN},
			PacketsOut: out, BytesOut: uint64(float64(out) * size), PacketsIn: in, BytesIn: uint64(float64(in) * size * 0.8), Opened: opened,
			Answered: true, Service: t.service, First: at, Last: at + 55e9, Ref: observe.FrameRef{Number: int64(n)*1000 + int64(i)}}
		if t.kind == announce {
			e.PacketsIn, e.BytesIn, e.Answered, e.Multicast = 0, 0, false, true
		}
		if t.kind == office && opened > 0 && r.IntN(150) == 0 {
			e.Failed = 1
		}
		e.ClientMAC, e.ServerMAC = w.mac(t.client), w.mac(t.server)
		if t.kind == announce {
			e.ServerMAC = 0xffffffffffff
		}
		m.Edges = append(m.Edges, e)
		if t.service != "" && out > 1 {
			m.Operations = append(m.Operations, observe.Operation{Src: t.client, Dst: t.server, Protocol: t.service, Code: "03", Class: ot.Read, Direction: ot.Request, Count: out / 2, First: at, Last: at + 55e9})
			if writes > 0 {
				m.Operations = append(m.Operations, observe.Operation{Src: t.client, Dst: t.server, Protocol: t.service, Code: "10", Class: ot.Write, Direction: ot.Request, Count: uint64(writes), First: at, Last: at + 55e9})
			}
		}
	}
	for r, i := w.below, 0; i < len(w.fields); i++ {
		f := w.fields[i]
		say := func(src, dst decode.Addr, code string, class ot.Class, n int) {
			m.Operations = append(m.Operations, observe.Operation{Src: src, Dst: dst, Protocol: fieldbus, Code: code, Function: code, Class: class,
				Direction: ot.Request, Count: uint64(n), First: m.Start + 1e9, Last: m.Start + 59e9})
		}
		say(f.master, f.slave, "cyclic", ot.Cyclic, 5900+r.IntN(200))
		say(f.slave, f.master, "cyclic", ot.Cyclic, 5900+r.IntN(200))
		if workday && hour >= 6 && hour < 22 {
			if r.IntN(10) == 0 {
				say(f.master, f.slave, fieldRead, ot.Read, 1+r.IntN(5))
			}
			if r.IntN(4*60) == 0 { // a product change
				say(f.master, f.slave, fieldWrite, ot.Write, 1+r.IntN(20))
			}
		}
	}
	hear(m, w)
	return m
}

// mac of a host; what is none is behind the router.
func (w *weeks) mac(a decode.Addr) decode.MAC {
	i, ok := slices.BinarySearchFunc(w.hosts, a, decode.Addr.Compare)
	if !ok {
		return 0x001b21ffffff
	}
	return 0x001b21000000 + decode.MAC(i)
}

// hear adds the addresses of a minute's edges.
func hear(m *observe.Minute, w *weeks) {
	at := map[decode.Addr]int{}
	note := func(ip decode.Addr, mac decode.MAC, e *observe.Edge, out, in uint64) {
		i, ok := at[ip]
		if !ok {
			i = len(m.Addresses)
			at[ip] = i
			m.Addresses = append(m.Addresses, observe.Address{IP: ip, MAC: mac, VLAN: decode.NoVLAN, First: e.First, Last: e.Last, Ref: e.Ref})
		}
		a := &m.Addresses[i]
		if out > 0 {
			a.Evidence |= observe.SeenIP
		}
		if e.Service != "" {
			a.Evidence |= observe.SeenOT
		}
		a.PacketsSent, a.PacketsReceived = a.PacketsSent+out, a.PacketsReceived+in
		a.First, a.Last = min(a.First, e.First), max(a.Last, e.Last)
	}
	for i := range m.Edges {
		e := &m.Edges[i]
		note(e.Client, e.ClientMAC, e, e.PacketsOut, e.PacketsIn)
		if !e.Multicast {
			note(e.Server, e.ServerMAC, e, e.PacketsIn, e.PacketsOut)
		}
	}
	slices.SortFunc(m.Addresses, func(a, b observe.Address) int { return a.IP.Compare(b.IP) })
}

// burst is an edge of an attack in minute m.
func burst(m *observe.Minute, client, server decode.Addr, port uint16, proto uint8, packets, bytes uint64) *observe.Edge {
	m.Edges = append(m.Edges, observe.Edge{EdgeKey: observe.EdgeKey{Client: client, Server: server, ServerPort: port, Proto: proto, VLAN: decode.NoVLAN},
		PacketsOut: packets, BytesOut: bytes, PacketsIn: packets / 2, BytesIn: packets / 2 * 60, Answered: true,
		First: m.Start + 1e9, Last: m.Start + 58e9, Ref: observe.FrameRef{Number: 1}})
	return &m.Edges[len(m.Edges)-1]
}
