package capture

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The ring of an interface: 64 blocks of 1 MB. 64 MB hold half a second of
// 1 Gbit/s; frames of up to a block go into it whole.
const (
	ringBlocks = 64
	ringBlock  = 1 << 20
	ringFrame  = 1 << 11 // TPACKET_V3 packs frames, the kernel only checks that this divides
)

// OpenLive opens the interfaces and begins to capture, promiscuously: frames
// that come before the first Read wait in the rings. The interfaces must be up
// and of Ethernet framing (the loopback is).
func OpenLive(names []string, opt LiveOptions) (*Live, error) {
	var f *filter
	var program []bpf.RawInstruction
	if opt.Filter != "" {
		var err error
		if f, err = compileFilter(opt.Filter); err == nil {
			program, err = kernelFilter(f)
		}
		if err != nil {
			return nil, fmt.Errorf("filter %q: %w", opt.Filter, err)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no interface was named")
	}
	l := newLive(opt, f)
	for i, name := range names {
		for _, other := range names[:i] {
			if name == other {
				l.Close()
				return nil, fmt.Errorf("interface %s is named twice", name)
			}
		}
		s, err := openSocket(name, program)
		if err != nil {
			l.Close()
			return nil, err
		}
		l.add(name, s)
	}
	return l, nil
}

// socket is a packet socket with a ring that it shares with the kernel.
type socket struct {
	fd     int
	index  int // of the interface
	name   string
	ring   []byte
	blocks [ringBlocks]block
	out    [ringBlocks]atomic.Bool // block is ours and not given back yet
	next   int                     // place of the next block to be filled
}

// openSocket opens the socket of an interface. Until it is bound as the last
// step its protocol is 0, so that it gets nothing: no frame comes before the filter stands.
func openSocket(name string, program []bpf.RawInstruction) (*socket, error) {
	dev, err := net.InterfaceByName(name)
	if err != nil {
		return nil, fmt.Errorf("there is no network interface %q: %s", name, interfaceNames())
	}
	if dev.Flags&net.FlagUp == 0 {
		return nil, fmt.Errorf("interface %s is down: set it up first (ip link set %s up)", name, name)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return nil, fmt.Errorf("no permission to capture on %s: run as root or with the capability CAP_NET_RAW (%w)", name, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: packet socket: %w", name, err)
	}
	s := &socket{fd: fd, index: dev.Index, name: name}
	if err := s.prepare(program, dev.Flags&net.FlagLoopback != 0); err != nil {
		s.close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return s, nil
}

func interfaceNames() string {
	list, err := net.Interfaces()
	if err != nil || len(list) == 0 {
		return "there are none"
	}
	const most = 16
	var names []string
	for i, dev := range list {
		if i == most {
			names = append(names, "…")
			break
		}
		names = append(names, dev.Name)
	}
	return "there are " + strings.Join(names, ", ")
}

func (s *socket) prepare(program []bpf.RawInstruction, loopback bool) error {
	hardware, err := hardwareType(s.fd, s.name)
	if err != nil {
		return err
	}
	if hardware != unix.ARPHRD_ETHER && hardware != unix.ARPHRD_LOOPBACK {
		return fmt.Errorf("its hardware type %d is not Ethernet (%d): it cannot be captured from", hardware, unix.ARPHRD_ETHER)
	}
	if program != nil {
		p := unix.SockFprog{Len: uint16(len(program)), Filter: (*unix.SockFilter)(unsafe.Pointer(&program[0]))}
		if err := unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &p); err != nil {
			return fmt.Errorf("attach the filter: %w", err)
		}
	}
	set := func(what string, level, option, value int) error {
		if err := unix.SetsockoptInt(s.fd, level, option, value); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		return nil
	}
	if err := set("TPACKET_V3", unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return err
	}
	if err := set("room for VLAN tags", unix.SOL_PACKET, unix.PACKET_RESERVE, tagLength); err != nil {
		return err
	}
	if loopback { // else each frame comes twice: when it is sent and when it arrives
		if err := set("ignore outgoing frames", unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return err
		}
	}
	req := unix.TpacketReq3{
		Block_size: ringBlock, Block_nr: ringBlocks,
		Frame_size: ringFrame, Frame_nr: ringBlocks * ringBlock / ringFrame,
		Retire_blk_tov: uint32(retireAfter.Milliseconds()),
	}
	if err := unix.SetsockoptTpacketReq3(s.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return fmt.Errorf("a ring of %d MB: %w", ringBlocks*ringBlock>>20, err)
	}
	ring, err := unix.Mmap(s.fd, 0, ringBlocks*ringBlock, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map the ring: %w", err)
	}
	s.ring = ring
	for i := range s.blocks {
		b := &s.blocks[i]
		b.buf = s.ring[i*ringBlock : (i+1)*ringBlock : (i+1)*ringBlock]
		status, out := statusOf(b), &s.out[i]
		b.free = func() {
			atomic.StoreUint32(status, unix.TP_STATUS_KERNEL)
			out.Store(false) // last: block looks at it first
		}
	}
	// Promiscuous by membership, not by the interface's flag: it ends with the socket.
	m := unix.PacketMreq{Ifindex: int32(s.index), Type: unix.PACKET_MR_PROMISC}
	if err := unix.SetsockoptPacketMreq(s.fd, unix.SOL_PACKET, unix.PACKET_ADD_MEMBERSHIP, &m); err != nil {
		return fmt.Errorf("promiscuous mode: %w", err)
	}
	to := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: s.index}
	if err := unix.Bind(s.fd, to); err != nil {
		return fmt.Errorf("bind: %w", err)
	}
	return nil
}

func networkOrder(v uint16) uint16 {
	b := [2]byte{byte(v >> 8), byte(v)}
	return *(*uint16)(unsafe.Pointer(&b))
}

// hardwareType is the ARPHRD_ number of an interface.
func hardwareType(fd int, name string) (uint16, error) {
	// SIOCGIFHWADDR fills a sockaddr whose family is the type.
	r, err := askInterface(fd, name, unix.SIOCGIFHWADDR)
	if err != nil {
		return 0, fmt.Errorf("ask for the hardware type: %w", err)
	}
	return r.Uint16(), nil
}

func askInterface(fd int, name string, what uint) (*unix.Ifreq, error) {
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = unix.IoctlIfreq(fd, what, r)
	}
	return r, err
}

func statusOf(b *block) *uint32 { return (*uint32)(unsafe.Pointer(&b.buf[blockStatus])) }

func (s *socket) block() *block {
	b := &s.blocks[s.next]
	// The kernel fills blocks in turn and waits for one that has not been given
	// back, which is still marked as ours.
	if s.out[s.next].Load() || atomic.LoadUint32(statusOf(b))&unix.TP_STATUS_USER == 0 {
		return nil
	}
	s.out[s.next].Store(true)
	b.refs.Store(1)
	s.next = (s.next + 1) % ringBlocks
	return b
}

func (s *socket) drops() (Drops, error) {
	// Asking sets the kernel's counters to 0.
	t, err := unix.GetsockoptTpacketStatsV3(s.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return Drops{}, fmt.Errorf("ask for the drops: %w", err)
	}
	return Drops{Kernel: uint64(t.Drops), Freezes: uint64(t.Freeze_q_cnt)}, nil
}

func (s *socket) link() (bool, error) {
	index, err := askInterface(s.fd, s.name, unix.SIOCGIFINDEX)
	if err != nil || index.Uint32() != uint32(s.index) {
		return false, errors.New("the interface is gone: start the capture again when it is back")
	}
	flags, err := askInterface(s.fd, s.name, unix.SIOCGIFFLAGS)
	if err != nil {
		return false, fmt.Errorf("ask for the link: %w", err)
	}
	return flags.Uint16()&unix.IFF_UP != 0, nil
}

func (s *socket) close() error {
	var err error
	if s.ring != nil {
		err = unix.Munmap(s.ring)
		s.ring = nil
	}
	if e := unix.Close(s.fd); err == nil {
		err = e
	}
	return err
}
