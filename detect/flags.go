package detect

import "slices"

// Flag is what the ledger says of a device that explains its findings, or makes them worse.
type Flag struct {
	Site string   // "" for any
	MAC  string   // "" for none
	IPs  []string // its addresses
	// Scanner scans on purpose, Engineering programs and controls on purpose: the findings that this explains
	// are not raised. Critical: what happens to it, or comes from it, is one step worse.
	Scanner, Engineering, Critical bool
	// Until is when the flags end, ns; 0 for never.
	Until int64
}

// argLedger tells of an alert that its severity is a step up, and by which flag.
const argLedger = "ledger"

// scannerExplains and engineeringExplains are the built-in rules that such a device is expected to
// trip as the source (docs/ledger.md lists them). Of the other kinds a scanner explains new
// communications, an engineering station operations outside the allow lists.
var (
	scannerExplains = []string{"port-scan", "port-scan-slow", "host-sweep", "host-sweep-slow", "odd-flags", "probe", "udp-scan", "icmp-sweep", "arp-sweep",
		"ics-scan", "ics-protocols", "exception-storm", "mass-read"}
	engineeringExplains = []string{"plc-mode", "plc-restart", "program-download", "program-upload", "logic-change", "firmware", "time-change", "force", "log-clear",
		"network-setting", "password-change", "new-write", "new-control", "rogue-master", "write-storm", "mass-read"}
)

func (f *Flag) explains(kind Kind, subkind string) bool {
	switch kind {
	case BuiltIn:
		return f.Scanner && slices.Contains(scannerExplains, subkind) || f.Engineering && slices.Contains(engineeringExplains, subkind)
	case IPCommunication:
		return f.Scanner
	case OTIP, OTEthernet:
		return f.Engineering
	}
	return false
}

// SetFlags replaces the ledger's flags; those of other sites are left out.
func (e *Engine) SetFlags(list []Flag) {
	e.flags = map[string][]*Flag{}
	for i := range list {
		f := &list[i]
		if f.Site != "" && f.Site != e.cfg.Site {
			continue
		}
		for _, end := range append([]string{f.MAC}, f.IPs...) {
			if end != "" {
				e.flags[end] = append(e.flags[end], f)
			}
		}
	}
}

// flagged calls fn for the flags of the device with an address and a MAC, either "" for unknown, at a time. MAC wins over
// IP: an address under another MAC than its device's is another device, unless that MAC is a learned router's.
func (e *Engine) flagged(ip, mac string, at int64, fn func(*Flag)) {
	if mac == "" {
		// Findings about addresses name no MAC: it is the one that the address was learned with, if there is one only.
		if a, err := parseEnd(ip); ip != "" && err == nil && len(e.devices.users[a]) == 1 {
			mac = e.devices.users[a][0].String()
		}
	}
	router := false
	if a, err := parseEnd(mac); mac != "" && err == nil && a.IsMAC() {
		router = e.devices.routers[a.MAC()] != nil
	}
	var last *Flag
	ask := func(f *Flag) {
		if f != last && (f.Until == 0 || at < f.Until) {
			last = f
			fn(f)
		}
	}
	if mac != "" && !(router && ip != "") {
		for _, f := range e.flags[mac] {
			ask(f)
		}
	}
	if ip == "" {
		return
	}
	for _, f := range e.flags[ip] {
		if f.MAC == "" || mac == "" || f.MAC == mac || router {
			ask(f)
		}
	}
}

// explain leaves out findings that the ledger's flags explain and raises those about critical devices.
func (e *Engine) explain(kind Kind, found []finding) []finding {
	if len(e.flags) == 0 {
		return found
	}
	kept := found[:0]
	for _, f := range found {
		explained, critical := false, false
		e.flagged(f.srcIP, f.srcMAC, f.last, func(x *Flag) {
			explained = explained || x.explains(kind, f.subkind)
			critical = critical || x.Critical
		})
		if explained {
			continue
		}
		e.flagged(f.dstIP, f.dstMAC, f.last, func(x *Flag) { critical = critical || x.Critical })
		if critical {
			f.severity = f.severity.up()
			for i := range f.groups {
				if f.groups[i].many != "" {
					f.groups[i].severity = f.groups[i].severity.up()
				}
			}
			f.args = append(slices.Clone(f.args), Arg{argLedger, "critical"})
		}
		kept = append(kept, f)
	}
	return kept
}

// up is the next worse severity.
func (s Severity) up() Severity {
	i := slices.Index(Severities, s)
	return Severities[min(i+1, len(Severities)-1)]
}
