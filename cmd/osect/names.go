package main

import (
	"fmt"
	"strconv"
	"strings"

	"osect/decode"
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

// services are the usual services of plant and office by port: the IANA
// registry "Service Name and Transport Protocol Port Number", under the names that
// the field uses where they are others (smb for microsoft-ds, rdp for ms-wbt-server).
var tcpServices = map[uint16]string{
	20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 88: "kerberos", 102: "iso-tsap", 110: "pop3",
	111: "sunrpc", 135: "msrpc", 139: "netbios-ssn", 143: "imap", 389: "ldap", 443: "https", 445: "smb", 464: "kpasswd", 465: "smtps",
	502: "modbus", 515: "lpd", 554: "rtsp", 587: "submission", 593: "msrpc-http", 631: "ipp", 636: "ldaps", 873: "rsync", 990: "ftps", 993: "imaps",
	995: "pop3s", 1433: "ms-sql", 1521: "oracle", 1723: "pptp", 1883: "mqtt", 2049: "nfs", 2404: "iec-104", 3128: "squid-http", 3268: "ldap-gc",
	3306: "mysql", 3389: "rdp", 4840: "opc-ua", 5060: "sip", 5432: "postgresql", 5900: "vnc", 5985: "winrm", 5986: "winrm-https",
	8080: "http-alt", 8443: "https-alt", 8883: "mqtts", 9100: "jetdirect", 20000: "dnp3", 34980: "ethercat", 44818: "ethernet-ip",
}

var udpServices = map[uint16]string{
	53: "dns", 67: "dhcp", 68: "dhcp", 69: "tftp", 88: "kerberos", 111: "sunrpc", 123: "ntp", 137: "netbios-ns", 138: "netbios-dgm", 161: "snmp",
	162: "snmptrap", 319: "ptp", 320: "ptp", 389: "ldap", 443: "quic", 500: "ike", 514: "syslog", 520: "rip", 546: "dhcpv6", 547: "dhcpv6",
	1434: "ms-sql-m", 1812: "radius", 1813: "radius-acct", 1900: "ssdp", 2222: "ethernet-ip-io", 3671: "knxnet-ip", 3702: "ws-discovery", 4500: "ike-nat",
	5060: "sip", 5094: "hart-ip", 5353: "mdns", 5355: "llmnr", 20000: "dnp3", 34964: "profinet", 34980: "ethercat", 44818: "ethernet-ip", 47808: "bacnet",
}

// ipProtocols are IP protocols without ports (IANA "Assigned Internet Protocol Numbers").
var ipProtocols = map[string]string{
	"2": "igmp", "4": "ipip", "41": "ipv6", "46": "rsvp", "47": "gre", "50": "esp", "51": "ah", "88": "eigrp", "89": "ospf", "103": "pim",
	"112": "vrrp", "132": "sctp",
}

// portName is the usual name of a service, "" for none.
func portName(proto string, port uint16) string {
	switch proto {
	case "tcp":
		return tcpServices[port]
	case "udp":
		return udpServices[port]
	}
	return ""
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

// serviceText writes "tcp/502 modbus-tcp", "tcp/445 smb", "icmp echo" or "CC-Link IE".
// The port of ICMP is type<<8|code, that of proto "ethernet" the EtherType.
func serviceText(proto string, port uint16, service string) string {
	switch proto {
	case "ethernet":
		if service == "" {
			return etherName(port)
		}
		return service
	case "icmp", "icmp6":
		return icmpName(proto, uint8(port>>8), uint8(port))
	}
	s := transportName(proto)
	if port != 0 {
		s += "/" + strconv.Itoa(int(port))
	}
	if service == "" {
		service = portName(proto, port)
	}
	if service != "" {
		s += " " + service
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
