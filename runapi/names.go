package runapi

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// ErrName is returned for a name or a tag that a run cannot have; nothing was
// stored.
var ErrName = errors.New("name is not allowed")

// MaxTag bounds a tag, in characters.
const MaxTag = 64

// Name returns the display name: what SetName or the server said last, else what
// Settings asked for; "" lets the server choose.
func (r *Run) Name() string {
	if r == nil {
		return ""
	}
	if r.off {
		return r.set.Name
	}
	r.mu.Lock()
	name, renamed := r.state.Run.GetDisplayName(), r.renamed
	r.mu.Unlock()
	if renamed {
		return name
	}
	return cmp.Or(r.link.Load().identity().DisplayName, name)
}

// Notes returns the notes, Markdown: those of a resumed run when this program
// gave none.
func (r *Run) Notes() string {
	if r == nil {
		return ""
	}
	if r.off {
		return r.set.Notes
	}
	r.mu.Lock()
	notes, said := r.state.Run.GetNotes(), r.noted
	r.mu.Unlock()
	if said {
		return notes
	}
	return cmp.Or(notes, r.link.Load().identity().Notes)
}

// Tags returns the tags, those that a resumed run keeps before those of this
// program; the slice is the caller's.
func (r *Run) Tags() []string {
	if r == nil {
		return nil
	}
	if r.off {
		return slices.Clone(r.set.Tags)
	}
	kept := r.link.Load().identity().Tags
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tags(kept)
}

// tags joins the tags that the server had with those of the log. Called with mu
// held.
func (r *Run) tags(kept []string) []string {
	run := r.state.Run
	if run.GetOwnTags() {
		kept = nil
	}
	return joinTags(slices.Clone(kept), run.GetTags())
}

// Group returns the group that the run is shown in; "" is none.
func (r *Run) Group() string {
	if r == nil {
		return ""
	}
	return r.set.Group
}

// JobType returns what kind of job the run is; "" when nobody said.
func (r *Run) JobType() string {
	if r == nil {
		return ""
	}
	return r.set.JobType
}

// SetName changes the display name, which need not be unique. A name cannot be
// taken away: "" is ErrName. As for all changes of names, it is in the run's log
// when SetName returns nil and at the server within seconds; of a Secondary
// writer it stays in its log. Errors are ErrName, ErrFinished, or those of the
// run log.
func (r *Run) SetName(name string) error {
	if r == nil || r.off {
		return nil
	}
	if name = r.cleanName(name); name == "" {
		return fmt.Errorf("set name of run: %w: it is empty", ErrName)
	}
	return r.rename(func(run *wandbpb.RunRecord) {
		run.DisplayName, r.renamed, r.features.SetRunName = name, true, true
	})
}

// SetNotes changes the notes; "" removes them. Secrets in them are masked.
// Errors are ErrFinished or those of the run log.
func (r *Run) SetNotes(notes string) error {
	if r == nil || r.off {
		return nil
	}
	notes = r.cleanName(notes)
	return r.rename(func(run *wandbpb.RunRecord) {
		run.Notes, r.noted = notes, true
		if notes == "" {
			run.Cleared = append(run.Cleared, "notes")
		}
	})
}

// SetTags makes tags, each of 1 to MaxTag characters, all that the run has; none
// removes them. Errors are ErrName, ErrFinished, or those of the run log.
func (r *Run) SetTags(tags ...string) error {
	return r.changeTags(tags, func(run *wandbpb.RunRecord, tags, _ []string) {
		run.Tags, run.OwnTags = tags, true
	})
}

// AddTags adds tags to those that the run has, also to those that only the
// server knows because the run was resumed. Errors are those of SetTags.
func (r *Run) AddTags(tags ...string) error {
	return r.changeTags(tags, func(run *wandbpb.RunRecord, tags, _ []string) {
		run.Tags = joinTags(run.Tags, tags)
	})
}

// RemoveTags removes tags; those that the run does not have are no error. Tags
// that a resumed run has at the server can be removed once the server has told
// of them (Tags). Errors are those of SetTags.
func (r *Run) RemoveTags(tags ...string) error {
	return r.changeTags(tags, func(run *wandbpb.RunRecord, tags, kept []string) {
		gone := func(tag string) bool { return slices.Contains(tags, tag) }
		if !run.OwnTags && slices.ContainsFunc(kept, gone) {
			run.Tags, run.OwnTags = joinTags(slices.Clone(kept), run.Tags), true
		}
		run.Tags = slices.DeleteFunc(run.Tags, gone)
	})
}

// changeTags applies change to the run's tags. kept are those that a resumed
// run had.
func (r *Run) changeTags(tags []string, change func(run *wandbpb.RunRecord, tags, kept []string)) error {
	if r == nil || r.off {
		return nil
	}
	clean := make([]string, 0, len(tags))
	for _, tag := range tags {
		tag = r.cleanName(tag)
		if err := checkTag(tag); err != nil {
			return fmt.Errorf("tags of run: %w", err)
		}
		clean = joinTags(clean, []string{tag})
	}
	kept := r.link.Load().identity().Tags
	return r.rename(func(run *wandbpb.RunRecord) {
		r.features.SetRunTags = true
		change(run, clean, kept)
		run.Cleared = append(run.Cleared, "tags") // the list is whole
	})
}

// rename writes what change makes of the run's names, if it makes something of
// them.
func (r *Run) rename(change func(*wandbpb.RunRecord)) error {
	defer r.link.Load().wake()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.finished {
		return ErrFinished
	}
	next := proto.Clone(r.state.Run).(*wandbpb.RunRecord)
	change(next)
	cleared := next.Cleared
	if next.Cleared = nil; proto.Equal(next, r.state.Run) {
		return nil
	}
	next.Cleared = cleared
	return r.write(&wandbpb.Record{RecordType: &wandbpb.Record_Run{Run: next}})
}

// cleanName masks the secrets in a name and makes it valid UTF-8.
func (r *Run) cleanName(text string) string {
	return strings.ToValidUTF8(r.mask.Known(text), "\ufffd")
}

// checkTag says what is wrong with a tag.
func checkTag(tag string) error {
	if n := utf8.RuneCountInString(tag); n < 1 || n > MaxTag {
		return fmt.Errorf("tag %.80q: %w: want 1-%d characters", tag, ErrName, MaxTag)
	}
	return nil
}

// joinTags adds the tags of more that are not there.
func joinTags(tags, more []string) []string {
	for _, tag := range more {
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}
