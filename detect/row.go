package detect

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"osect/decode"
)

// Items of Row.Item.
const (
	ItemMAC     = "mac"     // Src: a MAC that belongs here
	ItemIP      = "ip"      // Src: an address that belongs here
	ItemBinding = "binding" // Src the MAC, Dst the address that it uses
	ItemRouter  = "router"  // Src: a MAC that carries other devices' packets
	ItemDHCP    = "dhcp"    // Src: a MAC that asks a DHCP server for its addresses
	ItemPort    = "dport"   // communications: Lo to Hi are the server's ports
	ItemAny     = "any"     // communications of protocols without ports
	fixedPrefix = "sport:"  // communications: followed by the client's fixed port
	respPrefix  = "resp:"   // OT: an answer whose request is never seen, followed by its code
)

// Origins of a row.
const (
	Learned = "learned"
	Hand    = "hand"
)

// Any stands for every address, protocol or code in a row that a hand made;
// Internet for all public addresses together.
const (
	Any      = "*"
	Internet = "internet"
)

// The two as ends: values in the part of ::/8 that decode keeps free of frames.
var (
	anyEnd      = decode.Addr{Hi: 0x00ff_6f73_6563_0000, Lo: 1}
	internetEnd = decode.Addr{Hi: 0x00ff_6f73_6563_0000, Lo: 2}
)

func endText(a decode.Addr) string {
	switch a {
	case anyEnd:
		return Any
	case internetEnd:
		return Internet
	}
	return a.String()
}

func parseEnd(s string) (decode.Addr, error) {
	switch s {
	case Any:
		return anyEnd, nil
	case Internet:
		return internetEnd, nil
	}
	return decode.ParseAddr(s)
}

// pattern is one end of a row made by hand: an end, any, or a prefix.
type pattern struct {
	end    decode.Addr
	prefix netip.Prefix // used where valid
}

func parsePattern(s string) (pattern, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return pattern{prefix: p.Masked()}, nil
	}
	a, err := parseEnd(s)
	if err != nil {
		return pattern{}, fmt.Errorf("%q is no address, MAC, prefix, %q or %q", s, Internet, Any)
	}
	return pattern{end: a}, nil
}

// exact says whether p names one end only.
func (p pattern) exact() bool { return !p.prefix.IsValid() && p.end != anyEnd }

func (p pattern) match(a decode.Addr) bool {
	if p.prefix.IsValid() {
		return !a.IsMAC() && a != internetEnd && p.prefix.Contains(a.Netip())
	}
	return p.end == anyEnd || p.end == a
}

// transport is an IP protocol number and the tunnel that carries it.
type transport struct {
	proto  uint8
	tunnel decode.Tunnel
}

// Transport is how Row.Proto writes an IP protocol and the tunnel that carries
// it: "tcp", "icmp", "47", "gre/udp".
func Transport(proto uint8, tunnel decode.Tunnel) string {
	var s string
	switch proto {
	case decode.ProtoTCP:
		s = "tcp"
	case decode.ProtoUDP:
		s = "udp"
	case decode.ProtoICMP:
		s = "icmp"
	case decode.ProtoICMP6:
		s = "icmp6"
	default:
		s = strconv.Itoa(int(proto))
	}
	if tunnel != decode.NoTunnel {
		return tunnel.String() + "/" + s
	}
	return s
}

func parseTransport(s string) (transport, error) {
	var t transport
	before, name, found := strings.Cut(s, "/")
	if !found {
		name = s
	} else if t.tunnel = parseTunnel(before); t.tunnel == decode.NoTunnel {
		return t, fmt.Errorf("%q is no tunnel that is looked into", before)
	}
	switch name {
	case "tcp":
		t.proto = decode.ProtoTCP
	case "udp":
		t.proto = decode.ProtoUDP
	case "icmp":
		t.proto = decode.ProtoICMP
	case "icmp6":
		t.proto = decode.ProtoICMP6
	default:
		n, err := strconv.ParseUint(name, 10, 8)
		if err != nil {
			return t, fmt.Errorf("%q is no protocol: want tcp, udp, icmp, icmp6 or a number up to 255", name)
		}
		t.proto = uint8(n)
	}
	return t, nil
}

func parseTunnel(s string) decode.Tunnel {
	for _, t := range []decode.Tunnel{decode.GRE, decode.VXLAN, decode.IPIP} {
		if t.String() == s {
			return t
		}
	}
	return decode.NoTunnel
}

// Check says what is wrong with a row that is to be added by hand, nil if
// nothing. List, Src and what the list needs of the rest must be there.
func (r *Row) Check() error {
	var err error
	switch r.List {
	case ConnectedDevice:
		_, err = parseDevice(r)
	case IPCommunication:
		_, err = parseCommunication(r)
	case OTIP, OTEthernet:
		_, err = parseFunction(r)
	case BuiltIn:
		_, err = parseBuiltin(r)
	case IPVolume:
		_, _, err = parseVolume(r)
	case IPStatistics:
		_, _, err = parseStatistics(r)
	default:
		return fmt.Errorf("list %q has no rows", r.List)
	}
	if err != nil {
		return fmt.Errorf("list %s: %w", r.List, err)
	}
	return nil
}

// Normalize writes the ends of a row as learned rows have them, so that one thing is one row however it was typed:
// MACs in lower case with colons, prefixes without the bits behind them. What is no end stays for Check to refuse.
func (r *Row) Normalize() {
	for _, end := range []*string{&r.Src, &r.Dst} {
		if m, err := decode.ParseMAC(strings.ReplaceAll(*end, "-", ":")); err == nil {
			*end = m.String()
		} else if p, err := parsePattern(*end); err == nil && p.prefix.IsValid() {
			*end = p.prefix.String()
		} else if err == nil {
			*end = endText(p.end)
		}
	}
}

// entry is a learned row in memory.
type entry struct {
	Row
	stamp uint64 // Engine.stamp of the minute that last taught it
	isNew bool   // first taught by that minute
}

// teach counts minute v as one that taught the entry and says whether that is
// a change to be saved. Rows made by hand are never changed.
func (r *entry) teach(v *view) bool {
	if r.Origin == Hand || r.stamp == v.stamp {
		return false
	}
	r.stamp, r.isNew = v.stamp, r.Count == 0
	start := v.m.Start
	if r.isNew || start < r.First {
		r.First = start
	}
	r.Last = max(r.Last, start)
	// A late part belongs to a minute that was counted already.
	if !v.m.Late || r.isNew {
		r.Count++
	}
	return true
}

// change is what there is to be saved of the entry.
func (r *entry) change() Change { return Change{Row: r.Row, of: &r.Row} }

func compareRows(a, b *Row) int {
	if c := strings.Compare(a.Src, b.Src); c != 0 {
		return c
	}
	if c := strings.Compare(a.Dst, b.Dst); c != 0 {
		return c
	}
	if c := strings.Compare(a.Proto, b.Proto); c != 0 {
		return c
	}
	if c := strings.Compare(a.Item, b.Item); c != 0 {
		return c
	}
	return int(a.Lo) - int(b.Lo)
}
