// Package pipeline turns the crank: frames from a source go to shards, shards
// close minutes, minutes are learned from or inspected, and each is committed
// with its alerts in one transaction. It is the same for files and for live
// capture, and knows no file formats and no screens.
package pipeline

import "osect/store"

// Mode says what the detectors do in a run.
type Mode string

// The modes. Auto leaves it to each detector's own mode in the store.
const (
	Auto   Mode = ""
	Learn  Mode = "learn"
	Detect Mode = "detect"
)

// Options of a replay. The zero value is usable but for Paths.
type Options struct {
	// Paths are captures, directories or "-".
	Paths []string
	// Filter is a pcap-filter expression, "" for all frames.
	Filter string
	// Site and Sensor names; "" means "default" and "replay".
	Site, Sensor string
	Mode         Mode
	// Workers run the shards; 0 for as many as there are CPUs. The result does not depend on it.
	Workers int
	// Again reads captures that are known already.
	Again bool
	// AsOf is the time (ns) that support of operating systems is judged at; 0 for the packets'.
	AsOf int64
	// Progress is called now and then with bytes done and to do; nil for none.
	Progress func(done, total int64)

	order bool // the store's setting ot-order
}

// Capture is what became of one file.
type Capture struct {
	Path    string `json:"path"`
	Packets int64  `json:"packets"`
	Status  string `json:"status"` // ok, cut, refused, known, not-a-capture
	Reason  string `json:"reason"`
}

// Summary is the result of a replay: the object that `osect replay --format json` prints.
type Summary struct {
	Captures         []Capture         `json:"captures"`
	Packets          uint64            `json:"packets"`
	Decoded          uint64            `json:"decoded"`
	Skipped          map[string]uint64 `json:"skipped"`
	Dropped          map[string]uint64 `json:"dropped"`
	Bytes            uint64            `json:"bytes"`
	LinkTypes        map[string]uint64 `json:"link_types"`
	EtherTypes       map[string]uint64 `json:"ethertypes"`
	VLANs            map[string]uint64 `json:"vlans"`
	IPProtocols      map[string]uint64 `json:"ip_protocols"`
	Fragments        uint64            `json:"fragments"`
	Truncated        uint64            `json:"truncated"`
	OutOfOrder       uint64            `json:"out_of_order"`
	FirstPacket      *store.Time       `json:"first_packet"` // null without packets
	LastPacket       *store.Time       `json:"last_packet"`
	Seconds          float64           `json:"seconds"`
	PacketsPerSecond float64           `json:"packets_per_second"`
	Minutes          uint64            `json:"minutes"`
	Devices          int               `json:"devices"`
	Flows            int64             `json:"flows"`
	Operations       uint64            `json:"operations"`
	Alerts           int               `json:"alerts"` // raised or grown in this run
	AlertsBySeverity map[string]int    `json:"alerts_by_severity"`
	Resumed          bool              `json:"resumed"` // went on with a run that was cut off
}

// StoredOptions of learning or detecting over what the store holds.
type StoredOptions struct {
	Mode         Mode  // Learn or Detect
	From, To     int64 // packet times, ns; 0 for no bound
	Site, Sensor string
	AsOf         int64 // as in Options
}

// StoredSummary is its result.
type StoredSummary struct {
	Minutes          int            `json:"minutes"`
	From             store.Time     `json:"from"` // of the first and behind the last minute that was used
	To               store.Time     `json:"to"`
	Learned          int            `json:"learned"` // rows added or extended
	Alerts           int            `json:"alerts"`
	AlertsBySeverity map[string]int `json:"alerts_by_severity"`
}
