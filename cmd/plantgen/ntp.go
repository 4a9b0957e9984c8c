package main

import "encoding/binary"

// ntpPacket is an NTPv3 packet (RFC 5905 format): mode 3 client, 4 server.
func ntpPacket(mode byte, t int64) []byte {
	b := make([]byte, 48)
	b[0] = 3<<3 | mode
	b[2], b[3] = 6, 0xec
	if mode == 4 {
		b[1] = 3
		copy(b[12:], []byte{203, 0, 113, 123})
	}
	// Seconds since 1900: 2,208,988,800 s before 1970.
	sec := uint64(t/second) + 2208988800
	frac := uint64(t%second) << 32 / uint64(second)
	for _, off := range []int{16, 32, 40} {
		binary.BigEndian.PutUint64(b[off:], sec<<32|frac)
	}
	return b
}

// ntp asks s for the time, port 123 at both ends.
func (w *world) ntp(t int64, c, s *node) {
	k := w.comm(c.ip, s.ip, 17, 123)
	t = w.udp(t, c, 123, s, 123, k, ntpPacket(3, t))
	w.udp(t+s.think(c.r), s, 123, c, 123, k, ntpPacket(4, t))
}
