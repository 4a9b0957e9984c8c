package host

var (
	hsrp = Decoder{Name: "hsrp", UDPPorts: []uint16{1985, 2029}, Datagram: hsrpHello}
	stp  = Decoder{Name: "stp", SNAPs: []SNAP{{}}, Frame: bpdu}
)

// hsrpHello reads a hello of HSRP version 1 (RFC 2281 5.1: version 0, op 1, state 1, times 2, priority 1, group 1, reserved 1,
// authentication 8, address 4) or 2 (a TLV of type 1): who sends it is a router.
func hsrpHello(s *Session, p []byte) bool {
	switch {
	case len(p) >= 20 && p[0] == 0 && p[1] <= 2:
	case len(p) >= 42 && p[0] == 1 && p[1] >= 40 && p[2] == 2:
	default:
		return false
	}
	if s.SrcPort != s.DstPort || !s.Dst.Multicast() {
		return false
	}
	s.tell("hsrp", Router, []byte("hsrp"))
	return true
}

// bpdu reads a BPDU of the spanning tree (IEEE 802.1D 9: protocol 0, version 0, 2 or 3, type 0, 2 or 80) to the bridges' group
// address: who sends it is a bridge.
func bpdu(s *Session, p []byte) bool {
	const bridges = 0x0180c2000000
	if s.DstMAC != bridges || len(p) < 4 || p[0] != 0 || p[1] != 0 || p[2] > 3 || p[3] != 0 && p[3] != 2 && p[3] != 0x80 {
		return false
	}
	s.tell("stp", Capabilities, []byte("bridge"))
	return true
}
