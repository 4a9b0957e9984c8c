package observe

import (
	"osect/decode"
	"osect/decode/ot"
)

// MinuteLength is the length of a minute in ns.
const MinuteLength = int64(60e9)

// Minute is what one sensor saw in [Start, Start+60 s) of packet time: what is
// committed, learned from, inspected and sent up a thin link. It is a value:
// nobody changes it after it was closed. All slices are in a canonical order,
// so that the same frames give the same Minute whatever the number of workers.
type Minute struct {
	// Start of the minute, ns since 1970 UTC, a multiple of MinuteLength.
	Start int64
	// Seq numbers the minutes of a run in the order they were closed, from 1.
	// A minute that got frames after it was closed comes again as a Late part
	// with a Seq of its own; its sums are to be added to the first part's.
	Seq  uint64
	Late bool

	// Connections that were opened or closed in this minute, or are due for
	// their 15-minute row, or were open at the end of the run: totals since
	// they were opened. A later row of the same (First, ID) replaces the earlier one.
	Connections []Connection
	// Edges are what all connections did in this minute, summed by EdgeKey.
	Edges []Edge
	// Operations counted in this minute.
	Operations []Operation
	// Addresses that were seen in this minute.
	Addresses []Address
	// Facts that devices told of themselves, each value once a minute and device.
	Facts []Fact
	// Events of this minute, coalesced.
	Events []Event
	// Counters of this minute.
	Counters Counters
}

// FrameRef says where a frame is found again.
type FrameRef struct {
	// Capture is the index of the capture in the run; Number the frame's
	// number in it, from 1.
	Capture int32
	Number  int64
}

// ConnKey says which connection: the two ends with the client first.
type ConnKey struct {
	Client, Server         decode.Addr
	ClientPort, ServerPort uint16 // 0 where the protocol has none
	Proto                  uint8  // IP protocol number
	Tunnel                 decode.Tunnel
	VLAN, InnerVLAN        uint16 // decode.NoVLAN for none
}

// State of a connection. For UDP and others Established means that both ends
// sent.
type State uint8

// States; the names follow those of Zeek's conn log in spirit, in words.
const (
	StateOther       State = iota // mid-stream: no handshake seen
	StateAttempt                  // SYN (or datagram) without any answer
	StateRejected                 // SYN answered by RST
	StateEstablished              // handshake seen, or both ends sent
	StateClosed                   // FIN from both ends
	StateReset                    // RST after being established
	NumStates
)

var stateNames = [NumStates]string{"other", "attempt", "rejected", "established", "closed", "reset"}

// String is the state as listings print it.
func (s State) String() string { return stateNames[s] }

// Connection is the row of one connection: totals since it was opened.
type Connection struct {
	ConnKey
	// ID tells connections with the same First apart; with First it is the
	// connection's key. It derives from the key's bytes, not from the order of workers.
	ID                   uint64
	First, Last          int64 // ns; of the first and last frame
	PacketsOut, BytesOut uint64
	PacketsIn, BytesIn   uint64
	FragmentsOut         uint64 // later fragments, in none of the other counts
	FragmentsIn          uint64
	ClientMAC, ServerMAC decode.MAC // as first seen; 0 for none
	ICMPType, ICMPCode   uint8
	State                State
	Multicast            bool
	// Service is the OT protocol recognised by content (its sheet's name), "" for none.
	Service string
	// Closed says that no more rows of this connection come.
	Closed bool
}

// EdgeKey is what traffic is summed by: who uses which service of whom.
//
// ServerPort is the service. ClientPort is 0, except where the client's port is
// what stays fixed: UDP or mid-stream TCP whose server port is no known service
// and not below the client's. Edges of frames without IP have MACs as ends
// (the sender as Client), Proto 0 and the EtherType as ServerPort.
type EdgeKey struct {
	Client, Server         decode.Addr
	ServerPort, ClientPort uint16
	VLAN                   uint16
	Proto                  uint8
	Tunnel                 decode.Tunnel
}

// Ethernet says whether the edge is below IP: its ends are MACs.
func (k *EdgeKey) Ethernet() bool { return k.Client.IsMAC() }

// Edge is the traffic of one EdgeKey in one minute.
type Edge struct {
	EdgeKey
	PacketsOut, BytesOut uint64 // client to server
	PacketsIn, BytesIn   uint64
	Opened               uint32 // connections opened in this minute
	Failed               uint32 // attempts that were rejected or ended unanswered in this minute
	First, Last          int64
	ClientMAC, ServerMAC decode.MAC // last seen
	Multicast            bool
	// Answered says that the server has sent something on one of the connections, in this minute or before.
	Answered bool
	// Service is the OT protocol recognised, "" for none.
	Service string
	Ref     FrameRef // first frame of this minute
}

// Operation counts the messages of one kind between two ends in one minute.
type Operation struct {
	Src, Dst                     decode.Addr // outermost addresses, or MACs
	Protocol                     string      // the sheet's name
	Code, Function, Status, Unit string      // texts of ot.Protocol
	Direction                    ot.Direction
	Class                        ot.Class
	Tunnel                       decode.Tunnel
	Count                        uint64
	First, Last                  int64
	Ref                          FrameRef // first frame of this minute
}

// Evidence says how an address is known and in which kinds of log it appears, as bits.
type Evidence uint16

// How an address is known (Names lists these). SeenIP: it sent a frame
// (outermost header). SeenARP, SeenNDP: its MAC claimed it. BoundDHCP: a DHCP server leased it
// to the MAC. BoundDNS: its owner answered for its own name (mDNS, LLMNR) from it.
// SeenReceiver: frames went to it. SeenEthernet: frames without IP came from the MAC.
//
// Kinds of log: SeenDHCP, SeenDNS, SeenNetBIOS, SeenHTTP: it exchanged
// packets on these ports. SeenOT: it spoke a control protocol.
const (
	SeenIP Evidence = 1 << iota
	SeenARP
	SeenNDP
	SeenDHCP
	SeenDNS
	SeenReceiver
	SeenEthernet
	SeenNetBIOS
	SeenHTTP
	SeenOT
	BoundDHCP
	BoundDNS
	NumEvidence = 12
)

// evidenceNames are in the order of listings.
var evidenceNames = [...]struct {
	bit  Evidence
	name string
}{
	{SeenIP, "ip"}, {SeenARP, "arp"}, {SeenNDP, "ndp"}, {BoundDHCP, "dhcp"}, {BoundDNS, "dns"}, {SeenReceiver, "receiver"}, {SeenEthernet, "ethernet"},
}

// Names lists how the address is known.
func (e Evidence) Names() []string {
	var names []string
	for _, n := range evidenceNames {
		if e&n.bit != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Address is one (IP, MAC, VLAN) as seen on the wire in one minute. IP is the
// MAC itself (IsMAC) for frames without IP; MAC is 0 where the link has none.
type Address struct {
	IP       decode.Addr
	MAC      decode.MAC
	VLAN     uint16
	Evidence Evidence
	Client   bool // was a client, a server of some connection
	Server   bool
	// Sent counts frames whose source this was (outermost header), Received
	// those to it (by the destination's IP and MAC as in the frame).
	PacketsSent, BytesSent         uint64
	PacketsReceived, BytesReceived uint64
	// TTL is the highest seen in sent frames; 0 for none.
	TTL         uint8
	First, Last int64
	Ref         FrameRef
}

// Fact is one thing that was said of a device.
type Fact struct {
	// IP and MAC of the device; IP IsMAC where only the MAC is known.
	IP   decode.Addr
	MAC  decode.MAC
	Kind string // "vendor", "model", "firmware", "serial", "name", "station", "hostname", …: docs/facts.md
	// Value is printable UTF-8; other bytes are written as \xNN.
	Value string
	// Source names the protocol that told it: "omron-fins", "dhcp", ….
	Source      string
	First, Last int64
	Ref         FrameRef
}

// EventKind names a kind of event.
type EventKind uint8

// The events of this version.
const (
	// EventARP: a MAC claims by ARP or NDP to own an IP: Src the IP, Dst the MAC
	// as Addr, the low 8 bits of Arg the ARP operation or the ICMPv6 type (133 … 136).
	// The other 24 bits of an ARP request are the low 24 of the IP that is asked for.
	EventARP EventKind = iota
	// EventRefused: a TCP connection was refused: Src client, Dst server, Arg the port.
	EventRefused
	// EventHalfOpen: a TCP connection was never answered.
	EventHalfOpen
	// EventControl: an operation of class control; Text is "protocol code".
	EventControl
	// EventFlags: the first segment of a TCP connection has flags that none begins with; Arg the flags.
	EventFlags
	// EventProbe: a SYN of a scanner's form (window 1024, no option but the MSS); Arg the port.
	EventProbe
	// EventRefusedLogin: a log-in of Src was refused by Dst; Text the service.
	EventRefusedLogin
	// EventCleartext: Src sent a password or community that can be read to Dst; Text the service.
	EventCleartext
	// EventDefault: the same, and it is one that makers ship.
	EventDefault
	// EventSMB1: the server Dst agreed with Src to speak SMB version 1.
	EventSMB1
	// EventExploit: an SMB1 message between Src and Dst that only exploits and their scanners send; Text which.
	EventExploit
	// EventShare: Src opened an administrative share, the service control or the task scheduler of Dst; Text which.
	EventShare
	// EventName: Src answered a query of Dst for a name by LLMNR or NetBIOS; Arg the name's hash, Text the name.
	EventName
	// EventTunnel: Src asked Dst by DNS for a name of a tunnel's form; Arg the name's hash, Text the domain.
	EventTunnel
	// EventNoName: Dst told Src by DNS that a random-looking domain does not exist; Arg its hash, Text the domain.
	EventNoName
	// EventDHCPAsk: a DHCP client looks for a server: Src its MAC, Dst the sender's MAC.
	EventDHCPAsk
	// EventDHCPServer: Src offers or confirms addresses by DHCP or DHCPv6; Text which.
	EventDHCPServer
	// EventRouter: Src advertises itself as an IPv6 router.
	EventRouter
	// EventIdentity: Src (Dst its MAC) told its vendor, model, firmware or serial: Text "protocol kind=value", Arg its hash.
	EventIdentity
	// EventOrder: Src sent Dst one request of a control protocol behind another, on one connection: Text
	// "protocol code code", Arg their hash; one event a minute. Only where Tables.Order says so.
	EventOrder
	// EventEcho: Src answered an echo of Dst (ICMP, ICMPv6) with data that were not the request's.
	EventEcho
	// EventAborted: the server Src accepted a TCP connection, and its client reset it instead of completing the handshake.
	EventAborted
	// EventPublisher: the MAC Src publishes to the MAC Dst what Text names (GOOSE: gocbRef), Arg its hash; one event a minute.
	EventPublisher
	// EventCrossed: what Src publishes to Dst is numbered by two senders by turns; Text and Arg as of EventPublisher.
	EventCrossed
	// EventMalformed: on a connection of a control protocol (Text) that was seen from its SYN, Src sent Dst what does not begin
	// with one of its messages, no bytes being lost before.
	EventMalformed
	// EventOpen: Src holds Count connections to Dst open on which nothing but few and small packets came back; Text "tcp port". At most
	// one a minute, from openLeast on.
	EventOpen
	NumEvents
)

var eventNames = [NumEvents]string{"arp", "refused", "half-open", "control", "flags", "probe", "refused-login", "cleartext", "default-credentials",
	"smb1", "exploit", "share", "name", "dns-tunnel", "no-name", "dhcp-ask", "dhcp-server", "router", "identity", "order", "echo", "aborted", "publisher", "crossed", "malformed", "open"}

// String is the event's name.
func (k EventKind) String() string { return eventNames[k] }

// Event is something that happened which no sum of traffic shows. Events of one
// (Kind, Src, Dst, Arg) within 10 s are one with a Count.
type Event struct {
	Kind        EventKind
	Src, Dst    decode.Addr
	Arg         uint32
	Text        string
	First, Last int64
	Count       uint32
	Ref         FrameRef
}

// Counters of one minute. Packets = Decoded + the sum of Skipped.
type Counters struct {
	Packets, Bytes, Decoded uint64
	Skipped                 [decode.NumReasons]uint64
	Fragments, Truncated    uint64
	Late                    uint64 // frames that came after their minute was closed
	// Dropped counts what was not kept, by cause: of what was decoded, and, live,
	// the frames that never came to be read (in none of the counts above).
	Dropped [NumDrops]uint64
}

// Drop names a cause for state or results being let go.
type Drop uint8

// The causes; each is a cap that keeps memory bounded. The last two are frames,
// live only: those that found no room in the kernel's ring, and those of
// minutes that found none while the store was not to be had.
const (
	DropConnections Drop = iota // connections closed early because a shard's table was full
	DropFragments               // fragments given up
	DropSegments                // bytes of TCP streams given up (holes, full buffers)
	DropEvents
	DropFacts
	DropOperations
	DropAddresses
	DropKernel
	DropQueue
	NumDrops
)

var dropNames = [NumDrops]string{"connections", "fragments", "segments", "events", "facts", "operations", "addresses", "kernel", "queue"}

// String is the cause's name.
func (d Drop) String() string { return dropNames[d] }
