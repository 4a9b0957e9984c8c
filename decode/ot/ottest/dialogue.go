package ottest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"osect/decode"
	"osect/decode/ot"
)

// A Dialogue is a conversation over TCP, written by hand: what client and server say,
// and what is to be told of it. It is read from a file of these lines:
//
//	# a comment; also behind bytes
//	port 502                     the server's port
//	> 00 01 00 00 00 06          a message of the client, as Bytes reads it;
//	  0a 03 00 09 00 18          lines that begin with a blank go on with it
//	= request 03 …               what is told of it, a line a PDU as Line writes it
//	< 00 01 00 00 00 07 …        a message of the server
//	~ response …                 what is told of it instead when the other side was not
//	                             seen; nothing behind ~: nothing. No such line: the same.
type Dialogue struct {
	Port     uint16
	Messages []Utterance
}

// Utterance is one message of a Dialogue. From is 0 for the client's, 1 for the server's.
type Utterance struct {
	From        int
	Data        []byte
	Told, Alone []string
}

// ReadDialogue reads a dialogue.
func ReadDialogue(tb testing.TB, path string) *Dialogue {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	d := &Dialogue{}
	var text strings.Builder // of the last message
	alone := false
	done := func() {
		if n := len(d.Messages); n > 0 {
			m := &d.Messages[n-1]
			m.Data = Bytes(tb, text.String())
			if len(m.Data) < 2 || len(m.Told) == 0 {
				tb.Fatalf("%s: message %d has too few bytes, or tells nothing", path, n)
			}
			if !alone {
				m.Alone = m.Told
			}
		}
		text.Reset()
		alone = false
	}
	for line := range strings.Lines(string(b)) {
		rest := strings.TrimSpace(line[1:])
		switch line[0] {
		case '#', '\n':
		case 'p':
			if _, err := fmt.Sscanf(line, "port %d", &d.Port); err != nil {
				tb.Fatalf("%s: %q: %v", path, line, err)
			}
		case '>', '<':
			done()
			m := Utterance{}
			if line[0] == '<' {
				m.From = 1
			}
			d.Messages = append(d.Messages, m)
			text.WriteString(rest + "\n")
		case ' ', '\t':
			text.WriteString(rest + "\n")
		case '=':
			m := &d.Messages[len(d.Messages)-1]
			m.Told = append(m.Told, rest)
		case '~':
			m := &d.Messages[len(d.Messages)-1]
			if alone = true; rest != "" {
				m.Alone = append(m.Alone, rest)
			}
		default:
			tb.Fatalf("%s: %q", path, line)
		}
	}
	done()
	if d.Port == 0 || len(d.Messages) < 2 || d.Messages[0].From != 0 {
		tb.Fatalf("%s: no port, no client that begins, or only one message", path)
	}
	return d
}

// Case is a dialogue as a capture may hold it. Frames are Ethernet.
type Case struct {
	Name   string
	Frames [][]byte
	// Want counts what is to be told: "> " or "< " and a line each.
	Want map[string]int
}

// Same says whether what was told is what the case wants, and both as text where it is
// not. An answer may be told as one whose request was not seen, the other way round
// not: that is decided by what came first, not by what was lost.
func (d *Dialogue) Same(c Case, told map[string]int) (got, want string, ok bool) {
	a, b := d.plain(told), d.plain(c.Want)
	return text(a), text(b), maps.Equal(a, b)
}

func text(m map[string]int) string {
	var lines []string
	for line, n := range m {
		lines = append(lines, fmt.Sprintf("  %d × %s", n, line))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// plain counts each line whose message may be told in another way as that.
func (d *Dialogue) plain(told map[string]int) map[string]int {
	out := map[string]int{}
	for line, n := range told {
		into := []string{line}
		for _, m := range d.Messages {
			if slices.Contains(m.Told, line[2:]) && side[m.From] == line[:2] && !slices.Equal(m.Told, m.Alone) {
				if into = nil; m.Told[0] == line[2:] { // several lines are counted once
					for _, l := range m.Alone {
						into = append(into, side[m.From]+l)
					}
				}
				break
			}
		}
		for _, l := range into {
			out[l] += n
		}
	}
	return out
}

var side = [2]string{"> ", "< "}

// talk makes frames of a connection.
type talk struct {
	port   uint16
	seq    [2]uint32
	frames [][]byte
	want   map[string]int
}

const clientPort = 51966

// say sends a segment; seen says whether it was captured.
func (t *talk) say(from int, p []byte, seen bool) {
	t.segment(from, 0x18, t.seq[from], p, seen)
	t.seq[from] += uint32(len(p))
}

func (t *talk) segment(from int, flags byte, seq uint32, p []byte, seen bool) {
	if !seen {
		return
	}
	ports := [2]uint16{clientPort, t.port}
	b := make([]byte, 54, 54+len(p))
	copy(b, []byte{2, 0, 0, 0, 0, byte(2 - from), 2, 0, 0, 0, 0, byte(1 + from), 8, 0})
	ip := b[14:]
	copy(ip, []byte{0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, byte(1 + from), 10, 0, 0, byte(2 - from)})
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(p)))
	tcp := b[34:]
	binary.BigEndian.PutUint16(tcp, ports[from])
	binary.BigEndian.PutUint16(tcp[2:], ports[1-from])
	binary.BigEndian.PutUint32(tcp[4:], seq)
	binary.BigEndian.PutUint32(tcp[8:], t.seq[1-from])
	tcp[12], tcp[13] = 0x50, flags
	t.frames = append(t.frames, append(b, p...))
}

func (t *talk) expect(from int, lines []string) {
	for _, l := range lines {
		t.want[side[from]+l]++
	}
}

// open is a handshake.
func (t *talk) open() {
	t.segment(0, 2, t.seq[0], nil, true)
	t.seq[0]++
	t.segment(1, 0x12, t.seq[1], nil, true)
	t.seq[1]++
	t.segment(0, 0x10, t.seq[0], nil, true)
}

// rounds says everything n times, a message a segment.
func (t *talk) rounds(d *Dialogue, n int) {
	for range n {
		for _, m := range d.Messages {
			t.say(m.From, m.Data, true)
			t.expect(m.From, m.Told)
		}
	}
}

// Cases are the ways in which a network and a capture deal with a dialogue.
func (d *Dialogue) Cases() (cases []Case) {
	make1 := func(name string, tell func(t *talk)) {
		// Sequence numbers pass 2^32 on the way.
		t := &talk{port: d.Port, seq: [2]uint32{0xffffffe0, 0xfffffff8}, want: map[string]int{}}
		tell(t)
		cases = append(cases, Case{name, t.frames, t.want})
	}
	each := func(name string, say func(t *talk, from int, p []byte)) {
		make1(name, func(t *talk) {
			t.open()
			for range 2 {
				for _, m := range d.Messages {
					say(t, m.From, m.Data)
					t.expect(m.From, m.Told)
				}
			}
		})
	}
	each("a message a segment", func(t *talk, from int, p []byte) { t.say(from, p, true) })
	each("byte by byte", func(t *talk, from int, p []byte) {
		for i := range p {
			t.say(from, p[i:i+1], true)
		}
	})
	longest := 0
	for _, m := range d.Messages {
		longest = max(longest, len(m.Data))
	}
	for at := 1; at < min(longest, 80); at++ {
		each(fmt.Sprintf("each message cut at %d", at), func(t *talk, from int, p []byte) {
			t.say(from, p[:min(at, len(p))], true)
			if at < len(p) {
				t.say(from, p[at:], true)
			}
		})
	}
	each("segments retransmitted", func(t *talk, from int, p []byte) {
		for range 2 {
			t.segment(from, 0x18, t.seq[from], p, true)
		}
		t.seq[from] += uint32(len(p))
	})
	each("retransmitted with more behind", func(t *talk, from int, p []byte) {
		t.segment(from, 0x18, t.seq[from], p[:len(p)/2], true)
		t.segment(from, 0x18, t.seq[from], p[:len(p)/2], true)
		t.segment(from, 0x18, t.seq[from], p, true)
		t.segment(from, 0x18, t.seq[from]+1, p[1:], true)
		t.seq[from] += uint32(len(p))
	})
	each("second half before the first", func(t *talk, from int, p []byte) {
		h := len(p) / 2
		t.segment(from, 0x18, t.seq[from]+uint32(h), p[h:], true)
		t.segment(from, 0x18, t.seq[from], p[:h], true)
		t.seq[from] += uint32(len(p))
	})
	make1("two messages in a segment", func(t *talk) {
		t.open()
		t.rounds(d, 1)
		for _, m := range d.Messages {
			t.say(m.From, slices.Concat(m.Data, m.Data), true)
			t.expect(m.From, m.Told)
			t.expect(m.From, m.Told)
		}
	})
	make1("one and a half message in a segment", func(t *talk) {
		t.open()
		for _, m := range d.Messages {
			b := slices.Concat(m.Data, m.Data)
			h := len(m.Data) * 3 / 2
			t.say(m.From, b[:h], true)
			t.say(m.From, b[h:], true)
			t.expect(m.From, m.Told)
			t.expect(m.From, m.Told)
		}
	})
	const after = 8 // rounds behind what was lost
	for i, lost := range d.Messages {
		h := len(lost.Data) / 2
		for _, part := range []struct {
			name string
			seen [2]bool
		}{{"whole", [2]bool{}}, {"first half", [2]bool{false, true}}, {"second half", [2]bool{true, false}}} {
			make1(fmt.Sprintf("message %d lost, %s", i+1, part.name), func(t *talk) {
				t.open()
				t.rounds(d, 2)
				for j, m := range d.Messages {
					if j == i {
						t.say(m.From, m.Data[:h], part.seen[0])
						t.say(m.From, m.Data[h:], part.seen[1])
						continue
					}
					t.say(m.From, m.Data, true)
					t.expect(m.From, m.Told)
				}
				t.rounds(d, after)
			})
		}
	}
	for from, name := range []string{"only the client seen", "only the server seen"} {
		make1(name, func(t *talk) {
			for range after {
				for _, m := range d.Messages {
					t.say(m.From, m.Data, m.From == from)
					if m.From == from {
						t.expect(m.From, m.Alone)
					}
				}
			}
		})
	}
	for from, name := range []string{"from the middle of a client's message", "from the middle of a server's message"} {
		i := slices.IndexFunc(d.Messages, func(m Utterance) bool { return m.From == from })
		make1(name, func(t *talk) {
			m := d.Messages[i]
			t.seq[from] += uint32(len(m.Data) / 2)
			t.say(from, m.Data[len(m.Data)/2:], true)
			for _, m := range d.Messages[i+1:] {
				t.say(m.From, m.Data, true)
				t.expect(m.From, m.Told)
			}
			t.rounds(d, after)
		})
	}
	return cases
}

// Dialogues holds, for each file of dialogues, that a protocol tells what the file says,
// however the messages are cut, repeated, disordered, lost or seen from one side only.
func Dialogues(t *testing.T, protocol *ot.Protocol, paths ...string) {
	for _, path := range paths {
		d := ReadDialogue(t, path)
		for _, c := range d.Cases() {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txt")+"/"+c.Name, func(t *testing.T) {
				told := map[string]int{}
				var frames []Frame
				for _, b := range c.Frames {
					frames = append(frames, Frame{b, len(b), 1})
				}
				replay(frames, func(proto *ot.Protocol, pdu ot.PDU, src decode.Addr) {
					from := 0
					if src == decode.IPv4(0x0a000002) {
						from = 1
					}
					told[side[from]+Line(proto, pdu)]++
				}, protocol)
				if got, want, ok := d.Same(c, told); !ok {
					t.Errorf("told\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}
