package main

import (
	"fmt"
	"strconv"
	"strings"

	"osect/decode"
	"osect/service"
)

// Names of numbers for tables. JSON and CSV have the numbers.

// icmpTypes and icmp6Types are the usual types of the IANA registries "ICMP
// Parameters" and "ICMPv6 Parameters".
var (
	icmpTypes = map[uint8]string{
		0: "echo reply", 3: "unreachable", 4: "source quench", 5: "redirect", 8: "echo", 9: "router advertisement", 10: "router solicitation",
		11: "time exceeded", 12: "parameter problem", 13: "timestamp", 14: "timestamp reply", 17: "address mask", 18: "address mask reply",
	}
	icmp6Types = map[uint8]string{
		1: "unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem", 128: "echo", 129: "echo reply",
		130: "MLD query", 131: "MLD report", 132: "MLD done", 133: "router solicitation", 134: "router advertisement",
		135: "neighbor solicitation", 136: "neighbor advertisement", 137: "redirect", 143: "MLDv2 report",
	}
	// unreachables are the codes of type 3 (RFC 792, RFC 1812), unreachables6 those of type 1 (RFC 4443).
	unreachables  = map[uint8]string{0: "net", 1: "host", 2: "protocol", 3: "port", 4: "too big", 9: "net prohibited", 10: "host prohibited", 13: "prohibited"}
	unreachables6 = map[uint8]string{0: "no route", 1: "prohibited", 3: "address", 4: "port", 5: "source address", 6: "rejected"}
)

// icmpName writes "icmp echo", "icmp unreachable (port)", or "icmp 42/1" where there is no name.
func icmpName(proto string, typ, code uint8) string {
	types, codes, unreachable := icmpTypes, unreachables, uint8(3)
	if proto == "icmp6" {
		types, codes, unreachable = icmp6Types, unreachables6, 1
	}
	name := types[typ]
	switch {
	case name == "":
		return fmt.Sprintf("%s %d/%d", proto, typ, code)
	case typ == unreachable && codes[code] != "":
		name += " (" + codes[code] + ")"
	case code != 0:
		name += " (" + strconv.Itoa(int(code)) + ")"
	}
	return proto + " " + name
}

// etherTypes are what runs below or beside IP: the IEEE registry "EtherType",
// under the names that the field uses.
var etherTypes = map[uint16]string{
	0x0806: "ARP", 0x0842: "Wake-on-LAN", 0x8035: "RARP", 0x8809: "LACP/slow", 0x8863: "PPPoE", 0x8864: "PPPoE", 0x887b: "HomePlug",
	0x888e: "802.1X", 0x8892: "PROFINET", 0x88a4: "EtherCAT", 0x88ab: "POWERLINK", 0x88b8: "GOOSE", 0x88b9: "GSE", 0x88ba: "Sampled Values",
	0x88cc: "LLDP", 0x88cd: "SERCOS III", 0x88e1: "HomePlug", 0x88e3: "MRP", 0x88e5: "MACsec", 0x88f7: "PTP", 0x88fb: "PRP", 0x8902: "CFM",
	0x890f: "CC-Link IE", 0x892f: "HSR", 0x9000: "loop test",
}

// etherName is the name of an EtherType, else 0x and four digits; "LLC" for frames without one.
func etherName(t uint16) string {
	if t == 0 {
		return "LLC"
	}
	if name := etherTypes[t]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%04x", t)
}

// ipProtocols are IP protocols without ports (IANA "Assigned Internet Protocol Numbers").
var ipProtocols = map[string]string{
	"2": "igmp", "4": "ipip", "41": "ipv6", "46": "rsvp", "47": "gre", "50": "esp", "51": "ah", "88": "eigrp", "89": "ospf", "103": "pim",
	"112": "vrrp", "132": "sctp",
}

// transportName is "tcp", or the name of an IP protocol that listings write as a number.
func transportName(proto string) string {
	if name := ipProtocols[proto]; name != "" {
		return name
	}
	if proto != "" && strings.Trim(proto, "0123456789") == "" {
		return "IP protocol " + proto
	}
	return proto
}

// serviceText writes "tcp/502 modbus-tcp", "tcp/445 smb", "icmp echo" or "CC-Link IE", with the
// names of the store that was opened. The port of ICMP is type<<8|code, that of proto "ethernet"
// the EtherType.
func (a *app) serviceText(proto string, port uint16, recognised string) string {
	return nameService(a.names, proto, port, recognised)
}

func nameService(names *service.Names, proto string, port uint16, recognised string) string {
	switch proto {
	case "ethernet":
		if recognised == "" {
			return etherName(port)
		}
		return recognised
	case "icmp", "icmp6":
		return icmpName(proto, uint8(port>>8), uint8(port))
	}
	s := transportName(proto)
	if port != 0 {
		s += "/" + strconv.Itoa(int(port))
	}
	if recognised == "" {
		recognised = names.Name(proto, port)
	}
	if recognised != "" {
		s += " " + recognised
	}
	return s
}

// protoName is the transport as listings print it; "ethernet" between MACs,
// where the port is the EtherType.
func protoName(proto uint8, end decode.Addr) string {
	switch {
	case end.IsMAC():
		return "ethernet"
	case proto == decode.ProtoTCP:
		return "tcp"
	case proto == decode.ProtoUDP:
		return "udp"
	case proto == decode.ProtoICMP:
		return "icmp"
	case proto == decode.ProtoICMP6:
		return "icmp6"
	}
	return strconv.Itoa(int(proto))
}

// legalForms end a company's name and tell nothing of it.
var legalForms = map[string]bool{
	"inc": true, "incorporated": true, "corp": true, "corporation": true, "co": true, "company": true, "ltd": true, "limited": true, "llc": true,
	"gmbh": true, "ag": true, "kg": true, "kgaa": true, "se": true, "sa": true, "s.a": true, "sas": true, "s.a.s": true, "bv": true, "b.v": true, "nv": true, "n.v": true,
	"ab": true, "oy": true, "as": true, "a/s": true, "spa": true, "s.p.a": true, "srl": true, "s.r.l": true, "plc": true, "pte": true, "pty": true, "k.k": true, "&": true,
}

// shortVendor is a vendor's name without the legal forms at its end; "Unknown Co." stays a name.
func shortVendor(s string) string {
	words := strings.Fields(strings.ReplaceAll(s, ",", ", "))
	n := len(words)
	for n > 1 && legalForms[strings.ToLower(strings.Trim(words[n-1], ".,"))] {
		n--
	}
	return strings.TrimRight(strings.Join(words[:n], " "), ",")
}
