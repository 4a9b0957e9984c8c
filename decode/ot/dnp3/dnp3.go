// Package dnp3 decodes DNP3 (IEEE 1815) over TCP and UDP: link frames, the
// transport function and application fragments.
//
// README.md says how it is recognised and where it is wrong.
package dnp3

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"osect/decode/ot"
)

// Protocol describes DNP3 to the registry.
var Protocol = ot.Protocol{
	Name:          "dnp3",
	Title:         "DNP3",
	TCPPorts:      []uint16{20000},
	UDPPorts:      []uint16{20000},
	ProbeDatagram: probeDatagram,
	ProbeStream:   probeStream,
	Datagram:      datagram,
	Stream:        stream,
	Function:      function,
	Status:        func(status uint32) string { return fmt.Sprintf("%04x", uint16(status)) },
	StatusName:    statusName,
	Unit:          func(unit uint64) string { return strconv.FormatUint(unit, 10) },
	Table:         table(),
}

// probe says whether p begins with a link frame: its checksum and a link
// function that exists. That is strict enough for any port.
func probe(p []byte) ot.Verdict {
	switch n := frameSize(p); {
	case n < 0:
		return ot.No
	case n == 0:
		return ot.More
	case !linkFunctions[p[3]&(primary|0x0f)]:
		return ot.No
	}
	return ot.Yes
}

func probeDatagram(p []byte, _ ot.Hint) ot.Verdict {
	if probe(p) == ot.Yes {
		return ot.Yes
	}
	return ot.No
}

// maxPrefix is how many bytes before the first frame a probe passes over on the
// protocol's port: a capture may begin with the byte of a TCP keep-alive.
const maxPrefix = 4

func probeStream(p []byte, h ot.Hint) ot.Verdict {
	if h.Port && len(p) > 1 {
		if at := find(p[:min(len(p), maxPrefix+linkHead)]); at <= maxPrefix && frameSize(p[at:]) > 0 {
			p = p[at:]
		}
	}
	return probe(p)
}

func datagram(s *ot.Session, p []byte) {
	for len(p) > 0 {
		n := frameSize(p)
		if n <= 0 || n > len(p) {
			return
		}
		link(s, p[:n])
		p = p[n:]
	}
}

// stream skips what is no link frame up to the next one: outstations behind
// serial gateways are heard with noise.
func stream(s *ot.Session, p []byte) int {
	done := 0
	if s.Gap {
		if st, ok := s.State.(*state); ok {
			st.side(s).lost()
		}
	}
	for done < len(p) {
		n := frameSize(p[done:])
		switch {
		case n < 0:
			skip := find(p[done:])
			if done == 0 && skip == len(p) {
				return -1
			}
			done += skip
			continue
		case n == 0, len(p)-done < n:
			return done
		}
		link(s, p[done:done+n])
		done += n
	}
	return done
}

const (
	// maxPartners is how many pairs of stations a direction of a connection
	// remembers; the oldest is forgotten for a new one.
	maxPartners = 8
	// maxFragment is the most of an application fragment that is kept: the
	// standard's own limit.
	maxFragment = 2048
)

// state is what a connection remembers, by direction.
type state struct{ sides [2]side }

// side is one direction: the fragments that wait for their rest, by the stations.
type side struct {
	partners [maxPartners]partner
	next     int
	station  int // station number told last, + 1
}

// partner is one pair of stations.
type partner struct {
	key  uint32 // destination and source
	open bool   // segments came, the last is to come
	seq  byte   // of the last segment
	data []byte
}

func (st *state) side(s *ot.Session) *side {
	return &st.sides[s.Side()]
}

func (d *side) lost() {
	for i := range d.partners {
		d.partners[i].open = false
	}
}

// of gives the pair of stations; where it is new and create is false, nil.
func (d *side) of(key uint32, create bool) *partner {
	for i := range d.partners {
		if p := &d.partners[i]; p.key == key && p.data != nil {
			return p
		}
	}
	if !create {
		return nil
	}
	p := &d.partners[d.next%maxPartners]
	d.next++
	p.key, p.open = key, false
	if p.data == nil {
		p.data = make([]byte, 0, 512)
	}
	return p
}

func stateOf(s *ot.Session) *state {
	st, ok := s.State.(*state)
	if !ok {
		st = new(state)
		s.State = st
	}
	return st
}

// Transport header: bit 7 marks the last segment of a fragment, bit 6 the
// first, the rest counts segments.
const (
	lastSegment  = 0x80
	firstSegment = 0x40
	sequenceMask = 0x3f
)

// link handles a whole link frame whose header is checked.
func link(s *ot.Session, frame []byte) {
	control := frame[3]
	if f := control & (primary | 0x0f); f != primary|confirmedData && f != primary|userData {
		return
	}
	var buf [maxUser]byte
	u := user(&buf, frame)
	if len(u) < 2 {
		return
	}
	st := stateOf(s).side(s)
	key := binary.LittleEndian.Uint32(frame[4:])
	first, last := u[0]&firstSegment != 0, u[0]&lastSegment != 0
	seq, data := u[0]&sequenceMask, u[1:]
	p := st.of(key, first && !last)
	if first {
		if p != nil {
			p.open = !last
		}
		if last {
			fragment(s, st, control, key, data)
			return
		}
		p.seq, p.data = seq, append(p.data[:0], data...)
		return
	}
	switch {
	case p == nil || !p.open:
		return // the beginning was not seen
	case seq == p.seq:
		return // the same segment again
	case seq != (p.seq+1)&sequenceMask:
		p.open = false
		return
	}
	p.seq = seq
	p.data = append(p.data, data[:min(len(data), maxFragment-len(p.data))]...)
	if last {
		p.open = false
		fragment(s, st, control, key, p.data)
	}
}

// Function codes that are used by name.
const (
	confirm     = 0x00
	readData    = 0x01
	write       = 0x02
	response    = 0x81
	unsolicited = 0x82
	authAnswer  = 0x83
)

const (
	groupShift = 8    // PDU.Code: the group of the first object, where it changes the name
	groupTime  = 50   // time and date
	groupIIN   = 80   // internal indications
	groupAttr  = 0    // device attributes
	iinError   = 0x07 // second byte of the internal indications: function, object, parameter refused
)

// fragment tells one application fragment: control 1, function 1, in
// responses the internal indications 2, then objects.
func fragment(s *ot.Session, d *side, control byte, key uint32, p []byte) {
	if len(p) < 2 {
		return
	}
	fn := p[1]
	destination, source := uint16(key), uint16(key>>16)
	f := functions[fn]
	pdu := ot.PDU{Code: uint64(fn), Class: f.class, HasUnit: true, Direction: ot.Request}
	// The unit is the outstation's address.
	if control&fromMaster != 0 {
		s.Client = ot.ClientSender
		pdu.Unit = uint64(destination)
	} else {
		s.Client = ot.ClientReceiver
		pdu.Unit = uint64(source)
	}
	objects := p[2:]
	switch fn {
	case confirm:
		pdu.Direction = ot.None
	case response, unsolicited, authAnswer:
		pdu.Direction = ot.Response
		if fn == unsolicited {
			pdu.Direction = ot.None
		}
		if len(objects) >= 2 {
			pdu.Status, pdu.HasStatus = uint32(binary.BigEndian.Uint16(objects)), true
			if objects[1]&iinError != 0 {
				pdu.Direction = ot.Error
			}
			objects = objects[2:]
		}
	case readData:
		if len(objects) > 2 && objects[0] == groupAttr {
			pdu.Class = ot.Identity
		}
	case write:
		if len(objects) > 0 && (objects[0] == groupTime || objects[0] == groupIIN) {
			pdu.Code |= uint64(objects[0]) << groupShift
			if objects[0] == groupTime {
				pdu.Class = ot.Control
			}
		}
	}
	s.Emit(pdu)
	if d.station != int(source)+1 && source < 0xfff0 { // above are reserved and broadcast addresses
		d.station = int(source) + 1
		var buf [8]byte
		s.Tell(ot.FactStation, strconv.AppendUint(buf[:0], uint64(source), 10))
	}
	if pdu.Direction == ot.Response {
		attributes(s, objects)
	}
}

// attributes tells the device attributes (group 0) that stand at the beginning of a
// response's objects. Each: group 1, variation 1, qualifier 00 (one-byte range), start,
// stop, data type 1, length 1, value.
func attributes(s *ot.Session, p []byte) {
	for len(p) >= 7 && p[0] == groupAttr && p[2] == 0 && p[3] == p[4] {
		n := int(p[6])
		if n > len(p)-7 {
			return
		}
		if kind, ok := attributeFacts[p[1]]; ok && p[5] == 1 { // visible string
			s.Tell(kind, ot.Text(p[7:7+n]))
		}
		p = p[7+n:]
	}
}

// attributeFacts by variation of group 0.
var attributeFacts = map[byte]ot.FactKind{
	252: ot.FactVendor, 250: ot.FactModel, 242: ot.FactFirmware, 248: ot.FactSerial, 247: ot.FactName,
}

func function(code uint64) ot.Function {
	fn := byte(code)
	f := ot.Function{Code: strconv.Itoa(int(fn)), Name: functions[fn].name}
	switch {
	case f.Name == "":
		f.Name = fmt.Sprintf("unknown 0x%02x", fn)
	case code>>groupShift == groupTime:
		f.Name = "write time and date"
	case code>>groupShift == groupIIN:
		f.Name = "write internal indications"
	}
	return f
}

// statusName lists the internal indications that are set.
func statusName(status uint32) string {
	var set []string
	for i, name := range indications {
		// First byte first, each from its lowest bit.
		bit := uint32(1) << (i % 8)
		if i < 8 {
			bit <<= 8
		}
		if status&bit != 0 && name != "" {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}
