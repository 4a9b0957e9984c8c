package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMix reads an OT mix with a reader of its own: frames are well-formed, each stream is
// whole messages by the protocol's own length fields, and as many requests are counted
// as the command says.
func TestMix(t *testing.T) {
	out := filepath.Join(t.TempDir(), "mix.pcap")
	args := []string{"--ot-mix", "--packets", "30000", "--out", out}
	var said bytes.Buffer
	if err := run(args, io.Discard, &said); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(args, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(out); err != nil || !bytes.Equal(raw, again) {
		t.Errorf("another time other bytes: %v", err)
	}
	size := map[uint16]func(b []byte) int{
		502:   func(b []byte) int { return 6 + int(binary.BigEndian.Uint16(b[4:])) },
		102:   func(b []byte) int { return int(binary.BigEndian.Uint16(b[2:])) },
		5010:  func(b []byte) int { return 9 + int(binary.LittleEndian.Uint16(b[7:])) },
		44818: func(b []byte) int { return 24 + int(binary.LittleEndian.Uint16(b[2:])) },
	}
	type stream struct {
		next uint32
		rest []byte
	}
	streams := map[string]*stream{}
	requests, answers, conns := map[uint16]int{}, map[uint16]int{}, 0
	frames, cut, last := 0, 0, int64(0)
	for b := raw[24:]; len(b) > 0; frames++ {
		at := int64(binary.LittleEndian.Uint32(b))*1e6 + int64(binary.LittleEndian.Uint32(b[4:]))
		if at < last {
			t.Fatalf("frame %d goes back in time", frames)
		}
		last = at
		n := binary.LittleEndian.Uint32(b[8:])
		f := b[16 : 16+n]
		b = b[16+n:]
		if err := checkFrame(f); err != nil {
			t.Fatalf("frame %d: %v\n%x", frames, err, f)
		}
		ip := f[14 : 14+binary.BigEndian.Uint16(f[16:])]
		sport, dport, seq := binary.BigEndian.Uint16(ip[20:]), binary.BigEndian.Uint16(ip[22:]), binary.BigEndian.Uint32(ip[24:])
		key := fmt.Sprintf("%x", ip[12:24])
		if ip[33]&tcpSYN != 0 {
			streams[key] = &stream{next: seq + 1}
			conns++
			continue
		}
		s := streams[key]
		if s == nil || s.next != seq {
			t.Fatalf("frame %d: sequence number %d", frames, seq)
		}
		data := ip[40:]
		s.next += uint32(len(data))
		s.rest = append(s.rest, data...)
		port, count := dport, requests
		if size[port] == nil {
			port, count = sport, answers
		}
		for len(s.rest) >= 10 && len(s.rest) >= size[port](s.rest) {
			s.rest = s.rest[size[port](s.rest):]
			count[port]++
		}
		if len(s.rest) > 0 {
			cut++
		}
	}
	if frames != 30000 || conns != 2*mixConnections {
		t.Errorf("%d frames, %d streams", frames, conns)
	}
	for i, name := range mixNames {
		if !strings.Contains(said.String(), fmt.Sprintf(" %s %d", name, requests[mixPorts[i]])) {
			t.Errorf("%s: %d requests, but %s", name, requests[mixPorts[i]], said.String())
		}
		if d := requests[mixPorts[i]] - answers[mixPorts[i]]; d < 0 || d > mixConnections/mixKinds {
			t.Errorf("%s: %d answers to %d requests", name, answers[mixPorts[i]], requests[mixPorts[i]])
		}
	}
	if cut == 0 {
		t.Error("no message in two segments")
	}
}
