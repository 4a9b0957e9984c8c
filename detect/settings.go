package detect

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"osect/decode"
)

// Setting is a setting of the whole store that somebody can change.
type Setting struct {
	Key     string
	Default string
	// Words are the values that it may have; nil for Parse's own.
	Words []string
}

// The keys of settings.
const (
	SettingInternet = "internet" // public addresses are learned and told as one, or each
	SettingInternal = "internal" // public prefixes that are used inside, separated by spaces
	SettingOrder    = "ot-order" // which control function follows which is learned and told
)

// SettingList are all settings but those of built-in rules, by key.
var SettingList = []Setting{
	{Key: SettingInternal},
	{Key: SettingInternet, Default: "one", Words: []string{"one", "each"}},
	{Key: SettingOrder, Default: "off", Words: []string{"off", "on"}},
}

// CheckSetting says what is wrong with a setting, nil if nothing.
func CheckSetting(key, value string) error {
	i := slices.IndexFunc(SettingList, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		var keys []string
		for _, s := range SettingList {
			keys = append(keys, s.Key)
		}
		return fmt.Errorf("there is no setting %q: want one of %s", key, strings.Join(keys, ", "))
	}
	if s := SettingList[i]; s.Words != nil {
		if !slices.Contains(s.Words, value) {
			return fmt.Errorf("setting %s: %q: want %s", key, value, strings.Join(s.Words, " or "))
		}
		return nil
	}
	_, err := parsePrefixes(value)
	return err
}

// ParseSettings reads the store's settings. What Exclusions, Flags, EOL and AsOf hold stays.
func (s *Settings) ParseSettings(all map[string]string) error {
	for _, x := range SettingList {
		if v := all[x.Key]; v != "" {
			if err := CheckSetting(x.Key, v); err != nil {
				return err
			}
		}
	}
	s.InternetEach = all[SettingInternet] == "each"
	s.Order = all[SettingOrder] == "on"
	prefixes, err := parsePrefixes(all[SettingInternal])
	if err != nil {
		return err
	}
	s.Internal = nil
	if prefixes != nil {
		s.Internal = func(a decode.Addr) bool {
			return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a.Netip()) })
		}
	}
	s.BuiltIn, err = ParseBuiltIn(all)
	return err
}

// parsePrefixes reads prefixes and addresses, separated by spaces.
func parsePrefixes(text string) (list []netip.Prefix, err error) {
	for _, w := range strings.Fields(text) {
		p, err := netip.ParsePrefix(w)
		if err != nil {
			a, err := netip.ParseAddr(w)
			if err != nil || a.Zone() != "" {
				return nil, fmt.Errorf("setting %s: %q is no prefix such as 203.0.113.0/24", SettingInternal, w)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		list = append(list, p.Masked())
	}
	return list, nil
}

// SetSettings takes over settings that were changed, of those that ParseSettings reads.
func (e *Engine) SetSettings(s Settings) {
	e.cfg.Settings.InternetEach, e.cfg.Settings.Internal, e.cfg.Settings.Order, e.cfg.Settings.BuiltIn = s.InternetEach, s.Internal, s.Order, s.BuiltIn
	for _, d := range e.detectors {
		if b, ok := d.(*builtin); ok {
			b.configure()
		}
	}
}
