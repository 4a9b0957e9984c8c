package bacnet

import (
	"fmt"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// bvlc are the functions of the virtual link layer.
var bvlc = [...]entry{
	bvlcResult:    {"BVLC-Result", ot.Connect},
	bvlcWriteBDT:  {"Write-Broadcast-Distribution-Table", ot.Control},
	0x02:          {"Read-Broadcast-Distribution-Table", ot.Read},
	0x03:          {"Read-Broadcast-Distribution-Table-Ack", ot.Read},
	bvlcForwarded: {"Forwarded-NPDU", ot.Other},
	bvlcRegister:  {"Register-Foreign-Device", ot.Connect},
	0x06:          {"Read-Foreign-Device-Table", ot.Read},
	0x07:          {"Read-Foreign-Device-Table-Ack", ot.Read},
	bvlcDelete:    {"Delete-Foreign-Device-Table-Entry", ot.Control},
	bvlcDistrib:   {"Distribute-Broadcast-To-Network", ot.Other},
	bvlcUnicast:   {"Original-Unicast-NPDU", ot.Other},
	bvlcBroadcast: {"Original-Broadcast-NPDU", ot.Other},
	bvlcSecure:    {"Secure-BVLL", ot.Other},
}

// Services that are used by number.
const (
	serviceIAm   = 0 // unconfirmed
	readProperty = 12
	readMultiple = 14
)

// confirmed services by number: clause 21.
var confirmed = [...]entry{
	{"acknowledgeAlarm", ot.Write},
	{"confirmedCOVNotification", ot.Read},
	{"confirmedEventNotification", ot.Read},
	{"getAlarmSummary", ot.Read},
	{"getEnrollmentSummary", ot.Read},
	{"subscribeCOV", ot.Read},
	{"atomicReadFile", ot.Read},
	{"atomicWriteFile", ot.Control},
	{"addListElement", ot.Write},
	{"removeListElement", ot.Write},
	{"createObject", ot.Write},
	{"deleteObject", ot.Control},
	{"readProperty", ot.Read},
	{"readPropertyConditional", ot.Read},
	{"readPropertyMultiple", ot.Read},
	{"writeProperty", ot.Write},
	{"writePropertyMultiple", ot.Write},
	{"deviceCommunicationControl", ot.Control},
	{"confirmedPrivateTransfer", ot.Other},
	{"confirmedTextMessage", ot.Other},
	{"reinitializeDevice", ot.Control},
	{"vtOpen", ot.Connect},
	{"vtClose", ot.Connect},
	{"vtData", ot.Other},
	{"authenticate", ot.Connect},
	{"requestKey", ot.Connect},
	{"readRange", ot.Read},
	{"lifeSafetyOperation", ot.Write},
	{"subscribeCOVProperty", ot.Read},
	{"getEventInformation", ot.Read},
	{"subscribeCOVPropertyMultiple", ot.Read},
	{"confirmedCOVNotificationMultiple", ot.Read},
	{"confirmedAuditNotification", ot.Read},
	{"auditLogQuery", ot.Read},
}

// unconfirmed services by number.
var unconfirmed = [...]entry{
	{"i-Am", ot.Identity},
	{"i-Have", ot.Identity},
	{"unconfirmedCOVNotification", ot.Cyclic},
	{"unconfirmedEventNotification", ot.Cyclic},
	{"unconfirmedPrivateTransfer", ot.Other},
	{"unconfirmedTextMessage", ot.Other},
	{"timeSynchronization", ot.Control},
	{"who-Has", ot.Identity},
	{"who-Is", ot.Identity},
	{"utcTimeSynchronization", ot.Control},
	{"writeGroup", ot.Write},
	{"unconfirmedCOVNotificationMultiple", ot.Cyclic},
	{"unconfirmedAuditNotification", ot.Cyclic},
	{"who-Am-I", ot.Identity},
	{"you-Are", ot.Control},
}

// networkMessages by type: clause 6.4.
var networkMessages = map[byte]entry{
	0x00: {"Who-Is-Router-To-Network", ot.Identity},
	0x01: {"I-Am-Router-To-Network", ot.Identity},
	0x02: {"I-Could-Be-Router-To-Network", ot.Identity},
	0x03: {"Reject-Message-To-Network", ot.Other},
	0x04: {"Router-Busy-To-Network", ot.Other},
	0x05: {"Router-Available-To-Network", ot.Other},
	0x06: {"Initialize-Routing-Table", ot.Control},
	0x07: {"Initialize-Routing-Table-Ack", ot.Control},
	0x08: {"Establish-Connection-To-Network", ot.Connect},
	0x09: {"Disconnect-Connection-To-Network", ot.Connect},
	0x12: {"What-Is-Network-Number", ot.Identity},
	0x13: {"Network-Number-Is", ot.Identity},
}

func service(n byte) entry {
	if int(n) < len(confirmed) {
		return confirmed[n]
	}
	return entry{}
}

func unconfirmedService(n byte) entry {
	if int(n) < len(unconfirmed) {
		return unconfirmed[n]
	}
	return entry{}
}

// named is the name in a table, or says that there is none.
func named(e entry, n byte) string {
	if e.name == "" {
		return fmt.Sprintf("unknown %d", n)
	}
	return e.name
}

func function(code uint64) ot.Function {
	n := byte(code)
	switch code &^ 0xff {
	case kindUnconfirmed:
		return ot.Function{Code: fmt.Sprintf("u%d", n), Name: named(unconfirmedService(n), n)}
	case kindBVLC:
		f := ot.Function{Code: fmt.Sprintf("bvlc:%02x", n), Name: fmt.Sprintf("unknown BVLC 0x%02x", n)}
		if int(n) < len(bvlc) {
			f.Name = bvlc[n].name
		}
		return f
	case kindNetwork:
		return ot.Function{Code: fmt.Sprintf("net:%02x", n), Name: named(networkMessages[n], n)}
	case kindSegmentAck:
		return ot.Function{Code: "segment-ack", Name: "segment ack"}
	case kindReject:
		return ot.Function{Name: "reject"}
	case kindAbort:
		return ot.Function{Name: "abort"}
	}
	return ot.Function{Code: fmt.Sprint(n), Name: named(service(n), n)}
}

// status is error class and code in decimal, as the standard numbers them; a
// BVLC result in hexadecimal; a reject or abort reason in decimal.
func status(v uint32) string {
	switch v & statusMask {
	case statusBVLC:
		return fmt.Sprintf("%04x", uint16(v))
	case statusReason:
		return fmt.Sprint(byte(v))
	}
	return fmt.Sprintf("%d:%d", v>>16&0xff, v&0xffff)
}

var errorClasses = [...]string{"device", "object", "property", "resources", "security", "services", "VT", "communication"}

func statusName(v uint32) string {
	switch v & statusMask {
	case statusError:
		if class := int(v >> 16 & 0xff); class < len(errorClasses) {
			return errorClasses[class] + " error"
		}
	case statusBVLC:
		if uint16(v) == 0 {
			return "successful completion"
		}
	}
	return ""
}

// identity are the properties of the device object that say what it is.
var identity = map[uint32]ot.FactKind{
	44:  ot.FactFirmware,
	70:  ot.FactModel,
	77:  ot.FactName,
	121: ot.FactVendor,
	372: ot.FactSerial,
}

// vendors by the number that ASHRAE gives them; fact sheet bacnet-ip.
var vendors = map[uint32]string{
	0: "ASHRAE", 5: "Johnson Controls", 7: "Siemens", 8: "Delta Controls", 10: "Schneider Electric", 16: "Carrier",
	17: "Honeywell", 24: "Automated Logic", 35: "Reliable Controls", 36: "Tridium", 85: "azbil (Yamatake)",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for n, e := range confirmed {
		rows = append(rows, ot.TableRow{Code: fmt.Sprint(n), Name: e.name, Class: e.class})
	}
	for n, e := range unconfirmed {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("u%d", n), Name: e.name, Class: e.class})
	}
	for n, e := range bvlc {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("bvlc:%02x", n), Name: e.name, Class: e.class})
	}
	for n := range 0x14 {
		if e, ok := networkMessages[byte(n)]; ok {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("net:%02x", n), Name: e.name, Class: e.class})
		}
	}
	return rows
}
