package main

import (
	"encoding/binary"
	"fmt"
)

// finsCall is one FINS command with the data of its answer.
type finsCall struct {
	code   uint16
	class  string
	data   []byte
	answer []byte
	end    uint16
}

// finsRead is a word read of DM (area 82), finsWrite a word write.
func finsRead(addr uint16, values []uint16) finsCall {
	return finsCall{code: 0x0101, class: "read",
		data:   cat([]byte{0x82}, be16(addr), []byte{0}, be16(uint16(len(values)))),
		answer: wordsBE(values)}
}

func finsWrite(addr uint16, values []uint16) finsCall {
	return finsCall{code: 0x0102, class: "write",
		data: cat([]byte{0x82}, be16(addr), []byte{0}, be16(uint16(len(values))), wordsBE(values))}
}

// finsModel is controller_data_read (0501, all of it for data no. 00): 92 bytes.
func finsModel(model, version string) finsCall {
	a := make([]byte, 92)
	copy(a, fmt.Sprintf("%-20.20s", model))
	copy(a[20:], fmt.Sprintf("%-10.10s", version))
	copy(a[30:], fmt.Sprintf("%-10.10s", "01.06"))
	binary.BigEndian.PutUint16(a[80:], 0x000a)
	a[82] = 0x17
	binary.BigEndian.PutUint16(a[83:], 0x8000)
	return finsCall{code: 0x0501, class: "identity", data: []byte{0}, answer: a}
}

// finsStatus is controller_status_read (0601) in RUN mode: 26 bytes.
func finsStatus() finsCall {
	a := make([]byte, 26)
	a[0], a[1] = 1, 4
	return finsCall{code: 0x0601, class: "read", answer: a}
}

func wordsBE(v []uint16) []byte {
	b := make([]byte, 0, 2*len(v))
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}

// frames builds the command and response frames between two nodes' stations.
func (c finsCall) frames(client, server uint8, sid uint8) (req, resp []byte) {
	req = cat([]byte{0x80, 0, 2, 0, server, 0, 0, client, 0, sid}, be16(c.code), c.data)
	resp = cat([]byte{0xc0, 0, 2, 0, client, 0, 0, server, 0, sid}, be16(c.code), be16(c.end), c.answer)
	if c.end != 0 {
		resp = resp[:14]
	}
	return req, resp
}

// finsTCP wraps a body in the 16-byte FINS/TCP envelope.
func finsTCP(command uint32, body []byte) []byte {
	b := []byte("FINS")
	b = binary.BigEndian.AppendUint32(b, uint32(8+len(body)))
	b = binary.BigEndian.AppendUint32(b, command)
	b = binary.BigEndian.AppendUint32(b, 0)
	return append(b, body...)
}

func (w *world) finsOps(c, s ip4, f finsCall) []*operation {
	dir := "response"
	if f.end != 0 {
		dir = "error"
	}
	code := fmt.Sprintf("%04x", f.code)
	return []*operation{
		w.op(c.String(), s.String(), "omron-fins", code, "request", f.class, ""),
		w.op(s.String(), c.String(), "omron-fins", code, dir, f.class, fmt.Sprintf("%04x", f.end)),
	}
}

// finsHello is the node address exchange that opens a FINS/TCP connection.
func (w *world) finsHello(c, s ip4) (req, resp []byte, ops []*operation) {
	req = finsTCP(0, []byte{0, 0, 0, 0})
	resp = finsTCP(1, []byte{0, 0, 0, c[3], 0, 0, 0, s[3]})
	return req, resp, []*operation{
		w.op(c.String(), s.String(), "omron-fins", "tcp:0", "request", "session", ""),
		w.op(s.String(), c.String(), "omron-fins", "tcp:1", "response", "session", ""),
	}
}
