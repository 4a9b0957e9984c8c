package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"osect/capture"
	"osect/decode"
	"osect/decode/ot"
	"osect/decode/ot/registry"
	"osect/store"
)

type decodeOptions struct {
	number int64
	format string
}

func newDecodeCommand(a *app) *cobra.Command {
	var o decodeOptions
	cmd := &cobra.Command{
		Use:   "decode PATH",
		Short: "Explain one frame of a capture: layers, protocol, function, facts",
		Long: `Explain one frame of a capture: its layers with where they begin, the control
protocol, what each message does, and what the sender says of itself. No store
is needed.

The frame is explained by itself. What only the frames before it would tell (the
beginning of a message, the request of an answer that carries no code) is not
there; osect ot list has it.

EXIT STATUS
  0  done
  2  wrong usage
  3  no such file, not a capture, or it has no such frame
  4  the system failed (permission)`,
		Example: `  osect decode plc.pcap
  osect decode plc.pcap -n 4711
  osect decode plc.pcap -n 4711 --format json`,
		Args: wantArgs(1, 1, "PATH: a capture"),
		RunE: func(cmd *cobra.Command, args []string) error { return runDecode(cmd.Context(), a, o, args[0]) },
	}
	cmd.Flags().Int64VarP(&o.number, "number", "n", 1, "the frame's `N`umber in the file, from 1")
	cmd.Flags().StringVar(&o.format, "format", "table", "table or json")
	return cmd
}

// explained is one frame: what decode --format json prints.
type explained struct {
	Path     string       `json:"path"`
	Number   int64        `json:"number"`
	Time     store.Time   `json:"time"`
	LinkType uint16       `json:"link_type"`
	Length   uint32       `json:"length"`   // on the wire
	Captured int          `json:"captured"` // bytes in the file
	Skipped  string       `json:"skipped"`  // why it is not decoded, "" if it is
	Layers   []layerRow   `json:"layers"`
	Protocol string       `json:"protocol"` // control protocol, "" for none
	Messages []messageRow `json:"messages"`
	Facts    []factRow    `json:"facts"`
}

type layerRow struct {
	Name   string     `json:"name"`
	Offset int        `json:"offset"`
	Length int        `json:"length"`
	Fields []fieldRow `json:"fields"`
}

type fieldRow struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type messageRow struct {
	FunctionCode string `json:"function_code"`
	Function     string `json:"function"`
	Direction    string `json:"direction"`
	Class        string `json:"class"`
	Status       string `json:"status"`
	StatusName   string `json:"status_name"`
	Unit         string `json:"unit"`
}

type factRow struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

func runDecode(ctx context.Context, a *app, o decodeOptions, path string) error {
	if err := checkFormat(o.format, "table", "json"); err != nil {
		return err
	}
	if o.number < 1 {
		return usageErrorf("-n %d: frames are numbered from 1", o.number)
	}
	if path != "-" {
		switch info, err := os.Stat(path); {
		case errors.Is(err, fs.ErrNotExist):
			return inputErrorf("%s: no such file: give a capture", path)
		case err == nil && info.IsDir():
			return usageErrorf("%s is a directory: name one capture", path)
		}
	}
	e, err := findFrame(ctx, a, path, o.number)
	if err != nil {
		return err
	}
	if o.format == "json" {
		return printJSON(a.stdout, e)
	}
	return printFrame(a, e)
}

// findFrame reads a capture as far as frame number n and explains it.
func findFrame(ctx context.Context, a *app, path string, n int64) (*explained, error) {
	set, err := capture.Open(ctx, []string{path}, capture.Options{Stdin: a.stdin})
	if err != nil {
		return nil, err
	}
	defer set.Close()
	var batch capture.Batch
	defer batch.Release()
	for {
		err := set.Read(&batch)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i := range batch.Frames {
			if f := &batch.Frames[i]; f.Number == n {
				return explain(path, f), nil
			}
		}
	}
	info := set.Captures()[0]
	if info.Status != capture.StatusOK && info.Frames == 0 {
		return nil, inputErrorf("%s: %s: %s", path, info.Status, info.Reason)
	}
	why := ""
	if info.Reason != "" {
		why = " (" + info.Reason + ")"
	}
	return nil, inputErrorf("%s has no frame %d: its last is %d%s", path, n, info.Frames, why)
}

// explain copies all it says out of the frame.
func explain(path string, f *capture.Frame) *explained {
	var p decode.Packet
	p.Decode(f.Link, f.Data, f.WireLen)
	e := &explained{
		Path: path, Number: f.Number, Time: store.Time(f.Time), LinkType: f.Link, Length: f.WireLen, Captured: len(f.Data),
		Layers: []layerRow{}, Messages: []messageRow{}, Facts: []factRow{},
	}
	if p.Reason != decode.Decoded {
		e.Skipped = p.Reason.String()
	}
	for _, l := range p.Layers() {
		row := layerRow{Name: l.Name, Offset: l.Offset, Length: l.Length, Fields: []fieldRow{}}
		for _, x := range l.Fields {
			row.Fields = append(row.Fields, fieldRow(x))
		}
		e.Layers = append(e.Layers, row)
	}
	if p.Reason != decode.Decoded {
		return e
	}
	// The innermost packet is what carries a control protocol.
	for range 4 {
		if p.Tunnel == decode.NoTunnel {
			break
		}
		outer := p
		p.DecodeInner(&outer)
		if p.Reason != decode.Decoded {
			return e
		}
	}
	s := &ot.Session{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort}
	proto := recognise(s, &p)
	if proto == nil {
		return e
	}
	e.Protocol = proto.Name
	for _, m := range s.PDUs {
		fn := proto.Function(m.Code)
		row := messageRow{FunctionCode: fn.Code, Function: fn.Name, Direction: m.Direction.String(), Class: m.Class.String()}
		if m.HasStatus && proto.Status != nil {
			row.Status = proto.Status(m.Status)
			if proto.StatusName != nil {
				row.StatusName = proto.StatusName(m.Status)
			}
		}
		if m.HasUnit && proto.Unit != nil {
			row.Unit = proto.Unit(m.Unit)
		}
		e.Messages = append(e.Messages, row)
	}
	for _, x := range s.Facts {
		e.Facts = append(e.Facts, factRow{x.Kind.String(), string(x.Value)})
	}
	return e
}

// recognise finds the control protocol of a packet taken by itself and lets it
// tell its messages to s; nil for none.
func recognise(s *ot.Session, p *decode.Packet) *ot.Protocol {
	if p.IPVersion == 0 {
		if p.L3 <= 0 || p.L3 > p.L3End || p.L3End > len(p.Data) {
			return nil
		}
		s.Src, s.Dst = p.SrcMAC.Addr(), p.DstMAC.Addr()
		s.WireLen = max(int(p.WireLen)-p.L3, p.L3End-p.L3)
		for _, proto := range registry.Protocols {
			for _, t := range proto.EtherTypes {
				if proto.Frame != nil && t == p.NetType && t != 0 && proto.Frame(s, p.Data[p.L3:p.L3End]) {
					return proto
				}
			}
		}
		return nil
	}
	if p.Payload <= 0 || p.Payload >= p.PayloadEnd || p.PayloadEnd > len(p.Data) {
		return nil
	}
	payload := p.Data[p.Payload:p.PayloadEnd]
	udp := p.Proto == decode.ProtoUDP
	if !udp && !p.TCP {
		return nil
	}
	for _, byPort := range []bool{true, false} {
		for _, proto := range registry.Protocols {
			ports, probe := proto.TCPPorts, proto.ProbeStream
			if udp {
				ports, probe = proto.UDPPorts, proto.ProbeDatagram
			}
			port := false
			for _, n := range ports {
				port = port || n == p.SrcPort || n == p.DstPort
			}
			if probe == nil || port != byPort {
				continue
			}
			if probe(payload, ot.Hint{SrcPort: p.SrcPort, DstPort: p.DstPort, Port: port, WireLen: p.PayloadWire}) != ot.Yes {
				continue
			}
			if udp {
				s.WireLen = p.PayloadWire
				proto.Datagram(s, payload)
			} else {
				proto.Stream(s, payload)
			}
			return proto
		}
	}
	return nil
}

func printFrame(a *app, e *explained) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s -n %d  %d B\n", a.clock(int64(e.Time)), clean(e.Path), e.Number, e.Length)
	if e.Captured < int(e.Length) {
		fmt.Fprintln(&b, a.get("cli.decode.cut", "captured", e.Captured))
	}
	if e.Skipped != "" {
		fmt.Fprintln(&b, a.get("cli.decode.skipped", "reason", e.Skipped))
	}
	for _, l := range e.Layers {
		fmt.Fprintf(&b, "%5d  %s (%d B)\n", l.Offset, clean(l.Name), l.Length)
		for _, f := range l.Fields {
			fmt.Fprintf(&b, "         %s: %s\n", clean(f.Name), clean(f.Value))
		}
	}
	if e.Protocol != "" {
		fmt.Fprintf(&b, "\n%s\n", a.or("ot.protocol."+e.Protocol, e.Protocol))
	}
	for _, m := range e.Messages {
		fmt.Fprintf(&b, "  %s %s  %s, %s", clean(m.FunctionCode), clean(m.Function), a.get("ot.direction."+m.Direction), a.get("ot.class."+m.Class))
		if m.Unit != "" {
			fmt.Fprintf(&b, ", %s %s", a.heading("unit"), clean(m.Unit))
		}
		if m.Status != "" {
			fmt.Fprintf(&b, ", %s %s", a.heading("status"), clean(strings.TrimSpace(m.Status+" "+m.StatusName)))
		}
		b.WriteString("\n")
	}
	for _, f := range e.Facts {
		fmt.Fprintf(&b, "  %s: %s\n", f.Kind, clean(f.Value))
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}
