package derive

import (
	"slices"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// view is a catalog.View with its key cut up.
type view struct {
	catalog.View
	metric string // whose row it stands in: its numerator
	key    template
}

// key is one name of the vocabulary with the groups that may give its value.
type key struct {
	name   string
	groups []group // lowest Rank first
}

// group is the series of one view that agree in the labels its key names.
type group struct {
	id    groupID
	view  *view
	refs  []sample.Ref // the numerator's
	minus []sample.Ref
	over  []sample.Ref
	carry float64 // totals of series whose slots were reused; Since only
}

type groupID struct {
	view int
	run  sample.RunID
	key  string
}

// refresh takes in a changed schema: it resets what restarted, forgets what
// was replaced, and builds the groups anew.
func (s *Set) refresh(schema *sample.Schema) {
	if schema == s.schema && schema.Version() == s.version {
		return
	}
	if schema != s.schema {
		s.series, s.state, s.keys, s.schema = s.series[:0], s.state[:0], nil, schema
	}
	next, version := schema.AppendSeries(s.spare[:0])
	carry := s.carries(next)
	for i := range next {
		s.follow(i, &next[i])
	}
	s.spare, s.series, s.version = s.series, next, version
	s.build(carry)
}

// follow brings the state of slot i in line with its series.
func (s *Set) follow(i int, sr *sample.Series) {
	switch {
	case i >= len(s.state):
		s.state = append(s.state, reading{})
	case !sameSeries(&s.series[i], sr):
		s.state[i] = reading{}
	case s.series[i].Gen != sr.Gen:
		s.state[i].restart()
	}
	s.state[i].counter = sr.Kind == sample.Counter
	s.state[i].ended = sr.Ended
}

func sameSeries(a, b *sample.Series) bool {
	return a.Run == b.Run && a.Name == b.Name && slices.Equal(a.Labels, b.Labels)
}

// carries returns, per group of totals, what it has from series that are gone
// from next or were before.
func (s *Set) carries(next []sample.Series) map[groupID]float64 {
	var out map[groupID]float64
	for i := range s.keys {
		for j := range s.keys[i].groups {
			g := &s.keys[i].groups[j]
			if g.view.Op != catalog.Since {
				continue
			}
			sum := g.carry
			for _, ref := range g.refs {
				if !sameSeries(&s.series[ref], &next[ref]) {
					sum += s.state[ref].total()
				}
			}
			if sum != 0 {
				if out == nil {
					out = make(map[groupID]float64)
				}
				out[g.id] = sum
			}
		}
	}
	return out
}

// build makes the groups of all series that take part.
func (s *Set) build(carry map[groupID]float64) {
	kept := make(map[string][]sample.Ref)
	for i := range s.series {
		if s.series[i].Name != "" && s.keep(s.series[i]) {
			kept[s.series[i].Name] = append(kept[s.series[i].Name], sample.Ref(i))
		}
	}
	b := builder{set: s, kept: kept, groups: make(map[groupID]*group), keys: make(map[string]int)}
	for i := range s.views {
		for _, ref := range kept[s.views[i].metric] {
			b.addSeries(i, ref, carry)
		}
	}
	s.keys = b.done()
}

// builder collects groups and keys in the order of the catalogue.
type builder struct {
	set    *Set
	kept   map[string][]sample.Ref
	groups map[groupID]*group
	order  []*group
	keys   map[string]int
}

// addSeries puts a series of the metric of view i into its group.
func (b *builder) addSeries(i int, ref sample.Ref, carry map[groupID]float64) {
	v := &b.set.views[i]
	sr := &b.set.series[ref]
	if !matches(&sr.Desc, v.Where) {
		return
	}
	name, ok := v.key.render(&sr.Desc)
	if !ok {
		return
	}
	id := groupID{view: i, run: sr.Run, key: name}
	g := b.groups[id]
	if g == nil {
		g = &group{id: id, view: v, carry: carry[id]}
		g.minus = b.operand(v.Minus, sr, &v.key)
		g.over = b.operand(v.Over, sr, &v.key)
		b.groups[id] = g
		b.order = append(b.order, g)
	}
	g.refs = append(g.refs, ref)
}

// operand finds the series of an operand: those of the group's run, or of the
// host when the run has none. A group of the host takes those of the run when
// the host has none and all that there are belong to one run: which GPUs a run
// uses is known to the run alone.
func (b *builder) operand(o catalog.Operand, of *sample.Series, key *template) []sample.Ref {
	var own, host, foreign []sample.Ref
	for _, ref := range b.kept[o.Metric] {
		sr := &b.set.series[ref]
		if !matches(&sr.Desc, o.Where) || !agree(sr, of, key) {
			continue
		}
		switch sr.Run {
		case of.Run:
			own = append(own, ref)
		case "":
			host = append(host, ref)
		default:
			foreign = append(foreign, ref)
		}
	}
	switch {
	case len(own) > 0:
		return own
	case of.Run == "" && b.ofOneRun(foreign):
		return foreign
	}
	return host
}

// ofOneRun reports whether all the series belong to the same run.
func (b *builder) ofOneRun(refs []sample.Ref) bool {
	for _, ref := range refs {
		if b.set.series[ref].Run != b.set.series[refs[0]].Run {
			return false
		}
	}
	return len(refs) > 0
}

// agree reports whether an operand has the values of the group it is for in
// the labels that the key names; a label it lacks does not matter.
func agree(operand, of *sample.Series, key *template) bool {
	for _, l := range operand.Labels {
		if key.has(l.Name) && l.Value != of.Label(l.Name) {
			return false
		}
	}
	return true
}

// matches reports whether d has the label values of where. An empty value asks
// for a series without the label.
func matches(d *sample.Desc, where map[string]string) bool {
	for name, v := range where {
		if d.Label(name) != v {
			return false
		}
	}
	return true
}

// done sorts the groups under their keys.
func (b *builder) done() []key {
	var keys []key
	for _, g := range b.order {
		at, ok := b.keys[g.id.key]
		if !ok {
			at = len(keys)
			b.keys[g.id.key] = at
			keys = append(keys, key{name: g.id.key})
		}
		keys[at].groups = append(keys[at].groups, *g)
	}
	for i := range keys {
		slices.SortStableFunc(keys[i].groups, func(a, b group) int { return a.view.Rank - b.view.Rank })
	}
	return keys
}
