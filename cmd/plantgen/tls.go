package main

import (
	"math/rand/v2"
)

func tlsRecord(typ byte, body []byte) []byte {
	return cat([]byte{typ, 3, 3}, be16(uint16(len(body))), body)
}

func tlsExt(id uint16, body []byte) []byte { return cat(be16(id), be16(uint16(len(body))), body) }

func tlsHandshake(typ byte, body []byte) []byte {
	return cat([]byte{typ, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body)
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// clientHello is a TLS 1.3 ClientHello (RFC 8446) with the server's name.
func clientHello(r *rand.Rand, name string) []byte {
	sni := cat([]byte{0}, be16(uint16(len(name))), []byte(name))
	share := cat([]byte{0, 0x1d, 0, 32}, randomBytes(r, 32))
	ext := cat(
		tlsExt(0, cat(be16(uint16(len(sni))), sni)),
		tlsExt(10, []byte{0, 4, 0, 0x1d, 0, 0x17}),
		tlsExt(13, []byte{0, 4, 4, 3, 8, 4}),
		tlsExt(16, []byte{0, 9, 8, 'h', 't', 't', 'p', '/', '1', '.', '1'}),
		tlsExt(43, []byte{2, 3, 4}),
		tlsExt(51, cat(be16(uint16(len(share))), share)),
	)
	body := cat([]byte{3, 3}, randomBytes(r, 32), []byte{32}, randomBytes(r, 32),
		[]byte{0, 6, 0x13, 1, 0x13, 2, 0x13, 3, 1, 0}, be16(uint16(len(ext))), ext)
	return tlsRecord(22, tlsHandshake(1, body))
}

func serverHello(r *rand.Rand) []byte {
	ext := cat(tlsExt(43, []byte{3, 4}), tlsExt(51, cat([]byte{0, 0x1d, 0, 32}, randomBytes(r, 32))))
	body := cat([]byte{3, 3}, randomBytes(r, 32), []byte{32}, randomBytes(r, 32), []byte{0x13, 1, 0}, be16(uint16(len(ext))), ext)
	return cat(tlsRecord(22, tlsHandshake(2, body)), tlsRecord(20, []byte{1}), tlsRecord(23, randomBytes(r, 900)))
}

// tlsSession opens TLS to s, sends up and receives down bytes of application
// data, and closes.
func (w *world) tlsSession(t int64, c, s *node, port uint16, name string, up, down int, r *rand.Rand) {
	k := w.newConn(c, s, port, r)
	t = k.open(t)
	t = k.exchange(t, clientHello(r, name), serverHello(r))
	t = k.send(t, true, cat(tlsRecord(20, []byte{1}), tlsRecord(23, randomBytes(r, 53))))
	rec := func(b []byte) []byte { return tlsRecord(23, b) }
	k.bulk(t+2*ms, true, up, rec, func(t int64) {
		k.bulk(t+s.think(r), false, down, rec, func(t int64) { k.close(t + between(r, 10*ms, 2*second)) })
	})
}
