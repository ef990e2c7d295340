package runapi

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// RunReader is a run as its directory has it: one that is over, that was cut
// off, or that another process is at. Open makes it. Methods are safe for
// concurrent use.
type RunReader struct {
	dir *runlog.Dir

	mu   sync.Mutex // guards what follows: Edit reads the run anew
	info RunInfo
	read *runlog.State
}

// RunInfo is what a run is called and how far it got. Text is "" and lists are
// nil where the log has nothing.
type RunInfo struct {
	ID, Entity, Project, Name, Notes, Group, JobType, SweepID, Host string

	Tags     []string
	Start    time.Time // zero if the log does not say
	Rows     int64     // of the history
	LastStep int64     // of them; -1 if there are none
	Exit     *Exit     // nil: the run has not ended, or was cut off
	Alive    bool      // a process is at it
}

// Open reads the run that path names: a run directory, the .wandb file in one, or
// a directory of runs, whose newest is then taken. It reads the log once and
// keeps what it adds up to: names, config, summary. Rows are read when History
// asks for them, so that memory does not grow with the length of the run. The
// run is not changed, and the reader does not follow what comes later: Open it
// again. A step that was left open counts as a row. Errors are those of ctx and
// of the log.
func Open(ctx context.Context, path string) (*RunReader, error) {
	dir, err := runlog.OpenDir(path)
	if err != nil {
		return nil, err
	}
	r := &RunReader{dir: dir}
	if err := r.load(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *RunReader) load(ctx context.Context) error {
	state, exit, _, err := runlog.Survey(r.dir, func(string, *wandbpb.Record) error { return ctx.Err() })
	if err != nil {
		return err
	}
	alive, err := r.dir.Alive()
	if err != nil {
		return fmt.Errorf("open run: %w", err)
	}
	r.take(state, exit, alive)
	return nil
}

func (r *RunReader) take(state *runlog.State, exit *wandbpb.RunExitRecord, alive bool) {
	run := state.Run
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = state
	r.info = RunInfo{
		ID: r.dir.Run(), Entity: run.GetEntity(), Project: run.GetProject(), Name: run.GetDisplayName(), Notes: run.GetNotes(),
		Group: run.GetRunGroup(), JobType: run.GetJobType(), SweepID: run.GetSweepId(), Host: run.GetHost(), Tags: run.GetTags(),
		Rows: state.Rows, LastStep: state.LastStep, Alive: alive,
	}
	if run.GetStartTime() != nil {
		r.info.Start = run.GetStartTime().AsTime()
	}
	if exit != nil {
		r.info.Exit = &Exit{Code: int(exit.GetExitCode()), Signal: int(exit.GetSignal()), Unknown: exit.GetUnknown()}
	}
}

// Dir returns the run directory.
func (r *RunReader) Dir() string { return r.dir.Path }

// Info returns what the run is called and how far it got.
func (r *RunReader) Info() RunInfo {
	r.mu.Lock()
	defer r.mu.Unlock()
	info := r.info
	info.Tags = slices.Clone(info.Tags)
	if info.Exit != nil {
		exit := *info.Exit
		info.Exit = &exit
	}
	return info
}

// Config returns a copy of the config, without W&B's own part.
func (r *RunReader) Config() map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	config, _ := clone(r.read.Config()).(map[string]any)
	delete(config, ownKey)
	return config
}

// Summary returns the summary as nested objects, made new on every call, as
// Summary.All does. That of a run that was cut off is worked out of its rows.
func (r *RunReader) Summary() map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read.Summary()
}

// History reads the rows of the run as Run.History does, with the steps of the
// run's log.
func (r *RunReader) History(ctx context.Context, keys ...string) iter.Seq2[HistoryRow, error] {
	return history(ctx, r.dir, 0, keys)
}

// Sample is one record of system metrics; keys have no "system." prefix.
type Sample = runlog.Sample

// Stats reads the system metrics of the run, oldest first, one record at a time.
func (r *RunReader) Stats(ctx context.Context) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) { walkRecords(ctx, r.dir, runlog.SampleOf, yield) }
}
