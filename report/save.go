//go:build !unioffice

package report

import (
	"io"

	"osect/report/pptx"
)

// save writes the file of a deck. With the build tag unioffice another one does.
func save(w io.Writer, d *pptx.Deck) error {
	_, err := d.WriteTo(w)
	return err
}

// DeckNote is the key of a text that whoever asked for a deck should read; "" for none.
func DeckNote() string { return "" }
