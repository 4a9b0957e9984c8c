package detect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// Subkinds of ot-ip and ot-ethernet, besides SubPair and SubMany.
const (
	SubFunction = "function" // the two use this protocol, but not this function
	SubSource   = "source"   // the sender never used this protocol
	SubResponse = "response" // an answer to what nobody asks
)

// functions is the detector of OT behaviour (D1-6 over IP, D1-7 over
// Ethernet): an allow list of (source, destination, protocol, function).
// docs/detection/ot-behaviour.md states its rules.
type functions struct {
	list    Kind
	cfg     *Config
	devices *devices
	known   map[functionKey]*entry
	// pairs, sources, users, all: the function codes learned between two ends, the
	// destinations of a source by protocol, the sources of a destination, the destinations of a source.
	pairs   map[pairKey][]string
	sources map[sourceKey][]decode.Addr
	users   map[sourceKey][]decode.Addr
	all     map[decode.Addr][]decode.Addr
	wild    []functionRow
	n       int
	orders  map[pairKey][]string // items of which function follows which, learned between two ends
}

type functionKey struct {
	pairKey
	code     string
	response bool
}

type pairKey struct {
	src, dst decode.Addr
	protocol string
}

// sourceKey is one end, a source or (in users) a destination, and a protocol.
type sourceKey struct {
	end      decode.Addr
	protocol string
}

// functionRow is a Row of these lists, read.
type functionRow struct {
	src, dst       pattern
	protocol, code string
	response       bool
}

func parseFunction(r *Row) (functionRow, error) {
	f := functionRow{protocol: r.Proto, code: r.Item}
	var err error
	if f.src, err = parsePattern(r.Src); err != nil {
		return f, err
	}
	if f.dst, err = parsePattern(r.Dst); err != nil {
		return f, err
	}
	for _, p := range []pattern{f.src, f.dst} {
		if p.end == anyEnd {
			continue
		}
		if mac := p.end.IsMAC() && !p.prefix.IsValid(); mac != (r.List == OTEthernet) {
			return f, fmt.Errorf("%q and %q: this list is of %s", r.Src, r.Dst, map[bool]string{true: "MACs", false: "IP addresses"}[r.List == OTEthernet])
		}
	}
	// A protocol may have messages without a code; a hand must say which.
	if r.Proto == "" || r.Item == "" && r.Origin == Hand {
		return f, fmt.Errorf("protocol and function code must be given, or %q", Any)
	}
	f.code, f.response = strings.CutPrefix(r.Item, respPrefix)
	return f, nil
}

func newFunctions(list Kind, cfg *Config, d *devices) *functions {
	f := &functions{list: list, cfg: cfg, devices: d}
	f.load(nil)
	return f
}

func (f *functions) kind() Kind { return f.list }
func (f *functions) rows() int  { return f.n }

func (f *functions) load(rows []Row) {
	f.known, f.pairs, f.sources = map[functionKey]*entry{}, map[pairKey][]string{}, map[sourceKey][]decode.Addr{}
	f.users, f.all = map[sourceKey][]decode.Addr{}, map[decode.Addr][]decode.Addr{}
	f.wild, f.n, f.orders = nil, 0, map[pairKey][]string{}
	for i := range rows {
		r, err := parseFunction(&rows[i])
		if err != nil {
			continue
		}
		f.n++
		if !r.src.exact() || !r.dst.exact() || r.protocol == Any || r.code == Any || r.code == orderPrefix+Any {
			f.wild = append(f.wild, r)
			continue
		}
		f.add(functionKey{pairKey{r.src.end, r.dst.end, r.protocol}, r.code, r.response}, &entry{Row: rows[i]})
	}
}

func (f *functions) add(k functionKey, e *entry) {
	f.known[k] = e
	if k.response {
		return
	}
	if strings.HasPrefix(k.code, orderPrefix) {
		f.orders[k.pairKey] = append(f.orders[k.pairKey], k.code)
		return
	}
	if f.pairs[k.pairKey] == nil {
		s := sourceKey{k.src, k.protocol}
		f.sources[s] = append(f.sources[s], k.dst)
		d := sourceKey{k.dst, k.protocol}
		f.users[d] = append(f.users[d], k.src)
		f.all[k.src] = append(f.all[k.src], k.dst)
	}
	f.pairs[k.pairKey] = append(f.pairs[k.pairKey], k.code)
}

// key is the list key of an operation; ok iff it is of this list.
func (f *functions) key(o *observe.Operation) (k functionKey, ok bool) {
	if o.Src.IsMAC() != (f.list == OTEthernet) {
		return k, false
	}
	return functionKey{pairKey{f.cfg.end(o.Src), f.cfg.end(o.Dst), o.Protocol}, o.Code,
		o.Direction == ot.Response || o.Direction == ot.Error}, true
}

// requestCode is the code of the request that an answer belongs to, "" for any request of the two: for answers
// without a code, and where a protocol's answers have codes of their own.
func requestCode(protocol, code string) string {
	switch protocol {
	case "iec-104": // confirmations of U frames; what an interrogation brings is of the types below 45
		switch code {
		case "u0b":
			return "u07"
		case "u23":
			return "u13"
		case "u83":
			return "u43"
		}
		if n, err := strconv.Atoi(code); err == nil && n < 45 {
			return ""
		}
	case "opc-ua": // OPC 10000-6: the type ids of a service's request and answer differ by 3; 397 is the ServiceFault
		n, err := strconv.Atoi(code)
		if n == 397 {
			return ""
		}
		if err == nil && n > 397 {
			return strconv.Itoa(n - 3)
		}
	case "dnp3": // 129 answers whatever was asked; 130 is spontaneous
		if code == "129" {
			return ""
		}
	case "synchrophasor": // header and configuration frames answer the command 4
		return "4"
	}
	return code
}

// asked says whether an answer's request is learned: from the end that it goes to or, where it goes to a group, from any to that group.
func (f *functions) asked(k functionKey) bool {
	code := requestCode(k.protocol, k.code)
	request := functionKey{pairKey{k.dst, k.src, k.protocol}, code, false}
	if f.known[request] != nil || f.wildMatch(request) || code == "" && f.pairs[request.pairKey] != nil {
		return true
	}
	for _, who := range f.users[sourceKey{k.dst, k.protocol}] {
		if request.src, request.dst = who, k.dst; k.dst.Multicast() && who != k.src && f.known[request] != nil {
			return true
		}
	}
	return false
}

func (f *functions) wildMatch(k functionKey) bool {
	for i := range f.wild {
		w := &f.wild[i]
		if w.response == k.response && (w.protocol == Any || w.protocol == k.protocol) && (w.code == Any || w.code == k.code || w.code == orderPrefix+Any && strings.HasPrefix(k.code, orderPrefix)) &&
			w.src.match(k.src) && w.dst.match(k.dst) {
			return true
		}
	}
	return false
}

// allowed says whether the list has k itself.
func (f *functions) allowed(k functionKey) bool {
	return f.known[k] != nil || len(f.wild) > 0 && f.wildMatch(k)
}

func (f *functions) learn(v *view, changes []Change) (_ []Change, dropped uint64) {
	teach := func(k functionKey) {
		e := f.known[k]
		if e == nil {
			if f.wildMatch(k) {
				return
			}
			if f.n >= maxRows {
				dropped++
				return
			}
			item := k.code
			if k.response {
				item = respPrefix + item
			}
			e = &entry{Row: Row{Src: endText(k.src), Dst: endText(k.dst), Proto: k.protocol, Item: item, Origin: Learned}}
			f.add(k, e)
			f.n++
		}
		if e.teach(v) {
			changes = append(changes, e.change())
		}
	}
	// Requests first, so that the answers of this minute find them.
	for _, response := range []bool{false, true} {
		for i := range v.m.Operations {
			k, ok := f.key(&v.m.Operations[i])
			if ok && k.response == response && !(response && f.asked(k)) {
				teach(k)
			}
		}
	}
	f.learnOrders(v, teach)
	return changes, dropped
}

// allowedDevice is allowed (and, for answers, asked), also under the addresses that a
// DHCP client had when it was learned.
func (f *functions) allowedDevice(v *view, o *observe.Operation, k functionKey) bool {
	ok := func(k functionKey) bool { return f.allowed(k) || k.response && f.asked(k) }
	if ok(k) {
		return true
	}
	if f.list == OTEthernet {
		return false
	}
	for a := range f.devices.aliases(v, o.Src) {
		other := k
		other.src = f.cfg.end(a)
		if ok(other) {
			return true
		}
	}
	for a := range f.devices.aliases(v, o.Dst) {
		other := k
		other.dst = f.cfg.end(a)
		if ok(other) {
			return true
		}
	}
	return false
}

// requests are those of a minute; their answers tell nothing more than they do.
type requests struct {
	pairs map[pairKey]map[string]bool
	// everyone: those of them that one end sent to a group, by that end and by the group (which an answer may go to).
	everyone map[functionKey]bool
}

func (f *functions) requests(v *view) *requests {
	r := &requests{map[pairKey]map[string]bool{}, map[functionKey]bool{}}
	groups := map[decode.Addr]bool{} // broadcast addresses: netmasks are not seen, the frames' MACs are
	for i := range v.m.Edges {
		if e := &v.m.Edges[i]; e.Multicast {
			groups[f.cfg.end(e.Server)] = true
		}
	}
	for i := range v.m.Operations {
		if k, ok := f.key(&v.m.Operations[i]); ok && !k.response {
			if r.pairs[k.pairKey] == nil {
				r.pairs[k.pairKey] = map[string]bool{}
			}
			r.pairs[k.pairKey][k.code] = true
			if groups[k.dst] || k.dst.Multicast() || k.dst.IsMAC() && k.dst.MAC().Group() {
				r.everyone[functionKey{pairKey{src: k.src, protocol: k.protocol}, k.code, false}] = true
				r.everyone[functionKey{pairKey{dst: k.dst, protocol: k.protocol}, k.code, false}] = true
			}
		}
	}
	return r
}

func (f *functions) inspect(v *view) []finding {
	var found []finding
	var asked *requests
	for i := range v.m.Operations {
		o := &v.m.Operations[i]
		k, ok := f.key(o)
		if !ok || f.allowedDevice(v, o, k) {
			continue
		}
		if k.response {
			if asked == nil {
				asked = f.requests(v)
			}
			code := requestCode(k.protocol, k.code)
			if codes := asked.pairs[pairKey{k.dst, k.src, k.protocol}]; codes[code] || code == "" && codes != nil {
				continue
			}
			if asked.everyone[functionKey{pairKey{src: k.dst, protocol: k.protocol}, code, false}] ||
				asked.everyone[functionKey{pairKey{dst: k.dst, protocol: k.protocol}, code, false}] {
				continue
			}
		}
		fd := f.tell(v, o, k)
		if k.response {
			// The request came in an earlier minute and has its alert.
			src := endText(k.dst)
			fd.unless = [2]string{strings.Join([]string{src, endText(k.src), k.protocol, requestCode(k.protocol, k.code)}, "|"), SubMany + "|" + src}
		}
		found = append(found, fd)
	}
	return f.inspectOrders(v, found)
}

// tell makes the finding of an operation that the list does not have.
func (f *functions) tell(v *view, o *observe.Operation, k functionKey) finding {
	src, dst := endText(k.src), endText(k.dst)
	fd := finding{first: o.First, last: o.Last, count: o.Count, ref: o.Ref}
	if f.list == OTEthernet {
		fd.srcMAC, fd.dstMAC = src, dst
	} else {
		// The alert's ends are addresses also where the list has the internet as one.
		fd.srcIP, fd.dstIP = o.Src.String(), o.Dst.String()
		fd.srcMAC, fd.dstMAC = v.owner[o.Src].String(), v.owner[o.Dst].String()
	}
	codes, targets := f.pairs[k.pairKey], f.sources[sourceKey{k.src, k.protocol}]
	ends := func(all []decode.Addr) string {
		all = slices.Clone(all)
		slices.SortFunc(all, decode.Addr.Compare)
		return list(slices.Compact(all), endText)
	}
	var learned string
	switch {
	case k.response:
		fd.subkind = SubResponse
		asks := slices.Sorted(slices.Values(f.pairs[pairKey{k.dst, k.src, k.protocol}]))
		learned = list(asks, func(s string) string { return s })
	case codes != nil:
		fd.subkind = SubFunction
		learned = list(slices.Sorted(slices.Values(codes)), func(s string) string { return s })
	case targets != nil:
		fd.subkind = SubPair
		learned = ends(targets)
	default:
		fd.subkind = SubSource
		learned = ends(f.users[sourceKey{k.dst, k.protocol}])
	}
	fd.severity, fd.technique = judgeOT(fd.subkind, o.Class)
	item := k.code
	if k.response {
		item = respPrefix + item
	}
	fd.key = strings.Join([]string{src, dst, k.protocol, item}, "|")
	fd.args = []Arg{{"src", src}, {"dst", dst}, {"protocol", k.protocol}, {"code", or(k.code, "–")}, {"function", or(o.Function, or(k.code, "–"))},
		{"class", o.Class.String()}, {"learned", learned}, {"tunnel", o.Tunnel.String()}}
	sample := dst + " " + k.protocol + " " + k.code
	fd.groups[0] = group{many: SubMany, name: src, sample: sample, learned: ends(f.all[k.src]), minute: floodMinute, limit: floodMinute, severity: worse(fd.severity, High), technique: "T0888"}
	return fd
}

func worse(a, b Severity) Severity {
	if slices.Index(Severities, a) > slices.Index(Severities, b) {
		return a
	}
	return b
}

// severityOT: how bad an operation is that was not learned, by its class and
// by what was learned of its sender. The table stands in docs/detection/ot-behaviour.md.
var severityOT = map[string][ot.NumClasses]Severity{
	SubFunction: {ot.Other: Low, ot.Read: Low, ot.Write: Medium, ot.Control: High, ot.Identity: Low, ot.Connect: Low, ot.Cyclic: Low},
	SubPair:     {ot.Other: Low, ot.Read: Medium, ot.Write: High, ot.Control: High, ot.Identity: Medium, ot.Connect: Low, ot.Cyclic: Medium},
	SubSource:   {ot.Other: Medium, ot.Read: Medium, ot.Write: High, ot.Control: Critical, ot.Identity: Medium, ot.Connect: Medium, ot.Cyclic: High},
	SubResponse: {ot.Other: Low, ot.Read: Low, ot.Write: Medium, ot.Control: Medium, ot.Identity: Low, ot.Connect: Low, ot.Cyclic: Medium},
}

// techniqueOT: ATT&CK for ICS by class: T0861 point and tag identification,
// T0836 modify parameter, T0855 unauthorized command message, T0888 remote
// system information discovery, T0848 rogue master.
var techniqueOT = [ot.NumClasses]string{ot.Read: "T0861", ot.Write: "T0836", ot.Control: "T0855", ot.Identity: "T0888", ot.Cyclic: "T0848"}

func judgeOT(subkind string, c ot.Class) (Severity, string) {
	if c >= ot.NumClasses {
		c = ot.Other
	}
	if subkind == SubResponse {
		return severityOT[subkind][c], "T0856" // spoof reporting message
	}
	return severityOT[subkind][c], techniqueOT[c]
}
