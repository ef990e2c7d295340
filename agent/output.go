package agent

import (
	"context"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/internal/ring"
	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// queue is where a pump reads from: the ring's cursor.
type queue interface {
	// Read returns the next frames, the same ones again until they are
	// settled; more says that the batch was cut.
	Read() (frames []sample.Frame, more bool)
	// Settle ends the account of the last Read; with zeroes it is read again.
	Settle(sent, dropped int)
}

// output drives one Exporter.
//
//	start ─▶ loop: at multiples of Every, or when half of a lane is unread
//	           flush ─▶ Read ─▶ Export ─▶ Settle, until all is read
//	                      ▲                  │ failed
//	                      └─── back-off ◀────┘
//	drain ─▶ the last flush, bounded by the caller's context ─▶ Shutdown
type output struct {
	Output
	agent  *Agent
	cursor *ring.Cursor
	queue  queue
	cancel context.CancelFunc // nil until started; ends the context of Export
	ending chan struct{}      // closed to begin the drain
	end    sync.Once          // closes ending
	done   chan struct{}      // closed after Shutdown returned

	// owned by the loop
	batch     sample.Batch
	factsAt   uint64 // version of batch.Facts
	failures  int    // in a row
	drainOnly bool

	// owned by the agent's watch
	lost  uint64 // at its last look
	loses bool   // between its last two looks

	mu     sync.Mutex // guards all below
	open   []sample.RunID
	events eventList
	last   outcome
}

// outcome is what is known of the exports so far.
type outcome struct {
	exports uint64
	failed  uint64
	took    time.Duration
	err     error // of the last export, nil if it succeeded
	ok      int64 // Clock time of the last success, 0 never
	ended   error // of the drain and Shutdown
}

func newOutput(a *Agent, out Output) *output {
	o := &output{
		Output: out, agent: a, cursor: a.ring.NewCursor(),
		ending: make(chan struct{}), done: make(chan struct{}),
	}
	o.queue = o.cursor
	o.open = append(o.open, out.Select.Runs...)
	return o
}

// start begins the loop, unless a drain did so already; called under the
// agent's lock.
func (o *output) start(ctx context.Context) {
	if o.cancel != nil {
		return
	}
	ctx, o.cancel = context.WithCancel(ctx)
	go o.loop(ctx)
}

// afterTick is how long after a common multiple of their cadences an output
// reads, so that it finds the samples of that moment.
const afterTick = 50 * time.Millisecond

// untilNext returns the time until the output reads next.
func (o *output) untilNext() time.Duration {
	lag := min(o.Every/10, afterTick)
	now := o.agent.clock.Now()
	return time.Duration(nextTick(now-int64(lag), o.Every) + int64(lag) - now)
}

// loop ends after the drain.
func (o *output) loop(ctx context.Context) {
	defer close(o.done)
	timer := time.NewTimer(o.untilNext())
	defer timer.Stop()
	for {
		select {
		case <-o.ending:
			o.drainOnly, o.failures = true, 0
			o.flush(ctx)
			o.shutdown(ctx)
			return
		case <-o.cursor.Wake():
		case <-timer.C:
			timer.Reset(o.untilNext())
		}
		o.flush(ctx)
	}
}

// flush exports until the queue is empty, which in a drain it becomes. It
// gives up when the context ends, or when a drain begins during a back-off.
func (o *output) flush(ctx context.Context) {
	for ctx.Err() == nil {
		frames, more := o.queue.Read()
		o.fill(frames)
		if len(frames) == 0 && len(o.batch.Events) == 0 {
			return
		}
		if !o.export(ctx) {
			if !o.backOff(ctx) {
				return
			}
			continue
		}
		if !more && !o.drainOnly {
			return
		}
	}
}

// backOff waits before the next try; false means not to try now.
func (o *output) backOff(ctx context.Context) bool {
	ending := o.ending
	if o.drainOnly {
		ending = nil
	}
	timer := time.NewTimer(jitter(o.failures))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-ending:
		return false
	case <-timer.C:
		return true
	}
}

// shutdown ends the exporter.
func (o *output) shutdown(ctx context.Context) {
	err := fence(func() error { return o.Exporter.Shutdown(ctx) })
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last.ended = err
}
