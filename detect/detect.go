// Package detect learns from minutes what is normal and raises alerts on the
// rest. Each detector is a file with a learn and an inspect part; what they
// learned is a Baseline, a value with a list of changes that the pipeline saves
// in the same transaction as the minute. The package knows no SQL and no files,
// and makes no sentences: an alert carries a message key and arguments, text/ makes words of them.
package detect

// Kind names a detector; the text is what alerts and settings use.
type Kind string

// The nine kinds.
const (
	ConnectedDevice  Kind = "connected-device"
	VulnerableDevice Kind = "vulnerable-device"
	IPCommunication  Kind = "ip-communication"
	IPVolume         Kind = "ip-volume"
	IPStatistics     Kind = "ip-statistics"
	OTIP             Kind = "ot-ip"
	OTEthernet       Kind = "ot-ethernet"
	Signature        Kind = "signature"
	BuiltIn          Kind = "built-in"
)

// Kinds in the order of FEATURES.md, D1-1 to D1-9.
var Kinds = []Kind{ConnectedDevice, VulnerableDevice, IPCommunication, IPVolume, IPStatistics, OTIP, OTEthernet, Signature, BuiltIn}

// Mode is what a detector does.
type Mode string

// The modes. A learning detector whose Until (packet time) has passed detects.
const (
	Off       Mode = "off"
	Learning  Mode = "learning"
	Detecting Mode = "detecting"
)

// Status of one detector: L2-10.
type Status struct {
	Kind  Kind
	Mode  Mode
	Since int64 // packet time of the first minute in this mode, ns; 0 before any
	Until int64 // learning ends here, ns; 0 for no end; below 0: so long after the first minute that is learned
	Rows  int   // learned rows
}

// Row is one learned row of one list (the Kind). Which fields are used depends
// on the list; all together but Origin, First, Last, Count, Hi and Value are its key.
type Row struct {
	List Kind
	Site string
	// Src, Dst are addresses or MACs as text, "internet" for all public
	// addresses as one, "*" for any, "" where unused.
	Src, Dst string
	// Proto is "tcp", "udp", "icmp", a protocol number, or an OT protocol's name.
	Proto string
	// Item is what was learned of the pair: "dport" or "sport:N" (N the fixed source
	// port) or "any" (no ports) for communications, the function code for OT ("resp:" before it for
	// answers that nobody asks for), "mac", "ip", "binding", "router", "dhcp" for devices.
	Item string
	// Lo, Hi are the first and last port of the interval, both included; 0 where unused.
	Lo, Hi uint16
	// Origin is "learned" or "hand"; learning never changes rows of hand.
	Origin string
	// First, Last: packet times of the first and last minute that taught it; Count: minutes that did.
	First, Last int64
	Count       uint64
	// Value is what the lists of ip-volume and ip-statistics hold beside the key (docs/detection); "" in the others.
	Value string
}

// Change is one difference to a list, for the store.
type Change struct {
	Row    Row
	Remove bool
	// of is the engine's own row, which tells rows apart; nil for a removal.
	of *Row
	// value is what Row.Value is made of; nil where that is set.
	value interface{ text() string }
}

// Severity of an alert.
type Severity string

// The severities.
const (
	Low      Severity = "low"
	Medium   Severity = "medium"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Severities from the least to the worst.
var Severities = []Severity{Low, Medium, High, Critical}

// Arg is one named argument of an alert's message.
type Arg struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Alert is what a detector raised. The same thing repeating is one alert whose
// Count and Last grow.
type Alert struct {
	// ID derives from Kind, Key and First: the same captures give the same ids.
	ID      string
	Kind    Kind
	Subkind string // the message: text/ has alert.KIND.SUBKIND.summary, .reason, .action
	// Key is what makes two findings the same alert.
	Key                          string
	Severity                     Severity
	First, Last                  int64 // packet times, ns
	Count                        uint64
	SrcIP, SrcMAC, DstIP, DstMAC string // "" where unused
	Technique                    string // ATT&CK for ICS id or ""
	Site                         string
	Sensor                       string
	// Args fill the message: what was learned against what was seen.
	Args []Arg
	// Refs are frames that show it: the first 8 and the last 2.
	Refs []Ref
}

// MessageKey is the key in text/ of a part of the alert's message: "summary",
// "reason" or "action". Args fill it.
func (a *Alert) MessageKey(part string) string {
	return "alert." + string(a.Kind) + "." + a.Subkind + "." + part
}

// Ref names a frame of a capture in the store's own numbering.
type Ref struct {
	Capture int64 `json:"capture"` // id of the capture in the store
	Number  int64 `json:"number"`  // frame number in it, from 1
	Time    int64 `json:"time"`    // ns
}
