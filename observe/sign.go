package observe

import (
	"osect/decode"
	"osect/decode/sign"
)

// signEvents are the events of signs.
var signEvents = [sign.NumKinds]EventKind{sign.Refused: EventRefusedLogin, sign.Cleartext: EventCleartext, sign.Default: EventDefault,
	sign.SMB1: EventSMB1, sign.Exploit: EventExploit, sign.Share: EventShare, sign.Name: EventName,
	sign.Tunnel: EventTunnel, sign.NoName: EventNoName, sign.Ask: EventDHCPAsk}

// maxSignEvents is the most events that begin in a minute and shard through signs with an item (names,
// MACs): a tunnel makes one a query, and must not take the place of the others.
const maxSignEvents = maxEvents / 4

// sign makes an event of what was found in the payload of p.
func (s *Shard) sign(x *sign.Sign, p *decode.Packet, t int64, b *bucket, ref FrameRef) {
	src, dst := p.Src, p.Dst
	if x.Answer || x.Kind == sign.SMB1 {
		src, dst = dst, src
	}
	if x.Kind == sign.Ask {
		src, dst = x.MAC.Addr(), p.SrcMAC.Addr()
	}
	if x.Item != 0 || x.Kind == sign.Ask {
		if b.signs >= maxSignEvents {
			b.counters.Dropped[DropEvents]++
			return
		}
		b.signs++
	}
	arg := x.Item
	if arg == 0 {
		arg = hashText(x.Text)
	}
	if e := b.event(signEvents[x.Kind], src, dst, arg, "", t, ref); e != nil {
		e.Text = printable([]byte(x.Words()))
	}
}

// oddFlags says whether no connection begins with these: none, FIN without ACK, FIN with SYN.
func oddFlags(f uint8) bool {
	return f&(decode.SYN|decode.ACK|decode.RST) == 0 || f&(decode.SYN|decode.FIN) == decode.SYN|decode.FIN
}

// scannerSYN says whether a SYN has the form that nmap's has: window 1024 and no option but the MSS.
func scannerSYN(p *decode.Packet) bool {
	return p.Flags&SYNACK == decode.SYN && p.Window == 1024 && p.Payload-p.TCPOpts <= 4
}

// identity makes an event of a fact that names the hardware or program of a device.
func (b *bucket) identity(f *Fact) {
	switch f.Kind {
	case "vendor", "model", "firmware", "serial", "hardware", "software":
	default:
		return
	}
	switch f.Source {
	case "mdns", "ssdp", "wsd", "smb", "browser": // programs on it, not the device
		return
	}
	text := f.Source + " " + f.Kind + "=" + f.Value
	b.event(EventIdentity, f.IP, f.MAC.Addr(), hashText(text), text, f.First, f.Ref)
}

// hashText is FNV-1a.
func hashText[T string | []byte](s T) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
