package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wandb-agent/wandb-agent/agent/sample"
)

// Exporter delivers batches to one place.
//
// The pump of its output calls it from one goroutine, with batches in order.
// Export must not keep the batch. nil means the receiver has confirmed all of
// it; an error made by Permanent means it never will and the batch is dropped
// and counted; a *PartialError means the receiver refused some of it; any other
// error makes the pump offer the same frames again after a back-off, as long
// as the ring still holds them, with newer ones behind them. A panic drops the
// batch: the same frames would most likely end the same way. A batch may have
// events and no frames. A context that ends asks Export to give up. Shutdown is
// called once, after the last Export.
type Exporter interface {
	Export(ctx context.Context, b *sample.Batch) error
	Shutdown(ctx context.Context) error
}

// Select says which frames an output gets.
type Select struct {
	Host bool           // series of the host
	Runs []sample.RunID // series of these runs
	All  bool           // host and every run
	Rows bool           // rows that programs logged, of the runs selected
}

// matches reports whether a frame of the given run and lane is selected.
func (s *Select) matches(run sample.RunID, row bool) bool {
	if row && !s.Rows {
		return false
	}
	if s.All || (run == "" && s.Host) {
		return true
	}
	for _, r := range s.Runs {
		if r == run && run != "" {
			return true
		}
	}
	return false
}

// wants reports whether series of the run are selected.
func (s *Select) wants(run sample.RunID) bool { return s.matches(run, false) }

// Output is an exporter with what it gets and how often.
type Output struct {
	Name     string        // unique within the agent
	Exporter Exporter      // called by this output's pump only
	Select   Select        // the zero Select gets nothing
	Every    time.Duration // a batch at least this often while there are frames; default 1 s
	Clock    *sample.Clock // fixed anchor of a run; nil: the host's, anchored anew after a step of the wall clock
}

// permanentError marks an error that no retry will heal.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

// Permanent marks err as hopeless: the pump drops the batch, counts it and goes
// on. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

// IsPermanent reports whether err was marked by Permanent.
func IsPermanent(err error) bool {
	var p *permanentError
	return errors.As(err, &p)
}

// PartialError is returned by Export when the receiver took the batch except
// for some of its frames.
type PartialError struct {
	Rejected int   // frames not taken, at least 1
	Err      error // what the receiver said
}

// Error says how many frames were refused, and why.
func (e *PartialError) Error() string {
	return fmt.Sprintf("receiver refused %d frames: %v", e.Rejected, e.Err)
}

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }
