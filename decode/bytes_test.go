package decode

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// x reads hex with blanks.
func x(s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		panic(err)
	}
	return b
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// eth is an Ethernet header from 02:00:00:00:00:0a to 02:00:00:00:00:0b with
// the given type field, or what stands from there on.
func eth(typ string) []byte {
	return join(x("02000000000b 02000000000a"), x(typ))
}

// ipv4 is a header from 10.0.0.1 to 10.0.0.2, TTL 64, with that total length
// and protocol.
func ipv4(total int, proto byte) []byte {
	return x(fmt.Sprintf("4500 %04x 1234 0000 40 %02x 0000 0a000001 0a000002", total, proto))
}

// ipv6 is a header from 2001:db8::1 to 2001:db8::2, hop limit 64.
func ipv6(payload int, next byte) []byte {
	return x(fmt.Sprintf("60000000 %04x %02x 40 20010db8000000000000000000000001 20010db8000000000000000000000002", payload, next))
}

// udp is a header from port 1000 to 2000.
func udp(length int) []byte { return x(fmt.Sprintf("03e8 07d0 %04x 0000", length)) }

// tcp is a header of 20 bytes from port 1000 to 502: seq 1, ack 2, PSH+ACK, window 8192.
func tcp() []byte { return x("03e8 01f6 00000001 00000002 5018 2000 0000 0000") }
