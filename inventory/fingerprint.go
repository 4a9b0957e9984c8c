package inventory

import (
	"bufio"
	_ "embed" // for the table of fingerprints
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Fingerprints are forms of TCP SYNs and SYN+ACKs and the systems that send them: see os.fp for the format, which
// is that of p0f version 3's fp files. The zero value is empty.
type Fingerprints struct {
	entries [2][]fingerprint // SYN, SYN+ACK
}

// fingerprint is one sig line under its label.
type fingerprint struct {
	names   []string // "Windows 7", "Windows 8"; nil for a program with a TCP of its own
	generic bool
	form
}

// form is a signature's fields, of a table's line or of a packet. -1 is "*".
type form struct {
	version, ttl   int
	atMost         bool // ttl is an upper bound
	hops           int  // packets only
	olen, mss      int
	wsize          int
	wtype          byte // 0 number, '*', 's' mss*N, 't' mtu*N, '%'
	scale          int
	layout, pclass string
	quirks         uint32
}

// quirkNames in the order of their bits.
var quirkNames = strings.Fields("df id+ id- ecn 0+ flow seq- ack+ ack- uptr+ urgf+ pushf+ ts1- ts2+ opt+ exws bad")

const (
	quirkDF      = 1 << 0
	quirkID      = 1 << 1
	quirkNoID    = 1 << 2
	quirkECN     = 1 << 3
	quirkZero    = 1 << 4
	quirkFlow    = 1 << 5
	quirksOfIPv4 = quirkDF | quirkID | quirkNoID | quirkZero
)

// maxFingerprints is the most lines of a table that are read.
const maxFingerprints = 20000

// ParseFingerprints reads a table in p0f's form. Sections and lines that are not of [tcp:request] and [tcp:response] are
// passed over; a line of these that cannot be read is an error with its number.
func ParseFingerprints(r io.Reader) (*Fingerprints, error) {
	f := new(Fingerprints)
	section, label := -1, fingerprint{}
	labelled := false
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 4096), 64<<10)
	for n := 1; in.Scan(); n++ {
		if n > maxFingerprints {
			return nil, fmt.Errorf("line %d: more than %d lines", n, maxFingerprints)
		}
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == ';' || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			section, labelled = -1, false
			switch strings.ToLower(line) {
			case "[tcp:request]":
				section = 0
			case "[tcp:response]":
				section = 1
			}
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if section < 0 {
			continue
		}
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case !ok:
			return nil, fmt.Errorf("line %d: want name = value", n)
		case key == "label":
			p := strings.SplitN(value, ":", 4)
			if len(p) != 4 || p[0] != "s" && p[0] != "g" || p[2] == "" {
				return nil, fmt.Errorf("line %d: label %q: want s or g : class : name : flavour", n, value)
			}
			label, labelled = fingerprint{generic: p[0] == "g"}, true
			if p[1] != "!" {
				label.names = systemNames(p[2], p[3])
			}
		case key == "sig":
			if !labelled {
				return nil, fmt.Errorf("line %d: a sig before any label", n)
			}
			e := label
			var err error
			if e.form, err = parseForm(value); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			f.entries[section] = append(f.entries[section], e)
		}
	}
	return f, in.Err()
}

// systemNames makes names of a label's name and flavour: "Windows" and "7 or 8" are "Windows 7" and "Windows 8".
func systemNames(name, flavour string) []string {
	if name == "Mac OS X" { // so p0f calls it
		name = "macOS"
	}
	if name == "Windows" {
		switch { // p0f's words for families of versions
		case strings.HasPrefix(flavour, "NT kernel 5"):
			flavour = "2000, XP or Server 2003"
		case strings.HasPrefix(flavour, "NT kernel 6"):
			flavour = "Vista, 7, 8, 8.1, Server 2008, Server 2008 R2, Server 2012 or Server 2012 R2"
		case strings.HasPrefix(flavour, "NT kernel"):
			flavour = ""
		}
	}
	split := func(s string) []string {
		return strings.Split(strings.ReplaceAll(s, " or ", ", "), ", ")
	}
	var out []string
	for _, n := range split(name) {
		if flavour == "" {
			out = append(out, n)
			continue
		}
		for _, v := range split(flavour) {
			out = append(out, n+" "+strings.TrimSpace(v))
		}
	}
	return out
}

// parseForm reads a signature: a table's, or a packet's as decode/host tells it.
func parseForm(s string) (f form, err error) {
	p := strings.Split(s, ":")
	if len(p) != 8 {
		return f, fmt.Errorf("sig %q: want 8 fields with colons between", s)
	}
	number := func(t string, top int) int {
		if t == "*" {
			return -1
		}
		v, e := strconv.Atoi(t)
		if e != nil || v < 0 || v > top {
			err = fmt.Errorf("sig %q: %q is no number up to %d", s, t, top)
		}
		return v
	}
	f.version = number(p[0], 6)
	ttl := p[1]
	if t, hops, ok := strings.Cut(ttl, "+"); ok {
		ttl = t
		if hops != "?" {
			f.hops = number(hops, 255)
		}
	}
	ttl, f.atMost = strings.CutSuffix(ttl, "-")
	f.ttl = number(ttl, 255)
	f.olen, f.mss = number(p[2], 255), number(p[3], 65535)
	win, scale, ok := strings.Cut(p[4], ",")
	if !ok {
		return f, fmt.Errorf("sig %q: want window,scale", s)
	}
	switch {
	case win == "*":
		f.wtype = '*'
	case strings.HasPrefix(win, "mss*"):
		f.wtype, win = 's', win[4:]
	case strings.HasPrefix(win, "mtu*"):
		f.wtype, win = 't', win[4:]
	case strings.HasPrefix(win, "%"):
		f.wtype, win = '%', win[1:]
	}
	if f.wtype != '*' {
		f.wsize = number(win, 65535)
		if f.wtype == '%' && f.wsize == 0 {
			return f, fmt.Errorf("sig %q: a multiple of 0", s)
		}
	}
	f.scale = number(scale, 255)
	f.layout, f.pclass = p[5], p[7]
	for q := range strings.SplitSeq(p[6], ",") {
		if q == "" {
			continue
		}
		i := slices.Index(quirkNames, q)
		if i < 0 {
			return f, fmt.Errorf("sig %q: there is no quirk %q", s, q)
		}
		f.quirks |= 1 << i
	}
	return f, err
}

// How well a form matches.
const (
	matchNone = iota
	matchFuzzy
	matchGeneric
	matchSpecific
)

// find is the best entry for a packet's form: the first specific one that matches exactly, else the first generic one,
// else the first that matches but for its TTL or for DF and ID, which firewalls change.
func (f *Fingerprints) find(p *form, answer bool) (*fingerprint, int) {
	list := f.entries[0]
	if answer {
		list = f.entries[1]
	}
	var generic, fuzzy *fingerprint
	for i := range list {
		e := &list[i]
		ok, exact := e.match(p)
		switch {
		case !ok:
		case !exact:
			if fuzzy == nil {
				fuzzy = e
			}
		case !e.generic:
			return e, matchSpecific
		case generic == nil:
			generic = e
		}
	}
	switch {
	case generic != nil:
		return generic, matchGeneric
	case fuzzy != nil:
		return fuzzy, matchFuzzy
	}
	return nil, matchNone
}

// maxHops is the most hops that a TTL is believed to have lost.
const maxHops = 35

func (f *form) match(p *form) (ok, exact bool) {
	if f.version >= 0 && f.version != p.version || f.olen >= 0 && f.olen != p.olen || f.mss >= 0 && f.mss != p.mss || f.scale >= 0 && f.scale != p.scale ||
		f.layout != p.layout || f.pclass != "*" && f.pclass != p.pclass {
		return false, false
	}
	switch f.wtype {
	case 0:
		ok = f.wsize == p.wsize
	case '*':
		ok = true
	case 's':
		// With timestamps some systems reckon with 12 bytes less a segment.
		ok = p.mss > 12 && (f.wsize*p.mss == p.wsize || strings.Contains(p.layout, "ts") && f.wsize*(p.mss-12) == p.wsize)
	case 't':
		ok = p.mss > 0 && (f.wsize*(p.mss+40) == p.wsize || f.wsize*(p.mss+60) == p.wsize)
	case '%':
		ok = p.wsize%f.wsize == 0
	}
	if !ok {
		return false, false
	}
	want, have := f.quirks, p.quirks
	if f.version < 0 { // quirks of the other version cannot be there
		if p.version == 6 {
			want &^= quirksOfIPv4
		} else {
			want &^= quirkFlow
		}
	}
	if p.version == 6 && f.version < 0 {
		have &^= quirkFlow
	}
	exact = want == have
	if !exact && (want&^have&^(quirkDF|quirkID) != 0 || have&^want&^(quirkNoID|quirkECN) != 0) {
		return false, false
	}
	ttl := p.ttl - p.hops // as it was seen
	switch {
	case f.ttl < 0:
	case f.atMost:
		if ttl > f.ttl {
			return false, false
		}
	case ttl > f.ttl || f.ttl-ttl > maxHops:
		exact = false
	}
	return true, exact
}

//go:embed os.fp
var builtinFingerprints string

// builtin is os.fp, read at the first use.
var builtin = sync.OnceValue(func() *Fingerprints {
	f, err := ParseFingerprints(strings.NewReader(builtinFingerprints))
	if err != nil {
		panic("inventory/os.fp: " + err.Error()) // part of the program: a fault in it is a programmer's
	}
	return f
})
