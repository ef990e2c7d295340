package runapi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/redact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runconfig"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/xjson"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/upload"
)

// ErrAlive is returned by RunReader.Edit while a program writes the run, or sends
// it; nothing was changed.
var ErrAlive = errors.New("the run is being written or sent")

// Changes are what Edit changes of a run. Zero fields change nothing.
type Changes struct {
	Name    string   // display name
	Notes   *string  // "" removes them
	Tags    []string // the tags from now on; empty and not nil is none
	Group   string
	JobType string

	Config  map[string]any // values as Config.Update with AllowChange takes them
	Summary map[string]any // values as Summary.Set takes them; those of nested paths: {"val": {"acc": 0.9}} replaces all of val

	DeleteSummary [][]string // paths; what is nested below goes too
}

// Edit changes a run that is over, or was cut off: it stands in the run's log
// when Edit returns nil, in files/config.yaml and files/wandb-summary.json, and
// is seen by the next wandb-agent sync of the directory, also when the run had
// been sent whole before. A run that was cut off is ended as sync does it. The
// reader then shows the changed run.
//
// Errors are ErrAlive, ErrKey, a *ValueError, those of ctx before anything was
// changed, or those of the log. A run that was sent from more than one machine's
// directories is changed in the one that they were joined into.
func (r *RunReader) Edit(ctx context.Context, c Changes) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if into := r.dir.JoinedInto(); into != "" {
		return fmt.Errorf("edit run %s: its records are in %s now: edit that", r.dir.Path, into)
	}
	unlock, err := runlog.LockFile(upload.PositionPath(r.dir) + ".lock")
	if errors.Is(err, runlog.ErrLocked) {
		return fmt.Errorf("edit run %s: %w", r.dir.Path, ErrAlive)
	}
	if err != nil {
		return fmt.Errorf("edit run %s: %w", r.dir.Path, err)
	}
	defer unlock()
	state, err := runlog.Edit(r.dir, c.records)
	switch {
	case errors.Is(err, runlog.ErrLocked):
		return fmt.Errorf("edit run %s: %w", r.dir.Path, ErrAlive)
	case err != nil:
		return fmt.Errorf("edit run %s: %w", r.dir.Path, err)
	}
	if err := errors.Join(forgetSynced(r.dir), writeEdited(r.dir, state)); err != nil {
		return fmt.Errorf("edit run %s: %w", r.dir.Path, err)
	}
	return r.load(ctx)
}

// records are what the log gets.
func (c *Changes) records(state *runlog.State) ([]*wandbpb.Record, error) {
	var recs []*wandbpb.Record
	names, err := c.names(state.Run)
	if err != nil {
		return nil, err
	}
	if names != nil {
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: names}})
	}
	if len(c.Config) > 0 {
		masker := Run{mask: redact.New(nil)}
		tree, err := masker.configTree(c.Config)
		if err != nil {
			return nil, err
		}
		config, err := configRecord(tree)
		if err != nil {
			return nil, err
		}
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Config{Config: config}})
	}
	summary, err := c.summary()
	if err != nil {
		return nil, err
	}
	if summary != nil {
		recs = append(recs, &wandbpb.Record{RecordType: &wandbpb.Record_Summary{Summary: summary}})
	}
	return recs, nil
}

// names is the run record that says the new ones; nil when nothing is new.
func (c *Changes) names(run *wandbpb.RunRecord) (*wandbpb.RunRecord, error) {
	if run == nil {
		return nil, errors.New("its log does not say what it is called")
	}
	next := proto.Clone(run).(*wandbpb.RunRecord)
	set := func(to *string, text string) {
		if text != "" {
			*to = strings.ToValidUTF8(text, "\ufffd")
		}
	}
	set(&next.DisplayName, c.Name)
	set(&next.RunGroup, c.Group)
	set(&next.JobType, c.JobType)
	if c.Notes != nil {
		next.Notes = strings.ToValidUTF8(*c.Notes, "\ufffd")
	}
	if c.Tags != nil {
		next.Tags, next.OwnTags = nil, true
		for _, tag := range c.Tags {
			tag = strings.ToValidUTF8(tag, "\ufffd")
			if err := checkTag(tag); err != nil {
				return nil, err
			}
			next.Tags = joinTags(next.Tags, []string{tag})
		}
	}
	if proto.Equal(next, run) {
		return nil, nil
	}
	if c.Notes != nil {
		next.Cleared = append(next.Cleared, "notes")
	}
	if c.Tags != nil {
		next.Cleared = append(next.Cleared, "tags")
	}
	if next.StartTime == nil { // one without would be that of 1970 to readers
		next.StartTime = &timestamppb.Timestamp{}
	}
	return next, nil
}

// summary is the record that changes the summary; nil when nothing is changed.
func (c *Changes) summary() (*wandbpb.SummaryRecord, error) {
	rec := &wandbpb.SummaryRecord{}
	for _, key := range slices.Sorted(maps.Keys(c.Summary)) {
		path := []string{key}
		if err := checkPath(path); err != nil {
			return nil, err
		}
		it, err := item(c.Summary[key])
		if err != nil {
			return nil, valueError(path, c.Summary[key], err)
		}
		rec.Update = append(rec.Update, &wandbpb.SummaryItem{NestedKey: path, ValueJson: string(itemText(&it))})
	}
	for _, path := range c.DeleteSummary {
		if err := checkPath(path); err != nil {
			return nil, err
		}
		rec.Remove = append(rec.Remove, &wandbpb.SummaryItem{NestedKey: path})
	}
	if len(rec.Update)+len(rec.Remove) == 0 {
		return nil, nil
	}
	return rec, nil
}

// forgetSynced takes the mark of a whole upload away.
func forgetSynced(dir *runlog.Dir) error {
	err := os.Remove(upload.SyncedPath(dir.LogPath()))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// writeEdited makes the files that tell of config and summary anew.
func writeEdited(dir *runlog.Dir, state *runlog.State) error {
	file := map[string]any{}
	for key, value := range state.Config() {
		file[key] = map[string]any{"value": value}
	}
	if own, ok := state.Config()[ownKey].(map[string]any); ok && state.Environment != nil {
		own["e"] = map[string]any{state.Run.GetWriter().GetId(): runconfig.Environment(state.Environment)}
	}
	summary, err := xjson.AppendValue(nil, state.Summary())
	if err != nil {
		return fmt.Errorf("encode summary: %w", err)
	}
	return errors.Join(
		replaceFile(filepath.Join(dir.FilesDir(), configFile), runconfig.AppendYAML(nil, file)),
		replaceFile(filepath.Join(dir.FilesDir(), summaryFile), summary),
	)
}
