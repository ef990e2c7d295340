package server

import (
	"errors"
	"fmt"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

type createArtifactInput struct {
	EntityName, ProjectName, ArtifactTypeName string
	ArtifactCollectionName                    *string
	ArtifactCollectionNames                   *[]string
	RunName                                   *string
	Digest, DigestAlgorithm                   string
	Description                               *string
	Aliases                                   *[]aliasInput
	Tags                                      *[]tagInput
	Metadata, Labels                          *JSONString
	TTLDurationSeconds, HistoryStep           *Int64
	EnableDigestDeduplication                 bool
	DistributedID                             *string
	ClientID, SequenceClientID                *graphql.ID
	StorageRegion, ClientMutationID           *string
}

type aliasInput struct {
	ArtifactCollectionName, Alias string
	EntityName, ProjectName       *string
}

type tagInput struct {
	TagName         string
	TagCategoryName *string
	Attributes      *JSONString
}

type artifactPayload struct{ Artifact *artifact }

// CreateArtifact makes a pending version, or finds the one that the client
// means: the same content in the collection, or the same id of the client's own
// or of its group.
func (r *resolver) CreateArtifact(args struct{ Input createArtifactInput }) (*artifactPayload, error) {
	in := &args.Input
	in.EntityName = r.owner(&in.EntityName) // runs that were kept do not know whose they are
	fresh, err := in.artifact()
	if err != nil {
		return nil, fmt.Errorf("create artifact: %w", err)
	}
	if fresh.Run != "" {
		if _, err := r.find(in.EntityName, in.ProjectName, fresh.Run); err != nil {
			return nil, fmt.Errorf("create artifact: %w", err)
		}
	}
	if kind := r.typeOf(&fresh); kind != "" && kind != fresh.Type {
		return nil, fmt.Errorf("create artifact: collection %q holds artifacts of type %q, not %q", fresh.Collection, kind, fresh.Type)
	}
	a, _, err := r.s.store.FindOrAdd(fresh, func(a *store.Artifact) bool { return in.means(a, &fresh) })
	if err != nil {
		return nil, fmt.Errorf("create artifact: %w", err)
	}
	if a.State == store.Committed {
		if err := errors.Join(r.s.store.AddAliases(a.ID, fresh.Aliases), r.logged(&fresh, a.ID)); err != nil {
			return nil, fmt.Errorf("create artifact: %w", err)
		}
	}
	return r.artifactPayload(a.ID), nil
}

// means says whether the client asks for a version that is there.
func (in *createArtifactInput) means(a, fresh *store.Artifact) bool {
	if a.Entity != fresh.Entity || a.Project != fresh.Project || a.Collection != fresh.Collection {
		return false
	}
	switch {
	case a.State == store.Deleted:
		return false
	case a.State == store.Committed:
		return in.EnableDigestDeduplication && a.Digest == fresh.Digest
	case fresh.Distributed != "":
		return a.Distributed == fresh.Distributed
	}
	return fresh.ClientID != "" && a.ClientID == fresh.ClientID
}

// typeOf is the type of what the collection has, "" for an empty one.
func (r *resolver) typeOf(a *store.Artifact) string {
	for _, other := range r.s.store.Collection(a.Entity, a.Project, a.Collection) {
		return other.Type
	}
	return ""
}

// artifact checks the input against the limits that W&B states.
func (in *createArtifactInput) artifact() (store.Artifact, error) {
	a := store.Artifact{Entity: in.EntityName, Project: in.ProjectName, Type: in.ArtifactTypeName, Digest: in.Digest,
		Collection: value(in.ArtifactCollectionName), Run: value(in.RunName), Description: value(in.Description),
		Metadata: string(value(in.Metadata)), TTL: int64(value(in.TTLDurationSeconds)), HistoryStep: (*int64)(in.HistoryStep),
		ClientID: string(value(in.ClientID)), SequenceID: string(value(in.SequenceClientID)), Distributed: value(in.DistributedID)}
	if names := value(in.ArtifactCollectionNames); a.Collection == "" && len(names) == 1 {
		a.Collection = names[0]
	}
	for _, t := range value(in.Tags) {
		if err := checkTag(t.TagName); err != nil {
			return a, err
		}
		a.Tags = append(a.Tags, t.TagName)
	}
	var err error
	a.Aliases, err = aliasesFor(a.Collection, value(in.Aliases))
	return a, errors.Join(err, checkProject(a.Project), checkArtifactName(a.Collection), checkType(a.Type), checkMetadata(a.Metadata), checkDigest(a.Digest))
}

// aliasesFor takes the aliases of one collection; there must be no others.
func aliasesFor(collection string, in []aliasInput) ([]string, error) {
	var out []string
	for _, al := range in {
		if al.ArtifactCollectionName != collection {
			return nil, fmt.Errorf("alias %q is for collection %q, not %q", al.Alias, al.ArtifactCollectionName, collection)
		}
		if err := checkAlias(al.Alias); err != nil {
			return nil, err
		}
		if !slices.Contains(out, al.Alias) {
			out = append(out, al.Alias)
		}
	}
	return out, nil
}

// logged notes that the run of an artifact made a version.
func (r *resolver) logged(a *store.Artifact, id string) error {
	maker := r.s.store.Run(a.Entity, a.Project, a.Run)
	if maker == nil {
		return nil
	}
	return maker.Change(func(f *store.Facts) {
		if !slices.Contains(f.Logged, id) {
			f.Logged = append(f.Logged, id)
		}
	})
}

func (r *resolver) artifactPayload(id string) *artifactPayload {
	return &artifactPayload{r.Artifact(struct{ ID graphql.ID }{graphql.ID(id)})}
}
