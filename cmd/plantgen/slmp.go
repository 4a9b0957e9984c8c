package main

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// slmpCall is one SLMP request with the data of its answer, before framing.
type slmpCall struct {
	cmd, sub  uint16
	class     string
	data      []byte // request data, binary
	answer    []byte // response data, binary
	end       uint16 // end code
	ascii     string // request data in ASCII mode; "" = hex of data
	answerASC string
}

func (c slmpCall) code() string { return fmt.Sprintf("%04x:%04x", c.cmd, c.sub) }

// slmpDevice is the specification "head device, code, points" of 0401/1401
// (binary: number 3 LE, code 1, points 2 LE) and its ASCII form.
func slmpDevice(code uint8, name string, head uint32, points uint16) ([]byte, string) {
	b := []byte{byte(head), byte(head >> 8), byte(head >> 16), code, byte(points), byte(points >> 8)}
	return b, fmt.Sprintf("%-2s", name)[:2] + fmt.Sprintf("%06d%04X", head, points)
}

func hexWords(v []uint16) string {
	var b strings.Builder
	for _, x := range v {
		fmt.Fprintf(&b, "%04X", x)
	}
	return b.String()
}

func wordsLE(v []uint16) []byte {
	b := make([]byte, 0, 2*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint16(b, x)
	}
	return b
}

// slmpRead is a batch read of words (0401:0000).
func slmpRead(head uint32, values []uint16) slmpCall {
	d, a := slmpDevice(0xa8, "D*", head, uint16(len(values)))
	return slmpCall{cmd: 0x0401, class: "read", data: d, ascii: a, answer: wordsLE(values), answerASC: hexWords(values)}
}

// slmpReadBits is a batch read of bits (0401:0001), two points a byte.
func slmpReadBits(head uint32, n int) slmpCall {
	d, a := slmpDevice(0x90, "M*", head, uint16(n))
	return slmpCall{cmd: 0x0401, sub: 1, class: "read", data: d, ascii: a,
		answer: make([]byte, (n+1)/2), answerASC: strings.Repeat("0", n)}
}

// slmpWrite is a batch write of words (1401:0000).
func slmpWrite(head uint32, values []uint16) slmpCall {
	d, a := slmpDevice(0xa8, "D*", head, uint16(len(values)))
	return slmpCall{cmd: 0x1401, class: "write", data: append(d, wordsLE(values)...), ascii: a + hexWords(values)}
}

// slmpWriteBlocks is a block write (1406:0000) of word blocks: a recipe.
func slmpWriteBlocks(head uint32, blocks [][]uint16) slmpCall {
	b := []byte{byte(len(blocks)), 0}
	a := fmt.Sprintf("%02X00", len(blocks))
	for i, v := range blocks {
		d, s := slmpDevice(0xa8, "D*", head+uint32(100*i), uint16(len(v)))
		b = append(append(b, d...), wordsLE(v)...)
		a += s + hexWords(v)
	}
	return slmpCall{cmd: 0x1406, class: "write", data: b, ascii: a}
}

// slmpTypeName is Read Type Name (0101): 16 characters, which ASCII mode leaves as they are, and the model code.
func slmpTypeName(model string, code uint16) slmpCall {
	name := fmt.Sprintf("%-16.16s", model)
	return slmpCall{cmd: 0x0101, class: "identity", answer: append([]byte(name), le16(code)...), answerASC: fmt.Sprintf("%s%04X", name, code)}
}

// slmpRemote is a remote operation (1001 RUN, 1002 STOP, 1003 PAUSE).
func slmpRemote(cmd uint16) slmpCall {
	d := []byte{1, 0}
	if cmd == 0x1001 {
		d = []byte{1, 0, 0, 0}
	}
	return slmpCall{cmd: cmd, class: "control", data: d}
}

// slmpPassword is Remote Password Unlock (1630): length and clear text.
func slmpPassword(pw string, end uint16) slmpCall {
	return slmpCall{cmd: 0x1630, class: "control", data: append(le16(uint16(len(pw))), pw...), end: end}
}

// frames builds request and response in dialect "3E", "4E", "3E-ascii",
// "4E-ascii" for the own station (network 0, station FF, I/O 03FF).
func (c slmpCall) frames(dialect string, serial uint16) (req, resp []byte) {
	answer := c.answer
	asc := c.answerASC
	if asc == "" {
		asc = strings.ToUpper(fmt.Sprintf("%x", c.answer))
	}
	if c.end != 0 {
		answer = cat([]byte{0, 0xff, 0xff, 0x03, 0}, le16(c.cmd), le16(c.sub))
		asc = fmt.Sprintf("00FF03FF00%04X%04X", c.cmd, c.sub)
	}
	if strings.HasSuffix(dialect, "-ascii") {
		data := c.ascii
		if data == "" {
			data = strings.ToUpper(fmt.Sprintf("%x", c.data))
		}
		q := fmt.Sprintf("0010%04X%04X%s", c.cmd, c.sub, data)
		a := fmt.Sprintf("%04X%s", c.end, asc)
		qh, ah := "5000", "D000"
		if dialect[0] == '4' {
			qh, ah = fmt.Sprintf("5400%04X0000", serial), fmt.Sprintf("D400%04X0000", serial)
		}
		return fmt.Appendf(nil, "%s00FF03FF00%04X%s", qh, len(q), q), fmt.Appendf(nil, "%s00FF03FF00%04X%s", ah, len(a), a)
	}
	route := []byte{0, 0xff, 0xff, 0x03, 0}
	q := cat(le16(16), le16(c.cmd), le16(c.sub), c.data)
	a := cat(le16(c.end), answer)
	qh, ah := []byte{0x50, 0}, []byte{0xd0, 0}
	if dialect[0] == '4' {
		qh = cat([]byte{0x54, 0}, le16(serial), []byte{0, 0})
		ah = cat([]byte{0xd4, 0}, le16(serial), []byte{0, 0})
	}
	return cat(qh, route, le16(uint16(len(q))), q), cat(ah, route, le16(uint16(len(a))), a)
}

// slmp1E builds a 1E binary word read (cmd 01) or write (03) and its answer.
func slmp1E(cmd uint8, head uint32, values []uint16) (req, resp []byte) {
	req = cat([]byte{cmd, 0xff}, le16(16), binary.LittleEndian.AppendUint32(nil, head), []byte{0x20, 0x44, byte(len(values)), 0})
	resp = []byte{cmd | 0x80, 0}
	if cmd == 3 {
		req = append(req, wordsLE(values)...)
	} else {
		resp = append(resp, wordsLE(values)...)
	}
	return req, resp
}

// slmpOps returns the counters of a request and its answer.
func (w *world) slmpOps(c, s ip4, code, class string, end uint16) []*operation {
	dir, status := "response", ""
	if end != 0 {
		dir = "error"
	}
	if len(code) > 2 {
		status = fmt.Sprintf("%04x", end)
	} else {
		status = fmt.Sprintf("%02x", end)
	}
	return []*operation{
		w.op(c.String(), s.String(), "slmp-melsec", code, "request", class, ""),
		w.op(s.String(), c.String(), "slmp-melsec", code, dir, class, status),
	}
}
