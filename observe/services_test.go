package observe

import (
	"testing"

	"osect/decode/ot"
)

// TestAClientsPortIsNoProtocols: a query from a port that a protocol also uses, but that systems
// give to clients, goes to the name server, not the other way round.
func TestAClientsPortIsNoProtocols(t *testing.T) {
	k := newKnownPorts([]*ot.Protocol{{UDPPorts: []uint16{502, 1025, 5007, 55001}}})
	for _, c := range []struct {
		name           string
		client, server uint16
	}{
		{"a name query from a protocol's port among client ports", 55001, 53},
		{"a protocol's own port below those, to one among them", 55001, 5007},
		{"a protocol's port among client ports, from an unknown one", 60000, 55001},
		{"a protocol's port among the client ports of old systems", 1025, 53},
		{"a protocol's own port, to one below 1024", 5007, 502},
		{"an unknown port, to a protocol's", 40000, 1025},
	} {
		if client, server := k.rank[overUDP][c.client], k.rank[overUDP][c.server]; client >= server {
			t.Errorf("%s: rank %d of %d, %d of %d", c.name, client, c.client, server, c.server)
		}
	}
}
