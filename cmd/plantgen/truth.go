package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// commKey names a communication as a learner of layer 3/4 facts would: client
// ports are no part of it. For ICMP port is the type. A service with a fixed
// source port and varying destination ports has sport set and port 0.
type commKey struct {
	client, server netip.Addr
	proto          uint8
	port, sport    uint16
}

type communication struct {
	key            commKey
	first, last    int64
	packets, bytes int64
	clean          int64
	attack         string // only ever made by this attack
	lo, hi         uint16
}

// opKey names OT operations: MACs for src and dst where there is no IP.
type opKey struct {
	src, dst, protocol, code, direction, class, status string
}

type operation struct {
	key         opKey
	clean       int64
	attacked    int64
	attack      string
	first, last int64
}

// note is one event of the plant that an observer could learn of.
type note struct {
	t    int64
	what string
	who  string
}

func (w *world) comm(client, server ip4, proto uint8, port uint16) *communication {
	return w.commOf(commKey{netip.AddrFrom4(client), netip.AddrFrom4(server), proto, port, 0})
}

func (w *world) commOf(k commKey) *communication {
	c := w.comms[k]
	if c == nil {
		c = &communication{key: k}
		w.comms[k] = c
	}
	return c
}

// op returns the counter of an operation; it grows when the frame that ends
// the operation is written.
func (w *world) op(src, dst, protocol, code, direction, class, status string) *operation {
	k := opKey{src, dst, protocol, code, direction, class, status}
	o := w.ops[k]
	if o == nil {
		o = &operation{key: k}
		w.ops[k] = o
	}
	return o
}

func (w *world) noteAt(t int64, what, who string) {
	w.noted = append(w.noted, note{t, what, who})
}

// count takes a frame that is about to be written into the truth.
func (w *world) count(f *frame) {
	label := ""
	if f.attack != nil {
		label = f.attack.ID
		f.attack.packets++
		f.attack.first = min(f.attack.first, f.t)
		f.attack.last = max(f.attack.last, f.t)
	}
	if c := f.comm; c != nil {
		if c.packets == 0 {
			c.first, c.attack = f.t, label
		}
		c.last = f.t
		c.packets++
		c.bytes += int64(len(f.b))
		if f.t < w.cut {
			c.clean++
		}
	}
	for _, o := range f.ops {
		if o.clean+o.attacked == 0 {
			o.first, o.attack = f.t, label
		}
		o.last = f.t
		if f.t < w.cut {
			o.clean++
		} else {
			o.attacked++
		}
	}
}

// The truth as JSON. Field names are part of the README.
type (
	truthFile struct {
		Generator      string            `json:"generator"`
		Seed           uint64            `json:"seed"`
		Start          time.Time         `json:"start"`
		AttackFrom     time.Time         `json:"attack_from"`
		QuietTo        time.Time         `json:"quiet_to"`
		End            time.Time         `json:"end"`
		Packets        int64             `json:"packets"`
		Bytes          int64             `json:"bytes"`
		CleanPackets   int64             `json:"clean_packets"`
		Scale          float64           `json:"cyclic_scale"`
		Router         *truthRouter      `json:"router"`
		Devices        []truthDevice     `json:"devices"`
		External       []truthDevice     `json:"external"`
		Services       []truthService    `json:"services"`
		Communications []truthComm       `json:"communications"`
		Operations     []truthOperation  `json:"operations"`
		Events         []truthEvent      `json:"events"`
		Attacks        []truthAttack     `json:"attacks"`
		NotMade        map[string]string `json:"attacks_not_made"`
	}
	truthRouter struct {
		MAC string   `json:"mac"`
		IPs []string `json:"ips"`
	}
	truthAddress struct {
		IP   string     `json:"ip"`
		From *time.Time `json:"from,omitempty"`
		To   *time.Time `json:"to,omitempty"`
	}
	truthDevice struct {
		Name     string         `json:"hostname"`
		MAC      string         `json:"mac"`
		IPs      []truthAddress `json:"ips"`
		Role     string         `json:"role"`
		Vendor   string         `json:"vendor"`
		Model    string         `json:"model"`
		OS       string         `json:"os"`
		Line     int            `json:"line"`
		Attack   string         `json:"attack"`
		FirstUse time.Time      `json:"not_before"`
		Packets  int64          `json:"packets_sent"`
		Bytes    int64          `json:"bytes_sent"`
	}
	truthService struct {
		Server string `json:"server"`
		Proto  string `json:"proto"`
		Port   uint16 `json:"port"`
		Attack string `json:"attack"`
	}
	truthComm struct {
		Client     string    `json:"client"`
		Server     string    `json:"server"`
		Proto      string    `json:"proto"`
		Port       uint16    `json:"port"`
		SourcePort uint16    `json:"source_port,omitempty"`
		PortLow    uint16    `json:"port_low,omitempty"`
		PortHigh   uint16    `json:"port_high,omitempty"`
		Packets    int64     `json:"packets"`
		Bytes      int64     `json:"bytes"`
		Clean      int64     `json:"packets_clean"`
		First      time.Time `json:"first_seen"`
		Last       time.Time `json:"last_seen"`
		Attack     string    `json:"attack"`
	}
	truthOperation struct {
		Layer     string    `json:"layer"`
		Src       string    `json:"src"`
		Dst       string    `json:"dst"`
		Protocol  string    `json:"protocol"`
		Code      string    `json:"function_code"`
		Direction string    `json:"direction"`
		Class     string    `json:"class"`
		Status    string    `json:"status"`
		Count     int64     `json:"count"`
		Clean     int64     `json:"count_clean"`
		Attacked  int64     `json:"count_attacked"`
		First     time.Time `json:"first_seen"`
		Last      time.Time `json:"last_seen"`
		Attack    string    `json:"attack"`
	}
	truthEvent struct {
		Time time.Time `json:"time"`
		What string    `json:"what"`
		Who  string    `json:"who"`
	}
	truthAttack struct {
		ID          string     `json:"id"`
		Kind        string     `json:"kind"`
		Slow        bool       `json:"slow"`
		Start       *time.Time `json:"start"`
		End         *time.Time `json:"end"`
		SrcIP       string     `json:"src_ip"`
		SrcMAC      string     `json:"src_mac"`
		DstIP       string     `json:"dst_ip"`
		DstMAC      string     `json:"dst_mac"`
		Others      []string   `json:"others,omitempty"`
		Expected    []string   `json:"expected"`
		Possible    []string   `json:"possible"`
		Technique   string     `json:"technique"`
		Description string     `json:"description"`
		Packets     int64      `json:"packets"`
	}
)

func utc(t int64) time.Time { return time.Unix(0, t/1000*1000).UTC() }

func protoName(p uint8) string {
	switch p {
	case 1:
		return "icmp"
	case 6:
		return "tcp"
	case 58:
		return "icmp6"
	}
	return "udp"
}

// sent counts what each MAC put on the wire.
type sent struct{ packets, bytes int64 }

func (w *world) truth(total, clean *pcapTotals, bySender map[mac]*sent) *truthFile {
	t := &truthFile{
		Generator: "plantgen", Seed: w.cfg.seed,
		Start: utc(w.start), AttackFrom: utc(w.cut), QuietTo: utc(w.quietTo()), End: utc(w.end),
		Packets: total.packets, Bytes: total.bytes, CleanPackets: clean.packets, Scale: w.scale,
		Devices: []truthDevice{}, External: []truthDevice{}, Services: []truthService{},
		Communications: []truthComm{}, Operations: []truthOperation{},
		Events: []truthEvent{}, Attacks: []truthAttack{}, NotMade: map[string]string{},
	}
	if w.router != nil {
		t.Router = &truthRouter{MAC: w.router.mac.String()}
		for _, a := range w.router.ips2 {
			t.Router.IPs = append(t.Router.IPs, a.String())
		}
	}
	for _, n := range w.nodes {
		d := truthDevice{
			Name: n.name, Role: n.role, Vendor: n.vendor, Model: n.model, OS: n.os,
			Line: n.line, Attack: n.attack, IPs: []truthAddress{}, FirstUse: utc(max(n.settled, w.start)),
		}
		for _, s := range n.ips {
			a := truthAddress{IP: s.ip.String()}
			if s.from > 0 {
				v := utc(s.from)
				a.From = &v
			}
			if s.to > 0 {
				v := utc(s.to)
				a.To = &v
			}
			d.IPs = append(d.IPs, a)
		}
		if n.v6.IsValid() {
			d.IPs = append(d.IPs, truthAddress{IP: n.v6.String()})
		}
		if n.remote {
			t.External = append(t.External, d)
			continue
		}
		d.MAC = n.mac.String()
		if s := bySender[n.mac]; s != nil {
			d.Packets, d.Bytes = s.packets, s.bytes
		}
		if n.attack != "" && d.Packets == 0 {
			continue // made for an attack that did not run
		}
		t.Devices = append(t.Devices, d)
	}
	type svc struct {
		a     netip.Addr
		proto uint8
		port  uint16
	}
	services := map[svc]string{}
	for _, c := range w.comms {
		if c.packets == 0 {
			continue
		}
		k := c.key
		t.Communications = append(t.Communications, truthComm{
			Client: k.client.String(), Server: k.server.String(), Proto: protoName(k.proto), Port: k.port,
			SourcePort: k.sport, PortLow: c.lo, PortHigh: c.hi,
			Packets: c.packets, Bytes: c.bytes, Clean: c.clean,
			First: utc(c.first), Last: utc(c.last), Attack: c.attack,
		})
		if k.proto == 1 || k.sport != 0 || k.proto == 58 || k.server.IsMulticast() || k.server.As4()[3] == 255 {
			continue
		}
		s := svc{k.server, k.proto, k.port}
		if old, ok := services[s]; !ok || old != "" {
			if !ok || c.attack < old {
				services[s] = c.attack
			}
		}
	}
	for s, a := range services {
		t.Services = append(t.Services, truthService{s.a.String(), protoName(s.proto), s.port, a})
	}
	slices.SortFunc(t.Services, func(a, b truthService) int {
		return strings.Compare(sortKey(a.Server, a.Proto, a.Port, 0), sortKey(b.Server, b.Proto, b.Port, 0))
	})
	slices.SortFunc(t.Communications, func(a, b truthComm) int {
		return strings.Compare(sortKey(a.Client+"|"+a.Server, a.Proto, a.Port, a.SourcePort),
			sortKey(b.Client+"|"+b.Server, b.Proto, b.Port, b.SourcePort))
	})
	for _, o := range w.ops {
		if o.clean+o.attacked == 0 {
			continue
		}
		k := o.key
		layer := "ip"
		if strings.Contains(k.src, ":") {
			layer = "ethernet"
		}
		t.Operations = append(t.Operations, truthOperation{
			layer, k.src, k.dst, k.protocol, k.code, k.direction, k.class, k.status,
			o.clean + o.attacked, o.clean, o.attacked, utc(o.first), utc(o.last), o.attack,
		})
	}
	slices.SortFunc(t.Operations, func(a, b truthOperation) int {
		f := func(o truthOperation) string {
			return strings.Join([]string{o.Protocol, o.Src, o.Dst, o.Code, o.Direction, o.Status}, "|")
		}
		return strings.Compare(f(a), f(b))
	})
	slices.SortStableFunc(w.noted, func(a, b note) int { return int(max(-1, min(1, a.t-b.t))) })
	for _, n := range w.noted {
		if n.t < w.end {
			t.Events = append(t.Events, truthEvent{utc(n.t), n.what, n.who})
		}
	}
	for _, a := range w.attacks {
		if a.packets == 0 && a.silent == 0 {
			reason := a.reason
			if reason == "" {
				reason = "the capture ends before it"
			}
			t.NotMade[a.kind.id] = reason
			continue
		}
		start, end := a.first, a.last
		if a.silent > 0 {
			start, end = a.silent, min(a.until, w.end)
		}
		x := truthAttack{
			ID: a.ID, Kind: a.kind.id, Slow: a.slow, Expected: a.kind.expected, Possible: a.kind.possible,
			Technique: a.kind.technique, Description: a.kind.description, Packets: a.packets,
		}
		s, e := utc(start), utc(end)
		x.Start, x.End = &s, &e
		x.SrcIP, x.SrcMAC, x.DstIP, x.DstMAC = a.srcIP, a.srcMAC, a.dstIP, a.dstMAC
		x.Others = a.others
		t.Attacks = append(t.Attacks, x)
	}
	return t
}

func sortKey(a, proto string, port, sport uint16) string {
	return a + "|" + proto + "|" + string(be16(port)) + string(be16(sport))
}

type pcapTotals struct{ packets, bytes int64 }

func (t *truthFile) write(w io.Writer) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", " ")
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
