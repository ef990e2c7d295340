package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// source drives one Collector.
//
//	start ─▶ loop: tick at once, then at multiples of Every
//	           tick ─▶ sits out on the bench, or
//	                   sample ─▶ Probe, Describe when needed ─▶ Collect ─▶ ring
//
// There is one goroutine, so a Collect that hangs holds up only itself: ticks
// that pass meanwhile are counted from the time it takes.
type source struct {
	Source
	agent  *Agent
	id     sample.SourceID
	schema *sample.Schema
	cancel context.CancelFunc   // nil until started
	ask    chan chan<- struct{} // asks for a sample out of turn
	done   chan struct{}        // closed when all of it has ended

	endSeries atomic.Bool // its series end with it

	// owned by the loop
	frame     sample.Frame
	bench     bench
	described bool
	runner    sync.WaitGroup
	running   bool // the Runner was started

	mu    sync.Mutex // guards state
	state state
}

func newSource(a *Agent, src Source, id sample.SourceID) *source {
	s := &source{
		Source: src, agent: a, id: id, schema: a.schema.Scope(id, src.Run),
		ask: make(chan chan<- struct{}, 1), done: make(chan struct{}),
	}
	s.frame = sample.Frame{Source: id, Step: sample.NoStep}
	return s
}

// start begins the loop; called once, under the agent's lock.
func (s *source) start(ctx context.Context) {
	ctx, s.cancel = context.WithCancel(ctx)
	go s.loop(ctx)
}

// stop asks the loop to end; called under the agent's lock. A source that was
// never started is closed all the same.
func (s *source) stop() {
	if s.cancel == nil {
		s.cancel = func() {}
		go func() {
			defer close(s.done)
			s.end()
		}()
	}
	s.cancel()
}

// loop ends when ctx does, as soon as the collector returns.
func (s *source) loop(ctx context.Context) {
	defer close(s.done)
	defer s.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	due := s.agent.clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case answer := <-s.ask:
			s.sample(ctx, s.agent.clock.Now())
			answer <- struct{}{}
			continue
		case <-timer.C:
			s.tick(ctx, due)
		}
		now := s.agent.clock.Now()
		due = nextTick(max(now, due), s.Every)
		timer.Reset(time.Duration(due - now))
	}
}

// end closes the collector after its Runner ended.
func (s *source) end() {
	s.runner.Wait()
	if c, ok := s.Collector.(io.Closer); ok {
		if err := fence(c.Close); err != nil {
			s.agent.log.Warn("collector did not close", "source", s.Name, "error", err)
		}
	}
	if s.endSeries.Load() {
		s.agent.endSeries(s.Run, func(sr *sample.Series) bool { return sr.Source == s.id })
	}
}

// ended waits for the source to end; false if ctx ended first.
func (s *source) ended(ctx context.Context) bool {
	select {
	case <-s.done:
		return true
	default:
	}
	select {
	case <-s.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// nextTick returns the first multiple of every after now.
func nextTick(now int64, every time.Duration) int64 {
	return (now/int64(every) + 1) * int64(every)
}

// tick is the tick due at the given Clock time.
func (s *source) tick(ctx context.Context, due int64) {
	now := s.agent.clock.Now()
	s.late(time.Duration(now - due))
	if s.bench.sitsOut() {
		s.satOut()
		return
	}
	s.sample(ctx, now)
}

// sample takes one sample and draws the conclusions. It is passed the present
// Clock time: reading that clock is a system call, and by far the dearest part
// of what the engine adds to a sample.
func (s *source) sample(ctx context.Context, now int64) {
	s.begin(now)
	err := s.collect(ctx, now)
	s.finish(err, ctx.Err() != nil)
	switch {
	case err == nil:
		if s.bench.succeeded() {
			s.setBenched(false)
			s.report("back after failures", nil)
		}
	case ctx.Err() != nil:
	case s.bench.failed():
		s.setBenched(true)
		s.report("benched after failures", err)
	}
}

// collect appends one frame to the ring. A collector whose series changed is
// described again and asked once more.
func (s *source) collect(ctx context.Context, now int64) error {
	for range 2 {
		if !s.described {
			if err := s.describe(ctx); err != nil {
				return err
			}
			now = s.agent.clock.Now()
		}
		s.frame.Reset()
		s.frame.Time = now
		err := fence(func() error { return s.Collector.Collect(ctx, &s.frame) })
		if !errors.Is(err, sample.ErrChanged) {
			return s.deliver(err)
		}
		s.described = false
	}
	return fmt.Errorf("collect %s: %w again right after describe", s.Name, sample.ErrChanged)
}

// deliver appends the frame of a Collect that returned err.
func (s *source) deliver(err error) error {
	if err != nil {
		return fmt.Errorf("collect %s: %w", s.Name, err)
	}
	if s.frame.Source = s.id; len(s.frame.Refs) > 0 {
		s.agent.ring.Append(&s.frame)
	}
	return nil
}

// describe probes and describes. What Probe cannot tell does not keep the
// numbers from being collected.
func (s *source) describe(ctx context.Context) error {
	if p, ok := s.Collector.(Prober); ok {
		said := new(sample.Facts)
		if err := fence(func() error { return p.Probe(said) }); err != nil {
			s.agent.log.Warn("facts incomplete", "source", s.Name, "error", err)
		}
		s.agent.learn(s, said)
	}
	if err := fence(func() error { return s.Collector.Describe(s.schema) }); err != nil {
		return fmt.Errorf("describe %s: %w", s.Name, err)
	}
	s.described = true
	s.startRunner(ctx)
	return nil
}

// startRunner starts the collector's own thread, if it has one, once.
func (s *source) startRunner(ctx context.Context) {
	r, ok := s.Collector.(Runner)
	if !ok || s.running {
		return
	}
	s.running = true
	s.runner.Go(func() {
		err := fence(func() error { return r.Run(ctx, s.emit) })
		if err != nil && ctx.Err() == nil {
			s.failed(err)
			s.report("thread ended", err)
		}
	})
}

// emit passes on an event of the collector.
func (s *source) emit(e sample.Event) {
	e.Source, e.Run = s.id, s.Run
	s.agent.Emit(e)
}

// report tells outputs and the log that the source changed state.
func (s *source) report(what string, err error) {
	text := s.Name + ": " + what
	if err != nil {
		text += ": " + err.Error()
	}
	s.emit(sample.Event{Kind: sample.EventCollector, Text: text})
	var p *panicError
	if errors.As(err, &p) {
		s.agent.log.Error("collector "+what, "source", s.Name, "error", err, "stack", string(p.stack))
		return
	}
	if err != nil {
		s.agent.log.Warn("collector "+what, "source", s.Name, "error", err)
		return
	}
	s.agent.log.Info("collector "+what, "source", s.Name)
}
