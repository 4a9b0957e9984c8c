package detect

import (
	"cmp"
	"slices"
	"strings"

	"osect/decode"
	"osect/decode/ot"
	"osect/observe"
)

// builtinActions says which rule a function code belongs to, by protocol: "rule: codes; …". A code stands for
// its sub-commands too, and for what begins with it when it ends in "*"; "-" are control codes that are everyday
// (session handling, process commands) and belong to none. The codes are those of docs/protocols.md.
var builtinActions = compileActions(map[string]string{
	"omron-fins": `plc-mode: 0401 0402; plc-restart: 0403; program-download: 0307 220c 2203 220b 2211 2220; program-upload: 0306;
		logic-change: 0202 0203 0221 0308 2204 2205 2207 2208 220a 2215; time-change: 0702; force: 2301 2302; log-clear: 2103 2141;
		network-setting: 2750 2757; password-change: 0304 0305 2601 2602`,
	"melsoft": "plc-mode: 1001 1002 1003 1120; plc-restart: 1006; program-download: 1869; program-upload: 1868; password-change: 1133",
	"slmp-melsec": `plc-mode: 1001 1002 1003 13 14 3206 3207 3208 3209; plc-restart: 1005 1006; program-download: 1202 1203 1827 1829 1820;
		program-upload: 1828; logic-change: 1204 1205 1206 1207 1822 1824 1825 1826 0e35 0e36 0e34 320a; time-change: 3062;
		log-clear: 1619 161a; network-setting: 0e31 0e90 0e91 0e92 0e93; password-change: 1133; -: 1630 1631 0808 320b 320c`,
	"cc-link-ie-tsn":           "network-setting: 0e90* 0e91* 0e92* 0e93*",
	"cc-link-ie-field-control": "plc-mode: 25:08 25:09; network-setting: 22:08:01",
	"dnp3": `plc-mode: 17 18; plc-restart: 13 14; logic-change: 15 16 27; firmware: 31; log-clear: 21;
		-: 3 4 5 6 19 20 25 26 28 29 30`,
	"iec-104":            "plc-restart: 105; time-change: 103; -: u07 u0b u13 u23 45 46 47 48 49 50 51 58 59 60 61 62 63 64 110 111 112 113 12*",
	"fl-net":             "plc-mode: 65009 65010; network-setting: 65008; log-clear: 65014; -: 65208 65209 65210 65214",
	"hart-ip":            "plc-restart: 42; time-change: 89; force: 40 79; network-setting: 6; logic-change: 39 43 45 46 52 71",
	"ads-ams":            "plc-mode: 0005; network-setting: udp:6",
	"knxnet-ip":          "plc-restart: 0743; network-setting: 0742",
	"ethernet-powerlink": "plc-mode: 06:04:2*; plc-restart: 06:04:28 06:04:29 06:04:2a 06:04:2b; program-download: 06:05:20",
	"ptp":                "time-change: d",
	"ge-srtp":            "plc-mode: 23; time-change: 24; program-download: 40; program-upload: 3f; force: 44; password-change: 21; -: 20",
	"lonworks-ip":        "network-setting: 01:63 01:64 01:66; password-change: 01:65; logic-change: 01:6b 01:6e 01:71 71; plc-mode: 01:6c; -: 01:6f",
	"codesys":            "plc-mode: 0002:0010 0002:0011; plc-restart: 0002:0012",
	"s7comm":             "plc-mode: 28 29; plc-restart: 1:0c; program-download: 1a 1b 1c; program-upload: 1d 1e 1f; time-change: 7:02 7:04; force: 1:07 1:08 1:09; password-change: 5:01; -: 1:16 056b",
	"iec61850": `program-download: mms:26 mms:27 mms:28 mms:32 mms:34; program-upload: mms:29 mms:30 mms:31 mms:33 mms:35; logic-change: mms:36 mms:38 mms:39;
		plc-mode: mms:40 mms:41 mms:42 mms:44; plc-restart: mms:43; -: mms:5 mms:19 mms:20`,
	"opc-ua": "logic-change: 488 494 500 506; -: 491 497 503 509 715",
	"bacnet-ip": `plc-restart: 20; firmware: 7; logic-change: 11; log-clear: 0; time-change: u6 u9; plc-mode: 17;
		network-setting: bvlc:01 bvlc:08 net:06 net:07 u14`,
	// Names of Nozomi Networks' and FireEye's dissectors of 2018 (made of the TRITON framework).
	"tristation": `program-download: 05:00 05:01 05:0a 05:0b 05:37 05:38; program-upload: 05:41 05:42; plc-mode: 05:14 05:15 05:16;
		time-change: 05:07 05:1f`,
	"toyopuc": "plc-mode: 32:0100 32:0200 32:02ff; time-change: 32:7100",
})

// functionActions are told by words of the function's name, the first that is in it: where one code does many things.
var functionActions = map[string][][2]string{
	"dnp3":     {{"write time", "time-change"}},
	"ethercat": {{"AL control", "plc-mode"}, {"EEPROM", "firmware"}, {"file write", "firmware"}, {"station address", "network-setting"}},
	"profinet": {{"reset", "plc-restart"}, {"DCP set, signal", none}, {"DCP set", "network-setting"}},
	"s7comm":   {{"PLC control: start", "plc-mode"}, {"PLC control: ", "logic-change"}},
	"modbus-tcp": {{"restart communications", "plc-restart"}, {"listen-only", "plc-mode"}, {"clear counters", "log-clear"}, {"clear overrun", "log-clear"},
		{"delimiter", "network-setting"}, {"start PLC", "plc-mode"}, {"stop PLC", "plc-mode"}, {"download", "program-download"}, {"upload", "program-upload"},
		{"reservation", none}},
	"ethernet-ip-cip": {{"Set_Attribute_List: Mode", "plc-mode"}, {"Wall-Clock Time", "time-change"}, {"PCCC set CPU mode", "plc-mode"}, {"PCCC change mode", "plc-mode"},
		{"PCCC download", "program-download"}, {"PCCC upload", "program-upload"}, {"Initiate_Download", "program-download"}, {"Download_Transfer", "program-download"},
		{"Initiate_Upload", "program-upload"}, {"Upload_Transfer", "program-upload"}, {"Initiate_Partial_Write", "logic-change"}, {"Clear_File", "logic-change"},
		{"firmware", "firmware"}, {"PCCC edit", "logic-change"}, {"PCCC write bytes physical", "logic-change"}, {"PCCC reset diagnostic", "log-clear"},
		{"edit resource", none}, {"Reset", "plc-restart"}, {"Create", "logic-change"}, {"Delete", "logic-change"}, {"Start", "plc-mode"}, {"Stop", "plc-mode"}},
}

// none is a control code of no rule.
const none = "-"

type actions struct {
	exact  map[string]string
	prefix [][2]string
}

func compileActions(table map[string]string) map[string]actions {
	out := map[string]actions{}
	for protocol, text := range table {
		a := actions{exact: map[string]string{}}
		for part := range strings.SplitSeq(text, ";") {
			sub, codes, _ := strings.Cut(part, ":")
			sub = strings.TrimSpace(sub)
			for code := range strings.FieldsSeq(codes) {
				if p, ok := strings.CutSuffix(code, "*"); ok {
					a.prefix = append(a.prefix, [2]string{p, sub})
				} else {
					a.exact[code] = sub
				}
			}
		}
		out[protocol] = a
	}
	return out
}

// action is the rule of an operation: a subkind, none, or "" for a code that is in no table.
func action(o *observe.Operation) string {
	for _, w := range functionActions[o.Protocol] {
		if strings.Contains(o.Function, w[0]) {
			return w[1]
		}
	}
	a, ok := builtinActions[o.Protocol]
	if !ok {
		return ""
	}
	if sub := a.exact[o.Code]; sub != "" {
		return sub
	}
	if sub := a.exact[command(o.Code)]; sub != "" {
		return sub
	}
	for _, p := range a.prefix {
		if strings.HasPrefix(o.Code, p[0]) {
			return p[1]
		}
	}
	return ""
}

// passwordCodes are the functions that try a password, by protocol; an error to one is a refusal.
var passwordCodes = map[string][]string{"slmp-melsec": {"1630", "1631"}, "melsoft": {"0132"}, "omron-fins": {"0304", "0305", "2602"},
	"s7comm": {"5:01"}, "ge-srtp": {"20", "21", "f5"}, "ads-ams": {"udp:6"}, "opc-ua": {"467"}, "bacnet-ip": {"17", "20"}}

// mqttRefusals are the CONNACK codes of a wrong user name or password, and of none that may: 3.1.1, then 5.
var mqttRefusals = []string{"04", "05", "86", "87"}

// clearCodes are functions that carry a password which can be read.
var clearCodes = map[string][]string{"slmp-melsec": {"1630", "1631"}, "omron-fins": {"0304", "0305"}, "ads-ams": {"udp:6"}, "bacnet-ip": {"17", "20"}}

// command is a code without its sub-command: "1002" of "1002:0000".
func command(code string) string {
	c, _, _ := strings.Cut(code, ":")
	return c
}

func has(table map[string][]string, protocol, code string) bool {
	for _, c := range table[protocol] {
		if c == code || c == command(code) {
			return true
		}
	}
	return false
}

// operations reads the minute's operations.
func (b *builtin) operations(v *view) {
	ops := v.m.Operations
	asked := map[pairKey]*tally{}
	var askers []pairKey
	for i := range ops {
		o := &ops[i]
		asks := o.Direction == ot.Request && o.Class != ot.Cyclic || o.Direction == ot.None && slices.Contains(unclocked, o.Protocol)
		if asks && o.Count >= floodLeast {
			k := pairKey{o.Src, o.Dst, o.Protocol}
			if asked[k] == nil {
				asked[k] = &tally{first: o.First, ref: o.Ref}
				askers = append(askers, k)
			}
			t := asked[k]
			t.n, t.first, t.last = t.n+o.Count, min(t.first, o.First), max(t.last, o.Last)
			t.parts = append(t.parts, part{o.Count, o.First, o.Last})
		}
		// OPC UA's Publish asks for nothing: all that are open are refused when a session ends.
		if o.Direction == ot.Error && !(o.Protocol == "opc-ua" && o.Code == "829") {
			b.see("exception-storm", o.Dst, o.Src, o.Protocol, 0, o.Count, o.First, o.Last, o.Ref).function = o.Function
		}
		refused := o.Direction == ot.Error && has(passwordCodes, o.Protocol, o.Code) ||
			o.Protocol == "mqtt" && o.Code == "2" && slices.Contains(mqttRefusals, o.Status)
		if refused {
			b.see("ics-password", o.Dst, o.Src, o.Protocol, 0, o.Count, o.First, o.Last, o.Ref).function = o.Function
		}
		if o.Direction != ot.Request && o.Direction != ot.None {
			continue
		}
		if o.Class != ot.Cyclic {
			sub := ""
			if o.Class != ot.Identity && o.Class != ot.Connect {
				sub = action(o)
			}
			switch {
			case sub == none || sub != "program-upload" && o.Class == ot.Read:
			case sub != "":
				b.operation(sub, o, o.Protocol+" "+o.Code)
			case o.Class == ot.Control:
				b.operation("new-control", o, o.Protocol)
			}
			if o.Class == ot.Control && (sub == none || sub == "") {
				b.operation("write-storm", o, o.Protocol+" "+o.Code)
			}
			if has(clearCodes, o.Protocol, o.Code) {
				b.operation("cleartext", o, o.Protocol)
			}
		}
		switch o.Class {
		case ot.Write:
			b.operation("new-write", o, o.Protocol)
			b.operation("write-storm", o, o.Protocol+" "+o.Code)
		case ot.Read:
			b.operation("mass-read", o, o.Protocol)
		case ot.Identity:
			if o.Direction == ot.Request {
				b.see("ics-scan", o.Src, decode.Addr{}, "", itemOf(o.Dst), o.Count, o.First, o.First, o.Ref).function = o.Function
				b.see("ics-protocols", o.Src, decode.Addr{}, "", uint64(hashName(o.Protocol)), o.Count, o.First, o.First, o.Ref).function = o.Function
			}
		case ot.Cyclic:
			b.see("rogue-master", o.Src, decode.Addr{}, o.Protocol, 0, o.Count, o.First, o.Last, o.Ref).function = o.Function
		}
	}
	for _, k := range askers {
		t := asked[k]
		b.rateHit("request-flood", t, windowKey{src: k.src, dst: k.dst, extra: k.protocol}, t.peak(10*sec))
	}
}

// publisher is who publishes something, and when it did so last.
type publisher struct {
	mac  decode.Addr
	last int64
}

// publishers finds what two MACs publish at the same time: the first to do so is the owner. One that takes over from
// another, as a spare does, is none.
func (b *builtin) publishers(v *view) {
	all := map[builtinKey][]observe.Event{} // by source
	for i := range v.m.Events {
		x := &v.m.Events[i]
		if x.Kind != observe.EventPublisher {
			continue
		}
		k := builtinKey{dst: x.Dst, extra: x.Text}
		j := slices.IndexFunc(all[k], func(y observe.Event) bool { return y.Src == x.Src })
		if j < 0 {
			all[k] = append(all[k], *x)
			continue
		}
		y := &all[k][j] // of another VLAN
		y.First, y.Last, y.Count = min(y.First, x.First), max(y.Last, x.Last), y.Count+x.Count
	}
	for k, sources := range all {
		slices.SortFunc(sources, func(x, y observe.Event) int { return cmp.Or(cmp.Compare(x.First, y.First), x.Src.Compare(y.Src)) })
		p, known := b.state.publishers[k]
		owner := slices.IndexFunc(sources, func(x observe.Event) bool { return x.Src == p.mac })
		if !known || owner < 0 && p.last+hours < v.m.Start {
			owner = 0
		}
		if owner < 0 {
			continue
		}
		o := &sources[owner]
		if !known && len(b.state.publishers) >= maxTracked {
			b.dropped++
		} else {
			b.state.publishers[k] = publisher{o.Src, max(p.last, o.Last)}
		}
		for i := range sources {
			if x := &sources[i]; i != owner && x.First < o.Last && o.First < x.Last {
				b.see("goose-source", x.Src, o.Src, k.extra, 0, uint64(x.Count), x.First, x.Last, x.Ref)
			}
		}
	}
}

// unclocked are the protocols whose messages without an answer (points, PUBLISH) come when something happens, not by the clock.
var unclocked = []string{"iec-104", "mqtt"}

// floodLeast is how many requests of one function there must be in a minute for a flood: fewer add nothing to one.
const floodLeast = 100

func (b *builtin) operation(sub string, o *observe.Operation, extra string) {
	x := b.see(sub, b.cfg.end(o.Src), b.cfg.end(o.Dst), extra, 0, o.Count, o.First, o.Last, o.Ref)
	x.function, x.srcIP, x.dstIP = o.Function, internetIP(x.src, o.Src), internetIP(x.dst, o.Dst)
	if sub == "write-storm" && b.n == 0 {
		x.severity = Medium // what a plant writes by the clock is not known yet
	}
}

// internetIP is the address behind an end that stands for all of the internet, else none.
func internetIP(end, a decode.Addr) decode.Addr {
	if end == internetEnd {
		return a
	}
	return decode.Addr{}
}

// hashName is FNV-1a.
func hashName(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
