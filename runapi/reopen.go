package runapi

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// continueLog takes up a log that another process of the run began: what it
// holds becomes the state, and the run's clock, step and settings go on from
// there. Open steps of that process are stored as rows.
func (r *Run) continueLog() error {
	log, err := runlog.Reopen(r.dir.LogPath(), r.logOptions())
	if err != nil {
		return &InitError{"log", err}
	}
	r.log, r.continued = log, true
	var bad error
	_, err = runlog.Walk(r.dir, func(writer string, rec *wandbpb.Record) error {
		if writer != "" {
			return nil // folded in by Finish
		}
		if rec.GetHistory() != nil && rec.GetNum() == 0 { // a step that was left open
			if err := log.Write(rec); err != nil {
				return err
			}
		}
		bad = errors.Join(bad, r.state.Apply(rec))
		return nil
	})
	if err != nil {
		return &InitError{"log", errors.Join(err, log.Close())}
	}
	if bad != nil {
		r.set.Logger.Warn("values in the log could not be read", "run", r.set.ID, "error", bad)
	}
	if r.state.Exit != nil {
		return &InitError{"log", errors.Join(fmt.Errorf("run %s: %w", r.set.ID, ErrFinished), log.Close())}
	}
	// The parts of open steps are rows now.
	if err := os.Remove(r.dir.OpenStepsPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &InitError{"log", errors.Join(err, log.Close())}
	}
	r.takeUp()
	return nil
}

// takeUp sets the run's identity, clock and step from the state.
func (r *Run) takeUp() {
	r.step = r.state.LastStep + 1
	rec := r.state.Run
	if rec == nil {
		return
	}
	if rec.GetStartTime() != nil {
		r.start = rec.GetStartTime().AsTime().UnixNano() - r.clock.Anchor
	}
	r.before = float64(rec.GetRuntime())
	r.set.Project, r.set.Entity = rec.GetProject(), rec.GetEntity()
	r.set.Name, r.set.Notes = rec.GetDisplayName(), rec.GetNotes()
	r.set.Group, r.set.JobType, r.set.Tags = rec.GetRunGroup(), rec.GetJobType(), rec.GetTags()
}
