package runapi

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrStopRequested is the cause of a run's ended context when somebody has asked
// the server, or wandb-agent stop, to stop the run.
var ErrStopRequested = errors.New("somebody asked the run to stop")

// doGrace is how long Do goes on sending when its context has ended already.
const doGrace = 5 * time.Second

// Do makes a run for the time of one call of fn, and finishes it: with code 0
// when fn returned nil, else with 1. fn's context ends with ctx, and with cause
// ErrStopRequested when somebody stops the run. A panic of fn, or its
// runtime.Goexit, goes on when the run is finished; it is not recovered, so its
// trace shows where it began.
//
// The error is Init's, or that of fn joined with that of Finish: errors.Is
// finds either, so that a program which takes ErrUnsent for good keeps fn's own
// error aside. After a stop request it is fn's word whether the run ended well:
// nil is code 0. Finish waits as Run.FinishContext does; when ctx has ended
// before, for at most 5 s.
func Do(ctx context.Context, s Settings, fn func(ctx context.Context, r *Run) error) (err error) {
	r, err := Init(ctx, s)
	if err != nil {
		return err
	}
	code := 1
	defer func() {
		end, cancel := ctx, context.CancelFunc(func() {})
		if ctx.Err() != nil {
			end, cancel = context.WithTimeout(context.WithoutCancel(ctx), doGrace)
		}
		defer cancel()
		if e := r.FinishContext(end, Exit{Code: code}); !errors.Is(e, ErrFinished) { // fn may have finished it
			err = errors.Join(err, e)
		}
	}()
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.Context(), func() { cancel(context.Cause(r.Context())) })()
	if err = fn(inner, r); err == nil {
		code = 0
	}
	return err
}

// Context returns a context that ends when somebody asks the run to stop (see
// StopRequested), with cause ErrStopRequested, and when the run is finished, with cause
// ErrFinished. That of a nil or disabled run never ends.
func (r *Run) Context() context.Context {
	if r == nil || r.off {
		return context.Background()
	}
	return r.ctx
}

// StopRequested returns a channel that is closed when somebody has asked the
// server to stop the run, or the command wandb-agent stop on this machine: a
// program should then end. It is never closed for a program inside exec, which
// gets SIGTERM.
func (r *Run) StopRequested() <-chan struct{} {
	if r == nil || r.off {
		return nil
	}
	return r.asked
}

// askToStop passes a stop request on to the program, once.
func (r *Run) askToStop() {
	r.askOnce.Do(func() { close(r.asked) })
	r.cancel(ErrStopRequested)
}

// lookForStop takes up a stop request of this machine. It is used up by that: a
// process that goes on with the run is not meant.
func (r *Run) lookForStop() {
	if r.set.inside || os.Remove(r.dir.StopPath()) != nil {
		return
	}
	r.askToStop()
}
