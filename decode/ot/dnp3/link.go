package dnp3

import "encoding/binary"

// A link frame (IEEE 1815-2012, clause 9; fact sheet dnp3): start 05 64, length 1
// (of control, addresses and user data, without checksums), control 1,
// destination 2, source 2, checksum 2; then user data in blocks of 16 bytes, each
// with a checksum of 2. All little-endian.
const (
	linkHead  = 10
	blockLen  = 16
	minLength = 5
	maxUser   = 255 - minLength
)

// Link control: bit 7 is set in what a master sends, bit 6 in what starts an
// exchange; the low four bits are a function.
const (
	fromMaster    = 0x80
	primary       = 0x40
	confirmedData = 3
	userData      = 4
)

// linkFunctions by control & 4F.
var linkFunctions = map[byte]bool{
	primary: true, primary | 1: true, primary | 2: true, primary | confirmedData: true, primary | userData: true, primary | 9: true,
	0: true, 1: true, 0x0b: true, 0x0e: true, 0x0f: true,
}

// crcTable is of the polynomial 3D65 (reflected A6BC), IEEE 1815-2012, 9.2.3.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i)
		for range 8 {
			if c&1 != 0 {
				c = c>>1 ^ 0xa6bc
			} else {
				c >>= 1
			}
		}
		t[i] = c
	}
	return t
}()

func crc(p []byte) uint16 {
	c := uint16(0)
	for _, b := range p {
		c = c>>8 ^ crcTable[byte(c)^b]
	}
	return ^c
}

// checked says whether the two bytes behind the first n of p are their checksum.
func checked(p []byte, n int) bool {
	return binary.LittleEndian.Uint16(p[n:]) == crc(p[:n])
}

// frameSize says how long the link frame is that p begins with: 0 where bytes are
// missing to tell, -1 where it is none.
func frameSize(p []byte) int {
	switch {
	case len(p) > 0 && p[0] != 0x05, len(p) > 1 && p[1] != 0x64, len(p) > 2 && p[2] < minLength:
		return -1
	case len(p) < linkHead:
		return 0
	case !checked(p, linkHead-2):
		return -1
	}
	n := int(p[2]) - minLength
	return linkHead + n + (n+blockLen-1)/blockLen*2
}

// find gives the place in p where a link frame begins or may begin, len(p) if
// nowhere.
func find(p []byte) int {
	for i := range p {
		if p[i] == 0x05 && frameSize(p[i:]) >= 0 {
			return i
		}
	}
	return len(p)
}

// user writes the user data of a whole link frame to dst, without its checksums. It
// gives none where one of them is wrong.
func user(dst *[maxUser]byte, frame []byte) []byte {
	out := dst[:0]
	for b := frame[linkHead:]; len(b) > 0; {
		n := min(blockLen, len(b)-2)
		if n <= 0 || !checked(b, n) {
			return nil
		}
		out = append(out, b[:n]...)
		b = b[n+2:]
	}
	return out
}
