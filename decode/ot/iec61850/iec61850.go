// Package iec61850 decodes what substations speak: MMS (ISO 9506, also as ICCP /
// TASE.2) on ISO transport over TCP, GOOSE and Sampled Values on Ethernet.
//
// README.md says how they are recognised and where that is wrong.
package iec61850

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"osect/decode/ot"
	"osect/decode/ot/cotp"
)

// EtherTypes of IEC 61850-8-1 and -9-2.
const (
	etherGOOSE      = 0x88b8
	etherManagement = 0x88b9
	etherSV         = 0x88ba
)

// Protocol describes IEC 61850 to the registry.
var Protocol = ot.Protocol{
	Name:        "iec61850",
	Title:       "IEC 61850 (MMS, GOOSE, SV)",
	TCPPorts:    []uint16{cotp.Port},
	EtherTypes:  []uint16{etherGOOSE, etherManagement, etherSV},
	ProbeStream: probeStream,
	Stream:      stream,
	Frame:       frame,
	Function:    function,
	Status:      func(status uint32) string { return fmt.Sprintf("%04x", uint16(status)) },
	StatusName:  statusName,
	Table:       table(),
}

// PDU.Code: a kind, flags, and the number of the confirmed service.
const (
	kindService = iota << 32
	kindGOOSE
	kindManagement
	kindSV
	kindInitiate
	kindConclude
	kindUnconfirmed
	kindReject
	kindCancel
	kindError
	kindMask = 0xff << 32

	flagControl = 1 << 16 // a write to a control object ($CO$)
	flagSetting = 1 << 17 // to a setting ($SP$, $SE$, $SG$)
	flagReport  = 1 << 18 // to a report control block ($RP$, $BR$)
	flagTASE    = 1 << 19 // of a TASE.2 association
	flagKnown   = 1 << 20 // kindError: the request's service is known
)

// statusReject marks a reject's reason; other statuses are error class and code.
const statusReject = 1 << 31

// Frames: APPID 2, length 2 (from APPID), reserved 4, then the APDU.
// Fact sheet iec61850; IEC 61850-8-1 annex C.
const frameHead = 8

// frame tells a GOOSE or Sampled Values frame. The EtherType is not at hand: SV
// is known by its APDU's tag and shape, all else is GOOSE's.
func frame(s *ot.Session, p []byte) bool {
	if len(p) < frameHead {
		return false
	}
	if n := int(binary.BigEndian.Uint16(p[2:])); n < frameHead {
		return false
	}
	e, _, ok := next(p[frameHead:])
	if !ok {
		// Nothing of the APDU is to be read; APPIDs from 4000 on are SV's.
		code := uint64(kindGOOSE)
		if p[0]>>6 == 1 {
			code = kindSV
		}
		s.Emit(ot.PDU{Code: code, Class: ot.Cyclic})
		return true
	}
	pdu := ot.PDU{Code: kindGOOSE, Class: ot.Cyclic}
	switch e.tag {
	case 0x60:
		// savPdu: 80 number of ASDUs, [81 security], A2 sequence of ASDUs
		if first, _, ok := next(e.body); ok && first.tag == 0x80 && first.n <= 2 {
			pdu.Code = kindSV
			s.Emit(pdu)
			sampled(s, e.body)
			return true
		}
		pdu.Code, pdu.Class = kindManagement, ot.Other // GSE management
	case 0x61:
		goose(s, p, e.body)
	}
	s.Emit(pdu)
	return true
}

// goose reads who publishes what, and its numbers: 80 gocbRef … 85 stNum, 86 sqNum.
func goose(s *ot.Session, p, body []byte) {
	var at numbers
	found := 0
	for found != 7 && len(body) > 0 {
		e, rest, ok := next(body)
		if !ok {
			break
		}
		body = rest
		switch e.tag {
		case 0x80:
			reference(s, e.body)
			if ot.Printable(e.body) && e.whole() {
				s.Publication = e.body
				found |= 1
			}
		case 0x85:
			if at.state, ok = integer(e.body); ok {
				found |= 2
			}
		case 0x86:
			if at.count, ok = integer(e.body); ok {
				found |= 4
			}
		}
	}
	if found == 7 {
		key := uint64(14695981039346656037)
		for _, part := range [2][]byte{p[:2], s.Publication} { // APPID and gocbRef
			for _, c := range part {
				key = (key ^ uint64(c)) * 0x100000001b3 // FNV-1a
			}
		}
		s.Crossed = publications(s).crossed(key, at, s.Time)
	}
}

// reference tells the device's name: what stands before the slash of
// "IED1LD0/LLN0$GO$gcb01".
func reference(s *ot.Session, ref []byte) {
	if at := bytes.IndexByte(ref, '/'); at > 0 && ot.Printable(ref[:at]) {
		s.Tell(ot.FactName, ref[:at])
	}
}

// sampled tells the publisher's svID, with every 64th sample: they come
// thousands a second.
func sampled(s *ot.Session, body []byte) {
	list, ok := child(body, 0xa2)
	if !ok {
		return
	}
	asdu, ok := child(list.body, 0x30)
	if !ok {
		return
	}
	count, ok := child(asdu.body, 0x82)
	if !ok || count.n != 2 || len(count.body) != 2 || count.body[1]&63 != 0 {
		return
	}
	if id, ok := child(asdu.body, 0x80); ok && ot.Printable(id.body) {
		s.Tell(ot.FactName, id.body)
	}
}

// mmsOID is the abstract syntax of MMS, 1.0.9506.2.1, as it stands in the
// presentation's context list.
var mmsOID = []byte{0x28, 0xca, 0x22, 0x02, 0x01}

// Session units (X.225) by their first byte.
const (
	sessionGiveTokens = 0x01 // and data transfer
	sessionFinish     = 0x09
	sessionDisconnect = 0x0a
	sessionConnect    = 0x0d
	sessionAccept     = 0x0e
	sessionAbort      = 0x19
)

// probeStream believes an association that names MMS, or a whole MMS message
// where one can be.
func probeStream(p []byte, _ ot.Hint) ot.Verdict {
	u, size, ok, more := cotp.First(p)
	if more {
		return ot.More
	}
	if !ok {
		return ot.No
	}
	d := u.Data
	cut := len(p) < size
	switch d[0] {
	case sessionConnect, sessionAccept:
		if bytes.Contains(d, mmsOID) {
			return ot.Yes
		}
		if cut {
			return ot.More
		}
	case sessionGiveTokens:
		user, ok := transferred(d)
		if !ok {
			if cut {
				return ot.More
			}
			return ot.No
		}
		e, rest, ok := next(user)
		if !ok && cut && len(d) < 40 {
			return ot.More
		}
		if !ok || e.tag != 0x61 || len(rest) > 0 && !cut {
			return ot.No
		}
		value, ok := dataValue(e.body)
		if ok && mmsShape(value, !u.Last) {
			return ot.Yes
		}
		if cut && len(d) < 40 {
			return ot.More
		}
	default:
		if mmsShape(d, !u.Last) {
			return ot.Yes
		}
		if cut && len(d) < 40 && mmsTag(d[0]) {
			return ot.More
		}
	}
	return ot.No
}

// transferred is the user data of a data transfer: give tokens 01, length and
// parameters, data transfer 01, length and parameters, user data.
func transferred(d []byte) ([]byte, bool) {
	for i := 0; i < 2 && len(d) >= 2 && d[0] == sessionGiveTokens; i++ {
		n := 2 + int(d[1])
		if d[1] == 0xff || len(d) < n {
			return nil, false
		}
		d = d[n:]
	}
	return d, len(d) > 0
}

// dataValue is the APDU in the first presentation data value of d: 30 { [06
// transfer syntax] 02 context A0 { APDU } }.
func dataValue(d []byte) ([]byte, bool) {
	pdv, _, ok := next(d)
	if !ok || pdv.tag != 0x30 {
		return nil, false
	}
	return encoded(pdv.body)
}

// encoded is the value in a presentation data value or an EXTERNAL: single ASN.1
// type A0, octet aligned 81.
func encoded(d []byte) ([]byte, bool) {
	for len(d) > 0 {
		e, rest, ok := next(d)
		if !ok {
			return nil, false
		}
		if e.tag == 0xa0 || e.tag == 0x81 {
			return e.body, true
		}
		d = rest
	}
	return nil, false
}

func mmsTag(tag byte) bool {
	switch {
	case tag >= 0xa0 && tag <= 0xa4, tag >= 0xa7 && tag <= 0xaa, tag == 0x85, tag == 0x86, tag == 0x8b, tag == 0x8c, tag == 0xad:
		return true
	}
	return false
}

// mmsShape says whether d is one MMS message, to the byte. more says that the
// rest may follow elsewhere.
func mmsShape(d []byte, more bool) bool {
	e, rest, ok := next(d)
	if !ok || !mmsTag(e.tag) || len(rest) > 0 || !e.whole() && !more && len(d) < 16 {
		return false
	}
	switch e.tag {
	case 0x8b, 0x8c:
		return e.n == 0
	case 0x85, 0x86:
		return e.n >= 1 && e.n <= 5
	case 0xa0, 0xa1:
		id, rest, ok := next(e.body)
		if !ok || id.tag != 0x02 || id.n < 1 || id.n > 5 || len(rest) == 0 {
			return false
		}
		return rest[0]&0xc0 == 0x80 || e.tag == 0xa0 && rest[0] == 0x30
	case 0xa2:
		id, _, ok := next(e.body)
		return ok && id.tag == 0x80 && id.n >= 1 && id.n <= 5
	case 0xa3:
		service, _, ok := next(e.body)
		return ok && service.tag >= 0xa0 && service.tag <= 0xa2
	case 0xa8, 0xa9:
		// local detail, calls outstanding, nesting, then AF 4 {version, parameters, services}
		detail, ok := child(e.body, 0xa4)
		return ok && detail.n > 4
	default:
		_, _, ok := next(e.body)
		return ok
	}
}

// state is what a connection remembers.
type state struct {
	cotp.Assembly
	tase2 bool // names of TASE.2 were seen
	n     int
	open  [16]pending
}

// pending is a request that waits for its response.
type pending struct {
	invoke uint32
	side   uint8
	facts  [8]ot.FactKind // what the variables of a read say of the device, + 1
	code   uint64
	class  ot.Class
}

func stream(s *ot.Session, p []byte) int {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	if s.Gap {
		st.n = 0
	}
	return st.Stream(s, p, unit)
}

// unit tells what one transport unit carries.
func unit(s *ot.Session, u cotp.Unit) {
	switch u.Type {
	case cotp.ConnectRequest:
		s.Client = ot.ClientSender
		return
	case cotp.ConnectConfirm:
		s.Client = ot.ClientReceiver
		return
	case cotp.Data:
	default:
		return
	}
	d := u.Data
	if len(d) == 0 {
		return
	}
	st := s.State.(*state)
	switch d[0] {
	case sessionGiveTokens:
		if user, ok := transferred(d); ok {
			presentation(s, st, user)
		}
	case sessionConnect, sessionAccept, sessionFinish, sessionDisconnect:
		if user, ok := sessionData(d); ok {
			presentation(s, st, user)
		}
	case sessionAbort:
	default:
		if mmsTag(d[0]) && !u.Doubtful {
			message(s, st, d)
		}
	}
}

// sessionData is the user data of a session unit: type, length (FF: 2 bytes
// more), then parameters of which C1 or C2 is it.
func sessionData(d []byte) ([]byte, bool) {
	param := func(d []byte) (code byte, value, rest []byte, ok bool) {
		if len(d) < 2 {
			return 0, nil, nil, false
		}
		code = d[0]
		n := int(d[1])
		d = d[2:]
		if n == 0xff {
			if len(d) < 2 {
				return 0, nil, nil, false
			}
			n = int(binary.BigEndian.Uint16(d))
			d = d[2:]
		}
		n = min(n, len(d))
		return code, d[:n], d[n:], true
	}
	_, d, _, ok := param(d)
	for ok && len(d) > 0 {
		var code byte
		var value []byte
		code, value, d, ok = param(d)
		if ok && (code == 0xc1 || code == 0xc2) {
			return value, true
		}
	}
	return nil, false
}

// presentation finds what a presentation unit carries: 61 data, 31 connect and
// accept with the data in their normal-mode parameters.
func presentation(s *ot.Session, st *state, d []byte) {
	e, _, ok := next(d)
	if !ok {
		return
	}
	if e.tag == 0x31 {
		if e, ok = child(e.body, 0xa2); !ok {
			return
		}
		if e, ok = child(e.body, 0x61); !ok {
			return
		}
	}
	if e.tag != 0x61 {
		return
	}
	for list := e.body; len(list) > 0; {
		var pdv element
		if pdv, list, ok = next(list); !ok {
			return
		}
		if value, ok := encoded(pdv.body); ok && pdv.tag == 0x30 {
			application(s, st, value)
		}
	}
}

// application tells an APDU: an MMS message, or the one in the user information of
// an association (ACSE: 60 request, 61 response, 62, 63 release, 64 abort).
func application(s *ot.Session, st *state, d []byte) {
	if len(d) == 0 {
		return
	}
	if mmsTag(d[0]) {
		message(s, st, d)
		return
	}
	e, _, ok := next(d)
	if !ok || e.tag < 0x60 || e.tag > 0x64 {
		return
	}
	info, ok := child(e.body, 0xbe)
	if !ok {
		return
	}
	external, ok := child(info.body, 0x28)
	if !ok {
		return
	}
	if value, ok := encoded(external.body); ok && len(value) > 0 && mmsTag(value[0]) {
		message(s, st, value)
	}
}

// message tells one MMS message.
func message(s *ot.Session, st *state, d []byte) {
	e, _, ok := next(d)
	if !ok {
		return
	}
	switch e.tag {
	case 0xa0:
		request(s, st, e.body)
	case 0xa1:
		response(s, st, e.body)
	case 0xa2:
		failed(s, st, e.body)
	case 0xa3:
		s.Emit(ot.PDU{Code: kindUnconfirmed, Class: ot.Cyclic})
	case 0xa4:
		pdu := ot.PDU{Code: kindReject, Direction: ot.Error, Class: ot.Other}
		for d := e.body; len(d) > 0; {
			var r element
			if r, d, ok = next(d); !ok {
				break
			}
			if r.number >= 1 && r.number <= 11 && len(r.body) > 0 { // reason: kind of message, code
				pdu.Status, pdu.HasStatus = statusReject|uint32(r.number)<<8|uint32(r.body[len(r.body)-1]), true
			}
		}
		s.Emit(pdu)
	case 0x85:
		s.Emit(ot.PDU{Code: kindCancel, Direction: ot.Request})
	case 0x86:
		s.Emit(ot.PDU{Code: kindCancel, Direction: ot.Response})
	case 0xa7:
		s.Emit(ot.PDU{Code: kindCancel, Direction: ot.Error})
	case 0xa8:
		s.Client = ot.ClientSender
		s.Emit(ot.PDU{Code: kindInitiate, Direction: ot.Request, Class: ot.Connect})
	case 0xa9:
		s.Client = ot.ClientReceiver
		s.Emit(ot.PDU{Code: kindInitiate, Direction: ot.Response, Class: ot.Connect})
	case 0xaa:
		s.Emit(ot.PDU{Code: kindInitiate, Direction: ot.Error, Class: ot.Connect})
	case 0x8b:
		s.Emit(ot.PDU{Code: kindConclude, Direction: ot.Request, Class: ot.Connect})
	case 0x8c:
		s.Emit(ot.PDU{Code: kindConclude, Direction: ot.Response, Class: ot.Connect})
	case 0xad:
		s.Emit(ot.PDU{Code: kindConclude, Direction: ot.Error, Class: ot.Connect})
	}
}

// confirmed reads invoke id and service of a confirmed message.
func confirmed(d []byte) (invoke uint32, service element, ok bool) {
	id, d, ok := next(d)
	if !ok || id.tag != 0x02 {
		return 0, service, false
	}
	if invoke, ok = integer(id.body); !ok {
		return 0, service, false
	}
	if len(d) > 0 && d[0] == 0x30 { // modifiers
		if _, d, ok = next(d); !ok {
			return 0, service, false
		}
	}
	service, _, ok = next(d)
	return invoke, service, ok && service.tag&0xc0 == 0x80
}

// Services used by name.
const (
	serviceIdentify = 2
	serviceRead     = 4
	serviceWrite    = 5
)

func request(s *ot.Session, st *state, d []byte) {
	invoke, service, ok := confirmed(d)
	if !ok {
		return
	}
	e := services[uint8(min(service.number, 255))]
	p := pending{invoke: invoke, side: uint8(s.Side()), code: kindService | uint64(service.number&0xffff), class: e.class}
	switch service.number {
	case serviceRead:
		if !st.tase2 && taseName(service.body) {
			st.tase2 = true
		}
		p.facts = reads(service.body)
	case serviceWrite:
		p.write(st, service.body)
	}
	if st.tase2 {
		p.code |= flagTASE
	}
	if st.n == len(st.open) {
		copy(st.open[:], st.open[1:])
		st.n--
	}
	st.open[st.n] = p
	st.n++
	s.Emit(ot.PDU{Code: p.code, Class: p.class, Direction: ot.Request})
}

// write says what is written to, by the functional constraint in the names.
func (p *pending) write(st *state, d []byte) {
	spec, _, ok := next(d) // the variables stand before the data
	if !ok {
		return
	}
	has := func(a, b string) bool {
		return bytes.Contains(spec.body, []byte(a)) || bytes.Contains(spec.body, []byte(b))
	}
	switch {
	case has("$CO$", "$CO$"):
		p.code, p.class = p.code|flagControl, ot.Control
	case has("$SP$", "$SE$"), has("$SG$", "$SG$"):
		p.code |= flagSetting
	case has("$RP$", "$BR$"):
		p.code |= flagReport
	case st.tase2:
		p.class = ot.Control
	}
}

// taseName says whether names that every TASE.2 server has are read.
func taseName(d []byte) bool {
	d = d[:min(len(d), 512)]
	return bytes.Contains(d, []byte("Bilateral_Table_ID")) || bytes.Contains(d, []byte("TASE2_Version")) ||
		bytes.Contains(d, []byte("Supported_Features"))
}

// nameplate pairs leaves of the device's name plates with facts.
var nameplate = [...]struct {
	leaf string
	kind ot.FactKind
}{
	{"$PhyNam$vendor", ot.FactVendor},
	{"$PhyNam$model", ot.FactModel},
	{"$PhyNam$serNum", ot.FactSerial},
	{"$PhyNam$swRev", ot.FactFirmware},
	{"$NamPlt$vendor", ot.FactVendor},
	{"$NamPlt$swRev", ot.FactFirmware},
}

// reads says what the first variables of a read tell of the device, as kind + 1:
// [80 result] A1 { A0 { 30 { A0 { A1 { 1A domain, 1A item }}}}}.
func reads(d []byte) (facts [8]ot.FactKind) {
	spec, ok := child(d, 0xa1)
	if !ok {
		return facts
	}
	list, ok := child(spec.body, 0xa0)
	if !ok {
		return facts
	}
	d = list.body
	for i := 0; i < len(facts) && len(d) > 0; i++ {
		var variable element
		if variable, d, ok = next(d); !ok {
			return facts
		}
		for j := range nameplate {
			if bytes.HasSuffix(variable.body, []byte(nameplate[j].leaf)) {
				facts[i] = nameplate[j].kind + 1
				break
			}
		}
	}
	return facts
}

// answered takes the request of a response from those that wait.
func (st *state) answered(s *ot.Session, invoke uint32) (p pending, ok bool) {
	side := uint8(1 - s.Side())
	for i := range st.open[:st.n] {
		if p = st.open[i]; p.invoke == invoke && p.side == side {
			copy(st.open[i:], st.open[i+1:st.n])
			st.n--
			return p, true
		}
	}
	return pending{}, false
}

func response(s *ot.Session, st *state, d []byte) {
	invoke, service, ok := confirmed(d)
	if !ok {
		return
	}
	pdu := ot.PDU{Code: kindService | uint64(service.number&0xffff), Direction: ot.Response,
		Class: services[uint8(min(service.number, 255))].class}
	p, asked := st.answered(s, invoke)
	if asked && p.code&0xffff == pdu.Code&0xffff {
		pdu.Code, pdu.Class = p.code, p.class
	}
	s.Emit(pdu)
	switch service.number {
	case serviceIdentify:
		d := service.body
		for range 3 {
			var e element
			if e, d, ok = next(d); !ok || !ot.Printable(e.body) {
				return
			}
			switch e.tag {
			case 0x80:
				s.Tell(ot.FactVendor, e.body)
			case 0x81:
				s.Tell(ot.FactModel, e.body)
			case 0x82:
				s.Tell(ot.FactFirmware, e.body)
			}
		}
	case serviceRead:
		if !asked {
			return
		}
		list, ok := child(service.body, 0xa1)
		if !ok {
			return
		}
		d := list.body
		for _, kind := range p.facts {
			var e element
			if e, d, ok = next(d); !ok {
				return
			}
			if kind > 0 && (e.tag == 0x8a || e.tag == 0x90) && ot.Printable(e.body) { // visible string, MMS string
				s.Tell(kind-1, e.body)
			}
		}
	}
}

// failed tells a confirmed error: 80 invoke id, [81 modifier], A2 { A0 { class, code } }.
func failed(s *ot.Session, st *state, d []byte) {
	id, d, ok := next(d)
	if !ok || id.tag != 0x80 {
		return
	}
	pdu := ot.PDU{Code: kindError, Direction: ot.Error}
	if invoke, ok := integer(id.body); ok {
		if p, ok := st.answered(s, invoke); ok {
			pdu.Code |= flagKnown | p.code&0xffff
			pdu.Class = p.class
		}
	}
	if e, ok := child(d, 0xa2); ok {
		if class, ok := child(e.body, 0xa0); ok {
			if code, _, ok := next(class.body); ok && len(code.body) > 0 {
				pdu.Status, pdu.HasStatus = uint32(code.number)<<8|uint32(code.body[len(code.body)-1]), true
			}
		}
	}
	s.Emit(pdu)
}
