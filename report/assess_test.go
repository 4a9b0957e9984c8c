package report

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// small is an input small enough to count by hand.
func small() Input {
	at := func(minute int) time.Time { return epoch.Add(time.Duration(minute) * time.Minute) }
	return Input{
		Sensors:  []Sensor{{"s1", "A", at(0), at(60)}},
		Captures: []Capture{{"x.pcap", 10, "ok", "", at(0), at(5)}, {"y.pcap", 0, "refused", "link type 105", time.Time{}, time.Time{}}, {"z.pcap", 9, "known", "", at(0), at(2)}},
		Packets:  10, Decoded: 7, Skipped: map[string]int64{"bad-ip": 2, "link-type": 1, "none": 0}, HasLedger: true,
		Devices: []Device{
			{Site: "A", MAC: "02:00:00:00:00:01", IPs: []string{"10.0.0.1"}, Vendor: "V", Role: "plc", Hostname: "PLC1", Importance: 90, InLedger: true, First: at(0), Last: at(59)},
			{Site: "A", MAC: "02:00:00:00:00:02", IPs: []string{"10.0.0.2"}, Vendor: "V", Role: "hmi", OS: "Windows 10", Importance: 50, InLedger: true, BytesSent: 10, BytesReceived: 5},
			{Site: "A", MAC: "02:00:00:00:00:03", IPs: []string{"10.0.0.3"}, Role: "client", Hostname: "OFFICE", Importance: 10, BytesSent: 100},
			{Site: "A", IPs: []string{"198.51.100.7"}, Role: "external"},
		},
		Operations: []Operation{
			{Site: "A", Layer: "ip", Src: "10.0.0.2", Dst: "10.0.0.1", Protocol: "modbus-tcp", Function: "Read", FunctionCode: "03", Direction: "request", Class: "read", Count: 100},
			{Site: "A", Layer: "ip", Src: "10.0.0.1", Dst: "10.0.0.2", Protocol: "modbus-tcp", Function: "Read", FunctionCode: "03", Direction: "response", Class: "read", Count: 99},
			{Site: "A", Layer: "ip", Src: "10.0.0.2", Dst: "10.0.0.1", Protocol: "modbus-tcp", Function: "Write", FunctionCode: "10", Direction: "request", Class: "write", Count: 7},
			{Site: "A", Layer: "ip", Src: "10.0.0.1", Dst: "10.0.0.2", Protocol: "modbus-tcp", Function: "Write", FunctionCode: "10", Direction: "error", Class: "write", Count: 2},
			{Site: "A", Layer: "ip", Src: "10.0.0.3", Dst: "10.0.0.1", Protocol: "slmp-melsec", Function: "Stop", FunctionCode: "1002:0000", Direction: "request", Class: "control", Count: 1},
			{Site: "A", Layer: "ethernet", Src: "02:00:00:00:00:01", Dst: "02:00:00:00:00:02", Protocol: "cc-link-ie-field-control", Function: "Cyclic", Direction: "none", Class: "cyclic", Count: 50},
		},
		Pairs: []Pair{
			{"A", "10.0.0.3", "198.51.100.7", "https", 1, 10, 1000},
			{"A", "10.0.0.2", "10.0.0.1", "modbus", 1, 206, 20000},
			{"A", "10.0.0.2", "192.168.1.1", "dns", 1, 2, 200},
			{"A", "10.0.0.2", "100.64.0.9", "dns", 1, 2, 200},
		},
		Alerts: []Alert{
			{ID: "1", Kind: "ot-ip", Severity: "high", State: "new", SrcIP: "10.0.0.3", Count: 1, First: at(30), Last: at(30)},
			{ID: "2", Kind: "ot-ip", Severity: "critical", State: "accepted", Count: 9},
			{ID: "3", Kind: "connected-device", Severity: "low", State: "new", SrcMAC: "02:00:00:00:00:03", Count: 4},
			{ID: "4", Kind: "ot-ip", Severity: "high", State: "new", SrcIP: "10.0.0.3", Count: 5},
			{ID: "5", Kind: "ot-ip", Severity: "medium", State: "new", SrcIP: "10.0.0.3", Count: 5},
			{ID: "6", Kind: "new-kind", Severity: "low", State: "excluded", Count: 1},
		},
		Detectors: []Detector{{Kind: "ot-ip", Mode: "detecting"}, {Kind: "connected-device", Mode: "learning"}},
	}
}

func TestBuildCounts(t *testing.T) {
	a := Build(small())
	want := Counts{
		Sites: 1, Sensors: 1, Captures: 3, CapturesFaulty: 1, Packets: 10, Decoded: 7, Skipped: 3,
		Devices: 4, DevicesInLedger: 2, DevicesOwn: 3, DevicesNotInLedger: 1, Vendors: 1, DevicesOSKnown: 1, Pairs: 4,
		OTProtocols: 3, OTDevices: 5, Messages: 259, Reads: 100, Writes: 7, Controls: 1, ControlRelations: 3,
		Alerts: 6, AlertsSevere: 3, AlertsOpen: 4, Detecting: 1, Findings: int64(len(a.Findings)),
	}
	if a.Counts != want {
		t.Errorf("got  %+v\nwant %+v", a.Counts, want)
	}
	if !a.From.Equal(epoch) || !a.To.Equal(epoch.Add(time.Hour)) {
		t.Errorf("period %v to %v", a.From, a.To)
	}
	if got := fmt.Sprint(a.Vendors, a.Roles); got != "[{ 2} {V 2}] [{client 1} {external 1} {hmi 1} {plc 1}]" {
		t.Errorf("shares %s", got)
	}
	if a.Devices[0].Hostname != "PLC1" || a.Talkers[0].Name != "OFFICE" || a.Talkers[0].Bytes != 100 || a.Pairs[0].Service != "modbus" {
		t.Errorf("order: %v, %v, %v", a.Devices[0], a.Talkers[0], a.Pairs[0])
	}
}

func TestBuildWhoControlsWhat(t *testing.T) {
	var got []string
	for _, c := range Build(small()).Controls {
		got = append(got, fmt.Sprint(c.Src, "(", c.SrcName, " ", c.SrcRole, ")>", c.Dst, " ", c.Functions, c.Writes, c.Controls, c.Cyclic))
	}
	want := []string{
		"10.0.0.3(OFFICE client)>10.0.0.1 [Stop] 0 1 0",
		"10.0.0.2( hmi)>10.0.0.1 [Write] 7 0 0",
		"02:00:00:00:00:01(PLC1 plc)>02:00:00:00:00:02 [Cyclic] 0 0 50",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestBuildProtocols(t *testing.T) {
	p := Build(small()).Protocols[0]
	if got := fmt.Sprint(p.Protocol, p.Messages, p.Errors, p.Functions, p.Sources, p.Targets, p.ByClass); got != "modbus-tcp 208 2 2 1 1 map[read:199 write:9]" && got != "modbus-tcp208 2 2 1 1 map[read:199 write:9]" {
		t.Errorf("got %s", got)
	}
}

func TestBuildAlerts(t *testing.T) {
	a := Build(small())
	order := func(as []Alert) (ids string) {
		for _, x := range as {
			ids += x.ID
		}
		return ids
	}
	if got := order(a.Alerts); got != "241536" {
		t.Errorf("alerts in order %s", got)
	}
	if got := order(a.Important); got != "413" { // not the accepted and the excluded one, and no third of a kind
		t.Errorf("important %s", got)
	}
	last := a.Kinds[len(a.Kinds)-1]
	if len(a.Kinds) != len(Kinds)+1 || last.Kind != "new-kind" || last.Total != 1 {
		t.Errorf("a kind that this program does not know: %+v", last)
	}
	if k := a.Kinds[slices.IndexFunc(a.Kinds, func(k KindCount) bool { return k.Kind == "ot-ip" })]; k.Total != 4 || k.BySeverity != [4]int64{1, 2, 1, 0} {
		t.Errorf("ot-ip: %+v", k)
	}
}

func TestFindingsComeFromData(t *testing.T) {
	if f := Build(Input{}).Findings; len(f) != 0 {
		t.Errorf("findings without data: %v", f)
	}
	var got []string
	for _, f := range Build(small()).Findings {
		got = append(got, fmt.Sprint(f.Severity, " ", f.Key, " ", f.Count, " ", f.Examples))
	}
	want := []string{
		"high ot-behaviour 3 [OFFICE]",
		"high internet 1 [OFFICE]",
		"high unexpected-writer 1 [OFFICE]",
		"medium several-writers 1 [PLC1]",
		"medium no-authentication 2 [modbus-tcp slmp-melsec]",
		"medium not-in-ledger 1 [OFFICE]",
		"low connected-device 1 [OFFICE]",
		"low coverage 1 [y.pcap]",
		"low not-detecting 1 [connected-device]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTrafficIsGatheredIntoFewBuckets(t *testing.T) {
	for name, c := range map[string]struct {
		offsets []time.Duration
		step    time.Duration
		buckets int
	}{
		"one":          {[]time.Duration{0}, time.Minute, 1},
		"an hour":      {[]time.Duration{0, time.Minute, 59 * time.Minute}, time.Minute, 60},
		"a day":        {[]time.Duration{23 * time.Hour, 0}, 15 * time.Minute, 93},
		"thirty years": {[]time.Duration{0, 30 * 365 * 24 * time.Hour}, 112 * 24 * time.Hour, 98},
	} {
		var in Input
		for _, o := range c.offsets {
			in.Traffic = append(in.Traffic, Traffic{epoch.Add(o), 1, 10})
		}
		a := Build(in)
		sum := int64(0)
		for _, b := range a.Traffic {
			sum += b.Bytes
		}
		if a.TrafficStep != c.step || len(a.Traffic) != c.buckets || sum != int64(len(c.offsets))*10 {
			t.Errorf("%s: %d buckets of %v with %d bytes, want %d of %v", name, len(a.Traffic), a.TrafficStep, sum, c.buckets, c.step)
		}
	}
}

func TestInternet(t *testing.T) {
	for address, want := range map[string]bool{
		"198.51.100.7": true, "2001:db8::1": true, "::ffff:8.8.8.8": true,
		"10.0.0.1": false, "192.168.3.4": false, "100.64.0.1": false, "169.254.1.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"fe80::1": false, "fd00::1": false, "0.0.0.0": false, "02:00:00:00:00:01": false, "": false,
	} {
		if got := internet(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 1_500_000: "1.5 MB", 2_000_000_000: "2.0 GB", 3_210_000_000_000: "3.2 TB"} {
		if got := size(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}
