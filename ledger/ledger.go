// Package ledger reads, merges and links the ledger: the site's own list of its devices.
//
// A ledger is a CSV file or a workbook with the columns of docs/ledger.md. Read gives its good
// rows as entries in canonical form and a Problem for each bad one; Replace and Merge say what a
// file changes; Index finds the entry of a device; Compare and Crossings hold the ledger against
// what was observed. Entries are kept by store.EditLedger.
package ledger

import (
	"regexp"
	"slices"
	"strings"

	"osect/store"
	"osect/text"
)

// Column is a column of the ledger: its place in the fixed order, from 0.
type Column int

// The columns in their fixed order; their names are store.LedgerColumns.
const (
	IP          Column = iota // IP addresses, separated by a space
	MAC                       // aa:bb:cc:dd:ee:ff
	Hostname                  //
	Location                  //
	Department                //
	Owner                     //
	Vendor                    //
	Model                     //
	OS                        //
	Firmware                  //
	Role                      // free text; what osect fills in is one of inventory.Roles
	Zone                      // IEC 62443 zone
	Criticality               // 0 to 100, "" for not said
	Installed                 // YYYY, YYYY-MM or YYYY-MM-DD
	Note                      //
	Asset                     // the site's number of the asset
	Serial                    //
	Flags                     // of FlagScanner, FlagEngineering, FlagCritical, separated by a space
	FlagsUntil                // YYYY-MM-DD, the last day (UTC) on which Flags hold; "" for ever
	Site                      // as sensors have it; "" for any
	State                     // Confirmed or SeenOnly
	Columns                   // their number
)

// The values of State: a person vouches for the entry; osect filled it in from what it saw.
const (
	Confirmed = "confirmed"
	SeenOnly  = "observed"
)

// The values in Flags.
const (
	FlagScanner     = "scanner"     // scans on purpose
	FlagEngineering = "engineering" // programs and controls controllers on purpose
	FlagCritical    = "critical"    // whatever happens to it is worse
)

// Key is the column's name in the store, in JSON and in messages of the program.
func (c Column) Key() string { return store.LedgerColumns[c] }

// Title is the column's head in files and tables.
func (c Column) Title(lang text.Lang) string { return text.Get(lang, "ledger.column."+c.Key()) }

// ParseColumn reads a column's name: its key, its title or one of its other names, also with something in brackets beside.
func ParseColumn(s string) (Column, bool) {
	c, ok := aliases[foldName(s)]
	if !ok {
		c, ok = aliases[foldName(brackets.ReplaceAllString(narrow(s), ""))]
	}
	return c, ok
}

// brackets hold what people add to a head: "IPアドレス(必須)".
var brackets = regexp.MustCompile(`\([^()]*\)|\[[^\[\]]*\]|【[^【】]*】`)

// Entry is a row of the ledger in canonical form.
type Entry struct {
	N     int64 // its place in the stored list, 0 for none yet
	Cells [Columns]string
	Line  int // of the file it was read from, 0 for none
}

// IPs are the entry's addresses.
func (e *Entry) IPs() []string { return strings.Fields(e.Cells[IP]) }

// MAC is the entry's MAC, "" for none.
func (e *Entry) MAC() string { return e.Cells[MAC] }

// Name is how messages call the entry: its MAC, else its first address.
func (e *Entry) Name() string {
	if e.Cells[MAC] != "" {
		return e.Cells[MAC]
	}
	first, _, _ := strings.Cut(e.Cells[IP], " ")
	return first
}

// Has says whether the entry lists an address or has a MAC, in canonical form.
func (e *Entry) Has(address string) bool {
	return address != "" && (e.Cells[MAC] == address || slices.Contains(e.IPs(), address))
}

// FromStore makes entries of rows.
func FromStore(rows []store.LedgerRow) []Entry {
	out := make([]Entry, len(rows))
	for i, r := range rows {
		out[i].N = r.N
		copy(out[i].Cells[:], r.Cells)
	}
	return out
}

// ToStore makes rows of entries.
func ToStore(entries []Entry) []store.LedgerRow {
	out := make([]store.LedgerRow, len(entries))
	for i := range entries {
		out[i] = store.LedgerRow{N: entries[i].N, Cells: slices.Clone(entries[i].Cells[:])}
	}
	return out
}

// names are the other names by which files head the columns, besides keys and titles.
var names = map[Column][]string{
	IP:          {"IP", "IPs", "IP address", "IP addresses", "IPv4", "IPv4アドレス", "IPv4 address", "IPv6アドレス", "IPアドレス", "ネットワークアドレス"},
	MAC:         {"MAC address", "MAC", "MACアドレス", "物理アドレス", "ハードウェアアドレス", "hardware address", "ethernet address", "physical address"},
	Hostname:    {"host name", "host", "name", "device name", "computer name", "ホスト", "ホスト名", "機器名", "機器名称", "端末名", "設備名", "設備名称", "装置名", "コンピュータ名", "コンピューター名", "名称"},
	Location:    {"location", "place", "設置場所", "場所", "設置位置", "ロケーション"},
	Department:  {"department", "dept", "部署", "部門", "管理部署", "管理部門", "所属", "担当部署"},
	Owner:       {"owner", "responsible", "contact", "管理者", "担当者", "責任者", "管理責任者", "所有者", "使用者"},
	Vendor:      {"vendor", "manufacturer", "maker", "メーカー", "メーカ", "ベンダー", "ベンダ", "製造元", "メーカー名", "メーカ名"},
	Model:       {"model", "model number", "product", "型番", "型式", "形式", "形名", "機種", "機種名", "モデル", "製品名"},
	OS:          {"OS", "operating system", "OS名", "OSバージョン"},
	Firmware:    {"firmware", "FW", "F/W", "version", "firmware version", "ファームウェア", "ファームウエア", "ファーム", "バージョン", "ファームウェアバージョン", "ファームバージョン"},
	Role:        {"role", "type", "kind", "use", "役割", "用途", "種別", "機器種別", "種類"},
	Zone:        {"zone", "segment", "area", "ゾーン", "セグメント", "エリア", "ゾーン名"},
	Criticality: {"criticality", "importance", "priority", "重要度", "重要性"},
	Installed:   {"installed", "install date", "installation date", "date installed", "導入日", "設置日", "導入年月日", "設置年月日", "導入年月", "導入時期", "購入日"},
	Note:        {"note", "notes", "remarks", "comment", "備考", "メモ", "コメント", "摘要", "特記事項"},
	Asset:       {"asset", "asset number", "asset no", "asset ID", "資産番号", "管理番号", "資産管理番号", "設備番号"},
	Serial:      {"serial", "serial number", "serial no", "S/N", "製造番号", "シリアル番号", "シリアル", "シリアルNo", "製番"},
	Flags:       {"flags", "flag", "フラグ", "検知区分", "区分"},
	FlagsUntil:  {"flags until", "until", "フラグ期限", "検知区分期限", "区分期限", "期限"},
	Site:        {"site", "plant", "factory", "拠点", "工場", "事業所"},
	State:       {"status", "状態", "確認状態", "確認"},
}

var aliases = func() map[string]Column {
	m := map[string]Column{}
	for c := range Columns {
		m[foldName(c.Key())] = c
		for _, l := range []text.Lang{text.JA, text.EN} {
			m[foldName(c.Title(l))] = c
		}
		for _, n := range names[c] {
			m[foldName(n)] = c
		}
	}
	return m
}()
