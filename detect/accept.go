package detect

import (
	"strconv"
	"strings"
)

// AcceptRows are the rows that, added by hand to the list, make what a raised
// normal: the step from alert to baseline. None for an alert that stands for many
// findings: what it is about is learned anew.
func (a *Alert) AcceptRows() []Row {
	// Site and sensor may hold any character; the key's own parts hold no bar.
	key, ok := strings.CutPrefix(a.Key, a.Site+"|"+a.Sensor+"|")
	if !ok {
		return nil
	}
	row := func(src, dst, proto, item string) Row {
		return Row{List: a.Kind, Site: a.Site, Src: src, Dst: dst, Proto: proto, Item: item, Origin: Hand}
	}
	p := strings.Split(key, "|")
	switch a.Subkind {
	case SubNewMAC, SubNewIP, SubNewBinding:
		if a.Kind != ConnectedDevice || a.Subkind == SubNewBinding && len(p) != 3 || a.Subkind != SubNewBinding && len(p) != 2 {
			return nil
		}
	}
	switch a.Subkind {
	case SubNewMAC:
		rows := []Row{row(p[1], "", "", ItemMAC)}
		if a.SrcIP != "" {
			rows = append(rows, row(a.SrcIP, "", "", ItemIP), row(p[1], a.SrcIP, "", ItemBinding))
		}
		return rows
	case SubNewIP:
		rows := []Row{row(p[1], "", "", ItemIP)}
		if a.SrcMAC != "" {
			rows = append(rows, row(a.SrcMAC, p[1], "", ItemBinding))
		}
		return rows
	case SubNewBinding:
		return []Row{row(p[1], p[2], "", ItemBinding)}
	case SubMany, SubManySources, SubManyPorts, SubManyMAC, SubManyIP, SubManyBinding, SubManyBuiltIn:
		return nil
	}
	if a.Kind == BuiltIn {
		return acceptBuiltin(p, row)
	}
	if a.Subkind == SubAttempt {
		p = p[1:]
	}
	switch {
	case a.Kind == IPCommunication && len(p) == 5:
		r := row(p[0], p[1], p[2], p[3])
		port, err := strconv.ParseUint(p[4], 10, 16)
		if err != nil {
			return nil
		}
		r.Lo, r.Hi = uint16(port), uint16(port)
		return []Row{r}
	case a.Kind == IPVolume && len(p) == 2:
		return acceptVolume(a, row(p[0], p[1], "", ItemLimit))
	case (a.Kind == OTIP || a.Kind == OTEthernet) && len(p) == 4:
		return []Row{row(p[0], p[1], p[2], p[3])}
	}
	return nil
}
