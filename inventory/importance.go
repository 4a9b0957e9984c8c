package inventory

import "math/bits"

// importanceOf is what a role alone is worth.
var importanceOf = map[string]int{
	RolePLC: 50, RoleEngineering: 50, RoleHMI: 45, RoleNetwork: 45, RoleServer: 40, RoleIO: 35,
	RoleClient: 15, RolePrinter: 10, RoleCamera: 10, RoleUnknown: 10, RoleExternal: 5,
}

// Importance is how much depends on a device, 0 to 100:
//
//	role + min(25, 5·log2(1+clients)) + min(15, 5·log2(1+targets)) + 10 if it is a router
//
// role: PLC and engineering workstation 50, HMI and network equipment 45,
// server 40, I/O 35, client 15, printer, camera and unknown 10, external 5.
// clients is the number of devices that use a service of it and were answered, targets of
// those that it writes to or controls by an OT protocol. log2 is rounded down.
func Importance(d *Device, clients, targets int) int {
	n := importanceOf[d.Role] + min(25, 5*log2(1+clients)) + min(15, 5*log2(1+targets))
	if d.Router {
		n += 10
	}
	return min(100, n)
}

func log2(n int) int { return bits.Len(uint(n)) - 1 }
