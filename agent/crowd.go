package agent

import (
	"cmp"
	"maps"
	"slices"
)

// Crowd is a metric and how many live series it has.
type Crowd struct {
	Name   string // canonical name of the metric
	Series int    // live ones
}

// Crowd returns the n metrics with most live series, most first. It looks at
// every series: ask it when the ceiling is reached, not on a tick.
func (a *Agent) Crowd(n int) []Crowd {
	all, _ := a.schema.AppendSeries(nil)
	count := make(map[string]int)
	for i := range all {
		if !all[i].Ended {
			count[all[i].Name]++
		}
	}
	crowds := make([]Crowd, 0, len(count))
	for name := range maps.Keys(count) {
		crowds = append(crowds, Crowd{name, count[name]})
	}
	slices.SortFunc(crowds, func(x, y Crowd) int {
		return cmp.Or(cmp.Compare(y.Series, x.Series), cmp.Compare(x.Name, y.Name))
	})
	return crowds[:min(n, len(crowds))]
}
