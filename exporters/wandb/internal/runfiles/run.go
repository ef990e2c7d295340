package runfiles

import (
	"context"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// Run stores files as they come, until ctx ends or Finish is called, and
// returns when nothing is on its way any more. It is called at most once.
// Without it files wait for Finish. The error is that of ctx.
func (u *Uploader) Run(ctx context.Context) error {
	inner, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan struct{})
	defer close(done)
	u.mu.Lock()
	finished := u.finished
	u.running, u.stop = done, stop
	u.mu.Unlock()
	if finished {
		return ctx.Err()
	}
	defer u.tasks.Wait()
	poll := time.NewTicker(u.o.Poll)
	defer poll.Stop()
	for {
		select {
		case <-u.wake:
			if u.pause(inner) {
				u.start(inner)
			}
		case <-poll.C:
			u.changed()
		case <-u.finishing:
			return ctx.Err()
		case <-inner.Done():
			return ctx.Err()
		}
	}
}

// pause waits for more files to come, longer after failures. It returns false
// when Run has to end.
func (u *Uploader) pause(ctx context.Context) bool {
	u.mu.Lock()
	d := u.o.Delay
	if u.failures > 0 {
		d = max(d, u.o.Retry.Wait(u.failures-1, u.err))
	}
	u.mu.Unlock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-u.finishing:
	case <-ctx.Done():
	}
	return false
}

// start sends the queue, a task for each batch: a long transfer does not hold
// up the files that come after it.
func (u *Uploader) start(ctx context.Context) {
	for batch := u.cut(maxBatch); len(batch) > 0; batch = u.cut(maxBatch) {
		u.tasks.Go(func() { u.send(ctx, batch) })
	}
}

// Finish sends everything that was added, and live files once more. Run returns
// meanwhile. An outage is waited for until ctx ends, or Options.Retry has no
// more tries. An error says why files are still pending; those that were
// dropped are in the counts.
func (u *Uploader) Finish(ctx context.Context) error {
	u.mu.Lock()
	again := u.finished
	u.finished = true
	running, stop := u.running, u.stop
	u.mu.Unlock()
	if again {
		return ErrFinished
	}
	close(u.finishing)
	if running != nil {
		defer context.AfterFunc(ctx, stop)()
		<-running
	}
	u.rest()
	for tries := 0; ; tries++ {
		sent := u.Counts().Sent
		err := u.round(ctx)
		c := u.Counts()
		if c.Pending() == 0 {
			return nil
		}
		if c.Sent > sent {
			tries = 0
		}
		if err != nil && (tries >= u.o.Retry.Max || !u.again(ctx, tries, err)) {
			return fmt.Errorf("send files of run %s: %d pending: %w", u.o.Run, c.Pending(), err)
		}
	}
}

// again waits after a round that an outage stopped. It returns false for what
// waiting does not heal.
func (u *Uploader) again(ctx context.Context, tries int, err error) bool {
	return api.Classify(err, api.GraphQL) == api.Retry && api.Sleep(ctx, u.o.Retry.Wait(tries, err)) == nil
}

// round sends the queue once. Files are put back without an error when a new
// URL may help them; an error is that of an outage, or of ctx.
func (u *Uploader) round(ctx context.Context) error {
	u.mu.Lock()
	u.err = nil
	u.mu.Unlock()
	u.start(ctx)
	u.tasks.Wait()
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return u.err
}
