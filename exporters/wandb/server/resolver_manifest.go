package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// Kinds of manifests.
const (
	fullManifest  = "FULL"        // everything
	deltaManifest = "INCREMENTAL" // on top of a version before
	patchManifest = "PATCH"       // one writer's part of a version that several make
)

type manifest struct {
	ID     graphql.ID
	Digest *string
	File   manifestFile
}

type manifestFile struct {
	ID            graphql.ID
	Name          string
	DisplayName   *string
	UploadURL     *string
	UploadHeaders *[]string
	DirectURL     string
}

// manifest renders a manifest. Its file is stored under the MD5 that is its
// digest, so there are no URLs before that is known.
func (r *resolver) manifest(ctx context.Context, m store.ManifestFile) *manifest {
	out := &manifest{ID: graphql.ID(m.ID), Digest: orNil(m.Digest), File: manifestFile{ID: opaque("ArtifactManifestFile", m.ID),
		Name: m.Name, DisplayName: &m.Name, UploadHeaders: &[]string{}}}
	if md5, err := store.HexDigest(m.Digest); err == nil {
		out.File.UploadURL = ptr(r.s.sign(ctx, "PUT", "object", md5))
		out.File.DirectURL = r.s.sign(ctx, "GET", "object", md5)
	}
	return out
}

// wholeManifest is the newest one that lists everything.
func wholeManifest(a *store.Artifact) (store.ManifestFile, bool) {
	for _, m := range slices.Backward(a.Manifests) {
		if m.Type == fullManifest && m.Digest != "" {
			return m, true
		}
	}
	return store.ManifestFile{}, false
}

type manifestPayload struct{ ArtifactManifest *manifest }

// CreateArtifactManifest announces a manifest. A client does so twice: first
// without a digest, for files to refer to it, then with one.
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
	err := r.editManifests(string(in.ArtifactID), m.Digest, func(a *store.Artifact) error {
		if i := slices.IndexFunc(a.Manifests, func(old store.ManifestFile) bool { return old.Type == fullManifest }); i >= 0 && m.Type == fullManifest {
			m.ID = a.Manifests[i].ID
			a.Manifests[i] = m
			return nil
		}
		a.Manifests = append(a.Manifests, m)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create artifact manifest: %w", err)
	}
	return &manifestPayload{r.manifest(ctx, m)}, nil
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
	is := func(m store.ManifestFile) bool { return m.ID == string(in.ArtifactManifestID) }
	found := r.s.store.FindArtifacts(func(a *store.Artifact) bool { return slices.ContainsFunc(a.Manifests, is) })
	if len(found) != 1 {
		return nil, fmt.Errorf("update artifact manifest: there is none with id %q", in.ArtifactManifestID)
	}
	var m store.ManifestFile
	err := r.editManifests(found[0].ID, value(in.Digest), func(a *store.Artifact) error {
		i := slices.IndexFunc(a.Manifests, is)
		if in.Digest != nil {
			a.Manifests[i].Digest = *in.Digest
		}
		if in.BaseArtifactID != nil {
			a.Manifests[i].Base = string(*in.BaseArtifactID)
		}
		m = a.Manifests[i]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("update artifact manifest: %w", err)
	}
	return &manifestPayload{r.manifest(ctx, m)}, nil
}

// editManifests changes the manifests of a version that is not committed.
func (r *resolver) editManifests(id, digest string, edit func(*store.Artifact) error) error {
	if digest != "" {
		if _, err := store.HexDigest(digest); err != nil {
			return err
		}
	}
	return r.s.store.EditArtifact(id, func(a *store.Artifact) error {
		if a.State != store.Pending {
			return errors.New("the artifact is committed: it does not change any more")
		}
		a.Manifests = slices.Clone(a.Manifests) // copies share it
		return edit(a)
	})
}
