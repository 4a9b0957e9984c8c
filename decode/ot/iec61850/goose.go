package iec61850

import "osect/decode/ot"

// numbers are stNum and sqNum of a GOOSE message: the first grows with each change of the data, the second with each message
// since (IEC 61850-8-1, 18.1.2.5). A publisher that starts anew begins with stNum 1.
type numbers struct{ state, count uint32 }

// late is for how long after a message older ones may still come, ns: over a second path (PRP, HSR, a mirror of two ports).
const late = 100e6

// few is by how many messages the next one may be ahead, so that it is surely the next.
const few = 16

// longest is the most messages that may be missing between two of one publisher.
const longest = 1000

// publication follows the numbers of what one MAC publishes to another. Two that number it by turns are told by their two
// lines: last is the newest message, before the last one of the line that was left when the numbers jumped. One publisher
// that starts anew, or whose data change, leaves its line too, but never comes back to it.
type publication struct {
	key          uint64
	last, before numbers
	left         bool  // before is valid
	t            int64 // of last
}

// maxPublications is how many publications from one MAC to another are followed.
const maxPublications = 64

// published is the decoder's memory of one pair of MACs.
type published struct{ all []publication }

func publications(s *ot.Session) *published {
	p, ok := s.State.(*published)
	if !ok {
		p = new(published)
		s.State = p
	}
	return p
}

// crossed takes a message and says whether it goes on with the line that was left, and not with the one since.
func (p *published) crossed(key uint64, at numbers, t int64) bool {
	for i := range p.all {
		if p.all[i].key == key {
			return p.all[i].crossed(at, t)
		}
	}
	if len(p.all) < maxPublications {
		p.all = append(p.all, publication{key: key, last: at, t: t})
	}
	return false
}

func (p *publication) crossed(at numbers, t int64) bool {
	last, before := p.last, p.before
	same := at.state == last.state
	if at == last || (at.state < last.state || same && last.count-at.count < 1<<31) && t-p.t < late {
		return false // come twice, or late
	}
	p.t, p.last = t, at
	if same && at.count-last.count <= few { // uint32: also over its end
		return false
	}
	crossed := p.left && at.state == before.state && at.count > before.count && at.count-before.count <= longest
	if same && at.count > last.count && !crossed {
		return false // some were missed
	}
	p.before, p.left = last, true
	return crossed
}
