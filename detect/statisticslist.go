package detect

// DeviceStatistics is what `osect learn statistics` shows of a device.
type DeviceStatistics struct {
	Site, Device string
	Origin       string
	Mode         string // off, weak or strong
	Windows      int64  // five-minute windows learned
	Judged       bool   // enough for the device to be judged
	// Components of the principal component analysis and the limits; 0 unless Judged.
	Components      int
	T2Limit, QLimit float64
	Intervals       []Interval
}

// Interval is what is normal of one statistic, as the mode takes it.
type Interval struct {
	Statistic       string // its name: docs/detection/ip-statistics.md
	Low, Mean, High string // with units
}

// Statistics reads the rows of ip-statistics, in their order. Rows of other lists are left out.
func Statistics(rows []Row) []DeviceStatistics {
	bySite := map[string]*behaviour{}
	var out []DeviceStatistics
	for i := range rows {
		r := &rows[i]
		if r.List != IPStatistics || r.Item != ItemModel {
			continue
		}
		_, m, err := parseStatistics(r)
		if err != nil {
			continue
		}
		d := bySite[r.Site]
		if d == nil {
			var of []Row
			for _, x := range rows {
				if x.List == IPStatistics && x.Item == ItemMode && (x.Site == r.Site || x.Site == Any) {
					of = append(of, x)
				}
			}
			d = newBehaviour(&Config{Site: r.Site})
			d.load(of)
			bySite[r.Site] = d
		}
		a, _ := parseEnd(r.Src)
		s := DeviceStatistics{Site: r.Site, Device: r.Src, Origin: r.Origin, Mode: d.mode(a), Windows: m.now.n, Judged: m.now.n >= modelLeast}
		var none vector
		j := m.judge(&none, s.Mode)
		if s.Judged {
			s.Components, s.T2Limit, s.QLimit = len(m.scorer.axes), j.t2Limit, j.qLimit
		}
		for i, x := range statistics {
			low, high := m.interval(i, s.Mode)
			s.Intervals = append(s.Intervals, Interval{x.name, x.scale.text(low), x.scale.text(m.scorer.mean[i]), x.scale.text(high)})
		}
		out = append(out, s)
	}
	return out
}
