package agent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

const (
	// sourceGrace is how long an ending agent waits for a Collect under way.
	sourceGrace = 2 * time.Second
	// outputGrace is how long outputs may drain when Run's context has ended.
	outputGrace = 3 * time.Second
	// exportGrace is how long an Export may take to notice its context ended.
	exportGrace = time.Second
)

// Run ticks the sources and feeds the outputs until ctx ends. It then stops the
// sources, drains every output for at most three seconds, shuts their exporters
// down, and returns when everything it started has ended. What is stuck (a
// Collect in the kernel, an Export that ignores its context) is waited for two
// seconds at most, then left behind, counted in Status and named in the error.
// The error also names outputs that kept frames undelivered. Run can be called
// once.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	w := watch{agent: a}
	w.run(ctx)
	return a.end(ctx)
}

// begin starts everything that was added so far.
func (a *Agent) begin(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.phase != idle {
		return errors.New("run agent: it was run before")
	}
	a.phase, a.started = running, a.clock.Now()
	a.ctx, a.outCtx = ctx, context.WithoutCancel(ctx)
	for _, o := range a.outputs {
		o.start(a.outCtx)
	}
	for _, s := range a.sources {
		s.start(ctx)
	}
	return nil
}

// end stops what begin and later additions started.
func (a *Agent) end(ctx context.Context) error {
	a.mu.Lock()
	a.phase = ended
	sources, outputs := a.sources, a.outputs
	for _, s := range sources {
		s.stop()
	}
	a.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	errs := []error{a.await(ctx, sources)}
	ctx, cancel := context.WithTimeout(ctx, outputGrace)
	defer cancel()
	errs = append(errs, a.drain(ctx, outputs))
	return errors.Join(errs...)
}

// await waits for sources that were stopped, at most sourceGrace.
func (a *Agent) await(ctx context.Context, sources []*source) error {
	ctx, cancel := context.WithTimeout(ctx, sourceGrace)
	defer cancel()
	var errs []error
	for _, s := range sources {
		if !s.ended(ctx) {
			a.abandoned.Add(1)
			errs = append(errs, fmt.Errorf("stop source %q: its collector has not returned", s.Name))
		}
	}
	return errors.Join(errs...)
}

// learn keeps what a source knows.
func (a *Agent) learn(s *source, said *sample.Facts) {
	if reflect.ValueOf(said).Elem().IsZero() {
		a.facts.drop(s.id)
		return
	}
	a.facts.set(s.id, s.Run, said)
}

// endSeries ends the series of a run that are to go, and says so.
func (a *Agent) endSeries(run sample.RunID, goes func(*sample.Series) bool) {
	all, _ := a.schema.AppendSeries(nil)
	n := 0
	for i := range all {
		if sr := &all[i]; !sr.Ended && sr.Run == run && goes(sr) {
			a.schema.End(sr.Ref)
			n++
		}
	}
	if n > 0 {
		a.Emit(sample.Event{Run: run, Kind: sample.EventSeriesEnded, Text: fmt.Sprintf("%d series ended", n)})
	}
}
