package registry

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// The protocols that other dissectors name, by their name for it.
var foreign = map[string]string{"modbus-tcp": "modbus", "omron-fins": "omron"}

// office are the topics in which no control protocol is spoken but where the
// expected file says so.
var office = map[string]bool{"arp": true, "attack": true, "dhcp": true, "discovery": true, "fuzz": true,
	"link-types": true, "mixed": true, "netbios": true, "os-fingerprint": true, "scan": true, "tunnel-vlan": true}

// TestNothingInvented runs the decoders of this registry over all captures: in
// the office topics nothing may be told, elsewhere only what the expected file
// names or what nobody else names.
func TestNothingInvented(t *testing.T) {
	root := ottest.Shared(t)
	captures := ottest.Captures(t)
	for _, path := range captures {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		var expected struct {
			ProtocolFrames map[string]int `json:"protocol_frames"`
		}
		b, err := os.ReadFile(filepath.Join(root, "expected", rel+".json"))
		if err != nil || json.Unmarshal(b, &expected) != nil {
			continue
		}
		r := ottest.Replay(t, path, Protocols...)
		told := map[string]int{}
		for row, n := range r.Rows {
			told[row.Protocol] += n
		}
		for name, n := range told {
			theirs, named := foreign[name]
			switch {
			case named && expected.ProtocolFrames[theirs] > 0:
			case office[topic], named:
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
			b, err := os.ReadFile(filepath.Join(root, "expected", rel+".json"))
			if err != nil {
				t.Skip("absent: expected file")
			}
			var expected struct {
				Functions []struct {
					Protocol, Src, Dst, Function string
					Count                        int
				} `json:"functions"`
			}
			if err := json.Unmarshal(b, &expected); err != nil {
				t.Fatal(err)
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

// TestProbesAreStrict gives each payload of all captures to the probes of each
// protocol, as if its port were and were not among the protocol's, and to the
// probes of the other transport: none may be taken where others speak.
func TestProbesAreStrict(t *testing.T) {
	root := ottest.Shared(t)
	for _, path := range ottest.Captures(t) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		topic, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		if topic == "modbus" || topic == "fins" || topic == "cclink" {
			continue
		}
		yes := map[string]int{}
		_ = ottest.Payloads(path, func(p []byte, h ot.Hint, tcp bool) { // captures that cannot be read give none
			for _, proto := range Protocols {
				for _, port := range []bool{false, true} {
					h := h
					h.Port = port
					for name, probe := range map[string]func([]byte, ot.Hint) ot.Verdict{"datagram": proto.ProbeDatagram, "stream": proto.ProbeStream} {
						// On its own port Modbus is believed with any content that has its lengths.
						if port && ((name == "stream") != tcp || proto.Name == "modbus-tcp") {
							continue
						}
						if probe != nil && probe(p, h) == ot.Yes {
							yes[fmt.Sprintf("%s as %s, port %v: %d %d %x", proto.Name, name, port, h.SrcPort, h.DstPort, p[:min(len(p), 24)])]++
						}
					}
				}
			}
		})
		for what, n := range yes {
			t.Errorf("%s: %d times %s", rel, n, what)
		}
	}
}
