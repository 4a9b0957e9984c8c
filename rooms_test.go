// Package osect holds only tests of the whole: that the rooms keep their doors.
package osect

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// allowed lists, for each room, the rooms that it may import (docs/architecture.md).
// A room that is not here may import none.
var allowed = map[string]string{
	"cmd/osect":    "*",
	"cmd/plantgen": "",
	"portal":       "store report ledger inventory text picture",
	"pipeline":     "capture observe inventory detect store notify decode", // decode: the registry of protocols
	"report":       "store inventory text picture",
	"ledger":       "store inventory text decode", // decode: addresses
	"check":        "store inventory text",
	"notify":       "store text",
	"diff":         "store inventory decode",
	"export":       "store inventory decode",
	"service":      "",
	"picture":      "store inventory text decode",     // decode: addresses
	"store":        "observe detect decode inventory", // types only
	"detect":       "observe inventory decode",        // decode: addresses
	"inventory":    "observe decode",                  // decode: addresses
	"observe":      "signature decode",
	"signature":    "decode",
	"decode":       "",
	"capture":      "",
	"text":         "",
}

// room is the room of a folder: its first part, of cmd the first two.
func room(dir string) string {
	parts := strings.Split(filepath.ToSlash(dir), "/")
	if parts[0] == "cmd" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func TestRooms(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != "." || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		files++
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		from := room(filepath.Dir(path))
		may, known := allowed[from]
		if !known {
			t.Errorf("%s: the room %q is not in the house: add it here and to docs/architecture.md", path, from)
		}
		for _, i := range f.Imports {
			name, _ := strconv.Unquote(i.Path.Value)
			if !strings.HasPrefix(name, "osect/") {
				continue
			}
			to := room(strings.TrimPrefix(name, "osect/"))
			if to == from || may == "*" {
				continue
			}
			if !strings.Contains(" "+may+" ", " "+to+" ") {
				t.Errorf("%s imports %s: %s may import only: %s", path, name, from, may)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files looked at", files)
	}
}

// TestPackageComments: every package says what it is.
func TestPackageComments(t *testing.T) {
	has := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.Dir(path)
		has[dir] = has[dir] || f.Doc != nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for dir, ok := range has {
		if !ok {
			t.Errorf("%s has no package comment", dir)
		}
	}
}
