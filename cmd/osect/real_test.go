package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"osect/capture"
	"osect/decode"
	"osect/decode/ot"
	"osect/detect"
	"osect/inventory"
	"osect/pipeline"
	"osect/store"
	"osect/text"
)

// halves writes the first and the second half of a capture's frames, each as a pcapng, and gives the number of frames of
// the first; both are "" where there are fewer than least.
func halves(t *testing.T, path, dir string, least int) (first, second string, n int, before *seenFrames) {
	type frame struct {
		time int64
		data []byte
		wire uint32
		link uint16
	}
	var frames []frame
	set, err := capture.Open(context.Background(), []string{path}, capture.Options{})
	if err != nil {
		return "", "", 0, nil
	}
	for {
		var b capture.Batch
		err := set.Read(&b)
		for i := range b.Frames {
			f := &b.Frames[i]
			frames = append(frames, frame{f.Time, append([]byte(nil), f.Data...), f.WireLen, f.Link})
		}
		b.Release()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return "", "", 0, nil
		}
	}
	if len(frames) < least {
		return "", "", 0, nil
	}
	le := binary.LittleEndian
	write := func(name string, frames []frame) string {
		b := pcapngHead()[:28]
		number := map[uint16]uint32{}
		for _, f := range frames {
			if _, ok := number[f.link]; !ok {
				number[f.link] = uint32(len(number))
				// An interface of this link type whose times are in ns.
				b = le.AppendUint32(le.AppendUint32(b, 1), 32)
				b = le.AppendUint32(le.AppendUint16(le.AppendUint16(b, f.link), 0), 0)
				b = append(b, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0)
				b = le.AppendUint32(b, 32)
			}
			padded := (len(f.data) + 3) &^ 3
			b = le.AppendUint32(le.AppendUint32(b, 6), uint32(32+padded))
			b = le.AppendUint32(b, number[f.link])
			b = le.AppendUint32(le.AppendUint32(b, uint32(uint64(f.time)>>32)), uint32(f.time))
			b = le.AppendUint32(le.AppendUint32(b, uint32(len(f.data))), f.wire)
			b = append(append(b, f.data...), make([]byte, padded-len(f.data))...)
			b = le.AppendUint32(b, uint32(32+padded))
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	n = len(frames) / 2
	before = newSeenFrames()
	for _, f := range frames[:n] {
		before.take(f.data, f.link)
	}
	return write("first.pcapng", frames[:n]), write("second.pcapng", frames[n:]), n, before
}

// realAttacks are captures that are no normal ones: attacks, their tools, or frames that are broken on purpose.
var realAttacks = []string{"attack/", "scan/", "fuzz/", "tristation/", "reference/", "profinet/1-click-attack", "profinet/daniel-", "s7comm/mohsin-",
	"s7comm/daniel-", "s7comm/20160907-", "modbus/modbus-and-non-modbus-p502", "dhcp/dhcp-flood", "dhcp/dhcp-unique-xid"}

// realLeast is the fewest frames of a capture that is cut into halves.
const realLeast = 100

// realCauses says what each class of cause is.
var realCauses = map[string]string{
	"device":        "the device sends its first frame in the second half",
	"address":       "the address sends its first packet in the second half",
	"binding":       "the MAC uses the address for the first time in the second half",
	"communication": "the two exchange their first frame in the second half",
	"service":       "the two use this service for the first time in the second half",
	"function":      "the two use this function (or any write, any control) for the first time in the second half",
}

// TestReal learns each normal shared capture of realLeast frames or more on its first half and detects on the second: every alert
// has a cause. That what it names is in no frame of the first half is found with gopacket (what it says of functions: with
// osect's own list of them); other causes stand in testdata/real-causes.tsv, by people who looked at the frames. The test writes
// docs/detection/real.md.
func TestReal(t *testing.T) {
	if os.Getenv("OSECT_SCENARIOS") != "long" {
		t.Skip("OSECT_SCENARIOS=long runs it")
	}
	root := filepath.Join(sharedDir(t), "captures")
	lines := func(name string) (rows [][]string) {
		data, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for l := range strings.Lines(string(data)) {
			rows = append(rows, strings.Split(strings.TrimSuffix(l, "\n"), "\t"))
		}
		return rows
	}
	judged := lines("real-causes.tsv")
	used := make([]bool, len(judged))

	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		if err == nil && !d.IsDir() && strings.Contains(filepath.Ext(path), "cap") &&
			!slices.ContainsFunc(realAttacks, func(p string) bool { return strings.HasPrefix(filepath.ToSlash(rel), p) }) {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	type line struct{ capture, what, verdict, cause string }
	count := map[line]int{}
	var order []line
	total, captures, quiet := map[string]int{}, 0, 0
	severe := map[string]int{}
	for _, path := range paths {
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		alerts, ok := realAlerts(t, path, realLeast)
		if !ok {
			continue
		}
		captures++
		if len(alerts) == 0 {
			quiet++
		}
		for _, a := range alerts {
			l := line{rel, string(a.Kind) + " " + a.Subkind, "true", realCauses[a.State]}
			class := a.State
			if class == "" {
				class, l.verdict, l.cause = "looked at", "undecided", "–"
				for i, j := range judged {
					if len(j) == 4 && strings.HasPrefix(rel, j[0]) && j[1] == l.what {
						used[i], l.verdict, l.cause = true, j[2], j[3]
					}
				}
			}
			if l.verdict != "true" {
				class = l.verdict
			}
			if l.verdict == "undecided" {
				t.Errorf("no cause: %s %s %s: %s", rel, l.what, a.Key, message(text.EN, &a.Alert, "reason"))
			}
			total[class]++
			total["all"]++
			severe[string(a.Severity)]++
			if count[l] == 0 {
				order = append(order, l)
			}
			count[l]++
		}
	}
	for i, j := range judged {
		if !used[i] {
			t.Errorf("real-causes.tsv: no such alert any more: %s", strings.Join(j, " "))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `# Detection on real captures

Written by %smake real%s; causes that a machine cannot see stand in %scmd/osect/testdata/real-causes.tsv%s.

## Normal captures, learned on their first half

Each shared capture of %d frames or more that is no attack is cut in two by number of frames; the first half is learned, the second detected in.
All captures are short (seconds to minutes), and most show each thing once: so the second half is full of what the first has not, and says
little of how often a learned plant raises alerts (for that: [results.md](results.md)). What it does say is whether an alert is *true*: whether what it names
was in no frame of the first half. That is looked up in the frames with gopacket, for functions in the list of operations of the first half; the rest
was judged by reading the alert beside its capture, about half of them frame by frame.

%d captures, %d of them without any alert; %d alerts (low %d, medium %d, high %d, critical %d).

| Cause | Alerts | |
|---|--:|---|
`, "`", "`", "`", "`", realLeast, captures, quiet, total["all"], severe["low"], severe["medium"], severe["high"], severe["critical"])
	for _, c := range []string{"device", "address", "binding", "communication", "service", "function"} {
		fmt.Fprintf(&b, "| %s | %d | %s |\n", c, total[c], realCauses[c])
	}
	fmt.Fprintf(&b, "| looked at | %d | true, for the reason in the list below |\n| false | %d | what it says is not so |\n| undecided | %d | %.1f %% |\n",
		total["looked at"], total["false"], total["undecided"], 100*float64(total["undecided"])/float64(max(total["all"], 1)))
	fmt.Fprintf(&b, "\n## Every alert\n\n| Capture | Alert | Number | | Cause |\n|---|---|--:|---|---|\n")
	for _, l := range order {
		fmt.Fprintf(&b, "| %s | %s | %d | %s | %s |\n", l.capture, l.what, count[l], l.verdict, l.cause)
	}
	b.WriteString(realAttackTable(t, root, lines("real-attacks.tsv")))
	if err := os.WriteFile(filepath.Join("..", "..", "docs", "detection", "real.md"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d captures, %d alerts: %v", captures, total["all"], total)
}

// realAttackTable detects in each capture with an attack, nothing being learned, and says what built-in rules told of it. rows: capture,
// what it is, the subkinds that must be told (by commas, "–" for none), remark.
func realAttackTable(t *testing.T, root string, rows [][]string) string {
	var b strings.Builder
	b.WriteString("\n## Captures with attacks\n\nDetected in as they are, nothing being learned: what built-in rules tell. *Not told* are attacks that show in the content of a payload only,\n" +
		"which is for signatures, or against what was learned.\n\n| Capture | What it is | Told by built-in rules | Must be told | Remark |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		if len(r) != 4 {
			t.Fatalf("real-attacks.tsv: %q", r)
		}
		st, err := store.Open(filepath.Join(t.TempDir(), "s.db"), store.Options{Create: true})
		if err != nil {
			t.Fatal(err)
		}
		_, err = pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{filepath.Join(root, r[0])}, Mode: pipeline.Detect})
		if err != nil {
			t.Errorf("%s: %v", r[0], err)
		}
		alerts, _, err := st.Alerts(context.Background(), store.Filter{Kind: string(detect.BuiltIn)})
		st.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, a := range alerts {
			got[a.Subkind] = true
		}
		for want := range strings.SplitSeq(r[2], ", ") {
			if want != "–" && !got[want] {
				t.Errorf("%s: %s is not told", r[0], want)
			}
		}
		told := strings.Join(slices.Sorted(maps.Keys(got)), ", ")
		if told == "" {
			told = "–"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r[0], r[1], told, r[2], r[3])
	}
	return b.String()
}

// seenFrames is what frames show, read by gopacket: an oracle that is not ours.
type seenFrames struct {
	macs, ips map[string]bool    // that sent
	bound     map[[2]string]bool // MAC and address that it sent from or claimed
	pairs     map[[2]string]bool // ends, in both orders
	services  map[string]bool    // "end end tcp 502", in both orders and by both ports
}

func newSeenFrames() *seenFrames {
	return &seenFrames{map[string]bool{}, map[string]bool{}, map[[2]string]bool{}, map[[2]string]bool{}, map[string]bool{}}
}

// realEnd is an address as the list of communications has it.
func realEnd(ip net.IP) string {
	a, err := decode.ParseAddr(ip.String())
	if err == nil && inventory.Public(a) {
		return detect.Internet
	}
	return ip.String()
}

func (s *seenFrames) take(data []byte, link uint16) {
	p := gopacket.NewPacket(data, layers.LinkType(link), gopacket.NoCopy)
	mac := ""
	var src, dst net.IP
	proto := ""
	meet := func(a, b, proto string, ports ...uint16) {
		s.pairs[[2]string{a, b}], s.pairs[[2]string{b, a}] = true, true
		for _, p := range append(ports, 0) {
			s.services[fmt.Sprint(a, " ", b, " ", proto, " ", p)] = true
			s.services[fmt.Sprint(b, " ", a, " ", proto, " ", p)] = true
		}
	}
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.Ethernet:
			if mac == "" {
				mac = l.SrcMAC.String()
				s.macs[mac] = true
				meet(mac, l.DstMAC.String(), "")
			}
		case *layers.LinuxSLL:
			mac = l.Addr.String()
			s.macs[mac] = true
		case *layers.ARP:
			ip := net.IP(l.SourceProtAddress).String()
			s.ips[ip] = true
			s.bound[[2]string{net.HardwareAddr(l.SourceHwAddress).String(), ip}] = true
		case *layers.IPv4:
			src, dst, proto = l.SrcIP, l.DstIP, strings.ToLower(l.Protocol.String())
		case *layers.IPv6:
			src, dst, proto = l.SrcIP, l.DstIP, strings.ToLower(l.NextHeader.String())
		case *layers.TCP:
			meet(realEnd(src), realEnd(dst), "tcp", uint16(l.SrcPort), uint16(l.DstPort))
		case *layers.UDP:
			meet(realEnd(src), realEnd(dst), "udp", uint16(l.SrcPort), uint16(l.DstPort))
		default:
			continue
		}
		if src != nil {
			s.ips[src.String()] = true
			s.bound[[2]string{mac, src.String()}] = true
			meet(realEnd(src), realEnd(dst), proto)
		}
	}
}

// first says whether what an alert names occurs in none of the frames of s: the cause is then that it began in the second half.
func (s *seenFrames) first(a *store.Alert, known map[string]bool) string {
	key := strings.Split(a.Key, "|")[2:]
	end := func(s string) string {
		if s == detect.Internet || strings.Contains(s, ":") && !strings.Contains(s, "::") && len(s) == 17 {
			return s
		}
		if ip := net.ParseIP(s); ip != nil {
			return realEnd(ip)
		}
		return s
	}
	switch a.Kind {
	case detect.ConnectedDevice:
		switch a.Subkind {
		case "new-mac":
			if !s.macs[a.SrcMAC] {
				return "device"
			}
		case "new-ip":
			if !s.ips[a.SrcIP] {
				return "address"
			}
		case "new-binding":
			if !s.bound[[2]string{a.SrcMAC, a.SrcIP}] {
				return "binding"
			}
		}
	case detect.IPCommunication:
		if key[0] == "attempt" {
			key = key[1:]
		}
		if len(key) < 5 {
			return ""
		}
		if !s.pairs[[2]string{key[0], key[1]}] {
			return "communication"
		}
		if !s.services[fmt.Sprint(key[0], " ", key[1], " ", key[2], " ", key[4])] && hasPort(key[2]) {
			return "service"
		}
		if !hasPort(key[2]) && !s.services[fmt.Sprint(key[0], " ", key[1], " ", "icmp"+map[string]string{"icmp": "v4", "icmp6": "v6"}[key[2]], " 0")] {
			return "service"
		}
	case detect.OTIP, detect.OTEthernet:
		if len(key) < 4 {
			return ""
		}
		if !s.pairs[[2]string{end(key[0]), end(key[1])}] {
			return "communication"
		}
		if !known[strings.Join(key[:4], "|")] {
			return "function"
		}
	case detect.BuiltIn:
		if len(key) == 4 && key[2] != "" && !s.pairs[[2]string{end(key[1]), end(key[2])}] {
			return "communication"
		}
		if class := map[string]string{"new-write": "write", "new-control": "control"}[a.Subkind]; class != "" && !known[key[1]+"|"+key[2]+"|"+key[3]+"|class:"+class] {
			return "function"
		}
		if len(key) == 4 && key[2] != "" && strings.Contains(key[3], " ") && !known[key[1]+"|"+key[2]+"|"+strings.Replace(key[3], " ", "|", 1)] {
			return "function"
		}
	}
	return ""
}

func hasPort(transport string) bool { return transport == "tcp" || transport == "udp" }

// realAlerts are the alerts on the second half of a capture, with the cause that the frames show as State; ok is false for a capture that is not taken.
func realAlerts(t *testing.T, path string, least int) (alerts []store.Alert, ok bool) {
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	first, second, n, before := halves(t, path, dir, least)
	if first == "" {
		return nil, false
	}
	st, err := store.Open(filepath.Join(dir, "s.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{first}, Mode: pipeline.Learn}); err != nil {
		t.Logf("%s: %v", path, err)
		return nil, false
	}
	ops, _, err := st.Operations(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, o := range ops {
		code := o.FunctionCode
		if o.Direction == ot.Response.String() || o.Direction == ot.Error.String() {
			code = "resp:" + code
		}
		known[strings.Join([]string{o.Src, o.Dst, o.Protocol, code}, "|")] = true
		known[strings.Join([]string{o.Src, o.Dst, o.Protocol, "class:" + o.Class}, "|")] = true
	}
	if _, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{second}, Mode: pipeline.Detect}); err != nil {
		t.Logf("%s: %v", path, err)
		return nil, false
	}
	alerts, _, err = st.Alerts(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range alerts {
		alerts[i].State = before.first(&alerts[i], known)
		for j := range alerts[i].Refs {
			alerts[i].Refs[j].Number += int64(n)
		}
	}
	return alerts, true
}
