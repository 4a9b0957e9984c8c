package ads

import (
	"fmt"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// commands by id: fact sheet ads-ams.
var commands = [...]entry{
	1: {"ReadDeviceInfo", ot.Identity},
	2: {"Read", ot.Read},
	3: {"Write", ot.Write},
	4: {"ReadState", ot.Read},
	5: {"WriteControl", ot.Control},
	6: {"AddNotification", ot.Read},
	7: {"DeleteNotification", ot.Read},
	8: {"Notification", ot.Cyclic},
	9: {"ReadWrite", ot.Read},
}

// services of UDP 48899.
var services = map[uint32]entry{
	1: {"get info", ot.Identity},
	6: {"add route", ot.Control},
}

// groups are index groups with a name. class is what a ReadWrite does; a Write
// writes, and to the system service it is Control: fact sheet ads-ams.
var groups = []struct {
	first, last uint32
	system      bool // of the system service's port only, else of all others
	name        string
	class       ot.Class
}{
	{0x4020, 0x4025, false, "PLC memory %M", ot.Read},
	{0xf003, 0xf003, false, "handle by name", ot.Read},
	{0xf004, 0xf004, false, "value by name", ot.Write},
	{0xf005, 0xf005, false, "value by handle", ot.Write},
	{0xf006, 0xf006, false, "release handle", ot.Read},
	{0xf009, 0xf009, false, "symbol information by name", ot.Read},
	{0xf00b, 0xf00b, false, "upload symbols", ot.Read},
	{0xf080, 0xf080, false, "sum read", ot.Read},
	{0xf081, 0xf081, false, "sum write", ot.Write},
	{0xf082, 0xf082, false, "sum read and write", ot.Write},
	{100, 133, true, "file", ot.Control},
	{200, 200, true, "registry", ot.Read},
	{500, 500, true, "start process", ot.Control},
}

// errorNames: fact sheet ads-ams.
var errorNames = map[uint32]string{
	0: "ok", 6: "target port not found", 7: "target machine not found",
	0x701: "service not supported", 0x702: "index group", 0x705: "size", 0x706: "data",
	0x70a: "no memory", 0x710: "symbol not found",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for id, c := range commands {
		if c.name != "" {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", id), Name: c.name, Class: c.class})
		}
	}
	for _, id := range []uint32{1, 6} {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("udp:%d", id), Name: services[id].name, Class: services[id].class})
	}
	return rows
}
