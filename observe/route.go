package observe

import (
	"encoding/binary"

	"osect/decode"
)

// Shards is the fixed number of logical shards. It is part of the result (caps
// are per shard), so it never depends on the machine.
const Shards = 64

// Router says which shard a frame belongs to: a symmetric hash of its outermost
// IP pair, else of its MAC pair, so that both directions, fragments and ICMP
// errors meet.
type Router struct {
	pkt decode.Packet
}

// Shard returns the shard of a frame, 0 … Shards-1.
func (r *Router) Shard(link uint16, data []byte, wireLen uint32) int {
	if link == decode.LinkEthernet && len(data) >= 14 {
		off := 12
		typ := binary.BigEndian.Uint16(data[off:])
		if typ == 0x8100 && len(data) >= 18 {
			off = 16
			typ = binary.BigEndian.Uint16(data[off:])
		}
		ip := data[off+2:]
		// A header that decode refuses goes the slow way, so that both agree.
		if typ == decode.EtherIPv4 && len(ip) >= 20 && ip[0] == 0x45 {
			return pairShard(decode.IPv4(binary.BigEndian.Uint32(ip[12:])), decode.IPv4(binary.BigEndian.Uint32(ip[16:])))
		}
		if typ == 0x890f || typ == decode.EtherARP {
			return pairShard(decode.MACFromBytes(data[6:12]).Addr(), decode.MACFromBytes(data[:6]).Addr())
		}
	}
	r.pkt.Decode(link, data, wireLen)
	if r.pkt.IPVersion != 0 {
		return pairShard(r.pkt.Src, r.pkt.Dst)
	}
	return pairShard(r.pkt.SrcMAC.Addr(), r.pkt.DstMAC.Addr())
}

// pairShard is the same for both orders of a and b.
func pairShard(a, b decode.Addr) int {
	return int(mix((a.Lo+b.Lo)*0x9e3779b97f4a7c15^(a.Lo^b.Lo)^(a.Hi^b.Hi)) >> (64 - 6))
}

func hashAddr(a decode.Addr, seed uint64) uint64 {
	return mix(a.Hi*0x9e3779b97f4a7c15 ^ mix(a.Lo^seed))
}

// mix is the finisher of splitmix64 (Steele, Lea, Flood 2014).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
