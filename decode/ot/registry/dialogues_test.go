package registry

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"osect/decode"
	"osect/decode/ot/ottest"
	"osect/observe"
)

// TestDialogues gives the dialogues of all decoders, in all the ways in which a network and
// a capture deal with them, to the whole of observe with all protocols: connections are put
// in order, recognised among all, and told in the minute.
func TestDialogues(t *testing.T) {
	paths, err := filepath.Glob("../*/testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	dirs, spoken := packages(t), map[string]bool{}
	for _, path := range paths {
		dir := filepath.Base(filepath.Dir(filepath.Dir(path)))
		i := slices.Index(dirs, dir)
		if dir == "named" {
			name := filepath.Base(path)
			for j, p := range Protocols {
				if p.Name+".txt" == name {
					i = j
				}
			}
		}
		if i < 0 {
			t.Errorf("%s is of no protocol", path)
			continue
		}
		proto := Protocols[i].Name
		spoken[proto] = true
		d := ottest.ReadDialogue(t, path)
		for _, c := range d.Cases() {
			t.Run(proto+"/"+filepath.Base(path)+"/"+c.Name, func(t *testing.T) {
				told := map[string]int{}
				for _, o := range watch(c.Frames) {
					if o.Protocol != proto {
						t.Errorf("%s: %s %s", o.Protocol, o.Code, o.Function)
						continue
					}
					from := "> "
					if o.Src == decode.IPv4(0x0a000002) {
						from = "< "
					}
					line := fmt.Sprintf("%v %s %s [%v]", o.Direction, o.Code, o.Function, o.Class)
					if o.Unit != "" {
						line += " unit=" + o.Unit
					}
					if o.Status != "" {
						line += " status=" + o.Status
					}
					told[from+line] += int(o.Count)
				}
				if got, want, ok := d.Same(c, told); !ok {
					t.Errorf("told\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
	for _, p := range Protocols {
		if p.Stream != nil && !spoken[p.Name] {
			t.Errorf("%s: no dialogue in its testdata", p.Name)
		}
	}
}

// tables are made once.
var tables = observe.NewTables(Protocols)

// watch is what observe tells of frames, a millisecond each.
func watch(frames [][]byte) (ops []observe.Operation) {
	var clock observe.Clock
	var router observe.Router
	shards := map[int]*observe.Shard{}
	now := int64(1_700_000_000e9)
	for i, f := range frames {
		now += 1e6
		clock.Frame(now) // all within one minute
		n := router.Shard(decode.LinkEthernet, f, uint32(len(f)))
		if shards[n] == nil {
			shards[n] = observe.NewShard(tables)
		}
		shards[n].Frame(decode.LinkEthernet, now, f, uint32(len(f)), observe.FrameRef{Number: int64(i + 1)}, false)
	}
	merger := observe.NewMerger(tables)
	closing := clock.Finish()
	closing.Services = merger.Services()
	var parts []*observe.Part
	for n := range observe.Shards {
		if shards[n] != nil {
			parts = append(parts, shards[n].Close(&closing))
		}
	}
	for _, m := range merger.Merge(&closing, parts) {
		ops = append(ops, m.Operations...)
	}
	return ops
}
