package detect

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/observe"
)

// Subkinds of ip-communication.
const (
	SubPort        = "port"         // the pair is learned, the service is not
	SubPair        = "pair"         // the two never talked
	SubAttempt     = "attempt"      // tried, and not answered or refused
	SubMany        = "many"         // too many of one source
	SubManySources = "many-sources" // too many to one destination
	SubManyPorts   = "many-ports"   // too many services of one destination, of one source
)

// The rules that turn single ports into ranges: RangeFixed distinct destination
// ports of a fixed source port, and more than RangeDynamic ports from 1024 on of a client
// and server, become one range from the lowest to the highest.
const (
	RangeFixed   = 3
	RangeDynamic = 8
	dynamicPort  = 1024
)

// communications is the detector of IP communications (D1-3).
// docs/detection/ip-communication.md states its rules.
type communications struct {
	cfg     *Config
	devices *devices
	sets    map[commKey]*portSet
	bySrc   map[decode.Addr][]*portSet
	byDst   map[decode.Addr][]*portSet
	wild    []commRow
	n       int
}

// commKey is a learned communication without its server ports.
type commKey struct {
	src, dst decode.Addr
	transport
	sport uint16 // fixed client port, 0 for none
}

// portSet is what was learned of one commKey: intervals of server ports.
type portSet struct {
	key     commKey
	learned []*entry // sorted by Lo, without overlaps
	hand    []*entry
}

func find(es []*entry, port uint16) *entry {
	for _, e := range es {
		if e.Lo <= port && port <= e.Hi {
			return e
		}
	}
	return nil
}

func (s *portSet) covers(port uint16) bool {
	return s != nil && (find(s.learned, port) != nil || find(s.hand, port) != nil)
}

// commRow is a Row of this list, read.
type commRow struct {
	src, dst pattern
	anyProto bool
	transport
	anyItem bool
	sport   uint16
	lo, hi  uint16
}

func parseCommunication(r *Row) (commRow, error) {
	c := commRow{lo: r.Lo, hi: r.Hi}
	var err error
	if c.src, err = parsePattern(r.Src); err != nil {
		return c, err
	}
	if c.dst, err = parsePattern(r.Dst); err != nil {
		return c, err
	}
	if c.src.end.IsMAC() || c.dst.end.IsMAC() {
		return c, fmt.Errorf("a communication is of IP addresses, not of MACs")
	}
	if c.anyProto = r.Proto == Any; !c.anyProto {
		if c.transport, err = parseTransport(r.Proto); err != nil {
			return c, err
		}
	}
	switch port, fixed := strings.CutPrefix(r.Item, fixedPrefix); {
	case fixed:
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return c, fmt.Errorf("item %q: want %sPORT with a port from 1 to 65535", r.Item, fixedPrefix)
		}
		c.sport = uint16(n)
	case r.Item == Any || r.Item == ItemAny && r.Origin == Hand:
		c.anyItem = true
	case r.Item == ItemAny, r.Item == ItemPort:
	default:
		return c, fmt.Errorf("item %q: want %s, %sPORT, %s or %s", r.Item, ItemPort, fixedPrefix, ItemAny, Any)
	}
	if r.Origin == Hand && c.lo == 0 && c.hi == 0 { // a hand that names no port means all
		c.hi = math.MaxUint16
	}
	if c.hi < c.lo {
		return c, fmt.Errorf("ports %d to %d: the last is below the first", c.lo, c.hi)
	}
	return c, nil
}

func newCommunications(cfg *Config, d *devices) *communications {
	c := &communications{cfg: cfg, devices: d}
	c.load(nil)
	return c
}

func (c *communications) kind() Kind { return IPCommunication }
func (c *communications) rows() int  { return c.n }

func (c *communications) load(rows []Row) {
	c.sets, c.wild, c.n = map[commKey]*portSet{}, nil, 0
	c.bySrc, c.byDst = map[decode.Addr][]*portSet{}, map[decode.Addr][]*portSet{}
	for i := range rows {
		r, err := parseCommunication(&rows[i])
		if err != nil {
			continue
		}
		c.n++
		if r.anyProto || r.anyItem || !r.src.exact() || !r.dst.exact() {
			c.wild = append(c.wild, r)
			continue
		}
		s := c.set(commKey{r.src.end, r.dst.end, r.transport, r.sport})
		e := &entry{Row: rows[i]}
		if e.Origin == Hand {
			e.Lo, e.Hi = r.lo, r.hi
			s.hand = append(s.hand, e)
		} else {
			s.learned = append(s.learned, e)
		}
	}
	for _, s := range c.sets {
		slices.SortFunc(s.learned, func(a, b *entry) int { return int(a.Lo) - int(b.Lo) })
	}
}

func (c *communications) set(k commKey) *portSet {
	s := c.sets[k]
	if s == nil {
		s = &portSet{key: k}
		c.sets[k] = s
		c.bySrc[k.src] = append(c.bySrc[k.src], s)
		c.byDst[k.dst] = append(c.byDst[k.dst], s)
	}
	return s
}

// key is what list row e is looked up by, and the server's port, 0 for
// protocols without (of ICMP an edge has type and code there).
func (c *communications) key(e *observe.Edge) (commKey, uint16) {
	k := commKey{c.cfg.end(e.Client), c.cfg.end(e.Server), transport{e.Proto, e.Tunnel}, e.ClientPort}
	if !hasPorts(e.Proto) {
		return k, 0
	}
	return k, e.ServerPort
}

// icmpError says whether e is ICMP's answer to a packet that could not be
// delivered (RFC 792: types 3, 4, 11, 12; RFC 4443: 1 to 4): no communication of its own.
func icmpError(e *observe.Edge) bool {
	t := e.ServerPort >> 8
	switch e.Proto {
	case decode.ProtoICMP:
		return t == 3 || t == 4 || t == 11 || t == 12
	case decode.ProtoICMP6:
		return t >= 1 && t <= 4
	}
	return false
}

func hasPorts(proto uint8) bool {
	return proto == decode.ProtoTCP || proto == decode.ProtoUDP || proto == decode.ProtoSCTP
}

func item(k *commKey) string {
	switch {
	case k.sport != 0:
		return fixedPrefix + strconv.Itoa(int(k.sport))
	case hasPorts(k.proto):
		return ItemPort
	}
	return ItemAny
}

func (c *communications) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	// The minute's edges by key: a row that becomes a range must not
	// be told as a single port in the same minute.
	seen := make(map[commKey][]uint16, len(v.m.Edges))
	for i := range v.m.Edges {
		e := &v.m.Edges[i]
		if e.Ethernet() || icmpError(e) {
			continue
		}
		k, port := c.key(e)
		if c.wildMatch(&k, port) {
			continue // a hand allows it: nothing to learn
		}
		seen[k] = append(seen[k], port)
	}
	for k, ports := range seen {
		if c.n >= maxRows && c.sets[k] == nil {
			dropped++
			continue
		}
		slices.Sort(ports)
		var n int
		changes, n = c.set(k).learn(v, slices.Compact(ports), changes)
		c.n += n
	}
	return changes, dropped
}

// learn adds server ports to the set; it appends what changed to changes and says how many rows
// more the set has.
func (s *portSet) learn(v *view, ports []uint16, changes []Change) (_ []Change, more int) {
	touched := false
	for _, p := range ports {
		if find(s.hand, p) != nil {
			continue
		}
		e := find(s.learned, p)
		if e == nil {
			e = &entry{Row: s.row(p, p)}
			at, _ := slices.BinarySearchFunc(s.learned, p, func(e *entry, p uint16) int { return int(e.Lo) - int(p) })
			s.learned = slices.Insert(s.learned, at, e)
			more++
		}
		touched = e.teach(v) || touched
	}
	if !touched {
		return changes, 0
	}
	n := len(s.learned)
	for _, lo := range s.compact(v) {
		changes = append(changes, Change{Remove: true, Row: s.row(lo, 0)})
	}
	for _, e := range s.learned {
		if e.stamp == v.stamp {
			changes = append(changes, e.change())
		}
	}
	return changes, more + len(s.learned) - n
}

// row is a learned row of the set.
func (s *portSet) row(lo, hi uint16) Row {
	return Row{Src: endText(s.key.src), Dst: endText(s.key.dst), Proto: Transport(s.key.proto, s.key.tunnel),
		Item: item(&s.key), Lo: lo, Hi: hi, Origin: Learned}
}

// compact applies the range rules and gives the first ports of stored rows
// that are no more.
func (s *portSet) compact(v *view) (removed []uint16) {
	from := 0
	if s.key.sport != 0 {
		ports := 0
		for _, e := range s.learned {
			ports += int(e.Hi) - int(e.Lo) + 1
		}
		if ports < RangeFixed {
			return nil
		}
	} else {
		from = len(s.learned)
		for from > 0 && s.learned[from-1].Lo >= dynamicPort {
			from--
		}
		if len(s.learned)-from <= RangeDynamic {
			return nil
		}
	}
	if len(s.learned)-from < 2 {
		return nil
	}
	one := &entry{Row: s.learned[from].Row, stamp: v.stamp}
	for _, e := range s.learned[from+1:] {
		one.Hi = max(one.Hi, e.Hi)
		one.First, one.Last = min(one.First, e.First), max(one.Last, e.Last)
		one.Count = max(one.Count, e.Count)
		if !e.isNew || e.stamp != v.stamp {
			removed = append(removed, e.Lo)
		}
	}
	// A stored row of the lowest port is widened; a new lowest port leaves the others to be removed.
	s.learned = append(s.learned[:from], one)
	return removed
}

func (c *communications) wildMatch(k *commKey, port uint16) bool {
	for i := range c.wild {
		w := &c.wild[i]
		if (w.anyProto || w.transport == k.transport) && (w.anyItem || w.sport == k.sport) &&
			w.lo <= port && port <= w.hi && w.src.match(k.src) && w.dst.match(k.dst) {
			return true
		}
	}
	return false
}

// known says whether the baseline has k to port, as it is or read the other
// way round: of a connection seen from the middle the client is a guess.
func (c *communications) known(k commKey, port uint16) bool {
	if c.sets[k].covers(port) || len(c.wild) > 0 && c.wildMatch(&k, port) {
		return true
	}
	if !hasPorts(k.proto) {
		return false
	}
	back := commKey{k.dst, k.src, k.transport, port}
	if k.proto == decode.ProtoUDP && k.sport == 0 {
		// Where both use the port, who is the client is a matter of who was heard first.
		same, other := commKey{k.src, k.dst, k.transport, port}, commKey{k.dst, k.src, k.transport, 0}
		if c.sets[same].covers(port) || c.sets[other].covers(port) {
			return true
		}
	}
	if k.sport == 0 {
		// The server's port may be what was learned as a client's fixed port; or
		// it lies in the range of a fixed client port and is a known service
		// by chance, for which edges carry no client port.
		return port != 0 && c.sets[back] != nil || c.inRange(&k, port)
	}
	if port != 0 && c.sets[back].covers(k.sport) {
		return true
	}
	back.sport = 0
	return c.sets[back].covers(k.sport)
}

// inRange says whether a fixed client port of the pair was learned with a range that holds port.
func (c *communications) inRange(k *commKey, port uint16) bool {
	for _, s := range c.bySrc[k.src] {
		if s.key.sport != 0 && s.key.dst == k.dst && s.key.transport == k.transport {
			if e := find(s.learned, port); e != nil && e.Lo < e.Hi {
				return true
			}
		}
	}
	return false
}

// knownDevice is known, also under the addresses that a DHCP client had when it was learned.
func (c *communications) knownDevice(v *view, e *observe.Edge, k commKey, port uint16) bool {
	if c.known(k, port) || c.renewal(v, e) {
		return true
	}
	clients, servers := c.devices.aliases(v, e.Client), c.devices.aliases(v, e.Server)
	for a := range clients {
		other := k
		other.src = c.cfg.end(a)
		if c.known(other, port) {
			return true
		}
		for b := range servers {
			other.dst = c.cfg.end(b)
			if c.known(other, port) {
				return true
			}
		}
	}
	for b := range servers {
		other := k
		other.dst = c.cfg.end(b)
		if c.known(other, port) {
			return true
		}
	}
	return false
}

// renewal says whether e is a learned DHCP client that asks a learned DHCP
// server directly. It does so first when half of a lease is over (RFC 2131 section 4.4.5), which may be
// days after it was learned with its broadcasts.
func (c *communications) renewal(v *view, e *observe.Edge) bool {
	if e.Proto != decode.ProtoUDP || e.ServerPort != 67 || c.devices.dhcp[v.owner[e.Client]] == nil {
		return false
	}
	udp := transport{e.Proto, e.Tunnel}
	served := func(s *portSet, port uint16) bool { return s.key.transport == udp && s.covers(port) }
	return slices.ContainsFunc(c.byDst[c.cfg.end(e.Server)], func(s *portSet) bool { return served(s, 67) }) ||
		slices.ContainsFunc(c.bySrc[c.cfg.end(e.Server)], func(s *portSet) bool { return served(s, 68) })
}

func (c *communications) inspect(v *view) []finding {
	var found []finding
	// What was learned of a source and of a destination, made once a minute.
	servers, clients := map[decode.Addr]string{}, map[decode.Addr]string{}
	for i := range v.m.Edges {
		e := &v.m.Edges[i]
		if e.Ethernet() || icmpError(e) {
			continue
		}
		k, port := c.key(e)
		if c.knownDevice(v, e, k, port) {
			continue
		}
		src, dst, proto := endText(k.src), endText(k.dst), Transport(k.proto, k.tunnel)
		attempt := failed(e)
		// The alert's ends are addresses also where the list has the internet as one.
		f := finding{first: e.First, last: e.Last, count: e.PacketsOut + e.PacketsIn, srcIP: e.Client.String(), dstIP: e.Server.String(),
			srcMAC: e.ClientMAC.String(), dstMAC: e.ServerMAC.String(), ref: e.Ref}
		pair := c.pair(k.src, k.dst)
		if _, ok := servers[k.src]; !ok {
			servers[k.src] = peers(c.bySrc[k.src], func(s *portSet) decode.Addr { return s.key.dst })
		}
		if _, ok := clients[k.dst]; !ok {
			clients[k.dst] = peers(c.byDst[k.dst], func(s *portSet) decode.Addr { return s.key.src })
		}
		learned := servers[k.src]
		switch {
		case attempt:
			f.subkind = SubAttempt
		case pair != "":
			f.subkind = SubPort
		default:
			f.subkind = SubPair
		}
		if pair != "" {
			learned = pair
		}
		f.severity, f.technique = c.judge(e, &k, attempt)
		f.key = strings.Join([]string{src, dst, proto, item(&k), strconv.Itoa(int(port))}, "|")
		if attempt {
			f.key = "attempt|" + f.key
		}
		service := proto
		if hasPorts(k.proto) {
			service += "/" + strconv.Itoa(int(port))
		}
		if e.Service != "" {
			service += " (" + e.Service + ")"
		}
		if k.sport != 0 {
			service += " ← " + strconv.Itoa(int(k.sport))
		}
		f.args = []Arg{{"src", src}, {"dst", dst}, {"service", service}, {"learned", learned}, {"answered", yesNo(e.Answered)}}
		f.groups = [3]group{
			{many: SubMany, name: src, sample: dst + " " + service, learned: servers[k.src], minute: floodMinute, limit: floodMinute, severity: High, technique: "T0846"},
			{many: SubManySources, name: dst, sample: src + " " + service, learned: clients[k.dst], minute: floodMinute, limit: floodMinute, severity: High, technique: "T0846"},
			{many: SubManyPorts, name: src + "|" + dst, sample: service, learned: or(pair, "–"), minute: floodPair, limit: floodPair, severity: Medium},
		}
		if attempt {
			f.groups[2].severity, f.groups[2].technique = High, "T0846"
		}
		found = append(found, f)
	}
	return found
}

// failed says whether e is a failed attempt only: TCP, and either nothing ever
// came back, or every connection of the minute failed and no more came back than refusals. No more
// than SYNs and their repetitions were sent: without that, a capture of one direction would be all attempts.
func failed(e *observe.Edge) bool {
	tries := uint64(max(e.Opened, e.Failed, 1))
	refused := e.Failed > 0 && e.Failed >= e.Opened && e.PacketsIn <= 4*tries && e.BytesIn <= 100*e.PacketsIn
	return e.Proto == decode.ProtoTCP && (!e.Answered || refused) && e.PacketsOut <= 8*tries
}

// remote are the ports of remote access: SSH, Telnet, RDP, VNC, TeamViewer, AnyDesk.
var remote = []uint16{22, 23, 3389, 5900, 5938, 7070}

// judge gives severity and technique of a new communication. The table stands
// in docs/detection/ip-communication.md.
func (c *communications) judge(e *observe.Edge, k *commKey, attempt bool) (Severity, string) {
	switch {
	case attempt:
		return Low, "T0846"
	case c.cfg.internet(e.Client):
		return High, "T0883"
	case c.cfg.internet(e.Server):
		return High, "T0885"
	case k.proto == decode.ProtoTCP && slices.Contains(remote, e.ServerPort):
		return High, "T0886"
	case e.Multicast:
		return Low, ""
	}
	return Medium, ""
}

// pair names what was learned between two ends, "" for nothing.
func (c *communications) pair(src, dst decode.Addr) string {
	var all []string
	for _, s := range c.bySrc[src] {
		if s.key.dst != dst {
			continue
		}
		for _, es := range [][]*entry{s.learned, s.hand} {
			for _, e := range es {
				all = append(all, e.text())
			}
		}
	}
	if all == nil {
		return ""
	}
	slices.Sort(all)
	return list(all, func(s string) string { return s })
}

// text is the service of a row as alerts name it: "tcp/502", "udp/5000-5010 ← 2222".
func (r *Row) text() string {
	if r.Item == ItemAny {
		return r.Proto
	}
	s := r.Proto + "/" + strconv.Itoa(int(r.Lo))
	if r.Hi != r.Lo {
		s += "-" + strconv.Itoa(int(r.Hi))
	}
	if port, fixed := strings.CutPrefix(r.Item, fixedPrefix); fixed {
		s += " ← " + port
	}
	return s
}

// peers names the other ends of learned communications.
func peers(sets []*portSet, other func(*portSet) decode.Addr) string {
	var all []decode.Addr
	for _, s := range sets {
		all = append(all, other(s))
	}
	slices.SortFunc(all, decode.Addr.Compare)
	return list(slices.Compact(all), endText)
}
