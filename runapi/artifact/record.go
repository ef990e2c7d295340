package artifact

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/exporters/wandb/runlog/wandbpb"
)

// RecordOptions say which run an artifact belongs to.
type RecordOptions struct {
	Entity, Project, RunID string

	Staging string   // folder for files until they are sent; Options.Staging when empty
	Aliases []string // beside those of Options
	Tags    []string // likewise

	DistributedID string // Options.DistributedID when empty

	UserCreated    bool // no run made it
	UseAfterCommit bool // the run uses it as well
	NoFinalize     bool // of a distributed artifact: other writers will add to it
}

// Record freezes the artifact and returns it as a run log holds it. Files that
// have no place of their own yet are staged. It can be called once; after an
// error it can be called again.
func (a *Artifact) Record(ctx context.Context, o RecordOptions) (*wandbpb.ArtifactRecord, error) {
	if err := checkLabels(o.Aliases, o.Tags); err != nil {
		return nil, err
	}
	o.Staging, o.DistributedID = cmp.Or(o.Staging, a.o.Staging), cmp.Or(o.DistributedID, a.o.DistributedID)
	if a.o.Incremental && o.DistributedID != "" {
		return nil, fmt.Errorf("record artifact %s: incremental or distributed, not both", a.name)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.isRecorded {
		return nil, fmt.Errorf("record artifact %s: %w", a.name, ErrRecorded)
	}
	if err := a.stageAll(ctx, o.Staging); err != nil {
		return nil, fmt.Errorf("record artifact %s: %w", a.name, err)
	}
	rec, err := a.record(o)
	if err != nil {
		return nil, fmt.Errorf("record artifact %s: %w", a.name, err)
	}
	a.isRecorded = true
	return rec, nil
}

// stageAll gives every file a place to be sent from.
func (a *Artifact) stageAll(ctx context.Context, dir string) error {
	var list []*entry
	for _, e := range a.entries {
		if !e.kept {
			list = append(list, e)
		}
	}
	if len(list) > 0 && dir == "" {
		return errors.New("there is no staging folder")
	}
	err := artifact.ForEach(ctx, len(list), a.o.Parallel, func(_ context.Context, i int) error { return stage(list[i], dir) })
	if err != nil {
		return err
	}
	for _, name := range a.temp { // staged now
		err = errors.Join(err, removeIfThere(name))
	}
	a.temp = nil
	return err
}

func (a *Artifact) record(o RecordOptions) (*wandbpb.ArtifactRecord, error) {
	m, err := a.manifest()
	if err != nil {
		return nil, err
	}
	if len(m.Entries) > artifact.MaxRecordEntries {
		if err := os.MkdirAll(o.Staging, 0o700); err != nil {
			return nil, err
		}
	}
	manifest, err := m.ToRecord(o.Staging, a.clientID[:32]+".manifest_contents.jl.gz")
	if err != nil {
		return nil, err
	}
	rec := &wandbpb.ArtifactRecord{
		RunId: o.RunID, Project: o.Project, Entity: o.Entity, Type: a.typ, Name: a.name, Digest: m.Digest(),
		Description: a.o.Description, UserCreated: o.UserCreated, UseAfterCommit: o.UseAfterCommit,
		Aliases: labels(a.o.Aliases, o.Aliases, []string{"latest"}), Tags: labels(a.o.Tags, o.Tags), Manifest: manifest,
		DistributedId: o.DistributedID, Finalize: !o.NoFinalize, ClientId: a.clientID, SequenceClientId: a.sequenceID,
		TtlDurationSeconds: a.ttl(), IncrementalBeta1: a.o.Incremental,
	}
	if len(a.o.Metadata) > 0 {
		rec.Metadata = a.metadata
	}
	if a.o.Base != nil {
		rec.BaseId = a.o.Base.ID
	}
	return rec, nil
}

func (a *Artifact) ttl() int64 {
	if a.o.TTL < 0 {
		return int64(a.o.TTL)
	}
	return int64(a.o.TTL / time.Second)
}

// labels joins lists, each label once.
func labels(lists ...[]string) []string {
	var all []string
	for _, list := range lists {
		for _, l := range list {
			if !slices.Contains(all, l) {
				all = append(all, l)
			}
		}
	}
	return all
}
