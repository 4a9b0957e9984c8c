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

// foreign are the names that another dissector (the functions of the expected files)
// has for a protocol. One without a line is not named by it.
var foreign = map[string][]string{
	"modbus-tcp":         {"modbus"},
	"omron-fins":         {"omron"},
	"s7comm":             {"s7comm"},
	"dnp3":               {"dnp3"},
	"iec-104":            {"iec60870_104", "iec60870_asdu"},
	"ethernet-ip-cip":    {"enip", "cip"},
	"bacnet-ip":          {"bvlc", "bacnet", "bacapp"},
	"iec61850":           {"mms", "goose", "sv"},
	"opc-ua":             {"opcua"},
	"profinet":           {"pn_dcp", "pn_rt", "pn_io"},
	"ethercat":           {"ecat"},
	"ethernet-powerlink": {"epl"},
	"hart-ip":            {"hart_ip"},
	"ads-ams":            {"ams"},
	"synchrophasor":      {"synphasor"},
	"mqtt":               {"mqtt"},
	"knxnet-ip":          {"knxip"},
	"ptp":                {"ptp"},
}

// elsewhere are the dissector's protocols that excuse any protocol without a line in
// foreign on the same pair of ends, as compare.py has it.
var elsewhere = []string{"c1222", "egd", "canopen", "rtps", "coap"}

// office are the topics in which no control protocol is spoken but where the
// expected file says so.
var office = map[string]bool{"arp": true, "attack": true, "dhcp": true, "discovery": true, "fuzz": true,
	"link-types": true, "mixed": true, "netbios": true, "os-fingerprint": true, "scan": true, "tunnel-vlan": true}

// expectation is what is used of an expected file.
type expectation struct {
	Functions []struct {
		Protocol, Src, Dst, Function string
		Count                        int
	} `json:"functions"`
}

// names says whether the other dissector names a protocol anywhere in the capture.
func (e expectation) names(protocol string) bool {
	for _, f := range e.Functions {
		if slices.Contains(foreign[protocol], f.Protocol) {
			return true
		}
	}
	return false
}

// allows says whether messages of a row may be told in an office topic: the other
// dissector names the protocol, or one that has no sheet, between the same ends.
// PTP and LonWorks may be told anywhere.
func (e expectation) allows(row ottest.Row) bool {
	if row.Protocol == "ptp" || row.Protocol == "lonworks-ip" {
		return true
	}
	names := foreign[row.Protocol]
	if names == nil {
		names = elsewhere
	}
	for _, f := range e.Functions {
		if strings.EqualFold(f.Src, row.Src) && strings.EqualFold(f.Dst, row.Dst) && slices.Contains(names, f.Protocol) {
			return true
		}
	}
	return false
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
// the office topics nothing may be told but what the other dissector names between the
// same ends. (compare.py holds the counts too, by what the program prints.)
func TestNothingInvented(t *testing.T) {
	root := ottest.Shared(t)
	captures := ottest.Captures(t)
	held := 0
	for _, path := range captures {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if !office[topic] {
			continue
		}
		expected, ok := readExpected(t, root, rel)
		if !ok {
			continue
		}
		held++
		r := ottest.Replay(t, path, Protocols...)
		for row, n := range r.Rows {
			if !expected.allows(row) {
				t.Errorf("%s: %d times %+v: %v", rel, n, row, r.Recognised)
			}
		}
	}
	if held < 100 {
		t.Errorf("only %d captures of offices", held)
	}
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

// TestProbesAreStrict gives each payload of all captures, not only the first ones, to
// the probes of each protocol as if its port were not among the protocol's own: none
// may be taken in folders that hold nothing of the protocol (testdata/captures.tsv).
func TestProbesAreStrict(t *testing.T) {
	root := ottest.Shared(t)
	counts := readCounts(t)
	// One protocol's bytes that are another's too; the registry's order decides.
	alike := map[string]string{"slmp-melsec": "cclink"} // Field Basic has the bytes of 3E frames
	home := func(protocol, topic string) bool {
		return alike[protocol] == topic ||
			slices.ContainsFunc(counts[protocol], func(c folderCount) bool { return c.folder == topic })
	}
	payloads := 0
	for _, path := range ottest.Captures(t) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		yes := map[string]int{}
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) { // captures that cannot be read give none
			payloads++
			for _, proto := range Protocols {
				probe := proto.ProbeDatagram
				if tcp {
					probe = proto.ProbeStream
				}
				if probe != nil && !home(proto.Name, topic) && probe(p, h) == ot.Yes {
					yes[fmt.Sprintf("%s: %d %d %x", proto.Name, h.SrcPort, h.DstPort, p[:min(len(p), 24)])]++
				}
			}
		})
		for what, n := range yes {
			t.Errorf("%s: %d times %s", rel, n, what)
		}
	}
	if payloads < 100000 {
		t.Errorf("only %d payloads", payloads)
	}
}

// lenient are the protocols that believe more on their own port than content alone
// says: the clients' ephemeral ports may be these by chance.
var lenient = map[string]string{
	"modbus-tcp": "any content that has its lengths",

	"hart-ip": "heads that follow each other",
	"ge-srtp": "a head", "ptp": "a head", "egd": "a head",
	"synchrophasor": "a head",
	"codesys":       "a head",
}

// TestProbesOnTheirPorts is the same with each protocol's own port given, in office
// topics; those that are lenient there are left out.
func TestProbesOnTheirPorts(t *testing.T) {
	root := ottest.Shared(t)
	for _, path := range ottest.Captures(t) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if !office[topic] {
			continue
		}
		expected, _ := readExpected(t, root, rel)
		yes := map[string]int{}
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) {
			h.Port = true
			for _, proto := range Protocols {
				probe := proto.ProbeDatagram
				if tcp {
					probe = proto.ProbeStream
				}
				if probe != nil && lenient[proto.Name] == "" && !expected.names(proto.Name) && probe(p, h) == ot.Yes {
					yes[fmt.Sprintf("%s: %d %d %x", proto.Name, h.SrcPort, h.DstPort, p[:min(len(p), 24)])]++
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
