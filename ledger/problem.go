package ledger

import (
	"fmt"

	"osect/text"
)

// Key names a kind of problem; its text is ledger.bad.KEY.
type Key string

// The problems of files and rows.
const (
	BadTooBig      Key = "too-big"      // the file
	BadTooMany     Key = "too-many"     // rows
	BadTooWide     Key = "too-wide"     // a row
	BadBinary      Key = "binary"       // no text
	BadJIS         Key = "jis"          // ISO-2022-JP
	BadXLS         Key = "xls"          // an old or locked workbook
	BadXLSX        Key = "xlsx"         // a workbook that cannot be read
	BadEmpty       Key = "empty"        // nothing in the file
	BadHeader      Key = "header"       // no head and no data
	BadTwice       Key = "column-twice" // a head stands twice
	BadNoRows      Key = "no-rows"      // a head only
	BadQuote       Key = "quote"        // an opening quote without an end
	BadAfterQuote  Key = "after-quote"  // text behind a closing quote
	BadCells       Key = "cells"        // more cells than heads
	BadEncoding    Key = "encoding"     // bytes that are no text
	BadControl     Key = "control"      // a control character
	BadLong        Key = "long"         // a cell
	BadNoAddress   Key = "no-address"   // neither IP nor MAC
	BadIP          Key = "ip"
	BadIPKind      Key = "ip-kind"   // multicast, 0.0.0.0, …
	BadNetwork     Key = "network"   // a prefix
	BadManyIPs     Key = "many-ips"  // in one cell
	BadMAC         Key = "mac"       //
	BadMACLength   Key = "mac-bytes" // not 6 bytes
	BadMACNumber   Key = "mac-number"
	BadMACKind     Key = "mac-kind" // group, all 0
	BadManyMACs    Key = "many-macs"
	BadCriticality Key = "criticality"
	BadDate        Key = "date"
	BadDay         Key = "day" // a date without its day
	BadFlag        Key = "flag"
	BadState       Key = "state"
	BadSameMAC     Key = "same-mac"  // an earlier row has it
	BadSameIP      Key = "same-ip"   // likewise
	BadSameRow     Key = "same-row"  // two rows for one entry
	BadAmbiguous   Key = "ambiguous" // several entries

	// Those that leave the row in.
	WarnColumn   Key = "unknown-column"
	WarnIP       Key = "shared-ip"    // two MACs with one address in the file
	WarnLedgerIP Key = "ip-elsewhere" // another entry lists it
)

// Problem is one thing that is wrong with a file. Line and Column count from 1; in a workbook they are
// the row's and the column's number. They are 0 where the whole file, or row, is meant.
type Problem struct {
	Line, Column int
	Key          Key
	Args         []any // of the text: name, value, …
	Warning      bool  // the row stands
}

// Text says what is wrong and what was expected.
func (p *Problem) Text(lang text.Lang) string {
	return text.Get(lang, "ledger.bad."+string(p.Key), p.Args...)
}

// Place is FILE, FILE:LINE or FILE:LINE:COLUMN.
func (p *Problem) Place(file string) string {
	switch {
	case p.Line == 0:
		return file
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", file, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", file, p.Line, p.Column)
}
