package pipeline

import (
	"osect/detect"
	"osect/store"
)

// pending gathers what is to be committed together. Of several changes to one
// learned row, or growths of one alert, only the last is kept: many minutes
// go into one commit, and each touches most rows.
type pending struct {
	batch   store.Batch // without its changes
	changes detect.Changes
	grown   map[string]int // place in batch.Alerts, by id
}

func (p *pending) add(r *detect.Result) {
	if p.grown == nil {
		p.grown = map[string]int{}
	}
	p.changes.Add(r.Changes)
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

// whole is the batch with its changes.
func (p *pending) whole() *store.Batch {
	p.batch.Changes = p.changes.All()
	return &p.batch
}
