package modbus

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// functions by code: Modbus Application Protocol V1.1b3; fact sheet modbus-tcp.
var functions = [256]entry{
	0x01: {"read coils", ot.Read},
	0x02: {"read discrete inputs", ot.Read},
	0x03: {"read holding registers", ot.Read},
	0x04: {"read input registers", ot.Read},
	0x05: {"write single coil", ot.Write},
	0x06: {"write single register", ot.Write},
	0x07: {"read exception status", ot.Read},
	0x08: {"diagnostics", ot.Other},
	0x0b: {"get comm event counter", ot.Read},
	0x0c: {"get comm event log", ot.Read},
	0x0f: {"write multiple coils", ot.Write},
	0x10: {"write multiple registers", ot.Write},
	0x11: {"report server id", ot.Identity},
	0x14: {"read file record", ot.Read},
	0x15: {"write file record", ot.Write},
	0x16: {"mask write register", ot.Write},
	0x17: {"read/write multiple registers", ot.Write},
	0x18: {"read FIFO queue", ot.Read},
	0x2b: {"encapsulated interface transport", ot.Other},
	0x5a: {"UMAS", ot.Other},
}

// subFunctions of diagnostics (08). Restart, listen-only and clearing change
// how the device runs.
var subFunctions = map[uint16]entry{
	0x00: {"return query data", ot.Other},
	0x01: {"restart communications", ot.Control},
	0x02: {"return diagnostic register", ot.Read},
	0x03: {"change ASCII input delimiter", ot.Control},
	0x04: {"force listen-only mode", ot.Control},
	0x0a: {"clear counters", ot.Control},
	0x0b: {"return bus message count", ot.Read},
	0x0c: {"return bus communication error count", ot.Read},
	0x0d: {"return bus exception error count", ot.Read},
	0x0e: {"return server message count", ot.Read},
	0x0f: {"return server no response count", ot.Read},
	0x10: {"return server NAK count", ot.Read},
	0x11: {"return server busy count", ot.Read},
	0x12: {"return bus character overrun count", ot.Read},
	0x14: {"clear overrun counter", ot.Control},
}

// meiTypes of the encapsulated interface transport (2B).
var meiTypes = map[byte]entry{
	0x0d: {"CANopen general reference", ot.Write},
	0x0e: {"read device identification", ot.Identity},
}

const umasReadID = 0x02

// umasFunctions inside 5A: community-documented, see README.md.
var umasFunctions = map[byte]entry{
	0x01: {"init comm", ot.Connect},
	0x02: {"read id", ot.Identity},
	0x03: {"read project info", ot.Read},
	0x04: {"read PLC info", ot.Read},
	0x06: {"read card info", ot.Read},
	0x0a: {"repeat", ot.Other},
	0x10: {"take PLC reservation", ot.Control},
	0x11: {"release PLC reservation", ot.Control},
	0x12: {"keep alive", ot.Connect},
	0x20: {"read memory block", ot.Read},
	0x21: {"write memory block", ot.Write},
	0x22: {"read variables", ot.Read},
	0x23: {"write variables", ot.Write},
	0x24: {"read coils/registers", ot.Read},
	0x25: {"write coils/registers", ot.Write},
	0x30: {"download begin", ot.Control},
	0x31: {"download block", ot.Control},
	0x32: {"download end", ot.Control},
	0x33: {"upload begin", ot.Read},
	0x34: {"upload block", ot.Read},
	0x35: {"upload end", ot.Read},
	0x39: {"memory card", ot.Read},
	0x40: {"start PLC", ot.Control},
	0x41: {"stop PLC", ot.Control},
	0x50: {"monitor PLC", ot.Read},
	0x51: {"monitor PLC", ot.Read},
	0x58: {"check PLC", ot.Read},
	0x70: {"read I/O object", ot.Read},
	0x71: {"write I/O object", ot.Write},
	0x73: {"get status", ot.Read},
}

// exceptions by code; FD is UMAS's own.
var exceptions = map[byte]string{
	0x01: "illegal function",
	0x02: "illegal data address",
	0x03: "illegal data value",
	0x04: "server device failure",
	0x05: "acknowledge",
	0x06: "server device busy",
	0x07: "negative acknowledge",
	0x08: "memory parity error",
	0x0a: "gateway path unavailable",
	0x0b: "gateway target failed to respond",
	0xfd: "UMAS error",
}

func classOf(fn byte) ot.Class { return functions[fn].class }

func function(code uint64) ot.Function {
	fn := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", fn)}
	e := functions[fn]
	switch {
	case e.name != "":
		f.Name = e.name
	case fn >= 0x41 && fn <= 0x48 || fn >= 0x64 && fn <= 0x6e:
		f.Name = fmt.Sprintf("user-defined 0x%02x", fn)
	case fn >= 0x7d && fn <= 0x7f:
		f.Name = fmt.Sprintf("vendor 0x%02x", fn)
	default:
		f.Name = fmt.Sprintf("unknown 0x%02x", fn)
	}
	if code&known == 0 {
		return f
	}
	switch sub := uint16(code >> 8); fn {
	case diagnostics:
		f.Name += ": " + subFunctions[sub].name
	case meiCarrier:
		f.Name = meiTypes[byte(sub)].name
	case umas:
		if u, ok := umasFunctions[byte(sub)]; ok {
			f.Name = "UMAS " + u.name
		} else {
			f.Name = fmt.Sprintf("UMAS unknown 0x%02x", byte(sub))
		}
	}
	return f
}

// table lists the functions, with the sub-functions that have a name behind a
// colon: the code column of listings shows what stands before it.
func table() []ot.TableRow {
	var rows []ot.TableRow
	add := func(code string, e entry) { rows = append(rows, ot.TableRow{Code: code, Name: e.name, Class: e.class}) }
	for fn, e := range functions {
		if e.name != "" {
			add(fmt.Sprintf("%02x", fn), e)
		}
	}
	for sub, e := range subFunctions {
		add(fmt.Sprintf("08 sub-function %04x", sub), e)
	}
	for mei, e := range meiTypes {
		add(fmt.Sprintf("2b type %02x", mei), e)
	}
	for fn, e := range umasFunctions {
		add(fmt.Sprintf("5a UMAS %02x", fn), e)
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
