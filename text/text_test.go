package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var placeholder = regexp.MustCompile(`\{([a-z_]+)(\|[^}]*)?\}`)

// placeholders returns the names of the plain placeholders of s. Those of counted words are left out: Japanese has none.
func placeholders(s string) []string {
	var names []string
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		if m[2] == "" {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestBothLanguagesHaveTheSameKeysAndPlaceholders(t *testing.T) {
	for key, ja := range catalogue[JA] {
		en, ok := catalogue[EN][key]
		if !ok {
			t.Errorf("%s is missing in en", key)
			continue
		}
		if a, b := placeholders(ja), placeholders(en); !slices.Equal(a, b) {
			t.Errorf("%s: placeholders %v in ja, %v in en", key, a, b)
		}
	}
	for key := range catalogue[EN] {
		if _, ok := catalogue[JA][key]; !ok {
			t.Errorf("%s is missing in ja", key)
		}
	}
}

func TestTextsAreWellFormed(t *testing.T) {
	name := regexp.MustCompile(`^[a-z]+(\.[a-z0-9_-]+)+$`)
	japanese := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	for lang, m := range catalogue {
		for key, s := range m {
			if !name.MatchString(key) {
				t.Errorf("%s: %q is not a key", lang, key)
			}
			if rest := placeholder.ReplaceAllString(s, ""); strings.ContainsAny(rest, "{}") {
				t.Errorf("%s: %s has a broken placeholder: %s", lang, key, s)
			}
			if lang == EN && japanese.MatchString(s) {
				t.Errorf("%s has Japanese letters in en: %s", key, s)
			}
		}
	}
}

func TestGet(t *testing.T) {
	catalogue[EN]["x.t"] = "{n} {n|device|devices}: {src} → {dst}"
	defer delete(catalogue[EN], "x.t")
	for name, c := range map[string]struct {
		key  string
		args []any
		want string
	}{
		"unknown key":              {"no.such.key", nil, "no.such.key"},
		"one":                      {"x.t", []any{"n", 1, "src", "a", "dst", "b"}, "1 device: a → b"},
		"many":                     {"x.t", []any{"n", "1,400", "src", "a", "dst", "b"}, "1,400 devices: a → b"},
		"value with placeholder":   {"x.t", []any{"n", 0, "src", "{dst}", "dst", "b"}, "0 devices: {dst} → b"},
		"missing and odd argument": {"x.t", []any{"n", 2, "src"}, "2 devices: {src} → {dst}"},
	} {
		if got := Get(EN, c.key, c.args...); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if got := Get("xx", "alert.kind.ip-volume"); got != "IP流量" {
		t.Errorf("unknown language: got %q", got)
	}
	if got := Or(JA, "ot.protocol.none-such", "none-such"); got != "none-such" {
		t.Errorf("Or: got %q", got)
	}
	if got := Expand("open { brace", "a", 1); got != "open { brace" {
		t.Errorf("open brace: got %q", got)
	}
}

func TestInteger(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "-1,234,567", 100000: "100,000"} {
		if got := Integer(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

func TestParseLang(t *testing.T) {
	if l, err := ParseLang("EN"); l != EN || err != nil {
		t.Errorf("EN: %v %v", l, err)
	}
	if _, err := ParseLang("de"); err == nil {
		t.Error("de was taken")
	}
}

func TestFileFaultsAreNamed(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"no equals sign": {"a.b text", ":1:"},
		"no text":        {"# c\n\na.b =", ":3:"},
		"other area":     {"b.c = text", `does not begin with "a."`},
		"twice":          {"a.b = 1\na.b = 2", "twice"},
	} {
		err := parse(map[string]string{}, "a", c.data)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
}

// notYet are families of keys whose room has no code that reads them yet.
var notYet = []string{"alert.mode.", "alert.state.", "cli.", "column.", "device.", "ot."}

// TestKeysInCodeAreDefinedAndUsed reads the Go files of the module. Every literal key given to Get (or to a function
// named t, the local short form) must be in the catalogue; every key must occur in code, whole or by a prefix that
// ends with a dot ("alert.kind." + kind).
func TestKeysInCodeAreDefinedAndUsed(t *testing.T) {
	root := ".."
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Skip("no module root")
	}
	literals := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "vendor") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // the compiler names it
		}
		imports := false
		for _, im := range file.Imports {
			imports = imports || im.Path.Value == `"osect/text"`
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BasicLit:
				if s, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					literals[s] = true
				}
			case *ast.CallExpr:
				key, ok := literalKey(n)
				if ok && imports && !Has(key) && !strings.HasSuffix(key, ".") {
					t.Errorf("%s: key %q is in no file of text/", path, key)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range Keys() {
		if !used(key, literals) {
			t.Errorf("key %s is used nowhere", key)
		}
	}
}

// literalKey returns the key of text.Get(lang, "key"), x.t("key") or t("key").
func literalKey(call *ast.CallExpr) (string, bool) {
	arg := -1
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok && x.Name == "text" && f.Sel.Name == "Get" {
			arg = 1
		} else if f.Sel.Name == "t" {
			arg = 0
		}
	case *ast.Ident:
		if f.Name == "t" {
			arg = 0
		}
	}
	if arg < 0 || arg >= len(call.Args) {
		return "", false
	}
	lit, ok := call.Args[arg].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func used(key string, literals map[string]bool) bool {
	if literals[key] {
		return true
	}
	for i, c := range key {
		if c == '.' && i > 0 && literals[key[:i+1]] {
			return true
		}
	}
	return slices.ContainsFunc(notYet, func(p string) bool { return strings.HasPrefix(key, p) })
}
