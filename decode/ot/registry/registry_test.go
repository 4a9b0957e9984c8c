package registry

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// foreign are the names that another dissector (the expected files'
// protocol_frames) has for a protocol; one without a line is not named by it.
var foreign = map[string][]string{
	"modbus-tcp":         {"modbus"},
	"omron-fins":         {"omron"},
	"s7comm":             {"s7comm"},
	"dnp3":               {"dnp3"},
	"iec-104":            {"iec60870_104", "iec60870_asdu"},
	"ethernet-ip-cip":    {"enip", "cip"},
	"bacnet-ip":          {"bvlc", "bacnet", "bacapp"},
	"iec61850":           {"mms", "goose", "sv", "pres"},
	"opc-ua":             {"opcua"},
	"profinet":           {"pn_dcp", "pn_rt", "pn_io"},
	"ethercat":           {"ecat", "ecatf"},
	"ethernet-powerlink": {"epl"},
	"hart-ip":            {"hart_ip"},
	"ads-ams":            {"ams"},
	"synchrophasor":      {"synphasor"},
	"mqtt":               {"mqtt"},
	"knxnet-ip":          {"knxip", "kip"},
	"ptp":                {"ptp"},
	"lonworks-ip":        {"cnip"},
}

// theirs says whether the expected file has a protocol by its foreign name, and
// whether it has such a name at all.
func theirs(frames map[string]int, name string) (there, named bool) {
	for _, f := range foreign[name] {
		there = there || frames[f] > 0
	}
	return there, len(foreign[name]) > 0
}

// office are the topics in which no control protocol is spoken but where the
// expected file says so.
var office = map[string]bool{"arp": true, "attack": true, "dhcp": true, "discovery": true, "fuzz": true,
	"link-types": true, "mixed": true, "netbios": true, "os-fingerprint": true, "scan": true, "tunnel-vlan": true}

// expectation is what is used of an expected file.
type expectation struct {
	ProtocolFrames map[string]int `json:"protocol_frames"`
	Functions      []struct {
		Protocol, Src, Dst, Function string
		Count                        int
	} `json:"functions"`
}

func readExpected(t *testing.T, root, rel string) (e expectation, ok bool) {
	b, err := os.ReadFile(filepath.Join(root, "expected", rel+".json"))
	if err != nil {
		return e, false
	}
	if err := json.Unmarshal(b, &e); err != nil {
		t.Fatalf("%s: %v", rel, err)
	}
	return e, true
}

// TestNothingInvented runs the decoders of this registry over all captures: in
// the office topics nothing may be told but what the expected file names.
func TestNothingInvented(t *testing.T) {
	root := ottest.Shared(t)
	captures := ottest.Captures(t)
	for _, path := range captures {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		expected, ok := readExpected(t, root, rel)
		if !ok {
			continue
		}
		r := ottest.Replay(t, path, Protocols...)
		told := map[string]int{}
		for row, n := range r.Rows {
			told[row.Protocol] += n
		}
		for name, n := range told {
			there, _ := theirs(expected.ProtocolFrames, name)
			switch {
			case there:
			case office[topic]:
				t.Errorf("%s: %d messages of %s: %v", rel, n, name, r.Recognised)
			default:
				t.Logf("%s: %d messages of %s", rel, n, name)
			}
		}
	}
	t.Logf("%d captures", len(captures))
}

// TestCountsEqualExpected holds Modbus and FINS against another dissector's
// counts by source, destination and function.
func TestCountsEqualExpected(t *testing.T) {
	root := ottest.Shared(t)
	for _, path := range ottest.Captures(t, "modbus", "fins") {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(rel), func(t *testing.T) {
			expected, ok := readExpected(t, root, rel)
			if !ok {
				t.Skip("absent: expected file")
			}
			want, got := map[string]int{}, map[string]int{}
			for _, f := range expected.Functions {
				fields := map[string]int{}
				for _, field := range strings.Split(f.Function, ",") {
					name, value, _ := strings.Cut(field, "=")
					fields[name], _ = strconv.Atoi(value)
				}
				add := func(name, format string) {
					if v, ok := fields[name]; ok {
						want[fmt.Sprintf("%s %s "+format, f.Src, f.Dst, v)] += f.Count
					}
				}
				switch f.Protocol {
				case "modbus":
					add("modbus.func_code", "%02x")
					add("modbus.exception_code", "status:%02x")
				case "omron":
					add("omron.command", "%04x")
					if fields["omron.tcp.command"] != 2 {
						add("omron.tcp.command", "tcp:%d")
					}
				}
			}
			for row, n := range ottest.Replay(t, path, Protocols...).Rows {
				if row.Protocol != "modbus-tcp" && row.Protocol != "omron-fins" {
					continue
				}
				got[row.Src+" "+row.Dst+" "+row.Code] += n
				if row.Protocol == "modbus-tcp" && row.Direction == "error" {
					got[row.Src+" "+row.Dst+" status:"+row.Status] += n
				}
			}
			for k := range got {
				want[k] += 0
			}
			for k, n := range want {
				if got[k] != n && !excused[rel+" "+k] {
					t.Errorf("%s: want %d, got %d", k, n, got[k])
				}
			}
		})
	}
}

// excused are counts that the other dissector has wrong, for segments behind
// reordered or partly old ones (oracle-exceptions.tsv names them too).
var excused = map[string]bool{
	"modbus/ics-modbustcp-mb2.pcap 141.81.0.10 141.81.0.86 04": true,
	"modbus/ics-modbustcp-mb2.pcap 141.81.0.86 141.81.0.10 04": true,
	"modbus/ics-modbustcp-mb2.pcap 141.81.0.24 141.81.0.10 02": true,
	"modbus/ics-modbustcp-mb2.pcap 141.81.0.24 141.81.0.10 04": true,
}

// strict are the protocols that TestProbesAreStrict holds, and the topics that
// are theirs.
var strict = map[string]string{
	"cc-link-ie-field-basic": "cclink", "cc-link-ie-tsn": "cclink", "omron-fins": "fins",
	"modbus-tcp": "modbus", "slmp-melsec": "cclink", // Field Basic has the bytes of 3E frames
}

// TestProbesAreStrict gives each payload of all captures, not only the first
// ones, to the probes of each strict protocol, as if its port were and were not
// among the protocol's, and to the probes of the other transport: none may be
// taken where others speak.
func TestProbesAreStrict(t *testing.T) {
	root := ottest.Shared(t)
	for _, path := range ottest.Captures(t) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		yes := map[string]int{}
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) { // captures that cannot be read give none
			for _, proto := range Protocols {
				if home, ok := strict[proto.Name]; !ok || home == topic {
					continue
				}
				for _, port := range []bool{false, true} {
					h := h
					h.Port = port
					// On its own port Modbus is believed with any content that has its lengths.
					anything := port && proto.Name == "modbus-tcp"
					if f := proto.ProbeDatagram; f != nil && !(port && tcp) && !anything && f(p, h) == ot.Yes {
						yes[fmt.Sprintf("%s datagram, port %v: %d %d %x", proto.Name, port, h.SrcPort, h.DstPort, p[:min(len(p), 24)])]++
					}
					if f := proto.ProbeStream; f != nil && !(port && !tcp) && !anything && f(p, h) == ot.Yes {
						yes[fmt.Sprintf("%s stream, port %v: %d %d %x", proto.Name, port, h.SrcPort, h.DstPort, p[:min(len(p), 24)])]++
					}
				}
			}
		})
		for what, n := range yes {
			t.Errorf("%s: %d times %s", rel, n, what)
		}
	}
}

// TestDescriptions: what listings and the docs need of each protocol is there.
func TestDescriptions(t *testing.T) {
	names := map[string]bool{}
	for _, p := range Protocols {
		if p.Name == "" || names[p.Name] || p.Title == "" || p.Function == nil || len(p.Table) == 0 {
			t.Errorf("%q is not described", p.Name)
		}
		names[p.Name] = true
		if (p.ProbeDatagram == nil) != (p.Datagram == nil) || (p.ProbeStream == nil) != (p.Stream == nil) ||
			(p.Frame == nil) != (len(p.EtherTypes) == 0) {
			t.Errorf("%s: a transport by half", p.Name)
		}
		if (p.Datagram == nil) != (len(p.UDPPorts) == 0) || (p.Stream == nil) != (len(p.TCPPorts) == 0) {
			t.Errorf("%s: ports and transports differ", p.Name)
		}
		for _, row := range p.Table {
			if row.Code == "" || row.Name == "" || row.Class >= ot.NumClasses {
				t.Errorf("%s: row %+v", p.Name, row)
			}
		}
	}
}

// TestMidStream: a stream that is seen from the middle of a message, from one
// side, is read from the next segment that begins with one; bytes lost later
// cost the messages that they cut.
func TestMidStream(t *testing.T) {
	for name, text := range map[string]string{
		"modbus-tcp":  "00 01 00 00 00 0b 0a 10 00 01 00 02 04 00 01 00 02",
		"omron-fins":  "'FINS 00 00 00 16 00 00 00 02 00 00 00 00 80 00 02 00 c8 00 00 fb 00 01 04 02 ff ff",
		"slmp-melsec": "50 00 00 ff ff 03 00 0e 00 00 00 01 14 00 00 00 00 00 a8 01 00 34 12",
	} {
		t.Run(name, func(t *testing.T) {
			i := slices.IndexFunc(Protocols, func(p *ot.Protocol) bool { return p.Name == name })
			m := ottest.Bytes(t, text)
			c := ottest.Conn{Protocol: Protocols[i]}
			told := 0
			for _, segment := range [][]byte{m[5:], m, m[:9]} {
				c.Push(0, segment, func(s *ot.Session) { told += len(s.PDUs) })
			}
			if told != 1 || c.Dropped != len(m)-5 {
				t.Errorf("%d messages told, %d bytes dropped", told, c.Dropped)
			}
			c.Lose(0)
			for _, segment := range [][]byte{m[6:], append(slices.Clone(m), m...)} {
				c.Push(0, segment, func(s *ot.Session) { told += len(s.PDUs) })
			}
			if told != 3 {
				t.Errorf("%d messages told behind lost bytes", told)
			}
		})
	}
}
