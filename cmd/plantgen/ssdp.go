package main

import "fmt"

// ssdpSearch multicasts an M-SEARCH (UPnP device architecture 1.0).
func (w *world) ssdpSearch(t int64, n *node) {
	w.udpTo(t, n, n.ephemeral(), ip4{239, 255, 255, 250}, 1900, []byte("M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"+
		"MAN: \"ssdp:discover\"\r\nMX: 1\r\nST: upnp:rootdevice\r\nUSER-AGENT: Microsoft-Windows/10.0 UPnP/1.0\r\n\r\n"))
}

// ssdpNotify multicasts ssdp:alive.
func (w *world) ssdpNotify(t int64, n *node, server string) {
	w.udpTo(t, n, 1900, ip4{239, 255, 255, 250}, 1900, fmt.Appendf(nil, "NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n"+
		"CACHE-CONTROL: max-age=1800\r\nLOCATION: http://%s/desc.xml\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n"+
		"SERVER: %s\r\nUSN: uuid:%s::upnp:rootdevice\r\n\r\n", n.ip, server, n.mac))
}
