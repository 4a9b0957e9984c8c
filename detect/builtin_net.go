package detect

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"

	"osect/decode"
	"osect/inventory"
	"osect/observe"
)

// remotePorts are services by which a screen or a prompt is handed over.
var remotePorts = map[uint16]string{22: "ssh", 23: "telnet", 512: "rexec", 513: "rlogin", 3389: "rdp", 5900: "vnc", 5901: "vnc", 5938: "teamviewer", 7070: "anydesk"}

// bruteShapes: connections to these ports that carried no more than this many
// bytes each way (headers included) may be refused log-ins.
var bruteShapes = map[uint16]struct {
	sub   string
	bytes uint64
}{22: {"brute-ssh", 8000}, 3389: {"brute-rdp", 20000}, 23: {"brute-telnet", 5000}}

// itemOf is a number for an address, to tell different ones apart.
func itemOf(a decode.Addr) uint64 { return a.Hi*0x9e3779b97f4a7c15 ^ a.Lo }

// tally sums packets of several edges to one rate.
type tally struct {
	n           uint64
	first, last int64
	ref         observe.FrameRef
	top         *observe.Edge
	topN        uint64
	parts       []part // only where burst is asked for
}

// part is what one edge adds to a tally.
type part struct {
	n           uint64
	first, last int64
}

// burst is the most that came within length, ns: what an edge adds is spread evenly over its time.
func (t *tally) burst(length int64) int {
	slices.SortStableFunc(t.parts, func(a, b part) int { return cmp.Compare(a.first, b.first) })
	sum, most, from := uint64(0), uint64(0), 0
	share := func(p *part) uint64 {
		if d := p.last - p.first; d > length {
			return uint64(float64(p.n) * float64(length) / float64(d))
		}
		return p.n
	}
	for i := range t.parts {
		sum += share(&t.parts[i])
		for t.parts[from].first <= t.parts[i].first-length {
			sum -= share(&t.parts[from])
			from++
		}
		most = max(most, sum)
	}
	return int(min(most, math.MaxInt32))
}

// peak is the most packets a second of all parts that go on at one time, each at its mean over least at least: what is there
// all minute does not thin out what took some seconds.
func (t *tally) peak(least int64) int {
	type change struct {
		at   int64
		rate float64
	}
	var changes []change
	for _, p := range t.parts {
		d := max(p.last-p.first, least)
		r := float64(p.n) * float64(sec) / float64(d)
		changes = append(changes, change{p.first, r}, change{p.first + d + 1, -r})
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rate, b.rate)) })
	now, most := 0., 0.
	for _, c := range changes {
		now += c.rate
		most = max(most, now)
	}
	return int(min(most+1e-6, math.MaxInt32))
}

// count adds n that came from first to last, as a part.
func (t *tally) count(n uint64, first, last int64, ref observe.FrameRef) {
	if t.n == 0 || first < t.first {
		t.first, t.ref = first, ref
	}
	t.last = max(t.last, last)
	t.n += n
	t.parts = append(t.parts, part{n, first, last})
}

// attempts are the connections towards one host whose handshake was not completed, by how that is known.
type attempts struct {
	some    tally // at least so many, by the number of the client's packets
	sure    tally // nothing but SYNs came, or the client reset what was accepted
	refused map[uint16]*tally
}

// add takes the attempts of one edge.
func (a *attempts) add(e *observe.Edge) {
	each := func(t *tally, n uint64) {
		t.count(n, e.First, e.Last, e.Ref)
		if n > t.topN {
			t.top, t.topN = e, n
		}
	}
	// A handshake that was completed has at least two more packets of the client.
	n := int64(e.Opened) - int64(e.Failed) - (int64(e.PacketsOut)-int64(e.Opened))/2
	if e.PacketsIn == 0 && !e.Answered && e.BytesOut%e.PacketsOut == 0 && e.BytesOut/e.PacketsOut <= synBytes {
		n = int64(e.PacketsOut) // the same SYN again and again is one connection to observe
	}
	if n > 0 {
		each(&a.some, uint64(n))
		if uint64(n) == e.PacketsOut {
			each(&a.sure, uint64(n))
		}
	}
	if e.Failed > 0 {
		if a.refused == nil {
			a.refused = map[uint16]*tally{}
		}
		if a.refused[e.ServerPort] == nil {
			a.refused[e.ServerPort] = &tally{}
		}
		each(a.refused[e.ServerPort], uint64(e.Failed))
	}
}

// synBytes is the most that a SYN without data has on the wire: Ethernet with a tag, IPv6, TCP with all its options.
const synBytes = 18 + 40 + 60

// refusedSources is how many sources one port must have refused before its refusals are a flood: one that tries again
// and again may be a program without its server.
const refusedSources = 20

// most is the most attempts of one kind within length, ns, and their tally.
func (a *attempts) most(length int64) (t *tally, n int) {
	t, n = &a.some, a.some.burst(length)
	if m := a.sure.burst(length); m > n {
		t, n = &a.sure, m
	}
	for _, port := range slices.Sorted(maps.Keys(a.refused)) {
		r := a.refused[port]
		if m := r.burst(length); m > n && len(r.parts) >= refusedSources {
			t, n = r, m
		}
	}
	return t, n
}

func (t *tally) add(e *observe.Edge, n uint64) {
	if t.n == 0 || e.First < t.first {
		t.first, t.ref = e.First, e.Ref
	}
	t.last = max(t.last, e.Last)
	t.n += n
	if n > t.topN {
		t.top, t.topN = e, n
	}
}

// rate is n a unit of time, of what took from first to last but at least least.
func rate(n uint64, first, last, unit, least int64) int {
	return int(float64(n) * float64(unit) / float64(max(last-first, least)))
}

// traffic reads the minute's edges.
func (b *builtin) traffic(v *view) {
	type sweep struct{ failed, good int }
	type from struct {
		src  decode.Addr
		port uint16
	}
	sweeps := map[from]*sweep{}
	var failed []*observe.Edge
	half := map[decode.Addr]*attempts{}
	towards := func(server decode.Addr) *attempts {
		if half[server] == nil {
			half[server] = &attempts{}
		}
		return half[server]
	}
	var storm tally
	edges := v.m.Edges
	for i := range edges {
		e := &edges[i]
		if e.Multicast || e.Server.Multicast() || e.Ethernet() && e.Server.MAC().Group() {
			if e.Service == "" {
				storm.add(e, e.PacketsOut)
				storm.parts = append(storm.parts, part{e.PacketsOut, e.First, e.Last})
			}
			continue
		}
		if e.Ethernet() || e.Client == e.Server {
			continue
		}
		switch e.Proto {
		case decode.ProtoTCP:
			b.connected(e)
			if e.Opened == 0 {
				continue
			}
			if fails(e) {
				failed = append(failed, e)
				k := from{e.Client, e.ServerPort}
				if sweeps[k] == nil {
					sweeps[k] = &sweep{}
				}
				sweeps[k].failed++
			}
			if e.PacketsOut >= uint64(e.Opened) {
				towards(e.Server).add(e)
			}
		case decode.ProtoUDP:
			if e.Opened > 0 && e.PacketsIn == 0 && !e.Answered && e.ClientPort == 0 && !traceroute(e.ServerPort) {
				b.see("udp-scan", e.Client, e.Server, "", uint64(e.ServerPort), 1, e.First, e.First, e.Ref)
			}
			b.reaches(e)
			b.flood(e)
		case decode.ProtoICMP, decode.ProtoICMP6:
			typ := e.ServerPort >> 8
			switch {
			case e.Proto == decode.ProtoICMP && typ == 8 || e.Proto == decode.ProtoICMP6 && typ == 128:
				if e.PacketsIn == 0 && !e.Answered {
					b.see("icmp-sweep", e.Client, decode.Addr{}, "", itemOf(e.Server), 1, e.First, e.First, e.Ref)
				}
			case e.Proto == decode.ProtoICMP && (typ == 13 || typ == 15 || typ == 17) && e.PacketsOut > 0:
				b.see("probe", e.Client, decode.Addr{}, "icmp "+strconv.Itoa(int(typ)), 0, e.PacketsOut, e.First, e.Last, e.Ref)
			}
			b.flood(e)
		}
	}
	if len(sweeps) > 0 {
		for i := range edges {
			e := &edges[i]
			if e.Proto == decode.ProtoTCP && e.Opened > 0 && !fails(e) {
				if s := sweeps[from{e.Client, e.ServerPort}]; s != nil {
					s.good++
				}
			}
		}
	}
	for _, e := range failed {
		b.see("port-scan", e.Client, e.Server, "", uint64(e.ServerPort), 1, e.First, e.First, e.Ref)
		b.see("port-scan-slow", e.Client, e.Server, "", uint64(e.ServerPort), 1, e.First, e.First, e.Ref)
		if s := sweeps[from{e.Client, e.ServerPort}]; s.failed > s.good {
			extra := "tcp " + strconv.Itoa(int(e.ServerPort))
			b.see("host-sweep", e.Client, decode.Addr{}, extra, itemOf(e.Server), 1, e.First, e.First, e.Ref)
			b.see("host-sweep-slow", e.Client, decode.Addr{}, extra, itemOf(e.Server), 1, e.First, e.First, e.Ref)
		}
	}
	for i := range v.m.Events {
		if x := &v.m.Events[i]; x.Kind == observe.EventAborted {
			towards(x.Src).sure.count(uint64(x.Count), x.First, x.Last, x.Ref)
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(half), decode.Addr.Compare) {
		if t, n := half[a].most(10 * sec); n > 0 {
			b.rateHit("syn-flood", t, windowKey{dst: a}, n)
		}
	}
	if storm.n > 0 {
		b.rateHit("broadcast-storm", &storm, windowKey{}, storm.peak(5*sec))
	}
}

// fails says whether no connection of e that was opened in the minute came about.
func fails(e *observe.Edge) bool {
	return e.PacketsIn == 0 && !e.Answered || e.Failed >= e.Opened
}

// traceroute says whether a UDP port is one of those that tracing a route counts up through, and nobody serves.
func traceroute(port uint16) bool { return port >= 33434 && port < 33534 }

// connected looks at one TCP edge for who lets whom in.
func (b *builtin) connected(e *observe.Edge) {
	if !e.Answered || e.Opened > 0 && fails(e) {
		return
	}
	if name := remotePorts[e.ServerPort]; name != "" && e.PacketsOut > 0 {
		o := b.see("remote-access", b.cfg.end(e.Client), e.Server, name, 0, max(uint64(e.Opened), 1), e.First, e.Last, e.Ref)
		o.srcIP = internetIP(o.src, e.Client)
		if name == "telnet" {
			b.see("cleartext", e.Client, e.Server, name, 0, 1, e.First, e.Last, e.Ref)
		}
	}
	if e.Opened > 0 {
		n := uint64(e.Opened)
		if s, ok := bruteShapes[e.ServerPort]; ok && e.BytesOut/n < s.bytes && e.BytesIn/n < s.bytes {
			b.see(s.sub, e.Client, e.Server, "", 0, n, e.First, e.Last, e.Ref)
			if s.sub == "brute-ssh" {
				t := tally{n: n, first: e.First, last: e.Last, ref: e.Ref}
				b.rateHit("ssh-burst", &t, windowKey{src: e.Client, dst: e.Server}, rate(n, e.First, e.Last, 10*sec, 10*sec))
			}
		}
		if b.cfg.internet(e.Client) && inside(b.cfg, e.Server) && e.PacketsOut > 1 && !guessed(e) {
			o := b.see("internet-in", b.cfg.end(e.Client), e.Server, "tcp "+strconv.Itoa(int(e.ServerPort)), 0, n, e.First, e.Last, e.Ref)
			o.srcIP = internetIP(o.src, e.Client)
		}
		b.state.beacon(b, e)
	}
	if !guessed(e) {
		b.reaches(e)
	}
}

// guessed says whether a TCP edge was seen from the middle, between ports of no known service: the client is who was heard first.
func guessed(e *observe.Edge) bool { return e.ClientPort != 0 }

// reaches looks at one edge for a device that talks to the internet.
func (b *builtin) reaches(e *observe.Edge) {
	if e.Answered && e.PacketsOut > 0 && b.cfg.internet(e.Server) && inside(b.cfg, e.Client) {
		o := b.see("internet-out", e.Client, b.cfg.end(e.Server), "", 0, max(uint64(e.Opened), 1), e.First, e.Last, e.Ref)
		o.dstIP = internetIP(o.dst, e.Server)
	}
}

// inside says whether a is an address of a device of this network.
func inside(cfg *Config, a decode.Addr) bool {
	return !cfg.internet(a) && inventory.Ownable(a)
}

// flood looks at one UDP or ICMP edge; what a control protocol sends by the clock is none.
func (b *builtin) flood(e *observe.Edge) {
	n := max(e.PacketsOut, e.PacketsIn)
	if e.Service != "" || n < 10_000 {
		return
	}
	k := windowKey{src: e.Client, dst: e.Server}
	if e.PacketsIn > e.PacketsOut {
		k.src, k.dst = k.dst, k.src
	}
	t := tally{n: n, first: e.First, last: e.Last, ref: e.Ref}
	b.rateHit("packet-flood", &t, k, rate(n, e.First, e.Last, sec, 10*sec))
}

// rateHit is a hit of a rule that counts a rate.
func (b *builtin) rateHit(sub string, t *tally, k windowKey, seen int) {
	k.rule = b.index[sub]
	h := hit{windowKey: k, seen: seen, n: t.n, first: t.first, last: t.last, ref: t.ref}
	if t.top != nil && k.src.IsZero() && 2*t.topN > t.n { // else it was nobody in particular
		h.srcIP, h.srcMAC = t.top.Client, t.top.ClientMAC
	}
	b.hit(h)
}

// eventRules are the events that are counted as they are: by source, destination and text.
var eventRules = [observe.NumEvents]struct {
	sub     string
	dst     bool // the destination is part of what is counted
	text    bool // and the text
	perItem bool // what differs in Arg is different
	what    string
}{
	observe.EventFlags:      {sub: "odd-flags"},
	observe.EventProbe:      {sub: "probe", what: "tcp syn"},
	observe.EventCleartext:  {sub: "cleartext", dst: true, text: true},
	observe.EventDefault:    {sub: "default-credentials", dst: true, text: true},
	observe.EventSMB1:       {sub: "smbv1", dst: true},
	observe.EventExploit:    {sub: "smb-exploit", dst: true, text: true},
	observe.EventShare:      {sub: "lateral-transfer", dst: true, text: true},
	observe.EventName:       {sub: "name-poisoning", perItem: true},
	observe.EventTunnel:     {sub: "dns-tunnel", text: true, perItem: true},
	observe.EventNoName:     {sub: "dga", perItem: true},
	observe.EventDHCPServer: {sub: "rogue-dhcp", text: true},
	observe.EventRouter:     {sub: "rogue-ra"},
	observe.EventEcho:       {sub: "icmp-tunnel", dst: true},
	observe.EventMalformed:  {sub: "malformed", dst: true, text: true},
	observe.EventOpen:       {sub: "open-connections", dst: true, text: true},
	observe.EventCrossed:    {sub: "goose-replay", dst: true, text: true},
}

// bruteEvents are the rules of refused log-ins by service.
var bruteEvents = map[string]string{"smb": "brute-smb", "ftp": "brute-ftp", "http": "brute-http"}

// events reads the minute's events.
func (b *builtin) events(v *view) {
	b.arp(v)
	b.publishers(v)
	for i := range v.m.Events {
		x := &v.m.Events[i]
		switch x.Kind {
		case observe.EventRefusedLogin:
			if sub := bruteEvents[x.Text]; sub != "" {
				b.see(sub, x.Src, x.Dst, "", 0, uint64(x.Count), x.First, x.Last, x.Ref)
				if x.Text != "http" { // where the first answer to each session is a refusal
					b.see(sub+"-slow", x.Src, x.Dst, "", 0, uint64(x.Count), x.First, x.Last, x.Ref)
				}
			}
			continue
		case observe.EventDHCPAsk:
			o := b.see("dhcp-starvation", decode.Addr{}, decode.Addr{}, "dhcp", x.Src.Lo, uint64(x.Count), x.First, x.First, x.Ref)
			o.srcMAC = x.Dst.MAC()
			continue
		}
		if x.Kind >= observe.NumEvents {
			continue
		}
		r := &eventRules[x.Kind]
		if r.sub == "" {
			continue
		}
		var dst decode.Addr
		extra, item := r.what, uint64(0)
		if r.dst {
			dst = x.Dst
		}
		src := x.Src
		if x.Kind == observe.EventEcho { // who asks opens the tunnel
			src, dst = x.Dst, x.Src
		}
		if r.text {
			extra = x.Text
		}
		if r.perItem {
			item = uint64(x.Arg)
		}
		if x.Kind == observe.EventCleartext && x.Text == "rsh" { // its port is a log's too
			b.see("remote-access", b.cfg.end(x.Src), x.Dst, x.Text, 0, uint64(x.Count), x.First, x.Last, x.Ref)
		}
		o := b.see(r.sub, src, dst, extra, item, uint64(x.Count), x.First, x.Last, x.Ref)
		o.function = x.Text
		if x.Kind == observe.EventName && (x.Text == "wpad" || x.Text == "WPAD" || x.Text == "isatap") {
			// Nobody has these names: one answer is as good as three.
			for n := range uint64(2) {
				b.see(r.sub, x.Src, dst, extra, item+(n+1)<<32, 1, x.First, x.Last, x.Ref)
			}
		}
	}
}
