package server

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// collection is a row of versions: a sequence, which runs log to, or a
// portfolio, which versions are linked to.
type collection struct {
	r            *resolver
	owner, place string // entity and project
	kind         string // its type
	portfolio    bool
	ID           graphql.ID
	Name         string
	Description  *string
	CreatedAt    DateTime
	UpdatedAt    *DateTime
	State        string
}

func (r *resolver) collection(entity, project, name, kind string, portfolio bool) *collection {
	id := "ArtifactSequence"
	if portfolio {
		id = "ArtifactPortfolio"
	}
	c := &collection{r: r, owner: entity, place: project, kind: kind, portfolio: portfolio,
		ID: opaque(id, strings.Join([]string{entity, project, name}, "/")), Name: name, State: "READY"}
	if first := c.members(); len(first) > 0 {
		c.CreatedAt, c.UpdatedAt = DateTime{first[0].a.Created}, &DateTime{first[len(first)-1].a.Created}
	}
	return c
}

func (r *resolver) sequence(a *store.Artifact) *collection {
	return r.collection(a.Entity, a.Project, a.Collection, a.Type, false)
}

func (r *resolver) portfolio(l store.Link) *collection {
	return r.collection(l.Entity, l.Project, l.Collection, l.Type, true)
}

// anyCollection is a collection of which kind its client asks.
type anyCollection struct{ *collection }

// ToArtifactSequence is for the interface.
func (c anyCollection) ToArtifactSequence() (*collection, bool) {
	return c.collection, !c.portfolio
}

// ToArtifactPortfolio is for the interface.
func (c anyCollection) ToArtifactPortfolio() (*collection, bool) {
	return c.collection, c.portfolio
}

// find looks for a collection by name; nil if there is none.
func (r *resolver) findCollection(entity, project, name string) *collection {
	all := r.collections(entity, project, "")
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// collections lists what a project has, by name; kind "" is every type.
func (r *resolver) collections(entity, project, kind string) []*collection {
	seen := map[string]*collection{}
	for _, a := range r.s.store.FindArtifacts(func(a *store.Artifact) bool { return a.State == store.Committed }) {
		if a.Entity == entity && a.Project == project && (kind == "" || a.Type == kind) && seen[a.Collection] == nil {
			seen[a.Collection] = r.sequence(&a)
		}
		for _, l := range a.Links {
			if l.Entity == entity && l.Project == project && (kind == "" || l.Type == kind) && seen[l.Collection] == nil {
				seen[l.Collection] = r.portfolio(l)
			}
		}
	}
	var out []*collection
	for _, c := range seen {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *collection) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// members are the versions in it, oldest first.
func (c *collection) members() (out []*membership) {
	if !c.portfolio {
		for _, a := range c.r.s.store.Collection(c.owner, c.place, c.Name) {
			out = append(out, &membership{c.r, a, c, a.Version, a.Aliases})
		}
		return out
	}
	for _, a := range c.r.s.store.FindArtifacts(func(a *store.Artifact) bool { return len(a.Links) > 0 }) {
		for _, l := range a.Links {
			if l.Entity == c.owner && l.Project == c.place && l.Collection == c.Name {
				out = append(out, &membership{c.r, a, c, l.Version, l.Aliases})
			}
		}
	}
	slices.SortFunc(out, func(a, b *membership) int { return a.version - b.version })
	return out
}

// Project that it is in.
func (c *collection) Project() *project { return c.r.project(c.owner, c.place) }

// DefaultArtifactType of what is in it.
func (c *collection) DefaultArtifactType() artifactType {
	return c.r.artifactType(c.owner, c.place, c.kind)
}

// Tags of the collection: none.
func (c *collection) Tags() tagConnection { return tagConnection{[]tagEdge{}} }

type tagConnection struct{ Edges []tagEdge }

type tagEdge struct{ Node tag }

// ArtifactMembership finds a version by alias, v number or digest.
func (c *collection) ArtifactMembership(args struct{ AliasName string }) *membership {
	for _, m := range c.members() {
		if args.AliasName == "v"+strconv.Itoa(m.version) || slices.Contains(m.aliases, args.AliasName) || m.a.Digest == args.AliasName {
			return m
		}
	}
	return nil
}

type listArgs struct {
	After   *string
	First   *int32
	Order   *string
	Filters *JSONString
}

// Artifacts lists the versions, newest first.
func (c *collection) Artifacts(args listArgs) artifactConnection {
	var all []store.Artifact
	for _, m := range c.members() {
		a := m.a
		a.Version = m.version
		all = append(all, a)
	}
	slices.Reverse(all)
	return c.r.connectArtifacts(all, args.After, args.First)
}

// LatestArtifact is the newest version, nil if there is none.
func (c *collection) LatestArtifact() *artifact {
	m := c.members()
	if len(m) == 0 {
		return nil
	}
	return c.r.artifact(m[len(m)-1].a)
}

type aliasConnection struct {
	Edges    []aliasEdge
	PageInfo pageInfo
}

type aliasEdge struct{ Node alias }

// Aliases in use.
func (c *collection) Aliases(args pageArgs) aliasConnection {
	var all []alias
	for _, m := range c.members() {
		all = append(all, m.Aliases()...)
	}
	part, _, info := page(all, args.After, args.First)
	out := aliasConnection{[]aliasEdge{}, info}
	for _, one := range part {
		out.Edges = append(out.Edges, aliasEdge{one})
	}
	return out
}

// membership is the place of a version in a collection.
type membership struct {
	r       *resolver
	a       store.Artifact
	in      *collection
	version int
	aliases []string
}

// ID is opaque.
func (m *membership) ID() graphql.ID {
	return opaque("ArtifactCollectionMembership", string(m.in.ID)+"/"+m.a.ID)
}

// VersionIndex is the number behind the v.
func (m *membership) VersionIndex() int32 { return int32(m.version) }

// Artifact is the version.
func (m *membership) Artifact() *artifact { return m.r.artifact(m.a) }

// ArtifactCollection is the collection.
func (m *membership) ArtifactCollection() anyCollection { return anyCollection{m.in} }

// Files of the version.
func (m *membership) Files(ctx context.Context, args artifactFileArgs) fileConnection {
	return m.Artifact().Files(ctx, args)
}

type alias struct {
	ID                 graphql.ID
	Alias              string
	ArtifactCollection anyCollection
}

// Aliases of the version in this collection.
func (m *membership) Aliases() []alias {
	out := []alias{}
	for _, name := range m.aliases {
		out = append(out, alias{opaque("ArtifactAlias", string(m.in.ID)+":"+name), name, anyCollection{m.in}})
	}
	return out
}

// ArtifactCollectionMembership finds <collection>[:<alias or version>].
func (p *project) ArtifactCollectionMembership(args struct{ Name string }) *membership {
	name, which, ok := strings.Cut(args.Name, ":")
	if !ok {
		which = "latest"
	}
	c := p.r.findCollection(p.owner, p.Name, name)
	if c == nil {
		return nil
	}
	return c.ArtifactMembership(struct{ AliasName string }{which})
}

// Artifact finds <collection>[:<alias or version>].
func (p *project) Artifact(args struct{ Name string }) *artifact {
	if m := p.ArtifactCollectionMembership(args); m != nil {
		return m.Artifact()
	}
	return nil
}

// ArtifactCollection finds one by name.
func (p *project) ArtifactCollection(args struct{ Name string }) *anyCollection {
	if c := p.r.findCollection(p.owner, p.Name, args.Name); c != nil {
		return &anyCollection{c}
	}
	return nil
}

// ArtifactCollection finds one by its id.
func (r *resolver) ArtifactCollection(args struct{ ID graphql.ID }) (*anyCollection, error) {
	for _, a := range r.s.store.FindArtifacts(func(*store.Artifact) bool { return true }) {
		if c := r.sequence(&a); c.ID == args.ID {
			return &anyCollection{c}, nil
		}
		for _, l := range a.Links {
			if c := r.portfolio(l); c.ID == args.ID {
				return &anyCollection{c}, nil
			}
		}
	}
	return nil, fmt.Errorf("artifact collection %q: not found", args.ID)
}

type collectionConnection struct {
	Edges      []collectionEdge
	PageInfo   pageInfo
	TotalCount int32
}

type collectionEdge struct {
	Node   anyCollection
	Cursor string
}

func connectCollections(all []*collection, after *string, first *int32) collectionConnection {
	part, start, info := page(all, after, first)
	out := collectionConnection{[]collectionEdge{}, info, int32(len(all))}
	for i, c := range part {
		out.Edges = append(out.Edges, collectionEdge{anyCollection{c}, strconv.Itoa(start + i + 1)})
	}
	return out
}

// ArtifactCollections lists those of the project.
func (p *project) ArtifactCollections(args listArgs) collectionConnection {
	return connectCollections(p.r.collections(p.owner, p.Name, ""), args.After, args.First)
}
