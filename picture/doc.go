// Package picture draws what the store knows of a network: maps of devices and services,
// matrices of devices, traffic over time; as SVG, PNG, DOT, GraphML, draw.io, JSON and for
// terminals. It asks nothing: devices and edges come in, bytes go out, and the same
// input gives the same bytes.
//
// Texts that came from the wire (host names, vendors, protocol names) are made printable when a
// Graph or Matrix is built, and escaped as each format wants it when it is written.
package picture

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"osect/inventory"
)

// printable replaces what is not printable (control characters, direction marks, bad UTF-8) by U+FFFD.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// colour is one colour in both of its forms: #rrggbb and the nearest of the 256 of terminals.
type colour struct {
	hex string
	sgr uint8
}

// Colours of roles: after Okabe and Ito, so that those who do not tell red from green tell them apart.
var roleColours = map[string]colour{
	inventory.RolePLC:         {"#009e73", 36},
	inventory.RoleIO:          {"#8fd19e", 114},
	inventory.RoleHMI:         {"#56b4e9", 74},
	inventory.RoleSCADA:       {"#7d6bd1", 98},
	inventory.RoleEngineering: {"#cc79a7", 175},
	inventory.RoleServer:      {"#0072b2", 25},
	inventory.RoleDC:          {"#08457e", 24},
	inventory.RoleClient:      {"#b8c4ce", 251},
	inventory.RoleNetwork:     {"#e69f00", 178},
	inventory.RoleRouter:      {"#a6761d", 136},
	inventory.RolePrinter:     {"#b39b7d", 137},
	inventory.RoleCamera:      {"#f0e442", 227},
	inventory.RoleExternal:    {"#d55e00", 166},
	inventory.RoleUnknown:     {"#eeeeee", 255},
}

// roleSigns are the letters of roles in a matrix.
var roleSigns = map[string]rune{
	inventory.RolePLC: 'P', inventory.RoleIO: 'I', inventory.RoleHMI: 'H', inventory.RoleSCADA: 'A', inventory.RoleEngineering: 'E', inventory.RoleServer: 'S', inventory.RoleDC: 'D',
	inventory.RoleClient: 'C', inventory.RoleNetwork: 'N', inventory.RoleRouter: 'G', inventory.RolePrinter: 'R', inventory.RoleCamera: 'V', inventory.RoleExternal: 'X',
	inventory.RoleUnknown: '?',
}

// many are colours for what has none of its own, the most frequent first.
var many = []colour{
	{"#0072b2", 25}, {"#e69f00", 178}, {"#009e73", 36}, {"#cc79a7", 175}, {"#56b4e9", 74}, {"#d55e00", 166}, {"#f0e442", 227}, {"#8c6bb1", 97},
	{"#8fd19e", 114}, {"#b39b7d", 137}, {"#e78ac3", 212}, {"#3b5b92", 60}, {"#a6761d", 136}, {"#66c2a5", 79}, {"#fb9a99", 217}, {"#6b8e23", 64},
	{"#b2abd2", 146}, {"#7f2704", 88}, {"#9ecae1", 152}, {"#525252", 240}, {"#d9c27e", 180}, {"#41ab5d", 71}, {"#c51b7d", 162}, {"#807dba", 103},
}

var (
	unknownColour = colour{"#eeeeee", 255}
	otherColour   = colour{"#bdbdbd", 250}
)

// inkOn is the colour of text on a background: black or white, whichever has more contrast.
func inkOn(hex string) string {
	v := func(i int) int { return 16*nibble(hex[i]) + nibble(hex[i+1]) }
	// Rec. 601 luma
	if 299*v(1)+587*v(3)+114*v(5) > 140_000 {
		return "#000000"
	}
	return "#ffffff"
}

func nibble(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}

// rows orders roles from what is outside (7) to what moves things (0): the rows of a map, top to bottom.
var rows = map[string]int{
	inventory.RoleExternal: 7, inventory.RoleClient: 6, inventory.RolePrinter: 6, inventory.RoleCamera: 6, inventory.RoleUnknown: 6,
	inventory.RoleServer: 5, inventory.RoleDC: 5, inventory.RoleNetwork: 4, inventory.RoleRouter: 4, inventory.RoleSCADA: 3, inventory.RoleEngineering: 3,
	inventory.RoleHMI: 2, inventory.RolePLC: 1, inventory.RoleIO: 0,
}

// serviceRow is where services stand on their map: between those who ask and those who answer.
const serviceRow = 3.6
