package detect

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// things of one minute; times are offsets from its start.
type things = []any

// event is an event at second s of its minute.
func event(kind observe.EventKind, src, dst string, arg uint32, text string, n uint32, s int) observe.Event {
	t := at(0) + int64(s)*sec
	return observe.Event{Kind: kind, Src: ip(src), Dst: ip(dst), Arg: arg, Text: text, Count: n, First: t, Last: t, Ref: observe.FrameRef{Number: 4}}
}

// unanswered makes an edge one that nobody answered.
func unanswered(e observe.Edge) observe.Edge {
	e.PacketsIn, e.Answered, e.PacketsOut = 0, false, 1
	return e
}

func protocol(o observe.Operation, name, function string, n int) observe.Operation {
	o.Protocol, o.Function, o.Count = name, function, uint64(n)
	return o
}

// many makes n things.
func many(n int, f func(i int) any) things {
	var out things
	for i := range n {
		out = append(out, f(i))
	}
	return out
}

// builtinMinute is minute with events, which it moves too.
func builtinMinute(n int, all ...any) *observe.Minute {
	var rest things
	var events []observe.Event
	for _, x := range all {
		if e, ok := x.(observe.Event); ok {
			e.First, e.Last = e.First+at(n)-at(0), e.Last+at(n)-at(0)
			events = append(events, e)
		} else {
			rest = append(rest, x)
		}
	}
	m := minute(n, rest...)
	m.Events = events
	m.Settle()
	return m
}

const plc, pc, pub = "192.168.1.6", "192.168.1.5", "203.0.113.9"

// anything is a minute of normal traffic: with it something is learned.
var anything = things{addr(pc, mac(1), arp), addr(plc, mac(2), arp), op(pc, plc, "03", ot.Read, ot.Request)}

// present makes a thing where n is not 0.
func present(x any) func(n int) [][]any {
	return func(n int) [][]any {
		if n == 0 {
			return [][]any{anything}
		}
		return [][]any{append(slices.Clone(anything), x)}
	}
}

func control(protocolName, code, function string, class ot.Class) func(n int) [][]any {
	return present(protocol(op(pc, plc, code, class, ot.Request), protocolName, function, 1))
}

func events(kind observe.EventKind, src, dst, text string, distinct bool) func(n int) [][]any {
	return func(n int) [][]any {
		return [][]any{many(n, func(i int) any {
			arg := uint32(0)
			if distinct {
				arg = uint32(i + 1)
			}
			return event(kind, src, dst, arg, text, 1, i%5)
		})}
	}
}

// logins are n short connections in two minutes.
func logins(port uint16) func(n int) [][]any {
	one := func(n int) []any {
		e := tcp(pc, plc, port)
		e.Opened, e.PacketsOut, e.PacketsIn, e.BytesOut, e.BytesIn = uint32(n), uint64(9*n), uint64(9*n), uint64(900*n), uint64(1500*n)
		return things{e}
	}
	return func(n int) [][]any { return [][]any{one(n / 2), one(n - n/2)} }
}

// slowLogins are n refused log-ins, one every two minutes.
func slowLogins(service string) func(n int) [][]any {
	return func(n int) (out [][]any) {
		for range n {
			out = append(out, things{event(observe.EventRefusedLogin, pc, plc, 0, service, 1, 1)}, anything)
		}
		return out
	}
}

// packets in s seconds.
func packets(e observe.Edge, n, s int) observe.Edge {
	e.PacketsOut, e.Last = uint64(n), e.First+int64(s)*sec
	return e
}

// hour is 65 minutes in which the controller is heard and sends n cyclic messages a minute.
func hour(n int) [][]any {
	var out [][]any
	for range 65 {
		out = append(out, cycle(n))
	}
	return out
}

func cycle(n int) things {
	o := protocol(op(plc, pc, "cy", ot.Cyclic, ot.None), "cc-link-ie-field-basic", "cyclic", n)
	a := addr(plc, mac(2), arp)
	a.Evidence |= observe.SeenOT
	return things{a, addr(pc, mac(1), arp), o}
}

// builtinCases make, for each rule, minutes in which exactly n of what it counts are there.
// learn are minutes that were learned before; nil for one of normal traffic.
var builtinCases = map[string]struct {
	learn func() [][]any
	make  func(n int) [][]any
}{
	"arp-spoof": {make: func(n int) [][]any {
		m := things{addr(plc, mac(2), arp), addr(pc, mac(1), arp), event(observe.EventARP, plc, mac(2).String(), 2, "", 1, 1)}
		if n > 0 {
			m = append(m, event(observe.EventARP, plc, mac(1).String(), 2, "", uint32(n), 5))
		}
		return [][]any{m}
	}},
	"arp-flood": {make: func(n int) [][]any {
		return [][]any{{event(observe.EventARP, pc, mac(1).String(), 2, "", uint32(n), 1)}}
	}},
	"ip-conflict": {make: func(n int) [][]any {
		return [][]any{many(n+1, func(i int) any { return event(observe.EventARP, plc, mac(2+i%2).String(), 2, "", 1, 10*i) })}
	}},
	"rogue-dhcp": {make: present(event(observe.EventDHCPServer, pc, mac(1).String(), 0, "dhcp", 1, 1))},
	"dhcp-starvation": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any {
			return event(observe.EventDHCPAsk, mac(100+i).String(), mac(1).String(), 0, "", 1, i%30)
		})}
	}},
	"rogue-ra":     {make: present(event(observe.EventRouter, "fe80::1", mac(1).String(), 0, "", 1, 1))},
	"internet-out": {make: present(tcp(pc, pub, 443))},
	"internet-in":  {make: present(tcp(pub, plc, 443))},
	"port-scan": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any { return unanswered(tcp(pc, plc, uint16(i+1))) })}
	}},
	"port-scan-slow": {make: func(n int) [][]any {
		var out [][]any
		for i := range n {
			out = append(out, things{unanswered(tcp(pc, plc, uint16(i+1)))})
		}
		return out
	}},
	"host-sweep": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any { return unanswered(tcp(pc, fmt.Sprintf("192.168.1.%d", 10+i), 445)) })}
	}},
	"host-sweep-slow": {make: func(n int) [][]any {
		var out [][]any
		for i := range n {
			out = append(out, things{unanswered(tcp(pc, fmt.Sprintf("192.168.1.%d", 10+i), 445))})
		}
		return out
	}},
	"odd-flags": {make: events(observe.EventFlags, pc, plc, "", true)},
	"probe":     {make: present(event(observe.EventProbe, pc, plc, 80, "", 1, 1))},
	"udp-scan": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any { return unanswered(edge(pc, plc, decode.ProtoUDP, uint16(i+1))) })}
	}},
	"icmp-sweep": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any {
			return unanswered(edge(pc, fmt.Sprintf("192.168.1.%d", 10+i), decode.ProtoICMP, 8<<8))
		})}
	}},
	"arp-sweep": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any {
			return event(observe.EventARP, pc, mac(1).String(), 1|uint32(ip(fmt.Sprintf("192.168.1.%d", 10+i)).Lo)<<8, "", 1, i%30)
		})}
	}},
	"ics-scan": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any { return op(pc, fmt.Sprintf("192.168.1.%d", 10+i), "2b", ot.Identity, ot.Request) })}
	}},
	"ics-protocols": {make: func(n int) [][]any {
		return [][]any{many(n, func(i int) any {
			return protocol(op(pc, plc, "2b", ot.Identity, ot.Request), fmt.Sprintf("protocol-%d", i), "who", 1)
		})}
	}},
	"exception-storm": {make: func(n int) [][]any {
		return [][]any{{protocol(op(plc, pc, "03", ot.Read, ot.Error), "modbus-tcp", "read", n)}}
	}},
	"brute-ssh": {make: logins(22)},
	"brute-rdp": {make: logins(3389)},
	"ssh-burst": {make: func(n int) [][]any {
		if n == 0 {
			return [][]any{anything}
		}
		e := tcp(pc, plc, 22)
		e.Opened, e.PacketsOut, e.PacketsIn, e.BytesOut, e.BytesIn = uint32(n), uint64(9*n), uint64(9*n), uint64(900*n), uint64(1500*n)
		e.Last = e.First + 3*sec
		return [][]any{{e}}
	}},
	"brute-telnet":   {make: logins(23)},
	"brute-smb":      {make: events(observe.EventRefusedLogin, pc, plc, "smb", false)},
	"brute-ftp":      {make: events(observe.EventRefusedLogin, pc, plc, "ftp", false)},
	"brute-smb-slow": {make: slowLogins("smb")},
	"brute-ftp-slow": {make: slowLogins("ftp")},
	"brute-http":     {make: events(observe.EventRefusedLogin, pc, plc, "http", false)},
	"ics-password": {make: func(n int) [][]any {
		return [][]any{{protocol(op(plc, pc, "1630:0000", ot.Control, ot.Error), "slmp-melsec", "Remote Password Unlock", n)}}
	}},
	"cleartext":           {make: present(event(observe.EventCleartext, pc, plc, 0, "ftp", 1, 1))},
	"default-credentials": {make: present(event(observe.EventDefault, pc, plc, 0, "snmp", 1, 1))},
	"password-change":     {make: control("omron-fins", "0304", "program_area_protect", ot.Control)},
	"name-poisoning":      {make: events(observe.EventName, pc, plc, "fileserver", true)},
	"smb-exploit":         {make: present(event(observe.EventExploit, pc, plc, 0, "Trans2 SESSION_SETUP", 1, 1))},
	"smbv1":               {make: present(event(observe.EventSMB1, pc, plc, 0, "smb1", 1, 1))},
	"lateral-transfer":    {make: present(event(observe.EventShare, pc, plc, 0, "ADMIN$", 1, 1))},
	"dns-tunnel":          {make: events(observe.EventTunnel, pc, plc, "t.example", true)},
	"icmp-tunnel":         {make: events(observe.EventEcho, plc, pc, "", false)},
	"dga":                 {make: events(observe.EventNoName, pc, plc, "x8s7ab2kq0zu.example", true)},
	"beacon": {make: func(n int) [][]any {
		var out [][]any
		for i := range n {
			e := tcp(pc, pub, 8443)
			e.First += int64(i%3) * sec / 2 // half a second to a second off a minute
			e.Last = e.First
			out = append(out, things{e})
		}
		return out
	}},
	"remote-access": {make: present(tcp(pc, plc, 3389))},
	"syn-flood": {make: func(n int) [][]any {
		e := tcp(pc, plc, 445)
		e.Opened, e.PacketsOut, e.PacketsIn, e.Last = uint32(n), uint64(n), uint64(n), e.First+10*sec
		return [][]any{{e}}
	}},
	"packet-flood": {make: func(n int) [][]any {
		return [][]any{{packets(edge(pc, plc, decode.ProtoUDP, 9999), 20*n, 20)}}
	}},
	"request-flood": {make: func(n int) [][]any {
		o := protocol(op(pc, plc, "03", ot.Read, ot.Request), "modbus-tcp", "read", 10*n)
		o.Last = o.First + 10*sec
		return [][]any{{o}}
	}},
	"broadcast-storm": {make: func(n int) [][]any {
		e := packets(edge(pc, "192.168.1.255", decode.ProtoUDP, 9999), 20*n, 20)
		e.Multicast = true
		return [][]any{{e}}
	}},
	"silent-device": {learn: func() [][]any { return hour(60) }, make: func(n int) [][]any {
		out := [][]any{cycle(60)}
		for range n {
			out = append(out, things{addr(pc, mac(1), arp)})
		}
		return out
	}},
	"plc-mode":         {make: control("slmp-melsec", "1002:0000", "Remote STOP", ot.Control)},
	"plc-restart":      {make: control("modbus-tcp", "08", "diagnostics: restart communications", ot.Control)},
	"program-download": {make: control("s7comm", "1b", "download block", ot.Control)},
	"program-upload":   {make: control("s7comm", "1e", "upload", ot.Read)},
	"logic-change":     {make: control("s7comm", "28", "PLC control: delete block", ot.Control)},
	"firmware":         {make: control("ethercat", "05", "FPWR configured address write, EEPROM", ot.Control)},
	"time-change":      {make: control("s7comm", "7:02", "time: set clock", ot.Control)},
	"force":            {make: control("omron-fins", "2301", "forced_set/reset", ot.Control)},
	"log-clear":        {make: control("slmp-melsec", "161a:0000", "Clear Event History", ot.Control)},
	"network-setting":  {make: control("profinet", "dcp:04", "DCP set, IP parameter", ot.Control)},
	"new-write":        {make: control("modbus-tcp", "06", "write single register", ot.Write)},
	"new-control":      {make: control("cc-link-ie-field-control", "29", "parameter", ot.Control)},
	"open-connections": {make: events(observe.EventOpen, pc, plc, "tcp 502", false)},
	"malformed":        {make: events(observe.EventMalformed, pc, plc, "modbus-tcp", false)},
	"goose-replay": {make: func(n int) [][]any {
		return events(observe.EventCrossed, mac(2).String(), "01:0c:cd:01:00:01", "LD/LLN0$GO$g1", false)(n)
	}},
	"goose-source": {make: func(n int) [][]any {
		published := func(m, from, to int) observe.Event {
			e := event(observe.EventPublisher, mac(m).String(), "01:0c:cd:01:00:01", 7, "LD/LLN0$GO$g1", 9, from)
			e.Last += int64(to-from) * sec
			return e
		}
		m := things{published(2, 1, 50)}
		if n > 0 {
			m = append(m, published(9, 20, 30))
		}
		return [][]any{{published(2, 1, 50)}, m}
	}},
	"rogue-master": {make: present(protocol(op(pc, plc, "0e70:0000", ot.Cyclic, ot.Request), "cc-link-ie-field-basic", "cyclic", 9))},
	"write-storm": {make: func(n int) [][]any {
		return [][]any{{protocol(op(pc, plc, "06", ot.Write, ot.Request), "modbus-tcp", "write", n)}}
	}},
	"mass-read": {make: func(n int) [][]any {
		return [][]any{{protocol(op("192.168.1.77", plc, "03", ot.Read, ot.Request), "modbus-tcp", "read", n)}}
	}},
	"identity-change": {learn: func() [][]any {
		return [][]any{{event(observe.EventIdentity, plc, mac(2).String(), 1, "slmp-melsec model=R04CPU", 1, 1)}}
	}, make: func(n int) [][]any {
		m := things{event(observe.EventIdentity, plc, mac(2).String(), 1, "slmp-melsec model=R04CPU", 1, 1)}
		if n > 0 {
			m = append(m, event(observe.EventIdentity, plc, mac(2).String(), 2, "slmp-melsec model=R120PCPU", 1, 2))
		}
		return [][]any{m}
	}},
	"cyclic-pace": {learn: func() [][]any { return hour(6000) }, make: func(n int) [][]any {
		// The interval grows by n per cent.
		slow := int(math.Floor(6000 / (1 + float64(n)/100)))
		return [][]any{cycle(6000), cycle(6000), cycle(slow), cycle(slow), cycle(slow)}
	}},
	"cyclic-silent": {learn: func() [][]any { return hour(60) }, make: func(n int) [][]any {
		out := [][]any{cycle(60)}
		for range n {
			a := addr(plc, mac(2), arp)
			out = append(out, things{a, addr(pc, mac(1), arp)})
		}
		return out
	}},
}

// builtinAlerts are the alerts of one rule in the minutes after what was learned.
func builtinAlerts(t *testing.T, sub string, cfg Config, learn, seen [][]any) []Alert {
	t.Helper()
	if learn == nil {
		learn = [][]any{anything}
	}
	var before, after []*observe.Minute
	for i, m := range learn {
		before = append(before, builtinMinute(i, m...))
	}
	for i, m := range seen {
		after = append(after, builtinMinute(len(learn)+10+i, m...))
	}
	rows := learned(t, before)
	return slices.DeleteFunc(detected(t, cfg, rows, after), func(a Alert) bool { return a.Kind != BuiltIn || a.Subkind != sub })
}

// TestBuiltinThresholds: each rule is raised at 1.0 and 1.5 times its threshold and silent at 0.8 times.
func TestBuiltinThresholds(t *testing.T) {
	for _, r := range builtinRules {
		c, ok := builtinCases[r.sub]
		if !ok {
			t.Errorf("%s has no case", r.sub)
			continue
		}
		t.Run(r.sub, func(t *testing.T) {
			var learn [][]any
			if c.learn != nil {
				learn = c.learn()
			}
			for _, factor := range []float64{0.8, 1, 1.5} {
				n := int(math.Ceil(float64(r.threshold)*factor - 1e-9))
				if factor < 1 {
					n = int(float64(r.threshold) * factor)
				}
				got := builtinAlerts(t, r.sub, Config{}, learn, c.make(n))
				want := 1
				if factor < 1 {
					want = 0
				}
				if len(got) != want {
					t.Errorf("at %.1f × %d (%d): %d alerts, want %d: %+v", factor, r.threshold, n, len(got), want, got)
				}
				for _, a := range got {
					if a.Technique != r.technique || a.Severity != r.severity || a.Count == 0 || len(a.Refs) == 0 && !strings.Contains(r.sub, "silent") {
						t.Errorf("%+v", a)
					}
					rows := a.AcceptRows()
					if len(rows) == 0 || rows[0].Check() != nil {
						t.Errorf("accept: %+v", rows)
					}
				}
			}
		})
	}
	if len(builtinCases) != len(builtinRules) {
		t.Errorf("%d cases for %d rules", len(builtinCases), len(builtinRules))
	}
}

// TestBuiltinLearned: what was learned is silent; a rate is told again from 2.5 times its learned peak on.
func TestBuiltinLearned(t *testing.T) {
	for _, r := range builtinRules {
		c := builtinCases[r.sub]
		if c.learn != nil {
			continue // these are about what was learned
		}
		n := r.threshold
		if got := builtinAlerts(t, r.sub, Config{}, append([][]any{anything}, c.make(n)...), c.make(n)); len(got) > 0 {
			t.Errorf("%s was learned and is told: %+v", r.sub, got)
		}
		if r.presence || strings.HasSuffix(r.sub, "-slow") { // the slow cases fill their hour
			continue
		}
		if got := builtinAlerts(t, r.sub, Config{}, append([][]any{anything}, c.make(n)...), c.make(5*n/2+1)); len(got) != 1 {
			t.Errorf("%s at more than 2.5 times what was learned: %d alerts", r.sub, len(got))
		}
	}
}

// TestBuiltinAccepted: an accepted alert is silent.
func TestBuiltinAccepted(t *testing.T) {
	for _, r := range builtinRules {
		c := builtinCases[r.sub]
		learn := [][]any{anything}
		if c.learn != nil {
			learn = c.learn()
		}
		var before, after []*observe.Minute
		for i, m := range learn {
			before = append(before, builtinMinute(i, m...))
		}
		for i, m := range c.make(r.threshold) {
			after = append(after, builtinMinute(len(learn)+10+i, m...))
		}
		rows := learned(t, before)
		of := func(rows []Row) []Alert {
			return slices.DeleteFunc(detected(t, Config{}, rows, after), func(a Alert) bool { return a.Kind != BuiltIn || a.Subkind != r.sub })
		}
		for _, a := range of(rows) {
			for _, x := range a.AcceptRows() {
				// As the store does it: a hand's row takes the place of the learned one of its key.
				rows = slices.DeleteFunc(rows, func(o Row) bool { return o.List == x.List && compareRows(&o, &x) == 0 })
				rows = append(rows, x)
			}
		}
		if left := of(rows); len(left) > 0 {
			t.Errorf("%s: accepted and told: %+v", r.sub, left)
		}
	}
}

// TestBuiltinExcluded: exclusions by source, by subkind, by both and by prefix; of another site, source or kind they do nothing.
func TestBuiltinExcluded(t *testing.T) {
	scan := builtinCases["port-scan"].make(30)
	for name, c := range map[string]struct {
		x    Exclusion
		want int
	}{
		"source and subkind": {Exclusion{Kind: BuiltIn, Src: pc, Item: "port-scan"}, 0},
		"source":             {Exclusion{Kind: BuiltIn, Src: pc}, 0},
		"prefix":             {Exclusion{Kind: BuiltIn, Src: "192.168.1.0/24"}, 0},
		"subkind":            {Exclusion{Kind: BuiltIn, Item: "port-scan"}, 0},
		"this site":          {Exclusion{Kind: BuiltIn, Item: "port-scan", Site: "s"}, 0},
		"other source":       {Exclusion{Kind: BuiltIn, Src: plc, Item: "port-scan"}, 1},
		"other subkind":      {Exclusion{Kind: BuiltIn, Src: pc, Item: "host-sweep"}, 1},
		"other site":         {Exclusion{Kind: BuiltIn, Item: "port-scan", Site: "other"}, 1},
		"other kind":         {Exclusion{Kind: OTIP, Src: pc}, 1},
	} {
		cfg := Config{Settings: Settings{Exclusions: []Exclusion{c.x}}}
		if got := builtinAlerts(t, "port-scan", cfg, nil, scan); len(got) != c.want {
			t.Errorf("%s: %d alerts, want %d", name, len(got), c.want)
		}
	}
}

// TestBuiltinSettings: thresholds, windows, severities and off are heeded; what is none is named.
func TestBuiltinSettings(t *testing.T) {
	for value, want := range map[string]string{
		"threshold=40": "", "threshold=30": "high", "severity=low": "low", "off": "", "threshold=30 window=1s severity=critical": "critical",
	} {
		s, err := ParseBuiltIn(map[string]string{"built-in.port-scan": value, "other": "x"})
		if err != nil {
			t.Fatal(err)
		}
		got := builtinAlerts(t, "port-scan", Config{Settings: Settings{BuiltIn: s}}, nil, builtinCases["port-scan"].make(30))
		if len(got) > 1 || len(got) == 1 && string(got[0].Severity) != want || len(got) == 0 && want != "" {
			t.Errorf("%s: %+v", value, got)
		}
	}
	for _, bad := range [][2]string{{"built-in.port-scan", "threshold=0"}, {"built-in.port-scan", "threshold=x"}, {"built-in.port-scan", "window=4000s"},
		{"built-in.probe", "window=5s"}, {"built-in.port-scan", "severity=bad"}, {"built-in.port-scan", "on"}, {"built-in.none", "off"}} {
		if _, err := ParseBuiltIn(map[string]string{bad[0]: bad[1]}); err == nil || !strings.Contains(err.Error(), bad[0]) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

// TestBuiltinWarm: an engine that was only shown what came before counts on where another left off.
func TestBuiltinWarm(t *testing.T) {
	half := func(from int) *observe.Minute {
		return builtinMinute(from/10, many(10, func(i int) any { return unanswered(tcp(pc, plc, uint16(from+i+1))) })...)
	}
	e := NewEngine(Config{Site: "s", Sensor: "x", Force: Detecting}, nil, nil, nil)
	for from := 0; from < 40; from += 10 {
		e.Warm(half(from))
	}
	subs := func(r Result) (out []string) {
		for _, a := range r.Alerts {
			if a.Kind == BuiltIn {
				out = append(out, a.Subkind)
			}
		}
		return out
	}
	if got := subs(e.Minute(half(40))); !slices.Equal(got, []string{"port-scan-slow"}) {
		t.Errorf("got %v, want the slow scan", got)
	}
	cold := NewEngine(Config{Site: "s", Sensor: "x", Force: Detecting}, nil, nil, nil)
	if got := subs(cold.Minute(half(40))); got != nil {
		t.Errorf("without the hour before: %v", got)
	}
}

// TestBuiltinWindowsBothMinutes: what goes over the end of a minute is counted as one.
func TestBuiltinWindowsBothMinutes(t *testing.T) {
	late := many(10, func(i int) any {
		e := unanswered(tcp(pc, plc, uint16(i+1)))
		e.First += 50 * sec
		return e
	})
	early := many(10, func(i int) any { return unanswered(tcp(pc, plc, uint16(i+100))) })
	if got := builtinAlerts(t, "port-scan", Config{}, nil, [][]any{late, early}); len(got) != 1 {
		t.Errorf("%d alerts", len(got))
	}
	if got := builtinAlerts(t, "port-scan", Config{}, nil, [][]any{early, late}); len(got) != 0 {
		t.Errorf("100 s apart: %d alerts", len(got))
	}
}

// TestBeaconAcrossMinutes: connections by the clock are told where one of them goes on into the next minute, whose first packet is
// then no beginning; connections at random are not.
func TestBeaconAcrossMinutes(t *testing.T) {
	const every = 13_520 * sec / 1000
	r := rand.New(rand.NewPCG(3, 4))
	for name, c := range map[string]struct {
		jitter int64
		want   int
	}{"by the clock": {0, 1}, "nearly": {every / 20, 1}, "at random": {3 * every / 4, 0}} {
		var beats []int64
		for i := range int64(30) {
			beats = append(beats, 572*sec/100+i*every+r.Int64N(c.jitter+1)) // the fifth goes on into the next minute
		}
		var minutes [][]any
		for m := range int64(8) {
			e := tcp(pc, pub, 8443)
			e.Opened, e.First, e.Last = 0, 0, 0
			for _, beat := range beats {
				if beat < (m+1)*mint && beat+sec/2 > m*mint { // each lasts half a second
					if first := max(beat, m*mint) - m*mint; e.First == 0 {
						e.First = first + at(0)
					}
					if beat >= m*mint {
						e.Opened++
					}
				}
			}
			if e.First != 0 {
				e.Last = e.First + sec
				minutes = append(minutes, []any{e})
			} else {
				minutes = append(minutes, anything)
			}
		}
		if got := builtinAlerts(t, "beacon", Config{}, nil, minutes); len(got) != c.want {
			t.Errorf("%s: %d alerts, want %d", name, len(got), c.want)
		}
	}
}

// TestLearnedAsker: who was learned to ask one device for its identity may ask seven; eight are told, with what was learned.
func TestLearnedAsker(t *testing.T) {
	ask := builtinCases["ics-scan"].make
	for n, want := range map[int]int{3: 0, 7: 0, 8: 1} {
		got := builtinAlerts(t, "ics-scan", Config{}, append([][]any{anything}, ask(1)...), ask(n))
		if len(got) != want {
			t.Errorf("%d devices: %d alerts, want %d", n, len(got), want)
		}
		for _, a := range got {
			if !slices.Contains(a.Args, Arg{"learned", "1"}) {
				t.Errorf("%+v", a.Args)
			}
		}
	}
}

// TestRefusedMQTT: log-ins that a broker refuses, with the codes as decode/ot/mqtt writes them, are refused passwords; other refusals are not.
func TestRefusedMQTT(t *testing.T) {
	for status, want := range map[string]int{"04": 1, "05": 1, "86": 1, "87": 1, "03": 0, "00": 0} {
		o := protocol(op(plc, pc, "2", ot.Connect, ot.Error), "mqtt", "CONNACK", 3)
		o.Status = status
		if got := builtinAlerts(t, "ics-password", Config{}, nil, [][]any{{o}}); len(got) != want {
			t.Errorf("status %s: %d alerts, want %d", status, len(got), want)
		}
	}
}

// TestSpoofOfQuietOwners: who claims the addresses of two learned owners stands between them, also where neither was heard for
// long; who claims one of such may be its replacement.
func TestSpoofOfQuietOwners(t *testing.T) {
	const other = "192.168.1.7"
	claim := func(a string, m int) observe.Event { return event(observe.EventARP, a, mac(m).String(), 2, "", 1, m) }
	learn := [][]any{{addr(plc, mac(2), arp), addr(other, mac(3), arp), addr(pc, mac(1), arp), claim(plc, 2), claim(other, 3)}}
	for name, c := range map[string]struct {
		seen []any
		want int
	}{
		"two owners":      {things{claim(plc, 9), claim(other, 9)}, 2},
		"one":             {things{claim(plc, 9)}, 0},
		"one, two claims": {things{claim(plc, 9), claim(plc, 9)}, 0},
		"two, by two":     {things{claim(plc, 9), claim(other, 8)}, 0},
	} {
		if got := builtinAlerts(t, "arp-spoof", Config{}, learn, [][]any{c.seen}); len(got) != c.want {
			t.Errorf("%s: %d alerts, want %d", name, len(got), c.want)
		}
	}
}

// TestStormAmongAnnouncements: what is announced all minute long does not thin out a storm of twenty seconds, and is none itself.
func TestStormAmongAnnouncements(t *testing.T) {
	for n, want := range map[int]int{0: 0, 800: 0, 1000: 1, 1500: 1} {
		seen := builtinCases["broadcast-storm"].make(n)
		for i := range 200 {
			e := packets(edge(fmt.Sprintf("192.168.2.%d", i+1), "192.168.2.255", decode.ProtoUDP, 138), 5, 59)
			e.Multicast = true
			seen[0] = append(seen[0], e)
		}
		if got := builtinAlerts(t, "broadcast-storm", Config{}, nil, seen); len(got) != want {
			t.Errorf("%d a second: %d alerts, want %d", n, len(got), want)
		}
	}
}

// TestBuiltinBounded: a flood of distinct things stays in its bounds and is counted.
func TestBuiltinBounded(t *testing.T) {
	cfg := &Config{}
	b := newBuiltin(cfg, newDevices(cfg))
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 3 {
		var all things
		for range 40_000 {
			src := fmt.Sprintf("10.%d.%d.%d", r.IntN(256), r.IntN(256), 1+r.IntN(254))
			all = append(all, unanswered(tcp(src, plc, uint16(r.IntN(65536)))), event(observe.EventARP, src, mac(r.IntN(1e6)).String(), 2, "", 1, 1))
		}
		v := newView(builtinMinute(n, all...), cfg, uint64(n+1))
		b.inspect(v)
	}
	if len(b.windows) > maxWindows || len(b.state.bound) > maxTracked {
		t.Errorf("%d windows, %d addresses", len(b.windows), len(b.state.bound))
	}
	if b.dropped == 0 {
		t.Error("nothing was counted as dropped")
	}
	w := &window{}
	for i := range 3 * maxEntries {
		w.count(&observation{item: uint64(i), n: 1, t: int64(i), last: int64(i)}, hours, true)
	}
	if len(w.entries) != maxEntries || len(w.items) != maxEntries {
		t.Errorf("%d entries, %d items", len(w.entries), len(w.items))
	}
}

// TestBuiltinSameMinutesSameAlerts: the order of what a minute holds does not matter.
func TestBuiltinSameMinutesSameAlerts(t *testing.T) {
	var all things
	for _, r := range builtinRules {
		for _, m := range builtinCases[r.sub].make(r.threshold) {
			all = append(all, m...)
		}
	}
	var first []Alert
	for seed := range uint64(4) {
		r := rand.New(rand.NewPCG(seed, 1))
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		e := NewEngine(Config{Site: "s", Sensor: "x", Force: Detecting}, nil, nil, nil)
		alerts := e.Minute(builtinMinute(0, all...)).Alerts
		if seed == 0 {
			first = alerts
		} else if !reflect.DeepEqual(alerts, first) {
			t.Fatalf("seed %d: other alerts", seed)
		}
	}
	if len(first) < 30 {
		t.Errorf("only %d alerts", len(first))
	}
}

// TestBuiltinDocs: the page has the rules with their thresholds, severities and techniques.
func TestBuiltinDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/detection/builtin.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range builtinRules {
		w := "minute"
		if r.window != 0 {
			w = windowText(r.window)
		}
		want := fmt.Sprintf("| `%s` | %d | %s | %s | %s |", r.sub, r.threshold, w, r.severity, r.technique)
		if !strings.Contains(string(page), want) {
			t.Errorf("no row that begins %s", want)
		}
	}
}
