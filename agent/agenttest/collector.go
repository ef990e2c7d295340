package agenttest

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Option asks a suite for more.
type Option uint8

const (
	// NoAllocs demands that a Collect after the first few does not allocate.
	// It is not checked under the race detector, which allocates itself.
	NoAllocs Option = iota + 1
)

// rounds is how often the suite collects in a row.
const rounds = 5

// poison stands in memory that a collector or exporter must not touch again.
const poison = -12345.678

// Collector checks the collectors that make returns against the contract of
// agent.Collector and of the abilities they have. Each must be able to collect
// something here and now.
func Collector(t *testing.T, make func() agent.Collector, options ...Option) {
	t.Helper()
	report(t, collectorRules(make))
	if slices.Contains(options, NoAllocs) && !underRace {
		if n := collectAllocs(make()); n != 0 {
			t.Errorf("Collect does not allocate: got %v allocations a sample", n)
		}
	}
}

// collectorRules returns the rules that are broken.
func collectorRules(make func() agent.Collector) []string {
	r := &rules{}
	for _, check := range []func(*rules, agent.Collector){
		checkDescribeTwice, checkCollect, checkContext, checkRunner, checkClose,
	} {
		check(r, make())
	}
	return r.broken
}

// subject is a collector with the schema it was described in.
type subject struct {
	rules     *rules
	collector agent.Collector
	schema    *sample.Schema
}

// newSubject probes and describes; nil if that failed.
func newSubject(r *rules, c agent.Collector) *subject {
	s := &subject{r, c, sample.NewSchema(0).Scope(1, "")}
	if p, ok := c.(agent.Prober); ok {
		if ok, _ := r.call("Probe", func() error { return p.Probe(new(sample.Facts)) }); !ok {
			return nil
		}
	}
	if !s.describe() {
		return nil
	}
	return s
}

func (s *subject) describe() bool {
	ok, err := s.rules.call("Describe", func() error { return s.collector.Describe(s.schema) })
	if err != nil {
		s.rules.broke("Describe succeeds", "%v", err)
	}
	return ok && err == nil
}

// collect fills f as the agent does: after ErrChanged it describes again.
func (s *subject) collect(ctx context.Context, f *sample.Frame) (ok bool, err error) {
	for range 2 {
		f.Reset()
		ok, err = s.rules.call("Collect", func() error { return s.collector.Collect(ctx, f) })
		if !ok || !errors.Is(err, sample.ErrChanged) {
			return ok, err
		}
		if !s.describe() {
			return false, nil
		}
	}
	s.rules.broke("Collect returns ErrChanged once per change", "again right after Describe")
	return false, err
}

func (s *subject) close() {
	if c, ok := s.collector.(io.Closer); ok {
		s.rules.call("Close", c.Close)
	}
}

// checkDescribeTwice: the same Descs give the same Refs, so nothing is added.
func checkDescribeTwice(r *rules, c agent.Collector) {
	s := newSubject(r, c)
	if s == nil {
		return
	}
	defer s.close()
	first, _ := s.schema.AppendSeries(nil)
	if len(first) == 0 {
		r.broke("Describe describes something", "no series")
	}
	for i := range first {
		if first[i].Name == "" {
			r.broke("every series has a name", "series %d has none", i)
		}
	}
	if !s.describe() {
		return
	}
	if second, _ := s.schema.AppendSeries(nil); len(second) != len(first) {
		r.broke("Describe twice describes the same", "%d series, then %d", len(first), len(second))
	}
}

// checkCollect: what is put is described, finite, unique and, for counters,
// never falls; and a frame is left alone afterwards.
func checkCollect(r *rules, c agent.Collector) {
	s := newSubject(r, c)
	if s == nil {
		return
	}
	defer s.close()
	last := map[sample.Ref]reading{}
	var old []sample.Frame
	for range rounds {
		f := sample.Frame{Source: 1, Step: sample.NoStep, Time: 1}
		ok, err := s.collect(context.Background(), &f)
		if !ok {
			return
		}
		if err != nil {
			r.broke("Collect succeeds", "%v", err)
			return
		}
		s.checkFrame(&f, last)
		old = append(old, poisoned(&f))
		if !untouched(old) {
			r.broke("Collect does not keep the frame", "it wrote into the memory of an earlier one")
			return
		}
	}
	if len(last) == 0 {
		r.broke("Collect puts something", "no value in %d samples", rounds)
	}
}

// reading is the value of a series in the frame before.
type reading struct {
	value float64
	gen   uint32
}

func (s *subject) checkFrame(f *sample.Frame, last map[sample.Ref]reading) {
	r := s.rules
	if len(f.Refs) != len(f.Vals) {
		r.broke("Refs and Vals have equal length", "%d and %d", len(f.Refs), len(f.Vals))
		return
	}
	seen := map[sample.Ref]bool{}
	for i, ref := range f.Refs {
		v := f.Vals[i]
		sr, ok := s.schema.Series(ref)
		switch {
		case !ok || sr.Ended:
			r.broke("Collect puts only described series", "ref %d is none", ref)
			continue
		case seen[ref]:
			r.broke("a series is at most once in a frame", "%s %v is there twice", sr.Name, sr.Labels)
		case math.IsNaN(v) || math.IsInf(v, 0):
			r.broke("values are finite", "%s %v is %v", sr.Name, sr.Labels, v)
		case v == poison:
			r.broke("Collect does not keep the frame", "%s %v comes from an earlier one", sr.Name, sr.Labels)
		}
		seen[ref] = true
		before, known := last[ref]
		if known && sr.Kind == sample.Counter && before.gen == sr.Gen && v < before.value {
			r.broke("counters do not fall", "%s %v went from %v to %v", sr.Name, sr.Labels, before.value, v)
		}
		last[ref] = reading{v, sr.Gen}
	}
}

// poisoned overwrites the memory of f, as the next user of it would, and
// returns what to look at later.
func poisoned(f *sample.Frame) sample.Frame {
	p := sample.Frame{Refs: f.Refs[:cap(f.Refs)], Vals: f.Vals[:cap(f.Vals)]}
	for i := range p.Refs {
		p.Refs[i] = math.MaxUint32
	}
	for i := range p.Vals {
		p.Vals[i] = poison
	}
	return p
}

func untouched(frames []sample.Frame) bool {
	for _, f := range frames {
		for _, ref := range f.Refs {
			if ref != math.MaxUint32 {
				return false
			}
		}
		for _, v := range f.Vals {
			if v != poison {
				return false
			}
		}
	}
	return true
}

// checkContext: Collect returns when its context has ended.
func checkContext(r *rules, c agent.Collector) {
	s := newSubject(r, c)
	if s == nil {
		return
	}
	defer s.close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var f sample.Frame
	s.collect(ctx, &f)
}

// checkRunner: Run returns when its context ends.
func checkRunner(r *rules, c agent.Collector) {
	runner, ok := c.(agent.Runner)
	if !ok {
		return
	}
	s := newSubject(r, c)
	if s == nil {
		return
	}
	defer s.close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r.call("Run", func() error { return runner.Run(ctx, func(sample.Event) {}) })
}

// checkClose: Close may come twice, and without Describe.
func checkClose(r *rules, c agent.Collector) {
	closer, ok := c.(io.Closer)
	if !ok {
		return
	}
	for range 2 {
		if _, err := r.call("Close", closer.Close); err != nil {
			r.broke("Close can be called twice, and before Describe", "%v", err)
		}
	}
}

// collectAllocs returns how much a Collect allocates after a few.
func collectAllocs(c agent.Collector) float64 {
	s := newSubject(&rules{}, c)
	if s == nil {
		return math.NaN()
	}
	defer s.close()
	var f sample.Frame
	for range rounds {
		s.collect(context.Background(), &f)
	}
	return testing.AllocsPerRun(50, func() {
		f.Reset()
		if err := c.Collect(context.Background(), &f); errors.Is(err, sample.ErrChanged) {
			s.describe()
		}
	})
}
