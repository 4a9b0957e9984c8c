package enip

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type entry struct {
	name  string
	class ot.Class
}

// commands of the encapsulation: fact sheet ethernet-ip-cip.
var commands = [0xc9]entry{
	cmdNOP:          {"NOP", ot.Connect},
	cmdListTargets:  {"ListTargets", ot.Identity}, // no longer in the standard, still asked for
	cmdListServices: {"ListServices", ot.Identity},
	cmdListIdentity: {"ListIdentity", ot.Identity},
	cmdListIface:    {"ListInterfaces", ot.Identity},
	cmdRegister:     {"RegisterSession", ot.Connect},
	cmdUnregister:   {"UnRegisterSession", ot.Connect},
	cmdSendRR:       {"SendRRData", ot.Other},
	cmdSendUnit:     {"SendUnitData", ot.Other},
	0x0072:          {"IndicateStatus", ot.Other},
	0x0073:          {"Cancel", ot.Other},
	0x00c8:          {"StartDTLS", ot.Connect},
}

// commandOf is the entry of an encapsulation command, without a name where there is none.
func commandOf(cmd uint16) entry {
	if int(cmd) >= len(commands) {
		return entry{}
	}
	return commands[cmd]
}

// services that all classes share.
var services = [256]entry{
	svcGetAll:       {"Get_Attributes_All", ot.Read},
	0x02:            {"Set_Attributes_All", ot.Write},
	0x03:            {"Get_Attribute_List", ot.Read},
	0x04:            {"Set_Attribute_List", ot.Write},
	0x05:            {"Reset", ot.Control},
	0x06:            {"Start", ot.Control},
	0x07:            {"Stop", ot.Control},
	0x08:            {"Create", ot.Control},
	0x09:            {"Delete", ot.Control},
	svcMultiple:     {"Multiple_Service_Packet", ot.Other},
	0x0d:            {"Apply_Attributes", ot.Write},
	0x0e:            {"Get_Attribute_Single", ot.Read},
	0x10:            {"Set_Attribute_Single", ot.Write},
	0x11:            {"Find_Next_Object_Instance", ot.Read},
	0x15:            {"Restore", ot.Write},
	0x16:            {"Save", ot.Write},
	0x17:            {"No_Operation", ot.Other},
	0x18:            {"Get_Member", ot.Read},
	0x19:            {"Set_Member", ot.Write},
	0x1a:            {"Insert_Member", ot.Write},
	0x1b:            {"Remove_Member", ot.Write},
	0x4c:            {"Read Tag", ot.Read},
	0x4d:            {"Write Tag", ot.Write},
	svcForwardClose: {"Read-Modify-Write Tag", ot.Write},
	svcUnconnected:  {"Read Tag Fragmented", ot.Read},
	0x53:            {"Write Tag Fragmented", ot.Write},
	0x54:            {"Forward_Open", ot.Connect},
	0x55:            {"Get_Instance_Attribute_List", ot.Read},
	0x5b:            {"Large_Forward_Open", ot.Connect},
}

// own are services that mean something else in a class: class<<8 | service.
var own = map[uint16]entry{
	objConnection<<8 | svcForwardClose: {"Forward_Close", ot.Connect},
	objConnection<<8 | svcUnconnected:  {"Unconnected_Send", ot.Other},
	objConnection<<8 | 0x54:            {"Forward_Open", ot.Connect},
	objConnection<<8 | 0x56:            {"Get_Connection_Data", ot.Read},
	objConnection<<8 | 0x57:            {"Search_Connection_Data", ot.Read},
	objConnection<<8 | 0x5a:            {"Get_Connection_Owner", ot.Read},
	objConnection<<8 | 0x5b:            {"Large_Forward_Open", ot.Connect},
	objPCCC<<8 | svcPCCC:               {"Execute PCCC", ot.Other},
	objFile<<8 | 0x4b:                  {"Initiate_Upload", ot.Read},
	objFile<<8 | 0x4c:                  {"Initiate_Download", ot.Control},
	objFile<<8 | 0x4d:                  {"Initiate_Partial_Read", ot.Read},
	objFile<<8 | 0x4e:                  {"Initiate_Partial_Write", ot.Control},
	objFile<<8 | 0x4f:                  {"Upload_Transfer", ot.Read},
	objFile<<8 | 0x50:                  {"Download_Transfer", ot.Control},
	objFile<<8 | 0x51:                  {"Clear_File", ot.Control},
	objFirmware<<8 | 0x4f:              {"firmware service", ot.Control},
	objFirmware<<8 | 0x50:              {"firmware service", ot.Control},
	objFirmware<<8 | 0x51:              {"firmware service", ot.Control},
}

type object struct {
	name  string
	known bool
}

// objects by class number.
var objects = [256]object{
	objIdentity:   {"Identity", true},
	objRouter:     {"Message Router", true},
	0x04:          {"Assembly", true},
	objConnection: {"Connection Manager", true},
	objFile:       {"File", true},
	objTime:       {"Time Sync", true},
	0x47:          {"DLR", true},
	0x48:          {"QoS", true},
	objController: {"Controller", true},
	objPCCC:       {"PCCC", true},
	0x68:          {"Program", true},
	0x69:          {"Program", true},
	0x6b:          {"Symbol", true},
	0x6c:          {"Template", true},
	0x70:          {"Task", true},
	objWallClock:  {"Wall-Clock Time", true},
	objMode:       {"Mode", true},
	objFirmware:   {"Firmware", true},
	0xac:          {"Change Log", true},
	objTCPIP:      {"TCP/IP Interface", true},
	0xf6:          {"Ethernet Link", true},
}

// classOf says what a service does to an object of a class.
func classOf(service, object byte, attribute uint32) ot.Class {
	if e, ok := own[uint16(object)<<8|uint16(service)]; ok {
		return e.class
	}
	class := services[service].class
	switch {
	case object == objIdentity && class == ot.Read:
		return ot.Identity
	case class != ot.Write:
	case object == objTCPIP, object == objMode, object == objTime: // addresses, operating mode, time
		return ot.Control
	case object == objWallClock && (attribute == 0 || attribute == 6 || attribute == 5):
		return ot.Control
	}
	return class
}

// pcccFunctions by command<<8 | function: fact sheet; DF1 Protocol and Command
// Set (1770-RM516).
var pcccFunctions = map[uint16]entry{
	0x0000: {"protected write", ot.Write},
	0x0100: {"unprotected read", ot.Read},
	0x0200: {"protected bit write", ot.Write},
	0x0500: {"unprotected bit write", ot.Write},
	0x0600: {"echo", ot.Other},
	0x0601: {"read diagnostic counters", ot.Read},
	0x0603: {"diagnostic status", ot.Identity},
	0x0607: {"reset diagnostic counters", ot.Control},
	0x0800: {"unprotected write", ot.Write},
	0x0f00: {"word range write", ot.Write},
	0x0f01: {"word range read", ot.Read},
	0x0f02: {"bit write", ot.Write},
	0x0f08: {"write", ot.Write},
	0x0f11: {"get edit resource", ot.Control},
	0x0f12: {"return edit resource", ot.Control},
	0x0f17: {"read bytes physical", ot.Read},
	0x0f18: {"write bytes physical", ot.Control},
	0x0f26: {"read-modify-write", ot.Write},
	0x0f29: {"read section size", ot.Read},
	0x0f3a: {"set CPU mode", ot.Control},
	0x0f41: {"download", ot.Control},
	0x0f50: {"download all request", ot.Control},
	0x0f52: {"download completed", ot.Control},
	0x0f53: {"upload all request", ot.Control},
	0x0f55: {"upload completed", ot.Control},
	0x0f57: {"upload complete", ot.Control},
	0x0f67: {"typed write", ot.Write},
	0x0f68: {"typed read", ot.Read},
	0x0f79: {"read-modify-write N", ot.Write},
	0x0f80: {"change mode", ot.Control},
	0x0f81: {"open file", ot.Other},
	0x0f82: {"close file", ot.Other},
	0x0fa1: {"protected typed logical read with two address fields", ot.Read},
	0x0fa2: {"protected typed logical read", ot.Read},
	0x0fa7: {"protected typed file read", ot.Read},
	0x0fa9: {"protected typed logical write with two address fields", ot.Write},
	0x0faa: {"protected typed logical write", ot.Write},
	0x0fab: {"protected typed logical masked write", ot.Write},
	0x0faf: {"protected typed file write", ot.Write},
	0x0fde: {"edit", ot.Control},
}

func function(code uint64) ot.Function {
	switch code & kindMask {
	case kindEncapsulation:
		f := ot.Function{Code: fmt.Sprintf("%04x", uint16(code)), Name: commandOf(uint16(code)).name}
		if f.Name == "" {
			f.Name = fmt.Sprintf("unknown 0x%04x", uint16(code))
		}
		return f
	case kindIO:
		return ot.Function{Code: "io", Name: "implicit I/O"}
	}
	service, object := byte(code), byte(code>>objectShift)
	f := ot.Function{Code: fmt.Sprintf("%02x", service)}
	e, ok := own[uint16(object)<<8|uint16(service)]
	if !ok {
		e = services[service]
		if object != 0 && service >= 0x4b && object < 0x64 { // a service of that class's own, not a tag's
			e = entry{}
		}
	}
	f.Name = e.name
	if f.Name == "" {
		f.Name = fmt.Sprintf("unknown 0x%02x", service)
	}
	if code&pcccKnown != 0 {
		f.Name = "PCCC " + pcccFunctions[uint16(code>>pcccShift)].name
	} else if object != 0 && object != objConnection && object != objPCCC && (object != objRouter || service != svcMultiple) {
		f.Name += ": " + objects[object].name
	}
	return f
}

// encapsulationStatus by code.
var encapsulationStatus = map[uint16]string{
	0x00: "success",
	0x01: "invalid command",
	0x02: "insufficient memory",
	0x03: "incorrect data",
	0x64: "invalid session handle",
	0x65: "invalid length",
	0x69: "unsupported protocol version",
}

// generalStatus of CIP by code: volume 1 appendix B.
var generalStatus = [256]string{
	0x00: "success",
	0x01: "connection failure",
	0x02: "resource unavailable",
	0x03: "invalid parameter value",
	0x04: "path segment error",
	0x05: "path destination unknown",
	0x06: "partial transfer",
	0x07: "connection lost",
	0x08: "service not supported",
	0x09: "invalid attribute value",
	0x0a: "attribute list error",
	0x0b: "already in requested mode",
	0x0c: "object state conflict",
	0x0d: "object already exists",
	0x0e: "attribute not settable",
	0x0f: "privilege violation",
	0x10: "device state conflict",
	0x11: "reply data too large",
	0x13: "not enough data",
	0x14: "attribute not supported",
	0x15: "too much data",
	0x16: "object does not exist",
	0x1e: "embedded service error",
	0x1f: "vendor specific error",
	0x26: "path size invalid",
	0xff: "general error",
}

// vendors by the number that ODVA gives them: cisagov/icsnpp-enip.
var vendors = map[uint16]string{
	1: "Rockwell Automation", 3: "Honeywell", 7: "SMC", 26: "Festo", 44: "Yaskawa America", 47: "Omron", 48: "Turck",
	74: "Hitachi", 82: "Mitsubishi Electric", 90: "HMS", 97: "Danfoss", 108: "Beckhoff", 145: "Siemens",
	161: "Mitsubishi Electric", 243: "Schneider Electric", 250: "Yokogawa", 256: "Turck", 283: "Hilscher",
	367: "Keyence", 562: "Phoenix Contact", 591: "FANUC", 678: "Cognex", 796: "Siemens", 808: "SICK",
}

func table() []ot.TableRow {
	var rows []ot.TableRow
	add := func(code string, e entry) {
		rows = append(rows, ot.TableRow{Code: code, Name: e.name, Class: e.class})
	}
	for cmd, e := range commands {
		if e.name == "" {
			continue
		}
		add(fmt.Sprintf("%04x", cmd), e)
	}
	for service, e := range services {
		if e.name != "" {
			add(fmt.Sprintf("%02x", service), e)
		}
	}
	for k, e := range own {
		add(fmt.Sprintf("%02x class %02x", byte(k), k>>8), e)
	}
	for k, e := range pcccFunctions {
		add(fmt.Sprintf("4b PCCC %02x %02x", k>>8, byte(k)), entry{"PCCC " + e.name, e.class})
	}
	add("io", entry{"implicit I/O", ot.Cyclic})
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
