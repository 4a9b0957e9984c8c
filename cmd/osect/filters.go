package main

import (
	"cmp"
	"context"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"osect/decode"
	"osect/decode/ot"
	"osect/inventory"
	"osect/store"
)

// deviceFilter are the flags that narrow a listing to devices of a kind.
type deviceFilter struct {
	subnet, vlan, vendor, role string
}

func (d *deviceFilter) addFlags(f *pflag.FlagSet) {
	f.StringVar(&d.subnet, "subnet", "", "only this `prefix`, such as 192.0.2.0/24")
	f.StringVar(&d.vlan, "vlan", "", "only this VLAN: a `number`, or none for untagged")
	f.StringVar(&d.vendor, "vendor", "", "only devices whose vendor has this `text` in it")
	if f.Lookup("role") == nil {
		f.StringVar(&d.role, "role", "", "only devices of this `role`, such as plc or hmi")
	}
}

// narrow refuses values that are none, and lets --subnet take the place of --address.
func (d *deviceFilter) narrow(w *where) error {
	if d.subnet != "" {
		p, err := netip.ParsePrefix(d.subnet)
		switch {
		case err != nil:
			return usageErrorf("--subnet %q: want a prefix such as 192.0.2.0/24", d.subnet)
		case w.address != "":
			return usageErrorf("--subnet and --address exclude each other: --address takes prefixes too")
		}
		w.address = p.Masked().String()
	}
	if _, err := d.tag(); err != nil {
		return err
	}
	return oneOf("role", d.role, inventory.Roles...)
}

// tag is --vlan as a number, decode.NoVLAN for none; nil where it is not given.
func (d *deviceFilter) tag() (*uint16, error) {
	if d.vlan == "" {
		return nil, nil
	}
	tag := uint16(decode.NoVLAN)
	if d.vlan != "none" {
		n, err := strconv.ParseUint(d.vlan, 10, 16)
		if err != nil || n > 4095 {
			return nil, usageErrorf("--vlan %q: want a number from 0 to 4095, or none", d.vlan)
		}
		tag = uint16(n)
	}
	return &tag, nil
}

// holds says whether a device is of the kind; vlan: whether its VLANs count.
func (d *deviceFilter) holds(x *inventory.Device, vlan bool) bool {
	if d.role != "" && x.Role != d.role || !strings.Contains(strings.ToLower(x.Vendor), strings.ToLower(d.vendor)) {
		return false
	}
	if tag, _ := d.tag(); vlan && tag != nil {
		if *tag == decode.NoVLAN {
			return len(x.VLANs) == 0
		}
		return slices.Contains(x.VLANs, *tag)
	}
	return true
}

// ends are the addresses of the devices of the kind: nil where nothing narrows.
func (d *deviceFilter) ends(ctx context.Context, a *app, st *store.Store, f store.Filter, vlan bool) ([]store.End, error) {
	if d.vendor == "" && d.role == "" && (d.vlan == "" || !vlan) {
		return nil, nil
	}
	f.Address = ""
	devices, _, err := a.devices(ctx, st, f, true)
	if err != nil {
		return nil, err
	}
	ends := []store.End{}
	for i := range devices {
		x := &devices[i]
		if !d.holds(x, vlan) {
			continue
		}
		if x.MAC != 0 {
			ends = append(ends, store.End{Site: x.Site, Addr: x.MAC.Addr()})
		}
		for _, ip := range x.IPs {
			ends = append(ends, store.End{Site: x.Site, Addr: ip})
		}
	}
	return ends, nil
}

// endSet is ends as texts, to be asked of rows that are made.
func endSet(ends []store.End) map[[2]string]bool {
	set := map[[2]string]bool{}
	for _, e := range ends {
		set[[2]string{e.Site, e.Addr.String()}] = true
	}
	return set
}

// usesOf are the flags --protocol and --class of listings of devices.
type usesOf struct{ protocol, class string }

func (u *usesOf) addFlags(f *pflag.FlagSet) {
	f.StringVar(&u.protocol, "protocol", "", "only devices that spoke this `protocol`: tcp, udp, a control protocol such as modbus-tcp")
	f.StringVar(&u.class, "class", "", "only devices that sent or got operations of this `class`, such as write")
}

func (u *usesOf) checkClass() error {
	var classes []string
	for c := range ot.NumClasses {
		classes = append(classes, c.String())
	}
	return oneOf("class", u.class, classes...)
}

// holds says whether a device did so.
func (u *usesOf) holds(d *inventory.Device, in *inventory.Input) bool {
	own := func(end decode.Addr, mac decode.MAC) bool {
		if end.IsMAC() {
			return d.MAC != 0 && end == d.MAC.Addr()
		}
		return slices.Contains(d.IPs, end) || d.Internet && inventory.Public(end) && mac == 0
	}
	if u.protocol != "" && !slices.ContainsFunc(in.Links, func(l inventory.Link) bool {
		return l.Site == d.Site && (l.Service == u.protocol || protoName(l.Proto, l.Client) == u.protocol) && (own(l.Client, l.ClientMAC) || own(l.Server, l.ServerMAC))
	}) {
		return false
	}
	return u.class == "" || slices.ContainsFunc(in.Uses, func(x inventory.Use) bool {
		return x.Site == d.Site && x.Class.String() == u.class && (own(x.Src, 0) || own(x.Dst, 0))
	})
}

// sortOption is the flag --sort.
type sortOption struct{ sort string }

func (s *sortOption) addFlags(f *pflag.FlagSet) {
	f.StringVar(&s.sort, "sort", "", "order by this `key` of JSON, such as last_seen; -KEY: the highest first")
}

// key is the key without its sign, and whether the highest comes first.
func (s *sortOption) key() (string, bool) {
	key, down := strings.CutPrefix(s.sort, "-")
	return key, down
}

// sortRows orders rows by a field, those of the same value as they were. Addresses are compared as
// numbers, times by time, lists by their first value, null comes first.
func sortRows[T any](s *sortOption, rows []T) error {
	if s.sort == "" {
		return nil
	}
	key, down := s.key()
	var keys []string
	for _, f := range fieldsOf(reflect.TypeFor[T]()) {
		keys = append(keys, f.key)
		if f.key != key {
			continue
		}
		slices.SortStableFunc(rows, func(a, b T) int {
			c := compareValues(reflect.ValueOf(&a).Elem().FieldByIndex(f.index), reflect.ValueOf(&b).Elem().FieldByIndex(f.index))
			if down {
				return -c
			}
			return c
		})
		return nil
	}
	return usageErrorf("--sort %q: use one of %s", s.sort, strings.Join(keys, ", "))
}

func compareValues(a, b reflect.Value) int {
	switch a.Kind() {
	case reflect.Bool:
		return cmp.Compare(boolNumber(a.Bool()), boolNumber(b.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return cmp.Compare(a.Int(), b.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return cmp.Compare(a.Uint(), b.Uint())
	case reflect.Float32, reflect.Float64:
		return cmp.Compare(a.Float(), b.Float())
	case reflect.String:
		x, err1 := netip.ParseAddr(a.String())
		y, err2 := netip.ParseAddr(b.String())
		if err1 == nil && err2 == nil {
			return x.Compare(y)
		}
		return cmp.Compare(a.String(), b.String())
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			return cmp.Compare(boolNumber(!a.IsNil()), boolNumber(!b.IsNil()))
		}
		return compareValues(a.Elem(), b.Elem())
	case reflect.Slice:
		for i := range min(a.Len(), b.Len()) {
			if c := compareValues(a.Index(i), b.Index(i)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Len(), b.Len())
	}
	return cmp.Compare(plain(a), plain(b))
}

func boolNumber(b bool) int {
	if b {
		return 1
	}
	return 0
}

// deviceKind are the flags that narrow and order a listing of devices.
type deviceKind struct {
	deviceFilter
	usesOf
	sortOption
}

func (k *deviceKind) addFlags(f *pflag.FlagSet) {
	k.deviceFilter.addFlags(f)
	k.usesOf.addFlags(f)
	k.sortOption.addFlags(f)
}

func (k *deviceKind) check(w *where) error {
	if err := k.checkClass(); err != nil {
		return err
	}
	return k.narrow(w)
}

// keep says whether a device made of in is of the kind.
func (k *deviceKind) keep(d *inventory.Device, in *inventory.Input) bool {
	return k.deviceFilter.holds(d, true) && k.usesOf.holds(d, in)
}
