// Package decode turns the bytes of one frame into facts: link layer to
// transport layer. It keeps no state, does no I/O, allocates nothing and never
// trusts a length. What needs more than one frame (reassembly, connections)
// is done in observe with the facts given here; what rides on the transport
// layer is decoded below decode/ot and decode/host.
package decode

// Link types (LINKTYPE_ numbers) that Decode reads.
const (
	LinkNull     = 0
	LinkEthernet = 1
	LinkPPP      = 9
	LinkRaw12    = 12
	LinkRaw14    = 14
	LinkPPPHDLC  = 50
	LinkRaw      = 101
	LinkLoop     = 108
	LinkSLL      = 113
	LinkPPI      = 192
	LinkPPPDir   = 204
	LinkIPv4     = 228
	LinkIPv6     = 229
	LinkSLL2     = 276
)

// Reason says why a frame was skipped; the zero Reason is "decoded". The list
// is closed: packets = decoded + the sum over all reasons.
type Reason uint8

// The reasons. A frame that is skipped for one above link level may still have
// given facts (its addresses); each says which.
const (
	Decoded Reason = iota
	// BadLinkType: a link type that is not read; nothing is taken from the frame.
	BadLinkType
	// ShortLink: cut inside the link header; nothing is taken.
	ShortLink
	// BadIP: an impossible IP header: another version, an IPv4 header length
	// under 20 or over the total length, an IPv6 address that Addr reserves, an
	// IPv6 option longer than its header, a chain of headers without end. Only
	// the last two leave addresses that can be believed: AddrOK says so.
	BadIP
	// ShortIP: cut inside the IP header; nothing above the link layer is taken.
	ShortIP
	// ShortTransport: the first four bytes of the transport header were not
	// captured or are not there. The addresses count.
	ShortTransport
	numReasons
)

// NumReasons is the number of reasons, Decoded included.
const NumReasons = int(numReasons)

var reasonNames = [NumReasons]string{"", "link-type", "short-link", "bad-ip", "short-ip", "short-transport"}

// String is the reason's name in the summary: "link-type", "bad-ip", ….
func (r Reason) String() string { return reasonNames[r] }

// NoVLAN is the value of Packet.VLAN and Packet.InnerVLAN where there is no tag.
const NoVLAN = 0xffff

// Tunnel names what carries an inner packet.
type Tunnel uint8

// The tunnels that are looked into.
const (
	NoTunnel Tunnel = iota
	GRE
	VXLAN
	IPIP // IP in IP: protocol 4 or 41 in either family
	numTunnels
)

var tunnelNames = [numTunnels]string{"", "gre", "vxlan", "ipip"}

// String is the tunnel's name in listings; "" for none.
func (t Tunnel) String() string { return tunnelNames[t] }

// IP protocol numbers that are used by name.
const (
	ProtoICMP  = 1
	ProtoIGMP  = 2
	ProtoTCP   = 6
	ProtoUDP   = 17
	ProtoICMP6 = 58
	ProtoSCTP  = 132
)

// EtherTypes that are used by name.
const (
	EtherIPv4 = 0x0800
	EtherARP  = 0x0806
	EtherRARP = 0x8035
	EtherIPv6 = 0x86dd
)

// Packet holds the facts of one frame, or of one packet inside a tunnel. It is
// reused: Decode sets every field.
//
// All offsets count from the start of Data; where a layer is not there its
// offset is 0.
type Packet struct {
	// Data is what was captured, as given to Decode; not a copy.
	Data []byte
	// WireLen is the frame's length on the wire in bytes (inner packets: the
	// length that their own headers claim, without padding).
	WireLen uint32

	// SrcMAC and DstMAC; 0 where the link layer has none (raw IP, PPP; SLL
	// has a source only).
	SrcMAC, DstMAC MAC
	// EtherType of the outermost header, before any tag; 0 for an 802.3 length
	// or a link without one.
	EtherType uint16
	// NetType is the EtherType after tags, MPLS and PPPoE: what the network
	// layer is. 0 for LLC without SNAP.
	NetType uint16
	// LLC is DSAP<<8|SSAP; valid iff HasLLC.
	LLC    uint16
	HasLLC bool
	// SNAPOUI and SNAPType are the organization and protocol of a SNAP header;
	// valid iff HasLLC and LLC is 0xaaaa. Where the OUI is 0 or 0000f8 the
	// protocol is an EtherType and NetType has it too; else NetType is 0.
	SNAPOUI  uint32
	SNAPType uint16
	// VLAN is the outer tag's id, InnerVLAN the second one's; NoVLAN for none.
	VLAN, InnerVLAN uint16

	// L3 is the offset of the network header (of what NetType names; for LLC
	// without SNAP, of what follows the LLC header).
	L3 int
	// L3End is the offset behind the network layer's bytes in Data: what the IP
	// header claims or what was captured, whichever is less. Padding of short
	// Ethernet frames lies behind it. Without IP: len(Data), less the trailer of an 802.3 length.
	L3End int

	// IPVersion is 4 or 6, 0 for no (usable) IP header. Src, Dst, Proto, TTL
	// are valid iff it is not 0.
	IPVersion uint8
	// Proto is the transport protocol behind all extension headers.
	Proto uint8
	// TTL or hop limit.
	TTL      uint8
	Src, Dst Addr
	// AddrOK says that Src (and SrcMAC) may be counted as having sent this
	// frame although Reason is BadIP. It is set for every other frame with a
	// usable IP header as well.
	AddrOK bool

	// Fragment says that this is a fragment, the first one included; FragID,
	// FragOff (bytes) and MoreFrags are valid iff it is. FragData is the
	// offset of the fragment's data (L4 for the first, unless extension headers
	// stand between). An IPv6 fragment header with offset 0 and MoreFrags not
	// set is a whole packet (RFC 6946).
	Fragment  bool
	MoreFrags bool
	FragOff   uint16
	FragID    uint32
	FragData  int

	// L4 is the offset of the transport header, valid iff Ports or Proto is
	// one without ports and the header is in this frame.
	L4 int
	// Ports says that the first four bytes of the transport header were
	// captured in this frame and it is no later fragment. SrcPort and DstPort
	// are valid iff Ports and Proto has ports (TCP, UDP; 0 for others).
	Ports            bool
	SrcPort, DstPort uint16

	// TCP says that the whole TCP header was captured and makes sense; Seq, Ack, Flags,
	// Window, options (TCPOpts to Payload) are valid iff it does.
	TCP bool
	// TCPCut says that only its first 20 bytes were captured, the options being
	// cut by the snap length: Seq, Ack, Flags and Window are valid then too.
	TCPCut   bool
	Seq, Ack uint32
	Flags    uint8
	Window   uint16
	TCPOpts  int

	// Payload is the offset of what the transport layer carries, PayloadEnd
	// the offset behind its captured part; valid iff Payload > 0.
	// PayloadWire is its length on the wire, more than
	// PayloadEnd-Payload where the frame was cut.
	Payload, PayloadEnd int
	PayloadWire         int

	// ICMPType and ICMPCode are valid iff Ports and Proto is ICMP or ICMPv6.
	ICMPType, ICMPCode uint8

	// ARP is valid iff ARPOp is not 0 (Ethernet/IPv4 ARP and RARP only; a
	// sender of other sizes is left out).
	ARPOp                uint16
	ARPSender, ARPTarget Addr
	ARPSenderMAC         MAC
	// ARPTargetMAC is 0 where the message leaves it zero, as questions do.
	ARPTargetMAC MAC

	// Tunnel says what the payload is a tunnel of; InnerOff is the offset of
	// the inner packet and InnerLink its link type (LinkEthernet or LinkRaw).
	Tunnel    Tunnel
	InnerOff  int
	InnerEnd  int
	InnerLink uint16

	innerWire uint32 // length of the inner packet as the outer headers claim
	netWire   int    // offset behind the IP packet on the wire, 0 without one
	linkType  uint16 // as given to Decode

	// Truncated says that the frame was cut by the snap length (len(Data) < WireLen).
	Truncated bool
	// Reason says why the frame was skipped, or Decoded.
	Reason Reason
}

// TCP flags in Packet.Flags.
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
)
