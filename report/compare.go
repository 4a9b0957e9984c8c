package report

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Comparison is the period before beside this one.
type Comparison struct {
	From, To         time.Time // asked for
	DataFrom, DataTo time.Time // of its data; zero without any
	Overall          Grade
	Changes          []Change // grades, figures, findings and alerts also where nothing changed; devices only where something did
}

// Change is one thing in both periods.
type Change struct {
	Kind          string // grade, figure, finding, alerts or device
	Key           string // an area, a figure of the summary, a finding, a kind of alert; the address of a device
	Name          string // the name of a device
	How           string // same, more, fewer; better, worse; new, gone, changed
	Before, After string // digits, letters of grades, or of a device what changed; "" for none
}

// compare makes the comparison with the assessment of the period before.
func (a *Assessment) compare(old *Assessment) {
	c := &Comparison{From: old.From, To: old.To, DataFrom: old.DataFrom, DataTo: old.DataTo, Overall: old.Overall}
	a.Comparison = c
	add := func(kind, key, name, how, before, after string) {
		c.Changes = append(c.Changes, Change{kind, key, name, how, before, after})
	}
	grade := func(x, y Grade) {
		how := "same"
		switch {
		case x.Letter == y.Letter:
		case x.Letter == "":
			how = "new"
		case y.Letter == "":
			how = "gone"
		case y.Letter < x.Letter: // A is best
			how = "better"
		default:
			how = "worse"
		}
		add("grade", y.Area, "", how, x.Letter, y.Letter)
	}
	grade(old.Overall, a.Overall)
	for i := range Areas {
		grade(old.Grades[i], a.Grades[i])
	}
	number := func(kind, key string, x, y int64) {
		how := "same"
		switch {
		case y > x:
			how = "more"
		case y < x:
			how = "fewer"
		}
		add(kind, key, "", how, strconv.FormatInt(x, 10), strconv.FormatInt(y, 10))
	}
	x, y := &old.Counts, &a.Counts
	number("figure", "devices", x.Devices, y.Devices)
	number("figure", "connections", x.Connections, y.Connections)
	number("figure", "bytes", x.Bytes, y.Bytes)
	number("figure", "ot_messages", x.Messages, y.Messages)
	number("figure", "ot_writes_and_controls", x.Writes+x.Controls, y.Writes+y.Controls)
	number("figure", "control_relations", x.ControlRelations, y.ControlRelations)
	number("figure", "alerts", x.Alerts, y.Alerts)
	number("figure", "alerts_high_or_critical", x.AlertsSevere, y.AlertsSevere)

	count := func(fs []Finding, key string) int64 {
		for i := range fs {
			if fs[i].Key == key {
				return fs[i].Count
			}
		}
		return 0
	}
	for _, f := range a.Findings {
		number("finding", f.Key, count(old.Findings, f.Key), f.Count)
	}
	for _, f := range old.Findings {
		if count(a.Findings, f.Key) == 0 {
			number("finding", f.Key, f.Count, 0)
		}
	}
	kinds := map[string]int64{}
	for _, k := range old.Kinds {
		kinds[k.Kind] = k.Total
	}
	for _, k := range a.Kinds {
		if kinds[k.Kind] > 0 || k.Total > 0 {
			number("alerts", k.Kind, kinds[k.Kind], k.Total)
		}
	}
	a.compareDevices(old, add)
}

// compareDevices lists the devices that came, went or changed. A device is its MAC at its site, or its first address where
// it has none; internet addresses are no devices.
func (a *Assessment) compareDevices(old *Assessment, add func(kind, key, name, how, before, after string)) {
	type id struct{ site, address string }
	of := func(d *Device) id { return id{d.Site, cmp.Or(d.MAC, d.Address())} }
	was := map[id]*Device{}
	for i := range old.Devices {
		if d := &old.Devices[i]; !d.Internet() {
			was[of(d)] = d
		}
	}
	var list []Change
	device := func(d *Device, how, before, after string) {
		list = append(list, Change{"device", d.Address(), d.Hostname, how, before, after})
	}
	for i := range a.Devices {
		d := &a.Devices[i]
		if d.Internet() {
			continue
		}
		o := was[of(d)]
		if delete(was, of(d)); o == nil {
			device(d, "new", "", "")
			continue
		}
		for _, f := range [][2]string{{strings.Join(o.IPs, " "), strings.Join(d.IPs, " ")}, {o.Hostname, d.Hostname}, {o.OS, d.OS}} {
			// What was not seen in one of the periods is no change.
			if f[0] != "" && f[1] != "" && f[0] != f[1] {
				device(d, "changed", f[0], f[1])
			}
		}
	}
	for _, d := range was {
		device(d, "gone", "", "")
	}
	slices.SortFunc(list, func(x, y Change) int {
		return cmp.Or(strings.Compare(y.How, x.How), strings.Compare(x.Key, y.Key), strings.Compare(x.Name, y.Name), strings.Compare(x.Before, y.Before), strings.Compare(x.After, y.After))
	})
	for _, x := range list {
		add(x.Kind, x.Key, x.Name, x.How, x.Before, x.After)
	}
}

// Internet says whether the device stands for internet addresses.
func (d *Device) Internet() bool { return d.Role == "external" || internet(d.Address()) }
