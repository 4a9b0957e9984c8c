package host

import (
	"bytes"
	"slices"
)

var (
	http = Decoder{Name: "http", AnyPort: true, First: httpHead}
	ssdp = Decoder{Name: "ssdp", UDPPorts: []uint16{1900}, Datagram: ssdpMessage}
)

// maxHeaders is the most header lines of one message that are read.
const maxHeaders = 64

// requestLine says whether l is "METHOD target HTTP/1.x" (or RTSP/1.0). Some senders leave a space behind.
func requestLine(l []byte) (rtsp, ok bool) {
	l = bytes.TrimRight(l, " ")
	i := bytes.IndexByte(l, ' ')
	if i < 3 || i > 16 {
		return false, false
	}
	for _, c := range l[:i] {
		if (c < 'A' || c > 'Z') && c != '-' {
			return false, false
		}
	}
	i = bytes.LastIndexByte(l, ' ')
	version := string(l[i+1:])
	return version == "RTSP/1.0", version == "HTTP/1.1" || version == "HTTP/1.0" || version == "RTSP/1.0"
}

// statusLine says whether l is "HTTP/1.x 200 …".
func statusLine(l []byte) (rtsp, ok bool) {
	if len(l) < 12 || l[8] != ' ' || l[9] < '1' || l[9] > '5' || l[10] < '0' || l[10] > '9' || l[11] < '0' || l[11] > '9' {
		return false, false
	}
	version := string(l[:8])
	return version == "RTSP/1.0", version == "HTTP/1.1" || version == "HTTP/1.0" || version == "RTSP/1.0"
}

// httpHead reads the head of an HTTP/1 (RFC 9112) or RTSP (RFC 2326) message that begins a segment, as
// far as the segment carries it.
func httpHead(s *Session, p []byte) bool {
	if len(p) < 16 || p[0] < 'A' || p[0] > 'Z' {
		return false
	}
	l, rest, ok := line(p)
	if !ok {
		return false
	}
	source := "http"
	rtsp, request := requestLine(l)
	if !request {
		if rtsp, ok = statusLine(l); !ok {
			return false
		}
	}
	if rtsp {
		source = "rtsp"
	}
	for range maxHeaders {
		if l, rest, ok = line(rest); !ok || len(l) == 0 {
			break
		}
		name, value := header(l)
		switch {
		case request && is(name, "user-agent"):
			s.tell(source, UserAgent, value)
		case request && is(name, "host"):
			if h := hostName(value); h != nil {
				s.address(source, HTTPHost, s.Dst, h)
			}
		case !request && is(name, "server"):
			s.tell(source, ServerBanner, value)
		}
	}
	return true
}

// methods are those whose request lines may be longer than a segment.
var methods = [][]byte{[]byte("GET "), []byte("POST "), []byte("HEAD "), []byte("PUT ")}

// httpMissing is Missing for the head of an HTTP or RTSP message.
func httpMissing(p []byte) int {
	l, _, ok := line(p)
	if ok {
		if _, ok = requestLine(l); !ok {
			_, ok = statusLine(l)
		}
	} else {
		ok = slices.ContainsFunc(methods, func(m []byte) bool { return bytes.HasPrefix(p, m) })
	}
	if !ok || bytes.Contains(p, []byte("\n\r\n")) || bytes.Contains(p, []byte("\n\n")) {
		return 0
	}
	return len(p) + 1
}

// hostName is the name in a Host header without its port; nil for an address.
func hostName(v []byte) []byte {
	if i := bytes.IndexByte(v, ':'); i >= 0 {
		v = v[:i]
	}
	if len(v) == 0 || len(v) > 253 || v[0] == '[' || !text(v) || bytes.IndexByte(v, ' ') >= 0 {
		return nil
	}
	numeric := true
	for _, c := range v {
		numeric = numeric && (c >= '0' && c <= '9' || c == '.')
	}
	if numeric {
		return nil
	}
	return v
}

// ssdpMessage reads the search, the answer and the notice of UPnP (UPnP Device Architecture 1.1).
func ssdpMessage(s *Session, p []byte) bool {
	l, rest, ok := line(p)
	if !ok {
		return false
	}
	_, request := requestLine(l)
	search := bytes.HasPrefix(l, []byte("M-SEARCH "))
	if !request {
		if _, ok = statusLine(l); !ok {
			return false
		}
	} else if !search && !bytes.HasPrefix(l, []byte("NOTIFY ")) {
		return false
	}
	for range maxHeaders {
		if l, rest, ok = line(rest); !ok || len(l) == 0 {
			break
		}
		switch name, value := header(l); {
		case is(name, "server"):
			s.tell("ssdp", ServerBanner, value)
		case is(name, "user-agent"):
			s.tell("ssdp", UserAgent, value)
		case !search && (is(name, "st") || is(name, "nt")): // urn:DOMAIN:device:TYPE:VERSION
			if _, typ, ok := bytes.Cut(value, []byte(":device:")); ok && bytes.HasPrefix(value, []byte("urn:")) {
				if typ, _, _ = bytes.Cut(typ, []byte(":")); text(typ) {
					s.tell("ssdp", Service, typ)
				}
			}
		}
	}
	return true
}
