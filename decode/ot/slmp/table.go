package slmp

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type command struct {
	name  string
	class ot.Class
}

// commands of 3E, 4E and LMT frames: fact sheet slmp-melsec, section 4, whose
// "W" is Write and whose "!" is Control.
var commands = map[uint16]command{
	0x0101: {"Read Type Name", ot.Identity},
	0x0201: {"Read File Info (no header)", ot.Read},
	0x0202: {"Read File Info (with header)", ot.Read},
	0x0203: {"File Search", ot.Read},
	0x0204: {"Read File Number Info", ot.Read},
	0x0205: {"Read Disk State", ot.Read},
	0x0206: {"File Read (type A)", ot.Read},
	0x0401: {"Device Read", ot.Read},
	0x0403: {"Device Read Random", ot.Read},
	0x0406: {"Device Read Block", ot.Read},
	0x041a: {"Array Label Read", ot.Read},
	0x041c: {"Label Read Random", ot.Read},
	0x0601: {"Extend Unit Read", ot.Read},
	0x0613: {"Memory Read", ot.Read},
	0x0619: {"Self Test", ot.Other},
	0x0801: {"Entry Monitor Device", ot.Read},
	0x0802: {"Execute Monitor", ot.Read},
	0x0808: {"File Lock/Unlock", ot.Control},
	0x0e28: {"Device Identification Info Get", ot.Identity},
	0x0e29: {"Data Monitoring", ot.Read},
	0x0e30: {"Node Search", ot.Identity},
	0x0e31: {"IP Address Set", ot.Control},
	0x0e32: {"Device Info Compare", ot.Identity},
	0x0e33: {"Parameter Get", ot.Read},
	0x0e34: {"Parameter Update", ot.Control},
	0x0e35: {"Parameter Set Start", ot.Control},
	0x0e36: {"Parameter Set End", ot.Control},
	0x0e3a: {"Parameter Set Cancel", ot.Write},
	0x0e44: {"Status Read", ot.Read},
	0x0e45: {"Communication Setting Get", ot.Read},
	0x0e53: {"Status Read 2", ot.Read},
	0x0e70: {"Cyclic (CC-Link IE Field Basic)", ot.Cyclic},
	0x0e90: {"Network Config (CC-Link IE TSN)", ot.Control},
	0x0e91: {"Master Config (CC-Link IE TSN)", ot.Control},
	0x0e92: {"Slave Config (CC-Link IE TSN)", ot.Control},
	0x0e93: {"Cyclic Config (CC-Link IE TSN)", ot.Control},
	0x0e94: {"Notification (CC-Link IE TSN)", ot.Other},
	0x0eb0: {"Get Communication Set", ot.Read},
	0x0eb1: {"Get Station Sub-ID List", ot.Read},
	0x0eb2: {"Get Device Info", ot.Identity},
	0x0eb3: {"Start Backup", ot.Read},
	0x0eb4: {"End Backup", ot.Read},
	0x0eb5: {"Request Backup", ot.Read},
	0x0eb6: {"Get Backup Parameter", ot.Read},
	0x0eb7: {"Check Restore", ot.Read},
	0x0eb8: {"Start Restore", ot.Control},
	0x0eb9: {"End Restore", ot.Control},
	0x0eba: {"Set Backup Parameter", ot.Control},
	0x0ebe: {"Check Parameter Delivery", ot.Read},
	0x1001: {"Remote RUN", ot.Control},
	0x1002: {"Remote STOP", ot.Control},
	0x1003: {"Remote PAUSE", ot.Control},
	0x1005: {"Remote Latch Clear", ot.Control},
	0x1006: {"Remote RESET", ot.Control},
	0x1202: {"New File (type A)", ot.Control},
	0x1203: {"File Write (type A)", ot.Control},
	0x1204: {"Change File Info", ot.Control},
	0x1205: {"File Delete (type A)", ot.Control},
	0x1206: {"File Copy (type A)", ot.Control},
	0x1207: {"Defrag", ot.Control},
	0x1401: {"Device Write", ot.Write},
	0x1402: {"Device Write Random", ot.Write},
	0x1406: {"Device Write Block", ot.Write},
	0x141a: {"Array Label Write", ot.Write},
	0x141b: {"Label Write Random", ot.Write},
	0x1601: {"Extend Unit Write", ot.Write},
	0x1613: {"Memory Write", ot.Write},
	0x1617: {"Clear Error Code / LED", ot.Write},
	0x1619: {"Clear Error History", ot.Control},
	0x161a: {"Clear Event History", ot.Control},
	0x1630: {"Remote Password Unlock", ot.Control},
	0x1631: {"Remote Password Lock", ot.Control},
	0x1810: {"Read Directory/File", ot.Read},
	0x1811: {"Search Directory/File", ot.Read},
	0x1820: {"New File (type B)", ot.Control},
	0x1822: {"File Delete (type B)", ot.Control},
	0x1824: {"File Copy (type B)", ot.Control},
	0x1825: {"Change File State", ot.Control},
	0x1826: {"Change File Date", ot.Control},
	0x1827: {"Open File", ot.Read}, // for writing: Control, see classOf
	0x1828: {"Read File", ot.Read},
	0x1829: {"Write File", ot.Control},
	0x182a: {"Close File", ot.Other},
	0x2101: {"On-demand", ot.Other},
	0x3040: {"Communication Test", ot.Other},
	0x3050: {"Cable Test", ot.Other},
	0x3060: {"Get Event Count", ot.Read},
	0x3061: {"Get Event History", ot.Read},
	0x3062: {"Clock Offset", ot.Control},
	0x3070: {"Node Indication", ot.Write},
	0x3072: {"Communication Speed", ot.Write},
	0x3119: {"Select Node Info Get", ot.Identity},
	0x3206: {"Stop Own Station Cyclic", ot.Control},
	0x3207: {"Start Own Station Cyclic", ot.Control},
	0x3208: {"Stop Other Station Cyclic", ot.Control},
	0x3209: {"Start Other Station Cyclic", ot.Control},
	0x320a: {"Link Device Parameter Write", ot.Control},
	0x320b: {"Link Device Parameter Check Request", ot.Control},
	0x320c: {"Link Device Parameter Check Response", ot.Control},
	0x320d: {"Reserved Station Release", ot.Control},
	0x320e: {"Reserved Station Restore", ot.Control},
	0x3210: {"Watchdog Counter Set", ot.Write},
	0x3211: {"Watchdog Counter Offset Config", ot.Write},
	0x3230: {"Node Info Accept", ot.Identity},
	0x4000: {"Data Collection: Auth", ot.Connect},
	0x4001: {"Data Collection: Keep-alive", ot.Connect},
	0x4002: {"Data Collection: Get Data", ot.Read},
	0x4003: {"Data Collection: Distribute", ot.Read},
	0x4020: {"CAN Application Object Access", ot.Read}, // by sub-command, see classOf
	0x5000: {"IO-Link Tunnel", ot.Other},
	0x5001: {"Modbus/TCP Tunnel", ot.Other},
	0x5002: {"Modbus/RTU Tunnel", ot.Other},
	0xa445: {"Data Collection", ot.Read},
}

// Known says whether a command is in the table.
func Known(cmd uint16) bool { _, ok := commands[cmd]; return ok }

// subNames are sub-commands that have a name of their own.
var subNames = map[uint32]string{
	0x0808_0000: "unlock",
	0x0808_0001: "lock",
	0x0e90_0000: "main",
	0x0e90_0001: "time slot",
	0x0e93_0000: "main",
	0x0e93_0001: "transmit sub-payload",
	0x0e93_0002: "receive sub-payload",
	0x0e93_0003: "receive source info",
	0x1617_0000: "error code",
	0x1617_0001: "LED",
	0x4020_0001: "read",
	0x4020_0002: "write",
	0x4020_0005: "block read",
	0x4020_0006: "block write",
	0x4020_0007: "block read",
	0x4020_0008: "block write",
}

// deviceCommand says whether a command's sub-command follows the bits of the
// device commands.
func deviceCommand(cmd uint16) bool {
	switch cmd {
	case 0x0401, 0x0403, 0x0406, 0x0801, 0x1401, 0x1402, 0x1406:
		return true
	}
	return false
}

// subName says in words what a sub-command asks for; "" where it asks for
// nothing special.
func subName(cmd, sub uint16) string {
	if s, ok := subNames[uint32(cmd)<<16|uint32(sub)]; ok {
		return s
	}
	switch {
	case deviceCommand(cmd) && sub&^0x00c3 == 0:
		s := "word"
		if sub&1 != 0 {
			s = "bit"
		}
		if sub&2 != 0 {
			s += ", iQ-R"
		}
		if sub&0x80 != 0 {
			s += ", extended"
		}
		if sub&0x40 != 0 {
			s += ", with condition"
		}
		return s
	case cmd>>8 == 0x18 && (sub == 0x0004 || sub == 0x0040):
		return "with password"
	case sub != 0:
		return fmt.Sprintf("sub-command 0x%04x", sub)
	}
	return ""
}

// Name is a command's name with what its sub-command says; commands that are
// not in the table are "unknown 0x…".
func Name(cmd, sub uint16) string {
	c, ok := commands[cmd]
	if !ok {
		return fmt.Sprintf("unknown 0x%04x:%04x", cmd, sub)
	}
	if s := subName(cmd, sub); s != "" {
		return c.name + " (" + s + ")"
	}
	return c.name
}

// ClassOf is the class of a command as far as command and sub-command say;
// Other for unknown ones.
func ClassOf(cmd, sub uint16) ot.Class {
	if cmd == 0x4020 {
		switch sub {
		case 2, 6, 8:
			return ot.Write
		}
	}
	return classes[cmd]
}

// classes of commands: asked for each message.
var classes = func() (c [1 << 16]ot.Class) {
	for cmd, e := range commands {
		c[cmd] = e.class
	}
	return c
}()

// endNames are the end codes of 3E, 4E and LMT responses: fact sheet
// slmp-melsec, section 6.
var endNames = map[uint16]string{
	0x0000: "normal",
	0x0055: "write during RUN is not permitted",
	0xc050: "ASCII code cannot be converted",
	0xc051: "number of points out of range",
	0xc052: "number of points out of range",
	0xc053: "number of points out of range",
	0xc054: "number of points out of range",
	0xc056: "address beyond the maximum",
	0xc058: "data length after ASCII conversion does not match",
	0xc059: "command or sub-command not supported",
	0xc05b: "CPU cannot read or write the device",
	0xc05c: "request content wrong",
	0xc05d: "monitor not registered",
	0xc05f: "request cannot be executed by the target",
	0xc060: "request data wrong",
	0xc061: "request data length wrong",
	0xc06f: "ASCII and binary mixed up",
	0xc070: "device extension not possible",
	0xc0b5: "data not handled by the CPU",
	0xc200: "remote password wrong",
	0xc201: "port locked by remote password",
	0xc204: "unlocked by another device",
	0xc61c: "request length mismatch",
	0xccc7: "object not readable now",
	0xccc8: "object is write-only",
	0xccc9: "object is read-only",
	0xccca: "object not defined",
	0xcccb: "PDO mapping error",
	0xcccc: "PDO mapping error",
	0xccd0: "value count error",
	0xccd1: "value count error",
	0xccd2: "value count error",
	0xccd3: "no such sub-index",
	0xccd4: "parameter error",
	0xccd5: "value out of range",
	0xccd6: "value out of range",
	0xccda: "cannot store",
	0xccff: "CAN application error",
	0xcee0: "busy with another request",
	0xcee1: "request too large",
	0xcee2: "response too large",
	0xcf00: "gateway or other network error",
	0xcf10: "server information does not exist",
	0xcf20: "setting not allowed",
	0xcf30: "parameter ID does not exist",
	0xcf31: "write start not done",
	0xcf40: "divided message: timeout",
	0xcf41: "divided message: duplicate",
	0xcf42: "divided message: data error",
	0xcf43: "divided message: lost",
	0xcf44: "divided message: not supported",
	0xcf70: "relay error",
	0xcf71: "relay timeout",
	0xcfe0: "master duplication",
	0xcfe1: "wrong number of occupied stations",
	0xcff0: "slave error",
	0xcfff: "slave asks to be disconnected",
}

// EndName says in words what an end code means; "" for one that is not known.
func EndName(end uint16) string {
	if s, ok := endNames[end]; ok {
		return s
	}
	switch {
	case end>>12 == 4:
		return "error detected by the CPU"
	case end >= 0xccc7 && end <= 0xccff:
		return "CAN application error"
	}
	return ""
}

// Codes as PDU.Code: a 3E, 4E or LMT command with its sub-command, or a 1E
// command. 0 stands for a response whose request is not known.
const (
	codeCommand = 1 << 32
	code1E      = 1 << 33
)

// Code packs a command and a sub-command as PDU.Code.
func Code(cmd, sub uint16) uint64 { return codeCommand | uint64(cmd)<<16 | uint64(sub) }

// Function makes text of what Code packed: "0401:0000".
func Function(code uint64) ot.Function {
	switch {
	case code&codeCommand != 0:
		cmd, sub := uint16(code>>16), uint16(code)
		return ot.Function{Code: fmt.Sprintf("%04x:%04x", cmd, sub), Name: Name(cmd, sub)}
	case code&code1E != 0:
		cmd := byte(code)
		f := ot.Function{Code: fmt.Sprintf("%02x", cmd), Name: "1E unknown"}
		if int(cmd) < len(commands1E) && commands1E[cmd].name != "" {
			f.Name = commands1E[cmd].name
		}
		return f
	}
	return ot.Function{Code: "", Name: "response to an unseen request"}
}

// Statuses as PDU.Status: an end code of 3E, 4E and LMT, or one of 1E with the
// abnormal code that follows 5B.
const status1E = 1 << 31

// Status is an end code as text: four hexadecimal digits, two for 1E (5B: with
// the abnormal code, "5b:10").
func Status(status uint32) string {
	if status&status1E == 0 {
		return fmt.Sprintf("%04x", uint16(status))
	}
	end, abnormal := byte(status>>8), byte(status)
	if end == 0x5b {
		return fmt.Sprintf("%02x:%02x", end, abnormal)
	}
	return fmt.Sprintf("%02x", end)
}

// StatusName says in words what a status means.
func StatusName(status uint32) string {
	if status&status1E == 0 {
		return EndName(uint16(status))
	}
	if byte(status>>8) == 0 {
		return "normal"
	}
	return "1E error"
}

// Unit is the access route as text: network/station/module I/O/multidrop, the
// numbers in hexadecimal as settings tools show them ("00/ff/03ff/00"); for 1E
// the PC number alone ("ff").
func Unit(unit uint64) string {
	if unit&unit1E != 0 {
		return fmt.Sprintf("%02x", byte(unit))
	}
	return fmt.Sprintf("%02x/%02x/%04x/%02x", byte(unit>>32), byte(unit>>24), uint16(unit>>8), byte(unit))
}

const unit1E = 1 << 40

func table() []ot.TableRow {
	var rows []ot.TableRow
	for cmd, c := range commands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", cmd), Name: c.name, Class: c.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	for cmd, c := range commands1E {
		if c.name != "" {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", cmd), Name: c.name, Class: c.class})
		}
	}
	return rows
}
