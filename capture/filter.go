package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/net/bpf"
)

// filter is a compiled pcap-filter(7) expression: a tree, and a BPF program
// for each link type met so far. It matches what libpcap's would, also where
// that surprises: a frame too short for a load does not match, whatever stands
// around it, and after "vlan" everything that follows looks behind the tag.
type filter struct {
	root     *node
	mu       sync.Mutex
	programs map[uint16][]bpf.RawInstruction
	// The program of the last frame's link type; Set.Read is one goroutine.
	link    uint16
	program []bpf.RawInstruction
}

// compileFilter compiles expr. Its error says what was not understood.
func compileFilter(expr string) (*filter, error) {
	root, err := parseFilter(expr)
	if err != nil {
		return nil, err
	}
	f := &filter{root: root, programs: make(map[uint16][]bpf.RawInstruction)}
	for _, link := range []uint16{linkEthernet, linkRaw} {
		if _, err := f.compile(link); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// compile returns the program for a link type, nil where the filter knows no
// such link type.
func (f *filter) compile(link uint16) ([]bpf.RawInstruction, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if p, ok := f.programs[link]; ok {
		return p, nil
	}
	var program []bpf.RawInstruction
	if shape, ok := shapes[link]; ok {
		g := &generator{shape: shape}
		yes, no := g.label(), g.label()
		if err := g.tree(f.root, yes, no); err != nil {
			return nil, err
		}
		g.place(yes)
		g.emit(bpf.RetConstant{Val: maxFrame})
		g.place(no)
		g.emit(bpf.RetConstant{Val: 0})
		var err error
		if program, err = g.assemble(); err != nil {
			return nil, err
		}
	}
	f.programs[link] = program
	return program, nil
}

// match reports whether a frame passes. A link type that the filter does not
// know never does.
func (f *filter) match(link uint16, data []byte, wireLen uint32) bool {
	if link != f.link || f.program == nil {
		program, err := f.compile(link)
		if err != nil || program == nil {
			return false
		}
		f.link, f.program = link, program
	}
	return runBPF(f.program, data, wireLen)
}

// LINKTYPE_ numbers that filters know.
const (
	linkNull     = 0
	linkEthernet = 1
	linkPPP      = 9
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkPPPDir   = 204
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// shape is where a link type keeps what a filter asks for.
type shape struct {
	kind    shapeKind
	typeOff uint32 // of the protocol's number
	netOff  uint32 // of the network header
}

type shapeKind int

const (
	shapeEtherType shapeKind = iota // the number is an EtherType
	shapePPP                        // … a PPP protocol
	shapeFamily                     // … an address family, in either byte order
	shapeVersion                    // there is none: the IP version says
	shapeIPv4
	shapeIPv6
)

var shapes = map[uint16]shape{
	linkNull:     {shapeFamily, 0, 4},
	linkEthernet: {shapeEtherType, 12, 14},
	linkPPP:      {shapePPP, 2, 4},
	12:           {shapeVersion, 0, 0},
	14:           {shapeVersion, 0, 0},
	50:           {shapePPP, 2, 4},
	linkRaw:      {shapeVersion, 0, 0},
	linkLoop:     {shapeFamily, 0, 4},
	linkSLL:      {shapeEtherType, 14, 16},
	linkPPPDir:   {shapePPP, 3, 5},
	linkIPv4:     {shapeIPv4, 0, 0},
	linkIPv6:     {shapeIPv6, 0, 0},
	linkSLL2:     {shapeEtherType, 0, 20},
}

const (
	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherRARP = 0x8035
	etherIPv6 = 0x86dd
)

// node is a part of an expression that is true or false.
type node struct {
	op    nodeOp
	a, b  *node
	vlans uint32 // tags that "vlan" has passed before

	val  uint32 // opEther: EtherType; opField: what to compare with
	base base
	off  uint32 // opField: from base, bytes
	size int    // 1, 2 or 4 bytes
	mask uint32 // 0: all bits
	test bpf.JumpTest

	x, y *term // opRelation
}

type nodeOp int

const (
	opAnd      nodeOp = iota
	opOr              //
	opNot             // a
	opEther           // the network protocol is EtherType val
	opMAC             // the link type has MAC addresses (Ethernet)
	opVLAN            // there is a tag
	opField           // field test val
	opRelation        // x test y
)

// base is where an offset counts from.
type base int

const (
	baseLink      base = iota // the frame's first byte
	baseNet                   // network header
	baseTransport             // behind the IPv4 header, whatever its length
)

// term is a part of an expression that is a number.
type term struct {
	op    byte // '#' number, 'l' length, '[' load, '-' with b nil: negation, or an operator
	val   uint32
	a, b  *term // operands; a is the index of a load
	base  base
	off   uint32
	size  int
	vlans uint32
	alu   bpf.ALUOp
}

func and(nodes ...*node) *node { return join(opAnd, nodes) }
func or(nodes ...*node) *node  { return join(opOr, nodes) }

func join(op nodeOp, nodes []*node) *node {
	n := nodes[0]
	for _, m := range nodes[1:] {
		n = &node{op: op, a: n, b: m}
	}
	return n
}

// generator turns a tree into BPF for one shape.
type generator struct {
	shape shape
	code  []line
	next  int
}

// line is an instruction, a conditional jump with two labels, or a label.
type line struct {
	ins     bpf.Instruction
	jump    bool
	test    bpf.JumpTest
	val     uint32
	withX   bool
	yes, no int
	label   int // > 0: stands here
}

func (g *generator) label() int               { g.next++; return g.next }
func (g *generator) place(label int)          { g.code = append(g.code, line{label: label}) }
func (g *generator) emit(ins bpf.Instruction) { g.code = append(g.code, line{ins: ins}) }
func (g *generator) branch(test bpf.JumpTest, val uint32, yes, no int) {
	g.code = append(g.code, line{jump: true, test: test, val: val, yes: yes, no: no})
}

// always jumps to label.
func (g *generator) always(label int) {
	g.emit(bpf.LoadConstant{Dst: bpf.RegA})
	g.branch(bpf.JumpEqual, 0, label, label)
}

// netOff is where the network header is behind so many VLAN tags.
func (g *generator) netOff(vlans uint32) uint32 { return g.shape.netOff + 4*vlans }

func (g *generator) typeOff(vlans uint32) uint32 {
	if vlans == 0 {
		return g.shape.typeOff
	}
	return g.shape.netOff + 4*vlans - 2
}

// tree writes code that goes to yes where n is true, else to no.
func (g *generator) tree(n *node, yes, no int) error {
	switch n.op {
	case opAnd, opOr:
		next := g.label()
		var err error
		if n.op == opAnd {
			err = g.tree(n.a, next, no)
		} else {
			err = g.tree(n.a, yes, next)
		}
		if err != nil {
			return err
		}
		g.place(next)
		return g.tree(n.b, yes, no)
	case opNot:
		return g.tree(n.a, no, yes)
	case opEther:
		g.ether(n, yes, no)
	case opMAC:
		if g.shape != shapes[linkEthernet] {
			g.always(no)
		} else {
			g.always(yes)
		}
	case opVLAN:
		if g.shape.kind != shapeEtherType {
			g.always(no)
			break
		}
		g.emit(bpf.LoadAbsolute{Off: g.typeOff(n.vlans), Size: 2})
		for _, tag := range []uint32{0x8100, 0x88a8} {
			next := g.label()
			g.branch(bpf.JumpEqual, tag, yes, next)
			g.place(next)
		}
		g.branch(bpf.JumpEqual, 0x9100, yes, no)
	case opField:
		switch n.base {
		case baseLink:
			g.emit(bpf.LoadAbsolute{Off: n.off, Size: n.size})
		case baseNet:
			g.emit(bpf.LoadAbsolute{Off: g.netOff(n.vlans) + n.off, Size: n.size})
		case baseTransport:
			g.emit(bpf.LoadMemShift{Off: g.netOff(n.vlans)})
			g.emit(bpf.LoadIndirect{Off: g.netOff(n.vlans) + n.off, Size: n.size})
		}
		if n.mask != 0 {
			g.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: n.mask})
		}
		g.branch(n.test, n.val, yes, no)
	case opRelation:
		if err := g.term(n.y, 0); err != nil {
			return err
		}
		g.emit(bpf.StoreScratch{Src: bpf.RegA, N: 0})
		if err := g.term(n.x, 1); err != nil {
			return err
		}
		g.emit(bpf.LoadScratch{Dst: bpf.RegX, N: 0})
		g.code = append(g.code, line{jump: true, withX: true, test: n.test, yes: yes, no: no})
	}
	return nil
}

// ether tests the network protocol.
func (g *generator) ether(n *node, yes, no int) {
	kind := g.shape.kind
	if n.vlans > 0 && kind != shapeEtherType {
		g.always(no)
		return
	}
	oneOf := func(values ...uint32) {
		for _, v := range values[:len(values)-1] {
			next := g.label()
			g.branch(bpf.JumpEqual, v, yes, next)
			g.place(next)
		}
		g.branch(bpf.JumpEqual, values[len(values)-1], yes, no)
	}
	isIPv4, isIPv6 := n.val == etherIPv4, n.val == etherIPv6
	switch {
	case kind == shapeEtherType:
		g.emit(bpf.LoadAbsolute{Off: g.typeOff(n.vlans), Size: 2})
		g.branch(bpf.JumpEqual, n.val, yes, no)
	case !isIPv4 && !isIPv6:
		g.always(no)
	case kind == shapePPP:
		g.emit(bpf.LoadAbsolute{Off: g.shape.typeOff, Size: 2})
		if isIPv4 {
			oneOf(0x0021)
		} else {
			oneOf(0x0057)
		}
	case kind == shapeFamily:
		g.emit(bpf.LoadAbsolute{Off: g.shape.typeOff, Size: 4})
		if isIPv4 { // AF_INET is 2 everywhere
			oneOf(2, 2<<24)
		} else { // AF_INET6: Linux 10, BSD 24 and 28, macOS 30
			oneOf(10, 24, 28, 30, 10<<24, 24<<24, 28<<24, 30<<24)
		}
	case kind == shapeVersion:
		g.emit(bpf.LoadAbsolute{Off: g.shape.netOff, Size: 1})
		g.emit(bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: 0xf0})
		if isIPv4 {
			oneOf(0x40)
		} else {
			oneOf(0x60)
		}
	case kind == shapeIPv4 && isIPv4 || kind == shapeIPv6 && isIPv6:
		g.always(yes)
	default:
		g.always(no)
	}
}

// term writes code that leaves t's value in A, using scratch cells from depth
// on.
func (g *generator) term(t *term, depth int) error {
	if depth > 14 {
		return errors.New("arithmetic is nested too deeply")
	}
	switch t.op {
	case '#':
		g.emit(bpf.LoadConstant{Dst: bpf.RegA, Val: t.val})
	case 'l':
		g.emit(bpf.LoadExtension{Num: bpf.ExtLen})
	case '[':
		if err := g.term(t.a, depth); err != nil {
			return err
		}
		off := t.off
		if t.base != baseLink {
			off += g.netOff(t.vlans)
		}
		if t.base == baseTransport {
			g.emit(bpf.LoadMemShift{Off: g.netOff(t.vlans)})
			g.emit(bpf.ALUOpX{Op: bpf.ALUOpAdd})
		}
		g.emit(bpf.TAX{})
		g.emit(bpf.LoadIndirect{Off: off, Size: t.size})
	default:
		if err := g.term(t.b, depth); err != nil {
			return err
		}
		g.emit(bpf.StoreScratch{Src: bpf.RegA, N: depth})
		if err := g.term(t.a, depth+1); err != nil {
			return err
		}
		g.emit(bpf.LoadScratch{Dst: bpf.RegX, N: depth})
		g.emit(bpf.ALUOpX{Op: t.alu})
	}
	return nil
}

// assemble settles the jumps: conditional ones reach 255 instructions, so a
// long program takes three instructions for each.
func (g *generator) assemble() ([]bpf.RawInstruction, error) {
	for _, far := range []bool{false, true} {
		width := func(l line) int {
			switch {
			case l.label > 0:
				return 0
			case l.jump && far:
				return 3
			}
			return 1
		}
		at := make([]int, g.next+1)
		n := 0
		for _, l := range g.code {
			if l.label > 0 {
				at[l.label] = n
			}
			n += width(l)
		}
		if n > 4096 { // as in Linux
			return nil, fmt.Errorf("the expression is too long (%d instructions, at most 4096)", n)
		}
		var out []bpf.Instruction
		fits := true
		cond := func(l line, yes, no int) bpf.Instruction {
			if l.withX {
				return bpf.JumpIfX{Cond: l.test, SkipTrue: uint8(yes), SkipFalse: uint8(no)}
			}
			return bpf.JumpIf{Cond: l.test, Val: l.val, SkipTrue: uint8(yes), SkipFalse: uint8(no)}
		}
		for _, l := range g.code {
			switch {
			case l.label > 0:
			case l.jump && far:
				out = append(out, cond(l, 0, 1))
				out = append(out, bpf.Jump{Skip: uint32(at[l.yes] - len(out) - 1)})
				out = append(out, bpf.Jump{Skip: uint32(at[l.no] - len(out) - 1)})
			case l.jump:
				yes, no := at[l.yes]-len(out)-1, at[l.no]-len(out)-1
				fits = fits && yes <= 255 && no <= 255
				out = append(out, cond(l, yes, no))
			default:
				out = append(out, l.ins)
			}
		}
		if fits {
			return bpf.Assemble(out)
		}
	}
	return nil, errors.New("the expression is too long")
}

// runBPF runs a program that bpf.Assemble made of what generator writes, and
// reports whether it keeps the frame. (bpf.VM takes several times as long, and
// its length is that of the captured bytes.)
func runBPF(program []bpf.RawInstruction, data []byte, wireLen uint32) bool {
	var a, x uint32
	var mem [16]uint32
	for pc := 0; pc < len(program); pc++ {
		ins := &program[pc]
		k := ins.K
		switch ins.Op {
		case 0x30, 0x50, 0x28, 0x48, 0x20, 0x40: // ld [k], ld [x+k] of 1, 2, 4 bytes
			off := uint64(k)
			if ins.Op&0x40 != 0 {
				off += uint64(x)
			}
			switch ins.Op & 0x18 {
			case 0x10:
				if off >= uint64(len(data)) {
					return false
				}
				a = uint32(data[off])
			case 0x08:
				if off+2 > uint64(len(data)) {
					return false
				}
				a = uint32(binary.BigEndian.Uint16(data[off:]))
			default:
				if off+4 > uint64(len(data)) {
					return false
				}
				a = binary.BigEndian.Uint32(data[off:])
			}
		case 0xb1: // ldx 4*([k]&0xf)
			if uint64(k) >= uint64(len(data)) {
				return false
			}
			x = 4 * uint32(data[k]&0xf)
		case 0x00:
			a = k
		case 0x80:
			a = wireLen
		case 0x60:
			a = mem[k&15]
		case 0x61:
			x = mem[k&15]
		case 0x02:
			mem[k&15] = a
		case 0x07:
			x = a
		case 0x54:
			a &= k
		case 0x0c:
			a += x
		case 0x1c:
			a -= x
		case 0x2c:
			a *= x
		case 0x3c, 0x9c:
			if x == 0 {
				return false
			}
			if ins.Op == 0x3c {
				a /= x
			} else {
				a %= x
			}
		case 0x4c:
			a |= x
		case 0x5c:
			a &= x
		case 0x6c:
			a <<= x // a shift of 32 or more leaves 0
		case 0x7c:
			a >>= x
		case 0xac:
			a ^= x
		case 0x05:
			pc += int(k)
		case 0x15, 0x1d, 0x25, 0x2d, 0x35, 0x3d:
			if ins.Op&0x08 != 0 {
				k = x
			}
			var is bool
			switch ins.Op & 0xf0 {
			case 0x10:
				is = a == k
			case 0x20:
				is = a > k
			default:
				is = a >= k
			}
			if is {
				pc += int(ins.Jt)
			} else {
				pc += int(ins.Jf)
			}
		case 0x06:
			return k != 0
		default:
			return false
		}
	}
	return false
}
