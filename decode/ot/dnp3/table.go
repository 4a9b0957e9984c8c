package dnp3

import (
	"slices"
	"strconv"

	"osect/decode/ot"
)

type applicationFunction struct {
	name  string
	class ot.Class
}

// functions of the application layer by code: IEEE 1815-2012, table 4-2; fact sheet
// dnp3, whose "W" is Write and whose "W!" is Control.
var functions = map[byte]applicationFunction{
	0x00: {"confirm", ot.Connect},
	0x01: {"read", ot.Read},
	0x02: {"write", ot.Write},
	0x03: {"select", ot.Control},
	0x04: {"operate", ot.Control},
	0x05: {"direct operate", ot.Control},
	0x06: {"direct operate, no acknowledgement", ot.Control},
	0x07: {"immediate freeze", ot.Write},
	0x08: {"immediate freeze, no acknowledgement", ot.Write},
	0x09: {"freeze and clear", ot.Write},
	0x0a: {"freeze and clear, no acknowledgement", ot.Write},
	0x0b: {"freeze at time", ot.Write},
	0x0c: {"freeze at time, no acknowledgement", ot.Write},
	0x0d: {"cold restart", ot.Control},
	0x0e: {"warm restart", ot.Control},
	0x0f: {"initialize data", ot.Control},
	0x10: {"initialize application", ot.Control},
	0x11: {"start application", ot.Control},
	0x12: {"stop application", ot.Control},
	0x13: {"save configuration", ot.Control},
	0x14: {"enable unsolicited", ot.Control},
	0x15: {"disable unsolicited", ot.Control},
	0x16: {"assign class", ot.Write},
	0x17: {"delay measurement", ot.Read},
	0x18: {"record current time", ot.Write},
	0x19: {"open file", ot.Control},
	0x1a: {"close file", ot.Control},
	0x1b: {"delete file", ot.Control},
	0x1c: {"get file information", ot.Control},
	0x1d: {"authenticate file", ot.Control},
	0x1e: {"abort file", ot.Control},
	0x1f: {"activate configuration", ot.Control},
	0x20: {"authentication request", ot.Connect},
	0x21: {"authentication request, no acknowledgement", ot.Connect},
	0x81: {"response", ot.Other},
	0x82: {"unsolicited response", ot.Other},
	0x83: {"authentication response", ot.Connect},
}

// indications are the bits of the two bytes, lowest first.
var indications = [16]string{
	"broadcast", "class 1 events", "class 2 events", "class 3 events", "need time", "local control", "device trouble", "device restart",
	"function code not supported", "object unknown", "parameter error", "event buffer overflow", "already executing", "configuration corrupt", "", "",
}

func table() (rows []ot.TableRow) {
	for fn := range 256 {
		if f, ok := functions[byte(fn)]; ok {
			rows = append(rows, ot.TableRow{Code: strconv.Itoa(fn), Name: f.name, Class: f.class})
		}
	}
	return slices.Clip(rows)
}
