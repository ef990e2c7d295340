package server

import (
	"fmt"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// registryPrefix marks projects that belong to the organization.
const registryPrefix = "wandb-registry-"

type linkArtifactPayload struct {
	VersionIndex       *int32
	ArtifactMembership *membership
}

// LinkArtifact puts a version into a portfolio.
func (r *resolver) LinkArtifact(args struct {
	Input struct {
		ArtifactPortfolioName, EntityName, ProjectName string
		Aliases                                        *[]aliasInput
		ArtifactID, ClientID                           *graphql.ID
	}
}) (*linkArtifactPayload, error) {
	in := &args.Input
	id, err := r.oneID(in.ArtifactID, in.ClientID)
	if err != nil {
		return nil, fmt.Errorf("link artifact: %w", err)
	}
	if org := r.organization(); strings.HasPrefix(in.ProjectName, registryPrefix) && in.EntityName != org.Name {
		return nil, fmt.Errorf("link artifact: registry %q belongs to %q, not to %q", in.ProjectName, org.Name, in.EntityName)
	}
	aliases, err := aliasesFor(in.ArtifactPortfolioName, value(in.Aliases))
	if err != nil {
		return nil, fmt.Errorf("link artifact: %w", err)
	}
	for _, check := range []error{checkArtifactName(in.ArtifactPortfolioName), checkProject(in.ProjectName)} {
		if check != nil {
			return nil, fmt.Errorf("link artifact: %w", check)
		}
	}
	at := store.Place{Entity: in.EntityName, Project: in.ProjectName, Collection: in.ArtifactPortfolioName}
	if err := r.s.store.Link(id, at, aliases); err != nil {
		return nil, fmt.Errorf("link artifact: %w", err)
	}
	a, _ := r.s.store.Artifact(id)
	for _, l := range a.Links {
		if l.Place == at {
			return &linkArtifactPayload{ptr(int32(l.Version)), r.artifact(a).linked(l)}, nil
		}
	}
	return nil, fmt.Errorf("link artifact: %w", store.ErrNoArtifact)
}

// oneID is the id of a version that is named by exactly one of its two ids.
func (r *resolver) oneID(id, client *graphql.ID) (string, error) {
	if (value(id) == "") == (value(client) == "") {
		return "", fmt.Errorf("want one of artifactID and clientID")
	}
	if value(id) != "" {
		return string(*id), nil
	}
	m := r.ClientIDMapping(struct{ ClientID graphql.ID }{*client})
	if m == nil {
		return "", store.ErrNoArtifact
	}
	return string(m.ServerID), nil
}

// UnlinkArtifact takes a version out of a portfolio.
func (r *resolver) UnlinkArtifact(args struct {
	Input struct{ ArtifactID, ArtifactPortfolioID graphql.ID }
}) (*success, error) {
	c, err := r.ArtifactCollection(struct{ ID graphql.ID }{args.Input.ArtifactPortfolioID})
	if err == nil {
		err = r.s.store.Unlink(string(args.Input.ArtifactID), store.Place{Entity: c.owner, Project: c.place, Collection: c.Name})
	}
	if err != nil {
		return nil, fmt.Errorf("unlink artifact: %w", err)
	}
	return &success{Success: true}, nil
}
