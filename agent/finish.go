package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// lastSample is how long Finish waits for the last sample of its sources.
const lastSample = time.Second

// Finish ends a run: one last sample of the run's sources and of the host's
// (not of those that are stuck or benched), then the run's sources end, and the
// outputs that select this run by name and no other run that goes on are
// drained and shut down, both bounded by ctx. At last the run's series end. The
// error names the outputs that kept frames undelivered, or that failed to shut
// down; the run is finished in any case. Finish also works on an agent that was
// never run.
func (a *Agent) Finish(ctx context.Context, run sample.RunID) error {
	if run == "" {
		return errors.New("finish run: the host is no run")
	}
	a.lastSample(ctx, run)
	sources, outputs := a.release(run)
	errs := []error{a.await(ctx, sources)}
	errs = append(errs, a.drain(ctx, outputs))
	a.endSeries(run, func(*sample.Series) bool { return true })
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("finish run %s: %w", run, err)
	}
	return nil
}

// lastSample asks the sources for a sample out of turn and waits for it.
func (a *Agent) lastSample(ctx context.Context, run sample.RunID) {
	a.mu.Lock()
	var asked []*source
	for _, s := range a.sources {
		if s.cancel != nil && (s.Run == run || s.Run == "") {
			asked = append(asked, s)
		}
	}
	a.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lastSample)
	defer cancel()
	answers := make(chan struct{}, len(asked))
	waiting := asked[:0]
	for _, s := range asked {
		if st := s.snapshot(); st.benched || st.stuck {
			continue
		}
		select {
		case s.ask <- answers:
			waiting = append(waiting, s)
		default:
		}
	}
	for range waiting {
		select {
		case <-answers:
		case <-ctx.Done():
			return
		}
	}
}

// release takes the run's sources, rows and outputs out of the agent and stops
// the sources.
func (a *Agent) release(run sample.RunID) (sources []*source, outputs []*output) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range slices.Clone(a.sources) {
		if s.Run == run {
			sources = append(sources, s)
			a.dropLocked(s)
			s.stop()
		}
	}
	if r, ok := a.rows[run]; ok {
		a.ring.EndSource(r.id)
		delete(a.rows, run)
	}
	for _, o := range a.outputs {
		if o.close(run) {
			outputs = append(outputs, o)
		}
	}
	return sources, outputs
}

// close notes that a run is over and reports whether it was the last one that
// the output selects by name.
func (o *output) close(run sample.RunID) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.Index(o.open, run)
	if i < 0 {
		return false
	}
	o.open = slices.Delete(o.open, i, i+1)
	return len(o.open) == 0
}

// drain ends outputs side by side and takes them out of the agent.
func (a *Agent) drain(ctx context.Context, outputs []*output) error {
	errs := make([]error, len(outputs))
	var wg sync.WaitGroup
	for i, o := range outputs {
		wg.Go(func() { errs[i] = o.drain(ctx) })
	}
	wg.Wait()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, o := range outputs {
		if i := slices.Index(a.outputs, o); i >= 0 {
			a.outputs = slices.Delete(slices.Clone(a.outputs), i, i+1)
			a.past = append(a.past[max(0, len(a.past)+1-maxPast):], o.status())
		}
	}
	a.revision++
	return errors.Join(errs...)
}

// drain delivers what is pending while ctx lasts, shuts the exporter down and
// closes the account. It is safe to call twice.
func (o *output) drain(ctx context.Context) error {
	o.cursor.Stop()
	o.agent.mu.Lock()
	o.start(context.WithoutCancel(ctx))
	o.agent.mu.Unlock()
	o.end.Do(func() { close(o.ending) })
	stop := context.AfterFunc(ctx, o.cancel)
	defer stop()
	abandoned := o.await(ctx)
	left := o.cursor.Counts().Pending
	o.cursor.Close()
	o.cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case abandoned:
		return fmt.Errorf("drain output %q: still exporting %v after its time was over; %d frames not delivered", o.Name, exportGrace, left)
	case left > 0 && o.last.err != nil:
		return errors.Join(fmt.Errorf("drain output %q: %d frames not delivered: %w", o.Name, left, o.last.err), o.last.ended)
	case left > 0:
		return errors.Join(fmt.Errorf("drain output %q: %d frames not delivered", o.Name, left), o.last.ended)
	case o.last.ended != nil:
		return fmt.Errorf("shut down output %q: %w", o.Name, o.last.ended)
	}
	return nil
}

// await waits for the loop to end, and a little longer than ctx for an Export
// that has to notice it. It reports whether the loop was left behind.
func (o *output) await(ctx context.Context) (abandoned bool) {
	select {
	case <-o.done:
		return false
	case <-ctx.Done():
	}
	timer := time.NewTimer(exportGrace)
	defer timer.Stop()
	select {
	case <-o.done:
		return false
	case <-timer.C:
		o.agent.abandoned.Add(1)
		return true
	}
}
