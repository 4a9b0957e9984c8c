//go:build unioffice

package report

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/unidoc/unioffice/common/license"
	"github.com/unidoc/unioffice/presentation"

	"osect/report/pptx"
)

// keyVariable holds the key without which UniOffice neither reads nor writes.
const keyVariable = "UNIDOC_LICENSE_API_KEY"

// save has UniOffice write the file of a deck where its key is set: UniOffice reads what our own writer laid out, and writes it
// again. UniOffice asks its makers' server about the key, which needs the internet. Without a key the deck is our own writer's, and DeckNote
// says so.
func save(w io.Writer, d *pptx.Deck) error {
	key := os.Getenv(keyVariable)
	if key == "" {
		_, err := d.WriteTo(w)
		return err
	}
	var b bytes.Buffer
	if _, err := d.WriteTo(&b); err != nil {
		return err
	}
	if err := license.SetMeteredKey(key); err != nil {
		return fmt.Errorf("UniOffice does not take the key in %s: %w: mend it, or unset it for osect's own writer", keyVariable, err)
	}
	p, err := presentation.Read(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return fmt.Errorf("UniOffice: %w: unset %s for osect's own writer", err, keyVariable)
	}
	defer p.Close()
	if err := p.Save(w); err != nil {
		return fmt.Errorf("UniOffice: %w: unset %s for osect's own writer", err, keyVariable)
	}
	return nil
}

// DeckNote is the key of a text that whoever asked for a deck should read; "" for none.
func DeckNote() string {
	if os.Getenv(keyVariable) == "" {
		return "report.unioffice.no-key"
	}
	return ""
}
