package s7comm

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// functions of jobs and their answers: fact sheet s7comm.
var functions = [256]entry{
	0x00:      {"CPU services", ot.Other},
	0x04:      {"read var", ot.Read},
	0x05:      {"write var", ot.Write},
	0x1a:      {"request download", ot.Control},
	0x1b:      {"download block", ot.Control},
	0x1c:      {"download ended", ot.Control},
	0x1d:      {"start upload", ot.Read},
	0x1e:      {"upload", ot.Read},
	0x1f:      {"end upload", ot.Read},
	fnControl: {"PLC control", ot.Control},
	fnStop:    {"PLC stop", ot.Control},
	fnSetup:   {"setup communication", ot.Connect},
}

// programServices are what PLC control (28) asks for, by name.
var programServices = [...]struct{ service, name string }{
	{"P_PROGRAM", "start"},
	{"_INSE", "activate block"},
	{"_DELE", "delete block"},
	{"_GARB", "compress memory"},
	{"_MODU", "copy RAM to ROM"},
}

var groups = [16]string{"mode transition", "programmer", "cyclic", "block", "CPU", "security", "BSEND/BRECV", "time", 15: "NC"}

// userdataFunctions by group<<8 | sub-function: fact sheet s7comm.
var userdataFunctions = map[uint16]entry{
	0x000: {"stop", ot.Other},
	0x001: {"warm restart", ot.Other},
	0x002: {"run", ot.Other},
	0x003: {"hot restart", ot.Other},
	0x004: {"hold", ot.Other},
	0x006: {"cold restart", ot.Other},
	0x101: {"block status", ot.Read},
	0x102: {"variable status", ot.Read},
	0x107: {"force", ot.Control},
	0x108: {"modify variable", ot.Write},
	0x109: {"force", ot.Control},
	0x10c: {"memory reset", ot.Control},
	0x10e: {"read diagnostic data", ot.Read},
	0x10f: {"remove diagnostic data", ot.Other},
	0x110: {"force jobs", ot.Other},
	0x113: {"block status", ot.Read},
	0x116: {"flash LED", ot.Control},
	0x201: {"subscribe", ot.Read},
	0x204: {"unsubscribe", ot.Read},
	0x205: {"change driven", ot.Read},
	0x207: {"change driven, modified", ot.Read},
	0x301: {"list blocks", ot.Read},
	0x302: {"list blocks of type", ot.Read},
	0x303: {"block info", ot.Read},
	0x401: {"read SZL", ot.Identity},
	0x402: {"message service", ot.Connect},
	0x403: {"diagnostic message", ot.Read},
	0x405: {"alarm", ot.Read},
	0x406: {"alarm", ot.Read},
	0x413: {"alarm query", ot.Read},
	0x501: {"password", ot.Control},
	0x502: {"cancel password", ot.Control}, // as snap7's ClearSessionPassword sends it
	0x701: {"read clock", ot.Read},
	0x702: {"set clock", ot.Control},
	0x703: {"read clock following", ot.Read},
	0x704: {"set clock following", ot.Control},
}

const createObject = 0x04ca

// plusFunctions of S7comm-plus: fact sheet s7comm.
var plusFunctions = map[uint16]entry{
	0x04bb:       {"explore", ot.Read},
	createObject: {"create object", ot.Connect},
	0x04d4:       {"delete object", ot.Connect},
	0x04f2:       {"set variable", ot.Write},
	0x0524:       {"get link", ot.Read},
	0x0542:       {"set multi variables", ot.Write},
	0x054c:       {"get multi variables", ot.Read},
	0x0556:       {"begin sequence", ot.Other},
	0x0560:       {"end sequence", ot.Other},
	0x056b:       {"invoke", ot.Control},
	0x0586:       {"get variable substreamed", ot.Read},
}

func userdataClass(group, sub byte) ot.Class {
	return userdataFunctions[uint16(group)<<8|uint16(sub)].class
}

func function(code uint64) ot.Function {
	switch code & kindMask {
	case kindUserdata:
		group, sub := byte(code>>8)&15, byte(code)
		f := ot.Function{Code: fmt.Sprintf("%x:%02x", group, sub)}
		name := groups[group]
		if name == "" {
			name = fmt.Sprintf("group 0x%x", group)
		}
		if e, ok := userdataFunctions[uint16(group)<<8|uint16(sub)]; ok {
			f.Name = name + ": " + e.name
		} else {
			f.Name = fmt.Sprintf("%s: unknown 0x%02x", name, sub)
		}
		return f
	case kindPlus:
		f := ot.Function{Code: fmt.Sprintf("%04x", uint16(code))}
		switch byte(code >> 16) {
		case 0xfe:
			f.Name = "S7comm-plus keep-alive"
		case 0x33:
			f.Name = "S7comm-plus notification"
		default:
			f.Name = "S7comm-plus " + plusFunctions[uint16(code)].name
		}
		return f
	case kindAck:
		return ot.Function{Code: "", Name: "acknowledge"}
	}
	fn := byte(code)
	f := ot.Function{Code: fmt.Sprintf("%02x", fn)}
	e := functions[fn]
	if e.name == "" {
		f.Name = fmt.Sprintf("unknown 0x%02x", fn)
		return f
	}
	f.Name = e.name
	if i := int(byte(code >> 8)); fn == fnControl && i > 0 && i <= len(programServices) {
		f.Name += ": " + programServices[i-1].name
	}
	return f
}

// errorClasses are the high byte of a status.
var errorClasses = map[byte]string{
	0x81: "application error",
	0x82: "object error",
	0x83: "resource error",
	0x84: "service error",
	0x85: "supply error",
	0x87: "access error",
}

func statusName(status uint32) string {
	if status == 0 {
		return "no error"
	}
	return errorClasses[byte(status>>8)]
}

// table lists the functions; those of S7comm-plus have four digits.
func table() []ot.TableRow {
	var rows []ot.TableRow
	for fn, e := range functions {
		if e.name != "" {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", fn), Name: e.name, Class: e.class})
		}
	}
	for _, p := range programServices {
		rows = append(rows, ot.TableRow{Code: "28 " + p.service, Name: "PLC control: " + p.name, Class: ot.Control})
	}
	for fn, e := range userdataFunctions {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%x:%02x", fn>>8, byte(fn)), Name: groups[fn>>8] + ": " + e.name, Class: e.class})
	}
	for fn, e := range plusFunctions {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", fn), Name: "S7comm-plus " + e.name, Class: e.class})
	}
	rows = append(rows, ot.TableRow{Code: "0000", Name: "S7comm-plus keep-alive, notification", Class: ot.Connect})
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
