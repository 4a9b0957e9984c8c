package inventory

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/graph/network"
	"gonum.org/v1/gonum/graph/simple"
)

// graph makes a site of n devices with m random connections.
func randomSite(n, m int, seed uint64) *site {
	s := &site{}
	for range n {
		s.work = append(s.work, &work{peers: map[*work]bool{}})
	}
	r := rand.New(rand.NewPCG(seed, 1))
	for range m {
		if a, b := s.work[r.IntN(n)], s.work[r.IntN(n)]; a != b {
			a.peers[b], b.peers[a] = true, true
		}
	}
	return s
}

// TestBetweennessIsGonums holds our betweenness against gonum's on graphs in one piece and in several.
func TestBetweennessIsGonums(t *testing.T) {
	for seed, size := range [][2]int{{3, 2}, {10, 9}, {40, 30}, {60, 200}, {100, 120}} {
		s := randomSite(size[0], size[1], uint64(seed))
		g := simple.NewUndirectedGraph()
		at := map[*work]int64{}
		for i, w := range s.work {
			g.AddNode(simple.Node(i))
			at[w] = int64(i)
		}
		for w, a := range at {
			for p := range w.peers {
				if b := at[p]; a < b {
					g.SetEdge(simple.Edge{F: simple.Node(a), T: simple.Node(b)})
				}
			}
		}
		want := network.Betweenness(g)
		pairs := float64((size[0] - 1) * (size[0] - 2))
		for i, got := range s.betweenness() {
			if w := want[int64(i)] / pairs; math.Abs(got-w) > 1e-4 {
				t.Errorf("%d devices, %d connections: device %d has %v, gonum says %v", size[0], size[1], i, got, w)
			}
		}
	}
}

// TestTheMiddleOfAStarIsBetweenAll: all paths of a star lead over its middle, none over its ends.
func TestTheMiddleOfAStarIsBetweenAll(t *testing.T) {
	s := randomSite(8, 0, 1)
	for _, w := range s.work[1:] {
		w.peers[s.work[0]], s.work[0].peers[w] = true, true
	}
	inet := &work{peers: map[*work]bool{s.work[1]: true, s.work[2]: true}}
	inet.Internet = true
	s.work[1].peers[inet], s.work[2].peers[inet] = true, true
	s.work = append(s.work, inet)
	for i, b := range s.betweenness() {
		if (i == 0) != (b == 1) || i > 0 && b != 0 {
			t.Errorf("device %d: %v", i, b)
		}
	}
}

func BenchmarkBetweenness(b *testing.B) {
	s := randomSite(1400, 10000, 1)
	for b.Loop() {
		s.betweenness()
	}
}
