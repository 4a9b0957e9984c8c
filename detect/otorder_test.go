package detect

import (
	"fmt"
	"slices"
	"testing"

	"osect/decode/ot"
	"osect/observe"
)

// follows is the event of b behind a, from src to dst.
func follows(src, dst, a, b string) observe.Event {
	return observe.Event{Kind: observe.EventOrder, Src: ip(src), Dst: ip(dst), Text: "modbus-tcp " + a + " " + b, First: at(0), Last: at(0) + 1, Count: 2, Ref: observe.FrameRef{Number: 7}}
}

// TestOrderOfFunctions: learned functions in an order that was not learned are told, once
// the option is on; not what is told otherwise, nor between ends of which no order was learned.
func TestOrderOfFunctions(t *testing.T) {
	const plc, hmi, other = "10.0.0.2", "10.0.0.1", "10.0.0.3"
	ops := []any{op(hmi, plc, "03", ot.Read, ot.Request), op(hmi, plc, "10", ot.Write, ot.Request), op(hmi, other, "03", ot.Read, ot.Request)}
	make := func(n int, events ...observe.Event) *observe.Minute {
		m := minute(n, ops...)
		m.Events = events
		return m
	}
	on := Config{Settings: Settings{Order: true}}
	teach := func(cfg Config, m *observe.Minute) []Row {
		cfg.Site, cfg.Sensor, cfg.Force = "s", "x", Learning
		l := &rowList{t: t, rows: map[string]Row{}}
		l.apply(lists(NewEngine(cfg, nil, nil, nil).Minute(m).Changes))
		return l.all()
	}
	base := make(0, follows(hmi, plc, "03", "03"), follows(hmi, plc, "03", "10"), follows(hmi, plc, "10", "03"))
	rows := teach(on, base)
	told := func(cfg Config, rows []Row, events ...observe.Event) (list []string) {
		for _, a := range detected(t, cfg, rows, []*observe.Minute{make(1, events...)}) {
			if a.Subkind == SubOrder {
				list = append(list, fmt.Sprintf("%s %s %s>%s %s learned %s x%d", a.Kind, a.Severity, a.Args[3].Value, a.Args[4].Value, a.DstIP, a.Args[5].Value, a.Count))
			}
		}
		return list
	}
	if got := told(on, rows, base.Events...); got != nil {
		t.Errorf("what was learned is told: %v", got)
	}
	odd := follows(hmi, plc, "10", "10")
	if got := told(on, rows, odd); !slices.Equal(got, []string{"ot-ip medium 10>10 10.0.0.2 learned 03 x2"}) {
		t.Errorf("another order: %v", got)
	}
	for name, got := range map[string][]string{
		"off":                        told(Config{}, rows, odd),
		"a function that is told":    told(on, rows, follows(hmi, plc, "03", "2b")),
		"no order learned":           told(on, rows, follows(hmi, other, "03", "03")),
		"learned while it was off":   told(on, teach(Config{}, base), odd),
		"allowed by hand":            told(on, append(slices.Clone(rows), Row{List: OTIP, Site: "s", Src: hmi, Dst: plc, Proto: "modbus-tcp", Item: "order:10>10", Origin: Hand}), odd),
		"all orders allowed by hand": told(on, append(slices.Clone(rows), Row{List: OTIP, Site: "s", Src: Any, Dst: plc, Proto: Any, Item: "order:*", Origin: Hand}), odd),
	} {
		if got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
	// Rows of orders are no functions: the reason of another alert does not name them.
	for _, a := range detected(t, on, rows, []*observe.Minute{minute(1, op(hmi, plc, "05", ot.Write, ot.Request))}) {
		if a.Subkind == SubFunction && argOf(&a, "learned") != "03, 10" {
			t.Errorf("learned functions: %q", argOf(&a, "learned"))
		}
	}
	// Accepted it is silent.
	al := detected(t, on, rows, []*observe.Minute{make(1, odd)})
	for i := range al {
		if al[i].Subkind == SubOrder {
			accepted := append(slices.Clone(rows), al[i].AcceptRows()...)
			if got := told(on, accepted, odd); got != nil {
				t.Errorf("accepted: %v", got)
			}
		}
	}
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		key, value string
		ok         bool
	}{
		{SettingInternet, "each", true}, {SettingInternet, "some", false}, {SettingOrder, "on", true}, {SettingOrder, "", false},
		{SettingInternal, "203.0.113.0/24 2001:db8::1", true}, {SettingInternal, "203.0.113.0/33", false}, {SettingInternal, "plant", false}, {"x", "1", false},
	} {
		if err := CheckSetting(c.key, c.value); (err == nil) != c.ok {
			t.Errorf("%s = %q: %v", c.key, c.value, err)
		}
	}
	var s Settings
	if err := s.ParseSettings(map[string]string{SettingInternal: "203.0.113.9/24", SettingInternet: "each", "built-in.port-scan": "threshold=7"}); err != nil {
		t.Fatal(err)
	}
	c := Config{Settings: s}
	if c.internet(ip("203.0.113.200")) || !c.internet(ip("203.0.114.1")) || c.end(ip("203.0.114.1")) != ip("203.0.114.1") || s.BuiltIn["port-scan"].Threshold != 7 || s.Order {
		t.Errorf("%+v", s)
	}
	if err := s.ParseSettings(map[string]string{SettingInternet: "x"}); err == nil {
		t.Error("a bad setting is taken")
	}
}
