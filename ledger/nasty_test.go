package ledger

import (
	"archive/zip"
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

var update = flag.Bool("update", false, "write testdata/nasty anew")

// nasty is a ledger as sites send them, and what is to come of it: a line an entry ("2 ip=…; mac=…", the line of the
// file and the cells that hold something; state=confirmed is left out), then a line a problem ("2:1 ip" the place
// and the key, ~ before a warning), "refused" before those of a file of which nothing is taken.
type nasty struct {
	name string
	data []byte
	want string
}

func in(e encoding.Encoding, s string) []byte {
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		panic(err)
	}
	return b
}

func utf16le(s string) []byte {
	return in(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), s)
}

// book makes a workbook: sheets of rows of cells; a "*" before a sheet's name hides it.
func book(sheets ...any) []byte {
	f := excelize.NewFile()
	defer f.Close()
	for i := 0; i < len(sheets); i += 2 {
		name, hidden := strings.CutPrefix(sheets[i].(string), "*")
		if _, err := f.NewSheet(name); err != nil {
			panic(err)
		}
		if i == 0 {
			if err := f.DeleteSheet("Sheet1"); err != nil {
				panic(err)
			}
		}
		for r, row := range sheets[i+1].([][]any) {
			for c, v := range row {
				at, _ := excelize.CoordinatesToCellName(c+1, r+1)
				if day, ok := v.(excelDate); ok {
					style, _ := f.NewStyle(&excelize.Style{NumFmt: 14})
					f.SetCellStyle(name, at, at, style)
					v = float64(day)
				}
				if err := f.SetCellValue(name, at, v); err != nil {
					panic(err)
				}
			}
		}
		if hidden {
			if err := f.SetSheetVisible(name, false); err != nil {
				panic(err)
			}
		}
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		panic(err)
	}
	return b.Bytes()
}

type excelDate float64

const (
	h3  = "IPアドレス,MACアドレス,ホスト名\n"
	hIP = "IPアドレス,ホスト名\n"
	m1  = "02:00:00:00:00:01"
	m2  = "02:00:00:00:00:02"
)

// cell is a ledger of one device whose IP is good, with one more cell.
func cell(head, v string) []byte { return []byte("IPアドレス," + head + "\n10.0.0.1," + v + "\n") }

// mac is a ledger of one MAC.
func mac(v string) []byte { return []byte("MACアドレス,ホスト名\n" + v + ",A\n") }

// ip is a ledger of one cell of addresses.
func ip(v string) []byte { return []byte(hIP + v + ",A\n") }

func one(cells string) string { return "2 " + cells + "\n" }

const okMAC = "2 mac=02:00:5e:00:53:0a; hostname=A\n"

var nastyLedgers = []nasty{
	// Encodings and byte order marks.
	{"utf8", []byte(h3 + "10.0.0.1," + m1 + ",制御盤A\n"), one("ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=制御盤A")},
	{"utf8-bom", []byte("\uFEFF" + h3 + "10.0.0.1," + m1 + ",制御盤A\n"), one("ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=制御盤A")},
	{"utf8-bom-quoted-head", []byte("\uFEFF\"IPアドレス\",\"備考\"\n\"10.0.0.1\",\"あ\"\n"), one("ip=10.0.0.1; note=あ")},
	{"cp932", in(japanese.ShiftJIS, "IPアドレス,管理者,設置場所\r\n10.0.0.1,髙﨑㈱①～,第一工場\r\n"), one("ip=10.0.0.1; location=第一工場; owner=髙﨑㈱①～")},
	{"cp932-trail-byte-5c", in(japanese.ShiftJIS, "IPアドレス,備考\r\n10.0.0.1,表示ソ能十\r\n"), one("ip=10.0.0.1; note=表示ソ能十")},
	{"cp932-halfwidth-kana", in(japanese.ShiftJIS, "ＩＰｱﾄﾞﾚｽ,ﾎｽﾄ名,備考\r\n10.0.0.1,ﾗｲﾝ1,ｶﾅ\r\n"), one("ip=10.0.0.1; hostname=ライン1; note=ｶﾅ")},
	{"cp932-broken-byte", append(in(japanese.ShiftJIS, "IPアドレス,備考\r\n10.0.0.1,表"), []byte("\xfd\xfe\r\n10.0.0.2,x\r\n")...), "3 ip=10.0.0.2; note=x\n2:2 encoding\n"},
	{"utf8-few-broken-bytes", []byte("IPアドレス,ホスト名\n10.0.0.1,caf\xe9\n10.0.0.2,x\n"), "3 ip=10.0.0.2; hostname=x\n2:2 encoding\n"},
	{"full-stops-in-ip", []byte("IP,MAC\n10。0。0。1 １０｡０｡０｡２,\n"), one("ip=10.0.0.1 10.0.0.2")},
	{"ip-with-dot-at-the-end", []byte("IP\n10.0.0.1.\n"), "2:1 ip\n"},
	{"sep-line-of-excel", []byte("sep=;\r\nIP;MAC\r\n10.0.0.1;\r\n"), "3 ip=10.0.0.1\n"},
	{"utf32", append([]byte("\xff\xfe\x00\x00"), "I\x00\x00\x00P\x00\x00\x00\n\x00\x00\x00"...), "refused\n1:0 header\n"},
	{"decomposed-kana", []byte("IPアト\u3099レス,ホスト名\n10.0.0.1,ホ\u309aンフ\u309a\n"), one("ip=10.0.0.1; hostname=ポンプ")},
	{"mac-full-width-dashes", []byte("MAC\n００－１１－２２－３３－４４－５５\n"), one("mac=00:11:22:33:44:55")},
	{"ideographic-spaces", []byte("IP　アドレス,ホスト　名\n　10.0.0.1　,　盤　1　\n"), one("ip=10.0.0.1; hostname=盤 1")},
	{"host-length-32", []byte("IP\n10.0.0.1/32\n"), one("ip=10.0.0.1")},
	{"criticality-out-of-range", []byte("IP,重要度\n10.0.0.1,-5\n10.0.0.2,１００\n10.0.0.3,50.5\n10.0.0.4,101\n"), "3 ip=10.0.0.2; criticality=100\n2:2 criticality\n4:2 criticality\n5:2 criticality\n"},
	{"first-year-of-an-era", []byte("IP,導入日\n10.0.0.1,令和元年5月1日\n10.0.0.2,R元.5.1\n10.0.0.3,平成31年4月\n10.0.0.4,昭和64年1月7日\n"), "2 ip=10.0.0.1; installed=2019-05-01\n3 ip=10.0.0.2; installed=2019-05-01\n4 ip=10.0.0.3; installed=2019-04\n5 ip=10.0.0.4; installed=1989-01-07\n"},
	{"date-29-feb", []byte("IP,導入日\n10.0.0.1,2024-02-29\n10.0.0.2,2023-02-29\n10.0.0.3,9999-12-31\n"), "2 ip=10.0.0.1; installed=2024-02-29\n3:2 date\n4:2 date\n"},
	{"cp932-beyond-jis", in(japanese.ShiftJIS, "IPアドレス,ホスト名\r\n10.0.0.1,①号機㈱髙橋\r\n"), one("ip=10.0.0.1; hostname=1号機(株)髙橋")},
	{"html", []byte("<html><table><tr><td>IP</td></tr></table></html>"), "refused\n1:0 header\n"},
	{"json", []byte("[{\"ip\":\"10.0.0.1\"}]"), "refused\n1:0 header\n"},
	{"pipes", []byte("IP|MAC\n10.0.0.1|00:11:22:33:44:55\n"), "refused\n1:0 header\n"},
	{"second-line-of-a-head", []byte("No,機器名,IPアドレス\n,,(IPv4)\n1,PLC1,10.0.0.1\n"), "3 ip=10.0.0.1; hostname=PLC1\n~1:1 unknown-column\n2:3 ip\n"},
	{"same-ip-thrice-in-a-cell", []byte("IP\n\"10.0.0.1,10.0.0.1 10.0.0.1\"\n"), one("ip=10.0.0.1")},
	{"escape-sequence", []byte("IP,ホスト名\n10.0.0.1,\x1b[31mRED\x1b[0m\n"), "2:2 control\n"},
	{"conflict-of-versions", []byte("<<<<<<< HEAD\nIP,MAC\n10.0.0.1,00:11:22:33:44:55\n=======\n10.0.0.1,00:11:22:33:44:55\n>>>>>>> x\n"), "3 ip=10.0.0.1; mac=00:11:22:33:44:55\n4:1 ip\n5:0 same-mac\n6:1 ip\n"},
	{"zip-that-is-no-book", []byte("PK\x05\x06" + strings.Repeat("\x00", 18)), "refused\n0:0 xlsx\n"},
	{"utf8-broken-byte", []byte("\uFEFFIPアドレス,備考\n10.0.0.1,\xff\n10.0.0.2,x\n"), "3 ip=10.0.0.2; note=x\n2:2 encoding\n"},
	{"utf16le-bom-tabs", utf16le("IPアドレス\tホスト名\r\n10.0.0.1\t制御\r\n"), one("ip=10.0.0.1; hostname=制御")},
	{"utf16be-bom", in(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "IPアドレス,ホスト名\r\n10.0.0.1,制御\r\n"), one("ip=10.0.0.1; hostname=制御")},
	{"utf16le-no-bom", in(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), "IP,MAC,note\r\n10.0.0.1,,x\r\n"), one("ip=10.0.0.1; note=x")},
	{"utf16be-no-bom", in(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), "IP,MAC,note\r\n10.0.0.1,,x\r\n"), one("ip=10.0.0.1; note=x")},
	{"utf16-odd-length", append(utf16le("IP,note\r\n10.0.0.1,x"), 'y'), "2:2 encoding\n"},
	{"iso-2022-jp", in(japanese.ISO2022JP, "IPアドレス,ホスト名\n10.0.0.1,制御\n"), "refused\n0:0 jis\n"},
	{"euc-jp", in(japanese.EUCJP, "IPアドレス,ホスト名\n10.0.0.1,制御\n"), "refused\n1:0 header\n"},
	{"binary", []byte("\x7fELF\x02\x01\x01\x00\x00\x01\x00\x00,\n\x00\n"), "refused\n0:0 binary\n"},
	{"empty-file", []byte{}, "refused\n0:0 empty\n"},
	{"bom-only", []byte("\uFEFF"), "refused\n0:0 empty\n"},
	{"blank-lines-only", []byte("\n\n , ,\n　\n"), "refused\n0:0 empty\n"},

	// Lines and quotes.
	{"crlf", []byte("IP,note\r\n10.0.0.1,x\r\n10.0.0.2,y\r\n"), "2 ip=10.0.0.1; note=x\n3 ip=10.0.0.2; note=y\n"},
	{"cr-only", []byte("IP,note\r10.0.0.1,x\r10.0.0.2,y"), "2 ip=10.0.0.1; note=x\n3 ip=10.0.0.2; note=y\n"},
	{"mixed-line-ends", []byte("IP,note\r\n10.0.0.1,x\n\r10.0.0.2,y\r\n"), "2 ip=10.0.0.1; note=x\n4 ip=10.0.0.2; note=y\n"},
	{"no-last-line-end", []byte("IP,note\n10.0.0.1,x"), one("ip=10.0.0.1; note=x")},
	{"quoted-comma", []byte("IP,note\n10.0.0.1,\"a,b\"\n"), one("ip=10.0.0.1; note=a,b")},
	{"doubled-quote", []byte("IP,note\n10.0.0.1,\"a\"\"b\"\"\"\n"), one(`ip=10.0.0.1; note=a"b"`)},
	{"bare-quote", []byte("IP,note\n10.0.0.1,27\" monitor\n"), one(`ip=10.0.0.1; note=27" monitor`)},
	{"quoted-line-break", []byte("IP,note\n10.0.0.1,\"a\r\nb\"\n10.0.0.2,c\n"), "2 ip=10.0.0.1; note=a b\n4 ip=10.0.0.2; note=c\n"},
	{"unclosed-quote", []byte("IP,note\n10.0.0.1,\"a\n10.0.0.2,b\n"), "3 ip=10.0.0.2; note=b\n2:1 quote\n"},
	{"unclosed-quote-before-quoted", []byte("IP,note\n10.0.0.1,\"a\n10.0.0.2,\"b\"\n10.0.0.3,c\n"), "4 ip=10.0.0.3; note=c\n2:2 after-quote\n"},
	{"text-after-quote", []byte("IP,note\n10.0.0.1,\"a\"b\n10.0.0.2,c\n"), "3 ip=10.0.0.2; note=c\n2:2 after-quote\n"},
	{"quoted-empty-cells", []byte("IP,note\n\"\",\"\"\n\"10.0.0.1\",\"\"\n"), "3 ip=10.0.0.1\n"},
	{"semicolons", []byte("IP;note\n10.0.0.1;a,b\n"), one("ip=10.0.0.1; note=a,b")},
	{"tabs", []byte("IP\tnote\n10.0.0.1\ta,b;c\n"), one("ip=10.0.0.1; note=a,b;c")},
	{"commas-at-the-end", []byte("IP,note,,,,\n10.0.0.1,x,,,,,,,\n,,,,,\n"), one("ip=10.0.0.1; note=x")},
	{"short-rows", []byte("IP,MAC,note\n10.0.0.1\n"), one("ip=10.0.0.1")},
	{"cell-beyond-the-head", []byte("IP,note\n10.0.0.1,x,y\n10.0.0.2,z\n"), "3 ip=10.0.0.2; note=z\n2:3 cells\n"},
	{"one-column", []byte("IP\n10.0.0.1\n10.0.0.2\n"), "2 ip=10.0.0.1\n3 ip=10.0.0.2\n"},
	{"300-columns", []byte("IP,note\n10.0.0.1" + strings.Repeat(",", 300) + "\n10.0.0.2,x\n"), "3 ip=10.0.0.2; note=x\n2:1 too-wide\n"},
	{"long-cell", cell("備考", strings.Repeat("長", 1001)), "2:2 long\n"},
	{"longest-cell", cell("備考", strings.Repeat("長", 1000)), one("ip=10.0.0.1; note=" + strings.Repeat("長", 1000))},
	{"control-character", cell("備考", "a\x1b[31mb"), "2:2 control\n"},
	{"nul-in-utf8", []byte("IP,note\n10.0.0.1,a\x00b\n"), "refused\n0:0 binary\n"},

	// Heads.
	{"english-head", []byte("IP address,MAC address,Host name,Firmware\n10.0.0.1," + m1 + ",A,1.2\n"), one("ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=A; firmware=1.2")},
	{"keys-as-head", []byte("ip,mac,flags_until\n10.0.0.1,,2026-12-31\n"), one("ip=10.0.0.1; flags_until=2026-12-31")},
	{"full-width-head", []byte("ＩＰアドレス，x\n10.0.0.1\n"), "refused\n1:0 header\n"},
	{"full-width-letters-in-head", []byte("ＩＰアドレス,ＯＳ,Ｆ／Ｗ\n10.0.0.1,Ｗｉｎｄｏｗｓ　１０,Ｖ１．２\n"), one("ip=10.0.0.1; os=Windows 10; firmware=V1.2")},
	{"head-with-marks", []byte("※IP アドレス(必須),MAC-Address,重要度（高/中/低）\n10.0.0.1,,中\n"), one("ip=10.0.0.1; criticality=50")},
	{"head-with-spaces", []byte(" IP アドレス , M A C ,\"ホスト\n名\"\n10.0.0.1,,A\n"), "3 ip=10.0.0.1; hostname=A\n"},
	{"other-order", []byte("備考,ゾーン,IPアドレス\nx,ライン1,10.0.0.1\n"), one("ip=10.0.0.1; zone=ライン1; note=x")},
	{"title-above-head", []byte("第一工場 機器台帳,,\n2026年4月1日現在,,\n\n" + h3 + "10.0.0.1,,A\n"), "5 ip=10.0.0.1; hostname=A\n"},
	{"head-twice", []byte("IP,note\n10.0.0.1,x\nIP,note\n10.0.0.2,y\n"), "2 ip=10.0.0.1; note=x\n4 ip=10.0.0.2; note=y\n"},
	{"same-column-twice", []byte("IPアドレス,ホスト名,端末名\n10.0.0.1,A,B\n"), "refused\n1:3 column-twice\n"},
	{"unknown-column", []byte("IPアドレス,リース満了,ホスト名\n10.0.0.1,2026,A\n"), "2 ip=10.0.0.1; hostname=A\n~1:2 unknown-column\n"},
	{"no-head-fixed-order", []byte("10.0.0.1," + m1 + ",A,盤1,保全,田中,三菱電機,Q03UDE\n"), "1 ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=A; location=盤1; department=保全; owner=田中; vendor=三菱電機; model=Q03UDE\n"},
	{"no-head-no-data", []byte("機器,場所\nA,盤1\n"), "refused\n1:0 header\n"},
	{"head-only", []byte(h3), "refused\n0:0 no-rows\n"},
	{"all-rows-bad", []byte(hIP + "x,A\ny,B\n"), "2:1 ip\n3:1 ip\n"},

	// Addresses.
	{"several-ips-comma", ip(`"10.0.0.2, 10.0.0.1"`), one("ip=10.0.0.1 10.0.0.2; hostname=A")},
	{"several-ips-lines", ip("\"10.0.0.2\n10.0.0.1\""), "2 ip=10.0.0.1 10.0.0.2; hostname=A\n"},
	{"several-ips-slash", ip("10.0.0.2/10.0.0.1"), one("ip=10.0.0.1 10.0.0.2; hostname=A")},
	{"several-ips-japanese-comma", ip("10.0.0.2、10.0.0.1　10.0.0.2"), one("ip=10.0.0.1 10.0.0.2; hostname=A")},
	{"full-width-ip", ip("１９２．１６８．３．３９"), one("ip=192.168.3.39; hostname=A")},
	{"leading-zeros", ip("192.168.003.010"), one("ip=192.168.3.10; hostname=A")},
	{"ip-with-length", ip("192.168.3.39/24"), one("ip=192.168.3.39; hostname=A")},
	{"network", ip("192.168.3.0/24"), "2:1 network\n"},
	{"ip-range", ip("192.168.3.10-20"), "2:1 ip\n"},
	{"ip-with-port", ip("192.168.3.10:502"), "2:1 ip\n"},
	{"ip-256", ip("192.168.3.256"), "2:1 ip\n"},
	{"ip-three-parts", ip("192.168.3"), "2:1 ip\n"},
	{"ip-with-note", ip("192.168.3.10(予備)"), "2:1 ip\n"},
	{"ipv6", ip("FD00:0:0::00A5"), one("ip=fd00::a5; hostname=A")},
	{"ipv6-zone", ip("fe80::1%eth0"), "2:1 ip\n"},
	{"ipv4-in-ipv6", ip("::ffff:10.0.0.1"), one("ip=10.0.0.1; hostname=A")},
	{"zero-ip", ip("0.0.0.0"), "2:1 ip-kind\n"},
	{"multicast-ip", ip("239.1.1.1"), "2:1 ip-kind\n"},
	{"loopback-ip", ip("127.0.0.1"), "2:1 ip-kind\n"},
	{"dhcp-instead-of-ip", []byte(h3 + "DHCP," + m1 + ",A\nー," + m2 + ",B\n"), "2 mac=02:00:00:00:00:01; hostname=A\n3 mac=02:00:00:00:00:02; hostname=B\n"},
	{"neither-ip-nor-mac", []byte(h3 + ",,A\nなし,不明,B\n"), "2:0 no-address\n3:0 no-address\n"},
	{"65-ips", ip(manyIPs(65)), "2:1 many-ips\n"},
	{"zero-width-space-in-ip", ip("10.0.0.1\u200b"), one("ip=10.0.0.1; hostname=A")},
	{"no-break-space", ip("\u00a010.0.0.1\u3000"), one("ip=10.0.0.1; hostname=A")},
	{"direction-mark", cell("備考", "abc\u202etxt"), one("ip=10.0.0.1; note=abctxt")},

	// MACs.
	{"mac-colons", mac("02:00:5E:00:53:0A"), okMAC},
	{"mac-dashes", mac("02-00-5e-00-53-0a"), okMAC},
	{"mac-dots", mac("0200.5e00.530a"), okMAC},
	{"mac-bare", mac("02005E00530A"), okMAC},
	{"mac-half", mac("02005e-00530a"), okMAC},
	{"mac-spaces", mac("02 00 5e 00 53 0a"), okMAC},
	{"mac-short-bytes", mac("2:0:5e:0:53:a"), okMAC},
	{"mac-0x", mac("0x02005e00530a"), okMAC},
	{"mac-full-width", mac("０２：００：５Ｅ：００：５３：０Ａ"), okMAC},
	{"mac-minus-signs", mac("02−00−5e−00−53−0a"), okMAC},
	{"mac-five-bytes", mac("02:00:5e:00:53"), "2:1 mac-bytes\n"},
	{"mac-lost-zeros", mac("25300530012"), "2:1 mac-bytes\n"},
	{"mac-eui64", mac("02:00:5e:ff:fe:00:53:0a"), "2:1 mac-bytes\n"},
	{"mac-as-number", mac("2.00E+11"), "2:1 mac-number\n"},
	{"mac-letter-o", mac("O2:00:5e:00:53:0a"), "2:1 mac\n"},
	{"mac-two", mac("02:00:5e:00:53:0a 02:00:5e:00:53:0b"), "2:1 many-macs\n"},
	{"mac-two-slash", mac("02005e00530a/02005e00530b"), "2:1 many-macs\n"},
	{"mac-group", mac("01:00:5e:00:00:01"), "2:1 mac-kind\n"},
	{"mac-broadcast", mac("ff-ff-ff-ff-ff-ff"), "2:1 mac-kind\n"},
	{"mac-zero", mac("000000000000"), "2:1 mac-kind\n"},

	// Rows that say the same.
	{"same-mac-twice", []byte(h3 + "10.0.0.1," + m1 + ",A\n10.0.0.2," + strings.ReplaceAll(m1, ":", "-") + ",B\n"), "2 ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=A\n3:0 same-mac\n"},
	{"same-mac-two-sites", []byte("IP,MAC,拠点\n10.0.0.1," + m1 + ",大阪\n10.0.0.1," + m1 + ",東京\n"), "2 ip=10.0.0.1; mac=02:00:00:00:00:01; site=大阪\n3 ip=10.0.0.1; mac=02:00:00:00:00:01; site=東京\n"},
	{"same-ip-without-mac", []byte(hIP + "10.0.0.1,A\n10.0.0.1,B\n"), "2 ip=10.0.0.1; hostname=A\n3:0 same-ip\n"},
	{"same-ip-mac-wins", []byte(h3 + "10.0.0.1,,A\n10.0.0.1," + m1 + ",B\n"), "3 ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=B\n2:0 same-ip\n"},
	{"same-ip-two-macs", []byte(h3 + "10.0.0.1," + m1 + ",A\n10.0.0.1," + m2 + ",B\n"), "2 ip=10.0.0.1; mac=02:00:00:00:00:01; hostname=A\n3 ip=10.0.0.1; mac=02:00:00:00:00:02; hostname=B\n~3:0 shared-ip\n"},
	{"same-row-thrice", []byte(hIP + strings.Repeat("10.0.0.1,A\n", 3)), "2 ip=10.0.0.1; hostname=A\n3:0 same-ip\n4:0 same-ip\n"},

	// Other cells.
	{"dates", []byte("IP,導入日\n10.0.0.1,2024/4/1\n10.0.0.2,2024年4月\n10.0.0.3,令和6年4月1日\n10.0.0.4,H30.12.5\n10.0.0.5,20240401\n10.0.0.6,2024\n10.0.0.7,令和元年5月1日\n10.0.0.8,2024/04/01 12:30:00\n10.0.0.9,－\n"),
		"2 ip=10.0.0.1; installed=2024-04-01\n3 ip=10.0.0.2; installed=2024-04\n4 ip=10.0.0.3; installed=2024-04-01\n5 ip=10.0.0.4; installed=2018-12-05\n6 ip=10.0.0.5; installed=2024-04-01\n7 ip=10.0.0.6; installed=2024\n8 ip=10.0.0.7; installed=2019-05-01\n9 ip=10.0.0.8; installed=2024-04-01\n10 ip=10.0.0.9\n"},
	{"date-31-feb", cell("導入日", "2024-02-31"), "2:2 date\n"},
	{"date-american", cell("導入日", "4/1/2024"), "2:2 date\n"},
	{"date-word", cell("導入日", "来年"), "2:2 date\n"},
	{"flag-until-without-day", cell("フラグ期限", "2026-12"), "2:2 day\n"},
	{"flags", cell("フラグ", "スキャナー、重要 critical"), one("ip=10.0.0.1; flags=critical scanner")},
	{"unknown-flag", cell("フラグ", "vip"), "2:2 flag\n"},
	{"state", []byte("IP,状態\n10.0.0.1,観測のみ\n10.0.0.2,\n10.0.0.3,確認済み\n10.0.0.4,多分\n"), "2 ip=10.0.0.1; state=observed\n3 ip=10.0.0.2\n4 ip=10.0.0.3\n5:2 state\n"},
	{"criticality", []byte("IP,重要度\n10.0.0.1,高\n10.0.0.2,７５\n10.0.0.3,B\n10.0.0.4,101\n10.0.0.5,-1\n10.0.0.6,100%\n10.0.0.7,\n"),
		"2 ip=10.0.0.1; criticality=80\n3 ip=10.0.0.2; criticality=75\n4 ip=10.0.0.3; criticality=50\n7 ip=10.0.0.6; criticality=100\n8 ip=10.0.0.7\n5:2 criticality\n6:2 criticality\n"},
	{"formulas", []byte("IP,備考,管理者\n10.0.0.1,\"=HYPERLINK(\"\"x\"\")\",+81-3\n10.0.0.2,'=1+1,'@x\n10.0.0.3,'abc,-5\n"),
		"2 ip=10.0.0.1; owner=+81-3; note==HYPERLINK(\"x\")\n3 ip=10.0.0.2; owner=@x; note==1+1\n4 ip=10.0.0.3; owner=-5; note='abc\n"},
	{"two-bad-cells", []byte("IP,MAC,重要度\n1.2.3,xx,999\n"), "2:1 ip\n2:2 mac\n2:3 criticality\n"},

	// Workbooks.
	{"book.xlsx", book("台帳", [][]any{{"IPアドレス", "MACアドレス", "備考"}, {"10.0.0.1", m1, "あ"}}), one("ip=10.0.0.1; mac=02:00:00:00:00:01; note=あ")},
	{"book-dates.xlsx", book("台帳", [][]any{{"IPアドレス", "導入日", "フラグ期限"}, {"10.0.0.1", excelDate(45383), excelDate(46387)}}), one("ip=10.0.0.1; installed=2024-04-01; flags_until=2026-12-31")},
	{"book-year-as-number.xlsx", book("台帳", [][]any{{"IPアドレス", "導入日"}, {"10.0.0.1", 2024}}), one("ip=10.0.0.1; installed=2024")},
	{"book-mac-as-number.xlsx", book("台帳", [][]any{{"IPアドレス", "MACアドレス"}, {"10.0.0.1", 2.5e9}}), "2:2 mac-bytes\n"},
	{"book-second-sheet.xlsx", book("表紙", [][]any{{"第一工場"}, {"担当 田中"}}, "機器一覧", [][]any{{"機器台帳"}, {}, {"IP", "ホスト名"}, {"10.0.0.1", "A"}}), "4 ip=10.0.0.1; hostname=A\n"},
	{"book-hidden-sheet.xlsx", book("今年", [][]any{{"IP", "備考"}, {"10.0.0.1", "x"}}, "*去年", [][]any{{"IP", "備考"}, {"10.0.0.9", "y"}}), one("ip=10.0.0.1; note=x")},
	{"book-empty.xlsx", book("台帳", [][]any{}), "refused\n0:0 empty\n"},
	{"book-no-head.xlsx", book("台帳", [][]any{{"機器", "場所"}, {"A", "盤1"}}), "refused\n1:0 header\n"},
	{"book-formula-text.xlsx", book("台帳", [][]any{{"IP", "備考"}, {"10.0.0.1", "=1+1"}}), one("ip=10.0.0.1; note==1+1")},
	{"book-bad-cell.xlsx", book("台帳", [][]any{{"ホスト名", "IP"}, {"A", "10.0.0.1"}, {"B", "10.0.0"}}), "2 ip=10.0.0.1; hostname=A\n3:2 ip\n"},
	{"old-book.xls", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 504)...), "refused\n0:0 xls\n"},
	{"pk-in-the-head", []byte("PKG,IP\nA,10.0.0.1\n"), "2 ip=10.0.0.1\n~1:1 unknown-column\n"},
	{"no-book.xlsx", []byte("PK\x03\x04 and then nothing that a zip has"), "refused\n0:0 xlsx\n"},
}

// A workbook that unpacks to more than it may is refused, and takes little memory for that.
func TestABombIsRefused(t *testing.T) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	small := book("台帳", [][]any{{"IP"}, {"10.0.0.1"}})
	good, err := zip.NewReader(bytes.NewReader(small), int64(len(small)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range good.File {
		if !strings.HasPrefix(f.Name, "xl/worksheets/") {
			if err := z.Copy(f); err != nil {
				t.Fatal(err)
			}
			continue
		}
		w, err := z.Create(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		blank := bytes.Repeat([]byte(" "), 1<<20)
		for range unzipLimit>>20 + 1 {
			if _, err := w.Write(blank); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Read(bytes.NewReader(b.Bytes()))
	if err != nil || !f.Refused || f.told() != "refused\n0:0 xlsx\n" {
		t.Errorf("%d bytes: %v, %+v", b.Len(), err, f)
	}
}

func manyIPs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "10.0.1.%d ", i+1)
	}
	return b.String()
}

// told writes what Read made of a file in the form of nasty.want.
func (f *File) told() string {
	var b strings.Builder
	if f.Refused {
		b.WriteString("refused\n")
	}
	for i := range f.Entries {
		e := &f.Entries[i]
		var cells []string
		for c := range Columns {
			if s := e.Cells[c]; s != "" && (c != State || s != Confirmed) {
				cells = append(cells, c.Key()+"="+s)
			}
		}
		fmt.Fprintf(&b, "%d %s\n", e.Line, strings.Join(cells, "; "))
	}
	for _, p := range f.Problems {
		if p.Warning {
			b.WriteByte('~')
		}
		fmt.Fprintf(&b, "%d:%d %s\n", p.Line, p.Column, p.Key)
	}
	return b.String()
}

func (n *nasty) file() string {
	if strings.Contains(n.name, ".xls") {
		return n.name
	}
	return n.name + ".csv"
}

// Each of the ledgers in testdata/nasty is read, or refused, as is written beside it. The files are made from the table
// above by go test ./ledger -run TestNastyLedgers -update.
func TestNastyLedgers(t *testing.T) {
	dir := filepath.Join("testdata", "nasty")
	if *update {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, n := range nastyLedgers {
		t.Run(n.name, func(t *testing.T) {
			path := filepath.Join(dir, n.file())
			if slices.Contains(names, path) {
				t.Fatal("the name stands twice")
			}
			names = append(names, path)
			if *update {
				for p, b := range map[string][]byte{path: n.data, path + ".want": []byte(n.want)} {
					if err := os.WriteFile(p, b, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(path + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(path, ".xlsx") && !bytes.Equal(data, n.data) || string(want) != n.want {
				t.Error("the file is not that of the table: -update")
			}
			f, err := Read(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if got := f.told(); got != n.want {
				t.Errorf("got\n%swant\n%s", got, n.want)
			}
			bad := map[int]bool{}
			for _, p := range f.Problems {
				if !p.Warning {
					bad[p.Line] = true
				}
				if s := p.Text("ja"); strings.ContainsAny(s, "{}") || strings.HasPrefix(s, "ledger.") {
					t.Errorf("text of %s: %s", p.Key, s)
				}
			}
			if !f.Refused && len(bad) != f.Bad {
				t.Errorf("%d bad rows are counted, %d named", f.Bad, len(bad))
			}
			roundTrip(t, f.Entries, true)
		})
	}
	if len(names) < 100 {
		t.Errorf("only %d ledgers", len(names))
	}
}

// roundTrip: what is written is read as the same entries, and written again as the same bytes.
func roundTrip(t *testing.T, entries []Entry, workbook bool) {
	t.Helper()
	if len(entries) == 0 {
		return
	}
	for _, bom := range []bool{false, true} {
		var first, second, wb bytes.Buffer
		if err := WriteCSV(&first, entries, "ja", bom); err != nil {
			t.Fatal(err)
		}
		f, err := Read(bytes.NewReader(first.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Entries) != len(entries) || f.Bad != 0 {
			t.Fatalf("read back: %d of %d entries, %v\n%s", len(f.Entries), len(entries), f.Problems, first.Bytes())
		}
		for i := range entries {
			if f.Entries[i].Cells != entries[i].Cells {
				t.Fatalf("read back: %q, was %q", f.Entries[i].Cells, entries[i].Cells)
			}
		}
		if err := WriteCSV(&second, f.Entries, "ja", bom); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Fatalf("written again:\n%s\nwas\n%s", second.Bytes(), first.Bytes())
		}
		if bom || !workbook {
			continue
		}
		if err := WriteXLSX(&wb, entries, "en"); err != nil {
			t.Fatal(err)
		}
		if f, err = Read(&wb); err != nil || f.Bad != 0 || len(f.Entries) != len(entries) {
			t.Fatalf("workbook: %v, %v", err, f.Problems)
		}
		for i := range entries {
			if f.Entries[i].Cells != entries[i].Cells {
				t.Fatalf("from the workbook: %q, was %q", f.Entries[i].Cells, entries[i].Cells)
			}
		}
	}
}
