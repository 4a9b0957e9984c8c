package ottest

import (
	"os"
	"slices"
	"strings"
	"testing"

	"osect/decode/ot"
)

// Vector is one frame written by hand, with what is to be told of it by itself.
type Vector struct {
	Name     string
	TCP, UDP bool // what carries it
	Data     []byte
	Told     string // Told's lines
}

// ReadVectors reads a file of vectors:
//
//	# name of the frame
//	tcp 00 00 05 00              a frame over tcp, udp or both, as Bytes reads it;
//	  1c 00 10 02 00             lines that begin with a blank go on with it
//	= request 1c read words …    what is told of it, a line each; no line: nothing
func ReadVectors(tb testing.TB, path string) (vectors []Vector) {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	name := ""
	var bytes strings.Builder
	for line := range strings.Lines(string(b) + "# end\n") {
		first, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		last := len(vectors) - 1
		switch first {
		case "":
			bytes.WriteString(rest + "\n")
		case "#":
			if last >= 0 && vectors[last].Data == nil {
				vectors[last].Data = Bytes(tb, bytes.String())
			}
			bytes.Reset()
			name = rest
		case "tcp", "udp", "both":
			vectors = append(vectors, Vector{Name: name, TCP: first != "udp", UDP: first != "tcp"})
			bytes.WriteString(rest + "\n")
		case "=":
			vectors[last].Told = strings.TrimPrefix(vectors[last].Told+"\n"+rest, "\n")
		default:
			tb.Fatalf("%s: %q", path, line)
		}
	}
	return vectors
}

// Vectors holds that each vector of a file is told as it says, and that each line of the
// protocol's table is told of one of them.
func Vectors(t *testing.T, protocol *ot.Protocol, path string) {
	var all []string
	for _, v := range ReadVectors(t, path) {
		t.Run(v.Name, func(t *testing.T) {
			if v.TCP {
				if got := strings.Join(Stream(protocol, v.Data), "\n"); got != v.Told {
					t.Errorf("stream: got %q\nwant %q", got, v.Told)
				}
			}
			if v.UDP {
				if got := strings.Join(Datagram(protocol, new(ot.Session), v.Data), "\n"); got != v.Told {
					t.Errorf("datagram: got %q\nwant %q", got, v.Told)
				}
			}
		})
		all = append(all, strings.Split(v.Told, "\n")...)
	}
	for _, row := range protocol.Table {
		if !slices.ContainsFunc(all, func(line string) bool {
			_, line, _ = strings.Cut(line, " ") // the direction
			return strings.HasPrefix(line, row.Code+" ") || strings.HasPrefix(line, row.Code+":")
		}) {
			t.Errorf("no vector tells %s %s", row.Code, row.Name)
		}
	}
}
