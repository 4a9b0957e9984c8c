package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/olekukonko/tablewriter/pkg/twwidth"

	"osect/store"
	"osect/text"
)

// page is an app that prints into a buffer, as to a file.
func page(lang text.Lang, env ...string) (*app, *bytes.Buffer) {
	var out bytes.Buffer
	return &app{stdout: &out, stderr: io.Discard, zone: time.UTC, lang: lang, isTerminal: func(io.Writer) bool { return false },
		getenv: func(k string) string {
			for _, e := range env {
				if v, ok := strings.CutPrefix(e, k+"="); ok {
					return v
				}
			}
			return ""
		}}, &out
}

// narrow fails where a line is wider than width.
func narrow(t *testing.T, what, out string, width int) {
	t.Helper()
	for line := range strings.Lines(out) {
		if w := twwidth.Width(strings.TrimSuffix(line, "\n")); w > width {
			t.Errorf("%s: %d wide, not %d: %s", what, w, width, line)
		}
	}
}

// below joins what stands below a head (English), without spaces, so that an
// address that was wrapped is whole again. No cell has two spaces beside each other.
func below(out, head string) string {
	heads, rest, _ := strings.Cut(out, "\n")
	from := strings.Index(heads, head)
	if from < 0 {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(rest) {
		at, cell := 0, ""
		for _, r := range strings.TrimSuffix(line, "\n") {
			if at >= from {
				cell += string(r)
			}
			at += twwidth.Width(string(r))
		}
		cell, _, _ = strings.Cut(cell, "  ")
		b.WriteString(strings.ReplaceAll(cell, " ", ""))
	}
	return b.String()
}

const (
	widestIP4 = "255.255.255.255"
	widestIP6 = "2001:db8:1111:2222:3333:4444:5555:6666"
	widestMAC = "ff:ff:ff:ff:ff:ff"
)

// hostile is what a name from the wire can be.
var hostile = []string{
	strings.Repeat("very long ", 30), strings.Repeat("x", 300), strings.Repeat("日本語", 80), "\x1b[31m\u202e\x00" + strings.Repeat("\u0301", 50),
	"ｆｕｌｌ－ｗｉｄｔｈ", "a-b/c:d.e_f@g|h=i&j" + strings.Repeat("-", 90), "",
}

// Every table is at most as wide as the terminal, whatever is in it, and shows ids, addresses and ports whole.
func TestListingsFitAndCutNothingImportant(t *testing.T) {
	at := store.Time(day0.UnixNano())
	for _, lang := range []text.Lang{"en", "ja"} {
		for _, columns := range []int{80, 100, 132, 200} {
			for i, name := range hostile {
				for _, ip := range []string{widestIP4, widestIP6} {
					a, out := page(lang, fmt.Sprintf("COLUMNS=%d", columns))
					o := listOptions{format: "table"}
					check := func(what string, err error, heads map[string]string) {
						t.Helper()
						if err != nil {
							t.Fatal(err)
						}
						what = fmt.Sprintf("%s, %s, %d columns, name %d", what, lang, columns, i)
						narrow(t, what, out.String(), columns)
						for head, want := range heads {
							if got := below(out.String(), head); lang == "en" && !strings.Contains(got, strings.ReplaceAll(want, " ", "")) {
								t.Errorf("%s: no %q below %s but %q:\n%s", what, want, head, got, out)
							}
						}
						out.Reset()
					}
					client, server := endPoint(ip, 65535), endPoint(ip, 65534)
					check("flows", flowTable(a).print(a, &o, slice([]flowRow{{Flow: store.Flow{Proto: "tcp", ClientIP: ip, ServerIP: ip, ClientPort: 65535, ServerPort: 65534,
						Service: "cc-link-ie-field-control", Tunnel: "vxlan", PacketsOut: 1e9, BytesOut: 999_949_999_999, State: "established", FirstSeen: at}}})),
						map[string]string{"Client": client, "Server": server, "Protocol": "control"})
					check("devices", deviceTable(a).print(a, &o, slice([]deviceRow{{IPs: []string{ip, "fe80::1"}, MAC: widestMAC, Vendor: name, Hostname: name,
						Role: "engineering-workstation", OS: name, Importance: 100, LastSeen: at}})),
						map[string]string{"MAC": widestMAC, "IP": ip + " +1", "Role": "workstation"})
					check("ot", operationTable(a).print(a, &o, slice([]store.OperationRow{{Src: ip, Dst: ip, Protocol: "cc-link-ie-field-control", Function: name,
						FunctionCode: "0401:0000", Class: "identity", Direction: "response", Status: "c059", Count: 1e9, LastSeen: at}})),
						map[string]string{"Source": ip, "Destination": ip, "Function": "0401:0000", "Protocol": "control"})
					check("alerts", alertTable(a).print(a, &o, slice([]alertRow{{ID: "3f2a91c04b7d", Severity: "critical", Count: 1e6, Kind: "ip-communication", State: "acknowledged",
						Summary: "New communication: " + ip + " → " + widestMAC + " " + name, LastSeen: at}})),
						map[string]string{"ID": "3f2a91c0", "Last seen": "2026-03-02 08:00:00", "Severity": "Critical", "Summary": "New communication: " + ip})
					check("addresses", addressTable(a).print(a, &o, slice([]store.AddressRow{{IP: ip, MAC: widestMAC, PacketsSent: 1e9, LastSeen: at,
						Evidence: []string{"ip", "receiver", "arp", "ndp", "dhcp", "dns", "netbios"}, Ends: []string{"client", "server"}}})),
						map[string]string{"IP": ip, "MAC": widestMAC})
					check("learned rows", learnedTable(a).print(a, &o, slice([]learnedRow{{List: "ip-communication", Src: ip, Dst: ip, Proto: "cc-link-ie-field-control",
						Item: "sport:61450", PortFrom: 49203, PortTo: 65477, Origin: "learned", Minutes: 1e6}})),
						map[string]string{"Source": ip, "Destination": ip, "Item": "sport:61450", "Ports": "49203-65477"})
					check("peers", peerTable(a).print(a, &o, slice([]peerRow{{Peer: ip, Side: "server", Proto: "tcp", Port: 65535, Service: "cc-link-ie-field-control", Packets: 1e9, Bytes: 1e12}})),
						map[string]string{"Peer": ip, "Service": "tcp/65535"})
					if err := a.pairs([][2]string{{"Summary", name}, {"Reason", ip + " " + name}}); err != nil {
						t.Fatal(err)
					}
					narrow(t, "pairs", out.String(), columns)
				}
			}
		}
	}
}

func TestWideTerminalsShowMore(t *testing.T) {
	rows := []alertRow{{ID: "3f2a91c04b7d", Severity: "critical", Kind: "ot-ip", State: "new", Summary: "OT operation by a new source: 192.168.3.66 → 192.168.3.39 modbus-tcp 06 write single register (Write)"}}
	for columns, want := range map[string][2]int{"80": {3, 5}, "130": {2, 7}, "200": {2, 7}} {
		a, out := page("en", "COLUMNS="+columns)
		if err := alertTable(a).print(a, &listOptions{format: "table"}, slice(rows)); err != nil {
			t.Fatal(err)
		}
		head, _, _ := strings.Cut(out.String(), "\n")
		heads := len(slices.DeleteFunc(strings.Split(head, "  "), func(s string) bool { return strings.TrimSpace(s) == "" }))
		if lines := strings.Count(out.String(), "\n") - 1; heads != want[1] || columns == "200" && lines != 1 {
			t.Errorf("at %s: %d columns, %d lines:\n%s", columns, heads, lines, out)
		}
	}
}

func TestTheWidthOfATable(t *testing.T) {
	for env, want := range map[string]int{"": 80, "COLUMNS=": 80, "COLUMNS=x": 80, "COLUMNS=0": 80, "COLUMNS=-1": 80, "COLUMNS=120": 120, "COLUMNS=7": 40} {
		if a, _ := page("en", env); a.columns() != want {
			t.Errorf("%q: %d columns, want %d", env, a.columns(), want)
		}
	}
}

func TestColumnsAreLeftOutStepByStep(t *testing.T) {
	g := grid{columns: []gridColumn{
		{head: "A", layout: layout{min: 4}}, {head: "B", layout: layout{drop: 2}}, {head: "C", layout: layout{drop: 1}}, {head: "D", layout: layout{drop: 1}}, {head: "E"},
	}, rows: [][]string{{"word word word", "bbbbbbbb", "cccc", "", "eeee"}}}
	shown := func(width int) string {
		c := g
		c.columns = slices.Clone(g.columns)
		c.fit(width)
		var b bytes.Buffer
		if err := c.render(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, c := range []struct {
		name  string
		width int
		want  string
	}{
		{"all, but the one with nothing in it", 80, "A               B         C     E\nword word word  bbbbbbbb  cccc  eeee\n"},
		{"the text is wrapped before anything goes", 35, "A          B         C     E\nword word  bbbbbbbb  cccc  eeee\nword\n"},
		{"then the first goes, and gives its room to the text", 24, "A     B         E\nword  bbbbbbbb  eeee\nword\nword\n"},
		{"then the second", 15, "A          E\nword word  eeee\nword\n"},
		{"nothing else helps", 10, "A     E\nword  eeee\nword\nword\n"},
	} {
		if got := shown(c.width); got != c.want {
			t.Errorf("%s:\n%s", c.name, got)
		}
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name        string
		s           string
		width, most int
		front       bool
		want        []string
	}{
		{name: "nothing", s: "", width: 5, want: []string{""}},
		{name: "at spaces", s: "one two three", width: 7, want: []string{"one two", "three"}},
		{name: "exactly", s: "one two", width: 7, want: []string{"one two"}},
		{name: "a long word after a mark", s: "cc-link-ie-field-control", width: 13, want: []string{"cc-link-ie-", "field-control"}},
		{name: "IPv6 after a colon, never between two", s: "2001:db8::5555:6666", width: 10, want: []string{"2001:db8::", "5555:6666"}},
		{name: "no mark", s: "abcdefghij", width: 4, want: []string{"abcd", "efgh", "ij"}},
		{name: "too many lines", s: "one two three four", width: 5, most: 2, want: []string{"one", "two…"}},
		{name: "too many full lines", s: "three seven eight", width: 5, most: 2, want: []string{"three", "seve…"}},
		{name: "the end of a path stays", s: "/captures/2026/03/monday-morning.pcapng", width: 14, most: 2, front: true, want: []string{"…26/03/monday-", "morning.pcapng"}},
		{name: "Japanese between characters", s: "未登録の端末です", width: 6, want: []string{"未登録", "の端末", "です"}},
		{name: "no line begins with a full stop", s: "端末です。次", width: 8, want: []string{"端末で", "す。次"}},
		{name: "no line ends with a bracket", s: "未登録の端末(Siemens)", width: 13, want: []string{"未登録の端末", "(Siemens)"}},
		{name: "mixed", s: "IPアドレス 10.20.0.254 を使用", width: 11, want: []string{"IPアドレス", "10.20.0.254", "を使用"}},
		{name: "a character wider than the line", s: "日", width: 1, want: []string{"日"}},
	} {
		if got := wrap(c.s, c.width, c.most, c.front); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		front bool
		want  string
	}{
		{"short", 5, false, "short"},
		{"longer", 5, false, "long…"},
		{"longer", 5, true, "…nger"},
		{"日本語", 6, false, "日本語"},
		{"日本語", 5, false, "日本…"},
		{"日本語", 4, false, "日…"},
		{"日本語", 4, true, "…語"},
	} {
		if got := cut(c.s, c.width, c.front); got != c.want {
			t.Errorf("cut(%q, %d, %v) = %q, want %q", c.s, c.width, c.front, got, c.want)
		}
	}
}

func TestColourIsForTerminals(t *testing.T) {
	b := filled(t)
	plain := b.must("alerts", "list", "--db", b.db)
	if strings.Contains(plain, "\x1b") {
		t.Errorf("colour in a file: %q", plain)
	}
	b.terminal = true
	out := b.must("alerts", "list", "--db", b.db)
	if !strings.Contains(out, "\x1b[31mHigh\x1b[0m") {
		t.Errorf("no colour on a terminal: %q", out)
	}
	for i := range 3 { // the same text below it
		out = strings.ReplaceAll(out, []string{"\x1b[31m", "\x1b[33m", "\x1b[36m"}[i], "")
	}
	if out = strings.NewReplacer("\x1b[0m", "", "\x1b[1;31m", "").Replace(out); out != plain {
		t.Errorf("colour moves columns:\n%s\n%s", out, plain)
	}
	for _, env := range []map[string]string{{"NO_COLOR": "1"}, {"TERM": "dumb"}} {
		if b.env = env; strings.Contains(b.must("alerts", "list", "--db", b.db), "\x1b") {
			t.Errorf("colour with %v", env)
		}
	}
}
