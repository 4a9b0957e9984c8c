package pipeline

import (
	"osect/detect"
	"osect/store"
)

// pending gathers what is to be committed together. Of several changes to one
// learned row, or growths of one alert, only the last is kept: many minutes
// go into one commit, and each touches most rows.
type pending struct {
	batch   store.Batch
	changed map[detect.Row]int // place in batch.Changes, by the row's key
	grown   map[string]int     // place in batch.Alerts, by id
}

func (p *pending) add(r *detect.Result) {
	if p.changed == nil {
		p.changed, p.grown = map[detect.Row]int{}, map[string]int{}
	}
	for _, ch := range r.Changes {
		k := ch.Row
		k.Hi, k.Origin, k.First, k.Last, k.Count, k.Value = 0, "", 0, 0, 0, ""
		if i, ok := p.changed[k]; ok {
			p.batch.Changes[i] = ch
			continue
		}
		p.changed[k] = len(p.batch.Changes)
		p.batch.Changes = append(p.batch.Changes, ch)
	}
	for _, a := range r.Alerts {
		if i, ok := p.grown[a.ID]; ok {
			p.batch.Alerts[i] = a
			continue
		}
		p.grown[a.ID] = len(p.batch.Alerts)
		p.batch.Alerts = append(p.batch.Alerts, a)
	}
	p.batch.Statuses = append(p.batch.Statuses, r.Statuses...)
}
