package melsoft

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type command struct {
	name  string
	class ot.Class
}

// commands by code: fact sheet melsoft. Its "W" is Write, its "W!" Control. Where
// the meaning is not known the name says so, with the family where that is known
// (18xx are file services).
var commands = map[uint16]command{
	0x0121: {"open initial", ot.Identity},
	0x0131: {"user name login", ot.Connect},
	0x0132: {"password login", ot.Connect},
	0x0133: {"read user information A", ot.Read},
	0x0134: {"read user information B", ot.Read},
	0x0150: {"safety run mode read", ot.Read},
	0x0162: {"session step 0162", ot.Connect},
	0x01a0: {"session step 01a0", ot.Connect},
	0x0410: {"monitor read 0410", ot.Read},
	0x0411: {"monitor read 0411", ot.Read},
	0x0413: {"monitor read 0413", ot.Read},
	0x0701: {"unnamed 0701", ot.Other},
	0x0b16: {"unnamed 0b16", ot.Other},
	0x0b2a: {"unnamed 0b2a", ot.Other},
	0x0b2b: {"unnamed 0b2b", ot.Other},
	0x1001: {"remote run", ot.Control},
	0x1002: {"remote stop", ot.Control},
	0x1003: {"remote pause", ot.Control},
	0x1006: {"remote reset", ot.Control},
	0x1120: {"safety run mode change", ot.Control},
	0x1133: {"user information registration", ot.Control},
	0x1410: {"write 1410", ot.Write},
	0x1730: {"unnamed 1730", ot.Other},
	0x1731: {"unnamed 1731", ot.Other},
	0x1734: {"unnamed 1734", ot.Other},
	0x1859: {"file list read", ot.Read},
	0x185f: {"file service 185f", ot.Other},
	0x1867: {"file service 1867", ot.Other},
	0x1868: {"file read", ot.Read},
	0x1869: {"file write", ot.Control},
	0x186a: {"file service 186a", ot.Other},
	0x187e: {"file service 187e", ot.Other},
	0x18a0: {"file service 18a0", ot.Other},
}

// searches by kind, the last byte of 5A 00 00 xx.
var searches = map[byte]string{0x01: "connection test", identify: "identify"}

// models by the code that an identify answer and the answer to an open give;
// only those two are known.
var models = map[uint16][]byte{
	0x4a29: []byte("FX5U-32MT/ES"),
	0x4891: []byte("R08SFCPU"),
}

// statusNames by status, read as a big-endian pair like the command code.
var statusNames = map[uint16]string{
	0x0000: "ok",
	0x0844: "wrong password",
	0x0944: "wrong password",
	0x0a44: "wrong password",
	0x0e44: "locked out",
}

func table() (rows []ot.TableRow) {
	for kind, name := range searches {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("search:%02x", kind), Name: name, Class: ot.Identity})
	}
	for code, c := range commands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", code), Name: c.name, Class: c.class})
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
