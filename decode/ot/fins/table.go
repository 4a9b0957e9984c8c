package fins

import (
	"fmt"
	"sort"

	"osect/decode/ot"
)

type command struct {
	name  string
	class ot.Class
	// least is the fewest bytes of data that a command has.
	least uint8
}

// commands by MRC and SRC: fact sheet omron-fins, section 3, whose "W" is
// Write and whose "!" is Control.
var commands = map[uint16]command{
	0x0101: {"memory_area_read", ot.Read, 6},
	0x0102: {"memory_area_write", ot.Write, 6},
	0x0103: {"memory_area_fill", ot.Write, 8},
	0x0104: {"multiple_memory_area_read", ot.Read, 4},
	0x0105: {"memory_area_transfer", ot.Write, 10},
	0x0110: {"composite_registration_read", ot.Read, 0},
	0x0111: {"register_composite_read", ot.Write, 0},
	0x0201: {"parameter_area_read", ot.Read, 6},
	0x0202: {"parameter_area_write", ot.Control, 6},
	0x0203: {"parameter_area_clear", ot.Control, 6},
	0x0220: {"data_link_table_read", ot.Read, 0},
	0x0221: {"data_link_table_write", ot.Control, 0},
	0x0304: {"program_area_protect", ot.Control, 0},
	0x0305: {"program_area_protect_clear", ot.Control, 0},
	0x0306: {"program_area_read", ot.Read, 8},
	0x0307: {"program_area_write", ot.Control, 8},
	0x0308: {"program_area_clear", ot.Control, 0},
	0x0401: {"run", ot.Control, 0},
	0x0402: {"stop", ot.Control, 0},
	0x0403: {"reset", ot.Control, 0},
	0x0501: {"controller_data_read", ot.Identity, 0},
	0x0502: {"connection_data_read", ot.Identity, 0},
	0x0601: {"controller_status_read", ot.Read, 0},
	0x0602: {"network_status_read", ot.Read, 0},
	0x0603: {"data_link_status_read", ot.Read, 0},
	0x0620: {"cycle_time_read", ot.Read, 1},
	0x0701: {"clock_read", ot.Read, 0},
	0x0702: {"clock_write", ot.Control, 5},
	0x0801: {"loop-back_test", ot.Other, 0},
	0x0802: {"broadcast_test_results_read", ot.Read, 0},
	0x0803: {"broadcast_test_data_send", ot.Other, 0},
	0x0920: {"message_read", ot.Read, 2},
	0x0c01: {"access_right_acquire", ot.Control, 0},
	0x0c02: {"access_right_forced_acquire", ot.Control, 0},
	0x0c03: {"access_right_release", ot.Write, 0},
	0x2101: {"error_clear", ot.Write, 2},
	0x2102: {"error_log_read", ot.Read, 4},
	0x2103: {"error_log_clear", ot.Control, 0},
	0x2140: {"fins_write_access_log_read", ot.Read, 0},
	0x2141: {"fins_write_access_log_clear", ot.Control, 0},
	0x2201: {"file_name_read", ot.Read, 4},
	0x2202: {"single_file_read", ot.Read, 14},
	0x2203: {"single_file_write", ot.Control, 14},
	0x2204: {"memory_card_format", ot.Control, 2},
	0x2205: {"file_delete", ot.Control, 2},
	0x2206: {"volume_label_create/delete", ot.Write, 2},
	0x2207: {"file_copy", ot.Control, 2},
	0x2208: {"file_name_change", ot.Control, 2},
	0x2209: {"file_data_check", ot.Read, 2},
	0x220a: {"memory_area_file_transfer", ot.Control, 2},
	0x220b: {"parameter_area_file_transfer", ot.Control, 2},
	0x220c: {"program_area_file_transfer", ot.Control, 2},
	0x220f: {"file_memory_index_read", ot.Read, 0},
	0x2210: {"file_memory_read", ot.Read, 0},
	0x2211: {"file_memory_write", ot.Control, 0},
	0x2215: {"create/delete_directory", ot.Control, 0},
	0x2220: {"memory_cassette_transfer", ot.Control, 0},
	0x2301: {"forced_set/reset", ot.Control, 2},
	0x2302: {"forced_set/reset_cancel", ot.Control, 0},
	0x230a: {"multiple_forced_status_read", ot.Read, 0},
	0x2601: {"name_set", ot.Write, 1},
	0x2602: {"name_delete", ot.Write, 0},
	0x2603: {"name_read", ot.Identity, 0},
	0x2701: {"udp_open_request", ot.Connect, 0},
	0x2702: {"udp_receive_request", ot.Other, 0},
	0x2703: {"udp_send_request", ot.Other, 0},
	0x2704: {"udp_close_request", ot.Connect, 0},
	0x2720: {"ping", ot.Other, 0},
	0x2750: {"ip_address_table_write", ot.Control, 0},
	0x2757: {"ip_address_write", ot.Control, 0},
	0x2760: {"ip_address_table_read", ot.Read, 0},
	0x2761: {"ip_router_table_read", ot.Read, 0},
	0x2762: {"protocol_status_read", ot.Read, 0},
	0x2763: {"memory_status_read", ot.Read, 0},
	0x2764: {"socket_status_read", ot.Read, 0},
	0x2765: {"address_information_read", ot.Identity, 0},
	0x2767: {"ip_address_read", ot.Read, 0},
	0x2801: {"explicit_message_send", ot.Other, 0},
	0x2803: {"convert_to_compoway/f_command", ot.Other, 0},
	0x2804: {"convert_to_modbus-rtu_command", ot.Other, 0},
	0x2805: {"convert_to_modbus-ascii_command", ot.Other, 0},
	0x2810: {"cip_ucmm_message_send", ot.Other, 0},
}

// tcpNames are the commands of the FINS/TCP envelope.
var tcpNames = map[uint64]string{
	tcpClientNode: "client node address send",
	tcpServerNode: "server node address send",
	tcpFrame:      "FINS frame send",
	tcpError:      "frame send error notification",
	tcpConfirm:    "connection confirmation",
}

// tcpErrors are the envelope's error codes.
var tcpErrors = map[uint16]string{
	0x00: "normal",
	0x01: "header not FINS",
	0x02: "data too long",
	0x03: "command not supported",
	0x20: "all connections in use",
	0x21: "node already connected",
	0x22: "protected node, access from an unlisted address",
	0x23: "client node address out of range",
	0x24: "same node address on client and server",
	0x25: "no node address free",
}

// endNames are the end codes of responses, without their flag bits: fact sheet
// omron-fins, section 4.
var endNames = map[uint16]string{
	0x0000: "normal", 0x0001: "cancelled",
	0x0101: "local node not in network", 0x0102: "token timeout", 0x0103: "retries exceeded",
	0x0104: "too many frames", 0x0105: "node address out of range", 0x0106: "duplicate node address",
	0x0201: "destination not in network", 0x0202: "no such unit or node", 0x0203: "third node missing",
	0x0204: "destination busy", 0x0205: "response timeout",
	0x0301: "communications controller error", 0x0302: "CPU unit error", 0x0303: "controller error",
	0x0304: "unit number setting error",
	0x0401: "undefined command", 0x0402: "not supported by model or version",
	0x0501: "destination not in routing table", 0x0502: "no routing table", 0x0503: "routing table error",
	0x0504: "too many relays",
	0x1001: "command too long", 0x1002: "command too short", 0x1003: "element count does not match",
	0x1004: "command format error", 0x1005: "header error",
	0x1101: "area classification missing", 0x1102: "access size error", 0x1103: "start address out of range",
	0x1104: "end address out of range", 0x1106: "program missing", 0x1109: "relation error",
	0x110a: "duplicate data access", 0x110b: "response too long", 0x110c: "parameter error",
	0x2002: "protected", 0x2003: "table missing", 0x2004: "data missing", 0x2005: "program missing",
	0x2006: "file missing", 0x2007: "data mismatch",
	0x2101: "read-only", 0x2102: "protected, cannot write", 0x2103: "cannot register",
	0x2105: "program missing", 0x2106: "file missing", 0x2107: "file exists", 0x2108: "cannot change",
	0x2201: "not executable during execution", 0x2202: "not executable while stopped",
	0x2203: "wrong mode: program", 0x2204: "wrong mode: debug", 0x2205: "wrong mode: monitor",
	0x2206: "wrong mode: run", 0x2207: "specified node not polling node", 0x2208: "step cannot be executed",
	0x2301: "no file device", 0x2302: "no memory", 0x2303: "no clock",
	0x2401: "data link table error",
	0x2502: "memory error", 0x2503: "I/O setting error", 0x2504: "too many I/O points",
	0x2505: "CPU bus error", 0x2506: "I/O duplication", 0x2507: "I/O bus error",
	0x2509: "SYSMAC BUS/2 error", 0x250a: "CPU bus unit error", 0x250d: "SYSMAC BUS number duplication",
	0x250f: "internal memory error", 0x2510: "SYSMAC BUS terminator missing",
	0x2601: "no protection", 0x2602: "wrong password", 0x2604: "protected", 0x2605: "service executing",
	0x2606: "service stopped", 0x2607: "no execution right", 0x2608: "settings not complete",
	0x2609: "necessary items not set", 0x260a: "number already defined", 0x260b: "error not cleared",
	0x3001: "access right held by another", 0x4001: "aborted",
}

func table() []ot.TableRow {
	rows := make([]ot.TableRow, 0, len(commands)+len(tcpNames))
	for code, c := range commands {
		rows = append(rows, ot.TableRow{Code: fmt.Sprintf("%04x", code), Name: c.name, Class: c.class})
	}
	for cmd, name := range tcpNames {
		if cmd != tcpFrame { // carries a FINS frame, which is counted itself
			rows = append(rows, ot.TableRow{Code: fmt.Sprintf("tcp:%d", cmd), Name: name, Class: ot.Connect})
		}
	}
	sort.Slice(rows, func(i, j int) bool { return rows[i].Code < rows[j].Code })
	return rows
}
