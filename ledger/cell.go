package ledger

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"osect/decode"
	"osect/inventory"
)

// Limits of a cell.
const (
	maxCell = 1000 // characters
	maxIPs  = 64
)

// nothing are words that people write into a cell that they leave empty.
var nothing = map[string]bool{"-": true, "--": true, "―": true, "—": true, "–": true, "ー": true, "なし": true, "無し": true, "無": true, "不明": true, "未定": true, "未設定": true, "未登録": true,
	"n/a": true, "na": true, "none": true, "null": true, "unknown": true, "dhcp": true, "自動": true, "自動取得": true, "(空白)": true, "#n/a": true, "?": true}

// fail is what is wrong with a cell: a key and the arguments of its text.
type fail struct {
	key  Key
	args []any
}

func failed(key Key, args ...any) *fail { return &fail{key, args} }

// parseCell puts a cell into the column's canonical form.
func parseCell(c Column, s string) (string, *fail) {
	if strings.ContainsRune(s, utf8.RuneError) {
		return "", failed(BadEncoding)
	}
	if i := strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }); i >= 0 {
		r, _ := utf8.DecodeRuneInString(s[i:])
		return "", failed(BadControl, "code", fmt.Sprintf("U+%04X", r))
	}
	if len(s) > maxCell && utf8.RuneCountInString(s) > maxCell {
		return "", failed(BadLong, "n", utf8.RuneCountInString(s), "most", maxCell)
	}
	// An apostrophe before a formula is how this program, and people, tell spreadsheets that it is none.
	if rest, ok := strings.CutPrefix(s, "'"); ok && formula(rest) {
		s = rest
	}
	var f *fail
	switch c {
	case IP:
		return parseIPs(s)
	case MAC:
		return parseMAC(s)
	case Criticality:
		return parseCriticality(s)
	case Installed:
		s, f = parseDate(s)
		return s, f
	case FlagsUntil:
		s, f = parseDate(s)
		if f == nil && s != "" && len(s) < len(time.DateOnly) {
			return "", failed(BadDay, "value", s)
		}
		return s, f
	case Flags:
		return parseFlags(s)
	case State:
		return parseState(s)
	case Hostname, Model, OS, Firmware, Asset, Serial:
		s = strings.Join(strings.Fields(narrow(s)), " ")
	default:
		s = plain(s)
	}
	// What is left must not look like an escaped formula, or it would not be read back as it is.
	for strings.HasPrefix(s, "'") && formula(s[1:]) {
		s = s[1:]
	}
	return s, nil
}

var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?$`)

// formula says whether a spreadsheet may take s for one: = + - @ in either width before what is no number.
func formula(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && strings.ContainsRune("=+-@＝＋－＠", r) && !number.MatchString(s)
}

var fullStop = regexp.MustCompile(`([0-9])。`)

// parseIPs reads addresses separated by spaces, commas, semicolons, slashes, line breaks or their
// full-width and Japanese kin.
func parseIPs(s string) (string, *fail) {
	// An input method writes the dots of an address as full stops.
	s = fullStop.ReplaceAllString(narrow(s), "$1.")
	if nothing[strings.ToLower(s)] {
		return "", nil
	}
	var list []decode.Addr
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;、・|", r) }) {
		parts := []string{t}
		if strings.Contains(t, "/") {
			if p, err := netip.ParsePrefix(decimal(t)); err == nil {
				if p.Addr() == p.Masked().Addr() && p.Bits() < p.Addr().BitLen() {
					return "", failed(BadNetwork, "value", t)
				}
				parts = []string{p.Addr().String()}
			} else {
				parts = strings.Split(t, "/")
			}
		}
		for _, x := range parts {
			if x == "" || nothing[strings.ToLower(x)] {
				continue
			}
			ip, err := netip.ParseAddr(decimal(x))
			if err != nil || ip.Zone() != "" {
				return "", failed(BadIP, "value", short(x))
			}
			a, err := decode.ParseAddr(ip.Unmap().String())
			if err != nil {
				return "", failed(BadIP, "value", short(x))
			}
			if !inventory.Ownable(a) {
				return "", failed(BadIPKind, "value", a.String())
			}
			if !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	if len(list) > maxIPs {
		return "", failed(BadManyIPs, "n", len(list), "most", maxIPs)
	}
	slices.SortFunc(list, decode.Addr.Compare)
	texts := make([]string, len(list))
	for i, a := range list {
		texts[i] = a.String()
	}
	return strings.Join(texts, " "), nil
}

// decimal takes leading zeros from the parts of an IPv4 address: 192.168.001.005 is written so that
// columns align, and means decimal numbers.
func decimal(s string) string {
	if strings.Count(s, ".") != 3 || strings.Contains(s, ":") {
		return s
	}
	parts := strings.Split(s, ".")
	for i, p := range parts {
		if t := strings.TrimLeft(p, "0"); len(p) <= 3 && len(t) < len(p) {
			if t == "" || t[0] < '0' || t[0] > '9' {
				t = "0" + t
			}
			parts[i] = t
		}
	}
	return strings.Join(parts, ".")
}

// short cuts a cell for a message.
func short(s string) string {
	const most = 40
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}

var (
	macNumber = regexp.MustCompile(`^[0-9](\.[0-9]+)?[eE]\+?[0-9]+$`)
	hexDigits = regexp.MustCompile(`^[0-9a-f]+$`)
)

// parseMAC reads a MAC in every spelling: 00:11:22:33:44:55, 0:11:22:33:44:55, 00-11-…, 0011.2233.4455,
// 001122-334455, 001122334455, "00 11 …", 0x….
func parseMAC(s string) (string, *fail) {
	s = narrow(s)
	if s == "" || nothing[strings.ToLower(s)] {
		return "", nil
	}
	if macNumber.MatchString(s) {
		return "", failed(BadMACNumber, "value", short(s))
	}
	low := strings.TrimPrefix(strings.ToLower(s), "0x")
	parts := strings.FieldsFunc(low, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(":-.‐‑‒–—−ー_", r) })
	for _, p := range parts {
		if !hexDigits.MatchString(p) {
			if several(s) {
				return "", failed(BadManyMACs, "value", short(s))
			}
			return "", failed(BadMAC, "value", short(s))
		}
	}
	digits := 0
	short1 := len(parts) == 6 // 0:1:2:…: a byte may lack its leading zero
	for i, p := range parts {
		if short1 && len(p) == 1 {
			parts[i] = "0" + p
		}
		digits += len(parts[i])
	}
	hex := strings.Join(parts, "")
	switch {
	case digits%12 == 0 && digits > 12:
		return "", failed(BadManyMACs, "value", short(s))
	case digits != 12 || short1 && slices.ContainsFunc(parts, func(p string) bool { return len(p) != 2 }):
		return "", failed(BadMACLength, "value", short(s), "n", strconv.FormatFloat(float64(digits)/2, 'f', -1, 64))
	}
	n, err := strconv.ParseUint(hex, 16, 64)
	if err != nil {
		return "", failed(BadMAC, "value", short(s))
	}
	m := decode.MAC(n)
	if m == 0 || m == decode.NullMAC || m.Group() {
		return "", failed(BadMACKind, "value", m.Addr().String())
	}
	return m.String(), nil
}

// several says whether a cell holds several MACs.
func several(s string) bool {
	tokens := strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;/、・|", r) })
	n := 0
	for _, t := range tokens {
		if len(tokens) > 1 { // else it is the cell itself again
			if m, f := parseMAC(t); f == nil && m != "" {
				n++
			}
		}
	}
	return n > 1
}

// levels are words for a criticality.
var levels = map[string]string{
	"緊急": "100", "最高": "100", "最重要": "100", "最大": "100", "critical": "100", "s": "100",
	"高": "80", "大": "80", "重要": "80", "high": "80", "a": "80", "高い": "80",
	"中": "50", "普通": "50", "medium": "50", "middle": "50", "mid": "50", "b": "50",
	"低": "20", "小": "20", "low": "20", "c": "20", "低い": "20",
}

func parseCriticality(s string) (string, *fail) {
	s = strings.ToLower(narrow(s))
	if s == "" || nothing[s] {
		return "", nil
	}
	if l, ok := levels[s]; ok {
		return l, nil
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(s, "%"), 10, 16)
	if err != nil || n > 100 {
		return "", failed(BadCriticality, "value", short(s))
	}
	return strconv.FormatUint(n, 10), nil
}

// eras are the Japanese eras by letter and name, and the year before their first.
var eras = map[string]int{"令和": 2018, "r": 2018, "平成": 1988, "h": 1988, "昭和": 1925, "s": 1925}

var (
	western = regexp.MustCompile(`^(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?$`)
	compact = regexp.MustCompile(`^(\d{4})(\d{2})(\d{2})$`)
	era     = regexp.MustCompile(`^(令和|平成|昭和|[rhs])(\d{1,2}|元)(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2})日?|月)?|年)?$`)
)

// parseDate reads 2024-04-01, 2024/4/1, 2024年4月1日, 20240401, R6.4.1, 令和6年4月, 2024/4, 2024, each
// with an optional time of day behind it, which is dropped.
func parseDate(s string) (string, *fail) {
	s = narrow(s)
	if s == "" || nothing[strings.ToLower(s)] {
		return "", nil
	}
	t := strings.ToLower(s)
	if day, clock, ok := strings.Cut(t, " "); ok && strings.Contains(clock, ":") {
		t = day
	} else if day, clock, ok := strings.Cut(t, "t"); ok && strings.Contains(clock, ":") {
		t = day
	}
	t = strings.Join(strings.Fields(t), "")
	var y int
	var m []string
	if m = compact.FindStringSubmatch(t); m == nil {
		m = western.FindStringSubmatch(t)
	}
	if m != nil {
		y, _ = strconv.Atoi(m[1])
		m = m[2:]
	} else if m = era.FindStringSubmatch(t); m != nil {
		n := 1
		if m[2] != "元" {
			n, _ = strconv.Atoi(m[2])
		}
		y = eras[m[1]] + n
		m = m[3:]
		if n == 0 {
			return "", failed(BadDate, "value", short(s))
		}
	} else {
		return "", failed(BadDate, "value", short(s))
	}
	out := fmt.Sprintf("%04d", y)
	form := "2006"
	for _, part := range m {
		if part == "" {
			break
		}
		n, _ := strconv.Atoi(part)
		out += fmt.Sprintf("-%02d", n)
		form = time.DateOnly[:len(form)+3]
	}
	if at, err := time.Parse(form, out); err != nil || at.Year() < 1950 || at.Year() > 2199 {
		return "", failed(BadDate, "value", short(s))
	}
	return out, nil
}

var flagWords = map[string]string{
	"scanner": FlagScanner, "scan": FlagScanner, "スキャナ": FlagScanner, "スキャナー": FlagScanner, "スキャン": FlagScanner, "脆弱性診断": FlagScanner, "診断": FlagScanner,
	"engineering": FlagEngineering, "engineeringstation": FlagEngineering, "ews": FlagEngineering, "エンジニアリング": FlagEngineering, "保守": FlagEngineering, "保守端末": FlagEngineering, "保守pc": FlagEngineering,
	"critical": FlagCritical, "重要": FlagCritical, "最重要": FlagCritical,
}

func parseFlags(s string) (string, *fail) {
	s = narrow(s)
	if nothing[strings.ToLower(s)] {
		return "", nil
	}
	var out []string
	for _, t := range strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;、・|/", r) }) {
		f, ok := flagWords[foldName(t)]
		if !ok {
			return "", failed(BadFlag, "value", short(t))
		}
		out = append(out, f)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " "), nil
}

func parseState(s string) (string, *fail) {
	switch t := foldName(s); t {
	case "", "-", "confirmed", "確認済", "確認済み", "確認", "済":
		return Confirmed, nil
	case "observed", "観測", "観測のみ", "未確認":
		return SeenOnly, nil
	}
	return "", failed(BadState, "value", short(narrow(s)))
}
