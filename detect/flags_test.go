package detect

import (
	"slices"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/observe"
)

// The ledger's flags leave out exactly what they explain, and raise by one step what is about critical devices.
func TestFlagsExplainOrRaise(t *testing.T) {
	quiet := []*observe.Minute{}
	for n := range 3 {
		quiet = append(quiet, minute(n, addr("10.0.0.1", mac(1), arp), addr("10.0.0.2", mac(2), arp), addr("10.0.0.3", mac(3), arp),
			tcp("10.0.0.1", "10.0.0.2", 502), op("10.0.0.1", "10.0.0.2", "03", ot.Read, ot.Request)))
	}
	rows := learned(t, quiet)
	// 10.0.0.3 writes to the controller and reaches a service that nobody used.
	later := []*observe.Minute{minute(10, addr("10.0.0.3", mac(3), arp), addr("10.0.0.2", mac(2), arp),
		tcp("10.0.0.3", "10.0.0.2", 502), tcp("10.0.0.3", "10.0.0.2", 80), op("10.0.0.3", "10.0.0.2", "06", ot.Write, ot.Request))}
	told := func(flags ...Flag) map[string]string {
		m := map[string]string{}
		for _, a := range detected(t, Config{Settings: Settings{Flags: flags}}, rows, later) {
			k := string(a.Kind) + "/" + a.Subkind
			m[k] = string(a.Severity)
			if slices.ContainsFunc(a.Args, func(x Arg) bool { return x.Name == argLedger }) {
				m[k] += "+"
			}
		}
		return m
	}
	has := func(m map[string]string, kind Kind) bool {
		for k := range m {
			if strings.HasPrefix(k, string(kind)+"/") {
				return true
			}
		}
		return false
	}
	plain := told()
	if !has(plain, IPCommunication) || !has(plain, OTIP) {
		t.Fatalf("without flags: %v", plain)
	}
	source, ends := mac(3).String(), at(11)
	for name, c := range map[string]struct {
		flag     Flag
		ip, otIP bool
	}{
		"scanner":                        {Flag{MAC: source, Scanner: true}, false, true},
		"scanner by address":             {Flag{IPs: []string{"10.0.0.3"}, Scanner: true}, false, true},
		"engineering":                    {Flag{MAC: source, IPs: []string{"10.0.0.3"}, Engineering: true}, true, false},
		"both":                           {Flag{MAC: source, IPs: []string{"10.0.0.3"}, Engineering: true, Scanner: true}, false, false},
		"until later":                    {Flag{IPs: []string{"10.0.0.3"}, Scanner: true, Until: ends}, false, true},
		"expired":                        {Flag{IPs: []string{"10.0.0.3"}, Scanner: true, Until: at(10)}, true, true},
		"another site's":                 {Flag{Site: "B", IPs: []string{"10.0.0.3"}, Scanner: true}, true, true},
		"the destination is the scanner": {Flag{IPs: []string{"10.0.0.2"}, Scanner: true, Engineering: true}, true, true},
		"another device":                 {Flag{IPs: []string{"10.0.0.1"}, Scanner: true, Engineering: true}, true, true},
	} {
		got := told(c.flag)
		if has(got, IPCommunication) != c.ip || has(got, OTIP) != c.otIP {
			t.Errorf("%s: %v", name, got)
		}
	}
	// A critical device: one step up, whichever end it is; other findings as they were.
	for _, end := range []string{"10.0.0.2", "10.0.0.3"} {
		for k, was := range plain {
			if got := told(Flag{IPs: []string{end}, Critical: true})[k]; got != string(Severity(was).up())+"+" {
				t.Errorf("critical %s: %s is %s, was %s", end, k, got, was)
			}
		}
	}
	if got := told(Flag{IPs: []string{"10.0.0.1"}, Critical: true}); got["ot-ip/pair"] != plain["ot-ip/pair"] {
		t.Errorf("another critical device: %v", got)
	}
	if Critical.up() != Critical || Low.up() != Medium {
		t.Error("up")
	}
}

// An address under another MAC than its device's is not excused by the device's flag.
func TestAFlagIsNotBorrowed(t *testing.T) {
	e := NewEngine(Config{Site: "A", Settings: Settings{Flags: []Flag{{MAC: mac(3).String(), IPs: []string{"10.0.0.3"}, Scanner: true}}}}, nil, nil, nil)
	for _, c := range []struct {
		ip, mac string
		want    bool
	}{{"10.0.0.3", mac(3).String(), true}, {"10.0.0.3", "", true}, {"", mac(3).String(), true}, {"10.0.0.99", mac(3).String(), true}, {"10.0.0.3", mac(9).String(), false}, {"10.0.0.99", "", false}} {
		got := false
		e.flagged(c.ip, c.mac, at(0), func(*Flag) { got = true })
		if got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	e.devices.routers[mac(9)] = &entry{}
	got := false
	e.flagged("10.0.0.3", mac(9).String(), at(0), func(*Flag) { got = true })
	if !got {
		t.Error("behind a learned router the address counts")
	}
}
