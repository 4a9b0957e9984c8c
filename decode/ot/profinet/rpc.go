package profinet

import (
	"bytes"
	"encoding/binary"

	"osect/decode/ot"
)

// PROFINET IO context management is DCE/RPC, connectionless version 4 (C706),
// over UDP: a header of 80 bytes whose numbers are in the sender's byte order, then
// arguments of 20 bytes in the same order, then blocks, big-endian. Fact sheet
// profinet.
const (
	rpcHead    = 80
	rpcVersion = 4
	argsLen    = 20
	blockHead  = 6 // type 2, length 2 (of what follows it), version 2

	rpcRequest   = 0
	rpcResponse  = 2
	rpcCancelAck = 10 // the last packet type

	flagFragment = 0x04 // first flags byte
	littleEndian = 0x10 // first byte of the data representation, at 4
	interfaceAt  = 24
	opnumAt      = 68
	fragmentAt   = 76
)

// Operation numbers.
const (
	opConnect      = 0
	opRelease      = 1
	opRead         = 2
	opWrite        = 3
	opControl      = 4
	opReadImplicit = 5
)

// Interfaces are DEA000nn-6C97-11D1-8271-00A02442DF7D: 01 device, 02 controller,
// 03 supervisor, 04 parameter server. The first three fields are in the sender's
// byte order.
const (
	interfaceDevice = 1
	interfaceLast   = 4
)

var (
	interfaceBig    = []byte{0xde, 0xa0, 0, 0, 0x6c, 0x97, 0x11, 0xd1, 0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d}
	interfaceLittle = []byte{0, 0, 0xa0, 0xde, 0x97, 0x6c, 0xd1, 0x11, 0x82, 0x71, 0, 0xa0, 0x24, 0x42, 0xdf, 0x7d}
)

// rpc reads an RPC header: the byte order and which of the interfaces it is for, 0
// where it is no PROFINET.
func rpc(p []byte) (order binary.ByteOrder, to byte) {
	if len(p) < rpcHead || p[0] != rpcVersion || p[1]&0x1f > rpcCancelAck {
		return nil, 0
	}
	id := p[interfaceAt : interfaceAt+16]
	want, at := interfaceBig, 3
	order = binary.BigEndian
	if p[4]&littleEndian != 0 {
		want, at = interfaceLittle, 0
		order = binary.LittleEndian
	}
	n := id[at]
	if n == 0 || n > interfaceLast || !bytes.Equal(id[:at], want[:at]) || !bytes.Equal(id[at+1:], want[at+1:]) {
		return nil, 0
	}
	return order, n
}

func probeDatagram(p []byte, _ ot.Hint) ot.Verdict {
	if _, to := rpc(p); to != 0 {
		return ot.Yes
	}
	return ot.No
}

func datagram(s *ot.Session, p []byte) {
	order, to := rpc(p)
	if to == 0 {
		return
	}
	typ := p[1] & 0x1f
	if typ != rpcRequest && typ != rpcResponse {
		return // pings, acknowledgements, faults carry no operation's data
	}
	if p[2]&flagFragment != 0 && order.Uint16(p[fragmentAt:]) != 0 {
		return // a fragmented call is told with its first fragment
	}
	op := order.Uint16(p[opnumAt:])
	pdu := ot.PDU{Code: codeIO | uint64(op), Direction: ot.Request}
	if int(op) < len(operations) {
		pdu.Class = operations[op].class
	}
	args := p[rpcHead:]
	var blocks []byte
	if len(args) >= argsLen {
		blocks = args[argsLen:]
	}
	if typ == rpcResponse {
		pdu.Direction = ot.Response
		if len(args) >= 4 {
			// Error code, decode, code 1, code 2; a good one is 0.
			pdu.Status, pdu.HasStatus = order.Uint32(args), true
			if pdu.Status != 0 {
				pdu.Direction = ot.Error
			}
		}
		if to == interfaceDevice {
			s.Client = ot.ClientReceiver
		}
	} else if to == interfaceDevice {
		s.Client = ot.ClientSender
	}
	if op == opControl && len(blocks) >= 2 {
		// The block says what is controlled; of answers bit 15 is set.
		if block := binary.BigEndian.Uint16(blocks) &^ 0x8000; controls[block] != "" {
			pdu.Code |= uint64(block) << detailShift
		}
	}
	if op == opRead || op == opReadImplicit {
		if index, ok := readIndex(blocks); ok && (index >= firstIM && index <= lastIM || index == realIM) {
			pdu.Code |= uint64(index) << detailShift
			pdu.Class = ot.Identity
		}
	}
	s.Emit(pdu)
	if pdu.Direction == ot.Error {
		return
	}
	switch {
	case op == opConnect && typ == rpcRequest:
		initiator(s, blocks)
	case (op == opRead || op == opReadImplicit) && typ == rpcResponse:
		record(s, blocks)
	}
}

// Record indexes of identification and maintenance data.
const (
	firstIM = 0xaff0
	lastIM  = 0xafff
	realIM  = 0xf840
)

// A read's block: head 6, sequence 2, AR 16, API 4, slot 2, subslot 2, padding 2,
// index 2, record length 4, 24 more; then the record.
const (
	slotAt   = 28
	indexAt  = 34
	recordAt = 64
)

func readIndex(blocks []byte) (uint16, bool) {
	if len(blocks) < indexAt+2 {
		return 0, false
	}
	if t := binary.BigEndian.Uint16(blocks) &^ 0x8000; t != 0x0009 {
		return 0, false
	}
	return binary.BigEndian.Uint16(blocks[indexAt:]), true
}

// record tells what the I&M0 record of the device itself says: block 0020 with
// vendor 2, order id 20, serial number 16, hardware revision 2, software
// revision 4 (a letter and three numbers). Those of modules, in other slots, are
// not the device's.
func record(s *ot.Session, blocks []byte) {
	const im0 = blockHead + 2 + 20 + 16 + 2 + 4
	index, ok := readIndex(blocks)
	if !ok || index != firstIM || binary.BigEndian.Uint16(blocks[slotAt:]) != 0 || len(blocks) < recordAt+im0 {
		return
	}
	b := blocks[recordAt:]
	if binary.BigEndian.Uint16(b) != 0x0020 {
		return
	}
	b = b[blockHead:]
	tellVendor(s, binary.BigEndian.Uint16(b))
	s.Tell(ot.FactModel, ot.Text(b[2:22]))
	s.Tell(ot.FactSerial, ot.Text(b[22:38]))
	var buf [16]byte
	s.Tell(ot.FactFirmware, revision(buf[:0], b[40:44]))
}

// initiator tells the station name of who connects: AR request block 0101 with
// AR type 2, AR 16, session 2, MAC 6, object 16, properties 4, timeout 2, port
// 2, length of the name 2, name.
func initiator(s *ot.Session, blocks []byte) {
	const lengthAt = blockHead + 50
	if len(blocks) < lengthAt+2 || binary.BigEndian.Uint16(blocks) != 0x0101 {
		return
	}
	n := int(binary.BigEndian.Uint16(blocks[lengthAt:]))
	if n <= len(blocks)-lengthAt-2 {
		s.Tell(ot.FactName, ot.Text(blocks[lengthAt+2:lengthAt+2+n]))
	}
}
