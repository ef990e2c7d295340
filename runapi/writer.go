package runapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
)

// writerPart begins the names of the logs that Run.Writer makes.
const writerPart = "writer-"

// errLabel is what is wrong with the label of a writer.
var errLabel = errors.New("want a label of 1-64 characters")

// Writer returns another writer of the same run, for a part of the program that
// counts steps of its own: a worker, a follower of files. Its rows are a second
// sequence, beside those of r: neither commits or refuses a step of the other.
// It has a log of its own in the run's directory, which is as safe against a
// crash and is sent with the run. When both have rows, those of the writer get
// the next free step as they come to the run, say whose they are as _writer: label, and
// which step of its own each is as _writer_step.
//
// Rows, summary, DefineMetric and Save of a writer are the run's. It has no
// hardware, console, outputs and exit status. Finish it before r; Finish of r
// finishes writers that are left. A nil or disabled run is its own writer.
func (r *Run) Writer(label string) (*Run, error) {
	if r == nil || r.off {
		return r, nil
	}
	if n := len([]rune(label)); n < 1 || n > 64 {
		return nil, fmt.Errorf("make writer %.80q: %w", label, errLabel)
	}
	w := newRun(r.writerSettings(label))
	w.dir, w.clock, w.start, w.before = r.dir, r.clock, r.start, r.before
	if err := w.openPart(writerPart + partLabel(label) + "-" + runlog.NewID()); err != nil {
		return nil, fmt.Errorf("make writer %s: %w", label, err)
	}
	err := w.begin(nil, nil)
	if err == nil {
		err = r.OnFinish(w.finishPart)
	}
	if err != nil {
		return nil, fmt.Errorf("make writer %s: %w", label, errors.Join(err, w.log.Close()))
	}
	w.back.Go(w.background)
	return w, nil
}

// writerSettings are the run's, without what its main writer does for it.
func (r *Run) writerSettings(label string) Settings {
	s := r.set
	s.RunDir, s.inside, s.Part, s.Label = r.dir, true, false, label
	s.Name, s.Notes, s.Group, s.JobType, s.Tags, s.Config = "", "", "", "", nil, nil
	s.Resume, s.ResumeFrom, s.ForkFrom, s.branch = "", "", "", nil
	s.SweepID, s.SweepParamPath = "", ""
	s.DisableStats, s.DisableMeta, s.DisableConsole, s.DisableGit, s.Outputs = true, true, true, true, nil
	return s
}

// partLabel is a label as a part of a file's name.
func partLabel(label string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			return c
		}
		return '_'
	}, label)
}

// finishPart ends a writer that its program did not finish.
func (r *Run) finishPart(ctx context.Context) error {
	if err := r.endLog(ctx, Exit{}); !errors.Is(err, ErrFinished) {
		return err
	}
	return nil
}

// hookGrace is how long Finish waits for what OnFinish was given, all together.
const hookGrace = 5 * time.Second

// hookNotice is how long each of them may take to notice that its context ended.
const hookNotice = 250 * time.Millisecond

// OnFinish has Finish call f before it ends the run, so that f may still log.
// What was given last is called first. Finish waits for all of them together for
// at most 5 s, after which their context has ended, and their errors are part of
// its own. f runs in a goroutine of its own. The error is ErrFinished: f is not
// called then.
func (r *Run) OnFinish(f func(ctx context.Context) error) error {
	if r == nil || r.off || f == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finishing || r.finished {
		return ErrFinished
	}
	r.hooks = append(r.hooks, f)
	return nil
}

// beginFinish lets the first call of Finish go on, with what OnFinish was given.
func (r *Run) beginFinish() ([]func(context.Context) error, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finishing || r.finished {
		return nil, ErrFinished
	}
	r.finishing = true
	return r.hooks, nil
}

// callHooks does what OnFinish asked for.
func callHooks(ctx context.Context, hooks []func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, hookGrace)
	defer cancel()
	var errs []error
	for _, f := range slices.Backward(hooks) {
		done := make(chan error, 1)
		go func() { done <- f(ctx) }() // ends with f, which was told by ctx
		select {
		case err := <-done:
			errs = append(errs, err)
		case <-ctx.Done():
			select { // f was told just now
			case err := <-done:
				errs = append(errs, err)
			case <-time.After(hookNotice):
				errs = append(errs, fmt.Errorf("what OnFinish was given: %w", ctx.Err()))
			}
		}
	}
	return errors.Join(errs...)
}
