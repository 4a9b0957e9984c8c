package detect

import (
	"testing"

	"osect/observe"
)

// FuzzRow: rows come from stores and files that anybody may have written, keys of alerts likewise.
func FuzzRow(f *testing.F) {
	f.Add("ip-communication", "10.0.0.1", "internet", "gre/tcp", "sport:2222", uint16(1), uint16(65535), "port", "||a|b|tcp|dport|5")
	f.Add("connected-device", "00:1b:21:00:00:01", "fd00::/64", "", "binding", uint16(0), uint16(0), "new-binding", "||binding|x|y")
	f.Add("ot-ip", "*", "10.0.0.0/8", "modbus-tcp", "resp:03", uint16(0), uint16(0), "function", "||a|b|c|d")
	m := minute(0, addr("192.168.1.5", mac(1), arp), tcp("10.0.0.1", "10.0.0.2", 80), op("10.0.0.1", "10.0.0.2", "03", 1, 1), op("00:1b:21:00:00:01", "00:1b:21:00:00:02", "c", 6, 0))
	f.Fuzz(func(t *testing.T, list, src, dst, proto, item string, lo, hi uint16, subkind, key string) {
		for _, origin := range []string{Hand, Learned} {
			r := Row{List: Kind(list), Src: src, Dst: dst, Proto: proto, Item: item, Lo: lo, Hi: hi, Origin: origin}
			good := r.Check() == nil
			e := NewEngine(Config{Force: Detecting}, nil, []Row{r}, nil)
			n := 0
			for _, s := range e.Statuses() {
				n += s.Rows
			}
			if good != (n == 1) {
				t.Errorf("Check says %v, %d rows were loaded", r.Check(), n)
			}
			e.Minute(m)
			e.cfg.Force = Learning
			e.Minute(m)
			e.cfg.Force = Detecting
			late := *m
			late.Start += observe.MinuteLength
			if r := e.Minute(&late); len(r.Alerts) > 0 {
				t.Errorf("learned, and alerted: %v", brief(r.Alerts))
			}
		}
		a := Alert{Kind: Kind(list), Subkind: subkind, Key: key}
		a.AcceptRows()
	})
}
