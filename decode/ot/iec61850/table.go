package iec61850

import (
	"fmt"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// services are the confirmed services of MMS by their tag number (ISO 9506-2).
var services = [256]entry{
	0: {"status", ot.Read}, 1: {"getNameList", ot.Read}, serviceIdentify: {"identify", ot.Identity},
	3: {"rename", ot.Write}, serviceRead: {"read", ot.Read}, serviceWrite: {"write", ot.Write},
	6: {"getVariableAccessAttributes", ot.Read}, 7: {"defineNamedVariable", ot.Write},
	8: {"defineScatteredAccess", ot.Write}, 9: {"getScatteredAccessAttributes", ot.Read},
	10: {"deleteVariableAccess", ot.Write}, 11: {"defineNamedVariableList", ot.Write},
	12: {"getNamedVariableListAttributes", ot.Read}, 13: {"deleteNamedVariableList", ot.Write},
	14: {"defineNamedType", ot.Write}, 15: {"getNamedTypeAttributes", ot.Read}, 16: {"deleteNamedType", ot.Write},
	17: {"input", ot.Read}, 18: {"output", ot.Write}, 19: {"takeControl", ot.Control}, 20: {"relinquishControl", ot.Control},
	21: {"defineSemaphore", ot.Write}, 22: {"deleteSemaphore", ot.Write}, 23: {"reportSemaphoreStatus", ot.Read},
	24: {"reportPoolSemaphoreStatus", ot.Read}, 25: {"reportSemaphoreEntryStatus", ot.Read},
	26: {"initiateDownloadSequence", ot.Control}, 27: {"downloadSegment", ot.Control},
	28: {"terminateDownloadSequence", ot.Control}, 29: {"initiateUploadSequence", ot.Control},
	30: {"uploadSegment", ot.Control}, 31: {"terminateUploadSequence", ot.Control},
	32: {"requestDomainDownload", ot.Control}, 33: {"requestDomainUpload", ot.Control},
	34: {"loadDomainContent", ot.Control}, 35: {"storeDomainContent", ot.Control}, 36: {"deleteDomain", ot.Control},
	37: {"getDomainAttributes", ot.Read}, 38: {"createProgramInvocation", ot.Control},
	39: {"deleteProgramInvocation", ot.Control}, 40: {"start", ot.Control}, 41: {"stop", ot.Control},
	42: {"resume", ot.Control}, 43: {"reset", ot.Control}, 44: {"kill", ot.Control},
	45: {"getProgramInvocationAttributes", ot.Read}, 46: {"obtainFile", ot.Write},
	47: {"defineEventCondition", ot.Write}, 48: {"deleteEventCondition", ot.Write},
	49: {"getEventConditionAttributes", ot.Read}, 50: {"reportEventConditionStatus", ot.Read},
	51: {"alterEventConditionMonitoring", ot.Write}, 52: {"triggerEvent", ot.Control},
	53: {"defineEventAction", ot.Write}, 54: {"deleteEventAction", ot.Write}, 55: {"getEventActionAttributes", ot.Read},
	56: {"reportEventActionStatus", ot.Read}, 57: {"defineEventEnrollment", ot.Write},
	58: {"deleteEventEnrollment", ot.Write}, 59: {"alterEventEnrollment", ot.Write},
	60: {"reportEventEnrollmentStatus", ot.Read}, 61: {"getEventEnrollmentAttributes", ot.Read},
	62: {"acknowledgeEventNotification", ot.Write}, 63: {"getAlarmSummary", ot.Read},
	64: {"getAlarmEnrollmentSummary", ot.Read}, 65: {"readJournal", ot.Read}, 66: {"writeJournal", ot.Write},
	67: {"initializeJournal", ot.Write}, 68: {"reportJournalStatus", ot.Read}, 69: {"createJournal", ot.Write},
	70: {"deleteJournal", ot.Write}, 71: {"getCapabilityList", ot.Read}, 72: {"fileOpen", ot.Read}, 73: {"fileRead", ot.Read},
	74: {"fileClose", ot.Read}, 75: {"fileRename", ot.Write}, 76: {"fileDelete", ot.Write}, 77: {"fileDirectory", ot.Read},
	78: {"additionalService", ot.Other},
}

// kinds are the messages without a confirmed service.
var kinds = [...]struct {
	code, name string
	class      ot.Class
}{
	kindGOOSE >> 32:       {"goose", "GOOSE", ot.Cyclic},
	kindManagement >> 32:  {"goose-management", "GSE management", ot.Other},
	kindSV >> 32:          {"sv", "sampled values", ot.Cyclic},
	kindInitiate >> 32:    {"mms:initiate", "MMS initiate", ot.Connect},
	kindConclude >> 32:    {"mms:conclude", "MMS conclude", ot.Connect},
	kindUnconfirmed >> 32: {"mms:unconfirmed", "MMS report", ot.Cyclic},
	kindReject >> 32:      {"mms:reject", "MMS reject", ot.Other},
	kindCancel >> 32:      {"mms:cancel", "MMS cancel", ot.Other},
	kindError >> 32:       {"mms:error", "MMS error", ot.Other},
}

func serviceName(n int) string {
	if n < len(services) && services[n].name != "" {
		return "MMS " + services[n].name
	}
	return fmt.Sprintf("MMS unknown %d", n)
}

func function(code uint64) ot.Function {
	if kind := code & kindMask >> 32; kind > 0 && int(kind) < len(kinds) {
		f := ot.Function{Code: kinds[kind].code, Name: kinds[kind].name}
		if code&flagKnown != 0 {
			f.Name += " of " + serviceName(int(code & 0xffff))[len("MMS "):]
		}
		return f
	}
	n := int(code & 0xffff)
	f := ot.Function{Code: fmt.Sprintf("mms:%d", n), Name: serviceName(n)}
	switch {
	case code&flagControl != 0:
		f.Name += " control object"
	case code&flagSetting != 0:
		f.Name += " setting"
	case code&flagReport != 0:
		f.Name += " report control"
	}
	if code&flagTASE != 0 {
		f.Name += " (TASE.2)"
	}
	return f
}

// errorClasses of MMS service errors, the high byte of a status.
var errorClasses = [...]string{"VMD state", "application reference", "definition", "resource", "service",
	"service preempt", "time resolution", "access", "initiate", "conclude", "cancel", "file", "others"}

func statusName(status uint32) string {
	if class := int(status >> 8 & 0xff); status&statusReject == 0 && class < len(errorClasses) {
		return errorClasses[class]
	}
	return ""
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	for _, k := range kinds[1:] {
		rows = append(rows, ot.TableRow{Code: k.code, Name: k.name, Class: k.class})
	}
	for n, e := range services {
		if e.name != "" {
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("mms:%d", n), Name: "MMS " + e.name, Class: e.class})
		}
	}
	return append(rows, ot.TableRow{Code: "mms:5 $CO$", Name: "MMS write control object", Class: ot.Control})
}
