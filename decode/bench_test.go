package decode

import (
	"path/filepath"
	"testing"
)

// benchFrames gives Ethernet frames of shared captures, all in memory, and
// their mean length.
func benchFrames(b *testing.B) ([]frame, float64) {
	dir := sharedCaptures(b)
	var out []frame
	size := 0
	for _, n := range captureFiles(b, dir) {
		if filepath.Dir(n) != "mixed-ot" {
			continue
		}
		for _, f := range readFrames(b, filepath.Join(dir, n)) {
			if f.link == LinkEthernet && len(out) < 50000 {
				out = append(out, f)
				size += len(f.data)
			}
		}
	}
	if len(out) == 0 {
		b.Skip("no-captures")
	}
	return out, float64(size) / float64(len(out))
}

// BenchmarkCaptures reads frames of factory captures one after the other.
func BenchmarkCaptures(b *testing.B) {
	frames, mean := benchFrames(b)
	b.ReportAllocs()
	var p Packet
	for i := 0; b.Loop(); i++ {
		f := &frames[i%len(frames)]
		p.Decode(f.link, f.data, f.wire)
	}
	b.ReportMetric(mean, "bytes/frame")
}

// BenchmarkTCP reads one frame of 500 bytes: Ethernet, IPv4, TCP.
func BenchmarkTCP(b *testing.B) {
	d := make([]byte, 500)
	copy(d, join(eth("0800"), ipv4(486, 6), tcp()))
	b.ReportAllocs()
	var p Packet
	for b.Loop() {
		p.Decode(LinkEthernet, d, 500)
	}
	if !p.TCP {
		b.Fatal("not TCP")
	}
}
