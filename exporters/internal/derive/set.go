package derive

import (
	"math"

	"github.com/wandb-agent/wandb-agent/agent/catalog"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Set evaluates the views of one vocabulary over the series of one schema.
type Set struct {
	keep    func(sample.Series) bool
	views   []view // of the vocabulary, in the catalogue's order
	schema  *sample.Schema
	version uint64
	series  []sample.Series // as of version, by Ref
	spare   []sample.Series // memory for the next version
	state   []reading       // by Ref
	keys    []key           // in the catalogue's order
	newest  int64           // latest reading of all, Clock ns
	moved   bool            // a reading came since the previous evaluation
}

// New returns an empty Set for the views of vocab. keep chooses the series that
// take part, as numerators and as operands; nil keeps all.
func New(vocab catalog.Vocabulary, keep func(sample.Series) bool) *Set {
	return newSet(catalog.All(), vocab, keep)
}

func newSet(rows []*catalog.Metric, vocab catalog.Vocabulary, keep func(sample.Series) bool) *Set {
	if keep == nil {
		keep = func(sample.Series) bool { return true }
	}
	s := &Set{keep: keep}
	for _, m := range rows {
		for _, v := range m.Views {
			if v.In == vocab {
				s.views = append(s.views, view{View: v, metric: m.Name, key: parseTemplate(v.Key)})
			}
		}
	}
	return s
}

// Observe takes the readings of a batch. It keeps nothing of b but the schema.
func (s *Set) Observe(b *sample.Batch) {
	s.refresh(b.Schema)
	for i := range b.Frames {
		f := &b.Frames[i]
		for j, ref := range f.Refs {
			if int(ref) < len(s.state) {
				s.state[ref].put(f.Vals[j], f.Time)
				s.moved = true
			}
		}
		s.newest = max(s.newest, f.Time)
	}
}

// Value is what a key has at an evaluation.
type Value struct {
	Key   string
	V     float64
	Time  int64 // of the newest reading in it, Clock ns
	Total bool  // it counts up: the last one stands for an interval, not the mean
	Peak  bool  // see catalog.View
}

// Evaluate calls emit for every key that has a value, each key at most once,
// and begins the next interval. Without a reading since the previous call it
// emits nothing and changes nothing.
func (s *Set) Evaluate(emit func(Value)) {
	if !s.moved {
		return
	}
	s.moved = false
	for i := range s.keys {
		k := &s.keys[i]
		for j := range k.groups {
			g := &k.groups[j]
			if v, t, ok := s.value(g); ok {
				emit(Value{Key: k.name, V: v, Time: t, Total: s.counts(g), Peak: g.view.Peak})
				break
			}
		}
	}
	for i := range s.state {
		s.state[i].evaluated()
	}
}

// counts says whether the value of a group counts up.
func (s *Set) counts(g *group) bool {
	return g.view.Op == catalog.Since || g.view.Op == catalog.Value && s.state[g.refs[0]].counter
}

// value evaluates a group by the formula at catalog.View.
func (s *Set) value(g *group) (float64, int64, bool) {
	v, t, ok := s.sum(g.refs, g.view.Op)
	if !ok {
		return 0, 0, false
	}
	v += g.carry
	if g.view.Minus.Metric != "" {
		minus, _, ok := s.sum(g.minus, catalog.Value)
		if !ok {
			return 0, 0, false
		}
		v -= minus
	}
	if g.view.Scale != 0 {
		v *= g.view.Scale
	}
	if g.view.Over.Metric != "" {
		over, _, ok := s.sum(g.over, catalog.Value)
		if !ok {
			return 0, 0, false
		}
		v /= over
	}
	if g.view.Floor && v < 0 {
		v = 0
	}
	return v, t, !math.IsNaN(v) && !math.IsInf(v, 0) // so nothing for a divisor of 0
}

// sum adds op of the series and returns the time of the newest reading. It is
// false when one has nothing to tell, or none is left. A series that ended and
// told its last keeps its part of a total.
func (s *Set) sum(refs []sample.Ref, op catalog.Op) (total float64, newest int64, ok bool) {
	for _, ref := range refs {
		r := &s.state[ref]
		if r.ended && !r.fresh {
			if op == catalog.Since {
				total += r.total()
			}
			continue
		}
		v, has := r.apply(op)
		if !has || r.stale(s.newest) {
			return 0, 0, false
		}
		total, newest, ok = total+v, max(newest, r.time), true
	}
	return total, newest, ok
}
