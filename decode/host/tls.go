package host

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

var tls = Decoder{Name: "tls", AnyPort: true, First: tlsRecord}

// TLS handshake messages (RFC 8446 4, RFC 5246 7.4) and extensions.
const (
	tlsClientHello = 1
	tlsServerHello = 2
	tlsCertificate = 11

	extServerName = 0
	extGroups     = 10
	extFormats    = 11
	extSignatures = 13
	extALPN       = 16
	extVersions   = 43

	maxTLSMessages = 8  // of one segment that are read
	maxTLSList     = 99 // cipher suites, and extensions, that fingerprints are made of
)

// tlsRecord reads handshake messages at the beginning of a segment: record 22, version 2, length 2; message type 1, length 3.
// A hello that is not whole is read as far as it goes, and gives no fingerprint.
func tlsRecord(s *Session, p []byte) bool {
	p = p[alertBefore(p):]
	if len(p) < 44 || p[0] != 22 || p[1] != 3 || p[2] > 4 || p[5] != tlsClientHello && p[5] != tlsServerHello && p[5] != tlsCertificate || p[6] != 0 {
		return false
	}
	ok := false
	for range maxTLSMessages {
		if len(p) < 5 || p[0] != 22 || p[1] != 3 {
			break
		}
		n := be16(p[3:])
		record := p[5:min(len(p), 5+n)]
		for len(record) >= 4 {
			size := int(record[1])<<16 | be16(record[2:])
			m := record[4:min(len(record), 4+size)]
			whole := len(m) == size
			switch record[0] {
			case tlsClientHello:
				ok = s.clientHello(m, whole) || ok
			case tlsServerHello:
				ok = s.serverHello(m, whole) || ok
			case tlsCertificate:
				ok = s.certificate(m) || ok
			}
			if !whole {
				return ok
			}
			record = record[4+size:]
		}
		if 5+n >= len(p) {
			break
		}
		p = p[5+n:]
	}
	return ok
}

// alertBefore is how long the alert record is that some servers send before their hello, to say that they do not know the name: 0 for none.
func alertBefore(p []byte) int {
	if len(p) > 7 && p[0] == 21 && p[1] == 3 && p[3] == 0 && p[4] == 2 {
		return 7
	}
	return 0
}

// tlsMissing is Missing for handshake records: the hello of either side, and the server's certificate behind it.
func tlsMissing(p []byte) int {
	alert := alertBefore(p)
	if p = p[alert:]; len(p) < 5 || p[0] != 22 || p[1] != 3 || p[2] > 4 || len(p) > 5 && p[5] != tlsClientHello && p[5] != tlsServerHello && p[5] != tlsCertificate {
		return 0
	}
	for at := 0; at < len(p) && p[at] == 22; {
		if at+5 > len(p) {
			return alert + at + 5
		}
		end := at + 5 + be16(p[at+3:])
		if end > len(p) {
			return alert + end
		}
		if end > at+5 && p[at+5] == tlsCertificate {
			break
		}
		at = end
	}
	return 0
}

// grease says whether v is one of the values that clients throw in (RFC 8701).
func grease(v int) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// vector cuts a list with its length before it, of size bytes, off p; nil, nil where it is not whole.
func vector(p []byte, size int) (v, rest []byte) {
	if len(p) < size {
		return nil, nil
	}
	n := int(p[0])
	if size == 2 {
		n = be16(p)
	}
	if size+n > len(p) {
		return nil, nil
	}
	return p[size : size+n], p[size+n:]
}

// numbers are the 16-bit values of a list without GREASE, at most maxTLSList.
func numbers(dst []int, p []byte) []int {
	for ; len(p) >= 2 && len(dst) < maxTLSList; p = p[2:] {
		if v := be16(p); !grease(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

func appendList(b []byte, list []int, sep byte) []byte {
	for i, v := range list {
		if i > 0 {
			b = append(b, sep)
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return b
}

func appendHexList(b []byte, list []int) []byte {
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendHex16(b, v)
	}
	return b
}

func appendHex16(b []byte, v int) []byte {
	const digits = "0123456789abcdef"
	return append(b, digits[v>>12&15], digits[v>>8&15], digits[v>>4&15], digits[v&15])
}

// hello is what fingerprints of a hello are made of.
type hello struct {
	version             int
	ciphers, extensions []int
	groups, signatures  []int
	formats             []int
	versions            []int
	alpn                []byte // the first
	sni                 bool

	sorted     []int  // scratch
	text, sums []byte // scratch
}

// reset empties h and keeps its memory.
func (h *hello) reset(version int) {
	*h = hello{version: version, ciphers: h.ciphers[:0], extensions: h.extensions[:0], groups: h.groups[:0], signatures: h.signatures[:0],
		formats: h.formats[:0], versions: h.versions[:0], sorted: h.sorted[:0], text: h.text[:0], sums: h.sums[:0]}
}

// clientHello reads the server name (RFC 6066 3) and makes the fingerprints JA3 and JA4 of the hello.
func (s *Session) clientHello(m []byte, whole bool) bool {
	if len(m) < 34 || m[0] != 3 || m[1] > 4 {
		return false
	}
	h := &s.hello
	h.reset(be16(m))
	_, m = vector(m[34:], 1) // session id
	ciphers, m := vector(m, 2)
	_, m = vector(m, 1) // compressions
	if ciphers == nil {
		return false
	}
	h.ciphers = numbers(h.ciphers, ciphers)
	if len(m) >= 2 {
		m = m[2:min(len(m), 2+be16(m))]
	}
	for len(m) >= 4 {
		typ := be16(m)
		e, rest := vector(m[2:], 2)
		if e == nil && rest == nil {
			return true // cut
		}
		m = rest
		if grease(typ) || len(h.extensions) >= maxTLSList {
			continue
		}
		h.extensions = append(h.extensions, typ)
		switch typ {
		case extServerName:
			h.sni = true
			// list 2, type 1 (0: host name), length 2, name
			if len(e) < 5 || e[2] != 0 || 5+be16(e[3:]) > len(e) {
				continue
			}
			name := e[5 : 5+be16(e[3:])]
			if n := hostName(name); len(n) == len(name) && n != nil {
				s.address("tls", SNI, s.Dst, n)
			}
		case extGroups:
			v, _ := vector(e, 2)
			h.groups = numbers(h.groups[:0], v)
		case extSignatures:
			v, _ := vector(e, 2)
			h.signatures = numbers(h.signatures[:0], v)
		case extFormats:
			v, _ := vector(e, 1)
			h.formats = h.formats[:0]
			for _, c := range v[:min(len(v), maxTLSList)] {
				h.formats = append(h.formats, int(c))
			}
		case extVersions:
			v, _ := vector(e, 1)
			h.versions = numbers(h.versions[:0], v)
		case extALPN:
			if v, _ := vector(e, 2); v != nil {
				h.alpn, _ = vector(v, 1)
			}
		}
	}
	if whole {
		s.tell("tls", JA3, h.ja3(true))
		s.tell("tls", JA4, h.ja4())
	}
	return true
}

// serverHello makes the fingerprint JA3S of the answer.
func (s *Session) serverHello(m []byte, whole bool) bool {
	if len(m) < 34 || m[0] != 3 || m[1] > 4 {
		return false
	}
	h := &s.hello
	h.reset(be16(m))
	_, m = vector(m[34:], 1) // session id
	if len(m) < 3 {
		return m != nil
	}
	h.ciphers = append(h.ciphers, be16(m))
	if m = m[3:]; len(m) >= 2 {
		m = m[2:min(len(m), 2+be16(m))]
	}
	for len(m) >= 4 && len(h.extensions) < maxTLSList {
		h.extensions = append(h.extensions, be16(m))
		e, rest := vector(m[2:], 2)
		if e == nil && rest == nil {
			return true
		}
		m = rest
	}
	if whole {
		s.tell("tls", JA3S, h.ja3(false))
	}
	return true
}

// ja3 is the MD5 of "version,ciphers,extensions,groups,formats" in decimal with "-" in the lists; of a server's hello of the first three.
func (h *hello) ja3(client bool) []byte {
	b := strconv.AppendInt(h.text[:0], int64(h.version), 10)
	b = appendList(append(b, ','), h.ciphers, '-')
	b = appendList(append(b, ','), h.extensions, '-')
	if client {
		b = appendList(append(b, ','), h.groups, '-')
		b = appendList(append(b, ','), h.formats, '-')
	}
	sum := md5.Sum(b)
	h.text, h.sums = b, hex.AppendEncode(h.sums[:0], sum[:])
	return h.sums
}

// ja4 is a_b_c: a the transport (t), version, whether a server name is asked for, numbers of ciphers and extensions, first and last
// letter of the first ALPN; b and c the first 12 hex digits of the SHA-256 of the sorted ciphers, and of the
// sorted extensions (without server name and ALPN) with the signature algorithms in order (FoxIO, JA4 technical details).
func (h *hello) ja4() []byte {
	version := h.version
	for _, v := range h.versions {
		version = max(version, v)
	}
	b := append(h.sums[:0], 't')
	switch version {
	case 0x0304:
		b = append(b, "13"...)
	case 0x0303:
		b = append(b, "12"...)
	case 0x0302:
		b = append(b, "11"...)
	case 0x0301:
		b = append(b, "10"...)
	case 0x0300:
		b = append(b, "s3"...)
	default:
		b = append(b, "00"...)
	}
	if h.sni {
		b = append(b, 'd')
	} else {
		b = append(b, 'i')
	}
	two := func(n int) { b = append(b, byte('0'+min(n, 99)/10), byte('0'+min(n, 99)%10)) }
	two(len(h.ciphers))
	two(len(h.extensions))
	plain := func(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
	switch n := len(h.alpn); {
	case n == 0:
		b = append(b, "00"...)
	case plain(h.alpn[0]) && plain(h.alpn[n-1]):
		b = append(b, h.alpn[0], h.alpn[n-1])
	default: // first and last digit of the whole in hex
		b = append(b, "0123456789abcdef"[h.alpn[0]>>4], "0123456789abcdef"[h.alpn[n-1]&15])
	}
	h.sorted = append(h.sorted[:0], h.ciphers...)
	slices.Sort(h.sorted)
	h.text = appendHexList(h.text[:0], h.sorted)
	b = appendDigest(append(b, '_'), h.text)
	h.sorted = h.sorted[:0]
	for _, e := range h.extensions {
		if e != extServerName && e != extALPN {
			h.sorted = append(h.sorted, e)
		}
	}
	slices.Sort(h.sorted)
	h.text = appendHexList(h.text[:0], h.sorted)
	if len(h.signatures) > 0 {
		h.text = appendHexList(append(h.text, '_'), h.signatures)
	}
	h.sums = appendDigest(append(b, '_'), h.text)
	return h.sums
}

func appendDigest(b, text []byte) []byte {
	if len(text) == 0 {
		return append(b, "000000000000"...)
	}
	sum := sha256.Sum256(text)
	return hex.AppendEncode(b, sum[:6])
}

// certificate reads the common names of the subject and the issuer of the first certificate (X.509, RFC 5280 4.1), as far as the
// segment carries it: list 3, length 3, certificate. TLS 1.3 hides it.
func (s *Session) certificate(m []byte) bool {
	if len(m) < 6 {
		return false
	}
	der := m[6:]
	tbs := inside(inside(der))
	if tbs == nil {
		return false
	}
	if len(tbs) > 0 && tbs[0] == 0xa0 { // version
		_, tbs = element(tbs)
	}
	_, tbs = element(tbs) // serial number
	_, tbs = element(tbs) // signature algorithm
	issuer, tbs := element(tbs)
	_, tbs = element(tbs) // validity
	subject, _ := element(tbs)
	if cn := commonName(subject); len(cn) > 0 && text(cn) {
		s.tell("tls", Certificate, cn)
	}
	if cn := commonName(issuer); len(cn) > 0 && text(cn) {
		s.tell("tls", Issuer, cn)
	}
	return true
}

// derHead reads tag and length of a DER element (X.690 8.1): where its content begins and how long it says to be.
func derHead(p []byte) (start, n int, ok bool) {
	if len(p) < 2 {
		return 0, 0, false
	}
	n, start = int(p[1]), 2
	if n >= 0x80 {
		more := n & 0x7f
		if more == 0 || more > 3 || len(p) < 2+more {
			return 0, 0, false
		}
		n = 0
		for _, c := range p[2 : 2+more] {
			n = n<<8 | int(c)
		}
		start += more
	}
	return start, n, true
}

// inside is the content of the element that p begins with, as far as it is there; nil for none.
func inside(p []byte) []byte {
	start, n, ok := derHead(p)
	if !ok {
		return nil
	}
	return p[start:min(len(p), start+n)]
}

// element cuts the element that p begins with off; nil, nil where it is not whole.
func element(p []byte) (e, rest []byte) {
	start, n, ok := derHead(p)
	if !ok || start+n > len(p) {
		return nil, nil
	}
	return p[:start+n], p[start+n:]
}

// commonName is the last common name (OID 2.5.4.3) of an X.501 name; nil for none.
func commonName(name []byte) (cn []byte) {
	rdns := inside(name)
	for range 32 {
		set, rest := element(rdns)
		if set == nil {
			break
		}
		rdns = rest
		pair := inside(inside(set))
		oid, value := element(pair)
		if string(oid) == "\x06\x03\x55\x04\x03" {
			cn = inside(value)
		}
	}
	return cn
}
