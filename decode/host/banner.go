package host

import "bytes"

var (
	ssh    = Decoder{Name: "ssh", AnyPort: true, First: sshVersion}
	ftp    = Decoder{Name: "ftp", TCPPorts: []uint16{21}, First: greeting("ftp")}
	smtp   = Decoder{Name: "smtp", TCPPorts: []uint16{25, 587}, First: greeting("smtp")}
	telnet = Decoder{Name: "telnet", TCPPorts: []uint16{23}, First: telnetBanner}
)

// maxBanner is the longest first line that is taken for a banner.
const maxBanner = 255

// sshVersion reads the identification string (RFC 4253 4.2): "SSH-2.0-software comment".
func sshVersion(s *Session, p []byte) bool {
	if s.Number != 0 || len(p) < 9 || string(p[:4]) != "SSH-" {
		return false
	}
	l, _, ok := line(p)
	if !ok || len(l) < 9 || len(l) > maxBanner || !text(l) || l[4] < '1' || l[4] > '2' || l[5] != '.' {
		return false
	}
	k := ServerBanner
	if s.FromClient {
		k = ClientBanner
	}
	s.tell("ssh", k, l)
	return true
}

// greeting reads the line with which a server of FTP (RFC 959) or SMTP (RFC 5321) begins:
// "220 text" or "220-text".
func greeting(source string) func(*Session, []byte) bool {
	return func(s *Session, p []byte) bool {
		if s.FromClient || s.Number != 0 || len(p) < 6 || string(p[:3]) != "220" || p[3] != ' ' && p[3] != '-' {
			return false
		}
		l, _, ok := line(p)
		if !ok || len(l) > maxBanner || !text(l[4:]) {
			return false
		}
		s.tell(source, ServerBanner, bytes.Trim(undated(l[4:]), " \t;,"))
		return true
	}
}

var weekdays = [...]string{"Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "}

// undated cuts the date off (RFC 5322 3.3) that mail servers greet with, so that the same server says the
// same each time.
func undated(l []byte) []byte {
	for _, d := range weekdays {
		if i := bytes.Index(l, []byte(d)); i > 0 {
			return l[:i]
		}
	}
	return l
}

// telnetBanner reads the first line of text that a Telnet server (RFC 854) sends, of its first
// three payloads, without the commands (IAC, ff) before it. Questions (login:) are none.
func telnetBanner(s *Session, p []byte) bool {
	const (
		iac  = 0xff
		sb   = 0xfa
		will = 0xfb
	)
	if s.FromClient || !s.Start || s.Number > 2 {
		return false
	}
	b := s.buf[:0]
	for i := 0; i < len(p) && len(b) <= maxBanner; i++ {
		switch {
		case p[i] != iac:
			b = append(b, p[i])
		case i+1 >= len(p):
			i = len(p)
		case p[i+1] == sb: // up to IAC SE
			end := bytes.Index(p[i:], []byte{iac, 0xf0})
			if end < 0 {
				i = len(p)
			} else {
				i += end + 1
			}
		case p[i+1] >= will && p[i+1] < iac:
			i += 2
		default:
			i++
		}
	}
	s.buf = b
	for rest := b; ; {
		l, r, ok := line(rest)
		if !ok {
			return false
		}
		rest = r
		l = bytes.Trim(l, " \t\r\x00")
		if len(l) == 0 {
			continue
		}
		if len(l) < 4 || !text(l) || l[len(l)-1] == ':' || l[len(l)-1] == '>' || l[len(l)-1] == '$' || l[len(l)-1] == '#' {
			return false
		}
		s.tell("telnet", ServerBanner, l)
		return true
	}
}
