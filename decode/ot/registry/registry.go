// Package registry lists the control protocols that osect decodes. Adding one
// is a package below decode/ot and a line here.
package registry

import (
	"osect/decode/ot"
	"osect/decode/ot/ads"
	"osect/decode/ot/bacnet"
	"osect/decode/ot/ccie"
	"osect/decode/ot/ccief"
	"osect/decode/ot/ccietsn"
	"osect/decode/ot/codesys"
	"osect/decode/ot/dnp3"
	"osect/decode/ot/enip"
	"osect/decode/ot/ethercat"
	"osect/decode/ot/fins"
	"osect/decode/ot/flnet"
	"osect/decode/ot/gesrtp"
	"osect/decode/ot/hartip"
	"osect/decode/ot/iec104"
	"osect/decode/ot/iec61850"
	"osect/decode/ot/knx"
	"osect/decode/ot/lonworks"
	"osect/decode/ot/melsoft"
	"osect/decode/ot/modbus"
	"osect/decode/ot/mqtt"
	"osect/decode/ot/named"
	"osect/decode/ot/opcua"
	"osect/decode/ot/powerlink"
	"osect/decode/ot/profinet"
	"osect/decode/ot/ptp"
	"osect/decode/ot/s7comm"
	"osect/decode/ot/slmp"
	"osect/decode/ot/synchrophasor"
	"osect/decode/ot/toyopuc"
)

// Protocols are all decoders. The order is that of probing where content
// cannot be told apart by itself: the stricter signature first.
var Protocols = []*ot.Protocol{
	&ccief.Protocol,   // SLMP 3E bytes on a port of its own: before SLMP
	&ccietsn.Protocol, // SLMP LMT bytes likewise; 0x890F frames by type: before ccie
	&ccie.Protocol,
	&fins.Protocol,
	&melsoft.Protocol,
	&dnp3.Protocol,
	&profinet.Protocol,
	&synchrophasor.Protocol,
	&iec104.Protocol,
	&ethercat.Protocol,
	&flnet.Protocol,
	&hartip.Protocol,
	&ads.Protocol,
	&mqtt.Protocol,
	&knx.Protocol,
	&powerlink.Protocol,
	&ptp.Protocol,
	&gesrtp.Protocol,
	&lonworks.Protocol,
	&codesys.Protocol,
	&modbus.Protocol,
	&s7comm.Protocol,
	&iec61850.Protocol,
	&enip.Protocol,
	&opcua.Protocol,
	&bacnet.Protocol,
	&slmp.Protocol,
	&named.Fox, // counted by message only, each by a text or a checksum
	&named.C1222,
	&named.DLMS,
	&named.ROC,
	&named.Genisys,
	&named.TriStation,
	&named.RTPS,
	&named.BSAP,
	&named.EGD,
	&named.SBus,
	&named.ESIO,
	&toyopuc.Protocol, // says nothing of itself: last
}
