package observe

import (
	"hash/maphash"
	"math/bits"

	"osect/decode"
)

// index finds rows of a bucket by the hash of their key: open addressing with
// linear probing over slots of (hash, row). The rows and the comparison of keys
// are the caller's:
//
//	for at, row := x.find(h, h); row >= 0; at, row = x.find(h, at+1) {
//		if rows[row].key == k { … }
//	}
//
// The zero index is empty.
type index struct {
	slots []uint64 // hash<<32 | row+1; 0 is free
	n     int
}

// find returns the next row with hash h, looking from place at on, and where it stood; -1 for none.
func (x *index) find(h, at uint32) (uint32, int32) {
	if x.n == 0 {
		return 0, -1
	}
	mask := uint32(len(x.slots) - 1)
	for ; ; at++ {
		s := x.slots[at&mask]
		if s == 0 {
			return 0, -1
		}
		if uint32(s>>32) == h {
			return at, int32(uint32(s)) - 1
		}
	}
}

// add puts a row that is not there yet.
func (x *index) add(h uint32, row int) {
	if 4*(x.n+1) > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]uint64, max(64, 2*len(old)))
		for _, s := range old {
			if s != 0 {
				x.put(s)
			}
		}
	}
	x.put(uint64(h)<<32 | uint64(uint32(row+1)))
	x.n++
}

func (x *index) put(s uint64) {
	mask := uint32(len(x.slots) - 1)
	i := uint32(s>>32) & mask
	for x.slots[i] != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// clear forgets the rows and keeps the memory.
func (x *index) clear() {
	if x.n > 0 {
		clear(x.slots)
		x.n = 0
	}
}

// seed makes the hashes of a run unpredictable, so that no frames can be sent
// that meet in one slot. Nothing that is kept depends on it.
var (
	textSeed = maphash.MakeSeed()
	seed     = maphash.Comparable(textSeed, 0)
)

// hashPair is the hash of two addresses and two numbers.
func hashPair(a, b decode.Addr, x, y uint64) uint64 {
	h := (a.Lo ^ seed) * 0x9e3779b97f4a7c15
	h = (bits.RotateLeft64(h, 29) ^ b.Lo ^ a.Hi) * 0xbf58476d1ce4e5b9
	h = (bits.RotateLeft64(h, 31) ^ x ^ b.Hi) * 0x94d049bb133111eb
	return mix(bits.RotateLeft64(h, 27) ^ y)
}

func (k *EdgeKey) hash() uint32 {
	return uint32(hashPair(k.Client, k.Server, uint64(k.ServerPort)<<32|uint64(k.ClientPort)<<16|uint64(k.VLAN), uint64(k.Proto)<<8|uint64(k.Tunnel)))
}

func (k *addrKey) hash() uint32 {
	return uint32(hashPair(k.ip, decode.Addr{}, uint64(k.mac), uint64(k.vlan)))
}

func (k *opKey) hash() uint32 {
	return uint32(hashPair(k.src, k.dst, k.code^bits.RotateLeft64(k.unit, 40),
		uint64(k.status)<<32|uint64(k.proto)<<16|uint64(k.direction)<<8|uint64(k.class)<<4|uint64(k.tunnel)))
}

func (k *eventKey) hash() uint32 {
	return uint32(hashPair(k.src, k.dst, uint64(k.arg)<<8|uint64(k.kind), uint64(k.slot)))
}

func (k *factKey) hash(value []byte) uint32 {
	return uint32(hashPair(k.ip, decode.Addr{Lo: maphash.Bytes(textSeed, value)}, uint64(k.mac), uint64(len(k.kind))<<8|uint64(len(k.source))))
}
