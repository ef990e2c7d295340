package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// start is where a run begins.
type start struct {
	plain bool  // neither resumed, nor forked, nor rewound
	step  int64 // of its first row
}

// branch asks the server what a run that is to be resumed or rewound has, and
// fills pos and in with it.
func (u *Uploader) branch(ctx context.Context, run *wandbpb.RunRecord, pos *position, in *api.UpsertInput) (start, error) {
	mode := either(u.o.Resume, run.GetResume())
	point := run.GetBranchPoint()
	switch {
	case mode != "":
		return u.resume(ctx, mode, run, pos, in)
	case point.GetRun() == "":
		return start{plain: true}, nil
	case point.GetRun() == run.GetRunId():
		return u.rewind(ctx, point, pos, in)
	}
	return start{step: int64(point.GetValue()) + 1}, nil // a fork: the server is told in the config
}

// resume applies a resume mode.
func (u *Uploader) resume(ctx context.Context, mode string, run *wandbpb.RunRecord, pos *position, in *api.UpsertInput) (start, error) {
	info, err := untilReached(ctx, u, func() (*api.ResumeInfo, error) {
		return u.once.ResumeStatus(ctx, pos.Entity, pos.Project, pos.Run)
	})
	if err != nil {
		return start{}, fmt.Errorf("resume run %s: %w", describe(pos), err)
	}
	exists := info != nil && info.Started()
	switch {
	case mode == "must" && !exists:
		return start{}, fmt.Errorf("%w must: %w to be resumed: %s", ErrResume, ErrNoSuchRun, describe(pos))
	case mode == "never" && exists && u.creating && info.HistoryLineCount+info.EventsLineCount+info.LogLineCount == 0:
		return start{plain: true}, nil // it is the one that this log has made
	case mode == "never" && exists:
		return start{}, fmt.Errorf("%w never: %w: %s", ErrResume, ErrRunExists, describe(pos))
	case !exists:
		return start{plain: true}, nil
	}
	f := formerOf(info)
	pos.Resumed = true
	pos.StorageID, in.ID = info.ID, info.ID
	pos.Earlier, pos.LastStep = max(0, f.runtime-float64(run.GetRuntime())), f.lastStep
	pos.History, pos.Events, pos.Console = info.HistoryLineCount, info.EventsLineCount, info.LogLineCount
	pos.Inherited = inherited{Config: info.Config, Summary: info.SummaryMetrics}
	if len(run.GetTags()) == 0 {
		in.Tags, pos.Inherited.Tags = info.Tags, info.Tags
	}
	if run.GetNotes() == "" {
		pos.Inherited.Notes = info.Notes
	}
	in.Notes = either(in.Notes, info.Notes)
	step := max(f.lastStep, 0)
	if info.HistoryLineCount > 0 {
		step = f.lastStep + 1
	}
	return start{step: step}, nil
}

// rewind takes the run at the server back to a step.
func (u *Uploader) rewind(ctx context.Context, point *wandbpb.BranchPoint, pos *position, in *api.UpsertInput) (start, error) {
	bucket, err := untilReached(ctx, u, func() (*api.Bucket, error) {
		return u.once.RewindRun(ctx, pos.Entity, pos.Project, pos.Run, either(point.GetMetric(), "_step"), point.GetValue())
	})
	if err != nil {
		return start{}, fmt.Errorf("rewind run %s: %w", describe(pos), err)
	}
	pos.take(bucket)
	pos.Resumed, in.ID = true, bucket.ID
	pos.History = bucket.HistoryLineCount
	pos.Inherited.Config = bucket.Config
	if err := u.otherLines(ctx, pos); err != nil {
		return start{}, err
	}
	return start{step: int64(point.GetValue()) + 1}, nil
}

// otherLines finds where events and console of an existing run go on.
func (u *Uploader) otherLines(ctx context.Context, pos *position) error {
	info, err := untilReached(ctx, u, func() (*api.ResumeInfo, error) {
		return u.once.ResumeStatus(ctx, pos.Entity, pos.Project, pos.Run)
	})
	if err != nil {
		return fmt.Errorf("ask for lines of run %s: %w", describe(pos), err)
	}
	if info != nil {
		pos.Events, pos.Console = info.EventsLineCount, info.LogLineCount
	}
	return nil
}

// goOn is for a run that is at the server though nobody asked to resume it. If
// this log was sent before by an upload that left no position, the lines that
// the server has are those of this log. Else the run gets more lines, at steps
// above those it has.
func (u *Uploader) goOn(ctx context.Context, pos *position) error {
	info, err := untilReached(ctx, u, func() (*api.ResumeInfo, error) {
		return u.once.ResumeStatus(ctx, pos.Entity, pos.Project, pos.Run)
	})
	if err != nil || info == nil {
		return err
	}
	pos.History, pos.Events, pos.Console = info.HistoryLineCount, info.EventsLineCount, info.LogLineCount
	step, err := readSyncState(u.o.Dir)
	if err != nil {
		return err
	}
	if step != nil && *step == 0 {
		pos.Skip = Skip{History: pos.History, Events: pos.Events}
		pos.Console = 0
		return nil
	}
	pos.LastStep = formerOf(info).lastStep
	u.o.Logger.Warn("the server has this run already: its rows are added behind", "run", describe(pos), "last_step", pos.LastStep)
	return nil
}

// syncState is what the official tools keep beside a log, so that its steps
// stay the same whoever sends it.
type syncState struct {
	StartingStep *int64 `json:"starting_step,omitempty"`
}

func syncStatePath(dir *runlog.Dir) string { return dir.LogPath() + ".syncstate" }

// readSyncState returns nil if no upload has begun yet.
func readSyncState(dir *runlog.Dir) (*int64, error) {
	text, err := os.ReadFile(syncStatePath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var s syncState
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("read sync state: %w", err)
	}
	return s.StartingStep, nil
}

// startingStep returns the first step of a log: the one that an upload has
// fixed, else step, which it then fixes.
func startingStep(dir *runlog.Dir, step int64) (int64, error) {
	fixed, err := readSyncState(dir)
	if err != nil || fixed != nil {
		return value(fixed), err
	}
	text, err := json.Marshal(syncState{&step})
	if err == nil {
		err = writeAtomic(syncStatePath(dir), text)
	}
	if err != nil {
		return 0, fmt.Errorf("write sync state: %w", err)
	}
	return step, nil
}

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}
