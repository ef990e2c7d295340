package server

import (
	"slices"
	"strconv"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
)

// artifactType is a kind of artifacts in a project.
type artifactType struct {
	r            *resolver
	owner, place string
	ID           graphql.ID
	Name         string
	Description  *string
	CreatedAt    DateTime
}

func (r *resolver) artifactType(owner, project, name string) artifactType {
	return artifactType{r: r, owner: owner, place: project, ID: opaque("ArtifactType", owner+"/"+project+"/"+name), Name: name,
		CreatedAt: DateTime{time.Unix(0, 0)}}
}

// ArtifactCollection finds one of this type by name.
func (t artifactType) ArtifactCollection(args struct{ Name string }) *anyCollection {
	for _, c := range t.r.collections(t.owner, t.place, t.Name) {
		if c.Name == args.Name {
			return &anyCollection{c}
		}
	}
	return nil
}

// ArtifactCollections lists those of this type.
func (t artifactType) ArtifactCollections(args listArgs) collectionConnection {
	return connectCollections(t.r.collections(t.owner, t.place, t.Name), args.After, args.First)
}

// ArtifactType finds a type that something in the project has.
func (p *project) ArtifactType(args struct{ Name string }) *artifactType {
	if len(p.r.collections(p.owner, p.Name, args.Name)) == 0 {
		return nil
	}
	return ptr(p.r.artifactType(p.owner, p.Name, args.Name))
}

type artifactTypeConnection struct {
	Edges    []artifactTypeEdge
	PageInfo pageInfo
}

type artifactTypeEdge struct {
	Node   artifactType
	Cursor string
}

// ArtifactTypes lists the types in use.
func (p *project) ArtifactTypes(args struct {
	After      *string
	First      *int32
	IncludeAll *bool
}) artifactTypeConnection {
	var names []string
	for _, c := range p.r.collections(p.owner, p.Name, "") {
		names = append(names, c.kind)
	}
	slices.Sort(names)
	part, start, info := page(slices.Compact(names), args.After, args.First)
	out := artifactTypeConnection{[]artifactTypeEdge{}, info}
	for i, name := range part {
		out.Edges = append(out.Edges, artifactTypeEdge{p.r.artifactType(p.owner, p.Name, name), strconv.Itoa(start + i + 1)})
	}
	return out
}

type createArtifactTypePayload struct{ ArtifactType artifactType }

// CreateArtifactType notes nothing: a type is there when something has it.
func (r *resolver) CreateArtifactType(args struct {
	Input struct {
		EntityName, ProjectName, Name string
		Description                   *string
	}
}) (*createArtifactTypePayload, error) {
	in := &args.Input
	if err := checkType(in.Name); err != nil {
		return nil, err
	}
	return &createArtifactTypePayload{r.artifactType(in.EntityName, in.ProjectName, in.Name)}, nil
}
