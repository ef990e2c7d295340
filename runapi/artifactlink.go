package runapi

import (
	"context"
	"fmt"
	"strings"

	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
)

// Version is a version of an artifact that a run can link: a *LoggedArtifact or a
// *UsedArtifact.
type Version interface {
	// linkID returns what the server calls the version, as soon as it has it.
	linkID(ctx context.Context) (artifactID string, err error)
}

var (
	_ Version = (*LoggedArtifact)(nil)
	_ Version = (*UsedArtifact)(nil)
)

// linkID waits until the server has the version: its own, or one with the same
// content that it had before.
func (l *LoggedArtifact) linkID(ctx context.Context) (artifactID string, err error) {
	result, err := l.Wait(ctx)
	return result.ID, err
}

// LinkArtifact shows a version in another collection as well, "collection",
// "project/collection" or "entity/project/collection", once the server has it,
// and returns its number there, -1 when the server does not say. What is left out
// at the front is the run's. Aliases are given to the version in that collection
// only, where the newest linked version is "latest" too. A project
// wandb-registry-... is a registry of the organization. The error is ErrOffline
// for a run that is kept.
func (r *Run) LinkArtifact(ctx context.Context, v Version, collection string, aliases ...string) (int, error) {
	fail := func(err error) (int, error) { return -1, fmt.Errorf("link artifact to %q: %w", collection, err) }
	id, err := r.atServer(ctx)
	if err != nil {
		return fail(err)
	}
	o := wandbartifact.LinkOptions{Entity: id.Entity, Project: id.Project, Aliases: aliases}
	parts := strings.Split(collection, "/")
	o.Collection = parts[len(parts)-1]
	switch len(parts) {
	case 1:
	case 2:
		o.Project = parts[0]
	case 3:
		o.Entity, o.Project = parts[0], parts[1]
	default:
		return fail(fmt.Errorf("%w: want [[entity/]project/]collection", ErrBadName))
	}
	if o.Collection == "" || o.Project == "" || o.Entity == "" {
		return fail(fmt.Errorf("%w: want [[entity/]project/]collection", ErrBadName))
	}
	if o.ArtifactID, err = v.linkID(ctx); err != nil {
		return fail(err)
	}
	return wandbartifact.Link(ctx, r.client, o)
}
