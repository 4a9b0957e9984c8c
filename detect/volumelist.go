package detect

// PairVolume is what `osect learn volumes` shows of a pair. Bytes are of five minutes.
type PairVolume struct {
	Site, Src, Dst string
	Origin         string
	Watched        bool
	Windows        int64  // learned: five-minute windows with traffic of the pair
	Usual          uint64 // their median
	Highest        uint64 // the most that was learned
	// Lowest and Top are the lowest and highest threshold of the week; 0 while too little is learned.
	Lowest, Top uint64
	Limit       uint64 // set by hand, 0 for none: it takes the place of the thresholds
	Hours       []HourVolume
}

// HourVolume is the threshold of an hour of the week.
type HourVolume struct {
	Day, Hour int    // 0 is Monday
	Cell      string // which windows it is made of: hour-of-week, hour-of-day, days, all
	Windows   int    // how many those are
	Usual     uint64
	Threshold uint64
}

// Volumes reads the rows of ip-volume, in their order. Rows of other lists are left out.
func Volumes(rows []Row) []PairVolume {
	bySite := map[string]*volumes{}
	var out []PairVolume
	for i := range rows {
		r := &rows[i]
		if r.List != IPVolume || r.Item != ItemVolume {
			continue
		}
		_, p, err := parseVolume(r)
		if err != nil {
			continue
		}
		d := bySite[r.Site]
		if d == nil {
			var of []Row
			for _, x := range rows {
				if x.List == IPVolume && x.Item != ItemVolume && (x.Site == r.Site || x.Site == Any) {
					of = append(of, x)
				}
			}
			d = newVolumes(&Config{Site: r.Site})
			d.load(of)
			bySite[r.Site] = d
		}
		src, _ := parseEnd(r.Src)
		dst, _ := parseEnd(r.Dst)
		k := ends{src, dst}
		v := PairVolume{Site: r.Site, Src: r.Src, Dst: r.Dst, Origin: r.Origin, Watched: d.watched(k), Windows: int64(p.n), Highest: ofBucket(float64(p.highest())), Limit: d.limited(k)}
		var at [volumeBuckets]uint32
		n := uint32(0)
		for _, c := range p.counts {
			at[c>>15&(volumeBuckets-1)] += c & 0x7fff
			n += c & 0x7fff
		}
		v.Usual = ofBucket(float64(middle(at[:], n)))
		for h := range hoursOfWeek {
			limit, b, ok := p.threshold(h)
			if !ok {
				continue
			}
			v.Hours = append(v.Hours, HourVolume{h / 24, h % 24, b.cell, int(b.windows), ofBucket(b.median), limit})
			v.Top = max(v.Top, limit)
			if v.Lowest == 0 || limit < v.Lowest {
				v.Lowest = limit
			}
		}
		out = append(out, v)
	}
	return out
}
