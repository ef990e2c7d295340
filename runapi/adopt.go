package runapi

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// adoption follows the log of a program inside for what it calls the run.
type adoption struct {
	tail  *runlog.Tail  // nil: the log cannot be read
	state *runlog.State // only of run records
}

// adopt takes over what programs inside call the run: at their start as far as
// this process was not told anything else, later whatever they change. Called
// with mu held.
func (r *Run) adopt() {
	parts, err := filepath.Glob(strings.TrimSuffix(globQuote(r.dir.PartPath(programPart)), ".part") + "*.part")
	if err != nil || r.state.Run == nil {
		return
	}
	for _, path := range parts {
		a := r.adopted[path]
		if a == nil {
			tail, err := runlog.OpenTail(path)
			if err != nil {
				continue
			}
			a = &adoption{tail: tail, state: runlog.NewState()}
			if r.adopted == nil {
				r.adopted = make(map[string]*adoption)
			}
			r.adopted[path] = a
		}
		if a.tail == nil {
			continue
		}
		if err := r.follow(a); err != nil {
			r.logError("names of the program's run not stored", errors.Join(err, a.tail.Close()))
			a.tail = nil
		}
	}
}

// follow reads on in a program's log and takes over the names in it.
func (r *Run) follow(a *adoption) error {
	for {
		payload, err := a.tail.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !isRunRecord(payload) {
			continue
		}
		rec := new(wandbpb.Record)
		if proto.Unmarshal(payload, rec) != nil {
			continue
		}
		before := &wandbpb.RunRecord{}
		if a.state.Run != nil {
			before = proto.Clone(a.state.Run).(*wandbpb.RunRecord)
		}
		rec.GetRun().Config = nil // Finish folds it in
		if err := a.state.Apply(rec); err != nil {
			return err
		}
		if next := r.adoptNames(before, a.state.Run); next != nil {
			if err := r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: next}}); err != nil {
				return err
			}
		}
	}
}

// forgetAdopted closes the logs that adopt follows. Called with mu held.
func (r *Run) forgetAdopted() {
	for _, a := range r.adopted {
		if a.tail != nil {
			_ = a.tail.Close()
		}
	}
	r.adopted = nil
}

// isRunRecord says whether an encoded record is a run record, without decoding
// it.
func isRunRecord(payload []byte) bool {
	const fieldRun = 17
	for len(payload) > 0 {
		num, typ, n := protowire.ConsumeTag(payload)
		if n < 0 {
			return false
		}
		if num == fieldRun {
			return true
		}
		payload = payload[n:]
		if n = protowire.ConsumeFieldValue(num, typ, payload); n < 0 {
			return false
		}
		payload = payload[n:]
	}
	return false
}

// adoptNames returns the record that says the run's new names; nil when there
// are none. before and now are what the program calls the run.
func (r *Run) adoptNames(before, now *wandbpb.RunRecord) *wandbpb.RunRecord {
	next := proto.Clone(r.state.Run).(*wandbpb.RunRecord)
	began := before.GetRunId() != ""
	take := func(have *string, was, is string) {
		if began && was != is || !began && *have == "" {
			*have = is
		}
	}
	take(&next.DisplayName, before.GetDisplayName(), now.GetDisplayName())
	take(&next.Notes, before.GetNotes(), now.GetNotes())
	take(&next.RunGroup, before.GetRunGroup(), now.GetRunGroup())
	take(&next.JobType, before.GetJobType(), now.GetJobType())
	take(&next.SweepId, before.GetSweepId(), now.GetSweepId())
	switch {
	case now.GetOwnTags():
		next.Tags, next.OwnTags = slices.Clone(now.GetTags()), true
	case began:
		next.Tags = slices.DeleteFunc(next.Tags, func(tag string) bool {
			return slices.Contains(before.GetTags(), tag) && !slices.Contains(now.GetTags(), tag)
		})
		next.Tags = joinTags(next.Tags, now.GetTags())
	case len(next.Tags) == 0:
		next.Tags = slices.Clone(now.GetTags())
	}
	if proto.Equal(next, r.state.Run) {
		return nil
	}
	if next.GetNotes() == "" && r.state.Run.GetNotes() != "" {
		next.Cleared = append(next.Cleared, "notes")
	}
	if !slices.Equal(next.GetTags(), r.state.Run.GetTags()) {
		next.Cleared = append(next.Cleared, "tags")
	}
	return next
}
