// Package export writes what osect saw in forms that other programs read: Zeek's logs
// (TSV and JSON) and Elastic Common Schema as NDJSON. docs/exports.md lists every field, and
// what is left unset because osect does not keep it.
package export

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"osect/store"
)

// kind is a type of Zeek's logs ("#types").
type kind string

const (
	kindTime     kind = "time"     // s since 1970 UTC
	kindInterval kind = "interval" // s
	kindAddr     kind = "addr"
	kindPort     kind = "port"
	kindCount    kind = "count"
	kindInt      kind = "int"
	kindBool     kind = "bool"
	kindString   kind = "string"
	kindEnum     kind = "enum"
	kindSet      kind = "set[string]"
)

// field is a column of a log.
type field struct {
	name string
	kind kind
}

// zeekLog writes one log file. A value is int64 ns (time, interval), uint64 (count, port, int), string, []string
// (set), bool, or nil for unset.
type zeekLog struct {
	w      *bufio.Writer
	fields []field
	json   bool
	close  time.Time
	b      []byte
}

// newZeekLog begins a log: in TSV with the header lines of Zeek's ASCII writer. at
// stands in #open and #close: the time of the data, not of the clock, so that the same store gives
// the same bytes.
func newZeekLog(w io.Writer, path string, fields []field, asJSON bool, at time.Time) *zeekLog {
	l := &zeekLog{w: bufio.NewWriterSize(w, 64<<10), fields: fields, json: asJSON, close: at}
	if asJSON {
		return l
	}
	l.w.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t" + path + "\n#open\t" + zeekDate(at) + "\n#fields")
	for _, f := range fields {
		l.w.WriteString("\t" + f.name)
	}
	l.w.WriteString("\n#types")
	for _, f := range fields {
		l.w.WriteString("\t" + string(f.kind))
	}
	l.w.WriteString("\n")
	return l
}

func zeekDate(t time.Time) string { return t.UTC().Format("2006-01-02-15-04-05") }

// end writes the last line; an error of any write before comes here.
func (l *zeekLog) end() error {
	if !l.json {
		l.w.WriteString("#close\t" + zeekDate(l.close) + "\n")
	}
	return l.w.Flush()
}

func (l *zeekLog) row(values ...any) error {
	l.b = l.b[:0]
	if l.json {
		l.b = append(l.b, '{')
	}
	for i, f := range l.fields {
		switch {
		case !l.json:
			if i > 0 {
				l.b = append(l.b, '\t')
			}
			l.b = l.tsv(values[i])
		case values[i] != nil:
			if len(l.b) > 1 {
				l.b = append(l.b, ',')
			}
			l.b = append(strconv.AppendQuote(l.b, f.name), ':')
			l.b = l.value(values[i])
		}
	}
	if l.json {
		l.b = append(l.b, '}')
	}
	l.b = append(l.b, '\n')
	_, err := l.w.Write(l.b)
	return err
}

// seconds writes ns as seconds with six decimals, as Zeek does.
func seconds(b []byte, ns int64) []byte {
	us := ns / 1000
	if ns < 0 && ns%1000 != 0 {
		us--
	}
	if us < 0 {
		b = append(b, '-')
		us = -us
	}
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	frac := strconv.Itoa(int(us%1e6) + 1e6)
	return append(b, frac[1:]...)
}

func (l *zeekLog) tsv(v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(l.b, '-')
	case int64:
		return seconds(l.b, v)
	case uint64:
		return strconv.AppendUint(l.b, v, 10)
	case bool:
		if v {
			return append(l.b, 'T')
		}
		return append(l.b, 'F')
	case string:
		return tsvText(l.b, v, false)
	case []string:
		if len(v) == 0 {
			return append(l.b, "(empty)"...)
		}
		for i, s := range v {
			if i > 0 {
				l.b = append(l.b, ',')
			}
			l.b = tsvText(l.b, s, true)
		}
		return l.b
	}
	panic("export: no value of a log")
}

// tsvText escapes a text as Zeek's ASCII writer does: control characters, the
// separators, and bytes that are no UTF-8 as \x09; a text that would read as unset or empty by its first byte.
func tsvText(b []byte, s string, inSet bool) []byte {
	switch s {
	case "":
		return append(b, "(empty)"...)
	case "-":
		return append(b, `\x2d`...)
	case "(empty)":
		return append(b, `\x28empty)`...)
	}
	const hex = "0123456789abcdef"
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' || r == 0x7f || r == '\\' || inSet && r == ',' || i == 0 && r == '#' {
			b = append(b, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return b
}

func (l *zeekLog) value(v any) []byte {
	switch v := v.(type) {
	case int64:
		return seconds(l.b, v)
	case uint64:
		return strconv.AppendUint(l.b, v, 10)
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic("export: " + err.Error()) // texts, lists and bools always marshal
	}
	return append(l.b, b...)
}

// connFields are those of Zeek's conn.log (scripts/base/protocols/conn), then MACs and VLANs as
// its policies mac-logging and vlan-logging add them, then what osect has beyond.
var connFields = []field{
	{"ts", kindTime}, {"uid", kindString}, {"id.orig_h", kindAddr}, {"id.orig_p", kindPort}, {"id.resp_h", kindAddr}, {"id.resp_p", kindPort},
	{"proto", kindEnum}, {"service", kindString}, {"duration", kindInterval}, {"orig_bytes", kindCount}, {"resp_bytes", kindCount}, {"conn_state", kindString},
	{"local_orig", kindBool}, {"local_resp", kindBool}, {"missed_bytes", kindCount}, {"history", kindString},
	{"orig_pkts", kindCount}, {"orig_ip_bytes", kindCount}, {"resp_pkts", kindCount}, {"resp_ip_bytes", kindCount}, {"tunnel_parents", kindSet},
	{"orig_l2_addr", kindString}, {"resp_l2_addr", kindString}, {"vlan", kindInt}, {"inner_vlan", kindInt},
	{"orig_frame_bytes", kindCount}, {"resp_frame_bytes", kindCount}, {"port_name", kindString}, {"state", kindString}, {"tunnel", kindString}, {"site", kindString}, {"sensor", kindString},
}

// connStates are Zeek's conn_state of states that say as much; "reset" does not say
// which end did it, so it is unset.
var connStates = map[string]string{"attempt": "S0", "rejected": "REJ", "established": "S1", "closed": "SF", "other": "OTH"}

// Zeek writes conn.log.
type Zeek struct {
	log     *zeekLog
	local   func(address string) bool
	Written int // rows
	Left    int // connections between MACs, which conn.log has no place for
}

// NewConnLog begins conn.log on w, as TSV or JSON. at is the time of the data for
// #open and #close; local says whether an address is of the site.
func NewConnLog(w io.Writer, asJSON bool, at time.Time, local func(address string) bool) *Zeek {
	return &Zeek{log: newZeekLog(w, "conn", connFields, asJSON, at), local: local}
}

// Row writes a connection. portName is the name of the server's port, "" for none; service
// is what was recognised by content only, as Zeek has it.
func (z *Zeek) Row(f *store.Flow, portName string) error {
	if isMAC(f.ClientIP) {
		z.Left++
		return nil
	}
	z.Written++
	proto, op, rp := f.Proto, uint64(f.ClientPort), uint64(f.ServerPort)
	switch proto {
	case "tcp", "udp":
	case "icmp", "icmp6":
		proto, op, rp = "icmp", uint64(f.ICMPType), uint64(f.ICMPCode)
	default:
		proto = "unknown_transport"
	}
	var state, via any
	if s := connStates[f.State]; s != "" {
		state = s
	}
	switch {
	case proto == "icmp" || proto == "unknown_transport":
		state = "OTH" // as Zeek has it for what has no handshake
	case proto == "udp" && f.PacketsOut > 0 && f.PacketsIn > 0:
		state = "SF"
	case proto == "udp" && f.PacketsIn > 0:
		state = "SHR" // only the server was seen to send
	case proto == "udp":
		state = "S0"
	}
	if f.Tunnel != "" {
		via = f.Tunnel
	}
	return z.log.row(int64(f.FirstSeen), UID(f), f.ClientIP, op, f.ServerIP, rp, proto, unset(f.Service), int64(f.LastSeen-f.FirstSeen), nil, nil, state,
		z.local(f.ClientIP), z.local(f.ServerIP), nil, nil, f.PacketsOut, nil, f.PacketsIn, nil, nil,
		unset(f.ClientMAC), unset(f.ServerMAC), tag(f.VLAN), tag(f.InnerVLAN), f.BytesOut, f.BytesIn, unset(portName), f.State, via, f.Site, strings.Join(f.Sensors, " "))
}

// End writes the last line.
func (z *Zeek) End() error { return z.log.end() }

func unset(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func tag(v *uint16) any {
	if v == nil {
		return nil
	}
	return uint64(*v)
}

// UID names a connection as Zeek does: C and base 62. It derives from the connection's first
// frame's time, ends and sensor, so that the same store gives the same names, and another
// export of the same connection too.
func UID(f *store.Flow) string {
	h := sha256.New()
	io.WriteString(h, strings.Join([]string{f.Site, strings.Join(f.Sensors, " "), f.Proto, f.ClientIP, f.ServerIP, f.Tunnel, f.ClientMAC, f.ServerMAC}, "\x00"))
	var b [20]byte
	binary.BigEndian.PutUint64(b[:], uint64(f.FirstSeen))
	binary.BigEndian.PutUint16(b[8:], f.ClientPort)
	binary.BigEndian.PutUint16(b[10:], f.ServerPort)
	b[12], b[13] = f.ICMPType, f.ICMPCode
	for i, v := range []*uint16{f.VLAN, f.InnerVLAN} {
		n := uint16(0xffff)
		if v != nil {
			n = *v
		}
		binary.BigEndian.PutUint16(b[14+2*i:], n)
	}
	h.Write(b[:])
	s := new(big.Int).SetBytes(h.Sum(nil)[:13]).Text(62)
	return "C" + strings.Repeat("0", max(17-len(s), 0)) + s[:min(len(s), 17)]
}

var (
	hostFields    = []field{{"ts", kindTime}, {"host", kindAddr}}
	deviceFields  = []field{{"ts", kindTime}, {"mac", kindString}, {"dhcp_host_name", kindString}}
	serviceFields = []field{{"ts", kindTime}, {"host", kindAddr}, {"port_num", kindPort}, {"port_proto", kindEnum}, {"service", kindSet}}
)

// Host is a row of known_hosts.log: an address that sent, and when it was first seen (ns).
type Host struct {
	First   int64
	Address string
}

// WriteKnownHosts writes known_hosts.log.
func WriteKnownHosts(w io.Writer, asJSON bool, at time.Time, rows []Host) error {
	l := newZeekLog(w, "known_hosts", hostFields, asJSON, at)
	for _, r := range rows {
		if err := l.row(r.First, r.Address); err != nil {
			return err
		}
	}
	return l.end()
}

// Known is a row of known_devices.log: a MAC, when it was first seen (ns), and its host name.
type Known struct {
	First int64
	MAC   string
	Name  string
}

// WriteKnownDevices writes known_devices.log. Its dhcp_host_name holds the host name that
// is trusted most, whatever said it.
func WriteKnownDevices(w io.Writer, asJSON bool, at time.Time, rows []Known) error {
	l := newZeekLog(w, "known_devices", deviceFields, asJSON, at)
	for _, r := range rows {
		if err := l.row(r.First, r.MAC, unset(r.Name)); err != nil {
			return err
		}
	}
	return l.end()
}

// KnownService is a row of known_services.log: a port that answered, and what runs there.
type KnownService struct {
	First   int64
	Address string
	Port    uint16
	Proto   string // tcp or udp
	Names   []string
}

// WriteKnownServices writes known_services.log.
func WriteKnownServices(w io.Writer, asJSON bool, at time.Time, rows []KnownService) error {
	l := newZeekLog(w, "known_services", serviceFields, asJSON, at)
	for _, r := range rows {
		if err := l.row(r.First, r.Address, uint64(r.Port), r.Proto, r.Names); err != nil {
			return err
		}
	}
	return l.end()
}
