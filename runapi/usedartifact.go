package runapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wandb-agent/wandb-agent/exporters/wandb/api"
	wandbartifact "github.com/wandb-agent/wandb-agent/exporters/wandb/artifact"
	"github.com/wandb-agent/wandb-agent/runapi/artifact"
)

// UsedArtifact is a version that the run reads, with what the server says of it.
type UsedArtifact struct {
	api.Artifact
	ref    wandbartifact.Ref
	client *api.Client
	local  *wandbartifact.Manifest // of a version that waits to be sent; then client is nil
}

// Ref returns the full name of the version, entity/project/name:v3. Of a version
// that was not sent yet it ends in its digest.
func (u *UsedArtifact) Ref() string { return u.ref.String() }

// Manifest returns the entries of the version.
func (u *UsedArtifact) Manifest(ctx context.Context) (*wandbartifact.Manifest, error) {
	if u.local != nil {
		return u.local, nil
	}
	return wandbartifact.FetchManifest(ctx, u.client, u.ID)
}

// Download puts the files of the version below dir and returns dir; "" is
// artifacts/<name>:<version> in the working directory. What is there already and
// right is kept; every file is compared with its digest.
func (u *UsedArtifact) Download(ctx context.Context, dir string, o wandbartifact.DownloadOptions) (string, error) {
	if dir == "" {
		dir = filepath.Join("artifacts", u.ref.Name+":"+u.ref.Version)
	}
	if u.local != nil {
		return dir, u.copyLocal(dir)
	}
	_, err := wandbartifact.DownloadFound(ctx, u.client, u.ref, &u.Artifact, dir, o)
	return dir, err
}

// copyLocal is Download of a version that waits to be sent.
func (u *UsedArtifact) copyLocal(dir string) error {
	if err := u.local.CheckNames(true); err != nil {
		return fmt.Errorf("download artifact %s: %w", u.ref, err)
	}
	for _, e := range u.local.Entries {
		if e.Ref != "" {
			return fmt.Errorf("download artifact %s: %s: %w", u.ref, e.Path, ErrOffline)
		}
		to := filepath.Join(dir, filepath.FromSlash(e.Path))
		err := os.MkdirAll(filepath.Dir(to), 0o777)
		if err == nil {
			err = os.Remove(to)
		}
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			err = copyFile(e.LocalPath, to)
		}
		if err != nil {
			return fmt.Errorf("download artifact %s: %w", u.ref, err)
		}
	}
	return nil
}

// Open returns one file of the version, which is fetched whole and compared with
// its digest first. One that the version does not have is fs.ErrNotExist.
func (u *UsedArtifact) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	m, err := u.Manifest(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s of artifact %s: %w", name, u.ref, err)
	}
	e := m.Find(name)
	switch {
	case e == nil:
		return nil, fmt.Errorf("open %s of artifact %s: %w", name, u.ref, fs.ErrNotExist)
	case u.local != nil && e.Ref == "":
		return os.Open(e.LocalPath)
	case u.local != nil:
		return nil, fmt.Errorf("open %s of artifact %s: %w", name, u.ref, ErrOffline)
	}
	dir, err := os.MkdirTemp("", "wandb-agent-artifact-")
	if err != nil {
		return nil, fmt.Errorf("open %s of artifact %s: %w", name, u.ref, err)
	}
	defer os.RemoveAll(dir) // the open file keeps its content
	if _, err := wandbartifact.DownloadFound(ctx, u.client, u.ref, &u.Artifact, dir, wandbartifact.DownloadOptions{Only: name}); err != nil {
		return nil, err
	}
	return os.Open(filepath.Join(dir, filepath.FromSlash(name)))
}

// EntryURI returns the reference wandb-artifact://... to a file of the version, for
// AddReference of another artifact, which needs References among its handlers:
// the file is then not stored twice. "" for a version that was not sent yet.
func (u *UsedArtifact) EntryURI(name string) string {
	uri, err := wandbartifact.EntryURI(u.ID, name)
	if err != nil || u.ID == "" {
		return ""
	}
	return uri
}

// References returns the handler of references to versions at the run's server.
func (u *UsedArtifact) References() artifact.Handler { return wandbartifact.Refs{Client: u.client} }

// linkID is what the server finds the version by.
func (u *UsedArtifact) linkID(context.Context) (artifactID string, err error) {
	if u.ID == "" {
		return "", ErrOffline
	}
	return u.ID, nil
}
