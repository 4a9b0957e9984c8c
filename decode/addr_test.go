package decode

import (
	"math/rand/v2"
	"testing"
)

// TestAddrText: what String writes, ParseAddr reads; Bytes and FromBytes likewise.
func TestAddrText(t *testing.T) {
	cases := []string{"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "fe80::1", "2001:db8::10", "::ffff:192.0.2.1",
		"10::1000:10:10:10", // as long as a MAC, and with as many colons
		"00:11:22:aa:bb:cc", "ff:ff:ff:ff:ff:ff"}
	for _, s := range cases {
		a, err := ParseAddr(s)
		if err != nil || a.String() != s {
			t.Errorf("%s: read as %v, %v", s, a, err)
		}
		b, err := FromBytes(a.Bytes())
		if err != nil || b != a {
			t.Errorf("%s: from bytes %v, %v", s, b, err)
		}
	}
	for _, s := range []string{"", "10.0.0", "00:11:22:aa:bb", "0011:22:aa:bb:ccd", "fe80::1%eth0", "g0:11:22:aa:bb:cc"} {
		if a, err := ParseAddr(s); err == nil {
			t.Errorf("%q: read as %v", s, a)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		a := Addr{r.Uint64() >> r.IntN(64), r.Uint64() >> r.IntN(64)}
		if a.Reserved() {
			continue
		}
		if b, err := ParseAddr(a.String()); err != nil || b != a {
			t.Fatalf("%v: read as %v, %v", a, b, err)
		}
	}
}

// TestAddrOrder: IPv4 before IPv6 before MAC, each by its bytes.
func TestAddrOrder(t *testing.T) {
	order := []string{"0.0.0.0", "10.0.0.1", "10.0.0.2", "::", "::1", "fe80::1", "00:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"}
	for i := range order {
		for j := range order {
			a, _ := ParseAddr(order[i])
			b, _ := ParseAddr(order[j])
			if got, want := a.Compare(b), cmp(uint64(i), uint64(j)); got != want {
				t.Errorf("%s and %s: %d, want %d", order[i], order[j], got, want)
			}
		}
	}
}
