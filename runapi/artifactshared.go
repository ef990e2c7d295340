package runapi

import (
	"cmp"
	"context"
	"errors"

	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// ErrNoGroup is returned by UpsertArtifact and FinishArtifact without a distributed
// id, in a run without a group.
var ErrNoGroup = errors.New("the run has no group and no distributed id was given")

// UpsertArtifact adds what a holds to a version that several jobs make together:
// those with the same name and the same distributed id, by default the run's
// group. One of them ends it with FinishArtifact; what is added after that makes a
// new version. See LogArtifact.
func (r *Run) UpsertArtifact(ctx context.Context, a *artifact.Artifact, o ArtifactOptions) (*LoggedArtifact, error) {
	o.Open = true
	return r.shareArtifact(ctx, a, o)
}

// FinishArtifact adds what a holds as UpsertArtifact does, and makes the version
// visible.
func (r *Run) FinishArtifact(ctx context.Context, a *artifact.Artifact, o ArtifactOptions) (*LoggedArtifact, error) {
	o.Open = false
	return r.shareArtifact(ctx, a, o)
}

func (r *Run) shareArtifact(ctx context.Context, a *artifact.Artifact, o ArtifactOptions) (*LoggedArtifact, error) {
	if r == nil || r.off {
		return r.LogArtifact(ctx, a, o)
	}
	o.DistributedID = cmp.Or(o.DistributedID, a.DistributedID(), r.set.Group)
	if o.DistributedID == "" {
		return nil, ErrNoGroup
	}
	return r.LogArtifact(ctx, a, o)
}
