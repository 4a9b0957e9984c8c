// Package inventory makes devices of the addresses and facts that observe saw:
// which addresses are one device, who made it, what it is called, which role it plays
// and how much depends on it. It knows no SQL and no packets.
//
// # What is a device
//
// A device is (site, MAC), or (site, IP) where no MAC of its own is seen: behind
// a router, or in a capture without link layer. Only what sent something is a
// device; group MACs never are. Addresses used one after the other by one MAC (a lease
// that moved) and at the same time (IPv4 and IPv6, aliases) are one device.
// 0.0.0.0, ::, loopback and multicast sources belong to their MAC and are no
// address of it. Public addresses (RFC 6890) that no MAC owns are
// one row, "internet", unless asked for one by one.
//
// # Routers
//
// A router's MAC sends for (and is sent frames for) addresses that are not its
// own. It owns what it claimed by ARP or NDP; the others it carries. DHCP
// is no claim, because it is relayed. A MAC is a router if one of these holds
// (all but the last: function Router):
//
//   - it is a virtual router's: VRRP, CARP, HSRP or GLBP;
//   - it carries a public IPv4 address beside an address that it claimed or
//     a private one;
//   - it carries an address whose packets lost hops on their way (highest TTL 1 to 30
//     below 64, 128 or 255) and which is public or in none of the /24 or /64 that it claimed;
//   - it claimed IPv4 addresses and carries, at the same time, two or more
//     in none of their /24;
//   - it carries, at the same time, five or more IPv4 addresses, or addresses of
//     three or more /24, or of four or more /64;
//   - it carries nothing but public IPv4 addresses at a site where other MACs
//     use private ones.
//
// A MAC that uses a single public address, without lost hops (or with a TTL of 60, where some
// controllers begin), of a /24 that another MAC sends from as well, is none.
//
// A MAC that claimed an IPv4 address while another one had it, which had claimed it before, in the same VLAN, carries
// what it carries by deceit: its role is told by all else (Device.Router stays, since it does carry).
//
// "At the same time" is: first to last seen, 5 minutes added at both sides,
// overlap. Link-local addresses are never carried.
//
// An address that a router carries belongs to the MAC that claimed it or, if
// none did, to a MAC that uses it and is no router; else it is a device of its
// own. An address claimed by two MACs is listed with both. An address sent
// from by a MAC that never claimed it, while another did, is taken for spoofed and not
// listed with the sender.
//
// Where this is wrong: a router seen with a single off-subnet address and
// without lost hops is taken for a host with an alias; a router that answers ARP for
// hosts in whose VLAN it is (proxy ARP) is not told by what it carries; a host with five
// IPv4 aliases and no ARP in the capture is taken for a router; an attacker who
// spoofs private addresses makes devices of them.
package inventory
