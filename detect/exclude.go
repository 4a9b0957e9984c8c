package detect

import "slices"

// exclusion is an Exclusion, read.
type exclusion struct {
	src  pattern
	any  bool // of any source
	item string
}

// Check says what is wrong with an exclusion, nil if nothing.
func (x *Exclusion) Check() error {
	if x.Src == "" {
		return nil
	}
	_, err := parsePattern(x.Src)
	return err
}

// Subkinds are those that a detector raises; nil of signatures, whose are the rules' ids.
func Subkinds(kind Kind) []string {
	switch kind {
	case ConnectedDevice:
		return []string{SubNewMAC, SubNewIP, SubNewBinding, SubManyMAC, SubManyIP, SubManyBinding}
	case VulnerableDevice:
		return []string{SubEnded, SubEndedLine}
	case IPCommunication:
		return []string{SubPort, SubPair, SubAttempt, SubMany, SubManySources, SubManyPorts}
	case IPVolume:
		return []string{SubVolume, SubLimit}
	case IPStatistics:
		return []string{SubUnusual}
	case OTIP, OTEthernet:
		return []string{SubFunction, SubPair, SubSource, SubResponse, SubMany, SubOrder}
	case BuiltIn:
		return append(BuiltInSubkinds(), SubManyBuiltIn)
	}
	return nil
}

// SetExclusions replaces the exclusion lists; those of other sites, and those that cannot be read, are left out.
func (e *Engine) SetExclusions(list []Exclusion) {
	e.excluded = map[Kind][]exclusion{}
	for _, x := range list {
		if x.Site != "" && x.Site != e.cfg.Site {
			continue
		}
		r := exclusion{item: x.Item, any: x.Src == "" || x.Src == Any}
		if !r.any {
			var err error
			if r.src, err = parsePattern(x.Src); err != nil {
				continue
			}
		}
		e.excluded[x.Kind] = append(e.excluded[x.Kind], r)
	}
}

// admit leaves out what is excluded.
func (e *Engine) admit(kind Kind, found []finding) []finding {
	list := e.excluded[kind]
	if len(list) == 0 {
		return found
	}
	return slices.DeleteFunc(found, func(f finding) bool {
		return slices.ContainsFunc(list, func(x exclusion) bool {
			if x.item != "" && x.item != f.subkind {
				return false
			}
			return x.any || x.matches(f.srcIP) || x.matches(f.srcMAC)
		})
	})
}

func (x *exclusion) matches(end string) bool {
	a, err := parseEnd(end)
	return end != "" && err == nil && x.src.match(a)
}
