package profinet

import (
	"fmt"

	"osect/decode/ot"
)

// services of DCP by code.
var services = [...]string{
	serviceGet: "DCP get", serviceSet: "DCP set", serviceIdentify: "DCP identify", serviceHello: "DCP hello",
}

// options of DCP by option and suboption.
var options = map[uint16]string{
	0x0101: "MAC address", optionIP: "IP parameter", optionIPSuite: "full IP suite",
	optionStation: "type of station", optionName: "name of station", optionDevice: "device id", 0x0204: "device role",
	0x0205: "device options", 0x0206: "alias name", 0x0207: "device instance", 0x0208: "OEM device id",
	optionStart: "start transaction", optionEnd: "end transaction", optionSignal: "signal", optionResponse: "response",
	optionReset: "factory reset", optionFactory: "reset to factory", 0xffff: "all",
}

// setOptions are the options that a set is listed with in the docs.
var setOptions = [...]uint16{optionIP, optionIPSuite, optionName, optionSignal, optionReset, optionFactory}

// blockErrors of DCP, in the response block.
var blockErrors = map[byte]string{
	0: "ok", 1: "option not supported", 2: "suboption not supported or no data set available",
	3: "suboption not set", 4: "resource error", 5: "set not possible for local reasons", 6: "in operation, set not possible",
}

type operation struct {
	name  string
	class ot.Class
}

// operations of PROFINET IO by operation number; fact sheet profinet, whose "W"
// is Write.
var operations = [...]operation{
	opConnect:      {"IO connect", ot.Connect},
	opRelease:      {"IO release", ot.Connect},
	opRead:         {"IO read", ot.Read},
	opWrite:        {"IO write", ot.Write},
	opControl:      {"IO control", ot.Write},
	opReadImplicit: {"IO read implicit", ot.Read},
}

// controls by block type.
var controls = map[uint16]string{
	0x0110: "parameter end", 0x0111: "parameter end, plugged", 0x0112: "application ready",
	0x0113: "application ready, plugged", 0x0114: "release", 0x0116: "ready for companion",
	0x0117: "ready for RT class 3", 0x0118: "parameter begin",
}

// errorCodes is the first byte of a PNIO status.
var errorCodes = map[byte]string{
	0x00: "ok", 0xcf: "alarm acknowledgement error", 0xda: "alarm error", 0xdb: "IO connect response", 0xdc: "IO release response",
	0xdd: "IO control response", 0xde: "IO read response", 0xdf: "IO write response",
}

// frameRange is what a range of frame ids is used for.
type frameRange struct {
	last  uint16
	name  string
	class ot.Class
}

// ranges of frame ids, each from behind the one before.
var ranges = [...]frameRange{
	{0x001f, "reserved frame id", ot.Other},
	{0x0021, "PTCP sync with follow-up", ot.Cyclic},
	{0x007f, "reserved frame id", ot.Other},
	{0x0081, "PTCP sync", ot.Cyclic},
	{0x00ff, "reserved frame id", ot.Other},
	{0x7fff, "RT class 3 cyclic", ot.Cyclic},
	{0xbbff, "RT class 2 cyclic", ot.Cyclic},
	{0xbfff, "RT class 2 cyclic multicast", ot.Cyclic},
	{0xf7ff, "RT class 1 cyclic", ot.Cyclic},
	{0xfbff, "RT class 1 cyclic multicast", ot.Cyclic},
	{0xfc00, "reserved frame id", ot.Other},
	{alarmHigh, "alarm high", ot.Other},
	{0xfe00, "reserved frame id", ot.Other},
	{alarmLow, "alarm low", ot.Other},
	{0xfefb, "reserved frame id", ot.Other},
	{dcpResponse, "DCP", ot.Identity},
	{0xff01, "PTCP announce", ot.Cyclic},
	{0xff1f, "reserved frame id", ot.Other},
	{0xff21, "PTCP follow-up", ot.Cyclic},
	{0xff3f, "reserved frame id", ot.Other},
	{0xff43, "PTCP delay", ot.Cyclic},
	{0xff7f, "reserved frame id", ot.Other},
	{0xff8f, "fragmentation", ot.Other},
	{0xffff, "reserved frame id", ot.Other},
}

func rangeOf(id uint16) frameRange {
	for _, r := range ranges {
		if id <= r.last {
			return r
		}
	}
	return frameRange{}
}

func table() (rows []ot.TableRow) {
	for s, name := range services {
		if name == "" {
			continue
		}
		class := ot.Identity
		if s == serviceSet {
			class = ot.Control
		}
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("dcp:%02x", s), Name: name, Class: class})
		for _, option := range setOptions {
			if s == serviceSet {
				class := ot.Control
				if option == optionSignal {
					class = ot.Write
				}
				rows = append(rows, ot.TableRow{Code: "dcp:04", Name: name + ", " + options[option], Class: class})
			}
		}
	}
	first := 0
	for _, r := range ranges {
		if r.name != "reserved frame id" && r.name != "DCP" {
			code := fmt.Sprintf("rt:%04x", first)
			if first != int(r.last) {
				code += fmt.Sprintf("-%04x", r.last)
			}
			rows = append(rows, ot.TableRow{Code: code, Name: r.name, Class: r.class})
		}
		first = int(r.last) + 1
	}
	for op, o := range operations {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("io:%02x", op), Name: o.name, Class: o.class})
	}
	return rows
}
