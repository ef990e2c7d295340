package agenttest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wandb-agent/wandb-agent/agent"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Const collects gauges that never change. The zero Const has one, of value 0.
type Const struct {
	Name   string // of the series; default agenttest.const
	Series int    // how many, told apart by the label "n"; 0 means one
	Value  float64
	refs   []sample.Ref
}

// Describe adds the series.
func (c *Const) Describe(s *sample.Schema) error {
	c.refs = c.refs[:0]
	name := c.Name
	if name == "" {
		name = "agenttest.const"
	}
	for i := range max(c.Series, 1) {
		ref, err := s.Add(sample.Desc{Name: name, Unit: "1", Labels: []sample.Label{{Name: "n", Value: fmt.Sprint(i)}}})
		if err != nil {
			return err
		}
		c.refs = append(c.refs, ref)
	}
	return nil
}

// Collect puts Value for every series.
func (c *Const) Collect(_ context.Context, f *sample.Frame) error {
	for _, ref := range c.refs {
		f.Put(ref, c.Value)
	}
	return nil
}

// Flaky is a Const that answers as it is told.
type Flaky struct {
	Const
	Answer func(call int) error // by number of the Collect, from 0
	calls  atomic.Int64
}

// Collect puts the values and returns the answer.
func (c *Flaky) Collect(ctx context.Context, f *sample.Frame) error {
	call := int(c.calls.Add(1)) - 1
	if err := c.Const.Collect(ctx, f); err != nil {
		return err
	}
	return c.Answer(call)
}

// Calls returns how often Collect was called.
func (c *Flaky) Calls() int { return int(c.calls.Load()) }

// Hang is a Const whose Collect hangs like a read from a dead filesystem: no
// context ends it, only Release.
type Hang struct {
	Const
	release chan struct{}
	once    sync.Once
	calls   atomic.Int64
}

// NewHang returns a Hang that hangs.
func NewHang() *Hang { return &Hang{release: make(chan struct{})} }

// Release ends the hanging Collect and lets later ones through.
func (c *Hang) Release() { c.once.Do(func() { close(c.release) }) }

// Calls returns how often Collect was called.
func (c *Hang) Calls() int { return int(c.calls.Load()) }

// Collect puts the values after Release.
func (c *Hang) Collect(ctx context.Context, f *sample.Frame) error {
	c.calls.Add(1)
	<-c.release
	return c.Const.Collect(ctx, f)
}

// Panic is a Const whose Collect has a bug: it reads past the end of its series
// after it put their values, and panics.
type Panic struct{ Const }

// Collect panics.
func (c *Panic) Collect(ctx context.Context, f *sample.Frame) error {
	if err := c.Const.Collect(ctx, f); err != nil {
		return err
	}
	f.Put(c.refs[len(c.refs)], c.Value)
	return nil
}

// Recorder is an exporter that keeps copies of what it confirmed. The zero
// Recorder confirms everything. Its methods are safe for concurrent use.
type Recorder struct {
	// Answer, if not nil, decides what Export returns. A batch is kept if it
	// is nil.
	Answer func(ctx context.Context, b *sample.Batch) error

	mu        sync.Mutex // guards all below
	batches   []sample.Batch
	shutdowns int
}

// Export keeps a copy of b if the answer is nil.
func (r *Recorder) Export(ctx context.Context, b *sample.Batch) error {
	if r.Answer != nil {
		if err := r.Answer(ctx, b); err != nil {
			return err
		}
	}
	c := *b
	c.Events = slices.Clone(b.Events)
	c.Frames = slices.Clone(b.Frames)
	for i := range c.Frames {
		c.Frames[i].Refs = slices.Clone(c.Frames[i].Refs)
		c.Frames[i].Vals = slices.Clone(c.Frames[i].Vals)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.batches = append(r.batches, c)
	return nil
}

// Shutdown counts.
func (r *Recorder) Shutdown(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shutdowns++
	return nil
}

// Shutdowns returns how often Shutdown was called.
func (r *Recorder) Shutdowns() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shutdowns
}

// Batches returns what was kept, oldest first.
func (r *Recorder) Batches() []sample.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.batches)
}

// Frames returns the frames of all batches.
func (r *Recorder) Frames() (all []sample.Frame) {
	for _, b := range r.Batches() {
		all = append(all, b.Frames...)
	}
	return all
}

// Events returns the events of all batches.
func (r *Recorder) Events() (all []sample.Event) {
	for _, b := range r.Batches() {
		all = append(all, b.Events...)
	}
	return all
}

// Values returns the values of the series called name, in order.
func (r *Recorder) Values(name string) (all []float64) {
	for _, b := range r.Batches() {
		for _, f := range b.Frames {
			for i, ref := range f.Refs {
				if sr, ok := b.Schema.Series(ref); ok && sr.Name == name {
					all = append(all, f.Vals[i])
				}
			}
		}
	}
	return all
}

var (
	_ agent.Collector = (*Const)(nil)
	_ agent.Collector = (*Flaky)(nil)
	_ agent.Collector = (*Hang)(nil)
	_ agent.Collector = (*Panic)(nil)
	_ agent.Exporter  = (*Recorder)(nil)
)
