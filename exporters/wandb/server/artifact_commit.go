package server

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/server/internal/store"
)

// CommitArtifact makes a version of a pending artifact once everything that its
// manifests name is stored.
func (r *resolver) CommitArtifact(args struct {
	Input struct{ ArtifactID graphql.ID }
}) (*artifactPayload, error) {
	id := string(args.Input.ArtifactID)
	a, ok := r.s.store.Artifact(id)
	if !ok {
		return nil, fmt.Errorf("commit artifact: %w", store.ErrNoArtifact)
	}
	if a.State == store.Committed {
		return r.artifactPayload(id), nil
	}
	whole, err := r.merge(&a)
	if err == nil {
		err = r.checkContents(whole.Contents)
	}
	if err == nil {
		err = r.commit(&a, whole)
	}
	if err != nil {
		return nil, fmt.Errorf("commit artifact: %w", err)
	}
	return r.artifactPayload(id), nil
}

// commit stores the merged manifest if that is not what the client sent, then
// the version.
func (r *resolver) commit(a *store.Artifact, whole *store.Manifest) error {
	digest := manifestDigest(whole.Contents)
	if _, ok := wholeManifest(a); ok {
		if digest != a.Digest {
			return fmt.Errorf("the manifest has the digest %s, the artifact was announced with %s", digest, a.Digest)
		}
	} else if err := r.writeManifest(a.ID, digest, whole); err != nil {
		return err
	}
	return errors.Join(r.s.store.Commit(a.ID, digest, whole.Contents, whole.Layout), r.logged(a, a.ID))
}

// merge makes one manifest of those that were uploaded: a full one as it is;
// others in the order they were announced, on top of the version that the first
// names as its base.
func (r *resolver) merge(a *store.Artifact) (*store.Manifest, error) {
	if m, ok := wholeManifest(a); ok {
		return r.readManifest(m)
	}
	whole := &store.Manifest{Version: 1, StoragePolicy: store.StoragePolicy, Contents: map[string]store.Entry{}}
	parts := 0
	for _, m := range a.Manifests {
		if m.Digest == "" {
			continue
		}
		if parts == 0 {
			maps.Copy(whole.Contents, r.base(a, m))
		}
		part, err := r.readManifest(m)
		if err != nil {
			return nil, err
		}
		whole.Layout = part.Layout
		maps.Copy(whole.Contents, part.Contents)
		parts++
	}
	if parts == 0 {
		return nil, errors.New("no manifest was uploaded")
	}
	return whole, nil
}

// base is the content that a manifest adds to. An incremental one without a
// named base adds to the newest version.
func (r *resolver) base(a *store.Artifact, m store.ManifestFile) map[string]store.Entry {
	if m.Base != "" {
		base, _ := r.s.store.Artifact(m.Base)
		return base.Contents
	}
	versions := r.s.store.Collection(a.Entity, a.Project, a.Collection)
	if m.Type != deltaManifest || len(versions) == 0 {
		return nil
	}
	return versions[len(versions)-1].Contents
}

// checkContents wants every file to be stored with the size that its entry has.
func (r *resolver) checkContents(contents map[string]store.Entry) error {
	for path, e := range contents {
		if e.Ref != "" {
			continue
		}
		hash, err := store.HexDigest(e.Digest)
		if err != nil {
			return fmt.Errorf("file %q: %w", path, err)
		}
		size, ok := r.s.store.ObjectSize(hash)
		switch {
		case !ok:
			return fmt.Errorf("file %q was not uploaded", path)
		case e.Size != nil && *e.Size != size:
			return fmt.Errorf("file %q has %d bytes, the manifest says %d", path, size, *e.Size)
		}
		if _, ok := r.s.store.Artifact(e.BirthArtifact); e.BirthArtifact != "" && !ok {
			return fmt.Errorf("file %q: birth artifact %q: %w", path, e.BirthArtifact, store.ErrNoArtifact)
		}
	}
	return nil
}

func (r *resolver) readManifest(m store.ManifestFile) (*store.Manifest, error) {
	hash, err := store.HexDigest(m.Digest)
	if err != nil {
		return nil, err
	}
	f, err := r.s.store.OpenObject(hash)
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

// writeManifest stores a manifest that was put together here, and the digest of
// what it lists.
func (r *resolver) writeManifest(id, digest string, whole *store.Manifest) error {
	text, err := json.Marshal(whole)
	if err != nil {
		return err
	}
	sum := md5.Sum(text)
	if err := r.s.store.PutObject(hex.EncodeToString(sum[:]), bytes.NewReader(text)); err != nil {
		return err
	}
	m := store.ManifestFile{ID: store.NewID("ArtifactManifest"), Name: "wandb_manifest.json", Type: fullManifest,
		Digest: base64.StdEncoding.EncodeToString(sum[:])}
	return r.s.store.EditArtifact(id, func(a *store.Artifact) error {
		a.Manifests, a.Digest = append(slices.Clone(a.Manifests), m), digest
		return nil
	})
}

// manifestDigest is the digest of an artifact: of its paths and their digests.
func manifestDigest(contents map[string]store.Entry) string {
	h := md5.New()
	_, _ = io.WriteString(h, "wandb-artifact-manifest-v1\n")
	for _, path := range slices.Sorted(maps.Keys(contents)) {
		_, _ = io.WriteString(h, path+":"+contents[path].Digest+"\n")
	}
	return hex.EncodeToString(h.Sum(nil))
}
