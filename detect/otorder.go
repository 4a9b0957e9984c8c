package detect

import (
	"slices"
	"strings"

	"osect/observe"
)

// SubOrder is a learned function that follows another one than ever before (ot-ip, ot-ethernet; an option).
const SubOrder = "order"

// orderPrefix begins the item of a row of which code follows which: "order:03>10"; Any stands for all of them.
const orderPrefix = "order:"

// order reads an event of which function followed which; ok iff it is of this list.
func (f *functions) order(e *observe.Event) (k functionKey, before, after string, ok bool) {
	if e.Kind != observe.EventOrder || !f.cfg.Settings.Order || e.Src.IsMAC() != (f.list == OTEthernet) {
		return k, "", "", false
	}
	w := strings.Fields(e.Text)
	if len(w) != 3 {
		return k, "", "", false
	}
	return functionKey{pairKey{f.cfg.end(e.Src), f.cfg.end(e.Dst), w[0]}, orderPrefix + w[1] + ">" + w[2], false}, w[1], w[2], true
}

// learnOrders learns which function follows which.
func (f *functions) learnOrders(v *view, teach func(functionKey)) {
	for i := range v.m.Events {
		if k, _, _, ok := f.order(&v.m.Events[i]); ok {
			teach(k)
		}
	}
}

// inspectOrders tells functions that are learned, in an order that is not. Nothing is told of
// two ends between which no order was learned: the option was off then.
func (f *functions) inspectOrders(v *view, found []finding) []finding {
	for i := range v.m.Events {
		e := &v.m.Events[i]
		k, before, after, ok := f.order(e)
		if !ok || f.orders[k.pairKey] == nil || f.allowed(k) {
			continue
		}
		code := func(c string) functionKey { return functionKey{k.pairKey, c, false} }
		if !f.allowed(code(before)) || !f.allowed(code(after)) {
			continue // the function itself is told
		}
		src, dst := endText(k.src), endText(k.dst)
		fd := finding{subkind: SubOrder, severity: Medium, technique: "T0855", first: e.First, last: e.Last, count: uint64(e.Count), ref: e.Ref,
			key: strings.Join([]string{src, dst, k.protocol, k.code}, "|")}
		if f.list == OTEthernet {
			fd.srcMAC, fd.dstMAC = src, dst
		} else {
			fd.srcIP, fd.dstIP = e.Src.String(), e.Dst.String()
			fd.srcMAC, fd.dstMAC = v.owner[e.Src].String(), v.owner[e.Dst].String()
		}
		var follows []string // what came behind it
		for _, o := range f.orders[k.pairKey] {
			if b, a, _ := strings.Cut(strings.TrimPrefix(o, orderPrefix), ">"); b == before {
				follows = append(follows, a)
			}
		}
		slices.Sort(follows)
		fd.args = []Arg{{"src", src}, {"dst", dst}, {"protocol", k.protocol}, {"before", before}, {"code", after},
			{"learned", list(follows, func(s string) string { return s })}}
		found = append(found, fd)
	}
	return found
}
