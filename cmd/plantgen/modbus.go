package main

import "fmt"

// modbusCall is one Modbus request PDU and its answer (without MBAP header).
type modbusCall struct {
	fn     uint8
	class  string
	data   []byte
	answer []byte
	except uint8
	unit   uint8
}

func modbusRead(fn uint8, start uint16, values []uint16) modbusCall {
	d := cat(be16(start), be16(uint16(len(values))))
	return modbusCall{fn: fn, class: "read", unit: 1, data: d,
		answer: append([]byte{byte(2 * len(values))}, wordsBE(values)...)}
}

// modbusCoils reads n coils (01) or discrete inputs (02).
func modbusCoils(fn uint8, start, n uint16) modbusCall {
	a := make([]byte, 1+(n+7)/8)
	a[0] = byte((n + 7) / 8)
	return modbusCall{fn: fn, class: "read", unit: 1, data: cat(be16(start), be16(n)), answer: a}
}

func modbusWrite(addr, value uint16) modbusCall {
	d := cat(be16(addr), be16(value))
	return modbusCall{fn: 6, class: "write", unit: 1, data: d, answer: d}
}

func modbusWriteMany(start uint16, values []uint16) modbusCall {
	return modbusCall{fn: 16, class: "write", unit: 1,
		data:   cat(be16(start), be16(uint16(len(values))), []byte{byte(2 * len(values))}, wordsBE(values)),
		answer: cat(be16(start), be16(uint16(len(values))))}
}

// modbusIdentify is Read Device Identification (2B/0E), basic objects.
func modbusIdentify(vendor, product, revision string) modbusCall {
	a := []byte{0x0e, 1, 1, 0, 0, 3}
	for i, s := range []string{vendor, product, revision} {
		a = append(append(a, byte(i), byte(len(s))), s...)
	}
	return modbusCall{fn: 0x2b, class: "identity", unit: 1, data: []byte{0x0e, 1, 0}, answer: a}
}

// frames adds the MBAP header: transaction, protocol 0, length, unit.
func (m modbusCall) frames(transaction uint16) (req, resp []byte) {
	wrap := func(fn uint8, d []byte) []byte {
		return cat(be16(transaction), []byte{0, 0}, be16(uint16(2+len(d))), []byte{m.unit, fn}, d)
	}
	if m.except != 0 {
		return wrap(m.fn, m.data), wrap(m.fn|0x80, []byte{m.except})
	}
	return wrap(m.fn, m.data), wrap(m.fn, m.answer)
}

func (w *world) modbusOps(c, s ip4, m modbusCall) []*operation {
	dir, status := "response", ""
	if m.except != 0 {
		dir, status = "error", fmt.Sprintf("%02x", m.except)
	}
	code := fmt.Sprintf("%02x", m.fn)
	return []*operation{
		w.op(c.String(), s.String(), "modbus-tcp", code, "request", m.class, ""),
		w.op(s.String(), c.String(), "modbus-tcp", code, dir, m.class, status),
	}
}
