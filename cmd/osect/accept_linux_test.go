package main

import (
	"encoding/binary"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"osect/observe"
)

// liveAlert is what these tests read of an alert.
type liveAlert struct {
	ID, Kind, Subkind, State string
	SrcIP                    string    `json:"src_ip"`
	SrcMAC                   string    `json:"src_mac"`
	First                    time.Time `json:"first_seen"`
	Last                     time.Time `json:"last_seen"`
}

// must runs osect on the store that is captured into.
func (l *lab) must(args ...string) {
	l.t.Helper()
	if out, err := exec.Command(l.osect, append(args, "--db", l.db)...).CombinedOutput(); err != nil {
		l.t.Errorf("osect %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

// alerts of the store that is captured into.
func (l *lab) alerts() (list []liveAlert) {
	l.t.Helper()
	out, err := exec.Command(l.osect, "alerts", "list", "--db", l.db, "--format", "json", "--all").Output()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := json.Unmarshal(out, &list); err != nil {
		l.t.Fatal(err)
	}
	return list
}

var (
	snmpGet  = []byte{0x30, 0x13, 2, 1, 1, 4, 5, 'p', 'l', '4', 'n', 't', 0xa0, 7, 2, 1, 1, 2, 1, 0, 0}
	finsRead = []byte{0x80, 0, 2, 0, 0x0b, 0, 0, 0x0a, 0, 1, 1, 1, 0x82, 0, 0x64, 0, 0, 1}
	dcpGet   = []byte{0xfe, 0xfd, 3, 0, 0, 0, 0, 9, 0, 0, 0, 2, 2, 2}
)

// TestLiveEvidence: the frames that show an alert of a live capture can be written as a capture.
func TestLiveEvidence(t *testing.T) {
	l := newLab(t)
	r := l.capture("-i", "in", "--detect")
	s := l.sender()
	s.sendFrame(7, 0x0800, datagram(7, 9600, finsRead))
	time.Sleep(300 * time.Millisecond)
	r.stop(syscall.SIGTERM)
	list := l.alerts()
	if len(list) == 0 {
		t.Fatal("no alert")
	}
	for _, a := range list {
		file := filepath.Join(t.TempDir(), "e.pcapng")
		if out, err := exec.Command(l.osect, "alerts", "pcap", a.ID, "-o", file, "--db", l.db).CombinedOutput(); err != nil {
			t.Errorf("%s %s: %v: %s", a.Kind, a.Subkind, err, out)
		}
	}
}

// TestAcceptedWhileCapturing: an alert that is accepted while the capture runs grows no more from the end of the next full
// minute on, whatever raised it; one that is only marked as seen does.
func TestAcceptedWhileCapturing(t *testing.T) {
	if !long() {
		t.Skip("needs minutes: OSECT_LONG=1")
	}
	l := newLab(t)
	r := l.capture("-i", "in", "--detect")
	s := l.sender()
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			for n := byte(1); n <= 2; n++ { // what 1 does is accepted
				s.sendFrame(n, 0x0800, datagram(n, 9600, finsRead))
				s.sendFrame(n, 0x0800, datagram(n, 161, snmpGet))
				s.sendFrame(n, 0x8892, dcpGet)
			}
			select {
			case <-stop:
				return
			case <-time.After(time.Second):
			}
		}
	}()
	begin := time.Unix(0, observe.MinuteOf(time.Now().UnixNano()))
	time.Sleep(time.Until(begin.Add(2*time.Minute + 10*time.Second)))
	mine := func(a *liveAlert) bool { return a.SrcIP == "10.0.0.1" || a.SrcMAC == "02:00:00:00:01:01" }
	before := l.alerts()
	kinds, ids := map[string]bool{}, map[string]bool{}
	accepted := time.Now()
	for i := range before {
		if a := &before[i]; mine(a) {
			l.must("alerts", "accept", a.ID)
			kinds[a.Kind], ids[a.ID] = true, true
		} else if a.SrcIP == "10.0.0.2" {
			ids[a.ID] = true
			l.must("alerts", "ack", a.ID)
		}
	}
	for _, k := range []string{"connected-device", "ip-communication", "ot-ip", "ot-ethernet", "built-in"} {
		if !kinds[k] {
			t.Errorf("no alert of %s to accept", k)
		}
	}
	holds := time.Unix(0, observe.MinuteOf(accepted.UnixNano())+2*observe.MinuteLength)
	time.Sleep(time.Until(holds.Add(75 * time.Second)))
	close(stop)
	<-stopped
	r.stop(syscall.SIGTERM)
	for _, a := range l.alerts() {
		t.Logf("%s %s %s%s %s: %s to %s", a.Kind, a.Subkind, a.SrcIP, a.SrcMAC, a.State, a.First.Local().Format(time.TimeOnly), a.Last.Local().Format(time.TimeOnly))
		switch { // what is raised later, such as mass-read, was not there to accept
		case !ids[a.ID]:
		case mine(&a) && !a.Last.Before(holds):
			t.Errorf("%s %s was accepted at %s and goes on until %s", a.Kind, a.Subkind, accepted, a.Last)
		case !mine(&a) && a.Last.Before(holds):
			t.Errorf("%s %s was not accepted and ends at %s", a.Kind, a.Subkind, a.Last)
		}
	}
}

// TestAcceptAllOrNone: where one of several alerts cannot be accepted, none is, and what to do instead is said.
func TestAcceptAllOrNone(t *testing.T) {
	b := newBench(t)
	o := binary.LittleEndian
	file := o.AppendUint32(append(o.AppendUint16(o.AppendUint16(o.AppendUint32(nil, 0xa1b2c3d4), 2), 4), make([]byte, 8)...), 65535)
	file = o.AppendUint32(file, 1)
	for i := range 30 {
		f := append([]byte{2, 0, 0, 0, 0, 5, 2, 0, 0, 0, 1, 5, 8, 0}, datagram(5, 2000+uint16(i), []byte("0123456789012345678901234567890"))...)
		file = o.AppendUint32(o.AppendUint32(file, 1_700_000_000), uint32(i))
		file = append(o.AppendUint32(o.AppendUint32(file, uint32(len(f))), uint32(len(f))), f...)
	}
	b.write("flood.pcap", file)
	b.must("detect", "--db", b.db, b.path("flood.pcap"))
	var can, cannot string
	for _, al := range b.rows("alerts", "list") {
		switch id := al["id"].(string); al["subkind"] {
		case "many", "many-ports":
			cannot = id
		case "new-mac":
			can = id
		}
	}
	status, _, errs := b.run("alerts", "accept", can, cannot, "--db", b.db)
	if can == "" || cannot == "" || status != 3 || !strings.Contains(errs, "learn that time again") || strings.Count(errs, "\n") != 1 {
		t.Errorf("%q %q: status %d: %s", can, cannot, status, errs)
	}
	if n := len(b.rows("alerts", "list", "--state", "accepted")); n != 0 {
		t.Errorf("%d alerts accepted", n)
	}
}
