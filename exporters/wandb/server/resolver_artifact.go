package server

import (
	"cmp"
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// artifact is one version, as clients ask for it.
type artifact struct {
	r *resolver
	a store.Artifact

	ID             graphql.ID
	State          string
	Digest         string
	FileCount      int32
	CommitHash     string
	Description    *string
	Metadata       *JSONString
	HistoryStep    *Int64
	CreatedAt      DateTime
	UpdatedAt      *DateTime
	TTLIsInherited bool
}

func (r *resolver) artifact(a store.Artifact) *artifact {
	out := &artifact{r: r, a: a, ID: graphql.ID(a.ID), State: a.State, Digest: a.Digest, FileCount: int32(len(a.Contents)),
		CommitHash: hex.EncodeToString([]byte(a.ID)), Description: orNil(a.Description), HistoryStep: (*Int64)(a.HistoryStep),
		CreatedAt: DateTime{a.Created}, UpdatedAt: &DateTime{a.Created}, TTLIsInherited: a.TTL == 0}
	if a.Metadata != "" {
		out.Metadata = ptr(JSONString(a.Metadata))
	}
	return out
}

// Artifact finds a version by its id.
func (r *resolver) Artifact(args struct{ ID graphql.ID }) *artifact {
	a, ok := r.s.store.Artifact(string(args.ID))
	if !ok {
		return nil
	}
	return r.artifact(a)
}

// ClientIDMapping finds the version that a client made under an id of its own.
func (r *resolver) ClientIDMapping(args struct{ ClientID graphql.ID }) *clientIDMapping {
	found := r.s.store.FindArtifacts(func(a *store.Artifact) bool { return a.ClientID == string(args.ClientID) })
	if len(found) == 0 || args.ClientID == "" {
		return nil
	}
	return &clientIDMapping{graphql.ID(found[0].ID)}
}

type clientIDMapping struct{ ServerID graphql.ID }

// VersionIndex is the number behind the v, nil before the commit.
func (a *artifact) VersionIndex() *int32 {
	if a.a.State != store.Committed {
		return nil
	}
	return ptr(int32(a.a.Version))
}

// Size is the sum of the sizes of the files.
func (a *artifact) Size() (n Int64) {
	for _, e := range a.a.Contents {
		n += Int64(value(e.Size))
	}
	return n
}

// TTLDurationSeconds is -1 for what the collection says.
func (a *artifact) TTLDurationSeconds() Int64 {
	if a.a.TTL == 0 {
		return -1
	}
	return Int64(a.a.TTL)
}

// Tags of the version.
func (a *artifact) Tags() []tag { return tags(a.a.Tags) }

type tag struct {
	ID   graphql.ID
	Name string
}

func tags(names []string) []tag {
	out := []tag{}
	for _, name := range names {
		out = append(out, tag{opaque("Tag", name), name})
	}
	return out
}

// Aliases of the version in its own collection and where it is linked.
func (a *artifact) Aliases() []alias {
	out := a.source().Aliases()
	for _, l := range a.a.Links {
		out = append(out, a.linked(l).Aliases()...)
	}
	return out
}

// ArtifactType names its type.
func (a *artifact) ArtifactType() artifactType {
	return a.r.artifactType(a.a.Entity, a.a.Project, a.a.Type)
}

// ArtifactSequence is the collection that the version was logged to.
func (a *artifact) ArtifactSequence() *collection { return a.r.sequence(&a.a) }

// CurrentManifest is the whole manifest, nil before it is known.
func (a *artifact) CurrentManifest(ctx context.Context) *manifest {
	m, ok := wholeManifest(&a.a)
	if !ok {
		return nil
	}
	return a.r.manifest(ctx, m)
}

// CreatedBy is the run that logged it, or the user.
func (a *artifact) CreatedBy() *creator {
	if made := a.r.s.store.Run(a.a.Entity, a.a.Project, a.a.Run); made != nil {
		return &creator{run: a.r.run(made)}
	}
	return &creator{user: a.r.user()}
}

type creator struct {
	run  *run
	user *user
}

// ToRun is for the union.
func (c *creator) ToRun() (*run, bool) { return c.run, c.run != nil }

// ToUser is for the union.
func (c *creator) ToUser() (*user, bool) { return c.user, c.user != nil }

type pageArgs struct {
	After *string
	First *int32
}

// UsedBy lists the runs that read it.
func (a *artifact) UsedBy(args pageArgs) runConnection {
	var runs []*store.Run
	for _, key := range a.a.UsedBy {
		if part := strings.Split(key, "/"); len(part) == 3 {
			if one := a.r.s.store.Run(part[0], part[1], part[2]); one != nil {
				runs = append(runs, one)
			}
		}
	}
	return a.r.connect(runs, args.After, args.First)
}

// source is its place in its own collection.
func (a *artifact) source() *membership {
	return &membership{a.r, a.a, a.ArtifactSequence(), a.a.Version, a.a.Aliases}
}

func (a *artifact) linked(l store.Link) *membership {
	return &membership{a.r, a.a, a.r.portfolio(l), l.Version, l.Aliases}
}

type membershipConnection struct{ Edges []membershipEdge }

type membershipEdge struct{ Node *membership }

// ArtifactMemberships lists the collections that it is in.
func (a *artifact) ArtifactMemberships(pageArgs) membershipConnection {
	out := membershipConnection{[]membershipEdge{{a.source()}}}
	for _, l := range a.a.Links {
		out.Edges = append(out.Edges, membershipEdge{a.linked(l)})
	}
	return out
}

type artifactFileArgs struct {
	Names *[]string
	After *string
	First *int32
}

// Files lists the files by name, and what lies elsewhere.
func (a *artifact) Files(ctx context.Context, args artifactFileArgs) fileConnection {
	var files []*file
	for _, name := range slices.Sorted(maps.Keys(a.a.Contents)) {
		if args.Names == nil || len(*args.Names) == 0 || slices.Contains(*args.Names, name) {
			files = append(files, a.file(ctx, name, a.a.Contents[name]))
		}
	}
	return connectFiles(files, args.After, args.First)
}

// FilesByManifestEntries finds URLs for the entries of a manifest.
func (a *artifact) FilesByManifestEntries(ctx context.Context, args struct {
	Entries                                       *[]manifestEntryInput
	StorageLayout, ManifestVersion, StorageRegion *string
	After                                         *string
	First                                         *int32
}) fileConnection {
	var files []*file
	for _, in := range value(args.Entries) {
		if e, ok := a.a.Contents[in.Name]; ok && e.Digest == in.Digest {
			files = append(files, a.file(ctx, in.Name, e))
		}
	}
	return connectFiles(files, args.After, args.First)
}

type manifestEntryInput struct {
	Name, Digest    string
	BirthArtifactID *graphql.ID
	Ref             *string
	Size            *Int64
}

// file is an entry. The URL of one that stands for something elsewhere is what
// it stands for: clients want a text there.
func (a *artifact) file(ctx context.Context, name string, e store.Entry) *file {
	f := &file{ID: opaque("ArtifactFile", a.a.ID+"/"+name), Name: name, DisplayName: &name, SizeBytes: Int64(value(e.Size)),
		Digest: &e.Digest, MD5: &e.Digest, UpdatedAt: &a.CreatedAt}
	f.DirectURL = &e.Ref
	if md5, err := store.HexDigest(e.Digest); err == nil && e.Ref == "" {
		f.DirectURL = ptr(a.r.s.sign(ctx, "GET", "object", md5))
		f.StoragePath = ptr(storagePath(&a.a, cmp.Or(e.BirthArtifact, a.a.ID), md5))
	}
	return f
}

type artifactConnection struct {
	Edges      []artifactEdge
	PageInfo   pageInfo
	TotalCount int32
}

type artifactEdge struct {
	Node    *artifact
	Cursor  string
	Version string
}

func (r *resolver) connectArtifacts(all []store.Artifact, after *string, first *int32) artifactConnection {
	part, start, info := page(all, after, first)
	c := artifactConnection{[]artifactEdge{}, info, int32(len(all))}
	for i, a := range part {
		c.Edges = append(c.Edges, artifactEdge{r.artifact(a), strconv.Itoa(start + i + 1), "v" + strconv.Itoa(a.Version)})
	}
	return c
}

// OutputArtifacts lists what the run logged.
func (r *run) OutputArtifacts(args pageArgs) artifactConnection {
	return r.r.connectArtifacts(r.r.byID(r.f.Logged), args.After, args.First)
}

// InputArtifacts lists what the run used.
func (r *run) InputArtifacts(args pageArgs) artifactConnection {
	var ids []string
	for _, u := range r.f.Used {
		ids = append(ids, u.Artifact)
	}
	return r.r.connectArtifacts(r.r.byID(ids), args.After, args.First)
}

func (r *resolver) byID(ids []string) (out []store.Artifact) {
	for _, id := range ids {
		if a, ok := r.s.store.Artifact(id); ok {
			out = append(out, a)
		}
	}
	return out
}
