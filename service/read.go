package service

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFile is the most bytes of a file that is read: the registry as CSV has 1 MB.
const maxFile = 32 << 20

// ReadRegistry reads a registry from a file in one of two forms, which it tells apart by
// the first line: the CSV that IANA publishes ("Service Name,Port Number,
// Transport Protocol,Description,…"), or services(5), as /etc/services
// ("name port/protocol aliases # comment"). Rows without a name, of other transport
// protocols, or of port 0 are passed over; of several names of a port the first counts, as IANA
// lists the one it recommends first. A port range ("6000-6063") names each of its ports.
func ReadRegistry(in io.Reader) ([]Entry, error) {
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, errors.New("over 32 MiB: this is no registry of services")
	}
	if !utf8.Valid(data) {
		return nil, errors.New("this is no text in UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	r := registry{seen: map[key]bool{}}
	if bytes.HasPrefix(data, []byte("Service Name,")) {
		err = r.csv(data)
	} else {
		err = r.services(data)
	}
	if err == nil && len(r.list) == 0 {
		err = errors.New("no service in it: want IANA's service-names-port-numbers.csv or a file like /etc/services")
	}
	return r.list, err
}

type registry struct {
	list []Entry
	seen map[key]bool
}

// add takes a name for the ports lo to hi.
func (r *registry) add(proto, ports, name, description string) error {
	first, last, isRange := strings.Cut(ports, "-")
	lo, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return fmt.Errorf("port %q: want 0 to 65535", ports)
	}
	hi := lo
	if isRange {
		if hi, err = strconv.ParseUint(last, 10, 16); err != nil || hi < lo {
			return fmt.Errorf("ports %q: want LOW-HIGH", ports)
		}
	}
	name, description = oneLine(name), oneLine(description)
	if len(description) > maxDescription {
		description = strings.ToValidUTF8(description[:maxDescription], "")
	}
	for port := max(lo, 1); port <= hi; port++ {
		e := Entry{Proto: proto, Port: uint16(port), Name: name, Description: description}
		k := key{e.Proto, e.Port}
		if r.seen[k] {
			continue
		}
		if err := e.Check(); err != nil {
			return err
		}
		r.seen[k] = true
		r.list = append(r.list, e)
	}
	return nil
}

func (r *registry) csv(data []byte) error {
	c := csv.NewReader(bytes.NewReader(data))
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil || len(head) < 4 || head[1] != "Port Number" || head[2] != "Transport Protocol" || head[3] != "Description" {
		return errors.New(`line 1: want "Service Name,Port Number,Transport Protocol,Description,…"`)
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // names the line
		}
		if len(cells) < 4 {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("line %d: %d columns, want 4 at least", line, len(cells))
		}
		proto := strings.ToLower(cells[2])
		if cells[0] == "" || cells[1] == "" || proto != "tcp" && proto != "udp" {
			continue
		}
		if err := r.add(proto, cells[1], cells[0], cells[3]); err != nil {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (r *registry) services(data []byte) error {
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		line, comment, _ := strings.Cut(strings.TrimSpace(line), "#")
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		if len(f) < 2 {
			return fmt.Errorf("line %d: want a name and PORT/PROTOCOL", n)
		}
		ports, proto, ok := strings.Cut(f[1], "/")
		if !ok {
			return fmt.Errorf("line %d: %q: want PORT/PROTOCOL such as 502/tcp", n, f[1])
		}
		if proto != "tcp" && proto != "udp" {
			continue
		}
		if err := r.add(proto, ports, f[0], comment); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return nil
}

// ParsePort reads "502/tcp" or "tcp/502".
func ParsePort(s string) (proto string, port uint16, err error) {
	a, b, _ := strings.Cut(strings.ToLower(s), "/")
	if a == "tcp" || a == "udp" {
		a, b = b, a
	}
	n, err := strconv.ParseUint(a, 10, 16)
	if err != nil || n == 0 || b != "tcp" && b != "udp" {
		return "", 0, fmt.Errorf("%q: want PORT/PROTOCOL such as 502/tcp or 5007/udp", s)
	}
	return b, uint16(n), nil
}
