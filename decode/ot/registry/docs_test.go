package registry

import (
	"bytes"
	"flag"
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

var update = flag.Bool("update", false, "write docs/protocols.md anew, with the shared captures at hand their counts too")

const (
	docsPath   = "../../../docs/protocols.md"
	japanese   = "../../../text/ja/ot.txt"
	countsPath = "testdata/captures.tsv"
)

// TestDocs: docs/protocols.md says what the decoders' tables say. It is made by
// `make docs`, which is this test with -update.
func TestDocs(t *testing.T) {
	if *update {
		if _, err := os.Stat(sharedOrNone()); err == nil {
			if err := os.MkdirAll(filepath.Dir(countsPath), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(countsPath, count(t), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := document(t)
	if *update {
		if err := os.WriteFile(docsPath, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	if line, g, w := firstDifference(got, want); line > 0 {
		t.Errorf("docs/protocols.md is stale from line %d on (make docs):\nhas  %s\nwant %s", line, g, w)
	}
}

func sharedOrNone() string {
	if dir := os.Getenv("OSECT_SHARED"); dir != "" {
		return filepath.Join(dir, "captures")
	}
	return "../../../../shared/captures"
}

// firstDifference is the number of the first line that differs, 0 for none, and the
// two lines.
func firstDifference(a, b []byte) (n int, lineA, lineB string) {
	as, bs := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range max(len(as), len(bs)) {
		lineA, lineB = "(end)", "(end)"
		if i < len(as) {
			lineA = as[i]
		}
		if i < len(bs) {
			lineB = bs[i]
		}
		if lineA != lineB {
			return i + 1, lineA, lineB
		}
	}
	return 0, "", ""
}

// count runs all decoders over the shared captures: for each protocol and folder,
// tab separated, the captures in which it was told, those of them (or all) in which
// the expected file names it too, and the messages.
func count(t *testing.T) []byte {
	root := ottest.Shared(t)
	type key struct{ protocol, folder string }
	type sums struct{ captures, named, messages int }
	all := map[key]*sums{}
	for _, path := range ottest.Captures(t) {
		rel, err := filepath.Rel(root, path)
		if err != nil {
			t.Fatal(err)
		}
		rel = filepath.ToSlash(rel)
		folder, _, _ := strings.Cut(rel, "/")
		e, _ := readExpected(t, root, rel)
		told := map[string]int{}
		r := ottest.Replay(t, path, Protocols...)
		for row, n := range r.Rows {
			told[row.Protocol] += n
		}
		for conn := range r.Recognised {
			name, _, _ := strings.Cut(conn, " ")
			if i := slices.IndexFunc(Protocols, func(p *ot.Protocol) bool { return p.Name == name }); onlyNamed(Protocols[i]) {
				told[name] += 0
			}
		}
		for name, n := range told {
			k := key{name, folder}
			if all[k] == nil {
				all[k] = &sums{}
			}
			all[k].captures++
			all[k].messages += n
			if e.names(name) {
				all[k].named++
			}
		}
	}
	var lines []string
	for k, s := range all {
		lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\n", k.protocol, k.folder, s.captures, s.named, s.messages))
	}
	slices.Sort(lines)
	return []byte("# Made by `make docs` from captures that are not part of this project: counts only.\n" +
		"# protocol\tfolder\tcaptures\tof them named by the other dissector too\tmessages\n" + strings.Join(lines, ""))
}

// folderCount is a line of countsPath.
type folderCount struct {
	folder                    string
	captures, named, messages int
}

func readCounts(t *testing.T) map[string][]folderCount {
	b, err := os.ReadFile(countsPath)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string][]folderCount{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			t.Fatalf("%s: %q", countsPath, line)
		}
		c := folderCount{folder: f[1]}
		for i, n := range []*int{&c.captures, &c.named, &c.messages} {
			if *n, err = strconv.Atoi(f[2+i]); err != nil {
				t.Fatalf("%s: %q: %v", countsPath, line, err)
			}
		}
		counts[f[0]] = append(counts[f[0]], c)
	}
	return counts
}

// packages are the packages of Protocols, in order.
func packages(t *testing.T) []string {
	b, err := os.ReadFile("registry.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^\t&(\w+)\.\w+,`).FindAllStringSubmatch(string(b), -1) {
		names = append(names, m[1])
	}
	if len(names) != len(Protocols) {
		t.Fatalf("registry.go: %d lines for %d protocols", len(names), len(Protocols))
	}
	return names
}

// section is the text of a README below "## heading", without blank lines at its ends.
func section(readme, heading string) string {
	_, rest, _ := strings.Cut("\n"+readme, "\n## "+heading+"\n")
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(text)
}

// bullet is what a README says of a word: what follows "*word*:" (or a comma, or "is") up
// to the end of the list's item; where it is said twice, both.
func bullet(text, word string) string {
	var said []string
	follows := `(?:[:,]| is )`
	if word == "function code" {
		follows = `(?:[:,]| is | )`
	}
	for _, at := range regexp.MustCompile(`\*`+word+`\*`+follows).FindAllStringIndex(text, -1) {
		rest := text[at[1]:]
		end := len(rest)
		for _, mark := range []string{"\n- ", "\n\n", "; *"} {
			if i := strings.Index(rest, mark); i >= 0 {
				end = min(end, i)
			}
		}
		said = append(said, oneLine(rest[:end]))
	}
	return strings.Join(said, " / ")
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// onlyCounted says that a protocol's messages are counted without a function.
func onlyCounted(p *ot.Protocol) bool { return len(p.Table) == 1 && p.Table[0].Code == "any" }

// onlyNamed says that a protocol's connections are recognised and nothing is told of them.
func onlyNamed(p *ot.Protocol) bool {
	return onlyCounted(p) && p.Table[0].Name == "connection recognised by name"
}

func carriers(p *ot.Protocol) string {
	var parts []string
	list := func(what string, numbers []uint16, format string) {
		var texts []string
		for _, n := range numbers {
			texts = append(texts, fmt.Sprintf(format, n))
		}
		if len(texts) > 0 {
			parts = append(parts, what+" "+strings.Join(texts, ", "))
		}
	}
	list("TCP", p.TCPPorts, "%d")
	list("UDP", p.UDPPorts, "%d")
	list("EtherType", p.EtherTypes, "%04X")
	return strings.Join(parts, "; ")
}

// captures says in words what a protocol was checked on.
func capturesOf(counts []folderCount) (short, long string) {
	total, named, messages := 0, 0, 0
	var parts []string
	for _, c := range counts {
		total, named, messages = total+c.captures, named+c.named, messages+c.messages
		parts = append(parts, fmt.Sprintf("`%s/` %d", c.folder, c.captures))
	}
	if total == 0 {
		return "none", "no capture holds it: held against vectors only (below)"
	}
	plural := "s"
	if total == 1 {
		plural = ""
	}
	long = fmt.Sprintf("%d shared capture%s (%s), %s messages", total, plural, strings.Join(parts, ", "), thousands(messages))
	switch named {
	case 0:
		long += "; the other dissector has no name for it there"
	case total:
		long += "; the other dissector names it there too"
	default:
		long += fmt.Sprintf("; the other dissector names it in %d of them", named)
	}
	return strconv.Itoa(total), long
}

// thousands writes n with commas.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// document makes docs/protocols.md.
func document(t *testing.T) []byte {
	counts, dirs := readCounts(t), packages(t)
	inJapanese := map[string]string{}
	b, err := os.ReadFile(japanese)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
			inJapanese[key] = value
		}
	}

	var out bytes.Buffer
	out.WriteString(`# Control protocols

Made by ` + "`make docs`" + ` from the decoders' own tables and README files; a test fails when it is stale. Not to be edited.

Protocols are recognised by content on any port; the ports are where one is looked for first. *Functions* are the lines
of the decoder's table; codes outside a table are listed too, as unknown. *Write* changes data; *control* changes how a device
runs, its program, its passwords, its clock or its network settings. Some classes depend on what a message holds (a mode, a
sub-function, a name): such variants have lines of their own. *Captures* are those of the project's shared set in which
the decoder told messages; which of them hold the same counts as another dissector is what ` + "`make oracle`" + ` prints. How
captures that nobody has seen are held stands in [reliability.md](reliability.md#captures-that-nobody-has-seen).

`)
	var alone []string
	for _, p := range Protocols {
		if len(counts[p.Name]) == 0 {
			alone = append(alone, "`"+p.Name+"`")
		}
	}
	fmt.Fprintf(&out, "No capture holds %s: these were only held against vectors, frames written by hand from the fact sheet. So were\n"+
		"those messages of `codesys` that are no address notifications, and those of `knxnet-ip` that its capture does not hold.\n",
		strings.Join(alone, ", "))
	out.WriteString(`
| Protocol | | 日本語 | Carried by | Functions | write | control | Captures |
|---|---|---|---|---:|---:|---:|---:|
`)
	for _, p := range Protocols {
		classes := map[ot.Class]int{}
		for _, row := range p.Table {
			classes[row.Class]++
		}
		functions := strconv.Itoa(len(p.Table))
		switch {
		case onlyNamed(p):
			functions = "named"
		case onlyCounted(p):
			functions = "counted"
		}
		short, _ := capturesOf(counts[p.Name])
		fmt.Fprintf(&out, "| [%s](#%s) | %s | %s | %s | %s | %d | %d | %s |\n", p.Name, p.Name, p.Title, inJapanese["ot.protocol."+p.Name],
			carriers(p), functions, classes[ot.Write], classes[ot.Control], short)
	}
	for i, p := range Protocols {
		fmt.Fprintf(&out, "\n## %s\n\n%s", p.Name, p.Title)
		if ja := inJapanese["ot.protocol."+p.Name]; ja != "" && ja != p.Title {
			fmt.Fprintf(&out, ", in Japanese listings %s", ja)
		}
		out.WriteString(".\n\n")
		readme, _ := os.ReadFile("../" + dirs[i] + "/README.md") // TestReadmes holds that it is there
		several := slices.Index(dirs, dirs[i]) != i || slices.Contains(dirs[i+1:], dirs[i])
		decoded, recognised := section(string(readme), "WHAT IS DECODED"), section(string(readme), "HOW IT IS RECOGNISED")
		item := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&out, "- **%s**: %s\n", name, text)
			}
		}
		item("Carried by", carriers(p))
		if several {
			item("Recognised", own(recognised, p.Name))
		} else {
			item("Recognised", oneLine(recognised))
		}
		switch code := bullet(decoded, "function code"); {
		case onlyNamed(p):
			item("Only named", own(decoded, p.Name))
		case onlyCounted(p):
			item("Only counted", own(decoded, p.Name))
		case !several:
			item("Function code", code)
			item("Status", bullet(decoded, "status"))
			item("Unit", bullet(decoded, "unit"))
			item("Identity", bullet(decoded, "facts"))
		}
		_, long := capturesOf(counts[p.Name])
		if onlyNamed(p) {
			long, _, _ = strings.Cut(long, ",")
		}
		item("Checked on", long)
		if text := vectors(t, dirs[i]); text != "" {
			item("Vectors", text)
		}
		if text := encoders[p.Name]; text != "" {
			item("Encoders that are not ours", text+" (`scripts/encoders`)")
		}
		fmt.Fprintf(&out, "- **Where it is wrong**: [%s](../decode/ot/%[1]s/README.md#where-it-is-wrong)\n", dirs[i])
		if onlyCounted(p) {
			continue
		}
		out.WriteString("\n| Code | Function | Class |\n|---|---|---|\n")
		for _, row := range p.Table {
			fmt.Fprintf(&out, "| `%s` | %s | %s |\n", row.Code, strings.ReplaceAll(row.Name, "|", `\|`), row.Class)
		}
	}
	return out.Bytes()
}

// encoders are those whose frames scripts/encoders holds a decoder against, on loopback.
var encoders = map[string]string{
	"slmp-melsec": "mcprotocol 0.1.2: device reads and writes in 3E and 1E, binary and ASCII",
	"knxnet-ip":   "knx 2.5.4: a tunnel, group writes and reads",
}

// vectors says how many frames of a decoder are written by hand in its testdata.
func vectors(t *testing.T, dir string) string {
	path := "../" + dir + "/testdata/frames.vectors"
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return fmt.Sprintf("%d annotated frames, each line of the table at least once ([frames.vectors](../decode/ot/%s/testdata/frames.vectors))",
		len(ottest.ReadVectors(t, path)), dir)
}

// own is what a README that describes several protocols says of one: its row or its
// item, which begins with its name.
func own(text, name string) string {
	for _, part := range strings.Split("\n"+text, "\n") {
		if rest, ok := strings.CutPrefix(part, "| `"+name+"` |"); ok {
			return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "|"))
		}
	}
	for _, part := range strings.Split("\n"+text, "\n- ") {
		part, _, _ = strings.Cut(part, "\n\n")
		if rest, ok := strings.CutPrefix(part, "`"+name+"`"); ok {
			return oneLine(strings.TrimLeft(rest, ":—, "))
		}
	}
	return ""
}

// TestReadmes: each decoder has its manual, with the parts that the docs and readers
// look for.
func TestReadmes(t *testing.T) {
	for i, dir := range packages(t) {
		b, err := os.ReadFile("../" + dir + "/README.md")
		if err != nil {
			t.Errorf("%s: %v", Protocols[i].Name, err)
			continue
		}
		for _, heading := range []string{"NAME", "WHAT IS DECODED", "HOW IT IS RECOGNISED", "WHERE IT IS WRONG", "SOURCES"} {
			if section(string(b), heading) == "" {
				t.Errorf("%s/README.md: nothing below %q", dir, heading)
			}
		}
		if !strings.Contains(section(string(b), "NAME"), dir) {
			t.Errorf("%s/README.md: does not name itself", dir)
		}
	}
}
