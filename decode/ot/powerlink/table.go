package powerlink

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// types by message type, services of ASnd and NMT commands: fact sheet
// ethernet-powerlink.
var types = map[byte]entry{
	soC:  {"SoC", ot.Cyclic},
	pReq: {"PReq", ot.Cyclic},
	pRes: {"PRes", ot.Cyclic},
	soA:  {"SoA", ot.Cyclic},
	aSnd: {"ASnd", ot.Other},
	amni: {"AMNI", ot.Cyclic},
	aInv: {"AInv", ot.Cyclic},
}

var services = map[byte]entry{
	identResponse:  {"IdentResponse", ot.Identity},
	statusResponse: {"StatusResponse", ot.Read},
	nmtRequest:     {"NMTRequest", ot.Control},
	nmtCommand:     {"NMTCommand", ot.Control},
	sdo:            {"SDO", ot.Other},
}

var nmtCommands = map[byte]string{
	0x21: "start node", 0x22: "stop node", 0x23: "enter pre-operational", 0x24: "ready to operate",
	0x28: "reset node", 0x29: "reset communication", 0x2a: "reset configuration", 0x2b: "software reset",
}

// sdoCommands: EPSG DS 301, table of SDO command ids.
var sdoCommands = map[byte]entry{
	0x01: {"write by index", ot.Write},
	0x02: {"read by index", ot.Read},
	0x03: {"write all by index", ot.Write},
	0x04: {"read all by index", ot.Read},
	0x05: {"write by name", ot.Write},
	0x06: {"read by name", ot.Read},
	0x20: {"file write", ot.Control},
	0x21: {"file read", ot.Read},
	0x31: {"write multiple by index", ot.Write},
	0x32: {"read multiple by index", ot.Read},
	0x70: {"maximum segment size", ot.Connect},
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for kind, v := range types {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%02x", kind), Name: v.name, Class: v.class})
	}
	for id, v := range services {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("06:%02x", id), Name: "ASnd " + v.name, Class: v.class})
	}
	for id, name := range nmtCommands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("06:04:%02x", id), Name: "ASnd NMTCommand " + name, Class: ot.Control})
	}
	for id, v := range sdoCommands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("06:05:%02x", id), Name: "ASnd SDO " + v.name, Class: v.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
