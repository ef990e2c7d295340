package server

import (
	"errors"
	"fmt"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// UpdateArtifact changes what is not content.
func (r *resolver) UpdateArtifact(args struct {
	Input struct {
		ArtifactID              graphql.ID
		Description             *string
		Metadata                *JSONString
		TTLDurationSeconds      *Int64
		Aliases                 *[]aliasInput
		TagsToAdd, TagsToDelete *[]tagInput
	}
}) (*artifactPayload, error) {
	in := &args.Input
	err := r.s.store.EditArtifact(string(in.ArtifactID), func(a *store.Artifact) error {
		if in.Metadata != nil {
			if err := checkMetadata(string(*in.Metadata)); err != nil {
				return err
			}
			a.Metadata = string(*in.Metadata)
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.TTLDurationSeconds != nil {
			a.TTL = int64(*in.TTLDurationSeconds)
		}
		for _, t := range value(in.TagsToAdd) {
			if err := checkTag(t.TagName); err != nil {
				return err
			}
		}
		a.Tags = changeTags(a.Tags, value(in.TagsToAdd), value(in.TagsToDelete))
		return nil
	})
	if err == nil && in.Aliases != nil {
		err = r.setAliases(string(in.ArtifactID), *in.Aliases)
	}
	if err != nil {
		return nil, fmt.Errorf("update artifact: %w", err)
	}
	return r.artifactPayload(string(in.ArtifactID)), nil
}

func changeTags(tags []string, add, remove []tagInput) []string {
	out := slices.Clone(tags)
	for _, t := range add {
		if !slices.Contains(out, t.TagName) {
			out = append(out, t.TagName)
		}
	}
	return slices.DeleteFunc(out, func(name string) bool {
		return slices.ContainsFunc(remove, func(t tagInput) bool { return t.TagName == name })
	})
}

// setAliases gives the version these aliases in its own collection, and no
// others.
func (r *resolver) setAliases(id string, in []aliasInput) error {
	a, ok := r.s.store.Artifact(id)
	if !ok {
		return store.ErrNoArtifact
	}
	want, err := aliasesFor(a.Collection, in)
	if err != nil {
		return err
	}
	lost := slices.DeleteFunc(slices.Clone(a.Aliases), func(name string) bool { return slices.Contains(want, name) })
	return errors.Join(r.s.store.DropAliases(id, a.Place(), lost), r.s.store.AddAliases(id, want))
}

// UseArtifact notes that a run reads a version.
func (r *resolver) UseArtifact(args struct {
	Input struct {
		ArtifactID                              graphql.ID
		EntityName, ProjectName, RunName        string
		UsedAs                                  *string
		ArtifactEntityName, ArtifactProjectName *string
	}
}) (*artifactPayload, error) {
	in, id := &args.Input, string(args.Input.ArtifactID)
	in.EntityName = r.owner(&in.EntityName)
	user, err := r.find(in.EntityName, in.ProjectName, in.RunName)
	if err != nil {
		return nil, fmt.Errorf("use artifact: %w", err)
	}
	err = r.s.store.EditArtifact(id, func(a *store.Artifact) error {
		key := in.EntityName + "/" + in.ProjectName + "/" + in.RunName
		if !slices.Contains(a.UsedBy, key) {
			a.UsedBy = append(a.UsedBy[:len(a.UsedBy):len(a.UsedBy)], key)
		}
		return nil
	})
	if err == nil {
		err = user.Change(func(f *store.Facts) {
			if !slices.ContainsFunc(f.Used, func(u store.Use) bool { return u.Artifact == id }) {
				f.Used = append(f.Used[:len(f.Used):len(f.Used)], store.Use{Artifact: id, As: value(in.UsedAs)})
			}
		})
	}
	if err != nil {
		return nil, fmt.Errorf("use artifact: %w", err)
	}
	return r.artifactPayload(id), nil
}

// DeleteArtifact takes a version out of its collections. One with aliases goes
// only when the client says so.
func (r *resolver) DeleteArtifact(args struct {
	Input struct {
		ArtifactID    graphql.ID
		DeleteAliases *bool
	}
}) (*artifactPayload, error) {
	id := string(args.Input.ArtifactID)
	err := r.s.store.EditArtifact(id, func(a *store.Artifact) error {
		if len(a.Aliases) > 0 && !value(args.Input.DeleteAliases) {
			return fmt.Errorf("it has the aliases %q", a.Aliases)
		}
		a.State, a.Aliases, a.Links, a.Contents = store.Deleted, nil, nil, nil
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("delete artifact: %w", err)
	}
	return r.artifactPayload(id), nil
}

type aliasesInput struct {
	ArtifactID graphql.ID
	Aliases    []aliasInput
}

// AddAliases moves aliases to a version, in its own collection or where it is
// linked.
func (r *resolver) AddAliases(args struct{ Input aliasesInput }) (*success, error) {
	return r.eachPlace(&args.Input, r.s.store.PlaceAliases)
}

// DeleteAliases takes aliases from a version.
func (r *resolver) DeleteAliases(args struct{ Input aliasesInput }) (*success, error) {
	return r.eachPlace(&args.Input, r.s.store.DropAliases)
}

func (r *resolver) eachPlace(in *aliasesInput, do func(id string, at store.Place, names []string) error) (*success, error) {
	a, ok := r.s.store.Artifact(string(in.ArtifactID))
	if !ok {
		return nil, fmt.Errorf("aliases: %w", store.ErrNoArtifact)
	}
	for _, al := range in.Aliases {
		if err := checkAlias(al.Alias); err != nil {
			return nil, err
		}
		at := a.Place()
		if al.EntityName != nil {
			at.Entity = *al.EntityName
		}
		if al.ProjectName != nil {
			at.Project = *al.ProjectName
		}
		at.Collection = al.ArtifactCollectionName
		if err := do(a.ID, at, []string{al.Alias}); err != nil {
			return nil, fmt.Errorf("alias %q: %w", al.Alias, err)
		}
	}
	return &success{Success: true}, nil
}
