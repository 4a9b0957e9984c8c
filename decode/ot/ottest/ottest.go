// Package ottest is what the tests of the control protocol decoders share: a
// reader of captures, and a small stand-in for observe that keeps connections
// and hands their bytes to decoders. It is for tests only.
package ottest

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
)

// Shared is the directory of captures that are not part of this project:
// $OSECT_SHARED, or the first "shared" found beside a directory above. The test
// is skipped where there is none.
func Shared(tb testing.TB) string {
	tb.Helper()
	dir := shared()
	if _, err := os.Stat(dir); dir == "" || err != nil {
		tb.Skip("absent: shared captures")
	}
	return dir
}

// shared is Shared, "" where there is none.
func shared() string {
	if dir := os.Getenv("OSECT_SHARED"); dir != "" {
		return filepath.Join(dir, "captures")
	}
	dir, err := os.Getwd()
	for err == nil {
		found := filepath.Join(filepath.Dir(dir), "shared", "captures")
		if _, err := os.Stat(found); err == nil {
			return found
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	return ""
}

// Seeds gives payloads of the captures of a folder to use, as seeds of a fuzz
// target: TCP's or UDP's, or with an EtherType the frames' without IP. At most
// 200; none where the captures are absent.
func Seeds(folder string, tcp bool, etherType uint16, use func([]byte)) {
	root := shared()
	if root == "" {
		return
	}
	names, _ := filepath.Glob(filepath.Join(root, folder, "*.pcap*")) // the pattern is well-formed
	seen := map[string]bool{}
	for _, name := range names {
		frames, _ := Read(name) // what cannot be read gives no seeds
		for _, f := range frames {
			p, ok := parse(f)
			wanted := p.proto == 17 && !tcp || p.proto == 6 && tcp
			if etherType != 0 {
				wanted = p.etherType == etherType
			}
			if !ok || !wanted || len(p.payload) == 0 || len(seen) == 200 {
				continue
			}
			if key := string(p.payload); !seen[key] {
				seen[key] = true
				use(p.payload)
			}
		}
	}
}

// Captures are the paths below Shared of all captures in the given folders; of
// all folders where none is given.
func Captures(tb testing.TB, folders ...string) []string {
	tb.Helper()
	root := Shared(tb)
	if len(folders) == 0 {
		folders = []string{"*"}
	}
	var found []string
	for _, folder := range folders {
		names, err := filepath.Glob(filepath.Join(root, folder, "*.pcap*"))
		if err != nil {
			tb.Fatal(err)
		}
		found = append(found, names...)
	}
	slices.Sort(found)
	if len(found) == 0 {
		tb.Skip("absent: shared captures")
	}
	return found
}

// Frame is one frame of a capture.
type Frame struct {
	Data []byte
	Wire int // length on the wire
	Link int // LINKTYPE number
}

// Read gives the frames of a pcap or pcapng file, as far as they can be read.
func Read(path string) ([]Frame, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if len(b) < 24 {
		return nil, nil
	}
	switch magic := binary.LittleEndian.Uint32(b); magic {
	case 0xa1b2c3d4, 0xa1b23c4d:
		return readPcap(b, binary.LittleEndian), nil
	case 0xd4c3b2a1, 0x4d3cb2a1:
		return readPcap(b, binary.BigEndian), nil
	case 0x0a0d0d0a:
		return readPcapng(b), nil
	default:
		return nil, fmt.Errorf("%s: no capture", path)
	}
}

func readPcap(b []byte, order binary.ByteOrder) (frames []Frame) {
	link := int(order.Uint32(b[20:]) & 0xffff)
	for b = b[24:]; len(b) >= 16; {
		n, wire := int(order.Uint32(b[8:])), int(order.Uint32(b[12:]))
		if n < 0 || n > len(b)-16 {
			break
		}
		frames = append(frames, Frame{b[16 : 16+n], max(wire, n), link})
		b = b[16+n:]
	}
	return frames
}

func readPcapng(b []byte) (frames []Frame) {
	var order binary.ByteOrder = binary.LittleEndian
	var links []int
	for len(b) >= 12 {
		kind := order.Uint32(b)
		if kind == 0x0a0d0d0a {
			order, links = binary.LittleEndian, nil
			if binary.BigEndian.Uint32(b[8:]) == 0x1a2b3c4d {
				order = binary.BigEndian
			}
		}
		n := int(order.Uint32(b[4:]))
		if n < 12 || n > len(b) {
			break
		}
		body := b[8 : n-4]
		switch {
		case kind == 1 && len(body) >= 8:
			links = append(links, int(order.Uint16(body)))
		case kind == 6 && len(body) >= 20:
			id, have := int(order.Uint32(body)), int(order.Uint32(body[12:]))
			if id < len(links) && have <= len(body)-20 {
				frames = append(frames, Frame{body[20 : 20+have], max(int(order.Uint32(body[16:])), have), links[id]})
			}
		case kind == 3 && len(body) >= 4 && len(links) > 0:
			wire := int(order.Uint32(body))
			frames = append(frames, Frame{body[4 : 4+min(wire, len(body)-4)], wire, links[0]})
		}
		b = b[n:]
	}
	return frames
}

// packet is what is needed of a frame: its network payload or its transport.
type packet struct {
	src, dst         decode.Addr
	srcPort, dstPort uint16
	proto            byte // 6 or 17; 0 for a frame without IP
	etherType        uint16
	payload          []byte
	wire             int // payload's length on the wire
	seq, ack         uint32
	syn, fin         bool
}

func parse(f Frame) (p packet, ok bool) {
	b := f.Data
	switch f.Link {
	case 1:
		if len(b) < 14 {
			return p, false
		}
		p.dst, p.src = decode.MACFromBytes(b).Addr(), decode.MACFromBytes(b[6:]).Addr()
		p.etherType = binary.BigEndian.Uint16(b[12:])
		b = b[14:]
		for p.etherType == 0x8100 || p.etherType == 0x88a8 {
			if len(b) < 4 {
				return p, false
			}
			p.etherType = binary.BigEndian.Uint16(b[2:])
			b = b[4:]
		}
	case 0, 108:
		if len(b) < 4 {
			return p, false
		}
		b = b[4:]
	case 113:
		if len(b) < 16 {
			return p, false
		}
		b = b[16:]
	case 276:
		if len(b) < 20 {
			return p, false
		}
		b = b[20:]
	case 12, 14, 101, 228, 229:
	default:
		return p, false
	}
	p.payload, p.wire = b, len(b)+f.Wire-len(f.Data)
	if f.Link != 1 && len(b) > 0 {
		p.etherType = map[byte]uint16{4: 0x0800, 6: 0x86dd}[b[0]>>4]
	}
	switch p.etherType {
	case 0x0800:
		return p.ipv4()
	case 0x86dd:
		return p.ipv6()
	}
	return p, f.Link == 1
}

func (p packet) ipv4() (packet, bool) {
	b := p.payload
	if len(b) < 20 || b[0]>>4 != 4 {
		return p, false
	}
	n, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if n < 20 || total < n || len(b) < n || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return p, false
	}
	p.src, p.dst = decode.IPv4(binary.BigEndian.Uint32(b[12:])), decode.IPv4(binary.BigEndian.Uint32(b[16:]))
	return p.transport(b[9], b[n:min(len(b), total)], total-n)
}

func (p packet) ipv6() (packet, bool) {
	b := p.payload
	if len(b) < 40 {
		return p, false
	}
	p.src, p.dst = decode.IPv6(b[8:]), decode.IPv6(b[24:])
	total := int(binary.BigEndian.Uint16(b[4:]))
	return p.transport(b[6], b[40:min(len(b), 40+total)], total)
}

func (p packet) transport(proto byte, b []byte, wire int) (packet, bool) {
	p.proto, p.etherType = proto, 0
	head := 8
	switch {
	case proto == 17 && len(b) >= 8:
		if n := int(binary.BigEndian.Uint16(b[4:])); n >= 8 && n < wire {
			wire, b = n, b[:min(n, len(b))]
		}
	case proto == 6 && len(b) >= 20:
		head = int(b[12]>>4) * 4
		p.seq, p.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
		p.syn, p.fin = b[13]&2 != 0, b[13]&5 != 0
	default:
		return p, false
	}
	if head < 8 || head > len(b) {
		return p, false
	}
	p.srcPort, p.dstPort = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	p.payload, p.wire = b[head:], wire-head
	return p, true
}

// Row is what messages are counted by.
type Row struct {
	Protocol, Src, Dst, Code, Direction, Status string
}

// Result is what decoders told of a capture.
type Result struct {
	Rows map[Row]int
	// Facts are "src kind value", each once.
	Facts map[string]bool
	// Names of the functions by code.
	Names map[string]string
	// First payload of each connection that was recognised.
	Recognised map[string]string

	// each is told of every message where it is set.
	each func(proto *ot.Protocol, pdu ot.PDU, src decode.Addr)
}

// Sum adds up the rows for which keep says true.
func (r *Result) Sum(keep func(Row) bool) (n int) {
	for row, count := range r.Rows {
		if keep(row) {
			n += count
		}
	}
	return n
}

// Conn is one connection as observe would keep it.
type Conn struct {
	Protocol *ot.Protocol
	Session  ot.Session
	buffer   [2][]byte
	skip     [2]int
	gap      [2]bool // bytes were lost
	refused  [2]bool
	// Dropped counts refused bytes.
	Dropped int

	probed  int
	gather  [2][]byte // what a probe wants to see more of
	client  int
	next    [2]uint32
	started [2]bool
	waiting [2][]packet
}

// Push gives the bytes b of direction dir (0: Src to Dst as set at first) to the
// decoder's Stream as observe does and takes what it told.
func (c *Conn) Push(dir int, b []byte, tell func(*ot.Session)) {
	if n := min(c.skip[dir], len(b)); n > 0 {
		c.skip[dir] -= n
		b = b[n:]
	}
	c.buffer[dir] = append(c.buffer[dir], b...)
	for len(c.buffer[dir]) > 0 {
		c.Session.Gap, c.Session.Resume = c.gap[dir], c.gap[dir] || c.refused[dir]
		c.gap[dir], c.refused[dir] = false, false
		n := c.Protocol.Stream(&c.Session, c.buffer[dir])
		tell(&c.Session)
		c.Session.Reset()
		switch have := len(c.buffer[dir]); {
		case n < 0:
			c.refused[dir] = true
			c.Dropped += have
			c.buffer[dir] = c.buffer[dir][:0]
		case n == 0:
			if have > ot.MaxBuffer {
				c.Dropped += have
				c.buffer[dir] = c.buffer[dir][:0]
			}
			return
		case n > have:
			c.skip[dir] = n - have
			c.buffer[dir] = c.buffer[dir][:0]
		default:
			c.buffer[dir] = c.buffer[dir][:copy(c.buffer[dir], c.buffer[dir][n:])]
		}
	}
}

type key struct {
	a, b         decode.Addr
	aPort, bPort uint16
	proto        byte
}

// Replay reads a capture and gives each frame to the protocols: connections are
// recognised by the probes in the order given, TCP is put in order as far as
// 16 segments reach.
func Replay(tb testing.TB, path string, protocols ...*ot.Protocol) *Result {
	tb.Helper()
	frames, err := Read(path)
	if err != nil {
		tb.Logf("%v", err)
	}
	return replay(frames, nil, protocols...)
}

// replay is Replay of frames.
func replay(frames []Frame, each func(*ot.Protocol, ot.PDU, decode.Addr), protocols ...*ot.Protocol) *Result {
	r := &Result{Rows: map[Row]int{}, Facts: map[string]bool{}, Names: map[string]string{}, Recognised: map[string]string{}, each: each}
	conns := map[key]*Conn{}
	for _, f := range frames {
		p, ok := parse(f)
		if !ok || len(p.payload) == 0 && !p.syn {
			continue
		}
		k, dir := key{p.src, p.dst, p.srcPort, p.dstPort, p.proto}, 0
		if c := p.src.Compare(p.dst); c > 0 || c == 0 && p.srcPort > p.dstPort {
			k, dir = key{p.dst, p.src, p.dstPort, p.srcPort, p.proto}, 1
		}
		c := conns[k]
		if c == nil || p.syn && c.started[dir] && p.seq+1 != c.next[dir] {
			c = &Conn{client: dir}
			conns[k] = c
		}
		s := &c.Session
		s.Src, s.Dst, s.SrcPort, s.DstPort = p.src, p.dst, p.srcPort, p.dstPort
		s.FromClient, s.WireLen = c.client == dir, p.wire
		tell := func(proto *ot.Protocol) func(*ot.Session) {
			return func(s *ot.Session) { r.take(proto, s, p) }
		}
		switch p.proto {
		case 0:
			for _, proto := range protocols {
				if proto.Frame == nil || !slices.Contains(proto.EtherTypes, p.etherType) {
					continue
				}
				if proto.Frame(s, p.payload) {
					tell(proto)(s)
					s.Reset()
					break
				}
			}
		case 17:
			if c.Protocol == nil && c.probed < 8 {
				c.probed++
				c.Protocol, _ = r.probe(protocols, p)
			}
			if c.Protocol != nil {
				c.Protocol.Datagram(s, p.payload)
				tell(c.Protocol)(s)
				s.Reset()
			}
		case 6:
			c.segment(dir, p, use(r, c, protocols))
		}
	}
	for _, c := range conns { // what waited for lost bytes
		for dir := range c.waiting {
			for len(c.waiting[dir]) > 0 {
				c.jump(dir)
				c.order(dir, use(r, c, protocols))
			}
		}
	}
	return r
}

// use gives the bytes of a segment to the connection's decoder, which is looked
// for first.
func use(r *Result, c *Conn, protocols []*ot.Protocol) func(int, packet, []byte) {
	return func(dir int, p packet, b []byte) {
		s := &c.Session
		s.Src, s.Dst, s.SrcPort, s.DstPort, s.FromClient = p.src, p.dst, p.srcPort, p.dstPort, c.client == dir
		if c.Protocol == nil && c.probed < 12 {
			q := p
			more := false
			if q.payload = append(c.gather[dir], b...); len(q.payload) > 0 {
				c.Protocol, more = r.probe(protocols, q)
			}
			if c.Protocol == nil && !more && len(c.gather[dir]) > 0 {
				// What was gathered began nothing: does b by itself?
				q.payload = append([]byte(nil), b...)
				c.Protocol, more = r.probe(protocols, q)
			}
			switch {
			case c.Protocol != nil:
				b, c.gather[dir] = q.payload, nil
			case more && len(q.payload) < 512:
				c.gather[dir] = q.payload
			default:
				c.gather[dir] = nil
				c.probed++
			}
		}
		if c.Protocol != nil {
			c.Push(dir, b, func(s *ot.Session) { r.take(c.Protocol, s, p) })
		}
	}
}

// segment puts a TCP segment in order and gives what is new to use.
func (c *Conn) segment(dir int, p packet, use func(int, packet, []byte)) {
	if p.syn {
		c.next[dir], c.started[dir] = p.seq+1, true
		return
	}
	if !c.started[dir] {
		c.next[dir], c.started[dir] = p.seq, true
	}
	c.waiting[dir] = append(c.waiting[dir], p)
	slices.SortStableFunc(c.waiting[dir], func(a, b packet) int { return int(int32(a.seq - b.seq)) })
	// What the other end acknowledges has been sent, seen here or not.
	if other := c.waiting[1-dir]; len(other) > 0 && p.ack != 0 && int32(p.ack-other[0].seq) > 0 {
		c.jump(1 - dir)
		c.order(1-dir, use)
	}
	if len(c.waiting[dir]) == 16 && int32(c.waiting[dir][0].seq-c.next[dir]) > 0 {
		c.jump(dir)
	}
	c.order(dir, use)
}

// jump gives up the bytes before the first waiting segment.
func (c *Conn) jump(dir int) {
	c.Lose(dir)
	c.next[dir] = c.waiting[dir][0].seq
}

// Lose says that bytes of a direction were lost.
func (c *Conn) Lose(dir int) {
	c.buffer[dir], c.skip[dir], c.gap[dir] = c.buffer[dir][:0], 0, true
}

// order gives the waiting segments that follow on what was seen.
func (c *Conn) order(dir int, use func(int, packet, []byte)) {
	for len(c.waiting[dir]) > 0 {
		w := c.waiting[dir][0]
		ahead := int32(w.seq - c.next[dir])
		if ahead > 0 {
			return
		}
		c.waiting[dir] = c.waiting[dir][1:]
		if old := int(-ahead); old < len(w.payload) {
			c.next[dir] = w.seq + uint32(w.wire)
			use(dir, w, w.payload[old:])
		}
	}
}

// probe is the protocol that says Yes to a payload; else whether one wants more of it.
func (r *Result) probe(protocols []*ot.Protocol, p packet) (_ *ot.Protocol, more bool) {
	for _, proto := range protocols {
		ports, f := proto.UDPPorts, proto.ProbeDatagram
		if p.proto == 6 {
			ports, f = proto.TCPPorts, proto.ProbeStream
		}
		if f == nil {
			continue
		}
		h := ot.Hint{SrcPort: p.srcPort, DstPort: p.dstPort, WireLen: p.wire,
			Port: slices.Contains(ports, p.srcPort) || slices.Contains(ports, p.dstPort)}
		switch f(p.payload, h) {
		case ot.More:
			more = true
		case ot.Yes:
			r.Recognised[fmt.Sprintf("%s %v:%d %v:%d", proto.Name, p.src, p.srcPort, p.dst, p.dstPort)] =
				fmt.Sprintf("%x", p.payload[:min(64, len(p.payload))])
			return proto, false
		}
	}
	return nil, more
}

func (r *Result) take(proto *ot.Protocol, s *ot.Session, p packet) {
	for _, pdu := range s.PDUs {
		f := proto.Function(pdu.Code)
		row := Row{proto.Name, p.src.String(), p.dst.String(), f.Code, pdu.Direction.String(), ""}
		if pdu.HasStatus {
			row.Status = proto.Status(pdu.Status)
		}
		r.Rows[row]++
		r.Names[f.Code] = f.Name
		if r.each != nil {
			r.each(proto, pdu, p.src)
		}
	}
	for _, f := range s.Facts {
		r.Facts[fmt.Sprintf("%v %v %s", p.src, f.Kind, f.Value)] = true
	}
}

// Stream feeds chunks of one direction and gives what was told up to the first
// bytes that the decoder refused, one line a message or fact, the facts last.
func Stream(protocol *ot.Protocol, chunks ...[]byte) []string {
	c := Conn{Protocol: protocol}
	c.Session.Src, c.Session.Dst = decode.IPv4(0x0a000001), decode.IPv4(0x0a000002)
	c.Session.SrcPort, c.Session.DstPort = 50000, 40000
	c.Session.FromClient = true
	var told, facts []string
	for _, b := range chunks {
		c.Push(0, b, func(s *ot.Session) {
			if c.Dropped == 0 {
				lines := Told(protocol, s)
				told = append(told, lines[:len(s.PDUs)]...)
				facts = append(facts, lines[len(s.PDUs):]...)
			}
		})
		if c.Dropped > 0 {
			break
		}
	}
	return append(told, facts...)
}

// Told is what a session was told last, one line a message or fact:
// "request 0401:0000 Device Read (word) read unit=00/ff/03ff/00 status=0000".
func Told(protocol *ot.Protocol, s *ot.Session) []string {
	var lines []string
	for _, pdu := range s.PDUs {
		lines = append(lines, Line(protocol, pdu))
	}
	for _, f := range s.Facts {
		lines = append(lines, fmt.Sprintf("%v=%s", f.Kind, f.Value))
	}
	return lines
}

// Line is a message as Told writes it.
func Line(protocol *ot.Protocol, pdu ot.PDU) string {
	f := protocol.Function(pdu.Code)
	line := fmt.Sprintf("%v %s %s [%v]", pdu.Direction, f.Code, f.Name, pdu.Class)
	if pdu.HasUnit {
		line += " unit=" + protocol.Unit(pdu.Unit)
	}
	if pdu.HasStatus {
		line += " status=" + protocol.Status(pdu.Status)
	}
	return line
}

// SameHoweverSplit fails where a stream fed at once, byte by byte, or in two
// pieces tells other messages. That the capture has no more than the first piece harms nothing.
func SameHoweverSplit(tb testing.TB, protocol *ot.Protocol, data []byte, cut int) {
	tb.Helper()
	whole := Stream(protocol, data)
	var bytes [][]byte
	for i := range data {
		bytes = append(bytes, data[i:i+1])
	}
	single := Stream(protocol, bytes...)
	if !slices.Equal(whole, single) {
		tb.Fatalf("%x\nat once:\n%s\nbyte by byte:\n%s", data, strings.Join(whole, "\n"), strings.Join(single, "\n"))
	}
	cut = min(max(cut, 0), len(data))
	if halves := Stream(protocol, data[:cut], data[cut:]); !slices.Equal(whole, halves) {
		tb.Fatalf("%x\nat once:\n%s\ncut at %d:\n%s", data, strings.Join(whole, "\n"), cut, strings.Join(halves, "\n"))
	}
	if cut > 0 {
		s := ot.Session{Src: decode.IPv4(1), Dst: decode.IPv4(2), SrcPort: 50000, DstPort: 40000, Cut: true}
		protocol.Stream(&s, data[:cut:cut])
	}
}

// Message fails where a message fed to a stream by itself is not told as want (Told's
// lines), where three of it are told otherwise when split, or where it is told although its
// last byte is missing; a decoder that tells from its first need bytes on may do that.
func Message(tb testing.TB, protocol *ot.Protocol, b []byte, need int, want string) {
	tb.Helper()
	if got := strings.Join(Stream(protocol, b), "\n"); got != want {
		tb.Errorf("got %q\nwant %q", got, want)
	}
	SameHoweverSplit(tb, protocol, slices.Repeat(b, 3), len(b)+9)
	if got := Stream(protocol, b[:len(b)-1]); len(got) != 0 && len(b) < need {
		tb.Errorf("cut message told: %q", got)
	}
}

// Bytes reads hexadecimal text with blanks and line comments behind "#", the form
// that annotated frames are written in.
func Bytes(tb testing.TB, text string) []byte {
	tb.Helper()
	var b []byte
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for _, word := range strings.Fields(line) {
			if quoted, ok := strings.CutPrefix(word, "'"); ok {
				b = append(b, quoted...)
				continue
			}
			for ; len(word) >= 2; word = word[2:] {
				var v byte
				if _, err := fmt.Sscanf(word[:2], "%02x", &v); err != nil {
					tb.Fatalf("%q: %v", word, err)
				}
				b = append(b, v)
			}
			if word != "" {
				tb.Fatalf("half a byte: %q", line)
			}
		}
	}
	return b
}

// Datagram gives one UDP payload to a decoder and says what it told. The
// session keeps its state for the next one.
func Datagram(protocol *ot.Protocol, s *ot.Session, p []byte) []string {
	s.Reset()
	s.WireLen = len(p)
	protocol.Datagram(s, p)
	return Told(protocol, s)
}

// Payloads gives each UDP and TCP payload of a capture by itself, with what a
// probe is told of it (Hint.Port left out), and whether it is TCP's.
func Payloads(path string, use func(p []byte, h ot.Hint, tcp bool)) error {
	frames, err := Read(path)
	for _, f := range frames {
		if p, ok := parse(f); ok && p.proto != 0 && len(p.payload) > 0 {
			use(p.payload, ot.Hint{SrcPort: p.srcPort, DstPort: p.dstPort, WireLen: p.wire}, p.proto == 6)
		}
	}
	return err
}
