// Package report turns what was observed and detected into an assessment (R1-1): first as data (Build makes an Assessment of
// an Input), then in renderings: WriteDeck a PowerPoint file, WriteCSVZip all its tables as CSV in a ZIP.
//
// The assessment is the only source of the renderings, and a number is computed once, in Build: what a slide says is
// what the CSV says. Nothing here reads a clock or a store; the same input gives the same bytes.
package report

import "time"

// Input is what Build needs to know. Rows may come in any order. Strings may hold any bytes: they are made printable.
type Input struct {
	Customer string         // whose network; "" leaves it out
	Program  string         // name and version of the program
	From, To time.Time      // period asked for; when zero, that of the data
	Zone     *time.Location // for the times in the deck; UTC when nil. CSV has UTC always

	Sensors     []Sensor
	Captures    []Capture
	Packets     int64            // frames read
	Decoded     int64            // frames decoded; Packets = Decoded + the sum of Skipped
	Bytes       int64            // length on the wire of frames read
	Skipped     map[string]int64 // frames not decoded, by reason
	Connections int64

	Devices            []Device
	Operations         []Operation
	Alerts             []Alert
	Pairs              []Pair
	Traffic            []Traffic
	Detectors          []Detector
	HasLedger          bool       // a ledger was imported; else Device.InLedger means nothing
	Truncated, Dropped int64      // frames cut short by the capture; records dropped at a bound of this program
	Coverage           []Coverage // of each sensor, in the period
	Pictures           []Picture
	News               string // a text on the month's news: paragraphs, with empty lines between; "" for none
	Previous           *Input // of the period before, to compare with; its Previous is not looked at

	// Differences of the ledger from what was observed, and what passed between its zones.
	Differences []Difference
	Crossings   []Crossing
}

// Sensor is a point of observation.
type Sensor struct {
	Name, Site  string
	First, Last time.Time // packet times of its first and last data
}

// Coverage is of which time in the period a sensor has data.
type Coverage struct {
	Site, Sensor string
	First, Last  time.Time // start of the first and end of the last minute with data
	Minutes      int64     // with data
	Gaps         int64     // an hour or longer without data between First and Last
	GapMinutes   int64     // minutes of all those gaps
	LongestStart time.Time // of the longest gap; zero without gaps
	LongestEnd   time.Time
}

// Capture is a file that was read.
type Capture struct {
	Path        string
	Packets     int64
	Status      string // ok, cut, refused, known, not-a-capture
	Reason      string
	First, Last time.Time
}

// Device is a row of the list of devices.
type Device struct {
	Site, MAC, Vendor, Hostname, OS, Role string
	IPs                                   []string
	VLANs                                 []int
	Sensors                               []string
	OSAccuracy, Importance                int // 0–100
	First, Last                           time.Time
	PacketsSent, BytesSent                int64
	PacketsReceived, BytesReceived        int64
	InLedger                              bool
	Zone                                  string // in the ledger; "" where it says none
}

// Operation is a row of the list of OT operations, one a (source, destination, protocol, function, direction, …).
type Operation struct {
	Site, Layer, Src, Dst, Protocol, Function, FunctionCode string
	Direction                                               string // request, response, error, none
	Class                                                   string // read, write, control, identity, session, cyclic, other
	Count                                                   int64
	First, Last                                             time.Time
}

// Alert is one alert, its texts in the language of the report.
type Alert struct {
	ID, Site, Kind, Subkind, Severity, State string
	SrcIP, SrcMAC, DstIP, DstMAC             string
	Summary, Reason, Action, Technique       string
	Count                                    int64
	First, Last                              time.Time
	InLedger                                 bool
}

// Pair is the traffic of one client with one service of one server.
type Pair struct {
	Site, Client, Server, Service string // addresses: IP, or MAC where there is none
	Connections, Packets, Bytes   int64  // both directions
}

// Traffic is what passed in the time from Start to the next row.
type Traffic struct {
	Start          time.Time
	Packets, Bytes int64
}

// Detector is the state of one kind of detection.
type Detector struct {
	Kind    string
	Mode    string    // learning, detecting, off
	Since   time.Time // packet time; zero when never
	Learned int64     // entries of the baseline
}
