package report

import (
	"fmt"
	"math/rand/v2"
	"time"
)

const longName = "第三工場東棟溶接ライン主制御盤内蔵シーケンサー親局予備系統保守端末兼用計測収集装置壱号機更新予定機器名称試験用六十文字丁度"

var epoch = time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)

// plant makes the input of a factory with the given numbers of devices and alerts; name, when not "", is put
// into every text that comes from outside.
func plant(devices, alerts int, name string) Input {
	r := rand.New(rand.NewPCG(1, uint64(devices)))
	or := func(s string) string {
		if name != "" {
			return name
		}
		return s
	}
	in := Input{
		Customer: or("東海精機株式会社 第三工場"), Program: "osect 0.1", Zone: time.FixedZone("JST", 9*3600),
		Sensors:  []Sensor{{or("sensor-1"), or("第三工場"), epoch, epoch.Add(24 * time.Hour)}},
		Captures: []Capture{{or("day1.pcap"), 1200345, "ok", "", epoch, epoch.Add(12 * time.Hour)}, {or("day2.pcap"), 4000, "cut", or("packet 4001: 12 of 60 bytes"), epoch.Add(12 * time.Hour), epoch.Add(24 * time.Hour)}},
		Packets:  1204345, Decoded: 1204300, Bytes: 812345678, Skipped: map[string]int64{"bad-ip": 40, "link-type": 5}, Connections: int64(devices) * 31,
		HasLedger: true,
	}
	vendors := []string{"Mitsubishi Electric", "OMRON", "Siemens", "Keyence", "Yokogawa", "Fanuc", "HP", "Dell", "Cisco", "Allied Telesis", "Hitachi", "Toshiba", "Panasonic", ""}
	roles := []string{"plc", "plc", "plc", "hmi", "engineering-workstation", "server", "client", "client", "network-equipment", "io-device", "printer", "camera", "unknown"}
	systems := []string{"Windows 10", "Windows XP", "Windows 7", "Linux", "", ""}
	ip := func(i int) string { return fmt.Sprintf("10.%d.%d.%d", 1+i/60000, i/250%250, 1+i%250) }
	for i := range devices {
		d := Device{Site: or("第三工場"), MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", i/256, i%256), IPs: []string{ip(i)}, Vendor: or(vendors[r.IntN(len(vendors))]), Role: roles[i%len(roles)], OS: systems[r.IntN(len(systems))],
			OSAccuracy: r.IntN(101), Importance: r.IntN(101), VLANs: []int{10, 20}[:r.IntN(3)], Sensors: []string{or("sensor-1")}, First: epoch, Last: epoch.Add(time.Duration(r.IntN(86400)) * time.Second),
			PacketsSent: int64(r.IntN(100000)), BytesSent: int64(r.IntN(1 << 28)), PacketsReceived: int64(r.IntN(100000)), BytesReceived: int64(r.IntN(1 << 27)), InLedger: r.IntN(4) > 0}
		if i%3 != 1 || name != "" {
			d.Hostname = or(fmt.Sprintf("LINE%d-%s", i%7+1, d.Role))
		}
		if i%9 == 0 {
			d.IPs = append(d.IPs, "fe80::1", "192.168.0.9")
		}
		in.Devices = append(in.Devices, d)
	}
	if devices == 0 {
		return in
	}
	in.Differences = []Difference{{Kind: "missing", Site: or("第三工場"), MAC: "02:00:00:00:ff:01", IPs: []string{"10.1.0.200"}, Hostname: or("旧搬送機"), Ledger: or("盤3")},
		{Kind: "unknown", Site: or("第三工場"), MAC: "02:00:00:00:ff:02", Observed: or("Moxa"), Last: epoch}, {Kind: "firmware", Site: or("第三工場"), MAC: "02:00:00:00:00:01", Hostname: or("第1盤"), Ledger: or("1.0"), Observed: or("=2.0"), Last: epoch}}
	in.Crossings = []Crossing{{or("第三工場"), or("事務所"), or("第1ライン"), ip(0), ip(1), or("PC"), or("PLC"), or("tcp/502 modbus-tcp"), 12, 3456}, {or("第三工場"), or("事務所"), or("第1ライン"), ip(0), ip(1), or("PC"), or("PLC"), or("tcp/445 smb"), 2, 99}}
	for i := range min(devices*4, 3000) {
		in.Pairs = append(in.Pairs, Pair{or("第三工場"), ip(i % devices), ip((i*7 + 1) % devices), []string{"modbus", "http", "445/tcp", "slmp"}[i%4], int64(1 + r.IntN(90)), int64(r.IntN(1 << 20)), int64(r.IntN(1 << 30))})
	}
	in.Pairs = append(in.Pairs, Pair{or("第三工場"), ip(1), "203.0.113.9", "https", 3, 400, 51200})
	protocols := []struct{ name, function, code, class string }{
		{"modbus-tcp", "Read Holding Registers", "03", "read"}, {"modbus-tcp", "Write Multiple Registers", "10", "write"}, {"slmp-melsec", "Remote Stop", "1002:0000", "control"},
		{"omron-fins", "Memory Area Write", "0102", "write"}, {"cc-link-ie-field-basic", "Cyclic", "", "cyclic"}, {"slmp-melsec", "Batch Read", "0401:0000", "read"}, {"omron-fins", "Controller Data Read", "0501", "identity"},
	}
	for i := range min(devices*3, 2000) {
		p := protocols[i%len(protocols)]
		for _, direction := range []string{"request", "response", "error"} {
			n := int64(1 + r.IntN(5000))
			if direction == "error" {
				n = int64(i % 3)
			}
			in.Operations = append(in.Operations, Operation{or("第三工場"), "ip", ip(i % devices), ip((i*3 + 1) % devices), p.name, or(p.function), p.code, direction, p.class, n, epoch, epoch.Add(time.Hour)})
		}
	}
	in.Operations = append(in.Operations, Operation{or("第三工場"), "ethernet", "02:00:00:00:00:01", "02:00:00:00:00:02", "cc-link-ie-field-control", or("Token"), "00", "none", "cyclic", 98765, epoch, epoch.Add(time.Hour)})
	for i := range 24 * 60 {
		in.Traffic = append(in.Traffic, Traffic{epoch.Add(time.Duration(i) * time.Minute), int64(800 + r.IntN(200)), int64(300000 + r.IntN(400000))})
	}
	for i := range alerts {
		kind := Kinds[r.IntN(len(Kinds))]
		in.Alerts = append(in.Alerts, Alert{ID: fmt.Sprintf("%08x", i), Site: or("第三工場"), Kind: kind, Subkind: "new", Severity: Severities[min(3, r.IntN(6))], State: []string{"new", "acknowledged", "accepted", "excluded"}[i%4],
			SrcIP: ip(i % devices), SrcMAC: "02:00:00:00:00:01", DstIP: ip((i + 1) % devices), Summary: or("許可リストにない書き込みを観測しました: " + ip(i%devices) + " → " + ip((i+1)%devices)),
			Reason: or("学習期間(2026-10-01~2026-10-04)には、この送信元からの書き込みは一度も観測されていません。学習済みの機能は読み出しだけです。"),
			Action: or("保守作業の予定を確認し、予定にない操作であれば送信元の端末をネットワークから切り離してください。"), Technique: "T0855", Count: int64(1 + r.IntN(300)), First: epoch.Add(time.Duration(i) * time.Second), Last: epoch.Add(time.Duration(i+4000) * time.Second)})
	}
	for _, k := range Kinds {
		mode := "detecting"
		if k == "signature" {
			mode = "off"
		}
		in.Detectors = append(in.Detectors, Detector{k, mode, epoch.Add(12 * time.Hour), int64(r.IntN(5000))})
	}
	return in
}
