package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
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

// TestReal learns each normal shared capture on its first half and detects on the second.
func TestReal(t *testing.T) {
	if os.Getenv("OSECT_SCENARIOS") != "long" {
		t.Skip("OSECT_SCENARIOS=long runs it")
	}
	root := filepath.Join(sharedDir(t), "captures")
	var paths []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.Contains(filepath.Ext(path), "cap") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		rel, _ := filepath.Rel(root, path)
		for _, a := range realAlerts(t, path, 100) {
			fmt.Printf("%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%v\t%s\t%s\n", rel, a.State, a.Kind, a.Subkind, a.Severity, a.SrcIP+" "+a.SrcMAC, a.DstIP+" "+a.DstMAC, a.Key, a.Count, a.Refs[:min(len(a.Refs), 2)],
				message(text.EN, &a.Alert, "summary"), message(text.EN, &a.Alert, "reason"))
		}
	}
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
		if len(key) == 4 && key[2] != "" && strings.Contains(key[3], " ") && !known[key[1]+"|"+key[2]+"|"+strings.Replace(key[3], " ", "|", 1)] {
			return "function"
		}
	}
	return ""
}

func hasPort(transport string) bool { return transport == "tcp" || transport == "udp" }

func realAlerts(t *testing.T, path string, least int) []store.Alert {
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	first, second, n, before := halves(t, path, dir, least)
	if first == "" {
		return nil
	}
	st, err := store.Open(filepath.Join(dir, "s.db"), store.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	if _, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{first}, Mode: pipeline.Learn}); err != nil {
		t.Logf("%s: %v", path, err)
		return nil
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
	}
	if _, err := pipeline.Replay(context.Background(), st, pipeline.Options{Paths: []string{second}, Mode: pipeline.Detect}); err != nil {
		t.Logf("%s: %v", path, err)
		return nil
	}
	alerts, _, err := st.Alerts(context.Background(), store.Filter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range alerts {
		alerts[i].State = before.first(&alerts[i], known)
		for j := range alerts[i].Refs {
			alerts[i].Refs[j].Number += int64(n)
		}
	}
	return alerts
}
