package mqtt

import (
	"strconv"

	"osect/decode/ot"
)

// types by packet type: fact sheet mqtt.
var types = [16]struct {
	name      string
	direction ot.Direction
	class     ot.Class
}{
	0:  {"reserved", ot.None, ot.Other}, // never told
	1:  {"CONNECT", ot.Request, ot.Connect},
	2:  {"CONNACK", ot.Response, ot.Connect},
	3:  {"PUBLISH", ot.None, ot.Cyclic},
	4:  {"PUBACK", ot.Response, ot.Cyclic},
	5:  {"PUBREC", ot.Response, ot.Cyclic},
	6:  {"PUBREL", ot.Request, ot.Cyclic},
	7:  {"PUBCOMP", ot.Response, ot.Cyclic},
	8:  {"SUBSCRIBE", ot.Request, ot.Read},
	9:  {"SUBACK", ot.Response, ot.Read},
	10: {"UNSUBSCRIBE", ot.Request, ot.Read},
	11: {"UNSUBACK", ot.Response, ot.Read},
	12: {"PINGREQ", ot.Request, ot.Connect},
	13: {"PINGRESP", ot.Response, ot.Connect},
	14: {"DISCONNECT", ot.None, ot.Connect},
	15: {"AUTH", ot.None, ot.Connect},
}

// commandTopic is the index of topics that end as command topics do.
const commandTopic = 9

// topics are what topics mean by convention: Sparkplug B message types (group,
// type, node, device), and topics that end in /set or /cmd.
var topics = [...]struct {
	name    string
	command bool
}{
	1: {"NBIRTH", false}, 2: {"NDATA", false}, 3: {"NCMD", true}, 4: {"NDEATH", false},
	5: {"DBIRTH", false}, 6: {"DDATA", false}, 7: {"DCMD", true}, 8: {"DDEATH", false},
	commandTopic: {"(command topic)", true},
}

// reasons of CONNACK (3.1.1 below 80, 5 from there) and of the others in version 5.
var reasons = map[byte]string{
	0: "ok", 1: "protocol version", 2: "client id", 3: "unavailable", 4: "bad user name or password", 5: "not authorised",
	0x80: "unspecified error", 0x86: "bad user name or password", 0x87: "not authorised", 0x88: "unavailable",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for kind := 1; kind < len(types); kind++ {
		rows = append(rows, ot.TableRow{Code: strconv.Itoa(kind), Name: types[kind].name, Class: types[kind].class})
	}
	for _, t := range topics {
		if t.command {
			rows = append(rows, ot.TableRow{Code: "3", Name: "PUBLISH " + t.name, Class: ot.Write})
		}
	}
	return rows
}
