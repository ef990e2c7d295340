package artifact

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
)

// A Ref names a version: entity/project/name:version, where version is an alias
// or v3.
type Ref struct{ Entity, Project, Name, Version string }

// ParseRef reads "entity/project/name:version". What is left out at its front is
// taken from entity and project, a version from "latest".
func ParseRef(text, entity, project string) (Ref, error) {
	path, version, found := strings.Cut(text, ":")
	if !found {
		version = "latest"
	}
	parts := strings.Split(path, "/")
	if len(parts) > 3 || version == "" || strings.ContainsAny(version, "/:") {
		return Ref{}, fmt.Errorf("artifact %q: want entity/project/name:version", text)
	}
	r := Ref{entity, project, parts[len(parts)-1], version}
	if len(parts) > 1 {
		r.Project = parts[len(parts)-2]
	}
	if len(parts) > 2 {
		r.Entity = parts[0]
	}
	if r.Entity == "" || r.Project == "" {
		return Ref{}, fmt.Errorf("artifact %q: no entity or no project: want entity/project/name:version", text)
	}
	return r, CheckName(r.Name)
}

// String returns r as ParseRef reads it.
func (r Ref) String() string { return r.Entity + "/" + r.Project + "/" + r.Name + ":" + r.Version }

// Find asks the server for the version. One that it does not know is an
// api.Error with NotFound.
func (r Ref) Find(ctx context.Context, c *api.Client) (*api.Artifact, error) {
	return c.ArtifactByName(ctx, r.Entity, r.Project, r.Name+":"+r.Version)
}

// UseOptions say for which run a version is used, and how.
type UseOptions struct {
	Entity, Project, Run string
	Type                 string                    // what the type of the version must be; "" is any
	Check                func(*api.Artifact) error // may refuse the version before it is marked; nil is none
	As                   string                    // purpose that servers may show
}

// Use marks a version as an input of a run, and returns it. One of another type
// than wanted is an error that is ErrType, and not marked.
func Use(ctx context.Context, c *api.Client, r Ref, o UseOptions) (*api.Artifact, error) {
	a, err := r.Find(ctx, c)
	if err == nil && o.Type != "" && a.Type != o.Type {
		err = fmt.Errorf("%w: it is a %s, want a %s", ErrType, a.Type, o.Type)
	}
	if err == nil && o.Check != nil {
		err = o.Check(a)
	}
	if err == nil {
		err = c.UseArtifact(ctx, api.UseArtifactInput{
			ArtifactID: a.ID, Entity: o.Entity, Project: o.Project, Run: o.Run, UsedAs: o.As, FromEntity: r.Entity, FromProject: r.Project,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("use artifact %s: %w", r, err)
	}
	return a, nil
}

// LinkOptions say what is linked and where to.
type LinkOptions struct {
	ArtifactID string // the server's id, or
	ClientID   string // the one that it was recorded with

	Entity, Project, Collection string // a project named wandb-registry-... is one of the entity's organization
	Aliases                     []string
}

// registryPrefix begins the names of projects that are registries of an
// organization.
const registryPrefix = "wandb-registry-"

// Link lets a version be seen in another collection, and returns its number
// there, -1 when the server does not say.
func Link(ctx context.Context, c *api.Client, o LinkOptions) (version int, err error) {
	fail := func(err error) (int, error) {
		return -1, fmt.Errorf("link artifact to %s/%s/%s: %w", o.Entity, o.Project, o.Collection, err)
	}
	if (o.ArtifactID == "") == (o.ClientID == "") {
		return fail(errors.New("want exactly one of artifact id and client id"))
	}
	for _, alias := range o.Aliases {
		if err := CheckAlias(alias); err != nil {
			return fail(err)
		}
	}
	if strings.HasPrefix(o.Project, registryPrefix) {
		org, err := c.FetchOrgEntity(ctx, o.Entity)
		if err != nil {
			return fail(err)
		}
		if org != nil { // without one it may be the organization's entity itself
			o.Entity = org.Entity
		}
	}
	version, err = c.LinkArtifact(ctx, api.LinkArtifactInput{
		Entity: o.Entity, Project: o.Project, Portfolio: o.Collection, Aliases: o.Aliases, ArtifactID: o.ArtifactID, ClientID: o.ClientID,
	})
	if err != nil {
		return fail(err)
	}
	return version, nil
}
