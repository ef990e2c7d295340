package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

type aliasInput struct {
	ArtifactCollectionName, Alias string
	EntityName, ProjectName       *string
}

type tagInput struct {
	TagName         string
	TagCategoryName *string
	Attributes      *JSONString
}

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

type artifactPayload struct{ Artifact *artifact }

var (
	artifactName   = regexp.MustCompile(`^[a-zA-Z0-9_\-.]{1,128}$`)
	artifactDigest = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// check applies the limits that W&B states.
func (in *createArtifactInput) check() error {
	name := value(in.ArtifactCollectionName)
	switch {
	case !artifactName.MatchString(name):
		return fmt.Errorf("artifact name %.140q: want 1 to 128 letters, digits, dots, dashes and underscores", name)
	case in.ArtifactTypeName == "" || len(in.ArtifactTypeName) > 128 || strings.ContainsAny(in.ArtifactTypeName, "/:"):
		return fmt.Errorf("artifact type %.140q: want 1 to 128 characters without slash and colon", in.ArtifactTypeName)
	case !artifactDigest.MatchString(in.Digest):
		return fmt.Errorf("artifact digest %.80q: want 32 hexadecimal digits", in.Digest)
	}
	if in.Metadata != nil {
		var m map[string]any
		if err := json.Unmarshal([]byte(*in.Metadata), &m); err != nil {
			return fmt.Errorf("artifact metadata is no JSON object: %w", err)
		}
		if len(m) > 100 {
			return fmt.Errorf("artifact metadata has %d keys: at most 100 are allowed", len(m))
		}
	}
	for _, a := range value(in.Aliases) {
		if a.Alias == "" || strings.ContainsAny(a.Alias, "/:") {
			return fmt.Errorf("alias %q: none of / : is allowed", a.Alias)
		}
	}
	return nil
}

// CreateArtifact begins a version. One with the content of an earlier version
// is that version; one with the client id of another is that one.
func (r *resolver) CreateArtifact(args struct{ Input createArtifactInput }) (*artifactPayload, error) {
	in := &args.Input
	if err := in.check(); err != nil {
		return nil, err
	}
	if found, ok := r.known(in); ok {
		var aliases []string
		for _, a := range value(in.Aliases) {
			aliases = append(aliases, a.Alias)
		}
		if found.State == store.Committed {
			if err := r.s.store.AddAliases(found.ID, aliases); err != nil {
				return nil, err
			}
		}
		return &artifactPayload{r.artifact(found.ID)}, nil
	}
	a := store.Artifact{
		Entity: in.EntityName, Project: in.ProjectName, Type: in.ArtifactTypeName, Collection: value(in.ArtifactCollectionName),
		Digest: in.Digest, Run: value(in.RunName), Description: value(in.Description), Metadata: string(value(in.Metadata)),
		TTL: int64(value(in.TTLDurationSeconds)), ClientID: string(value(in.ClientID)), SequenceID: string(value(in.SequenceClientID)),
		Distributed: value(in.DistributedID),
	}
	if in.HistoryStep != nil {
		a.HistoryStep = ptr(int64(*in.HistoryStep))
	}
	for _, alias := range value(in.Aliases) {
		a.Aliases = append(a.Aliases, alias.Alias)
	}
	for _, tag := range value(in.Tags) {
		a.Tags = append(a.Tags, tag.TagName)
	}
	kept, err := r.s.store.AddArtifact(a)
	if err != nil {
		return nil, err
	}
	if run := r.s.store.Run(a.Entity, a.Project, a.Run); run != nil {
		if err := run.Change(func(f *store.Facts) { f.Logged = append(f.Logged, kept.ID) }); err != nil {
			return nil, err
		}
	}
	return &artifactPayload{r.artifact(kept.ID)}, nil
}

// known finds the artifact that an input means, if there is one.
func (r *resolver) known(in *createArtifactInput) (store.Artifact, bool) {
	found := r.s.store.FindArtifacts(func(a *store.Artifact) bool {
		if a.Entity != in.EntityName || a.Project != in.ProjectName || a.Collection != value(in.ArtifactCollectionName) {
			return false
		}
		switch {
		case value(in.DistributedID) != "" && a.Distributed == *in.DistributedID && a.State == store.Pending:
			return true
		case value(in.ClientID) != "" && a.ClientID == string(*in.ClientID):
			return true
		}
		return in.EnableDigestDeduplication && a.State == store.Committed && a.Digest == in.Digest
	})
	if len(found) == 0 {
		return store.Artifact{}, false
	}
	return found[len(found)-1], true
}

type manifestPayload struct{ ArtifactManifest *manifest }

// CreateArtifactManifest announces a manifest; with its digest, an upload URL
// is handed out.
func (r *resolver) CreateArtifactManifest(ctx context.Context, args struct {
	Input struct {
		ArtifactID                                     graphql.ID
		BaseArtifactID                                 *graphql.ID
		Name, Digest, EntityName, ProjectName, RunName string
		Type                                           string
	}
}) (*manifestPayload, error) {
	in := &args.Input
	m := store.ManifestFile{ID: store.NewID("ArtifactManifest"), Name: in.Name, Type: in.Type, Digest: in.Digest, Base: string(value(in.BaseArtifactID))}
	if in.Digest != "" {
		if _, err := store.HexDigest(in.Digest); err != nil {
			return nil, err
		}
	}
	err := r.s.store.EditArtifact(string(in.ArtifactID), func(a *store.Artifact) error {
		if a.State != store.Pending {
			return errors.New("the artifact is committed: it takes no manifest")
		}
		if m.Type == "FULL" {
			a.Manifests = slices.DeleteFunc(a.Manifests, func(old store.ManifestFile) bool { return old.Type == "FULL" })
		}
		a.Manifests = append(a.Manifests, m)
		return nil
	})
	return &manifestPayload{&manifest{r, ctx, m}}, err
}

// UpdateArtifactManifest gives a manifest its digest.
func (r *resolver) UpdateArtifactManifest(ctx context.Context, args struct {
	Input struct {
		ArtifactManifestID graphql.ID
		Digest             *string
		BaseArtifactID     *graphql.ID
	}
}) (*manifestPayload, error) {
	in := &args.Input
	owner := r.s.store.FindArtifacts(func(a *store.Artifact) bool {
		return slices.ContainsFunc(a.Manifests, func(m store.ManifestFile) bool { return m.ID == string(in.ArtifactManifestID) })
	})
	if len(owner) == 0 {
		return nil, fmt.Errorf("no manifest has the id %q", in.ArtifactManifestID)
	}
	var m store.ManifestFile
	err := r.s.store.EditArtifact(owner[0].ID, func(a *store.Artifact) error {
		for i := range a.Manifests {
			if a.Manifests[i].ID == string(in.ArtifactManifestID) {
				if in.Digest != nil {
					a.Manifests[i].Digest = *in.Digest
				}
				if in.BaseArtifactID != nil {
					a.Manifests[i].Base = string(*in.BaseArtifactID)
				}
				m = a.Manifests[i]
			}
		}
		return nil
	})
	return &manifestPayload{&manifest{r, ctx, m}}, err
}

// manifest is a manifest file as a query sees it.
type manifest struct {
	r   *resolver
	ctx context.Context
	m   store.ManifestFile
}

func (m *manifest) ID() graphql.ID      { return graphql.ID(m.m.ID) }
func (m *manifest) Digest() *string     { return orNil(m.m.Digest) }
func (m *manifest) File() *manifestFile { return &manifestFile{m} }

type manifestFile struct{ m *manifest }

func (f *manifestFile) ID() graphql.ID       { return graphql.ID(f.m.m.ID) }
func (f *manifestFile) Name() string         { return f.m.m.Name }
func (f *manifestFile) DisplayName() *string { return &f.m.m.Name }

func (f *manifestFile) url(method string) string {
	md5hex, err := store.HexDigest(f.m.m.Digest)
	if err != nil {
		return ""
	}
	return f.m.r.s.sign(f.m.ctx, method, "object", md5hex)
}

// UploadURL is nil before the digest is known.
func (f *manifestFile) UploadURL() *string       { return orNil(f.url("PUT")) }
func (f *manifestFile) UploadHeaders() *[]string { return &[]string{} }
func (f *manifestFile) DirectURL() string        { return f.url("GET") }

// CommitArtifact makes a version of a pending artifact once everything that its
// manifests name is stored.
func (r *resolver) CommitArtifact(args struct {
	Input struct{ ArtifactID graphql.ID }
}) (*artifactPayload, error) {
	id := string(args.Input.ArtifactID)
	a, ok := r.s.store.Artifact(id)
	if !ok {
		return nil, fmt.Errorf("no artifact has the id %q", id)
	}
	if a.State == store.Committed {
		return &artifactPayload{r.artifact(id)}, nil
	}
	contents, layout, err := r.contents(&a)
	if err != nil {
		return nil, fmt.Errorf("commitArtifact: %w", err)
	}
	for path, e := range contents {
		if e.Ref != "" {
			continue
		}
		if md5hex, err := store.HexDigest(e.Digest); err != nil || !r.s.store.HasObject(md5hex) {
			return nil, fmt.Errorf("commitArtifact: the content of %q was not uploaded", path)
		}
	}
	if err := r.s.store.Commit(id, contents, layout); err != nil {
		return nil, err
	}
	return &artifactPayload{r.artifact(id)}, nil
}

// contents merges the manifests of an artifact: a full one, or changes to its
// base.
func (r *resolver) contents(a *store.Artifact) (map[string]store.Entry, map[string]any, error) {
	out, layout := map[string]store.Entry{}, map[string]any{}
	full := false
	for _, m := range a.Manifests {
		if m.Digest == "" {
			continue
		}
		if m.Type == "INCREMENTAL" {
			base, _ := r.s.store.Artifact(m.Base)
			if m.Base == "" {
				if versions := r.s.store.Collection(a.Entity, a.Project, a.Collection); len(versions) > 0 {
					base = versions[len(versions)-1]
				}
			}
			for path, e := range base.Contents {
				if _, there := out[path]; !there {
					out[path] = e
				}
			}
		}
		parsed, err := r.readManifest(m)
		if err != nil {
			return nil, nil, err
		}
		for path, e := range parsed.Contents {
			out[path] = e
		}
		layout, full = parsed.Layout, full || m.Type == "FULL"
		if m.Type == "FULL" {
			if sum := manifestDigest(parsed.Contents); sum != a.Digest {
				return nil, nil, fmt.Errorf("the manifest has the digest %s, the artifact %s", sum, a.Digest)
			}
		}
	}
	if layout == nil || len(a.Manifests) == 0 {
		return nil, nil, errors.New("no manifest was uploaded")
	}
	return out, layout, nil
}

func (r *resolver) readManifest(m store.ManifestFile) (*store.Manifest, error) {
	md5hex, err := store.HexDigest(m.Digest)
	if err != nil {
		return nil, err
	}
	f, err := r.s.store.OpenObject(md5hex)
	if err != nil {
		return nil, fmt.Errorf("manifest %s was not uploaded", m.Name)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return store.ParseManifest(text)
}
