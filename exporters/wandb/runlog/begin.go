package runlog

import (
	"errors"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// begin makes the log of a run that has parts only, because the process that
// was to write it never came to it: with a run record, so that the parts can be
// folded in and uploaded. It does nothing where there is a log, and returns
// ErrLocked while the writer of a part is alive, which may yet begin it.
func (d *Dir) begin() error {
	if _, err := os.Stat(d.LogPath()); !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	start, err := d.firstTime()
	if err != nil {
		return err
	}
	path := d.LogPath() + ".begin"
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("begin run log: %w", err)
	}
	w, err := Create(path, Options{})
	if err != nil {
		return err
	}
	run, err := d.namesInParts()
	if err != nil {
		return errors.Join(err, w.Close())
	}
	run.RunId, run.StartTime = d.RunID, timestamppb.New(start)
	rec := &wandbpb.Record{
		Control:    &wandbpb.Control{MailboxSlot: NewID()}, // see runapi: a sync of the official client waits for its answer
		RecordType: &wandbpb.Record_Run{Run: run},
	}
	if err := errors.Join(w.Write(rec), w.Sync(), w.Close()); err != nil {
		return fmt.Errorf("begin run log: %w", err)
	}
	defer os.Remove(path)
	if err := os.Link(path, d.LogPath()); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("begin run log: %w", err)
	}
	return nil
}

// namesRecords is how far into a part its run record is looked for.
const namesRecords = 16

// namesInParts is what the writers of parts call the run and where they say that it
// belongs, the first one's word before others'.
func (d *Dir) namesInParts() (*wandbpb.RunRecord, error) {
	sources, err := d.sources()
	defer closeAll(sources)
	if err != nil {
		return nil, err
	}
	names := &wandbpb.RunRecord{}
	for _, s := range sources {
		for range namesRecords {
			rec, err := s.reader.Next()
			if err != nil { // its end, or damage that the fold will count
				break
			}
			said := rec.GetRun()
			for _, f := range [...]struct {
				have *string
				more string
			}{
				{&names.Entity, said.GetEntity()}, {&names.Project, said.GetProject()}, {&names.DisplayName, said.GetDisplayName()},
				{&names.Notes, said.GetNotes()}, {&names.RunGroup, said.GetRunGroup()}, {&names.JobType, said.GetJobType()},
			} {
				if *f.have == "" {
					*f.have = f.more
				}
			}
			if len(names.Tags) == 0 {
				names.Tags = said.GetTags()
			}
		}
	}
	return names, nil
}

// firstTime is the time of the first record of any part that has one, else
// now. Each part must be free.
func (d *Dir) firstTime() (time.Time, error) {
	paths, err := d.parts()
	if err != nil {
		return time.Time{}, fmt.Errorf("begin run log: %w", err)
	}
	for _, path := range paths {
		f, err := openLocked(path, 0)
		if err != nil {
			return time.Time{}, err
		}
		f.Close()
	}
	sources, err := d.sources()
	defer closeAll(sources)
	if err != nil {
		return time.Time{}, err
	}
	first := 0.0
	errFound := errors.New("found")
	err = mergeByTime(sources, func(_ *source, rec *wandbpb.Record) error {
		if first = recordTime(rec); first > 0 {
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return time.Time{}, err
	}
	if first == 0 {
		return time.Now(), nil
	}
	return time.Unix(0, int64(first*1e9)), nil
}
