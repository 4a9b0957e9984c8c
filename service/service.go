// Package service names TCP and UDP services by port: Y1-5.
//
// A name comes from the first of three that has one: the user's own list, the
// words that the field uses (smb for port 445, where the registry says
// microsoft-ds), and the IANA registry "Service Name and Transport Protocol
// Port Number" (RFC 6335). A name says what a port is registered for, not what was
// seen on it: where the content was recognised, that is what listings print.
package service

import (
	"bytes"
	"cmp"
	"compress/gzip"
	_ "embed" // for the registry
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
)

// Origin says where a name comes from.
type Origin string

// The origins, the one that wins first.
const (
	Own   Origin = "own"   // the user's list
	Field Origin = "field" // the usual words of plant and office
	IANA  Origin = "iana"  // the registry
)

// Entry is one name. Proto is "tcp" or "udp", Port 1 to 65535 (0 is reserved and names nothing).
type Entry struct {
	Proto       string
	Port        uint16
	Name        string
	Description string
}

// Bounds of what is read from files.
const (
	maxName        = 64 // RFC 6335 allows 15; the registry and people have longer ones
	maxDescription = 256
	maxEntries     = 2 * 65536
	maxTable       = 32 << 20
)

// Check says what is wrong with an entry, nil for nothing.
func (e *Entry) Check() error {
	switch {
	case e.Proto != "tcp" && e.Proto != "udp":
		return fmt.Errorf("protocol %q: want tcp or udp", e.Proto)
	case e.Port == 0:
		return errors.New("port 0: want 1 to 65535")
	case strings.TrimSpace(e.Name) == "":
		return fmt.Errorf("%d/%s without a name", e.Port, e.Proto)
	case len(e.Name) > maxName:
		return fmt.Errorf("%d/%s: the name is longer than %d bytes", e.Port, e.Proto, maxName)
	case strings.ContainsFunc(e.Name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%d/%s: the name has characters that are not printable", e.Port, e.Proto)
	}
	return nil
}

type key struct {
	proto string
	port  uint16
}

// Names are the names in force. The zero value and nil have the built-in ones only.
type Names struct {
	own  map[key]Entry
	iana map[key]Entry // nil: the built-in registry
}

// New makes names of the user's own, which win, and of a registry that the user
// brought (nil: the built-in one). Of two entries of one port the later counts.
func New(own, registry []Entry) *Names {
	n := &Names{own: index(own)}
	if registry != nil {
		n.iana = index(registry)
	}
	return n
}

func index(list []Entry) map[key]Entry {
	m := make(map[key]Entry, len(list))
	for _, e := range list {
		m[key{e.Proto, e.Port}] = e
	}
	return m
}

// Name of a port, "" for none.
func (n *Names) Name(proto string, port uint16) string {
	e, _ := n.find(proto, port)
	return e.Name
}

func (n *Names) find(proto string, port uint16) (Entry, Origin) {
	k := key{proto, port}
	if n != nil {
		if e, ok := n.own[k]; ok {
			return e, Own
		}
	}
	iana := n.registry()[k]
	if name := field[proto][port]; name != "" {
		return Entry{Proto: proto, Port: port, Name: name, Description: iana.Description}, Field
	}
	return iana, IANA
}

func (n *Names) registry() map[key]Entry {
	if n != nil && n.iana != nil {
		return n.iana
	}
	return builtIn()
}

// Named is an entry with its origin.
type Named struct {
	Entry
	Origin Origin
}

// All names in force, by port, tcp before udp.
func (n *Names) All() []Named {
	keys := map[key]bool{}
	for k := range n.registry() {
		keys[k] = true
	}
	for proto, ports := range field {
		for port := range ports {
			keys[key{proto, port}] = true
		}
	}
	if n != nil {
		for k := range n.own {
			keys[k] = true
		}
	}
	list := make([]Named, 0, len(keys))
	for k := range keys {
		e, origin := n.find(k.proto, k.port)
		list = append(list, Named{e, origin})
	}
	slices.SortFunc(list, func(a, b Named) int { return Compare(a.Entry, b.Entry) })
	return list
}

// Compare orders entries by port, tcp before udp.
func Compare(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Proto, b.Proto))
}

// The registry as servicegen writes it: see Pack.
//
//go:embed iana.dat
var packed []byte

// Source says which registry is built in: package, version, date, how many rows.
func Source() string {
	line, _, _ := bytes.Cut(packed, []byte("\n"))
	return strings.TrimPrefix(string(line), "# ")
}

// builtIn unpacks the registry at the first use (about 10 ms).
var builtIn = sync.OnceValue(func() map[key]Entry {
	_, list, err := Unpack(packed)
	if err != nil {
		panic("service/iana.dat: " + err.Error()) // part of the program: a fault in it is a programmer's
	}
	return index(list)
})

// Pack writes a registry: one line "# SOURCE", then gzip of lines "port TAB
// protocol TAB name TAB description", sorted. The same entries give the same bytes.
func Pack(source string, list []Entry) ([]byte, error) {
	list = slices.Clone(list)
	slices.SortStableFunc(list, Compare)
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n", oneLine(source))
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	for _, e := range list {
		if _, err := fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", e.Port, e.Proto, oneLine(e.Name), oneLine(e.Description)); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// oneLine makes a text fit for a line of fields separated by tabs.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// Unpack reads what Pack wrote.
func Unpack(data []byte) (source string, list []Entry, err error) {
	head, rest, ok := bytes.Cut(data, []byte("\n"))
	source, is := strings.CutPrefix(string(head), "# ")
	if !ok || !is {
		return "", nil, errors.New("no table of services: its first line does not begin with #")
	}
	z, err := gzip.NewReader(bytes.NewReader(rest))
	if err != nil {
		return "", nil, err
	}
	text, err := io.ReadAll(io.LimitReader(z, maxTable+1))
	if err != nil {
		return "", nil, err
	}
	if len(text) > maxTable {
		return "", nil, errors.New("over 32 MiB: this is no table of services")
	}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 4 {
			return "", nil, fmt.Errorf("a line with %d fields, want 4", len(f))
		}
		port, err := strconv.ParseUint(f[0], 10, 16)
		if err != nil {
			return "", nil, err
		}
		e := Entry{Proto: f[1], Port: uint16(port), Name: f[2], Description: f[3]}
		if err := e.Check(); err != nil {
			return "", nil, err
		}
		if len(list) == maxEntries {
			return "", nil, fmt.Errorf("over %d entries", maxEntries)
		}
		list = append(list, e)
	}
	return source, list, nil
}

// field are the usual words of plant and office for services whose registered name is
// another or none: the field says smb, not microsoft-ds.
var field = map[string]map[uint16]string{
	"tcp": {
		20: "ftp-data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 80: "http", 88: "kerberos", 102: "iso-tsap", 110: "pop3",
		111: "sunrpc", 135: "msrpc", 139: "netbios-ssn", 143: "imap", 389: "ldap", 443: "https", 445: "smb", 464: "kpasswd", 465: "smtps",
		502: "modbus", 515: "lpd", 554: "rtsp", 587: "submission", 593: "msrpc-http", 631: "ipp", 636: "ldaps", 873: "rsync", 990: "ftps", 993: "imaps",
		995: "pop3s", 1433: "ms-sql", 1521: "oracle", 1723: "pptp", 1883: "mqtt", 2049: "nfs", 2404: "iec-104", 3128: "squid-http", 3268: "ldap-gc",
		3306: "mysql", 3389: "rdp", 4840: "opc-ua", 5060: "sip", 5432: "postgresql", 5900: "vnc", 5985: "winrm", 5986: "winrm-https",
		8080: "http-alt", 8443: "https-alt", 8883: "mqtts", 9100: "jetdirect", 5007: "melsoft", 9600: "fins", 18245: "ge-srtp", 20000: "dnp3", 34980: "ethercat",
		44818: "ethernet-ip", 48898: "ads",
	},
	"udp": {
		53: "dns", 67: "dhcp", 68: "dhcp", 69: "tftp", 88: "kerberos", 111: "sunrpc", 123: "ntp", 137: "netbios-ns", 138: "netbios-dgm", 161: "snmp",
		162: "snmptrap", 319: "ptp", 320: "ptp", 389: "ldap", 443: "quic", 500: "ike", 514: "syslog", 520: "rip", 546: "dhcpv6", 547: "dhcpv6",
		1434: "ms-sql-m", 1812: "radius", 1813: "radius-acct", 1900: "ssdp", 2222: "ethernet-ip-io", 3671: "knxnet-ip", 3702: "ws-discovery", 4500: "ike-nat",
		5060: "sip", 5094: "hart-ip", 5353: "mdns", 5355: "llmnr", 5006: "melsoft", 9600: "fins", 20000: "dnp3", 34964: "profinet",
		34980: "ethercat", 44818: "ethernet-ip", 47808: "bacnet", 48899: "ads", 55000: "fl-net", 55001: "fl-net", 55002: "fl-net", 61450: "cc-link-ief-basic",
	},
}
