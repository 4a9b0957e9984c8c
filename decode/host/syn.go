package host

import (
	"strconv"

	"osect/decode"
)

// SYN tells the form of a TCP SYN or SYN+ACK, which differs between operating systems, in the notation that p0f
// version 3 calls a raw signature (its README, section 5):
//
//	version:ittl:olen:mss:wsize,scale:olayout:quirks:pclass
//
// ittl is the TTL that the sender probably began with (32, 64, 128, 255), "+" and the hops since; olen the bytes of IP
// options (IPv6: of extension headers); mss and scale are 0 where the options lack them; wsize is the window as a number. The
// options' order, and what is odd, are words with commas between. pclass is "0" without a payload, else "+".
//
// p must be TCP with the SYN flag and its IP header whole; its options may be cut. The fact's source is "tcp", its kind TCPSyn or TCPSynAck.
func (s *Session) SYN(p *decode.Packet) {
	k := TCPSyn
	if p.Flags&decode.ACK != 0 {
		k = TCPSynAck
	}
	s.buf = appendSYN(s.buf[:0], p)
	s.tell("tcp", k, s.buf)
}

// Bits of the TCP header beside those that decode names.
const (
	flagPSH = 0x08
	flagURG = 0x20
	flagECN = 0xc0 // ECE, CWR
)

func appendSYN(b []byte, p *decode.Packet) []byte {
	ip, tcp := p.Data[p.L3:], p.Data[p.L4:]
	number := func(n int) { b = strconv.AppendInt(b, int64(n), 10) }
	number(int(p.IPVersion))
	b = append(b, ':')
	initial := 255
	for _, n := range [3]int{32, 64, 128} {
		if int(p.TTL) <= n {
			initial = n
			break
		}
	}
	number(initial)
	b = append(b, '+')
	number(initial - int(p.TTL))
	b = append(b, ':')
	head := 20
	if p.IPVersion == 6 {
		head = 40
	}
	number(max(0, p.L4-p.L3-head))
	b = append(b, ':')

	mss, scale := 0, 0
	ownZero, peerSet, trailing, bad := false, false, false, false
	var room [256]byte
	layout := room[:0]
	word := func(w string) {
		if len(layout) > 0 {
			layout = append(layout, ',')
		}
		layout = append(layout, w...)
	}
	o := p.Data[p.TCPOpts:p.Payload]
options:
	for len(o) > 0 {
		kind := o[0]
		switch kind {
		case 0: // end of options; what follows pads
			word("eol+")
			layout = strconv.AppendInt(layout, int64(len(o)-1), 10)
			for _, c := range o[1:] {
				trailing = trailing || c != 0
			}
			break options
		case 1:
			word("nop")
			o = o[1:]
			continue
		}
		if len(o) < 2 || o[1] < 2 || int(o[1]) > len(o) {
			bad = true
			break
		}
		v := o[2:o[1]]
		o = o[o[1]:]
		switch {
		case kind == 2:
			word("mss")
			if len(v) != 2 {
				bad = true
				break
			}
			mss = be16(v)
		case kind == 3:
			word("ws")
			if len(v) != 1 {
				bad = true
				break
			}
			scale = int(v[0])
		case kind == 4:
			word("sok")
			bad = bad || len(v) != 0
		case kind == 5:
			word("sack")
			bad = bad || len(v)%8 != 0 || len(v) == 0
		case kind == 8:
			word("ts")
			if len(v) != 8 {
				bad = true
				break
			}
			ownZero = be32(v) == 0
			peerSet = be32(v[4:]) != 0 && p.Flags&decode.ACK == 0
		default:
			word("?")
			layout = strconv.AppendInt(layout, int64(kind), 10)
		}
	}
	number(mss)
	b = append(b, ':')
	number(int(p.Window))
	b = append(b, ',')
	number(scale)
	b = append(b, ':')
	b = append(b, layout...)
	b = append(b, ':')

	first := true
	quirk := func(is bool, w string) {
		if !is {
			return
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, w...)
	}
	ecn := p.Flags&flagECN != 0
	if p.IPVersion == 4 {
		df, id := ip[6]&0x40 != 0, be16(ip[4:])
		quirk(df, "df")
		quirk(df && id != 0, "id+")
		quirk(!df && id == 0, "id-")
		quirk(ecn || ip[1]&3 != 0, "ecn")
		quirk(ip[6]&0x80 != 0, "0+")
	} else {
		quirk(ecn || ip[1]>>4&3 != 0, "ecn")
		quirk(be32(ip)&0xfffff != 0, "flow")
	}
	ack := p.Flags&decode.ACK != 0
	quirk(p.Seq == 0, "seq-")
	quirk(!ack && p.Ack != 0, "ack+")
	quirk(ack && p.Ack == 0, "ack-")
	quirk(p.Flags&flagURG == 0 && be16(tcp[18:]) != 0, "uptr+")
	quirk(p.Flags&flagURG != 0, "urgf+")
	quirk(p.Flags&flagPSH != 0, "pushf+")
	quirk(ownZero, "ts1-")
	quirk(peerSet, "ts2+")
	quirk(trailing, "opt+")
	quirk(scale > 14, "exws")
	quirk(bad, "bad")
	if p.PayloadWire > 0 {
		return append(b, ":+"...)
	}
	return append(b, ":0"...)
}
