//go:build unioffice

package report

import (
	"bytes"
	"strings"
	"testing"

	"osect/text"
)

// TestWithoutKey runs in a build with the tag, which TestUniofficeTag makes.
func TestWithoutKey(t *testing.T) {
	t.Setenv(keyVariable, "")
	data := deck(t, plant(20, 0, ""), text.JA)
	if !bytes.HasPrefix(data, []byte("PK")) {
		t.Error("no deck without a key")
	}
	for _, lang := range []text.Lang{text.JA, text.EN} {
		if line := text.Get(lang, DeckNote()); !strings.Contains(line, keyVariable) || strings.Contains(line, "\n") {
			t.Errorf("%s: the line is %q", lang, line)
		}
	}
	t.Setenv(keyVariable, "x")
	if DeckNote() != "" {
		t.Error("a note with a key")
	}
}
