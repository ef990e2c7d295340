package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// The back-off of exports: a random time up to a bound that starts at one
// second and doubles with every failure up to a minute (full jitter, so that
// many agents do not come back at once).
const (
	firstBackOff = time.Second
	maxBackOff   = time.Minute
)

// jitter returns the wait after the given number of failures in a row.
func jitter(failures int) time.Duration {
	bound := maxBackOff
	if n := failures - 1; n < 6 {
		bound = min(firstBackOff<<max(n, 0), maxBackOff)
	}
	return rand.N(bound) + time.Millisecond
}

// fill makes the batch of the given frames and of the events since the last
// batch that was settled.
func (o *output) fill(frames []sample.Frame) {
	b := &o.batch
	if v := o.agent.facts.version.Load(); b.Facts == nil || v != o.factsAt {
		b.Facts = o.agent.facts.of(o.Select.wants)
		o.factsAt = v
	}
	b.Schema, b.Frames = o.agent.schema, frames
	b.Clock = *o.agent.host.Load()
	if o.Clock != nil {
		b.Clock = *o.Clock
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	b.Events = o.events.appendTo(b.Events[:0])
}

// export hands the batch to the exporter and settles it. It returns false if
// the same frames are to be offered again.
func (o *output) export(ctx context.Context) bool {
	began := time.Now()
	err := fence(func() error { return o.Exporter.Export(ctx, &o.batch) })
	sent, dropped, again := verdict(err, len(o.batch.Frames))
	o.queue.Settle(sent, dropped)
	news := o.account(err, time.Since(began), sent > 0 || err == nil, again)
	switch {
	case !news:
	case err == nil:
		o.agent.log.Info("export works again", "output", o.Name)
	case again:
		o.agent.log.Warn("export failed, trying again", "output", o.Name, "error", err)
	default:
		o.agent.log.Error("frames dropped", "output", o.Name, "frames", dropped, "error", err)
	}
	return !again
}

// verdict says what an answer of Export means for n frames.
func verdict(err error, n int) (sent, dropped int, again bool) {
	if err == nil {
		return n, 0, false
	}
	var partial *PartialError
	switch {
	case IsPermanent(err) || panicked(err):
		return 0, n, false
	case errors.As(err, &partial):
		refused := min(max(partial.Rejected, 0), n)
		return n - refused, refused, false
	}
	return 0, 0, true
}

// account notes the outcome of an export and reports whether it is news: the
// first failure of a row, or its end.
func (o *output) account(err error, took time.Duration, delivered, again bool) (news bool) {
	now := o.agent.clock.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	l := &o.last
	l.exports++
	l.took += took
	news = (err == nil) != (l.err == nil)
	l.err = err
	if err == nil {
		l.ok = now
	} else {
		l.failed++
	}
	if again {
		o.failures++
		return news
	}
	o.failures = 0
	o.events.settle(delivered)
	return news
}
