package slmp

import "encoding/binary"

// Frame is the kind of an SLMP message, told by its sub-header.
type Frame uint8

// The frames that carry a header of their own. 1E has none; see e1.go.
const (
	Frame3E  Frame = iota + 1 // 50 00 / D0 00, the "ST" frame
	Frame4E                   // 54 00 / D4 00, the "MT" frame: 3E with a serial number
	FrameLMT                  // 68 00 / E8 00, the MT frame widened for alignment (CC-Link IE TSN)
)

// Header is the head of a 3E, 4E or LMT message, binary or ASCII.
type Header struct {
	Frame    Frame
	ASCII    bool
	Response bool
	// Serial pairs requests with responses; valid iff Frame is not Frame3E.
	Serial uint16
	// Net, Station, IO and Multidrop are the access route: network number,
	// station (PC) number (FF: the own one), module I/O number (03FF: the
	// CPU) and multidrop station. A response repeats its request's.
	Net, Station uint8
	IO           uint16
	Multidrop    uint8
	// Timer is the monitoring timer of a request in 250 ms, 0 for no limit.
	Timer uint16
	// End is the end code of a response, 0 for success.
	End uint16
	// Command and Sub are valid iff HasCommand: in every request, in LMT
	// responses, and in 3E and 4E responses that carry error information.
	Command, Sub uint16
	HasCommand   bool
	// Data is the offset of what follows the header (request: behind the
	// sub-command; response: behind the end code, LMT: behind the
	// sub-command). Size is the whole message's length in bytes by its own
	// length field; both count from the message's first byte.
	Data, Size int
}

// Route is the access route as one comparable number: network, station, I/O
// (2 bytes), multidrop from the highest byte of five.
func (h *Header) Route() uint64 {
	return uint64(h.Net)<<32 | uint64(h.Station)<<24 | uint64(h.IO)<<8 | uint64(h.Multidrop)
}

// Fit says how far bytes are the start of an SLMP message.
type Fit uint8

// Bad: they are not. Short: as far as they go. Good: the header is whole and
// makes sense; the data behind it may still be missing.
const (
	Bad Fit = iota
	Short
	Good
)

// HeaderMax is the most bytes that Parse looks at: the header of an ASCII 4E
// response with its error information (22 characters + 8 + 18).
const HeaderMax = 48

// Parse reads the header at the start of p. It checks the sub-header, the
// constant and the reserved bytes, that the module I/O number is one that
// exists and that the length covers the fixed part. All numbers are
// little-endian in the binary form and most significant digit first in the
// ASCII form. Layouts: fact sheets slmp-melsec (3E, 4E) and cc-link-ie-tsn (LMT).
func Parse(p []byte) (Header, Fit) {
	if len(p) == 0 {
		return Header{}, Short
	}
	switch p[0] {
	case 0x50, 0xd0, 0x54, 0xd4, 0x68, 0xe8:
		return parseBinary(p)
	case '5', 'D':
		return parseASCII(p)
	}
	return Header{}, Bad
}

func parseBinary(p []byte) (h Header, f Fit) {
	if len(p) > 1 && p[1] != 0 {
		return h, Bad
	}
	h.Response = p[0]&0x80 != 0
	route, length, fixed := 2, 7, 9 // offsets of the route, of the length field and of what it counts
	switch p[0] & 0x7f {
	case 0x50:
		h.Frame = Frame3E
	case 0x54:
		h.Frame, route, length, fixed = Frame4E, 6, 11, 13
	case 0x68:
		h.Frame, route, length, fixed = FrameLMT, 6, 14, 16
	}
	if h.Frame != Frame3E {
		if len(p) > 4 && p[4] != 0 || len(p) > 5 && p[5] != 0 {
			return h, Bad
		}
	}
	if len(p) < fixed {
		return h, Short
	}
	if h.Frame != Frame3E {
		h.Serial = binary.LittleEndian.Uint16(p[2:])
	}
	h.Net, h.Station = p[route], p[route+1]
	h.IO = binary.LittleEndian.Uint16(p[route+2:])
	h.Multidrop = p[route+4]
	if !validIO(h.IO) {
		return h, Bad
	}
	n := int(binary.LittleEndian.Uint16(p[length:]))
	h.Size = fixed + n
	lmt := h.Frame == FrameLMT
	h.Data = fixed + 6
	least := 6
	if h.Response && !lmt {
		h.Data, least = fixed+2, 2
	}
	if n < least {
		return h, Bad
	}
	if len(p) < h.Data {
		return h, Short
	}
	word := func(off int) uint16 { return binary.LittleEndian.Uint16(p[off:]) }
	if h.Response {
		h.End = word(fixed)
	} else {
		h.Timer = word(fixed)
	}
	switch {
	case !h.Response || lmt:
		h.Command, h.Sub, h.HasCommand = word(fixed+2), word(fixed+4), true
	case h.End != 0 && n >= 11:
		// Error information: the route once more, then the failed command.
		if len(p) < h.Data+9 {
			return h, Short
		}
		h.Command, h.Sub, h.HasCommand = word(h.Data+5), word(h.Data+7), true
	}
	return h, Good
}

func parseASCII(p []byte) (h Header, f Fit) {
	h.ASCII = true
	h.Response = p[0] == 'D'
	if len(p) > 1 && p[1] != '0' && p[1] != '4' {
		return h, Bad
	}
	for i := 2; i < len(p) && i < 4; i++ {
		if p[i] != '0' {
			return h, Bad
		}
	}
	if len(p) < 4 {
		return h, Short
	}
	h.Frame = Frame3E
	route := 4
	if p[1] == '4' {
		h.Frame, route = Frame4E, 12
		for i := 8; i < len(p) && i < 12; i++ {
			if p[i] != '0' {
				return h, Bad
			}
		}
	}
	length := route + 10
	fixed := length + 4
	least := 12 // characters that the length counts at least: timer, command, sub-command
	if h.Response {
		least = 4
	}
	h.Data = fixed + least
	for i := 4; i < len(p) && i < h.Data; i++ {
		if digit(p[i]) < 0 {
			return h, Bad
		}
	}
	if len(p) < fixed {
		return h, Short
	}
	if h.Frame == Frame4E {
		h.Serial = hex(p[4:8])
	}
	h.Net, h.Station = uint8(hex(p[route:route+2])), uint8(hex(p[route+2:route+4]))
	h.IO = hex(p[route+4 : route+8])
	h.Multidrop = uint8(hex(p[route+8 : route+10]))
	if !validIO(h.IO) {
		return h, Bad
	}
	n := int(hex(p[length:fixed]))
	if n < least {
		return h, Bad
	}
	h.Size = fixed + n
	if len(p) < h.Data {
		return h, Short
	}
	if !h.Response {
		h.Timer = hex(p[fixed : fixed+4])
		h.Command, h.Sub, h.HasCommand = hex(p[fixed+4:fixed+8]), hex(p[fixed+8:fixed+12]), true
		return h, Good
	}
	h.End = hex(p[fixed : fixed+4])
	if h.End != 0 && n >= 4+18 {
		if len(p) < h.Data+18 {
			return h, Short
		}
		for _, c := range p[h.Data : h.Data+18] {
			if digit(c) < 0 {
				return h, Good // other error information
			}
		}
		h.Command = hex(p[h.Data+10 : h.Data+14])
		h.Sub, h.HasCommand = hex(p[h.Data+14:h.Data+18]), true
	}
	return h, Good
}

// validIO says whether a module I/O number exists: CPUs and redundant systems
// 03D0–03D3, multiple CPUs 03E0–03E3, the own CPU 03FF, multidrop 0000–01FF.
func validIO(io uint16) bool {
	return io == 0x3ff || io >= 0x3d0 && io <= 0x3d3 || io >= 0x3e0 && io <= 0x3e3 || io <= 0x1ff
}

// digit is the value of a hexadecimal digit, -1 for another byte. Devices write
// capitals; small letters are read too.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}

// hex reads up to four hexadecimal digits; other bytes count as 0.
func hex(p []byte) (v uint16) {
	for _, c := range p {
		v = v<<4 | uint16(max(digit(c), 0))
	}
	return v
}
