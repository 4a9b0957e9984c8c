package main

import (
	"encoding/binary"
	"fmt"
	"strconv"
)

// testStream is one direction of a TCP connection, put in order by sequence
// number; what is older than next was seen before.
type testStream struct {
	next   uint32
	wait   map[uint32][]byte
	data   []byte
	synced bool
}

func (s *testStream) add(seq uint32, b []byte) {
	if !s.synced {
		s.next, s.synced = seq, true
	}
	if len(b) == 0 || int32(seq-s.next) < 0 {
		return
	}
	s.wait[seq] = b
	for {
		b, ok := s.wait[s.next]
		if !ok {
			return
		}
		delete(s.wait, s.next)
		s.data = append(s.data, b...)
		s.next += uint32(len(b))
	}
}

var testSLMP = map[uint16]string{5010: "binary", 5011: "binary", 5551: "ascii", 1280: "1E"}

// countOps counts OT messages of a frame into ops.
func countOps(f []byte, streams map[string]*testStream, ops map[string]int64) {
	be, le := binary.BigEndian, binary.LittleEndian
	add := func(src, dst, proto, code string, req bool) {
		ops[fmt.Sprintf("%s %s %s %s %v", src, dst, proto, code, req)]++
	}
	switch be.Uint16(f[12:]) {
	case 0x890f:
		typ := f[14]
		answer := typ == 0x22 && f[14+31] == 0x80
		add(mac(f[6:12]).String(), mac(f[0:6]).String(), "cc-link-ie-field-control", fmt.Sprintf("%02x", typ), !answer)
		return
	case 0x0800:
	default:
		return
	}
	ip := f[14 : 14+be.Uint16(f[16:])]
	src, dst := ip4(ip[12:16]).String(), ip4(ip[16:20]).String()
	seg := ip[20:]
	sp, dp := be.Uint16(seg), be.Uint16(seg[2:])
	if ip[9] == 17 {
		b := seg[8:]
		switch {
		case dp == 61450 && b[0] == 0x50:
			add(src, dst, "cc-link-ie-field-basic", fmt.Sprintf("%02x%02x:0000", b[12], b[11]), true)
		case dp == 61450:
			add(src, dst, "cc-link-ie-field-basic", "0e70:0000", false)
		case dp == 5010:
			add(src, dst, "slmp-melsec", fmt.Sprintf("%04x:%04x", le.Uint16(b[11:]), le.Uint16(b[13:])), true)
		case sp == 5010:
			add(src, dst, "slmp-melsec", "", false)
		case dp == 9600:
			add(src, dst, "omron-fins", fmt.Sprintf("%02x%02x", b[10], b[11]), b[0]&0x40 == 0)
		}
		return
	}
	if ip[9] != 6 {
		return
	}
	toServer := testSLMP[dp] != "" || dp == 502 || dp == 9600
	if !toServer && testSLMP[sp] == "" && sp != 502 && sp != 9600 {
		return
	}
	port := dp
	if !toServer {
		port = sp
	}
	key := fmt.Sprint(src, sp, dst, dp)
	seq := be.Uint32(seg[4:])
	if seg[13]&tcpSYN != 0 {
		streams[key] = &testStream{wait: map[uint32][]byte{}, next: seq + 1, synced: true}
		return
	}
	s := streams[key]
	if s == nil {
		s = &testStream{wait: map[uint32][]byte{}}
		streams[key] = s
	}
	s.add(seq, seg[seg[12]>>4*4:])
	for len(s.data) > 0 {
		n := 0
		b := s.data
		switch {
		case port == 502:
			if len(b) >= 8 && len(b) >= 6+int(be.Uint16(b[4:])) {
				n = 6 + int(be.Uint16(b[4:]))
				add(src, dst, "modbus-tcp", fmt.Sprintf("%02x", b[7]&0x7f), toServer)
			}
		case port == 9600:
			if len(b) >= 16 && len(b) >= 8+int(be.Uint32(b[4:])) {
				n = 8 + int(be.Uint32(b[4:]))
				code := fmt.Sprintf("tcp:%d", b[11])
				if b[11] == 2 {
					code = fmt.Sprintf("%02x%02x", b[26], b[27])
				}
				add(src, dst, "omron-fins", code, toServer)
			}
		case testSLMP[port] == "binary":
			h := 9 + int(b[0]&4)
			if len(b) >= h && len(b) >= h+int(le.Uint16(b[h-2:])) {
				n = h + int(le.Uint16(b[h-2:]))
				code := ""
				if toServer {
					code = fmt.Sprintf("%04x:%04x", le.Uint16(b[h+2:]), le.Uint16(b[h+4:]))
				}
				add(src, dst, "slmp-melsec", code, toServer)
			}
		case testSLMP[port] == "ascii":
			if len(b) >= 18 {
				l, _ := strconv.ParseUint(string(b[14:18]), 16, 16)
				if len(b) >= 18+int(l) {
					n = 18 + int(l)
					code := ""
					if toServer {
						v, _ := strconv.ParseUint(string(b[22:30]), 16, 32)
						code = fmt.Sprintf("%04x:%04x", v>>16, v&0xffff)
					}
					add(src, dst, "slmp-melsec", code, toServer)
				}
			}
		default: // 1E: a message per read here, lengths by command
			if !toServer {
				n = 2 + 2*int(12)
				if b[0] == 0x83 {
					n = 2
				} else if len(b) == 22 {
					n = 22 // ten points, to the engineering station
				}
				if len(b) < n {
					n = 0
				}
			} else if len(b) >= 12 {
				n = 12
				if b[0] == 3 {
					n += 2 * int(b[10])
				}
			}
			if n > 0 {
				code := ""
				if toServer {
					code = fmt.Sprintf("%02x", b[0])
				}
				add(src, dst, "slmp-melsec", code, toServer)
			}
		}
		if n == 0 {
			return
		}
		s.data = s.data[n:]
	}
}
