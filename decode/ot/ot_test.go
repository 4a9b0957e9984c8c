package ot

import (
	"strings"
	"testing"
)

// TestTell: a fact is copied, cut, and dropped when empty.
func TestTell(t *testing.T) {
	var s Session
	value := []byte("first")
	s.Tell(FactModel, value)
	s.Tell(FactVendor, nil)
	s.Tell(FactName, []byte(strings.Repeat("x", MaxFactLen+1)))
	copy(value, "other")
	if len(s.Facts) != 2 || string(s.Facts[0].Value) != "first" || len(s.Facts[1].Value) != MaxFactLen {
		t.Errorf("%q", s.Facts)
	}
	s.Client, s.Gap = ClientSender, true
	s.Emit(PDU{})
	s.Reset()
	if len(s.PDUs)+len(s.Facts) != 0 || s.Client != ClientUnknown || s.Gap {
		t.Errorf("after Reset: %+v", s)
	}
	if n := testing.AllocsPerRun(100, func() { s.Reset(); s.Tell(FactModel, value); s.Emit(PDU{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNames: every class, direction and fact has a name of its own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for c := range NumClasses {
		seen[c.String()] = true
	}
	for d := range NumDirections {
		seen[d.String()] = true
	}
	for k := range NumFacts {
		seen[k.String()] = true
	}
	if len(seen) != int(NumClasses)+int(NumDirections)+int(NumFacts) || seen[""] {
		t.Errorf("%v", seen)
	}
}
