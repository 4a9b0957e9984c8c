// Package host reads what devices tell of themselves and of each other in the
// protocols of offices and networks: names, operating systems, models, banners,
// leases. It decodes no conversation: a payload is looked at by itself, and what
// stands whole in it is told as facts. Nothing is guessed: a payload must be on
// the protocol's port (or, for a few, begin as only that protocol does) and must
// parse.
//
// A Decoder is a row of a table, no interface. docs/facts.md lists for each the
// fields that are read, what they are told as, and how far they can be trusted.
// Adding a protocol is one file and one line in Decoders.
//
// Communities, passwords and user names are never told.
package host

import (
	"osect/decode"
)

// Kind names what a fact says.
type Kind uint8

// The kinds. Their names are what stores and listings hold.
const (
	Hostname        Kind = iota // the device's own name
	Domain                      // domain it belongs to
	Workgroup                   // NetBIOS workgroup or domain
	OSVersion                   // "6.1", "10.0.19041": numbers
	OS                          // operating system in words
	VendorClass                 // what a DHCP client calls its make
	Fingerprint                 // options a DHCP client asks for, decimal, in its order
	Vendor                      // maker in words
	Model                       // product
	Hardware                    // hardware revision
	Firmware                    // firmware revision
	Software                    // software revision
	Serial                      // serial number
	Asset                       // the owner's number for it
	Description                 // free text: model and firmware of network equipment
	Location                    // free text
	ServerBanner                // how a service announces its program
	ClientBanner                // how a client announces its program
	UserAgent                   // HTTP or SSDP User-Agent
	SNI                         // a name by which TLS clients ask for this server
	HTTPHost                    // a name by which HTTP clients ask for this server
	Service                     // a service it offers ("dhcp", "_ipp._tcp")
	Router                      // it routes; the value says by which field
	Prefix                      // IPv6 prefix that a router announces
	Dialect                     // SMB dialect, the highest both ends speak
	ServerType                  // browser server type bits, hex
	Comment                     // free text a user gave
	ObjectID                    // SNMP sysObjectID
	ChassisID                   // LLDP: of the sender
	PortID                      // LLDP, CDP: the sender's port
	Capabilities                // LLDP, CDP: what it is switched on as
	EnterpriseClass             // DHCPv6 vendor class' enterprise number
	TCPSyn                      // form of the SYNs it sends: see SYN
	TCPSynAck                   // form of its answers to SYNs
	JA3                         // TLS client: digest of its hello
	JA4                         // the same by JA4's rules
	JA3S                        // TLS server: digest of its hello
	Certificate                 // common name of the certificate it shows
	Issuer                      // common name of that certificate's issuer
	ClientBuild                 // build of a remote desktop client's system
	NumKinds
)

var kindNames = [NumKinds]string{"hostname", "domain", "workgroup", "os-version", "os", "vendor-class", "dhcp-fingerprint", "vendor", "model",
	"hardware", "firmware", "software", "serial", "asset", "description", "location", "server-banner", "client-banner", "user-agent", "sni",
	"http-host", "service", "router", "prefix", "smb-dialect", "server-type", "comment", "object-id", "chassis-id", "port-id", "capabilities",
	"enterprise", "tcp-syn", "tcp-syn-ack", "ja3", "ja4", "ja3s", "certificate", "issuer", "client-build"}

// String is the kind's name in stores and listings.
func (k Kind) String() string { return kindNames[k] }

// MaxValue is the most bytes of a value that are kept.
const MaxValue = 255

// maxTold is the most facts, and the most bindings, of one payload.
const maxTold = 64

// Fact is one thing said of a device. Value is valid until Session.Reset.
type Fact struct {
	Kind Kind
	// Source names the protocol that said it.
	Source string
	// IP and MAC of the device it is about. IP IsMAC where only the MAC is
	// known; MAC is 0 where only the IP is.
	IP    decode.Addr
	MAC   decode.MAC
	Value []byte
}

// Binding says that a MAC uses an address, and by what that is known.
type Binding struct {
	IP  decode.Addr
	MAC decode.MAC
	By  BoundBy
}

// BoundBy says by what a binding is known.
type BoundBy uint8

// The ways.
const (
	ByNDP  BoundBy = iota // the MAC said so itself (link-layer address option)
	ByDHCP                // a DHCP server leased it
	ByDNS                 // the sender answered for its own name
)

// Session is what a decoder is shown besides the bytes, and where it tells what
// it read. observe fills the exported fields before each call. The zero Session is ready to use.
type Session struct {
	// Src and Dst are the packet's addresses; MACs for Frame. SrcMAC and
	// DstMAC are 0 where the link has none.
	Src, Dst         decode.Addr
	SrcMAC, DstMAC   decode.MAC
	SrcPort, DstPort uint16
	// TTL or hop limit (ICMPv6).
	TTL uint8
	// FromClient says (First) that the connection's client sent this.
	FromClient bool
	// Number counts (First) the payloads of this direction before this one; Start
	// says that the connection was seen from its beginning.
	Number int
	Start  bool

	Facts    []Fact
	Bindings []Binding
	// Dropped counts what was over the cap of one payload.
	Dropped uint64

	arena []byte
	buf   []byte // for a value in the making
	name  []byte // for a name in the making
	hello hello  // for a TLS hello
}

// Reset clears what was told, keeping the buffers.
func (s *Session) Reset() {
	s.Facts, s.Bindings, s.arena, s.Dropped = s.Facts[:0], s.Bindings[:0], s.arena[:0], 0
}

// tell says v of the sender.
func (s *Session) tell(source string, k Kind, v []byte) { s.about(source, k, s.Src, s.SrcMAC, v) }

// about says v of the device with this IP and MAC; with 0 for the MAC where it
// is not known. v is copied, cut to MaxValue; an empty one is dropped.
func (s *Session) about(source string, k Kind, ip decode.Addr, mac decode.MAC, v []byte) {
	if len(v) == 0 {
		return
	}
	if len(s.Facts) >= maxTold {
		s.Dropped++
		return
	}
	v = v[:min(len(v), MaxValue)]
	start := len(s.arena)
	s.arena = append(s.arena, v...)
	s.Facts = append(s.Facts, Fact{k, source, ip, mac, s.arena[start:len(s.arena):len(s.arena)]})
}

// address says v of an address: of the sender, where it is the sender's.
func (s *Session) address(source string, k Kind, ip decode.Addr, v []byte) {
	mac := decode.MAC(0)
	if ip == s.Src {
		mac = s.SrcMAC
	}
	s.about(source, k, ip, mac, v)
}

func (s *Session) bind(ip decode.Addr, mac decode.MAC, by BoundBy) {
	if len(s.Bindings) >= maxTold {
		s.Dropped++
		return
	}
	s.Bindings = append(s.Bindings, Binding{ip, mac, by})
}

// SNAP is a protocol of an organization under an IEEE 802.2 SNAP header; the zero SNAP is LLC without one.
type SNAP struct {
	OUI  uint32 // 24 bits
	Type uint16
}

// Decoder describes one protocol to observe. Each function says whether the
// payload was its protocol's; what it told before saying no is not taken.
type Decoder struct {
	// Name of the protocol, as docs/facts.md has it. The source of its facts, where they name no other.
	Name string
	// UDPPorts and TCPPorts: a payload from or to one of them is shown to the decoder.
	UDPPorts, TCPPorts []uint16
	EtherTypes         []uint16
	SNAPs              []SNAP
	// AnyPort says that First recognises its protocol by content on any port.
	AnyPort bool

	// Datagram reads one UDP payload.
	Datagram func(s *Session, p []byte) bool
	// First reads one of the first MaxPayloads payloads of a direction of a TCP connection, as one
	// segment carries it; and, where Missing says that it is not whole, once more with the segments that end it.
	First func(s *Session, p []byte) bool
	// Frame reads what follows the EtherType or SNAP header.
	Frame func(s *Session, p []byte) bool
	// ICMP6 reads an ICMPv6 message from its type byte on.
	ICMP6 func(s *Session, p []byte) bool
}

// MaxPayloads is how many payloads of each direction of a TCP connection are
// looked at. SMB tells its versions within the first six messages.
const MaxPayloads = 8

// Decoders are all of them.
var Decoders = []*Decoder{
	&dhcp, &dhcpv6, &netbiosNS, &netbiosDatagram, &llmnr, &mdns, &dns, &ssdp, &snmp, &lldp, &cdp, &ndp,
	&hsrp, &stp, &kerberos, &ldap, &rdp, &wsd,
	&http, &tls, &ssh, &smb, &ntlm, &ftp, &smtp, &telnet,
}

// Table finds decoders by port and EtherType. It is immutable; all share one.
type Table struct {
	udp     [65536]uint8 // 1 + index in Decoders; at most one a port
	ether   [65536]uint8 // the same by EtherType
	tcp     map[uint16][]*Decoder
	tcpPort [65536]bool
	any     []*Decoder
	icmp6   []*Decoder
	snap    map[SNAP]*Decoder
}

// NewTable makes the table of Decoders.
func NewTable() *Table {
	t := &Table{tcp: map[uint16][]*Decoder{}, snap: map[SNAP]*Decoder{}}
	for i, d := range Decoders {
		for _, p := range d.UDPPorts {
			t.udp[p] = uint8(i + 1)
		}
		for _, p := range d.TCPPorts {
			t.tcp[p] = append(t.tcp[p], d)
			t.tcpPort[p] = true
		}
		for _, e := range d.EtherTypes {
			t.ether[e] = uint8(i + 1)
		}
		for _, e := range d.SNAPs {
			t.snap[e] = d
		}
		if d.AnyPort {
			t.any = append(t.any, d)
		}
		if d.ICMP6 != nil {
			t.icmp6 = append(t.icmp6, d)
		}
	}
	return t
}

// Datagram shows a UDP payload, which must not be empty, to the decoder of its ports, the destination's first.
func (t *Table) Datagram(s *Session, p []byte) {
	for _, port := range [2]uint16{s.DstPort, s.SrcPort} {
		if i := t.udp[port]; i != 0 {
			try(Decoders[i-1].Datagram, s, p)
			return
		}
	}
	// Answers to a search come from any port to any port.
	if len(p) > 12 && p[0] == 'H' && string(p[:5]) == "HTTP/" {
		try(ssdp.Datagram, s, p)
	}
}

// Reads says whether Datagram has a decoder for a UDP payload between these ports.
func (t *Table) Reads(src, dst uint16, p []byte) bool {
	return t.udp[dst] != 0 || t.udp[src] != 0 || p[0] == 'H'
}

// Payload shows an early payload of a TCP connection to the decoders of its ports, then to those
// that know their protocol by content.
func (t *Table) Payload(s *Session, p []byte) {
	for _, port := range [2]uint16{s.DstPort, s.SrcPort} {
		if !t.tcpPort[port] {
			continue
		}
		for _, d := range t.tcp[port] {
			try(d.First, s, p)
		}
		if s.SrcPort == s.DstPort {
			break
		}
	}
	for _, d := range t.any {
		if try(d.First, s, p) {
			return
		}
	}
}

// Missing says how many bytes a payload must have before it is worth showing it to Payload again: as many as
// end the TLS handshake or the HTTP head that it begins. 0 is: it is whole, or begins neither.
func Missing(p []byte) int {
	switch {
	case len(p) < 5:
	case p[0] == 22, p[0] == 21:
		return tlsMissing(p)
	case p[0] >= 'A' && p[0] <= 'Z':
		return httpMissing(p)
	}
	return 0
}

// Frame shows what follows an EtherType to its decoder.
func (t *Table) Frame(s *Session, etherType uint16, p []byte) {
	if i := t.ether[etherType]; i != 0 {
		try(Decoders[i-1].Frame, s, p)
	}
}

// EtherType says whether a decoder reads frames of this EtherType.
func (t *Table) EtherType(e uint16) bool { return t.ether[e] != 0 }

// SNAP shows what follows a SNAP header to its decoder.
func (t *Table) SNAP(s *Session, head SNAP, p []byte) {
	if d := t.snap[head]; d != nil {
		try(d.Frame, s, p)
	}
}

// ICMP6 shows an ICMPv6 message, from its type byte on.
func (t *Table) ICMP6(s *Session, p []byte) {
	for _, d := range t.icmp6 {
		if try(d.ICMP6, s, p) {
			return
		}
	}
}

// try calls a decoder and takes back what it told before it said no.
func try(f func(*Session, []byte) bool, s *Session, p []byte) bool {
	facts, bindings := len(s.Facts), len(s.Bindings)
	if f(s, p) {
		return true
	}
	s.Facts, s.Bindings = s.Facts[:facts], s.Bindings[:bindings]
	return false
}
