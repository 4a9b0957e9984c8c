package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// DHCP message types (RFC 2132, option 53).
const (
	dhcpDiscover = 1
	dhcpOffer    = 2
	dhcpRequest  = 3
	dhcpACK      = 5
)

// Option 55 lists and option 60 classes by system, after the asset-facts sheet.
var dhcpPrints = map[string]struct {
	list  []byte
	class string
}{
	"windows": {[]byte{1, 3, 6, 15, 31, 33, 43, 44, 46, 47, 119, 121, 249, 252}, "MSFT 5.0"},
	"linux":   {[]byte{1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42}, ""},
	"mss":     {[]byte{1, 3, 6, 12, 15, 28, 42}, "udhcp 1.24.1"},
}

// dhcpMessage builds a BOOTP message (RFC 2131) with options.
func dhcpMessage(typ uint8, xid uint32, chaddr mac, ciaddr, yiaddr ip4, options []byte) []byte {
	b := make([]byte, 240)
	b[0] = 1
	if typ == dhcpOffer || typ == dhcpACK {
		b[0] = 2
	}
	b[1], b[2] = 1, 6
	binary.BigEndian.PutUint32(b[4:], xid)
	copy(b[12:], ciaddr[:])
	copy(b[16:], yiaddr[:])
	copy(b[28:], chaddr[:])
	copy(b[236:], []byte{0x63, 0x82, 0x53, 0x63})
	b = append(b, 53, 1, typ)
	b = append(b, options...)
	b = append(b, 255)
	for len(b) < 300 {
		b = append(b, 0)
	}
	return b
}

func dhcpClientOptions(n *node, want ip4, server ip4) []byte {
	p := dhcpPrints[n.stack.syn]
	o := cat([]byte{61, 7, 1}, n.mac[:])
	if want != (ip4{}) {
		o = cat(o, []byte{50, 4}, want[:])
	}
	if server != (ip4{}) {
		o = cat(o, []byte{54, 4}, server[:])
	}
	o = cat(o, []byte{12, byte(len(n.name))}, []byte(n.name))
	if p.class != "" {
		o = cat(o, []byte{60, byte(len(p.class))}, []byte(p.class))
	}
	return cat(o, []byte{55, byte(len(p.list))}, p.list)
}

func dhcpServerOptions(server *node, net *subnet, lease uint32) []byte {
	mask := ipFrom(^uint32(0) << (32 - net.bits))
	return cat([]byte{54, 4}, server.ip[:], []byte{51, 4}, binary.BigEndian.AppendUint32(nil, lease),
		[]byte{1, 4}, mask[:], []byte{3, 4}, net.gateway[:], []byte{6, 4}, server.ip[:],
		[]byte{15, byte(len(domain))}, []byte(domain))
}

const leaseSeconds = 8 * 3600

// lease takes n through DISCOVER, OFFER, REQUEST, ACK for address a.
func (w *world) lease(t int64, n, server *node, a ip4, r *rand.Rand) int64 {
	xid := r.Uint32()
	opts := dhcpServerOptions(server, n.net, leaseSeconds)
	zero := &node{name: n.name, mac: n.mac, net: n.net, stack: n.stack, r: n.r}
	w.udpTo(t, zero, 68, ipBroadcast, 67, dhcpMessage(dhcpDiscover, xid, n.mac, ip4{}, ip4{}, dhcpClientOptions(n, ip4{}, ip4{})))
	c := w.comm(a, server.ip, 17, 67)
	reply := func(t int64, typ uint8) {
		m := dhcpMessage(typ, xid, n.mac, ip4{}, a, opts)
		w.emit(t, ipv4Frame(n.mac, server.mac, server.header(a, 17), udpSegment(server.ip, a, 67, 68, m)), c)
	}
	t += between(r, 2*ms, 20*ms)
	reply(t, dhcpOffer)
	t += between(r, 2*ms, 20*ms)
	w.udpTo(t, zero, 68, ipBroadcast, 67, dhcpMessage(dhcpRequest, xid, n.mac, ip4{}, ip4{}, dhcpClientOptions(n, a, server.ip)))
	t += between(r, 2*ms, 20*ms)
	reply(t, dhcpACK)
	return t
}

// renew is the unicast REQUEST and ACK at half the lease.
func (w *world) renew(t int64, n, server *node, r *rand.Rand) {
	xid := r.Uint32()
	c := w.comm(n.ip, server.ip, 17, 67)
	t = w.udp(t, n, 68, server, 67, c, dhcpMessage(dhcpRequest, xid, n.mac, n.ip, ip4{}, dhcpClientOptions(n, ip4{}, ip4{})))
	w.udp(t+server.think(r), server, 67, n, 68, c,
		dhcpMessage(dhcpACK, xid, n.mac, n.ip, n.ip, dhcpServerOptions(server, n.net, leaseSeconds)))
}
