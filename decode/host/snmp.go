package host

import "strconv"

var snmp = Decoder{Name: "snmp", UDPPorts: []uint16{161, 162}, Datagram: snmpMessage}

// ber cuts one element of BER with a definite length off p; ok is false where it is not whole.
func ber(p []byte) (tag byte, v, rest []byte, ok bool) {
	if len(p) < 2 || p[0]&0x1f == 0x1f {
		return 0, nil, nil, false
	}
	n, at := int(p[1]), 2
	if n >= 0x80 {
		size := n & 0x7f
		if size == 0 || size > 3 || 2+size > len(p) {
			return 0, nil, nil, false
		}
		n = 0
		for _, b := range p[2 : 2+size] {
			n = n<<8 | int(b)
		}
		at += size
	}
	if n > len(p)-at {
		return 0, nil, nil, false
	}
	return p[0], p[at : at+n], p[at+n:], true
}

// The objects that are told, by their OID in BER. 1.3.6.1.2.1.1 is the system
// group (RFC 3418), 1.3.6.1.2.1.47.1.1.1.1 the table of physical entities (RFC
// 6933), of which index 1 and 1001 are the chassis.
var snmpObjects = map[string]Kind{
	"\x2b\x06\x01\x02\x01\x01\x01\x00": Description,
	"\x2b\x06\x01\x02\x01\x01\x02\x00": ObjectID,
	"\x2b\x06\x01\x02\x01\x01\x05\x00": Hostname,
	"\x2b\x06\x01\x02\x01\x01\x06\x00": Location,
}

const entityPrefix = "\x2b\x06\x01\x02\x01\x2f\x01\x01\x01\x01"

func snmpObject(oid []byte) (Kind, bool) {
	if k, ok := snmpObjects[string(oid)]; ok {
		return k, true
	}
	n := len(entityPrefix)
	if len(oid) < n+2 || string(oid[:n]) != entityPrefix {
		return 0, false
	}
	if index := string(oid[n+1:]); index != "\x01" && index != "\x87\x69" {
		return 0, false
	}
	switch oid[n] {
	case 8:
		return Hardware, true
	case 9:
		return Firmware, true
	case 10:
		return Software, true
	case 11:
		return Serial, true
	case 12:
		return Vendor, true
	case 13:
		return Model, true
	}
	return 0, false
}

// snmpMessage reads answers and notifications of SNMP version 1 and 2c (RFC 1157, RFC 3416): what an
// agent says of itself. The community is passed over.
func snmpMessage(s *Session, p []byte) bool {
	const (
		response = 0xa2
		inform   = 0xa6
		trap     = 0xa7
		maxBinds = 128
	)
	tag, v, _, ok := ber(p)
	if !ok || tag != 0x30 {
		return false
	}
	tag, version, v, ok := ber(v)
	if !ok || tag != 2 || len(version) != 1 || version[0] > 1 {
		return false
	}
	if tag, _, v, ok = ber(v); !ok || tag != 4 {
		return false
	}
	if tag, v, _, ok = ber(v); !ok {
		return false
	}
	switch {
	case tag == response && s.SrcPort == 161, (tag == inform || tag == trap) && s.DstPort == 162:
	default:
		return tag&0xf0 == 0xa0
	}
	for i := range 3 { // request, error, index
		n := []byte(nil)
		if tag, n, v, ok = ber(v); !ok || tag != 2 {
			return false
		}
		if i == 1 && notZero(n) {
			return true
		}
	}
	if tag, v, _, ok = ber(v); !ok || tag != 0x30 {
		return false
	}
	for range maxBinds {
		var bind, oid []byte
		if tag, bind, v, ok = ber(v); !ok || tag != 0x30 {
			break
		}
		if tag, oid, bind, ok = ber(bind); !ok || tag != 6 {
			break
		}
		k, known := snmpObject(oid)
		if !known {
			continue
		}
		switch tag, value, _, ok := ber(bind); {
		case !ok:
		case k == ObjectID && tag == 6:
			s.buf = oidText(s.buf[:0], value)
			s.tell("snmp", k, s.buf)
		case k != ObjectID && tag == 4:
			s.tell("snmp", k, value)
		}
	}
	return true
}

func notZero(n []byte) bool {
	for _, b := range n {
		if b != 0 {
			return true
		}
	}
	return false
}

// oidText writes an object identifier in decimal with dots; nothing for one that is not whole.
func oidText(dst, oid []byte) []byte {
	if len(oid) == 0 || oid[len(oid)-1]&0x80 != 0 {
		return dst[:0]
	}
	dst = dotted(dst, int(oid[0])/40, int(oid[0])%40)
	n := uint64(0)
	for _, b := range oid[1:] {
		if n >= 1<<50 {
			return dst[:0]
		}
		if n = n<<7 | uint64(b&0x7f); b&0x80 == 0 {
			dst = append(dst, '.')
			dst = strconv.AppendUint(dst, n, 10)
			n = 0
		}
	}
	return dst
}
