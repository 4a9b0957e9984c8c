package observe

import (
	"osect/decode"
	"osect/decode/ot"
)

// Services is an immutable snapshot of the service ports that were learned from
// handshakes: who listens where. It is taken at a close and used by every
// shard from the next close on.
type Services struct {
	set map[service]struct{}
}

type service struct {
	addr  decode.Addr
	port  uint16
	proto uint8
}

// maxServices bounds a snapshot; beyond it no more are learned.
const maxServices = 65536

func (s *Services) has(addr decode.Addr, port uint16, proto uint8) bool {
	if s == nil {
		return false
	}
	_, ok := s.set[service{addr, port, proto}]
	return ok
}

// with returns a snapshot that also holds the services seen in m's
// connections: TCP ends that answered a SYN.
func (s *Services) with(m *Minute) *Services {
	var fresh []service
	for i := range m.Connections {
		c := &m.Connections[i]
		if c.Proto != decode.ProtoTCP || c.State != StateEstablished && c.State != StateClosed {
			continue
		}
		if !s.has(c.Server, c.ServerPort, c.Proto) {
			fresh = append(fresh, service{c.Server, c.ServerPort, c.Proto})
		}
	}
	if len(fresh) == 0 || s != nil && len(s.set) >= maxServices {
		return s
	}
	next := &Services{set: make(map[service]struct{}, len(fresh))}
	if s != nil {
		for k := range s.set {
			next.set[k] = struct{}{}
		}
	}
	for _, k := range fresh {
		if len(next.set) < maxServices {
			next.set[k] = struct{}{}
		}
	}
	return next
}

// knownPorts says which ports are services by themselves: those under 1024, the
// protocols' own, and well-known registered ones (IANA service names). Index: port.
type knownPorts struct {
	rank [2][65536]uint8 // 0 unknown; more says more surely a service, see newKnownPorts
	hint [2]map[uint16][]uint8
}

const (
	overTCP = 0
	overUDP = 1
)

// registered are ports from 1024 on that IANA's list gives to services that
// plants run; both transports.
var registered = []uint16{
	1080, 1194, 1433, 1434, 1521, 1701, 1723, 1812, 1813, 1883, 1900, 1911, 2049, 2082, 2121, 2222, 2375, 2404, 2455, 3128, 3260,
	3268, 3269, 3306, 3389, 3478, 3702, 4369, 4500, 4786, 4840, 4843, 4911, 4987, 5000, 5001, 5004, 5005, 5060, 5061, 5094, 5190, 5222, 5353, 5355, 5357, 5358,
	5432, 5450, 5672, 5683, 5684, 5800, 5900, 5938, 5985, 5986, 6379, 6514, 6667, 7400, 7401, 7680, 8000, 8008, 8080, 8086, 8088, 8443, 8530, 8531,
	8834, 8883, 8888, 9090, 9092, 9100, 9200, 9389, 9418, 9443, 10000, 10001, 11211, 17500, 18245, 18246, 20000, 20547, 27017, 28784, 33434, 34962, 34963, 34964, 34980, 44818, 47808, 47809, 48898, 48899, 50000, 50020, 55000, 55003, 62900,
}

// Where systems take client ports from: BSD, Windows to XP from 1024 to 5000, Linux
// from 32768, others from 49152 (RFC 6335). A port there may be a client's by chance.
const (
	oldEphemeral    = 5000
	ephemeral       = 32768
	rankRegistered  = 1 // a registered port, or a protocol's own where clients' ports are too
	rankProtocol    = 2 // an OT protocol's own
	rankPrivileged  = 3 // below 1024
	firstUnreserved = 1024
)

func newKnownPorts(protocols []*ot.Protocol) *knownPorts {
	k := &knownPorts{hint: [2]map[uint16][]uint8{{}, {}}}
	for t := range k.rank {
		for p := 1; p < firstUnreserved; p++ {
			k.rank[t][p] = rankPrivileged
		}
		for _, p := range registered {
			k.rank[t][p] = rankRegistered
		}
	}
	for i, p := range protocols {
		for t, ports := range [][]uint16{p.TCPPorts, p.UDPPorts} {
			for _, port := range ports {
				switch {
				case port < firstUnreserved:
				case port <= oldEphemeral || port >= ephemeral:
					k.rank[t][port] = rankRegistered
				default:
					k.rank[t][port] = rankProtocol
				}
				k.hint[t][port] = append(k.hint[t][port], uint8(i))
			}
		}
	}
	return k
}

func transport(proto uint8) (t int, ok bool) {
	switch proto {
	case decode.ProtoTCP:
		return overTCP, true
	case decode.ProtoUDP:
		return overUDP, true
	}
	return 0, false
}
