package store

import (
	"time"

	"osect/decode"
	"osect/detect"
	"osect/observe"
)

// Time is a packet time, ns since 1970 UTC; it is written as RFC 3339 in UTC with
// as many digits as it has, up to ns.
type Time int64

// String is the time as JSON and CSV have it.
func (t Time) String() string { return time.Unix(0, int64(t)).UTC().Format(time.RFC3339Nano) }

// MarshalJSON writes String as a JSON text.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// Filter narrows a query. The zero value asks for everything. A query says which
// fields it heeds; the others it ignores.
type Filter struct {
	// From, To: packet times in ns, From included, To not; 0 for no bound.
	// Sums over a window are exact to the minute as long as minute grain is
	// kept, to the hour before.
	From, To int64
	// Site and Sensor by name; "" for all.
	Site, Sensor string
	// Address is an IP address, a prefix (192.0.2.0/24) or a MAC: of either end.
	Address string
	// Ends: of flows, one of these at either end; nil for all.
	Ends []End
	// VLAN of flows, outer or inner; decode.NoVLAN for untagged; nil for all.
	VLAN *uint16
	// Protocol: flows and edges: tcp, udp, icmp, icmp6, a number, or a service; operations: the sheet's name.
	Protocol string
	// Class of operations; Layer "ip" or "ethernet" of operations.
	Class, Layer string
	// Kind, State and Severity of alerts.
	Kind, State, Severity string
	// Order of flows, one of FlowOrders; "" for the time of their first frame. Descending: the
	// highest first.
	Order      string
	Descending bool
	// Limit is the most rows that are given; 0 for all. Which rows those are,
	// each query says.
	Limit int
}

// End is an address at a site.
type End struct {
	Site string
	Addr decode.Addr
}

// Flow is a row of flows list: one connection.
type Flow struct {
	Proto        string   `json:"proto"`
	ClientIP     string   `json:"client_ip"`
	ClientPort   uint16   `json:"client_port"`
	ServerIP     string   `json:"server_ip"`
	ServerPort   uint16   `json:"server_port"`
	ICMPType     uint8    `json:"icmp_type"`
	ICMPCode     uint8    `json:"icmp_code"`
	ClientMAC    string   `json:"client_mac"`
	ServerMAC    string   `json:"server_mac"`
	VLAN         *uint16  `json:"vlan"`
	InnerVLAN    *uint16  `json:"inner_vlan"`
	Tunnel       string   `json:"tunnel"`
	Service      string   `json:"service"`
	PacketsOut   uint64   `json:"packets_out"`
	BytesOut     uint64   `json:"bytes_out"`
	PacketsIn    uint64   `json:"packets_in"`
	BytesIn      uint64   `json:"bytes_in"`
	FragmentsOut uint64   `json:"fragments_out"`
	FragmentsIn  uint64   `json:"fragments_in"`
	State        string   `json:"state"`
	Multicast    bool     `json:"multicast"`
	Site         string   `json:"site"`
	Sensors      []string `json:"sensors"`
	FirstSeen    Time     `json:"first_seen"`
	LastSeen     Time     `json:"last_seen"`
}

// AddressRow is a row of addresses list: one (IP, MAC, VLAN) of a sensor.
type AddressRow struct {
	IP              string   `json:"ip"` // "" for frames without IP
	MAC             string   `json:"mac"`
	VLAN            *uint16  `json:"vlan"`
	Site            string   `json:"site"`
	Sensors         []string `json:"sensors"`
	Evidence        []string `json:"evidence"`
	Logs            []string `json:"logs"`
	Ends            []string `json:"ends"`
	PacketsSent     uint64   `json:"packets_sent"`
	BytesSent       uint64   `json:"bytes_sent"`
	PacketsReceived uint64   `json:"packets_received"`
	BytesReceived   uint64   `json:"bytes_received"`
	FirstSeen       Time     `json:"first_seen"`
	LastSeen        Time     `json:"last_seen"`
}

// OperationRow is a row of ot list: the messages of one kind between two ends.
type OperationRow struct {
	Layer        string   `json:"layer"` // ip or ethernet
	Src          string   `json:"src"`
	Dst          string   `json:"dst"`
	Protocol     string   `json:"protocol"`
	Function     string   `json:"function"`
	FunctionCode string   `json:"function_code"`
	Direction    string   `json:"direction"`
	Status       string   `json:"status"`
	Class        string   `json:"class"`
	Unit         string   `json:"unit"`
	Tunnel       string   `json:"tunnel"`
	Count        uint64   `json:"count"`
	Site         string   `json:"site"`
	Sensors      []string `json:"sensors"`
	FirstSeen    Time     `json:"first_seen"`
	LastSeen     Time     `json:"last_seen"`
}

// EdgeTotal is what one sensor saw of one edge in a window: who uses which
// service of whom. Its Ref is not set, its Opened and Failed are 64 bits wide beside.
type EdgeTotal struct {
	Site, Sensor string
	observe.EdgeKey
	ClientMAC, ServerMAC decode.MAC
	Multicast, Answered  bool
	Service              string
	PacketsOut, BytesOut uint64
	PacketsIn, BytesIn   uint64
	Opened, Failed       uint64
	First, Last          int64
}

// Alert is a detect.Alert with what people did with it.
type Alert struct {
	detect.Alert
	State string // new, acknowledged, accepted, excluded
	Notes []Note
}

// The states of an alert.
const (
	AlertNew          = "new"
	AlertAcknowledged = "acknowledged"
	AlertAccepted     = "accepted"
	AlertExcluded     = "excluded"
)

// Note is what somebody wrote at an alert. At is wall-clock time.
type Note struct {
	At     Time   `json:"at"`
	Author string `json:"author"`
	Text   string `json:"text"`
}

// Talker is an address with its traffic in a window.
type Talker struct {
	Address         string `json:"address"`
	Site            string `json:"site"`
	PacketsSent     uint64 `json:"packets_sent"`
	BytesSent       uint64 `json:"bytes_sent"`
	PacketsReceived uint64 `json:"packets_received"`
	BytesReceived   uint64 `json:"bytes_received"`
}

// Point is one bucket of a traffic series.
type Point struct {
	Time    Time   `json:"time"` // start of the bucket
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// CaptureRow is one capture that was read.
type CaptureRow struct {
	ID      int64  `json:"id"`
	Path    string `json:"path"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"` // "" while it is being read
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Packets uint64 `json:"packets"`
	// First and Last are the smallest and largest packet time; 0 without packets.
	First Time `json:"first_packet"`
	Last  Time `json:"last_packet"`
}

// Counters are the sums of observe.Counters over a window, by name.
type Counters struct {
	Minutes   int64             `json:"minutes"`
	Packets   uint64            `json:"packets"`
	Bytes     uint64            `json:"bytes"`
	Decoded   uint64            `json:"decoded"`
	Skipped   map[string]uint64 `json:"skipped"`
	Fragments uint64            `json:"fragments"`
	Truncated uint64            `json:"truncated"`
	Late      uint64            `json:"late"`
	Dropped   map[string]uint64 `json:"dropped"`
}

// Totals are how much the store holds.
type Totals struct {
	Minutes     int64 `json:"minutes"`
	Edges       int64 `json:"edges"` // distinct
	Operations  int64 `json:"operations"`
	Addresses   int64 `json:"addresses"`
	Alerts      int64 `json:"alerts"`
	LearnedRows int64 `json:"learned_rows"`
	Captures    int64 `json:"captures"`
	// First and Last: starts of the oldest and newest minute, valid iff Minutes is not 0.
	First Time `json:"first"`
	Last  Time `json:"last"`
}

// Sensor is one sensor with its newest data.
type Sensor struct {
	ID   int64  `json:"-"`
	Site string `json:"site"`
	Name string `json:"name"`
	// First and Last: starts of its oldest and newest minute, valid iff Minutes is not 0.
	Minutes int64 `json:"minutes"`
	First   Time  `json:"first"`
	Last    Time  `json:"last"`
}

// LogEntry is one line of the system log: what arrived, what was done, what failed.
type LogEntry struct {
	At     Time   `json:"at"`   // wall-clock time; Log sets it where it is 0
	Time   Time   `json:"time"` // packet time it is about; 0 for none
	Level  string `json:"level"`
	Site   string `json:"site"`
	Sensor string `json:"sensor"`
	// Key is the message's key in the catalogue; Args fill it.
	Key  string       `json:"key"`
	Args []detect.Arg `json:"args"`
}

// Exclusion silences alerts of a detector: L2-2 (a device), L2-8 (source,
// signature), L2-9 (source, kind). "" stands for any.
type Exclusion struct {
	Kind detect.Kind `json:"kind"`
	Site string      `json:"site"`
	Src  string      `json:"src"`  // an address or a MAC
	Item string      `json:"item"` // the signature's id or the built-in's kind
	Note string      `json:"note"`
}

// Service is a user's own name for a service.
type Service struct {
	Proto string `json:"proto"` // tcp or udp
	Port  uint16 `json:"port"`
	Name  string `json:"name"`
}
