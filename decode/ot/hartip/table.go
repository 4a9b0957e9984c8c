package hartip

import (
	"sort"
	"strconv"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// messages by message id: fact sheet hart-ip.
var messages = map[byte]entry{
	idInitiate:  {"session initiate", ot.Connect},
	idClose:     {"session close", ot.Connect},
	idKeepAlive: {"keep-alive", ot.Connect},
	idToken:     {"token-passing PDU", ot.Other},
	idDirect:    {"direct PDU", ot.Other},
	idAudit:     {"read audit log", ot.Read},
}

// commands by number: fact sheet hart-ip, whose "W" is Write and "W!" Control; those
// that it does not have from the HART Universal and Common Practice
// Command Specifications (HCF_SPEC-127, HCF_SPEC-151).
var commands = map[uint16]entry{
	0:   {"read unique identifier", ot.Identity},
	1:   {"read primary variable", ot.Read},
	2:   {"read loop current and percent of range", ot.Read},
	3:   {"read dynamic variables and loop current", ot.Read},
	6:   {"write polling address", ot.Control},
	7:   {"read loop configuration", ot.Read},
	8:   {"read dynamic variable classifications", ot.Read},
	9:   {"read device variables with status", ot.Read},
	11:  {"read unique identifier by tag", ot.Identity},
	12:  {"read message", ot.Read},
	13:  {"read tag, descriptor, date", ot.Identity},
	14:  {"read sensor information", ot.Read},
	15:  {"read range and device information", ot.Read},
	16:  {"read final assembly number", ot.Read},
	17:  {"write message", ot.Write},
	18:  {"write tag, descriptor, date", ot.Write},
	19:  {"write final assembly number", ot.Write},
	20:  {"read long tag", ot.Identity},
	21:  {"read unique identifier by long tag", ot.Identity},
	22:  {"write long tag", ot.Write},
	31:  {"extended command", ot.Other},
	33:  {"read device variables", ot.Read},
	34:  {"write damping", ot.Write},
	35:  {"write range values", ot.Write},
	36:  {"set upper range", ot.Write},
	37:  {"set lower range", ot.Write},
	38:  {"reset configuration-changed flag", ot.Write},
	39:  {"EEPROM control", ot.Control},
	40:  {"enter or exit fixed current mode", ot.Control},
	41:  {"self test", ot.Write},
	42:  {"device reset", ot.Control},
	43:  {"trim zero", ot.Control},
	44:  {"write primary variable units", ot.Write},
	45:  {"trim DAC zero", ot.Control},
	46:  {"trim DAC gain", ot.Control},
	47:  {"write transfer function", ot.Write},
	48:  {"read additional device status", ot.Read},
	49:  {"write transducer serial number", ot.Write},
	50:  {"read dynamic variable assignments", ot.Read},
	51:  {"write dynamic variable assignments", ot.Write},
	52:  {"set device variable zero", ot.Control},
	53:  {"write device variable units", ot.Write},
	54:  {"read device variable information", ot.Read},
	59:  {"write number of response preambles", ot.Write},
	71:  {"lock device", ot.Control},
	72:  {"squawk", ot.Other},
	73:  {"find device", ot.Identity},
	74:  {"read I/O system capabilities", ot.Read},
	75:  {"poll sub-device", ot.Read},
	76:  {"read lock device state", ot.Read},
	77:  {"send command to sub-device", ot.Other},
	78:  {"read aggregated commands", ot.Read},
	79:  {"write device variable", ot.Control},
	84:  {"read sub-device identity", ot.Identity},
	89:  {"set real-time clock", ot.Control},
	90:  {"read real-time clock", ot.Read},
	95:  {"read device communication statistics", ot.Read},
	103: {"write burst period", ot.Write},
	104: {"write burst trigger", ot.Write},
	105: {"read burst mode configuration", ot.Read},
	106: {"flush delayed responses", ot.Write},
	107: {"write burst device variables", ot.Write},
	108: {"write burst mode command number", ot.Write},
	109: {"burst mode control", ot.Write},
}

// responseCodes that mean the same in every command.
var responseCodes = map[byte]string{
	0: "success", 2: "invalid selection", 3: "parameter too large", 4: "parameter too small",
	5: "too few data bytes", 6: "device-specific error", 7: "in write protect mode",
	16: "access restricted", 32: "busy", 33: "delayed response initiated", 34: "delayed response running",
	35: "delayed response dead", 36: "delayed response conflict", 64: "command not implemented",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for command, c := range commands {
		rows = append(rows, ot.TableRow{Code: strconv.Itoa(int(command)), Name: c.name, Class: c.class})
	}
	sort.Slice(rows, func(i, j int) bool {
		a, _ := strconv.Atoi(rows[i].Code) // written above
		b, _ := strconv.Atoi(rows[j].Code)
		return a < b
	})
	for id := range byte(idAudit + 1) {
		rows = append(rows, ot.TableRow{Code: "msg:" + strconv.Itoa(int(id)), Name: messages[id].name, Class: messages[id].class})
	}
	return rows
}
