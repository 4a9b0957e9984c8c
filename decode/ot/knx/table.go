package knx

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type service struct {
	name      string
	direction ot.Direction
	class     ot.Class
}

// services by number: fact sheet knxnet-ip.
var services = map[uint16]service{
	0x0201: {"search request", ot.Request, ot.Identity},
	0x0202: {"search response", ot.Response, ot.Identity},
	0x0203: {"description request", ot.Request, ot.Identity},
	0x0204: {"description response", ot.Response, ot.Identity},
	0x0205: {"connect request", ot.Request, ot.Connect},
	0x0206: {"connect response", ot.Response, ot.Connect},
	0x0207: {"connection-state request", ot.Request, ot.Connect},
	0x0208: {"connection-state response", ot.Response, ot.Connect},
	0x0209: {"disconnect request", ot.Request, ot.Connect},
	0x020a: {"disconnect response", ot.Response, ot.Connect},
	0x020b: {"search request extended", ot.Request, ot.Identity},
	0x020c: {"search response extended", ot.Response, ot.Identity},
	0x0310: {"device configuration request", ot.Request, ot.Other},
	0x0311: {"device configuration ack", ot.Response, ot.Other},
	0x0420: {"tunnelling request", ot.Request, ot.Other},
	0x0421: {"tunnelling ack", ot.Response, ot.Other},
	0x0422: {"tunnelling feature get", ot.Request, ot.Read},
	0x0423: {"tunnelling feature response", ot.Response, ot.Read},
	0x0424: {"tunnelling feature set", ot.Request, ot.Write},
	0x0425: {"tunnelling feature info", ot.None, ot.Other},
	0x0530: {"routing indication", ot.None, ot.Other},
	0x0531: {"routing lost message", ot.None, ot.Other},
	0x0532: {"routing busy", ot.None, ot.Other},
	0x0740: {"remote diagnostic request", ot.Request, ot.Read},
	0x0741: {"remote diagnostic response", ot.Response, ot.Read},
	0x0742: {"remote basic configuration request", ot.Request, ot.Control},
	0x0743: {"remote reset request", ot.Request, ot.Control},
	0x0950: {"secure wrapper", ot.None, ot.Other},
	0x0951: {"secure session request", ot.Request, ot.Connect},
	0x0952: {"secure session response", ot.Response, ot.Connect},
	0x0953: {"secure session authenticate", ot.Request, ot.Connect},
	0x0954: {"secure session status", ot.None, ot.Connect},
	0x0955: {"secure timer notify", ot.None, ot.Connect},
}

// Actions of a cEMI frame that are used by name.
const (
	propertyRead  = 13
	propertyWrite = 15
	reset         = 18
)

// actions are what a cEMI frame does, by APCI or message code.
var actions = [...]struct {
	name  string
	class ot.Class
}{
	1:             {"group read", ot.Read},
	2:             {"group response", ot.Read},
	3:             {"group write", ot.Write},
	4:             {"individual address write", ot.Control},
	5:             {"individual address read", ot.Identity},
	6:             {"individual address response", ot.Identity},
	7:             {"ADC", ot.Read},
	8:             {"memory read", ot.Read},
	9:             {"memory response", ot.Read},
	10:            {"memory write", ot.Control},
	11:            {"device descriptor", ot.Identity},
	12:            {"restart", ot.Control},
	propertyRead:  {"property read", ot.Read},
	14:            {"property response", ot.Read},
	propertyWrite: {"property write", ot.Write},
	16:            {"authorise", ot.Connect},
	17:            {"other", ot.Other},
	reset:         {"reset", ot.Control},
}

// apci gives the action of a 10-bit APCI: fact sheet knxnet-ip; the memory and
// address services between from EN 13321.
func apci(v uint16) int {
	switch v {
	case 0x3d1:
		return 16
	case 0x3d5:
		return propertyRead
	case 0x3d6:
		return 14
	case 0x3d7:
		return propertyWrite
	}
	switch v & 0x3c0 {
	case 0x000:
		return 1
	case 0x040:
		return 2
	case 0x080:
		return 3
	case 0x0c0:
		return 4
	case 0x100:
		return 5
	case 0x140:
		return 6
	case 0x180, 0x1c0:
		return 7
	case 0x200:
		return 8
	case 0x240:
		return 9
	case 0x280:
		return 10
	case 0x300, 0x340:
		return 11
	case 0x380:
		return 12
	}
	return 17
}

// statusNames: fact sheet knxnet-ip.
var statusNames = map[byte]string{
	0: "ok", 0x21: "connection id", 0x22: "connection type", 0x23: "connection option",
	0x24: "no more connections", 0x26: "data connection", 0x27: "KNX connection", 0x29: "tunnelling layer",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for id, v := range services {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", id), Name: v.name, Class: v.class})
	}
	for _, id := range []uint16{0x0310, 0x0420, 0x0530} {
		for i, a := range actions {
			if a.class == ot.Write || a.class == ot.Control {
				f := function(uint64(id) | uint64(i)<<actionAt)
				rows = append(rows, ot.TableRow{Code: f.Code, Name: f.Name, Class: a.class})
			}
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
