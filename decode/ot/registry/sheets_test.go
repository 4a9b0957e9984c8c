package registry

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"osect/decode/ot"
	"osect/decode/ot/ottest"
)

// sheetCode turns a code of a fact sheet's table (digits only) into the
// decoder's function code.
type sheetCode func(digits string) string

func lower(digits string) string { return strings.ToLower(digits) }

// padded is a hexadecimal code at a width.
func padded(width int) sheetCode {
	return func(digits string) string { return strings.Repeat("0", max(0, width-len(digits))) + lower(digits) }
}

// hexToDecimal is for sheets in hexadecimal of protocols listed in decimal.
func hexToDecimal(digits string) string {
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return digits
	}
	return strconv.FormatUint(n, 10)
}

// sheets are the fact sheets whose tables have a column of writes, with the headings
// of the columns of codes, and how many writes at least are to be found there.
var sheets = []struct {
	protocol string
	heads    string
	code     sheetCode
	writes   int
}{
	{"modbus-tcp", "fn", lower, 7},
	{"dnp3", "fn", hexToDecimal, 24},
	{"iec-104", "type", lower, 24},
	{"ads-ams", "cmd", padded(4), 2},
	{"hart-ip", "cmd", lower, 17},
	{"ethercat", "cmd", lower, 6},
	{"slmp-melsec", "command cmd", lower, 55},
	{"omron-fins", "code", lower, 38},
	{"melsoft", "command", lower, 8},
	{"s7comm", "function (first parameter byte, ROSCTR 1/3)", lower, 6},
	{"ethernet-ip-cip", "svc", lower, 12},
	{"fl-net", "TCD", lower, 8},
	{"opc-ua", "id", lower, 7},
	{"toyopuc", "CMD", lower, 11},
	{"cc-link-ie-field-control", "CT", func(d string) string { return "25:" + lower(strings.TrimPrefix(d, "0x")) }, 3},
}

// elsewhereInTable are codes of the sheets' write columns that a table has under another name, or that
// is decided by what the message holds.
var elsewhereInTable = map[string]string{
	"modbus-tcp 08":      "",            // by sub-function: 1, 4 and 0A, held below
	"modbus-tcp 2b":      "2b type 0d",  // "2B/0D"
	"modbus-tcp 0d":      "2b type 0d",  //
	"modbus-tcp 5a":      "",            // UMAS: by its function
	"slmp-melsec 1827":   "",            // by the mode in which the file is opened
	"slmp-melsec 4020":   "",            // by sub-command
	"slmp-melsec 0e94":   "",            // the row covers 0E90 to 0E94 "(config)"; 0E94 is the notification
	"omron-fins 0620":    "",            // write when it initialises
	"omron-fins 0920":    "",            // write when it clears
	"ads-ams 0009":       "",            // by index group
	"ethernet-ip-cip 4b": "",            // PCCC, by its function
	"ethernet-ip-cip 4e": "4e",          // of tags; Forward_Close on the connection manager
	"ethernet-ip-cip 4f": "4f class a1", // files go by class: uploads read
	"ethernet-ip-cip 50": "50 class 37",
	"ethernet-ip-cip 51": "51 class 37",
}

var (
	codeText  = regexp.MustCompile(`^[0-9A-Fa-fx]+$`)
	writeMark = regexp.MustCompile(`\bW\b`)
)

// codesIn are the codes of a cell: "1A / 1B / 1C", "110-113", "30-32", "48/61, 49/62",
// "16 (0x10)"; ranges are counted in decimal if decimal, else in hexadecimal.
func codesIn(cell string, decimal bool) (codes []string) {
	cell, _, _ = strings.Cut(strings.ReplaceAll(cell, "*", ""), "(")
	base := 16
	if decimal {
		base = 10
	}
	for _, word := range strings.FieldsFunc(cell, func(r rune) bool { return r == '/' || r == ',' || r == ' ' }) {
		from, to, ranged := strings.Cut(word, "-")
		if !codeText.MatchString(from) {
			continue
		}
		if !ranged {
			codes = append(codes, from)
			continue
		}
		a, errA := strconv.ParseUint(from, base, 32)
		b, errB := strconv.ParseUint(to, base, 32)
		if errA != nil || errB != nil || b < a || b-a > 64 {
			continue
		}
		for ; a <= b; a++ {
			if decimal {
				codes = append(codes, strconv.FormatUint(a, 10))
			} else {
				codes = append(codes, fmt.Sprintf("%0*x", len(from), a))
			}
		}
	}
	return codes
}

// writesIn finds the codes that a sheet's tables mark as writes.
func writesIn(sheet, heads string, code sheetCode, decimal bool) (codes []string) {
	var header []string
	for line := range strings.Lines(sheet) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			header = nil
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if header == nil {
			header = cells
			continue
		}
		var group []int // columns of codes since the last column of marks
		text := ""
		for i, cell := range cells[:min(len(cells), len(header))] {
			switch {
			case slices.Contains(strings.Split(heads, " "), header[i]) || header[i] == heads:
				group = append(group, i)
			case header[i] == "W" || header[i] == "state-changing":
				mark := strings.ReplaceAll(cell, "yes", "W")
				if strings.Contains(text, "W!") { // marked in the name
					mark = "W!"
				}
				for _, g := range group {
					found := codesIn(cells[g], decimal)
					parts := strings.Split(mark, "/")
					for n, c := range found {
						m := mark
						if len(parts) == len(found) { // "-/W"
							m = parts[n]
						}
						if writeMark.MatchString(m) {
							codes = append(codes, code(c))
						}
					}
				}
				group, text = nil, ""
			default:
				text += cell
			}
		}
	}
	return codes
}

// codesOf finds all codes of a sheet's columns of codes, under tables that have one.
func codesOf(sheet, heads string, code sheetCode, decimal bool) (codes []string) {
	var columns []int
	inside := false
	for line := range strings.Lines(sheet) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if !inside {
			inside, columns = true, nil
			for i, head := range cells {
				if head == heads || slices.Contains(strings.Split(heads, " "), head) {
					columns = append(columns, i)
				}
			}
			continue
		}
		for _, i := range columns {
			if i < len(cells) {
				for _, c := range codesIn(cells[i], decimal) {
					codes = append(codes, code(c))
				}
			}
		}
	}
	return codes
}

// modbusRanges are what the sheet calls "vendor"; the decoder names the standard's ranges of
// user-defined codes by rule. 0E is a MEI type.
var modbusRanges = strings.Split("modbus-tcp 0e,modbus-tcp 64,modbus-tcp 65,modbus-tcp 66,modbus-tcp 67,modbus-tcp 68,modbus-tcp 69,"+
	"modbus-tcp 6a,modbus-tcp 6b,modbus-tcp 6c,modbus-tcp 6d,modbus-tcp 6e,modbus-tcp 7d,modbus-tcp 7e,modbus-tcp 7f", ",")

// absentSheets skips, or fails where the shared material must be there.
func absentSheets(t *testing.T) {
	t.Helper()
	if os.Getenv("OSECT_REQUIRE_SHARED") == "1" {
		t.Fatal("absent: fact sheets")
	}
	t.Skip("absent: fact sheets")
}

// TestSheetsNames: every code of the sheets' tables is in the decoders' tables, reads too.
func TestSheetsNames(t *testing.T) {
	dir := filepath.Join(filepath.Dir(ottest.Shared(t)), "protocols")
	for _, s := range sheets {
		b, err := os.ReadFile(filepath.Join(dir, s.protocol+".md"))
		if err != nil {
			absentSheets(t)
		}
		i := slices.IndexFunc(Protocols, func(p *ot.Protocol) bool { return p.Name == s.protocol })
		have := map[string]bool{}
		for _, row := range Protocols[i].Table {
			have[row.Code] = true
		}
		decimal := s.protocol == "iec-104" || s.protocol == "hart-ip" || s.protocol == "fl-net" || s.protocol == "opc-ua"
		codes := codesOf(string(b), s.heads, s.code, decimal)
		if len(codes) < s.writes {
			t.Errorf("%s: only %d codes in the sheet", s.protocol, len(codes))
		}
		for _, code := range codes {
			_, elsewhere := elsewhereInTable[s.protocol+" "+code]
			if !have[code] && !elsewhere && !slices.Contains(modbusRanges, s.protocol+" "+code) {
				t.Errorf("%s: %s is not in the table", s.protocol, code)
			}
		}
	}
}

// TestSheetsWrites: what the fact sheets mark as changing state or data (W, W!) is a
// write or a control operation in the decoders' tables.
func TestSheetsWrites(t *testing.T) {
	dir := filepath.Join(filepath.Dir(ottest.Shared(t)), "protocols")
	for _, s := range sheets {
		t.Run(s.protocol, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, s.protocol+".md"))
			if err != nil {
				absentSheets(t)
			}
			i := slices.IndexFunc(Protocols, func(p *ot.Protocol) bool { return p.Name == s.protocol })
			classes := map[string][]ot.Class{}
			for _, row := range Protocols[i].Table {
				classes[row.Code] = append(classes[row.Code], row.Class)
			}
			decimal := s.protocol == "iec-104" || s.protocol == "hart-ip" || s.protocol == "fl-net" || s.protocol == "opc-ua"
			codes := writesIn(string(b), s.heads, s.code, decimal)
			if len(codes) < s.writes {
				t.Errorf("only %d writes in the sheet: %v", len(codes), codes)
			}
			for _, code := range codes {
				if other, ok := elsewhereInTable[s.protocol+" "+code]; ok {
					if other == "" {
						continue
					}
					code = other
				}
				have := classes[code]
				if len(have) == 0 {
					t.Errorf("%s is not in the table", code)
				}
				for _, c := range have {
					if c != ot.Write && c != ot.Control {
						t.Errorf("%s is of class %v", code, c)
					}
				}
			}
		})
	}
}

// TestControlByName holds those that the sheets name in running text, or whose class goes
// by more than the code: the table's variants by code and name.
func TestControlByName(t *testing.T) {
	for protocol, rows := range map[string]string{
		"modbus-tcp":         "08 sub-function 0001, 08 sub-function 0004, 08 sub-function 000a, 5a UMAS 10, 5a UMAS 30, 5a UMAS 31, 5a UMAS 32, 5a UMAS 40, 5a UMAS 41",
		"s7comm":             "28 P_PROGRAM, 28 _INSE, 28 _DELE, 29, 1a, 1b, 1c, 1:09, 1:0c, 5:01, 7:02, 7:04, 056b",
		"bacnet-ip":          "7, 11, 17, 20, u6, u9, bvlc:01, bvlc:08",
		"iec61850":           "mms:26, mms:27, mms:28, mms:34, mms:36, mms:38, mms:39, mms:40, mms:41, mms:42, mms:43, mms:44, mms:5 $CO$",
		"ethernet-ip-cip":    "05, 06, 07, 08, 09, 4b PCCC 0f 80, 4b PCCC 0f 3a, 4b PCCC 0f 41, 4b PCCC 0f 50, 4b PCCC 0f 52, 51 class 37",
		"ge-srtp":            "20, 21, 23, 24, 40, 44",
		"knxnet-ip":          "0743, 0742",
		"iec-104":            "u13, 103, 105",
		"ethernet-powerlink": "06:04:21, 06:04:22, 06:04:28, 06:04:2b",
		"lonworks-ip":        "01:63, 01:64, 01:65, 01:6c, 01:6e, 71",
		"toyopuc":            "32:0100, 32:0200, 32:02ff, 32:7100",
		"cc-link-ie-tsn":     "0e90:0000, 0e91:0000, 0e92:0000, 0e93:0000",
		"ads-ams":            "0005, udp:6",
		"profinet":           "dcp:04",
	} {
		i := slices.IndexFunc(Protocols, func(p *ot.Protocol) bool { return p.Name == protocol })
		for _, code := range strings.Split(rows, ", ") {
			found := false
			for _, row := range Protocols[i].Table {
				if row.Code == code {
					found = true
					if row.Class != ot.Control && !(row.Class == ot.Write && strings.Contains(row.Name, "signal")) {
						t.Errorf("%s %s %s is of class %v", protocol, code, row.Name, row.Class)
					}
				}
			}
			if !found {
				t.Errorf("%s has no %s", protocol, code)
			}
		}
	}
}
