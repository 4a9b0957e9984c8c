package iec104

import (
	"fmt"
	"strconv"

	"osect/decode/ot"
)

type uFrame struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

const testAct = 0x43

// uFrames by control byte. Starting and stopping decides whether a station
// reports at all: control.
var uFrames = map[byte]uFrame{
	0x07:    {"STARTDT act", ot.Request, ot.Control},
	0x0b:    {"STARTDT con", ot.Response, ot.Control},
	0x13:    {"STOPDT act", ot.Request, ot.Control},
	0x23:    {"STOPDT con", ot.Response, ot.Control},
	testAct: {"TESTFR act", ot.Request, ot.Connect},
	0x83:    {"TESTFR con", ot.Response, ot.Connect},
}

type asduType struct {
	name  string
	class ot.Class
	// size of an information element in bytes, without the object's address; -1
	// where it varies.
	size int
}

// types by type identification: IEC 60870-5-101, 7.2.1 and 7.3, IEC 60870-5-104, 8;
// fact sheet iec-104, whose "W!" is Control.
var types = map[byte]asduType{
	1:   {"M_SP_NA single point", ot.Cyclic, 1},
	2:   {"M_SP_TA single point, time", ot.Cyclic, 4},
	3:   {"M_DP_NA double point", ot.Cyclic, 1},
	4:   {"M_DP_TA double point, time", ot.Cyclic, 4},
	5:   {"M_ST_NA step position", ot.Cyclic, 2},
	6:   {"M_ST_TA step position, time", ot.Cyclic, 5},
	7:   {"M_BO_NA bitstring", ot.Cyclic, 5},
	8:   {"M_BO_TA bitstring, time", ot.Cyclic, 8},
	9:   {"M_ME_NA measured, normalised", ot.Cyclic, 3},
	10:  {"M_ME_TA measured, normalised, time", ot.Cyclic, 6},
	11:  {"M_ME_NB measured, scaled", ot.Cyclic, 3},
	12:  {"M_ME_TB measured, scaled, time", ot.Cyclic, 6},
	13:  {"M_ME_NC measured, float", ot.Cyclic, 5},
	14:  {"M_ME_TC measured, float, time", ot.Cyclic, 8},
	15:  {"M_IT_NA integrated totals", ot.Cyclic, 5},
	16:  {"M_IT_TA integrated totals, time", ot.Cyclic, 8},
	17:  {"M_EP_TA protection event, time", ot.Cyclic, 6},
	18:  {"M_EP_TB protection start events, time", ot.Cyclic, 7},
	19:  {"M_EP_TC protection output circuit, time", ot.Cyclic, 7},
	20:  {"M_PS_NA packed single points", ot.Cyclic, 5},
	21:  {"M_ME_ND measured, normalised, no quality", ot.Cyclic, 2},
	30:  {"M_SP_TB single point, time 56", ot.Cyclic, 8},
	31:  {"M_DP_TB double point, time 56", ot.Cyclic, 8},
	32:  {"M_ST_TB step position, time 56", ot.Cyclic, 9},
	33:  {"M_BO_TB bitstring, time 56", ot.Cyclic, 12},
	34:  {"M_ME_TD measured, normalised, time 56", ot.Cyclic, 10},
	35:  {"M_ME_TE measured, scaled, time 56", ot.Cyclic, 10},
	36:  {"M_ME_TF measured, float, time 56", ot.Cyclic, 12},
	37:  {"M_IT_TB integrated totals, time 56", ot.Cyclic, 12},
	38:  {"M_EP_TD protection event, time 56", ot.Cyclic, 10},
	39:  {"M_EP_TE protection start events, time 56", ot.Cyclic, 11},
	40:  {"M_EP_TF protection output circuit, time 56", ot.Cyclic, 11},
	45:  {"C_SC_NA single command", ot.Control, 1},
	46:  {"C_DC_NA double command", ot.Control, 1},
	47:  {"C_RC_NA regulating step", ot.Control, 1},
	48:  {"C_SE_NA set point, normalised", ot.Control, 3},
	49:  {"C_SE_NB set point, scaled", ot.Control, 3},
	50:  {"C_SE_NC set point, float", ot.Control, 5},
	51:  {"C_BO_NA bitstring command", ot.Control, 4},
	58:  {"C_SC_TA single command, time 56", ot.Control, 8},
	59:  {"C_DC_TA double command, time 56", ot.Control, 8},
	60:  {"C_RC_TA regulating step, time 56", ot.Control, 8},
	61:  {"C_SE_TA set point, normalised, time 56", ot.Control, 10},
	62:  {"C_SE_TB set point, scaled, time 56", ot.Control, 10},
	63:  {"C_SE_TC set point, float, time 56", ot.Control, 12},
	64:  {"C_BO_TA bitstring command, time 56", ot.Control, 11},
	70:  {"M_EI_NA end of initialisation", ot.Other, 1},
	100: {"C_IC_NA interrogation", ot.Read, 1},
	101: {"C_CI_NA counter interrogation", ot.Read, 1},
	102: {"C_RD_NA read", ot.Read, 0},
	103: {"C_CS_NA clock synchronisation", ot.Control, 7},
	104: {"C_TS_NA test", ot.Connect, 2},
	105: {"C_RP_NA reset process", ot.Control, 1},
	106: {"C_CD_NA delay acquisition", ot.Other, 2},
	107: {"C_TS_TA test, time 56", ot.Connect, 9},
	110: {"P_ME_NA parameter, normalised", ot.Control, 3},
	111: {"P_ME_NB parameter, scaled", ot.Control, 3},
	112: {"P_ME_NC parameter, float", ot.Control, 5},
	113: {"P_AC_NA parameter activation", ot.Control, 1},
	120: {"F_FR_NA file ready", ot.Control, 6},
	121: {"F_SR_NA section ready", ot.Control, 7},
	122: {"F_SC_NA call directory, select or call file", ot.Control, 4},
	123: {"F_LS_NA last section, last segment", ot.Control, 5},
	124: {"F_AF_NA acknowledge file or section", ot.Control, 4},
	125: {"F_SG_NA segment", ot.Control, -1},
	126: {"F_DR_TA directory", ot.Control, 13},
	127: {"F_SC_NB query log", ot.Control, 16},
}

// causes of transmission: IEC 60870-5-101, 7.2.3.
var causes = map[byte]string{
	1: "periodic", 2: "background scan", 3: "spontaneous", 4: "initialised", 5: "request", 6: "activation",
	7: "activation confirmed", 8: "deactivation", 9: "deactivation confirmed", 10: "activation termination",
	11: "return information, remote command", 12: "return information, local command", 13: "file transfer",
	20: "station interrogation", 21: "group 1 interrogation", 22: "group 2 interrogation", 23: "group 3 interrogation",
	24: "group 4 interrogation", 25: "group 5 interrogation", 26: "group 6 interrogation", 27: "group 7 interrogation",
	28: "group 8 interrogation", 29: "group 9 interrogation", 30: "group 10 interrogation", 31: "group 11 interrogation",
	32: "group 12 interrogation", 33: "group 13 interrogation", 34: "group 14 interrogation", 35: "group 15 interrogation",
	36: "group 16 interrogation", 37: "general counter request", 38: "group 1 counter request", 39: "group 2 counter request",
	40: "group 3 counter request", 41: "group 4 counter request", 44: "unknown type", 45: "unknown cause",
	46: "unknown common address", 47: "unknown information object",
}

func table() (rows []ot.TableRow) {
	for c := range 256 {
		if u, ok := uFrames[byte(c)]; ok {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("u%02x", c), Name: u.name, Class: u.class})
		}
	}
	rows = append(rows, ot.TableRow{Code: "s", Name: "supervisory", Class: ot.Connect})
	for t := range 256 {
		if f, ok := types[byte(t)]; ok {
			rows = append(rows, ot.TableRow{Code: strconv.Itoa(t), Name: f.name, Class: f.class})
		}
	}
	return rows
}
