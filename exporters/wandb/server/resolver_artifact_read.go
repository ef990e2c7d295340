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

// artifact is a version, or what will be one, as a query sees it.
type artifact struct {
	r *resolver
	a store.Artifact
}

func (r *resolver) artifact(id string) *artifact {
	a, ok := r.s.store.Artifact(id)
	if !ok {
		return nil
	}
	return &artifact{r, a}
}

// Artifact finds a version by its id.
func (r *resolver) Artifact(args struct{ ID graphql.ID }) *artifact {
	return r.artifact(string(args.ID))
}

func (a *artifact) ID() graphql.ID              { return graphql.ID(a.a.ID) }
func (a *artifact) State() string               { return a.a.State }
func (a *artifact) Digest() string              { return a.a.Digest }
func (a *artifact) CommitHash() string          { return a.a.Digest[:20] }
func (a *artifact) Description() *string        { return orNil(a.a.Description) }
func (a *artifact) Metadata() *JSONString       { return (*JSONString)(orNil(a.a.Metadata)) }
func (a *artifact) TTLDurationSeconds() Int64   { return Int64(a.a.TTL) }
func (a *artifact) TTLIsInherited() bool        { return a.a.TTL == 0 }
func (a *artifact) CreatedAt() DateTime         { return DateTime{a.a.Created} }
func (a *artifact) UpdatedAt() *DateTime        { return &DateTime{a.a.Created} }
func (a *artifact) ArtifactType() *artifactType { return a.r.artifactType(a.a.Type) }
func (a *artifact) FileCount() int32            { return int32(len(a.a.Contents)) }

// HistoryStep is that of the run when it made the artifact.
func (a *artifact) HistoryStep() *Int64 { return (*Int64)(a.a.HistoryStep) }

// VersionIndex is nil before the commit.
func (a *artifact) VersionIndex() *int32 {
	if a.a.Version < 0 {
		return nil
	}
	return ptr(int32(a.a.Version))
}

// Size adds up the files.
func (a *artifact) Size() Int64 {
	var n int64
	for _, e := range a.a.Contents {
		n += value(e.Size)
	}
	return Int64(n)
}

type tag struct {
	ID   graphql.ID
	Name string
}

// Tags of the version.
func (a *artifact) Tags() []tag {
	out := []tag{}
	for _, t := range a.a.Tags {
		out = append(out, tag{opaque("Tag", t), t})
	}
	return out
}

type alias struct {
	ID                 graphql.ID
	Alias              string
	ArtifactCollection *collection
}

// Aliases of the version in its own collection.
func (a *artifact) Aliases() []alias {
	out := []alias{}
	for _, name := range a.a.Aliases {
		out = append(out, alias{opaque("Alias", a.a.ID+name), name, a.collection()})
	}
	return out
}

func (a *artifact) collection() *collection {
	return &collection{a.r, a.a.Entity, a.a.Project, a.a.Collection, a.a.Type, false}
}

// ArtifactSequence is the collection of the version.
func (a *artifact) ArtifactSequence() *sequence { return &sequence{a.collection()} }

// CurrentManifest is the file that describes the version; of one that was made
// of changes, the merged one.
func (a *artifact) CurrentManifest(ctx context.Context) (*manifest, error) {
	m, err := a.r.currentManifest(&a.a)
	if m == nil || err != nil {
		return nil, err
	}
	return &manifest{a.r, ctx, *m}, nil
}

type creator struct{ *run }

// ToRun and ToUser choose the type.
func (c *creator) ToRun() (*run, bool) { return c.run, c.run != nil }

// ToUser: artifacts are made by runs.
func (c *creator) ToUser() (*user, bool) { return nil, false }

// CreatedBy is the run that made the version.
func (a *artifact) CreatedBy() *creator {
	made := a.r.run(a.r.s.store.Run(a.a.Entity, a.a.Project, a.a.Run))
	if made == nil {
		return nil
	}
	return &creator{made}
}

type pageArgs struct {
	After *string
	First *int32
}

// UsedBy are the runs that read the version.
func (a *artifact) UsedBy(args pageArgs) runConnection {
	var runs []*store.Run
	for _, name := range a.a.UsedBy {
		if found := a.r.s.store.Run(a.a.Entity, a.a.Project, name); found != nil {
			runs = append(runs, found)
		}
	}
	return a.r.connect(runs, args.After, args.First)
}

type membershipConnection struct{ Edges []membershipEdge }

type membershipEdge struct{ Node *membership }

// ArtifactMemberships are the collections that have the version.
func (a *artifact) ArtifactMemberships(pageArgs) membershipConnection {
	c := membershipConnection{[]membershipEdge{{&membership{a.collection(), a, a.a.Version, a.a.Aliases}}}}
	for _, l := range a.a.Links {
		linked := &collection{a.r, l.Entity, l.Project, l.Collection, a.a.Type, true}
		c.Edges = append(c.Edges, membershipEdge{&membership{linked, a, l.Version, l.Aliases}})
	}
	return c
}

// Files are those of the version that are stored here.
func (a *artifact) Files(ctx context.Context, args struct {
	Names *[]string
	After *string
	First *int32
}) fileConnection {
	var files []*file
	for path, e := range a.a.Contents {
		if args.Names == nil || slices.Contains(*args.Names, path) {
			if f := a.file(ctx, path, e.Digest, value(e.Size)); f != nil && e.Ref == "" {
				files = append(files, f)
			}
		}
	}
	slices.SortFunc(files, func(x, y *file) int { return cmpText(x.Name, y.Name) })
	return connectFiles(files, args.After, args.First)
}

func (a *artifact) file(ctx context.Context, path, digest string, size int64) *file {
	md5hex, err := store.HexDigest(digest)
	if err != nil {
		return nil
	}
	url := a.r.s.sign(ctx, "GET", "object", md5hex)
	storage := "wandb_artifacts/" + md5hex
	return &file{ID: opaque("File", a.a.ID+path), Name: path, DisplayName: &path, DirectURL: &url, SizeBytes: Int64(size),
		StoragePath: &storage, Digest: &digest, MD5: &digest, UpdatedAt: &DateTime{a.a.Created}}
}

// FilesByManifestEntries gives URLs for entries of a manifest.
func (a *artifact) FilesByManifestEntries(ctx context.Context, args struct {
	Entries *[]struct {
		Name, Digest    string
		BirthArtifactID *graphql.ID
		Ref             *string
		Size            *Int64
	}
	StorageLayout, ManifestVersion, StorageRegion *string
	After                                         *string
	First                                         *int32
}) (fileConnection, error) {
	var files []*file
	for _, e := range value(args.Entries) {
		f := a.file(ctx, e.Name, e.Digest, int64(value(e.Size)))
		if f == nil {
			return fileConnection{}, fmt.Errorf("entry %q has no MD5", e.Name)
		}
		files = append(files, f)
	}
	return connectFiles(files, args.After, args.First), nil
}

// --- collections

type artifactType struct {
	r           *resolver
	owner, proj string
	ID          graphql.ID
	Name        string
	Description *string
	CreatedAt   DateTime
}

func (r *resolver) artifactType(name string) *artifactType {
	return &artifactType{r: r, ID: opaque("ArtifactType", name), Name: name}
}

// CreateArtifactType notes nothing: a type is there when an artifact has it.
func (r *resolver) CreateArtifactType(args struct {
	Input struct {
		EntityName, ProjectName, Name string
		Description                   *string
	}
}) *struct{ ArtifactType *artifactType } {
	return &struct{ ArtifactType *artifactType }{r.artifactType(args.Input.Name)}
}

// ArtifactType finds a type that an artifact of the project has.
func (p *project) ArtifactType(args struct{ Name string }) *artifactType {
	t := p.r.artifactType(args.Name)
	t.owner, t.proj = p.owner, p.Name
	return t
}

type artifactTypeConnection struct {
	Edges    []artifactTypeEdge
	PageInfo pageInfo
}

type artifactTypeEdge struct {
	Node   *artifactType
	Cursor string
}

// ArtifactTypes lists the types of the project's artifacts.
func (p *project) ArtifactTypes(args pageArgs) artifactTypeConnection {
	var names []string
	for _, a := range p.r.s.store.FindArtifacts(func(a *store.Artifact) bool { return a.Entity == p.owner && a.Project == p.Name }) {
		names = append(names, a.Type)
	}
	slices.Sort(names)
	part, start, info := page(slices.Compact(names), args.After, args.First)
	c := artifactTypeConnection{Edges: []artifactTypeEdge{}, PageInfo: info}
	for i, name := range part {
		c.Edges = append(c.Edges, artifactTypeEdge{p.ArtifactType(struct{ Name string }{name}), strconv.Itoa(start + i + 1)})
	}
	return c
}

// ArtifactCollection finds a collection of the type.
func (t *artifactType) ArtifactCollection(args struct{ Name string }) *collection {
	return t.r.findCollection(t.owner, t.proj, args.Name)
}

// ArtifactCollection finds a collection of the project.
func (p *project) ArtifactCollection(args struct{ Name string }) *collection {
	return p.r.findCollection(p.owner, p.Name, args.Name)
}

// ArtifactCollection by id: ids are names here.
func (r *resolver) ArtifactCollection(args struct{ ID graphql.ID }) *collection {
	for _, a := range r.s.store.FindArtifacts(func(*store.Artifact) bool { return true }) {
		if c := (&artifact{r, a}).collection(); c.ID() == args.ID {
			return c
		}
	}
	return nil
}

func (r *resolver) findCollection(owner, project, name string) *collection {
	if versions := r.s.store.Collection(owner, project, name); len(versions) > 0 {
		return &collection{r, owner, project, name, versions[0].Type, false}
	}
	linked := r.linked(owner, project, name)
	if len(linked) == 0 {
		return nil
	}
	return &collection{r, owner, project, name, linked[0].artifact.a.Type, true}
}

// linked are the versions that were linked into a collection.
func (r *resolver) linked(owner, project, name string) []*membership {
	var out []*membership
	for _, a := range r.s.store.FindArtifacts(func(a *store.Artifact) bool { return len(a.Links) > 0 }) {
		for _, l := range a.Links {
			if l.Entity == owner && l.Project == project && l.Collection == name {
				out = append(out, &membership{&collection{r, owner, project, name, a.Type, true}, &artifact{r, a}, l.Version, l.Aliases})
			}
		}
	}
	slices.SortFunc(out, func(x, y *membership) int { return x.version - y.version })
	return out
}

// collection has the versions of one name.
type collection struct {
	r                      *resolver
	owner, proj, name, typ string
	portfolio              bool // its versions are linked from elsewhere
}

func (c *collection) ID() graphql.ID {
	return opaque("ArtifactCollection", c.owner+"/"+c.proj+"/"+c.name)
}
func (c *collection) Name() string                       { return c.name }
func (c *collection) Description() *string               { return nil }
func (c *collection) UpdatedAt() *DateTime               { return nil }
func (c *collection) State() string                      { return "READY" }
func (c *collection) Project() *project                  { return c.r.project(c.owner, c.proj) }
func (c *collection) DefaultArtifactType() *artifactType { return c.r.artifactType(c.typ) }
func (c *collection) Tags() struct{ Edges []struct{ Node tag } } {
	return struct{ Edges []struct{ Node tag } }{[]struct{ Node tag }{}}
}

// CreatedAt is that of the first version.
func (c *collection) CreatedAt() DateTime {
	if m := c.members(); len(m) > 0 {
		return m[0].artifact.CreatedAt()
	}
	return DateTime{}
}

// members are the versions, oldest first.
func (c *collection) members() []*membership {
	if c.portfolio {
		return c.r.linked(c.owner, c.proj, c.name)
	}
	var out []*membership
	for _, a := range c.r.s.store.Collection(c.owner, c.proj, c.name) {
		out = append(out, &membership{c, &artifact{c.r, a}, a.Version, a.Aliases})
	}
	return out
}

// find looks for a version by alias, v<number> or digest.
func (c *collection) find(alias string) *membership {
	for _, m := range c.members() {
		if slices.Contains(m.aliases, alias) || alias == "v"+strconv.Itoa(m.version) || alias == m.artifact.a.Digest {
			return m
		}
	}
	return nil
}

// ArtifactMembership finds a version.
func (c *collection) ArtifactMembership(args struct{ AliasName string }) *membership {
	return c.find(args.AliasName)
}

type versionedConnection struct {
	Edges      []versionedEdge
	PageInfo   pageInfo
	TotalCount int32
}

type versionedEdge struct {
	Node            *artifact
	Version, Cursor string
}

// Artifacts lists the versions, newest first.
func (c *collection) Artifacts(args struct {
	After   *string
	First   *int32
	Order   *string
	Filters *JSONString
}) versionedConnection {
	members := c.members()
	slices.Reverse(members)
	part, start, info := page(members, args.After, args.First)
	out := versionedConnection{Edges: []versionedEdge{}, PageInfo: info, TotalCount: int32(len(members))}
	for i, m := range part {
		out.Edges = append(out.Edges, versionedEdge{m.artifact, "v" + strconv.Itoa(m.version), strconv.Itoa(start + i + 1)})
	}
	return out
}

type aliasConnection struct {
	Edges    []struct{ Node alias }
	PageInfo pageInfo
}

// AliasesOf lists the aliases of all versions.
func (c *collection) Aliases(pageArgs) aliasConnection {
	out := aliasConnection{Edges: []struct{ Node alias }{}}
	for _, m := range c.members() {
		for _, a := range m.Aliases() {
			out.Edges = append(out.Edges, struct{ Node alias }{a})
		}
	}
	return out
}

// ToArtifactSequence: the versions were made here.
func (c *collection) ToArtifactSequence() (*sequence, bool) { return &sequence{c}, !c.portfolio }

// ToArtifactPortfolio: the versions were linked.
func (c *collection) ToArtifactPortfolio() (*collection, bool) { return c, c.portfolio }

// sequence is a collection whose versions were made in it.
type sequence struct{ *collection }

// LatestArtifact is the newest committed version.
func (s *sequence) LatestArtifact() *artifact {
	m := s.members()
	if len(m) == 0 {
		return nil
	}
	return m[len(m)-1].artifact
}

// membership is a version in a collection.
type membership struct {
	collection *collection
	artifact   *artifact
	version    int
	aliases    []string
}

func (m *membership) ID() graphql.ID {
	return opaque("ArtifactMembership", m.artifact.a.ID+string(m.collection.ID()))
}
func (m *membership) VersionIndex() int32 { return int32(m.version) }
func (m *membership) Artifact() *artifact { return m.artifact }
func (m *membership) ArtifactCollection() *collection {
	return m.collection
}

// Aliases of the version in this collection.
func (m *membership) Aliases() []alias {
	out := []alias{}
	for _, name := range m.aliases {
		out = append(out, alias{opaque("Alias", m.artifact.a.ID+name), name, m.collection})
	}
	return out
}

// Files are those of the version.
func (m *membership) Files(ctx context.Context, args struct {
	Names *[]string
	After *string
	First *int32
}) fileConnection {
	return m.artifact.Files(ctx, args)
}

// ArtifactCollectionMembership finds a version by name:alias.
func (p *project) ArtifactCollectionMembership(args struct{ Name string }) *membership {
	name, alias, ok := strings.Cut(args.Name, ":")
	if !ok {
		alias = "latest"
	}
	c := p.r.findCollection(p.owner, p.Name, name)
	if c == nil {
		return nil
	}
	return c.find(alias)
}

// Artifact finds a version by name:alias.
func (p *project) Artifact(args struct{ Name string }) *artifact {
	if m := p.ArtifactCollectionMembership(args); m != nil {
		return m.artifact
	}
	return nil
}

type artifactConnection struct {
	Edges      []artifactEdge
	PageInfo   pageInfo
	TotalCount int32
}

type artifactEdge struct {
	Node   *artifact
	Cursor string
}

func (r *resolver) connectArtifacts(ids []string, args pageArgs) artifactConnection {
	part, start, info := page(ids, args.After, args.First)
	c := artifactConnection{Edges: []artifactEdge{}, PageInfo: info, TotalCount: int32(len(ids))}
	for i, id := range part {
		if a := r.artifact(id); a != nil {
			c.Edges = append(c.Edges, artifactEdge{a, strconv.Itoa(start + i + 1)})
		}
	}
	return c
}

// OutputArtifacts are those that the run made.
func (r *run) OutputArtifacts(args pageArgs) artifactConnection {
	return r.r.connectArtifacts(r.f.Logged, args)
}

// InputArtifacts are those that the run read.
func (r *run) InputArtifacts(args pageArgs) artifactConnection {
	var ids []string
	for _, u := range r.f.Used {
		ids = append(ids, u.Artifact)
	}
	return r.r.connectArtifacts(ids, args)
}

// currentManifest is the manifest that readers get: the uploaded one, or for
// versions made of changes one that is written here.
func (r *resolver) currentManifest(a *store.Artifact) (*store.ManifestFile, error) {
	if a.State != store.Committed {
		return nil, nil
	}
	for i := range a.Manifests {
		if m := &a.Manifests[i]; m.Type == "FULL" && m.Digest != "" {
			return m, nil
		}
	}
	return r.s.store.WriteManifest(a)
}
