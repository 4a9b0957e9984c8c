package observe

import (
	"fmt"
	"testing"
)

// TestOrder: with the option each pair of requests that follow each other on a connection is an
// event of its minute; across lost bytes, another connection or without the option there is none.
func TestOrder(t *testing.T) {
	events := func(order bool, send func(n *net)) string {
		n := newNet(t)
		n.tables.Order = order
		for i := range n.shards {
			n.shards[i] = NewShard(n.tables)
		}
		send(n)
		n.finish()
		var got []string
		for _, e := range n.events(EventOrder) {
			got = append(got, fmt.Sprintf("%s x%d", e.Text, e.Count))
		}
		return fmt.Sprint(got)
	}
	a, b, c := msg(1, 4), msg(2, 4), msg(3, 4) // 6 bytes each
	for _, tc := range []struct {
		name  string
		order bool
		send  func(n *net)
		want  string
	}{
		{"off", false, func(n *net) { n.seg(0, a); n.seg(6, b) }, "[]"},
		{"counted", true, func(n *net) { n.seg(0, a); n.seg(6, b); n.seg(12, a); n.seg(18, append(b, c...)) }, "[toy 01 02 x2 toy 02 01 x1 toy 02 03 x1]"},
		{"retransmitted", true, func(n *net) { n.seg(0, a); n.seg(6, b); n.seg(0, a); n.seg(6, b) }, "[toy 01 02 x1]"},
		{"lost between", true, func(n *net) { n.seg(0, a); n.seg(12, c); n.seg(18, a); n.seg(24, a); n.ack(30) }, "[toy 03 01 x1 toy 01 01 x1]"},
		{"two connections", true, func(n *net) {
			n.seg(0, a)
			n.frame(tcp(client, server, 40001, 7777, 1, 1, 0x18, b))
		}, "[]"},
		{"another minute", true, func(n *net) { n.seg(0, a); n.seg(6, b); n.now += 90e9; n.seg(12, a); n.seg(18, b) }, "[toy 01 02 x1 toy 02 01 x1 toy 01 02 x1]"},
	} {
		if got := events(tc.order, tc.send); got != tc.want {
			t.Errorf("%s: %s, expected %s", tc.name, got, tc.want)
		}
	}
}
