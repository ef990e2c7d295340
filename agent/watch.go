package agent

import (
	"context"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

const (
	// watchEvery is how often the agent looks at itself.
	watchEvery = time.Second
	// gapAfter is how late the watch must be to call it a gap in the timeline.
	gapAfter = 5 * time.Second
	// sleptAfter is by how much the boot clock outruns the monotonic one, which
	// stands still in suspend, to call it a suspend.
	sleptAfter = time.Second
	// clockStep is the change of the wall clock that counts as a step, and the
	// drift at which host outputs are anchored anew.
	clockStep = 500 * time.Millisecond
	// refusedEvery is how often refused series are logged at most.
	refusedEvery = time.Minute
	// sureRead is how long reading two clocks may take to compare them.
	sureRead = 20 * time.Millisecond
)

// watch is what the agent looks at once a second: gaps, steps of the wall
// clock, stuck sources, outputs that lose frames, series slots to reuse.
type watch struct {
	agent *Agent
	boot  int64     // Clock time at the last look
	mono  time.Time // monotonic time of the last look
	drift int64     // of the wall clock against the host's anchor, ns

	refused uint64    // series refused when that was logged last
	said    time.Time // when that was
}

// run ends with the context.
func (w *watch) run(ctx context.Context) {
	w.boot, w.mono = w.agent.clock.Now(), time.Now()
	w.drift, _ = w.agent.drift()
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.look()
		}
	}
}

func (w *watch) look() {
	w.gap()
	w.step()
	w.stuck()
	w.losing()
	w.crowded()
	w.agent.schema.Retire(w.agent.ring.Bounds())
}

// gap reports a time in which nothing ran, once.
func (w *watch) gap() {
	boot, mono := w.agent.clock.Now(), time.Now()
	passed, awake := time.Duration(boot-w.boot), mono.Sub(w.mono)
	w.boot, w.mono = boot, mono
	slept, missing := passed-awake, passed-watchEvery
	why := "agent was stopped or starved"
	if slept > sleptAfter {
		why = "suspend"
	} else if missing <= gapAfter {
		return
	}
	missing = missing.Round(time.Millisecond)
	w.agent.log.Info("gap in the timeline", "length", missing, "cause", why)
	w.agent.Emit(sample.Event{Time: boot, Kind: sample.EventGap, Text: "no samples for " + missing.String() + ": " + why})
}

// drift returns how far the wall clock is ahead of the host's anchor; false if
// the two clocks could not be read close enough to each other.
func (a *Agent) drift() (ns int64, sure bool) {
	before := a.clock.Now()
	wall := a.wall()
	after := a.clock.Now()
	return wall - a.host.Load().UnixNano(before), after-before < int64(sureRead)
}

// step reports a step of the wall clock and anchors host outputs anew. Slow
// drift, which time daemons correct by slewing, is followed without an event.
func (w *watch) step() {
	drift, sure := w.agent.drift()
	if !sure {
		return
	}
	change := time.Duration(drift - w.drift)
	w.drift = drift
	stepped := change.Abs() > clockStep
	if !stepped && time.Duration(drift).Abs() <= clockStep {
		return
	}
	anchored := *w.agent.host.Load()
	anchored.Anchor += drift
	w.agent.host.Store(&anchored)
	w.drift = 0
	if !stepped {
		return
	}
	change = change.Round(time.Millisecond)
	w.agent.log.Info("wall clock stepped", "by", change)
	w.agent.Emit(sample.Event{Kind: sample.EventClockStep, Text: "wall clock stepped by " + change.String()})
}

// stuck reports sources that hang and those that came back.
func (w *watch) stuck() {
	w.agent.mu.Lock()
	sources := append([]*source(nil), w.agent.sources...)
	w.agent.mu.Unlock()
	for _, s := range sources {
		stuck, changed := s.watch()
		switch {
		case changed && stuck:
			s.report("stuck", nil)
		case changed:
			s.report("no longer stuck", nil)
		}
	}
}

// losing logs outputs that begin to lose frames, and those that caught up.
func (w *watch) losing() {
	w.agent.mu.Lock()
	outputs := append([]*output(nil), w.agent.outputs...)
	w.agent.mu.Unlock()
	for _, o := range outputs {
		lost := o.cursor.Counts().Lost
		loses := lost > o.lost
		o.lost = lost
		if loses != o.loses {
			o.loses = loses
			o.reportLoss(lost)
		}
	}
}

func (o *output) reportLoss(lost uint64) {
	if o.loses {
		o.agent.log.Error("output falls behind and loses frames", "output", o.Name, "lost", lost)
		return
	}
	o.agent.log.Info("output keeps up again", "output", o.Name, "lost", lost)
}

// crowded logs that series were refused, and what crowds the list, at most once
// a minute.
func (w *watch) crowded() {
	refused := w.agent.schema.Refused()
	if refused == w.refused || w.mono.Sub(w.said) < refusedEvery && !w.said.IsZero() {
		return
	}
	more := refused - w.refused
	w.refused, w.said = refused, w.mono
	w.agent.log.Error("series ceiling reached", "refused", more, "most", w.agent.Crowd(3))
}
