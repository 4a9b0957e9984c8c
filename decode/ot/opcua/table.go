package opcua

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type entry struct {
	name   string
	class  ot.Class
	answer bool
}

// services by the node id of their message's binary encoding in namespace 0:
// requests and responses. Fact sheet opc-ua; OPC Foundation's NodeIds.csv.
var services = func() map[uint32]entry {
	m := map[uint32]entry{serviceFault: {"ServiceFault", ot.Other, true}}
	for _, s := range []struct {
		request, response uint32
		name              string
		class             ot.Class
	}{
		{422, 425, "FindServers", ot.Identity},
		{428, 431, "GetEndpoints", ot.Identity},
		{437, 440, "RegisterServer", ot.Connect},
		{446, 449, "OpenSecureChannel", ot.Connect},
		{452, 455, "CloseSecureChannel", ot.Connect},
		{461, 464, "CreateSession", ot.Connect},
		{467, 470, "ActivateSession", ot.Connect},
		{473, 476, "CloseSession", ot.Connect},
		{479, 482, "Cancel", ot.Connect},
		{488, 491, "AddNodes", ot.Control},
		{494, 497, "AddReferences", ot.Control},
		{500, 503, "DeleteNodes", ot.Control},
		{506, 509, "DeleteReferences", ot.Control},
		{527, 530, "Browse", ot.Read},
		{533, 536, "BrowseNext", ot.Read},
		{554, 557, "TranslateBrowsePaths", ot.Read},
		{560, 563, "RegisterNodes", ot.Other},
		{566, 569, "UnregisterNodes", ot.Other},
		{615, 618, "QueryFirst", ot.Read},
		{621, 624, "QueryNext", ot.Read},
		{631, 634, "Read", ot.Read},
		{664, 667, "HistoryRead", ot.Read},
		{673, 676, "Write", ot.Write},
		{700, 703, "HistoryUpdate", ot.Write},
		{712, 715, "Call", ot.Control},
		{751, 754, "CreateMonitoredItems", ot.Read},
		{763, 766, "ModifyMonitoredItems", ot.Read},
		{769, 772, "SetMonitoringMode", ot.Read},
		{775, 778, "SetTriggering", ot.Read},
		{781, 784, "DeleteMonitoredItems", ot.Read},
		{787, 790, "CreateSubscription", ot.Read},
		{793, 796, "ModifySubscription", ot.Read},
		{799, 802, "SetPublishingMode", ot.Read},
		{826, 829, "Publish", ot.Cyclic},
		{832, 835, "Republish", ot.Read},
		{841, 844, "TransferSubscriptions", ot.Read},
		{847, 850, "DeleteSubscriptions", ot.Read},
		{12208, 12209, "FindServersOnNetwork", ot.Identity},
		{12211, 12212, "RegisterServer2", ot.Connect},
	} {
		m[s.request] = entry{s.name, s.class, false}
		m[s.response] = entry{s.name, s.class, true}
	}
	return m
}()

// messages by kind.
var messages = [numMessages]struct{ code, name string }{
	hel:    {"hel", "Hello"},
	ack:    {"ack", "Acknowledge"},
	errMsg: {"err", "Error"},
	rhe:    {"rhe", "ReverseHello"},
	opn:    {"opn", "OpenSecureChannel (secured)"},
	msg:    {"msg", "message aborted"},
	clo:    {"clo", "CloseSecureChannel aborted"},
}

// statuses by code: fact sheet; OPC Foundation's StatusCode.csv.
var statuses = map[uint32]string{
	0x00000000: "Good",
	0x800b0000: "BadServiceUnsupported",
	0x80130000: "BadSecurityChecksFailed",
	0x801f0000: "BadUserAccessDenied",
	0x80200000: "BadIdentityTokenInvalid",
	0x80210000: "BadIdentityTokenRejected",
	0x80250000: "BadSessionIdInvalid",
}

func function(code uint64) ot.Function {
	if code&kindMessage != 0 {
		m := messages[min(int(byte(code)), numMessages-1)]
		return ot.Function{Code: m.code, Name: m.name}
	}
	f := ot.Function{Code: fmt.Sprint(code)}
	if e, ok := services[uint32(code)]; ok {
		f.Name = e.name
	} else {
		f.Name = fmt.Sprintf("unknown %d", code)
	}
	return f
}

func table() []ot.TableRow {
	var ids []uint32
	for id := range services {
		ids = append(ids, id)
	}
	sort.Slice(ids, func(i, j int) bool { return ids[i] < ids[j] })
	var rows []ot.TableRow
	for _, m := range messages {
		rows = append(rows, ot.TableRow{Code: m.code, Name: m.name, Class: ot.Connect})
	}
	for _, id := range ids {
		name := services[id].name
		if services[id].answer && id != serviceFault {
			name += " response"
		}
		rows = append(rows, ot.TableRow{Code: fmt.Sprint(id), Name: name, Class: services[id].class})
	}
	return rows
}
