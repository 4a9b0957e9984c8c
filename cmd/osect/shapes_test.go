package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"testing"
)

// wire makes a capture of TCP sessions between 10.0.0.x.
type wire struct {
	frames []byte
	port   uint16
	t      int64 // µs since the first frame
}

func (w *wire) segment(src, dst byte, sp, dp uint16, seq, ack uint32, flags byte, payload []byte) {
	w.ip([4]byte{10, 0, 0, src}, [4]byte{10, 0, 0, dst}, sp, dp, seq, ack, flags, payload)
}

// ip is segment between any two addresses.
func (w *wire) ip(src, dst [4]byte, sp, dp uint16, seq, ack uint32, flags byte, payload []byte) {
	h := append(append([]byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0}, src[:]...), dst[:]...)
	binary.BigEndian.PutUint16(h[2:], uint16(40+len(payload)))
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum+sum>>16))
	h = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(h, sp), dp)
	h = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(h, seq), ack)
	h = append(append(h, 0x50, flags, 32, 0, 0, 0, 0, 0), payload...)
	w.frame(append([]byte{2, 0, 0, 0, 0, dst[3], 2, 0, 0, 0, 0, src[3], 8, 0}, h...))
}

// frame writes a frame, filled up to 60 bytes.
func (w *wire) frame(f []byte) {
	f = append(f, make([]byte, max(0, 60-len(f)))...)
	o := binary.LittleEndian
	w.frames = o.AppendUint32(o.AppendUint32(w.frames, uint32(1_764_000_000+w.t/1e6)), uint32(w.t%1e6))
	w.frames = append(o.AppendUint32(o.AppendUint32(w.frames, uint32(len(f))), uint32(len(f))), f...)
	w.t += 100
}

// session is one TCP connection in which questions are answered, a question every gap µs; an empty answer is none.
func (w *wire) session(src, dst byte, port uint16, gap int64, talk ...[2][]byte) {
	w.port++
	sp, a, b := 40000+w.port, uint32(1000), uint32(5000)
	w.segment(src, dst, sp, port, a, 0, 2, nil)
	w.segment(dst, src, port, sp, b, a+1, 18, nil)
	a, b = a+1, b+1
	w.segment(src, dst, sp, port, a, b, 16, nil)
	for _, x := range talk {
		w.segment(src, dst, sp, port, a, b, 24, x[0])
		if a += uint32(len(x[0])); len(x[1]) > 0 {
			w.segment(dst, src, port, sp, b, a, 24, x[1])
			b += uint32(len(x[1]))
		}
		w.t += gap
	}
	w.segment(src, dst, sp, port, a, b, 17, nil)
	w.segment(dst, src, port, sp, b, a+1, 17, nil)
	w.segment(src, dst, sp, port, a+1, b+1, 16, nil)
}

// arp is the answer of mac (the last byte of one) that it has the address 10.0.0.ip.
func (w *wire) arp(mac, ip byte) {
	w.frame([]byte{255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, mac, 8, 6, 0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, mac, 10, 0, 0, ip,
		255, 255, 255, 255, 255, 255, 10, 0, 0, ip})
	w.t += 100
}

// udp is one datagram.
func (w *wire) udp(src, dst byte, sp, dp uint16, payload []byte) {
	h := []byte{0x45, 0, 0, byte(28 + len(payload)), 0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, src, 10, 0, 0, dst}
	sum := uint32(0)
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(h[i:]))
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum+sum>>16))
	h = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(h, sp), dp)
	h = append(append(h, 0, byte(8+len(payload)), 0, 0), payload...)
	w.frame(append([]byte{2, 0, 0, 0, 0, dst, 2, 0, 0, 0, 0, src, 8, 0}, h...))
	w.t += 100
}

// held opens n connections, says something on each, and leaves them open for two minutes.
func (w *wire) held(src, dst byte, port uint16, n int, say, answer []byte) {
	for i := range n {
		sp, a, b := uint16(40000+i), uint32(1000), uint32(5000)
		w.segment(src, dst, sp, port, a, 0, 2, nil)
		w.segment(dst, src, port, sp, b, a+1, 18, nil)
		w.segment(src, dst, sp, port, a+1, b+1, 16, nil)
		if len(say) > 0 {
			w.segment(src, dst, sp, port, a+1, b+1, 24, say)
			w.segment(dst, src, port, sp, b+1, a+1+uint32(len(say)), 24, answer)
		}
		w.t += 50_000
	}
	w.t += 120_000_000
	w.segment(7, 8, 999, 998, 1, 0, 2, nil)
}

func times(n int, f func(i int) [2][]byte) [][2][]byte {
	var out [][2][]byte
	for i := range n {
		out = append(out, f(i))
	}
	return out
}

// shape is an attack in packets and the rule that tells it.
type shape struct {
	name string
	make func(w *wire)
	rule string
}

// dnp3Frame is a link frame of IEEE 1815 with its checksums.
func dnp3Frame(control byte, to, from uint16, user []byte) []byte {
	sum := func(b []byte) []byte {
		crc := uint16(0)
		for _, c := range b {
			crc ^= uint16(c)
			for range 8 {
				crc = crc>>1 ^ crc&1*0xa6bc
			}
		}
		return binary.LittleEndian.AppendUint16(b, ^crc)
	}
	b := []byte{5, 0x64, byte(5 + len(user)), control}
	b = sum(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(b, to), from))
	for part := range slices.Chunk(user, 16) {
		b = append(b, sum(slices.Clone(part))...)
	}
	return b
}

// s7Message is an S7 job (1) or its answer (3) in TPKT and COTP.
func s7Message(kind byte, number byte, parameters []byte) []byte {
	b := []byte{0x32, kind, 0, 0, 0, number, 0, byte(len(parameters)), 0, 0}
	if kind == 3 {
		b = append(b, 0, 0)
	}
	b = append(b, parameters...)
	return append([]byte{3, 0, 0, byte(7 + len(b)), 2, 0xf0, 0x80}, b...)
}

// TestAttackShapes: attacks of the kinds that public sets of labelled attacks on control networks have, in packets made here,
// are told by a built-in rule though nothing was learned.
func TestAttackShapes(t *testing.T) {
	modbus := func(i int, fn byte, data ...byte) []byte {
		return append([]byte{byte(i >> 8), byte(i), 0, 0, 0, byte(2 + len(data)), 1, fn}, data...)
	}
	iec := func(send, receive int, asdu ...byte) []byte {
		return append([]byte{0x68, byte(4 + len(asdu)), byte(send << 1), byte(send >> 7), byte(receive << 1), byte(receive >> 7)}, asdu...)
	}
	start := [2][]byte{{0x68, 4, 7, 0, 0, 0}, {0x68, 4, 0x0b, 0, 0, 0}}
	outstation := func(function byte, objects ...byte) []byte {
		return dnp3Frame(0xc4, 10, 1, append([]byte{0xc0, 0xc0, function}, objects...))
	}
	answer := dnp3Frame(0x44, 1, 10, []byte{0xc0, 0xc0, 0x81, 0, 0})
	dnp3 := func(name string, rule string, function byte, objects ...byte) shape {
		return shape{"DNP3: " + name, func(w *wire) { w.session(5, 6, 20000, 1_000_000, [2][]byte{outstation(function, objects...), answer}) }, rule}
	}
	s7 := func(name, rule string, parameters ...byte) shape {
		return shape{"S7: " + name, func(w *wire) {
			setup := []byte{0xf0, 0, 0, 1, 0, 1, 1, 0xe0}
			w.session(5, 6, 102, 20_000,
				[2][]byte{{3, 0, 0, 22, 17, 0xe0, 0, 0, 0, 1, 0, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2, 0xc0, 1, 10}, {3, 0, 0, 22, 17, 0xd0, 0, 1, 0, 2, 0, 0xc0, 1, 10, 0xc1, 2, 1, 0, 0xc2, 2, 1, 2}},
				[2][]byte{s7Message(1, 1, setup), s7Message(3, 1, setup)}, [2][]byte{s7Message(1, 2, parameters), s7Message(3, 2, parameters[:1])})
		}, rule}
	}
	goose := func(src byte, state, count uint32) []byte {
		body := append([]byte{0x80, 15}, "IED1LD/LLN0$GO1"...)
		body = append(body, 0x81, 2, 7, 0xd0, 0x82, 2, 'd', 's', 0x83, 1, 'g', 0x84, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x85, 5, 0)
		body = binary.BigEndian.AppendUint32(body, state)
		body = binary.BigEndian.AppendUint32(append(body, 0x86, 5, 0), count)
		body = append(body, 0x87, 1, 0, 0x88, 1, 1, 0x89, 1, 0, 0x8a, 1, 1, 0xab, 3, 0x83, 1, 0)
		f := []byte{1, 0x0c, 0xcd, 1, 0, 1, 2, 0, 0, 0, 0, src, 0x88, 0xb8, 0, 1, 0, byte(10 + len(body)), 0, 0, 0, 0, 0x61, byte(len(body))}
		return append(f, body...)
	}
	connect := func(version byte) []byte {
		b := []byte{0, 4, 'M', 'Q', 'T', 'T', version, 0xc2, 0, 60}
		if version == 5 {
			b = append(b, 0)
		}
		b = append(b, "\x00\x01a\x00\x05admin\x00\x04pass"...)
		return append([]byte{0x10, byte(len(b))}, b...)
	}
	shapes := []shape{
		{"Modbus: every function is tried", func(w *wire) {
			w.session(5, 6, 502, 50_000, times(99, func(i int) [2][]byte {
				return [2][]byte{modbus(i, byte(i+1), 0, 0, 0, 1), modbus(i, byte(i+1)|0x80, 1)}
			})...)
		}, "exception-storm"},
		{"Modbus: devices are asked what they are", func(w *wire) {
			for d := byte(10); d < 20; d++ {
				w.session(5, d, 502, 10_000, [2][]byte{modbus(1, 0x2b, 14, 1, 0), modbus(1, 0x2b, 14, 1, 1, 0, 0, 1, 0, 3, 'a', 'b', 'c')})
			}
		}, "ics-scan"},
		{"Modbus: a flood of queries", func(w *wire) {
			w.session(5, 6, 502, 800, times(15_000, func(i int) [2][]byte { return [2][]byte{modbus(i, 3, 0, 0, 0, 1), modbus(i, 3, 2, 0, 0)} })...)
		}, "request-flood"},
		{"Modbus: one coil is written again and again", func(w *wire) {
			w.session(5, 6, 502, 20_000, times(600, func(i int) [2][]byte { return [2][]byte{modbus(i, 5, 0, 1, 0xff, 0), modbus(i, 5, 0, 1, 0xff, 0)} })...)
		}, "write-storm"},
		{"IEC 104: commands again and again", func(w *wire) {
			w.session(5, 6, 2404, 50_000, append([][2][]byte{start}, times(400, func(i int) [2][]byte {
				return [2][]byte{iec(i, i, 45, 1, 6, 0, 1, 0, 16, 0, 0, 1), iec(i, i+1, 45, 1, 7, 0, 1, 0, 16, 0, 0, 1)}
			})...)...)
		}, "write-storm"},
		{"IEC 104: a flood of interrogations", func(w *wire) {
			w.session(5, 6, 2404, 800, append([][2][]byte{start}, times(15_000, func(i int) [2][]byte {
				return [2][]byte{iec(i, 0, 100, 1, 6, 0, 1, 0, 0, 0, 0, 20), nil}
			})...)...)
		}, "request-flood"},
		{"MQTT 3.1.1: passwords are tried", func(w *wire) {
			for range 30 {
				w.session(5, 6, 1883, 500_000, [2][]byte{connect(4), {0x20, 2, 0, 5}})
			}
		}, "ics-password"},
		{"MQTT 5: passwords are tried", func(w *wire) {
			for range 30 {
				w.session(5, 6, 1883, 500_000, [2][]byte{connect(5), {0x20, 3, 0, 0x86, 0}})
			}
		}, "ics-password"},
		{"DNP3: SYNs from forged sources", func(w *wire) {
			for i := range 3000 {
				w.ip([4]byte{byte(i*7) | 1, byte(i >> 3), byte(i * 13), byte(i)}, [4]byte{10, 0, 0, 6}, uint16(1025+i), 20000, uint32(i), 0, 2, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"DNP3: 200 SYNs with data from forged sources, whose answers are reset, also those that are sent again", func(w *wire) {
			for round := range 3 {
				for i := range 200 {
					src := [4]byte{byte(i*7) | 1, byte(i >> 3), byte(i * 13), byte(i)}
					if round == 0 {
						w.ip(src, [4]byte{10, 0, 0, 6}, uint16(1025+i), 20000, uint32(i), 0, 2, make([]byte, 120))
					}
					w.ip([4]byte{10, 0, 0, 6}, src, 20000, uint16(1025+i), 9, uint32(i+1), 18, nil)
					w.ip(src, [4]byte{10, 0, 0, 6}, uint16(1025+i), 20000, uint32(i+1), 0, 20, nil)
					w.t += 1_000
				}
				w.t += 1_000_000
			}
		}, "syn-flood"},
		{"Modbus: SYNs from forged sources of the subnet, answered", func(w *wire) {
			for i := range 3000 {
				src := byte(7 + i%240)
				w.segment(src, 6, uint16(1025+i), 502, uint32(i), 0, 2, nil)
				w.segment(6, src, 502, uint16(1025+i), 77, uint32(i+1), 18, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"Modbus: SYNs from forged sources, refused", func(w *wire) {
			for i := range 3000 {
				src := byte(7 + i%240)
				w.segment(src, 6, uint16(1025+i), 502, uint32(i), 0, 2, nil)
				w.segment(6, src, 502, uint16(1025+i), 0, uint32(i+1), 20, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"Modbus: the same SYN from each of some forged sources again and again", func(w *wire) {
			for i := range 3000 {
				w.segment(byte(7+i%240), 6, 20, 502, 0, 0, 2, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"Modbus: the same SYN again and again", func(w *wire) {
			for range 3000 {
				w.segment(5, 6, 20, 502, 0, 0, 2, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"Modbus: the same SYN again and again, its answers reset", func(w *wire) {
			for range 3000 {
				w.segment(5, 6, 20, 502, 0, 0, 2, nil)
				w.segment(6, 5, 502, 20, 9, 1, 18, nil)
				w.segment(5, 6, 20, 502, 1, 0, 4, nil)
				w.t += 3_000
			}
		}, "syn-flood"},
		{"Modbus: every unit is asked, behind a gateway", func(w *wire) {
			w.session(5, 6, 502, 50_000, times(247, func(i int) [2][]byte {
				ask, no := modbus(i, 3, 0, 0, 0, 1), modbus(i, 0x83, 0x0b)
				ask[6], no[6] = byte(i+1), byte(i+1)
				return [2][]byte{ask, no}
			})...)
		}, "exception-storm"},
		{"Modbus: addresses are read until none is refused", func(w *wire) {
			w.session(5, 6, 502, 50_000, times(200, func(i int) [2][]byte {
				return [2][]byte{modbus(i, 3, byte(i), 0, 0, 100), modbus(i, 0x83, 2)}
			})...)
		}, "exception-storm"},
		{"Modbus: every coil is written", func(w *wire) {
			w.session(5, 6, 502, 50_000, times(100, func(i int) [2][]byte {
				return [2][]byte{modbus(i, 5, 0, byte(i), 0xff, 0), modbus(i, 5, 0, byte(i), 0xff, 0)}
			})...)
		}, "write-storm"},
		{"Modbus: many requests in one segment", func(w *wire) {
			w.session(5, 6, 502, 20_000, times(600, func(i int) [2][]byte {
				var many []byte
				for j := range 20 {
					many = append(many, modbus(20*i+j, 3, 0, 0, 0, 1)...)
				}
				return [2][]byte{many, nil}
			})...)
		}, "request-flood"},
		{"Modbus: communications restarted", func(w *wire) {
			w.session(5, 6, 502, 50_000, [2][]byte{modbus(1, 8, 0, 1, 0, 0), modbus(1, 8, 0, 1, 0, 0)})
		}, "plc-restart"},
		{"Modbus: listen only", func(w *wire) { w.session(5, 6, 502, 50_000, [2][]byte{modbus(1, 8, 0, 4, 0, 0), nil}) }, "plc-mode"},
		{"Modbus: counters cleared", func(w *wire) {
			w.session(5, 6, 502, 50_000, [2][]byte{modbus(1, 8, 0, 10, 0, 0), modbus(1, 8, 0, 10, 0, 0)})
		}, "log-clear"},
		dnp3("cold restart", "plc-restart", 13),
		dnp3("warm restart", "plc-restart", 14),
		dnp3("data initialised", "logic-change", 15),
		dnp3("application initialised", "logic-change", 16),
		dnp3("application stopped", "plc-mode", 18),
		dnp3("unsolicited messages disabled", "log-clear", 21, 60, 2, 6),
		dnp3("clock written", "time-change", 2, 50, 1, 7, 1, 1, 2, 3, 4, 5, 6),
		{"DNP3: outputs operated again and again", func(w *wire) {
			operate := outstation(5, 12, 1, 0x28, 1, 0, 0, 0, 3, 1, 100, 0, 0, 0, 100, 0, 0, 0, 0)
			w.session(5, 6, 20000, 500_000, times(60, func(i int) [2][]byte { return [2][]byte{operate, answer} })...)
		}, "write-storm"},
		{"DNP3: devices are asked for their attributes", func(w *wire) {
			for d := byte(10); d < 20; d++ {
				w.session(5, d, 20000, 10_000, [2][]byte{outstation(1, 0, 254, 6), answer})
			}
		}, "ics-scan"},
		{"IEC 104: process reset", func(w *wire) {
			w.session(5, 6, 2404, 50_000, start, [2][]byte{iec(0, 0, 105, 1, 6, 0, 1, 0, 0, 0, 0, 1), iec(0, 1, 105, 1, 7, 0, 1, 0, 0, 0, 0, 1)})
		}, "plc-restart"},
		{"IEC 104: clock set", func(w *wire) {
			w.session(5, 6, 2404, 50_000, start, [2][]byte{iec(0, 0, 103, 1, 6, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 20), nil})
		}, "time-change"},
		{"IEC 104: a flood of counter interrogations", func(w *wire) {
			w.session(5, 6, 2404, 800, append([][2][]byte{start}, times(15_000, func(i int) [2][]byte {
				return [2][]byte{iec(i, 0, 101, 1, 6, 0, 1, 0, 0, 0, 0, 5), nil}
			})...)...)
		}, "request-flood"},
		{"IEC 104: a flood of reads", func(w *wire) {
			w.session(5, 6, 2404, 800, append([][2][]byte{start}, times(15_000, func(i int) [2][]byte {
				return [2][]byte{iec(i, 0, 102, 1, 5, 0, 1, 0, 1, 0, 0), nil}
			})...)...)
		}, "request-flood"},
		{"IEC 104: set points again and again", func(w *wire) {
			w.session(5, 6, 2404, 50_000, append([][2][]byte{start}, times(400, func(i int) [2][]byte {
				return [2][]byte{iec(i, i, 50, 1, 6, 0, 1, 0, 16, 0, 0, 0, 0, 0x80, 0x3f, 0), iec(i, i+1, 50, 1, 7, 0, 1, 0, 16, 0, 0, 0, 0, 0x80, 0x3f, 0)}
			})...)...)
		}, "write-storm"},
		{"IEC 104: a flood of forged points", func(w *wire) {
			w.session(5, 6, 2404, 800, append([][2][]byte{start}, times(15_000, func(i int) [2][]byte {
				return [2][]byte{iec(i, 0, 1, 1, 3, 0, 1, 0, 1, 0, 0, 1), nil}
			})...)...)
		}, "request-flood"},
		{"IEC 104: every common address is interrogated", func(w *wire) {
			w.session(5, 6, 2404, 50_000, append([][2][]byte{start}, times(200, func(i int) [2][]byte {
				return [2][]byte{iec(i, i, 100, 1, 6, 0, byte(i), 0, 0, 0, 0, 20), iec(i, i+1, 100, 1, 0x6e, 0, byte(i), 0, 0, 0, 0, 20)}
			})...)...)
		}, "exception-storm"},
		s7("stop", "plc-mode", 0x29, 0, 0, 0, 0, 0, 9, 'P', '_', 'P', 'R', 'O', 'G', 'R', 'A', 'M'),
		s7("start", "plc-mode", 0x28, 0, 0, 0, 0, 0, 0, 0xfd, 0, 0, 9, 'P', '_', 'P', 'R', 'O', 'G', 'R', 'A', 'M'),
		s7("block downloaded", "program-download", 0x1a, 0, 1, 0, 0, 0, 0, 0, 9, '_', '0', '8', '0', '0', '0', '0', '1', 'P', 0),
		s7("block uploaded", "program-upload", 0x1d, 0, 0, 0, 0, 0, 0, 0, 9, '_', '0', '8', '0', '0', '0', '0', '1', 'A'),
		{"MQTT: a flood of messages", func(w *wire) {
			w.session(5, 6, 1883, 800, append([][2][]byte{{connect(4), {0x20, 2, 0, 0}}}, times(15_000, func(i int) [2][]byte {
				return [2][]byte{{0x30, 6, 0, 1, 'a', 'x', 'y', 'z'}, nil}
			})...)...)
		}, "request-flood"},
		{"GOOSE: an old message is replayed", func(w *wire) {
			for i := range uint32(20) {
				w.frame(goose(5, 7, 100+i))
				w.t += 500_000
				if i%5 == 4 {
					w.frame(goose(5, 3, 9))
					w.t += 500_000
				}
			}
		}, "goose-replay"},
		{"GOOSE: a change of state is forged", func(w *wire) {
			for i := range uint32(20) {
				w.frame(goose(5, 7, 100+i))
				w.t += 500_000
				if i == 9 {
					w.frame(goose(5, 8, 0))
				}
				w.t += 500_000
			}
		}, "goose-replay"},
		{"GOOSE: another device publishes the same", func(w *wire) {
			for i := range uint32(20) {
				w.frame(goose(6, 7, 100+i))
				w.t += 500_000
				if i > 9 {
					w.frame(goose(5, 8, i-10))
				}
				w.t += 500_000
			}
		}, "goose-source"},
		{"Modbus: all connections are used up", func(w *wire) { w.held(5, 6, 502, 60, nil, nil) }, "open-connections"},
		{"HTTP: headers that never end", func(w *wire) { w.held(5, 6, 80, 200, []byte("GET / HTTP/1.1\r\nX-a: b\r\n"), nil) }, "open-connections"},
		{"MQTT: sessions that are only kept", func(w *wire) { w.held(5, 6, 1883, 200, connect(4), []byte{0x20, 2, 0, 0}) }, "open-connections"},
		{"Modbus: malformed messages among good ones", func(w *wire) {
			for i := range 30 {
				good := [2][]byte{modbus(i, 3, 0, 0, 0, 1), modbus(i, 3, 2, 0, 0)}
				w.session(5, 6, 502, 100_000, good, good, [2][]byte{{0, 1, 0xff, 0xff, 0xff, 0xff, 1, 3, 0, 0, 0, 1}, nil})
			}
		}, "malformed"},
		{"ARP: a man in the middle", func(w *wire) {
			for i := range 100 {
				w.session(7, 6, 502, 100_000, [2][]byte{modbus(i, 3, 0, 0, 0, 1), modbus(i, 3, 2, 0, 0)})
				w.arp(7, 7)
				w.arp(6, 6)
				if i > 30 {
					w.arp(5, 6)
					w.arp(5, 7)
				}
				w.t += 500_000
			}
		}, "arp-spoof"},
		{"scan: ports of one host", func(w *wire) {
			for i := range uint16(1000) {
				w.segment(5, 6, 50000, i+1, 1, 0, 2, nil)
				w.segment(6, 5, i+1, 50000, 0, 2, 20, nil)
			}
		}, "port-scan"},
		{"scan: Modbus ports of all hosts", func(w *wire) {
			for i := range byte(200) {
				w.segment(5, i+10, 50000, 502, 1, 0, 2, nil)
				w.t += 10_000
			}
		}, "host-sweep"},
		{"scan: one port a minute", func(w *wire) {
			for i := range uint16(120) {
				w.segment(5, 6, 50000, i+1, 1, 0, 2, nil)
				w.segment(6, 5, i+1, 50000, 0, 2, 20, nil)
				w.t += 60_000_000
			}
		}, "port-scan-slow"},
		{"UDP: a flood", func(w *wire) {
			for range 80_000 {
				w.udp(5, 6, 40000, 9999, make([]byte, 10))
			}
		}, "packet-flood"},
		{"SSH: passwords are tried", func(w *wire) {
			for range 60 {
				w.session(5, 6, 22, 300_000, [2][]byte{[]byte("SSH-2.0-libssh2\r\n"), []byte("SSH-2.0-OpenSSH\r\n")}, [2][]byte{make([]byte, 700), make([]byte, 900)}, [2][]byte{make([]byte, 80), make([]byte, 60)})
			}
		}, "brute-ssh"},
		{"FTP: passwords are tried", func(w *wire) {
			for range 30 {
				w.session(5, 6, 21, 300_000, [2][]byte{[]byte("USER admin\r\n"), []byte("331 password\r\n")}, [2][]byte{[]byte("PASS x\r\n"), []byte("530 Login incorrect.\r\n")})
			}
		}, "brute-ftp"},
		{"HTTP: passwords are tried", func(w *wire) {
			for range 60 {
				w.session(5, 6, 80, 300_000, [2][]byte{[]byte("GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\n\r\n"), []byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")})
			}
		}, "brute-http"},
	}
	for _, c := range shapes {
		b := newBench(t)
		o := binary.LittleEndian
		w := &wire{frames: o.AppendUint32(append(o.AppendUint16(o.AppendUint16(o.AppendUint32(nil, 0xa1b2c3d4), 2), 4), make([]byte, 8)...), 65535)}
		w.frames = o.AppendUint32(w.frames, 1)
		c.make(w)
		file := b.path("shape.pcap")
		if err := os.WriteFile(file, w.frames, 0o600); err != nil {
			t.Fatal(err)
		}
		b.must("detect", "--db", b.db, file)
		_, alerts := builtinLines(b, b.db)
		var told []string
		for _, a := range alerts {
			told = append(told, fmt.Sprintf("%s %s", a.Subkind, a.Severity))
		}
		if !slices.ContainsFunc(alerts, func(a builtinRow) bool {
			return a.Subkind == c.rule && (a.SrcIP == "10.0.0.5" || a.SrcMAC == "02:00:00:00:00:05" || c.rule == "syn-flood" && a.DstIP == "10.0.0.6")
		}) {
			t.Errorf("%s: want %s, told: %v", c.name, c.rule, told)
		}
	}
}
