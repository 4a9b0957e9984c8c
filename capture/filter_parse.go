package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// parser reads an expression.
type parser struct {
	words []string
	pos   int
	depth int
	vlans uint32     // tags passed so far
	last  qualifiers // of the primitive before, for "port 80 or 443"
}

type qualifiers struct {
	proto string // "" for any
	dir   string // "src", "dst", "or", "and"
	kind  string // "host", "net", "port", "portrange", "proto"; "" for none yet
}

const (
	maxExpression = 1 << 16 // bytes
	maxDepth      = 200     // of brackets
)

func parseFilter(expr string) (*node, error) {
	if len(expr) > maxExpression {
		return nil, fmt.Errorf("the expression is longer than %d bytes", maxExpression)
	}
	words, err := splitFilter(expr)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errors.New("the expression is empty")
	}
	p := &parser{words: words}
	n, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.pos < len(p.words) {
		return nil, p.unexpected("and, or, or the end")
	}
	return n, nil
}

// splitFilter cuts an expression into words and operators.
func splitFilter(expr string) ([]string, error) {
	var words []string
	inside := 0 // of square brackets, where : and - are operators
	for i := 0; i < len(expr); {
		c := expr[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case isWordByte(c) || c == '\\':
			j := i + 1
			for j < len(expr) && (isWordByte(expr[j]) || inside == 0 && (expr[j] == ':' || expr[j] == '-' || expr[j] == '/')) {
				j++
			}
			if inside > 0 && j < len(expr) && expr[j] == '-' { // a name like tcp-syn
				k := j + 1
				for k < len(expr) && isWordByte(expr[k]) {
					k++
				}
				if _, ok := constants[expr[i:k]]; ok {
					j = k
				}
			}
			words = append(words, expr[i:j])
			i = j
		case c == ':' && inside == 0: // ::1
			j := i + 1
			for j < len(expr) && (isWordByte(expr[j]) || expr[j] == ':' || expr[j] == '/') {
				j++
			}
			words = append(words, expr[i:j])
			i = j
		default:
			n := 1
			if i+1 < len(expr) {
				switch expr[i : i+2] {
				case "&&", "||", "==", "!=", ">=", "<=", "<<", ">>":
					n = 2
				}
			}
			w := expr[i : i+n]
			switch w {
			case "[":
				inside++
			case "]":
				inside--
			}
			if n == 1 && !strings.Contains("()[]:!&|^+-*/%<>=", w) {
				return nil, fmt.Errorf("character %q has no meaning here", w)
			}
			words = append(words, w)
			i += n
		}
	}
	return words, nil
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_'
}

func (p *parser) peek() string {
	if p.pos < len(p.words) {
		return p.words[p.pos]
	}
	return ""
}

func (p *parser) take(words ...string) bool {
	for _, w := range words {
		if p.peek() == w {
			p.pos++
			return true
		}
	}
	return false
}

func (p *parser) unexpected(wanted string) error {
	if p.pos >= len(p.words) {
		return fmt.Errorf("it ends where %s should follow", wanted)
	}
	return fmt.Errorf("%q (word %d) stands where %s should", p.words[p.pos], p.pos+1, wanted)
}

func (p *parser) nest() error {
	if p.depth++; p.depth > maxDepth {
		return errors.New("brackets are nested too deeply")
	}
	return nil
}

// expression: "and" and "or" bind equally and from the left, as in libpcap.
func (p *parser) expression() (*node, error) {
	n, err := p.factor(false)
	for err == nil {
		op := opAnd
		switch {
		case p.take("and", "&&"):
		case p.take("or", "||"):
			op = opOr
		default:
			return n, nil
		}
		var m *node
		m, err = p.factor(true)
		n = &node{op: op, a: n, b: m}
	}
	return nil, err
}

func (p *parser) factor(follows bool) (*node, error) {
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	if p.take("not", "!") {
		n, err := p.factor(follows)
		return &node{op: opNot, a: n}, err
	}
	if n, err := p.relation(); n != nil || err != nil {
		return n, err
	}
	if p.take("(") {
		n, err := p.expression()
		if err == nil && !p.take(")") {
			err = p.unexpected(`")"`)
		}
		return n, err
	}
	return p.primitive(follows)
}

// networkProtocols and transportProtocols are the protocols with a name.
var networkProtocols = map[string]uint32{"ip": etherIPv4, "ip6": etherIPv6, "arp": etherARP, "rarp": etherRARP}

var transportProtocols = map[string]struct {
	number uint32
	v4, v6 bool // where libpcap looks for it
}{
	"tcp": {6, true, true}, "udp": {17, true, true}, "sctp": {132, true, true},
	"icmp": {1, true, false}, "igmp": {2, true, false}, "igrp": {9, true, false},
	"esp": {50, true, true}, "ah": {51, true, true}, "pim": {103, true, true},
	"vrrp": {112, true, false}, "icmp6": {58, false, true},
}

// unsupported are words of pcap-filter(7) that are not understood here.
var unsupported = map[string]bool{
	"gateway": true, "protochain": true, "mpls": true, "pppoed": true, "pppoes": true, "geneve": true, "vxlan": true,
	"llc": true, "iso": true, "clnp": true, "esis": true, "isis": true, "decnet": true, "atalk": true,
	"aarp": true, "stp": true, "ipx": true, "netbeui": true, "lat": true, "moprc": true, "mopdl": true, "sca": true,
	"fddi": true, "tr": true, "wlan": true, "type": true, "subtype": true, "addr1": true, "addr2": true, "addr3": true,
	"addr4": true, "ra": true, "ta": true, "inbound": true, "outbound": true, "ifname": true, "on": true, "ifindex": true,
	"carp": true, "radio": true, "ppp": true, "slip": true, "link": true, "rnr": true, "rulenum": true,
	"reason": true, "rset": true, "ruleset": true, "srnr": true, "subrulenum": true, "action": true,
}

// primitive reads qualifiers and what they qualify.
func (p *parser) primitive(follows bool) (*node, error) {
	word := p.peek()
	switch {
	case unsupported[word]:
		return nil, fmt.Errorf("%q (word %d) of pcap-filter is not supported", word, p.pos+1)
	case p.take("vlan"):
		n := &node{op: opVLAN, vlans: p.vlans}
		p.vlans++
		if id, err := strconv.ParseUint(p.peek(), 0, 32); err == nil {
			if id > 0xfff {
				return nil, fmt.Errorf("%d is no VLAN number", id)
			}
			p.pos++
			tag := p.field(baseNet, 0, 2, uint32(id))
			tag.vlans--
			tag.mask = 0xfff
			n = and(n, tag)
		}
		return n, nil
	case p.take("less"), p.take("greater"):
		v, err := strconv.ParseUint(p.peek(), 0, 32)
		if err != nil {
			return nil, p.unexpected("a length in bytes")
		}
		p.pos++
		n := &node{op: opRelation, x: &term{op: 'l'}, y: &term{op: '#', val: uint32(v)}, test: bpf.JumpLessOrEqual}
		if word == "greater" {
			n.test = bpf.JumpGreaterOrEqual
		}
		return n, nil
	}
	start := p.pos
	q := qualifiers{dir: "or"}
	if _, net := networkProtocols[word]; net || transportProtocols[word].number > 0 || word == "ether" {
		q.proto = word
		p.pos++
	}
	if p.take("broadcast") {
		return p.broadcast(q.proto)
	}
	if p.take("multicast") {
		return p.multicast(q.proto)
	}
	if side := p.peek(); p.take("src", "dst") {
		q.dir = side
		if op := p.peek(); (op == "or" || op == "and") && p.pos+1 < len(p.words) {
			if other := p.words[p.pos+1]; (other == "src" || other == "dst") && other != side {
				q.dir = op
				p.pos += 2
			}
		}
	}
	directed := p.pos > start && p.words[p.pos-1] != q.proto
	if kind := p.peek(); p.take("host", "net", "port", "portrange", "proto") {
		q.kind = kind
	} else if q.proto != "" && !directed && !p.atValue() {
		return p.protocol(q.proto), nil
	}
	switch {
	case p.pos == start && !follows:
		return nil, p.unexpected("a primitive (host, net, port, tcp, …)")
	case p.pos == start:
		if q = p.last; q.kind == "" || !p.atValue() {
			return nil, p.unexpected("a primitive (host, net, port, tcp, …)")
		}
	case q.kind == "":
		q.kind = "host"
		if strings.Contains(p.peek(), "/") {
			q.kind = "net"
		}
	}
	p.last = q
	return p.values(q)
}

// atValue reports whether the next word can be an address or a number.
func (p *parser) atValue() bool {
	w := p.peek()
	return w != "" && (w[0] >= '0' && w[0] <= '9' || strings.Contains(w, ":") || w[0] == '\\' || ports[w] > 0)
}

// values reads one value or a bracket of them.
func (p *parser) values(q qualifiers) (*node, error) {
	if !p.take("(") {
		return p.value(q)
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	var n *node
	for op := opAnd; ; {
		negate := p.take("not", "!")
		m, err := p.values(q)
		if err != nil {
			return nil, err
		}
		if negate {
			m = &node{op: opNot, a: m}
		}
		if n == nil {
			n = m
		} else {
			n = &node{op: op, a: n, b: m}
		}
		switch {
		case p.take(")"):
			return n, nil
		case p.take("and", "&&"):
			op = opAnd
		case p.take("or", "||"):
			op = opOr
		default:
			return nil, p.unexpected(`and, or, or ")"`)
		}
	}
}

func (p *parser) value(q qualifiers) (*node, error) {
	word := strings.TrimPrefix(p.peek(), `\`) // as in: ether proto \arp
	if word == "" || !isWordByte(word[0]) && word[0] != ':' {
		return nil, p.unexpected("a value for " + q.kind)
	}
	p.pos++
	switch q.kind {
	case "host":
		return p.host(q, word)
	case "net":
		return p.net(q, word)
	case "port", "portrange":
		return p.port(q, word)
	}
	return p.proto(q, word)
}

// field compares a field for equality.
func (p *parser) field(b base, off uint32, size int, val uint32) *node {
	return &node{op: opField, base: b, off: off, size: size, val: val, test: bpf.JumpEqual, vlans: p.vlans}
}

func (p *parser) etherType(v uint32) *node {
	return &node{op: opEther, val: v, vlans: p.vlans}
}

// ipProto is IPv4 with this protocol, or IPv6 with this next header, also
// behind a fragment header.
func (p *parser) ipProto(number uint32, v4, v6 bool) *node {
	four := and(p.etherType(etherIPv4), p.field(baseNet, 9, 1, number))
	six := and(p.etherType(etherIPv6), or(p.field(baseNet, 6, 1, number),
		and(p.field(baseNet, 6, 1, 44), p.field(baseNet, 40, 1, number))))
	switch {
	case !v6:
		return four
	case !v4:
		return six
	}
	return or(four, six)
}

func (p *parser) protocol(name string) *node {
	if t, ok := transportProtocols[name]; ok {
		return p.ipProto(t.number, t.v4, t.v6)
	}
	if v, ok := networkProtocols[name]; ok {
		return p.etherType(v)
	}
	return &node{op: opMAC}
}

// sides joins a test of the source and one of the destination.
func sides(dir string, src, dst *node) *node {
	switch dir {
	case "src":
		return src
	case "dst":
		return dst
	case "and":
		return and(src, dst)
	}
	return or(src, dst)
}

func (p *parser) host(q qualifiers, word string) (*node, error) {
	if q.proto == "ether" {
		mac, err := net.ParseMAC(word)
		if err != nil || len(mac) != 6 {
			return nil, fmt.Errorf("%q is no MAC address", word)
		}
		at := func(off uint32) *node {
			return and(p.field(baseLink, off+2, 4, binary.BigEndian.Uint32(mac[2:])),
				p.field(baseLink, off, 2, uint32(binary.BigEndian.Uint16(mac))))
		}
		return and(&node{op: opMAC}, sides(q.dir, at(6), at(0))), nil
	}
	addr, err := netip.ParseAddr(word)
	if err != nil || addr.Zone() != "" {
		if q.proto == "" && strings.Count(word, ".") < 3 && word[0] >= '0' && word[0] <= '9' && !strings.Contains(word, ":") {
			return p.net(q, word)
		}
		return nil, fmt.Errorf("%q is no IP address (names are not looked up)", word)
	}
	return p.prefix(q, netip.PrefixFrom(addr, addr.BitLen()))
}

func (p *parser) net(q qualifiers, word string) (*node, error) {
	text := word
	bits := ""
	if i := strings.IndexByte(word, '/'); i >= 0 {
		text, bits = word[:i], word[i+1:]
	}
	full := text
	parts := 4
	if !strings.Contains(text, ":") { // 10.1 is 10.1.0.0/16
		if parts = strings.Count(text, ".") + 1; parts < 4 {
			full += strings.Repeat(".0", 4-parts)
		}
	}
	addr, err := netip.ParseAddr(full)
	if err != nil || addr.Zone() != "" {
		return nil, fmt.Errorf("%q is no network (write 192.168.0.0/16; names are not looked up)", word)
	}
	length := 8 * parts
	if addr.Is6() {
		length = 128
	}
	switch {
	case bits != "":
		n, err := strconv.Atoi(bits)
		if err != nil || n < 0 || n > addr.BitLen() {
			return nil, fmt.Errorf("%q: a prefix has 0 to %d bits", word, addr.BitLen())
		}
		length = n
	case addr.Is4() && p.take("mask"):
		mask, err := netip.ParseAddr(p.peek())
		if err != nil || !mask.Is4() {
			return nil, p.unexpected("a network mask")
		}
		p.pos++
		four := mask.As4()
		ones, size := net.IPMask(four[:]).Size()
		if size == 0 {
			return nil, fmt.Errorf("mask %s has gaps", mask)
		}
		length = ones
	}
	prefix := netip.PrefixFrom(addr, length)
	if prefix.Masked().Addr() != addr {
		return nil, fmt.Errorf("%q has bits set behind its prefix of %d bits", word, length)
	}
	return p.prefix(q, prefix)
}

// prefix tests for addresses in a prefix.
func (p *parser) prefix(q qualifiers, prefix netip.Prefix) (*node, error) {
	addr := prefix.Addr()
	words := func(off uint32) *node {
		b := addr.AsSlice()
		var n *node
		for i := 0; i < len(b); i += 4 {
			ones := min(max(prefix.Bits()-8*i, 0), 32)
			if ones == 0 && n != nil {
				break
			}
			f := p.field(baseNet, off+uint32(i), 4, binary.BigEndian.Uint32(b[i:]))
			switch {
			case ones == 0: // 0.0.0.0/0: the field is there
				f.test, f.val = bpf.JumpGreaterOrEqual, 0
			case ones < 32:
				f.mask = ^uint32(0) << (32 - ones)
			}
			if n == nil {
				n = f
			} else {
				n = and(n, f)
			}
		}
		return n
	}
	if addr.Is6() {
		if q.proto != "" && q.proto != "ip6" {
			return nil, fmt.Errorf("%s %s %s: an IPv6 address belongs to ip6", q.proto, q.kind, addr)
		}
		return and(p.etherType(etherIPv6), sides(q.dir, words(8), words(24))), nil
	}
	ip := and(p.etherType(etherIPv4), sides(q.dir, words(12), words(16)))
	arp := sides(q.dir, words(14), words(24))
	switch q.proto {
	case "":
		return or(ip, and(or(p.etherType(etherARP), p.etherType(etherRARP)), arp)), nil
	case "ip":
		return ip, nil
	case "arp", "rarp":
		return and(p.etherType(networkProtocols[q.proto]), arp), nil
	}
	return nil, fmt.Errorf("%s %s: %s has no such addresses", q.proto, q.kind, q.proto)
}

func (p *parser) port(q qualifiers, word string) (*node, error) {
	first, last, ok := strings.Cut(word, "-")
	low, okLow := portNumber(first)
	high, okHigh := low, okLow
	if q.kind == "portrange" && ok {
		high, okHigh = portNumber(last)
	}
	if q.kind == "port" || !okLow || !okHigh { // also a name with a hyphen
		low, okLow = portNumber(word)
		high, okHigh = low, okLow
	}
	if !okLow || !okHigh {
		return nil, fmt.Errorf("%q is no %s", word, q.kind)
	}
	if low > high {
		low, high = high, low
	}
	var numbers []uint32
	switch q.proto {
	case "", "ip", "ip6":
		numbers = []uint32{6, 17, 132}
	case "tcp", "udp", "sctp":
		numbers = []uint32{transportProtocols[q.proto].number}
	default:
		return nil, fmt.Errorf("%s %s: %s has no ports", q.proto, q.kind, q.proto)
	}
	at := func(b base, off uint32) *node {
		if low == high {
			return p.field(b, off, 2, low)
		}
		least, most := p.field(b, off, 2, low), p.field(b, off, 2, high)
		least.test, most.test = bpf.JumpGreaterOrEqual, bpf.JumpLessOrEqual
		return and(least, most)
	}
	oneOf := func(off uint32) *node {
		var n []*node
		for _, number := range numbers {
			n = append(n, p.field(baseNet, off, 1, number))
		}
		return or(n...)
	}
	first4 := p.field(baseNet, 6, 2, 0) // ports are in the first fragment only
	first4.mask = 0x1fff
	four := and(p.etherType(etherIPv4), oneOf(9), first4, sides(q.dir, at(baseTransport, 0), at(baseTransport, 2)))
	six := and(p.etherType(etherIPv6), oneOf(6), sides(q.dir, at(baseNet, 40), at(baseNet, 42)))
	switch q.proto {
	case "ip":
		return four, nil
	case "ip6":
		return six, nil
	}
	return or(four, six), nil
}

// ports are names that may stand for port numbers, as in /etc/services.
var ports = map[string]uint32{
	"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
	"tftp": 69, "http": 80, "ntp": 123, "epmap": 135, "netbios-ns": 137, "netbios-dgm": 138, "netbios-ssn": 139,
	"iso-tsap": 102, "snmp": 161, "snmp-trap": 162, "ldap": 389, "https": 443, "microsoft-ds": 445, "mbap": 502,
	"syslog": 514, "mdns": 5353,
}

func portNumber(word string) (uint32, bool) {
	if v, ok := ports[word]; ok {
		return v, true
	}
	v, err := strconv.ParseUint(word, 0, 16)
	return uint32(v), err == nil
}

// proto is "ether proto", "ip proto", "ip6 proto" or "proto".
func (p *parser) proto(q qualifiers, word string) (*node, error) {
	if q.dir != "or" {
		return nil, fmt.Errorf("%s proto has no sense", q.dir)
	}
	number, err := strconv.ParseUint(word, 0, 16)
	known := err == nil
	if q.proto == "ether" {
		if v, ok := networkProtocols[word]; ok {
			number, known = uint64(v), true
		}
		if !known || number < 0x600 {
			return nil, fmt.Errorf("%q is no EtherType (0x600 to 0xffff, ip, ip6, arp, rarp)", word)
		}
		return p.etherType(uint32(number)), nil
	}
	if t, ok := transportProtocols[word]; ok {
		number, known = uint64(t.number), true
	}
	if !known || number > 255 {
		return nil, fmt.Errorf("%q is no IP protocol (0 to 255, tcp, udp, …)", word)
	}
	switch q.proto {
	case "", "ip", "ip6":
		return p.ipProto(uint32(number), q.proto != "ip6", q.proto != "ip"), nil
	}
	return nil, fmt.Errorf("%s proto has no sense", q.proto)
}

func (p *parser) broadcast(proto string) (*node, error) {
	if proto != "" && proto != "ether" {
		return nil, fmt.Errorf("%s broadcast is not supported (the network mask is not known)", proto)
	}
	return and(&node{op: opMAC}, p.field(baseLink, 2, 4, 0xffffffff), p.field(baseLink, 0, 2, 0xffff)), nil
}

func (p *parser) multicast(proto string) (*node, error) {
	switch proto {
	case "", "ether":
		n := p.field(baseLink, 0, 1, 1)
		n.mask = 1
		return and(&node{op: opMAC}, n), nil
	case "ip":
		n := p.field(baseNet, 16, 1, 224)
		n.test = bpf.JumpGreaterOrEqual
		return and(p.etherType(etherIPv4), n), nil
	case "ip6":
		return and(p.etherType(etherIPv6), p.field(baseNet, 24, 1, 255)), nil
	}
	return nil, fmt.Errorf("%s multicast has no sense", proto)
}

// constants are names of numbers in arithmetic.
var constants = map[string]uint32{
	"tcpflags": 13, "icmptype": 0, "icmpcode": 1, "icmp6type": 0, "icmp6code": 1,
	"tcp-fin": 1, "tcp-syn": 2, "tcp-rst": 4, "tcp-push": 8, "tcp-ack": 16, "tcp-urg": 32, "tcp-ece": 64, "tcp-cwr": 128,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5, "icmp-echo": 8,
	"icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11, "icmp-paramprob": 12, "icmp-tstamp": 13,
	"icmp-tstampreply": 14, "icmp-ireq": 15, "icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3, "icmp6-parameterproblem": 4,
	"icmp6-echo": 128, "icmp6-echoreply": 129, "icmp6-routersolicit": 133, "icmp6-routeradvert": 134,
	"icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
}

var relations = map[string]bpf.JumpTest{
	"=": bpf.JumpEqual, "==": bpf.JumpEqual, "!=": bpf.JumpNotEqual, ">": bpf.JumpGreaterThan, "<": bpf.JumpLessThan,
	">=": bpf.JumpGreaterOrEqual, "<=": bpf.JumpLessOrEqual,
}

// relation reads "arithmetic relation arithmetic" if that is what stands here;
// else it returns nil and nothing is read.
func (p *parser) relation() (*node, error) {
	start := p.pos
	var guards []*node
	x, err := p.arithmetic(0, &guards)
	test, ok := relations[p.peek()]
	if err != nil || !ok {
		if err != nil && p.pos > start && p.words[start] != "(" {
			if p.pos > start+1 { // proto [ … : the error is in it
				return nil, err
			}
		}
		p.pos = start
		return nil, nil
	}
	p.pos++
	y, err := p.arithmetic(0, &guards)
	if err != nil {
		return nil, err
	}
	return and(append(guards, &node{op: opRelation, x: x, y: y, test: test})...), nil
}

// levels are the binary operators from weakest to strongest, as in libpcap's
// grammar (which leaves ^ and % without a place: here they are beside | and *).
var levels = []map[string]bpf.ALUOp{
	{"|": bpf.ALUOpOr, "&": bpf.ALUOpAnd, "^": bpf.ALUOpXor},
	{"<<": bpf.ALUOpShiftLeft, ">>": bpf.ALUOpShiftRight},
	{"+": bpf.ALUOpAdd, "-": bpf.ALUOpSub},
	{"*": bpf.ALUOpMul, "/": bpf.ALUOpDiv, "%": bpf.ALUOpMod},
}

// arithmetic reads a number. guards collects what must be true of the frame
// for its loads to mean something: ip[…] is about IPv4 only.
func (p *parser) arithmetic(level int, guards *[]*node) (*term, error) {
	if level == len(levels) {
		return p.operand(guards)
	}
	t, err := p.arithmetic(level+1, guards)
	for err == nil {
		alu, ok := levels[level][p.peek()]
		if !ok {
			return t, nil
		}
		op := p.peek()
		p.pos++
		var u *term
		u, err = p.arithmetic(level+1, guards)
		if err == nil && (op == "/" || op == "%") && u.op == '#' && u.val == 0 {
			err = errors.New("division by zero")
		}
		t = &term{op: op[0], a: t, b: u, alu: alu}
	}
	return nil, err
}

func (p *parser) operand(guards *[]*node) (*term, error) {
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	word := p.peek()
	if p.take("-") {
		t, err := p.operand(guards)
		return &term{op: '-', a: &term{op: '#'}, b: t, alu: bpf.ALUOpSub}, err
	}
	if p.take("(") {
		t, err := p.arithmetic(0, guards)
		if err == nil && !p.take(")") {
			err = p.unexpected(`")"`)
		}
		return t, err
	}
	if p.take("len") {
		return &term{op: 'l'}, nil
	}
	if v, ok := constants[word]; ok {
		p.pos++
		return &term{op: '#', val: v}, nil
	}
	if v, err := strconv.ParseUint(word, 0, 32); err == nil {
		p.pos++
		return &term{op: '#', val: uint32(v)}, nil
	}
	if p.pos+1 >= len(p.words) || p.words[p.pos+1] != "[" {
		return nil, p.unexpected("a number")
	}
	t := &term{op: '[', size: 1, vlans: p.vlans}
	switch transport, ok := transportProtocols[word]; {
	case word == "ether":
		t.base = baseLink // whatever the link type
	case networkProtocols[word] > 0:
		t.base = baseNet
		*guards = append(*guards, p.etherType(networkProtocols[word]))
	case word == "icmp6":
		t.base, t.off = baseNet, 40
		*guards = append(*guards, p.etherType(etherIPv6), p.field(baseNet, 6, 1, transport.number))
	case ok:
		t.base = baseTransport
		fragment := p.field(baseNet, 6, 2, 0)
		fragment.mask = 0x1fff
		*guards = append(*guards, p.ipProto(transport.number, true, false), fragment)
	default:
		return nil, fmt.Errorf("%s[…] is not supported", word)
	}
	p.pos += 2
	var err error
	if t.a, err = p.arithmetic(0, guards); err != nil {
		return nil, err
	}
	if p.take(":") {
		size, err := strconv.Atoi(p.peek())
		if err != nil || size != 1 && size != 2 && size != 4 {
			return nil, p.unexpected("a size of 1, 2 or 4 bytes")
		}
		p.pos++
		t.size = size
	}
	if !p.take("]") {
		return nil, p.unexpected(`"]"`)
	}
	return t, nil
}
