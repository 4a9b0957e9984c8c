package capture

import (
	"bytes"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ownNetwork runs do in a network namespace of its own, where only the loopback is, up.
func ownNetwork(t *testing.T, do func(t *testing.T)) {
	if os.Geteuid() != 0 {
		t.Skip("not root")
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			done <- false
			return
		}
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Close(fd)
		r, err := unix.NewIfreq("lo")
		if err != nil {
			t.Error(err)
			return
		}
		r.SetUint16(unix.IFF_UP)
		if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r); err != nil {
			t.Error(err)
			return
		}
		do(t)
	}()
	if ok, said := <-done; said && !ok {
		t.Skip("no network namespaces here")
	}
}

// sender puts frames on the loopback; only tests send.
type sender struct {
	t  *testing.T
	fd int
	to unix.SockaddrLinklayer
}

func newSender(t *testing.T) *sender {
	dev, err := net.InterfaceByName("lo")
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
	if err != nil {
		t.Error(err)
		runtime.Goexit()
	}
	return &sender{t, fd, unix.SockaddrLinklayer{Ifindex: dev.Index}}
}

func (s *sender) send(frame []byte) {
	if err := unix.Sendto(s.fd, frame, 0, &s.to); err != nil {
		s.t.Error("send:", err)
	}
}

// arp, udp and tagged frames, padded to 60 bytes; mark is the last byte.
func wireFrame(mark byte, rest ...byte) []byte {
	b := make([]byte, 60)
	copy(b, ethernet(rest...))
	b[59] = mark
	return b
}

var (
	typeIP   = []byte{0x08, 0x00, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	typeARP  = []byte{0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1}
	vlan100  = append([]byte{0x81, 0x00, 0x60, 100}, typeIP...)
	priority = append([]byte{0x81, 0x00, 0x80, 0}, typeIP...)
	qinq     = append([]byte{0x88, 0xa8, 0, 7, 0x81, 0x00, 0, 8}, typeIP...)
)

// TestLiveLoopback: every frame comes once, as it was sent: also with VLAN
// tags, which the kernel takes out of it.
func TestLiveLoopback(t *testing.T) {
	sent := [][]byte{
		wireFrame(1, typeIP...), wireFrame(2, vlan100...), wireFrame(3, priority...), wireFrame(4, qinq...), wireFrame(5, typeARP...),
	}
	for _, c := range []struct {
		filter string
		marks  string
	}{
		{"", "\x01\x02\x03\x04\x05"},
		{"ip", "\x01"},
		{"vlan", "\x02\x03\x04"},
		{"vlan 100", "\x02"},
		{"vlan 7 and vlan 8 and host 192.0.2.2", "\x04"},
		{"not arp", "\x01\x02\x03\x04"},
		{"arp", "\x05"},
	} {
		t.Run("filter "+c.filter, func(t *testing.T) {
			ownNetwork(t, func(t *testing.T) {
				s := newSender(t)
				defer unix.Close(s.fd)
				s.send(wireFrame(9, typeIP...)) // before: not to be seen
				l, err := OpenLive([]string{"lo"}, LiveOptions{Filter: c.filter})
				if err != nil {
					t.Error(err)
					return
				}
				for _, f := range sent {
					s.send(f)
				}
				begin := time.Now()
				l.Stop()
				var got string
				var b Batch
				for l.Read(&b) == nil {
					for _, f := range b.Frames {
						mark := f.Data[len(f.Data)-1]
						got += string(rune(mark))
						if mark >= 1 && int(mark) <= len(sent) && !bytes.Equal(f.Data, sent[mark-1]) {
							t.Errorf("frame %d came as\n% x, sent\n% x", mark, f.Data, sent[mark-1])
						}
						if int(f.WireLen) != len(f.Data) {
							t.Errorf("frame %d: %d bytes on the wire", mark, f.WireLen)
						}
						if d := begin.UnixNano() - f.Time; d < 0 || d > int64(time.Minute) {
							t.Errorf("frame %d: time %d, now %d", mark, f.Time, begin.UnixNano())
						}
					}
				}
				if got != c.marks {
					t.Errorf("frames %q came, want %q", got, c.marks)
				}
				if d := l.Dropped(); d != (Drops{}) {
					t.Errorf("dropped %+v", d)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestLiveCountsKernelDrops: a ring that nobody empties drops, and it is said.
func TestLiveCountsKernelDrops(t *testing.T) {
	ownNetwork(t, func(t *testing.T) {
		s := newSender(t)
		defer unix.Close(s.fd)
		l, err := OpenLive([]string{"lo"}, LiveOptions{BatchFrames: 1 << 20})
		if err != nil {
			t.Error(err)
			return
		}
		frame := make([]byte, 60000) // 17 to a block, about 1,100 to a ring
		copy(frame, wireFrame(1, typeIP...))
		const frames = 1500
		for range frames {
			s.send(frame)
		}
		l.Stop()
		read := uint64(0)
		var b Batch
		for l.Read(&b) == nil {
			read += uint64(len(b.Frames))
		}
		d := l.Dropped()
		if d.Kernel == 0 || d.Freezes == 0 || read+d.Kernel != frames {
			t.Errorf("%d sent, %d read, dropped %+v", frames, read, d)
		}
		if got := l.TakeDrops(time.Now().UnixNano()); got != d {
			t.Errorf("by the minute %+v, in all %+v", got, d)
		}
		l.Close()
	})
}

func TestLiveRefuses(t *testing.T) {
	ownNetwork(t, func(t *testing.T) {
		for _, c := range []struct {
			names  []string
			filter string
			want   string
		}{
			{nil, "", "no interface"},
			{[]string{"nosuch0"}, "", `no network interface "nosuch0": there are lo`},
			{[]string{"lo", "lo"}, "", "named twice"},
			{[]string{"lo"}, "ip and", "filter"},
			{[]string{strings.Repeat("x", 300)}, "", "no network interface"},
		} {
			l, err := OpenLive(c.names, LiveOptions{Filter: c.filter})
			if err == nil {
				l.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v %q: %v", c.names, c.filter, err)
			}
		}
	})
}

// TestNothingIsSent: the package has no call that writes to a socket. (That no
// frame leaves is measured in cmd/osect.)
func TestNothingIsSent(t *testing.T) {
	forbidden := "Write Writev Pwrite Pwritev Pwritev2 Send Sendto SendmsgN Sendmsg SendmsgBuffers Sendfile Splice Syscall Syscall6 RawSyscall Dial PACKET_TX_RING"
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, e := range files {
		if !strings.HasPrefix(e.Name(), "live") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		looked++
		f, err := goparser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				for _, name := range strings.Fields(forbidden) {
					if s.Sel.Name == name {
						t.Errorf("%s uses %s", e.Name(), name)
					}
				}
			}
			return true
		})
	}
	if looked < 3 {
		t.Errorf("%d files looked at", looked)
	}
}
