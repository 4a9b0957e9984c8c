package observe

import "osect/decode/host"

// Caps of beginnings of messages that wait for the segments that end them (host.Missing).
const (
	maxHeads        = 32      // of a shard; then the next in turn makes room, counted
	maxHead         = 8 << 10 // bytes of one: longer ones are read as far as that
	maxHeadSegments = 16
)

// waits is the bit in conn.told that says that the direction has a beginning in the shard's heads.
const waits = 0x80

// head is the beginning of a TLS handshake or of an HTTP head that one segment did not end.
type head struct {
	j        int32 // its conn
	d        uint8 // direction
	used     bool
	segments uint8
	next     uint32 // sequence number of what is missing
	want     int    // bytes that are worth reading again
	buf      []byte
}

// heads are few, so that a walk finds one; packets that wait for nothing never look.
type heads struct {
	all  []head
	next int // makes room next
}

func (hs *heads) of(j int32, d uint8) *head {
	for i := range hs.all {
		if h := &hs.all[i]; h.used && h.j == j && h.d == d {
			return h
		}
	}
	return nil
}

// place is a free one; lost says that another had to make room. Its connection keeps the bit, and then waits for nothing.
func (hs *heads) place() (h *head, lost bool) {
	for i := range hs.all {
		if !hs.all[i].used {
			return &hs.all[i], false
		}
	}
	if len(hs.all) < maxHeads {
		hs.all = append(hs.all, head{})
		return &hs.all[len(hs.all)-1], false
	}
	h = &hs.all[hs.next]
	hs.next = (hs.next + 1) % maxHeads
	return h, true
}

// forget frees what conn j waits for.
func (hs *heads) forget(j int32) {
	for i := range hs.all {
		if hs.all[i].j == j {
			hs.all[i].used = false
		}
	}
}

// tcpHead shows the decoders a payload of direction d of conn j; wire is its length before the capture cut it. One that does not end
// the message that it begins is shown as far as it goes, kept, and shown again with what follows it.
func (s *Shard) tcpHead(j int32, c *conn, d uint8, seq uint32, payload []byte, wire int, b *bucket) {
	if c.told[d]&waits != 0 {
		if h := s.heads.of(j, d); h != nil && s.join(h, c, seq, payload, wire) {
			return
		}
		if c.told[d] &^= waits; c.told[d] >= host.MaxPayloads {
			return
		}
	}
	s.told.Number = int(c.told[d])
	c.told[d]++
	s.hosts.Payload(&s.told, payload)
	want := host.Missing(payload)
	if want == 0 || len(payload) != wire || len(payload) >= maxHead {
		return
	}
	h, lost := s.heads.place()
	if lost {
		b.counters.Dropped[DropFacts]++
	}
	*h = head{j: j, d: d, used: true, segments: 1, next: seq + uint32(wire), want: want, buf: append(h.buf[:0], payload...)}
	c.told[d] |= waits
}

// join appends a segment to h, and shows what has come together once that is worth it. It says no where bytes
// between are not there: then h is given up.
func (s *Shard) join(h *head, c *conn, seq uint32, payload []byte, wire int) bool {
	old := int(int32(h.next - seq)) // bytes that were seen before
	if old >= wire {
		return true // sent again
	}
	if old < 0 || len(payload) != wire {
		h.used = false
		return false
	}
	h.segments++
	h.next = seq + uint32(wire)
	payload = payload[old:]
	h.buf = append(h.buf, payload[:min(len(payload), maxHead-len(h.buf))]...)
	full := len(h.buf) == maxHead || h.segments == maxHeadSegments
	if len(h.buf) < h.want && !full {
		return true
	}
	s.told.Number = int(c.told[h.d]&^waits) - 1
	s.hosts.Payload(&s.told, h.buf)
	if h.want = host.Missing(h.buf); h.want == 0 || full {
		h.used = false
		c.told[h.d] &^= waits
	}
	return true
}
