package slmp

import (
	"encoding/binary"

	"osect/decode/ot"
)

// commands1E by sub-header: fact sheet slmp-melsec, section 5.
var commands1E = [0x3d]command{
	0x00: {"1E Batch Read (bit)", ot.Read},
	0x01: {"1E Batch Read (word)", ot.Read},
	0x02: {"1E Batch Write (bit)", ot.Write},
	0x03: {"1E Batch Write (word)", ot.Write},
	0x04: {"1E Test (bit)", ot.Write},
	0x05: {"1E Test (word)", ot.Write},
	0x06: {"1E Monitor Registration (bit)", ot.Read},
	0x07: {"1E Monitor Registration (word)", ot.Read},
	0x08: {"1E Monitor (bit)", ot.Read},
	0x09: {"1E Monitor (word)", ot.Read},
	0x0e: {"1E Special Module Buffer Read", ot.Read},
	0x0f: {"1E Special Module Buffer Write", ot.Write},
	0x13: {"1E Remote RUN", ot.Control},
	0x14: {"1E Remote STOP", ot.Control},
	0x15: {"1E PC Type Read", ot.Identity},
	0x16: {"1E Loopback Test", ot.Other},
	0x17: {"1E Extension File Register Read", ot.Read},
	0x18: {"1E Extension File Register Write", ot.Write},
	0x19: {"1E Extension File Register Test", ot.Write},
	0x1a: {"1E Extension File Register Monitor Registration", ot.Read},
	0x1b: {"1E Extension File Register Monitor", ot.Read},
	0x3b: {"1E Extension File Register Direct Read", ot.Read},
	0x3c: {"1E Extension File Register Direct Write", ot.Write},
}

// devices1E are the device codes of 1E requests: two letters, a blank behind
// single ones.
var devices1E = [...]uint16{
	'D'<<8 | ' ', 'W'<<8 | ' ', 'R'<<8 | ' ', 'X'<<8 | ' ', 'Y'<<8 | ' ', 'M'<<8 | ' ', 'L'<<8 | ' ',
	'S'<<8 | ' ', 'B'<<8 | ' ', 'F'<<8 | ' ',
	'T'<<8 | 'N', 'T'<<8 | 'S', 'T'<<8 | 'C', 'C'<<8 | 'N', 'C'<<8 | 'S', 'C'<<8 | 'C',
}

func knownDevice1E(code uint16) bool {
	for _, d := range devices1E {
		if d == code {
			return true
		}
	}
	return false
}

// request1E is a 1E request as far as it is understood.
type request1E struct {
	ascii bool
	cmd   byte
	pc    byte
	// size is the request's length in bytes; 0 where the command's layout is
	// not known, so that only a datagram's end tells it.
	size int
	// answer is the length in bytes of the good response, header included; 0 not known.
	answer int
	// points of a monitor registration.
	points int
	// strict says that the bytes have structure beyond the four of the head.
	strict bool
}

// octet reads byte i of a 1E message in either form; the caller has checked
// the length.
func octet(p []byte, i int, ascii bool) byte {
	if ascii {
		return byte(hex(p[2*i : 2*i+2]))
	}
	return p[i]
}

// parse1E reads a 1E request: command, PC number, monitoring timer (2 bytes),
// then by command. Multi-byte fields are little-endian in binary and written
// most significant digit first in ASCII, where each byte is two characters.
// monitored is the number of points that a monitor request would answer with.
func parse1E(p []byte, monitored [2]int) (r request1E, f Fit) {
	if len(p) == 0 {
		return r, Short
	}
	w := 1 // bytes on the wire for one byte of the binary form
	if c := p[0]; c >= '0' && c <= '3' {
		r.ascii, w = true, 2
		for i := 0; i < len(p) && i < 8; i++ {
			if digit(p[i]) < 0 {
				return r, Bad
			}
		}
	}
	if len(p) < w {
		return r, Short
	}
	r.cmd = octet(p, 0, r.ascii)
	if int(r.cmd) >= len(commands1E) || commands1E[r.cmd].name == "" {
		return r, Bad
	}
	if len(p) < 4*w {
		return r, Short
	}
	r.pc = octet(p, 1, r.ascii)
	// The device specification of the batch commands is the number (4 bytes) and
	// the device code (2); ASCII writes the code first.
	device := func(off int) uint16 {
		if r.ascii {
			return hex(p[off*2 : off*2+4])
		}
		return binary.LittleEndian.Uint16(p[off+4:])
	}
	half := func(n int) int { return (n + 1) / 2 }
	switch r.cmd {
	case 0x00, 0x01, 0x02, 0x03:
		if len(p) < 12*w {
			return r, Short
		}
		if !knownDevice1E(device(4)) || octet(p, 11, r.ascii) != 0 {
			return r, Bad
		}
		n := int(octet(p, 10, r.ascii))
		if n == 0 {
			n = 256
		}
		bits := n // characters; in binary two points a byte
		if !r.ascii {
			bits = half(n)
		}
		r.strict = true
		r.size, r.answer = 12*w, 2*w
		switch r.cmd {
		case 0x00:
			r.answer += bits
		case 0x01:
			r.answer += 2 * n * w
		case 0x02:
			r.size += bits
		case 0x03:
			r.size += 2 * n * w
		}
	case 0x04, 0x05, 0x06, 0x07:
		if len(p) < 6*w {
			return r, Short
		}
		n := int(octet(p, 4, r.ascii))
		if n == 0 || octet(p, 5, r.ascii) != 0 {
			return r, Bad
		}
		each := [4]int{7, 8, 6, 6}[r.cmd-4]
		r.size, r.answer = (6+n*each)*w, 2*w
		if len(p) < 12*w {
			return r, Short
		}
		if !knownDevice1E(device(6)) {
			return r, Bad
		}
		r.strict = true
		if r.cmd >= 0x06 {
			r.points = n
		}
	case 0x08, 0x09:
		r.size = 4 * w
		if n := monitored[r.cmd-8]; n > 0 {
			bits := n
			if !r.ascii {
				bits = half(n)
			}
			r.answer = 2*w + bits
			if r.cmd == 0x09 {
				r.answer = 2*w + 2*n*w
			}
		}
	case 0x13, 0x14:
		r.size, r.answer = 4*w, 2*w
	case 0x15:
		r.size, r.answer = 4*w, 4*w
	case 0x16:
		if len(p) < 5*w {
			return r, Short
		}
		n := int(octet(p, 4, r.ascii))
		if n == 0 {
			return r, Bad
		}
		r.size, r.answer = (5+n)*w, (3+n)*w
	}
	return r, Good
}

// response1E reads a 1E response to the request want: command + 80 hex, end
// code, and behind 5B an abnormal code and 00. size is the response's length
// in bytes, 0 where only a datagram's end tells it.
func response1E(p []byte, want pending1E) (status uint32, size int, f Fit) {
	w := 1
	if want.ascii {
		w = 2
		for i := 0; i < len(p) && i < 4; i++ {
			if digit(p[i]) < 0 {
				return 0, 0, Bad
			}
		}
	}
	if len(p) < w {
		return 0, 0, Short
	}
	if octet(p, 0, want.ascii) != want.cmd|0x80 {
		return 0, 0, Bad
	}
	if len(p) < 2*w {
		return 0, 0, Short
	}
	switch end := octet(p, 1, want.ascii); end {
	case 0:
		return status1E, want.answer, Good
	case 0x5b:
		if len(p) < 4*w {
			return 0, 0, Short
		}
		if want.ascii && (digit(p[4]) < 0 || digit(p[5]) < 0) {
			return 0, 0, Bad
		}
		return status1E | uint32(end)<<8 | uint32(octet(p, 2, want.ascii)), 4 * w, Good
	default:
		if end < 0x50 || end > 0x60 {
			return 0, 0, Bad
		}
		return status1E | uint32(end)<<8, 2 * w, Good
	}
}

// pending1E is a 1E request that waits for its response.
type pending1E struct {
	ascii  bool
	cmd    byte
	pc     byte
	answer int
}
