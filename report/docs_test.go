package report

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"osect/text"
)

// TestDocs holds docs/report.md to the tables, findings and proposals of the code. OSECT_UPDATE=1 writes it anew.
func TestDocs(t *testing.T) {
	const path = "../docs/report.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for name, part := range map[string]string{"tables": tablesDoc(), "findings": findingsDoc()} {
		begin, end := "<!-- "+name+": make docs -->\n", "<!-- end of "+name+" -->"
		before, rest, found := strings.Cut(doc, begin)
		_, after, ended := strings.Cut(rest, end)
		if !found || !ended {
			t.Fatalf("%s lacks the marks of %s", path, name)
		}
		doc = before + begin + part + end + after
	}
	if doc == string(b) {
		return
	}
	if os.Getenv("OSECT_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(doc), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the code says: make docs", path)
}

func tablesDoc() string {
	var s strings.Builder
	fmt.Fprintf(&s, "\nVersion %d.\n", csvVersion)
	for _, x := range Build(full()).tables(text.EN) {
		fmt.Fprintf(&s, "\n**`%s.csv`** %s（%s）\n\n| column | | 日本語 | English |\n|---|---|---|---|\n", x.name, text.Get(text.EN, "report.file."+x.name), text.Get(text.JA, "report.file."+x.name))
		for i, c := range x.columns {
			kind := x.kinds[i]
			switch {
			case x.name == "summary":
				kind = ""
			case x.number[i]:
				kind = "number"
			}
			fmt.Fprintf(&s, "| `%s` | %s | %s | %s |\n", c, kind, columnName(text.JA, c), columnName(text.EN, c))
		}
	}
	return s.String() + "\n"
}

func findingsDoc() string {
	var s strings.Builder
	s.WriteString("\n| area | finding | proposal |\n|---|---|---|\n")
	for _, area := range Areas {
		for _, key := range slices.Sorted(maps.Keys(areaOf)) {
			if at := areaOf[key]; at.area == area {
				fmt.Fprintf(&s, "| %s | `%s` %s | `%s` |\n", text.Get(text.EN, "report.area."+area), key, text.Get(text.EN, "report.finding."+key+".title", "n", "n"), at.proposal)
			}
		}
	}
	s.WriteString("\n| proposal | | IEC 62443-3-3 | step of the guideline |\n|---|---|---|---|\n")
	for _, key := range slices.Sorted(maps.Keys(controls)) {
		fmt.Fprintf(&s, "| `%s` | %s | %s | %d |\n", key, text.Get(text.EN, "report.proposal."+key+".title"), controls[key].requirements, controls[key].step)
	}
	return s.String() + "\n"
}
