package agent

import (
	"context"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Collector reads numbers of one subject.
//
// The agent calls its methods from one goroutine at a time. Describe comes
// first, and again after Collect returned sample.ErrChanged; it adds every
// series to the schema and keeps the Refs. Collect puts what can be measured
// now; what cannot is left out and is no error unless nothing could be
// measured. Neither may keep the frame. The context ends when the agent ends:
// it is not a deadline, because a read stuck in the kernel cannot be given
// one; the agent measures how long Collect takes and skips the ticks it
// misses. After the agent ended no method is called any more, except Close
// where the collector is an io.Closer.
type Collector interface {
	Describe(*sample.Schema) error
	Collect(ctx context.Context, f *sample.Frame) error
}

// Prober is a Collector that knows static facts. Probe is called before the
// first Describe and again after each sample.ErrChanged; it fills in what it
// knows and leaves the rest.
type Prober interface{ Probe(*sample.Facts) error }

// Runner is a Collector with a thread of its own, such as one that waits for
// driver events. Run is called once beside the ticks, after Describe succeeded
// for the first time; it blocks until ctx ends and reports events through emit,
// which never blocks and fills in the source, its run and a Time left 0.
type Runner interface {
	Run(ctx context.Context, emit func(sample.Event)) error
}

// Source is a collector with its cadence. Make one per tier, and one per
// object that may block (a network filesystem, a GPU).
type Source struct {
	Name      string        // unique within the agent: host/cpu, gpu/0
	Run       sample.RunID  // "" for the host
	Every     time.Duration // ticks are aligned to multiples of it; default 1 s
	Collector Collector
}
